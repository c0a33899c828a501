"""battrace scenario: what it prints, and how it ends."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner, Result

from sim.cli import cli, main
from sim.levers import figures, levers, page, settings
from sim.scenario import load, parameters, shipped

COMMANDS = ("new", "check", "show", "list", "levers", "schema")


def call(*arguments: str) -> Result:
    return CliRunner().invoke(cli, ["scenario", *arguments])


@pytest.fixture
def mine(tmp_path, monkeypatch):
    """Write mine.toml into the working folder, below an `extends` and a name."""
    monkeypatch.chdir(tmp_path)

    def write(text: str) -> str:
        (tmp_path / "mine.toml").write_text(f'extends = "baseline"\nname = "mine"\n{text}', "utf-8")
        return "mine.toml"

    return write


@pytest.mark.parametrize("name", COMMANDS)
def test_help_gives_an_example(name):
    result = call(name, "--help")
    assert result.exit_code == 0
    assert f"Example: battrace scenario {name}" in result.output


# new


def test_a_new_scenario_is_checked_and_valid(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    made = call("new", "scrapping", "--from", "baseline")
    assert made.exit_code == 0
    assert "battrace scenario check scrapping.toml" in made.output
    checked = call("check", "scrapping.toml")
    assert checked.exit_code == 0
    assert "scrapping.toml: valid; " in checked.output
    assert "0 differ from baseline" in checked.output


def test_new_with_all_shows_every_figure_of_its_base(tmp_path):
    told = call("new", "full", "--from", "solid_state", "--all", "--out", str(tmp_path / "x.toml"), "--json")
    assert json.loads(told.stdout)["levers"] == len(list(parameters(load("solid_state"))))


def test_what_cannot_be_begun_ends_with_one_message_and_2(capsys, tmp_path):
    for arguments, expected in (
        (("x", "--from", "baselin"), "did you mean `baseline`?"),
        (("baseline",), "is a shipped scenario"),
        (("x", "--out", str(tmp_path / "no" / "x.toml")), "cannot be written"),
    ):
        with pytest.raises(SystemExit) as end:
            main(["scenario", "new", *arguments])
        assert end.value.code == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert expected in said.err
        assert len(said.err.splitlines()) == 1


# check


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[enforcment]\n", "mine.toml:3: unknown key `enforcment`; did you mean `enforcement`?"),
        (
            "[market]\nowner_yuan = 1\n",
            "mine.toml:4: unknown key `market.owner_yuan`; did you mean `owner_yuan_t`?",
        ),
        ("[life]\nexport_share = {2027-13-01 = 0.1}\n", "`2027-13-01` is not a day; write it as 2026-04-01"),
        ('[scrapping]\nfirms = "many"\n', "mine.toml:4: `scrapping.firms`: Input should be a valid integer"),
        (
            "[collection]\ndensity = 0\n",
            "mine.toml:4: `collection.density`: Input should be greater than or equal to",
        ),
        (
            "[informal]\nstorage_share = 0.99\n",
            "informal: e_bike_share and storage_share add up to more than 1",
        ),
        (
            '[brand.Tesla]\nmonthly_vehicles = {2026-02-01 = 4}\nsources.monthly_vehicles = "assumed"\n',
            "mine.toml: unknown vehicle maker `Tesla` in brand; did you mean `Tesla China`?",
        ),
    ],
    ids=["section", "key", "date", "type", "range", "contradiction", "maker"],
)
def test_a_slip_is_answered_with_one_message_and_2(mine, text, expected):
    result = call("check", mine(text))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert expected in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_a_valid_file_is_told_what_it_holds_assumes_and_changes(mine):
    text = '[collection]\ndensity = 2.5\nsources.density = "assumed: what if"\n'
    result = call("check", mine(text))
    assert result.exit_code == 0
    listed = figures(load("mine.toml"))
    assumed = sum(f.grade == "assumed" for f in listed)
    first, _, row = result.stdout.splitlines()
    assert first == f"mine.toml: valid; {len(listed)} parameters, {assumed} assumed; 1 differ from baseline"
    assert row.split() == ["collection.density", "1", "->", "2.5", "-"]


def test_at_most_twelve_changes_are_shown_and_the_rest_is_pointed_at():
    result = call("check", "solid_state")
    assert result.exit_code == 0
    changes = json.loads(call("show", "solid_state", "--diff", "baseline", "--json").stdout)
    assert result.stdout.count(" none -> ") == 12
    assert (
        f"and {len(changes) - 12} more: battrace scenario show solid_state --diff baseline" in result.stdout
    )


def test_a_value_that_reaches_back_is_noted_and_still_valid(mine):
    result = call("check", mine("[market]\npayable_other = {2027-01-01 = 0.6}\n"))
    assert result.exit_code == 0
    notes = [line for line in result.stdout.splitlines() if line.startswith("note: ")]
    assert [("holds before 2027-01-01 too" in n, "with the source of the old value" in n) for n in notes] == [
        (True, False),
        (False, True),
    ]


def test_one_bad_file_does_not_hide_what_is_said_of_the_others(mine):
    result = call("check", "--json", mine("[enforcment]\n"), "baseline")
    assert result.exit_code == 2
    bad, good = json.loads(result.stdout)
    assert (bad["valid"], "`enforcement`" in bad["error"], bad["changes"]) == (False, True, [])
    assert (good["valid"], good["extends"], good["changes"]) == (True, None, [])


def test_changes_in_json_have_both_figures_with_their_sources(mine):
    told = json.loads(call("check", "--json", mine("[collection]\ndensity = 2.5\n")).stdout)
    (change,) = told[0]["changes"]
    assert change["key"] == "collection.density"
    assert (change["old"]["value"], change["new"]["value"]) == (1.0, 2.5)
    assert change["new"]["grade"]


# show


def test_show_gives_every_figure_with_unit_grade_and_source():
    listed = json.loads(call("show", "--json").stdout)
    sourced = [row for row in listed if row["grade"]]
    assert [row["key"] for row in sourced] == [p.key for p in parameters(load("baseline"))]
    assert [row["key"] for row in listed if not row["grade"]] == [s.key for s in settings()]
    table = call("show").stdout
    assert max(len(line) for line in table.splitlines()) <= 100
    assert f"{len(sourced)} parameters, " in table


def test_show_of_a_section_has_its_figures_only():
    told = json.loads(call("show", "--section", "inspection", "--json").stdout)
    assert {row["key"].rpartition(".")[0] for row in told} == {
        f"inspection.{who}" for who in ("miit", "mofcom", "mee", "samr", "mot")
    }
    one = json.loads(call("show", "--section", "inspection.mee", "--json").stdout)
    assert one == [row for row in told if row["key"].startswith("inspection.mee.")]


def test_a_difference_is_shown_with_both_values():
    result = call("show", "no_swap_exemption", "--diff", "baseline")
    assert result.exit_code == 0
    assert "no_swap_exemption: 1 differ from baseline" in result.stdout
    assert "enforcement.swap_exempt" in result.stdout
    assert "1 -> {2011-01-01 = 1," in result.stdout
    elsewhere = call("show", "no_swap_exemption", "--diff", "baseline", "--section", "market", "--json")
    assert json.loads(elsewhere.stdout) == []


@pytest.mark.parametrize("more", [(), ("--diff", "baseline")])
def test_a_section_that_there_is_not_is_answered_with_the_closest(capsys, more):
    with pytest.raises(SystemExit) as end:
        main(["scenario", "show", "solid_state", "--section", "swop", *more])
    assert end.value.code == 2
    assert capsys.readouterr().err == "battrace: unknown section `swop`; did you mean `swap`?\n"


# list, levers, schema


def test_the_shipped_scenarios_are_listed_with_titles_in_both_languages():
    told = json.loads(call("list", "--json").stdout)
    assert [row["name"] for row in told] == shipped()
    assert all(row["title_en"] and row["title_zh"] for row in told)
    table = call("list").stdout
    assert all(name in table for name in shipped())


def test_levers_prints_the_page_and_its_rows_as_json():
    assert call("levers").stdout == page()
    told = json.loads(call("levers", "--json").stdout)
    assert [row["key"] for row in told] == [lever.key for lever in (*settings(), *levers())]


def test_schema_prints_a_json_schema():
    told = json.loads(call("schema").stdout)
    assert told["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert told["properties"]["extends"]["type"] == "string"
