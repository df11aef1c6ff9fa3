"""What decides a mask besides the scan: weights and settings, recorded, and compared with those of earlier masks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from autoseg.models.quality import describe_choice
from autoseg.pipeline.confidence.ways import WayOfModels
from autoseg.prediction import Decision
from planners.choices import Choice

_HASH_SHOWN = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class RecordedSettings:
    """Settings that decide a mask; of equal ones each field is the same text.

    Attributes:
        networks: that are averaged.
        flips_and_tiles: of each configuration.
        decision: how probabilities become labels.
        version: of the program.
    """

    networks: str
    flips_and_tiles: str
    decision: str
    version: str


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeBy:
    """What made a mask; each null where that is not known.

    Attributes:
        weights: their SHA-256.
    """

    weights: str | None
    settings: RecordedSettings | None

    def describe_difference(self, now: MadeBy) -> str:
        """Return in what another run differs, as what is said of masks goes on; empty where in nothing.

        Args:
            now: what makes masks in that run.
        """
        differences = list(self._list_differences(now))
        return f"were made with {'; '.join(differences)}" if differences else ""

    def _list_differences(self, now: MadeBy) -> Iterator[str]:
        if self.weights is not None and now.weights is not None and self.weights != now.weights:
            yield f"other weights ({self.weights[:_HASH_SHOWN]}, now {now.weights[:_HASH_SHOWN]})"
        if self.settings is None or now.settings is None:
            return
        for field in fields(RecordedSettings):
            before, after = getattr(self.settings, field.name), getattr(now.settings, field.name)
            if before != after:
                yield f"{_TITLES[field.name]}{before} (now {after})"


_TITLES = {"networks": "", "flips_and_tiles": "", "decision": "", "version": "autoseg "}


def describe_settings(way: WayOfModels, decision: Decision, version: str) -> RecordedSettings:
    """Return settings as they are recorded.

    Args:
        way: in which the models predict.
        decision: how their probabilities become labels.
        version: of the program.
    """
    efforts = {name: describe_choice(effort, None) for name, effort in way.predictions.items()}
    several = len(efforts) > 1
    return RecordedSettings(
        networks=way.models.describe(),
        flips_and_tiles="; ".join(f"{name}: {text}" if several else text for name, text in efforts.items()),
        decision=_describe_decision(decision),
        version=version,
    )


def _describe_decision(decision: Decision) -> str:
    thresholds = ", ".join(f"{threshold:g}" for threshold in decision.thresholds)
    said = [f"thresholds {thresholds}"] if thresholds else []
    said += map(_describe_step, decision.postprocessing)
    return f"selected: {', '.join(said)}" if said else "the usual rule"


def _describe_step(step: Choice) -> str:
    return f"{step.name}({', '.join(f'{name}={value}' for name, value in step.options.items())})"
