"""What the addresses of a document stand for: units, vehicles and companies of a registry.

A document of ours describes them in its header; what nobody describes is brought in with what its first event says.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from traceability.events import NULL
from traceability.exchange.days import day_of_date
from traceability.exchange.epcis.understanding import Event, NotOurs, Report
from traceability.exchange.epcis.words import named
from traceability.exchange.identifiers import kind_of
from traceability.lifecycle import began
from traceability.registry import Registry
from traceability.vocabulary import REMARKS, Chemistry, Level, Permit, Role, State, Use
from traceability.vocabulary import EventType as E

ROWS_AT_ONCE = 5_000
_INT32, _INT64 = (1 << 31) - 1, (1 << 63) - 1
_FIRST_ROLE: dict[E, Role] = {
    **dict.fromkeys((E.CODE, E.DELIVER, E.LABEL, E.IMPORT), Role.BATTERY_ENT),
    **dict.fromkeys((E.INSTALL, E.CERTIFY, E.SELL), Role.OEM),
    **dict.fromkeys((E.RECEIVE, E.TEST, E.DISMANTLE, E.PROCESS, E.RECOVER, E.DISPATCH), Role.CU),
    **dict.fromkeys((E.COLLECT, E.REFUSE), Role.OUTLET),
    E.REMOVE: Role.REPAIR,
}
"""What a company that nobody introduces is taken for, by what it does first."""


class Names:
    """Address -> number, for all that a document names.

    Args:
        registry: of a new store.
        note: called with what was assumed.

    Attributes:
        levels: of each unit.
        vehicle_states: State of each vehicle; whoever records events of vehicles keeps it.
    """

    def __init__(self, registry: Registry, note: Callable[[str], None]) -> None:
        self._registry, self._note = registry, note
        self._unit: dict[str, int] = {}
        self._vehicle: dict[str, int] = {}
        self._actor: dict[str, int] = {}
        self._new_actors: list[tuple[Any, ...]] = []
        self.levels, self.vehicle_states = list[Level](), bytearray()

    @property
    def counts(self) -> tuple[int, int, int]:
        """How many units, vehicles and companies there are."""
        return len(self._unit), len(self._vehicle), len(self._actor)

    def introduce(self, element: Event) -> None:
        """Take in a company, a vehicle or a unit as the master data of a document of ours describe it.

        What does not fit is passed over with a note: events that name it bring it in with what they say.
        """
        address, told = element["id"], _attributes(element)
        kind = (kind_of(address) or ("",))[0]
        try:
            if kind == "party":
                self._introduce_party(address, told)
            elif kind == "vehicle":
                self._introduce_vehicle(address, told)
            elif kind in ("battery", "unit", "lot"):
                self._introduce_unit(address, told)
        except NotOurs as error:
            self._note(f"master data passed over: {error}")

    def unit_of(self, told: Report) -> int:
        """Return the number of the unit of *told*."""
        assert told.unit is not None
        if told.unit in self._unit:
            return self._unit[told.unit]
        level = Level.PACK
        for candidate in (Level.PACK, Level.MODULE, Level.PRODUCT, Level.LOT):
            if told.event in REMARKS or began(candidate, told.event) is not None:
                level = candidate
                break
        return self._commission_foreign(told.unit, level, told.event_day, told.actor, told.event, told.ilmd)

    def unit_at(self, address: str, day: int, level: Level) -> int:
        """Return the number of a unit that a link of *day* names; *level* is what it is taken for if it is new."""
        known = self._unit.get(address)
        return self._commission_foreign(address, level, day, None, None, {}) if known is None else known

    def _commission_foreign(
        self, address: str, level: Level, day: int, actor: str | None, event: E | None, ilmd: dict[str, Any]
    ) -> int:
        coder = self.actor_at("unknown" if actor is None else actor, event)
        self._note("units that the document does not describe: level and chemistry are assumed")
        kind = named(Chemistry, ilmd.get("brt:chemistry")) or Chemistry.OTHER
        tail = address.rstrip("/").rpartition("/")[2].rpartition(":")[2]
        own = kind_of(address)
        printed = tail if 0 < len(tail) <= 32 and (own is None or own[0] == "battery") else None
        return self._commission(
            address, level, code=printed, coder=coder, chemistry=kind, made=day, energy=_amount(ilmd, "brt:ratedEnergyWh"),
            mass=_amount(ilmd, "brt:massG"), purpose=Use.NONE,
        )  # fmt: skip

    def _commission(
        self, address: str, level: Level, *, code: str | None, coder: int, chemistry: Chemistry, made: int, energy: int,
        mass: int, purpose: Use,
    ) -> int:  # fmt: skip
        [number] = self._registry.commission(
            level, coder=coder, chemistry=chemistry, made_day=made, energy_wh=energy, mass_g=mass, purpose=purpose,
            printed=None if code is None else [code], rows=1,
        ).tolist()  # fmt: skip
        self._unit[address] = int(number)
        self.levels.append(level)
        return int(number)

    def _introduce_unit(self, address: str, told: dict[str, Any]) -> None:
        level, chemistry = named(Level, told.get("level")), named(Chemistry, told.get("chemistry"))
        purpose = named(Use, told.get("purpose", "NONE"))
        code, made = told.get("code"), day_of_date(told.get("made"))
        if address in self._unit:
            raise NotOurs("a unit described twice")
        if level is None or level is Level.VEHICLE or chemistry is None:
            raise NotOurs("a unit without a level or chemistry that the log knows")
        if purpose is None or made is None or not isinstance(told.get("coder"), str):
            raise NotOurs("a unit without a day, a coder or a purpose that the log knows")
        if code is not None and not (isinstance(code, str) and 0 < len(code) <= 32):
            raise NotOurs("a unit with a code of no or more than 32 characters")
        self._commission(
            address, level, code=code, coder=self.actor_at(told["coder"], E.CODE),
            chemistry=chemistry, made=made, energy=whole(told, "energyWh"), mass=whole(told, "massG"),
            purpose=purpose,
        )  # fmt: skip

    def vehicle_of(self, told: Report) -> int:
        """Return the number of the vehicle of *told*."""
        assert told.vehicle is not None
        if told.vehicle in self._vehicle:
            return self._vehicle[told.vehicle]
        self._note("vehicles that the document does not describe: maker and kind are assumed")
        maker = self.actor_at(told.actor, told.event)
        return self._enrol_vehicle(
            told.vehicle, vin=None, kind=0, maker=maker, province=0, prefecture=NULL, swap=False
        )

    def _introduce_vehicle(self, address: str, told: dict[str, Any]) -> None:
        vin = told.get("vin")
        if vin is not None and not (isinstance(vin, str) and 0 < len(vin) <= 17 and vin.isascii()):
            raise NotOurs("a vehicle with a VIN of no or more than 17 characters")
        if address in self._vehicle or not isinstance(told.get("maker"), str):
            raise NotOurs("a vehicle described twice, or without a maker")
        self._enrol_vehicle(
            address, vin=vin, kind=whole(told, "kind", 1 << 14), maker=self.actor_at(told["maker"], E.SELL),
            province=whole(told, "province", 1 << 14),
            prefecture=whole(told, "prefecture", _INT32) if "prefecture" in told else NULL,
            swap=told.get("swap") == "yes",
        )  # fmt: skip

    def _enrol_vehicle(
        self,
        address: str,
        *,
        vin: str | None,
        kind: int,
        maker: int,
        province: int,
        prefecture: int,
        swap: bool,
    ) -> int:
        [number] = self._registry.enrol_vehicles(
            vin=np.array([b"" if vin is None else vin.encode("ascii")], dtype="S17"), kind=kind, maker=maker,
            province=province, prefecture=prefecture, swap=swap, rows=1,
        ).tolist()  # fmt: skip
        self._vehicle[address] = int(number)
        self.vehicle_states.append(State.UNREGISTERED)
        return int(number)

    def actor_at(self, address: str, event: E | None) -> int:
        """Return the number of a company; *event* is what it does here, None where it does nothing itself."""
        if address in self._actor:
            return self._actor[address]
        self._note(
            "companies that the document does not describe: their role is taken from what they do first"
        )
        role = Role.OWNER if event is None else _FIRST_ROLE.get(event, Role.OWNER)
        return self._add_actor(address, (address[:128], None, role, 0, NULL, None, 1, NULL))

    def _introduce_party(self, address: str, told: dict[str, Any]) -> None:
        texts = {key: told.get(key) for key in ("name", "creditCode", "makerCode")}
        for (key, text), length in zip(texts.items(), (128, 18, 3), strict=True):
            if text is not None and not (isinstance(text, str) and 0 < len(text) <= length):
                raise NotOurs(f"a company whose {key} is no text of at most {length} characters")
        role = named(Role, told.get("role"))
        if address in self._actor or texts["name"] is None or role is None:
            raise NotOurs("a company described twice, or without a name or a role that the log knows")
        number = self._add_actor(
            address,
            (
                texts["name"], texts["creditCode"], role, whole(told, "province", 1 << 14),
                whole(told, "prefecture", _INT32) if "prefecture" in told else NULL, texts["makerCode"],
                whole(told, "standsFor", _INT32), whole(told, "capacityTYear", _INT32) if "capacityTYear" in told else NULL,
            ),
        )  # fmt: skip
        for permit in told.get("permit", ()):
            first, until = day_of_date(permit.get("from")), day_of_date(permit.get("until"))
            kind = named(Permit, permit.get("kind"))
            if kind is None or first is None:
                raise NotOurs("a permit without a kind or a first day that the log knows")
            self._registry.grant_permits(
                actor=_array(number), kind=kind, valid_from=first, valid_to=NULL if until is None else until
            )

    def _add_actor(self, address: str, row: tuple[Any, ...]) -> int:
        number = self._actor[address] = len(self._actor)
        self._new_actors.append((number, *row))
        if len(self._new_actors) == ROWS_AT_ONCE:
            self.finish()
        return number

    def finish(self) -> None:
        """Write the companies that are not written yet."""
        rows, self._new_actors = self._new_actors, []
        if not rows:
            return
        number, name, credit, role, province, prefecture, maker, stands_for, capacity = zip(
            *rows, strict=True
        )
        self._registry.enrol_actors(
            {
                "actor": _array(*number), "name": list(name), "credit_code": list(credit), "role": _array(*role),
                "province": _array(*province), "prefecture": _array(*prefecture), "maker_code": list(maker),
                "stands_for": _array(*stands_for), "capacity_t_year": _array(*capacity),
            },
            len(rows),
        )  # fmt: skip


def _attributes(element: Event) -> dict[str, Any]:
    """Return name -> value of our attributes; permits, of which there may be several, as a list."""
    told: dict[str, Any] = {}
    for attribute in element.get("attributes", ()):
        name, value = attribute["id"].removeprefix("brt:"), attribute.get("attribute")
        if name == "permit":
            if isinstance(value, dict):
                told.setdefault("permit", []).append(value)
        else:
            told[name] = value
    return told


def whole(told: dict[str, Any], key: str, most: int = _INT64) -> int:
    """Return the whole number under *key*, of at most *most*; raises NotOurs where there is none."""
    value = told.get(key)
    if type(value) is not int or abs(value) > most:
        raise NotOurs(f"{key} is {str(value)[:40]}, expected a whole number")
    return value


def _amount(told: dict[str, Any], key: str) -> int:
    value = told.get(key, 0)
    return value if type(value) is int and 0 <= value <= _INT64 else 0


def _array(*numbers: int) -> npt.NDArray[np.int64]:
    return np.array(numbers, dtype=np.int64)
