"""The design of a study: which scenarios, how often, what is shown of them, and what is said of it either way.

A study is a TOML file, `sim/studies/NAME.toml`.  It holds words and no findings: each sentence of the answer is
written for every way in which the results may turn out, and the results choose.
"""

from __future__ import annotations

from datetime import date
from string import Formatter
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.comparison.bundle import BUNDLE
from sim.measures import MEASURES
from sim.report.words import Text
from traceability.errors import UnknownName

_Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,40}$")]


class Part(BaseModel):
    """A part of a study's file; keys that nobody knows are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Words(Part):
    """One thing said in English and in Chinese; what stands in braces is filled from the results."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1)

    def filled(self, **values: Text) -> Text:
        """Return both texts with each name in braces replaced by its value in that language."""
        return Text(
            self.en.format(**{k: v.en for k, v in values.items()}),
            self.zh.format(**{k: v.zh for k, v in values.items()}),
        )

    @property
    def text(self) -> Text:
        """Both texts as they stand."""
        return Text(self.en, self.zh)


class Side(Part):
    """A scenario of a study: one that ships, or one that extends such a one by what is said here.

    Attributes:
        label: what the page calls it.
        extends: a shipped scenario; "" where *name* is one itself.
        set: sections with their figures and sources, as a scenario file has them.
    """

    name: _Name
    label: Words
    extends: str = ""
    set: dict[str, Any] = {}


class Term(Part):
    """Values of one measure, added over *keys*, times a factor, and a constant for each year.

    Attributes:
        scenarios: for which alone the term counts; none named: for all.
        source: of the factor and the constant, as `grade: source`.
    """

    measure: str
    keys: tuple[str, ...] = ("",)
    times: float = 1.0
    constant: float = 0.0
    scenarios: tuple[str, ...] = ()
    source: str = ""


class Shown(Part):
    """One line of the results: a measure of the simulation, or a sum or a share made of some.

    Attributes:
        measure, keys: of the tidy measures; else *terms*.
        terms: added up; per: and divided by these.
        years: first and last; over: whether the years are added or averaged.
        says, unit, factor: as the bundle of `battrace compare` has them, unless given.
    """

    name: _Name
    measure: str = ""
    keys: tuple[str, ...] = ("",)
    terms: tuple[Term, ...] = ()
    per: tuple[Term, ...] = ()
    years: tuple[int, int]
    over: Literal["sum", "mean"] = "sum"
    says: Words
    unit: Words
    factor: float = 1.0

    @model_validator(mode="before")
    @classmethod
    def _as_the_bundle(cls, raw: Any) -> Any:  # noqa: ANN401
        """Fill words, unit and factor of a measure that the bundle shows."""
        if not isinstance(raw, dict):
            return raw
        known_ids = [info.id for info in MEASURES]
        if raw.get("measure", known_ids[0]) not in known_ids:
            raise ValueError(str(UnknownName("measure", str(raw["measure"]), known_ids)))
        keys = raw.get("keys", [""])
        known = [b for b in BUNDLE if b.measure == raw.get("measure") and [b.key] == list(keys)]
        for line in known:
            words = {"says": line.says._asdict(), "unit": line.unit._asdict()}
            raw = {**words, "factor": line.factor, **raw}
        if isinstance(raw.get("years"), int):
            raw = raw | {"years": [raw["years"], raw["years"]]}
        return raw

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if bool(self.measure) == bool(self.terms):
            raise ValueError(f"`{self.name}` needs either `measure` or `terms`")
        if self.years[0] > self.years[1]:
            raise ValueError(f"`{self.name}`: {self.years[0]} is after {self.years[1]}")
        known = [info.id for info in MEASURES]
        for term in (*self.parts, *self.per):
            if term.measure not in known:
                raise ValueError(str(UnknownName("measure", term.measure, known, self.name)))
        return self

    @property
    def parts(self) -> tuple[Term, ...]:
        """What is added up."""
        return self.terms or (Term(measure=self.measure, keys=self.keys),)

    @property
    def plain(self) -> bool:
        """Whether it is one measure as the simulation has it, of one year."""
        return bool(self.measure) and len(self.keys) == 1 and self.years[0] == self.years[1]

    @property
    def when(self) -> str:
        """The year, or the years."""
        first, last = self.years
        return str(first) if first == last else f"{first}–{last}"


class Effect(Part):
    """An answer: what one scenario changes in one line, written for more, for less, and for no difference shown."""

    kind: Literal["effect"]
    scenario: str
    shown: str
    more: Words
    less: Words
    none: Words


