"""The page of a study: question, answer, design, results, limits, how to repeat and cite; English, then Chinese.

Everything that is a number comes from the stored results; the same results give the same bytes.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from sim.comparison.told import signed
from sim.levers import differences, toml_text
from sim.record import replace_file
from sim.report.reading import ABSENT, number
from sim.report.words import LANGUAGES, Text
from sim.scenario import Scenario
from sim.studies.answers import answers, digits, of_difference, plans, price_text, prices, value, verdict
from sim.studies.chart import picture
from sim.studies.design import Cheapest, Price, Study
from sim.studies.reading import names, read, scenarios
from sim.studies.results import Line, lines
from sim.studies.stored import Stored, ships
from traceability.errors import StoreError

_CAUTION = Text(
    "Results of a model, not statistics and not a forecast. An interval covers chance within the model, not whether the model "
    "is right.",
    "以下为模型结果，既非统计数据，也非预测。区间只反映模型内部的随机性，不反映模型本身是否正确。",
)
_METHOD = Text(
    "Differences are paired by replication: every battery has the same luck in each scenario (Law 2015, sections 10.2.1 and "
    "11.2); 95 % intervals of Student's t; p is adjusted over all lines of all scenarios of this study (Holm 1979), and a "
    "difference counts as shown below 0.05.",
    "差异按重复逐一配对：每个电池在各情景中的随机数相同（Law 2015，10.2.1 与 11.2 节）；区间为 95 % Student t 区间；"
    "p 值按本研究所有情景的全部指标校正（Holm 1979），低于 0.05 视为显示差异。",
)
_HEADS = {
    "question": Text("Question", "问题"),
    "answer": Text("Answer", "结论"),
    "design": Text("Design", "设计"),
    "results": Text("Results", "结果"),
    "limits": Text("Limits", "局限"),
}


def write_page(folder: Path, stored: Stored, stem: str = "") -> list[Path]:
    """Write the page of a study and its pictures into *folder* and return their paths.

    Args:
        stem: name of the files, before the ending; the study's where none is given.

    Raises:
        StoreError: they cannot be written.
    """
    stem = stem or stored.results.study.name
    written = files_of(stored, stem)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in written.items():
            replace_file(folder / name, text.encode())
    except OSError as error:
        raise StoreError(f"{folder}: cannot be written: {error.strerror}") from None
    return [folder / name for name in written]


def files_of(stored: Stored, stem: str) -> dict[str, str]:
    """Return file name -> text of the page and its pictures."""
    pictures = {f"{stem}.{lang}.svg": picture(stored.results, lang) for lang in LANGUAGES}
    return {f"{stem}.md": page(stored, stem)} | pictures


def page(stored: Stored, stem: str) -> str:
    """Return the page as Markdown; its pictures are STEM.en.svg and STEM.zh.svg beside it."""
    study = stored.results.study
    known = scenarios(study)
    parts = [
        f"# {study.title.en}\n\n{study.title.zh}（[中文](#zh)）\n\n"
        f"Study `{study.name}`. Made by `battrace study`; every number is filled from stored results, do not edit.",
        *(_in(stored, lang, stem) for lang in LANGUAGES),
        _changed(study, known),
        _cited(stored),
    ]
    return "\n\n".join(parts) + "\n"


def index() -> str:
    """Return the list of all studies that ship, as Markdown."""
    rows = []
    for name in names():
        study = read(name)
        title = f"[{study.title.en}]({name}.md)" if ships(name) else study.title.en
        rows.append((title, study.title.zh, study.question.en, f"`{name}`"))
    table = _table(("study", "", "question", "name"), rows)
    return (
        "# Studies\n\n"
        "Made by `battrace study`. A study is a file of the program that says which scenarios are compared, how often, and what "
        "is shown; its page is filled from results that ship with the program. What a page says in words is chosen by the "
        "results: each sentence is written for more, for less, and for no difference shown.\n\n"
        "各研究由程序文件定义（对比的情景、重复次数与指标），页面由随程序发布的结果自动填写；文字结论由结果决定。\n\n"
        f"{table}\n\n"
        "```\nbattrace study list\nbattrace study run NAME --out runs/studies  # the runs, the results and the page\n"
        "battrace study check NAME --replications 1  # run some of it again, compare value by value\n"
        "battrace study page NAME                    # the page, from the stored results\n```\n"
    )


def _in(stored: Stored, lang: str, stem: str) -> str:
    """Return question to limits in one language."""
    results, study = stored.results, stored.results.study

    def say(text: Text) -> str:
        return str(getattr(text, lang))

    def head(name: str) -> str:
        return f"## {say(_HEADS[name])}"

    opening = [] if lang == "en" else [f'<a id="zh"></a>\n\n# {study.title.zh}']
    said = "\n".join(f"- {say(sentence)}" for sentence in answers(results))
    tables = [table for answer in study.answer for table in _of_answer(stored, answer, lang)]
    limits = "\n".join(f"- {say(words.text)}" for words in study.limits)
    return "\n\n".join(
        [
            *opening,
            f"{head('question')}\n\n{say(study.question.text)}",
            f"{head('answer')}\n\n{said}\n\n![{say(study.chart.title.text)}]({stem}.{lang}.svg)",
            *tables,
            f"{head('design')}\n\n{say(study.design.text)}\n\n{_facts(stored, lang)}",
            f"{head('results')}\n\n{_differences(stored, lang)}\n\n{say(_METHOD)}",
            _fates(stored, lang),
            f"{head('limits')}\n\n{limits}\n- {say(_CAUTION)}",
        ]
    )


def _facts(stored: Stored, lang: str) -> str:
    made, study = stored.record, stored.results.study
    facts = [
        (Text("horizon", "模拟期"), f"{made['from']} – {made['until']}"),
        (Text("scale", "比例"), f"1:{made['scale']:,}"),
        (Text("replications of each", "各情景重复次数"), f"{made['replications']:,}"),
        (Text("seed", "随机种子"), str(made["seed"])),
        (
            Text("scenarios", "情景"),
            "; ".join(f"{getattr(s.label, lang)} (`{s.name}`)" for s in study.scenario),
        ),
    ]
    return _table(("", ""), [(getattr(term, lang), said) for term, said in facts])


def _differences(stored: Stored, lang: str) -> str:
    """Return one table for each scenario but the baseline."""
    study, parts = stored.results.study, []
    found = lines(stored.results)
    heads = {
        "en": ("", "unit", "before", "after", "difference", "95 % interval", "p"),
        "zh": ("", "单位", "之前", "之后", "差异", "95 % 区间", "p"),
    }[lang]
    for side in study.scenario[1:]:
        rows = [_row(line, lang) for line in found if line.scenario == side.name]
        against = getattr(Text("against", "相对"), lang)
        title = f"**{getattr(side.label, lang)}** {against} {getattr(study.baseline.label, lang)}"
        parts.append(f"{title}\n\n{_table(heads, rows)}")
    return "\n\n".join(parts)


def _row(line: Line, lang: str) -> tuple[str, ...]:
    shown = line.shown
    mean, interval = signed(line.gap, shown.factor, digits(shown)) if line.gap.n else (ABSENT, "")
    if not line.differs:
        interval = f"{interval} {getattr(verdict(line), lang)}".strip()
    p = "" if line.p_holm is None else "< 0.001" if line.p_holm < 0.001 else f"{line.p_holm:.3f}"
    unit = getattr(shown.unit, lang)
    differs_in = getattr(of_difference(shown), lang)
    return (
        f"{getattr(shown.says, lang)}, {shown.when}",
        unit,
        value(shown, line.before.mean),
        value(shown, line.after.mean),
        f"{mean} {differs_in}" if differs_in != unit else mean,
        interval,
        p,
    )


def _of_answer(stored: Stored, answer: object, lang: str) -> Iterator[str]:
    """Yield the table behind a sentence, where it rests on more than a difference."""
    if isinstance(answer, Cheapest):
        yield _plan_table(stored, answer, lang)
    elif isinstance(answer, Price):
        yield _price_table(stored, answer, lang)


def _plan_table(stored: Stored, answer: Cheapest, lang: str) -> str:
    results, study = stored.results, stored.results.study
    cost, shown = study.line(answer.cost), study.line(answer.shown)
    yes, no = (getattr(t, lang) for t in (Text("yes", "是"), Text("no", "否")))
    heads = tuple(
        getattr(text, lang)
        for text in (
            Text("plan, cheapest first", "方案（按成本排序）"),
            Text(f"{cost.says.en} ({cost.unit.en})", f"{cost.says.zh}（{cost.unit.zh}）"),
            Text(f"{shown.says.en} ({shown.unit.en})", f"{shown.says.zh}（{shown.unit.zh}）"),
            Text("at least, with 95 % confidence for all plans", "下限（全部方案联合 95 % 置信）"),
            Text(
                f"reaches {answer.target:g}",
                f"达到 {answer.target:g}",
            ),
        )
    )
    rows = [
        (
            getattr(study.side(p.scenario).label, lang),
            number(p.cost),
            number(p.value, digits(shown)),
            number(p.reach, digits(shown)) if math.isfinite(p.reach) else ABSENT,
            yes if p.reaches else no,
        )
        for p in plans(results, answer)
    ]
    return _table(heads, rows)


def _price_table(stored: Stored, answer: Price, lang: str) -> str:
    study = stored.results.study
    cost, gain = study.line(answer.cost), study.line(answer.gain)
    heads = tuple(
        getattr(text, lang)
        for text in (
            Text("instrument", "措施"),
            Text(f"{cost.says.en} / {gain.says.en} ({answer.unit.en})", f"{cost.says.zh} / {gain.says.zh}（{answer.unit.zh}）"),
            Text("95 % interval (Fieller 1954)", "95 % 区间（Fieller 1954）"),
        )
    )  # fmt: skip
    rows = []
    for scenario, price in prices(stored.results, answer):
        none = getattr(Text("no gain shown", "未显示增量"), lang)
        said = (ABSENT, none) if price is None else price_text(price)
        rows.append((getattr(study.side(scenario).label, lang), *said))
    return _table(heads, rows)


_CAUSES = {
    "rule": Text("by the rule itself", "规则直接影响"),
    "others": Text("by what others do", "他人行为影响"),
    "crowding": Text("by crowding", "拥挤影响"),
    "unknown": Text("unexplained", "原因不明"),
}


def _fates(stored: Stored, lang: str) -> str:
    """Return how many packs of the first replication fare otherwise, and how much variance the twins removed."""
    study, said = stored.results.study, []
    for told in stored.record["twins"]:
        label = getattr(study.side(told["scenario"]).label, lang)
        causes = [(getattr(_CAUSES.get(c, Text(c, c)), lang), n) for c, n in told["causes"].items()]
        share = told["changed"] / told["packs"] if told["packs"] else 0.0
        removed = _removed(stored, told["scenario"])
        if lang == "en":
            why = "".join(f", {n:,} {c}" for c, n in causes)
            took = (
                ""
                if removed is None
                else f"; twins removed {removed:.0%} of the variance (median of the lines)"
            )
            said.append(
                f"- {label}: {told['changed']:,} of {told['packs']:,} simulated packs of the first replication fare otherwise "
                f"({share:.1%}){why}{took}."
            )
        else:
            why = "".join(f"，{c} {n:,} 个" for c, n in causes)
            took = "" if removed is None else f"；配对消除了 {removed:.0%} 的方差（各指标中位数）"
            said.append(
                f"- {label}：首次重复的 {told['packs']:,} 个模拟电池包中有 {told['changed']:,} 个去向不同"
                f"（{share:.1%}）{why}{took}。"
            )
    return "\n".join(said)


def _removed(stored: Stored, scenario: str) -> float | None:
    found = [
        x.gap.removed for x in lines(stored.results) if x.scenario == scenario and x.gap.removed is not None
    ]
    return float(np.median(found)) if found else None


def _changed(study: Study, known: Mapping[str, Scenario]) -> str:
    """Return every figure that a scenario changes, with its source: the law is told from what is imagined."""
    rows = []
    base = known[study.baseline.name]
    for side in study.scenario[1:]:
        for key, old, new in differences(base, known[side.name]):
            figure = new or old
            assert figure is not None
            rows.append(
                (
                    f"`{side.name}`",
                    f"`{key}`",
                    ABSENT if old is None else f"`{toml_text(old.value)}`",
                    ABSENT if new is None else f"`{toml_text(new.value)}`",
                    figure.unit,
                    f"{figure.grade}: {figure.source}" if figure.source else figure.grade or ABSENT,
                    f"{figure.en} {figure.zh}",
                )
            )
    costs = [
        (
            f"`{shown.name}`",
            term.measure,
            f"× {term.times:g}" + (f" + {term.constant:g} a year" if term.constant else ""),
            ", ".join(f"`{name}`" for name in term.scenarios) or "all",
            term.source,
        )
        for shown in study.shown
        for term in (*shown.parts, *shown.per)
        if term.source
    ]
    text = "## What is changed 变更项\n\n" + _table(
        ("scenario", "key", "baseline", "scenario's value", "unit", "source", "meaning 含义"), rows
    )
    if costs:
        text += "\n\nReckoned from measures 由指标换算:\n\n" + _table(
            ("line", "measure", "times", "scenarios", "source"), costs
        )
    return (
        text
        + "\n\nA figure whose source is `assumed` is imagined, not law. 来源为 assumed 的取值为假想，并非现行规定。"
    )


def _cited(stored: Stored) -> str:
    made, study = stored.record, stored.results.study
    labels, here = ", ".join(side.name for side in study.scenario), f"runs/studies/{study.name}"
    versions = ", ".join(f"{name} {number}" for name, number in sorted(made["versions"].items()))
    return (
        "## Repeat and cite 复现与引用\n\n"
        f"```\nbattrace study check {study.name} --replications 1    # a part of it again, held against the stored values\n"
        f"battrace study run {study.name} --out runs/studies\nbattrace twins {here}/{study.baseline.name} "
        f"{here}/{study.scenario[1].name} --changed\n```\n\n"
        f"> battrace {made['versions']['battrace']}, study {study.name} ({labels}), {made['from']} to {made['until']}, "
        f"{made['replications']} paired replications at 1:{made['scale']}, seed {made['seed']}, "
        f"fingerprint {made['fingerprint']}.\n\n"
        f"Versions: {versions}. Stored values: SHA-256 {made['sha256']}."
    )


def _table(heads: Iterable[str], rows: Iterable[Iterable[Any]]) -> str:
    cells = [[" ".join(str(c).replace("|", "\\|").split()) for c in row] for row in rows]
    top = list(heads)
    written = [top, ["---"] * len(top), *cells]
    return "\n".join("| " + " | ".join(row) + " |" for row in written)
