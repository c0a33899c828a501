"""What a scenario file may say, and what a bad one is told."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import sim
from sim.dated import Dated
from sim.figures import GRADES, Section
from sim.habits import Reporting
from sim.scenario import REPORTERS, Scenario, load, parameters, shipped
from tests.sim.small import baseline
from traceability.errors import ScenarioError
from traceability.events import day_number

BASELINE = (Path(sim.__file__).parent / "scenarios" / "baseline.toml").read_text("utf-8")


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every section of the baseline with the path of its table, those of `reporting` left out."""
    for name, table in baseline().items():
        if isinstance(table, dict) and name != "reporting":
            inner = (
                {name: table}
                if "sources" in table
                else {f"{name}.{who}": part for who, part in table.items()}
            )
            yield from inner.items()


FIGURES = [(section, key) for section, table in sections() for key in table if key != "sources"] + [
    ("reporting.outlets", key) for key in Reporting.model_fields if key != "sources"
]


def changed(*replacements: tuple[str, str]) -> str:
    """The text of the baseline, each first occurrence of `old` made `new`."""
    text = BASELINE
    for old, new in replacements:
        assert old in text, f"the baseline no longer says {old!r}"
        text = text.replace(old, new, 1)
    return text


def with_figure(section: str, key: str, value: str) -> str:
    """The text of the baseline with *value* for one figure."""
    head, mark, rest = BASELINE.partition(f"[{section}]\n")
    assert mark
    after, count = re.subn(rf"(?m)^{key} = .*$", lambda _: f"{key} = {value}", rest, count=1)
    assert count
    return head + mark + after


def line_of(text: str, beginning: str) -> int:
    return next(n for n, line in enumerate(text.splitlines(), start=1) if line.startswith(beginning))


@pytest.fixture
def refusal(tmp_path):
    """What the loader says of a text; fails where it takes it."""

    def refused(text: str, name: str = "mine.toml") -> str:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        with pytest.raises(ScenarioError) as caught:
            load(path)
        return str(caught.value).replace(f"{tmp_path}/", "")

    return refused


@pytest.fixture
def loaded(tmp_path):
    def take(text: str, name: str = "mine.toml") -> Scenario:
        path = tmp_path / name
        path.write_text(text, "utf-8")
        return load(path)

    return take


# --- what is shipped ---


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_scenario_loads_by_its_name_and_says_what_it_is(name):
    scenario = load(name)
    assert scenario.name == name
    assert scenario.title_en
    assert scenario.title_zh


def test_the_baseline_is_shipped():
    assert "baseline" in shipped()


def test_the_list_of_assumptions_holds_every_figure_with_unit_grade_and_both_languages():
    listed = {p.key: p for p in parameters(load("baseline"))}
    expected = {f"{section}.{key}" for section, key in FIGURES if not section.startswith("reporting")}
    expected |= {
        f"reporting.{who}.{key}" for who in REPORTERS for key in Reporting.model_fields if key != "sources"
    }
    assert set(listed) == expected
    for parameter in listed.values():
        assert parameter.unit
        assert parameter.value
        assert parameter.grade in GRADES
        assert parameter.source or parameter.grade == "assumed", (
            f"{parameter.key}: {parameter.grade}, but by whom?"
        )
        assert re.search("[a-z]", parameter.en)
        assert re.search("[\u4e00-\u9fff]", parameter.zh)


def test_a_figure_is_listed_as_the_file_has_it():
    listed = {p.key: p for p in parameters(load("baseline"))}
    assert listed["life.shape"].value == "6.01"
    assert (
        listed["life.export_share"].value == "0 from 2011-01-01; 0.02 from 2021-01-01; 0.06 from 2024-01-01"
    )
    assert listed["enforcement.swap_exempt"].grade == "official"
    assert listed["inspection.mee.list_ban_years"].grade == "official"
    assert listed["inspection.mofcom.fine_yuan"].unit == "yuan/case"
    assert listed["scrapping.firms"] == (
        "scrapping.firms", "732", "firms", "press", "732 dismantlers in 2021", "licensed dismantlers", "报废机动车回收拆解企业数",
    )  # fmt: skip


def test_every_figure_has_a_use():
    """A figure that no process reads is a promise that a scenario cannot keep."""
    root = Path(sim.__file__).parent
    used: set[str] = set()
    for path in [*root.glob("*.py"), *root.glob("processes/*.py")]:
        if path.name != "scenario.py":
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Attribute):
                    used.add(node.attr)
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    used.add(node.value)
    assert {key for _, key in FIGURES} <= used


