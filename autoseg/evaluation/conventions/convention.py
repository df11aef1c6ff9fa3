"""A convention: everything that has to be agreed before two figures can be compared, written into every result file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from autoseg.evaluation.metrics import METRICS, MetricOptions
from autoseg.evaluation.statistics import LEAST_CASES, RESAMPLES
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import JsonValue
from planners.choices import Choice, PartTable, choose, resolve

# Options of metrics: the scores where both masks are empty, or one is.
_EMPTY_RULES = ("both_empty", "one_empty")


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedMetric:
    """A metric with its options, under the name that its scores have.

    Attributes:
        name: the scores' key in results; not the metric's own where a convention holds one metric twice.
        metric: a key of `METRICS`, and the options that differ from the entry's.
    """

    name: str
    metric: Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class Convention:
    """The definitions behind a set of scores: metrics and resampling as values, what is fixed as sentences.

    Attributes:
        name: a key of `CONVENTIONS`, or another one for a set of one's own.
        metrics: in the order of tables and files.
        bootstrap_resamples: number of resamples behind an interval.
        bootstrap_seed: of their draws.
    """

    name: str
    metrics: tuple[NamedMetric, ...]
    ignored: str = "voxels that the reference ignores are in no mask"
    sd: str = "of the sample (n - 1)"
    ci95: str = (
        f"percentile bootstrap of the mean over cases; null below {LEAST_CASES} cases, too few to say how means spread"
    )
    bootstrap_resamples: int = RESAMPLES
    bootstrap_seed: int = 0

    def build(self) -> dict[str, MetricOptions]:
        """Return the metrics by the names of their scores.

        Beside those of `METRICS` there are those that installed packages register as entry points of the group
        `autoseg.metrics`.

        Raises:
            PlanError: there is no such metric or option, or two metrics have one name.
        """
        metrics: dict[str, MetricOptions] = {}
        table = PartTable("metrics", "metric", METRICS)
        for entry in self.metrics:
            if entry.name in metrics:
                raise PlanError(f"convention {self.name}: two metrics are called '{entry.name}'. Rename one of them.")
            metrics[entry.name] = resolve(entry.metric, table, table.word, f"convention {self.name}")
        return metrics

    def partial_metrics(self) -> frozenset[str]:
        """Return the names of the metrics that have no score where a mask is empty.

        Raises:
            PlanError: as for `build`.
        """
        built = self.build()
        rules = {name: [getattr(metric, rule, 0.0) for rule in _EMPTY_RULES] for name, metric in built.items()}
        return frozenset(name for name, scores in rules.items() if None in scores)

    def column_titles(self) -> dict[str, str]:
        """Return the titles of a table's columns, with their units, of all metrics that have a better direction.

        A metric that the convention holds several times is followed by the names of its scores.

        Raises:
            PlanError: as for `build`.
        """
        built = {name: metric.about for name, metric in self.build().items()}
        titles = [about.title for about in built.values()]
        return {
            name: about.title
            + (f" ({name})" if titles.count(about.title) > 1 else "")
            + (f", {about.unit}" if about.unit else "")
            for name, about in built.items()
            if about.better != "neither"
        }

    def spell_out(self) -> Convention:
        """Return the same convention with every option of its metrics written out.

        Raises:
            PlanError: as for `build`.
        """
        built = self.build()
        metrics = (replace(entry, metric=choose(entry.metric.name, built[entry.name])) for entry in self.metrics)
        return replace(self, metrics=tuple(metrics))


def choose_metrics(names: Iterable[str]) -> tuple[NamedMetric, ...]:
    """Return metrics with their default options, each under its own name."""
    return tuple(NamedMetric(name=name, metric=Choice(name=name)) for name in names)


def name_metric(name: str, entry: str, **options: JsonValue) -> NamedMetric:
    """Return an entry of `METRICS` with options that differ from its own, under a name."""
    return NamedMetric(name=name, metric=Choice(name=entry, options=options))


def add_metrics(convention: Convention, names: Iterable[str]) -> Convention:
    """Return the convention with further metrics at its end, with their default options; what it has stays."""
    known = {entry.name for entry in convention.metrics}
    added = tuple(name for name in dict.fromkeys(names) if name not in known)
    if not added:
        return convention
    extended = (*convention.metrics, *choose_metrics(added))
    return replace(convention, name=f"{convention.name} + {', '.join(added)}", metrics=extended)
