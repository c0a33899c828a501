"""The STRESS-DES sheet of a run: what a reader needs to judge the simulation and to repeat it.

Source of the sections: Monks et al. (2019), Strengthening the reporting of empirical simulation studies.
"""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any, NamedTuple

from sim import record
from sim.documentation import told, words
from sim.intervals import SHARES
from sim.machine import read_machine
from sim.measures import MEASURES, Value
from sim.scenario import Scenario
from sim.study import Outcomes, inputs_digest
from sim.summary import estimate, headline_year
from traceability.errors import StoreError

HEADLINES = (
    ("retired_mass", None),
    ("formal_share", None),
    ("complete_chain_share", None),
    ("processed", None),
    ("recovered", "LI"),
)
"""Measure and key whose precision the sheet shows: those that `battrace run` prints."""


class Item(NamedTuple):
    """One item of the check list, answered; number 0 items open a group and have no text."""

    number: str
    en: str
    zh: str
    text: str = ""


def stress(folder: Path) -> list[Item]:
    """Return the items of STRESS-DES, filled for the finished run in *folder*.

    Raises:
        StoreError: no complete run is there.
    """
    table = record.complete_run(folder)
    scenario = record.recorded_scenario(folder)
    outcomes = _outcomes(folder, table)
    return [
        Item("1", "Objectives", "目标"),
        Item("1.1", "Purpose of the model", "模型目的", words.PURPOSE),
        Item("1.2", "Model outputs", "模型输出", told.outputs()),
        Item("1.3", "Aims of experimentation", "实验目的", words.AIMS),
        Item("2", "Logic", "逻辑"),
        Item("2.1", "Base model overview diagram", "基础模型总览图", _diagrams(outcomes)),
        Item(
            "2.2",
            "Base model logic",
            "基础模型逻辑",
            f"In the order in which they act within one moment (5.3):\n\n{told.process_table()}",
        ),
        Item("2.3", "Scenario logic", "情景逻辑", _scenario_logic(scenario)),
        Item("2.4", "Algorithms", "算法", told.algorithms()),
        Item("2.5", "Components", "组成"),
        Item("2.5.1", "Entities", "实体", told.entities()),
        Item("2.5.2", "Activities", "活动", told.activities()),
        Item("2.5.3", "Resources", "资源", told.resources(scenario)),
        Item("2.5.4", "Queues", "队列", told.queues()),
        Item("2.5.5", "Entry and exit points", "进入与离开", told.entries_and_exits()),
        Item("3", "Data", "数据"),
        Item("3.1", "Data sources", "数据来源", _inputs(table)),
        Item("3.2", "Preprocessing", "数据预处理", words.PREPROCESSING),
        Item("3.3", "Input parameters", "输入参数", told.parameter_table(scenario)),
        Item("3.4", "Assumptions", "假设", f"{told.assumed(scenario)}\n\n{words.STRUCTURE}"),
        Item("4", "Experimentation", "实验"),
        Item("4.1", "Initialisation", "初始化", words.INITIALISATION),
        Item("4.2", "Run length", "运行长度", _length(scenario, outcomes)),
        Item("4.3", "Estimation approach", "估计方法", _estimation(scenario, outcomes)),
        Item("5", "Implementation", "实现"),
        Item("5.1", "Software", "软件", _software(table)),
        Item("5.2", "Random sampling", "随机抽样", _sampling(scenario)),
        Item("5.3", "Model execution", "模型执行", words.EXECUTION),
        Item("5.4", "System specification", "系统配置", system(folder)),
        Item("6", "Code access", "代码获取"),
        Item("6.1", "Computer model sharing", "模型共享", _access(table)),
        Item("7", "What is left out, and how far to trust it", "未纳入的内容与局限"),
        Item("7.1", "Left out", "未纳入", words.LEFT_OUT),
        Item("7.2", "Limits", "局限", words.LIMITS),
    ]


def markdown(name: str, items: list[Item]) -> str:
    """Return the sheet of the run called *name* as one Markdown document."""
    parts = [f"# STRESS-DES sheet of `{name}` 模型报告单"]
    for item in items:
        parts.append(f"{'#' * (2 + item.number.count('.'))} {item.number} {item.en} {item.zh}")
        if item.text:
            parts.append(item.text)
    return "\n\n".join(parts) + "\n"


def system(folder: Path) -> str:
    """Return where the run in *folder* was made and how long each replication took."""
    said = read_machine(folder)
    if said is None:
        return "Not recorded: the run is older than the record of machines."
    here = said["machine"]
    seconds = list(said["seconds"].values())
    memory = f", {here['memory_gib']} GiB" if "memory_gib" in here else ""
    each = f"{min(seconds):.1f} to {max(seconds):.1f} s" if len(seconds) > 1 else f"{seconds[0]:.1f} s"
    if others := len(said.get("other_machines", [])):
        memory += f", and {others} other kind{'s' if others > 1 else ''} of machine (machine.toml)"
    return (
        f"{here['system']}, {here['processor']}, {here['cores']} cores{memory}. One replication, simulated, measured and "
        f"audited: {each} of wall time (n = {len(seconds)}), whatever else the machine was doing."
    )


