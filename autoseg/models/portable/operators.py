"""Counterparts of torch's operators in ONNX graphs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torch import fx

# The largest finite half is 65,504.
LARGEST_HALF = 6e4
SINGLE, HALF, PLACES = TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.INT64
_KINDS: dict[int, Any] = {SINGLE: np.float32, HALF: np.float16}


class GraphWriter:
    """Collects the nodes and weights of a graph.

    Args:
        half: whether convolutions are in half precision.
    """

    def __init__(self, *, half: bool) -> None:
        self.half = half
        self.nodes: list[onnx.NodeProto] = []
        self.tensors: dict[str, NDArray[Any]] = {}
        self._weights: dict[fx.Node, NDArray[Any]] = {}
        # What a node of the traced network is called here, and its number type.
        self._values: dict[fx.Node, tuple[str, int]] = {}
        # Nodes of which no norm has limited the values yet, whatever the image holds.
        self._unlimited: set[fx.Node] = set()
        self._converted: set[str] = set()

    def add(self, kind: str, inputs: Sequence[str], output: str, *more: str, **attributes: Any) -> str:
        """Add a node, and return the name of its output, the first where it has several."""
        self.nodes.append(helper.make_node(kind, list(inputs), [output, *more], name=f"{output}:{kind}", **attributes))
        return output

    def add_input(self, node: fx.Node, name: str) -> None:
        """Let a node stand for the graph's input."""
        self._values[node] = (name, SINGLE)
        self._unlimited.add(node)

    def add_tensor(self, node: fx.Node, values: NDArray[Any]) -> None:
        """Let a node stand for a tensor of the network."""
        self._weights[node] = values

    def keep(self, node: fx.Node, name: str, kind: int, *, limited: bool = False) -> None:
        """Let a node stand for an output of this graph, and so what it was written over.

        Args:
            node: of the traced network.
            name: of its output here.
            kind: the output's number type.
            limited: whether its values do not grow with those of its input.
        """
        self._values[node] = (name, kind)
        if not limited and self.sees_unlimited(node):
            self._unlimited.add(node)
        if str(node.target).partition(".")[0].endswith("_"):
            self._values[node.all_input_nodes[0]] = (name, kind)

    def kind_of(self, node: fx.Node) -> int:
        """Return the number type of a value."""
        return self._values[node][1]

    def sees_unlimited(self, node: fx.Node) -> bool:
        """Return whether a node looks at values that grow with the image's."""
        return any(entry in self._unlimited for entry in node.all_input_nodes)

    def read(self, node: fx.Node, kind: int) -> str:
        """Return the name of a value or a tensor in a number type, converted where it is in another."""
        if node in self._weights:
            return self.store(f"{node.name}{'.half' if kind == HALF else ''}", self._weights[node], kind)
        name, have = self._values[node]
        return name if have == kind else self._convert(name, kind)

    def _convert(self, name: str, kind: int) -> str:
        converted = f"{name}.{'half' if kind == HALF else 'single'}"
        if converted not in self._converted:
            limited = name
            if kind == HALF:
                limits = [self.store(f"limit.{sign}", np.array(sign * LARGEST_HALF), SINGLE) for sign in (-1, 1)]
                limited = self.add("Clip", [name, *limits], f"{name}.limited")
            self.add("Cast", [limited], converted, to=kind)
            self._converted.add(converted)
        return converted

    def store(self, name: str, values: NDArray[Any], kind: int) -> str:
        """Keep a tensor in the graph, and return its name."""
        limited = np.clip(values, -LARGEST_HALF, LARGEST_HALF) if kind == HALF else values
        self.tensors[name] = limited.astype(_KINDS[kind])
        return name

    def store_shape(self, name: str, lengths: Sequence[int]) -> str:
        """Keep a shape in the graph, and return its name; 0 leaves a length as it is."""
        self.tensors[name] = np.array(lengths, dtype=np.int64)
        return name


Operator = Callable[[GraphWriter, fx.Node], None]


