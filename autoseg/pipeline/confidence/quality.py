"""Measurement of flips, overlaps and snapshots on cases that networks did not train on."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.confidence.efforts import Effort, judge, list_tried
from autoseg.evaluation import DICE_ONLY, scheme_targets, score_case
from autoseg.hardware import choose_device, free_memory_gb
from autoseg.models import read_fold, read_settings
from autoseg.models.quality import LEAST_CASES, REMEDY, MeasuredEfforts, QualityFile
from autoseg.pipeline.confidence.unseen_cases import identify_folds, read_units
from autoseg.pipeline.folds.lost_snapshots import warn_of_lost
from autoseg.pipeline.folds.seen_cases import describe_seen
from autoseg.pipeline.folds.stage_inputs import StageInput, find_input
from autoseg.pipeline.models.trained_folds import TrainedFolds, find_trained
from autoseg.pipeline.next_steps import name_quality
from autoseg.pipeline.plans.reading import read_plan
from autoseg.prediction import Member, NetworkInput, Probabilities, decide, make_members, merge, predict_logits
from autoseg.prediction.restore import restore
from autoseg.prediction.sliding.logits import HeldLogits
from autoseg.prediction.sliding.tiles import flip_sets
from autoseg.progress import Progress
from autoseg.workspace.fold import FULL, FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.durations import show_duration, suggest_minutes
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.failures import Failure, attempt
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted
from dataset_fingerprints.sizes import GIB
from planners.order import find_configuration

_log = logging.getLogger(__name__)

MOST_CASES, MOST_MINUTES = 30, 3.0
# How far the least number of cases may exceed the time, whose prediction is as rough as the first cases are alike.
_SLACK = 1.25
# Logits of all flips that take more than this share of the free memory are held in half precision.
_HELD_SHARE = 0.25
_LARGEST_HALF = 6e4


@dataclass(frozen=True, kw_only=True, slots=True)
class _Sampled:
    """A case, and the fold that was validated on it."""

    case: str
    folder: FoldFolder


def measure_quality(
    workspace: Workspace, plan_name: str, configuration: str, progress: Progress, most_minutes: float = MOST_MINUTES
) -> MeasuredEfforts | None:
    """Predict some validation cases in all ways, write what each brings beside the plan's models, and return it.

    Cases are taken from the folds in turn, until there are `MOST_CASES` or the time is over. Members of an ensemble of
    folds cannot be judged so, for each case has one fold that did not train on it: of members, only snapshots are.

    Args:
        workspace: with trained folds.
        plan_name: of the workspace's plan.
        configuration: its name.
        progress: receiver of progress reports.
        most_minutes: for predicting; a case that was begun is finished, and the first always is.

    Returns:
        None where it would take longer to look at `LEAST_CASES`, or no case can be looked at, which is said.

    Raises:
        WorkspaceError: nothing is trained, or the plan is of other labels by now.
    """
    plan, splits = read_plan(workspace, plan_name)
    trained = find_trained(workspace, plan, (configuration,))
    planned = find_configuration(plan.configurations, configuration, f"plan {plan.name}")
    if trained.scheme() != plan.scheme_of(planned):
        raise WorkspaceError(f"{workspace.root}: the plan is of other labels by now than the folds of {configuration}.")
    folders = [folder for folder in [*trained.stages[0].values()][-1] if folder.name() != FULL]
    if not folders:
        return None
    own = read_settings(folders[0]).own()
    tried = list_tried(own.prediction, len(folders[0].weight_files()))
    inputs = find_input(workspace, plan, splits, own)
    rows = _measure(list(_sample(folders)), tried, inputs, progress, 60 * most_minutes)
    lacking = _predict_lacking(rows, 60 * most_minutes)
    if lacking:
        minutes = suggest_minutes(lacking / 60)
        progress.say(
            f"Which flips and overlaps of {configuration} pay is not measured: that would take about "
            f"{show_duration(lacking)} for {counted(LEAST_CASES, 'case')}, and {show_duration(60 * most_minutes)} are "
            f"set apart for it. Masks are made with the plan's flips and overlap. "
            f"{name_quality(workspace, plan, minutes, configuration)} measures it."
        )
    if not rows or lacking:
        return None
    dice, seconds = np.array([row.dice for row in rows]), np.array([row.seconds for row in rows])
    weights, units = identify_folds(trained), read_units(workspace)
    subjects = [units.get(row.case, row.case) for row in rows]
    measured = replace(
        judge(configuration, list(weights.values()), tried, dice, seconds, subjects),
        seen=describe_seen((row.case for row in rows), folders),
    )
    write_json(workspace.quality(plan_name), read_quality(workspace, plan_name).put(measured))
    return measured


def _sample(folders: Sequence[FoldFolder]) -> Iterator[_Sampled]:
    """Yield validation cases, one of each fold in turn, spread over its cases."""
    queues = []
    for folder in folders:
        cases = read_settings(folder).validation_cases
        wanted = min(len(cases), MOST_CASES // len(folders) + 1)
        chosen = [cases[int(place)] for place in np.linspace(0, len(cases) - 1, wanted)] if wanted else []
        queues.append([_Sampled(case=case, folder=folder) for case in dict.fromkeys(chosen)])
    longest = max(map(len, queues), default=0)
    turns = (queue[turn] for turn in range(longest) for queue in queues if turn < len(queue))
    for _, sampled in zip(range(MOST_CASES), turns, strict=False):
        yield sampled


@dataclass(frozen=True, kw_only=True, slots=True)
class _Row:
    """A case in all ways.

    Attributes:
        case: its name.
        dice: of each way.
        seconds: that its networks took.
        until: seconds from the first case's beginning to the end of this one.
    """

    case: str
    dice: Sequence[float]
    seconds: Sequence[float]
    until: float


def _measure(
    sample: Sequence[_Sampled], tried: Sequence[Effort], inputs: StageInput, progress: Progress, most_seconds: float
) -> list[_Row]:
    """Measure case by case, until the time is over, or is seen not to suffice."""
    rows: list[_Row] = []
    members: dict[FoldFolder, tuple[Member, ...]] = {}
    began = time.perf_counter()
    most = f"{counted(len(sample), 'case')} or {show_duration(most_seconds)}"
    with progress.task(f"Measuring which flips pay: at most {most}", len(sample)) as task:
        for one in sample:
            if one.folder not in members:
                warn_of_lost([one.folder])
                members[one.folder] = make_members(read_fold(one.folder), choose_device(), mirror=False)
            row = attempt(one.case, "is left out", partial(_try, members[one.folder], inputs, one.case, tried))
            task.advance()
            spent = time.perf_counter() - began
            if isinstance(row, Failure):
                _log.warning("%s", row.describe())
                continue
            rows.append(_Row(case=one.case, dice=row[0], seconds=row[1], until=spent))
            if _predict_lacking(rows, most_seconds) or (spent > most_seconds and len(rows) >= LEAST_CASES):
                break
    return rows


def _predict_lacking(rows: Sequence[_Row], most_seconds: float) -> float:
    """Return the seconds that `LEAST_CASES` would take, where these are too many; else 0."""
    if not 0 < len(rows) < LEAST_CASES:
        return 0.0
    needed = LEAST_CASES * rows[-1].until / len(rows)
    return needed if needed > _SLACK * most_seconds else 0.0


def _try(
    members: Sequence[Member], inputs: StageInput, case: str, tried: Sequence[Effort]
) -> tuple[list[float], list[float]]:
    return _Trial(members, inputs, case).run(tried)


class _Trial:
    """All ways to predict one case by the fold that did not train on it.

    Args:
        members: the networks of the fold, without flips.
        inputs: of its configuration.
        case: its name.
    """

    def __init__(self, members: Sequence[Member], inputs: StageInput, case: str) -> None:
        self._members = members
        self._inputs, self._case, self._seen = inputs, case, inputs.read(case)
        self._reference = inputs.scheme.to_values(inputs.store.read_reference(case))

    def run(self, tried: Sequence[Effort]) -> tuple[list[float], list[float]]:
        """Return each way's mean Dice, and the seconds that its networks took."""
        dice, seconds = [], []
        for step in dict.fromkeys(effort.step_share for effort in tried):
            own = [effort for effort in tried if effort.step_share == step]
            sets = {flips for effort in own for flips in flip_sets(effort.mirror_axes)}
            found = [_FlippedLogits(member, self._seen, step, sets) for member in self._members]
            for effort in own:
                used = found[-effort.networks :]
                merged = merge([one.restore(effort.mirror_axes) for one in used])
                dice.append(self._score(self._inputs.scheme.to_values(decide(merged))))
                seconds.append(sum(one.seconds(effort.mirror_axes) for one in used))
        return dice, seconds

    def _score(self, labels: NDArray[np.integer]) -> float:
        spacing_mm = canonical_grid(self._seen.record.source_grid).spacing_mm()
        targets = scheme_targets(self._inputs.scheme)
        scores = score_case(labels, self._reference, targets, spacing_mm, self._case, DICE_ONLY)
        return float(np.mean([label.number("dice") for label in scores.labels]))


