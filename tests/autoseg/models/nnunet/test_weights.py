from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from autoseg.models import Model
from autoseg.models.nnunet import read_nnunet
from dataset_fingerprints.errors import AutosegError
from tests.autoseg.models.nnunet.builders import TinyModel, TinyNetwork
from tests.autoseg.models.nnunet.restated import Forward

CPU = torch.device("cpu")
# Sums of single-precision products in another order.
ROUNDING = 2e-5


def run_ours(model: Model, x: torch.Tensor) -> torch.Tensor:
    (network,) = model.build_networks(CPU)
    (logits,) = network(x)
    return logits


def read_one(folder: Path) -> Model:
    (stages,) = read_nnunet(folder).models.stages
    ((model,),) = stages.values()
    return model


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"residual": True, "blocks": (1, 2, 2)},
        {"batch_norm": True},
        {"bias": False},
        {"inputs": 2, "outputs": 4},
        {"dimensions": 2},
        {"dimensions": 2, "residual": True},
        {"features": (4, 4, 8), "residual": True},
    ],
    ids=str,
)
def test_a_network_gives_the_logits_that_nnunet_computes_from_its_weights(
    options: dict[str, Any], tmp_path: Path
) -> None:
    network = TinyNetwork(**options)
    weights = network.make_weights()
    labels = {"background": 0, **{f"label{value}": value for value in range(1, network.outputs)}}
    name = "2d" if network.dimensions == 2 else "3d_fullres"
    tiny = TinyModel(root=tmp_path, labels=labels, channels=("a", "b")[: network.inputs]).add(name, network)
    model = read_one(tiny.write(name, {"0": weights}))
    x = torch.randn(
        (2, network.inputs, 8, 12, 16)[: 2 + network.dimensions], generator=torch.Generator().manual_seed(1)
    )
    with torch.no_grad():
        expected = Forward(network=network, weights=weights)(x)
        # nnU-Net's axes are z, y, x; ours x, y, z.
        turned = x.permute(0, 1, *reversed(range(2, x.ndim)))
        found = run_ours(model, turned).permute(0, 1, *reversed(range(2, x.ndim)))
    torch.testing.assert_close(found, expected, atol=ROUNDING, rtol=ROUNDING)


@pytest.mark.parametrize("transpose", [(1, 0, 2), (2, 0, 1)])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_axes_that_plans_transpose_are_put_back(
    dimensions: int, transpose: tuple[int, int, int], tmp_path: Path
) -> None:
    network = TinyNetwork(dimensions=dimensions)
    weights = network.make_weights()
    name = "2d" if dimensions == 2 else "3d_fullres"
    model = read_one(TinyModel(root=tmp_path, transpose=transpose).add(name, network).write(name, {"0": weights}))
    stored = torch.randn(1, 1, 16, 16, 16, generator=torch.Generator().manual_seed(2))  # z, y, x
    theirs = stored.permute(0, 1, *(2 + axis for axis in transpose))
    own = model.run.own()
    if dimensions == 2:
        theirs, seen = theirs[:, :, 5], stored.permute(0, 1, 4, 3, 2).select(2 + own.slice_axis, 5)
    else:
        seen = stored.permute(0, 1, 4, 3, 2)
    with torch.no_grad():
        expected = Forward(network=network, weights=weights)(theirs)
        found = run_ours(model, seen)
    places = [2 - place for place in transpose[3 - dimensions :]]
    order = sorted(range(dimensions), key=lambda axis: places[axis])
    torch.testing.assert_close(
        found, expected.permute(0, 1, *(2 + axis for axis in order)), atol=ROUNDING, rtol=ROUNDING
    )


def test_names_that_wrappers_lengthen_are_known(tmp_path: Path) -> None:
    network = TinyNetwork()
    weights = network.make_weights()
    tiny = TinyModel(root=tmp_path).add("3d_fullres", network)
    plain = read_one(tiny.write("3d_fullres", {"0": weights}))
    wrapped = read_one(
        tiny.write("3d_fullres", {"0": {f"module._orig_mod.{name}": one for name, one in weights.items()}})
    )
    assert plain.weights[0].keys() == wrapped.weights[0].keys()
    assert all(torch.equal(one, wrapped.weights[0][name]) for name, one in plain.weights[0].items())


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda weights: weights | {"encoder.attention.weight": torch.ones(1)}, "encoder.attention.weight"),
        (lambda weights: {name: one for name, one in weights.items() if "transpconvs" not in name}, "up"),
        (lambda weights: weights | {"decoder.seg_layers.1.bias": torch.ones(5)}, "head.bias"),
        (lambda weights: weights | {"decoder.seg_layers.1.bias": torch.full((3,), torch.nan)}, "not finite"),
    ],
)
def test_weights_of_another_network_are_refused(change: Any, named: str, tmp_path: Path) -> None:
    network = TinyNetwork()
    folder = (
        TinyModel(root=tmp_path).add("3d_fullres", network).write("3d_fullres", {"0": change(network.make_weights())})
    )
    with pytest.raises(AutosegError, match=named):
        read_nnunet(folder)
