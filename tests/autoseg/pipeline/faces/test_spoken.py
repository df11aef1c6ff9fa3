"""Messages of the public functions speak of arguments; the command line's of options."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

import pytest

import autoseg
from autoseg.pipeline.faces import face
from autoseg.pipeline.faces.spoken import argument_of, in_python, say_in_python
from dataset_fingerprints.errors import AutosegError, PartlyDoneError, WorkspaceError
from tests.synthetic.commands import run

SAID = {
    "or name one with -w.": "or name one with workspace=....",
    "Run `autoseg plan_and_preprocess DATASET` first.": "Run `autoseg.plan_and_preprocess(dataset=DATASET)` first.",
    "Run `autoseg train 0 -c 2d --restart` first.": (
        "Run `autoseg.train(fold=0, configuration='2d', restart=True)` first."
    ),
    "`autoseg train all` again": "`autoseg.train(fold='all')` again",
    "Begin it anew with --restart, which": "Begin it anew with restart=True, which",
    "(plan_and_preprocess --plan-name NEW).": "(plan_and_preprocess plan_name=NEW).",
    "kind (-f 1, or -f 0 -f full)": "kind (folds=[1], or folds=[0, 'full'])",
    "--jobs is 0. Expected 1": "folds_at_once is 0. Expected 1",
    "--set training.foo: no field": "assignments training.foo: no field",
    "(--set batch_size=2), or": "(assignments=['batch_size=2']), or",
    "Give --overwrite to": "Give overwrite=True to",
    "Run `autoseg label train` first.": "Run `autoseg.label_train()` first.",
    "`autoseg label next --count K`, or name": "`autoseg.label_next(count=K)`, or name",
    "Run `autoseg label start DATASET --unlabelled SCANS -w loop` first.": (
        "Run `autoseg.label_start(dataset=DATASET, unlabelled=SCANS, workspace='loop')` first."
    ),
    "to label, give --allow empty": "to label, give allow='empty'",
    "--cost is 0. Expected more than 0.": "cost is 0. Expected more than 0.",
    "--spacing is 0. Expected more than 0 mm.": "spacing_mm is 0. Expected more than 0 mm.",
    "is given without --normalization. Give": "is given without normalization. Give",
    "Give the table with --outcomes.": "Give the table with outcomes=....",
    # Other programs' options, paths and commands without a function stay as they are.
    "`torchrun --max-restarts 3` --nproc_per_node 2": "`torchrun --max-restarts 3` --nproc_per_node 2",
    "/a--restart/x-w/-w: is a link": "/a--restart/x-w/-w: is a link",
    "`autoseg check DATASET`": "`autoseg.check(dataset=DATASET)`",
    "`autoseg demo`": "`autoseg demo`",
}
# Options of commands that the functions offer otherwise, or not at all.
WITHOUT = {"--cluster", "--slurm", "--job", "--json", "--all", "--compare", "--no-mirror", "--mirror", "--help"}
WITHOUT |= {"--selected", "--not-selected", "--list-metrics"}
# An option that is a command's argument under another name.
CALLED_OTHERWISE = {("explain", "workspace"): {"target"}, ("tune", "max_minutes"): {"hours"}}


@pytest.mark.parametrize("message", SAID)
def test_options_are_said_as_arguments(message: str) -> None:
    assert say_in_python(message) == SAID[message]


@pytest.mark.parametrize("command", ["plan_and_preprocess", "train", "predict", "evaluate", "explain", "tune"])
def test_every_option_of_a_command_is_an_argument_of_its_function(command: str) -> None:
    from typer.main import get_command

    from autoseg.cli.app import app

    known = signature(getattr(autoseg, command)).parameters
    options = {
        option
        for parameter in get_command(app).commands[command].params  # type: ignore[attr-defined]
        for option in parameter.opts
        if option.startswith("-")
    }
    for option in options - WITHOUT:
        argument = argument_of(option)
        assert argument is not None, option
        # Some are plural where several can be given; a time in minutes or in hours is one argument.
        wanted = {argument, f"{argument}s", argument.replace("hours", "minutes"), argument.replace("minutes", "hours")}
        wanted |= CALLED_OTHERWISE.get((command, argument), set())
        assert wanted & {*known}, f"{option}: {command} has no {' or '.join(sorted(wanted))}"


def test_an_error_keeps_its_kind_and_what_it_carries() -> None:
    def fail() -> None:
        raise PartlyDoneError("Give --overwrite.", result=3)

    with pytest.raises(PartlyDoneError, match="Give overwrite=True") as caught:
        in_python(fail)()
    assert caught.value.result == 3
    assert autoseg.train.__doc__ == face.train.__doc__


def test_each_face_has_its_own_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(WorkspaceError, match=r"autoseg\.plan_and_preprocess\(dataset=DATASET\).*workspace=") as caught:
        autoseg.train(None)
    assert "-w" not in str(caught.value)
    assert run(monkeypatch, "train", "0") == 2
    assert "`autoseg plan_and_preprocess DATASET` first, or name one with -w." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"seed": -1}, "^seed is -1"),
        ({"max_hours": -1.0}, "^max_hours is -1"),
        ({"rules": ["balanced_lesions=maybe"]}, "^rules="),
        ({"plan_name": "a/b"}, r"a plan \(plan_name\)"),
        ({"gpu_memory_gb": -3.0}, "^gpu_memory_gb is -3"),
    ],
)
def test_wrong_values_are_said_by_the_arguments_name(
    tmp_path: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(AutosegError, match=message) as caught:
        autoseg.plan_and_preprocess(tmp_path, workspace=tmp_path / "ws", **arguments)  # type: ignore[arg-type]
    assert "--" not in str(caught.value)
    assert not (tmp_path / "ws").exists()
