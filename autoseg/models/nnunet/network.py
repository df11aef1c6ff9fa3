"""nnU-Net's networks as options of ours, by a fixed list of names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from autoseg.models.nnunet.axes import Axes
from autoseg.models.nnunet.plans import PLAIN, RESIDUAL, Plain, pick, refuse_unknown
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import JsonValue
from planners.parts.networks import NormName, UNetOptions

# A number for all levels, or one per level; of kernels and strides each may be a number, or one per axis.
Counts = int | tuple[int, ...]
Sizes = int | tuple[int | tuple[int, ...], ...]

_EPSILON, _SLOPE = 1e-5, 0.01
_CONVOLUTIONS = {
    f"{module}.Conv{dimensions}d": dimensions
    for module in ("torch.nn", "torch.nn.modules.conv")
    for dimensions in (2, 3)
}
_NORM_NAMES: dict[str, NormName] = {
    "torch.nn.InstanceNorm": "instance",
    "torch.nn.modules.instancenorm.InstanceNorm": "instance",
    "torch.nn.BatchNorm": "batch",
    "torch.nn.modules.batchnorm.BatchNorm": "batch",
}
_NORMS = {f"{name}{dimensions}d": norm for name, norm in _NORM_NAMES.items() for dimensions in (2, 3)}
_ACTIVATIONS = ("torch.nn.LeakyReLU", "torch.nn.modules.activation.LeakyReLU")
_BASIC_BLOCK = "dynamic_network_architectures.building_blocks.residual.BasicBlockD"
# The trainer that puts batch norms in place of what its plans say.
BATCH_NORM_TRAINER = "nnUNetTrainerBN"


@dataclass(frozen=True, kw_only=True, slots=True)
class Options:
    """Options of a network of nnU-Net, by its names."""

    n_stages: int
    features_per_stage: Counts
    conv_op: str
    kernel_sizes: Sizes
    strides: Sizes
    n_conv_per_stage: Counts = ()
    n_blocks_per_stage: Counts = ()
    n_conv_per_stage_decoder: Counts
    norm_op: str | None = None
    norm_op_kwargs: Plain | None = field(default_factory=dict)
    nonlin: str | None = None
    nonlin_kwargs: Plain | None = field(default_factory=dict)
    nonlin_first: bool = False
    block: str = _BASIC_BLOCK
    bottleneck_channels: JsonValue = None
    stem_channels: int | None = None


def read_network(architecture: Mapping[str, JsonValue], axes: Axes, trainer: str, where: str) -> UNetOptions:
    """Return the network that an architecture of nnU-Net's plans stands for.

    Args:
        architecture: of a configuration.
        axes: of the plans.
        trainer: the name of the class that trained it.
        where: it comes from, for messages.

    Raises:
        DataError: there is no such network here; the message names what is missing.
    """
    name, plain = str(architecture.get("network_class_name")), architecture.get("arch_kwargs")
    refuse_unknown(where, "network_class_name", name, (PLAIN, *RESIDUAL))
    if not isinstance(plain, dict):
        raise DataError(f"{where}: architecture has no arch_kwargs. Expected the options of {name}.")
    options = pick(plain, Options, f"{where}: arch_kwargs")
    refuse_unknown(where, "conv_op", options.conv_op, _CONVOLUTIONS)
    _refuse_other_kinds(options, where)
    block: Literal["plain", "residual"] = "plain" if name == PLAIN else "residual"
    levels, dimensions = options.n_stages, _CONVOLUTIONS[options.conv_op]
    finest_last = _spread(options.n_conv_per_stage_decoder, levels - 1, where)
    return UNetOptions(
        features=_spread(options.features_per_stage, levels, where),
        kernels=_sort(options.kernel_sizes, levels, dimensions, axes, where),
        strides=_sort(options.strides, levels, dimensions, axes, where),
        encoder_blocks=_spread(
            options.n_conv_per_stage if block == "plain" else options.n_blocks_per_stage, levels, where
        ),
        decoder_blocks=tuple(reversed(finest_last)),
        block=block,
        norm="batch" if trainer == BATCH_NORM_TRAINER else _NORMS[str(options.norm_op)],
    )


def _refuse_other_kinds(options: Options, where: str) -> None:
    """Make sure of the layers around the convolutions; dropout changes nothing once a network is trained."""
    refuse_unknown(where, "norm_op", str(options.norm_op), _NORMS)
    refuse_unknown(where, "nonlin", str(options.nonlin), _ACTIVATIONS)
    refuse_unknown(where, "block", options.block, (_BASIC_BLOCK,))
    norm, activation = options.norm_op_kwargs or {}, options.nonlin_kwargs or {}
    odd = {
        "norm_op_kwargs.eps": (norm.get("eps", _EPSILON), _EPSILON),
        "norm_op_kwargs.track_running_stats": (
            norm.get("track_running_stats", "Batch" in str(options.norm_op)),
            "Batch" in str(options.norm_op),
        ),
        "nonlin_kwargs.negative_slope": (activation.get("negative_slope", _SLOPE), _SLOPE),
        "nonlin_first": (options.nonlin_first, False),
        "bottleneck_channels": (options.bottleneck_channels, None),
    }
    for name, (found, known) in odd.items():
        if found != known:
            raise DataError(f"{where}: {name} is {found}, which is not supported: {known} is. Predict with nnU-Net.")
    stem, features = options.stem_channels, options.features_per_stage
    finest = features if isinstance(features, int) else next(iter(features), 0)
    if stem is not None and stem != finest:
        raise DataError(f"{where}: stem_channels is {stem}, which is not supported: {finest} is. Predict with nnU-Net.")


def _spread(counts: Counts, levels: int, where: str) -> tuple[int, ...]:
    found = (counts,) * levels if isinstance(counts, int) else counts
    if len(found) != levels:
        raise DataError(f"{where}: arch_kwargs lists {list(found)}. Expected {levels} numbers, one per stage.")
    return found


def _sort(sizes: Sizes, levels: int, dimensions: int, axes: Axes, where: str) -> tuple[tuple[int, ...], ...]:
    """Return the size per level and axis of ours."""
    rows = (sizes,) * levels if isinstance(sizes, int) else sizes
    full = [(row,) * dimensions if isinstance(row, int) else row for row in rows]
    if len(full) != levels or any(len(row) != dimensions for row in full):
        raise DataError(
            f"{where}: arch_kwargs lists {[list(row) for row in full]}. Expected {levels} sizes, one per stage, of "
            f"{dimensions} numbers."
        )
    return tuple(axes.sort(row) for row in full)
