"""battrace code, lifecycle and show: what they print, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import select

from sim.cli import cli, main
from sim.inputs import load as load_inputs
from sim.run import simulate
from sim.scenario import load as load_scenario
from traceability.errors import TraceabilityError
from traceability.lifecycle import TRANSITIONS
from traceability.store import open_store, schema
from traceability.vocabulary import EventType, Level

ROOT = Path(__file__).parents[2]
GOOD, REUSED, VIN = "ZZ9PB1AA0B1234G410000042", "ZZ8MB2CG9A0000007RM", "LZZTEST19SA000042"
WRONG = "ZZ9PB1AA0B1234G41O000042"


def call(*arguments: str, stdin: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, list(arguments), input=stdin)


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one message with which the program ends; its exit code is 2."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert end.value.code == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err
    return shown.err


def test_help_of_the_commands_gives_an_example_and_names_json():
    for name in ("code", "lifecycle", "show"):
        result = call(name, "--help")
        assert result.exit_code == 0
        assert f"Example: battrace {name}" in result.output
        assert "--json" in result.output


def test_the_list_of_commands_does_not_import_what_draws_and_reads():
    program = (
        "import sys; sys.argv = ['battrace', '--help']\n"
        "from sim.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(sorted({'duckdb', 'rich', 'sqlalchemy', 'simpy'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


# code


def test_a_code_is_taken_apart_by_position():
    result = call("code", GOOD)
    assert result.exit_code == 0
    lines = [line.split() for line in result.output.splitlines() if line.split()]
    assert lines[0] == [GOOD, "new", "product,", "24", "characters"]
    assert ["1-3", "maker", "ZZ9"] in lines
    assert ["4", "level", "P", "pack"] in lines
    assert ["5", "battery", "type", "B", "LFP"] in lines
    assert ["17", "day", "1", "made", "on", "2026-04-01"] in lines
    assert ["18-24", "serial", "0000042", "42", "of", "that", "day"] in lines


def test_a_doubtful_code_is_accepted_with_its_warning():
    result = call("code", GOOD + "RP")
    assert result.exit_code == 0
    assert "doubtful: 26 characters" in result.output


def test_a_vin_is_taken_apart_too():
    result = call("code", VIN)
    assert result.exit_code == 0
    assert "model year" in result.output
    assert "2025 (or 30 years before or after)" in result.output


def test_a_wrong_code_is_told_by_position_and_the_right_ones_are_shown_all_the_same():
    result = call("code", WRONG, GOOD)
    assert result.exit_code == 2
    assert f"`{WRONG}`: position 18 (serial): `O` is not allowed; 0-9; did you mean `0`?" in result.stderr
    assert GOOD in result.stdout


def test_json_has_an_object_for_each_code_in_the_order_given():
    result = call("code", "--json", GOOD, WRONG, VIN, REUSED)
    assert result.exit_code == 2
    told = json.loads(result.stdout)
    assert [one["kind"] for one in told] == ["battery", None, "vehicle", "battery"]
    assert told[0]["made_on"] == "2026-04-01"
    assert told[1]["text"] == WRONG
    assert "position 18" in told[1]["error"]
    assert told[2]["model_year"] == 2025
    assert told[3]["form"] == "reused"


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_codes_are_read_a_line_each_from_standard_input(arguments):
    result = call("code", "--json", *arguments, stdin=f"\ufeff{GOOD}\r\n\n   \n {VIN} \n")
    assert result.exit_code == 0
    assert [one.get("code") or one["text"] for one in json.loads(result.stdout)] == [GOOD, VIN]


def test_arguments_and_standard_input_go_together():
    result = call("code", "--json", REUSED, "-", GOOD, stdin=f"{VIN}\n")
    assert [one["text"] if "text" in one else one["code"] for one in json.loads(result.stdout)] == [
        REUSED,
        VIN,
        GOOD,
    ]


def test_bytes_that_are_no_text_are_a_wrong_code_and_no_failure():
    result = call("code", stdin=b"\xff\xfe\x00ABC\n")
    assert result.exit_code == 2
    assert "characters" in result.stderr


def test_nothing_to_read_is_nothing_wrong():
    result = call("code", "--json", stdin="")
    assert (result.exit_code, json.loads(result.stdout)) == (0, [])


# lifecycle


def test_the_table_fits_a_terminal_and_has_every_state_and_event():
    result = call("lifecycle")
    assert result.exit_code == 0
    assert max(map(len, result.output.splitlines())) <= 80
    for table in TRANSITIONS.values():
        for state, event in table:
            assert state.name in result.output
            assert event.name in result.output


def test_json_has_every_transition_once():
    told = json.loads(call("lifecycle", "--json").stdout)
    rows = {(row["level"], row["state"], row["event"], row["after"]) for row in told}
    expected = {
        (level.name, before.name, event.name, after.name)
        for level, table in TRANSITIONS.items()
        for (before, event), after in table.items()
    }
    assert rows == expected
    assert len(told) == len(expected)


def test_a_level_is_chosen_in_either_case():
    told = json.loads(call("lifecycle", "--level", "Vehicle", "--json").stdout)
    assert {row["level"] for row in told} == {"VEHICLE"}
    assert "RECEIVE_VEHICLE" not in call("lifecycle", "--level", "pack").output


def test_a_wrong_level_is_answered_with_the_closest(capsys):
    assert "unknown level `modul`; did you mean `module`" in refused(capsys, "lifecycle", "--level", "modul")


def test_the_picture_is_written_whole_and_nothing_else_beside_it(tmp_path):
    path = tmp_path / "pack.svg"
    path.write_text("before")
    result = call("lifecycle", "--level", "pack", "--svg", str(path))
    assert result.exit_code == 0
    assert str(path) in result.output
    assert ElementTree.fromstring(path.read_text("utf-8")).tag == "{http://www.w3.org/2000/svg}svg"
    assert list(tmp_path.iterdir()) == [path]


def test_a_picture_that_cannot_be_written_is_one_message(capsys, tmp_path):
    path = tmp_path / "nowhere" / "pack.svg"
    assert f"{path}: cannot be written: No such file" in refused(capsys, "lifecycle", "--svg", str(path))


# show


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of one replication."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    (folder / "log").mkdir(parents=True)
    with open_store(str(folder / "log" / "r000"), create=True) as store:
        simulate(load_scenario("baseline", scale=100_000, until="2027-12-31"), load_inputs(), store)
    return folder


@pytest.fixture(scope="module")
def removed(run: Path) -> tuple[str, str]:
    """The code and the VIN of a coded pack that was taken out of a vehicle."""
    e, u, v = schema.event, schema.unit, schema.vehicle
    with open_store(str(run / "log" / "r000")) as store:
        rows = store.rows(
            select(u.c.code, v.c.vin)
            .select_from(e.join(u, u.c.unit == e.c.unit).join(v, v.c.vehicle == e.c.vehicle))
            .where(e.c.event == int(EventType.REMOVE), u.c.code.is_not(None), u.c.level == int(Level.PACK))
            .order_by(e.c.event_id)
            .limit(1)
        )
    return str(rows[0][0]), str(rows[0][1])


def test_a_pack_is_shown_with_its_events_holders_vehicle_and_who_answers(run, removed):
    code, vin = removed
    result = call("show", str(run), code)
    assert result.exit_code == 0
    for word in (
        code,
        "happened",
        "reported",
        "REMOVE",
        "holders",
        "vehicles it was in",
        vin,
        "grade B",
        "findings",
    ):
        assert word in result.output


def test_a_vehicle_is_shown_with_the_packs_that_were_in_it(run, removed):
    code, vin = removed
    result = call("show", str(run), vin, "--no-findings")
    assert result.exit_code == 0
    for word in (vin, code, "units in it", "CERTIFY", "SELL"):
        assert word in result.output
    assert "findings" not in result.output


def test_json_tells_the_same_life(run, removed):
    code, vin = removed
    told = json.loads(call("show", str(run), code, "--json").stdout)
    assert told["name"] == code
    assert vin in {stay["vin"] for stay in told["stays"]}
    assert {"REMOVE", "CODE"} <= {event["event"] for event in told["events"]}
    assert told["holders"][-1]["to_day"] is None
    assert isinstance(told["findings"], list)


def test_a_store_is_shown_by_path_and_by_url(run, removed):
    path = run / "log" / "r000"
    for where in (str(path), f"parquet:{path}"):
        assert (
            json.loads(call("show", where, removed[0], "--no-findings", "--json").stdout)["name"]
            == removed[0]
        )


def test_a_slip_in_the_code_is_answered_with_the_closest(capsys, run, removed):
    code = removed[0]
    slip = f"{code[:9]}?{code[10:]}"
    assert f"did you mean `{code}`" in refused(capsys, "show", str(run), slip)


def test_what_is_not_there_is_one_message(capsys, run, tmp_path):
    assert "unknown replication `r004`" in refused(capsys, "show", str(run), "unit:0", "--replication", "4")
    assert "is no run folder" in refused(
        capsys, "show", str(run / "log" / "r000"), "unit:0", "--replication", "4"
    )
    assert "there is no store" in refused(capsys, "show", str(tmp_path / "none"), "unit:0")
    assert "unknown unit number `999999999`" in refused(capsys, "show", str(run), "unit:999999999")


def test_errors_of_the_library_are_those_that_a_user_can_act_upon(run):
    result = call("show", str(run), "nobody")
    assert isinstance(result.exception, TraceabilityError)