class _FlippedLogits:
    """One network's logits of each flip, turned back, so that any set of flips can be averaged.

    Args:
        member: without flips.
        seen: by the network.
        step_share: distance between neighbouring tiles as a share of the patch.
        sets: of axes that are flipped.
    """

    def __init__(self, member: Member, seen: NetworkInput, step_share: float, sets: set[tuple[int, ...]]) -> None:
        self._member, self._seen = member, seen
        configuration = member.window.configuration
        prediction = replace(configuration.prediction, step_share=step_share)
        window = replace(member.window, configuration=replace(configuration, prediction=prediction))
        image = torch.from_numpy(seen.image)
        self._logits: dict[tuple[int, ...], torch.Tensor] = {}
        self._seconds: dict[tuple[int, ...], float] = {}
        for flips in sorted(sets):
            began = time.perf_counter()
            turned = replace(window, turned=flips)
            logits = predict_logits(member.network, image, turned, seen.views).cpu()
            self._seconds[flips] = time.perf_counter() - began
            if logits.nbytes * len(sets) > _HELD_SHARE * free_memory_gb() * GIB:
                logits = logits.clamp(-_LARGEST_HALF, _LARGEST_HALF).half()
            self._logits[flips] = logits

    def restore(self, axes: tuple[int, ...]) -> Probabilities:
        """Return the probabilities of the mean over all combinations of flips along some axes."""
        first, *others = flip_sets(axes)
        total = self._logits[first].float().clone()
        for flips in others:
            total.add_(self._logits[flips])
        mean = HeldLogits(values=total.div_(1 + len(others)), device=self._member.window.device)
        return restore(mean, self._seen, self._member.scheme)

    def seconds(self, axes: tuple[int, ...]) -> float:
        """Return the seconds that these flips take."""
        return sum(self._seconds[flips] for flips in flip_sets(axes))


