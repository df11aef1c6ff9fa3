"""Scans without labels to train on as well: found, read, checked and measured apart from the labelled cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from autoseg.pipeline.plans.inspecting import Inspected, WaitingScans, examine_dataset
from autoseg.pipeline.scans.new_scans import find_scans
from autoseg.progress import Progress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Case, Dataset, LabelScheme
from dataset_fingerprints.errors import DataError, PlanError
from dataset_fingerprints.fingerprint import DatasetFingerprint, Quantiles
from dataset_fingerprints.geometry import show_lengths, show_spacing
from dataset_fingerprints.layouts.description import subject_of
from dataset_fingerprints.names import counted, some_of
from planners.plan import Configuration, Plan

# Cases that a message names.
_NAMED = 5


def find_unlabelled(place: Path | None, dataset: Dataset) -> Dataset | None:
    """Return the scans in a folder or a table, as a data set without labels; None without a place.

    Args:
        place: a folder of scans, a data set's folder, or a CSV; label maps in it are not asked for.
        dataset: the labelled cases, whose channels the scans must have.

    Raises:
        DataError: there are none, channels are missing, or a name is that of a labelled case.
    """
    if place is None:
        return None
    found = find_scans(place, dataset.channels, zero_missing=False)
    # A scan in a sub-folder is called after it.
    cases = tuple(
        Case(
            name=(name := scan.name.replace("/", "_")),
            images=tuple(str(file.absolute()) for file in scan.files()),
            label="",
            subject=name,
        )
        for scan in found
    )
    labelled = {case.name for case in dataset.cases}
    times = Counter(case.name for case in cases)
    taken = sorted(name for name, count in times.items() if name in labelled or count > 1)
    if taken:
        raise DataError(
            f"{place}: scans without labels are called as labelled cases, or as each other: {some_of(taken, _NAMED)}. "
            "Take them out if they are the same scans, or rename them."
        )
    return Dataset(
        name=dataset.name,
        layout="unlabelled",
        root=str(place),
        channels=dataset.channels,
        labels=LabelScheme(labels=()),
        cases=cases,
        simulated=dataset.simulated,
    )


def examine_unlabelled(
    found: Dataset | None,
    labelled: DatasetFingerprint,
    workspace: Workspace,
    waiting: WaitingScans,
    progress: Progress,
) -> tuple[Inspected, ...]:
    """Check and measure scans without labels, and say what they are like; no figure of them enters a plan.

    Args:
        found: the scans, or None.
        labelled: measurements of the labelled cases.
        workspace: of the labelled cases.
        waiting: receiver of scans that were read.
        progress: receiver of progress reports.

    Returns:
        What was measured, or nothing without scans.

    Raises:
        DataError: some scan cannot be used, or is that of a labelled case.
    """
    if found is None:
        return ()
    scans = counted(len(found.cases), "scan")
    progress.say(f"Found {scans} without labels in {found.root}.")
    examined = examine_dataset(found, workspace.unlabelled, waiting, progress)
    _refuse_labelled(found, labelled, examined.fingerprint)
    progress.say(
        f"{scans} without labels: voxels of {show_spacing(_medians(examined.fingerprint.spacing_mm))} mm, "
        f"{show_lengths([round(length) for length in _medians(examined.fingerprint.shape)])} voxels (medians). They "
        f"are measured apart: {workspace.unlabelled.fingerprint}."
    )
    return (examined,)


def list_names(found: Dataset | None) -> tuple[str, ...]:
    """Return the names of the scans, if there are any."""
    return tuple(case.name for case in found.cases) if found else ()


def choose_users(chosen: Sequence[Configuration], found: Dataset | None) -> tuple[Configuration, ...]:
    """Return the configurations that look at the scans without labels: to train on them, or to mark them.

    Args:
        chosen: to be preprocessed for.
        found: the scans, or None.

    Raises:
        PlanError: one is to train on them, and there are none.
    """
    training = [one for one in chosen if one.pseudo_labels]
    if training and found is None:
        raise PlanError(
            f"{training[0].name} trains on scans without labels as well, and none are named. Add --unlabelled FOLDER "
            "(or a CSV of paths), or choose other configurations with -c."
        )
    names = {name for one in training if one.pseudo_labels for name in (one.name, *one.pseudo_labels.configurations)}
    return tuple(one for one in chosen if one.name in names)


def remark_on_use(plan: Plan, users: Sequence[Configuration], found: Dataset | None) -> Iterator[str]:
    """Yield a sentence about scans without labels that nothing is made of."""
    if found is None:
        return
    able = [one.name for one in plan.configurations if one.pseudo_labels]
    if able and not users:
        yield f"The scans without labels are for {', '.join(able)}: add -c {able[0]} to preprocess them."
    if not able:
        yield f"No configuration of plan {plan.name} trains on scans without labels (pseudo_labels): they are not used."


def remark_on_subjects(found: Dataset | None, dataset: Dataset) -> Iterator[str]:
    """Yield a sentence about scans without labels that may be of subjects of labelled cases, as their names say.

    Args:
        found: the scans that are used, or None.
        dataset: the labelled cases, of which a subject never lies in two folds.
    """
    subjects = {case.subject for case in dataset.cases}
    names = list_names(found)
    shared = [name for name in names if subject_of(name) in subjects or _begins_with_any(name, subjects)]
    if shared:
        have = counted(len(shared), "scan without labels has", "scans without labels have")
        yield (
            f"{have} the name of a subject of labelled cases ({some_of(shared, _NAMED)}): if they are the same people, "
            "folds that are judged on these train on other scans of them, and their scores look better than those of "
            "new people. Take such scans out."
        )


def _begins_with_any(name: str, subjects: set[str]) -> bool:
    """Return whether a name begins with that of a subject and an underscore."""
    return any(name[:place] in subjects for place, sign in enumerate(name) if sign == "_")


def _refuse_labelled(found: Dataset, labelled: DatasetFingerprint, unlabelled: DatasetFingerprint) -> None:
    """Make sure that no scan is that of a labelled case, on which some fold is judged."""
    owners = {identity.sha256: case.case for case in labelled.cases for identity in case.scans()}
    same = [
        f"{case.case} is {owners[identity.sha256]}"
        for case in unlabelled.cases
        for identity in case.scans()
        if identity.sha256 in owners
    ]
    if same:
        raise DataError(
            f"{found.root}: holds scans of labelled cases, by their content ({some_of(same, _NAMED)}). Folds would be "
            "trained on cases that they are judged on: take these files out, then give the same command again."
        )


def _medians(axes: Sequence[Quantiles]) -> list[float]:
    return [axis.p50 or 0.0 for axis in axes]
