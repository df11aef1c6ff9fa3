"""Plans of planners, which can be built and trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autoseg.models.tensors import load_tensors
from autoseg.sampling import make_resident_case
from autoseg.training.setting import Setup
from autoseg.workspace.fold import FoldFolder
from planners import PlanRequest, make_plan, set_values
from planners.plan import Configuration, Plan
from tests.autoseg.sampling.builders import with_masks
from tests.autoseg.training.builders import make_trainer
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import CPU
from tests.synthetic.small_networks import small_network

lengths = st.integers(min_value=1, max_value=40)
cases = st.builds(
    SyntheticCase,
    body_shape=st.tuples(lengths, lengths, lengths).filter(lambda shape: sorted(shape)[1] > 1),
    spacing_mm=st.tuples(*[st.sampled_from([0.5, 1.0, 5.0])] * 3),
)
SHORT = ["training.iterations=1", "training.validation_rounds=0", "batch_size=2"]


def train_one_step(plan: Plan, configuration: Configuration, folder: Path) -> dict[str, torch.Tensor]:
    """Train on noise, where the network sees masks beside perfect ones, and return the weights."""
    rng = np.random.default_rng(0)
    label = np.zeros((30, 30, 30), dtype=np.uint8)
    label[10:20, 10:20, 10:20] = 1
    image = rng.normal(size=(len(plan.channels), 30, 30, 30)).astype(np.float32)
    heads = plan.scheme.heads()
    case = make_resident_case("noise", image, label, heads, torch.device("cpu"))
    setup = Setup(
        configuration=configuration,
        channels=plan.input_channels(configuration),
        heads=heads,
        cases=[with_masks(case, heads, *(label for _ in configuration.masks()))],
        validation_cases=(),
        seed=(0, 0),
        max_minutes=None,
        device=torch.device("cpu"),
        autocast=torch.float32,
    )
    make_trainer(folder, setup).run()
    return load_tensors(FoldFolder(root=folder).weights)[0]


# A step of the largest of these networks takes a second on two cores.
@pytest.mark.slow
@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(st.lists(cases, min_size=1, max_size=3), st.sampled_from(["default", "nnunet-resenc-m"]), st.integers(1, 3))
def test_every_plan_builds_and_trains(
    tmp_path_factory: pytest.TempPathFactory, scans: list[SyntheticCase], planner: str, labels: int
) -> None:
    plan = make_plan(make_fingerprint(scans, labels=labels), PlanRequest(planner=planner, machine=CPU, memory_gb=4.0))
    for configuration in set_values(plan, SHORT).configurations:
        weights = train_one_step(plan, configuration, tmp_path_factory.mktemp("fold"))
        assert all(weight.isfinite().all() for weight in weights.values())


def test_both_stages_of_a_cascade_train(tmp_path: Path) -> None:
    scans = [SyntheticCase(body_shape=(40, 56, 40), spacing_mm=(1.0, 1.0, 1.0))] * 5
    request = PlanRequest(planner="nnunet", machine=CPU, memory_gb=0.02)
    plan = set_values(make_plan(make_fingerprint(scans, labels=2), request), SHORT)
    stages = {configuration.name: configuration for configuration in plan.configurations}
    for name in ("3d_lowres", "3d_cascade_fullres"):
        weights = train_one_step(plan, stages[name], tmp_path / name)
        assert all(weight.isfinite().all() for weight in weights.values())
        (seen,) = {weight.shape[1] for key, weight in weights.items() if key.endswith("encoder.0.0.conv.weight")}
        assert seen == plan.input_channels(stages[name])


def test_a_network_of_slices_trains_with_those_beside_them(tmp_path: Path) -> None:
    scans = [SyntheticCase(body_shape=(24, 24, 20))] * 5
    planned = make_plan(make_fingerprint(scans, labels=1), PlanRequest(machine=CPU, memory_gb=1.0))
    plan = set_values(planned, [*SHORT, *small_network("2d", 2), "2d.neighbours=2"])
    flat = next(configuration for configuration in plan.configurations if configuration.name == "2d")
    weights = train_one_step(plan, flat, tmp_path)
    assert all(weight.isfinite().all() for weight in weights.values())
    (seen,) = {weight.shape[1] for key, weight in weights.items() if key.endswith("encoder.0.0.conv.weight")}
    assert seen == 5
