"""A battery code reads as GB/T 34014-2017 has it, and what does not is refused by position."""

from __future__ import annotations

import json
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from traceability.codes import (
    CHEMISTRY_OF,
    DAY,
    FIELDS,
    LEVEL_LETTER,
    MONTH,
    TYPE_LETTER,
    YEAR,
    BatteryCode,
    Fault,
    Form,
    describe,
    fault,
    faults,
    format_code,
    format_codes,
    format_reused_codes,
    parse,
)
from traceability.errors import CodeError
from traceability.events import day_number
from traceability.vocabulary import Chemistry, Level

GOOD = "ZZ9PB1AA0B1234G410000042"
REUSED = "ZZ8MB2CG9A0000007RM"
LONG = GOOD + "RP"

capitals = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
levels = st.sampled_from(sorted(LEVEL_LETTER))
serials = st.integers(1, 9_999_999)
made = st.dates(date(2011, 1, 1), date(2040, 12, 31))


def characters(n):
    return st.text(capitals, min_size=n, max_size=n)


parts = st.fixed_dictionaries(
    {
        "maker": characters(3),
        "level": levels,
        "type_letter": st.sampled_from(sorted(CHEMISTRY_OF)),
        "specification": characters(2),
        "trace": characters(7) | st.just(""),
        "made_on": made,
        "serial": serials,
    }
)
near_codes = st.builds(
    lambda code, position, character: (
        code[: position % len(code)] + character + code[position % len(code) + 1 :]
    ),
    st.sampled_from([GOOD, REUSED, LONG]),
    st.integers(0, 25),
    st.sampled_from([*capitals, "a", "-", " ", "\n", "\0", "Ａ", "电"]),
)


@pytest.mark.parametrize(
    ("text", "maker", "specification", "trace", "made_on", "serial"),
    [
        ("001CB240000003B3C0221953", "001", "24", "0000003", date(2021, 3, 12), 221953),
        ("04QCB76836300JBC40000903", "04Q", "76", "836300J", date(2021, 12, 4), 903),
    ],
)
def test_two_published_cells_decode_as_their_sellers_say(text, maker, specification, trace, made_on, serial):
    assert parse(text) == BatteryCode(
        text, Form.NEW, maker, Level.CELL, Chemistry.LFP, "B", specification, trace, made_on, serial, ()
    )
    assert fault(text, Level.CELL) == 0


def test_the_pack_of_the_first_day_in_force_decodes():
    code = parse(GOOD)
    assert (code.maker, code.level, code.chemistry) == ("ZZ9", Level.PACK, Chemistry.LFP)
    assert (code.specification, code.trace, code.made_on, code.serial) == (
        "1A",
        "A0B1234",
        date(2026, 4, 1),
        42,
    )


def test_a_reused_module_has_no_trace_and_says_its_level_twice():
    code = parse(REUSED)
    assert (code.form, code.maker, code.level) == (Form.REUSED, "ZZ8", Level.MODULE)
    assert (code.specification, code.trace, code.made_on, code.serial) == ("2C", "", date(2026, 9, 10), 7)
    assert code.warnings == ()


@pytest.mark.parametrize(
    ("letter", "year"),
    [("1", 2011), ("9", 2019), ("A", 2020), ("F", 2025), ("G", 2026), ("H", 2027), ("J", 2028)],
)
def test_the_verified_year_letters_skip_i(letter, year):
    assert parse(f"ZZ9PB1AA0B1234{letter}410000042").made_on == date(year, 4, 1)


@pytest.mark.parametrize(("letter", "day"), [("9", 9), ("A", 10), ("H", 17), ("J", 18), ("0", 31)])
def test_the_day_letters_end_with_nought(letter, day):
    assert parse(f"ZZ9PB1AA0B1234G5{letter}0000042").made_on == date(2026, 5, day)


def test_thirty_years_twelve_months_and_thirty_one_days_have_one_letter_each():
    assert [len(set(table)) for table in (YEAR, MONTH, DAY)] == [30, 12, 31]
    assert not set("IOQUZ") & set(YEAR + MONTH + DAY)


