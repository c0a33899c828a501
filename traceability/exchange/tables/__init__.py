"""The tables of a log for analysts, in words instead of numbers: `export`, `DICTIONARY`."""

from traceability.exchange.tables.columns import DICTIONARY, Told
from traceability.exchange.tables.exporting import FORMS, Exported, export

__all__ = ["DICTIONARY", "FORMS", "Exported", "Told", "export"]
