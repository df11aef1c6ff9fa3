"""Network costs as planners predict them, against the network itself."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from autoseg.losses import build_objective
from autoseg.networks import BUILDERS
from autoseg.networks.padding import cut_back, pad_behind
from autoseg.sampling import Batch
from autoseg.training.optimizers import build_optimizer
from dataset_fingerprints.dataset import Heads
from planners.choices import Choice, choose, resolve
from planners.networks.training_memory import Execution, Shape, count_feature_map_elements, predict_memory
from planners.parts import LOSSES, OPTIMIZERS
from planners.parts.losses import DiceCrossEntropyOptions
from planners.parts.networks import NetworkLayers, SegNetOptions, UNetOptions
from planners.parts.optimizers import SgdOptions
from planners.parts.weights import AveragedOptions
from tests.synthetic.batches import measure
from tests.synthetic.heads import plain_heads, region_scheme

CONVOLUTIONS = (nn.Conv2d, nn.Conv3d, nn.ConvTranspose2d, nn.ConvTranspose3d)
SEEDS = range(20)
BLOCKS: dict[str, dict[str, Any]] = {
    "plain": {"block": "plain"},
    "residual": {"block": "residual"},
    "residual-both": {"block": "residual", "decoder_block": "residual"},
    "residual-bare": {"block": "residual", "decoder_block": "residual", "stem": False, "shortcut": "padding"},
    "plain-pool": {"block": "plain", "downsampling": "pool"},
    "residual-pool": {"block": "residual", "downsampling": "pool"},
}
UPSAMPLINGS = ("plain", "pooling_indices")
# Every loss, and those that keep more by their options.
COMPARED = (*(Choice(name=name) for name in LOSSES), Choice(name="focal", options={"gamma": 0.5}))


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """A network, what goes into it and what comes out."""

    options: UNetOptions | SegNetOptions
    channels: int
    outputs: int

    def layers(self, patch: tuple[int, ...]) -> NetworkLayers:
        return self.options.layers(self.channels, self.outputs, patch)

    def predict(self, patch: tuple[int, ...], *, half: bool, recomputed: bool = False) -> int:
        """Return what a training with two patches is predicted to keep for the backward pass."""
        execution = Execution(
            device="cpu",
            half=half,
            optimizer=SgdOptions(),
            loss=DiceCrossEntropyOptions(),
            weights=AveragedOptions(),
            exclusive=True,
            recomputed=recomputed,
        )
        shape = Shape(channels=self.channels, outputs=self.outputs, patch=patch, batch_size=2)
        return predict_memory(self.options, shape, execution).activations


def region_heads() -> Heads:
    return region_scheme().heads()


def draw_network(seed: int, block: str, norm: str = "instance") -> tuple[Drawn, tuple[int, ...]]:
    """Draw a network of two to five levels with uneven kernels and strides, and a patch that it can take."""
    rng = np.random.default_rng(seed)
    axes, levels = int(rng.integers(2, 4)), int(rng.integers(2, 6))
    widths = np.cumprod([int(rng.integers(2, 5)), *rng.choice([1, 2], levels - 1).tolist()])
    strides = [(1,) * axes, *(tuple(rng.choice([1, 2], axes).tolist()) for _ in range(levels - 1))]
    options = UNetOptions(
        features=tuple(widths.tolist()),
        kernels=tuple(tuple(rng.choice([1, 3], axes).tolist()) for _ in range(levels)),
        strides=tuple(strides),
        encoder_blocks=tuple(rng.integers(1, 4, levels).tolist()),
        decoder_blocks=tuple(rng.integers(1, 4, levels - 1).tolist()),
        norm=norm,  # type: ignore[arg-type]
        **BLOCKS[block],
    )
    channels, outputs, deep = int(rng.integers(1, 4)), int(rng.integers(2, 5)), bool(rng.integers(2))
    network = Drawn(options=replace(options, deep_supervision=deep), channels=channels, outputs=outputs)
    patch = tuple(math.prod(level[axis] for level in strides) * int(rng.integers(2, 4)) for axis in range(axes))
    return network, patch


def draw_segnet(seed: int, upsampling: str, norm: str = "batch") -> tuple[Drawn, tuple[int, ...]]:
    """Draw a SegNet of one to three levels, and a patch that it can take."""
    rng = np.random.default_rng(seed)
    axes, levels = int(rng.integers(2, 4)), int(rng.integers(1, 4))
    options = SegNetOptions(
        features=tuple(rng.integers(2, 9, levels).tolist()),
        convolutions=tuple(rng.integers(1, 4, levels).tolist()),
        upsampling=upsampling,  # type: ignore[arg-type]
        norm=norm,  # type: ignore[arg-type]
        axes=axes,  # type: ignore[arg-type]
    )
    patch = tuple(2**levels * int(rng.integers(2, 4)) for _ in range(axes))
    return Drawn(options=options, channels=int(rng.integers(1, 4)), outputs=int(rng.integers(2, 5))), patch


def build(network: Drawn, device: str = "meta", *, recomputed: bool = False) -> nn.Module:
    with torch.device(device):
        _, build = BUILDERS.find(
            choose("unet" if isinstance(network.options, UNetOptions) else "segnet", network.options)
        )
        return build(network.options, network.channels, network.outputs, recomputed)


def run_forward(module: nn.Module, network: Drawn, patch: tuple[int, ...]) -> int:
    """Return how many values the convolutions put out for one patch."""
    sizes: list[int] = []
    for part in module.modules():
        if isinstance(part, CONVOLUTIONS):
            part.register_forward_hook(lambda _part, _inputs, output: sizes.append(output.numel()))
    module(torch.empty(1, network.channels, *patch, device="meta"))
    return sum(sizes)


def keep_saved(
    kept: dict[int, Tensor], excluded: set[int]
) -> tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]:
    """Return hooks that collect what autograd keeps, each storage once."""

    def pack(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage().data_ptr()
        if place not in excluded:
            kept[place] = tensor
        return tensor

    return pack, lambda tensor: tensor


def measure_kept(network: Drawn, patch: tuple[int, ...], batch: int, half: bool, *, recomputed: bool = False) -> int:
    """Return the bytes of all tensors that a forward pass through network and loss keeps, weights left out."""
    module = build(network, "cpu", recomputed=recomputed)
    objective = build_objective(Choice(name="dice_ce"), plain_heads(network.outputs))
    images = torch.randn(batch, network.channels, *patch)
    labels = torch.zeros(batch, *patch, dtype=torch.uint8)
    kept: dict[int, Tensor] = {}
    excluded = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(*keep_saved(kept, excluded)):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            outputs = module(images)
        measure(objective, outputs, labels)
    copies = sum(layer.cast_parameters() for layer in network.layers(patch).every()) * 2 if half else 0
    return sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) - copies


def largest_level_bytes(network: Drawn, patch: tuple[int, ...]) -> int:
    """Return what is kept, for one patch, while the backward pass is in the level that keeps most and is recomputed."""
    levels = network.layers(patch).levels
    sizes = [(sum(4 * layer.kept + layer.kept_bytes for layer in level), 4 * level[-1].values()) for level in levels]
    return max(kept - passed for kept, passed in sizes)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("seed", SEEDS)
def test_counts_are_those_of_the_network_built_and_of_torch(seed: int, block: str) -> None:
    network, patch = draw_network(seed, block)
    layers, module = network.layers(patch), build(network)
    assert layers.parameters() == sum(parameter.numel() for parameter in module.parameters())
    with FlopCounterMode(display=False) as counter:
        assert sum(layer.values() for layer in layers.every()) == run_forward(module, network, patch)
    assert 2 * layers.multiplications() == counter.get_total_flops()


@pytest.mark.parametrize("norm", ["instance", "batch", "group"])
def test_every_norm_has_two_numbers_per_feature(norm: str) -> None:
    network, patch = draw_network(3, "residual", norm)
    parameters = sum(parameter.numel() for parameter in build(network).parameters())
    assert network.layers(patch).parameters() == parameters


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("weighed", [{"attention": "squeeze_excitation"}, {"dropout": 0.2}], ids=["weighed", "dropped"])
@pytest.mark.parametrize("recomputed", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_what_is_kept_where_channels_are_weighed_is_predicted(
    seed: int, recomputed: bool, weighed: dict[str, object], block: str
) -> None:
    drawn, patch = draw_network(seed, block)
    network = replace(drawn, options=replace(drawn.options, **weighed))  # type: ignore[arg-type]
    patch = tuple(2 * length for length in patch)
    predicted = network.predict(patch, half=False, recomputed=recomputed)
    largest = largest_level_bytes(network, patch) if recomputed else 0
    measured = measure_kept(network, patch, 2, half=False, recomputed=recomputed)
    assert measured + 2 * largest == pytest.approx(predicted, rel=0.03)


@pytest.mark.parametrize("seed", SEEDS)
def test_nnunets_count_is_that_of_a_plain_network(seed: int) -> None:
    network, patch = draw_network(seed, "plain")
    options = network.options
    counted = count_feature_map_elements(options, patch, network.outputs, deep_supervision=options.deep_supervision)
    assert counted == run_forward(build(network), network, patch)


def test_nnunets_count_sees_projections_that_a_residual_network_does_not_have() -> None:
    options = UNetOptions(
        features=(4, 4),
        kernels=((3, 3),) * 2,
        strides=((1, 1), (2, 2)),
        encoder_blocks=(1, 1),
        decoder_blocks=(1,),
        block="residual",
        deep_supervision=False,
    )
    network = Drawn(options=options, channels=1, outputs=2)
    counted = count_feature_map_elements(options, (8, 8), 2, deep_supervision=False)
    assert counted == run_forward(build(network), network, (8, 8)) + 4 * 16


# A CPU pools a residual block's skip in single precision under autocast; a GPU does not.
@pytest.mark.parametrize(
    ("block", "half"),
    [
        *(("plain", False), ("plain", True), ("residual", False), ("residual-both", False), ("residual-bare", False)),
        *(("plain-pool", False), ("plain-pool", True), ("residual-pool", False), ("residual-pool", True)),
    ],
)
@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_for_the_backward_pass_is_predicted(seed: int, norm: str, block: str, half: bool) -> None:
    network, patch = draw_network(seed, block, norm)
    patch = tuple(2 * length for length in patch)
    predicted = network.predict(patch, half=half)
    # Not predicted: the norms' statistics, a few numbers per channel, which count on patches as small as these.
    assert measure_kept(network, patch, 2, half) == pytest.approx(predicted, rel=0.03)


@pytest.mark.parametrize("half", [False, True])
@pytest.mark.parametrize("norm", ["instance", "batch"])
@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("seed", range(6))
def test_what_a_segnet_keeps_for_the_backward_pass_is_predicted(
    seed: int, upsampling: str, norm: str, half: bool
) -> None:
    network, patch = draw_segnet(seed, upsampling, norm)
    patch = tuple(2 * length for length in patch)
    predicted = network.predict(patch, half=half)
    assert measure_kept(network, patch, 2, half) == pytest.approx(predicted, rel=0.03)


@pytest.mark.parametrize("upsampling", UPSAMPLINGS)
@pytest.mark.parametrize("seed", SEEDS)
def test_counts_are_those_of_the_segnet_built(seed: int, upsampling: str) -> None:
    network, patch = draw_segnet(seed, upsampling)
    layers, module = network.layers(patch), build(network)
    assert layers.parameters() == sum(parameter.numel() for parameter in module.parameters())
    assert sum(layer.values() for layer in layers.every()) == run_forward(module, network, patch)


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("seed", range(6))
def test_what_is_kept_where_levels_are_recomputed_is_predicted(seed: int, block: str) -> None:
    network, patch = draw_network(seed, block)
    patch = tuple(2 * length for length in patch)
    predicted = network.predict(patch, half=False, recomputed=True)
    measured = measure_kept(network, patch, 2, half=False, recomputed=True)
    assert measured + 2 * largest_level_bytes(network, patch) == pytest.approx(predicted, rel=0.03)


@pytest.mark.parametrize("heads", [plain_heads(2), plain_heads(5), region_heads()], ids=["2", "5", "regions"])
@pytest.mark.parametrize("choice", COMPARED, ids=lambda choice: choice.name)
def test_what_a_loss_keeps_for_the_backward_pass_is_predicted(choice: Choice, heads: Heads) -> None:
    logits = torch.randn(2, heads.count(), 12, 12, 12, requires_grad=True)
    labels = torch.randint(0, 2, (2, 12, 12, 12), dtype=torch.uint8)
    kept: dict[int, Tensor] = {}
    with torch.autograd.graph.saved_tensors_hooks(*keep_saved(kept, set())):
        # Not a leaf: a network's logits are not leaves either.
        measure(build_objective(choice, heads), logits * 1, labels)
    measured = sum(tensor.untyped_storage().nbytes() for tensor in kept.values()) / (2 * 12**3)
    predicted = resolve(choice, LOSSES, "loss").kept_bytes(heads.count(), exclusive=heads.exclusive)
    # At most 2 bytes less, where a loss has no use for background's mask or for any; a few numbers per label are more.
    assert -0.1 < predicted - measured < 2.1


@pytest.mark.parametrize("choice", [Choice(name=name) for name in OPTIMIZERS], ids=lambda choice: choice.name)
def test_optimizers_remember_what_is_predicted(choice: Choice) -> None:
    weight = nn.Parameter(torch.ones(1000))
    optimizer, _ = build_optimizer(choice, [weight])
    weight.grad = torch.ones_like(weight)
    optimizer.step()
    remembered = sum(value.numel() for value in optimizer.state[weight].values() if value.numel() > 1)
    assert remembered == resolve(choice, OPTIMIZERS, "optimizer").states() * weight.numel()


def test_without_momentum_gradient_descent_remembers_nothing() -> None:
    assert SgdOptions(momentum=0.0).states() == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_patch_that_the_strides_do_not_divide_keeps_what_the_next_larger_one_keeps(seed: int) -> None:
    network, patch = draw_network(seed, "plain")
    patch = tuple(2 * length - 1 for length in patch)
    divisors = network.options.divisors()
    module, objective = build(network, "cpu"), build_objective(Choice(name="dice_ce"), plain_heads(network.outputs))
    images, labels = torch.randn(2, network.channels, *patch), torch.zeros(2, *patch, dtype=torch.uint8)
    kept: dict[int, Tensor] = {}
    excluded = {parameter.untyped_storage().data_ptr() for parameter in module.parameters()}
    with torch.autograd.graph.saved_tensors_hooks(*keep_saved(kept, excluded)):
        seen = pad_behind(images, divisors)
        finest, *coarser = module(seen)
        objective((cut_back(finest, patch), *coarser), Batch(images=seen, labels=labels))
    measured = sum(tensor.untyped_storage().nbytes() for tensor in kept.values())
    # Of the logits, all of which are predicted, the loss keeps those of real voxels.
    assert measured == pytest.approx(network.predict(patch, half=False), rel=0.1)
