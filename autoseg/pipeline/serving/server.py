"""The server of HTTP: `GET /health` says whether the model is loaded, `POST /invoke` segments what lies in /input.

Requests are read in threads of their own, so that health is answered while a scan is segmented; see `worker`.
"""

from __future__ import annotations

import json
import logging
import math
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from autoseg.pipeline.serving.answering import Answer, answer_request, refuse
from autoseg.pipeline.serving.interface import Interface, check_model
from autoseg.pipeline.serving.worker import Work, Worker
from autoseg.pipeline.stopping import StopSignal
from autoseg.prediction import LoadedModel
from autoseg.progress import Progress
from dataset_fingerprints.errors import DataError
from dataset_fingerprints.fault_log import write_traceback

HEALTH, INVOKE = "/health", "/invoke"
_METHODS = {HEALTH: ("GET", "HEAD"), INVOKE: ("POST",)}
# What a request may send along; nothing of it is used.
MOST_BODY_BYTES = 1 << 20
# So much of what is longer is read all the same, so that whoever sends it sees the answer.
_MOST_PASSED_BYTES, _PIECE_BYTES = 64 << 20, 1 << 16
# A request that is not read by then is given up.
_READ_SECONDS = 30
# Time for the request that is being answered when the server is asked to end, and then for its answer: docker kills
# after ten seconds, grand-challenge.org after five.
_GRACE_SECONDS, _ANSWER_SECONDS = 3.5, 1.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Serving:
    """Options of serving.

    Attributes:
        interface: what the server and its callers agree on.
        host: the address to listen on.
        load: loads the model.
        max_memory_gb: that a scan may take beside the program itself, in GiB; None for what is free.
    """

    interface: Interface
    host: str
    load: Callable[[], LoadedModel]
    max_memory_gb: float | None = None


def serve(serving: Serving, progress: Progress) -> bool:
    """Answer requests until a signal asks the process to end, and return whether all work has ended by then.

    Args:
        serving: options.
        progress: gets the address, a sentence when the model is loaded, and one for every request.

    Raises:
        DataError: the port cannot be listened on, or the model does not have what the interface names.
        AutosegError: the model cannot be loaded.
    """
    with listen(serving, progress) as server:
        try:
            progress.say(f"Listening on {server.address()} ({', '.join(_METHODS)}); loading the model.")
            server.worker.start()
            server.serve_forever(poll_interval=0.1)
        except StopSignal as stop:
            progress.say(f"Ending, as {stop} asks.")
        ended = server.worker.stop(_GRACE_SECONDS)
        server.wait_for_answers(_ANSWER_SECONDS)
    if server.worker.failure is not None:
        raise server.worker.failure
    return ended


