"""A page that makes no network request.

folium links its libraries from servers. `OfflineFigure` takes the HTML that folium renders and puts
the bundled copies in their place, refuses whatever else would be fetched, and adds a Content-Security-Policy, so
that the browser itself forbids the outside: scripts run only when their sha256 is in the policy, images and data
come from the page, nothing is sent anywhere.
"""

import base64
import hashlib
import html as html_escape
import json
import re
from functools import cache
from pathlib import Path

from branca.element import Figure

from gridmap.errors import OutputError
from gridmap.messages import Note, say

__all__ = ["BUILT", "OfflineFigure", "asset", "inline", "policy", "script_json"]

STATIC = Path(__file__).parent / "static"
#: The page's own script and style, as `gridmap/maps/web/build.mjs` writes them.
BUILT = Path(__file__).parent / "web" / "built"

#: What folium and our page link, by the end of the address → the bundled file.
KNOWN = {"leaflet.js": "leaflet.js", "leaflet.css": "leaflet.css"}

_SCRIPT = re.compile(r'<script\b[^>]*\bsrc=["\']([^"\']+)["\'][^>]*>\s*</script>', re.IGNORECASE)
_STYLE = re.compile(r'<link\b[^>]*\bhref=["\']([^"\']+)["\'][^>]*/?>', re.IGNORECASE)
_DATA = re.compile(r'<script type="application/json".*?</script>', re.DOTALL)
_VIEWPORT = re.compile(r'<meta name="viewport"[^>]*>', re.DOTALL)  # folium's forbids the reader to enlarge the page
_CODE = re.compile(r"<script>(.*?)</script>", re.DOTALL)
_FETCH = re.compile(
    r"""(?:<(?:img|iframe|script|link|source|object|embed)\b[^>]*?(?:src|href|data)\s*=\s*["']?
        |L\.tileLayer(?:\.wms)?\(\s*["']|url\(\s*["']?|@import\s+["'])
        ((?:https?:)?//[^\s"'<>)]+)""",
    re.IGNORECASE | re.VERBOSE,
)


@cache
def asset(name: str) -> str:
    """A bundled file as it stands in the page: text, with its images as data URIs and no link to elsewhere."""
    text = (STATIC / name).read_text(encoding="utf-8").replace("\r\n", "\n")
    text = re.sub(r"(?m)^//[#@] sourceMappingURL=.*$", "", text)
    if name == "leaflet.css":
        text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
        text = re.sub(r"url\(images/([\w.-]+)\)", lambda m: f"url({_data_uri(m[1])})", text)
        text = re.sub(r"[^{};]*behavior:\s*url\([^)]*\);?", "", text)  # Internet Explorer's
    if name == "leaflet.js":
        text = text.replace("https://leafletjs.com", "#")  # the flag and link in the corner; the page writes its own
    return text.replace("</script", "<\\/script")


def _data_uri(image: str) -> str:
    return "data:image/png;base64," + base64.b64encode((STATIC / image).read_bytes()).decode("ascii")


def inline(html: str, *, hosts: tuple[str, ...] = ()) -> str:
    """Rendered HTML with every known link replaced by the bundled file.

    Parameters
    ----------
    html : str
        As folium renders a map.
    hosts : tuple of str
        Origins that the page may ask, as for an intranet's tiles: `http://tiles.intranet:8080`.

    Raises
    ------
    OutputError
        If it would fetch anything else.
    """

    def script(match):
        return f"<script>{asset(_bundled(match[1]))}</script>"

    def style(match):
        return f"<style>{asset(_bundled(match[1]))}</style>"

    out = _STYLE.sub(style, _SCRIPT.sub(script, html))
    for match in _FETCH.finditer(_DATA.sub("", out)):
        if not any(match[1].startswith(host) for host in hosts):
            raise OutputError(Note("maps.would_fetch", address=match[1][:120]))
    return out


def _bundled(address: str) -> str:
    name = KNOWN.get(address.split("?")[0].rsplit("/", 1)[-1])
    if name is None:
        raise OutputError(Note("maps.not_bundled", address=address[:120]))
    return name


def policy(html: str, hosts: tuple[str, ...] = ()) -> str:
    """The Content-Security-Policy of a finished page: only its own scripts, by their sha256."""
    codes = _CODE.findall(_DATA.sub("", html))
    hashes = " ".join(
        f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode('ascii')}'" for code in codes
    )
    images = " ".join(("data:", "blob:", *hosts))
    return (
        f"default-src 'none'; script-src {hashes or chr(39) + 'none' + chr(39)}; style-src 'unsafe-inline'; "
        f"img-src {images}; font-src data:; connect-src data: blob:; worker-src blob:; "
        "base-uri 'none'; form-action 'none'"
    )


def script_json(value) -> str:
    """JSON that can stand inside a script element: no tag, comment or line separator survives as itself.

    Examples
    --------
    >>> print(script_json({"name": "</script><script>alert(1)</script>"}))
    {"name":"\\u003c/script\\u003e\\u003cscript\\u003ealert(1)\\u003c/script\\u003e"}
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # lone surrogates cannot be written as UTF-8; the rest could end the script or a line of it
    return re.sub(r"[<>&\u2028\u2029\ufeff\ud800-\udfff]", lambda m: f"\\u{ord(m[0]):04x}", text)


class OfflineFigure(Figure):
    """branca's Figure, rendered as one file that needs no network."""

    hosts: tuple[str, ...] = ()
    language: str = "en"

    def render(self, **kwargs) -> str:
        """The whole page as HTML."""
        for child in self._children.values():
            child.render(**kwargs)
        head, body = self.header.render(**kwargs), self.html.render(**kwargs)
        head = _VIEWPORT.sub('<meta name="viewport" content="width=device-width, initial-scale=1.0">', head)
        code = self.script.render(**kwargs).replace("</script", "<\\/script")
        title = html_escape.escape(self.title or "gridmap")
        page = inline(
            f"{head}\n<title>{title}</title>\n</head>\n<body>\n{body}\n<script>{code}</script>\n</body>\n</html>\n",
            hosts=self.hosts,
        ).replace("\r", "")
        rule = html_escape.escape(policy(page, self.hosts), quote=False).replace('"', "&quot;")
        lang = say("language.locale", self.language).replace("_", "-")
        return (
            f'<!DOCTYPE html>\n<html lang="{lang}">\n<head>\n<meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{rule}">\n{page}'
        )
