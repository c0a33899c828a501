"""The scenario file that `battrace scenario new` writes: nothing changed yet, and in comments what may be."""

from __future__ import annotations

import os
import re
from pathlib import Path
from textwrap import shorten

from sim.levers import FIRST_DAY, Figure, Lever, figures, levers, toml_key, toml_text
from sim.record import replace_file
from sim.scenario import load, shipped
from traceability.errors import ScenarioError

_TYPICAL = (
    ("enforcement.swap_exempt", 0),
    ("inspection.mofcom.inspected_share", 0.1),
    ("market.deposit_yuan_pack", 500),
)
_TYPICAL_DAY = "2027-01-01"
_SOURCE_WIDTH = 110


def begin(name: str, base: str, out: Path, *, every: bool = False) -> int:
    """Write the scenario file *out*, which extends *base* and changes nothing yet; return how many levers it shows.

    Args:
        name: of the new scenario.
        base: a shipped scenario or a file.
        out: a file that is not there yet.
        every: show every figure of *base* instead of a few typical levers.

    Raises:
        ScenarioError: *name* or *base* cannot be, or *out* is there already or cannot be written.
    """
    if not re.fullmatch(r"[A-Za-z0-9_\-]{1,64}", name):
        raise ScenarioError(f"`{name}` is no name: 1 to 64 letters, digits, `_` and `-` were expected")
    if name in shipped():
        raise ScenarioError(f"`{name}` is a shipped scenario; choose another name")
    if out.exists():
        raise ScenarioError(f"{out}: is there already, and was left as it is; give another --out")
    parent = load(base)
    extends = base if base in shipped() else Path(os.path.relpath(base, out.parent)).as_posix()
    levers_of = {lever.key.split(".")[0] + "." + lever.key.split(".")[-1]: lever for lever in levers()}
    known = {f.key: f for f in figures(parent)}
    shown = list(known.values()) if every else [known[key] for key, _ in _TYPICAL]
    lines = _head(name, extends, out, every)
    section = ""
    for figure in shown:
        if figure.section != section:
            section = figure.section
            lines.append(f"[{'.'.join(toml_key(part) for part in section.split('.', 1))}]")
        lever = levers_of[f"{section.split('.')[0]}.{figure.field}"]
        lines += _lines(figure, lever, every)
    try:
        replace_file(out, ("\n".join(lines) + "\n").encode())
    except OSError as error:
        raise ScenarioError(f"{out}: cannot be written: {error.strerror}") from None
    return len(shown)


def _head(name: str, extends: str, out: Path, every: bool) -> list[str]:
    more = (
        "Name a source of your own beside: sources.KEY"
        if every
        else f"Every key: battrace scenario new {name} --all"
    )
    return [
        f"# Take a `#` away, change the figure, then: battrace scenario check {out.name}.  {more}",
        "# A figure may be a number, or change on days: {day = value, ...}; days that are not named stay as they were.",
        f"extends = {toml_text(extends)}",
        f'name = "{name}"',
        f'title_en = "{name}"',
        f'title_zh = "{name}"',
    ]


def _lines(figure: Figure, lever: Lever, every: bool) -> list[str]:
    said = [figure.unit, *([lever.range] if lever.range != "-" else [])]
    if every:
        said += [figure.en, figure.zh]
    source = shorten(_sourced(figure), _SOURCE_WIDTH, placeholder=" …")
    value = figure.value
    if not every:
        new = dict(_TYPICAL)[figure.key]
        kept = {} if isinstance(value, dict) else {FIRST_DAY: value}
        value = {**kept, _TYPICAL_DAY: new}
    line = f"# {figure.field} = {toml_text(value)}  # {'; '.join(said)}; {source}"
    return [line] if every else [line, f'# sources.{figure.field} = "assumed: what if"']


def _sourced(figure: Figure) -> str:
    return f"{figure.grade}: {figure.source}" if figure.source else figure.grade
