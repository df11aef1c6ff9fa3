"""Trainings on noise, whose steps experiments measure."""

from __future__ import annotations

import torch

from autoseg.pipeline.costs.small_part import make_noise_cases
from dataset_fingerprints.publications import expand, read_published
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.machines import CPU


def test_cases_hold_every_label_and_a_whole_patch() -> None:
    plan = make_plan(expand(read_published("msd_hippocampus")), PlanRequest(machine=CPU, memory_gb=8.0))
    configuration = plan.configurations[1]
    for case in make_noise_cases(plan, configuration, torch.device("cpu")):
        assert [len(voxels) for voxels in case.foreground] == [8, 8]
        assert all(length >= edge for length, edge in zip(case.voxels.shape, configuration.patch_shape, strict=True))
