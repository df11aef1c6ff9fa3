"""The result file: labels and metrics are keys in it, so that other programs can look a figure up by name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from autoseg.evaluation.summary import SCHEMA_VERSION, Evaluation
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.jsonfiles import from_plain, read_plain_json, write_json


def write_evaluation(path: Path, evaluation: Evaluation) -> None:
    """Write the result file, atomically."""
    write_json(path, evaluation.to_plain())


def read_evaluation(path: Path) -> Evaluation:
    """Read a result file back, strictly.

    Raises:
        FileFormatError: the file is missing, is no result file or of another schema version.
    """
    plain = read_plain_json(path)
    if isinstance(plain, dict):
        version = plain.get("schema_version")
        if version != SCHEMA_VERSION:
            raise FileFormatError(
                f"{path}: has schema version {version!r}, expected {SCHEMA_VERSION}. "
                "Evaluate again with this version of autoseg."
            )
        plain = _with_lists(plain)
    return from_plain(plain, Evaluation, str(path))


def _with_lists(plain: dict[str, Any]) -> dict[str, Any]:
    """Turn the file's keyed parts into the lists that the dataclasses hold; what is malformed stays as it is."""
    listed = dict(plain)
    if isinstance(plain.get("cases"), list):
        listed["cases"] = [_case_with_list(case) for case in plain["cases"]]
    if isinstance(plain.get("summary"), dict):
        listed["summary"] = [
            {"label": _label(key), "metrics": _metrics(metrics)} for key, metrics in plain["summary"].items()
        ]
    return listed


def _case_with_list(case: Any) -> Any:
    if not isinstance(case, dict) or not isinstance(case.get("labels"), dict):
        return case
    scores = [
        {"label": _label(key), **value} if isinstance(value, dict) else value for key, value in case["labels"].items()
    ]
    return {**case, "labels": scores}


def _metrics(metrics: Any) -> Any:
    if not isinstance(metrics, dict):
        return metrics
    return [{"name": name, "statistics": statistics} for name, statistics in metrics.items()]


def _label(key: str) -> int | str:
    """Return a label's value, or a region's name as it is."""
    try:
        return int(key)
    except ValueError:
        return key
