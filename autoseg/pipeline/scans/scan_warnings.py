"""What is remarkable about scans that are predicted, and the training scans that they are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.prediction import Fallback
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import CaseFingerprint, DatasetFingerprint
from dataset_fingerprints.likeness import KnownScans, Traits, Unlikeness, advise_on_order, recall_traits
from dataset_fingerprints.names import counted, some_of
from planners.run import Run

# Of one kind, so many scans are named at the end; the table has all of them.
_NAMED = 3


@dataclass(frozen=True, kw_only=True, slots=True)
class ScanWarning:
    """Something about a scan because of which its mask may be worse than others.

    Attributes:
        case: the scan's name.
        kind: `channel-missing` or `fallback`, or in what it is unlike the training scans: `spacing`, `body`,
            `extent`, `channels`, `intensities` or `scale`.
        message: what was found, what was expected, and what to do.
    """

    case: str
    kind: str
    message: str

    def describe(self) -> str:
        """Return the message with the scan in front."""
        return f"case {self.case}: {self.message}"


def read_traits(workspace: Workspace, runs: Sequence[Run]) -> tuple[Traits, ...]:
    """Return the measurements of the scans that folds were trained for, as the workspace's fingerprint has them.

    None where there are none: the fingerprint is of other channels by now, of another version, or not there. Predicting
    does not need them.

    Args:
        workspace: whose fingerprint is read.
        runs: of the folds; at least one.
    """
    names = {case for run in runs for case in (*run.train_cases, *run.validation_cases)}
    return tuple(recall_traits(case) for case in _read_cases(workspace, runs[0]) if case.case in names)


def _read_cases(workspace: Workspace, run: Run) -> tuple[CaseFingerprint, ...]:
    """Return the measured cases of a workspace; none where they cannot be read or are of other channels than a fold."""
    try:
        fingerprint = read_json(workspace.fingerprint, DatasetFingerprint)
    except (AutosegError, OSError):
        return ()
    same = tuple(channel.name for channel in fingerprint.channels) == run.channels
    return fingerprint.cases if same else ()


def make_known(traits: tuple[Traits, ...], run: Run, layout: str = "") -> KnownScans | None:
    """Return the scans that new ones are compared with; None where nothing is known of them.

    Args:
        traits: measurements of the scans that a model was trained for.
        run: what it was trained by.
        layout: of the new scans; empty for plain files.
    """
    if not traits:
        return None
    return KnownScans(
        channels=run.channels, cases=traits, absolute=run.absolute_channels(), order_advice=advise_on_order(layout)
    )


def warn_of(
    scan: NewScan, channels: Sequence[str], unlike: Sequence[Unlikeness], fallbacks: Sequence[Fallback]
) -> tuple[ScanWarning, ...]:
    """Return everything remarkable about a scan.

    Args:
        scan: that was predicted.
        channels: names of the model's.
        unlike: in what it is unlike the training scans.
        fallbacks: where a stage found nothing to crop to.
    """
    found = [(one.kind, one.message) for one in unlike]
    if scan.absent():
        lacking = [name for name, image in zip(channels, scan.images, strict=False) if image is None]
        found.append(("channel-missing", f"{', '.join(lacking)} is not there and was filled with zeros."))
    found += [("fallback", fallback.describe()) for fallback in fallbacks]
    return tuple(ScanWarning(case=scan.name, kind=kind, message=message) for kind, message in found)


def say_unlike(warnings: Sequence[ScanWarning], progress: Progress) -> None:
    """Say which scans are unlike the training scans: those of the same words together, some of each kind."""
    said_before = ("channel-missing", "fallback")
    unlike = [warning for warning in warnings if warning.kind not in said_before]
    for kind in dict.fromkeys(warning.kind for warning in unlike):
        groups = group_by_message([warning for warning in unlike if warning.kind == kind])
        for names, message in groups[:_NAMED]:
            progress.say(f"Unlike the training scans: {_name(names)}: {message}")
        left = sum(len(names) for names, _ in groups[_NAMED:])
        if left:
            progress.say(f"Similar of {counted(left, 'more scan')}: the table names each.")


def group_by_message(warnings: Sequence[ScanWarning]) -> list[tuple[list[str], str]]:
    """Return each message once, with the scans that it is about, those about the most scans first."""
    found: dict[str, list[str]] = {}
    for warning in warnings:
        found.setdefault(warning.message, []).append(warning.case)
    return sorted(((names, message) for message, names in found.items()), key=lambda group: -len(group[0]))


def _name(names: Sequence[str]) -> str:
    return f"case {names[0]}" if len(names) == 1 else f"{len(names)} scans ({some_of(names, _NAMED)})"


def compare_cases(workspace: Workspace, run: Run) -> dict[str, tuple[str, ...]]:
    """Return in what the cases that a fold is judged on are unlike those that it trained on, by case.

    Nothing is said where the workspace's fingerprint does not know them, or is of other channels by now.
    """
    try:
        layout = read_json(workspace.dataset, Dataset).layout
    except (AutosegError, OSError):
        return {}
    traits = {case.case: recall_traits(case) for case in _read_cases(workspace, run)}
    trained = tuple(traits[case] for case in run.train_cases if case in traits)
    known = KnownScans(
        channels=run.channels,
        cases=trained,
        absolute=run.absolute_channels(),
        order_advice=advise_on_order(layout),
    )
    judged = [case for case in run.validation_cases if case in traits]
    return {case: tuple(unlike.message for unlike in known.compare(traits[case])) for case in judged}
