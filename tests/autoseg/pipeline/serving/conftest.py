"""An exported model of lesions on T1w images, and a server with it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import sleep

import pytest

import autoseg
from autoseg.models import Bundle
from autoseg.pipeline.serving.interface import Interface, make_interface
from autoseg.pipeline.serving.server import Serving
from autoseg.prediction import LoadedModel
from tests.autoseg.pipeline.serving.requests import Platform, served


@pytest.fixture(scope="session")
def interface(bundle: Path) -> Interface:
    run = Bundle(bundle).run()
    return make_interface(run.channels, run.scheme)


@pytest.fixture(scope="session")
def model(bundle: Path) -> LoadedModel:
    return autoseg.load_model(bundle)


@pytest.fixture
def platform(tmp_path: Path, interface: Interface, model: LoadedModel) -> Iterator[Platform]:
    """A platform in front of a server that is ready."""
    own = Platform(root=tmp_path)
    own.send()
    here = replace(interface, port=0, input=str(own.inputs), output=str(own.outputs))
    with served(Serving(interface=here, host="127.0.0.1", load=lambda: model)) as address:
        ready = replace(own, address=address)
        while ready.ask("/health", "GET")[0] != 200:
            sleep(0.01)
        yield ready
