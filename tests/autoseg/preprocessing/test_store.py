from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from autoseg.preprocessing import Prepared, Record, Store, find_stores, store_key
from autoseg.workspace.store import StoreFolder
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.errors import FileFormatError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.fingerprint import FileIdentity
from dataset_fingerprints.geometry import Box, make_grid
from planners.choices import Choice
from planners.nnunet_rules import NnunetRules
from planners.plan import Preprocessing
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.records import noting_records

IDENTITIES = (FileIdentity(size_bytes=1, mtime_ns=1, sha256="a"),)


def prepared(scale=1.0):
    rng = np.random.default_rng(0)
    record = Record(
        box=Box(start=(1, 0, 2), stop=(5, 5, 6)), shape=(8, 10, 8), source_grid=make_grid((6, 6, 6), np.eye(4))
    )
    return Prepared(
        image=(rng.normal(size=(1, 8, 10, 8)) * scale).astype(np.float32),
        labels=rng.integers(0, 3, (8, 10, 8)).astype(np.uint8),
        reference=rng.integers(0, 3, (4, 5, 4)).astype(np.uint8),
        record=record,
    )


def test_a_case_comes_back_as_it_was_written(tmp_path):
    store, case = Store(folder=StoreFolder(root=tmp_path)), prepared()
    store.write("a", case, IDENTITIES)
    image, labels = store.read("a")
    # float16 keeps eleven binary digits.
    assert np.allclose(image, case.image, rtol=2**-11, atol=1e-6)
    assert image.dtype == np.float16
    assert np.array_equal(labels, case.labels)
    assert store.read_record("a") == case.record
    assert np.array_equal(store.read_reference("a")[1:5, 0:5, 2:6], case.reference)


def test_a_scan_without_labels_is_kept_whole_and_damage_to_it_is_noticed(tmp_path):
    store, case = Store(folder=StoreFolder(root=tmp_path), channels=1), replace(prepared(), labels=None, reference=None)
    store.write("a", case, IDENTITIES)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.image.b2nd", "a.json"]
    assert store.holds("a", IDENTITIES)
    assert store.is_whole("a")
    assert np.allclose(store.read_image("a"), case.image, rtol=2**-11, atol=1e-6)
    box = Box(start=(1, 2, 3), stop=(4, 6, 8))
    assert np.array_equal(store.read_image("a", box), store.read_image("a")[(slice(None), *box.slices())])
    with pytest.raises(WorkspaceError, match="the preprocessed case a"):
        store.read_labels("a")
    # A label map that is drawn later takes the place.
    store.write("a", prepared(), (*IDENTITIES, *IDENTITIES))
    assert store.holds("a", (*IDENTITIES, *IDENTITIES))
    assert np.array_equal(store.read("a")[1], prepared().labels)
    store.write("a", case, IDENTITIES)
    store.folder.image("a").write_bytes(store.folder.image("a").read_bytes()[:-1])
    assert not store.is_whole("a")
    assert not store.holds("a", IDENTITIES)


def test_labelled_cases_are_recorded_as_they_always_were(tmp_path):
    Store(folder=StoreFolder(root=tmp_path)).write("a", prepared(), IDENTITIES)
    assert "labelled" not in (tmp_path / "a.json").read_text(encoding="utf-8")


def test_labels_that_were_not_resampled_are_kept_once(tmp_path):
    store, case = Store(folder=StoreFolder(root=tmp_path)), prepared()
    shape = case.record.box.shape()
    case = replace(
        case, record=replace(case.record, shape=shape), labels=case.reference, image=case.image[:, :4, :5, :4]
    )
    store.write("a", case, IDENTITIES)
    assert not (tmp_path / "a.reference.b2nd").exists()
    assert store.holds("a", IDENTITIES)
    assert np.array_equal(store.read_reference("a")[1:5, 0:5, 2:6], case.reference)


def test_intensities_too_large_for_half_precision_stay_single(tmp_path):
    store, case = Store(folder=StoreFolder(root=tmp_path)), prepared(1e6)
    store.write("a", case, IDENTITIES)
    assert np.array_equal(store.read("a")[0], case.image)


def test_a_case_is_held_until_its_raw_files_change(tmp_path):
    store = Store(folder=StoreFolder(root=tmp_path))
    assert not store.holds("a", IDENTITIES)
    store.write("a", prepared(), IDENTITIES)
    assert store.holds("a", IDENTITIES)
    assert store.holds("a", (replace(IDENTITIES[0], mtime_ns=2),))
    assert not store.holds("a", (replace(IDENTITIES[0], sha256="b"),))


@pytest.mark.parametrize("lost", ["a.image.b2nd", "a.labels.b2nd", "a.json"])
def test_a_case_with_a_missing_file_is_not_held(tmp_path, lost):
    store = Store(folder=StoreFolder(root=tmp_path))
    store.write("a", prepared(), IDENTITIES)
    assert store.is_whole("a")
    (tmp_path / lost).unlink()
    assert not store.holds("a", IDENTITIES)
    assert not store.is_whole("a")


