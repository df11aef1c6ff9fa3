"""A trained model in a program of your own: scans or arrays in, labels and probabilities out."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autoseg.hardware import give_freed_memory_back
from autoseg.models.lesion_classifier import LesionClassifier
from autoseg.models.predicted_dice import DiceCalibration, DiceEstimate
from autoseg.prediction.cascade import is_single_network
from autoseg.prediction.compact import MOST_BYTES, MembersCompactor
from autoseg.prediction.deciding import USUAL, Decision, decide
from autoseg.prediction.inputs import SharedInputs, predict_with
from autoseg.prediction.memory import Memory
from autoseg.prediction.probabilities import Predictor, Probabilities, Slab, select_targets
from autoseg.prediction.quantised import NetworkQuantiser
from autoseg.prediction.segmented import Segmented, list_members
from autoseg.prediction.spread import Uncertainty, UncertaintyMaps
from autoseg.prediction.tally import Tallier
from dataset_fingerprints.checking.formats import describe_unsized, is_unsized
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.errors import DataError, did_you_mean
from dataset_fingerprints.geometry import (
    Triple,
    TripleFloat,
    canonical_grid,
    find_reorientation,
    from_canonical,
    make_grid,
    show_lengths,
)
from dataset_fingerprints.likeness import KnownScans, Unlikeness, measure_traits
from dataset_fingerprints.measuring.scans import Scan, make_scan, read_scan
from dataset_fingerprints.names import counted

_log = logging.getLogger(__name__)

MemberReader = Callable[[Slab, tuple[Probabilities, ...]], None]
Assess = Callable[[Segmented], DiceEstimate | None]
Source = str | Path | Sequence[str | Path] | NDArray[Any]


def _assess_nothing(_: Segmented) -> None:
    return None


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """Prediction of one scan; arrays lie along the axes of the scan's file, or of the array that was given.

    Uncertainty and predicted Dice are computed when they are asked for, once.

    Attributes:
        labels: (i, j, k) label values, as a mask file holds them.
        affine: (4, 4) from voxel indices to RAS+ millimetres.
        probabilities: on the scan's canonical grid, slab by slab.
        unlike: in what the scan is unlike all that the model was trained on, which makes poor masks likely.
        segmented: what the model made of it, with the probabilities of each network.
        assess: predicts the mask's Dice.
    """

    labels: NDArray[np.integer]
    affine: NDArray[np.float64]
    probabilities: Probabilities
    unlike: tuple[Unlikeness, ...] = ()
    segmented: Segmented = field(repr=False)
    assess: Assess = field(default=_assess_nothing, repr=False)

    @cached_property
    def uncertainty(self) -> UncertaintyMaps:
        """(i, j, k) entropy of each voxel, and disagreement of the networks; the maps of `predict --uncertainty`."""
        found = Uncertainty(mean=self.probabilities, members=self.segmented.members).measure()
        several = found.disagreement
        return UncertaintyMaps(
            entropy=self._to_file(found.entropy), disagreement=None if several is None else self._to_file(several)
        )

    @cached_property
    def predicted_dice(self) -> DiceEstimate | None:
        """The Dice that the mask is expected to have, the mean over labels or regions; None where it was not measured.

        A model says it after `autoseg quality` or `train all`, which measure how well it is predicted.
        """
        return self.assess(self.segmented)

    def probability(self, name: str | int) -> NDArray[np.float32]:
        """Return (i, j, k) the probability of a label or region, given by its name, or of a label by its value.

        Raises:
            ValueError: the model knows none of that name or value.
        """
        scheme = self.probabilities.scheme
        names = [part.name for part in scheme.regions or scheme.labels]
        if isinstance(name, int) and not isinstance(name, bool) and not scheme.regions:
            name = next((label.name for label in scheme.labels if label.value == name), str(name))
        if name not in names:
            raise ValueError(f"there is no label or region {name!r}. {did_you_mean(str(name), names)}")
        grid = self.probabilities.source_grid
        whole = np.zeros(canonical_grid(grid).shape, dtype=np.float32)
        for slab in self.probabilities.slabs():
            values = select_targets(slab.values, scheme.heads())[names.index(name)]
            whole[slab.box.slices()] = values.cpu().numpy()
        return self._to_file(whole)

    def _to_file(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (x, y, z) values along the axes of the scan's file."""
        turn = find_reorientation(self.probabilities.source_grid)
        return np.ascontiguousarray(from_canonical(values, turn))


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A scan that is prepared for the networks, and what they said of it if that is held.

    Attributes:
        probabilities: where they are not held, the networks look at the scan when they are read.
        memory: that may be used.
    """

    probabilities: Probabilities
    memory: Memory

    def needs_voxels(self) -> bool:
        """Return whether a network reads the scan's own voxels from now on: not a single one, which sees a copy."""
        return not self.memory.alone


