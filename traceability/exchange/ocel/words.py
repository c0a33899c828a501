"""Our events, units and companies in the words of an object-centric event log: one table, read in both directions."""

from __future__ import annotations

import re
from typing import NamedTuple

from traceability.vocabulary import Detail, Level, LinkKind, Permit
from traceability.vocabulary import EventType as E

VEHICLE, CERTIFICATE, ACTOR = "vehicle", "certificate", "actor"
UNIT_TYPES: dict[Level, str] = {level: level.name.lower() for level in Level if level is not Level.VEHICLE}
LEVEL_OF = {name: level for level, name in UNIT_TYPES.items()}

BY, TO, CARRIED_BY = "by", "to", "carried by"
AND = " and "
"""Joins the qualifiers of one object in one event: readers keep a single relation for each pair."""


class Form(NamedTuple):
    """How one of our events goes out.

    Attributes:
        name: of the event type.
        unit, vehicle: qualifiers.
    """

    name: str
    unit: str = "item"
    vehicle: str = "vehicle"


FORMS: dict[E, Form] = {
    E.CODE: Form("Manufacture Battery", "produced"),
    E.DELIVER: Form("Deliver", "handed over"),
    E.INSTALL: Form("Install Battery", "installed", "host"),
    E.CERTIFY: Form("Certify Vehicle", "sold with", "certified"),
    E.SELL: Form("Sell Vehicle", "sold with", "sold"),
    E.SWAP_OUT: Form("Swap Out", "removed", "source"),
    E.SWAP_IN: Form("Swap In", "installed", "host"),
    E.REMOVE: Form("Remove Battery", "removed", "source"),
    E.KEEP: Form("Keep", "kept"),
    E.RETIRE: Form("Retire", "retired"),
    E.RECEIVE_VEHICLE: Form("Receive Vehicle", "came with", "handed over"),
    E.ISSUE_CERTIFICATE: Form("Issue Certificate", "came with", "subject"),
    E.DISMOUNT: Form("Dismount Battery", "removed", "source"),
    E.SHIP: Form("Ship", "handed over"),
    E.COLLECT: Form("Collect", "handed over"),
    E.RECEIVE: Form("Receive", "handed over"),
    E.TEST: Form("Measure Health", "measured"),
    E.DISMANTLE: Form("Dismantle", "input"),
    E.FREE: Form("Free Part", "output"),
    E.PROCESS: Form("Recycle", "input"),
    E.RECOVER: Form("Recover Material", "output"),
    E.DISPATCH: Form("Dispatch", "handed over"),
    E.CONSUME: Form("Consume", "input"),
    E.REMAKE: Form("Make Product", "output"),
    E.USE_IN_PRODUCT: Form("Use In Product", "input"),
    E.PLACE: Form("Place On Market", "sold"),
    E.RETURN: Form("Return", "handed over"),
    E.EXPORT: Form("Export", "sent abroad"),
    E.LOSE: Form("Lose", "lost"),
    E.FIND: Form("Find", "found"),
    E.DIVERT: Form("Divert", "diverted"),
    E.SCRAP: Form("Scrap", "scrapped"),
    E.IMPORT: Form("Import"),
    E.LABEL: Form("Label"),
    E.INFORM: Form("Inform"),
    E.PUBLISH_INFORMATION: Form("Publish Information"),
    E.OPEN_OUTLET: Form("Open Outlet"),
    E.PUBLISH_OUTLET: Form("Publish Outlet"),
    E.REACH_LIFE: Form("Reach Service Life"),
    E.NOTIFY_USER: Form("Notify User"),
    E.REFUSE: Form("Refuse"),
    E.EXPLAIN: Form("Explain"),
    E.CHECK_SAFETY: Form("Check Safety", "checked"),
    E.PRETREAT: Form("Pretreat"),
    E.PACK_UP: Form("Pack Up"),
    E.DISCHARGE: Form("Discharge"),
    E.TRANSFER_RESIDUE: Form("Transfer Residue", "source"),
    E.CONFORM: Form("Show Conformity"),
    E.INSPECT: Form("Inspect"),
    E.PENALISE: Form("Penalise"),
    E.LIST: Form("List"),
    E.DELIST: Form("Delist"),
}
"""Event -> its form."""


