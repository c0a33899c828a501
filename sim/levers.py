"""What a scenario may change: every figure with its unit, its bounds and its sentences, read from the models.

From it come the page of levers (`docs/levers.md`), the JSON Schema of a scenario file, and what differs between
two scenarios.
"""

from __future__ import annotations

import inspect
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import date
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from sim import fines
from sim.dated import Dated
from sim.figures import GRADES, Section
from sim.industry import battery_maker_shares, recycler_shares, target_weights, vehicle_maker_shares
from sim.inputs import Inputs
from sim.law import Timetable, units_of
from sim.scenario import REPORTERS, Scenario, load, parameters, shipped
from traceability.errors import UnknownName

NAME = "NAME"
"""Stands for the name that a scenario gives to a section of its own: a technology, a brand, a plant."""

FIRST_DAY = "2011-01-01"
"""The first day of the yearly series: a figure that is dated from here on holds always."""

SETTINGS = {
    "from": ("day", "first day of the run, the first of a quarter", "起始日（季度首日）"),
    "until": ("day", "last day of the run, the last of a quarter", "结束日（季度末日）"),
    "seed": ("-", "seed of all draws", "随机种子"),
    "replications": ("runs", "how often the run is repeated with other luck", "重复次数"),
    "scale": (
        "vehicles",
        "real vehicles that one simulated vehicle stands for",
        "一辆模拟车代表的实际车辆数",
    ),
}
"""Keys of a run rather than of the world: unit, and sentence in both languages; they need no source."""

# a path of years or months is drawn through the days that it names, and says all of them
_PATHS = ("technology", "shipments", "brand", "amendment")

_FORMS: dict[object, str] = {
    Dated: "number, or table of days",
    float: "number",
    int: "whole number",
    date: "day",
    str: "text",
    tuple: "list of names",
    dict: "table of numbers",
    Timetable: "table of days",
}


class Lever(NamedTuple):
    """One key that a scenario may set.

    Attributes:
        key: such as `market.deposit_yuan_pack`; NAME where the scenario chooses the name.
        form: what the file may hold.
        low, high: the bounds of a number, in *unit*; None where there is none.
    """

    key: str
    form: str
    unit: str
    low: float | None
    high: float | None
    en: str
    zh: str

    @property
    def range(self) -> str:
        """The bounds as a person reads them."""
        if self.low is None or self.high is None:
            return "-"
        low, high = (f"{x:d}" if isinstance(x, int) else f"{x:g}" for x in (self.low, self.high))
        return f"{low} to {high}"


class Figure(NamedTuple):
    """One figure of a scenario; *value* is as a TOML file holds it, days of a dated one as text."""

    key: str
    value: Any
    unit: str
    grade: str
    source: str
    en: str
    zh: str

    @property
    def section(self) -> str:
        """The table of the file in which it stands."""
        return self.key.rpartition(".")[0]

    @property
    def field(self) -> str:
        """Its name in that table."""
        return self.key.rpartition(".")[2]


class Change(NamedTuple):
    """A figure that two scenarios do not share; None where one has no such figure."""

    key: str
    old: Figure | None
    new: Figure | None


def levers() -> Iterator[Lever]:
    """Yield every key of every section that a scenario may have, in the order of the models."""
    for path, section in _sections():
        for name, info in section.model_fields.items():
            if name != "sources":
                yield _lever(f"{path}.{name}", info)


def settings() -> Iterator[Lever]:
    """Yield the keys that stand before the sections: horizon, seed, replications, scale."""
    known = {info.alias or name: info for name, info in Scenario.model_fields.items()}
    for key, (unit, en, zh) in SETTINGS.items():
        yield Lever(key, _form(known[key]), unit, *_bounds(known[key]), en, zh)


def _sections() -> Iterator[tuple[str, type[Section]]]:
    for name, info in Scenario.model_fields.items():
        held: Any = info.annotation
        if named := get_args(held):
            for who in REPORTERS if name == "reporting" else (NAME,):
                yield f"{name}.{who}", named[1]
        elif issubclass(held, Section):
            yield name, held
        elif issubclass(held, BaseModel):  # sections below one name, such as the authorities
            for who, inner in held.model_fields.items():
                section: Any = inner.annotation
                yield f"{name}.{who}", section


def _lever(key: str, info: FieldInfo) -> Lever:
    extra = info.json_schema_extra
    assert isinstance(extra, dict)
    return Lever(
        key, _form(info), str(extra["unit"]), *_bounds(info), info.description or "", str(extra["zh"])
    )


def _form(info: FieldInfo) -> str:
    held: Any = info.annotation
    return _FORMS[getattr(held, "__origin__", held)]


