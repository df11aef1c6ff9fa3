"""Heads of networks: plain labels, regions, with and without an ignore label."""

from __future__ import annotations

from dataset_fingerprints.dataset import Heads, Label, LabelScheme, Region


def plain_scheme(labels: int = 2, ignore_value: int | None = None) -> LabelScheme:
    """Labels 1..`labels`."""
    return LabelScheme(
        labels=tuple(Label(name=f"label {value}", value=value) for value in range(1, labels + 1)),
        ignore_value=ignore_value,
    )


def region_scheme(ignore_value: int | None = None) -> LabelScheme:
    """Two nested regions of two labels: the whole and its core, as of a tumour."""
    return LabelScheme(
        labels=plain_scheme(2).labels,
        regions=(Region(name="whole", values=(1, 2)), Region(name="core", values=(2,))),
        region_export_order=(1, 2),
        ignore_value=ignore_value,
    )


def plain_heads(classes: int) -> Heads:
    """Background and `classes - 1` labels that compete."""
    return plain_scheme(classes - 1).heads()