# --- figures that change ---


def test_a_dated_figure_holds_from_its_day_on_and_its_first_value_before():
    series = Dated(((date(2020, 1, 1), 0.25), (date(2026, 4, 1), 0.5)))
    days = [date(2000, 1, 1), date(2020, 1, 1), date(2026, 3, 31), date(2026, 4, 1), date(2040, 1, 1)]
    expected = [0.25, 0.25, 0.25, 0.5, 0.5]
    assert [series.on(day_number(day)) for day in days] == expected
    assert np.asarray(series.at(np.array([day_number(day) for day in days]))).tolist() == expected
    for day, value in zip(days, expected, strict=True):  # one number where all fall into one step
        assert series.at(np.array([day_number(day)] * 2)) == value


def test_days_may_be_written_in_any_order(loaded):
    one = loaded(
        with_figure("life", "export_share", "{2024-01-01 = 0.06, 2011-01-01 = 0.0, 2021-01-01 = 0.02}")
    )
    assert one.life.export_share == load("baseline").life.export_share


# --- bad figures ---


def test_an_unknown_key_is_told_with_its_line_and_the_closest_name(refusal):
    text = changed(("noise_yuan_t = 3000", "noise_yuan = 3000"))
    said = refusal(text)
    assert (
        f"mine.toml:{line_of(text, 'noise_yuan = ')}: unknown key `market.noise_yuan`; did you mean `noise_yuan_t`?"
        in said
    )


def test_an_unknown_key_that_resembles_none_is_told_what_there_is(refusal):
    said = refusal(changed(("lot_t = 20.0", "lot_t = 20.0\nxyzzy = 1")))
    assert (
        "unknown key `production_scrap.xyzzy`; known here: sources, rate_kg_kwh, listed_share, lot_t, storage_days"
        in said
    )


def test_an_unknown_key_of_the_top_is_told_with_the_closest(refusal):
    text = changed(("seed = 2026", "seeds = 2026"))
    assert f"mine.toml:{line_of(text, 'seeds')}: unknown key `seeds`; did you mean `seed`?" in refusal(text)


def test_an_unknown_section_is_told_with_the_closest(refusal):
    text = changed(("[scrapping]", "[scraping]"), ("[scrapping.sources]", "[scraping.sources]"))
    said = refusal(text)
    assert (
        f"mine.toml:{line_of(text, '[scraping]')}: unknown key `scraping`; did you mean `scrapping`?" in said
    )
    assert "`scrapping` is missing" in said


def test_an_unknown_reporter_is_told_with_the_closest(refusal):
    text = changed(
        ("[reporting.outlets]", "[reporting.outlet]"),
        ("[reporting.outlets.sources]", "[reporting.outlet.sources]"),
    )
    assert "nobody is called `outlet`; did you mean `outlets`?" in refusal(text)


def test_a_reporter_that_is_left_out_is_named(refusal):
    begin, end = BASELINE.index("[reporting.outlets]"), BASELINE.index("[reporting.recyclers]")
    assert "reporting: nothing is said of outlets" in refusal(BASELINE[:begin] + BASELINE[end:])


def test_a_missing_figure_is_told_with_the_line_of_its_section(refusal):
    text = changed(("shape = 6.01\n", ""))
    assert f"mine.toml:{line_of(text, '[life]')}: `life.shape` is missing" in refusal(text)


