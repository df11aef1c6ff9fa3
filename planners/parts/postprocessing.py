"""Changes of a mask after prediction; `autoseg.postprocessing` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

from planners.choices import PartTable


class PostprocessingOptions(Protocol):
    """Interface of the entries of `POSTPROCESSING`."""

    @property
    def label(self) -> str:
        """The label or region whose mask is changed; empty for all of them."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class SmallestVolumeOptions:
    """Remove the components that are smaller than lesions are.

    Attributes:
        label: the label or region; empty for all of them.
        volume_mm3: of the smallest component that stays.
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
    """

    volume_mm3: float
    label: str = ""
    connectivity: Literal[6, 18, 26] = 26


@dataclass(frozen=True, kw_only=True, slots=True)
class LargestComponentOptions:
    """Remove all components but the largest.

    Attributes:
        label: the label or region; empty for all of them.
        connectivity: as in `SmallestVolumeOptions`.
        values: of labels whose masks count as one, in place of `label`; what is removed of them becomes background, as
            nnU-Net does it. Empty for each label or region by itself.
    """

    label: str = ""
    connectivity: Literal[6, 18, 26] = 26
    values: tuple[int, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class LeastPeakOptions:
    """Remove the components of which no voxel is probable enough.

    Attributes:
        label: the label or region; empty for all of them.
        probability: that at least one voxel of a component reaches.
        connectivity: as in `SmallestVolumeOptions`.
    """

    probability: float
    label: str = ""
    connectivity: Literal[6, 18, 26] = 26


@dataclass(frozen=True, kw_only=True, slots=True)
class LargeOrProbableOptions:
    """Remove the components that are neither large nor probable enough.

    Attributes:
        label: the label or region; empty for all of them.
        volume_mm3: from which a component stays, however probable it is.
        probability: that at least one voxel reaches of a component that stays, however small it is.
        connectivity: as in `SmallestVolumeOptions`.
    """

    volume_mm3: float
    probability: float
    label: str = ""
    connectivity: Literal[6, 18, 26] = 26


@dataclass(frozen=True, kw_only=True, slots=True)
class FillHolesOptions:
    """Fill the holes of a mask: what it encloses on all sides, in an image of one slice along its two axes.

    Attributes:
        label: the label or region; empty for all of them. Voxels of other labels stay.
    """

    label: str = ""


POSTPROCESSING: PartTable[type[PostprocessingOptions]] = PartTable(
    "postprocessing",
    "post-processing",
    {
        "fill_holes": FillHolesOptions,
        "large_or_probable": LargeOrProbableOptions,
        "largest_component": LargestComponentOptions,
        "least_peak": LeastPeakOptions,
        "smallest_volume": SmallestVolumeOptions,
    },
)
