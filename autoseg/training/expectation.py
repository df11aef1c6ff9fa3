"""What a training is expected to take, said before it starts."""

from __future__ import annotations

from dataclasses import dataclass

from dataset_fingerprints.durations import show_duration
from dataset_fingerprints.names import counted


@dataclass(frozen=True, kw_only=True, slots=True)
class Expectation:
    """The time that is ahead of a fold.

    Attributes:
        rounds_seconds: of all rounds of validation during training.
        final_seconds: of the validation of the whole fold at the end.
        final_cases: that it looks at.
        fitted: whether the steps are as many as fit into a time, which is looked at again on the way.
    """

    steps: int
    step_seconds: float
    rounds_seconds: float
    final_seconds: float
    final_cases: int
    fitted: bool = False

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
        return f"Expected here: about {show_duration(self.seconds())}: {', '.join(shares)}."

    def _describe_steps(self) -> str:
        return (
            f"as many steps as fit, {self.steps:,} at first"
            if self.fitted
            else f"{self.steps:,} step{'s' * (self.steps != 1)}"
        )
