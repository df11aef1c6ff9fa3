"""Commands about lesions as stroke research measures them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.options.data_options import MaskOption
from autoseg.cli.results.written import show_written
from autoseg.cli.terminal.display import TerminalProgress, console, show_table
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.names import counted
from dataset_fingerprints.simulated import mark_title

if TYPE_CHECKING:
    from autoseg.pipeline.clinical.lesion_map import LesionMap
    from autoseg.pipeline.clinical.lesion_table import LesionTable
    from autoseg.pipeline.clinical.loads import LoadResult

MasksArgument = Annotated[
    Path, typer.Argument(help="A mask, a folder of masks, or a data set, of which the label maps are meant.")
]
LesionOption = Annotated[
    list[int] | None,
    typer.Option("--label", help="A value that means lesion; repeatable. Else all but 0 and what is ignored."),
]
_FIGURE = re.compile(r"-?[0-9]+\.[0-9]{3}")
# Rows of a table on a terminal; all are in the file.
_SHOWN = 20
# Columns of the loads that are shown on a terminal, by their name in the file.
_LOAD_COLUMNS = {
    "case": "case",
    "region": "region",
    "lesion ml": "lesion ml",
    "overlap ml": "overlap ml",
    "% of region": "%",
    "weighted load ml": "weighted ml",
    "max injury %": "max injury %",
}
# Those of the agreement.
_AGREEMENT_COLUMNS = {
    "case": "region",
    "measure": "measure",
    "mean": "masks",
    "mean of reference": "references",
    "MAE": "MAE",
    "bias": "bias",
    "ICC(2,1)": "ICC(2,1)",
    "CCC": "CCC",
}


def lesion_load(
    masks: MasksArgument,
    rois: Annotated[
        list[str],
        typer.Option(
            "--roi",
            help="A region in the masks' space, such as the corticospinal tract: a mask, or probabilities from 0 to 1; "
            "FILE or NAME=FILE. Repeatable.",
        ),
    ],
    references: Annotated[
        Path | None,
        typer.Option("--references", "-r", help="Reference masks with the same names; adds the errors of the load."),
    ] = None,
    out: Annotated[Path, typer.Option("--out", "-o", help="The table to write.")] = Path("lesion-load.csv"),
    labels: LesionOption = None,
    roi_maximum: Annotated[
        float | None, typer.Option(help="The value in a region's file that means certainty: 100 for percent.")
    ] = None,
    same_space: Annotated[
        bool, typer.Option("--same-space", help="Measure even where a mask seems to be in the space of its scan.")
    ] = False,
    mask: MaskOption = "",
) -> None:
    """Measure the lesion load: how much of a region, such as the corticospinal tract, lesions take.

    Overlap in ml and percent of the region, where a probabilistic region counts by its weights; the load weighted by
    the cross-section of each slice (Feng 2015); the largest injury of a transverse slice in percent; and the maximum
    weighted cross-sectional load.

    Regions are your own files, and masks must lie in their space: none come with autoseg. The PALS toolbox has the
    corticospinal tract and others for ATLAS' template (github.com/npnl/PALS); the S-MATT tracts come from
    lrnlab.org. Both under their own terms.
    """
    from autoseg.pipeline.faces import clinical_face

    try:
        result = clinical_face.lesion_load(
            masks,
            rois,
            references=references,
            out=out,
            labels=labels or (),
            roi_maximum=roi_maximum,
            same_space=same_space,
            mask=mask,
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show_loads(error.result, out)
        raise
    _show_loads(result, out)


def lesion_table(
    masks: MasksArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The table to write.")] = Path("lesions.csv"),
    other: Annotated[
        Path | None,
        typer.Option(help="A region of cerebellum and brainstem in the masks' space, whose lesions have no side."),
    ] = None,
    min_mm3: Annotated[float, typer.Option(help="Components below this volume do not count as lesions.")] = 0.0,
    connectivity: Annotated[
        int, typer.Option(help="Voxels of one lesion touch by faces (6), also by edges (18), or also by corners (26).")
    ] = 26,
    midline_mm: Annotated[float, typer.Option(help="x at which left and right meet; 0 in template space.")] = 0.0,
    labels: LesionOption = None,
    mask: MaskOption = "",
) -> None:
    """Count lesions, with volume, side and pattern of every case, and the distribution of volumes.

    Patterns are those of ATLAS: one lesion (left, right, other) or several (unilateral, bilateral, other), where other
    means cerebellum or brainstem and needs --other. Lesions are counted as connected components: a rater, who may call
    several of these one lesion, counts fewer. Sides are told at x = 0 of the header, which is the midline in template
    space.
    """
    from autoseg.pipeline.faces import clinical_face

    try:
        result = clinical_face.lesion_table(
            masks,
            other=other,
            labels=labels or (),
            min_mm3=min_mm3,
            connectivity=connectivity,  # type: ignore[arg-type]  # looked at there
            midline_mm=midline_mm,
            mask=mask,
            out=out,
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show_lesions(error.result, out, known=other is not None)
        raise
    _show_lesions(result, out, known=other is not None)


def lesion_map(
    masks: MasksArgument,
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for the map.")] = Path("lesion-map"),
    template: Annotated[
        Path | None, typer.Option(help="A brain in the masks' space to draw on; else MNI152 where they lie in it.")
    ] = None,
    labels: LesionOption = None,
    same_space: Annotated[
        bool,
        typer.Option("--same-space", help="Masks are in one space though their grids differ: go by their headers."),
    ] = False,
    mask: MaskOption = "",
) -> None:
    """Map how many cases have a lesion at each voxel of a template: images of number and share, and a picture.

    All masks must lie on one grid, that of the template: register scans in their own space first.
    """
    from autoseg.pipeline.faces import clinical_face

    try:
        result = clinical_face.lesion_map(
            masks,
            out,
            template=template,
            labels=labels or (),
            same_space=same_space,
            mask=mask,
            progress=TerminalProgress(),
        )
    except PartlyDoneError as error:
        _show_map(error.result)
        raise
    _show_map(result)


def recovery(
    scores: Annotated[Path, typer.Argument(help="A CSV or TSV with a person, an initial and a later FMA-UE per line.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The table to write.")] = Path("recovery.csv"),
    person: Annotated[str, typer.Option("--id", help="The column of names; else id, subject or alike.")] = "",
    initial: Annotated[str, typer.Option(help="The column of initial scores; else initial, pre or alike.")] = "",
    follow_up: Annotated[str, typer.Option(help="That of later scores; else follow_up, post or alike.")] = "",
    fitter_share: Annotated[
        float, typer.Option(help="Of the predicted recovery, what counts as recovering by the rule.")
    ] = 0.5,
) -> None:
    """Compare recovery with the proportional recovery rule: 0.7 x (66 - initial FMA-UE) + 0.4 points.

    The rule describes groups. Where the line between those who follow it and those who do not is drawn is a choice
    (--fitter-share), and the correlation of recovery with the initial score is inflated, as one is computed from the
    other.
    """
    from autoseg.pipeline.clinical.recovery import make_recovery_table
    from autoseg.pipeline.faces import clinical_face

    result = clinical_face.recovery(
        scores, person=person, initial=initial, follow_up=follow_up, fitter_share=fitter_share, out=out
    )
    table = make_recovery_table(result)
    columns = table.columns[:-1]
    rows = [[row[column] or "-" for column in columns] for row in table.rows]
    show_table("Proportional recovery, FMA-UE points", ("id", *columns[1:]), rows[:_SHOWN])
    _say_more(len(rows))
    if (summary := result.summary) is not None:
        console.print(
            f"{counted(summary.persons, 'person', 'people')} with both scores: {summary.fitters} recovered at least "
            f"{100 * fitter_share:.0f} % of what the rule predicts. Mean predicted {summary.mean_predicted:.1f}, "
            f"observed {summary.mean_observed:.1f} points; mean absolute error {summary.mean_absolute_error:.1f}.",
            soft_wrap=True,
        )
    show_written((("Table", out),))


def _say_more(rows: int) -> None:
    if rows > _SHOWN:
        console.print(f"... and {rows - _SHOWN} more in the table.")


def _show_loads(result: LoadResult, out: Path) -> None:
    from autoseg.pipeline.clinical.loads import make_agreement_table, make_load_table
    from autoseg.pipeline.clinical.places import beside

    table = make_load_table(result)
    rows = [[_shorten(row[column]) for column in _LOAD_COLUMNS] for row in table.rows if "region" in row]
    title = mark_title(f"Lesion load: {counted(len(rows), 'row')}", result.simulated)
    show_table(title, tuple(_LOAD_COLUMNS.values()), rows[:_SHOWN])
    _say_more(len(rows))
    for row in table.rows:
        if row["warnings"] and "region" in row:
            console.print(f"{row['case']}, {row['region']}: {row['warnings']}", soft_wrap=True)
    if result.agreement:
        agreement = make_agreement_table(result)
        shown = [[_shorten(row[column]) for column in _AGREEMENT_COLUMNS] for row in agreement.rows]
        title = mark_title("Masks against references", result.simulated)
        show_table(title, tuple(_AGREEMENT_COLUMNS.values()), shown)
    others = [(what.capitalize(), beside(out, what)) for what in ("slices", "agreement")]
    show_written((("Table", out), *(others if result.agreement else others[:1])))


def _shorten(figure: str) -> str:
    """Return a figure of the file with two decimals; other texts as they are."""
    return f"{float(figure):.2f}" if _FIGURE.fullmatch(figure) else figure


def _show_lesions(result: LesionTable, out: Path, *, known: bool) -> None:
    from autoseg.clinical.volumes import name_bins

    cases = len(result.patterns)
    counts = [(name, str(count), f"{100 * count / cases:.1f}") for name, count in result.counts.items()]
    shown = [row for row in counts if known or "other" not in row[0]]
    title = mark_title(f"Lesions of {counted(cases, 'case')}, counted as components", result.simulated)
    show_table(title, ("pattern", "cases", "%"), shown)
    if not known:
        console.print("Cerebellum and brainstem are not told apart: --other gives a region of them.")
    if (volumes := result.volumes) is not None:
        bins = [(name, str(count)) for name, count in zip(name_bins(), volumes.bins, strict=True)]
        show_table(mark_title("Lesion volumes", result.simulated), ("ml", "cases"), bins)
        parts = ", ".join(f"{value:.3g} (p{part})" for part, value in volumes.percentiles.items())
        console.print(
            f"{volumes.smallest:.3g} to {volumes.largest:.3g} ml, mean {volumes.mean:.3g}; {parts}"
            + (f"; {counted(volumes.empty, 'case')} without a lesion." if volumes.empty else "."),
            soft_wrap=True,
        )
    if result.doubts:
        case, doubt = next(iter(result.doubts.items()))
        more = f" The same holds for {len(result.doubts) - 1} more, see the table." if len(result.doubts) > 1 else ""
        console.print(f"{case}: {doubt}{more}", soft_wrap=True)
    show_written((("Table", out), ("Picture", result.picture)))


def _show_map(result: LesionMap) -> None:
    most, cases = int(result.counts.max()), len(result.cases)
    place = ", ".join(f"{value:.0f}" for value in result.most_at_mm)
    console.print(
        mark_title(f"{counted(cases, 'case')}: at most {most} ({100 * most / cases:.0f} %) ", result.simulated)
        + f"have a lesion in one place, such as ({place}) mm."
        + (f" Without a lesion: {len(result.empty)}." if result.empty else ""),
        soft_wrap=True,
    )
    behind = f"the picture shows {result.drawn_on}" if result.drawn_on else "there is no brain behind it (--template)"
    console.print(f"Several scans of one person count as several cases; {behind}.", soft_wrap=True)
    count, fraction, picture = result.files
    show_written((("Number of cases", count), ("Share of cases", fraction), ("Picture", picture)))
