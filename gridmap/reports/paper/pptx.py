"""The briefing as slides, 16:9: one result a slide, the map on the left, its table on the right.

Slides are read from the back of a room: no type under 10 points, eight rows a table, sentences cut into as many
slides as they need. Chinese is set by `a:ea`, without which PowerPoint takes whatever font it has. A template is a
.pptx of one's own: its slides are removed, its master and layouts are kept.
"""

import io
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
from gridmap.reports.paper.content import Briefing, Picture, Section, Table, words_in
from gridmap.reports.paper.office import steady_zip, template_file, written_at, xml_text

__all__ = ["pptx_bytes"]

WIDTH, HEIGHT, MARGIN = 33.87, 19.05, 1.4  # centimetres
INK, GREY, RED, BLUE = "111827", "4B5563", "B91C1C", "0B4F8A"
ROWS = 8
#: About so many lines of 16 points fit on a slide.
LINES = 15


def pptx_bytes(briefing: Briefing, *, template: str | Path | None = None) -> bytes:
    """The briefing as the bytes of a .pptx; the same briefing gives the same bytes.

    Parameters
    ----------
    briefing : Briefing
    template : path of a .pptx, or of a folder with `briefing.pptx`, optional
    """
    slides = _Slides(briefing, _presentation(template))
    w = words_in(briefing.language)
    _title(slides, briefing, w)
    since = briefing.since
    few = [w("label", label=since.heading, text=line) for line in since.lines] if len(since.lines) < 3 else []
    slides.sentences(w("summary"), briefing.summary + few)
    if not few:
        slides.sentences(since.heading, since.lines)
    if since.table is not None:
        slide = slides.add(since.heading)
        slides.table(slide, since.table.head(2 * ROWS - 1), MARGIN, 3.1, WIDTH - 2 * MARGIN, size_pt=11)
    for section in briefing.sections:
        _result(slides, section)
    for chart in briefing.charts:
        slide = slides.add(w("charts"))
        slides.picture(slide, chart, MARGIN, 3.2, WIDTH - 2 * MARGIN, 13.0)
        slides.text(slide, [chart.caption], MARGIN, 16.5, WIDTH - 2 * MARGIN, 1.2, size_pt=12, colour=GREY)
    _method(slides, briefing, w)
    _sources(slides, briefing, w)
    return slides.bytes()


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
        raise ReadError(f"{path} is no presentation that can be a template ({type(error).__name__}).") from None
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
        size = 26 if len(title) <= 60 else 20 if len(title) <= 110 else 15
        self.text(slide, [title], MARGIN, 0.7, WIDTH - 2 * MARGIN, 1.9, size_pt=size, bold=True, middle=True)
        line = slide.shapes.add_shape(MSO_SHAPE.RECTANGLE, Cm(MARGIN), Cm(2.75), Cm(WIDTH - 2 * MARGIN), Cm(0.06))
        line.fill.solid()
        line.fill.fore_color.rgb = RGBColor.from_string(BLUE)
        line.line.fill.background()
        return slide

    def text(self, slide, lines, left, top, width, height, *, size_pt=16, colour=INK, bold=False, bullets=False,
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

    def sentences(self, title: str, lines) -> None:
        """Sentences over as many slides as they need."""
        parts, used = [[]], 0.0
        for line in lines:
            across = sum(2 if ord(c) > 0x2E80 else 1 for c in line)
            need = 1.3 + across // 118
            if parts[-1] and used + need > LINES:
                parts.append([])
                used = 0.0
            parts[-1].append(line)
            used += need
        for i, part in enumerate(parts):
            slide = self.add(title if i == 0 else f"{title} ({self.w('continued')})")
            self.text(slide, part, MARGIN, 3.3, WIDTH - 2 * MARGIN, 13.6, size_pt=16, bullets=True)

    def picture(self, slide, picture: Picture, left, top, width, height) -> None:
        """A picture as large as fits into a box, in its middle."""
        across = min(width, height / picture.ratio)
        x, y = left + (width - across) / 2, top + (height - across * picture.ratio) / 2
        shape = slide.shapes.add_picture(io.BytesIO(picture.png), Cm(x), Cm(y), width=Cm(across))
        shape._element.nvPicPr.cNvPr.set("descr", xml_text(picture.caption, 500))

    def table(self, slide, table: Table, left, top, width, *, size_pt=11) -> float:
        """A table; answers how tall it is."""
        rows = len(table.rows) + 1
        tall = 0.9 if size_pt >= 11 else 0.8
        frame = slide.shapes.add_table(rows, len(table.columns), Cm(left), Cm(top), Cm(width), Cm(tall * rows))
        made = frame.table
        made.horz_banding = False
        need = []
        for i, column in enumerate(table.columns):
            texts = [column.title, *(row[i].text for row in table.rows)]
            need.append(max(sum(2 if ord(c) > 0x2E80 else 1 for c in text) for text in texts))
        need = [min(max(n, 5), 30 if c.wide else 14) + 3 for n, c in zip(need, table.columns, strict=True)]
        for i, n in enumerate(need):
            made.columns[i].width = Cm(width * n / sum(need))
        for r in range(rows):
            made.rows[r].height = Cm(tall)
            for i, column in enumerate(table.columns):
                cell = made.cell(r, i)
                text = column.title if r == 0 else table.rows[r - 1][i].text
                most = 60 if column.wide else 40
                text = text if len(text) <= most else text[: most - 1] + "…"
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
            self.text(slide, [f"{foot}{b.title[:60]}    {self.w('run_id')} {b.run_id}"], MARGIN, 17.9, 24, 0.8,
                      size_pt=10, colour=GREY)  # fmt: skip
            page = self.w("page", page=i, pages=total)
            self.text(slide, [page], WIDTH - MARGIN - 6, 17.9, 6, 0.8, size_pt=10, colour=GREY, right=True)
        core = self.made.core_properties
        core.title, core.author, core.last_modified_by = xml_text(b.title, 250), "gridmap", "gridmap"
        core.created = core.modified = written_at(b.run.written)
        core.comments, core.revision = f"{self.w('run_id')} {b.run_id}", 1
        out = io.BytesIO()
        self.made.save(out)
        return steady_zip(out.getvalue())


def _title(slides: _Slides, briefing: Briefing, w) -> None:
    slide = slides.add(w("briefing"))
    if briefing.classification:
        slides.text(slide, [briefing.classification], WIDTH - MARGIN - 10, 3.2, 10, 1.2, size_pt=18, colour=RED,
                    bold=True, right=True)  # fmt: skip
    size = 38 if len(briefing.title) <= 60 else 26 if len(briefing.title) <= 140 else 18
    slides.text(slide, [briefing.title], MARGIN, 4.6, WIDTH - 2 * MARGIN, 4.6, size_pt=size, bold=True, middle=True)
    lines = [w("label", label=label, text=text) for label, text in briefing.head]
    slides.text(slide, lines, MARGIN, 9.8, WIDTH - 2 * MARGIN, 7, size_pt=16, colour=GREY)


def _result(slides: _Slides, section: Section) -> None:
    slide = slides.add(section.heading)
    has_table = section.table is not None and bool(section.table.rows)
    if section.picture is not None and not has_table:
        slides.picture(slide, section.picture, MARGIN, 3.1, 20.0, 13.8)
        slides.text(slide, section.lines + section.notes, 22.0, 3.3, WIDTH - 22.0 - MARGIN, 13.5, size_pt=15,
                    bullets=True)  # fmt: skip
        return
    if section.picture is None:
        slides.text(slide, section.lines, MARGIN, 3.3, WIDTH - 2 * MARGIN, 6, size_pt=16, bullets=True)
        if has_table:
            slides.table(slide, section.table.head(ROWS), MARGIN, 9.5, WIDTH - 2 * MARGIN)
        return
    slides.picture(slide, section.picture, MARGIN, 3.0, 16.2, 9.6)
    slides.table(slide, section.table.head(ROWS, most_columns=7), 18.0, 3.2, WIDTH - 18.0 - MARGIN, size_pt=10)
    across = sum(sum(2 if ord(c) > 0x2E80 else 1 for c in line) // 118 + 1 for line in section.lines)
    slides.text(slide, section.lines, MARGIN, 12.7, WIDTH - 2 * MARGIN, 5, size_pt=13 if across <= 6 else 11,
                bullets=True)  # fmt: skip


def _method(slides: _Slides, briefing: Briefing, w) -> None:
    lines = [w("label", label=name, text=text) if text else name
             for name, text, _ in briefing.methods]  # fmt: skip
    slides.sentences(w("method_and_limits"), lines + briefing.limits)


def _sources(slides: _Slides, briefing: Briefing, w) -> None:
    slide = slides.add(w("sources"))
    top = 3.2
    width = WIDTH - 2 * MARGIN
    top += slides.table(slide, briefing.sources.head(8), MARGIN, top, width, size_pt=11) + 0.5
    if briefing.set_aside is not None:
        slides.text(slide, [w("set_aside_rows")], MARGIN, top, width, 0.9, size_pt=14, bold=True)
        room = int(max((14.2 - top) / 0.9 - 1, 2))
        top += 1.0 + slides.table(slide, briefing.set_aside.head(room), MARGIN, top + 1.0, width, size_pt=11) + 0.3
    facts = [w("label", label=label, text=text) for label, text in briefing.facts]
    slides.text(slide, facts, MARGIN, min(top, 14.6), width, 3, size_pt=10, colour=GREY)
