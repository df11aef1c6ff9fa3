"""Names that people give the columns of a table of paths, and what they mean."""

from __future__ import annotations

import re

from dataset_fingerprints.layouts.modalities import is_modality
from dataset_fingerprints.names import plain_name

SITE_NAMES = ("site", "siteid", "center", "centre", "hospital", "institution", "scannersite")
GROUP_NAMES = ("group", "groupid", "family", "familyid")
# What to write, in every message about columns.
ADVICE = (
    "Columns are 'image' (or 'image:T1w', 'image:FLAIR', one for each channel) and 'label', with paths of files; "
    "'case', 'subject', 'session', 'site', 'group' and 'task' if you have them; others are kept as they are"
)

# Cells that say that nothing is known, as R, pandas, BIDS and people write it.
_UNKNOWN = ("", "n/a", "na", "nan", "none", "null", "#n/a", "unknown")

# meaning -> names without blanks and signs, in lower case; the first is the one to write
ROLES: dict[str, tuple[str, ...]] = {
    "image": (
        *("image", "images", "img", "imgs", "imagepath", "imagefile", "imgpath", "scan", "scans", "scanpath", "file"),
        *("filepath", "filename", "path", "nifti", "niftipath", "nii", "volume", "input", "mri", "imagename"),
    ),
    "label": (
        *("label", "labels", "labelpath", "labelfile", "labelmap", "labelimage", "mask", "masks", "maskpath"),
        *("maskfile", "maskimage", "msk", "seg", "segs", "segpath", "segfile", "segmentation", "segmentationpath"),
        *("segmentationfile", "lesion", "lesions", "lesionmask", "lesionpath", "lesionmaskpath", "lesionseg", "gt"),
        *("groundtruth", "truth", "reference", "annotation", "target", "roi", "maskname", "labelname"),
    ),
    "case": ("case", "caseid", "casename", "name", "caseno", "casenr", "casenumber", "scanid", "imageid"),
    "subject": (
        *("subject", "subjectid", "sub", "subid", "subj", "subjid", "patient", "patientid", "patientname"),
        *("participant", "participantid", "person", "pid", "subjectno", "subjectnr", "subjectnumber", "subjectname"),
        *("subjectcode", "patientno", "patientnr", "patientnumber", "patientcode", "participantno", "pat", "patid"),
        *("participantnumber", "participantcode", "studyid", "recordid", "pseudonym", "mrn", "bidsid"),
    ),
    "session": ("session", "sessionid", "ses", "visit", "visitid", "timepoint", "scandate"),
    "site": SITE_NAMES,
    "group": GROUP_NAMES,
    "task": ("task", "taskid"),
}
# Meanings of columns that hold paths of files.
FILES = ("image", "label")

_IMAGE_WORD = r"(?:images?|imgs?|scans?|channels?|modality|files?|filenames?|paths?|nifti|nii|input)"
_NAMED_IMAGE = re.compile(rf"{_IMAGE_WORD}\s*[:_.\-\s]\s*(?P<name>.+)|{_IMAGE_WORD}(?P<number>\d+)", re.IGNORECASE)
_IMAGE_OF = re.compile(rf"(?P<name>.+?)[:_.\-\s]+{_IMAGE_WORD}", re.IGNORECASE)
_EXPLICIT = re.compile(r"image\s*:\s*(?P<name>.+)", re.IGNORECASE)
_WORD = re.compile(r"[A-Za-z0-9]+")


def known_cell(cell: str) -> str:
    """Return a cell, or an empty text where it says that nothing is known: `NA`, `n/a`, `unknown`."""
    return "" if cell.strip().casefold() in _UNKNOWN else cell


def read_role(column: str, *, different: bool) -> str | None:
    """Return the meaning that a column is called after, one of `ROLES`; None for another name.

    Args:
        column: its name.
        different: no two of its cells are the same.
    """
    plain = plain_name(column)
    if plain == "id":
        return "case" if different else "subject"
    return next((role for role, names in ROLES.items() if plain in names), None)


def read_channel(column: str) -> str | None:
    """Return the channel that a column is called after, a number where it is numbered; None for no such name."""
    match = _EXPLICIT.fullmatch(column) or _NAMED_IMAGE.fullmatch(column) or _IMAGE_OF.fullmatch(column)
    if match:
        parts = match.groupdict()
        return (parts.get("name") or parts.get("number") or "").strip() or None
    return column if is_modality(column) else None


def is_explicit(column: str) -> bool:
    """Return whether a column is called `image:NAME`, which nobody calls anything else."""
    return _EXPLICIT.fullmatch(column) is not None


def find_modality(column: str) -> str | None:
    """Return the one word in a name that is a kind of image: `t1` of `t1_brain`; None without one, or with several."""
    words = [word for word in _WORD.findall(column) if is_modality(word)]
    return words[0] if len(words) == 1 else None
