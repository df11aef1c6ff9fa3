"""Networks as ONNX graphs of plain operators, in single or half precision.

A network is traced where nothing is computed (torch's device "meta"), so that no device's quicker ways get into the
graph, and each of torch's operators is written as one or a few of ONNX's. The batch may have any size.

Half precision holds numbers up to 65,504. Convolutions of what no norm has limited since the image, whatever its
intensities, the norms, whose sums run over whole maps, and what follows a norm up to the next convolution are computed
in single precision; values are clipped before they become half ones. Input and output are in single precision in both.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper
from torch import fx, nn
from torch.export.graph_signature import InputKind

from autoseg.models.portable.operators import OPERATORS, GraphWriter
from dataset_fingerprints.errors import DataError

# Of the graph's input and output.
INPUT, OUTPUT = "image", "logits"
# Old enough for most programs that run such files.
OPSET, IR_VERSION = 17, 8
# protobuf writes no larger files.
MOST_BYTES = 2**31 - 1


def trace(network: nn.Module, shape: tuple[int, ...]) -> torch.export.ExportedProgram:
    """Return the operators that a network in evaluation mode consists of; networks of other weights have the same.

    Args:
        network: of any weights.
        shape: of its input without the batch: channels, then lengths in space.
    """
    memo: dict[int, Any] = {}
    for tensor in (*network.parameters(), *network.buffers()):
        empty = torch.empty_like(tensor, device="meta")
        memo[id(tensor)] = nn.Parameter(empty, requires_grad=False) if isinstance(tensor, nn.Parameter) else empty
    with torch.no_grad():
        # A single sample could be traced as one that is special.
        return torch.export.export(deepcopy(network, memo), (torch.empty(2, *shape, device="meta"),))


def write_graph(traced: torch.export.ExportedProgram, weights: Mapping[str, torch.Tensor], *, half: bool) -> bytes:
    """Return the content of an ONNX file.

    Args:
        traced: the operators.
        weights: the state of the network.
        half: whether convolutions and their weights are in half precision.

    Raises:
        DataError: it computes what has no counterpart here, or is too large.
    """
    writer = GraphWriter(half=half)
    result = _write_nodes(writer, traced, weights)
    model = _finish(writer, result)
    if model.ByteSize() > MOST_BYTES:
        raise DataError(f"its network takes {model.ByteSize() / 2**30:.1f} GiB, and ONNX files hold 2 GiB at most.")
    return bytes(model.SerializeToString(deterministic=True))


def _write_nodes(
    writer: GraphWriter, traced: torch.export.ExportedProgram, weights: Mapping[str, torch.Tensor]
) -> tuple[fx.Node, fx.Node]:
    """Write all operators; return the nodes of the input and of the result, which is the first of the outputs."""
    signature = traced.graph_signature
    stored = {entry.arg.name: entry.target for entry in signature.input_specs if entry.kind != InputKind.USER_INPUT}
    (image,) = (node for node in traced.graph.nodes if node.op == "placeholder" and node.name not in stored)
    writer.add_input(image, INPUT)
    for node in traced.graph.nodes:
        if node.op == "placeholder" and node.name in stored:
            writer.add_tensor(node, weights[str(stored[node.name])].detach().cpu().numpy())
        elif node.op == "call_function":
            _write_node(writer, node)
    (output,) = (node for node in traced.graph.nodes if node.op == "output")
    return image, output.all_input_nodes[0]


def _write_node(writer: GraphWriter, node: fx.Node) -> None:
    name = str(node.target)
    if name not in OPERATORS:
        raise DataError(f"its network computes {name}, which is not among what is written as ONNX. Leave out --onnx.")
    OPERATORS[name](writer, node)


def _finish(writer: GraphWriter, ends: tuple[fx.Node, fx.Node]) -> onnx.ModelProto:
    image, logits = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", *node.meta["val"].shape[1:]])
        for name, node in zip((INPUT, OUTPUT), ends, strict=True)
    )
    writer.add("Identity", [writer.read(ends[1], TensorProto.FLOAT)], OUTPUT)
    tensors = [numpy_helper.from_array(np.ascontiguousarray(values), name) for name, values in writer.tensors.items()]
    graph = helper.make_graph(writer.nodes, "network", [image], [logits], tensors)
    return helper.make_model(
        graph, producer_name="autoseg", opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION
    )
