"""Choices that need no model: the files of those that were chosen before, and what is refused."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from autoseg.pipeline.faces import label_face
from autoseg.pipeline.labelling.loop_state import read_loop
from autoseg.pipeline.labelling.presegmenting import write_for_people
from autoseg.progress import SilentProgress
from autoseg.workspace.loop import LoopFolder
from dataset_fingerprints.errors import ArgumentError, AutosegError, DataError, PlanError
from tests.autoseg.pipeline.labelling.loops import choose, load_nothing


def test_next_given_again_writes_what_is_missing_and_leaves_what_a_person_edited(tmp_path: Path) -> None:
    made = choose(tmp_path)
    plain, segmentation = made.loop.round(1).editable("s07")
    plain.write_bytes(b"edited")
    segmentation.unlink()
    made.loop.round(1).minutes.write_text("case,structure,minutes\ns07,core,4\n", encoding="utf-8")
    with made.open() as found:
        write_for_people(found, load_nothing, found.loop.awaited(), SilentProgress())
    assert plain.read_bytes() == b"edited"
    assert segmentation.is_file()
    assert "s07,core,4" in made.loop.round(1).minutes.read_text(encoding="utf-8")


def test_no_second_choice_is_made_before_the_next_training(tmp_path: Path) -> None:
    made = choose(tmp_path)
    assert label_face.label_next(made.loop.root, count=5).names() == ("s06", "s07", "s08")
    label_face.label_accept(None, made.loop.root, allow=("unchanged",))
    with pytest.raises(PlanError, match="all scans that were chosen in round 1 are labelled"):
        label_face.label_next(made.loop.root, count=2)


def forget(tmp_path: Path, **changes: object) -> Path:
    """Return a loop whose round has no choice yet."""
    made = choose(tmp_path)
    with made.open() as found:
        loop = found.loop.with_round(replace(found.loop.current(), choice=None))
        found.keep(replace(loop, **changes))  # type: ignore[arg-type]
    return made.loop.root


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "--count is not given"),
        ({"count": 0}, "--count is 0"),
        ({"way": "block"}, "the loop has no table of blocks"),
    ],
)
def test_a_choice_that_cannot_be_meant_is_refused(tmp_path: Path, options: dict[str, object], said: str) -> None:
    with pytest.raises(PlanError, match=said):
        label_face.label_next(forget(tmp_path), **options)  # type: ignore[arg-type]


def test_blocks_come_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    root = forget(tmp_path, blocks={"s06": "10", "s07": "2", "s08": "2"})
    choice = label_face.label_next(root)
    assert (choice.way, choice.block, choice.names()) == ("block", "2", ("s07", "s08"))
    assert choice.written


def test_in_their_order_and_by_chance_no_model_is_asked_which(tmp_path: Path) -> None:
    root = forget(tmp_path)
    assert label_face.label_next(root, count=3, way="order").names() == ("s06", "s07", "s08")
    assert label_face.label_status(root).rows[0][3] == "3 (order)"


def test_a_scan_that_cannot_be_read_is_given_up_and_the_next_block_comes(tmp_path: Path) -> None:
    root = forget(tmp_path, blocks={"s06": "1", "s07": "2", "s08": "2"})
    LoopFolder(root=root).round(1).presegmentation("s06").unlink()
    for _ in range(2):
        with pytest.raises(AutosegError):
            label_face.label_next(root)
    choice = label_face.label_next(root, without="s06")
    assert (choice.block, choice.names()) == ("2", ("s07", "s08"))
    assert "Given up: s06." in label_face.label_status(root).counts
    assert "s06" not in LoopFolder(root=root).round(1).minutes.read_text(encoding="utf-8")
    # What was written of it for people is not taken for a correction.
    result = label_face.label_accept(None, root, allow=("unchanged",))
    assert [one.case for one in result.taken] == ["s07", "s08"]
    assert "s06" in read_loop(LoopFolder(root=root)).abandoned()


def test_where_the_others_are_labelled_the_next_training_follows_on_giving_one_up(tmp_path: Path) -> None:
    made = choose(tmp_path)
    folder = tmp_path / "corrected"
    folder.mkdir()
    for name in ("s06", "s07"):
        shutil.copy(made.truth(name), folder / f"{name}.nii.gz")
    label_face.label_accept(folder, made.loop.root)
    with pytest.raises(PlanError, match=r"are labelled or given up. Run `autoseg label train` now"):
        label_face.label_next(made.loop.root, without="s08")
    assert read_loop(made.loop).awaited() == ()
    assert "trains round 2 with 2 new masks" in label_face.label_status(made.loop.root).following


@pytest.mark.parametrize(
    ("name", "said"),
    [("s00", "has a label map"), ("s01", "has a label map"), ("s6", "the loop has no such scan")],
)
def test_only_scans_without_a_label_are_given_up(tmp_path: Path, name: str, said: str) -> None:
    root = forget(tmp_path)
    with pytest.raises(DataError, match=said):
        label_face.label_next(root, count=1, way="order", without=("s09", name))
    assert b"given_up" not in LoopFolder(root=root).state.read_bytes()


def test_a_way_that_there_is_not_is_refused_and_not_kept(tmp_path: Path) -> None:
    root = forget(tmp_path)
    with pytest.raises(ArgumentError, match=r"way is 'uncertain'\. Did you mean 'uncertainty'"):
        label_face.label_next(root, count=3, way="uncertain")  # type: ignore[arg-type]
    assert label_face.label_status(root).rows[0][3] == "-"
