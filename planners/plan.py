"""The plan: every value that changes a result, written out, with the reason for each decision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Triple, TripleFloat
from planners.choices import Choice
from planners.machine import MachineProfile

SCHEMA_VERSION = 2

ConfigurationName = Literal["2d", "3d_fullres", "3d_lowres", "3d_cascade_fullres"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Why one value of the plan is what it is.

    Attributes:
        field: the value's place in the plan, for example 3d_fullres.patch_shape.
        value: the value as text.
        rule: the rule that set it, in a sentence.
        evidence: what of the fingerprint, the machine or the budget the rule looked at.
        change: what would make it another value; empty where that is only a person's --set.
    """

    field: str
    value: str
    rule: str
    evidence: str
    change: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """How raw scans become arrays; its hash names the store, so that configurations share what is the same.

    Attributes:
        spacing_mm: target voxel size in canonical axes.
        normalization: one choice per channel, from `planners.rules.normalization.NORMALIZATIONS`.
        coarse_axis: the axis that is resampled linearly because it is much coarser than the others, or -1.
    """

    spacing_mm: TripleFloat
    normalization: tuple[Choice, ...]
    coarse_axis: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Topology:
    """The U-Net's skeleton, in the network's own axes (2 or 3; 2D drops the sliced axis).

    Attributes:
        features: channels per stage, finest first.
        kernels: kernel size per stage and axis.
        strides: stride at the entrance of each stage and axis; the first stage's are 1.
        encoder_blocks: convolutions (plain) or residual blocks (residual) per encoder stage.
        decoder_blocks: convolutions per decoder stage, one entry fewer.
    """

    features: tuple[int, ...]
    kernels: tuple[tuple[int, ...], ...]
    strides: tuple[tuple[int, ...], ...]
    encoder_blocks: tuple[int, ...]
    decoder_blocks: tuple[int, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """How training patches are chosen and varied.

    Attributes:
        foreground_share: the share of each batch that must hold foreground; at least one patch where it is above 0.
        jitter_share: how far, as a share of half the patch, a foreground patch's centre may lie from its voxel.
        lesion_balance: a lesion of n voxels is drawn with a weight of n to the power of 1 less this: 0 draws every
            voxel of a label alike, 1 every lesion alike, however small.
    """

    foreground_share: float
    jitter_share: float
    augmentation: Choice
    lesion_balance: float = 0.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """How the network is trained.

    Attributes:
        iterations: optimiser steps, unless a time budget replaces them.
        ema_decay: of the weights' exponential moving average, which validation and prediction use.
        validation_cases: how many whole volumes each validation during training looks at, taking turns.
        validation_rounds: how often that happens in a training.
        compiled: whether the network may be compiled where what is left of a training repays it; figures then differ
            in their last digits from run to run.
        recomputed: whether the forward pass keeps only what goes from stage to stage and the backward pass computes the
            rest again (Chen 2016): the same results, less memory, more time.
    """

    loss: Choice
    optimizer: Choice
    schedule: Choice
    iterations: int
    deep_supervision: bool
    gradient_clip: float
    ema_decay: float
    mixed_precision: bool
    validation_cases: int
    validation_rounds: int
    compiled: bool = True
    recomputed: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """How new scans are predicted.

    Attributes:
        step_share: distance between neighbouring tiles as a share of the patch.
        mirror_axes: canonical axes whose flips are averaged; all combinations.
        gaussian_sigma_share: width of a tile's weight as a share of the patch.
    """

    step_share: float
    mirror_axes: tuple[int, ...]
    gaussian_sigma_share: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One way to see the data: a resolution, a patch and a network.

    Attributes:
        previous_stage: the configuration whose masks this one's network sees beside the images, or empty.
        slice_axis: the canonical axis that a 2D configuration slices along, or -1 in 3D.
        patch_shape: (x, y, z) in voxels of the preprocessed arrays; 1 along the sliced axis.
    """

    name: ConfigurationName
    previous_stage: str = ""
    slice_axis: int
    preprocessing: Preprocessing
    patch_shape: Triple
    batch_size: int
    network: Choice
    topology: Topology
    sampling: Sampling
    training: Training
    prediction: Prediction

    def network_axes(self) -> tuple[int, ...]:
        """Return the canonical axes that the network sees: three, or two without the sliced one."""
        return tuple(axis for axis in range(3) if axis != self.slice_axis)


@dataclass(frozen=True, kw_only=True, slots=True)
class PostprocessingCandidates:
    """What may be taken out of the masks of one label or region, if out-of-fold masks get better by it.

    Attributes:
        min_volumes_mm3: of a component that stays, ascending; 0 keeps all.
        largest_only: whether keeping nothing but the largest component is worth a trial.
    """

    name: str
    min_volumes_mm3: tuple[float, ...]
    largest_only: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Everything that `train` and `predict` need to know.

    Attributes:
        name: the directory under the workspace's `plans`.
        planner: the entry of `planners.PLANNERS` that made it.
        memory_gb: what the plan was made to fit into.
        rules: the rules of `planners.rules.switches.RULES` that were on.
        max_hours: the time per fold that the plan was made for, or null.
        postprocessing: per label or region, in their order; empty in plans that were made before there were any.
    """

    name: str
    planner: str
    dataset: str
    channels: tuple[str, ...]
    scheme: LabelScheme
    machine: MachineProfile
    memory_gb: float
    rules: tuple[str, ...]
    max_hours: float | None
    seed: int
    default_configuration: str
    configurations: tuple[Configuration, ...]
    decisions: tuple[Decision, ...]
    postprocessing: tuple[PostprocessingCandidates, ...] = ()
    schema_version: int = SCHEMA_VERSION

    def input_channels(self, configuration: Configuration) -> int:
        """Return what a network sees: the images, and in a second stage a mask per label or region of the first one."""
        masks = len(self.scheme.heads().targets()) if configuration.previous_stage else 0
        return len(self.channels) + masks


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """Which cases one fold trains on, and which it is judged on."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """The folds of the cross-validation and how they came about."""

    origin: str
    folds: tuple[Fold, ...]
    schema_version: int = SCHEMA_VERSION
