"""A trained model: what it was trained by, and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from autoseg.models.tensors import find_misfit, load_weights
from autoseg.networks import build_network
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from planners.editing.plan_checks import check_run
from planners.run import Run

Weights = Mapping[str, torch.Tensor]
# Of a fold's settings that are damaged or gone.
REMEDY = (
    "Without it nobody knows which cases the fold has seen: put a copy of it back, or begin the fold anew with "
    "`autoseg train FOLD --restart`."
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Model:
    """A trained model of one configuration.

    Attributes:
        run: what it was trained by.
        weights: of its network, or of its snapshots, each a network of an ensemble.
        origin: where it comes from, for messages.
        lost: number of snapshots that its training left and that are not there any more.
    """

    run: Run
    weights: tuple[Weights, ...]
    origin: str
    lost: int = 0

    def build_networks(self, device: torch.device) -> tuple[nn.Module, ...]:
        """Return a network for each of the weights, in evaluation mode.

        Raises:
            WorkspaceError: weights do not fit the configuration.
        """
        return tuple(self._build_network(weights).to(device) for weights in self.weights)

    def _build_network(self, weights: Weights) -> nn.Module:
        configuration = self.run.own()
        # Without memory until the weights are known to fit: a file from elsewhere may describe any size.
        with torch.device("meta"):
            network = build_network(configuration, self.run.input_channels(), self.run.learned().heads().count())
        expected = network.state_dict()
        misfit = find_misfit(weights, expected)
        if misfit:
            raise WorkspaceError(
                f"{self.origin}: the weights do not fit {configuration.name} ({misfit}). Train the fold again "
                "with --restart."
            )
        # Not `to_empty`, for which torch imports 35 MiB of its compiler.
        own = {name: tensor.to(expected[name].dtype, copy=True) for name, tensor in weights.items()}
        network.load_state_dict(own, assign=True)
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
    weights = tuple(map(load_weights, files))
    return Model(run=read_settings(folder), weights=weights, origin=str(folder.root))


def read_settings(folder: FoldFolder) -> Run:
    """Return what the weights of a fold were trained by.

    Raises:
        FileFormatError: the file is missing or damaged.
    """
    return read_json(folder.run, Run, REMEDY, check_run)
