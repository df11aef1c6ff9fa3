"""Reading no more cases at once than fit into memory."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dataset_fingerprints.dataset import Case, is_there
from dataset_fingerprints.reading.images import read_grid

# What reading, checking and measuring one case needs at its peak, per voxel: measured as 30 bytes for one channel, as
# 67 where a single component of the label fills the scan (its distance transform), and 4 more for each further channel.
BYTES_PER_VOXEL = 64
BYTES_PER_CHANNEL_VOXEL = 4


def estimate_bytes(case: Case, channels: int) -> int:
    """Return the memory that reading and measuring a case needs, from the header of its first scan; 0 without one."""
    try:
        if not is_there(case.images[0]):
            return 0
        x, y, z = read_grid(case.image_paths()[0]).shape
    except Exception:
        return 0  # whatever it is: it is reported when the case is read
    return x * y * z * (BYTES_PER_VOXEL + channels * BYTES_PER_CHANNEL_VOXEL)


@dataclass(kw_only=True, slots=True)
class MemoryGate:
    """Lets work in as long as all that is inside fits into a limit; what is larger than the limit goes in alone.

    A limit on the number of workers by the largest case would do the same, but slow all others down for one case.
    """

    limit_bytes: float
    _held_bytes: int = 0
    _change: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def hold(self, size_bytes: int) -> Iterator[None]:
        """Wait until there is space for `size_bytes`, and take it while the block runs."""
        with self._change:
            self._change.wait_for(lambda: not self._held_bytes or self._held_bytes + size_bytes <= self.limit_bytes)
            self._held_bytes += size_bytes
        try:
            yield
        finally:
            with self._change:
                self._held_bytes -= size_bytes
                self._change.notify_all()
