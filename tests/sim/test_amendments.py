"""A scenario's law: what audits find under it, how reporters and product makers answer, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from sim.amendments import (
    REPORTS,
    banned_products,
    contradictions,
    imagined,
    paces,
    rules_of,
)
from sim.cli import cli
from sim.law import REGIMES, UNITS, USES, units_of
from sim.record import scenario_table
from sim.scenario import Scenario, load, parameters, shipped
from sim.study import complete, examine, run_study
from sim.summary import report_input
from tests.sim.small import World, digests, run, small
from traceability.compliance.audit import Audit, Fate, audit
from traceability.compliance.cases import load_cases, write_cases
from traceability.compliance.findings import write_findings
from traceability.compliance.law import ORDER_73_FROM, Regime, Unit, day_of
from traceability.compliance.rule import Kind, Rule
from traceability.compliance.rules import RULES
from traceability.compliance.views import truth
from traceability.errors import ScenarioError
from traceability.events import day_number
from traceability.store import Store, open_store, schema
from traceability.vocabulary import EventType, Use
from traceability.workdays import add_working_days

SOURCE = "assumed: what if"
ENACTED = {rule.id: rule for rule in RULES}
WITH_A_NUMBER = [rule.id for rule in RULES if any(limit.value is not None for limit in rule.limits)]


def imagining(base: Scenario | None = None, *, law: dict[str, Any] | None = None, **amended: Any) -> Scenario:
    """A small scenario, or *base*, under an imagined law; rule id -> limit, or (limit, unit)."""
    table = scenario_table(base or small())
    table["law"] |= law or {}
    for rule, limit in amended.items():
        number, unit = limit if isinstance(limit, tuple) else (limit, "enacted")
        table.setdefault("amendment", {})[rule] = {
            "limit": number,
            "unit": unit,
            "sources": {"limit": SOURCE},
        }
    return Scenario.model_validate(table)


def rule_of(scenario: Scenario, rule: str) -> Rule:
    return next(each for each in rules_of(scenario) if each.id == rule)


def told(rule: Rule) -> list[tuple[str, str, str, bool]]:
    """Bound, first and last day, imagined: of every limit."""

    def iso(day: int | None) -> str:
        return "" if day is None else (date(1970, 1, 1) + timedelta(days=day)).isoformat()

    return [(str(x.bound), iso(x.valid_from), iso(x.valid_to), x.imagined) for x in rule.limits]


# the rules, by hand


def test_a_baseline_asks_the_very_rules_that_are_enacted():
    assert rules_of(load("baseline")) == RULES
    assert all(mine is theirs for mine, theirs in zip(rules_of(load("baseline")), RULES, strict=True))
    assert imagined(load("baseline")) == []
    assert paces(load("baseline")) == {}
    assert banned_products(load("baseline")) == {}


def test_an_amendment_holds_from_its_day_on_and_the_law_stands_before():
    rule = rule_of(imagining(R46={"2027-01-01": 15}), "R46")
    assert told(rule) == [
        ("30 working days", "2018-08-01", "2026-03-31", False),
        ("30 days", "2026-04-01", "2026-12-31", False),
        ("15 days", "2027-01-01", "", True),
    ]


def test_an_amendment_may_be_repealed_or_end_in_what_is_enacted():
    steps = {"2027-01-01": 15, "2028-01-01": "enacted", "2029-01-01": "repealed"}
    assert told(rule_of(imagining(R47=steps), "R47")) == [
        ("30 days", "2026-04-01", "2026-12-31", False),
        ("15 days", "2027-01-01", "2027-12-31", True),
        ("30 days", "2028-01-01", "2028-12-31", False),
    ]


def test_an_amendment_across_two_laws_cites_each_in_its_time_and_keeps_its_unit():
    rule = rule_of(imagining(R46={"2020-01-01": 15}), "R46")
    assert told(rule)[1:] == [
        ("15 working days", "2020-01-01", "2026-03-31", True),
        ("15 days", "2026-04-01", "", True),
    ]
    assert [str(limit.article) for limit in rule.limits[1:]] == [
        "Announcement 2018/35 art. 15",
        "Order 73 art. 24(7)",
    ]
    every = rule_of(imagining(R46=({"2020-01-01": 15}, "working days")), "R46")
    assert {str(limit.bound) for limit in every.limits[1:]} == {"15 working days"}


def test_a_number_without_a_day_holds_at_all_times():
    assert told(rule_of(imagining(R50=5), "R50")) == [("5 %", "", "", True)]
    assert told(rule_of(imagining(R50="repealed"), "R50")) == []


def test_a_limit_that_says_what_the_law_says_is_not_imagined():
    scenario = imagining(R46={"2026-04-01": 30})
    assert told(rule_of(scenario, "R46")) == told(ENACTED["R46"])
    assert imagined(scenario) == []


def test_a_forced_regime_is_imagined_on_the_days_on_which_it_was_not_the_law():
    old = imagining(law={"forced_regime": "cn_2018"})
    assert told(rule_of(old, "R46")) == [
        ("30 working days", "", "2018-07-31", True),
        ("30 working days", "2018-08-01", "2026-03-31", False),
        ("30 working days", "2026-04-01", "", True),
    ]
    assert rule_of(old, "R47").limits == rule_of(old, "R29").limits == rule_of(old, "R57").limits == ()
    assert rule_of(old, "R50") == ENACTED["R50"]
    new = imagining(law={"forced_regime": "order73"})
    assert told(rule_of(new, "R47")) == [
        ("30 days", "", "2026-03-31", True),
        ("30 days", "2026-04-01", "", False),
    ]


def test_an_amendment_stands_above_a_forced_regime_that_has_no_such_duty():
    scenario = imagining(law={"forced_regime": "cn_2018"}, R47={"2027-01-01": 15})
    assert told(rule_of(scenario, "R47")) == [("15 days", "2027-01-01", "", True)]


def test_the_uses_barred_are_those_of_the_day_and_marked_where_they_were_not_enacted():
    bans = {"2026-04-01": ["e_bike"], "2027-01-01": ["e_bike", "storage"], "2028-01-01": []}
    rule = rule_of(imagining(law={"banned_uses": bans}), "R57")
    assert told(rule) == [
        ("-", "2026-04-01", "2026-12-31", False),
        ("-", "2027-01-01", "2027-12-31", True),
    ]
    assert "energy storage" in rule.says(rule.limits[1])
    assert "储能" in rule.says(rule.limits[1], "zh")
    earlier = rule_of(imagining(law={"banned_uses": {"2020-01-01": ["e_bike"]}}), "R57")
    assert told(earlier) == [("-", "2020-01-01", "2026-03-31", True), ("-", "2026-04-01", "", False)]
    assert earlier.says_en == ENACTED["R57"].says_en


@pytest.mark.parametrize("rule", WITH_A_NUMBER)
def test_every_rule_with_a_number_can_be_amended(rule):
    enacted = ENACTED[rule]
    number = next(limit.value for limit in reversed(enacted.limits) if limit.value is not None)
    other = number - 1 if units_of(rule)[0] == "%" else number + 1
    last = (imagining(**{rule: {"2027-01-01": other}}), rule)
    (new,) = [limit for limit in rule_of(*last).limits if limit.imagined]
    assert (new.value, new.unit.value, new.valid_from) == (other, units_of(rule)[0], day_of(2027, 1, 1))
    assert new.law == "imagined"
    others = [mine for mine, law in zip(rules_of(last[0]), RULES, strict=True) if mine is not law]
    assert [each.id for each in others] == [rule]


@pytest.mark.parametrize("rule", [rule.id for rule in RULES if rule.id not in WITH_A_NUMBER])
def test_no_rule_without_a_number_can_be(rule):
    with pytest.raises(ValidationError, match=f"{rule} .* has no number"):
        imagining(**{rule: {"2027-01-01": 1}})


def test_the_names_of_laws_and_units_are_those_of_the_rules():
    assert set(REGIMES[1:]) == {Regime.CN_2018.value, Regime.ORDER_73.value}
    assert set(UNITS[1:]) == {unit.value for unit in Unit} - {Unit.COUNT.value, Unit.NONE.value}
    assert set(USES.values()) == set(Use) - {Use.NONE}


def test_the_reports_that_follow_a_deadline_are_those_that_the_rules_judge():
    judged = {r.id for r in RULES if r.kind is Kind.DEADLINE and schema.event.c.record_day in r.columns}
    assert set(REPORTS) == judged
    told_with = {"R36": {EventType.REMOVE}}  # the old pack is reported with the new one
    for rule, (_, events) in REPORTS.items():
        assert set(events) == set(ENACTED[rule].needs) | told_with.get(rule, set())


# audits of one log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Callable[[str, str], Store]]:
    """A function that makes a store of the one world that a text tells, in the words of the case file of a rule."""
    opened: list[Store] = []

    def make(rule: str, world: str) -> Store:
        path = tmp_path / f"{rule}.toml"
        path.write_text(f'[[complies]]\nname = "the world"\nas_of = 2028-12-01\n{world}', encoding="utf-8")
        store = open_store(f"sqlite:///{tmp_path / f'{len(opened)}.sqlite'}", create=True)
        write_cases(store, load_cases(path))
        opened.append(store)
        return store

    yield make
    for store in opened:
        store.close()


def asked(store: Store, scenario: Scenario, rule: str) -> Audit:
    answer = audit(store, truth(day_of(2028, 12, 1)), (rule_of(scenario, rule),))
    answer.stop_if_broken()
    return answer


def test_a_receipt_told_after_twenty_working_days_is_late_under_fifteen_and_not_under_thirty(log, tmp_path):
    told_on = date(1970, 1, 1) + timedelta(days=add_working_days(day_of(2026, 5, 6), 20))
    store = log("R46", f'event = [{{event = "RECEIVE", happened = 2026-05-06, reported = {told_on}}}]')
    fifteen = asked(store, imagining(R46=({"2026-04-01": 15}, "working days")), "R46").findings
    assert fifteen.measured.tolist() == [20]
    assert len(asked(store, imagining(R46=({"2026-04-01": 30}, "working days")), "R46").findings) == 0
    # under the law as enacted 30 days are over, or not, as the calendar has it
    assert len(asked(store, small(), "R46").findings) == ((told_on - date(2026, 5, 6)).days > 30)
    write_findings(tmp_path / "f.csv", store, fifteen)
    with (tmp_path / "f.csv").open(encoding="utf-8", newline="") as rows:
        (row,) = csv.DictReader(rows)
    assert (row["law"], row["imagined"], row["limit"]) == ("imagined", "1", "15 working days")


def test_a_duty_repealed_from_a_day_on_finds_nothing_then(log):
    events = ", ".join(
        f'{{event = "RECEIVE", unit = "P{n}", happened = {day}, reported = "never"}}'
        for n, day in enumerate(("2026-12-31", "2027-01-01"), start=1)
    )
    store = log("R46", f"event = [{events}]")
    assert len(asked(store, small(), "R46").findings) == 2
    left = asked(store, imagining(R46={"2027-01-01": "repealed"}), "R46").findings
    assert left.day.tolist() == [day_of(2026, 12, 31)]
    never = asked(store, imagining(R46="repealed"), "R46")
    assert [outcome.fate for outcome in never.outcomes] == [Fate.SKIPPED]


PRODUCTS = """
unit = [{unit = "R1", purpose = "STORAGE"}, {unit = "R2", purpose = "E_BIKE"}, {unit = "R3", purpose = "BACKUP"}]
event = [
    {event = "REMAKE", unit = "R1", happened = 2026-05-06}, {event = "PLACE", unit = "R1", happened = 2027-02-01},
    {event = "REMAKE", unit = "R2", happened = 2026-05-06}, {event = "PLACE", unit = "R2", happened = 2027-02-01},
    {event = "REMAKE", unit = "R3", happened = 2026-05-06}, {event = "PLACE", unit = "R3", happened = 2027-02-01},
]
"""


def test_a_product_is_found_once_at_the_first_event_at_which_its_use_is_barred(log):
    store = log("R57", PRODUCTS)
    wider = {"2026-04-01": ["e_bike"], "2027-01-01": ["e_bike", "storage"]}
    found = asked(store, imagining(law={"banned_uses": wider}), "R57").findings
    may, february = day_of(2026, 5, 6), day_of(2027, 2, 1)
    assert sorted(zip(found.day.tolist(), found.unit.tolist(), strict=True)) == [(may, 1), (february, 0)]
    assert len(asked(store, small(), "R57").findings) == 1
    lifted = imagining(law={"banned_uses": {"2026-04-01": []}})
    assert [o.fate for o in asked(store, lifted, "R57").outcomes] == [Fate.SKIPPED]


# runs


@pytest.fixture(scope="module")
def enacted() -> World:
    return run(small(first=date(2025, 1, 1)))


def fitting(**changed: Any) -> Scenario:
    return imagining(small(first=date(2025, 1, 1)), **changed)


def told_after(world: World, event: EventType) -> np.ndarray:
    """Days from each event since Order 73 until it was told, by unit, of those that were."""
    rows = world.columns(
        f"select unit, event_day, record_day from event where event = {int(event)} and happened "
        f"and event_day >= {ORDER_73_FROM} and record_day is not null order by unit, event_day"
    )
    days: np.ndarray = rows["record_day"] - rows["event_day"]
    return days


def test_reporters_follow_a_deadline_as_far_as_they_are_pulled(enacted):
    twice = {"R46": {"2026-04-01": 60}}
    before = told_after(enacted, EventType.RECEIVE)
    same = run(fitting(law={"deadline_pull": 0.0}, **twice))
    assert digests(same) == digests(enacted)
    pulled = run(fitting(law={"deadline_pull": 1.0}, **twice))
    after = told_after(pulled, EventType.RECEIVE)
    assert after.size > 50
    assert after.mean() > 1.3 * before.mean()
    half = told_after(run(fitting(law={"deadline_pull": 0.5}, **twice)), EventType.RECEIVE)
    assert before.mean() < half.mean() < after.mean()
    # nobody else's reports, nor those of the recyclers that no amended rule governs
    for event in (EventType.COLLECT, EventType.PROCESS, EventType.SHIP):
        assert np.array_equal(told_after(pulled, event), told_after(enacted, event))


def test_the_pull_is_nothing_to_a_run_without_an_amendment(enacted):
    assert digests(run(fitting(law={"deadline_pull": 1.0}))) == digests(enacted)


def test_the_factor_of_a_delay_by_hand():
    scenario = imagining(law={"deadline_pull": 0.5}, R46={"2027-01-01": 15, "2028-01-01": "repealed"})
    (((reporter, event), pace),) = paces(scenario).items()
    assert (reporter, event) == ("recyclers", EventType.RECEIVE)
    days = [day_of(2020, 1, 1), day_of(2026, 12, 31), day_of(2027, 1, 1), day_of(2028, 1, 1)]
    assert [pace.on(day) for day in days] == [1.0, 1.0, 0.75, 1.0]
    # thirty working days are forty-two days, where thirty days are the law
    old = paces(imagining(law={"deadline_pull": 1.0, "forced_regime": "cn_2018"}))
    assert old["recyclers", EventType.RECEIVE].on(day_of(2027, 1, 1)) == pytest.approx(1.4)
    assert old["recyclers", EventType.RECEIVE].on(day_of(2020, 1, 1)) == 1.0
    assert ("recyclers", EventType.DISPATCH) not in old


def uses_made(world: World, since: int) -> dict[Use, int]:
    """Use -> products that formal makers have made since."""
    rows = world.rows(
        "select purpose, count(*) from event join unit using (unit) join actor on actor.actor = event.actor "
        f"where event = {int(EventType.REMAKE)} and role = 9 and event_day >= {since} group by 1"
    )
    return {Use(int(purpose)): int(count) for purpose, count in rows}


def test_formal_makers_obey_the_ban_and_workshops_do_not():
    reuse = {"reuse_share_lfp": 0.5, "reuse_share_ncm": 0.5}
    base = small(scale=5_000, first=date(2025, 1, 1), recycling=reuse)
    day = day_of(2026, 7, 1)
    free = uses_made(run(base), day)
    assert free[Use.STORAGE] > 0
    assert free[Use.BACKUP] > 0
    one = run(imagining(base, law={"banned_uses": {"2026-07-01": ["e_bike", "storage", "low_speed"]}}))
    assert uses_made(one, day) == {Use.BACKUP: sum(free.values())}
    none = run(imagining(base, law={"banned_uses": {"2026-07-01": list(USES)}}))
    assert uses_made(none, day) == {}
    of_workshops = f"select count(*) from event where event = {int(EventType.REMAKE)} and actor in (select actor from actor where role = 12)"
    assert none.rows(of_workshops)[0][0] > 0
    # what is not remade is recycled
    treated = f"select count(distinct unit) from event where event = {int(EventType.PROCESS)} and event_day >= {day}"
    assert none.rows(treated)[0][0] > run(base).rows(treated)[0][0]


def test_the_findings_of_a_run_are_those_of_its_law(enacted, tmp_path):
    scenario = fitting(law={"deadline_pull": 0.0}, R46={"2026-04-01": 5})
    log = enacted.store.directory
    said = {
        name: examine(log, tmp_path / f"{name}.csv", law)
        for name, law in (("enacted", enacted.scenario), ("stricter", scenario))
    }
    happened = {
        name: sum(v.value for v in each["values"] if v.measure == "breaches_happened" and v.key == "R46")
        for name, each in said.items()
    }
    assert happened["stricter"] > happened["enacted"]
    marks = {}
    for name in said:
        with (tmp_path / f"{name}.csv").open(encoding="utf-8", newline="") as rows:
            marks[name] = {
                (row["rule"], row["law"]) for row in csv.DictReader(rows) if row["imagined"] == "1"
            }
    assert marks == {"enacted": set(), "stricter": {("R46", "imagined")}}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run under stricter receipts and without R47, with its record."""
    place = tmp_path_factory.mktemp("runs") / "imagined"
    scenario = fitting(R46={"2026-04-01": 5}, R47="repealed")
    outcomes = run_study(scenario, place)
    data = report_input(scenario, outcomes, "0" * 64)
    lines = {line.id: line for line in data.rules}
    assert (lines["R46"].regime, lines["R47"].regime, lines["R12"].regime) == (
        "imagined",
        "imagined",
        "order73",
    )
    assert lines["R47"].outcome.startswith("SKIPPED")
    assert {a.key: a.value for a in data.assumptions}["amendment.R46.limit"] == "5 from 2026-04-01"
    (place / "report.html").write_text("")
    complete(place, scenario, outcomes)
    return place


