"""Who gains and who loses by a policy, and which breaches become more or fewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from functools import cache
from html import escape

from sim import inputs
from sim.amendments import rules_of
from sim.comparison.outcome import Compared, Comparison
from sim.comparison.sections import AFTER, BEFORE, INFOS, NUMBERS, dotted, plain_mean, slug
from sim.comparison.told import signed
from sim.report.charts import Figure
from sim.report.model import MeasureInfo, Row
from sim.report.sections import Section
from sim.report.words import Text, both, label
from traceability.compliance.rule import Rule
from traceability.events import day_number

MOST_DOTS = 6
"""How many gain most and lose most in a figure of provinces; the table below it has all."""

_DIFFERENCE = Text("difference (95 %, paired)", "差异（95 % 配对区间）")


def gainers(told: Comparison) -> Section:
    """Return who gains and who loses: kinds of actors, chemistries, provinces, cohorts."""
    html = ""
    figures: list[Figure] = []
    for side in told.others:
        if len(told.others) > 1:
            html += f"<h3>{escape(side.label)}</h3>"
        for measure, title, whole, name, share in _LOOKED_AT:
            factor, unit = (100.0, _PP) if share else (1.0, None)
            year = None if whole else told.year
            rows = [row for row in told.rows_of(measure, side.label, year) if row.key and row.difference]
            shown, drawn = _differing(told, rows, measure, title, side.label, name, factor, unit)
            html += shown
            figures += drawn
    note = Text(
        "Differences against the baseline, each with its own 95 % interval, not adjusted for how many are looked at: "
        "read single provinces and years of make with care.",
        "均为相对基准的差异，各自附 95 % 区间，未作多重比较校正：单个省份或生产年份的结果请谨慎解读。",
    )
    return Section(
        "gainers",
        Text("Who gains and who loses", "谁受益，谁受损"),
        f'{html}<p class="note">{both(note)}</p>',
        tuple(figures),
    )


def _differing(
    told: Comparison,
    rows: Sequence[Compared],
    measure: str,
    title: Text,
    side: str,
    name: Callable[[str], Text],
    factor: float,
    unit: Text | None,
) -> tuple[str, tuple[Figure, ...]]:
    known = [
        row
        for row in rows
        if row.difference is not None and row.difference.n and row.difference.estimate.mean
    ]
    info = INFOS[measure]
    said = unit or Text(info.unit_en, info.unit_zh)
    if not known:
        none = Text("No difference at all.", "完全相同。")
        return (
            f'<figure><figcaption><h3>{both(title)}</h3></figcaption><p class="nothing">{both(none)}</p></figure>',
            (),
        )
    ordered = sorted(known, key=_gain)
    most = ordered if len(ordered) <= 2 * MOST_DOTS else ordered[:MOST_DOTS] + ordered[-MOST_DOTS:]
    if measure == "cohort_formal_share":
        most = sorted(known, key=lambda row: row.key)
    drawn = [
        Row(measure, row.year, row.key, e.mean * factor, e.low * factor, e.high * factor, row.n)
        for row in most
        for e in (row.difference.estimate,)  # type: ignore[union-attr]
    ]
    names = {row.key: name(row.key) for row in most}
    keyed = MeasureInfo("difference", "Difference", "差异", said.en, said.zh, measure)
    part = ""
    if len(most) < len(known):
        part = both(
            Text(
                f"The {MOST_DOTS} that lose and the {MOST_DOTS} that gain most, of {len(known)}.",
                f"共 {len(known)} 个，图中为降幅与增幅最大的各 {MOST_DOTS} 个。",
            )
        )
    return dotted(
        f"{measure}-{slug(side)}",
        keyed,
        drawn,
        names,
        title,
        _differences_table(told, rows, name, factor, said),
        part,
    )


def _gain(row: Compared) -> float:
    assert row.difference is not None
    return row.difference.estimate.mean


def _differences_table(
    told: Comparison, rows: Sequence[Compared], name: Callable[[str], Text], factor: float, unit: Text
) -> str:
    before = {
        (row.year, row.key): row for row in told.rows_of(rows[0].measure, told.baseline.label)
    } if rows else {}  # fmt: skip
    body = ""
    for row in rows:
        if row.difference is None or not row.difference.n:
            continue
        base = before.get((row.year, row.key))
        gap, interval = signed(row.difference, factor)
        was = plain_mean(base, factor) if base else "–"
        body += (
            f'<tr><th>{both(name(row.key))}</th><td class="number">{was}</td><td class="number">{plain_mean(row, factor)}</td>'
            f'<td class="number">{gap} {escape(interval)}</td></tr>'
        )
    difference = Text(f"{_DIFFERENCE.en}, {unit.en}", f"{_DIFFERENCE.zh}，{unit.zh}")
    return (
        f'<details><summary>{both(NUMBERS)}</summary><div class="scroll"><table><thead><tr><th></th>'
        f'<th class="number">{both(BEFORE)}</th><th class="number">{both(AFTER)}</th>'
        f'<th class="number">{both(difference)}</th></tr></thead><tbody>{body}</tbody></table></div></details>'
    )


def breaches(told: Comparison) -> Section:
    """Return the breaches by rule: before, after, and what the platform can see of them."""
    midyear = day_number(date(told.year, 7, 1))
    html = ""
    for side in told.others:
        after = {row.key: row for row in told.rows_of("breaches_happened", side.label, told.year) if row.key}
        before = {
            row.key: row
            for row in told.rows_of("breaches_happened", told.baseline.label, told.year)
            if row.key
        }
        seen = {row.key: row for row in told.rows_of("breaches_visible", side.label, told.year) if row.key}
        order = sorted(after, key=lambda key: -abs(_gain(after[key])))
        rules = {rule.id: rule for rule in rules_of(side.scenario)}
        body = "".join(
            _rule_line(rules[key], before.get(key), after[key], seen.get(key), midyear) for key in order
        )
        heads = (
            Text("rule, article", "规则、条款"),
            BEFORE,
            AFTER,
            _DIFFERENCE,
            Text("difference of what is visible", "平台可见部分的差异"),
        )
        head = "".join(f'<th class="{"number" if n else ""}">{both(t)}</th>' for n, t in enumerate(heads))
        if len(told.others) > 1:
            html += f"<h3>{escape(side.label)}</h3>"
        html += f'<div class="sheet scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    return Section(
        "breaches", Text(f"Breaches by article, {told.year}", f"违规（按条款，{told.year} 年）"), html
    )


def _rule_line(
    rule: Rule, before: Compared | None, after: Compared, visible: Compared | None, midyear: int
) -> str:
    key = rule.id
    limit = rule.limit_on(midyear) or (rule.limits[-1] if rule.limits else None)
    article = str(limit.article) if limit else ""
    mark = Text("imagined, not law", "假想，非现行规定")
    imagined = f' <span class="tag strong">{both(mark)}</span>' if limit and limit.imagined else ""
    gap, interval = signed(after.difference) if after.difference else ("–", "")
    change = " ".join(signed(visible.difference)) if visible and visible.difference else "–"
    title = both(Text(rule.title_en, rule.title_zh))
    return (
        f'<tr><th scope="row">{title} <span class="id">{key} · {escape(article)}</span>{imagined}</th>'
        f'<td class="number">{plain_mean(before, 1.0) if before else "–"}</td>'
        f'<td class="number">{plain_mean(after, 1.0)}</td><td class="number">{gap}<small>{escape(interval)}</small></td>'
        f'<td class="number">{escape(change)}</td></tr>'
    )


_WHO = {
    "recyclers": Text("recyclers", "综合利用企业"),
    "workshops": Text("workshops", "作坊"),
    "holders": Text("holders of used batteries", "退役电池持有者"),
    "carriers": Text("carriers", "运输企业"),
}
_AUTHORITIES = {
    "MIIT": Text("MIIT", "工业和信息化部"),
    "MEE": Text("MEE", "生态环境部"),
    "SAMR": Text("SAMR", "市场监管总局"),
    "MOFCOM": Text("MOFCOM", "商务部"),
    "MOT": Text("MOT", "交通运输部"),
}


def _who(key: str) -> Text:
    return _WHO.get(key, Text(key, key))


def _authority(key: str) -> Text:
    return _AUTHORITIES.get(key, Text(key, key))


def _role(key: str) -> Text:
    return label(key, "role")


def _chemistry(key: str) -> Text:
    return label(key, "chemistry")


def _province(key: str) -> Text:
    return _provinces().get(key, Text(key, key))


@cache
def _provinces() -> dict[str, Text]:
    known = inputs.load().provinces
    return {
        str(n): Text(*pair) for n, pair in enumerate(zip(known.names, known.names_cn, strict=True), start=1)
    }


_FATES = {
    "retired": Text("retired", "退役"),
    "collected": Text("handed over lawfully", "正规移交"),
}


def _fates(group: Callable[[str], Text]) -> Callable[[str], Text]:
    """Return what a key such as `LFP>recycled` is called, by what its first part is."""

    def named(key: str) -> Text:
        who, fate = key.split(">")
        one, other = group(who), _FATES.get(fate) or label(fate, "channel")
        return Text(f"{one.en}: {other.en}", f"{one.zh}：{other.zh}")

    return named


def _element(key: str) -> Text:
    return label(key, "element")


def _stage(key: str) -> Text:
    return label(key, "stage")


def _cohort(key: str) -> Text:
    return Text(key, f"{key} 年")


_PP = Text("pp", "个百分点")

_LOOKED_AT: tuple[tuple[str, Text, bool, Callable[[str], Text], bool], ...] = (
    ("earned", Text("Net income by kind of actor", "各类主体净收入"), False, _who, False),
    ("spent", Text("Costs by kind of actor, fines included", "各类主体成本（含罚款）"), False, _who, False),
    ("fines", Text("Fines by authority", "罚款（按监管部门）"), False, _authority, False),
    (
        "reports_filed",
        Text("Reports filed by kind of company", "上报条数（按主体类型）"),
        False,
        _role,
        False,
    ),
    (
        "reports_to_file",
        Text("Reports to file by kind of company", "应上报条数（按主体类型）"),
        False,
        _role,
        False,
    ),
    (
        "report_delay_days",
        Text("Delay of reports by kind of company", "上报延迟（按主体类型）"),
        False,
        _role,
        False,
    ),
    ("queue_packs", Text("Packs in each stage at year end", "年末各环节等待的电池包"), False, _stage, False),
    ("wait_days", Text("Days in each stage", "各环节停留天数"), False, _stage, False),
    ("recovered", Text("Elements recovered", "回收的元素"), False, _element, False),
    (
        "holder_formal_share",
        Text("Formal share by kind of firm that held the packs", "正规渠道比例（按持有主体）"),
        False,
        _role,
        True,
    ),
    (
        "chemistry_formal_share",
        Text("Formal share by chemistry", "正规渠道比例（按化学体系）"),
        False,
        _chemistry,
        True,
    ),
    (
        "province_formal_share",
        Text("Formal share by province", "正规渠道比例（按省份）"),
        False,
        _province,
        True,
    ),
    (
        "province_diverted",
        Text("Mass sold off to workshops, by province", "流入作坊的质量（按省份）"),
        False,
        _province,
        False,
    ),
    (
        "cohort_formal_share",
        Text("Formal share by year of make, whole horizon", "正规渠道比例（按生产年份，整个模拟期）"),
        True,
        _cohort,
        True,
    ),
    (
        "mass_by_holder",
        Text("Retired mass by fate and kind of firm", "退役质量去向（按持有主体）"),
        False,
        _fates(_role),
        False,
    ),
    (
        "mass_by_chemistry",
        Text("Retired mass by fate and chemistry", "退役质量去向（按化学体系）"),
        False,
        _fates(_chemistry),
        False,
    ),
    (
        "mass_by_province",
        Text("Retired mass by fate and province, whole horizon", "退役质量去向（按省份，整个模拟期）"),
        True,
        _fates(_province),
        False,
    ),
    (
        "mass_by_cohort",
        Text(
            "Retired mass by fate and year of make, whole horizon", "退役质量去向（按生产年份，整个模拟期）"
        ),
        True,
        _fates(_cohort),
        False,
    ),
)
"""Measure, title, whether over the whole horizon, what its keys are called, whether a share."""
