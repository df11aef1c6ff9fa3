"""cases.tsv beside an nnU-Net folder says what its names cannot."""

from __future__ import annotations

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.units import find_units
from tests.synthetic.scans import write_nnunet_dataset


def write(root, *lines):
    (root / "cases.tsv").write_text("\n".join("\t".join(line.split()) for line in lines) + "\n")


def test_subjects_sites_and_further_columns_are_those_of_the_table(tmp_path):
    root = write_nnunet_dataset(tmp_path, cases=3)
    write(
        root,
        "case subject session site set chronicity",
        "sub-000 anna t01 Rome train chronic",
        "sub-001 anna t02 Rome train early",
    )

    first, second, third = read_dataset(root).cases

    assert (first.subject, first.session, first.site, dict(first.others)) == (
        "anna",
        "t01",
        "Rome",
        {"chronicity": "chronic"},
    )
    assert find_units((first, second, third)) == {"sub-000": "anna", "sub-001": "anna", "sub-002": "sub-002"}
    assert (third.subject, third.site) == ("sub-002", "")


def test_cells_of_what_is_unknown_bind_no_cases_together(tmp_path):
    root = write_nnunet_dataset(tmp_path, cases=3)
    write(root, "case subject group site", *(f"sub-00{number} NA n/a unknown" for number in range(3)))

    cases = read_dataset(root).cases

    assert [(case.subject, case.group, case.site) for case in cases] == [(case.name, "", "") for case in cases]
    assert len(set(find_units(cases).values())) == 3


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (("name site", "sub-000 Rome"), "Expected 'case'"),
        (("case site", "sub-000 Rome", "sub-000 Oslo"), "lists a case twice"),
        (("case subject", "000 anna"), "lists none of the 1 case of the data set: its first line is of '000'"),
    ],
)
def test_a_table_that_cannot_be_meant_is_refused(tmp_path, lines, said):
    root = write_nnunet_dataset(tmp_path, cases=1)
    write(root, *lines)

    with pytest.raises(DataError, match=said):
        read_dataset(root)