def test_an_audit_of_a_run_asks_the_law_of_its_scenario_unless_another_is_named(folder):
    def counted(*arguments: str) -> dict[str, dict[str, Any]]:
        result = CliRunner().invoke(cli, ["audit", str(folder), "--json", *arguments])
        assert result.exit_code == 1, result.output
        return {row["rule"]: row for row in json.loads(result.stdout)}

    own, law = counted(), counted("--law", "dated")
    assert own["R46"]["happened"] > law["R46"]["happened"]
    assert (own["R46"]["imagined"], law["R46"]["imagined"]) == (True, False)
    assert (own["R47"]["outcome"], law["R47"]["outcome"]) == ("skipped", "ran")
    text = CliRunner().invoke(cli, ["audit", str(folder)]).output
    assert "as the scenario small imagines it" in text
    assert "R46 Inbound report late: 5 days from 2026-04-01 (enacted: 30 days)" in text
    assert "(imagined law)" in " ".join(text.split())


# scenario files


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'extends = "baseline"\nname = "mine"\n{text}', "utf-8")
    return path


def amended(rule: str, limit: str, unit: str = "") -> str:
    return f'[amendment.{rule}]\nlimit = {limit}\n{unit}\nsources.limit = "{SOURCE}"\n'


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (amended("R64", "30"), "mine.toml:3: `amendment.R64`: no rule has the id `R64`; did you mean `R"),
        (amended("RECEIPT_REPORTED_LATE", "30"), "did you mean `R46`?"),
        (amended("RECEIPT_REPORTD_LATE", "30"), "did you mean `R46`?"),
        (amended("zzz", "30"), "`battrace rules list` names them"),
        (amended("R57", "30"), "R57 USED_IN_BARRED_PRODUCT has no number that could be amended"),
        (amended("R46", "30", 'unit = "workdays"'), "mine.toml:5: `amendment.R46.unit`: unknown unit `workdays`"),
        (amended("R46", "30", 'unit = "%"'), "`%` is no unit of R46, which counts `days`, `working days`, `months`"),
        (amended("R50", "3", 'unit = "days"'), "mine.toml:5: `amendment.R50.unit`: `days` is no unit of R50"),
        (amended("R44", "3", 'unit = "days"'), "counts things: leave `unit` out"),
        (amended("R46", "30.5"), "mine.toml:4: `amendment.R46.limit`: the limit must be a whole number"),
        (amended("R46", "-1"), "is not between 0 and"),
        (amended("R46", "true"), "must be a whole number"),
        (amended("R46", "{2027-01-01 = 9000}"), "9000 days is beyond 3,650, the most that makes sense"),
        (amended("R50", "{2027-01-01 = 101}"), "101 % is beyond 100"),
        (amended("R46", '{2027-01-01 = "repeald"}'), "did you mean `repealed`?"),
        (amended("R46", "{2027-13-01 = 3}"), "`2027-13-01` is not a day"),
        (amended("R46", "{}"), "expected a table of days such as {2027-01-01 = 30}"),
        ('[amendment.R46]\nlimit = 3\n', "`amendment.R46.sources` is missing"),
        (amended("R46", "30", "limmit = 3"), "unknown key `amendment.R46.limmit`; did you mean `limit`?"),
        ('[law]\nforced_regime = "order37"\n', "unknown law `order37`; did you mean `order73`?"),
        ('[law]\nforced_regime = "eu_2023"\n', "known are `enacted`, `cn_2018`, `order73`"),
        ('[law]\nbanned_uses = {2027-01-01 = ["ebike"]}\n', "did you mean `e_bike`?"),
        ('[law]\nbanned_uses = ["e_bike"]\n', 'such as {2026-04-01 = ["e_bike"]}'),
        ("[law]\nbanned_uses = {2027-01-01 = 3}\n", "must be a list of names"),
        ("[law]\ndeadline_pull = 1.5\n", "`law.deadline_pull`"),
        ("[law]\nforced = 1\n", "did you mean `forced_regime`?"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_with_the_place_and_the_closest_right_answer(tmp_path, text, said):
    with pytest.raises(ScenarioError) as refused:
        load(written(tmp_path, text))
    assert said in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


NASTY = st.one_of(
    st.sampled_from(
        ["nan", "inf", "-0.0", "1e308", "[]", "[[1]]", "{a = 1}", "{2027-01-01 = nan}", "{2027-01-01 = []}", '""',
         "2027-01-01", "{2027-01-01 = {2027-01-01 = 1}}", "[{}]", "{2027-01-01 = [1]}", "{2027-01-01 = [[]]}",
         "1" + "0" * 400, "{0001-01-01 = 1, 9999-12-31 = 2}", "true"]
    ),
    st.integers().map(str), st.floats().map(repr), st.text(max_size=8).map(json.dumps),
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@given(
    rule=st.one_of(st.sampled_from(sorted(ENACTED)), st.text("ABRabr_0123456789-", min_size=1, max_size=9)),
    key=st.sampled_from(["limit", "unit", "sources", "limits"]),
    value=NASTY,
    law=st.sampled_from(["forced_regime", "banned_uses", "deadline_pull"]),
    other=NASTY,
)
@settings(max_examples=120, deadline=None)
def test_whatever_stands_there_is_refused_with_a_message_or_makes_rules(place, rule, key, value, law, other):
    for text in (f"[amendment.{rule}]\n{key} = {value}\n", amended(rule, value), f"[law]\n{law} = {other}\n"):
        try:
            scenario = load(written(place, text))
        except ScenarioError as refused:
            assert str(refused).strip()
            assert len(str(refused)) < 2000
            continue
        assert len(rules_of(scenario)) == len(RULES)
        paces(scenario)
        contradictions(scenario)


@given(
    days=st.lists(st.dates(date(2012, 1, 1), date(2035, 12, 31)), min_size=1, max_size=5, unique=True),
    values=st.lists(
        st.one_of(st.integers(0, 100), st.sampled_from(["repealed", "enacted"])), min_size=5, max_size=5
    ),
    forced=st.sampled_from(REGIMES),
    rule=st.sampled_from(["R12", "R46", "R47", "R50", "R51"]),
)
@settings(max_examples=100, deadline=None)
def test_on_every_day_the_limit_is_what_is_stated_last_or_else_the_law(days, values, forced, rule):
    steps = dict(zip((day.isoformat() for day in sorted(days)), values, strict=False))
    scenario = imagining(law={"forced_regime": forced}, **{rule: steps})
    mine = rule_of(scenario, rule)
    stands = rule_of(imagining(law={"forced_regime": forced}), rule)
    numbers = [day_number(date(2012, 1, 1)), *(day_number(d) + n for d in days for n in (-1, 0, 1))]
    numbers += [ORDER_73_FROM - 1, ORDER_73_FROM]
    for day in numbers:
        stated = [value for start, value in steps.items() if day_number(date.fromisoformat(start)) <= day]
        holding = [limit for limit in mine.limits if limit.holds_on(day)]
        assert len(holding) <= 1
        now = holding[0] if holding else None
        if not stated or stated[-1] == "enacted":
            law = stands.limit_on(day)
            assert (now and (now.bound, now.imagined)) == (law and (law.bound, law.imagined))
        elif stated[-1] == "repealed":
            assert now is None
        else:
            assert now is not None
            assert now.value == stated[-1]


def test_what_begins_with_the_first_day_of_all_keeps_its_later_steps_in_the_record():
    raw = scenario_table(small())
    raw["market"]["deposit_yuan_pack"] = {"1900-01-01": 0, "2027-01-01": 500}
    raw["law"]["banned_uses"] = {"1900-01-01": ["e_bike"], "2027-01-01": []}
    raw["amendment"] = {
        "R46": {
            "limit": {"1900-01-01": 10, "2027-01-01": 20},
            "unit": "days",
            "sources": {"limit": "assumed: x"},
        }
    }
    first = Scenario.model_validate(raw)
    again = Scenario.model_validate(scenario_table(first))
    assert again == first
    assert (again.market.deposit_yuan_pack.on(0), again.market.deposit_yuan_pack.on(30_000)) == (0, 500)
    assert len(again.law.banned_uses.steps) == len(again.amendment["R46"].limit.steps) == 2
    raw["law"]["banned_uses"] = {"1900-01-01": ["e_bike"]}
    alone = Scenario.model_validate(raw)
    assert Scenario.model_validate(scenario_table(alone)) == alone


def test_a_law_survives_its_record():
    scenario = fitting(
        law={"banned_uses": {"2027-01-01": ["storage"], "2028-01-01": []}}, R46={"2027-01-01": 5}, R50="repealed"
    )  # fmt: skip
    again = Scenario.model_validate(scenario_table(scenario))
    assert again == scenario
    said = {p.key: p.value for p in parameters(again)}
    assert said["law.banned_uses"] == "storage from 2027-01-01; none from 2028-01-01"
    assert (said["amendment.R46.limit"], said["amendment.R50.limit"]) == ("5 from 2027-01-01", "repealed")


def test_a_check_says_that_the_law_is_imagined_and_what_contradicts_it(tmp_path):
    text = (
        '[law]\nforced_regime = "cn_2018"\nbanned_uses = {2027-01-01 = ["storage"]}\n'
        f'sources.forced_regime = "{SOURCE}"\nsources.banned_uses = "{SOURCE}"\n' + amended("R46", "{2027-01-01 = 15}")
    )  # fmt: skip
    result = CliRunner().invoke(cli, ["scenario", "check", str(written(tmp_path, text))])
    assert result.exit_code == 0
    assert "the law is imagined: cn_2018 as if it had been the law at all times; R57 bars" in result.output
    assert "R46 Inbound report late: 15 days from 2027-01-01 (enacted: 30 days)" in result.output
    assert (
        "note: `enforcement.integrated_scrapping` is 1 on 2026-04-01, but `law.forced_regime`"
        in result.output
    )
    assert "makes products for storage on 2027-01-01" in result.output


def test_reuse_that_no_product_can_come_of_is_remarked():
    said = contradictions(imagining(law={"banned_uses": {"2027-01-01": ["storage", "backup"]}}))
    assert [line.split("`")[1] for line in said] == ["recycling.reuse_share_lfp", "recycling.reuse_share_ncm"]
    assert all("2027-01-01" in line for line in said)
    assert contradictions(imagining(law={"banned_uses": {"2027-01-01": ["low_speed"]}})) == []


@pytest.mark.parametrize("name", shipped())
def test_no_shipped_scenario_contradicts_its_law(name):
    assert contradictions(load(name)) == []


@pytest.mark.parametrize(
    ("name", "r12", "r46"),
    [
        ("deadline_15_working_days", "15 working days", "15 working days"),
        ("deadline_20", "20 days", "20 days"),
        ("deadline_30", "30 days", "30 days"),
    ],
)
def test_the_shipped_deadlines_are_those_of_their_titles(name, r12, r46):
    scenario = load(name)
    limits = {rule.id: rule.limit_on(day_of(2027, 1, 1)) for rule in rules_of(scenario)}
    assert (str(limits["R12"].bound), str(limits["R46"].bound)) == (r12, r46)
    assert set(scenario.amendment) == set(REPORTS)
    assert imagined(scenario)


def test_the_law_of_2018_goes_on_without_what_order_73_brought():
    scenario = load("law_of_2018")
    day = day_of(2030, 1, 1)
    assert scenario.enforcement.integrated_scrapping.on(day) == 0
    assert str(rule_of(scenario, "R46").limit_on(day).bound) == "30 working days"
    assert rule_of(scenario, "R29").limits == ()
    assert imagined(scenario)[0].en.startswith("cn_2018 as if")
