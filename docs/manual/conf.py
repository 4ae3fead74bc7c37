"""Sphinx's settings of the manual; `build.py` beside this calls it once a language."""

import json
import os
import re
import sys
from pathlib import Path

import sphinx.search
from docutils import nodes
from sphinx.search import SearchLanguage

HERE = Path(os.environ["GRIDMAP_MANUAL"])  # the stage is elsewhere
sys.path.insert(0, str(HERE.parents[1]))
LANGUAGE = os.environ["GRIDMAP_MANUAL_LANGUAGE"]

NAMES = json.loads(Path(__file__).with_name("names.json").read_text(encoding="utf-8"))

project = "gridmap"
author = "The gridmap authors"
copyright = author
language = {"en": "en", "zh": "zh_CN"}[LANGUAGE]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_templates"]
templates_path = [str(HERE / "templates")]
myst_heading_anchors = 3
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
nitpicky = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # docstrings say the types, in words
autodoc_preserve_defaults = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = False
napoleon_use_ivar = True

html_theme = "furo"
html_title = {"en": "gridmap", "zh": "gridmap 手册"}[LANGUAGE]
html_static_path = [str(HERE / "static")]
html_css_files = ["manual.css"]
html_copy_source = html_show_sourcelink = html_show_sphinx = html_show_copyright = False
html_domain_indices = False
html_show_search_summary = False  # a summary would be fetched, which a browser refuses from file://
html_sidebars = {
    "**": [
        "sidebar/brand.html",
        "language.html",
        "sidebar/search.html",
        "sidebar/scroll-start.html",
        "sidebar/navigation.html",
        "sidebar/scroll-end.html",
    ]
}
FONTS = "system-ui, 'Segoe UI', 'Microsoft YaHei', 'PingFang SC', 'Noto Sans CJK SC', sans-serif"
html_theme_options = {
    "light_css_variables": {"font-stack": FONTS},
    "dark_css_variables": {"font-stack": FONTS},
    "top_of_page_buttons": [],
}
pygments_style, pygments_dark_style = "friendly", "monokai"


class SearchPairs(SearchLanguage):
    """Chinese by pairs of neighbouring characters, words in Latin letters as they are: no dictionary is needed."""

    lang = "zh"
    language_name = "Chinese"
    js_splitter_code = r"""
function splitQuery(query) {
  const found = [];
  for (const run of query.match(/[\u4e00-\u9fff]+|[A-Za-z0-9_]+/g) || []) {
    if (!/[\u4e00-\u9fff]/.test(run)) found.push(run);
    else for (let i = 0; i < Math.max(run.length - 1, 1); i++) found.push(run.slice(i, i + 2));
  }
  return found;
}
"""

    def split(self, input: str) -> list[str]:
        """Pairs of Chinese characters, and Latin words."""
        found = []
        for run in re.findall(r"[\u4e00-\u9fff]+|[A-Za-z0-9_]+", input):
            chinese = re.match(r"[\u4e00-\u9fff]", run)
            found += [run[i : i + 2] for i in range(max(len(run) - 1, 1))] if chinese else [run]
        return found

    def stem(self, word: str) -> str:
        """In small letters, as the page's own script does it."""
        return word.lower()


def completed(app, what, name, obj, options, lines) -> None:
    """A docstring with its sentence in Chinese before it, and what to see beside it after it."""
    for i, line in enumerate(lines):
        lines[i] = re.sub(r"(?<![`:\w])`([^`]+)`(?![`_])", linked, line)
    short = name.removeprefix("gridmap.")
    entry = NAMES.get(short)
    if entry is None:
        return
    if LANGUAGE == "zh":
        lines[:0] = [f"**{entry['zh']}**", ""]
    names = ", ".join(f":py:obj:`{other} <gridmap.{other}>`" for other in entry["also"])
    pages = ", ".join(f":doc:`/{page}`" for page in entry["pages"])
    lines += ["", ".. seealso::", "", "   " + "; ".join(part for part in (names, pages) if part), ""]


def linked(found: re.Match) -> str:
    """`hotspot_test` in a docstring leads to it, where it is public; other code stays code."""
    return f":py:obj:`{found[1]} <gridmap.{found[1]}>`" if found[1] in NAMES else f"``{found[1]}``"


def headings(app, doctree) -> None:
    """Wide tables scroll in a box of their own."""
    for table in doctree.findall(nodes.table):
        table["classes"].append("wide")


def setup(app) -> None:
    """Connect what stands above."""
    sphinx.search.languages["zh"] = SearchPairs
    app.connect("autodoc-process-docstring", completed)
    app.connect("doctree-read", headings)
