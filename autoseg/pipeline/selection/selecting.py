"""`select`: what predicts new scans best, chosen on the cases that no fold has trained on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from autoseg.hardware import count_cores, free_memory_gb
from autoseg.models import Selection, read_settings
from autoseg.models.selection import ScoreName
from autoseg.pipeline.confidence.unseen_cases import open_store
from autoseg.pipeline.folds.out_of_fold import find_scores, read_probabilities, refuse_link
from autoseg.pipeline.folds.runs import cases_of, name_folds, read_run, refuse_undivided
from autoseg.pipeline.folds.seen_cases import describe_seen
from autoseg.pipeline.models.trained_folds import find_trained
from autoseg.pipeline.plans.reading import REMEDY, read_plan
from autoseg.pipeline.selection.selected import measure_folds
from autoseg.pipeline.selection.selection_text import describe_verdicts
from autoseg.prediction import Probabilities, merge
from autoseg.preprocessing import Store
from autoseg.progress import Progress
from autoseg.reporting import draw_selection
from autoseg.selection import HeldOut, Rule, Setting, Source, choose_all, list_rules, name_targets
from autoseg.workspace.fold import FoldFolder
from autoseg.workspace.links import refuse_links_out
from autoseg.workspace.locks import locked
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Dataset, LabelScheme
from dataset_fingerprints.errors import AutosegError, PlanError, StoppedError, WorkspaceError
from dataset_fingerprints.files.jsonfiles import read_json, refuse_newer, write_json
from dataset_fingerprints.geometry import canonical_grid
from dataset_fingerprints.names import counted
from dataset_fingerprints.sizes import GIB
from dataset_fingerprints.units import find_units
from planners.order import find_configuration
from planners.plan import Fold, Plan, PostprocessingCandidates, Splits
from planners.targets import choose_scheme

# The share of the free memory in which cases are measured at the same time.
_MEMORY_SHARE = 0.5
# What measuring a case needs at its peak, per voxel: label maps, components, and the probabilities of each label and
# configuration as they are stored and once more as they are read.
_BYTES_PER_VOXEL, _BYTES_PER_TARGET = 24, 2


@dataclass(frozen=True, kw_only=True, slots=True)
class SelectionOptions:
    """Options of selecting; all have a default.

    Attributes:
        configurations: to choose from, of which the first is compared with unless the plan's default is among them;
            empty for all that are trained.
    """

    plan_name: str = "default"
    configurations: tuple[str, ...] = ()
    score: ScoreName = "mean"


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """Configurations to choose from.

    Attributes:
        folders: their folds by name, the same of each; first those of the configuration that is compared with.
        left_out: what cannot be compared, in sentences.
        scheme: of the labels that all of them learn.
    """

    folders: Mapping[str, Mapping[str, FoldFolder]]
    left_out: tuple[str, ...]
    scheme: LabelScheme

    def folds(self) -> tuple[str, ...]:
        """Return the names of the folds."""
        return tuple(next(iter(self.folders.values())))


def select(workspace: Workspace, options: SelectionOptions, progress: Progress) -> Selection:
    """Choose configurations, thresholds and post-processing, and write selection.json and its picture.

    Raises:
        WorkspaceError: fewer than two folds are trained and validated, or files are damaged.
        PlanError: there is no such configuration.
    """
    plan, splits = read_plan(workspace, options.plan_name)
    refuse_undivided(workspace, splits)
    path, picture = workspace.selection(plan.name), workspace.selection_picture(plan.name)
    refuse_links_out(workspace.root, (path, picture))
    with locked(path.parent, "a selection"):
        refuse_newer(path, Selection)
        candidates = find_candidates(workspace, plan, splits, options.configurations)
        cases = list(_list_cases(workspace, splits, candidates))
        setting = make_setting(cases, options.score, progress)
        names, rules = name_targets(candidates.scheme), list_target_rules(plan, candidates.scheme)
        chosen = choose_all(setting, tuple(candidates.folders), names, rules, candidates.left_out)
        # Of a cascade, the folds of earlier stages predict as well.
        compared = [folder for folds in candidates.folders.values() for folder in folds.values()]
        used = find_trained(workspace, plan, chosen.source, candidates.folds())
        selection = Selection(
            configurations=chosen.source,
            thresholds=chosen.thresholds(),
            postprocessing=chosen.postprocessing(),
            measured_on=measure_folds(used.folders()),
            evidence=replace(chosen.evidence, seen=describe_seen((case.name for case in cases), compared)),
            simulated=plan.simulated,
        )
        write_json(path, selection)
        draw_selection(selection, picture)
    return selection


def make_setting(cases: Sequence[HeldOut], score: ScoreName, progress: Progress) -> Setting:
    """Return what choices are made by on this machine."""
    return Setting(
        cases=cases,
        score=score,
        workers=count_cores(),
        memory_bytes=_MEMORY_SHARE * free_memory_gb() * GIB,
        progress=progress,
    )


def select_if_possible(workspace: Workspace, plan: str, progress: Progress) -> None:
    """Select after a training, which is as good without."""
    try:
        selection = select(workspace, SelectionOptions(plan_name=plan), progress)
    except StoppedError:
        raise
    except AutosegError as error:
        progress.say(f"Nothing was selected: {error}")
    else:
        for sentence in describe_verdicts(selection):
            progress.say(sentence)


def list_target_rules(plan: Plan, scheme: LabelScheme) -> tuple[tuple[Rule, ...], ...]:
    """Return what a plan's candidates come to for each label or region of a scheme."""
    names = name_targets(scheme)
    known = {candidates.name: candidates for candidates in plan.postprocessing}
    nothing = {name: PostprocessingCandidates(name=name, min_volumes_mm3=(), largest_only=False) for name in names}
    independent = bool(scheme.regions) or len(names) == 1
    return tuple(list_rules(known.get(name, nothing[name]), name, independent=independent) for name in names)


