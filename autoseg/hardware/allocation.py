"""Memory that is freed and soon needed again, kept by the C library instead of being given back to the system."""

from __future__ import annotations

import ctypes
import os
import platform
from functools import cache

# Blocks up to this size are kept, and so much of them at most. Feature maps take less as a rule, logits of many labels
# more: these would leave holes. Older versions of glibc take no more than the second size.
KEPT_BLOCK_BYTES, KEPT_BYTES = (64 << 20, 32 << 20), 256 << 20
# Numbers of glibc's options.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
_OF_THE_USER = ("GLIBC_TUNABLES", "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_")


@cache
def keep_freed_memory() -> None:
    """Let feature maps take the place of earlier ones, whose pages are there already.

    By default every one of them is given to the system and fetched anew, page by page: a sixth of the time that a patch
    takes on a CPU (experiments/LOG.md, "Pages of feature maps"). A setting of the user's own is kept; other systems
    than Linux with glibc are left as they are.
    """
    library = _find_library()
    if library is None or any(name in os.environ for name in _OF_THE_USER):
        return
    # Either option ends the adjusting that glibc does by default. The second one alone would then keep less than that.
    if any(library.mallopt(_MMAP_THRESHOLD, size) for size in KEPT_BLOCK_BYTES):
        library.mallopt(_TRIM_THRESHOLD, KEPT_BYTES)


def give_freed_memory_back() -> None:
    """Give the system what is free at this moment, before something large is allocated; takes milliseconds."""
    library = _find_library()
    if library is not None:
        library.malloc_trim(0)


@cache
def _find_library() -> ctypes.CDLL | None:
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None
