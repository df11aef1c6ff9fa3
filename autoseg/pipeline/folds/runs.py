"""Settings and cases that a fold was begun with, read and compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from autoseg.models.model import REMEDY as RUN_REMEDY
from autoseg.pipeline.folds.measured import read_measured
from autoseg.preprocessing import Store
from autoseg.workspace.fold import FULL, FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import FileFormatError, PlanError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.fingerprint import FileIdentity
from planners.editing.plan_checks import check_run
from planners.plan import Configuration, Fold, Splits, is_undivided
from planners.run import CaseContent, Run, find_differences, find_other_cases


def read_run(folder: FoldFolder) -> Run | None:
    """Return what a fold was begun with, or None for a fold that was not.

    A fold that is being begun anew has the settings of its new start.

    Raises:
        FileFormatError: the file is damaged.
    """
    for path in (folder.restart, folder.run):
        if path.is_file():
            return read_json(path, Run, RUN_REMEDY, check_run)
    return None


def refuse_lost_run(folder: FoldFolder) -> None:
    """Make sure that a fold without settings is one that nothing was trained of: its cases would not be known.

    Raises:
        FileFormatError: a training is there.
    """
    left = next((path for path in (folder.record, *folder.weight_files()) if path.is_file()), None)
    if left is not None:
        raise FileFormatError(f"{folder.run}: is missing, though {left.name} is there. {RUN_REMEDY}")


def list_runs(workspace: Workspace, plan: str) -> Iterator[tuple[FoldFolder, Run]]:
    """Yield the folds of a plan that were begun, of all its configurations, with what they were begun with.

    Raises:
        FileFormatError: a file is damaged.
    """
    for configuration in workspace.configuration_names(plan):
        for folder in workspace.folds(plan, configuration):
            run = read_run(folder)
            if run is not None:
                yield folder, run


def name_folds(splits: Splits) -> tuple[str, ...]:
    """Return the names of the folds of a cross-validation; none where the cases cannot be divided."""
    return () if is_undivided(splits.folds) else tuple(str(number) for number in range(len(splits.folds)))


def refuse_undivided(workspace: Workspace, splits: Splits) -> None:
    """Make sure that there is a cross-validation.

    Raises:
        PlanError: there is none.
    """
    if is_undivided(splits.folds):
        raise PlanError(
            f"{workspace.root}: cannot be cross-validated ({splits.origin}). Give `autoseg train {FULL}`, or add cases "
            "of other subjects and plan again."
        )


def list_choices(splits: Splits) -> str:
    """Return in words which folds there are to train."""
    if is_undivided(splits.folds):
        return f"`{FULL}` for one model of all cases; there is no cross-validation ({splits.origin})"
    numbers = "0" if len(splits.folds) == 1 else f"0 to {len(splits.folds) - 1}"
    return f"{numbers}, `all` for the whole cross-validation, or `{FULL}` for one model of all cases"


def cases_of(splits: Splits, fold: str, configuration: Configuration | None = None) -> Fold:
    """Return the cases of a fold; a model of all cases is judged on none.

    Args:
        splits: of the plan.
        fold: a number, or `full`.
        configuration: that is trained, which may train on some of the cases only; None for all of them.

    Raises:
        PlanError: there is no such fold, or none of its cases is to be trained on.
    """
    if fold == FULL:
        cases = Fold(train=splits.cases(), validation=())
    elif fold not in name_folds(splits):
        raise PlanError(f"There is no fold '{fold}'. Give {list_choices(splits)}.")
    else:
        cases = splits.folds[int(fold)]
    return cases if configuration is None else splits.narrow(cases, configuration)


def keep_extension(configuration: Configuration, begun: Configuration) -> Configuration:
    """Return a configuration with the iterations of a fold that was extended beyond the plan's.

    Args:
        configuration: as it is planned.
        begun: as the fold was begun with it.
    """
    most = max(configuration.training.iterations, begun.training.iterations)
    return replace(configuration, training=replace(configuration.training, iterations=most))


def refuse_other_run(folder: FoldFolder, begun: Run, now: Run) -> None:
    """Make sure that a fold was begun as it would be today, or only with fewer iterations.

    Raises:
        WorkspaceError: it was not; the message names the first difference.
    """
    for other in find_other_cases(begun, now):
        raise WorkspaceError(
            f"{folder.root}: this fold {other}. It still predicts, but does not go on with other cases. Begin it anew "
            "with --restart, which removes its weights and scores, or leave it as it is and plan again under another "
            "name (plan_and_preprocess --plan-name NEW)."
        )
    for difference in find_differences(begun, now):
        raise WorkspaceError(
            f"{folder.root}: was begun with {difference.field} = {difference.before!r}, now it is {difference.now!r}. "
            "Give the same plan and --set values to go on, begin it anew with --restart, or name another plan with "
            "--plan."
        )


def read_contents(workspace: Workspace, store: Store, cases: Sequence[str]) -> tuple[CaseContent, ...]:
    """Return what the raw files of preprocessed cases held; of those whose arrays were removed, what was measured.

    Raises:
        FileFormatError: a case is neither preprocessed nor measured, or a file is damaged.
    """
    measured: Mapping[str, tuple[FileIdentity, ...]] = {}
    if workspace.fingerprint.is_file() and not all(map(store.has, cases)):
        measured = read_measured(workspace).identities

    def read(case: str) -> CaseContent:
        removed = case in measured and not store.has(case)
        identities = measured[case] if removed else store.read_identities(case)
        return CaseContent(case=case, sha256=tuple(identity.sha256 for identity in identities))

    return tuple(map(read, cases))


def read_unlabelled_contents(workspace: Workspace, store: Store, cases: Sequence[str]) -> tuple[CaseContent, ...]:
    """Return the same of scans without labels, with an empty text in the place of the label map's hash.

    Raises:
        FileFormatError: as for `read_contents`.
    """
    found = read_contents(workspace.unlabelled, store, cases)
    return tuple(replace(content, sha256=(*content.sha256, "")) for content in found)
