"""The words of the Measures as small integers: levels, states, events, roles, chemistries, uses.

Numbers are written to logs: a member may be added, never renumbered.
"""

from __future__ import annotations

from enum import IntEnum


class Level(IntEnum):
    """What kind of thing a unit is.  A vehicle has states too, but its own numbers and its own table."""

    VEHICLE = 0
    PACK = 1
    MODULE = 2
    CELL = 3
    PRODUCT = 4
    LOT = 5


class State(IntEnum):
    """Where a unit stands, as far as its history tells."""

    UNREGISTERED = 0
    CODED = 1
    IN_STOCK = 2
    IN_VEHICLE = 3
    SWAP_POOL = 4
    REMOVED = 5
    USED = 6
    IN_TRANSIT = 7
    AT_OUTLET = 8
    AT_RECYCLER = 9
    DISMANTLED = 10
    PROCESSED = 11
    EXPORTED = 12
    MISSING = 13
    DIVERTED = 14
    FREED = 15
    IN_PRODUCT = 16
    PRODUCED = 17
    IN_USE = 18
    RECOVERED = 19
    SHIPPED = 20
    CONSUMED = 21
    CERTIFIED = 22
    ON_THE_ROAD = 23
    DELIVERED_FOR_SCRAP = 24
    SCRAPPED = 25


class EventType(IntEnum):
    """What happened: a verb."""

    CODE = 1
    DELIVER = 2
    INSTALL = 3
    CERTIFY = 4
    SELL = 5
    SWAP_OUT = 6
    SWAP_IN = 7
    REMOVE = 8
    KEEP = 9
    RETIRE = 10
    RECEIVE_VEHICLE = 11
    ISSUE_CERTIFICATE = 12
    DISMOUNT = 13
    SHIP = 14
    COLLECT = 15
    RECEIVE = 16
    TEST = 17
    DISMANTLE = 18
    FREE = 19
    PROCESS = 20
    RECOVER = 21
    DISPATCH = 22
    CONSUME = 23
    REMAKE = 24
    USE_IN_PRODUCT = 25
    PLACE = 26
    RETURN = 27
    EXPORT = 28
    LOSE = 29
    FIND = 30
    DIVERT = 31
    SCRAP = 32


VEHICLE_EVENTS = frozenset(
    {EventType.CERTIFY, EventType.SELL, EventType.RECEIVE_VEHICLE, EventType.ISSUE_CERTIFICATE}
)
"""Events whose subject is the vehicle; their unit, where they have one, is the pack that came with it."""


class Role(IntEnum):
    """What kind of company the Measures address (REGULATION, actor types)."""

    BATTERY_ENT = 1
    OEM = 2
    OUTLET = 3
    SWAP_OP = 4
    REPAIR = 5
    OWNER = 6
    ELV = 7
    CU = 8
    PRODUCT_MAKER = 9
    CARRIER = 10
    HAZ_TSDF = 11
    INFORMAL = 12
    REGULATOR = 13
    EXPORTER = 14


class Chemistry(IntEnum):
    """Cell chemistry as GB/T 34014 letters tell them apart, with two that it has no letter for (Z, other)."""

    LFP = 1
    NCM = 2
    LMO = 3
    LTO = 4
    NIMH = 5
    LCO = 6
    OTHER = 7
    SOLID_STATE = 8


class Use(IntEnum):
    """What a remade product is for."""

    NONE = 0
    STORAGE = 1
    BACKUP = 2
    LOW_SPEED = 3
    E_BIKE = 4


class Permit(IntEnum):
    """What a comprehensive-utilisation enterprise must hold before it starts (Art. 18)."""

    PROJECT = 1
    EIA = 2
    FACILITIES = 3
    DISCHARGE = 4


class LinkKind(IntEnum):
    """How two units belong together."""

    CONTAINS = 1
    MADE_FROM = 2


class Element(IntEnum):
    """What a material balance counts; MASS is the whole of it."""

    MASS = 0
    LI = 1
    NI = 2
    CO = 3
    MN = 4
    CU = 5
    AL = 6
    FE = 7
    P = 8
    GRAPHITE = 9
    STEEL = 10
