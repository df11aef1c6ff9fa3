"""Limits of the control groups that this process is in: those of Slurm, Docker, Kubernetes and systemd, v1 and v2.

Groups are nested, and each of them limits all that is inside, so the tightest of a group and its ancestors counts. As
far as they can be seen: in a container the outermost visible group is often its own.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Literal

Version = Literal[1, 2]
Controller = Literal["memory", "cpu"]
# How mountinfo writes blanks and backslashes in paths.
_ESCAPED = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True, kw_only=True, slots=True)
class Group:
    """One control group: a folder with a file per limit.

    Attributes:
        version: of the interface, by which files are called.
    """

    folder: Path
    version: Version

    def memory_limit(self) -> float:
        """Return the bytes that the group may take; infinite without a limit."""
        if self.version == 2:
            return _read_number(self.folder / "memory.max")
        # The second figure is that of all ancestors, also of those that a container does not see.
        with_ancestors = _read_field(self.folder / "memory.stat", "hierarchical_memory_limit")
        return min(_read_number(self.folder / "memory.limit_in_bytes"), with_ancestors)

    def memory_left(self) -> float:
        """Return the bytes that the group may still take; infinite without a limit.

        Files that were read stay counted as used until the space is needed.
        """
        limit = self.memory_limit()
        used_file, cached_field = (
            ("memory.current", "inactive_file")
            if self.version == 2
            else ("memory.usage_in_bytes", "total_inactive_file")
        )
        used = _read_number(self.folder / used_file)
        cached = _read_field(self.folder / "memory.stat", cached_field)
        return limit - (used if math.isfinite(used) else 0.0) + (cached if math.isfinite(cached) else 0.0)

    def cores(self) -> float:
        """Return the CPU time that the group may take, in cores; infinite without a limit."""
        if self.version == 2:
            quota, _, period = _read_text(self.folder / "cpu.max").partition(" ")
        else:
            quota = _read_text(self.folder / "cpu.cfs_quota_us")
            period = _read_text(self.folder / "cpu.cfs_period_us")
        limit, length = _to_number(quota), _to_number(period)
        return limit / length if math.isfinite(limit) and math.isfinite(length) and length > 0 else math.inf


def find_groups(controller: Controller, root: Path = Path("/")) -> tuple[Group, ...]:
    """Return the groups that limit this process, from its own to the outermost that can be seen.

    Args:
        controller: of the resource in question; v1 has a hierarchy of groups for each.
        root: of the file system with `proc` and `sys`.
    """
    own = _find_own(root / "proc/self/cgroup")
    found: list[Group] = []
    for mount in _find_mounts(root / "proc/self/mountinfo"):
        wanted = controller in mount.controllers if mount.version == 1 else True
        path = own.get(controller if mount.version == 1 else "")
        if wanted and path is not None:
            found += [Group(folder=folder, version=mount.version) for folder in mount.folders(path, root)]
    # Where /proc says nothing there can still be a group in its usual place.
    return tuple(found) or (Group(folder=root / "sys/fs/cgroup", version=2),)


def memory_limit_bytes(root: Path = Path("/")) -> float:
    """Return the bytes that the control groups let this process take; infinite without a limit."""
    return min((group.memory_limit() for group in find_groups("memory", root)), default=math.inf)


def memory_left_bytes(root: Path = Path("/")) -> float:
    """Return the bytes that the control groups let this process take beside what is taken; infinite without a limit."""
    limited = (group for group in find_groups("memory", root) if math.isfinite(group.memory_limit()))
    return min((group.memory_left() for group in limited), default=math.inf)


def core_limit(root: Path = Path("/")) -> float:
    """Return the CPU time in cores that the control groups let this process take; infinite without a limit."""
    return min((group.cores() for group in find_groups("cpu", root)), default=math.inf)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Mount:
    """A hierarchy of groups, or a part of one, in the file system.

    Attributes:
        top: the group that lies at `place`.
        controllers: of a hierarchy of v1.
    """

    place: PurePosixPath
    top: PurePosixPath
    version: Version
    controllers: frozenset[str]

    def folders(self, group: PurePosixPath, root: Path) -> Iterator[Path]:
        """Yield the folders of a group and of its ancestors; a group that is not in sight stands for the top."""
        place = root / self.place.relative_to("/")
        inside = group.relative_to(self.top).parts if group.is_relative_to(self.top) else ()
        if ".." in inside or not place.joinpath(*inside).is_dir():
            inside = ()
        for length in range(len(inside), -1, -1):
            yield place.joinpath(*inside[:length])


def _find_own(file: Path) -> dict[str, PurePosixPath]:
    """Return this process's group per controller of v1, and that of v2 under no name."""
    found: dict[str, PurePosixPath] = {}
    for line in _read_text(file).splitlines():
        _, controllers, path = (*line.split(":", 2), "", "")[:3]
        if path.startswith("/"):
            found.update(dict.fromkeys(controllers.split(","), PurePosixPath(path)))
    return found


def _find_mounts(file: Path) -> Iterator[_Mount]:
    for line in _read_text(file).splitlines():
        before, separator, behind = line.partition(" - ")
        fields, kinds = before.split(" "), behind.split(" ")
        if not separator or len(fields) < 5 or kinds[0] not in ("cgroup", "cgroup2"):
            continue
        top, place = (PurePosixPath(_ESCAPED.sub(lambda code: chr(int(code[1], 8)), text)) for text in fields[3:5])
        if place.is_absolute():
            version: Version = 2 if kinds[0] == "cgroup2" else 1
            controllers = frozenset(kinds[-1].split(",")) if version == 1 else frozenset[str]()
            yield _Mount(place=place, top=top, version=version, controllers=controllers)


def _read_text(file: Path) -> str:
    with suppress(OSError):
        return file.read_text(encoding="utf-8", errors="surrogateescape").strip()
    return ""


def _read_number(file: Path) -> float:
    return _to_number(_read_text(file))


def _read_field(file: Path, name: str) -> float:
    """Return a number from a file of names and numbers; infinite where it is not there."""
    fields = (line.split() for line in _read_text(file).splitlines())
    return next((_to_number(words[1]) for words in fields if len(words) == 2 and words[0] == name), math.inf)


def _to_number(text: str) -> float:
    """Return a limit; `max`, a negative number and what is no number stand for none."""
    return float(text) if text.isascii() and text.isdecimal() else math.inf
