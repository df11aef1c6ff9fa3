"""Judges of a cross-validation: for every fold a classifier that knows no component of the fold's subjects.

The networks whose masks teach a judge were trained on the cases that it judges, as in any cross-validation of two
stages: what they learnt of these reaches it through the shapes of other cases' masks only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from autoseg.classification.components import CaseComponents
from autoseg.classification.training import Trained, train_classifier
from autoseg.models.lesion_classifier import LesionClassifier
from dataset_fingerprints.errors import DataError
from planners.choices import Choice


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Judge:
    """A classifier that may be asked about cases whose components it was not trained on.

    Attributes:
        classifier: ready to use.
        units: the subjects, or groups of subjects, whose components it was trained on.
    """

    classifier: LesionClassifier
    units: frozenset[str]

    def classify(self, case: CaseComponents) -> NDArray[np.int64]:
        """Return (component,) the places of the classes of a case's components.

        Raises:
            DataError: the classifier was trained on components of the case's subject.
        """
        self.refuse_seen(case.case, case.unit)
        places: NDArray[np.int64] = self.classifier.score(case.features).argmax(axis=1).astype(np.int64)
        return places

    def refuse_seen(self, case: str, unit: str) -> None:
        """Make sure that no component of a case's subject was trained on.

        Args:
            case: its name.
            unit: the subject, or the group of subjects, that it is of.

        Raises:
            DataError: one was.
        """
        if unit in self.units:
            raise DataError(
                f"case {case}: the classifier of lesions was trained on components of its subject, {unit}, so that "
                "scores of its classes would say nothing of new scans. Judge it by a classifier of other folds."
            )


def _do_nothing() -> None:
    return


def make_judges(
    method: Choice,
    cases: Sequence[CaseComponents],
    names: Sequence[str],
    seed: int,
    advance: Callable[[], None] = _do_nothing,
) -> tuple[dict[str, Trained], list[str]]:
    """Return for every fold a classifier trained on the components of all others, without subjects of the fold.

    Args:
        method: from `planners.parts.LESION_CLASSIFIERS`.
        cases: of all folds, with their components.
        names: of the classes.
        seed: of weights and order.
        advance: is called when a fold's is trained.

    Returns:
        The classifiers by fold, and in sentences why a fold has none: the others lack a class.

    Raises:
        DataError: there are fewer than two folds.
    """
    folds = list(dict.fromkeys(case.fold for case in cases))
    if len(folds) < 2:
        raise DataError(
            f"there are out-of-fold masks of {'one fold' if folds else 'no fold'} only. Expected two or more: a fold's "
            "lesions are classified by what the others' taught. Give `autoseg train all` first."
        )
    judges, lacking = {}, []
    for fold in folds:
        own = {case.unit for case in cases if case.fold == fold}
        others = [case for case in cases if case.fold != fold and case.unit not in own]
        try:
            judges[fold] = train_classifier(method, others, names, seed)
        except DataError as error:
            lacking.append(f"Fold {fold} is judged by nothing: without it, {error}")
        advance()
    return judges, lacking


def count_found(
    judges: Mapping[str, Judge], cases: Sequence[CaseComponents], place: int
) -> tuple[int, int, int | None]:
    """Return the components of a class, the cases that hold them, and how many a judge of their fold gave it.

    Args:
        judges: by fold.
        cases: with their components.
        place: of the class.
    """
    own = [case for case in cases if (case.classes == place).any()]
    judged = [case for case in own if case.fold in judges]
    found = sum(int(((judges[case.fold].classify(case) == place) & (case.classes == place)).sum()) for case in judged)
    components = sum(int((case.classes == place).sum()) for case in own)
    return components, len(own), found if len(judged) == len(own) else None
