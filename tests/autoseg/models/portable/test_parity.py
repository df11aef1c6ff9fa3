"""The check that a graph computes what its network computes."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from autoseg.models.portable.graph import trace, write_graph
from autoseg.models.portable.parity import make_patch, measure_difference, refuse_unlike
from dataset_fingerprints.errors import DataError
from tests.autoseg.networks.examples import INPUT_CHANNELS, list_examples

EXAMPLE = next(list_examples())
SHAPE = (INPUT_CHANNELS, *EXAMPLE.patch)


@pytest.mark.parametrize("half", [False, True])
def test_a_graph_passes_for_its_own_network_only(half: bool) -> None:
    network = EXAMPLE.build().eval().requires_grad_(False)
    content = write_graph(trace(network, SHAPE), network.state_dict(), half=half)
    refuse_unlike(content, network, SHAPE, half=half)
    with torch.no_grad():
        network.get_parameter("head.weight").mul_(1.3)
    with pytest.raises(DataError, match="other logits"):
        refuse_unlike(content, network, SHAPE, half=half)


def test_values_that_are_not_finite_never_pass() -> None:
    expected = np.ones((2, 2), dtype=np.float32)
    assert not measure_difference(np.full_like(expected, np.nan), expected) <= 1


def test_the_patch_holds_bright_spots_and_an_empty_side() -> None:
    patch = make_patch((1, 32, 32, 32))
    assert patch.max() == 100
    assert not patch[..., :4].any()
