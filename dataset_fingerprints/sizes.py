"""Sizes in bytes."""

from __future__ import annotations

GIB, MIB, KIB = 1024**3, 1024**2, 1024


def show_bytes(size: int) -> str:
    """Return the size of a file in words: `3.4 MiB`, `420 KiB`, `17 bytes`."""
    if size >= MIB:
        return f"{size / MIB:.1f} MiB"
    return f"{size / KIB:.0f} KiB" if size >= KIB else f"{size} bytes"


def show_gib(gib: float) -> str:
    """Return an amount of memory that is given in GiB in words: `1.25 GiB`; below 1 GiB in MiB: `12 MiB`."""
    if gib >= 1:
        return f"{gib:.2f} GiB"
    mib = gib * GIB / MIB
    return f"{mib:.0f} MiB" if mib >= 1 or not mib else "less than 1 MiB"
