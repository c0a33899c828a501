"""The table: what each move does to each headline measure, ranked, written and read."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from sim.intervals import mean_interval
from sim.sensitivity.headlines import HEADLINES
from sim.sensitivity.twins import LeftOut, Twin
from traceability.errors import StoreError

BASE = "base"


class Effect(NamedTuple):
    """What one move does to one headline measure; low and high are the 95 % interval over replications.

    Attributes:
        base: the measure without the move.
        effect, low, high: in the unit of the measure.
        why: a figure that was not moved has no direction and no measure, only this.
    """

    parameter: str
    value: str
    unit: str
    direction: str
    to: str
    measure: str
    measure_unit: str
    base: float
    effect: float
    low: float
    high: float
    replications: int
    why: str = ""

    @property
    def relative(self) -> float:
        """The effect as a share of the base; 0 where there is nothing to compare with."""
        return self.effect / self.base if self.base else 0.0

    @property
    def clear(self) -> bool:
        """Whether chance alone does not explain it: its interval holds no zero, or it is one replication's."""
        return self.effect != 0 and (self.replications < 2 or self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class Sensitivity:
    """A finished table.

    Attributes:
        until: last day of the horizon.
        years: first and last year that each measure is the mean of.
        share: by which figures were moved.
        made_from: fingerprint of scenario, input files and share.
    """

    name: str
    scale: int
    until: date
    years: tuple[int, int]
    share: float
    made_from: str
    effects: tuple[Effect, ...]

    def ranked(self) -> list[Effect]:
        """Return the clear effect of each figure that is largest against its base, the largest first."""
        best: dict[str, Effect] = {}
        for e in self.effects:
            if e.clear and abs(e.relative) > abs(best[e.parameter].relative if e.parameter in best else 0.0):
                best[e.parameter] = e
        return sorted(best.values(), key=lambda e: (-abs(e.relative), e.parameter))

    def chance(self) -> list[str]:
        """Return the figures that change something, but nothing that could not be chance."""
        moved = {e.parameter for e in self.effects if e.effect}
        return sorted(moved - {e.parameter for e in self.ranked()})

    def idle(self) -> list[str]:
        """Return the figures that change no measure at all."""
        return sorted(
            {e.parameter for e in self.effects if not e.why} - {e.parameter for e in self.effects if e.effect}
        )

    @property
    def replications(self) -> int:
        """How often each twin was run."""
        return max(e.replications for e in self.effects)

    def left_out(self) -> list[Effect]:
        """Return the figures that were not moved, with the reason."""
        return [e for e in self.effects if e.why]


def effects(
    moved: Sequence[Twin], out: Sequence[LeftOut], found: Mapping[str, Sequence[Mapping[str, float]]]
) -> Iterator[Effect]:
    """Yield what each move does to each measure, to six digits, and the figures that were not moved.

    Args:
        moved, out: the twins, and what is left out.
        found: BASE or name of a twin -> of each replication, headline -> value.
    """
    for twin in moved:
        p = twin.parameter
        for headline in HEADLINES:
            before = [values[headline.id] for values in found[BASE]]
            after = [values[headline.id] for values in found[twin.name]]
            gap = mean_interval([b - a for a, b in zip(before, after, strict=True)])
            yield Effect(
                p.key, p.value, p.unit, twin.direction, twin.to, headline.id, headline.unit,
                base=_six(sum(before) / len(before)), effect=_six(gap.mean), low=_six(gap.low), high=_six(gap.high),
                replications=len(before),
            )  # fmt: skip
    for p, why in out:
        yield Effect(p.key, p.value, p.unit, "", "", "", "", 0.0, 0.0, 0.0, 0.0, 0, why)


def _six(number: float) -> float:
    """Return *number* to six digits: what a file holds is what a table says."""
    return float(f"{number:.6g}")


def written(table: Sensitivity) -> str:
    """Return *table* as CSV; `read` takes it back."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*Effect._fields, *_ABOUT))
    about = (table.name, table.scale, table.until, *table.years, table.share, table.made_from)
    writer.writerows([*(repr(c) if isinstance(c, float) else c for c in e), *about] for e in table.effects)
    return out.getvalue()


def read(text: str) -> Sensitivity:
    """Return the table that `written` made *text* of.

    Raises:
        StoreError: it is no such table.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(text)))
        effects = tuple(
            Effect(**{f: _CAST.get(f, str)(row[f]) for f in Effect._fields})  # type: ignore[arg-type]
            for row in rows
        )
        name, scale, until, first, last, share, mark = (rows[0][column] for column in _ABOUT)
        return Sensitivity(
            name, int(scale), date.fromisoformat(until), (int(first), int(last)), float(share), mark, effects
        )
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise StoreError(f"no table of `battrace sensitivity`: {error!r}") from None


_ABOUT = ("scenario", "scale", "until", "first_year", "last_year", "share", "made_from")
_CAST: dict[str, Callable[[str], object]] = {
    **dict.fromkeys(("base", "effect", "low", "high"), float),
    "replications": int,
}
