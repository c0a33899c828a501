"""How well a run meets the targets: a residual and a log likelihood for each, and the priors beside them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from sim.calibration.problem import Aim, Free
from traceability.errors import ScenarioError

Floats = npt.NDArray[np.float64]

_LEAST = 1e-6
"""Of a target, the least that a run counts for where the law is `log`: none is far, but not infinitely so."""


class Term(NamedTuple):
    """One target as a run meets it: residual in standard errors, and the log of the density of the target."""

    residual: float
    log_likelihood: float


def term(aim: Aim, model: float) -> Term:
    """Return how well a run that says *model* meets *aim*.

    >>> from sim.targets import Target
    >>> t = Target("x", 2023, 100.0, "t", 0.0, "near", None, None, "fit", 0.1, "", "", "official")
    >>> round(term(Aim(t, "normal", 5.0), 90.0).residual, 3)
    -2.0
    """
    value = aim.target.value
    if aim.law == "log":
        residual = math.log(max(model, _LEAST * value) / value) / aim.error
        width = aim.error * value
    else:
        residual = (model - value) / aim.error
        width = aim.error
    return Term(residual, -0.5 * residual**2 - math.log(width) - 0.5 * math.log(2 * math.pi))


def residuals(
    aims: Sequence[Aim], free: Sequence[Free], models: Sequence[float | None], place: Floats
) -> Floats:
    """Return float64[aims + priors]: a residual for each target, then one for each parameter with a prior.

    Half the sum of their squares is what a fit makes least.

    Args:
        aims: the targets.
        free: the parameters.
        models: what the run says of each target.
        place: float64[free], the parameters on the scale that is searched.

    Raises:
        ScenarioError: the run says nothing of a target.
    """
    found = []
    for aim, model in zip(aims, models, strict=True):
        if model is None:
            raise ScenarioError(
                f"target {aim.label}: a run of this scenario says nothing of it; its year must lie within the run"
            )
        found.append(term(aim, model).residual)
    for each, at in zip(free, place, strict=True):
        if each.prior is not None:
            found.append((at - each.inner(each.prior.value)) / each.reference_sd())
    return np.array(found)
