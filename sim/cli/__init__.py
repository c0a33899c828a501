"""The command line: `battrace …`.  Each command is imported when it is called, so that `--help` answers at once."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence

import click

from traceability.errors import TraceabilityError

COMMANDS: dict[str, tuple[str, str]] = {
    "run": ("sim.cli.run", "simulate a scenario and write its report"),
    "scenario": ("sim.cli.scenario", "begin, check, show and list scenario files"),
    "audit": ("sim.cli.audit", "run the compliance rules over the log of a run"),
    "import": ("sim.cli.import_", "read a log that somebody else has kept (CSV, XLSX, Parquet)"),
    "import epcis": ("sim.cli.exchange_import:epcis", "read somebody else's EPCIS 2.0 document"),
    "import ocel": ("sim.cli.exchange_import:ocel", "read an object-centric event log (OCEL 2.0)"),
    "compare": ("sim.cli.compare", "say what scenarios change against the first, by paired replications"),
    "study": ("sim.cli.study", "run and check the studies that ship, and write their pages"),
    "twins": ("sim.cli.twins", "list the packs that fare otherwise under another scenario, and why"),
    "verify": ("sim.cli.verify", "check the folder of a run, a comparison or a sweep against its record"),
    "sensitivity": ("sim.cli.sensitivity", "rank the assumed figures by what they move"),
    "sweep": ("sim.cli.sweep", "move figures together: curves, indices, and sliders that answer at once"),
    "stress": ("sim.cli.stress", "write the STRESS-DES sheet of a run"),
    "fit": ("sim.cli.fit", "estimate free parameters from published figures"),
    "validate": ("sim.cli.validate", "hold a run against published figures and theory"),
    "show": ("sim.cli.show", "tell the life of one unit or vehicle"),
    "code": ("sim.cli.code", "decode battery codes of GB/T 34014"),
    "due": ("sim.cli.due", "say when a period is over, and how it was counted"),
    "rules": ("sim.cli.rules", "list, prove, measure and draft compliance rules"),
    "export": ("sim.cli.export", "write a log in a format that others read"),
    "validate-epcis": ("sim.cli.validate_epcis", "check an EPCIS 2.0 document against the schema"),
    "lifecycle": ("sim.cli.lifecycle", "print or draw what can follow what"),
}
"""Command, of one word or two -> where it is, and what the list of commands says of it.

MODULE holds it as `command`, MODULE:NAME as NAME.
"""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, name = COMMANDS[cmd_name][0].partition(":")
        command = getattr(importlib.import_module(module), name or "command")
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        # the list is told without importing a single command
        with formatter.section("Commands"):
            formatter.write_dl([(name, said) for name, (_, said) in COMMANDS.items()])

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if " ".join(args[:2]) in COMMANDS:
            args = [" ".join(args[:2]), *args[2:]]
        if args and args[0] not in COMMANDS:
            from traceability.errors import UnknownName

            raise click.UsageError(str(UnknownName("command", args[0], COMMANDS)))
        return super().resolve_command(ctx, args)


@click.group(cls=_Commands)
@click.version_option(package_name="battrace")
def cli() -> None:
    """Traceability laboratory for China's used power batteries.

    Exit codes: 0 clean, 1 findings, 2 wrong input, 3 a broken rule.

    Example: battrace run
    """


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; a wrong input ends with one message and exit code 2, never with a traceback."""
    try:
        cli.main(args=None if arguments is None else list(arguments))
    except TraceabilityError as error:
        click.echo(f"battrace: {error}", err=True)
        sys.exit(2)
