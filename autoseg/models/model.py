"""A trained model: what it was trained by, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from autoseg.networks import build_network
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from planners.run import Run

Weights = Mapping[str, torch.Tensor]


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A trained model of one configuration.

    Attributes:
        run: what it was trained by.
        weights: of its network, or of its snapshots, each a network of an ensemble.
        origin: where it comes from, for messages.
    """

    run: Run
    weights: tuple[Weights, ...]
    origin: str

    def build_networks(self, device: torch.device) -> tuple[nn.Module, ...]:
        """Return a network for each of the weights, in evaluation mode.

        Raises:
            WorkspaceError: weights do not fit the configuration.
        """
        return tuple(self._build_network(weights).to(device) for weights in self.weights)

    def _build_network(self, weights: Weights) -> nn.Module:
        configuration = self.run.own()
        network = build_network(configuration, self.run.input_channels(), self.run.scheme.heads().count())
        try:
            network.load_state_dict(weights)
        except RuntimeError as error:
            raise WorkspaceError(
                f"{self.origin}: the weights do not fit {configuration.name} ({str(error).splitlines()[0]}). "
                "Train the fold again."
            ) from error
        return network.eval().requires_grad_(False)


def read_fold(folder: FoldFolder) -> Model:
    """Return the model of a trained fold.

    Raises:
        WorkspaceError: there are no weights, or they are damaged.
        FileFormatError: what the fold was begun with is damaged.
    """
    files = folder.weight_files()
    if not files:
        raise WorkspaceError(f"{folder.root}: is not trained yet. Run `autoseg train` first.")
    weights = []
    for path in files:
        try:
            weights.append(load_file(path))
        except (OSError, SafetensorError) as error:
            reason = str(error).splitlines()[0]
            raise WorkspaceError(f"{path}: cannot be used ({reason}). Train the fold again.") from error
        broken = [name for name, tensor in weights[-1].items() if not bool(tensor.isfinite().all())]
        if broken:
            raise WorkspaceError(
                f"{path}: cannot be used ({broken[0]} holds values that are not finite). Train the fold again."
            )
    return Model(run=read_json(folder.run, Run), weights=tuple(weights), origin=str(folder.root))
