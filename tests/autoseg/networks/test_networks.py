"""What every entry of the table of networks must do, in two and three dimensions."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from autoseg.networks import BUILDERS
from planners.choices import Choice
from planners.parts import NETWORKS

# Anisotropic kernels and strides, and a width that stays across a stride.
SHAPED = {
    2: {
        "features": [4, 6, 6, 8],
        "kernels": [[1, 3], [3, 3], [3, 3], [3, 3]],
        "strides": [[1, 1], [1, 2], [2, 2], [2, 1]],
        "encoder_blocks": [1, 2, 1, 2],
        "decoder_blocks": [1, 2, 1],
    },
    3: {
        "features": [4, 6, 6, 8],
        "kernels": [[1, 3, 3], [1, 3, 3], [3, 3, 3], [3, 3, 3]],
        "strides": [[1, 1, 1], [1, 2, 2], [2, 2, 2], [1, 2, 1]],
        "encoder_blocks": [1, 2, 1, 2],
        "decoder_blocks": [1, 2, 1],
    },
}
VARIANTS: dict[str, tuple[dict[str, str], ...]] = {
    "unet": tuple(
        {"block": block, "norm": norm} for block in ("plain", "residual") for norm in ("instance", "batch", "group")
    )
}
CHOICES = [
    pytest.param(Choice(name=name, options={**options}), id="-".join((name, *map(str, options.values()))))
    for name in NETWORKS
    for options in VARIANTS.get(name, ({},))
]
SHAPES = {2: (12, 16), 3: (4, 16, 12)}
SCALE_SHAPES = {2: [(12, 16), (12, 8), (6, 4)], 3: [(4, 16, 12), (4, 8, 6), (2, 4, 3)]}
INPUT_CHANNELS, OUTPUT_CHANNELS, BATCH = 2, 3, 2

pytestmark = [pytest.mark.parametrize("choice", CHOICES), pytest.mark.parametrize("dimensions", [2, 3])]


def build(choice: Choice, dimensions: int, *, deep_supervision: bool = True, recomputed: bool = False) -> nn.Module:
    torch.manual_seed(0)
    shaped = {**SHAPED[dimensions], **choice.options, "deep_supervision": deep_supervision}
    options, builder = BUILDERS.find(Choice(name=choice.name, options=shaped))
    return builder(options, INPUT_CHANNELS, OUTPUT_CHANNELS, recomputed)


def images(dimensions: int) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(BATCH, INPUT_CHANNELS, *SHAPES[dimensions], generator=generator)


def open_residual_branches(network: nn.Module) -> None:
    """Give scales and shifts of norms values that let every parameter matter, as after some training."""
    generator = torch.Generator().manual_seed(2)
    for parameter in network.parameters():
        if parameter.ndim == 1:
            nn.init.uniform_(parameter, 0.5, 1.5, generator=generator)


def test_training_with_deep_supervision_returns_every_decoder_scale_finest_first(
    dimensions: int, choice: Choice
) -> None:
    outputs = build(choice, dimensions)(images(dimensions))
    expected = [(BATCH, OUTPUT_CHANNELS, *shape) for shape in SCALE_SHAPES[dimensions]]
    assert [tuple(output.shape) for output in outputs] == expected


def test_training_without_deep_supervision_and_evaluation_return_the_finest_scale_alone(
    dimensions: int, choice: Choice
) -> None:
    for network in (build(choice, dimensions, deep_supervision=False), build(choice, dimensions).eval()):
        outputs = network(images(dimensions))
        assert [tuple(output.shape) for output in outputs] == [(BATCH, OUTPUT_CHANNELS, *SHAPES[dimensions])]


def test_every_parameter_gets_a_gradient(dimensions: int, choice: Choice) -> None:
    network = build(choice, dimensions)
    open_residual_branches(network)
    generator = torch.Generator().manual_seed(3)
    outputs = network(images(dimensions))
    torch.stack(
        [(output * torch.randn(output.shape, generator=generator)).sum() for output in outputs]
    ).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        # A norm takes away what a convolution's bias adds, so that its gradient is rounding error.
        if not name.endswith("conv.bias"):
            assert parameter.grad.abs().max() > 1e-4, name


def leave_no_numbers_behind() -> None:
    """Fill free memory with what is no number, which a computation that reads more than was written then returns."""
    held = [torch.full((4**power,), float("nan")) for power in range(3, 11) for _ in range(12)]
    del held


def test_bfloat16_autocast_stays_finite(dimensions: int, choice: Choice) -> None:
    network = build(choice, dimensions)
    for _ in range(3):
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16):
            outputs = network(images(dimensions))
        assert all(output.dtype == torch.bfloat16 and output.isfinite().all() for output in outputs)
        loss = torch.stack([output.float().square().mean() for output in outputs]).sum()
        leave_no_numbers_behind()
        loss.backward()
        assert all(parameter.grad.isfinite().all() for parameter in network.parameters() if parameter.grad is not None)


@pytest.mark.parametrize("half", [False, True])
def test_recomputed_feature_maps_lead_to_the_same_gradients(dimensions: int, choice: Choice, half: bool) -> None:
    if choice.options["norm"] == "batch":
        pytest.skip("running averages would count every batch twice; plans that ask for it are refused")
    gradients, kept = [], []
    for recomputed in (False, True):
        network = build(choice, dimensions, recomputed=recomputed)
        open_residual_branches(network)
        outputs, count = run_counting_kept(network, images(dimensions), half)
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


def test_evaluation_gives_what_the_finest_head_gave_in_training(dimensions: int, choice: Choice) -> None:
    if choice.options["norm"] == "batch":
        pytest.skip("batch norm uses its running averages in evaluation")
    network = build(choice, dimensions)
    open_residual_branches(network)
    expected = network(images(dimensions))[0]
    (found,) = network.eval()(images(dimensions))
    torch.testing.assert_close(found, expected, rtol=0, atol=0)


def test_every_weight_is_stored_in_one_piece(dimensions: int, choice: Choice) -> None:
    assert all(tensor.is_contiguous() for tensor in build(choice, dimensions).state_dict().values())
