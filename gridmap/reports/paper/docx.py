"""The briefing as a Word document: headings that a contents list finds, tables whose head repeats, page x of y.

Chinese is set in a font named for East Asian text (`w:eastAsia`), without which Word falls back to whatever it has.
A template is a .docx of one's own: its styles, margins, header and footer are kept, its text is removed.
"""

import io
import re
from functools import partial
from math import ceil
from pathlib import Path

from docx import Document
from docx.enum.section import WD_ORIENT
from docx.enum.table import WD_TABLE_ALIGNMENT
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.opc.exceptions import PackageNotFoundError
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import Cm, Pt, RGBColor

from gridmap._fonts import office_fonts
from gridmap.errors import OutputError, ReadError
from gridmap.messages import Note
from gridmap.reports.paper.content import (
    MOST_METHODS,
    MOST_NOTES,
    MOST_OTHERS,
    Briefing,
    Page,
    Picture,
    Section,
    Table,
    first_kinds,
    first_places,
    note_of_cut,
    notes_of_one_page,
    words_in,
)
from gridmap.reports.paper.office import steady_zip, template_file, written_at, xml_text

__all__ = ["docx_bytes"]

GREY, RED = RGBColor(0x4B, 0x55, 0x63), RGBColor(0xB9, 0x1C, 0x1C)
WIDTH_CM, TALLEST_CM = 17.0, 10.4


def docx_bytes(briefing: Briefing, *, template: str | Path | None = None, pages: int = 4) -> bytes:
    """The briefing as the bytes of a .docx; the same briefing gives the same bytes.

    Parameters
    ----------
    briefing : Briefing
    template : path of a .docx, or of a folder with `briefing.docx`, optional
    pages : 1 or 4

    Raises
    ------
    OutputError
        If the notes alone do not fit on one page.
    """
    document, own = _document(template)
    w = words_in(briefing.language)
    if not own:
        _page(document)
    _fonts(document, briefing.language)
    _running(document, briefing, w)
    if pages == 1:
        _one_page(document, briefing, w)
    else:
        _four_pages(document, briefing, w)
    core = document.core_properties
    core.title, core.author, core.last_modified_by = xml_text(briefing.title, 250), "gridmap", "gridmap"
    core.created = core.modified = written_at(briefing.run.written)
    core.comments, core.revision = f"{w('run_id')} {briefing.run_id}", 1
    out = io.BytesIO()
    document.save(out)
    return steady_zip(out.getvalue())


def _four_pages(document, briefing: Briefing, w) -> None:
    _first(document, briefing, w)
    _places(document, briefing.places)
    _changed(document, briefing, w)
    for page in briefing.governed:
        _governed(document, page)
    _last(document, briefing, w)
    if briefing.with_annex:
        _annex(document, briefing, w)


#: One page: how high the map is and how many places, tried from the first on. Notes are never cut.
ONE_PAGE = (
    *((map_cm, places) for map_cm in (8.5, 7.0, 5.5) for places in (10, 8, 6, 5, 4, 3)),
    *((5.5, 2), (5.5, 1), (5.5, 0), (4.0, 0)),
)
#: Word breaks lines itself, so their number is reckoned, from letters as wide as this share of their height; lines have
#: an exact height. A tenth of the page stays empty for what the reckoning misses.
LETTER, LINE, FILLED = 0.53, 1.22, 0.9
ONE_WIDE_CM, CM_OF_PT = 17.0, 2.54 / 72
#: A page of four: what is put on the third and on the last, as much as fits, tried from the first on.
THIRD_PAGE = (
    *((MOST_OTHERS, 6.4, 12, 12), (3, 5.8, 12, 8), (3, 5.2, 10, 6), (2, 5.0, 8, 5), (1, 4.6, 6, 4), (0, 4.4, 6, 3)),
    (0, 4.4, 5, 0),
)
#: The second: how high the small maps are, and how many sentences follow.
SECOND_PAGE = ((9.5, 20), (8.5, 20), (7.5, 20), (7.5, 8), (7.0, 6), (6.5, 4), (6.0, 2))
LAST_PAGE = ((MOST_METHODS, MOST_NOTES, 5), (6, 1, 5), (5, 1, 4), (4, 1, 3), (3, 1, 3))
#: Single lines of Chinese fonts are so much taller than their letters; headings with the space around them, in cm.
SINGLE, HEADINGS_CM = 1.45, {1: 1.5, 2: 1.15, 3: 1.0}
SMALLEST_PT = 6.5
#: A letter of 9 points in a table of many columns, the room that text has at least there, and a cell's margins, in cm.
LETTER_CM, TEXT_CM, MARGINS_CM = 0.19, 2.6, 0.45


