"""Steps beside nnU-Net's: what they write of its plans, with a script in the place of nnU-Net."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataset_fingerprints.files.jsonfiles import read_plain_json
from experiments.peers import race, steps
from tests.synthetic.scans import write_nnunet_dataset

PLANNER = """#!/bin/sh
folder="$nnUNet_preprocessed/Dataset$2_Peer"
mkdir -p "$folder"
echo '{"configurations": {"3d_fullres": {"architecture": {"arch_kwargs": {}}}}}' > "$folder/nnUNetPlans.json"
"""


def test_the_plans_of_a_race_in_the_same_folder_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planner, work = tmp_path / "environment" / "bin" / "nnUNetv2_plan_and_preprocess", tmp_path / "work"
    planner.parent.mkdir(parents=True)
    planner.write_text(PLANNER, encoding="utf-8")
    planner.chmod(0o755)
    raced = work / "preprocessed" / race.NAME / "nnUNetPlans.json"
    raced.parent.mkdir(parents=True)
    raced.write_text("{}", encoding="utf-8")
    monkeypatch.setattr(steps, "plan_ours", lambda *_: None)
    monkeypatch.setattr(steps, "time_steps", lambda entries, turns: [])
    data = write_nnunet_dataset(tmp_path / "data", 1)
    assert steps.time_beside_nnunet(data, work, tmp_path / "environment", 1) == []
    assert raced.read_text(encoding="utf-8") == "{}"
    (changed,) = (work / "preprocessed").glob(f"Dataset{steps.DATASET_ID}_Peer/nnUNetPlans.json")
    assert read_plain_json(changed)["configurations"]["3d_fullres"]["patch_size"] == [64, 64, 64]
