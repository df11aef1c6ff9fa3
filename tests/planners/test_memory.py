import pytest

from planners.memory import count_feature_map_elements
from planners.plan import Topology


def make_topology(features: tuple[int, ...], blocks: tuple[int, ...], axes: int) -> Topology:
    stages = len(features)
    return Topology(
        features=features,
        kernels=((3,) * axes,) * stages,
        strides=((1,) * axes, *((2,) * axes,) * (stages - 1)),
        encoder_blocks=blocks,
        decoder_blocks=(1,) * (stages - 1),
    )


@pytest.mark.parametrize(
    ("topology", "patch", "elements"),
    [
        (make_topology((32, 64, 128, 256, 320, 320), (1, 3, 4, 6, 6, 6), 3), (128, 128, 128), 558319104),
        (make_topology((32, 64, 128, 256, 512, 512, 512), (1, 3, 4, 6, 6, 6, 6), 2), (512, 512), 129793792),
    ],
)
def test_residual_network_has_nnunets_published_element_count(
    topology: Topology, patch: tuple[int, ...], elements: int
) -> None:
    counted = count_feature_map_elements(topology, patch, 3, "residual", deep_supervision=True)
    assert counted == elements


def test_plain_network_is_counted_layer_by_layer() -> None:
    topology = Topology(
        features=(2, 4), kernels=((3, 3), (3, 3)), strides=((1, 1), (2, 1)), encoder_blocks=(2, 2), decoder_blocks=(2,)
    )
    encoder = 2 * (2 * 32) + 2 * (4 * 16)
    decoder = 2 * 32 + 2 * (2 * 32)
    heads = 3 * 32
    counted = count_feature_map_elements(topology, (8, 4), 3, "plain", deep_supervision=False)
    assert counted == encoder + decoder + heads


def test_projection_is_counted_where_features_double_and_voxels_halve() -> None:
    topology = Topology(
        features=(2, 4), kernels=((3, 3), (3, 3)), strides=((1, 1), (2, 1)), encoder_blocks=(1, 1), decoder_blocks=(1,)
    )
    stem_and_first = 3 * (2 * 32)
    second_with_projection = 3 * (4 * 16)
    decoder_and_head = 2 * (2 * 32) + 32
    counted = count_feature_map_elements(topology, (8, 4), 1, "residual", deep_supervision=True)
    assert counted == stem_and_first + second_with_projection + decoder_and_head
