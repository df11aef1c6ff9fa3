"""Maps of probabilities beside masks, as `predict --probabilities` writes them: one file per case and label."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from autoseg.evaluation.pairing import FilePair, Pairing
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.geometry import Grid, affine_distance_mm, show_lengths
from dataset_fingerprints.layouts.tree_files import walk_images
from dataset_fingerprints.names import counted, some_of
from dataset_fingerprints.reading.file_names import stem_of
from dataset_fingerprints.reading.images import read_channels
from dataset_fingerprints.tolerances import REPORTED_SHIFT

# How far a probability may miss 0 to 1 by rounding.
_ROUNDING = 1e-3
# Letters of any language, digits and plus signs say which label is meant.
_SIGNS = re.compile(r"[^\w+]|_")
# A label's name in the file name of a BIDS derivative: sub-01_label-lesion_probseg.
_BIDS = re.compile(r"(?:^|_)label-([^_]+)_probseg$", re.IGNORECASE)
_NOT_IN_BIDS = re.compile(r"[^A-Za-z0-9+]")


class MapSource(Protocol):
    """Whatever knows the probabilities of cases."""

    def read(self, pair: FilePair, label: int | str, grid: Grid, alone: bool) -> NDArray[np.float32]:
        """Return the (x, y, z) probabilities of a label; see `ProbabilityMaps`."""
        ...


@dataclass(frozen=True, kw_only=True, slots=True)
class ProbabilityMaps:
    """Files of probabilities by case.

    Attributes:
        folder: where they were found.
        files: of a case, by what its file names say of the label; empty where they say nothing.
        names: of labels, by their values.
        plain: cases that were read and whose map holds nothing between 0 and 1.
    """

    folder: Path
    files: Mapping[str, Mapping[str, Path]]
    names: Mapping[int | str, str]
    plain: set[str] = field(default_factory=set)

    def read(self, pair: FilePair, label: int | str, grid: Grid, alone: bool) -> NDArray[np.float32]:
        """Read the probabilities of a label, (x, y, z).

        Args:
            pair: the case.
            label: a label's value or a region's name.
            grid: of the reference.
            alone: whether it is the only label, so that a single file needs no name of it.

        Raises:
            DataError: there is no file, or it does not hold probabilities on this grid.
        """
        path = self._choose(pair.case, label, alone=alone)
        image = read_channels(path)
        own = image.grid()
        if own.shape != grid.shape or affine_distance_mm(own, grid) > REPORTED_SHIFT * min(grid.spacing_mm()):
            raise DataError(
                f"case {pair.case}: {path.name} is {show_lengths(own.shape)} voxels, or lies elsewhere than the "
                f"reference of {show_lengths(grid.shape)} voxels. Give the probabilities of this mask, on its grid."
            )
        values: NDArray[np.float32] = image.voxels[0]
        refuse_not_finite(path, values, "probabilities")
        low, high = float(values.min()), float(values.max())
        if len(image.voxels) != 1 or not (low >= -_ROUNDING and high <= 1 + _ROUNDING):
            raise DataError(
                f"{path}: holds {counted(len(image.voxels), 'volume')} with values from {low:.6g} to {high:.6g}. "
                "Expected one volume of probabilities, from 0 to 1."
            )
        if ((values == 0) | (values == 1)).all():
            self.plain.add(pair.case)
        return values

    def describe_plain(self) -> str:
        """Return in words that no map holds anything between 0 and 1; empty where one does, or none was read."""
        if not self.plain or self.plain != self.files.keys():
            return ""
        return (
            f"{self.folder}: its files hold 0 and 1 only, like masks: figures over all thresholds say nothing then. "
            "Expected probabilities, as `autoseg predict --probabilities` writes them"
        )

    def _choose(self, case: str, label: int | str, *, alone: bool) -> Path:
        files = self.files.get(case, {})
        if alone and len(files) == 1:
            ((called, path),) = files.items()
            # A region may be scored by the map of the only label that it is made of.
            others = [other for value, other in self.names.items() if isinstance(label, int) and value != label]
            if _plain(called) not in map(_plain, others):
                return path
        name = str(self.names.get(label, label))
        for wanted in (name, label, f"label{label}", *self._keep_latin(name)):
            fitting = [path for called, path in files.items() if _plain(called) == _plain(str(wanted))]
            if len(fitting) > 1:
                _refuse_several(case, fitting)
            if fitting:
                return fitting[0]
        found = f"only {some_of([path.name for path in files.values()], 5)}" if files else "none of this case"
        raise DataError(
            f"case {case}: no file in {self.folder} holds the probabilities of "
            f"{self.names.get(label, f'label {label}')}; {found}. Expected names such as {case}_lesion.nii.gz: name "
            "the labels with --name if the files have other names for them."
        )

    def _keep_latin(self, name: str) -> tuple[str, ...]:
        """Return what a BIDS derivative keeps of a name; nothing where it keeps nothing, or the same of another."""
        kept = [_NOT_IN_BIDS.sub("", other).casefold() for other in self.names.values()]
        short = _NOT_IN_BIDS.sub("", name)
        return (short,) if short and kept.count(short.casefold()) == 1 else ()


def find_maps(folder: Path, pairing: Pairing, names: Mapping[int | str, str]) -> ProbabilityMaps:
    """Find the maps of the cases of a pairing, in a folder and those below it.

    A file belongs to the case or mask that its name begins with, the longest such name.

    Raises:
        DataError: the folder does not exist, holds no map of any case, or several of one label of a case.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: is not a folder. Expected the maps that `autoseg predict --probabilities` writes.")
    owners = {name: pair.case for pair in pairing.pairs for name in _names_of(pair)}
    files: dict[str, dict[str, Path]] = defaultdict(dict)
    for parts, paths in walk_images(folder):
        for path in paths:
            owner = _find_owner((*parts, stem_of(path)), owners)
            if owner is not None:
                rest = stem_of(path) if "/" not in owner else "/".join((*parts, stem_of(path)))
                own, called = files[owners[owner]], _read_label(rest.removeprefix(owner))
                if called in own:
                    _refuse_several(owners[owner], (own[called], path))
                own[called] = path
    if not files:
        raise DataError(
            f"{folder}: holds no map of {some_of([pair.case for pair in pairing.pairs], 5)}. Expected names such as "
            f"{pairing.pairs[0].case}_lesion.nii.gz."
        )
    return ProbabilityMaps(folder=folder, files=_without_masks(files, pairing), names=names)


