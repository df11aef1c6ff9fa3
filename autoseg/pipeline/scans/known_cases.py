"""Scans to predict that the model may have been trained on."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from autoseg.pipeline.models.sources import ModelSource
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError, FileFormatError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.measuring.identity import identify
from dataset_fingerprints.names import counted


def report_known_cases(found: Sequence[NewScan], source: ModelSource, progress: Progress) -> frozenset[str]:
    """Say how many of the scans are cases that the model was trained for, and return their names.

    A workspace knows their files by their paths, a model that lies alone by their contents.
    """
    if source.workspace is None:
        known = _find_by_content(found, source.contents)
        advice = ""
    else:
        owners = (source.workspace, source.workspace.unlabelled) if source.unlabelled else (source.workspace,)
        known = _find_by_path(found, owners)
        advice = " Masks of cases that a fold was not trained on are in its folder `validation`."
    if known:
        progress.say(f"{_say_known(len(known))}.{advice}")
    return known


def _say_known(count: int) -> str:
    are = counted(count, "scan is a case", "scans are cases")
    return f"{are} of the data set that the model was trained on: such masks look better than those of new scans"


def _find_by_path(found: Sequence[NewScan], owners: Sequence[Workspace]) -> frozenset[str]:
    known: set[str] = set()
    for workspace in owners:
        with suppress(FileFormatError):  # of another version, which predicting does not need
            dataset = read_json(workspace.dataset, Dataset)
            known.update(image for case in dataset.cases for image in case.images)
    return frozenset(
        scan.name for scan in found if any(known & {str(file), os.path.realpath(file)} for file in scan.files())
    )


def _find_by_content(found: Sequence[NewScan], contents: frozenset[str]) -> frozenset[str]:
    if not contents:
        return frozenset()
    return frozenset(scan.name for scan in found if any(_is_known(file, contents) for file in scan.files()))


def _is_known(file: Path, contents: frozenset[str]) -> bool:
    try:
        return identify(file).sha256 in contents
    except (OSError, DataError):  # which is reported when the scan is read
        return False
