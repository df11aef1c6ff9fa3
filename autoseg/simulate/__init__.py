"""Simulated T1w scans with chronic stroke lesions, for demonstrations and tests without data of patients."""

from autoseg.simulate.dataset import count_cases, held_out_folders, image_path, label_path, simulate_dataset
from autoseg.simulate.oddities import oddity_kinds
from autoseg.simulate.options import SimulationOptions, choose_voxels, parse_shape
from autoseg.simulate.records import PlantedDefect, SimulatedCase, SimulatedDataset

__all__ = [
    "PlantedDefect",
    "SimulatedCase",
    "SimulatedDataset",
    "SimulationOptions",
    "choose_voxels",
    "count_cases",
    "held_out_folders",
    "image_path",
    "label_path",
    "oddity_kinds",
    "parse_shape",
    "simulate_dataset",
]
