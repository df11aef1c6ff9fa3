"""A matrix in tables: means by model and group of cases, differences of models, and differences of groups."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from autoseg.evaluation import Evaluation
from autoseg.evaluation.analysis.between_groups import (
    GroupDifference,
    compare_groups,
    correct_differences,
    keep_cases,
)
from autoseg.evaluation.analysis.conclusions import show_p
from autoseg.evaluation.analysis.systems import Difference, compare_systems, correct_for_all
from autoseg.evaluation.statistics import LEAST_CASES
from autoseg.evaluation.traits import find_trait
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from experiments.experiment.matrix.cells import Cell
from experiments.experiment.showing import Table
from planners.defaults import is_full_size

MODELS = ("in", "metric", "difference", "mean", "95 %", "bootstrap", "t", "Wilcoxon", "subjects")
GROUPS = ("model", "metric", "groups", "means", "rank sum", "subjects")
# Of a mean of cases that the model was trained on.
SEEN = "(seen)"
# Between a data set and a group of its cases.
_BETWEEN = ", "


@dataclass(frozen=True, kw_only=True, slots=True)
class Entry:
    """One model on some cases of a data set.

    Attributes:
        column: the data set, with the group where its cases are grouped.
        evaluation: of the cases that the model has not seen; of all where it has seen each.
        seen: number of cases that it was trained on.
        all_seen: whether the scores are of these.
    """

    model: str
    data: str
    group: str
    evaluation: Evaluation
    seen: int
    all_seen: bool

    @property
    def column(self) -> str:
        """The name of the column of a table that it stands in."""
        return f"{self.data}{_BETWEEN}{self.group}" if self.group else self.data


@dataclass(frozen=True, kw_only=True, slots=True)
class Matrix:
    """Everything that the tables show.

    Attributes:
        models: their names in order.
        metrics: that are shown and compared.
        by: the column that cases are grouped by; empty for none.
        remarks: what a reader has to know.
    """

    models: tuple[str, ...]
    metrics: tuple[str, ...]
    by: str
    entries: tuple[Entry, ...]
    between_models: tuple[tuple[str, Difference], ...]
    between_groups: tuple[tuple[str, GroupDifference], ...]
    remarks: tuple[str, ...]

    def columns(self) -> tuple[str, ...]:
        """Return the data sets and groups, in the order of the cells."""
        return tuple(dict.fromkeys(entry.column for entry in self.entries))

    def find(self, model: str, column: str) -> Entry | None:
        """Return a model's entry in a column, if there is one."""
        return next((one for one in self.entries if (one.model, one.column) == (model, column)), None)

    def labels(self) -> Mapping[int | str, str]:
        """Return the names of all labels that were scored."""
        return {
            label.label: entry.evaluation.name_of(label.label)
            for entry in self.entries
            for label in entry.evaluation.summary
        }

    def simulated(self) -> bool:
        """Return whether any of the scans are simulated."""
        return any(entry.evaluation.simulated for entry in self.entries)


def compare_cells(cells: Sequence[Cell], metrics: Sequence[str], by: str) -> Matrix:
    """Return the matrix of some cells: entries by group, and what differs.

    Args:
        cells: of models and data sets.
        metrics: to show and compare by.
        by: the trait that cases are grouped by; empty for none.
    """
    entries = tuple(entry for cell in cells for entry in _divide(cell, by))
    models = tuple(dict.fromkeys(cell.model for cell in cells))
    own = [entry for entry in entries if not entry.all_seen]
    between_models = list(_compare_models(own, metrics))
    between_groups = [pair for model in models for pair in _compare_columns(model, own, metrics)]
    corrected = correct_for_all([one for _, one in between_models])
    ranked = correct_differences([one for _, one in between_groups])
    return Matrix(
        models=models,
        metrics=tuple(metrics),
        by=by,
        entries=entries,
        between_models=tuple((where, one) for (where, _), one in zip(between_models, corrected, strict=True)),
        between_groups=tuple((model, one) for (model, _), one in zip(between_groups, ranked, strict=True)),
        remarks=tuple(_remark(cells, ranked)),
    )


def _divide(cell: Cell, by: str) -> Iterator[Entry]:
    """Yield a cell's entries: one, or one per group of its cases."""
    names = [case.case for case in cell.evaluation.cases]
    found = find_trait(by, names, cell.evaluation.traits) if by else ("",) * len(names)
    groups: dict[str, list[str]] = {}
    for case, group in zip(names, found, strict=True):
        groups.setdefault(group, []).append(case)
    unseen = set(cell.unseen())
    for group, members in sorted(groups.items()):
        kept = [case for case in members if case in unseen]
        part = keep_cases(cell.evaluation, kept or members)
        if part is not None:
            yield Entry(
                model=cell.model,
                data=cell.data,
                group=group,
                evaluation=part,
                seen=len(members) - len(kept),
                all_seen=not kept,
            )


def _compare_models(entries: Sequence[Entry], metrics: Sequence[str]) -> Iterator[tuple[str, Difference]]:
    """Yield the differences of models on the cases that all of them have scored, column by column."""
    for column in dict.fromkeys(entry.column for entry in entries):
        systems = {entry.model: entry.evaluation for entry in entries if entry.column == column}
        if len(systems) > 1 and _share_any(systems):
            comparison = compare_systems(systems, metrics=metrics)
            yield from ((column, one) for one in comparison.differences)


