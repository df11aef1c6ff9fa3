"""A network as a list of its convolutions, so that its costs can be added up without building it."""

from __future__ import annotations

from dataclasses import dataclass

from planners.parts.number_types import HALF_BYTES


@dataclass(frozen=True, kw_only=True, slots=True)
class Layer:
    """One convolution with the norm and activation that follow it; all numbers are for one patch.

    Attributes:
        inputs: channels.
        outputs: channels.
        taps: weights per pair of input and output channel.
        voxels: of what it puts out.
        reads: values of its input that each output value depends on, per input channel; the mean over the output.
        bias: whether it has one.
        normalized: whether a norm with a learned scale and shift follows.
        groups: parts of the channels that are convolved apart, as many as there are channels where it is depthwise.
        kept: values that stay in memory for the backward pass because of it: its own output where a norm follows, the
            activated one, and an input that was made for it alone.
        kept_bytes: of what else stays, whatever the number type: where a max pooling beside it found the largest.
        convolves: whether it is a convolution, and not a fully connected layer or a product that is counted like one.
    """

    inputs: int
    outputs: int
    taps: int
    voxels: int
    reads: float
    bias: bool = True
    normalized: bool = True
    groups: int = 1
    kept: int = 0
    kept_bytes: int = 0
    convolves: bool = True

    def parameters(self) -> int:
        """Return the learned numbers of convolution and norm."""
        return self.outputs * (self.inputs // self.groups * self.taps + self.bias + 2 * self.normalized)

    def cast_parameters(self) -> int:
        """Return those that mixed precision keeps a second copy of: the convolution's."""
        return self.outputs * (self.inputs // self.groups * self.taps + self.bias)

    def values(self) -> int:
        """Return the number of values that the convolution puts out."""
        return self.outputs * self.voxels

    def multiplications(self) -> int:
        """Return the multiply-adds of one forward pass."""
        return round(self.inputs // self.groups * self.outputs * self.voxels * self.reads)

    def read_values(self) -> int:
        """Return the number of values that the convolution reads; 0 for one that only spreads its input."""
        return self.inputs * self.voxels if self.reads == self.taps else 0


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkLayers:
    """All convolutions of a network.

    Attributes:
        levels: level by level in the order of use: what may be computed again as a whole (`training.recomputed`).
        heads: those that give logits, one per output of the network in training, finest first.
        half_bytes: bytes per value of a feature map where convolutions run in a 16-bit number type.
    """

    levels: tuple[tuple[Layer, ...], ...]
    heads: tuple[Layer, ...]
    half_bytes: int = HALF_BYTES

    def every(self) -> tuple[Layer, ...]:
        """Return all convolutions in the order of use, heads last."""
        return (*(layer for level in self.levels for layer in level), *self.heads)

    def count_convolutions(self) -> int:
        """Return the number of convolutions, those of the heads with them."""
        return sum(layer.convolves for layer in self.every())

    def parameters(self) -> int:
        """Return the learned numbers of the network."""
        return sum(layer.parameters() for layer in self.every())

    def multiplications(self) -> int:
        """Return the multiply-adds of one patch's forward pass."""
        return sum(layer.multiplications() for layer in self.every())

    def trained_heads(self) -> tuple[Layer, ...]:
        """Return the heads that the loss looks at: the coarsest of several is not trained (Isensee 2021)."""
        return self.heads[:-1] if len(self.heads) > 1 else self.heads


def norm_layer(inputs: int, outputs: int, taps: int, voxels: int, made: int = 0) -> Layer:
    """Return a convolution whose output a norm keeps and whose activation the next layer keeps.

    Args:
        inputs: channels.
        outputs: channels.
        taps: weights per pair of channels.
        voxels: of what it puts out.
        made: values of an input that was made for it alone.
    """
    kept = 2 * outputs * voxels + made
    return Layer(inputs=inputs, outputs=outputs, taps=taps, voxels=voxels, reads=taps, kept=kept)


def scaling_layer(features: int, voxels: int) -> Layer:
    """Return the product of feature maps with a number per channel, which is a map of its own; it learns nothing."""
    return Layer(
        inputs=features,
        outputs=features,
        taps=0,
        voxels=voxels,
        reads=0,
        bias=False,
        normalized=False,
        kept=features * voxels,
        convolves=False,
    )


def head_layer(inputs: int, outputs: int, voxels: int) -> Layer:
    """Return a convolution of kernel 1 that gives logits."""
    return Layer(inputs=inputs, outputs=outputs, taps=1, voxels=voxels, reads=1, normalized=False)
