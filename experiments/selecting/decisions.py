"""Decisions of `select` on planted effects, over many seeds, and whether their intervals hold on new cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from autoseg.models.selection import Trial
from autoseg.progress import SilentProgress
from autoseg.selection import PLAIN, HeldOut, Setting, choose_all, list_rules, name_targets
from dataset_fingerprints.sizes import GIB
from experiments.selecting.planted import CANDIDATES, EFFECTS, SCHEME, Planted, sample_cases, sample_folds

CASES, NEW_CASES = 100, 400
# Of the last digits of means.
_ROUNDING = 1e-9
COLUMNS = ("planted", "seeds", "taken", "interval holds", "stated gain", "on new cases", "Dice on new cases")


@dataclass(frozen=True, kw_only=True, slots=True)
class Outcome:
    """One simulated cross-validation.

    Attributes:
        trial: what was decided, and the stated gain.
        gain: of the same rule on new cases.
        dice: its change there.
    """

    trial: Trial
    gain: float
    dice: float

    def holds(self) -> bool:
        """Return whether the stated interval holds the gain on new cases."""
        stated = self.trial.change.gain
        return stated.low - _ROUNDING <= self.gain <= stated.high + _ROUNDING


def decide_planted(
    effect: str, seeds: Sequence[int], cases: int = CASES, new_cases: int = NEW_CASES
) -> Iterator[Outcome]:
    """Yield the decision of every seed, and what the rule gains on new cases of the same networks.

    Args:
        effect: a key of `EFFECTS`.
        seeds: of the cases.
        cases: of each cross-validation.
        new_cases: on which the gain is measured again.
    """
    for seed in seeds:
        yield _decide(EFFECTS[effect], np.random.default_rng([seed, list(EFFECTS).index(effect)]), cases, new_cases)


def _decide(planted: Planted, rng: np.random.Generator, cases: int, new_cases: int) -> Outcome:
    false = sample_folds(planted, rng)
    rules = list_rules(CANDIDATES, CANDIDATES.name, independent=True)
    known = _make_setting(sample_cases(planted, cases, rng, false))
    chosen = choose_all(known, ("3d_fullres",), name_targets(SCHEME), (rules,))
    trial = chosen.evidence.trials[0]
    best = rules[trial.place]
    new = _make_setting(sample_cases(planted, new_cases, rng, false))
    figures = new.measure("", (chosen.source,), ((PLAIN, best),))[0][0]
    gain, dice = (values.mean(axis=0) for values in (figures.score("mean"), figures.dice))
    return Outcome(trial=trial, gain=float(gain[1] - gain[0]), dice=float(dice[1] - dice[0]))


def _make_setting(cases: Sequence[HeldOut]) -> Setting:
    return Setting(cases=cases, score="mean", workers=1, memory_bytes=GIB, progress=SilentProgress())


def summarise(outcomes: Mapping[str, Sequence[Outcome]]) -> list[tuple[str, ...]]:
    """Return a row per planted effect."""
    rows = []
    for effect, found in outcomes.items():
        gains = np.array([(one.trial.change.gain.mean, one.gain, one.dice) for one in found]).mean(axis=0)
        rows.append(
            (
                effect,
                str(len(found)),
                str(sum(one.trial.taken for one in found)),
                str(sum(one.holds() for one in found)),
                *(f"{value:+.4f}" for value in gains),
            )
        )
    return rows
