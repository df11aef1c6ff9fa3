"""A workspace that several modules of tests look at; none may change it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.synthetic.commands import run
from tests.synthetic.scans import affine_of, write_nnunet_dataset
from tests.synthetic.small_networks import SHORT
from tests.synthetic.tiny import Tiny, copy_tiny, write_tiny


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace with fold 0 trained for a few steps, two channels, labels 3 and 7, LAS files."""
    root = tmp_path_factory.mktemp("trained")
    labels = {"background": 0, "dark": 3, "bright": 7}
    write_nnunet_dataset(root / "raw", 10, labels, ("T1w", "FLAIR"), affine_of(flips=(-1, 1, 1)))
    with pytest.MonkeyPatch.context() as patch:
        assert run(patch, "plan-and-preprocess", root / "raw", "-w", root / "ws", *SHORT) == 0
        assert run(patch, "train", "0", "-w", root / "ws") == 0
    return root


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Five tiny cases, planned, fold 0 trained."""
    tiny = write_tiny(tmp_path_factory.mktemp("finished"), 5)
    tiny.plan()
    tiny.train(0)
    return tiny


@pytest.fixture
def tiny(finished: Tiny, tmp_path: Path) -> Tiny:
    """A copy of the same that a test may change."""
    return copy_tiny(finished, tmp_path / "tiny")
