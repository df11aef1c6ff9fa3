"""Division of scans into halves, of which one is mirrored onto the other's side."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import AXIS_NAMES, Triple

# Of names, the words that tell a side from the other one; single letters do so only where a twin has the other one.
_WORDS = {"left": "right", "right": "left"}
_LETTERS = {"l": "r", "r": "l", "lh": "rh", "rh": "lh", "lt": "rt", "rt": "lt"}
# Between the words of a name, also where only a capital letter begins the next one.
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


@dataclass(frozen=True, kw_only=True, slots=True)
class Halves:
    """Halves of every scan, each looked at by itself; one of them is mirrored onto the other's side.

    Whatever has a side then looks alike in both halves: a network learns one side from twice as many examples. A patch
    never reaches across the middle. Masks of both halves are put together on the scan's own grid.

    Attributes:
        axis: the canonical axis that is divided, at the middle of the scan: 0 from left to right, 1 from back to front,
            2 from below to above.
        mirrored: the half that is mirrored along this axis: the first (left, back, below) or the second one.
    """

    axis: int = 0
    mirrored: Literal["first", "second"] = "first"

    def list_shapes(self, shape: Triple) -> tuple[Triple, ...]:
        """Return the shapes of both halves of an array whose middle is that of the scan; of a single voxel just one."""
        length = shape[self.axis]
        lengths = [part for part in (length // 2, length - length // 2) if part]
        shapes = [tuple(part if axis == self.axis else shape[axis] for axis in range(3)) for part in lengths]
        return tuple((x, y, z) for x, y, z in shapes)

    def find_problems(self, scheme: LabelScheme) -> Iterator[str]:
        """Yield why scans with these labels cannot be divided."""
        if not 0 <= self.axis < len(AXIS_NAMES):
            yield f"axis is {self.axis}. Expected 0, 1 or 2 (x, y or z)."
        sided = find_sided(scheme) if self.axis == 0 else ()
        if sided:
            yield (
                f"labels name sides ({', '.join(sided)}), but a half that is mirrored looks like the other one, so "
                "that a network cannot tell them apart. Expected labels that are the same on both sides: give both "
                "sides one value in the label maps, or leave halves out."
            )


def find_sided(scheme: LabelScheme) -> tuple[str, ...]:
    """Return the names of labels and regions that tell sides apart."""
    return list_sided([*(label.name for label in scheme.labels), *(region.name for region in scheme.regions)])


def list_sided(names: Sequence[str]) -> tuple[str, ...]:
    """Return those of some labels' names that tell sides apart: by a word, or by a letter that a twin has otherwise."""
    spelled = {name: tuple(word.lower() for word in _WORD.findall(name)) for name in names}
    known = set(spelled.values())

    def tells(words: tuple[str, ...]) -> bool:
        twin = tuple(_LETTERS.get(word, word) for word in words)
        return any(word in _WORDS for word in words) or (twin != words and twin in known)

    return tuple(name for name, words in spelled.items() if tells(words))
