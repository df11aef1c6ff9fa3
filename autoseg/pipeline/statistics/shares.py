"""`label-shares`: volumes and shares of the labels of every scan, and of groups of scans."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from autoseg.evaluation.analysis.conclusions import show_p
from autoseg.evaluation.analysis.shares import (
    CaseVolumes,
    GroupShare,
    ShareDifference,
    compare_shares,
    summarise_shares,
)
from autoseg.evaluation.files import round_labels, warn_of_skew
from autoseg.evaluation.traits import CaseTraits
from autoseg.pipeline.clinical.mask_files import find_masks, find_scheme, work_on
from autoseg.pipeline.clinical.places import beside, refuse_table_place
from autoseg.pipeline.scores.case_tables import (
    CASE,
    WARNINGS,
    Table,
    mark_simulated,
    show_figure,
    write_table,
)
from autoseg.pipeline.scores.label_names import find_names
from autoseg.pipeline.scores.simulated_scans import is_marked
from autoseg.pipeline.statistics.case_traits import find_traits
from autoseg.pipeline.statistics.outdated import remove_outdated
from autoseg.pipeline.statistics.tables import place_rows, write_rows
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure
from dataset_fingerprints.layouts import AUTOMATIC, Selection
from dataset_fingerprints.names import counted, plain_name, some_of
from dataset_fingerprints.reading.images import read_label_map

_log = logging.getLogger(__name__)
MASKS, LABELLED = "masks", "labelled ml"
GROUPS = (MASKS, "group", "label", "mean", "SD", "95 % interval", "median", "of all", "scans")
# Those that a terminal has room for.
SHORT = (MASKS, "group", "label", "mean", "SD", "of all", "scans")
DIFFERENCES = ("label", "difference", "mean", "test", "p", "p corrected", "scans")
_EMPTY = "nothing is labelled."
_ALL = "all"


@dataclass(frozen=True, kw_only=True, slots=True)
class ShareOptions:
    """Options of the shares; all have a default.

    Attributes:
        values: of labels that count; empty for all but 0.
        ignored: the value of voxels without a label; None for that of the data set.
        by: a trait that scans are grouped by; empty for none.
        traits: a table of the scans, beside what a data set says of them.
        selection: the kind of label maps of a data set.
    """

    values: tuple[int, ...] = ()
    ignored: int | None = None
    by: str = ""
    traits: Path | None = None
    selection: Selection = AUTOMATIC


@dataclass(frozen=True, kw_only=True, slots=True)
class LabelShares:
    """Shares of labels.

    Attributes:
        cases: volumes of every scan.
        names: of labels, by value.
        groups: all scans of each source, and its groups.
        differences: of sources, and of groups.
        simulated: whether the scans are simulated.
    """

    cases: tuple[CaseVolumes, ...]
    names: Mapping[int, str]
    groups: tuple[GroupShare, ...]
    differences: tuple[ShareDifference, ...]
    failures: tuple[Failure, ...] = ()
    simulated: bool = False


def measure_shares(
    places: Mapping[str, Path], out: Path | None, options: ShareOptions, progress: Progress
) -> LabelShares:
    """Measure the shares of labels, and write the tables.

    Args:
        places: of label maps, by the name of their source: a label map, a folder of them, or a data set.
        out: the file of the table of scans; the others lie beside it; None for none.
        options: of the shares.
        progress: receiver of progress reports.

    Raises:
        DataError: no label map can be read, none is labelled, there is one label only, or something else lies at `out`.
    """
    files = {source: find_masks(place, options.selection) for source, place in places.items()}
    if out is not None:
        refuse_table_place(out, [file for own in files.values() for file in own.values()], (MASKS, LABELLED))
    chosen = {source: _leave_out_ignored(place, options) for source, place in places.items()}
    cases, failures = _count_all(files, chosen, progress)
    found = sorted({label for one in cases for label in one.volumes_ml})
    if not found:
        what = f"has the value {some_of(list(map(str, options.values)))}" if options.values else "is labelled"
        looked_at = ", ".join(map(str, places.values()))
        raise DataError(f"{looked_at}: no voxel {what}. Expected label maps with at least one.")
    labels = tuple(dict.fromkeys(options.values)) or tuple(found)
    if len(labels) == 1:
        raise DataError(
            f"{', '.join(map(str, places.values()))}: the value {labels[0]} is the only label that counts, so that its "
            "share is always 1. Expected two labels or more; `autoseg lesion-table` measures volumes of one."
        )
    cases = [replace(one, volumes_ml={label: one.volumes_ml.get(label, 0.0) for label in labels}) for one in cases]
    by, traits = _find_traits(cases, places, options)
    result = LabelShares(
        cases=tuple(cases),
        names=_name(labels, places),
        groups=summarise_shares(cases, labels, traits, by),
        differences=compare_shares(cases, labels, traits, by),
        failures=tuple(failures),
        simulated=any(is_marked(place, files[source].values()) for source, place in places.items()),
    )
    _warn_of_shared(result.differences)
    if out is not None:
        _write(out, result)
    return result


def _warn_of_shared(differences: Sequence[ShareDifference]) -> None:
    """Say which groups have subjects in common: the rank-sum test is one of different people."""
    pairs = {(one.first, one.second): one.shared for one in differences if one.shared}
    for (first, second), shared in pairs.items():
        _log.warning(
            "%s in %s and in %s: the rank-sum test takes each for two people",
            counted(shared, "subject is", "subjects are"),
            first,
            second,
        )


def _count_all(
    files: Mapping[str, Mapping[str, Path]], options: Mapping[str, ShareOptions], progress: Progress
) -> tuple[list[CaseVolumes], list[Failure]]:
    cases: list[CaseVolumes] = []
    failures: list[Failure] = []
    for source, own in files.items():
        count = partial(_count, options=options[source])
        done, failed = work_on(own, f"Counting voxels, {source}", count, progress)
        cases += [CaseVolumes(source=source, case=case, volumes_ml=volumes) for case, volumes in done.items()]
        failures += failed
    return cases, failures


def _write(out: Path, result: LabelShares) -> None:
    write_table(out, _fill_table(result))
    tables = (
        (place_groups(out), GROUPS, group_rows(result)),
        (place_differences(out), DIFFERENCES, difference_rows(result)),
    )
    remove_outdated(out, [place for place, _, rows in tables if not rows])
    for place, columns, rows in tables:
        if rows:
            write_rows(place, [dict(zip(columns, row, strict=True)) for row in rows])


def place_groups(out: Path) -> Path:
    """Return where the table of groups beside that of scans lies."""
    return place_rows(beside(out, "groups"), GROUPS)


def place_differences(out: Path) -> Path:
    """Return where the table of differences beside that of scans lies."""
    return place_rows(beside(out, "differences"), DIFFERENCES)


def group_rows(result: LabelShares) -> list[tuple[str, ...]]:
    """Return a row per source, group and label."""
    rows = []
    for one in result.groups:
        figures = one.statistics
        interval = "" if figures.ci95 is None else f"{figures.ci95[0]:.3f} to {figures.ci95[1]:.3f}"
        rows.append(
            (
                one.source,
                one.group or _ALL,
                result.names[one.label],
                *map(show_figure, (figures.mean, figures.sd)),
                interval,
                *map(show_figure, (figures.median, one.pooled)),
                str(figures.n),
            )
        )
    return rows


def difference_rows(result: LabelShares) -> list[tuple[str, ...]]:
    """Return a row per label and two sides."""
    return [
        (
            result.names[one.label],
            f"{one.second} - {one.first}",
            "" if one.difference is None else f"{one.difference:+.3f}",
            one.test,
            *(show_p(p).removeprefix("= ") for p in (one.p, one.corrected)),
            " and ".join(map(str, dict.fromkeys(one.cases))),
        )
        for one in result.differences
    ]


def _leave_out_ignored(place: Path, options: ShareOptions) -> ShareOptions:
    """Return the options with the value of voxels that a data set ignores, where nobody says what counts."""
    scheme = None if options.values or options.ignored is not None else find_scheme(place, options.selection)
    return options if scheme is None else replace(options, ignored=scheme.ignore_value)


def _count(_case: str, path: Path, options: ShareOptions) -> Mapping[int, float]:
    image = read_label_map(path)
    warn_of_skew(path, image.grid())
    values, counts = np.unique(round_labels(path, image.voxels[0]), return_counts=True)
    voxel_ml = float(np.prod(image.grid().spacing_mm())) / 1000.0
    found = {int(value): float(count) * voxel_ml for value, count in zip(values, counts, strict=True)}
    return {
        value: volume
        for value, volume in found.items()
        if (value in options.values if options.values else value not in (0, options.ignored))
    }


def _find_traits(
    cases: Sequence[CaseVolumes], places: Mapping[str, Path], options: ShareOptions
) -> tuple[str, tuple[CaseTraits, ...]]:
    """Return the trait to group by as tables spell it, and what is known of the scans."""
    names = tuple(dict.fromkeys(one.case for one in cases))
    first = next(iter(places.values()))
    known = find_traits(names, first, table=options.traits, selection=options.selection)
    spelled = {plain_name(name): name for one in known for name in one.known}
    if options.by and plain_name(options.by) not in spelled:
        there = some_of(sorted(spelled.values()), 20) or "nothing"
        raise DataError(
            f"--by {options.by}: is known of no scan. Known is {there}. A table of scans given with --traits adds its "
            "columns."
        )
    return spelled.get(plain_name(options.by), ""), known


def _name(labels: Sequence[int], places: Mapping[str, Path]) -> Mapping[int, str]:
    known: dict[int, str] = {}
    for place in places.values():
        known |= {label.value: label.name for label in find_names(place, place, None, None)}
    return {label: known.get(label, f"label {label}") for label in labels}


def _fill_table(result: LabelShares) -> Table:
    columns: tuple[str, ...] = (CASE, MASKS, LABELLED)
    columns += tuple(f"{name} {what}" for what in ("ml", "share") for name in result.names.values())
    rows: list[Mapping[str, str]] = []
    for one in result.cases:
        labelled = one.total_ml() > 0
        volumes = [show_figure(one.volumes_ml[label]) for label in result.names]
        shares = [show_figure(one.share(label), 4) if labelled else "" for label in result.names]
        cells = (one.case, one.source, show_figure(one.total_ml()), *volumes, *shares)
        rows.append(dict(zip(columns, cells, strict=True)) | {WARNINGS: "" if labelled else _EMPTY.capitalize()})
    rows += [{CASE: failure.case, WARNINGS: failure.message} for failure in result.failures]
    return mark_simulated(Table(columns=(*columns, WARNINGS), rows=tuple(rows)), result.simulated)
