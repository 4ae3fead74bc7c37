"""Small files that would unpack to more than a machine holds, in whichever format: refused in one line, at once.

Each of them, without its check, ends the process within the parser (which makes all cells at once) or fills the memory.
"""

import json
import struct
import zipfile

import pandas as pd
import pytest

from gridmap.errors import ReadError
from gridmap.read.features import read_features
from gridmap.read.incidents import read_incidents

SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
FIRST = '<row r="1"><c r="A1" t="inlineStr"><is><t>lon</t></is></c></row>'


def xlsx(path, rows, *, part="worksheets/sheet1.xml", texts="", sheets=1, prefix=""):
    """A workbook of one part with these rows, named as a sheet so many times."""
    kind = f"{PACKAGE}/relationships"
    links = f'<Relationship Id="a" Type="{OFFICE}/worksheet" Target="{part}"/>'
    links += f'<Relationship Id="b" Type="{OFFICE}/sharedStrings" Target="sharedStrings.xml"/>' if texts else ""
    named = "".join(f'<sheet name="s{i}" sheetId="{i + 1}" r:id="a"/>' for i in range(sheets))
    body = f"<sheetData>{rows}</sheetData>"
    if prefix:
        body = body.replace("<", f"<{prefix}").replace(f"<{prefix}/", f"</{prefix}")
    space = f"xmlns{':' if prefix else ''}{prefix.rstrip(':')}"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{kind}"><Relationship Id="c" Type="{OFFICE}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{SPREADSHEET}" xmlns:r="{OFFICE}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{kind}">{links}</Relationships>',
        f"xl/{part}": f'<{prefix}worksheet {space}="{SPREADSHEET}">{body}</{prefix}worksheet>',
    }
    if texts:
        parts["xl/sharedStrings.xml"] = f'<sst xmlns="{SPREADSHEET}">{texts}</sst>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


FAR = {
    "as Excel writes it": {"rows": FIRST + '<row r="900000"><c r="IV900000"><v>1</v></c></row>'},
    "in single quotes": {"rows": FIRST + "<row r='900000'><c r='IV900000'><v>1</v></c></row>"},
    "in small letters": {"rows": FIRST + '<row r="900000"><c r="iv900000"><v>1</v></c></row>'},
    "with blanks": {"rows": FIRST + '<row r="900000"><c\n r = "IV900000"><v>1</v></c></row>'},
    "by the row's number": {"rows": FIRST + '<row r="900000"><c r="IV1"><v>1</v></c><c><v>1</v></c></row>'},
    "under a prefix": {"rows": FIRST + '<row r="900000"><c r="IV900000"><v>1</v></c></row>', "prefix": "x:"},
    "at another place": {"rows": FIRST + '<row r="900000"><c r="IV900000"><v>1</v></c></row>', "part": "e/f.xml"},
    "sixty times": {"rows": FIRST + '<row r="9000"><c r="IV9000"><v>1</v></c></row>', "sheets": 60},
}


@pytest.mark.parametrize("name", FAR)
def test_a_sheet_of_two_cells_far_apart(tmp_path, name):
    with pytest.raises(ReadError, match=r"cells filled"):
        read_incidents(xlsx(tmp_path / "a.xlsx", **FAR[name]))


def test_one_long_text_in_thousands_of_cells(tmp_path):
    rows = "".join(f'<row r="{i}">{"<c t=" + chr(34) + "s" + chr(34) + "><v>0</v></c>"}</row>' for i in range(1, 6_000))
    with pytest.raises(ReadError, match="bytes of text"):
        read_incidents(xlsx(tmp_path / "a.xlsx", rows, texts=f"<si><t>{'x' * 100_000}</t></si>"))


CELL = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'
REPEATS = {
    "rows": ('<table:table-row table:number-rows-repeated="900000">', ' table:number-columns-repeated="250"', "1"),
    "text": ('<table:table-row table:number-rows-repeated="900">', ' table:number-columns-repeated="900"', "x" * 9_000),
    "after a sign": ('<table:table-row a=">" table:number-rows-repeated="9000000">', ' b="/>" c=""', "1"),
    "no number": ('<table:table-row table:number-rows-repeated="&#57;00000000">', "", "1"),
}


