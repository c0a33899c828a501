"""What those who trade in used batteries believe of their risk: the share of sales that inspections find.

Nobody knows what an authority announces to itself.  A belief begins at a prior and moves, quarter by quarter,
towards what inspections have found of those in the same trade: in the same province, and, for what little happens
there, in the others.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from sim.incentives import Learning

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]
Mask = npt.NDArray[np.bool_]

_PROVINCES = 32  # number 0: those who work nationwide


class Watch(IntEnum):
    """Who is looked at for what; each is inspected by one authority."""

    REPAIRER = 0
    OPERATOR = 1
    OUTLET = 2
    DISMANTLER = 3
    WORKSHOP = 4
    TRANSPORT = 5
    PRODUCT = 6


class Belief:
    """The chance of being found that each trade reckons with in each province.

    Args:
        learning: prior and pace.
        scale: real units that a simulated one stands for.
    """

    def __init__(self, learning: Learning, scale: int) -> None:
        self._learning, self._scale = learning, scale
        shape = (len(Watch), _PROVINCES)
        self._share = np.full(shape, learning.prior_share)
        self._sales, self._found = np.zeros(shape), np.zeros(shape)
        self._last_sales, self._last_found = np.zeros(shape), np.zeros(shape)

    def found_share(self, watch: Watch, province: Ints) -> Floats:
        """Return float64[n], the share of sales found that those of *watch* reckon with in each province."""
        share: Floats = self._share[watch, province]
        return share

    def saw(self, watch: Watch, province: Ints, found: Mask, chance: Floats) -> None:
        """Take in what became of sales.

        A simulated sale stands for `scale` real ones: for itself, found or not, and for others like it, of which
        the share is found that its chance says.  So a single one makes nobody panic at a coarse scale, and
        each counts for what it is at a scale of 1.

        Args:
            watch: in which trade.
            province: int[n], where.
            found: bool[n], whether an inspection finds the simulated one.
            chance: float64[n], that it does.
        """
        alike = self._scale - 1
        np.add.at(self._sales[watch], province, self._scale)
        np.add.at(self._found[watch], province, found + alike * chance)

    def close_quarter(self, day: int) -> None:
        """Move every belief towards what was seen of the last quarter, whose cases are closed by *day*.

        What is heard from the whole country counts in a province as much as `memory_packs` sales there: a province
        without a simulated sale, of which there are more the coarser the scale, learns all the same.  The step
        is the share `learning_share`; half of it where the whole country had `memory_packs` sales.
        """
        sales, found = self._last_sales, self._last_found
        heard = max(self._learning.memory_packs, 1e-9)
        in_all, found_in_all = sales.sum(axis=1, keepdims=True), found.sum(axis=1, keepdims=True)
        elsewhere = np.divide(found_in_all, in_all, out=np.zeros_like(in_all), where=in_all > 0)
        seen = (found + heard * elsewhere) / (sales + heard)
        step = self._learning.learning_share.on(day) * in_all / (in_all + heard)
        self._share += step * (seen - self._share)
        self._last_sales, self._last_found = self._sales, self._found
        self._sales, self._found = np.zeros_like(sales), np.zeros_like(sales)
