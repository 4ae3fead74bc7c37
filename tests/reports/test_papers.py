"""Every paper says the map's and the run's numbers, in types and text that stay what they are."""

import base64
import datetime as dt
import io
import json
import os
import re
import shutil
import socket
import zipfile
import zlib
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import openpyxl
import pandas as pd
import pypdf
import pytest
from docx import Document
from matplotlib.text import Text
from pptx import Presentation
from pptx.util import Cm

import gridmap.reports.paper
from gridmap.errors import OutputError, ReadError, SettingError
from gridmap.messages import say
from gridmap.reports.briefing import PAPERS, write_briefing
from gridmap.reports.compare_runs import changes_since
from gridmap.reports.paper import pictures
from gridmap.reports.paper.content import NOT_IN_SUMMARY, Cell, Column, Section, Table, briefing_content, note_of_cut
from gridmap.reports.paper.docx import TOGETHER, WIDTH_CM, _size_pt, _table, _tall_changed, _widths, docx_bytes
from gridmap.reports.paper.pdf import pdf_bytes
from gridmap.reports.paper.pptx import LINES, SMALLEST_PT, _high, pptx_bytes
from gridmap.reports.results_folder import read_run
from gridmap.runs import run_pipeline
from gridmap.runs.verify import verify_run

LANGUAGES = ("en", "zh")
TEMPLATES = Path(gridmap.reports.paper.__file__).parent / "templates"


class Papers(dict):
    """Every format in both languages by (ending, language), each written when it is first read."""

    def __init__(self, run, folder):
        super().__init__()
        self.run, self.folder = run, folder

    def __missing__(self, key):
        ending, language = key
        self[key] = write_briefing(self.run, self.folder / f"{language}{ending}", language=language)
        return self[key]


@pytest.fixture(scope="module")
def papers(april, tmp_path_factory):
    return Papers(april, tmp_path_factory.mktemp("papers"))


@pytest.fixture(scope="module")
def content(april):
    run = read_run(april)
    return {language: briefing_content(run, changes_since(run), language=language) for language in LANGUAGES}


