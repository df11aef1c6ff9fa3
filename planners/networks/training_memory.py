"""Memory that a training takes: by nnU-Net's measure, and byte for byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from dataset_fingerprints.sizes import GIB
from planners.choices import resolve
from planners.machine import MachineProfile
from planners.networks.topology import pad_up
from planners.parts import LOSSES, OPTIMIZERS, WEIGHTS
from planners.parts.losses import LossOptions
from planners.parts.networks import NetworkLayers, NetworkOptions, UNetOptions, count_level_voxels
from planners.parts.number_types import FULL_BYTES, HALF_BYTES
from planners.parts.optimizers import OptimizerOptions
from planners.parts.weights import WeightsOptions
from planners.plan import Training

# What the driver, the libraries and their kernels hold on a GPU before the first tensor.
CONTEXT_BYTES = {"cuda": round(0.6 * GIB), "mps": round(0.2 * GIB), "cpu": round(0.4 * GIB)}
# A convolution's library may take this many times its largest input and output to work in.
WORKSPACE_SHARE = 1.0
# Sampling coordinates of three axes, and images before and after each change of their intensities.
GRID_BYTES, IMAGE_COPIES, LABEL_BYTES = 3 * FULL_BYTES, 4, 1
# A training case waits in half precision, with a byte per voxel for its labels.
RESIDENT_IMAGE_BYTES, RESIDENT_LABEL_BYTES = 2, 1
# The components of another configuration's mask, beside them.
RESIDENT_MASK_BYTES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """Settings of a training that its memory depends on.

    Attributes:
        half: whether convolutions run in a 16-bit number type.
        exclusive: whether the labels compete (softmax) or regions decide for themselves (sigmoid).
        recomputed: whether only what goes from level to level is kept for the backward pass.
    """

    device: str
    half: bool
    optimizer: OptimizerOptions
    loss: LossOptions
    weights: WeightsOptions
    exclusive: bool
    recomputed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Shape:
    """Size of a network's input and output in one step; axes are those that the network sees.

    Attributes:
        channels: of the input.
        outputs: channels of every head.
        patch: lengths in voxels; where the network's strides do not divide them, it sees the next larger ones.
        batch_size: patches per step.
    """

    channels: int
    outputs: int
    patch: tuple[int, ...]
    batch_size: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """Peak memory of a training step, in bytes, without the training cases.

    Attributes:
        parameters: of the network, and the 16-bit copy of its convolutions' where there is one.
        copies: of the weights that are kept beside the trained ones, such as their average.
        activations: everything that the forward pass keeps for the backward pass, of the whole batch; where levels are
            recomputed, with the one that keeps most.
        passing: gradients of feature maps on their way back, and what convolutions work in.
        batch: images and labels, and what augmenting needs beside them.
        context: of the device's driver and libraries; no tensor, and not seen by torch's own counter.
    """

    parameters: int
    gradients: int
    optimizer: int
    copies: int
    activations: int
    passing: int
    batch: int
    context: int

    def tensors(self) -> int:
        """Return what torch itself counts."""
        return self.total() - self.context

    def total(self) -> int:
        """Return the peak."""
        kept = self.parameters + self.gradients + self.optimizer + self.copies + self.batch
        return kept + self.activations + self.passing + self.context


def describe_execution(training: Training, machine: MachineProfile, *, exclusive: bool) -> Execution:
    """Return how a network is trained, as far as memory depends on it.

    Raises:
        PlanError: a part is unknown.
    """
    return Execution(
        device=machine.device,
        half=training.mixed_precision and machine.bfloat16,
        optimizer=resolve(training.optimizer, OPTIMIZERS, "optimizer"),
        loss=resolve(training.loss, LOSSES, "loss"),
        weights=resolve(training.weights, WEIGHTS, "weights"),
        exclusive=exclusive,
        recomputed=training.recomputed,
    )


def predict_memory(network: NetworkOptions, shape: Shape, execution: Execution) -> Memory:
    """Predict the peak memory of a training step.

    Args:
        network: axes in the order of the patch's.
        shape: of what goes through it.
        execution: optimiser, number type and device.
    """
    layers = network.layers(shape.channels, shape.outputs, pad_up(shape.patch, network.divisors()))
    count = layers.parameters()
    casts = sum(layer.cast_parameters() for layer in layers.every()) * HALF_BYTES if execution.half else 0
    value = layers.half_bytes if execution.half else FULL_BYTES
    passing = max(2 * layer.values() + layer.read_values() for layer in layers.every())
    return Memory(
        parameters=count * FULL_BYTES + casts,
        gradients=count * FULL_BYTES,
        optimizer=count * FULL_BYTES * execution.optimizer.states(),
        copies=count * FULL_BYTES * execution.weights.copies(),
        activations=shape.batch_size * _kept_bytes(layers, shape, execution),
        passing=round(shape.batch_size * passing * value * (1 + WORKSPACE_SHARE)),
        batch=shape.batch_size * _batch_bytes(shape),
        context=CONTEXT_BYTES[execution.device],
    )


def resident_bytes(voxels: float, channels: int, masks: int = 0) -> int:
    """Return the memory for training cases of so many voxels while they wait.

    Args:
        voxels: of all of them.
        channels: of the images.
        masks: of other configurations, which the network sees as well.
    """
    return round(voxels * (RESIDENT_IMAGE_BYTES * channels + RESIDENT_LABEL_BYTES + RESIDENT_MASK_BYTES * masks))


def count_feature_map_elements(
    network: UNetOptions, patch_shape: Sequence[int], outputs: int, *, deep_supervision: bool
) -> int:
    """Return the number of values that all convolutions put out for one patch, as nnU-Net counts them.

    Counted are the encoder's convolutions, the transposed convolutions, the decoder's convolutions and the
    segmentation heads; not weights, gradients or optimiser states. This is the measure that nnU-Net's reference
    figures are in (Isensee 2021; 2024 for the residual encoder). It counts a projection in the skip of every residual
    level that shrinks its feature maps, also where the network has none because the features stay as many.

    Args:
        network: axes in the order of `patch_shape`.
        patch_shape: the network's two or three axes, in voxels.
        outputs: channels of a segmentation head.
        deep_supervision: whether every decoder level has a head, or only the finest, whatever the network has.
    """
    voxels = count_level_voxels(network.strides, patch_shape)
    encoder = _count_residual_encoder if network.block == "residual" else _count_plain_encoder
    decoder = sum(
        network.features[level] * voxels[level] * (1 + blocks) for level, blocks in enumerate(network.decoder_blocks)
    )
    heads = outputs * (sum(voxels[:-1]) if deep_supervision else voxels[0])
    return encoder(network, voxels) + decoder + heads


def _kept_bytes(layers: NetworkLayers, shape: Shape, execution: Execution) -> int:
    """Return what one patch leaves behind on its way through network and loss."""
    by_loss = execution.loss.kept_bytes(shape.outputs, exclusive=execution.exclusive)
    image = shape.channels * math.prod(shape.patch) * (HALF_BYTES if execution.half else FULL_BYTES)
    value = layers.half_bytes if execution.half else FULL_BYTES
    compared = sum(head.voxels for head in layers.trained_heads())
    return image + _kept_by_levels(layers, value, recomputed=execution.recomputed) + round(compared * by_loss)


def _kept_by_levels(layers: NetworkLayers, value: int, *, recomputed: bool) -> int:
    """Return the bytes that one patch leaves behind in the network, of so many bytes per value of a feature map."""
    kept = [sum(layer.kept * value + layer.kept_bytes for layer in level) for level in layers.levels]
    if not recomputed:
        return sum(kept)
    passed = [level[-1].values() * value for level in layers.levels]
    return sum(passed) + max(all_of_it - last for all_of_it, last in zip(kept, passed, strict=True))


def _batch_bytes(shape: Shape) -> int:
    return math.prod(shape.patch) * (shape.channels * FULL_BYTES * IMAGE_COPIES + GRID_BYTES + LABEL_BYTES)


def _count_plain_encoder(network: UNetOptions, voxels: Sequence[int]) -> int:
    levels = zip(network.features, network.encoder_blocks, voxels, strict=True)
    return sum(features * blocks * count for features, blocks, count in levels)


def _count_residual_encoder(network: UNetOptions, voxels: Sequence[int]) -> int:
    """Count a stem, two convolutions per block, and a projection wherever a level changes the features or the size."""
    total = network.features[0] * voxels[0]
    before = (network.features[0], voxels[0])
    for now, blocks in zip(zip(network.features, voxels, strict=True), network.encoder_blocks, strict=True):
        total += math.prod(now) * (2 * blocks + (now != before))
        before = now
    return total
