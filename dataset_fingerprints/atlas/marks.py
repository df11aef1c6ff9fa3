"""The mark of simulated scans, as the descriptions of data sets carry it."""

from __future__ import annotations

from pathlib import Path

from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.files.jsonfiles import read_plain_json

# The field of a description, and what `GeneratedBy` calls the simulator.
SIMULATED = "simulated"
SIMULATOR = "autoseg simulate"
_DESCRIPTIONS = ("dataset_description.json", "dataset.json", "simulation.json")


def is_description(path: Path) -> bool:
    """Return whether a file is called as the description of a data set is."""
    return path.name in _DESCRIPTIONS


def bears_mark(path: Path) -> bool:
    """Return whether a description says that the scans are simulated; one that cannot be read says nothing."""
    try:
        content = read_plain_json(path)
    except (AutosegError, OSError):
        return False
    if not isinstance(content, dict):
        return False
    # BIDS writes names of fields with a capital.
    marked = any(value is True for name, value in content.items() if name.casefold() == SIMULATED)
    made_by = content.get("GeneratedBy")
    makers = made_by if isinstance(made_by, list) else []
    return marked or any(isinstance(one, dict) and one.get("Name") == SIMULATOR for one in makers)
