from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from autoseg.networks import build_network
from autoseg.networks.ends import EndFit, build_outline, find_ends
from planners.choices import choose
from planners.plan import Configuration
from planners.start import Transfer
from tests.synthetic.configurations import tiny_configuration, unet_of


def residual() -> Configuration:
    configuration = tiny_configuration()
    return replace(configuration, network=choose("unet", replace(unet_of(configuration), block="residual")))


def make_state(configuration: Configuration, channels: int, heads: int) -> dict[str, Tensor]:
    torch.manual_seed(channels + 10 * heads)
    return dict(build_network(configuration, channels, heads).state_dict())


def make_transfer(**changes: object) -> Transfer:
    values: dict[str, object] = {"channels": (0,), "known_channels": 1, "masks": (), "heads": (0, 1)}
    return Transfer(**(values | changes))  # type: ignore[arg-type]


def fit(configuration: Configuration, transfer: Transfer, model: tuple[int, int]) -> tuple[dict[str, Tensor], ...]:
    """Return the weights of a model of so many channels and heads, the network's own, and the fitted ones."""
    inputs, heads = len(transfer.channels) + len(transfer.masks), len(transfer.heads)
    theirs, mine = make_state(configuration, *model), make_state(configuration, inputs, heads)
    ends = find_ends(configuration, inputs, heads)
    return theirs, mine, EndFit(ends=ends, transfer=transfer).apply(theirs, mine)


@pytest.mark.parametrize(
    ("configuration", "first"),
    [
        (tiny_configuration(), {"encoder.0.0.conv.weight"}),
        (tiny_configuration(slice_axis=2), {"encoder.0.0.conv.weight"}),
        (residual(), {"stem.conv.weight"}),
    ],
)
def test_ends_are_found_by_what_grows_with_channels_and_heads(configuration: Configuration, first: set[str]) -> None:
    ends = find_ends(configuration, 2, 3)
    assert set(ends.inputs) == first
    assert set(ends.inputs.values()) == {1}
    assert set(ends.heads) == {name for name in make_state(configuration, 2, 3) if "head" in name}
    assert set(ends.heads.values()) == {0}


def test_an_outline_has_the_shapes_of_the_network_and_no_values() -> None:
    outline, network = (build(tiny_configuration(), 2, 3) for build in (build_outline, build_network))
    shapes = [{name: tensor.shape for name, tensor in one.state_dict().items()} for one in (outline, network)]
    assert shapes[0] == shapes[1]
    assert all(tensor.is_meta for tensor in outline.state_dict().values())


def test_weights_for_the_same_channels_and_heads_stay_as_they_are() -> None:
    theirs, _, fitted = fit(tiny_configuration(), make_transfer(), (1, 2))
    assert all(torch.equal(fitted[name], tensor) for name, tensor in theirs.items())


def test_a_network_that_sees_the_same_scan_twice_answers_as_the_model_that_sees_it_once() -> None:
    configuration = tiny_configuration()
    transfer = make_transfer(channels=(0, None))
    theirs, _, fitted = fit(configuration, transfer, (1, 2))
    model, network = build_network(configuration, 1, 2), build_network(configuration, 2, 2)
    model.load_state_dict(theirs)
    network.load_state_dict(fitted)
    scan = torch.randn(1, 1, 8, 8, 8)
    with torch.no_grad():
        # Sums of two halves may round otherwise than the whole.
        torch.testing.assert_close(network(torch.cat([scan, scan], 1))[0], model(scan)[0], rtol=1e-3, atol=1e-4)


def test_channels_change_places_and_those_that_are_dropped_leave_the_others_larger() -> None:
    name = "encoder.0.0.conv.weight"
    theirs, _, fitted = fit(tiny_configuration(), make_transfer(channels=(1, 0), known_channels=2), (2, 2))
    assert torch.equal(fitted[name], theirs[name].flip(1))
    theirs, _, fitted = fit(tiny_configuration(), make_transfer(channels=(1,), known_channels=2), (2, 2))
    assert torch.equal(fitted[name], 2 * theirs[name][:, 1:])


def test_masks_that_the_model_does_not_know_have_no_effect_at_first() -> None:
    theirs, _, fitted = fit(tiny_configuration(), make_transfer(masks=(None, 1)), (2, 2))
    name = "encoder.0.0.conv.weight"
    assert torch.equal(fitted[name][:, 0], theirs[name][:, 0])
    assert not fitted[name][:, 1].any()
    assert torch.equal(fitted[name][:, 2], theirs[name][:, 1])


def test_heads_change_places_and_new_ones_stay_random() -> None:
    theirs, mine, fitted = fit(tiny_configuration(), make_transfer(heads=(0, None, 1)), (1, 2))
    for name in (name for name in mine if "head" in name):
        assert torch.equal(fitted[name], torch.stack([theirs[name][0], mine[name][1], theirs[name][1]])), name


def test_where_no_head_is_known_the_heads_are_left_out() -> None:
    _, mine, fitted = fit(tiny_configuration(), make_transfer(heads=(None, None)), (1, 2))
    assert set(mine) - set(fitted) == {name for name in mine if "head" in name}


def test_the_share_of_a_tensor_that_is_known_counts_heads() -> None:
    ends = find_ends(tiny_configuration(), 1, 4)
    made = EndFit(ends=ends, transfer=make_transfer(heads=(0, None, None, 1)))
    assert made.share("head.weight") == 0.5
    assert made.share("encoder.0.0.conv.weight") == 1


def test_neighbouring_slices_that_a_model_does_not_know_start_without_effect() -> None:
    configuration = tiny_configuration(slice_axis=2)
    transfer = make_transfer(channels=(0,), neighbours=(None, None))
    theirs, mine = make_state(configuration, 1, 2), make_state(configuration, 3, 2)
    fitted = EndFit(ends=find_ends(configuration, 3, 2), transfer=transfer).apply(theirs, mine)
    first = fitted["encoder.0.0.conv.weight"]
    assert torch.equal(first[:, :1], theirs["encoder.0.0.conv.weight"])
    assert not first[:, 1:].any()
    known = make_transfer(channels=(0,), neighbours=(1, 2))
    theirs = make_state(configuration, 3, 2)
    fitted = EndFit(ends=find_ends(configuration, 3, 2), transfer=known).apply(theirs, mine)
    assert torch.equal(fitted["encoder.0.0.conv.weight"], theirs["encoder.0.0.conv.weight"])
