"""Probabilities that a fold gave the cases that it did not train on, as an evaluation takes them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation import FilePair, MapSource, Pairing, find_maps
from autoseg.pipeline.folds.out_of_fold import read_probabilities
from autoseg.pipeline.folds.runs import read_run
from autoseg.prediction import select_targets
from autoseg.workspace.fold import FoldFolder, ValidationFolder, find_validation
from autoseg.workspace.workspace import Workspace, is_workspace
from dataset_fingerprints.dataset import Dataset, Label, LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import Grid, canonical_grid
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.file_names import stem_of
from dataset_fingerprints.reading.images import read_grid
from planners.targets import choose_scheme


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidatedMaps:
    """The probabilities of a fold's validation.

    Attributes:
        folder: of the validation.
        scheme: of what the fold learns of the labels of the workspace.
    """

    folder: ValidationFolder
    scheme: LabelScheme

    def read(self, pair: FilePair, label: int | str, grid: Grid, alone: bool) -> NDArray[np.float32]:
        """Read the probabilities of a label or region, (x, y, z), rounded to 1/255.

        Args:
            pair: the case, whose mask is that of the fold.
            label: a label's value or a region's name.
            grid: of the reference, on which the mask lies, too.
            alone: of no meaning here.

        Raises:
            AutosegError: the case is not validated by the fold, its files are damaged, or the label is not known.
        """
        parts: list[int | str] = [region.name for region in self.scheme.regions]
        parts = parts or [one.value for one in self.scheme.labels]
        if label not in parts:
            known = some_of([str(part) for part in parts], 10)
            raise DataError(f"case {pair.case}: the fold has no probabilities of {label}, only of {known}.")
        source = read_grid(pair.prediction)
        found = read_probabilities(self.folder, stem_of(pair.prediction), self.scheme, source)
        values = np.zeros(canonical_grid(source).shape, dtype=np.float32)
        for slab in found.slabs():
            values[slab.box.slices()] = select_targets(slab.values, self.scheme.heads())[parts.index(label)].numpy()
        return values


def find_probabilities(folder: Path, pairing: Pairing, names: tuple[Label, ...]) -> MapSource:
    """Return the probabilities in the folder of a fold's validation, or in one of maps beside masks.

    Raises:
        AutosegError: the folder holds neither.
    """
    root = next((above for above in folder.absolute().parents if is_workspace(above)), None)
    validation = None if root is None else find_validation(folder.absolute())
    if root is not None and validation is not None:
        scheme = read_json(Workspace(root=root).dataset, Dataset).labels
        run = read_run(FoldFolder(root=validation.root.parent))
        targets = () if run is None else run.own().targets
        return ValidatedMaps(folder=validation, scheme=choose_scheme(scheme, targets))
    return find_maps(folder, pairing, {label.value: label.name for label in names})
