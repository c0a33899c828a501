"""The companies that rows name, by name or credit code, as parties with one role each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from traceability.events import NULL
from traceability.imports.columns import SLOTS
from traceability.imports.mapping import ColumnMap
from traceability.imports.reading import NO_TEXT, Int64s, Rows
from traceability.imports.report import ImportReport
from traceability.imports.words import folded
from traceability.vocabulary import Role

_USUAL_ROLE = {"carrier": Role.CARRIER, "maker": Role.BATTERY_ENT}
_ROLES = 64


class Party(NamedTuple):
    """A company in one role; one that acts in two is two actors of the log."""

    name: str
    credit_code: str | None
    role: Role
    maker_code: str | None = None


@dataclass(eq=False)
class Companies:
    """The companies of all rows.

    Attributes:
        parties: in the order in which they are found.
        slots: actor, receiver, carrier, maker -> int64[n], a place in `parties`, or NULL.
    """

    parties: list[Party] = field(default_factory=list)
    slots: dict[str, Int64s] = field(default_factory=dict)

    def place(self, party: Party) -> int:
        """Return the place of *party*, a new one at the end if it is not there yet."""
        if party not in self._places:
            self._places[party] = len(self.parties)
            self.parties.append(party)
        return self._places[party]

    def __post_init__(self) -> None:
        self._places: dict[Party, int] = {party: place for place, party in enumerate(self.parties)}


class _Mention(NamedTuple):
    """How a row names a company: numbers of texts, and the role if it tells one."""

    name: int
    credit: int
    role: int


def find_companies(rows: Rows, mapping: ColumnMap, report: ImportReport) -> Companies:
    """Return the companies; rows with one of which nothing tells the role are quarantined."""
    mentions: dict[str, tuple[list[_Mention], Int64s]] = {
        slot: _mentions(rows, fields) for slot, fields in SLOTS.items()
    }
    book = _Book(rows, mapping, (mention for found, _ in mentions.values() for mention in found))
    companies = Companies()
    for slot, (found, which) in mentions.items():
        places = np.array(
            [NULL if (party := book.party(m, slot)) is None else companies.place(party) for m in found] or [NULL],
            dtype=np.int64,
        )  # fmt: skip
        named = np.array([m != _Mention(NO_TEXT, NO_TEXT, NULL) for m in found] or [False], dtype=np.bool_)
        companies.slots[slot] = places[which]
        _refuse(rows, report, mapping, slot, rows.good & named[which] & (places[which] == NULL))
    return companies


def _mentions(rows: Rows, fields: tuple[str, str, str]) -> tuple[list[_Mention], Int64s]:
    """Return the different mentions of companies in some fields, and int64[n], which of them each row has."""
    none = np.full(len(rows), NO_TEXT, dtype=np.int64)
    name, credit = (rows.column(f) if f else none for f in fields[:2])
    role = rows.column(fields[2]) if fields[2] else np.full(len(rows), NULL, dtype=np.int64)
    codes = len(rows.texts["credit"]) + 1
    packed = ((name + 1) * codes + credit + 1) * _ROLES + np.where(role == NULL, 0, role)
    distinct, which = np.unique(packed, return_inverse=True)
    found = [
        _Mention(int(n) // _ROLES // codes - 1, int(n) // _ROLES % codes - 1, int(n) % _ROLES or NULL)
        for n in distinct
    ]
    return found, which.astype(np.int64)


class _Book:
    """What all rows together say of companies."""

    def __init__(self, rows: Rows, mapping: ColumnMap, mentions: Iterable[_Mention]) -> None:
        self._names, self._credits = rows.texts["name"].all(), rows.texts["credit"].all()
        self._mapping = mapping
        self._codes_of: dict[int, set[int]] = {}
        self._name_of: dict[int, int] = {}
        listed = list(mentions)
        for mention in listed:
            if mention.name != NO_TEXT and mention.credit != NO_TEXT:
                self._codes_of.setdefault(mention.name, set()).add(mention.credit)
                self._name_of.setdefault(mention.credit, mention.name)
        self._roles: dict[tuple[int, int], set[int]] = {}
        for mention in listed:
            if mention.role != NULL:
                self._roles.setdefault(self._identity(mention), set()).add(mention.role)

    def party(self, mention: _Mention, slot: str) -> Party | None:
        """Return who is meant; None where nobody is, or nothing tells the role."""
        name, credit = identity = self._identity(mention)
        code = self._credits[credit] if credit != NO_TEXT else None
        called = self._names[name] if name != NO_TEXT else code
        role = self._role(mention, identity, slot)
        if role is None:
            return None
        if called is None:
            return Party(f"({role.name}, not named)", None, role) if mention.role != NULL else None
        return Party(called, code, role)

    def _identity(self, mention: _Mention) -> tuple[int, int]:
        """Return name and credit code under which a company is kept: its code if one is known, and its first name."""
        credit = mention.credit
        if credit == NO_TEXT and len(known := self._codes_of.get(mention.name, set())) == 1:
            credit = next(iter(known))
        return self._name_of.get(credit, mention.name), credit

    def _role(self, mention: _Mention, identity: tuple[int, int], slot: str) -> Role | None:
        if mention.role != NULL:
            return Role(mention.role)
        if mention.name == NO_TEXT and mention.credit == NO_TEXT:
            return None
        name, credit = identity
        names = [self._names[n] for n in {name, mention.name} if n != NO_TEXT]
        for text in (*names, *([self._credits[credit]] if credit != NO_TEXT else [])):
            if (given := self._mapping.role_of(folded(text))) is not None:
                return given
        if slot in _USUAL_ROLE:
            return _USUAL_ROLE[slot]
        known = self._roles.get(identity, set())
        return Role(next(iter(known))) if len(known) == 1 else None


def _refuse(rows: Rows, report: ImportReport, mapping: ColumnMap, slot: str, bad: np.ndarray) -> None:
    name, credit, role = SLOTS[slot]
    texts = rows.texts["name"].all(), rows.texts["credit"].all()
    names, codes = rows.column(name), rows.column(credit) if credit else None
    for row in np.flatnonzero(bad).tolist():
        if names[row] != NO_TEXT:
            value = texts[0][names[row]]
        else:
            value = texts[1][codes[row]] if codes is not None else ""
        report.quarantine(
            int(rows.file[row]), int(rows.line[row]), mapping.columns.get(name, mapping.columns.get(credit, "")),
            value, f"nothing says what kind of company this is: neither {role}, nor [roles], nor another row",
        )  # fmt: skip
    rows.good &= ~bad
