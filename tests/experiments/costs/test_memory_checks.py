from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from autoseg.hardware import profile_machine
from autoseg.pipeline.costs.small_part import make_noise_cases
from dataset_fingerprints.publications import expand, read_published
from dataset_fingerprints.sizes import GIB
from experiments.costs.memory_checks import MemoryCheck, measure_peak_gb
from planners.networks.memory_decisions import predict_configuration
from planners.planner import PlanRequest
from planners.presets import make_plan
from tests.synthetic.machines import CPU

CHECK = MemoryCheck(
    data_set="a", planner="default", memory_gb=8.0, configuration="2d", predicted_gb=5.4, measured_gb=5.0
)


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine can do the experiment")
def test_without_a_gpu_the_experiment_is_one_message() -> None:
    found = subprocess.run([sys.executable, "-m", "experiments", "memory"], capture_output=True, encoding="utf-8")
    assert found.returncode == 2
    assert found.stdout == ""
    assert "no CUDA device" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_prediction_holds_within_a_tenth() -> None:
    assert CHECK.holds()
    assert CHECK.row()[-3:] == ("5.00", "1.08", "yes")
    assert not MemoryCheck(
        data_set="a", planner="default", memory_gb=8.0, configuration="2d", predicted_gb=5.6, measured_gb=5.0
    ).holds()


def test_cases_hold_every_label_and_a_whole_patch() -> None:
    plan = make_plan(expand(read_published("msd_hippocampus")), PlanRequest(machine=CPU, memory_gb=8.0))
    configuration = plan.configurations[1]
    for case in make_noise_cases(plan, configuration, torch.device("cpu")):
        assert [len(voxels) for voxels in case.foreground] == [8, 8]
        assert all(length >= edge for length, edge in zip(case.voxels.shape, configuration.patch_shape, strict=True))


@pytest.mark.gpu
def test_the_predicted_peak_is_what_torch_counts() -> None:
    fingerprint = expand(read_published("msd_hippocampus"))
    plan = make_plan(fingerprint, PlanRequest(machine=profile_machine(), memory_gb=8.0))
    predicted = predict_configuration(plan, plan.configurations[1]).tensors() / GIB
    # The experiment's promise; what a convolution works in is the library's choice.
    assert measure_peak_gb(plan, plan.configurations[1]) == pytest.approx(predicted, rel=0.1)
