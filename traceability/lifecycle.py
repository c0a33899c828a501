"""What can follow what, for every kind of unit: one table, one function.

What is not in the table cannot happen.  What happens but should not is a rule's business.
Source of the states: REGULATION section 6.1, docs/regulation.md.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from traceability.errors import ImpossibleTransition
from traceability.vocabulary import EventType as E
from traceability.vocabulary import Level
from traceability.vocabulary import State as S

Standings = npt.NDArray[np.uint8]
Units = npt.NDArray[np.integer]

_HELD = (S.REMOVED, S.USED, S.AT_OUTLET, S.AT_RECYCLER, S.IN_TRANSIT)

_PACK: dict[tuple[S, E], S] = {
    (S.UNREGISTERED, E.CODE): S.CODED,
    (S.CODED, E.DELIVER): S.IN_STOCK,
    (S.IN_STOCK, E.DELIVER): S.IN_STOCK,
    (S.CODED, E.INSTALL): S.IN_VEHICLE,
    (S.IN_STOCK, E.INSTALL): S.IN_VEHICLE,
    (S.IN_STOCK, E.KEEP): S.SWAP_POOL,
    (S.IN_VEHICLE, E.SWAP_OUT): S.SWAP_POOL,
    (S.SWAP_POOL, E.SWAP_IN): S.IN_VEHICLE,
    (S.SWAP_POOL, E.RETIRE): S.USED,
    (S.IN_VEHICLE, E.REMOVE): S.REMOVED,
    (S.REMOVED, E.KEEP): S.IN_STOCK,
    (S.REMOVED, E.INSTALL): S.IN_VEHICLE,
    (S.REMOVED, E.RETIRE): S.USED,
    (S.IN_STOCK, E.RETIRE): S.USED,
    (S.CODED, E.SCRAP): S.USED,
    (S.IN_VEHICLE, E.DISMOUNT): S.USED,
    (S.IN_VEHICLE, E.EXPORT): S.EXPORTED,
    (S.IN_VEHICLE, E.DIVERT): S.DIVERTED,
    (S.USED, E.SHIP): S.IN_TRANSIT,
    (S.AT_OUTLET, E.SHIP): S.IN_TRANSIT,
    (S.AT_RECYCLER, E.SHIP): S.IN_TRANSIT,
    (S.IN_TRANSIT, E.COLLECT): S.AT_OUTLET,
    (S.IN_TRANSIT, E.RECEIVE): S.AT_RECYCLER,
    (S.USED, E.COLLECT): S.AT_OUTLET,
    (S.USED, E.EXPORT): S.EXPORTED,
    (S.AT_RECYCLER, E.TEST): S.AT_RECYCLER,
    (S.AT_RECYCLER, E.DISMANTLE): S.DISMANTLED,
    (S.AT_RECYCLER, E.PROCESS): S.PROCESSED,
    (S.AT_RECYCLER, E.USE_IN_PRODUCT): S.IN_PRODUCT,
    (S.DIVERTED, E.DISMANTLE): S.DISMANTLED,
    (S.DIVERTED, E.PROCESS): S.PROCESSED,
    (S.DIVERTED, E.USE_IN_PRODUCT): S.IN_PRODUCT,
    (S.DIVERTED, E.SHIP): S.IN_TRANSIT,
    # a dismantled pack whose children were not freed one by one is treated whole
    (S.USED, E.DISMANTLE): S.DISMANTLED,
    (S.AT_OUTLET, E.DISMANTLE): S.DISMANTLED,
    (S.MISSING, E.FIND): S.USED,
    (S.DIVERTED, E.FIND): S.USED,
    **{(held, E.DIVERT): S.DIVERTED for held in _HELD},
    **{(state, E.LOSE): S.MISSING for state in (*_HELD, S.CODED, S.IN_STOCK, S.IN_VEHICLE, S.SWAP_POOL)},
}

_CHILD: dict[tuple[S, E], S] = {
    (S.UNREGISTERED, E.FREE): S.FREED,
    (S.FREED, E.TEST): S.FREED,
    (S.FREED, E.DISMANTLE): S.DISMANTLED,
    (S.FREED, E.USE_IN_PRODUCT): S.IN_PRODUCT,
    (S.FREED, E.PROCESS): S.PROCESSED,
    (S.FREED, E.RETIRE): S.USED,
}

_PRODUCT: dict[tuple[S, E], S] = {
    (S.UNREGISTERED, E.REMAKE): S.PRODUCED,
    (S.PRODUCED, E.TEST): S.PRODUCED,
    (S.PRODUCED, E.PLACE): S.IN_USE,
    (S.IN_USE, E.RETURN): S.USED,
    (S.IN_USE, E.LOSE): S.MISSING,
    (S.IN_USE, E.DIVERT): S.DIVERTED,
}

_LOT: dict[tuple[S, E], S] = {
    (S.UNREGISTERED, E.SCRAP): S.USED,
    (S.UNREGISTERED, E.RECOVER): S.RECOVERED,
    (S.RECOVERED, E.DISPATCH): S.SHIPPED,
    (S.RECOVERED, E.SHIP): S.IN_TRANSIT,
    (S.RECOVERED, E.LOSE): S.MISSING,
    (S.MISSING, E.FIND): S.RECOVERED,
    (S.SHIPPED, E.CONSUME): S.CONSUMED,
    (S.USED, E.SHIP): S.IN_TRANSIT,
    (S.IN_TRANSIT, E.RECEIVE): S.AT_RECYCLER,
    (S.AT_RECYCLER, E.PROCESS): S.PROCESSED,
}

_VEHICLE: dict[tuple[S, E], S] = {
    (S.UNREGISTERED, E.CERTIFY): S.CERTIFIED,
    (S.CERTIFIED, E.SELL): S.ON_THE_ROAD,
    (S.ON_THE_ROAD, E.RECEIVE_VEHICLE): S.DELIVERED_FOR_SCRAP,
    (S.DELIVERED_FOR_SCRAP, E.ISSUE_CERTIFICATE): S.SCRAPPED,
}

# what was remade goes the way of every used battery once it is used again
_USED_AGAIN = {
    key: after
    for key, after in _PACK.items()
    if key[0] in (*_HELD, S.DIVERTED, S.MISSING) and key[0] is not S.REMOVED
}

TRANSITIONS: dict[Level, dict[tuple[S, E], S]] = {
    Level.VEHICLE: _VEHICLE,
    Level.PACK: _PACK,
    Level.MODULE: {**_PACK, **_CHILD},
    Level.CELL: {**_PACK, **_CHILD},
    Level.PRODUCT: {**_USED_AGAIN, **_PRODUCT},
    Level.LOT: _LOT,
}
"""Level -> (state, event) -> state after."""

TERMINAL = frozenset({S.DISMANTLED, S.PROCESSED, S.EXPORTED, S.IN_PRODUCT, S.CONSUMED, S.SCRAPPED})

_LEVEL_SHIFT = 5
IMPOSSIBLE = 255


def standing(level: Level, state: S) -> int:
    """Return level and state as the one byte that a registry keeps for each unit."""
    return level << _LEVEL_SHIFT | state


def level_of(standings: Standings) -> npt.NDArray[np.uint8]:
    """Return uint8[n], the Level of each standing."""
    return standings >> np.uint8(_LEVEL_SHIFT)


def state_of(standings: Standings) -> npt.NDArray[np.uint8]:
    """Return uint8[n], the State of each standing."""
    return standings & np.uint8((1 << _LEVEL_SHIFT) - 1)


NEXT: dict[E, Standings] = {event: np.full(256, IMPOSSIBLE, dtype=np.uint8) for event in E}
for _level, _table in TRANSITIONS.items():
    for (_before, _event), _after in _table.items():
        NEXT[_event][standing(_level, _before)] = standing(_level, _after)


def advance(standings: Standings, event: E, units: Units) -> Standings:
    """Return the standings of *units* after *event*.

    Args:
        standings: uint8[n], level and state of each unit before the event (see `standing`).
        event: what happens to all n.
        units: int[n] unit (or vehicle) numbers, for the error.

    Raises:
        ImpossibleTransition: *event* cannot follow the state of some unit; none has moved.

    >>> before = np.array([standing(Level.PACK, S.IN_VEHICLE)], dtype=np.uint8)
    >>> S(int(state_of(advance(before, E.REMOVE, np.array([7])))[0])).name
    'REMOVED'
    """
    after = NEXT[event][standings]
    if after.size and after.max() == IMPOSSIBLE:
        stuck = after == IMPOSSIBLE
        raise ImpossibleTransition(
            Level(int(level_of(standings[stuck])[0])),
            event,
            state_of(standings[stuck]),
            units[stuck],
            units.size,
        )
    return after


def began(level: Level, first: E, second: E | None = None) -> S | None:
    """Return where a unit stood before *first*, of a log that does not tell how it came there.

    Where more than one state would do, it is one from which *second* can follow too, else the first of the table;
    None where *first* cannot happen to this level at all.

    >>> began(Level.PACK, E.RECEIVE).name, began(Level.PACK, E.KEEP, E.INSTALL).name
    ('IN_TRANSIT', 'REMOVED')
    """
    ways = [(before, after) for (before, event), after in TRANSITIONS[level].items() if event is first]
    for before, after in ways:
        if second is None or (after, second) in TRANSITIONS[level]:
            return before
    return ways[0][0] if ways else None


def can_come_to(level: Level, state: S, event: E) -> bool:
    """Return whether *event* can happen to what stands in *state*, if other events come before it.

    >>> can_come_to(Level.PACK, S.IN_VEHICLE, E.RECEIVE), can_come_to(Level.PACK, S.PROCESSED, E.RECEIVE)
    (True, False)
    """
    reached, ahead = {state}, [state]
    while ahead:
        here = ahead.pop()
        for (before, what), after in TRANSITIONS[level].items():
            if before is here:
                if what is event:
                    return True
                if after not in reached:
                    reached.add(after)
                    ahead.append(after)
    return False


def followers(level: Level, state: S) -> tuple[E, ...]:
    """Return the events that can follow *state*, in the order of the vocabulary."""
    return tuple(sorted(event for before, event in TRANSITIONS[level] if before is state))
