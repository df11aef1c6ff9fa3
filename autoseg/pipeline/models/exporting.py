"""`export`: trained folds as one file, with a card that says what is in it."""

from __future__ import annotations

import shlex
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import summarise
from autoseg.models import Bundle, Cover, ModelSet, write_bundle
from autoseg.models.portable import count_networks, explain_obstacles, make_portable, refuse_missing_packages
from autoseg.pipeline.folds.out_of_fold import find_scores
from autoseg.pipeline.folds.runs import name_folds
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.models.model_card import UNSAID, ScoredModel, Words, write_card
from autoseg.pipeline.models.sources import USUAL, ModelChoice, find_source
from autoseg.pipeline.outputs import refuse_bundle_place
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.progress import Progress
from autoseg.training.record import read_record
from autoseg.workspace.fold import FULL
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError, FileFormatError
from planners.run import Run


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportOptions:
    """Options of exporting; all have a default.

    Attributes:
        choice: what to export.
        words: for the card.
        onnx: whether networks are written as ONNX as well, with a program that predicts with them.
    """

    choice: ModelChoice = USUAL
    words: Words = UNSAID
    onnx: bool = False


def export(workspace: Workspace, out: Path, options: ExportOptions, progress: Progress) -> Path:
    """Write the trained folds of a workspace into a bundle, and return its path.

    Raises:
        WorkspaceError: nothing is trained yet.
        DataError: something else lies at `out`, or networks cannot be written as ONNX.
    """
    refuse_bundle_place(out)
    if options.onnx:
        refuse_missing_packages()
    source = find_source(workspace, options.choice)
    models = source.read()
    lacking = describe_lacking(workspace, options.choice, models)
    steps = _count_steps(workspace, options.choice.plan_name, models)
    obstacles = explain_obstacles(models) if options.onnx else ""
    card = write_card(
        options.words,
        models,
        _find_scores(workspace, options.choice.plan_name, models),
        steps,
        portable=options.onnx and not obstacles,
        remarks=[sentence for sentence in (source.unselected, lacking) if sentence],
    )
    cover = Cover(name=options.words.name or models.run().dataset, licence=options.words.licence, card=card)
    for sentence in (*source.doubts, lacking, describe_replaced(out, cover, onnx=options.onnx)):
        if sentence:
            progress.say(sentence)
    if not options.onnx:
        write_bundle(out, models, cover, steps)
        return out
    with progress.task("Writing networks as ONNX", count_networks(models)) as task:
        write_bundle(out, models, cover, steps, make_portable(models, task.advance))
    if obstacles:
        progress.say(f"The networks are in it as ONNX, but no program that runs them: {obstacles}")
    else:
        command = f"python {shlex.quote(out.name)} SCANS -o MASKS"
        progress.say(f"It predicts without torch, too: {command} (README.md says how).")
    return out


def describe_lacking(workspace: Workspace, choice: ModelChoice, models: ModelSet) -> str:
    """Return which folds of a cross-validation are not trained, in a sentence; empty where some were asked for.

    Args:
        workspace: of the models.
        choice: by which they were found.
        models: that are averaged.
    """
    if choice.folds:
        return ""
    _, splits = read_plan(workspace, choice.plan_name)
    found = []
    for one in models.stages:
        name, group = list(one.items())[-1]
        trained = [model.run.fold for model in group]
        left = [fold for fold in name_folds(splits) if fold not in trained]
        if left and FULL not in trained:
            what = f"fold{'s' if len(left) > 1 else ''} {', '.join(left)} of {name}"
            found.append(f"{what} {'are' if len(left) > 1 else 'is'} not trained, and not in it")
    return f"The cross-validation is not finished: {'; '.join(found)}." if found else ""


def describe_replaced(out: Path, cover: Cover, *, onnx: bool) -> str:
    """Return in a sentence which earlier export is replaced, and what it had that the new one lacks; or nothing."""
    if not out.exists() or not out.stat().st_size:
        return ""
    try:
        earlier = Bundle(out).description
    except AutosegError:
        return f"Replaces {out}, a model that this version of autoseg cannot read."
    had = [f"the licence {earlier.licence!r}"] if earlier.licence and earlier.licence != cover.licence else []
    had += ["ONNX networks"] if not onnx and any(file.path.endswith(".onnx") for file in earlier.files) else []
    said = f"Replaces {out}: the model {earlier.name}"
    return f"{said} had {' and '.join(had)}, which the new one does not have." if had else f"{said}."


def _list_runs(models: ModelSet) -> list[Run]:
    """Return what all models were trained by, each once."""
    runs = (model.run for one in models.stages for group in one.values() for model in group)
    return list({(run.configuration, run.fold): run for run in runs}.values())


def _count_steps(workspace: Workspace, plan: str, models: ModelSet) -> dict[tuple[str, str], int]:
    """Return the steps that the folds were trained for, as far as known: one that is trained further has no number."""
    steps = {}
    for run in _list_runs(models):
        with suppress(FileFormatError):
            record = read_record(workspace.fold(plan, run.configuration, run.fold))
            if record is not None and record.status != "training":
                steps[run.configuration, run.fold] = record.iterations
    return steps


def _find_scores(workspace: Workspace, plan: str, models: ModelSet) -> list[ScoredModel]:
    """Return the scores that the averaged folds of each configuration got on cases that they were not trained on.

    Scores of other weights, as of before a fold was trained further, do not count.
    """
    scored = []
    for one in models.stages:
        name, group = list(one.items())[-1]
        judged = [model.run for model in group if model.run.validation_cases]
        found = {run.fold: find_scores(workspace.fold(plan, name, run.fold), run.validation_cases) for run in judged}
        known = {fold: scores for fold, scores in found.items() if scores}
        if known:
            title = f"{name}, {'fold' if len(known) == 1 else 'folds'} {', '.join(known)}"
            summary = summarise([case for scores in known.values() for case in scores], traits=usual_traits(workspace))
            evaluation = mark_seen(summary, [run for run in judged if run.fold in known])
            scored.append(ScoredModel(title=title, evaluation=evaluation))
    return scored
