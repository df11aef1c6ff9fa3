"""Judging a fold on the cases it did not train on: whole volumes, on their own grid."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
from torch import nn

from autoseg.evaluation import (
    DICE_ONLY,
    CaseScores,
    Evaluation,
    scheme_targets,
    score_case,
    score_pair,
    summarise,
    write_evaluation,
)
from autoseg.evaluation.traits import NO_TRAITS, CaseTraits
from autoseg.hardware import ran_out_of_memory
from autoseg.pipeline.folds.out_of_fold import ValidatedCase, find_validated, identify_weights
from autoseg.pipeline.folds.runs import read_run
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.folds.stage_inputs import StageInput
from autoseg.pipeline.folds.validation_time import ValidationTime
from autoseg.prediction import (
    Member,
    Quantiser,
    Window,
    choose_labels,
    count_passes,
    decide,
    merge,
    predict_logits,
    watching,
)
from autoseg.preprocessing import write_array
from autoseg.progress import Progress, Task
from autoseg.training.interruption import SignalledError
from autoseg.training.watch import LabelOutcome, Outcomes
from autoseg.workspace.fold import FoldFolder, ValidationFolder
from dataset_fingerprints.errors import AutosegError, PartlyDoneError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.checksums import measure_file
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import write_label_map

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingValidator:
    """Validates during training: whole volumes of some cases, on the preprocessed grid, without flips."""

    inputs: StageInput
    window: Window
    time: ValidationTime

    def predict_seconds(self, cases: Sequence[str], tile_seconds: float) -> float:
        """Predict how long `validate` takes."""
        return self.time.predict_round(cases, tile_seconds)

    def predict_final_seconds(self, cases: Sequence[str], tile_seconds: float, allowed: float | None) -> float:
        """Predict how long the validation of the whole fold takes, made as cheap as `allowed` seconds ask for."""
        return self.time.predict_final(cases, tile_seconds, self.time.choose_final(cases, tile_seconds, allowed))

    def validate(self, network: nn.Module, cases: Sequence[str]) -> Outcomes:
        """Return how each label or region came out; one that is absent from both masks of a case has a Dice of 1.

        A case that cannot be looked at has no outcome, which is logged: it does not cost the training.
        """
        return {case: self._try(network, case) for case in cases}

    def _try(self, network: nn.Module, case: str) -> Mapping[str, LabelOutcome]:
        outcome = attempt(case, "cannot be validated", lambda: self._outcome(network, case), _ends_training)
        if isinstance(outcome, Failure):
            _log.warning("%s", outcome.describe())
            return {}
        return outcome

    def _outcome(self, network: nn.Module, case: str) -> Mapping[str, LabelOutcome]:
        scheme = self.inputs.scheme
        seen, reference = self.inputs.read(case), self.inputs.store.read_labels(case)
        logits = predict_logits(network, torch.from_numpy(seen.image), self.window, seen.views)
        values = logits.softmax(0) if scheme.heads().exclusive else logits.sigmoid()
        # What lies outside of the crop is background.
        indices = np.zeros_like(reference)
        indices[seen.crop.slices()] = choose_labels(values, scheme.heads()).cpu().numpy()
        predicted = scheme.to_values(indices)
        spacing_mm = self.window.configuration.preprocessing.spacing_mm
        pairs = scheme_targets(scheme).pairs(predicted, scheme.to_values(reference), spacing_mm)
        names = (part.name for part in scheme.regions or scheme.labels)
        metrics = DICE_ONLY.build()
        return {
            name: LabelOutcome(
                dice=score_pair(segment.label, pair, metrics).number("dice"),
                predicted=pair.counts.prediction,
                reference=pair.counts.reference,
            )
            for name, (segment, pair) in zip(names, pairs, strict=True)
        }


def validate_fold(
    members: Sequence[Member],
    inputs: StageInput,
    cases: Sequence[str],
    folder: FoldFolder,
    progress: Progress,
    traits: Sequence[CaseTraits] = NO_TRAITS,
) -> Evaluation:
    """Predict and score all cases, keep masks and probabilities, and write the fold's metrics.

    The masks and probabilities of several members, a fold's snapshots, are those of their mean.

    Started again after a kill, it goes on with the cases that are missing; those with a damaged file, or of other
    weights, are made again.

    Raises:
        PartlyDoneError: some cases failed; the others are done, and there is no summary: means over fewer cases would
            not be the fold's.
    """
    outcomes, weights = [], identify_weights(folder)
    passes = {case: _count_passes(members, inputs, case) for case in cases}
    with progress.task(f"Validating {counted(len(cases), 'case')}, patches", sum(passes.values())) as task:
        for number, case in enumerate(cases, 1):
            task.state({"case": f"{number} of {len(cases)}"})
            left = _Left(passes[case], task)
            work = partial(_validate_once, members, inputs, case, folder.validation, weights)
            with watching(left.advance):
                outcomes.append(attempt(case, "cannot be validated", work, _is_signal))
            left.finish()
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        raise PartlyDoneError(
            f"{folder.root}: the training is finished, but {len(failures)} of {counted(len(cases), 'case')} could "
            f"not be validated:\n{list_failures(failures)}\nGive the same command again to try these once more."
        )
    scores = [outcome for outcome in outcomes if isinstance(outcome, CaseScores)]
    evaluation = mark_seen(summarise(scores, traits=traits), [read_run(folder)])
    write_evaluation(folder.validation.metrics, evaluation, sealed=True)
    return evaluation


class _Left:
    """The patches of a case that are left, so that a case that was done before, or looks at a box, counts as whole."""

    def __init__(self, passes: int, task: Task) -> None:
        self._passes, self._task = passes, task

    def advance(self, passes: int, total: int) -> None:
        passes = min(passes, self._passes)
        self._passes -= passes
        self._task.advance(passes)

    def finish(self) -> None:
        self._task.advance(self._passes)
        self._passes = 0


def _count_passes(members: Sequence[Member], inputs: StageInput, case: str) -> int:
    try:
        shape = inputs.store.read_record(case).shape
    except AutosegError:  # which its validation reports
        return 1
    used = (member.window.configuration for member in members)
    return sum(count_passes(shape, one.tile_shape(), one.prediction, one.halves) for one in used)


def _is_signal(error: Exception) -> bool:
    return isinstance(error, SignalledError)


def _ends_training(error: Exception) -> bool:
    """Return whether an error is for the training: a signal, or a device without any memory left."""
    return _is_signal(error) or ran_out_of_memory(error)


def _validate_once(
    members: Sequence[Member], inputs: StageInput, case: str, folder: ValidationFolder, weights: str
) -> CaseScores:
    """Return a case's scores, which an earlier start may have left."""
    validated = find_validated(folder, case, weights)
    if validated is None:
        validated = replace(_validate_case(members, inputs, case, folder), weights=weights)
        write_json(folder.case_record(case), validated)
    return validated.scores


def _validate_case(members: Sequence[Member], inputs: StageInput, case: str, folder: ValidationFolder) -> ValidatedCase:
    seen = inputs.read(case)
    record = seen.record
    probabilities = merge([member.predict_prepared(seen) for member in members])
    scheme, quantiser = inputs.scheme, Quantiser(probabilities)
    labels = scheme.to_values(decide(probabilities, see=(quantiser.see,)))
    stored = quantiser.finish()
    write_label_map(folder.mask(case), labels, record.source_grid)
    packed = write_array(folder.probabilities(case), stored.values)
    scores = score_case(
        labels,
        scheme.to_values(inputs.store.read_reference(case)),
        scheme_targets(scheme),
        canonical_grid(record.source_grid).spacing_mm(),
        case,
    )
    mask = measure_file(folder.mask(case))
    return ValidatedCase(scores=scores, probability_box=stored.box, mask=mask, probabilities=packed)
