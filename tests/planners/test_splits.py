import json
import logging
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import DataError, FileFormatError
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.units import find_units
from planners.plan import Splits, is_undivided
from planners.rare_labels import describe_lacking, spread_rare_labels
from planners.splits import check_folds, describe_number, make_splits, read_splits
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.looked import Looked

SHAPE = (20, 20, 20)


def make_cases(subjects: list[tuple[str, str, float]]) -> DatasetFingerprint:
    """Build a fingerprint from (subject, site, volume) rows, one per case."""
    return make_fingerprint(
        [
            SyntheticCase(body_shape=SHAPE, subject=subject, site=site, volume_mm3=volume)
            for subject, site, volume in subjects
        ]
    )


def subjects_of(fingerprint: DatasetFingerprint) -> dict[str, str]:
    return {case.case: case.subject for case in fingerprint.cases}


def skewed(count: int) -> DatasetFingerprint:
    rng = np.random.default_rng(0)
    volumes = np.where(rng.random(count) < 0.1, 0.0, rng.lognormal(8, 2, count))
    return make_cases([(f"s{index}", f"site{index % 3}", float(volume)) for index, volume in enumerate(volumes)])


def write_splits(path: Path, folds: list[dict[str, list[str]]]) -> Path:
    path.write_text(json.dumps(folds), encoding="utf-8")
    return path


def check_partition(fingerprint: DatasetFingerprint, splits: Splits) -> None:
    names = sorted(case.case for case in fingerprint.cases)
    subjects = {case.case: case.subject for case in fingerprint.cases}
    assert sorted(name for fold in splits.folds for name in fold.validation) == names
    for fold in splits.folds:
        assert fold.validation
        assert sorted(fold.train + fold.validation) == names
        assert not {subjects[name] for name in fold.train} & {subjects[name] for name in fold.validation}


rows = st.tuples(
    st.sampled_from([f"s{index}" for index in range(15)]),
    st.sampled_from(["", "a", "b"]),
    st.sampled_from([0.0, 1.0, 10.0, 500.0, 1e5]),
)


@given(st.lists(rows, min_size=2, max_size=60).filter(lambda found: len({row[0] for row in found}) > 1))
def test_every_case_is_validated_once_and_no_subject_is_on_both_sides(found) -> None:
    fingerprint = make_cases(found)
    check_partition(fingerprint, make_splits(fingerprint, 0))


grouped_rows = st.tuples(rows, st.sampled_from(["", "", "g1", "g2"]))


@given(st.lists(grouped_rows, min_size=12, max_size=60))
def test_no_group_is_on_both_sides_either(found) -> None:
    cases = [
        SyntheticCase(body_shape=SHAPE, subject=subject, site=site, volume_mm3=volume, group=group)
        for (subject, site, volume), group in found
    ]
    fingerprint = make_fingerprint(cases)
    if len(set(find_units(fingerprint.cases).values())) < 2:
        return
    splits = make_splits(fingerprint, 0)
    check_partition(fingerprint, splits)
    groups = {case.case: case.group for case in fingerprint.cases}
    for fold in splits.folds:
        shared = {groups[name] for name in fold.train} & {groups[name] for name in fold.validation}
        assert shared <= {""}


def test_folds_have_similar_volumes_sites_and_empty_cases() -> None:
    fingerprint = skewed(300)
    splits = make_splits(fingerprint, 0)
    volumes = {case.case: case.labels[0].volume_mm3 for case in fingerprint.cases}
    sites = {case.case: case.site for case in fingerprint.cases}
    for fold in splits.folds:
        present = [volumes[name] for name in fold.validation if volumes[name] > 0]
        empty = len(fold.validation) - len(present)
        assert 4 <= empty <= 8  # 29 of 300 are empty: 5.8 per fold, dealt out per site
        assert 2000 < np.median(present) < 4500  # exp(8) = 2981; quartiles lie at 770 and 11500
        assert all(17 <= count <= 23 for count in Counter(sites[name] for name in fold.validation).values())


