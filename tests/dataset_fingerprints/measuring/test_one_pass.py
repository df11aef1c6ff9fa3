"""A pass over all cases: what happens to the others when one fails."""

from __future__ import annotations

import pytest

from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring.one_pass import Limits, Listeners, extract_cases
from tests.synthetic.passes import LIMITS, kept, pass_over
from tests.synthetic.scans import write_nnunet_dataset


def test_whatever_fails_in_a_thread_comes_back_with_the_name_of_its_case(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))

    def fail(case, scan):
        if case.name == "sub-001":
            raise ZeroDivisionError("planted")

    with pytest.raises(ZeroDivisionError) as raised:
        extract_cases(dataset, {}, LIMITS, Listeners(on_scan=fail))
    assert raised.value.__notes__ == ["while reading case sub-001"]


def test_every_case_is_done_once_and_only_those_that_were_read_are_measured(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=4))
    found, _ = pass_over(dataset)
    known = {name: case for name, case in kept(found).items() if name != "sub-002"}
    done, measured = [], []
    listeners = Listeners(on_done=done.append, on_measured=lambda known: measured.append(known.record.case))
    again = extract_cases(dataset, known, LIMITS, listeners)
    assert sorted(done) == ["sub-000", "sub-001", "sub-002", "sub-003"]
    assert measured == ["sub-002"]
    assert again == found


def test_cases_that_do_not_fit_into_memory_together_are_read_one_by_one_with_the_same_result(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=4))
    alone = extract_cases(dataset, {}, Limits(workers=4, memory_bytes=1), Listeners())
    assert alone == pass_over(dataset)[0]
