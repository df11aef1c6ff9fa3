"""Options of `tune` that cannot be meant are refused before the slow start."""

from __future__ import annotations

import pytest

from autoseg.cli.commands import tuning
from tests.synthetic.commands import run


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--max-minutes", "-4"), "--max-minutes is -4. Expected more than 0"),
        (("--max-minutes", "4"), "Give at least --max-minutes 5"),
        (("--hours", "0.0001"), "Give at least --max-minutes 5"),
        (("--hours", "0"), "--hours is 0. Expected more than 0"),
        (("--iterations", "0"), "--iterations is 0. Expected 1 or more"),
        (("--hours", "1", "--candidates", "1"), "--candidates is 1. Expected 2 to 1000"),
        (("--hours", "1", "--over", "patch,rate"), "Give --over patch --over rate"),
        (("--hours", "1", "--score", "best"), "best"),
        ((), "Give the time for everything with --hours"),
    ],
)
def test_it_is_refused_before_its_libraries_are_loaded(
    options: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail() -> None:
        raise AssertionError("has started")

    monkeypatch.setattr(tuning, "show_start", fail)
    assert run(monkeypatch, "tune", "0", *options) != 0
    printed = capsys.readouterr()
    assert message in " ".join((printed.out + printed.err).split())
