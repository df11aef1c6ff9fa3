"""What a model of nnU-Net was trained by, as a run of ours."""

from __future__ import annotations

from dataclasses import dataclass

from autoseg.models.nnunet.axes import Axes, make_axes
from autoseg.models.nnunet.network import read_network
from autoseg.models.nnunet.plans import Intensities, NnunetPlans, TheirConfiguration, refuse_unknown
from autoseg.models.nnunet.scans import read_preprocessing
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fingerprint import ChannelSummary, FingerprintSummary, IntensityStatistics, Quantiles
from dataset_fingerprints.geometry import show_lengths
from planners.choices import Choice, choose, resolve
from planners.machine import MachineProfile
from planners.parts import NETWORKS
from planners.parts.networks import UNetOptions
from planners.parts.patches import ForegroundOptions
from planners.plan import Configuration, Prediction, Sampling, Training
from planners.rules.schedule import (
    GPU_ITERATIONS,
    GRADIENT_CLIP,
    VALIDATION_CASES,
    VALIDATION_ROUNDS,
    long_optimizer,
)
from planners.run import Run
from planners.stage_inputs import MaskOf

PLANNER = "nnunet"
_SIGMA_SHARE, _STEP_SHARE = 0.125, 0.5
# nnU-Net's own (Isensee 2021): every third patch lies around a labelled voxel.
_FOREGROUND_SHARE = 0.33
_ELSEWHERE = MachineProfile(
    device="cuda", name="of nnU-Net's training, unknown", memory_gb=8.0, cores=1, bfloat16=False
)


@dataclass(frozen=True, kw_only=True, slots=True)
class TheirData:
    """The data set of a model.

    Attributes:
        cases: the number of them; 0 where it is not known.
    """

    channels: tuple[str, ...]
    scheme: LabelScheme
    cases: int


def read_configuration(
    plans: NnunetPlans, name: str, data: TheirData, trainer: str, mirror_axes: tuple[int, ...]
) -> tuple[Configuration, Axes]:
    """Return a configuration of nnU-Net's plans as one of ours, and the axes of its arrays.

    What concerns training is what nnU-Net's trainer does by default.

    Args:
        plans: of a trained model.
        name: of the configuration.
        data: that it was trained on.
        trainer: the name of the class that trained it.
        mirror_axes: of the network, whose flips may be averaged.

    Raises:
        DataError: there is something in it that is not supported; the message names it.
    """
    where = f"{plans.where}: configuration {name}"
    refuse_unknown(plans.where, "label_manager", plans.label_manager, ("LabelManager",))
    if sorted(plans.transpose_forward) != [0, 1, 2]:
        raise DataError(f"{plans.where}: transpose_forward is {list(plans.transpose_forward)}. Expected 0, 1 and 2.")
    theirs, axes = plans.find(name), make_axes(plans.transpose_forward)
    network = read_network(theirs.architecture, axes, trainer, where)
    dimensions = len(network.kernels[0])
    if len(theirs.patch_size) != dimensions or not set(mirror_axes) <= set(range(dimensions)):
        raise DataError(
            f"{where}: patch_size is {list(theirs.patch_size)} and flips go along {list(mirror_axes)}, of a network in "
            f"{dimensions}D. Expected {dimensions} lengths and axes below {dimensions}."
        )
    _refuse_undivided(theirs.patch_size, network, axes, where)
    flat = dimensions == 2
    patch = (1, *theirs.patch_size) if flat else theirs.patch_size
    x, y, z = axes.sort(patch)
    configuration = Configuration(
        name=name,
        inputs=_read_inputs(theirs, data, where),
        slice_axis=axes.sliced() if flat else -1,
        preprocessing=read_preprocessing(plans, theirs, axes, where),
        patch_shape=(x, y, z),
        batch_size=theirs.batch_size,
        network=choose("unet", network),
        sampling=_SAMPLING,
        training=_TRAINING,
        prediction=Prediction(
            step_share=_STEP_SHARE,
            mirror_axes=tuple(sorted(axes.place(axis, dimensions) for axis in mirror_axes)),
            gaussian_sigma_share=_SIGMA_SHARE,
            tile_weights="nnunet",
        ),
    )
    return configuration, axes


