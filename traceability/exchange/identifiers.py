"""Web addresses for what a log numbers, and steady names for its events.

    <base>/battery/<code>          a unit whose code nobody else bears
    <base>/unit/<log>-<number>     a unit without a code of its own
    <base>/lot/<log>-<number>      and likewise vehicle, party and site (the place of a party)
    <base>/material/<element>      a class of material

`<base>` is a setting; by default it lies under the reserved domain `.example`, which nobody can own.  GS1 keys
are not used: they need a licensed prefix, and a code of 24 characters does not fit them.
`<log>` tells the numbers of one log from those of another.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from traceability.errors import ExchangeError
from traceability.vocabulary import Element, Level

BASE = "https://id.battrace.example"
VOCABULARY = "https://ns.battrace.example/vocab/"
"""Where our own words live: what the prefix `brt:` stands for."""

_SPACE = uuid.uuid5(uuid.NAMESPACE_URL, VOCABULARY)
_PLAIN_CODE = re.compile(r"[A-Za-z0-9-]{1,32}")
_ADDRESS = re.compile(r".*/(battery|unit|lot|vehicle|party|site|material)/([^/]+)")
_BASE = re.compile(r"https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._~-]+)*")


def key_of_log(meta: Mapping[str, str]) -> str:
    """Return eight hex digits that tell a log by what its meta rows say of where it came from.

    >>> key_of_log({"state": "open", "scenario": "baseline"}) == key_of_log({"scenario": "baseline"})
    True
    """
    kept = [f"{key}={value}" for key, value in sorted(meta.items()) if key not in ("state", "last_day")]
    return hashlib.sha256("\n".join(kept).encode()).hexdigest()[:8]


def steady_uuid(*parts: object) -> str:
    """Return `urn:uuid:…`, the same for the same *parts* wherever it is asked.

    >>> steady_uuid("opening", 7) == steady_uuid("opening", 7) != steady_uuid("opening", 8)
    True
    """
    return f"urn:uuid:{uuid.uuid5(_SPACE, '|'.join(map(str, parts)))}"


def kind_of(address: str) -> tuple[str, str] | None:
    """Return kind and last part of an address of this scheme, under whatever base; None for any other.

    >>> kind_of("https://id.battrace.example/lot/0a1b2c3d-17")
    ('lot', '0a1b2c3d-17')
    """
    match = _ADDRESS.fullmatch(address)
    return None if match is None else (match[1], match[2])


@dataclass(frozen=True, slots=True)
class Addresses:
    """The addresses of one log.

    Attributes:
        log: eight hex digits, see `key_of_log`.
        shared_codes: codes that more than one unit bears, which therefore name none of them.
        base: of every address.

    Raises:
        ExchangeError: *base* is no web address without query and fragment.
    """

    log: str
    shared_codes: Collection[str] = frozenset()
    base: str = BASE

    def __post_init__(self) -> None:
        if not _BASE.fullmatch(self.base):
            raise ExchangeError(
                f"base `{self.base}`: expected a web address such as {BASE}, without a slash at the end"
            )

    def unit(self, number: int, level: Level, code: str | None) -> str:
        """Return the address of a unit."""
        if (
            code is not None
            and level is not Level.LOT
            and code not in self.shared_codes
            and _PLAIN_CODE.fullmatch(code)
        ):
            return f"{self.base}/battery/{code}"
        return f"{self.base}/{'lot' if level is Level.LOT else 'unit'}/{self.log}-{number}"

    def vehicle(self, number: int) -> str:
        """Return the address of a vehicle: a pseudonym, since its VIN is close to personal data."""
        return f"{self.base}/vehicle/{self.log}-{number}"

    def party(self, number: int) -> str:
        """Return the address of a company."""
        return f"{self.base}/party/{self.log}-{number}"

    def site(self, number: int) -> str:
        """Return the address of the place of a company; the log knows one each."""
        return f"{self.base}/site/{self.log}-{number}"

    def material(self, element: Element) -> str:
        """Return the address of a class of material."""
        return f"{self.base}/material/{element.name.lower()}"

    def residue(self) -> str:
        """Return the address of what a process leaves."""
        return f"{self.base}/material/residue"
