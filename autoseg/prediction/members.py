"""One network's predictor: a sliding window over what it sees of a scan."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from autoseg.hardware import autocast_type
from autoseg.models import Model
from autoseg.prediction.inputs import NetworkInput, SharedInputs
from autoseg.prediction.logits import Logits, hold_logits
from autoseg.prediction.probabilities import Probabilities
from autoseg.prediction.restore import restore
from autoseg.prediction.sliding_window import Window, predict_logits
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Reorientation, from_canonical
from dataset_fingerprints.measuring.scans import Scan
from planners.plan import Configuration, Prediction


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """One network of an ensemble: a fold's, or one of its snapshots.

    Attributes:
        network: in evaluation mode, on the window's device.
        window: how it is run over a scan; flips are averaged in it.
        scheme: what its outputs stand for.
    """

    network: nn.Module
    window: Window
    scheme: LabelScheme

    def predict(self, scan: Scan) -> Probabilities:
        """Return the probabilities of a scan's labels or regions on its own grid.

        Raises:
            ValueError: the network sees what other stages found; a `Cascade` predicts it.
        """
        return self.predict_shared(SharedInputs(scan))

    def predict_shared(self, inputs: SharedInputs) -> Probabilities:
        """Return the same, sharing what networks see of the scan with others."""
        return self.predict_prepared(inputs.of(self.window.configuration, self.scheme))

    def predict_prepared(self, seen: NetworkInput) -> Probabilities:
        """Return the same of a preprocessed case."""
        return restore(self.predict_logits(seen), seen, self.scheme)

    def predict_logits(self, seen: NetworkInput) -> Logits:
        """Return the logits of a preprocessed case, on its own array."""
        if seen.turn is None:
            return hold_logits(predict_logits(self.network, torch.from_numpy(seen.image), self.window))
        image = np.ascontiguousarray(from_canonical(seen.image, seen.turn))
        logits = predict_logits(self.network, torch.from_numpy(image), self.window)
        return hold_logits(_turn_to_canonical(logits, seen.turn))


def _turn_to_canonical(logits: torch.Tensor, turn: Reorientation) -> torch.Tensor:
    """Return logits (output, *axes that the network saw) as (output, x, y, z)."""
    turned = logits.permute(0, *(1 + axis for axis in turn.axes))
    return turned.flip([1 + axis for axis in range(3) if turn.flips[axis]]).contiguous()


def make_members(
    model: Model, device: torch.device, *, mirror: bool, prediction: Prediction | None = None
) -> tuple[Member, ...]:
    """Return a member for each of a model's networks.

    Args:
        model: a trained fold.
        device: to predict on.
        mirror: whether flips are averaged.
        prediction: in place of the plan's.

    Raises:
        WorkspaceError: weights do not fit the configuration.
    """
    scheme = model.run.scheme
    own = model.run.own()
    configuration = own if prediction is None else replace(own, prediction=prediction)
    window = make_window(configuration, scheme.heads().count(), device, mirror=mirror)
    networks = model.build_networks(device)
    return tuple(Member(network=network, window=window, scheme=scheme) for network in networks)


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
