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
    # what follows moves no unit: REMARKS
    IMPORT = 40
    LABEL = 41
    INFORM = 42
    PUBLISH_INFORMATION = 43
    OPEN_OUTLET = 44
    PUBLISH_OUTLET = 45
    REACH_LIFE = 46
    NOTIFY_USER = 47
    REFUSE = 48
    EXPLAIN = 49
    CHECK_SAFETY = 50
    PRETREAT = 51
    PACK_UP = 52
    DISCHARGE = 53
    TRANSFER_RESIDUE = 54
    CONFORM = 55
    INSPECT = 56
    PENALISE = 57
    LIST = 58
    DELIST = 59


VEHICLE_EVENTS = frozenset(
    {EventType.CERTIFY, EventType.SELL, EventType.RECEIVE_VEHICLE, EventType.ISSUE_CERTIFICATE}
)
"""Events whose subject is the vehicle; their unit, where they have one, is the pack that came with it."""

REMARKS = frozenset(event for event in EventType if event >= EventType.IMPORT)
"""Events that move nothing: checks, notices, and what authorities and firms do to one another.

They may name a unit, a vehicle, both or neither; the actor does it, the receiver is who it is done to.
IMPORT         a battery comes into the country: its importer.
LABEL          a label is put on a unit.
INFORM         the maker of a unit passes its code list and dismantling information to the receiver.
PUBLISH_INFORMATION  the maker of a vehicle tells the platform how its battery is dismantled.
OPEN_OUTLET, PUBLISH_OUTLET  a producer opens the outlet that is the receiver, or publishes where it is.
REACH_LIFE, NOTIFY_USER  a unit reaches its recommended service life; its maker tells the user.
REFUSE         an outlet or a firm refuses what the receiver offers.
EXPLAIN        an owner signs why a vehicle comes without its whole battery.
CHECK_SAFETY, PRETREAT, PACK_UP, DISCHARGE  what is done to a unit before it travels or is opened.
TRANSFER_RESIDUE  the residue of a lot goes to the receiver.
CONFORM        a product is shown to conform to the standard of its use.
INSPECT, PENALISE, LIST, DELIST  an authority inspects the receiver, punishes it, puts it on its list, takes it off.
"""


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


class VehicleKind(IntEnum):
    """What kind of vehicle, as the series of registrations tell them apart."""

    BEV_CAR = 0
    PHEV_CAR = 1
    BUS = 2
    TRUCK = 3


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
    """What an authority allows a firm."""

    PROJECT = 1
    EIA = 2
    FACILITIES = 3
    DISCHARGE = 4
    DANGEROUS_GOODS = 5


PROCESSING_PERMITS = (Permit.PROJECT, Permit.EIA, Permit.FACILITIES, Permit.DISCHARGE)
"""What a comprehensive-utilisation enterprise must hold before it starts (Art. 18)."""


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


class Detail(IntEnum):
    """What a number that is attached to an event says; a flag is 1 or 0."""

    MASS_G = 1
    AREA_DM2 = 2
    CAPACITY_KG = 3
    PASSED = 4
    UN_CLASS = 5
    DAMAGED = 6
    CHILDREN = 7
    POWDER_IN_G = 8
    POWDER_OUT_G = 9
    ALUMINIUM_PPM = 10
    COPPER_PPM = 11
    RARE_EARTH_IN_G = 12
    RARE_EARTH_OUT_G = 13
    TARGET_IN_G = 14
    TARGET_OUT_G = 15
    WATER_USED_KG = 16
    WATER_REUSED_KG = 17
    ENERGY_KGCE_T = 18
    CASCADE = 19
    FINE_YUAN = 20
    RESIDUE_G = 21
    SOH_PPM = 22
