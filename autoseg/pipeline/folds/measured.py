"""What was measured of a data set, as far as folds are compared with it: read once per process, for it is large."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from autoseg.pipeline.plans.reading import REMEDY
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.files.stamps import Stamp, find_stamp
from dataset_fingerprints.fingerprint import DatasetFingerprint, FileIdentity, FingerprintSummary, drop_cases


@dataclass(frozen=True, kw_only=True, slots=True)
class Measured:
    """The data set as a whole, and the raw files of its cases.

    Attributes:
        identities: of the files of each case, by its name.
    """

    summary: FingerprintSummary
    identities: Mapping[str, tuple[FileIdentity, ...]]


def read_measured(workspace: Workspace) -> Measured:
    """Return what the fingerprint says; it is read again only where its file is another by now.

    Raises:
        FileFormatError: it is missing or damaged.
    """
    path = workspace.fingerprint
    stamp = find_stamp(path.stat()) if path.is_file() else None
    return _read(path) if stamp is None else _remember(path, stamp)


# Of the labelled cases, and of scans without labels.
@lru_cache(maxsize=2)
def _remember(path: Path, _stamp: Stamp) -> Measured:
    return _read(path)


def _read(path: Path) -> Measured:
    found = read_json(path, DatasetFingerprint, REMEDY)
    return Measured(summary=drop_cases(found), identities={case.case: case.identities for case in found.cases})
