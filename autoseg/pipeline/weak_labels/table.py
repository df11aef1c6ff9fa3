"""The table of patches: the scan, the place and the class of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.layouts.column_names import read_role
from dataset_fingerprints.layouts.table_text import Line, read_table
from dataset_fingerprints.names import plain_name, some_of

_CLASSES = ("class", "classname", "label", "pattern", "texture", "tissue", "type")
_VOXELS, _MM, _EDGES = ("x", "y", "z"), ("xmm", "ymm", "zmm"), ("width", "height")
_EXPECTED = (
    "Expected the columns scan, class, and x, y, z (the voxel in the file that is the patch's middle, the first one is "
    "0) or x_mm, y_mm, z_mm (in the space of the header); with width and height, x and y are the first corner of a box."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Patch:
    """A patch of which a person said the class.

    Attributes:
        line: of the table, for messages.
        scan: name of the scan, or of its file.
        place: its middle: a voxel of the file, or in mm in the space of the header.
        in_mm: which of both.
        name: of the class.
    """

    line: int
    scan: str
    place: TripleFloat
    in_mm: bool
    name: str


def read_patches(path: Path) -> tuple[Patch, ...]:
    """Return the patches of a table.

    Raises:
        DataError: columns are missing, or a line says no scan, class or place; all such lines are named.
    """
    table = read_table(path)
    columns = {plain_name(column): column for column in reversed(table.columns)}
    scan = next((name for role in ("case", "image") for name in table.columns if _is(name, role)), None)
    known = next((columns[name] for name in _CLASSES if name in columns), None)
    in_mm = set(_MM) <= columns.keys()
    axes = [columns[name] for name in (_MM if in_mm else _VOXELS) if name in columns]
    if scan is None or known is None or len(axes) < len(_VOXELS):
        raise DataError(f"{path}: has the columns {some_of(table.columns, 10)}. {_EXPECTED}")
    edges = [] if in_mm else [columns[name] for name in _EDGES if name in columns]
    patches, wrong = [], []
    for line in table.lines:
        place = _read_place(line, axes, edges)
        if place is None or not line.cells[scan] or not line.cells[known]:
            wrong.append(str(line.number))
            continue
        one = Patch(line=line.number, scan=line.cells[scan], place=place, in_mm=in_mm, name=line.cells[known])
        patches.append(one)
    if wrong:
        what = "has no scan, no class, or a place that is not three finite numbers"
        raise DataError(f"{path}: line {some_of(wrong, 10)}: {what}. Fill it in, or remove the line.")
    return tuple(patches)


def number_classes(patches: Sequence[Patch], background: str) -> Mapping[str, int]:
    """Return the value of every class in label maps, in the order of the table; that of the background is 0."""
    names = dict.fromkeys(patch.name for patch in patches)
    numbered = (name for name in names if name.casefold() != background)
    return {name: 0 for name in names if name.casefold() == background} | {
        name: value for value, name in enumerate(numbered, 1)
    }


def _is(column: str, role: str) -> bool:
    return read_role(column, different=False) == role


def _read_place(line: Line, axes: Sequence[str], edges: Sequence[str]) -> TripleFloat | None:
    numbers = [_read_number(line.cells[column]) for column in (*axes, *edges)]
    if not all(map(math.isfinite, numbers)):
        return None
    x, y, z = numbers[:3]
    if len(edges) == len(_EDGES):
        # As of a window of an even number of voxels, the middle is the first one behind it.
        x, y = (start + edge // 2 for start, edge in zip((x, y), numbers[3:], strict=True))
    return (x, y, z)


def _read_number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
