"""Networks as ONNX graphs."""

from __future__ import annotations

from functools import cache

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from autoseg.models.portable.graph import INPUT, trace, write_graph
from autoseg.models.portable.parity import run_graph
from dataset_fingerprints.errors import DataError
from tests.autoseg.networks.examples import INPUT_CHANNELS, Example, list_examples, open_residual_branches

EXAMPLES = list(list_examples())
BY_NAME = {example.name: example for example in EXAMPLES}
NAMES = [*BY_NAME]
PLAIN = {
    *("Add", "AveragePool", "BatchNormalization", "Concat", "Conv", "ConvTranspose", "Div", "Erf", "Gemm", "Identity"),
    *("InstanceNormalization", "LeakyRelu", "MaxPool", "MaxUnpool", "Mul", "Pad", "ReduceMean", "Relu", "Reshape"),
    *("Resize", "Sigmoid"),
}


@cache
def trained(name: str) -> nn.Module:
    example = BY_NAME[name]
    network = example.build()
    open_residual_branches(network)
    network(example.images())
    return network.eval().requires_grad_(False)


@cache
def traced(name: str) -> torch.export.ExportedProgram:
    return trace(trained(name), (INPUT_CHANNELS, *BY_NAME[name].patch))


@cache
def graph_of(name: str, half: bool) -> bytes:
    return write_graph(traced(name), trained(name).state_dict(), half=half)


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_a_graph_gives_the_logits_of_its_network_for_any_batch(example: Example) -> None:
    network = trained(example.name)
    content = graph_of(example.name, False)
    onnx.checker.check_model(content, full_check=True)
    for images in (example.images(), example.images()[:1]):
        expected = network(images)[0].numpy()
        # Rounding of single precision through some twenty layers.
        assert np.abs(run_graph(content, images.numpy()) - expected).max() <= 1e-5 * np.abs(expected).max()


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_in_half_precision_it_is_smaller_and_gives_nearly_the_same(example: Example) -> None:
    network = trained(example.name)
    content = graph_of(example.name, True)
    onnx.checker.check_model(content, full_check=True)
    images = example.images()
    expected = network(images)[0].numpy()
    # Of two maxima that rounding makes equal, pooling indices may place either.
    bound = 2e-2 if "pooling_indices" in example.name else 3e-3
    assert np.abs(run_graph(content, images.numpy()) - expected).mean() <= bound * expected.std()
    large = run_graph(content, 1e5 * images.numpy())
    assert np.isfinite(large).all()
    kinds = {tensor.data_type for tensor in onnx.load_from_string(content).graph.initializer}
    assert onnx.TensorProto.FLOAT16 in kinds


@pytest.mark.parametrize("example", EXAMPLES, ids=NAMES)
def test_its_operators_are_plain(example: Example) -> None:
    graph = onnx.load_from_string(graph_of(example.name, False)).graph
    assert {node.op_type for node in graph.node} <= PLAIN
    assert graph.input[0].name == INPUT
    assert graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"


def test_norms_over_maps_whose_sums_are_beyond_half_precision_stay_finite() -> None:
    network = trained("unet-plain-instance-3d")
    shape = (INPUT_CHANNELS, 16, 64, 48)
    images = np.random.default_rng(0).normal(1000, 300, (1, *shape)).astype(np.float32)
    assert images.sum() > np.finfo(np.float16).max
    expected = network(torch.from_numpy(images))[0].numpy()
    found = run_graph(write_graph(trace(network, shape), network.state_dict(), half=True), images)
    assert np.abs(found - expected).mean() <= 3e-3 * expected.std()


def test_equal_networks_make_equal_files_without_paths_of_this_machine() -> None:
    network = trained(NAMES[0])
    for half in (False, True):
        again = trace(network, (INPUT_CHANNELS, *EXAMPLES[0].patch))
        content = write_graph(again, network.state_dict(), half=half)
        assert content == graph_of(NAMES[0], half)
        model = onnx.load_from_string(content)
        del model.graph.initializer[:]
        assert "/" not in str(model)


class Sine(nn.Module):
    def forward(self, x: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return (x.sin(),)


def test_what_has_no_counterpart_is_refused() -> None:
    with pytest.raises(DataError, match=r"computes aten\.sin\.default"):
        write_graph(trace(Sine().eval(), (1, 8, 8, 8)), {}, half=False)
