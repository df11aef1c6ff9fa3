"""Reading, checking and fingerprinting a raw data set."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path

from autoseg.hardware import count_cores, free_memory_gb
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.checking.checks import Finding, refuse_errors
from dataset_fingerprints.checking.overview import describe_cases
from dataset_fingerprints.checking.summary import count_kinds
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.layouts import (
    AUTOMATIC,
    Selection,
    describe_columns,
    describe_layout,
    read_dataset,
    read_paired,
    refuse_selection,
)
from dataset_fingerprints.measuring.journal import open_journal, read_journal, write_journal
from dataset_fingerprints.measuring.one_pass import Known, Limits, Listeners, extract_cases
from dataset_fingerprints.measuring.pooling import summarise
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.sizes import GIB

# The share of the free memory in which scans wait between being read for the fingerprint and being preprocessed.
WAITING_SHARE = 0.25
# The share of the free memory in which cases are read, and later preprocessed, at the same time.
READING_SHARE = 0.5
# A label map holds an index of 8 bits per voxel.
MOST_VALUES = 256
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """All findings of a check, as `check.json` holds them.

    Attributes:
        overview: what the cases are like, in lines for people, each with what it is about.
    """

    dataset: str
    cases: int
    findings: tuple[Finding, ...]
    overview: tuple[tuple[str, str], ...] = ()
    schema_version: int = SCHEMA_VERSION


@dataclass(kw_only=True, slots=True)
class WaitingScans:
    """Scans that were read already, as many as fit into a share of the free memory; the others are read again."""

    limit_bytes: float = field(default_factory=lambda: WAITING_SHARE * free_memory_gb() * GIB)
    _scans: dict[str, Scan] = field(default_factory=dict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, case: Case, scan: Scan) -> None:
        """Keep a scan if there is space."""
        size = scan.voxels.nbytes + scan.body.nbytes + (scan.labels.nbytes if scan.labels is not None else 0)
        with self._lock:
            if self._bytes + size <= self.limit_bytes:
                self._scans[case.name] = scan
                self._bytes += size

    def take(self, case: str) -> Scan | None:
        """Hand out a scan once, or None."""
        with self._lock:
            return self._scans.pop(case, None)


@dataclass(frozen=True, kw_only=True, slots=True)
class Inspected:
    """A data set, all of whose cases can be used, and what was measured of it.

    Attributes:
        sound: measurements and findings of its cases.
    """

    dataset: Dataset
    fingerprint: DatasetFingerprint
    sound: tuple[Known, ...]

    def write(self, workspace: Workspace) -> None:
        """Put the data set in the place of what the workspace was of before."""
        write_journal(workspace.cases, self.dataset, self.sound)
        write_json(workspace.dataset, self.dataset)
        write_json(workspace.fingerprint, self.fingerprint)


def inspect_dataset(
    dataset: Dataset, workspace: Workspace, waiting: WaitingScans, progress: Progress
) -> DatasetFingerprint:
    """Check and measure all cases, and write what was found into the workspace; see `examine_dataset`."""
    found = examine_dataset(dataset, workspace, waiting, progress)
    found.write(workspace)
    return found.fingerprint


def examine_dataset(dataset: Dataset, workspace: Workspace, waiting: WaitingScans, progress: Progress) -> Inspected:
    """Check and measure all cases, and write the findings into the workspace, which stays of what it was of before.

    What was measured of a case is kept as soon as it is finished: started again after a kill or with some files
    changed, only the other cases are read.

    Raises:
        DataError: some case cannot be used; `check.json` lists all findings.
    """
    known = read_journal(workspace.cases, dataset)
    journal = open_journal(workspace.cases, dataset)
    with journal.stream, progress.task("Reading and measuring", len(dataset.cases)) as task:
        listeners = Listeners(on_scan=waiting.keep, on_measured=journal.append, on_done=lambda _: task.advance())
        found = extract_cases(dataset, known, choose_limits(), listeners)
    findings = found.findings()
    overview = describe_cases(dataset, found.records())
    report = CheckReport(dataset=dataset.name, cases=len(dataset.cases), findings=findings, overview=overview)
    write_json(workspace.check, report)
    refuse_errors(dataset.root, findings)
    if findings:
        progress.say(f"{count_kinds(findings)}. Details: {shorten_path(workspace.check)}")
    return Inspected(dataset=dataset, fingerprint=summarise(dataset, found.records()), sound=found.sound)


def find_dataset(root: Path, labels: Path | None, progress: Progress, selection: Selection = AUTOMATIC) -> Dataset:
    """Read a raw data set's description, and say what was found.

    Args:
        root: a raw data set, or the folder of its scans where `labels` is given.
        labels: the folder of the label maps, or None where the layout says where they are.
        progress: receiver of progress reports.
        selection: the files that are meant, where the layout leaves a choice.

    Raises:
        DataError: it is not a data set, or has too many labels.
    """
    if labels is not None:
        refuse_selection(root, selection)
    dataset = read_dataset(root, selection) if labels is None else read_paired(root, labels)
    progress.say(f"Found {describe_layout(dataset)}.")
    if dataset.layout == "csv":
        progress.say(f"{describe_columns(root, selection)}.")
    values = dataset.labels.index_count()
    if values > MOST_VALUES:
        raise DataError(
            f"{dataset.root}: names {values} values of voxels, background included. Expected at most {MOST_VALUES}: "
            "leave out or join some labels."
        )
    return dataset


def check_dataset(dataset: Dataset, progress: Progress) -> CheckReport:
    """Check a raw data set and write nothing."""
    with progress.task("Reading and checking", len(dataset.cases)) as task:
        found = extract_cases(dataset, {}, choose_limits(), Listeners(on_done=lambda _: task.advance()))
    overview = describe_cases(dataset, found.records())
    return CheckReport(dataset=dataset.name, cases=len(dataset.cases), findings=found.findings(), overview=overview)


def choose_limits() -> Limits:
    """Return how many threads may read, and in how much memory: half of what is free, besides the scans that wait."""
    return Limits(workers=count_cores(), memory_bytes=READING_SHARE * free_memory_gb() * GIB)
