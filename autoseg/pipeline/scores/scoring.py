"""`evaluate`: masks and references are paired and scored, and the figures written where they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from autoseg.evaluation import (
    Convention,
    Evaluation,
    MapSource,
    Pairing,
    Targets,
    evaluate_pairs,
    holds_evaluation,
    pair_files,
    refuse_failures,
    write_evaluation,
)
from autoseg.evaluation.analysis.groups import GroupTable
from autoseg.hardware import count_cores
from autoseg.pipeline.outputs import refuse_scores_place
from autoseg.pipeline.scores.asked_metrics import choose_maps, warn_of_names, warn_of_other_maps, warn_without_scores
from autoseg.pipeline.scores.case_tables import write_table
from autoseg.pipeline.scores.known_cases import warn_of_known_cases
from autoseg.pipeline.scores.label_names import find_names, keep_scored
from autoseg.pipeline.scores.score_tables import make_score_table, place_score_table
from autoseg.pipeline.scores.simulated_scans import are_simulated
from autoseg.pipeline.statistics.case_traits import choose_traits, find_traits
from autoseg.pipeline.statistics.groups import list_groups, make_tables, write_groups
from autoseg.pipeline.statistics.levels import place_levels, write_levels
from autoseg.pipeline.statistics.outdated import remove_outdated
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import Label
from dataset_fingerprints.files.atomic import sweep_partials
from dataset_fingerprints.layouts import Selection


@dataclass(frozen=True, kw_only=True, slots=True)
class ScoringOptions:
    """What is scored, and how.

    Attributes:
        targets: labels and regions.
        convention: the definitions of the figures.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        names: of labels, as they were given; empty for those that are found.
        workspace: whose names and traits are taken; None for those of the references.
        by: traits that the scores are shown by.
        traits: a table of cases; None for none.
        strict: refuse cases that only one side has.
        maps: the folder of probabilities; None for none.
        asked: names of the convention's metrics that were asked for beside its own.
        levels: whether there is a table of scan, lesion and voxel level.
    """

    targets: Targets
    convention: Convention
    mask: str = ""
    names: tuple[Label, ...] = ()
    workspace: Workspace | None = None
    by: Sequence[str] = ()
    traits: Path | None = None
    strict: bool = False
    maps: Path | None = None
    asked: Sequence[str] = ()
    levels: bool = False


def score_masks(prediction: Path, reference: Path, options: ScoringOptions, out: Path | None = None) -> Evaluation:
    """Score predicted masks, and write scores, the table of cases and those of groups beside each other.

    Args:
        prediction: a label file, or a folder of them.
        reference: the same, or a data set.
        options: what is scored, and how.
        out: the file of the scores; None for none.

    Raises:
        DataError: nothing can be scored.
        PartlyDoneError: some cases cannot be scored; the others are done first.
    """
    folder = choose_maps(options.maps, prediction, options.asked, options.convention)
    if out is not None:
        refuse_scores_place(prediction, reference, out)
        sweep_partials(out)
    selection = Selection(mask=options.mask)
    pairing = pair_files(prediction, reference, selection=selection, strict=options.strict)
    cases = [pair.case for pair in pairing.pairs]
    by, traits = choose_traits(
        options.by,
        find_traits(cases, reference, workspace=options.workspace, table=options.traits, selection=selection),
    )
    names = options.names or find_names(prediction, reference, pairing.scheme, options.workspace)
    maps = _find_maps(folder, pairing, names)
    evaluation = evaluate_pairs(
        pairing,
        options.targets,
        options.convention,
        workers=count_cores(),
        traits=traits,
        maps=maps,
    )
    evaluation = replace(
        evaluation,
        names=keep_scored(names, evaluation),
        simulated=are_simulated(pairing, prediction, options.workspace),
    )
    warn_of_known_cases(pairing, prediction)
    warn_of_names(options.names, evaluation)
    warn_of_other_maps(evaluation, maps)
    warn_without_scores(evaluation, options.asked)
    tables = make_tables(evaluation, by)
    if out is not None:
        _write(out, evaluation, tables, reference, levels=options.levels)
    refuse_failures(evaluation)
    return evaluation


def _write(out: Path, evaluation: Evaluation, tables: Sequence[GroupTable], reference: Path, *, levels: bool) -> None:
    """Write scores and tables; those that an earlier run with other figures left beside them are removed."""
    same = holds_evaluation(out, evaluation)
    if not same:
        others = () if tables else list_groups(out)
        remove_outdated(out, (*others, *(() if levels else (place_levels(out),))))
    write_evaluation(out, evaluation)
    write_table(place_score_table(out, reference), make_score_table(evaluation))
    write_groups(out, evaluation, tables, same=same)
    if levels:
        write_levels(out, evaluation)


def _find_maps(folder: Path | None, pairing: Pairing, names: tuple[Label, ...]) -> MapSource | None:
    if folder is None:
        return None
    # Imported here because it brings the networks, which scores of masks do without.
    from autoseg.pipeline.scores.validated_maps import find_probabilities

    return find_probabilities(folder, pairing, names)
