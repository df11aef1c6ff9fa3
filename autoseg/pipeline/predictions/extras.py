"""Everything that is written for a scan beside its mask: maps, DICOM SEG, and what BIDS says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.outputs import refuse_inputs, refuse_names, refuse_no_place, refuse_read_only
from autoseg.pipeline.predictions import maps
from autoseg.pipeline.predictions.bids import Derivative
from autoseg.pipeline.predictions.dicom_seg import SegSource, can_write, is_own, place_seg, write_seg
from autoseg.pipeline.predictions.maps import NO_MAPS, MapFiles, name_parts
from autoseg.pipeline.predictions.places import PROBABILITIES, UNCERTAINTY, report_folder, report_of_mask
from autoseg.pipeline.predictions.targets import Targets
from autoseg.pipeline.scans.new_scans import NewScan
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.files.places import group_by_folder, identify_place
from dataset_fingerprints.reading.file_names import stem_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Extras:
    """Files of a scan beside its mask.

    Attributes:
        maps: of probabilities and uncertainty.
        seg: the path of the mask as DICOM SEG; None for scans that are not DICOM series.
        seg_source: the series that it refers to, where there is one.
        derivative: the BIDS derivative that the mask is part of; None for none.
        parts: names of the labels or regions whose probabilities are written.
        unwanted: places of maps that are not written now, where those of an earlier mask may lie.
    """

    maps: MapFiles = NO_MAPS
    seg: Path | None = None
    seg_source: SegSource | None = None
    derivative: Derivative | None = None
    parts: tuple[str, ...] = ()
    unwanted: tuple[Path, ...] = ()

    def complete(self, scan: str, mask: Path) -> None:
        """Write what follows from a mask that is there, where it is missing.

        Args:
            scan: its name.
            mask: its path.
        """
        if self.derivative is not None:
            self.derivative.write_sidecars(scan, self.parts)
        if self.seg is not None and self.seg_source is not None and not (self.seg.is_file() and is_own(self.seg)):
            write_seg(self.seg, mask, self.seg_source)

    def forget(self, scan: str) -> None:
        """Delete what follows from an earlier mask of a scan, before another one is written in its place."""
        if self.derivative is not None:
            self.derivative.forget(scan)
        if self.seg is not None and is_own(self.seg):
            self.seg.unlink(missing_ok=True)
        for place in self.unwanted:
            if identify_place(place) is not None:  # a name that is too long for a file costs no mask
                place.unlink(missing_ok=True)

    def paths(self) -> tuple[Path, ...]:
        """Return the paths of all files that are replaced in one step."""
        return (*self.maps.paths(), *filter(None, [self.seg]))


NO_EXTRAS = Extras()


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """A person's choice of what is written beside the masks.

    Attributes:
        uncertainty: the entropy.
        disagreement: that of several networks.
    """

    probabilities: bool = False
    uncertainty: bool = False
    disagreement: bool = False


NO_MORE = Wanted()


def choose_extras(
    found: Sequence[NewScan],
    targets: Targets,
    schemes: tuple[LabelScheme, LabelScheme],
    wanted: Wanted,
    series: str,
) -> tuple[Extras, ...]:
    """Return what is written beside the mask of each scan.

    Args:
        found: the scans.
        targets: places of their masks.
        schemes: of the labels that networks look for, and of those of masks.
        wanted: what a person chose.
        series: the text that names DICOM series.

    Raises:
        DataError: a file cannot have its name.
    """
    scheme, masks = schemes
    names = tuple(part.name for part in scheme.regions or scheme.labels)
    report = report_of_mask(targets.paths[0]) if targets.named else report_folder(targets.folder)
    chosen = []
    for scan, mask in zip(found, targets.paths, strict=True):
        every = MapFiles(
            probabilities=_place_probabilities(scan, mask, targets, report, names),
            entropy=_place(report / UNCERTAINTY, mask, targets, "entropy"),
            disagreement=_place(report / UNCERTAINTY, mask, targets, "disagreement"),
        )
        files = MapFiles(
            probabilities=every.probabilities if wanted.probabilities else (),
            entropy=every.entropy if wanted.uncertainty else None,
            disagreement=every.disagreement if wanted.disagreement else None,
        )
        folder = scan.files()[0]
        is_series = folder.is_dir()
        source = SegSource(case=scan.name, folder=folder, series=series, labels=masks.labels) if is_series else None
        chosen.append(
            Extras(
                maps=files,
                seg=place_seg(mask, stem_of(mask)) if is_series and can_write() else None,
                seg_source=source,
                derivative=targets.derivative,
                parts=names if wanted.probabilities else (),
                unwanted=tuple(path for path in every.paths() if path not in files.paths()),
            )
        )
    _refuse_places([path for one in chosen for path in one.paths()], found)
    return tuple(chosen)


def _place_probabilities(
    scan: NewScan, mask: Path, targets: Targets, report: Path, names: Sequence[str]
) -> tuple[Path, ...]:
    if targets.derivative is not None:
        return tuple(targets.derivative.probability(scan.name, name) for name in names)
    return tuple(_place(report / PROBABILITIES, mask, targets, name) for name in name_parts(names))


def _place(folder: Path, mask: Path, targets: Targets, what: str) -> Path:
    """Return the path of a map, below a folder as the mask lies below that of the masks."""
    below = mask.parent.relative_to(targets.folder)
    stem = mask.name.removesuffix("_mask.nii.gz").removesuffix("_dseg.nii.gz") if targets.derivative else stem_of(mask)
    return folder / ("" if targets.derivative else below) / f"{stem}_{what}{maps.SUFFIX}"


def _refuse_places(paths: Sequence[Path], found: Sequence[NewScan]) -> None:
    """Refuse places that cannot be written to, names that files cannot have, and scans in the place of what is made."""
    for folder, own in group_by_folder(paths).items():
        refuse_no_place(folder)
        refuse_read_only(folder)
        refuse_names(folder, [path.name for path in own])
    refuse_inputs(paths, (file for scan in found for file in scan.files()), "one of the scans")
