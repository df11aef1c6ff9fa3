"""Reading, checking and fingerprinting a raw data set."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from autoseg.hardware import count_cores, memory_limit_gb
from autoseg.progress import Progress
from autoseg.workspace import Workspace
from dataset_fingerprints.checks import Finding, refuse_errors
from dataset_fingerprints.consistency import WHOLE_DATASET
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.errors import FileFormatError
from dataset_fingerprints.extract import Known, extract_cases, summarise
from dataset_fingerprints.fingerprint import CaseFingerprint, DatasetFingerprint
from dataset_fingerprints.jsonfiles import read_json, write_json
from dataset_fingerprints.layouts import read_dataset
from dataset_fingerprints.scans import Scan

# The share of memory in which scans wait between being read for the fingerprint and being preprocessed.
WAITING_SHARE = 0.25
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CheckReport:
    """All findings of a check, as `check.json` holds them."""

    dataset: str
    cases: int
    findings: tuple[Finding, ...]
    schema_version: int = SCHEMA_VERSION


@dataclass(kw_only=True, slots=True)
class WaitingScans:
    """Scans that were read already, as many as fit into a share of the memory; the others are read again."""

    limit_bytes: float = field(default_factory=lambda: WAITING_SHARE * memory_limit_gb() * 1024**3)
    _scans: dict[str, Scan] = field(default_factory=dict)
    _bytes: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def keep(self, case: Case, scan: Scan) -> None:
        """Keep a scan if there is room."""
        size = scan.voxels.nbytes + scan.body.nbytes + (scan.labels.nbytes if scan.labels is not None else 0)
        with self._lock:
            if self._bytes + size <= self.limit_bytes:
                self._scans[case.name] = scan
                self._bytes += size

    def take(self, case: str) -> Scan | None:
        """Hand out a scan once, or None."""
        with self._lock:
            return self._scans.pop(case, None)


def inspect_dataset(
    dataset: Dataset, workspace: Workspace, waiting: WaitingScans, progress: Progress
) -> DatasetFingerprint:
    """Check and measure all cases, and write what was found into the workspace.

    Raises:
        DataError: some case cannot be used; `check.json` lists all findings.
    """
    records, findings = _extract(dataset, _known_cases(workspace, dataset), waiting, progress)
    report = CheckReport(dataset=dataset.name, cases=len(dataset.cases), findings=findings)
    write_json(workspace.check, report)
    refuse_errors(dataset.root, findings)
    if findings:
        counts = Counter(f"{finding.grade}: {finding.kind}" for finding in findings)
        told = ", ".join(f"{kind} ({number})" for kind, number in counts.items())
        progress.say(f"{told}. Details: {workspace.check}")
    fingerprint = summarise(dataset, records)
    write_json(workspace.dataset, dataset)
    write_json(workspace.fingerprint, fingerprint)
    return fingerprint


def check_dataset(root: Path, progress: Progress) -> CheckReport:
    """Check a raw data set and write nothing."""
    dataset = read_dataset(root)
    _, findings = _extract(dataset, {}, WaitingScans(limit_bytes=0), progress)
    return CheckReport(dataset=dataset.name, cases=len(dataset.cases), findings=findings)


def _extract(
    dataset: Dataset, known: Mapping[str, Known], waiting: WaitingScans, progress: Progress
) -> tuple[Sequence[CaseFingerprint], tuple[Finding, ...]]:
    with progress.task("Reading and measuring", len(dataset.cases)) as task:
        return extract_cases(dataset, known, count_cores(), waiting.keep, lambda _: task.advance())


def _known_cases(workspace: Workspace, dataset: Dataset) -> Mapping[str, Known]:
    """Return what an earlier run measured and found, if it measured the same channels and labels."""
    try:
        fingerprint = read_json(workspace.fingerprint, DatasetFingerprint)
        report = read_json(workspace.check, CheckReport)
    except FileFormatError:
        return {}
    channels = tuple(channel.name for channel in fingerprint.channels)
    if (channels, fingerprint.scheme) != (dataset.channels, dataset.labels):
        return {}
    findings: dict[str, list[Finding]] = {}
    for finding in report.findings:
        if finding.kind not in WHOLE_DATASET:
            findings.setdefault(finding.case, []).append(finding)
    return {case.case: Known(record=case, findings=tuple(findings.get(case.case, ()))) for case in fingerprint.cases}
