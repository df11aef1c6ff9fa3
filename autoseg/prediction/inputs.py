"""Inputs of networks: a scan's preprocessed channels and other stages' masks, cropped to other stages' boxes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from autoseg.prediction.deciding import decide
from autoseg.prediction.memory import Memory
from autoseg.prediction.probabilities import Fallback, Predictor, Probabilities, select_targets
from autoseg.preprocessing import (
    Prepared,
    Record,
    add_mask,
    crop_to_centre,
    find_way_back,
    fit_crops,
    fit_mask,
    fit_mask_as_nnunet,
    prepare,
    whole,
)
from autoseg.preprocessing.nnunet import Kinds
from dataset_fingerprints.dataset import LabelScheme
from dataset_fingerprints.geometry import Box, Reorientation, enclose
from dataset_fingerprints.measuring.scans import Scan
from dataset_fingerprints.reading.body import bounding_box
from planners.plan import Configuration, Preprocessing


@dataclass(frozen=True, kw_only=True, slots=True)
class NetworkInput:
    """Input of a network for one scan.

    Attributes:
        image: (channel, x, y, z) inside the crop: the scan's channels, then those of other stages' masks.
        record: of the scan's preprocessing.
        crop: the box of the preprocessed array that `image` is.
        fallbacks: the stages that had to look at the whole scan, this one included.
        body: (x, y, z) of the crop at the scan's own resolution, False where it is background; None where no background
            was proven.
        back: interpolation of logits to the scan's grid, per axis.
        turn: the change from the axes that the network sees to those of `image`, which are canonical; None where they
            are the same.
    """

    image: NDArray[np.floating]
    record: Record
    crop: Box
    fallbacks: tuple[Fallback, ...] = ()
    body: NDArray[np.bool_] | None = None
    back: Kinds = ("linear", "linear", "linear")
    turn: Reorientation | None = None


class SharedInputs:
    """Network inputs for one scan, made once for all networks that share them.

    Args:
        scan: as it was read.
        memory: that may be used for it; None for what is free.
    """

    def __init__(self, scan: Scan, memory: Memory | None = None) -> None:
        self.scan = scan
        self.memory = memory or Memory()
        self._results: dict[str, Probabilities] = {}
        self._prepared: list[tuple[Preprocessing, Prepared]] = []
        self._made: list[tuple[Configuration, NetworkInput]] = []

    def branch(self) -> SharedInputs:
        """Return inputs that share the preprocessed scan and have results of their own."""
        other = SharedInputs(self.scan, self.memory)
        other._prepared = self._prepared
        return other

    def add_result(self, configuration: str, probabilities: Probabilities) -> None:
        """Let stages that come later see what a stage found."""
        self._results[configuration] = probabilities

    def of(self, configuration: Configuration, scheme: LabelScheme) -> NetworkInput:
        """Return what the networks of a configuration see.

        Raises:
            ValueError: the result of a stage that it needs was not added.
        """
        for known, seen in self._made:
            if _look_alike(known, configuration):
                return seen
        seen = self._make(configuration, scheme)
        self._made.append((configuration, seen))
        return seen

    def _make(self, configuration: Configuration, scheme: LabelScheme) -> NetworkInput:
        prepared = self._prepare(configuration.preprocessing, scheme)
        record, name = prepared.record, configuration.name
        image: NDArray[np.floating] = prepared.image
        for entry in configuration.masks():
            result = self._find_result(name, entry.configuration)
            mask = self._fit_mask(decide(result), record, configuration.preprocessing, result.scheme)
            image = add_mask(image, mask, result.scheme.heads().targets())
        crops = configuration.crops()
        found = [find_box(self._find_result(name, crop.configuration), crop.threshold, crop.labels) for crop in crops]
        crop = fit_crops(list(zip(crops, found, strict=True)), record)
        box = crop_to_centre(crop.box, configuration.prediction.centre_shape, record)
        fallbacks = [known for entry in configuration.inputs for known in self._results[entry.configuration].fallbacks]
        fallbacks += [Fallback(configuration=name, source=missed) for missed in crop.missed]
        back, turn = find_way_back(record, configuration.preprocessing)
        # nnU-Net looks at every tile.
        body = self._find_body(box, record) if configuration.preprocessing.nnunet is None else None
        return NetworkInput(
            image=np.ascontiguousarray(image[(slice(None), *box.slices())]),
            record=record,
            crop=box,
            fallbacks=tuple(dict.fromkeys(fallbacks)),
            body=body,
            back=back,
            turn=turn,
        )

    def _find_body(self, crop: Box, record: Record) -> NDArray[np.bool_] | None:
        # Of a crop the body is not looked at: it lies around what was found.
        return self.scan.body if self.scan.background is not None and crop == whole(record) else None

    def _fit_mask(
        self, indices: NDArray[np.uint8], record: Record, preprocessing: Preprocessing, scheme: LabelScheme
    ) -> NDArray[np.uint8]:
        if preprocessing.nnunet is not None:
            return fit_mask_as_nnunet(indices, record, self.scan, preprocessing)
        return fit_mask(indices, record, scheme.index_count())

    def _prepare(self, preprocessing: Preprocessing, scheme: LabelScheme) -> Prepared:
        for known, prepared in self._prepared:
            if known == preprocessing:
                return prepared
        prepared = prepare(self.scan, preprocessing, scheme.index_count())
        self.memory.take(prepared.image.nbytes)
        self._prepared.append((preprocessing, prepared))
        return prepared

    def _find_result(self, name: str, needed: str) -> Probabilities:
        if needed not in self._results:
            raise ValueError(f"{name} needs the result of {needed}. Predict with a Cascade that holds both.")
        return self._results[needed]


def _look_alike(one: Configuration, other: Configuration) -> bool:
    """Return whether the networks of two configurations see the same of a scan."""
    first, second = ((by.preprocessing, by.inputs, by.prediction.centre_shape) for by in (one, other))
    return first == second


def find_box(probabilities: Probabilities, threshold: float, labels: Sequence[str] = ()) -> Box | None:
    """Return the smallest box around the voxels in which a label or region has at least a probability.

    Args:
        probabilities: of the scan.
        threshold: the probability.
        labels: names of the labels or regions that count; empty for all.

    Returns:
        In the scan's canonical grid; None where there is no such voxel.
    """
    heads, places = probabilities.scheme.heads(), probabilities.scheme.places(labels)
    found = []
    for slab in probabilities.slabs():
        mask = (select_targets(slab.values, heads)[places] >= threshold).any(0).cpu().numpy()
        if mask.any():
            found.append(bounding_box(mask).moved(slab.box.start))
    return enclose(found) if found else None


@runtime_checkable
class SharingPredictor(Predictor, Protocol):
    """A predictor that can share a scan's preprocessing with others."""

    def predict_shared(self, inputs: SharedInputs) -> Probabilities:
        """Return the same as `predict` does, with what the other stages found in sight."""
        ...


def predict_with(predictor: Predictor, inputs: SharedInputs) -> Probabilities:
    """Return what a predictor makes of a scan, sharing its preprocessing with others if it can."""
    if isinstance(predictor, SharingPredictor):
        return predictor.predict_shared(inputs)
    return predictor.predict(inputs.scan)
