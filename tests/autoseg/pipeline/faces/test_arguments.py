"""Arguments of the public functions: a wrong type is one message that names the argument."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import autoseg
from autoseg.pipeline.faces.arguments import as_number, as_several, as_whole_number, check_arguments
from dataset_fingerprints.errors import ArgumentError, AutosegError

WRONG: dict[str, tuple[str, dict[str, Any], str]] = {
    "data set that is a number": ("plan_and_preprocess", {"dataset": 3}, "dataset is 3, of type int. Expected a path"),
    "no data set": ("plan_and_preprocess", {"dataset": None}, "dataset is None"),
    "empty path": ("predict", {"scans": "", "out": "x"}, "scans is '', of type str. Expected a path"),
    "path of bytes": ("predict", {"scans": b"x", "out": "x"}, "scans is b'x'"),
    "path with a zero": ("predict", {"scans": "a\0b", "out": "x"}, "scans is 'a.x00b'"),
    "list with a number": (
        "predict",
        {"scans": ["a", 2], "out": "x"},
        "scans is .'a', 2., of type list. Expected a path, or several",
    ),
    "workspace that is a number": ("train", {"workspace": 5}, "workspace is 5.*a path or a Workspace"),
    "label folder": ("plan_and_preprocess", {"dataset": "x", "labels": 1}, "labels is 1"),
    "text for a seed": (
        "plan_and_preprocess",
        {"dataset": "x", "seed": "5"},
        "seed is '5', of type str",
    ),
    "half a seed": ("plan_and_preprocess", {"dataset": "x", "seed": 1.5}, "seed is 1.5, of type float"),
    "text for a time": ("train", {"workspace": "x", "max_minutes": "15"}, "max_minutes is '15'.*Expected a number"),
    "true for a number": ("train", {"workspace": "x", "iterations": True}, "iterations is True, of type bool"),
    "complex memory": ("explain", {"target": "x", "gpu_memory_gb": 8j}, "gpu_memory_gb is 8j"),
    "text for a switch": ("predict", {"scans": "x", "out": "x", "mirror": "no"}, "mirror is 'no'.*True or False"),
    "text for beginning anew": ("train", {"workspace": "x", "restart": "no"}, "restart is .no..*True or False"),
    "text for levels": ("evaluate", {"prediction": "x", "reference": "y", "levels": "no"}, "levels is .no."),
    "text for costs": ("explain", {"target": "x", "cost": "no"}, "cost is .no..*True or False"),
    "kind of interval": ("compare", {"scores": ["a", "b"], "interval": "bootstrap"}, "interval is .bootstrap."),
    "numbers for names": ("predict", {"scans": "x", "out": "x", "configurations": [1]}, "configurations is .1.,"),
    "no names": ("plan_and_preprocess", {"dataset": "x", "rules": None}, "rules is None.*Expected texts"),
    "half a fold": ("predict", {"scans": "x", "out": "x", "folds": [0.5]}, "folds is .0.5."),
    "no name for a plan": ("plan_and_preprocess", {"dataset": "x", "plan_name": None}, "plan_name is None.*text"),
    "no planner": ("plan_and_preprocess", {"dataset": "x", "planner": None}, "planner is None.*text"),
    "name of a plan": ("load_model", {"source": "x", "plan_name": 1}, "plan_name is 1, of type int. Expected text"),
    "labels of text": ("evaluate", {"prediction": "x", "reference": "y", "labels": ["1"]}, "labels is .'1'..*integers"),
    "two folders of masks": (
        "measure_radiomics",
        {"masks": ["a", "b"], "scans": "x", "out": "y"},
        "masks is .'a', 'b'., of type list. Expected a path",
    ),
    "another normalization": (
        "measure_radiomics",
        {"masks": "a", "scans": "x", "out": "y", "normalization": "minmax"},
        "normalization is 'minmax'.*one of none, white_stripe, zscore_body",
    ),
    "another coefficient": (
        "compare_radiomics",
        {"reference": "a", "other": "b", "out": "c", "coefficient": "r"},
        "coefficient is 'r'.*ccc or icc",
    ),
    "text for parts": (
        "compare_radiomics",
        {"reference": "a", "other": "b", "out": "c", "folds": "all"},
        "folds is 'all'",
    ),
    "true for a cost": ("weak_labels", {"patches": "a", "scans": "b", "out": "c", "cost": True}, "cost is True"),
    "true for grey levels": (
        "weak_labels",
        {"patches": "a", "scans": "b", "out": "c", "levels": True},
        "levels is True",
    ),
    "no data set to label": ("label_start", {"dataset": None}, "dataset is None.*Expected a path"),
    "text for a number of scans": ("label_next", {"count": "8"}, "count is '8'.*a whole number"),
    "another way": ("label_next", {"way": "uncertain"}, "way is 'uncertain'. Did you mean 'uncertainty'"),
    "number for a loop": ("label_status", {"workspace": 3}, "workspace is 3.*Expected a path"),
    "a long value": ("explain", {"target": ["x" * 500]}, r"target is \['x{75}\.\.\., of type list"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_a_wrong_type_is_one_message_with_the_arguments_name(kind: str) -> None:
    function, arguments, message = WRONG[kind]
    with pytest.raises(ArgumentError, match=message) as caught:
        getattr(autoseg, function)(**arguments)
    assert isinstance(caught.value, AutosegError)
    assert isinstance(caught.value, TypeError)


def test_numbers_of_numpy_are_numbers() -> None:
    check_arguments({"seed": np.int64(3), "max_minutes": np.float32(1.5), "folds": (np.int8(1), "full")})
    assert (as_number(np.float32(1.5)), type(as_number(np.float32(1.5)))) == (1.5, float)
    assert (as_whole_number(np.int64(3)), type(as_whole_number(np.int64(3)))) == (3, int)
    assert as_number(None) is as_whole_number(None) is None


def test_one_value_needs_no_list() -> None:
    assert as_several("a") == ("a",)
    assert as_several(3) == (3,)
    assert as_several(np.array([1, 2])) == (1, 2)
    assert as_several(name for name in "ab") == ("a", "b")
