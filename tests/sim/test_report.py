"""The report: one file that stands alone, says everything twice, and draws what it is given."""

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import altair as alt
import pytest
import vl_convert
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.report import ReportInput, Row
from sim.report.charts import FONT
from sim.report.page import render, write_report
from sim.report.palette import COLOURS
from sim.report.reading import estimate, number, shown_year, totals_of
from sim.report.sankey import GAP, LABEL_HEIGHT, TALLEST, Flow, layout
from tests.sim.report_sample import FLOWS, INFOS, hostile, sample
from traceability.errors import UnknownName

VOID = {"meta", "link", "img", "br", "hr", "input", "source", "col", "base", "area", "embed", "wbr"}


class Page(HTMLParser):
    """What a browser would see: elements with attributes, texts by language, the JSON of the figures."""

    def __init__(self, text: str):
        super().__init__(convert_charrefs=True)
        self.open: list[tuple[str, dict]] = []
        self.elements: list[tuple[str, dict]] = []
        self.mismatched: list[str] = []
        self.said: dict[tuple[str, str], list[str]] = {}
        self.scripts: list[str] = []
        self.rows: list[list[str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        element = (tag, dict(attributes))
        self.elements.append(element)
        if tag == "script":
            self.scripts.append("")
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th") and self.rows:
            self.rows[-1].append("")
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.mismatched.append(tag)
            return
        self.open.pop()

    def handle_data(self, data):
        tags = [tag for tag, _ in self.open]
        if "script" in tags:
            self.scripts[-1] += data
            return
        spoken = next((a["lang"] for _, a in reversed(self.open) if a.get("lang") in ("en", "zh")), "en")
        for tag in ("h1", "h2", "h3", "th", "text", "summary", "button"):
            if tag in tags:
                self.said.setdefault((tag, spoken), []).append(data)
        if self.rows and ("td" in tags or "th" in tags):
            self.rows[-1][-1] += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]

    def figures(self):
        """The specifications and data as the page's own script reads them."""
        place = [name for name, a in self.elements if name == "script" and a.get("id") == "figures"]
        assert len(place) == 1
        return json.loads(self.scripts[0])

    def row(self, words):
        return next(cells for cells in self.rows if cells and words in cells[0])


@pytest.fixture(scope="module")
def html():
    return render(sample())


@pytest.fixture(scope="module")
def page(html):
    return Page(html)


# --- one file -------------------------------------------------------------------------------------------


def test_the_page_is_well_formed_and_small(html, page):
    assert page.mismatched == []
    assert page.open == []
    assert len(html.encode()) < 2_000_000


def test_ids_are_unique_and_every_inner_link_has_a_goal(page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    goals = [a["href"] for a in page.all("a")]
    assert goals
    assert {goal.removeprefix("#") for goal in goals} <= set(ids)


def test_nothing_is_loaded_from_anywhere(html, page):
    """No element names another file, no style imports one, and the browser is told to refuse the rest."""
    for tag, attributes in page.elements:
        assert tag not in ("link", "img", "iframe", "object", "embed")
        for name in ("src", "srcset", "data", "action", "xlink:href", "poster"):
            assert name not in attributes, (tag, attributes)
        assert attributes.get("href", "#").startswith("#")
    style = html[html.index("<style>") : html.index("</style>")]
    assert "@import" not in style
    assert not re.search(r"url\(", style)
    policy = next(
        a["content"] for a in page.all("meta") if "content-security" in a.get("http-equiv", "").lower()
    )
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "$schema" not in json.dumps(page.figures())


def test_the_same_input_gives_the_same_bytes(tmp_path, html):
    """Also after other figures were drawn, and with the rows in another order."""
    render(sample(replications=1))
    again = sample()
    shuffled = replace(
        again, rows=again.rows[::-1], rules=again.rules[::-1], assumptions=again.assumptions[::-1]
    )
    write_report(tmp_path / "report.html", shuffled)
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == html
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_a_report_replaces_the_one_before(tmp_path):
    (tmp_path / "report.html").write_text("old")
    write_report(tmp_path / "report.html", sample(replications=1))
    assert (tmp_path / "report.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


# --- two languages --------------------------------------------------------------------------------------


@pytest.mark.parametrize("tag", ["h1", "h2", "h3"])
def test_every_title_is_there_in_both_languages(page, tag):
    english, chinese = page.said[tag, "en"], page.said[tag, "zh"]
    assert len(english) == len(chinese) > 0
    assert all(re.search(r"[\u4e00-\u9fff]", title) for title in chinese)
    assert not any(re.search(r"[\u4e00-\u9fff]", title) for title in english)


def test_every_figure_is_specified_in_both_languages(page):
    placed = {a["data-figure"] for _, a in page.elements if "data-figure" in a}
    figures = page.figures()
    assert placed == set(figures)
    for figure in figures.values():
        english, chinese = (json.dumps(figure["specs"][lang], ensure_ascii=False) for lang in ("en", "zh"))
        assert re.search(r"[\u4e00-\u9fff]", chinese)
        assert not re.search(r"[\u4e00-\u9fff]", english)


def test_every_measure_has_its_figure(page):
    shown = {a["id"].removeprefix("figure-") for a in page.all("figure")}
    assert {info.id for info in INFOS} - shown == {"breaches_happened", "breaches_visible"}
    assert "breaches" in shown


def test_english_comes_first_and_the_button_offers_chinese(page):
    assert page.all("html") == [{"lang": "en", "data-lang": "en"}]
    assert "中文" in page.said["button", "en"]
    assert "English" in page.said["button", "zh"]


# --- figures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_every_figure_compiles_and_draws(page, lang):
    """Drawn by the very library that the page embeds."""
    version = ".".join(alt.SCHEMA_VERSION.split(".")[:2])
    for name, figure in page.figures().items():
        spec = figure["specs"][lang] | {"datasets": figure["datasets"]}
        svg = vl_convert.vegalite_to_svg(spec, vl_version=version)
        assert svg.count("<path") > 5, name
        assert "NaN" not in svg, name
        words = {p[lang] for p in figure["datasets"][name] if p["en"] != "total"}
        assert all(f">{word}</text>" in svg for word in words), name


def test_figures_show_the_numbers_of_the_rows(page):
    points = page.figures()["retired_mass"]["datasets"]["retired_mass"]
    lfp = next(p for p in points if p["year"] == 2030 and p["en"] == "LFP")
    row = next(r for r in sample().rows if (r.measure, r.year, r.key) == ("retired_mass", 2030, "LFP"))
    assert (lfp["mean"], lfp["low"], lfp["high"]) == pytest.approx((row.mean, row.low, row.high), rel=1e-5)
    assert lfp["zh"] == "磷酸铁锂"
    assert lfp["text"] == estimate(row)


def test_a_chemistry_has_one_colour_in_all_figures(page):
    found = set()
    for name in ("retired_mass", "installed_gwh"):
        scale = page.figures()[name]["specs"]["en"]["layer"][0]["encoding"]["color"]["scale"]
        found.add(dict(zip(scale["domain"], scale["range"], strict=True))["NCM"])
    assert found == {COLOURS["NCM"]}


def test_fonts_are_those_of_the_system(page):
    assert {f["specs"]["zh"]["config"]["font"] for f in page.figures().values()} == {FONT}
    assert "Noto Sans CJK SC" in FONT


# --- numbers --------------------------------------------------------------------------------------------


def test_cards_show_the_headline_year_with_its_interval(html):
    cards = dict(re.findall(r'<div class="card" data-measure="(\w+)">(.*?)</div></div>', html))
    assert len(cards) == 8
    assert ">42.9\u2009%<" in cards["formal_share"]
    assert "[41.6 – 44.2]" in cards["formal_share"]


def test_one_replication_has_no_intervals():
    page = Page(render(sample(replications=1)))
    assert all(
        "–" not in p["text"] for f in page.figures().values() for d in f["datasets"].values() for p in d
    )
    assert all("rule" not in json.dumps(layer["mark"]) for layer in _layers(page, "retired_mass"))


def _layers(page, name):
    return page.figures()[name]["specs"]["en"]["layer"]


def test_a_total_is_the_row_without_key_else_the_sum_of_the_parts():
    parts = [Row("m", 2030, "a", 10, 9, 11, 3), Row("m", 2030, "b", 20, 17, 23, 3)]
    summed = totals_of(parts)[2030]
    assert (summed.mean, summed.low, summed.high) == (30, 26, 34)
    given_ = totals_of([*parts, Row("m", 2030, "", 30, 29, 31, 3)])[2030]
    assert (given_.mean, given_.low, given_.high) == (30, 29, 31)


def test_a_total_without_an_interval_of_its_own_says_so(html):
    """In the cards, under the six stacked figures, and under the breaches; nowhere where totals are given."""
    said = "The interval of a total is the widest that its parts allow."
    assert html.count(said) == 8
    data = sample()
    totals = [
        Row(name, year, "", value.mean, value.low, value.high, 3)
        for name in ("stock_vehicles", "retired_mass")
        for year, value in totals_of([r for r in data.rows if r.measure == name]).items()
    ]
    rows = [*totals, *(r for r in data.rows if r.measure in ("stock_vehicles", "retired_mass"))]
    assert said not in render(replace(data, rows=rows))


def test_a_year_that_is_missing_gives_way_to_the_horizon_then_to_the_last():
    one, whole = Row("m", 2028, "a", 1, 1, 1, 1), Row("m", None, "a", 1, 1, 1, 1)
    assert shown_year([one], 2028) == 2028
    assert shown_year([one, whole], 2030) is None
    assert shown_year([one, replace(one, year=2026)], 2030) == 2028


@pytest.mark.parametrize(
    ("value", "written"),
    [(0, "0"), (0.001234, "0.00123"), (1.0, "1.00"), (99.96, "100.0"), (1234567.8, "1,234,568"),
     (-3.21, "−3.21"), (math.nan, "–"), (-1e-9, "0")],
)  # fmt: skip
def test_numbers_are_written_for_readers(value, written):
    assert number(value) == written


def test_numbers_that_are_none_are_left_out():
    data = sample()
    odd = [
        Row("retired_mass", 2030, "LCO", math.nan, math.nan, math.nan, 3),
        Row("formal_share", 2031, "", 0.5, math.nan, math.inf, 3),
    ]
    page = Page(render(replace(data, rows=[*odd, *(r for r in data.rows if r.measure == "retired_mass")])))
    assert "LCO" not in {p["en"] for p in page.figures()["retired_mass"]["datasets"]["retired_mass"]}
    assert [p["text"] for p in page.figures()["formal_share"]["datasets"]["formal_share"]] == ["50.0\u2009%"]


# --- tables ---------------------------------------------------------------------------------------------


def test_a_rule_shows_article_grade_counts_and_share(page):
    cells = page.row("Receipt reported late")
    assert cells[1].startswith("Order 73 art. 24(7)law of 2026")
    assert cells[2:] == ["A", "88,000[85,360 – 90,640]", "85,400[82,838 – 87,962]", "97 %"]


def test_an_article_that_is_not_known_says_so(page):
    assert page.row("Code used twice")[1].startswith("article unknown条款号未知")
    assert page.row("Scrapped vehicle accepted")[1].startswith("Order 73 article unknown条款号未知")
    assert page.row("Transport without")[1].startswith("article unknown")


def test_voluntary_conditions_and_rules_that_did_not_run_are_marked(page):
    assert "voluntary condition" in page.row("Nickel recovery")[0]
    assert "voluntary" not in page.row("Receipt reported late")[0]
    assert "not run: no permit column" in page.row("Transport without")[0]
    assert "broken: column `penalty` not found" in page.row("White list")[0]
    assert page.row("Transport without")[3:] == ["–", "–", "–"]


def test_a_share_above_one_is_told_but_fills_the_bar_once(html, page):
    assert page.row("Pack never handed over")[5] == "123 %"
    widths = [float(w) for w in re.findall(r"<i style=\"width:([\d.]+)%", html)]
    assert max(widths) == 100


def test_assumed_parameters_are_counted_and_come_first(html, page):
    assumed = [a for a in sample().assumptions if a.grade == "assumed"]
    assert f"{len(assumed)} of {len(sample().assumptions)} parameters assumed" in html
    marks = [a["data-assumed"] for a in page.all("tr") if "data-assumed" in a]
    assert marks == ["1"] * len(assumed) + ["0"] * (len(sample().assumptions) - len(assumed))


def test_the_run_can_be_repeated_and_cited(html):
    record = sample().record
    assert "battrace run baseline --scale 1000 --replications 3 --seed 2026" in html
    assert f"fingerprint {record.fingerprint}" in html
    assert "numpy 2.2.1" in html


# --- what is missing, what is hostile -------------------------------------------------------------------


def test_a_run_without_rows_says_no_data_everywhere():
    data = sample()
    page = Page(text := render(replace(data, measures={}, rows=[], rules=[], assumptions=[])))
    assert page.mismatched == []
    assert page.figures() == {}
    assert len(page.all("figure")) == len(INFOS) - 1
    assert text.count("No data in this run.") == 8 + len(page.all("figure")) + 2


@pytest.mark.parametrize(
    "absent", ["retired_mass", "recovered", "reported_share", "wait_days", "breaches_visible", "flow"]
)
def test_any_one_measure_may_be_absent(absent):
    data = sample(replications=1)
    page = Page(render(replace(data, rows=[row for row in data.rows if row.measure != absent])))
    assert page.mismatched == []
    assert absent not in page.figures()


def test_measures_of_the_whole_horizon_are_drawn_without_years():
    data = sample()
    rows = [replace(row, year=None) for row in data.rows if row.year == 2030]
    page = Page(render(replace(data, rows=rows)))
    spec = page.figures()["wait_days"]
    vl_convert.vegalite_to_svg(spec["specs"]["en"] | {"datasets": spec["datasets"]}, vl_version="6.4")
    assert "whole horizon" in "".join(page.said["h3", "en"])


HOSTILE = "</script><script>alert('x')</script><img src=x onerror=\"alert(1)\">&amp;"


@pytest.fixture(scope="module")
def dirty():
    return Page(render(hostile(HOSTILE)))


def test_data_cannot_become_markup(page, dirty):
    assert dirty.mismatched == []
    assert len(dirty.scripts) == len(page.scripts) == 3
    assert dirty.all("img") == []
    assert not any(name.startswith("on") for _, attributes in dirty.elements for name in attributes)
    assert HOSTILE in "".join("".join(row) for row in dirty.rows)


def test_data_reach_the_figures_unchanged(dirty):
    figures = dirty.figures()
    assert {p["en"] for p in figures["retired_mass"]["datasets"]["retired_mass"]} == {
        HOSTILE.replace("_", " ")
    }


def test_a_row_of_a_measure_that_nothing_describes_is_refused():
    data = sample()
    with pytest.raises(UnknownName, match=r"`retired_mas` .*did you mean `retired_mass`"):
        replace(data, rows=[Row("retired_mas", 2030, "LFP", 1, 1, 1, 1)])


@pytest.mark.parametrize("key", ["outlets", "outlets>", ">recyclers"])
def test_a_flow_without_two_ends_is_refused(key):
    data: ReportInput = sample()
    with pytest.raises(UnknownName, match="source>target"):
        replace(data, rows=[Row("flow", None, key, 1, 1, 1, 1)])


# --- Sankey ---------------------------------------------------------------------------------------------


def _flows(numbers):
    return [Flow(*key.split(">"), value) for key, value in numbers.items()]


def _check(plan):
    """What is true of every layout."""
    for node in plan.nodes:
        coming = sum(k.width for k in plan.links if k.flow.target == node.name)
        going = sum(k.width for k in plan.links if k.flow.source == node.name)
        assert node.height == pytest.approx(max(coming, going), rel=1e-9, abs=1e-9)
    for column in plan.columns:
        for above, below in pairwise(column):
            end = above.middle + above.slot / 2
            assert end + GAP <= below.middle - below.slot / 2 + 1e-6
        for place in column:
            assert place.middle - place.slot / 2 >= -1e-6
            assert place.middle + place.slot / 2 <= plan.height + 1e-6
        assert sum(place.height for place in column) <= TALLEST + 1e-6
    for link in plan.links:
        assert link.way[0].column < link.way[-1].column
        assert [p.column for p in link.way] == list(range(link.way[0].column, link.way[-1].column + 1))
        for end, middle in ((link.way[0], link.middles[0]), (link.way[-1], link.middles[-1])):
            assert end.top - 1e-6 <= middle - link.width / 2
            assert middle + link.width / 2 <= end.top + end.height + 1e-6


def test_by_hand_two_sources_meet():
    """6 and 4 come together: the meeting node is 10 tall, and 10 is the whole height of the drawing."""
    plan = layout([Flow("a", "c", 6), Flow("b", "c", 4), Flow("c", "d", 10)])
    heights = {node.name: node.height / TALLEST for node in plan.nodes}
    assert heights == pytest.approx({"a": 0.6, "b": 0.4, "c": 1, "d": 1})
    assert {node.name: node.column for node in plan.nodes} == {"a": 0, "b": 0, "c": 1, "d": 2}
    _check(plan)


def test_ends_stand_in_the_last_column_and_long_links_have_their_own_place():
    plan = layout([Flow("a", "b", 2), Flow("b", "c", 2), Flow("a", "lost", 1)])
    assert {n.name: n.column for n in plan.nodes} == {"a": 0, "b": 1, "c": 2, "lost": 2}
    assert len(plan.columns[1]) == 2
    _check(plan)


def test_links_that_need_not_cross_do_not():
    plan = layout([Flow("a", "x", 5), Flow("b", "y", 5), Flow("c", "z", 5)])
    order = [[place.name for place in column] for column in plan.columns]
    assert ["abc".index(n) for n in order[0]] == ["xyz".index(n) for n in order[1]]


def test_a_circle_is_broken_at_its_smallest_flow_and_told():
    plan = layout([Flow("a", "b", 5), Flow("b", "c", 4), Flow("c", "a", 1), Flow("c", "c", 2)])
    assert {(f.source, f.target) for f in plan.dropped} == {("c", "a"), ("c", "c")}
    data = sample()
    circle = [Row("flow", None, k, v, v, v, 1) for k, v in (("a>b", 5), ("b>a", 1))]
    assert "Not drawn, it runs in a circle: b → a, 1.00" in render(replace(data, rows=circle))


def test_labels_of_thin_nodes_do_not_collide():
    plan = layout([Flow("a", f"thin {n}", 0.001) for n in range(20)] + [Flow("a", "thick", 100)])
    middles = [place.middle for place in plan.columns[1]]
    assert all(below - above >= LABEL_HEIGHT for above, below in pairwise(middles))


def test_no_flows_no_drawing():
    assert layout([]).nodes == []
    assert layout([Flow("a", "b", 0)]).links == []


def test_widths_in_the_drawing_are_those_of_the_flows(html):
    """Read back from the SVG: the widest link stands to all of them as its flow does."""
    page = Page(html)
    widths = [float(a["data-width"]) for a in page.all("path")]
    assert len(widths) == len(FLOWS)
    assert sum(widths) / sum(FLOWS.values()) == pytest.approx(max(widths) / max(FLOWS.values()), rel=1e-3)
    _check(layout(_flows(FLOWS)))


names = st.sampled_from([f"n{i}" for i in range(9)])
values = st.floats(min_value=1e-3, max_value=1e6, allow_nan=False)
some_flows = st.lists(
    st.builds(Flow, names, names, values), max_size=24, unique_by=lambda f: (f.source, f.target)
)


@settings(max_examples=60, deadline=None)
@given(some_flows)
def test_flow_is_conserved_and_nothing_overlaps(flows):
    plan = layout(flows)
    assert sorted([k.flow for k in plan.links] + plan.dropped, key=str) == sorted(flows, key=str)
    _check(plan)


@settings(max_examples=30, deadline=None)
@given(some_flows, st.randoms(use_true_random=False))
def test_the_order_of_the_flows_does_not_matter(flows, random):
    shuffled = list(flows)
    random.shuffle(shuffled)
    assert _drawn(layout(flows)) == _drawn(layout(shuffled))


def _drawn(plan):
    return [(n.name, n.column, n.top, n.height) for n in plan.nodes], [
        (k.flow, k.middles) for k in plan.links
    ]
