from __future__ import annotations

import os
from pathlib import Path

import pytest

from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.atomic import write_bytes
from dataset_fingerprints.files.opening import MOST_TEXT_BYTES, open_to_write, read_file


@pytest.mark.parametrize("flags", [0, os.O_APPEND])
def test_a_link_is_not_written_through(tmp_path: Path, flags: int) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("kept")
    link.symlink_to(target)
    with pytest.raises(WorkspaceError, match=r"link: is a link to .*target.*Remove the link"):
        open_to_write(link, flags)
    assert target.read_text(encoding="utf-8") == "kept"


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(WorkspaceError, match="pipe: is not a file"):
        open_to_write(tmp_path / "pipe", os.O_APPEND)


def test_files_obey_the_umask_however_they_are_written(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write_bytes(tmp_path / "whole", b"x")
        open_to_write(tmp_path / "grown", os.O_APPEND).close()
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o640}


def test_a_file_of_more_than_can_be_meant_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_bytes(b"four")
    assert read_file(path, MOST_TEXT_BYTES) == read_file(path, 4) == b"four"
    os.truncate(path, 1 << 40)
    with pytest.raises(OSError, match="it holds 1099511627776 bytes; at most 2147483648 can be meant"):
        read_file(path, MOST_TEXT_BYTES)