def page_of(run) -> dict:
    """What the map page holds."""
    html = (run / "map.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="gridmap-data">(.*?)</script>', html, re.S).group(1))


def words(path) -> str:
    """All that can be read in a paper, without blanks: lines break where they like."""
    if path.suffix == ".pdf":
        text = "".join(page.extract_text() for page in pypdf.PdfReader(path).pages)
    elif path.suffix == ".docx":
        document = Document(path)
        text = "".join(p.text for p in document.paragraphs)
        text += "".join(c.text for t in document.tables for row in t.rows for c in row.cells)
    elif path.suffix == ".pptx":
        text = ""
        for shape in (s for slide in Presentation(path).slides for s in slide.shapes):
            text += shape.text_frame.text if shape.has_text_frame else ""
            text += "".join(c.text for row in shape.table.rows for c in row.cells) if shape.has_table else ""
    else:
        book = openpyxl.load_workbook(path)
        text = "".join(
            str(c) for sheet in book for row in sheet.iter_rows(values_only=True) for c in row if c is not None
        )
    return re.sub(r"\s+", "", text)


def tables(path) -> list[list[list[str]]]:
    if path.suffix == ".docx":
        return [[[c.text for c in row.cells] for row in table.rows] for table in Document(path).tables]
    shapes = [s for slide in Presentation(path).slides for s in slide.shapes if s.has_table]
    return [[[c.text for c in row.cells] for row in s.table.rows] for s in shapes]


def test_the_ranked_tables_are_those_of_the_map(april):
    page = page_of(april)
    drawn = [layer for layer in page["layers"] if layer["ranked"]]
    told = [layer for entry in read_run(april).results for layer in entry["layers"] if layer["ranked"]]
    assert len(drawn) == len(told) > 0
    for layer, entry in zip(drawn, told, strict=True):
        assert [r["name"] for r in layer["ranked"]] == [r["name"] for r in entry["ranked"]]
        assert [r["values"] for r in layer["ranked"]] == [r["values"] for r in entry["ranked"]]
        assert layer["classes"] == entry["classes"]


def test_each_cell_has_the_class_that_the_page_draws_it_in(april):
    layer = page_of(april)["layers"][0]
    codes = list(zlib.decompress(base64.b64decode(layer["codes"])))
    assert read_run(april).table("1_hotspot_test.parquet")["class_code"].tolist() == codes


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_summary_is_that_of_the_run(april, content, language):
    manifest = json.loads((april / "run.json").read_text(encoding="utf-8"))
    if language == manifest["settings"].get("language", "en"):
        assert set(content[language].summary) <= set(manifest["summary"])
    facts = {f.kind: f.values for f in read_run(april).facts}
    assert facts["sample"]["used"] == manifest["incidents"]["used"]
    assert facts["sample"]["aside"] == manifest["incidents"]["set_aside"]
    assert facts["sample"]["rows"] == sum(e["rows"] for e in manifest["inputs"][1:])
    counts = read_run(april).table("1_hotspot_test.parquet")["count"]
    assert facts["hot"]["total"] == counts.sum()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ending", PAPERS)
def test_every_sentence_of_the_four_pages_stands_in_every_paper(papers, content, ending, language):
    text, b = words(papers[ending, language]), content[language]
    lines = [*b.limits, b.title, b.subtitle, b.run_id, b.classification]
    lines += [part for a in b.answers for part in (a.headline, a.detail)] if ending != ".pptx" else []
    lines += b.since.lines[:1]
    if ending in (".pdf", ".docx"):
        lines += [*b.mind, *b.places.lines, *b.run_lines, *b.since.lines, *(line for s in b.others for line in s.lines)]
    if ending == ".xlsx":
        lines += [*b.summary, *b.since.lines]
    for line in lines:
        assert re.sub(r"\s+", "", line) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_workbook_says_everything_that_the_run_said(april, content, language):
    kinds = {f.kind for f in read_run(april).facts}
    said = {f.kind for f in read_run(april).facts if f.say(language) in content[language].summary}
    assert kinds - said <= set(NOT_IN_SUMMARY)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_briefing_is_four_pages_and_the_annex_follows_where_it_is_wanted(april, papers, tmp_path, language):
    assert len(pypdf.PdfReader(papers[".pdf", language]).pages) == 4
    longer = write_briefing(april, tmp_path / "annex.pdf", language=language, annex=True)
    pages = pypdf.PdfReader(longer).pages
    assert len(pages) >= 4 + len(read_run(april).results)
    text = re.sub(r"\s+", "", "".join(page.extract_text() for page in pages))
    content = briefing_content(read_run(april), changes_since(read_run(april)), language=language, annex=True)
    for section in content.annex:
        assert re.sub(r"\s+", "", section.heading) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_slides_are_at_most_eight_and_large_enough_for_the_back_row(papers, language):
    slides = Presentation(papers[".pptx", language]).slides
    assert 4 <= len(slides) <= 8
    boxes = [s.text_frame for slide in slides for s in slide.shapes if s.has_text_frame]
    boxes += [
        c.text_frame for slide in slides for s in slide.shapes if s.has_table for r in s.table.rows for c in r.cells
    ]
    sizes = [run.font.size.pt for box in boxes for p in box.paragraphs for run in p.runs]
    assert min(sizes) >= 18


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_type_within_the_pictures_of_slides_is_as_large_as_theirs(content, language, monkeypatch):
    figures = []
    monkeypatch.setattr(pictures, "picture_of", lambda figure, **_: (figures.append(figure), (b"", 0.5))[1])
    b = content[language]
    drawn = [p for p in (b.map, b.places.picture, b.periods) if p is not None]
    for picture in drawn:
        picture.at(12.2, 0.46, SMALLEST_PT)
    assert len(figures) == len(drawn) >= 2
    texts = [t for figure in figures for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]
    ranks = [t for t in texts if t.get_text().isdigit()]
    assert min(t.get_fontsize() for t in texts if t not in ranks) >= SMALLEST_PT
    assert min(t.get_fontsize() for t in ranks) >= 0.85 * SMALLEST_PT  # two digits in a badge


def test_no_column_of_a_word_table_is_narrower_than_its_longest_word():
    columns = [Column("a", "名次"), Column("b", "地点", True), Column("c", "所属", True), *[Column("d", "数量")] * 5]
    row = ["1", "Leeds Dock, Hunslet & Stourton（南部）", "Wakefield", *["1,000"] * 4, "×3.5 (0.7–34.5)"]
    widths = _widths(Table(columns, [[Cell(text) for text in row]] * 10))
    assert widths[2] >= 1.9
    assert abs(sum(widths) - WIDTH_CM) < 0.01


def test_a_name_over_a_small_map_is_cut_where_people_would_cut_it():
    assert pictures._in_lines("3 Leeds Dock, Hunslet & Stourton", 9, 2) == ["3 Leeds Dock,", "Hunslet &…"]
    assert pictures._in_lines("8 杨营村（村道）", 7, 2) == ["8 杨营村（村", "道）"]
    assert pictures._in_lines("4 Shearbridge & University", 7, 3)[0] == "4 Shearbridge"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_of_the_tables_stands_in_the_pdf(papers, content, language):
    text, b = words(papers[".pdf", language]), content[language]
    for table in (b.places.table, b.kinds, b.sources):
        for row in table.rows if table else ():
            assert re.sub(r"\s+", "", "".join(cell.text for cell in row)) in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ending", [".docx", ".pptx"])
def test_the_tables_of_the_office_papers_are_the_content_s(papers, content, ending, language):
    found, b = tables(papers[ending, language]), content[language]
    for table in (b.places.table, b.kinds):
        if table is None:
            continue
        wanted = table if ending == ".docx" else table.head(10, most_columns=7 if table is b.places.table else 6)
        rows = [
            [c.text if len(c.text) <= 60 or ending == ".docx" else c.text[:59] + "…" for c in r] for r in wanted.rows
        ]
        assert [[c.title for c in wanted.columns], *rows] in found


def test_one_number_for_one_thing_on_page_papers_workbook_geopackage_and_facts(april, papers, content):
    """The same theme and period: its total, its places and their counts, wherever they are printed."""
    run, b = read_run(april), content["en"]
    entry, layer = run.results[0], run.results[0]["layers"][0]
    cells = run.table(layer["file"])
    total = int(cells["count"].sum())
    drawn = page_of(april)["layers"][0]
    facts = {f.kind: f.values for f in run.facts if f.step == entry["step"]}
    assert {v["total"] for v in facts.values() if "total" in v} == {total}
    assert f"{total:,} incidents" in b.subtitle
    assert dict(b.head)["Incidents used"] == f"{total:,}"
    gpkg = gpd.read_file(april / "hotspots.gpkg", layer="1_getis_ord") if (april / "hotspots.gpkg").exists() else cells
    assert int(gpkg["count"].sum()) == total
    significant = int(cells["significant"].fillna(False).astype(bool).sum())
    hot = cells["label"].astype(str).str.startswith("hot") & cells["significant"].fillna(False).astype(bool)
    assert facts["hot"]["n"] == int(hot.sum()) <= significant
    book = openpyxl.load_workbook(papers[".xlsx", "en"])
    sheet = book[b.annex[0].heading]
    head = [c.value for c in sheet[1]]
    counts = [row[head.index("count")].value for row in sheet.iter_rows(min_row=2)]
    assert (
        counts == [row["values"]["count"] for row in layer["ranked"]] == [r["values"]["count"] for r in drawn["ranked"]]
    )
    column = [c.key for c in b.places.table.columns].index("count")
    assert [row[column].value for row in b.places.table.rows] == counts[:10]
    trend = run.table("trend.parquet")
    assert int(trend["count"].sum()) == run.head["incidents"] - run.head["outside"]


def test_no_p_of_zero_is_printed_or_held(april, papers):
    for sheet in openpyxl.load_workbook(papers[".xlsx", "en"]):
        head = [str(c.value) for c in sheet[1]]
        for i, name in enumerate(head):
            if name == "p" or name.startswith(("q (", "p of")):
                values = [row[i] for row in sheet.iter_rows(min_row=2, values_only=True)]
                assert all(v is None or v >= 0.001 for v in values if not isinstance(v, str)), sheet.title


def test_an_empty_result_takes_no_picture(nothing_hot):
    run = read_run(nothing_hot)
    content = briefing_content(run, changes_since(run), annex=True)
    assert content.annex[0].picture is None
    assert content.places.picture is None


def test_the_workbook_holds_numbers_dates_filters_and_all_rows(papers, content, april):
    book = openpyxl.load_workbook(papers[".xlsx", "en"])
    section = content["en"].annex[0]
    sheet = book[section.heading]
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref.startswith("A1:")
    head = [c.value for c in sheet[1]]
    assert head == [c.title for c in section.whole.columns]
    rows = [[c.value for c in row] for row in sheet.iter_rows(min_row=2)]
    ranked = read_run(april).results[0]["layers"][0]["ranked"]
    assert len(rows) == len(ranked)
    assert [row[head.index("count")] for row in rows] == [r["values"]["count"] for r in ranked]
    over = book["Over time"]
    begins = [c.value for c in over[1]].index("Begins")
    assert all(isinstance(row[begins], dt.datetime) for row in over.iter_rows(min_row=2, values_only=True))
    trend = pd.read_parquet(april / "results" / "trend.parquet")
    assert [row[-1] for row in over.iter_rows(min_row=2, values_only=True)] == trend["count"].tolist()
    made = [c.value for c in book["Summary"]["B"] if isinstance(c.value, dt.datetime)]
    assert len(made) == 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_text_that_begins_with_a_sign_stays_text(papers, language):
    book = openpyxl.load_workbook(papers[".xlsx", language])
    cells = [c for sheet in book for row in sheet.iter_rows() for c in row]
    assert not [c for c in cells if c.data_type == "f" or c.hyperlink]
    assert any(c.value == '=HYPERLINK("x") 南门街道' for c in cells if c.data_type == "s")


def test_markup_from_data_is_text_on_paper(papers):
    text = words(papers[".pdf", "en"])
    assert "<script>alert(1)</script>&Söhne" in text
    assert "Theft<b>&more</b>,=1+1" in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_pages_are_numbered_and_fonts_embedded(papers, language):
    reader = pypdf.PdfReader(papers[".pdf", language])
    n = len(reader.pages)
    for i, page in enumerate(reader.pages, start=1):
        wanted = f"page{i}of{n}" if language == "en" else f"第{i}页，共{n}页"
        assert wanted in re.sub(r"\s+", "", page.extract_text())
        for font in page["/Resources"]["/Font"].values():
            below = font.get_object().get("/DescendantFonts", [font])[0].get_object()
            described = below["/FontDescriptor"]
            assert {"/FontFile", "/FontFile2", "/FontFile3"} & set(described)
            assert re.search("GridmapSansSC|DejaVuSans", described["/FontName"])  # those that we brought
    last = re.sub(r"\s+", "", reader.pages[-1].extract_text())
    assert ("Sourcesandhowitwasmade" if language == "en" else "数据来源与制作") in last


def test_word_turns_pages_into_numbers_and_repeats_the_head_of_tables(papers):
    with zipfile.ZipFile(papers[".docx", "zh"]) as archive:
        footer = "".join(archive.read(n).decode() for n in archive.namelist() if "footer" in n)
        body = archive.read("word/document.xml").decode()
    assert "PAGE" in footer
    assert "NUMPAGES" in footer
    assert "w:tblHeader" in body
    assert "w:cantSplit" in body
    with zipfile.ZipFile(papers[".docx", "zh"]) as archive:
        assert "w:eastAsia" in archive.read("word/styles.xml").decode()


@pytest.mark.parametrize("ending", PAPERS)
def test_the_same_run_gives_the_same_bytes(april, papers, tmp_path, ending):
    first = papers[ending, "zh"]
    again = write_briefing(april, tmp_path / f"again{ending}", language="zh")
    assert again.read_bytes() == first.read_bytes()


def test_a_template_of_one_s_own_replaces_ours(april, tmp_path):
    own = tmp_path / "own"
    (own / "art").mkdir(parents=True)
    (own / "art" / "crest.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>')
    (own / "briefing.typ").write_text(
        '#let b = json("briefing.json")\n#image("art/crest.svg") #b.title: #b.summary.len() lines', encoding="utf-8"
    )
    path = write_briefing(april, tmp_path / "own.pdf", template=own)
    (page,) = pypdf.PdfReader(path).pages
    assert re.search(r"Theft <b>& more</b>, =1\+1: \d+ lines", page.extract_text())


def test_a_style_of_one_s_own_alone_changes_how_it_looks(april, papers, tmp_path):
    style = (TEMPLATES / "style.typ").read_text(encoding="utf-8")
    assert 'paper: "a4"' in style
    (tmp_path / "style.typ").write_text(style.replace('paper: "a4"', 'paper: "us-letter"'), encoding="utf-8")
    reader = pypdf.PdfReader(write_briefing(april, tmp_path / "letter.pdf", template=tmp_path))
    assert [round(float(side)) for side in reader.pages[0].mediabox[2:]] == [612, 792]
    assert words(tmp_path / "letter.pdf")[:40] == words(papers[".pdf", "en"])[:40]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\n#let a = (", "briefing.typ, line 2: unclosed delimiter"),
        ('#json("briefing.json").nothing', "line 1: .*nothing"),
        ('#read("/etc/hostname")', "line 1: file not found"),
        ('#read("../../../../../../etc/hostname")', "line 1: "),
        ('#read("secret.key")', "line 1: file not found"),
        ('#import "@preview/cetz:0.3.0"', "line 1: "),
        ('#import ("@pre" + "view/cetz:0.3.0"): *', "line 1: "),
    ],
)
def test_a_template_with_a_mistake_is_named_and_reads_nothing_else(april, tmp_path, text, said):
    own = tmp_path / "own"
    own.mkdir()
    (own / "briefing.typ").write_text(text, encoding="utf-8")
    (own / "secret.key").write_text("not what a paper is made of")
    with pytest.raises(ReadError, match=said):
        write_briefing(april, tmp_path / "x.pdf", template=own)
    assert not (tmp_path / "x.pdf").exists()


