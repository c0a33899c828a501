"""What a scenario may change: every key documented, its bounds those that the loader holds."""

from __future__ import annotations

import json
import math
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from sim.cli.scenario_begin import begin
from sim.figures import GRADES
from sim.levers import (
    NAME,
    Lever,
    base_of,
    differences,
    figures,
    json_schema,
    levers,
    page,
    remarks,
    settings,
    toml_text,
)
from sim.scenario import REPORTERS, Scenario, load, shipped
from tests.sim.small import baseline
from traceability.errors import ScenarioError

PAGE = Path(__file__).parents[2] / "docs" / "levers.md"
IN_BASELINE = [lever for lever in levers() if NAME not in lever.key.split(".")]
NUMBERS = [lever for lever in IN_BASELINE if "number" in lever.form and lever.low is not None]


def ids(lever: Lever) -> str:
    return lever.key


def put(table: dict[str, Any], key: str, value: object) -> dict[str, Any]:
    """*table* with *value* at a dotted key."""
    *path, field = key.split(".")
    inner = table
    for name in path:
        inner = inner[name]
    inner[field] = value
    return table


def shipped_table(name: str) -> dict[str, Any]:
    """A shipped file as an editor's schema checker sees it: days are text."""
    text = files("sim").joinpath("scenarios", f"{name}.toml").read_text("utf-8")
    table: dict[str, Any] = json.loads(json.dumps(tomllib.loads(text), default=str))
    return table


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'extends = "baseline"\nname = "mine"\n{text}', "utf-8")
    return path


# every key is documented


@pytest.mark.parametrize("lever", list(levers()), ids=ids)
def test_every_key_has_a_unit_and_a_sentence_in_both_languages(lever):
    assert lever.unit.strip()
    assert lever.en.strip()
    assert any("一" <= letter <= "鿿" for letter in lever.zh)


@pytest.mark.parametrize("lever", IN_BASELINE, ids=ids)
def test_every_key_of_every_section_has_a_graded_source_in_the_baseline(lever):
    path, _, field = lever.key.rpartition(".")
    section: Any = baseline()
    for name in path.split("."):
        section = section[name]
    assert section[field] is not None
    grade, colon, said = section["sources"][field].partition(":")
    assert grade in GRADES
    assert grade == "assumed" or (colon and said.strip())


def test_the_levers_are_the_figures_of_the_baseline_and_no_others():
    assert [lever.key for lever in IN_BASELINE] == [f.key for f in figures(load("baseline"))]


def test_sections_that_a_scenario_names_itself_are_levers_too():
    known = {lever.key for lever in levers()}
    for name in shipped():
        for figure in figures(load(name)):
            first, *_, last = figure.key.split(".")
            assert figure.key in known or f"{first}.{NAME}.{last}" in known


def test_the_page_of_levers_is_that_of_the_code():
    """`battrace scenario levers > docs/levers.md` makes it so."""
    assert PAGE.read_text("utf-8") == page()


def test_the_page_has_a_row_for_every_key():
    rows = [line for line in page().splitlines() if line.startswith("| `")]
    assert len(rows) == len(list(levers())) + len(list(settings()))
    assert {line.count(" | ") for line in rows} == {6}


# the bounds are those of the loader


@pytest.mark.parametrize("lever", NUMBERS, ids=ids)
def test_a_figure_beyond_its_stated_range_is_refused_and_one_at_its_bounds_is_not_for_that(lever):
    assert lever.low is not None
    assert lever.high is not None
    whole = lever.form == "whole number"
    for inside, step in ((lever.low, -1), (lever.high, 1)):
        outside = inside + step if whole else math.nextafter(inside, step * math.inf)
        with pytest.raises(ValueError, match=lever.key.split(".")[-1]) as refused:
            Scenario.model_validate(put(baseline(), lever.key, outside))
        assert ".".join(str(part) for part in refused.value.errors()[0]["loc"]) == lever.key
        try:
            Scenario.model_validate(put(baseline(), lever.key, inside))
        except ValueError as contradiction:  # with another figure, never with its own bounds
            locations = [".".join(map(str, e["loc"])) for e in contradiction.errors()]
            assert lever.key not in locations


