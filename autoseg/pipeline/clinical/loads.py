"""`lesion-load`: what lesions take of regions of interest, for masks and for their references."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.clinical.agreement import Agreement
from autoseg.clinical.case_loads import LESION, MEASURES, CaseLoad, compare_loads, load_regions
from autoseg.clinical.lesion_files import Lesion, read_lesion
from autoseg.clinical.regions import Region
from autoseg.clinical.same_space import find_refusal
from autoseg.evaluation import pair_files
from autoseg.evaluation.statistics.agreement import Coefficient
from autoseg.pipeline.clinical.mask_files import find_masks, find_values, group_by_grid, work_on
from autoseg.pipeline.clinical.places import beside, refuse_table_place
from autoseg.pipeline.scores.case_tables import (
    CASE,
    WARNINGS,
    Table,
    join_warnings,
    mark_simulated,
    show_figure,
    write_table,
)
from autoseg.pipeline.scores.simulated_scans import is_marked
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure
from dataset_fingerprints.geometry import Grid
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.reading.alignment import same_place

_log = logging.getLogger(__name__)
REGION, REFERENCE, HEIGHT = "region", "of reference", "worst slice z mm"
_MEASURE, _ERRORS = "measure", ("MAE", "bias")
_COEFFICIENT_COLUMNS = ("ICC(2,1)", "ICC(2,1) low", "ICC(2,1) high", "CCC", "CCC low", "CCC high")
_SLICE_COLUMNS = ("slice", "z mm", "region mm2", "overlap mm2", "injury %")


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadOptions:
    """Options of measuring loads; all have a default.

    Attributes:
        values: of labels that mean lesion; empty for all but 0, and but that of voxels that a data set ignores.
        same_space: masks and regions are in one space, whatever speaks against it.
        selection: the kind of label maps of a data set.
    """

    values: tuple[int, ...] = ()
    same_space: bool = False
    selection: Selection = AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadResult:
    """Lesion loads of all cases.

    Attributes:
        loads: a row for each case and region.
        agreement: by region and measure; empty without references.
        failures: cases that could not be measured.
        without_reference: cases that have no reference, where references were given.
        simulated: whether the scans are simulated.
    """

    loads: tuple[CaseLoad, ...]
    agreement: Mapping[str, Mapping[str, Agreement]]
    failures: tuple[Failure, ...] = ()
    without_reference: tuple[str, ...] = ()
    simulated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Files:
    mask: Path
    reference: Path | None = None


def measure_loads(
    masks: Path,
    regions: tuple[Region, ...],
    references: Path | None,
    out: Path | None,
    options: LoadOptions,
    progress: Progress,
) -> LoadResult:
    """Measure the load of every region in every case, and write the tables.

    Args:
        masks: a mask, a folder of masks, or a data set.
        regions: at least one.
        references: of the masks, as for `evaluate`; None for none.
        out: the file of the table; None for none.
        options: of the measurement.
        progress: receiver of progress reports.

    Raises:
        DataError: no case can be measured, or something else lies at `out`.
    """
    files, unpaired = _find_files(masks, references, options.selection)
    options = replace(options, values=find_values(references or masks, options.values, options.selection))
    inputs = [path for one in files.values() for path in (one.mask, one.reference) if path]
    if out is not None:
        _refuse_places(out, (*inputs, *(region.path for region in regions)), compared=references is not None)
    grids: dict[str, Grid] = {}  # of the masks, as they are read
    done, failures = work_on(
        files, "Measuring lesion loads", lambda case, one: _load(case, one, regions, options, grids), progress
    )
    if not options.same_space:
        _warn_of_several_grids(grids)
    loads = tuple(load for rows in done.values() for load in rows)
    agreement = {region.name: compare_loads(loads, region.name) for region in regions if references is not None}
    result = LoadResult(
        loads=loads,
        agreement=agreement,
        failures=failures,
        without_reference=unpaired,
        simulated=is_marked(masks, inputs),
    )
    if out is not None:
        _write(out, result)
    return result


def _warn_of_several_grids(grids: Mapping[str, Grid]) -> None:
    """Warn where masks lie on several grids: those that were warped to one template share one."""
    groups = group_by_grid(grids.items())
    if len(groups) > 1:
        _log.warning(
            "The masks lie on %d grids. Masks that were warped to one template share its grid: these may lie in the "
            "spaces of their scans, where loads of a region mean nothing. Only headers that cannot be right are "
            "refused; look at some masks over the region. If all are in its space, --same-space says so.",
            len(groups),
        )


def _refuse_places(out: Path, inputs: Sequence[Path], *, compared: bool) -> None:
    """Make sure that all tables can be written without a loss."""
    refuse_table_place(out, inputs, (REGION, LESION))
    refuse_table_place(beside(out, "slices"), inputs, (REGION, *_SLICE_COLUMNS))
    if compared:
        refuse_table_place(beside(out, "agreement"), inputs, (_MEASURE, *_ERRORS))


def _find_files(
    masks: Path, references: Path | None, selection: Selection
) -> tuple[Mapping[str, _Files], tuple[str, ...]]:
    if references is None:
        return {case: _Files(mask=path) for case, path in find_masks(masks, selection).items()}, ()
    pairing = pair_files(masks, references, selection=selection)
    if pairing.unpaired.without_prediction or pairing.unpaired.without_reference:
        _log.warning("%s", pairing.unpaired.describe())
    files = {pair.case: _Files(mask=pair.prediction, reference=pair.reference) for pair in pairing.pairs}
    return files, pairing.unpaired.without_reference


def _load(
    case: str, files: _Files, regions: tuple[Region, ...], options: LoadOptions, grids: dict[str, Grid]
) -> tuple[CaseLoad, ...]:
    lesion = read_lesion(files.mask, options.values)
    grids[case] = lesion.grid
    reference = None if files.reference is None else read_lesion(files.reference, options.values)
    _refuse_other_grid(lesion, reference)
    if not options.same_space:
        for region in regions:
            refusal = find_refusal(files.mask.name, lesion, region)
            if refusal:
                raise DataError(refusal)
    return load_regions(case, lesion, reference, regions)


def _refuse_other_grid(lesion: Lesion, reference: Lesion | None) -> None:
    if reference is not None and not same_place(lesion.grid, reference.grid):
        raise DataError(
            "the mask and its reference lie on different grids. Expected the same voxels in space: resample the mask "
            "onto the grid of the reference."
        )


def _write(out: Path, result: LoadResult) -> None:
    write_table(out, make_load_table(result))
    write_table(beside(out, "slices"), _make_slice_table(result))
    if result.agreement:
        write_table(beside(out, "agreement"), make_agreement_table(result))


def make_load_table(result: LoadResult) -> Table:
    """Return a row for each case and region; cases that could not be measured say why in their warnings."""
    compared = bool(result.agreement)
    suffixes = ("", f" {REFERENCE}") if compared else ("",)
    columns = [f"{name}{suffix}" for name in (LESION, *MEASURES, HEIGHT) for suffix in suffixes]
    rows: list[Mapping[str, str]] = []
    for one in result.loads:
        row = {CASE: one.case, REGION: one.region, WARNINGS: join_warnings(tuple(_list_warnings(one)))}
        for suffix, load in zip(suffixes, (one.load, one.reference), strict=False):
            if load is not None:
                row[f"{LESION}{suffix}"] = show_figure(load.lesion_ml)
                row |= {f"{name}{suffix}": show_figure(measure(load)) for name, measure in MEASURES.items()}
                hit = load.overlap_ml > 0
                row[f"{HEIGHT}{suffix}"] = show_figure(load.worst_slice().z_mm, 1) if hit else ""
        rows.append(row)
    rows += [{CASE: failure.case, WARNINGS: join_warnings([failure.message])} for failure in result.failures]
    return mark_simulated(Table(columns=(CASE, REGION, *columns, WARNINGS), rows=tuple(rows)), result.simulated)


def _list_warnings(one: CaseLoad) -> Iterator[str]:
    yield from one.doubts
    if not one.load.lesion_ml:
        yield "the mask is empty."
    if one.load.is_from_tip():
        yield "the largest injury is that of a slice at the tip of the region, where a voxel or two decide."


def _make_slice_table(result: LoadResult) -> Table:
    rows = []
    for one in result.loads:
        theirs = {} if one.reference is None else {entry.index: entry for entry in one.reference.slices}
        for entry in one.load.slices:
            figures = (entry.z_mm, entry.region_mm2, entry.overlap_mm2, entry.injury_percent())
            row = {CASE: one.case, REGION: one.region, "slice": str(entry.index)}
            row |= dict(zip(_SLICE_COLUMNS[1:], map(show_figure, figures), strict=True))
            if entry.index in theirs:
                row[f"injury % {REFERENCE}"] = show_figure(theirs[entry.index].injury_percent())
            rows.append(row)
    compared = (f"injury % {REFERENCE}",) if result.agreement else ()
    columns = (CASE, REGION, *_SLICE_COLUMNS, *compared, WARNINGS)
    return mark_simulated(Table(columns=columns, rows=tuple(rows)), result.simulated)


def make_agreement_table(result: LoadResult) -> Table:
    """Return a row for each region and measure: how masks and references agree on it."""
    rows = []
    for region, measures in result.agreement.items():
        for name, one in measures.items():
            figures = {
                "mean": one.mean_predicted,
                f"mean {REFERENCE}": one.mean_reference,
                "MAE": one.mean_absolute_error,
                "bias": one.bias,
                "SD of errors": one.sd,
                **_spread("ICC(2,1)", one.intraclass),
                **_spread("CCC", one.concordance),
            }
            shown = {column: show_figure(value) for column, value in figures.items()}
            rows.append({CASE: region, _MEASURE: name, "cases": str(one.cases)} | shown)
    columns = (_MEASURE, "cases", "mean", f"mean {REFERENCE}", *_ERRORS, "SD of errors", *_COEFFICIENT_COLUMNS)
    return mark_simulated(Table(columns=(CASE, *columns, WARNINGS), rows=tuple(rows)), result.simulated)


def _spread(name: str, found: Coefficient) -> dict[str, float | None]:
    """Return a coefficient and the ends of its interval by their columns."""
    low, high = found.ci95 or (None, None)
    return {name: found.value, f"{name} low": low, f"{name} high": high}
