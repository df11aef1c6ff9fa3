import math
from dataclasses import replace
from pathlib import Path

import pytest

from dataset_fingerprints.errors import PlanError
from dataset_fingerprints.files.jsonfiles import read_json, write_json
from dataset_fingerprints.fingerprint import DatasetFingerprint
from dataset_fingerprints.geometry import Triple
from dataset_fingerprints.publications import expand, read_published
from planners import PlanRequest, check_plan, choose_machine, make_plan
from planners.plan import Configuration, Plan
from planners.stage_inputs import MaskOf
from planners.time_budget import count_multiplications
from tests.synthetic.configurations import unet_of
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import BFLOAT16_CPU, CPU, GPU


def brain(shape: Triple, spacing_mm: float) -> DatasetFingerprint:
    case = SyntheticCase(body_shape=shape, spacing_mm=(spacing_mm,) * 3)
    return make_fingerprint(repeat_case(30, case))


def configuration(plan: Plan, name: str) -> Configuration:
    return next(entry for entry in plan.configurations if entry.name == name)


@pytest.mark.parametrize(
    ("shape", "spacing_mm", "patch", "batch_size"),
    [
        ((35, 50, 36), 1.0, (40, 56, 40), 4),  # hippocampus
        ((50, 60, 48), 3.0, (56, 64, 48), 2),  # a whole brain at 3 mm
        ((72, 88, 72), 2.0, (64, 80, 72), 2),
        ((150, 190, 150), 1.0, (64, 88, 64), 2),
    ],
)
def test_cpu_plans_take_about_a_second_per_step(
    shape: Triple, spacing_mm: float, patch: Triple, batch_size: int
) -> None:
    plan = make_plan(brain(shape, spacing_mm), PlanRequest(machine=BFLOAT16_CPU, memory_gb=8.0))
    fullres = configuration(plan, "3d_fullres")
    assert (fullres.patch_shape, fullres.batch_size) == (patch, batch_size)
    assert unet_of(fullres).features == (16, 32, 64, 128)
    assert fullres.training.optimizer.name == "adamw"


@pytest.mark.parametrize(
    ("shape", "spacing_mm"), [((35, 50, 36), 1.0), ((50, 60, 48), 3.0), ((72, 88, 72), 2.0), ((150, 190, 150), 1.0)]
)
def test_a_cpu_without_bfloat16_takes_smaller_steps_with_a_thin_finest_level(shape: Triple, spacing_mm: float) -> None:
    fullres, faster = (
        configuration(make_plan(brain(shape, spacing_mm), PlanRequest(machine=machine, memory_gb=8.0)), "3d_fullres")
        for machine in (CPU, BFLOAT16_CPU)
    )
    assert math.prod(fullres.patch_shape) <= 160_000
    assert fullres.batch_size == 2
    network = unet_of(fullres)
    assert network.features == (8, 32, 64, 128)
    assert (network.encoder_blocks, network.decoder_blocks) == ((1, 2, 2, 2), (1, 2, 2))
    multiplications = [count_multiplications(entry, 1, 2) for entry in (fullres, faster)]
    assert multiplications[0] < 0.6 * multiplications[1]


def test_more_cores_see_more_of_the_brain() -> None:
    many = replace(BFLOAT16_CPU, cores=8)
    fingerprint = brain((150, 190, 150), 1.0)
    small = make_plan(fingerprint, PlanRequest(machine=BFLOAT16_CPU, memory_gb=8.0))
    large = make_plan(fingerprint, PlanRequest(machine=many, memory_gb=8.0))
    assert configuration(large, "3d_fullres").patch_shape == (96, 96, 96)
    assert configuration(small, "3d_fullres").patch_shape == (64, 88, 64)


def test_a_cpu_plan_says_so_loudly() -> None:
    plan = make_plan(brain((35, 50, 36), 1.0), PlanRequest(machine=CPU, memory_gb=8.0))
    assert plan.decisions[0].value == "CPU PLAN"
    assert "NO GPU" in plan.decisions[0].rule
    assert plan.decisions[0].evidence.endswith("2 cores, feature maps in float32")


def test_a_plan_for_a_gpu_elsewhere_says_which_number_type_it_counts_on() -> None:
    machine, memory_gb = choose_machine(CPU, "default", 16.0)
    plan = make_plan(brain((35, 50, 36), 1.0), PlanRequest(machine=machine, memory_gb=memory_gb))
    assert plan.decisions[0].evidence == "a GPU elsewhere: 16 GiB to plan for, 2 cores, feature maps in bfloat16"


