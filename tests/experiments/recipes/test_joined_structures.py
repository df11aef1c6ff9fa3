"""amc_dental at a small scale: a parent and its child are trained, killed, gone on with, put together and scored."""

from __future__ import annotations

import csv
import json
import signal
from functools import partial
from pathlib import Path

import nibabel
import numpy as np
import pytest

from autoseg.models.bundle import Bundle
from autoseg.pipeline.statistics.groups import place_groups
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from experiments.experiment.planning import Setting, find_or_make_plan
from experiments.experiment.scoring import score_folds
from tests.synthetic.packages import do_in_turn
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import as_options

NAME, CHILD, PARENT = "amc_dental", "mandibular_canal", "mandible"
SHAPE, STEPS = (20, 24, 16), 3
SMALL = (
    f"training.iterations={STEPS}",
    "training.validation_rounds=1",
    "training.compiled=false",
    "patch_shape=[16,16,16]",
    "network.options.features=[4,8]",
    "network.options.kernels=[[3,3,3],[3,3,3]]",
    "network.options.strides=[[1,1,1],[2,2,2]]",
    "network.options.encoder_blocks=[1,1]",
    "network.options.decoder_blocks=[1]",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
)


def write_data_set(raw: Path) -> None:
    """Write five heads whose dark lesion is a mandible, whose bright one its canal, of two pathologies."""
    for index in range(5):
        image, labels = head(index, SHAPE)
        write_nifti(raw / "imagesTr" / f"sub-{index}_0000.nii.gz", image)
        write_nifti(raw / "labelsTr" / f"sub-{index}.nii.gz", labels)
    write_description(raw, {"background": 0, "mandible": 1, "mandibular canal": 2}, ("CBCT",), 5)
    kinds = ("cyst", "solid")
    lines = ["case\tsubject\tpathology", *(f"sub-{n}\tsub-{n}\t{kinds[n % 2]}" for n in range(5))]
    (raw / "cases.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.mark.long
def test_a_canal_in_its_mandible_is_trained_killed_goes_on_and_both_are_one_label_map(tmp_path: Path) -> None:
    raw, workspace = tmp_path / "raw", Workspace(root=tmp_path / "ws")
    write_data_set(raw)

    do = partial(do_in_turn, tmp_path)

    here = ("-w", workspace.root)
    planned = ("--planner", NAME, "--plan-name", NAME, "--splits", "by-subject", "-c", PARENT, "-c", CHILD)
    run = ("experiment", "run", NAME, "0", *here)
    # The parent is done, the child in its second step.
    do(
        f"step::{STEPS + 2}",
        ("plan_and_preprocess", raw, *planned, *as_options(*SMALL), *here),
        run,
        code=-signal.SIGKILL,
    )
    folds = {name: workspace.fold(NAME, name, "0") for name in (PARENT, CHILD)}
    assert [bool(folds[name].weight_files()) for name in (PARENT, CHILD)] == [True, False]
    chosen = ("--plan", NAME, "-c", PARENT, "-c", CHILD, *here)
    masks, bundle = tmp_path / "masks", tmp_path / "model.zip"
    said = do(
        "step::0",
        run,
        ("predict", raw / "imagesTr", "-o", masks, "--no-mirror", *chosen),
        ("export", "-o", bundle, *chosen),
        ("evaluate", masks, raw, "-o", tmp_path / "scores.json", "--by", "pathology"),
    )
    assert "by mandible and mandibular_canal together" in " ".join(said.split())
    learned = json.loads(folds[CHILD].validation.metrics.read_text(encoding="utf-8"))["cases"]
    assert [list(case["labels"]) for case in learned] == [["2"]]
    made = find_or_make_plan(NAME, Setting(workspace=workspace), SilentProgress())
    evaluation = score_folds(workspace, made, ("0",))
    assert {label.label for case in evaluation.cases for label in case.labels} == {1, 2}
    found = [np.asarray(nibabel.load(path).dataobj) for path in sorted(masks.glob("*.nii.gz"))]
    assert len(found) == 5
    assert {int(value) for mask in found for value in np.unique(mask)} <= {0, 1, 2}
    assert {stage.configuration for one in Bundle(bundle).description.averaged for stage in one} == {PARENT, CHILD}
    scored = json.loads((tmp_path / "scores.json").read_text(encoding="utf-8"))
    assert "pathology" in json.dumps(scored)
    with place_groups(tmp_path / "scores.json").open(encoding="utf-8") as table:
        assert {"cyst", "solid"} <= {cell for row in csv.reader(table) for cell in row}
