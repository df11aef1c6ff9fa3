"""The page as values: sections of texts, tables and figures, each of which the template draws in its own way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, kw_only=True, slots=True)
class Paragraph:
    """Sentences; those of a warning are set apart."""

    kind: ClassVar[str] = "paragraph"
    text: str
    warning: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Table:
    """A table of texts.

    Attributes:
        title: above it.
        rows: as long as there are columns.
        numeric: positions of the columns that are set to the right.
        strong: positions of the rows that stand out.
        note: below it.
        folded: whether it is opened by hand: long tables are.
        marked: whether it is of the page's own data, and marked where these are simulated.
    """

    kind: ClassVar[str] = "table"
    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    numeric: frozenset[int] = frozenset()
    strong: frozenset[int] = frozenset()
    note: str = ""
    folded: bool = False
    marked: bool = True


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """A drawing.

    Attributes:
        svg: the drawing itself, made by us.
        alt: what it shows, for those who cannot see it.
    """

    kind: ClassVar[str] = "chart"
    title: str
    svg: str
    alt: str
    note: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Charts:
    """Charts side by side, as many as fit."""

    kind: ClassVar[str] = "charts"
    charts: Sequence[Chart]


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """A raster picture.

    Attributes:
        png: the file's bytes.
        width: in pixels.
        height: in pixels.
        light: whether it is drawn on white, whatever the page's background is.
    """

    kind: ClassVar[str] = "picture"
    title: str
    png: bytes
    width: int
    height: int
    alt: str
    note: str = ""
    light: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """A label or region that the viewer can show: its name and the label values that it is made of."""

    name: str
    values: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume:
    """A scan with reference and prediction, small enough to be in the page.

    Attributes:
        packed: gzip of scan, reference and prediction one after the other, a byte per voxel, x fastest.
        shape: (x, y, z) in voxels, canonical axes.
        spacing_mm: of these voxels.
        start: the voxel that the planes go through at first.
        plain: whether it is a picture, which is drawn as it is stored and has no patient's sides.
    """

    packed: bytes
    shape: tuple[int, int, int]
    spacing_mm: tuple[float, float, float]
    start: tuple[int, int, int]
    plain: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseView:
    """One case to look at: a picture, and the volume behind it where the viewer can show it."""

    kind: ClassVar[str] = "case"
    rank: str
    name: str
    caption: str
    warning: str
    picture: Picture
    volume: Volume | None
    layers: Sequence[Layer]


Block = Paragraph | Table | Chart | Charts | Picture | CaseView


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """A part of the page.

    Attributes:
        key: its anchor.
        lead: a sentence under the title.
    """

    key: str
    title: str
    lead: str
    blocks: Sequence[Block]


@dataclass(frozen=True, kw_only=True, slots=True)
class Page:
    """The whole page.

    Attributes:
        title: of the page.
        facts: (name, value) pairs that are said first.
        made: when and by what, in words.
        simulated: whether every table and figure is marked.
    """

    title: str
    facts: Sequence[tuple[str, str]]
    sections: Sequence[Section]
    made: str
    simulated: bool = False
