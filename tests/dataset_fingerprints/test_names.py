from __future__ import annotations

import pytest

from dataset_fingerprints.names import (
    MOST_BYTES,
    WrongNameError,
    check_case_name,
    check_fold_name,
    check_folder_name,
    counted,
    is_case_name,
    is_folder_name,
    name_folder,
    plain_name,
)

HOSTILE = ["", ".", "..", ".x", "../x", "a/b", "/abs", "a\\b", "a..b", "a\0b", "a\nb", "a\x1bb", "a\u2028b", "\ud800"]


@pytest.mark.parametrize("name", [*HOSTILE, "a" * (MOST_BYTES + 1), "\u00e9" * MOST_BYTES])
def test_a_name_that_could_leave_its_folder_or_act_is_refused_by_name(name: str) -> None:
    for check in (check_case_name, check_folder_name, check_fold_name):
        with pytest.raises(WrongNameError, match="Expected") as caught:
            check(name)
        # The message is text that a terminal shows.
        assert all(character.isprintable() for character in str(caught.value))


@pytest.mark.parametrize("name", ["sub-001", "a b", "Fall 3 (zwei)", "M\u00fcller", "e\u0301", "a.b", "x_0000", "1"])
def test_names_that_people_give_their_cases_stay(name: str) -> None:
    assert is_case_name(name)


@pytest.mark.parametrize("name", ["00", "01", "-1", "1.0", "\u00b2", "Full", "all"])
def test_a_fold_has_one_spelling(name: str) -> None:
    with pytest.raises(WrongNameError, match="is not a fold"):
        check_fold_name(name)
    check_fold_name("0")
    check_fold_name("full")


@pytest.mark.parametrize(
    ("label", "folder"),
    [
        ("mandible", "mandible"),
        ("maxillary sinus", "maxillary_sinus"),
        ("a/../b", "a_b"),
        (" -x. ", "x"),
        ("\u80f0\u817a", "label_2"),
        ("", "label_2"),
        ("x" * 500, "x" * 60),
    ],
)
def test_a_label_names_a_configuration_as_far_as_folders_can_be_called_so(label: str, folder: str) -> None:
    assert name_folder(label, "label_2") == folder
    assert is_folder_name(name_folder(label, "label_2"))


@pytest.mark.parametrize(
    ("number", "words", "shown"),
    [
        (0, ("case",), "0 cases"),
        (1, ("case",), "1 case"),
        (2, ("case",), "2 cases"),
        (1, ("patch", "patches"), "1 patch"),
        (3, ("patch", "patches"), "3 patches"),
        (1, ("scan lacks", "scans lack"), "1 scan lacks"),
        (12, ("scan lacks", "scans lack"), "12 scans lack"),
    ],
)
def test_a_count_agrees_with_its_noun(number: int, words: tuple[str, ...], shown: str) -> None:
    assert counted(number, *words) == shown


@pytest.mark.parametrize(
    ("column", "plain"),
    [
        ("Subject ID", "subjectid"),
        ("Subject ID (환자)", "subjectid"),
        ("체위", "체위"),
        ("체위_2", "체위2"),
        (" 0001 ", "0001"),
        ("--", ""),
    ],
)
def test_spellings_of_a_column_are_one_and_columns_in_other_letters_stay_apart(column: str, plain: str) -> None:
    assert plain_name(column) == plain
