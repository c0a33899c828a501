"""A log -> a folder with one file of JSON lines an aspect: which twin, which model, and what it says.

The folder has a temporary name until it is whole.  A fixed number of units is in memory at a time.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from traceability.errors import UnknownName
from traceability.exchange.catenax import telling
from traceability.exchange.catenax.declared import Declared
from traceability.exchange.catenax.telling import Batch, Handover, Unfit
from traceability.exchange.folders import whole_folder
from traceability.exchange.identifiers import Addresses, key_of_log, steady_uuid
from traceability.exchange.reading import LogReader, Record, Unit
from traceability.exchange.selecting import Selection
from traceability.store import Store, schema
from traceability.vocabulary import Element, Level, LinkKind
from traceability.vocabulary import EventType as E

Progress = Callable[[int, int], None]
Line = tuple[str, dict[str, Any]]
"""Address of the twin, and what the aspect says of it."""

ASPECTS: dict[str, str] = {
    "traction-battery-code": "urn:samm:io.catenax.traction_battery_code:2.0.0#TractionBatteryCode",
    "end-of-life": "urn:samm:io.catenax.eol_story:2.0.0#EndOfLife",
    "recycling-batch": "urn:samm:io.catenax.material_accounting:1.0.0#RecyclingBatch",
    "decommissioning-certificate": "urn:samm:io.catenax.decomissioning_certificate:1.0.0#DecommissioningCertificate",
}
"""Name -> model.  The first three are told of units, the last of vehicles."""

NO_PASSPORT = (
    "no battery passport: of the 198 values that Catena-X asks for at once, and the 58 of Battery Pass for "
    "performance, a log of events holds a few"
)

_CODED = frozenset((Level.PACK, Level.MODULE, Level.CELL, Level.PRODUCT))


@dataclass(slots=True)
class Exported:
    """What an export wrote, and what it could not.

    Attributes:
        documents: aspect -> how many.
        left_out: aspect -> reason -> how many documents there are not.
    """

    documents: dict[str, int] = field(default_factory=dict)
    left_out: dict[str, Counter[str]] = field(default_factory=dict)


def export(
    store: Store,
    folder: Path,
    selection: Selection | None = None,
    *,
    aspects: Collection[str] = tuple(ASPECTS),
    declared: Declared | None = None,
    with_vin: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write what *aspects* say of the selected part of *store* below *folder*, `ASPECT.jsonl` each.

    A line is `{"globalAssetId": …, "semanticId": …, "payload": …}`; the payload is the document of the aspect.

    Args:
        store: an open store.
        folder: made here; refused if it is there and not empty.
        selection: which part; the register, whole, where None.
        aspects: names out of `ASPECTS`.
        declared: what recycling batches need beside the log; without it there are none.
        with_vin: a certificate bears the VIN; otherwise a pseudonym of the vehicle.
        progress: called with units done and units in all.

    Raises:
        ExchangeError: *folder* holds files or cannot be written; a day that is in no year from 1 to 9999.
        UnknownName: no such aspect, no such view.
    """
    for name in aspects:
        if name not in ASPECTS:
            raise UnknownName("aspect", name, ASPECTS)
    reader = LogReader(store, selection or Selection())
    writer = _Writer(reader, declared, with_vin=with_vin)
    with whole_folder(folder) as part:
        writer.write(part, [name for name in ASPECTS if name in aspects], store.count(schema.unit), progress)
    return writer.done


