"""Trained models that a fold's training starts from: which weights are taken, and whether they may be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.models import Bundle, load_weights, read_settings
from autoseg.models.tensors import Tensors, load_tensors, pack_tensors, save_tensors
from autoseg.networks.ends import EndFit, build_outline, find_ends
from autoseg.pipeline.folds.needs import Need
from autoseg.pipeline.plans.following import find_model
from autoseg.training.initial import InitialWeights, Match, load_matching
from autoseg.training.record import TrainingRecord
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import PlanError, WorkspaceError
from dataset_fingerprints.files.places import is_same
from dataset_fingerprints.geometry import show_spacing
from dataset_fingerprints.names import counted, show_name, some_of
from planners.plan import Configuration
from planners.run import CaseContent, Run
from planners.start import NOTHING_SEEN, ModelStart, SeenBefore, Task, describe_match, match_tasks

_HASH = "weights"
# Of a network's values: below, a training starts from random weights, whatever it is called.
LEAST_SHARE = 0.01
# Voxels whose edges differ less, as a ratio, are the same to a network that was trained with zooms.
SAME_SPACING = 1.1
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
    if kept is not None and (not asked.place.exists() or is_same(asked.place, asked.folder.root)):
        return replace(kept, place=None)
    found = _choose(asked)
    start = Start(
        model=_make_start(asked, found), seen=_list_seen(show_name(asked.place.name), found.run), place=asked.place
    )
    if kept is None:
        return start
    if start.model.sha256 != kept.model.sha256:
        raise WorkspaceError(
            f"{asked.folder.root}: was begun from {kept.model.describe()}, and --from names "
            f"{start.model.describe()}. Leave out --from to go on with it, begin it anew with --restart, or name "
            "another plan with --plan."
        )
    return kept


def keep_start(folder: FoldFolder, start: Start | None, record: TrainingRecord | None, *, anew: bool = False) -> None:
    """Keep a copy of the weights in the fold's folder until it is trained, so that it goes on without the model.

    Args:
        folder: of the fold, which this process holds.
        start: the model, or None for random weights.
        record: what an earlier start left.
        anew: whether the fold is about to be begun anew, and its checkpoint to be removed.

    Raises:
        WorkspaceError: the copy is gone, and so is the model.
    """
    if start is None or (record is not None and record.status != "training"):
        folder.start.unlink(missing_ok=True)
        return
    if (folder.checkpoint.is_file() and not anew) or _is_kept(folder, start.model):
        return
    if start.place is None:
        raise WorkspaceError(
            f"{folder.start}: is missing or damaged: the weights of {start.model.describe()}, from which the training "
            "starts. Name the model with --from once more, or begin the fold anew with --restart."
        )
    save_tensors(folder.start, _read_again(start.place, start.model), {_HASH: start.model.sha256})


def read_start(folder: FoldFolder, model: ModelStart, configuration: Configuration, task: Task) -> InitialWeights:
    """Return the kept weights, as a training starts from them.

    Raises:
        WorkspaceError: they are gone or damaged.
    """
    return InitialWeights(
        tensors=load_weights(folder.start), layers="matching", fit=_fit(configuration, task, model.task)
    )


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A fold of a model: what it was trained by, and where its weights are: in a bundle, or in its folder."""

    run: Run
    source: Bundle | FoldFolder

    def read(self) -> Tensors:
        """Return its weights; of several snapshots the last one, which has been trained longest."""
        if isinstance(self.source, Bundle):
            return dict(self.source.read_fold(self.run.configuration, self.run.fold).weights[-1])
        return load_weights(self.source.weight_files()[-1])


@dataclass(frozen=True, slots=True)
class _Found:
    """A fold of a model, and its weights."""

    run: Run
    weights: Tensors


def _list_candidates(path: Path, wanted: str) -> list[_Candidate]:
    """Return the folds of a model that a person named.

    Args:
        path: of a workspace, a fold or a bundle.
        wanted: the configuration to take, where the model has it; else the one that it predicts with.

    Raises:
        AutosegError: there is no model, or it is damaged.
    """
    place = find_model(path, "--from")
    if isinstance(place, Path):
        return _list_bundled(Bundle(place), wanted)
    trained = (place,) if isinstance(place, FoldFolder) else _list_trained(place, wanted)
    candidates = [_Candidate(read_settings(folder), folder) for folder in trained if folder.weight_files()]
    if not candidates:
        raise WorkspaceError(f"{path}: is not trained yet. Run `autoseg train` there first.")
    return candidates


