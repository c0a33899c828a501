"""What a used battery is worth, and which way its holder sends it.

The holder compares what is left of the formal and of the informal offer and weighs the expected penalty:
a binary logit (McFadden 1974) per tonne of battery.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

from sim import months
from sim.inputs import YEARS, Inputs
from sim.scenario import Enforcement, Market

Floats = npt.NDArray[np.float64]


class Holder(Enum):
    """Who decides where a used battery goes: the figure of the market section that says how he leans."""

    OWNER = "owner_yuan_t"
    DISMANTLER = "dismantler_yuan_t"
    REPAIRER = "repairer_yuan_t"
    OPERATOR = "operator_yuan_t"
    OUTLET = "outlet_yuan_t"


class Prices:
    """Formal offers by year and chemistry, and the chance that a holder takes one."""

    def __init__(self, inputs: Inputs, market: Market, enforcement: Enforcement) -> None:
        self._market, self._enforcement = market, enforcement
        kwh_t = np.nan_to_num(inputs.density_wh_kg)
        content = np.nan_to_num(inputs.composition_kg_per_kwh) * kwh_t[:, :, None] / 1000.0
        # packs retire years after they were made: valued with what a pack of eight years before contains
        aged = content[np.maximum(np.arange(YEARS) - 8, 0)]
        self.contained_yuan_t: Floats = (aged * inputs.prices_yuan_t[:, None, :]).sum(axis=2)

    def formal_yuan_t(self, day: int) -> Floats:
        """Return float64[chemistry], what a lawful buyer offers per tonne of pack on *day*."""
        contained: Floats = self.contained_yuan_t[months.year_offset(months.month_number(day))]
        market = self._market
        return contained * market.payable_share.on(day) - market.treatment_yuan_t.on(day)

    def lawful_share(
        self, holder: Holder, day: int, chemistry: npt.NDArray[np.integer], mass_t: Floats
    ) -> Floats:
        """Return float64[n], the chance that *holder* hands each battery over lawfully on *day*.

        Args:
            holder: who decides.
            day: when, days since 1970-01-01.
            chemistry: int[n], of each battery.
            mass_t: float64[n], tonnes.
        """
        market, enforcement = self._market, self._enforcement
        formal = self.formal_yuan_t(day)
        gap = -market.informal_premium.on(day) * np.maximum(formal, 0.0)
        gap = gap - market.formal_transport_yuan_t.on(day) + market.informal_transport_yuan_t.on(day)
        caught = enforcement.inspected_share.on(day) * enforcement.detected_share.on(day)
        penalty = caught * enforcement.fine_yuan.on(day) / max(enforcement.packs_per_case.on(day), 1.0)
        per_pack = penalty + market.deposit_yuan_pack.on(day)
        if holder is Holder.OWNER:
            per_pack = per_pack + (
                enforcement.integrated_scrapping.on(day)
                * enforcement.refused_share.on(day)
                * enforcement.certificate_yuan.on(day)
            )
        leaning = getattr(market, holder.value).on(day)
        advantage = gap[chemistry] + per_pack / np.maximum(mass_t, 1e-3) + leaning
        share: Floats = 1.0 / (1.0 + np.exp(-np.clip(advantage / market.noise_yuan_t, -500, 500)))
        return share
