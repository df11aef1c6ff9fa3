from collections.abc import Mapping

from autoseg.pipeline.scans.scan_share import NAME, ScanShare


class Shown:
    """Keeps what a task is told to show."""

    def __init__(self) -> None:
        self.shares: list[str] = []

    def advance(self, steps: int = 1) -> None:
        raise AssertionError("a share of a scan is not a scan")

    def resize(self, total: int) -> None:
        raise AssertionError("a share of a scan changes no total")

    def state(self, figures: Mapping[str, str]) -> None:
        self.shares.append(figures[NAME])


def test_the_share_of_a_scan_grows_network_by_network() -> None:
    shown = Shown()
    share = ScanShare(shown)
    for passes, total in ((2, 4), (2, 4), (1, 4), (3, 4), (5, 10)):
        share.add(passes, total)
    assert shown.shares == ["50%", "100%", "25%, network 2", "100%, network 2", "50%, network 3"]
