"""Cases that a fold did not train on, and which of them belong together."""

from __future__ import annotations

from pathlib import Path

from autoseg.pipeline.confidence.unseen_cases import read_units
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset, Label, LabelScheme
from dataset_fingerprints.files.jsonfiles import write_json


def test_cases_of_one_group_belong_together_whatever_their_subjects(tmp_path: Path) -> None:
    groups = {"a": "family", "b": "family", "c": ""}
    cases = tuple(
        Case(name=name, images=(f"/d/{name}.nii.gz",), label=f"/d/{name}-mask.nii.gz", subject=name, group=group)
        for name, group in groups.items()
    )
    labels = LabelScheme(labels=(Label(name="lesion", value=1),))
    workspace = Workspace(root=tmp_path)
    write_json(
        workspace.dataset, Dataset(name="d", layout="csv", root="/d", channels=("T1w",), labels=labels, cases=cases)
    )
    units = read_units(workspace)
    assert units["a"] == units["b"] != units["c"]