def _refuse_undivided(patch_size: tuple[int, ...], network: UNetOptions, axes: Axes, where: str) -> None:
    """Refuse a patch that nnU-Net's network cannot take: ours would be padded."""
    divisors = network.divisors()
    if any(length % divisor for length, divisor in zip(axes.sort(patch_size), divisors, strict=True)):
        raise DataError(
            f"{where}: patch_size is {list(patch_size)}. Expected multiples of {show_lengths(divisors)} along x, y, z."
        )


def network_of(configuration: Configuration) -> UNetOptions:
    """Return the options of a configuration that `read_configuration` made."""
    options = resolve(configuration.network, NETWORKS, "network")
    assert isinstance(options, UNetOptions)
    return options


def _read_inputs(theirs: TheirConfiguration, data: TheirData, where: str) -> tuple[MaskOf, ...]:
    """Return the masks that a network of a cascade sees."""
    if theirs.previous_stage is None:
        return ()
    if data.scheme.regions:
        raise DataError(
            f"{where}: is a cascade of regions, which is not supported: cascades of plain labels are. Import its "
            f"first stage, {theirs.previous_stage}, or predict with nnU-Net itself."
        )
    if theirs.resampling_fn_seg != "resample_data_or_seg_to_shape":
        raise DataError(f"{where}: resampling_fn_seg is {theirs.resampling_fn_seg}, which cascades cannot have here.")
    return (MaskOf(configuration=theirs.previous_stage),)


def make_run(plans: NnunetPlans, data: TheirData, configurations: tuple[Configuration, ...], fold: str) -> Run:
    """Return what a fold of nnU-Net was trained by.

    Args:
        plans: of the model.
        data: that it was trained on.
        configurations: its own one last, behind those whose masks it sees.
        fold: a number, or `full` for a model of all cases.
    """
    return Run(
        plan=plans.plans_name,
        planner=PLANNER,
        dataset=plans.dataset_name,
        channels=data.channels,
        scheme=data.scheme,
        seed=0,
        machine=_ELSEWHERE,
        memory_gb=_ELSEWHERE.memory_gb,
        configuration=configurations[-1].name,
        configurations=configurations,
        fold=fold,
        train_cases=(),
        validation_cases=(),
        contents=(),
        summary=_summarise(plans, data),
        cases_known=False,
    )


def _summarise(plans: NnunetPlans, data: TheirData) -> FingerprintSummary:
    """Return what the plans say of the training cases; nothing of the shape along our axes, which files differ in."""
    known = plans.foreground_intensity_properties_per_channel
    unknown = (_NOTHING, _NOTHING, _NOTHING)
    return FingerprintSummary(
        name=plans.dataset_name,
        case_count=data.cases,
        channels=tuple(
            ChannelSummary(name=name, body=_describe(Intensities()), foreground=_describe(known.get(str(channel))))
            for channel, name in enumerate(data.channels)
        ),
        scheme=data.scheme,
        labels=(),
        spacing_mm=unknown,
        shape=unknown,
        body_shape=unknown,
        body_share=_NOTHING,
        orientations=(),
        sites=(),
        groups=(),
    )


def _describe(seen: Intensities | None) -> IntensityStatistics:
    seen = seen or Intensities()
    return IntensityStatistics(
        voxels=0,
        mean=seen.mean,
        sd=seen.std,
        minimum=seen.min,
        percentile_00_5=seen.percentile_00_5,
        median=seen.median,
        percentile_99_5=seen.percentile_99_5,
        maximum=seen.max,
    )


_NOTHING = Quantiles(n=0, p00=None, p05=None, p10=None, p25=None, p50=None, p75=None, p90=None, p95=None, p100=None)
_SAMPLING = Sampling(
    cases=Choice(name="uniform"),
    patches=choose("foreground", ForegroundOptions(foreground_share=_FOREGROUND_SHARE, jitter_share=0.0)),
    augmentations=(Choice(name="standard"),),
)
_OPTIMIZER, _SCHEDULE = long_optimizer()
_TRAINING = Training(
    loss=Choice(name="dice_ce"),
    optimizer=_OPTIMIZER,
    schedule=_SCHEDULE,
    weights=Choice(name="last"),
    iterations=GPU_ITERATIONS,
    gradient_clip=GRADIENT_CLIP,
    mixed_precision=True,
    validation_cases=VALIDATION_CASES,
    validation_rounds=VALIDATION_ROUNDS,
)
