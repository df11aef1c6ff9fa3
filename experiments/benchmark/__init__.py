"""Our results beside published ones, and what is comparable in them: `autoseg benchmark`."""

from experiments.benchmark.benchmark import Benchmark, make_benchmark
from experiments.benchmark.finding import Sought, choose_stem, find_benchmark
from experiments.benchmark.sections import Section, make_sections
from experiments.benchmark.writing import show_fragment, write_benchmark

__all__ = [
    "Benchmark",
    "Section",
    "Sought",
    "choose_stem",
    "find_benchmark",
    "make_benchmark",
    "make_sections",
    "show_fragment",
    "write_benchmark",
]
