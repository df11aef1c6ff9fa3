"""A tiny data set with scans without labels, on which a second configuration is trained by masks of the first."""

from __future__ import annotations

from collections.abc import Sequence

from autoseg.pipeline.faces import face
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from tests.synthetic.scans import head, write_nifti
from tests.synthetic.small_networks import small_network
from tests.synthetic.tiny import CONFIGURATION, QUICK, SHAPE, Tiny

SECOND = "2d"
SCANS = ("new-0", "new-1")
# Other voxels than those of the first: a mask has to be brought to them.
ASSIGNMENTS = (
    *QUICK,
    *small_network(SECOND, 2, edge=8),
    f"{SECOND}.preprocessing.spacing_mm=[1.25,1.25,1.25]",
    f'{SECOND}.pseudo_labels={{"configurations": ["{CONFIGURATION}"]}}',
)


def write_scans(tiny: Tiny, names: Sequence[str] = SCANS, first: int = 30) -> None:
    """Write scans without labels beside the labelled ones."""
    for number, name in enumerate(names, first):
        write_nifti(tiny.root / "more" / f"{name}.nii.gz", head(number, SHAPE)[0])


def plan_both(tiny: Tiny, *more: str, **options: object) -> Workspace:
    """Plan and preprocess both configurations.

    Args:
        tiny: the data set.
        more: further assignments.
        options: further ones of `plan_and_preprocess`.
    """
    given = {"unlabelled": tiny.root / "more", "configurations": (SECOND,), **options}
    assignments = (*ASSIGNMENTS, *more)
    return face.plan_and_preprocess(tiny.raw, workspace=tiny.workspace.root, assignments=assignments, **given)  # type: ignore[arg-type]


def train_second(tiny: Tiny, fold: int | str = 0, **options: object) -> object:
    return face.train(tiny.workspace, fold, configuration=SECOND, **options)  # type: ignore[arg-type]


def second(tiny: Tiny, fold: int | str = 0) -> FoldFolder:
    """Return the folder of a fold of the second configuration."""
    return tiny.workspace.fold("default", SECOND, str(fold))
