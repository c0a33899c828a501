"""Studies: what is said follows from the stored results, and the stored results from the simulation."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import replace
from math import sqrt
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import stdtrit

from sim.cli import cli, main
from sim.studies import Results, check, index, lines, names, read, run, scenarios, write_page
from sim.studies.answers import answers, plans, prices
from sim.studies.chart import picture
from sim.studies.design import FIELDS, Cheapest, Price, Study
from sim.studies.page import files_of
from sim.studies.ratio import ratio
from sim.studies.reading import parsed
from sim.studies.results import needed
from sim.studies.stored import read as read_stored
from sim.studies.stored import read_in, table, write
from traceability.errors import ScenarioError, StoreError, UnknownName

PAGES = Path(__file__).parents[2] / "docs" / "studies"

HEAD = """
name = "tiny"
title = {en = "Tiny", zh = "小"}
question = {en = "Q?", zh = "问？"}
design = {en = "D.", zh = "设。"}
from = 2025-01-01
until = 2027-12-31
seed = 7
scale = 100000
replications = 2
limits = [{en = "L.", zh = "限。"}]
[chart]
kind = "effects"
shown = ["formal", "taken"]
title = {en = "C", zh = "图"}
[[scenario]]
name = "baseline"
label = {en = "law", zh = "法"}
[[scenario]]
name = "paid"
extends = "baseline"
label = {en = "a deposit", zh = "押金"}
[scenario.set.market]
deposit_yuan_pack = {2011-01-01 = 0, 2026-01-01 = 8000}
[scenario.set.market.sources]
deposit_yuan_pack = "assumed: what if"
"""
LINES = """
[[shown]]
name = "formal"
measure = "formal_share"
years = 2027
[[shown]]
name = "taken"
measure = "collected_mass"
years = [2026, 2027]
[[shown]]
name = "cost"
terms = [{measure = "collected_packs", times = 8.0, constant = 1.0, scenarios = ["paid"], source = "assumed: x"}]
years = [2026, 2027]
says = {en = "cost", zh = "成本"}
unit = {en = "M yuan", zh = "百万元"}
[[shown]]
name = "found"
terms = [{measure = "penalties", keys = ["MIIT", "MOFCOM"]}]
per = [{measure = "fate_packs", keys = ["informal"]}]
years = [2026, 2027]
says = {en = "found", zh = "查获"}
unit = {en = "%", zh = "%"}
factor = 100.0
"""
EFFECT = """
[[answer]]
kind = "effect"
scenario = "paid"
shown = "formal"
more = {en = "MORE {size} {of_gap}", zh = "多 {size}"}
less = {en = "LESS {size} {of_gap}", zh = "少 {size}"}
none = {en = "NONE {verdict} {before} {after}", zh = "无"}
"""
TINY = HEAD + LINES + EFFECT
PRICE = """
[[answer]]
kind = "price"
cost = "cost"
gain = "taken"
factor = 1000.0
unit = {en = "yuan/t", zh = "元/吨"}
known = {en = "KNOWN {price} {interval}", zh = "{price}"}
unknown = {en = "UNKNOWN", zh = "未知"}
order = {en = "{cheaper} < {dearer}", zh = "{cheaper}"}
no_order = {en = "{one} ? {other}", zh = "{one}"}
"""
CHEAPEST = """
[[answer]]
kind = "cheapest"
cost = "cost"
shown = "formal"
target = 50.0
found = {en = "FOUND {scenario} {value}", zh = "{scenario}"}
nothing = {en = "NOTHING best {best}", zh = "{best}"}
"""


def made(study: Study, **values: Mapping[str, list[float]]) -> Results:
    """Results of *study*: scenario -> "measure.key.year" -> a value for each replication; what is not named is nothing."""
    count = len(next(iter(next(iter(values.values())).values())))
    found: dict[str, dict[tuple[str, int | None, str], np.ndarray]] = {}
    for scenario, said in values.items():
        found[scenario] = {}
        for name, series in said.items():
            measure, key, year = name.split(".")
            found[scenario][measure, int(year), key] = np.array(series, dtype=float)
    return Results(study, found, count)


def formal(*values: float) -> dict[str, list[float]]:
    return {"formal_share..2027": list(values)}


# --- a study says nothing that its results do not ---


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ((0.50, 0.53, 0.51, 0.52), "MORE 20.0 percentage points"),
        ((0.10, 0.13, 0.11, 0.12), "LESS 20.0 percentage points"),
        ((0.30, 0.34, 0.30, 0.31), "NONE no difference shown 31.5 31.2"),
        ((0.30, 0.33, 0.31, 0.32), "NONE exactly the same 31.5 31.5"),
    ],
    ids=["more", "less", "not shown", "the same"],
)
def test_the_results_choose_the_sentence(after, said):
    results = made(parsed(TINY, "t"), baseline=formal(0.30, 0.33, 0.31, 0.32), paid=formal(*after))
    assert answers(results)[0].en == said


def test_p_values_are_adjusted_over_all_lines_of_all_scenarios():
    """Holm by hand: the smallest p of four lines is multiplied by four."""
    results = made(
        parsed(TINY, "t"),
        baseline={"formal_share..2027": [0.3, 0.3, 0.3], "collected_mass..2027": [10.0, 10.0, 10.0]},
        paid={"formal_share..2027": [0.40, 0.41, 0.42], "collected_mass..2027": [11.0, 9.0, 10.5]},
    )
    by_name = {line.shown.name: line for line in lines(results)}
    known = [line for line in by_name.values() if line.gap.p is not None]
    smallest = min((line for line in known if line.gap.p), key=lambda line: line.gap.p)
    # what is nothing in both is not left to chance: p is 1, but it is looked at and counts; what is unknown does not
    assert smallest.p_holm == pytest.approx(smallest.gap.p * len(known) - smallest.gap.p * _zero(known))
    assert not by_name["taken"].differs


def _zero(known):
    return sum(line.gap.p == 0.0 for line in known)


def test_a_line_adds_years_and_keys_and_its_constant_counts_for_each_year():
    results = made(
        parsed(TINY, "t"),
        baseline={
            "collected_mass..2026": [1.0, 2.0], "collected_mass..2027": [10.0, 20.0],
            "penalties.MIIT.2026": [1.0, 0.0], "penalties.MOFCOM.2027": [2.0, 3.0],
            "fate_packs.informal.2026": [10.0, 0.0], "fate_packs.informal.2027": [20.0, 0.0],
            "collected_packs..2026": [5.0, 5.0],
        },
        paid={"collected_packs..2026": [2.0, 3.0], "collected_packs..2027": [4.0, 5.0]},
    )  # fmt: skip
    study = results.study
    assert results.of(study.line("taken"), "baseline").tolist() == [11.0, 22.0]
    assert results.of(study.line("cost"), "baseline").tolist() == [
        0.0,
        0.0,
    ]  # the term is of the other scenario
    assert results.of(study.line("cost"), "paid").tolist() == [50.0, 66.0]
    found = results.of(study.line("found"), "baseline")
    assert found[0] == pytest.approx(0.1)
    assert np.isnan(found[1])  # nothing was diverted: there is no share


def test_the_cheapest_plan_is_the_cheapest_that_surely_reaches_the_target():
    study = parsed(HEAD + LINES + CHEAPEST, "t")
    answer = study.answer[0]
    assert isinstance(answer, Cheapest)
    reached = made(
        study,
        baseline=formal(0.48, 0.50, 0.53),
        paid=formal(0.60, 0.61, 0.62) | {"collected_packs..2027": [1.0, 1.0, 1.0]},
    )
    found = plans(reached, answer)
    assert [(p.scenario, p.cost, p.reaches) for p in found] == [
        ("baseline", 0.0, False),
        ("paid", 10.0, True),
    ]
    # Bonferroni by hand: two means, so 97.5 % each
    half = stdtrit(2, 1 - 0.05 / 4) * np.std([60, 61, 62], ddof=1) / sqrt(3)
    assert found[1].reach == pytest.approx(61 - half)
    assert answers(reached)[0].en == "FOUND a deposit 61.0"
    missed = made(study, baseline=formal(0.48, 0.50, 0.53), paid=formal(0.40, 0.60, 0.90))
    assert answers(missed)[0].en == "NOTHING best a deposit"


def test_a_price_needs_a_gain():
    study = parsed(HEAD + LINES + PRICE, "t")
    answer = study.answer[0]
    assert isinstance(answer, Price)
    base = {"collected_mass..2027": [100.0, 110.0, 90.0]}
    gained = {"collected_mass..2027": [150.0, 161.0, 139.0], "collected_packs..2027": [30.0, 31.0, 29.0]}
    results = made(study, baseline=base, paid=gained)
    (priced,) = prices(results, answer)
    assert priced.price is not None
    # 8 x 30 + 1 in either year = 242 M yuan for 50 kt: 4,840 yuan a tonne
    assert priced.price.value == pytest.approx(4840)
    assert answers(results)[0].en.startswith("KNOWN 4,840 [")
    lost = {"collected_mass..2027": [50.0, 61.0, 39.0], "collected_packs..2027": [30.0, 31.0, 29.0]}
    assert answers(made(study, baseline=base, paid=lost))[0].en == "UNKNOWN"


# --- Fieller ---


def test_a_ratio_to_what_does_not_vary_has_the_interval_of_the_numerator():
    above = np.array([3.0, 5.0, 4.0, 6.0])
    found = ratio(above, np.full(4, 2.0))
    half = stdtrit(3, 0.975) * np.std(above, ddof=1) / 2
    assert found == pytest.approx((2.25, (4.5 - half) / 2, (4.5 + half) / 2))


def test_there_is_no_ratio_to_what_may_be_nothing():
    assert ratio(np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.5, 1.0])) is None
    assert ratio(np.array([1.0]), np.array([1.0])) is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.floats(5, 9)), min_size=3, max_size=12))
def test_the_ends_of_a_ratio_are_just_not_shown_to_be_wrong(pairs):
    """Fieller's theorem: at either end R, t of the mean of x - R y is the quantile itself."""
    x, y = (np.array(column) for column in zip(*pairs, strict=True))
    found = ratio(x, y)
    if found is None:
        return
    assert found.low <= found.value <= found.high
    for end in (found.low, found.high):
        rest = x - end * y
        spread = np.std(rest, ddof=1) / sqrt(x.size)
        assert abs(np.mean(rest)) == pytest.approx(stdtrit(x.size - 1, 0.975) * spread, rel=1e-4, abs=1e-6)


