"""Figures that all cases give together; `POOLED` is the one table, which conventions name entries of."""

from __future__ import annotations

from autoseg.evaluation.pooled.lesions import PooledLesionF1Options, PooledRecallBySizeOptions
from autoseg.evaluation.pooled.pooled_metric import PooledOptions
from autoseg.evaluation.pooled.scans import SCANS
from autoseg.evaluation.pooled.subvolumes import SUBVOLUMES
from autoseg.evaluation.pooled.voxels import VOXELS

POOLED: dict[str, type[PooledOptions]] = {
    **VOXELS,
    **SCANS,
    **SUBVOLUMES,
    "pooled_lesion_f1": PooledLesionF1Options,
    "pooled_recall_by_size": PooledRecallBySizeOptions,
}

__all__ = ["POOLED", "PooledOptions"]
