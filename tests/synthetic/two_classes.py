"""A data set of two tasks: small lesions to the left, and a large one to the right, as a task or as labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from autoseg.pipeline.faces import face
from autoseg.pipeline.folds.out_of_fold import read_validated
from autoseg.pipeline.plans.reading import read_plan
from autoseg.preprocessing import write_array
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import make_box
from tests.synthetic.scans import write_description, write_nifti
from tests.synthetic.tiny import CONFIGURATION, QUICK, Tiny

SHAPE = (16, 16, 16)
TASKS = ("ms", "stroke")
CASES, FOLDS = 12, 2
# Of a plan: a classifier that is trained in a moment.
SMALL = 'lesion_classes={"name":"fully_connected","options":{"hidden":[8],"lr":0.05}}'


def draw_lesions(number: int) -> NDArray[np.bool_]:
    """Return the lesions (x, y, z) of a case, of the two tasks by turns."""
    rng, mask = np.random.default_rng(number), np.zeros(SHAPE, dtype=bool)
    a, b, c = rng.integers(0, 3, 3)
    if number % 2:
        mask[9 : 13 + a, 4 + b : 10 + b, 4 : 9 + c] = True
    else:
        mask[1 + a : 3 + a, 2 + b : 4 + b, 5] = mask[1 : 3 + a, 9 + b : 11 + b, 10 + c] = True
    return mask


def write_tasks(root: Path, *, labels: bool = False, cases: int = CASES) -> Tiny:
    """Write the raw data set, in which a case's lesions are told by its task, or by the value of its label map."""
    tiny = Tiny(root=root)
    (tiny.raw / "labelsTr").mkdir(parents=True)
    for number in range(cases):
        mask, name = draw_lesions(number), f"case_{number:02d}"
        scan = np.random.default_rng(100 + number).normal(10, 1, SHAPE) + 6 * mask
        write_nifti(tiny.scan(name), scan.astype(np.float32))
        write_nifti(tiny.label(name), mask.astype(np.uint8) * (1 + number % 2 if labels else 1))
    if not labels:
        rows = [f"case_{number:02d}\t{TASKS[number % 2]}" for number in range(cases)]
        (tiny.raw / "cases.tsv").write_text("\n".join(["case\ttask", *rows]) + "\n", encoding="utf-8")
    names = {"background": 0, "ms": 1, "stroke": 2} if labels else {"background": 0, "lesion": 1}
    write_description(tiny.raw, names, ("FLAIR",), cases)
    return tiny


def train_tasks(root: Path, *, labels: bool = False, assignments: Sequence[str] = (SMALL,)) -> None:
    """Plan the data set for a model that finds all lesions as one, and train two folds of it in a moment."""
    tiny = write_tasks(root, labels=labels)
    cases = tiny.cases()
    face.plan_and_preprocess(
        tiny.raw,
        workspace=tiny.workspace.root,
        splits=tiny.write_splits([cases[: CASES // 2], cases[CASES // 2 :]]),
        configurations=(CONFIGURATION,),
        assignments=(*QUICK, *((f"{CONFIGURATION}.targets=[[1,2]]",) if labels else ()), *assignments),
    )
    for fold in range(FOLDS):
        tiny.train(fold)


def plant_masks(workspace: Workspace) -> None:
    """Write probabilities in the place of those of the folds: of the lesions, and of a false speck in every third."""

    def draw(case: str) -> NDArray[np.bool_]:
        place = int(case.removeprefix("case_"))
        mask = draw_lesions(place)
        mask[15, 15, 15] = place % 3 == 0
        return mask

    plant(workspace, "default", CONFIGURATION, draw)


def plant(workspace: Workspace, plan: str, configuration: str, draw: Callable[[str], NDArray[np.bool_]]) -> None:
    """Write probabilities of masks in the place of those of a configuration's trained folds.

    Args:
        workspace: with the folds.
        plan: its name.
        configuration: its name.
        draw: returns the mask (x, y, z) of a case on its scan's canonical grid.
    """
    _, splits = read_plan(workspace, plan)
    for folder in workspace.trained_folds(plan, configuration):
        for case in splits.folds[int(folder.name())].validation:
            mask, found = draw(case), read_validated(folder.validation, case)
            packed = write_array(folder.validation.probabilities(case), (230 * mask).astype(np.uint8)[None])
            box = make_box((0, 0, 0), mask.shape)
            write_json(folder.validation.case_record(case), replace(found, probability_box=box, probabilities=packed))