def _convolve(writer: GraphWriter, node: fx.Node) -> None:
    x, weight, bias, stride, padding, dilation, groups = _arguments(node, None, None, None, [1], [0], [1], 1)
    attributes = {"strides": stride, "pads": padding, "dilations": dilation}
    _write_convolution(writer, node, "Conv", (x, weight, bias), group=groups, **attributes)


def _upsample(writer: GraphWriter, node: fx.Node) -> None:
    x, weight, bias, stride, padding, more, groups, dilation = _arguments(node, None, None, None, [1], [0], [0], 1, [1])
    attributes = {"strides": stride, "pads": padding, "output_padding": more, "dilations": dilation}
    _write_convolution(writer, node, "ConvTranspose", (x, weight, bias), group=groups, **attributes)


def _write_convolution(
    writer: GraphWriter, node: fx.Node, name: str, inputs: Sequence[fx.Node | None], **attributes: Any
) -> None:
    kind = SINGLE if not writer.half or writer.sees_unlimited(node) else HALF
    axes = len(node.meta["val"].shape) - 2
    per_axis = {
        key: value if key == "group" else _per_axis(value, axes) * (2 if key == "pads" else 1)
        for key, value in attributes.items()
    }
    writer.add(name, [writer.read(entry, kind) for entry in inputs if entry is not None], node.name, **per_axis)
    writer.keep(node, node.name, kind)


def _normalize_instances(writer: GraphWriter, node: fx.Node) -> None:
    x, weight, bias, mean, _, from_input, _, epsilon, _ = _arguments(node)
    assert mean is None or from_input
    inputs = [writer.read(entry, SINGLE) for entry in (x, weight, bias)]
    writer.add("InstanceNormalization", inputs, node.name, epsilon=epsilon)
    writer.keep(node, node.name, SINGLE, limited=True)


def _normalize_batches(writer: GraphWriter, node: fx.Node) -> None:
    *tensors, training, _, epsilon, _ = _arguments(node)
    assert not training
    writer.add("BatchNormalization", [writer.read(entry, SINGLE) for entry in tensors], node.name, epsilon=epsilon)
    writer.keep(node, node.name, SINGLE, limited=True)


def _normalize_groups(writer: GraphWriter, node: fx.Node) -> None:
    """Normalise groups as if they were channels, then scale and shift the channels."""
    x, groups, weight, bias, epsilon, *_ = _arguments(node)
    _, channels, *lengths = x.meta["val"].shape
    name = node.name
    together = writer.store_shape(f"{name}.groups", [0, groups, -1])
    value = writer.add("Reshape", [writer.read(x, SINGLE), together], f"{name}.grouped")
    parts = [writer.store(f"{name}.{part}", np.full(groups, part), SINGLE) for part in (1, 0)]
    value = writer.add("InstanceNormalization", [value, *parts], f"{name}.even", epsilon=epsilon)
    value = writer.add(
        "Reshape", [value, writer.store_shape(f"{name}.shape", [0, channels, *lengths])], f"{name}.apart"
    )
    along_channels = writer.store_shape(f"{name}.channels", [channels, *[1] * len(lengths)])
    for kind, entry in (("Mul", weight), ("Add", bias)):
        factor = writer.add("Reshape", [writer.read(entry, SINGLE), along_channels], f"{name}.{kind}.factor")
        value = writer.add(kind, [value, factor], f"{name}.{kind}")
    writer.keep(node, value, SINGLE, limited=True)


def _rectify(writer: GraphWriter, node: fx.Node) -> None:
    x, slope = _arguments(node, None, 0.01)
    kind = writer.kind_of(x)
    writer.add("LeakyRelu", [writer.read(x, kind)], node.name, alpha=slope)
    writer.keep(node, node.name, kind)