@dataclass(frozen=True, kw_only=True, slots=True, repr=False)
class LoadedModel:
    """A trained model, ready to predict.

    Attributes:
        channels: names of those that a scan must have, in their order.
        description: of what is averaged, for a person.
        patches: shapes of the patches that the networks see, in voxels along the canonical axes.
        known: scans that it was trained on, with which new ones are compared; None where nothing is known of them.
        decision: how its probabilities become labels.
        calibration: how the Dice of its masks is predicted; None where that was not measured.
        assess: predicts the Dice of a mask by it.
        memory_gb: that predicting a scan may use beside the program itself, in GiB; infinite for what is free.
        lesion_classes: what gives the components of its masks classes; None where they get none.
    """

    predictor: Predictor
    scheme: LabelScheme
    channels: tuple[str, ...]
    description: str
    patches: tuple[Triple, ...] = ()
    known: KnownScans | None = None
    decision: Decision = USUAL
    calibration: DiceCalibration | None = None
    assess: Assess = _assess_nothing
    memory_gb: float = math.inf
    lesion_classes: LesionClassifier | None = None

    @property
    def mask_scheme(self) -> LabelScheme:
        """The labels of its masks: the classes of lesions, where they get some."""
        return self.scheme if self.lesion_classes is None else self.lesion_classes.description.scheme()

    def __repr__(self) -> str:
        """Return what it takes and finds, in a line: networks fill a page."""
        names = ", ".join(part.name for part in self.scheme.regions or self.scheme.labels)
        return f"<model of {names} on {', '.join(self.channels)}: {self.description}>"

    def predict(self, scan: Source, *, spacing_mm: TripleFloat | None = None, series: str = "") -> Prediction:
        """Segment one scan.

        Args:
            scan: an image file or the folder of a DICOM series; a list of such, one per channel; or an array
                (i, j, k), or (channel, i, j, k), whose axes point right, forward and up.
            spacing_mm: voxel size of an array.
            series: which DICOM series of a folder with several, by a part of its description or SeriesInstanceUID.

        Raises:
            DataError: a file cannot be read, or the channels do not fit the model.
        """
        read = self._read(scan, spacing_mm, series)
        unlike = self.find_unlikeness(read)
        for one in unlike:
            _log.warning("Unlike the training scans: %s", one.message)
        segmented = self.segment(read)
        grid = read.source_grid
        return Prediction(
            labels=np.ascontiguousarray(from_canonical(segmented.mask, find_reorientation(grid))),
            affine=grid.matrix(),
            probabilities=segmented.probabilities,
            unlike=unlike,
            segmented=segmented,
            assess=self.assess,
        )

    def find_unlikeness(self, scan: Scan) -> tuple[Unlikeness, ...]:
        """Return in what a scan is far outside of everything that the model was trained on; takes milliseconds."""
        return () if self.known is None else self.known.compare(measure_traits(scan))

    def read(self, name: str, images: Sequence[Path | None], series: str = "") -> Scan:
        """Read a scan; what is odd about it but can be predicted is logged.

        Args:
            name: of the scan.
            images: one path per channel, None for a channel that is not there, or a single 4D file.
            series: as for `predict`.

        Raises:
            DataError: a file cannot be read, or the channels do not fit the model.
        """
        scan = read_scan(name, images, self.channels, series)
        give_freed_memory_back()  # that reading took
        flat = describe_flat(scan, self.patches)
        if flat:
            _log.warning("case %s: %s", name, flat)
        return scan

    def read_again(self, name: str, images: Sequence[Path | None], series: str = "") -> Scan:
        """Read a scan whose voxels were let go; nothing is logged again."""
        give_freed_memory_back()
        return read_scan(name, images, self.channels, series, said=False)

    def segment(self, scan: Scan, see: MemberReader | None = None, *, rounded: bool = False) -> Segmented:
        """Return the labels of a scan, and the probabilities that they follow from.

        Args:
            scan: as it was read.
            see: called with every slab of the mean, in ascending order, and the members, to be read in the slab's box:
                networks whose logits memory does not hold would have to look at the scan again for that later.
            rounded: whether probabilities in 1/255 are good enough for who reads them afterwards: those of a single
                network then need no logits of the whole scan in memory, and many of competing labels are only counted
                (`Segmented.tally`). The labels are the same.
        """
        return self.conclude(self.begin(scan, rounded=rounded), see)

    def begin(self, scan: Scan, *, rounded: bool = False) -> Begun:
        """Return what `conclude` needs of a scan; see `segment`."""
        alone = is_single_network(self.predictor)
        streamed = rounded and alone and self._may_stream(scan)
        memory = Memory(limit_gb=self.memory_gb, holding=not streamed, alone=alone)
        # Of the labels there are indices and values.
        memory.take(scan.voxels.nbytes + scan.body.nbytes + 2 * math.prod(scan.canonical_shape()))
        return Begun(probabilities=predict_with(self.predictor, SharedInputs(scan, memory)), memory=memory)

    def conclude(self, begun: Begun, see: MemberReader | None = None) -> Segmented:
        """Return the labels of a scan, and the probabilities that they follow from; see `segment`."""
        probabilities, memory = begun.probabilities, begun.memory
        members = list_members(probabilities)
        readers = [] if see is None else [lambda slab: see(slab, members)]
        keeping = self._choose_keeper(probabilities, members, memory)
        readers += [] if keeping is None else [keeping.see]
        indices = decide(probabilities, self.decision, readers)
        if keeping is not None:
            probabilities, members = keeping.finish()
        tally = keeping.tally() if isinstance(keeping, Tallier) else None
        del keeping, readers
        give_freed_memory_back()  # that feature maps took
        labels, classes = self.scheme.to_values(indices), self._classify(indices, probabilities)
        return Segmented(labels=labels, probabilities=probabilities, members=members, tally=tally, classes=classes)

    def _classify(self, indices: NDArray[np.uint8], probabilities: Probabilities) -> NDArray[np.integer] | None:
        """Return the classes of the lesions in a map of label indices; None where they get none."""
        if self.lesion_classes is None:
            return None
        mask = np.isin(indices, self.scheme.heads().targets()[0])
        return self.lesion_classes.classify(mask, canonical_grid(probabilities.source_grid).spacing_mm())

    def _may_stream(self, scan: Scan) -> bool:
        """Return whether each probability is read once, and what is kept of them in 1/255 are few bytes."""
        # Post-processing may ask for exact probabilities of components.
        if self.decision.postprocessing:
            return False
        return self.scheme.heads().exclusive or self._is_little(scan.canonical_shape())

    def _is_little(self, shape: Triple) -> bool:
        """Return whether probabilities in 1/255 take little memory."""
        return len(self.scheme.heads().targets()) * math.prod(shape) <= MOST_BYTES

    def _choose_keeper(
        self, probabilities: Probabilities, members: tuple[Probabilities, ...], memory: Memory
    ) -> MembersCompactor | NetworkQuantiser | Tallier | None:
        """Return what keeps probabilities that are not held while they go by; None for those that are."""
        if probabilities.layers.held:
            return None
        if memory.holding:
            return MembersCompactor(probabilities, members, memory)
        if self._is_little(probabilities.box.shape()):
            return NetworkQuantiser(probabilities)
        return Tallier(probabilities, self.decision.thresholds)

    def _read(self, scan: Source, spacing_mm: TripleFloat | None, series: str) -> Scan:
        if isinstance(scan, np.ndarray):
            return self._take(scan, spacing_mm)
        if not isinstance(scan, str | Path) and not (
            isinstance(scan, Sequence) and scan and all(isinstance(file, str | Path) for file in scan)
        ):
            raise DataError(
                f"the scan is of type {type(scan).__name__}. Expected a file, a list of files, one per channel, or a "
                "numpy array (numpy.asarray makes one)."
            )
        if spacing_mm is not None:
            raise DataError("spacing_mm is given with a file, which has its own. Give it with arrays only.")
        files = [scan] if isinstance(scan, str | Path) else list(scan)
        name = Path(files[0]).name
        for file in files:
            if not Path(file).exists():
                raise DataError(f"{file}: does not exist. Expected an image file, or the folder of a DICOM series.")
        if is_unsized(files[0]):
            _log.warning("%s", describe_unsized([name], files[:1]))
        return self.read(name, [Path(file) for file in files], series)

    def _take(self, array: NDArray[Any], spacing_mm: TripleFloat | None) -> Scan:
        if spacing_mm is None:
            raise DataError("an array has no voxel size. Give it in mm along each axis: spacing_mm=(1.0, 1.0, 1.0).")
        sizes = np.atleast_1d(np.asarray(spacing_mm))
        if sizes.shape != (3,) or sizes.dtype.kind not in "iuf" or not (np.isfinite(sizes) & (sizes > 0)).all():
            raise DataError(f"spacing_mm is {spacing_mm!r}. Expected three lengths above 0 in mm: (1.0, 1.0, 1.0).")
        if array.dtype.kind not in "biuf":
            raise DataError(
                f"the array holds values of type {array.dtype}. Expected integers or floating-point numbers."
            )
        voxels = array[None] if array.ndim == 3 else array
        if voxels.ndim != 4 or len(voxels) != len(self.channels) or not voxels.size:
            raise DataError(
                f"the array has shape {array.shape}. Expected (i, j, k) or (channel, i, j, k) with "
                f"{counted(len(self.channels), 'channel')} ({', '.join(self.channels)})."
            )
        return make_scan(voxels, make_grid(voxels.shape[1:], np.diag([*spacing_mm, 1.0])))


def describe_flat(scan: Scan, patches: Sequence[Triple]) -> str:
    """Return what to say of a single slice that is given to networks which look at volumes; nothing of other scans."""
    shape = scan.canonical_shape()
    missed = [patch for patch in patches if any(one == 1 < other for one, other in zip(shape, patch, strict=True))]
    if not missed:
        return ""
    return (
        f"is a single slice ({show_lengths(shape)} voxels), but the network looks at {show_lengths(missed[0])} voxels. "
        "It was predicted with nothing around it: expect a poor mask. Give the whole volume, or use a model of such "
        "slices."
    )
