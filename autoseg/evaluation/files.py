"""Scoring of label files against reference files on one grid."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.cases import CaseScores, Segment, Targets, label_targets, scheme_targets, score_pair
from autoseg.evaluation.conventions import DEFAULT_CONVENTION, Convention
from autoseg.evaluation.mask_pair import MaskPair, pair_masks, pair_soft_masks
from autoseg.evaluation.memory import estimate_scoring, open_gate
from autoseg.evaluation.metrics import MetricOptions
from autoseg.evaluation.pairing import FilePair, Pairing, pair_files
from autoseg.evaluation.probability_maps import MapSource, refuse_not_finite
from autoseg.evaluation.results import Evaluation, summarise
from autoseg.evaluation.stray_labels import find_strays, leave_out, warn_of_strays
from autoseg.evaluation.traits import NO_TRAITS, CaseTraits
from dataset_fingerprints.checking.checks import NOT_INTEGER, ROUNDING
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.geometry import Grid, affine_distance_mm, show_lengths, show_turn, skew_degrees
from dataset_fingerprints.measuring.memory_gate import MemoryGate
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import Image, read_label_map
from dataset_fingerprints.tolerances import REFUSED_DEGREES, REPORTED_SHIFT

EVERYTHING = Targets(segments=())
_LABEL_ONE = label_targets([1])

# Atlases of the brain have up to a thousand labels.
MOST_LABELS = 2000

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    """What is scored in each case, and how.

    Attributes:
        targets: what to score.
        metrics: by the names of their scores.
        soft: whether masks with values between 0 and 1 are taken as they are.
        maps: files of probabilities.
        gate: that lets no more cases in at once than fit into memory.
    """

    targets: Targets
    metrics: Mapping[str, MetricOptions]
    soft: bool
    maps: MapSource | None
    gate: MemoryGate


@dataclass(frozen=True, kw_only=True, slots=True)
class _Scored:
    """A case's scores, and which labels one of its files holds."""

    scores: CaseScores
    held: frozenset[int | str]


def evaluate_files(
    prediction: Path,
    reference: Path,
    targets: Targets = EVERYTHING,
    convention: Convention = DEFAULT_CONVENTION,
    *,
    workers: int = 1,
    strict: bool = False,
) -> Evaluation:
    """Score a label file, or every label file of a folder, against the reference file, folder or data set.

    Args:
        prediction: a file, or a folder whose files have the names of the references.
        reference: a file, or a folder if `prediction` is one; or a data set.
        targets: what to score; see `evaluate_pairs`.
        convention: the metrics.
        workers: threads that score cases, as many at once as fit into the free memory.
        strict: refuse cases of which only one side is there.

    Raises:
        DataError: no case has both files, or can be scored, or one has not and `strict` is given; all are named.
        PlanError: the convention has an unknown metric or option.
    """
    pairing = pair_files(prediction, reference, strict=strict)
    return evaluate_pairs(pairing, targets, convention, workers=workers)


def evaluate_pairs(
    pairing: Pairing,
    targets: Targets = EVERYTHING,
    convention: Convention = DEFAULT_CONVENTION,
    *,
    workers: int = 1,
    traits: Sequence[CaseTraits] = NO_TRAITS,
    maps: MapSource | None = None,
) -> Evaluation:
    """Score label files against their references.

    Args:
        pairing: which files belong together.
        targets: what to score; without segments, the labels that the data set of the references names, or else every
            value in any of the references but 0 and the ignored one; those of the masks where the references hold none.
            Voxels that the data set ignores are ignored unless they are to be scored, or others are to be ignored.
        convention: the metrics.
        workers: threads that score cases, as many at once as fit into the free memory.
        traits: what is known of the cases; those of one subject are drawn together for intervals.
        maps: files of probabilities, for the metrics that need them.

    Returns:
        The scores of all cases that could be scored; the others are its failures, or unpaired.

    Raises:
        DataError: no case can be scored: files cannot be read, or lie on different grids; all are named.
        PlanError: the convention has an unknown metric or option.
    """
    metrics, pairs = convention.build(), pairing.pairs
    if pairing.scheme is not None:
        targets = complete_targets(targets, pairing.scheme)
    job = _Job(targets=targets, metrics=metrics, soft=convention.soft, maps=maps, gate=open_gate())
    with ThreadPoolExecutor(max_workers=min(workers, len(pairs))) as pool:
        outcomes = list(pool.map(lambda pair: _try_pair(pair, job), pairs))
        if not targets.segments:
            outcomes = _leave_out_strays(outcomes)
        if not targets.segments and any(metric.about.whole_image for metric in metrics.values()):
            values = _list_values(outcomes)
            outcomes = list(pool.map(lambda pair, outcome: _add_absent(pair, outcome, values, job), pairs, outcomes))
    failures = tuple(outcome for outcome in outcomes if isinstance(outcome, Failure))
    if len(failures) == len(pairs):
        message = f"{len(pairs)} of {counted(len(pairs), 'case')} cannot be scored.\n{list_failures(failures)}"
        raise DataError(failures[0].message if len(pairs) == 1 else message)
    scored = [outcome for outcome in outcomes if isinstance(outcome, _Scored)]
    cases = [one.scores for one in scored]
    _warn_of_absent(targets, scored)
    if not targets.segments:
        cases = _with_absent_labels(cases, _list_values(scored), metrics)
    if not any(case.labels for case in cases):
        raise DataError(f"{pairing.reference}: no voxel of any file is labelled. Name the labels to score.")
    return replace(summarise(cases, convention, traits), failures=failures, unpaired=pairing.unpaired)


