"""A foreign log becomes a store: what is taken, what is quarantined and why, and that every row is counted."""

from __future__ import annotations

import csv
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from tests.imports.logs import COLUMNS, GOOD, HEADER, OTHER, VIN, imported, mapping, row, table
from traceability.codes import Fault
from traceability.compliance import audit, view_of
from traceability.errors import StoreError, TableError, UnknownName
from traceability.events import NULL
from traceability.imports import checked_mapping, import_files, read_reports
from traceability.registry import Registry
from traceability.store import open_store, schema
from traceability.vocabulary import Chemistry, EventType, Level, LinkKind, Role, State


def adds_up(report):
    return report.read == report.accepted + report.quarantined + sum(report.set_aside.values())


# What is taken


def test_a_log_says_what_was_reported_with_both_days(tmp_path):
    log = imported(tmp_path, table(tmp_path, row("接收", "2026-05-06", told="2026-05-20")))
    e, actor = schema.event, schema.actor
    assert log.rows(e.c.event, e.c.event_day, e.c.record_day, e.c.happened) == [
        (EventType.RECEIVE, 20579, 20593, True)
    ]
    assert log.rows(actor.c.name, actor.c.role)[0] == ("甲公司", Role.CU)
    meta = log.store.meta()
    assert meta["truth"] == "no"
    assert json.loads(meta["columns"]) == [
        "event",
        "event_day",
        "record_day",
        "unit",
        "vehicle",
        "actor",
        "actor_role",
    ]
    assert meta["last_day"] == "20593"
    assert adds_up(log.report)


def test_a_history_that_begins_in_the_middle_is_taken_up_there_and_can_be_resumed(tmp_path):
    rows = [row("接收", "2026-05-06"), row("检测", "2026-05-07"), row("拆解", "2026-05-08")]
    log = imported(tmp_path, table(tmp_path, *rows))
    assert log.report.faults == []
    assert log.report.begun == 1
    assert log.events == ["RECEIVE", "TEST", "DISMANTLE"]
    assert Registry.resume(log.store).census()[Level.PACK] == {State.DISMANTLED: 1}


@pytest.mark.parametrize(
    ("then", "state"), [("安装", State.IN_VEHICLE), ("换上", State.IN_VEHICLE), ("退役", State.USED)]
)
def test_where_a_history_begins_is_told_by_what_follows(tmp_path, then, state):
    """A pack that is first kept was either removed or in stock; only one of both can be followed by each event."""
    log = imported(tmp_path, table(tmp_path, row("留存", "2026-05-06"), row(then, "2026-05-07")))
    assert log.report.faults == []
    assert Registry.resume(log.store).census()[Level.PACK] == {state: 1}


def test_rows_out_of_order_and_newest_first_are_sorted_by_their_days(tmp_path):
    rows = [
        row("拆解", "2026-05-08"),
        row("检测", "2026-05-08"),
        row("接收", "2026-05-06"),
        row("编码", "2025-01-01"),
    ]
    rows[3] = row("编码", "2025-01-01", unit=OTHER)
    log = imported(tmp_path, table(tmp_path, *rows))
    assert log.report.faults == []
    unit_events = [event for event in log.events if event != "CODE"]
    assert unit_events == ["RECEIVE", "TEST", "DISMANTLE"]


def test_rows_of_one_day_are_taken_in_the_order_in_which_they_can_follow(tmp_path):
    rows = [row("编码", "2026-05-01"), row("安装", "2026-05-06"), row("供货", "2026-05-06")]
    log = imported(tmp_path, table(tmp_path, *rows))
    assert log.events == ["CODE", "DELIVER", "INSTALL"]


