"""Box of the body: only a constant background that is connected to the border is ever taken away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cc3d
import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.geometry import Box

# The share of border voxels that must hold one and the same value before it counts as background. A skull-stripped
# brain in a tight box still leaves more than half; a crop inside the head has no repeated value at all.
PROOF_SHARE = 0.25


@dataclass(frozen=True, kw_only=True, slots=True)
class Body:
    """The voxels that are not background.

    Attributes:
        background: the value of the first channel around the body, or None where none was proven.
        mask: (x, y, z), True inside; all True without a background.
        around: the value of every channel around the body; empty without a background.
    """

    background: float | None
    mask: NDArray[np.bool_]
    around: tuple[float, ...] = ()


def find_body(voxels: NDArray[np.float32]) -> Body:
    """Separate the body from a constant background.

    A voxel is background if every channel holds its channel's border value there and it is connected to the border
    through such voxels; holes inside the body stay body. A single slice is all border: holes in it are background.

    Args:
        voxels: (channel, x, y, z).
    """
    background = np.ones(voxels.shape[1:], dtype=bool)
    values = []
    for channel in voxels:
        value = border_value(channel)
        if value is None:
            return Body(background=None, mask=np.ones(voxels.shape[1:], dtype=bool))
        values.append(value)
        background &= channel == value
    return Body(background=values[0], mask=~connected_to_border(background), around=tuple(values))


def bounding_box(mask: NDArray[np.bool_]) -> Box:
    """Return the smallest box around the True voxels, or the whole array if there are none."""
    bounds = []
    for axis in range(3):
        others = tuple(other for other in range(3) if other != axis)
        inside = np.flatnonzero(mask.any(axis=others))
        bounds.append((int(inside[0]), int(inside[-1]) + 1) if len(inside) else (0, mask.shape[axis]))
    (x, y, z) = bounds
    return Box(start=(x[0], y[0], z[0]), stop=(x[1], y[1], z[1]))


def border_value(channel: NDArray[np.float32]) -> float | None:
    """Return the value that most voxels on the faces of an (x, y, z) array share, or None if too few do."""
    values, counts = np.unique(_faces(channel), return_counts=True)
    most = int(counts.argmax())
    return float(values[most]) if counts[most] >= PROOF_SHARE * counts.sum() else None


def connected_to_border(background: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Return which voxels of an (x, y, z) mask the border reaches through faces of its voxels."""
    components = cc3d.connected_components(background, connectivity=6)
    touching = np.unique(_faces(components))
    keep = np.zeros(int(components.max()) + 1, dtype=bool)
    keep[touching] = True
    keep[0] = False
    return keep[components]


def _faces(array: NDArray[Any]) -> NDArray[Any]:
    """Return the values on the six faces of an (x, y, z) array; those on edges more than once."""
    # Views: np.take would copy an array whose axes were flipped.
    faces = [np.moveaxis(array, axis, 0)[index] for axis in range(3) for index in (0, -1)]
    return np.concatenate([face.ravel() for face in faces])
