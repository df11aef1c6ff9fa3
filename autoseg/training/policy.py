"""Use of time by a training: when it reports, saves, compiles and gives up. It changes no batch and no loss."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True, slots=True)
class BudgetPolicy:
    """Rules that turn minutes into steps.

    Attributes:
        measured_steps: before the number of steps is looked at again, at least so many are measured,
        measured_seconds: and at least so long.
        revisits: the shares of the training at which the number of steps is looked at again. It changes only if the end
            would miss the minutes by more than the tolerance: other users of a machine make it faster or slower.
        tolerance: as a share of the steps.
        resumed_tolerance: the same where a training goes on, by the few steps that are timed then: the machine may be
            another one, or as busy as it was not before. Where other minutes are given, it is the tolerance above.
        validation_share: what validation during training may take of the time.
        final_share: what the last validation, of the whole fold, should take of the time at most: tiles then overlap
            less and fewer flips are averaged. What cannot be made that cheap takes what it needs,
        training_share: but at least this share of the time is left to the training.
    """

    measured_steps: int = 12
    measured_seconds: float = 8.0
    revisits: tuple[float, ...] = (0.05, 0.25, 0.5, 0.75)
    tolerance: float = 0.05
    resumed_tolerance: float = 0.25
    validation_share: float = 0.08
    final_share: float = 0.15
    training_share: float = 0.4


@dataclass(frozen=True, kw_only=True, slots=True)
class Policy:
    """Rules for when a training reports, saves, compiles and gives up.

    Attributes:
        report_seconds: between reports; each costs one synchronisation with the device.
        checkpoint_seconds: a checkpoint is written at the earliest after so long,
        checkpoint_share: and so rarely that it takes this share of the time.
        compile_seconds_ahead: with less than this ahead, compiling the network is not worth a trial: it takes about a
            minute and saves a tenth of a step.
        max_rollbacks: so often at most a training goes back after a loss that is not a number.
        few_steps: fewer than this in a time budget are warned of: lesion networks of fewer steps hardly get away from
            marking everything, or nothing.
        silent_rounds: rounds of validation without a voxel of a label after which that is reported.
    """

    report_seconds: float = 5.0
    checkpoint_seconds: float = 30.0
    checkpoint_share: float = 0.02
    compile_seconds_ahead: float = 1200.0
    max_rollbacks: int = 3
    few_steps: int = 200
    silent_rounds: int = 2
    budget: BudgetPolicy = field(default_factory=BudgetPolicy)
