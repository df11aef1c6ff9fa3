"""The file quality.json: what flips, overlaps and snapshots bring, and the efforts that follow from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal, get_args

from autoseg.models.selection import Gain, MeasuredFold
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted
from planners.plan import Prediction

SCHEMA_VERSION = 1
# Of a damaged file.
REMEDY = "Give `autoseg quality` again."

QualityName = Literal["fast", "standard", "best"]
QUALITIES: tuple[str, ...] = get_args(QualityName)
# Distance of tiles as a share of a patch: of `fast` where nothing was measured, and at most of `best`.
FAST_STEP, BEST_STEP = 0.75, 0.5
# Mean Dice that `fast` may lose by wider steps.
FAST_MAY_LOSE = 0.005
# Fewer cases choose nothing.
LEAST_CASES = 5
_AXES = "xyz"


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredEffort:
    """One way to predict, and its Dice on cases that the network did not train on.

    Attributes:
        mirror_axes: canonical axes whose flips are averaged; all combinations.
        step_share: distance between neighbouring tiles as a share of the patch.
        networks: of a fold: its snapshots, or one.
        dice: mean over cases of the mean over labels or regions.
        gain: of Dice over no flips with the plan's tiles, paired by case; a 95 % interval.
        seconds: mean per case that the network takes.
    """

    mirror_axes: tuple[int, ...]
    step_share: float
    networks: int
    dice: float
    gain: Gain
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredEfforts:
    """The ways to predict one configuration, measured.

    Attributes:
        measured_on: the folds whose networks predicted cases that they did not train on.
        cases: that were predicted in every way.
        efforts: first no flips with the plan's tiles.
        paying_axes: canonical axes whose flips `standard` averages, for their interval lies above 0.
        fast_step: the distance of tiles of `fast`.
        seen: in sentences, how many of the cases a model had seen from which a training started; empty for none.
    """

    configuration: str
    measured_on: tuple[MeasuredFold, ...]
    cases: int
    efforts: tuple[MeasuredEffort, ...]
    paying_axes: tuple[int, ...]
    fast_step: float
    seen: str = ""

    def name_cases(self) -> str:
        """Return in words what it was measured on: `10 validation cases, partly seen before`."""
        return f"{counted(self.cases, 'validation case')}{', partly seen before' if self.seen else ''}"

    def find(self, mirror_axes: tuple[int, ...], step_share: float) -> MeasuredEffort | None:
        """Return a way to predict with all networks, where it was measured."""
        most = max(effort.networks for effort in self.efforts)
        wanted = (mirror_axes, step_share, most)
        return next((one for one in self.efforts if (one.mirror_axes, one.step_share, one.networks) == wanted), None)


@dataclass(frozen=True, kw_only=True, slots=True)
class QualityFile:
    """Measured efforts of a plan's configurations, each once."""

    configurations: tuple[MeasuredEfforts, ...]
    schema_version: int = SCHEMA_VERSION

    def find(self, configuration: str) -> MeasuredEfforts | None:
        """Return those of a configuration; None where there are none."""
        return next((one for one in self.configurations if one.configuration == configuration), None)

    def put(self, measured: MeasuredEfforts) -> QualityFile:
        """Return the file with a configuration's in the place of what was there."""
        others = (one for one in self.configurations if one.configuration != measured.configuration)
        return QualityFile(configurations=(*others, measured))


def check_quality(name: str) -> QualityName:
    """Return a quality by its name.

    Raises:
        DataError: there is none of that name.
    """
    for known in get_args(QualityName):
        if name == known:
            return known  # type: ignore[no-any-return]
    raise DataError(f"--quality {name}: is unknown. Expected {', '.join(QUALITIES)}.")


def choose_effort(quality: QualityName, planned: Prediction, measured: MeasuredEfforts | None) -> Prediction:
    """Return how a configuration predicts.

    Args:
        quality: `standard` as the plan says, with flips only along axes that pay, where that was measured; `fast`
            without flips and with wider steps; `best` with all flips and steps of at most half a patch.
        planned: by the plan.
        measured: of the configuration; None where nothing was measured.
    """
    if quality == "best":
        return replace(planned, step_share=min(planned.step_share, BEST_STEP))
    if quality == "fast":
        step = FAST_STEP if measured is None else measured.fast_step
        return replace(planned, mirror_axes=(), step_share=max(planned.step_share, step))
    axes = planned.mirror_axes if measured is None else measured.paying_axes
    return replace(planned, mirror_axes=tuple(axis for axis in axes if axis in planned.mirror_axes))


def describe_flips(axes: tuple[int, ...]) -> str:
    """Return which flips are averaged, in words."""
    if not axes:
        return "no flips"
    return f"flips along {' and '.join(_AXES[axis] for axis in axes)}" + ("" if len(axes) > 1 else " only")


def describe_choice(effort: Prediction, measured: MeasuredEfforts | None) -> str:
    """Return how a configuration predicts in words, with what it brings where that was measured."""
    said = f"{describe_flips(effort.mirror_axes)}, tiles overlap by {1 - effort.step_share:.0%}"
    found = None if measured is None else measured.find(effort.mirror_axes, effort.step_share)
    if measured is None or found is None:
        return said
    if found == measured.efforts[0]:
        return f"{said}: {_describe_unpaid(measured)}"
    return f"{said}: {describe_gain(found.gain)} Dice on {measured.name_cases()}"


def _describe_unpaid(measured: MeasuredEfforts) -> str:
    flipped = [one for one in measured.efforts if one.mirror_axes and one.step_share == measured.efforts[0].step_share]
    if not flipped:
        return f"mean Dice {measured.efforts[0].dice:.3f} on {measured.name_cases()}"
    most = flipped[-1]
    return f"all flips would bring {describe_gain(most.gain)} Dice on {measured.name_cases()}"


def describe_gain(gain: Gain) -> str:
    """Return a gain and its interval: `+0.004 (0.001 to 0.007)`."""
    return f"{gain.mean:+.3f} ({gain.low:.3f} to {gain.high:.3f})"