def test_a_whole_range_by_hand():
    known = {lever.key: lever for lever in (*settings(), *levers())}
    assert known["collection.density"].range == "0.05 to 100"
    assert known["market.leaning_yuan_t"].range == "-1e+09 to 1e+09"
    assert known["life.export_share"].form == "number, or table of days"
    assert known["replications"].range == "1 to 10000"
    assert known[f"plant.{NAME}.first_day"].range == "-"
    assert f"reporting.{REPORTERS[0]}.bulk_share" in known


# JSON Schema


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_keeps_to_the_json_schema(name):
    jsonschema.Draft202012Validator(json_schema()).validate(shipped_table(name))


def test_the_json_schema_is_itself_valid():
    jsonschema.Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "mine"},  # neither extends nor says all
        {"extends": "baseline", "enforcment": {}},
        {"extends": "baseline", "market": {"deposit": 1}},
        {"extends": "baseline", "market": {"deposit_yuan_pack": -1}},
        {"extends": "baseline", "market": {"deposit_yuan_pack": "1"}},
        {"extends": "baseline", "market": {"deposit_yuan_pack": {}}},
        {"extends": "baseline", "market": {"deposit_yuan_pack": {"soon": 1}}},
        {"extends": "baseline", "market": {"sources": {"deposit_yuan_pack": "rumour: heard it"}}},
        {"extends": "baseline", "market": {"sources": {"deposit_yuan_pack": "official:"}}},
        {"extends": "baseline", "market": {"sources": {"deposit": "assumed"}}},
        {"extends": "baseline", "life": {"shape": 0.2}},
        {"extends": "baseline", "scrapping": {"firms": 50.5}},
        {"extends": "baseline", "reporting": {"everybody": {}}},
        {"extends": "baseline", "amendment": {"R57": {"limit": 3}}},
        {"extends": "baseline", "amendment": {"R46": {"limit": "gone"}}},
        {"extends": "baseline", "law": {"forced_regime": "order37"}},
        {"extends": "baseline", "law": {"banned_uses": {"2027-01-01": ["ebike"]}}},
    ],
    ids=str,
)
def test_the_json_schema_refuses_what_the_loader_refuses(tmp_path, wrong):
    assert not jsonschema.Draft202012Validator(json_schema()).is_valid(wrong)
    lines = [f"{key} = {toml_text(value)}" for key, value in wrong.items()]
    path = tmp_path / "wrong.toml"
    path.write_text("\n".join(lines), "utf-8")
    with pytest.raises(ScenarioError):
        load(path)


# differences


def test_a_scenario_does_not_differ_from_itself():
    assert differences(load("baseline"), load("baseline")) == []


def test_what_differs_has_both_values_and_what_one_lacks_has_none():
    base, plant = load("baseline"), load("changan_plant")
    gained = {change.key: change for change in differences(base, plant)}
    assert {key.rpartition(".")[0] for key in gained} == {"plant.changan"}
    capacity = gained["plant.changan.capacity_gwh"]
    assert capacity.old is None
    assert capacity.new is not None
    assert capacity.new.value == 25.0
    assert {c.key for c in differences(plant, base) if c.new is None} == set(gained)


def test_a_difference_too_small_to_print_with_six_digits_is_one(tmp_path):
    mine = load(written(tmp_path, "[market]\nowner_yuan_t = 600.00001\n"))
    other = load(written(tmp_path, "[market]\nowner_yuan_t = 600.00002\n"))
    (change,) = differences(mine, other)
    assert (change.old.value, change.new.value) == (600.00001, 600.00002)


def test_horizon_and_scale_are_differences_without_a_source(tmp_path):
    (change,) = differences(load("baseline"), load(written(tmp_path, "until = 2030-12-31\n")))
    assert (change.key, toml_text(change.new.value), change.new.grade) == ("until", "2030-12-31", "")


