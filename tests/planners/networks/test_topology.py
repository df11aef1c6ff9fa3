from planners.networks.topology import choose_pooling, pad_up, reorder_axes, shape_network


def test_equal_axes_are_halved_together_down_to_four_voxels() -> None:
    pooling = choose_pooling((1.0, 1.0, 1.0), (128, 128, 128))
    assert pooling.divisors == (32, 32, 32)
    assert pooling.kernels == ((3, 3, 3),) * 6


def test_coarse_axis_joins_once_the_others_have_caught_up() -> None:
    pooling = choose_pooling((5.0, 1.56, 1.56), (18, 237, 208))
    assert pooling.strides == ((1, 1, 1), (1, 2, 2), (2, 2, 2), (2, 2, 2), (1, 2, 2), (1, 2, 2))
    assert pooling.kernels == ((1, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3), (3, 3, 3))


def test_a_lone_axis_is_halved_only_from_twelve_voxels() -> None:
    assert choose_pooling((1.0, 1.0), (11, 4)).divisors == (1, 1)
    assert choose_pooling((1.0, 1.0), (12, 4)).divisors == (2, 1)


def test_levels_can_be_limited() -> None:
    assert choose_pooling((1.0, 1.0), (512, 512), max_levels=4).divisors == (8, 8)


def test_features_double_up_to_the_cap() -> None:
    network = shape_network(choose_pooling((1.0,) * 3, (128,) * 3), "plain", base_features=32, max_features=320)
    assert network.features == (32, 64, 128, 256, 320, 320)
    assert len(network.decoder_blocks) == 5


def test_padding_takes_the_next_multiple() -> None:
    assert pad_up((35.5, 40, 41), (8, 8, 8)) == (40, 40, 48)


def test_axes_come_back_in_canonical_order() -> None:
    pooling = choose_pooling((4.0, 1.0, 1.0), (16, 64, 128))
    network = reorder_axes(shape_network(pooling, "plain", 32, 320), (1, 2, 0))
    assert network.strides[1] == (2, 1, 2)
    assert network.kernels[0] == (3, 1, 3)
