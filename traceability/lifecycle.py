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

States = npt.NDArray[np.int8]
Units = npt.NDArray[np.int64]

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

_USED_AGAIN = {
    key: after for key, after in _PACK.items() if key[0] in (*_HELD, S.DIVERTED, S.MISSING) and key[1] != E.INSTALL
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

IMPOSSIBLE = -1
NEXT: npt.NDArray[np.int8] = np.full((len(Level), len(S), max(E) + 1), IMPOSSIBLE, dtype=np.int8)
for _level, _table in TRANSITIONS.items():
    for (_before, _event), _after in _table.items():
        NEXT[_level, _before, _event] = _after
_AFTER: dict[tuple[Level, E], npt.NDArray[np.int8]] = {
    (level, event): np.ascontiguousarray(NEXT[level, :, event]) for level in Level for event in E
}


def advance(states: States, event: E, units: Units, level: Level) -> States:
    """Return the states of *units* after *event*.

    Args:
        states: int8[n], a State each, before the event.
        event: what happens to all n.
        units: int64[n] unit (or vehicle) numbers, for the error.
        level: what kind of thing all n are.

    Raises:
        ImpossibleTransition: *event* cannot follow the state of some unit; none has moved.

    >>> advance(np.array([S.IN_VEHICLE], dtype=np.int8), E.REMOVE, np.array([7]), Level.PACK) == S.REMOVED
    array([ True])
    """
    after = _AFTER[level, event][states]
    if after.size and after.min() == IMPOSSIBLE:
        stuck = after == IMPOSSIBLE
        raise ImpossibleTransition(level, event, states[stuck], units[stuck], lot_size=units.size)
    return after