# --- a slip in a study's file ---


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('shown = ["formal", "taken"]', 'shown = ["formel"]', "unknown line `formel`; did you mean `formal`"),
        ('scenario = "paid"', 'scenario = "payed"', "unknown scenario `payed`; did you mean `paid`"),
        ("MORE {size}", "MORE {sise}", "unknown word in braces `sise` in `more`; did you mean `size`"),
        ('measure = "formal_share"', 'measure = "formal_shar"', "did you mean `formal_share`"),
        ('name = "cost"\n', 'name = "taken"\n', "two of one name among the lines"),
        ("seed = 7", "sead = 7", "`sead`"),
        ("years = [2026, 2027]", "years = [2027, 2026]", "2027 is after 2026"),
        ('kind = "effects"', 'kind = "years"', "'effects' or 'plane'"),
        ("seed = 7", "seed = ", "not TOML"),
    ],
)
def test_a_slip_has_one_clear_message(old, new, said):
    with pytest.raises(ScenarioError) as slip:
        parsed(TINY.replace(old, new), "tiny.toml")
    assert str(slip.value).startswith("tiny.toml")
    assert said in str(slip.value)


def test_a_slip_in_a_scenario_names_the_study_and_the_scenario():
    with pytest.raises(ScenarioError, match=r"tiny.toml, scenario paid.*deposit_yuan_pack"):
        scenarios(parsed(TINY.replace("deposit_yuan_pack", "deposit_yuan_pck"), "t"))
    with pytest.raises(UnknownName, match="did you mean `baseline`"):
        scenarios(parsed(TINY.replace('name = "baseline"', 'name = "baselin"'), "t"))