class Cheapest(Part):
    """An answer: the scenario of least *cost* whose *shown* reaches *target* (in the unit shown), or that none does."""

    kind: Literal["cheapest"]
    cost: str
    shown: str
    target: float
    found: Words
    nothing: Words


class Price(Part):
    """An answer: what each scenario costs for each unit that it gains, or that no gain is shown.

    Attributes:
        cost, gain: lines of which the paired differences are divided.
        factor, unit: from (unit of cost / unit of gain) to what is shown.
    """

    kind: Literal["price"]
    cost: str
    gain: str
    factor: float
    unit: Words
    known: Words
    unknown: Words
    order: Words
    no_order: Words


Answer = Annotated[Effect | Cheapest | Price, Field(discriminator="kind")]


class Chart(Part):
    """What the picture of a study draws.

    Attributes:
        kind: effects: differences in percent of the baseline; plane: one line against another.
        shown: the lines drawn: any number for effects, x and y for the plane.
        target: a level of y that is marked.
    """

    kind: Literal["effects", "plane"]
    shown: tuple[str, ...] = Field(min_length=1)
    title: Words
    target: float | None = None

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if self.kind == "plane" and len(self.shown) != 2:
            raise ValueError(f"a picture of kind `plane` shows 2 lines, not {len(self.shown)}")
        if self.kind != "plane" and self.target is not None:
            raise ValueError("`target` goes with a picture of kind `plane`")
        return self


class Study(Part):
    """A study; the first of its scenarios is what the others are compared with."""

    name: _Name
    title: Words
    question: Words
    design: Words
    first: date | None = Field(default=None, alias="from")
    last: date | None = Field(default=None, alias="until")
    seed: int = Field(ge=0)
    scale: int = Field(ge=1)
    replications: int = Field(ge=2)
    scenario: tuple[Side, ...] = Field(min_length=2)
    shown: tuple[Shown, ...] = Field(min_length=1)
    answer: tuple[Answer, ...] = Field(min_length=1)
    chart: Chart
    limits: tuple[Words, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        lines, sides = [s.name for s in self.shown], [s.name for s in self.scenario]
        for what, names in (("line", lines), ("scenario", sides)):
            if len(set(names)) < len(names):
                raise ValueError(f"two of one name among the {what}s: {', '.join(names)}")
        for name in self._lines_named():
            if name not in lines:
                raise ValueError(str(UnknownName("line", name, lines)))
        for name in self._sides_named():
            if name not in sides:
                raise ValueError(str(UnknownName("scenario", name, sides)))
        for answer in self.answer:
            _fillable(answer)
        return self

    def _lines_named(self) -> list[str]:
        named = list(self.chart.shown)
        for answer in self.answer:
            named += (
                [answer.cost, answer.gain]
                if isinstance(answer, Price)
                else [answer.cost, answer.shown]
                if isinstance(answer, Cheapest)
                else [answer.shown]
            )
        return named

    def _sides_named(self) -> list[str]:
        terms = [term for shown in self.shown for term in (*shown.parts, *shown.per)]
        named = [name for term in terms for name in term.scenarios]
        return named + [answer.scenario for answer in self.answer if isinstance(answer, Effect)]

    @property
    def baseline(self) -> Side:
        """The first scenario."""
        return self.scenario[0]

    def line(self, name: str) -> Shown:
        """Return the line of that name."""
        return next(shown for shown in self.shown if shown.name == name)

    def side(self, name: str) -> Side:
        """Return the scenario of that name."""
        return next(side for side in self.scenario if side.name == name)


_TOLD = frozenset(
    ["scenario", "line", "when", "before", "after", "gap", "size", "interval", "unit", "of_gap"]
)
FIELDS: dict[type[Part], dict[str, frozenset[str]]] = {
    Effect: {"more": _TOLD, "less": _TOLD, "none": _TOLD | {"verdict"}},
    Cheapest: {
        "found": frozenset({"scenario", "cost", "cost_unit", "value", "unit", "target", "reach"}),
        "nothing": frozenset({"target", "unit", "best", "value"}),
    },
    Price: {
        "known": frozenset({"scenario", "price", "interval", "unit"}),
        "unknown": frozenset({"scenario", "unit"}),
        "order": frozenset({"cheaper", "dearer"}),
        "no_order": frozenset({"one", "other"}),
    },
}
"""What the sentences of each kind of answer may name in braces."""


def _fillable(answer: Part) -> None:
    for sentence, known in FIELDS[type(answer)].items():
        said: Words = getattr(answer, sentence)
        for text in (said.en, said.zh):
            for _, name, *_ in Formatter().parse(text):
                if name is not None and name not in known:
                    raise ValueError(str(UnknownName("word in braces", name, known, f"`{sentence}`")))
