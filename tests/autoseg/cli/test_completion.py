"""A shell completes commands and options."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("autoseg pla", ["plan_and_preprocess"]),
        ("autoseg train --max", ["--max-minutes", "--max-hours"]),
        ("autoseg experiment comp", ["compare"]),
    ],
)
def test_bash_is_answered_with_what_begins_so(typed: str, expected: list[str]) -> None:
    asked = {"COMP_WORDS": typed, "COMP_CWORD": str(typed.count(" ")), "_AUTOSEG_COMPLETE": "complete_bash"}
    done = subprocess.run(
        (sys.executable, "-c", "import sys; sys.argv[0] = 'autoseg'; from autoseg.cli.entrance import enter; enter()"),
        env={**os.environ, **asked},
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    assert done.stdout.split() == expected
