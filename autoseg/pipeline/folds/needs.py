"""The folds of other configurations that a fold uses: those that are not there yet, and those of other cases."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from autoseg.pipeline.folds.out_of_fold import find_scores, refuse_link
from autoseg.pipeline.folds.runs import cases_of, name_folds, read_run
from autoseg.training.record import read_record
from autoseg.workspace.fold import FULL, FoldFolder
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.names import some_of
from planners.order import find_configuration, order_by_need
from planners.plan import Configuration, Plan, Splits
from planners.run import CaseContent, Run, find_other_cases
from planners.stage_inputs import CropTo, MaskOf


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """A fold of another configuration that has to be there.

    Attributes:
        validated: whether its masks are used, or only its weights.
    """

    configuration: str
    fold: str
    validated: bool

    def is_met(self, folder: FoldFolder) -> bool:
        """Return whether the fold's folder holds what is used of it."""
        if folder.restart.is_file() or not folder.weight_files():
            return False
        record = read_record(folder)
        return record is not None and record.status in (("finished",) if self.validated else ("trained", "finished"))


def list_needs(configuration: Configuration, fold: str, folds: Sequence[str]) -> Iterator[Need]:
    """Yield the folds that training and validating a fold uses.

    Masks, and boxes around what was found, are taken from the fold that did not train on the case, so of all cases from
    all folds. Boxes around the reference leave only the fold's own validation cases to the other configuration. Weights
    to start from, and pseudo-labels, come from the same fold, whose networks have not seen its validation cases either.

    Args:
        configuration: that is trained.
        fold: a number, or `full`, which has no validation cases.
        folds: all of the cross-validation.
    """
    for entry in configuration.inputs:
        own = () if fold == FULL else (fold,)
        used = own if isinstance(entry, CropTo) and entry.trained_on == "reference" else folds
        yield from (Need(configuration=entry.configuration, fold=other, validated=True) for other in used)
    if configuration.initial:
        yield Need(configuration=configuration.initial.configuration, fold=fold, validated=False)
    if configuration.pseudo_labels:
        for name in configuration.pseudo_labels.configurations:
            yield Need(configuration=name, fold=fold, validated=False)


