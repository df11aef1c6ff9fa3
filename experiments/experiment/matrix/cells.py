"""One model on one data set: masks out of fold or predicted, scored, with a mark on what the model has seen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.evaluation import (
    Convention,
    Evaluation,
    FilePair,
    Pairing,
    Segment,
    Targets,
    evaluate_pairs,
    scheme_targets,
)
from autoseg.evaluation.results import SeenCases, Unpaired
from autoseg.hardware import count_cores
from autoseg.pipeline.predictions.predicting import PredictionOptions, predict
from autoseg.pipeline.scores.label_names import keep_scored
from autoseg.progress import Progress
from dataset_fingerprints.dataset import Case, LabelScheme
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import stem_of
from experiments.experiment.matrix.data import MatrixData, write_scans
from experiments.experiment.matrix.models import MatrixModel

FOREGROUND = "foreground"
# Below the folder of a matrix.
MASKS, SCANS = "masks", "scans.csv"


@dataclass(frozen=True, kw_only=True, slots=True)
class Scoring:
    """Scoring of all cells.

    Attributes:
        out: the matrix's folder, in which predicted masks are kept.
        convention: the metrics.
        foreground: whether all labels are scored together as one.
    """

    out: Path
    convention: Convention
    foreground: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Cell:
    """One model's scores on one data set.

    Attributes:
        model: its name.
        data: the name of the data set.
        evaluation: of all cases; those that the model has seen are marked.
        out_of_fold: number of cases whose mask is that of the fold that did not train on them.
        remarks: what a reader has to know.
    """

    model: str
    data: str
    evaluation: Evaluation
    out_of_fold: int
    remarks: tuple[str, ...] = ()

    def unseen(self) -> tuple[str, ...]:
        """Return the cases that the model was not trained on."""
        seen = self.evaluation.seen.cases
        return tuple(case.case for case in self.evaluation.cases if case.case not in seen)


def make_cell(model: MatrixModel, data: MatrixData, scoring: Scoring, progress: Progress) -> Cell:
    """Score a model on a data set. Masks that are there already stay.

    Args:
        model: to predict with.
        data: with label maps.
        scoring: how.
        progress: receiver of progress reports.

    Raises:
        DataError: they have no label or channel in common, or no case could be predicted or scored.
    """
    run = model.source.run
    targets = choose_targets(run.scheme, data, foreground=scoring.foreground)
    out_of_fold = find_judged(model, data)
    masks = dict(out_of_fold)
    failed = _predict(model, data, masks, scoring.out, progress)
    pairs = tuple(
        FilePair(case=case.name, prediction=masks[case.name], reference=case.label_path())
        for case in data.dataset.cases
        if case.name in masks
    )
    lacking = tuple(case.name for case in data.dataset.cases if case.name not in masks)
    pairing = Pairing(reference=data.root, pairs=pairs, unpaired=Unpaired(without_prediction=lacking))
    scored = evaluate_pairs(pairing, targets, scoring.convention, workers=count_cores(), traits=data.traits)
    known = {case.name for case in list_seen(model, data) if case.name not in out_of_fold}
    names = [case.case for case in scored.cases]
    unknown = [case for case in names if model.unknown and case not in known and case not in out_of_fold]
    evaluation = replace(
        scored,
        names=keep_scored(data.dataset.labels.labels, scored),
        simulated=data.dataset.simulated,
        scale=run.scale,
        seen=SeenCases(
            cases=tuple(case for case in names if case in known),
            unknown=tuple(unknown),
            models=(model.name,) if known or unknown else (),
        ),
    )
    remarks = tuple(_remark(model, data, evaluation, failed, foreground=scoring.foreground))
    return Cell(model=model.name, data=data.name, evaluation=evaluation, out_of_fold=len(out_of_fold), remarks=remarks)


def find_judged(model: MatrixModel, data: MatrixData) -> dict[str, Path]:
    """Return the masks out of fold by case: of folds that trained on no scan of the case's subject."""
    files: dict[str, set[str]] = {}
    for case in data.dataset.cases:
        files.setdefault(case.subject, set()).update(data.scans[case.name])
    judged = ((case, model.judged.get(data.scans[case.name])) for case in data.dataset.cases)
    return {
        case.name: mask.path
        for case, mask in judged
        if mask is not None and mask.trained.isdisjoint(files[case.subject])
    }


