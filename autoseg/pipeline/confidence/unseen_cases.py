"""Cases of a cross-validation with the probabilities of the folds that did not train on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.models import MeasuredFold, read_settings
from autoseg.pipeline.folds.out_of_fold import find_validated, identify_weights, read_probabilities
from autoseg.pipeline.models.trained_folds import TrainedFolds
from autoseg.prediction import Probabilities, combine
from autoseg.preprocessing import Store, store_key
from autoseg.workspace.fold import FULL, FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.units import find_units
from planners.run import Run
from planners.targets import map_indices


@dataclass(frozen=True, kw_only=True, slots=True)
class UnseenCase:
    """A case that a fold of each configuration was validated on.

    Attributes:
        folders: of these folds, one per configuration.
        runs: that these were begun with.
        subject: that it is of; one for all subjects whose cases stay together.
        store: that holds its reference.
    """

    name: str
    fold: str
    subject: str
    folders: tuple[FoldFolder, ...]
    runs: tuple[Run, ...]
    store: Store

    def read(self) -> tuple[Probabilities, NDArray[np.uint8]]:
        """Return what the configurations find together, and the reference as label indices.

        Raises:
            AutosegError: a file is damaged.
        """
        grid = self.store.read_record(self.name).source_grid
        members = [
            read_probabilities(folder.validation, self.name, run.learned(), grid)
            for folder, run in zip(self.folders, self.runs, strict=True)
        ]
        return combine(members, [run.regions() for run in self.runs]), self.store.read_reference(self.name)


def identify_folds(trained: TrainedFolds) -> dict[FoldFolder, MeasuredFold]:
    """Return the folds that a measurement is of, and of the stages that they need, by the hashes of their weights."""
    return {
        folder: MeasuredFold(configuration=name, fold=folder.name(), weights=identify_weights(folder))
        for one in trained.stages
        for name, folders in one.items()
        for folder in folders
    }


def are_known(trained: TrainedFolds, measured_on: Sequence[MeasuredFold]) -> bool:
    """Return whether folds that predict are among those that something was measured on, with the same weights."""
    return set(identify_folds(trained).values()) <= set(measured_on)


def list_unseen(
    workspace: Workspace, trained: TrainedFolds, weights: Mapping[FoldFolder, MeasuredFold]
) -> Iterator[UnseenCase]:
    """Yield the cases that a fold of every averaged configuration was validated on by the weights that it has now.

    Args:
        workspace: with the folds.
        trained: that predict together.
        weights: what `identify_folds` says of them.
    """
    units = read_units(workspace)
    last = [[*one.values()][-1] for one in trained.stages]
    by_name = [{folder.name(): folder for folder in folders} for folders in last]
    for fold, first in by_name[0].items():
        folders = tuple(own[fold] for own in by_name if fold in own)
        if fold == FULL or len(folders) < len(by_name):
            continue
        runs = [read_settings(folder) for folder in folders]
        if len({run.validation_cases for run in runs}) > 1:
            continue
        # One store for all cases of the fold: its name is a hash of the parameters, which takes time.
        store = open_reference(workspace, runs)
        for case in runs[0].validation_cases:
            found = (find_validated(folder.validation, case, weights[folder].weights) for folder in folders)
            if all(found):
                yield UnseenCase(
                    name=case,
                    fold=first.name(),
                    subject=units.get(case, case),
                    folders=folders,
                    runs=tuple(runs),
                    store=store,
                )


def open_reference(workspace: Workspace, runs: Sequence[Run]) -> Store:
    """Return the preprocessed cases, with the labels that the configurations of some runs find together."""
    first, *others = runs
    store = open_store(workspace, first)
    return replace(store, relabelled=()) if any(run.regions() != first.regions() for run in others) else store


def open_store(workspace: Workspace, run: Run) -> Store:
    """Return the preprocessed cases that a fold was trained on."""
    return Store(
        folder=workspace.store(store_key(run.own().preprocessing, run.scheme)),
        channels=len(run.own().preprocessing.seen_channels(len(run.channels))),
        indices=run.scheme.index_count(),
        relabelled=map_indices(run.scheme, run.own().targets),
    )


def read_units(workspace: Workspace) -> dict[str, str]:
    """Return the unit of each case, as folds are made of, as far as the data set's description is there."""
    with suppress(AutosegError):
        return find_units(read_json(workspace.dataset, Dataset).cases)
    return {}
