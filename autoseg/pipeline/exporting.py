"""`export`: trained folds as one file, with a card that says what is in it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import summarise
from autoseg.models import Cover, ModelSet, write_bundle
from autoseg.models.portable import count_networks, explain_obstacles, make_portable, refuse_missing_packages
from autoseg.pipeline.folds.out_of_fold import find_scores
from autoseg.pipeline.folds.seen_cases import mark_seen
from autoseg.pipeline.model_card import UNSAID, ScoredModel, Words, write_card
from autoseg.pipeline.outputs import refuse_bundle_place
from autoseg.pipeline.sources import USUAL, ModelChoice, find_source
from autoseg.pipeline.statistics.case_traits import usual_traits
from autoseg.progress import Progress
from autoseg.training.record import read_record
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import FileFormatError
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
    models = find_source(workspace, options.choice).read()
    steps = _count_steps(workspace, options.choice.plan_name, models)
    name = options.words.name or models.run().dataset
    obstacles = explain_obstacles(models) if options.onnx else ""
    scores = _find_scores(workspace, options.choice.plan_name, models)
    card = write_card(options.words, models, scores, steps, portable=options.onnx and not obstacles)
    cover = Cover(name=name, licence=options.words.licence, card=card)
    if not options.onnx:
        write_bundle(out, models, cover, steps)
        return out
    with progress.task("Writing networks as ONNX", count_networks(models)) as task:
        write_bundle(out, models, cover, steps, make_portable(models, task.advance))
    if obstacles:
        progress.say(f"The networks are in it as ONNX, but no program that runs them: {obstacles}")
    else:
        progress.say(f"It predicts without torch, too: python {out.name} SCANS -o MASKS (README.md says how).")
    return out


def _list_runs(models: ModelSet) -> list[Run]:
    """Return what all models were trained by, each once."""
    runs = (model.run for one in models.stages for group in one.values() for model in group)
    return list({(run.configuration, run.fold): run for run in runs}.values())


def _count_steps(workspace: Workspace, plan: str, models: ModelSet) -> dict[tuple[str, str], int]:
    """Return the steps that the folds were trained for, as far as their records say so."""
    steps = {}
    for run in _list_runs(models):
        with suppress(FileFormatError):
            record = read_record(workspace.fold(plan, run.configuration, run.fold))
            if record is not None:
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
