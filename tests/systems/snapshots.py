"""Two networks, each with snapshots of its training (Huang 2017), for an ensemble of all of them."""

from dataclasses import replace

from planners.choices import Choice
from planners.presets import PLANNERS


class SnapshotPlanner:
    description, memory_gb = "A plain and a residual network, three snapshots of each.", 0.0

    def plan(self, fingerprint, request):
        plan = PLANNERS["default"].plan(fingerprint, request)
        configurations = {entry.name: entry for entry in plan.configurations}
        basis = configurations["3d_fullres"]
        cycles = {
            "schedule": Choice(name="cosine_restarts", options={"cycles": 3, "growth": 1.0}),
            "weights": Choice(name="snapshots", options={"count": 3}),
        }
        plain = replace(basis, name="plain", training=replace(basis.training, **cycles))
        residual = replace(
            plain, name="residual", network=Choice(name="unet", options={**plain.network.options, "block": "residual"})
        )
        return replace(plan, configurations=(plain, residual), default_configuration="plain", decisions=())


PLANNER = SnapshotPlanner()
