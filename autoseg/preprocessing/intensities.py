"""Applying the normalisations that `planners.rules.normalization` names."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.bias_field import correct_bias
from planners.choices import Choice, resolve
from planners.rules.normalization import (
    NORMALIZATIONS,
    Ct,
    NormalizationOptions,
    Rescale,
    Unchanged,
    ZScore,
    ZScoreBody,
)

# Below this SD a channel is constant for every practical purpose, and dividing by it would blow up noise.
SMALLEST_SD = 1e-8


def normalize(voxels: NDArray[np.float32], body: NDArray[np.bool_], choices: tuple[Choice, ...]) -> NDArray[np.float32]:
    """Normalise every channel.

    Args:
        voxels: (channel, x, y, z).
        body: (x, y, z), True where the scan is not background.
        choices: one per channel.
    """
    channels = []
    for channel, choice in zip(voxels, choices, strict=True):
        options = resolve(choice, NORMALIZATIONS, "normalization")
        channels.append(_normalize_channel(channel, body, options))
    return np.stack(channels)


def _normalize_channel(
    channel: NDArray[np.float32], body: NDArray[np.bool_], options: NormalizationOptions
) -> NDArray[np.float32]:
    match options:
        case ZScore():
            return _zscore(channel, body, np.ones_like(body), options)
        case ZScoreBody():
            return np.where(body, _zscore(channel, body, body, options), np.float32(0))
        case Ct(lower=lower, upper=upper, mean=mean, sd=sd):
            return _standardize(np.clip(channel, lower, upper), mean, sd)
        case Rescale():
            low, high = float(channel.min()), float(channel.max())
            return _standardize(channel, low, high - low)
        case Unchanged():
            return channel


def _zscore(
    channel: NDArray[np.float32], body: NDArray[np.bool_], counted: NDArray[np.bool_], options: ZScore | ZScoreBody
) -> NDArray[np.float32]:
    """Standardise by the voxels that are counted, after correction and clipping if they are asked for."""
    if options.bias_correction:
        channel = correct_bias(channel, body)
    inside = channel if counted.all() else channel[counted]
    if inside.size == 0:
        return channel
    percentiles = (options.lower_percentile, options.upper_percentile)
    if percentiles != (0, 100):
        low, high = np.percentile(inside, percentiles)
        channel, inside = np.clip(channel, low, high), np.clip(inside, low, high)
    return _standardize(channel, float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64)))


def _standardize(channel: NDArray[np.float32], centre: float, scale: float) -> NDArray[np.float32]:
    return (channel - np.float32(centre)) / np.float32(max(scale, SMALLEST_SD))