def test_a_row_that_cannot_follow_is_quarantined_and_the_others_go_on(tmp_path):
    rows = [row("编码", "2026-05-01"), row("接收", "2026-05-02"), row("安装", "2026-05-03")]
    log = imported(tmp_path, table(tmp_path, *rows))
    [fault] = log.report.faults
    assert (fault.line, fault.column, fault.value) == (3, "业务类型", "RECEIVE")
    assert "RECEIVE cannot follow CODED, where the pack stands since 2026-05-01" in fault.reason
    assert fault.closest == "DELIVER, INSTALL, LOSE, SCRAP"
    assert log.events == ["CODE", "INSTALL"]
    assert log.report.bridgeable == 1
    assert adds_up(log.report)


def test_what_can_never_follow_is_not_called_a_gap(tmp_path):
    rows = [row("接收", "2026-05-01"), row("处理", "2026-05-02"), row("安装", "2026-05-03")]
    log = imported(tmp_path, table(tmp_path, *rows), by=mapping(gaps="accept"))
    assert [(line, reason) for line, _, reason in log.reasons] == [
        (4, "INSTALL cannot follow PROCESSED, where the pack stands since 2026-05-02")
    ]


def test_gaps_can_be_accepted_and_the_log_can_be_resumed(tmp_path):
    rows = [
        row("编码", "2026-05-01"),
        row("安装", "2026-05-02"),
        row("接收", "2026-05-03"),
        row("处理", "2026-05-04"),
    ]
    log = imported(tmp_path, table(tmp_path, *rows), by=mapping(gaps="accept"))
    assert log.report.faults == []
    assert log.report.bridged == 1
    assert Registry.resume(log.store).census()[Level.PACK] == {State.PROCESSED: 1}


def test_a_code_given_twice_is_two_units_for_the_rule_to_find(tmp_path):
    maker = {"actor": "电池厂", "role": "电池生产企业"}
    told = {"told": "2026-05-20"}
    rows = [row("编码", day, **maker, **told) for day in ("2026-05-01", "2026-05-02")]
    rows.append(row("安装", "2026-05-03", **told))
    log = imported(tmp_path, table(tmp_path, *rows))
    assert log.report.twins == 1
    assert log.rows(schema.unit.c.code) == [(GOOD,), (GOOD,)]
    found = audit(log.store, view_of("register", int(log.store.meta()["last_day"]))).findings.by_rule()
    assert found["R03"] == 1


def test_a_code_that_breaks_the_standard_is_taken_with_its_fault(tmp_path):
    wrong = GOOD.replace("G4", "I4")
    log = imported(
        tmp_path,
        table(tmp_path, row("编码", "2026-05-01", unit=wrong), row("编码", "2026-05-01", unit="电池一号")),
    )
    unit = schema.unit
    assert log.report.faults == []
    assert sorted(log.rows(unit.c.code, unit.c.code_fault)) == [
        (wrong, Fault.SYNTAX),
        ("电池一号", Fault.SYNTAX),
    ]


def test_a_unit_is_what_its_code_says(tmp_path):
    module = "ZZ9ME1AA0B1234G410000042"
    rows = [row("接收", "2026-05-06", unit=module), row("退回", "2026-05-06", unit="ZZ8MB2CG9A0000007RM")]
    log = imported(tmp_path, table(tmp_path, *rows))
    unit = schema.unit
    assert sorted(log.rows(unit.c.level, unit.c.chemistry, unit.c.made_day)) == [
        (Level.MODULE, Chemistry.NCM, 20544),
        (Level.PRODUCT, Chemistry.LFP, 20706),
    ]


def test_a_remark_moves_nothing_and_stands_before_what_comes_after_it_on_its_day(tmp_path):
    rows = [
        row("拆下", "2026-05-05"),
        row("安全检查", "2026-05-06"),
        row("包装", "2026-05-06"),
        row("移交", "2026-05-06"),
    ]
    log = imported(tmp_path, table(tmp_path, *rows))
    assert log.events == ["DISMOUNT", "CHECK_SAFETY", "PACK_UP", "SHIP"]


