"""nnU-Net's weights by our names, along our axes."""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

from autoseg.models.nnunet.axes import Axes
from autoseg.models.tensors import find_broken, find_misfit
from autoseg.networks import build_unet
from dataset_fingerprints.errors import DataError
from planners.parts.networks import UNetOptions

# What wrappers of torch put in front of every name.
_WRAPPERS = re.compile(r"^(?:module\.|_orig_mod\.)+")
# Every tensor is kept under several names; of these, one is left. Dropout leaves no tensors.
_DOUBLED = re.compile(r"(?:^decoder\.encoder\.|\.all_modules\.)")
_NAMES = (
    (re.compile(r"encoder\.stem\.convs\.0\.(.+)"), r"stem.\1"),
    (re.compile(r"encoder\.stages\.(\d+)\.0\.convs\.(\d+)\.(.+)"), r"encoder.\1.\2.\3"),
    (re.compile(r"encoder\.stages\.(\d+)\.blocks\.(\d+)\.conv1\.(.+)"), r"encoder.\1.\2.first.\3"),
    (re.compile(r"encoder\.stages\.(\d+)\.blocks\.(\d+)\.conv2\.(.+)"), r"encoder.\1.\2.second.\3"),
    (re.compile(r"encoder\.stages\.(\d+)\.blocks\.(\d+)\.skip\.(\d+)\.conv\.(.+)"), r"encoder.\1.\2.skip.\3.\4"),
    (re.compile(r"decoder\.stages\.(\d+)\.convs\.(\d+)\.(.+)"), r"decoder.\1.blocks.\2.\3"),
    (re.compile(r"decoder\.transpconvs\.(\d+)\.(.+)"), r"decoder.\1.up.\2"),
)
# A norm behind a skip's convolution has the next place in ours, and heads count from the finest.
_SKIP_NORM = re.compile(r"encoder\.stages\.(\d+)\.blocks\.(\d+)\.skip\.(\d+)\.norm\.(.+)")
_HEAD = re.compile(r"decoder\.seg_layers\.(\d+)\.(.+)")


def fit_weights(
    weights: Mapping[str, Tensor], network: UNetOptions, channels: tuple[int, int], axes: Axes, where: str
) -> dict[str, Tensor]:
    """Return the weights of a network of nnU-Net for the same network of ours.

    Args:
        weights: by nnU-Net's names.
        network: that they are of.
        channels: of its input and its output.
        axes: of the plans that it was trained by.
        where: they come from, for messages.

    Raises:
        DataError: they are of another network, or not all of them are finite.
    """
    levels = len(network.features)
    fitted = {}
    for name, tensor in weights.items():
        plain = _WRAPPERS.sub("", name)
        if not _DOUBLED.search(plain):
            fitted[_rename(plain, levels, where)] = _sort(tensor, axes)
    with torch.device("meta"):
        expected = build_unet(network, *channels, recomputed=False).state_dict()
    for name, tensor in expected.items():
        if name not in fitted and _may_be_left_out(name):
            fitted[name] = torch.full(tensor.shape, 0.0 if name.endswith("bias") else 1.0)
    misfit = find_misfit(fitted, expected)
    if misfit:
        raise DataError(
            f"{where}: the weights do not fit the network of its plans ({misfit}). A network of one's own, or plans "
            "that were changed after training, are not supported: predict with nnU-Net itself."
        )
    broken = find_broken(fitted)
    if broken:
        raise DataError(f"{where}: {broken} holds values that are not finite. Train the fold again, or leave it out.")
    return fitted


def _rename(name: str, levels: int, where: str) -> str:
    head = _HEAD.fullmatch(name)
    if head:
        coarser = levels - 2 - int(head.group(1))
        return f"head.{head.group(2)}" if coarser == 0 else f"auxiliary_heads.{coarser - 1}.{head.group(2)}"
    skip = _SKIP_NORM.fullmatch(name)
    if skip:
        level, block, place, rest = skip.groups()
        return f"encoder.{level}.{block}.skip.{int(place) + 1}.{rest}"
    for pattern, replacement in _NAMES:
        if pattern.fullmatch(name):
            return pattern.sub(replacement, name)
    raise DataError(
        f"{where}: holds weights called {name[:80]!r}, which no plain or residual U-Net of nnU-Net has. A network of "
        "one's own is not supported: predict with nnU-Net itself."
    )


def _sort(tensor: Tensor, axes: Axes) -> Tensor:
    """Return a tensor along our axes, in memory of its own; convolutions have axes of space behind two others."""
    space = tensor.ndim - 2
    if space in (2, 3):
        tensor = tensor.permute(0, 1, *(2 + axis for axis in axes.order(space)))
    kept = tensor.float() if tensor.is_floating_point() else tensor
    return kept.clone(memory_format=torch.contiguous_format)


def _may_be_left_out(name: str) -> bool:
    """Return whether a network of nnU-Net may do without: shifts of convolutions, scales and shifts of norms."""
    return not name.startswith(("head.", "auxiliary_heads.")) and name.endswith((".bias", "norm.weight"))
