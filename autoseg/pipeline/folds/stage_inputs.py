"""What a configuration's network sees of a case, and where the masks of other configurations come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing import Store, add_mask, fit_mask, store_key
from autoseg.sampling import Origin, find_origin
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.reading.images import read_label_map
from planners.plan import Configuration, Plan, Splits


@dataclass(frozen=True, kw_only=True, slots=True)
class StageInput:
    """The preprocessed cases as a configuration's network sees them.

    Attributes:
        masks: of every configuration whose masks it sees, in the order of its inputs, by case.
        origins: by case.
    """

    store: Store
    scheme: LabelScheme
    masks: tuple[Mapping[str, Path], ...] = ()
    origins: Mapping[str, Origin] = field(default_factory=dict)

    def origin(self, case: str) -> Origin:
        """Return where a case comes from, as far as the data set says."""
        return self.origins.get(case, Origin())

    def read_masks(self, case: str) -> tuple[NDArray[np.uint8], ...]:
        """Return the masks that the network sees as (x, y, z) label indices on the preprocessed array."""
        return tuple(self._read_mask(files[case], case) for files in self.masks)

    def read(self, case: str) -> tuple[NDArray[np.floating], NDArray[np.uint8]]:
        """Return everything that the network sees, (channel, x, y, z), and (x, y, z) label indices."""
        image, labels = self.store.read(case)
        for mask in self.read_masks(case):
            image = add_mask(image, mask, self.scheme.heads().targets())
        return image, labels

    def _read_mask(self, file: Path, case: str) -> NDArray[np.uint8]:
        labels = read_label_map(file).voxels[0]
        indices = self.scheme.to_indices(labels.round().astype(np.int64))
        return fit_mask(indices, self.store.read_record(case), self.scheme.index_count())


def find_input(workspace: Workspace, plan: Plan, splits: Splits, configuration: Configuration) -> StageInput:
    """Return what a configuration is trained and validated on.

    It sees of every case, in training as in validation, masks of the other configurations' folds that did not train on
    the case: masks of cases that a network has learnt by heart are too good to learn from.

    Raises:
        WorkspaceError: folds of another configuration are missing.
    """
    cases = read_json(workspace.dataset, Dataset).cases
    return StageInput(
        store=Store(folder=workspace.store(store_key(configuration.preprocessing, plan.scheme))),
        scheme=plan.scheme,
        masks=tuple(
            _find_masks(workspace, plan, splits, (configuration.name, entry.configuration))
            for entry in configuration.masks()
        ),
        origins={case.name: find_origin(case) for case in cases},
    )


def _find_masks(workspace: Workspace, plan: Plan, splits: Splits, names: tuple[str, str]) -> Mapping[str, Path]:
    """Return by case the file that the first configuration of the two sees of the second one."""
    name, other = names
    missing = missing_folds(workspace, plan, splits, other)
    if missing:
        folds = f"fold {missing[0]}" if len(missing) == 1 else f"folds {', '.join(missing)}"
        raise WorkspaceError(
            f"{workspace.root}: {name} starts from masks of {other} for every case, each from the fold that did not "
            f"train on it, and {folds} of {other} {'is' if len(missing) == 1 else 'are'} not finished. "
            f"Add --with-previous to train what is missing now, or run `autoseg train all -c {other}` first."
        )
    return {
        case: workspace.fold(plan.name, other, str(number)).validation.mask(case)
        for number, fold in enumerate(splits.folds)
        for case in fold.validation
    }


def missing_folds(workspace: Workspace, plan: Plan, splits: Splits, configuration: str) -> tuple[str, ...]:
    """Return the folds of a configuration that are not trained and validated."""
    return tuple(
        str(number)
        for number in range(len(splits.folds))
        if not _is_finished(workspace.fold(plan.name, configuration, str(number)))
    )


def _is_finished(folder: FoldFolder) -> bool:
    record = read_record(folder)
    return record is not None and record.status == "finished"
