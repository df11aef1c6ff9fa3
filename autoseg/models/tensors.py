"""Named tensors in a safetensors file, with a checksum of all that it holds."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load, save
from torch import Tensor

from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.atomic import replacing
from dataset_fingerprints.files.checksums import CHECKSUM, checksum, show_checksum

# Bytes of the number in front of a file's header: the header's length.
_LENGTH = 8
# Of a fold's weights.
REMEDY = (
    "Train the fold again: delete the file and give `autoseg train` for the fold, which writes it from the checkpoint "
    "if that is sound, or begin it anew with --restart."
)
# As safetensors and torch report a file that holds no tensors, or more than there is memory for.
_UNUSABLE = (OSError, SafetensorError, ValueError, TypeError, RuntimeError, MemoryError, KeyError)
Tensors = dict[str, Tensor]
Texts = dict[str, str]


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
    """Write named tensors, the texts beside them and the checksum of both in one step."""
    with replacing(path) as temporary, temporary.open("wb") as stream:
        for piece in pack_tensors(tensors, metadata):
            stream.write(piece)


def pack_tensors(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> tuple[bytes | memoryview, ...]:
    """Return the content of such a file, in pieces; of equal tensors and texts it is the same."""
    plain = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    content = memoryview(save(plain, metadata={**metadata, CHECKSUM: _measure(plain, metadata)}))
    header = _sort_texts(bytes(content[_LENGTH : _LENGTH + int.from_bytes(content[:_LENGTH], "little")]))
    return (content[:_LENGTH], header, content[_LENGTH + len(header) :])


def load_tensors(path: Path, remedy: str = "Delete it and train the fold again.") -> tuple[Tensors, Texts]:
    """Read named tensors and the texts beside them.

    A file without a checksum, of an older version or of another program, is taken as it is.

    Raises:
        WorkspaceError: the file is missing or damaged.
    """
    try:
        if not path.is_file():
            raise OSError("it is missing, or not a file")
        with safe_open(path, framework="pt") as stream:
            tensors = {name: stream.get_tensor(name) for name in stream.keys()}  # noqa: SIM118
            metadata = dict(stream.metadata() or {})
    except _UNUSABLE as error:
        raise _unusable(path, _say(error), remedy) from error
    stated = metadata.pop(CHECKSUM, None)
    if stated is not None and stated != _measure(tensors, metadata):
        raise _unusable(path, "it does not hold what autoseg wrote, it is damaged", remedy)
    return tensors, metadata


def load_weights(path: Path) -> Tensors:
    """Read the weights of a network.

    Raises:
        WorkspaceError: the file is missing or damaged, or holds what is not a finite number.
    """
    tensors, _ = load_tensors(path, REMEDY)
    _refuse_broken(tensors, path, REMEDY)
    return tensors


def unpack_weights(content: bytes, where: str, remedy: str) -> Tensors:
    """Return the weights of a network from the content of their file, whose checksum was looked at before.

    Args:
        content: of the file.
        where: it comes from, for messages.
        remedy: what to do where it is damaged.

    Raises:
        WorkspaceError: it is not such a file, or holds what is not a finite number.
    """
    try:
        tensors: Tensors = load(content)
    except _UNUSABLE as error:
        raise _unusable(where, _say(error), remedy) from error
    _refuse_broken(tensors, where, remedy)
    return tensors


def _refuse_broken(tensors: Tensors, where: Path | str, remedy: str) -> None:
    broken = find_broken(tensors)
    if broken:
        raise _unusable(where, f"{broken} holds values that are not finite", remedy)


def _unusable(where: Path | str, reason: str, remedy: str) -> WorkspaceError:
    return WorkspaceError(f"{where}: cannot be used ({reason}). {remedy}")


def _say(error: Exception) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]


def find_broken(tensors: Mapping[str, Tensor]) -> str:
    """Return the name of a tensor with values that are not finite; empty where there is none."""
    return next((name for name, tensor in tensors.items() if not bool(tensor.isfinite().all())), "")


def find_misfit(tensors: Mapping[str, Tensor], network: Mapping[str, Tensor]) -> str:
    """Return the first way in which tensors are not a network's state: names, shapes or kinds of numbers; else nothing.

    Args:
        tensors: as they were read.
        network: the state of a network.
    """
    for name in network:
        if name not in tensors:
            return f"{name} is missing"
    for name, tensor in tensors.items():
        if name not in network:
            return f"the network has no {name}"
        mine = network[name]
        if tensor.shape != mine.shape:
            return f"{name} is of shape {tuple(tensor.shape)}, expected {tuple(mine.shape)}"
        if tensor.is_floating_point() != mine.is_floating_point():
            return f"{name} holds {_show(tensor.dtype)} values, expected {_show(mine.dtype)}"
    return ""


def _sort_texts(header: bytes) -> bytes:
    """Return a file's header with the texts sorted by name: they come in any order, and equal files are equal."""
    plain = json.loads(header)
    plain["__metadata__"] = dict(sorted(plain["__metadata__"].items()))
    sorted_header = json.dumps(plain, separators=(",", ":"), ensure_ascii=False).encode()
    return sorted_header.ljust(len(header)) if len(sorted_header) <= len(header) else header


def _measure(tensors: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Return the checksum of tensors in memory and of the texts beside them, whatever their order."""
    number = 0
    for name in sorted(tensors):
        tensor = tensors[name]
        number = checksum(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode(), number)
        number = checksum(tensor.reshape(-1).view(torch.uint8).numpy().data, number)
    for key in sorted(metadata):
        number = checksum(f"{key}={metadata[key]}".encode(), number)
    return show_checksum(number)


def _show(kind: torch.dtype) -> str:
    return str(kind).removeprefix("torch.")
