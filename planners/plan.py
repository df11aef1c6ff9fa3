"""The plan: every value that changes a result, written out, with the reason for each decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import not_
from typing import Annotated, Literal

from pydantic import Discriminator, Field

from dataset_fingerprints.dataset import Heads, LabelScheme, Region
from dataset_fingerprints.geometry import Triple, TripleFloat
from dataset_fingerprints.names import check_case_names, check_folder_name
from planners.choices import Choice
from planners.machine import MachineProfile
from planners.pseudo_labels import PseudoLabels
from planners.stage_inputs import CropTo, MaskOf

SCHEMA_VERSION = 3
FULL_SIZE = 1.0  # as `Plan.scale`
FOLDS = 5  # of a cross-validation, where there are as many subjects

NO_GROWTH = Choice(name="none")

FoldRule = Literal["by_subject", "shuffled"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Reason for one value of the plan.

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
class NnunetRules:
    """nnU-Net's rules of preprocessing, by which networks that it trained see scans.

    They crop to what is not 0, look for a coarse axis in each scan, and take the nearest slice along it.

    Attributes:
        axes: the axes that a configuration's spacing, patch, kernels and flips go along: those of the file as it is
            stored, or canonical ones.
        kept_axis: the axis along which every scan keeps its own spacing, as scans for a 2D network do, or -1.
        images: interpolation of images; with `none`, every scan keeps its spacing along all axes.
        coarse: whether the coarse axis is resampled apart: where voxels are more than `threshold` times longer than
            wide, in every scan, or in none.
        threshold: for `coarse`.
    """

    axes: Literal["stored", "canonical"]
    kept_axis: int = -1
    images: Literal["spline", "linear", "none"] = "spline"
    coarse: Literal["auto", "always", "never"] = "auto"
    threshold: float = 3.0


def _is_none(value: object) -> bool:
    return value is None


def is_full_size(scale: object) -> bool:
    """Return whether a plan was not made smaller to try it out."""
    return scale == FULL_SIZE


def _is_even(value: object) -> bool:
    return value == "even"


def _is_no_growth(value: object) -> bool:
    return value == NO_GROWTH


@dataclass(frozen=True, kw_only=True, slots=True)
class Preprocessing:
    """Steps from raw scans to arrays; their hash names the store, so that configurations share what is the same.

    Attributes:
        spacing_mm: target voxel size in canonical axes, or in those of `nnunet`.
        normalization: one choice per channel, from `planners.parts.NORMALIZATIONS`.
        coarse_axis: the axis that is resampled linearly because it is much coarser than the others, or -1.
        nnunet: nnU-Net's rules in place of autoseg's; null, and not written, in plans of our own.
    """

    spacing_mm: TripleFloat
    normalization: tuple[Choice, ...]
    coarse_axis: int
    nnunet: Annotated[NnunetRules | None, Field(exclude_if=_is_none)] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Sampling:
    """Choice and augmentation of training patches.

    Attributes:
        cases: which cases a batch is drawn from.
        patches: where in them its patches lie.
        augmentations: applied one after the other; at most one of them turns patches.
    """

    cases: Choice
    patches: Choice
    augmentations: tuple[Choice, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Training:
    """Training of the network.

    Attributes:
        weights: which weights are kept to predict with.
        iterations: optimiser steps, unless a time budget replaces them.
        validation_cases: how many whole volumes each validation during training looks at, taking turns.
        validation_rounds: how often that happens in a training.
        compiled: whether the network may be compiled where what is left of a training repays it; figures then differ
            in their last digits from run to run.
        recomputed: whether the forward pass keeps only what goes from level to level and the backward pass computes the
            rest again (Chen 2016): the same results, less memory, more time.
        growth: sizes that patches and batches go through before the planned one. Not written where there are none.
    """

    loss: Choice
    optimizer: Choice
    schedule: Choice
    weights: Choice
    iterations: int
    gradient_clip: float
    mixed_precision: bool
    validation_cases: int
    validation_rounds: int
    compiled: bool = True
    recomputed: bool = False
    growth: Annotated[Choice, Field(exclude_if=_is_no_growth)] = NO_GROWTH


@dataclass(frozen=True, kw_only=True, slots=True)
class Prediction:
    """Prediction of new scans.

    Attributes:
        step_share: distance between neighbouring tiles as a share of the patch.
        mirror_axes: axes whose flips are averaged; all combinations.
        gaussian_sigma_share: width of a tile's weight as a share of the patch.
        tile_weights: even ones lie around the patch's centre and are nowhere below 1e-4 of the largest; nnU-Net's lie
            around the voxel behind the centre, in half precision. Not written where they are even.
        centre_shape: of the box at the centre of a scan that is looked at, in voxels of the preprocessed arrays; what
            lies outside is background. Null, and not written, for the whole scan.
        tile_shape: of what the network looks at in one piece, in the same voxels. Null, and not written, for the patch.
    """

    step_share: float
    mirror_axes: tuple[int, ...]
    gaussian_sigma_share: float
    tile_weights: Annotated[Literal["even", "nnunet"], Field(exclude_if=_is_even)] = "even"
    centre_shape: Annotated[Triple | None, Field(exclude_if=_is_none)] = None
    tile_shape: Annotated[Triple | None, Field(exclude_if=_is_none)] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Initial:
    """Weights to start from: those of the same fold of another configuration.

    Attributes:
        layers: all of them, or only those that match by name and shape; the others are reported and start at random.
    """

    configuration: str
    layers: Literal["all", "matching"] = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One way to see the data: a resolution, a patch and a network.

    Attributes:
        inputs: what the network sees of other configurations' results.
        initial: weights that training starts from, or null for random ones.
        pseudo_labels: scans without labels that it trains on as well; null, and not written, for none.
        labels: what its network learns in place of the plan's labels: regions of one or several of their values, each
            of which decides for itself and is written as its first value. Empty, and not written, for the plan's.
        slice_axis: the canonical axis that a 2D configuration slices along, or -1 in 3D.
        patch_shape: (x, y, z) in voxels of the preprocessed arrays; 1 along the sliced axis. For the network, zeros
            behind its ends make lengths that the strides do not divide the next larger multiples.
    """

    name: str
    inputs: tuple[Annotated[MaskOf | CropTo, Discriminator("kind")], ...] = ()
    initial: Initial | None = None
    pseudo_labels: Annotated[PseudoLabels | None, Field(exclude_if=_is_none)] = None
    labels: Annotated[tuple[Region, ...], Field(exclude_if=not_)] = ()
    slice_axis: int
    preprocessing: Preprocessing
    patch_shape: Triple
    batch_size: int
    network: Choice
    sampling: Sampling
    training: Training
    prediction: Prediction

    def __post_init__(self) -> None:
        check_folder_name(self.name, "a configuration")

    def learned(self, scheme: LabelScheme) -> LabelScheme:
        """Return what its network's outputs stand for, made of the plan's labels."""
        if not self.labels:
            return scheme
        return replace(scheme, regions=self.labels, region_export_order=tuple(one.values[0] for one in self.labels))

    def network_axes(self) -> tuple[int, ...]:
        """Return the canonical axes that the network sees: three, or two without the sliced one."""
        return tuple(axis for axis in range(3) if axis != self.slice_axis)

    def network_patch(self) -> tuple[int, ...]:
        """Return the patch's lengths along the axes that the network sees."""
        return tuple(self.patch_shape[axis] for axis in self.network_axes())

    def tile_shape(self) -> Triple:
        """Return the shape of what the network looks at in one piece when predicting: 1 along the sliced axis."""
        tile = self.prediction.tile_shape or self.patch_shape
        x, y, z = (1 if axis == self.slice_axis else length for axis, length in enumerate(tile))
        return (x, y, z)

    def network_tile(self) -> tuple[int, ...]:
        """Return its lengths along the axes that the network sees."""
        return tuple(self.tile_shape()[axis] for axis in self.network_axes())

    def masks(self) -> tuple[MaskOf, ...]:
        """Return the inputs that are channels."""
        return tuple(entry for entry in self.inputs if isinstance(entry, MaskOf))

    def crops(self) -> tuple[CropTo, ...]:
        """Return the inputs that are boxes; the network sees what lies in all of them."""
        return tuple(entry for entry in self.inputs if isinstance(entry, CropTo))

    def input_channels(self, images: int, targets: int) -> int:
        """Return the channels that the network sees.

        Args:
            images: channels of the scans.
            targets: labels or regions that it learns, each a channel of every mask.
        """
        return images + targets * len(self.masks())

    def needs(self) -> tuple[str, ...]:
        """Return the names of the configurations that have to be trained before this one, each once."""
        names = [entry.configuration for entry in self.inputs]
        names += [self.initial.configuration] if self.initial else []
        names += self.pseudo_labels.configurations if self.pseudo_labels else []
        return tuple(dict.fromkeys(names))


