"""Errors of files and disks as one sentence each: the file, what is wrong with it, what to do."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dataset_fingerprints.system_errors import describe_system_error

# number -> what the message says behind the file's name
SAID = {
    errno.ENOSPC: "cannot be written to (No space left on device). Free some space",
    errno.EDQUOT: "cannot be written to (Disk quota exceeded). Free some space",
    errno.EROFS: "cannot be written to (Read-only file system). Free some space or name another place with -w or -o",
    errno.EFBIG: "cannot be written (File too large). It is larger than this disk or this shell (ulimit -f) allows",
    errno.EIO: "cannot be read or written (Input/output error). The disk, or the network",
    errno.ESTALE: "cannot be read or written (Stale file handle). The disk, or the network",
    errno.ENAMETOOLONG: "cannot be used (File name too long). The name is longer than the disk allows",
    errno.ELOOP: "cannot be used (Too many levels of symbolic links). It is a link that leads to itself",
    errno.ENOENT: "is not there (No such file or directory)",
    errno.ENOTDIR: "is not there (Not a directory). A part of the path is a file",
    errno.EISDIR: "is a folder (Is a directory). Expected a file",
    errno.EMFILE: "cannot be opened (Too many open files)",
    errno.EXDEV: "cannot be used (Invalid cross-device link). The traceback is in ",
}


@pytest.mark.parametrize("number", SAID)
def test_an_error_is_the_file_what_is_wrong_and_what_to_do(number: int) -> None:
    message = describe_system_error(OSError(number, os.strerror(number), "/data/a.nii.gz"))
    assert message.startswith(f"/data/a.nii.gz: {SAID[number]}")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM])
def test_a_missing_right_to_read_is_not_one_to_write(tmp_path: Path, number: int, monkeypatch) -> None:
    file = tmp_path / "a.nii.gz"
    file.touch()
    rights = {os.R_OK: False, os.W_OK: True, os.X_OK: True}
    # The tests may run as root, who may do everything.
    monkeypatch.setattr(os, "access", lambda path, right: rights[right])
    error = OSError(number, os.strerror(number), str(file))
    assert f"{file}: cannot be read (" in describe_system_error(error)
    rights[os.R_OK], rights[os.W_OK] = True, False
    assert f"{file}: cannot be written to (" in describe_system_error(error)
    absent = tmp_path / "none" / "b.nii.gz"
    assert f"{absent}: cannot be written to (" in describe_system_error(OSError(number, "No", str(absent)))


def test_a_folder_that_cannot_be_entered_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    file = closed / "case" / "a.nii.gz"

    def refuse(path: Path) -> bool:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # The tests may run as root, who may enter every folder.
    monkeypatch.setattr(os, "access", lambda path, right: Path(path) != closed)
    monkeypatch.setattr(Path, "exists", refuse)
    message = describe_system_error(PermissionError(errno.EACCES, "Permission denied", str(file)))
    assert message.startswith(f"{file}: cannot be reached (Permission denied). Ask the owner of {closed} for the right")


def test_a_rename_names_where_to_and_an_error_without_a_file_the_disk() -> None:
    assert describe_system_error(OSError(errno.EIO, "Input/output error", "a", None, "b")).startswith("b: ")
    assert describe_system_error(OSError(errno.EIO, "Input/output error")).startswith("the disk: ")


def test_a_current_directory_that_was_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    try:
        with pytest.raises(FileNotFoundError) as caught:
            Path.cwd()
        assert describe_system_error(caught.value).startswith("The current directory does not exist any more.")
    finally:
        monkeypatch.undo()
