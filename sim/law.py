"""The law that a scenario imagines: sections `[law]` and `[amendment.RULE]`.

`sim.amendments` says what rules they make, and how reporters and product makers answer to them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from difflib import get_close_matches
from reprlib import repr as brief
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    InstanceOf,
    PlainSerializer,
    ValidationError,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import InitErrorDetails, PydanticCustomError

from sim.dated import ALWAYS
from sim.figures import Section, figure
from traceability.errors import UnknownName
from traceability.vocabulary import Use

ENACTED = "enacted"
"""The law as it was made; in a table of days, from that day on again."""

REPEALED = "repealed"
REGIMES = (ENACTED, "cn_2018", "order73")
USES = {use.name.lower(): use for use in Use if use is not Use.NONE}
UNITS = (ENACTED, "days", "working days", "months", "%", "g")
"""What a limit may count, as `law.Unit` has it; a rule that counts things has no other unit."""

_MOST = {"days": 3650, "working days": 2500, "months": 120, "%": 100, "g": 10**12, "": 10**6}
_WORDS = (REPEALED, ENACTED)
_DAY = r"^\d{4}-\d{2}-\d{2}$"
_LIMIT: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 0, "maximum": max(_MOST.values())}, {"enum": list(_WORDS)}]
}


@dataclass(frozen=True, slots=True)
class Timetable:
    """What is stated from each day on, until the next.

    Attributes:
        steps: (first day, value), in order; before the first day nothing is stated.
    """

    steps: tuple[tuple[date, Any], ...]

    def __str__(self) -> str:
        return "; ".join(
            _said(value) if start == ALWAYS else f"{_said(value)} from {start}" for start, value in self.steps
        )


def _said(value: object) -> str:
    return (" + ".join(value) or "none") if isinstance(value, tuple) else str(value)


def _table(raw: object, read: Callable[[object, str], object], example: str) -> Timetable:
    if isinstance(raw, Timetable):
        return raw
    if not isinstance(raw, dict) or not raw:
        raise ValueError(f"expected a table of days such as {example}, not {brief(raw)}")
    steps = []
    for key, value in raw.items():
        try:
            start = date.fromisoformat(str(key))
        except ValueError:
            raise ValueError(f"`{key}` is not a day; write it as 2027-01-01") from None
        steps.append((start, read(value, f" from {key} on")))
    return Timetable(tuple(sorted(steps, key=lambda step: step[0])))


def _limits(raw: object) -> Timetable:
    if isinstance(raw, int | float | str):
        return Timetable(((ALWAYS, _limit(raw, "")),))
    return _table(raw, _limit, "{2027-01-01 = 30}")


def _limit(value: object, when: str) -> int | str:
    if isinstance(value, str):
        if value in _WORDS:
            return value
        raise ValueError(
            f"the limit{when}: " + str(UnknownName("word", brief(value)[1:-1], _WORDS)) + _known(_WORDS)
        )
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or value % 1:
        raise ValueError(
            f"the limit{when} must be a whole number, `{REPEALED}` or `{ENACTED}`, not {brief(value)}"
        )
    if not 0 <= value <= max(_MOST.values()):
        raise ValueError(f"the limit{when}, {brief(value)}, is not between 0 and {max(_MOST.values()):,}")
    return int(value)


def _uses(raw: object) -> Timetable:
    return _table(raw, _names, '{2026-04-01 = ["e_bike"]}')


def _names(value: object, when: str) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise ValueError(f"the uses barred{when} must be a list of names, not {brief(value)}")
    for name in value:
        if not isinstance(name, str) or name not in USES:
            raise ValueError(f"{UnknownName('use', str(name)[:40], USES)}{_known(USES)}")
    return tuple(name for name in USES if name in value)


def _regime(raw: object) -> object:
    if raw not in REGIMES:
        raise ValueError(f"{UnknownName('law', str(raw)[:40], REGIMES)}{_known(REGIMES)}")
    return raw


def _unit(raw: object) -> object:
    if raw not in UNITS:
        raise ValueError(f"{UnknownName('unit', str(raw)[:40], UNITS)}{_known(UNITS)}")
    return raw


def _known(names: object) -> str:
    assert isinstance(names, tuple | dict)
    return f"; known are {', '.join(f'`{name}`' for name in names)}"


def _plain(table: Timetable) -> object:
    first, value = table.steps[0]
    if len(table.steps) == 1 and first == ALWAYS and not isinstance(value, tuple):
        return value
    return {
        start.isoformat(): list(value) if isinstance(value, tuple) else value for start, value in table.steps
    }


def _of_days(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "minProperties": 1,
        "propertyNames": {"format": "date", "pattern": _DAY},
        "additionalProperties": schema,
    }


Limits = Annotated[
    InstanceOf[Timetable],
    BeforeValidator(_limits),
    PlainSerializer(_plain),
    WithJsonSchema({"anyOf": [*_LIMIT["anyOf"], _of_days(_LIMIT)]}),
]
Bans = Annotated[
    InstanceOf[Timetable],
    BeforeValidator(_uses),
    PlainSerializer(_plain),
    WithJsonSchema(_of_days({"type": "array", "items": {"enum": list(USES)}})),
]
_Regime = Annotated[str, BeforeValidator(_regime), WithJsonSchema({"enum": list(REGIMES)})]
_Unit = Annotated[str, BeforeValidator(_unit), WithJsonSchema({"enum": list(UNITS)})]


class Law(Section):
    """Which law holds, beside the amendments of single rules."""

    forced_regime: _Regime = figure(
        "-",
        f"the law as if it had been so at all times: {', '.join(REGIMES[1:])}; `{ENACTED}`: each in its time",
        f"视为自始至终适用的规定：{'、'.join(REGIMES[1:])}；{ENACTED} 表示各按其施行期间",
    )
    banned_uses: Bans = figure(
        "uses",
        "uses for which nothing may be made of used batteries: from each day on these and no others; formal "
        f"product makers obey, workshops do not. Known are {', '.join(USES)}",
        "自所列日期起禁止使用废旧动力电池的产品用途（整表替换）；正规企业遵守，作坊不遵守",
    )
    deadline_pull: float = figure(
        "share of the change",
        "how far the mean delay of reports follows a deadline that is not the enacted one: 1 in proportion, 0 not at all",
        "上报时限变更后平均上报延迟的跟随程度：1 为同比例变化，0 为不变",
        ge=0,
        le=1,
    )


class Amendment(Section):
    """Another number in one rule.  One source may speak for all of it: that of the limit."""

    limit: Limits = figure(
        "see `unit`",
        f"limit of the rule from each day on, or `{REPEALED}`, or `{ENACTED}` again; before the first day the law "
        "stands as enacted",
        f"自所列日期起的限值；{REPEALED} 表示废止，{ENACTED} 表示恢复原规定；首日之前按原规定",
    )
    unit: _Unit = figure(
        "-",
        f"what the limit counts: days, working days or months of a deadline; `{ENACTED}`, as where it is left out: "
        "what the rule counts on that day",
        f"限值单位：时限可为 days（日）、working days（工作日）、months（月）；{ENACTED} 或未写明时沿用当日规则的单位",
    )

    @model_validator(mode="before")
    @classmethod
    def _unit_as_enacted(cls, raw: Any) -> Any:  # noqa: ANN401
        """Say what is left out: the unit is that of the rule, and has the source of the limit."""
        if not isinstance(raw, dict):
            return raw
        sources = raw.get("sources")
        if isinstance(sources, dict) and "limit" in sources:
            raw = raw | {"sources": {"unit": sources["limit"]} | sources}
        return {"unit": ENACTED} | raw


def _amendable(rule: str) -> str:
    """Refuse the name of no rule, and a rule without a number."""
    from traceability.compliance.rules import RULES  # slow to import; most scenarios amend nothing

    known = {each.id: each for each in RULES}
    if rule not in known:
        names = {each.name: each.id for each in RULES}
        wanted = rule[:64].upper()
        close = get_close_matches(wanted, [*names, *known], n=1, cutoff=0.5)
        hint = (
            f"; did you mean `{names.get(close[0], close[0])}`?"
            if close
            else "; `battrace rules list` names them"
        )
        raise ValueError(f"no rule has the id `{rule[:64]}`{hint}")
    if not units_of(rule):
        raise ValueError(f"{rule} {known[rule].name} has no number that could be amended")
    return rule


def units_of(rule: str) -> tuple[str, ...]:
    """Return the units in which the limit of the rule of this id may be given, its own first; () without a number."""
    from traceability.compliance.law import Unit
    from traceability.compliance.rule import Kind
    from traceability.compliance.rules import RULES

    known = next(each for each in RULES if each.id == rule)
    own = [limit.unit for limit in reversed(known.limits) if limit.value is not None]
    if own and known.kind is Kind.DEADLINE:  # the others compare in the one unit of what they measure
        own += [Unit.DAYS, Unit.WORKING_DAYS, Unit.MONTHS]
    return tuple(dict.fromkeys(unit.value for unit in own))


def _fit(amendments: dict[str, Amendment]) -> dict[str, Amendment]:
    """Check units and numbers against the rule that they are for; a fault is told at its own key."""
    faults: list[InitErrorDetails] = []
    for rule, amendment in amendments.items():
        allowed = units_of(rule)
        for key, said in _misfits(rule, amendment, allowed):
            told = PydanticCustomError("amendment", "{said}", {"said": said})
            faults.append({"type": told, "loc": (rule, key), "input": getattr(amendment, key)})
    if faults:
        raise ValidationError.from_exception_data("amendment", faults)
    return amendments


def _misfits(rule: str, amendment: Amendment, allowed: tuple[str, ...]) -> list[tuple[str, str]]:
    unit = allowed[0] if amendment.unit == ENACTED else amendment.unit
    if unit not in allowed:
        listed = ", ".join(f"`{each}`" for each in allowed if each) or "things: leave `unit` out"
        return [("unit", f"`{unit}` is no unit of {rule}, which counts {listed}")]
    return [
        ("limit", f"{value} {unit}".rstrip() + f" is beyond {_MOST[unit]:,}, the most that makes sense")
        for _, value in amendment.limit.steps
        if isinstance(value, int) and value > _MOST[unit]
    ]


Amendments = Annotated[dict[Annotated[str, AfterValidator(_amendable)], Amendment], AfterValidator(_fit)]
