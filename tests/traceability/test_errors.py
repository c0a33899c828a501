"""Errors are made again from their args by SimPy and by pickle; they must say the same then."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import simpy

from traceability.errors import ImpossibleTransition, TraceabilityError, UnknownName
from traceability.lifecycle import advance, standing
from traceability.vocabulary import EventType, Level, State


def impossible() -> ImpossibleTransition:
    before = np.full(3, standing(Level.PACK, State.PROCESSED), dtype=np.uint8)
    with pytest.raises(ImpossibleTransition) as caught:
        advance(before, EventType.REMOVE, np.array([4711, 4712, 4713]))
    return caught.value


def test_an_impossible_transition_says_what_for_whom_and_what_still_holds():
    assert str(impossible()) == (
        "REMOVE cannot follow PROCESSED (pack 4711 and 2 more in a lot of 3). "
        "Nothing was recorded. lifecycle.TRANSITIONS lists what can follow."
    )


@pytest.mark.parametrize(
    "error", [impossible, lambda: UnknownName("rule", "R4", iter(["R46", "R47"]), "the law")]
)
def test_an_error_survives_another_process_and_a_simulated_one(error):
    original = error()
    assert str(pickle.loads(pickle.dumps(original))) == str(original)

    def process(env):
        yield env.timeout(1)
        raise original

    env = simpy.Environment()
    env.process(process(env))
    with pytest.raises(TraceabilityError) as caught:
        env.run()
    assert str(caught.value) == str(original)
