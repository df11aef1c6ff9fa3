from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fingerprints.combining.combining import Combined, combine
from dataset_fingerprints.combining.meanings import Meaning, Rule
from dataset_fingerprints.combining.part import Part
from dataset_fingerprints.dataset import Region
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.layouts import read_dataset
from tests.synthetic.tasks import write_task_datasets


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    return write_task_datasets(tmp_path_factory.mktemp("tasks"), cases=2, shape=(8, 8, 6))


def read(places: Mapping[str, Path], **tasks: str) -> list[Part]:
    return [Part(name=name, dataset=read_dataset(place), task=tasks.get(name, "")) for name, place in places.items()]


def values_of(combined: Combined) -> dict[str, dict[int, int]]:
    return {one.case.name: dict(one.values) for one in combined.cases}


def test_names_subjects_sites_and_groups_stay_apart_and_cases_know_task_and_data_set(
    places: Mapping[str, Path],
) -> None:
    combined = combine(read(places, ms="MS"), ["FLAIR"], "own")
    assert [one.case.name for one in combined.cases] == ["ms_p0", "ms_p1", "stroke_p0", "stroke_p1", "wmh_w0", "wmh_w1"]
    first, last = combined.cases[0].case, combined.cases[-1].case
    assert (first.subject, first.site, first.task, first.others["data_set"]) == ("ms_p0", "ms", "MS", "ms")
    assert (last.subject, last.site, last.task) == ("wmh_w1", "wmh Utrecht", "wmh")
    assert combined.tasks() == ("MS", "stroke", "wmh")


def test_subjects_called_alike_are_one_person_where_that_is_said(places: Mapping[str, Path]) -> None:
    parts = read(places)
    apart, together = (combine(parts, ["FLAIR"], "own", same_subjects=same) for same in (False, True))
    assert [one.case.subject for one in apart.cases[:4]] == ["ms_p0", "ms_p1", "stroke_p0", "stroke_p1"]
    assert [one.case.subject for one in together.cases[:4]] == ["p0", "p1", "p0", "p1"]
    assert [one.case.name for one in together.cases] == [one.case.name for one in apart.cases]


def test_channels_are_taken_by_their_names_wherever_they_stand(places: Mapping[str, Path]) -> None:
    combined = combine(read(places), ["flair"], "own")
    assert [Path(one.case.images[0]).name for one in combined.cases[:3]] == [
        "p0_0001.nii.gz",
        "p1_0001.nii.gz",
        "s0.nii.gz",
    ]
    assert all(len(one.case.images) == 1 for one in combined.cases)


def test_the_union_is_one_label(places: Mapping[str, Path]) -> None:
    combined = combine(read(places), ["FLAIR"], "union")
    assert combined.scheme.names() == {1: "lesion"}
    values = values_of(combined)
    assert values["ms_p0"] == {}, "1 stays 1: nothing is mapped"
    assert values["wmh_w0"] == {1: 1, 2: 1}


def test_every_task_has_a_label_of_its_own_also_where_two_data_sets_share_a_task(places: Mapping[str, Path]) -> None:
    combined = combine(read(places, ms="MS", stroke="stroke", wmh="MS"), ["FLAIR"], "own")
    assert combined.scheme.names() == {1: "MS", 2: "stroke"}
    values = values_of(combined)
    assert values["stroke_p0"] == {1: 2}
    assert values["wmh_w0"] == {1: 1, 2: 1}


def test_a_persons_word_counts_over_the_rule(places: Mapping[str, Path]) -> None:
    said = [Meaning(part="wmh", label="2", becomes="ignore")]
    combined = combine(read(places), ["FLAIR"], "own", said)
    assert combined.scheme.names() == {1: "ms", 2: "stroke", 3: "wmh"}
    assert combined.scheme.ignore_value == 4
    assert values_of(combined)["wmh_w0"] == {1: 3, 2: 4}
    said = [Meaning(part="wmh", label="other", becomes="background"), Meaning(part="wmh", label="1", becomes="lesion")]
    by_name = combine(read(places), ["FLAIR"], "same", said)
    assert by_name.scheme.names() == {1: "lesion"}
    assert values_of(by_name)["wmh_w0"] == {1: 1, 2: 0}


@pytest.mark.parametrize(
    ("channels", "rule", "said", "found"),
    [
        (
            (),
            "own",
            (),
            ["stroke: has no channel T1w, only FLAIR", "wmh: has no channel T1w", "All of them have FLAIR"],
        ),
        (
            ("FLAIR",),
            "same",
            (),
            [
                "the labels clash: ms has 1 (lesion); stroke has 1 (lesion); wmh has 1 (WMH), 2 (other)",
                "--labels union",
            ],
        ),
        (("DWI",), "same", (), ["4 problems", "ms: has no channel DWI", "the labels clash"]),
        (("FLAIR",), "own", (Meaning(part="wmh", label="3", becomes="x"),), ["wmh: has no label '3'", "1 (WMH)"]),
        (("FLAIR",), "own", (Meaning(part="mw", label="3", becomes="x"),), ["no data set 'mw'"]),
    ],
)
def test_everything_that_does_not_fit_is_named_at_once(
    places: Mapping[str, Path], channels: tuple[str, ...], rule: Rule, said: tuple[Meaning, ...], found: list[str]
) -> None:
    with pytest.raises(DataError) as caught:
        combine(read(places), channels, rule, said)
    assert all(text in str(caught.value) for text in found), str(caught.value)


def test_two_data_sets_of_one_name_are_refused(places: Mapping[str, Path]) -> None:
    (first, *_) = read(places)
    with pytest.raises(DataError, match="two data sets are called ms"):
        combine([first, first], ["FLAIR"], "same")


@pytest.mark.parametrize("channels", [("FLAIR", "flair"), ("FLAIR", "FLAIR")])
def test_a_channel_that_is_asked_for_twice_is_refused(places: Mapping[str, Path], channels: tuple[str, str]) -> None:
    with pytest.raises(DataError, match=rf"the channels {channels[0]}, {channels[1]} are one\. Name each channel once"):
        combine(read(places), channels, "own")


def test_channels_called_in_other_letters_than_latin_ones_stay_apart(places: Mapping[str, Path]) -> None:
    (first, *_) = read(places)
    named = replace(first, dataset=replace(first.dataset, channels=("평면", "조영")))
    combined = combine([named], ["조영"], "same")
    assert [Path(one.case.images[0]).name for one in combined.cases] == ["p0_0001.nii.gz", "p1_0001.nii.gz"]
    assert combine([named], (), "same").channels == ("평면", "조영")


def test_regions_are_kept_where_all_have_the_same_and_not_dropped_by_a_word_on_one_label(
    places: Mapping[str, Path],
) -> None:
    wmh = read(places)[-1]
    scheme = replace(wmh.dataset.labels, regions=(Region(name="all", values=(1, 2)),), region_export_order=(1,))
    parts = [Part(name=name, dataset=replace(wmh.dataset, labels=scheme)) for name in ("a", "b")]
    assert combine(parts, (), "same").scheme == scheme
    said = [Meaning(part="b", label="2", becomes="background")]
    with pytest.raises(DataError, match=r"a: has regions, which stay only where .* --map changes none"):
        combine(parts, (), "same", said)
    assert combine(parts, (), "union", said).scheme.names() == {1: "lesion"}
