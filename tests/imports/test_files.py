"""Files as people have them, and files that somebody has made to do harm: one clear message, nothing written."""

from __future__ import annotations

import zipfile
from datetime import date, datetime
from pathlib import Path

import duckdb
import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.imports.logs import COLUMNS, GOOD, HEADER, OTHER, imported, mapping, row, table
from traceability.errors import TableError
from traceability.imports import files, read_reports, suggest
from traceability.imports.files import open_page
from traceability.imports.mapping import FileHints
from traceability.imports.reading import column_samples
from traceability.store import schema


def only(path: Path, hints: FileHints | None = None):
    """All rows of a file and how it was read."""
    with open_page(path, hints or FileHints()) as page:
        return page.how, [cells for _, chunk in page.chunks for cells in chunk]


def workbook(path: Path, *rows, **sheets) -> Path:
    book = openpyxl.Workbook()
    for cells in rows:
        book.active.append(cells)
    for name, lines in sheets.items():
        page = book.create_sheet(name)
        for cells in lines:
            page.append(cells)
    book.save(path)
    return path


# Text


@pytest.mark.parametrize(
    ("encoding", "told"),
    [
        ("utf-8", "utf-8"), ("utf-8-sig", "utf-8-sig"), ("gbk", "gb18030"), ("gb18030", "gb18030"), ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16-le"), ("utf-16-be", "utf-16-be"),
    ],
)  # fmt: skip
def test_text_is_read_in_every_usual_encoding(tmp_path, encoding, told):
    path = table(
        tmp_path,
        row("接收", "2026年5月6日", actor="龙岩𠮷利用" if encoding != "gbk" else "龙岩利用"),
        encoding=encoding,
    )
    log = imported(tmp_path, path)
    assert log.report.accepted == 1
    assert log.report.how == [f"{told}, comma"]
    assert log.rows(schema.actor.c.name)[0][0].startswith("龙岩")


@pytest.mark.parametrize("mark", ["\t", ";", "|"])
def test_the_delimiter_is_found_out(tmp_path, mark):
    path = tmp_path / "log.txt"
    path.write_text("\n".join([HEADER, row("接收", "2026-05-06")]).replace(",", mark), "utf-8")
    assert imported(tmp_path, path).report.accepted == 1


def test_rows_may_end_as_on_any_system(tmp_path):
    for name, end in (("dos", b"\r\n"), ("unix", b"\n"), ("mac", b"\r")):
        path = tmp_path / f"{name}.csv"
        path.write_bytes(end.join(line.encode() for line in (HEADER, row("接收", "2026-05-06"))))
        assert imported(tmp_path, path).report.accepted == 1


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8), min_size=2, max_size=4),
        min_size=1,
        max_size=8,
    )
)
def test_whatever_was_written_as_csv_is_read(tmp_path_factory, rows):
    import csv

    path = tmp_path_factory.mktemp("csv") / "any.csv"
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)
    assert only(path, FileHints(delimiter=","))[1] == rows


# Workbooks and Parquet


def test_a_workbook_is_read_with_its_days_and_its_other_sheets_are_named(tmp_path):
    path = workbook(
        tmp_path / "log.xlsx",
        ["动力电池台账"],
        [],
        list(COLUMNS.values()),
        [GOOD, "接收", datetime(2026, 5, 6), 46149, "甲公司", "CU"],
        [OTHER, "接收", date(2026, 5, 6), "2026/5/7", "甲公司", "CU"],
        [123456789012345678901234.0, "接收", date(2026, 5, 6), None, "甲公司", "CU"],
        说明=[["x"]],
    )
    log = imported(tmp_path, path)
    assert log.report.accepted == 2
    assert [(line, column) for line, column, _ in log.reasons] == [(6, "电池编码")]
    assert log.report.other_sheets == {"log.xlsx": ("说明",)}
    assert log.rows(schema.event.c.event_day, schema.event.c.record_day) == [(20579, 20580), (20579, 20580)]
    assert log.report.set_aside == {"heading": 2, "blank": 1}


