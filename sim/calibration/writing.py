"""The files of a fit: fit.toml, sets.csv, likelihood.csv and fit.md, each moved into place when it is whole."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import tomli_w

from sim import record
from sim.calibration.candidate import changed_sections
from sim.calibration.fit import Fit
from sim.calibration.likelihood import term
from sim.calibration.posterior import LEVEL, NOT_IDENTIFIED, rounded
from sim.targets import judged


class Line(NamedTuple):
    """One target beside what the fitted model says of it.

    Attributes:
        name, year, value, unit: the target.
        use: `fitted`, or how `targets.csv` says that it is used.
        model: of the best set: in runs to `until` where fitted, else in runs to `test_until`.
        low, high: the least and the most that the near-best sets say.
        error: as the fit weighs it; that of the table where it is not fitted.
        residual, log_likelihood: only where fitted.
        met: whether the model is within the target's tolerance; None where it has none.
    """

    name: str
    year: int
    value: float
    unit: str
    use: str
    model: float
    low: float
    high: float
    error: float
    residual: float | None
    log_likelihood: float | None
    met: bool | None


def lines(fit: Fit) -> list[Line]:
    """Return a line for each target of which the runs say something, the fitted ones first."""
    sets = [one.said for one in fit.sets if one.said is not None]
    found = []
    for place, target in enumerate(fit.targets):
        values = [value for said in sets if (value := said[place]) is not None]
        fitted = place < len(fit.problem.aims)
        model = fit.said[place] if fitted else (fit.best.said or fit.said)[place]
        if model is None or not values:
            continue
        aim = fit.problem.aims[place] if fitted else None
        weighed = term(aim, model) if aim else None
        error = target.error if aim is None else aim.error * (target.value if aim.law == "log" else 1.0)
        found.append(
            Line(
                target.name,
                target.year,
                target.value,
                target.unit,
                "fitted" if fitted else target.use,
                model,
                min(*values, model),
                max(*values, model),
                error,
                weighed.residual if weighed else None,
                weighed.log_likelihood if weighed else None,
                judged(target, model),
            )
        )
    return found


def scenario_text(fit: Fit, parent: str) -> str:
    """Return the best set as a scenario file that extends *parent*, the name or path of the scenario fitted.

    Every figure is rounded to what its interval warrants and names the fit as its source.  A figure on which the
    data say nothing keeps what its own source says.
    """
    free, values, sources = [], [], {}
    for each, one in zip(fit.problem.free, fit.known, strict=True):
        if one.verdict == NOT_IDENTIFIED:
            continue
        value, low, high = (rounded(x, one.low, one.high) for x in (one.best, one.low, one.high))
        free.append(each)
        values.append(min(max(value, each.low), each.high))
        sources[each.name] = (
            f"derived: battrace fit, data up to {fit.problem.until.year}, {LEVEL:.0%} interval "
            f"[{low:g}, {high:g}], {one.verdict}"
        )
    table = {"extends": parent, "name": f"{fit.base.name}_fit"[:64]}
    return tomli_w.dumps(table | changed_sections(fit.base, free, values, sources))


def write(fit: Fit, folder: Path, parent: str) -> None:
    """Write the files of *fit* into *folder*.

    Args:
        fit: done.
        folder: there already.
        parent: the scenario fitted, as fit.toml is to name it: a shipped one, or a path from *folder*.
    """
    record.replace_file(folder / "sets.csv", _csv(_sets(fit)))
    record.replace_file(folder / "likelihood.csv", _csv([Line._fields, *lines(fit)]))
    record.replace_file(folder / "fit.md", page(fit).encode())
    # the last one: where it stands, the others do
    record.replace_file(folder / "fit.toml", scenario_text(fit, parent).encode())


def _sets(fit: Fit) -> Iterator[Sequence[object]]:
    tested = [place for place, value in enumerate(fit.best.said or []) if value is not None]
    said = [f"{fit.targets[place].name} {fit.targets[place].year}" for place in tested]
    yield ("set", "kept", "objective", *(each.name for each in fit.problem.free), *said)
    for number, one in enumerate(fit.sets):
        told = [one.said[place] if one.said else None for place in tested]
        yield (number, int(one.kept), one.objective, *one.point, *told)


def _csv(rows: Iterable[Sequence[object]]) -> bytes:
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    for row in rows:
        writer.writerow(["" if cell is None else cell for cell in row])
    return out.getvalue().encode()


def page(fit: Fit) -> str:
    """Return the fit as a page of Markdown."""
    return "\n".join([*_head(fit), *_parameters(fit), *_targets(fit), *_directions(fit)]) + "\n"


def _head(fit: Fit) -> Iterator[str]:
    problem, base, found = fit.problem, fit.base, fit.found
    likelihood = sum(line.log_likelihood or 0.0 for line in lines(fit))
    kept = sum(one.kept for one in fit.sets)
    yield f"# Fit of {base.name}, on data up to {problem.until}"
    yield ""
    yield (
        f"{len(problem.free)} parameters to {len(problem.aims)} targets; runs from {base.first} to {problem.until}, "
        f"1:{base.scale}, {base.replications} replications, seed {base.seed}."
    )
    ended = "ended by itself" if found.converged else "was stopped at the number of points allowed"
    yield (
        f"The search tried {found.iterations} points and {ended}. Log likelihood {likelihood:.2f}; sum of squared "
        f"residuals, priors included, {found.objective:.2f}."
    )
    yield f"{kept} of {len(fit.sets)} sets are near-best: within chi-squared ({LEVEL:.0%}) of the least."
    if min(one.objective for one in fit.sets) < found.objective - 1.0:
        yield "A set drawn around the best one is better by more than 1: the search ended early (sets.csv)."
    yield ""


def _parameters(fit: Fit) -> Iterator[str]:
    yield "| parameter | best | interval | left of the uncertainty | verdict | prior |"
    yield "|---|---|---|---|---|---|"
    for each, one in zip(fit.problem.free, fit.known, strict=True):
        prior = f"{each.prior.value:g}, sd {each.prior.sd:g} ({each.prior.source})" if each.prior else "none"
        yield (
            f"| {each.name}: {each.why} | {one.best:.4g} | {one.low:.4g} to {one.high:.4g} | {one.left:.0%} "
            f"| {one.verdict} | {prior} |"
        )
    yield ""


def _targets(fit: Fit) -> Iterator[str]:
    yield "| target | year | target value | error | model | near-best sets | residual | use | met |"
    yield "|---|---|---|---|---|---|---|---|---|"
    noise = dict(zip(((t.name, t.year) for t in fit.targets), fit.noise, strict=True))
    loud = []
    for line in lines(fit):
        residual = "" if line.residual is None else f"{line.residual:+.2f}"
        met = {True: "yes", False: "NO", None: ""}[line.met]
        yield (
            f"| {line.name} | {line.year} | {line.value:,.4g} | {line.error:.3g} | {line.model:,.4g} "
            f"| {line.low:,.4g} to {line.high:,.4g} | {residual} | {line.use} | {met} |"
        )
        luck = noise[line.name, line.year]
        if line.use == "fitted" and luck is not None and luck > 0.5 * line.error:
            loud.append(f"{line.name} {line.year}")
    yield ""
    if loud:
        yield f"The luck of the runs is more than half the error of {', '.join(loud)}: run finer, or more replications."
        yield ""


def _directions(fit: Fit) -> Iterator[str]:
    yield "What the targets alone say, over what was known before: beyond 1 they say more."
    yield ""
    yield "| information | direction |"
    yield "|---|---|"
    for one in fit.directions:
        yield f"| {one.information:.3g} | {', '.join(f'{weight:+.2f} {name}' for name, weight in one.parts)} |"
