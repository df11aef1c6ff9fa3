"""A server on this machine, in this process and in one of its own, asked by real requests about real files."""

from __future__ import annotations

import errno
import gc
import json
import re
import resource
import signal
import socket
import subprocess
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import SimpleITK

from autoseg.pipeline.serving import answering, server
from autoseg.pipeline.serving.interface import Interface, write_interface
from autoseg.pipeline.serving.server import Serving, find_model, listen
from autoseg.prediction import LoadedModel
from autoseg.progress import SilentProgress
from dataset_fingerprints.errors import DataError
from tests.autoseg.pipeline.serving.requests import IMAGE, MAP, MASK, TILTED, Platform, lie_alike
from tests.synthetic.commands import start


def outputs_of(platform: Platform) -> list[Path]:
    return [file for file in platform.outputs.rglob("*") if file.is_file()]


def test_mask_and_map_lie_on_the_grid_of_the_scan_and_belong_together(platform: Platform, model: LoadedModel) -> None:
    scan = platform.send(3, TILTED)
    status, content = platform.ask()
    assert (status, content["warnings"]) == (201, [])
    sent, mask, values = SimpleITK.ReadImage(str(scan)), platform.read(MASK), platform.read(MAP)
    assert lie_alike(sent, mask)
    assert lie_alike(sent, values)
    assert values.GetPixelID() == SimpleITK.sitkFloat32
    known = model.predict(scan)
    assert np.array_equal(SimpleITK.GetArrayFromImage(mask).T, known.labels == 1)
    assert np.array_equal(SimpleITK.GetArrayFromImage(values).T, known.probability("dark"))
    assert content["outputs"] == [str(platform.outputs / MASK), str(platform.outputs / MAP)]


def test_a_broken_scan_is_said_and_leaves_nothing_of_the_case_before(platform: Platform) -> None:
    assert platform.ask()[0] == 201
    scan = platform.send(1)
    scan.write_bytes(scan.read_bytes()[:-500])
    status, content = platform.ask()
    assert status == 422
    assert str(scan) in content["error"]
    assert outputs_of(platform) == []
    platform.send(1)
    assert platform.ask()[0] == 201


MALFORMED = {
    "a list that is not JSON": ("inputs.json", "{", "inputs.json"),
    "a list that is none": ("inputs.json", '{"socket": 1}', "is not a list of inputs"),
    "an input without a slug": ("inputs.json", '[{"socket": {}}]', "its socket with a slug"),
    "another input": ("inputs.json", '[{"socket": {"slug": "ct"}}]', "lists ct. Expected t1-brain-mri"),
    "a path out of the folder": (
        "inputs.json",
        '[{"socket": {"slug": "t1-brain-mri", "relative_path": "../secret"}}]',
        "Expected a path below the folder of inputs",
    ),
    "a second image": (f"{IMAGE}/another.mha", "", "holds 2 images"),
}


@pytest.mark.parametrize("what", MALFORMED)
def test_inputs_that_are_not_what_was_agreed_on_are_refused(platform: Platform, what: str) -> None:
    name, text, said = MALFORMED[what]
    (platform.inputs / name).write_text(text)
    status, content = platform.ask()
    assert status == 400
    assert said in content["error"]
    assert outputs_of(platform) == []


def test_an_image_that_is_not_there_is_named(platform: Platform) -> None:
    for image in (platform.inputs / IMAGE).iterdir():
        image.unlink()
    status, content = platform.ask()
    assert status == 400
    assert f"{platform.inputs / IMAGE}: holds no image. Expected one, the T1w image" in content["error"]


def test_the_list_says_where_an_image_lies(platform: Platform) -> None:
    (platform.inputs / IMAGE).rename(platform.inputs / "elsewhere")
    listed = [{"interface": {"slug": "t1-brain-mri", "relative_path": "elsewhere"}}]
    (platform.inputs / "inputs.json").write_text(json.dumps(listed))
    assert platform.ask()[0] == 201


