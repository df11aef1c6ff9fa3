"""The end of a command: an exit code, and where something is to be said, one message.

0    everything is done
1    the good cases are done; those that failed are listed
2    refused: an option, a file or a disk; or `check` found errors
3    a fault of autoseg itself
130  Ctrl-C; 143 SIGTERM; 129 a terminal that was closed
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from rich.text import Text

from autoseg.cli.entrance import CTRL_C, STOPPED, leave_at_once
from autoseg.cli.terminal.consoles import errors, wrap_words
from autoseg.pipeline.stopping import StopSignal, stoppable
from dataset_fingerprints.errors import AutosegError, PartlyDoneError, StoppedError
from dataset_fingerprints.fault_log import first_line, write_traceback
from dataset_fingerprints.system_errors import describe_system_error


def run_to_end(command: Callable[[], object]) -> None:
    """Run a command; whatever ends it is one message and an exit code of the table above."""
    _show_every_character()
    try:
        with stoppable(leave_at_once), _one_message():
            Path.cwd()  # libraries abort the process where it does not exist any more
            command()
    except StopSignal as stop:
        fail(STOPPED, stop.exit_code)


def _show_every_character() -> None:
    """Let standard output and error write what their encoding does not have as escapes, as in names of files."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _one_message() -> Iterator[None]:
    try:
        yield
    except SystemExit as end:
        if end.code == CTRL_C:  # which typer makes of a KeyboardInterrupt
            fail(STOPPED, CTRL_C)
        raise
    except KeyboardInterrupt:
        fail(STOPPED, CTRL_C)
    except StoppedError as error:
        fail(str(error), error.exit_code)
    except PartlyDoneError as error:
        fail(str(error), 1)
    except AutosegError as error:
        fail(str(error))
    except MemoryError as error:
        where = write_traceback(error, "out of memory")
        fail(f"There is not enough memory ({first_line(error)}). Use a machine with more, or smaller scans. {where}")
    except OSError as error:
        fail(describe_system_error(error))
    except Exception as error:
        where = write_traceback(error, "a fault of autoseg")
        what = f"{type(error).__name__}: {first_line(error)}"
        fail(f"This is a fault of autoseg itself ({what}). {where} Please report it with that.", 3)


def fail(message: str, exit_code: int = 2) -> NoReturn:
    """Show a message and end the process."""
    text = f"autoseg: {message}"
    shown = Text(wrap_words(text, errors.width) if errors.is_terminal else text)
    shown.stylize("bold red", 0, len("autoseg:"))
    errors.print(shown, soft_wrap=True)
    sys.exit(exit_code)
