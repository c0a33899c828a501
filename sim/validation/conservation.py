"""Grams and units of a log: what came in is what is there, to the gram and to the unit."""

from __future__ import annotations

from sim.validation.judging import Line, exact_line
from traceability.store.parquet import ParquetStore
from traceability.vocabulary import Element, LinkKind, Role
from traceability.vocabulary import EventType as E

PART = "conservation"
_SOURCE = "arithmetic over the log"
_FITTED = f"({E.INSTALL}, {E.SWAP_IN})"
_TAKEN_OUT = f"({E.REMOVE}, {E.SWAP_OUT}, {E.DISMOUNT}, {E.EXPORT}, {E.DIVERT}, {E.LOSE})"


def lines(store: ParquetStore) -> list[Line]:
    """Return a line for each element, for the mass that went into the works, and for the units of one log."""
    return [*_elements(store), _works(store), *_units(store)]


def _elements(store: ParquetStore) -> list[Line]:
    """Input against recovered and residue of every element; the works of listed firms and of workshops together."""
    rows = {
        element: (taken_in, out)
        for element, taken_in, out in store.connection.execute(
            """select element, sum(input_g)::bigint, sum(recovered_g + residue_g)::bigint
            from material where happened group by element"""
        ).fetchall()
    }
    found = [
        _equal(
            f"{element.name}: taken in = recovered + residue", "g", *rows.get(int(element), (0, 0)),
            why="simulated grams, of every work of the run",
        )
        for element in Element
    ]  # fmt: skip
    ((off,),) = store.connection.execute(
        "select count(*) from material where happened and input_g <> recovered_g + residue_g"
    ).fetchall()
    return [
        *found,
        _equal("lots and elements whose balance does not close", "balances", 0, off, why="each by itself"),
    ]


def _works(store: ParquetStore) -> Line:
    """The mass of packs, parts and scrap that were processed, against what the works say that they took in.

    Black mass is a lot that a workshop made: it brings the mass that the workshop recovered.
    """
    ((went, said),) = store.connection.execute(
        f"""
        with work as (select distinct unit as lot from event where happened and event = {E.RECOVER}),
        workshop as (
            select m.lot, m.recovered_g from material m join actor a using (actor)
            where m.happened and m.element = {Element.MASS} and a.role = {Role.INFORMAL}
        ), went as (
            select sum(coalesce(w.recovered_g, u.mass_g)) as g
            from link l join work on work.lot = l.parent join unit u on u.unit = l.child
            left join workshop w on w.lot = l.child where l.kind = {LinkKind.MADE_FROM}
        ), said as (
            select sum(input_g) as g from material join work using (lot) where happened and element = {Element.MASS}
        )
        select coalesce((select g from went), 0)::bigint, coalesce((select g from said), 0)::bigint"""
    ).fetchall()
    return _equal(
        "packs, parts, scrap and black mass processed = mass taken in", "g", went, said,
        why="what is linked to a work, by the mass of the unit, beside the books of the work",
    )  # fmt: skip


def _units(store: ParquetStore) -> list[Line]:
    db = store.connection
    ((units, seen),) = db.execute(
        "select (select count(*) from unit), (select count(distinct unit) from event where happened and unit is not null)"
    ).fetchall()
    ((broken, once),) = db.execute(
        f"""select count(*), count(distinct child) from link join unit p on p.unit = parent
        where kind = {LinkKind.MADE_FROM}"""
    ).fetchall()
    ((wrong, left_in),) = db.execute(
        f"""
        with step as (
            select unit, event_id, event_day, case when event in {_FITTED} then 1 else -1 end as move
            from event where happened and unit is not null and (
                event in {_FITTED} or (vehicle is not null and event in {_TAKEN_OUT}))
        ), standing as (
            select unit, sum(move) over (partition by unit order by event_day, event_id) as fitted from step
        )
        select (select count(*) from standing where fitted not in (0, 1)), (select sum(move) from step)"""
    ).fetchall()
    ((last_in,),) = db.execute(
        f"""
        select count(*) from (
            select arg_max(event, (event_day, event_id)) as last from event where happened and unit is not null and (
                event in {_FITTED} or (vehicle is not null and event in {_TAKEN_OUT}))
            group by unit) where last in {_FITTED}"""
    ).fetchall()
    return [
        _equal("units of the log = units to which something happened", "units", units, seen, why="none is a number only"),
        _equal("batteries broken up = batteries broken up once", "units", broken, once, why="none is processed twice"),
        _equal("times that a pack was in two vehicles, or in less than none", "times", 0, wrong, why="in turn"),
        _equal("packs fitted less taken out = packs in vehicles", "packs", left_in or 0, last_in, why="at the end of the run"),
    ]  # fmt: skip


def _equal(name: str, unit: str, expected: int, model: int, *, why: str) -> Line:
    return exact_line(
        PART,
        name,
        unit,
        float(expected),
        model=float(model),
        slack=0.0,
        bound="equal",
        why=why,
        source=_SOURCE,
    )
