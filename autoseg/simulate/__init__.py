"""Simulated T1w scans with chronic stroke lesions, for demonstrations and tests without anybody's data."""

from autoseg.simulate.baseline import threshold_baseline
from autoseg.simulate.dataset import image_path, label_path, simulate_dataset
from autoseg.simulate.records import SimulatedCase, SimulatedDataset, SimulationOptions

__all__ = [
    "SimulatedCase",
    "SimulatedDataset",
    "SimulationOptions",
    "image_path",
    "label_path",
    "simulate_dataset",
    "threshold_baseline",
]
