"""The public function of `weak-labels`, as `import autoseg` offers it and the command line calls it."""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.pipeline.faces.arguments import (
    NORMALIZATION,
    NUMBER,
    PATH,
    WHOLE_NUMBER,
    Normalization,
    as_several,
    check_argument,
    check_arguments,
)
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress

if TYPE_CHECKING:
    from autoseg.pipeline.weak_labels.labelling import WeakLabels


def weak_labels(
    patches: Location,
    scans: Location | Sequence[Location],
    out: Location,
    *,
    inside: Location | None = None,
    patch_scans: Location | None = None,
    size: int = 30,
    step: int = 4,
    levels: int = 8,
    cost: float = 10.0,
    normalization: Normalization = "none",
    seed: int = 0,
    channels: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> WeakLabels:
    """Label every voxel of scans by its texture, as a support vector machine learnt it from a few patches.

    A start where no label maps are. Called again, it goes on with the scans that have none yet.

    Args:
        patches: a table (CSV or TSV) of patches: scan, class, and x, y, z (the voxel of the file in the middle, from 0
            on) or x_mm, y_mm, z_mm; with width and height, x and y are the first corner of a box.
        scans: a scan, a folder of scans, a CSV or a data set; or several of these.
        out: the folder for the label maps, which is a data set by itself.
        inside: masks of what is labelled, such as lungs; None for all that is not background.
        patch_scans: the scans that the patches lie in; None where these are among `scans`.
        size: edge of the window around a voxel, in voxels of a slice.
        step: every so many voxels of a slice are classified; scores in between are interpolated.
        levels: grey levels that textures are counted in.
        cost: penalty of a patch on the wrong side of the border.
        normalization: of the scans' intensities, before: `none`, `white_stripe` or `zscore_body`; `none` suits CT.
        seed: of the parts of the cross-validation.
        channels: of a tree or a CSV, the image that is meant.
        overwrite: make label maps anew that are there.
        progress: receiver of progress reports; None for none.

    Returns:
        The folder, the classes with their values, and how many patches of other scans are given their class.

    Raises:
        DataError: there is nothing to learn or to label, or `out` holds something else.
        PartlyDoneError: some scans cannot be labelled; its `result` is about the others, which are written.

    Examples:
        >>> found = autoseg.weak_labels("patches.csv", "SCANS", "WEAK", inside="LUNGS")
        >>> found.values, found.rating.accuracy
    """
    given = dict(locals())
    # For other functions these are switches.
    check_argument("levels", given.pop("levels"), WHOLE_NUMBER)
    check_argument("cost", given.pop("cost"), NUMBER)
    check_argument("out", out, PATH)
    check_argument("normalization", normalization, NORMALIZATION)
    check_arguments(given)
    from autoseg.classical.texture import TextureOptions
    from autoseg.pipeline.weak_labels.labelling import label_weakly
    from autoseg.pipeline.weak_labels.options import WeakOptions
    from planners.choices import Choice

    options = WeakOptions(
        textures=TextureOptions(size=index(size), levels=index(levels)),
        step=index(step),
        cost=float(cost),
        seed=index(seed),
        normalization=Choice(name=normalization),
        channels=as_several(channels),
        inside=None if inside is None else Path(inside),
        patch_scans=None if patch_scans is None else Path(patch_scans),
        overwrite=overwrite,
    )
    places = [Path(scan) for scan in as_several(scans)]
    return label_weakly(Path(patches), places, Path(out).absolute(), options, progress or SilentProgress())
