"""The classes that lesions of a workspace can have: the tasks of its cases, or the labels of its references."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from autoseg.classification import LesionReference
from autoseg.pipeline.confidence.unseen_cases import open_store
from autoseg.preprocessing import Store
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, Label, LabelScheme
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.names import counted
from planners.run import Run
from planners.targets import map_indices

TASKS, LABELS = "tasks of cases", "labels of references"


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassSource:
    """The classes of lesions, and where those of a case are read.

    Attributes:
        classes: their names, and the values that masks have of them.
        origin: `TASKS` or `LABELS`.
        scheme: of the references.
        store: that holds them.
        places: by label index of a reference, 0 or one more than the place of its class; of tasks, 0 or 1.
        tasks: of tasks, one more than the place of the class, by case; empty for labels.
    """

    classes: tuple[Label, ...]
    origin: str
    scheme: LabelScheme
    store: Store
    places: tuple[int, ...]
    tasks: Mapping[str, int]

    def knows(self, case: str) -> bool:
        """Return whether the class of a case's lesions is known."""
        return self.origin == LABELS or case in self.tasks

    def read(self, case: str) -> LesionReference:
        """Return the reference of a case by classes.

        Raises:
            AutosegError: it is damaged.
        """
        indices: NDArray[np.integer] = self.store.read_reference(case)
        factor = self.tasks.get(case, 1)
        classes = np.array(self.places, dtype=np.uint8)[indices] * np.uint8(factor)
        ignored = self.scheme.heads().ignored
        return LesionReference(classes=classes, ignored=indices == ignored if ignored >= 0 else None)


def find_class_source(workspace: Workspace, dataset: Dataset, run: Run) -> ClassSource:
    """Return the classes of the lesions that a model finds.

    A model of one label that stands for several of the references tells lesions by these; else the cases' tasks do.

    Args:
        workspace: of the model.
        dataset: with the tasks of its cases.
        run: what the model was trained by.

    Raises:
        WorkspaceError: the model tells labels apart itself, or there are not two classes.
    """
    scheme, members = run.scheme, _list_members(workspace, run)
    # Of labels that the model finds as one, each is read as what it is.
    store = replace(open_store(workspace, run), relabelled=())
    if len(members) > 1:
        labels = tuple(scheme.labels[index - 1] for index in members)
        places = tuple(members.index(index) + 1 if index in members else 0 for index in range(scheme.index_count()))
        return ClassSource(classes=labels, origin=LABELS, scheme=scheme, store=store, places=places, tasks={})
    places = tuple(int(index in members) for index in range(scheme.index_count()))
    names = tuple(sorted({case.task for case in dataset.cases if case.task}))
    if len(names) < 2:
        raise WorkspaceError(
            f"{workspace.root}: its cases are of {counted(len(names), 'task')}, and its references of one label, so "
            "that lesions have no classes. Expected a column 'task' in the table of the cases with two tasks or more, "
            "or a region of several labels."
        )
    classes = tuple(Label(name=name, value=place) for place, name in enumerate(names, start=1))
    tasks = {case.name: names.index(case.task) + 1 for case in dataset.cases if case.task}
    return ClassSource(classes=classes, origin=TASKS, scheme=scheme, store=store, places=places, tasks=tasks)


def _list_members(workspace: Workspace, run: Run) -> tuple[int, ...]:
    """Return the label indices of references that a model finds as one.

    Raises:
        WorkspaceError: it tells labels apart.
    """
    targets = run.learned().heads().targets()
    if len(targets) != 1:
        values = ",".join(str(label.value) for label in run.scheme.labels)
        raise WorkspaceError(
            f"{workspace.root}: the model tells {len(targets)} labels or regions apart itself. Classes are given to "
            "the lesions of a model of one label or region: combine the data sets again with --labels union, or plan "
            f"with --set '{run.configuration}.targets=[[{values}]]', train two folds in a new workspace, and give "
            "lesion-classes that one."
        )
    learned = map_indices(run.scheme, run.own().targets) or tuple(range(run.scheme.index_count()))
    return tuple(index for index, place in enumerate(learned) if place in targets[0])
