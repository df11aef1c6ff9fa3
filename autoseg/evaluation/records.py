"""The result file: labels and metrics are keys in it, so that other programs can look a figure up by name."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autoseg.evaluation.cases import CaseScores
from autoseg.evaluation.conventions import Convention
from autoseg.evaluation.metrics import MetricOptions, describe_empty, describe_matching
from autoseg.evaluation.pooled import PooledOptions
from autoseg.evaluation.pooled.pooling import PooledFigure
from autoseg.evaluation.results import ALL_PAIRED, NONE_SEEN, SCHEMA_VERSION, Evaluation, MetricSummary
from autoseg.evaluation.traits import CaseTraits
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.checksums import CHECKSUM, Seal, make_seal
from dataset_fingerprints.files.jsonfiles import from_plain, read_plain_json, to_json, write_json

# Why a case may be in no statistics.
_LEFT_OUT = ("missed", "invented", "absent")
_NAMES = "label_names"
# What is known of a case: its subject, and further traits by name.
_TRAITS, _SUBJECT = "traits", "subject"
# Whether a model had been trained on a case, or on any, from which the training started.
_SEEN = "seen_before"
_POOLED = "pooled"
# Fields of a convention that only some have.
_SOME = (_POOLED, "soft", "about")
# As labels are written; a region may have a name that Python would read as a number, too, such as 1_0.
_VALUE = re.compile(r"0|-?[1-9][0-9]{0,9}")


def write_evaluation(path: Path, evaluation: Evaluation, *, sealed: bool = False) -> None:
    """Write the result file, atomically.

    Args:
        path: of the file.
        evaluation: all figures.
        sealed: add a checksum, as to all files of a workspace.

    Raises:
        PlanError: the convention has an unknown metric.
    """
    plain = json.loads(to_json(to_plain(evaluation)))
    write_json(path, {**plain, CHECKSUM: make_seal(plain)} if sealed else plain)


def holds_evaluation(path: Path, evaluation: Evaluation) -> bool:
    """Return whether a file that was written without a checksum holds these very figures."""
    with suppress(FileFormatError):
        return bool(read_plain_json(path) == json.loads(to_json(to_plain(evaluation))))
    return False


def read_evaluation(path: Path) -> Evaluation:
    """Read a result file back, strictly.

    Raises:
        FileFormatError: the file is missing, is not a result file, of another schema version, or damaged.
    """
    plain = read_plain_json(path)
    seal = Seal(plain)
    if isinstance(plain, dict):
        if not plain.keys() & {"conventions", "summary"} and "schema_version" in plain:
            raise FileFormatError(f"{path}: holds no scores. Expected a file that `autoseg evaluate` writes.")
        version = plain.get("schema_version")
        if version != SCHEMA_VERSION:
            raise FileFormatError(
                f"{path}: has schema version {version!r}, expected {SCHEMA_VERSION}. "
                "Evaluate again with this version of autoseg."
            )
        plain = _with_lists(plain)
    evaluation = from_plain(plain, Evaluation, str(path))
    seal.refuse_broken(str(path), "Evaluate again.")
    return evaluation


def to_plain(evaluation: Evaluation) -> dict[str, Any]:
    """Return the plain values of the result file, in which labels and metrics are keys.

    Raises:
        PlanError: the convention has an unknown metric.
    """
    failures = [asdict(failure) for failure in evaluation.failures]
    partial = evaluation.convention.partial_metrics()
    marked = evaluation.seen != NONE_SEEN
    marks = evaluation.seen.marks(case.case for case in evaluation.cases) if marked else {}
    traits = {one.case: _plain_traits(one) for one in evaluation.traits}
    return {
        "schema_version": evaluation.schema_version,
        **({"simulated": True} if evaluation.simulated else {}),
        **({"scale": evaluation.scale} if evaluation.scale != 1 else {}),
        **({"failures": failures} if failures else {}),
        **({"unpaired": asdict(evaluation.unpaired)} if evaluation.unpaired != ALL_PAIRED else {}),
        **({_NAMES: {str(label.value): label.name for label in evaluation.names}} if evaluation.names else {}),
        **({_SEEN: {"note": evaluation.seen.describe(), **asdict(evaluation.seen)}} if marked else {}),
        "conventions": _plain_convention(evaluation.convention),
        "cases": [
            {
                "case": case.case,
                **({_SEEN: marks[case.case]} if marked else {}),
                "labels": {
                    str(label.label): {score.metric: score.value for score in label.scores} for label in case.labels
                },
                **_plain_presence(case),
                **({_TRAITS: traits[case.case]} if traits.get(case.case) else {}),
            }
            for case in evaluation.cases
        ],
        "summary": {
            str(label.label): {
                metric.name: asdict(metric.statistics) | _plain_counts(metric, metric.name in partial)
                for metric in label.metrics
            }
            for label in evaluation.summary
        },
        **_plain_pooled(evaluation),
    }


def _plain_traits(traits: CaseTraits) -> dict[str, str]:
    return ({_SUBJECT: traits.subject} if traits.subject else {}) | dict(traits.known)


def _plain_pooled(evaluation: Evaluation) -> dict[str, Any]:
    """Return the figures of all cases together by label and name, as far as there are any."""
    found = {str(label.label): {one.name: _plain_figure(one) for one in label.pooled} for label in evaluation.summary}
    return {_POOLED: found} if any(found.values()) else {}


def _plain_figure(figure: PooledFigure) -> dict[str, Any]:
    return {key: value for key, value in asdict(figure).items() if key != "name"}


def _plain_counts(metric: MetricSummary, partial: bool) -> dict[str, int]:
    """Return how many cases a metric leaves out, and why, of one that can leave some out."""
    counts = {key: getattr(metric, key) for key in _LEFT_OUT}
    return counts if partial or any(counts.values()) else {}


def _plain_presence(case: CaseScores) -> dict[str, list[str]]:
    """Return the labels that one mask of a case, or both, does not hold, as far as there are any."""
    found = {key: [str(label.label) for label in case.labels if label.presence == key] for key in _LEFT_OUT}
    return {key: labels for key, labels in found.items() if labels}


def _plain_convention(convention: Convention) -> dict[str, Any]:
    """Return a convention whose metrics are keys, each with its description beside its options."""
    built = convention.build()
    metrics = {entry.name: asdict(entry.metric) | _describe(built[entry.name]) for entry in convention.metrics}
    figures = convention.build_pooled()
    pooled = {entry.name: asdict(entry.metric) | _describe(figures[entry.name]) for entry in convention.pooled}
    plain = asdict(convention) | {"metrics": metrics, "pooled": pooled}
    # What only some conventions have is left out of the others.
    return {key: value for key, value in plain.items() if key not in _SOME or value}


def _describe(metric: MetricOptions | PooledOptions) -> dict[str, Any]:
    """Return a metric's description, with its rules for empty masks and for lesions in words."""
    return asdict(metric.about) | {"empty": describe_empty(metric), "matching": describe_matching(metric)}


