"""`python -m experiments.costs.inference_worker JOB`: predict scans in one way, and write masks and figures."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.hardware import calm_threads, choose_device
from autoseg.models import Model
from autoseg.models.model import read_fold
from autoseg.pipeline.plans.reading import read_plan
from autoseg.pipeline.scans.new_scans import find_scans
from autoseg.prediction.deciding import decide
from autoseg.prediction.inputs import SharedInputs
from autoseg.prediction.members import Member, make_members
from autoseg.prediction.sliding.efforts import count_passes
from autoseg.workspace.workspace import Workspace
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import read_plain_json, write_json
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.measuring.scans import Scan, read_scan
from dataset_fingerprints.reading.images import write_label_map
from planners.choices import resolve
from planners.parts.networks import NETWORKS
from planners.plan import Configuration


@dataclass(frozen=True, kw_only=True, slots=True)
class _Job:
    workspace: str
    configuration: str
    fold: str
    scans: str
    masks: str
    figures: str
    step_share: float


def run(job: _Job) -> None:
    """Predict all scans, one after the other.

    Raises:
        DataError: the fold sees what other configurations found, or its network takes no other shapes.
    """
    calm_threads()
    workspace = Workspace(root=Path(job.workspace))
    plan, _ = read_plan(workspace, "default")
    model = read_fold(workspace.fold(plan.name, job.configuration or plan.default_configuration, job.fold))
    member = _make_member(model)
    seconds, passes = [], []
    for new in find_scans(Path(job.scans), model.run.channels, zero_missing=False):
        scan = read_scan(new.name, new.images, model.run.channels)
        began = time.perf_counter()
        inputs = SharedInputs(scan)
        x, y, z = inputs.of(member.window.configuration, member.scheme).image.shape[1:]
        fitted = _fit(member, job.step_share, (x, y, z))
        labels = member.scheme.to_values(decide(fitted.predict_shared(inputs)))
        seconds.append(time.perf_counter() - began)
        used = fitted.window.configuration
        passes.append(count_passes((x, y, z), used.patch_shape, used.prediction))
        _write(Path(job.masks) / f"{new.name}.nii.gz", labels, scan)
    gpu = torch.cuda.max_memory_allocated() / 1024**3 if torch.cuda.is_available() else 0.0
    write_json(Path(job.figures), {"seconds": seconds, "passes": passes, "gpu_gb": gpu})


def _make_member(model: Model) -> Member:
    configuration = model.run.own()
    if configuration.inputs or len(configuration.network_axes()) < 3:
        raise DataError(
            f"{configuration.name}: cannot see a whole image by itself. Expected a configuration in 3D without inputs "
            "of others, such as 3d_fullres."
        )
    return make_members(model, choose_device(), mirror=False)[0]


def _fit(member: Member, step_share: float, shape: Triple) -> Member:
    """Return the network with patches so far apart; with 0, one patch around the whole image, padded to its strides."""
    configuration = member.window.configuration
    prediction = replace(configuration.prediction, step_share=step_share or 1.0, mirror_axes=())
    patch_shape = configuration.patch_shape if step_share else _pad(shape, configuration)
    used = replace(configuration, patch_shape=patch_shape, prediction=prediction)
    return replace(member, window=replace(member.window, configuration=used))


def _pad(shape: Triple, configuration: Configuration) -> Triple:
    """Return the smallest shape around an image that the network's strides divide."""
    divisors = resolve(configuration.network, NETWORKS, "network").divisors()
    x, y, z = (-(-length // divisor) * divisor for length, divisor in zip(shape, divisors, strict=True))
    return (x, y, z)


def _write(path: Path, labels: NDArray[np.integer], scan: Scan) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_label_map(path, labels, scan.source_grid, scan.header)


if __name__ == "__main__":
    run(_Job(**read_plain_json(Path(sys.argv[1]))))