def list_seen(model: MatrixModel, data: MatrixData) -> tuple[Case, ...]:
    """Return the cases of the subjects of whom a model was trained on any scan, also another one than the case's."""
    trained = {case.subject for case in data.dataset.cases if model.has_seen(data.scans[case.name])}
    return tuple(case for case in data.dataset.cases if case.subject in trained)


def choose_targets(scheme: LabelScheme, data: MatrixData, *, foreground: bool) -> Targets:
    """Return what is scored: the data set's labels or regions that a model knows, or all labels as one.

    Raises:
        DataError: there is none.
    """
    own, known = data.dataset.labels, set(scheme.values())
    if foreground:
        values = tuple(sorted({*own.values(), *known}))
        return Targets(segments=(Segment(label=FOREGROUND, values=values),), ignored=own.ignore_value)
    targets = scheme_targets(own)
    shared = tuple(segment for segment in targets.segments if known.issuperset(segment.values))
    if not shared:
        raise DataError(
            f"{data.root}: has the labels {_list_labels(own)}, and the model {_list_labels(scheme)}: none has the same "
            "value. Score all labels as one with --foreground."
        )
    return replace(targets, segments=shared)


def _predict(model: MatrixModel, data: MatrixData, masks: dict[str, Path], out: Path, progress: Progress) -> str:
    """Add the masks of the cases that have none, and return what failed, in words."""
    cases = [case for case in data.dataset.cases if case.name not in masks]
    if not cases:
        return ""
    folder = out / MASKS / model.name / data.name
    table = folder.with_name(f"{data.name}-{SCANS}")
    write_scans(table, data, cases, model.source.run.channels)
    options, failed = PredictionOptions(choice=model.choice, bids=False), ""
    try:
        made = predict([table], folder, model.place, options, progress)
    except PartlyDoneError as error:
        made, failed = error.result, str(error)
    masks |= {stem_of(path): path for path in made}
    return failed


def _remark(
    model: MatrixModel, data: MatrixData, evaluation: Evaluation, failed: str, *, foreground: bool
) -> Iterator[str]:
    where = f"{model.name} on {data.name}"
    seen, unknown = evaluation.seen.cases, evaluation.seen.unknown
    if seen:
        yield (
            f"{where}: {counted(len(seen), 'case is of a subject', 'cases are of subjects')} that it was trained on "
            f"({some_of(seen, 5)}), and in no test; means are of the others, where there are any."
        )
    if unknown:
        yield f"{where}: nobody knows whether it was trained on {len(unknown)} of the cases."
    if failed:
        yield f"{where}: {failed.splitlines()[0]}"
    if evaluation.failures:
        yield f"{where}: {counted(len(evaluation.failures), 'case')} could not be scored, and may be hard ones."
    called, own = _name_labels(model.source.run.scheme), _name_labels(data.dataset.labels)
    others = [value for value in own if value in called and called[value].casefold() != own[value].casefold()]
    if others and not foreground:
        shown = ", ".join(f"{value} is '{called[value]}' and '{own[value]}'" for value in others)
        yield f"{where}: labels are matched by their values, and are called otherwise: {shown}."


def _name_labels(scheme: LabelScheme) -> Mapping[int, str]:
    return {label.value: label.name for label in scheme.labels}


def _list_labels(scheme: LabelScheme) -> str:
    return ", ".join(f"{label.value} {label.name}" for label in scheme.labels)
