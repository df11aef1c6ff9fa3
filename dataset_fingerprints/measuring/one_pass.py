"""One pass over a data set: every file is read once for its checks, its fingerprint and whatever comes after."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from dataset_fingerprints.checking.between_cases import check_cases
from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.checking.divisions import check_divisions
from dataset_fingerprints.checking.formats import check_formats
from dataset_fingerprints.dataset import Case, Dataset
from dataset_fingerprints.failures import Failure, attempt, lacks_memory
from dataset_fingerprints.fingerprint import CaseFingerprint
from dataset_fingerprints.measuring.case_measurements import measure_case
from dataset_fingerprints.measuring.identity import confirm
from dataset_fingerprints.measuring.memory_gate import MemoryGate, estimate_bytes
from dataset_fingerprints.measuring.scans import Scan, read_case, unreadable


@dataclass(frozen=True, kw_only=True, slots=True)
class Known:
    """Measurements and findings of a sound case; true as long as the case's files are the same."""

    record: CaseFingerprint
    findings: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """Limits to the cores and memory that a pass may use.

    Attributes:
        workers: threads; reading, decompressing and measuring release the interpreter's lock for most of their time.
        memory_bytes: cases are read at the same time as long as they fit into it together.
    """

    workers: int
    memory_bytes: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Listeners:
    """Listeners to a pass, called from its threads.

    Attributes:
        on_scan: called with every scan that was read and is sound.
        on_measured: called with what was measured of a sound case, if it was read in this pass.
        on_done: called with every case's name when it is finished, read or not.
    """

    on_scan: Callable[[Case, Scan], None] = lambda case, scan: None
    on_measured: Callable[[Known], None] = lambda known: None
    on_done: Callable[[str], None] = lambda case: None


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """Measurements and findings of a pass, in the data set's order.

    Attributes:
        sound: the cases that can be used.
        refused: findings of the cases that cannot.
        overall: findings of the data set as a whole.
    """

    sound: tuple[Known, ...]
    refused: tuple[Finding, ...]
    overall: tuple[Finding, ...]

    def records(self) -> tuple[CaseFingerprint, ...]:
        """Return the measurements of all sound cases."""
        return tuple(known.record for known in self.sound)

    def findings(self) -> tuple[Finding, ...]:
        """Return all findings: those that refuse a case first."""
        reported = tuple(finding for known in self.sound for finding in known.findings)
        return (*self.refused, *reported, *self.overall)


def extract_cases(dataset: Dataset, previous: Mapping[str, Known], limits: Limits, listeners: Listeners) -> Found:
    """Return what was measured and found of all cases; only those are read whose files changed since `previous`.

    Args:
        dataset: what to read.
        previous: what an earlier pass found, by case name.
        limits: of threads and memory.
        listeners: receivers of reports on what was done.
    """
    one_pass = _Pass(dataset=dataset, previous=previous, listeners=listeners)
    with ThreadPoolExecutor(max_workers=limits.workers) as pool:
        gate = MemoryGate(limit_bytes=limits.memory_bytes)
        tried = pool.map(lambda case: one_pass.extract_beside_others(case, gate), dataset.cases)
        first = list(tried)
    results = [
        one_pass.extract(case) if result is None else result for case, result in zip(dataset.cases, first, strict=True)
    ]
    sound = tuple(result for result in results if isinstance(result, Known))
    refused = tuple(finding for result in results if not isinstance(result, Known) for finding in result)
    records = [known.record for known in sound]
    # Cases that cannot be used yet may hold what the others lack; those without labels are not divided into folds.
    declared = dataset.labels.labels
    divided = check_divisions(records, declared) if declared and not refused else ()
    overall = (*check_formats(dataset.cases), *check_cases(records), *divided)
    return Found(sound=sound, refused=refused, overall=overall)


def _recall(known: Known | None, case: Case) -> Known | None:
    """Return what is known of a case whose files did not change, else None.

    The times of the files are today's, and what the layout says of the case, too: a CSV may have got a column.
    """
    identities = None if known is None else confirm(case, known.record.identities)
    if known is None or identities is None:
        return None
    record = replace(
        known.record,
        identities=identities,
        subject=case.subject,
        session=case.session,
        site=case.site,
        group=case.group,
        task=case.task,
    )
    return replace(known, record=record)


Extracted = Known | tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Pass:
    """One pass over the cases of a data set; its methods are called from several threads."""

    dataset: Dataset
    previous: Mapping[str, Known]
    listeners: Listeners

    def extract_beside_others(self, case: Case, gate: MemoryGate) -> Extracted | None:
        """Return what is known or found of a case; None where it has to be tried again, alone.

        Cases that are read at the same time may have taken all memory together.
        """
        try:
            return self._extract(case, gate, lacks_memory)
        except MemoryError:
            return None
        finally:
            self.listeners.on_done(case.name)

    def extract(self, case: Case) -> Extracted:
        """Return what is known or found of a case; an error of any kind is a finding."""
        return self._extract(case, MemoryGate(limit_bytes=math.inf), lambda error: False)

    def _extract(self, case: Case, gate: MemoryGate, passes: Callable[[Exception], bool]) -> Extracted:
        measured = attempt(case.name, "cannot be read", lambda: self._measure(case, gate), passes)
        if isinstance(measured, Failure):
            return (unreadable(measured),)
        known, scan = measured
        if scan is not None and isinstance(known, Known):
            self.listeners.on_measured(known)
            self.listeners.on_scan(case, scan)
        return known

    def _measure(self, case: Case, gate: MemoryGate) -> tuple[Extracted, Scan | None]:
        """Return what is known or found of a case, and its scan if it had to be read and is sound."""
        recalled = _recall(self.previous.get(case.name), case)
        if recalled is not None:
            return recalled, None
        with gate.hold(estimate_bytes(case, len(self.dataset.channels))):
            scan, findings = read_case(case, self.dataset.channels, self.dataset.labels)
            if scan is None:
                return findings, None
            return Known(record=measure_case(case, scan, self.dataset), findings=findings), scan