def test_a_template_s_folder_leads_nowhere_else(april, tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.txt").write_text("of somebody else")
    own = tmp_path / "own"
    own.mkdir()
    (own / "a.txt").symlink_to(tmp_path / "elsewhere" / "a.txt")
    (own / "briefing.typ").write_text('#read("a.txt")')
    with pytest.raises(ReadError, match="file not found"):
        write_briefing(april, tmp_path / "x.pdf", template=own)


def test_a_template_that_names_a_package_makes_no_request(april, tmp_path):
    """Whatever typst would ask for meets a listener of ours, and the listener hears nothing."""
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.MonkeyPatch.context() as patch:
        patch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{listener.getsockname()[1]}")
        listener.settimeout(0.2)
        (tmp_path / "briefing.typ").write_text('#import "@preview/cetz:0.3.0"', encoding="utf-8")
        with pytest.raises(ReadError):
            write_briefing(april, tmp_path / "x.pdf", template=tmp_path)
        with pytest.raises(TimeoutError):
            listener.accept()
        assert os.environ["HTTPS_PROXY"].startswith("http://127.0.0.1:")


def test_typst_lays_out_with_no_way_to_the_network_and_the_environment_is_given_back(april, tmp_path, monkeypatch):
    import typst

    ways = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy")
    seen = []

    def looked(*given, **options):
        seen.append({name: os.environ.get(name) for name in (*ways, "NO_PROXY", "no_proxy")})
        raise RuntimeError("as far as this test goes")

    monkeypatch.setattr(typst, "Compiler", looked)
    for name in (*ways, "no_proxy"):
        monkeypatch.setenv(name, "http://proxy.example:3128")
    monkeypatch.delenv("NO_PROXY", raising=False)
    before = dict(os.environ)
    with pytest.raises(RuntimeError, match="as far as"):
        write_briefing(april, tmp_path / "x.pdf")
    assert seen == [dict.fromkeys(ways, "http://127.0.0.1:9") | {"NO_PROXY": "", "no_proxy": ""}]
    assert dict(os.environ) == before


def test_a_template_in_html_and_an_empty_folder_are_refused_in_one_line(april, tmp_path):
    with pytest.raises(ReadError, match=r"briefing\.typ"):
        write_briefing(april, tmp_path / "x.pdf", template=tmp_path)
    (tmp_path / "briefing.html").write_text("<p>", encoding="utf-8")
    with pytest.raises(ReadError, match="now set by typst"):
        write_briefing(april, tmp_path / "x.pdf", template=tmp_path)
    with (tmp_path / "style.typ").open("wb") as large:
        large.truncate(40_000_000)
    with pytest.raises(ReadError, match="more than 30,000,000 bytes"):
        write_briefing(april, tmp_path / "x.pdf", template=tmp_path)


def test_a_rare_character_is_drawn_in_bold_text_too(april, tmp_path):
    """Bold has 6,500 characters; those that it lacks come from the regular font, never as an empty box."""
    title = "\u4fb9\u4fcd\u3447 的 Hotspots"
    text = words(write_briefing(april, tmp_path / "x.pdf", title=title, language="zh"))
    assert re.sub(r"\s", "", title) in text


def test_what_is_no_run_or_was_changed_is_said_in_one_line(april, tmp_path):
    with pytest.raises(ReadError, match="no folder"):
        write_briefing(tmp_path / "absent", tmp_path / "x.pdf")
    with pytest.raises(ReadError, match=r"no run\.json"):
        write_briefing(tmp_path, tmp_path / "x.pdf")
    copy = tmp_path / "copy"
    shutil.copytree(april, copy)
    facts = copy / "results" / "facts.json"
    kept = facts.read_text(encoding="utf-8")
    facts.write_text(kept.replace('"format": 1', '"format": 99'), encoding="utf-8")
    with pytest.raises(ReadError, match="changed since"):
        write_briefing(copy, tmp_path / "x.pdf")
    manifest = json.loads((copy / "run.json").read_text(encoding="utf-8"))
    (copy / "run.json").write_text(json.dumps(manifest | {"outputs": []}), encoding="utf-8")
    with pytest.raises(ReadError, match="format 99"):
        write_briefing(copy, tmp_path / "x.pdf")
    facts.write_text("{", encoding="utf-8")
    with pytest.raises(ReadError, match="not JSON"):
        write_briefing(copy, tmp_path / "x.pdf")
    facts.unlink()
    with pytest.raises(ReadError, match="earlier version"):
        write_briefing(copy, tmp_path / "x.pdf")
    facts.write_text(kept, encoding="utf-8")
    (copy / "run.json").write_text(json.dumps(manifest), encoding="utf-8")
    (copy / "results" / "1_hotspot_test.parquet").write_bytes(b"PAR1")
    with pytest.raises(ReadError, match="changed since"):
        write_briefing(copy, tmp_path / "x.pdf")
    (copy / "results" / "1_hotspot_test.parquet").unlink()
    with pytest.raises(ReadError, match="missing"):
        write_briefing(copy, tmp_path / "x.pdf")
    assert not (tmp_path / "x.pdf").exists()


def test_an_unknown_ending_or_language_and_a_place_that_cannot_be_written(april, tmp_path):
    with pytest.raises(SettingError, match="ends in"):
        write_briefing(april, tmp_path / "x.odt")
    with pytest.raises(SettingError, match="language"):
        write_briefing(april, tmp_path / "x.pdf", language="fr")
    (tmp_path / "x.docx").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        write_briefing(april, tmp_path / "x.docx")
    (tmp_path / "file").write_text("taken", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        write_briefing(april, tmp_path / "file" / "x.docx")
    with pytest.raises(SettingError, match="takes no template"):
        write_briefing(april, tmp_path / "x.xlsx", template=tmp_path)


def test_a_pipeline_writes_its_report_and_compares_with_what_it_replaces(town, tmp_path):
    from gridmap.runs import run_pipeline

    first = run_pipeline(town("2024-03", outputs={"report": "one.pdf", "report_pages": 1}), tmp_path / "out")
    assert len(pypdf.PdfReader(first.outputs["report"]).pages) == 1
    with pytest.raises(SettingError, match="One page is written as"):
        run_pipeline(town("2024-04", outputs={"report": "x.xlsx", "report_pages": 1}), tmp_path / "out")
    report = run_pipeline(town("2024-04", outputs={"report": "briefing.docx"}), tmp_path / "out")
    manifest = json.loads((tmp_path / "out" / "run.json").read_text(encoding="utf-8"))
    assert "briefing.docx" in {entry["path"] for entry in manifest["outputs"]}
    text = words(report.outputs["report"])
    assert "since2024-03-01–2024-03-28" in text


@pytest.fixture(scope="module")
def nothing_hot(town, tmp_path_factory):
    from gridmap.runs import run_pipeline

    pipeline = town("2024-03", hotspots=[{"getis_ord": {"order": 1, "permutations": 99, "correction": "bonferroni"}}])
    out = tmp_path_factory.mktemp("nothing_hot") / "out"
    run_pipeline(pipeline, out)
    return out


def in_a_format(ending):
    """The ending as a parameter of a test."""
    return ending


@pytest.mark.parametrize("ending", PAPERS)
def test_nothing_hot_still_makes_papers(nothing_hot, tmp_path, ending):
    assert not read_run(nothing_hot).results[0]["layers"][0]["ranked"]
    said = words(write_briefing(nothing_hot, tmp_path / f"x{ending}"))
    assert re.search("nocellof|Noneof266cells", said)


def test_the_public_s_paper_holds_no_small_number_and_no_rows_of_the_input(town, tmp_path):
    from gridmap.runs import run_pipeline

    only = [{"hotspot_test": {"order": 1}, "name": "Theft"}]
    run_pipeline(town(audience="public", classification=None, hotspots=only), tmp_path / "out")
    run = read_run(tmp_path / "out")
    assert {f.kind for f in run.facts}.isdisjoint({"outside", "vague_times"})
    assert "rows" not in run.head
    assert not (tmp_path / "out" / "results" / "set_aside.parquet").exists()
    assert run.table("1_hotspot_test.parquet")["count"].min() >= 5
    assert "thepublic" in words(write_briefing(tmp_path / "out", tmp_path / "x.docx"))


def test_a_paper_laid_into_the_run_s_folder_stands_in_its_audit(town, tmp_path):
    run_pipeline(town(), tmp_path / "run")
    write_briefing(tmp_path / "run", tmp_path / "run/briefing.xlsx")
    write_briefing(tmp_path / "run", tmp_path / "elsewhere.xlsx")
    assert verify_run(tmp_path / "run").faults == []
    (tmp_path / "run/briefing.xlsx").write_bytes(b"another")
    assert any("briefing.xlsx" in fault for fault in verify_run(tmp_path / "run").faults)


def test_facts_of_an_earlier_version_are_read(april, tmp_path):
    """Words of the page by their key, notes as text, no answers: what facts.json held before."""
    shutil.copytree(april, tmp_path / "run")
    facts = json.loads((tmp_path / "run/results/facts.json").read_text(encoding="utf-8"))
    for entry in facts["results"]:
        entry["notes"] = ["About 15 incidents are expected."]
        for layer in entry["layers"]:
            layer.pop("answers")
            layer["name"] = {"w": f"layer {entry['method']}"}
            for row in layer["ranked"]:
                row["label"], row["name"] = {"w": "label hot 99"}, str(row["rank"])
    (tmp_path / "run/results/facts.json").write_text(json.dumps(facts), encoding="utf-8")
    manifest = json.loads((tmp_path / "run/run.json").read_text(encoding="utf-8"))
    (tmp_path / "run/run.json").write_text(json.dumps(manifest | {"outputs": []}), encoding="utf-8")
    text = words(write_briefing(tmp_path / "run", tmp_path / "old.xlsx", language="zh"))
    assert "热点99%" in text
    assert "About15incidentsareexpected." in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("ending", [".pdf", ".docx"])
def test_one_page_holds_the_answers_the_places_and_every_note(april, content, tmp_path, ending, language):
    path = write_briefing(april, tmp_path / f"one{ending}", language=language, pages=1)
    b, text = content[language], words(path)
    if ending == ".pdf":
        (page,) = pypdf.PdfReader(path).pages
        assert [round(float(side)) for side in page.mediabox[2:]] == [595, 842]
    assert b.claims
    assert any(f.values.get("null") for f in read_run(april).facts)
    lines = [b.title, b.subtitle, b.classification, *(part for a in b.answers for part in (a.headline, a.detail))]
    lines += [*b.claims, *b.mind, *b.limits, *(value for _, value in b.head)]
    assert "a test" in lines  # the source
    for line in lines:
        assert re.sub(r"\s+", "", line) in text
    ranked = read_run(april).results[0]["layers"][0]["ranked"]
    column = [c.key for c in b.places.table.columns].index("count")
    first = [c.text for c in b.places.table.rows[0]]
    assert first[column] == str(round(ranked[0]["values"]["count"]))
    assert "".join(re.sub(r"\s+", "", cell) for cell in first) in text


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_page_prints_no_number_that_the_run_does_not_hold(april, content, tmp_path, language):
    """What the page says beside its running lines stands in the content, which is made of the run's facts."""
    b = content[language]
    text = words(write_briefing(april, tmp_path / "one.pdf", language=language, pages=1))
    kept = [b.title, b.subtitle, b.run_id, b.map.caption, b.places.heading, *b.places.notes]
    kept += [part for a in b.answers for part in (a.question, a.headline, a.detail)]
    kept += [*b.claims, *b.mind, *b.limits, *(part for pair in b.head for part in pair)]
    kept += [cell.text for row in b.places.table.rows for cell in row] + [c.title for c in b.places.table.columns]
    numbers = {n for line in kept for n in re.findall(r"\d+", line)} | {"1"}  # page 1 of 1
    for found in re.findall(r"\d+", text):
        assert found in numbers or re.fullmatch("(" + "|".join(sorted(numbers, key=len, reverse=True)) + ")+", found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_does_not_fit_on_one_page_is_cut_from_the_places(content, language):
    """Thirty kinds, long notes, ten long names: the notes stay whole, the list of places is shorter and says so."""
    b = content[language]
    row, titles = b.places.table.rows[0], b.places.table.columns
    named = [c.key for c in titles].index("name")
    long = tuple(
        tuple(Cell(f"place{i} " + "long name " * 14) if j == named else c for j, c in enumerate(row)) for i in range(10)
    )
    places = replace(b.places, table=Table(titles, long), whole=Table(titles, long * 3))
    kinds = Table(
        (Column("category", "kind", wide=True), Column("count", "2024-04")),
        tuple((Cell(f"kind{i}"), Cell("7", 7)) for i in range(30)),
    )
    full = replace(b, places=places, kinds=kinds, kinds_note="kinds are noted", mind=[*b.mind, "minded " * 60])
    (page,) = pypdf.PdfReader(io.BytesIO(pdf_bytes(full, pages=1))).pages
    text = re.sub(r"\s+", "", page.extract_text())
    for line in (*full.claims, *full.mind, *full.limits, full.kinds_note):
        assert re.sub(r"\s+", "", line) in text
    shown = sum(f"place{i}long" in text for i in range(10))
    assert shown < 10
    assert re.sub(r"\s+", "", say("paper.first_rows", language, shown=shown, total=30)) in text
    assert "kind11" in text
    assert "kind12" not in text
    document = Document(io.BytesIO(docx_bytes(full, pages=1)))
    assert sum("long name" in row.cells[named].text for table in document.tables for row in table.rows[1:]) < 10
    assert any("minded minded" in p.text for p in document.paragraphs)
    with pytest.raises(OutputError, match="one page"):
        pdf_bytes(replace(full, mind=["minded " * 3000]), pages=1)
    with pytest.raises(OutputError, match="one page"):
        docx_bytes(replace(full, mind=["minded " * 3000]), pages=1)


def test_one_page_is_refused_where_there_is_none(april, tmp_path):
    with pytest.raises(SettingError, match="1 page or 4"):
        write_briefing(april, tmp_path / "x.pdf", pages=2)
    with pytest.raises(SettingError, match=r"\.pdf or \.docx"):
        write_briefing(april, tmp_path / "x.pptx", pages=1)
    with pytest.raises(SettingError, match="no annex"):
        write_briefing(april, tmp_path / "x.pdf", pages=1, annex=True)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_table_of_kinds_against_three_periods_fits_the_page(content, language):
    """Weeks as heads of columns: the letters become smaller, no column leaves the page, no number breaks."""
    b = content[language]
    against = [f"2024-0{m}-0{d} 至 0{m}-1{d}" for m, d in ((6, 1), (5, 2), (4, 3))]
    columns = [Column("category", "类别", wide=True), Column("count", "2024-06-24 至 06-30")]
    row = [Cell("电动自行车电池被盗"), Cell("12")]
    for period in against:
        columns += [Column("count", period), Column("percent", "增减"), Column("interval", "95% 区间")]
        row += [Cell("8"), Cell("+1,998%"), Cell("−44% 至 +12,623%")]
    kinds = Table(tuple(columns), (tuple(row),))
    assert sum(_widths(kinds)) == pytest.approx(17.0)
    assert 6.5 <= _size_pt(kinds, 9) < 9
    page = pypdf.PdfReader(io.BytesIO(pdf_bytes(replace(b, kinds=kinds)))).pages[2]
    right = []
    page.extract_text(visitor_text=lambda text, cm, tm, *_: right.append((text, tm[4] + cm[4])))
    ends = [x for text, x in right if "12,623" in text.replace(" ", "")]
    assert len(ends) == 3
    assert max(ends) < float(page.mediabox.width) - 50  # begins well before the margin


def test_a_word_page_is_reckoned_with_what_stands_on_it(content):
    b = content["zh"]
    many = replace(b, others=[Section(f"结果 {i}", ["一句很长的话" * 20] * 4) for i in range(9)])
    document = Document(io.BytesIO(docx_bytes(many)))
    headed = [p.text for p in document.paragraphs if p.style.name == "Heading 3" and p.text.startswith("结果")]
    assert 0 < len(headed) < 9
    assert _tall_changed(many, 9, 6.4, 12, 12) > 24 > _tall_changed(many, len(headed), 4.4, 6, 3)


@pytest.mark.parametrize(("rows", "kept"), [(3, [True, True, True, False]), (TOGETHER + 1, [False] * (TOGETHER + 2))])
def test_a_short_table_in_word_stands_whole_on_one_page(rows, kept):
    document = Document()
    _table(document, Table((Column("n", "n"),), ((Cell("1"),),) * rows))
    lines = document.tables[0].rows
    assert [bool(line.cells[0].paragraphs[0].paragraph_format.keep_with_next) for line in lines] == kept


@pytest.mark.parametrize("language", LANGUAGES)
def test_slides_of_every_kind_and_district_are_eight_and_say_what_they_leave_out(content, language):
    """Kinds and districts share a slide: with both, and many of each, there are no more than eight."""
    briefing = content[language]
    column = (Column("category", "kind", wide=True), Column("count", "2024"))
    many = Table(column, tuple((Cell(f"kind {i}"), Cell(str(i))) for i in range(14)))
    given = replace(briefing, kinds=many, areas=many, governed=[])
    slides = Presentation(io.BytesIO(pptx_bytes(given))).slides
    assert len(slides) <= 8
    both = [s for slide in slides for s in slide.shapes if s.has_table and s.table.cell(0, 0).text_frame.text == "kind"]
    assert len(both) == 2
    assert all(s.top + s.height <= Cm(17.6) for s in both)
    text = " ".join(s.text_frame.text for slide in slides for s in slide.shapes if s.has_text_frame)
    assert all(say("paper.first_of", language, shown=len(s.table.rows) - 1, total=14) in text for s in both)


def test_a_table_that_is_cut_says_so():
    table = Table((Column("name", "kind", wide=True),), tuple((Cell(str(i)),) for i in range(14)))
    assert note_of_cut(table, 14, "A note.", "en") == "A note."
    cut = note_of_cut(table, 6, "A note.", "en")
    assert "first 6 of 14" in cut
    assert "A note." in cut


def test_sentences_that_are_few_fill_their_slide_and_many_are_not_smaller_than_18_points():
    assert _high(["short"] * 3, 26) < LINES
    assert _high(["x" * 300] * 5, 26) > LINES
