"""nnU-Net's raw folder, with what it asks for in dataset.json."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from autoseg.simulate.options import SimulationOptions
from autoseg.simulate.records import SimulatedCase
from dataset_fingerprints.layouts.table_text import to_tsv


class NnunetLayout:
    """nnU-Net's raw folder: imagesTr/sim_0001_0000.nii.gz with labelsTr/sim_0001.nii.gz."""

    def rename(self, case: SimulatedCase, number: int, options: SimulationOptions) -> SimulatedCase:
        """Return the case as it is."""
        return case

    def image(self, case: SimulatedCase, channel: int, options: SimulationOptions) -> PurePosixPath:
        """Return where a channel of a case lies."""
        return PurePosixPath("imagesTs" if case.held_out else "imagesTr", f"{case.name}_{channel:04d}.nii.gz")

    def label(self, case: SimulatedCase) -> PurePosixPath:
        """Return where a case's reference mask lies."""
        return PurePosixPath("labelsTs" if case.held_out else "labelsTr", f"{case.name}.nii.gz")

    def held_out(self) -> tuple[str, str]:
        """Return the folders of the held-out scans and of their masks."""
        return "imagesTs", "labelsTs"

    def describe(self, cases: Sequence[SimulatedCase], options: SimulationOptions) -> Mapping[str, Any]:
        """Return the description of the data set, and a table of its cases with their sites."""
        description = {
            "name": "SimulatedStroke",
            "description": "Simulated brains with chronic stroke lesions. No scan of a person.",
            "simulated": True,
            "channel_names": {str(index): name for index, name in enumerate(options.channels())},
            "labels": {"background": 0, "lesion": options.lesion_value},
            "numTraining": sum(not case.held_out for case in cases),
            "file_ending": ".nii.gz",
        }
        columns = ("case", "subject", "session", "site", "set")
        rows = (
            (case.name, case.subject, case.session, case.site, "test" if case.held_out else "train") for case in cases
        )
        return {"dataset.json": description, "cases.tsv": to_tsv((columns, *rows))}
