"""Records of a log in the words of Catena-X aspects.  What the log does not say is not said: `Unfit` tells why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

from traceability.codes import LEVEL_LETTER, Fault, Form, fault
from traceability.exchange.catenax.declared import Declared
from traceability.exchange.days import as_date, at_noon
from traceability.exchange.epcis.telling import event_id
from traceability.exchange.identifiers import steady_uuid
from traceability.exchange.reading import Link, Record, Unit
from traceability.vocabulary import Detail, Element, Level, Role
from traceability.vocabulary import EventType as E

_PRODUCT_TYPE = {"P": "pack", "M": "module", "C": "cell"}
_LOWER = "".join(LEVEL_LETTER[level] for level in (Level.PACK, Level.MODULE, Level.CELL))

ACTOR_ROLE = {
    Role.ELV: "Dismantling Facility",
    Role.REPAIR: "Dismantling Facility",
    Role.CARRIER: "Logistic Operator",
    Role.OUTLET: "Sorting Facility",
    Role.CU: "Material Recycling Facilities",
    Role.BATTERY_ENT: "Component Manufacturer",
    Role.PRODUCT_MAKER: "Component Manufacturer",
    Role.HAZ_TSDF: "End-of-Life Waste Processors",
}
"""Our roles in the closed list of the model; a sender of any other role has no word there."""


class Unfit(Exception):  # no error: a document that cannot be filled honestly
    """Why a document is not exported; the message is counted and shown."""


def code_of(unit: Unit, shared: Collection[str]) -> str:
    """Return the code of *unit* as the model can carry it.

    Raises:
        Unfit: it has none, one that others bear too, or one that the standard or the model refuses.
    """
    if unit.code is None:
        raise Unfit("without a code")
    if unit.code in shared:
        raise Unfit("with a code that another unit bears too")
    # 26 characters, seen but not confirmed, are not in the model
    if len(unit.code) not in (Form.NEW, Form.REUSED) or fault(unit.code) & (Fault.SYNTAX | Fault.SENSE):
        raise Unfit("with a code that GB/T 34014-2017 does not allow")
    return unit.code


def component(
    unit: Unit,
    parts: Mapping[int, Sequence[Unit]],
    shared: Collection[str],
    left_out: Counter[str],
) -> dict[str, Any]:
    """Return the code of *unit* with those of its parts, each of a lower level than what it is in.

    Args:
        unit: a pack, module, cell or product.
        parts: unit -> what it was told to contain.
        shared: codes that several units bear.
        left_out: reason -> parts that cannot be named; counted up here.

    Raises:
        Unfit: *unit* itself cannot be named.
    """
    code = code_of(unit, shared)
    told: dict[str, Any] = {"productType": _PRODUCT_TYPE[code[3]], "tractionBatteryCode": code}
    inside = []
    for part in parts.get(unit.unit, ()):
        try:
            # a pack is in no pack and no module: levels go down, so no circle of parents is followed
            if _LOWER.index(code_of(part, shared)[3]) <= _LOWER.index(code[3]):
                raise Unfit("of the level of what it is in, or above")
            inside.append(component(part, parts, shared, left_out))
        except Unfit as why:
            left_out[str(why)] += 1
    if inside:
        told["subcomponents"] = inside
    return told


def certificate(record: Record, *, log: str, serial: str, revoked: int | None) -> dict[str, Any]:
    """Return a scrapping certificate of a vehicle.

    Args:
        record: ISSUE_CERTIFICATE.
        log: that tells its numbers from those of others.
        serial: by which the vehicle goes: a pseudonym, or its VIN.
        revoked: day on which another record took its place; None: it stands.
    """
    assert record.vehicle is not None
    told = {
        "catenaXId": steady_uuid(log, "vehicle", record.vehicle),
        "serialNumber": serial,
        "issuer": f"{log}-{record.actor}",
        "issueDate": at_noon(record.event_day),
    }
    return told if revoked is None else told | {"revocationDate": at_noon(revoked)}


def end_of_life(
    unit: Unit,
    records: Sequence[Record],
    numbers: Mapping[int, Sequence[tuple[int, int]]],
    *,
    certified: bool,
) -> dict[str, Any]:
    """Return the story of a pack from its reception by a recycler on.

    Args:
        unit: the pack.
        records: of it; those that were replaced are left out by the caller.
        numbers: event_id -> numbers attached to it.
        certified: whether the vehicle it was last in has a scrapping certificate.

    Raises:
        Unfit: no recycler received it; a test whose result the log does not hold; two days that contradict.
    """
    first: dict[E, Record] = {}
    for record in records:
        first.setdefault(record.event, record)
    if E.RECEIVE not in first:
        raise Unfit("that no recycler has received")
    told = {
        "disassemblyStatus": "disassembled" if E.DISMANTLE in first else "assembled",
        "healthStatus": _health(first.get(E.TEST), numbers),
        "recyclingStatus": "recycled" if E.PROCESS in first else "not recycled",
        "dateOfReceptionGMT": _in_gmt(first[E.RECEIVE].event_day),
        "certificateOfDestruction": certified,
    }
    for key, event in (("dateOfDissamblyGMT", E.DISMANTLE), ("dateOfScrappingGMT", E.PROCESS)):
        if event in first:
            if first[event].event_day < first[E.RECEIVE].event_day:
                raise Unfit(f"whose {event.name} lies before its RECEIVE")
            told[key] = _in_gmt(first[event].event_day)
    return told


def _health(test: Record | None, numbers: Mapping[int, Sequence[tuple[int, int]]]) -> str:
    if test is None:
        return "not tested"
    said = dict(numbers.get(test.event_id, ()))
    if said.get(Detail.DAMAGED) == 1:
        return "broken"
    if said.get(Detail.PASSED) == 1:
        return "in running condition"
    if said.get(Detail.PASSED) == 0:
        raise Unfit("that failed its test: `broken` and `repair required` say more than the log does")
    raise Unfit("that was tested, with a result that the log does not hold")


def _in_gmt(day: int) -> str:
    """Return noon in China on *day*, as Greenwich has it."""
    return f"{as_date(day)}T04:00:00Z"


class Handover(NamedTuple):
    """From whom, to whom and with whom the material of a lot came.

    Attributes:
        record: the SHIP that names the transfer, its code that of what was shipped.
    """

    record: Record
    code: str | None


def one_handover(shipped: Sequence[Handover], recycler: int) -> Handover:
    """Return the transfer by which everything came that a lot was made from.

    Raises:
        Unfit: nothing, or not everything, came from one giver with one carrier; nobody carried it.
    """
    givers = {(one.record.actor, one.record.carrier) for one in shipped}
    if not shipped:
        raise Unfit("made from what nobody was told to have shipped")
    if len(givers) > 1:
        raise Unfit("made from what several senders or carriers brought: the model has one")
    if shipped[0].record.carrier is None:
        raise Unfit("made from what nobody was told to have carried")
    if any(one.record.receiver != recycler for one in shipped):
        raise Unfit("made from what was shipped to another")
    return min(shipped, key=lambda one: (one.record.event_day, one.record.event_id))


class Batch(NamedTuple):
    """What a recycling batch is told from.

    Attributes:
        lot: the recovered lot; name: its address.
        recovered: its RECOVER.
        started: day on which the first of its material was processed.
        balance: element, actor, day, year, input_g, recovered_g, residue_g, record_day of the whole mass.
        handover: how its material came.
        roles: company -> Role.
        simulated: whether the masses were computed and not weighed.
    """

    lot: Unit
    name: str
    recovered: Record
    started: int
    balance: tuple[Any, ...]
    handover: Handover
    roles: Mapping[int, int]
    simulated: bool


def recycling_batch(batch: Batch, declared: Declared, *, log: str) -> dict[str, Any]:
    """Return a recovered lot with its one step of treatment, masses in kg to the gram.

    Raises:
        Unfit: the balance does not add up; a company whose role or BPNS is not known.
    """
    element, _, day, _, input_g, recovered_g, residue_g, _ = batch.balance
    assert element == Element.MASS
    if input_g != recovered_g + residue_g:
        raise Unfit("whose balance does not add up")
    shipped, container, treatment = batch.handover.record, declared.container, declared.treatment
    step = {
        "childProcessType": treatment.step,
        "startTimestamp": at_noon(batch.started),
        "endTimestamp": at_noon(batch.recovered.event_day),
        "inputNetMass": input_g / 1000,
        "outputNetMass": recovered_g / 1000,
        "processLoss": residue_g / 1000,
        "lossType": "residue",
        "measurementType": "simulated" if batch.simulated else "as reported to the platform",
        "measurementTimestamp": at_noon(day),
        # the report of the recovery is the paper that bears the masses
        "weighingSlip": event_id(log, batch.recovered, batch.lot.code),
    }
    return {
        "recyclingBatchId": batch.name,
        "globalAssetId": steady_uuid(log, "lot", batch.lot.unit),
        "container": {
            "containerTypeId": container.type_id,
            "containerDescription": container.description,
            "containerWeight": container.empty_kg,
            "containerVolume": container.volume,
        },
        "sender": _party(shipped.actor, batch, declared, log),
        "receiver": _party(batch.recovered.actor, batch, declared, log),
        "operator": {
            "bpnsProperty": _site(shipped.carrier, batch, declared),
            "transferId": event_id(log, shipped, batch.handover.code),
        },
        "processInformation": {
            "processType": "Core-recycling",
            "treatmentProcedure": treatment.code,
            "mechanicalRecycling": treatment.mechanical,
            "chemicalRecycling": treatment.chemical,
        },
        "childProcessSteps": [step],
    }


def _party(actor: int, batch: Batch, declared: Declared, log: str) -> dict[str, Any]:
    role = ACTOR_ROLE.get(Role(batch.roles[actor]))
    if role is None:
        raise Unfit(f"from a company whose role ({Role(batch.roles[actor]).name}) the model has no word for")
    return {
        "actorNumber": f"{log}-{actor}",
        "actorRole": role,
        "bpnsProperty": _site(actor, batch, declared),
    }


def _site(actor: int | None, batch: Batch, declared: Declared) -> str:
    if (site := declared.sites.get(str(actor))) is not None:
        return site
    if batch.simulated:
        return f"BPNSSIM{actor:09d}"
    raise Unfit("of companies whose BPNS is not declared ([sites])")


def parts_of(links: Sequence[Link], units: Mapping[int, Unit]) -> dict[int, list[Unit]]:
    """Return parent -> the units that it was told to contain, each once, by number."""
    found: dict[int, dict[int, Unit]] = {}
    for link in links:
        if link.child in units:
            found.setdefault(link.parent, {})[link.child] = units[link.child]
    return {parent: [inside[n] for n in sorted(inside)] for parent, inside in found.items()}
