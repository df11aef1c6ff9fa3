"""Classical methods as a person names them: `threshold`, or with options `threshold:sigmas=3`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from autoseg.classical.table import BASELINES, Baseline
from dataset_fingerprints.errors import PlanError, did_you_mean


def choose_baselines(texts: Sequence[str]) -> dict[str, Baseline]:
    """Return methods by what they were called, which is also a folder's name; all of them for no text.

    Raises:
        PlanError: there is no such method or option, or a value is no number.
    """
    return {text: parse_baseline(text) for text in texts or BASELINES}


def parse_baseline(text: str) -> Baseline:
    """Return the method that a text such as `threshold:sigmas=3` names.

    Raises:
        PlanError: there is no such method or option, or a value is no number.
    """
    name, colon, given = text.partition(":")
    kind = BASELINES.get(name)
    if kind is None:
        raise PlanError(f"--method {text}: there is no such method. {did_you_mean(name, BASELINES)}")
    values = dict(_parse_option(text, kind, entry) for entry in given.split(",")) if colon else {}
    return kind(**values)


def _parse_option(text: str, kind: type[Any], entry: str) -> tuple[str, int | float]:
    option, equals, value = (part.strip() for part in entry.partition("="))
    # What takes no number is none of a text's.
    defaults = {field.name: field.default for field in fields(kind) if isinstance(field.default, int | float)}
    if option not in defaults:
        raise PlanError(f"--method {text}: has no option '{option}'. {did_you_mean(option, defaults)}")
    kind_of_number = type(defaults[option])
    try:
        number = kind_of_number(value)
    except ValueError:
        number = None
    if not equals or number is None or not 0 <= number < float("inf"):
        expected = "a whole number" if kind_of_number is int else "a number"
        raise PlanError(f"--method {text}: {option} is '{value}'. Expected {expected} of 0 or more.")
    return option, number
