"""What a used battery is worth, and which way its holder sends it.

The holder compares what is left of the formal and of the informal offer and weighs the penalty that he believes to
risk: a binary logit (McFadden 1974) per tonne of battery.
"""

from __future__ import annotations

from enum import Enum
from math import sqrt

import numpy as np
import numpy.typing as npt

from sim import quarters
from sim.belief import Belief, Watch
from sim.incentives import Enforcement, Inspection, Inspections, Market
from sim.inputs import YEARS, Inputs, Practice
from sim.practices import Collection, Informal
from traceability.vocabulary import Chemistry, Element, Role

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.integer]


class Holder(Enum):
    """Who decides where a used battery goes: the figure of the market section that says how he leans."""

    OWNER = "owner_yuan_t"
    DISMANTLER = "dismantler_yuan_t"
    REPAIRER = "repairer_yuan_t"
    OPERATOR = "operator_yuan_t"
    OUTLET = "outlet_yuan_t"


WATCHED = {
    Holder.DISMANTLER: Watch.DISMANTLER,
    Holder.REPAIRER: Watch.REPAIRER,
    Holder.OPERATOR: Watch.OPERATOR,
    Holder.OUTLET: Watch.OUTLET,
}
"""Under which eyes a holder is; no authority goes from owner to owner."""

HOLDER_OF_ROLE = {
    Role.OWNER: Holder.OWNER,
    Role.ELV: Holder.DISMANTLER,
    Role.REPAIR: Holder.REPAIRER,
    Role.SWAP_OP: Holder.OPERATOR,
    Role.OUTLET: Holder.OUTLET,
}

_NICKEL_COBALT = [Element.NI, Element.CO]
_OTHER = [Element.MN, Element.CU, Element.AL, Element.STEEL]


