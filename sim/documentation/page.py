"""The model page: an ODD description of the baseline whose parts are filled between markers of a Markdown file.

Source of the sections: Grimm et al. (2020), The ODD protocol: a second update.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

from sim import scenario as scenarios
from sim.documentation import told, words
from sim.documentation.sheet import size, system
from sim.scenario import Scenario
from sim.sensitivity import HEADLINES, Effect, Sensitivity, fingerprint, read
from traceability.errors import StoreError, UnknownName

SHIPPED = "sensitivity_baseline.csv"
RUN = "run"
"""The part that only a run can fill; without one it stays as it is."""
TOP = 20

_MARKED = re.compile(r"(<!-- battrace: ([a-z-]+) -->\n)(.*?)(<!-- /battrace: \2 -->)", re.DOTALL)


def filled(page: str, run: Path | None = None) -> str:
    """Return the text of *page* with what stands between each pair of markers made anew.

    `<!-- battrace: NAME -->` begins a part and `<!-- /battrace: NAME -->` ends it.

    Args:
        page: Markdown with markers.
        run: folder of a run, for the part that says how long one takes.

    Raises:
        StoreError: no marker, or a part that no pair of markers holds.
        UnknownName: a marker of a part that nobody knows.
    """
    baseline = scenarios.load("baseline")
    known = [*PARTS, RUN]
    found = [match.group(2) for match in _MARKED.finditer(page)]
    for name in found:
        if name not in known:
            raise UnknownName("part of the model page", name, known)
    if missing := [name for name in known if name not in found]:
        raise StoreError(
            f"the page has no `<!-- battrace: {missing[0]} -->` … `<!-- /battrace: {missing[0]} -->`; "
            f"it must hold each of {', '.join(known)}"
        )

    def anew(match: re.Match[str]) -> str:
        name = match.group(2)
        if name == RUN:
            body = match.group(3) if run is None else f"{size(run)}\n\n{system(run)}\n"
        else:
            body = PARTS[name](baseline) + "\n"
        return f"{match.group(1)}{body}{match.group(4)}"

    return _MARKED.sub(anew, page)


def shipped_sensitivity() -> Sensitivity | None:
    """Return the table of sensitivity that ships with the program, or None where none does."""
    item = files("sim").joinpath("documentation", SHIPPED)
    return read(item.read_text("utf-8")) if item.is_file() else None


def up_to_date(table: Sensitivity) -> bool:
    """Return whether *table* was made from the scenario of its name and the input files as they are now."""
    now = scenarios.load(table.name, scale=table.scale, until=table.until, replications=table.replications)
    return fingerprint(now, table.share) == table.made_from


def sensitivity_table(table: Sensitivity, top: int = TOP) -> str:
    """Return what *table* says: the largest effects, and how many figures do less or nothing."""
    titles = {h.id: h for h in HEADLINES}
    ranked = table.ranked()
    rows = [
        (n, f"`{e.parameter}`", e.value, e.to, f"{titles[e.measure].en} {titles[e.measure].zh}", *_effect(e))
        for n, e in enumerate(ranked[:top], start=1)
    ]
    first, last = table.years
    state = "" if up_to_date(table) else " **The baseline has changed since: make it anew.**"
    heads = ("", "parameter", "from", "to", "largest effect on", "base", "effect", "relative, 95 % interval")
    text = (
        f"Each assumed figure of `{table.name}` moved by {table.share:.0%} down and up, alone, with the same luck; means of "
        f"{first}-{last} in {table.replications} replications at 1:{table.scale:,}; made from `{table.made_from}`.{state}\n\n"
        f"{told.table(heads, rows)}\n\n"
        f"{len(ranked)} figures move a headline measure beyond chance, the {min(top, len(ranked))} strongest above; of many "
        "intervals of 95 % one in twenty misses, so trust the small ones least. Reports and delays are means over the "
        "roles, the stays of the stages are added up; all else is as in the list of outputs."
    )
    for names, said in (
        (table.chance(), "change something, but no more than chance may"),
        (
            table.idle(),
            "change none of these measures; some of them matter to the audit, which is not run for this table",
        ),
    ):
        if names:
            text += f"\n\n{len(names)} {said}: {', '.join(f'`{n}`' for n in names)}."
    if out := table.left_out():
        text += f"\n\n{len(out)} are not moved: " + ", ".join(f"`{e.parameter}` ({e.why})" for e in out) + "."
    return text


def _effect(e: Effect) -> tuple[str, str, str]:
    interval = f", {e.low / e.base:+.1%} to {e.high / e.base:+.1%}" if e.base and e.replications > 1 else ""
    return f"{e.base:.4g} {e.measure_unit}", f"{e.effect:+.3g}", f"{e.relative:+.1%}{interval}"


def _sensitivity(_: Scenario) -> str:
    table = shipped_sensitivity()
    return "Not made yet: `battrace sensitivity` makes it." if table is None else sensitivity_table(table)


def _entities(baseline: Scenario) -> str:
    return (
        f"{told.entities()}\n\nActors of the baseline at 1:{baseline.scale:,}:\n\n{told.resources(baseline)}\n\n"
        f"Time runs in days from {baseline.first} to {baseline.last}; places are the 31 provinces."
    )


def _concepts(_: Scenario) -> str:
    return told.table(("concept", "", "in this model"), words.CONCEPTS)


PARTS: dict[str, Callable[[Scenario], str]] = {
    "purpose": lambda _: f"{words.PURPOSE}\n\n{words.AIMS}",
    "patterns": lambda _: words.PATTERNS,
    "entities": _entities,
    "lifecycle": lambda _: f"{told.lifecycle_diagram()}\n\n{told.activities()}\n\n{told.entries_and_exits()}",
    "processes": lambda _: f"{words.EXECUTION}\n\n{told.process_table()}",
    "concepts": _concepts,
    "initialisation": lambda _: words.INITIALISATION,
    "inputs": lambda _: f"{words.PREPROCESSING}\n\n{told.input_files()}",
    "algorithms": lambda _: (
        f"{told.algorithms()}\n\n{told.queues()}\n\nDecisions that are drawn:\n\n{told.draws()}"
    ),
    "outputs": lambda _: told.outputs(),
    "parameters": told.parameter_table,
    "assumed": lambda baseline: f"{told.assumed(baseline)}\n\n{words.STRUCTURE}",
    "left-out": lambda _: words.LEFT_OUT,
    "limits": lambda _: words.LIMITS,
    "sensitivity": _sensitivity,
}
"""Part of the page -> what fills it."""
