"""Metrics beside those of other programs, on random and hand-made masks of voxels of unequal edges."""

from __future__ import annotations

import json
import math
import subprocess
import venv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from autoseg.evaluation import METRICS, MaskPair, MetricOptions, pair_masks, pair_soft_masks
from dataset_fingerprints.geometry import TripleFloat
from experiments.peers import metric_worker
from experiments.peers.nnunet import refuse_other_contents
from planners.choices import Choice, resolve

COLUMNS = ("peer", "figure", "our metric", "pairs", "largest difference")
SPACINGS: tuple[TripleFloat, ...] = ((1.0, 1.0, 1.0), (1.0, 1.5, 3.2), (0.9, 0.9, 5.0), (3.0, 0.7, 1.1))
SHAPE = (22, 18, 14)


@dataclass(frozen=True, kw_only=True, slots=True)
class Peer:
    """A program whose figures are compared.

    Attributes:
        name: in tables.
        worker: a key of `metric_worker.PEERS`.
        packages: of its environment, which goes by `environment`.
        sources: the folder in a checkout whose code it is; empty for a package.
        figures: its names of figures, and our metrics of `METRICS`, with options.
    """

    name: str
    worker: str
    environment: str
    packages: tuple[str, ...]
    figures: Mapping[str, Choice]
    sources: str = ""


def _ours(entry: str, **options: Any) -> Choice:
    return Choice(name=entry, options=options)


_ELEMENTS = {
    "hd_elements": _ours("hausdorff_elements_mm"),
    "hd95_elements": _ours("hausdorff_elements_mm", percentile=95.0),
    "mean_forth": _ours("mean_surface_distance_mm", surface="elements"),
    "mean_back": _ours("mean_surface_distance_mm", surface="elements", direction="reference_to_prediction"),
    "nsd_1": _ours("surface_dice", tolerance_mm=1.0),
    "nsd_2": _ours("surface_dice", tolerance_mm=2.0),
    "dice": _ours("dice", both_empty=None),
}
_LESIONS = {
    "count_difference_0.25": _ours("lesion_count_difference"),
    "f1_0.25": _ours("lesion_f1", matching="iou_0.25"),
    "tp_0.25": _ours("found_lesions", matching="iou_0.25"),
    "pq_0.25": _ours("panoptic_quality", matching="iou_0.25"),
    "sq_0.25": _ours("lesion_quality", matching="iou_0.25"),
    "pq_0.5": _ours("panoptic_quality", matching="iou_0.5"),
}
_FACES = {"connectivity": 6}
_ATLAS = {
    "dice": _ours("soft_dice"),
    "volume_voxels": _ours("volume_difference_voxels"),
    "count_difference": _ours("lesion_count_difference", **_FACES),
    "f1": _ours("lesion_f1", **_FACES),
}
_OLD, _NEW = ("panoptica==1.0.1", "scikit-learn"), ("panoptica==2.1.7", "scikit-learn")
PEERS = (
    Peer(
        name="surface-distance 0.1",
        worker="surface-distance",
        environment="surface-distance",
        packages=("surface-distance==0.1", "numpy<2", "scipy<1.14"),
        figures=_ELEMENTS,
    ),
    Peer(
        name="panoptica 1.0.1",
        worker="panoptica",
        environment="panoptica-1.0.1",
        packages=_OLD,
        figures=_LESIONS | {"global_dice_0.25": _ours("dice_if_matched")},
    ),
    Peer(
        name="panoptica 2.1.7",
        worker="panoptica",
        environment="panoptica-2.1.7",
        packages=_NEW,
        figures=_LESIONS | {"global_dice_0.25": _ours("dice")},
    ),
    Peer(
        name="ISLES'26 scorer",
        worker="isles26",
        environment="panoptica-1.0.1",
        packages=_OLD,
        sources="isles26/references",
        figures={
            "dice": _ours("dice_if_matched"),
            "f1": _ours("lesion_f1", matching="iou_0.25"),
            "count_difference": _ours("lesion_count_difference"),
            "volume_ml": _ours("volume_difference_ml"),
            "pr_auc": _ours("pr_auc"),
        },
    ),
    Peer(
        name="ISLES'22 scorer",
        worker="isles22",
        environment="panoptica-1.0.1",
        packages=_OLD,
        sources="isles22/utils",
        figures={
            "dice": _ours("dice"),
            "volume_ml": _ours("volume_difference_ml"),
            "count_difference": _ours("lesion_count_difference"),
            "f1": _ours("lesion_f1"),
        },
    ),
    Peer(
        name="ATLAS R2.0 scorer",
        worker="atlas-r2",
        environment="surface-distance-and-sklearn",
        packages=("numpy<2", "scipy<1.14", "scikit-learn"),
        sources="npnl",
        figures=_ATLAS | {f"soft_{name}": choice for name, choice in _ATLAS.items()},
    ),
    Peer(
        name="CC-Metrics",
        worker="cc-dice",
        environment="panoptica-1.0.1",
        packages=_OLD,
        sources="ccmetrics/CCMetrics",
        figures={"cc_dice": _ours("component_dice")},
    ),
)


