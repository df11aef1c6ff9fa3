"""Whether every part that a plan names exists, asked before anything is written."""

from __future__ import annotations

from autoseg.losses import LOSSES
from autoseg.networks import NETWORKS
from autoseg.sampling import AUGMENTATIONS
from autoseg.training import OPTIMIZERS, SCHEDULES
from planners.choices import resolve
from planners.plan import Configuration
from planners.rules.normalization import NORMALIZATIONS


def check_parts(configuration: Configuration) -> None:
    """Make sure that a configuration's parts and their options exist.

    Raises:
        PlanError: one does not; the message names the nearest that does.
    """
    training = configuration.training
    resolve(configuration.network, NETWORKS, "network")
    resolve(training.loss, LOSSES, "loss")
    resolve(training.optimizer, OPTIMIZERS, "optimizer")
    resolve(training.schedule, SCHEDULES, "schedule")
    resolve(configuration.sampling.augmentation, AUGMENTATIONS, "augmentation")
    for choice in configuration.preprocessing.normalization:
        resolve(choice, NORMALIZATIONS, "normalization")
