"""Contract of every entry of the table of networks."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from planners.parts import NETWORKS
from tests.autoseg.networks.examples import (
    BATCH,
    OUTPUT_CHANNELS,
    Example,
    has_batch_norm,
    list_examples,
    open_residual_branches,
)

EXAMPLES = list(list_examples())
every_example = pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)


@pytest.mark.parametrize("name", NETWORKS)
def test_every_network_has_an_example(name: str) -> None:
    assert any(example.choice.name == name for example in EXAMPLES)


@every_example
def test_training_gives_as_many_outputs_as_there_are_heads_finest_first(example: Example) -> None:
    outputs = example.build()(example.images())
    assert [tuple(output.shape[:2]) for output in outputs] == [(BATCH, OUTPUT_CHANNELS)] * len(example.layers().heads)
    assert tuple(outputs[0].shape[2:]) == example.patch
    assert [output[0, 0].numel() for output in outputs] == [head.voxels for head in example.layers().heads]


@every_example
def test_evaluation_gives_the_finest_output_alone(example: Example) -> None:
    outputs = example.build().eval()(example.images())
    assert [tuple(output.shape) for output in outputs] == [(BATCH, OUTPUT_CHANNELS, *example.patch)]


@every_example
def test_every_parameter_gets_a_gradient(example: Example) -> None:
    network = example.build()
    open_residual_branches(network)
    generator = torch.Generator().manual_seed(3)
    outputs = network(example.images())
    torch.stack(
        [(output * torch.randn(output.shape, generator=generator)).sum() for output in outputs]
    ).sum().backward()
    without_effect = biases_before_norms(network)
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A norm takes away what a convolution's bias adds, so that its gradient is rounding error.
        if name not in without_effect:
            assert parameter.grad.abs().max() > 1e-4, name


def biases_before_norms(network: nn.Module) -> set[str]:
    """Return the names of the biases of layers that a norm comes behind."""
    layers = [(name, module) for name, module in network.named_modules() if not list(module.children())]
    return {f"{name}.bias" for (name, _), (_, after) in pairwise(layers) if "Norm" in type(after).__name__}


def leave_no_numbers_behind() -> None:
    """Fill free memory with NaN, which a computation that reads more than was written then returns."""
    held = [torch.full((4**power,), float("nan")) for power in range(3, 11) for _ in range(12)]
    del held


@every_example
def test_bfloat16_autocast_stays_finite(example: Example) -> None:
    network = example.build()
    for _ in range(3):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(example.images())
        assert all(output.dtype == torch.bfloat16 and output.isfinite().all() for output in outputs)
        loss = torch.stack([output.float().square().mean() for output in outputs]).sum()
        leave_no_numbers_behind()
        loss.backward()
        assert all(parameter.grad.isfinite().all() for parameter in network.parameters() if parameter.grad is not None)


@every_example
@pytest.mark.parametrize("half", [False, True])
def test_recomputed_feature_maps_lead_to_the_same_gradients(example: Example, half: bool) -> None:
    if not example.options.recomputable():
        pytest.skip("plans that ask for it are refused")
    gradients, kept = [], []
    for recomputed in (False, True):
        network = example.build(recomputed=recomputed)
        open_residual_branches(network)
        outputs, count = run_counting_kept(network, example.images(), half)
        kept.append(count)
        torch.stack([output.float().square().mean() for output in outputs]).sum().backward()
        gradients.append([parameter.grad for parameter in network.parameters()])
    assert all(torch.equal(one, other) for one, other in zip(*gradients, strict=True) if one is not None)
    assert kept[1] < kept[0] / 2


def run_counting_kept(network: nn.Module, batch: Tensor, half: bool) -> tuple[tuple[Tensor, ...], int]:
    """Return a network's outputs and how many tensors it keeps for the backward pass."""
    kept: list[Tensor] = []

    def pack(tensor: Tensor) -> Tensor:
        kept.append(tensor)
        return tensor

    hooks = torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor)
    with hooks, torch.autocast("cpu", torch.bfloat16, enabled=half):
        outputs: tuple[Tensor, ...] = network(batch)
    return outputs, len(kept)


@every_example
def test_evaluation_gives_what_the_finest_head_gave_in_training(example: Example) -> None:
    network = example.build()
    if has_batch_norm(network):
        pytest.skip("batch norm uses its running averages in evaluation")
    open_residual_branches(network)
    expected = network(example.images())[0]
    (found,) = network.eval()(example.images())
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


@every_example
def test_every_weight_is_stored_in_one_piece(example: Example) -> None:
    assert all(tensor.is_contiguous() for tensor in example.build().state_dict().values())


@every_example
def test_its_list_of_layers_has_the_parameters_of_the_network_built(example: Example) -> None:
    assert example.layers().parameters() == sum(parameter.numel() for parameter in example.build().parameters())


@every_example
def test_its_list_of_layers_has_the_multiplications_that_torch_counts(example: Example) -> None:
    with FlopCounterMode(display=False) as counter:
        example.build()(example.images()[:2])  # of two samples, for torch does not count what oneDNN does with one
    assert 2 * 2 * example.layers().multiplications() == counter.get_total_flops()


@every_example
def test_scaled_it_has_the_same_layers_no_wider_and_still_trains(example: Example) -> None:
    narrower = example.scaled(8)
    pairs = zip(example.layers().every(), narrower.layers().every(), strict=True)
    assert all((small.taps, small.reads) == (large.taps, large.reads) for large, small in pairs)
    assert narrower.layers().parameters() <= example.layers().parameters()
    network = narrower.build()
    outputs = network(narrower.images())
    assert narrower.layers().parameters() == sum(parameter.numel() for parameter in network.parameters())
    assert all(output.isfinite().all() for output in outputs)
