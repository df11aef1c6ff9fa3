"""Cases are scored at the same time only as far as they fit into memory."""

from __future__ import annotations

import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from autoseg.evaluation import DEFAULT_CONVENTION, FilePair, Pairing, add_metrics, evaluate_pairs, files, memory
from dataset_fingerprints.sizes import GIB
from tests.autoseg.evaluation.masks import make_ball, make_box, write_labels

SHAPE = (96, 96, 64)


def write_pair(folder: Path, case: str, prediction: np.ndarray, reference: np.ndarray) -> FilePair:
    return FilePair(
        case=case,
        prediction=write_labels(folder / "masks" / f"{case}.nii.gz", prediction),
        reference=write_labels(folder / "references" / f"{case}.nii.gz", reference),
    )


class RandomMap:
    """A source of probabilities of which no two are the same."""

    def read(self, pair, label, grid, alone):
        # In the order of a file's voxels.
        return np.asfortranarray(np.random.default_rng(0).random(grid.shape, dtype=np.float32))


def test_cases_that_do_not_fit_beside_each_other_are_scored_one_by_one(tmp_path, monkeypatch):
    box = make_box((6, 6, 6), (1, 1, 1), (4, 4, 4))
    pairs = tuple(write_pair(tmp_path, f"case{number}", box, box) for number in range(8))
    lock, inside, seen, score = threading.Lock(), [], [], files._score_pair

    def score_slowly(pair, job):
        with lock:
            inside.append(pair.case)
            seen.append(len(inside))
        threading.Event().wait(0.01)
        with lock:
            inside.remove(pair.case)
        return score(pair, job)

    monkeypatch.setattr(files, "_score_pair", score_slowly)
    monkeypatch.setattr(memory, "free_bytes", lambda: 1.5 * memory.count_bytes((6, 6, 6), with_map=False))
    evaluation = evaluate_pairs(Pairing(reference=tmp_path, pairs=pairs), workers=8)
    assert len(evaluation.cases) == 8
    assert seen == [1] * 8


def test_brains_of_1_mm_are_scored_on_all_of_16_cores_with_32_gib(monkeypatch):
    # Of which the program, the system and what it keeps of files take some.
    monkeypatch.setattr(memory, "free_bytes", lambda: 24 * GIB)
    limit = memory.open_gate().limit_bytes
    for shape in ((182, 218, 182), (197, 233, 189), (256, 256, 256)):
        assert 16 * memory.count_bytes(shape, with_map=False) <= limit


@pytest.mark.parametrize("kind", [np.uint8, np.float32, np.float64])
@pytest.mark.parametrize("with_map", [False, True])
@pytest.mark.parametrize("look", ["ball", "speckle", "everywhere"])
def test_scoring_a_case_needs_no_more_than_estimated(tmp_path, kind, with_map, look):
    ball, speckle = make_ball(SHAPE, 20.0), np.random.default_rng(1).random(SHAPE) < 0.01
    reference = {"ball": ball, "speckle": speckle, "everywhere": np.ones(SHAPE)}[look]
    pair = write_pair(tmp_path, "a", make_ball(SHAPE, 24.0).astype(kind), reference.astype(kind))
    convention = add_metrics(DEFAULT_CONVENTION, ["roc_auc", "pr_auc"]) if with_map else DEFAULT_CONVENTION
    maps = RandomMap() if with_map else None
    estimated = memory.estimate_scoring(pair, with_map=with_map)
    tracemalloc.start()
    try:
        evaluate_pairs(Pairing(reference=tmp_path, pairs=(pair,)), convention=convention, maps=maps)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < estimated


def test_a_pair_without_readable_files_needs_nothing_and_the_larger_file_counts(tmp_path):
    small, large = np.zeros((4, 4, 4), dtype=np.uint8), np.zeros((8, 4, 4), dtype=np.uint8)
    assert memory.estimate_scoring(write_pair(tmp_path, "a", large, small), with_map=False) == 128 * 64
    assert memory.estimate_scoring(write_pair(tmp_path, "b", small, large), with_map=True) == 128 * 144
    (tmp_path / "damaged.nii.gz").write_bytes(b"damaged")
    damaged = FilePair(case="c", prediction=tmp_path / "damaged.nii.gz", reference=tmp_path / "none.nii.gz")
    assert memory.estimate_scoring(damaged, with_map=False) == 0
