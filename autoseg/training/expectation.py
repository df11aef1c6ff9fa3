"""What a training is expected to take, said before it starts."""

from __future__ import annotations

import math
from dataclasses import dataclass

from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.names import counted

# What is expected is longer than what was asked for from this many times as long on.
LONGER = 1.1


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """The time that is ahead of a fold.

    Attributes:
        rounds_seconds: of all rounds of validation during training.
        final_seconds: of the validation of the whole fold at the end.
        final_cases: that it looks at.
        minutes: that were asked for, into which as many steps are put as fit, looked at again on the way; None for the
            planned steps.
    """

    steps: int
    step_seconds: float
    rounds_seconds: float
    final_seconds: float
    final_cases: int
    minutes: float | None = None

    def seconds(self) -> float:
        """Return the whole time."""
        return self.steps * self.step_seconds + self.rounds_seconds + self.final_seconds

    def describe(self) -> str:
        """Return the time and its shares in a sentence."""
        shares = [f"{show_duration(self.steps * self.step_seconds)} for {self._describe_steps()}"]
        if self.rounds_seconds:
            shares.append(f"{show_duration(self.rounds_seconds)} for validation on the way")
        if self.final_cases:
            cases = counted(self.final_cases, "validation case")
            shares.append(f"{show_duration(self.final_seconds)} for {cases} at the end")
        expected = f"Expected here: about {show_duration(self.seconds())}: {', '.join(shares)}."
        return " ".join(filter(None, (expected, self._describe_overrun())))

    def _describe_overrun(self) -> str:
        """Return that the validation at the end, cheap as it is by then, does not leave room for the training."""
        asked = math.inf if self.minutes is None else 60 * self.minutes
        if self.seconds() <= LONGER * asked or self.final_seconds <= asked / 2:
            return ""
        times = math.ceil(2 * self.final_seconds / asked)
        return (
            f"That is more than the {show_duration(asked)} asked for: every validation case is predicted, and without "
            f"flips and with the least overlap it takes so long. About {times} times as many minutes hold both; of "
            "a plan made with --scale, a smaller one does too: of larger patches fewer cover a scan."
        )

    def _describe_steps(self) -> str:
        return (
            f"as many steps as fit, {self.steps:,} at first"
            if self.minutes is not None
            else f"{self.steps:,} step{'s' * (self.steps != 1)}"
        )
