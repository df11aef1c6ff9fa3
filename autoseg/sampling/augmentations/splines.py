"""Smooth fields from a few control points, by cubic B-splines (Rueckert 1999)."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray


def spread_control_points(points: torch.Tensor, shape: tuple[int, ...]) -> torch.Tensor:
    """Return smooth fields (row, *shape) from control points (row, *counts), at least 4 along each axis."""
    fields = points
    for axis, length in enumerate(shape, start=1):
        weights = torch.from_numpy(spline_weights(length, points.shape[axis])).to(points.device, non_blocking=True)
        fields = torch.movedim(torch.movedim(fields, axis, -1) @ weights.T, -1, axis)
    return fields


@lru_cache(maxsize=64)
def spline_weights(length: int, points: int) -> NDArray[np.float32]:
    """Return the (length, points) weights of cubic B-splines; the outermost points lie one interval outside."""
    place = np.linspace(0.0, points - 3, length) if length > 1 else np.array([(points - 3) / 2])
    weights = np.zeros((length, points))
    for point in range(points):
        distance = np.abs(place + 1 - point)
        near = 2 / 3 - distance**2 + distance**3 / 2
        far = np.clip(2 - distance, 0, None) ** 3 / 6
        weights[:, point] = np.where(distance < 1, near, far)
    return weights.astype(np.float32)
