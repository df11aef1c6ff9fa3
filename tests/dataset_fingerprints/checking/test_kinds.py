"""Every kind of finding in the table is planted into real files and found, and nothing is found that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import dataset_fingerprints
from dataset_fingerprints.checking.kinds import KINDS
from tests.synthetic.defects import CASE, PLANTERS, TWO_CHANNELS
from tests.synthetic.passes import pass_over
from tests.synthetic.scans import write_nnunet_dataset


def test_every_kind_of_the_table_is_planted_here():
    assert set(PLANTERS) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_planted_defect_is_found_under_its_name_and_grade(tmp_path, kind):
    channels = ("T1w", "FLAIR") if kind in TWO_CHANNELS else ("T1w",)
    write_nnunet_dataset(tmp_path, 4, channels=channels)
    PLANTERS[kind](tmp_path)
    findings = pass_over(tmp_path)[0].findings()
    assert {finding.kind for finding in findings} == {kind}
    for finding in findings:
        assert finding.case.startswith(CASE)
        assert finding.grade in KINDS[kind].grades
        assert len(finding.message) > 20


def test_a_sound_data_set_has_no_finding(tmp_path):
    root = write_nnunet_dataset(tmp_path, 4, channels=("T1w", "FLAIR"))
    assert pass_over(root)[0].findings() == ()


def test_no_finding_is_made_of_a_kind_that_is_not_in_the_table():
    folder = Path(dataset_fingerprints.__file__).parent
    made = {
        kind
        for file in folder.rglob("*.py")
        if file.name != "likeness.py"  # whose kinds are not of findings
        for kind in re.findall(r'(?:kind=|"(?:error|warning|fixed)",\s+)"([a-z-]+)",', file.read_text(encoding="utf-8"))
    }
    assert len(made) > 15
    assert made - {"error", "warning", "fixed"} <= set(KINDS)
