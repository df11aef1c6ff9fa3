from __future__ import annotations

from pathlib import Path

import pytest

from autoseg.labelling.minutes import read_minutes
from dataset_fingerprints.errors import DataError

NAMES = ("artery", "RCC")


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "minutes.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_minutes_are_numbers_or_times_and_empty_lines_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, "case;structure;minutes\nk1;artery;19:30\nk1;rcc;2,5\nk2;artery;\n")
    assert read_minutes(path, NAMES) == {"k1": {"artery": 19.5, "RCC": 2.5}}
    assert read_minutes(write(tmp_path, "case,structure,minutes\n"), NAMES) == {}


def test_a_single_label_need_not_be_named(tmp_path: Path) -> None:
    assert read_minutes(write(tmp_path, "case,minutes\na,3\n"), ("lesion",)) == {"a": {"lesion": 3.0}}
    with pytest.raises(DataError, match="add structure"):
        read_minutes(write(tmp_path, "case,minutes\na,3\n"), NAMES)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("k1,aorta,3", "line 2: there is no label 'aorta'"),
        ("k1,artery,-1", "the minutes are '-1'"),
        ("k1,artery,soon", "the minutes are 'soon'"),
        ("k1,artery,nan", "the minutes are 'nan'"),
        ("k1,artery,20000", "Expected a number from 0 to 10080"),
        (",artery,3", "line 2: names no case"),
        ("k1,artery,1\nk1,artery,2", "line 3: artery of k1 is there twice"),
    ],
)
def test_what_cannot_be_meant_is_named(tmp_path: Path, line: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        read_minutes(write(tmp_path, f"case,structure,minutes\n{line}\n"), NAMES)
