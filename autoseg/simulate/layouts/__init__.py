"""Layouts that a simulated data set is written in: names of cases and files, and what lies beside the scans.

Each has the mark that its scans are simulated in a file that readers of the layout look at, or at least leave alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Protocol

from autoseg.simulate.layouts.bids import BidsLayout
from autoseg.simulate.layouts.nnunet import NnunetLayout
from autoseg.simulate.layouts.numbered import NumberedLayout
from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.records import SimulatedCase


class Layout(Protocol):
    """Names of files in a data set, relative to its folder."""

    def rename(self, case: SimulatedCase, number: int, options: SimulationOptions) -> SimulatedCase:
        """Return a case with the name, subject and session that it has in this layout; numbers count from 1."""
        ...

    def image(self, case: SimulatedCase, channel: int, options: SimulationOptions) -> PurePosixPath:
        """Return where a channel of a case lies."""
        ...

    def label(self, case: SimulatedCase) -> PurePosixPath:
        """Return where a case's reference mask lies."""
        ...

    def held_out(self) -> tuple[str, str]:
        """Return the folders of the held-out scans and of their masks."""
        ...

    def describe(self, cases: Sequence[SimulatedCase], options: SimulationOptions) -> Mapping[str, Any]:
        """Return the files beside the scans by their names: texts, or what becomes JSON."""
        ...


LAYOUTS: dict[str, Layout] = {"nnunet": NnunetLayout(), "bids": BidsLayout(), "numbered": NumberedLayout()}

__all__ = ["LAYOUTS", "Layout"]
