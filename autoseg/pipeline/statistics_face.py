"""The public functions about statistics of scores, as `import autoseg` offers them."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from autoseg.pipeline.arguments import as_several, check_arguments
from autoseg.pipeline.located import Location

if TYPE_CHECKING:
    from autoseg.evaluation.analysis.systems import SystemComparison


def compare(
    scores: Sequence[Location],
    *,
    names: Sequence[str] = (),
    metrics: Sequence[str] = (),
    interval: Literal["percentile", "bca"] = "percentile",
    out: Location | None = None,
) -> SystemComparison:
    """Compare systems by their scores of the same cases.

    Args:
        scores: files that `evaluate` or a training wrote (metrics.json, cross_validation.json), or folders with one.
        names: of the systems, in the same order; empty for names out of the paths.
        metrics: to compare by; empty for Dice, HD95, lesion F1 and volume difference.
        interval: the kind of the bootstrap intervals: `percentile`, or `bca`, which corrects for skewness.
        out: a file to write the comparison into (.json), and beside it tables (.csv, .md); None for none.

    Raises:
        DataError: fewer than two systems, or they have nothing in common; or `out` is no earlier comparison.
        FileFormatError: a file holds no scores.
    """
    check_arguments(locals())
    from autoseg.evaluation.analysis.systems import compare_systems
    from autoseg.pipeline.outputs import refuse_result_place
    from autoseg.pipeline.statistics.comparing import FIELDS, write_comparison
    from autoseg.pipeline.statistics.score_files import find_scores, read_systems

    several = (scores,) if isinstance(scores, str | os.PathLike) else tuple(scores)
    places = [Path(place) for place in several]
    if out is not None:
        files = [find_scores(place) for place in places]
        refuse_result_place(Path(out), "comparison", FIELDS, files)
    systems = read_systems(places, as_several(names))
    comparison = compare_systems(systems, metrics=as_several(metrics), interval=interval)
    if out is not None:
        write_comparison(Path(out), comparison)
    return comparison
