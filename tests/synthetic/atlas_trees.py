"""Tiny trees of every release of ATLAS, with the oddities that the real ones have."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray

from tests.synthetic.scans import affine_of, blob, write_nifti
from tests.synthetic.volumes import reorient

SHAPE = (24, 26, 24)
MNI = "space-MNI152NLin2009aSym"
NATIVE = "space-orig"


def scan_of(seed: int, shape: tuple[int, int, int] = SHAPE) -> NDArray[np.float32]:
    """Return a brain-like ball, another one for every seed."""
    rng = np.random.default_rng(seed)
    body = blob(shape, tuple(length / 2 for length in shape), min(shape) * 0.45)
    voxels = np.where(body, 60.0 + rng.normal(0, 4, shape), 0.0)
    voxels[lesion_of(seed, shape)] *= 0.4
    return voxels.astype(np.float32)


def lesion_of(seed: int, shape: tuple[int, int, int] = SHAPE, number: int = 0) -> NDArray[np.bool_]:
    """Return one of the lesions of a scan."""
    rng = np.random.default_rng((seed, number))
    centre = tuple(length / 2 + rng.uniform(-4, 4) for length in shape)
    return blob(shape, centre, rng.uniform(2, 3))


def write_session(
    scan: Path,
    masks: Mapping[Path, NDArray[np.generic]],
    *,
    code: str = "RAS",
    shape: tuple[int, int, int] = SHAPE,
) -> None:
    """Write a scan and masks of it, given in RAS, in an orientation."""
    seed = seed_of(scan)
    affine = affine_of()
    for path, voxels in ((scan, scan_of(seed, shape)), *masks.items()):
        turned, placed = reorient(voxels, affine, code)
        write_nifti(path, np.ascontiguousarray(turned), placed)


def seed_of(scan: Path) -> int:
    """Return the seed of a scan and of its lesions."""
    return zlib.crc32("/".join(scan.parts[-4:]).encode())


def write_bids(
    root: Path,
    subjects: Sequence[str],
    *,
    cohort: str = "Training",
    space: str = MNI,
    mask: bool = True,
    code: str = "RAS",
) -> list[Path]:
    """Write subjects, `r001s001`, as R2.0 and later lay them out, and return their scans."""
    scans = []
    for subject in subjects:
        folder = root / cohort / subject[:4].upper() / f"sub-{subject}" / "ses-1" / "anat"
        stem = f"sub-{subject}_ses-1_{space}"
        brain = "_desc-brain" if space == NATIVE else ""
        label = "lesion" if space == NATIVE else "L"
        scan = folder / f"{stem}{brain}_T1w.nii.gz"
        lesion = lesion_of(seed_of(scan)).astype(np.uint8)
        masks = {folder / f"{stem}_label-{label}_desc-T1lesion_mask.nii.gz": lesion} if mask else {}
        write_session(scan, masks, code=code)
        scans.append(scan)
    return scans


def write_r20(
    root: Path, subjects: Sequence[str] = ("r001s001", "r001s002", "r002s001", "r004s003", "r004s004")
) -> Path:
    """Write R2.0: training and testing cohorts, a description in each, a template beside them."""
    write_bids(root, subjects)
    write_bids(root, ("r005s001",), cohort="Testing", mask=False)
    for folder in sorted((root / "Training").iterdir()):
        (folder / "dataset_description.json").write_text('{"Name": "ATLAS", "BIDSVersion": "1.6.0"}')
    nibabel.save(nibabel.Nifti1Image(np.ones((4, 4, 4), np.uint8), np.eye(4)), root / "MNI152NLin2009aSym.nii.gz")
    return root


def write_old(
    root: Path,
    sessions: Sequence[str] = ("Site1/031768/t01", "Site1/031768/t02", "Site1/031769/t01", "Site2/031877/t01"),
    *,
    extra: Mapping[str, int] | None = None,
) -> Path:
    """Write R1.1: a main mask of 0 and 0.9999 or 254.9999 each, and `extra` further ones per session.

    One of the further ones of a session is the remains of an interpolation between 0 and 255.
    """
    for number, session in enumerate(sessions):
        folder = root / session
        patient = session.split("/")[-2]
        scan = folder / f"{patient}_t1w_deface_stx.nii.gz"
        seed = seed_of(scan)
        masks = {
            folder / f"{patient}_LesionSmooth_stx.nii.gz": lesion_of(seed) * (0.9999999998, 254.99999994)[number % 2]
        }
        for more in range(1, 1 + (extra or {}).get(session, 0)):
            masks[folder / f"{patient}_LesionSmooth_{more}_stx.nii.gz"] = residue_of(lesion_of(seed, number=more))
        write_session(scan, masks)
    return root


def residue_of(lesion: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return a mask as an interpolation leaves it: 255 and 254 within, and 1 around."""
    voxels = lesion * 255.0
    voxels[lesion & np.roll(~lesion, 1, 0)] = 254.0
    voxels[~lesion & np.roll(lesion, 1, 0)] = 1.0
    return voxels


def write_icpsr(root: Path, sessions: Sequence[str], *, extra: Mapping[str, int] | None = None) -> Path:
    """Write R1.2: sessions `c0003s0008t01` in folders of cohorts."""
    for session in sessions:
        folder = root / "standard_MNI" / session[:5] / session
        scan = folder / f"{session}_t1w_stx.nii.gz"
        seed = seed_of(scan)
        masks = {folder / f"{session}_LesionSmooth_stx.nii.gz": lesion_of(seed) * 255.0}
        for more in range(1, 1 + (extra or {}).get(session, 0)):
            masks[folder / f"{session}_LesionSmooth_{more}_stx.nii.gz"] = lesion_of(seed, number=more) * 1.0
        write_session(scan, masks)
    return root


def write_xlsx(path: Path, rows: Sequence[Sequence[object]]) -> Path:
    """Write a workbook of one sheet."""
    import openpyxl

    path.parent.mkdir(parents=True, exist_ok=True)
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    book.save(path)
    return path


def write_metadata_of_session(scan: Path, days: str, chronicity: str, site: str = "") -> Path:
    """Write the table that R2.1 and R3.0 have beside every scan."""
    name = "_".join(scan.name.split("_")[:2])
    path = scan.with_name(f"{name}_metadata.csv")
    head = "ATLAS2_DATASET,SESSION_ID,DAYS_POST_STROKE,CHRONICITY,SITE"
    path.write_text(f"{head}\nTraining,{name},{days},{chronicity},{site or scan.parts[-5]}\n")
    return path
