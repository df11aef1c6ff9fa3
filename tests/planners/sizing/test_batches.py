from __future__ import annotations

import math

import pytest

from planners import PlanRequest, make_plan
from planners.order import find_configuration
from tests.synthetic.fingerprints import SyntheticCase, make_fingerprint
from tests.synthetic.machines import GPU


@pytest.mark.parametrize("shape", [(2, 384, 96), (384, 2, 96), (384, 96, 2)])
def test_a_patch_whose_most_covered_axis_cannot_be_shrunk_is_shrunk_along_another(shape: tuple[int, int, int]) -> None:
    # Half of two slices is one, which is all that can be taken of them, while other axes can be halved again.
    spacing = {2: 5.0, 384: 8.0, 96: 1.0}
    scan = SyntheticCase(
        body_shape=shape, spacing_mm=(spacing[shape[0]], spacing[shape[1]], spacing[shape[2]]), body_share=1.0
    )
    plan = make_plan(make_fingerprint([scan], labels=1), PlanRequest(machine=GPU, memory_gb=2.0))
    patch = find_configuration(plan.configurations, "3d_fullres", "the plan").patch_shape
    assert math.prod(patch) <= 192 * 48
