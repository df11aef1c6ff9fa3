"""Several values behind an option that can be repeated."""

from __future__ import annotations

import pytest

from autoseg.cli.options.parsing import repeat_option


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        (["a", "--label", "1", "2", "--fast"], ["a", "--label", "1", "--label", "2", "--fast"]),
        (["--label", "1", "--label", "2"], ["--label", "1", "--label", "2"]),
        (["--model", "m", "a", "b"], ["--model", "m", "a", "b"]),
        (["--label=1", "a"], ["--label=1", "a"]),
        (["a", "--label"], ["a", "--label"]),
    ],
)
def test_every_value_has_the_option_in_front(given: list[str], taken: list[str]) -> None:
    assert repeat_option(given, {"--label"}) == taken