def _tall(text: str, size_pt: float, wide_cm: float = ONE_WIDE_CM) -> float:
    """Centimetres that a paragraph takes."""
    letters = sum(1.0 if ord(c) > 0x2E80 else LETTER for c in text) * size_pt * CM_OF_PT
    return max(1, ceil(letters / wide_cm * 1.03)) * size_pt * LINE * CM_OF_PT


def _tall_table(table: Table | None, size_pt: float) -> float:
    if table is None or not table.rows:
        return 0.0
    wide, size_pt = [cm - 0.4 for cm in _widths(table)], _size_pt(table, size_pt)
    texts = [[c.title for c in table.columns], *([cell.text for cell in row] for row in table.rows)]
    return sum(max(_tall(t, size_pt, cm) for t, cm in zip(row, wide, strict=True)) + 0.03 for row in texts)


def _tall_lines(texts, size_pt: float, after_pt: float = 1) -> float:
    """Centimetres of paragraphs whose lines are as tall as their font makes them."""
    return sum(_tall(text, size_pt) * SINGLE / LINE + after_pt * CM_OF_PT for text in texts)


def _first_that_fits(document, rooms, tall):
    """The first of some rooms that a page holds; the last where none does."""
    page = document.sections[0]
    free = (page.page_height - page.top_margin - page.bottom_margin) / Cm(1) * FILLED
    return next((room for room in rooms if tall(*room) <= free), rooms[-1])


def _one_page(document, briefing: Briefing, w) -> None:
    """The answers, the map, the first places, the kinds, and the notes that are never cut: on one page."""
    page = document.sections[0]
    page.top_margin, page.bottom_margin = Cm(1.6), Cm(1.5)
    page.header_distance = page.footer_distance = Cm(0.7)
    small = 8.0
    kinds, kinds_note = first_kinds(briefing)
    answers = [(w("label", label=a.question, text=a.headline), a.detail) for a in briefing.answers]
    closing = [kinds_note] if kinds is not None else []
    notes = notes_of_one_page(briefing)
    head = "    ".join(w("label", label=label, text=text) for label, text in briefing.head)
    fixed = (
        _tall(briefing.classification or "", 9.5)
        + _tall(briefing.title, 16)
        + _tall(briefing.subtitle, 9.5)
        + _tall_table(kinds, small)
    )
    fixed += sum(_tall("  ".join(pair), 9.5) for pair in answers) + sum(
        _tall(t, small) for t in [*closing, *notes, head]
    )
    fixed += _tall(w("kinds"), 10.5) * (kinds is not None) + _tall(briefing.places.heading, 10.5) + 0.5
    room = (page.page_height - page.top_margin - page.bottom_margin) / Cm(1) * FILLED
    for map_cm, rows in ONE_PAGE:
        places = first_places(briefing, rows)
        drawn = 0.0 if briefing.map is None else min(map_cm, ONE_WIDE_CM * briefing.map.ratio) + 0.1
        drawn += 0.0 if briefing.map is None else _tall(briefing.map.caption, small)
        listed = _tall_table(places.table, small) + sum(_tall(note, small) for note in places.notes)
        if fixed + drawn + listed <= room:
            break
    else:
        raise OutputError(Note("reports.more_than_a_page"))
    if briefing.classification:
        _run(document.add_paragraph(), briefing.classification, bold=True, colour=RED, size_pt=9.5)
        document.paragraphs[-1].alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _exact(document.paragraphs[-1], 9.5)
    _line(document, [(briefing.title, True)], 16)
    _line(document, [(briefing.subtitle, False)], 9.5)
    for headline, detail in answers:
        _line(document, [(headline, True), (f"  {detail}", False)], 9.5)
    if briefing.map is not None:
        _picture(document, briefing.map, tallest_cm=map_cm)
        for paragraph in document.paragraphs[-2:]:
            paragraph.paragraph_format.space_after = Pt(0)
        _exact(document.paragraphs[-1], small)
    _line(document, [(places.heading, True)], 10.5)
    _small_table(document, places.table, small)
    for note in places.notes:
        _line(document, [(note, False)], small)
    if kinds is not None:
        _line(document, [(w("kinds"), True)], 10.5)
        _small_table(document, kinds, small)
    for text in [*closing, *notes, head]:
        _line(document, [(text, False)], small)


