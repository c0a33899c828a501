"""Empty tables to fill in: headers that a person understands, one worked row, and what each column may hold."""

from __future__ import annotations

from enum import IntEnum
from pathlib import Path

from traceability.imports.columns import FIELDS, TEMPLATE, Field
from traceability.imports.readers import TEXT_KINDS, WORD_KINDS
from traceability.imports.words import words_for
from traceability.sheets import Cell, Sheet, write_csv, write_xlsx

LANGUAGES = ("zh", "en")
FORMATS = ("csv", "xlsx")

_ENGLISH_EXAMPLES = {
    "event": "received",
    "actor": "Example Recycling Ltd",
    "actor_role": "recycler",
    "level": "pack",
    "chemistry": "LFP",
}
_REQUIRED = frozenset({"event", "event_day", "unit", "actor", "actor_role"})
_HEADINGS = {
    "zh": ("列名", "必填", "说明", "可用的词（任选其一）"),
    "en": ("column", "required", "meaning", "words that may stand there"),
}


def write_template(path: Path, *, language: str = "zh") -> None:
    """Write a template, as XLSX where *path* ends so, else as CSV; `battrace import` reads it without a mapping.

    Args:
        path: of the file; one that is there is replaced.
        language: of the headers, "zh" or "en".

    Raises:
        TableError: the file cannot be written.
    """
    fields = [FIELDS[name] for name in TEMPLATE]
    header = [_header(field, language) for field in fields]
    example: list[Cell] = [_example(field, language) for field in fields]
    if path.suffix.lower() != ".xlsx":
        write_csv(path, header, [example])
        return
    texts = frozenset(place for place, field in enumerate(fields) if field.kind in TEXT_KINDS)
    names = ("填报", "说明") if language == "zh" else ("table", "explanation")
    rows = [_explained(field, language) for field in fields]
    write_xlsx(path, [Sheet(names[0], header, [example], texts), Sheet(names[1], _HEADINGS[language], rows)])


def _header(field: Field, language: str) -> str:
    return field.zh if language == "zh" else field.en


def _example(field: Field, language: str) -> Cell:
    return _ENGLISH_EXAMPLES.get(field.name, field.example) if language == "en" else field.example


def _explained(field: Field, language: str) -> list[Cell]:
    required = ("是" if language == "zh" else "yes") if field.name in _REQUIRED else ""
    words = _words(WORD_KINDS[field.kind], language) if field.kind in WORD_KINDS else ""
    return [_header(field, language), required, field.says_zh if language == "zh" else field.says_en, words]


def _words(kind: type[IntEnum], language: str) -> str:
    """Return a line for each member: its name, and the first words for it in *language*."""
    lines = []
    for member in kind:
        name, *others = words_for(kind, member)
        spoken = [word for word in others if word.isascii() == (language == "en")]
        lines.append(", ".join([*spoken[:3], name]))
    return "\n".join(lines)
