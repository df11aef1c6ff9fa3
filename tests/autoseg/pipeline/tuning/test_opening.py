from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from autoseg.pipeline.tuning import opening
from autoseg.pipeline.tuning.opening import open_search
from autoseg.pipeline.tuning.schedule import divide
from autoseg.workspace.tuning import TuningFolder
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from planners.plan import Fold
from tests.autoseg.pipeline.tuning.searches import make_folder, make_outcome, make_record, make_trial


@pytest.fixture
def folder(tmp_path: Path) -> TuningFolder:
    """The folder of a search whose best candidate was compared."""
    made = make_folder(tmp_path)
    write_json(made.record, make_record(outcome=make_outcome()))
    write_json(made.trial_record(0), make_trial(0, 0.5))
    made.proof("tuned", 0).root.mkdir(parents=True)
    made.text.touch()
    return made


def files_in(folder: TuningFolder) -> list[str]:
    return sorted(path.name for path in folder.root.iterdir())


def test_a_new_search_is_written_down_and_then_gone_on_with(tmp_path: Path) -> None:
    folder = make_folder(tmp_path)
    assert open_search(folder, make_record(), restart=False) == make_record()
    assert open_search(folder, make_record(), restart=False) == make_record()
    assert files_in(folder) == ["tuning.json"]


def test_the_same_options_get_the_outcome(folder: TuningFolder) -> None:
    assert open_search(folder, make_record(), restart=False).outcome == make_outcome()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"cases": Fold(train=("a", "c"), validation=("b",))}, "other cases of the fold than the plan gives it now"),
        ({"inner": Fold(train=("b",), validation=("a",))}, "divided otherwise than its seed divides them"),
        ({"contents": "others"}, "scans or label maps of the fold's cases were replaced"),
        ({"values": "another"}, "plan default has other values"),
        ({"hours": 1.0}, "with no time for everything, now it is 60 min "),
        ({"iterations": 8}, "with --iterations 4, now with --iterations 8"),
        ({"seed": 1}, "with --seed 0, now with --seed 1"),
        ({"score": "mean"}, "with --score dice, now with --score mean"),
        ({"over": ("rate", "loss")}, "with --over rate, now with --over rate --over loss"),
        ({"schedule": divide(None, 4, 3)}, "with --candidates 4, now with --candidates 3"),
    ],
)
def test_a_search_does_not_go_on_with_other_cases_or_options(
    folder: TuningFolder, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(WorkspaceError, match=message):
        open_search(folder, make_record(**changes), restart=False)
    assert "trials" in files_in(folder)


def test_begun_anew_nothing_is_left_but_the_count_of_comparisons(folder: TuningFolder) -> None:
    for count in (1, 2):
        begun = open_search(folder, make_record(seed=count), restart=True)
        assert begun == make_record(seed=count, earlier=count)
        assert files_in(folder) == ["tuning.json"]
        write_json(folder.record, make_record(seed=count, earlier=count, outcome=make_outcome()))


def test_begun_anew_before_a_comparison_none_is_counted(folder: TuningFolder) -> None:
    write_json(folder.record, make_record(outcome=make_outcome(trial=None)))
    assert open_search(folder, make_record(), restart=True).earlier == 0


@pytest.mark.parametrize("text", [None, b"{", b"{}"])
def test_a_lost_or_damaged_record_can_be_begun_anew_and_its_proof_is_counted(
    folder: TuningFolder, text: bytes | None
) -> None:
    folder.record.unlink() if text is None else folder.record.write_bytes(text)
    with pytest.raises(FileFormatError, match=r"tuning\.json"):
        open_search(folder, make_record(), restart=False)
    assert open_search(folder, make_record(), restart=True) == make_record(earlier=1)
    assert files_in(folder) == ["tuning.json"]


def test_a_restart_that_was_killed_is_finished_and_mixes_nothing(
    folder: TuningFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise OSError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(opening, "remove", fail)
        with pytest.raises(OSError, match="killed"):
            open_search(folder, make_record(seed=1), restart=True)
    # The same command without --restart.
    assert open_search(folder, make_record(seed=1), restart=False) == make_record(seed=1, earlier=1)
    assert files_in(folder) == ["tuning.json"]


@pytest.mark.parametrize(
    ("before", "now", "words"), [(0.1, 1 / 15, ("6 min", "4 min")), (1.0, 1.001, ("1 h", "1.001 h"))]
)
def test_times_of_two_starts_are_told_apart(before: float, now: float, words: tuple[str, str]) -> None:
    assert opening._show_times(before, now) == words
