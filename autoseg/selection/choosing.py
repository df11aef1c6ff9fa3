"""Choice of configurations, then of a rule for each label or region, each only where its gain is more than chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from autoseg.models.selection import Evidence, Trial, Tried
from autoseg.selection.cases import Setting, Source
from autoseg.selection.cross_fitting import CrossFitted, cross_fit
from autoseg.selection.figures import Figures, average, stack
from autoseg.selection.intervals import LEVEL
from autoseg.selection.reasons import describe_source, explain
from autoseg.selection.rules import PLAIN, Rule, join_thresholds
from planners.choices import Choice


@dataclass(frozen=True, kw_only=True, slots=True)
class Choices:
    """What is chosen, and why.

    Attributes:
        source: the configurations to average.
        rules: per label or region.
        evidence: why.
    """

    source: Source
    rules: tuple[Rule, ...]
    names: tuple[str, ...]
    evidence: Evidence

    def thresholds(self) -> tuple[float, ...]:
        """Return the thresholds as a decision holds them."""
        return join_thresholds(self.rules)

    def postprocessing(self) -> tuple[Choice, ...]:
        """Return the steps of all labels or regions."""
        return tuple(
            step for name, rule in zip(self.names, self.rules, strict=True) for step in rule.postprocessing(name)
        )


def list_sources(configurations: Sequence[str]) -> tuple[Source, ...]:
    """Return each configuration alone, all pairs, and all of them together, the first one first."""
    sizes = dict.fromkeys((1, 2, len(configurations)))
    return tuple(
        source for size in sizes if size <= len(configurations) for source in combinations(configurations, size)
    )


def choose_all(
    setting: Setting,
    configurations: Sequence[str],
    names: Sequence[str],
    rules: Sequence[Sequence[Rule]],
    left_out: Sequence[str] = (),
) -> Choices:
    """Choose configurations and a rule for each label or region.

    Args:
        setting: the cases, and the score.
        configurations: that have out-of-fold probabilities of all cases, the default one first.
        names: of the labels or regions.
        rules: their candidates, the plain rule first.
        left_out: what could not be tried, in sentences.
    """
    trials, best, chosen = _choose_source(setting, list_sources(configurations), names)
    used = tuple(dict.fromkeys((best, *chosen)))
    measured = setting.measure("Trying rules", used, rules)
    of_case = np.array([used.index(source) for source in chosen])
    taken = []
    for target, name in enumerate(names):
        sources = [figures[target] for figures in measured]
        found = cross_fit(sources, setting.score, setting.deal(), of_case)
        trial = _make_trial(name, found, rules[target], sources[0], setting)
        trials.append(trial)
        taken.append(rules[target][found.best] if trial.taken else PLAIN)
    evidence = Evidence(
        score=setting.score,
        level=LEVEL,
        cases=len(setting.cases),
        subjects=setting.count_subjects(),
        folds=setting.folds(),
        trials=tuple(trials),
        left_out=tuple(left_out),
    )
    return Choices(source=best, rules=tuple(taken), names=tuple(names), evidence=evidence)


def _choose_source(
    setting: Setting, sources: Sequence[Source], names: Sequence[str]
) -> tuple[list[Trial], Source, list[Source]]:
    """Return the trial, the source to use, and that of each case, chosen without the case's fold."""
    if len(sources) == 1:
        return [], sources[0], [sources[0]] * len(setting.cases)
    measured = setting.measure("Comparing configurations", sources, [(PLAIN,)] * len(names))
    figures = stack([average(targets) for targets in measured])
    found = cross_fit([figures], setting.score, setting.deal(), np.zeros(len(setting.cases), dtype=np.int64))
    taken, reason = explain(found, setting.count_subjects())
    trial = Trial(
        subject="",
        before=describe_source(sources[0]),
        best=describe_source(sources[found.best]),
        taken=taken,
        reason=reason,
        candidates=len(sources),
        agreeing=found.agreeing,
        change=found.change,
    )
    if not taken:
        return [trial], sources[0], [sources[0]] * len(setting.cases)
    return [trial], sources[found.best], [sources[place] for place in found.chosen]


def _make_trial(name: str, found: CrossFitted, rules: Sequence[Rule], figures: Figures, setting: Setting) -> Trial:
    taken, reason = explain(found, setting.count_subjects())
    means = zip(
        rules,
        figures.dice.mean(axis=0),
        figures.lesion_f1.mean(axis=0),
        figures.score(setting.score).mean(axis=0),
        strict=True,
    )
    tried = tuple(
        Tried(
            threshold=rule.threshold,
            removal=rule.describe_removal(),
            volume_mm3=rule.smallest_volume(),
            filled=rule.filled,
            dice=float(dice),
            lesion_f1=float(lesion_f1),
            score=float(score),
        )
        for rule, dice, lesion_f1, score in means
    )
    return Trial(
        subject=name,
        before=rules[0].describe(),
        best=rules[found.best].describe(),
        taken=taken,
        reason=reason,
        candidates=len(rules),
        agreeing=found.agreeing,
        change=found.change,
        tried=tried,
        place=found.best,
    )
