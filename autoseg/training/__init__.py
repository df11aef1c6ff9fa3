"""Training one fold of one configuration."""

from autoseg.training.optimizers import Adam, AdamW, OptimizerOptions, Sgd
from autoseg.training.schedules import Cosine, CosineRestarts, Poly, ScheduleOptions

OPTIMIZERS: dict[str, type[OptimizerOptions]] = {"adam": Adam, "adamw": AdamW, "sgd": Sgd}
SCHEDULES: dict[str, type[ScheduleOptions]] = {
    "cosine": Cosine,
    "cosine_restarts": CosineRestarts,
    "poly": Poly,
}

__all__ = ["OPTIMIZERS", "SCHEDULES"]
