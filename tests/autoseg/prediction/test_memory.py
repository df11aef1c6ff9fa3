"""Scans whose logits do not fit into memory: the same labels, probabilities and members as with enough of it."""

from __future__ import annotations

import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from autoseg.models import Rule
from autoseg.networks import build_network
from autoseg.prediction import (
    Cascade,
    Decision,
    Ensemble,
    LoadedModel,
    Member,
    Memory,
    Predictor,
    Probabilities,
    Slab,
    Stage,
    make_window,
    spread,
    watching,
)
from autoseg.prediction.compact import CompactLayers
from autoseg.prediction.quantised import QuantisedLayers
from dataset_fingerprints.dataset import LabelScheme
from planners.choices import choose
from planners.parts.postprocessing import LeastPeakOptions
from planners.plan import Configuration
from tests.autoseg.prediction.builders import CPU, configure, make_member, make_scan, make_volume
from tests.autoseg.prediction.test_predictors import PREDICTORS
from tests.synthetic.heads import plain_scheme, region_scheme

SCHEMES = {"labels": plain_scheme(2), "regions": region_scheme()}
LITTLE = 1e-6
ROOT = Path(__file__).parents[3]


def make_model(predictor: Predictor, scheme: LabelScheme) -> LoadedModel:
    return LoadedModel(predictor=predictor, scheme=scheme, channels=("T1w",), description="small")


def make_networks(scheme: LabelScheme, configuration: Configuration, count: int) -> tuple[Member, ...]:
    """Return members with networks of random weights."""
    window = make_window(configuration, scheme.heads(), CPU, mirror=False)
    members = []
    for seed in range(count):
        torch.manual_seed(seed)
        network = build_network(configuration, 1, scheme.heads().count()).eval().requires_grad_(False)
        members.append(Member(network=network, window=window, scheme=scheme))
    return tuple(members)


@pytest.mark.parametrize("labels", SCHEMES)
@pytest.mark.parametrize("name", PREDICTORS)
def test_labels_and_probabilities_are_the_same_with_little_memory(name: str, labels: str) -> None:
    scan, scheme = make_scan(make_volume()[0]), SCHEMES[labels]
    model = make_model(PREDICTORS[name](scheme), scheme)
    plenty, little = model.segment(scan), replace(model, memory_gb=LITTLE).segment(scan)
    assert plenty.probabilities.layers.held
    assert little.probabilities.layers.held == (name == "handmade")
    assert np.array_equal(plenty.labels, little.labels)
    for one, other in zip(plenty.probabilities.slabs(), little.probabilities.slabs(), strict=True):
        assert torch.equal(one.values, other.values)


@pytest.mark.parametrize("rule", ["probabilities", "logits"])
def test_members_go_through_the_layers_side_by_side(rule: Rule) -> None:
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    model = make_model(Ensemble(members=make_networks(scheme, configure("3d", (1.3, 1.2, 1.1)), 3), rule=rule), scheme)
    plenty, little = model.segment(scan), replace(model, memory_gb=LITTLE).segment(scan)
    assert np.array_equal(plenty.labels, little.labels)
    assert len(little.members) == 3
    for one, other in zip(spread(plenty.members).slabs(3), spread(little.members).slabs(3), strict=True):
        assert torch.equal(one.deviation, other.deviation)


@pytest.mark.parametrize("labels", SCHEMES)
def test_what_is_noted_for_post_processing_takes_the_same_components_out(labels: str) -> None:
    scheme, scan = SCHEMES[labels], make_scan(make_volume()[0])
    predictor = Ensemble(members=make_networks(scheme, configure("3d"), 2))
    bare = replace(make_model(predictor, scheme), decision=Decision(thresholds=(0.6, 0.6)))
    step = choose("least_peak", LeastPeakOptions(probability=0.7))
    model = replace(bare, decision=replace(bare.decision, postprocessing=(step,)))
    kept = model.segment(scan).labels
    assert 0 < (kept > 0).sum() < (bare.segment(scan).labels > 0).sum()
    # With a peak within half precision of the limit, one component more or less could be left.
    assert np.array_equal(kept, replace(model, memory_gb=LITTLE).segment(scan).labels)


def test_members_can_be_read_while_labels_are_chosen_without_another_look_at_the_scan() -> None:
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    model = make_model(Ensemble(members=make_networks(scheme, configure("3d", (2.0, 1.8, 1.6)), 2)), scheme)
    plenty = model.segment(scan)
    passes, seen = [], []

    def see(slab: Slab, members: tuple[Probabilities, ...]) -> None:
        seen.append(torch.stack([member.read_box(slab.box) for member in members]).mean(0) - slab.values)

    with watching(lambda done, total: passes.append(done)):
        little = replace(model, memory_gb=LITTLE).segment(scan, see)
    assert not little.probabilities.layers.held
    assert np.array_equal(little.labels, plenty.labels)
    assert max(difference.abs().max() for difference in seen) < 1e-6
    once = len(passes)
    with watching(lambda done, total: passes.append(done)):
        model.segment(scan)
    assert len(passes) == 2 * once


