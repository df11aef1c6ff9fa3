"""Stopping in order: a scheduler's SIGTERM, Ctrl-C, or the stop file in the fold's folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class SignalledError(Exception):
    """A signal came while nothing would be lost by stopping at once."""


@dataclass(kw_only=True, slots=True)
class Interruption:
    """Requests to stop that arrived since the training began.

    Attributes:
        signal: that arrived, or 0.
    """

    signal: int = 0
    _at_once: bool = False

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Let a signal end the block, for long work that may stop anywhere; one that came before ends it too."""
        self._at_once = True
        try:
            if self.signal:
                raise SignalledError
            yield
        finally:
            self._at_once = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Take note of a signal; a second Ctrl-C does not wait."""
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number
        if self._at_once:
            raise SignalledError


@contextmanager
def listening() -> Iterator[Interruption]:
    """Take SIGTERM and SIGINT as requests while the block runs; outside of the main thread there are none to take."""
    interruption = Interruption()
    if threading.current_thread() is not threading.main_thread():
        yield interruption
        return
    before = {number: signal.signal(number, interruption.receive) for number in SIGNALS}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def take_stop_file(path: Path) -> bool:
    """Return whether the file by which a training is ended early is there, and remove it."""
    if not path.exists():
        return False
    path.unlink(missing_ok=True)
    return True
