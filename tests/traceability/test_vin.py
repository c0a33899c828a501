"""A VIN has seventeen characters and a check digit that finds a slip of the pen."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.errors import CodeError
from traceability.vin import (
    CHARACTERS,
    SERIALS,
    VALUES,
    WEIGHTS,
    YEAR,
    check_digit,
    format_vins,
    is_valid,
    parse,
)


def characters(n):
    return st.text(CHARACTERS, min_size=n, max_size=n)


vehicles = st.fixed_dictionaries(
    {
        "wmi": characters(3),
        "descriptor": characters(5),
        "model_year": st.integers(2010, 2039),
        "plant": characters(1),
        "serial": st.integers(0, 999_999),
    }
)


def one(**parts) -> str:
    return format_vins(**parts)[0].decode()


@pytest.mark.parametrize("text", ["11111111111111111", "1M8GDM9AXKP042788", "5GZCZ43D13S812715"])
def test_published_examples_have_the_check_digit_they_show(text):
    assert check_digit(text) == text[8]
    assert is_valid(text)


def test_the_check_digit_of_one_number_by_hand():
    """LZZ A0000 _ S A 000042: 3·8 + 9·7 + 9·6 + 1·5 + 2·9 + 1·8 + 4·3 + 2·2 = 188 = 17·11 + 1."""
    assert check_digit("LZZA0000_SA000042") == "1"
    assert one(wmi="LZZ", descriptor="A0000", model_year=2025, plant="A", serial=42) == "LZZA00001SA000042"


def test_the_tables_have_every_character_and_every_year():
    assert set(VALUES) == set(CHARACTERS)
    assert len(CHARACTERS) == 33
    assert (len(WEIGHTS), WEIGHTS[8]) == (17, 0)
    assert len(set(YEAR)) == 30
    assert not set("IOQUZ0") & set(YEAR)


@pytest.mark.parametrize(
    ("letter", "year"),
    [("A", 2010), ("H", 2017), ("J", 2018), ("S", 2025), ("T", 2026), ("V", 2027), ("1", 2031)],
)
def test_the_letter_of_the_model_year(letter, year):
    text = one(wmi="LZZ", descriptor="A0000", model_year=year, plant="A", serial=1)
    assert text[9] == letter
    assert parse(text).model_year == year
    assert parse(text, first_year=1980).model_year == year - 30


@given(vehicles)
def test_what_is_written_reads_back(vehicle):
    vin = parse(one(**vehicle))
    assert (vin.wmi, vin.descriptor, vin.plant) == (vehicle["wmi"], vehicle["descriptor"], vehicle["plant"])
    assert (vin.model_year, int(vin.serial)) == (vehicle["model_year"], vehicle["serial"])
    assert vin.check_digit == vin.text[8] == check_digit(vin.text)


@given(vehicles, st.sampled_from([p for p in range(17) if p != 8]), st.data())
def test_one_wrong_character_is_found_where_its_value_differs(vehicle, position, data):
    text = one(**vehicle)
    wrong = data.draw(st.sampled_from([c for c in CHARACTERS if VALUES[c] != VALUES[text[position]]]))
    assert not is_valid(text[:position] + wrong + text[position + 1 :])


@given(st.lists(vehicles))
def test_many_vins_are_written_as_one_by_one(rows):
    widths = {"wmi": "S3", "descriptor": "S5", "model_year": "i4", "plant": "S1", "serial": "i8"}
    columns = {name: np.array([row[name] for row in rows], dtype=dtype) for name, dtype in widths.items()}
    vins = format_vins(**columns)
    assert vins.dtype == np.dtype("S17")
    assert [vin.decode() for vin in vins] == [one(**row) for row in rows]


def test_the_second_million_takes_the_next_plant_and_the_thirty_fourth_the_next_descriptor():
    serials = [999_999, 1_000_000, 8_000_000, 9_000_000, 33_000_000, 33_000_001]
    vins = format_vins(wmi="LZZ", descriptor="TEST1", model_year=2025, plant="S", serial=np.array(serials))
    parsed = [parse(vin.decode()) for vin in vins]
    assert [(v.descriptor[-1], v.plant, v.serial) for v in parsed] == [
        ("1", "S", "999999"),
        ("1", "T", "000000"),
        ("1", "0", "000000"),
        ("1", "1", "000000"),
        ("2", "S", "000000"),
        ("2", "S", "000001"),
    ]


@given(st.sets(st.integers(0, SERIALS - 1), min_size=2, max_size=50), characters(5), characters(1))
def test_different_serials_of_one_plant_give_different_vins(serials, descriptor, plant):
    numbers = np.array(sorted(serials))
    vins = format_vins(wmi="LZZ", descriptor=descriptor, model_year=2030, plant=plant, serial=numbers)
    assert np.unique(vins).size == numbers.size
    assert all(is_valid(vin.decode()) for vin in vins)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "LZZA00002SA000042",
            "position 9 (check digit): `2` does not fit the other characters, `1` does; one of them "
            "is wrong, or did you mean `LZZA00001SA000042`?",
        ),
        (
            "LZZAO0001SA000042",
            "position 5 (descriptor): `O` is not allowed; 0-9, A-H, J-N, P, R-Z; I, O and Q are",
        ),
        ("LZZA00001SA0000I2", "position 16 (serial): `I` is not allowed"),
        ("LZZA0000ASA000042", "position 9 (check digit): `A` is not allowed; 0-9, X"),
        (
            "LZZA00001UA000042",
            "position 10 (model year): `U` is not allowed; 1-9, A-H, J-N, P, R-T, V-Y; I, O, Q, U, Z",
        ),
        ("LZZA00001SA00042", "has 16 characters; a VIN has 17"),
        ("lzza00001sa000042", "did you mean `LZZA00001SA000042`?"),
        ("ＬＺＺ A00001SA000042", "did you mean `LZZA00001SA000042`?"),
    ],
)
def test_a_wrong_vin_is_refused_with_position_character_and_what_is_right(text, message):
    with pytest.raises(CodeError) as refused:
        parse(text)
    assert message in str(refused.value)
    assert not is_valid(text)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"wmi": "LZ"}, "WMI `LZ`: expected 3 characters of 0-9, A-H, J-N, P, R-Z"),
        ({"descriptor": "TESTO"}, "descriptor `TESTO`: expected 5 characters"),
        ({"plant": "Q"}, "plant `Q`: expected 1 character of 0-9"),
        ({"serial": -1}, "serial number -1: expected 0 to 1088999999"),
        ({"serial": SERIALS}, "serial number 1089000000: expected 0 to 1088999999"),
        ({"model_year": 25}, "model year 25: expected 1980 to 9999"),
    ],
)
def test_a_value_that_no_vin_can_hold_is_refused(change, message):
    good = {"wmi": "LZZ", "descriptor": "A0000", "model_year": 2025, "plant": "A", "serial": 42}
    with pytest.raises(CodeError) as refused:
        format_vins(**good | change)
    assert message in str(refused.value)