def complete_targets(targets: Targets, scheme: LabelScheme) -> Targets:
    """Return targets with what a data set says of its labels, and of voxels to ignore, where nobody said otherwise."""
    ignored = scheme.ignore_value if targets.ignored is None else targets.ignored
    if not targets.segments:
        named = scheme_targets(scheme).segments
        return Targets(segments=tuple(one for one in named if one.values != (ignored,)), ignored=ignored)
    is_scored = any(ignored in one.values for one in targets.segments)
    return targets if is_scored else replace(targets, ignored=ignored)


def _leave_out_strays(outcomes: Sequence[_Scored | Failure]) -> list[_Scored | Failure]:
    """Return the outcomes without the labels that no reference holds, which are named."""
    scored = [outcome.scores for outcome in outcomes if isinstance(outcome, _Scored)]
    strays = find_strays(scored)
    warn_of_strays(strays, [leave_out(case, strays) for case in scored])
    return [
        replace(outcome, scores=leave_out(outcome.scores, strays)) if isinstance(outcome, _Scored) else outcome
        for outcome in outcomes
    ]


def _try_pair(pair: FilePair, job: _Job) -> _Scored | Failure:
    """Score one pair as soon as there is memory for it, or return why it cannot be scored."""
    with job.gate.hold(estimate_scoring(pair, with_map=job.maps is not None)):
        return attempt(pair.case, "cannot be scored", lambda: _score_pair(pair, job))


def _score_pair(pair: FilePair, job: _Job) -> _Scored:
    prediction, reference = read_label_map(pair.prediction), read_label_map(pair.reference)
    _check_grids(pair, prediction, reference)
    warn_of_skew(pair.reference, reference.grid())
    sides = (prediction.voxels[0], reference.voxels[0])
    if job.soft and job.targets in (EVERYTHING, _LABEL_ONE) and any(map(_is_soft, sides)):
        for path, values in zip((pair.prediction, pair.reference), sides, strict=True):
            refuse_not_finite(path, values, "memberships")
        known = None if job.maps is None else job.maps.read(pair, _LABEL_ONE.segments[0].label, reference.grid(), True)
        soft = pair_soft_masks(*sides, reference.grid().spacing_mm(), known)
        return _score_masks(pair.case, [(_LABEL_ONE.segments[0], soft)], job.metrics)
    targets = job.targets
    predicted = round_labels(pair.prediction, prediction.voxels[0])
    true = round_labels(pair.reference, reference.voxels[0])
    if not targets.segments:
        found = _found_labels(predicted, true) - {targets.ignored}
        _refuse_image(pair, len(found))
        targets = replace(label_targets(sorted(found)), ignored=targets.ignored)
    grid, maps, alone = reference.grid(), job.maps, len(targets.segments) == 1
    read = None if maps is None else lambda label: maps.read(pair, label, grid, alone)
    return _score_masks(pair.case, targets.pairs(predicted, true, grid.spacing_mm(), read), job.metrics)


def _score_masks(case: str, masks: Iterable[tuple[Segment, MaskPair]], metrics: Mapping[str, MetricOptions]) -> _Scored:
    labels, held = [], set()
    for segment, mask_pair in masks:
        labels.append(score_pair(segment.label, mask_pair, metrics))
        if mask_pair.holds_any():
            held.add(segment.label)
    return _Scored(scores=CaseScores(case=case, labels=tuple(labels)), held=frozenset(held))


def _is_soft(values: NDArray[Any]) -> bool:
    """Return whether a mask holds values between 0 and 1 that rounding does not explain."""
    if np.issubdtype(values.dtype, np.integer):
        return False
    between = (values > ROUNDING) & (values < 1 - ROUNDING)
    return bool(between.any())


def _warn_of_absent(targets: Targets, scored: Sequence[_Scored]) -> None:
    """Say which of the labels to score are in no file: equally empty masks count as perfect."""
    for segment in targets.segments:
        if not any(segment.label in one.held for one in scored):
            _log.warning(
                "label %s is in none of the %d predictions and references: its scores say nothing",
                segment.label,
                len(scored),
            )