@dataclass(frozen=True, kw_only=True, slots=True)
class PostprocessingCandidates:
    """Candidates for post-processing of one label or region, used if they improve out-of-fold masks.

    Attributes:
        min_volumes_mm3: of a component that stays, ascending; 0 keeps all.
        largest_only: whether keeping nothing but the largest component is worth a trial.
        thresholds: of the probability, ascending; the usual rule is always tried, and the only one of labels that
            compete with each other.
        large_volumes_mm3: from which a component stays, however probable it is ...
        peaks: ... or that one of its voxels reaches; all pairs of both are tried.
        fill_holes: whether filling holes is worth a trial.
    """

    name: str
    min_volumes_mm3: tuple[float, ...]
    largest_only: bool
    thresholds: tuple[float, ...] = ()
    large_volumes_mm3: tuple[float, ...] = ()
    peaks: tuple[float, ...] = ()
    fill_holes: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """Plan: all that `train` and `predict` need to know.

    Attributes:
        name: the directory under the workspace's `plans`.
        planner: the entry of `planners.presets.PLANNERS` that made it.
        memory_gb: what the plan was made to fit into.
        rules: the rules of `planners.rules.switches.RULES` that were on.
        max_hours: the time per fold that the plan was made for, or null.
        folds: how the cross-validation is dealt out (`planners.splits`).
        postprocessing: what is worth a trial, per label or region, in their order.
        simulated: whether the scans are simulated. Not written where they are not.
        scale: what features, patches and batches were divided by to try the plan out (`planners.editing.scaling`); not
            written at full size.
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
    folds: FoldRule
    default_configuration: str
    configurations: tuple[Configuration, ...]
    decisions: tuple[Decision, ...]
    postprocessing: tuple[PostprocessingCandidates, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    scale: Annotated[float, Field(exclude_if=is_full_size)] = FULL_SIZE
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_folder_name(self.name, "a plan")

    def heads(self, configuration: Configuration) -> Heads:
        """Return what a configuration's network gives out."""
        return configuration.learned(self.scheme).heads()

    def input_channels(self, configuration: Configuration) -> int:
        """Return the channels that a configuration's network sees."""
        return configuration.input_channels(len(self.channels), len(self.heads(configuration).targets()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Fold:
    """Cases that one fold trains on, and cases that it is judged on."""

    train: tuple[str, ...]
    validation: tuple[str, ...]

    def __post_init__(self) -> None:
        check_case_names(self.train, self.validation)


def is_undivided(folds: Sequence[Fold]) -> bool:
    """Return whether the folds stand for cases that cannot be cross-validated."""
    return len(folds) == 1 and bool(folds[0].train) and not folds[0].validation


@dataclass(frozen=True, kw_only=True, slots=True)
class Splits:
    """The folds of the cross-validation and how they came about.

    A data set that cannot be divided has a single fold, of all its cases, which is judged on none of them.

    Attributes:
        unlabelled: scans without labels, which no fold is judged on. Not written where there are none.
    """

    origin: str
    folds: tuple[Fold, ...]
    unlabelled: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_case_names(self.unlabelled)

    def unlabelled_for(self, configuration: Configuration) -> tuple[str, ...]:
        """Return the scans without labels that a configuration trains on."""
        return self.unlabelled if configuration.pseudo_labels else ()

    def cases(self) -> tuple[str, ...]:
        """Return the cases of all folds by name."""
        return tuple(sorted({name for fold in self.folds for name in (*fold.train, *fold.validation)}))
