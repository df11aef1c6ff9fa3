"""Paths that no library can open, or none should: refused, and not waited for."""

from __future__ import annotations

import os
import re
from pathlib import Path

import numpy as np
import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_grid, read_image, read_label_map
from tests.dataset_fingerprints.reading.guards.builders import sparse, write


@pytest.mark.parametrize("suffix", [".nii.gz", ".nii", ".mha", ".mhd", ".nrrd", ".gipl", ".png", ".tif", ".bmp"])
@pytest.mark.parametrize("kind", ["pipe", "zero", "null"])
def test_pipes_and_devices_are_refused_and_not_waited_for(tmp_path, suffix, kind):
    path = tmp_path / f"a{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(f"/dev/{kind}")
    for read in (read_grid, read_label_map):
        with pytest.raises(DataError, match=rf"a{re.escape(suffix)}: cannot be opened"):
            read(path)


@pytest.mark.parametrize("suffix", [".nii.gz", ".mha", ".nrrd", ".png", ".tif"])
def test_a_name_that_is_not_utf_8_is_refused_and_shown_escaped(tmp_path, suffix):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/scan\xff\xfe" + suffix.encode()))
    write(tmp_path / f"a{suffix}", sparse((7, 8), np.uint8)).rename(path)
    with pytest.raises(DataError, match=r"scan\\xff\\xfe.*Rename it") as caught:
        read_image([path])
    str(caught.value).encode("utf-8")
