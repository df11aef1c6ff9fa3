"""Training cases held in memory, with the voxels that foreground patches are drawn from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

FOREGROUND_VOXELS = 10_000
HALF_PRECISION_LIMIT = 2048.0


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class ResidentCase:
    """One preprocessed training case.

    Attributes:
        image: (channel, x, y, z) float16 or float32, on the training device or in RAM.
        label: (x, y, z) uint8 class indices 0..K, on the same device.
        foreground: per class 1..K the (n, 3) coordinates of some of its voxels, on the host; n may be 0.
    """

    name: str
    image: torch.Tensor
    label: torch.Tensor
    foreground: tuple[NDArray[np.int32], ...]


def make_resident_case(
    name: str, image: NDArray[np.floating], label: NDArray[np.integer], num_classes: int, device: torch.device
) -> ResidentCase:
    """Put a preprocessed case on the device, its image in half precision where the values allow it.

    The voxels kept for foreground patches (at most 10,000 per class) depend on the case and its name only.

    Args:
        image: (channel, x, y, z), normalised.
        label: (x, y, z) class indices.
        num_classes: how many, background included; indices from there on (an ignore label) get no patches.
    """
    # Half precision is exact for integers up to its limit and has a relative error of 0.05 % elsewhere.
    small = bool(np.abs(image).max(initial=0.0) <= HALF_PRECISION_LIMIT)
    pixels = np.ascontiguousarray(image, dtype=np.float16 if small else np.float32)
    classes = np.ascontiguousarray(label, dtype=np.uint8)
    return ResidentCase(
        name=name,
        image=torch.from_numpy(pixels).to(device),
        label=torch.from_numpy(classes).to(device),
        foreground=_find_foreground(name, classes, num_classes),
    )


def _find_foreground(name: str, label: NDArray[np.uint8], num_classes: int) -> tuple[NDArray[np.int32], ...]:
    rng = np.random.default_rng(list(name.encode()))
    flat = np.flatnonzero(label)
    values = label.reshape(-1)[flat]
    found = []
    for index in range(1, num_classes):
        voxels = flat[values == index]
        if len(voxels) > FOREGROUND_VOXELS:
            voxels = rng.choice(voxels, FOREGROUND_VOXELS, replace=False)
        found.append(np.stack(np.unravel_index(voxels, label.shape), axis=1).astype(np.int32))
    return tuple(found)
