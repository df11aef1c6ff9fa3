"""Trained models that a fold's training starts from: which weights are taken, and whether they may be."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.models import Bundle, load_weights, read_settings
from autoseg.models.tensors import Tensors, load_tensors, pack_tensors, save_tensors
from autoseg.networks.ends import EndFit, build_outline, find_ends
from autoseg.pipeline.sources import Place, find_place
from autoseg.training.initial import InitialWeights, Match, load_matching
from autoseg.training.record import TrainingRecord
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.names import counted, some_of
from planners.plan import Configuration
from planners.run import CaseContent, Run
from planners.start import NOTHING_SEEN, ModelStart, SeenBefore, Task, describe_match, match_tasks

_HASH = "weights"
# So many cases are named in a message.
_NAMED = 5


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """Request to start a fold's training from a model.

    Attributes:
        place: of the model: a workspace, a fold or a bundle.
        allow_seen: whether it may have been trained on cases that the fold is judged on.
        folder: of the fold.
        configuration: that is trained.
        task: of its network.
        judged: contents of the cases that the fold is judged on.
    """

    place: Path
    allow_seen: bool
    folder: FoldFolder
    configuration: Configuration
    task: Task
    judged: tuple[CaseContent, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """Model that a fold's training starts from.

    Attributes:
        model: which one, and what of it could be used.
        seen: cases that it, and models before it, were trained on.
        place: where it can be read; None where that is not there any more.
    """

    model: ModelStart
    seen: SeenBefore
    place: Path | None


def find_start(asked: Asked | None, begun: Run | None) -> Start | None:
    """Return the model that a training starts from, or None for random weights.

    A fold that was begun with one goes on without it; nothing is written.

    Args:
        asked: what a person asked for, or None.
        begun: what the fold was begun with, or None.

    Raises:
        AutosegError: there is no such model, it cannot be used, it was trained on cases that the fold is judged on, or
            the fold was begun from other weights.
    """
    kept = None
    if begun is not None and begun.start is not None:
        kept = Start(model=begun.start, seen=begun.seen, place=None if asked is None else asked.place)
    if asked is None:
        return kept
    if begun is not None and begun.start is None:
        raise WorkspaceError(
            f"{asked.folder.root}: was begun without a model to start from. Leave out --from to go on with it, begin "
            "it anew with --restart, which removes its weights and scores, or name another plan with --plan."
        )
    if kept is not None and not asked.place.exists():
        return replace(kept, place=None)
    found = _Given(asked.place, asked.configuration.name).choose(asked)
    start = Start(model=_make_start(asked, found), seen=_list_seen(asked.place.name, found.run), place=asked.place)
    if kept is None:
        return start
    if start.model.sha256 != kept.model.sha256:
        raise WorkspaceError(
            f"{asked.folder.root}: was begun from {kept.model.describe()}, and --from names "
            f"{start.model.describe()}. Leave out --from to go on with it, begin it anew with --restart, or name "
            "another plan with --plan."
        )
    return kept


def keep_start(folder: FoldFolder, start: Start | None, record: TrainingRecord | None) -> None:
    """Keep a copy of the weights in the fold's folder until it is trained, so that it goes on without the model.

    Args:
        folder: of the fold, which this process holds.
        start: the model, or None for random weights.
        record: what an earlier start left.

    Raises:
        WorkspaceError: the copy is gone, and so is the model.
    """
    if start is None or (record is not None and record.status != "training"):
        folder.start.unlink(missing_ok=True)
        return
    if folder.checkpoint.is_file() or _is_kept(folder, start.model):
        return
    if start.place is None:
        raise WorkspaceError(
            f"{folder.start}: is missing or damaged: the weights of {start.model.describe()}, from which the training "
            "starts. Name the model with --from once more, or begin the fold anew with --restart."
        )
    weights = _Given(start.place, start.model.configuration).read(start.model.configuration, start.model.fold)
    if _identify(weights) != start.model.sha256:
        raise WorkspaceError(f"{start.place}: changed while the fold was begun. Give the same command again.")
    save_tensors(folder.start, weights, {_HASH: start.model.sha256})


def read_start(folder: FoldFolder, model: ModelStart, configuration: Configuration, task: Task) -> InitialWeights:
    """Return the kept weights, as a training starts from them.

    Raises:
        WorkspaceError: they are gone or damaged.
    """
    return InitialWeights(
        tensors=load_weights(folder.start), layers="matching", fit=_fit(configuration, task, model.task)
    )


@dataclass(frozen=True, slots=True)
class _Found:
    """A fold of a model, and its weights."""

    run: Run
    weights: Tensors


class _Given:
    """The folds of a model that a person named.

    Args:
        path: of a workspace, a fold or a bundle.
        wanted: the configuration to take, where the model has it; else the one that it predicts with.
    """

    def __init__(self, path: Path, wanted: str) -> None:
        if not path.exists():
            raise WorkspaceError(
                f"--from {path}: there is no such file or folder. Expected a model (model.zip), a workspace, or the "
                "folder of a trained fold."
            )
        self._path, self._wanted = path, wanted
        self._place: Place = find_place(path)
        self._bundle = Bundle(self._place) if isinstance(self._place, Path) else None

    def choose(self, asked: Asked) -> _Found:
        """Return the fold to start from: the one of the same name, if it has seen no case of the fold's, else another.

        Raises:
            PlanError: all of them were trained on cases that the fold is judged on.
        """
        runs = self._list_runs()
        own = asked.folder.name()
        runs.sort(key=lambda run: run.fold != own)
        leaking = {run.fold: _find_seen(run, asked.judged) for run in runs}
        clean = [run for run in runs if not leaking[run.fold]]
        if not clean and not asked.allow_seen:
            raise PlanError(_describe_seen(asked, leaking[runs[0].fold]))
        run = (clean or runs)[0]
        return _Found(run, self.read(run.configuration, run.fold))

    def read(self, configuration: str, fold: str) -> Tensors:
        """Return the weights of a fold; of several snapshots the last one, which has been trained longest."""
        if self._bundle is not None:
            return dict(self._bundle.read_fold(configuration, fold).weights[-1])
        folder = next(
            one for one in self._list_folders() if (one.root.parent.name, one.name()) == (configuration, fold)
        )
        return load_weights(folder.weight_files()[-1])

    def _list_runs(self) -> list[Run]:
        if self._bundle is None:
            return [read_settings(folder) for folder in self._list_folders()]
        averaged = self._bundle.description.averaged[0][-1].configuration
        names = {name for name, _ in self._bundle.runs}
        name = self._wanted if self._wanted in names else averaged
        return [run for (configuration, _), run in self._bundle.runs.items() if configuration == name]

    def _list_folders(self) -> Sequence[FoldFolder]:
        """Return the trained folds of a workspace, or a fold alone."""
        if isinstance(self._place, Workspace):
            found = _list_trained(self._place, self._wanted)
        else:
            assert isinstance(self._place, FoldFolder)
            found = (self._place,) if self._place.weight_files() else ()
        if not found:
            raise WorkspaceError(f"{self._path}: is not trained yet. Run `autoseg train` there first.")
        return found


def _list_trained(workspace: Workspace, wanted: str) -> tuple[FoldFolder, ...]:
    """Return the trained folds of one of a workspace's configurations: the wanted one, or the first that has any."""
    for plan in sorted(workspace.plan_names(), key=lambda name: name != "default"):
        for name in sorted(workspace.configuration_names(plan), key=lambda name: name != wanted):
            found = workspace.trained_folds(plan, name)
            if found:
                return found
    return ()


