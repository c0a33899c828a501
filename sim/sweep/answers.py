"""What is read off each run: the bundle of the comparison at the headline year, and what else is asked for."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from sim import inputs, money
from sim.comparison.bundle import BUNDLE, Shown
from sim.comparison.series import absent, series
from sim.inputs import Inputs
from sim.intervals import SHARES
from sim.measures import MEASURES, Value, measure
from sim.report.words import LABELS, Text, label
from sim.run import simulate
from sim.scenario import Scenario
from sim.study import examine
from sim.summary import headline_year
from traceability.errors import ScenarioError, UnknownName
from traceability.store import open_store
from traceability.store.parquet import ParquetStore

ALL_YEARS = "all"
_AUDITED = frozenset({"breaches_happened", "breaches_visible", "detected_share"})


@dataclass(frozen=True, slots=True)
class Asked:
    """A measure that a sweep reads off each run.

    Attributes:
        measure, year, key: of the tidy measures of a run; year None: the whole horizon, key "": the total.
        id: the name of its column.
        factor: from the unit of the measure to *unit*, the one shown.
        main: whether the page draws it; the others are in the tables.
    """

    measure: str
    year: int | None
    key: str
    id: str
    says: Text
    unit: Text
    factor: float
    main: bool


def asked(wanted: Sequence[str], scenario: Scenario, *, bundle: bool = True) -> tuple[Asked, ...]:
    """Return the bundle (if *bundle*), then what *wanted* names: `ID`, `ID:YEAR`, `ID:YEAR:KEY`, `ID::KEY`.

    Raises:
        UnknownName: no measure, or no key of it, is called so.
        ScenarioError: a year outside the run, or nothing is asked for.
    """
    year = headline_year(scenario)
    found = {each.id: each for each in (_of_bundle(shown, year) for shown in BUNDLE) if bundle}
    for text in wanted:
        each = _wanted(text, scenario, year)
        found[each.id] = each
    if not found:
        raise ScenarioError("--only: no measure is left; name one with --measure")
    return tuple(found.values())


def options(asked: Sequence[Asked], scenario: Scenario) -> str:
    """Return the options of the command that ask for *asked*."""
    year = headline_year(scenario)
    bundled = {_of_bundle(shown, year).id for shown in BUNDLE}
    whole = bundled <= {each.id for each in asked}
    said = [f"--measure '{_said(each)}'" for each in asked if not whole or each.id not in bundled]
    return " ".join(said if whole else ["--only", *said])


def _said(asked: Asked) -> str:
    year = ALL_YEARS if asked.year is None else str(asked.year)
    return f"{asked.measure}:{year}:{asked.key}".removesuffix(":")


def _of_bundle(shown: Shown, year: int) -> Asked:
    return Asked(
        shown.measure, year, shown.key, shown.id, shown.says, shown.unit, shown.factor, shown.headline
    )


def _wanted(text: str, scenario: Scenario, headline: int) -> Asked:
    name, _, rest = text.partition(":")
    said, _, key = rest.partition(":")
    known = {info.id: info for info in MEASURES}
    if name not in known:
        raise UnknownName("measure", name, known)
    info = known[name]
    keys = LABELS.get(info.key, {})
    parts = key.split(">") if info.key == "flow" else [key]
    if key and keys and not keys.keys() >= set(parts):
        raise UnknownName(info.key, key, keys, f"measure {name}")
    year = headline if not said else None if said == ALL_YEARS else _year(text, said, scenario)
    id_ = f"{name}.{key}" if key else name
    if year != headline:
        id_ += f"@{said}"
    for shown in BUNDLE:
        if (shown.measure, shown.key) == (name, key):
            when = "" if year == headline else f", {said}"
            says = Text(shown.says.en + when, shown.says.zh + when.replace(", ", "，"))
            return Asked(name, year, key, id_, says, shown.unit, shown.factor, True)
    of = label(key, info.key) if key else Text("", "")
    ends = [part for part in (of.en, "" if year == headline else said) if part]
    zh = [part for part in (of.zh, "" if year == headline else said) if part]
    says = Text(", ".join([info.title_en, *ends]), "，".join([info.title_zh, *zh]))
    share = name in SHARES
    unit = Text("%", "%") if share else Text(info.unit_en, info.unit_zh)
    return Asked(name, year, key, id_, says, unit, 100.0 if share else 1.0, True)


def _year(text: str, said: str, scenario: Scenario) -> int:
    first, last = scenario.first.year, scenario.last.year
    if not said.isdigit() or not first <= int(said) <= last:
        raise ScenarioError(
            f"--measure {text}: `{said}` is no year of the run; choose {first} to {last}, or `{ALL_YEARS}`"
        )
    return int(said)


Answer = tuple[float | None, ...]
"""What one run says of each measure; None where it says nothing, such as a share of nothing."""


def answer(scenario: Scenario, replication: int, wanted: tuple[Asked, ...]) -> Answer:
    """Run one replication of *scenario* and return what it says of each of *wanted*; its log is gone afterwards.

    All that it needs comes in, and all that it finds goes out: it can run on any machine with this program.
    The rules are asked only where a measure of breaches is wanted.
    """
    with tempfile.TemporaryDirectory(prefix="battrace-sweep-") as place:
        log = Path(place) / "log"
        with open_store(f"parquet:{log}", create=True) as store:
            simulate(scenario, _inputs(), store, replication=replication)
        values = list(_values(log, scenario, audited=any(each.measure in _AUDITED for each in wanted)))
    found = series([values])
    said = [found.get((a.measure, a.year, a.key), absent(a.measure, 1)) for a in wanted]
    return tuple(None if one[0] != one[0] else float(one[0]) for one in said)


def _values(log: Path, scenario: Scenario, *, audited: bool) -> Iterator[Value]:
    if audited:
        yield from examine(log, log.with_name("findings.csv"), scenario)["values"]
        return
    with open_store(f"parquet:{log}", threads=1) as store:
        assert isinstance(store, ParquetStore)
        yield from measure(store)
        yield from (Value(*figure) for figure in money.measure(store, scenario, _inputs()))


@cache
def _inputs() -> Inputs:
    return inputs.load()