def _share_any(systems: Mapping[str, Evaluation]) -> bool:
    """Return whether some case and some label is in all evaluations."""
    cases = [{case.case for case in one.cases} for one in systems.values()]
    labels = [{label.label for label in one.summary} for one in systems.values()]
    return bool(set.intersection(*cases)) and bool(set.intersection(*labels))


def _compare_columns(
    model: str, entries: Sequence[Entry], metrics: Sequence[str]
) -> Iterator[tuple[str, GroupDifference]]:
    """Yield the differences of one model between data sets, or between groups of cases."""
    own = {entry.column: entry.evaluation for entry in entries if entry.model == model}
    yield from ((model, one) for one in compare_groups(own, metrics))


def _remark(cells: Sequence[Cell], ranked: Sequence[GroupDifference]) -> Iterator[str]:
    out_of_fold = sum(cell.out_of_fold for cell in cells)
    if out_of_fold:
        yield (
            f"{counted(out_of_fold, 'mask is', 'masks are')} out of fold, of the network that did not train on the "
            "case; all others are of the mean of a model's folds."
        )
    for cell in cells:
        yield from cell.remarks
    yield (
        "Intervals: 95 %, BCa bootstrap over subjects. Between models, case by case: paired bootstrap, paired t and "
        "Wilcoxon's signed-rank test of subjects' means. Between groups: rank-sum test of subjects' means. All "
        "p-values are two-sided, after Holm's correction for all of their test; below "
        f"{LEAST_CASES} subjects there are none."
    )
    shared = [one for one in ranked if one.shared]
    if shared:
        yield (
            f"{counted(max(one.shared for one in shared), 'subject is', 'subjects are')} in two groups: the rank-sum "
            "test takes them for different ones, as articles do, and shows less than a paired one would."
        )
    if not all(is_full_size(cell.evaluation.scale) for cell in cells):
        yield "A deviation: some models are divided by a scale (--scale). Their figures say nothing of full size."
    if any(cell.evaluation.simulated for cell in cells):
        yield "SIMULATED: no figure is of a patient."


def make_tables(matrix: Matrix) -> tuple[Table, ...]:
    """Return a table of means per metric, then the differences of models, and of groups."""
    labels = matrix.labels()
    titles = next(iter(matrix.entries)).evaluation.convention.column_titles()
    means = [
        Table(
            title=mark_title(f"{titles[metric]}: mean and 95 % interval", matrix.simulated()),
            columns=("model", *matrix.columns()),
            rows=tuple(_mean_row(matrix, model, label, metric) for model in matrix.models for label in labels),
        )
        for metric in matrix.metrics
    ]
    models = Table(
        title="Models beside each other",
        columns=MODELS,
        rows=tuple(_model_row(where, one, labels, titles) for where, one in matrix.between_models),
    )
    groups = Table(
        title="Groups beside each other",
        columns=GROUPS,
        rows=tuple(_group_row(model, one, labels, titles) for model, one in matrix.between_groups),
    )
    return (*means, *(table for table in (models, groups) if table.rows))


def _mean_row(matrix: Matrix, model: str, label: int | str, metric: str) -> tuple[str, ...]:
    labels = matrix.labels()
    name = f"{model}, {labels[label]}" if len(labels) > 1 else model
    return (name, *(_show_mean(matrix.find(model, column), label, metric) for column in matrix.columns()))


def _show_mean(entry: Entry | None, label: int | str, metric: str) -> str:
    if entry is None or all(one.label != label for one in entry.evaluation.summary):
        return "-"
    found = entry.evaluation.label(label).statistics(metric)
    if found.mean is None:
        return "-"
    interval = "" if found.ci95 is None else f" ({found.ci95[0]:.3f} to {found.ci95[1]:.3f})"
    return f"{found.mean:.3f}{interval}, n {found.n}{f' {SEEN}' if entry.all_seen else ''}"


def _model_row(
    where: str, one: Difference, labels: Mapping[int | str, str], titles: Mapping[str, str]
) -> tuple[str, ...]:
    tests = one.corrected
    return (
        where,
        _name_metric(one.label, one.metric, labels, titles),
        f"{one.second} - {one.first}",
        "-" if one.mean is None else f"{one.mean:+.3f}",
        "-" if one.ci95 is None else f"{one.ci95[0]:+.3f} to {one.ci95[1]:+.3f}",
        *(show_p(p).removeprefix("= ") for p in (tests.bootstrap, tests.t, tests.wilcoxon)),
        str(one.subjects),
    )


def _group_row(
    model: str, one: GroupDifference, labels: Mapping[int | str, str], titles: Mapping[str, str]
) -> tuple[str, ...]:
    means = " and ".join("-" if mean is None else f"{mean:.3f}" for mean in one.means)
    return (
        model,
        _name_metric(one.label, one.metric, labels, titles),
        f"{one.first} and {one.second}",
        means,
        show_p(one.corrected).removeprefix("= "),
        f"{one.subjects[0]} and {one.subjects[1]}",
    )


def _name_metric(label: int | str, metric: str, labels: Mapping[int | str, str], titles: Mapping[str, str]) -> str:
    return f"{labels[label]}: {titles[metric]}" if len(labels) > 1 else titles[metric]
