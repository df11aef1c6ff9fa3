"""Labels from probabilities in the exported program, beside autoseg's own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from autoseg.models.portable.program import masks, networks, scans
from autoseg.models.portable.program.files import POSTPROCESSING, Heads
from autoseg.prediction import Decision, Probabilities, StoredLayers, decide
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.geometry import make_box, make_grid
from dataset_fingerprints.measuring.scans import read_scan
from dataset_fingerprints.reading.images import write_label_map
from planners.choices import Choice
from planners.parts import POSTPROCESSING as TABLE
from tests.autoseg.models.portable.builders import PLAIN, write_scan
from tests.synthetic.heads import plain_scheme, region_scheme
from tests.synthetic.scans import affine_of, head, write_nifti

SHAPE = (14, 9, 11)
GRID = make_grid(SHAPE, np.diag([1.1, 0.9, 2.0, 1.0]))
BOX = make_box((2, 0, 1), (13, 9, 10))
SCHEMES = {
    "labels": PLAIN,
    "one": plain_scheme(1),
    "ignored": plain_scheme(3, ignore_value=9),
    "regions": region_scheme(),
    "regions-ignored": region_scheme(ignore_value=7),
}
STEPS: dict[str, dict[str, Any]] = {
    "fill_holes": {},
    "large_or_probable": {"volume_mm3": 12.0, "probability": 0.9},
    "largest_component": {},
    "least_peak": {"probability": 0.85},
    "smallest_volume": {"volume_mm3": 8 * 1.98},
}


def heads_of(scheme: LabelScheme) -> Heads:
    return Heads(json.loads(to_json(scheme)))


def make_values(scheme: LabelScheme, seed: int) -> NDArray[np.float32]:
    """Return probabilities of blobs and of single voxels."""
    heads = scheme.heads()
    noise = np.random.default_rng(seed).normal(0, 2, (heads.count(), *BOX.shape()))
    logits = torch.from_numpy(noise.astype(np.float32))
    return (logits.softmax(0) if heads.exclusive else logits.sigmoid()).numpy()


class Held(networks.Restored):
    """Probabilities that are in memory."""

    def _restore(self, layers: slice) -> NDArray[np.float32]:
        return self.logits[:, layers]


def both(scheme: LabelScheme, seed: int, thresholds: tuple[float, ...], choices: tuple[Choice, ...]) -> None:
    values, heads = make_values(scheme, seed), heads_of(scheme)
    mine = Held(box=BOX, logits=values, matrices=(None, None, None), exclusive=heads.exclusive)
    theirs = Probabilities(
        scheme=scheme, source_grid=GRID, box=BOX, layers=StoredLayers(values=torch.from_numpy(values))
    )
    scan = scans.Scan(voxels=np.zeros(0), body=np.zeros(0), box=BOX, source_grid=GRID, image=None)
    decision = Decision(thresholds=thresholds, postprocessing=choices)
    found = masks.decide(mine, scan, heads, json.loads(to_json(decision)))
    assert np.array_equal(found, decide(theirs, decision))


def test_all_steps_of_a_plan_are_known() -> None:
    assert sorted(POSTPROCESSING) == sorted(TABLE) == sorted(STEPS)


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(SCHEMES)), st.booleans())
def test_labels_are_those_of_autoseg(seed: int, name: str, with_thresholds: bool) -> None:
    scheme = SCHEMES[name]
    count = len(scheme.heads().targets())
    both(scheme, seed, tuple(np.linspace(0.3, 0.7, count).tolist()) if with_thresholds else (), ())


@pytest.mark.parametrize("step", POSTPROCESSING)
@pytest.mark.parametrize("name", SCHEMES)
@pytest.mark.parametrize("connectivity", [6, 18, 26])
def test_what_stays_is_what_stays_in_autoseg(step: str, name: str, connectivity: int) -> None:
    scheme = SCHEMES[name]
    labels = ["", (scheme.regions or scheme.labels)[-1].name]
    extra = {} if step == "fill_holes" else {"connectivity": connectivity}
    for seed, label in enumerate(labels):
        both(scheme, seed, (), (Choice(name=step, options={**STEPS[step], **extra, "label": label}),))


def test_steps_follow_each_other() -> None:
    for seed in range(5):
        both(PLAIN, seed, (0.4, 0.3), tuple(Choice(name=name, options=STEPS[name]) for name in POSTPROCESSING))


@pytest.mark.parametrize("name", SCHEMES)
def test_values_are_those_of_the_label_files(name: str) -> None:
    scheme = SCHEMES[name]
    indices = np.random.default_rng(0).integers(0, scheme.index_count(), (3, 4, 5)).astype(np.uint8)
    expected, found = scheme.to_values(indices), heads_of(scheme).to_values(indices)
    assert np.array_equal(found, expected)
    assert found.dtype == expected.dtype


def write_both(files: list[Path], folder: Path) -> None:
    scan, heads = scans.read_scan(files, 1), heads_of(PLAIN)
    theirs = read_scan("case", files, ["T1w"])
    indices = np.random.default_rng(0).integers(0, 3, theirs.canonical_shape()).astype(np.uint8)
    for suffix in (".nii.gz", ".nii"):
        masks.write_mask(folder / f"mine{suffix}", indices, scan, heads)
        write_label_map(folder / f"theirs{suffix}", PLAIN.to_values(indices), theirs.source_grid, theirs.header)
        mine, expected = (nibabel.load(folder / f"{name}{suffix}") for name in ("mine", "theirs"))
        assert np.array_equal(np.asanyarray(mine.dataobj), np.asanyarray(expected.dataobj))
        assert mine.dataobj.dtype == expected.dataobj.dtype
        for field in mine.header:
            assert np.array_equal(mine.header[field], expected.header[field], equal_nan=field.startswith("scl")), field
    assert not [path for path in folder.iterdir() if path.name.startswith(".")]


def test_masks_have_the_place_of_their_scans(tmp_path: Path) -> None:
    folder = tmp_path / "masks"
    folder.mkdir()
    write_both(write_scan(tmp_path / "turned.nii.gz"), folder)
    write_both([write_nifti(tmp_path / "flat.nii.gz", head(2)[0][:, :, 10])], folder)
    image = nibabel.Nifti1Image(head(2)[0], affine_of(rotation_degrees=9), dtype=np.float32)
    image.header.set_qform(affine_of(rotation_degrees=9), code=2)
    image.header.set_sform(None, code=0)
    image.header.set_xyzt_units("micron", "sec")
    nibabel.save(image, tmp_path / "quaternion.nii.gz")
    write_both([tmp_path / "quaternion.nii.gz"], folder)
