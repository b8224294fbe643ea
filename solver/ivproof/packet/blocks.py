"""A document as blocks: what stands on paper, on a page or in a word processor, before anything is drawn of it.

Text is plain: nothing in it is markup. A renderer knows these few kinds of blocks and no packet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from ivproof.report.timeline import VisitTimeline

Look = Literal["", "strong", "quiet", "box", "aside"]


@dataclass(frozen=True, slots=True)
class Heading:
    """A heading of level 1 (the title), 2 or 3; `rest` is said after it in a lighter hand, `anchor` is its name."""

    level: int
    text: str
    rest: str = ""
    anchor: str = ""
    block: str = "heading"


@dataclass(frozen=True, slots=True)
class Text:
    """A paragraph; `lead` is said before it in a stronger hand. A box is framed, an aside has a line at its left."""

    text: str
    look: Look = ""
    lead: str = ""
    block: str = "text"


@dataclass(frozen=True, slots=True)
class TypedLines:
    """Lines to be typed."""

    lines: tuple[str, ...]
    block: str = "code"


@dataclass(frozen=True, slots=True)
class Item:
    """A point of a list: its depth from 0, what it is called, what it says, where that stands; `strong` where told."""

    depth: int
    text: str
    tag: str = ""
    cite: str = ""
    strong: bool = False


@dataclass(frozen=True, slots=True)
class Items:
    """A list of points."""

    items: tuple[Item, ...]
    block: str = "items"


@dataclass(frozen=True, slots=True)
class NamedValues:
    """Names with values; an empty value is a line to be filled in by hand."""

    pairs: tuple[tuple[str, str], ...]
    block: str = "pairs"


@dataclass(frozen=True, slots=True)
class TableBlock:
    """A table; `widths` are shares of the width, 0 for what the text needs.

    Every row has a cell for each name of the head. `anchors` are where the rows lead to, `ids` what they are called;
    rows of `marked` stand out, and so does the last one where it is a `total`. `name` is a class of a page.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    widths: tuple[int, ...]
    name: str = ""
    anchors: tuple[str, ...] = ()
    marked: tuple[int, ...] = ()
    total: bool = False
    ids: tuple[str, ...] = ()
    block: str = "table"


@dataclass(frozen=True, slots=True)
class Figure:
    """The drawing of a timeline: `marked` are the keys of rows that stand out, `said` is under it, `name` is unique."""

    timeline: VisitTimeline
    marked: tuple[str, ...]
    said: str
    name: str
    block: str = "figure"


@dataclass(frozen=True, slots=True)
class Signature:
    """Lines to be signed, each with what it is for."""

    lines: tuple[str, ...]
    block: str = "signature"


Block = Heading | Text | TypedLines | Items | NamedValues | TableBlock | Figure | Signature


@dataclass(frozen=True, slots=True)
class Document:
    """Blocks with a title, what stands over it, at the head of each further page and at the foot of each page."""

    title: str
    over: str
    header: tuple[str, str]
    footer: str
    blocks: tuple[Block, ...] = field(default=())