def test_a_record_is_read_once_as_long_as_its_file_is_the_same(tmp_path):
    written = Store(folder=StoreFolder(root=tmp_path))
    written.write("a", prepared(), IDENTITIES)
    store, other = Store(folder=written.folder), (replace(IDENTITIES[0], sha256="b"),)
    with noting_records() as names:
        assert store.is_whole("a")
        assert store.read_identities("a") == IDENTITIES
        store.read("a")
        store.read_reference("a")
        assert store.read_record("a") == prepared().record
        assert store.holds("a", IDENTITIES)
        assert names == ["a.json"]
        written.write("a", prepared(), other)
        assert [store.read_identities("a") for _ in range(2)] == [other] * 2
        assert names == ["a.json"] * 2


def test_a_record_that_is_damaged_or_removed_after_it_was_read_is_noticed(tmp_path):
    store = Store(folder=StoreFolder(root=tmp_path))
    store.write("a", prepared(), IDENTITIES)
    assert store.is_whole("a")
    content = (tmp_path / "a.json").read_bytes()
    (tmp_path / "b.json").write_bytes(content.replace(b'"sha256": "a"', b'"sha256": "c"'))
    (tmp_path / "b.json").replace(tmp_path / "a.json")
    for _ in range(2):
        with pytest.raises(FileFormatError, match="does not hold what autoseg wrote"):
            store.read_identities("a")
        assert not store.is_whole("a")
    (tmp_path / "a.json").unlink()
    with pytest.raises(FileFormatError, match=r"a\.json: cannot be read"):
        store.read_record("a")


@pytest.mark.parametrize(
    ("limits", "read", "message"),
    [
        ({"channels": 3}, "read", r"holds 1 channel\. Expected 3\. Delete this folder"),
        ({"indices": 2}, "read", r"holds label index 2\. Expected 0 to 1\. Delete this folder"),
        ({"indices": 2}, "read_labels", "holds label index 2"),
        ({"indices": 1}, "read_reference", r"holds label index \d\. Expected 0 to 0"),
    ],
)
def test_arrays_of_another_plan_are_refused_though_they_are_whole(tmp_path, limits, read, message):
    written = Store(folder=StoreFolder(root=tmp_path))
    written.write("a", prepared(), IDENTITIES)
    assert written.holds("a", IDENTITIES)
    with pytest.raises(WorkspaceError, match=message):
        getattr(Store(folder=written.folder, **limits), read)("a")
    getattr(Store(folder=written.folder, channels=1, indices=3), read)("a")


def test_a_damaged_array_is_reported_with_its_cure(tmp_path):
    store = Store(folder=StoreFolder(root=tmp_path))
    store.write("a", prepared(), IDENTITIES)
    (tmp_path / "a.image.b2nd").write_bytes(b"nothing")
    assert not store.is_whole("a")
    with pytest.raises(WorkspaceError, match=r"case a cannot be read.*plan_and_preprocess"):
        store.read("a")
    (tmp_path / "a.image.b2nd").unlink()
    with pytest.raises(WorkspaceError, match=r"case a cannot be read \(a\.image\.b2nd is not there\)"):
        store.read("a")


def test_the_key_follows_the_parameters_and_nothing_else():
    scheme = LabelScheme(labels=(Label(name="lesion", value=1),))
    first = Preprocessing(spacing_mm=(1.0, 1.0, 1.0), normalization=(Choice(name="zscore"),), coarse_axis=-1)
    assert store_key(first, scheme) == store_key(replace(first), scheme)
    assert store_key(first, scheme) != store_key(replace(first, spacing_mm=(1.0, 1.0, 1.1)), scheme)


def test_rules_of_other_programs_leave_the_keys_of_our_own_stores_as_they_are():
    scheme = LabelScheme(labels=(Label(name="lesion", value=1),))
    own = Preprocessing(spacing_mm=(1.0, 1.0, 1.0), normalization=(Choice(name="zscore"),), coarse_axis=-1)
    assert "nnunet" not in to_json(own)
    assert store_key(own, scheme) == "ab075944de3f"
    assert store_key(replace(own, nnunet=NnunetRules(axes="stored")), scheme) != store_key(own, scheme)


def test_configurations_of_the_same_preprocessing_share_a_store():
    scheme = LabelScheme(labels=(Label(name="lesion", value=1),))
    first, finer = tiny_configuration(), tiny_configuration()
    finer = replace(finer, preprocessing=replace(finer.preprocessing, spacing_mm=(0.5, 0.5, 0.5)))
    found = find_stores((first, replace(first, name="second"), finer), scheme)
    assert list(found) == [store_key(first.preprocessing, scheme), store_key(finer.preprocessing, scheme)]
    assert [one.preprocessing for one in found.values()] == [first.preprocessing, finer.preprocessing]