class _Writer:
    """Writes aspect after aspect, each in one pass over the units or the certificates."""

    def __init__(self, reader: LogReader, declared: Declared | None, *, with_vin: bool) -> None:
        self.done = Exported()
        self._reader, self._declared, self._with_vin = reader, declared, with_vin
        self._log = key_of_log(reader.meta)
        self._shared = reader.shared_codes()
        self._addresses = Addresses(self._log, self._shared)
        self._simulated = reader.meta.get("truth") == "yes"

    def write(self, part: Path, aspects: Sequence[str], units: int, progress: Progress | None) -> None:
        told = {
            "traction-battery-code": self._codes,
            "end-of-life": self._ends,
            "recycling-batch": self._batches,
            "decommissioning-certificate": self._certificates,
        }
        for place, name in enumerate(aspects):
            self.done.left_out[name] = Counter()
            count = 0
            with (part / f"{name}.jsonl").open("w", encoding="utf-8", newline="\n") as file:
                for twin, payload in told[name](self.done.left_out[name]):
                    line = {"globalAssetId": twin, "semanticId": ASPECTS[name], "payload": payload}
                    file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
                    count += 1
            self.done.documents[name] = count
            if progress is not None:
                progress(units * (place + 1), units * len(aspects))

    def _units(self) -> Iterator[list[Unit]]:
        """Yield the units that are wanted: not those besides that a link of theirs names, such as all of a lot."""
        wanted = self._reader.selection.units
        for units in self._reader.named_units():
            yield units if wanted is None else [unit for unit in units if unit.unit in wanted]

    def _codes(self, left_out: Counter[str]) -> Iterator[Line]:
        for units in self._units():
            coded = [unit for unit in units if unit.level in _CODED]
            parts = self._parts(unit.unit for unit in coded)
            for unit in coded:
                inside: Counter[str] = Counter()
                try:
                    payload = telling.component(unit, parts, self._shared, inside)
                except Unfit as why:
                    left_out[f"{unit.level.name.lower()} {why}"] += 1
                    continue
                for why_not, count in inside.items():
                    left_out[f"part {why_not}, in a document without it"] += count
                yield self._twin("unit", unit.unit), payload

    def _parts(self, units: Iterator[int]) -> dict[int, list[Unit]]:
        """Return parent -> parts, and parts of parts: a pack has modules, a module cells, and no more."""
        found: dict[int, list[Unit]] = {}
        ahead = set(units)
        for _ in range(2):
            links = self._reader.links_to(ahead, LinkKind.CONTAINS)
            children = self._reader.units({link.child for link in links})
            found |= telling.parts_of(links, children)
            ahead = children.keys() - found.keys()
        return found

    def _ends(self, left_out: Counter[str]) -> Iterator[Line]:
        for units in self._units():
            packs = {unit.unit: unit for unit in units if unit.level is Level.PACK}
            records = self._standing(packs)
            numbers = self._reader.details(
                record.event_id for told in records.values() for record in told if record.event is E.TEST
            )
            vehicle = {number: _last_vehicle(told) for number, told in records.items()}
            certified = self._reader.certified({v for v in vehicle.values() if v is not None})
            for number, unit in packs.items():
                try:
                    payload = telling.end_of_life(
                        unit, records.get(number, ()), numbers, certified=vehicle.get(number) in certified
                    )
                except Unfit as why:
                    left_out[f"pack {why}"] += 1
                    continue
                yield self._twin("unit", number), payload

    def _standing(self, units: Collection[int]) -> dict[int, list[Record]]:
        """Return unit -> its records without those that others have replaced."""
        records = self._reader.stories(units)
        ids = [record.event_id for told in records.values() for record in told]
        replaced = self._reader.replacements(ids)
        return {
            number: [record for record in told if record.event_id not in replaced]
            for number, told in records.items()
        }

    def _batches(self, left_out: Counter[str]) -> Iterator[Line]:
        roles: dict[int, int] = {row[0]: row[3] for rows in self._reader.actors() for row in rows}
        for units in self._units():
            lots = {unit.unit: unit for unit in units if unit.level is Level.LOT}
            told = self._standing(lots)
            recovered = {n: r for n, rs in told.items() if (r := _last(rs, E.RECOVER)) is not None}
            links = self._reader.links_to(recovered, LinkKind.MADE_FROM)
            came = self._reader.units({link.child for link in links})
            before = self._standing(came)
            balances = self._reader.balances(recovered)
            for number, record in recovered.items():
                inputs = sorted({link.child for link in links if link.parent == number})
                try:
                    if self._declared is None:
                        raise Unfit("whose container and treatment nobody declares (--declare)")
                    batch = self._batch(lots[number], record, inputs, came, before, balances, roles)
                    yield (
                        self._twin("lot", number),
                        telling.recycling_batch(batch, self._declared, log=self._log),
                    )
                except Unfit as why:
                    left_out[f"lot {why}"] += 1

    def _batch(
        self,
        lot: Unit,
        record: Record,
        inputs: Sequence[int],
        came: Mapping[int, Unit],
        before: Mapping[int, Sequence[Record]],
        balances: Mapping[int, Sequence[tuple[Any, ...]]],
        roles: Mapping[int, int],
    ) -> Batch:
        whole = [row for row in balances.get(lot.unit, ()) if row[0] == Element.MASS]
        if len(whole) != 1:
            raise Unfit("without one balance of its whole mass")
        shipped, started = [], [record.event_day]
        for number in inputs:
            ship = _last(before.get(number, ()), E.SHIP)
            if ship is None:
                raise Unfit("made from what nobody was told to have shipped")
            shipped.append(Handover(ship, came[number].code))
            started += [r.event_day for r in before[number] if r.event in (E.DISMANTLE, E.PROCESS)]
        handover = telling.one_handover(shipped, record.actor)
        name = self._addresses.unit(lot.unit, lot.level, lot.code)
        return Batch(lot, name, record, min(started), whole[0], handover, roles, self._simulated)

    def _certificates(self, left_out: Counter[str]) -> Iterator[Line]:
        vins: dict[int, str | None] = {}
        if self._with_vin:
            vins = {row[0]: row[1] for rows in self._reader.named_vehicles() for row in rows}
        for records in self._reader.certificates():
            replaced = self._reader.replacements(record.event_id for record in records)
            for record in records:
                assert record.vehicle is not None
                serial = (
                    vins.get(record.vehicle) if self._with_vin else self._addresses.vehicle(record.vehicle)
                )
                if serial is None:
                    left_out["certificate of a vehicle without a VIN"] += 1
                    continue
                other = replaced.get(record.event_id)
                revoked = None if other is None else other.record_day
                yield (
                    self._twin("vehicle", record.vehicle),
                    telling.certificate(record, log=self._log, serial=serial, revoked=revoked),
                )

    def _twin(self, kind: str, number: int) -> str:
        return steady_uuid(self._log, kind, number)


def _last(records: Sequence[Record], event: E) -> Record | None:
    found = [record for record in records if record.event is event]
    return found[-1] if found else None


def _last_vehicle(records: Sequence[Record]) -> int | None:
    vehicles = [record.vehicle for record in records if record.vehicle is not None]
    return vehicles[-1] if vehicles else None
