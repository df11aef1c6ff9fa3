"""Benchmarks and recipes: how autoseg compares with other pipelines and with published results."""
