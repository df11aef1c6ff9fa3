"""Text in lines of so many pixels."""

from __future__ import annotations

import pytest

from autoseg.reporting.flow import fit, width_of, wrap

TEXT = "The voxels are 5 x 1 x 1 mm, but those of the training scans 0.9 to 1.1 mm: resample the scan."


@pytest.mark.parametrize("width", [80, 200, 448, 2000])
@pytest.mark.parametrize("text", ["", "short", TEXT, "x" * 150, f"{'y' * 60} {TEXT}", "Läsion_$a$ 5 → 6"])
def test_wrapped_text_is_whole_and_fits(text: str, width: int) -> None:
    lines = wrap(text, width, 10)
    assert all(width_of(line, 10) <= width for line in lines)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")


def test_what_is_left_out_is_said() -> None:
    lines = wrap(TEXT * 5, 300, 10, most=3)
    assert len(lines) == 3
    assert lines[-1].endswith("… (more in the table)")
    assert all(width_of(line, 10) <= 300 for line in lines)


@pytest.mark.parametrize("width", [60, 120, 1000])
def test_a_name_that_is_too_long_loses_its_middle(width: int) -> None:
    name = "penumbra of the left hemisphere"
    shown = fit(name, width, 10)
    assert width_of(shown, 10) <= width
    assert shown == name if width == 1000 else ("…" in shown and shown[-1] == "e")
