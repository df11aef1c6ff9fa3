from __future__ import annotations

from dataclasses import replace

from dataset_fingerprints.dataset import Region
from dataset_fingerprints.files.jsonfiles import parse_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.publications import expand, read_published
from planners import PlanRequest, make_plan
from planners.plan import PostprocessingCandidates
from planners.rules.postprocessing import THRESHOLDS, choose_postprocessing
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, make_quantiles, repeat_case
from tests.synthetic.machines import CPU


def lesions(volumes_mm3: list[float], counts: list[float]) -> DatasetFingerprint:
    """A data set whose first label has these component volumes and counts per scan."""
    fingerprint = make_fingerprint(repeat_case(10, SyntheticCase(body_shape=(60, 70, 50), spacing_mm=(1.0,) * 3)))
    first, *others = fingerprint.labels
    measured = replace(first, lesion_volume_mm3=make_quantiles(volumes_mm3), lesion_count=make_quantiles(counts))
    return replace(fingerprint, labels=(measured, *others))


def test_smallest_volumes_come_from_the_small_lesions_and_none_is_always_tried() -> None:
    (first, *_), (reason, *_) = choose_postprocessing(lesions([float(v) for v in range(101)], [3.0] * 10))
    assert first.min_volumes_mm3 == (0.0, 5.0, 10.0, 25.0)
    assert not first.largest_only
    assert first.large_volumes_mm3 == (25.0, 50.0)
    assert first.fill_holes
    assert reason.field == f"postprocessing.{first.name}"
    assert "101 lesions" in reason.evidence


def test_the_largest_component_alone_is_tried_where_scans_have_but_one() -> None:
    (first, *_), _ = choose_postprocessing(lesions([50.0] * 10, [1.0] * 19 + [4.0]))
    assert first.largest_only
    assert first.min_volumes_mm3 == (0.0, 50.0)


def test_a_region_is_judged_by_the_smallest_lesions_of_its_labels() -> None:
    fingerprint = lesions([float(v) for v in range(101)], [1.0] * 10)
    values = tuple(label.value for label in fingerprint.labels)
    scheme = replace(fingerprint.scheme, regions=(Region(name="whole", values=values),), region_export_order=(1,))
    (whole,), _ = choose_postprocessing(replace(fingerprint, scheme=scheme))
    assert whole.name == "whole"
    assert set(whole.min_volumes_mm3) >= {0.0, 5.0}


def test_what_was_not_measured_gives_nothing_to_try() -> None:
    fingerprint = expand(read_published("ct_3mm_512"))
    plan = make_plan(fingerprint, PlanRequest(machine=CPU, memory_gb=8.0))
    assert [candidates.name for candidates in plan.postprocessing] == [label.name for label in plan.scheme.labels]
    assert all(candidates.min_volumes_mm3 == (0.0,) for candidates in plan.postprocessing)
    assert all(not candidates.largest_only for candidates in plan.postprocessing)


def test_thresholds_are_tried_where_no_other_label_competes() -> None:
    case = SyntheticCase(body_shape=(60, 70, 50))
    several = make_fingerprint(repeat_case(10, case), labels=2)
    assert {candidates.thresholds for candidates in choose_postprocessing(several)[0]} == {()}
    regions = tuple(Region(name=label.name, values=(label.value,)) for label in several.scheme.labels)
    apart = replace(several.scheme, regions=regions, region_export_order=(1, 2))
    for fingerprint in (make_fingerprint(repeat_case(10, case)), replace(several, scheme=apart)):
        assert all(candidates.thresholds == THRESHOLDS for candidates in choose_postprocessing(fingerprint)[0])


def test_no_component_is_large_that_most_lesions_are_smaller_than() -> None:
    for most, expected in ((90.0, set()), (200.0, {100.0}), (500.0, {100.0, 300.0})):
        (first, *_), _ = choose_postprocessing(lesions([1.0] * 20 + [most] * 30, [3.0] * 10))
        assert {100.0, 300.0} & set(first.large_volumes_mm3) == expected


def test_candidates_of_an_older_plan_are_read_with_nothing_more_to_try() -> None:
    text = b'{"name": "lesion", "min_volumes_mm3": [0.0, 5.0], "largest_only": true}'
    found = parse_json(text, PostprocessingCandidates, "plan.json")
    assert (found.thresholds, found.large_volumes_mm3, found.peaks, found.fill_holes) == ((), (), (), False)
