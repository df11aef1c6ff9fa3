"""Messages for callers of the public functions: what the command line calls options are arguments there.

Errors are written in the words of the command line, whose users are most. Everything that it calls by another name, or
that a call spells otherwise, is in the tables below.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from dataset_fingerprints.errors import AutosegError

P = ParamSpec("P")
R = TypeVar("R")

# Options that are not called like their argument.
_OTHER_NAMES = {
    "-c": "configuration",
    "-f": "folds",
    "-m": "model",
    "-o": "out",
    "-w": "workspace",
    "--channel": "channels",
    "--fold": "folds",
    "--from": "from_model",
    "--images": "dataset",
    "--jobs": "folds_at_once",
    "--label": "labels",
    "--map": "meanings",
    "--id": "person",
    "--method": "methods",
    "--metric": "metrics",
    "--metrics": "metrics",
    "--name": "names",
    "--plan": "plan_name",
    "--reader": "readers",
    "--region": "regions",
    "--roi": "rois",
    "--rule": "rules",
    "--set": "assignments",
    "--spacing": "spacing_mm",
    "--task": "tasks",
}
# Options without a value.
_FLAGS = (
    *(
        "--allow-seen",
        "--bias-correction",
        "--bids",
        "--cost",
        "--levels",
        "--onnx",
        "--overwrite",
        "--probabilities",
        "--restart",
        "--same-space",
        "--strict",
        "--uncertainty",
    ),
    *("--with-previous", "--zero-missing"),
)
_SAME_NAMES = (
    *("--by", "--configuration", "--gpu-memory-gb", "--ignore", "--interval", "--iterations", "--labels", "--mask"),
    *(
        "--like",
        "--max-hours",
        "--max-memory-gb",
        "--max-minutes",
        "--memory-gb",
        "--memory-share",
        "--model",
        "--out",
        "--patience",
        "--plan-name",
        "--planner",
        "--quality",
        "--seed",
        "--scale",
        "--series",
    ),
    *("--benchmark", "--convention", "--predictions", "--probability-maps"),
    *("--splits", "--traits", "--workspace"),
    *("--candidates", "--hours", "--over", "--score"),
    *("--connectivity", "--fitter-share", "--follow-up", "--initial", "--other", "--references", "--roi-maximum"),
    *("--midline-mm", "--template", "--unlabelled"),
    *("--allow", "--bins", "--blocks", "--count", "--cutoff", "--inside", "--manual", "--normalization", "--outcome"),
    *("--outcomes", "--patch-scans", "--positive", "--size", "--step", "--test", "--test-count"),
)
# Arguments that take several values, where a command has an option for each.
_LISTS = (
    *("assignments", "by", "channels", "folds", "labels", "methods", "metrics", "names", "readers", "regions"),
    *("rois", "rules"),
)
# What a value without an option is for: the first argument of the function.
_FIRST = {
    "check": "dataset",
    "explain": "target",
    "label accept": "folder",
    "label next": "workspace",
    "label start": "dataset",
    "label status": "workspace",
    "label table": "workspace",
    "label train": "workspace",
    "plan_and_preprocess": "dataset",
    "predict": "scans",
    "train": "fold",
    "tune": "fold",
}

_VALUE = r"[A-Z]{2,}|(?<=--allow )[a-z]+|[\w.]+=[^\s,;)`]*[^\s.,:;)`]"
_OPTION = re.compile(rf"(?<![\w/.=-])(--?[a-z][a-z-]*)(?![\w=/-])(?: (?P<value>{_VALUE}))?")
_COMMAND = re.compile(rf"`autoseg ({'|'.join(_FIRST)})((?: [^`]*)?)`")
_FOLDS = re.compile(r"-f (\w+)((?: -f \w+)*)")


def argument_of(option: str) -> str | None:
    """Return the argument of the public functions that an option stands for; None for what is no such option."""
    if option in _OTHER_NAMES:
        return _OTHER_NAMES[option]
    return option.lstrip("-").replace("-", "_") if option in (*_FLAGS, *_SAME_NAMES) else None


def in_python(function: Callable[P, R]) -> Callable[P, R]:
    """Return a function whose errors speak of arguments instead of options."""

    @wraps(function)
    def speaking(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except AutosegError as error:
            error.args = (say_in_python(str(error)), *error.args[1:])
            raise

    return speaking


def say_in_python(message: str) -> str:
    """Return a message in which commands are calls and options are arguments."""
    return _OPTION.sub(_as_argument, _FOLDS.sub(_as_folds, _COMMAND.sub(_as_call, message)))


def _as_call(found: re.Match[str]) -> str:
    command, words = found[1], found[2].split()
    arguments = []
    while words:
        word = words.pop(0)
        name = argument_of(word)
        if name is None and word.startswith("-"):
            return found[0]
        if word in _FLAGS:
            arguments.append(f"{name}=True")
        elif name is not None:
            arguments.append(_assign(name, words.pop(0) if words else "..."))
        else:
            arguments.append(_assign(_FIRST[command], word))
    return f"`autoseg.{command.replace(' ', '_')}({', '.join(arguments)})`"


def _as_folds(found: re.Match[str]) -> str:
    folds = [found[1], *found[2].replace("-f", "").split()]
    return f"folds=[{', '.join(map(_quote, folds))}]"


def _as_argument(found: re.Match[str]) -> str:
    option, value = found[1], found["value"]
    name = argument_of(option)
    if name is None:
        return found[0]
    # Some are switches of one command, and have a value in another.
    if option in _FLAGS and not found.string.startswith(" is ", found.end()):
        return f"{name}=True" + (f" {value}" if value else "")
    if value is not None:
        return _assign(name, value)
    return f"{name}=..." if found.string[: found.start()].endswith("with ") else name


def _assign(name: str, value: str) -> str:
    return f"{name}=[{_quote(value)}]" if name in _LISTS else f"{name}={_quote(value)}"


def _quote(value: str) -> str:
    """Return a value as Python spells it; words in capitals stand for something."""
    return value if value.isupper() or value.isdigit() or value == "..." else f"'{value}'"
