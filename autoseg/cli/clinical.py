"""Commands about lesions as stroke research measures them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from autoseg.cli.data_options import MaskOption
from autoseg.cli.display import TerminalProgress, console, show_table
from autoseg.cli.written import show_written
from dataset_fingerprints.errors import PartlyDoneError
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.pipeline.clinical.loads import LoadResult

MasksArgument = Annotated[
    Path, typer.Argument(help="A mask, a folder of masks, or a data set, of which the label maps are meant.")
]
LesionOption = Annotated[
    list[int] | None, typer.Option("--label", help="A value that means lesion; repeatable. Else all but 0.")
]
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
    "max injury %": "max slice %",
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
    from autoseg.pipeline import clinical_face

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


def _show_loads(result: LoadResult, out: Path) -> None:
    from autoseg.pipeline.clinical.loads import make_agreement_table, make_load_table
    from autoseg.pipeline.clinical.places import beside

    table = make_load_table(result)
    rows = [[row[column] for column in _LOAD_COLUMNS] for row in table.rows if "region" in row]
    show_table(f"Lesion load: {counted(len(rows), 'row')}", tuple(_LOAD_COLUMNS.values()), rows[:_SHOWN])
    if len(rows) > _SHOWN:
        console.print(f"... and {len(rows) - _SHOWN} more in the table.")
    for row in table.rows:
        if row["warnings"] and "region" in row:
            console.print(f"{row['case']}, {row['region']}: {row['warnings']}", soft_wrap=True)
    if result.agreement:
        agreement = make_agreement_table(result)
        names = agreement.columns[:-1]
        shown = [[row[column] for column in names] for row in agreement.rows]
        show_table("Masks against references", ("region", *names[1:]), shown)
    others = [(what.capitalize(), beside(out, what)) for what in ("slices", "agreement")]
    show_written((("Table", out), *(others if result.agreement else others[:1])))
