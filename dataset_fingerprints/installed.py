"""What is installed: this program as a distribution, its extras, and versions."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version

# What pip calls this program.
DISTRIBUTION = "autoseg-lesion"


def advise_extra(extra: str) -> str:
    """Return the command that installs what an extra of `setup.py` needs."""
    return f"pip install '{DISTRIBUTION}[{extra}]'"


def find_version(distribution: str = DISTRIBUTION) -> str | None:
    """Return the version of an installed distribution; None where it is not installed, as in a plain checkout."""
    try:
        return version(distribution)
    except PackageNotFoundError:
        return None
