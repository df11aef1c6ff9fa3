from __future__ import annotations

import pytest
import torch
from torch import nn

from autoseg.networks import UNet, build_unet
from autoseg.networks.blocks import ResidualBlock
from autoseg.networks.layers import NEGATIVE_SLOPE
from planners.choices import Choice
from planners.parts.networks import UNetOptions
from tests.autoseg.networks.examples import UNET_VARIANTS, UNETS, Example


def options(
    dimensions: int, features: tuple[int, ...], encoder_blocks: int | tuple[int, ...] = 2, **others: object
) -> UNetOptions:
    levels = len(features)
    blocks = (encoder_blocks,) * levels if isinstance(encoder_blocks, int) else encoder_blocks
    return UNetOptions(
        features=features,
        kernels=((3,) * dimensions,) * levels,
        strides=((1,) * dimensions, *((2,) * dimensions,) * (levels - 1)),
        encoder_blocks=blocks,
        decoder_blocks=(2 if isinstance(encoder_blocks, int) else 1,) * (levels - 1),
        **others,  # type: ignore[arg-type]
    )


def build(network: UNetOptions, channels: int = 1, outputs: int = 2) -> UNet:
    return build_unet(network, channels, outputs, recomputed=False)


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


@pytest.mark.parametrize(
    ("network", "channels", "expected"),
    [
        (options(3, (32, 64, 128, 256, 320, 320)), (1, 2), 31_195_594),
        (options(2, (32, 64, 128, 256, 512, 512, 512)), (3, 4), 33_475_416),
        (options(2, (32, 64, 128, 256, 512, 512), (1, 3, 4, 6, 6, 6), block="residual"), (1, 2), 71_816_586),
    ],
)
def test_parameter_count_is_that_of_nnunet(network: UNetOptions, channels: tuple[int, int], expected: int) -> None:
    """The counts were taken from dynamic-network-architectures 0.4.4, whose outputs agree for the same weights."""
    with torch.device("meta"):
        built = build(network, *channels)
    assert parameter_count(built) == expected


def test_convolution_outputs_of_a_128_voxel_cube_are_those_of_nnunet() -> None:
    """The count that nnU-Net's planner takes for memory, computed with dynamic-network-architectures 0.4.4."""
    with torch.device("meta"):
        network = build(options(3, (32, 64, 128, 256, 320, 320)))
        sizes: list[int] = []
        for module in network.modules():
            if isinstance(module, nn.Conv3d | nn.ConvTranspose3d):
                module.register_forward_hook(lambda _module, _inputs, output: sizes.append(output.numel()))
        network(torch.empty(1, 1, 128, 128, 128))
    assert sum(sizes) == 451298304


def test_new_residual_blocks_pass_their_skip_through() -> None:
    network = build(options(2, (4, 8), block="residual"))
    block = next(module for module in network.modules() if isinstance(module, ResidualBlock))
    x = torch.randn(2, 4, 8, 8)
    torch.testing.assert_close(block(x), nn.functional.leaky_relu(x, NEGATIVE_SLOPE))


def test_convolutions_start_with_kaiming_variance_and_no_bias() -> None:
    torch.manual_seed(0)
    network = build(options(3, (32, 64)))
    convolution = network.encoder[1][1].conv
    expected = (2 / (1 + NEGATIVE_SLOPE**2) / (64 * 27)) ** 0.5
    # 110 592 normal samples: the standard error of their deviation is 0.2 %.
    assert convolution.weight.std().item() == pytest.approx(expected, rel=0.01)
    assert convolution.bias.abs().max() == 0


def test_a_bottleneck_of_one_voxel_trains() -> None:
    network = build(options(3, (4, 8, 8)))
    outputs = network(torch.randn(1, 1, 4, 4, 4))
    torch.stack([output.square().mean() for output in outputs]).sum().backward()
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


def test_a_network_of_one_level_has_one_head() -> None:
    network = options(3, (4,))
    outputs = build(network)(torch.randn(1, 1, 4, 4, 4))
    heads = network.layers(1, 2, (4, 4, 4)).heads
    assert [output[0, 0].numel() for output in outputs] == [head.voxels for head in heads] == [64]


def test_features_stay_channels_last_on_a_cpu() -> None:
    network = build(options(2, (4, 8, 8)))
    with torch.autocast("cpu", torch.bfloat16):
        skips = network.encode(torch.randn(2, 1, 16, 16))
    assert all(skip.is_contiguous(memory_format=torch.channels_last) for skip in skips)


SCALES = {2: [(12, 16), (12, 8), (6, 4)], 3: [(4, 16, 12), (4, 8, 6), (2, 4, 3)]}


@pytest.mark.parametrize("dimensions", [2, 3])
@pytest.mark.parametrize(("block", "norm"), UNET_VARIANTS)
@pytest.mark.parametrize("deep_supervision", [True, False])
def test_deep_supervision_returns_every_decoder_scale_finest_first(
    dimensions: int, block: str, norm: str, deep_supervision: bool
) -> None:
    shaped = {**UNETS[dimensions], "block": block, "norm": norm, "deep_supervision": deep_supervision}
    example = Example(name="unet", choice=Choice(name="unet", options=shaped), patch=SCALES[dimensions][0])
    scales = SCALES[dimensions] if deep_supervision else SCALES[dimensions][:1]
    outputs = example.build()(example.images())
    assert [tuple(output.shape[2:]) for output in outputs] == scales
