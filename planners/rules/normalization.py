"""How intensities are made comparable between scans; `autoseg.preprocessing` applies what is chosen here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from dataset_fingerprints.fingerprint import ChannelSummary, DatasetFingerprint
from planners.choices import Choice, OptionValue, resolve
from planners.plan import Decision

BODY_SHARE = 0.75
MIN_SD = 1e-8


@dataclass(frozen=True, kw_only=True, slots=True)
class ZScore:
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


@dataclass(frozen=True, kw_only=True, slots=True)
class ZScoreBody:
    """The same with the statistics of the body only; everything outside the body becomes 0.

    Attributes:
        lower_percentile: of the body.
        upper_percentile: of the body.
        bias_correction: as above.
    """

    lower_percentile: float = 0.0
    upper_percentile: float = 100.0
    bias_correction: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Ct:
    """Clip to the data set's foreground percentiles, subtract its foreground mean, divide by its deviation.

    Attributes:
        lower: 0.5th percentile of the foreground, in the image's own unit (HU).
        upper: 99.5th percentile.
    """

    lower: float
    upper: float
    mean: float
    sd: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Rescale:
    """Map each image's minimum to 0 and its maximum to 1."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Unchanged:
    """Leave the intensities as they are."""


NormalizationOptions = ZScore | ZScoreBody | Ct | Rescale | Unchanged

NORMALIZATIONS: dict[str, type[NormalizationOptions]] = {
    "zscore": ZScore,
    "zscore_body": ZScoreBody,
    "ct": Ct,
    "rescale": Rescale,
    "none": Unchanged,
}

# nnU-Net's channel names with a meaning; every other name is z-scored.
_NAMED = {
    "ct": "ct",
    "nonorm": "none",
    "none": "none",
    "rescale_to_0_1": "rescale",
    "rescale_0_1": "rescale",
    "rgb_to_0_1": "rescale",
}


def choose_normalization(fingerprint: DatasetFingerprint) -> tuple[tuple[Choice, ...], tuple[Decision, ...]]:
    """Choose one normalisation per channel by the channel's name (Isensee 2021).

    CT has a physical unit and keeps it; everything else is z-scored per image, inside the body where the scans have
    a proven background and the body fills less than three quarters of the image.
    """
    chosen = [_choose_for(channel, fingerprint) for channel in fingerprint.channels]
    return tuple(choice for choice, _ in chosen), tuple(decision for _, decision in chosen)


def find_normalization_problems(choice: Choice) -> Iterator[str]:
    """Say what of a channel's normalisation cannot be.

    Raises:
        PlanError: there is no such normalisation, no such option, or an option has the wrong type.
    """
    match resolve(choice, NORMALIZATIONS, "normalization"):
        case (
            ZScore(lower_percentile=lower, upper_percentile=upper)
            | ZScoreBody(lower_percentile=lower, upper_percentile=upper)
        ) if not 0 <= lower < upper <= 100:
            yield f"clips below percentile {lower:g} and above {upper:g}. Expected 0 <= lower < upper <= 100."
        case Ct(lower=low, upper=high, sd=sd) if not (low < high and sd > 0):
            yield f"clips to {low:g} to {high:g} and divides by {sd:g}. Expected lower < upper and a deviation above 0."


def _choose_for(channel: ChannelSummary, fingerprint: DatasetFingerprint) -> tuple[Choice, Decision]:
    name = _NAMED.get(channel.name.casefold(), "zscore")
    evidence = f"the channel is called {channel.name}"
    options: dict[str, OptionValue] = {}
    if name == "ct":
        window = _find_ct_window(channel)
        name, options = ("ct", asdict(window)) if window else ("zscore", {})
        rule = "CT has a physical scale: clip to the range of the labelled tissue, then one fixed shift and scale."
        if window is None:
            rule = "CT, but no labelled tissue to take a range from: each scan to mean 0 and deviation 1."
    elif name == "zscore":
        name, rule, evidence = _choose_zscore(fingerprint, evidence)
    else:
        rule = "The channel's name asks for it."
    decision = Decision(field=f"preprocessing.normalization.{channel.name}", value=name, rule=rule, evidence=evidence)
    return Choice(name=name, options=options), decision


def _choose_zscore(fingerprint: DatasetFingerprint, evidence: str) -> tuple[str, str, str]:
    proven = sum(case.background is not None for case in fingerprint.cases) / len(fingerprint.cases)
    filled = fingerprint.body_share.p50
    fills = "unknown" if filled is None else f"{filled:.0%} of the image (median)"
    evidence += f"; a background was found in {proven:.0%} of the scans; the body fills {fills}"
    if proven > 0.5 and filled is not None and filled < BODY_SHARE:
        rule = "MR units are arbitrary: each scan to mean 0 and deviation 1 inside the body; the background stays 0."
        return "zscore_body", rule, evidence
    return "zscore", "MR units are arbitrary: each scan to mean 0 and deviation 1 over the whole image.", evidence


def _find_ct_window(channel: ChannelSummary) -> Ct | None:
    seen = channel.foreground
    lower, upper, mean, sd = seen.percentile_00_5, seen.percentile_99_5, seen.mean, seen.sd
    if lower is None or upper is None or mean is None or sd is None:
        return None
    return Ct(lower=lower, upper=upper, mean=mean, sd=max(sd, MIN_SD))
