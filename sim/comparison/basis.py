"""What a comparison rests on: what is assumed, what is imagined law, and how to cite and repeat it."""

from __future__ import annotations

from html import escape

from sim.comparison.changed import Changed
from sim.comparison.outcome import Comparison
from sim.comparison.running import comparison_fingerprint
from sim.record import versions
from sim.report.sections import Section
from sim.report.words import Text, both
from sim.summary import assumptions

_IMAGINED = Text("imagined, not law", "假想，非现行规定")


def assumed(told: Comparison, changed: list[Changed]) -> Section:
    """Return what each scenario changes, marked where it is no law, and how much of the model is assumed."""
    heads = (
        Text("scenario", "情景"), Text("what is changed", "变更项"), Text("baseline", "基准"),
        Text("scenario's value", "情景取值"), Text("source", "来源"),
    )  # fmt: skip
    head = "".join(f"<th>{both(t)}</th>" for t in heads)
    body = "".join(_row(lever) for lever in changed)
    table = (
        f'<div class="sheet scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
    )
    if not changed:
        none = Text("Nothing is changed: the scenarios are the same.", "没有任何变更：各情景完全相同。")
        table = f'<p class="nothing">{both(none)}</p>'
    listed = assumptions(told.baseline.scenario)
    count = sum(a.grade == "assumed" for a in listed)
    rests = Text(
        f"All scenarios share {len(listed)} parameters of the baseline, {count} of them assumed; each is listed with its source "
        "in the report of its run (report.html in the folder of the scenario).",
        f"各情景共用基准的 {len(listed)} 个参数，其中 {count} 个为假设；逐项来源见各情景文件夹中的 report.html。",
    )
    law = Text(
        "A figure whose source is “assumed” is imagined: it says what would happen if the law or its enforcement were "
        "such, not what the law says.",
        "来源为“假设”的取值属假想情形：说明若规定或执法如此将会怎样，并非现行规定的内容。",
    )
    html = f"<p>{both(law)}</p>{table}<p>{both(rests)}</p>"
    return Section("assumed", Text("What is assumed, and what is imagined law", "假设与假想规定"), html)


def _row(lever: Changed) -> str:
    mark = f' <span class="tag strong">{both(_IMAGINED)}</span>' if lever.grade == "assumed" else ""
    says = f"<br>{both(Text(lever.en, lever.zh))}" if lever.en else ""
    unit = f' <span class="id">{escape(lever.unit)}</span>' if lever.unit else ""
    source = f"{lever.grade}: {lever.source}" if lever.source else lever.grade
    return (
        f"<tr><td>{escape(lever.scenario)}</td><th scope='row'><code>{escape(lever.key)}</code>{says}</th>"
        f"<td>{escape(lever.before)}</td><td>{escape(lever.after)}{unit}{mark}</td><td>{escape(source)}</td></tr>"
    )


def cited(told: Comparison) -> Section:
    """Return how to repeat, check and cite the comparison."""
    scenario, mark = told.baseline.scenario, comparison_fingerprint(told)
    names = " ".join(side.label for side in told.sides)
    folder = "-vs-".join(side.label for side in told.sides)
    known = [
        (Text("horizon", "模拟期"), f"{scenario.first} – {scenario.last}"),
        (Text("scale", "比例"), f"1:{scenario.scale:,}"),
        (Text("replications of each", "各情景重复次数"), f"{told.baseline.replications:,}"),
        (Text("why so many", "重复次数的依据"), told.stopped),
        (Text("seed", "随机种子"), str(scenario.seed)),
        (Text("events", "事件数"), f"{sum(side.events for side in told.sides):,}"),
        (Text("fingerprint of the comparison", "对比的指纹"), mark),
        *(
            (Text(f"fingerprint, {side.label}", f"指纹，{side.label}"), side.fingerprint)
            for side in told.sides
        ),
        (Text("versions", "版本"), ", ".join(f"{k} {v}" for k, v in sorted(versions().items()))),
    ]
    items = "".join(f"<dt>{both(term)}</dt><dd>{escape(value)}</dd>" for term, value in known)
    commands = "\n".join(
        [
            f"battrace compare {names} --scale {scenario.scale} --seed {scenario.seed} "
            f"--replications {told.baseline.replications}",
            *(f"battrace verify runs/{folder}/{side.label}" for side in told.sides),
            f"battrace twins runs/{folder} --changed",
        ]
    )
    cite = (
        f"battrace {versions()['battrace']}, comparison of {', '.join(side.label for side in told.sides)}, "
        f"{scenario.first} to {scenario.last}, {told.baseline.replications} paired replications at 1:{scenario.scale}, "
        f"seed {scenario.seed}, fingerprint {mark}."
    )
    method = Text(
        "Differences: paired t intervals with common random numbers (Law 2015, sections 10.2.1 and 11.2); p adjusted by Holm "
        "(1979). With --replications auto the number follows Law (2015), section 9.4.1, from ten on: because the data are "
        "looked at more than once, such intervals cover the truth a little less often than 95 times in 100.",
        "差异：共用随机数的配对 t 区间（Law 2015，10.2.1 与 11.2 节）；p 值按 Holm（1979）校正。使用 --replications auto 时，"
        "重复次数按 Law（2015）9.4.1 节由 10 次起逐步增加；由于多次查看数据，区间的实际覆盖率略低于 95 %。",
    )
    repeat = Text(
        "To repeat, to check offline, and to see which batteries fare otherwise:",
        "重新运行、离线核验，以及查看哪些电池的去向发生变化：",
    )
    html = (
        f"<dl>{items}</dl><p>{both(method)}</p>"
        f"<p>{both(repeat)}</p>"
        f"<pre><code>{escape(commands)}</code></pre><p>{both(Text('To cite:', '引用格式：'))}</p>"
        f"<pre><code>{escape(cite)}</code></pre>"
    )
    return Section("cite", Text("Cite and repeat", "引用与复现"), html)