class Worth:
    """The value of what a tonne of used battery holds, by quarter and chemistry, and what lawful buyers pay for it.

    Args:
        inputs: compositions and prices.
        market: coefficients, costs, and the age of the battery that is valued.
    """

    def __init__(self, inputs: Inputs, market: Market) -> None:
        self._market, self._recovery = market, inputs.recovery_share
        kwh_t = np.nan_to_num(inputs.density_wh_kg)
        content = np.nan_to_num(inputs.composition_kg_per_kwh) * kwh_t[:, :, None] / 1000.0
        # packs retire years after they were made, and are worth what such a pack contains
        made = np.maximum(np.arange(4 * YEARS) // 4 - market.valued_age_years, 0)
        self._kwh_t: Floats = kwh_t[made]
        value = content[made] * inputs.prices_yuan_t[:, None, :]
        value[..., Element.MASS] = 0.0
        self._value: Floats = value
        # the market pays by three groups: lithium, nickel with cobalt, all else
        self._groups: Floats = np.stack(
            [value[..., Element.LI], value[..., _NICKEL_COBALT].sum(-1), value[..., _OTHER].sum(-1)]
        )

    def payable_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what a formal buyer pays for the metals of a tonne of battery, before its treatment."""
        paid: Floats = self.coefficients_yuan_t(day, chemistry) * self._market.formal_price_factor.at(day)
        return paid

    def coefficients_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what the metals of a tonne come to at the coefficients at which black mass is traded."""
        market, quarter = self._market, _quarters(day)
        lithium, nickel_cobalt, other = self._groups[:, quarter, chemistry]
        of_lithium = np.where(
            chemistry == Chemistry.LFP, market.payable_lithium_lfp.at(day), market.payable_lithium_ncm.at(day)
        )
        paid: Floats = lithium * of_lithium
        paid += nickel_cobalt * market.payable_nickel_cobalt.at(day)
        paid += other * market.payable_other.at(day)
        return paid

    def formal_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what a lawful buyer offers per tonne of each battery on its day; it may be below 0."""
        return self.payable_yuan_t(day, chemistry) - self._market.treatment_yuan_t.at(day)

    def informal_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what a workshop offers per tonne that need fear nobody.

        Workshops outbid what lawful buyers would pay at the coefficients; a factor on either offer is that one's alone.
        """
        market = self._market
        offer = self.coefficients_yuan_t(day, chemistry) - market.treatment_yuan_t.at(day)
        more = np.maximum(offer, 0.0) * market.informal_premium.at(day)
        offer += np.minimum(more, market.premium_most_yuan_t.at(day))
        np.multiply(offer, market.informal_price_factor.at(day), out=offer, where=offer > 0.0)
        return offer

    def recycler_margin_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what is left to a typical recycler of a tonne of battery bought at the formal offer.

        What it recovers and sells, less the offer, the treatment and the refining.
        """
        sold = self._value[_quarters(day), chemistry] @ self._recovery[Practice.TYPICAL]
        margin: Floats = sold - self.payable_yuan_t(day, chemistry) - self._refining_yuan_t(day, chemistry)
        return margin

    def recycler_costs_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what a tonne of battery costs a recycler: the formal offer, its treatment, the refining."""
        return self.payable_yuan_t(day, chemistry) + self._refining_yuan_t(day, chemistry)

    def _refining_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        lfp, ncm = self._market.refining_lfp_yuan_t, self._market.refining_ncm_yuan_t
        refining: Floats = np.where(chemistry == Chemistry.LFP, lfp.at(day), ncm.at(day))
        return refining

    def workshop_margin_yuan_t(self, day: Ints, chemistry: Ints, informal: Informal) -> Floats:
        """Return float64[n], what is left to a workshop that nobody finds of a tonne bought at its offer.

        A part is remade and sold by the kWh; of the rest, black mass is sold at the formal coefficients.
        """
        market, quarter = self._market, _quarters(day)
        remade = remade_share(informal, day)
        black_mass = self.coefficients_yuan_t(day, chemistry)
        # foil, case and what manganese there is are no part of the coefficients, but sold all the same
        sold: Floats = remade * self._kwh_t[quarter, chemistry] * market.remade_yuan_kwh.at(day)
        sold += (1.0 - remade) * np.asarray(informal.recovery_share.at(day)) * black_mass
        sold -= self.informal_yuan_t(day, chemistry)
        sold -= self._work_yuan_t(day)
        return sold

    def workshop_costs_yuan_t(self, day: Ints, chemistry: Ints) -> Floats:
        """Return float64[n], what a tonne of battery costs a workshop: its offer, the transport, the work."""
        return self.informal_yuan_t(day, chemistry) + self._work_yuan_t(day)

    def _work_yuan_t(self, day: Ints) -> Floats:
        market = self._market
        return np.asarray(market.informal_transport_yuan_t.at(day)) + market.workshop_yuan_t.at(day)


class Prices:
    """What each way leaves to a holder who believes to risk something, and the chance that he goes the lawful one.

    Args:
        worth: of batteries.
        belief: of those who may be found.
    """

    def __init__(
        self,
        worth: Worth,
        market: Market,
        enforcement: Enforcement,
        inspections: Inspections,
        collection: Collection,
        informal: Informal,
        belief: Belief,
    ) -> None:
        self.worth = worth
        self._way = lawful_way(collection)
        self._market, self._enforcement = market, enforcement
        self._inspections, self._informal, self._belief = inspections, informal, belief

    def workshop_risk_yuan_t(
        self, day: Ints, province: Ints, mass_t: Floats, informal_yuan_t: Floats
    ) -> Floats:
        """Return float64[n], what a workshop takes off its offer for what may be confiscated and fined.

        A battery found in a workshop or under way is lost, with a fine; a product that is found costs a fine.
        """
        law, belief = self._inspections, self._belief
        at_work, under_way = (
            belief.found_share(watch, province) for watch in (Watch.WORKSHOP, Watch.TRANSPORT)
        )
        sold = belief.found_share(Watch.PRODUCT, province) * remade_share(self._informal, day)
        fines = at_work * per_pack(law.mee, day)
        fines += under_way * per_pack(law.mot, day) + sold * per_pack(law.samr, day)
        risk: Floats = (at_work + under_way) * np.maximum(informal_yuan_t, 0.0)
        risk += fines / np.maximum(mass_t, 1e-3)
        return risk

    def lawful_share(
        self, holder: Holder, day: Ints, chemistry: Ints, mass_t: Floats, province: Ints
    ) -> Floats:
        """Return float64[n], the chance that *holder* hands each battery over lawfully on its day.

        Args:
            holder: who decides.
            day: int[n], when, days since 1970-01-01.
            chemistry: int[n], of each battery.
            mass_t: float64[n], tonnes.
            province: int[n], of the holder, 1 to 31; what he believes is what is seen there.
        """
        market, enforcement = self._market, self._enforcement
        informal = self.worth.informal_yuan_t(day, chemistry)
        advantage = self.worth.formal_yuan_t(day, chemistry) - informal
        advantage += self.workshop_risk_yuan_t(day, province, mass_t, informal)
        transport = np.asarray(market.formal_transport_yuan_t.at(day)) * self._way
        advantage += np.asarray(market.informal_transport_yuan_t.at(day)) - transport
        saved = np.asarray(market.deposit_yuan_pack.at(day))
        if holder in WATCHED:
            law = self._inspections.mofcom if holder is Holder.DISMANTLER else self._inspections.miit
            saved = saved + self._belief.found_share(WATCHED[holder], province) * per_pack(law, day)
        if holder is Holder.OWNER:
            refused = np.asarray(enforcement.integrated_scrapping.at(day)) * enforcement.refused_share.at(day)
            saved = saved + refused * enforcement.certificate_yuan.at(day)
        advantage += saved / np.maximum(mass_t, 1e-3)
        advantage += market.subsidy_yuan_t.at(day)
        advantage += np.asarray(market.leaning_yuan_t.at(day)) + getattr(market, holder.value).at(day)
        advantage /= -market.noise_yuan_t
        np.clip(advantage, -500, 500, out=advantage)
        share: Floats = 1.0 / (1.0 + np.exp(advantage))
        return share


def lawful_way(collection: Collection) -> float:
    """Return the cost of transport to a lawful buyer as a multiple of that with the outlets of 2023.

    The mean distance to the nearest of many places is in inverse proportion to the square root of their density.
    Source: Larson and Odoni (1981), Urban Operations Research, ch. 3.
    """
    return 1.0 + collection.way_share * (1.0 / sqrt(collection.density) - 1.0)


def remade_share(informal: Informal, day: Ints) -> Floats:
    """Return float64 (one, or one a day), the share of packs that workshops remake and sell."""
    share: Floats = np.asarray(informal.e_bike_share.at(day)) + informal.storage_share.at(day)
    return share


def per_pack(law: Inspection, day: Ints) -> Floats:
    """Return float64 (one, or one a day), the fine in yuan that falls on each battery of a case."""
    fine: Floats = np.asarray(law.fine_yuan.at(day)) / np.maximum(law.packs_per_case.at(day), 1.0)
    return fine


def _quarters(day: Ints) -> Ints:
    # what lies beyond the series is beyond every horizon, and is never written
    return np.minimum(quarters.of_days(day), 4 * YEARS - 1)
