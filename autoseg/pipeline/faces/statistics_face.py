"""The public functions about statistics of scores, as `import autoseg` offers them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autoseg.hardware import count_cores
from autoseg.pipeline.faces.arguments import INTEGERS, as_several, check_argument, check_arguments
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import ArgumentError, DataError, PartlyDoneError, did_you_mean
from dataset_fingerprints.failures import list_failures
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.evaluation.analysis.readers import ReaderAgreement
    from autoseg.evaluation.analysis.systems import SystemComparison
    from autoseg.pipeline.statistics.shares import LabelShares

_INTERVALS = ("bca", "percentile")


def compare(
    scores: Sequence[Location],
    *,
    names: Sequence[str] = (),
    metrics: Sequence[str] = (),
    interval: Literal["percentile", "bca"] = "bca",
    out: Location | None = None,
) -> SystemComparison:
    """Compare systems by their scores of the same cases.

    Args:
        scores: files that `evaluate` or a training wrote (metrics.json, cross_validation.json), or folders with one.
        names: of the systems, in the same order; empty for names out of the paths.
        metrics: to compare by; empty for Dice, HD95, lesion F1 and volume difference.
        interval: the kind of the bootstrap intervals: `bca`, which corrects for skewness, or `percentile`.
        out: a file to write the comparison into (.json), and beside it tables (.csv, .md); None for none.

    Raises:
        DataError: fewer than two systems, or they have nothing in common; or `out` is a file of something else.
        FileFormatError: a file holds no scores.
    """
    check_arguments(locals())
    if interval not in _INTERVALS:
        raise ArgumentError(f"interval is {interval!r}. {did_you_mean(str(interval), _INTERVALS)}")
    from autoseg.evaluation.analysis.systems import compare_systems
    from autoseg.pipeline.outputs import refuse_result_place
    from autoseg.pipeline.statistics.comparing import FIELDS, write_comparison
    from autoseg.pipeline.statistics.score_files import find_scores, read_systems

    places = [Path(place) for place in _as_places(scores)]
    if out is not None:
        files = [find_scores(place) for place in places]
        refuse_result_place(Path(out), "comparison", FIELDS, files)
    systems = read_systems(places, as_several(names))
    comparison = compare_systems(systems, metrics=as_several(metrics), interval=interval)
    if out is not None:
        write_comparison(Path(out), comparison)
    return comparison


def agreement(
    readers: Sequence[Location],
    masks: Location | None = None,
    *,
    names: Sequence[str] = (),
    labels: Sequence[int] = (),
    regions: Sequence[str] = (),
    ignore: int | None = None,
    out: Location | None = None,
) -> ReaderAgreement:
    """Measure how far readers agree with each other, and a model with them, by overlap, distance and volume.

    Args:
        readers: a folder of label maps of each reader, with the same names; or a file of each.
        masks: the model's; None for readers alone.
        names: of the readers in their order, behind that of the model where there is one; empty for names out of the
            paths.
        labels: values to score; empty for all found.
        regions: values to score as one mask: `core=2,3`.
        ignore: the value of unlabelled voxels.
        out: a file to write the agreement into (.json), and beside it tables and a picture (.csv, .md, .png); None for
            none.

    Raises:
        DataError: there are fewer than two raters, or they have no case in common; or `out` is a file of something
            else.
    """
    check_arguments(locals())
    check_argument("labels", labels, INTEGERS)
    from autoseg.evaluation import DEFAULT_CONVENTION, Targets, label_targets, parse_region
    from autoseg.pipeline.outputs import refuse_masks_result_place
    from autoseg.pipeline.statistics.agreeing import FIELDS, measure_agreement, write_agreement
    from autoseg.pipeline.statistics.pictures import draw_readers, place_picture
    from autoseg.pipeline.statistics.score_files import name_raters

    places = [Path(place) for place in ([] if masks is None else [masks]) + _as_places(readers)]
    raters = dict(zip(name_raters(places, as_several(names), model=masks is not None), places, strict=True))
    if out is not None:
        refuse_masks_result_place(Path(out), "agreement", FIELDS, places)
    segments = (
        *label_targets(tuple(map(index, as_several(labels)))).segments,
        *(parse_region(text) for text in as_several(regions)),
    )
    targets = Targets(segments=segments, ignored=None if ignore is None else index(ignore))
    model = next(iter(raters)) if masks is not None else ""
    found = measure_agreement(raters, model, targets, DEFAULT_CONVENTION, workers=count_cores())
    if out is not None:
        write_agreement(Path(out), found)
        draw_readers(place_picture(Path(out).with_suffix(".png")), found)
    return found


def label_shares(
    sources: Sequence[Location],
    *,
    names: Sequence[str] = (),
    by: str = "",
    traits: Location | None = None,
    labels: Sequence[int] = (),
    ignore: int | None = None,
    mask: str = "",
    out: Location | None = None,
    progress: Progress | None = None,
) -> LabelShares:
    """Measure the share of every label in what is labelled, by scan and by group, and test differences.

    Args:
        sources: a label map, a folder of them or a data set; several for readers and models of the same scans.
        names: of whose label maps these are, in their order; empty for names out of the paths.
        by: a trait that scans are grouped by, such as site; empty for none.
        traits: a table of the scans, with a line per case or subject; None for what a data set says of them.
        labels: values that count; empty for all but 0 and what a data set ignores.
        ignore: the value of unlabelled voxels.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        out: a file to write the table of scans into (.csv), with those of groups and differences beside it; None for
            none.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: no label map can be read, or nothing is known by which scans could be grouped.
        PartlyDoneError: some label maps cannot be read; its `result` holds the others, which are written.
    """
    check_arguments(locals())
    check_argument("labels", labels, INTEGERS)
    from autoseg.pipeline.statistics.score_files import name_raters
    from autoseg.pipeline.statistics.shares import ShareOptions, measure_shares
    from dataset_fingerprints.layouts import Selection

    places, given = [Path(place) for place in _as_places(sources)], as_several(names)
    if not places:
        raise ArgumentError("sources is empty. Expected a path, or several.")
    if len(places) == 1 and len(given) > 1:
        raise DataError(f"--name is given {len(given)} times for one place of label maps. Expected one name, or none.")
    alone = given or (places[0].absolute().name,)
    named = name_raters(places, given, model=False) if len(places) > 1 else alone
    options = ShareOptions(
        values=tuple(map(index, as_several(labels))),
        ignored=None if ignore is None else index(ignore),
        by=by,
        traits=None if traits is None else Path(traits),
        selection=Selection(mask=mask),
    )
    raters = dict(zip(named, places, strict=True))
    found = measure_shares(raters, None if out is None else Path(out), options, progress or SilentProgress())
    if found.failures:
        message = f"{counted(len(found.failures), 'label map')} cannot be read:\n{list_failures(found.failures)}"
        raise PartlyDoneError(message, result=found)
    return found


def _as_places(paths: Sequence[Location]) -> list[Location]:
    return [paths] if isinstance(paths, str | os.PathLike) else list(paths)
