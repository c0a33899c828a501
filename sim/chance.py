"""Chance belongs to the battery, not to the clock.

Every decision about a unit draws from a hash of (seed, replication, name of the decision, key of the unit).
So a battery has the same luck under every scenario, a new process changes nobody else's draws, and two
scenarios are twins, battery by battery.

Source of the mixing function: Steele, Lea and Flood (2014), SplitMix64, finalizer "variant 13" of Stafford.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import blake2b
from math import log1p

import numpy as np
import numpy.typing as npt

Keys = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Int32s = npt.NDArray[np.int32]

LONGEST_DAYS = 20_000
"""No delay is longer: some fifty years."""

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_M1, _M2 = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)


def derived_keys(parents: Keys, name: str) -> Keys:
    """Return uint64[n], the keys of things that come of others: a replacement pack, a module, a remade product."""
    return _mixed(parents, _salt(name))


class Chance:
    """Uniform draws of one replication.

    Args:
        seed: of the study.
        replication: 0, 1, …; each has its own luck.
    """

    def __init__(self, seed: int, replication: int = 0) -> None:
        self._stem = f"{seed}/{replication}"

    def draw(self, decision: str, keys: Keys) -> Floats:
        """Return float64[n], uniform on [0, 1), for *decision* about the units with these keys.

        >>> a = Chance(1).draw("scrapping.channel", np.array([7, 8], dtype=np.uint64))
        >>> b = Chance(1).draw("scrapping.channel", np.array([8, 9, 7], dtype=np.uint64))
        >>> bool(a[0] == b[2] and a[1] == b[0])
        True
        """
        mixed = _mixed(keys, _salt(f"{self._stem}/{decision}"))
        mixed >>= _S11
        uniform = mixed.astype(np.float64)
        uniform *= 2.0**-53
        return uniform

    def choose(self, decision: str, keys: Keys, cumulative: Floats) -> npt.NDArray[np.intp]:
        """Return intp[n], an index into the shares whose running sum is *cumulative* (its last element 1)."""
        return np.searchsorted(cumulative[:-1], self.draw(decision, keys), side="right")


def geometric_days(uniform: Floats, mean_days: float | Floats) -> Int32s:
    """Return int32[n], whole days 0, 1, … of a geometric law with this mean, from uniforms; at most LONGEST_DAYS."""
    days = np.log1p(-uniform)
    if isinstance(mean_days, np.ndarray):
        days /= -np.log1p(1.0 / np.maximum(mean_days, 1e-12))
    else:
        days /= -log1p(1.0 / max(mean_days, 1e-12))
    np.minimum(days, LONGEST_DAYS, out=days)
    return days.astype(np.int32)


def uniform_days(uniform: Floats, first: int, last: int) -> Int32s:
    """Return int32[n], whole days first, …, last, each as likely, from uniforms."""
    return first + (uniform * (last - first + 1)).astype(np.int32)


def weibull_years(uniform: Floats, shape: float, scale_years: float) -> Floats:
    """Return float64[n], years of a Weibull life, from uniforms."""
    return scale_years * (-np.log1p(-uniform)) ** (1.0 / shape)


def _mixed(keys: Keys, salt: np.uint64) -> Keys:
    z: Keys = keys * _GOLDEN
    z += salt
    z ^= z >> _S30
    z *= _M1
    z ^= z >> _S27
    z *= _M2
    z ^= z >> _S31
    return z


@lru_cache(maxsize=65536)
def _salt(name: str) -> np.uint64:
    return np.uint64(int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), "little"))
