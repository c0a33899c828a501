"""`battrace audit` over tables of one's own, under several laws, into files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sim.cli import main

TABLE = """\
事件,发生日期,上报时间,电池编码,企业名称,企业类型,接收企业,接收企业类型
接收,2026-05-06,2026-06-06,ZZ9PB1AA0B1234G410000042,甲公司,综合利用企业,,
接收,2026-05-06,2026-06-05,ZZ9PB1AA0B1234G410000043,甲公司,综合利用企业,,
接收,2024-09-02,2024-10-18,ZZ9PB1AA0B1234G410000044,甲公司,综合利用企业,,
=1+1,2026-05-06,2026-06-05,ZZ9PB1AA0B1234G410000045,甲公司,综合利用企业,,
"""


@pytest.fixture
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "log.csv"
    path.write_bytes(TABLE.encode("gb18030"))
    return path


def audited(*arguments: str) -> int:
    """Run the command and return its exit code."""
    with pytest.raises(SystemExit) as ended:
        main(["audit", *arguments])
    return int(ended.value.code or 0)


def test_a_table_is_imported_and_audited_and_the_bad_row_is_set_aside(table, tmp_path, capsys):
    assert audited(str(table), "--as-of", "2026-11-01", "--out", "audit") == 1
    told = json.loads((tmp_path / "audit" / "findings.json").read_text("utf-8"))
    late = [one for one in told["findings"] if one["rule"] == "R46"]
    assert [(one["code"], one["measured"], one["due_day"]) for one in late] == [
        ("ZZ9PB1AA0B1234G410000042", 31, "2026-06-05")
    ]
    assert "a formula" in (tmp_path / "audit" / "quarantine.csv").read_text("utf-8-sig")
    assert "3 accepted + 1 quarantined" in capsys.readouterr().out
    assert not list(tmp_path.glob(".*"))


def test_one_log_under_two_laws_says_why_they_differ(table, capsys):
    assert audited(str(table), "--as-of", "2026-11-01", "--law", "cn_2018", "--law", "order73", "--json") == 1
    rows = {row["rule"]: row for row in json.loads(capsys.readouterr().out)}
    # thirty-one days are fewer than thirty working days; thirty working days are more than thirty days
    assert (rows["R46"]["cn_2018"], rows["R46"]["order73"]) == (0, 2)
    assert "30 working days under cn_2018" in rows["R46"]["why"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--law", "order37"), "order73"),
        (("--view", "truth"), "says what was reported"),
        (("--out", "findings.pdf"), "unknown format `pdf`"),
        (("--rules", "none.py"), "none.py"),
        (("--map", "none.toml"), "none.toml"),
    ],
)
def test_a_wrong_word_is_answered_in_one_message(table, capsys, arguments, said):
    assert audited(str(table), "--as-of", "2026-11-01", *arguments) == 2
    assert said in capsys.readouterr().err


def test_a_broken_rule_file_is_named_and_the_others_are_asked(table, tmp_path, capsys):
    (tmp_path / "mine.py").write_text("raise RuntimeError('of the file')\n", encoding="utf-8")
    assert audited(str(table), "--as-of", "2026-11-01", "--rules", "mine.py") == 3
    shown = capsys.readouterr()
    assert "BROKEN mine.py:1: RuntimeError: of the file" in shown.err
    assert "R46" in shown.out
