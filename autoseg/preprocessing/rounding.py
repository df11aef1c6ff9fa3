"""Choice of one label for a voxel of a coarser grid that several labels share.

The largest share is the obvious choice, and taken alone it loses up to half a voxel along every border: all voxels of a
flat border round the same way. Neighbours that round differently keep what each of them loses, as in halftone printing.
So the choices are made against what comes back from them, and only where no label clearly owns the voxel.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy
from numpy.typing import NDArray

from autoseg.preprocessing.resampling import Matrices, apply_matrices

# A voxel keeps a label that fills this share of it, whatever its neighbours would gain.
CLEAR_SHARE = 0.85
# What the smaller of two shares costs against the larger, in restored voxels: near ties give way first.
PRICE = 0.05
# More rounds change next to nothing.
ROUNDS = 4
# The closest ties of a label map that are looked at; each costs some 15 microseconds a round.
MOST_TIES = 20_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidates:
    """The two labels with the largest shares of every voxel, all (x, y, z)."""

    first: NDArray[np.uint8]
    second: NDArray[np.uint8]
    first_share: NDArray[np.float32]
    second_share: NDArray[np.float32]


def rank_labels(labels: NDArray[np.uint8], matrices: Matrices, count: int) -> Candidates:
    """Measure the labels' shares of every voxel of another grid and keep the two largest.

    Args:
        labels: (x, y, z), indices 0..count - 1; everything beyond is background.
        matrices: from shares on this grid to shares on the other, one per axis.
        count: how many indices there are, background included.
    """
    shape = _output_shape(labels, matrices)
    ranking = Candidates(
        first=np.zeros(shape, dtype=np.uint8),
        second=np.zeros(shape, dtype=np.uint8),
        first_share=np.zeros(shape, dtype=np.float32),
        second_share=np.zeros(shape, dtype=np.float32),
    )
    background = np.ones(shape, dtype=np.float32)
    for index in range(1, count):
        mask = labels == index
        if mask.any():
            share = apply_matrices(mask.astype(np.float32), matrices)
            background -= share
            _insert(ranking, index, share, share > ranking.first_share)
    _insert(ranking, 0, background, background >= ranking.first_share)
    return ranking


def _output_shape(voxels: NDArray[np.generic], matrices: Matrices) -> tuple[int, ...]:
    """Return the shape that `apply_matrices` would give."""
    return tuple(
        length if matrix is None else matrix.shape[0] for length, matrix in zip(voxels.shape, matrices, strict=True)
    )


def _insert(ranking: Candidates, index: int, share: NDArray[np.float32], wins: NDArray[np.bool_]) -> None:
    next_best = ~wins & (share > ranking.second_share)
    np.copyto(ranking.second, ranking.first, where=wins)
    np.copyto(ranking.second_share, ranking.first_share, where=wins)
    np.copyto(ranking.first, index, where=wins)
    np.copyto(ranking.first_share, share, where=wins)
    np.copyto(ranking.second, index, where=next_best)
    np.copyto(ranking.second_share, share, where=next_best)


def settle(candidates: Candidates, true: NDArray[np.uint8], back: Matrices) -> NDArray[np.uint8]:
    """Choose between first and second label where neither is clear, so that the labels restored from it err least.

    One voxel after the other, closest ties first, takes its other label if that lowers the number of wrong restored
    voxels by more than it costs in shares, until nothing changes.

    Args:
        candidates: of the coarser grid.
        true: (x, y, z) labels of the finer grid, which the choice is judged by.
        back: from the coarser grid to that of `true`.

    Returns:
        (x, y, z) labels of the coarser grid.
    """
    chosen = candidates.first.copy()
    leads = candidates.first_share - candidates.second_share
    unclear = np.argwhere((candidates.second_share > 1 - CLEAR_SHARE) & (candidates.first_share < CLEAR_SHARE))
    unclear = unclear[np.argsort(leads[tuple(unclear.T)], kind="stable")[:MOST_TIES]]
    certainty = _share_of_true(chosen, true, back)
    windows = [_find_windows(matrix, length) for matrix, length in zip(back, chosen.shape, strict=True)]
    price_of_share = PRICE * true.size / chosen.size
    for _ in range(ROUNDS):
        changes = 0
        for place in map(tuple, unclear.tolist()):
            labels, price = (candidates.first[place], candidates.second[place]), float(leads[place]) * price_of_share
            if chosen[place] != labels[0]:
                labels, price = labels[::-1], -price
            window = [axis[index] for axis, index in zip(windows, place, strict=True)]
            if _change(certainty, true, window, labels, price):
                chosen[place] = labels[1]
                changes += 1
        if not changes:
            break
    return chosen


def _share_of_true(found: NDArray[np.uint8], true: NDArray[np.uint8], matrices: Matrices) -> NDArray[np.float32]:
    """Return what share of every voxel's true label is found there.

    Args:
        found: (x, y, z) labels of one grid.
        true: (x, y, z) labels of another.
        matrices: from the first grid to the second.
    """
    result = np.zeros(true.shape, dtype=np.float32)
    background = np.ones(true.shape, dtype=np.float32)
    for index in np.flatnonzero(np.bincount(found.ravel())):
        if index:
            share = apply_matrices((found == index).astype(np.float32), matrices)
            background -= share
            np.copyto(result, share, where=true == index)
    np.copyto(result, background, where=true == 0)
    return result


_Window = tuple[slice, NDArray[np.float32]]


def _change(
    certainty: NDArray[np.float32],
    true: NDArray[np.uint8],
    window: Sequence[_Window],
    labels: tuple[np.uint8, np.uint8],
    price: float,
) -> bool:
    """Change one voxel from the first to the second label if that is worth its price; return whether it was.

    Args:
        certainty: the true labels' shares of the finer grid's voxels, more than one half being right; updated.
        true: the finer grid's labels.
        window: per axis, where the voxel has a part in the finer grid, and its weights there.
        labels: before and after.
        price: in voxels of the finer grid.
    """
    (x, weights_x), (y, weights_y), (z, weights_z) = window
    before = certainty[x, y, z]
    wrong = np.count_nonzero(before <= 0.5)
    if wrong <= price:
        return False
    there = true[x, y, z]
    sign = (there == labels[1]).astype(np.float32) - (there == labels[0])
    after = before + sign * (weights_x[:, None, None] * (weights_y[:, None] * weights_z))
    if np.count_nonzero(after <= 0.5) + price >= wrong:
        return False
    certainty[x, y, z] = after
    return True


def _find_windows(matrix: scipy.sparse.csr_array | None, length: int) -> list[_Window]:
    """Return, for every voxel along an axis, the range of the finer grid that it overlaps and its weights."""
    dense = np.eye(length, dtype=np.float32) if matrix is None else matrix.toarray()
    windows = []
    for column in dense.T:
        rows = np.flatnonzero(column)
        reached = slice(int(rows[0]), int(rows[-1]) + 1) if len(rows) else slice(0, 0)
        windows.append((reached, np.ascontiguousarray(column[reached])))
    return windows
