"""How far a mask can be trusted without its reference: signs of it, and the Dice that they predict."""

from autoseg.confidence.calibrating import Measured, calibrate
from autoseg.confidence.estimating import Assessment, assess
from autoseg.confidence.signs import LesionSigns, MaskSigns, measure_signs

__all__ = [
    "Assessment",
    "LesionSigns",
    "MaskSigns",
    "Measured",
    "assess",
    "calibrate",
    "measure_signs",
]