# --- what ships ---


@pytest.mark.parametrize("name", names())
def test_a_study_ships_twins_and_says_all_in_both_languages(name):
    study = read(name)
    assert study.name == name
    known = list(scenarios(study).values())
    assert len({(s.seed, s.scale, s.first, s.last, s.replications) for s in known}) == 1
    said = [
        study.title,
        study.question,
        study.design,
        *study.limits,
        *(side.label for side in study.scenario),
    ]
    said += [getattr(answer, sentence) for answer in study.answer for sentence in FIELDS[type(answer)]]
    assert all(re.search("[\u4e00-\u9fff]", words.zh) for words in said)
    assert not any(re.search("[\u4e00-\u9fff]", words.en) for words in said)


def test_the_six_studies_ship():
    assert names() == [
        "chemistries",
        "deadlines",
        "incentives",
        "inspections",
        "integrated_scrapping",
        "reuse",
    ]


@pytest.mark.parametrize("name", names())
def test_the_page_is_what_the_stored_results_say(name):
    stored = read_stored(read(name))
    assert stored.results.replications == stored.record["replications"]
    for file, text in files_of(stored, name).items():
        assert (PAGES / file).read_bytes() == text.encode(), (
            f"{file}: `battrace study page {name} --store` makes it"
        )


def test_the_list_of_pages_is_what_the_studies_say():
    assert (PAGES / "README.md").read_text("utf-8") == index()