def test_a_formula_is_never_run_and_its_saved_value_is_taken_only_on_demand(tmp_path):
    path = workbook(
        tmp_path / "log.xlsx", list(COLUMNS.values()), [GOOD, "接收", "=TODAY()", None, "甲公司", "CU"]
    )
    [(line, column, reason)] = imported(tmp_path, path).reasons
    assert (line, column) == (2, "发生日期")
    assert reason.startswith("a formula; formulas are not run")
    # this workbook was never opened by a spreadsheet: no value is saved with the formula
    [(_, _, reason)] = imported(tmp_path, path, by=mapping(file={"formulas": "cached"})).reasons
    assert reason == "nothing says when it happened"


def test_a_sheet_is_chosen_by_name(tmp_path):
    path = workbook(
        tmp_path / "log.xlsx",
        ["x"],
        台账=[list(COLUMNS.values()), [GOOD, "接收", "2026-5-6", None, "甲", "CU"]],
    )
    assert imported(tmp_path, path, by=mapping(file={"sheet": "台账"})).report.accepted == 1
    with pytest.raises(TableError, match="there is no sheet `台帐`; there are: Sheet, 台账"):
        imported(tmp_path, path, by=mapping(file={"sheet": "台帐"}))


def test_parquet_is_read_with_its_types(tmp_path):
    path = tmp_path / "log[1]*.parquet"
    named = ", ".join(f'"{name}"' for name in COLUMNS.values())
    with duckdb.connect() as connection:
        connection.execute(
            f"CREATE TABLE log AS SELECT * FROM (VALUES "
            f"('{GOOD}', '接收', DATE '2026-05-06', TIMESTAMPTZ '2026-05-06 20:00:00+00', '甲', 'CU', NULL)) AS t({named})"
        )
        connection.execute(f"COPY log TO '{path}' (FORMAT parquet)")
    log = imported(tmp_path, path)
    assert log.report.faults == []
    assert log.rows(schema.event.c.event_day, schema.event.c.record_day) == [(20579, 20580)]


# Files that are not what they should be


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("log.csv", b"", "the file is empty (0 bytes)"),
        ("log.csv", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "an old workbook (.xls) or one with a password"),
        ("log.csv", b"PK\x03\x04rest", "the name says text, the content is workbook"),
        ("log.xlsx", b"a,b\n1,2\n", "the name says workbook, the content is text; if it is right, name it log.csv"),
        ("log.xlsx", b"PK\x03\x04rest", "no workbook that can be read"),
        ("log.parquet", b"PAR1rest", "no Parquet that can be read"),
        ("log.xls", b"<html><table><tr><td>", "this is a web page or XML"),
        ("log.csv", b"%PDF-1.7", "this is a PDF"),
        ("log.csv", bytes(range(256)) * 8, "a binary file"),
        ("log.csv", b"\xff\xfe\x00\xd8a\x00", "begins like utf-16, but byte 2"),
        ("log.csv", b"a,b\n\xff\xff\xff", "neither in UTF-8 nor in GB18030"),
        ("log.csv", b"a" * (files.LONGEST_LINE + 2), "line 1: longer than 1,048,576 characters"),
        ("log.csv", b'a,b\n"' + b"x\n" * 200_000, "is a quotation mark left open"),
        ("log.csv", b"," * (files.MOST_COLUMNS + 1), "16,386 cells; is this a table?"),
        ("log.csv", b"\n\n\n", "no column is called"),
        ("log.csv", b"1,2\n3,4\n", "no column is called"),
    ],
)  # fmt: skip
def test_a_file_that_is_no_table_gets_one_message(tmp_path, name, content, said):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(TableError) as caught:
        read_reports([path], mapping())
    assert said in str(caught.value)
    assert name in str(caught.value)


def test_a_file_that_is_not_there_gets_one_message(tmp_path):
    with pytest.raises(TableError, match="No such file"):
        read_reports([tmp_path / "log.csv"], mapping())
    with pytest.raises(TableError, match="directory"):
        read_reports([tmp_path], mapping())


