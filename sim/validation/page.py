"""The tables of a validation as files: one CSV, and one HTML file that opens anywhere, offline."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from html import escape
from pathlib import Path

from sim.record import replace_file
from sim.validation.founding import Figure
from sim.validation.judging import Line, Verdict, interval, number

CSV, FOUNDING_CSV, HTML = "validation.csv", "founding.csv", "validation.html"

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = (
    "body{font:15px/1.5 system-ui,sans-serif;color:#1d2733;margin:2rem auto;max-width:80rem;padding:0 1rem}"
    "table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin-bottom:2rem}"
    "th,td{text-align:left;vertical-align:top;padding:.3rem .5rem;border-bottom:1px solid #dfe4ea}"
    "td.n{text-align:right;white-space:nowrap}caption{text-align:left;font-weight:600;padding:.5rem 0}"
    ".fail{color:#a3320b;font-weight:700}.pass{color:#00694d}small{color:#5b6774}"
)


def write(folder: Path, about: str, lines: Sequence[Line], figures: Sequence[Figure]) -> None:
    """Write both tables into *folder*, which is made if need be; a reader never sees half of a file.

    Args:
        about: what was validated, in a sentence.

    Raises:
        OSError: *folder* cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    replace_file(folder / CSV, _csv(Line._fields, [_plain(line) for line in lines]))
    if figures:
        replace_file(folder / FOUNDING_CSV, _csv(Figure._fields, figures))
    replace_file(folder / HTML, _page(about, lines, figures).encode())


def _plain(line: Line) -> tuple[object, ...]:
    return line._replace(verdict=line.verdict.value)  # type: ignore[arg-type]


def _csv(header: Sequence[str], rows: Sequence[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
    return out.getvalue().encode()


def counted(lines: Sequence[Line], figures: Sequence[Figure]) -> str:
    """Return one sentence: how many lines pass, fail, and do not count."""
    passed = sum(line.verdict is Verdict.PASS and line.use != "context" for line in lines)
    failed = sum(line.failed for line in lines)
    context = sum(line.use == "context" for line in lines)
    bare = sum(line.verdict is Verdict.NOT_COVERED and line.use != "context" for line in lines)
    said = f"{passed} passed, {failed} failed, {bare} not covered by the run, {context} for context"
    if figures:
        stand, off = sum(f.verdict == "stands" for f in figures), sum(f.failed for f in figures)
        said += f"\nof {len(figures)} founding figures {stand} stand, {off} do not, {len(figures) - stand - off} are context"
    return said


def _page(about: str, lines: Sequence[Line], figures: Sequence[Figure]) -> str:
    parts = list(dict.fromkeys(line.part for line in lines))
    tables = "".join(_table(part, [line for line in lines if line.part == part]) for part in parts)
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>Validation – battrace</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Validation <small>模型验证</small></h1>\n<p>{escape(about)}</p>\n<p>{escape(counted(lines, figures))}.</p>\n"
        "<p>In brackets: one standard error of the published figure. The interval holds 95 % of what luck does to the "
        "mean of the replications; it says nothing of whether the model is right. "
        "<span lang='zh'>方括号内为公布值的标准误；区间仅反映模拟的随机性。</span></p>\n"
        f"{tables}{_founding(figures)}</body>\n</html>\n"
    )


def _table(part: str, lines: Sequence[Line]) -> str:
    head = (
        "target",
        "year",
        "expected",
        "model",
        "95 % interval",
        "unit",
        "passes",
        "verdict",
        "use",
        "why; source",
    )
    rows = "".join(_row(line) for line in lines)
    return (
        f"<table><caption>{escape(part)}</caption><thead><tr>"
        + "".join(f"<th>{cell}</th>" for cell in head)
        + f"</tr></thead><tbody>{rows}</tbody></table>\n"
    )


def _row(line: Line) -> str:
    error = f" [{number(line.error)}]" if line.error else ""
    return (
        f"<tr><td>{escape(line.name.replace('_', ' '))}</td><td>{line.year or ''}</td>"
        f'<td class="n">{number(line.expected)}{error}</td><td class="n">{number(line.model)}</td>'
        f'<td class="n">{interval(line)}</td><td>{escape(line.unit)}</td><td>{escape(line.bound)}</td>'
        f'<td class="{line.verdict.value.replace(" ", "-")}">{line.verdict.value}</td><td>{line.use.replace("_", " ")}</td>'
        f"<td>{escape(line.why)}<br><small>{escape(line.source)} ({line.grade})</small></td></tr>\n"
    )


def _founding(figures: Sequence[Figure]) -> str:
    if not figures:
        return ""
    head = ("figure", "date", "value", "unit", "stands at", "check", "found there", "verdict", "note; source")
    rows = "".join(
        f'<tr><td>{escape(f.item)}</td><td>{escape(f.date)}</td><td class="n">{escape(f.value)}</td>'
        f"<td>{escape(f.unit)}</td><td>{escape(f.where)}</td><td>{escape(f.check)}</td><td>{escape(f.found)}</td>"
        f'<td class="{"fail" if f.failed else "pass"}">{f.verdict}</td>'
        f"<td>{escape(f.note)}<br><small>{escape(f.source)} ({f.grade})</small></td></tr>\n"
        for f in figures
    )
    return (
        "<table><caption>Figures of the founding documents</caption><thead><tr>"
        + "".join(f"<th>{cell}</th>" for cell in head)
        + f"</tr></thead><tbody>{rows}</tbody></table>\n"
    )
