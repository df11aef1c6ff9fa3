"""What a validation leaves for people: a table of its cases, and a picture of the worst, the middle and the best."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
from numpy.typing import NDArray

from autoseg.evaluation import CaseScores, Evaluation
from autoseg.models import read_settings
from autoseg.pipeline.folds.jobs import Job
from autoseg.pipeline.folds.out_of_fold import read_mask
from autoseg.pipeline.folds.stage_inputs import StageInput, find_input
from autoseg.pipeline.scans.scan_warnings import compare_cases
from autoseg.pipeline.scores.case_tables import CASE, WARNINGS, Table, join_warnings, show_figure, write_table
from autoseg.pipeline.scores.score_tables import (
    COLUMNS,
    MEAN,
    fill_figures,
    find_odd_scores,
    mark_rows,
    mean_dice,
    name_figures,
    volumes_of,
)
from autoseg.pipeline.scores.showing import Showing, find_stored, show_ml, show_run
from autoseg.preprocessing import Record, Store
from autoseg.reporting import SheetRow, View, choose_view, draw_contact_sheet, draw_slice, find_window, is_picture
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.geometry import canonical_grid, make_box
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title
from planners.order import find_configuration
from planners.plan import Plan, Splits

_log = logging.getLogger(__name__)

# Cases that are drawn of the worst, of those in the middle, and of the best.
EACH = 4
# Normalised intensities outside of a body, and the share of a slice's edge that lies there.
_OUTSIDE, _SURROUNDED = 1e-3, 0.25
_SUBJECT, _SITE, _FOLD, _SEEN = "subject", "site", "fold", "seen before"


@dataclass(frozen=True, kw_only=True, slots=True)
class Validated:
    """The validation of one fold, or of several that share their cases' arrays.

    Attributes:
        title: for the picture.
        folders: the fold of each case.
        warnings: by case, in what it is unlike the cases that its fold trained on.
        channel: the position in the cases' arrays of the one that is drawn.
    """

    title: str
    evaluation: Evaluation
    inputs: StageInput
    showing: Showing
    folders: Mapping[str, FoldFolder]
    warnings: Mapping[str, tuple[str, ...]]
    channel: int = 0

    def warn_of(self, case: CaseScores) -> str:
        """Return what is odd about a case and its scores."""
        return join_warnings((*find_odd_scores(case, self.showing.name_of), *self.warnings.get(case.case, ())))


def keep_report(job: Job, evaluation: Evaluation) -> Evaluation:
    """Write what is missing of the report on a finished fold; see `leave_report`."""
    return evaluation if all(path.is_file() for path in job.folder.reports()) else leave_report(job, evaluation)


def leave_report(job: Job, evaluation: Evaluation) -> Evaluation:
    """Write the table and the picture of a fold's validation, and return its evaluation."""
    run = read_settings(job.folder)
    validated = Validated(
        title=mark_title(f"{job.folder.title()}: {_count(evaluation)}", evaluation.simulated),
        evaluation=evaluation,
        inputs=job.inputs,
        showing=show_run(run),
        channel=find_stored(run, show_run(run).channel),
        folders=dict.fromkeys(job.cases.validation, job.folder),
        warnings=compare_cases(job.workspace, run),
    )
    write_table(job.folder.table, make_table(validated))
    _draw(validated, job.folder.sheet)
    return evaluation


def report_folds(
    workspace: Workspace,
    plan: Plan,
    splits: Splits,
    trained: tuple[str, Sequence[FoldFolder]],
    evaluation: Evaluation,
) -> None:
    """Write the table and the picture of all cases of a cross-validation.

    Args:
        workspace: of the folds.
        plan: that they are of.
        splits: the folds' cases.
        trained: the configuration and the folders of its folds.
        evaluation: of all cases.
    """
    name, folders = trained
    runs = {folder: read_settings(folder) for folder in folders}
    first = next(iter(runs.values()))
    validated = Validated(
        title=mark_title(f"{name}, {counted(len(folders), 'fold')}: {_count(evaluation)}", evaluation.simulated),
        evaluation=evaluation,
        inputs=find_input(workspace, plan, splits, find_configuration(plan.configurations, name, f"plan {plan.name}")),
        showing=show_run(first),
        channel=find_stored(first, show_run(first).channel),
        folders={case: folder for folder, run in runs.items() for case in run.validation_cases},
        warnings={case: found for run in runs.values() for case, found in compare_cases(workspace, run).items()},
    )
    table, sheet = workspace.cross_validation_reports(plan.name, name)
    write_table(table, make_table(validated))
    _draw(validated, sheet)


def _count(evaluation: Evaluation) -> str:
    cases, seen = counted(len(evaluation.cases), "case"), evaluation.seen.brief()
    which = f"not trained on here ({seen})" if seen else "not trained on"
    which += "" if evaluation.scale == 1 else f", by 1/{evaluation.scale:g} of the planned size (--scale)"
    return f"{cases} {which}, mean Dice {evaluation.foreground_mean_dice:.3f}"


def make_table(validated: Validated) -> Table:
    """Return a row per case: scores, volumes and lesions of each label or region, and what is odd about the case."""
    several = len(validated.showing.names) > 1
    names = [validated.showing.name_of(label.label) for label in validated.evaluation.summary]
    figures = name_figures(names, COLUMNS)
    rows = []
    origins = {case.case: validated.inputs.origin(case.case) for case in validated.evaluation.cases}
    seen = (_SEEN,) if validated.evaluation.seen.brief() else ()
    seen_before = validated.evaluation.seen.marks(origins)
    marks = mark_rows(validated.evaluation)
    site = (_SITE,) if any(origin.site for origin in origins.values()) else ()
    for case in validated.evaluation.cases:
        row = {
            CASE: case.case,
            **marks,
            _SUBJECT: origins[case.case].subject,
            _FOLD: validated.folders[case.case].name(),
            WARNINGS: validated.warn_of(case),
        }
        if site:
            row[_SITE] = origins[case.case].site
        if seen:
            row[_SEEN] = seen_before[case.case]
        mean = {MEAN: show_figure(mean_dice(case))} if several else {}
        rows.append(row | mean | fill_figures(case, figures, COLUMNS))
    fixed = (CASE, *marks, _SUBJECT, *site, _FOLD, *seen, *([MEAN] if several else ()))
    return Table(columns=(*fixed, *figures, WARNINGS), rows=tuple(rows))


