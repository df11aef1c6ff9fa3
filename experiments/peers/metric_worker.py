"""Other programs' figures of pairs of masks, in their environments, where there is no autoseg.

    python metric_worker.py PEER PAIRS.npz OUT.json [SOURCES]

SOURCES is the folder of a checkout, for challenges whose code is no package. OUT is a list of figures by name, a pair
each; what a program refuses is missing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

# Names that NumPy 1.24, NumPy 2 and SciPy 1.15 took away, and that these programs use.
_GONE = {"bool": bool, "float": float, "Inf": np.inf, "NaN": np.nan}
Pair = tuple[Any, Any, tuple[float, ...]]


def measure_surface_distance(pair: Pair, sources: str) -> dict[str, float]:
    """Return the figures of deepmind's surface-distance."""
    import surface_distance as peer

    predicted, true, spacing = pair
    if not (predicted.any() and true.any()):
        return {}
    found = peer.compute_surface_distances(true, predicted, spacing)
    back, forth = peer.compute_average_surface_distance(found)
    return {
        "hd_elements": peer.compute_robust_hausdorff(found, 100),
        "hd95_elements": peer.compute_robust_hausdorff(found, 95),
        "mean_forth": forth,
        "mean_back": back,
        "nsd_1": peer.compute_surface_dice_at_tolerance(found, 1.0),
        "nsd_2": peer.compute_surface_dice_at_tolerance(found, 2.0),
        "dice": peer.compute_dice_coefficient(true, predicted),
    }


def measure_panoptica(pair: Pair, sources: str) -> dict[str, float]:
    """Return the figures of panoptica, under the threshold of ISLES'26 and under its own."""
    found = {f"{name}_0.25": value for name, value in _evaluate_panoptica(pair, 0.25).items()}
    if pair[0].any() and pair[1].any():
        found |= {f"{name}_0.5": value for name, value in _evaluate_panoptica(pair, 0.5).items() if name == "pq"}
    return found


def _evaluate_panoptica(pair: Pair, threshold: float) -> dict[str, float]:
    import panoptica as peer

    evaluator = peer.Panoptica_Evaluator(
        expected_input=peer.InputType.SEMANTIC,
        instance_approximator=peer.ConnectedComponentsInstanceApproximator(),
        instance_matcher=peer.NaiveThresholdMatching(matching_threshold=threshold),
    )
    predicted, true, _ = pair
    found = evaluator.evaluate(predicted.astype(int), true.astype(int), verbose=False)["ungrouped"]
    found = found[0] if isinstance(found, tuple) else found
    # Renamed in 2.1.
    ending = "num" if hasattr(found, "num_ref_instances") else "n"
    counts = [getattr(found, f"{ending}_{side}_instances") for side in ("ref", "pred")]
    figures = {"count_difference": abs(counts[0] - counts[1])}
    if predicted.any() or true.any():
        figures |= {"f1": found.rq, "global_dice": found.global_bin_dsc, "tp": found.tp}
        if found.tp:
            figures |= {"pq": found.pq, "sq": found.sq}
    return figures


def measure_isles26(pair: Pair, sources: str) -> dict[str, float]:
    """Return the figures of the scorer of ISLES'26, in the environment of panoptica 1.0.1."""
    sys.path.insert(0, sources)
    import isles26_eval_utils as peer

    predicted, true, spacing = pair
    f1, difference, dice = peer.compute_dice_f1_instance_difference(true, predicted)
    voxel_ml = np.float64(np.prod(spacing) / 1000)
    return {
        "f1": f1,
        "count_difference": difference,
        "dice": dice,
        "volume_ml": peer.compute_absolute_volume_difference(true, predicted, voxel_ml),
        "pr_auc": peer.compute_pr_auc(true, make_probabilities(predicted)),
    }


def measure_isles22(pair: Pair, sources: str) -> dict[str, float]:
    """Return the figures of the scorer of ISLES'22."""
    sys.path.insert(0, sources)
    import eval_utils as peer

    predicted, true, spacing = pair
    return {
        "dice": peer.compute_dice(true, predicted),
        "volume_ml": peer.compute_absolute_volume_difference(true, predicted, np.float64(np.prod(spacing) / 1000)),
        "count_difference": peer.compute_absolute_lesion_difference(true, predicted),
        "f1": peer.compute_lesion_f1_score(true, predicted),
    }


def measure_atlas_r2(pair: Pair, sources: str) -> dict[str, float]:
    """Return the figures of the scorer of ATLAS R2.0, in the shapes that its loader gives, also of soft masks."""
    sys.path.insert(0, sources)
    from isles import scoring as peer

    found: dict[str, float] = {}
    soft = make_probabilities(pair[0]) * (pair[0] | pair[1])
    for name, predicted in (("", pair[0].astype(np.float64)), ("soft_", soft.astype(np.float64))):
        sides = (pair[1].astype(np.float64)[None, None], predicted[None, None])
        found |= {
            f"{name}dice": peer.dice_coef(*sides, batchwise=True)[0],
            f"{name}volume_voxels": peer.volume_difference(*sides, batchwise=True)[0],
            f"{name}count_difference": peer.simple_lesion_count_difference(*sides, batchwise=True)[0],
            f"{name}f1": peer.lesion_f1_score(*sides, batchwise=True)[0],
        }
    return found


def measure_cc_dice(pair: Pair, sources: str) -> dict[str, float]:
    """Return the mean Dice of the regions that CC-Metrics divides an image into; its own Dice is MONAI's."""
    sys.path.insert(0, sources)
    import space_separation as peer

    predicted, true, _ = pair
    if not (predicted.any() and true.any()):
        return {}
    owners = peer.compute_voronoi_regions(true)
    dice = []
    for owner in np.unique(owners):
        mine, own = predicted & (owners == owner), true & (owners == owner)
        dice.append(2 * (mine & own).sum() / (mine.sum() + own.sum()))
    return {"cc_dice": float(np.mean(dice))}


def make_probabilities(predicted: Any) -> Any:
    """Return (x, y, z) probabilities of a network that is surer inside a mask, a third of them equal."""
    noise = np.random.default_rng(int(predicted.sum())).random(predicted.shape)
    values = np.where(predicted, 0.5 + noise / 2, noise * 0.6)
    return np.where(noise < 1 / 3, 0.25, values).astype(np.float32)


PEERS: dict[str, Callable[[Pair, str], dict[str, float]]] = {
    "surface-distance": measure_surface_distance,
    "panoptica": measure_panoptica,
    "isles26": measure_isles26,
    "isles22": measure_isles22,
    "atlas-r2": measure_atlas_r2,
    "cc-dice": measure_cc_dice,
}


def read_pairs(path: Path) -> Iterator[Pair]:
    """Yield (prediction, reference, spacing) of a file of pairs."""
    stored = np.load(path)
    for number in range(len(stored.files) // 3):
        predicted, true = (stored[f"{side}-{number}"].astype(bool) for side in ("prediction", "reference"))
        yield predicted, true, tuple(float(step) for step in stored[f"spacing-{number}"])


def main(peer: str, pairs: str, out: str, sources: str = "") -> None:
    """Write a peer's figures of all pairs."""
    for name, value in _GONE.items():
        if not hasattr(np, name):
            setattr(np, name, value)
    figures = [
        {name: float(np.asarray(value).reshape(-1)[0]) for name, value in PEERS[peer](pair, sources).items()}
        for pair in read_pairs(Path(pairs))
    ]
    Path(out).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
