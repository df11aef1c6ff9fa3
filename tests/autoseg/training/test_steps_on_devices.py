"""Single steps on every device that there is: going on from a checkpoint, and never waiting for a GPU."""

from dataclasses import replace

import pytest
import torch

from autoseg.training.checkpoint import load_checkpoint, save_checkpoint
from autoseg.training.position import Position
from autoseg.training.step import Stepper
from autoseg.workspace.fold import FoldFolder
from tests.autoseg.training.builders import setup

# A whole channel in three is left out of a step.
DROPPING = {"attention": "squeeze_excitation", "dropout": 0.3}
DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.gpu)]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize("network", [{}, DROPPING], ids=["plain", "with dropout"])
def test_a_training_that_goes_on_from_a_checkpoint_makes_the_next_steps_that_the_first_one_would(
    tmp_path, network, recomputed, device
):
    made = setup(device=device, recomputed=recomputed)
    chosen = replace(made.configuration.network, options={**made.configuration.network.options, **network})
    made = replace(made, configuration=replace(made.configuration, network=chosen))
    first, second = (Stepper(made, FoldFolder(root=tmp_path)) for _ in range(2))
    position = Position(iterations=10)
    for _ in range(5):
        first.run(position, 1e-3)
        position = position.stepped()
    save_checkpoint(tmp_path / "c.safetensors", first.state, position)
    position = load_checkpoint(tmp_path / "c.safetensors", second.state)
    while not position.is_done():
        expected, found = (stepper.run(position, 1e-3).item() for stepper in (first, second))
        position = position.stepped()
        # On a GPU gradients are summed in an order of the moment.
        assert found == expected if device == "cpu" else found == pytest.approx(expected, abs=1e-3)


@pytest.mark.gpu
@pytest.mark.parametrize("slice_axis", [-1, 2])
def test_steps_never_wait_for_the_gpu(tmp_path, slice_axis):
    stepper = Stepper(setup(slice_axis, device="cuda"), FoldFolder(root=tmp_path))
    for iteration in range(2):
        stepper.run(Position(iteration=iteration), 1e-3)
    torch.cuda.set_sync_debug_mode("error")
    try:
        losses = [stepper.run(Position(iteration=iteration), 1e-3) for iteration in range(2, 6)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.stack(losses).isfinite().all()
