"""The page of an audit: every rule's outcome, and findings with the law and the rows behind, in one HTML file.

It loads nothing, runs a few lines of script of its own, and shows English or Chinese.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import groupby
from typing import NamedTuple

from traceability.compliance.audit import Fate, Outcome
from traceability.compliance.statements import Statement

MOST_SHOWN = 200
"""Findings of one rule that the page shows; the files beside it hold all."""

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

_STYLE = """
:root { --ink: #17212b; --soft: #5a6875; --rule: #d9e0e6; --accent: #0b6477; --bad: #a3271f; --ground: #f5f7f9; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 15px/1.55 system-ui, "Noto Sans CJK SC",
  "PingFang SC", "Microsoft YaHei", sans-serif; font-variant-numeric: tabular-nums; }
html[data-lang="en"] [lang="zh"], html[data-lang="zh"] [lang="en"] { display: none; }
main { max-width: 1080px; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.9rem; line-height: 1.25; margin: .4rem 0 .6rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem; }
button { font: inherit; float: right; border: 1px solid var(--accent); color: var(--accent); background: #fff;
  border-radius: 999px; padding: .1rem .9rem; cursor: pointer; }
table { border-collapse: collapse; width: 100%; background: #fff; border: 1px solid var(--rule); }
th, td { text-align: left; vertical-align: top; padding: .35rem .6rem; border-bottom: 1px solid var(--rule); }
th { color: var(--soft); font-weight: 550; }
td.n { text-align: right; white-space: nowrap; }
.soft { color: var(--soft); }
.bad { color: var(--bad); font-weight: 600; }
details { background: #fff; border: 1px solid var(--rule); border-top: 0; padding: .5rem .8rem; }
details:first-of-type { border-top: 1px solid var(--rule); }
summary { cursor: pointer; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1rem; margin: .6rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
@media print { button { display: none; } details { break-inside: avoid; } }
"""

_SCRIPT = """
const page = document.documentElement;
document.getElementById("language").onclick = () => {
  page.dataset.lang = page.dataset.lang === "en" ? "zh" : "en";
  page.lang = page.dataset.lang;
};
if (navigator.language.startsWith("zh")) document.getElementById("language").click();
"""

_FATES = {
    Fate.RAN: ("ran", "已检查"),
    Fate.SKIPPED: ("skipped", "未检查"),
    Fate.BROKEN: ("broken", "规则故障"),
}


class Heading(NamedTuple):
    """What an audit was of: the log, the law, the day from which one looks back, and how many rows were read."""

    log: str
    law: str
    as_of: str
    view: str
    events: int


def render(heading: Heading, outcomes: Sequence[Outcome], told: Iterable[Statement]) -> str:
    """Return the page as HTML: the same audit gives the same text.

    Args:
        told: statements in the order of their rules.
    """
    counts = {outcome.rule.id: outcome.findings for outcome in outcomes}
    found = "".join(
        _rule(rule, list(some), counts.get(rule, 0)) for rule, some in groupby(told, lambda s: s.rule)
    )
    total = sum(counts.values())
    title = _both(f"Audit: {total:,} findings", f"合规检查：{total:,} 项发现")
    facts = _both(
        f"{escape(heading.log)}; {heading.events:,} events; law: {escape(heading.law)}; view: "
        f"{escape(heading.view)}; as of {escape(heading.as_of)}",
        f"{escape(heading.log)}；{heading.events:,} 条记录；适用：{escape(heading.law)}；视图："
        f"{escape(heading.view)}；截至 {escape(heading.as_of)}",
    )
    return (
        '<!DOCTYPE html>\n<html lang="en" data-lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>battrace audit: {escape(heading.log)}</title>\n<style>{_STYLE}</style>\n</head>\n<body><main>\n"
        '<button type="button" id="language"><span lang="en">中文</span><span lang="zh">English</span></button>\n'
        f'<h1>{title}</h1>\n<p class="soft">{facts}</p>\n{_table(outcomes)}\n{found}'
        f"</main>\n<script>{_SCRIPT}</script>\n</body>\n</html>\n"
    )


def _both(en: str, zh: str) -> str:
    return f'<span lang="en">{en}</span><span lang="zh">{zh}</span>'


def _table(outcomes: Sequence[Outcome]) -> str:
    head = "".join(
        f"<th>{_both(en, zh)}</th>"
        for en, zh in (
            ("rule", "规则"), ("breach", "违规情形"), ("article", "依据"), ("grade", "可信度"), ("outcome", "结果"),
            ("findings", "发现"),
        )
    )  # fmt: skip
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(map(_line, outcomes))}</tbody></table>"


def _line(outcome: Outcome) -> str:
    rule, (en, zh) = outcome.rule, _FATES[outcome.fate]
    limit = rule.limits[-1] if rule.limits else None
    voluntary = _both(" (voluntary)", "（自愿性条件）") if rule.voluntary else ""
    reason = f': <span class="soft">{escape(outcome.reason)}</span>' if outcome.reason else ""
    number = f"{outcome.findings:,}" if outcome.fate is Fate.RAN else ""
    mark = ' class="n bad"' if outcome.findings else ' class="n"'
    anchor = f'<a href="#{rule.id}">{rule.id}</a>' if outcome.findings else rule.id
    return (
        f"<tr><td>{anchor}</td><td>{_both(escape(rule.title_en), escape(rule.title_zh))}{voluntary}</td>"
        f"<td>{escape(str(limit.article)) if limit else ''}</td><td>{limit.grade.value if limit else ''}</td>"
        f"<td>{_both(en, zh)}{reason}</td><td{mark}>{number}</td></tr>"
    )


def _rule(rule: str, told: list[Statement], total: int) -> str:
    shown = told[:MOST_SHOWN]
    first = shown[0]
    more = ""
    if total > len(shown):
        more = (
            '<p class="soft">'
            + _both(
                f"{len(shown):,} of {total:,} are shown.", f"共 {total:,} 项，此处列出 {len(shown):,} 项。"
            )
            + "</p>"
        )
    return (
        f'<h2 id="{escape(rule)}">{escape(rule)} {_both(escape(first.title_en), escape(first.title_zh))}</h2>'
        f'<p class="soft">{_both(escape(first.says_en), escape(first.says_zh))}</p>{more}'
        + "".join(map(_finding, shown))
        + "\n"
    )


def _finding(told: Statement) -> str:
    article = f"{told.article} [{told.grade}, {told.basis}]"
    if told.assumed:
        article += " (assumed)"
    if told.imagined:
        article += " (imagined law)"
    due = told.due_day
    if told.due_day_if_moved:
        due += f" / {told.due_day_if_moved}"
    measured = "" if told.measured is None else f"{told.measured} {told.measured_unit}"
    facts = [
        ("article", "依据", escape(article)),
        ("law", "适用", escape(told.law)),
        ("code", "编码", escape(told.code)),
        ("VIN", "车架号", escape(told.vin)),
        ("actor", "主体", escape(told.actor)),
        ("day", "日期", told.day),
        ("due", "期限", due),
        ("counted", "计算", _both(escape(told.counted_en), escape(told.counted_zh)) if due else ""),
        ("measured", "实际", escape(measured)),
        ("limit", "限值", escape(told.limit)),
    ]
    rows = "".join(
        f"<tr><td class=n>{row.event_id}</td><td>{row.event}</td><td>{row.day}</td><td>{row.reported or '-'}</td>"
        f"<td>{escape(row.actor)}</td><td>{escape(row.receiver)}</td></tr>"
        for row in told.rows
    )
    head = "".join(
        f"<th>{_both(en, zh)}</th>"
        for en, zh in (
            ("row", "行"), ("event", "事件"), ("happened", "发生"), ("reported", "上报"), ("by", "主体"), ("to", "接收方"),
        )
    )  # fmt: skip
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>" if rows else ""
    return (
        f"<details><summary>{_both(escape(told.found_en), escape(told.found_zh))}</summary><dl>"
        + "".join(f"<dt>{_both(en, zh)}</dt><dd>{value}</dd>" for en, zh, value in facts if value)
        + f"</dl>{table}</details>"
    )
