"""What was measured of trained models, in words and rows, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from autoseg.models.predicted_dice import DiceCalibration
from autoseg.models.quality import BEST_STEP, MeasuredEfforts, describe_flips, describe_gain

COLUMNS = ("flips", "overlap", "networks", "Dice", "gain (95 %)", "s/case", "used for")


def describe_measured(efforts: Sequence[MeasuredEfforts], calibrations: Sequence[DiceCalibration]) -> Iterator[str]:
    """Yield what follows from what was measured, in sentences."""
    for measured in efforts:
        yield describe_efforts(measured)
    for calibration in calibrations:
        names = " and ".join(calibration.configurations)
        if calibration.scan is None:
            yield f"{names}: {calibration.describe()}."
        else:
            yield f"Predicted Dice of {names}: {calibration.scan.describe()}."
    seen = [*(one.seen for one in efforts), *(one.seen for one in calibrations)]
    yield from dict.fromkeys(filter(None, seen))


def describe_rows(measured: MeasuredEfforts) -> Iterator[tuple[str, ...]]:
    """Yield a row per way to predict a configuration."""
    planned = measured.efforts[0].step_share
    most = max(effort.networks for effort in measured.efforts)
    flips = max((effort.mirror_axes for effort in measured.efforts), key=len)
    qualities = {
        "fast": ((), measured.fast_step, 1),
        "standard": (measured.paying_axes, planned, most),
        "best": (flips, min(planned, BEST_STEP), most),
    }
    for effort in measured.efforts:
        way = (effort.mirror_axes, effort.step_share, effort.networks)
        used = [name for name, wanted in qualities.items() if way == wanted]
        yield (
            ", ".join("xyz"[axis] for axis in effort.mirror_axes) or "none",
            f"{1 - effort.step_share:.0%}",
            str(effort.networks),
            f"{effort.dice:.4f}",
            "-" if effort == measured.efforts[0] else describe_gain(effort.gain),
            f"{effort.seconds:.2f}",
            ", ".join(used),
        )


def describe_efforts(measured: MeasuredEfforts) -> str:
    """Return which flips are used and why, in a sentence."""
    cases = measured.name_cases()
    flipped = [one for one in measured.efforts if one.mirror_axes]
    if not flipped:
        return f"{measured.configuration}: the plan has no flips."
    found = measured.find(measured.paying_axes, measured.efforts[0].step_share)
    if measured.paying_axes and found is not None:
        said = f"{describe_flips(measured.paying_axes)}: {describe_gain(found.gain)} Dice on {cases}"
    else:
        said = f"no flips: all of them bring {describe_gain(flipped[-1].gain)} Dice on {cases}"
    return f"{measured.configuration} predicts with {said}."
