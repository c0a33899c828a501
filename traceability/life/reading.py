"""Reading a life from a store, by a handful of selects that each ask for one unit or vehicle."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, and_, func, select

from traceability import codes, vin
from traceability.codes import BatteryCode
from traceability.compliance.rule import Rule
from traceability.compliance.rules import RULES
from traceability.compliance.rules.vehicles import RESPONSIBLE_PARTY_NOT_ONE
from traceability.errors import CodeError, ImpossibleTransition
from traceability.life.breaches import breaches
from traceability.life.lookup import Subject
from traceability.life.parts import Holding, Life, LifeEvent, Party, Responsible, Stay, Tie
from traceability.lifecycle import advance, standing, state_of
from traceability.store import Store, schema
from traceability.vin import Vin
from traceability.vocabulary import REMARKS, VEHICLE_EVENTS, Chemistry, Level, LinkKind, Role, State, Use
from traceability.vocabulary import EventType as E

INTO_VEHICLE = frozenset({E.INSTALL, E.SWAP_IN})
OUT_OF_VEHICLE = frozenset({E.REMOVE, E.SWAP_OUT, E.DISMOUNT, E.DIVERT, E.EXPORT, E.LOSE})

_KEEPER = {
    **dict.fromkeys((E.DELIVER, E.SELL, E.DIVERT, E.PLACE, E.DISPATCH), "receiver"),
    **dict.fromkeys((E.INSTALL, E.SWAP_IN), "owner"),
    **dict.fromkeys((E.LOSE, E.DISMANTLE, E.PROCESS, E.USE_IN_PRODUCT, E.CONSUME), "nobody"),
    **dict.fromkeys((E.ISSUE_CERTIFICATE, E.TEST), "same"),
    E.SHIP: "carrier",
}
"""Who holds a unit after an event; who did it, where the event is not listed."""


def read_life(store: Store, subject: Subject, *, rules: Sequence[Rule] = RULES) -> Life:
    """Return the life of *subject*, which `lookup.find` has found in *store*, with what *rules* say of it.

    Raises:
        StoreError: the store cannot be read.
        RuleBroken: a rule that does not run.
    """
    events = _events_of(store, subject)
    as_of = last_day(store)
    identity = _of_vehicle(store, subject.number) if subject.is_vehicle else _of_unit(store, subject.number)
    level: Level = identity["level"]
    parents, children = ((), ()) if subject.is_vehicle else _ties(store, subject.number)
    stays = _vehicle_stays(store, subject.number) if subject.is_vehicle else _stays(events)
    responsible = None
    if level in codes.LEVEL_LETTER:
        responsible = _responsible(store, events, parents, identity["maker"])
    return Life(
        subject=subject,
        as_of=as_of,
        events=events,
        state=_replayed(events, level, subject.number),
        holders=_holders(store, events, of_vehicle=subject.is_vehicle),
        stays=stays,
        parents=parents,
        children=children,
        responsible=responsible,
        findings=breaches(store, subject, as_of, rules),
        **identity,
    )


def last_day(store: Store) -> int:
    """Return the day from which one looks back on *store*: the end of its run, or else its latest day."""
    if "last_day" in (kept := store.meta()):
        return int(kept["last_day"])
    e = schema.event
    [days] = store.rows(select(func.max(e.c.event_day), func.max(e.c.record_day)))
    return max((int(str(day)) for day in days if day is not None), default=0)


def _of_unit(store: Store, number: int) -> dict[str, Any]:
    u, coder = schema.unit, schema.actor
    rows: list[tuple[Any, ...]] = store.rows(
        select(u.c.code, u.c.level, u.c.chemistry, u.c.energy_wh, u.c.mass_g, u.c.purpose, u.c.made_day,
               u.c.coder, coder.c.name, coder.c.role)
        .select_from(u.outerjoin(coder, coder.c.actor == u.c.coder))
        .where(u.c.unit == number)
    )  # fmt: skip
    code, level, chemistry, energy_wh, mass_g, purpose, made_day, *maker = rows[0]
    decoded, undecoded = _decoded(code, codes.parse)
    return {
        "name": code, "decoded": decoded, "undecoded": undecoded, "level": Level(level),
        "chemistry": Chemistry(chemistry), "energy_wh": energy_wh, "mass_g": mass_g, "purpose": Use(purpose),
        "maker": _party(*maker), "made_day": made_day,
    }  # fmt: skip


def _of_vehicle(store: Store, number: int) -> dict[str, Any]:
    v, maker = schema.vehicle, schema.actor
    rows: list[tuple[Any, ...]] = store.rows(
        select(v.c.vin, v.c.maker, maker.c.name, maker.c.role)
        .select_from(v.outerjoin(maker, maker.c.actor == v.c.maker))
        .where(v.c.vehicle == number)
    )
    text, *made_by = rows[0]
    decoded, undecoded = _decoded(text, vin.parse)
    return {
        "name": text, "decoded": decoded, "undecoded": undecoded, "level": Level.VEHICLE, "chemistry": None,
        "energy_wh": None, "mass_g": None, "purpose": Use.NONE, "maker": _party(*made_by), "made_day": None,
    }  # fmt: skip


def _decoded(
    text: str | None, parse: Callable[[str], BatteryCode | Vin]
) -> tuple[BatteryCode | Vin | None, str]:
    if text is None:
        return None, "it bears none"
    try:
        return parse(text), ""
    except CodeError as error:
        return None, str(error)


def _party(actor: int, name: str | None, role: int | None) -> Party:
    return Party(actor, name or f"actor:{actor}", None if role is None else Role(role))


def _events_of(store: Store, subject: Subject) -> tuple[LifeEvent, ...]:
    e = schema.event
    return _events(store, (e.c.vehicle if subject.is_vehicle else e.c.unit) == subject.number)


def _events(store: Store, chosen: ColumnElement[bool]) -> tuple[LifeEvent, ...]:
    """Return the *chosen* records by day; a correction stands where what it replaces stood."""
    e, u, v = schema.event, schema.unit, schema.vehicle
    who = [schema.actor.alias(name) for name in ("giver", "taker", "mover")]
    numbers = (e.c.actor, e.c.receiver, e.c.carrier)
    rows = e.outerjoin(u, u.c.unit == e.c.unit).outerjoin(v, v.c.vehicle == e.c.vehicle)
    for actor, number in zip(who, numbers, strict=True):
        rows = rows.outerjoin(actor, actor.c.actor == number)
    parties = [
        column.label(f"{actor.name}_{what}")
        for actor, number in zip(who, numbers, strict=True)
        for what, column in (("number", number), ("name", actor.c.name), ("role", actor.c.role))
    ]
    names = ("event_id", "event", "event_day", "record_day", "happened", "corrects")
    plain = (*(e.c[name] for name in names), e.c.unit, u.c.code, e.c.vehicle, v.c.vin)
    found: list[tuple[Any, ...]] = store.rows(select(*plain, *parties).select_from(rows).where(chosen))
    corrected_by = {row[5]: row[0] for row in found if row[5] is not None}
    found.sort(key=lambda row: (row[2], row[0] if row[5] is None else row[5], row[0]))
    return tuple(
        LifeEvent(
            event_id=row[0], event=E(row[1]), day=row[2], record_day=row[3], happened=row[4], corrects=row[5],
            unit=row[6], code=row[7], vehicle=row[8], vin=row[9], corrected_by=corrected_by.get(row[0]),
            actor=_party(*row[10:13]),
            receiver=None if row[13] is None else _party(*row[13:16]),
            carrier=None if row[16] is None else _party(*row[16:19]),
        )
        for row in found
    )  # fmt: skip


def _effective(events: Iterable[LifeEvent]) -> list[LifeEvent]:
    # a remark is no step on a unit's way
    return [
        event
        for event in events
        if event.happened and event.corrected_by is None and event.event not in REMARKS
    ]


def _replayed(events: Sequence[LifeEvent], level: Level, number: int) -> State | None:
    """Return the state after all that happened, in the order in which it was recorded, as a registry does."""
    now = np.array([standing(level, State.UNREGISTERED)], dtype=np.uint8)
    for event in sorted(events, key=lambda event: event.event_id):
        if event.event in REMARKS:
            continue
        if event.happened and (event.event in VEHICLE_EVENTS) == (level is Level.VEHICLE):
            try:
                now = advance(now, event.event, np.array([number]))
            except ImpossibleTransition:  # a log that came from elsewhere
                return None
    return State(int(state_of(now)[0]))


def _holders(store: Store, events: Sequence[LifeEvent], *, of_vehicle: bool) -> tuple[Holding, ...]:
    owners = _owners(store, {event.vehicle for event in events if event.event in INTO_VEHICLE})
    held: list[Holding] = []
    for event in _effective(events):
        if of_vehicle and event.event not in VEHICLE_EVENTS:
            continue
        keeper = _KEEPER.get(event.event, "actor")
        if keeper == "same" and held:
            continue
        holder: Party | None = event.actor
        if keeper == "nobody" or keeper == "receiver":
            holder = event.receiver if keeper == "receiver" else None
        elif keeper == "carrier":
            holder = event.carrier or event.actor
        elif keeper == "owner":
            bought = [
                owner for vehicle, day, owner in owners if vehicle == event.vehicle and day <= event.day
            ]
            holder = bought[-1] if bought else event.actor
        if held and held[-1].holder == holder is not None:
            continue
        if held:
            held[-1] = replace(held[-1], to_day=event.day)
        held.append(Holding(holder, event.event, event.day, None))
    return tuple(held)


def _owners(store: Store, vehicles: set[int | None]) -> list[tuple[int, int, Party]]:
    """Return vehicle, day and buyer of every sale of *vehicles*, the latest first."""
    e = schema.event
    wanted = [vehicle for vehicle in vehicles if vehicle is not None]
    if not wanted:
        return []
    sales = _events(store, and_(e.c.event == int(E.SELL), e.c.vehicle.in_(wanted)))
    return [
        (sale.vehicle, sale.day, sale.receiver)
        for sale in reversed(_effective(sales))
        if sale.receiver is not None and sale.vehicle is not None
    ]


def _stays(events: Iterable[LifeEvent]) -> tuple[Stay, ...]:
    """Return the stays of one unit, from its events: each ends with the next event that puts or takes it."""
    stays: list[Stay] = []
    for event in _effective(events):
        if event.unit is None or event.event not in INTO_VEHICLE | OUT_OF_VEHICLE:
            continue
        if stays and stays[-1].to_day is None:
            stays[-1] = replace(stays[-1], to_day=event.day, taken_out_by=event.event)
        if event.event in INTO_VEHICLE:
            stays.append(
                Stay(event.unit, event.code, event.vehicle, event.vin, event.day, None, event.event, None)
            )
    return tuple(stays)


def _vehicle_stays(store: Store, vehicle: int) -> tuple[Stay, ...]:
    e, put = schema.event, schema.event.alias("put")
    there = select(put.c.unit).where(
        put.c.vehicle == vehicle, put.c.event.in_([int(v) for v in INTO_VEHICLE])
    )
    moves = [int(v) for v in INTO_VEHICLE | OUT_OF_VEHICLE]
    events = _events(store, and_(e.c.event.in_(moves), e.c.unit.in_(there)))
    stays = [
        stay
        for unit in sorted({event.unit for event in events if event.unit is not None})
        for stay in _stays(event for event in events if event.unit == unit)
        if stay.vehicle == vehicle
    ]
    return tuple(sorted(stays, key=lambda stay: (stay.from_day, stay.unit)))


def _ties(store: Store, number: int) -> tuple[tuple[Tie, ...], tuple[Tie, ...]]:
    k, u = schema.link, schema.unit
    found = []
    for mine, other in ((k.c.child, k.c.parent), (k.c.parent, k.c.child)):
        rows: list[tuple[Any, ...]] = store.rows(
            select(k.c.kind, other, u.c.code, u.c.level, k.c.from_day, k.c.to_day, k.c.record_day)
            .select_from(k.join(u, u.c.unit == other))
            .where(mine == number)
            .order_by(k.c.from_day, other)
        )
        found.append(tuple(Tie(LinkKind(row[0]), row[1], row[2], Level(row[3]), *row[4:]) for row in rows))
    return found[0], found[1]


def _responsible(
    store: Store, events: Sequence[LifeEvent], parents: Sequence[Tie], coder: Party
) -> Responsible:
    """Return who answers for a battery: the vehicle maker it was first sold to, otherwise who coded it.

    What was part of a pack was sold with the pack.
    Source: docs/regulation.md, fallback liability; article and grade are those of rule R19.
    """
    what, e = "It", schema.event
    while whole := next((tie for tie in parents if tie.kind is LinkKind.CONTAINS), None):
        what, coder = f"unit:{whole.unit}, of which it was a part,", _of_unit(store, whole.unit)["maker"]
        events, parents = _events(store, e.c.unit == whole.unit), _ties(store, whole.unit)[0]
    first = next((sale for sale in _effective(events) if sale.event is E.DELIVER), None)
    buyer = None if first is None else first.receiver
    law = RESPONSIBLE_PARTY_NOT_ONE.limits[0]
    party = coder
    if buyer is None:
        reason = f"{what} was delivered to no vehicle maker, so the one who coded it answers for it."
    elif buyer.role is Role.OEM:
        party = buyer
        reason = (
            f"{what} was first delivered to {buyer.name}, and a vehicle maker answers for what it installs."
        )
    else:
        role = "an unknown role" if buyer.role is None else buyer.role.name
        reason = (
            f"{what} was first delivered to {buyer.name} ({role}), and the one who coded it answers for "
            "every sale but those to vehicle makers."
        )
    return Responsible(party, reason, str(law.article), law.grade.value)
