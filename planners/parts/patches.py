"""Cases that a batch is drawn from, and positions of its patches; `autoseg.sampling` draws them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

from dataset_fingerprints.geometry import Triple
from planners.choices import PartTable
from planners.parts.limits import find_outside


class PatchOptions(Protocol):
    """Interface of the entries of `PATCHES`."""

    def needs_lesions(self) -> bool:
        """Return whether single lesions have to be separated in the training cases."""
        ...


class CaseOptions(Protocol):
    """Interface of the entries of `CASES`."""

    def column(self) -> str:
        """Return what cases are grouped by: `site`, `subject`, `group` or `task`; empty for nothing."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ForegroundOptions:
    """A share of every batch on labelled voxels, the rest anywhere.

    Attributes:
        foreground_share: the share of each batch that must hold foreground; at least one patch where it is above 0.
        jitter_share: how far, as a share of half the patch, a foreground patch's centre may lie from its voxel: 0 is
            the centre, 1 is anywhere.
        lesion_balance: a lesion of n voxels is drawn with a weight of n to the power of 1 less this: 0 draws every
            voxel of a label alike, 1 every lesion alike, however small.
    """

    foreground_share: float = 0.5
    jitter_share: float = 0.5
    lesion_balance: float = 0.0

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        for name in ("foreground_share", "jitter_share", "lesion_balance"):
            if not 0 <= getattr(self, name) <= 1:
                yield f"{name} is {getattr(self, name)}. Expected 0 to 1."

    def needs_lesions(self) -> bool:
        """Return whether single lesions have to be separated in the training cases."""
        return self.lesion_balance > 0


@dataclass(frozen=True, kw_only=True, slots=True)
class AnywhereOptions:
    """Every patch anywhere in its case, or on labelled voxels where some are ignored."""

    def needs_lesions(self) -> bool:
        """Return whether single lesions have to be separated in the training cases."""
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class GridOptions:
    """Every case divided into boxes of the patch's shape side by side, of which each patch is one, all drawn alike.

    The boxes lie around the case's centre and share no voxel. Where they reach out of the case, the patch is padded;
    what lies beyond them is not trained on. Boxes without a voxel of the case, or without a labelled one where some are
    ignored, are left out. Along the sliced axis of a 2D configuration every slice is a box.

    Attributes:
        parts: boxes along x, y and z.
    """

    parts: Triple = (2, 2, 2)

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if min(self.parts) < 1:
            yield f"parts is {list(self.parts)}. Expected 1 or more along each axis."

    def needs_lesions(self) -> bool:
        """Return whether single lesions have to be separated in the training cases."""
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class CropsOnMaskOptions:
    """A few places per case that hold labelled voxels, drawn once for the whole training; each patch is one of them.

    A label or region of the case is drawn, then one of its voxels, then the patch around it. The places follow from the
    plan's seed, the fold and the case's name: those of fewer are among those of more. Cases without labels are left
    out, unless there are no others.

    Attributes:
        count: of places per case.
        jitter_share: as in `ForegroundOptions`; 1 is anywhere that the voxel stays in the patch.
    """

    count: int = 16
    jitter_share: float = 1.0

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, count="1 or more", jitter_share="0 to 1")

    def needs_lesions(self) -> bool:
        """Return whether single lesions have to be separated in the training cases."""
        return False


@dataclass(frozen=True, kw_only=True, slots=True)
class UniformOptions:
    """Every case with the same probability."""

    def column(self) -> str:
        """Return what cases are grouped by."""
        return ""


@dataclass(frozen=True, kw_only=True, slots=True)
class BalancedOptions:
    """Every site (or subject, group or task) with the same probability, and then every case of it.

    Attributes:
        over: the column of the data set that says which cases belong together.
    """

    over: Literal["site", "subject", "group", "task"] = "site"

    def column(self) -> str:
        """Return what cases are grouped by."""
        return self.over


PATCHES: PartTable[type[PatchOptions]] = PartTable(
    "patches",
    "patches",
    {
        "anywhere": AnywhereOptions,
        "crops_on_mask": CropsOnMaskOptions,
        "foreground": ForegroundOptions,
        "grid": GridOptions,
    },
)
CASES: PartTable[type[CaseOptions]] = PartTable(
    "cases", "cases", {"balanced": BalancedOptions, "uniform": UniformOptions}
)