def test_every_task_is_spread_over_the_folds_also_where_each_site_has_few_scans() -> None:
    tasks = [("MS", index % 2) for index in range(15)] + [("stroke", index % 9) for index in range(60)]
    cases = [
        SyntheticCase(body_shape=SHAPE, task=task, site=f"{task}{site}", volume_mm3=10.0 ** (index % 5))
        for index, (task, site) in enumerate(tasks)
    ]
    fingerprint = make_fingerprint(cases)
    task_of = {case.case: case.task for case in fingerprint.cases}
    splits = make_splits(fingerprint, 0)
    counts = [Counter(task_of[name] for name in fold.validation) for fold in splits.folds]
    assert all(count["MS"] == 3 for count in counts), counts
    assert all(count["stroke"] == 12 for count in counts), counts
    assert "by subject, stratified by task, lesion volume and site" in splits.origin


def test_splits_depend_on_nothing_but_cases_and_seed() -> None:
    fingerprint = skewed(60)
    assert make_splits(fingerprint, 1) == make_splits(fingerprint, 1)
    assert make_splits(fingerprint, 1).folds != make_splits(fingerprint, 2).folds


def test_few_subjects_make_as_many_folds() -> None:
    fingerprint = make_cases([("a", "", 1.0), ("b", "", 2.0), ("c", "", 0.0), ("c", "", 0.0)])
    splits = make_splits(fingerprint, 0)
    assert len(splits.folds) == 3
    check_partition(fingerprint, splits)


@pytest.mark.parametrize(
    ("rows", "rule", "said"),
    [
        ([("a", "", 1.0)], "by_subject", "no folds, for there is a single subject"),
        ([("a", "", 1.0), ("a", "", 2.0)], "by_subject", "no folds, for there is a single subject"),
        ([("a", "", 1.0)], "shuffled", "no folds, for there is a single case"),
    ],
)
def test_a_single_subject_is_left_undivided_and_is_said(rows, rule, said) -> None:
    fingerprint = make_cases(rows)
    splits = make_splits(fingerprint, 0, rule)
    assert splits.origin == said
    assert is_undivided(splits.folds)
    assert splits.cases() == tuple(case.case for case in fingerprint.cases)
    check_folds(Path("splits.json"), splits.folds)
    (remark,) = describe_number(splits, fingerprint)
    assert "1 subject cannot be cross-validated: `autoseg train full`" in remark


@pytest.mark.parametrize(("subjects", "remarks"), [(2, 1), (3, 1), (4, 1), (5, 0), (9, 0)])
def test_fewer_folds_than_five_are_said(subjects: int, remarks: int) -> None:
    fingerprint = make_cases([(f"s{index}", "", 1.0) for index in range(subjects)])
    splits = make_splits(fingerprint, 0)
    found = list(describe_number(splits, fingerprint))
    assert len(found) == remarks
    assert all(f"A cross-validation of {subjects} folds instead of 5" in remark for remark in found)


def with_label(fingerprint: DatasetFingerprint, holders: set[str]) -> DatasetFingerprint:
    """Return the fingerprint with a second label, which only some subjects hold."""
    scheme = LabelScheme(labels=(*fingerprint.scheme.labels, Label(name="rare", value=2)))
    cases = tuple(
        replace(
            case, labels=(*case.labels, replace(case.labels[0], value=2, volume_mm3=float(case.subject in holders)))
        )
        for case in fingerprint.cases
    )
    return replace(fingerprint, scheme=scheme, cases=cases)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("count", [2, 3, 4])
@pytest.mark.parametrize("subjects", [6, 17, 40])
def test_every_fold_trains_on_a_rare_label(subjects: int, count: int, seed: int) -> None:
    fingerprint = skewed(subjects)
    dealt = make_splits(fingerprint, seed)
    in_one_fold = dealt.folds[1].validation[:count]
    rare = with_label(fingerprint, {case.subject for case in fingerprint.cases if case.case in in_one_fold})
    splits = make_splits(rare, seed)
    check_partition(rare, splits)
    # A label that one subject holds cannot be in every fold's training cases: that is said.
    lacking = list(describe_lacking(rare, splits))
    assert len(lacking) == (len(in_one_fold) == 1)
    assert all("trains on no case with label rare, which only" in remark for remark in lacking)
    sizes = [[len(fold.validation) for fold in one.folds] for one in (splits, dealt)]
    assert sizes[0] == sizes[1]


