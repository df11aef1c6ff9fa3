"""One training in several processes, as torchrun starts them: leader, shares of a batch, agreements.

Alone, everything here returns what it was given. The processes hold equal weights and draw equal batches; each computes
its part of a batch. Losses add their sums over the processes (`add`), so that every process has the loss of the whole
batch and gradients of what its own samples do to it; `add_gradients` makes them the whole batch's. What depends on a
clock, a signal or a file is decided by the first process, the leader, and sent to the others.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist

# Imported later, by torch itself, its default arguments would keep the group, whose threads would then outlive the
# interpreter: one that still frees a tensor aborts the process.
import torch.distributed.nn
from torch import Tensor, nn

from autoseg.hardware import SHARERS
from dataset_fingerprints.errors import AutosegError
from dataset_fingerprints.names import counted

T = TypeVar("T")

# The others wait while the leader validates whole volumes; a process that dies is seen by torchrun at once.
PATIENCE = timedelta(days=1)
VISIBLE = "CUDA_VISIBLE_DEVICES"


def count() -> int:
    """Return how many processes train together, as torchrun says; 1 without it."""
    return _read_number("WORLD_SIZE") if "TORCHELASTIC_RUN_ID" in os.environ else 1


def _read_number(name: str) -> int:
    """Return a number that torchrun gives its processes.

    Raises:
        AutosegError: it is not one.
    """
    text = os.environ.get(name, "")
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise AutosegError(
            f"the environment variable {name} is {text!r}. Expected the number that torchrun sets: start the training "
            "with torchrun, or unset TORCHELASTIC_RUN_ID to train in one process."
        )
    return int(text)


def was_restarted() -> bool:
    """Return whether torchrun started this training again after it failed, with the command of its first start."""
    return count() > 1 and os.environ.get("TORCHELASTIC_RESTART_COUNT", "0") != "0"


def number() -> int:
    """Return this process's number among them; 0 alone."""
    return _read_number("RANK") if count() > 1 else 0


def leads() -> bool:
    """Return whether this process decides, speaks and writes files."""
    return number() == 0


@contextmanager
def together() -> Iterator[None]:
    """Meet the other processes for as long as the block runs; each gets a GPU of its own and a share of the cores.

    Call it before anything asks for the GPU.

    Raises:
        AutosegError: there are more processes on this machine than GPUs.
    """
    if count() == 1:
        yield
        return
    here, local = _read_number("LOCAL_WORLD_SIZE"), _read_number("LOCAL_RANK")
    if torch.cuda.device_count():
        _take_gpu(local, here)
    os.environ[SHARERS] = str(here)
    # Tensors on a GPU travel by NCCL; decisions, which are on the host, by gloo, so that no device is waited for.
    dist.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.device_count() else "gloo", timeout=PATIENCE)
    try:
        yield
    finally:
        dist.destroy_process_group()


def _take_gpu(local: int, here: int) -> None:
    # By what this process sees, not by torch's current device, which every thread has one of.
    visible = os.environ.get(VISIBLE, "")
    names = visible.split(",") if visible else [str(index) for index in range(torch.cuda.device_count())]
    if len(names) < here:
        raise AutosegError(
            f"torchrun started {here} processes on this machine, which has {counted(len(names), 'GPU')} for them. "
            f"Give --nproc_per_node {len(names)}."
        )
    os.environ[VISIBLE] = names[local]


def part_of(batch: Sequence[T]) -> Sequence[T]:
    """Return this process's share of a batch: samples in turns, so that shares differ by one sample at most."""
    return batch[number() :: count()]


def refuse_more_than(samples: int) -> None:
    """Make sure that every process has a sample of the batch.

    Raises:
        AutosegError: there are more processes than samples.
    """
    if count() > samples:
        raise AutosegError(
            f"torchrun started {count()} processes, but the plan's batch has "
            f"{counted(samples, 'patch', 'patches')}. Start at most {samples}, or plan a larger batch "
            "(--set batch_size=...)."
        )


def share_statistics(network: nn.Module) -> nn.Module:
    """Return the network with its batch norms, if it has any, looking at the samples of all processes.

    Raises:
        AutosegError: it has some, and no GPU: torch offers this for CUDA only.
    """
    norms = [part for part in network.modules() if isinstance(part, nn.BatchNorm2d | nn.BatchNorm3d)]
    if count() == 1 or not norms:
        return network
    if not norms[0].weight.is_cuda:
        raise AutosegError(
            "A network with batch norm cannot be trained by several processes on a CPU. Train it in one process, or "
            "plan with `--set network.options.norm=instance`."
        )
    converted: nn.Module = nn.SyncBatchNorm.convert_sync_batchnorm(network)
    return converted


def add(values: Tensor) -> Tensor:
    """Return the sum over the processes; gradients flow back to what this process put in."""
    return _Sum.apply(values) if count() > 1 else values  # type: ignore[no-untyped-call]


def total(number: int) -> int:
    """Return the sum of a number that each process knows."""
    if count() == 1:
        return number
    numbers = torch.tensor([number])
    dist.all_reduce(numbers)
    return int(numbers)


def mean(values: Tensor) -> Tensor:
    """Return the mean of the values of all processes, however many each has."""
    return values.mean() if count() == 1 else add(values.sum()) / total(values.numel())


def join(values: Tensor) -> Tensor:
    """Return the vectors (n,) of all processes in one; n may differ; gradients flow back to this process's own."""
    if count() == 1:
        return values
    lengths = torch.zeros(count(), dtype=torch.int64, device=values.device)
    lengths[number()] = len(values)
    dist.all_reduce(lengths)
    sizes = lengths.tolist()
    padded = torch.zeros(max(sizes), dtype=values.dtype, device=values.device)
    padded[: len(values)] = values.detach()
    found = [torch.empty_like(padded) for _ in sizes]
    dist.all_gather(found, padded)
    parts = [part[:size] for part, size in zip(found, sizes, strict=True)]
    parts[number()] = values
    return torch.cat(parts)


@torch.no_grad()
def add_gradients(parameters: Iterable[nn.Parameter]) -> None:
    """Add up the gradients of all processes; a parameter without one has none anywhere."""
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    whole = torch.cat([gradient.reshape(-1) for gradient in gradients])
    dist.all_reduce(whole)
    parts = whole.split([gradient.numel() for gradient in gradients])
    torch._foreach_copy_(gradients, [part.view_as(old) for part, old in zip(parts, gradients, strict=True)])


def greatest(values: Sequence[int]) -> tuple[int, ...]:
    """Return the greatest of each of the numbers that the processes name."""
    if count() == 1:
        return tuple(values)
    named = torch.tensor(values, dtype=torch.int64)
    dist.all_reduce(named, dist.ReduceOp.MAX)
    return tuple(named.tolist())


def led(make: Callable[[], T]) -> T:
    """Return what the leader makes; where it fails all do, and the leader reports it."""
    if count() == 1:
        return make()
    shared: list[Any] = [None, None]
    if leads():
        try:
            shared[0] = make()
        except Exception as error:
            shared[1] = error
    dist.broadcast_object_list(shared, src=0, device=torch.device("cpu"))
    if isinstance(shared[1], AutosegError) and not leads():
        raise SystemExit(getattr(shared[1], "exit_code", 2))
    if shared[1] is not None:
        raise shared[1]
    return shared[0]  # type: ignore[no-any-return]


class _Sum(torch.autograd.Function):
    """All processes have the same sum, and so the same loss: each keeps the gradient of its own summand."""

    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        total = values.clone()
        dist.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return gradient
