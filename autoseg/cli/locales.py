"""Names of files as UTF-8, whatever the locale says: a workspace is the same on every machine."""

from __future__ import annotations

import os
import sys


def restart_in_utf8() -> None:
    """Start this process again in Python's UTF-8 mode, where the locale has another encoding for names of files.

    The names of a data set's files become names of cases, which other files hold in UTF-8. Processes that this one
    starts get the same mode.
    """
    if sys.getfilesystemencoding() == "utf-8" or sys.flags.utf8_mode or not sys.executable:
        return
    os.environ["PYTHONUTF8"] = "1"
    os.execv(sys.executable, [sys.executable, "-X", "utf8", *sys.orig_argv[1:]])
