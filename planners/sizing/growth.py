"""Sizes that a training's batches go through, from the first step to the last."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from dataset_fingerprints.geometry import show_lengths
from dataset_fingerprints.names import counted
from planners.choices import resolve
from planners.networks.topology import pad_up
from planners.parts import NETWORKS
from planners.parts.growth import GROWTHS, Extent
from planners.plan import Configuration

# More patches in a batch are a mistake.
MOST_BATCH = 65_536


def list_sizes(configuration: Configuration) -> tuple[Configuration, ...]:
    """Return a configuration with each size that its training goes through, the planned one last.

    Raises:
        PlanError: a part is unknown.
    """
    growth = resolve(configuration.training.growth, GROWTHS, "growth")
    network = resolve(configuration.network, NETWORKS, "network")
    planned = Extent(patch=configuration.network_patch(), batch_size=configuration.batch_size)
    extents = growth.extents(planned, network.divisors())
    return tuple(_resize(configuration, extent) for extent in extents)


def describe_patch(configuration: Configuration) -> str:
    """Return the planned patch in words, what it is padded to for the network, and the sizes before it."""
    smallest, *others = list_sizes(configuration)
    patch, network = configuration.network_patch(), resolve(configuration.network, NETWORKS, "network")
    padded = pad_up(patch, network.divisors())
    behind = "" if padded == patch else f", padded to {show_lengths(padded)}"
    beside = configuration.neighbours
    seen = f", seen with {counted(beside, 'slice')} on either side" if beside else ""
    planned = f"{show_lengths(patch)} voxels{behind}{seen}"
    if not others:
        return planned
    first = f"{counted(smallest.batch_size, 'patch', 'patches')} of {show_lengths(smallest.network_patch())}"
    return f"{planned}, the last of {len(others) + 1} sizes; the first is {first}"


def find_growth_problems(configuration: Configuration) -> Iterator[str]:
    """Yield what is wrong with the sizes that a configuration's batches grow through; patch and network fit."""
    largest = max(size.batch_size for size in list_sizes(configuration))
    if largest > max(MOST_BATCH, configuration.batch_size):
        yield (
            f"{configuration.name}.training.growth fills a batch with {largest:,} of the smallest patches. Expected "
            f"{MOST_BATCH:,} at most: take a smaller batch_size, or training.growth.options.batch=same."
        )


def size_at(iteration: int, iterations: int, sizes: int) -> int:
    """Return the place of the size that a step has: each has as many steps as the others (Fischer 2024).

    Args:
        iteration: number of the step, from 0.
        iterations: in all; 0 where all sizes are behind the training.
        sizes: number of them.
    """
    return min(iteration * sizes // iterations, sizes - 1) if iterations else sizes - 1


def sum_steps(iteration: int, iterations: int, costs: Sequence[float]) -> float:
    """Return the cost of all steps from one on to the end.

    Args:
        iteration: of the first of them.
        iterations: in all; each size has as many as the others.
        costs: of a step, by size.
    """
    sizes = len(costs)
    # The first step of a size is the first that `size_at` gives it.
    bounds = [max(iteration, -(-size * iterations // sizes)) for size in range(sizes)] + [max(iteration, iterations)]
    return sum((after - first) * cost for first, after, cost in zip(bounds, bounds[1:], costs, strict=False))


def _resize(configuration: Configuration, extent: Extent) -> Configuration:
    lengths = dict(zip(configuration.network_axes(), extent.patch, strict=True))
    x, y, z = (lengths.get(axis, 1) for axis in range(3))
    return replace(configuration, patch_shape=(x, y, z), batch_size=extent.batch_size)
