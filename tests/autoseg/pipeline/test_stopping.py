"""Signals as exceptions in the main thread, which wait for the end of what is to be whole."""

from __future__ import annotations

import os
import signal
import threading

import pytest

from autoseg.pipeline.stopping import SIGNALS, StopSignal, stoppable, undisturbed


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_block_with_its_exit_code(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stoppable(), pytest.raises(StopSignal) as stop:
        os.kill(os.getpid(), number)
    assert stop.value.exit_code == 128 + number
    assert signal.getsignal(number) == before


def write_under_signals(done: list[str], *numbers: signal.Signals) -> None:
    """Do something that is to be whole while signals come."""
    with stoppable():
        with undisturbed(), undisturbed():
            for number in numbers:
                os.kill(os.getpid(), number)
            done.append("whole")
        done.append("behind it")


def fail_under_a_signal() -> None:
    with stoppable(), undisturbed():
        os.kill(os.getpid(), signal.SIGINT)
        raise ValueError("the file fails")


def test_a_signal_waits_for_the_end_of_a_file_and_a_second_one_does_not() -> None:
    done: list[str] = []
    with pytest.raises(StopSignal) as stop:
        write_under_signals(done, signal.SIGTERM)
    assert (done, stop.value.exit_code) == (["whole"], 143)
    with pytest.raises(StopSignal):
        write_under_signals(done, signal.SIGTERM, signal.SIGTERM)
    assert done == ["whole"]
    write_under_signals(done)
    assert done == ["whole", "whole", "behind it"]


def test_a_signal_is_not_lost_where_the_file_fails() -> None:
    with pytest.raises(StopSignal):
        fail_under_a_signal()
    write_under_signals([])


def test_an_ignored_signal_stays_ignored_and_other_threads_are_left_alone() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stoppable():
            os.kill(os.getpid(), signal.SIGHUP)
            assert signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)
    ended = []

    def work() -> None:
        with stoppable(), undisturbed():
            ended.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert ended == [True]


def test_a_signal_that_comes_while_another_one_is_obeyed_ends_the_process_at_once() -> None:
    left: list[int] = []

    def obey_two() -> None:
        with stoppable(left.append):
            try:
                os.kill(os.getpid(), signal.SIGINT)
            finally:
                os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(StopSignal):
        obey_two()
    assert left == [signal.SIGTERM]
