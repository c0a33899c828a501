"""What a used battery is worth, and which way its holder sends it.

The holder compares what is left of the formal and of the informal offer and weighs the expected penalty:
a binary logit (McFadden 1974) per tonne of battery.
"""

from __future__ import annotations

from enum import Enum

import numpy as np
import numpy.typing as npt

from sim import quarters
from sim.inputs import YEARS, Inputs
from sim.practices import Enforcement, Market

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
        # packs retire years after they were made, and are worth what such a pack contains
        aged = content[np.maximum(np.arange(YEARS) - market.valued_age_years, 0)]
        self.contained_yuan_t: Floats = (aged * inputs.prices_yuan_t[:, None, :]).sum(axis=2)

    def formal_yuan_t(self, day: npt.NDArray[np.integer], chemistry: npt.NDArray[np.integer]) -> Floats:
        """Return float64[n], what a lawful buyer offers per tonne of each battery on its day."""
        # what lies beyond the series is beyond every horizon, and is never written
        year = np.minimum(quarters.of_days(day) // 4, YEARS - 1)
        contained: Floats = self.contained_yuan_t[year, chemistry]
        contained *= self._market.payable_share.at(day)
        contained -= self._market.treatment_yuan_t.at(day)
        return contained

    def lawful_share(
        self,
        holder: Holder,
        day: npt.NDArray[np.integer],
        chemistry: npt.NDArray[np.integer],
        mass_t: Floats,
    ) -> Floats:
        """Return float64[n], the chance that *holder* hands each battery over lawfully on its day.

        Args:
            holder: who decides.
            day: int[n], when, days since 1970-01-01.
            chemistry: int[n], of each battery.
            mass_t: float64[n], tonnes.
        """
        market, enforcement = self._market, self._enforcement
        advantage = np.maximum(self.formal_yuan_t(day, chemistry), 0.0)
        advantage *= -np.asarray(market.informal_premium.at(day))
        advantage += np.asarray(market.informal_transport_yuan_t.at(day)) - market.formal_transport_yuan_t.at(
            day
        )
        caught = np.asarray(enforcement.inspected_share.at(day)) * enforcement.detected_share.at(day)
        penalty = caught * enforcement.fine_yuan.at(day) / np.maximum(enforcement.packs_per_case.at(day), 1.0)
        per_pack = penalty + market.deposit_yuan_pack.at(day)
        if holder is Holder.OWNER:
            refused = np.asarray(enforcement.integrated_scrapping.at(day)) * enforcement.refused_share.at(day)
            per_pack = per_pack + refused * enforcement.certificate_yuan.at(day)
        advantage += per_pack / np.maximum(mass_t, 1e-3)
        advantage += getattr(market, holder.value).at(day)
        advantage /= -market.noise_yuan_t
        np.clip(advantage, -500, 500, out=advantage)
        share: Floats = 1.0 / (1.0 + np.exp(advantage))
        return share