def _make_start(asked: Asked, found: _Found) -> ModelStart:
    """Return which weights are taken, with a report of what fits.

    Raises:
        PlanError: nothing does.
    """
    run = found.run
    match = _try_match(asked, found)
    return ModelStart(
        name=asked.place.name,
        sha256=_identify(found.weights),
        configuration=run.configuration,
        fold=run.fold,
        task=run.task(),
        report=(*describe_match(asked.task, run.task()), match.describe()),
    )


def _try_match(asked: Asked, found: _Found) -> Match:
    configuration, task = asked.configuration, asked.task
    outline = build_outline(configuration, task.inputs(), task.scheme.heads().count())
    shapes = {name: tensor.to("meta") for name, tensor in found.weights.items()}
    try:
        return load_matching(outline, shapes, "matching", _fit(configuration, task, found.run.task()))
    except PlanError as error:
        raise PlanError(
            f"{asked.place}: nothing of its weights fits {configuration.name}. Plan with the model's own network: "
            f"`autoseg plan_and_preprocess DATASET --like {asked.place}`. ({error})"
        ) from error


def _fit(configuration: Configuration, mine: Task, model: Task) -> EndFit:
    ends = find_ends(configuration, mine.inputs(), mine.scheme.heads().count())
    return EndFit(ends=ends, transfer=match_tasks(mine, model))


def _identify(weights: Tensors) -> str:
    """Return the hash of weights, by which they are the same wherever they were read from."""
    digest = hashlib.sha256()
    for piece in pack_tensors(dict(sorted(weights.items())), {}):
        digest.update(piece)
    return digest.hexdigest()


def _is_kept(folder: FoldFolder, model: ModelStart) -> bool:
    try:
        _, texts = load_tensors(folder.start)
    except WorkspaceError:
        return False
    return texts.get(_HASH) == model.sha256


def _list_seen(name: str, run: Run) -> SeenBefore:
    """Return the cases that a model has seen, by its name; one without any known case is of unknown ones."""
    unknown = not run.train_cases
    own = SeenBefore(models=() if unknown else (name,), unknown=(name,) if unknown else ())
    return run.has_seen().join(own)


def _find_seen(run: Run, judged: Sequence[CaseContent]) -> tuple[str, ...]:
    """Return the cases of which a scan is among those that a model was trained on."""
    seen = frozenset(run.has_seen().scans)
    return tuple(content.case for content in judged if seen.intersection(content.scans()))


def _describe_seen(asked: Asked, seen: Sequence[str]) -> str:
    fold = asked.folder.name()
    of = counted(len(asked.judged), "case")
    return (
        f"{asked.place}: was trained on {len(seen)} of the {of} that fold {fold} is judged on "
        f"({some_of(seen, _NAMED)}), so that the scores would look better than those of new scans. Start from a model "
        "that has not seen them, plan folds of your own of which this one trains on them (plan_and_preprocess "
        "--splits), train the model of all cases (`autoseg train full`), or add --allow-seen, which trains and marks "
        "every score."
    )


def join_seen(runs: Sequence[Run]) -> SeenBefore:
    """Return the cases that the models were trained on from which any of some runs started."""
    joined = NOTHING_SEEN
    for run in runs:
        joined = joined.join(run.seen)
    return joined
