from __future__ import annotations

from pathlib import Path

import pytest

from experiments.costs.many_cases import COLUMNS, Growth, draw_growth, measure_growth
from experiments.peers.measuring import Cost


@pytest.mark.long
def test_every_command_is_measured_on_its_own(tmp_path: Path) -> None:
    points = list(measure_growth([10], tmp_path / "work"))
    assert [point.command for point in points] == ["check", "plan_and_preprocess", "train", "evaluate", "report"]
    for point in points:
        assert point.cost.cpu_seconds > 0.1
        assert len(point.row()) == len(COLUMNS)
    assert (tmp_path / "work" / "workspace-10" / "report.html").is_file()


def test_the_picture_has_a_line_per_command(tmp_path: Path) -> None:
    costs = [
        Cost(wall_seconds=1.0, cpu_seconds=seconds, largest_process_gb=0.3, all_processes_gb=0.3) for seconds in (1, 2)
    ]
    points = [Growth(command="check", cases=10 * (place + 1), cost=cost) for place, cost in enumerate(costs)]
    draw_growth(points, tmp_path / "growth.png")
    assert (tmp_path / "growth.png").stat().st_size > 5000
    assert points[1].row() == ("check", "20", "1.0", "2.0", "100.00", "307")
