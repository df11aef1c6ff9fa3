"""Folds by site: no centre is on both sides of a fold."""

from __future__ import annotations

import pytest

from dataset_fingerprints.dataset import Case
from dataset_fingerprints.errors import DataError
from planners.centre_folds import choose_source, split_by_site
from tests.synthetic.looked import Looked


def case(name, site, subject="", group=""):
    return Case(name=name, images=("x",), label="y", subject=subject or name, site=site, group=group)


def of_sites(counts):
    return [case(f"{site}_{number}", site) for site, count in counts.items() for number in range(count)]


def test_no_site_is_on_both_sides_and_folds_are_of_about_one_size():
    cases = of_sites({"R001": 38, "R009": 111, "R038": 49, "R040": 45, "R004": 37, "R031": 37, "R011": 29, "R002": 12})

    splits = split_by_site(cases)

    site_of = {one.name: one.site for one in cases}
    for fold in splits.folds:
        assert not {site_of[name] for name in fold.train} & {site_of[name] for name in fold.validation}
    assert [len(fold.validation) for fold in splits.folds] == [111, 49, 57, 67, 74]
    assert sorted(name for fold in splits.folds for name in fold.validation) == sorted(site_of)
    assert splits.origin == "5 folds that leave sites out, of 8 sites"


def test_three_sites_are_three_folds():
    splits = split_by_site(of_sites({"a": 2, "b": 3, "c": 1}))

    assert [fold.validation for fold in splits.folds] == [("b_0", "b_1", "b_2"), ("a_0", "a_1"), ("c_0",)]


def test_sites_that_share_a_subject_stay_together():
    cases = [*of_sites({"a": 1, "b": 1, "c": 2}), case("x1", "a", "moved"), case("x2", "c", "moved")]

    splits = split_by_site(cases)

    assert [fold.validation for fold in splits.folds] == [("a_0", "c_0", "c_1", "x1", "x2"), ("b_0",)]


def test_sites_are_linked_through_chains_of_groups():
    cases = [
        case("1", "a", group="g"),
        case("2", "b", group="g"),
        case("3", "b", "s"),
        case("4", "c", "s"),
        case("5", "d"),
    ]

    assert [fold.validation for fold in split_by_site(cases).folds] == [("1", "2", "3", "4"), ("5",)]


def test_unknown_and_single_sites_are_refused():
    with pytest.raises(DataError, match="the site of 1 case of 2 is not known, for example x"):
        split_by_site([case("x", ""), case("y", "a")])
    with pytest.raises(DataError, match=r"all 2 cases are of one site \(a\)"):
        split_by_site(of_sites({"a": 2}))


def test_a_word_that_is_nearly_by_site_is_not_taken_for_a_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert choose_source("by-site") == "by-site"
    assert choose_source("folds.csv") == tmp_path / "folds.csv"
    with pytest.raises(DataError, match=r"--splits by_site: there is no such file. Did you mean by-site"):
        choose_source("by_site")
    (tmp_path / "by_site").touch()
    assert choose_source("by_site") == tmp_path / "by_site"


def test_cases_are_looked_up_as_often_as_there_are_cases_and_not_as_there_are_pairs_of_them():
    times = []
    for number in (20, 160):
        cases = [case(Looked(f"case{place:03d}"), f"site{place % 7}") for place in range(number)]
        Looked.times = 0
        split_by_site(cases)
        times.append(Looked.times)
    # Eight times as many cases; of pairs there are 64 times as many.
    assert times[1] < 16 * times[0]
