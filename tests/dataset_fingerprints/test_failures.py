"""One case that fails: what is listed of it, and what is not its own fault."""

from __future__ import annotations

import errno
import re
from pathlib import Path

import pytest

from dataset_fingerprints.errors import DataError, StoppedError
from dataset_fingerprints.failures import Failure, attempt, lacks_memory, list_failures


def fail(error: BaseException) -> None:
    raise error


FAILURES = {
    "a division": (ZeroDivisionError("division by zero"), r"cannot be read \(ZeroDivisionError: division by zero\)"),
    "an assertion": (AssertionError(), r"cannot be read \(AssertionError: no message\)"),
    "several lines": (RuntimeError("first\nsecond"), r"cannot be read \(RuntimeError: first\)"),
    "a long line": (ValueError("x" * 9999), r"cannot be read \(ValueError: x{300}\)"),
    "surrogates": (ValueError("name \udcff"), r"cannot be read \(ValueError: name \\udcff\)"),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_an_error_that_was_not_foreseen_is_a_failure_with_a_traceback_in_a_log(kind: str) -> None:
    error, message = FAILURES[kind]
    failure = attempt("a", "cannot be read", lambda: fail(error))
    assert isinstance(failure, Failure)
    assert (failure.case, failure.error) == ("a", type(error).__name__)
    assert re.match(message, failure.message)
    log = re.search(r"The traceback is in (\S+)\.$", failure.message)
    assert log
    text = Path(log[1]).read_text(encoding="utf-8")
    assert "case a: cannot be read\nTraceback (most recent call last)" in text
    assert type(error).__name__ in text.splitlines()[-2] or kind in ("several lines",)


SYSTEM = {
    "a failing disk": (OSError(errno.EIO, "Input/output error", "a.nii"), "a.nii: cannot be read or written (Input"),
    "a file that has gone": (FileNotFoundError(errno.ENOENT, "No such file", "a.nii"), "a.nii: is not there (No such"),
    "a link to itself": (OSError(errno.ELOOP, "Too many levels", "a.nii"), "a.nii: cannot be used (Too many levels)"),
    "a long name": (OSError(errno.ENAMETOOLONG, "File name too long", "a"), "a: cannot be used (File name too long)"),
}


@pytest.mark.parametrize("kind", SYSTEM)
def test_an_error_of_the_system_is_the_files_name_and_what_to_do(kind: str) -> None:
    error, message = SYSTEM[kind]
    failure = attempt("a", "cannot be read", lambda: fail(error))
    assert isinstance(failure, Failure)
    assert failure.message.startswith(f"cannot be read: {message}")
    assert "traceback" not in failure.message


def test_an_error_that_was_foreseen_is_its_message_and_no_traceback() -> None:
    failures = [
        attempt(case, "cannot be read", lambda: fail(DataError("case a: the scan is empty. Export it again.")))
        for case in ("a", "b")
    ]
    assert list_failures(failures).splitlines() == [  # type: ignore[arg-type]
        "  case a: the scan is empty. Export it again.",
        "  case b: case a: the scan is empty. Export it again.",
    ]


def test_a_case_that_is_too_large_is_a_failure_and_no_traceback() -> None:
    failure = attempt("a", "cannot be read", lambda: fail(MemoryError("Unable to allocate 9 TiB")))
    assert failure == Failure(
        case="a",
        error="MemoryError",
        message="cannot be read: there is not enough memory for it (Unable to allocate 9 TiB). Use a machine with "
        "more, or take the case out.",
    )
    with pytest.raises(MemoryError):
        attempt("a", "cannot be read", lambda: fail(MemoryError()), lacks_memory)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EROFS, "Read-only file system"),
        StoppedError("stopped", 143),
        KeyboardInterrupt(),
        SystemExit(1),
    ],
)
def test_what_would_meet_every_case_ends_the_run(error: BaseException) -> None:
    with pytest.raises(type(error)):
        attempt("a", "cannot be read", lambda: fail(error))


def test_what_works_is_returned() -> None:
    assert attempt("a", "cannot be read", lambda: 7) == 7
