"""The workspace: one directory for one data set, where everything lies that autoseg makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from autoseg.workspace.fold import FULL, JOB, LOG, SHEET, TABLE, FoldFolder, fold_folder, list_folds
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import LOCK, was_locked
from autoseg.workspace.store import StoreFolder
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.names import check_folder_name, is_folder_name

CROSS_VALIDATION = "cross_validation.json"
SUFFIX = "-autoseg"


@dataclass(frozen=True, kw_only=True, slots=True)
class Workspace:
    """Names of the files and folders in a workspace. See ARCHITECTURE.md for what they hold."""

    root: Path

    @property
    def dataset(self) -> Path:
        """Path of the data set's description."""
        return self.root / "dataset.json"

    @property
    def fingerprint(self) -> Path:
        """Path of the fingerprint."""
        return self.root / "fingerprint.json"

    @property
    def check(self) -> Path:
        """Path of the findings of the last check."""
        return self.root / "check.json"

    @property
    def unlabelled(self) -> Workspace:
        """The folder of the scans without labels: what was found and measured of them, apart from the labelled ones."""
        return Workspace(root=self.root / "unlabelled")

    @property
    def report(self) -> Path:
        """Path of the page about everything that is here."""
        return self.root / "report.html"

    @property
    def benchmark(self) -> Path:
        """Path of the tables of results beside published ones, where the page looks for them."""
        return self.root / "benchmark.html"

    @property
    def cases(self) -> Path:
        """The folder of the measurements and findings of single cases, one per line."""
        return self.root / "cases"

    def plan(self, plan: str) -> Path:
        """Return the path of a plan."""
        return self._plan_folder(plan) / "plan.json"

    def splits(self, plan: str) -> Path:
        """Return the path of a plan's folds."""
        return self._plan_folder(plan) / "splits.json"

    def plan_names(self) -> tuple[str, ...]:
        """Return the names of the plans that are here."""
        found = (path.parent.name for path in self.root.glob("plans/*/plan.json"))
        return tuple(sorted(name for name in found if is_folder_name(name)))

    def store(self, key: str) -> StoreFolder:
        """Return the folder of the cases preprocessed with one set of parameters."""
        check_folder_name(key, "preprocessed cases")
        return StoreFolder(root=self.root / "preprocessed" / key)

    def stores(self) -> tuple[StoreFolder, ...]:
        """Return the folders of preprocessed cases that are here."""
        return tuple(StoreFolder(root=path) for path in sorted(self.root.glob("preprocessed/*/")))

    def models(self, plan: str) -> Path:
        """Return the folder of what was trained by a plan."""
        check_folder_name(plan, "a plan")
        return self.root / "models" / plan

    def selection(self, plan: str) -> Path:
        """Return the path of what `select` chose for a plan's trained configurations."""
        return self.models(plan) / "selection.json"

    def selection_picture(self, plan: str) -> Path:
        """Return the path of the picture of the scores that the choice was made by."""
        return self.models(plan) / "selection.png"

    def predicted_dice(self, plan: str) -> Path:
        """Return the path of how the Dice of masks of a plan's models is predicted, and how well."""
        return self.models(plan) / "predicted_dice.json"

    def quality(self, plan: str) -> Path:
        """Return the path of what flips, overlaps and snapshots of a plan's models bring."""
        return self.models(plan) / "quality.json"

    def lesion_classes(self, plan: str) -> Path:
        """Return the path of what is known of the classifier of lesions that a plan's models predict with."""
        return self.models(plan) / "lesion_classes.json"

    def lesion_classes_weights(self, plan: str) -> Path:
        """Return the path of its weights."""
        return self.models(plan) / "lesion_classes.safetensors"

    def lesion_classes_scores(self, plan: str) -> Path:
        """Return the path of the scores of masks with classes, each by a classifier that knew nothing of the case."""
        return self.models(plan) / "lesion_classes_scores.json"

    def configuration(self, plan: str, configuration: str) -> Path:
        """Return the folder of one configuration's folds."""
        check_folder_name(configuration, "a configuration")
        return self.models(plan) / configuration

    def configuration_names(self, plan: str) -> tuple[str, ...]:
        """Return the names of a plan's configurations of which folds are here."""
        found = self.models(plan).glob("*/")
        return tuple(sorted(path.name for path in found if is_folder_name(path.name)))

    def cross_validation(self, plan: str, configuration: str) -> Path:
        """Return the path of the metrics of all of a configuration's folds together."""
        return self.configuration(plan, configuration) / CROSS_VALIDATION

    def cross_validation_reports(self, plan: str, configuration: str) -> tuple[Path, Path]:
        """Return the paths of the table of all of a configuration's cases, and of the picture of some of them."""
        folder = self.configuration(plan, configuration)
        return folder / TABLE, folder / SHEET

    def cross_validation_job(self, plan: str, configuration: str) -> Path:
        """Return the path of the training of all of a configuration's folds, as it is handed to another process."""
        return self.configuration(plan, configuration) / JOB

    def cross_validation_log(self, plan: str, configuration: str) -> Path:
        """Return the path of what that process prints, where nobody watches it."""
        return self.configuration(plan, configuration) / LOG

    def fold(self, plan: str, configuration: str, fold: str) -> FoldFolder:
        """Return the folder of one fold; `fold` is a number, or `full` for the model of all cases."""
        return fold_folder(self.configuration(plan, configuration), fold)

    def folds(self, plan: str, configuration: str) -> tuple[FoldFolder, ...]:
        """Return the folders of a configuration's folds that are there: by number, then `full`."""
        return list_folds(self.configuration(plan, configuration))

    def trained_folds(self, plan: str, configuration: str) -> tuple[FoldFolder, ...]:
        """Return the folders of a configuration's trained folds; `full` only where there is no other."""
        trained = [folder for folder in self.folds(plan, configuration) if folder.weight_files()]
        full = self.fold(plan, configuration, FULL)
        return tuple(folder for folder in trained if folder != full) or tuple(trained)

    def tuning(self, plan: str, configuration: str, fold: str) -> TuningFolder:
        """Return the folder of a search for better values of a plan, on one fold."""
        check_folder_name(plan, "a plan")
        check_folder_name(configuration, "a configuration")
        place = fold_folder(self.root / "tuning" / plan / configuration, fold)
        return TuningFolder(root=place.root, fold=fold)

    def tunings(self) -> tuple[TuningFolder, ...]:
        """Return the folders of all searches that were begun."""
        found = (path.parent for path in sorted(self.root.glob("tuning/*/*/*/tuning.json")))
        return tuple(TuningFolder(root=root, fold=FoldFolder(root=root).name()) for root in found)

    def planning_folders(self) -> tuple[Path, ...]:
        """Return the folders that planning and preprocessing write into, as far as they are there."""
        below = (*self.root.glob("plans/*"), *self.root.glob("preprocessed/*"))
        return (self.root, self.cases, self.unlabelled.root, self.unlabelled.cases, *below)

    def refuse_links_of_planning(self, plan: str) -> None:
        """Make sure that planning and preprocessing write nowhere outside of the workspace; see `refuse_links_out`."""
        journals = self.cases.glob("*")
        refuse_links_out(self.root, (self.root / LOCK, *self.planning_folders(), *journals, self.plan(plan).parent))

    def refuse_links_of_training(self, folder: FoldFolder) -> None:
        """Make sure that a fold's training writes nowhere outside of the workspace; see `refuse_links_out`."""
        refuse_links_out(self.root, (folder.root / LOCK, *folder.folders(), *folder.appended()))

    def _plan_folder(self, plan: str) -> Path:
        check_folder_name(plan, "a plan")
        return self.root / "plans" / plan


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedPlace:
    """Place of what was trained in a workspace: a plan's folder, or that of a configuration or a fold in it.

    Attributes:
        configuration: empty for the folder of a plan.
        fold: the name of the fold's folder; empty for that of a configuration.
    """

    workspace: Workspace
    plan: str
    configuration: str = ""
    fold: str = ""


