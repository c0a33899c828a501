"""Sweeps: figures of a scenario varied together, by a design, with the same luck at every point.

From the runs come response curves, sensitivity indices with intervals, and a polynomial that stands in for the
simulation within the range that was sampled, shipped with its error (docs/sweep.md).
"""

from sim.sweep.answers import Asked, asked
from sim.sweep.designs import DESIGNS, Design, design
from sim.sweep.factors import Factor, factor, scenario_at
from sim.sweep.study import RECORD, Sweep, run_sweep

__all__ = [
    "DESIGNS",
    "RECORD",
    "Asked",
    "Design",
    "Factor",
    "Sweep",
    "asked",
    "design",
    "factor",
    "run_sweep",
    "scenario_at",
]
