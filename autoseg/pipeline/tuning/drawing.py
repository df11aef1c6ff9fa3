"""Candidates drawn by Optuna: first one change each, then what a Parzen estimator makes of their scores."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import product, zip_longest
from typing import TYPE_CHECKING

import numpy as np

from autoseg.pipeline.tuning.records import AS_PLANNED
from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.installed import advise_extra
from planners.editing.alternatives import Alternatives
from planners.editing.option_checks import MOST_SEED

if TYPE_CHECKING:
    import optuna

# Draws by the scores so far until one is new; then one of those that are left.
_TRIES = 25

Changes = Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A candidate that was drawn before.

    Attributes:
        changes: from the plan.
        score: after the first rung; None for one that is not trained.
    """

    changes: Changes
    score: float | None


def refuse_without_optuna() -> None:
    """Make sure that candidates can be drawn.

    Raises:
        PlanError: Optuna is not installed.
    """
    if find_spec("optuna") is None:
        raise PlanError(
            f"`autoseg tune` draws its candidates by Optuna, which is not installed: {advise_extra('tune')}."
        )


def list_single_changes(space: Alternatives) -> tuple[Changes, ...]:
    """Return every alternative on its own: the first one of each value, then the second ones."""
    columns = [[{what: alternative.name} for alternative in found] for what, found in space.items()]
    return tuple(changes for row in zip_longest(*columns) for changes in row if changes is not None)


def draw(space: Alternatives, drawn: Sequence[Drawn], seed: int) -> Changes | None:
    """Return the changes of the next candidate; None where all combinations were drawn.

    The plan as it is comes first, then single changes, which tell more of a plan that is good already than random
    combinations do. What is drawn follows from what was drawn before, its scores and the seed alone.

    Args:
        space: alternatives by what is varied.
        drawn: so far.
        seed: of the search.
    """
    known = [dict(one.changes) for one in drawn]
    if not known:
        return {}
    single = next((changes for changes in list_single_changes(space) if changes not in known), None)
    if single is not None:
        return single
    own = (seed + 1000 * len(drawn)) % (MOST_SEED + 1)
    study = _make_study(space, drawn, own)
    for _ in range(_TRIES):
        params = study.ask(_distributions(space)).params
        changes = {what: str(name) for what, name in params.items() if name != AS_PLANNED}
        if changes not in known:
            return changes
    left = [changes for changes in _list_combinations(space) if changes not in known]
    return left[np.random.default_rng(own).integers(len(left))] if left else None


def _list_combinations(space: Alternatives) -> Iterator[dict[str, str]]:
    """Yield all changes that can be drawn, of none to all values."""
    choices = ((AS_PLANNED, *(alternative.name for alternative in found)) for found in space.values())
    for names in product(*choices):
        yield {what: name for what, name in zip(space, names, strict=True) if name != AS_PLANNED}


def _make_study(space: Alternatives, drawn: Sequence[Drawn], seed: int) -> optuna.Study:
    """Return a study in memory that knows what was drawn before; a refused candidate counts as the worst of all."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # Single changes are the start; from then on scores say what is drawn.
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=1)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    lowest = min((one.score for one in drawn if one.score is not None), default=0.0)
    for one in drawn:
        study.add_trial(
            optuna.trial.create_trial(
                params={what: one.changes.get(what, AS_PLANNED) for what in space},
                distributions=_distributions(space),
                value=lowest if one.score is None else one.score,
            )
        )
    return study


def _distributions(space: Alternatives) -> dict[str, optuna.distributions.BaseDistribution]:
    import optuna

    return {
        what: optuna.distributions.CategoricalDistribution((AS_PLANNED, *(one.name for one in found)))
        for what, found in space.items()
    }
