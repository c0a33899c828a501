"""The sections that are tables: findings by article, assumptions, and where the run comes from."""

from __future__ import annotations

import math
from html import escape

from sim.report.model import Assumption, Estimate, ReportInput, RuleLine
from sim.report.reading import mean_and_interval, number
from sim.report.sections import Section, breaches
from sim.report.words import NO_DATA, Text, both, label

GRADES = (
    (
        "A",
        Text(
            "article number and content given by a source that quotes the official text",
            "条款号与内容均有引用官方文本的来源",
        ),
    ),
    (
        "B",
        Text(
            "content reported by the ministry or the press; article number not seen",
            "内容见于官方发布会或媒体，未见条款号",
        ),
    ),
    (
        "C",
        Text(
            "taken from a predecessor, a draft, a standard or adjacent law",
            "取自前身文件、征求意见稿、标准或相邻法规",
        ),
    ),
    (
        "K",
        Text(
            "general knowledge of a named text; the passage itself was not seen",
            "对该文件的一般了解，未见原文段落",
        ),
    ),
    ("D", Text("one weak or doubtful source", "仅有一个较弱或存疑的来源")),
    ("U", Text("unknown", "未知")),
)

RECALL = Text(
    "The share that is visible is measured against this model's own picture of how companies behave, not "
    "against breaches in the world: it says what the reports could show if companies behaved as assumed. It "
    "can exceed 100 % where a missing or late report makes lawful conduct look like a breach. Counts are "
    "scaled to real units and cover the whole horizon.",
    "“可见比例”以本模型假定的企业行为为基准，而非现实中的违规：它说明在假定行为下，报送信息能够显示多少。"
    "若漏报或迟报使合法行为看似违规，该比例可超过 100 %。数量已换算为真实规模，覆盖整个模拟期。",
)


def findings(data: ReportInput) -> Section:
    """Return breaches by year and a table of the rules, by article."""
    title = Text("Findings by article", "按条款列出的审计结果")
    chart, figures = breaches(data)
    ran = sum(rule.outcome.startswith("RAN") for rule in data.rules)
    summary = Text(f"{ran} of {len(data.rules)} rules ran.", f"{len(data.rules)} 条规则中有 {ran} 条已运行。")
    table = _rule_table(data.rules) if data.rules else f'<p class="nothing">{both(NO_DATA)}</p>'
    grades = "".join(f"<dt>{grade}</dt><dd>{both(says)}</dd>" for grade, says in GRADES)
    legend = Text("Grade: how well the text of the article is known.", "等级：对条款文本的了解程度。")
    html = (
        f"<p>{both(summary)} {both(RECALL)}</p>{chart}{table}"
        f'<p class="note">{both(legend)}</p>'
        f'<dl class="grades">{grades}</dl>'
    )
    return Section("findings", title, html, figures)


def _rule_table(rules: list[RuleLine]) -> str:
    heads = (
        ("", Text("Rule", "规则")),
        ("", Text("Article", "条款")),
        ("", Text("Grade", "等级")),
        ("number", Text("Happened", "实际发生")),
        ("number", Text("Visible", "平台可见")),
        ("number share", Text("Visible share", "可见比例")),
    )
    head = "".join(
        f'<th class="{kind}" scope="col"><button type="button">{both(t)}</button></th>' for kind, t in heads
    )
    ordered = sorted(rules, key=_most_first)
    body = "".join(_rule_row(rule) for rule in ordered)
    return _sheet("rules", head, body)


def _sheet(name: str, head: str, body: str) -> str:
    return (
        f'<div class="sheet scroll"><table id="{name}"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table></div>"
    )


def _most_first(rule: RuleLine) -> tuple[bool, float, str]:
    ran = rule.outcome.startswith("RAN")
    return not ran, -rule.happened.mean if ran else 0.0, rule.id


def _rule_row(rule: RuleLine) -> str:
    tags = _tag(Text("voluntary condition", "自愿性条件")) if rule.voluntary else ""
    ran = rule.outcome.startswith("RAN")
    if not ran:
        tags += f" {_tag(_outcome(rule.outcome), strong=rule.outcome.startswith('BROKEN'))}"
    name = f"{both(Text(rule.title_en, rule.title_zh))} <span class='id'>{escape(rule.id)}</span> {tags}"
    text = f'{_article(rule.article)}<br><span class="id">{both(label(rule.regime, "regime"))}</span>'
    numbers = (
        _counted(rule.happened) + _counted(rule.visible) + _visible_share(rule)
        if ran
        else '<td class="number" data-value="-1">–</td>' * 3
    )
    # The regime stands below the article: together they say which text is meant.
    return (
        f'<tr{"" if ran else " class=idle"}><th scope="row" data-value="{escape(rule.id)}">{name}</th>'
        f'<td data-value="{escape(rule.regime)} {escape(rule.article)}">{text}</td>'
        f"<td>{escape(rule.grade)}</td>{numbers}</tr>"
    )


def _article(article: str) -> str:
    """Return the article; one whose number is not known keeps its act and says so.

    >>> _article("Order 73 art. 24(7)")
    'Order 73 art. 24(7)'
    """
    if article.strip() and "?" not in article and "unknown" not in article:
        return escape(article)
    act = article.partition(",")[0].strip() if "," in article else ""
    return f"{escape(act)} {_tag(Text('article unknown', '条款号未知'))}".strip()


def _outcome(outcome: str) -> Text:
    """Return why a rule has no numbers.

    >>> _outcome("SKIPPED no column").zh
    '未运行：no column'
    """
    word, _, reason = outcome.partition(" ")
    reason = reason.strip(" :")
    said = Text("broken", "规则出错") if word == "BROKEN" else Text("not run", "未运行")
    return Text(f"{said.en}: {reason}", f"{said.zh}：{reason}") if reason else said


