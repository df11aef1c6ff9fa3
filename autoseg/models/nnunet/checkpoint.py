"""A checkpoint of nnU-Net: a pickle, of which only tensors, numbers and texts are ever made."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from numpy._core.multiarray import scalar
from torch import Tensor
from torch.serialization import safe_globals

from dataset_fingerprints.errors import DataError

# What nnU-Net's checkpoints hold beside tensors and plain values: numbers of numpy, whose module has another name in
# files that were written with numpy 1.
_ALLOWED: list[Any] = [
    np.dtype,
    np.dtypes.Float32DType,
    np.dtypes.Float64DType,
    scalar,
    (scalar, "numpy.core.multiarray.scalar"),
]
# How torch names what a pickle asks for beside them.
_UNSUPPORTED = re.compile(r"(?:[Uu]nsupported (?:global: )?GLOBAL|unsupported class|unrecognized function) ([\w.]+)")


@dataclass(frozen=True, kw_only=True, slots=True)
class Checkpoint:
    """A trained network as nnU-Net keeps it.

    Attributes:
        weights: by nnU-Net's names.
        trainer: the name of the class that trained it.
        configuration: the name of the plan's configuration.
        mirror_axes: of the network, whose flips may be averaged.
    """

    weights: Mapping[str, Tensor]
    trainer: str
    configuration: str
    mirror_axes: tuple[int, ...]


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        DataError: it is missing or damaged, asks for anything but tensors and plain values, or lacks what a checkpoint
            of nnU-Net holds.
    """
    content = _load(path)
    settings = content.get("init_args")
    weights, trainer = content.get("network_weights"), content.get("trainer_name")
    configuration = settings.get("configuration") if isinstance(settings, dict) else None
    mirrored = content.get("inference_allowed_mirroring_axes")
    if (
        not isinstance(trainer, str)
        or not isinstance(configuration, str)
        or not isinstance(weights, dict)
        or not all(isinstance(name, str) and isinstance(tensor, Tensor) for name, tensor in weights.items())
    ):
        raise DataError(
            f"{path}: is not a checkpoint of nnU-Net v2. Expected network_weights, trainer_name and init_args with the "
            "configuration in it: give a folder that nnU-Net v2 trained."
        )
    if not isinstance(mirrored, list | tuple | None) or not all(isinstance(axis, int) for axis in mirrored or ()):
        raise DataError(f"{path}: inference_allowed_mirroring_axes is {mirrored!r}. Expected numbers of axes.")
    return Checkpoint(weights=weights, trainer=trainer, configuration=configuration, mirror_axes=tuple(mirrored or ()))


def _load(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise DataError(f"{path}: does not exist. Expected a checkpoint of nnU-Net.")
    try:
        with safe_globals(_ALLOWED):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    except Exception as error:  # a pickle that was made to do harm fails in any way
        raise DataError(_explain(path, error)) from error
    if not isinstance(content, dict):
        raise DataError(f"{path}: holds a {type(content).__name__}. Expected a checkpoint of nnU-Net.")
    return content


def _explain(path: Path, error: Exception) -> str:
    text = str(error)
    found = _UNSUPPORTED.search(text)
    if found:
        return (
            f"{path}: is refused: it asks for {found.group(1)} to be run or built, and checkpoints of nnU-Net need no "
            "more than tensors and numbers. It may have been made to do harm. Get it again from where you trust it."
        )
    # Of a wrong pickle torch says first of all how to run it.
    reason = "its pickle is damaged" if isinstance(error, UnpicklingError) else (text.splitlines() or [""])[0]
    reason = reason[:200] or type(error).__name__
    return f"{path}: cannot be read as a checkpoint ({reason}). It may be damaged: copy it again."
