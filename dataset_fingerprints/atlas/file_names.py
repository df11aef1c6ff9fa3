"""Names of ATLAS' files: which session a file is of, whether it is the scan or a lesion mask, and in which space.

R1.1 (INDI)    Site1/031768/t01/031768_t1w_deface_stx.nii.gz, 031768_LesionSmooth_stx.nii.gz, ..._LesionSmooth_1_stx
R1.2 (ICPSR)   c0003/c0003s0008t01/c0003s0008t01_t1w_stx.nii.gz, c0003s0008t01_LesionSmooth_stx.nii.gz
R2.0           R001/sub-r001s001/ses-1/anat/sub-r001s001_ses-1_space-MNI152NLin2009aSym_T1w.nii.gz,
               ..._label-L_desc-T1lesion_mask.nii.gz, where L stands for lesion
R2.1, R3.0     the same with space-orig_desc-brain_T1w and space-orig_label-lesion_desc-T1lesion_mask
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from dataset_fingerprints.layouts.modalities import canonical, is_anatomy_name, is_lesion_name
from dataset_fingerprints.names import some_of
from dataset_fingerprints.reading.file_names import stem_of

Family = Literal["INDI", "ICPSR", "BIDS"]
Space = Literal["MNI", "native"]

_ICPSR = re.compile(r"(?P<subject>(?P<site>c\d{4})s\d{4})(?P<session>t\d{2})_(?P<rest>.+)", re.IGNORECASE)
_INDI = re.compile(r"(?P<subject>\d{1,6})_(?P<rest>.+)")
_OLD_SCAN = re.compile(r"t1w?(_deface)?(_stx)?", re.IGNORECASE)
_OLD_MASK = re.compile(r".*lesion.*", re.IGNORECASE)
# The main mask has no number; LesionSmooth_1_stx is the first further one.
_OLD_NUMBER = re.compile(r".*lesion[a-z]*(_(?P<number>\d{1,2}))?(_stx)?", re.IGNORECASE)
_OLD_SESSION = re.compile(r"t\d{2}", re.IGNORECASE)
_OLD_SITE = re.compile(r"site[ _-]?\d+", re.IGNORECASE)

_SUBJECT = re.compile(r"sub-[A-Za-z0-9+]+")
_SESSION = re.compile(r"ses-[A-Za-z0-9+]+")
_ATLAS_SUBJECT = re.compile(r"sub-(r\d{3})s\d{3}", re.IGNORECASE)
_COHORT = re.compile(r"R\d{3}")
_NATIVE = ("", "orig", "individual", "native", "t1w")
_MASKS = ("mask", "roi")


@dataclass(frozen=True, kw_only=True, slots=True)
class AtlasFile:
    """A scan or a lesion mask, and the session that its path gives it.

    Attributes:
        site: as the path says; empty where it does not.
    """

    path: Path
    family: Family
    kind: Literal["scan", "mask"]
    space: Space
    subject: str
    session: str
    site: str


def read_file_name(path: Path, folders: Sequence[str]) -> AtlasFile | None:
    """Return what the name of an image file says; None for one that is no scan or lesion mask of ATLAS.

    Args:
        path: of the file.
        folders: the names of all folders that it lies in, outer ones first.
    """
    stem = stem_of(path)
    return _read_bids(path, stem, folders) or _read_old(path, stem, folders)


def find_missing_masks(masks: Sequence[Path]) -> str:
    """Say which masks of a session of R1 are not there, by the numbers of the others; empty where none is missing."""
    matches = [_OLD_NUMBER.fullmatch(stem_of(mask)) for mask in masks]
    there = {int(match["number"] or 0) for match in matches if match is not None}
    missing = [number for number in range(max(there, default=0)) if number not in there]
    if not missing or None in matches:
        return ""
    names = ["the main one, without a number" if number == 0 else f"number {number}" for number in missing]
    return f"of its lesion masks, this is not there: {some_of(names, 3, ' and ')}. The label may lack a lesion"


def _read_old(path: Path, stem: str, folders: Sequence[str]) -> AtlasFile | None:
    """Read the name of a file of R1."""
    match, family = _ICPSR.fullmatch(stem), "ICPSR"
    if match is None:
        match, family = _INDI.fullmatch(stem), "INDI"
    kind = None if match is None else _kind_of_old(match["rest"])
    if match is None or kind is None:
        return None
    groups = match.groupdict()
    outer = folders[::-1]
    session = groups.get("session") or next((name for name in outer if _OLD_SESSION.fullmatch(name)), "t01")
    site = groups.get("site") or next((name for name in outer if _OLD_SITE.fullmatch(name)), "")
    return AtlasFile(
        path=path,
        family="ICPSR" if family == "ICPSR" else "INDI",
        kind=kind,
        space="MNI" if "stx" in match["rest"].casefold() else "native",
        subject=groups["subject"].casefold() if family == "ICPSR" else groups["subject"],
        session=session.casefold(),
        site=site.casefold() if family == "ICPSR" else site,
    )


def _kind_of_old(rest: str) -> Literal["scan", "mask"] | None:
    if _OLD_SCAN.fullmatch(rest):
        return "scan"
    return "mask" if _OLD_MASK.fullmatch(rest) else None


def _read_bids(path: Path, stem: str, folders: Sequence[str]) -> AtlasFile | None:
    """Read a name of BIDS."""
    *words, suffix = stem.split("_")
    subject = next((word for word in words if _SUBJECT.fullmatch(word)), None)
    if subject is None:
        return None
    pairs = dict(word.partition("-")[::2] for word in words if "-" in word)
    kind: Literal["scan", "mask"]
    if canonical(suffix) == "t1w":
        kind = "scan"
    elif suffix.casefold() in _MASKS and _is_lesion(stem, pairs):
        kind = "mask"
    else:
        return None
    session = next((part for part in (*words, *reversed(folders)) if _SESSION.fullmatch(part)), "")
    own = _ATLAS_SUBJECT.fullmatch(subject)
    cohort = next((name for name in reversed(folders) if _COHORT.fullmatch(name)), "")
    return AtlasFile(
        path=path,
        family="BIDS",
        kind=kind,
        space="native" if pairs.get("space", "").casefold() in _NATIVE else "MNI",
        subject=subject,
        session=session,
        site=own[1].upper() if own else cohort,
    )


def _is_lesion(stem: str, pairs: dict[str, str]) -> bool:
    """Return whether a mask is one of lesions: `label-L` stands for lesion, whatever the side."""
    named = "lesion" in pairs.get("desc", "").casefold() or pairs.get("label", "").casefold() in ("l", "lesion")
    return named or (is_lesion_name(stem) and not is_anatomy_name(stem))
