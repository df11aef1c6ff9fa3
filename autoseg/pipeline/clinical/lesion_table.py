"""`lesion-table`: volume, number, side and pattern of every case's lesions, and the distribution of volumes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.clinical.lesion_files import Lesion, read_lesion
from autoseg.clinical.patterns import USUAL, Counting, LesionPattern, count_patterns, find_pattern
from autoseg.clinical.regions import Region
from autoseg.clinical.same_space import doubt_sides, find_refusal, refuse_apart
from autoseg.clinical.volumes import VolumeDistribution, measure_volumes, name_bins
from autoseg.pipeline.clinical.mask_files import find_masks, find_values, work_on
from autoseg.pipeline.clinical.places import beside, refuse_table_place
from autoseg.pipeline.scores.case_tables import (
    CASE,
    WARNINGS,
    Table,
    choose_name,
    join_warnings,
    mark_simulated,
    show_figure,
    write_table,
)
from autoseg.pipeline.scores.simulated_scans import is_marked
from autoseg.progress import Progress
from autoseg.reporting import is_drawn
from autoseg.reporting.volume_distribution import draw_volumes
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

VOLUME, LESIONS, PATTERN = "volume ml", "lesions", "pattern"
# A voxel with at least this weight lies in cerebellum or brainstem.
_INSIDE = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class TableOptions:
    """Options of the table; all have a default.

    Attributes:
        values: of labels that mean lesion; empty for all but 0, and but that of voxels that a data set ignores.
        counting: what counts as a lesion.
        selection: the kind of label maps of a data set.
    """

    values: tuple[int, ...] = ()
    counting: Counting = USUAL
    selection: Selection = AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionTable:
    """The lesions of all cases.

    Attributes:
        patterns: by case.
        doubts: by case, sentences on what makes its side doubtful.
        volumes: None where no case has a lesion.
        counts: number of cases by pattern.
        picture: of the volumes; None where it was not drawn.
        simulated: whether the scans are simulated.
    """

    patterns: Mapping[str, LesionPattern]
    doubts: Mapping[str, str]
    volumes: VolumeDistribution | None
    counts: Mapping[str, int]
    failures: tuple[Failure, ...] = ()
    picture: Path | None = None
    simulated: bool = False


def make_lesion_table(
    masks: Path, other: Region | None, out: Path | None, options: TableOptions, progress: Progress
) -> LesionTable:
    """Count and place the lesions of every case, and write the table and the picture.

    Args:
        masks: a mask, a folder of masks, or a data set.
        other: cerebellum and brainstem; None where these are not known.
        out: the file of the table; None for none.
        options: of the table.
        progress: receiver of progress reports.

    Raises:
        DataError: no case can be measured, or something else lies at `out`.
    """
    files = find_masks(masks, options.selection)
    options = replace(options, values=find_values(masks, options.values, options.selection))
    if out is not None:
        refuse_table_place(out, (*files.values(), *((other.path,) if other else ())), (VOLUME, LESIONS, PATTERN))
    done, failures = work_on(
        files, "Counting lesions", lambda case, path: _find_pattern(case, path, other, options), progress
    )
    patterns = {case: pattern for case, (pattern, _) in done.items()}
    volumes = measure_volumes([one.volume_ml for one in patterns.values()])
    picture = None if out is None or volumes is None else choose_name(beside(out, "volumes", ".png"), is_drawn)
    result = LesionTable(
        patterns=patterns,
        doubts={case: doubt for case, (_, doubt) in done.items() if doubt},
        volumes=volumes,
        counts=count_patterns(patterns.values()),
        failures=failures,
        picture=picture,
        simulated=is_marked(masks, files.values()),
    )
    if out is not None:
        write_table(out, _fill_table(result))
        _draw(result)
    return result


def _find_pattern(case: str, path: Path, other: Region | None, options: TableOptions) -> tuple[LesionPattern, str]:
    lesion = read_lesion(path, options.values)
    if other is not None:
        refusal = find_refusal(path.name, lesion, other)
        if refusal:
            raise DataError(refusal)
    elsewhere = None if other is None else _place(lesion, other)
    doubt = doubt_sides(path.name, lesion, options.counting.midline_mm)
    return find_pattern(lesion, elsewhere, options.counting), doubt


def _place(lesion: Lesion, other: Region) -> NDArray[np.bool_]:
    refuse_apart(lesion, other)
    return np.asarray(other.on_grid(lesion.grid) >= _INSIDE)


def _fill_table(result: LesionTable) -> Table:
    known = any(one.other_ml is not None for one in result.patterns.values())
    columns = (VOLUME, LESIONS, "largest ml", "left ml", "right ml", *(("other ml",) if known else ()), PATTERN)
    rows: list[Mapping[str, str]] = []
    for case, one in result.patterns.items():
        largest = one.components[0].volume_ml if one.components else 0.0
        figures = (one.volume_ml, len(one.components), largest, one.left_ml, one.right_ml)
        row = dict(zip(columns, map(show_figure, figures), strict=False)) | {CASE: case, PATTERN: one.pattern()}
        if known:
            row["other ml"] = show_figure(one.other_ml)
        warnings = [result.doubts[case]] if case in result.doubts else []
        if one.small:
            warnings.append(f"{counted(one.small, 'component')} too small to count.")
        rows.append(row | {WARNINGS: join_warnings(warnings)})
    rows += [{CASE: failure.case, WARNINGS: join_warnings([failure.message])} for failure in result.failures]
    return mark_simulated(Table(columns=(CASE, *columns, WARNINGS), rows=tuple(rows)), result.simulated)


def _draw(result: LesionTable) -> None:
    if result.volumes is None or result.picture is None:
        return
    title = mark_title(f"Lesion volumes of {counted(result.volumes.cases, 'case')}", result.simulated)
    volumes = [one.volume_ml for one in result.patterns.values() if one.volume_ml > 0]
    draw_volumes(volumes, list(zip(name_bins(), result.volumes.bins, strict=True)), title, result.picture)
