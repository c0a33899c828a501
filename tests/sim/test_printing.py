"""Serial numbers: counted on from 1 for each maker and day, whatever comes together."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from sim import quarters
from sim.printing import _Serials

FIRST_DAY = int(quarters.START[0])
MAKERS = np.arange(960, 965)

lots = st.lists(
    st.lists(st.tuples(st.sampled_from(MAKERS.tolist()), st.integers(0, 4)), max_size=30), max_size=6
)


def test_serials_count_on_for_each_maker_and_day():
    serials = _Serials(MAKERS)
    makers, days = np.array([961, 960, 961, 961]), FIRST_DAY + np.array([7, 7, 7, 8])
    assert serials.next(makers, days).tolist() == [1, 1, 2, 1]
    assert serials.next(makers, days).tolist() == [3, 2, 4, 2]


@given(lots=lots, first=st.sampled_from([FIRST_DAY, FIRST_DAY + 5000]))
def test_serials_are_those_of_a_plain_count(lots, first):
    serials, count = _Serials(MAKERS), Counter()
    for lot in lots:
        expected = []
        for made in lot:
            count[made] += 1
            expected.append(count[made])
        makers, days = (np.array([made[place] for made in lot], dtype=np.int64) for place in (0, 1))
        assert serials.next(makers, days + first).tolist() == expected
