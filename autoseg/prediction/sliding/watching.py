"""Progress inside a scan, for whoever asks to watch: networks lie too deep in predictors to be handed a receiver."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

# Receives how many patches have just gone through a network, and how many this network looks at in this scan.
Watcher = Callable[[int, int], None]

_watcher: ContextVar[Watcher | None] = ContextVar("watcher", default=None)


@contextmanager
def watching(watcher: Watcher) -> Iterator[None]:
    """Have every network that predicts in the block report its patches."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def report_passes(passes: int, total: int) -> None:
    """Tell the watcher, if there is one, of patches that went through a network."""
    watcher = _watcher.get()
    if watcher is not None:
        watcher(passes, total)
