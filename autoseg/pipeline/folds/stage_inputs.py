"""Inputs of a configuration's network: arrays of a case, masks of other configurations, and the box to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.folds.out_of_fold import read_mask, read_probabilities
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.plans.reading import REMEDY
from autoseg.prediction import Fallback, NetworkInput, find_box
from autoseg.preprocessing import Crop, Record, Store, add_mask, crop_to_centre, fit_crops, fit_mask, store_key
from autoseg.sampling import Origin
from autoseg.workspace.fold import ValidationFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import Box, Triple
from dataset_fingerprints.reading.body import bounding_box
from planners.order import find_configuration
from planners.plan import Configuration, Plan, Splits
from planners.stage_inputs import CropTo

# By case, the validation of the fold that did not train on it.
OutOfFold = Mapping[str, ValidationFolder]


@dataclass(frozen=True, kw_only=True, slots=True)
class CropSource:
    """A crop, and what it lies around.

    Attributes:
        scheme: of what the configuration learns that the box comes from.
        found: its results.
    """

    crop: CropTo
    scheme: LabelScheme
    found: OutOfFold

    def find_training_box(self, case: str, store: Store) -> Box | None:
        """Return the box around the reference's labels or what was found, as the crop says; None where nothing is."""
        if self.crop.trained_on == "out_of_fold":
            return self.find_box(case, store.read_record(case))
        targets = self.scheme.heads().targets()
        members = {index for place in self.scheme.places(self.crop.labels) for index in targets[place]}
        labelled = np.isin(store.read_reference(case), [*members])
        return bounding_box(labelled) if labelled.any() else None

    def find_box(self, case: str, record: Record) -> Box | None:
        """Return the box around what the fold found that did not train on the case; None where it found nothing."""
        found = read_probabilities(self.found[case], case, self.scheme, record.source_grid)
        return find_box(found, self.crop.threshold, self.crop.labels)


@dataclass(frozen=True, kw_only=True, slots=True)
class StageInput:
    """The preprocessed cases as a configuration's network sees them.

    Attributes:
        scheme: of what the network learns.
        masks: of every configuration whose masks it sees, in the order of its inputs.
        crops: the boxes that it crops to, in the order of its inputs.
        origins: by case.
        centre_shape: of the part of a scan that is looked at when predicting, as in `planners.plan.Prediction`.
    """

    store: Store
    scheme: LabelScheme
    masks: tuple[OutOfFold, ...] = ()
    crops: tuple[CropSource, ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    name: str = ""
    centre_shape: Triple | None = None

    def origin(self, case: str) -> Origin:
        """Return where a case comes from, as far as the data set says."""
        return self.origins.get(case, Origin())

    def read_masks(self, case: str) -> tuple[NDArray[np.uint8], ...]:
        """Return the masks that the network sees as (x, y, z) label indices on the whole preprocessed array."""
        return tuple(self._read_mask(found[case], case) for found in self.masks)

    def find_training_crop(self, case: str) -> Crop:
        """Return what training looks at: the box around the reference or what was found, as each crop says."""
        record = self.store.read_record(case)
        boxes = [(one.crop, one.find_training_box(case, self.store)) for one in self.crops]
        return fit_crops(boxes, record)

    def read(self, case: str) -> NetworkInput:
        """Return everything that the network sees of a case when it predicts: only what was found, not the reference.

        Raises:
            WorkspaceError: the case is not preprocessed, or its files are damaged.
        """
        record = self.store.read_record(case)
        found = [(one.crop, one.find_box(case, record)) for one in self.crops]
        crop = fit_crops(found, record)
        box = crop_to_centre(crop.box, self.centre_shape, record)
        image: NDArray[np.floating] = self.store.read_image(case)
        for mask in self.read_masks(case):
            image = add_mask(image, mask, self.scheme.heads().targets())
        fallbacks = tuple(Fallback(configuration=self.name, source=missed) for missed in crop.missed)
        inside = np.ascontiguousarray(image[(slice(None), *box.slices())])
        return NetworkInput(image=inside, record=record, crop=box, fallbacks=fallbacks)

    def _read_mask(self, folder: ValidationFolder, case: str) -> NDArray[np.uint8]:
        indices = read_mask(folder, case, self.scheme)
        return fit_mask(indices, self.store.read_record(case), self.scheme.index_count())


def find_input(workspace: Workspace, plan: Plan, splits: Splits, configuration: Configuration) -> StageInput:
    """Return what a configuration is trained and validated on.

    It sees of every case, in training as in validation, results of the other configurations' folds that did not train
    on the case: masks of cases that a network has learnt by heart are too good to learn from.
    """
    cases = read_json(workspace.dataset, Dataset, REMEDY).cases
    return StageInput(
        store=Store(
            folder=workspace.store(store_key(configuration.preprocessing, plan.scheme)),
            channels=len(plan.channels),
            indices=plan.scheme.index_count(),
        ),
        scheme=configuration.learned(plan.scheme),
        masks=tuple(_find_out_of_fold(workspace, plan, splits, entry.configuration) for entry in configuration.masks()),
        crops=tuple(_find_crop(workspace, plan, splits, entry) for entry in configuration.crops()),
        origins={case.name: Origin(site=case.site, subject=case.subject, group=case.group) for case in cases},
        name=configuration.name,
        centre_shape=configuration.prediction.centre_shape,
    )


def _find_crop(workspace: Workspace, plan: Plan, splits: Splits, crop: CropTo) -> CropSource:
    other = find_configuration(plan.configurations, crop.configuration, f"plan {plan.name}")
    found = _find_out_of_fold(workspace, plan, splits, crop.configuration)
    return CropSource(crop=crop, scheme=other.learned(plan.scheme), found=found)


def _find_out_of_fold(workspace: Workspace, plan: Plan, splits: Splits, name: str) -> OutOfFold:
    return {
        case: workspace.fold(plan.name, name, number).validation
        for number in name_folds(splits)
        for case in splits.folds[int(number)].validation
    }
