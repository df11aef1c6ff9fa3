"""Compiling the network in the middle of a training, where the rest of it repays that and steps get quicker by it."""

from __future__ import annotations

import locale
import statistics
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch

TIMED_STEPS = 3
# A network that is not quicker than this share of what it was is left as it was.
WORTH = 0.97
DEVICES = ("cpu", "cuda")
# The module of torch that knows where its compiler keeps files.
_CACHE_PLACES = "torch._inductor.runtime.cache_dir_utils"
Call = Callable[[torch.Tensor], tuple[torch.Tensor, ...]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Trial:
    """Result of compiling: seconds of a forward and backward pass, timed in turns.

    Attributes:
        compiling: seconds until the compiled network had made its first step.
        failure: why it could not be compiled here, else empty.
    """

    compiling: float = 0.0
    eager: tuple[float, ...] = field(default=())
    compiled: tuple[float, ...] = field(default=())
    failure: str = ""

    def pays(self) -> bool:
        """Return whether the compiled network is worth keeping."""
        return not self.failure and statistics.median(self.compiled) <= WORTH * statistics.median(self.eager)

    def describe(self) -> str:
        """Say what was found, in a sentence."""
        if self.failure:
            return f"The network cannot be compiled here ({self.failure}); training goes on without."
        before, after = statistics.median(self.eager), statistics.median(self.compiled)
        done = "stays compiled" if self.pays() else "is not worth compiling here"
        return f"The network {done}: {before:.3g} s per step before, {after:.3g} s compiled, in {self.compiling:.0f} s."


class Attempt(NamedTuple):
    """Network to train with from now on, and the trial that decided it."""

    network: Call
    trial: Trial


@contextmanager
def _reading_utf8() -> Iterator[None]:
    """Let files be read as UTF-8 meanwhile: the compiler reads its own by the locale, which may be ASCII."""
    before = locale.setlocale(locale.LC_CTYPE)
    with suppress(locale.Error):
        locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    try:
        yield
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


@contextmanager
def leaving_no_empty_cache() -> Iterator[None]:
    """Remove the compiler's folder for temporary files after the block if it is empty: torch makes it in any case."""
    try:
        yield
    finally:
        places = sys.modules.get(_CACHE_PLACES)
        if places is not None:
            with suppress(OSError):  # it holds something, or is not there
                Path(places.default_cache_dir()).rmdir()


def try_compiled(network: Call, compile_network: Callable[[Call], Call], time_step: Callable[[Call], float]) -> Attempt:
    """Compile a network and time both kinds of a step in turns; a failure to compile does not end the training.

    Args:
        network: as it is.
        compile_network: gives the network compiled, or to be compiled by its first step.
        time_step: makes a step with either and returns its seconds.
    """
    try:
        with _reading_utf8():
            compiled = compile_network(network)
            compiling = time_step(compiled)
            pairs = [(time_step(network), time_step(compiled)) for _ in range(TIMED_STEPS)]
    except (
        RuntimeError,
        ImportError,
        ValueError,
        OSError,
    ) as error:  # no compiler, an unknown operation, no memory, no space to write
        failure = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        return Attempt(network, Trial(failure=failure))
    eager, after = (tuple(pair[side] for pair in pairs) for side in (0, 1))
    trial = Trial(compiling=compiling, eager=eager, compiled=after)
    return Attempt(compiled if trial.pays() else network, trial)
