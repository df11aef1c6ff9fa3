"""The entrance of the command line: a signal ends a command with a message from its first moment to its last.

What takes time to import is not imported before the signals are heard.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType
    from typing import NoReturn

if sys.platform == "win32":
    sys.stderr.write(
        "autoseg: Windows is not supported: it has neither the locks nor the signals that autoseg needs. Run it in "
        "WSL 2, the Linux that comes with Windows; the page Install of the documentation says how.\n"
    )
    raise SystemExit(2)

STOPPED = "Stopped. Give the same command again to go on with what is missing."
CTRL_C = 130
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# A progress bar hides it.
_SHOW_CURSOR = "\x1b[?25h"


def enter() -> None:
    """Run the command line as a process of its own."""
    heard = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    _receive_by(heard, lambda number, _: leave_at_once(number))
    # Functions are called in the reverse of this order: threads and files of all libraries are finished before.
    atexit.register(_receive_by, heard, signal.SIG_IGN)
    from autoseg.cli import main

    code: object = 1
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
        raise
    finally:
        # Everything is done and said; a signal only hurries the interpreter's own end.
        exit_code = code if isinstance(code, int) else 1
        _receive_by(heard, lambda *_: os._exit(exit_code))


def leave_at_once(number: int) -> NoReturn:
    """End the process without any tidying, with a message; what is half-written is removed by the next command."""
    try:
        shown = _SHOW_CURSOR if os.isatty(2) else ""
        os.write(2, f"{shown}\nautoseg: {STOPPED}\n".encode())
    except OSError:
        pass  # nobody reads it any more
    os._exit(128 + number)


def _receive_by(
    numbers: list[signal.Signals], handler: Callable[[int, FrameType | None], object] | signal.Handlers
) -> None:
    for number in numbers:
        signal.signal(number, handler)
