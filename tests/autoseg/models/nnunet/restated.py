"""nnU-Net's prediction once more, plainly: on its own axes, by functions of torch, scipy and skimage."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy import ndimage
from skimage.transform import resize
from torch import Tensor

from tests.autoseg.models.nnunet.builders import TinyNetwork

Array = NDArray[Any]
CONVOLVE = {2: F.conv2d, 3: F.conv3d}
SPREAD = {2: F.conv_transpose2d, 3: F.conv_transpose3d}
POOL = {2: F.avg_pool2d, 3: F.avg_pool3d}
BROAD = 3.0


@dataclass(frozen=True, kw_only=True)
class Forward:
    """A network's forward pass from its state."""

    network: TinyNetwork
    weights: Mapping[str, Tensor]

    def __call__(self, x: Tensor) -> Tensor:
        """Return the finest logits (batch, output, *space)."""
        network = self.network
        if network.residual:
            x = self._block(x, "encoder.stem.convs.0", [1] * network.dimensions)
        skips = []
        for level in range(len(network.features)):
            for block in range(network.blocks[level]):
                stride = network.strides()[level] if block == 0 else [1] * network.dimensions
                x = self._level(x, level, block, stride)
            skips.append(x)
        x = skips.pop()
        for stage in range(len(network.features) - 1):
            stride = network.strides()[len(network.features) - 1 - stage]
            weight, bias = self._of(f"decoder.transpconvs.{stage}")
            x = torch.cat((SPREAD[network.dimensions](x, weight, bias, stride=stride), skips.pop()), 1)
            for block in range(network.decoder[stage]):
                x = self._block(x, f"decoder.stages.{stage}.convs.{block}", [1] * network.dimensions)
        return self._convolve(x, f"decoder.seg_layers.{len(network.features) - 2}", [1] * network.dimensions)

    def _level(self, x: Tensor, level: int, block: int, stride: Sequence[int]) -> Tensor:
        if not self.network.residual:
            return self._block(x, f"encoder.stages.{level}.0.convs.{block}", stride)
        name = f"encoder.stages.{level}.blocks.{block}"
        inner = self._block(x, f"{name}.conv1", stride)
        inner = self._norm(
            self._convolve(inner, f"{name}.conv2.conv", [1] * self.network.dimensions), f"{name}.conv2.norm"
        )
        if max(stride) > 1:
            x = POOL[self.network.dimensions](x, stride, stride)
        for place in (0, 1):
            if f"{name}.skip.{place}.conv.weight" in self.weights:
                x = self._convolve(x, f"{name}.skip.{place}.conv", [1] * self.network.dimensions)
                x = self._norm(x, f"{name}.skip.{place}.norm")
        return F.leaky_relu(inner + x, 0.01)

    def _block(self, x: Tensor, name: str, stride: Sequence[int]) -> Tensor:
        return F.leaky_relu(self._norm(self._convolve(x, f"{name}.conv", stride), f"{name}.norm"), 0.01)

    def _convolve(self, x: Tensor, name: str, stride: Sequence[int]) -> Tensor:
        weight, bias = self._of(name)
        padding = [(length - 1) // 2 for length in weight.shape[2:]]
        return CONVOLVE[self.network.dimensions](x, weight, bias, stride=stride, padding=padding)

    def _norm(self, x: Tensor, name: str) -> Tensor:
        weight, bias = self._of(name)
        if self.network.batch_norm:
            mean, variance = self.weights[f"{name}.running_mean"], self.weights[f"{name}.running_var"]
            return F.batch_norm(x, mean, variance, weight, bias, eps=1e-5)
        return F.instance_norm(x, weight=weight, bias=bias, eps=1e-5)

    def _of(self, name: str) -> tuple[Tensor, Tensor | None]:
        return self.weights[f"{name}.weight"], self.weights.get(f"{name}.bias")


@dataclass(frozen=True, kw_only=True)
class Restated:
    """nnU-Net's predictor of one configuration.

    Attributes:
        networks: of the folds.
        patch: along its own axes.
        spacing: its target, along its own axes.
        regions: the value that is written for each; empty for labels that compete.
    """

    networks: Sequence[Forward]
    patch: Sequence[int]
    spacing: Sequence[float]
    transpose: Sequence[int] = (0, 1, 2)
    regions: Sequence[int] = ()
    masked: bool = False

    def predict(self, image: Array, spacing: Sequence[float], earlier: Array | None = None) -> tuple[Array, Array]:
        """Return mask (z, y, x) and probabilities (output, z, y, x).

        Args:
            image: (channel, z, y, x) as stored.
            spacing: along these axes.
            earlier: (z, y, x) labels of the stage before a cascade.
        """
        data = image.transpose(0, *(1 + axis for axis in self.transpose)).astype(np.float32)
        own = [spacing[axis] for axis in self.transpose]
        target = [own[0], *self.spacing] if len(self.spacing) == 2 else list(self.spacing)
        tissue = ndimage.binary_fill_holes((data != 0).any(0))
        place = tuple(slice(int(axis.min()), int(axis.max()) + 1) for axis in np.nonzero(tissue))
        crop = np.stack([self._normalize(channel[place], tissue[place]) for channel in data])
        shape = [round(have / want * length) for have, want, length in zip(own, target, crop.shape[1:], strict=True)]
        seen = resample(crop, shape, 3, find_coarse(own, target))
        if earlier is not None:
            labels = earlier.transpose(self.transpose)[place].astype(int)
            labels[(labels == 0) & ~tissue[place]] = -1
            seen = np.concatenate([seen, self._one_hot(labels, shape, own, target)])
        logits = np.mean([self._slide(network, seen) for network in self.networks], axis=0)
        back = resample(logits, crop.shape[1:], 1, find_coarse(target, own))
        values = torch.from_numpy(back)
        inside = (values.sigmoid() if self.regions else values.softmax(0)).numpy()
        whole = np.zeros((len(inside), *data.shape[1:]), dtype=np.float32)
        whole[0] = 0 if self.regions else 1
        whole[(slice(None), *place)] = inside
        mask = np.zeros(data.shape[1:], dtype=np.uint8)
        for value, region in zip(self.regions, whole, strict=False):
            mask[region > 0.5] = value
        inverse = np.argsort(self.transpose)
        mask = (mask if self.regions else whole.argmax(0).astype(np.uint8)).transpose(inverse)
        return mask, whole.transpose(0, *(1 + axis for axis in inverse))

    def _normalize(self, channel: Array, tissue: Array) -> Array:
        inside = channel[tissue] if self.masked else channel
        scaled = (channel - inside.mean()) / max(inside.std(), 1e-8)
        return np.where(tissue, scaled, channel) if self.masked else scaled

    def _one_hot(self, labels: Array, shape: Sequence[int], own: Sequence[float], target: Sequence[float]) -> Array:
        # Outside of the tissue, inside of it, and the labels; the largest share, of equal ones the nearest voxel's.
        values = range(-1, self.networks[0].network.outputs)
        coarse = find_coarse(own, target)
        shares = resample(np.stack([labels == value for value in values]).astype(np.float64), shape, 1, coarse)
        places = [
            np.floor((np.arange(count) + 0.5) * length / count).astype(int)
            for length, count in zip(labels.shape, shape, strict=True)
        ]
        nearest = labels[np.ix_(*places)] + 1
        top = shares.max(0)
        tied = np.take_along_axis(shares, nearest[None], 0)[0] >= top - 1e-6
        winner = np.where(tied, nearest, (shares >= top - 1e-6).argmax(0)) - 1
        return np.stack([winner == value for value in values if value > 0])

    def _slide(self, network: Forward, image: Array) -> Array:
        patch = [1] * (3 - len(self.patch)) + list(self.patch)
        missing = [max(0, edge - length) for edge, length in zip(patch, image.shape[1:], strict=True)]
        pads = [(count // 2, count - count // 2) for count in missing]
        padded = np.pad(image, [(0, 0), *pads])
        weight = weigh(patch)
        steps = [_find_steps(length, edge) for length, edge in zip(padded.shape[1:], patch, strict=True)]
        total = np.zeros((network.network.outputs, *padded.shape[1:]))
        weights = np.zeros(padded.shape[1:])
        for start in itertools.product(*steps):
            place = tuple(slice(first, first + edge) for first, edge in zip(start, patch, strict=True))
            total[(slice(None), *place)] += self._flip(network, padded[(slice(None), *place)]) * weight
            weights[place] += weight
        inside = tuple(slice(first, first + length) for (first, _), length in zip(pads, image.shape[1:], strict=True))
        return (total / weights)[(slice(None), *inside)].astype(np.float32)

    def _flip(self, network: Forward, tile: Array) -> Array:
        flat = network.network.dimensions == 2
        x = torch.from_numpy(np.ascontiguousarray(tile[:, 0] if flat else tile))[None].float()
        axes = range(2, x.ndim)
        sets = [chosen for count in range(x.ndim - 1) for chosen in itertools.combinations(axes, count)]
        logits = torch.stack([network(x.flip(chosen)).flip(chosen) for chosen in sets]).mean(0)[0].numpy()
        return logits[:, None] if flat else logits


def weigh(patch: Sequence[int]) -> Array:
    """Return the weights of a patch's voxels."""
    single = np.zeros(patch)
    single[tuple(edge // 2 for edge in patch)] = 1
    blurred = ndimage.gaussian_filter(single, [edge / 8 for edge in patch], mode="constant")
    halves = (blurred / blurred.max() * 10).astype(np.float16).astype(np.float64)
    return np.where(halves > 0, halves, halves[halves > 0].min())


def find_coarse(current: Sequence[float], target: Sequence[float]) -> int:
    """Return the axis that is resampled apart, or -1."""
    for spacing in (current, target):
        if max(spacing) / min(spacing) > BROAD:
            longest = [axis for axis, length in enumerate(spacing) if length == max(spacing)]
            return longest[0] if len(longest) == 1 else -1
    return -1


def resample(image: Array, shape: Sequence[int], order: int, coarse: int) -> Array:
    """Return an image (channel, ...) on another grid."""
    if image.shape[1:] == tuple(shape):
        return image
    return np.stack([_resample(channel, shape, order, coarse) for channel in image]).astype(np.float32)


def _resample(channel: Array, shape: Sequence[int], order: int, coarse: int) -> Array:
    options = {"mode": "edge", "anti_aliasing": False}
    if coarse < 0:
        return resize(channel.astype(np.float64), shape, order, **options)
    slices = np.moveaxis(channel.astype(np.float64), coarse, 0)
    within = [length for axis, length in enumerate(shape) if axis != coarse]
    stack = np.stack([resize(one, within, order, **options) for one in slices])
    places = (np.arange(shape[coarse]) + 0.5) * len(stack) / shape[coarse] - 0.5
    nearest = np.clip(np.floor(places + 0.5).astype(int), 0, len(stack) - 1)
    return np.moveaxis(stack[nearest], 0, coarse)


def _find_steps(length: int, edge: int) -> list[int]:
    count = int(np.ceil((length - edge) / (edge * 0.5))) + 1
    return [int(np.round((length - edge) / max(count - 1, 1) * step)) for step in range(count)]