def _line(document, parts, size_pt: float) -> None:
    paragraph = document.add_paragraph()
    for text, bold in parts:
        _run(paragraph, text, bold=bold, size_pt=size_pt)
    _exact(paragraph, size_pt)


def _exact(paragraph, size_pt: float) -> None:
    """Lines of an exact height, so that a page can be reckoned."""
    layout = paragraph.paragraph_format
    layout.space_before = layout.space_after = Pt(0)
    layout.line_spacing = Pt(size_pt * LINE)


def _small_table(document, table: Table | None, size_pt: float) -> None:
    if table is None or not table.rows:
        return
    _table(document, table, size_pt=size_pt)
    for row in document.tables[-1].rows:
        for cell in row.cells:
            _exact(cell.paragraphs[0], size_pt)
    _exact(document.paragraphs[-1], 2)


def _document(template):
    path = template_file(template, "briefing.docx")
    if path is None:
        return Document(), False
    try:
        document = Document(str(path))
    except (PackageNotFoundError, OSError, KeyError, ValueError) as error:
        raise ReadError(Note("reports.not_a_word_template", path=str(path), why=type(error).__name__)) from None
    body = document.element.body
    for child in list(body):
        if child.tag != qn("w:sectPr"):
            body.remove(child)
    return document, True


def _page(document) -> None:
    page = document.sections[0]
    page.orientation = WD_ORIENT.PORTRAIT
    page.page_width, page.page_height = Cm(21), Cm(29.7)
    page.left_margin = page.right_margin = Cm(2)
    page.top_margin, page.bottom_margin = Cm(2.2), Cm(1.9)


def _fonts(document, language: str) -> None:
    latin, chinese = office_fonts(language)
    for name in ("Normal", "Title", "Heading 1", "Heading 2", "Heading 3", "List Bullet"):
        try:
            style = document.styles[name]
        except KeyError:
            continue
        style.font.name = latin
        fonts = style.element.get_or_add_rPr().get_or_add_rFonts()
        for attribute in ("w:asciiTheme", "w:hAnsiTheme", "w:eastAsiaTheme", "w:cstheme"):
            fonts.attrib.pop(qn(attribute), None)
        fonts.set(qn("w:eastAsia"), chinese)
        if name == "Normal":
            style.font.size = Pt(10.5)


def _run(paragraph, text: str, *, bold: bool = False, colour=None, size_pt: float | None = None):
    run = paragraph.add_run(xml_text(text))
    run.bold = bold or None
    if colour is not None:
        run.font.color.rgb = colour
    if size_pt is not None:
        run.font.size = Pt(size_pt)
    return run


def _running(document, briefing: Briefing, w) -> None:
    """The header with the title and the marking, the footer with the run and page x of y."""
    page = document.sections[0]
    head, foot = page.header.paragraphs[0], page.footer.paragraphs[0]
    _run(head, briefing.title[:70], colour=GREY, size_pt=8.5)
    if briefing.classification:
        _run(head, f"    {briefing.classification}", bold=True, colour=RED, size_pt=8.5)
    _run(foot, f"{w('run_id')} {briefing.run_id}    ", colour=GREY, size_pt=8.5)
    for text in re.split("(PAGE|NUMPAGES)", w("page", page="PAGE", pages="NUMPAGES")):
        if text in ("PAGE", "NUMPAGES"):
            _field(foot, text)
        elif text:
            _run(foot, text, colour=GREY, size_pt=8.5)


