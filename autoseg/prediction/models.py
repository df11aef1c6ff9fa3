"""A trained fold, ready to predict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from autoseg.hardware import autocast_type
from autoseg.networks import build_network
from autoseg.prediction.restore import restore_logits
from autoseg.prediction.sliding_window import Window, predict_logits
from autoseg.preprocessing import Record, add_mask, fit_mask, prepare
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.measuring.scans import Scan
from planners.plan import Configuration
from planners.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class Ensemble:
    """Networks of the same configuration, one per fold, and the run of the first of them.

    Attributes:
        previous: a cascade's first stage, whose masks these networks see; else None.
    """

    run: Run
    networks: Sequence[nn.Module]
    window: Window
    previous: Ensemble | None = None

    def predict(self, scan: Scan) -> NDArray[np.integer]:
        """Return the label values of a scan, (x, y, z) on its whole canonical grid."""
        return self.run.scheme.to_values(self.predict_indices(scan))

    def predict_indices(self, scan: Scan) -> NDArray[np.uint8]:
        """Return the same as label indices."""
        logits, record = self.predict_logits(scan)
        return restore_logits(logits, record, self.run.scheme.heads())

    def predict_logits(self, scan: Scan) -> tuple[torch.Tensor, Record]:
        """Return the mean logits (output, x, y, z) on the preprocessed scan, and what leads back from there."""
        scheme = self.run.scheme
        prepared = prepare(scan, self.window.configuration.preprocessing, scheme.index_count())
        image = prepared.image
        if self.previous is not None:
            mask = fit_mask(self.previous.predict_indices(scan), prepared.record, scheme.index_count())
            image = add_mask(image, mask, scheme.heads().targets())
        return predict_logits(self.networks, torch.from_numpy(image), self.window), prepared.record


def make_window(configuration: Configuration, outputs: int, device: torch.device, *, mirror: bool) -> Window:
    """Choose number type and tiles per call for a device."""
    return Window(
        configuration=configuration,
        outputs=outputs,
        device=device,
        autocast=autocast_type(device) if configuration.training.mixed_precision else torch.float32,
        mirror=mirror,
        tiles_at_once=2 * configuration.batch_size if device.type == "cuda" else 1,
    )


def load_ensemble(
    folders: Sequence[FoldFolder], device: torch.device, *, mirror: bool, previous: Ensemble | None = None
) -> Ensemble:
    """Load the networks of trained folds.

    Args:
        folders: of trained folds; all of one configuration.
        device: to predict on.
        mirror: whether the plan's flips are averaged.
        previous: the first stage, where these are folds of a cascade's second one.

    Raises:
        WorkspaceError: weights are damaged or do not fit the plan.
    """
    run = read_json(folders[0].run, Run)
    configuration, channels, outputs = run.own(), run.input_channels(), run.scheme.heads().count()
    for folder in folders[1:]:
        _refuse_other_size(folder, configuration)
    paths = [path for folder in folders for path in folder.weight_files()]
    networks = [_load_network(path, configuration, channels, outputs).to(device) for path in paths]
    window = make_window(configuration, outputs, device, mirror=mirror)
    return Ensemble(run=run, networks=networks, window=window, previous=previous)


def _refuse_other_size(folder: FoldFolder, first: Configuration) -> None:
    """Folds can differ where one of them ran out of memory: in batch size, which does not matter here, or in more."""
    configuration = read_json(folder.run, Run).own()
    if (configuration.patch_shape, configuration.network) != (first.patch_shape, first.network):
        found, expected = ("x".join(map(str, entry.patch_shape)) for entry in (configuration, first))
        raise WorkspaceError(
            f"{folder.root}: was trained with patches of {found} voxels, another fold with {expected}. Name folds of "
            "one size with --fold, or delete those of the other and train them again."
        )


def _load_network(path: Path, configuration: Configuration, channels: int, outputs: int) -> nn.Module:
    network = build_network(configuration, channels, outputs)
    try:
        network.load_state_dict(load_file(path))
    except (OSError, SafetensorError, RuntimeError) as error:
        raise WorkspaceError(f"{path}: cannot be used ({str(error).splitlines()[0]}). Train the fold again.") from error
    return network.eval().requires_grad_(False)
