"""The command `autoseg`."""

from autoseg.cli.app import main

__all__ = ["main"]
