"""Is it lawful: rules over the log, in the truth and in the register."""

from traceability.compliance.audit import Audit, Fate, Outcome, Score, Scorecard, audit, happened_and_visible
from traceability.compliance.findings import Findings, write_findings
from traceability.compliance.rule import Rule, under
from traceability.compliance.rules import RULES
from traceability.compliance.views import View, register, truth, view_of

__all__ = [
    "RULES",
    "Audit",
    "Fate",
    "Findings",
    "Outcome",
    "Rule",
    "Score",
    "Scorecard",
    "View",
    "audit",
    "happened_and_visible",
    "register",
    "truth",
    "under",
    "view_of",
    "write_findings",
]