def test_vehicles_and_their_batteries_have_histories_of_their_own(tmp_path):
    rows = [
        row("合格证", "2026-05-01", unit="", vin=VIN, role="OEM"),
        row("安装", "2026-04-30", vin=VIN, role="OEM"),
        row("车辆销售", "2026-05-02", unit="", vin=VIN, role="OEM"),
    ]
    log = imported(tmp_path, table(tmp_path, *rows))
    assert log.report.faults == []
    assert Registry.resume(log.store).census() == {
        Level.PACK: {State.IN_VEHICLE: 1},
        Level.VEHICLE: {State.ON_THE_ROAD: 1},
    }
    assert log.rows(schema.vehicle.c.vin, schema.vehicle.c.maker) == [(VIN, 0)]


def test_links_and_details_come_from_their_columns(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "编码,来源,所属,事件,日期,企业,重量g\n"
        f"ZZ8MB2CG9A0000007RM,{GOOD}；{OTHER},,再制造,2026-05-06,甲,\n"
        f"ZZ9ME1AA0B1234G410000042,,{GOOD},拆出,2026-05-05,甲,12000\n",
        "utf-8",
    )
    columns = {
        "unit": "编码",
        "sources": "来源",
        "parent": "所属",
        "event": "事件",
        "event_day": "日期",
        "actor": "企业",
        "detail_mass_g": "重量g",
    }
    log = imported(
        tmp_path, path, by=checked_mapping({"columns": columns, "constants": {"actor_role": "CU"}}, "x")
    )
    assert log.report.faults == []
    link, unit = schema.link, schema.unit
    kinds = sorted(log.rows(link.c.kind, link.c.from_day, link.c.to_day))
    assert kinds == [
        (LinkKind.CONTAINS, 20544, 20578),
        (LinkKind.MADE_FROM, 20579, None),
        (LinkKind.MADE_FROM, 20579, None),
    ]
    assert len(log.rows(unit.c.unit)) == 4
    assert log.rows(schema.detail.c.value) == [(12000,)]


# Companies


def test_one_company_is_one_actor_by_its_credit_code_and_one_more_for_each_role(tmp_path):
    path = tmp_path / "log.csv"
    code = "91350900MA32A1B2CX"
    lines = [
        f"{GOOD},接收,2026-05-06,甲公司,{code},CU",
        f"{GOOD},检测,2026-05-07,甲公司,,CU",
        f"{OTHER},编码,2026-05-06,甲,{code},电池厂",
    ]
    path.write_text("编码,事件,日期,企业,代码,类型\n" + "\n".join(lines), "utf-8")
    columns = {
        "unit": "编码",
        "event": "事件",
        "event_day": "日期",
        "actor": "企业",
        "actor_code": "代码",
        "actor_role": "类型",
    }
    log = imported(tmp_path, path, by=checked_mapping({"columns": columns}, "x"))
    actor = schema.actor
    own = [a for a in log.rows(actor.c.name, actor.c.credit_code, actor.c.role) if a[1] == code]
    assert sorted(own) == [("甲公司", code, Role.BATTERY_ENT), ("甲公司", code, Role.CU)]


def test_a_company_without_a_role_is_quarantined_unless_the_mapping_or_another_row_tells(tmp_path):
    rows = [row("接收", "2026-05-06", role=""), row("接收", "2026-05-06", unit=OTHER, actor="乙", role="")]
    log = imported(tmp_path, table(tmp_path, *rows), by=mapping(roles={"乙": "CU"}))
    assert [(line, column) for line, column, _ in log.reasons] == [(2, "企业名称")]
    assert "what kind of company" in log.reasons[0][2]
    told = table(tmp_path, *rows, row("检测", "2026-05-07"), name="told.csv")
    assert imported(tmp_path, told, by=mapping(roles={"乙": "CU"})).report.faults == []


