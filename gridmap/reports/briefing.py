"""write_briefing(): the paper that lies on the table when the map is on the wall.

Made from the folder of a run alone, never from the incidents: what the run's audience may not see is not in the
folder, so it cannot be on paper. The format is the file's ending.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gridmap._audit import AUDIT, write_added
from gridmap._extras import needs_extras
from gridmap._io import write_bytes
from gridmap._ssh_signatures import Sign
from gridmap.errors import OutputError, ReadError, SettingError
from gridmap.messages import Note, check_language, did_you_mean
from gridmap.reports.compare_runs import changes_since
from gridmap.reports.results_folder import RunFolder, read_run

if TYPE_CHECKING:
    from gridmap.reports.paper.content import Briefing

__all__ = ["PAPERS", "check_pages", "check_paper", "paper_bytes", "write_briefing"]

#: The endings a briefing may have.
PAPERS = (".docx", ".pdf", ".pptx", ".xlsx")


def write_briefing(
    run: str | Path,
    path: str | Path,
    *,
    language: str | None = None,
    template: str | Path | None = None,
    since: str | Path | None = None,
    title: str | None = None,
    annex: bool = False,
    pages: int = 4,
    sign: Sign | None = None,
) -> Path:
    """Write the briefing of a run as a PDF, a Word document, slides or a workbook.

    Parameters
    ----------
    run : str or Path
        The folder that a run wrote into.
    path : str or Path
        Ends in .pdf, .docx, .pptx or .xlsx.
    language : str, optional
        The run's own when not given.
    template : str or Path, optional
        A folder with `briefing.html` and/or `briefing.css` (PDF), `briefing.docx`, `briefing.pptx`; or one .docx or
        .pptx file. See docs/papers.md.
    since : str or Path, optional
        The earlier run to compare with; by default the newest earlier one of the same pipeline beside this one.
    title : str, optional
        In place of the run's.
    annex : bool
        After the four pages of a meeting, a page for every result, what changed place by place, and the charts. Slides
        and the workbook have none: slides are at most eight, and the workbook holds everything.
    pages : 1 or 4
        One A4 page (.pdf, .docx): the answers, the map, the first places, the kinds, and the notes, which are never
        cut.
    sign : callable, optional
        Signs the run's chain anew, where the paper is written into the run's folder.

    Returns
    -------
    Path

    Raises
    ------
    ReadError
        If the folder is not a run, of another version, or was changed; if the template cannot be read.
    SettingError
        For an unknown ending or language; for one page of slides, of a workbook or with an annex.
    OutputError
        If it cannot be written there; nothing is left half-written.

    Examples
    --------
    >>> write_briefing("out/demo", "briefing.odt")
    Traceback (most recent call last):
    gridmap.errors.SettingError: A briefing ends in .docx, .pdf, .pptx, .xlsx; found 'briefing.odt'.
    """
    path = Path(path)
    check_paper(path, language, template)
    check_pages(path, pages, annex=annex)
    _check_place(path)
    found = read_run(run)
    options: dict[str, Any] = {
        "language": language,
        "template": template,
        "since": since,
        "title": title,
        "annex": annex,
        "pages": pages,
    }
    data = paper_bytes(found, path.suffix.lower(), **options)
    home, place = Path(run).resolve(), path.resolve()
    if (home / AUDIT).exists() and place.is_relative_to(home):  # the paper and the audit's line of it, or neither
        write_added(run, place.relative_to(home).as_posix(), data, what="report", sign=sign)
        return path
    return write_bytes(path, data, make_parents=True)


def check_paper(path: Path, language: str | None, template=None) -> None:
    """Refuse an ending, a language or a template that there is none for, before any work.

    Raises
    ------
    SettingError
    ReadError
    MissingPackageError
        If what prints it is not installed.
    """
    if path.suffix.lower() not in PAPERS:
        raise SettingError(Note("reports.ending", endings=list(PAPERS), found=path.name))
    if language is not None:
        check_language(language)
    if template is not None and not Path(template).exists():
        raise ReadError(Note("reports.no_template", path=str(template)))
    kind = path.suffix.lower()
    if template is not None and kind == ".xlsx":
        raise SettingError(Note("reports.workbook_template"))
    with needs_extras():
        from gridmap.reports.paper import content  # noqa: F401 - whether what draws its pictures is installed

        if kind == ".pdf":
            import typst  # noqa: F401
        elif kind == ".docx":
            from gridmap.reports.paper import docx  # noqa: F401
        elif kind == ".pptx":
            from gridmap.reports.paper import pptx  # noqa: F401
    if template is not None and Path(template).is_file() and Path(template).suffix.lower() != kind:
        fits = did_you_mean(Path(template).suffix, PAPERS)
        raise SettingError(Note("reports.template_kind", kind=kind, found=Path(template).name, meant=fits))


def check_pages(path: Path, pages: int, *, annex: bool = False) -> None:
    """Refuse a number of pages that there is none for.

    Raises
    ------
    SettingError
    """
    if pages not in (1, 4) or isinstance(pages, bool):
        raise SettingError(Note("reports.pages", found=pages))
    if pages == 1 and path.suffix.lower() not in (".pdf", ".docx"):
        raise SettingError(Note("reports.one_page_ending", found=path.name))
    if pages == 1 and annex:
        raise SettingError(Note("reports.one_page_annex"))


@needs_extras()
def paper_bytes(
    run: RunFolder,
    ending: str,
    *,
    language: str | None = None,
    template: str | Path | None = None,
    since: str | Path | None = None,
    title: str | None = None,
    annex: bool = False,
    pages: int = 4,
) -> bytes:
    """The briefing of a run as the bytes of a file with this ending."""
    from gridmap.reports.paper.content import (  # with matplotlib: when a paper is wanted
        briefing_content,
        forecast_pages,
    )
    from gridmap.reports.paper.governance_pages import governed_pages

    language = check_language(language or run.head.get("language") or "en")
    changes = changes_since(run, since)
    content = briefing_content(
        run,
        changes,
        language=language,
        title=title,
        annex=annex and ending in (".pdf", ".docx"),
        pictures=ending != ".xlsx",
    )
    pictures = ending != ".xlsx"
    own = []
    if pages != 1:
        own = forecast_pages(run, language, pictures=pictures) + governed_pages(run, language, pictures=pictures)
    return _printed(replace(content, governed=own), ending, template, pages)


@needs_extras()
def _printed(content: "Briefing", ending: str, template, pages: int) -> bytes:
    if ending == ".pdf":
        from gridmap.reports.paper.pdf import pdf_bytes  # each format loads what it needs, when it is printed

        return pdf_bytes(content, template=template, pages=pages)
    if ending == ".docx":
        from gridmap.reports.paper.docx import docx_bytes

        return docx_bytes(content, template=template, pages=pages)
    if ending == ".pptx":
        from gridmap.reports.paper.pptx import pptx_bytes

        return pptx_bytes(content, template=template)
    from gridmap.reports.paper.xlsx import xlsx_bytes

    return xlsx_bytes(content)


def _check_place(path: Path) -> None:
    """Say that a place cannot be written before the pages are made."""
    if path.is_dir():
        raise OutputError(Note("reports.is_a_folder", path=str(path)))
    folder = path.parent
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise OutputError(Note("reports.not_writable", path=str(path), folder=str(folder)))
