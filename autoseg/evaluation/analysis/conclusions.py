"""Plain sentences about a comparison of systems: what it shows, and what it does not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from autoseg.evaluation.analysis.systems import Difference, SystemComparison
from autoseg.evaluation.statistics import LEAST_CASES
from dataset_fingerprints.names import counted


def conclude(comparison: SystemComparison) -> str:
    """Return in a sentence what can be concluded, and what cannot."""
    shown = [one for one in comparison.differences if is_shown(one, comparison.alpha)]
    others = [one for one in comparison.differences if not is_shown(one, comparison.alpha)]
    open_ones = [one for one in others if one.tests.bootstrap is not None]
    untested = tuple(dict.fromkeys(_name(one, comparison) for one in others if one.tests.bootstrap is None))
    can = "; ".join(
        f"{winner} is better than {loser} in {_join(_name(one, comparison) for one in ones)}"
        for (winner, loser), ones in _group_by_winner(shown).items()
    )
    cannot = "; ".join(
        f"{first} and {second} in {_join(_name(one, comparison) for one in ones)}"
        for (first, second), ones in _group_by_pair(open_ones).items()
    )
    where = f"on {counted(len(comparison.cases), 'case')}"
    missing = f"no difference is shown between {cannot}, which does not prove that they are equal" if cannot else ""
    few = f"{_join(untested)} could not be tested: too few cases have a score" if untested else ""
    return f"{where[0].upper()}{where[1:]}, {'; '.join(filter(None, (can, missing, few)))}."


def explain_difference(one: Difference, comparison: SystemComparison) -> str:
    """Return what one difference shows, with its figures."""
    head = f"{_name(one, comparison)}, {one.second} minus {one.first}"
    if one.mean is None:
        return f"{head}: no case has a score in both."
    if one.ci95 is None:
        return (
            f"{head}: {one.mean:+.3g} on {counted(one.subjects, 'subject')}. Expected at least {LEAST_CASES} for an "
            "interval and tests."
        )
    figures = f"{one.mean:+.3g} (95 % {one.ci95[0]:+.3g} to {one.ci95[1]:+.3g}; p {show_p(one.corrected.bootstrap)})"
    return f"{head}: {figures}. {_explain(one, comparison)}{_qualify(one, comparison)}"


def _explain(one: Difference, comparison: SystemComparison) -> str:
    if is_shown(one, comparison.alpha):
        return f"{_winner(one)} is better."
    if one.sd == 0 and not one.mean:
        return "Both have the same scores."
    needed = (
        f" A difference of the size found would take about {one.needed:,} subjects."
        if one.needed is not None and one.needed > one.subjects
        else ""
    )
    return (
        f"No difference is shown: {counted(one.subjects, 'subject')} with differences as these show one of "
        f"{one.smallest:.3g} or more in four of five such studies, and miss smaller ones.{needed}"
    )


def _qualify(one: Difference, comparison: SystemComparison) -> str:
    """Return what weakens the figures; empty for nothing."""
    said = []
    shown, ranked = is_shown(one, comparison.alpha), one.corrected.wilcoxon
    # Of n subjects, the signed-rank test gives 2 / 2^n at the least.
    if shown and 2.0 ** (1 - one.subjects) * comparison.tested >= comparison.alpha:
        said.append(
            f"The Wilcoxon test of {counted(one.subjects, 'subject')} cannot show anything among "
            f"{counted(comparison.tested, 'test')}."
        )
    elif ranked is not None and shown != (ranked < comparison.alpha):
        said.append(
            f"The Wilcoxon test says otherwise (p {show_p(ranked)}): "
            + ("a few cases make the difference." if shown else "most cases differ, but by little beside a few others.")
        )
    first = one.tests.bootstrap
    if not shown and first is not None and first < comparison.alpha:
        said.append(
            f"Alone, without the correction for {comparison.tested} tests, it would be p {show_p(first)}, as the "
            "interval says, which is not corrected."
        )
    if one.left_out:
        said.append(f"{counted(one.left_out, 'case')} without a score in one of both are not in it.")
    return "".join(f" {text}" for text in said)


def is_shown(one: Difference, alpha: float) -> bool:
    """Return whether a difference is significant by the bootstrap after Holm's correction."""
    return one.corrected.bootstrap is not None and one.corrected.bootstrap < alpha


def show_p(value: float | None) -> str:
    """Return a p-value with its sign."""
    if value is None:
        return "-"
    return "< 0.001" if value < 0.001 else f"= {value:.3f}"


def _winner(one: Difference) -> str:
    second = (one.mean or 0.0) > 0
    return one.second if second == (one.better == "higher") else one.first


def _group_by_winner(differences: Sequence[Difference]) -> dict[tuple[str, str], list[Difference]]:
    groups: dict[tuple[str, str], list[Difference]] = {}
    for one in differences:
        winner = _winner(one)
        groups.setdefault((winner, one.first if winner == one.second else one.second), []).append(one)
    return groups


def _group_by_pair(differences: Sequence[Difference]) -> dict[tuple[str, str], list[Difference]]:
    groups: dict[tuple[str, str], list[Difference]] = {}
    for one in differences:
        groups.setdefault((one.first, one.second), []).append(one)
    return groups


def _name(one: Difference, comparison: SystemComparison) -> str:
    title = comparison.titles[one.metric].partition(",")[0]
    return title if len(comparison.names) == 1 else f"{title} of {comparison.names[one.label]}"


def _join(names: Iterable[str]) -> str:
    texts = list(names)
    return " and ".join((", ".join(texts[:-1]), texts[-1])) if len(texts) > 1 else texts[0]