def _with_lists(plain: dict[str, Any]) -> dict[str, Any]:
    """Turn the file's keyed fields into the lists that the dataclasses hold; what is malformed stays as it is."""
    listed = dict(plain)
    if "conventions" in listed:
        listed["convention"] = _convention(listed.pop("conventions"))
    if isinstance(plain.get(_NAMES), dict):
        listed["names"] = [{"name": name, "value": _label(value)} for value, name in listed.pop(_NAMES).items()]
    if isinstance(plain.get(_SEEN), dict):
        listed["seen"] = {key: value for key, value in listed.pop(_SEEN).items() if key != "note"}
    pooled = listed.pop(_POOLED, {})
    if isinstance(plain.get("cases"), list):
        listed["traits"] = [_traits(case) for case in plain["cases"] if isinstance(case, dict) and _TRAITS in case]
        listed["cases"] = [_case_with_list(case) for case in plain["cases"]]
    if isinstance(plain.get("summary"), dict):
        listed["summary"] = [
            {"label": _label(key), "metrics": _metrics(metrics), "pooled": _figures(pooled, key)}
            for key, metrics in plain["summary"].items()
        ]
    return listed


def _convention(plain: Any) -> Any:
    if not isinstance(plain, dict) or not isinstance(plain.get("metrics"), dict):
        return plain
    named = {"metrics": [_named_metric(key, metric) for key, metric in plain["metrics"].items()]}
    if isinstance(plain.get(_POOLED), dict):
        named[_POOLED] = [_named_metric(key, figure) for key, figure in plain[_POOLED].items()]
    return {**plain, **named}


def _figures(pooled: Any, label: str) -> Any:
    """Return a label's figures of all cases as a list."""
    figures = pooled.get(label, {}) if isinstance(pooled, dict) else pooled
    if not isinstance(figures, dict):
        return figures
    return [{"name": name, **figure} if isinstance(figure, dict) else figure for name, figure in figures.items()]


def _named_metric(name: str, plain: Any) -> Any:
    """Take name and options; the description follows from them."""
    if not isinstance(plain, dict):
        return plain
    return {"name": name, "metric": {key: plain[key] for key in ("name", "options") if key in plain}}


def _case_with_list(case: Any) -> Any:
    if not isinstance(case, dict) or not isinstance(case.get("labels"), dict):
        return case
    lists = {name: case[name] for name in _LEFT_OUT if isinstance(case.get(name), list)}
    presence = {str(key): name for name, keys in lists.items() for key in keys}
    labels = [
        {
            "label": _label(key),
            "scores": [{"metric": name, "value": score} for name, score in value.items()],
            "presence": presence.get(key, "both"),
        }
        if isinstance(value, dict)
        else value
        for key, value in case["labels"].items()
    ]
    return {**{key: value for key, value in case.items() if key not in (*lists, _SEEN, _TRAITS)}, "labels": labels}


def _traits(case: Mapping[str, Any]) -> dict[str, Any]:
    known = case[_TRAITS]
    if not isinstance(known, dict):
        return {"case": case.get("case"), "known": known}
    others = {name: value for name, value in known.items() if name != _SUBJECT}
    return {"case": case.get("case"), "known": others} | ({_SUBJECT: known[_SUBJECT]} if _SUBJECT in known else {})


def _metrics(metrics: Any) -> Any:
    if not isinstance(metrics, dict):
        return metrics
    return [_metric(name, plain) for name, plain in metrics.items()]


def _metric(name: str, plain: Any) -> dict[str, Any]:
    if not isinstance(plain, dict):
        return {"name": name, "statistics": plain}
    counts = {key: plain[key] for key in _LEFT_OUT if key in plain}
    return {"name": name, "statistics": {key: plain[key] for key in plain if key not in counts}, **counts}


def _label(key: str) -> int | str:
    """Return a label's value, or a region's name as it is."""
    return int(key) if _VALUE.fullmatch(key) else key