def repacked(path: Path, part: str, content: bytes) -> Path:
    """The workbook in *path* with another content of one part."""
    with zipfile.ZipFile(path) as package:
        parts = {name: package.read(name) for name in package.namelist()} | {part: content}
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as package:
        for name, data in parts.items():
            package.writestr(name, data)
    return path


def test_a_zip_bomb_is_refused_by_the_sizes_that_it_declares(tmp_path):
    path = repacked(
        workbook(tmp_path / "log.xlsx", ["a"]), "xl/worksheets/sheet1.xml", b" " * (files._SUSPECT + 1)
    )
    with pytest.raises(TableError, match="as a ZIP bomb does. Nothing was read"):
        read_reports([path], mapping())


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_refused_in_any_part(tmp_path, encoding):
    laughs = '<?xml version="1.0"?>\n<!DOCTYPE sst [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]>\n<sst>&b;</sst>'
    path = repacked(workbook(tmp_path / "log.xlsx", ["a"]), "xl/sharedStrings.xml", laughs.encode(encoding))
    with pytest.raises(TableError, match=r"xl/sharedStrings\.xml defines entities"):
        read_reports([path], mapping())


def test_a_workbook_that_is_damaged_gets_one_message(tmp_path):
    good = workbook(
        tmp_path / "log.xlsx", list(COLUMNS.values()), [GOOD, "接收", "2026-5-6", None, "甲", "CU"]
    )
    for part in (
        "xl/workbook.xml",
        "xl/worksheets/sheet1.xml",
        "xl/styles.xml",
        "xl/_rels/workbook.xml.rels",
    ):
        path = tmp_path / "damaged.xlsx"
        path.write_bytes(good.read_bytes())
        with pytest.raises(TableError, match=r"damaged\.xlsx: "):
            read_reports([repacked(path, part, b"<broken")], mapping())


@given(
    st.binary(max_size=300),
    st.sampled_from(["log.csv", "log.xlsx", "log.parquet", "log"]),
    st.sampled_from([b"", b"PK\x03\x04", b"PAR1", b"\xff\xfe"]),
)
def test_any_bytes_are_a_table_or_get_one_message(tmp_path_factory, content, name, head):
    path = tmp_path_factory.mktemp("bytes") / name
    path.write_bytes(head + content)
    with pytest.raises(TableError):
        read_reports([path], mapping())


# A mapping proposed


def test_a_mapping_is_proposed_from_the_headers_and_what_is_doubtful_is_said(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(
        "电池台账\n电池编码*,业务类型,业务日期,上报时问,颜色,统一社会信用代码\nA,入库,2026-5-6,,红,\nA,利用吧,2026-5-6,,,\n",
        "utf-8",
    )
    proposed = suggest(*column_samples([path], mapping()))
    assert proposed.placed == {
        "event": "业务类型", "event_day": "业务日期", "record_day": "上报时问", "unit": "电池编码*", "actor_code": "统一社会信用代码",
    }  # fmt: skip
    assert proposed.guessed == {"record_day"}
    assert list(proposed.unplaced) == ["颜色"]
    assert proposed.missing == ('actor_role = "CU"',)
    assert proposed.words["event"]["入库"] == "RECEIVE"
    text = proposed.toml()
    assert 'record_day = "上报时问"   # guessed' in text
    assert '# "颜色"' in text


def test_a_proposed_mapping_is_one_that_can_be_used(tmp_path):
    import tomllib

    path = tmp_path / "log.csv"
    path.write_text(
        f'battery code,event,date,company,company type,"odd ""name"""\n{GOOD},received,2026-5-6,A,recycler,\n',
        "utf-8",
    )
    text = suggest(*column_samples([path], mapping())).toml()
    from traceability.imports import checked_mapping

    log = imported(tmp_path, path, by=checked_mapping(tomllib.loads(text), "proposed"))
    assert log.report.accepted == 1