@pytest.mark.parametrize("name", names())
def test_the_stored_results_are_those_of_the_simulation(name):
    """Replication 0 of one scenario is run again: every value is the stored one, but for the one that is changed here."""
    stored = read_stored(read(name)).results
    scenario = stored.study.scenario[-1].name
    values = {side: dict(found) for side, found in stored.values.items()}
    measure, key, year = next(
        n for n in sorted(needed(stored.study)) if values[scenario].get((n[0], n[2], n[1]), np.zeros(1))[0]
    )
    values[scenario][measure, year, key] = values[scenario][measure, year, key] * (1 + 1e-6)
    found = check(replace(stored, values=values), replications=1, only=(scenario,))
    assert [(m.scenario, m.replication, m.measure, m.year, m.key) for m in found] == [
        (scenario, 0, measure, year, key)
    ]


# --- a whole study, small ---


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory):
    """The tiny study, run once; tests only read it."""
    folder = tmp_path_factory.mktemp("study") / "tiny"
    study = parsed(TINY, "tiny.toml")
    found = run(study, folder)
    write(folder, "results", *found)
    write_page(folder, found, "page")
    return study, folder, found


def test_a_study_leaves_results_that_are_read_back_whole(ran):
    study, folder, found = ran
    back = read_in(folder, study, "results")
    assert back.record == found.record
    assert table(back.results) == table(found.results)
    assert {line.shown.name: line.gap for line in lines(back.results)}.keys() == {
        "formal",
        "taken",
        "cost",
        "found",
    }
    assert files_of(back, "page")["page.md"] == (folder / "page.md").read_text("utf-8")


def test_a_study_that_is_resumed_finds_the_same(ran):
    study, folder, found = ran
    again = run(study, folder, resume=True)
    assert again.record == found.record
    assert table(again.results) == table(found.results)


def test_the_page_of_a_study_says_what_is_changed_and_how_to_repeat_it(ran):
    _, folder, found = ran
    text = (folder / "page.md").read_text("utf-8")
    assert "| `paid` | `market.deposit_yuan_pack` |" in text
    assert "assumed: what if" in text
    assert "× 8 + 1 a year" in text
    assert found.record["fingerprint"] in text
    assert (
        text.index("## Question") < text.index("## Answer") < text.index("## Limits") < text.index("## 问题")
    )
    assert {told["scenario"] for told in found.record["twins"]} == {"paid"}
    assert all(sum(told["causes"].values()) == told["changed"] for told in found.record["twins"])


def test_results_that_were_changed_are_refused(ran, tmp_path):
    study, _, found = ran
    write(tmp_path, "results", *found)
    text = (tmp_path / "results.csv").read_text()
    (tmp_path / "results.csv").write_text(text.replace("paid,0", "paid,1", 1))
    with pytest.raises(StoreError, match=r"results.csv is not the table that results.toml records"):
        read_in(tmp_path, study, "results")
    with pytest.raises(StoreError, match="no stored results"):
        read_in(tmp_path, study, "other")


