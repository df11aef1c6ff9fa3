"""`autoseg --version`: what a report of a fault needs, found without importing any of it."""

from __future__ import annotations

import platform

import typer

from autoseg.cli.terminal.display import show_plain
from dataset_fingerprints.installed import DISTRIBUTION, find_version


def describe_versions() -> str:
    """Return the versions of autoseg, Python and torch in a line."""
    return f"autoseg {_find()}, Python {platform.python_version()}, torch {_find('torch')}"


def show_versions(asked: bool) -> None:
    """Show the versions and end the command, where a person asked for them."""
    if asked:
        show_plain(describe_versions())
        raise typer.Exit


def _find(distribution: str = DISTRIBUTION) -> str:
    return find_version(distribution) or "(not installed)"
