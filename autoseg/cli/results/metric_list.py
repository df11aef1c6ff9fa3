"""The list of all metrics and conventions: `autoseg evaluate --list-metrics`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import typer

from autoseg.cli.terminal.consoles import console

if TYPE_CHECKING:
    from autoseg.evaluation.metrics import MetricOptions
    from autoseg.evaluation.pooled import PooledOptions

_INDENT = "    "


def list_metrics(wanted: bool) -> None:
    """Show every metric, pooled figure and convention, and end, if that is wanted."""
    if not wanted:
        return
    from autoseg.evaluation import CONVENTIONS, METRICS
    from autoseg.evaluation.pooled import POOLED
    from planners.choices import PartTable, resolve

    metrics = PartTable("metrics", "metric", METRICS)
    _show("Metrics, of each case (--metric)", {name: metrics[name]() for name in metrics})
    own = {entry.name: entry for kind in CONVENTIONS.values() for entry in kind.metrics if entry.name not in metrics}
    _show(
        "Metrics with other options, under the names that they have in conventions",
        {name: resolve(entry.metric, metrics, "metric", name) for name, entry in own.items()},
    )
    _show("Figures of all cases together (--metric)", {name: figure() for name, figure in POOLED.items()})
    _say("Conventions (--convention)", "bold")
    for name, convention in CONVENTIONS.items():
        _say(f"{name}: {', '.join(entry.name for entry in (*convention.metrics, *convention.pooled))}")
        if convention.about:
            _say(f"{_INDENT}{convention.about}")
    raise typer.Exit()


def _show(heading: str, metrics: Mapping[str, MetricOptions | PooledOptions]) -> None:
    from autoseg.evaluation.metrics import describe_empty, describe_matching

    _say(heading, "bold")
    for name, metric in metrics.items():
        about = metric.about
        facts = [f"{about.better} is better" if about.better != "neither" else "a plain measurement"]
        facts += [f"in {about.unit}"] if about.unit else []
        facts += [] if about.perfect is None else [f"perfect: {about.perfect:g}"]
        facts += ["needs --probability-maps"] if about.needs_probabilities else []
        _say(f"{name}: {about.title} ({', '.join(facts)})")
        _say(f"{_INDENT}{about.definition}")
        if matching := describe_matching(metric):
            _say(f"{_INDENT}{matching}")
        _say(f"{_INDENT}empty masks: {describe_empty(metric)}")
        if about.source:
            _say(f"{_INDENT}source: {about.source}")


def _say(text: str, style: str | None = None) -> None:
    console.print(text, style=style, markup=False, highlight=False, soft_wrap=True)
