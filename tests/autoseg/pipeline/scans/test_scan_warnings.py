"""Warnings of many scans: said once where they are the same."""

from __future__ import annotations

from dataclasses import replace

from autoseg.pipeline.scans.scan_warnings import ScanWarning, compare_cases, say_unlike
from autoseg.progress import SilentProgress
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.run import Run
from tests.synthetic.tiny import Tiny


class Listening(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, message: str) -> None:
        """Keep it."""
        self.said.append(message)


def make(kind: str, *messages: str) -> list[ScanWarning]:
    return [ScanWarning(case=f"s{number}", kind=kind, message=text) for number, text in enumerate(messages)]


def test_equal_warnings_of_many_scans_are_said_once() -> None:
    listening = Listening()
    say_unlike(
        [*make("body", *["a skull."] * 12), *make("spacing", "5 mm."), *make("fallback", "one value.")], listening
    )
    assert listening.said == [
        "Unlike the training scans: 12 scans (s0, s1, s2 and 9 more): a skull.",
        "Unlike the training scans: case s0: 5 mm.",
    ]


def test_of_warnings_that_differ_the_most_frequent_are_said() -> None:
    listening = Listening()
    say_unlike(make("spacing", "1", "2", "3", "4", "5", "5"), listening)
    assert listening.said[0] == "Unlike the training scans: 2 scans (s4, s5): 5"
    assert len(listening.said) == 4
    assert listening.said[-1] == "Similar of 2 more scans: the table names each."


def test_a_fingerprint_of_other_channels_says_nothing_of_a_fold(tiny: Tiny) -> None:
    run = read_json(tiny.fold().run, Run)
    assert compare_cases(tiny.workspace, run).keys() == {*run.validation_cases}
    fingerprint = read_json(tiny.workspace.fingerprint, DatasetFingerprint)
    (channel,) = fingerprint.channels
    write_json(tiny.workspace.fingerprint, replace(fingerprint, channels=(replace(channel, name="other"),)))
    assert compare_cases(tiny.workspace, run) == {}
