"""Places of the masks that `predict` writes, checked before it works: none is a scan, or lies where data lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from autoseg.pipeline.outputs import (
    read_dataset_of,
    refuse_inputs,
    refuse_names,
    refuse_no_folder,
    refuse_no_place,
    refuse_raw,
    refuse_read_only,
    refuse_reserved,
    refuse_tree,
)
from autoseg.pipeline.predictions.bids import Derivative, make_derivative
from autoseg.pipeline.predictions.inputs import Inputs
from autoseg.pipeline.scans.new_scans import NewScan
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.places import find_around, group_by_folder, identify_place, identify_places, resolve
from dataset_fingerprints.measuring.identity import files_behind
from dataset_fingerprints.reading import nifti_header
from dataset_fingerprints.reading.images import is_image, suffix_of

_TWO_FILES = (".mhd", *nifti_header.PAIR_SUFFIXES)


@dataclass(frozen=True, kw_only=True, slots=True)
class Targets:
    """Places of masks.

    Attributes:
        paths: of the mask of each scan.
        folder: that they lie in, or below.
        named: whether a person gave the single mask's own name, beside which nobody expects more than a record.
        derivative: the BIDS derivative that they make; None for masks that are called after their scans.
    """

    paths: tuple[Path, ...]
    folder: Path
    named: bool
    derivative: Derivative | None = None


def choose_targets(inputs: Inputs, out: Path, workspace: Workspace | None, bids: LabelScheme | None = None) -> Targets:
    """Return where the mask of each scan goes.

    Args:
        inputs: the scans.
        out: a folder; for a single scan also the mask's own name.
        workspace: with the models; None for a model that lies alone.
        bids: the labels, for masks of BIDS trees that make a derivative; None for masks called after their scans.

    Raises:
        DataError: a mask would lie on or among scans, raw data or files of a workspace, or cannot have its name.
    """
    refuse_no_place(out)
    refuse_read_only(out)
    if suffix_of(out) in _TWO_FILES and not out.is_dir():
        raise DataError(
            f"{out}: {out.suffix} is one of two files, which cannot be replaced in one step. Write .nii.gz."
        )
    found = inputs.scans()
    targets = _name_targets(inputs, out, bids)
    if not targets.named:
        refuse_no_folder(out, "for the masks", len(found))
    for folder, own in group_by_folder(targets.paths).items():
        refuse_names(folder, [path.name for path in own])
    _refuse_in_the_way(targets)
    _refuse_scans(inputs, targets)
    refuse_reserved(targets.folder)
    refuse_raw(targets.folder, None if workspace is None else read_dataset_of(workspace))
    refuse_raw(targets.folder, None if workspace is None else read_dataset_of(workspace.unlabelled))
    return targets


def _name_targets(inputs: Inputs, out: Path, bids: LabelScheme | None) -> Targets:
    found = inputs.scans()
    if len(found) == 1 and is_image(out) and not out.is_dir():
        return Targets(paths=(out,), folder=out.parent, named=True)
    if bids is None or inputs.layout() != "bids":
        paths = tuple(out / f"{scan.name}{scan.mask_suffix()}" for scan in found)
        return Targets(paths=paths, folder=out, named=False)
    refuse_no_folder(out, "for the masks", len(found))
    derivative = make_derivative(out, [(one.place, scan) for one in inputs.all for scan in one.scans], bids)
    paths = tuple(derivative.mask(scan.name) for scan in found)
    return Targets(paths=paths, folder=out, named=False, derivative=derivative)


def _refuse_in_the_way(targets: Targets) -> None:
    """Refuse a folder in the place of a mask, and a file in the place of a folder of masks."""
    folders = [path for path in targets.paths if path.is_dir()]
    if folders:
        raise DataError(f"{folders[0]}: is a folder where a mask belongs. Move it away, or name another place with -o.")
    for folder in dict.fromkeys(path.parent for path in targets.paths):
        if folder != targets.folder:
            refuse_no_place(folder)
            if folder.is_file():
                raise DataError(
                    f"{folder}: is a file where a folder of masks belongs. Move it away, or name another place with -o."
                )


def _refuse_scans(inputs: Inputs, targets: Targets) -> None:
    """Refuse masks in the place of scans, or where they would be taken for scans."""
    images = [image for scan in inputs.scans() for image in scan.files()]
    # A mask that is named may lie beside its scan, but not where whole folders are predicted.
    places = [one.place for one in inputs.all if one.place.is_dir()]
    among = places if targets.named else list(dict.fromkeys(image.parent for image in images))
    identities, paths = identify_places(among), set(map(resolve, among))
    for folder in dict.fromkeys((targets.folder, *(path.parent for path in targets.paths))):
        if identify_place(folder) in identities or resolve(folder) in paths:
            raise DataError(
                f"{folder}: holds the scans, among which masks would be taken for scans. Name another folder with -o."
            )
    series = find_around(targets.folder, [image for image in images if image.is_dir()])
    if series is not None:
        raise DataError(f"{targets.folder}: lies in the DICOM series {series}. Name another folder with -o.")
    for one in inputs.all:
        if one.layout and one.place.is_dir() and _lie_below(one.scans, one.place):
            refuse_tree(targets.folder, one.place)
    refuse_inputs(
        targets.paths, (file for image in images for file in (image, *files_behind(image))), "one of the scans"
    )


def _lie_below(scans: Sequence[NewScan], place: Path) -> bool:
    files = [file for scan in scans for file in scan.files()]
    return all(file.parent != place and not file.is_dir() for file in files)
