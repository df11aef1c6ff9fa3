"""nnU-Net's own integration test, with the figures it leaves to the eye: the Hippocampus data in four label schemes.

Plain labels; regions (the whole and its anterior part); an ignore label (five sixths of the slices unlabelled); both.
"""

from __future__ import annotations

import json
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.evaluation import Segment, Targets, evaluate_files, read_evaluation
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.reading.images import read_label_map
from planners.plan import Splits
from tests.synthetic.commands import HIPPOCAMPUS, needs_hippocampus, run
from tests.synthetic.scans import write_nifti

CASES = 40
IGNORED = 3
PLAIN = {"background": 0, "anterior": 1, "posterior": 2}
REGIONS = {"background": 0, "hippocampus": [1, 2], "anterior": 1}
SEGMENTS = {
    "anterior": Segment(label="anterior", values=(1,)),
    "hippocampus": Segment(label="hippocampus", values=(1, 2)),
}
ITERATIONS = 200
# By (regions, ignore). The harder label came out at 0.75 and 0.77 (two seeds); 0.58; 0.63 and 0.64; 0.45. With an
# ignore label 400 steps gave 0.81. The bands leave a tenth for other seeds and processors.
LEAST_DICE = {(False, False): 0.65, (True, False): 0.47, (False, True): 0.53, (True, True): 0.35}


def ignore_most(labels: np.ndarray, seed: int) -> np.ndarray:
    """Keep every sixth slice of a random axis and mark the others as ignored, as sparse annotation does."""
    rng = np.random.default_rng(seed)
    kept = np.zeros(labels.shape, dtype=bool)
    moved = np.moveaxis(kept, int(rng.integers(3)), 0)
    moved[int(rng.integers(6)) :: 6] = True
    return np.where(kept, labels, IGNORED).astype(np.uint8)


def write_variant(root: Path, regions: bool, ignore: bool) -> None:
    (root / "imagesTr").mkdir(parents=True)
    (root / "labelsTr").mkdir()
    for seed, label in enumerate(sorted((HIPPOCAMPUS / "labelsTr").glob("*.nii.gz"))[:CASES]):
        name = label.name.removesuffix(".nii.gz")
        (root / "imagesTr" / f"{name}_0000.nii.gz").symlink_to(HIPPOCAMPUS / "imagesTr" / label.name)
        if ignore:
            stored = nibabel.load(label)
            write_nifti(root / "labelsTr" / label.name, ignore_most(np.asarray(stored.dataobj), seed), stored.affine)
        else:
            (root / "labelsTr" / label.name).symlink_to(label)
    labels = (REGIONS if regions else PLAIN) | ({"ignore": IGNORED} if ignore else {})
    description = {"channel_names": {"0": "MRI"}, "labels": labels, "numTraining": CASES, "file_ending": ".nii.gz"}
    if regions:
        description["regions_class_order"] = [2, 1]
    (root / "dataset.json").write_text(json.dumps(description))


@needs_hippocampus
@pytest.mark.parametrize(
    ("regions", "ignore"),
    [
        pytest.param(False, False, id="labels", marks=pytest.mark.long),
        pytest.param(True, False, id="regions", marks=pytest.mark.long),
        pytest.param(False, True, id="ignore", marks=pytest.mark.long),
        pytest.param(True, True, id="both", marks=pytest.mark.slow),
    ],
)
def test_a_short_training_segments_the_hippocampus(tmp_path, monkeypatch, regions, ignore):
    write_variant(tmp_path / "raw", regions, ignore)
    workspace = tmp_path / "ws"
    short = ["--set", f"training.iterations={ITERATIONS}", "--set", "batch_size=2"]
    assert run(monkeypatch, "plan_and_preprocess", tmp_path / "raw", "-w", workspace, *short) == 0
    assert run(monkeypatch, "train", "0", "-w", workspace) == 0
    fold = next((workspace / "models" / "default").glob("*/fold_0"))
    scored = read_evaluation(fold / "validation" / "metrics.json")
    expected = ["hippocampus", "anterior"] if regions else [1, 2]
    assert [label.label for label in scored.summary] == expected
    # Against the whole reference, which a training with ignored voxels has never seen.
    held_out = read_json(workspace / "plans" / "default" / "splits.json", Splits).folds[0].validation
    for folder, source in (("masks", fold / "validation"), ("references", HIPPOCAMPUS / "labelsTr")):
        (tmp_path / folder).mkdir()
        for case in held_out:
            (tmp_path / folder / f"{case}.nii.gz").symlink_to(source / f"{case}.nii.gz")
            assert set(np.unique(read_label_map(tmp_path / folder / f"{case}.nii.gz").voxels)) <= {0, 1, 2}
    whole = evaluate_files(tmp_path / "masks", tmp_path / "references", Targets(segments=tuple(SEGMENTS.values())))
    for label in whole.summary:
        assert label.statistics("dice").mean > LEAST_DICE[regions, ignore], label.label