def _tag(text: Text, *, strong: bool = False) -> str:
    return f'<span class="tag{" strong" if strong else ""}">{both(text)}</span>'


def _counted(value: Estimate) -> str:
    mean, interval = mean_and_interval(value)
    small = f"<small>{escape(interval)}</small>" if interval else ""
    return f'<td class="number" data-value="{_sortable(value.mean)}">{escape(mean)}{small}</td>'


def _visible_share(rule: RuleLine) -> str:
    if not rule.happened.mean > 0 or not math.isfinite(rule.visible.mean):
        return '<td class="number share" data-value="-1">–</td>'
    share = rule.visible.mean / rule.happened.mean
    width = 100 * min(share, 1.0)
    return (
        f'<td class="number share" data-value="{share:.6g}">{number(100 * share, 0)} %'
        f'<span class="meter"><i style="width:{width:.1f}%"></i></span></td>'
    )


def _sortable(value: float) -> str:
    return f"{value:.6g}" if math.isfinite(value) else "-1"


FITTED = "battrace fit"
"""How the source of a fitted figure begins, after its grade."""


def assumptions(data: ReportInput) -> Section:
    """Return every parameter with its source, those without one first."""
    title = Text("What is assumed", "参数与假设")
    if not data.assumptions:
        return Section("assumptions", title, f'<p class="nothing">{both(NO_DATA)}</p>')
    assumed, total = sum(a.grade == "assumed" for a in data.assumptions), len(data.assumptions)
    count = Text(f"{assumed} of {total} parameters assumed.", f"{total} 个参数中有 {assumed} 个为假设。")
    lead = Text(
        "Each stands without a published source and could move the results; they come first.",
        "这些参数没有公开来源，可能影响结果，列在最前。",
    )
    fitted = [a.key for a in data.assumptions if a.source.startswith(FITTED)]
    told = Text(
        f"{len(fitted)} are fitted to published figures up to 2023 by runs of the model itself (battrace fit); what "
        "was published since tests them (battrace validate)." if fitted else "",
        f"其中 {len(fitted)} 个由模型运行拟合至2023年及以前的公开数据（battrace fit），"
        "此后的公开数据用于检验（battrace validate）。"
        if fitted else "",
    )  # fmt: skip
    heads = (
        Text("Parameter", "参数"),
        Text("Value", "取值"),
        Text("Source", "来源"),
        Text("Grade", "等级"),
        Text("Note", "说明"),
    )
    head = "".join(f'<th scope="col"><button type="button">{both(t)}</button></th>' for t in heads)
    ordered = sorted(data.assumptions, key=lambda a: (a.grade != "assumed", a.key))
    body = "".join(_assumption_row(a) for a in ordered)
    html = (
        f"<p><strong>{both(count)}</strong> {both(lead)} {both(told)}</p>"
        '<div class="find"><input type="search" id="search" data-hint-en="Search parameters" '
        'data-hint-zh="搜索参数" placeholder="Search parameters" aria-label="Search parameters 搜索参数">'
        f'<label><input type="checkbox" id="only-assumed"> {both(Text("only the assumed", "仅显示假设"))}'
        f"</label></div>{_sheet('parameters', head, body)}"
    )
    return Section("assumptions", title, html)


def _assumption_row(a: Assumption) -> str:
    assumed = a.grade == "assumed"
    grade = _tag(Text("assumed", "假设"), strong=True) if assumed else escape(a.grade)
    unit = f' <span class="id">{escape(a.unit)}</span>' if a.unit else ""
    return (
        f'<tr data-assumed="{int(assumed)}"><th scope="row"><code>{escape(a.key)}</code></th>'
        f"<td>{escape(a.value)}{unit}</td><td>{escape(a.source)}</td><td>{grade}</td><td>{escape(a.note)}</td></tr>"
    )


def provenance(data: ReportInput) -> Section:
    """Return where the run comes from, how to repeat it, and how to check and cite it."""
    r = data.record
    versions = ", ".join(f"{name} {version}" for name, version in sorted(r.versions.items()))
    known = (
        (Text("scenario", "情景"), r.name),
        (Text("horizon", "模拟期"), f"{r.first_day} – {r.last_day}"),
        (Text("scale", "比例"), f"1:{r.scale:,}"),
        (Text("replications", "重复次数"), f"{r.replications:,}"),
        (Text("seed", "随机种子"), str(r.seed)),
        (Text("events", "事件数"), f"{r.events:,}"),
        (Text("fingerprint", "指纹"), r.fingerprint),
        (Text("versions", "版本"), versions),
    )
    items = "".join(f"<dt>{both(term)}</dt><dd>{escape(value)}</dd>" for term, value in known)
    commands = (
        f"battrace run {r.name} --scale {r.scale} --replications {r.replications} --seed {r.seed}\n"
        f"battrace verify runs/{r.name}"
    )
    version = r.versions.get("battrace", "")
    cite = (
        f"battrace {version}".strip() + f", scenario “{r.name}”, {r.first_day} to {r.last_day}, "
        f"{r.replications} replications at 1:{r.scale}, seed {r.seed}, fingerprint {r.fingerprint}."
    )
    repeat = Text(
        "To repeat the run, and to check a folder offline against its fingerprint:",
        "重新运行，以及离线核对运行结果与指纹是否一致：",
    )
    html = (
        f"<dl>{items}</dl><p>{both(repeat)}</p><pre><code>{escape(commands)}</code></pre>"
        f"<p>{both(Text('To cite:', '引用格式：'))}</p><pre><code>{escape(cite)}</code></pre>"
    )
    return Section("provenance", Text("Cite and verify", "引用与核验"), html)