def choose_cases(evaluation: Evaluation) -> tuple[CaseScores, ...]:
    """Choose the cases to draw: the worst, some around the median and the best, from worst to best; all of a few."""
    ordered = sorted(evaluation.cases, key=lambda case: (mean_dice(case) or 0.0, case.case))
    if len(ordered) <= 3 * EACH:
        return tuple(ordered)
    middle = (len(ordered) - EACH) // 2
    return tuple(ordered[:EACH] + ordered[middle : middle + EACH] + ordered[-EACH:])


def _draw(validated: Validated, path: Path) -> None:
    """Draw some cases; arrays that are gone cost the picture, not the training."""
    chosen = choose_cases(validated.evaluation)
    try:
        rows = [_make_row(validated, case) for case in chosen]
    except (AutosegError, OSError) as error:
        _log.warning("No picture of the validated cases: %s", error)
        return
    all_of_them = len(chosen) == len(validated.evaluation.cases)
    order = "From worst to best." if all_of_them else f"The worst {EACH}, {EACH} around the median and the best {EACH}."
    arrow = " Of each label: Dice, volume in the reference → predicted." if len(validated.showing.names) > 1 else ""
    note = f"{validated.showing.note()} {order}{arrow}".strip()
    draw_contact_sheet(rows, path, validated.title, validated.showing.shown(), note)


def _make_row(validated: Validated, case: CaseScores) -> SheetRow:
    inputs, scheme = validated.inputs, validated.inputs.scheme
    record = inputs.store.read_record(case.case)
    prediction = read_mask(validated.folders[case.case].validation, case.case, scheme)
    labels = (scheme.to_values(inputs.store.read_reference(case.case)), scheme.to_values(prediction))
    spacing_mm = canonical_grid(record.source_grid).spacing_mm()
    view = choose_view(*labels, spacing_mm, plain=is_picture(record.source_grid))
    plane = read_plane(inputs.store, case.case, validated.channel, view)
    drawn = draw_slice(view, plane, find_window(plane), (view.cut(labels[0]), view.cut(labels[1])), spacing_mm)
    caption, detail = _describe(case, validated.showing)
    return SheetRow(case=case.case, plane=drawn, caption=caption, detail=detail, warning=validated.warn_of(case))


def _describe(case: CaseScores, showing: Showing) -> tuple[str, str]:
    """Return the case's scores in a few words, and those of each label or region where there are several."""
    if len(case.labels) == 1:
        true, predicted = volumes_of(case.labels[0])
        return f"Dice {case.labels[0].number('dice'):.2f} · {show_ml(true)}, predicted {show_ml(predicted)}", ""
    parts = []
    for label in case.labels:
        true, predicted = volumes_of(label)
        parts.append(f"{showing.name_of(label.label)} {label.number('dice'):.2f}, {true:.3g} → {predicted:.3g} ml")
    mean = mean_dice(case)
    return "" if mean is None else f"mean Dice {mean:.2f}", " · ".join(parts)


def read_plane(store: Store, case: str, channel: int, view: View) -> NDArray[np.float32]:
    """Return a slice of a preprocessed case's channel on the scan's own grid, axes in the volume's order.

    Raises:
        WorkspaceError: the case is not preprocessed, or its files are damaged.
    """
    record, axis = store.read_record(case), view.through
    inside = view.index - record.box.start[axis]
    length, stored = record.box.shape()[axis], record.shape[axis]
    start, stop = [0, 0, 0], [*record.shape]
    # A slice of ignored voxels may lie beside the crop.
    start[axis] = int(np.clip((inside + 0.5) * stored / length, 0, stored - 1))
    stop[axis] = start[axis] + 1
    image, _ = store.read(case, make_box(start, stop))
    return _place(darken_outside(image.squeeze(axis + 1).astype(np.float32))[channel], record, axis)


def darken_outside(image: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return a (channel, ...) image, or slices, in which what surrounds a body is dark.

    Normalisations that look at the body alone leave 0 outside of it, which is the brightness of its mean.
    """
    outside: NDArray[np.bool_] = np.all(np.abs(image) < _OUTSIDE, axis=0)
    sides = [outside.take(end, axis).ravel() for axis in range(outside.ndim) for end in (0, -1)]
    if np.concatenate(sides).mean() < _SURROUNDED:
        return image
    return np.where(outside, image.min(axis=tuple(range(1, image.ndim)), keepdims=True), image)


def _place(plane: NDArray[np.float32], record: Record, axis: int) -> NDArray[np.float32]:
    """Resample a preprocessed slice to the scan's pixels, and put it where the crop lies in the scan."""
    others = [other for other in range(3) if other != axis]
    shape = [record.box.shape()[other] for other in others]
    factors = [wanted / length for wanted, length in zip(shape, plane.shape, strict=True)]
    pixels = scipy.ndimage.zoom(plane, factors, order=1, mode="nearest", grid_mode=True)
    whole = canonical_grid(record.source_grid).shape
    placed = np.full([whole[other] for other in others], plane.min(), dtype=np.float32)
    box = record.box.slices()
    placed[tuple(box[other] for other in others)] = pixels
    return placed
