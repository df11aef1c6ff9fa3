"""Folders as nnU-Net v2 leaves them, with tiny networks of random weights."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

Plain = dict[str, Any]

TRAINER = "nnUNetTrainer"
LABELS: Plain = {"background": 0, "dark": 1, "bright": 2}
REGIONS: Plain = {"background": 0, "whole": [1, 2], "core": [2]}
_ARCHITECTURES = "dynamic_network_architectures.architectures.unet"


@dataclass(frozen=True, kw_only=True)
class TinyNetwork:
    """A network of nnU-Net with three levels; lists of lengths are along its own axes.

    Attributes:
        inputs: channels of the input.
        outputs: channels of the heads.
    """

    inputs: int = 1
    outputs: int = 3
    dimensions: int = 3
    residual: bool = False
    bias: bool = True
    batch_norm: bool = False
    features: tuple[int, ...] = (4, 6, 8)
    blocks: tuple[int, ...] = (1, 2, 1)
    decoder: tuple[int, ...] = (2, 1)

    def kernels(self) -> list[list[int]]:
        """Return kernels that differ between axes."""
        return [[1, 3, 3][-self.dimensions :], [3] * self.dimensions, [3] * self.dimensions]

    def strides(self) -> list[list[int]]:
        """Return strides that differ between axes."""
        return [[1] * self.dimensions, [1, 2, 2][-self.dimensions :], [2] * self.dimensions]

    def describe(self) -> Plain:
        """Return the architecture as plans describe it."""
        norm = "BatchNorm" if self.batch_norm else "InstanceNorm"
        return {
            "network_class_name": f"{_ARCHITECTURES}.{'ResidualEncoderUNet' if self.residual else 'PlainConvUNet'}",
            "arch_kwargs": {
                "n_stages": len(self.features),
                "features_per_stage": list(self.features),
                "conv_op": f"torch.nn.modules.conv.Conv{self.dimensions}d",
                "kernel_sizes": self.kernels(),
                "strides": self.strides(),
                ("n_blocks_per_stage" if self.residual else "n_conv_per_stage"): list(self.blocks),
                "n_conv_per_stage_decoder": list(self.decoder),
                "conv_bias": self.bias,
                "norm_op": f"torch.nn.modules.{norm.lower()}.{norm}{self.dimensions}d",
                "norm_op_kwargs": {"eps": 1e-5, "affine": True},
                "dropout_op": None,
                "dropout_op_kwargs": None,
                "nonlin": "torch.nn.LeakyReLU",
                "nonlin_kwargs": {"inplace": True},
            },
            "_kw_requires_import": ["conv_op", "norm_op", "dropout_op", "nonlin"],
        }

    def describe_older(self) -> Plain:
        """Return the same as plans of before 2024 describe it; features double from level to level."""
        return {
            "UNet_class_name": "ResidualEncoderUNet" if self.residual else "PlainConvUNet",
            "UNet_base_num_features": self.features[0],
            "unet_max_num_features": self.features[-1],
            "n_conv_per_stage_encoder": list(self.blocks),
            "n_conv_per_stage_decoder": list(self.decoder),
            "num_pool_per_axis": [1] * self.dimensions,
            "pool_op_kernel_sizes": self.strides(),
            "conv_kernel_sizes": self.kernels(),
        }

    def make_weights(self, seed: int = 0) -> dict[str, Tensor]:
        """Return random weights under all the names that nnU-Net keeps them by."""
        weights = _Weights(network=self, random=torch.Generator().manual_seed(seed))
        weights.fill()
        return weights.all_names()


@dataclass(kw_only=True)
class _Weights:
    network: TinyNetwork
    random: torch.Generator
    made: dict[str, Tensor] = field(default_factory=dict)

    def fill(self) -> None:
        network = self.network
        inputs, kernels = network.inputs, network.kernels()
        if network.residual:
            self._block("encoder.stem.convs.0", inputs, network.features[0], kernels[0])
            inputs = network.features[0]
        for level, features in enumerate(network.features):
            for block in range(network.blocks[level]):
                stride = network.strides()[level] if block == 0 else [1] * network.dimensions
                if network.residual:
                    self._residual(f"encoder.stages.{level}.blocks.{block}", inputs, features, (kernels[level], stride))
                else:
                    self._block(f"encoder.stages.{level}.0.convs.{block}", inputs, features, kernels[level])
                inputs = features
        levels = len(network.features)
        for stage in range(levels - 1):
            coarse, fine = network.features[levels - 1 - stage], network.features[levels - 2 - stage]
            stride = network.strides()[levels - 1 - stage]
            self._convolution(f"decoder.transpconvs.{stage}", (coarse, fine, *stride), fine, network.bias)
            for block in range(network.decoder[stage]):
                width = 2 * fine if block == 0 else fine
                self._block(f"decoder.stages.{stage}.convs.{block}", width, fine, kernels[levels - 2 - stage])
            self._convolution(f"decoder.seg_layers.{stage}", (network.outputs, fine, *self._ones()), network.outputs)

    def all_names(self) -> dict[str, Tensor]:
        doubled = {}
        for name, tensor in self.made.items():
            doubled[name] = tensor
            for own, place in ((".conv.", ".all_modules.0."), (".norm.", ".all_modules.1.")):
                if own in name:
                    doubled[name.replace(own, place)] = tensor
        repeated = {f"decoder.{name}": tensor for name, tensor in doubled.items() if name.startswith("encoder.")}
        return doubled | repeated

    def _ones(self) -> list[int]:
        return [1] * self.network.dimensions

    def _residual(self, name: str, inputs: int, features: int, shapes: tuple[list[int], list[int]]) -> None:
        kernel, stride = shapes
        self._block(f"{name}.conv1", inputs, features, kernel)
        self._block(f"{name}.conv2", features, features, kernel)
        if inputs != features:
            place = 1 if max(stride) > 1 else 0
            self._convolution(f"{name}.skip.{place}.conv", (features, inputs, *self._ones()), features, bias=False)
            self._norm(f"{name}.skip.{place}.norm", features)

    def _block(self, name: str, inputs: int, features: int, kernel: list[int]) -> None:
        self._convolution(f"{name}.conv", (features, inputs, *kernel), features, self.network.bias)
        self._norm(f"{name}.norm", features)

    def _convolution(self, name: str, shape: tuple[int, ...], outputs: int, bias: bool = True) -> None:
        self.made[f"{name}.weight"] = self._draw(*shape) / np.sqrt(np.prod(shape[1:]))
        if bias:
            self.made[f"{name}.bias"] = 0.1 * self._draw(outputs)

    def _norm(self, name: str, features: int) -> None:
        self.made[f"{name}.weight"] = 1 + 0.2 * self._draw(features)
        self.made[f"{name}.bias"] = 0.2 * self._draw(features)
        if self.network.batch_norm:
            self.made[f"{name}.running_mean"] = 0.1 * self._draw(features)
            self.made[f"{name}.running_var"] = 1 + self._draw(features).abs()
            self.made[f"{name}.num_batches_tracked"] = torch.tensor(7)

    def _draw(self, *shape: int) -> Tensor:
        return torch.randn(shape, generator=self.random)


@dataclass(kw_only=True)
class TinyModel:
    """A data set's results: plans with configurations, and what was trained of them.

    Attributes:
        root: of the data set's results.
        labels: as dataset.json has them.
        order: regions_class_order, of regions.
        transpose: of z, y, x, before a network sees them.
    """

    root: Path
    labels: Plain = field(default_factory=lambda: dict(LABELS))
    order: tuple[int, ...] = ()
    channels: tuple[str, ...] = ("T1w",)
    transpose: tuple[int, int, int] = (0, 1, 2)
    reader: str = "SimpleITKIO"
    trainer: str = TRAINER
    configurations: dict[str, Plain] = field(default_factory=dict)

    def add(self, name: str, network: TinyNetwork, **changes: Any) -> TinyModel:
        """Plan a configuration; `changes` replace what plans say of it."""
        self.configurations[name] = self.plan(network) | changes
        return self

    def plan(self, network: TinyNetwork) -> Plain:
        """Return a configuration as plans hold it."""
        return {
            "data_identifier": "nnUNetPlans_tiny",
            "preprocessor_name": "DefaultPreprocessor",
            "batch_size": 2,
            "patch_size": [8, 12, 16][-network.dimensions :],
            "spacing": [1.2, 1.0, 1.0][-network.dimensions :],
            "normalization_schemes": ["ZScoreNormalization"] * len(self.channels),
            "use_mask_for_norm": [False] * len(self.channels),
            **resampling("resample_data_or_seg_to_shape"),
            "architecture": network.describe(),
            "batch_dice": False,
        }

    def describe_plans(self) -> Plain:
        """Return plans.json."""
        seen = {"mean": 100.0, "median": 98.0, "std": 40.0, "min": -20.0, "max": 300.0}
        seen |= {"percentile_00_5": 10.0, "percentile_99_5": 200.0}
        return {
            "dataset_name": "Dataset007_Tiny",
            "plans_name": "nnUNetPlans",
            "original_median_spacing_after_transp": [1.2, 1.0, 1.0],
            "original_median_shape_after_transp": [20, 24, 28],
            "image_reader_writer": self.reader,
            "transpose_forward": list(self.transpose),
            "transpose_backward": [int(axis) for axis in np.argsort(self.transpose)],
            "configurations": copy.deepcopy(self.configurations),
            "experiment_planner_used": "ExperimentPlanner",
            "label_manager": "LabelManager",
            "foreground_intensity_properties_per_channel": {
                str(channel): dict(seen) for channel in range(len(self.channels))
            },
        }

    def describe_data(self) -> Plain:
        """Return dataset.json."""
        return {
            "channel_names": {str(channel): name for channel, name in enumerate(self.channels)},
            "labels": self.labels,
            **({"regions_class_order": list(self.order)} if self.order else {}),
            "numTraining": 8,
            "file_ending": ".nii.gz",
        }

    def write(
        self, name: str, folds: Mapping[str, Mapping[str, Tensor]], mirrored: tuple[int, ...] | None = None
    ) -> Path:
        """Write a trained configuration, and return its folder.

        Args:
            name: of the configuration.
            folds: weights by names of folds: a number, or `all`.
            mirrored: the axes whose flips may be averaged; None for all.
        """
        folder = self.root / f"{self.trainer}__nnUNetPlans__{name}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plans.json").write_text(json.dumps(self.describe_plans()))
        (folder / "dataset.json").write_text(json.dumps(self.describe_data()))
        for fold, weights in folds.items():
            place = folder / f"fold_{fold}"
            place.mkdir(exist_ok=True)
            # 3D where nothing says otherwise.
            axes = tuple(range(2 if name == "2d" else 3)) if mirrored is None else mirrored
            torch.save(self._describe_training(name, fold, weights, axes), place / "checkpoint_final.pth")
        return folder

    def _describe_training(self, name: str, fold: str, weights: Mapping[str, Tensor], axes: tuple[int, ...]) -> Plain:
        return {
            "network_weights": dict(weights),
            "optimizer_state": {"state": {}, "param_groups": [{"lr": 0.01}]},
            "grad_scaler_state": None,
            # Numbers of numpy, as its logs hold them.
            "logging": {"ema_fg_dice": [np.float64(0.5)], "dice_per_class_or_region": [[np.float32(0.25)]]},
            "_best_ema": np.float64(0.5),
            "current_epoch": 3,
            "init_args": {
                "plans": self.describe_plans(),
                "configuration": name,
                "fold": fold,
                "dataset_json": self.describe_data(),
                "device": torch.device("cpu"),
            },
            "trainer_name": self.trainer,
            "inference_allowed_mirroring_axes": axes,
        }


def resampling(name: str) -> Plain:
    """Return the resampling functions of a configuration, as nnU-Net's planners write them."""
    default = name == "resample_data_or_seg_to_shape"
    options: Plain = {"force_separate_z": None} if name != "no_resampling_hack" else {}

    def of(order: int, seg: bool) -> Plain:
        return options | ({"is_seg": seg} if options else {}) | ({"order": order, "order_z": 0} if default else {})

    return {
        "resampling_fn_data": name,
        "resampling_fn_seg": name,
        "resampling_fn_probabilities": name,
        "resampling_fn_data_kwargs": of(3, False),
        "resampling_fn_seg_kwargs": of(1, True),
        "resampling_fn_probabilities_kwargs": of(1, False),
    }
