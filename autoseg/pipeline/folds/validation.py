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
    Segment,
    Targets,
    label_targets,
    score_case,
    score_pair,
    summarise,
    write_evaluation,
)
from autoseg.hardware import ran_out_of_memory
from autoseg.pipeline.folds.observing import draw_final
from autoseg.pipeline.folds.out_of_fold import ValidatedCase, find_validated, identify_weights
from autoseg.pipeline.folds.stage_inputs import StageInput
from autoseg.prediction import (
    Member,
    Window,
    choose_labels,
    decide,
    merge,
    predict_logits,
    quantise,
)
from autoseg.preprocessing import write_array
from autoseg.progress import Progress
from autoseg.training.interruption import SignalledError
from autoseg.training.watch import LabelOutcome, Outcomes
from autoseg.workspace.fold import FoldFolder, ValidationFolder
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import PartlyDoneError
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
        logits = predict_logits(network, torch.from_numpy(seen.image), self.window)
        values = logits.softmax(0) if scheme.heads().exclusive else logits.sigmoid()
        # What lies outside of the crop is background.
        indices = np.zeros_like(reference)
        indices[seen.crop.slices()] = choose_labels(values, scheme.heads()).cpu().numpy()
        predicted = scheme.to_values(indices)
        spacing_mm = self.window.configuration.preprocessing.spacing_mm
        pairs = scored_targets(scheme).pairs(predicted, scheme.to_values(reference), spacing_mm)
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


def scored_targets(scheme: LabelScheme) -> Targets:
    """Return what a label scheme's maps are scored by: its regions if it has any, else its labels."""
    regions = tuple(Segment(label=region.name, values=region.values) for region in scheme.regions)
    segments = regions or label_targets(scheme.values()).segments
    return Targets(segments=segments, ignored=scheme.ignore_value)


def validate_fold(
    members: Sequence[Member], inputs: StageInput, cases: Sequence[str], folder: FoldFolder, progress: Progress
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
    with progress.task("Validating", len(cases)) as task:
        for case in cases:
            work = partial(_validate_once, members, inputs, case, folder.validation, weights)
            outcomes.append(attempt(case, "cannot be validated", work, _is_signal))
            task.advance()
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        raise PartlyDoneError(
            f"{folder.root}: the training is finished, but {len(failures)} of {counted(len(cases), 'case')} could "
            f"not be validated:\n{list_failures(failures)}\nGive the same command again to try these once more."
        )
    evaluation = summarise([outcome for outcome in outcomes if isinstance(outcome, CaseScores)])
    write_evaluation(folder.validation.metrics, evaluation, sealed=True)
    draw_final(folder, evaluation, inputs.scheme)
    return evaluation


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
    scheme, stored = inputs.scheme, quantise(probabilities)
    labels = scheme.to_values(decide(probabilities))
    write_label_map(folder.mask(case), labels, record.source_grid)
    packed = write_array(folder.probabilities(case), stored.values)
    scores = score_case(
        labels,
        scheme.to_values(inputs.store.read_reference(case)),
        scored_targets(scheme),
        canonical_grid(record.source_grid).spacing_mm(),
        case,
    )
    mask = measure_file(folder.mask(case))
    return ValidatedCase(scores=scores, probability_box=stored.box, mask=mask, probabilities=packed)
