"""Everything that is measured of trained models for the trust in their masks, in one go."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoseg.models.predicted_dice import DiceCalibration
from autoseg.models.quality import MeasuredEfforts, describe_flips, describe_gain
from autoseg.pipeline.confidence.decisions import find_decision
from autoseg.pipeline.confidence.predicted_dice import find_calibration, measure_predicted_dice
from autoseg.pipeline.confidence.quality import MOST_MINUTES, find_efforts, measure_quality
from autoseg.pipeline.planning import read_plan
from autoseg.pipeline.trained_folds import TrainedFolds, find_trained
from autoseg.progress import Progress
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, StoppedError
from dataset_fingerprints.names import counted

COLUMNS = ("flips", "overlap", "networks", "Dice", "gain (95 %)", "s/case", "used for")


@dataclass(frozen=True, kw_only=True, slots=True)
class Confidence:
    """What was measured of the models that predict together.

    Attributes:
        efforts: of each configuration of which it was measured.
        calibration: of predicted Dice.
    """

    efforts: tuple[MeasuredEfforts, ...]
    calibration: DiceCalibration

    def sentences(self) -> Iterator[str]:
        """Yield what follows from it."""
        for measured in self.efforts:
            yield describe_efforts(measured)
        text = self.calibration.describe()
        yield f"{text[:1].upper()}{text[1:]}."


def measure_confidence(
    workspace: Workspace,
    plan_name: str,
    configurations: Sequence[str],
    progress: Progress,
    most_minutes: float = MOST_MINUTES,
) -> Confidence:
    """Measure flips and overlaps of configurations, and the predicted Dice of their mean, and write both.

    Args:
        workspace: with trained and validated folds.
        plan_name: of the workspace's plan.
        configurations: that predict together; empty for those that are selected, or the plan's default.
        progress: receiver of progress reports.
        most_minutes: for the flips of each configuration.

    Raises:
        WorkspaceError: nothing is trained.
    """
    plan, _ = read_plan(workspace, plan_name)
    names, decision = find_decision(workspace, plan, configurations)
    files = (workspace.quality(plan_name), workspace.predicted_dice(plan_name))
    refuse_links_out(workspace.root, files)
    with locked(workspace.models(plan_name), "measuring what flips bring"):
        efforts = [measure_quality(workspace, plan_name, name, progress, most_minutes) for name in names]
        calibration = measure_predicted_dice(workspace, plan_name, names, decision, progress)
    return Confidence(efforts=tuple(one for one in efforts if one is not None), calibration=calibration)


def measure_if_missing(workspace: Workspace, plan_name: str, configuration: str, progress: Progress) -> None:
    """Measure after a training, which is as good without; what is known of these weights is not measured again.

    Args:
        workspace: with the trained folds.
        plan_name: of the workspace's plan.
        configuration: that was trained.
        progress: receiver of progress reports.
    """
    try:
        plan, _ = read_plan(workspace, plan_name)
        names, decision = find_decision(workspace, plan, ())
        for wanted in dict.fromkeys(((configuration,), tuple(names))):
            own = decision if wanted == tuple(names) else find_decision(workspace, plan, wanted)[1]
            trained = find_trained(workspace, plan, wanted)
            if find_calibration(workspace, plan_name, trained, own) is None:
                measure_predicted_dice(workspace, plan_name, wanted, own, progress)
            _measure_missing_efforts(workspace, plan_name, trained, progress)
    except StoppedError:
        raise
    except AutosegError as error:
        progress.say(f"What flips bring and how well a Dice can be predicted is not measured: {error}")


def _measure_missing_efforts(workspace: Workspace, plan_name: str, trained: TrainedFolds, progress: Progress) -> None:
    known = {one.configuration for one in find_efforts(workspace, plan_name, trained)}
    for one in trained.stages:
        name = [*one][-1]
        if name not in known:
            measured = measure_quality(workspace, plan_name, name, progress)
            if measured is not None:
                progress.say(describe_efforts(measured))


def describe_rows(measured: MeasuredEfforts) -> Iterator[tuple[str, ...]]:
    """Yield a row per way to predict a configuration."""
    planned = measured.efforts[0].step_share
    most = max(effort.networks for effort in measured.efforts)
    for effort in measured.efforts:
        used = []
        if effort.networks == most and (effort.mirror_axes, effort.step_share) == (measured.paying_axes, planned):
            used.append("standard")
        if effort.networks == 1 and (effort.mirror_axes, effort.step_share) == ((), measured.fast_step):
            used.append("fast")
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
    cases = counted(measured.cases, "validation case")
    flipped = [one for one in measured.efforts if one.mirror_axes]
    if not flipped:
        return f"{measured.configuration}: the plan has no flips."
    found = measured.find(measured.paying_axes, measured.efforts[0].step_share)
    if measured.paying_axes and found is not None:
        said = f"{describe_flips(measured.paying_axes)}: {describe_gain(found.gain)} Dice on {cases}"
    else:
        said = f"no flips: all of them bring {describe_gain(flipped[-1].gain)} Dice on {cases}"
    return f"{measured.configuration} predicts with {said}."
