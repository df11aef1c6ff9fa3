"""The thread that has the model: it loads it once, and answers one request after the other."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from http import HTTPStatus

from autoseg.pipeline.serving.answering import ENDING, Answer, refuse

# Requests that wait for the one before them; more are refused.
MOST_WAITING = 16
# (is_stopping) -> answer
Work = Callable[[Callable[[], bool]], Answer]


@dataclass(kw_only=True, slots=True)
class Worker:
    """A thread at work on requests.

    Attributes:
        load: makes the model ready, and returns what answers a request with it.
        failed: called from the thread where that goes wrong.
        failure: what went wrong then.
    """

    load: Callable[[], Work]
    failed: Callable[[], object]
    failure: BaseException | None = None
    _ready: threading.Event = field(default_factory=threading.Event)
    _stopping: threading.Event = field(default_factory=threading.Event)
    _waiting: queue.Queue[Future[Answer]] = field(default_factory=lambda: queue.Queue(MOST_WAITING))
    _thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to load the model."""
        # A daemon, so that a process that is asked to end does not wait for a model to be loaded.
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)
        self._thread.start()

    def is_ready(self) -> bool:
        """Return whether the model is loaded."""
        return self._ready.is_set() and not self._stopping.is_set()

    def ask(self) -> Answer:
        """Return the answer to a request, after those that came before it."""
        if not self._ready.is_set():
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, "the model is being loaded. Ask /health, then send it again.")
        asked: Future[Answer] = Future()
        try:
            self._waiting.put_nowait(asked)
        except queue.Full:
            message = f"{MOST_WAITING} requests are waiting already. Send it again later."
            return refuse(HTTPStatus.SERVICE_UNAVAILABLE, message)
        if self._stopping.is_set():
            self._turn_away()
        return asked.result()

    def stop(self, seconds: float) -> bool:
        """Give up what is being done, and return whether the thread has ended within a time."""
        self._stopping.set()
        self._turn_away()
        if self._thread is None:
            return True
        self._thread.join(seconds if self._ready.is_set() else 0)
        return not self._thread.is_alive()

    def _turn_away(self) -> None:
        """Answer all that wait."""
        while True:
            try:
                asked = self._waiting.get_nowait()
            except queue.Empty:
                return
            asked.set_result(refuse(HTTPStatus.SERVICE_UNAVAILABLE, ENDING))

    def _run(self) -> None:
        try:
            work = self.load()
        except BaseException as error:
            self.failure = error
            self.failed()
            return
        self._ready.set()
        while not self._stopping.is_set():
            try:
                asked = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                asked.set_result(work(self._stopping.is_set))
            except BaseException as error:
                asked.set_exception(error)
        self._turn_away()
