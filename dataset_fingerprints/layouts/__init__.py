"""The ways in which data sets lie on disks, and one function that recognises them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.jsonfiles import read_plain_json
from dataset_fingerprints.layouts.msd import is_msd, read_msd
from dataset_fingerprints.layouts.nnunet import is_nnunet, read_nnunet

Description = Mapping[str, Any]

# name -> (does this dataset.json describe the layout?, the reader)
LAYOUTS: dict[str, tuple[Callable[[Description], bool], Callable[[Path, Description], Dataset]]] = {
    "nnunet": (is_nnunet, read_nnunet),
    "msd": (is_msd, read_msd),
}


def read_dataset(root: Path) -> Dataset:
    """Find the cases, channels and labels of a raw data set.

    Args:
        root: a folder with a dataset.json, in one of `LAYOUTS`.

    Raises:
        DataError: no layout fits, or files that the layout asks for are missing.
    """
    if not root.is_dir():
        found = "is a file" if root.exists() else "does not exist"
        raise DataError(f"{root}: {found}. Expected the folder of a data set.")
    path = root / "dataset.json"
    if not path.is_file():
        raise DataError(
            f"{root}: holds no dataset.json. Expected an nnU-Net raw folder or an MSD folder: "
            "name channels and labels in dataset.json, put scans into imagesTr and label maps into labelsTr."
        )
    description = read_plain_json(path)
    if not isinstance(description, dict):
        raise DataError(f"{path}: holds a {type(description).__name__}. Expected an object with 'labels'.")
    for fits, read in LAYOUTS.values():
        if fits(description):
            return read(root.resolve(), description)
    raise DataError(
        f"{path}: names neither 'channel_names' (nnU-Net) nor 'modality' (MSD). "
        'Add "channel_names": {"0": "T1w"} if there is one T1-weighted scan per case.'
    )
