"""Options as people write them: versions, folds that do not exist, and options that would have no effect."""

from __future__ import annotations

import platform
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from autoseg.cli.versions import describe_versions
from tests.synthetic.commands import run
from tests.synthetic.tiny import Tiny, write_tiny

FOLDS = "0 to 3, `all` for the whole cross-validation, or `full` for one model of all cases."
WITHOUT_EFFECT = {
    "folds at once of one": (["train", "0", "--jobs", "2"], "--jobs says how many folds are trained at once"),
    "options of Slurm here": (["train", "all", "--slurm", "time=1:00:00"], "--slurm is an option of sbatch"),
    "one fold on Slurm": (["train", "0", "--cluster", "slurm"], "give `autoseg train all` with it"),
    "two times": (
        ["train", "0", "--max-hours", "1", "--max-minutes", "9"],
        "--max-minutes is given beside --max-hours",
    ),
    "a planner to compare": (
        ["explain", "--compare", "atlas_r2_mni", "--planner", "nnunet"],
        "--planner is about a pl",
    ),
    "a plan to compare": (["explain", "--compare", "atlas_r2_mni", "--plan", "x"], "--plan-name is about a plan"),
    "decisions beside costs": (["explain", "--cost", "--all"], "--all shows decisions, and --cost shows costs"),
    "a plan to plan anew": (
        ["explain", "--plan", "default", "--planner", "nnunet"],
        "--plan-name names a plan of a workspace, but a plan is made on the spot here",
    ),
}


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Four tiny cases with folds of their own, planned; nothing is trained."""
    tiny = write_tiny(tmp_path_factory.mktemp("options"), 4)
    tiny.plan(tiny.write_splits([["case_0"], ["case_1"], ["case_2"], ["case_3"]]))
    return tiny


def refusal(planned: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what a refused command says, which writes nothing."""
    before = planned.contents()
    assert run(monkeypatch, *words, "-w", planned.workspace.root) == 2
    assert planned.contents() == before
    return " ".join(capsys.readouterr().err.split())


def test_versions_are_a_line_that_needs_nothing_heavy() -> None:
    code = (
        "import sys\nfrom autoseg.cli import main\nsys.argv = ['autoseg', '--version']\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        "assert not {'torch', 'SimpleITK', 'scipy'} & {*sys.modules}, 'heavy'\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, encoding="utf-8", check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"{describe_versions()}\n"
    assert done.stdout.count("\n") == 1
    assert f"Python {platform.python_version()}, torch {version('torch')}" in done.stdout


@pytest.mark.parametrize("fold", [["-1"], ["-1", "--iterations", "3"], ["4"], ["00"], ["-1.5"], ["0,1"]])
def test_a_fold_that_does_not_exist_is_told_which_do(
    planned: Tiny, fold: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(planned, monkeypatch, capsys, "train", *fold)
    assert said == f"autoseg: There is no fold '{fold[0]}'. Give {FOLDS}"


def test_without_a_fold_the_folds_are_named(
    planned: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal(planned, monkeypatch, capsys, "train") == f"autoseg: Name a fold: {FOLDS}"


@pytest.mark.parametrize("value", [["--iterations", "-5"], ["--iterations", "-5", "-5"]])
def test_a_negative_value_stays_the_options(
    planned: Tiny, value: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(planned, monkeypatch, capsys, "train", *value, *(["0"] if len(value) == 2 else []))
    assert "--iterations is -5. Expected 1 or more." in said


def test_an_option_that_does_not_exist_is_still_one(
    planned: Tiny, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "No such option: --fold" in refusal(planned, monkeypatch, capsys, "train", "--fold", "0")


@pytest.mark.parametrize("kind", WITHOUT_EFFECT)
def test_an_option_without_effect_is_refused_by_name(
    planned: Tiny, kind: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words, message = WITHOUT_EFFECT[kind]
    assert message in refusal(planned, monkeypatch, capsys, *words)
