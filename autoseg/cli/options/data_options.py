"""Options that name a raw data set: one path, or the two folders of scans and label maps."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from dataset_fingerprints.errors import DataError

DatasetArgument = Annotated[
    Path | None,
    typer.Argument(
        help="A raw data set: a BIDS tree, a folder per patient, nnU-Net, MSD, a pair of folders, or a CSV or TSV with "
        "the columns image (or image:T1w, image:FLAIR, one for each channel) and label, and, if you have them, case, "
        "subject, session, site, group, task; other columns are kept."
    ),
]
ImagesOption = Annotated[
    Path | None, typer.Option(help="Instead of DATASET: the folder of the scans, with --labels. Names are matched.")
]
LabelsOption = Annotated[Path | None, typer.Option(help="The folder of the label maps, with --images.")]

ChannelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        help="Of a tree or a CSV, the images to take: T1w, or acq-highres_T1w. Repeatable, in the channels' order; "
        "else the kinds that most cases have.",
    ),
]
MaskOption = Annotated[
    str,
    typer.Option(
        "--mask", help="Of a tree with several kinds of label maps, those with this in their names: label-L, dseg."
    ),
]

ScansArgument = Annotated[
    list[Path],
    typer.Argument(
        help="Scans, DICOM series' folders, or folders of such, with those in their sub-folders; or a BIDS tree, a "
        "folder per patient, a CSV or TSV (columns image or image:T1w, ...), or any data set that training takes, "
        "without need of label maps. Several can be given."
    ),
]
ModelChannelOption = Annotated[
    list[str] | None,
    typer.Option(
        "--channel",
        help="Of a tree or a CSV, the images of the model's channels, in their order; else those called so.",
    ),
]


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
