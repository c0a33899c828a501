"""Object-centric event logs (OCEL 2.0) in JSON, XML and SQLite: `export`, `import_log`."""

from traceability.exchange.ocel.exporting import Exported, export
from traceability.exchange.ocel.importing import Imported, import_log

__all__ = ["Exported", "Imported", "export", "import_log"]
