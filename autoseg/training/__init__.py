"""Training one fold of one configuration."""

from autoseg.training.optimizers import AdamW, OptimizerOptions, Sgd
from autoseg.training.schedules import Cosine, Poly, ScheduleOptions

OPTIMIZERS: dict[str, type[OptimizerOptions]] = {"adamw": AdamW, "sgd": Sgd}
SCHEDULES: dict[str, type[ScheduleOptions]] = {"cosine": Cosine, "poly": Poly}

__all__ = ["OPTIMIZERS", "SCHEDULES"]
