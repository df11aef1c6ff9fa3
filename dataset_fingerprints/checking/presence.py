"""Check that all files of a case are there, and hold as many channels as the data set has."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from dataset_fingerprints.checking.checks import Finding
from dataset_fingerprints.dataset import is_there
from dataset_fingerprints.names import counted, some_of

# Channels of a case that are named one by one where they are missing.
_MOST_MISSING = 20


def check_presence(case: str, files: Sequence[str], channels: Sequence[str]) -> tuple[Finding, ...]:
    """Look for the scans of a case.

    Args:
        case: its name.
        files: the paths where its channels should lie; empty where none is named.
        channels: the names of the data set's channels.

    Returns:
        One finding if no scan is there, else one for every channel that is not; of more than a few, one for the rest.
    """
    missing = [(position, file) for position, file in enumerate(files) if not is_there(file)]
    if not missing:
        return ()
    if len(missing) == len(files):
        message = f"has no scan: {_where(files[0])}. Add it, or take the case out."
        return (Finding(case=case, grade="error", kind="missing-image", message=message),)
    findings = []
    for position, file in missing[:_MOST_MISSING]:
        name = channels[position] if len(files) == len(channels) else f"number {position}"
        message = f"channel {name} is missing: {_where(file)}. Add it, or take the case out."
        findings.append(Finding(case=case, grade="error", kind="missing-channel", message=message))
    if more := len(missing) - len(findings):
        what = counted(more, "more channel is", "more channels are")
        message = f"{what} missing. See that the data set has {counted(len(channels), 'channel')}."
        findings.append(Finding(case=case, grade="error", kind="missing-channel", message=message))
    return tuple(findings)


def check_label_presence(case: str, file: str) -> tuple[Finding, ...]:
    """Look for the label map of a case; an empty path is one that is not named."""
    if is_there(file):
        return ()
    message = (
        f"has no label map: {_where(file)}. Add the label map (all 0 if there is nothing to label), or take the case "
        "out."
    )
    return (Finding(case=case, grade="error", kind="missing-label", message=message),)


def check_channel_count(case: str, volumes: Sequence[int], channels: Sequence[str]) -> tuple[Finding, ...]:
    """Compare the volumes that a case's files hold with the data set's channels.

    Args:
        case: its name.
        volumes: per file, how many it holds.
        channels: the names of the data set's channels.
    """
    held = sum(volumes)
    if held == len(channels):
        return ()
    files = counted(len(volumes), "file")
    message = (
        f"has {counted(held, 'channel')} in {files}. Expected {len(channels)} "
        f"({some_of(channels, _MOST_MISSING)}): give one file per channel or one 4D file with all of them, in this "
        "order."
    )
    kind = "missing-channel" if held < len(channels) else "extra-channel"
    return (Finding(case=case, grade="error", kind=kind, message=message),)


def _where(file: str) -> str:
    if not file:
        return "no path is given"
    return f"{file} is a link to nothing" if Path(file).is_symlink() else f"expected {file}"
