"""A trained workspace that tests copy before they damage it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.autoseg.workspace.small import make_small
from tests.synthetic.once import make_once


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folders `raw` and `ws`, with a trained fold."""
    return make_once(tmp_path_factory, "small", make_small)
