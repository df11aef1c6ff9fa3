from __future__ import annotations

import os
import sys
from dataclasses import replace

import pytest

from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.layouts import read_dataset
from experiments.peers.commands import peers
from experiments.peers.measuring import measure_command
from experiments.peers.nnunet import compare_preprocessing, make_environment, write_nnunet_raw
from tests.synthetic.scans import write_nnunet_dataset


def test_a_command_is_measured_with_its_children(tmp_path):
    inner = "import time; b = bytearray(200_000_000); sum(range(10**6)); time.sleep(1)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', '{inner}'])"
    cost = measure_command([sys.executable, "-c", code], tmp_path / "log")
    assert cost.wall_seconds > 0
    assert cost.cpu_seconds > 0
    assert cost.largest_process_gb > 0.18


# One of two that wait for each other, so that both are there at once on any machine, and then stay for some samples.
MEETING = """
import sys, time
from pathlib import Path
held, (mine, other) = bytearray(200_000_000), map(Path, sys.argv[1:])
mine.touch()
while not other.exists():
    time.sleep(0.05)
time.sleep(2)
"""


def test_processes_side_by_side_are_measured_together(tmp_path):
    (tmp_path / "meeting.py").write_text(MEETING, encoding="utf-8")
    words = [[sys.executable, *(str(tmp_path / name) for name in ("meeting.py", *names))] for names in ("ab", "ba")]
    code = f"import subprocess\nfor process in [subprocess.Popen(words) for words in {words}]: process.wait()"
    cost = measure_command([sys.executable, "-c", code], tmp_path / "log")
    # Two of 0.186 GiB each, and the interpreters.
    assert cost.largest_process_gb < 0.3 < 0.37 < cost.all_processes_gb < 0.6


def test_a_command_that_fails_is_reported_with_the_end_of_its_log(tmp_path):
    with pytest.raises(AutosegError, match=r"(?s)exit code 3.*what happened"):
        measure_command([sys.executable, "-c", "print('what happened'); exit(3)"], tmp_path / "log")


def test_a_command_ends_where_its_measurement_is_interrupted(tmp_path, monkeypatch):
    started = []

    def interrupt(process: int, options: int) -> None:
        started.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "wait4", interrupt)
    with pytest.raises(KeyboardInterrupt):
        measure_command(["sleep", "600"], tmp_path / "log")
    with pytest.raises(ProcessLookupError):
        os.kill(started[0], 0)


def test_a_data_set_laid_out_for_nnunet_is_the_same_data_set(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path / "a", 2, channels=("T1w", "FLAIR")))
    write_nnunet_raw(dataset, tmp_path / "b")
    linked = read_dataset(tmp_path / "b")
    assert [case.name for case in linked.cases] == [case.name for case in dataset.cases]
    assert linked.labels == dataset.labels


def test_labels_that_nnunet_cannot_take_are_refused(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path / "a", 1, {"background": 0, "lesion": 2}))
    with pytest.raises(AutosegError, match="1 to 1"):
        write_nnunet_raw(dataset, tmp_path / "b")


def test_files_that_are_not_compressed_nifti_are_refused(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path / "a", 1))
    (case,) = dataset.cases
    with pytest.raises(AutosegError, match=r"case sub-000 has the file '.*mask\.mha'"):
        write_nnunet_raw(replace(dataset, cases=(replace(case, label="/data/mask.mha"),)), tmp_path / "b")
    with pytest.raises(AutosegError, match="case sub-000 has the file ''"):
        write_nnunet_raw(replace(dataset, cases=(replace(case, label=""),)), tmp_path / "b")


def test_cases_of_an_earlier_data_set_do_not_stay(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path / "a", 3))
    write_nnunet_raw(dataset, tmp_path / "b")
    write_nnunet_raw(replace(dataset, cases=dataset.cases[1:]), tmp_path / "b")
    assert [case.name for case in read_dataset(tmp_path / "b").cases] == ["sub-001", "sub-002"]
    assert len(list((tmp_path / "b" / "labelsTr").iterdir())) == 2


def test_an_environment_is_not_made_where_something_else_lies(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(AutosegError, match="is not a virtual environment"):
        make_environment(tmp_path)
    assert (tmp_path / "thesis.tex").is_file()


def test_a_comparison_is_not_held_where_something_else_lies(tmp_path):
    (tmp_path / "autoseg").mkdir()
    (tmp_path / "autoseg" / "source.py").touch()
    with pytest.raises(AutosegError, match="holds something else than an earlier comparison"):
        compare_preprocessing(tmp_path / "data", tmp_path, tmp_path / "environment", 1)
    assert (tmp_path / "autoseg" / "source.py").is_file()


def test_the_commands_are_called_as_they_were_and_say_what_they_do() -> None:
    names = {
        command.name or command.callback.__name__: command.callback.__doc__ for command in peers.registered_commands
    }
    # Others join where `python -m experiments` itself is loaded.
    assert set(names) >= {"nnunet", "steps", "parity", "predictions", "race"}
    assert all(names.values())
