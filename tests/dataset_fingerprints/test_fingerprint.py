from __future__ import annotations

from dataclasses import fields

from dataset_fingerprints.fingerprint import DatasetFingerprint, FingerprintSummary, drop_cases
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint


def test_a_summary_is_the_fingerprint_with_the_number_of_its_cases_in_place_of_the_cases() -> None:
    fingerprint = make_fingerprint([SyntheticCase(body_shape=(4, 5, 6))] * 7)
    summary = drop_cases(fingerprint)
    shared = {field.name for field in fields(DatasetFingerprint)} - {"cases", "schema_version"}
    assert {field.name for field in fields(FingerprintSummary)} == shared | {"case_count"}
    assert summary.case_count == 7
    assert all(getattr(summary, name) == getattr(fingerprint, name) for name in shared)
