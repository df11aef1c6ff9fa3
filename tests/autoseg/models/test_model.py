from __future__ import annotations

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from autoseg.models import read_fold
from autoseg.networks import build_network
from autoseg.workspace.fold import FoldFolder
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.jsonfiles import write_json
from dataset_fingerprints.fingerprint import drop_cases
from planners import PlanRequest, make_plan
from planners.run import Run, make_run
from tests.synthetic.configurations import tiny_configuration
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint, repeat_case
from tests.synthetic.machines import GPU

CPU = torch.device("cpu")
IMAGE = torch.randn(1, 1, 8, 8, 8, generator=torch.Generator().manual_seed(0))


@cache
def run() -> Run:
    """Return the settings that a fold of a tiny configuration is begun with."""
    fingerprint = make_fingerprint(repeat_case(5, SyntheticCase(body_shape=(40, 40, 40), spacing_mm=(1.0, 1.0, 1.0))))
    plan = make_plan(fingerprint, PlanRequest(machine=GPU, memory_gb=8.0))
    begun = make_run(plan, "3d_fullres", "0", (), (), drop_cases(fingerprint))
    return replace(begun, configurations=(tiny_configuration(),))


def network(seed: int) -> nn.Module:
    torch.manual_seed(seed)
    return build_network(tiny_configuration(), run().input_channels(), run().scheme.heads().count()).eval()


def write_fold(folder: FoldFolder, networks: dict[Path, nn.Module]) -> FoldFolder:
    write_json(folder.run, run())
    for path, trained in networks.items():
        save_file(trained.state_dict(), path)
    return folder


def test_a_fold_gives_the_network_that_was_trained(tmp_path: Path) -> None:
    folder = FoldFolder(root=tmp_path)
    trained = network(1)
    model = read_fold(write_fold(folder, {folder.weights: trained}))
    assert model.run == run()
    assert model.origin == str(tmp_path)
    (built,) = model.build_networks(CPU)
    assert not built.training
    assert not any(parameter.requires_grad for parameter in built.parameters())
    assert torch.equal(built(IMAGE)[0], trained(IMAGE)[0])


def test_each_snapshot_is_a_network_of_its_own(tmp_path: Path) -> None:
    folder = FoldFolder(root=tmp_path)
    trained = {folder.snapshot(number): network(number) for number in (1, 2, 10)}
    built = read_fold(write_fold(folder, trained)).build_networks(CPU)
    assert len(built) == 3
    for mine, other in zip(built, trained.values(), strict=True):
        assert torch.equal(mine(IMAGE)[0], other(IMAGE)[0])


def test_a_network_has_weights_of_its_own_as_its_configuration_wants_them(tmp_path: Path) -> None:
    folder = FoldFolder(root=tmp_path)
    model = read_fold(write_fold(folder, {folder.weights: network(1)}))
    halves = tuple({name: tensor.half() for name, tensor in weights.items()} for weights in model.weights)
    (built,) = replace(model, weights=halves).build_networks(CPU)
    assert {parameter.dtype for parameter in built.parameters()} == {torch.float32}
    (first,), (second,) = model.build_networks(CPU), model.build_networks(CPU)
    name, _ = next(first.named_parameters())
    nn.init.zeros_(first.get_parameter(name))
    assert second.get_parameter(name).any()
    assert model.weights[0][name].any()


def test_weights_that_are_missing_damaged_or_of_another_network_are_named(tmp_path: Path) -> None:
    folder = FoldFolder(root=tmp_path)
    with pytest.raises(WorkspaceError, match=r"is not trained yet\. Run `autoseg train` first"):
        read_fold(write_fold(folder, {}))
    folder.weights.write_bytes(b"\x10\x00\x00\x00\x00\x00\x00\x00{]")
    with pytest.raises(WorkspaceError, match=r"weights\.safetensors: cannot be used"):
        read_fold(folder)
    broken = network(1)
    nn.init.constant_(next(broken.parameters()), float("nan"))
    with pytest.raises(WorkspaceError, match=r"weights\.safetensors: cannot be used \(.* not finite\)"):
        read_fold(write_fold(folder, {folder.weights: broken}))
    write_fold(folder, {folder.weights: nn.Linear(2, 2)})
    with pytest.raises(WorkspaceError, match=r"the weights do not fit 3d_fullres .*Train the fold again"):
        read_fold(folder).build_networks(CPU)
