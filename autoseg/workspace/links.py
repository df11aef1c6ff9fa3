"""Links in a workspace that somebody else may have made: autoseg writes nowhere outside of it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dataset_fingerprints.errors import WorkspaceError
from dataset_fingerprints.files.places import resolve


def refuse_links_out(root: Path, places: Iterable[Path]) -> None:
    """Make sure that nothing is written through a link that leads out of a workspace; its root itself may be a link.

    Args:
        root: of the workspace.
        places: the files and folders below it that are about to be written, whether they are there or not.

    Raises:
        WorkspaceError: one lies elsewhere; the message names the link.
    """
    inside = resolve(root)
    for place in places:
        if not resolve(place).is_relative_to(inside):
            link = next(path for path in (*reversed(place.parents), place) if _leads_out(path, root, inside))
            raise WorkspaceError(
                f"{link}: is a link to {link.readlink()}, out of the workspace, and autoseg would write there. Put the "
                "folder or file itself in its place, then give the same command again."
            )


def _leads_out(path: Path, root: Path, inside: Path) -> bool:
    below = path != root and path.is_relative_to(root)
    return below and path.is_symlink() and not resolve(path).is_relative_to(inside)
