"""The table of `battrace rules score`: no terminal of 80 columns or more cuts a number of it."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from sim.cli.rules_shown import score_table
from traceability.compliance.rules import RULES
from traceability.compliance.scoring import Interval, Misconduct, RuleSummary

SURE = Interval(0.98, 0.97, 0.99)
KIND = next(iter(Misconduct))
ROWS = (
    RuleSummary(
        RULES[0], 1_234_567.0, 1_034_567.0, SURE, SURE, Interval(1234.0, 1230.0, 1240.0), {KIND: (250_000, 200_000)}, {"R46": 99_999}
    ),
    RuleSummary(RULES[1], 5.0, 0.0, None, Interval(0.0, 0.0, 0.43), None, {KIND: (5, 5)}, {}),
    RuleSummary(RULES[2], 0.0, 0.0, None, None, None, {}, {}),
)  # fmt: skip
NUMBERS = {
    "1,234,567",
    "1,034,567",
    "0.98",
    "[0.97,",
    "0.99]",
    "1234",
    "[1230,",
    "1240]",
    "(200,000",
    "200,000)",
    "(99,999)",
}


@pytest.mark.parametrize("width", [80, 100, 118, 160])
def test_every_number_is_whole_and_no_line_is_longer_than_the_screen(width):
    out = io.StringIO()
    Console(file=out, width=width, markup=False, highlight=False).print(score_table(ROWS, width))
    said = out.getvalue()
    assert max(map(len, said.splitlines())) <= width
    assert "…" not in said
    words = {word.removesuffix(",") if word.endswith("),") else word for word in said.split()}
    assert words >= NUMBERS
    assert f"neither happened nor reported: {RULES[2].id}" in said


def test_an_interval_stands_beside_its_mean_where_there_is_room():
    out = io.StringIO()
    Console(file=out, width=160, markup=False, highlight=False).print(score_table(ROWS, 160))
    assert "0.98 [0.97, 0.99]" in out.getvalue()
