"""A label map whose values mean something else in another data set: a small file that names it and the new values.

So a combined data set gives the lesions of each source a value of their own without copying a voxel.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.names import some_of

SUFFIX = ".labels.json"
_REMEDY = "Write it again with `autoseg combine`."


@dataclass(frozen=True, kw_only=True, slots=True)
class MappedLabels:
    """A label map of another data set, and what its values become.

    Attributes:
        label_map: path of the file, absolute or from the folder of this one.
        values: for each value but 0 that the file may hold, the new one.
    """

    label_map: str
    values: Mapping[str, int]

    def table(self) -> dict[int, int]:
        """Return the new value of every known one, 0 included."""
        return {0: 0, **{int(value): new for value, new in self.values.items()}}


def is_mapped(path: Path) -> bool:
    """Return whether a file is named as one that maps a label map."""
    return path.name.endswith(SUFFIX)


def read_mapping(path: Path) -> MappedLabels:
    """Read which label map a file stands for, and its new values.

    Raises:
        FileFormatError: the file is missing or no such file.
        DataError: a value is not a whole number.
    """
    found = read_json(path, MappedLabels, _REMEDY)
    wrong = [value for value in found.values if not value.removeprefix("-").isdecimal()]
    if wrong:
        raise DataError(f"{path}: 'values' names {some_of(wrong)}. Expected whole numbers, those of the label map.")
    return found


def find_target(path: Path, mapping: MappedLabels) -> Path:
    """Return where the label map lies that a file stands for."""
    return path.parent / mapping.label_map


def map_values(path: Path, voxels: NDArray[Any], mapping: MappedLabels) -> NDArray[Any]:
    """Return voxels of a label map with their values replaced; what is off a whole number stays off by as much.

    Args:
        path: of the file that maps it, for messages.
        voxels: of any number type.
        mapping: what the values become.

    Raises:
        DataError: the label map holds values that nothing is known of.
    """
    table = mapping.table()
    known = np.array(sorted(table))
    whole = voxels if np.issubdtype(voxels.dtype, np.integer) else np.rint(voxels)
    finite = np.isfinite(whole)
    place = np.minimum(np.searchsorted(known, whole), len(known) - 1)
    unknown = np.unique(whole[finite & (known[place] != whole)]).tolist()
    if unknown:
        shown = some_of([f"{value:g}" for value in unknown], 10)
        raise DataError(
            f"{path}: the label map {mapping.label_map} holds {shown}. Expected {', '.join(map(str, known))}: name all "
            "labels in the dataset.json of the data set that it is of, then combine again."
        )
    changed = np.array([table[value] for value in known.tolist()], dtype=np.int32)[place]
    if np.issubdtype(voxels.dtype, np.integer):
        return changed
    off = np.subtract(voxels, whole, out=np.zeros_like(voxels), where=finite)
    return np.where(finite, changed + off, voxels)