@pytest.mark.parametrize("text", ["", "[", None])
def test_values_that_no_mask_depends_on_do_not_matter(platform: Platform, text: str | None) -> None:
    path = platform.inputs / "stroke-metadata.json"
    path.unlink() if text is None else path.write_text(text)
    status, content = platform.ask()
    assert status == 201
    assert len(content["warnings"]) == 1
    assert content["warnings"][0].startswith(f"{path}: ")
    assert content["warnings"][0].endswith(". The mask does not depend on this file.")


def test_values_that_are_neither_sent_nor_listed_are_not_missed(platform: Platform) -> None:
    for name in ("stroke-metadata.json", "inputs.json"):
        (platform.inputs / name).unlink()
    status, content = platform.ask()
    assert (status, content["warnings"]) == (201, [])
    # The body says nothing to this server.
    assert platform.ask(data=b"{bad json")[0] == 201


def test_other_paths_and_methods_are_refused_with_what_is_meant(platform: Platform) -> None:
    assert platform.ask("/", "GET")[0] == 404
    status, content = platform.ask("/invoke", "GET")
    assert (status, content["error"]) == (405, "GET /invoke has no meaning. Expected POST.")
    assert platform.ask("/health", "POST")[0] == 405
    assert platform.ask("/health?verbose=1", "GET") == (200, {"status": "ready"})
    assert platform.ask("/health", "HEAD") == (200, {})
    assert platform.ask("/invoke", data=b'{"anything": 1}')[0] == 201
    assert platform.ask("/invoke", data=b" " * ((1 << 20) + 1))[0] == 413


def say(address: str, text: bytes) -> bytes:
    """Return all that a server answers to some bytes."""
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=60) as connection:
        connection.sendall(text)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


