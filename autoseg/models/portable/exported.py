"""Files by which a bundle predicts without torch: its networks as ONNX, and a program that runs them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from importlib.util import find_spec

import torch

from autoseg.models.model import Model
from autoseg.models.model_set import ModelSet
from autoseg.models.portable.assembly import ENTRY, ENTRY_TEXT, NAME, assemble
from autoseg.models.portable.program.files import find_obstacles
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.files.jsonfiles import to_json
from dataset_fingerprints.installed import advise_extra
from planners.choices import resolve
from planners.networks.topology import pad_up
from planners.parts import NETWORKS

NEEDED = ("onnx", "onnxruntime")
# The path in a bundle, and the content.
PortableFile = tuple[str, bytes]


def refuse_missing_packages() -> None:
    """Make sure that networks can be written as ONNX.

    Raises:
        DataError: packages are missing.
    """
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise DataError(
            f"--onnx needs {' and '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed. "
            f"Install what exporting needs: {advise_extra('onnx')}."
        )


def explain_obstacles(models: ModelSet) -> str:
    """Return in sentences why the program cannot predict what the models predict; empty where it can."""
    runs = [json.loads(to_json(model.run)) for model in list_models(models)]
    selection = {} if models.selection is None else json.loads(to_json(models.selection))
    averaged = [model.run.configuration for model in models.averaged()]
    found = find_obstacles(runs, selection, averaged)
    found += ["Lesions get classes, which the program does not give them."] if models.lesion_classes else []
    return " ".join(found)


def list_models(models: ModelSet) -> tuple[Model, ...]:
    """Return all models, each fold once."""
    found = (model for one in models.stages for group in one.values() for model in group)
    return tuple({(model.run.configuration, model.run.fold): model for model in found}.values())


def count_networks(models: ModelSet) -> int:
    """Return how many networks they have."""
    return sum(len(model.weights) for model in list_models(models))


def make_portable(models: ModelSet, advance: Callable[[], None]) -> Iterator[PortableFile]:
    """Yield the files of every network as ONNX in single and in half precision, and the program where it can run them.

    Args:
        models: whose networks to write.
        advance: is called when a network is done.

    Raises:
        DataError: a network cannot be written as ONNX, or gives other logits there.
    """
    for model in list_models(models):
        yield from _make_networks(model, advance)
    if not explain_obstacles(models):
        yield NAME, assemble().encode()
        yield ENTRY, ENTRY_TEXT.encode()


def _make_networks(model: Model, advance: Callable[[], None]) -> Iterator[PortableFile]:
    from autoseg.models.portable.graph import trace, write_graph
    from autoseg.models.portable.parity import refuse_unlike

    own = model.run.own()
    divisors = resolve(own.network, NETWORKS, "network").divisors()
    shape = (model.run.input_channels(), *pad_up(own.network_tile(), divisors))
    folder = f"{model.run.configuration}/{model.run.fold}"
    networks = model.build_networks(torch.device("cpu"))
    traced = trace(networks[0], shape)
    for number, network in enumerate(networks, start=1):
        for half, suffix in ((False, ""), (True, "-float16")):
            try:
                content = write_graph(traced, network.state_dict(), half=half)
                refuse_unlike(content, network, shape, half=half)
            except DataError as error:
                raise DataError(f"{model.run.configuration}, fold {model.run.fold}: {error}") from error
            yield f"{folder}/network-{number}{suffix}.onnx", content
        advance()
