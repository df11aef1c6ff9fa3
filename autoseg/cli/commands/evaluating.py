"""The command `evaluate`: scores of masks as a table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.options.data_options import MaskOption
from autoseg.cli.results.levels import show_levels
from autoseg.cli.results.metric_list import list_metrics
from autoseg.cli.results.worst import show_worst
from autoseg.cli.results.written import hash_if_there, show_written
from autoseg.cli.statistics.groups import show_groups
from autoseg.cli.terminal.display import console, show_scores
from autoseg.pipeline.faces import face
from autoseg.pipeline.faces.arguments import split_names
from autoseg.workspace.fold import METRICS
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation


def evaluate(
    prediction: Annotated[Path, typer.Argument(help="A label file, or a folder of them, as predict writes it.")],
    reference: Annotated[
        Path,
        typer.Argument(
            help="The reference file or folder with the same names; or the data set with the label maps, in any layout "
            "that training takes (BIDS tree, folder per patient, CSV, ...)."
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            help="The file for the scores; an earlier one of scores is replaced. Tables lie beside it; those of an "
            "earlier run with other figures or options that are not written anew are removed.",
            show_default=f"{METRICS} in the current folder",
        ),
    ] = None,
    labels: Annotated[
        list[int] | None,
        typer.Option("--label", help="A value to score, repeatable; else those that the data set names, or all found."),
    ] = None,
    regions: Annotated[
        list[str] | None, typer.Option("--region", help="Values to score as one mask: core=2,3. Repeatable.")
    ] = None,
    ignore: Annotated[int | None, typer.Option(help="The references' value of unlabelled voxels.")] = None,
    convention: Annotated[
        str,
        typer.Option(
            help="Whose definitions of the figures: autoseg, or a published one, such as atlas-r2 or isles26."
        ),
    ] = "autoseg",
    metrics: Annotated[
        list[str] | None,
        typer.Option(
            "--metric",
            "--metrics",
            help="Score also by this metric, such as lesion_recall. Repeatable, or several, separated by commas.",
        ),
    ] = None,
    list_all: Annotated[
        bool,
        typer.Option(
            "--list-metrics",
            is_eager=True,
            callback=list_metrics,
            help="Show all metrics and conventions with their definitions, and do nothing else.",
        ),
    ] = False,
    probability_maps: Annotated[
        Path | None,
        typer.Option(
            help="The folder of the maps of predict --probabilities, or of a fold's validation, for roc_auc, pr_auc, "
            "average_precision, maximal_dice."
        ),
    ] = None,
    mask: MaskOption = "",
    names: Annotated[
        list[str] | None,
        typer.Option(
            "--name",
            help="The name of a label: lesion=1. Repeatable; else those of the data set, of a dataset.json beside the "
            "files, or of the workspace.",
        ),
    ] = None,
    workspace: Annotated[
        Path | None,
        typer.Option("--workspace", "-w", help="Take names of labels, and subjects and sites, from this workspace."),
    ] = None,
    by: Annotated[
        list[str] | None,
        typer.Option(
            "--by",
            help="Show scores also by: size of the lesions, quartile of it, site, chronicity, or what else is known of "
            "the cases, of at most 200 different values; several with commas.",
        ),
    ] = None,
    traits: Annotated[
        Path | None,
        typer.Option(help="A table (CSV, TSV) of cases or subjects, with columns such as site or chronicity."),
    ] = None,
    levels: Annotated[
        bool,
        typer.Option(
            "--levels", help="Show scan, lesion and voxel level, a line per label: whose volume is largest, and so on."
        ),
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse cases that have only a mask or only a reference.")
    ] = False,
) -> None:
    """Score predicted masks against reference masks, case by case and in summary.

    Cases that only one side has are listed, and are in no figure. Without -o, the figures go into the current folder.
    """
    place, before = out or Path(METRICS), None if out else hash_if_there(Path(METRICS))
    show = partial(
        _show_evaluation, place=place, reference=reference, by=by or (), asked=split_names(metrics or ()), levels=levels
    )
    try:
        evaluation = face.evaluate(
            prediction,
            reference,
            labels=labels or (),
            regions=regions or (),
            ignore=ignore,
            convention=convention,
            metrics=metrics or (),
            mask=mask,
            names=names or (),
            workspace=workspace,
            by=by or (),
            traits=traits,
            strict=strict,
            probability_maps=probability_maps,
            levels=levels,
            out=place,
        )
    except PartlyDoneError as error:
        show(error.result)
        raise
    else:
        show(evaluation)
    finally:
        if before is not None and hash_if_there(place) != before:
            console.print(f"{place} held other scores, and was replaced: `-o FILE` keeps both.", soft_wrap=True)


def _show_evaluation(
    evaluation: Evaluation, place: Path, reference: Path, by: Sequence[str], asked: Sequence[str], *, levels: bool
) -> None:
    from autoseg.pipeline.scores.score_tables import place_score_table
    from autoseg.pipeline.statistics.levels import place_levels

    scored, lost = len(evaluation.cases), len(evaluation.failures) + len(evaluation.unpaired.without_prediction)
    show_scores(f"{scored} of {scored + lost} cases" if lost else counted(scored, "case"), evaluation)
    show_worst(evaluation)
    groups = show_groups(evaluation, by, place, asked)
    if levels:
        show_levels(evaluation)
        groups = (*groups, ("Levels", place_levels(place)))
    if unpaired := evaluation.unpaired.describe():
        console.print(unpaired, soft_wrap=True)
    if any(isinstance(label.label, int) for label in evaluation.summary) and not evaluation.names:
        console.print("No names of the labels were found: `--name lesion=1` gives them.", soft_wrap=True)
    show_written((("All figures", place), ("Table of cases", place_score_table(place, reference)), *groups))
