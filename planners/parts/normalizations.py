"""The ways to normalise intensities that a plan can name; `autoseg.preprocessing` applies them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from planners.choices import PartTable
from planners.parts.limits import find_outside


@dataclass(frozen=True, kw_only=True, slots=True)
class ZScoreOptions:
    """Subtract the mean of the cropped image and divide by its standard deviation.

    Clipping and the correction are off unless asked for: the best published results on stroke lesions do without, a
    clip takes the contrast of the brightest and darkest lesions, and the correction costs a second or two per scan,
    in every prediction too.

    Attributes:
        lower_percentile: of the cropped image; what lies below is raised to it first. 0 clips nothing.
        upper_percentile: what lies above is lowered to it. 100 clips nothing.
        bias_correction: whether the slowly varying shading of the coil is taken out before (N4).
    """

    lower_percentile: float = 0.0
    upper_percentile: float = 100.0
    bias_correction: bool = False

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from _find_clip_problems(self.lower_percentile, self.upper_percentile)


@dataclass(frozen=True, kw_only=True, slots=True)
class ZScoreBodyOptions:
    """The same with the statistics of the body only; everything outside the body becomes 0.

    Attributes:
        lower_percentile: of the body.
        upper_percentile: of the body.
        bias_correction: as above.
    """

    lower_percentile: float = 0.0
    upper_percentile: float = 100.0
    bias_correction: bool = False

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from _find_clip_problems(self.lower_percentile, self.upper_percentile)


@dataclass(frozen=True, kw_only=True, slots=True)
class WhiteStripeOptions:
    """Subtract the mean of normal-appearing white matter and divide by its deviation (Shinohara 2014).

    White matter is a peak of the histogram. A channel without any (fewer than 100 voxels, or of a single intensity) is
    standardised by all of its voxels that count. Everything outside the body becomes 0, which is the white matter's
    mean.

    Attributes:
        peak: the last of the histogram, for T1-weighted images, or the largest, for T2-weighted and FLAIR images.
        width: how far the stripe reaches around the peak to either side, as a share of the voxels counted.
        brain_only: whether scans show the brain alone, so that all voxels of the body count; else those above its mean
            count.
        bias_correction: as above.
    """

    peak: Literal["last", "largest"] = "last"
    width: float = 0.05
    brain_only: bool = False
    bias_correction: bool = False

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, width="more than 0, at most 1")


@dataclass(frozen=True, kw_only=True, slots=True)
class PercentileRangeOptions:
    """Map two percentiles of the body linearly to a range; everything outside the body becomes 0.

    Attributes:
        lower_percentile: of the body's voxels that count; becomes `low`.
        upper_percentile: becomes `high`.
        clip: whether what lies beyond the percentiles becomes `low` and `high` as well; else the line goes on.
        brain_only: whether scans show the brain alone, so that all voxels of the body count; else those above its mean
            count, and what is darker lies below `low`: dark lesions, too.
        bias_correction: as above.
    """

    lower_percentile: float = 0.5
    upper_percentile: float = 99.5
    low: float = 0.0
    high: float = 1.0
    clip: bool = True
    brain_only: bool = True
    bias_correction: bool = False

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from _find_clip_problems(self.lower_percentile, self.upper_percentile)
        yield from _find_range_problems(self.low, self.high)


@dataclass(frozen=True, kw_only=True, slots=True)
class CtWindowOptions:
    """Clip to a fixed window and map it linearly to a range, the same for every scan.

    Attributes:
        level: the window's centre, in the image's own unit (HU).
        width: of the window: level 450 and width 5000 are -2050 to 2950.
    """

    level: float
    width: float
    low: float = 0.0
    high: float = 1.0

    def window(self) -> tuple[float, float]:
        """Return the window's ends."""
        return self.level - self.width / 2, self.level + self.width / 2

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        yield from find_outside(self, width="more than 0")
        yield from _find_range_problems(self.low, self.high)


@dataclass(frozen=True, kw_only=True, slots=True)
class CtOptions:
    """Clip to the data set's foreground percentiles, subtract its foreground mean, divide by its deviation.

    Attributes:
        lower: 0.5th percentile of the foreground, in the image's own unit (HU).
        upper: 99.5th percentile.
    """

    lower: float
    upper: float
    mean: float
    sd: float

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if not (self.lower < self.upper and self.sd > 0):
            yield (
                f"clips to {self.lower:g} to {self.upper:g} and divides by {self.sd:g}. Expected lower < upper and a "
                "deviation above 0."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class RescaleOptions:
    """Map each image's minimum to 0 and its maximum to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ScaleOptions:
    """Multiply by a number, such as 1/255 for colours.

    Attributes:
        factor: for every voxel of every image.
    """

    factor: float = 1 / 255

    def find_problems(self) -> Iterator[str]:
        """Yield what is wrong with the options."""
        if not self.factor:
            yield "factor is 0, which leaves nothing. Expected another number."


@dataclass(frozen=True, kw_only=True, slots=True)
class UnchangedOptions:
    """Leave the intensities as they are."""


NORMALIZATIONS: PartTable[type] = PartTable(
    "normalizations",
    "normalization",
    {
        "zscore": ZScoreOptions,
        "zscore_body": ZScoreBodyOptions,
        "white_stripe": WhiteStripeOptions,
        "percentile_range": PercentileRangeOptions,
        "ct": CtOptions,
        "ct_window": CtWindowOptions,
        "rescale": RescaleOptions,
        "scale": ScaleOptions,
        "none": UnchangedOptions,
    },
)


def _find_clip_problems(lower: float, upper: float) -> Iterator[str]:
    if not 0 <= lower < upper <= 100:
        yield f"clips below percentile {lower:g} and above {upper:g}. Expected 0 <= lower < upper <= 100."


def _find_range_problems(low: float, high: float) -> Iterator[str]:
    if not low < high:
        yield f"maps to {low:g} to {high:g}. Expected low < high."