def locate_trained(folder: Path) -> TrainedPlace | None:
    """Return what of a workspace a folder of trained models is; None for any other path."""
    place = folder.absolute()
    for models in place.parents[:3]:
        root = models.parent
        if models == Workspace(root=root).models("plan").parent and is_workspace(root):
            names = (*place.relative_to(models).parts, "", "")
            return TrainedPlace(workspace=Workspace(root=root), plan=names[0], configuration=names[1], fold=names[2])
    return None


def new_workspace(dataset: Path, given: Path | None) -> Workspace:
    """Return the workspace that a data set's plan belongs in; nothing is written yet.

    Args:
        dataset: the raw data set's folder; of one that is given as a CSV, the CSV's path without its suffix.
        given: the user's choice, or None for `<name>-autoseg` in the current directory.

    Raises:
        WorkspaceError: the place is taken by something that is not a workspace.
    """
    root = given or Path.cwd() / f"{resolve(dataset).name}{SUFFIX}"
    if root.is_file():
        raise WorkspaceError(f"{root}: is a file. Name a folder with -w; it is made if it does not exist.")
    if root.is_dir() and any(root.iterdir()) and not was_locked(root):
        raise WorkspaceError(f"{root}: is a folder with other content. Name an empty or a new folder with -w.")
    if (root / "imagesTr").is_dir():
        raise WorkspaceError(f"{root}: is a raw data set. A workspace lies apart from it: name another folder with -w.")
    return Workspace(root=root)


def find_workspace(given: Path | None) -> Workspace:
    """Return the workspace a command works on: the given one, this directory, or the only one in it.

    Raises:
        WorkspaceError: there is none, or there are several.
    """
    if given is not None:
        if not is_workspace(given):
            raise WorkspaceError(f"{given}: is not a workspace. {_advise(given)}")
        return Workspace(root=given)
    here = Path.cwd()
    if is_workspace(here):
        return Workspace(root=here)
    found = [path for path in sorted(here.glob(f"*{SUFFIX}")) if is_workspace(path)]
    if len(found) == 1:
        return Workspace(root=found[0])
    if not found:
        raise WorkspaceError(
            f"{here}: holds no workspace. Run `autoseg plan_and_preprocess DATASET` first, or name one with -w."
        )
    names = ", ".join(path.name for path in found)
    raise WorkspaceError(f"{here}: holds {len(found)} workspaces ({names}). Name one with -w.")


def _advise(given: Path) -> str:
    """Return what to do where something else was given as a workspace: a data set, most likely."""
    place = resolve(given)
    made = place.with_name(f"{place.name}{SUFFIX}")
    for there in (made, Path.cwd() / made.name):
        if is_workspace(there):
            return f"Name the one that was made of it: {there}."
    inside = [path for path in sorted(given.glob(f"*{SUFFIX}")) if is_workspace(path)] if given.is_dir() else []
    if len(inside) == 1:
        return f"Name the one in it: {inside[0]}."
    if given.is_dir() and any(given.iterdir()):
        return (
            f"If it is a data set, run `autoseg plan_and_preprocess {given}` first, which makes the workspace "
            f"{made.name} in the current directory; name that."
        )
    return f"Run `autoseg plan_and_preprocess DATASET -w {given}` first."


def is_workspace(path: Path) -> bool:
    """Return whether a folder is a workspace that was planned in."""
    workspace = Workspace(root=path)
    return workspace.dataset.is_file() and (path / "plans").is_dir()
