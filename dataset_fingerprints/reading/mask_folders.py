"""A folder of masks as one label map: the main mask of a patient is label 1, what its sub-masks mark of it label 2.

So lie the masks of ATLAS R1 (`031768_LesionSmooth_stx`, `..._LesionSmooth_1_stx`, `..._LesionSmooth_2_stx`), and those
of which one is called a sub-mask or a finer one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

MAIN, SUB = 1, 2

_MASK = re.compile(r"lesion|mask|label|(?<![a-z])seg(mentation)?(?![a-z])", re.IGNORECASE)
_NOT_A_LESION = re.compile(r"brain|skull|deface", re.IGNORECASE)
# A number behind the word for a mask, or the words for a part or a finer drawing.
_OF_A_PART = re.compile(
    r"(lesion|mask|label|seg)[a-z]*[_\- ]?\d{1,2}(?=_|$)|sub[_\- ]?(mask|lesion)|(?<![a-z])finer?(?![a-z])",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskFiles:
    """The masks in a folder."""

    main: Path
    subs: tuple[Path, ...]

    def all(self) -> tuple[Path, ...]:
        """Return the main mask, then the sub-masks."""
        return (self.main, *self.subs)


def sort_masks(files: list[Path]) -> MaskFiles | None:
    """Return the main mask among images and its sub-masks; None where there is no main mask, or are several."""
    masks = [file for file in files if _MASK.search(_stem(file)) and not _NOT_A_LESION.search(_stem(file))]
    subs = tuple(file for file in sorted(masks) if _OF_A_PART.search(_stem(file)))
    mains = [file for file in masks if file not in subs]
    return MaskFiles(main=mains[0], subs=subs) if len(mains) == 1 else None


def join_parts(main: NDArray[np.bool_], sub: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return the label map of a main mask and of the union of its sub-masks, which lie over it."""
    labels = main.astype(np.uint8) * np.uint8(MAIN)
    labels[sub] = SUB
    return labels


def _stem(file: Path) -> str:
    return file.name.split(".")[0]
