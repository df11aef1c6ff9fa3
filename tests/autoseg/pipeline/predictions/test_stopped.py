"""A prediction that is stopped in the middle: what is done is recorded, and the same command goes on."""

from __future__ import annotations

import csv
import json
import signal
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.stopping import StopSignal
from autoseg.progress import SilentProgress, Task
from dataset_fingerprints.errors import StoppedError
from tests.synthetic.commands import run_until
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.tiny import CONFIGURATION, SHAPE, Tiny

NAMES = ("a", "b", "c", "d")


class _Stopping:
    """Raises when so many scans are done."""

    def __init__(self, left: int, error: BaseException) -> None:
        self.left, self.error = left, error

    def advance(self, steps: int = 1) -> None:
        self.left -= steps
        if self.left < 0:
            raise self.error

    def resize(self, total: int) -> None:
        """Take no note of it."""

    def state(self, figures: Mapping[str, str]) -> None:
        """Take no note of it."""


class Stopping(SilentProgress):
    """Progress of a run that is stopped while a scan is predicted."""

    def __init__(self, left: int, error: BaseException) -> None:
        self.left, self.error = left, error

    def task(self, title: str, total: int, done: int = 0) -> AbstractContextManager[Task]:
        own = title == "Predicting"
        return nullcontext(_Stopping(self.left, self.error)) if own else super().task(title, total, done)


@pytest.fixture
def scans(tmp_path: Path) -> Path:
    for number, name in enumerate(NAMES):
        write_nifti(tmp_path / "scans" / f"{name}.nii.gz", head(number, SHAPE)[0])
    return tmp_path / "scans"


def read_results(report: Path) -> dict[str, str]:
    record = json.loads((report / "prediction.json").read_text(encoding="utf-8"))
    return {case["case"]: case["result"] for case in record["cases"]}


def list_rows(path: Path) -> set[str]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["case"] for row in csv.DictReader(stream)}


def check_stopped(report: Path, done: tuple[str, ...]) -> None:
    assert read_results(report) == dict.fromkeys(done, "predicted")
    assert list_rows(report / "predictions.csv") == {*done}
    assert list_rows(report / "lesions.csv") <= {*done}
    assert (report / "contact_sheet.png").is_file()


def test_what_was_done_is_recorded_and_the_message_counts_it(finished: Tiny, scans: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "out-report"
    with pytest.raises(StoppedError) as caught:
        autoseg.predict(scans, out, finished.workspace.root, progress=Stopping(2, StopSignal(signal.SIGTERM)))
    said = str(caught.value)
    assert "stopped by SIGTERM: 2 of 4 scans have their masks, recorded in " in said
    assert said.endswith("prediction.json. Give the same command again: it goes on with the other 2.")
    assert caught.value.exit_code == 143
    check_stopped(report, ("a", "b"))
    masks = autoseg.predict(scans, out, finished.workspace.root)
    assert [mask.name for mask in masks.made()] == ["c.nii.gz", "d.nii.gz"]
    assert read_results(report) == {"a": "kept", "b": "kept", "c": "predicted", "d": "predicted"}
    record = json.loads((report / "prediction.json").read_text(encoding="utf-8"))
    assert all(case["weights_sha256"] == record["model"]["sha256"] for case in record["cases"])


def test_masks_that_are_still_to_be_replaced_are_not_counted_as_done(
    finished: Tiny, scans: Path, tmp_path: Path
) -> None:
    autoseg.predict(scans, tmp_path / "out", finished.workspace.root)
    stop = Stopping(1, StopSignal(signal.SIGTERM))
    with pytest.raises(StoppedError, match=r": 1 of 4 scans has its new mask, recorded in .* predicts all of them"):
        autoseg.predict(scans, tmp_path / "out", finished.workspace.root, overwrite=True, progress=stop)


def test_in_a_notebook_the_interrupt_stays_one_and_is_recorded(finished: Tiny, scans: Path, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        autoseg.predict(scans, tmp_path / "out", finished.workspace.root, progress=Stopping(1, KeyboardInterrupt()))
    check_stopped(tmp_path / "out-report", ("a",))


def test_a_single_mask_that_is_not_made_leaves_no_record(finished: Tiny, scans: Path, tmp_path: Path) -> None:
    stop = Stopping(0, StopSignal(signal.SIGINT))
    with pytest.raises(StoppedError, match=r"stopped by Ctrl-C: 0 of 1 scan have their masks\. Give the same"):
        autoseg.predict(scans / "a.nii.gz", tmp_path / "mask.nii.gz", finished.workspace.root, progress=stop)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["scans"]


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGKILL, -9)])
def test_a_process_that_gets_a_signal_leaves_its_record(
    finished: Tiny, scans: Path, tmp_path: Path, number: int, code: int
) -> None:
    command = ["predict", scans, "-o", tmp_path / "out", "-w", finished.workspace.root, "-c", CONFIGURATION]
    ended, said = run_until("rename:c.nii.gz:1", *command, number=number)
    assert ended == code, said
    done = read_results(tmp_path / "out-report")
    assert done["a"] == "predicted", "the record is written as scans end"
    if number != signal.SIGKILL:
        assert "of 4 scans have their masks, recorded in" in " ".join(said.split())
        assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{name}.nii.gz" for name in done}
