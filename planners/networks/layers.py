"""A U-Net as a list of its convolutions, so that its costs can be added up without building it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from planners.networks.topology import BlockName
from planners.plan import Configuration, Topology


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """A U-Net as far as its costs depend on it.

    Attributes:
        channels: of the input.
        outputs: channels of every head.
        deep_supervision: whether every decoder stage has a head, or only the finest.
    """

    topology: Topology
    block: BlockName
    norm: str
    channels: int
    outputs: int
    deep_supervision: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One convolution with the norm and activation that follow it; all numbers are for one patch.

    Attributes:
        inputs: channels.
        outputs: channels.
        taps: weights per pair of input and output channel.
        voxels: of what it puts out.
        reads: values of its input that each output value depends on, per input channel.
        bias: whether it has one.
        normalized: whether a norm with a learned scale and shift follows.
        kept: values that stay in memory for the backward pass because of it: its own output where a norm follows, the
            activated one, and an input that was made for it alone.
    """

    inputs: int
    outputs: int
    taps: int
    voxels: int
    reads: int
    bias: bool = True
    normalized: bool = True
    kept: int = 0

    def parameters(self) -> int:
        """Return the learned numbers of convolution and norm."""
        return self.outputs * (self.inputs * self.taps + self.bias + 2 * self.normalized)

    def cast_parameters(self) -> int:
        """Return those that mixed precision keeps a second copy of: the convolution's."""
        return self.outputs * (self.inputs * self.taps + self.bias)

    def values(self) -> int:
        """Return the number of values that the convolution puts out."""
        return self.outputs * self.voxels

    def multiplications(self) -> int:
        """Return the multiply-adds of one forward pass."""
        return self.inputs * self.outputs * self.reads * self.voxels


def describe_network(configuration: Configuration, channels: int, outputs: int) -> Network:
    """Return a configuration's network as far as its costs depend on it."""
    options = configuration.network.options
    return Network(
        topology=configuration.topology,
        block="residual" if options.get("block") == "residual" else "plain",
        norm=str(options.get("norm", "instance")),
        channels=channels,
        outputs=outputs,
        deep_supervision=configuration.training.deep_supervision,
    )


def count_stage_voxels(topology: Topology, patch_shape: Sequence[int]) -> tuple[int, ...]:
    """Return the voxels of every stage's feature maps for one patch, finest first."""
    size, voxels = list(patch_shape), []
    for strides in topology.strides:
        size = [length // stride for length, stride in zip(size, strides, strict=True)]
        voxels.append(math.prod(size))
    return tuple(voxels)


def list_layers(network: Network, patch_shape: Sequence[int]) -> tuple[Layer, ...]:
    """Return the convolutions of a network in the order of use, heads last.

    Args:
        network: axes in the order of `patch_shape`.
        patch_shape: the network's two or three axes, in voxels.
    """
    heads = _list_heads(network, count_stage_voxels(network.topology, patch_shape))
    return (*(layer for stage in list_stages(network, patch_shape) for layer in stage), *heads)


def list_stages(network: Network, patch_shape: Sequence[int]) -> tuple[tuple[Layer, ...], ...]:
    """Return the convolutions stage by stage, in the order of use: stem, encoder, decoder. Heads belong to none.

    Args:
        network: axes in the order of `patch_shape`.
        patch_shape: the network's two or three axes, in voxels.
    """
    voxels = count_stage_voxels(network.topology, patch_shape)
    encoder = _list_residual_encoder if network.block == "residual" else _list_plain_encoder
    return tuple(map(tuple, (*encoder(network, voxels), *_list_decoder(network.topology, voxels))))


def _block(inputs: int, outputs: int, taps: int, voxels: int, made: int = 0) -> Layer:
    """Return a convolution whose output a norm keeps and whose activation the next layer keeps; `made` is its input."""
    kept = 2 * outputs * voxels + made
    return Layer(inputs=inputs, outputs=outputs, taps=taps, voxels=voxels, reads=taps, kept=kept)


def _list_plain_encoder(network: Network, voxels: Sequence[int]) -> Iterator[list[Layer]]:
    inputs = network.channels
    topology = network.topology
    rows = zip(topology.features, topology.kernels, topology.encoder_blocks, voxels, strict=True)
    for features, kernel, blocks, count in rows:
        stage = []
        for _ in range(blocks):
            stage.append(_block(inputs, features, math.prod(kernel), count))
            inputs = features
        yield stage


def _list_residual_encoder(network: Network, voxels: Sequence[int]) -> Iterator[list[Layer]]:
    """List a stem and two convolutions per block; a projection where a stage widens its features."""
    topology = network.topology
    inputs, finest = topology.features[0], voxels[0]
    yield [_block(network.channels, inputs, math.prod(topology.kernels[0]), finest)]
    before = finest
    rows = zip(topology.features, topology.kernels, topology.encoder_blocks, voxels, strict=True)
    for features, kernel, blocks, count in rows:
        stage = []
        for _ in range(blocks):
            stage.append(_block(inputs, features, math.prod(kernel), count))
            stage.append(_block(features, features, math.prod(kernel), count))
            if inputs != features:
                stage.append(_projection(inputs, features, count, pooled=count != before))
            inputs, before = features, count
        yield stage


def _projection(inputs: int, outputs: int, voxels: int, *, pooled: bool) -> Layer:
    """Return a skip's convolution of kernel 1; its input is made for it where it was pooled."""
    kept = (outputs + (inputs if pooled else 0)) * voxels
    return Layer(inputs=inputs, outputs=outputs, taps=1, voxels=voxels, reads=1, bias=False, kept=kept)


def _list_decoder(topology: Topology, voxels: Sequence[int]) -> Iterator[list[Layer]]:
    rows = list(
        zip(
            pairwise(topology.features),
            topology.kernels[:-1],
            topology.strides[1:],
            topology.decoder_blocks,
            voxels[:-1],
            strict=True,
        )
    )
    for (fine, coarse), kernel, stride, blocks, count in reversed(rows):
        # Its kernel is its stride: every output voxel reads one input voxel.
        taps = math.prod(stride)
        up = Layer(inputs=coarse, outputs=fine, taps=taps, voxels=count, reads=1, normalized=False)
        first = _block(2 * fine, fine, math.prod(kernel), count, made=2 * fine * count)
        yield [up, first, *(_block(fine, fine, math.prod(kernel), count) for _ in range(blocks - 1))]


def _list_heads(network: Network, voxels: Sequence[int]) -> Iterator[Layer]:
    scales = len(voxels) - 1 if network.deep_supervision else 1
    for features, count in zip(network.topology.features[:scales], voxels[:scales], strict=True):
        yield Layer(inputs=features, outputs=network.outputs, taps=1, voxels=count, reads=1, normalized=False)
