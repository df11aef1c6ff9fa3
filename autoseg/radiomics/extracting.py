"""Features of a region of a scan, by mirp, which is tested against the references of the IBSI (Zwanenburg 2020)."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.radiomics.families import MEASURED, family_of
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import TripleFloat
from dataset_fingerprints.installed import advise_extra

PACKAGE = "mirp"
# What a filter of a wavelet, and the neighbours of a voxel, see around a region.
MARGIN_VOXELS = 12


@dataclass(frozen=True, kw_only=True, slots=True)
class RadiomicsOptions:
    """Options of measuring features; all have a default.

    Attributes:
        spacing_mm: of the voxels that scan and mask are resampled to, the same along all axes.
        bins: number of grey levels that textures are counted in, over the range of the region.
        wavelets: whether first-order features and textures are measured in the eight sub-bands of a wavelet, too.
        wavelet: its name, as PyWavelets knows it.
    """

    spacing_mm: float = 1.0
    bins: int = 32
    wavelets: bool = True
    wavelet: str = "coif1"

    def __post_init__(self) -> None:
        if not (math.isfinite(self.spacing_mm) and self.spacing_mm > 0):
            raise DataError(f"--spacing is {self.spacing_mm:g}. Expected more than 0 mm.")
        if self.bins < 2:
            raise DataError(f"--bins is {self.bins}. Expected at least 2.")


USUAL = RadiomicsOptions()


def refuse_missing_package() -> None:
    """Make sure that features can be measured.

    Raises:
        DataError: the package for it is missing.
    """
    if find_spec(PACKAGE) is None:
        raise DataError(
            f"radiomics needs {PACKAGE}, which is not installed. Install what it needs: {advise_extra('radiomics')}."
        )


def measure_features(
    voxels: NDArray[np.float32], mask: NDArray[np.bool_], spacing_mm: TripleFloat, options: RadiomicsOptions = USUAL
) -> dict[str, float]:
    """Return the features of a region by name; those that it is too small for are NaN.

    Args:
        voxels: (x, y, z) of one channel.
        mask: (x, y, z) of the region.
        spacing_mm: of the voxels.
        options: of the features.

    Raises:
        DataError: the mask is empty, on the grid of the features at least, or the package is missing.
    """
    refuse_missing_package()
    image, region = resample_around(voxels, mask, spacing_mm, options.spacing_mm)
    if not region.any():
        raise DataError(
            f"the mask holds no voxel{' at that spacing' if mask.any() else ''}. Expected a region to measure."
        )
    from mirp import extract_features

    with _quiet():
        # mirp's axes are z, y, x.
        (table,) = extract_features(
            image=np.ascontiguousarray(image.T),
            mask=np.ascontiguousarray(region.T),
            **_settings(options),
        )
    return {name: float(table[name].iloc[0]) for name in table.columns if family_of(name) is not None}


def resample_around(
    voxels: NDArray[np.float32], mask: NDArray[np.bool_], spacing_mm: TripleFloat, target_mm: float
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return a scan and a mask around the mask at another spacing: by cubic splines, and by half of a linear weight.

    The new voxels begin where the scan begins, whatever the mask: two masks of a scan are measured on the same voxels.

    Args:
        voxels: (x, y, z).
        mask: (x, y, z).
        spacing_mm: of both.
        target_mm: the new one, along all axes.
    """
    places = np.argwhere(mask)
    if not len(places):
        return voxels[:0], mask[:0]
    steps = target_mm / np.array(spacing_mm)
    # New voxel j has its centre at (j + 1/2) steps - 1/2 of the old ones: the edges of the first ones meet.
    most = np.maximum(np.floor(np.array(mask.shape) / steps + 1e-6).astype(int) - 1, 0)
    low = np.maximum(np.floor((places.min(axis=0) + 0.5) / steps - 0.5).astype(int) - MARGIN_VOXELS, 0)
    high = np.minimum(np.ceil((places.max(axis=0) + 0.5) / steps - 0.5).astype(int) + MARGIN_VOXELS, most)
    if np.allclose(steps, 1.0, atol=1e-6):
        inside = tuple(slice(start, stop + 1) for start, stop in zip(low, high, strict=True))
        return voxels[inside], mask[inside]
    shape, start = tuple(int(length) for length in high - low + 1), (low + 0.5) * steps - 0.5
    resampled = ndimage.affine_transform(voxels, steps, start, shape, order=3, mode="nearest")
    share = ndimage.affine_transform(mask.astype(np.float32), steps, start, shape, order=1, mode="nearest")
    return resampled.astype(np.float32), share >= 0.5


def _settings(options: RadiomicsOptions) -> dict[str, Any]:
    """Return mirp's settings."""
    in_bands = [*MEASURED["first_order"], *MEASURED["texture"]]
    settings: dict[str, Any] = {
        "base_feature_families": [*MEASURED["shape"], *in_bands],
        "base_discretisation_method": "fixed_bin_number",
        "base_discretisation_n_bins": options.bins,
    }
    if not options.wavelets:
        return settings
    return settings | {
        "filter_kernels": "separable_wavelet",
        "separable_wavelet_families": options.wavelet,
        "separable_wavelet_set": "all",
        "separable_wavelet_stationary": True,
        # Eight sub-bands as they are, not the mean over how a scan may lie.
        "separable_wavelet_rotation_invariance": False,
        "response_map_feature_families": in_bands,
        "response_map_discretisation_method": "fixed_bin_number",
        "response_map_discretisation_n_bins": options.bins,
    }


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep mirp from setting up a log on the terminal, and numpy from warning of features that are not defined."""
    root, handler = logging.getLogger(), logging.NullHandler()
    root.addHandler(handler)
    try:
        with np.errstate(all="ignore"):
            yield
    finally:
        root.removeHandler(handler)
