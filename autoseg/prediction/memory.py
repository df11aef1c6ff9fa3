"""Memory that predicting a scan may use."""

from __future__ import annotations

import math
from dataclasses import dataclass

from autoseg.hardware import free_memory_gb
from dataset_fingerprints.sizes import GIB

# Of the memory that is left, what logits may take that are kept until a scan is done; and at most so much of it: to
# compute them when they are read takes no longer, unless they are read twice.
HELD_SHARE, MOST_HELD_BYTES = 0.5, GIB


@dataclass(kw_only=True, slots=True)
class Memory:
    """Memory for one scan's prediction.

    Attributes:
        limit_gb: that it may take in all, in GiB; infinite for what is free.
        used_bytes: that it has taken already: the scan, what was made of it, and logits.
        held_bytes: of these, logits.
        holding: whether logits may be kept at all; else they are read once, as they pass.
        alone: whether a single network looks at the scan, so that nobody shares what it sees.
    """

    limit_gb: float = math.inf
    used_bytes: int = 0
    held_bytes: int = 0
    holding: bool = True
    alone: bool = False

    def take(self, size_bytes: int) -> None:
        """Count memory that is taken whether there is enough or not."""
        self.used_bytes += size_bytes

    def left_bytes(self) -> float:
        """Return what is left of the limit, if there is one."""
        return self.limit_gb * GIB - self.used_bytes

    def can_hold(self, size_bytes: int, beside_bytes: int) -> bool:
        """Return whether some more may be kept until the scan is done, and count it if so.

        Args:
            size_bytes: of what is kept.
            beside_bytes: that is needed for a while at the same time.
        """
        if not self.holding:
            return False
        left = min(self.left_bytes(), free_memory_gb() * GIB)
        if size_bytes + beside_bytes > HELD_SHARE * left or self.held_bytes + size_bytes > MOST_HELD_BYTES:
            return False
        self.take(size_bytes)
        self.held_bytes += size_bytes
        return True