def _without_masks(files: Mapping[str, Mapping[str, Path]], pairing: Pairing) -> dict[str, Mapping[str, Path]]:
    """Return the maps without the masks that lie among them; a mask alone is a soft one, and its own map."""
    masks = {pair.case: pair.prediction.resolve() for pair in pairing.pairs}
    return {
        case: {called: path for called, path in own.items() if path.resolve() != masks[case]} or own
        for case, own in files.items()
    }


def refuse_not_finite(path: Path, values: NDArray[np.generic], expected: str) -> None:
    """Make sure that all voxels of a map are finite numbers.

    Raises:
        DataError: some are not.
    """
    strange = values.size - int(np.count_nonzero(np.isfinite(values)))
    if strange:
        voxels = counted(strange, "voxel that is not a finite number", "voxels that are not finite numbers")
        raise DataError(f"{path}: holds {voxels}. Expected {expected}, from 0 to 1.")


def _refuse_several(case: str, paths: Sequence[Path]) -> NoReturn:
    raise DataError(
        f"case {case}: {some_of([str(path) for path in paths], 3, ' and ')} are maps of one label. Keep one of them."
    )


def _names_of(pair: FilePair) -> Sequence[str]:
    """Return what the name of a map of a case may begin with."""
    stem = stem_of(pair.prediction)
    return (pair.case, stem, stem.removesuffix("_mask").removesuffix("_dseg").partition("_label-")[0])


def _find_owner(parts: Sequence[str], names: Container[str]) -> str | None:
    """Return the longest name that a file's path, or its name alone, is or begins with before an underscore."""
    for begun in ("/".join(parts), parts[-1]):
        while begun not in names and "_" in begun:
            begun = begun.rpartition("_")[0]
        if begun in names:
            return begun
    return None


def _read_label(rest: str) -> str:
    """Return what a file name says of the label behind the name of the case."""
    bids = _BIDS.search(rest)
    return bids.group(1) if bids else rest.removeprefix("_")


def _plain(name: str) -> str:
    return _SIGNS.sub("", name.casefold())
