"""The parts of the GPU experiment, tiny and on a CPU: every line but CUDA's own calls."""

from __future__ import annotations

import importlib
import os
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch

from experiments.gpu.bench import Bench, Meter
from experiments.gpu.marked_tests import find_marked, read_results
from experiments.gpu.memory import VARIANTS, compare_memory
from experiments.gpu.parts import PARTS
from experiments.gpu.prediction import predict_head
from experiments.gpu.steps import run_worker

CPU = torch.device("cpu")
JUNIT = """<testsuites><testsuite>
<testcase name="one" time="1.5"/>
<testcase name="two" time="0.5"><failure message="assert 1 == 2&#10;more">text</failure></testcase>
<testcase name="three" time="0"><skipped/></testcase>
<testcase name="four" time="0"><error message="no card"/></testcase>
</testsuite></testsuites>"""


def bench(tmp_path: Path, seconds: float = 600) -> Bench:
    return Bench(work=tmp_path, data=None, ends=time.monotonic() + seconds, tiny=True, device=CPU)


@pytest.mark.parametrize("name", PARTS)
def test_every_part_has_its_function(name: str) -> None:
    module, function = PARTS[name].code
    assert callable(getattr(importlib.import_module(f"experiments.gpu.{module}"), function))


def test_the_shares_are_those_of_eight_minutes() -> None:
    assert sum(part.share for part in PARTS.values()) == 480


def test_plans_of_every_kind_are_measured(tmp_path: Path) -> None:
    assert len(VARIANTS) >= 12
    chosen = [variant for variant in VARIANTS if variant.name in ("nnU-Net", "float32", "two more channels")]
    rows = list(compare_memory(bench(tmp_path), chosen))
    assert [row["plan"] for row in rows if not isinstance(row, str)] == [variant.name for variant in chosen]
    assert all(row["predicted GiB"] > 0 for row in rows if not isinstance(row, str))


def test_plans_without_time_are_named(tmp_path: Path) -> None:
    assert list(compare_memory(bench(tmp_path, seconds=0))) == [
        f"No time was left for {len(VARIANTS)} of {len(VARIANTS)} plans."
    ]


def test_a_meter_of_a_cpu_counts_nothing() -> None:
    assert Meter(device=CPU).peak_gb() == 0


@pytest.mark.long
def test_a_worker_times_kinds_of_steps_on_the_cores_that_it_gets(tmp_path: Path) -> None:
    kinds: Sequence[str] = ("bare, channels last", "step, augmented", "step, cases in memory")
    rows = list(run_worker(kinds, sorted(os.sched_getaffinity(0))[:1], 120.0, bench(tmp_path)))
    assert [row["what"] for row in rows] == list(kinds)
    assert [row[""] for row in rows] == ["", "", ""]
    assert all(row["ms"] > 0 for row in rows)


@pytest.mark.long
def test_a_kind_that_fails_is_a_row_and_the_next_one_is_timed(tmp_path: Path) -> None:
    rows = list(run_worker(("unknown", "bare network"), sorted(os.sched_getaffinity(0)), 120.0, bench(tmp_path)))
    assert rows[0][""] == "failed: KeyError: 'unknown'"
    assert rows[1][""] == ""


def test_a_head_is_predicted_with_and_without_flips_and_with_little_memory(tmp_path: Path) -> None:
    found = list(predict_head(bench(tmp_path)))
    rows = [row for row in found if not isinstance(row, str)]
    assert len(rows) == 4
    assert not any(row[""] for row in rows)


def test_outcomes_of_tests_are_counted_and_named(tmp_path: Path) -> None:
    path = tmp_path / "tests.xml"
    path.write_text(JUNIT, encoding="utf-8")
    *rows, counts = read_results(path)
    assert counts == "1 passed, 2 failed, 1 skipped."
    assert [(row["test"], row["outcome"], row["message"]) for row in rows if not isinstance(row, str)] == [
        ("one", "passed", ""),
        ("two", "failed", "assert 1 == 2 more"),
        ("three", "skipped", ""),
        ("four", "failed", "no card"),
    ]


def test_files_with_tests_for_a_gpu_are_found() -> None:
    found = find_marked(Path(__file__).parents[2])
    assert "tests/autoseg/training/test_steps_on_devices.py" in found
    assert "tests/experiments/gpu/test_parts.py" not in found
