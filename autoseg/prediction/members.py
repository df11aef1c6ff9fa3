"""One network's predictor: a sliding window over what it sees of a scan."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from autoseg.hardware import autocast_type, keep_freed_memory
from autoseg.models import Model
from autoseg.networks import UNet
from autoseg.prediction.inputs import NetworkInput, SharedInputs
from autoseg.prediction.memory import Memory
from autoseg.prediction.probabilities import Probabilities
from autoseg.prediction.restore import restore
from autoseg.prediction.sliding.less_memory import Sliding, fit_tiles
from autoseg.prediction.sliding.logits import HeldLogits, Logits, StreamedLogits
from autoseg.prediction.sliding.tiles import FLOAT_BYTES, Window
from dataset_fingerprints.dataset import Heads, LabelScheme
from dataset_fingerprints.geometry import Reorientation, from_canonical
from dataset_fingerprints.measuring.scans import Scan
from planners.choices import resolve
from planners.parts import NETWORKS
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
        return self.predict_prepared(inputs.of(self.window.configuration, self.scheme), inputs.memory)

    def predict_prepared(self, seen: NetworkInput, memory: Memory | None = None) -> Probabilities:
        """Return the same of a preprocessed case."""
        return restore(self.predict_logits(seen, memory), seen, self.scheme)

    def predict_logits(self, seen: NetworkInput, memory: Memory | None = None) -> Logits:
        """Return the logits of a preprocessed case, on its own array.

        They are computed now and held; where that would take too much memory, when they are read.

        Args:
            seen: the case.
            memory: that may be used; None for what is free.
        """
        body = None if seen.body is None else torch.from_numpy(seen.body)
        if seen.turn is not None:
            return self._predict_turned(seen.image, seen.turn)
        memory = memory or Memory()
        image = torch.from_numpy(seen.image)
        if memory.alone and self._rounds_first():
            image = image.to(self.window.autocast)
        sliding = Sliding(network=self.network, image=image, window=self.window, body=body)
        size_bytes = self.window.outputs * math.prod(sliding.shape()) * FLOAT_BYTES
        if not memory.can_hold(size_bytes, self.window.sums_bytes(sliding.shape())):
            sliding = replace(sliding, window=fit_tiles(self.window, sliding.shape(), memory.left_bytes()))
            memory.take(sliding.window.sums_bytes(sliding.shape()))
            return StreamedLogits(sliding.slide, self.window.device)
        return hold(sliding, self.window)

    def _rounds_first(self) -> bool:
        """Return whether the network's first layer rounds the image to 16 bits, so that it may be held in these."""
        # A GPU that runs out of memory hands over to the CPU, which rounds otherwise.
        on_cpu = self.window.device.type == "cpu"
        return on_cpu and isinstance(self.network, UNet) and self.window.autocast != torch.float32

    def _predict_turned(self, image: NDArray[np.floating], turn: Reorientation) -> HeldLogits:
        """Return the logits of a network that sees other axes; all at once, for its first axis may be any of ours."""
        turned = torch.from_numpy(np.ascontiguousarray(from_canonical(image, turn)))
        values = np.empty((self.window.outputs, *image.shape[1:]), dtype=np.float32)
        # A view: what is written along the network's axes lies along ours.
        seen = from_canonical(values, turn)
        for block in Sliding(network=self.network, image=turned, window=self.window).slide():
            seen[:, block.start : block.stop()] = block.values.cpu().numpy()
            del block  # while the next is made
        return HeldLogits(values=torch.from_numpy(values), device=self.window.device)


def hold(sliding: Sliding, window: Window) -> HeldLogits:
    """Return all logits at once."""
    values = torch.empty((window.outputs, *sliding.shape()))
    for block in sliding.slide():
        values[:, block.start : block.stop()] = block.values
        del block  # while the next is made
    return HeldLogits(values=values, device=window.device)


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
    if device.type == "cpu":
        keep_freed_memory()
    scheme = model.run.learned()
    own = model.run.own()
    configuration = own if prediction is None else replace(own, prediction=prediction)
    window = make_window(configuration, scheme.heads(), device, mirror=mirror)
    networks = model.build_networks(device)
    return tuple(Member(network=network, window=window, scheme=scheme) for network in networks)


def make_window(configuration: Configuration, heads: Heads, device: torch.device, *, mirror: bool) -> Window:
    """Choose number type and tiles per call for a device; the patch becomes what is looked at in one piece."""
    return Window(
        configuration=replace(configuration, patch_shape=configuration.tile_shape()),
        outputs=heads.count(),
        exclusive=heads.exclusive,
        device=device,
        autocast=autocast_type(device) if configuration.training.mixed_precision else torch.float32,
        mirror=mirror,
        tiles_at_once=2 * configuration.batch_size if device.type == "cuda" else 1,
        divisors=resolve(configuration.network, NETWORKS, "network").divisors(),
    )
