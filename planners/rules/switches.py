"""The rules that can be switched on or off, by name: those that look at lesions, and those of strategy."""

from __future__ import annotations

from collections.abc import Sequence

from dataset_fingerprints.errors import PlanError, did_you_mean
from planners.rules.rule import Rule
from planners.rules.strategies import STRATEGIES

CPU_TRIAL = "Three lesion rules, one by one"
IN_CPU_TRIAL = "tried in trainings of 10 minutes on a CPU, 40 simulated scans: Dice"

LESION_RULES: dict[str, Rule] = {
    "fine_spacing": Rule(
        meaning="Voxels so small that the thinnest tenth of the lesions is 2 voxels thick, where at least a tenth of "
        "the scans are that fine."
    ),
    "full_resolution_capacity": Rule(
        meaning="One convolution more at full resolution, in encoder and decoder, where the smallest quarter of the "
        "lesions is less than 4 voxels across after the first halving (Tomita 2020)."
    ),
    "lesion_context": Rule(
        meaning="A low resolution also where a patch does not hold the longest twentieth of the lesions with 10 mm on "
        "either side."
    ),
    "balanced_lesions": Rule(
        meaning="Patches on labels are drawn lesion by lesion, not voxel by voxel: small lesions are seen as often as "
        "large ones. Where most scans have several, or their volumes span a factor of 100.",
        effect=f"{IN_CPU_TRIAL} +0.002 (-0.011 to +0.017)",
        tested=CPU_TRIAL,
    ),
    "pooled_dice": Rule(
        meaning="Dice is counted over the whole batch, where labels fill less than 5 % of the body: a patch without "
        "any lesion then does not pull everything towards background by itself.",
        effect=f"{IN_CPU_TRIAL} -0.025 (-0.042 to -0.011)",
        tested=CPU_TRIAL,
    ),
    "foreground_only": Rule(
        meaning="Every patch of a short training holds a label, where labels fill less than 5 % of the body.",
        effect=f"{IN_CPU_TRIAL} -0.002 (-0.013 to +0.009)",
        tested=CPU_TRIAL,
    ),
}
# Of rules that are not switched, by their kind.
_SAID = {
    "always": "Every plan has it: leave --rule out.",
    "advice": "It is advice that the planner cannot carry out: {}. Leave --rule out.",
}
RULES: dict[str, Rule] = {**LESION_RULES, **STRATEGIES}


def choose_rules(defaults: Sequence[str], switches: Sequence[str]) -> tuple[str, ...]:
    """Return the names of the rules that are on, in the order of the table.

    Args:
        defaults: the planner's.
        switches: a person's: `name=on` or `name=off`; later ones count.

    Raises:
        PlanError: there is no such rule, it cannot be switched, or it is switched to something else.
    """
    chosen = set(defaults)
    for switch in switches:
        name, _, state = switch.partition("=")
        if name not in RULES:
            raise PlanError(f"There is no rule '{name}'. {did_you_mean(name, RULES)}")
        if state not in ("on", "off"):
            raise PlanError(f"--rule {switch}: expected {name}=on or {name}=off.")
        if RULES[name].kind != "switched":
            raise PlanError(
                f"--rule {switch}: cannot be switched. {_SAID[RULES[name].kind].format(RULES[name].outcome)}"
            )
        chosen = chosen | {name} if state == "on" else chosen - {name}
    return tuple(name for name in RULES if name in chosen)
