"""The page: every section, the figures' specifications, and the library that draws them, in one file."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Sequence
from functools import cache
from html import escape
from pathlib import Path

import altair as alt
import vl_convert

from sim.report.charts import Figure
from sim.report.model import ReportInput
from sim.report.script import SCRIPT
from sim.report.sections import Section, fleet, headline, journey, materials, reporting, retirement
from sim.report.style import STYLE
from sim.report.tables import assumptions, findings, provenance
from sim.report.words import Text, both

# The page may run what it holds and fetch nothing: the reader's browser enforces that it is offline.
POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data:; "
    "base-uri 'none'; form-action 'none'"
)
SECTIONS = (headline, fleet, retirement, journey, materials, reporting, findings, assumptions, provenance)


def write_report(path: Path, data: ReportInput) -> None:
    """Write the report of *data* to *path*; a reader never sees half of it."""
    write_page(path, render(data))


def write_page(path: Path, page: str) -> None:
    """Write the HTML of a page to *path*; a reader never sees half of it."""
    content = page.encode()
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        written = Path(file.name)
        try:
            file.write(content)
        except OSError:
            written.unlink(missing_ok=True)
            raise
    written.chmod(0o644)
    os.replace(written, path)


def render(data: ReportInput) -> str:
    """Return the report as HTML: the same input gives the same text, on any day."""
    sections = [section(data) for section in SECTIONS]
    record = data.record
    title = Text(f"Used power batteries in China: {record.name}", f"中国废旧动力电池：{record.name}")
    run = f"{record.name} · {record.first_day[:4]}–{record.last_day[:4]}"
    return assemble(title, run, _header(data, title, sections), sections)


def assemble(title: Text, run: str, header: str, sections: Sequence[Section]) -> str:
    """Return a page: its bar, its header and its sections, with all that draws them, in one file.

    Args:
        title: of the page.
        run: what the bar says beside the name of the program.
        header: HTML; see `links`.
        sections: from top to bottom.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en" data-lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title.en)} – battrace</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"{_bar(run)}<main>\n{header}"
        + "".join(f'<section id="{s.id}"><h2>{both(s.title)}</h2>{s.html}</section>\n' for s in sections)
        + f'</main>\n<script type="application/json" id="figures">{_figures(sections)}</script>\n'
        f"<script>{_library()}</script>\n<script>{SCRIPT}</script>\n</body>\n</html>\n"
    )


def links(sections: Sequence[Section]) -> str:
    """Return the table of contents of a page as HTML."""
    return "<nav>" + "".join(f'<a href="#{s.id}">{both(s.title)}</a>' for s in sections) + "</nav>"


NEEDS_SCRIPT = (
    "<noscript><p>Figures need JavaScript; the tables below them hold the same numbers. "
    "图形需要启用 JavaScript；图下数据表含相同数据。</p></noscript>"
)


def _bar(run: str) -> str:
    # Each language offers the other, in the other's words.
    return (
        f'<div class="bar"><div><strong>battrace</strong><span class="run">{escape(run)}</span>'
        '<button type="button" class="switch" id="language"><span lang="en">中文</span>'
        '<span lang="zh">English</span></button></div></div>\n'
    )


def _header(data: ReportInput, title: Text, sections: list[Section]) -> str:
    r = data.record
    n = r.replications
    lede = Text(
        f"A simulation of how power batteries move from sale to recovered material, {r.first_day[:4]} to "
        f"{r.last_day[:4]}, and of what the traceability platform gets to see of it.",
        f"本报告模拟 {r.first_day[:4]} 至 {r.last_day[:4]} 年动力电池从销售到材料回收的全过程，"
        "以及溯源平台能够看到的部分。",
    )
    times = Text(
        "once" if n == 1 else f"{n} times with independent chance",
        "一次" if n == 1 else f"{n} 次（随机数相互独立）",
    )
    caution = Text(
        f"These are results of a model, not statistics. It ran {times.en}; one simulated battery stands for "
        f"{r.scale:,} real ones, and all numbers are scaled to real units.",
        f"以下为模型结果，并非统计数据。模型运行 {times.zh}；一个模拟电池代表 {r.scale:,} 个真实电池，"
        "所有数字均已换算为真实规模。",
    )
    return (
        f'<header><p class="kicker">{both(Text("Simulation report", "模拟报告"))}</p><h1>{both(title)}</h1>'
        f'<p class="lede">{both(lede)}</p><p class="soft">{both(caution)}</p>'
        f"{NEEDS_SCRIPT}{links(sections)}</header>\n"
    )


def _figures(sections: Sequence[Section]) -> str:
    """Return specifications and data as JSON that cannot end the script element it stands in."""
    figures: list[Figure] = [figure for section in sections for figure in section.figures]
    content = {figure.id: {"specs": figure.specs, "datasets": figure.datasets} for figure in figures}
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


@cache
def _library() -> str:
    """Return Vega, Vega-Lite and Vega-Embed, of the version that the specifications are written for."""
    major_minor = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    bundle = vl_convert.javascript_bundle(snippet="window.vegaEmbed = vegaEmbed;", vl_version=major_minor)
    return bundle.replace("</script", "<\\/script")
