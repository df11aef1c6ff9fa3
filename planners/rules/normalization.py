"""Choice of the intensity normalisation; `autoseg.preprocessing` applies what is chosen here."""

from __future__ import annotations

import numpy as np

from dataset_fingerprints.fingerprint import ChannelSummary, DatasetFingerprint
from planners.choices import Choice, choose
from planners.parts.normalizations import CtOptions
from planners.plan import Decision

BODY_SHARE = 0.75
# Two numbers of single precision are the same if they differ by less than this share of them.
SINGLE_PRECISION = float(np.finfo(np.float32).eps)


# nnU-Net's channel names with a meaning; every other name is z-scored.
_NAMED = {
    "ct": "ct",
    "nonorm": "none",
    "none": "none",
    "rescale_to_0_1": "rescale",
    "rescale_0_1": "rescale",
    "rgb_to_0_1": "scale",
}


def choose_normalization(fingerprint: DatasetFingerprint) -> tuple[tuple[Choice, ...], tuple[Decision, ...]]:
    """Choose one normalisation per channel by the channel's name (Isensee 2021).

    CT has a physical unit and keeps it; everything else is z-scored per image, inside the body where the scans have
    a proven background and the body fills less than three quarters of the image.
    """
    chosen = [_choose_for(channel, fingerprint) for channel in fingerprint.channels]
    return tuple(choice for choice, _ in chosen), tuple(decision for _, decision in chosen)


def _choose_for(channel: ChannelSummary, fingerprint: DatasetFingerprint) -> tuple[Choice, Decision]:
    name = _NAMED.get(channel.name.casefold(), "zscore")
    evidence = f"the channel is called {channel.name}"
    window = _find_ct_window(channel) if name == "ct" else None
    if name == "ct":
        name = "ct" if window else "zscore"
        rule = "CT has a physical scale: clip to the range of the labelled tissue, then one fixed shift and scale."
        if window is None:
            rule = "CT, but the labelled tissue has no range of intensities: each scan to mean 0 and deviation 1."
    elif name == "zscore":
        name, rule, evidence = _choose_zscore(fingerprint, evidence)
    else:
        rule = "The channel's name asks for it."
    decision = Decision(field=f"preprocessing.normalization.{channel.name}", value=name, rule=rule, evidence=evidence)
    return choose(name, window) if window else Choice(name=name), decision


def _choose_zscore(fingerprint: DatasetFingerprint, evidence: str) -> tuple[str, str, str]:
    proven = sum(case.background is not None for case in fingerprint.cases) / len(fingerprint.cases)
    filled = fingerprint.body_share.p50
    fills = "unknown" if filled is None else f"{filled:.0%} of the image (median)"
    evidence += f"; a background was found in {proven:.0%} of the scans; the body fills {fills}"
    if proven > 0.5 and filled is not None and filled < BODY_SHARE:
        rule = "MR units are arbitrary: each scan to mean 0 and deviation 1 inside the body; the background stays 0."
        return "zscore_body", rule, evidence
    return "zscore", "MR units are arbitrary: each scan to mean 0 and deviation 1 over the whole image.", evidence


def _find_ct_window(channel: ChannelSummary) -> CtOptions | None:
    seen = channel.foreground
    lower, upper, mean, sd = seen.percentile_00_5, seen.percentile_99_5, seen.mean, seen.sd
    # Labelled tissue of a single intensity has no range.
    if lower is None or upper is None or mean is None or sd is None or not lower < upper:
        return None
    least = SINGLE_PRECISION * max(abs(lower), abs(upper))
    return CtOptions(lower=lower, upper=upper, mean=mean, sd=max(sd, least))
