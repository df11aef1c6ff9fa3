"""The GPU experiment from outside: its parts in processes of their own, deadlines, errors, and what is written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from dataset_fingerprints.errors import AutosegError
from experiments.gpu.parts import PARTS
from experiments.gpu.running import (
    RESULTS,
    PartReport,
    Settings,
    choose_parts,
    find_data,
    run_parts,
    summarise,
)


def run_command(*words: str, columns: int = 100) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments", "gpu", *words],
        env={**os.environ, "COLUMNS": str(columns)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_every_part_is_skipped_and_nothing_fails(tmp_path: Path) -> None:
    done = run_command("--out", str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("no GPU: skipped") == 2 * len(PARTS)
    assert max(map(len, done.stdout.replace(str(tmp_path), "").splitlines())) <= 100
    found = json.loads((tmp_path / RESULTS).read_text(encoding="utf-8"))
    assert [(part["part"], part["state"]) for part in found["parts"]] == [(name, "skipped") for name in PARTS]
    assert found["about"].keys() >= {"card", "torch", "cores", "date", "commit"}


def test_parts_are_chosen_by_name_and_run_in_their_order() -> None:
    assert choose_parts("") == tuple(PARTS)
    assert choose_parts("steps, memory") == ("memory", "steps")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--parts", "memroy"), "there is no part 'memroy'. Did you mean 'memory'"),
        (("--data", "nowhere"), "there is no data set at nowhere"),
    ],
)
def test_what_cannot_be_meant_is_one_message(tmp_path: Path, words: tuple[str, ...], message: str) -> None:
    done = run_command("--out", str(tmp_path / "new"), *words)
    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "new").exists()


def test_data_are_found_by_their_path_or_are_simulated(tmp_path: Path) -> None:
    (tmp_path / "dataset.json").write_text("{}", encoding="utf-8")
    assert find_data(str(tmp_path)) == tmp_path.resolve()
    assert find_data("simulated") is None
    with pytest.raises(AutosegError, match="there is no data set"):
        find_data(str(tmp_path / "other"))


def settings(tmp_path: Path, minutes: float, *parts: str) -> Settings:
    data = tmp_path / "broken"
    data.mkdir()
    (data / "dataset.json").write_text("{", encoding="utf-8")
    return Settings(minutes=minutes, out=tmp_path / "out", parts=parts, data=data, device="cpu")


@pytest.mark.long
def test_a_part_that_fails_is_reported_and_the_next_one_runs(tmp_path: Path) -> None:
    seen: list[PartReport] = []
    reports = run_parts(settings(tmp_path, 20, "training", "memory"), seen.append)
    assert seen == reports
    failed, done = reports
    assert failed.state == "failed"
    assert "is not valid JSON" in failed.error
    assert done.state == "done"
    assert len(done.rows) >= 12
    assert done.columns()[:3] == ("plan", "patch", "predicted GiB")
    assert all(len(row) == len(done.columns()) for row in done.texts())
    assert [row[:2] for row in summarise(reports)] == [("training", "failed"), ("memory", "done")]
    written = json.loads((tmp_path / "out" / RESULTS).read_text(encoding="utf-8"))
    assert [part["state"] for part in written["parts"]] == ["failed", "done"]


def test_a_part_that_takes_too_long_is_ended_and_reported(tmp_path: Path) -> None:
    (report,) = run_parts(settings(tmp_path, 0.001, "memory"), lambda _: None)
    assert report.state == "out of time"
    assert json.loads((tmp_path / "out" / RESULTS).read_text(encoding="utf-8"))["parts"][0]["state"] == "out of time"


@pytest.mark.long
def test_every_part_runs_on_a_cpu(tmp_path: Path) -> None:
    done = run_command("--device", "cpu", "--minutes", "60", "--data", "simulated", "--out", str(tmp_path))
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / RESULTS).read_text(encoding="utf-8"))
    assert [(part["part"], part["state"]) for part in found["parts"]] == [(name, "done") for name in PARTS]
    (resumed,) = (part for part in found["parts"] if part["part"] == "resume")
    assert [row["apart at most"] for row in resumed["rows"][1:]] == [0.0, 0.0]
