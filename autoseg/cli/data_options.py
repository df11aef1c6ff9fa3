"""Options that name a raw data set: one path, or the two folders of scans and label maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataset_fingerprints.errors import DataError

DatasetArgument = Annotated[
    Path | None, typer.Argument(help="A raw data set: nnU-Net, MSD, a pair of folders, or a CSV of paths.")
]
ImagesOption = Annotated[
    Path | None, typer.Option(help="Instead of DATASET: the folder of the scans, with --labels. Names are matched.")
]
LabelsOption = Annotated[Path | None, typer.Option(help="The folder of the label maps, with --images.")]


def choose_target(target: str | None, workspace: Path | None) -> Path | None:
    """Return the path that an argument or -w names, or None for the current directory's workspace.

    Raises:
        DataError: both name something.
    """
    if target is not None and workspace is not None:
        raise DataError(f"Both '{target}' and -w {workspace} are given. Name one of them.")
    return Path(target) if target is not None else workspace


def choose_place(dataset: Path | None, images: Path | None, labels: Path | None) -> tuple[Path, Path | None]:
    """Return the path of the data set or of its scans, and the folder of the label maps if it was named."""
    if dataset is not None and images is None and labels is None:
        return dataset, None
    if dataset is None and images is not None and labels is not None:
        return images, labels
    given = {"DATASET": dataset, "--images": images, "--labels": labels}
    found = ", ".join(f"{name} {value}" for name, value in given.items() if value is not None) or "nothing"
    raise DataError(f"the command line: gives {found}. Expected either DATASET, or --images DIR and --labels DIR.")
