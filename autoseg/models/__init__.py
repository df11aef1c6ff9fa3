"""Trained networks."""

from autoseg.models.model import Model, read_fold

__all__ = ["Model", "read_fold"]
