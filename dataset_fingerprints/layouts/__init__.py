"""The ways in which data sets lie on disks, and one function that recognises them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import resolve
from dataset_fingerprints.layouts.bids import is_bids
from dataset_fingerprints.layouts.column_names import ADVICE
from dataset_fingerprints.layouts.csv_of_paths import describe_columns, is_csv, read_csv
from dataset_fingerprints.layouts.describing import describe_layout
from dataset_fingerprints.layouts.description import read_description
from dataset_fingerprints.layouts.listing import (
    ListedLabel,
    ListedScan,
    References,
    find_layout,
    list_masks,
    list_references,
    list_scans,
)
from dataset_fingerprints.layouts.marks import SIMULATION, Marks, find_marks, with_marks
from dataset_fingerprints.layouts.msd import is_msd, read_msd
from dataset_fingerprints.layouts.nnunet import is_nnunet, read_nnunet
from dataset_fingerprints.layouts.paired import find_lone_scans, is_paired, read_known_pair, read_paired
from dataset_fingerprints.layouts.patients import is_patients
from dataset_fingerprints.layouts.selection import AUTOMATIC, Selection, refuse_selection
from dataset_fingerprints.layouts.table_text import TABLE_SUFFIXES
from dataset_fingerprints.layouts.trees import read_bids, read_patients
from dataset_fingerprints.names import refuse_undecodable

__all__ = [
    "AUTOMATIC",
    "LAYOUTS",
    "SELECTABLE",
    "SIMULATION",
    "ListedLabel",
    "ListedScan",
    "Marks",
    "References",
    "Selection",
    "describe_columns",
    "describe_layout",
    "find_layout",
    "find_lone_scans",
    "find_marks",
    "list_masks",
    "list_references",
    "list_scans",
    "read_dataset",
    "read_paired",
    "refuse_selection",
]

Description = Mapping[str, Any]
Reader = Callable[[Path, Description], Dataset]
SelectingReader = Callable[[Path, Description, Selection], Dataset]

# name -> (do the place and its dataset.json, empty without one, fit the layout?, the reader); the first that fits reads
LAYOUTS: dict[str, tuple[Callable[[Path, Description], bool], Reader]] = {
    "csv": (is_csv, read_csv),
    "paired": (is_paired, read_known_pair),
    "bids": (is_bids, read_bids),
    "patients": (is_patients, read_patients),
    "nnunet": (is_nnunet, read_nnunet),
    "msd": (is_msd, read_msd),
}
# Layouts in which several files can be meant, so that a person may choose.
SELECTABLE: dict[str, SelectingReader] = {"csv": read_csv, "bids": read_bids, "patients": read_patients}


def read_dataset(root: Path, selection: Selection = AUTOMATIC) -> Dataset:
    """Find the cases, channels and labels of a raw data set.

    Args:
        root: a folder, or a CSV or TSV of paths, in one of `LAYOUTS`.
        selection: the files that are meant, where several could be.

    Raises:
        DataError: no layout fits, or files that the layout asks for are missing.
    """
    refuse_undecodable(root)
    is_file = root.is_file()
    if not root.is_dir() and not (is_file and root.suffix.lower() in TABLE_SUFFIXES):
        found = "is a file" if is_file else "does not exist"
        table = " Save tables as CSV or TSV." if root.suffix.lower() in (".xlsx", ".xls", ".ods", ".txt") else ""
        raise DataError(
            f"{root}: {found}. Expected the folder of a data set, or a CSV with columns image and label.{table}"
        )
    # A link to a CSV keeps its own folder: the paths in it are relative to where it is read.
    place = resolve(root.parent) / root.name if is_file else resolve(root)
    path = (place.parent if is_file else place) / "dataset.json"
    description = read_description(path)
    for name, (fits, read) in LAYOUTS.items():
        if fits(place, description):
            if name in SELECTABLE:
                return with_marks(SELECTABLE[name](place, description, selection))
            refuse_selection(root, selection)
            return with_marks(read(place, description))
    if not path.is_file():
        raise DataError(
            f"{root}: holds no dataset.json, no pair of folders such as images and labels, no BIDS tree and no folder "
            "per patient. Expected one of these: sub-01/anat/sub-01_T1w.nii.gz with sub-01_label-L_mask.nii.gz; "
            "001/001_flair.nii.gz with 001_seg.nii.gz; scans in imagesTr and label maps in labelsTr, with channels and "
            "labels named in dataset.json; two folders, named with --images and --labels; or a CSV, which lists the "
            f"files. {ADVICE}."
        )
    raise DataError(
        f"{path}: names neither 'channel_names' (nnU-Net) nor 'modality' (MSD). "
        'Add "channel_names": {"0": "T1w"} if there is one T1-weighted scan per case.'
    )