def test_folds_that_train_on_every_label_stay_as_they_are() -> None:
    fingerprint = skewed(40)
    dealt = make_splits(fingerprint, 0)
    spread = {case.subject for case in fingerprint.cases if case.case in (fold.validation[0] for fold in dealt.folds)}
    units = {case.subject: [case] for case in fingerprint.cases}
    held_out = [[f"s{int(case[4:])}" for case in fold.validation] for fold in dealt.folds]
    for holders in (set(), spread, set(units)):
        marked = {case.subject: [case] for case in with_label(fingerprint, holders).cases}
        assert spread_rare_labels(held_out, marked) == held_out


def test_the_exchange_for_a_rare_label_leaves_the_volumes_of_folds_most_alike() -> None:
    units = {case.subject: [case] for case in with_label(skewed(17), {"s0", "s1"}).cases}
    names = list(units)
    dealt = [names[:4], names[4:8], names[8:12], names[12:]]

    def unlike(folds: list[list[str]]) -> float:
        volumes = [sum(label.volume_mm3 for unit in fold for label in units[unit][0].labels) for fold in folds]
        return max(volumes) - min(volumes)

    tried = [
        [[{out: back, back: out}.get(unit, unit) for unit in fold] for fold in dealt]
        for out in ("s0", "s1")
        for other in dealt[1:]
        for back in other
    ]
    spread = spread_rare_labels(dealt, units)
    assert spread in tried
    # Sums of the same volumes in another order.
    assert unlike(spread) == pytest.approx(min(map(unlike, tried)), rel=1e-9)


def test_exchanges_are_rated_without_a_look_at_all_other_subjects() -> None:
    times = []
    for number in (20, 160):
        cases = with_label(skewed(number), {"s0", "s1"}).cases
        units = {Looked(case.subject): [case] for case in cases}
        names = list(units)
        dealt = [names[number * fold // 5 : number * (fold + 1) // 5] for fold in range(5)]
        Looked.times = 0
        assert spread_rare_labels(dealt, units) != dealt
        times.append(Looked.times)
    # Eight times as many subjects; of pairs there are 64 times as many.
    assert times[1] < 16 * times[0]


def test_nnunets_folds_are_those_of_its_seed() -> None:
    """Compare with `generate_crossval_split` of nnunetv2 2.8.1 for the same twelve names."""
    fingerprint = make_cases([(f"s{index}", "", 1.0) for index in range(12)])
    splits = make_splits(fingerprint, 7, "shuffled")
    check_partition(fingerprint, splits)
    held_out = [[int(name.removeprefix("case")) for name in fold.validation] for fold in splits.folds]
    assert held_out == [[0, 3, 8], [7, 10, 11], [6, 9], [1, 4], [2, 5]]
    assert splits == make_splits(fingerprint, 8, "shuffled")


def test_nnunets_folds_do_not_look_at_the_order_of_the_cases() -> None:
    fingerprint = make_cases([(f"s{index}", "", 1.0) for index in range(12)])
    turned = replace(fingerprint, cases=fingerprint.cases[::-1])
    assert make_splits(turned, 0, "shuffled") == make_splits(fingerprint, 0, "shuffled")


def test_nnunets_folds_warn_of_shared_subjects(caplog: pytest.LogCaptureFixture) -> None:
    shared = make_cases([("a", "", 1.0), ("a", "", 2.0)])
    with caplog.at_level(logging.WARNING):
        assert len(make_splits(shared, 0, "shuffled").folds) == 2
    assert "nnU-Net's folds: fold 0 trains on and is judged on scans of a" in caplog.text


def test_nnunets_file_is_read(tmp_path: Path) -> None:
    fingerprint = make_cases([("a", "", 1.0), ("b", "", 2.0)])
    first, second = (case.case for case in fingerprint.cases)
    path = write_splits(tmp_path / "splits_final.json", [{"train": [first], "val": [second]}])
    splits = read_splits(path, subjects_of(fingerprint))
    assert (splits.folds[0].train, splits.folds[0].validation) == ((first,), (second,))


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([{"train": ["case0000"], "val": ["case0009"]}], "names case0009, not in the data set. Did you mean"),
        ([{"train": ["case0000", "case0001"], "val": ["case0001"]}], "is judged on case0001"),
        ([{"train": ["case0000"], "val": ["case0001"]}], "no fold names case0002"),
    ],
)
def test_folds_that_do_not_fit_the_data_set_are_refused(
    tmp_path: Path, folds: list[dict[str, list[str]]], message: str
) -> None:
    fingerprint = make_cases([("a", "", 1.0), ("b", "", 2.0), ("c", "", 3.0)])
    with pytest.raises(DataError, match=message):
        read_splits(write_splits(tmp_path / "splits.json", folds), subjects_of(fingerprint))


