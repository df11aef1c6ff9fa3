"""`radiomics-compare`: which features two kinds of masks agree on, and whether a classifier notices the difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import not_
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from autoseg.evaluation.analysis.conclusions import show_p
from autoseg.evaluation.statistics.roc import AreaComparison, compare_areas
from autoseg.pipeline.outputs import refuse_result_place
from autoseg.pipeline.radiomics.outcomes import OutcomeChoice, Outcomes, read_outcomes
from autoseg.pipeline.radiomics.tables import FeatureTable, read_features
from autoseg.pipeline.scores.case_tables import CASE, SIMULATED
from autoseg.pipeline.statistics.tables import as_markdown, place_markdown, place_rows, write_markdown, write_rows
from autoseg.radiomics import FeatureAgreement, KeptShare, count_kept, predict_out_of_fold, rate_features
from autoseg.radiomics.agreement import CoefficientName, is_kept
from autoseg.radiomics.classifying import FOLDS
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.names import counted, natural_order, some_of
from dataset_fingerprints.simulated import mark_title

ALL = "all"
CUTOFF = 0.8
SHARES = ("cases", "family", "kept", "of", "%")
AREAS = ("cases", "reference masks", "other masks", "difference", "p", "with and without")
_FIELDS = frozenset({"coefficient", "cutoff", "features", "shares", "areas"})
_COLUMNS = ("feature", "family", "CCC", "CCC low", "CCC high", "ICC", "cases", "kept")


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparingOptions:
    """Options of comparing; all have a default.

    Attributes:
        outcome: None where no classifier is asked for, and there are no groups.
        coefficient: that decides on a feature.
        cutoff: above which it is kept.
        folds: parts of the classifier's cross-validation.
        seed: of these parts.
    """

    outcome: OutcomeChoice | None = None
    coefficient: CoefficientName = "ccc"
    cutoff: float = CUTOFF
    folds: int = FOLDS
    seed: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class RadiomicsComparison:
    """Two kinds of masks of the same cases, by their features.

    Attributes:
        cases: those that both have.
        features: the agreement on each, over all cases.
        shares: of the features that are kept, by group of cases; the first is all.
        areas: of the classifiers, by group of cases; empty without an outcome.
        used: number of features that the classifiers saw.
        remarks: sentences on what was left out, and what the outcome is.
        simulated: whether the scans of either table are simulated. Not written where they are not.
    """

    coefficient: CoefficientName
    cutoff: float
    cases: tuple[str, ...]
    features: tuple[FeatureAgreement, ...]
    shares: dict[str, tuple[KeptShare, ...]]
    areas: dict[str, AreaComparison]
    used: int
    remarks: tuple[str, ...]
    simulated: Annotated[bool, Field(exclude_if=not_)] = False
    schema_version: int = 1


def compare_radiomics(reference: Path, other: Path, out: Path, options: ComparingOptions) -> RadiomicsComparison:
    """Compare two tables of features, and write the comparison as JSON, with a table and a text beside it.

    Args:
        reference: the table of one kind of masks, such as those of readers.
        other: that of another kind, such as a model's, of the same scans.
        out: the file.
        options: of the comparison.

    Raises:
        DataError: they have no cases or features in common, or the outcomes cannot be used.
    """
    refuse_result_place(out, "comparison", _FIELDS, [reference, other])
    if not 0 <= options.cutoff < 1:
        raise DataError(f"--cutoff is {options.cutoff:g}. Expected 0 to less than 1.")
    first, second, remarks = _match(read_features(reference), read_features(other), (reference, other))
    known = None if options.outcome is None else _read_known(options.outcome, first.cases)
    features = rate_features(first.names, first.values, second.values)
    groups = _group(first.cases, known)
    shares = {name: _count(first, second, chosen, options) for name, chosen in groups.items()}
    classified = _Classified(areas={}, used=0, remarks=())
    if known is not None and known.has:
        classified = _classify(first, second, features, (known, groups), options)
    result = RadiomicsComparison(
        coefficient=options.coefficient,
        cutoff=options.cutoff,
        cases=first.cases,
        features=features,
        shares=shares,
        areas=classified.areas,
        used=classified.used,
        remarks=(*remarks, *classified.remarks),
        simulated=first.simulated or second.simulated,
    )
    _write(out, result)
    return result


def _match(
    one: FeatureTable, other: FeatureTable, paths: tuple[Path, Path]
) -> tuple[FeatureTable, FeatureTable, list[str]]:
    """Return both tables with the cases and features that both have, in one order."""
    known_cases, known_names = {*other.cases}, {*other.names}
    cases = [case for case in one.cases if case in known_cases]
    names = [name for name in one.names if name in known_names]
    if not cases or not names:
        what = "case" if not cases else "feature"
        raise DataError(f"{paths[0]} and {paths[1]}: have no {what} in common. Expected tables of the same scans.")
    lone = sorted({*one.cases} ^ {*other.cases}, key=natural_order)
    remarks = [f"{counted(len(lone), 'case')} in one table only: left out ({some_of(lone)})."] if lone else []
    unmatched = len({*one.names} ^ {*other.names})
    remarks += [f"{counted(unmatched, 'feature')} in one table only: left out."] if unmatched else []
    return _take(one, cases, names), _take(other, cases, names), remarks


def _read_known(choice: OutcomeChoice, cases: Sequence[str]) -> Outcomes:
    known = read_outcomes(choice)
    if not any(case in known.subjects for case in cases):
        raise DataError(
            f"{choice.path}: lists none of the cases that have features ({some_of([*known.subjects])} there; "
            f"{some_of(cases)} here). Expected their names in the column '{CASE}'."
        )
    return known


def _take(table: FeatureTable, cases: Sequence[str], names: Sequence[str]) -> FeatureTable:
    rows = [table.cases.index(case) for case in cases]
    columns = [table.names.index(name) for name in names]
    return replace(table, cases=tuple(cases), names=tuple(names), values=table.values[np.ix_(rows, columns)])


def _group(cases: Sequence[str], known: Outcomes | None) -> dict[str, NDArray[np.bool_]]:
    """Return which cases each group has; the first has all."""
    groups = {ALL: np.ones(len(cases), dtype=np.bool_)}
    if known is not None and known.groups:
        names = [known.groups.get(case, "") for case in cases]
        for name in sorted(filter(None, set(names)), key=natural_order):
            groups[name] = np.array([one == name for one in names])
    return groups


def _count(
    first: FeatureTable, second: FeatureTable, chosen: NDArray[np.bool_], options: ComparingOptions
) -> tuple[KeptShare, ...]:
    rated = rate_features(first.names, first.values[chosen], second.values[chosen])
    return count_kept(rated, options.coefficient, options.cutoff)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Classified:
    """Results of the classifiers, as in `RadiomicsComparison`."""

    areas: dict[str, AreaComparison]
    used: int
    remarks: tuple[str, ...]


def _classify(
    first: FeatureTable,
    second: FeatureTable,
    features: Sequence[FeatureAgreement],
    cases: tuple[Outcomes, dict[str, NDArray[np.bool_]]],
    options: ComparingOptions,
) -> _Classified:
    """Return the areas of classifiers on the features that are kept.

    Which features are kept does not depend on the outcome; all else is learnt without the cases that are judged.
    """
    known, groups = cases
    told = np.array([case in known.has for case in first.cases])
    outcomes = np.array([known.has.get(case, False) for case in first.cases])[told]
    subjects = [known.subjects[case] for case, is_told in zip(first.cases, told, strict=True) if is_told]
    kept = {feature.name for feature in features if is_kept(feature, options.coefficient, options.cutoff)}
    both = np.concatenate([first.values[told], second.values[told]])
    columns = np.array([name in kept for name in first.names]) & np.isfinite(both).all(axis=0)
    if not columns.any():
        raise DataError("no feature is kept that all cases have: a classifier has nothing to go by. Lower --cutoff.")
    scores = [
        predict_out_of_fold(
            table.values[told][:, columns], outcomes, units=subjects, folds=options.folds, seed=options.seed
        )
        for table in (first, second)
    ]
    areas = {}
    for name, chosen in groups.items():
        compared = compare_areas(scores[0][chosen[told]], scores[1][chosen[told]], outcomes[chosen[told]])
        if compared is not None:
            areas[name] = compared
    untold = int((~told).sum())
    remarks = [f"With the outcome are cases whose {known.column} is {known.positive}."]
    remarks += [f"{counted(untold, 'case')} without a known outcome: not classified."] if untold else []
    if len(set(subjects)) < len(subjects):
        remarks.append("Some subjects have several cases: they stay in one fold, but tests take cases for independent.")
    return _Classified(areas=areas, used=int(columns.sum()), remarks=tuple(remarks))


def share_rows(result: RadiomicsComparison) -> list[tuple[str, ...]]:
    """Return a row per group of cases and family."""
    return [
        (group, share.family, str(share.kept), str(share.of), f"{share.percent():.1f}")
        for group, shares in result.shares.items()
        for share in shares
    ]


def area_rows(result: RadiomicsComparison) -> list[tuple[str, ...]]:
    """Return a row per group of cases."""
    return [
        (
            group,
            _show(one.first.value, one.first.ci95),
            _show(one.second.value, one.second.ci95),
            _show(one.difference, one.ci95, "+"),
            show_p(one.p).removeprefix("= "),
            f"{one.first.positives} and {one.first.negatives}",
        )
        for group, one in result.areas.items()
    ]


def _show(value: float, interval: tuple[float, float] | None, sign: str = "") -> str:
    shown = f"{value:{sign}.3f}"
    return shown if interval is None else f"{shown} ({interval[0]:{sign}.3f} to {interval[1]:{sign}.3f})"


def describe(result: RadiomicsComparison) -> str:
    """Return the comparison in Markdown."""
    measure = "CCC" if result.coefficient == "ccc" else "ICC(3,1)"
    parts = [
        f"# {mark_title('Features of two kinds of masks', result.simulated)}",
        f"{counted(len(result.cases), 'case')}. A feature is kept if its {measure} is above {result.cutoff:g} (CCC: "
        "Lin 1989; ICC(3,1): two-way mixed, consistency, Shrout 1979).",
        as_markdown(SHARES, share_rows(result)),
    ]
    if result.areas:
        parts += [
            f"Areas under the ROC curve of logistic regression on {counted(result.used, 'kept feature')}, each case "
            "judged by a classifier that did not see it; intervals and tests by DeLong 1988.",
            as_markdown(AREAS, area_rows(result)),
        ]
    parts.append("".join(f"- {remark}\n" for remark in result.remarks))
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def place_features(out: Path) -> Path:
    """Return where the table of features beside a comparison lies."""
    return place_rows(out.with_suffix(".csv"), _COLUMNS[:2])


def _write(out: Path, result: RadiomicsComparison) -> None:
    write_json(out, result)
    write_rows(place_features(out), [_as_row(one, result) for one in result.features])
    write_markdown(place_markdown(out), "radiomics-compare", describe(result))


def _as_row(feature: FeatureAgreement, result: RadiomicsComparison) -> dict[str, str]:
    low, high = feature.concordance.ci95 or (None, None)
    figures = (feature.concordance.value, low, high, feature.intraclass.value)
    kept = is_kept(feature, result.coefficient, result.cutoff)
    cells = ["" if figure is None else f"{figure:.6f}" for figure in figures]
    row = (feature.name, feature.family, *cells, str(feature.n), "yes" if kept else "no")
    return dict(zip(_COLUMNS, row, strict=True)) | ({SIMULATED: "yes"} if result.simulated else {})