def _gate(writer: GraphWriter, node: fx.Node) -> None:
    """Write GELU by its definition: ONNX has had an operator for it since a later set only."""
    (x,) = _arguments(node)
    assert not node.kwargs
    name, value = node.name, writer.read(x, SINGLE)
    root, one, half = (writer.store(f"gelu.{number:.3g}", np.array(number), SINGLE) for number in (2**0.5, 1, 0.5))
    share = writer.add("Erf", [writer.add("Div", [value, root], f"{name}.scaled")], f"{name}.erf")
    share = writer.add("Mul", [writer.add("Add", [share, one], f"{name}.raised"), half], f"{name}.share")
    writer.add("Mul", [value, share], name)
    writer.keep(node, name, SINGLE)


def _average(writer: GraphWriter, node: fx.Node) -> None:
    x, kernel, stride, *others = _arguments(node)
    assert not others
    axes, kind = x.meta["val"].ndim - 2, writer.kind_of(x)
    attributes = {"kernel_shape": _per_axis(kernel, axes), "strides": _per_axis(stride, axes)}
    writer.add("AveragePool", [writer.read(x, kind)], node.name, **attributes)
    writer.keep(node, node.name, kind)


def _take_largest(writer: GraphWriter, node: fx.Node) -> None:
    """Take the largest value of every window and, where torch's operator does, its place."""
    x, kernel, stride, *others = _arguments(node)
    assert not others
    axes = x.meta["val"].ndim - 2
    attributes = {"kernel_shape": _per_axis(kernel, axes), "strides": _per_axis(stride, axes)}
    places = [_places(node)] if isinstance(node.meta["val"], tuple) else []
    writer.add("MaxPool", [writer.read(x, SINGLE)], node.name, *places, **attributes)
    writer.keep(node, node.name, SINGLE)


def _places(node: fx.Node) -> str:
    return f"{node.name}.places"


def _choose(writer: GraphWriter, node: fx.Node) -> None:
    """Take one of the two outputs of a pooling."""
    pair, position = _arguments(node)
    writer.keep(node, *((_places(pair), PLACES) if position else (pair.name, SINGLE)))


def _put_back(writer: GraphWriter, node: fx.Node) -> None:
    """Put values where a pooling found them, in a map that its windows fill."""
    x, places, *_ = _arguments(node)
    factors = _factors(node, x)
    inputs = [writer.read(x, SINGLE), writer.read(places, PLACES)]
    writer.add("MaxUnpool", inputs, node.name, kernel_shape=factors, strides=factors)
    writer.keep(node, node.name, SINGLE)


def _repeat(writer: GraphWriter, node: fx.Node) -> None:
    x, *_ = _arguments(node)
    scales = writer.store(f"{node.name}.scales", np.array([1, 1, *_factors(node, x)]), SINGLE)
    how = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    writer.add("Resize", [writer.read(x, SINGLE), "", scales], node.name, **how)
    writer.keep(node, node.name, SINGLE)


