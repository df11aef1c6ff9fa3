"""Statistics of labels: volumes, connected components, thickness, contrast, distance to the border."""

from __future__ import annotations

import cc3d
import numpy as np
import scipy
from numpy.typing import NDArray

from dataset_fingerprints.fingerprint import LabelStatistics, Lesion
from dataset_fingerprints.geometry import Box, TripleFloat
from dataset_fingerprints.reading.body import bounding_box

# Components listed one by one, the largest first; a rare noisy label map can hold thousands.
MAX_LISTED = 50
SHELL_VOXELS = 2


def measure_label(
    voxels: NDArray[np.float32],
    mask: NDArray[np.bool_],
    body: NDArray[np.bool_],
    spacing_mm: TripleFloat,
    value: int,
) -> LabelStatistics:
    """Measure one label of one case.

    Args:
        voxels: (channel, x, y, z).
        mask: (x, y, z), where the label is.
        body: (x, y, z), where the surrounding shell may lie.
        spacing_mm: voxel size.
        value: the label's integer.
    """
    if not mask.any():
        empty = (None,) * voxels.shape[0]
        return LabelStatistics(
            value=value, volume_mm3=0.0, lesion_count=0, lesions=(), contrast=empty, border_distance_mm=None
        )
    tight = bounding_box(mask)
    around = _grow(tight, SHELL_VOXELS + 1, mask.shape)
    inside = mask[around.slices()]
    count, lesions = _measure_components(inside, spacing_mm)
    return LabelStatistics(
        value=value,
        volume_mm3=float(inside.sum() * np.prod(spacing_mm)),
        lesion_count=count,
        lesions=lesions,
        contrast=_measure_contrast(voxels[(slice(None), *around.slices())], inside, body[around.slices()]),
        border_distance_mm=_border_distance(tight, mask.shape, spacing_mm),
    )


def _measure_components(mask: NDArray[np.bool_], spacing_mm: TripleFloat) -> tuple[int, tuple[Lesion, ...]]:
    # Padded, because cc3d 4.1.1 overruns its table of labels on small boxes full of single voxels.
    mask = np.pad(mask, 1)
    components, count = cc3d.connected_components(mask, connectivity=26, return_N=True)
    statistics = cc3d.statistics(components, no_slice_conversion=True)
    sizes = statistics["voxel_counts"][1:]
    largest = np.argsort(-sizes.astype(np.int64), kind="stable")[:MAX_LISTED]
    lesions = []
    for index in largest:
        # First and last voxel along x, y and z; the padding is space for the border.
        first, last = statistics["bounding_boxes"][index + 1].reshape(3, 2).astype(int).T
        around = tuple(slice(low - 1, high + 2) for low, high in zip(first, last, strict=True))
        x, y, z = (int(length) for length in last - first + 1)
        lesions.append(
            Lesion(
                volume_mm3=float(sizes[index] * np.prod(spacing_mm)),
                extent_voxels=(x, y, z),
                extent_mm=(x * spacing_mm[0], y * spacing_mm[1], z * spacing_mm[2]),
                thinnest_mm=_measure_thickness(components[around] == index + 1, spacing_mm),
            )
        )
    return int(count), tuple(lesions)


def _measure_thickness(mask: NDArray[np.bool_], spacing_mm: TripleFloat) -> float:
    """Turn the largest distance to an outside voxel's centre into a thickness: one voxel is one voxel thick."""
    depth_mm = float(scipy.ndimage.distance_transform_edt(mask, sampling=spacing_mm).max())
    return max(2 * depth_mm - min(spacing_mm), min(spacing_mm))


def _measure_contrast(
    voxels: NDArray[np.float32], mask: NDArray[np.bool_], body: NDArray[np.bool_]
) -> tuple[float | None, ...]:
    ball = scipy.ndimage.generate_binary_structure(3, 1)
    shell = scipy.ndimage.binary_dilation(mask, ball, iterations=SHELL_VOXELS) & ~mask & body
    contrasts: list[float | None] = []
    for channel in voxels:
        outside = channel[shell]
        sd = float(outside.std(dtype=np.float64)) if outside.size > 1 else 0.0
        difference = float(channel[mask].mean(dtype=np.float64) - outside.mean(dtype=np.float64)) if sd > 0 else 0.0
        contrasts.append(difference / sd if sd > 0 else None)
    return tuple(contrasts)


def _border_distance(box: Box, shape: tuple[int, ...], spacing_mm: TripleFloat) -> float:
    return min(min(box.start[axis], shape[axis] - box.stop[axis]) * spacing_mm[axis] for axis in range(3))


def _grow(box: Box, margin: int, shape: tuple[int, ...]) -> Box:
    x, y, z = (
        (max(0, start - margin), min(length, stop + margin))
        for start, stop, length in zip(box.start, box.stop, shape, strict=True)
    )
    return Box(start=(x[0], y[0], z[0]), stop=(x[1], y[1], z[1]))
