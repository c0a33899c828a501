"""Logs that others have kept, in the tables that they have: read, judged row by row, written as a store."""

from traceability.imports.importing import Reports, import_files, read_reports
from traceability.imports.mapping import ColumnMap, Suggestion, checked_mapping, load_mapping, suggest
from traceability.imports.report import Fault, ImportReport, Normalisation

__all__ = [
    "ColumnMap",
    "Fault",
    "ImportReport",
    "Normalisation",
    "Reports",
    "Suggestion",
    "checked_mapping",
    "import_files",
    "load_mapping",
    "read_reports",
    "suggest",
]
