"""GeoPackage: all layers in one file, with the map's colours, which QGIS applies by itself.

QGIS reads a layer's style from the table `layer_styles`; its layout is that which QGIS makes when it saves a style into
a database. Labels become a categorised renderer, amounts a rule-based one (QGIS's graduated renderer cannot tell zero,
no data and the first class apart), clusters an outline. Written by GDAL; CRS, index and the run's facts are kept.
"""

import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as ET

import pandas as pd
import pyogrio

from gridmap._io import xml_text
from gridmap.exports.formats.base import Format
from gridmap.exports.plain_frames import geometry_kind, pieces_of, plain_frame
from gridmap.exports.result_parts import Part, Stamp, shapes_of
from gridmap.exports.styles import Rule, Style, style_of

__all__ = ["FORMATS", "filter_of", "qml", "to_geopackage"]

TABLE = """
CREATE TABLE layer_styles (
    id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), f_table_schema TEXT(256),
    f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT,
    useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30),
    update_time DATETIME DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')))
"""
HEAD = '<!DOCTYPE qgis PUBLIC "http://mrcc.com/qgis.dtd" "SYSTEM">\n'
BORDER = "85,96,110,90"


def to_geopackage(parts: list[Part], path: Path, stamp: Stamp) -> None:
    """All parts as layers of one GeoPackage; tables without shapes as attribute tables."""
    shapes_of(parts, "A GeoPackage")
    styles = []
    for part in parts:
        if part.is_spatial:
            shapes_of([part], "A GeoPackage")
        frame = _in_utc(plain_frame(part.frame, reserved=("fid", "geom")))
        options = {"driver": "GPKG", "layer": part.name, "layer_metadata": stamp.flat(part), "append": path.exists()}
        if (style := style_of(part, stamp.language)) is not None:
            styles.append((part.name, "geom", style))
        pieces = pieces_of(frame) if part.is_spatial else [slice(0, len(frame))]
        kind = geometry_kind(frame)
        pyogrio.write_dataframe(frame.iloc[pieces[0]], path, **options, **kind)
        for piece in pieces[1:]:
            pyogrio.write_dataframe(frame.iloc[piece], path, driver="GPKG", layer=part.name, append=True, **kind)
    if styles:
        add_styles(path, styles)


def _in_utc(frame: pd.DataFrame) -> pd.DataFrame:
    """Times of a known zone as the same moment in UTC, the one zone that GeoPackage has."""
    zoned = [c for c in frame.columns if isinstance(frame[c].dtype, pd.DatetimeTZDtype)]
    return frame.assign(**{c: frame[c].dt.tz_convert("UTC") for c in zoned}) if zoned else frame


def add_styles(path: Path, styles: Sequence[tuple[str, str, Style]]) -> None:
    """Write styles into a GeoPackage: (layer, geometry column, style) each."""
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        db.execute(TABLE)
        db.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
            "SELECT 'layer_styles', 'attributes', 'layer_styles', '', max(last_change) FROM gpkg_contents"
        )
        for layer, geometry, style in styles:
            db.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, "
                "styleName, styleQML, styleSLD, useAsDefault, description, owner, update_time) "
                "SELECT '', '', ?, ?, ?, ?, '', 1, 'gridmap', '', max(last_change) FROM gpkg_contents",
                (layer, geometry, "gridmap", qml(style)),
            )


def qml(style: Style) -> str:
    """A style as QGIS's own XML."""
    root = ET.Element("qgis", {"version": "3.22.0", "styleCategories": "Symbology"})
    symbols = ET.Element("symbols")
    for i, rule in enumerate(style.rules):
        symbols.append(_symbol(str(i), rule, style.outline))
    if style.column is None:
        renderer = ET.SubElement(root, "renderer-v2", {"type": "singleSymbol", "symbollevels": "0"})
    elif any(rule.values for rule in style.rules):
        renderer = ET.SubElement(
            root, "renderer-v2", {"type": "categorizedSymbol", "attr": style.column, "symbollevels": "0"}
        )
        categories = ET.SubElement(renderer, "categories")
        for i, rule in enumerate(style.rules):
            for value in rule.values or ([""] if rule.missing else []):
                ET.SubElement(
                    categories, "category",
                    {"render": "true", "symbol": str(i), "value": _clean(value), "label": _clean(rule.label)},
                )  # fmt: skip
    else:
        renderer = ET.SubElement(root, "renderer-v2", {"type": "RuleRenderer", "symbollevels": "0"})
        rules = ET.SubElement(renderer, "rules", {"key": "gridmap"})
        for i, rule in enumerate(style.rules):
            ET.SubElement(
                rules, "rule",
                {"key": f"gridmap{i}", "symbol": str(i), "label": _clean(rule.label),
                 "filter": filter_of(rule, style.column)},
            )  # fmt: skip
    renderer.append(symbols)
    ET.indent(root)
    return HEAD + ET.tostring(root, encoding="unicode")


def filter_of(rule: Rule, column: str) -> str:
    """A rule's rows as an expression of QGIS (and of SQL).

    Examples
    --------
    >>> filter_of(Rule("1–3", "#FFEDA0", above=0.0, upto=3.0), "count")
    '"count" > 0.0 AND "count" <= 3.0'
    """
    name = '"' + _clean(column).replace('"', '""') + '"'
    if rule.missing:
        return f"{name} IS NULL"
    ends = [f"{name} > {rule.above!r}"] if rule.above is not None else []
    ends += [f"{name} <= {rule.upto!r}"] if rule.upto is not None else []
    return " AND ".join(ends)


def _symbol(name: str, rule: Rule, outline: bool) -> ET.Element:
    symbol = ET.Element("symbol", {"type": "fill", "name": name, "alpha": "1", "clip_to_extent": "1", "force_rhr": "0"})
    options = {
        "color": _rgba(rule.colour, 255), "style": "no" if outline else "solid",
        "outline_color": _rgba(rule.colour, 255) if outline else BORDER, "outline_style": "solid",
        "outline_width": "0.7" if outline else "0.1", "outline_width_unit": "MM",
    }  # fmt: skip
    symbol.append(_layer("SimpleFill", options))
    if rule.hatch:
        line = {"angle": "45", "color": "107,114,128,255", "distance": "2", "distance_unit": "MM", "line_width": "0.3"}
        symbol.append(_layer("LinePatternFill", line))
    return symbol


def _layer(kind: str, options: dict[str, str]) -> ET.Element:
    """A symbol layer, its settings written as QGIS 3 before and after 3.24 reads them."""
    layer = ET.Element("layer", {"class": kind, "enabled": "1", "locked": "0", "pass": "0"})
    held = ET.SubElement(layer, "Option", {"type": "Map"})
    for name, value in options.items():
        ET.SubElement(held, "Option", {"name": name, "type": "QString", "value": value})
    for name, value in options.items():
        ET.SubElement(layer, "prop", {"k": name, "v": value})
    return layer


def _rgba(colour: str, alpha: int) -> str:
    return ",".join(str(int(colour[i : i + 2], 16)) for i in (1, 3, 5)) + f",{alpha}"


def _clean(text: str) -> str:
    return xml_text(text)


FORMATS = {".gpkg": Format(to_geopackage, many=True)}
