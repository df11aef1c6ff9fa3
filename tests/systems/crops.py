"""Three stages: one locates at half the resolution, one looks closer at the box around it, slices refine that."""

from dataclasses import replace

from planners.presets import PLANNERS
from planners.stage_inputs import CropTo


class CropPlanner:
    description, memory_gb = "Localise, crop, refine.", 0.0

    def plan(self, fingerprint, request):
        plan = PLANNERS["default"].plan(fingerprint, request)
        configurations = {entry.name: entry for entry in plan.configurations}
        volumes, slices = configurations["3d_fullres"], configurations["2d"]
        coarse = tuple(2 * length for length in volumes.preprocessing.spacing_mm)
        localise = replace(
            volumes,
            name="localise",
            preprocessing=replace(volumes.preprocessing, spacing_mm=coarse),
        )
        closer = replace(volumes, name="crop", inputs=(CropTo(configuration="localise", margin_mm=4.0),))
        box = CropTo(configuration="crop", margin_mm=2.0, threshold=0.3)
        refine = replace(slices, name="refine", inputs=(box,))
        return replace(plan, configurations=(localise, closer, refine), default_configuration="refine", decisions=())


PLANNER = CropPlanner()