def find_efforts(workspace: Workspace, plan_name: str, trained: TrainedFolds) -> tuple[MeasuredEfforts, ...]:
    """Return what was measured of the configurations that folds are of, with the weights that they have now.

    Args:
        workspace: with the folds.
        plan_name: of the workspace's plan.
        trained: that predict together.
    """
    known = read_quality(workspace, plan_name)
    names = dict.fromkeys(name for one in trained.stages for name in one)
    found = [measured for measured in map(known.find, names) if measured is not None]
    if not found:
        return ()
    doubts = {measured.configuration: doubt_efforts(workspace, plan_name, measured, trained) for measured in found}
    for doubt in filter(None, doubts.values()):
        _log.warning("%s", doubt)
    return tuple(measured for measured in found if not doubts[measured.configuration])


def doubt_efforts(workspace: Workspace, plan_name: str, measured: MeasuredEfforts, trained: TrainedFolds) -> str:
    """Return why what was measured of a configuration does not hold for trained folds, in a sentence; or nothing."""
    weights = identify_folds(trained).values()
    own = {fold for fold in weights if fold.configuration == measured.configuration and fold.fold != FULL}
    if own <= set(measured.measured_on):
        return ""
    return (
        f"{workspace.quality(plan_name)}: flips of {measured.configuration} were measured with other weights, so that "
        f"the plan's are used. {REMEDY}"
    )


def read_quality(workspace: Workspace, plan_name: str) -> QualityFile:
    """Return what was measured; nothing where the file is not there or damaged, which is logged."""
    place = workspace.quality(plan_name)
    if place.is_file():
        try:
            return read_json(place, QualityFile, REMEDY)
        except FileFormatError as error:
            _log.warning("%s", error)
    return QualityFile(configurations=())
