"""A convention: everything that has to be agreed before two figures can be compared, written into every result file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from autoseg.evaluation.metrics import METRICS, MetricOptions
from autoseg.evaluation.metrics.metric import EMPTY_RULES, About
from autoseg.evaluation.pooled import POOLED, PooledOptions
from autoseg.evaluation.statistics import LEAST_CASES, RESAMPLES
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import JsonValue
from planners.choices import Choice, PartTable, choose, resolve


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedMetric:
    """A metric with its options, under the name that its scores have.

    Attributes:
        name: the scores' key in results; not the metric's own where a convention holds one metric twice.
        metric: a key of `METRICS` or `POOLED`, and the options that differ from the entry's.
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
        pooled: figures of all cases together; the scores that they are made of are among `metrics`.
        soft: whether masks with values between 0 and 1 are taken as they are; a voxel above 0 is then inside.
        about: whose definitions these are, and what is to be known of them.
    """

    name: str
    metrics: tuple[NamedMetric, ...]
    ignored: str = "voxels that the reference ignores are in no mask"
    sd: str = "of the sample (n - 1)"
    ci95: str = (
        "BCa bootstrap of the mean over cases, widened as Student's t for few; none below "
        f"{LEAST_CASES} cases, too few to say how means spread"
    )
    bootstrap_resamples: int = RESAMPLES
    bootstrap_seed: int = 0
    pooled: tuple[NamedMetric, ...] = ()
    soft: bool = False
    about: str = ""

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
            self._refuse_twice(entry.name, metrics)
            metrics[entry.name] = resolve(entry.metric, table, table.word, f"convention {self.name}")
        return metrics

    def build_pooled(self) -> dict[str, PooledOptions]:
        """Return the pooled figures by their names.

        Raises:
            PlanError: there is no such figure or option, two have one name, or a score that one is made of is missing.
        """
        pooled: dict[str, PooledOptions] = {}
        metrics = self.build() if self.pooled else {}
        for entry in self.pooled:
            self._refuse_twice(entry.name, pooled)
            built = resolve(entry.metric, POOLED, "pooled figure", f"convention {self.name}")
            for score, metric in built.needs().items():
                if metrics.get(score) != metric:
                    raise PlanError(
                        f"convention {self.name}: '{entry.name}' is made of the score '{score}', {metric}, which is "
                        "not among its metrics. Add it, or add the figure with `add_metrics`."
                    )
            pooled[entry.name] = built
        return pooled

    def describe(self) -> dict[str, About]:
        """Return the descriptions of all metrics and pooled figures by their names.

        Raises:
            PlanError: as for `build` and `build_pooled`.
        """
        described = {name: metric.about for name, metric in self.build().items()}
        return described | {name: figure.about for name, figure in self.build_pooled().items()}

    def partial_metrics(self) -> frozenset[str]:
        """Return the names of the metrics that have no score where a mask is empty.

        Raises:
            PlanError: as for `build`.
        """
        built = self.build()
        rules = {name: [getattr(metric, rule, 0.0) for rule in EMPTY_RULES] for name, metric in built.items()}
        return frozenset(name for name, scores in rules.items() if None in scores)

    def column_titles(self, *, with_plain: bool = False) -> dict[str, str]:
        """Return the titles of a table's columns, with their units, of all metrics that have a better direction.

        A metric that the convention holds several times is followed by the names of its scores.

        Args:
            with_plain: also those of plain measurements.

        Raises:
            PlanError: as for `build`.
        """
        return _title({name: metric.about for name, metric in self.build().items()}, with_plain)

    def pooled_titles(self) -> dict[str, str]:
        """Return the same of all pooled figures.

        Raises:
            PlanError: as for `build_pooled`.
        """
        return _title({name: figure.about for name, figure in self.build_pooled().items()}, True)

    def spell_out(self) -> Convention:
        """Return the same convention with every option of its metrics written out.

        Raises:
            PlanError: as for `build` and `build_pooled`.
        """
        built, pooled = self.build(), self.build_pooled()
        metrics = (replace(entry, metric=choose(entry.metric.name, built[entry.name])) for entry in self.metrics)
        figures = (replace(entry, metric=choose(entry.metric.name, pooled[entry.name])) for entry in self.pooled)
        return replace(self, metrics=tuple(metrics), pooled=tuple(figures))

    def _refuse_twice(self, name: str, known: Iterable[str]) -> None:
        if name in known:
            raise PlanError(f"convention {self.name}: two metrics are called '{name}'. Rename one of them.")


def _title(abouts: dict[str, About], with_plain: bool) -> dict[str, str]:
    titles = [about.title for about in abouts.values()]
    return {
        name: about.title
        + (f" ({name})" if titles.count(about.title) > 1 else "")
        + (f", {about.unit}" if about.unit else "")
        for name, about in abouts.items()
        if with_plain or about.better != "neither"
    }


def choose_metrics(names: Iterable[str]) -> tuple[NamedMetric, ...]:
    """Return metrics with their default options, each under its own name."""
    return tuple(NamedMetric(name=name, metric=Choice(name=name)) for name in names)


def name_metric(name: str, entry: str, **options: JsonValue) -> NamedMetric:
    """Return an entry of `METRICS` or `POOLED`, with the options that differ from its own, under a name."""
    return NamedMetric(name=name, metric=Choice(name=entry, options=options))


def add_metrics(convention: Convention, names: Iterable[str]) -> Convention:
    """Return the convention with further metrics at its end, with their default options; what it has stays.

    Args:
        convention: to extend.
        names: of `METRICS` or `POOLED`.
    """
    known = {entry.name for entry in (*convention.metrics, *convention.pooled)}
    added = tuple(name for name in dict.fromkeys(names) if name not in known)
    if not added:
        return convention
    figures = choose_metrics(name for name in added if name in POOLED and name not in METRICS)
    metrics = choose_metrics(name for name in added if name not in POOLED or name in METRICS)
    extended = replace(
        convention,
        name=f"{convention.name} + {', '.join(added)}",
        metrics=(*convention.metrics, *metrics),
    )
    return add_figures(extended, figures)


def add_figures(convention: Convention, figures: Iterable[NamedMetric]) -> Convention:
    """Return the convention with further pooled figures, and with the scores that these are made of.

    Raises:
        PlanError: there is no such figure or option.
    """
    metrics = list(convention.metrics)
    figures = tuple(figures)
    for figure in figures:
        built = resolve(figure.metric, POOLED, "pooled figure", f"convention {convention.name}")
        there = {entry.name for entry in metrics}
        metrics += [
            NamedMetric(name=score, metric=choose(_entry_of(metric), metric))
            for score, metric in built.needs().items()
            if score not in there
        ]
    return replace(convention, metrics=tuple(metrics), pooled=(*convention.pooled, *figures))


def _entry_of(metric: MetricOptions) -> str:
    return next(name for name, kind in METRICS.items() if kind is type(metric))