@pytest.mark.parametrize("name", REPEATS)
def test_a_spreadsheet_that_repeats_its_rows(tmp_path, name):
    row, columns, text = REPEATS[name]
    names = "urn:oasis:names:tc:opendocument:xmlns"
    spaces = "".join(f' xmlns:{n}="{names}:{n}:1.0"' for n in ("office", "table", "text"))
    cell = CELL.format(columns, text)
    with zipfile.ZipFile(tmp_path / "a.ods", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr(
            "META-INF/manifest.xml", f'<m:manifest xmlns:m="{names}:manifest:1.0"><m:file-entry/></m:manifest>'
        )
        archive.writestr(
            "content.xml",
            f"<office:document-content{spaces}><office:body><office:spreadsheet>"
            f'<table:table table:name="s"><table:table-row>{CELL.format("", "lon")}</table:table-row>{row}{cell}'
            "</table:table-row></table:table></office:spreadsheet></office:body></office:document-content>",
        )
    with pytest.raises(ReadError, match=r"cells filled|bytes of text"):
        read_incidents(tmp_path / "a.ods")


def record(kind, body=b""):
    """A record of an .xlsb: its kind and its length in seven bits a byte."""
    head = bytes([kind]) if kind < 128 else bytes([kind & 127 | 128, kind >> 7])
    return head + bytes([len(body)]) + body


def wide(text):
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def xlsb(path, cells, texts=b""):
    """A binary workbook of one sheet: `cells` are records."""
    kind = f"{PACKAGE}/relationships"
    book = record(131) + record(143) + record(156, struct.pack("<II", 0, 1) + wide("a") + wide("s"))
    links = f'<Relationship Id="a" Type="{OFFICE}/worksheet" Target="worksheets/sheet1.bin"/>'
    links += f'<Relationship Id="b" Type="{OFFICE}/sharedStrings" Target="sharedStrings.bin"/>' if texts else ""
    sheet = record(129) + record(148, struct.pack("<4I", 0, 0, 0, 0)) + record(145) + cells
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", f'<Types xmlns="{PACKAGE}/content-types"/>')
        archive.writestr("xl/workbook.bin", book + record(144) + record(132))
        archive.writestr("xl/_rels/workbook.bin.rels", f'<Relationships xmlns="{kind}">{links}</Relationships>')
        archive.writestr("xl/worksheets/sheet1.bin", sheet + record(146) + record(130))
        if texts:
            archive.writestr("xl/sharedStrings.bin", texts)
    return path


def row(number):
    return record(0, struct.pack("<I", number) + bytes(21))


def real(column, value=1.0):
    return record(5, struct.pack("<IId", column, 0, value))


def test_a_binary_workbook_of_two_cells_far_apart(tmp_path):
    with pytest.raises(ReadError, match=r"1,000,000 rows by 256 columns"):
        read_incidents(xlsb(tmp_path / "a.xlsb", row(0) + real(0) + row(999_999) + real(255)))


def test_a_binary_workbook_of_one_long_text(tmp_path):
    long = "x" * 60_000
    body = b"\0" + wide(long)
    item = bytes([19]) + bytes([len(body) & 127 | 128, len(body) >> 7 & 127 | 128, len(body) >> 14]) + body
    texts = record(159, struct.pack("<II", 9_000, 1)) + item + record(160)
    cells = b"".join(row(i) + record(7, struct.pack("<III", 0, 0, 0)) for i in range(9_000))
    with pytest.raises(ReadError, match="bytes of text"):
        read_incidents(xlsb(tmp_path / "a.xlsb", cells, texts))


def test_an_old_workbook_of_one_long_text(tmp_path):
    xlwt = pytest.importorskip("xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("s")
    for i in range(12_000):
        sheet.write(i, 0, "词" * 30_000)
    book.save(tmp_path / "a.xls")
    with pytest.raises(ReadError, match="bytes of text"):
        read_incidents(tmp_path / "a.xls")


@pytest.mark.parametrize("ending", [".xlsx", ".xls"])
def test_an_honest_workbook_of_equal_texts_is_read(tmp_path, ending):
    frame = pd.DataFrame(
        {"lon": -1.55, "lat": 53.75, "note": "the same words in every row, and so on " * 5}, range(900)
    )
    frame.loc[3, "note"] = "一" * 20_000
    if ending == ".xlsx":
        frame.to_excel(tmp_path / "a.xlsx", index=False)
    else:
        xlwt = pytest.importorskip("xlwt")
        book = xlwt.Workbook()
        sheet = book.add_sheet("s")
        for i, values in enumerate([tuple(frame), *frame.itertuples(index=False)]):
            for j, value in enumerate(values):
                sheet.write(i, j, value)
        book.save(tmp_path / "a.xls")
    assert len(read_incidents(tmp_path / f"a{ending}")) == 900


def test_a_page_named_xls_whose_cells_lie_far_out(tmp_path):
    rows = '<tr><td ss:index="19999">1</td></tr>' * 1_200
    (tmp_path / "a.xls").write_text(f"<table><tr><td>lon</td><td>lat</td></tr>{rows}</table>")
    with pytest.raises(ReadError, match="cells filled"):
        read_incidents(tmp_path / "a.xls")


def test_merged_cells_that_overlap_are_filled_no_more_often_than_there_are_cells(tmp_path):
    import openpyxl
    from openpyxl.worksheet.cell_range import CellRange

    book = openpyxl.Workbook()
    sheet = book.active
    for i in range(300):
        sheet.append(["lon" if i == 0 else -1.5, "lat" if i == 0 else 53.7, *([None] * 40), "x"])
    sheet.merged_cells.ranges = {CellRange(f"A1:AP{n}") for n in range(250, 300)}
    book.save(tmp_path / "a.xlsx")
    read_features(tmp_path / "a.xlsx")


POINT = {"type": "Point", "coordinates": [-1.5, 53.7]}


@pytest.mark.parametrize("fields, features", [(40_000, 1), (20, 3_000)])
def test_features_with_fields_of_their_own(tmp_path, fields, features):
    made = [
        {"type": "Feature", "properties": {f"p{i}_{j}": 1 for j in range(fields)}, "geometry": POINT}
        for i in range(features)
    ]
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": made}))
    with pytest.raises(ReadError, match=r"columns"):
        read_features(tmp_path / "a.geojson")
    data = "".join(
        "<Placemark><ExtendedData>"
        + "".join(f'<Data name="{name}"><value>1</value></Data>' for name in feature["properties"])
        + "</ExtendedData><Point><coordinates>-1.5,53.7</coordinates></Point></Placemark>"
        for feature in made
    )
    (tmp_path / "a.kml").write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{data}</Document></kml>')
    with pytest.raises(ReadError, match=r"columns"):
        read_features(tmp_path / "a.kml")


def test_a_text_of_a_hundred_thousand_columns(tmp_path):
    (tmp_path / "a.csv").write_text("lon,lat" + ",c" * 100_000 + "\n-1.5,53.7" + "," * 100_000 + "\n")
    with pytest.raises(ReadError, match="has 100,002 columns"):
        read_incidents(tmp_path / "a.csv")


def test_a_topology_that_takes_its_arcs_again_and_again(tmp_path):
    arc = [[i % 2 / 10, i / 10_000] for i in range(10_000)]
    shape = {"type": "MultiLineString", "arcs": [[0]] * 5_000}
    (tmp_path / "a.json").write_text(
        json.dumps(
            {"type": "Topology", "arcs": [arc], "objects": {"a": {"type": "GeometryCollection", "geometries": [shape]}}}
        )
    )
    with pytest.raises(ReadError, match="millions of corners"):
        read_features(tmp_path / "a.json")


def test_an_esri_polygon_of_thousands_of_holes_takes_no_time(tmp_path):
    def ring(x, y, side, clockwise):
        corners = [[x, y], [x, y + side], [x + side, y + side], [x + side, y], [x, y]]
        return corners if clockwise else corners[::-1]

    rings = [ring(i % 60 * 0.01, i // 60 * 0.01, 0.008, True) for i in range(3_000)]
    rings += [ring(i % 60 * 0.01 + 0.002, i // 60 * 0.01 + 0.002, 0.004, False) for i in range(3_000)]
    layer = {"geometryType": "esriGeometryPolygon", "spatialReference": {"wkid": 4326}}
    layer["features"] = [{"attributes": {"a": 1}, "geometry": {"rings": rings}}]
    (tmp_path / "a.json").write_text(json.dumps(layer))
    shape = read_features(tmp_path / "a.json").geometry.iloc[0]
    assert len(shape.geoms) == 3_000
    assert all(len(part.interiors) == 1 for part in shape.geoms)


@pytest.mark.parametrize("column", ["note", "date", "lon"])
def test_a_long_text_takes_time_by_its_length_and_not_by_the_square_of_it(column):
    """A hundred thousand characters in one field took minutes; a process of its own is not needed to see it."""
    rows = pd.DataFrame({"lon": "-1.55", "lat": "53.75", "date": "2024-03-05 10:00", "note": "a"}, range(20))
    rows.loc[3, column] = "1" + {"note": "一", "date": " ", "lon": "\t"}[column] * 300_000 + "1"
    read = read_incidents(rows)
    assert len(read) == (20 if column == "note" else 19)