def measure_shares(*limits_gb: float) -> list[float]:
    """Return the shares of all its logits that segmenting a scan takes at its peak, with these limits in turn."""
    command = [sys.executable, "-m", "tests.autoseg.prediction.memory_of_streaming", *map(str, limits_gb)]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [float(line) for line in done.stdout.split()]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the system does not say what a process held")
def test_with_little_memory_only_the_layers_of_a_tile_are_held() -> None:
    # The sums span an eighteenth of the layers; copies of a tile and of a slab are some times as large for a moment.
    little, plenty = measure_shares(LITTLE, math.inf)
    assert little < 0.6
    assert plenty > 0.9


@pytest.mark.parametrize("labels", SCHEMES)
@pytest.mark.parametrize("name", ["member", "ensemble"])
def test_probabilities_that_go_by_are_kept_in_little_space(
    name: str, labels: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan, scheme = make_scan(make_volume()[0]), SCHEMES[labels]
    model = make_model(PREDICTORS[name](scheme), scheme)
    plenty = model.segment(scan)
    # Less than the logits take, and enough for what is compressed.
    monkeypatch.setattr("autoseg.prediction.memory.MOST_HELD_BYTES", 100_000)
    passes: list[int] = []
    little = model.segment(scan)
    assert np.array_equal(little.labels, plenty.labels)
    assert len(little.members) == len(plenty.members)
    with watching(lambda done, total: passes.append(done)):
        for one, other in zip(
            (plenty.probabilities, *plenty.members), (little.probabilities, *little.members), strict=True
        ):
            assert isinstance(other.layers, CompactLayers)
            assert one.box == other.box
            # Half of 1/255 by rounding, and as much again where several labels share what is above 1.
            assert (one.read_box(one.box) - other.read_box(one.box)).abs().max() < 1.01 / 255
            assert torch.equal(
                torch.cat([slab.values for slab in other.slabs(thickness=3)], 1), other.read_box(other.box)
            )
    assert not passes


def test_regions_that_go_by_are_kept_where_an_axis_keeps_its_voxels(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, scheme = make_scan(make_volume()[0]), region_scheme()
    model = make_model(make_member(configure("3d", (1.3, 1.2, 1.0)), scheme), scheme)
    plenty = model.segment(scan)
    # Less than the logits take, and enough for what is compressed.
    monkeypatch.setattr("autoseg.prediction.memory.MOST_HELD_BYTES", 50_000)
    little = model.segment(scan)
    assert isinstance(little.probabilities.layers, CompactLayers)
    assert np.array_equal(little.labels, plenty.labels)
    box = plenty.probabilities.box
    assert (plenty.probabilities.read_box(box) - little.probabilities.read_box(box)).abs().max() < 0.51 / 255


def test_probabilities_that_take_too_much_space_are_computed_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scan, scheme = make_scan(make_volume()[0]), plain_scheme(2)
    model = make_model(PREDICTORS["member"](scheme), scheme)
    plenty = model.segment(scan)
    monkeypatch.setattr("autoseg.prediction.memory.MOST_HELD_BYTES", 100_000)
    monkeypatch.setattr("autoseg.prediction.compact.MOST_BYTES", 100)
    little = model.segment(scan)
    assert not little.probabilities.layers.held
    box = plenty.probabilities.box
    assert torch.equal(little.probabilities.read_box(box), plenty.probabilities.read_box(box))


@pytest.mark.parametrize("labels", SCHEMES)
@pytest.mark.parametrize("autocast", [torch.float32, torch.bfloat16])
def test_probabilities_that_may_be_rounded_need_no_logits_in_memory_and_change_no_label(
    labels: str, autocast: torch.dtype
) -> None:
    scheme, scan = SCHEMES[labels], make_scan(make_volume()[0])
    (member,) = make_networks(scheme, configure("3d", (1.3, 1.2, 1.1)), 1)
    member = replace(member, window=replace(member.window, autocast=autocast))
    model = make_model(Cascade(stages=(Stage(configuration="3d", predictor=Ensemble(members=(member,))),)), scheme)
    exact = model.segment(scan)
    passes: list[int] = []
    with watching(lambda done, total: passes.append(done)):
        rounded = model.segment(scan, rounded=True)
        once = len(passes)
        box = exact.probabilities.box
        kept = rounded.probabilities.read_box(box)
    assert len(passes) == once > 0
    assert isinstance(rounded.probabilities.layers, QuantisedLayers)
    assert rounded.members == (rounded.probabilities,)
    assert exact.labels.any()
    assert np.array_equal(exact.labels, rounded.labels)
    # Half of 1/255 by rounding, and as much again where several labels share what is above 1.
    assert (exact.probabilities.read_box(box) - kept).abs().max() < 1.01 / 255


@pytest.mark.parametrize("several", [True, False])
def test_probabilities_of_several_networks_or_for_post_processing_stay_exact(several: bool) -> None:
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    model = make_model(Ensemble(members=make_networks(scheme, configure("3d"), 2 if several else 1)), scheme)
    if not several:
        step = choose("least_peak", LeastPeakOptions(probability=0.7))
        model = replace(model, decision=Decision(postprocessing=(step,)))
    exact, rounded = model.segment(scan), model.segment(scan, rounded=True)
    box = exact.probabilities.box
    assert torch.equal(exact.probabilities.read_box(box), rounded.probabilities.read_box(box))
    assert len(rounded.members) == len(exact.members)


def test_memory_is_given_as_long_as_a_share_of_it_is_left() -> None:
    memory = Memory(limit_gb=1.0)
    memory.take(2**29)
    # Half of what is left, 256 MiB.
    assert not memory.can_hold(200 * 2**20, 57 * 2**20)
    assert memory.can_hold(200 * 2**20, 50 * 2**20)
    assert not memory.can_hold(200 * 2**20, 0)
    assert memory.can_hold(150 * 2**20, 0)


def test_of_any_memory_logits_take_a_gibibyte_at_most() -> None:
    memory = Memory()
    assert memory.can_hold(2**29, 0)
    assert memory.can_hold(2**28, 0)
    assert not memory.can_hold(2**28 + 1, 0)


def test_batches_of_tiles_change_no_probability_beyond_rounding() -> None:
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    (member,) = make_networks(scheme, configure("3d", (2.0, 1.8, 1.6)), 1)
    mirrored = replace(member, window=replace(member.window, mirror=True))
    one = mirrored.predict(scan)
    for at_once in (3, 64):
        many = replace(mirrored, window=replace(mirrored.window, tiles_at_once=at_once)).predict(scan)
        # oneDNN may choose other kernels for other batches, which add float32 products in another order.
        assert (one.read_box(one.box) - many.read_box(one.box)).abs().max() < 1e-5


def test_the_order_of_members_changes_no_probability_beyond_rounding() -> None:
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    members = make_networks(scheme, configure("3d", (2.0, 1.8, 1.6)), 4)
    for rule in ("probabilities", "logits"):
        first, second = (Ensemble(members=order, rule=rule).predict(scan) for order in (members, members[::-1]))
        # Four float32 numbers of at most 1 (logits: of some 10) are added in another order.
        assert (first.read_box(first.box) - second.read_box(first.box)).abs().max() < 1e-5


def test_threads_change_no_probability_beyond_rounding() -> None:
    scheme, scan = plain_scheme(2), make_scan(make_volume()[0])
    (member,) = make_networks(scheme, configure("3d", (1.3, 1.2, 1.1)), 1)
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 3):
            torch.set_num_threads(count)
            probabilities = member.predict(scan)
            found.append(probabilities.read_box(probabilities.box))
    finally:
        torch.set_num_threads(threads)
    # Sums over space in the norms are split among the threads: float32 numbers added in another order.
    assert max((found[0] - other).abs().max() for other in found[1:]) < 1e-5


def test_tiles_without_any_body_are_background_and_others_stay_as_they_are() -> None:
    scheme = plain_scheme(2)
    voxels, _ = make_volume()
    plain = make_scan(voxels)
    body = np.zeros(plain.body.shape, dtype=bool)
    body[2:9, 3:10, 4:9] = True
    proven = replace(plain, body=body, background=0.0)
    (member,) = make_networks(scheme, configure("3d"), 1)
    whole, skipped = (member.predict(scan) for scan in (plain, proven))
    inside = torch.from_numpy(body)
    one, other = (found.read_box(found.box) for found in (whole, skipped))
    assert torch.equal(one[:, inside], other[:, inside])
    # Tiles of 8 voxels that begin at 4 or later along each axis hold no body.
    assert (other[0, 16:, 16:, 14:] > 1 - 1e-6).all()
    assert (one[0, 16:, 16:, 14:] < 0.99).any()
    assert torch.equal(member.predict(replace(proven, background=None)).read_box(whole.box), one)
