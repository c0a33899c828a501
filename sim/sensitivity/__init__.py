"""Which assumptions matter: each assumed figure moved down and up, one at a time, with the same luck.

Luck belongs to the battery (`sim.chance`), so a scenario and the same with one figure moved are twins: what
differs between them is the effect of that figure, replication by replication.  One at a time says nothing of
figures that work together.
"""

from sim.sensitivity.headlines import HEADLINES, Headline
from sim.sensitivity.study import RECORD, TABLE, fingerprint, run_sensitivity
from sim.sensitivity.table import Effect, Sensitivity, read, written
from sim.sensitivity.twins import SHARE, LeftOut, Twin, twins

__all__ = [
    "HEADLINES",
    "RECORD",
    "SHARE",
    "TABLE",
    "Effect",
    "Headline",
    "LeftOut",
    "Sensitivity",
    "Twin",
    "fingerprint",
    "read",
    "run_sensitivity",
    "twins",
    "written",
]
