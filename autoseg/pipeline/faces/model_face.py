"""The public functions about trained models, as `import autoseg` offers them.

They keep to what the module `face` says of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.hardware import calm_threads
from autoseg.pipeline.faces.arguments import PATH, as_several, check_argument, check_arguments
from autoseg.pipeline.faces.located import Location, find_located
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import DataError

if TYPE_CHECKING:
    from autoseg.pipeline.confidence.ways import Way
    from autoseg.pipeline.models.sources import ModelChoice, Place
    from autoseg.pipeline.scans.existing_masks import Masks
    from autoseg.prediction import LoadedModel
    from autoseg.workspace.workspace import Workspace


def predict(
    scans: Location | Sequence[Location],
    out: Location,
    workspace: Workspace | Location | None = None,
    *,
    model: Location | None = None,
    configurations: Sequence[str] = (),
    plan_name: str | None = None,
    folds: Sequence[int | str] = (),
    selected: bool = True,
    quality: str = "standard",
    mirror: bool | None = None,
    overwrite: bool = False,
    zero_missing: bool = False,
    series: str = "",
    channels: Sequence[str] = (),
    probabilities: bool = False,
    uncertainty: bool = False,
    bids: bool = True,
    max_memory_gb: float | None = None,
    progress: Progress | None = None,
) -> Masks:
    """Segment scans, write one mask each on its scan's own grid, and return their paths.

    Masks that are there stay: `made()` of what is returned leaves them out. Beside their folder, in one called alike
    with `-report` behind, lie a table, pictures, a record for programs, and the maps that are asked for.

    Args:
        scans: a scan, a DICOM series' folder, or a folder of such, with those in its sub-folders; or a CSV or data set
            as training takes it; or several of these.
        out: the folder for the masks; for a single scan also the mask's own name, such as mask.nii.gz, beside which
            only a record is written: mask-prediction.json.
        workspace: with trained folds; None for the current directory's.
        model: in place of a workspace, the folder of a trained fold, or an exported model.
        configurations: of a workspace, those that predict together; empty for what was selected, or else those that
            the plan predicts with, as far as they are trained.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        folds: of a workspace, those to average; empty for all that are trained.
        selected: use what `autoseg select` chose, where it is about these folds.
        quality: `standard`; `fast` for one network, wide steps and no flips; or `best` for all flips.
        mirror: average over all flips, or over none; None for what the quality says: as standard those that were
            measured to pay, or all where nothing was measured.
        overwrite: predict scans again that have a mask.
        zero_missing: take scans that lack channels, and fill in zeros.
        series: which DICOM series to take where there are several: a part of its description, or its
            SeriesInstanceUID.
        channels: of a tree or a CSV, the images of the model's channels; empty for those that are called so.
        probabilities: write the probability of each label or region as well, as NAME_LABEL.nii.gz.
        uncertainty: write the entropy in nats, and of several networks the standard deviation of their probabilities.
        bids: write masks of BIDS trees as a BIDS derivative; False for masks that are called after their cases.
        max_memory_gb: memory that a scan may take beside the program itself, in GiB; None for what is free.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: nothing to predict, a channel is missing, masks would lie on scans or raw data, or all scans failed.
        PartlyDoneError: some scans failed; all that could be done is done first.
        WorkspaceError: nothing is trained yet.
    """
    check_arguments(locals())
    check_argument("out", out, PATH)
    calm_threads()
    from autoseg.pipeline.predictions.extras import Wanted
    from autoseg.pipeline.predictions.predicting import PredictionOptions
    from autoseg.pipeline.predictions.predicting import predict as run

    choice = _choose(configurations, folds, selected=selected, single=quality == "fast")
    options = PredictionOptions(
        choice=choice,
        way=_choose_way(quality, mirror),
        overwrite=overwrite,
        zero_missing=zero_missing,
        series=series,
        channels=as_several(channels),
        wanted=Wanted(probabilities=probabilities, uncertainty=uncertainty),
        bids=bids,
        max_memory_gb=math.inf if max_memory_gb is None else float(max_memory_gb),
    )
    if model is not None and workspace is not None:
        raise DataError(f"Both {model} and -w {workspace} are given. Name one of them.")
    place = _find_place(workspace if model is None else model)
    receiver = progress or SilentProgress()
    options = replace(options, choice=_choose_plan(choice, place, plan_name, receiver))
    places = [Path(scan).absolute() for scan in as_several(scans)]
    return run(places, Path(out).absolute(), place, options, receiver)


def load_model(
    source: Workspace | Location,
    *,
    configurations: Sequence[str] = (),
    plan_name: str | None = None,
    folds: Sequence[int | str] = (),
    selected: bool = True,
    quality: str = "standard",
    mirror: bool | None = None,
) -> LoadedModel:
    """Return a trained model, whose `predict` takes files or arrays and writes nothing.

    Args:
        source: a workspace, the folder of one of its folds, or an exported model.
        configurations: as for `predict`.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        folds: of a workspace, those that are averaged; empty for all that are trained.
        selected: use what `autoseg select` chose, where it is about these folds.
        quality: as for `predict`.
        mirror: as for `predict`.

    Raises:
        WorkspaceError: nothing is trained there.
        DataError: it is an exported model that is damaged.
    """
    check_arguments(locals())
    calm_threads()
    from autoseg.pipeline.models.sources import find_source
    from autoseg.pipeline.models.trained import load_models

    choice = _choose(configurations, folds, selected=selected, single=quality == "fast")
    place = _find_place(source)
    found = find_source(place, _choose_plan(choice, place, plan_name, SilentProgress()))
    return load_models(found.read(), way=_choose_way(quality, mirror))


def export(
    workspace: Workspace | Location | None,
    out: Location,
    *,
    configurations: Sequence[str] = (),
    plan_name: str | None = None,
    folds: Sequence[int | str] = (),
    selected: bool = True,
    name: str = "",
    licence: str = "",
    intended_use: str = "",
    onnx: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write trained folds into one file that predicts anywhere, and return its path.

    Args:
        workspace: with trained folds; None for the current directory's.
        out: the file: `model.zip`.
        configurations: as for `predict`.
        plan_name: of the workspace's plan; None for `default`, or for the only one that there is.
        folds: to average; empty for all that are trained.
        selected: use what `autoseg select` chose, where it is about these folds.
        name: of the model; empty for that of the data set.
        licence: under which the weights may be used, in words.
        intended_use: of the model, in words.
        onnx: put the networks in as ONNX, too, with a program that predicts with them where there is no torch.
        progress: receiver of progress reports; None for none.

    Raises:
        WorkspaceError: nothing is trained yet.
        DataError: something else lies at `out`, or networks cannot be written as ONNX.
    """
    check_arguments(locals())
    check_argument("out", out, PATH)
    from autoseg.pipeline.models.exporting import ExportOptions
    from autoseg.pipeline.models.exporting import export as run
    from autoseg.pipeline.models.model_card import Words

    found, receiver = find_located(workspace), progress or SilentProgress()
    choice = _choose(configurations, folds, selected=selected)
    options = ExportOptions(
        choice=_choose_plan(choice, found, plan_name, receiver),
        words=Words(name=name, licence=licence, intended_use=intended_use),
        onnx=onnx,
    )
    return run(found, Path(out).absolute(), options, receiver)