def form_of(event: E) -> Form:
    """Return the form of *event*; one that the table does not know goes by the name that the log has for it.

    >>> form_of(E.INSTALL)
    Form(name='Install Battery', unit='installed', vehicle='host')
    """
    return FORMS.get(event) or Form(event.name.replace("_", " ").title())


EVENT_OF = {form_of(event).name: event for event in E}

CERTIFIED_BY = {E.CERTIFY: "conformity", E.ISSUE_CERTIFICATE: "scrapping"}
"""Event in which a vehicle gets a certificate -> the kind of the certificate."""


class Tied(NamedTuple):
    """How a link goes out: an event that says from when, and a relation between the objects.

    Attributes:
        name: of the event type.
        parent, child: qualifiers.
        between: qualifier of the relation from parent to child.
    """

    name: str
    parent: str
    child: str
    between: str


TIED = {
    LinkKind.CONTAINS: Tied("Put Together", "whole", "part", "contains"),
    LinkKind.MADE_FROM: Tied("Make From", "output", "input", "made from"),
}
LINK_OF = {tied.name: kind for kind, tied in TIED.items()}
BALANCE = "Balance Material"

INSTALLED_IN, CODED_BY, MADE_BY, CERTIFIES = "installed in", "coded by", "made by", "certifies"
PERMITS = {permit: f"permit_{permit.name.lower()}" for permit in Permit}
DETAILS = {detail: detail.name.lower() for detail in Detail}
DETAIL_OF = {name: detail for detail, name in DETAILS.items()}
REPEATED = "further_numbers"
"""Event attribute with numbers whose name stands there already: `mass_g=5; mass_g=7`."""

NOBODY, NONE, OPEN = "nobody", "none", "open"

_TEXT, _TIME, _WHOLE, _SHARE, _FLAG = "string", "time", "integer", "float", "boolean"
UNIT_ATTRIBUTES = {
    "code": _TEXT, "chemistry": _TEXT, "made": _TIME, "energy_wh": _WHOLE, "mass_g": _WHOLE, "purpose": _TEXT,
    "status": _TEXT, "keeper": _TEXT, "soh_percent": _SHARE,
}  # fmt: skip
OBJECT_ATTRIBUTES: dict[str, dict[str, str]] = {
    **dict.fromkeys(UNIT_TYPES.values(), UNIT_ATTRIBUTES),
    VEHICLE: {
        "vin": _TEXT, "kind": _WHOLE, "province": _WHOLE, "prefecture": _WHOLE, "swap": _FLAG, "status": _TEXT,
    },
    CERTIFICATE: {"kind": _TEXT},
    ACTOR: {
        "name": _TEXT, "credit_code": _TEXT, "role": _TEXT, "province": _WHOLE, "prefecture": _WHOLE,
        "maker_code": _TEXT, "stands_for": _WHOLE, "capacity_t_year": _WHOLE, **dict.fromkeys(PERMITS.values(), _TEXT),
    },
}  # fmt: skip
"""Object type -> attribute -> type."""

RECORD_ATTRIBUTES = {"recorded": _TIME, "corrects": _TEXT, REPEATED: _TEXT}
LINK_ATTRIBUTES = {"recorded": _TIME, "until": _TIME}
BALANCE_ATTRIBUTES = {
    "recorded": _TIME, "element": _TEXT, "year": _WHOLE, "input_g": _WHOLE, "recovered_g": _WHOLE, "residue_g": _WHOLE,
}  # fmt: skip

_PLAIN_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")


def is_plain(code: str) -> bool:
    """Return whether a code can be the name of an object; some readers take the word null for nothing."""
    return _PLAIN_CODE.fullmatch(code) is not None and code.lower() != "null"
