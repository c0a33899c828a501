"""Catena-X aspects that a log can fill whole: `export`, `ASPECTS`, `Declared`."""

from traceability.exchange.catenax.declared import Declared
from traceability.exchange.catenax.exporting import ASPECTS, Exported, export

__all__ = ["ASPECTS", "Declared", "Exported", "export"]
