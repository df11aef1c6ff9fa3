from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, Label, LabelScheme
from dataset_fingerprints.files.jsonfiles import write_json
from experiments.benchmark import Sought, find_benchmark
from experiments.benchmark_command import app
from tests.experiments.benchmark.results import spread, write_result
from tests.synthetic.packages import run_with_package, write_package

ENTRY = {"autoseg.commands": ["benchmark = experiments.benchmark_command:app"]}


def write_workspace(root: Path, *, simulated: bool = False, release: str = "R2.0") -> Workspace:
    """Write a workspace with a cross-validation of one configuration, and a fold of another."""
    workspace = Workspace(root=root)
    (root / "plans").mkdir(parents=True)
    scheme = LabelScheme(labels=(Label(name="lesion", value=1),))
    dataset = Dataset(
        name="atlas", layout="bids", root="/raw", channels=("T1w",), labels=scheme, cases=(), release=release
    )
    write_json(workspace.dataset, dataset if not simulated else Dataset(**fields_of(dataset) | {"simulated": True}))
    done = workspace.configuration("default", "3d_fullres")
    write_result(done, spread(0.64)).rename(workspace.cross_validation("default", "3d_fullres"))
    write_result(workspace.fold("default", "2d", "0").validation.root, spread(0.4, 20))
    return workspace


def fields_of(dataset: Dataset) -> dict[str, object]:
    return {name: getattr(dataset, name) for name in Dataset.__slots__}


def test_the_cross_validation_of_a_workspace_is_compared_by_the_release_of_its_data(tmp_path: Path) -> None:
    found = find_benchmark([], write_workspace(tmp_path / "ws").root, Sought())
    assert [(one.name, one.set, one.source) for one in found.ours] == [
        ("autoseg, 3d_fullres", "cross-validation", "ws/models/default/3d_fullres/cross_validation.json")
    ]
    assert (found.scope.release, found.scope.space) == ("R2.0", "MNI")
    assert found.comparable
    assert found.remarks == ("2d: not all folds are trained, so it is left out.",)


def test_single_folds_stand_for_a_cross_validation_that_is_not_finished(tmp_path: Path) -> None:
    workspace = write_workspace(tmp_path / "ws")
    workspace.cross_validation("default", "3d_fullres").unlink()
    found = find_benchmark([], workspace.root, Sought())
    assert [(one.name, one.set, one.count()) for one in found.ours] == [("autoseg, 2d", "fold 0", 20)]
    assert found.comparable == ()


def test_a_workspace_of_simulated_scans_marks_its_results(tmp_path: Path) -> None:
    found = find_benchmark([], write_workspace(tmp_path / "ws", simulated=True).root, Sought())
    assert found.scope.simulated
    assert found.comparable == ()


def test_the_command_shows_tables_and_writes_three_files(tmp_path: Path) -> None:
    result = write_result(tmp_path / "mine", spread(0.64))
    options = ["--release", "R2.0", "--set", "cross-validation", "-o", str(tmp_path / "table")]
    shown = CliRunner().invoke(app, [str(result), *options], env={"COLUMNS": "200"}, catch_exceptions=False)
    assert shown.exit_code == 0
    assert sorted(path.name for path in tmp_path.glob("table.*")) == ["table.csv", "table.html", "table.md"]


@pytest.mark.slow
def test_it_is_a_command_of_autoseg_once_it_is_installed(tmp_path: Path) -> None:
    write_package(tmp_path / "site", "autoseg_extra", "", ENTRY)
    ended = run_with_package(tmp_path / "site", "benchmark", "--help")
    assert ended.returncode == 0, ended.stderr
    assert "Usage: " in ended.stdout
    assert "benchmark [OPTIONS] [results]" in ended.stdout


def test_a_program_of_one_command_becomes_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    import typer

    from autoseg.cli.options import registered

    class Entry:
        name = "mine"

        def load(self) -> typer.Typer:
            program = typer.Typer()

            @program.command("another name")
            def act() -> None:
                """Act."""

            return program

    entries = (Entry(),)
    monkeypatch.setattr(registered, "entry_points", lambda group: entries)
    host = typer.Typer()
    host.command("own")(lambda: None)
    program = registered.make_program(host)
    assert list(program.commands) == ["own", "mine"]  # type: ignore[attr-defined]
    assert registered.make_program(host) is program
    assert [command.name for command in host.registered_commands] == ["own"]
