"""Masks that a fold's own networks make of scans without labels, for a training that uses them as labels."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.models import read_fold
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.lost_snapshots import warn_of_lost
from autoseg.pipeline.folds.out_of_fold import identify_weights
from autoseg.pipeline.folds.stage_inputs import StageInput
from autoseg.prediction import Member, Slab, choose_labels, decide, make_members, merge, select_targets
from autoseg.preprocessing import Store, fit_mask, store_key
from autoseg.progress import Progress
from autoseg.training.interruption import SignalledError
from autoseg.training.record import PseudoLabelled, TrainingRecord
from autoseg.workspace.fold import FoldFolder, ValidationFolder
from dataset_fingerprints.dataset import Heads
from dataset_fingerprints.errors import AutosegError, WorkspaceError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.checksums import FileSum, measure_file
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.names import check_case_name, counted, some_of
from dataset_fingerprints.reading.images import read_label_map, write_label_map
from planners.order import find_configuration
from planners.plan import Configuration

REMEDY = "Begin the fold anew with --restart: it makes its pseudo-labels again."
# Scans that a message names.
_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class PseudoLabel:
    """The record of a scan's mask; it is written last, so that it stands for the mask as well.

    Attributes:
        weights: a hash of those that made the mask.
        confidence: the mean, over the mask's voxels, of the probability that made it mark them; 0 for an empty mask.
        mask: its file, by which damage is noticed.
    """

    case: str
    weights: str
    confidence: float
    mask: FileSum

    def __post_init__(self) -> None:
        check_case_name(self.case)


def make_pseudo_labels(
    job: Job, earlier: TrainingRecord | None, device: torch.device, progress: Progress
) -> PseudoLabelled | None:
    """Make the masks of the scans without labels that a fold is trained on, as far as they are not there.

    They come from the same fold of the configurations that the plan names, whose networks have not seen the cases that
    the fold is judged on. A training that has begun keeps the masks that it began with.

    Args:
        job: the fold.
        earlier: the record of a start before this one.
        device: to predict on.
        progress: receiver of progress reports.

    Returns:
        The scans to train on; None for a configuration that uses none.

    Raises:
        WorkspaceError: masks cannot be made; or some of a begun training are gone, and the weights that made them too.
    """
    chosen, folder = job.configuration.pseudo_labels, job.folder.pseudo_labels
    if chosen is None:
        return None
    weights = identify_makers(find_makers(job))
    begun = earlier.pseudo_labelled if earlier is not None and job.folder.checkpoint.is_file() else None
    needed = weights if begun is None else begun.weights
    found = {case: _find(folder, case, needed) for case in job.unlabelled}
    lacking = [case for case, label in found.items() if label is None]
    if lacking and needed != weights:
        raise WorkspaceError(
            f"{folder.root}: pseudo-labels of {some_of(lacking, _NAMED)} are missing or damaged, and the weights that "
            f"made them have changed since. {REMEDY}"
        )
    if lacking:
        _make_all(job, chosen.configurations, lacking, (device, weights), progress)
        found |= {case: _find(folder, case, needed) for case in lacking}
    used = PseudoLabelled(weights=needed, **_sort_out(found.values(), chosen.least_confidence))
    unsure = f", {len(used.left_out)} left out whose masks are too unsure" if used.left_out else ""
    scans, made_by = counted(len(used.cases), "scan"), " and ".join(chosen.configurations)
    progress.say(f"Training also on {scans} without labels, by the masks of {made_by}, fold {job.fold}{unsure}.")
    return used


def read_pseudo_label(job: Job, case: str) -> NDArray[np.uint8]:
    """Return a scan's mask as (x, y, z) label indices on the fold's preprocessed array.

    Raises:
        FileFormatError: the mask is not there.
        WorkspaceError: it is damaged.
    """
    folder, scheme = job.folder.pseudo_labels, job.inputs.scheme
    found = read_json(folder.case_record(case), PseudoLabel, REMEDY)
    if not found.mask.fits(folder.mask(case)):
        raise WorkspaceError(f"{folder.mask(case)}: does not hold what autoseg wrote. {REMEDY}")
    labels = read_label_map(folder.mask(case)).voxels[0]
    indices = scheme.to_indices(labels.round().astype(np.int64))
    return fit_mask(indices, job.inputs.store.read_record(case), scheme.index_count())


def find_makers(job: Job) -> tuple[FoldFolder, ...]:
    """Return the folders of the folds whose networks make a fold's pseudo-labels; none where its plan uses none."""
    chosen = job.configuration.pseudo_labels
    names = () if chosen is None else chosen.configurations
    return tuple(job.workspace.fold(job.plan.name, name, job.fold) for name in names)


