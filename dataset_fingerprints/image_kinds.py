"""Kinds of images by the names that people give to channels: `T1`, `t1n` and `T1w` are one."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_fingerprints.names import plain_name

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


def canonical(name: str) -> str:
    """Return the spelling that names of one kind of image share: `T1`, `t1n` and `T1w` are one."""
    plain = plain_name(name)
    return _SPELLINGS.get(plain, plain)


def find_kind(names: Sequence[str], *kinds: str) -> int | None:
    """Return the position of the first name of one of some kinds of images, however it is spelled; None for none.

    Args:
        names: of channels.
        kinds: canonical names, as `canonical` returns them.
    """
    return next((position for position, name in enumerate(names) if canonical(name) in kinds), None)
