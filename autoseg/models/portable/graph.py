"""Networks as ONNX graphs of plain operators, in single or half precision.

A network is traced where nothing is computed (torch's device "meta"), so that no device's quicker ways get into the
graph, and each of torch's operators is written as one or a few of ONNX's. The batch may have any size.

Half precision holds numbers up to 65,504. The first convolutions, which see the image whatever its intensities, the
norms, whose sums run over whole maps, and what follows a norm up to the next convolution are computed in single
precision; values are clipped before they become half ones. Input and output are in single precision in both.
"""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import numpy as np
import onnx
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from torch import fx, nn
from torch.export.graph_signature import InputKind, OutputKind

from autoseg.models.portable.operators import OPERATORS, GraphWriter
from dataset_fingerprints.errors import DataError

# Of the graph's input and output.
INPUT, OUTPUT = "image", "logits"
# Old enough for most programs that run such files.
OPSET, IR_VERSION = 17, 8
# protobuf writes no larger files.
MOST_BYTES = 2**31 - 1


def write_graph(network: nn.Module, shape: tuple[int, ...], *, half: bool) -> bytes:
    """Return the content of an ONNX file.

    Args:
        network: in evaluation mode.
        shape: of its input without the batch: channels, then lengths in space.
        half: whether convolutions and their weights are in half precision.

    Raises:
        DataError: it computes what has no counterpart here, or is too large.
    """
    traced = _trace(network, shape)
    tensors = {name: tensor.detach().cpu().numpy() for name, tensor in network.state_dict().items()}
    writer = GraphWriter(half=half)
    outputs = _write_nodes(writer, traced, tensors)
    model = _finish(writer, shape, outputs)
    if model.ByteSize() > MOST_BYTES:
        raise DataError(f"its network takes {model.ByteSize() / 2**30:.1f} GiB, and ONNX files hold 2 GiB at most.")
    return bytes(model.SerializeToString(deterministic=True))


def _trace(network: nn.Module, shape: tuple[int, ...]) -> torch.export.ExportedProgram:
    """Return the operators that a network consists of."""
    memo: dict[int, Any] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
    with torch.no_grad():
        # A single sample could be traced as one that is special.
        return torch.export.export(deepcopy(network, memo), (torch.empty(2, *shape, device="meta"),))


def _write_nodes(
    writer: GraphWriter, traced: torch.export.ExportedProgram, tensors: dict[str, NDArray[Any]]
) -> tuple[str, tuple[int, ...]]:
    """Write all operators; return the name and the shape of the result."""
    signature = traced.graph_signature
    stored = {entry.arg.name: entry.target for entry in signature.input_specs if entry.kind != InputKind.USER_INPUT}
    results = [entry.arg.name for entry in signature.output_specs if entry.kind == OutputKind.USER_OUTPUT]
    for node in traced.graph.nodes:
        if node.op == "placeholder" and node.name in stored:
            writer.add_tensor(node, tensors[str(stored[node.name])])
        elif node.op == "placeholder":
            writer.add_input(node, INPUT)
        elif node.op == "call_function":
            _write_node(writer, node)
        elif node.op == "output":
            # Finest first, and in evaluation the only one.
            first = next(entry for entry in node.all_input_nodes if entry.name == results[0])
            return writer.read(first, TensorProto.FLOAT), tuple(first.meta["val"].shape)
    raise AssertionError("a traced network has an output")


def _write_node(writer: GraphWriter, node: fx.Node) -> None:
    name = str(node.target)
    if name not in OPERATORS:
        raise DataError(f"its network computes {name}, which is not among what is written as ONNX. Leave out --onnx.")
    OPERATORS[name](writer, node)


def _finish(writer: GraphWriter, shape: tuple[int, ...], result: tuple[str, tuple[int, ...]]) -> onnx.ModelProto:
    name, (_, *lengths) = result
    writer.add("Identity", [name], OUTPUT)
    graph = helper.make_graph(
        writer.nodes,
        "network",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, ["batch", *shape])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["batch", *lengths])],
        [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in writer.tensors.items()],
    )
    return helper.make_model(
        graph, producer_name="autoseg", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
