"""The plan: every value that changes a result, written out, with the reason for each decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from operator import not_
from typing import Annotated, Literal

from pydantic import Discriminator, Field

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.geometry import Triple, TripleFloat
from dataset_fingerprints.names import check_case_names, check_folder_name
from planners.choices import Choice
from planners.defaults import FULL_SIZE, NO_GROWTH, is_even, is_full_size, is_no_growth, is_none
from planners.halves import Halves
from planners.machine import MachineProfile
from planners.nnunet_rules import NnunetRules
from planners.pseudo_labels import PseudoLabels
from planners.stage_inputs import CropTo, Initial, MaskOf
from planners.subsets import CasesWhere
from planners.targets import choose_scheme

SCHEMA_VERSION = 3
FOLDS = 5  # of a cross-validation, where there are as many subjects

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
class Preprocessing:
    """Steps from raw scans to arrays; their hash names the store, so that configurations share what is the same.

    Attributes:
        spacing_mm: target voxel size in canonical axes, or in those of `nnunet`.
        normalization: one choice per channel of the scans, from `planners.parts.NORMALIZATIONS`.
        coarse_axis: the axis that is resampled linearly because it is much coarser than the others, or -1.
        nnunet: nnU-Net's rules in place of autoseg's; null, and not written, in plans of our own.
        channels: positions of the scans' channels that the network sees, in this order; null, and not written, for all.
    """

    spacing_mm: TripleFloat
    normalization: tuple[Choice, ...]
    coarse_axis: int
    nnunet: Annotated[NnunetRules | None, Field(exclude_if=is_none)] = None
    channels: Annotated[tuple[int, ...] | None, Field(exclude_if=is_none)] = None

    def seen_channels(self, images: int) -> tuple[int, ...]:
        """Return the positions of the channels that the network sees, of so many that scans have."""
        return tuple(range(images)) if self.channels is None else self.channels


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
    growth: Annotated[Choice, Field(exclude_if=is_no_growth)] = NO_GROWTH


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
    tile_weights: Annotated[Literal["even", "nnunet"], Field(exclude_if=is_even)] = "even"
    centre_shape: Annotated[Triple | None, Field(exclude_if=is_none)] = None
    tile_shape: Annotated[Triple | None, Field(exclude_if=is_none)] = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Configuration:
    """One way to see the data: a resolution, a patch and a network.

    Attributes:
        inputs: what the network sees of other configurations' results.
        initial: weights that training starts from, or null for random ones.
        pseudo_labels: scans without labels that it trains on as well; null, and not written, for none.
        halves: the division of every scan into halves that it sees one by one; null, and not written, for whole scans.
        only_cases: the cases that it trains on, of a fold's; null, and not written, for all of them.
        slice_axis: the canonical axis that a 2D configuration slices along, or -1 in 3D.
        patch_shape: (x, y, z) in voxels of the preprocessed arrays; 1 along the sliced axis. For the network, zeros
            behind its ends make lengths that the strides do not divide the next larger multiples.
        targets: groups of label values; it learns a label for each group, of the group's first value. Other labels are
            background. Empty, and not written, for the data set's labels as they are (`planners.targets`).
        neighbours: slices on either side of its own that a 2D configuration's network sees as further channels, behind
            all channels of its own slice; beyond the scan the outermost slice again. Not written where there are none.
    """

    name: str
    inputs: tuple[Annotated[MaskOf | CropTo, Discriminator("kind")], ...] = ()
    initial: Initial | None = None
    pseudo_labels: Annotated[PseudoLabels | None, Field(exclude_if=is_none)] = None
    halves: Annotated[Halves | None, Field(exclude_if=is_none)] = None
    only_cases: Annotated[CasesWhere | None, Field(exclude_if=is_none)] = None
    slice_axis: int
    preprocessing: Preprocessing
    patch_shape: Triple
    batch_size: int
    network: Choice
    sampling: Sampling
    training: Training
    prediction: Prediction
    targets: Annotated[tuple[tuple[int, ...], ...], Field(exclude_if=not_)] = ()
    neighbours: Annotated[int, Field(exclude_if=not_)] = 0

    def __post_init__(self) -> None:
        check_folder_name(self.name, "a configuration")

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

    def input_channels(self, images: int, masks: int) -> int:
        """Return the channels that the network sees, each slice's counted.

        Args:
            images: channels of the scans.
            masks: channels of all masks together, one per label or region of each.
        """
        return (len(self.preprocessing.seen_channels(images)) + masks) * (1 + 2 * self.neighbours)

    def name_channels(self, names: Sequence[str]) -> tuple[str, ...]:
        """Return the names of the channels of scans that the network sees, of those of all channels."""
        return tuple(names[position] for position in self.preprocessing.seen_channels(len(names)))

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
        lesion_classes: from `planners.parts.LESION_CLASSIFIERS`; null, and not written, for lesions without classes.
        ensemble: configurations that predict together unless others are named: of the same labels their probabilities
            are averaged, of different ones put together. Empty, and not written, for the default configuration alone.
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
    lesion_classes: Annotated[Choice | None, Field(exclude_if=is_none)] = None
    ensemble: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_folder_name(self.name, "a plan")

    def predicting(self) -> tuple[str, ...]:
        """Return the names of the configurations that predict unless others are named."""
        return self.ensemble or (self.default_configuration,)

    def scheme_of(self, configuration: Configuration) -> LabelScheme:
        """Return the labels that a configuration learns."""
        return choose_scheme(self.scheme, configuration.targets)

    def image_channels(self, configuration: Configuration) -> int:
        """Return the channels of scans that a configuration's network sees; its stored cases have as many."""
        return len(configuration.preprocessing.seen_channels(len(self.channels)))

    def input_channels(self, configuration: Configuration) -> int:
        """Return the channels that a configuration's network sees, other configurations' masks included."""
        shown = list_mask_schemes(self.scheme, configuration, self.configurations)
        return configuration.input_channels(len(self.channels), count_targets(shown))

    def output_channels(self, configuration: Configuration) -> int:
        """Return the channels of a configuration's logits."""
        return self.scheme_of(configuration).heads().count()