def test_each_chemistry_has_a_letter_that_reads_as_it_or_as_other():
    assert set(TYPE_LETTER) == set(Chemistry)
    for chemistry, letter in TYPE_LETTER.items():
        assert CHEMISTRY_OF[letter] in (chemistry, Chemistry.OTHER)
    assert TYPE_LETTER[Chemistry.SOLID_STATE] == TYPE_LETTER[Chemistry.OTHER] == "Z"
    assert "".join(sorted(CHEMISTRY_OF)) == "ABCDEFGZ"


def test_the_forms_are_as_long_as_their_fields():
    assert {form: sum(field.width for field in fields) for form, fields in FIELDS.items()} == {
        f: f for f in Form
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "ZZ9PB1AA0B1234I410000042",
            "position 15 (year): `I` is not allowed; 1-9, A-H, J-N, P, R-T, V-Y; I, O, Q, U and Z are",
        ),
        ("ZZ9PB1AA0B12340410000042", "position 15 (year): `0` is not allowed; 1-9, A-H"),
        ("ZZ9PB1AA0B1234GD10000042", "position 16 (month): `D` is not allowed; 1-9, A-C"),
        ("ZZ9PB1AA0B1234G4U0000042", "position 17 (day): `U` is not allowed; 0-9, A-H, J-N, P, R-T, V-Y"),
        ("ZZ9PB1AA0B1234G41000O042", "position 21 (serial): `O` is not allowed; 0-9; did you mean `0`?"),
        ("ZZ9XB1AA0B1234G410000042", "position 4 (level): `X` is not allowed; C, M, P"),
        ("ZZ9PB1AA0B1234G2Y0000042", "position 17 (day): `Y` is day 30, which 2026-02 does not have"),
        ("ZZ9PB1AA0B1234G410000000", "position 18 (serial): `0000000` is not allowed"),
        ("ZZ9PH1AA0B1234G410000042", "position 5 (battery type): `H` is no known battery type; A-G, Z"),
        (
            "ZZ8MB2CG9A0000007RP",
            "position 19 (level again): `P` does not agree with `M` at position 4 (level)",
        ),
        ("ZZ8MB2CG9A0000007SM", "position 18 (reuse mark): `S` is not allowed; R"),
        (
            "ZZ9PB1AA0B1234G41000004",
            "has 23 characters; a code of GB/T 34014-2017 has 24 (new product) or 19",
        ),
        ("", "has 0 characters"),
        ("ZZ9P-R-2026", "`-` at position 5 looks like a code of GB/T 45565-2025"),
        ("zz9pb1aa0b1234g410000042", f"did you mean `{GOOD}`?"),
        ("ＺＺ９ＰＢ１AA0B1234G410000042", f"did you mean `{GOOD}`?"),
        (f" {GOOD}\n", f"did you mean `{GOOD}`?"),
        ("zz9PB1AA0B1234I410000042", "position 1 (maker): `z` is not allowed; 0-9, A-Z"),
        ("ZZ9PB1AA0B1234G41000004\0", "position 24 (serial): `\\x00` is not allowed"),
    ],
)
def test_a_wrong_code_is_refused_with_position_character_and_what_is_allowed(text, message):
    with pytest.raises(CodeError) as refused:
        parse(text)
    assert message in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "warning"),
    [
        (LONG, "26 characters"),
        ("ZZ9PA1AA0B1234G410000042", "battery type `A`: only B and E are verified"),
        ("ZZ9PE1AA0B1234V410000042", "year `V`: the letters of years after 2036 are contested"),
        ("ZZ9PE1AA0B1234G4W0000042", "day `W`: the letters of days 27 and 28 are contested"),
        ("ZZ9PE1AA0B12347110000042", "made on 2017-01-01, before the standard was in force (2018-02-01)"),
    ],
)
def test_what_the_sources_leave_in_doubt_is_accepted_with_one_warning(text, warning):
    (given,) = parse(text).warnings
    assert given.startswith(warning)


