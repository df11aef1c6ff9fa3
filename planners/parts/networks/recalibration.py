"""Layers that weigh the channels of a network's levels: squeeze and excitation, spatial dropout; their costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from planners.parts.networks.layers import Layer, scaling_layer

AttentionName = Literal["none", "squeeze_excitation"]
# Fewer units between the two layers of squeeze and excitation could all be silent.
LEAST_REDUCED = 4


def count_reduced(features: int, reduction: int) -> int:
    """Return the units between the two fully connected layers of squeeze and excitation."""
    return min(features, max(LEAST_REDUCED, features // reduction))


def list_recalibration(
    features: int, voxels: int, attention: AttentionName, reduction: int, dropout: float
) -> Iterator[Layer]:
    """List what follows the convolutions of a level: two fully connected layers, and a product with the feature maps.

    Args:
        features: of the level.
        voxels: of its feature maps.
        attention: what weighs the channels.
        reduction: of the channels, between the fully connected layers.
        dropout: the probability that a channel is left out; it scales those that stay.
    """
    if attention == "squeeze_excitation":
        units = count_reduced(features, reduction)
        yield _connected_layer(features, units)
        yield _connected_layer(units, features)
    if attention != "none" or dropout > 0:
        yield scaling_layer(features, voxels)


def _connected_layer(inputs: int, outputs: int) -> Layer:
    """Return a fully connected layer, which keeps its input and its activated output."""
    kept = inputs + outputs
    return Layer(
        inputs=inputs, outputs=outputs, taps=1, voxels=1, reads=1, normalized=False, kept=kept, convolves=False
    )
