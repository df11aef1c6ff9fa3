"""A classifier of cases by their features: logistic regression whose penalty is chosen inside each training part."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.statistics.resampling import Units, find_places
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted

FOLDS, INNER_FOLDS = 5, 3
# Subjects of either kind: of fewer, not every training part would have two to choose a penalty on.
LEAST = 4
# Inverse strengths of the quadratic penalty: with many more features than cases, strong ones.
STRENGTHS = tuple(float(10.0**power) for power in range(-5, 1))
_MOST_STEPS = 5000


def predict_out_of_fold(
    features: NDArray[np.float64],
    outcomes: NDArray[np.bool_],
    *,
    units: Units = None,
    folds: int = FOLDS,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the probability of the outcome of every case, by a classifier that did not see the case.

    Features are standardised and the penalty is chosen by cross-validation in the training part of each fold alone.
    Two sets of features of the same cases are given the same folds.

    Args:
        features: (case, feature), finite.
        outcomes: (case,).
        units: (case,) subjects, whose cases stay in one fold.
        folds: number of parts; fewer where there are fewer subjects of a kind.
        seed: of the parts.

    Raises:
        DataError: there are too few subjects with or without the outcome.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GridSearchCV, StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    places = find_places(units, len(outcomes))
    fewest = _count_fewest(places, outcomes)
    if fewest < LEAST or folds < 2:
        raise DataError(
            f"{counted(fewest, 'subject')} with the rarer outcome, and {counted(folds, 'fold')}. Expected at least "
            f"{LEAST} of either kind, and 2 folds: parts of them that a classifier is trained and tested on."
        )
    # Where every subject has one case, this deals out cases as a stratified division does.
    divided = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    scores = np.full(len(outcomes), np.nan)
    for train, test in divided.split(features, outcomes, places):
        parts = min(INNER_FOLDS, _count_fewest(places[train], outcomes[train]))
        inner = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
        search = GridSearchCV(
            make_pipeline(StandardScaler(), LogisticRegression(max_iter=_MOST_STEPS)),
            {"logisticregression__C": list(STRENGTHS)},
            scoring="neg_log_loss",
            cv=list(inner.split(features[train], outcomes[train], places[train])),
        )
        search.fit(features[train], outcomes[train])
        scores[test] = search.predict_proba(features[test])[:, 1]
    return scores


def _count_fewest(places: NDArray[np.int64], outcomes: NDArray[np.bool_]) -> int:
    """Return how many subjects have the rarer outcome."""
    return min(len(np.unique(places[outcomes == kind])) for kind in (False, True))
