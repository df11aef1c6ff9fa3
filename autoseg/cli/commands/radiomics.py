"""`radiomics` and `radiomics-compare`: features of regions, and what two kinds of masks have to do with them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from autoseg.cli.commands.clinical import LesionOption, MasksArgument
from autoseg.cli.options.data_options import MaskOption, ModelChannelOption
from autoseg.cli.results.written import show_start, show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.files.places import shorten_path
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.pipeline.radiomics.comparing import RadiomicsComparison
    from autoseg.pipeline.radiomics.measuring import MeasuredFeatures


def add_radiomics(app: typer.Typer) -> None:
    """Add the commands to a program."""
    app.command()(radiomics)
    app.command()(radiomics_compare)


def radiomics(
    masks: MasksArgument,
    scans: Annotated[Path, typer.Argument(help="A scan, a folder of scans, or a data set, with the same names.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table to write.")] = Path("features.csv"),
    labels: LesionOption = None,
    spacing_mm: Annotated[float, typer.Option("--spacing", help="Voxel size to measure at, in mm.")] = 1.0,
    bins: Annotated[int, typer.Option(help="Grey levels that textures are counted in.")] = 32,
    wavelets: Annotated[
        bool, typer.Option("--wavelets/--no-wavelets", help="Measure in sub-bands of a wavelet, too.")
    ] = True,
    normalization: Annotated[
        Literal["none", "white_stripe", "zscore_body"], typer.Option(help="Of the scans' intensities, done first.")
    ] = "none",
    bias_correction: Annotated[
        bool, typer.Option("--bias-correction", help="Take the shading of the coil out before that (N4).")
    ] = False,
    mask: MaskOption = "",
    channels: ModelChannelOption = None,
) -> None:
    """Measure shape, intensities and texture of every case's region: hundreds of features a case, as a table.

    By mirp, whose names they have (IBSI). Takes seconds to a minute a case; given again, it goes on where it stopped.
    """
    show_start()
    from autoseg.pipeline.faces import radiomics_face

    try:
        found = radiomics_face.measure_radiomics(
            masks,
            scans,
            out,
            labels=labels or (),
            spacing_mm=spacing_mm,
            bins=bins,
            wavelets=wavelets,
            normalization=normalization,
            bias_correction=bias_correction,
            mask=mask,
            channels=channels or (),
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show_measured(error.result)
        raise
    _show_measured(found)


def radiomics_compare(
    reference: Annotated[Path, typer.Argument(help="Features of one kind of masks: a table of `radiomics`.")],
    other: Annotated[Path, typer.Argument(help="Features of another kind of masks of the same scans.")],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="The file for all figures; tables (.csv, .md) lie beside it.")
    ] = Path("radiomics.json"),
    outcomes: Annotated[
        Path | None, typer.Option(help="A table with the column case, and what else is known of the cases.")
    ] = None,
    outcome: Annotated[str, typer.Option(help="The column of two values that a classifier is to tell.")] = "",
    positive: Annotated[str, typer.Option(help="The value that counts as having it; else the last one, as 1.")] = "",
    by: Annotated[str, typer.Option("--by", help="A column of groups to look at apart, such as pre and post.")] = "",
    coefficient: Annotated[Literal["ccc", "icc"], typer.Option(help="Measure by which features are kept.")] = "ccc",
    cutoff: Annotated[float, typer.Option(help="Features whose coefficient is above it are kept.")] = 0.8,
    folds: Annotated[int, typer.Option(help="Parts of the classifier's cross-validation.")] = 5,
    seed: Annotated[int, typer.Option(help="Seed of these parts.")] = 0,
) -> None:
    """Compare features of two kinds of masks: which agree, and whether a classifier does worse on one of them."""
    show_start()
    from autoseg.pipeline.faces import radiomics_face
    from autoseg.pipeline.radiomics.comparing import place_features
    from autoseg.pipeline.statistics.tables import place_markdown

    found = radiomics_face.compare_radiomics(
        reference,
        other,
        out,
        outcomes=outcomes,
        outcome=outcome,
        positive=positive,
        by=by,
        coefficient=coefficient,
        cutoff=cutoff,
        folds=folds,
        seed=seed,
    )
    _show_compared(found)
    show_written((("All figures", out), ("Features", place_features(out)), ("Text", place_markdown(out))))


def _show_measured(found: MeasuredFeatures) -> None:
    kept = f", {found.kept} of them as they were" if found.kept else ""
    console.print(f"{found.features} features of {counted(found.cases, 'case')}{kept}: {shorten_path(found.table)}")
    if found.empty:
        console.print(f"{counted(len(found.empty), 'mask is', 'masks are')} empty ({some_of(list(found.empty))}).")


def _show_compared(found: RadiomicsComparison) -> None:
    from autoseg.pipeline.radiomics.comparing import AREAS, SHARES, area_rows, share_rows

    measure = "CCC" if found.coefficient == "ccc" else "ICC(3,1)"
    title = f"{counted(len(found.cases), 'case')}: features of {measure} above {found.cutoff:g}"
    show_table(mark_title(title, found.simulated), SHARES, share_rows(found))
    if found.areas:
        title = f"Area under the ROC curve, {counted(found.used, 'feature')}"
        show_table(mark_title(title, found.simulated), AREAS, area_rows(found))
    for remark in found.remarks:
        console.print(f"- {remark}", soft_wrap=True)
