"""The public functions of `radiomics` and `radiomics-compare`, as `import autoseg` offers them.

They have a verb in front of these names: `autoseg.radiomics` is a package.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.pipeline.faces.arguments import (
    INTEGERS,
    NORMALIZATION,
    PATH,
    TEXT,
    WHOLE_NUMBER,
    Kind,
    Normalization,
    as_several,
    check_argument,
    check_arguments,
)
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import DataError

if TYPE_CHECKING:
    from autoseg.pipeline.radiomics.comparing import RadiomicsComparison
    from autoseg.pipeline.radiomics.measuring import MeasuredFeatures
    from autoseg.pipeline.radiomics.outcomes import OutcomeChoice
    from autoseg.radiomics.agreement import CoefficientName

__all__ = ["compare_radiomics", "measure_radiomics"]

_COEFFICIENT = Kind(lambda value: value in ("ccc", "icc"), "ccc or icc")


def measure_radiomics(
    masks: Location,
    scans: Location,
    out: Location,
    *,
    labels: Sequence[int] = (),
    spacing_mm: float = 1.0,
    bins: int = 32,
    wavelets: bool = True,
    normalization: Normalization = "none",
    bias_correction: bool = False,
    mask: str = "",
    channels: Sequence[str] = (),
    progress: Progress | None = None,
) -> MeasuredFeatures:
    """Measure shape, intensities and texture of every case's region, hundreds of features, as a table.

    Features are those of mirp, and have its names (IBSI). A case takes seconds to a minute. Called again, it goes on
    with the cases whose mask, scan or options are others.

    Args:
        masks: a mask, a folder of masks, or a data set with label maps.
        scans: a scan, a folder of scans, or a data set, with the same names.
        out: the table to write (.csv), a line per case.
        labels: values that are the region; empty for all but 0 and what a data set ignores.
        spacing_mm: edge of the cubic voxels that scan and mask are resampled to, in mm.
        bins: grey levels that textures are counted in.
        wavelets: measure in the sub-bands of a wavelet, too.
        normalization: of the scans' intensities, before: `none`, `white_stripe` or `zscore_body`.
        bias_correction: take out the shading of the coil before that (N4).
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        channels: of a tree or a CSV, the image that is meant.
        progress: receiver of progress reports; None for none.

    Returns:
        The path of the table, and the numbers of its cases and features.

    Raises:
        DataError: mirp is not installed, no mask has a scan of its name, or no case can be measured.
        PartlyDoneError: some cases cannot be measured; its `result` is about the others, which are written.

    Examples:
        >>> found = autoseg.measure_radiomics("MASKS", "SCANS", "features.csv", normalization="zscore_body")
        >>> found.cases, found.features
    """
    check_arguments(locals())
    for name, place in (("masks", masks), ("scans", scans), ("out", out)):
        check_argument(name, place, PATH)
    check_argument("labels", labels, INTEGERS)
    check_argument("normalization", normalization, NORMALIZATION)
    if bias_correction and normalization == "none":
        raise DataError("--bias-correction is given without --normalization. Give white_stripe or zscore_body with it.")
    from autoseg.pipeline.radiomics.measuring import MeasuringOptions
    from autoseg.pipeline.radiomics.measuring import measure_radiomics as run
    from autoseg.radiomics import RadiomicsOptions
    from dataset_fingerprints.layouts import Selection
    from planners.choices import Choice

    options = MeasuringOptions(
        features=RadiomicsOptions(spacing_mm=float(spacing_mm), bins=index(bins), wavelets=wavelets),
        values=tuple(map(index, as_several(labels))),
        normalization=Choice(name=normalization, options={"bias_correction": True} if bias_correction else {}),
        masks=Selection(mask=mask),
        channels=as_several(channels),
    )
    places = (Path(masks).absolute(), Path(scans).absolute(), Path(out).absolute())
    return run(*places, options, progress or SilentProgress())


def compare_radiomics(
    reference: Location,
    other: Location,
    out: Location,
    *,
    outcomes: Location | None = None,
    outcome: str = "",
    positive: str = "",
    by: str = "",
    coefficient: CoefficientName = "ccc",
    cutoff: float = 0.8,
    folds: int = 5,
    seed: int = 0,
) -> RadiomicsComparison:
    """Compare features of two kinds of masks: which agree, and whether a classifier does worse on one of them.

    Args:
        reference: features of one kind of masks, such as those of readers: a table of `measure_radiomics`.
        other: features of another kind of masks of the same scans, such as a model's.
        out: a file to write all figures into (.json); tables (.csv, .md) lie beside it.
        outcomes: a table with the column case, and what else is known of the cases; None for none.
        outcome: its column of two values that a classifier is to tell; empty for no classifier.
        positive: the value that counts as having it; empty for the last one, as 1.
        by: its column of groups to look at apart, such as pre and post; empty for none.
        coefficient: by which features are kept: `ccc`, Lin's concordance, or `icc`, ICC(3,1).
        cutoff: features whose coefficient is above it are kept, from 0 to less than 1.
        folds: parts of the classifier's cross-validation.
        seed: of these parts.

    Returns:
        Agreement of each feature, the shares of those that are kept, and areas under ROC curves with their tests.

    Raises:
        DataError: the tables have no cases or features in common, or the outcomes cannot be used; or `out` is a file
            of something else.

    Examples:
        >>> found = autoseg.compare_radiomics("reader.csv", "model.csv", "radiomics.json")
        >>> found.shares["all"]
    """
    check_arguments(locals())
    for name, place in (("other", other), ("out", out)):
        check_argument(name, place, PATH)
    check_argument("by", by, TEXT)
    check_argument("coefficient", coefficient, _COEFFICIENT)
    check_argument("folds", folds, WHOLE_NUMBER)
    from autoseg.pipeline.radiomics.comparing import ComparingOptions
    from autoseg.pipeline.radiomics.comparing import compare_radiomics as run

    options = ComparingOptions(
        outcome=_choose_outcome(outcomes, outcome, positive, by),
        coefficient=coefficient,
        cutoff=float(cutoff),
        folds=index(folds),
        seed=index(seed),
    )
    return run(Path(reference), Path(other), Path(out), options)


def _choose_outcome(outcomes: Location | None, outcome: str, positive: str, by: str) -> OutcomeChoice | None:
    """Return what is asked for of a table of outcomes; None where there is no table.

    Raises:
        DataError: the arguments do not go together.
    """
    from autoseg.pipeline.radiomics.outcomes import OutcomeChoice

    if outcomes is None and (outcome or positive or by):
        raise DataError("--outcome, --positive and --by are about a table. Give the table with --outcomes.")
    if positive and not outcome:
        raise DataError("--positive is a value of the outcome. Name its column with --outcome.")
    if outcomes is None:
        return None
    if not (outcome or by):
        raise DataError(f"{outcomes}: nothing is asked of it. Name a column with --outcome or --by.")
    return OutcomeChoice(path=Path(outcomes), column=outcome, positive=positive, by=by)
