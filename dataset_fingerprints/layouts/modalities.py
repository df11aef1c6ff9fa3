"""Names of kinds of images and of label maps, as people write them in names of files and in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dataset_fingerprints.image_kinds import canonical

__all__ = ["by_usual_order", "canonical", "is_anatomy_name", "is_label_name", "is_lesion_name", "is_modality"]

# The usual order of channels; others follow by name.
_ORDER = (
    *("t1w", "t1c", "t2w", "flair", "pdw", "t2starw", "swi", "swan", "uni", "unit1", "inv1", "inv2", "dwi", "trace"),
    *("adc", "b0", "fa", "md", "ct", "ncct", "cect", "cta", "ctp", "cbf", "cbv", "mtt", "tmax", "ttp", "pet", "spect"),
    *("mra", "tof", "angio", "pwi", "perf", "t1map", "t2map", "pcasl", "mr", "us"),
)
_LABEL = re.compile(
    r"(?<![a-z0-9])(d?seg|segm|segmentations?|masks?|msk|lesions?|lesion_?mask|lesion_?seg|lesion_?smooth|labels?|gt|"
    r"ground_?truth|truth|rois?|wmhs?|consensus|manual|annotations?|infarcts?|stroke|target|voi)\d*(?![a-z0-9])",
    re.IGNORECASE,
)
_LESION = re.compile(r"lesion|stroke|infarct|tumou?r|wmh|(?<![a-z0-9])label-L(?![a-z0-9])", re.IGNORECASE)
_ANATOMY = re.compile(
    r"brain|skull|deface|ventric|aseg|aparc|ribbon|carpet|(?<![a-z0-9])(head|bet|gm|wm|csf|tissue)(?![a-z0-9])",
    re.IGNORECASE,
)


def is_modality(name: str) -> bool:
    """Return whether a name is that of a usual kind of image."""
    return canonical(name) in _ORDER


def by_usual_order(names: Iterable[str]) -> list[str]:
    """Return canonical names in the order that channels usually have."""
    return sorted(names, key=lambda name: (_ORDER.index(name) if name in _ORDER else len(_ORDER), name))


def is_label_name(text: str) -> bool:
    """Return whether a part of a file's name says that it is a label map."""
    return _LABEL.search(text) is not None


def is_lesion_name(text: str) -> bool:
    """Return whether a label map's name says that lesions are in it; `label-L` is BIDS' for these."""
    return _LESION.search(text) is not None


def is_anatomy_name(text: str) -> bool:
    """Return whether a label map's name says that it holds brain or tissue, and no lesions."""
    return _ANATOMY.search(text) is not None and not is_lesion_name(text)
