"""The briefing as slides, 16:9, at most eight: the answer, the map, the places, what changed, what it cannot say.

For each page of how places are governed there are up to three more.

Slides are read from the back of a room: no type under 18 points, ten rows a table, as many sentences as fit. Chinese is
set by `a:ea`, without which PowerPoint takes whatever font it has. A template is a .pptx of one's own: its slides are
removed, its master and layouts are kept.
"""

import io
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from pptx import Presentation
from pptx.dml.color import RGBColor
from pptx.enum.shapes import MSO_SHAPE
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.exc import PackageNotFoundError
from pptx.oxml.ns import qn
from pptx.util import Cm, Pt

from gridmap._fonts import office_fonts
from gridmap.errors import ReadError
from gridmap.messages import Note
from gridmap.reports.paper.content import MOST_ROWS, Briefing, Page, Picture, Table, words_in
from gridmap.reports.paper.office import steady_zip, template_file, written_at, xml_text

__all__ = ["pptx_bytes"]

WIDTH, HEIGHT, MARGIN = 33.87, 19.05, 1.4  # centimetres
INK, GREY, RED, BLUE = "111827", "4B5563", "B91C1C", "0B4F8A"
#: No type on a slide is smaller: it is read from the back of a room.
SMALLEST_PT = 18
#: About so many lines of it, and so many letters in a line.
LINES, ACROSS = 15, 98
#: Few sentences are set larger, the largest first.
LARGER_PT = (26, 24, 22, 20)


def pptx_bytes(briefing: Briefing, *, template: str | Path | None = None) -> bytes:
    """The briefing as the bytes of a .pptx of at most eight slides; the same briefing gives the same bytes.

    Parameters
    ----------
    briefing : Briefing
    template : path of a .pptx, or of a folder with `briefing.pptx`, optional
    """
    slides = _Slides(briefing, _presentation(template))
    w = words_in(briefing.language)
    _title(slides, briefing, w)
    if briefing.map is not None:
        slide = slides.add(briefing.subtitle)
        slides.picture(slide, briefing.map, MARGIN, 3.0, WIDTH - 2 * MARGIN, 14.4)
    if briefing.places.table is not None and briefing.places.table.rows:
        slide = slides.add(briefing.places.heading)
        slides.table(slide, _for_names(briefing.places.table.head(MOST_ROWS)), MARGIN, 3.1, WIDTH - 2 * MARGIN)
    if briefing.places.picture is not None:
        slide = slides.add(w("place_maps"))
        slides.picture(slide, briefing.places.picture, MARGIN, 3.0, WIDTH - 2 * MARGIN, 14.4)
    _kinds_and_areas(slides, briefing, w)
    if briefing.periods is not None:
        slide = slides.add(briefing.periods.caption)
        slides.picture(slide, briefing.periods, MARGIN, 3.0, WIDTH - 2 * MARGIN, 14.4)
    others = [section.lines[0] for section in briefing.others if section.lines]
    slides.sentences(w("changed_page"), [*briefing.since.lines, *others])
    for page in briefing.governed:
        _governed(slides, page)
    slides.sentences(w("limits"), briefing.limits)
    return slides.bytes()


#: So many rows, heads among them, stand under each other on one slide.
MOST_LINES_OF_TABLES = 10


