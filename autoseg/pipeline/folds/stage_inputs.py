"""Inputs of a configuration's network: arrays of a case, masks of other configurations, and the box to look at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.folds.out_of_fold import read_mask, read_probabilities
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.plans.reading import REMEDY
from autoseg.prediction import Fallback, NetworkInput, find_box
from autoseg.preprocessing import Crop, Record, Store, add_mask, crop_to_centre, fit_crops, fit_mask, store_key
from autoseg.sampling import Origin, find_origin
from autoseg.workspace.fold import ValidationFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import Box, Triple
from dataset_fingerprints.reading.body import bounding_box
from planners.order import find_configuration
from planners.plan import Configuration, Plan, Splits
from planners.stage_inputs import CropTo
from planners.targets import map_indices


@dataclass(frozen=True, kw_only=True, slots=True)
class OutOfFold:
    """What another configuration found in cases that it did not train on.

    Attributes:
        scheme: of its labels.
        relabelled: by which the data set's labels become its own, as in `Store`.
        folders: by case, the validation of the fold that did not train on it.
    """

    scheme: LabelScheme
    relabelled: tuple[int, ...]
    folders: Mapping[str, ValidationFolder]


@dataclass(frozen=True, kw_only=True, slots=True)
class StageInput:
    """The preprocessed cases as a configuration's network sees them.

    Attributes:
        masks: of every configuration whose masks it sees, in the order of its inputs.
        crops: of every configuration to whose findings it crops, in the order of its inputs.
        origins: by case.
        centre_shape: of the part of a scan that is looked at when predicting, as in `planners.plan.Prediction`.
    """

    store: Store
    scheme: LabelScheme
    masks: tuple[OutOfFold, ...] = ()
    crops: tuple[tuple[CropTo, OutOfFold], ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)
    name: str = ""
    centre_shape: Triple | None = None

    def origin(self, case: str) -> Origin:
        """Return where a case comes from, as far as the data set says."""
        return self.origins.get(case, Origin())

    def read_masks(self, case: str) -> tuple[NDArray[np.uint8], ...]:
        """Return the masks that the network sees as (x, y, z) label indices on the whole preprocessed array."""
        return tuple(self._read_mask(found, case) for found in self.masks)

    def find_training_crop(self, case: str) -> Crop:
        """Return what training looks at: the box around the reference or what was found, as each crop says."""
        record = self.store.read_record(case)
        return fit_crops([(crop, self._find_training_box(crop, found, case)) for crop, found in self.crops], record)

    def read(self, case: str) -> NetworkInput:
        """Return everything that the network sees of a case when it predicts: only what was found, not the reference.

        Raises:
            WorkspaceError: the case is not preprocessed, or its files are damaged.
        """
        record = self.store.read_record(case)
        found = [(crop, self._find_box(crop, other, case, record)) for crop, other in self.crops]
        crop = fit_crops(found, record)
        box = crop_to_centre(crop.box, self.centre_shape, record)
        image: NDArray[np.floating] = self.store.read_image(case)
        for mask, other in zip(self.read_masks(case), self.masks, strict=True):
            image = add_mask(image, mask, other.scheme.heads().targets())
        fallbacks = tuple(Fallback(configuration=self.name, source=missed) for missed in crop.missed)
        inside = np.ascontiguousarray(image[(slice(None), *box.slices())])
        return NetworkInput(image=inside, record=record, crop=box, fallbacks=fallbacks)

    def _read_mask(self, found: OutOfFold, case: str) -> NDArray[np.uint8]:
        indices = read_mask(found.folders[case], case, found.scheme)
        return fit_mask(indices, self.store.read_record(case), found.scheme.index_count())

    def _find_training_box(self, crop: CropTo, found: OutOfFold, case: str) -> Box | None:
        if crop.trained_on == "out_of_fold":
            return self._find_box(crop, found, case, self.store.read_record(case))
        # Around what the other configuration is to find, which may be other labels than this one's.
        store = replace(self.store, relabelled=found.relabelled)
        reference, targets = store.read_reference(case), found.scheme.heads().targets()
        wanted = [index for place in found.scheme.places(crop.labels) for index in targets[place]]
        labelled = np.isin(reference, wanted) if crop.labels else found.scheme.foreground(reference)
        return bounding_box(labelled) if labelled.any() else None

    def _find_box(self, crop: CropTo, found: OutOfFold, case: str, record: Record) -> Box | None:
        folder = found.folders[case]
        probabilities = read_probabilities(folder, case, found.scheme, record.source_grid)
        return find_box(probabilities, crop.threshold, crop.labels)


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
            relabelled=map_indices(plan.scheme, configuration.targets),
        ),
        scheme=plan.scheme_of(configuration),
        masks=tuple(_find_out_of_fold(workspace, plan, splits, entry.configuration) for entry in configuration.masks()),
        crops=tuple(
            (entry, _find_out_of_fold(workspace, plan, splits, entry.configuration)) for entry in configuration.crops()
        ),
        origins={case.name: find_origin(case) for case in cases},
        name=configuration.name,
        centre_shape=configuration.prediction.centre_shape,
    )


def _find_out_of_fold(workspace: Workspace, plan: Plan, splits: Splits, name: str) -> OutOfFold:
    configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
    return OutOfFold(
        scheme=plan.scheme_of(configuration),
        relabelled=map_indices(plan.scheme, configuration.targets),
        folders={
            case: workspace.fold(plan.name, name, number).validation
            for number in name_folds(splits)
            for case in splits.folds[int(number)].validation
        },
    )
