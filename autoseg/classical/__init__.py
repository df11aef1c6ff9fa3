"""Classical segmentation without training: what a trained model must beat.

All take a skull-stripped T1w scan, in which chronic lesions are dark. `BASELINES` names them.
"""

from autoseg.classical.brain_scan import BrainScan
from autoseg.classical.choices import choose_baselines, parse_baseline
from autoseg.classical.table import BASELINES, Baseline

__all__ = ["BASELINES", "Baseline", "BrainScan", "choose_baselines", "parse_baseline"]
