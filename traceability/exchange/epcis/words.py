"""Our events in the words of EPCIS and its vocabulary (CBV 2.0): one table, read in both directions.

A step for which the standard has no word has an address of ours; what we add to an event stands under the prefix
`brt:`.  A day is put at noon in China: the log knows no hours, and noon is on the same day for most readers.
Source: GS1 EPCIS 2.0 and CBV 2.0; the choice of words is ours.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple, TypeVar

from traceability.exchange.identifiers import VOCABULARY
from traceability.vocabulary import Detail
from traceability.vocabulary import EventType as E

CONTEXT = "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld"
"""The versioned address: readers that work without a network carry exactly this one."""

SIMULATED = f"{VOCABULARY}method-simulated"


_Named = TypeVar("_Named", bound=Enum)


class Shape(Enum):
    """Which kind of EPCIS event carries one of ours, and in which list its subject stands."""

    OBJECT = "ObjectEvent"
    ASSOCIATION = "AssociationEvent"
    TRANSACTION = "TransactionEvent"
    INPUT = "TransformationEvent, as input"
    OUTPUT = "TransformationEvent, as output"


class Hands(Enum):
    """What passes from the actor to the receiver."""

    OWNED = "owning_party"
    HELD = "possessing_party"


class Form(NamedTuple):
    """How one of our events goes out.

    Attributes:
        action: None for a transformation, which has none.
        hands: None where nothing passes from hand to hand.
        paper: type of the document that the event itself is the issue of; the log knows no other documents.
    """

    shape: Shape
    action: str | None
    step: str
    disposition: str | None
    hands: Hands | None = None
    paper: str | None = None


def _own(step: str) -> str:
    return f"{VOCABULARY}BizStep-{step}"


def _seen(step: str, disposition: str | None, hands: Hands | None = None, paper: str | None = None) -> Form:
    return Form(Shape.OBJECT, "OBSERVE", step, disposition, hands, paper)


_PUT_IN = Form(Shape.ASSOCIATION, "ADD", "installing", "active")
_TAKEN_OUT = Form(Shape.ASSOCIATION, "DELETE", "removing", "inactive")

FORMS: dict[E, Form] = {
    E.CODE: Form(Shape.OBJECT, "ADD", "commissioning", "active"),
    E.DELIVER: _seen("shipping", "in_transit", Hands.OWNED),
    E.INSTALL: _PUT_IN,
    E.CERTIFY: _seen("inspecting", "conformant", paper="cert"),
    E.SELL: _seen("retail_selling", "retail_sold", Hands.OWNED),
    E.SWAP_OUT: _TAKEN_OUT,
    E.SWAP_IN: _PUT_IN,
    E.REMOVE: _TAKEN_OUT,
    E.KEEP: _seen("storing", "in_progress"),
    E.RETIRE: _seen("other", "non_sellable_other"),
    E.RECEIVE_VEHICLE: _seen("receiving", "in_progress", Hands.HELD),
    E.ISSUE_CERTIFICATE: Form(Shape.TRANSACTION, "ADD", "decommissioning", "inactive", paper="cert"),
    E.DISMOUNT: _TAKEN_OUT,
    E.SHIP: _seen("shipping", "in_transit", Hands.HELD),
    E.COLLECT: _seen("collecting", "in_progress", Hands.HELD),
    E.RECEIVE: _seen("receiving", "in_progress", Hands.HELD),
    E.TEST: _seen("inspecting", None),
    E.DISMANTLE: Form(Shape.INPUT, None, "disassembling", "in_progress"),
    E.FREE: Form(Shape.OUTPUT, None, "disassembling", "in_progress"),
    E.PROCESS: Form(Shape.INPUT, None, _own("recycling"), None),
    E.RECOVER: Form(Shape.OUTPUT, None, _own("recycling"), None),
    E.DISPATCH: _seen("shipping", "in_transit", Hands.OWNED),
    E.CONSUME: Form(Shape.INPUT, None, _own("consuming"), None),
    E.REMAKE: Form(Shape.OUTPUT, None, "assembling", "active"),
    E.USE_IN_PRODUCT: Form(Shape.INPUT, None, "assembling", "in_progress"),
    E.PLACE: _seen("retail_selling", "retail_sold", Hands.OWNED),
    E.RETURN: _seen("receiving", "returned", Hands.HELD),
    E.EXPORT: Form(Shape.OBJECT, "DELETE", "shipping", "in_transit", Hands.OWNED),
    E.LOSE: _seen("other", "unknown"),
    E.FIND: _seen("stock_taking", "in_progress"),
    E.DIVERT: _seen("other", "stolen", Hands.HELD),
    E.SCRAP: _seen("other", "disposed"),
    E.IMPORT: _seen("arriving", "sellable_not_accessible"),
    E.LABEL: _seen("encoding", "encoded"),
    E.INFORM: _seen(_own("informing"), None),
    E.PUBLISH_INFORMATION: _seen(_own("publishing"), None),
    E.REACH_LIFE: _seen(_own("reaching-service-life"), None),
    E.NOTIFY_USER: _seen(_own("notifying"), None),
    E.REFUSE: _seen("accepting", "non_conformant"),
    E.EXPLAIN: _seen(_own("explaining"), None),
    E.CHECK_SAFETY: _seen("inspecting", None),
    E.PRETREAT: _seen(_own("pretreating"), "in_progress"),
    E.PACK_UP: _seen("packing", "container_closed"),
    E.DISCHARGE: _seen(_own("discharging"), "in_progress"),
    E.TRANSFER_RESIDUE: _seen("shipping", "in_transit", Hands.HELD),
    E.CONFORM: _seen(_own("certifying"), "conformant"),
}
"""Event -> its form.  What is not here is a statement about a company, and does not go out."""

UNSAID = tuple(event for event in E if event not in FORMS)
"""Events that EPCIS is not used for: INSPECT, PENALISE, LIST, DELIST, and the outlets that a producer opens."""

JUDGED = frozenset({E.TEST, E.CHECK_SAFETY, E.CONFORM})
"""Events whose disposition says whether the check was passed, where the log knows."""


class Reading(NamedTuple):
    """A number of the log as a sensor reports it: *value* is what the log holds over *per*."""

    type: str
    uom: str
    per: int


READINGS: dict[Detail, Reading] = {
    Detail.MASS_G: Reading("Mass", "KGM", 1000),
    Detail.AREA_DM2: Reading("Area", "MTK", 100),
    Detail.CAPACITY_KG: Reading(f"{VOCABULARY}StorageCapacity", "KGM", 1),
    Detail.POWDER_IN_G: Reading(f"{VOCABULARY}PowderIn", "KGM", 1000),
    Detail.POWDER_OUT_G: Reading(f"{VOCABULARY}PowderOut", "KGM", 1000),
    Detail.ALUMINIUM_PPM: Reading(f"{VOCABULARY}Aluminium", "59", 1),
    Detail.COPPER_PPM: Reading(f"{VOCABULARY}Copper", "59", 1),
    Detail.RARE_EARTH_IN_G: Reading(f"{VOCABULARY}RareEarthIn", "KGM", 1000),
    Detail.RARE_EARTH_OUT_G: Reading(f"{VOCABULARY}RareEarthOut", "KGM", 1000),
    Detail.TARGET_IN_G: Reading(f"{VOCABULARY}TargetMaterialIn", "KGM", 1000),
    Detail.TARGET_OUT_G: Reading(f"{VOCABULARY}TargetMaterialOut", "KGM", 1000),
    Detail.WATER_USED_KG: Reading(f"{VOCABULARY}WaterUsed", "KGM", 1),
    Detail.WATER_REUSED_KG: Reading(f"{VOCABULARY}WaterReused", "KGM", 1),
    Detail.RESIDUE_G: Reading(f"{VOCABULARY}Residue", "KGM", 1000),
    Detail.SOH_PPM: Reading(f"{VOCABULARY}StateOfHealth", "P1", 10_000),
}
"""Numbers that were measured; the others (flags, counts, fines) stand under `brt:details`."""

DETAIL_OF = {(reading.type, reading.uom): detail for detail, reading in READINGS.items()}


def named(kind: type[_Named], name: object) -> _Named | None:
    """Return the member of *kind* that has *name*, None where none has it.

    >>> named(E, "CODE").name, named(E, ["CODE"])
    ('CODE', None)
    """
    return kind.__members__.get(name) if isinstance(name, str) else None
