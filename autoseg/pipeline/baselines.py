"""`baselines`: masks of scans by classical methods, a folder for each, for `evaluate` to score beside a model's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from autoseg.classical import Baseline, BrainScan
from autoseg.classical.region_growing import RegionGrowingOptions
from autoseg.hardware import count_cores
from autoseg.pipeline.outputs import (
    refuse_inputs,
    refuse_names,
    refuse_no_folder,
    refuse_no_place,
    refuse_raw,
    refuse_read_only,
    refuse_reserved,
)
from autoseg.pipeline.predictions.inputs import Search, find_inputs
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.failures import Failure, attempt, list_failures
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.geometry import TripleFloat, canonical_grid
from dataset_fingerprints.layouts import SIMULATION, Selection, find_marks
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.names import counted
from dataset_fingerprints.reading.images import write_label_map

CHANNEL = "T1w"
# Brains are 1 to 2 l; a head, or a box that nothing is cut away from, is more.
_LARGEST_BRAIN_ML = 2500.0


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineOptions:
    """Options of segmenting classically; all have a default.

    Attributes:
        channels: of a tree or a CSV, the image that is meant.
        seeds_mm: places in the space of the header that region growing begins from; only of a single scan.
        overwrite: replace masks that are there.
    """

    channels: tuple[str, ...] = ()
    seeds_mm: tuple[TripleFloat, ...] = ()
    overwrite: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class BaselineMasks:
    """Masks of all scans by all methods.

    Attributes:
        folders: of the masks, by method.
        scans: number of those that have their masks now.
        kept: masks that were there before, and stay.
        simulated: whether the scans are simulated.
    """

    folders: Mapping[str, Path]
    scans: int
    kept: int
    failures: tuple[Failure, ...] = ()
    warnings: tuple[str, ...] = ()
    simulated: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class _Work:
    """What is done with each scan."""

    methods: Mapping[str, Baseline]
    folders: Mapping[str, Path]
    options: BaselineOptions

    def missing(self, scan: NewScan) -> list[str]:
        """Return the methods by which a scan has no mask yet."""
        return [name for name in self.methods if self.options.overwrite or not self.place(name, scan).exists()]

    def place(self, method: str, scan: NewScan) -> Path:
        """Return the path of a mask."""
        return self.folders[method] / f"{scan.name}{scan.mask_suffix()}"


def segment_classically(
    scans: Sequence[Path], out: Path, methods: Mapping[str, Baseline], options: BaselineOptions, progress: Progress
) -> BaselineMasks:
    """Segment scans by classical methods, and write `out/METHOD/CASE.nii.gz`.

    Args:
        scans: files, folders or data sets, as for `predict`.
        out: the folder for the folders of masks.
        methods: by their names.
        options: of the work.
        progress: receiver of progress reports.

    Raises:
        DataError: there are no scans, masks would lie on inputs, or all scans failed.
    """
    _refuse_place(out, methods)
    search = Search(selection=Selection(channels=options.channels))
    found = find_inputs(scans, (CHANNEL,), search, out).scans()
    _refuse_seeds(methods, options, len(found))
    work = _Work(methods=methods, folders={name: out / folder_of(name) for name in methods}, options=options)
    for name, folder in work.folders.items():
        places = [work.place(name, scan) for scan in found]
        refuse_names(folder, [place.name for place in places])
        refuse_inputs(places, [file for scan in found for file in scan.files()], "one of the scans")
    with progress.task("Segmenting by classical methods", len(found)) as task:

        def segment(scan: NewScan) -> tuple[int, str] | Failure:
            outcome = attempt(scan.name, "cannot be segmented", lambda: _segment(scan, work))
            task.advance()
            return outcome

        with ThreadPoolExecutor(max_workers=count_cores()) as pool:
            outcomes = list(pool.map(segment, found))
    failures = tuple(one for one in outcomes if isinstance(one, Failure))
    if len(failures) == len(found):
        raise DataError(f"{counted(len(found), 'scan')}: none can be segmented.\n{list_failures(failures)}")
    done = [one for one in outcomes if not isinstance(one, Failure)]
    made = sum(count for count, _ in done)
    simulated = find_marks(file for scan in found for file in scan.files()).simulated
    if simulated:
        _mark(work.folders.values())
    return BaselineMasks(
        folders=work.folders,
        scans=len(done),
        kept=len(done) * len(methods) - made,
        failures=failures,
        warnings=tuple(warning for _, warning in done if warning),
        simulated=simulated,
    )


def _mark(folders: Iterable[Path]) -> None:
    """Leave a file beside masks that says that their scans are simulated; nobody else's file is replaced."""
    for folder in folders:
        place = folder / SIMULATION
        if folder.is_dir() and not place.exists():
            write_json(place, {"simulated": True})


