"""A document of blocks for a word processor (.docx), for those who have to edit what they send.

Text is put in as text, never as markup. The drawings are pictures, typeset as on paper. The same document gives the
same bytes.
"""

from __future__ import annotations

import io
import zipfile
from datetime import datetime
from typing import Any

from ivproof.formats.extras import load, need
from ivproof.formats.plain import plain
from ivproof.packet.blocks import Document, Figure, Heading, Items, NamedValues, Signature, TableBlock, Text, TypedLines
from ivproof.render.pdf import picture

WHAT = "a document of a word processor (.docx)"
_ANY_DAY = datetime(2000, 1, 1)
_BLANK = "_" * 40
_SMALL, _TINY = 9, 8
_WIDTH = 6.9
"""Inches between the margins."""


def word_document(paper: Document) -> bytes:
    """Give a document as .docx. Raises MissingExtraError without the libraries that it needs."""
    need("typst", WHAT)
    written = _Writer(load("docx", WHAT), paper)
    return _same_bytes(written.content())


class _Writer:
    """Writes blocks one after the other."""

    def __init__(self, library: Any, paper: Document) -> None:
        self._shared = load("docx.shared", WHAT)
        self._document = library.Document()
        self._set_up(paper)
        self._paragraph(paper.over.upper(), size=_SMALL)
        for it in paper.blocks:
            match it:
                case Heading():
                    self._heading(it)
                case Text():
                    self._text(it)
                case TypedLines():
                    for line in it.lines:
                        self._paragraph(line, size=_TINY, font="Courier New")
                case Items():
                    self._items(it)
                case NamedValues():
                    self._cells([(name, value or _BLANK) for name, value in it.pairs], (1, 4), grid=False)
                case TableBlock():
                    self._table(it)
                case Figure():
                    self._figure(it)
                case Signature():
                    self._cells([tuple(it.lines), tuple(_BLANK for _ in it.lines)], (1,) * len(it.lines), grid=False)

    def content(self) -> bytes:
        """The file."""
        file = io.BytesIO()
        self._document.save(file)
        return file.getvalue()

    def _set_up(self, paper: Document) -> None:
        known = self._document.core_properties
        known.title, known.author, known.comments, known.created = plain(paper.title), "", "", _ANY_DAY
        known.modified = _ANY_DAY
        for name in ("Normal", "Heading 1", "Heading 2", "Heading 3"):
            style = self._document.styles[name]
            style.font.name = "Times New Roman"
            style.font.color.rgb = self._shared.RGBColor(0, 0, 0)
            style.element.get_or_add_rPr().get_or_add_rFonts().attrib.clear()
            style.font.name = "Times New Roman"
        self._document.styles["Normal"].font.size = self._shared.Pt(10.5)
        section = self._document.sections[0]
        section.page_width, section.page_height = self._shared.Inches(8.5), self._shared.Inches(11)
        section.left_margin = section.right_margin = self._shared.Inches(0.8)
        section.top_margin = section.bottom_margin = self._shared.Inches(0.8)
        section.header.paragraphs[0].text = plain(" · ".join(filter(None, paper.header)))
        section.header.paragraphs[0].paragraph_format.space_after = self._shared.Pt(8)
        section.footer.paragraphs[0].text = plain(paper.footer)

    def _paragraph(self, text: str, *, size: float = 0, strong: bool = False, font: str = "", indent: float = 0) -> Any:
        found = self._document.add_paragraph()
        found.paragraph_format.space_after = self._shared.Pt(3)
        if indent:
            found.paragraph_format.left_indent = self._shared.Inches(indent)
        if text:
            self._run(found, text, size=size, strong=strong, font=font)
        return found

    def _run(
        self, paragraph: Any, text: str, *, size: float = 0, strong: bool = False, slanted: bool = False, font: str = ""
    ) -> None:
        run = paragraph.add_run(plain(text))
        run.bold, run.italic = strong or None, slanted or None
        if size:
            run.font.size = self._shared.Pt(size)
        if font:
            run.font.name = font

    def _heading(self, it: Heading) -> None:
        self._document.add_heading(plain(f"{it.text}{f' — {it.rest}' if it.rest else ''}"), it.level)

    def _text(self, it: Text) -> None:
        size = _SMALL if it.look == "quiet" else 0
        found = self._paragraph("", indent=0.2 if it.look == "aside" else 0)
        if it.lead:
            self._run(found, f"{it.lead} ", strong=True, size=size)
        self._run(found, it.text, strong=it.look in {"strong", "box"}, size=size)

    def _items(self, it: Items) -> None:
        for one in it.items:
            found = self._paragraph("– ", indent=0.2 * one.depth)
            if one.tag:
                self._run(found, f"{one.tag}: ", slanted=True)
            self._run(found, one.text, strong=one.strong)
            if one.cite:
                self._run(found, f" [{one.cite}]", size=_SMALL)

    def _table(self, it: TableBlock) -> None:
        strong = {0, *(n + 1 for n in it.marked), *((len(it.rows),) if it.total else ())}
        needed = [max(map(len, column)) for column in zip(it.head, *it.rows, strict=True)]
        whole = sum(it.widths) or 1
        # a column that takes what it needs gets about that, by its letters; the others share what is left
        fixed = [min(0.085 * n + 0.15, 1.6) if share == 0 else 0 for n, share in zip(needed, it.widths, strict=True)]
        left = max(_WIDTH - sum(fixed), 1.0)
        widths = [own or left * share / whole for own, share in zip(fixed, it.widths, strict=True)]
        self._cells([it.head, *it.rows], widths, strong=strong)

    def _cells(
        self,
        rows: list[tuple[str, ...]],
        widths: tuple[float, ...] | list[float],
        *,
        grid: bool = True,
        strong: set[int] | None = None,
    ) -> None:
        table = self._document.add_table(rows=0, cols=len(widths))
        if grid:
            table.style = "Table Grid"
        # some word processors go by the columns, some by the cells, and by neither where a table fits itself
        table.autofit = False
        inches = [self._shared.Inches(width * _WIDTH / sum(widths)) for width in widths]
        for column, width in zip(table.columns, inches, strict=True):
            column.width = width
        for n, row in enumerate(rows):
            cells = table.add_row().cells
            for cell, text, width in zip(cells, row, inches, strict=True):
                cell.width = width
                cell.paragraphs[0].paragraph_format.space_after = self._shared.Pt(2)
                self._run(cell.paragraphs[0], text, size=_SMALL, strong=n in (strong or ()))
        self._paragraph("")

    def _figure(self, it: Figure) -> None:
        self._document.add_picture(io.BytesIO(picture(it)), width=self._shared.Inches(_WIDTH))
        said = [f"{row.name}: {row.technique}, {row.when}" for lane in it.timeline.lanes for row in lane.rows]
        shape = self._document.inline_shapes[-1]
        shape._inline.docPr.set("descr", plain("; ".join(said)))  # what a reader hears of it
        if it.said:
            self._paragraph(it.said, size=_SMALL)


def _same_bytes(content: bytes) -> bytes:
    """The same archive without the moment at which it was made."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as made, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as kept:
        for name in made.namelist():
            kept.writestr(zipfile.ZipInfo(name, _ANY_DAY.timetuple()[:6]), made.read(name), zipfile.ZIP_DEFLATED)
    return file.getvalue()
