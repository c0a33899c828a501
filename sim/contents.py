"""What units are made of: grams of each element, from the year, chemistry and energy of a battery, from the technology
that it is of, or from the books.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim.inputs import Inputs
from sim.tables import Columns
from sim.technology import ORDINARY, Technologies
from traceability.events import Ints
from traceability.vocabulary import Element

Floats = npt.NDArray[np.float64]
ELEMENTS = len(Element)


class Contents:
    """Grams of each element in every unit.  Black mass is what the books say, all else what its maker put in."""

    def __init__(self, inputs: Inputs, units: Columns, technologies: Technologies) -> None:
        self._g_per_wh = np.nan_to_num(inputs.composition_kg_per_kwh)
        self._units, self._technologies = units, technologies
        self._booked: dict[int, Floats] = {}

    def book(self, unit: int, grams: Floats) -> None:
        """Note what a lot is made of: float64[element]."""
        self._booked[unit] = grams

    def of(self, units: Ints) -> Floats:
        """Return float64[n, element], grams; column MASS is the whole unit."""
        u = self._units
        per_wh = self._g_per_wh[u.year[units], u.chemistry[units]]
        if self._technologies:
            technology = u.technology[units]
            new = technology != ORDINARY
            per_wh[new] = self._technologies.kg_per_kwh[technology[new]]
        grams = per_wh * u.energy_wh[units][:, None]
        grams[:, Element.MASS] = u.mass_g[units]
        if self._booked:
            for row in np.flatnonzero(u.energy_wh[units] == 0).tolist():
                grams[row] = self._booked[int(units[row])]
        return grams


def totals(grams: Floats, group: Ints, groups: int) -> npt.NDArray[np.int64]:
    """Return int64[groups, element], the grams of each group, rounded down to whole grams."""
    summed = np.empty((groups, grams.shape[1]))
    for element in range(grams.shape[1]):
        summed[:, element] = np.bincount(group, weights=grams[:, element], minlength=groups)
    return summed.astype(np.int64)
