"""Comparison of two data sets on a terminal, or as plain values for other programs."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from autoseg.cli.options.data_options import choose_target
from autoseg.cli.terminal.display import console, show_plain, show_table
from autoseg.pipeline.plans.explaining import find_fingerprint
from dataset_fingerprints.comparison import Comparison, Figures, compare_fingerprints


def show_comparison(target: str | None, workspace: Path | None, other: Path, *, as_json: bool) -> None:
    """Compare two data sets, each a workspace, a fingerprint.json or a published name, and show what differs."""
    comparison = compare_fingerprints(find_fingerprint(choose_target(target, workspace)), find_fingerprint(other))
    if as_json:
        show_plain(json.dumps(comparison_as_json(comparison), indent=1))
    else:
        _show_tables(comparison)


def _show_tables(comparison: Comparison) -> None:
    """Show medians and ranges of both sides, their ratio, and what differs in words."""
    rows = []
    for quantity in comparison.quantities:
        ratio = quantity.ratio()
        unit = f", {quantity.measure.unit}" if quantity.measure.unit else ""
        sides = (_show(side) for side in quantity.figures())
        rows.append((f"{quantity.name}{unit}", *sides, "-" if ratio is None else f"{ratio:.3g}"))
    names = (f"{comparison.here} ({comparison.cases[0]})", f"{comparison.there} ({comparison.cases[1]})")
    show_table(
        "Median (10 % to 90 %) over cases or components", ("what", *names, "ratio"), [tuple(row) for row in rows]
    )
    sentences = comparison.sentences()
    if sentences:
        console.print(f"\n{comparison.here} beside {comparison.there}", style="bold")
    else:
        console.print("Nothing differs by much.")
    for sentence in sentences:
        console.print(f"- {sentence}", soft_wrap=True)


def comparison_as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison's values, ready for `json.dumps`."""
    quantities = [
        {
            "name": quantity.name,
            "unit": quantity.measure.unit,
            "here": asdict(quantity.figures()[0]),
            "there": asdict(quantity.figures()[1]),
            "ratio": quantity.ratio(),
            "sentence": quantity.sentence(),
        }
        for quantity in comparison.quantities
    ]
    return {
        "here": comparison.here,
        "there": comparison.there,
        "cases": list(comparison.cases),
        "quantities": quantities,
        "sentences": list(comparison.sentences()),
    }


def _show(figures: Figures) -> str:
    if figures.median is None:
        return "-"
    if figures.low == figures.high or figures.low is None or figures.high is None:
        return f"{figures.median:.3g}"
    return f"{figures.median:.3g} ({figures.low:.3g} to {figures.high:.3g})"