@pytest.mark.parametrize(
    ("section", "key", "value", "expected"),
    [
        ("life", "shape", '"long"', "valid number"),
        ("life", "shape", "[1]", "valid number"),
        ("life", "shape", "2016-01-01", "valid number"),
        ("scrapping", "firms", "31.5", "valid integer"),
        ("life", "accident_share", '"0.1"', "expected a number, or a table of days and numbers"),
        ("life", "accident_share", "[0.1]", "expected a number, or a table of days and numbers"),
        ("life", "accident_share", "{}", "expected a number, or a table of days and numbers"),
        ("life", "accident_share", "1.5", "1.5 (from 1900-01-01) is not between 0 and 1"),
        ("life", "export_share", "{2021-01-01 = 0.1, 2024-01-01 = -1}", "-1 (from 2024-01-01) is not between 0 and 1"),
        ("life", "export_share", "{2024-13-01 = 0.1}", "`2024-13-01` is not a day; write it as 2026-04-01"),
        ("life", "export_share", "{soon = 0.1}", "`soon` is not a day; write it as 2026-04-01"),
        ("life", "export_share", '{2024-01-01 = "much"}', "the value from 2024-01-01 on must be a number, not 'much'"),
        ("market", "fine", "1", "unknown key"),
        ("collection", "waiting_limit_days", "0", "greater than or equal to 1"),
        ("replacement", "commercial_factor", "1e6", "less than or equal to 100"),
    ],
)  # fmt: skip
def test_a_figure_of_the_wrong_kind_or_size_is_told_with_its_line(refusal, section, key, value, expected):
    if (section, key) in FIGURES:
        text = with_figure(section, key, value)
    else:
        text = changed((f"[{section}]\n", f"[{section}]\n{key} = {value}\n"))
    said = refusal(text)
    assert said.startswith(f"mine.toml:{line_of(text, f'{key} = {value}')}: ")
    assert f"`{section}.{key}`" in said
    assert expected in said


@pytest.mark.parametrize("value", ['"1000"', "true"])
@pytest.mark.parametrize(("section", "key"), [("life", "shape"), ("scrapping", "firms")])
def test_a_text_or_a_truth_is_no_number(refusal, section, key, value):
    assert f"`{section}.{key}`" in refusal(with_figure(section, key, value))


@pytest.mark.parametrize("value", ['"1000"', "true", "1.5", "0", "-1", "1000.0000001"])
@pytest.mark.parametrize("key", ["scale", "replications"])
def test_scale_and_replications_are_whole_numbers_from_1(refusal, key, value):
    head, _, rest = BASELINE.partition("\n[")
    text = re.sub(rf"(?m)^{key} = .*$", f"{key} = {value}", head) + "\n[" + rest
    assert f"`{key}`" in refusal(text)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
@pytest.mark.parametrize(("section", "key"), FIGURES)
def test_no_figure_may_be_nan_or_infinite(refusal, section, key, value):
    assert f"`{section}.{key}`" in refusal(with_figure(section, key, value))


@pytest.mark.parametrize("value", ["nan", "inf"])
def test_no_step_of_a_dated_figure_may_be_nan_or_infinite(refusal, value):
    said = refusal(with_figure("market", "owner_yuan_t", f"{{2011-01-01 = 1, 2020-01-01 = {value}}}"))
    assert f"{value} (from 2020-01-01) is not between" in said


@pytest.mark.parametrize("digits", [400, 5000])
@pytest.mark.parametrize(
    ("section", "key"), [("market", "treatment_yuan_t"), ("life", "shape"), ("scrapping", "firms")]
)
def test_a_number_beyond_all_bounds_is_refused(refusal, section, key, digits):
    assert "mine.toml" in refusal(with_figure(section, key, "1" + "0" * digits))


@pytest.mark.parametrize(
    ("section", "key", "nested"),
    [("life", "export_share", "2024-01-01"), ("life", "shape", "a"), ("life.sources", "shape", "a")],
)
def test_deep_nesting_is_refused_like_anything_else(refusal, section, key, nested):
    deep = f"{key}.{nested}" + ".a" * 4000 + " = 1"
    head, mark, rest = BASELINE.partition(f"[{section}]\n")
    assert "mine.toml" in refusal(head + mark + re.sub(rf"(?m)^{key} = .*$", deep, rest, count=1))


# --- sources ---


def test_a_figure_without_a_source_is_refused(refusal):
    text = changed(('burnt_share = "assumed"\n', ""))
    said = refusal(text)
    assert "`life`: no source for `burnt_share`; write one, or `assumed: why`" in said
    assert said.startswith(f"mine.toml:{line_of(text, '[life')}: ")


def test_a_source_of_what_is_no_figure_is_told_with_the_closest(refusal):
    assert "`burned_share` has a source but is no figure; did you mean `burnt_share`?" in refusal(
        changed(('burnt_share = "assumed"', 'burned_share = "assumed"'))
    )


@pytest.mark.parametrize("source", ["MIIT says so", "rumour: heard it", "", "Assumed", ": nobody"])
def test_a_source_without_a_known_grade_is_refused_with_the_grades(refusal, source):
    said = refusal(changed(('burnt_share = "assumed"', f'burnt_share = "{source}"')))
    assert f"the source of `burnt_share` must begin with one of {', '.join(GRADES)}" in said
    assert repr(source) in said


