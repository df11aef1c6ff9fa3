"""autoseg's command line in a process that sends itself a signal at a chosen moment, on any machine the same.

python -m tests.synthetic.ended SIGNAL MOMENT ARGUMENTS... [then ARGUMENTS...]

Commands behind a `then` are run when those before them have succeeded. MOMENT is EVENT:NAME:COUNT: the COUNT-th time
that a file with NAME in its path is opened (EVENT `open`) or about to get its name (EVENT `rename`), or that a training
is about to move its weights (EVENT `step`, NAME empty); a COUNT of 0 never comes.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from collections.abc import Callable
from typing import Any

from tests.synthetic.speed import let_measure_briefly

# As Python's own audit hooks call them, and which of their arguments is the path.
AUDITED = {"open": ("open", 0), "rename": ("os.rename", 1)}


def make_counter(number: int, count: int) -> Callable[[], None]:
    """Return what sends this process a signal when it is called for the `count`-th time."""
    lock, left = threading.Lock(), [count]

    def count_down() -> None:
        with lock:
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), number)

    return count_down


def watch_files(event: str, name: str, count_down: Callable[[], None]) -> None:
    audited, position = AUDITED[event]

    def hook(happened: str, arguments: tuple[Any, ...]) -> None:
        if happened == audited and name in str(arguments[position]):
            count_down()

    sys.addaudithook(hook)


def watch_steps(count_down: Callable[[], None]) -> None:
    from torch.nn import utils

    clip = utils.clip_grad_norm_

    def counted(*arguments: Any, **keywords: Any) -> Any:
        count_down()
        return clip(*arguments, **keywords)

    utils.clip_grad_norm_ = counted


def end_at(number: int, moment: str) -> None:
    """Have this process send itself a signal at a moment."""
    event, name, count = moment.split(":")
    count_down = make_counter(number, int(count))
    if event == "step":
        watch_steps(count_down)
    else:
        watch_files(event, name, count_down)


def run_in_turn(words: list[str]) -> None:
    """Run the commands between which the word `then` stands, up to the first that fails."""
    while words:
        end = words.index("then") if "then" in words else len(words)
        sys.argv, words = ["autoseg", *words[:end]], words[end + 1 :]
        try:
            runpy.run_module("autoseg", run_name="__main__")
        except SystemExit as stop:
            if stop.code:
                raise


def main() -> None:
    # As most people have it, and a second sooner: TensorBoard, which every training looks for, is not installed.
    sys.modules["tensorboard"] = None  # type: ignore[assignment]
    let_measure_briefly()
    end_at(int(sys.argv[1]), sys.argv[2])
    run_in_turn(sys.argv[3:])


if __name__ == "__main__":
    main()
