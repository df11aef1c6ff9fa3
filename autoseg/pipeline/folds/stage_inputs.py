"""Cascades: what a configuration's network sees of a case, and where the first stage's masks come from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.preprocessing import Store, add_mask, fit_mask, store_key
from autoseg.training.record import read_record
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.reading.images import read_label_map
from planners.plan import Configuration, Plan, Splits


@dataclass(frozen=True, kw_only=True, slots=True)
class StageInput:
    """The preprocessed cases as a configuration's network sees them.

    Attributes:
        masks: of the first stage, by case; empty for a configuration that starts from the scan.
    """

    store: Store
    scheme: LabelScheme
    masks: Mapping[str, Path] = field(default_factory=dict)

    def read_mask(self, case: str) -> NDArray[np.uint8] | None:
        """Return the first stage's mask as (x, y, z) label indices on the preprocessed array; None without one."""
        if case not in self.masks:
            return None
        labels = read_label_map(self.masks[case]).voxels[0]
        indices = self.scheme.to_indices(labels.round().astype(np.int64))
        return fit_mask(indices, self.store.read_record(case), self.scheme.index_count())

    def read(self, case: str) -> tuple[NDArray[np.floating], NDArray[np.uint8]]:
        """Return everything that the network sees, (channel, x, y, z), and (x, y, z) label indices."""
        image, labels = self.store.read(case)
        mask = self.read_mask(case)
        return image if mask is None else add_mask(image, mask, self.scheme.heads().targets()), labels


def find_input(workspace: Workspace, plan: Plan, splits: Splits, configuration: Configuration) -> StageInput:
    """Return what a configuration is trained and validated on.

    A second stage sees of every case, in training as in validation, the mask of the first stage's fold that did not
    train on it: masks of cases that a network has learnt by heart are too good to learn from.

    Raises:
        WorkspaceError: folds of the first stage are missing.
    """
    store = Store(folder=workspace.store(store_key(configuration.preprocessing, plan.scheme)))
    if not configuration.masks():
        return StageInput(store=store, scheme=plan.scheme)
    (first,) = (entry.configuration for entry in configuration.masks())
    missing = missing_folds(workspace, plan, splits, first)
    if missing:
        folds = f"fold {missing[0]}" if len(missing) == 1 else f"folds {', '.join(missing)}"
        raise WorkspaceError(
            f"{workspace.root}: {configuration.name} starts from masks of {first} for every case, each from the fold "
            f"that did not train on it, and {folds} of {first} {'is' if len(missing) == 1 else 'are'} not finished. "
            f"Add --with-previous to train what is missing now, or run `autoseg train all -c {first}` first."
        )
    masks = {
        case: workspace.fold(plan.name, first, str(number)).validation.mask(case)
        for number, fold in enumerate(splits.folds)
        for case in fold.validation
    }
    return StageInput(store=store, scheme=plan.scheme, masks=masks)


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