def test_the_command_runs_a_study_of_a_file_and_goes_on_with_it(ran, tmp_path):
    _, _, found = ran
    (tmp_path / "tiny.toml").write_text(TINY)
    words = [
        "study",
        "run",
        str(tmp_path / "tiny.toml"),
        "--out",
        str(tmp_path),
        "--workers",
        "1",
        "--resume",
        "--json",
    ]
    shutil.copytree(ran[1], tmp_path / "tiny")
    for name in ("results.csv", "results.toml", "page.md"):
        (tmp_path / "tiny" / name).unlink()
    told = CliRunner().invoke(cli, words)
    assert told.exit_code == 0, told.output
    (said,) = json.loads(told.stdout)
    assert said["fingerprint"] == found.record["fingerprint"]
    assert [text["en"] for text in said["answer"]] == [text.en for text in answers(found.results)]
    for name in ("results.csv", "results.toml", "page.md"):
        assert (tmp_path / "tiny" / name).read_bytes() == (ran[1] / name).read_bytes()
    again = CliRunner().invoke(cli, [word for word in words if word != "--resume"])
    assert isinstance(again.exception, StoreError)


# --- pictures ---


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("name", names())
def test_a_picture_has_axes_with_units_and_nothing_outside(name, lang):
    study = read(name)
    root = ElementTree.fromstring(picture(read_stored(study).results, lang))
    width, height = (float(x) for x in root.attrib["viewBox"].split()[2:])
    space = "{http://www.w3.org/2000/svg}"
    said = [element.text or "" for element in root.iter(f"{space}text")]
    units = {"effects": ["%"]}.get(
        study.chart.kind, [getattr(study.line(shown).unit, lang) for shown in study.chart.shown]
    )
    assert all(any(unit in text for text in said) for unit in units)
    for element in root.iter(f"{space}text"):
        wide = sum(11.5 if ord(letter) > 0x2E80 else 5.5 for letter in element.text or "")
        before = {"start": 0.0, "middle": wide / 2, "end": wide}[element.attrib["text-anchor"]]
        left = float(element.attrib["x"]) - before
        assert left >= 0, element.text
        assert left + wide <= width, element.text
    for dot in root.iter(f"{space}circle"):
        assert 0 <= float(dot.attrib["cx"]) <= width
        assert 0 <= float(dot.attrib["cy"]) <= height


def test_a_difference_that_is_not_shown_is_a_hollow_dot():
    study = parsed(TINY, "t")
    base = formal(0.30, 0.33, 0.31, 0.32)
    colours = []
    for after in (formal(0.50, 0.53, 0.51, 0.52), formal(0.30, 0.34, 0.30, 0.31)):
        root = ElementTree.fromstring(picture(made(study, baseline=base, paid=after), "en"))
        dots = list(root.iter("{http://www.w3.org/2000/svg}circle"))
        colours.append(dots[-1].attrib["fill"] == "#ffffff")
    assert colours == [False, True]


# --- the command line ---


def test_the_list_names_every_study():
    told = CliRunner().invoke(cli, ["study", "list", "--json"])
    assert [study["name"] for study in json.loads(told.stdout)] == names()
    shown = CliRunner().invoke(cli, ["study", "list"]).output
    assert all(name in shown for name in names())


@pytest.mark.parametrize("name", ["list", "run", "check", "page"])
def test_help_gives_an_example_and_names_json(name):
    told = CliRunner().invoke(cli, ["study", name, "--help"])
    assert f"Example: battrace study {name}" in told.output
    assert "--json" in told.output


def test_a_page_is_written_where_it_is_asked_for(tmp_path):
    told = CliRunner().invoke(cli, ["study", "page", "reuse", "--out", str(tmp_path), "--json"])
    assert told.exit_code == 0
    assert sorted(Path(path).name for path in json.loads(told.stdout)) == [
        "reuse.en.svg",
        "reuse.md",
        "reuse.zh.svg",
    ]
    assert (tmp_path / "reuse.md").read_bytes() == (PAGES / "reuse.md").read_bytes()


def test_a_wrong_name_is_answered_with_the_closest(capsys):
    with pytest.raises(SystemExit) as end:
        main(["study", "page", "reus"])
    assert end.value.code == 2
    assert "unknown study `reus`; did you mean `reuse`?" in capsys.readouterr().err
    told = CliRunner().invoke(cli, ["study", "run"])
    assert told.exit_code == 2
    assert "or --all" in told.output