# Rows that are not taken


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        (row("", "2026-05-06"), "业务类型", "nothing says what happened"),
        (row("接收", ""), "发生日期", "nothing says when it happened"),
        (row("接收", "2026-05-06", unit=""), "电池编码", "the event is of a battery, none is named"),
        (row("车辆销售", "2026-05-06"), "车架号", "the event is of a vehicle, none is named"),
        (row("接收", "2026-05-06", actor=""), "企业名称", "nothing says who did it"),
        (
            row("接收", "2026-05-06", told="2026-05-05"),
            "上报时间",
            "reported before it happened (2026-05-06)",
        ),
        (row("编码", "2026-05-06", unit="1.23E+23"), "电池编码", "a code that a spreadsheet made a number"),
        (row("再制造品", "2026-05-06"), "业务类型", "no word for an event that is known"),
        (row("接收", "05/06/2026"), "发生日期", "can be read as"),
        (row("接收", "2026-05-06") + ",more", "", "8 cells, the header has 7"),
        (row("接收", "2026-05-06", unit="=1+1"), "电池编码", "a formula; formulas are not run"),
        (row("接收", "2026-05-06", unit="A" * 33), "电池编码", "33 characters; the register holds"),
        (row("产出", "2026-05-06"), "业务类型", "RECOVER does not happen to a pack"),
    ],
)
def test_a_row_is_quarantined_with_line_column_and_reason(tmp_path, line, column, reason):
    log = imported(tmp_path, table(tmp_path, row("检测", "2026-05-01", unit=OTHER), line))
    [(at, where, why)] = log.reasons
    assert (at, where) == (3, column)
    assert reason in why
    assert (log.report.accepted, log.report.quarantined) == (1, 1)
    assert adds_up(log.report)


def test_a_row_that_says_the_same_as_another_is_quarantined_even_across_files(tmp_path):
    one = table(tmp_path, row("接收", "2026-05-06"), row("接收", "2026-05-06"))
    two = table(tmp_path, row("接收", "2026-5-6"), name="two.csv")
    log = imported(tmp_path, one, two)
    assert [reason for _, _, reason in log.reasons] == [
        "says the same as line 2 of log.csv",
        "says the same as line 2",
    ]


def test_titles_blank_lines_repeated_headers_and_totals_are_set_aside_and_counted(tmp_path):
    path = tmp_path / "log.csv"
    lines = [
        "动力电池台账,,,,,,",
        "",
        HEADER,
        row("接收", "2026-05-06"),
        " ,,,,,,",
        HEADER,
        "合 计,,,,,,1",
        "合计：,,,,,,",
        "制表人：张三,,,,,,",
    ]
    path.write_text("\n".join(lines), "utf-8")
    log = imported(tmp_path, path)
    assert log.report.set_aside == {"heading": 3, "blank": 2, "totals": 2}
    assert (log.report.accepted, log.report.quarantined, log.report.read) == (1, 1, 9)
    assert {line for line, _, _ in log.reasons} == {9}


def test_lines_are_counted_as_a_spreadsheet_counts_them(tmp_path):
    """A cell with a line end in it is one row."""
    path = tmp_path / "log.csv"
    rows = [row("接收", "2026-05-06", actor='"甲\n公司"'), "", row("接收", "", unit=OTHER)]
    path.write_text("\n".join([HEADER, *rows]), "utf-8")
    log = imported(tmp_path, path)
    assert [line for line, _, _ in log.reasons] == [4]


def test_an_empty_report_day_means_not_told_yet_or_told_that_day(tmp_path):
    path = table(tmp_path, row("接收", "2026-05-06"))
    record_day = schema.event.c.record_day
    log = imported(tmp_path, path)
    assert log.rows(record_day) == [(None,)]
    assert log.report.unreported == 1
    told = imported(tmp_path, path, by=mapping(dates={"blank_report": "event_day"}))
    assert told.rows(record_day) == [(20579,)]


def test_without_a_column_of_report_days_the_store_says_so(tmp_path):
    columns = {ours: theirs for ours, theirs in COLUMNS.items() if ours != "record_day"}
    path = table(tmp_path, row("接收", "2026-05-06", told="2026-05-20"))
    log = imported(tmp_path, path, by=checked_mapping({"columns": columns}, "x"))
    assert "record_day" not in json.loads(log.store.meta()["columns"])
    assert log.rows(schema.event.c.record_day) == [(20579,)]


