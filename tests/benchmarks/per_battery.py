"""A dozen of the rules as a loop over batteries: what one would write without a database.

All rows are read, sorted into one list a battery, and looked at in plain Python.  Truth view, 2018 to the last day.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from sqlalchemy import select

from traceability.compliance.law import ORDER_73_FROM, TRACED_FROM
from traceability.store import Store, schema
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Role, Use

RULES = ("R12", "R21", "R22", "R23", "R24", "R32", "R35", "R45", "R46", "R47", "R57")
"""Which of the rules the loop knows."""

ELV_FROM = 18_506  # 2020-09-01


class Row(NamedTuple):
    """One event, as the loop keeps it."""

    event: int
    day: int
    told: int | None
    actor: int
    receiver: int | None


def found(store: Store, as_of: int) -> Counter[str]:
    """Return rule id -> findings in what happened by *as_of*, battery by battery."""
    roles = {number: Role(role) for number, role in _rows(store, schema.actor.c.actor, schema.actor.c.role)}
    uses = {unit: use for unit, use in _rows(store, schema.unit.c.unit, schema.unit.c.purpose) if use}
    ordinal = {day: n for day, n in _rows(store, schema.workday.c.day, schema.workday.c.ordinal)}
    lives: defaultdict[tuple[int | None, int | None], list[Row]] = defaultdict(list)
    e = schema.event
    columns = (e.c.unit, e.c.vehicle, e.c.event, e.c.event_day, e.c.record_day, e.c.actor, e.c.receiver)
    for unit, vehicle, *row in store.rows(
        select(*columns).where(e.c.happened, e.c.event_day <= as_of).order_by(e.c.event_id)
    ):
        lives[unit, None if unit is not None else vehicle].append(Row(*row))  # type: ignore[arg-type]
    counts: Counter[str] = Counter()
    judge = _Judge(as_of, roles, ordinal)
    for (unit, _), life in lives.items():
        for row in life:
            counts.update(judge.of(row))
        counts.update(_barred(life, uses.get(unit, 0) if unit is not None else 0))
    return counts


class _Judge:
    def __init__(self, as_of: int, roles: dict[int, Role], ordinal: dict[int, int]) -> None:
        self._as_of, self._roles, self._ordinal = as_of, roles, ordinal
        self._rules: dict[int, list[Callable[[Row], str | None]]] = defaultdict(list)
        by = self._rules
        by[E.CERTIFY].append(lambda row: self._late(row, "R12", Role.OEM, working=15, days=20))
        by[E.RECEIVE].append(lambda row: self._late(row, "R46", Role.CU, working=30, days=30))
        by[E.DISPATCH].append(lambda row: self._late(row, "R47", Role.CU, working=None, days=30))
        for event in (E.ISSUE_CERTIFICATE, E.SHIP):
            by[event].append(lambda row: self._late(row, "R32", Role.ELV, working=15, days=30))
        for event in (E.SHIP, E.DIVERT):
            by[event] += [self._swap_operator, self._repairer, self._dismantler]
        for event in (E.SHIP, E.DELIVER, E.DIVERT, E.COLLECT):
            by[event].append(self._informal)
        by[E.DISMANTLE].append(lambda row: self._others(row, "R35"))
        for event in (E.PROCESS, E.RECOVER):
            by[event].append(lambda row: self._others(row, "R45"))

    def of(self, row: Row) -> Iterable[str]:
        """Return the rules that *row* breaks."""
        return [rule for ask in self._rules.get(row.event, ()) if (rule := ask(row)) is not None]

    def _late(self, row: Row, rule: str, who: Role, *, working: int | None, days: int) -> str | None:
        if self._roles[row.actor] is not who:
            return None
        told = self._as_of if row.told is None or row.told > self._as_of else row.told
        if row.day >= ORDER_73_FROM:
            return rule if told - row.day > days else None
        if working is None or row.day < TRACED_FROM:
            return None
        return rule if self._ordinal[told] - self._ordinal[row.day] > working else None

    def _handed(self, row: Row, rule: str, giver: Role, since: int) -> str | None:
        if self._roles[row.actor] is not giver or row.day < since:
            return None
        if row.event == E.DIVERT:
            return rule
        allowed = {Role.CU, Role.OUTLET}
        if giver is Role.ELV and row.day < ORDER_73_FROM:
            allowed.add(Role.PRODUCT_MAKER)
        return None if row.receiver is not None and self._roles[row.receiver] in allowed else rule

    def _swap_operator(self, row: Row) -> str | None:
        return self._handed(row, "R21", Role.SWAP_OP, ORDER_73_FROM)

    def _repairer(self, row: Row) -> str | None:
        return self._handed(row, "R22", Role.REPAIR, ORDER_73_FROM)

    def _dismantler(self, row: Row) -> str | None:
        return self._handed(row, "R23", Role.ELV, ELV_FROM)

    def _informal(self, row: Row) -> str | None:
        if row.day < ORDER_73_FROM:
            return None
        if row.event == E.DIVERT:
            return "R24"
        if row.event == E.COLLECT:
            return "R24" if self._roles[row.actor] is Role.INFORMAL else None
        taker = None if row.receiver is None else self._roles[row.receiver]
        return "R24" if taker is Role.INFORMAL else None

    def _others(self, row: Row, rule: str) -> str | None:
        return rule if row.day >= ORDER_73_FROM and self._roles[row.actor] is not Role.CU else None


def _barred(life: list[Row], use: int) -> list[str]:
    if use != Use.E_BIKE:
        return []
    put = any(row.event in (E.REMAKE, E.PLACE) and row.day >= ORDER_73_FROM for row in life)
    return ["R57"] if put else []


def _rows(store: Store, *columns: Any) -> list[tuple[Any, ...]]:
    return store.rows(select(*columns))
