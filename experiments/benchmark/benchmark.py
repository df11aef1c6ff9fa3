"""Ours beside everything published that is comparable, and apart from it everything that is not, with the reasons."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dataset_fingerprints.errors import DataError
from experiments.benchmark.comparing import Judged, Scope, judge
from experiments.benchmark.ours import OurResult
from experiments.published import PublishedRow, read_rows


@dataclass(frozen=True, kw_only=True, slots=True)
class Benchmark:
    """A comparison with published results.

    Attributes:
        scope: the scans that our figures are of.
        ours: our systems, all on scans of this scope.
        comparable: published rows of the same release and set, by descending Dice.
        others: all other methods, each with the reasons why it is not comparable.
        tracers: how far people agree.
        remarks: on our results, such as on folds that are not trained.
    """

    scope: Scope
    ours: tuple[OurResult, ...]
    comparable: tuple[PublishedRow, ...]
    others: tuple[Judged, ...]
    tracers: tuple[PublishedRow, ...]
    remarks: tuple[str, ...] = ()


def make_benchmark(
    ours: Sequence[OurResult], release: str, space: str, remarks: Sequence[str] = (), simulated: bool = False
) -> Benchmark:
    """Put results of ours beside the published ones.

    Args:
        ours: results on the same scans.
        release: of ATLAS that the scans are of; empty where it is not known.
        space: of the masks: MNI or native; empty where it is not known.
        remarks: on our results.
        simulated: whether the scans are known to be simulated, beside what the results say of themselves.

    Raises:
        DataError: there is no result, or they are of different sets, or simulated and real ones are mixed.
    """
    _refuse_mixture(ours)
    scope = Scope(
        release=release,
        set=ours[0].set,
        space=space,
        simulated=simulated or any(result.evaluation.simulated for result in ours),
    )
    rows = read_rows()
    judged = [judge(row, scope) for row in rows if not row.is_human()]
    comparable = [one.row for one in judged if not one.reasons]
    return Benchmark(
        scope=scope,
        ours=tuple(ours),
        comparable=tuple(sorted(comparable, key=lambda row: -row.dice)),
        others=tuple(one for one in judged if one.reasons),
        tracers=tuple(row for row in rows if row.is_human()),
        remarks=tuple(remarks),
    )


def _refuse_mixture(ours: Sequence[OurResult]) -> None:
    if not ours:
        raise DataError("There is no result to compare. Name files that `autoseg evaluate` wrote, or a workspace.")
    sets = sorted({result.set for result in ours})
    if len(sets) > 1:
        raise DataError(f"Results are of different sets: {'; '.join(sets)}. Compare those of one set at a time.")
    marked = [result.source for result in ours if result.evaluation.simulated]
    if marked and len(marked) < len(ours):
        others = [result.source for result in ours if not result.evaluation.simulated]
        raise DataError(
            f"{marked[0]}: is of simulated scans, and {others[0]} is not. Such figures belong in no table together."
        )
