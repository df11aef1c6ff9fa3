"""Folders of nnU-Net's results: which hold a trained model, and which folds of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.workspace.fold import FULL
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import some_of

# TRAINER__PLANS__CONFIGURATION
_BETWEEN = "__"
_FOLD = re.compile(r"fold_(0|[1-9][0-9]*|all)")
_ALL = "all"
FINAL, BEST = "checkpoint_final.pth", "checkpoint_best.pth"


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainedFolder:
    """The folder of one configuration that a trainer of nnU-Net trained, such as nnUNetTrainer__nnUNetPlans__2d."""

    root: Path

    @property
    def plans(self) -> Path:
        """The plans that it was trained with."""
        return self.root / "plans.json"

    @property
    def dataset(self) -> Path:
        """The description of the data set."""
        return self.root / "dataset.json"

    def beside(self, configuration: str) -> TrainedFolder:
        """Return the folder of another configuration by the same trainer and plans."""
        *first, _ = self.root.name.split(_BETWEEN)
        return TrainedFolder(root=self.root.with_name(_BETWEEN.join((*first, configuration))))

    def find_folds(self, chosen: Sequence[str], checkpoint: str) -> dict[str, Path]:
        """Return the checkpoints of folds by the names that the folds have here: a number, or `full`.

        Args:
            chosen: names of folds; empty for all that are numbered, or where there are none, for the one of all cases.
            checkpoint: the name of the file.

        Raises:
            DataError: there is none, or not one of those that were chosen.
        """
        found = {}
        for folder in sorted(self.root.glob("fold_*"), key=lambda folder: (len(folder.name), folder.name)):
            match = _FOLD.fullmatch(folder.name)
            if match and (folder / checkpoint).is_file():
                found[FULL if match.group(1) == _ALL else match.group(1)] = folder / checkpoint
        wanted = [FULL if name == _ALL else name for name in chosen]
        missing = [name for name in wanted if name not in found]
        if missing or not found:
            there = f"There is {some_of(list(found))}." if found else "Give the folder that training wrote."
            what = f"fold {missing[0]}" if missing else "no fold"
            raise DataError(f"{self.root}: has {'no ' if missing else ''}{what} with a {checkpoint} in it. {there}")
        numbered = [name for name in found if name != FULL]
        return {name: found[name] for name in wanted or numbered or [FULL]}


def find_folder(given: Path, configuration: str) -> TrainedFolder:
    """Return the folder of a trained configuration.

    Args:
        given: this folder, or that of a data set, which holds several.
        configuration: which of these; empty where there is one.

    Raises:
        DataError: there is none, or several.
    """
    if not given.is_dir():
        what = "is a file: unpack an archive first" if given.exists() else "does not exist"
        raise DataError(f"{given}: {what}. Expected a folder of nnU-Net's results, with plans.json and fold_0 in it.")
    if (given / "plans.json").is_file():
        if configuration and given.name.split(_BETWEEN)[-1] != configuration:
            raise DataError(
                f"{given}: is one configuration, not {configuration}. Leave out -c, or name {given.parent}."
            )
        return TrainedFolder(root=given)
    inside = sorted(folder for folder in given.iterdir() if (folder / "plans.json").is_file())
    fitting = [one for one in inside if not configuration or one.name.split(_BETWEEN)[-1] == configuration]
    if len(fitting) == 1:
        return TrainedFolder(root=fitting[0])
    names = some_of([folder.name for folder in inside], 10)
    if not inside:
        raise DataError(
            f"{given}: holds no model of nnU-Net v2. Expected plans.json, dataset.json and fold_0 in it, as in "
            "nnUNet_results/Dataset001_NAME/nnUNetTrainer__nnUNetPlans__3d_fullres."
        )
    raise DataError(
        f"{given}: holds {'several models' if fitting else f'no configuration {configuration}'} ({names}). Choose one "
        "with -c, or give its own folder."
    )
