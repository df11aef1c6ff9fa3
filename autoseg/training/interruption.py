"""Stopping in order: SIGTERM, Ctrl-C, a terminal that is closed, or the stop file in the fold's folder."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from dataset_fingerprints.errors import StoppedError

SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# What a shell adds to a signal's number.
_SIGNALLED = 128
# Between two looks at whether an import is over.
IMPORT_SECONDS = 0.05


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
            if self.signal:  # in the middle of an import at the very end of the block
                raise SignalledError
        finally:
            self._at_once = False

    def receive(self, number: int, frame: FrameType | None) -> None:
        """Take note of a signal; a second Ctrl-C does not wait."""
        if self.signal and number == signal.SIGINT:
            raise KeyboardInterrupt
        self.signal = number
        self._end_block(frame)

    def _end_block(self, frame: FrameType | None) -> None:
        if self._at_once and not postpone_in_import(frame, self._end_block):
            raise SignalledError


@contextmanager
def listening() -> Iterator[Interruption]:
    """Take signals as requests while the block runs; outside of the main thread there are none to take.

    A closed terminal stays ignored in a process that was started to ignore it, as nohup does.
    """
    interruption = Interruption()
    deaf = {signal.SIGHUP} if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else set()
    with received_by(interruption.receive, [number for number in SIGNALS if number not in deaf]):
        yield interruption


@contextmanager
def received_by(receive: Callable[[int, FrameType | None], None], numbers: Iterable[int]) -> Iterator[None]:
    """Hand signals to a function while the block runs, then to whoever had them; only in the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.signal(number, receive) for number in numbers}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            # None: a library in another language had it, which Python cannot give it back to.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


def postpone_in_import(frame: FrameType | None, obey: Callable[[FrameType | None], None]) -> bool:
    """Return whether a signal came in the middle of an import; then it is obeyed shortly after that.

    Libraries turn an exception in the middle of their import into another one, or into none.

    Args:
        frame: that the signal came in.
        obey: called with a later frame, of an import still or not.
    """
    if not _is_importing(frame):
        return False
    signal.signal(signal.SIGALRM, lambda _, later: obey(later))  # nothing else here uses that signal
    signal.setitimer(signal.ITIMER_REAL, IMPORT_SECONDS)
    return True


def _is_importing(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return True
        frame = frame.f_back
    return False


def exit_code_of(number: int) -> int:
    """Return what a shell expects of a process that a signal ended."""
    return _SIGNALLED + number


def number_of(exit_code: int) -> int:
    """Return the signal that an exit code of `exit_code_of` stands for."""
    return exit_code - _SIGNALLED


def name_signal(number: int) -> str:
    """Return a signal's name as a person at the keyboard knows it."""
    return "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name


def stopped_by(number: int, where: Path, rest: str) -> StoppedError:
    """Return the error of a training that a signal stopped.

    Args:
        number: of the signal.
        where: the folder that the message begins with.
        rest: follows the signal's name: when it came, what is saved and how to go on.
    """
    return StoppedError(f"{where}: stopped by {name_signal(number)}{rest}", exit_code_of(number))


def take_stop_file(path: Path) -> bool:
    """Return whether the file by which a training is ended early is there, and remove it."""
    if not path.exists():
        return False
    path.unlink(missing_ok=True)
    return True
