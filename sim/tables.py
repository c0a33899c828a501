"""What the simulation remembers of vehicles and units: growing columns, one row per dense number."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


class Columns:
    """Columns of one length that grow together.

    Args:
        room: rows for which there is room from the start; memory is taken only as they come.
        kinds: name -> dtype of each column; each becomes an attribute.
    """

    def __init__(self, room: int, **kinds: npt.DTypeLike) -> None:
        # empty, not zeros: NumPy asks for huge pages then, and a page fault costs more than the rows in it
        self._data: dict[str, Array] = {name: np.empty(room, dtype=kind) for name, kind in kinds.items()}
        self.size = 0

    def add(self, rows: int, **values: object) -> slice:
        """Write *rows* more rows; a column that is not named is left zero.  Return where they stand."""
        place = slice(self.size, self.size + rows)
        self.size = place.stop
        for name, column in self._data.items():
            if self.size > column.size:
                room = np.empty(max(self.size, int(column.size * 1.6)), dtype=column.dtype)
                room[: place.start] = column[: place.start]
                self._data[name] = room
        for name, column in self._data.items():
            column[place] = values.pop(name, 0)
        if values:
            raise ValueError(f"no such column: {', '.join(values)}")
        return place

    def __getattr__(self, name: str) -> Array:
        try:
            column: Array = self.__dict__["_data"][name]
        except KeyError:
            raise AttributeError(name) from None
        return column


def vehicles(room: int) -> Columns:
    """Return an empty table of vehicles: luck key, present pack (-1: none), attributes, day of exit."""
    return Columns(
        room,
        key=np.uint64,
        unit=np.int32,
        province=np.int8,
        kind=np.int8,
        maker=np.int32,
        swap=np.bool_,
        exit_day=np.int32,
    )


def units(room: int) -> Columns:
    """Return an empty table of units: luck key, chemistry, mass, energy, year made (offset), its battery maker
    (a place in the inputs), whether it is a pack as it left the factory, and its technology (0: ordinary).
    """
    return Columns(
        room,
        key=np.uint64,
        chemistry=np.int8,
        mass_g=np.int32,
        energy_wh=np.int32,
        year=np.int8,
        maker=np.int8,
        is_pack=np.bool_,
        made_day=np.int32,
        technology=np.int8,
    )