def size(folder: Path) -> str:
    """Return what the run in *folder* was: scenario, horizon, scale, events, versions and fingerprint."""
    table = record.complete_run(folder)
    scenario = record.recorded_scenario(folder)
    return (
        f"`{scenario.name}`, {scenario.first} to {scenario.last}, one simulated vehicle for {scenario.scale:,}, "
        f"{scenario.replications} replications, seed {scenario.seed}: {table['events']:,} events. {_software(table)} "
        f"Fingerprint `{table['fingerprint']}`."
    )


def _outcomes(folder: Path, table: dict[str, Any]) -> Outcomes:
    values: dict[int, list[Value]] = {}
    try:
        with (folder / "measures.csv").open(encoding="utf-8", newline="") as rows:
            for row in csv.DictReader(rows):
                year = int(row["year"]) if row["year"] else None
                values.setdefault(int(row["replication"]), []).append(
                    Value(row["measure"], year, row["key"], float(row["value"]))
                )
    except (OSError, KeyError, ValueError) as error:
        raise StoreError(
            f"{folder / 'measures.csv'}: cannot be read ({error}); `battrace verify` says what changed"
        ) from None
    return Outcomes([values[number] for number in sorted(values)], {}, int(table["events"]))


def _diagrams(outcomes: Outcomes) -> str:
    flows: dict[str, float] = {}
    for run in outcomes.values:
        for value in run:
            if value.measure == "flow":
                flows[value.key] = flows.get(value.key, 0.0) + value.value / len(outcomes.values)
    places: dict[str, str] = {}
    lines = []
    for key, kt in sorted(flows.items(), key=lambda item: (-item[1], item[0])):
        ends = [places.setdefault(end, f"p{len(places)}") + f'["{end}"]' for end in key.split(">")]
        lines.append(f'    {ends[0]} -->|"{kt:,.0f} kt"| {ends[-1]}')
    chart = "```mermaid\nflowchart LR\n" + "\n".join(lines) + "\n```"
    return (
        f"Where batteries went over the whole horizon in this run, mean of the replications:\n\n{chart}\n\n"
        f"The states of a pack and the events between them:\n\n{told.lifecycle_diagram()}"
    )


def _scenario_logic(scenario: Scenario) -> str:
    title = f" ({scenario.title_en} {scenario.title_zh})" if scenario.title_en else ""
    return f"This run: `{scenario.name}`{title}.\n\n{words.SCENARIO_LOGIC}"


def _inputs(table: dict[str, Any]) -> str:
    same = table.get("inputs") == inputs_digest()
    note = (
        "The files are those that the run was made with (one SHA-256 over all)."
        if same
        else "**The files have changed since the run was made**: the counts are those of the program that wrote this sheet."
    )
    said = "Each row of each file names its source and grade; here are the numbers of rows by grade."
    return f"{note} {said}\n\n{told.input_files()}"


def _length(scenario: Scenario, outcomes: Outcomes) -> str:
    days = scenario.last_day() - scenario.first_day() + 1
    return (
        f"{scenario.first} to {scenario.last}, {days:,} days, no warm-up taken off; {outcomes.events:,} events in "
        f"{scenario.replications} replications. One simulated vehicle stands for {scenario.scale:,}."
    )


def _estimation(scenario: Scenario, outcomes: Outcomes) -> str:
    year, units = headline_year(scenario), {info.id: info for info in MEASURES}
    rows = []
    for measure, key in HEADLINES:
        e = estimate(outcomes, measure, year, key)
        high = min(e.high, 1.0) if measure in SHARES else e.high
        half = f"{(high - e.low) / 2 / e.mean:.1%}" if e.mean and len(outcomes.values) > 1 else "–"
        name = f"`{measure}`" + (f" {key}" if key else "")
        rows.append((name, units[measure].unit_en, *(f"{x:.4g}" for x in (e.mean, e.low, high)), half))
    n = scenario.replications
    how = (
        "One replication: no interval."
        if n == 1
        else f"{n} independent replications; means with two-sided 95 % intervals of Student's t (Law 2015, eq. 4.12)."
    )
    shown = told.table(("measure", "unit", "mean", "low", "high", "half width"), rows)
    return f"{how} Scenarios are compared as twins, replication by replication. In {year}:\n\n{shown}"


def _software(table: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in table["versions"].items()) + "."


def _sampling(scenario: Scenario) -> str:
    return (
        f"Seed {scenario.seed}; replications 0 to {scenario.replications - 1}. There is no stream of random numbers: every "
        "draw is a hash of seed, replication, name of the decision and key of the unit (2.4), so a new decision changes "
        f"no other draw. All decisions that are drawn:\n\n{told.draws()}"
    )


def _access(table: dict[str, Any]) -> str:
    return (
        f"{words.CODE_ACCESS}\n\nThis run: battrace {table['versions'].get('battrace', '?')}, fingerprint "
        f"`{table['fingerprint']}` over the resolved scenario, the input files and every log."
    )
