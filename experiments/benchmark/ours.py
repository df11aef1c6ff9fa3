"""Results of ours that stand beside published ones: of a workspace's cross-validation, or of `autoseg evaluate`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.evaluation import Evaluation, LabelSummary, read_evaluation
from autoseg.pipeline.plans.reading import choose_plan
from autoseg.pipeline.statistics.score_files import name_systems
from autoseg.progress import SilentProgress
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.files.jsonfiles import read_json
from dataset_fingerprints.names import counted

CROSS_VALIDATION = "cross-validation"


@dataclass(frozen=True, kw_only=True, slots=True)
class OurResult:
    """One of our systems with its scores.

    Attributes:
        name: of the system, as tables show it.
        protocol: how the scored scans were chosen.
        set: the same as a key, as in `PublishedRow`.
        source: the file that the figures lie in.
        label: that is compared.
    """

    name: str
    protocol: str
    set: str
    source: str
    evaluation: Evaluation
    label: LabelSummary

    def count(self) -> int:
        """Return how many scans were scored."""
        return len(self.evaluation.cases)


def read_files(paths: Sequence[Path], chosen_set: str, label: str) -> tuple[OurResult, ...]:
    """Read results of `autoseg evaluate`, or a cross_validation.json.

    Args:
        paths: of the files, at least one; systems are called by what differs in these, as `compare` calls them.
        chosen_set: the key of the set that was scored; empty for a cross-validation, which is known by its name only.
        label: its value or name; empty where there is only one.

    Raises:
        DataError: the set is not said, or the label is not there.
        FileFormatError: a file is no result file.
    """
    found = []
    for path, name in zip(paths, name_systems(paths), strict=True):
        evaluation = read_evaluation(path)
        known = chosen_set or (CROSS_VALIDATION if path.stem == "cross_validation" else "")
        if not known:
            raise DataError(
                f"{path}: does not say which scans it scores. Name their set with --set, for example --set 'public "
                "test', --set hold-out or --set cross-validation."
            )
        found.append(_make_result(name, known, path, evaluation, label))
    return tuple(found)


def read_workspace(
    workspace: Workspace, given: str | None, chosen_set: str, label: str
) -> tuple[tuple[OurResult, ...], tuple[str, ...]]:
    """Read the cross-validations of a plan's configurations, and say which are not finished.

    Where none is finished, the first trained fold of each stands for it, as `fold 0`.

    Args:
        workspace: that is planned in.
        given: the plan's name; None for `default`, or for the only one that there is.
        chosen_set: what the cross-validation is called, such as `cross-validation over centres`; empty for
            `cross-validation`.
        label: as for `read_files`.

    Raises:
        DataError: no fold is trained and validated, or the label is not there.
    """
    plan = choose_plan(workspace, given, SilentProgress())
    names = workspace.configuration_names(plan)
    done = [name for name in names if workspace.cross_validation(plan, name).is_file()]
    if done:
        results = tuple(_read_cross_validation(workspace, plan, name, chosen_set, label) for name in done)
        lacking = (name for name in names if name not in done)
        return results, tuple(f"{name}: not all folds are trained, so it is left out." for name in lacking)
    folds = tuple(_read_first_folds(workspace, plan, label))
    if not folds:
        raise DataError(
            f"{workspace.root}: no fold of the plan '{plan}' is trained and validated. Run `autoseg train all` first, "
            "or name a file that `autoseg evaluate` wrote."
        )
    remark = "No cross-validation is finished (`autoseg train all`): figures are of the first trained fold only."
    return folds, (remark,)


def read_dataset(workspace: Workspace) -> Dataset:
    """Read what a workspace knows of its data set."""
    return read_json(workspace.dataset, Dataset)


def _read_cross_validation(workspace: Workspace, plan: str, name: str, chosen_set: str, label: str) -> OurResult:
    path = workspace.cross_validation(plan, name)
    shown = path.relative_to(workspace.root.parent)
    return _make_result(
        f"autoseg, {_join(plan, name)}", chosen_set or CROSS_VALIDATION, shown, read_evaluation(path), label
    )


def _join(plan: str, name: str) -> str:
    return name if plan == "default" else f"{plan}, {name}"


def _read_first_folds(workspace: Workspace, plan: str, label: str) -> Iterator[OurResult]:
    for name in workspace.configuration_names(plan):
        folders = [folder for folder in workspace.folds(plan, name) if folder.validation.metrics.is_file()]
        if folders:
            path, fold = folders[0].validation.metrics, folders[0].name()
            shown = path.relative_to(workspace.root.parent)
            yield _make_result(f"autoseg, {_join(plan, name)}", f"fold {fold}", shown, read_evaluation(path), label)


def _make_result(name: str, chosen_set: str, path: Path, evaluation: Evaluation, label: str) -> OurResult:
    return OurResult(
        name=name,
        protocol=_describe(chosen_set, evaluation),
        set=chosen_set,
        source=str(path),
        evaluation=evaluation,
        label=_choose_label(path, evaluation, label),
    )


def _describe(chosen_set: str, evaluation: Evaluation) -> str:
    """Return the protocol in words, with what a mean over the scored scans leaves out."""
    lost = len(evaluation.failures) + len(evaluation.unpaired.without_prediction)
    left_out = f"; {counted(lost, 'scan')} not scored" if lost else ""
    seen = f"; {evaluation.seen.brief()}" if evaluation.seen.brief() else ""
    return f"{chosen_set}{left_out}{seen}"


def _choose_label(path: Path, evaluation: Evaluation, wanted: str) -> LabelSummary:
    named = {evaluation.name_of(one.label): one for one in evaluation.summary}
    if not wanted and len(named) == 1:
        return next(iter(named.values()))
    for name, summary in named.items():
        if wanted in (name, str(summary.label)):
            return summary
    if not wanted:
        raise DataError(f"{path}: scores {', '.join(named)}. Published figures are of one label: name it with --label.")
    raise DataError(f"{path}: scores no label '{wanted}'. {did_you_mean(wanted, named)}")