def list_mask_schemes(
    scheme: LabelScheme, configuration: Configuration, known: Sequence[Configuration]
) -> tuple[LabelScheme, ...]:
    """Return the labels of each mask that a configuration's network sees, in the order of its inputs.

    Args:
        scheme: of the data set.
        configuration: that sees them.
        known: all that it needs.
    """
    targets = {one.name: one.targets for one in known}
    return tuple(choose_scheme(scheme, targets[entry.configuration]) for entry in configuration.masks())


def count_targets(schemes: Sequence[LabelScheme]) -> int:
    """Return the number of labels or regions of all schemes together."""
    return sum(len(scheme.heads().targets()) for scheme in schemes)


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
        subsets: the cases that some configurations train on, by their condition. Not written where there are none.
    """

    origin: str
    folds: tuple[Fold, ...]
    unlabelled: Annotated[tuple[str, ...], Field(exclude_if=not_)] = ()
    subsets: Annotated[Mapping[str, tuple[str, ...]], Field(exclude_if=not_)] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        check_case_names(self.unlabelled, *self.subsets.values())

    def unlabelled_for(self, configuration: Configuration) -> tuple[str, ...]:
        """Return the scans without labels that a configuration trains on."""
        return self.unlabelled if configuration.pseudo_labels else ()

    def narrow(self, fold: Fold, configuration: Configuration) -> Fold:
        """Return a fold with the training cases of a configuration: some of them, where it asks for that.

        Raises:
            PlanError: it trains on none.
        """
        if configuration.only_cases is None:
            return fold
        asked = configuration.only_cases.describe()
        chosen = frozenset(self.subsets.get(asked, ()))
        train = tuple(case for case in fold.train if case in chosen)
        if train:
            return Fold(train=train, validation=fold.validation)
        raise PlanError(
            f"{configuration.name} trains on cases of which {asked}, and this fold has none to train on. Plan again, "
            "with a table that says so of cases in every fold."
        )

    def cases(self) -> tuple[str, ...]:
        """Return the cases of all folds by name."""
        return tuple(sorted({name for fold in self.folds for name in (*fold.train, *fold.validation)}))
