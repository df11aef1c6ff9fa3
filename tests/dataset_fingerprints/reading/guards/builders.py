"""Image files that a test damages, and a limit of the memory in which they are read."""

from __future__ import annotations

import resource
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import SimpleITK

from dataset_fingerprints.errors import DataError
from dataset_fingerprints.reading.images import read_label_map

SHAPE = (7, 8, 9)


def sparse(shape=SHAPE, kind=np.int16):
    """Return voxels that pack well, as scans do."""
    voxels = np.zeros(shape, kind)
    inner = tuple(slice(1, -2) for _ in shape)
    voxels[inner] = np.random.default_rng(0).integers(1, 200, voxels[inner].shape)
    return voxels


def write(path, voxels, packed=True, packing=None):
    """Write (i, j[, k]) voxels by SimpleITK."""
    writer = SimpleITK.ImageFileWriter()
    writer.SetFileName(str(path))
    writer.SetUseCompression(packed)
    if packing:
        writer.SetCompressor(packing)
    writer.Execute(SimpleITK.GetImageFromArray(np.ascontiguousarray(voxels.T)))
    return path


def replaced(path, old, new):
    """Put other bytes in the place of some that a file holds."""
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new, 1))
    return path


@contextmanager
def memory_left(size_bytes):
    """Let this process take only so much more memory."""
    used = int(Path("/proc/self/statm").read_text(encoding="utf-8").split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def refuses_flip(path, content, bit, sound):
    """Return whether a file of one flipped bit is refused by its name; one that is read holds what it held."""
    damaged = bytearray(content)
    damaged[bit // 8] ^= 1 << bit % 8
    path.write_bytes(damaged)
    try:
        assert np.array_equal(read_label_map(path).voxels, sound), bit
    except DataError as error:
        assert path.name in str(error)  # noqa: PT017
        return True
    return False
