"""A pass over all cases: what happens to the others when one fails."""

from __future__ import annotations

import errno
import re
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.measuring import one_pass
from dataset_fingerprints.measuring.case_measurements import measure_case
from dataset_fingerprints.measuring.one_pass import Limits, Listeners, extract_cases
from dataset_fingerprints.measuring.scans import read_case
from tests.synthetic.passes import LIMITS, kept, pass_over
from tests.synthetic.scans import write_nnunet_dataset

TOO_LONG = "x" * 300
# What is wrong with a case -> how its files are called then.
UNFORESEEN = {
    "a scan's name that no disk takes": {"images": (f"/{TOO_LONG}.nii.gz",)},
    "a label map's name that no disk takes": {"label": f"/{TOO_LONG}.nii.gz"},
    "two of several scans": {"images": (f"/{TOO_LONG}.nii.gz", "/none.nii.gz")},
}


@pytest.mark.parametrize("kind", UNFORESEEN)
def test_an_error_of_any_kind_is_a_finding_of_its_case_and_the_others_are_measured(tmp_path, kind):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))
    first, second, third = dataset.cases
    spoilt = replace(dataset, cases=(first, replace(second, **UNFORESEEN[kind]), third))
    found, read = pass_over(spoilt)
    assert read == ["sub-000", "sub-002"]
    (finding,) = found.refused
    assert (finding.case, finding.grade, finding.kind) == ("sub-001", "error", "unreadable")
    assert f"{TOO_LONG}.nii.gz: cannot be used (File name too long)" in finding.message
    assert found.sound == tuple(known for known in pass_over(dataset)[0].sound if known.record.case != "sub-001")


def test_a_folder_that_cannot_be_entered_is_a_finding_of_its_case(tmp_path, monkeypatch):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))
    first, second, third = dataset.cases
    closed, look = str(tmp_path / "closed" / "a.nii.gz"), Path.stat

    def refuse(path, **options):
        if str(path) == closed:
            raise PermissionError(errno.EACCES, "Permission denied", closed)
        return look(path, **options)

    # The tests may run as root, who may enter every folder.
    monkeypatch.setattr(Path, "stat", refuse)
    found, read = pass_over(replace(dataset, cases=(first, replace(second, images=(closed,)), third)))
    assert read == ["sub-000", "sub-002"]
    (finding,) = found.refused
    assert (finding.case, finding.kind) == ("sub-001", "unreadable")
    assert finding.message.startswith(f"{closed}: cannot be opened (Permission denied)")


def strip(dataset):
    """Return a data set without its labels."""
    cases = tuple(replace(case, label="") for case in dataset.cases)
    return replace(dataset, labels=LabelScheme(labels=()), cases=cases)


def test_scans_without_labels_are_measured_as_those_of_labelled_cases_but_for_the_labels(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=2, channels=("T1w", "FLAIR")))
    labelled, (alone, _) = pass_over(dataset)[0].records(), pass_over(strip(dataset))[0].records()
    assert alone.labels == ()
    assert alone.scans() == alone.identities == labelled[0].scans()
    assert (alone.shape, alone.spacing_mm, alone.body_share) == (
        labelled[0].shape,
        labelled[0].spacing_mm,
        labelled[0].body_share,
    )
    assert [channel.body for channel in alone.channels] == [channel.body for channel in labelled[0].channels]
    assert all(channel.foreground.voxels == 0 for channel in alone.channels)


def test_one_scan_without_labels_lacks_nothing_and_two_of_one_file_are_told(tmp_path):
    dataset = strip(read_dataset(write_nnunet_dataset(tmp_path, cases=2)))
    first, second = dataset.cases
    assert pass_over(replace(dataset, cases=(first,)))[0].findings() == ()
    twice = replace(dataset, cases=(first, replace(second, images=first.images)))
    (finding,) = pass_over(twice)[0].findings()
    assert finding.kind == "duplicate-image"


def test_damaged_and_missing_scans_without_labels_are_refused(tmp_path):
    dataset = strip(read_dataset(write_nnunet_dataset(tmp_path, cases=2)))
    first, second = dataset.cases
    Path(first.images[0]).write_bytes(b"nothing")
    Path(second.images[0]).unlink()
    refused = pass_over(dataset)[0].refused
    assert {(finding.case, finding.kind) for finding in refused} == {
        (first.name, "unreadable"),
        (second.name, "missing-image"),
    }


def test_what_goes_wrong_while_a_case_is_measured_is_its_finding_with_a_traceback_in_a_log(tmp_path, monkeypatch):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))

    def measure(case, *others):
        return 1 / (case.name != "sub-001") and measure_case(case, *others)

    monkeypatch.setattr(one_pass, "measure_case", measure)
    found = pass_over(dataset)[0]
    assert [known.record.case for known in found.sound] == ["sub-000", "sub-002"]
    (finding,) = found.refused
    assert (finding.case, finding.kind) == ("sub-001", "unreadable")
    said = re.fullmatch(r"cannot be read \(ZeroDivisionError: .*\)\. The traceback is in (\S+)\.", finding.message)
    assert "case sub-001: cannot be read\nTraceback" in Path(said[1]).read_text(encoding="utf-8")


def test_cases_that_took_all_memory_together_are_read_again_alone(tmp_path, monkeypatch):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=4))
    expected, failing = pass_over(dataset)[0], ["sub-001", "sub-002"]

    def read(case, *others):
        if case.name in failing:
            failing.remove(case.name)
            raise MemoryError("Unable to allocate")
        return read_case(case, *others)

    monkeypatch.setattr(one_pass, "read_case", read)
    assert pass_over(dataset)[0] == expected
    failing += ["sub-003"] * 2
    (finding,) = pass_over(dataset)[0].refused
    assert finding.case == "sub-003"
    assert "there is not enough memory for it (Unable to allocate)" in finding.message


def test_what_goes_wrong_behind_a_case_ends_the_pass(tmp_path):
    dataset = read_dataset(write_nnunet_dataset(tmp_path, cases=3))

    def fail(case, scan):
        raise OSError(errno.ENOSPC, "planted")

    with pytest.raises(OSError, match="planted"):
        extract_cases(dataset, {}, LIMITS, Listeners(on_scan=fail))


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
