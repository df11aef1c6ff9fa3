"""Ending a command in order: Ctrl-C, a scheduler's SIGTERM, a terminal that is closed.

A signal becomes an exception in the main thread, so that half-written files are removed; one that comes while this is
obeyed ends the process at once. A training takes signals itself while it runs (`autoseg.training.interruption`), for it
goes on to the end of its step and saves everything.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import FrameType

from autoseg.training.interruption import exit_code_of, postpone_in_import, received_by

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class StopSignal(BaseException):
    """A signal asks this process to end; it is not an Exception, so that no case counts it as its failure.

    Attributes:
        exit_code: what a shell expects of a process that the signal ended.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.exit_code = exit_code_of(number)


@dataclass(kw_only=True, slots=True)
class _Attention:
    """Whether a signal is obeyed at once, and the one that waits to be.

    Attributes:
        obeyed: whether one is, and the command is ending.
        postponed: one that is obeyed as soon as an import is over, or 0.
        leave: called with the number of one that comes while the command is ending.
    """

    undisturbed: int = 0
    waiting: int = 0
    obeyed: bool = False
    postponed: int = 0
    leave: Callable[[int], object] | None = None

    def receive(self, number: int, frame: FrameType | None) -> None:
        if self.obeyed and self.leave is not None:
            self.leave(number)
        if self.undisturbed and not self.waiting:
            self.waiting = number
            return
        self.obeyed = True
        self._obey(number, frame)

    def _obey(self, number: int, frame: FrameType | None) -> None:
        self.postponed = number if postpone_in_import(frame, partial(self._obey, number)) else 0
        if not self.postponed:
            raise StopSignal(number)


_attention = _Attention()


@contextmanager
def stoppable(leave: Callable[[int], object] | None = None) -> Iterator[None]:
    """Raise StopSignal where the process is when a signal comes while the block runs; only in the main thread.

    A signal that this process was started to ignore, as nohup does with SIGHUP, stays ignored.

    Args:
        leave: ends the process; called with the number of a signal that comes when one was obeyed before. None to raise
            once more.
    """
    _attention.obeyed, _attention.postponed, _attention.leave = False, 0, leave
    heard = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    with received_by(_attention.receive, heard):
        yield
        if _attention.postponed:  # by an import at the very end of the block
            raise StopSignal(_attention.postponed)


@contextmanager
def undisturbed() -> Iterator[None]:
    """Let a signal wait for the end of the block, for something short that should be whole; a second one does not."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _attention.undisturbed += 1
    try:
        yield
    finally:
        _attention.undisturbed -= 1
        waiting = _attention.waiting
        if waiting and not _attention.undisturbed:
            _attention.waiting = 0
            raise StopSignal(waiting)
