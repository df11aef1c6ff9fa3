from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.publications import FOLDER, expand, list_published, read_published

by_name = pytest.mark.parametrize("name", list_published())


def test_the_data_sets_people_ask_for_are_there() -> None:
    asked = {"atlas_r2_mni", "atlas_cropped_1mm", "msd_hippocampus", "isles_2mm", "acdc_like", "ct_3mm_512"}
    assert asked <= set(list_published())


@by_name
def test_a_published_fingerprint_is_small_names_itself_and_its_sources(name: str) -> None:
    published = read_published(name)
    assert published.name == name
    assert published.title
    assert all(published.sources)
    assert (FOLDER / f"{name}.json").stat().st_size < 4000


@by_name
def test_it_becomes_a_fingerprint_like_a_measured_one(name: str, tmp_path: Path) -> None:
    published = read_published(name)
    fingerprint = expand(published)
    assert len({case.case for case in fingerprint.cases}) == published.cases
    assert fingerprint.cases[0].body_box.shape() == published.shape
    assert [label.name for label in fingerprint.scheme.labels] == [label.name for label in published.labels]
    write_json(tmp_path / "fingerprint.json", fingerprint)
    assert read_json(tmp_path / "fingerprint.json", DatasetFingerprint) == fingerprint


def test_the_cases_volumes_follow_the_published_quantiles() -> None:
    fingerprint = expand(read_published("atlas_r2_mni"))
    volumes = [case.labels[0].volume_mm3 for case in fingerprint.cases]
    counts = [case.labels[0].lesion_count for case in fingerprint.cases]
    (label,) = fingerprint.labels
    for share, expected in ((5, label.volume_mm3.p05), (50, label.volume_mm3.p50), (95, label.volume_mm3.p95)):
        # 655 cases stand 0.15 % apart; the volume grows by at most 2 % from one to the next there.
        assert np.percentile(volumes, share) == pytest.approx(expected, rel=0.02)
    assert np.median(counts) == 2
    assert abs(np.corrcoef(np.log(volumes), counts)[0, 1]) < 0.1


def test_what_was_not_published_is_not_measured() -> None:
    (label,) = expand(read_published("acdc_like")).labels
    assert label.volume_mm3.n == label.lesion_extent_mm.n == 0
    assert label.volume_mm3.p50 is None


def test_an_unknown_name_says_which_was_meant_or_lists_all() -> None:
    with pytest.raises(DataError, match="Did you mean 'atlas_r2_mni'"):
        read_published("atlas_r2")
    with pytest.raises(DataError, match="Known: acdc_like, atlas_cropped_1mm"):
        read_published("xyz")


def test_reading_needs_no_image_library() -> None:
    code = (
        "from dataset_fingerprints.publications import *; expand(read_published('acdc_like')); import sys;"
        "sys.stdout.write(str({'nibabel', 'scipy', 'SimpleITK', 'torch'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True)
    assert found.stdout == "set()"