def find_candidates(workspace: Workspace, plan: Plan, splits: Splits, asked: Sequence[str]) -> Candidates:
    """Return the configurations that can be compared: those with the folds that the first of them has.

    Raises:
        WorkspaceError: the first, or one that was asked for, has fewer than two folds.
        PlanError: there is no such configuration.
    """
    for name in asked:
        find_configuration(plan.configurations, name, f"plan {plan.name}")
    learnt = {one.targets for one in plan.configurations if one.name in plan.ensemble}
    if not asked and len(learnt) > 1:
        raise PlanError(
            f"Plan {plan.name} predicts with {', '.join(plan.ensemble)} together, which learn different labels "
            "(targets): there is nothing to choose between. To choose for one label alone, name those that learn it "
            "with -c."
        )
    there = workspace.configuration_names(plan.name)
    known = [*dict.fromkeys(asked)] or [one.name for one in plan.configurations if one.name in there]
    ordered = sorted(known, key=lambda name: name != plan.default_configuration)
    targets = {one.name: one.targets for one in plan.configurations}
    main = targets[ordered[0]] if ordered else ()
    others = [name for name in ordered if targets[name] != main]
    if asked and others:
        raise PlanError(f"{ordered[0]} and {others[0]} learn different labels (targets). Choose between those of one.")
    ordered = [name for name in ordered if name not in others]
    whole = {name: dict(_find_folds(workspace, plan, splits, name)) for name in ordered}
    trained = {name: folds for name, folds in whole.items() if len(folds) > 1}
    if not trained or (asked and len(trained) < len(ordered)):
        lacking = next((name for name in ordered if name not in trained), plan.default_configuration)
        raise WorkspaceError(
            f"{workspace.root}: {counted(len(whole.get(lacking, ())), 'fold')} of {lacking} "
            f"{'is' if len(whole.get(lacking, ())) == 1 else 'are'} trained and validated on the cases of the plan. "
            f"Selection chooses on some folds and scores on another: give `autoseg train all -c {lacking}` first."
        )
    first = next(iter(trained))
    same = {
        name: {fold: folds[fold] for fold in trained[first]}
        for name, folds in trained.items()
        if folds.keys() >= trained[first].keys()
    }
    left_out = [
        f"{name}: not all of the folds of {first} are trained and validated." for name in ordered if name not in same
    ]
    left_out += [f"{name}: learns other labels than {first} (targets)." for name in others]
    missing = [fold for fold in name_folds(splits) if fold not in trained[first]]
    left_out += [f"Folds that are not trained and validated: {', '.join(missing)} of {first}."] if missing else []
    return Candidates(
        folders=same,
        left_out=tuple(left_out),
        scheme=choose_scheme(plan.scheme, main),
    )


def _find_folds(workspace: Workspace, plan: Plan, splits: Splits, name: str) -> Iterator[tuple[str, FoldFolder]]:
    """Yield the folds of a configuration whose results are those of their weights on the cases left to them."""
    configuration = find_configuration(plan.configurations, name, f"plan {plan.name}")
    for fold in name_folds(splits):
        folder = workspace.fold(plan.name, name, fold)
        if not folder.weight_files() or folder.restart.is_file():
            continue
        run = read_run(folder)
        if run is None or run.scheme != plan.scheme or run.own().targets != configuration.targets:
            continue
        cases = cases_of(splits, fold, run.own())
        if not cases.validation:
            continue
        begun = Fold(train=run.train_cases, validation=run.validation_cases)
        refuse_link(folder.validation)
        if begun == cases and find_scores(folder, cases.validation) is not None:
            yield fold, folder


def _list_cases(workspace: Workspace, splits: Splits, candidates: Candidates) -> Iterator[HeldOut]:
    """Yield the cases of all folds."""
    units = find_units(read_json(workspace.dataset, Dataset, REMEDY).cases)
    for fold in candidates.folds():
        folders = {name: folds[fold] for name, folds in candidates.folders.items()}
        # Of what the fold was begun with: the plan may have been changed since.
        store = open_store(workspace, read_settings(next(iter(folders.values()))))
        for case in cases_of(splits, fold).validation:
            yield make_case(case, units.get(case, case), (candidates.scheme, store), folders)


def make_case(case: str, unit: str, of: tuple[LabelScheme, Store], folders: Mapping[str, FoldFolder]) -> HeldOut:
    """Return a case with the probabilities that some trainings which did not see it have left.

    Args:
        case: its name.
        unit: of its subject.
        of: the labels, and the arrays that hold the reference.
        folders: of the trainings, all of one fold, by the names that a source calls them by.
    """
    (scheme, store), fold = of, next(iter(folders.values())).name()
    grid = store.read_record(case).source_grid
    targets = len(scheme.heads().targets())

    def read(source: Source) -> Probabilities:
        return merge([read_probabilities(folders[name].validation, case, scheme, grid) for name in source])

    return HeldOut(
        name=case,
        unit=unit,
        fold=fold,
        size_bytes=math.prod(canonical_grid(grid).shape) * (_BYTES_PER_VOXEL + _BYTES_PER_TARGET * targets),
        read=read,
        read_reference=lambda: store.read_reference(case),
    )