def _kinds_and_areas(slides: "_Slides", briefing: Briefing, w) -> None:
    """The kinds and the districts on one slide, as many rows as it holds, and how many that is of how many."""
    kinds, areas = briefing.kinds, briefing.areas
    tables = [(t, title) for t, title in ((kinds, w("kinds")), (areas, w("areas"))) if t is not None and t.rows]
    if not tables:
        return
    room = MOST_LINES_OF_TABLES - len(tables)
    least = min(len(tables[-1][0].rows), room // 2) if len(tables) > 1 else 0
    slide, top = slides.add(" · ".join(title for _, title in tables)), 3.1
    cut = []
    for i, (table, title) in enumerate(tables):
        rows = min(len(table.rows), room - (least if i == 0 else 0), MOST_ROWS)
        if rows < len(table.rows):
            cut.append(w("label", label=title, text=w("first_of", shown=rows, total=len(table.rows))))
        top += slides.table(slide, table.head(rows, most_columns=6), MARGIN, top, WIDTH - 2 * MARGIN) + 0.3
        room -= rows
    if cut:
        slides.text(slide, cut, MARGIN, top - 0.2, WIDTH - 2 * MARGIN, 2, size_pt=SMALLEST_PT, colour=GREY)


def _governed(slides: "_Slides", page: Page) -> None:
    """A slide of what is stated first, one of its first picture, one of its first table."""
    slides.sentences(page.heading, [line for part in page.parts for line in part.lines])
    picture = next((part.picture for part in page.parts if part.picture is not None), None)
    if picture is not None:
        slide = slides.add(page.heading)
        slides.picture(slide, picture, MARGIN, 3.0, WIDTH - 2 * MARGIN, 14.4)
    table = next((part.table for part in page.parts if part.table is not None and part.table.rows), None)
    if table is not None:
        slide = slides.add(page.heading)
        slides.table(slide, table.head(MOST_ROWS, most_columns=6), MARGIN, 3.1, WIDTH - 2 * MARGIN)


def _one_line(text: str, letters: int) -> str:
    """As much of a text as one line holds, a Chinese character as wide as two letters: a slide has no room below."""
    used = 0
    for i, c in enumerate(text):
        used += 2 if ord(c) > 0x2E80 else 1
        if used > letters:
            return text[: max(i - 1, 1)].rstrip() + "…"
    return text


def _ems(text: str) -> float:
    """About how wide a bold text is, in sizes of its letters; offices put a quarter between Chinese and Latin ones."""
    return max(sum(1.0 if ord(c) > 0x2E80 else 0.3 if c == " " else 0.68 for c in text), 1.0) + 0.5


def _unbroken(text: str) -> str:
    """A date such as 2018-07 stays in one piece: its hyphens are those at which no line breaks."""
    return re.sub(r"(?<=\d)-(?=\d)", "\u2011", text)


#: Columns that a slide does without where names need their room, the first to go first; the paper has them all.
SPARED = ("area_km2", "change_interval", "stability", "district", "share")
MOST_COLUMNS = 7


def _for_names(table: Table) -> Table:
    """A table without columns that a slide can spare, until its names stand whole in it."""
    for key in SPARED:
        if len(table.columns) <= MOST_COLUMNS and _fits(table):
            break
        keep = [i for i, column in enumerate(table.columns) if column.key != key]
        rows = tuple(tuple(row[i] for i in keep) for row in table.rows)
        table = replace(table, columns=tuple(table.columns[i] for i in keep), rows=rows)
    return table.head(MOST_ROWS, most_columns=MOST_COLUMNS)


def _needs(table: Table) -> list[int]:
    """The letters that each column is given: its longest text and a little, within bounds."""
    need = []
    for i, column in enumerate(table.columns):
        texts = [column.title, *(row[i].text for row in table.rows)]
        need.append(max(_letters(text) for text in texts))
    return [min(max(n, 5), 60 if c.wide else 14) + 3 for n, c in zip(need, table.columns, strict=True)]


def _high(lines: Sequence[str], size_pt: float) -> float:
    """How many lines of the smallest type some sentences take in a larger one."""
    larger = size_pt / SMALLEST_PT
    return sum(0.5 + -(-_letters(line) * larger // ACROSS) for line in lines) * larger


def _letters(text: str) -> int:
    return sum(2 if ord(c) > 0x2E80 else 1 for c in text)


def _in_one_line(needs: Sequence[int], size_pt: float, width: float = WIDTH - 2 * MARGIN) -> list[int]:
    """How many letters one line of each column holds."""
    return [int(width / 2.54 * 72 * n / sum(needs) / (0.54 * size_pt)) for n in needs]


def _fits(table: Table) -> bool:
    held = _in_one_line(_needs(table), SMALLEST_PT)
    wide = [i for i, column in enumerate(table.columns) if column.wide]
    return all(_letters(row[i].text) <= held[i] for row in table.rows for i in wide)


def _mark(paragraph, size_pt: float) -> None:
    """A bullet of the paragraph's own, in one font whatever the text begins with, and the lines under each other."""
    properties = paragraph._p.get_or_add_pPr()
    properties.set("marL", str(Pt(size_pt)))
    properties.set("indent", str(-Pt(size_pt)))
    for tag, name, value in (("a:buFont", "typeface", "Arial"), ("a:buChar", "char", "•")):
        properties.append(properties.makeelement(qn(tag), {name: value}))


def _presentation(template):
    path = template_file(template, "briefing.pptx")
    if path is None:
        return Presentation()
    try:
        made = Presentation(str(path))
    except (PackageNotFoundError, OSError, KeyError, ValueError) as error:
        raise ReadError(Note("reports.not_a_presentation_template", path=str(path), why=type(error).__name__)) from None
    listed = made.slides._sldIdLst
    for slide in list(listed):
        made.part.drop_rel(slide.rId)
        listed.remove(slide)
    return made


class _Slides:
    """Slides with a title, a thin line under it, and a foot with the run and the page."""

    def __init__(self, briefing: Briefing, presentation):
        self.briefing, self.made = briefing, presentation
        self.latin, self.chinese = office_fonts(briefing.language)
        self.w = words_in(briefing.language)
        self.made.slide_width, self.made.slide_height = Cm(WIDTH), Cm(HEIGHT)
        layouts = self.made.slide_layouts
        self.layout = next((la for la in layouts if la.name == "Blank"), layouts[len(layouts) - 1])

    def add(self, title: str):
        """A new slide."""
        slide = self.made.slides.add_slide(self.layout)
        for holder in list(slide.placeholders):
            holder._element.getparent().remove(holder._element)
        size = 28 if len(title) <= 60 else 22 if len(title) <= 100 else SMALLEST_PT
        self.text(slide, [title], MARGIN, 0.7, WIDTH - 2 * MARGIN, 1.9, size_pt=size, bold=True, middle=True)
        line = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(MARGIN), Cm(2.75), Cm(WIDTH - 2 * MARGIN), Cm(0.06))
        line.fill.solid()
        line.fill.fore_color.rgb = RGBColor.from_string(BLUE)
        line.line.fill.background()
        return slide

    def text(self, slide, lines, left, top, width, height, *, size_pt=20, colour=INK, bold=False, bullets=False,
             middle=False, right=False):  # fmt: skip
        """A box of paragraphs."""
        box = slide.shapes.add_textbox(Cm(left), Cm(top), Cm(width), Cm(height))
        frame = box.text_frame
        frame.word_wrap = True
        frame.vertical_anchor = MSO_ANCHOR.MIDDLE if middle else MSO_ANCHOR.TOP
        for i, line in enumerate(lines):
            paragraph = frame.paragraphs[0] if i == 0 else frame.add_paragraph()
            paragraph.alignment = PP_ALIGN.RIGHT if right else PP_ALIGN.LEFT
            paragraph.space_after = Pt(size_pt * 0.45)
            self.run(paragraph, line, size_pt, colour, bold)
            if bullets:
                _mark(paragraph, size_pt)
        return box

    def run(self, paragraph, text, size_pt, colour=INK, bold=False):
        """A run of text in both fonts."""
        run = paragraph.add_run()
        run.text = xml_text(text, 1500)
        run.font.size, run.font.bold, run.font.name = Pt(size_pt), bold, self.latin
        run.font.color.rgb = RGBColor.from_string(colour)
        properties = run._r.get_or_add_rPr()
        chinese = properties.makeelement(qn("a:ea"), {"typeface": self.chinese})
        properties.append(chinese)

    def sentences(self, title: str, lines: Sequence[str]) -> None:
        """One slide of sentences: as many as fit, in whole sentences."""
        used, part = 0.0, list[str]()
        for line in lines:
            used += 0.5 + -(-_letters(line) // ACROSS)
            if part and used > LINES:
                break
            part.append(line)
        if part:
            slide = self.add(title)
            size = next((pt for pt in LARGER_PT if _high(part, pt) <= LINES), SMALLEST_PT)
            self.text(slide, part, MARGIN, 3.3, WIDTH - 2 * MARGIN, 13.6, size_pt=size, bullets=True)

    def picture(self, slide, picture: Picture, left, top, width, height) -> None:
        """A picture as large as fits into a box, in its middle; its type is as large as that of the slide."""
        picture = picture.at(width / 2.54, height / width, SMALLEST_PT)
        across = min(width, height / picture.ratio)
        x, y = left + (width - across) / 2, top + (height - across * picture.ratio) / 2
        shape = slide.shapes.add_picture(io.BytesIO(picture.png), Cm(x), Cm(y), width=Cm(across))
        shape._element.nvPicPr.cNvPr.set("descr", xml_text(picture.caption, 500))

    def table(self, slide, table: Table, left, top, width, *, size_pt=SMALLEST_PT) -> float:
        """A table; answers how tall it is."""
        rows = len(table.rows) + 1
        tall = 1.2
        frame = slide.shapes.add_table(rows, len(table.columns), Cm(left), Cm(top), Cm(width), Cm(tall * rows))
        made = frame.table
        made.horz_banding = False
        need = _needs(table)
        fits = _in_one_line(need, size_pt, width)
        for i, n in enumerate(need):
            made.columns[i].width = Cm(width * n / sum(need))
        for r in range(rows):
            made.rows[r].height = Cm(tall)
            for i, column in enumerate(table.columns):
                cell = made.cell(r, i)
                text = column.title if r == 0 else table.rows[r - 1][i].text
                text = _unbroken(text) if r == 0 else _one_line(text, fits[i]) if column.wide else text
                cell.margin_left = cell.margin_right = Cm(0.12)
                cell.margin_top = cell.margin_bottom = Cm(0.05)
                cell.vertical_anchor = MSO_ANCHOR.MIDDLE
                cell.fill.solid()
                cell.fill.fore_color.rgb = RGBColor.from_string("E5E7EB" if r == 0 else "FFFFFF")
                paragraph = cell.text_frame.paragraphs[0]
                paragraph.alignment = PP_ALIGN.LEFT if column.wide else PP_ALIGN.RIGHT
                self.run(paragraph, text, size_pt, bold=r == 0)
        return tall * rows

    def bytes(self) -> bytes:
        """The presentation, each slide with its foot."""
        b, total = self.briefing, len(self.made.slides)
        for i, slide in enumerate(self.made.slides, start=1):
            foot = f"{b.classification}    " if b.classification else ""
            foot += f"{self.w('run_id')} {b.run_id}"
            self.text(slide, [foot], MARGIN, 17.6, 23, 1, size_pt=SMALLEST_PT, colour=GREY)
            page = self.w("page", page=i, pages=total)
            self.text(slide, [page], WIDTH - MARGIN - 8, 17.6, 8, 1, size_pt=SMALLEST_PT, colour=GREY, right=True)
        core = self.made.core_properties
        core.title, core.author, core.last_modified_by = xml_text(b.title, 250), "gridmap", "gridmap"
        core.created = core.modified = written_at(b.run.written)
        core.comments, core.revision = f"{self.w('run_id')} {b.run_id}", 1
        out = io.BytesIO()
        self.made.save(out)
        return steady_zip(out.getvalue())


def _title(slides: _Slides, briefing: Briefing, w) -> None:
    """Title and theme, the four answers in boxes, for whom and from where."""
    slide = slides.add(briefing.title)
    slides.text(slide, [briefing.subtitle], MARGIN, 2.9, WIDTH - 2 * MARGIN - 8, 1.2, size_pt=20, colour=GREY)
    if briefing.classification:
        slides.text(slide, [briefing.classification], WIDTH - MARGIN - 8, 2.9, 8, 1.2, size_pt=20, colour=RED,
                    bold=True, right=True)  # fmt: skip
    across = 2 if len(briefing.answers) > 1 else 1
    width = (WIDTH - 2 * MARGIN - 0.6 * (across - 1)) / across
    for i, answer in enumerate(briefing.answers):
        left, top = MARGIN + (i % across) * (width + 0.6), 4.4 + (i // across) * 5.7
        box = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(left), Cm(top), Cm(width), Cm(5.3))
        box.fill.solid()
        box.fill.fore_color.rgb = RGBColor.from_string("F1F5F9")
        box.line.fill.background()
        slides.text(slide, [answer.question], left + 0.2, top + 0.1, width - 0.4, 1, size_pt=SMALLEST_PT, colour=GREY)
        room = (width - 0.7) / 2.54 * 72 / _ems(answer.headline)  # one line: the detail stands right under it
        large = max(min(26, int(room)), SMALLEST_PT)
        slides.text(slide, [answer.headline], left + 0.2, top + 0.8, width - 0.4, 1.5, size_pt=large, bold=True)
        slides.text(slide, [answer.detail], left + 0.2, top + 2.1, width - 0.4, 3.1, size_pt=SMALLEST_PT)
    source = [w("label", label=label, text=text) for label, text in briefing.head[-2:]]
    slides.text(
        slide,
        [_one_line("    ".join(source), 2 * ACROSS - 20)],
        MARGIN,
        15.6,
        WIDTH - 2 * MARGIN,
        2,
        size_pt=SMALLEST_PT,
        colour=GREY,
    )
