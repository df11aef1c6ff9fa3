"""A data set so small that a fold of it is trained in a moment, and the usual ways in which people change one."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from autoseg.pipeline.faces import face
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from tests.synthetic.once import copy_workspace
from tests.synthetic.scans import head, write_description, write_nifti
from tests.synthetic.small_networks import small_network

SHAPE = (10, 10, 10)
CONFIGURATION = "3d_fullres"
QUICK = (
    "training.iterations=2",
    "training.validation_rounds=0",
    "training.compiled=false",
    "batch_size=2",
    "prediction.step_share=1.0",
    "prediction.mirror_axes=[]",
    *small_network("3d_fullres", edge=8),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tiny:
    """A raw data set in nnU-Net's layout, and a workspace of it."""

    root: Path

    @property
    def raw(self) -> Path:
        return self.root / "raw"

    @property
    def workspace(self) -> Workspace:
        return Workspace(root=self.root / "ws")

    def fold(self, fold: int | str = 0) -> FoldFolder:
        return self.workspace.fold("default", CONFIGURATION, str(fold))

    def label(self, case: str) -> Path:
        return self.raw / "labelsTr" / f"{case}.nii.gz"

    def scan(self, case: str) -> Path:
        return self.raw / "imagesTr" / f"{case}_0000.nii.gz"

    def cases(self) -> tuple[str, ...]:
        return tuple(sorted(path.name.removesuffix(".nii.gz") for path in (self.raw / "labelsTr").iterdir()))

    def add(self, case: str, seed: int) -> None:
        """Write a case, or another one in its place."""
        write_nifti(self.scan(case), head(seed, SHAPE)[0])
        self.relabel(case, seed)
        write_description(self.raw, {"background": 0, "dark": 1}, ("T1w",), len(self.cases()))

    def relabel(self, case: str, seed: int) -> None:
        write_nifti(self.label(case), (head(seed, SHAPE)[1] == 1).astype(np.uint8))

    def remove(self, case: str) -> None:
        self.label(case).unlink()
        self.scan(case).unlink()

    def write_splits(self, pairs: Sequence[Sequence[str]]) -> Path:
        """Write nnU-Net's file of folds that are judged on these cases, and trained on all others."""
        folds = [{"train": [name for name in self.cases() if name not in held], "val": list(held)} for held in pairs]
        path = self.root / "splits_final.json"
        path.write_text(json.dumps(folds), encoding="utf-8")
        return path

    def plan(self, splits: Path | None = None, plan_name: str = "default") -> Workspace:
        return face.plan_and_preprocess(
            self.raw,
            workspace=self.workspace.root,
            splits=splits,
            plan_name=plan_name,
            configurations=(CONFIGURATION,),
            assignments=QUICK,
        )

    def train(self, fold: int | str = 0, **options: object) -> object:
        return face.train(self.workspace, fold, configuration=CONFIGURATION, **options)  # type: ignore[arg-type]

    def contents(self) -> dict[Path, bytes]:
        """Return all files of plans and models, without locks and what is only for people."""
        folders = (self.workspace.root / "plans", self.workspace.root / "models")
        files = (path for folder in folders for path in folder.rglob("*") if path.is_file())
        return {path: path.read_bytes() for path in files if path.name != ".lock" and path.suffix != ".png"}


def write_tiny(root: Path, cases: int = 4) -> Tiny:
    """Write the raw data set; nothing is planned."""
    tiny = Tiny(root=root)
    (tiny.raw / "labelsTr").mkdir(parents=True)
    for number in range(cases):
        tiny.add(f"case_{number}", number)
    return tiny


def copy_tiny(tiny: Tiny, root: Path) -> Tiny:
    """Return a copy whose workspace knows the copied raw files."""
    return Tiny(root=copy_workspace(tiny.root, root))
