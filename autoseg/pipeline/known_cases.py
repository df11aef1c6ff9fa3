"""Scans to predict that the model may have been trained on."""

from __future__ import annotations

import os
from collections.abc import Sequence

from autoseg.pipeline.new_scans import NewScan
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.names import counted


def report_known_cases(found: Sequence[NewScan], workspace: Workspace, progress: Progress) -> None:
    """Say how many of the scans are cases of the data set that the workspace was made of."""
    try:
        dataset = read_json(workspace.dataset, Dataset)
    except FileFormatError:
        return  # of another version, which predicting does not need
    known = {image for case in dataset.cases for image in case.images}
    count = sum(any(known & {str(file), os.path.realpath(file)} for file in scan.files()) for scan in found)
    if count:
        are = counted(count, "scan is a case", "scans are cases")
        progress.say(
            f"{are} of the data set that the model was trained on: such masks look better than those of new scans. "
            "Masks of cases that a fold was not trained on are in its folder `validation`."
        )
