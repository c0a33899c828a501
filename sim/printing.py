"""Printing codes and VINs in bulk, with the serials that keep them apart, and with the misprints that happen."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sim import quarters
from sim.cast import Cast
from sim.chance import Chance, Keys
from sim.habits import Coding
from sim.inputs import FIRST_YEAR, Inputs
from sim.lots import in_order
from traceability import codes, vin
from traceability.events import Ints
from traceability.vocabulary import Level

Bytes = npt.NDArray[np.bytes_]
_SPECIFICATIONS = np.array([b"B1", b"H1", b"K1", b"T1"])
_TRACE = b"0000000"
_FIRST_DAY = int(quarters.START[0])


class Printer:
    """Prints what a unit carries.  Serials count on, so no code is printed twice unless a maker errs."""

    def __init__(self, chance: Chance, inputs: Inputs, cast: Cast, coding: Coding) -> None:
        self._chance, self._coding = chance, coding
        self._maker_codes = np.array([(code or "").encode() for code in cast.maker_codes], dtype="S3")
        self._wmi = np.array([code.encode() for code in inputs.vehicle_makers.codes], dtype="S3")
        self._pack_serials = _Serials(cast.battery_makers)
        self._module_serials = _Serials(cast.battery_makers)
        self._product_serials = _Serials(cast.product_makers)
        self._vin_serials = _Serials(np.arange(self._wmi.size))

    def packs(
        self, keys: Keys, *, coder: Ints, chemistry: Ints, kind: Ints, made_day: Ints
    ) -> tuple[Bytes, npt.NDArray[np.uint8]]:
        """Return S24[n] codes (empty for packs made before there were any) and uint8[n], what is wrong with each."""
        serial = self._pack_serials.next(coder, made_day)
        printed = codes.format_codes(
            maker=self._maker_codes[coder],
            level=Level.PACK,
            chemistry=chemistry,
            specification=_SPECIFICATIONS[kind],
            trace=_TRACE,
            made_day=made_day,
            serial=serial,
        )
        luck = self._chance.draw("coding.error", keys)
        misprinted = luck < self._coding.misprint_share.at(made_day)
        twice = ~misprinted & (
            luck < self._coding.misprint_share.at(made_day) + self._coding.duplicate_share.at(made_day)
        )
        faults = np.zeros(keys.size, dtype=np.uint8)
        if misprinted.any():
            wrong = printed[misprinted].view("S1").reshape(-1, 24).copy()
            # half of them carry a letter that the standard never uses, half the letter of another level
            odd = (keys[misprinted] & np.uint64(1)).astype(bool)
            wrong[odd, 14] = b"I"
            wrong[~odd, 3] = b"M"
            printed[misprinted] = wrong.reshape(-1).view("S24")
            faults[misprinted] = codes.faults(printed[misprinted], Level.PACK)
        if twice.any():
            # a misprint that is printed twice is wrong twice
            rows = np.flatnonzero(twice)
            printed[rows], faults[rows] = printed[rows - 1], faults[rows - 1]
        uncoded = made_day < quarters.year_start(self._coding.began)
        if uncoded.any():
            printed[uncoded], faults[uncoded] = b"", 0
        return printed, faults

    def modules(self, *, level: Level, coder: Ints, chemistry: Ints, made_day: Ints) -> Bytes:
        """Return S24[n], codes of modules or cells."""
        serial = self._module_serials.next(coder, made_day)
        return codes.format_codes(
            maker=self._maker_codes[coder],
            level=level,
            chemistry=chemistry,
            specification=b"M1" if level is Level.MODULE else b"C1",
            trace=_TRACE,
            made_day=made_day,
            serial=serial,
        )

    def products(self, *, coder: Ints, chemistry: Ints, made_day: Ints) -> Bytes:
        """Return S19[n], codes of remade products (GB/T 34014, reused form)."""
        serial = self._product_serials.next(coder, made_day)
        return codes.format_reused_codes(
            maker=self._maker_codes[coder],
            level=Level.PACK,
            chemistry=chemistry,
            specification=b"S1",
            made_day=made_day,
            serial=serial,
        )

    def vins(self, *, maker: Ints, kind: Ints, year: int) -> Bytes:
        """Return S17[n], VINs; *maker* is a place in the list of vehicle makers."""
        serial = self._vin_serials.next(maker, np.full(maker.size, _FIRST_DAY + year - FIRST_YEAR))
        return vin.format_vins(
            wmi=self._wmi[maker],
            descriptor=np.array([b"B1000", b"H1000", b"K1000", b"T1000"])[kind],
            model_year=year,
            plant=b"A",
            serial=serial,
        )


class _Serials:
    """Counts on from 1 for each (maker, day).

    Args:
        makers: int[m], numbers that lie close together.
    """

    def __init__(self, makers: Ints) -> None:
        self._first_maker = int(makers.min())
        self._last = np.zeros((int(makers.max()) - self._first_maker + 1, quarters.DAYS), dtype=np.int32)

    def next(self, maker: Ints, day: Ints) -> Ints:
        if not maker.size:
            return np.empty(0, dtype=np.int64)
        first_maker, first_day = int(maker.min()), int(day.min())
        span = int(day.max()) - first_day + 1
        group = (maker - first_maker) * span + (day - first_day)
        order = in_order(group)
        ordered = group[order]
        first = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
        counts = np.diff(np.concatenate([first, [ordered.size]]))
        makers, days = np.divmod(ordered[first], span)
        place = makers + (first_maker - self._first_maker), days + (first_day - _FIRST_DAY)
        before = self._last[place]
        self._last[place] = before + counts
        serial = np.empty(group.size, dtype=np.int64)
        serial[order] = np.arange(1, ordered.size + 1) - np.repeat(first - before, counts)
        return serial
