"""JSON from anybody, a piece at a time: the same as the whole, or one clear refusal."""

from __future__ import annotations

import json
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.errors import ExchangeError
from traceability.exchange.json_stream import ANY, DEEPEST, LONGEST_PIECE, pieces

LONG = (("body", "list"), ("head", ANY, "inner"))
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


def read(path):
    found, reading = [], pieces(path, LONG)
    while True:
        try:
            found.append(next(reading))
        except StopIteration as end:
            return found, end.value


def refused(tmp_path, text):
    path = tmp_path / "bad.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(ExchangeError) as caught:
        read(path)
    return str(caught.value)


@given(events=st.lists(json_values, max_size=5), other=json_values, indent=st.sampled_from([None, 1]))
def test_what_is_read_in_pieces_is_what_stands_there(events, other, indent, tmp_path_factory):
    path = tmp_path_factory.mktemp("json") / "some.json"
    path.write_text(json.dumps({"body": {"list": events, "x": other}, "y": other}, indent=indent), "utf-8")
    found, shell = read(path)
    assert found == [(("body", "list", str(n)), event) for n, event in enumerate(events)]
    assert shell == {"body": {"list": [], "x": other}, "y": other}


@given(text=st.binary(max_size=60) | st.text(alphabet='{}[]",:ab\\u0e1-.Nn ', max_size=60).map(str.encode))
def test_nothing_but_json_is_taken(text, tmp_path_factory):
    """Whatever the bytes: either what the standard reader reads too, or one message."""
    path = tmp_path_factory.mktemp("json") / "any"
    path.write_bytes(text)
    try:
        _, shell = read(path)
    except ExchangeError:
        return
    assert json.loads(text.decode("utf-8-sig")) is not None or shell is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the end of the file"),
        ('{"a": 1, "a": 2}', "stands twice"),
        ('{"body": {"list": [{"k": 1, "k": 1}]}}', "stands twice"),
        ('{"a": NaN}', "no number in JSON"),
        ('{"a": 1e999}', "too large"),
        ('{"a": ' + "9" * 5000 + "}", "more than 40 characters"),
        ('{"a": {"b": ' + "9" * 5000 + "}}", "more than 40 characters"),
        ('{"a": "\\ud800"}', "half a character"),
        ('{"body": {"list": [' + "[" * 5000 + "]" * 5000 + "]}}", f"deeper than {DEEPEST}"),
        ('{"body": {"list": [1, 2', "expected `,` or `]`"),
        ('{"a": "never closed', "ends within a value"),
        ('{"a": 1} {"b": 2}', "after the end"),
        (b'{"a": "\xff"}', "not UTF-8"),
        ("[" * 100_000, f"deeper than {DEEPEST}"),
        ("{" + ",".join(f'"{n}": 1' for n in range(2000)) + "}", None),
        ('{"body": {' + ",".join(f'"{n}": 1' for n in range(2000)) + "}}", "more than 1,000 keys"),
    ],
)
def test_each_trick_is_refused_with_its_reason(text, said, tmp_path):
    message = (
        refused(tmp_path, text) if said else "an object of many keys is refused where it is descended into"
    )
    assert said is None or said in message
    if said is None:
        assert "1,000 keys" in refused(tmp_path, text)
    else:
        assert "line 1" in message


@pytest.mark.parametrize("letter", ["x", "\\n", '"', "电"])
def test_a_gigantic_string_is_given_up_on_before_it_fills_the_memory(letter, tmp_path):
    path = tmp_path / "long.json"
    with path.open("w", encoding="utf-8") as out:
        out.write('{"body": {"list": ["')
        for _ in range(3 * LONGEST_PIECE // 100_000):
            out.write((letter if letter != '"' else '\\"') * 100_000)
        out.write('"]}}')
    tracemalloc.start()
    with pytest.raises(ExchangeError, match="one element of more than"):
        read(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20 * LONGEST_PIECE


def test_memory_does_not_grow_with_the_number_of_elements(tmp_path):
    peaks = []
    for count in (2_000, 40_000):
        path = tmp_path / f"{count}.json"
        path.write_text(json.dumps({"body": {"list": [{"n": n, "t": "x" * 50} for n in range(count)]}}))
        tracemalloc.start()
        assert sum(1 for _ in pieces(path, LONG)) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 500_000