@pytest.mark.parametrize(
    ("text", "level", "expected"),
    [
        (GOOD, None, 0),
        (GOOD, Level.PACK, 0),
        (GOOD, Level.CELL, Fault.SENSE),
        (GOOD, Level.PRODUCT, 0),
        (REUSED, Level.MODULE, 0),
        ("ZZ8MB2CG9A0000007RP", Level.MODULE, Fault.SENSE),
        (LONG, Level.PACK, Fault.FORM),
        (LONG, Level.MODULE, Fault.FORM | Fault.SENSE),
        ("ZZ9PH1AA0B1234G410000042", None, Fault.SENSE),
        ("ZZ9PB1AA0B1234G2Y0000042", None, Fault.SENSE),
        ("ZZ9PB1AA0B1234G410000000", None, Fault.SENSE),
        ("ZZ9PB1AA0B1234I410000042", Level.CELL, Fault.SYNTAX),
        ("zz9pb1aa0b1234g410000042", None, Fault.SYNTAX),
        (GOOD[:-1] + "\0", None, Fault.SYNTAX),
        (GOOD + "\0", None, Fault.SYNTAX),
        ("动力电池", None, Fault.SYNTAX),
        ("", None, Fault.SYNTAX),
    ],
)
def test_a_fault_tells_syntax_sense_and_form_apart(text, level, expected):
    assert fault(text, level) == expected


def test_the_numbers_of_the_faults_are_those_in_the_stores():
    assert [(f.name, f.value) for f in Fault] == [("SYNTAX", 1), ("SENSE", 2), ("FORM", 4)]


@given(parts)
@example(
    {
        "maker": "000",
        "level": Level.CELL,
        "type_letter": "F",
        "specification": "00",
        "trace": "",
        "made_on": date(2024, 2, 29),
        "serial": 9_999_999,
    }
)
def test_what_is_written_reads_back(written):
    code = parse(format_code(**written))
    assert {name: getattr(code, name) for name in written} == written
    assert code.form is (Form.NEW if written["trace"] else Form.REUSED)
    assert parse(code.text) == code
    assert fault(code.text, written["level"]) == 0


@given(st.text(max_size=30) | near_codes)
def test_a_text_parses_exactly_when_it_has_neither_fault_of_syntax_nor_of_sense(text):
    try:
        code = parse(text)
    except CodeError:
        assert fault(text) & (Fault.SYNTAX | Fault.SENSE)
    else:
        assert fault(text) == (Fault.FORM if code.form is Form.REUSED_LONG else 0)


@given(st.lists(st.tuples(near_codes.filter(str.isascii).map(lambda t: t.rstrip("\0")), levels), max_size=8))
def test_many_codes_are_judged_as_one_by_one(rows):
    codes = np.array([text for text, _ in rows], dtype=np.bytes_)
    judged = faults(codes, np.array([level for _, level in rows], dtype=np.uint8))
    assert judged.tolist() == [fault(text, level) for text, level in rows]


@given(
    st.lists(
        st.tuples(
            characters(3), levels, st.sampled_from(Chemistry), characters(2), characters(7), made, serials
        )
    )
)
def test_many_codes_are_written_as_one_by_one(rows):
    columns = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in range(7)]
    maker, specification, trace = (
        np.array(columns[n], dtype=f"S{width}") for n, width in ((0, 3), (3, 2), (4, 7))
    )
    shared = {
        "maker": maker,
        "level": np.array(columns[1], dtype=np.uint8),
        "chemistry": np.array(columns[2], dtype=np.uint8),
        "specification": specification,
        "made_day": np.array([day_number(day) for day in columns[5]], dtype=np.int32),
        "serial": np.array(columns[6], dtype=np.int64),
    }
    names = ("maker", "level", "type_letter", "specification", "trace", "made_on", "serial")
    one_by_one = [dict(zip(names, (m, lv, TYPE_LETTER[c], *rest), strict=True)) for m, lv, c, *rest in rows]
    new, reused = format_codes(**shared, trace=trace), format_reused_codes(**shared)
    assert (new.dtype, reused.dtype) == (np.dtype("S24"), np.dtype("S19"))
    assert [code.decode() for code in new] == [format_code(**one) for one in one_by_one]
    assert [code.decode() for code in reused] == [format_code(**one | {"trace": ""}) for one in one_by_one]


