"""Sliding windows and the way back to a scan in the exported program, beside autoseg's own."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from autoseg.models.portable.program import networks, scans
from autoseg.models.portable.program.files import INPUT_KINDS, PREDICTION_FIELDS, Heads
from autoseg.prediction import NetworkInput, count_passes, find_box, make_members
from autoseg.preprocessing import Record, centres_inside, crop_to_centre, fit_crops
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.geometry import Box, Triple, canonical_grid, make_box, make_grid
from planners.choices import resolve
from planners.networks.topology import pad_up
from planners.parts import NETWORKS
from planners.plan import Configuration
from planners.stage_inputs import CropTo, MaskOf
from tests.autoseg.models.portable.builders import PLAIN, train, write_scan
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.heads import region_scheme

CPU = torch.device("cpu")
GRID = make_grid((24, 28, 20), np.diag([1.0, 1.3, 2.0, 1.0]))


class ByTorch:
    """A network that is called as an onnxruntime session is."""

    def __init__(self, network: nn.Module, configuration: Configuration) -> None:
        self.network = network
        divisors = resolve(configuration.network, NETWORKS, "network").divisors()
        self.lengths = pad_up(configuration.network_tile(), divisors)

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(shape=["batch", 1, *self.lengths])]

    @torch.inference_mode()
    def run(self, names: object, inputs: dict[str, Any]) -> list[Any]:
        assert inputs["image"].shape == (1, 1, *self.lengths)
        return [self.network(torch.from_numpy(inputs["image"]))[0].numpy()]


def test_all_fields_that_steer_prediction_are_known() -> None:
    shape = (8, 8, 8)
    prediction = replace(tiny_configuration().prediction, centre_shape=shape, tile_shape=shape)
    plain = json.loads(to_json(replace(tiny_configuration(), prediction=prediction)))
    assert {*plain["prediction"]} == {*PREDICTION_FIELDS}
    inputs = (MaskOf(configuration="a"), CropTo(configuration="a", margin_mm=1))
    assert {entry.kind for entry in inputs} == {*INPUT_KINDS}


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 90), st.integers(1, 40), st.floats(0.05, 1.0))
def test_tiles_lie_where_those_of_autoseg_lie(length: int, edge: int, step_share: float) -> None:
    shape, patch = (max(length, edge), 8, 8), (edge, 8, 8)
    found = [*networks.tile_positions(shape, patch, step_share)]
    prediction = replace(tiny_configuration().prediction, step_share=step_share, mirror_axes=())
    assert len(found) == count_passes(shape, patch, prediction)
    assert (found[0][0], found[-1][0]) == (0, shape[0] - edge)


@pytest.fixture
def scan(tmp_path: Path) -> scans.Scan:
    return scans.read_scan(write_scan(tmp_path / "a.nii.gz"), 1)


def list_crops(shape: Triple) -> list[Box]:
    x, y, z = shape
    return [make_box((0, 0, 0), shape), make_box((1, 2, 0), (x - 2, y, z - 1)), make_box((3, 3, 3), (6, 7, 5))]


@pytest.mark.parametrize("spacing_mm", [(1.0, 1.2, 1.9), (0.7, 1.9, 2.2)])
@pytest.mark.parametrize(("number", "tile"), [(0, None), (1, None), (2, None), (1, (7, 9, 6))])
@pytest.mark.parametrize("slice_axis", [-1, 2])
@pytest.mark.parametrize("scheme", [PLAIN, region_scheme()], ids=["labels", "regions"])
def test_probabilities_of_a_network_are_those_of_autoseg(
    scan: scans.Scan,
    spacing_mm: tuple[float, float, float],
    number: int,
    tile: Triple | None,
    slice_axis: int,
    scheme: LabelScheme,
) -> None:
    configuration = tiny_configuration(slice_axis)
    configuration = replace(configuration, preprocessing=replace(configuration.preprocessing, spacing_mm=spacing_mm))
    configuration = replace(configuration, prediction=replace(configuration.prediction, tile_shape=tile))
    plain = json.loads(to_json(configuration))
    shape = scans.choose_shape(scan, plain["preprocessing"])
    crop, mirror = list_crops(shape)[number], number == 2
    record = Record(box=scan.box, shape=shape, source_grid=scan.source_grid)
    assert networks.centres_inside(crop, scan, shape) == centres_inside(crop, record)
    image = np.random.default_rng(1).normal(size=(1, *crop.shape())).astype(np.float32)
    (member,) = make_members(train([configuration], scheme=scheme), CPU, mirror=mirror)
    expected = member.predict_prepared(NetworkInput(image=image, record=record, crop=crop))
    heads = scheme.heads()
    window = networks.Window(plain, outputs=heads.count(), exclusive=heads.exclusive, mirror=mirror)
    logits = networks.predict_logits(ByTorch(member.network, configuration), image, window, None)
    found = networks.restore(logits, crop, scan, plain["preprocessing"], exclusive=heads.exclusive)
    assert found.box == expected.box
    everything = make_box((0, 0, 0), canonical_grid(scan.source_grid).shape)
    # Sums of tiles and weights in another order.
    assert np.allclose(found.read(everything), expected.read_box(everything).numpy(), atol=2e-5)
    threshold = float(np.quantile(found.read(everything)[-1], 0.99))
    heads_of_program, (*_, last) = Heads(json.loads(to_json(scheme))), scheme.written_regions()
    for labels in ((), (last[0].name,)):
        box = networks.find_box(found, {"threshold": threshold, "labels": labels}, heads_of_program)
        assert box == find_box(expected, threshold, labels)


def test_tiles_without_body_are_background_and_the_others_unchanged() -> None:
    image = np.random.default_rng(0).normal(size=(1, 40, 8, 8)).astype(np.float32)
    (member,) = make_members(train([tiny_configuration()]), CPU, mirror=True)
    window = networks.Window(json.loads(to_json(tiny_configuration())), outputs=3, exclusive=True, mirror=True)
    network = ByTorch(member.network, tiny_configuration())
    body = np.zeros((20, 4, 4), dtype=bool)
    body[2:6] = True
    found = networks.predict_logits(network, image, window, body)
    whole = networks.predict_logits(network, image, window, None)
    assert np.array_equal(found[:, 4:14], whole[:, 4:14])
    assert (found[:, -10:] == np.array([20, -20, -20]).reshape(3, 1, 1, 1)).all()
    nothing = networks.predict_logits(network, image, window, np.zeros_like(body))
    assert (nothing.argmax(axis=0) == 0).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000))
def test_crops_to_what_was_found_are_those_of_autoseg(seed: int) -> None:
    random = np.random.default_rng(seed)
    scan = scans.Scan(
        voxels=np.zeros(0),
        body=np.zeros(0),
        box=make_box((1, 2, 0), (20, 24, 18)),
        source_grid=GRID,
        image=None,
    )
    shape = (int(random.integers(8, 30)), int(random.integers(8, 30)), int(random.integers(8, 30)))
    found: list[tuple[float, Box | None]] = []
    for _ in range(random.integers(0, 3)):
        start = random.integers(0, 15, 3)
        box = make_box(start, start + random.integers(1, 8, 3))
        found.append((float(random.uniform(0, 4)), box if random.random() < 0.8 else None))
    crops = [(CropTo(configuration="a", margin_mm=margin), box) for margin, box in found]
    record = Record(box=scan.box, shape=shape, source_grid=scan.source_grid)
    crop = fit_crops(crops, record).box
    assert networks.fit_crops(found, scan, shape) == crop
    for centre in (None, (5, 30, 12)):
        assert networks.crop_to_centre(crop, centre, scan, shape) == crop_to_centre(crop, centre, record)


def test_the_mean_lies_in_the_box_around_all(scan: scans.Scan) -> None:
    preprocessing = {"spacing_mm": (1.0, 1.2, 1.9)}
    crops = list_crops(scans.choose_shape(scan, preprocessing))[1:]
    logits = [
        np.random.default_rng(n).normal(size=(3, *crop.shape())).astype(np.float32) for n, crop in enumerate(crops)
    ]
    pairs = zip(logits, crops, strict=True)
    parts = [networks.restore(one, crop, scan, preprocessing, exclusive=True) for one, crop in pairs]
    mean = networks.average(parts)
    everything = make_box((0, 0, 0), canonical_grid(scan.source_grid).shape)
    expected = (parts[0].read(everything) + parts[1].read(everything)) / 2
    assert np.allclose(mean.read(everything), expected, atol=1e-6)
    assert networks.average(parts[:1]) is parts[0]
    slabs = [slab for slab, _ in networks.slabs_of(mean, everything, 3)]
    assert sum(slab.shape()[0] for slab in slabs) == everything.shape()[0]