def _list_bundled(bundle: Bundle, wanted: str) -> list[_Candidate]:
    averaged = bundle.description.averaged[0][-1].configuration
    names = {name for name, _ in bundle.runs}
    name = wanted if wanted in names else averaged
    return [_Candidate(run, bundle) for (configuration, _), run in bundle.runs.items() if configuration == name]


def _choose(asked: Asked) -> _Found:
    """Return the fold to start from: the one of the same name, if it has seen no case of the fold's, else another.

    Raises:
        PlanError: all of them were trained on cases that the fold is judged on.
    """
    candidates = _list_candidates(asked.place, asked.configuration.name)
    candidates.sort(key=lambda one: one.run.fold != asked.folder.name())
    seen = [_find_seen(one.run, asked.judged) for one in candidates]
    clean = [one for one, cases in zip(candidates, seen, strict=True) if not cases]
    if not clean and not asked.allow_seen:
        raise PlanError(_describe_seen(asked, seen[0]))
    chosen = (clean or candidates)[0]
    return _Found(chosen.run, chosen.read())


def _read_again(place: Path, model: ModelStart) -> Tensors:
    """Return the weights that were chosen before.

    Raises:
        WorkspaceError: they are other ones by now.
    """
    for one in _list_candidates(place, model.configuration):
        if (one.run.configuration, one.run.fold) == (model.configuration, model.fold):
            weights = one.read()
            if _identify(weights) == model.sha256:
                return weights
    raise WorkspaceError(f"{place}: changed while the fold was begun. Give the same command again.")


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
        name=show_name(asked.place.name),
        sha256=_identify(found.weights),
        configuration=run.configuration,
        fold=run.fold,
        task=run.task(),
        report=(*describe_match(asked.task, run.task()), *_compare_views(asked, run), match.describe()),
    )


def _compare_views(asked: Asked, run: Run) -> Iterator[str]:
    """Yield a sentence where the model saw its scans in another way: its weights have learnt other sizes."""
    mine, theirs = asked.configuration.preprocessing.spacing_mm, run.own().preprocessing.spacing_mm
    if any(max(own, other) > SAME_SPACING * min(own, other) for own, other in zip(mine, theirs, strict=True)):
        yield (
            f"The model saw voxels of {show_spacing(theirs)} mm, and this plan has {show_spacing(mine)} mm. A plan "
            "that sees scans as the model did: `autoseg plan_and_preprocess DATASET --like MODEL`."
        )


def _try_match(asked: Asked, found: _Found) -> Match:
    configuration, task = asked.configuration, asked.task
    outline = build_outline(configuration, task.inputs(), task.scheme.heads().count())
    shapes = {name: tensor.to("meta") for name, tensor in found.weights.items()}
    try:
        match = load_matching(outline, shapes, "matching", _fit(configuration, task, found.run.task()))
    except PlanError as error:
        raise PlanError(_refuse_other(asked, str(error))) from error
    if match.share < LEAST_SHARE:
        raise PlanError(_refuse_other(asked, match.describe()))
    return match


def _refuse_other(asked: Asked, what: str) -> str:
    return (
        f"{asked.place}: nothing of its weights, or next to nothing, fits {asked.configuration.name}. Plan with the "
        f"model's own network: `autoseg plan_and_preprocess DATASET --like {asked.place}`. ({what})"
    )


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


def join_seen(used: Sequence[tuple[Need, Run]], trained: Sequence[str]) -> SeenBefore:
    """Return the scans that folds which a fold uses were trained on beside the cases of that fold, here and before.

    Args:
        used: what is needed of each, and what it was begun with.
        trained: cases that the fold itself trains on; one whose weights it starts from may train on others.
    """
    joined = NOTHING_SEEN
    for need, run in used:
        others = not need.validated and not set(trained).issuperset(run.train_cases)
        joined = joined.join(run.has_seen() if others else run.seen_beside())
    return joined