@pytest.mark.parametrize("source", ["official", "official:", "press: "])
def test_only_an_assumption_needs_no_one_who_says_it(refusal, source):
    assert "burnt_share" in refusal(changed(('burnt_share = "assumed"', f'burnt_share = "{source}"')))


def test_a_section_without_sources_is_refused(refusal):
    text = changed(("[coding.sources]", "[coding.source]"))
    said = refusal(text)
    assert "`coding.sources` is missing" in said
    assert (
        f"mine.toml:{line_of(text, '[coding.source]')}: unknown key `coding.source`; did you mean `sources`?"
        in said
    )


# --- figures that contradict one another ---


@pytest.mark.parametrize(
    ("replacement", "expected"),
    [
        (("from = 2016-01-01", "from = 2016-01-02"), "`from` 2016-01-02 must be the first day of a"),
        (("until = 2035-12-31", "until = 2035-12-30"), "`until` 2035-12-30 must be the last day of a"),
        (("from = 2016-01-01", "from = 2016-02-01"), "`from` 2016-02-01 must be the first day of a quarter"),
        (("until = 2035-12-31", "until = 2035-11-30"), "`until` 2035-11-30 must be the last day of a quarter"),
        (("until = 2035-12-31", "until = 2015-12-31"), "must lie in order between 2012-01-01 and 2035-12-31"),
        (("until = 2035-12-31", "until = 2036-12-31"), "must lie in order between 2012-01-01 and 2035-12-31"),
        (("from = 2016-01-01", "from = 2011-01-01"), "must lie in order between 2012-01-01 and 2035-12-31"),
        (("transit_last_days = 7", "transit_last_days = 1"), "`transit_last_days` is less than `transit_first_days`"),
        (("poor_share = 0.15", "poor_share = 0.9"), "poor_share and good_share add up to more than 1"),
        (("\nstorage_share = 0.25", "\nstorage_share = 0.9"), "e_bike_share and storage_share add up to more than 1"),
        (("accident_share = 0.10", "accident_share = 0.97"), "accident_share and export_share add up to more than 1"),
        (('name = "baseline"', 'name = "no/folder"'), "`name`"),
        (("from = 2016-01-01", 'from = "soon"'), "`from`"),
    ],
)  # fmt: skip
def test_what_cannot_be_together_is_refused(refusal, replacement, expected):
    said = refusal(changed(replacement))
    assert said.startswith("mine.toml")
    assert expected in said


def test_all_that_is_wrong_is_told_at_once(refusal):
    said = refusal(
        changed(
            ("shape = 6.01", "shape = -1"),
            ("payable_other = 0.70", "payable_other = -7"),
            ("seed = 2026", "sed = 1"),
        )
    )
    assert [name in said for name in ("`life.shape`", "`market.payable_other`", "`sed`")] == [True] * 3
    assert len(said.splitlines()) == 4  # and `seed` is missing


@pytest.mark.parametrize("year", [1990, 2000, 2010, 2011, 2035, 2099, 2100])
def test_a_first_year_that_is_taken_lies_in_the_calendar(loaded, refusal, year):
    """Before 2011 there is no month to count from: such a year is refused, not taken for another."""
    for section, key in (("coding", "began"), ("replacement", "improved_from")):
        text = with_figure(section, key, str(year))
        if 2011 <= year < 2100:
            assert getattr(getattr(loaded(text), section), key) == year
        else:
            assert f"`{section}.{key}`" in refusal(text)


# --- files ---


def test_a_missing_file_is_told_with_the_closest_shipped_name():
    with pytest.raises(
        ScenarioError, match="^basline: no such file or shipped scenario; did you mean `baseline`\\?$"
    ):
        load("basline")


def test_a_missing_file_that_resembles_none_is_told_what_is_shipped(tmp_path):
    with pytest.raises(
        ScenarioError, match="xyzzy: no such file or shipped scenario; shipped scenarios: .*baseline"
    ):
        load(tmp_path / "xyzzy")


def test_a_folder_is_no_scenario(tmp_path):
    with pytest.raises(ScenarioError, match="cannot be read"):
        load(tmp_path)


