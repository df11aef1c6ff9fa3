"""What has to be agreed before two people's figures can be compared; written into every result file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionConvention:
    """When voxels are one lesion, and when a lesion counts as found.

    Attributes:
        name: how results refer to it.
        connectivity: voxels are neighbours by their faces (6), also by edges (18), also by corners (26).
        matching: `any_overlap` is lenient and many-to-many: a reference lesion is found, and a predicted lesion is
            right, as soon as one of its voxels lies in the other mask.
    """

    name: str
    connectivity: Literal[6, 18, 26]
    matching: Literal["any_overlap"] = "any_overlap"


# As ISLES'22 scores (de la Rosa 2022).
LENIENT_26 = LesionConvention(name="lenient_26", connectivity=26)
# As the ATLAS R2.0 challenge scores (Liew 2022).
LENIENT_6 = LesionConvention(name="lenient_6", connectivity=6)


@dataclass(frozen=True, kw_only=True, slots=True)
class Conventions:
    """The definitions behind a set of scores: what is chosen as values, what is fixed as sentences."""

    lesions: LesionConvention = LENIENT_26
    both_empty: str = "dice, iou, precision, recall and lesion_f1 are 1, hd95_mm is 0"
    one_empty: str = "dice, iou, precision, recall and lesion_f1 are 0, hd95_mm is null and does not enter its n"
    surface: str = "voxels of the mask that an erosion by face neighbours removes; outside the image is background"
    hd95_mm: str = (
        "the larger of the two directed 95th percentiles of the distances between the centres of surface voxels"
    )
    ignored: str = "voxels that the reference ignores are in no mask"
    differences: str = "absolute"
    sd: str = "of the sample (n - 1)"
    ci95: str = "percentile bootstrap of the mean over cases; null below two cases"
    bootstrap_resamples: int = 2000
    bootstrap_seed: int = 0


DEFAULT_CONVENTIONS = Conventions()
