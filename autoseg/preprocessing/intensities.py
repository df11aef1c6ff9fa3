"""Applying the normalisations that a plan can name (`planners.parts.NORMALIZATIONS`)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing.bias_field import correct_bias
from autoseg.preprocessing.ranges import is_one_value, map_percentiles, map_range, standardize
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

Channel = NDArray[np.float32]
Body = NDArray[np.bool_]
# From options, a channel (x, y, z), where the scan is not background and the least divisor, to the channel normalised.
Normalizer = Callable[[Any, Channel, Body, float], Channel]


def normalize(
    voxels: NDArray[np.float32], body: Body, choices: tuple[Choice, ...], least_divisor: float = 0.0
) -> NDArray[np.float32]:
    """Return every channel normalised.

    Args:
        voxels: (channel, x, y, z).
        body: (x, y, z), True where the scan is not background.
        choices: one per channel.
        least_divisor: no deviation and no range that a channel is divided by counts as less.

    Raises:
        PlanError: there is no such normalisation.
    """
    channels = []
    for channel, choice in zip(voxels, choices, strict=True):
        options, apply = BUILDERS.find(choice)
        channels.append(apply(options, channel, body, least_divisor))
    return np.stack(channels) if len(channels) > 1 else channels[0][None]


def _by_image(options: ZScoreOptions, channel: Channel, body: Body, least: float) -> Channel:
    return _zscore(channel, body, np.ones_like(body), options, least)


def _by_body(options: ZScoreBodyOptions, channel: Channel, body: Body, least: float) -> Channel:
    return np.where(body, _zscore(channel, body, body, options, least), np.float32(0))


def _by_white_matter(options: WhiteStripeOptions, channel: Channel, body: Body, least: float) -> Channel:
    corrected = correct_bias(channel, body) if options.bias_correction else channel
    return standardize_by_stripe(corrected, body, options.peak, options.width, options.brain_only)


def _by_range_of_ct(options: CtOptions, channel: Channel, body: Body, least: float) -> Channel:
    return standardize(np.clip(channel, options.lower, options.upper), options.mean, options.sd)


def _by_percentiles(options: PercentileRangeOptions, channel: Channel, body: Body, least: float) -> Channel:
    return map_percentiles(
        correct_bias(channel, body) if options.bias_correction else channel,
        body,
        (options.lower_percentile, options.upper_percentile),
        (options.low, options.high),
        clipped=options.clip,
        brain_only=options.brain_only,
    )


def _by_window(options: CtWindowOptions, channel: Channel, body: Body, least: float) -> Channel:
    return map_range(channel, options.window(), (options.low, options.high), clipped=True)


def _by_range(options: RescaleOptions, channel: Channel, body: Body, least: float) -> Channel:
    low, high = float(channel.min()), float(channel.max())
    if is_one_value(high - low, low, high):
        return np.zeros_like(channel)
    return standardize(channel, low, max(high - low, least))


def _by_factor(options: ScaleOptions, channel: Channel, body: Body, least: float) -> Channel:
    return channel * np.float32(options.factor)


def _not_at_all(options: UnchangedOptions, channel: Channel, body: Body, least: float) -> Channel:
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
    least: float,
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
    centre, scale = float(inside.mean(dtype=np.float64)), float(inside.std(dtype=np.float64))
    if is_one_value(scale, float(inside.min()), float(inside.max())):
        return np.zeros_like(channel)
    return standardize(channel, centre, max(scale, least))
