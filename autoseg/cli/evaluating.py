"""The command `evaluate`: scores of masks as a table and as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.data_options import MaskOption
from autoseg.cli.display import console, show_scores
from autoseg.cli.written import shorten_path
from autoseg.pipeline import face
from autoseg.workspace.fold import METRICS
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.evaluation import Evaluation


def evaluate(
    prediction: Annotated[Path, typer.Argument(help="A label file, or a folder of them.")],
    reference: Annotated[
        Path,
        typer.Argument(
            help="The reference file or folder with the same names; or the data set with the label maps, in any layout "
            "that training takes (BIDS tree, folder per patient, CSV, ...)."
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="The file for the scores.")] = Path(METRICS),
    labels: Annotated[
        list[int] | None, typer.Option("--label", help="A value to score; else those the data set names, or all found.")
    ] = None,
    regions: Annotated[
        list[str] | None, typer.Option("--region", help="Values to score as one mask: core=2,3. Repeatable.")
    ] = None,
    ignore: Annotated[int | None, typer.Option(help="The references' value of unlabelled voxels.")] = None,
    metrics: Annotated[
        list[str] | None, typer.Option("--metric", help="Score also by this metric, such as lesion_recall. Repeatable.")
    ] = None,
    mask: MaskOption = "",
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse cases that have only a mask or only a reference.")
    ] = False,
) -> None:
    """Score predicted masks against reference masks, case by case and in summary.

    Cases that only one side has are listed, and are in no figure.
    """
    try:
        evaluation = face.evaluate(
            prediction,
            reference,
            labels=labels or (),
            regions=regions or (),
            ignore=ignore,
            metrics=metrics or (),
            mask=mask,
            strict=strict,
            out=out,
        )
    except PartlyDoneError as error:
        _show_evaluation(error.result, out)
        raise
    _show_evaluation(evaluation, out)


def _show_evaluation(evaluation: Evaluation, out: Path) -> None:
    scored, lost = len(evaluation.cases), len(evaluation.failures) + len(evaluation.unpaired.without_prediction)
    show_scores(f"{scored} of {scored + lost} cases" if lost else counted(scored, "case"), evaluation)
    if unpaired := evaluation.unpaired.describe():
        console.print(unpaired, soft_wrap=True)
    console.print(f"All figures: {shorten_path(out)}", soft_wrap=True)
