"""The example of CONTRIBUTING.md, "Add a metric", run as it stands there."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
import textwrap
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from autoseg.evaluation import DEFAULT_CONVENTION, METRICS, add_metrics, evaluate_files, pair_masks, read_evaluation
from planners import choices
from tests.autoseg.evaluation.masks import make_box, write_labels
from tests.autoseg.evaluation.metrics.contracts import CONTRACT
from tests.synthetic.commands import run

ROOT = Path(__file__).parents[4]
SECTION = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Add a metric")[1].split("\n## ")[0]
((NAME, OPTIONS),) = re.findall(r'`"(\w+)": (\w+)`', SECTION)
# Of 2x2x2 voxels, the second one four voxels further along x.
REFERENCE = make_box((10, 6, 6), (1, 2, 2), (3, 4, 4))
PREDICTION = make_box((10, 6, 6), (5, 2, 2), (7, 4, 4))


def write_module(folder: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Write the section's code into the file that it names, and import it."""
    (name,) = re.findall(r"here `(\w+)\.py`", SECTION)
    (code,) = re.findall(r"```python\n(.*?)```", SECTION, flags=re.DOTALL)
    path = folder / f"{name}.py"
    path.write_text(textwrap.dedent(code), encoding="utf-8")
    found = importlib.util.spec_from_file_location(name, path)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    monkeypatch.setitem(sys.modules, name, module)
    found.loader.exec_module(module)
    return module


@pytest.fixture
def name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the new metric, which the table lists."""
    monkeypatch.setitem(METRICS, NAME, getattr(write_module(tmp_path, monkeypatch), OPTIONS))
    return NAME


def test_the_new_metric_has_the_value_computed_by_hand(name: str) -> None:
    pair = pair_masks(PREDICTION > 0, REFERENCE > 0, (1.5, 1.0, 1.0))
    assert METRICS[name]().measure(pair) == 6.0


@pytest.mark.parametrize("holds", CONTRACT, ids=lambda holds: holds.__name__)
def test_the_new_metric_keeps_to_the_contract(name: str, holds: Callable[[Any], None]) -> None:
    holds(METRICS[name]())


def test_a_package_of_its_own_registers_the_new_metric(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = write_module(tmp_path, monkeypatch)
    entry = EntryPoint(name=NAME, value=f"{module.__name__}:{OPTIONS}", group="autoseg.metrics")
    monkeypatch.setattr(choices, "entry_points", lambda group: [entry] if group == entry.group else [])
    assert add_metrics(DEFAULT_CONVENTION, [NAME]).build()[NAME] == getattr(module, OPTIONS)()


def test_the_new_metric_is_shown_stored_summarised_and_read_back(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for case, prediction in (("a", PREDICTION), ("b", REFERENCE)):
        write_labels(tmp_path / "masks" / f"{case}.nii.gz", prediction)
        write_labels(tmp_path / "references" / f"{case}.nii.gz", REFERENCE)
    out = tmp_path / "metrics.json"
    (command,) = re.findall(r"`autoseg (evaluate .*?)`", SECTION)
    places = {"MASKS": str(tmp_path / "masks"), "REFERENCES": str(tmp_path / "references")}
    assert run(monkeypatch, *(places.get(word, word) for word in command.split()), "-o", out) == 0
    (shown,) = (line for line in capsys.readouterr().out.splitlines() if "Centre distance, mm" in line)
    assert "2.000" in shown
    plain = json.loads(out.read_text(encoding="utf-8"))
    assert plain["cases"][0]["labels"]["1"][name] == 4.0
    assert plain["conventions"]["metrics"][name]["unit"] == "mm"
    read = read_evaluation(out)
    assert read.label(1).statistics(name).mean == 2.0
    convention = add_metrics(DEFAULT_CONVENTION, [name])
    assert read == evaluate_files(tmp_path / "masks", tmp_path / "references", convention=convention)