def test_a_dated_value_that_reaches_back_over_a_number_is_remarked(tmp_path):
    text = '[scrapping]\ndirect_share = {2027-01-01 = 0.6}\nsources.direct_share = "assumed: what if"\n'
    mine = load(written(tmp_path, text))
    (said,) = remarks(mine, differences(load("baseline"), mine))
    old = toml_text(baseline()["scrapping"]["direct_share"])
    assert said == (
        f"`scrapping.direct_share`: 0.6 holds before 2027-01-01 too; to keep {old} until then add 2011-01-01 = {old}"
    )
    assert mine.scrapping.direct_share.on(0) == 0.6


def test_a_changed_figure_that_keeps_the_old_source_is_remarked(tmp_path):
    mine = load(written(tmp_path, "[collection]\ndensity = 2.5\n"))
    (said,) = remarks(mine, differences(load("baseline"), mine))
    assert "`collection.density`" in said
    assert 'sources.density = "assumed: what if" in [collection]' in said


@pytest.mark.parametrize("name", shipped())
def test_no_shipped_scenario_deserves_a_remark(name):
    base = base_of(name)
    assert (base is None) == (name == "baseline")
    if base is not None:
        scenario = load(name)
        assert remarks(scenario, differences(load(base), scenario)) == []


# values as TOML


@pytest.mark.parametrize("name", shipped())
def test_every_value_is_written_as_toml_reads_it(name):
    for figure in figures(load(name)):
        read = tomllib.loads(f"x = {toml_text(figure.value)}")["x"]
        assert read == (list(figure.value) if isinstance(figure.value, tuple) else figure.value)


# files that begin


def uncommented(path: Path) -> None:
    """Take away the `#` before each figure and each source."""
    lines = path.read_text("utf-8").splitlines()
    path.write_text(
        "\n".join(x.removeprefix("# ") if n > 1 else x for n, x in enumerate(lines)) + "\n", "utf-8"
    )


def test_a_begun_scenario_is_valid_and_changes_nothing(tmp_path):
    path = tmp_path / "mine.toml"
    begin("mine", "baseline", path)
    assert load(path).title_en == "mine"
    assert differences(load("baseline"), load(path)) == []
    assert len(path.read_text("utf-8").splitlines()) <= 15


def test_the_levers_of_a_begun_scenario_work_once_the_comment_is_taken_away(tmp_path):
    path = tmp_path / "mine.toml"
    assert begin("mine", "baseline", path) == 3
    uncommented(path)
    base, mine = load("baseline"), load(path)
    changes = differences(base, mine)
    assert len(changes) == 3
    assert remarks(mine, changes) == []
    day = 20_454  # 2026-01-01: what was before 2027 stays
    assert mine.enforcement.swap_exempt.on(day) == base.enforcement.swap_exempt.on(day) == 1
    assert mine.enforcement.swap_exempt.on(day + 365) == 0


@pytest.mark.parametrize("base", shipped())
def test_all_figures_of_a_begun_scenario_are_those_of_its_base(tmp_path, base):
    path = tmp_path / "mine.toml"
    assert begin("mine", base, path, every=True) == len(figures(load(base)))
    uncommented(path)
    assert differences(load(base), load(path)) == []


def test_a_base_that_is_a_file_is_found_from_the_folder_of_the_new_one(tmp_path):
    written(tmp_path, "[collection]\ndensity = 2.5\n")
    (tmp_path / "deeper").mkdir()
    path = tmp_path / "deeper" / "child.toml"
    begin("child", str(tmp_path / "mine.toml"), path)
    assert 'extends = "../mine.toml"' in path.read_text("utf-8")
    assert load(path).collection.density == 2.5
    assert base_of(path) == tmp_path / "deeper" / ".." / "mine.toml"


def test_a_file_that_is_there_is_left_as_it_is(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("mine")
    with pytest.raises(ScenarioError, match="is there already"):
        begin("mine", "baseline", path)
    assert path.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "expected"),
    [("no/folder", "is no name"), ("", "is no name"), ("baseline", "is a shipped scenario")],
)
def test_a_name_that_cannot_be_is_refused_and_nothing_written(tmp_path, name, expected):
    with pytest.raises(ScenarioError, match=expected):
        begin(name, "baseline", tmp_path / "mine.toml")
    assert list(tmp_path.iterdir()) == []