EIGHT = [f"case{number:04d}" for number in range(8)]


def fold_of(*held: int, train: list[int] | None = None) -> dict[str, list[str]]:
    rest = [number for number in range(8) if number not in held] if train is None else train
    return {"train": [EIGHT[number] for number in rest], "val": [EIGHT[number] for number in held]}


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([fold_of(0, 1), fold_of(1, 2)], "folds 0 and 1 are both judged on case0001, which would count twice"),
        ([fold_of(0, 1), fold_of(2), fold_of(0)], "folds 0 and 2 are both judged on case0000"),
        ([fold_of(0), fold_of(0)], "folds 0 and 1 are both judged on case0000"),
        ([fold_of(0, 0)], "fold 0 is judged twice on case0000"),
        ([fold_of(0), fold_of(1, train=[0, 2, 3, 3, 4, 5, 6, 7])], "fold 1 trains twice on case0003"),
        ([fold_of(2, train=[0, 1]), fold_of(7, train=[3, 4, 5, 6])], "fold 0 leaves out case0003, case0004, case0005"),
        ([fold_of(0), fold_of(1, train=[0, 2, 3, 4, 5, 6])], "fold 1 leaves out case0007"),
        ([fold_of(0), fold_of(1, train=[1, 0, 2, 3, 4, 5, 6, 7])], "fold 1 both trains on and is judged on case0001"),
    ],
)
def test_folds_in_which_a_case_counts_twice_or_not_at_all_are_refused(
    tmp_path: Path, folds: list[dict[str, list[str]]], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        read_splits(write_splits(tmp_path / "splits.json", folds), dict(zip(EIGHT, EIGHT, strict=True)))


def test_folds_of_ones_own_may_judge_some_cases_only(tmp_path: Path) -> None:
    path = write_splits(tmp_path / "splits.json", [fold_of(0, 3), fold_of(5)])
    splits = read_splits(path, dict(zip(EIGHT, EIGHT, strict=True)))
    assert splits.cases() == tuple(EIGHT)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ({}, ""),
        ([], ""),
        ([{"train": ["a"]}], ": fold 0 has no list of names 'val'"),
        ([{"train": ["a"], "val": []}], ": 'val' of fold 0 is empty"),
        ([{"train": ["a"], "val": ["b"]}, {"train": [], "val": ["a"]}], ": 'train' of fold 1 is empty"),
        ([{"train": ["a"], "val": "b"}], ": fold 0 has no list of names 'val'"),
        ([{"train": ["a", 3], "val": ["b"]}], ": fold 0 has no list of names 'train'"),
        ([["a"], ["b"]], ": fold 0 has no list of names 'train'"),
    ],
)
def test_other_files_are_not_splits(tmp_path: Path, content, why: str) -> None:
    with pytest.raises(FileFormatError, match=f"is not a list of folds{why}. Expected"):
        read_splits(write_splits(tmp_path / "splits.json", content), {})


def test_shared_subjects_are_warned_of(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    fingerprint = make_cases([("a", "", 1.0), ("a", "", 2.0)])
    path = write_splits(tmp_path / "splits.json", [{"train": ["case0000"], "val": ["case0001"]}])
    with caplog.at_level(logging.WARNING):
        read_splits(path, subjects_of(fingerprint))
    assert "scans of a" in caplog.text
