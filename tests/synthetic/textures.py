"""Textures of the same mean and spread that differ in how grey values lie beside each other."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage


def _stripes(noise: NDArray[np.float64]) -> NDArray[np.float64]:
    along = np.arange(noise.shape[0])[:, None]
    return np.asarray(np.sin(along * 2 * np.pi / 5 + noise[0, 0]) + 0.3 * noise)


# Made of white noise.
TEXTURES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "fine": lambda noise: noise,
    "coarse": lambda noise: np.asarray(ndimage.gaussian_filter(noise, 2.0)),
    "striped": _stripes,
    "spotted": lambda noise: np.asarray(ndimage.gaussian_filter((noise > 1.9).astype(float), 0.7)),
}


def make_texture(name: str, shape: Sequence[int], seed: int) -> NDArray[np.float32]:
    """Return a slice of a texture with the mean 100 and the SD 20."""
    made = TEXTURES[name](np.random.default_rng(seed).normal(size=tuple(shape)))
    return (100 + 20 * (made - made.mean()) / made.std()).astype(np.float32)
