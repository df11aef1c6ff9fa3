"""nnU-Net's rules of preprocessing, in the plans of models that it trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True, slots=True)
class NnunetRules:
    """nnU-Net's rules of preprocessing, by which networks that it trained see scans.

    They crop to what is not 0, look for a coarse axis in each scan, and take the nearest slice along it.

    Attributes:
        axes: the axes that a configuration's spacing, patch, kernels and flips go along: those of the file as it is
            stored, or canonical ones.
        kept_axis: the axis along which every scan keeps its own spacing, as scans for a 2D network do, or -1.
        images: interpolation of images; with `none`, every scan keeps its spacing along all axes.
        coarse: whether the coarse axis is resampled apart: where voxels are more than `threshold` times longer than
            wide, in every scan, or in none.
        threshold: for `coarse`.
    """

    axes: Literal["stored", "canonical"]
    kept_axis: int = -1
    images: Literal["spline", "linear", "none"] = "spline"
    coarse: Literal["auto", "always", "never"] = "auto"
    threshold: float = 3.0
