"""The rules as queries and as a loop over batteries, which the benchmark measures, find the same."""

from __future__ import annotations

from datetime import date

from sim.run import simulate
from tests.benchmarks import per_battery
from tests.sim.small import inputs, small
from traceability.compliance import RULES, audit, truth
from traceability.store import open_store


def test_a_loop_over_batteries_finds_what_the_queries_find(tmp_path):
    scenario = small(scale=20_000, first=date(2016, 1, 1), until=date(2028, 12, 31))
    with open_store(f"parquet:{tmp_path / 'log'}", create=True) as store:
        simulate(scenario, inputs(), store)
        chosen = [rule for rule in RULES if rule.id in per_battery.RULES]
        asked = {o.rule.id: o.findings for o in audit(store, truth(scenario.last_day()), chosen).outcomes}
        looped = per_battery.found(store, scenario.last_day())
    assert {rule: looped[rule] for rule in per_battery.RULES} == asked
    assert sum(n > 0 for n in asked.values()) >= 8
