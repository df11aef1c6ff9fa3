"""NRRD headers that crash the library behind ITK."""

from __future__ import annotations

import pytest

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_image
from tests.dataset_fingerprints.reading.guards.builders import replaced, sparse, write

LONG = 1200
# Lines that crash the library behind ITK, and those of any length that it reads.
NRRD_LINES = {
    "nonsense": (b"garbage" * 300, False),
    "unknown field": (b"foo: " + b"q" * LONG, False),
    "units": (b"space units: " + b'"mm" ' * 400, False),
    "kinds": (b"kinds: " + b"domain " * 300, False),
    "frame": (b"measurement frame: " + b"(" * LONG, False),
    "data file": (b"data file: " + b"x" * LONG, False),
    "comment": (b"# " + b"x" * 70_000, True),
    "key and value": (b"key:=" + b"x" * 70_000, True),
    "content": (b"content: " + b"x" * 70_000, True),
}


@pytest.mark.parametrize("kind", NRRD_LINES)
def test_long_lines_of_an_nrrd_are_refused_where_they_are_fields(tmp_path, kind):
    line, readable = NRRD_LINES[kind]
    path = write(tmp_path / "a.nrrd", sparse(), packed=False)
    replaced(path, b"\nencoding: raw\n", b"\nencoding: raw\n" + line + b"\n")
    if readable:
        assert read_image([path]).voxels.sum() == sparse().sum()
        return
    with pytest.raises(DataError, match=r"a\.nrrd: "):
        read_image([path])
