"""Tables and pictures of an earlier run beside the new figures: whoever finds them would take them for new ones."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

from dataset_fingerprints.names import counted

_log = logging.getLogger(__name__)


def remove_outdated(out: Path, places: Iterable[Path]) -> None:
    """Remove what an earlier run wrote beside a file that is written anew, and this run does not; and name it.

    Args:
        out: the file.
        places: of tables and pictures of ours, as they are chosen for writing: none that is there is anybody else's.
    """
    removed = [place for place in places if place.is_file() and not place.is_symlink()]
    for place in removed:
        place.unlink()
    if removed:
        files = counted(len(removed), "file")
        listed = ", ".join(place.name for place in removed)
        _log.warning("%s: removed %s of an earlier run with other options or figures: %s", out, files, listed)
