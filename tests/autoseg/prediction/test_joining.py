"""What several models of different labels find, put together."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from autoseg.prediction import Ensemble, Joined, Probabilities, combine, decide, join_predictors, list_members
from dataset_fingerprints.dataset import LabelScheme, Region, first_of_each, join_schemes
from dataset_fingerprints.geometry import make_box, make_grid
from tests.autoseg.prediction.builders import SHAPE, Constant, constant, make_scan, make_volume
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import plain_scheme

SCHEME = plain_scheme(3)
JAW, CANAL = Region(name="jaw", values=(1, 3)), Region(name="canal", values=(3,))
BIG, SMALL = make_box((2, 2, 2), (12, 12, 12)), make_box((4, 4, 4), (8, 8, 8))


def learn(*regions: Region) -> LabelScheme:
    return replace(tiny_configuration(), labels=regions).learned(SCHEME)


def found(value: float, box: object, *regions: Region) -> Probabilities:
    return constant((value,) * len(regions), box, scheme=learn(*regions))  # type: ignore[arg-type]


def test_what_lies_in_another_structure_is_written_over_it_in_any_order() -> None:
    jaw, canal = found(0.9, BIG, JAW), found(0.8, SMALL, CANAL)
    for given in ([jaw, canal], [canal, jaw]):
        joined = combine(given)
        assert [region.name for region in joined.scheme.regions] == ["jaw", "canal"]
        assert joined.box == BIG
        indices = decide(joined)
        assert (indices[SMALL.slices()] == 3).all()
        assert ((indices == 1).sum(), (indices == 3).sum()) == (10**3 - 4**3, 4**3)


def test_the_same_structure_of_several_is_their_mean_by_hand() -> None:
    joined = combine([found(0.9, BIG, JAW), found(0.3, SMALL, CANAL), found(0.9, SMALL, CANAL)])
    values = joined.read_box(SMALL)
    assert values.shape == (2, 4, 4, 4)
    assert torch.allclose(values[0], torch.tensor(0.9))
    assert torch.allclose(values[1], torch.tensor(0.6))
    # Outside of a member's box it has found nothing.
    assert joined.read_box(make_box((2, 2, 2), (3, 3, 3))).flatten().tolist() == pytest.approx([0.9, 0.0])


def test_labels_that_compete_join_as_regions_of_one_value() -> None:
    competing = constant((0.3, 0.6, 0.1, 0.0), BIG, scheme=SCHEME)
    joined = combine([competing, found(0.9, SMALL, CANAL)])
    assert [region.values for region in joined.scheme.regions] == [(1,), (2,), (3,)]
    assert joined.read_box(SMALL)[2].mean() == pytest.approx(0.45)
    assert (decide(joined)[BIG.slices()] == 1).all()


def test_of_the_same_labels_it_is_the_mean_that_ensembles_have() -> None:
    members = (Constant((0.2, 0.8), BIG), Constant((0.6, 0.4), BIG))
    scan = make_scan(make_volume()[0])
    predictor = join_predictors(members, [plain_scheme(1)] * 2)
    assert isinstance(predictor, Ensemble)
    assert len(list_members(predictor.predict(scan))) == 2
    assert join_predictors(members[:1], [plain_scheme(1)]) is members[0]


def test_predictors_of_different_labels_are_joined_and_are_one_member() -> None:
    scan = make_scan(make_volume()[0])
    members = (Constant((0.9,), BIG, learn(JAW)), Constant((0.8,), SMALL, learn(CANAL)))
    predictor = join_predictors(members, [member.scheme for member in members])
    assert isinstance(predictor, Joined)
    probabilities = predictor.predict(scan)
    assert len(list_members(probabilities)) == 1
    assert set(np.unique(decide(probabilities))) == {0, 1, 3}


def test_scans_that_differ_are_refused() -> None:
    other = constant((0.8,), SMALL, make_grid(SHAPE, np.diag([2.0, 1.0, 1.0, 1.0])), learn(CANAL))
    with pytest.raises(ValueError, match="the members' scans differ"):
        combine([found(0.9, BIG, JAW), other])


def test_schemes_join_with_those_of_more_labels_first_and_the_values_that_each_writes() -> None:
    joined = join_schemes([learn(CANAL), learn(JAW), learn(CANAL)])
    assert joined.labels == SCHEME.labels
    assert joined.regions == (JAW, CANAL)
    assert joined.region_export_order == (1, 3)
    assert join_schemes([SCHEME, SCHEME]) == SCHEME
    assert first_of_each([learn(CANAL), learn(JAW), learn(CANAL)]) == (0, 1)
    assert SCHEME.places(()) == [0, 1, 2]
    assert learn(JAW, CANAL).places(("canal",)) == [1]
