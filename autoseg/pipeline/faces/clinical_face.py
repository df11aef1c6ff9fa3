"""The public functions about lesions as stroke research measures them, as `import autoseg` offers them.

They keep to what the module `face` says of all of them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from pathlib import Path
from typing import TYPE_CHECKING

from autoseg.pipeline.faces.arguments import INTEGERS, PATH, as_number, as_several, check_argument, check_arguments
from autoseg.pipeline.faces.located import Location
from autoseg.progress import Progress, SilentProgress
from dataset_fingerprints.errors import DataError, PartlyDoneError
from dataset_fingerprints.failures import Failure, list_failures
from dataset_fingerprints.names import counted

if TYPE_CHECKING:
    from autoseg.evaluation.lesion_matching import Connectivity
    from autoseg.pipeline.baselines import BaselineMasks
    from autoseg.pipeline.clinical.lesion_map import LesionMap
    from autoseg.pipeline.clinical.lesion_table import LesionTable
    from autoseg.pipeline.clinical.loads import LoadResult
    from autoseg.pipeline.clinical.recovery import RecoveryResult
    from dataset_fingerprints.geometry import TripleFloat


def lesion_load(
    masks: Location,
    rois: Sequence[Location],
    *,
    references: Location | None = None,
    labels: Sequence[int] = (),
    roi_maximum: float | None = None,
    same_space: bool = False,
    mask: str = "",
    out: Location | None = None,
    progress: Progress | None = None,
) -> LoadResult:
    """Measure how much of regions of interest, such as the corticospinal tract, the lesions of masks take.

    Args:
        masks: a mask, a folder of masks, or a data set with label maps, in the space of the regions.
        rois: files of regions, masks or probabilities from 0 to 1, also as `NAME=FILE`.
        references: reference masks with the same names, on the same grids; None for none.
        labels: values that mean lesion; empty for all but 0 and what a data set ignores.
        roi_maximum: the value in the regions' files that means certainty, such as 100 for an atlas in percent.
        same_space: measure even where axes or names say that a mask is in the space of its scan.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        out: a file to write the table into (.csv), with the slices and the agreement beside it; None for none.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: a file cannot be read, or no case can be measured.
        PartlyDoneError: some cases cannot be measured; its `result` holds the others, which are written.
    """
    check_arguments(locals())
    check_argument("labels", labels, INTEGERS)
    if roi_maximum is not None and not 0 < roi_maximum < math.inf:
        raise DataError(f"--roi-maximum is {roi_maximum:g}. Expected more than 0, such as 100 for percent.")
    from autoseg.clinical.regions import read_regions
    from autoseg.pipeline.clinical.loads import LoadOptions, measure_loads
    from dataset_fingerprints.layouts import Selection

    named = [rois] if isinstance(rois, str | Path) else list(rois)
    regions = read_regions([str(roi) for roi in named], as_number(roi_maximum))
    options = LoadOptions(
        values=tuple(map(index, as_several(labels))), same_space=same_space, selection=Selection(mask=mask)
    )
    result = measure_loads(
        Path(masks),
        regions,
        None if references is None else Path(references),
        None if out is None else Path(out),
        options,
        progress or SilentProgress(),
    )
    _refuse_failures(result.failures, len({load.case for load in result.loads}), result)
    return result


def lesion_table(
    masks: Location,
    *,
    other: Location | None = None,
    labels: Sequence[int] = (),
    min_mm3: float = 0.0,
    connectivity: Connectivity = 26,
    midline_mm: float = 0.0,
    mask: str = "",
    out: Location | None = None,
    progress: Progress | None = None,
) -> LesionTable:
    """Count the lesions of masks, say where they lie and what pattern they make, and describe their volumes.

    Lesions are connected components, of which there are more than a rater would count.

    Args:
        masks: a mask, a folder of masks, or a data set with label maps.
        other: a region of cerebellum and brainstem in the masks' space, whose lesions have no side; None where that is
            not known.
        labels: values that mean lesion; empty for all but 0 and what a data set ignores.
        min_mm3: components below this volume do not count as lesions.
        connectivity: of voxels: by faces (6), also by edges (18), also by corners (26).
        midline_mm: x in the space of the header at which left and right meet: 0 in template space.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        out: a file to write the table into (.csv), with a picture of the volumes beside it; None for none.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: a file cannot be read, or no case can be measured.
        PartlyDoneError: some cases cannot be measured; its `result` holds the others, which are written.
    """
    check_arguments(locals())
    check_argument("labels", labels, INTEGERS)
    if connectivity not in (6, 18, 26):
        raise DataError(f"--connectivity is {connectivity}. Expected 6, 18 or 26.")
    if not 0 <= min_mm3 < math.inf:
        raise DataError(f"--min-mm3 is {min_mm3:g}. Expected 0 or more.")
    if not math.isfinite(midline_mm):
        raise DataError(f"--midline-mm is {midline_mm:g}. Expected a finite number.")
    from autoseg.clinical.patterns import Counting
    from autoseg.clinical.regions import read_regions
    from autoseg.pipeline.clinical.lesion_table import TableOptions, make_lesion_table
    from dataset_fingerprints.layouts import Selection

    region = None if other is None else read_regions([str(other)])[0]
    options = TableOptions(
        values=tuple(map(index, as_several(labels))),
        counting=Counting(min_mm3=float(min_mm3), connectivity=connectivity, midline_mm=float(midline_mm)),
        selection=Selection(mask=mask),
    )
    place = None if out is None else Path(out)
    result = make_lesion_table(Path(masks), region, place, options, progress or SilentProgress())
    _refuse_failures(result.failures, len(result.patterns), result)
    return result


def lesion_map(
    masks: Location,
    out: Location,
    *,
    template: Location | None = None,
    labels: Sequence[int] = (),
    same_space: bool = False,
    mask: str = "",
    progress: Progress | None = None,
) -> LesionMap:
    """Count in how many cases each voxel of a template lies in a lesion, and write images and a picture.

    Args:
        masks: a folder of masks, or a data set with label maps; all on the grid of one template.
        out: the folder for count.nii.gz, fraction.nii.gz and lesion_map.png.
        template: a brain in the same space to draw on; None for MNI152 where the masks lie in it.
        labels: values that mean lesion; empty for all but 0 and what a data set ignores.
        same_space: masks are in one space though their grids differ: lay them over each other by their headers, on the
            grid of the template, or of MNI152 with 2 mm.
        mask: of a tree with several kinds of label maps, a part of the names of those that are meant.
        progress: receiver of progress reports; None for none.

    Raises:
        DataError: the masks lie on several grids, or cannot be read, or the folder holds other people's files.
        PartlyDoneError: some masks cannot be read; its `result` is the map of the others, which is written.
    """
    check_arguments(locals())
    check_argument("out", out, PATH)
    check_argument("labels", labels, INTEGERS)
    from autoseg.pipeline.clinical.lesion_map import MapOptions, map_lesions
    from dataset_fingerprints.layouts import Selection

    options = MapOptions(
        values=tuple(map(index, as_several(labels))), same_space=same_space, selection=Selection(mask=mask)
    )
    place = None if template is None else Path(template)
    result = map_lesions(Path(masks), place, Path(out), options, progress or SilentProgress())
    _refuse_failures(result.failures, len(result.cases), result)
    return result


def recovery(
    table: Location,
    *,
    person: str = "",
    initial: str = "",
    follow_up: str = "",
    fitter_share: float = 0.5,
    out: Location | None = None,
) -> RecoveryResult:
    """Apply the proportional recovery rule, 0.7 x (66 - initial FMA-UE) + 0.4, to a table of scores.

    Args:
        table: a CSV or TSV with a line per person.
        person: its column of names; empty for the one that is called id, subject or alike.
        initial: its column of initial scores; empty for the one that is called initial, pre or alike.
        follow_up: its column of scores at 3 to 6 months, which may lack some; empty for the one called follow_up, post
            or alike.
        fitter_share: of the predicted recovery, what a person must reach to count as recovering by the rule.
        out: a file to write the table into (.csv); None for none.

    Raises:
        DataError: a column is missing, or a score is not a number.
    """
    check_arguments(locals())
    from autoseg.pipeline.clinical.recovery import RecoveryColumns, measure_recovery

    columns = RecoveryColumns(person=person, initial=initial, follow_up=follow_up)
    return measure_recovery(Path(table), columns, float(fitter_share), None if out is None else Path(out))


def baselines(
    scans: Location | Sequence[Location],
    out: Location,
    *,
    methods: Sequence[str] = (),
    seeds_mm: Sequence[Sequence[float]] = (),
    channels: Sequence[str] = (),
    overwrite: bool = False,
    progress: Progress | None = None,
) -> BaselineMasks:
    """Segment skull-stripped T1w scans by classical methods, and write a folder of masks for each, to be scored.

    Args:
        scans: a scan, a folder of scans, a CSV or a data set; or several of these.
        out: the folder for the folders of masks.
        methods: `threshold`, `kmeans`, `region_growing`, `graph_cut`, also with options: `threshold:sigmas=3`; empty
            for all.
        seeds_mm: of a single scan, the places (x, y, z) in mm that region growing begins from; empty for the one that
            the scan suggests.
        channels: of a tree or a CSV, the image that is meant.
        overwrite: replace masks that are there, which stay otherwise.
        progress: receiver of progress reports; None for none.

    Raises:
        PlanError: there is no such method or option.
        DataError: there are no scans, masks would lie on inputs, or all scans failed.
        PartlyDoneError: some scans failed; its `result` is about the others.
    """
    check_arguments(locals())
    check_argument("out", out, PATH)
    from autoseg.classical import choose_baselines
    from autoseg.pipeline.baselines import BaselineOptions, segment_classically

    places = [Path(scan).absolute() for scan in as_several(scans)]
    options = BaselineOptions(
        channels=as_several(channels), seeds_mm=tuple(map(_as_place, seeds_mm)), overwrite=overwrite
    )
    chosen = choose_baselines(as_several(methods))
    masks = segment_classically(places, Path(out).absolute(), chosen, options, progress or SilentProgress())
    _refuse_failures(masks.failures, masks.scans, masks)
    return masks


def _as_place(seed_mm: Sequence[float]) -> TripleFloat:
    """Return a place as three numbers.

    Raises:
        DataError: it is none.
    """
    if len(seed_mm) != 3 or not all(map(math.isfinite, seed_mm)):
        raise DataError(f"--seed {','.join(map(str, seed_mm))}: is no place. Expected three numbers in mm: 30,-20,12.")
    x, y, z = map(float, seed_mm)
    return (x, y, z)


def _refuse_failures(failures: Sequence[Failure], done: int, result: object) -> None:
    """Raise the failures of some cases, after all others are done."""
    if failures:
        total = counted(done + len(failures), "case")
        message = f"{len(failures)} of {total} cannot be done.\n{list_failures(failures)}"
        raise PartlyDoneError(message, result=result)
