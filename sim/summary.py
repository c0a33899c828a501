"""From outcomes to what people see: the input of the report, and the short table of the command line."""

from __future__ import annotations

from sim import inputs
from sim.amendments import rules_of
from sim.intervals import amount_interval, measure_interval, summarise
from sim.measures import MEASURES, Value
from sim.record import versions
from sim.report.model import Assumption, Estimate, ReportInput, RuleLine, RunRecord
from sim.scenario import Scenario, parameters
from sim.study import Outcomes
from traceability.compliance.rule import Rule
from traceability.compliance.rules import RULES
from traceability.events import day_number

HEADLINE_YEAR = 2030


def report_input(scenario: Scenario, outcomes: Outcomes, fingerprint: str) -> ReportInput:
    """Return all that the report of a run shows."""
    record = RunRecord(
        name=scenario.name,
        first_day=scenario.first.isoformat(),
        last_day=scenario.last.isoformat(),
        scale=scenario.scale,
        replications=scenario.replications,
        seed=scenario.seed,
        fingerprint=fingerprint,
        versions=versions(),
        events=outcomes.events,
    )
    return ReportInput(
        record=record,
        measures={info.id: info for info in MEASURES},
        rows=summarise(outcomes.values),
        rules=[
            _rule_line(rule, enacted, scenario, outcomes)
            for rule, enacted in zip(rules_of(scenario), RULES, strict=True)
        ],
        assumptions=assumptions(scenario),
        headline_year=headline_year(scenario),
    )


def headline_year(scenario: Scenario) -> int:
    """Return the year that the summary speaks of: 2030, or the last whole year before it."""
    last = scenario.last.year if scenario.last.month == 12 else scenario.last.year - 1
    return max(min(HEADLINE_YEAR, last), scenario.first.year)


def assumptions(scenario: Scenario) -> list[Assumption]:
    """Return every figure of the scenario, and one line for each column of the input files."""
    listed = [
        Assumption(p.key, p.value, p.unit, p.source, p.grade, f"{p.en}｜{p.zh}") for p in parameters(scenario)
    ]
    for column in inputs.parameters():
        sourced = column.rows - column.assumed
        listed.append(
            Assumption(
                key=f"{column.file}: {column.column}",
                value=f"{column.rows} figures",
                unit="see file",
                source=f"{sourced} with a source, {column.assumed} assumed; each row of the file names its own",
                grade="assumed" if column.assumed > sourced else "derived",
                note="",
            )
        )
    return listed


def total(outcomes: Outcomes, measure: str) -> Estimate:
    """Return the sum of *measure* over years and keys, with its interval over replications."""
    return measure_interval(
        measure, [sum(v.value for v in values if v.measure == measure) for values in outcomes.values]
    )


def estimate(outcomes: Outcomes, measure: str, year: int, key: str | None = None) -> Estimate:
    """Return *measure* in *year*, of one key or summed over all, with its interval over replications."""

    def wanted(value: Value) -> bool:
        return value.measure == measure and value.year == year and (key is None or value.key == key)

    return measure_interval(
        measure, [sum(v.value for v in values if wanted(v)) for values in outcomes.values]
    )


def _rule_line(rule: Rule, enacted: Rule, scenario: Scenario, outcomes: Outcomes) -> RuleLine:
    # a duty that the scenario's law does not have keeps the article that it has in ours
    limit = rule.limit_on(day_number(scenario.last)) or (rule.limits or enacted.limits)[-1]
    happened, visible = (
        amount_interval(
            [sum(v.value for v in run if v.measure == name and v.key == rule.id) for run in outcomes.values]
        )
        for name in ("breaches_happened", "breaches_visible")
    )
    return RuleLine(
        id=rule.id,
        title_en=rule.title_en,
        title_zh=rule.title_zh,
        article=str(limit.article),
        grade=limit.grade.value,
        regime=limit.law if rule.limits else "imagined",
        voluntary=rule.voluntary,
        happened=happened,
        visible=visible,
        outcome="RAN" if outcomes.outcomes[rule.id] == "ran" else outcomes.outcomes[rule.id].upper(),
    )