class Server(ThreadingHTTPServer):
    """A socket that listens, and the model behind it.

    Attributes:
        worker: has the model; to be started.
        progress: gets a sentence for every request.
    """

    daemon_threads = True
    # Of clients that were not accepted yet.
    request_queue_size = 64
    worker: Worker
    progress: Progress

    def __init__(self, address: tuple[str, int]) -> None:
        self._answering = 0
        self._changed = threading.Condition()
        super().__init__(address, _Connection)

    def server_bind(self) -> None:
        """Take the address; the name of the host, which the parent looks up in the network, is not needed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.socket.bind(self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = str(self.server_address[0]), int(self.server_address[1])

    def address(self) -> str:
        """Return where it listens."""
        host = f"[{self.server_name}]" if ":" in self.server_name else self.server_name
        return f"http://{host}:{self.server_port}"

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Read and answer the request of one client."""
        self._count(1)
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._count(-1)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong with one client; the others are not concerned."""
        _log.info("a client at %s was lost", client_address, exc_info=True)

    def wait_for_answers(self, seconds: float) -> None:
        """Let answers that are being written be written."""
        with self._changed:
            self._changed.wait_for(lambda: not self._answering, seconds)

    def _count(self, step: int) -> None:
        with self._changed:
            self._answering += step
            self._changed.notify_all()


class _Connection(BaseHTTPRequestHandler):
    """One request of a client; the connection is closed behind it."""

    server: Server
    server_version, sys_version = "autoseg", ""
    # The parent answers what it does not understand as it did in 1991, without a status.
    default_request_version = "HTTP/1.0"
    timeout = _READ_SECONDS

    def answer(self) -> None:
        """Answer a request of any method."""
        path = self.path.partition("?")[0]
        answered = self._read_body() or self._choose(path)
        self._send(answered, () if path not in _METHODS else (("Allow", ", ".join(_METHODS[path])),))
        if path == INVOKE:
            self.server.progress.say(f"{self.command} {path}: {answered.describe()}")

    # The parent looks methods up by these names.
    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = answer  # noqa: N815

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what is not HTTP, or not of a kind that is known."""
        status = HTTPStatus(code)
        self._send(refuse(status, f"the request is not understood: {message or explain or status.phrase}."))

    def log_message(self, format: str, *args: Any) -> None:
        """Log a line of the parent's."""
        _log.debug(format, *args)

    def _choose(self, path: str) -> Answer:
        if path not in _METHODS:
            return refuse(HTTPStatus.NOT_FOUND, f"there is no {path}. Expected GET {HEALTH} or POST {INVOKE}.")
        if self.command not in _METHODS[path]:
            message = f"{self.command} {path} has no meaning. Expected {_METHODS[path][0]}."
            return refuse(HTTPStatus.METHOD_NOT_ALLOWED, message)
        if path == INVOKE:
            return self._ask()
        if self.server.worker.is_ready():
            return Answer(status=HTTPStatus.OK, content={"status": "ready"})
        return Answer(status=HTTPStatus.SERVICE_UNAVAILABLE, content={"status": "loading, or ending"})

    def _ask(self) -> Answer:
        try:
            return self.server.worker.ask()
        except Exception as error:
            where = write_traceback(error, "a fault of autoseg")
            return refuse(HTTPStatus.INTERNAL_SERVER_ERROR, f"a fault of autoseg ({type(error).__name__}). {where}")

    def _read_body(self) -> Answer | None:
        """Read what a request sends along, which has no meaning, and return the answer where that is not possible."""
        text = self.headers.get("Content-Length", "0").strip()
        if not (text.isascii() and text.isdigit()):
            return refuse(HTTPStatus.BAD_REQUEST, f"its Content-Length is {text!r}. Expected a number of bytes.")
        length = int(text[:20])
        if length > MOST_BODY_BYTES:
            self._pass_over(min(length, _MOST_PASSED_BYTES))
            message = f"it sends {length} bytes. Expected at most {MOST_BODY_BYTES}: scans lie in the folder of inputs."
            return refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, message)
        if length and len(self.rfile.read(length)) < length:
            return refuse(HTTPStatus.BAD_REQUEST, f"it ends before the {length} bytes that its Content-Length says.")
        return None

    def _pass_over(self, length: int) -> None:
        """Read bytes and forget them: a client that still sends when the connection is closed sees no answer."""
        while length > 0 and (found := self.rfile.read(min(length, _PIECE_BYTES))):
            length -= len(found)

    def _send(self, answer: Answer, headers: tuple[tuple[str, str], ...] = ()) -> None:
        content = json.dumps(answer.content).encode() + b"\n"
        self.send_response(answer.status.value)
        for name, value in (("Content-Type", "application/json"), ("Content-Length", str(len(content))), *headers):
            self.send_header(name, value)
        self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        self.close_connection = True


def listen(serving: Serving, progress: Progress) -> Server:
    """Return a server that listens and answers nothing yet.

    Args:
        serving: options.
        progress: as for `serve`.

    Raises:
        DataError: the port cannot be listened on.
    """
    address = (serving.host, serving.interface.port)
    try:
        server = Server(address)
    except (OSError, OverflowError) as error:
        raise DataError(
            f"{serving.host}:{serving.interface.port}: cannot be listened on ({error}). End the program that does, or "
            "give --port another one."
        ) from error
    server.progress = progress
    server.worker = Worker(load=lambda: _load(serving, progress), failed=server.shutdown)
    return server


def _load(serving: Serving, progress: Progress) -> Work:
    """Load the model, and return what answers a request."""
    started = time.monotonic()
    memory_gb = math.inf if serving.max_memory_gb is None else serving.max_memory_gb
    model = replace(serving.load(), memory_gb=memory_gb)
    check_model(serving.interface, model.channels, model.scheme, "the table of inputs and outputs")
    progress.say(f"Ready after {time.monotonic() - started:.1f} s: {model.description}.")
    return lambda is_stopping: answer_request(model, serving.interface, is_stopping)


def find_model(interface: Interface) -> Path:
    """Return the exported model that an interface names: the first place that has one.

    Raises:
        DataError: there is none, or there are several in one folder.
    """
    for place in map(Path, interface.models):
        found = [place] if place.is_file() else _list_models(place)
        if len(found) > 1:
            raise DataError(f"{place}: holds {len(found)} files called .zip. Expected one, the exported model.")
        if found:
            return found[0]
    raise DataError(
        f"there is no model in {', '.join(interface.models)}. Put an exported model (model.zip) into one of them, or "
        "name it with --model."
    )


def _list_models(folder: Path) -> list[Path]:
    # What macOS packs beside a file begins with a dot.
    return sorted(file for file in folder.glob("*.zip") if not file.name.startswith("."))
