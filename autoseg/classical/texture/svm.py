"""A support vector machine (Cortes 1995) that tells textures apart, and how well it does on scans it has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.names import counted, some_of

FOLDS, COST = 5, 10.0
# Of a class: a single patch cannot be in a part to train on and in one to judge.
_LEAST = 2


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class TextureClassifier:
    """A classifier that was fitted.

    Attributes:
        classes: number of them.
    """

    classes: int
    machine: Any

    def score(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return (place, class) scores of features (place, feature): the highest is the class."""
        scores = np.asarray(self.machine.decision_function(features))
        return np.stack([-scores, scores], axis=1) if self.classes == 2 else scores


@dataclass(frozen=True, kw_only=True, slots=True)
class Rating:
    """Accuracy of classifiers on patches that they did not see.

    Attributes:
        accuracy: share of the judged patches that are given their class; None where none could be judged.
        table: (class, class) numbers of patches by their class and the one that they are given.
        folds: number of parts.
        by_scan: whether patches of one scan stay together.
    """

    accuracy: float | None
    table: tuple[tuple[int, ...], ...] = ()
    folds: int = 0
    by_scan: bool = True

    def judged(self) -> int:
        """Return the number of patches that were judged: of those left out of a training part with all classes."""
        return sum(map(sum, self.table))


def fit_classifier(features: NDArray[np.float64], classes: NDArray[np.int64], cost: float = COST) -> TextureClassifier:
    """Return a classifier of standardised features, with a radial kernel.

    Args:
        features: (patch, feature).
        classes: (patch,), from 0 on.
        cost: of a patch on the wrong side of a border.
    """
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler
    from sklearn.svm import SVC

    machine = make_pipeline(StandardScaler(), SVC(C=cost, gamma="scale", decision_function_shape="ovr"))
    machine.fit(features, classes)
    return TextureClassifier(classes=int(classes.max()) + 1, machine=machine)


def rate_classifier(
    features: NDArray[np.float64],
    classes: NDArray[np.int64],
    scans: Sequence[str],
    *,
    cost: float = COST,
    seed: int = 0,
) -> Rating:
    """Return what a cross-validation says of such a classifier.

    Patches of one scan stay in one part. Where they are all of one scan, single patches are left out, and the accuracy
    is too good for other scans.

    Args:
        features: (patch, feature).
        classes: (patch,), from 0 on.
        scans: of the patches.
        cost: as of the classifier.
        seed: of the parts.
    """
    from sklearn.model_selection import StratifiedGroupKFold

    by_scan = len(set(scans)) > 1
    fewest = int(np.bincount(classes).min())
    parts = min(FOLDS, fewest, len(set(scans)) if by_scan else fewest)
    together = list(scans) if by_scan else list(map(str, range(len(classes))))
    divided = StratifiedGroupKFold(parts, shuffle=True, random_state=seed)
    given = np.full(len(classes), -1)
    for train, test in divided.split(features, classes, together):
        if len(np.unique(classes[train])) == classes.max() + 1:
            given[test] = fit_classifier(features[train], classes[train], cost).score(features[test]).argmax(axis=1)
    known = given >= 0
    if not known.any():
        return Rating(accuracy=None, by_scan=by_scan)
    table = np.zeros((classes.max() + 1,) * 2, dtype=np.int64)
    np.add.at(table, (classes[known], given[known]), 1)
    return Rating(
        accuracy=float((given == classes)[known].mean()),
        table=tuple(tuple(map(int, row)) for row in table),
        folds=parts,
        by_scan=by_scan,
    )


def refuse_few(names: Sequence[str], classes: NDArray[np.int64]) -> None:
    """Make sure that there is something to tell apart.

    Raises:
        DataError: there are fewer than two classes, or too few patches of one.
    """
    if len(names) < 2:
        raise DataError(f"all patches are of the class {some_of(names)}. Expected at least two classes.")
    few = [
        name for name, count in zip(names, np.bincount(classes, minlength=len(names)), strict=True) if count < _LEAST
    ]
    if few:
        raise DataError(
            f"{some_of(few)}: {counted(1, 'patch', 'patches')} of the class. Expected at least {_LEAST} of each."
        )
