"""Applying the normalisations that a plan can name (`planners.parts.NORMALIZATIONS`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.bias_field import correct_bias
from autoseg.preprocessing.ranges import map_percentiles, map_range
from autoseg.preprocessing.white_stripe import standardize_by_stripe
from planners.builders import BuilderTable
from planners.choices import Choice
from planners.parts import NORMALIZATIONS
from planners.parts.normalizations import (
    CtOptions,
    CtWindowOptions,
    PercentileRangeOptions,
    RescaleOptions,
    ScaleOptions,
    UnchangedOptions,
    WhiteStripeOptions,
    ZScoreBodyOptions,
    ZScoreOptions,
)

# Below this SD a channel is constant for every practical purpose, and dividing by it would blow up noise.
SMALLEST_SD = 1e-8

Channel = NDArray[np.float32]
Body = NDArray[np.bool_]
# From options, a channel (x, y, z) and where the scan is not background, to the channel normalised.
Normalizer = Callable[[Any, Channel, Body], Channel]


def normalize(voxels: NDArray[np.float32], body: Body, choices: tuple[Choice, ...]) -> NDArray[np.float32]:
    """Return every channel normalised.

    Args:
        voxels: (channel, x, y, z).
        body: (x, y, z), True where the scan is not background.
        choices: one per channel.

    Raises:
        PlanError: there is no such normalisation.
    """
    channels = []
    for channel, choice in zip(voxels, choices, strict=True):
        options, apply = BUILDERS.find(choice)
        channels.append(apply(options, channel, body))
    return np.stack(channels) if len(channels) > 1 else channels[0][None]


def _by_image(options: ZScoreOptions, channel: Channel, body: Body) -> Channel:
    return _zscore(channel, body, np.ones_like(body), options)


def _by_body(options: ZScoreBodyOptions, channel: Channel, body: Body) -> Channel:
    return np.where(body, _zscore(channel, body, body, options), np.float32(0))


def _by_white_matter(options: WhiteStripeOptions, channel: Channel, body: Body) -> Channel:
    corrected = correct_bias(channel, body) if options.bias_correction else channel
    return standardize_by_stripe(corrected, body, options.peak, options.width, options.brain_only)


def _by_range_of_ct(options: CtOptions, channel: Channel, body: Body) -> Channel:
    return _standardize(np.clip(channel, options.lower, options.upper), options.mean, options.sd)


def _by_percentiles(options: PercentileRangeOptions, channel: Channel, body: Body) -> Channel:
    return map_percentiles(
        correct_bias(channel, body) if options.bias_correction else channel,
        body,
        (options.lower_percentile, options.upper_percentile),
        (options.low, options.high),
        clipped=options.clip,
        brain_only=options.brain_only,
    )


def _by_window(options: CtWindowOptions, channel: Channel, body: Body) -> Channel:
    return map_range(channel, options.window(), (options.low, options.high), clipped=True)


def _by_range(options: RescaleOptions, channel: Channel, body: Body) -> Channel:
    low, high = float(channel.min()), float(channel.max())
    return _standardize(channel, low, high - low)


def _by_factor(options: ScaleOptions, channel: Channel, body: Body) -> Channel:
    return channel * np.float32(options.factor)


def _not_at_all(options: UnchangedOptions, channel: Channel, body: Body) -> Channel:
    return channel


BUILDERS: BuilderTable[Normalizer] = BuilderTable(
    NORMALIZATIONS,
    {
        CtOptions: _by_range_of_ct,
        CtWindowOptions: _by_window,
        PercentileRangeOptions: _by_percentiles,
        RescaleOptions: _by_range,
        ScaleOptions: _by_factor,
        UnchangedOptions: _not_at_all,
        WhiteStripeOptions: _by_white_matter,
        ZScoreBodyOptions: _by_body,
        ZScoreOptions: _by_image,
    },
)


def _zscore(
    channel: NDArray[np.float32],
    body: NDArray[np.bool_],
    counted: NDArray[np.bool_],
    options: ZScoreOptions | ZScoreBodyOptions,
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
    standard = channel - np.float32(centre)
    standard /= np.float32(max(scale, SMALLEST_SD))
    return standard
