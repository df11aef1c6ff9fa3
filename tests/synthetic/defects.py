"""Every defect that the checks know, planted into the files of a sound data set."""

from __future__ import annotations

import gzip
import json
import shutil
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel
import numpy as np
import SimpleITK

from tests.synthetic.scans import affine_of, head, write_nifti

CASE = "sub-001"
SHEAR = 0.04


def scan_of(root: Path, channel: int = 0) -> Path:
    """Return where the scan of the spoilt case lies."""
    return root / "imagesTr" / f"{CASE}_{channel:04d}.nii.gz"


def label_of(root: Path) -> Path:
    """Return where its label map lies."""
    return root / "labelsTr" / f"{CASE}.nii.gz"


def shifted(shift_mm: float) -> np.ndarray:
    """Return the affine of all cases, moved along x."""
    affine = affine_of()
    affine[0, 3] += shift_mm
    return affine


def plant_both(root: Path, affine: np.ndarray, code: int = 0) -> None:
    """Give a case's scan and label map one affine, as sform only or with another qform."""
    for path, voxels in zip((scan_of(root), label_of(root)), head(1), strict=True):
        image = nibabel.Nifti1Image(voxels, affine)
        image.set_qform(affine_of() if code else None, code=code)
        nibabel.save(image, path)


def plant_wide(root: Path) -> None:
    """Make a case wider than a scanner; the others' voxels are not much smaller."""
    for case in range(4):
        affine = affine_of(spacing_mm=(48,) * 3 if f"sub-{case:03d}" == CASE else (40,) * 3)
        for folder, ending, voxels in zip(("imagesTr", "labelsTr"), ("_0000", ""), head(case), strict=True):
            write_nifti(root / folder / f"sub-{case:03d}{ending}.nii.gz", voxels, affine)


def plant_unit(path: Path, unit: str, length: float) -> None:
    """Give a file the same lengths in another unit, of which so many are a mm."""
    image = nibabel.load(path)
    scaled = nibabel.Nifti1Image(image.get_fdata(dtype=np.float32), np.diag([length] * 3 + [1]) @ image.affine)
    scaled.header.set_xyzt_units(unit)
    nibabel.save(scaled, path)


def plant_sizes(path: Path, sizes: tuple[float, float, float]) -> None:
    """Give a file other voxel sizes beside its affine."""
    content = bytearray(gzip.decompress(path.read_bytes()))
    struct.pack_into("<3f", content, 80, *sizes)
    path.write_bytes(gzip.compress(bytes(content)))


def sheared(amount: float) -> np.ndarray:
    """Return the affine of all cases with its y axis turned towards x."""
    affine = affine_of()
    affine[0, 1] = amount
    return affine


def plant_no_place(root: Path) -> None:
    """Make a case whose header does not say how large the voxels are."""
    scan, labels = head(1)
    image = SimpleITK.GetImageFromArray(np.ascontiguousarray(scan.transpose(2, 1, 0)))
    image.SetDirection((-1, 0, 0, 0, -1, 0, 0, 0, 1))
    path = scan_of(root).with_name(f"{CASE}_0000.mha")
    SimpleITK.WriteImage(image, path)
    lines = path.read_bytes().split(b"\n", 20)
    path.write_bytes(b"\n".join(line for line in lines if not line.startswith(b"ElementSpacing")))
    scan_of(root).unlink()
    write_nifti(label_of(root), labels, np.eye(4))


def plant_single_slice(root: Path) -> None:
    """Leave one slice of a case."""
    scan, labels = head(1)
    number = int(labels.sum(axis=(0, 1)).argmax())
    write_nifti(scan_of(root), scan[:, :, number : number + 1])
    write_nifti(label_of(root), labels[:, :, number : number + 1])


# kind of finding -> what brings it about in case `CASE`, sound apart from it
def declare(root: Path, name: str, value: int) -> None:
    """Add a label to those that the data set declares."""
    description = json.loads((root / "dataset.json").read_text(encoding="utf-8"))
    description["labels"][name] = value
    (root / "dataset.json").write_text(json.dumps(description))


def half_relabelled() -> np.ndarray:
    """Return the label map of the case, part of whose labels is label 3."""
    labels = head(1)[1].copy()
    half = labels[: int(np.median(np.argwhere(labels == 1)[:, 0]))]
    half[half == 1] = 3
    return labels


PLANTERS: dict[str, Callable[[Path], object]] = {
    "missing-image": lambda root: scan_of(root).unlink(),
    "missing-label": lambda root: label_of(root).unlink(),
    "missing-channel": lambda root: scan_of(root, 1).unlink(),
    "extra-channel": lambda root: shutil.copy(scan_of(root), scan_of(root, 2)),
    "unreadable": lambda root: scan_of(root).write_bytes(scan_of(root).read_bytes()[:500]),
    "shape": lambda root: write_nifti(label_of(root), head(1)[1][:-1]),
    "affine": lambda root: write_nifti(label_of(root), head(1)[1], shifted(3)),
    "qform-sform": lambda root: plant_both(root, shifted(1), code=1),
    "unit": lambda root: [plant_unit(path, "micron", 1000.0) for path in (scan_of(root), label_of(root))],
    "voxel-size": lambda root: [plant_sizes(path, (1, 1, 2)) for path in (scan_of(root), label_of(root))],
    "skewed-axes": lambda root: plant_both(root, sheared(SHEAR)),
    "assumed-place": plant_no_place,
    "flat-scan": plant_single_slice,
    "channel-grid": lambda root: write_nifti(scan_of(root, 1), head(1)[0], shifted(3)),
    "not-finite": lambda root: write_nifti(scan_of(root), np.where(head(1)[0] > 150, np.nan, head(1)[0])),
    "constant": lambda root: write_nifti(scan_of(root), np.full((24, 28, 20), 7.0)),
    "unexpected-label": lambda root: write_nifti(label_of(root), head(1)[1] * 7),
    "fractional-label": lambda root: write_nifti(label_of(root), head(1)[1] * 0.9999),
    "empty-label": lambda root: write_nifti(label_of(root), head(1)[1] * 0),
    "label-is-image": lambda root: shutil.copy(label_of(root), scan_of(root)),
    "duplicate-image": lambda root: shutil.copy(scan_of(root), root / "imagesTr" / "sub-002_0000.nii.gz"),
    "spacing-outlier": lambda root: plant_both(root, affine_of(spacing_mm=(1, 1, 3))),
    "scan-size": plant_wide,
    "orientation-mix": lambda root: plant_both(root, affine_of(flips=(-1, 1, 1))),
    "no-folds": lambda root: [file.unlink() for file in root.rglob("sub-*") if CASE not in file.name],
    "absent-label": lambda root: (declare(root, "oedema", 3), [file.unlink() for file in root.rglob("sub-000*")]),
    "rare-label": lambda root: (declare(root, "oedema", 3), write_nifti(label_of(root), half_relabelled())),
    "shared-subject": lambda root: [
        file.rename(file.with_name(file.name.replace("sub-002", "sub-001_ses-2"))) for file in root.rglob("sub-002*")
    ],
}
# Those that need a second channel.
TWO_CHANNELS = ("missing-channel", "extra-channel", "channel-grid")
