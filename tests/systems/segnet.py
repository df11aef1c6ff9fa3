"""SegNet (Badrinarayanan 2017) on slices: an encoder and a decoder without skips between them."""

import math
from dataclasses import dataclass, replace
from itertools import pairwise
from types import SimpleNamespace

from planners.choices import Choice
from planners.parts.networks import NetworkLayers, head_layer, norm_layer
from planners.presets import PLANNERS


@dataclass(frozen=True, kw_only=True, slots=True)
class SegNetOptions:
    features: tuple[int, ...] = (8, 16)

    def divisors(self):
        return (2 ** len(self.features),) * 2

    def find_shape_problems(self, axes):
        return [] if axes == 2 else [f"network sees {axes} axes. Expected the two of a slice."]

    def recomputable(self):
        return False

    def describe(self):
        return f"SegNet of {self.features} features"

    def layers(self, channels, outputs, patch_shape):
        voxels = [math.prod(patch_shape) // 4**level for level, _ in enumerate(self.features)]
        widths = pairwise((channels, *self.features, *self.features[-2::-1], self.features[0]))
        levels = [(norm_layer(*pair, 9, count),) for pair, count in zip(widths, (*voxels, *voxels[::-1]), strict=True)]
        return NetworkLayers(levels=tuple(levels), heads=(head_layer(self.features[0], outputs, voxels[0]),))


def build_segnet(options, channels, outputs, recomputed):
    from torch import nn

    class SegNet(nn.Sequential):
        def forward(self, images):
            return (super().forward(images),)

    def block(inputs, features):
        return nn.Conv2d(inputs, features, 3, padding=1), nn.BatchNorm2d(features), nn.ReLU()

    down = [part for pair in pairwise((channels, *options.features)) for part in (*block(*pair), nn.MaxPool2d(2))]
    widths = pairwise((*options.features[::-1], options.features[0]))
    up = [part for pair in widths for part in (nn.Upsample(scale_factor=2), *block(*pair))]
    return SegNet(*down, *up, nn.Conv2d(options.features[0], outputs, 1))


def plan_segnet(fingerprint, request):
    plan = PLANNERS["default"].plan(fingerprint, request)
    slices = next(entry for entry in plan.configurations if entry.name == "2d")
    segnet = replace(slices, network=Choice(name="plain_segnet"))
    return replace(plan, configurations=(segnet,), default_configuration="2d", decisions=())


PLANNER = SimpleNamespace(description="A SegNet on slices.", memory_gb=0.0, plan=plan_segnet)
