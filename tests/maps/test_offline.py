import hashlib
import json
import re

import folium
import pytest

import gridmap as gm
from gridmap.errors import OutputError
from gridmap.maps.offline import STATIC, asset, inline, script_json
from gridmap.maps.vendor import PACKAGES


def test_every_bundled_file_has_the_hash_in_the_manifest():
    manifest = json.loads((STATIC / "manifest.json").read_text())
    bundled = {f.name for f in STATIC.iterdir()} - {"manifest.json", "THIRD_PARTY_LICENSES.md"}
    assert set(manifest) == bundled
    for name, entry in manifest.items():
        content = (STATIC / name).read_bytes()
        assert hashlib.sha256(content).hexdigest() == entry["sha256"], name
        assert len(content) == entry["bytes"]
        assert PACKAGES[entry["package"]][0] == entry["version"]


def test_every_package_has_its_licence_in_full():
    licences = (STATIC / "THIRD_PARTY_LICENSES.md").read_text()
    for package, (version, licence, _, _) in PACKAGES.items():
        assert f"## {package} {version}: {licence}" in licences
    assert "Redistribution and use in source and binary forms" in licences
    assert "Apache License" in licences
    assert "Permission is hereby granted" in licences


def test_the_page_names_no_address_and_forbids_all(hot, tmp_path):
    html = gm.build_map([gm.hotspot_layer(hot)]).save(tmp_path / "m.html").read_text()
    rule = re.search(r'Content-Security-Policy" content="([^"]+)"', html)[1]
    assert rule.startswith("default-src 'none'")
    assert "http" not in rule
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", html)
    assert "sourceMappingURL" not in html


def test_an_element_that_links_elsewhere_is_refused_by_name(hot, tmp_path):
    page = gm.build_map([gm.hotspot_layer(hot)])
    folium.TileLayer("https://tiles.example.org/{z}/{x}/{y}.png", attr="x").add_to(page)
    with pytest.raises(OutputError, match=r"tiles\.example\.org"):
        page.save(tmp_path / "m.html")
    assert not list(tmp_path.iterdir())


def test_an_unknown_script_is_refused():
    with pytest.raises(OutputError, match="jquery"):
        inline('<script src="https://code.jquery.com/jquery-3.7.1.min.js"></script>')


def test_json_in_a_script_keeps_no_markup():
    text = script_json({"a": "</script><script>alert(1)</script>\u2028\u2029<!--&\ud800"})
    assert not set("<>&\u2028\u2029\ud800") & set(text)
    assert json.loads(text)["a"] == "</script><script>alert(1)</script>\u2028\u2029<!--&\ud800"


def test_assets_carry_their_images():
    assert "data:image/png;base64," in asset("leaflet.css")
    assert "images/" not in asset("leaflet.css")
