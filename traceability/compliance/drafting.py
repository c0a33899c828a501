"""Drafting: a declaration and a case file for a rule that is still to be written."""

from __future__ import annotations

import re
from pathlib import Path

from traceability.compliance.law import Grade
from traceability.errors import TraceabilityError, UnknownName

KINDS = ("structure", "event", "history", "deadline", "aggregate")

_DEADLINE_QUERY = "reported_late(EventType.RECEIVE, by=Role.CU)"

_OWN_QUERY = '''

def {function}(rule: Rule, limit: DatedLimit, view: View) -> Select[Any]:
    """Each RECEIVE of an informal workshop.  To be written: which rows are breaches?"""
    e, who = view.event, view.actor
    return (
        finding(e)
        .select_from(e.join(who, who.c.actor == e.c.actor))
        .where(
            e.c.event == int(EventType.RECEIVE),
            who.c.role == int(Role.INFORMAL),
            in_force(limit, e.c.event_day),
        )
    )
'''

_RULES = '''"""{id}: a rule of our own.  Prove it: battrace rules test {id} --rules {file}"""

from __future__ import annotations

{imports}
{query}
{id} = Rule(
    id="{id}",
    name="{id}_TO_BE_NAMED",  # the breach, like RECEIPT_REPORTED_LATE
    title_en="To be written: the breach in a few words",
    title_zh="待写：违规名称",
    says_en="To be written: the duty in a sentence{within_en}.",
    says_zh="待写：义务内容{within_zh}。",
    binds=(Role.CU,),  # whom the duty addresses
    kind=Kind.{kind},
    severity=Severity.MAJOR,
    needs=(EventType.RECEIVE,),  # the events that can trigger it
    # grade: how well the text is known; assumed: the number is ours, not the law's
    limits=(order_73({bound}, {article}, grade=Grade.{grade}, source="", assumed={assumed}),),
    violations={violations},
)
'''

_CASES = """# The cases of {id}: what complies and what breaches, at the borders.  `battrace rules test {id} --rules {file}`
# fails until each `todo` is done and its line removed.  The keys are explained in traceability/compliance/cases.py.

[[complies]]
name = "{last_day}"
todo = "a case that just complies"
event = [{{event = "RECEIVE", happened = 2026-05-06{in_time}}}]

[[complies]]
name = "what would be a breach, the day before Order 73"
todo = "a case outside the days in force"
event = [{{event = "RECEIVE", {by}happened = 2026-03-31{late}}}]

[[breaches]]
name = "{next_day}"
todo = "a case that is just a breach"
event = [{{event = "RECEIVE", {by}happened = 2026-05-06{late}}}]

[[breaches]]
name = "on the first day of Order 73"
todo = "a breach on the first day in force"
event = [{{event = "RECEIVE", {by}happened = 2026-04-01{first_late}}}]
"""


def draft(name: str, article: str, kind: str, grade: Grade, file: str = "my_rules.py") -> tuple[str, str]:
    """Return the text of a rule file and of a case file for the rule called *name*.

    Args:
        article: of Order 73, like '24(7)'; '' where it is not known.
        kind: one of KINDS.
        file: what the rule file will be called.

    Raises:
        TraceabilityError: the name is no rule's name, or the article no article's number.
        UnknownName: there is no such kind.
    """
    if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name):
        raise TraceabilityError(f"`{name}` cannot be a rule's id; expected capitals and digits, like R61")
    if kind not in KINDS:
        raise UnknownName("kind", kind, KINDS)
    deadline = kind == "deadline"
    common = [
        "from traceability.compliance.law import ORDER_73, UNKNOWN, Article, Grade, {} order_73",
        "from traceability.compliance.rule import Kind, Rule, Severity",
    ]
    if deadline:
        imports = [
            common[0].format("days,"),
            common[1],
            "from traceability.compliance.shapes import reported_late",
            "from traceability.vocabulary import EventType, Role",
        ]
    else:
        imports = [
            "from typing import Any\n",
            "from sqlalchemy import Select\n",
            common[0].format("none,").replace("Article,", "Article, DatedLimit,"),
            common[1],
            "from traceability.compliance.shapes import finding, in_force",
            "from traceability.compliance.views import View",
            "from traceability.vocabulary import EventType, Role",
        ]
    function = f"{name.lower()}_violations"
    rules = _RULES.format(
        id=name,
        file=file,
        imports="\n".join(imports),
        query="" if deadline else _OWN_QUERY.format(function=function),
        kind=kind.upper(),
        grade=grade.name,
        article=_article(article),
        bound="days(30)" if deadline else "none()",
        assumed=deadline,
        within_en=", within {limit}" if deadline else "",
        within_zh="，期限{limit}" if deadline else "",
        violations=_DEADLINE_QUERY if deadline else function,
    )
    cases = _CASES.format(
        id=name,
        file=file,
        last_day="on the thirtieth day" if deadline else "what the duty allows",
        next_day="on the thirty-first day" if deadline else "what the duty forbids",
        in_time=", reported = 2026-06-05" if deadline else "",
        late=", reported = 2026-06-06" if deadline else "",
        first_late=", reported = 2026-05-02" if deadline else "",
        by="" if deadline else 'actor = "informal", ',
    )
    return rules, cases


def write_draft(folder: Path, name: str, file: str, texts: tuple[str, str]) -> tuple[Path, Path]:
    """Write a rule file and its case file into *folder*, and return where; nothing is overwritten.

    Raises:
        TraceabilityError: one of them is there already, or the folder cannot be written.
    """
    paths = folder / file, folder / "cases" / f"{name}.toml"
    for path in paths:
        if path.exists():
            raise TraceabilityError(f"{path} is there already; choose another --file or --out")
    try:
        paths[1].parent.mkdir(parents=True, exist_ok=True)
        for path, text in zip(paths, texts, strict=True):
            part = path.with_name(f".{path.name}.part")
            part.write_text(text, encoding="utf-8")
            part.replace(path)
    except OSError as error:
        raise TraceabilityError(f"{folder}: cannot be written: {error.strerror}") from None
    return paths


def _article(text: str) -> str:
    """Return *text* as the declaration of an article of Order 73."""
    if not text:
        return "UNKNOWN"
    found = re.fullmatch(r"(\d{1,3})(?:\((\d{1,2})\))?", text.strip())
    if found is None:
        raise TraceabilityError(
            f"`{text}` is no article; expected a number, perhaps with an item: 24 or 24(7)"
        )
    item = f", {found[2]}" if found[2] else ""
    return f'Article(ORDER_73, "{found[1]}"{item})'
