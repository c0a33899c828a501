"""A folder of files that is there whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from traceability.errors import ExchangeError


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Yield a hidden folder beside *folder* to write into; it takes its place when all is written.

    Args:
        folder: to be made, or empty.

    Raises:
        ExchangeError: *folder* holds files, or cannot be written.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ExchangeError(f"{folder}: holds files; choose an empty or a new folder")
    final = folder.resolve()
    if final == Path.cwd():  # whoever stands in it would stand in a folder that is gone
        raise ExchangeError(f"{folder}: is the folder that you are in; choose a new one")
    part = final.with_name(f".{final.name}.part")
    try:
        shutil.rmtree(part, ignore_errors=True)
        part.mkdir(parents=True)
        try:
            yield part
            if final.exists():
                final.rmdir()
            os.replace(part, final)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    except OSError as error:
        raise ExchangeError(f"{folder}: cannot be written: {error.strerror or error}") from None
