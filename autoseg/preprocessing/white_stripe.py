"""White stripe: intensities relative to those of normal-appearing white matter (Shinohara 2014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.preprocessing.ranges import is_one_value, standardize

# As in the authors' R package WhiteStripe: the histogram's bins, and the share of its highest below which it is tail.
STRIPE_BINS, TAIL_SHARE = 2000, 0.2
# A rise by less than this share of the highest is noise, and no peak.
LEAST_PROMINENCE = 0.01
# Of more voxels, evenly spaced ones are looked at for what needs them sorted.
MOST_SORTED = 250_000
# There is no peak to be found in fewer voxels.
FEWEST_STRIPE_VOXELS = 100


def find_white_stripe(values: NDArray[np.float32], peak: str, width: float) -> tuple[float, float] | None:
    """Return the lowest and the highest intensity of normal-appearing white matter; None where there is no peak.

    The stripe holds the intensities whose quantiles lie within `width` of the quantile of a peak of the smoothed
    histogram: of the `last` one before the tail, which is white matter in T1-weighted images, or the `largest`, as in
    T2-weighted and FLAIR images.

    Args:
        values: (voxel,) of the brain, or of most of it.
        peak: `last` or `largest`.
        width: on either side, as a share of all voxels.
    """
    # Slow to import, and rarely needed.
    from scipy.signal import find_peaks

    if values.size < FEWEST_STRIPE_VOXELS or float(values.min()) == float(values.max()):
        return None
    density, middles = smooth_histogram(values)
    highest = density.max()
    # With a margin, so that a peak may lie at an end.
    margin = np.pad(density, 1)
    peaks = find_peaks(margin, height=TAIL_SHARE * highest, prominence=LEAST_PROMINENCE * highest)[0] - 1
    if not len(peaks):
        return None
    chosen = peaks[-1] if peak == "last" else peaks[np.argmax(density[peaks])]
    quantile = float(np.mean(values < middles[chosen]))
    low, high = np.quantile(values, [max(quantile - width, 0.0), min(quantile + width, 1.0)])
    return float(low), float(high)


def smooth_histogram(values: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the smoothed density of intensities and the middles of its bins.

    Smoothed by a normal distribution of the width that is best for one (Silverman 1986), and at least of a step where
    intensities are whole numbers or the like; the highest thousandth is left out.
    """
    some = values[:: -(-values.size // MOST_SORTED)]
    steps = np.diff(np.unique(some))
    low, high = float(values.min()), float(np.quantile(some, 0.999))
    high = high if high > low else float(values.max())
    # In 64 bits, as bins are, or neighbouring numbers of 32 bits have no room for so many between them.
    counts, edges = np.histogram(values, STRIPE_BINS, (np.float64(low), np.float64(high)))
    quarters = np.quantile(some, [0.25, 0.75])
    spread = min(float(values.std(dtype=np.float64)), float(quarters[1] - quarters[0]) / 1.34)
    width = max(0.9 * spread * values.size**-0.2, float(np.median(steps)) if len(steps) else 0.0, edges[1] - edges[0])
    density = ndimage.gaussian_filter1d(
        counts.astype(np.float64), width / (edges[1] - edges[0]), mode="constant", truncate=8.0
    )
    return density, (edges[1:] + edges[:-1]) / 2


def standardize_by_stripe(
    channel: NDArray[np.float32], body: NDArray[np.bool_], peak: str, width: float, brain_only: bool
) -> NDArray[np.float32]:
    """Return a channel less the mean of its white stripe, divided by the stripe's deviation; 0 outside of the body.

    Where there is no peak (fewer than 100 voxels, or a single intensity), or the stripe is of a single intensity, the
    mean and the deviation of all voxels counted take the place of the stripe's. Where these are of a single intensity,
    too, all becomes 0.

    Args:
        channel: (x, y, z).
        body: (x, y, z), True where the scan is not background.
        peak: as in `find_white_stripe`, as `width`.
        brain_only: whether the scan shows the brain alone, so that all of its body counts; else what is above its mean.
    """
    counted = channel[body]
    if not counted.size:
        return np.zeros_like(channel)
    if not brain_only:
        above = counted[counted > counted.mean(dtype=np.float64)]
        counted = above if above.size else counted
    stripe = find_white_stripe(counted, peak, width)
    chosen = counted if stripe is None else counted[(counted >= stripe[0]) & (counted <= stripe[1])]
    if not chosen.size or chosen.min() == chosen.max():
        chosen = counted
    centre, scale = float(chosen.mean(dtype=np.float64)), float(chosen.std(dtype=np.float64))
    if is_one_value(scale, float(chosen.min()), float(chosen.max())):
        return np.zeros_like(channel)
    return np.where(body, standardize(channel, centre, scale), np.float32(0))
