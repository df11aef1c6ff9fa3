"""Names of kinds of images and of label maps, as people write them in names of files and in tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

# Spellings of one kind of image; the value is the one that names are compared by.
_SPELLINGS = {
    **dict.fromkeys(("t1", "t1n", "t1wi", "t1weighted", "t1mprage", "mprage"), "t1w"),
    **dict.fromkeys(("t1ce", "t1cw", "t1gd", "t1km", "t1post", "t1contrast", "t1wce", "t1wc"), "t1c"),
    **dict.fromkeys(("t2", "t2wi", "t2weighted", "t2tse"), "t2w"),
    **dict.fromkeys(("t2f", "t2flair", "flairw", "3dflair", "fla"), "flair"),
    **dict.fromkeys(("pd", "pdwi"), "pdw"),
    **dict.fromkeys(("t2star", "t2s", "gre"), "t2starw"),
    **dict.fromkeys(("dwib1000", "b1000", "diffusion"), "dwi"),
    **dict.fromkeys(("dwiadc", "adcmap"), "adc"),
}
# The usual order of channels; others follow by name.
_ORDER = (
    *("t1w", "t1c", "t2w", "flair", "pdw", "t2starw", "swi", "swan", "uni", "unit1", "inv1", "inv2", "dwi", "trace"),
    *("adc", "b0", "fa", "md", "ct", "ncct", "cect", "cta", "ctp", "cbf", "cbv", "mtt", "tmax", "ttp", "pet", "spect"),
    *("mra", "tof", "angio", "pwi", "perf", "t1map", "t2map", "pcasl", "mr", "us"),
)
_NOT_IN_NAMES = re.compile(r"[^a-z0-9]")
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


def canonical(name: str) -> str:
    """Return the spelling that names of one kind of image share: `T1`, `t1n` and `T1w` are one."""
    plain = _NOT_IN_NAMES.sub("", name.casefold())
    return _SPELLINGS.get(plain, plain)


def is_modality(name: str) -> bool:
    """Return whether a name is that of a usual kind of image."""
    return canonical(name) in _ORDER


def find_kind(names: Sequence[str], *kinds: str) -> int | None:
    """Return the position of the first name of one of some kinds of images, however it is spelled; None for none.

    Args:
        names: of channels.
        kinds: canonical names, as `canonical` returns them.
    """
    return next((position for position, name in enumerate(names) if canonical(name) in kinds), None)


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
