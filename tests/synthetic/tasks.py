"""Data sets of several tasks, as they lie on disks, each in another layout: MS, stroke and white matter lesions."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from tests.synthetic.scans import head, write_description, write_nifti

SHAPE = (20, 24, 16)


def write_task_datasets(root: Path, cases: int = 4, shape: tuple[int, int, int] = SHAPE) -> Mapping[str, Path]:
    """Write three data sets, and return where they lie by their names.

    `ms` is an nnU-Net folder with T1w and FLAIR and one label, `stroke` a CSV with a column of FLAIR, and `wmh` an
    nnU-Net folder with a table of sites, with 1 for hyperintensities and 2 for what is not to be trained on.
    """
    ms, stroke, wmh = root / "ms", root / "stroke", root / "wmh"
    rows = ["image:FLAIR,label,case,subject"]
    for number in range(cases):
        image, labels = head(number, shape)
        write_nifti(ms / "imagesTr" / f"p{number}_0000.nii.gz", -image)
        write_nifti(ms / "imagesTr" / f"p{number}_0001.nii.gz", image)
        write_nifti(ms / "labelsTr" / f"p{number}.nii.gz", (labels == 1).astype(np.uint8))
        image, labels = head(100 + number, shape)
        write_nifti(stroke / f"s{number}.nii.gz", image)
        write_nifti(stroke / f"s{number}_mask.nii.gz", (labels == 2).astype(np.float32))
        rows.append(f"s{number}.nii.gz,s{number}_mask.nii.gz,p{number},p{number}")
        image, labels = head(200 + number, shape)
        write_nifti(wmh / "imagesTr" / f"w{number}_0000.nii.gz", image)
        write_nifti(wmh / "labelsTr" / f"w{number}.nii.gz", labels)
    write_description(ms, {"background": 0, "lesion": 1}, ("T1w", "FLAIR"), cases)
    (stroke / "cases.csv").write_text("\n".join(rows) + "\n")
    write_description(wmh, {"background": 0, "WMH": 1, "other": 2}, ("FLAIR",), cases)
    sites = [f"w{number}\t{'Utrecht' if number % 2 else 'Singapore'}" for number in range(cases)]
    (wmh / "cases.tsv").write_text("\n".join(["case\tsite", *sites]) + "\n")
    return {"ms": ms, "stroke": stroke / "cases.csv", "wmh": wmh}
