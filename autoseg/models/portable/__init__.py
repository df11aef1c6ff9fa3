"""Exported models that predict without torch."""

from autoseg.models.portable.exported import (
    PortableFile,
    count_networks,
    explain_obstacles,
    make_portable,
    refuse_missing_packages,
)

__all__ = ["PortableFile", "count_networks", "explain_obstacles", "make_portable", "refuse_missing_packages"]