def test_what_was_changed_to_read_a_cell_is_counted_and_shown(tmp_path):
    rows = [row("接收", "２０２６-05-06"), row("检测", "46149", unit=GOOD.lower())]
    log = imported(tmp_path, table(tmp_path, *rows))
    assert [(n.column, n.what, n.count, n.line, n.before, n.after) for n in log.report.normalisations] == [
        ("发生日期", "day as a serial number of the spreadsheet", 1, 3, "46149", "2026-05-07"),
        ("发生日期", "full-width or compatibility characters", 1, 2, "２０２６-05-06", "2026-05-06"),
        ("电池编码", "small letters", 1, 3, GOOD.lower(), GOOD),
    ]


def test_the_quarantine_is_a_table_whose_cells_are_no_formulas(tmp_path):
    log = imported(tmp_path, table(tmp_path, row("接收", "2026-05-06", unit="=cmd|'/C calc'!A0")))
    out = tmp_path / "quarantine.csv"
    log.report.write_quarantine(out)
    with out.open(encoding="utf-8-sig") as file:
        [fault] = csv.DictReader(file)
    assert (fault["file"], fault["line"], fault["column"]) == ("log.csv", "2", "电池编码")
    assert fault["value"] == "'=cmd|'/C calc'!A0"


def test_nothing_is_written_if_a_file_cannot_be_read(tmp_path):
    good, bad = table(tmp_path, row("接收", "2026-05-06")), tmp_path / "bad.csv"
    bad.write_bytes(b"")
    out = tmp_path / "log"
    with pytest.raises(TableError, match=r"bad\.csv: the file is empty"):
        import_files([good, bad], mapping(), lambda: open_store(str(out), create=True))
    assert not out.exists()


def test_a_log_up_to_a_day_shows_what_was_not_told_by_then(tmp_path):
    log = imported(tmp_path, table(tmp_path, row("接收", "2026-05-06", told="2026-06-30")), as_of=20700)
    assert log.store.meta()["last_day"] == "20700"
    with pytest.raises(StoreError, match="read only"):
        log.store.set_meta("x", "y")


# Any table


CELLS = st.sampled_from(
    ["", GOOD, OTHER, "ZZ9ME1AA0B1234G410000042", "ZZ8MB2CG9A0000007RM", "LOT-1", "1.2E+9", "接收", "编码", "安装", "再制造", "车辆销售",
     "合格证", "留存", "检测", "退役", "安全检查", "处罚", "入库", "2026-05-06", "2026-5-7", "46149", "5/6/2026", VIN, "甲", "乙公司", "CU", "OEM",
     "电池厂", "=1+1", "合计", "Ａ", "\u3000", "-"]
)  # fmt: skip
EVENTS = st.sampled_from(
    [
        "编码",
        "供货",
        "安装",
        "换下",
        "换上",
        "拆下",
        "移交",
        "接收",
        "检测",
        "拆解",
        "再制造",
        "投放",
        "安全检查",
        "车辆销售",
    ]
)
DAYS = st.integers(1, 9).map(lambda day: f"2026-05-0{day}")
LIKELY = st.tuples(
    st.sampled_from([GOOD, OTHER]), EVENTS, DAYS, st.just(""), st.just("甲"), st.just("CU"), st.just(VIN)
)
ROWS = st.lists(st.one_of(LIKELY.map(list), st.lists(CELLS, max_size=9)), max_size=25)


@settings(max_examples=60)
@given(ROWS, st.sampled_from(["quarantine", "accept"]))
def test_every_row_of_any_table_is_accepted_quarantined_or_set_aside(rows, gaps):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log.csv"
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file).writerows([HEADER.split(","), *rows])
        log = imported(Path(folder), path, by=mapping(gaps=gaps))
        assert log.report.read == len(rows) + 1
        assert log.report.events == log.report.accepted == len(log.rows(schema.event.c.event_id))
        assert all(2 <= fault.line <= len(rows) + 1 and fault.reason for fault in log.report.faults)
        Registry.resume(log.store)
        log.store.close()


