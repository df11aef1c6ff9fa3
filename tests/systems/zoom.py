"""Tomita 2020: a 3D residual U-Net learns on small sub-volumes, then goes on from these weights on large ones."""

from dataclasses import replace

from planners.choices import Choice, choose
from planners.parts.networks import UNetOptions
from planners.presets import PLANNERS
from planners.stage_inputs import Initial

NETWORK = UNetOptions(
    features=(8, 8, 16),
    kernels=((3, 3, 3),) * 3,
    strides=((1, 1, 1), (2, 2, 2), (2, 2, 2)),
    encoder_blocks=(1, 1, 1),
    decoder_blocks=(1, 1),
    block="residual",
    norm="group",
    deep_supervision=False,
)


class ZoomPlanner:
    description, memory_gb = "Small sub-volumes first, then large ones.", 0.0

    def plan(self, fingerprint, request):
        plan = PLANNERS["default"].plan(fingerprint, request)
        configurations = {entry.name: entry for entry in plan.configurations}
        basis = configurations["3d_fullres"]
        training = replace(
            basis.training, schedule=Choice(name="cosine_restarts", options={"cycles": 3, "growth": 1.0})
        )
        out = replace(
            basis,
            name="zoom_out",
            patch_shape=tuple(max(length // 8 * 4, 4) for length in basis.patch_shape),
            network=choose("unet", NETWORK),
            training=training,
        )
        finer = replace(training, optimizer=replace(training.optimizer, options={"lr": 1e-4}))
        zoom_in = replace(
            out,
            name="zoom_in",
            initial=Initial(configuration="zoom_out"),
            patch_shape=tuple(length // 4 * 4 for length in basis.patch_shape),
            training=replace(finer, weights=Choice(name="snapshots", options={"count": 3})),
        )
        return replace(plan, configurations=(out, zoom_in), default_configuration="zoom_in", decisions=())


PLANNER = ZoomPlanner()
