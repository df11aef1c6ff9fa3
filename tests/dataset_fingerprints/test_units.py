"""Cases that must stay together: by subject, by group, and through others."""

from __future__ import annotations

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.units import find_units
from tests.synthetic.passes import kept, pass_over
from tests.synthetic.scans import write_csv, write_pairs


def units(*cases):
    """Each case is its name, subject and group."""
    made = (Case(name=name, subject=subject, group=group, images=(), label="") for name, subject, group in cases)
    return find_units(made)


def test_a_case_of_its_own_is_a_unit_called_like_its_subject():
    assert units(("a", "anna", ""), ("b", "bert", "")) == {"a": "anna", "b": "bert"}


def test_cases_of_one_subject_or_one_group_are_one_unit():
    found = units(("a", "anna", ""), ("b", "anna", ""), ("c", "carl", "family"), ("d", "dora", "family"))
    assert found == {"a": "anna", "b": "anna", "c": "carl", "d": "carl"}


def test_a_group_pulls_the_other_cases_of_its_subjects_and_other_groups_of_these_with_it():
    found = units(("a", "anna", "x"), ("b", "bert", "x"), ("c", "bert", ""), ("d", "dora", "y"), ("e", "bert", "y"))
    assert set(found.values()) == {"anna"}


def test_a_group_called_like_a_subject_is_not_that_subject():
    assert units(("a", "anna", "bert"), ("b", "bert", "")) == {"a": "anna", "b": "bert"}


def write_grouped(root, **more):
    write_pairs(root / "scans", root / "masks", 4)
    (root / "dataset.json").write_text('{"labels": {"dark": 1, "bright": 2}}')
    rows = [
        {"image": f"scans/sub-00{index}.nii.gz", "label": f"masks/sub-00{index}.nii.gz"}
        | {column: values[index] for column, values in more.items()}
        for index in range(4)
    ]
    return write_csv(root / "cases.csv", rows)


def test_a_group_is_reported_as_kept_in_one_fold(tmp_path):
    place = write_grouped(tmp_path, group=["f", "", "f", ""])
    (finding,) = pass_over(place)[0].findings()
    assert (finding.case, finding.kind) == ("sub-000", "shared-subject")
    assert finding.message == (
        "is of subject sub-000 and group f, as sub-002 is. They are kept in one fold, unless folds of your own divide "
        + "them."
    )


def test_what_a_csv_says_of_cases_later_is_taken_without_reading_them_again(tmp_path):
    named = {"case": [f"sub-00{index}" for index in range(4)]}
    first, _ = pass_over(write_grouped(tmp_path, **named))
    columns = named | {
        "site": ["a", "a", "b", "b"],
        "group": ["", "g", "g", ""],
        "session": list("1234"),
        "subject": list("wxyz"),
    }
    dataset = read_dataset(write_grouped(tmp_path, **columns))
    again, read = pass_over(dataset, kept(first))
    assert read == []
    assert [(r.site, r.group, r.session, r.subject) for r in again.records()] == [
        ("a", "", "1", "w"),
        ("a", "g", "2", "x"),
        ("b", "g", "3", "y"),
        ("b", "", "4", "z"),
    ]
