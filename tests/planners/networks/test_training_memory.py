from dataclasses import replace

import pytest

from dataset_fingerprints.sizes import GIB
from planners.networks.topology import choose_pooling, shape_network
from planners.networks.training_memory import (
    Execution,
    Memory,
    Shape,
    count_feature_map_elements,
    predict_memory,
    resident_bytes,
)
from planners.parts.losses import DiceCrossEntropyOptions
from planners.parts.networks import BlockName, UNetOptions
from planners.parts.optimizers import AdamWOptions, SgdOptions
from planners.parts.weights import AveragedOptions, LastOptions

GPU_TRAINING = Execution(
    device="cuda",
    half=True,
    optimizer=SgdOptions(),
    loss=DiceCrossEntropyOptions(),
    weights=AveragedOptions(),
    exclusive=True,
)


def predict_cube(block: BlockName, patch: tuple[int, ...], batch_size: int, **changes: object) -> Memory:
    """Predict the training of a U-Net for 1 mm T1w scans and one label, as nnU-Net's presets plan it."""
    network = shape_network(choose_pooling((1.0,) * 3, patch), block, 32, 320)
    shape = Shape(channels=1, outputs=2, patch=patch, batch_size=batch_size)
    return predict_memory(network, shape, replace(GPU_TRAINING, **changes))  # type: ignore[arg-type]


def make_network(features: tuple[int, ...], blocks: tuple[int, ...], axes: int) -> UNetOptions:
    levels = len(features)
    return UNetOptions(
        features=features,
        kernels=((3,) * axes,) * levels,
        strides=((1,) * axes, *((2,) * axes,) * (levels - 1)),
        encoder_blocks=blocks,
        decoder_blocks=(1,) * (levels - 1),
        block="residual",
    )


@pytest.mark.parametrize(
    ("network", "patch", "elements"),
    [
        (make_network((32, 64, 128, 256, 320, 320), (1, 3, 4, 6, 6, 6), 3), (128, 128, 128), 558319104),
        (make_network((32, 64, 128, 256, 512, 512, 512), (1, 3, 4, 6, 6, 6, 6), 2), (512, 512), 129793792),
    ],
)
def test_residual_network_has_nnunets_published_element_count(
    network: UNetOptions, patch: tuple[int, ...], elements: int
) -> None:
    counted = count_feature_map_elements(network, patch, 3, deep_supervision=True)
    assert counted == elements


def test_plain_network_is_counted_layer_by_layer() -> None:
    network = UNetOptions(
        features=(2, 4), kernels=((3, 3), (3, 3)), strides=((1, 1), (2, 1)), encoder_blocks=(2, 2), decoder_blocks=(2,)
    )
    encoder = 2 * (2 * 32) + 2 * (4 * 16)
    decoder = 2 * 32 + 2 * (2 * 32)
    heads = 3 * 32
    counted = count_feature_map_elements(network, (8, 4), 3, deep_supervision=False)
    assert counted == encoder + decoder + heads


def test_projection_is_counted_where_features_double_and_voxels_halve() -> None:
    network = UNetOptions(
        features=(2, 4),
        kernels=((3, 3), (3, 3)),
        strides=((1, 1), (2, 1)),
        encoder_blocks=(1, 1),
        decoder_blocks=(1,),
        block="residual",
    )
    stem_and_first = 3 * (2 * 32)
    second_with_projection = 3 * (4 * 16)
    decoder_and_head = 2 * (2 * 32) + 32
    counted = count_feature_map_elements(network, (8, 4), 1, deep_supervision=True)
    assert counted == stem_and_first + second_with_projection + decoder_and_head


@pytest.mark.parametrize(
    ("block", "patch", "measured_gb"),
    [
        ("plain", (128, 128, 128), 7.7),
        ("residual", (128, 128, 128), 9.1),
        ("residual", (160, 224, 192), 22.7),
        ("residual", (192, 256, 224), 36.6),
    ],
)
def test_predictions_are_near_what_nnunet_measured(
    block: BlockName, patch: tuple[int, ...], measured_gb: float
) -> None:
    """nnU-Net documents what its four presets take (resenc_presets.md), all with batches of 2 in half precision.

    15 %: theirs are other patches of the same size class, in another allocator, without averaged weights.
    """
    assert predict_cube(block, patch, 2).total() / GIB == pytest.approx(measured_gb, rel=0.15)


def test_every_part_grows_with_what_it_depends_on() -> None:
    one, two = (predict_cube("plain", (64, 64, 64), batch_size) for batch_size in (1, 2))
    assert two.activations == 2 * one.activations
    assert (two.parameters, two.gradients, two.optimizer) == (one.parameters, one.gradients, one.optimizer)
    adamw = predict_cube("plain", (64, 64, 64), 1, optimizer=AdamWOptions())
    assert adamw.optimizer == 2 * one.optimizer == 2 * one.gradients
    last = predict_cube("plain", (64, 64, 64), 1, weights=LastOptions())
    assert (last.copies, one.copies) == (0, one.gradients)
    single = predict_cube("plain", (64, 64, 64), 1, half=False)
    assert single.activations > 1.9 * one.activations
    assert single.parameters < one.parameters  # no 16-bit copies
    assert predict_cube("plain", (64, 64, 64), 1, exclusive=False).activations > one.activations
    assert one.total() == one.tensors() + one.context


def test_waiting_cases_take_two_bytes_per_channel_and_one_for_the_label() -> None:
    assert resident_bytes(1000, 3) == 7000
    assert resident_bytes(1000, 3, masks=2) == 11000
