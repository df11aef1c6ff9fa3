"""The part of the page about the trainings: how far each fold is, and its curves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from autoseg.pipeline.page.gathering import BegunFold, Gathered
from autoseg.reporting.page import Chart, Charts, Section, Table
from autoseg.reporting.page.training_charts import draw_dice, draw_losses
from dataset_fingerprints.durations import show_duration

_COLUMNS = ("configuration", "fold", "status", "steps", "time", "trained on", "judged on", "mean Dice", "device")
_NUMERIC = frozenset((3, 4, 5, 6, 7))
_STATUS = {"training": "not finished", "trained": "not validated", "finished": "finished"}
# Points of a line: more are not seen.
_POINTS = 400


def describe_trainings(found: Gathered) -> Section:
    """Return the state of every fold that was begun, and the curves of the chosen configuration's."""
    rows = [_make_row(name, fold) for name, folds in found.folds.items() for fold in folds]
    table = Table(title="Folds", columns=_COLUMNS, rows=rows, numeric=_NUMERIC)
    charts = tuple(_draw(found))
    lead = f"Curves of {found.configuration}: one line per fold. The loss should fall, and the Dice should level off."
    return Section(
        key="training", title="Training", lead=lead, blocks=[table, *([Charts(charts=charts)] if charts else [])]
    )


def _make_row(configuration: str, fold: BegunFold) -> tuple[str, ...]:
    record, scores = fold.record, fold.evaluation
    return (
        configuration,
        fold.folder.name(),
        "begun" if record is None else _STATUS[record.status],
        "-" if record is None else f"{record.iterations:,}",
        "-" if record is None else show_duration(record.seconds),
        str(len(fold.run.train_cases)),
        str(len(fold.run.validation_cases)),
        "-" if scores is None else f"{scores.foreground_mean_dice:.3f}",
        "-" if record is None else record.device,
    )


def _draw(found: Gathered) -> list[Chart]:
    folds = [fold for fold in found.own() if fold.lines]
    losses = _collect(folds, "train", "loss")
    dice = _collect(folds, "validation", "mean_of_latest")
    charts = []
    if losses:
        ends = "; ".join(f"{fold} ends at {values[-1]:.3f}" for fold, (_, values) in losses.items())
        svg = draw_losses(losses, simulated=found.simulated)
        charts.append(Chart(title="Loss", svg=svg, alt=f"Training loss over steps: {ends}.", note="Lower is better."))
    if dice:
        ends = "; ".join(f"{fold} ends at {values[-1]:.3f}" for fold, (_, values) in dice.items())
        svg = draw_dice(dice, simulated=found.simulated)
        note = "The mean of the latest round of each case; 1 is perfect, 0 is no overlap."
        charts.append(Chart(title="Validation during training", svg=svg, alt=f"Dice over steps: {ends}.", note=note))
    return charts


def _collect(folds: Sequence[BegunFold], kind: str, key: str) -> Mapping[str, tuple[list[float], list[float]]]:
    """Return steps and values of every fold that has some, thinned out where there are very many."""
    series = {}
    for fold in folds:
        lines = [line for line in fold.lines if line.get("kind") == kind]
        pairs = [(line.get("iteration"), line.get(key)) for line in lines]
        points = [
            (float(step), float(value))
            for step, value in pairs
            if isinstance(step, int) and isinstance(value, int | float)
        ]
        kept = [*points[:: max(1, len(points) // _POINTS)]]
        if points:
            kept += [points[-1]] if kept[-1] != points[-1] else []
            series[fold.name()] = ([step for step, _ in kept], [value for _, value in kept])
    return series