def import_nnunet(
    folder: Location,
    out: Location,
    *,
    configuration: str = "",
    folds: Sequence[int | str] = (),
    best: bool = False,
    name: str = "",
    licence: str = "",
    intended_use: str = "",
    progress: Progress | None = None,
) -> Path:
    """Write a model that nnU-Net v2 trained into one file that predicts what it does, and return its path.

    Nothing in the folder is run: its pickles are read for tensors, numbers and texts alone.

    Args:
        folder: with plans.json and fold_0 in it, or the one around several of these.
        out: the file: `model.zip`.
        configuration: which of several; a cascade's first stage lies beside it.
        folds: to average; empty for all.
        best: take the weights of checkpoint_best.pth, which were chosen on the fold's own cases.
        name: of the model; empty for that of the data set.
        licence: under which the weights may be used, in words.
        intended_use: of the model, in words.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: something in the folder is missing, damaged, not supported, or made to do harm; or something else
            lies at `out`.
    """
    check_arguments(locals())
    check_argument("folder", folder, PATH)
    check_argument("out", out, PATH)
    calm_threads()
    from autoseg.models.nnunet import BEST, FINAL
    from autoseg.pipeline.models.importing import ImportOptions
    from autoseg.pipeline.models.importing import import_nnunet as run
    from autoseg.pipeline.models.model_card import Words

    options = ImportOptions(
        configuration=configuration,
        folds=tuple(map(str, as_several(folds))),
        checkpoint=BEST if best else FINAL,
        words=Words(name=name, licence=licence, intended_use=intended_use),
    )
    return run(Path(folder).absolute(), Path(out).absolute(), options, progress or SilentProgress())


def _choose(
    configurations: Sequence[str], folds: Sequence[int | str], *, selected: bool, single: bool = False
) -> ModelChoice:
    """Return what is taken of a workspace, by its usual plan."""
    from autoseg.pipeline.models.sources import ModelChoice

    chosen = tuple(map(str, as_several(folds)))
    return ModelChoice(configurations=as_several(configurations), folds=chosen, selected=selected, single=single)


def _choose_plan(choice: ModelChoice, place: Place, plan_name: str | None, progress: Progress) -> ModelChoice:
    """Return the choice with the plan that is meant: of a place that is not a workspace the one that is named."""
    from autoseg.pipeline.plans.reading import choose_plan
    from autoseg.workspace.workspace import Workspace

    if isinstance(place, Workspace):
        return replace(choice, plan_name=choose_plan(place, plan_name, progress))
    return choice if plan_name is None else replace(choice, plan_name=plan_name)


def _choose_way(quality: str, mirror: bool | None) -> Way:
    from autoseg.models.quality import check_quality
    from autoseg.pipeline.confidence.ways import Way

    return Way(quality=check_quality(quality), mirror=mirror)


def _find_place(model: Workspace | Location | None) -> Place:
    """Return where a model lies, by an absolute path."""
    from autoseg.pipeline.models.sources import find_place
    from autoseg.workspace.workspace import Workspace

    if isinstance(model, Workspace):
        return find_located(model)
    return find_place(None if model is None else Path(model))
