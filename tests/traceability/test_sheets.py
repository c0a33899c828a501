"""What we write for spreadsheets: no cell is run, numbers stay numbers, a file is there whole or not at all."""

from __future__ import annotations

import csv
from datetime import date

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from traceability.errors import TableError
from traceability.sheets import LIVE, Sheet, neutral, write_csv, write_xlsx

HARMFUL = ["=1+1", "+1", "-2+3", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1+1", "=cmd|'/C calc'!A0"]


@pytest.mark.parametrize("cell", HARMFUL)
def test_a_text_that_a_spreadsheet_could_run_gets_an_apostrophe(cell):
    assert neutral(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", [-5, -0.5, True, None, "", "04QPE", "2026-05-06", " =1", date(2026, 5, 6)])
def test_all_else_stays_as_it_is(cell):
    assert neutral(cell) is cell


@given(
    st.lists(
        st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=6), min_size=1, max_size=3),
        max_size=5,
    )
)
def test_no_cell_of_a_csv_begins_like_a_formula(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "out.csv"
    assert write_csv(path, ["a", "b", "c"], rows) == len(rows)
    with path.open(encoding="utf-8-sig", newline="") as file:
        written = list(csv.reader(file))
    assert all(cell[:1] not in LIVE for row in written for cell in row if cell)


def test_a_csv_of_chinese_begins_with_the_mark_that_excel_needs(tmp_path):
    write_csv(tmp_path / "out.csv", ["编码"], [["甲", -5]])
    assert (tmp_path / "out.csv").read_bytes() == "\ufeff编码\n甲,-5\n".encode()
    write_csv(tmp_path / "out.csv", ["编码"], [], mark=False)
    assert (tmp_path / "out.csv").read_bytes() == "编码\n".encode()


def test_a_workbook_holds_texts_numbers_and_days_and_no_formula(tmp_path):
    path = tmp_path / "out.xlsx"
    write_xlsx(
        path, [Sheet("表", ["a", "b", "c", "=d"], [["=1+1", -5, date(2026, 5, 6), True], HARMFUL[:4]])]
    )
    page = openpyxl.load_workbook(path)["表"]
    assert [cell.value for cell in page[1]] == ["a", "b", "c", "'=d"]
    assert [page["A2"].value, page["B2"].value, page["C2"].value.date(), page["D2"].value] == [
        "'=1+1",
        -5,
        date(2026, 5, 6),
        True,
    ]
    assert all(cell.data_type != "f" for row in page for cell in row)


def test_the_same_table_is_the_same_workbook(tmp_path):
    for name in ("a.xlsx", "b.xlsx"):
        write_xlsx(tmp_path / name, [Sheet("t", ["a"], [["x"]])])
    assert (tmp_path / "a.xlsx").read_bytes() == (tmp_path / "b.xlsx").read_bytes()


def test_a_file_that_cannot_be_written_gets_one_message_and_leaves_nothing(tmp_path):
    with pytest.raises(TableError, match="cannot be written"):
        write_csv(tmp_path / "no" / "out.csv", ["a"], [])
    with pytest.raises(TableError, match="cannot be written"):
        write_xlsx(tmp_path / "no" / "out.xlsx", [Sheet("t", ["a"], [])])
    with pytest.raises(TableError, match="line 2: a text of 40,000 characters"):
        write_xlsx(tmp_path / "out.xlsx", [Sheet("t", ["a"], [["x" * 40_000]])])
    assert list(tmp_path.iterdir()) == []
