"""Time of scoring pairs of masks by every metric that needs no probabilities, files read from the disk."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nibabel
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.evaluation import (
    DEFAULT_CONVENTION,
    METRICS,
    POOLED,
    Convention,
    add_figures,
    add_metrics,
    choose_metrics,
    evaluate_files,
    name_metric,
)
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_plain_json, write_json
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.reading.file_names import images_in
from dataset_fingerprints.reading.images import read_label_map

SHAPE: Triple = (197, 233, 189)
COLUMNS = ("metrics", "pairs", "threads", "seconds", "seconds per pair and thread")
# Of a simulated lesion: radii in voxels, from small to large as in ATLAS.
_RADII = (2.0, 40.0)


def list_everything() -> Convention:
    """Return a convention of all metrics but those of probabilities, of all pooled figures, and of further readings."""
    names = [name for name, kind in METRICS.items() if not kind().about.needs_probabilities]
    more = (
        name_metric("f1_iou", "lesion_f1", matching="iou_0.25"),
        name_metric("f1_faces", "lesion_f1", connectivity=6),
        name_metric("assd_elements_mm", "assd_mm", surface="elements"),
        name_metric("hd95_elements_mm", "hausdorff_elements_mm", percentile=95.0),
    )
    known = add_metrics(DEFAULT_CONVENTION, names)
    everything = Convention(name="everything", metrics=(*known.metrics, *more))
    return add_figures(everything, choose_metrics(POOLED))


@dataclass(frozen=True, kw_only=True, slots=True)
class Timing:
    """Seconds that one set of metrics took."""

    name: str
    metrics: int
    pairs: int
    threads: int
    seconds: float

    def row(self) -> tuple[str, ...]:
        """Return a row of `COLUMNS`."""
        each = self.seconds * self.threads / self.pairs
        count = f"{self.name}: {self.metrics}"
        return count, str(self.pairs), str(self.threads), f"{self.seconds:.1f}", f"{each:.2f}"


def write_pairs(work: Path, pairs: int, lesion_masks: Path | None, shape: Triple = SHAPE) -> None:
    """Write pairs of masks on the MNI grid of ATLAS, once.

    Args:
        work: the folder for `masks` and `references`.
        pairs: how many.
        lesion_masks: a folder of lesion masks of people; None for simulated balls.
        shape: of the grid.

    Raises:
        DataError: the folder of lesions holds no image, or pairs of other lesions are there.
    """
    files = [] if lesion_masks is None else images_in(lesion_masks)
    if lesion_masks is not None and not files:
        raise DataError(f"{lesion_masks}: holds no images. Expected masks of lesions.")
    _refuse_others(work, "simulated" if lesion_masks is None else str(lesion_masks.resolve()))
    for number in range(pairs):
        place = work / "references" / f"case{number:03}.nii.gz"
        if not place.is_file():
            generator = np.random.default_rng(number)
            file = files[number % len(files)] if files else None
            true = _simulate(generator, shape) if file is None else _fit(read_label_map(file).voxels[0] > 0, shape)
            _write(work / "masks" / place.name, _predict(true, generator))
            _write(place, true)


def _refuse_others(work: Path, lesions: str) -> None:
    """Write whose lesions the pairs have, or make sure that pairs that are there have the same."""
    kept = work / "lesions.json"
    earlier = read_plain_json(kept)["lesions"] if kept.is_file() else None
    if (work / "references").is_dir() and earlier != lesions:
        raise DataError(
            f"{work}: holds pairs of masks of other lesions ({earlier or 'not known'}). Expected {lesions}: name a new "
            "folder with --work."
        )
    write_json(kept, {"lesions": lesions})


def _write(path: Path, mask: NDArray[np.bool_]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    nibabel.save(nibabel.Nifti1Image(mask.astype(np.uint8), np.eye(4)), path)


def _fit(mask: NDArray[np.bool_], shape: Triple) -> NDArray[np.bool_]:
    """Return a mask in the middle of the grid, cut or filled up."""
    fitted = np.zeros(shape, dtype=bool)
    kept = [min(own, other) for own, other in zip(mask.shape, shape, strict=True)]
    source, target = (
        tuple(slice((length - keep) // 2, (length - keep) // 2 + keep) for length, keep in zip(side, kept, strict=True))
        for side in (mask.shape, shape)
    )
    fitted[target] = mask[source]
    return fitted


def _simulate(generator: np.random.Generator, shape: Triple) -> NDArray[np.bool_]:
    mask = np.zeros(shape, dtype=bool)
    for _ in range(int(generator.integers(1, 5))):
        radius = float(np.exp(generator.uniform(*np.log(_RADII))))
        _add_ball(mask, [generator.uniform(0.25, 0.75) * length for length in shape], radius)
    return mask


def _add_ball(mask: NDArray[np.bool_], centre: list[float], radius: float) -> None:
    box = tuple(
        slice(max(0, int(middle - radius)), min(length, int(middle + radius) + 2))
        for middle, length in zip(centre, mask.shape, strict=True)
    )
    grid = np.ogrid[box]
    mask[box] |= sum((axis - middle) ** 2 for axis, middle in zip(grid, centre, strict=True)) <= radius**2


def _predict(true: NDArray[np.bool_], generator: np.random.Generator) -> NDArray[np.bool_]:
    """Return a mask with another outline and a few false lesions."""
    predicted, shape = np.zeros(true.shape, dtype=bool), true.shape
    (box,) = ndimage.find_objects(true.astype(np.uint8)) or [tuple(slice(0, 1) for _ in shape)]
    grown = tuple(
        slice(max(0, part.start - 3), min(length, part.stop + 3)) for part, length in zip(box, shape, strict=True)
    )
    noise = ndimage.gaussian_filter(generator.standard_normal(true[grown].shape).astype(np.float32), 2)
    outline = ndimage.gaussian_filter(true[grown].astype(np.float32), 1.5)
    predicted[grown] = outline + 2 * noise * (outline > 0.02) > 0.5
    for _ in range(int(generator.integers(0, 4))):
        centre = [generator.uniform(0.25, 0.75) * length for length in shape]
        _add_ball(predicted, centre, float(generator.uniform(1.5, 6)))
    return predicted


def time_evaluation(work: Path, threads: int) -> Iterator[Timing]:
    """Yield the times of the default convention and of everything, over the pairs in a folder."""
    for convention in (DEFAULT_CONVENTION, list_everything()):
        begun = time.perf_counter()
        found = evaluate_files(work / "masks", work / "references", convention=convention, workers=threads)
        yield Timing(
            name=convention.name,
            metrics=len(convention.metrics) + len(convention.pooled),
            pairs=len(found.cases),
            threads=threads,
            seconds=time.perf_counter() - begun,
        )
