"""Scenarios compared by paired replications: what changes, how sure that is, and which batteries fare otherwise."""

from sim.comparison.outcome import Compared, Comparison, compared
from sim.comparison.running import chosen, read_comparison, run_comparison

__all__ = ["Compared", "Comparison", "chosen", "compared", "read_comparison", "run_comparison"]
