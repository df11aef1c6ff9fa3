"""How much of a scan the networks have looked at, shown while it is predicted."""

from __future__ import annotations

from autoseg.progress import Task

NAME = "of this scan"


class ScanShare:
    """Counts the patches of one scan, network by network.

    Args:
        task: that shows the share.
    """

    def __init__(self, task: Task) -> None:
        self._task, self._network, self._left = task, 0, 0

    def finish(self) -> None:
        """Show no share any more: the scan is done."""
        self._task.state({NAME: ""})

    def add(self, passes: int, total: int) -> None:
        """Count patches that went through a network, of so many that it looks at."""
        if self._left <= 0:
            self._network, self._left = self._network + 1, total
        self._left -= passes
        which = f", network {self._network}" if self._network > 1 else ""
        self._task.state({NAME: f"{1 - self._left / total:.0%}{which}"})