def _factors(node: fx.Node, x: fx.Node) -> list[int]:
    """Return per axis of space how many times longer a node's output is than its input."""
    lengths = zip(node.meta["val"].shape[2:], x.meta["val"].shape[2:], strict=True)
    return [long // short for long, short in lengths]


def _concatenate(writer: GraphWriter, node: fx.Node) -> None:
    parts, axis = _arguments(node, None, 0)
    kind = HALF if writer.half else SINGLE
    writer.add("Concat", [writer.read(part, kind) for part in parts], node.name, axis=axis)
    writer.keep(node, node.name, kind)


def _pad(writer: GraphWriter, node: fx.Node) -> None:
    """Add zeros at the ends of axes; a negative number of them takes values away."""
    x, pads, mode, value = _arguments(node, None, None, "constant", None)
    assert mode == "constant"
    assert not value
    rank, kind = x.meta["val"].ndim, writer.kind_of(x)
    before, after = ([*pads[side::2], *[0] * (rank - len(pads) // 2)][::-1] for side in (0, 1))
    lengths = writer.store_shape(f"{node.name}.pads", [*before, *after])
    writer.add("Pad", [writer.read(x, kind), lengths], node.name)
    writer.keep(node, node.name, kind)


def _add(writer: GraphWriter, node: fx.Node) -> None:
    assert not node.kwargs
    writer.add("Add", [writer.read(entry, SINGLE) for entry in _arguments(node)], node.name)
    writer.keep(node, node.name, SINGLE)


def _multiply(writer: GraphWriter, node: fx.Node) -> None:
    assert not node.kwargs
    writer.add("Mul", [writer.read(entry, SINGLE) for entry in _arguments(node)], node.name)
    writer.keep(node, node.name, SINGLE)


def _take_means(writer: GraphWriter, node: fx.Node) -> None:
    """Take means over whole maps, in single precision as their sums may be large."""
    x, axes, keeps = _arguments(node, None, None, False)
    writer.add("ReduceMean", [writer.read(x, SINGLE)], node.name, axes=list(axes), keepdims=int(keeps))
    writer.keep(node, node.name, SINGLE)


def _connect(writer: GraphWriter, node: fx.Node) -> None:
    """Connect all inputs with all outputs: of what is as small as a number per channel, in single precision."""
    inputs = [writer.read(entry, SINGLE) for entry in _arguments(node)]
    writer.add("Gemm", inputs, node.name, transB=1)
    writer.keep(node, node.name, SINGLE)


def _activate(name: str) -> Operator:
    def write(writer: GraphWriter, node: fx.Node) -> None:
        (x,) = _arguments(node)
        kind = writer.kind_of(x)
        writer.add(name, [writer.read(x, kind)], node.name)
        writer.keep(node, node.name, kind)

    return write


def _reshape(writer: GraphWriter, node: fx.Node) -> None:
    """Reshape what belongs to each sample of a batch."""
    x, _ = _arguments(node)
    kind, (batch, *lengths) = writer.kind_of(x), node.meta["val"].shape
    assert batch == x.meta["val"].shape[0]
    shape = writer.store_shape(f"{node.name}.shape", [0, *lengths])
    writer.add("Reshape", [writer.read(x, kind), shape], node.name)
    writer.keep(node, node.name, kind)


def _arguments(node: fx.Node, *defaults: Any) -> list[Any]:
    """Return a node's arguments; those that are left out are the defaults, given for each."""
    given: list[Any] = list(node.args)
    return given + list(defaults[len(given) :])


def _per_axis(values: Sequence[int], axes: int) -> list[int]:
    return list(values) if len(values) == axes else list(values) * axes


# By torch's names.
OPERATORS: Mapping[str, Operator] = {
    "<built-in function getitem>": _choose,
    "aten.add.Tensor": _add,
    "aten.avg_pool2d.default": _average,
    "aten.avg_pool3d.default": _average,
    "aten.batch_norm.default": _normalize_batches,
    "aten.cat.default": _concatenate,
    "aten.conv2d.default": _convolve,
    "aten.conv3d.default": _convolve,
    "aten.conv_transpose2d.input": _upsample,
    "aten.conv_transpose3d.input": _upsample,
    "aten.gelu.default": _gate,
    "aten.group_norm.default": _normalize_groups,
    "aten.instance_norm.default": _normalize_instances,
    "aten.leaky_relu.default": _rectify,
    "aten.leaky_relu_.default": _rectify,
    "aten.linear.default": _connect,
    "aten.max_pool2d.default": _take_largest,
    "aten.max_pool2d_with_indices.default": _take_largest,
    "aten.max_pool3d.default": _take_largest,
    "aten.max_pool3d_with_indices.default": _take_largest,
    "aten.max_unpool2d.default": _put_back,
    "aten.max_unpool3d.default": _put_back,
    "aten.mean.dim": _take_means,
    "aten.mul.Tensor": _multiply,
    "aten.mul_.Tensor": _multiply,
    "aten.pad.default": _pad,
    "aten.relu.default": _activate("Relu"),
    "aten.reshape.default": _reshape,
    "aten.sigmoid.default": _activate("Sigmoid"),
    "aten.upsample_nearest2d.vec": _repeat,
    "aten.upsample_nearest3d.vec": _repeat,
}
