"""The answer of a study in words: which of its sentences hold is decided by the results, never by the file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np

from sim.comparison.told import signed
from sim.intervals import CONFIDENCE
from sim.report.reading import decimals, number
from sim.report.words import Text
from sim.studies.design import Cheapest, Effect, Price, Shown, Words
from sim.studies.ratio import Floats, Ratio, ratio
from sim.studies.results import Line, Results, lines, may_be_negative

NOT_SHOWN = Text("no difference shown", "未显示差异")
SAME = Text("exactly the same", "完全相同")
_OF_SHARES = Text("percentage points", "个百分点")


def answers(results: Results) -> list[Text]:
    """Return the sentences of the answer, in the order of the study."""
    found: list[Text] = []
    told = {(line.shown.name, line.scenario): line for line in lines(results)}
    for answer in results.study.answer:
        if isinstance(answer, Effect):
            found.append(_effect(results, answer, told[answer.shown, answer.scenario]))
        elif isinstance(answer, Cheapest):
            found.append(_cheapest(results, answer))
        else:
            found += _price(results, answer)
    return found


def of_difference(shown: Shown) -> Text:
    """Return the unit of a difference of a line: percentage points where it is a share."""
    return _OF_SHARES if shown.unit.en == "%" else shown.unit.text


def digits(shown: Shown) -> int | None:
    """Return how many decimals a line has; None: as many as its interval bears."""
    return 1 if shown.unit.en == "%" else None


def value(shown: Shown, mean: float) -> str:
    """Return a mean of a line in the unit shown, without it."""
    scaled = mean * shown.factor
    places = digits(shown)
    return number(scaled, min(3, decimals(scaled)) if places is None else places)


def verdict(line: Line) -> Text:
    """Return what is said plainly of a difference that is not shown: it may be none at all."""
    gap = line.gap.estimate
    return SAME if gap.mean == gap.low == gap.high == 0.0 else NOT_SHOWN


def _same(text: str) -> Text:
    return Text(text, text)


def _effect(results: Results, answer: Effect, line: Line) -> Text:
    shown, gap = line.shown, line.gap.estimate
    mean, interval = signed(line.gap, shown.factor, digits(shown)) if line.gap.n else ("–", "")
    said: Words = answer.none
    if line.differs:
        said = answer.more if gap.mean > 0 else answer.less
    return said.filled(
        scenario=results.study.side(answer.scenario).label.text,
        line=shown.says.text,
        when=_same(shown.when),
        before=_same(value(shown, line.before.mean)),
        after=_same(value(shown, line.after.mean)),
        gap=_same(mean),
        size=_same(mean.lstrip("+−")),
        interval=_same(interval),
        unit=shown.unit.text,
        of_gap=of_difference(shown),
        verdict=verdict(line),
    )


class Plan(NamedTuple):
    """A scenario among which the cheapest is sought.

    Attributes:
        cost, value: means, in the units shown.
        reach: what the mean reaches, with 95 % confidence for all plans together (Bonferroni), in the unit shown.
        reaches: whether that is the target.
    """

    scenario: str
    cost: float
    value: float
    reach: float
    reaches: bool


def plans(results: Results, answer: Cheapest) -> list[Plan]:
    """Return every scenario of the study by its cost, the cheapest first."""
    study = results.study
    cost, shown = study.line(answer.cost), study.line(answer.shown)
    found = []
    for side in study.scenario:
        values = results.of(shown, side.name) * shown.factor
        reach = _reach(values, len(study.scenario))
        if not may_be_negative(shown):
            reach = max(reach, 0.0)
        spent = float(np.mean(results.of(cost, side.name))) * cost.factor
        found.append(Plan(side.name, spent, float(np.mean(values)), reach, reach >= answer.target))
    return sorted(found, key=lambda plan: (plan.cost, plan.scenario))


def _reach(values: Floats, together: int) -> float:
    """Return the lower end of the two-sided interval of the mean that holds for so many means together."""
    known = values[~np.isnan(values)]
    if known.size < 2:
        return -math.inf
    from scipy.special import stdtrit  # slow to import, and needed only here

    t = float(stdtrit(known.size - 1, 1.0 - (1.0 - CONFIDENCE) / (2 * together)))
    return float(np.mean(known)) - t * float(np.std(known, ddof=1)) / math.sqrt(known.size)


def _cheapest(results: Results, answer: Cheapest) -> Text:
    study = results.study
    cost, shown = study.line(answer.cost), study.line(answer.shown)
    found = plans(results, answer)
    target = _same(f"{answer.target:g}")
    places = digits(shown)
    for plan in found:
        if plan.reaches:
            return answer.found.filled(
                scenario=study.side(plan.scenario).label.text,
                cost=_same(number(plan.cost)),
                cost_unit=cost.unit.text,
                value=_same(number(plan.value, places)),
                unit=shown.unit.text,
                target=target,
                reach=_same(number(plan.reach, places)),
            )
    best = max(found, key=lambda plan: plan.value)
    return answer.nothing.filled(
        target=target,
        unit=shown.unit.text,
        best=study.side(best.scenario).label.text,
        value=_same(number(best.value, places)),
    )


class Priced(NamedTuple):
    """What a scenario costs for each unit that it gains, in the unit shown; None where no gain is shown."""

    scenario: str
    price: Ratio | None


def prices(results: Results, answer: Price) -> list[Priced]:
    """Return the price of every scenario but the baseline: paired differences of cost over those of gain."""
    study = results.study
    cost, gain = study.line(answer.cost), study.line(answer.gain)
    found = []
    for side in study.scenario[1:]:
        spent = results.of(cost, side.name) - results.of(cost, study.baseline.name)
        gained = results.of(gain, side.name) - results.of(gain, study.baseline.name)
        price = ratio(spent * cost.factor, gained * gain.factor) if float(np.mean(gained)) > 0 else None
        if price is not None:
            price = Ratio(*(x * answer.factor for x in price))
        found.append(Priced(side.name, price))
    return found


def price_text(price: Ratio) -> tuple[str, str]:
    """Return a price and its interval."""
    places = min(3, decimals(price.value))
    return number(price.value, places), f"[{number(price.low, places)}, {number(price.high, places)}]"


def _price(results: Results, answer: Price) -> Iterator[Text]:
    study, found = results.study, prices(results, answer)
    for scenario, price in found:
        label = study.side(scenario).label.text
        if price is None:
            yield answer.unknown.filled(scenario=label, unit=answer.unit.text)
        else:
            said, interval = price_text(price)
            yield answer.known.filled(
                scenario=label, price=_same(said), interval=_same(interval), unit=answer.unit.text
            )
    known = sorted(
        ((p, scenario) for scenario, p in found if p is not None), key=lambda k: (k[0].value, k[1])
    )
    for (low, one), (high, other) in combinations(known, 2):
        labels = study.side(one).label.text, study.side(other).label.text
        # intervals that do not meet: a cautious way to call two prices different
        if low.high < high.low:
            yield answer.order.filled(cheaper=labels[0], dearer=labels[1])
        else:
            yield answer.no_order.filled(one=labels[0], other=labels[1])
