"""Models that nnU-Net v2 trained, read from its folder without running anything in it (Isensee 2021)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.models.model import Model
from autoseg.models.model_set import ModelSet
from autoseg.models.nnunet.checkpoint import Checkpoint, read_checkpoint
from autoseg.models.nnunet.components import read_postprocessing
from autoseg.models.nnunet.folder import BEST, FINAL, TrainedFolder, find_folder
from autoseg.models.nnunet.plans import NnunetPlans, read_plans
from autoseg.models.nnunet.runs import TheirData, make_run, network_of, read_configuration
from autoseg.models.nnunet.weights import fit_weights
from autoseg.models.selection import Evidence, Selection
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError, PlanError
from dataset_fingerprints.layouts.description import expect_labels, read_channels, read_description, read_scheme
from planners.choices import Choice
from planners.editing.plan_checks import check_run
from planners.plan import Configuration
from planners.run import Run

__all__ = ["BEST", "FINAL", "ImportedModel", "read_nnunet"]

# Trainers that come with nnU-Net and train the network of its plans; those of other lengths have an _ behind the name.
_OWN_TRAINERS = frozenset(
    f"nnUNetTrainer{rest}"
    for rest in (
        *("", "BN", "NoDeepSupervision", "Adam", "Adan", "CosAnneal", "DA5", "DAOrd0", "NoDA", "NoMirroring"),
        *("CELoss", "CELoss_5epochs", "DiceLoss", "DiceCELoss_noSmooth", "TopkLoss", "_warmup"),
    )
)


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportedModel:
    """A model of nnU-Net.

    Attributes:
        models: ready to predict, or to be written into a bundle.
        remarks: sentences about what is taken on trust, or left out.
    """

    models: ModelSet
    remarks: tuple[str, ...]


def read_nnunet(
    given: Path, configuration: str = "", folds: Sequence[str] = (), checkpoint: str = FINAL
) -> ImportedModel:
    """Read a model that nnU-Net v2 trained.

    Args:
        given: the folder of a trained configuration, or that of a data set with several.
        configuration: which of these; empty where there is one.
        folds: names of those to average; empty for all that are numbered, or for the one of all cases. Of the stages
            before a cascade it is always all.
        checkpoint: the name of the file of a fold's weights.

    Raises:
        DataError: something in it is missing, damaged, not supported, or made to do harm; the message names it.
        FileFormatError: a JSON file is damaged.
    """
    folder = find_folder(given, configuration)
    stages, remarks = _read_stages(folder, folds, checkpoint, ())
    *_, last = stages
    scheme = stages[last][0].run.scheme
    steps, said = read_postprocessing(folder.root, scheme)
    models = ModelSet(stages=(stages,), rule="logits", selection=_select(last, steps) if steps else None)
    return ImportedModel(models=models, remarks=tuple(dict.fromkeys((*remarks, *((said,) if said else ())))))


def _read_stages(
    folder: TrainedFolder, folds: Sequence[str], checkpoint: str, before: tuple[str, ...]
) -> tuple[dict[str, tuple[Model, ...]], list[str]]:
    """Return the models of a configuration, last, and of those whose masks it sees; and remarks."""
    plans, data = read_plans(folder.plans), _read_data(folder.dataset)
    read = {name: read_checkpoint(path) for name, path in folder.find_folds(folds, checkpoint).items()}
    first = next(iter(read.values()))
    needed = plans.find(first.configuration).previous_stage
    stages: dict[str, tuple[Model, ...]] = {}
    remarks: list[str] = []
    if needed is not None:
        if needed in (*before, first.configuration):
            raise DataError(f"{folder.plans}: {first.configuration} needs its own masks. Expected another stage.")
        earlier = folder.beside(needed)
        if not earlier.plans.is_file():
            raise DataError(
                f"{folder.root}: {first.configuration} is the second stage of a cascade and needs masks of {needed}. "
                f"Expected its folder beside it: {earlier.root.name}."
            )
        stages, remarks = _read_stages(earlier, (), checkpoint, (*before, first.configuration))
    configurations = tuple(models[0].run.own() for models in stages.values())
    stages[first.configuration] = tuple(
        _read_model(folder, plans, data, configurations, (fold, one)) for fold, one in read.items()
    )
    return stages, [*remarks, *_doubt_trainers(read)]


def _read_model(
    folder: TrainedFolder,
    plans: NnunetPlans,
    data: TheirData,
    earlier: tuple[Configuration, ...],
    fold: tuple[str, Checkpoint],
) -> Model:
    name, read = fold
    where = f"{folder.root}, fold {name}"
    configuration, axes = read_configuration(plans, read.configuration, data, read.trainer, read.mirror_axes)
    run = make_run(plans, data, (*earlier, configuration), name)
    channels = (run.input_channels(), data.scheme.heads().count())
    _refuse_unfit(run, where)
    weights = fit_weights(read.weights, network_of(configuration), channels, axes, where)
    return Model(run=run, weights=(weights,), origin=where)


def _refuse_unfit(run: Run, where: str) -> None:
    """Make sure that a run holds what a network of ours can be made of.

    Raises:
        DataError: it does not; the message lists why.
    """
    try:
        check_run(run)
    except PlanError as error:
        raise DataError(f"{where}: cannot be imported. {error}") from error


def _read_data(path: Path) -> TheirData:
    """Return what a model's dataset.json says."""
    description = read_description(path)
    names = description.get("channel_names", description.get("modality"))
    if not description or names is None:
        raise DataError(
            f"{path}: is missing, or names no channels. Expected the dataset.json that training left there."
        )
    labels = expect_labels(path, description.get("labels"))
    scheme = read_scheme(path, labels, description.get("regions_class_order"))
    _refuse_gaps(path, scheme)
    cases = description.get("numTraining")
    return TheirData(channels=read_channels(path, names), scheme=scheme, cases=cases if isinstance(cases, int) else 0)


def _refuse_gaps(path: Path, scheme: LabelScheme) -> None:
    """Make sure that values count from 1: nnU-Net writes the number of a network's output."""
    values = scheme.values()
    if values != tuple(range(1, len(values) + 1)):
        raise DataError(f"{path}: has the labels {list(values)}. Expected 1 to {len(values)}, as nnU-Net needs them.")


def _doubt_trainers(read: dict[str, Checkpoint]) -> list[str]:
    """Return a sentence about each trainer that does not come with nnU-Net."""
    names = dict.fromkeys(one.trainer for one in read.values())
    odd = [name for name in names if name not in _OWN_TRAINERS and not name.startswith("nnUNetTrainer_")]
    return [
        f"It was trained by {name}, which does not come with nnU-Net. Its weights fit the network of its plans, which "
        "is taken to be all that it changed: compare a mask with one of nnU-Net's."
        for name in odd
    ]


def _select(configuration: str, steps: tuple[Choice, ...]) -> Selection:
    said = ("Post-processing was chosen by nnU-Net, on its cross-validation.",)
    return Selection(
        configurations=(configuration,),
        postprocessing=steps,
        measured_on=(),
        evidence=Evidence(score="dice", level=0.95, cases=0, subjects=0, folds=(), trials=(), left_out=said),
    )
