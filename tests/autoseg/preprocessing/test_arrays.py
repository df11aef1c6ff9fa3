"""Files of arrays that somebody else made: nothing in them is run, and only plain arrays are read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import blosc2
import numpy as np
import pytest

from autoseg.preprocessing import is_sound, read_array, write_array
from autoseg.preprocessing.arrays import reported
from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.checksums import measure_file


def write_recipe(path: Path) -> None:
    first = blosc2.asarray(np.zeros((4, 4, 4)), urlpath=str(path.with_name("first.b2nd")), mode="w")
    (first + 1).save(urlpath=str(path))


def write_function(path: Path) -> None:
    first = blosc2.asarray(np.zeros((4, 4, 4)), urlpath=str(path.with_name("first.b2nd")), mode="w")
    blosc2.lazyudf(leave_a_trace, (first,), dtype=np.float64).save(urlpath=str(path))


def leave_a_trace(inputs, output, offset):  # type: ignore[no-untyped-def]
    from pathlib import Path

    Path("trace").touch()
    output[:] = 0


def write_proxy(path: Path) -> None:
    first = blosc2.asarray(np.zeros((4, 4, 4)), urlpath=str(path.with_name("first.b2nd")), mode="w")
    blosc2.Proxy(first, urlpath=str(path), mode="w")


def write_bytes_only(path: Path) -> None:
    blosc2.SChunk(chunksize=64, data=b"a" * 64, urlpath=str(path), mode="w")


KINDS: dict[str, Callable[[Path], object]] = {
    "a recipe": write_recipe,
    "a function": write_function,
    "a proxy": write_proxy,
    "bytes without a shape": write_bytes_only,
    "nothing": lambda path: path.write_bytes(b""),
    "another file": lambda path: path.write_bytes(b"\x89PNG" * 100),
    "another shape": lambda path: write_array(path, np.zeros((4, 4, 5), np.uint8)),
    "more axes": lambda path: write_array(path, np.zeros((1, 4, 4, 4), np.uint8)),
    "another type": lambda path: write_array(path, np.zeros((4, 4, 4), np.float64)),
    "objects": lambda path: write_array(path, np.zeros((4, 4, 4), "S5")),
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_array_of_the_expected_shape_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.b2nd"
    KINDS[kind](path)
    with pytest.raises(WorkspaceError, match=r"case a cannot be read \(.*\)\. Do so\."), reported("case a", "Do so."):
        read_array(path, shape=(None, 4, 4), kinds=(np.uint8,))
    assert not (tmp_path / "trace").exists()


def test_what_was_written_is_measured(tmp_path: Path) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    written = write_array(tmp_path / "a.b2nd", array)
    assert written == measure_file(tmp_path / "a.b2nd")
    assert np.array_equal(read_array(tmp_path / "a.b2nd", shape=(3, 4, 5), kinds=(np.uint8,)), array)


SOUND = {
    "zeros": np.zeros((4, 40, 40), np.uint8),
    "one voxel": np.ones((1, 1, 1), np.uint8),
    "noise of several chunks": np.random.default_rng(0).normal(size=(2, 150, 140, 130)).astype(np.float16),
    "float32": np.random.default_rng(0).normal(size=(1, 40, 30, 20)).astype(np.float32),
}


@pytest.mark.parametrize("name", SOUND)
def test_an_array_of_ours_is_sound(tmp_path: Path, name: str) -> None:
    written = write_array(tmp_path / "a.b2nd", SOUND[name])
    assert is_sound(tmp_path / "a.b2nd", None)
    assert is_sound(tmp_path / "a.b2nd", written)
    assert np.array_equal(read_array(tmp_path / "a.b2nd"), SOUND[name])


@pytest.mark.parametrize("where", ["chunk", "places"])
@pytest.mark.parametrize(("offset", "code"), [(22, 37), (2, 6 << 5), (21, 160)])
def test_a_codec_or_filter_for_which_the_library_would_run_a_program_is_refused(
    tmp_path: Path, where: str, offset: int, code: int
) -> None:
    path = tmp_path / "a.b2nd"
    write_array(path, np.random.default_rng(0).integers(0, 9, (40, 40, 40)).astype(np.uint8))
    content = bytearray(path.read_bytes())
    opened = blosc2.open(str(path))
    chunk = opened.schunk.get_chunk(0)
    first = content.index(chunk)
    place = first if where == "chunk" else first + len(chunk)
    content[place + offset] = code
    path.write_bytes(content)
    with pytest.raises(ValueError, match="not an array as autoseg writes them"):
        is_sound(path, None)