@pytest.mark.parametrize(
    ("text", "status"),
    [
        (b"nonsense\r\n\r\n", b"400"),
        (b"\x16\x03\x01\x02\x00 GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"BREW /health HTTP/1.1\r\n\r\n", b"501"),
        (b"GET /" + b"a" * 70000 + b" HTTP/1.1\r\n\r\n", b"414"),
        (b"POST /invoke HTTP/1.1\r\nContent-Length: -3\r\n\r\n", b"400"),
        (b"POST /invoke HTTP/1.1\r\nContent-Length: 10\r\n\r\n{}", b"400"),
    ],
)
def test_what_is_no_request_gets_a_status_and_json(platform: Platform, text: bytes, status: bytes) -> None:
    head, _, body = say(platform.address, text).partition(b"\r\n\r\n")
    assert head.split()[1] == status
    assert json.loads(body)["error"]
    assert platform.ask("/health", "GET")[0] == 200


def test_a_place_that_cannot_be_written_to_is_said_and_works_when_it_can(platform: Platform) -> None:
    platform.outputs.mkdir()
    (platform.outputs / "images").write_text("in the way")
    status, content = platform.ask()
    assert status == 500
    assert str(platform.outputs / "images") in content["error"]
    (platform.outputs / "images").unlink()
    assert platform.ask()[0] == 201


def fail_to_write(path: Path, *_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device", str(path))


def test_a_request_that_fails_between_its_outputs_leaves_none(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(answering, "write_label_map", fail_to_write)
        assert platform.ask()[0] == 507
    assert outputs_of(platform) == []
    assert platform.ask()[0] == 201


def test_nothing_holds_a_scan_any_more_when_memory_is_given_back(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = answering._segment
    masks: list[weakref.ref[Any]] = []
    held: list[bool] = []

    def noting(*arguments: Any) -> Any:
        found = segment(*arguments)
        masks.append(weakref.ref(found[1].labels))
        return found

    def look() -> None:
        gc.collect()
        held.append(masks[-1]() is not None)

    monkeypatch.setattr(answering, "_segment", noting)
    monkeypatch.setattr(answering, "release_memory", look)
    assert platform.ask()[0] == 201
    monkeypatch.setattr(answering, "write_map", fail_to_write)
    assert platform.ask()[0] == 507
    assert held == [False, False]


@contextmanager
def files_of(most_bytes: int, process: int) -> Iterator[None]:
    """Let a process write no longer files, as a disk without space does."""
    before = resource.prlimit(process, resource.RLIMIT_FSIZE)
    resource.prlimit(process, resource.RLIMIT_FSIZE, (most_bytes, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process, resource.RLIMIT_FSIZE, before)


def test_a_model_that_is_not_there_or_not_clear_is_said(tmp_path: Path, interface: Interface) -> None:
    mounted, own = tmp_path / "mounted", tmp_path / "model.zip"
    places = replace(interface, models=(str(mounted), str(own)))
    with pytest.raises(DataError, match="there is no model in"):
        find_model(places)
    mounted.mkdir()
    own.write_bytes(b"")
    # A mount without anything in it hides nothing.
    assert find_model(places) == own
    # What macOS packs beside a file is no model.
    for name in ("a.zip", "._a.zip"):
        (mounted / name).write_bytes(b"")
    assert find_model(places) == mounted / "a.zip"
    (mounted / "b.zip").write_bytes(b"")
    with pytest.raises(DataError, match=r"holds 2 files called \.zip"):
        find_model(places)


def test_an_end_takes_less_time_than_the_platform_leaves_before_it_kills() -> None:
    assert server._GRACE_SECONDS + server._ANSWER_SECONDS < 5


def test_a_port_that_is_taken_is_said(interface: Interface, model: LoadedModel) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serving = Serving(interface=replace(interface, port=port), host="127.0.0.1", load=lambda: model)
        with pytest.raises(DataError, match=rf"127\.0\.0\.1:{port}: cannot be listened on.*--port"):
            listen(serving, SilentProgress())


@contextmanager
def process_of(
    platform: Platform, bundle: Path, interface: Interface
) -> Iterator[tuple[subprocess.Popen[str], Platform]]:
    """Run `autoseg serve` in a process of its own until it is ready."""
    table = platform.root / "interface.json"
    write_interface(table, replace(interface, input=str(platform.inputs), output=str(platform.outputs)))
    process = start("serve", table, "--port", "0", "--model", bundle)
    assert process.stdout is not None
    try:
        lines = iter(process.stdout.readline, "")
        address = next(match.group() for line in lines if (match := re.search(r"http://[0-9.]+:\d+", line)))
        assert any(line.startswith("Ready") for line in lines)
        yield process, replace(platform, address=address)
    finally:
        process.kill()
        process.communicate()


@pytest.mark.slow
def test_twenty_requests_in_a_row_some_of_them_bad_do_not_end_a_process(
    tmp_path: Path, bundle: Path, interface: Interface
) -> None:
    own = Platform(root=tmp_path)
    statuses = []
    with process_of(own, bundle, interface) as (process, platform):
        for number in range(20):
            scan = platform.send(number, TILTED if number % 2 else None)
            if number == 7:
                (platform.inputs / "inputs.json").write_text("[{")
            if number == 12:
                scan.write_bytes(b"ObjectType = Image\nNDims = 3\n" + bytes(100))
            status, _ = platform.ask()
            statuses.append(status)
            if status == 201:
                sent = SimpleITK.ReadImage(str(scan))
                assert lie_alike(sent, platform.read(MASK))
                assert lie_alike(sent, platform.read(MAP))
        assert statuses == [400 if number == 7 else 422 if number == 12 else 201 for number in range(20)]
        with files_of(100, process.pid):
            status, content = platform.ask()
        assert status == 507
        assert str(platform.outputs) in content["error"]
        assert outputs_of(platform) == []
        assert platform.ask()[0] == 201
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=60) == 0
        assert process.stdout is not None
        assert "Ending, as SIGTERM asks." in process.stdout.read()


@pytest.mark.slow
def test_a_model_that_cannot_be_read_ends_the_process_with_the_reason(tmp_path: Path, interface: Interface) -> None:
    (tmp_path / "model.zip").write_bytes(b"PK")
    table = tmp_path / "interface.json"
    write_interface(table, interface)
    process = start("serve", table, "--port", "0", "--model", tmp_path / "model.zip")
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 2
    assert f"autoseg: {tmp_path / 'model.zip'}" in " ".join(said.split())
