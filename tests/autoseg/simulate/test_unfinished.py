"""A simulation that was stopped goes on, and gives the same bytes as one that was not."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.simulate import SimulationOptions, simulate_dataset
from dataset_fingerprints.errors import AutosegError

OPTIONS = SimulationOptions(cases=3, held_out_cases=1, spacing_mm=6.0, min_lesion_ml=2.0, oddities=("missing-label",))


def read_files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate_dataset(tmp_path_factory.mktemp("whole") / "raw", OPTIONS).folder


def stop_after(folder: Path, cases: int) -> None:
    """Simulate until so many cases are reported."""
    names: list[str] = []

    def count(name: str) -> None:
        names.append(name)
        if len(names) == cases:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate_dataset(folder, OPTIONS, on_case=count)


@pytest.mark.parametrize("cases", [1, 3])
def test_a_stopped_simulation_goes_on(tmp_path: Path, whole: Path, cases: int) -> None:
    raw = tmp_path / "raw"
    stop_after(raw, cases)
    assert not (raw / "simulation.json").exists()
    first = raw / "imagesTr" / "sim_0001_0000.nii.gz"
    made = first.stat().st_ino
    (raw / "imagesTr" / ".partial-abcdefgh-sim_0002_0000.nii.gz").write_bytes(b"half")
    names: list[str] = []
    assert simulate_dataset(raw, OPTIONS, on_case=names.append).cases == simulate_dataset(whole, OPTIONS).cases
    assert first.stat().st_ino == made
    assert len(names) == 5
    assert read_files(raw) == read_files(whole)
    assert not list(raw.glob(".*"))


def test_an_unfinished_simulation_of_other_options_is_refused(tmp_path: Path) -> None:
    stop_after(tmp_path / "raw", 1)
    before = read_files(tmp_path)
    with pytest.raises(AutosegError, match=r"holds an unfinished simulation \(seed is 0, asked for 4\)"):
        simulate_dataset(tmp_path / "raw", replace(OPTIONS, seed=4))
    assert read_files(tmp_path) == before


def test_a_simulation_that_was_stopped_before_its_first_file_begins_anew(tmp_path: Path, whole: Path) -> None:
    (tmp_path / "raw" / ".unfinished").mkdir(parents=True)
    (tmp_path / "raw" / ".unfinished" / ".partial-abcdefgh-options.json").write_bytes(b"{")
    simulate_dataset(tmp_path / "raw", OPTIONS)
    assert read_files(tmp_path / "raw") == read_files(whole)
