"""EPCIS 2.0 in JSON-LD: `export`, `check_file`, `import_document`."""

from traceability.exchange.epcis.checking import Fault, Verdict, check_file
from traceability.exchange.epcis.exporting import Exported, export
from traceability.exchange.epcis.importing import Imported, import_document

__all__ = ["Exported", "Fault", "Imported", "Verdict", "check_file", "export", "import_document"]