def _bounds(info: FieldInfo) -> tuple[float | None, float | None]:
    low = high = None
    for item in info.metadata:
        low, high = getattr(item, "ge", low), getattr(item, "le", high)
        if dated := _dated_bounds(getattr(item, "func", None)):
            low, high = dated
    return low, high


def _dated_bounds(check: object) -> tuple[float, float] | None:
    """Return the bounds within which the check of a dated figure holds every value."""
    if not inspect.isfunction(check):
        return None
    held = inspect.getclosurevars(check).nonlocals
    return (held["low"], held["high"]) if {"low", "high"} <= held.keys() else None


def figures(scenario: Scenario) -> list[Figure]:
    """Return every figure of *scenario* with its unit, grade and source; those of SETTINGS are not among them."""
    return [
        Figure(p.key, _plain(scenario, p.key), p.unit, p.grade, p.source, p.en, p.zh)
        for p in parameters(scenario)
    ]


def settings_of(scenario: Scenario) -> list[Figure]:
    """Return the horizon, seed, replications and scale of *scenario*; they have neither grade nor source."""
    table = scenario.model_dump(by_alias=True, include={"first", "last", "seed", "replications", "scale"})
    return [Figure(key, table[key], unit, "", "", en, zh) for key, (unit, en, zh) in SETTINGS.items()]


def _plain(scenario: Scenario, key: str) -> Any:  # noqa: ANN401
    path, field = key.rsplit(".", 1)
    name, _, who = path.partition(".")
    section = getattr(scenario, name)
    if who:
        section = section[who] if isinstance(section, dict) else getattr(section, who)
    return section.model_dump(include={field})[field]


def differences(base: Scenario, scenario: Scenario) -> list[Change]:
    """Return the figures and settings whose values differ, in the order of *scenario*, what it lacks last."""
    old = {f.key: f for f in settings_of(base) + figures(base)}
    new = {f.key: f for f in settings_of(scenario) + figures(scenario)}
    return [
        Change(key, old.get(key), new.get(key))
        for key in new | old
        if key not in old or key not in new or old[key].value != new[key].value
    ]


def remarks(scenario: Scenario, changes: list[Change]) -> list[str]:
    """Return what is allowed but seldom meant: a value that reaches back, a source that speaks of another value, a
    fine outside of the band that a law states, figures that say otherwise than the law of the scenario.
    """
    said = []
    kept = []
    for key, old, new in changes:
        if old is None or new is None:
            continue
        if (
            isinstance(new.value, dict)
            and isinstance(old.value, float)
            and key.partition(".")[0] not in _PATHS
        ):
            first, value = next(iter(new.value.items()))
            if date.fromisoformat(first) > scenario.first and value != old.value:
                said.append(
                    f"`{key}`: {toml_text(value)} holds before {first} too; to keep {toml_text(old.value)} "
                    f"until then add {FIRST_DAY} = {toml_text(old.value)}"
                )
        if new.source and (old.grade, old.source) == (new.grade, new.source):
            kept.append(key)
    if kept:
        section, field = kept[0].rsplit(".", 1)
        said.append(
            f"changed, but with the source of the old value: {', '.join(f'`{key}`' for key in kept)}; "
            f'say why, as in sources.{field} = "assumed: what if" in [{section}]'
        )
    from sim.amendments import contradictions  # the rules are slow to import, and only this asks for them

    return said + fines.remarks(scenario.inspection) + contradictions(scenario)


def base_of(name: str | Path) -> str | Path | None:
    """Return what the scenario file or shipped scenario *name* extends, as `load` takes it; None where nothing.

    Raises:
        ScenarioError: the file cannot be read; see `load`.
    """
    if str(name) in shipped():
        text = files("sim").joinpath("scenarios", f"{name}.toml").read_text("utf-8")
    else:
        load(name)  # says what is wrong with it
        text = Path(name).read_bytes().decode("utf-8-sig")
    parent = tomllib.loads(text).get("extends")
    if parent is None:
        return None
    return str(parent) if parent in shipped() else Path(name).parent / parent


def check_makers(scenario: Scenario, inputs: Inputs) -> None:
    """Check the names that only the input files know: makers, and the provinces of plants, recyclers and inspections.

    Raises:
        ScenarioError: a brand that is no maker, a plant whose maker or province nobody knows, a province without
            recyclers whose capacity is multiplied, inspections directed at nobody.
    """
    if scenario.brand:
        vehicle_maker_shares(inputs, scenario.brand, inputs.registered(scenario.manufacture.registered_share))
    battery_maker_shares(inputs, scenario.plant)
    recycler_shares(inputs, scenario.recycling.capacity_factor)
    for name, law in scenario.inspection:
        target_weights(inputs, name, law.targeting)