def test_a_value_for_all_is_repeated_for_each_serial():
    codes = format_codes(
        maker="ZZ9",
        level=Level.PACK,
        chemistry=Chemistry.LFP,
        specification="1A",
        trace="A0B1234",
        made_day=day_number(date(2026, 4, 1)),
        serial=np.array([42, 43]),
    )
    assert codes.tolist() == [GOOD.encode(), b"ZZ9PB1AA0B1234G410000043"]


def test_every_day_of_thirty_years_has_its_own_letters():
    days = np.arange(day_number(date(2011, 1, 1)), day_number(date(2041, 1, 1)))
    codes = format_reused_codes(
        maker="ZZ9", level=Level.CELL, chemistry=Chemistry.NCM, specification="1A", made_day=days, serial=1
    )
    assert np.unique(codes).size == days.size
    assert [parse(code.decode()).made_on for code in codes[::97]] == [
        date(2011, 1, 1) + timedelta(days=n) for n in range(0, days.size, 97)
    ]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"maker": "zz9"}, "maker `zz9`: expected 3 characters of 0-9, A-Z"),
        ({"maker": "ZZ"}, "maker `ZZ`: expected 3 characters"),
        ({"maker": np.array([b"ZZ9", b"ZZ99"])}, "maker `ZZ99`: expected 3 characters"),
        ({"maker": "宁德时"}, "maker `宁德时`: expected 3 characters"),
        ({"trace": ""}, "trace ``: expected 7 characters"),
        (
            {"level": Level.PRODUCT},
            "level 4 has no letter in GB/T 34014-2017; these have: PACK 1, MODULE 2, CELL 3",
        ),
        ({"chemistry": 99}, "chemistry 99 has no letter"),
        ({"serial": np.array([1, 0])}, "serial number of a day 0: expected 1 to 9999999"),
        ({"serial": 10_000_000}, "serial number of a day 10000000: expected 1 to 9999999"),
        (
            {"made_day": day_number(date(2010, 12, 31))},
            "made on 2010-12-31: the year letters are those of 2011 to",
        ),
        (
            {"made_day": day_number(date(2041, 1, 1))},
            "made on 2041-01-01: the year letters are those of 2011 to 2040",
        ),
    ],
)
def test_a_value_that_no_code_can_hold_is_refused(change, message):
    good = {
        "maker": "ZZ9",
        "level": Level.PACK,
        "chemistry": Chemistry.LFP,
        "specification": "1A",
        "trace": "A0B1234",
        "made_day": 20544,
        "serial": 42,
    }
    assert format_codes(**good).tolist() == [GOOD.encode()]
    with pytest.raises(CodeError) as refused:
        format_codes(**good | change)
    assert message in str(refused.value)


def test_an_unknown_type_letter_is_not_written():
    with pytest.raises(CodeError, match=r"battery type `H`: expected 1 character of A-G, Z"):
        format_code(
            maker="ZZ9",
            level=Level.PACK,
            type_letter="H",
            specification="1A",
            trace="",
            made_on=date(2026, 4, 1),
            serial=1,
        )


def test_a_described_code_is_json():
    told = json.loads(json.dumps(describe(parse(LONG))))
    assert told["code"] == LONG
    assert (told["form"], told["level"], told["chemistry"]) == ("reused", "PACK", "LFP")
    assert (told["made_on"], told["serial"], told["trace"]) == ("2026-04-01", 42, "A0B1234")
    assert len(told["warnings"]) == 1
    assert describe(parse(REUSED))["trace"] is None
