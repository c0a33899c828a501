"""battrace import: templates, proposals, counts, exit codes."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import openpyxl
import pytest
from click.testing import CliRunner, Result

from sim.cli import cli, main
from tests.imports.logs import COLUMNS, GOOD, row, table
from traceability.imports.columns import FIELDS, TEMPLATE
from traceability.store import open_store, schema
from traceability.vocabulary import EventType


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["import", *map(str, arguments)])


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    with pytest.raises(SystemExit) as end:
        main(["import", *map(str, arguments)])
    assert end.value.code == 2
    return capsys.readouterr().err


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_a_template_is_imported_as_it_stands(folder, language, kind):
    assert call("--template", kind, "--language", language).exit_code == 0
    done = call(f"battrace_template_{language}.{kind}", "--out", "parquet:log")
    assert done.exit_code == 0, done.output
    assert "read 2 lines = 1 accepted + 0 quarantined" in done.output
    with open_store("parquet:log") as store:
        assert store.count(schema.event) == 1


def test_the_second_sheet_of_a_template_explains_every_column_and_every_word(folder):
    call("--template", "xlsx", "--out", folder / "t.xlsx")
    book = openpyxl.load_workbook(folder / "t.xlsx")
    table_of, explained = book.worksheets
    headers = [cell.value for cell in table_of[1]]
    rows = {cells[0]: cells for cells in explained.iter_rows(min_row=2, values_only=True)}
    assert headers == list(rows) == [FIELDS[name].zh for name in TEMPLATE]
    assert all(said for _, _, said, _ in rows.values())
    assert all(event.name in rows["事件"][3] for event in EventType)
    code = table_of.column_dimensions[table_of.cell(1, headers.index("电池编码") + 1).column_letter]
    assert code.number_format == "@"


def test_a_proposal_is_a_mapping_file(folder):
    path = table(folder, row("接收", "2026-05-06"))
    proposed = call(path, "--suggest")
    assert proposed.exit_code == 0
    assert tomllib.loads(proposed.output)["columns"] == {
        name: COLUMNS[name]
        for name in ("event", "event_day", "record_day", "unit", "vehicle", "actor", "actor_role")
    }
    assert json.loads(call(path, "--suggest", "--json").output)["not_placed"] == {}


def test_quarantined_rows_are_counted_listed_and_end_with_one(folder):
    path = table(folder, row("接收", "2026-05-06"), row("接收", "5/6/2026"), row("接受了", "2026-05-06"))
    done = call(path, "--out", f"sqlite:///{folder / 'log.db'}", "--quarantine", "bad.csv")
    assert done.exit_code == 1
    assert (
        "read 4 lines = 1 accepted + 2 quarantined + 0 blank lines + 1 titles and headers + 0 totals"
        in done.output
    )
    assert len((folder / "bad.csv").read_text("utf-8-sig").splitlines()) == 3
    told = json.loads(call(path, "--json").output)
    assert (told["read"], told["accepted"], told["quarantined"]) == (4, 1, 2)
    assert not (folder / "log").exists()


def test_clean_rows_leave_no_quarantine(folder):
    done = call(table(folder, row("接收", "2026-05-06")))
    assert done.exit_code == 0
    assert "nothing else was written" in done.output
    assert not (folder / "quarantine.csv").exists()


def test_wrong_input_ends_with_one_message(folder, capsys):
    path = table(folder, row("接收", "2026-05-06"))
    assert "no file given" in call().output
    assert "No such file" in refused(capsys, "no.csv")
    (folder / "odd.csv").write_text(f"编码,做了啥\n{GOOD},接收\n", "utf-8")
    assert "--suggest FILE > columns.toml" in refused(capsys, "odd.csv")
    (folder / "columns.toml").write_text('[columns]\nunti = "x"\n', "utf-8")
    assert "did you mean `unit`" in refused(capsys, path, "--map", "columns.toml")
    (folder / "columns.toml").write_text("[columns\n", "utf-8")
    assert "no TOML that can be read" in refused(capsys, path, "--map", "columns.toml")
    assert "a template of this kind is named .xlsx" in refused(capsys, "--template", "xlsx", "--out", "t.csv")
