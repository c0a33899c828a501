"""One cell: every form of day, number and code that people write, and what is said of those that cannot be read."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.events import day_number
from traceability.imports import cells
from traceability.imports.cells import Hints, text_of
from traceability.imports.days import read_day
from traceability.imports.readers import READERS, TEXT_KINDS, read_vin
from traceability.vocabulary import EventType

SIXTH_OF_MAY = day_number(date(2026, 5, 6))


def read(kind, cell, **hints):
    return READERS[kind](cell, Hints(**hints))


@pytest.mark.parametrize(
    "written",
    [
        "2026-5-6", "2026-05-06", "2026/05/06", "2026.5.6", "2026年5月6日", "2026 年 5 月 6 日", "２０２６年５月６日", "20260506",
        20260506, 46148, 46148.75, "46148", "46148.5", "2026-05-06 23:59", "2026/5/6 8:01:02", "20260506235959",
        "2026-05-06T16:00:00+08:00", "2026-05-05T23:00:00Z", "2026-05-05 12:00:00-05:00", "2026年5月6日 下午3:05", "2026年5月6日15时05分",
        "6-May-2026", "May 6, 2026", date(2026, 5, 6), datetime(2026, 5, 6, 12), datetime(2026, 5, 5, 20, tzinfo=UTC),
        "\t2026-05-06 ", "'2026-05-06", '="2026-05-06"',
    ],
)  # fmt: skip
def test_a_day_is_read_in_every_form_that_says_one_day(written):
    assert read_day(written, Hints()).value == SIXTH_OF_MAY


@pytest.mark.parametrize(
    ("written", "reason", "closest"),
    [
        ("05/06/2026", "2026-05-06 or 2026-06-05", "2026-05-06 or 2026-06-05"),
        ("2026-02-30", "has no day 30", "2026-02-28"),
        ("2026-13-01", "there is no day 1 of month 13", ""),
        ("26/5/6", "no day that can be read", ""),
        ("五月六日", "no day that can be read", ""),
        ("2026-05-06 25:00", "time of day that there is not", "2026-05-06"),
        ("2026-05-06 24:00", "of this day or the next", "2026-05-06"),
        ("1926-05-06", "expected a day from 1990-01-01", ""),
        (123, "neither a day like", ""),
        (20260230, "has no day 30", "2026-02-28"),
        (time(8, 30), "a time without a day", ""),
        ("=TODAY()", "a formula; formulas are not run", "saved as a value"),
        ("#REF!", "an error value", ""),
    ],
)
def test_a_day_that_cannot_be_read_says_why_and_what_is_nearest(written, reason, closest):
    found = read_day(written, Hints())
    assert found.value is None
    assert reason in found.reason
    assert closest in found.closest


def test_the_order_of_day_and_month_can_be_told():
    assert read_day("05/06/2026", Hints(order="mdy")).value == SIXTH_OF_MAY
    assert read_day("06/05/2026", Hints(order="dmy")).value == SIXTH_OF_MAY
    assert read_day("25/06/2026", Hints()).value == day_number(date(2026, 6, 25))
    assert read_day("06/06/2026", Hints()).value == day_number(date(2026, 6, 6))


def test_a_serial_day_counts_from_the_epoch_of_its_workbook():
    assert read_day(46148, Hints(epoch=1900)).value == SIXTH_OF_MAY
    assert read_day(46148 - 1462, Hints(epoch=1904)).value == SIXTH_OF_MAY
    assert read_day(46148, Hints()).notes == (cells.SERIAL,)


@given(
    st.dates(date(1990, 1, 1), date(2100, 12, 31)),
    st.sampled_from(["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日", "%Y%m%d"]),
)
def test_every_day_is_read_as_it_was_written(day, form):
    assert read_day(day.strftime(form), Hints()) == (day_number(day), (), "", "")


@given(
    st.one_of(st.text(max_size=40), st.integers(), st.floats(), st.booleans(), st.none(), st.datetimes()),
    st.sampled_from(sorted(READERS)),
)
def test_any_cell_is_read_is_empty_or_says_why_not(cell, kind):
    found = read(kind, cell)
    assert not (found.reason and found.value is not None)
    if kind in TEXT_KINDS:
        assert found.value is None or (isinstance(found.value, str) and found.value)
    else:
        assert found.value is None or isinstance(found.value, int)


@pytest.mark.parametrize(
    ("cell", "value", "notes"),
    [
        ("ＺＺ9PB1AA0B1234G410000042", "ZZ9PB1AA0B1234G410000042", (cells.FULL_WIDTH,)),
        ("zz9pb1aa0b1234g410000042", "ZZ9PB1AA0B1234G410000042", (cells.LOWER,)),
        (" ZZ9PB1AA0B 1234G410000042\u3000", "ZZ9PB1AA0B1234G410000042", (cells.SPACES,)),
        ('="ZZ9PB1AA0B1234G410000042"', "ZZ9PB1AA0B1234G410000042", (cells.TEXT_FORMULA,)),
        ("'ZZ9PB1AA0B1234G410000042", "ZZ9PB1AA0B1234G410000042", (cells.APOSTROPHE,)),
        ("ZZ9PI1AA0B1234G410000042", "ZZ9PI1AA0B1234G410000042", ()),
        ("无", None, (cells.NOTHING_SAID,)),
        ("", None, ()),
        (123456, "123456", ()),
    ],
)
def test_a_code_is_taken_as_printed_and_each_change_is_told(cell, value, notes):
    assert read("code", cell) == (value, notes, "", "")


@pytest.mark.parametrize("cell", [1.23e23, "1.23E+23", "1.23e+23", 123456789012345678901234, "1E23"])
def test_a_code_that_excel_made_a_number_is_refused_with_that_reason(cell):
    found = read("code", cell)
    assert found.value is None
    assert "export the column as text" in found.reason


def test_a_vin_with_a_wrong_check_digit_is_noted_and_any_other_fault_refused():
    assert read_vin("LZZTEST19SA000042", Hints()).notes == ()
    assert read_vin("LZZTEST18SA000042", Hints()) == ("LZZTEST18SA000042", (cells.CHECK_DIGIT,), "", "")
    assert "16 characters" in read_vin("LZZTEST19SA00004", Hints()).reason
    assert read_vin("LZZTEST19SAO00042", Hints()).closest == "LZZTEST19SA000042"


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1,380.5", 1_380_500),
        ("380 kg", 380_000),
        (380, 380_000),
        ("３８０", 380_000),
        (0.0004, 0),
        ("52.5kWh", 52_500),
    ],
)
def test_an_amount_is_read_in_thousandths(cell, value):
    assert read("thousandths", cell).value == value


@pytest.mark.parametrize("cell", ["-5", "1.234,5", "about 5", "1e400", "NaN", "12,34", float("inf")])
def test_what_is_no_amount_is_refused(cell):
    found = read("thousandths", cell)
    assert found.value is None
    assert found.reason


@pytest.mark.parametrize(
    ("word", "event"),
    [
        ("综合利用企业接收", "RECEIVE"),
        ("receive", "RECEIVE"),
        ("Swap-Out", "SWAP_OUT"),
        ("ＲＥＣＥＩＶＥ", "RECEIVE"),
        ("放电", "DISCHARGE"),
    ],
)
def test_words_for_events_are_known_in_both_languages(word, event):
    assert read("event", word).value == EventType[event]


def test_a_word_with_several_meanings_is_refused_until_the_mapping_says_which():
    assert "can mean RECEIVE, COLLECT, KEEP" in read("event", "入库").reason
    assert (
        read("event", "入库", words={"EventType": {"入库": int(EventType.COLLECT)}}).value
        == EventType.COLLECT
    )
    assert read("event", "recieved").closest.startswith("RECEIVE")


def test_every_event_has_words_in_chinese():
    from traceability.imports.words import EVENT_WORDS

    assert {event.name for event in EventType} == set(EVENT_WORDS)
    assert all(any(not word.isascii() for word in words.split()) for words in EVENT_WORDS.values())


def test_no_word_means_two_events():
    from traceability.imports.words import EVENT_WORDS, folded

    words = [folded(word) for said in EVENT_WORDS.values() for word in said.split()]
    assert sorted(words) == sorted(set(words))


def test_a_formula_is_never_taken_for_a_name():
    assert "formula" in text_of('=HYPERLINK("http://x","y")').reason
    assert "formula" in text_of("  =1+1").reason
