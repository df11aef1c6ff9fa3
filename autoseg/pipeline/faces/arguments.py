"""Arguments of the public functions: whether each is of the type that it is documented with."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from operator import index
from typing import Any, Literal, SupportsIndex, get_args

from dataset_fingerprints.errors import ArgumentError


@dataclass(frozen=True, slots=True)
class Kind:
    """Kind of values: whether one is of it, and its name in words."""

    fits: Callable[[object], bool]
    expected: str


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Make sure that arguments have the types that they are documented with.

    Args:
        arguments: by name; those that the tables below do not hold are left alone.

    Raises:
        ArgumentError: one has not; the message names it.
    """
    for name, value in arguments.items():
        if value is None and name in _OPTIONAL:
            continue
        for names, kind in _TYPES:
            if name in names:
                check_argument(name, value, kind)


def check_argument(name: str, value: Any, kind: Kind) -> None:
    """Make sure that an argument is of a kind.

    Raises:
        ArgumentError: it is not.
    """
    if not kind.fits(value):
        raise ArgumentError(f"{name} is {_show(value)}. Expected {kind.expected}.")


def as_number(value: Any) -> float | None:
    """Return a number of any type, numpy's too, as Python's; None stays None."""
    return None if value is None else float(value)


def as_whole_number(value: SupportsIndex | None) -> int | None:
    """Return a whole number of any type, numpy's too, as Python's; None stays None."""
    return None if value is None else index(value)


def as_several(values: Any) -> tuple[Any, ...]:
    """Return values as a tuple; a single one may be given without a list."""
    if isinstance(values, str) or not isinstance(values, Iterable):
        return (values,)
    return tuple(values)


def split_names(texts: Iterable[str]) -> tuple[str, ...]:
    """Return names that are given one by one, or several in a text, separated by commas."""
    return tuple(name.strip() for text in texts for name in text.split(",") if name.strip())


def _is_path(value: object) -> bool:
    if not isinstance(value, str | os.PathLike):
        return False
    text = os.fspath(value)
    return isinstance(text, str) and bool(text) and "\0" not in text


def _are_paths(value: object) -> bool:
    several = as_several(value) if not isinstance(value, os.PathLike) else (value,)
    return bool(several) and all(map(_is_path, several))


def _is_place(value: object) -> bool:
    """Return whether a value is a path or a workspace, which has one."""
    return _is_path(value) or _is_path(getattr(value, "root", None))


def _is_number(value: object) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


def _is_whole_number(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _are_texts(value: object) -> bool:
    return all(isinstance(entry, str) for entry in as_several(value))


def _are_whole_numbers(value: object) -> bool:
    return all(map(_is_whole_number, as_several(value)))


def _are_folds(value: object) -> bool:
    return all(isinstance(entry, str) or _is_whole_number(entry) for entry in as_several(value))


PATH = Kind(_is_path, "a path")
INTEGERS = Kind(_are_whole_numbers, "integers")
NUMBER = Kind(_is_number, "a number")
WHOLE_NUMBER = Kind(_is_whole_number, "a whole number")
FLAG = Kind(_is_flag, "True or False")
TEXT = Kind(_is_text, "text")
Normalization = Literal["none", "white_stripe", "zscore_body"]
NORMALIZATION = Kind(lambda value: value in get_args(Normalization), f"one of {', '.join(get_args(Normalization))}")
_OPTIONAL = frozenset(
    {
        *("workspace", "splits", "gpu_memory_gb", "max_hours", "max_minutes", "iterations", "patience", "memory_gb"),
        *("folds_at_once", "configuration", "planner", "ignore", "out", "target", "from_model", "like", "unlabelled"),
        *("benchmark", "predictions", "probability_maps", "candidates", "hours"),
        *("masks", "max_memory_gb", "model", "mirror", "traits", "references", "other", "template", "roi_maximum"),
        *("inside", "outcomes", "patch_scans", "plan_name"),
    }
)
_TYPES: tuple[tuple[frozenset[str], Kind], ...] = (
    (frozenset({"dataset", "prediction", "reference", "splits", "out", "from_model", "like", "model"}), PATH),
    (frozenset({"benchmark", "predictions", "probability_maps", "unlabelled"}), PATH),
    (frozenset({"readers", "scores", "sources"}), Kind(lambda value: value in ((), []) or _are_paths(value), "paths")),
    (frozenset({"masks", "references", "other", "table", "template", "traits"}), PATH),
    (frozenset({"inside", "outcomes", "patch_scans", "patches"}), PATH),
    (frozenset({"roi_maximum", "min_mm3", "midline_mm", "fitter_share", "scale"}), NUMBER),
    (frozenset({"scans"}), Kind(_are_paths, "a path, or several")),
    (frozenset({"workspace", "source", "target"}), Kind(_is_place, "a path or a Workspace")),
    (frozenset({"gpu_memory_gb", "max_hours", "max_memory_gb", "max_minutes", "memory_gb", "memory_share"}), NUMBER),
    (frozenset({"cutoff", "hours", "spacing_mm"}), NUMBER),
    (frozenset({"seed", "iterations", "patience", "folds_at_once", "ignore", "candidates"}), WHOLE_NUMBER),
    (frozenset({"bins", "count", "size", "step", "test_count"}), WHOLE_NUMBER),
    (frozenset({"interval", "name", "licence", "intended_use"}), TEXT),
    (frozenset({"person", "initial", "follow_up", "outcome", "positive"}), TEXT),
    (frozenset({"plan_name", "planner", "configuration", "mask", "quality", "convention"}), TEXT),
    (
        frozenset({"mirror", "onnx", "overwrite", "zero_missing", "with_previous", "strict", "allow_seen", "selected"})
        | {"probabilities", "uncertainty", "bids", "same_space", "restart", "levels", "cost", "best"}
        | {"bias_correction", "own_plan", "wavelets"},
        Kind(_is_flag, "True or False"),
    ),
    (
        frozenset({"by", "channels", "configurations", "rules", "assignments", "regions", "metrics", "names"})
        | {"allow", "methods", "over", "test"},
        Kind(_are_texts, "texts"),
    ),
    (frozenset({"fold", "folds"}), Kind(_are_folds, "numbers of folds, or names such as 'full'")),
)


def _show(value: object) -> str:
    text = repr(value)
    shown = text if len(text) <= 80 else f"{text[:77]}..."
    return f"{shown}, of type {type(value).__name__}"
