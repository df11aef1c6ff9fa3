"""Compiling the network in the middle of a training, where the rest of it repays that and steps get quicker by it."""

from __future__ import annotations

import locale
import statistics
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

# Compiling takes about a minute, and saves a tenth of a step: with less than this ahead it is not worth a trial.
LEAST_SECONDS_AHEAD = 1200.0
TIMED_STEPS = 3
# A network that is not quicker than this share of what it was is left as it was.
WORTH = 0.97
DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """What came of compiling: seconds of a forward and backward pass, timed in turns.

    Attributes:
        compiling: seconds until the compiled network had made its first step.
        failure: why it could not be compiled here, else empty.
    """

    compiling: float = 0.0
    eager: tuple[float, ...] = field(default=())
    compiled: tuple[float, ...] = field(default=())
    failure: str = ""

    def pays(self) -> bool:
        """Tell whether the compiled network is worth keeping."""
        return not self.failure and statistics.median(self.compiled) <= WORTH * statistics.median(self.eager)

    def describe(self) -> str:
        """Say what was found, in a sentence."""
        if self.failure:
            return f"The network cannot be compiled here ({self.failure}); training goes on without."
        before, after = statistics.median(self.eager), statistics.median(self.compiled)
        done = "stays compiled" if self.pays() else "is not worth compiling here"
        return f"The network {done}: {before:.3g} s per step before, {after:.3g} s compiled, in {self.compiling:.0f} s."


@contextmanager
def _reading_utf8() -> Iterator[None]:
    """Let files be read as UTF-8 meanwhile: the compiler reads its own by the locale, which SimpleITK sets to ASCII."""
    before = locale.setlocale(locale.LC_CTYPE)
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def try_compiled(time_eager: Callable[[], float], time_compiled: Callable[[], float]) -> Trial:
    """Time both kinds of a step in turns; a compiled one that fails is no reason to end a training.

    Args:
        time_eager: runs a step and returns its seconds.
        time_compiled: the same, compiled; its first call compiles.
    """
    try:
        with _reading_utf8():
            compiling = time_compiled()
            pairs = [(time_eager(), time_compiled()) for _ in range(TIMED_STEPS)]
    except (
        RuntimeError,
        ValueError,
        OSError,
    ) as error:  # no compiler, an unknown operation, no memory, no room to write
        return Trial(failure=str(error).strip().splitlines()[0][:200] or type(error).__name__)
    return Trial(compiling=compiling, eager=tuple(pair[0] for pair in pairs), compiled=tuple(pair[1] for pair in pairs))