def folder_of(method: str) -> str:
    """Return the name of a method's folder: disks of Windows take no colon."""
    return method.replace(":", "-").replace(",", "-").replace("=", "")


def _refuse_place(out: Path, methods: Mapping[str, Baseline]) -> None:
    refuse_no_place(out)
    refuse_read_only(out)
    refuse_no_folder(out, "for the masks", len(methods))
    refuse_reserved(out)
    refuse_raw(out, None)


def _segment(scan: NewScan, work: _Work) -> tuple[int, str]:
    """Write the masks of a scan that are missing, and return their number and a warning."""
    missing = work.missing(scan)
    if not missing:
        return 0, ""
    read = read_scan(scan.name, scan.images, (CHANNEL,))
    grid = canonical_grid(read.source_grid)
    seen = BrainScan(voxels=read.voxels[0], brain=read.body, spacing_mm=grid.spacing_mm())
    for name in missing:
        whole = np.zeros(grid.shape, dtype=np.uint8)
        method = _place_seeds(scan.name, work.methods[name], read, work.options.seeds_mm)
        whole[read.box.slices()] = method.segment(seen)
        place = work.place(name, scan)
        place.parent.mkdir(parents=True, exist_ok=True)
        write_label_map(place, whole, read.source_grid, read.header)
    volume_ml = float(np.count_nonzero(seen.brain)) * float(np.prod(seen.spacing_mm)) / 1000.0
    return len(missing), _doubt(scan.name, volume_ml)


def _refuse_seeds(methods: Mapping[str, Baseline], options: BaselineOptions, scans: int) -> None:
    grows = any(isinstance(method, RegionGrowingOptions) for method in methods.values())
    if options.seeds_mm and not (grows and scans == 1):
        found = counted(scans, "scan") if grows else f"no region_growing among {', '.join(methods)}"
        raise DataError(
            f"--seed: there is {found}. Expected one scan and the method region_growing: a seed is a place in a scan."
        )


def _place_seeds(case: str, method: Baseline, scan: Scan, seeds_mm: Sequence[TripleFloat]) -> Baseline:
    """Return a method that grows from seeds with them as voxels of the scan's box; others as they are."""
    if not seeds_mm or not isinstance(method, RegionGrowingOptions):
        return method
    inverse = np.linalg.inv(canonical_grid(scan.source_grid).matrix())
    seeds = []
    for seed_mm in seeds_mm:
        voxel = np.rint(inverse[:3, :3] @ seed_mm + inverse[:3, 3]).astype(int) - scan.box.start
        x, y, z = map(int, voxel)
        if (voxel < 0).any() or (voxel >= scan.body.shape).any() or not scan.body[x, y, z]:
            raise DataError(
                f"case {case}: --seed {','.join(f'{place:g}' for place in seed_mm)} does not lie in the brain. "
                "Expected a place in mm in the space of the header, as viewers such as ITK-SNAP show it (RAS)."
            )
        seeds.append((x, y, z))
    return replace(method, seeds=tuple(seeds))


def _doubt(name: str, brain_ml: float) -> str:
    if brain_ml <= _LARGEST_BRAIN_ML:
        return ""
    return (
        f"{name}: {brain_ml:.0f} ml are not background, more than a brain. Classical methods take dark for lesion: "
        "remove skull and air first."
    )
