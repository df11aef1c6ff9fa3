"""Families of features, told from the names that mirp gives them (IBSI's, Zwanenburg 2020)."""

from __future__ import annotations

from typing import Literal, get_args

Family = Literal["shape", "first_order", "texture", "wavelet"]
FAMILIES: tuple[Family, ...] = get_args(Family)
# mirp's names of what is measured; textures are six matrices: co-occurrence, run length, size zone, distance zone, and
# the two of grey levels in a neighbourhood.
TEXTURES = ("glcm", "glrlm", "glszm", "gldzm", "ngtdm", "ngldm")
MEASURED: dict[Family, tuple[str, ...]] = {
    "shape": ("morphological",),
    "first_order": ("statistical",),
    "texture": TEXTURES,
}
_PREFIXES: dict[str, Family] = {
    "wavelet": "wavelet",
    "morph": "shape",
    "stat": "first_order",
    **dict.fromkeys(("cm", "rlm", "szm", "dzm", "ngt", "ngl"), "texture"),
}


def family_of(feature: str) -> Family | None:
    """Return the family of a feature by its name; None for the name of anything else."""
    return _PREFIXES.get(feature.partition("_")[0])