def toml_text(value: object) -> str:
    """Return *value* on one line as a TOML file writes it; a whole number without its point."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(name)} = {toml_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, tuple | list):
        return "[" + ", ".join(toml_text(each) for each in value) + "]"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def toml_key(name: object) -> str:
    """Return *name* as a key of a TOML file, quoted where it must be."""
    return str(name) if re.fullmatch(r"[A-Za-z0-9_\-]+", str(name)) else json.dumps(name, ensure_ascii=False)


def page() -> str:
    """Return the Markdown page of every key that a scenario may set, with the grade of the baseline's figure."""
    grades = {f.key: f.grade for f in figures(load("baseline"))}
    lines = [
        "# Levers: every key of a scenario",
        "",
        "Made by `battrace scenario levers`; a test holds it to the code. 本页由程序自动生成。",
        "",
        'A scenario is `extends = "baseline"` and what differs (`battrace scenario new`). A dated figure is a number, or',
        "a table of days: `{2011-01-01 = 0, 2026-04-01 = 1}`; before the first day its value holds too. Every figure",
        f"names its source as `grade: source`; the grades are {', '.join(GRADES)}.",
        f"*Grade* is that of the baseline's figure, `-` where it has none. `{NAME}` is chosen by the scenario;",
        "of an amendment it is the id of a rule (`battrace rules list`).",
    ]
    section = None
    for lever in [*settings(), *levers()]:
        path, _, field = lever.key.rpartition(".")
        if path != section:
            section = path
            lines += ["", f"## `[{path}]`" if path else "## Before the sections", ""]
            lines += [
                "| key | holds | unit | range | grade | meaning | 含义 |",
                "|---|---|---|---|---|---|---|",
            ]
        cells = (
            f"`{field}`",
            lever.form,
            lever.unit,
            lever.range,
            grades.get(lever.key, "-"),
            lever.en,
            lever.zh,
        )
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def section_of(scenario: Scenario, wanted: str) -> list[Figure]:
    """Return the figures of the section *wanted*, such as `market`, `inspection` or `inspection.mee`.

    Raises:
        UnknownName: *scenario* has no such section.
    """
    everything = figures(scenario)
    known = {f.section for f in everything} | {f.section.split(".")[0] for f in everything}
    if wanted not in known:
        raise UnknownName("section", wanted, sorted(known))
    return [f for f in everything if f.key.startswith(f"{wanted}.")]


class _FileSchema(GenerateJsonSchema):
    """A dated figure as a file writes it: a number, a switch, or a table of days."""

    def is_instance_schema(self, schema: core_schema.IsInstanceSchema) -> JsonSchemaValue:
        return {}

    def function_before_schema(self, schema: core_schema.BeforeValidatorFunctionSchema) -> JsonSchemaValue:
        bounds = _dated_bounds(schema["function"]["function"])
        if bounds is None:
            return super().function_before_schema(schema)
        one = [{"type": "number", "minimum": bounds[0], "maximum": bounds[1]}, {"type": "boolean"}]
        days = {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"format": "date", "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            "additionalProperties": {"anyOf": one},
        }
        return {"anyOf": [*one, days]}


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a scenario file: what an editor can complete and check.

    It knows keys, types and bounds; what contradicts what, only the loader knows.
    """
    schema = Scenario.model_json_schema(schema_generator=_FileSchema)
    # a file that extends another may leave out anything
    needed = schema.pop("required")
    schema["anyOf"] = [{"required": ["extends"]}, {"required": needed}]
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "shipped scenario, or path of a file beside this one, from which all that is not said here is taken",
    }
    schema["properties"]["reporting"]["propertyNames"] = {"enum": list(REPORTERS)}
    from traceability.compliance.rules import RULES  # slow to import, and only this asks for their ids

    numbered = [rule.id for rule in RULES if units_of(rule.id)]
    schema["properties"]["amendment"]["propertyNames"] = {"enum": numbered}
    source = {"type": "string", "pattern": f"^(assumed$|assumed:|({'|'.join(GRADES)}):\\s*\\S)"}
    for part in schema["$defs"].values():
        part.pop("required", None)
        if "sources" in part["properties"]:
            named = [name for name in part["properties"] if name != "sources"]
            part["properties"]["sources"] = {
                "type": "object",
                "properties": dict.fromkeys(named, source),
                "additionalProperties": False,
            }
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "battrace scenario", **schema}