def make_pairs(random: int) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_], TripleFloat]]:
    """Yield hand-made pairs of masks (prediction, reference) and random ones, with their voxel sizes."""
    yield from ((*pair, SPACINGS[1]) for pair in make_by_hand())
    generator = np.random.default_rng(0)
    for number in range(random):
        smooth = generator.uniform(0.6, 1.8)
        base, own, other = (ndimage.gaussian_filter(generator.random(SHAPE), smooth) for _ in range(3))
        share = generator.uniform(0.2, 0.9)
        cuts = generator.uniform(80, 97, size=2)
        sides = [base * share + mixed * (1 - share) for mixed in (own, other)]
        predicted, true = (side > np.percentile(side, cut) for side, cut in zip(sides, cuts, strict=True))
        yield predicted, true, SPACINGS[number % len(SPACINGS)]


def make_by_hand() -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
    """Yield empty masks, lesions that are bridged, split or touch by corners or edges, and one pair of low IoU."""
    nothing = _boxes()
    two, bridge = _boxes((2, 5, 2, 5, 2, 5), (12, 15, 2, 5, 2, 5)), _boxes((2, 15, 2, 5, 2, 5))
    corner = _boxes((3, 5, 3, 5, 3, 5), (5, 8, 5, 8, 5, 8))
    edge = _boxes((3, 5, 3, 5, 3, 8), (5, 8, 5, 8, 3, 8))
    large, inside = _boxes((2, 12, 2, 12, 2, 12)), _boxes((4, 7, 4, 7, 4, 7))
    yield from ((nothing, nothing), (two, nothing), (nothing, two), (two, two), (bridge, two), (two, bridge))
    yield from ((corner, edge), (edge, corner), (inside, large), (large & ~inside, large), (large, corner))


def _boxes(*boxes: Sequence[int]) -> NDArray[np.bool_]:
    mask = np.zeros(SHAPE, dtype=bool)
    for x0, x1, y0, y1, z0, z1 in boxes:
        mask[x0:x1, y0:y1, z0:z1] = True
    return mask


def compare_metrics(work: Path, sources: Path | None, random: int) -> Iterator[tuple[str, ...]]:
    """Yield a row of `COLUMNS` for each figure of each peer.

    Args:
        work: where environments and figures go.
        sources: a folder with checkouts of the challenges' code: npnl (npnl/atlas2_grand_challenge), isles22
            (ezequieldlrosa/isles22), isles26 (with references/isles26_eval_utils.py), ccmetrics
            (alexanderjaus/CC-Metrics); None leaves them out.
        random: number of random pairs.
    """
    pairs = list(make_pairs(random))
    stored: dict[str, Any] = {}
    for number, (predicted, true, spacing_mm) in enumerate(pairs):
        stored |= {f"prediction-{number}": predicted, f"reference-{number}": true, f"spacing-{number}": spacing_mm}
    work.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(work / "pairs.npz", **stored)
    for peer in PEERS:
        if peer.sources and sources is None:
            continue
        theirs = _run(peer, work, "" if sources is None else str((sources / peer.sources).resolve()))
        yield from (_compare(peer, name, choice, theirs, pairs) for name, choice in peer.figures.items())


def _run(peer: Peer, work: Path, sources: str) -> list[dict[str, float]]:
    python = _make_environment(work / peer.environment, peer.packages)
    out = work / f"{peer.worker}-{peer.environment}.json"
    worker = Path(metric_worker.__file__)
    command = (python, worker, peer.worker, work / "pairs.npz", out, *([sources] if sources else []))
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL)
    found: list[dict[str, float]] = json.loads(out.read_text(encoding="utf-8"))
    return found


def _make_environment(folder: Path, packages: Sequence[str]) -> Path:
    """Install packages into a virtual environment of their own, once, and return its Python."""
    python, done = folder / "bin" / "python", folder / "packages.txt"
    if not done.is_file() or done.read_text(encoding="utf-8").split() != list(packages):
        refuse_other_contents(folder)
        venv.create(folder, with_pip=True, clear=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        done.write_text(" ".join(packages), encoding="utf-8")
    return python.absolute()


def _compare(
    peer: Peer,
    name: str,
    choice: Choice,
    theirs: Sequence[Mapping[str, float]],
    pairs: Sequence[tuple[NDArray[np.bool_], NDArray[np.bool_], TripleFloat]],
) -> tuple[str, ...]:
    metric: MetricOptions = resolve(choice, METRICS, "metric", "peers")
    differences = []
    for found, masks in zip(theirs, pairs, strict=True):
        if name in found:
            ours = metric.measure(
                make_pair(masks, soft=name.startswith("soft_"), needs=metric.about.needs_probabilities)
            )
            value = math.nan if ours is None else ours
            same = math.isnan(value) and math.isnan(found[name])
            differences.append(0.0 if same else abs(value - found[name]))
    options = ", ".join(f"{key}={value}" for key, value in choice.options.items())
    largest = max(differences, key=lambda value: math.inf if math.isnan(value) else value)
    return peer.name, name, f"{choice.name}({options})", str(len(differences)), f"{largest:.1e}"


def make_pair(masks: tuple[NDArray[np.bool_], NDArray[np.bool_], TripleFloat], *, soft: bool, needs: bool) -> MaskPair:
    """Return a pair of masks as the figures of peers are of.

    Args:
        masks: prediction, reference and voxel size.
        soft: with the memberships that the peer sees.
        needs: with the probabilities that it sees.
    """
    predicted, true, spacing_mm = masks
    probabilities = metric_worker.make_probabilities(predicted)
    if soft:
        return pair_soft_masks(probabilities * (predicted | true), true.astype(np.float64), spacing_mm)
    return pair_masks(predicted, true, spacing_mm, probabilities=probabilities if needs else None)
