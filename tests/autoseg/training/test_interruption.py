"""Signals as requests that a training looks at when it can stop."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from autoseg.training.interruption import SIGNALS, Interruption, SignalledError, listening, stopped_by


def send(*numbers: int) -> None:
    for number in numbers:
        os.kill(os.getpid(), number)


def work_under(interruption: Interruption, number: int, reached: list[str]) -> None:
    """Do work that may stop anywhere, into which a signal comes."""
    with interruption.at_once():
        reached.append("begun")
        send(number)
        reached.append("behind it")


@pytest.fixture
def interruption() -> Iterator[Interruption]:
    before = [signal.getsignal(number) for number in SIGNALS]
    with listening() as interruption:
        yield interruption
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_waits_until_it_is_looked_at(interruption: Interruption, number: signal.Signals) -> None:
    assert interruption.signal == 0
    send(number)
    assert interruption.signal == number


def test_only_a_second_ctrl_c_does_not_wait(interruption: Interruption) -> None:
    send(signal.SIGINT, signal.SIGTERM, signal.SIGTERM)
    assert interruption.signal == signal.SIGTERM
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_work_that_may_stop_anywhere_also_if_it_came_before(
    interruption: Interruption, number: signal.Signals
) -> None:
    reached: list[str] = []
    for _ in range(2):
        with pytest.raises(SignalledError):
            work_under(interruption, number, reached)
    assert reached == ["begun"]
    send(signal.SIGTERM)
    assert interruption.signal == signal.SIGTERM


def test_a_closed_terminal_stays_ignored_where_it_was_before() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with listening() as interruption:
            send(signal.SIGHUP)
            assert interruption.signal == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_signal_that_another_language_had_ends_the_process_again(monkeypatch: pytest.MonkeyPatch) -> None:
    before, set_handler = {number: signal.getsignal(number) for number in SIGNALS}, signal.signal

    def set_and_tell_nothing(number: int, handler: Any) -> None:
        set_handler(number, handler)

    try:
        with monkeypatch.context() as patched:
            patched.setattr(signal, "signal", set_and_tell_nothing)
            with listening() as interruption:
                send(signal.SIGTERM)
        assert interruption.signal == signal.SIGTERM
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
    finally:
        for number, handler in before.items():
            set_handler(number, handler)


def test_other_threads_have_no_signals_to_take() -> None:
    before, found = signal.getsignal(signal.SIGTERM), []

    def work() -> None:
        with listening() as interruption:
            found.append((interruption.signal, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert found == [(0, before)]


@pytest.mark.parametrize(("number", "name", "code"), [(2, "Ctrl-C", 130), (15, "SIGTERM", 143)])
def test_a_stopped_training_says_by_what_and_ends_as_a_shell_expects(number: int, name: str, code: int) -> None:
    error = stopped_by(number, Path("ws"), " at iteration 3.")
    assert (str(error), error.exit_code) == (f"ws: stopped by {name} at iteration 3.", code)
