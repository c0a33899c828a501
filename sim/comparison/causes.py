"""Why two lives part: by rule, by what others did, or by crowding.

What a pack meets depends on its own luck, which twins share; on figures of the scenario; and on others.  So:

    rule       a figure that governs the step differs between the scenarios while the step is taken.  For the
               choice of a way to sell, the chance to go the lawful one is computed under both scenarios, with
               one and the same belief: where it differs, the pack's draw is shown beside both.
    others     no figure of its own differs, and the step is a sale, whose chance rests on what the trade has
               seen of inspections, or on which recyclers are off the list: what others did, and suffered.
    crowding   no figure of its own differs, and the step waits on others: the queue of a recycler, the lot of
               an outlet and its truck, a stock of spares, a swap pool.
    unknown    none of these; a defect of this table or of the model, and said so.

Limits: the figures are compared, not the belief, which no log holds: a rule and a belief that pull together count
as rule.  A rule that changes what others do, and through them a queue, is crowding for those who stand in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from sim.belief import Belief
from sim.chance import Chance
from sim.comparison.births import Origin
from sim.comparison.changed import figures_changed
from sim.comparison.lives import Parting, Step
from sim.dated import Dated
from sim.inputs import Inputs
from sim.market import HOLDER_OF_ROLE, Holder, Prices, Worth
from sim.report.words import Text
from sim.scenario import Scenario
from traceability.events import day_number
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Role


class Cause(Enum):
    """Why a pack fares otherwise."""

    RULE = "rule"
    OTHERS = "others"
    CROWDING = "crowding"
    UNKNOWN = "unknown"


class Why(NamedTuple):
    """Why two lives part.

    Attributes:
        says: through what, in both languages.
        draw: the luck of the choice, where the step is one; lawful below `before` and below `after`.
    """

    cause: Cause
    says: Text
    draw: float | None = None
    before: float | None = None
    after: float | None = None


class Pack(NamedTuple):
    """What a choice depends on beside its day: key of the luck, origin, chemistry, tonnes, province of its vehicle."""

    key: int
    origin: Origin
    chemistry: int
    mass_t: float
    vehicle_province: int


_STORE = Text("the lot of the outlet was full on another day", "回收网点在另一天装满发运")
_TRUCK = Text("it travelled with other packs", "与不同的电池包同车运输")
_QUEUE = Text("the queue at the recycler was another", "综合利用企业的排队长度不同")
_SPARES = Text("the stock of spares held other packs", "维修备件库存不同")
_POOL = Text("the swap pool held other packs", "换电站电池池的构成不同")
_LIST = Text("other recyclers were on the list", "名单内的综合利用企业不同")
_BELIEF = Text("the trade had seen other inspections", "同行所见的查处情况不同")
_CHOICE = Text("the lawful way had another chance", "选择正规渠道的概率不同")

_IN_SERVICE = ("life", "manufacture", "replacement", "swap", "technology", "shipments", "brand", "plant")
_HANDED = ("collection", "recycling", "sites", "structure")
_GOVERNS: dict[E | None, tuple[str, ...]] = {
    None: (*_IN_SERVICE, "coding"),
    E.CODE: _IN_SERVICE,
    E.DELIVER: _IN_SERVICE,
    E.INSTALL: _IN_SERVICE,
    E.CERTIFY: _IN_SERVICE,
    E.SELL: _IN_SERVICE,
    E.SWAP_IN: ("swap", "life", "technology"),
    E.SWAP_OUT: ("swap", "technology"),
    E.REMOVE: ("replacement", "technology"),
    E.KEEP: ("replacement", "swap", "technology"),
    E.RETIRE: ("replacement", "swap", *_HANDED),
    E.RECEIVE_VEHICLE: ("scrapping",),
    E.ISSUE_CERTIFICATE: ("scrapping",),
    E.DISMOUNT: ("scrapping", *_HANDED),
    E.SHIP: ("collection",),
    E.COLLECT: ("collection",),
    E.RECEIVE: ("recycling",),
    E.TEST: ("recycling",),
    E.DIVERT: ("informal",),
}
"""Last event that two lives share -> the sections of the scenario that govern the next, prices and risks apart."""

_SALE = frozenset({E.DIVERT, E.SHIP, E.RECEIVE_VEHICLE})


class Causes:
    """Decides why lives part in two runs of one seed.

    Args:
        before, after: the scenarios, of one horizon, scale and seed.
        inputs: that both were run with.
        replication: whose luck.
    """

    def __init__(self, before: Scenario, after: Scenario, inputs: Inputs, replication: int) -> None:
        self._chance = Chance(before.seed, replication)
        self._first_day = before.first_day()
        self._figures = _differing(before, after)
        # one belief for both: what is left to differ is the scenario's own
        belief = Belief(before.learning, before.scale)
        self._prices = tuple(
            Prices(
                Worth(inputs, s.market),
                s.market,
                s.enforcement,
                s.inspection,
                s.collection,
                s.informal,
                belief,
            )
            for s in (before, after)
        )

    def why(self, parting: Parting, pack: Pack) -> Why:
        """Return why two lives of *pack* part there."""
        last, a, b = parting
        day = max(step.day for step in (last, a, b) if step is not None)
        since = min(step.day for step in (last, a, b) if step is not None)
        if waiting := self._waits_on_others(parting):
            governs = _GOVERNS.get(last.event if last else None, ())
            return self._by_figure(governs, since, day) or Why(Cause.CROWDING, waiting)
        if figure := self._by_figure(_GOVERNS.get(last.event if last else None, ()), since, day):
            return figure
        if any(step is not None and step.event in _SALE for step in (a, b)):
            return self._of_a_sale(parting, pack, day)
        return Why(Cause.UNKNOWN, Text("no figure of its own differs", "未发现相关取值差异"))

    def of_absent(self, origin: Origin, day: int) -> Why:
        """Return why a pack was made in one of the runs only, about on *day*."""
        sections = {
            Origin.SOLD: _IN_SERVICE,
            Origin.REPLACEMENT: ("replacement", "technology", "manufacture"),
            Origin.POOL: ("swap", "technology", "manufacture"),
        }[origin]
        shared = _SPARES if origin is Origin.REPLACEMENT else _POOL
        found = self._by_figure(sections, self._first_day, day)
        if found is not None or origin is not Origin.SOLD:
            return found or Why(Cause.CROWDING, shared)
        return Why(Cause.UNKNOWN, Text("no figure of its own differs", "未发现相关取值差异"))

    def _by_figure(self, sections: Sequence[str], first: int, last: int) -> Why | None:
        for key, spans in self._figures.items():
            if key.split(".")[0] in sections and any(a <= last and b >= first for a, b in spans):
                return Why(Cause.RULE, Text(f"{key} differs", f"{key} 取值不同"))
        return None

    def _waits_on_others(self, parting: Parting) -> Text | None:
        """Return what is shared with others in the step where the lives part, or None where it is its own."""
        last, a, b = parting
        nexts = {step.event for step in (a, b) if step is not None}
        if last is None:
            return None
        if last.event in (E.SWAP_IN, E.SWAP_OUT) or nexts & {E.SWAP_IN, E.SWAP_OUT}:
            return _POOL
        if last.event is E.KEEP:
            return _POOL if last.role is Role.SWAP_OP else _SPARES
        if last.event is E.COLLECT:
            days = {step.day if step else None for step in (a, b)}
            if len(days) > 1:
                return _STORE
            return _TRUCK if nexts == {E.SHIP} else None
        if last.event is E.SHIP and last.role is Role.OUTLET:
            return _TRUCK
        return _QUEUE if last.event is E.RECEIVE else None

    def _of_a_sale(self, parting: Parting, pack: Pack, day: int) -> Why:
        last, a, b = parting
        step = next(s for s in (a, b) if s is not None and s.event in _SALE)
        if a is not None and b is not None and a.event is b.event is E.SHIP:
            return Why(Cause.OTHERS, _LIST)
        holder, province = self._holder(step, pack)
        if holder is None or last is None:
            return Why(Cause.UNKNOWN, Text("no choice known", "未知的选择"))
        at = np.array([step.day])
        shares = [
            float(
                prices.lawful_share(
                    holder, at, np.array([pack.chemistry]), np.array([pack.mass_t]), np.array([province])
                )[0]
            )
            for prices in self._prices
        ]
        key = np.array([pack.key], dtype=np.uint64)
        draw = float(self._chance.draw(f"channel.{holder.name}", key)[0])
        if shares[0] != shares[1]:
            return Why(Cause.RULE, _CHOICE, draw, *shares)
        found = self._by_figure(("learning", "inspection"), self._first_day, day)
        return (found or Why(Cause.OTHERS, _BELIEF))._replace(draw=draw, before=shares[0], after=shares[1])

    def _holder(self, step: Step, pack: Pack) -> tuple[Holder | None, int]:
        """Return who chose, and the province whose inspections he knows."""
        if step.event is E.RECEIVE_VEHICLE:
            return Holder.OWNER, pack.vehicle_province
        holder = HOLDER_OF_ROLE.get(step.role)
        if holder is Holder.OPERATOR:
            luck = self._chance.draw("swap.province", np.array([pack.key], dtype=np.uint64))
            return holder, int(luck[0] * 31) + 1
        return holder, step.province


def _differing(before: Scenario, after: Scenario) -> dict[str, list[tuple[int, int]]]:
    """Return key -> the spans of days on which a figure differs, for every one that does."""
    return {
        change.key: _spans(_figure(before, change.key), _figure(after, change.key))
        for change in figures_changed(before, after)
    }


_EVER, _NEVER_ENDS = -(2**31), 2**31


def _spans(a: object, b: object) -> list[tuple[int, int]]:
    if not isinstance(a, Dated) or not isinstance(b, Dated):
        return [(_EVER, _NEVER_ENDS)]
    starts = sorted({day_number(start) for series in (a, b) for start, _ in series.steps})
    bounds = [_EVER, *starts, _NEVER_ENDS]
    return [(first, last - 1) for first, last in pairwise(bounds) if a.on(first) != b.on(first)]


def _figure(scenario: Scenario, key: str) -> object:
    found: Any = scenario
    for step in key.split("."):
        found = found.get(step) if isinstance(found, dict) else getattr(found, step, None)
    return found