def identify_makers(folders: Sequence[FoldFolder]) -> str:
    """Return a hash of the weights of folds that make pseudo-labels together."""
    return hashlib.sha256(" ".join(map(identify_weights, folders)).encode()).hexdigest()[:32]


def _find(folder: ValidationFolder, case: str, weights: str) -> PseudoLabel | None:
    """Return the record of a mask that is there, undamaged and of these weights; else None."""
    try:
        found = read_json(folder.case_record(case), PseudoLabel, REMEDY)
        sound = found.case == case and found.weights == weights and found.mask.fits(folder.mask(case))
    except (AutosegError, OSError):
        return None
    return found if sound else None


def _sort_out(labels: Iterable[PseudoLabel | None], least: float) -> Mapping[str, tuple[str, ...]]:
    """Return the scans whose masks are sure enough, and the others."""
    found = [label for label in labels if label is not None]
    return {
        "cases": tuple(one.case for one in found if one.confidence >= least),
        "left_out": tuple(one.case for one in found if one.confidence < least),
    }


def _make_all(
    job: Job, names: Sequence[str], cases: Sequence[str], way: tuple[torch.device, str], progress: Progress
) -> None:
    """Make masks of scans, each written when it is done.

    Raises:
        WorkspaceError: some failed; the others are done.
    """
    device, weights = way
    with progress.task(f"Marking {counted(len(cases), 'scan')} without labels", len(cases)) as task:
        predictors = [_load(job, name, device) for name in names]
        failures = []
        for case in cases:
            work = partial(_make, job, predictors, case, weights)
            outcome = attempt(case, "cannot be marked", work, _is_signal)
            failures += [outcome] if isinstance(outcome, Failure) else []
            task.advance()
    if failures:
        raise WorkspaceError(
            f"{job.folder.root}: {len(failures)} of {counted(len(cases), 'scan')} without labels could not be marked:\n"
            f"{list_failures(failures)}\nCorrect them or take them out and plan again, then give the same command "
            "again: what was finished is kept."
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Predictor:
    """The networks of a fold, and the scans as they see them."""

    inputs: StageInput
    members: tuple[Member, ...]


def _load(job: Job, name: str, device: torch.device) -> _Predictor:
    configuration: Configuration = find_configuration(job.plan.configurations, name, f"plan {job.plan.name}")
    folder = job.workspace.fold(job.plan.name, name, job.fold)
    warn_of_lost([folder])
    key = store_key(configuration.preprocessing, job.plan.scheme)
    store = Store(folder=job.workspace.store(key), channels=job.plan.image_channels(configuration))
    inputs = StageInput(
        store=store,
        scheme=job.inputs.scheme,
        name=name,
        centre_shape=configuration.prediction.centre_shape,
        halves=configuration.halves,
    )
    return _Predictor(inputs=inputs, members=make_members(read_fold(folder), device, mirror=True))


def _make(job: Job, predictors: Sequence[_Predictor], case: str, weights: str) -> None:
    """Predict a scan, and write its mask and then its record."""
    scheme, folder = job.inputs.scheme, job.folder.pseudo_labels
    given = []
    for one in predictors:
        seen = one.inputs.read(case)
        given += [member.predict_prepared(seen) for member in one.members]
    probabilities, confidence = merge(given), Confidence(scheme.heads())
    labels = scheme.to_values(decide(probabilities, see=(confidence.see,)))
    write_label_map(folder.mask(case), labels, probabilities.source_grid)
    label = PseudoLabel(case=case, weights=weights, confidence=confidence.mean(), mask=measure_file(folder.mask(case)))
    write_json(folder.case_record(case), label)


class Confidence:
    """The mean probability of what is marked, summed up slab by slab."""

    def __init__(self, heads: Heads) -> None:
        self._heads, self._sum, self._count = heads, 0.0, 0

    def see(self, slab: Slab) -> None:
        """Add a slab's voxels."""
        marked = choose_labels(slab.values, self._heads) > 0
        surest = select_targets(slab.values, self._heads).amax(0)
        self._sum += float(surest[marked].sum(dtype=torch.float64))
        self._count += int(marked.sum())

    def mean(self) -> float:
        """Return the mean so far; 0 where nothing is marked."""
        return self._sum / self._count if self._count else 0.0


def _is_signal(error: Exception) -> bool:
    # A lack of memory is the case's: the other configurations' networks would not need less in a smaller training.
    return isinstance(error, SignalledError)
