"""One attempt at a piece of work: a hidden folder of its own, from which what is whole is moved into place.

The same replication may be run twice: its machine went silent and came back, or the program was killed and
resumed while a worker still ran.  Attempts never share a file, so none spoils another; a move is one rename,
and both would put the same bytes there.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Self
from uuid import uuid4


class Attempt:
    """A hidden folder in *place*, made on entering and removed on leaving, in which *name* is worked on.

    Its name says the process that works there, and is shared with no other attempt on any machine.
    """

    def __init__(self, place: Path, name: str) -> None:
        self.folder = place / f".{name}.{os.getpid()}-{uuid4().hex[:12]}.part"

    def __enter__(self) -> Self:
        self.folder.mkdir()
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def path(self, name: str) -> Path:
        """Return the path of *name* in this attempt's folder."""
        return self.folder / name

    def give(self, name: str, final: Path) -> None:
        """Move *name* to *final*; a folder that is there already stays, and this attempt's is thrown away.

        Raises:
            OSError: it cannot be moved; FileNotFoundError where somebody has cleared this attempt away.
        """
        try:
            os.replace(self.path(name), final)
        except OSError:
            # a rename never lays one full folder over another: whoever came first has the place
            if not (self.path(name).is_dir() and final.is_dir()):
                raise


def clear(place: Path, name: str) -> None:
    """Remove what killed attempts at *name* have left in *place*; one that still runs ends at its next step."""
    for left in place.glob(f".{name}.*.part"):
        shutil.rmtree(left, ignore_errors=True)
