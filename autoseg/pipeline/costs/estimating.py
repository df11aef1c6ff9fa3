"""Estimates of hours and gigabytes for each stage of the work, from a plan, a fingerprint and measured speeds."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from autoseg.pipeline.costs.small_part import ReadingRate
from autoseg.pipeline.folds.validation_time import FINAL_VOXEL_SECONDS
from autoseg.prediction import count_passes
from autoseg.preprocessing import find_stores
from autoseg.preprocessing.resampling import target_shape
from autoseg.training.pace import Pace
from autoseg.training.position import Position
from dataset_fingerprints.fingerprint import CaseFingerprint, DatasetFingerprint
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.sizes import GIB
from planners.choices import resolve
from planners.networks.memory_decisions import predict_configuration
from planners.networks.training_memory import resident_bytes
from planners.order import find_configuration, order_by_need
from planners.parts import OPTIMIZERS, WEIGHTS
from planners.parts.number_types import HALF_BYTES
from planners.parts.weights import count_members
from planners.plan import Configuration, Plan
from planners.time_budget import STEPPING_SHARE, predict_plan_step

# A step is a forward pass, and a backward pass that takes as long as two of them.
FORWARD_SHARE = 1 / 3
# Of a command that trains or predicts, until all libraries are there: 4 to 5 s on two cores (experiments/LOG.md).
START_SECONDS = 4.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Place:
    """A machine, the plan that is made for it, and its speeds.

    Attributes:
        name: of the machine.
        device: that trains, in words.
        devices: that train folds at the same time.
        cores: that read and preprocess.
        reading: speed of reading and preprocessing.
        paces: of configurations whose own steps were measured; others are predicted from the speed of the plan's
            machine.
        seconds_per_step: of configurations with trained folds, validation on the way included.
    """

    name: str
    device: str
    devices: int
    cores: int
    plan: Plan
    reading: ReadingRate
    paces: Mapping[str, Pace] = field(default_factory=dict)
    seconds_per_step: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, slots=True)
class Costs:
    """Estimated costs of a data set on one machine.

    Times are in hours, the start of the command included, infinite where they are not known.

    Attributes:
        name: of the machine.
        device: that trains, in words.
        configuration: that is trained by default.
        patch_shape: of it, in voxels.
        batch_size: of it.
        folds: of the cross-validation; 1 where all cases are trained on at once.
        planning_hours: of reading, checking, measuring and preprocessing all cases.
        fold_hours: of training and validating one fold of all that predict together, and of what they need.
        all_folds_hours: of all folds, as many at a time as there are devices.
        scan_hours: of predicting one scan with the model of one fold.
        ensemble_hours: of predicting it with the models of all folds.
        device_gb: memory of the device that a training step takes, in GiB.
        cases_gb: memory that a fold's training cases take beside it, in GiB.
        preprocessed_gb: of files, in GiB, at most: they are compressed.
        models_gb: of files, in GiB: weights and checkpoints of all folds.
    """

    name: str
    device: str
    configuration: str
    patch_shape: Triple
    batch_size: int
    folds: int
    planning_hours: float
    fold_hours: float
    all_folds_hours: float
    scan_hours: float
    ensemble_hours: float
    device_gb: float
    cases_gb: float
    preprocessed_gb: float
    models_gb: float


def estimate_costs(place: Place, fingerprint: DatasetFingerprint, folds: int) -> Costs:
    """Estimate what a data set costs on one machine.

    Args:
        place: the machine.
        fingerprint: of the data set.
        folds: of its cross-validation; 0 where it is trained on as a whole.
    """
    plan, cases = place.plan, fingerprint.cases
    needed = order_by_need(plan.configurations, plan.predicting(), f"plan {plan.name}")
    default = find_configuration(plan.configurations, plan.default_configuration, f"plan {plan.name}")
    stored = find_stores(needed, plan.scheme).values()
    count = folds or 1
    fold_seconds = sum(_time_fold(place, one, cases, folds) for one in needed)
    scan = _find_median(cases)
    reading = START_SECONDS + place.reading.seconds(_count_raw(fingerprint, (scan,)), place.cores)
    looking = sum(_time_looking(place, one, (scan,)) for one in needed)
    # A single division may train on nearly all of them.
    trained = len(cases) * (1 - 1 / folds) if folds > 1 else len(cases)
    return Costs(
        name=place.name,
        device=place.device,
        configuration=default.name,
        patch_shape=default.patch_shape,
        batch_size=default.batch_size,
        folds=count,
        planning_hours=(START_SECONDS + place.reading.seconds(_count_raw(fingerprint, cases), place.cores)) / 3600,
        fold_hours=fold_seconds / 3600,
        all_folds_hours=math.ceil(count / place.devices) * fold_seconds / 3600,
        scan_hours=(reading + looking) / 3600,
        ensemble_hours=(reading + count * looking) / 3600,
        device_gb=max(predict_configuration(plan, one).total() for one in needed) / GIB,
        cases_gb=trained / len(cases) * _count_waiting(plan, default, cases) / GIB,
        preprocessed_gb=sum(_count_stored(plan, one, cases) for one in stored) / GIB,
        models_gb=count * sum(_count_kept(plan, one) for one in needed) / GIB,
    )


def _time_fold(place: Place, configuration: Configuration, cases: Sequence[CaseFingerprint], folds: int) -> float:
    """Return the seconds of training one fold and validating it; a plan that was made for a time is held to it."""
    if place.plan.max_hours is not None:
        return place.plan.max_hours * 3600
    validating = _time_looking(place, configuration, cases) / folds if folds else 0.0
    return START_SECONDS + _time_training(place, configuration) + validating


def _time_training(place: Place, configuration: Configuration) -> float:
    """Return the seconds of one fold's training, with its validation on the way."""
    steps, pace = configuration.training.iterations, place.paces.get(configuration.name)
    if configuration.name in place.seconds_per_step:
        return place.seconds_per_step[configuration.name] * steps
    if pace is None:
        return predict_plan_step(place.plan, configuration) * steps / STEPPING_SHARE
    return pace.step_seconds * pace.costs.sum_ahead(Position(iterations=steps)) / STEPPING_SHARE


