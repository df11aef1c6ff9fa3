"""Models of small networks whose weights are random, and scans for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from autoseg.models import Cover, Model, ModelSet, Selection, write_bundle
from autoseg.models.model_set import Rule, Stages
from autoseg.models.portable import make_portable
from autoseg.models.selection import Evidence
from autoseg.networks import build_network
from dataset_fingerprints.dataset import Label, LabelScheme
from dataset_fingerprints.fingerprint import drop_cases
from planners import PlanRequest, make_plan
from planners.choices import Choice
from planners.plan import Configuration, Preprocessing
from planners.run import CaseContent, Run, make_run
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU
from tests.synthetic.scans import affine_of, head, write_nifti

PLAIN = LabelScheme(labels=(Label(name="dark", value=3), Label(name="bright", value=700)))
SPACING_MM = (1.2, 1.0, 1.9)


def configure(name: str = "3d_fullres", slice_axis: int = -1, **changes: object) -> Configuration:
    """Return a configuration of small patches with voxels of its own."""
    preprocessing = Preprocessing(spacing_mm=(1.1, 1.3, 1.6), normalization=(Choice(name="zscore"),), coarse_axis=2)
    return replace(tiny_configuration(slice_axis), **{"name": name, "preprocessing": preprocessing, **changes})


def train(
    configurations: Sequence[Configuration],
    fold: str = "0",
    snapshots: int = 1,
    scheme: LabelScheme = PLAIN,
    channels: tuple[str, ...] = ("T1w",),
) -> Model:
    """Return a model of the last of some configurations; nothing was trained."""
    run = replace(
        _run(fold),
        configuration=configurations[-1].name,
        configurations=tuple(configurations),
        scheme=scheme,
        channels=channels,
    )
    torch.manual_seed(sum(map(ord, f"{run.configuration}{fold}")))
    weights = []
    for _ in range(snapshots):
        network = build_network(run.own(), run.input_channels(), run.learned().heads().count())
        # Of all outputs, each is the largest somewhere.
        torch.nn.init.normal_(network.head.weight, 0, 1)  # type: ignore[union-attr, arg-type]
        weights.append(network.state_dict())
    return Model(run=run, weights=tuple(weights), origin=fold)


def _run(fold: str) -> Run:
    fingerprint = make_fingerprint(repeat_case(5, SyntheticCase(body_shape=(40, 40, 40), spacing_mm=(1.0, 1.0, 1.0))))
    plan = make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0))
    content = (CaseContent(case="Smith-John", sha256=("aa", "bb")),)
    return make_run(plan, "3d_fullres", fold, content, (), drop_cases(fingerprint))


def put_together(
    *stages: Stages, rule: Rule = "probabilities", decision: tuple[tuple[float, ...], tuple[Choice, ...]] | None = None
) -> ModelSet:
    """Return models that predict together, with thresholds and post-processing."""
    selection = None
    if decision is not None:
        evidence = Evidence(score="mean", level=0.95, cases=0, subjects=0, folds=(), trials=())
        selection = Selection(
            configurations=("3d_fullres",),
            thresholds=decision[0],
            postprocessing=decision[1],
            measured_on=(),
            evidence=evidence,
        )
    return ModelSet(stages=stages, rule=rule, selection=selection)


def write_portable(path: Path, models: ModelSet) -> Path:
    """Write a bundle with networks as ONNX."""
    write_bundle(path, models, Cover(name="", licence="", card=""), {}, make_portable(models, lambda: None))
    return path


def write_scan(path: Path, channels: int = 1, seed: int = 5) -> list[Path]:
    """Write a scan that is turned, with voxels of its own and background around."""
    voxels, affine = turned_head(seed)
    names = [path] if channels == 1 else [path.with_name(f"{path.name[:-7]}_{n:04d}.nii.gz") for n in range(channels)]
    return [write_nifti(name, voxels if not n else np.square(voxels), affine) for n, name in enumerate(names)]


def turned_head(seed: int) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return voxels and the affine of such a scan."""
    return head(seed, (22, 26, 18))[0], affine_of((1, 0, 2), (-1, 1, 1), SPACING_MM, rotation_degrees=4)
