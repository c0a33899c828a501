"""One log, three kinds of store behind one contract: `open_store(url)`."""

from traceability.store.base import Column, Store
from traceability.store.opening import open_store

__all__ = ["Column", "Store", "open_store"]
