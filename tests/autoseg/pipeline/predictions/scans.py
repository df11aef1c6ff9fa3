"""Files that are scans by their names."""

from __future__ import annotations

from pathlib import Path

ONE = ("T1w",)


def touch(root: Path, *files: str) -> Path:
    """Write empty files."""
    for file in files:
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_bytes(b"{}" if file.endswith(".json") else b"")
    return root
