"""Agreement of readers: the masks of every two of them scored, and tables of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from pathlib import Path

from autoseg.evaluation import Convention, Evaluation, Pairing, Targets, evaluate_pairs, pair_files
from autoseg.evaluation.analysis.readers import ReaderAgreement, compare_readers, conclude
from autoseg.evaluation.analysis.voxels import TITLES
from autoseg.evaluation.statistics.agreement import Coefficient
from autoseg.evaluation.traits import find_subjects
from autoseg.pipeline.scores.case_tables import SIMULATED, show_figure
from autoseg.pipeline.scores.label_names import find_names, keep_scored
from autoseg.pipeline.scores.simulated_scans import are_simulated
from autoseg.pipeline.statistics.tables import as_markdown, place_markdown, place_rows, write_markdown, write_rows
from autoseg.pipeline.statistics.voxels import measure_voxels
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.files.jsonfiles import to_json, write_json
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

PAIRS = ("metric", "first", "second", "mean", "95 % interval", "median", "n")
VOLUMES = ("volumes of", "bias, ml", "limits, ml", "ICC(2,1)", "ICC(3,1)", "CCC", "r")
_KEYS = ("label", "first", "second", "figure")
FIELDS = frozenset({"readers", "pairs", "volumes", "contrasts"})
# In place of a label.
_ALL = "all labels"
_SCHEMA_VERSION = 1


def measure_agreement(
    raters: Mapping[str, Path],
    model: str,
    targets: Targets,
    convention: Convention,
    names: Sequence[Label] = (),
    workers: int = 1,
) -> ReaderAgreement:
    """Score the masks of every two raters, and compare.

    Args:
        raters: folders of masks by name.
        model: which of them is the model; empty for none.
        targets: what to score.
        convention: the metrics.
        names: of labels.
        workers: threads that score cases.

    Raises:
        DataError: raters have no case in common, or masks of one cannot be scored.
    """
    readers = [name for name in raters if name != model]
    pairs = [*combinations(readers, 2), *((model, reader) for reader in readers if model)]
    evaluations: dict[tuple[str, str], Evaluation] = {}
    pairings: dict[tuple[str, str], Pairing] = {}
    for prediction, reference in pairs:
        pairing = pairings[prediction, reference] = pair_files(raters[prediction], raters[reference])
        evaluation = evaluate_pairs(pairing, targets, convention, workers=workers)
        known = names or find_names(raters[prediction], raters[reference], pairing.scheme, None)
        simulated = are_simulated(pairing, raters[prediction])
        evaluations[prediction, reference] = replace(
            evaluation, names=keep_scored(known, evaluation), simulated=simulated
        )
    found = compare_readers(evaluations, readers, model)
    subjects = find_subjects(found.cases, [one for evaluation in evaluations.values() for one in evaluation.traits])
    return replace(found, voxels=measure_voxels(pairings, found, targets, subjects, workers))


def write_agreement(out: Path, agreement: ReaderAgreement) -> None:
    """Write the agreement as JSON, and beside it as CSV and Markdown."""
    plain = json.loads(to_json(agreement))
    plain["conclusions"] = list(conclusions(agreement))
    if not agreement.simulated:
        del plain[SIMULATED]
    write_json(out, {"schema_version": _SCHEMA_VERSION} | plain)
    write_rows(place_table(out), _as_rows(agreement))
    write_markdown(place_markdown(out), "agreement", describe_agreement(agreement))


def place_table(out: Path) -> Path:
    """Return where the table beside an agreement lies."""
    return place_rows(out.with_suffix(".csv"), _KEYS)


def conclusions(agreement: ReaderAgreement) -> tuple[str, ...]:
    """Return what the agreement says, in sentences."""
    said = []
    for one in agreement.contrasts:
        of = f"{agreement.names[one.label]}: " if len(agreement.names) > 1 else ""
        said.append(of + conclude(one, agreement.titles[one.metric]))
    for label, found in agreement.all_readers.items():
        if found.absolute.value is not None:
            many = counted(len(agreement.readers), "reader")
            said.append(
                f"Volumes of {agreement.names[label]} by {many}: ICC(2,1) {_show(found.absolute)}, ICC(3,1) "
                f"{_show(found.consistent)}."
            )
    return (*said, *agreement.remarks)


def describe_agreement(agreement: ReaderAgreement) -> str:
    """Return the agreement in Markdown."""
    raters = ", ".join((*agreement.readers, *([f"{agreement.model} (model)"] if agreement.model else [])))
    parts = [
        f"# {mark_title(f'Agreement of {raters}', agreement.simulated)}",
        f"{counted(len(agreement.cases), 'case')}. 95 % intervals of means: BCa bootstrap over subjects; limits of "
        "agreement: bias and 1.96 SD of the differences (Bland 1986); ICC with intervals by F (Shrout 1979), CCC by "
        "Fisher's z (Lin 1989). Scores of two masks are the same whichever comes first; the volume difference has no "
        "sign, the bias of volumes has.",
        as_markdown(PAIRS, pair_rows(agreement)),
        as_markdown(PAIRS, rows) if (rows := voxel_rows(agreement)) else "",
        as_markdown(VOLUMES, volume_rows(agreement)),
        "".join(f"- {sentence}\n" for sentence in conclusions(agreement)),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def pair_rows(agreement: ReaderAgreement) -> list[tuple[str, ...]]:
    """Return a row per metric, label and pair."""
    several = len(agreement.names) > 1
    return [
        (
            f"{agreement.names[one.label]}: {agreement.titles[one.metric]}"
            if several
            else agreement.titles[one.metric],
            one.first,
            one.second,
            show_figure(one.statistics.mean) or "-",
            _interval(one.statistics.ci95),
            show_figure(one.statistics.median) or "-",
            str(one.statistics.n),
        )
        for one in agreement.pairs
    ]


def voxel_rows(agreement: ReaderAgreement) -> list[tuple[str, ...]]:
    """Return a row per measure of all labels together and pair; none of one label, whose own scores say it.

    Kappa is over voxels that either labels: with one label it cannot exceed 0.
    """
    if len(agreement.names) < 2:
        return []
    return [
        (
            TITLES[one.measure],
            one.first,
            one.second,
            show_figure(one.statistics.mean) or "-",
            _interval(one.statistics.ci95),
            show_figure(one.statistics.median) or "-",
            str(one.statistics.n),
        )
        for one in agreement.voxels
    ]


def volume_rows(agreement: ReaderAgreement) -> list[tuple[str, ...]]:
    """Return a row per label and pair."""
    several = len(agreement.names) > 1
    return [
        (
            f"{f'{agreement.names[one.label]}: ' if several else ''}{one.second} minus {one.first}",
            "-" if one.limits is None else f"{one.limits.bias:+.2f}",
            "-" if one.limits is None else f"{one.limits.lower:+.2f} to {one.limits.upper:+.2f}",
            *(_show(found) for found in (one.intraclass.absolute, one.intraclass.consistent)),
            *(_show(found) for found in (one.concordance, one.pearson)),
        )
        for one in agreement.volumes
    ]


def _as_rows(agreement: ReaderAgreement) -> list[dict[str, str]]:
    rows = []
    for pair in agreement.pairs:
        keys = (agreement.names[pair.label], pair.first, pair.second, pair.metric)
        rows.append(_row(keys, pair.statistics.mean, pair.statistics.ci95, pair.statistics.n))
    for voxels in agreement.voxels:
        keys = (_ALL, voxels.first, voxels.second, voxels.measure)
        rows.append(_row(keys, voxels.statistics.mean, voxels.statistics.ci95, voxels.statistics.n))
    for one in agreement.volumes:
        figures: list[tuple[str, float | None, tuple[float, float] | None]] = []
        if one.limits is not None:
            limits = one.limits
            figures += [
                ("volume bias ml", limits.bias, limits.bias_ci95),
                ("volume lower limit ml", limits.lower, limits.lower_ci95),
                ("volume upper limit ml", limits.upper, limits.upper_ci95),
                ("volume proportional bias", limits.slope, limits.slope_ci95),
            ]
        named = {
            "volume ICC(2,1)": one.intraclass.absolute,
            "volume ICC(3,1)": one.intraclass.consistent,
            "volume CCC": one.concordance,
            "volume r": one.pearson,
        }
        figures += [(name, found.value, found.ci95) for name, found in named.items()]
        whose = (agreement.names[one.label], one.first, one.second)
        rows += [_row((*whose, name), value, interval, one.n) for name, value, interval in figures]
    marks = {SIMULATED: "yes"} if agreement.simulated else {}
    return [row | marks for row in rows]


def _row(keys: Sequence[str], value: float | None, interval: tuple[float, float] | None, n: int) -> dict[str, str]:
    low, high = interval or (None, None)
    shown = {"value": value, "low": low, "high": high}
    named = dict(zip(_KEYS, keys, strict=True))
    return named | {name: show_figure(number, 6) for name, number in shown.items()} | {"cases": str(n)}


def _show(found: Coefficient) -> str:
    return "-" if found.value is None else f"{found.value:.3f}" + (f" ({_interval(found.ci95)})" if found.ci95 else "")


def _interval(interval: tuple[float, float] | None) -> str:
    return "-" if interval is None else f"{interval[0]:.3f} to {interval[1]:.3f}"
