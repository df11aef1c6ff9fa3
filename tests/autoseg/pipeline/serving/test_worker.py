"""The thread that has the model: one request at a time, and an end that leaves nobody waiting."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event
from time import sleep

from autoseg.pipeline.serving.answering import ENDING, Answer, refuse
from autoseg.pipeline.serving.worker import MOST_WAITING, Worker

PATIENCE_S = 60.0


@dataclass
class SlowWork:
    """Work that goes on until it may end, or until the server does."""

    begun: list[Event] = field(default_factory=lambda: [Event() for _ in range(MOST_WAITING + 2)])
    may_end: Event = field(default_factory=Event)
    count: int = 0
    at_once: int = 0
    most_at_once: int = 0

    def __call__(self, is_stopping: Callable[[], bool]) -> Answer:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.begun[self.count].set()
        self.count += 1
        while not self.may_end.wait(0.01):
            if is_stopping():
                break
        self.at_once -= 1
        return (
            refuse(HTTPStatus.IM_A_TEAPOT, "stopped")
            if is_stopping()
            else Answer(status=HTTPStatus.CREATED, content={})
        )


def begin(work: SlowWork) -> Worker:
    worker = Worker(load=lambda: work, failed=lambda: None)
    worker.start()
    while not worker.is_ready():
        sleep(0.01)
    return worker


def test_requests_wait_for_each_other_and_the_worker_stays_ready() -> None:
    work = SlowWork()
    worker = begin(work)
    with ThreadPoolExecutor(4) as clients:
        asked = [clients.submit(worker.ask) for _ in range(4)]
        assert work.begun[0].wait(PATIENCE_S)
        assert worker.is_ready()
        work.may_end.set()
        assert [one.result(PATIENCE_S).status for one in asked] == [201] * 4
    assert (work.count, work.most_at_once) == (4, 1)
    assert worker.stop(PATIENCE_S)


def test_requests_beyond_those_that_wait_are_refused() -> None:
    work = SlowWork()
    worker = begin(work)
    with ThreadPoolExecutor(MOST_WAITING + 8) as clients:
        asked = [clients.submit(worker.ask)]
        assert work.begun[0].wait(PATIENCE_S)
        asked += [clients.submit(worker.ask) for _ in range(MOST_WAITING + 5)]
        while sum(one.done() for one in asked) < 5:
            sleep(0.01)
        work.may_end.set()
        statuses = [one.result(PATIENCE_S).status for one in asked]
    assert (statuses.count(HTTPStatus.SERVICE_UNAVAILABLE), statuses.count(HTTPStatus.CREATED)) == (5, MOST_WAITING + 1)
    assert worker.stop(PATIENCE_S)


def test_an_end_gives_up_what_is_done_and_answers_all_that_wait() -> None:
    work = SlowWork()
    worker = begin(work)
    with ThreadPoolExecutor(3) as clients:
        asked = [clients.submit(worker.ask)]
        assert work.begun[0].wait(PATIENCE_S)
        asked += [clients.submit(worker.ask) for _ in range(2)]
        assert worker.stop(PATIENCE_S)
        assert [one.result(PATIENCE_S).status for one in asked] == [418, 503, 503]
        assert {one.result(PATIENCE_S).content["error"] for one in asked[1:]} == {ENDING}
    assert not worker.is_ready()
    assert worker.ask().status == HTTPStatus.SERVICE_UNAVAILABLE
    assert work.count == 1


def test_nothing_is_answered_before_the_model_is_loaded_nor_when_it_cannot_be() -> None:
    loading, failed = Event(), Event()

    def load() -> Callable[[Callable[[], bool]], Answer]:
        loading.wait(PATIENCE_S)
        raise ValueError("no weights")

    worker = Worker(load=load, failed=failed.set)
    worker.start()
    assert not worker.is_ready()
    answer = worker.ask()
    assert (answer.status, answer.content["error"]) == (
        HTTPStatus.SERVICE_UNAVAILABLE,
        "the model is being loaded. Ask /health, then send it again.",
    )
    loading.set()
    assert failed.wait(PATIENCE_S)
    assert str(worker.failure) == "no weights"