def test_the_nnunet_planner_plans_for_a_gpu_on_any_machine() -> None:
    fingerprint = brain((150, 190, 150), 1.0)
    here = make_plan(fingerprint, PlanRequest(planner="nnunet", machine=CPU, memory_gb=8.0))
    there = make_plan(fingerprint, PlanRequest(planner="nnunet", machine=GPU, memory_gb=8.0))
    assert [entry.patch_shape for entry in here.configurations] == [entry.patch_shape for entry in there.configurations]
    assert here.configurations[0].training.optimizer.name == "sgd"
    assert here.configurations[0].training.iterations == 250_000


def test_single_slices_get_a_2d_plan_only() -> None:
    plan = make_plan(brain((300, 200, 1), 0.5), PlanRequest(machine=GPU, memory_gb=8.0))
    assert [entry.name for entry in plan.configurations] == ["2d"]
    assert plan.default_configuration == "2d"
    assert configuration(plan, "2d").network_axes() == (0, 1)


def test_slices_and_volumes_share_their_preprocessing() -> None:
    plan = make_plan(brain((150, 190, 150), 1.0), PlanRequest(machine=GPU, memory_gb=8.0))
    assert configuration(plan, "2d").preprocessing == configuration(plan, "3d_fullres").preprocessing


def test_thick_ct_slices_get_flat_kernels_late_strides_and_a_cascade() -> None:
    fingerprint = expand(read_published("ct_3mm_512"))
    plan = make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0))
    fullres = unet_of(configuration(plan, "3d_fullres"))
    assert fullres.kernels[0] == (3, 3, 1)
    assert fullres.strides[1] == (2, 2, 1)
    assert configuration(plan, "3d_cascade_fullres").inputs == (MaskOf(configuration="3d_lowres"),)


def test_few_thick_cardiac_slices_get_flat_kernels_and_no_cascade() -> None:
    plan = make_plan(expand(read_published("acdc_like")), PlanRequest(machine=GPU, memory_gb=8.0))
    assert unet_of(configuration(plan, "3d_fullres")).kernels[0] == (3, 3, 1)
    assert [entry.name for entry in plan.configurations] == ["2d", "3d_fullres"]


@pytest.mark.parametrize("cases", [3, 2000])
def test_few_and_many_cases_are_planned(cases: int) -> None:
    case = SyntheticCase(body_shape=(150, 190, 150))
    plan = make_plan(make_fingerprint(repeat_case(cases, case)), PlanRequest(machine=GPU, memory_gb=24.0))
    check_plan(plan)
    assert configuration(plan, "3d_fullres").batch_size >= 2


@pytest.mark.parametrize(("memory_gb", "batch_size"), [(48.0, 4), (80.0, 4)])
def test_a_large_card_sees_whole_brains(memory_gb: float, batch_size: int) -> None:
    """More than four whole brains per step would only make steps longer: 22 million voxels are the most."""
    fingerprint = expand(read_published("atlas_cropped_1mm"))
    fullres = configuration(make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=memory_gb)), "3d_fullres")
    assert fullres.patch_shape == (160, 192, 160)
    assert fullres.batch_size == batch_size


def test_tiny_scans_are_padded_to_something_a_unet_can_halve() -> None:
    plan = make_plan(brain((3, 5, 2), 1.0), PlanRequest(machine=GPU, memory_gb=8.0))
    assert configuration(plan, "3d_fullres").patch_shape == (12, 12, 12)
    check_plan(plan)


def test_plan_survives_the_disk(tmp_path: Path) -> None:
    plan = make_plan(brain((35, 50, 36), 1.0), PlanRequest(machine=CPU, memory_gb=8.0, seed=3))
    write_json(tmp_path / "plan.json", plan)
    assert read_json(tmp_path / "plan.json", Plan) == plan


def test_unknown_planner_names_the_nearest() -> None:
    with pytest.raises(PlanError, match="Did you mean 'nnunet'"):
        make_plan(brain((35, 50, 36), 1.0), PlanRequest(planner="nnUnet", machine=CPU, memory_gb=8.0))


def test_hardly_any_memory_makes_no_plan() -> None:
    with pytest.raises(PlanError, match="larger memory budget"):
        make_plan(brain((150, 190, 150), 1.0), PlanRequest(machine=GPU, memory_gb=0.001))
