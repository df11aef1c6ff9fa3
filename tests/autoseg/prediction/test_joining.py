"""What several models of different labels find, put together."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.prediction import Ensemble, Joined, Probabilities, combine, decide, join_predictors, list_members
from dataset_fingerprints.dataset import first_of_each, join_schemes
from dataset_fingerprints.geometry import Box, make_box, make_grid
from planners.targets import Targets, as_regions, choose_scheme
from tests.autoseg.prediction.builders import SHAPE, Constant, constant, make_scan, make_volume
from tests.synthetic.heads import plain_scheme, region_scheme

SCHEME = plain_scheme(3)
# The labels of a jaw: its own and that of the canal in it; and the canal's alone.
JAW, CANAL = ((1, 3),), ((3,),)
BIG, SMALL = make_box((2, 2, 2), (12, 12, 12)), make_box((4, 4, 4), (8, 8, 8))


def found(value: float, box: Box, targets: Targets) -> Probabilities:
    """Return the same probability of a network's only label, which competes with background."""
    return constant((1 - value, value), box, scheme=choose_scheme(SCHEME, targets))


def join(*given: tuple[float, Box, Targets]) -> Probabilities:
    return combine([found(*one) for one in given], [as_regions(SCHEME, targets) for _, _, targets in given])


def test_what_lies_in_another_structure_is_written_over_it_in_any_order() -> None:
    jaw, canal = (0.9, BIG, JAW), (0.8, SMALL, CANAL)
    for given in ((jaw, canal), (canal, jaw)):
        joined = join(*given)
        assert [region.values for region in joined.scheme.regions] == [(1, 3), (3,)]
        assert joined.box == BIG
        indices = decide(joined)
        assert (indices[SMALL.slices()] == 3).all()
        assert ((indices == 1).sum(), (indices == 3).sum()) == (10**3 - 4**3, 4**3)


def test_the_same_structure_of_several_is_their_mean_by_hand() -> None:
    joined = join((0.9, BIG, JAW), (0.3, SMALL, CANAL), (0.9, SMALL, CANAL))
    values = joined.read_box(SMALL)
    assert values.shape == (2, 4, 4, 4)
    assert torch.allclose(values[0], torch.tensor(0.9))
    assert torch.allclose(values[1], torch.tensor(0.6))
    # Outside of a member's box it has found nothing.
    assert joined.read_box(make_box((2, 2, 2), (3, 3, 3))).flatten().tolist() == pytest.approx([0.9, 0.0])


def test_all_labels_join_as_regions_of_one_value() -> None:
    everything = constant((0.3, 0.6, 0.1, 0.0), BIG, scheme=SCHEME)
    regions = [as_regions(SCHEME, ()), as_regions(SCHEME, CANAL)]
    joined = combine([everything, found(0.9, SMALL, CANAL)], regions)
    assert [region.values for region in joined.scheme.regions] == [(1,), (2,), (3,)]
    assert joined.read_box(SMALL)[2].mean() == pytest.approx(0.45)
    assert (decide(joined)[BIG.slices()] == 1).all()


def test_of_the_same_labels_it_is_the_mean_that_ensembles_have() -> None:
    members = (Constant((0.2, 0.8), BIG), Constant((0.6, 0.4), BIG))
    scan = make_scan(make_volume()[0])
    regions = [as_regions(plain_scheme(1), ())] * 2
    predictor = join_predictors(members, regions)
    assert isinstance(predictor, Ensemble)
    assert len(list_members(predictor.predict(scan))) == 2
    assert join_predictors(members[:1], regions[:1]) is members[0]


def test_predictors_of_different_labels_are_joined_and_are_one_member() -> None:
    scan = make_scan(make_volume()[0])
    members = (
        Constant((0.1, 0.9), BIG, choose_scheme(SCHEME, JAW)),
        Constant((0.2, 0.8), SMALL, choose_scheme(SCHEME, CANAL)),
    )
    predictor = join_predictors(members, [as_regions(SCHEME, targets) for targets in (JAW, CANAL)])
    assert isinstance(predictor, Joined)
    probabilities = predictor.predict(scan)
    assert len(list_members(probabilities)) == 1
    assert set(np.unique(decide(probabilities))) == {0, 1, 3}


def test_scans_that_differ_are_refused() -> None:
    grid = make_grid(SHAPE, np.diag([2.0, 1.0, 1.0, 1.0]))
    other = constant((0.2, 0.8), SMALL, grid, choose_scheme(SCHEME, CANAL))
    with pytest.raises(ValueError, match="the members' scans differ"):
        combine([found(0.9, BIG, JAW), other], [as_regions(SCHEME, targets) for targets in (JAW, CANAL)])


def test_schemes_join_with_those_of_more_labels_first_and_the_values_that_each_writes() -> None:
    canal, jaw = (as_regions(SCHEME, targets) for targets in (CANAL, JAW))
    joined = join_schemes([canal, jaw, canal])
    assert joined.labels == SCHEME.labels
    assert [region.name for region in joined.regions] == ["label 1+label 3", "label 3"]
    assert [region.values for region in joined.regions] == [(1, 3), (3,)]
    assert joined.region_export_order == (1, 3)
    assert first_of_each([canal, jaw, canal]) == (0, 1)
    assert SCHEME.places(()) == [0, 1, 2]
    assert jaw.places(("label 1+label 3",)) == [0]
    assert as_regions(region_scheme(), ()) == region_scheme()


def test_regions_stand_in_the_order_of_a_networks_outputs() -> None:
    targets = ((3, 1), (2,))
    learned, regions = choose_scheme(SCHEME, targets), as_regions(SCHEME, targets)
    assert learned.values() == regions.region_export_order == (2, 3)
    assert [region.values for region in regions.regions] == [(2,), (3, 1)]
