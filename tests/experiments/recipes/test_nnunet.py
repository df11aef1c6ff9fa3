"""nnU-Net's recipes plan what its own planners plan (facts: plans of nnunetv2 2.8.1 for ATLAS in MNI space)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from dataset_fingerprints.publications import expand, read_published
from experiments.recipes import find_recipe
from planners.plan import Plan
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.machines import GPU


def plan_atlas(planner: str, memory_gb: float) -> Plan:
    return make_plan(
        expand(read_published("atlas_r2_mni")), PlanRequest(planner=planner, machine=GPU, memory_gb=memory_gb)
    )


@pytest.mark.parametrize(
    ("name", "planner", "patch", "batch"),
    [
        ("nnunet", "nnunet", (128, 128, 128), 2),
        ("nnunet_resenc_m", "nnunet-resenc-m", (128, 128, 128), 2),
        ("nnunet_resenc_l", "nnunet-resenc-l", (192, 224, 160), 2),
        ("nnunet_resenc_xl", "nnunet-resenc-xl", (224, 256, 192), 2),
    ],
)
def test_patch_and_batch_are_those_of_nnunet(name: str, planner: str, patch: tuple[int, int, int], batch: int) -> None:
    memory_gb = find_recipe(name).memory_gb
    plan = plan_atlas(name, memory_gb)
    (volumes,) = (entry for entry in plan.configurations if entry.name == "3d_fullres")
    assert (volumes.patch_shape, volumes.batch_size) == (patch, batch)
    assert replace(plan, planner=planner) == plan_atlas(planner, memory_gb)
    assert plan.predicting() == ("3d_fullres",)
