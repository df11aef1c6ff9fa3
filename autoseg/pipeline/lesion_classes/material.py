"""Out-of-fold masks whose lesions have classes: which there are, and the components of each."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from autoseg.classification import CaseComponents, measure_case
from autoseg.models import MeasuredFold, read_settings
from autoseg.pipeline.confidence.unseen_cases import UnseenCase, identify_folds, list_unseen
from autoseg.pipeline.lesion_classes.sources import ClassSource, find_class_source
from autoseg.pipeline.models.trained_folds import TrainedFolds, find_trained
from autoseg.pipeline.plans.reading import REMEDY
from autoseg.prediction import Decision, decide
from autoseg.progress import Progress
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.geometry import TripleFloat, canonical_grid
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.units import find_units
from planners.plan import Plan

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Material:
    """Out-of-fold masks of a cross-validation.

    Attributes:
        configurations: whose mean probability makes the masks.
        decision: that makes them.
        folders: of the folds, with the hashes of their weights.
        source: of the classes.
        cases: whose masks there are, and whose lesions have a class.
        units: by case, the subject or the group of subjects that it is of.
        left_out: cases that cannot be used, in sentences.
    """

    workspace: Workspace
    plan: Plan
    configurations: tuple[str, ...]
    decision: Decision
    folders: Mapping[FoldFolder, MeasuredFold]
    source: ClassSource
    cases: tuple[UnseenCase, ...]
    units: Mapping[str, str]
    left_out: tuple[str, ...] = ()

    def unit(self, case: str) -> str:
        """Return the subject, or the group of subjects, that a case is of."""
        return self.units.get(case, case)

    def read_mask(self, case: UnseenCase) -> tuple[NDArray[np.bool_], TripleFloat]:
        """Return the mask (x, y, z) that a fold made of a case that it did not train on, and its voxel size.

        Raises:
            AutosegError: a file is damaged.
        """
        probabilities, _ = case.read()
        members = probabilities.scheme.heads().targets()[0]
        mask = np.isin(decide(probabilities, self.decision), members)
        return mask, canonical_grid(probabilities.source_grid).spacing_mm()


def gather(
    workspace: Workspace,
    plan: Plan,
    configurations: Sequence[str],
    decision: Decision,
    folds: Sequence[str] = (),
) -> Material:
    """Return the out-of-fold masks of configurations that predict together.

    Args:
        workspace: with trained and validated folds.
        plan: of the workspace.
        configurations: whose mean probability makes masks.
        decision: that makes them.
        folds: names of those whose masks are meant; empty for all.

    Raises:
        WorkspaceError: nothing is trained, or lesions have no classes.
    """
    trained: TrainedFolds = find_trained(workspace, plan, configurations, folds)
    folders = identify_folds(trained)
    last = [*trained.stages[0].values()][-1]
    dataset = read_json(workspace.dataset, Dataset, REMEDY)
    source = find_class_source(workspace, dataset, read_settings(last[0]))
    found = tuple(list_unseen(workspace, trained, folders))
    unknown = [case.name for case in found if not source.knows(case.name)]
    left_out = f"{counted(len(unknown), 'case')} without a task: {some_of(unknown, 10)}." if unknown else ""
    return Material(
        workspace=workspace,
        plan=plan,
        configurations=tuple(configurations),
        decision=decision,
        folders=folders,
        source=source,
        cases=tuple(case for case in found if source.knows(case.name)),
        units=find_units(dataset.cases),
        left_out=(left_out,) if left_out else (),
    )


def measure_components(material: Material, progress: Progress) -> tuple[tuple[CaseComponents, ...], tuple[str, ...]]:
    """Return the components of all masks, and in a sentence which cases could not be read, if any.

    Args:
        material: the masks.
        progress: receiver of progress reports.
    """
    outcomes = []
    with progress.task(f"Components of lesions: {counted(len(material.cases), 'case')}", len(material.cases)) as task:
        for case in material.cases:
            outcomes.append(attempt(case.name, "is left out", partial(_measure, material, case)))
            task.advance()
    failures = [outcome for outcome in outcomes if isinstance(outcome, Failure)]
    if failures:
        _log.warning("Lesions get classes without %s:\n%s", counted(len(failures), "case"), list_failures(failures))
    said = (f"{counted(len(failures), 'case')} could not be read.",) if failures else ()
    return tuple(outcome for outcome in outcomes if isinstance(outcome, CaseComponents)), said


def _measure(material: Material, case: UnseenCase) -> CaseComponents:
    mask, spacing_mm = material.read_mask(case)
    features, classes = measure_case(mask, material.source.read(case.name), spacing_mm)
    return CaseComponents(
        case=case.name, unit=material.unit(case.name), fold=case.fold, features=features, classes=classes
    )