def _check_grids(pair: FilePair, prediction: Image, reference: Image) -> None:
    """Refuse grids that differ in shape, or by more than a tenth of a voxel's shortest edge at any corner.

    Headers written by different programs differ by single-precision rounding, some 1e-4 mm; a wrong origin or
    spacing, by a voxel or more.
    """
    predicted, true = prediction.grid(), reference.grid()
    stored = prediction.source_grid, reference.source_grid
    if predicted.shape != true.shape and stored[0].shape == stored[1].shape:
        raise DataError(
            f"case {pair.case}: prediction and reference have {show_lengths(stored[0].shape)} voxels, but their "
            f"headers turn these differently: the axes run {show_turn(*stored)}. Correct the wrong header, for example "
            "by writing one file with the affine of the other."
        )
    if predicted.shape != true.shape:
        raise DataError(
            f"case {pair.case}: the prediction is {show_lengths(stored[0].shape)} voxels but the reference is "
            f"{show_lengths(stored[1].shape)}. Resample the prediction onto the reference's grid."
        )
    distance_mm = affine_distance_mm(predicted, true)
    tolerance_mm = REPORTED_SHIFT * min(true.spacing_mm())
    if distance_mm > tolerance_mm:
        turn = show_turn(*stored)
        raise DataError(
            f"case {pair.case}: prediction and reference lie {distance_mm:.3g} mm apart in space though their shapes "
            f"agree{f' (their axes run {turn})' if turn else ''}. Expected at most {tolerance_mm:.3g} mm: "
            "correct the wrong header."
        )


def warn_of_skew(path: Path, grid: Grid) -> None:
    """Say which file has axes so far from right angles, as by a gantry tilt, that volumes and distances are wrong."""
    degrees = skew_degrees(grid)
    if degrees > REFUSED_DEGREES:
        _log.warning(
            "%s: the axes of its header are off right angles by %.2g degrees and are taken for right angles: volumes "
            "and distances are wrong. Resample it onto a grid of right angles, for example with "
            "nibabel.processing.resample_to_output",
            path,
            degrees,
        )


def round_labels(path: Path, stored: NDArray[Any]) -> NDArray[np.integer]:
    """Return (x, y, z) integers; values may miss them by rounding in a float format (0.9999)."""
    if np.issubdtype(stored.dtype, np.integer):
        return stored
    with np.errstate(invalid="ignore"):
        rounded: NDArray[Any] = np.rint(stored)
        whole = np.abs(stored - rounded) <= ROUNDING
    if not whole.all():
        strays = stored[~whole]
        raise DataError(
            f"{path}: holds {counted(strays.size, *NOT_INTEGER)}, for example {float(strays[0]):.6g}. Expected a "
            "label map: was it resampled with interpolation, or is it a probability map?"
        )
    return rounded.astype(np.int64)


def _refuse_image(pair: FilePair, values: int) -> None:
    """Refuse files with more values than any label map has: an image of integers, scored value by value."""
    if values > MOST_LABELS:
        raise DataError(
            f"case {pair.case}: {pair.prediction.name} and {pair.reference.name} hold {values} different values. "
            f"Expected label maps of at most {MOST_LABELS}: is one of them an image? Else name the labels to score "
            "with --label."
        )


def _found_labels(*label_maps: NDArray[np.integer]) -> set[int]:
    return {int(value) for labels in label_maps for value in np.unique(labels)} - {0}


def _list_values(outcomes: Iterable[_Scored | Failure]) -> list[int]:
    """Return the values of all labels that any case holds."""
    scored = (outcome.scores for outcome in outcomes if isinstance(outcome, _Scored))
    return sorted({int(scores.label) for case in scored for scores in case.labels})


def _add_absent(pair: FilePair, outcome: _Scored | Failure, values: Sequence[int], job: _Job) -> _Scored | Failure:
    """Score the labels, too, that a case does not hold, where scores depend on its image or its probabilities."""
    if isinstance(outcome, Failure):
        return outcome
    absent = sorted(set(values) - {scores.label for scores in outcome.scores.labels})
    if not absent:
        return outcome
    added = _try_pair(pair, replace(job, targets=replace(label_targets(absent), ignored=job.targets.ignored)))
    if isinstance(added, Failure):
        return added
    labels = (*outcome.scores.labels, *added.scores.labels)
    return replace(outcome, scores=replace(outcome.scores, labels=labels))


def _with_absent_labels(
    cases: Sequence[CaseScores], values: Sequence[int], metrics: Mapping[str, MetricOptions]
) -> list[CaseScores]:
    """Give every case the same labels; one that a case does not hold is empty in its prediction and reference."""
    nothing = np.zeros((1, 1, 1), dtype=bool)
    empty = pair_masks(nothing, nothing, (1.0, 1.0, 1.0))
    absent = [score_pair(value, empty, metrics) for value in values]
    filled = []
    for case in cases:
        own = {scores.label: scores for scores in case.labels}
        labels = tuple(own.get(scores.label, scores) for scores in absent)
        filled.append(CaseScores(case=case.case, labels=labels))
    return filled
