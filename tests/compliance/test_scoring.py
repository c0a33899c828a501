"""Every number of a small scorecard, from a log made by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from traceability.compliance.cases import load_cases, write_cases
from traceability.compliance.law import day_of
from traceability.compliance.rules.custody import CUSTODY_CHAIN_OPEN, HANDED_TO_UNPERMITTED_BUYER
from traceability.compliance.rules.recycling import LITHIUM_RECOVERY_LOW, RECEIPT_REPORTED_LATE
from traceability.compliance.scoring import Misconduct, RuleScore, score, student, summarise, wilson
from traceability.errors import StoreError
from traceability.store import Store, open_store

AS_OF = day_of(2026, 12, 1)
RULES = (RECEIPT_REPORTED_LATE, HANDED_TO_UNPERMITTED_BUYER, CUSTODY_CHAIN_OPEN)

# What is received on 6 May is due on 5 June; the breach is of the 6th.
LOG = """
[[complies]]
name = "the log"
as_of = 2026-12-01
event = [
    {event = "RECEIVE", unit = "P1", happened = 2026-05-06, reported = 2026-06-06},
    {event = "RECEIVE", unit = "P2", happened = 2026-05-06, reported = 2026-06-16},
    {event = "RECEIVE", unit = "P3", happened = 2026-05-06, reported = "never"},
    {event = "RECEIVE", unit = "P4", actor = "cu2", happened = 2026-05-06, reported = "never"},
    {event = "RECEIVE", unit = "P5", happened = 2026-05-06, reported = 2026-05-10},
    {event = "RECEIVE", unit = "P6", happened = 2026-05-06, reported = 2026-07-06, invented = true},
    {event = "DIVERT", unit = "P7", actor = "repair", receiver = "informal", happened = 2026-05-06, reported = "never"},
    {event = "SHIP", unit = "P7", actor = "repair", receiver = "cu", happened = 2026-05-06, reported = 2026-05-09, invented = true},
    {event = "SHIP", unit = "P8", actor = "elv", receiver = "informal", happened = 2026-05-06, reported = 2026-05-26},
]
"""


def made(folder: Path, *, truth: bool = True, log: str = LOG) -> Store:
    path = folder / "R46.toml"
    path.write_text(log, encoding="utf-8")
    store = open_store(f"sqlite:///{folder / 'log.sqlite'}", create=True)
    if truth:
        store.set_meta("truth", "yes")
    write_cases(store, load_cases(path))
    return store


@pytest.fixture
def scores(tmp_path: Path) -> Iterator[tuple[RuleScore, ...]]:
    with made(tmp_path) as store:
        yield score(store, AS_OF, RULES)


def test_a_late_report_is_seen_and_silence_is_not(scores):
    """Four late receipts; the register shows two of them, and one that never was."""
    receipt = scores[0]
    assert (receipt.happened, receipt.visible, receipt.both) == (4, 3, 2)
    assert receipt.precision == pytest.approx(2 / 3)
    assert receipt.recall == pytest.approx(1 / 2)
    assert receipt.delays == (0, 10)
    assert receipt.kinds == {
        Misconduct.LATE: (2, 0),
        Misconduct.OMITTED: (1, 1),
        Misconduct.NEVER_TOLD: (1, 1),
    }
    assert receipt.caught == {}


def test_what_a_false_report_hides_another_rule_catches(scores):
    """The invented shipment of P7 never arrives; P8 was shipped to a workshop openly, told twenty days later."""
    buyer = scores[1]
    assert (buyer.happened, buyer.visible, buyer.both) == (2, 1, 1)
    assert (buyer.precision, buyer.recall) == (1.0, 0.5)
    assert buyer.delays == (20,)
    assert buyer.kinds == {Misconduct.FALSE: (1, 1), Misconduct.TOLD: (1, 0)}
    assert buyer.caught == {"R25": 1}


def test_a_chain_that_only_the_register_finds_open_lowers_precision(scores):
    """P8 never arrived in either view; the shipment of P7 is only told."""
    chain = scores[2]
    assert (chain.happened, chain.visible, chain.both) == (1, 2, 1)
    assert (chain.precision, chain.recall) == (0.5, 1.0)


def test_a_summary_of_one_log_has_intervals_over_its_findings(scores):
    receipt, buyer, _ = summarise([scores])
    assert (receipt.happened, receipt.visible) == (4.0, 3.0)
    assert receipt.precision == wilson(2, 3)
    assert receipt.recall == wilson(2, 4)
    assert receipt.delay == student((0, 10))
    assert receipt.missed == 2
    assert receipt.mostly_caught_by is None
    assert buyer.mostly_missed == (Misconduct.FALSE, 1)
    assert buyer.mostly_caught_by == ("R25", 1)


def test_a_summary_of_logs_has_intervals_over_them(scores):
    other = tuple(
        RuleScore(one.rule, one.happened, one.visible, 0, (), one.kinds, one.caught) for one in scores
    )
    receipt = summarise([scores, other])[0]
    assert receipt.precision == student((2 / 3, 0.0), 1.0)
    assert receipt.delay.mean == 5.0
    assert receipt.delay.low is None  # one log alone has a delay
    assert receipt.missed == 4
    same = summarise([scores, scores])[0].recall
    assert (same.mean, same.low, same.high) == (0.5, 0.5, 0.5)


def test_wilson_and_student_by_hand():
    """Wilson 2 of 3: 0.2077 to 0.9385.  Student of 2 and 4: 3 with 12.706 * 1 on either side."""
    share = wilson(2, 3)
    assert (share.low, share.high) == (pytest.approx(0.2077, abs=1e-4), pytest.approx(0.9385, abs=1e-4))
    assert wilson(0, 10).low == 0.0
    assert wilson(10, 10).high == 1.0
    mean = student((2, 4))
    assert (mean.mean, mean.low, mean.high) == (3.0, 0.0, pytest.approx(3 + 12.7062, abs=1e-3))


def test_a_rule_with_nothing_to_find_has_no_share(tmp_path):
    with made(tmp_path) as store:
        (none,) = score(store, AS_OF, (LITHIUM_RECOVERY_LOW,))
    assert (none.precision, none.recall, none.delay) == (None, None, None)
    (summary,) = summarise([[none]])
    assert (summary.precision, summary.recall, summary.delay, summary.mostly_missed) == (None,) * 4


def test_a_log_without_truth_cannot_be_scored(tmp_path):
    with made(tmp_path, truth=False) as store, pytest.raises(StoreError, match="there is no truth to score"):
        score(store, AS_OF, RULES)