def find_lacking(
    workspace: Workspace, plan: Plan, splits: Splits, name: str, folds: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return what has to be trained before some folds of a configuration, and is not there yet.

    Args:
        workspace: with the folds.
        plan: that they are trained by.
        splits: of the plan.
        name: of the configuration.
        folds: of it.

    Returns:
        The names of folds by configuration, each configuration behind those that its folds need.

    Raises:
        WorkspaceError: a case, whose masks are used, is left to no fold to judge; or scans without labels are needed,
            and there are none.
    """
    lacking: dict[str, dict[str, None]] = {}

    def visit(name: str, fold: str) -> None:
        configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
        _refuse_unjudged(workspace, splits, configuration, fold)
        _refuse_no_unlabelled(workspace, plan, splits, configuration)
        for need in list_needs(configuration, fold, name_folds(splits)):
            if need.fold in lacking.get(need.configuration, {}):
                continue
            if not need.is_met(workspace.fold(plan.name, need.configuration, need.fold)):
                visit(need.configuration, need.fold)
                lacking.setdefault(need.configuration, {})[need.fold] = None

    for fold in folds:
        visit(name, fold)
    ordered = order_by_need(plan.configurations, tuple(lacking), f"plan {plan.name}")
    return {entry.name: tuple(lacking[entry.name]) for entry in ordered if entry.name in lacking}


def _refuse_unjudged(workspace: Workspace, splits: Splits, configuration: Configuration, fold: str) -> None:
    """Make sure that each case whose masks are used is judged by some fold: folds of one's own may leave some out."""
    used: list[MaskOf | CropTo] = [*configuration.masks()]
    used += [crop for crop in configuration.crops() if crop.trained_on != "reference"]
    judged = {case for one in splits.folds for case in one.validation}
    cases = cases_of(splits, fold, configuration)
    missed = [case for case in (*cases.train, *cases.validation) if case not in judged]
    if used and missed:
        raise WorkspaceError(
            f"{workspace.root}: {configuration.name} uses masks that {used[0].configuration} makes of each case in the "
            f"fold that did not train on it, and every fold trains on {some_of(missed)} ({splits.origin}). Plan again "
            "under another name (plan_and_preprocess --plan-name NEW), with folds of which one is judged on each case."
        )


def _refuse_no_unlabelled(workspace: Workspace, plan: Plan, splits: Splits, configuration: Configuration) -> None:
    """Make sure that there are scans without labels for a configuration that trains on them."""
    if configuration.pseudo_labels and not splits.unlabelled:
        raise WorkspaceError(
            f"{workspace.root}: {configuration.name} trains on scans without labels as well, and plan {plan.name} was "
            "made without any. Plan again with --unlabelled FOLDER (or a CSV of paths)."
        )


def refuse_lacking(workspace: Workspace, plan: Plan, splits: Splits, name: str, fold: str) -> None:
    """Make sure that everything is there that a fold uses of other configurations.

    Raises:
        WorkspaceError: folds are missing; the message names them, and what to do.
    """
    lacking = find_lacking(workspace, plan, splits, name, (fold,))
    if not lacking:
        return
    first, *_ = lacking
    shown = "; ".join(f"{_show(folds)} of {other} {_are(folds)} not finished" for other, folds in lacking.items())
    raise WorkspaceError(
        f"{workspace.root}: {name} uses the results of other configurations, of each case that of the fold that did "
        f"not train on it, and {shown}. Add --with-previous to train what is missing now, or run "
        f"`autoseg train all -c {first}` first."
    )


def find_needs(plan: Plan, splits: Splits, name: str, fold: str) -> tuple[Need, ...]:
    """Return the folds of other configurations that a fold itself uses, not those that they use in turn."""
    configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
    return tuple(list_needs(configuration, fold, name_folds(splits)))


def refuse_others_cases(workspace: Workspace, splits: Splits, needs: Sequence[Need], own: Run) -> None:
    """Make sure that the folds that a fold uses were trained and judged on the cases of the same splits.

    A fold of other cases may have trained on a case that its masks are taken of, which would be too good.

    Args:
        workspace: with the folds, which are there.
        splits: of the plan.
        needs: what the fold uses.
        own: what the fold itself is trained with.

    Raises:
        WorkspaceError: one was not, or its masks are not of its weights; the message names both folds.
    """
    for need in needs:
        folder = workspace.fold(own.plan, need.configuration, need.fold)
        run = read_run(folder)
        cases = cases_of(splits, need.fold, find_configuration(own.configurations, need.configuration, "the fold"))
        # Each may train on other cases: those that this fold does not use are as the other one was begun.
        contents = {one.case: one for one in (*(run.contents if run else ()), *own.contents)}
        uses = f"{workspace.root}: {own.configuration}, fold {own.fold} uses {folder.title()}"
        train, validation = (
            tuple(contents.get(case, CaseContent(case=case, sha256=())) for case in side)
            for side in (cases.train, cases.validation)
        )
        others = () if run is None else find_other_cases(run, run.of_cases(train, validation))
        for other in others:
            raise WorkspaceError(
                f"{uses}, but that one {other}. Begin it anew first (`autoseg train {need.fold} -c "
                f"{need.configuration} --restart`), or plan again under another name "
                "(plan_and_preprocess --plan-name NEW)."
            )
        if need.validated:
            refuse_link(folder.validation)
            if find_scores(folder, cases.validation) is None:
                raise WorkspaceError(
                    f"{uses}, whose masks are not all there or are of other weights. Give `autoseg train {need.fold} "
                    f"-c {need.configuration}` first: it validates what is missing."
                )


def _show(folds: Sequence[str]) -> str:
    return f"fold {folds[0]}" if len(folds) == 1 else f"folds {', '.join(folds)}"


def _are(folds: Sequence[str]) -> str:
    return "is" if len(folds) == 1 else "are"
