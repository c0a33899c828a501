"""`battrace rules`: list, show, draft, try, measure and score compliance rules."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sim.cli import rules_shown

if TYPE_CHECKING:
    from traceability.compliance.own_rules import RuleBook

_ids = click.argument("ids", nargs=-1, metavar="[RULE]...")
_own = click.option(
    "--rules",
    "files",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A rule file of your own, beside the shipped rules; may be repeated.",
)
_as_json = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


@click.group("rules")
def command() -> None:
    """List, prove, measure and draft compliance rules.

    Exit codes: 0 clean, 1 failed cases, survivors or too little coverage, 2 wrong input, 3 a broken rule.

    Example: battrace rules test R46
    """


@command.command("list")
@_ids
@_own
@_as_json
def list_rules(ids: tuple[str, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """List the rules, a line each.

    Example: battrace rules list --rules my_rules.py
    """
    book = _book(files)
    rules = book.chosen(ids)
    if as_json:
        _json([rules_shown.card(rule) for rule in rules])
    else:
        table = rules_shown.table_of("rule", "breach", "article", "grade", "limit", "severity")
        for rule in rules:
            limit = rule.limits[-1]
            said = rule.title_en + (" (voluntary)" if rule.voluntary else "")
            words = (str(limit.article), limit.grade.value, str(limit.bound), rule.severity.value)
            table.add_row(rule.id, f"{said} {rule.title_zh}", *words)
        rules_shown.print_table(table)
    _end(book, failed=False)


@command.command("show")
@click.argument("rule_id", metavar="RULE")
@_own
@_as_json
def show_rule(rule_id: str, files: tuple[Path, ...], as_json: bool) -> None:
    """Show the card of one rule: its duty, articles, limits, needs and cases.

    Example: battrace rules show R46
    """
    from traceability.compliance.cases import load_cases
    from traceability.compliance.trials import bound_roles

    book = _book(files)
    [rule] = book.chosen((rule_id,))
    path = book.case_files[rule.id]
    cases = load_cases(path, (rule,)) if path.exists() else ()
    listed = [{"case": case.name, "expects": case.expected} for case in cases]
    if as_json:
        _json(rules_shown.card(rule) | {"cases": listed})
    else:
        kind = f"{rule.kind.name.lower()}, {rule.severity.value}" + (", voluntary" if rule.voluntary else "")
        click.echo(f"{rule.id} {rule.name}  {kind}\n  {rule.title_en}\n  {rule.title_zh}")
        click.echo(f"  binds {bound_roles(rule)}; needs {', '.join(need.name for need in rule.needs)}")
        for limit in rule.limits:
            span = f"{rules_shown.day(limit.valid_from)} to {rules_shown.day(limit.valid_to)}"
            marks = ("; the number is assumed" if limit.assumed else "") + (
                f"; {limit.source}" if limit.source else ""
            )
            basis = f"{limit.basis.value}, grade {limit.grade.value}{marks}"
            click.echo(f"  {limit.law}  {span}  {limit.article}  ({basis})")
            click.echo(f"    {rule.says(limit)}\n    {rule.says(limit, 'zh')}")
        for row in listed:
            click.echo(f"  {'complies' if not row['expects'] else 'breaches'}: {row['case']}")
    _end(book, failed=False)


@command.command("new")
@click.argument("name", metavar="RULE")
@click.option("--article", default="", help="Of Order 73, like 24(7).  [default: unknown]")
@click.option(
    "--kind", type=click.Choice(["structure", "event", "history", "deadline", "aggregate"]), default="event"
)
@click.option("--grade", default="U", show_default=True, help="How well the text is known: A, B, C, K, D, U.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), default=Path())
@click.option("--file", default="my_rules.py", show_default=True, help="Name of the rule file.")
def new_rule(name: str, article: str, kind: str, grade: str, out: Path, file: str) -> None:
    """Draft a rule file and a case file; its cases fail until they are written.

    Example: battrace rules new R61 --article "24(7)" --kind deadline
    """
    from traceability.compliance.drafting import draft, write_draft
    from traceability.compliance.law import Grade
    from traceability.compliance.rules import RULES
    from traceability.errors import TraceabilityError, UnknownName

    if grade not in Grade.__members__:
        raise UnknownName("grade", grade, Grade.__members__)
    if name in {rule.id for rule in RULES}:
        raise TraceabilityError(f"{name} is a shipped rule; choose another id, from R61 on")
    written = write_draft(out, name, file, draft(name, article, kind, Grade[grade], str(out / file)))
    for path in written:
        click.echo(f"wrote {path}")
    click.echo(f"next: battrace rules test {name} --rules {written[0]}")


@command.command("test")
@_ids
@_own
@_as_json
def test_rules(ids: tuple[str, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """Run the cases of the rules and tell expected from actual.

    Example: battrace rules test R46
    """
    from traceability.compliance.trials import try_rule

    book = _book(files)
    trials = []
    for rule in _progress(book.chosen(ids)):
        trials.append(try_rule(rule, book.case_files[rule.id]))
        if not as_json:
            click.echo("\n".join(rules_shown.trial_lines(trials[-1])))
    if as_json:
        _json([rules_shown.trial_json(trial) for trial in trials])
    else:
        cases = sum(len(trial.results) for trial in trials)
        wrong = sum(not result.passed for trial in trials for result in trial.results)
        click.echo(f"{len(trials)} rules, {cases} cases, {wrong} failed")
    broken = any(trial.broken for trial in trials)
    _end(book, failed=not all(trial.passed for trial in trials), broken=broken)


@command.command("mutate")
@_ids
@_own
@_as_json
def mutate_rules(ids: tuple[str, ...], files: tuple[Path, ...], as_json: bool) -> None:
    """Change each rule in one place at a time, and name the changes that its cases do not notice.

    Example: battrace rules mutate R46
    """
    from traceability.compliance.proving import prove

    book = _book(files)
    proofs = []
    for rule in _progress(book.chosen(ids)):
        proofs.append(prove(rule, book.case_files[rule.id]))
        if not as_json:
            click.echo("\n".join(rules_shown.proof_lines(proofs[-1])))
    if as_json:
        _json([rules_shown.proof_json(proof) for proof in proofs])
    else:
        counts = [
            sum(n) for n in zip(*((p.mutants, p.killed, len(p.explained)) for p in proofs), strict=True)
        ]
        click.echo("{} mutants, {} killed, {} explained".format(*counts))
    _end(book, failed=not all(proof.complete for proof in proofs))


@command.command("coverage")
@_own
@click.option("--law", help="order73, cn_2018, voluntary, adjacent or registry.  [default: all]")
@click.option("--run", "run", metavar="RUN", help="Also count how often a run or a store asks each rule.")
@click.option("--fail-under", type=click.FloatRange(0, 100), help="Exit with 1 below this share, in percent.")
@_as_json
def cover_rules(
    files: tuple[Path, ...], law: str | None, run: str | None, fail_under: float | None, as_json: bool
) -> None:
    """Show which duties of the law the rules cover, and how well each is tried.

    Example: battrace rules coverage --law order73 --fail-under 90
    """
    from dataclasses import replace

    from traceability.compliance.coverage import cover, cover_rule, duties_of, exercised

    book = _book(files)
    duties = duties_of(law)
    wanted = {name for duty in duties for name in duty.rules}
    rules = [rule for rule in book.rules if rule.id in wanted]
    rows = [cover_rule(rule, book.case_files[rule.id]) for rule in _progress(rules)]
    if run is not None:
        from traceability.compliance.views import register, truth

        with _log(run, 0) as (store, day):
            view = truth(day) if store.meta().get("truth") == "yes" else register(day)
            counts = exercised(store, view, rules)
        rows = [
            replace(row, triggers=counts[row.rule.id][0], findings=counts[row.rule.id][1]) for row in rows
        ]
    covered = cover(duties, rows)
    if as_json:
        _json(rules_shown.coverage_json(covered))
    else:
        rules_shown.print_table(rules_shown.coverage_table(covered))
        click.echo(
            f"{covered.covered} of {covered.counted} duties covered, {covered.percent:.0f} %; "
            f"{len(covered.duties) - covered.counted} that no log can show are not counted"
        )
    low = fail_under is not None and covered.percent < fail_under
    _end(book, failed=low)


@command.command("score")
@click.argument("runs", nargs=-1, metavar="[RUN]...")
@_own
@click.option("--replications", type=click.IntRange(1), help="At most so many of each run.")
@_as_json
def score_rules(
    runs: tuple[str, ...], files: tuple[Path, ...], replications: int | None, as_json: bool
) -> None:
    """Measure the rules against what happened: precision, recall and delay, from simulated logs.

    RUN is a run folder or the URL of a store.  Without one the baseline is simulated --replications times.

    Example: battrace rules score runs/baseline
    """
    from traceability.compliance.scoring import score, summarise

    book = _book(files)
    if not runs and replications is None:
        raise click.UsageError("give a RUN, or --replications N to simulate the baseline")
    logs = []
    with _simulated(replications or 0) if not runs else _given(runs, replications) as chosen:
        for run, number in _progress(chosen):
            with _log(run, number) as (store, day):
                logs.append(score(store, day, book.rules))
    rows = summarise(logs)
    if as_json:
        _json({"logs": len(logs), "rules": [rules_shown.score_json(row) for row in rows]})
    else:
        width = rules_shown.screen_width()
        rules_shown.print_table(rules_shown.score_table(rows, width), width)
        over = "findings of the one log" if len(logs) == 1 else f"{len(logs)} logs"
        click.echo(f"95 % intervals over the {over}; delay in days, from breach to detection")
    _end(book, failed=False)


def _book(files: tuple[Path, ...]) -> RuleBook:
    from traceability.compliance.own_rules import rule_book

    book = rule_book(files)
    for fault in book.broken:
        click.echo(f"BROKEN {fault}", err=True)
    return book


def _end(book: RuleBook, *, failed: bool, broken: bool = False) -> None:
    if book.broken or broken:
        sys.exit(3)
    if failed:
        sys.exit(1)


def _progress(items: Any) -> Iterator[Any]:  # noqa: ANN401
    """Yield *items*; on a terminal say on standard error how far one is."""
    listed = list(items)
    for n, item in enumerate(listed, 1):
        if sys.stderr.isatty():
            click.echo(f"\r{n}/{len(listed)} ", nl=False, err=True)
        yield item
    if sys.stderr.isatty():
        click.echo("\r         \r", nl=False, err=True)


@contextmanager
def _log(run: str, number: int) -> Iterator[Any]:
    """Give one log and the last day that it tells of."""
    from sim.cli.audit import _url
    from traceability.errors import TraceabilityError
    from traceability.store import open_store

    with open_store(_url(run, number), incomplete_ok=True) as store:
        meta = store.meta()
        if "last_day" not in meta:
            raise TraceabilityError(f"{run}: the log does not say when it ends")
        yield store, int(meta["last_day"])


@contextmanager
def _given(runs: tuple[str, ...], at_most: int | None) -> Iterator[list[tuple[str, int]]]:
    from sim import record

    chosen = []
    for run in runs:
        count = 1
        if (Path(run) / record.RECORD).exists():
            count = len(record.complete_run(Path(run))["logs"])
        chosen += [(run, number) for number in range(min(count, at_most or count))]
    yield chosen


@contextmanager
def _simulated(replications: int) -> Iterator[list[tuple[str, int]]]:
    import tempfile

    from sim.scenario import load
    from sim.study import log_url, run_study

    with tempfile.TemporaryDirectory(prefix="battrace-score-") as folder:
        click.echo(f"simulating the baseline {replications} times", err=True)
        run_study(load("baseline", replications=replications), Path(folder), workers=2)
        yield [(log_url(Path(folder), number), 0) for number in range(replications)]


def _json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
