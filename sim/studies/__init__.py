"""Studies that ship: a question, scenarios with the same luck, stored results, and a page that is filled from them."""

from sim.studies.design import Study
from sim.studies.page import index, write_page
from sim.studies.reading import names, read, scenarios
from sim.studies.results import Line, Results, lines
from sim.studies.running import Mismatch, check, run
from sim.studies.stored import Stored

__all__ = [
    "Line",
    "Mismatch",
    "Results",
    "Stored",
    "Study",
    "check",
    "index",
    "lines",
    "names",
    "read",
    "run",
    "scenarios",
    "write_page",
]
