"""The ways in which data sets lie on disks, and one function that recognises them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.layouts.csv_of_paths import is_csv, read_csv
from dataset_fingerprints.layouts.describing import describe_layout
from dataset_fingerprints.layouts.description import read_description
from dataset_fingerprints.layouts.msd import is_msd, read_msd
from dataset_fingerprints.layouts.nnunet import is_nnunet, read_nnunet
from dataset_fingerprints.layouts.paired import is_paired, read_known_pair, read_paired
from dataset_fingerprints.names import refuse_undecodable

__all__ = ["LAYOUTS", "describe_layout", "read_dataset", "read_paired"]

Description = Mapping[str, Any]

# name -> (do the place and its dataset.json, empty without one, fit the layout?, the reader); the first that fits reads
LAYOUTS: dict[str, tuple[Callable[[Path, Description], bool], Callable[[Path, Description], Dataset]]] = {
    "csv": (is_csv, read_csv),
    "paired": (is_paired, read_known_pair),
    "nnunet": (is_nnunet, read_nnunet),
    "msd": (is_msd, read_msd),
}


def read_dataset(root: Path) -> Dataset:
    """Find the cases, channels and labels of a raw data set.

    Args:
        root: a folder, or a CSV of paths, in one of `LAYOUTS`.

    Raises:
        DataError: no layout fits, or files that the layout asks for are missing.
    """
    refuse_undecodable(root)
    is_file = root.is_file()
    if not root.is_dir() and not (is_file and root.suffix.lower() == ".csv"):
        found = "is a file" if is_file else "does not exist"
        raise DataError(f"{root}: {found}. Expected the folder of a data set, or a CSV with columns image and label.")
    # A link to a CSV keeps its own folder: the paths in it are relative to where it is read.
    place = resolve(root.parent) / root.name if is_file else resolve(root)
    path = (place.parent if is_file else place) / "dataset.json"
    description = read_description(path)
    for fits, read in LAYOUTS.values():
        if fits(place, description):
            return read(place, description)
    if not path.is_file():
        raise DataError(
            f"{root}: holds no dataset.json and no pair of folders such as images and labels. Expected an nnU-Net raw "
            "folder or an MSD folder: name channels and labels in dataset.json, put scans into imagesTr and label maps "
            "into labelsTr. Or name two folders with --images and --labels, or list the files in a CSV with the "
            "columns image and label, and give the CSV."
        )
    raise DataError(
        f"{path}: names neither 'channel_names' (nnU-Net) nor 'modality' (MSD). "
        'Add "channel_names": {"0": "T1w"} if there is one T1-weighted scan per case.'
    )