def _time_looking(place: Place, configuration: Configuration, cases: Sequence[CaseFingerprint]) -> float:
    """Return the seconds in which the network of one fold looks at scans, and masks are made of what it says."""
    weights = resolve(configuration.training.weights, WEIGHTS, "weights")
    passes = count_members(weights) * sum(_count_passes(case, configuration) for case in cases)
    pace = place.paces.get(configuration.name)
    if pace is None:
        tile_seconds = predict_plan_step(place.plan, configuration) * FORWARD_SHARE / configuration.batch_size
    else:
        tile_seconds = pace.tile_seconds
    voxels = sum(math.prod(case.body_box.shape()) for case in cases)
    targets = len(place.plan.scheme_of(configuration).heads().targets())
    return passes * tile_seconds + voxels * targets * FINAL_VOXEL_SECONDS


def _count_passes(case: CaseFingerprint, configuration: Configuration) -> int:
    shape = _find_shape(case, configuration)
    return count_passes(shape, configuration.tile_shape(), configuration.prediction, configuration.halves)


def _find_shape(case: CaseFingerprint, configuration: Configuration) -> Triple:
    """Return the shape of a preprocessed case."""
    return target_shape(case.body_box.shape(), case.spacing_mm, configuration.preprocessing.spacing_mm)


def _find_median(cases: Sequence[CaseFingerprint]) -> CaseFingerprint:
    """Return the case in the middle by its voxels."""
    return sorted(cases, key=lambda case: math.prod(case.shape))[len(cases) // 2]


def _count_raw(fingerprint: DatasetFingerprint, cases: Sequence[CaseFingerprint]) -> int:
    return len(fingerprint.channels) * sum(math.prod(case.shape) for case in cases)


def _count_waiting(plan: Plan, configuration: Configuration, cases: Sequence[CaseFingerprint]) -> int:
    """Return the bytes that cases take while they wait to be trained on."""
    voxels = sum(math.prod(_find_shape(case, configuration)) for case in cases)
    return resident_bytes(voxels, plan.image_channels(configuration), len(configuration.masks()))


def _count_stored(plan: Plan, configuration: Configuration, cases: Sequence[CaseFingerprint]) -> int:
    """Return the bytes of preprocessed arrays: an image in half precision, labels, and the reference's own grid."""
    channels = plan.image_channels(configuration)
    arrays = sum(math.prod(_find_shape(case, configuration)) * (HALF_BYTES * channels + 1) for case in cases)
    return arrays + sum(math.prod(case.body_box.shape()) for case in cases)


def _count_kept(plan: Plan, configuration: Configuration) -> int:
    """Return the bytes of the files of one trained fold: its weights, and the checkpoint with all that goes on."""
    weights = predict_configuration(plan, configuration).gradients  # as many values, in single precision
    training = configuration.training
    kept = resolve(training.weights, WEIGHTS, "weights")
    states = resolve(training.optimizer, OPTIMIZERS, "optimizer").states()
    return weights * (count_members(kept) + 1 + states + kept.copies())