def test_a_file_that_is_not_utf_8_is_told_at_which_byte(tmp_path):
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# caf\xe9\n" + BASELINE.encode())
    with pytest.raises(ScenarioError, match=r"latin\.toml: byte 5 is not UTF-8; save the file as UTF-8"):
        load(path)


def test_a_byte_order_mark_does_no_harm(tmp_path):
    path = tmp_path / "bom.toml"
    path.write_bytes(b"\xef\xbb\xbf" + BASELINE.encode())
    assert load(path) == load("baseline")


def test_a_file_that_is_no_toml_is_told_with_line_and_column(refusal):
    text = changed(("seed = 2026", "seed = "))
    assert refusal(text).startswith("mine.toml: not TOML: Invalid value (at line 9, column ")


def test_what_the_command_line_sets_comes_before_the_file():
    scenario = load("baseline", seed=7, scale=500, replications=None)
    assert (scenario.seed, scenario.scale) == (7, 500)
    assert scenario.replications == load("baseline").replications


def test_what_the_command_line_sets_is_checked_too():
    with pytest.raises(ScenarioError, match="`scale`"):
        load("baseline", scale=0)


# --- extends ---


def test_a_scenario_that_extends_another_changes_what_it_names_and_keeps_the_rest(loaded):
    mine = loaded(
        'extends = "baseline"\nname = "mine"\n[market]\ndeposit_yuan_pack = 1000\n[market.sources]\ndeposit_yuan_pack = "assumed: what if"\n'
    )
    base = load("baseline")
    assert mine.market.deposit_yuan_pack.on(0) == 1000
    assert mine.market.sources["deposit_yuan_pack"] == "assumed: what if"
    assert mine.market.sources["payable_other"] == base.market.sources["payable_other"]
    assert mine.life == base.life
    assert mine.market.payable_other == base.market.payable_other


def test_extends_names_a_file_beside_the_one_that_says_it(tmp_path, loaded):
    (tmp_path / "deeper").mkdir()
    (tmp_path / "deeper" / "parent.toml").write_text('extends = "baseline"\nname = "parent"\nseed = 5\n')
    mine = loaded('extends = "deeper/parent.toml"\nname = "child"\n')
    assert (mine.name, mine.seed, mine.scale) == ("child", 5, load("baseline").scale)


@pytest.mark.parametrize("spelled", ["mine.toml", "./mine.toml", "deeper/../mine.toml"])
def test_a_circle_of_extends_is_told(tmp_path, refusal, spelled):
    (tmp_path / "deeper").mkdir()
    assert "`extends` goes round in a circle" in refusal(f'extends = "{spelled}"\n')


def test_a_circle_of_two_is_told_with_its_files(tmp_path, refusal):
    (tmp_path / "other.toml").write_text('extends = "mine.toml"\n')
    assert re.search(
        r"circle: .*mine\.toml -> .*other\.toml -> .*mine\.toml", refusal('extends = "other.toml"\n')
    )


def test_a_file_may_have_the_name_of_the_shipped_scenario_that_it_extends(tmp_path, monkeypatch):
    (tmp_path / "baseline.toml").write_text('extends = "baseline"\nname = "mine"\n')
    monkeypatch.chdir(tmp_path)
    assert load("baseline.toml").name == "mine"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[1]", "must be the name of a scenario or a path"),
        ("3", "not 3"),
        ('"baselin"', "did you mean `baseline`"),
    ],
)
def test_an_extends_that_names_nothing_is_refused(refusal, value, expected):
    assert expected in refusal(f"extends = {value}\n")


def test_a_wrong_figure_of_a_parent_is_told_where_it_stands(tmp_path, refusal):
    text = changed(("shape = 6.01", "shape = -1"))
    (tmp_path / "parent.toml").write_text(text)
    said = refusal('extends = "parent.toml"\nname = "child"\n[market]\npayable_other = -3\n')
    assert f"parent.toml:{line_of(text, 'shape = -1')}: `life.shape`" in said
    assert "mine.toml:4: `market.payable_other`" in said


# --- back and forth ---


def test_a_scenario_written_down_and_read_again_is_the_same():
    scenario = load("baseline")
    table = scenario.model_dump(mode="json", by_alias=True, exclude_none=True)
    assert Scenario.model_validate(table) == scenario


def test_every_section_is_frozen():
    scenario = load("baseline")
    for name in type(scenario).model_fields:
        if isinstance(getattr(scenario, name), Section):
            assert type(getattr(scenario, name)).model_config["frozen"]
