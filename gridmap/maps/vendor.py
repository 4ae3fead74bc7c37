"""Fetch the page's third-party scripts again: `python -m gridmap.maps.vendor`.

The page needs no network because its libraries travel in the package. This is how they got there: pinned
versions, fetched with `npm pack` (from whichever registry npm is set to), the few files needed copied
unchanged into `static/`, and their sha256 written to `static/manifest.json`, which the tests hold.
"""

import hashlib
import json
import subprocess
import tarfile
import tempfile
from pathlib import Path

__all__ = ["PACKAGES", "STATIC", "write_vendored"]

STATIC = Path(__file__).parent / "static"

#: package → version, SPDX licence, what it does for the page, {file in the package: file in static/}
PACKAGES = {
    "leaflet": (
        "1.9.4",
        "BSD-2-Clause",
        "the map: panning, zooming, controls",
        {
            "dist/leaflet.js": "leaflet.js",
            "dist/leaflet.css": "leaflet.css",
            "dist/images/layers.png": "layers.png",
            "dist/images/layers-2x.png": "layers-2x.png",
            "dist/images/marker-icon.png": "marker-icon.png",
            "dist/images/marker-icon-2x.png": "marker-icon-2x.png",
            "dist/images/marker-shadow.png": "marker-shadow.png",
        },
    ),
    "h3-js": ("4.5.0", "Apache-2.0", "from an H3 id to its hexagon", {"dist/h3-js.umd.js": "h3-js.js"}),
    "fflate": ("0.8.3", "MIT", "unpacks the page's data", {"umd/index.js": "fflate.js"}),
}


def write_vendored(static: Path = STATIC, packages: dict = PACKAGES, by: str = "gridmap.maps.vendor") -> dict:
    """Write the pinned files, their manifest and their licences into `static`; returns the manifest."""
    manifest, licences = {}, []
    with tempfile.TemporaryDirectory() as folder:
        for package, (version, licence, reason, files) in packages.items():
            packed = subprocess.run(
                ["npm", "pack", "--silent", f"{package}@{version}"], cwd=folder, check=True, capture_output=True
            )
            with tarfile.open(Path(folder) / packed.stdout.decode().split()[-1]) as archive:

                def read(name, archive=archive):
                    return archive.extractfile(f"package/{name}").read()

                for source, target in files.items():
                    content = read(source)
                    (static / target).write_bytes(content)
                    manifest[target] = {
                        "package": package,
                        "version": version,
                        "file": source,
                        "licence": licence,
                        "bytes": len(content),
                        "sha256": hashlib.sha256(content).hexdigest(),
                    }
                text = read("LICENSE").decode().replace("\r\n", "\n").strip()
                licences.append(f"## {package} {version}: {licence}\n\nUsed for {reason}.\n\n```\n{text}\n```\n")
    (static / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    (static / "THIRD_PARTY_LICENSES.md").write_text(
        f"# Third-party scripts in a gridmap page\n\nCopied unchanged by `python -m {by}`; "
        "hashes in `manifest.json`.\n\n" + "\n".join(licences),
        encoding="utf-8",
    )
    return manifest


if __name__ == "__main__":
    write_vendored()