@settings(max_examples=30)
@given(st.permutations(range(8)), st.integers(0, 3))
def test_the_order_of_rows_does_not_matter(order, same):
    """A whole life, shuffled; some of its first events on one day."""
    events = ["编码", "供货", "安装", "拆下", "移交", "接收", "检测", "拆解"]
    lines = [row(event, f"2026-05-{max(place, same) + 1:02}") for place, event in enumerate(events)]
    with tempfile.TemporaryDirectory() as folder:
        log = imported(Path(folder), table(Path(folder), *(lines[place] for place in order)))
        assert log.report.faults == []
        assert log.events == [
            "CODE",
            "DELIVER",
            "INSTALL",
            "DISMOUNT",
            "SHIP",
            "RECEIVE",
            "TEST",
            "DISMANTLE",
        ]
        log.store.close()


def test_a_placeholder_code_of_many_rows_does_not_hold_up_the_import(tmp_path):
    """Quadratic work would not end: the rows of one code are walked through once."""
    rows = [
        row("编码", f"20{20 + n % 6}-0{1 + n % 9}-1{n % 10}", actor=f"厂{n}", role="电池厂")
        for n in range(6000)
    ]
    rows += [row("安装", "2026-05-06", actor=f"车{n}", role="OEM") for n in range(6000)]
    reports = read_reports([table(tmp_path, *rows)], mapping())
    assert reports.report.accepted == 12000
    assert reports.report.twins == 5999


# Mappings


@pytest.mark.parametrize(
    ("raw", "error", "said"),
    [
        ({"columns": COLUMNS | {"unti": "x"}}, UnknownName, "unknown field `unti` in [columns] of m.toml; did you mean `unit`"),
        ({"columns": COLUMNS, "colums": {}}, TableError, "unknown key `colums` in m.toml; did you mean `columns`"),
        ({"columns": COLUMNS, "dates": {"ordr": "dmy"}}, TableError, "unknown key `ordr` in m.toml; did you mean `order`"),
        ({"columns": COLUMNS, "dates": {"order": "mdx"}}, TableError, "`dates.order` is 'mdx'"),
        ({"columns": COLUMNS, "words": {"event": {"入库": "RECIEVE"}}}, UnknownName, "did you mean `RECEIVE`"),
        ({"columns": COLUMNS, "constants": {"level": "PAK"}}, TableError, "constant `level` is 'PAK'"),
        ({"columns": COLUMNS, "constants": {"unit": "x"}}, TableError, "`unit` is a column and a constant"),
        ({"columns": {"unit": "a"}}, TableError, "nothing says what happened"),
        ({"columns": {k: v for k, v in COLUMNS.items() if k != "actor_role"}}, TableError, "what kind of company acts"),
    ],
)  # fmt: skip
def test_a_mapping_that_cannot_be_used_says_what_is_wrong(raw, error, said):
    with pytest.raises(error) as caught:
        checked_mapping(raw, "m.toml")
    assert said in str(caught.value)


def test_a_column_that_is_not_there_is_answered_with_the_closest(tmp_path):
    path = table(tmp_path, row("接收", "2026-05-06"))
    with pytest.raises(TableError) as caught:
        imported(tmp_path, path, by=checked_mapping({"columns": COLUMNS | {"record_day": "上报日期"}}, "x"))
    assert str(caught.value).startswith(
        "log.csv, line 1: no column is called `上报日期` (record_day); did you mean `发生日期` or `上报时间`?"
    )


def test_unit_numbers_of_the_store_have_no_holes(tmp_path):
    rows = [row("接收", "2026-05-06", unit=GOOD[:-1] + str(n)) for n in range(5)]
    log = imported(tmp_path, table(tmp_path, *rows))
    assert sorted(log.store.select(select(schema.unit.c.unit))["unit"].tolist()) == [0, 1, 2, 3, 4]
    assert NULL not in log.store.select(select(schema.event.c.unit))["unit"]
