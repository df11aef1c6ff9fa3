"""Prediction of the time that validation takes, and the choice of a way to predict that fits into a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from autoseg.pipeline.folds.stage_inputs import StageInput
from autoseg.prediction import count_passes, list_efforts
from dataset_fingerprints.geometry import Triple
from planners.choices import resolve
from planners.parts import WEIGHTS
from planners.parts.weights import count_members
from planners.plan import Configuration, Prediction

# Seconds per voxel of a scan and label, beside the network's: probabilities restored, labels decided, files written,
# all metrics measured (experiments/LOG.md, "What validation takes beside the network"); on the way the Dice alone.
FINAL_VOXEL_SECONDS = 1.5e-7
ROUND_VOXEL_SECONDS = 4e-8


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationTime:
    """Prediction of what validation costs.

    Attributes:
        inputs: of the configuration.
        configuration: that is trained.
    """

    inputs: StageInput
    configuration: Configuration
    # Of a case, its array and its scan, read once: a training asks again at each report.
    _shapes: dict[str, tuple[Triple, Triple]] = field(default_factory=dict, compare=False, repr=False)

    def predict_round(self, cases: Sequence[str], tile_seconds: float) -> float:
        """Predict the seconds of a look at some cases during training: without flips, on the preprocessed grid."""
        plain = replace(self.configuration.prediction, mirror_axes=())
        voxels = sum(float(np.prod(self._read_shapes(case)[0])) for case in cases)
        return self._passes(cases, plain) * tile_seconds + voxels * self._targets() * ROUND_VOXEL_SECONDS

    def predict_final(self, cases: Sequence[str], tile_seconds: float, prediction: Prediction) -> float:
        """Predict the seconds of the validation of a whole fold, predicted in this way."""
        voxels = sum(float(np.prod(self._read_shapes(case)[1])) for case in cases)
        passes = self.count_final_passes(cases, prediction)
        return passes * tile_seconds + voxels * self._targets() * FINAL_VOXEL_SECONDS

    def choose_final(self, cases: Sequence[str], tile_seconds: float, allowed: float | None) -> Prediction:
        """Return the best way to predict that takes at most so many seconds; the cheapest where none does."""
        if allowed is None:
            return self.configuration.prediction
        efforts = list(list_efforts(self.configuration.prediction))
        fitting = (effort for effort in efforts if self.predict_final(cases, tile_seconds, effort) <= allowed)
        return next(fitting, efforts[-1])

    def count_final_passes(self, cases: Sequence[str], prediction: Prediction) -> int:
        """Return how many patches go through a network in the validation of a whole fold."""
        options = resolve(self.configuration.training.weights, WEIGHTS, "weights")
        return count_members(options) * self._passes(cases, prediction)

    def _passes(self, cases: Sequence[str], prediction: Prediction) -> int:
        patch, halves = self.configuration.tile_shape(), self.configuration.halves
        shapes = (self._read_shapes(case)[0] for case in cases)
        return sum(count_passes(shape, patch, prediction, halves) for shape in shapes)

    def _read_shapes(self, case: str) -> tuple[Triple, Triple]:
        if case not in self._shapes:
            record = self.inputs.store.read_record(case)
            self._shapes[case] = (record.shape, record.source_grid.shape)
        return self._shapes[case]

    def _targets(self) -> int:
        return len(self.inputs.scheme.heads().targets())
