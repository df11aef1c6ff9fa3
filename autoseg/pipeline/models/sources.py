"""Places that a model is read from: a workspace, the folder of one of its folds, or a bundle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from autoseg.models import Bundle, ModelSet, Selection, read_settings
from autoseg.models.lesion_classifier import LesionClasses
from autoseg.models.model_set import is_of_usual_rule
from autoseg.pipeline.confidence.kept import add_confidence
from autoseg.pipeline.folds.lost_snapshots import read_counted, warn_of_lost
from autoseg.pipeline.lesion_classes.kept import find_classifier
from autoseg.pipeline.models.short_trainings import describe_few, describe_short, describe_unfinished
from autoseg.pipeline.models.trained_folds import TrainedFolds, find_if_trained, find_trained, list_lacking
from autoseg.pipeline.next_steps import describe_lacking
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.scans.scan_warnings import read_traits
from autoseg.pipeline.selection.selected import GONE, read_selection, say_unused
from autoseg.prediction import decision_of
from autoseg.training.record import read_record
from autoseg.workspace.fold import ALL, FoldFolder, find_folds
from autoseg.workspace.reserved import find_reserved
from autoseg.workspace.workspace import Workspace, find_workspace, is_workspace
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.names import some_of
from planners.plan import Plan
from planners.run import Run, join_learned

_log = logging.getLogger(__name__)
# A workspace, the folder of a fold, or the file of a bundle.
Place = Workspace | FoldFolder | Path


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelChoice:
    """Choice of what a workspace predicts with; all have a default.

    Attributes:
        configurations: names of those to average; empty for those that the plan predicts with.
        folds: names of the folds to average; empty for all that are trained.
        selected: whether to predict as `select` chose, as far as that is about these.
        single: whether one network of them predicts, as `ModelSet.take_first` says.
    """

    plan_name: str = "default"
    configurations: tuple[str, ...] = ()
    folds: tuple[str, ...] = ()
    selected: bool = True
    single: bool = False


USUAL = ModelChoice()
# In a message.
_FOLDS_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelSource:
    """A model to predict with; its weights are read when they are needed.

    Attributes:
        run: what the first of its folds was trained by.
        scheme: of the labels that its networks find together.
        files: that hold its weights.
        workspace: that it lies in; None for a model that lies alone.
        doubts: sentences about why its masks may be poor.
        unselected: the one of these on why what was selected is not used; empty where it is, or nothing was.
        contents: hashes of the files that a model outside of its workspace was trained for.
        unlabelled: of a workspace, whether scans without labels were trained on.
        lesion_classes: what gives the lesions of its masks classes; None where they get none.
        read: reads the models.
    """

    run: Run
    scheme: LabelScheme
    files: tuple[Path, ...]
    workspace: Workspace | None
    doubts: tuple[str, ...]
    unselected: str = ""
    contents: frozenset[str] = frozenset()
    unlabelled: bool = False
    lesion_classes: LesionClasses | None = None
    read: Callable[[], ModelSet]

    def mask_scheme(self) -> LabelScheme:
        """Return the labels of its masks: the classes of lesions, where they get some."""
        return self.scheme if self.lesion_classes is None else self.lesion_classes.scheme()


def find_place(given: Path | None) -> Place:
    """Return what a person names as a model; None for the workspace of the current directory.

    Raises:
        WorkspaceError: there is none.
    """
    if given is not None and not given.exists():
        raise WorkspaceError(
            f"{given}: does not exist. Expected an exported model (.zip), a workspace, or a trained fold."
        )
    if given is not None and given.is_file():
        return given.absolute()
    if given is not None and FoldFolder(root=given).run.is_file():
        return FoldFolder(root=given.absolute())
    if given is not None and not is_workspace(given):
        _refuse_inside(given)
    return Workspace(root=find_workspace(given).root.absolute())


def _refuse_inside(given: Path) -> None:
    """Make sure that a folder that is no model is none of a workspace's own, of which the right one is named.

    Raises:
        WorkspaceError: it is one.
    """
    reserved = find_reserved(given)
    if reserved is None:
        return
    folds = [fold.root for fold in find_folds(given) if fold.run.is_file()]
    below = f", or a trained fold: {some_of([str(fold) for fold in folds], _FOLDS_NAMED)}" if folds else ""
    raise WorkspaceError(f"{given}: lies inside a workspace. Name the workspace, {reserved.parent}{below}.")


def find_source(place: Place, choice: ModelChoice = USUAL) -> ModelSource:
    """Return the model at a place.

    Args:
        place: of the model.
        choice: what of a workspace to take.

    Raises:
        AutosegError: nothing is trained there, files are damaged, or the choice names what does not exist.
    """
    if isinstance(place, Workspace):
        return _find_in_workspace(place, choice)
    if replace(choice, selected=True, single=False) != USUAL:
        what = place.root if isinstance(place, FoldFolder) else place
        raise PlanError(
            f"{what}: is one model. Plan, configuration and folds are chosen of a workspace: leave them out, or name "
            "the workspace."
        )
    return _find_fold(place, choice) if isinstance(place, FoldFolder) else _find_bundle(place, choice)


def _find_in_workspace(workspace: Workspace, choice: ModelChoice) -> ModelSource:
    plan, _ = read_plan(workspace, choice.plan_name)
    selection, found, unused = _choose_in_workspace(workspace, plan, choice)
    found = found.take_first() if choice.single else found
    lacking = () if choice.configurations else list_lacking(workspace, plan, choice.folds)
    untrained = describe_lacking(workspace, plan, lacking, choice.folds[0] if choice.folds else ALL)
    doubts = (untrained, describe_short(workspace, plan, found.folders()), describe_unfinished(found.folders()), unused)
    classifier = find_classifier(workspace, plan.name, found, decision_of(selection), warned=False)
    classes = (workspace.lesion_classes_weights(plan.name),) if classifier else ()
    weights = tuple(file for folder in found.folders() for file in _choose_files(folder, choice))
    return ModelSource(
        run=found.averaged[0],
        scheme=found.scheme(),
        files=(*weights, *classes),
        lesion_classes=classifier.description if classifier else None,
        workspace=workspace,
        doubts=tuple(doubt for doubt in doubts if doubt),
        unselected=unused,
        unlabelled=any(read_settings(folder).unlabelled for folder in found.folders()),
        read=partial(_read_folds, workspace, plan.name, found, selection),
    )


def _choose_files(folder: FoldFolder, choice: ModelChoice) -> tuple[Path, ...]:
    return folder.weight_files()[-1:] if choice.single else folder.weight_files()


def _choose_in_workspace(
    workspace: Workspace, plan: Plan, choice: ModelChoice
) -> tuple[Selection | None, TrainedFolds, str]:
    """Return the selection, if it is about the folds that predict, these folds, and why it is not."""
    selection = read_selection(workspace, plan.name) if choice.selected else None
    if selection is None:
        return None, find_trained(workspace, plan, choice.configurations, choice.folds), ""
    if choice.configurations:
        found = find_trained(workspace, plan, choice.configurations, choice.folds)
        unused = say_unused(selection, found.folders())
        return None if unused else selection, found, unused
    chosen = find_if_trained(workspace, plan, selection.configurations, choice.folds)
    unused = GONE if chosen is None else say_unused(selection, chosen.folders())
    if chosen is not None and not unused:
        return selection, chosen, ""
    return None, find_trained(workspace, plan, (), choice.folds), unused


def _read_folds(workspace: Workspace, plan_name: str, found: TrainedFolds, selection: Selection | None) -> ModelSet:
    warn_of_lost(found.folders())
    stages = tuple({name: tuple(map(read_counted, folders)) for name, folders in one.items()} for one in found.stages)
    runs = [models[0].run for models in stages[0].values()]
    models = ModelSet(stages=stages, traits=read_traits(workspace, runs), selection=selection)
    return add_confidence(workspace, plan_name, found, models)


def _find_fold(folder: FoldFolder, choice: ModelChoice) -> ModelSource:
    run = read_settings(folder)
    own = run.own()
    if own.inputs:
        others = ", ".join(dict.fromkeys(entry.configuration for entry in own.inputs))
        raise WorkspaceError(
            f"{folder.root}: {own.name} needs what {others} finds in a scan. Load the workspace instead of the fold."
        )
    return ModelSource(
        run=run,
        scheme=run.learned(),
        files=_choose_files(folder, choice),
        workspace=None,
        doubts=_doubt_fold(folder),
        contents=_list_contents([run]),
        read=lambda: _read_alone(folder, own.name),
    )


def _read_alone(folder: FoldFolder, configuration: str) -> ModelSet:
    warn_of_lost([folder])
    return ModelSet(stages=({configuration: (read_counted(folder),)},))


def _doubt_fold(folder: FoldFolder) -> tuple[str, ...]:
    few = ""
    with suppress(FileFormatError):  # weights predict without it
        record = read_record(folder)
        if record is not None and record.status != "training":
            few = describe_few({folder.title(): record.iterations})
    return tuple(doubt for doubt in (few, describe_unfinished([folder])) if doubt)


def _find_bundle(path: Path, choice: ModelChoice) -> ModelSource:
    bundle = Bundle(path)
    used = bundle.first_folds() if choice.single else bundle.description.folds
    own = [fold for fold in used if bundle.runs[fold.configuration, fold.fold].start is None]
    steps = {f"{fold.configuration}, fold {fold.fold}": fold.iterations for fold in own}
    doubt = describe_few(steps)
    return ModelSource(
        run=bundle.run(),
        scheme=join_learned(bundle.averaged()),
        files=(path,),
        workspace=None,
        doubts=(doubt,) if doubt else (),
        contents=_list_contents(bundle.runs.values()),
        lesion_classes=_find_classes(bundle, choice),
        read=bundle.read if choice.selected else lambda: _read_unselected(bundle),
    )


def _find_classes(bundle: Bundle, choice: ModelChoice) -> LesionClasses | None:
    """Return what gives lesions classes in masks of a bundle's chosen models, as `ModelSet` decides it for these."""
    found = bundle.read_classes()
    if found is None or (choice.single and len(bundle.description.averaged) > 1):
        return None
    return found if choice.selected or is_of_usual_rule(found) else None


def _read_unselected(bundle: Bundle) -> ModelSet:
    """Return a bundle's models with the usual rule, and say what is not used without the selected one."""
    models = bundle.read()
    usual = models.without_selection()
    lost = ["no Dice is predicted"] if usual.predicted_dice is not models.predicted_dice else []
    lost += ["lesions get no classes"] if usual.lesion_classes is not models.lesion_classes else []
    if lost:
        what = " and ".join(lost)
        _log.warning("%s: %s, for that was measured on masks of the rule that was selected.", bundle.path, what)
    return usual


def _list_contents(runs: Iterable[Run]) -> frozenset[str]:
    found = list(runs)
    used = (content for run in found for content in (*run.contents, *run.unlabelled))
    own = (sha256 for content in used for sha256 in content.sha256 if sha256)
    return frozenset((*own, *(scan for run in found for scan in run.seen.scans)))
