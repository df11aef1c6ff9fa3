"""Odd environments and signals: an exit code of the table, one message, nothing lost."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import nibabel
import pytest

from autoseg.hardware import SHARERS
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.files.jsonfiles import read_json
from tests.autoseg.cli.places import PLAN, PREDICT, Place
from tests.synthetic.commands import run, run_until
from tests.synthetic.scans import head


def test_a_number_of_sharers_that_cannot_be_meant_stops_no_command(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SHARERS, "abc")
    assert run(monkeypatch, *place.fill("check", "{raw}")) == 0


@pytest.mark.parametrize("setting", ["4,2", "1000", "abc", ""])
def test_settings_of_openmp_that_a_library_cannot_read_stop_nothing(setting: str) -> None:
    code = "from autoseg.hardware import share_cores_with_others as share; share(); import blosc2; print('read')"
    environment = {**os.environ, "OMP_NUM_THREADS": setting, "NUMEXPR_NUM_THREADS": setting}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    assert done.stdout == "read\n", done.stderr


@pytest.mark.parametrize(
    ("name", "text"), [("WORLD_SIZE", "abc"), ("WORLD_SIZE", ""), ("LOCAL_WORLD_SIZE", "-1"), ("LOCAL_RANK", "")]
)
def test_torchruns_numbers_that_are_none_are_one_message(
    place: Place, name: str, text: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = {"TORCHELASTIC_RUN_ID": "x", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "LOCAL_RANK": "0", name: text}
    for key, value in numbers.items():
        monkeypatch.setenv(key, value)
    assert run(monkeypatch, *place.fill("train", "1", "-w", "{ws}")) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"the environment variable {name} is '{text}'. Expected the number that torchrun sets" in said


def in_shell(
    *words: object, before: str = "", environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run autoseg behind a line of shell."""
    line = f'{before} exec "$0" -m autoseg "$@"'
    checkout = Path(__file__).parents[3]
    return subprocess.run(
        ["sh", "-c", line, sys.executable, *map(str, words)],
        env={**os.environ, "PYTHONPATH": str(checkout), **(environment or {})},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )


def test_a_current_directory_that_was_deleted_is_one_message(place: Place) -> None:
    (place.root / "gone").mkdir()
    done = in_shell("predict", "scans", "-o", "out", before=f"cd '{place.root}/gone' && rmdir '{place.root}/gone' &&")
    assert done.returncode == 2
    assert "The current directory does not exist any more" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["check", "train"])
def test_names_are_shown_on_a_terminal_that_has_no_such_characters(place: Place, command: str) -> None:
    data = shutil.copytree(place.sound / "raw", place.root / "Schädel")
    words = ["check", data] if command == "check" else ["train", "0", "--Schädel"]
    done = in_shell(*words, environment={"PYTHONIOENCODING": "ascii"})
    assert done.returncode == (0 if command == "check" else 2), done.stderr
    assert "Sch\\xe4del" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


# A locale without UTF-8, which every machine has; Python itself would leave it for UTF-8.
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def test_names_are_the_same_under_every_locale(place: Place) -> None:
    data = shutil.copytree(place.sound / "raw", place.root / "Schädel")
    for file in [*data.glob("*/sub-001*")]:
        file.rename(file.with_name(file.name.replace("sub-001", "Müller")))
    done = in_shell("plan_and_preprocess", data, "-w", place.root / "new", environment=ASCII)
    assert done.returncode == 0, done.stderr
    names = [case.name for case in read_json(place.root / "new" / "dataset.json", Dataset).cases]
    assert "Müller" in names
    assert len(list((place.root / "new").glob("preprocessed/*/Müller.json"))) == 1


def test_a_python_that_reads_names_by_the_locale_says_how_to_start_it(place: Place) -> None:
    data = shutil.copytree(place.sound / "raw", place.root / "Schädel")
    code = "import sys, autoseg; autoseg.plan_and_preprocess(sys.argv[1], workspace=sys.argv[2])"
    done = subprocess.run(
        [sys.executable, "-c", code, str(data), str(place.root / "new")],
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), **ASCII},
        capture_output=True,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    assert "environment variable PYTHONUTF8=1" in done.stderr


def test_files_that_may_not_grow_are_one_message(place: Place) -> None:
    done = in_shell(*place.fill(*PLAN), before="ulimit -f 1;")
    said = " ".join(done.stderr.split())
    assert done.returncode == 2, said
    assert "File too large" in said
    assert "ulimit -f" in said
    assert "Traceback" not in said
    assert not list(place.root.rglob(".partial-*"))


# when a signal comes -> the moment as `tests.synthetic.ended` reads it, and the signal
MOMENTS = {
    "while the second scan is read": ("open:sub-001_0000:1", signal.SIGINT),
    "while the first mask is written": ("open:.partial-:1", signal.SIGTERM),
    "while the second mask gets its name": ("rename:sub-001.nii.gz:1", signal.SIGHUP),
}


@pytest.mark.parametrize(
    "kind",
    [
        kind if kind.startswith("while the second scan") else pytest.param(kind, marks=pytest.mark.slow)
        for kind in MOMENTS
    ],
)
def test_a_signal_leaves_whole_masks_and_no_others(place: Place, kind: str) -> None:
    moment, number = MOMENTS[kind]
    code, said = run_until(moment, *place.fill(*PREDICT), number=number)
    assert code == 128 + number, said
    assert "Give the same command again" in " ".join(said.split())
    assert "Traceback" not in said
    made = sorted(path.name for path in (place.root / "out").iterdir()) if (place.root / "out").exists() else []
    assert all(re.fullmatch(r"sub-00\d\.nii\.gz", name) for name in made)
    assert len(made) < 6
    for name in made:
        assert nibabel.load(place.root / "out" / name).get_fdata().shape == head(0)[0].shape


def test_a_signal_while_planning_is_one_message_and_the_same_command_goes_on(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = run_until("open:sub-003_0000:2", *place.fill(*PLAN), number=signal.SIGINT)
    assert code == 130, said
    assert "Give the same command again" in " ".join(said.split())
    assert run(monkeypatch, *place.fill(*PLAN)) == 0
    assert not list(place.root.rglob(".partial-*"))
