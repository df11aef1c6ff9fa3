"""Number of steps and optimiser of a training, and how often it is checked on whole scans."""

from __future__ import annotations

from dataset_fingerprints.fingerprint import DatasetFingerprint
from planners.choices import Choice
from planners.machine import MachineProfile
from planners.plan import FOLDS, Decision, Prediction, Training

GPU_ITERATIONS = 250_000  # 1000 epochs of 250 (Isensee 2021)
CPU_ITERATIONS = 3_000
GRADIENT_CLIP = 12.0
VALIDATION_CASES = 5
VALIDATION_ROUNDS = 10


def choose_training(
    fingerprint: DatasetFingerprint, machine: MachineProfile, weights: Choice, *, short: bool
) -> tuple[Training, Decision]:
    """Choose a training of a quarter of a million steps, or one short enough for a CPU.

    Long: stochastic gradient descent with Nesterov momentum and a polynomial decay (Isensee 2021). Short: AdamW
    (Loshchilov 2019) with a warm-up and a cosine decay, which gets further in the first thousand iterations.

    Args:
        weights: that are kept to predict with.
        short: whether to plan for a CPU.
    """
    optimizer, schedule = short_optimizer() if short else long_optimizer()
    training = Training(
        loss=Choice(name="dice_ce"),
        optimizer=optimizer,
        schedule=schedule,
        iterations=CPU_ITERATIONS if short else GPU_ITERATIONS,
        gradient_clip=GRADIENT_CLIP,
        weights=weights,
        mixed_precision=machine.bfloat16 or machine.device == "cuda",
        validation_cases=min(VALIDATION_CASES, max(1, len(fingerprint.cases) // FOLDS)),
        validation_rounds=VALIDATION_ROUNDS,
    )
    return training, _iterations_decision(training, machine, short)


def choose_prediction(network_axes: tuple[int, ...]) -> Prediction:
    """Overlap tiles by half, weigh their centres, and average over all mirrorings (Isensee 2021)."""
    return Prediction(step_share=0.5, mirror_axes=network_axes, gaussian_sigma_share=0.125)


def short_optimizer() -> tuple[Choice, Choice]:
    """Return optimiser and schedule of a short training (Loshchilov 2019)."""
    optimizer = Choice(name="adamw", options={"lr": 1e-3, "weight_decay": 1e-2})
    return optimizer, Choice(name="cosine", options={"warmup_share": 0.05})


def long_optimizer() -> tuple[Choice, Choice]:
    """Return optimiser and schedule of a long training (Isensee 2021)."""
    optimizer = Choice(name="sgd", options={"lr": 1e-2, "momentum": 0.99, "nesterov": True, "weight_decay": 3e-5})
    return optimizer, Choice(name="poly", options={"exponent": 0.9})


def _iterations_decision(training: Training, machine: MachineProfile, short: bool) -> Decision:
    rule = "The length that the field trains for; a time budget (--max-hours, --max-minutes) shortens it."
    if short:
        rule = "Short, because a CPU trains: useful for trying things out, not the best reachable. A GPU trains longer."
    return Decision(
        field="training.iterations",
        value=f"{training.iterations:,} with {training.optimizer.name}",
        rule=rule,
        evidence=f"training device: {machine.device} ({machine.name})",
        change="a time budget (--max-hours, --max-minutes), or another device",
    )
