from __future__ import annotations

import pytest

from planners.parts.networks import UNetOptions, scale_features


@pytest.mark.parametrize(
    ("features", "factor", "expected"),
    [
        ((32, 64, 128, 256, 320, 320), 8, (4, 8, 16, 32, 40, 40)),
        ((32, 64), 1, (32, 64)),
        ((32, 64), 1.5, (20, 40)),
        ((32, 64, 64, 32), 1024, (4, 8, 8, 4)),  # different ones stay different
        ((8, 10, 32), 8, (4, 8, 12)),
        ((3, 6), 8, (3, 6)),  # none is widened
        ((30, 50), 1, (30, 50)),
    ],
)
def test_features_are_divided_and_stay_multiples(
    features: tuple[int, ...], factor: float, expected: tuple[int, ...]
) -> None:
    assert scale_features(features, factor) == expected


def test_another_multiple_can_be_asked_for() -> None:
    assert scale_features((64, 160), 8, multiple=16) == (16, 32)


def test_a_u_net_keeps_everything_but_its_features() -> None:
    network = UNetOptions(
        features=(32, 64),
        kernels=((3, 3, 3),) * 2,
        strides=((1, 1, 1), (2, 2, 2)),
        encoder_blocks=(2, 3),
        decoder_blocks=(1,),
        block="residual",
        norm="group",
    )
    narrower = network.scaled(4)
    assert narrower.features == (8, 16)
    assert len(narrower.layers(1, 2, (8, 8, 8)).every()) == len(network.layers(1, 2, (8, 8, 8)).every())
    assert network.scaled(1) == network
