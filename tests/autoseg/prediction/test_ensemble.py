from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from autoseg.models import Rule
from autoseg.prediction import (
    Cascade,
    Decision,
    Ensemble,
    LoadedModel,
    Member,
    Predictor,
    Stage,
    list_members,
    merge,
)
from autoseg.preprocessing import prepare
from dataset_fingerprints.geometry import Box
from planners.plan import Configuration
from tests.autoseg.prediction.builders import (
    SHAPE,
    ByIntensity,
    Constant,
    configure,
    constant,
    make_member,
    make_scan,
    make_volume,
)
from tests.synthetic.heads import plain_scheme, region_scheme

WHOLE = Box(start=(0, 0, 0), stop=SHAPE)
LEFT, MIDDLE = Box(start=(2, 3, 4), stop=(8, 9, 10)), Box(start=(5, 6, 1), stop=(12, 14, 8))
SCHEME = plain_scheme(2)


@pytest.mark.parametrize("count", [1, 2])
def test_a_single_member_stays_as_it_is(count: int) -> None:
    scan = make_scan(make_volume()[0])
    member = make_member(configure("3d", (1.3, 1.3, 1.3)), SCHEME)
    alone = member.predict(scan)
    merged = Ensemble(members=(member,) * count).predict(scan)
    assert merged.box == alone.box
    for one, other in zip(merged.slabs(), alone.slabs(), strict=True):
        # Half of a number and half of it again are the number.
        assert torch.equal(one.values, other.values)


def test_probabilities_are_averaged_by_weight_and_background_is_outside_of_a_box() -> None:
    merged = merge([constant((0.2, 0.8), LEFT), constant((0.6, 0.4), MIDDLE)], weights=(3, 1))
    assert merged.box == Box(start=(2, 3, 1), stop=(12, 14, 10))
    values = merged.read_box(WHOLE)
    expected = {(6, 7, 5): 0.75 * 0.8 + 0.25 * 0.4, (3, 4, 5): 0.75 * 0.8, (9, 9, 5): 0.25 * 0.4, (3, 12, 5): 0.0}
    for place, value in expected.items():
        assert values[(1, *place)] == pytest.approx(value, abs=1e-6)
    assert torch.allclose(values.sum(0), torch.ones(SHAPE), atol=1e-6)


def test_regions_are_averaged_without_a_background() -> None:
    scheme = region_scheme()
    merged = merge([constant((0.9, 0.1), LEFT, scheme=scheme), constant((0.5, 0.3), MIDDLE, scheme=scheme)])
    values = merged.read_box(WHOLE)
    assert values[:, 6, 7, 5].tolist() == pytest.approx([0.7, 0.2])
    assert values[:, 3, 4, 5].tolist() == pytest.approx([0.45, 0.05])
    assert not values[:, 20, 20, 15].any()


def test_probabilities_of_members_are_averaged_and_not_their_logits() -> None:
    scan = make_scan(make_volume()[0])
    members = [make_member(configure("a"), SCHEME), make_member(configure("b", slice_axis=0), SCHEME)]
    merged = Ensemble(members=(members[0], Constant((0.0, 0.0, 1.0), WHOLE)), weights=(1, 3)).predict(scan)
    first = members[0].predict(scan).read_box(WHOLE)
    assert torch.allclose(merged.read_box(WHOLE)[2], 0.25 * first[2] + 0.75, atol=1e-6)


def test_a_scan_is_preprocessed_once_for_all_that_see_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def counting(*arguments: object) -> object:
        calls.append(arguments[1])
        return prepare(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr("autoseg.prediction.inputs.prepare", counting)
    fine, low = configure("3d"), configure("low", (2.0, 2.0, 2.0))
    members = [make_member(configuration, SCHEME) for configuration in (fine, fine, configure("2d", slice_axis=2), low)]
    cascade = Cascade(stages=(Stage(configuration="3d", predictor=members[0]),))
    Ensemble(members=(*members, cascade)).predict(make_scan(make_volume()[0]))
    assert calls == [fine.preprocessing, low.preprocessing]


def test_what_cannot_be_merged_is_refused() -> None:
    with pytest.raises(ValueError, match="no member"):
        merge([])
    with pytest.raises(ValueError, match="labels or scans differ"):
        merge([constant((0.2, 0.8), LEFT), constant((0.2, 0.4, 0.4), LEFT)])
    with pytest.raises(ValueError, match=r"\[1, 0\], expected 2 positive"):
        merge([constant((0.2, 0.8), LEFT)] * 2, weights=(1, 0))


def scaled(configuration: Configuration, factor: float) -> Member:
    """Return a member whose logits are so many times those that are right."""

    class Scaled(ByIntensity):
        def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
            return tuple(factor * output for output in super().forward(x))

    return make_member(configuration, SCHEME, Scaled(SCHEME))


def test_logits_are_averaged_by_weight_before_they_are_restored() -> None:
    scan, configuration = make_scan(make_volume()[0]), configure("3d", (1.3, 1.3, 1.3))
    members = (scaled(configuration, 1.0), scaled(configuration, 0.1))
    ensemble = Ensemble(members=members, weights=(1, 2), rule="logits")
    expected = scaled(configuration, (1.0 + 2 * 0.1) / 3).predict(scan)
    merged = ensemble.predict(scan)
    # Sums of a few float32 numbers in another order.
    assert torch.allclose(merged.read_box(WHOLE), expected.read_box(WHOLE), atol=1e-5)
    mean = merge([member.predict(scan) for member in members], weights=(1, 2))
    assert (mean.read_box(WHOLE) - expected.read_box(WHOLE)).abs().max() > 0.01


@pytest.mark.parametrize("rule", ["probabilities", "logits"])
def test_each_networks_own_result_stays_readable(rule: Rule) -> None:
    scan, configuration = make_scan(make_volume()[0]), configure("3d", (1.3, 1.3, 1.3))
    members = (scaled(configuration, 1.0), scaled(configuration, 0.1))
    ensemble = Ensemble(members=members, rule=rule)
    found = list_members(Ensemble(members=(Cascade(stages=(stage(ensemble),)),)).predict(scan))
    assert len(found) == 2
    for member, own in zip(members, found, strict=True):
        assert torch.equal(own.read_box(WHOLE), member.predict(scan).read_box(WHOLE))
    assert len(list_members(members[0].predict(scan))) == 1


def stage(predictor: Predictor) -> Stage:
    return Stage(configuration="3d", predictor=predictor)


def test_logits_of_different_arrays_are_not_averaged() -> None:
    scan = make_scan(make_volume()[0])
    members = (make_member(configure("a"), SCHEME), make_member(configure("b", (2.0, 2.0, 2.0)), SCHEME))
    for others in (members, (members[0], Constant((0.2, 0.4, 0.4), WHOLE))):
        with pytest.raises(ValueError, match="same preprocessed array"):
            Ensemble(members=others, rule="logits").predict(scan)


def test_a_model_decides_by_its_own_rule() -> None:
    scan = make_scan(make_volume()[0])
    predictor = Constant((0.55, 0.3, 0.15), WHOLE)
    usual = LoadedModel(predictor=predictor, scheme=SCHEME, channels=("T1w",), description="constant")
    assert not usual.segment(scan).labels.any()
    eager = replace(usual, decision=Decision(thresholds=(0.25, 0.25)))
    assert (eager.segment(scan).labels == SCHEME.labels[0].value).all()
    assert (eager.predict(make_volume()[0], spacing_mm=(1, 1, 1)).labels == SCHEME.labels[0].value).all()
