"""How much memory a training takes: by nnU-Net's measure, and byte for byte."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from planners.choices import Choice
from planners.networks.layers import Layer, Network, count_stage_voxels, list_layers, list_stages
from planners.networks.topology import BlockName
from planners.plan import Topology

GIB = 1024**3
FULL_BYTES, HALF_BYTES = 4, 2
# What the driver, the libraries and their kernels hold on a GPU before the first tensor.
CONTEXT_BYTES = {"cuda": round(0.6 * GIB), "mps": round(0.2 * GIB), "cpu": round(0.4 * GIB)}
# A convolution's library may take this many times its largest input and output to work in.
WORKSPACE_SHARE = 1.0
MASK_BYTES, INDEX_BYTES = 1, 8
# Sampling coordinates of three axes, and images before and after each change of their intensities.
GRID_BYTES, IMAGE_COPIES, LABEL_BYTES = 3 * FULL_BYTES, 4, 1
# A training case waits in half precision, with a byte per voxel for its labels.
RESIDENT_IMAGE_BYTES, RESIDENT_LABEL_BYTES = 2, 1
# The components of a first stage's mask, beside them.
RESIDENT_MASK_BYTES = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Execution:
    """How a network is trained, as far as memory depends on it.

    Attributes:
        half: whether convolutions run in a 16-bit number type.
        exclusive: whether the labels compete (softmax) or regions decide for themselves (sigmoid).
        recomputed: whether only what goes from stage to stage is kept for the backward pass.
    """

    device: str
    half: bool
    optimizer: Choice
    loss: Choice
    exclusive: bool
    recomputed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Memory:
    """What a training step needs at its peak, in bytes, without the training cases.

    Attributes:
        parameters: of the network, and the 16-bit copy of its convolutions' where there is one.
        average: the second network, whose weights follow the first's.
        activations: everything that the forward pass keeps for the backward pass, of the whole batch; where stages are
            recomputed, with the one that keeps most.
        passing: gradients of feature maps on their way back, and what convolutions work in.
        batch: images and labels, and what augmenting needs beside them.
        context: of the device's driver and libraries; no tensor, and not seen by torch's own counter.
    """

    parameters: int
    gradients: int
    optimizer: int
    average: int
    activations: int
    passing: int
    batch: int
    context: int

    def tensors(self) -> int:
        """Return what torch itself counts."""
        return self.total() - self.context

    def total(self) -> int:
        """Return the peak."""
        kept = self.parameters + self.gradients + self.optimizer + self.average + self.batch
        return kept + self.activations + self.passing + self.context


def predict_memory(network: Network, patch_shape: Sequence[int], batch_size: int, execution: Execution) -> Memory:
    """Predict the peak memory of a training step.

    Args:
        network: axes in the order of `patch_shape`.
        patch_shape: the network's two or three axes, in voxels.
        batch_size: patches per step.
        execution: optimiser, number type and device.
    """
    layers = list_layers(network, patch_shape)
    count = count_parameters(layers)
    copies = sum(layer.cast_parameters() for layer in layers) * HALF_BYTES if execution.half else 0
    value = value_bytes(network, half=execution.half)
    passing = max(2 * layer.values() + _inputs(layer) for layer in layers)
    return Memory(
        parameters=count * FULL_BYTES + copies,
        gradients=count * FULL_BYTES,
        optimizer=count * FULL_BYTES * optimizer_states(execution.optimizer),
        average=count * FULL_BYTES,
        activations=batch_size * _kept_bytes(network, patch_shape, execution),
        passing=round(batch_size * passing * value * (1 + WORKSPACE_SHARE)),
        batch=batch_size * _batch_bytes(network, patch_shape),
        context=CONTEXT_BYTES[execution.device],
    )


def count_parameters(layers: Sequence[Layer]) -> int:
    """Return the learned numbers of a network."""
    return sum(layer.parameters() for layer in layers)


def value_bytes(network: Network, *, half: bool) -> int:
    """Return the bytes per value of a feature map.

    A GPU computes group norm in single precision even under autocast: its input and output are kept that way, and the
    next convolution keeps a 16-bit copy, five bytes per value on average.
    """
    if not half:
        return FULL_BYTES
    return 5 if network.norm == "group" else HALF_BYTES


def optimizer_states(optimizer: Choice) -> int:
    """Return how many numbers per parameter an optimiser remembers."""
    if optimizer.name == "sgd":
        return int(optimizer.options.get("momentum", 0.99) != 0)
    return 2


def loss_bytes(loss: Choice, outputs: int, *, exclusive: bool) -> float:
    """Return the bytes per voxel that a loss keeps for the backward pass, in single precision whatever the network.

    Competing labels: log-probabilities and masks of all channels, probabilities of all but background. Regions: logits,
    targets, probabilities and masks. Focal losses keep four more values per answer, boundary losses distances and
    their products, and those on the hardest voxels which ones these are.

    Args:
        loss: an unknown one counts as the first kind.
        outputs: channels of the logits.
        exclusive: whether the labels compete.
    """
    answers = 1 if exclusive else outputs
    kept = outputs * (FULL_BYTES + MASK_BYTES) + FULL_BYTES * (outputs - 1 if exclusive else 2 * outputs)
    if loss.name in ("focal", "dice_focal"):
        return kept + 4 * FULL_BYTES * answers
    if loss.name == "boundary":
        return kept + FULL_BYTES * (2 * outputs - 1 if exclusive else 2 * outputs)
    if loss.name == "dice_topk":
        return kept + INDEX_BYTES * float(loss.options.get("hardest_fraction", 0.1)) * answers
    return kept


def resident_bytes(voxels: float, channels: int, *, cascade: bool = False) -> int:
    """Return what training cases of this many voxels take while they wait, in a cascade with their masks."""
    mask = RESIDENT_MASK_BYTES if cascade else 0
    return round(voxels * (RESIDENT_IMAGE_BYTES * channels + RESIDENT_LABEL_BYTES + mask))


def count_feature_map_elements(
    topology: Topology, patch_shape: Sequence[int], outputs: int, block: BlockName, *, deep_supervision: bool
) -> int:
    """Return the number of values that all convolutions put out for one patch, as nnU-Net counts them.

    Counted are the encoder's convolutions, the transposed convolutions, the decoder's convolutions and the
    segmentation heads; not weights, gradients or optimiser states. This is the measure that nnU-Net's reference
    figures are in (Isensee 2021; 2024 for the residual encoder). It counts a projection in the skip of every residual
    stage that shrinks its feature maps, also where the network has none because the features stay as many.

    Args:
        topology: axes in the order of `patch_shape`.
        patch_shape: the network's two or three axes, in voxels.
        outputs: channels of a segmentation head.
        block: whether the encoder has residual blocks behind a stem, or plain convolutions.
        deep_supervision: whether every decoder stage has a head, or only the finest.
    """
    voxels = count_stage_voxels(topology, patch_shape)
    encoder = _count_residual_encoder if block == "residual" else _count_plain_encoder
    decoder = sum(
        topology.features[stage] * voxels[stage] * (1 + blocks) for stage, blocks in enumerate(topology.decoder_blocks)
    )
    heads = outputs * (sum(voxels[:-1]) if deep_supervision else voxels[0])
    return encoder(topology, voxels) + decoder + heads


def _inputs(layer: Layer) -> int:
    return layer.inputs * layer.voxels if layer.reads == layer.taps else 0


def _kept_bytes(network: Network, patch_shape: Sequence[int], execution: Execution) -> int:
    """Return what one patch leaves behind on its way through network and loss."""
    voxels = count_stage_voxels(network.topology, patch_shape)
    # The coarsest of several heads is not trained.
    trained = voxels[: max(1, len(voxels) - 2)] if network.deep_supervision else voxels[:1]
    by_loss = loss_bytes(execution.loss, network.outputs, exclusive=execution.exclusive)
    image = network.channels * voxels[0] * (HALF_BYTES if execution.half else FULL_BYTES)
    maps = _kept_values(network, patch_shape, recomputed=execution.recomputed)
    return image + maps * value_bytes(network, half=execution.half) + round(sum(trained) * by_loss)


def _kept_values(network: Network, patch_shape: Sequence[int], *, recomputed: bool) -> int:
    """Return how many values of feature maps one patch leaves behind."""
    stages = list_stages(network, patch_shape)
    kept = [sum(layer.kept for layer in stage) for stage in stages]
    if not recomputed:
        return sum(kept)
    passed = [stage[-1].values() for stage in stages]
    return sum(passed) + max(all_of_it - last for all_of_it, last in zip(kept, passed, strict=True))


def _batch_bytes(network: Network, patch_shape: Sequence[int]) -> int:
    voxels = math.prod(patch_shape)
    return voxels * (network.channels * FULL_BYTES * IMAGE_COPIES + GRID_BYTES + LABEL_BYTES)


def _count_plain_encoder(topology: Topology, voxels: Sequence[int]) -> int:
    stages = zip(topology.features, topology.encoder_blocks, voxels, strict=True)
    return sum(features * blocks * count for features, blocks, count in stages)


def _count_residual_encoder(topology: Topology, voxels: Sequence[int]) -> int:
    """Count a stem, two convolutions per block, and a projection wherever a stage changes the features or the size."""
    total = topology.features[0] * voxels[0]
    before = (topology.features[0], voxels[0])
    for now, blocks in zip(zip(topology.features, voxels, strict=True), topology.encoder_blocks, strict=True):
        total += math.prod(now) * (2 * blocks + (now != before))
        before = now
    return total
