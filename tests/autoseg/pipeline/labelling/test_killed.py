"""Every command of a labelling loop goes on after a kill, and ends as an undisturbed one."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.labelling.state import Loop
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.workspace.loop import LoopFolder
from tests.autoseg.pipeline.labelling.loops import Made, choose, make_data
from tests.synthetic.commands import run, run_until
from tests.synthetic.small_networks import SHORT

ACCEPT = ("rename:loop.json:1", "rename:masks/:2", "rename:labelled.csv:1", "open:s08.nii.gz:1")


@pytest.mark.slow
@pytest.mark.parametrize("moment", ACCEPT)
def test_masks_are_taken_in_once_whenever_it_is_killed(tmp_path: Path, moment: str) -> None:
    made = choose(tmp_path)
    edited = made.loop.round(1).to_correct
    for name in ("s06", "s07", "s08"):
        shutil.copy(made.truth(name), edited / f"{name}.nii.gz")
    files = {path: path.read_bytes() for path in edited.iterdir()}
    code, _ = run_until(moment, "label", "accept", "-w", made.loop.root)
    assert code == -9
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "label", "accept", "-w", made.loop.root) == 0
    loop = read_loop(made.loop)
    assert [one.case for one in loop.accepted] == ["s06", "s07", "s08"]
    assert {path: path.read_bytes() for path in edited.iterdir()} == files
    assert sorted(path.name for path in made.loop.masks.rglob("*.nii.gz")) == ["s06.nii.gz", "s07.nii.gz", "s08.nii.gz"]
    assert not list(made.loop.root.rglob(".partial-*"))


def play(made: Made, killed: dict[str, str]) -> Loop:
    """Play two rounds, each command killed at its moment first if it has one, and return the state."""

    def do(name: str, *arguments: object) -> None:
        if name in killed:
            code, said = run_until(killed[name], "label", *arguments)
            assert code == -9, said
        with pytest.MonkeyPatch.context() as patch:
            assert run(patch, "label", *arguments) == 0, name

    place = ("-w", made.loop.root)
    test = ("--test", "s01", "--test", "s04")
    do("start", "start", made.table, *place, *test, *SHORT)
    do("first", "train", *place)
    do("next", "next", "--count", "2", *place)
    for name in read_loop(made.loop).awaited():
        shutil.copy(made.truth(name), made.loop.round(1).to_correct / f"{name}.nii.gz")
    do("accept", "accept", *place)
    do("second", "train", *place)
    loop = read_loop(made.loop)
    return replace(loop, rounds=tuple(replace(one, seconds=0.0) for one in loop.rounds))


@pytest.mark.long
def test_a_loop_that_is_killed_in_every_command_ends_as_an_undisturbed_one(tmp_path: Path) -> None:
    made = make_data(tmp_path)
    undisturbed = play(made, {})
    made.loop.root.rename(tmp_path / "undisturbed")
    moments = {
        "start": "rename:loop.json:1",
        "first": "step::5",
        "next": "rename:presegmented:2",
        "second": "rename:test-masks:2",
    }
    assert play(made, moments) == undisturbed
    masks = [sorted((root / "rounds/2/test-masks").iterdir()) for root in (made.loop.root, tmp_path / "undisturbed")]
    assert [path.read_bytes() for path in masks[0]] == [path.read_bytes() for path in masks[1]]
    assert LoopFolder(root=made.loop.root).table[0].name == "rounds.md"
