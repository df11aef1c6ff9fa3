"""Models of a matrix: what each predicts with, which scans it has seen, and which masks are out of fold."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.models import Bundle, read_settings
from autoseg.pipeline.folds.out_of_fold import find_validated, identify_weights
from autoseg.pipeline.models.sources import ModelChoice, ModelSource, Place, find_place, find_source
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import USUAL_PLAN, choose_plan, read_plan
from autoseg.progress import Progress
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace, locate_trained
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.names import check_folder_name
from planners.run import Run

# Hashes of the files of a scan, in the order of its channels.
Scan = tuple[str, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class JudgedMask:
    """A mask of a scan by a fold that did not train on it.

    Attributes:
        path: of the mask.
        trained: hashes of all files of scans that the fold, or a stage before, was trained on.
    """

    path: Path
    trained: frozenset[str]


@dataclass(frozen=True, kw_only=True, slots=True)
class MatrixModel:
    """A model of a matrix.

    Attributes:
        name: in tables, and of its folder of masks.
        place: that it is read from.
        choice: what of a workspace is taken.
        source: of its weights.
        seen: hashes of all files of scans that its weights, or those of a stage before, were trained on.
        judged: masks of scans by the fold that did not train on them.
        unknown: whether nobody knows what it was trained on.
    """

    name: str
    place: Place
    choice: ModelChoice
    source: ModelSource
    seen: frozenset[str]
    judged: Mapping[Scan, JudgedMask]
    unknown: bool = False

    def has_seen(self, scan: Scan) -> bool:
        """Return whether it was trained on a scan."""
        return bool(self.seen.intersection(scan))


def find_models(given: Sequence[str], progress: Progress) -> tuple[MatrixModel, ...]:
    """Return the models that a person names.

    Args:
        given: each a bundle, a workspace (its plan `default`, or the only one), a plan's folder or that of a
            configuration or a fold in it (`WORKSPACE/models/PLAN/CONFIGURATION`); with a name in front of it,
            `NAME=PLACE`, or without.
        progress: receiver of progress reports.

    Raises:
        WorkspaceError: one is none of these, or two have the same name.
        AutosegError: nothing is trained there, or files are damaged.
    """
    named = [split_name(text) for text in given]
    found = tuple(_find(name, Path(place), progress) for name, place in named)
    names = [model.name for model in found]
    twice = next((name for name in names if names.count(name) > 1), "")
    if twice:
        raise WorkspaceError(f"{names.count(twice)} models are called '{twice}'. Name each: NAME={given[0]}.")
    return found


def split_name(text: str) -> tuple[str, str]:
    """Return the name in front of a path, `NAME=PATH`, and the path; without one, an empty name."""
    name, separator, place = text.partition("=")
    if not separator or not name or Path(text).exists() or "/" in name:
        return "", text
    check_folder_name(name, "a model or a data set")
    return name, place


def _find(name: str, given: Path, progress: Progress) -> MatrixModel:
    inside = locate_trained(given)
    if inside is None or inside.fold:
        place = find_place(given)
        if not isinstance(place, Workspace):
            return _find_alone(name, given, place)
        workspace, plan_name, configuration = place, choose_plan(place, None, progress), ""
    else:
        workspace, plan_name, configuration = inside.workspace, inside.plan, inside.configuration
    plan, _ = read_plan(workspace, plan_name)
    chosen = configuration or plan.default_configuration
    trained = find_trained(workspace, plan, (chosen,))
    own = trained.stages[0][chosen]
    # What was selected holds for the mean of folds; masks out of fold are of one of them.
    choice = ModelChoice(plan_name=plan_name, configurations=(chosen,), selected=False)
    runs = tuple(map(read_settings, trained.folders()))
    return MatrixModel(
        name=name or (chosen if plan_name == USUAL_PLAN else f"{plan_name}-{chosen}"),
        place=workspace,
        choice=choice,
        source=find_source(workspace, choice),
        seen=_list_seen(runs),
        judged=_list_judged(own),
        unknown=any(not run.cases_known or bool(run.seen.unknown) for run in runs),
    )


def _find_alone(name: str, given: Path, place: FoldFolder | Path) -> MatrixModel:
    """Return a fold or a bundle; of the latter, no masks out of fold are there."""
    choice = ModelChoice(selected=False) if isinstance(place, FoldFolder) else ModelChoice()
    source = find_source(place, choice)
    if isinstance(place, FoldFolder):
        runs: tuple[Run, ...] = (read_settings(place),)
        judged, called = _list_judged((place,)), f"{place.root.parent.name}-{place.root.name}"
    else:
        runs, judged, called = tuple(Bundle(place).runs.values()), {}, place.stem
    return MatrixModel(
        name=name or called,
        place=place,
        choice=choice,
        source=source,
        seen=_list_seen(runs),
        judged=judged,
        unknown=any(not run.cases_known or bool(run.seen.unknown) for run in runs),
    )


def _list_seen(runs: Iterable[Run]) -> frozenset[str]:
    return frozenset(scan for run in runs for scan in run.has_seen().scans)


def _list_judged(folders: Iterable[FoldFolder]) -> dict[Scan, JudgedMask]:
    """Return the masks that folds made of the cases left to them, with the weights that they have now."""
    judged: dict[Scan, JudgedMask] = {}
    for folder in folders:
        run, weights = read_settings(folder), identify_weights(folder)
        known = frozenset(run.has_seen().scans)
        for content in run.contents[len(run.train_cases) :]:
            found = find_validated(folder.validation, content.case, weights)
            if found is not None and not known.intersection(content.scans()):
                mask = JudgedMask(path=folder.validation.mask(content.case), trained=known)
                judged.setdefault(content.scans(), mask)
    return judged
