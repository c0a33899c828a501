"""`battrace sweep`: what the measures do when figures of a scenario are moved together."""

from __future__ import annotations

import json
import os
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from sim.cli.cluster_option import cluster_option, executor_of
from sim.cli.counted import runs

if TYPE_CHECKING:
    from rich.table import Table

    from sim.report.words import Text
    from sim.sweep import Sweep
    from sim.sweep.indices import Index, Share
    from sim.sweep.results import Results


@click.command("sweep")
@click.argument("scenario", metavar="SCENARIO")
@click.option(
    "--vary",
    multiple=True,
    required=True,
    metavar="KEY=A..B",
    help="A figure and its range, or its values (KEY=V1,V2), or both from a day on (KEY@2027-01-01=A..B). Repeat it.",
)
@click.option(
    "-n", "points", type=click.IntRange(2, 100_000), default=100, show_default=True, help="Points at most."
)
@click.option(
    "--design",
    "kind",
    type=click.Choice(["grid", "lhs", "sobol"]),
    help="All combinations, a Latin hypercube, or Saltelli's points.  [default: grid if only values are given, else lhs]",
)
@click.option(
    "--measure",
    "measures",
    multiple=True,
    metavar="ID[:YEAR[:KEY]]",
    help="One more measure beside the bundle of `compare`; YEAR may be `all`. Repeat it.",
)
@click.option(
    "--only", is_flag=True, help="Only the measures named; without breaches the rules are not asked."
)
@click.option(
    "--replications", type=click.IntRange(1, 1000), help="How often to repeat each with other luck."
)
@click.option(
    "--scale", type=click.IntRange(1, 1_000_000), help="Real vehicles that one simulated vehicle stands for."
)
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the horizon, the last of a quarter."
)
@click.option("--seed", type=click.IntRange(0), help="Seed of all draws, those of the design among them.")
@click.option(
    "--workers", type=click.IntRange(1, 256), help="Processes; results do not depend on it.  [default: cores]"
)
@cluster_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), help="Folder.  [default: runs/NAME-sweep]"
)
@click.option("--resume", is_flag=True, help="Finish a sweep that was stopped.")
@click.option("--json", "as_json", is_flag=True, help="Print the indices as JSON.")
def command(
    scenario: str,
    vary: tuple[str, ...],
    points: int,
    kind: str | None,
    measures: tuple[str, ...],
    only: bool,
    replications: int | None,
    scale: int | None,
    until: datetime | None,
    seed: int | None,
    workers: int | None,
    cluster: str | None,
    out: Path | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Move figures of SCENARIO together, with the same luck at every point, and say what that does.

    Example: battrace sweep baseline --vary market.noise_yuan_t=1000..5000 --vary swap.operators=1,2,4 -n 60
    """
    from sim.scenario import load
    from sim.sweep import asked, design, factor, run_sweep
    from sim.sweep.factors import check
    from sim.sweep.results import write_results

    chosen = load(
        scenario, scale=scale, seed=seed, replications=replications, until=until.date() if until else None
    )
    factors = [factor(text, chosen) for text in vary]
    check(factors)
    wanted = asked(measures, chosen, bundle=not only)
    kind = kind or ("grid" if all(".." not in text for text in vary) else "lhs")
    made = design(kind, factors, points, chosen.seed)
    folder = out or Path("runs") / f"{chosen.name}-sweep"
    # each run returns its few numbers, so the machines of a cluster need no disk in common
    with executor_of(cluster, None, workers) as executor, runs("runs") as tell:
        sweep = run_sweep(
            chosen,
            factors,
            made,
            wanted,
            folder,
            workers=workers or os.cpu_count() or 1,
            executor=executor,
            resume=resume,
            progress=tell,
        )
    said = write_results(folder, sweep)
    if as_json:
        click.echo(json.dumps(_result(sweep, said, folder), ensure_ascii=False, indent=2))
    else:
        _print(sweep, said, folder)


def _result(sweep: Sweep, said: Results, folder: Path) -> dict[str, object]:
    return {
        "folder": str(folder),
        "design": sweep.design.kind,
        "points": len(sweep.design.points),
        "replications": sweep.replications,
        "runs": sweep.runs,
        "fingerprint": sweep.made_from,
        "vary": [factor.said for factor in sweep.factors],
        "indices": [
            {
                "measure": index.asked.id,
                "year": index.asked.year,
                "factor": index.factor.name,
                "first": _ends(index.first),
                "total": _ends(index.total),
                "shown": index.why is None,
                "why_not": index.why.en if index.why else None,
            }
            for index in said.indices
        ],
        "surrogates": [
            {
                "measure": fit.asked.id,
                "unit": fit.asked.unit.en,
                "degree": fit.degree,
                "cross_validated_rmse": fit.error,
                "standard_deviation": fit.effect,
                "refused": fit.refused,
            }
            for fit in said.surrogates
        ],
        "report": str(folder / "sweep.html"),
    }


def _ends(share: Share | None) -> dict[str, float | None] | None:
    return None if share is None else {"value": share.value, "low": share.low, "high": share.high}


def _print(sweep: Sweep, said: Results, folder: Path) -> None:
    from rich.console import Console

    from sim.sweep.indices import METHODS

    console = Console(highlight=False, width=max(60, min(100, Console().width)))
    design = sweep.design
    console.print(
        f"✓ {design.kind}: {len(design.points)} points, {len(design.distinct())} different, "
        f"{sweep.replications} replication{'s' * (sweep.replications > 1)}, {sweep.runs} runs"
    )
    console.print(_table([index for index in said.indices if index.asked.main]))
    console.print(METHODS[design.kind].en)
    refused = [fit for fit in said.surrogates if fit.refused]
    console.print(
        f"sliders answer {len(said.surrogates) - len(refused)} measures, and refuse {len(refused)} whose error "
        "exceeds the effect or that do not vary"
    )
    console.print(f"open {folder / 'sweep.html'}", soft_wrap=True)


def _table(indices: list[Index]) -> Table:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("measure, figure", overflow="fold")
    table.add_column("first order, 95 %", justify="right", no_wrap=True)
    table.add_column("total, 95 %", justify="right", no_wrap=True)
    table.add_column("", overflow="fold")
    before = None
    for index in indices:
        if index.asked != before:
            before = index.asked
            table.add_row(f"[bold]{index.asked.says.en}[/bold]")
        table.add_row(
            f"  {index.factor.name}",
            _dimmed(index.first, index.why),
            _dimmed(index.total, index.why_no_total),
            f"[dim]{index.why.en}[/dim]" if index.why else "",
        )
    return table


def _dimmed(share: Share | None, why_not: Text | None) -> str:
    """Return a share in dim letters where it is not shown to differ from nothing."""
    return f"[dim]{_percent(share)}[/dim]" if why_not else _percent(share)


def _percent(share: Share | None) -> str:
    if share is None:
        return "–"
    said = f"{100 * share.value:.0f} %"
    if share.low is None or share.high is None:
        return said
    return f"{said} \\[{100 * share.low:.0f}, {100 * share.high:.0f}]"
