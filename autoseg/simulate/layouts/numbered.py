"""Numbered pairs of files: Image/0.nii.gz with Label/0.nii.gz, as courses hand them out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import PurePosixPath
from typing import Any

from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.records import SimulatedCase

_HELD_OUT = "held-out"


class NumberedLayout:
    """Files called after the case's number, from 0 on and unpadded; held-out ones go on counting in a folder apart."""

    def rename(self, case: SimulatedCase, number: int, options: SimulationOptions) -> SimulatedCase:
        """Return a case that is called after its number."""
        name = str(number - 1 + (options.cases if case.held_out else 0))
        return replace(case, name=name, subject=name)

    def image(self, case: SimulatedCase, channel: int, options: SimulationOptions) -> PurePosixPath:
        """Return where the scan of a case lies."""
        return PurePosixPath(_HELD_OUT if case.held_out else "", "Image", f"{case.name}.nii.gz")

    def label(self, case: SimulatedCase) -> PurePosixPath:
        """Return where a case's reference mask lies."""
        return PurePosixPath(_HELD_OUT if case.held_out else "", "Label", f"{case.name}.nii.gz")

    def held_out(self) -> tuple[str, str]:
        """Return the folders of the held-out scans and of their masks."""
        return f"{_HELD_OUT}/Image", f"{_HELD_OUT}/Label"

    def describe(self, cases: Sequence[SimulatedCase], options: SimulationOptions) -> Mapping[str, Any]:
        """Return nothing: the layout is two folders. That it is simulated stands in simulation.json."""
        return {}