def _field(paragraph, code: str) -> None:
    run = paragraph.add_run()
    run.font.size, run.font.color.rgb = Pt(8.5), GREY
    for kind, text in (("begin", None), (None, code), ("separate", None), ("text", "1"), ("end", None)):
        if kind in ("begin", "separate", "end"):
            part = OxmlElement("w:fldChar")
            part.set(qn("w:fldCharType"), kind)
        elif kind == "text":
            part = OxmlElement("w:t")
            part.text = text
        else:
            part = OxmlElement("w:instrText")
            part.set(qn("xml:space"), "preserve")
            part.text = text
        run._r.append(part)


def _heading(document, text: str, *, new_page: bool = True) -> None:
    heading = document.add_heading(xml_text(text, 300), level=1)
    heading.paragraph_format.page_break_before = new_page


def _bullets(document, lines) -> None:
    for line in lines:
        paragraph = document.add_paragraph(xml_text(line), style="List Bullet")
        paragraph.paragraph_format.space_after = Pt(2)


def _first(document, briefing: Briefing, w) -> None:
    """The answer: title, four questions, the map, what to keep in mind."""
    if briefing.classification:
        mark = document.add_paragraph()
        mark.alignment = WD_ALIGN_PARAGRAPH.RIGHT
        _run(mark, briefing.classification, bold=True, colour=RED)
    document.add_heading(xml_text(briefing.title, 300), level=0)
    _run(document.add_paragraph(), briefing.subtitle, colour=GREY, size_pt=12)
    if briefing.answers:
        across = 2 if len(briefing.answers) > 1 else 1
        made = document.add_table(rows=-(-len(briefing.answers) // across), cols=across)
        for i, answer in enumerate(briefing.answers):
            cell = made.rows[i // across].cells[i % across]
            _run(cell.paragraphs[0], answer.question, colour=GREY, size_pt=8.5)
            _run(cell.add_paragraph(), answer.headline, bold=True, size_pt=14 if across > 1 else 12)
            _run(cell.add_paragraph(), answer.detail, size_pt=9)
            for paragraph in cell.paragraphs:
                paragraph.paragraph_format.space_after = Pt(1)
    if briefing.map is not None:
        _picture(document, briefing.map)
    if briefing.mind:
        _run(document.add_paragraph(), w("mind"), bold=True, size_pt=9.5)
    for line in briefing.mind:
        _small(document, line)
    _small(document, "    ".join(w("label", label=label, text=text) for label, text in briefing.head))


def _small(document, text: str, size_pt: float = 9) -> None:
    paragraph = document.add_paragraph()
    paragraph.paragraph_format.space_after = Pt(1)
    _run(paragraph, text, size_pt=size_pt)


def _places(document, section: Section) -> None:
    """The ranked places: the table, then each on a small map, and as many sentences as the page holds."""
    maps_cm, lines = _first_that_fits(document, SECOND_PAGE, partial(_tall_places, section))
    _heading(document, section.heading)
    if section.table is not None and section.table.rows:
        _table(document, section.table)
    for note in section.notes:
        _run(document.add_paragraph(), note, colour=GREY, size_pt=8.5)
    if section.picture is not None:
        _picture(document, section.picture, tallest_cm=maps_cm)
    _bullets(document, section.lines[:lines])


def _tall_places(section: Section, maps_cm: float, lines: int) -> float:
    """Centimetres of the second page with small maps so high and so many sentences."""
    tall = HEADINGS_CM[1] + _tall_table(section.table, 9) * SINGLE / LINE + 0.5
    tall += _tall_lines(section.notes, 8.5, 10)
    if section.picture is not None:
        tall += min(maps_cm, WIDTH_CM * section.picture.ratio) + _tall_lines([section.picture.caption], 8.5, 20)
    return tall + _tall_lines(section.lines[:lines], 10.5 * 1.06, 2)


def _changed(document, briefing: Briefing, w) -> None:
    """Kinds against earlier periods, two maps, since last time, the other results."""
    most, periods_cm, kinds, areas = _first_that_fits(document, THIRD_PAGE, partial(_tall_changed, briefing))
    _heading(document, w("changed_page"))
    if briefing.kinds is not None:
        _table(document, briefing.kinds.head(kinds))
        _small(document, note_of_cut(briefing.kinds, kinds, briefing.kinds_note, briefing.language))
    if briefing.areas is not None and areas:
        document.add_heading(w("areas"), level=2)
        _table(document, briefing.areas.head(areas))
        _small(document, note_of_cut(briefing.areas, areas, briefing.areas_note, briefing.language))
    if briefing.periods is not None:
        _picture(document, briefing.periods, tallest_cm=periods_cm)
    document.add_heading(briefing.since.heading, level=2)
    _bullets(document, briefing.since.lines)
    if briefing.others:
        document.add_heading(w("others"), level=2)
    for section in briefing.others[:most]:
        document.add_heading(xml_text(section.heading, 300), level=3)
        for line in [*section.lines, *section.notes]:
            _small(document, line)
    if len(briefing.others) > most:
        _small(document, w("more_others", n=len(briefing.others) - most))


def _tall_changed(briefing: Briefing, most: int, periods_cm: float, kinds: int, areas: int) -> float:
    """Centimetres of the third page with so many other results, maps so high, so many kinds and areas."""
    tall = HEADINGS_CM[1]
    if briefing.kinds is not None:
        tall += _tall_table(briefing.kinds.head(kinds), 9) * SINGLE / LINE + 0.5
        tall += _tall_lines([note_of_cut(briefing.kinds, kinds, briefing.kinds_note, briefing.language)], 9)
    if briefing.areas is not None and areas:
        tall += HEADINGS_CM[2] + _tall_table(briefing.areas.head(areas), 9) * SINGLE / LINE + 0.5
        tall += _tall_lines([note_of_cut(briefing.areas, areas, briefing.areas_note, briefing.language)], 9)
    if briefing.periods is not None:
        tall += min(periods_cm, WIDTH_CM * briefing.periods.ratio) + _tall_lines([briefing.periods.caption], 8.5, 18)
    tall += HEADINGS_CM[2] + _tall_lines(briefing.since.lines, 10.5, 2)
    tall += HEADINGS_CM[2] * bool(briefing.others) + _tall_lines([""], 9) * (len(briefing.others) > most)
    for section in briefing.others[:most]:
        tall += HEADINGS_CM[3] + _tall_lines([*section.lines, *section.notes], 9)
    return tall


def _governed(document, page: Page) -> None:
    """Areas that were named, or how the grids work: part by part."""
    _heading(document, page.heading)
    for section in page.parts:
        if section.heading and (section.lines or section.table or section.picture):
            document.add_heading(xml_text(section.heading, 300), level=2)
        _bullets(document, section.lines)
        if section.picture is not None:
            _picture(document, section.picture, tallest_cm=6.8)
        if section.table is not None and section.table.rows:
            _table(document, section.table)
        for note in section.notes:
            _run(document.add_paragraph(), note, colour=GREY, size_pt=8.5)


def _annex(document, briefing: Briefing, w) -> None:
    """A page for every result, what changed place by place, the charts."""
    for section in briefing.annex:
        _heading(document, w("label", label=w("annex"), text=section.heading))
        if section.picture is not None:
            _picture(document, section.picture)
        _bullets(document, section.lines)
        for note in section.notes:
            _run(document.add_paragraph(), note, colour=GREY, size_pt=8.5)
        if section.table is not None and section.table.rows:
            _table(document, section.table)
    if briefing.since.table is not None:
        _heading(document, w("label", label=w("annex"), text=briefing.since.heading))
        _table(document, briefing.since.table.head(40))
    if briefing.charts:
        _heading(document, w("label", label=w("annex"), text=w("charts")))
        for chart in briefing.charts:
            _picture(document, chart, tallest_cm=8.2)


def _picture(document, picture: Picture, tallest_cm: float = TALLEST_CM) -> None:
    width = min(WIDTH_CM, tallest_cm / picture.ratio)
    holder = document.add_paragraph()
    holder.alignment = WD_ALIGN_PARAGRAPH.CENTER
    holder.paragraph_format.keep_with_next = True
    shape = holder.add_run().add_picture(io.BytesIO(picture.png), width=Cm(width))
    shape._inline.docPr.set("descr", xml_text(picture.caption, 500))
    caption = document.add_paragraph()
    _run(caption, picture.caption, colour=GREY, size_pt=8.5)


#: Tables of so many rows or fewer stand whole on one page: LibreOffice dropped rows of one begun at the foot of a page.
TOGETHER = 8


def _table(document, table: Table, size_pt: float = 9) -> None:
    made = document.add_table(rows=1, cols=len(table.columns))
    made.alignment = WD_TABLE_ALIGNMENT.CENTER
    made.style = "Table Grid" if "Table Grid" in [s.name for s in document.styles] else made.style
    made.autofit = False
    widths = _widths(table)
    size_pt = _size_pt(table, size_pt)
    for column, width in zip(made.columns, widths, strict=True):
        column.width = Cm(width)
    _lines(made)
    head = made.rows[0]
    repeated = OxmlElement("w:tblHeader")
    repeated.set(qn("w:val"), "true")
    head._tr.get_or_add_trPr().append(repeated)
    for i, column in enumerate(table.columns):
        _cell(head.cells[i], column.title, widths[i], size_pt, bold=True, left=column.wide)
    for row in table.rows:
        cells = made.add_row()
        whole = OxmlElement("w:cantSplit")
        whole.set(qn("w:val"), "true")
        cells._tr.get_or_add_trPr().append(whole)
        for i, cell in enumerate(row):
            _cell(cells.cells[i], cell.text, widths[i], size_pt, left=table.columns[i].wide)
    if len(table.rows) <= TOGETHER:
        for line in made.rows[:-1]:
            for paragraph in (p for cell in line.cells for p in cell.paragraphs):
                paragraph.paragraph_format.keep_with_next = True
    document.add_paragraph().paragraph_format.space_after = Pt(2)


def _lines(made) -> None:
    """Thin grey lines under the rows only, whatever the style draws."""
    borders = OxmlElement("w:tblBorders")
    for side in ("top", "left", "bottom", "right", "insideH", "insideV"):
        line = OxmlElement(f"w:{side}")
        line.set(qn("w:val"), "single" if side in ("top", "bottom", "insideH") else "nil")
        line.set(qn("w:sz"), "4")
        line.set(qn("w:color"), "9CA3AF")
        borders.append(line)
    made._tbl.tblPr.append(borders)


def _smaller(table: Table) -> float:
    """By how much the letters must be smaller than 9 points for no number to break; 1 where they need not."""
    need = [(n, c.wide) for n, c in zip(_letters(table), table.columns, strict=True)]
    free = WIDTH_CM - sum(min(0.2 * n, TEXT_CM) + MARGINS_CM if wide else MARGINS_CM for n, wide in need)
    return min(1.0, free / max(sum(LETTER_CM * max(n, 5) for n, wide in need if not wide), 0.1))


def _size_pt(table: Table, most_pt: float) -> float:
    return max(min(most_pt, 9 * _smaller(table)), min(most_pt, SMALLEST_PT))


def _letters(table: Table) -> list[int]:
    """The letters of each column's longest entry, Chinese ones counted twice."""
    need = []
    for i, column in enumerate(table.columns):
        texts = [column.title, *(row[i].text for row in table.rows)]
        words = [*column.title.split(), *texts[1:]]  # a heading may break between words, a number may not
        need.append(max((sum(2 if ord(c) > 0x2E80 else 1 for c in word) for word in words), default=1))
    return need


def _longest_words(table: Table) -> list[int]:
    """The letters of each column's longest word, which no line may cut; Chinese breaks anywhere."""
    words = [" ".join([column.title, *(row[i].text for row in table.rows)]) for i, column in enumerate(table.columns)]
    return [max((len(word) for word in re.findall(r"[^\s\u2e80-\uffff]+", text)), default=2) for text in words]


def _widths(table: Table) -> list[float]:
    """Centimetres for each column: by its longest word, wide columns take what is left."""
    need, smaller = _letters(table), _smaller(table)
    if smaller < 1:
        each = zip(need, table.columns, strict=True)
        widths = [min(0.2 * n, TEXT_CM) if c.wide else LETTER_CM * max(n, 5) * smaller for n, c in each]
        widths = [v + MARGINS_CM for v in widths]
        return [v * WIDTH_CM / sum(widths) for v in widths]
    narrow = [max(1.45, 0.2 * n + 0.6) if not c.wide else 0.0 for n, c in zip(need, table.columns, strict=True)]
    narrow = [min(n, 4.2) for n in narrow]
    left = max(WIDTH_CM - sum(narrow), 3.0)
    wide = [min(n, 60) if c.wide else 0 for n, c in zip(need, table.columns, strict=True)]
    least = [
        min(0.2 * n + 0.4, 3.0) if c.wide else 0.0 for n, c in zip(_longest_words(table), table.columns, strict=True)
    ]
    spare = max(left - sum(least), 0.0)
    pairs = enumerate(zip(wide, table.columns, strict=True))
    widths = [least[i] + spare * n / sum(wide) if c.wide else narrow[i] for i, (n, c) in pairs]
    return [v * WIDTH_CM / sum(widths) for v in widths]


def _cell(cell, text: str, width_cm: float, size_pt: float, *, bold: bool = False, left: bool = False) -> None:
    cell.width = Cm(width_cm)
    paragraph = cell.paragraphs[0]
    paragraph.alignment = WD_ALIGN_PARAGRAPH.LEFT if left else WD_ALIGN_PARAGRAPH.RIGHT
    paragraph.paragraph_format.space_after = Pt(0)
    _run(paragraph, text, bold=bold, size_pt=size_pt)


def _last(document, briefing: Briefing, w) -> None:
    """Method and limits in a box, rows set aside, sources."""
    methods, notes, sources = _first_that_fits(document, LAST_PAGE, partial(_tall_last, briefing))
    _heading(document, w("method_and_limits"))
    box = document.add_table(rows=1, cols=1)
    box.style = "Table Grid" if "Table Grid" in [s.name for s in document.styles] else box.style
    inside = box.rows[0].cells[0]
    first = inside.paragraphs[0]
    for i, method in enumerate(briefing.methods[:methods]):
        line = first if i == 0 else inside.add_paragraph()
        _run(line, method.names, bold=True, size_pt=9.5)
        for text in [method.explains, *method.notes[:notes]]:
            if text:
                _run(inside.add_paragraph(), text, size_pt=8.5)
        _run(inside.add_paragraph(), "   ".join(f"{k} = {v}" for k, v in method.settings), colour=GREY, size_pt=7.5)
    _run(inside.add_paragraph(), w("limits"), bold=True, size_pt=9.5)
    for text in briefing.limits:
        _run(inside.add_paragraph(), f"• {text}", size_pt=9)
    for paragraph in inside.paragraphs:
        paragraph.paragraph_format.space_after = Pt(2)
    document.add_heading(w("sources"), level=2)
    for line in briefing.run_lines:
        _small(document, line, 8.5)
    if briefing.set_aside is not None:
        _table(document, briefing.set_aside.head(sources))
    _table(document, briefing.sources.ends(sources))
    for label, text in briefing.facts:
        line = document.add_paragraph()
        line.paragraph_format.space_after = Pt(0)
        _run(line, w("label", label=label, text=""), colour=GREY, size_pt=8.5)
        _run(line, text, size_pt=8.5)


def _tall_last(briefing: Briefing, methods: int, notes: int, sources: int) -> float:
    """Centimetres of the last page with so many methods, notes of each and files."""
    tall = HEADINGS_CM[1] + HEADINGS_CM[2] + _tall_lines([""], 9.5)
    for method in briefing.methods[:methods]:
        texts = [text for text in (method.explains, *method.notes[:notes]) if text]
        settings = "   ".join(f"{k} = {v}" for k, v in method.settings)
        tall += _tall_lines([method.names], 9.5, 2) + _tall_lines(texts, 8.5, 2) + _tall_lines([settings], 7.5, 2)
    tall += _tall_lines(briefing.limits, 9, 2) + _tall_lines(briefing.run_lines, 8.5)
    for table in (briefing.set_aside and briefing.set_aside.head(sources), briefing.sources.ends(sources)):
        tall += _tall_table(table, 9) * SINGLE / LINE + 0.6 * (table is not None)
    return tall + _tall_lines([f"{label} {text}" for label, text in briefing.facts], 8.5, 0)
