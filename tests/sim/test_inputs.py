"""What the packaged figures say, and what a bad file is told."""

import csv
from importlib.resources import files
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim import targets
from sim.inputs import (
    CHEMISTRIES,
    FIRST_YEAR,
    GRADES,
    LAST_YEAR,
    YEARS,
    Inputs,
    Kind,
    Practice,
    load,
    parameters,
)
from traceability.errors import ScenarioError
from traceability.vocabulary import Chemistry, Element

DATA = Path(str(files("sim").joinpath("data")))
UNREAD = {"targets.csv", "founding.csv"}  # lies there too, for other modules
FILES = sorted(path.name for path in DATA.glob("*.csv") if path.name not in UNREAD)


@pytest.fixture(scope="module")
def inputs() -> Inputs:
    return load()


def year(value: int) -> int:
    return value - FIRST_YEAR


def stock(registrations: np.ndarray, end_of: int) -> float:
    """Vehicles left at the end of a year, by a fit of our own on all years: Weibull(5.79, 10.82 years), sold in
    mid-year, 0.8889 of the sales before 2021 registered.
    """
    ages = np.arange(end_of - FIRST_YEAR, -1, -1) + 0.5
    return float(registrations[: ages.size] @ np.exp(-((ages / 10.82) ** 5.79)))


def target(name: str) -> dict[int, float]:
    return {t.year: t.value for t in targets.load() if t.name == name}


def energy_by_kind(inputs: Inputs) -> np.ndarray:
    return inputs.kind_share * inputs.energy_kwh


# --- what the figures say ---


def test_registrations_of_2025_are_the_official_ones(inputs):
    assert inputs.registrations[year(2025)] == 12_930_000
    assert inputs.registrations[year(2021)] == 2_950_000


def test_future_registrations_rise_towards_the_whole_car_market(inputs):
    future = inputs.registrations[year(2025) :]
    assert future[1] == 14_300_000
    assert 21_500_000 < future[-1] < 22_500_000
    assert np.all(np.diff(future) > 0)
    assert np.all(np.diff(future[1:], n=2) < 0)


def test_registrations_leave_the_official_stock_of_2020(inputs):
    assert stock(inputs.registered(0.8889), 2020) == pytest.approx(4_920_000, rel=0.001)


def test_registrations_leave_nearly_the_official_stocks_of_other_years(inputs):
    official = target("nev_stock_year_end")
    assert official[2025] == 43_970_000
    for end_of, vehicles in official.items():
        assert stock(inputs.registered(0.8889), end_of) == pytest.approx(vehicles, rel=0.03)


def test_season_is_strongest_in_december_and_weakest_in_the_month_of_the_spring_festival(inputs):
    assert inputs.season.sum() == pytest.approx(1, abs=1e-12)
    assert inputs.season.argmax() == 11
    assert inputs.season.argmin() == 1


@pytest.mark.parametrize("installed", range(2017, 2026))
def test_cohorts_have_the_chemistry_of_the_installations(inputs, installed):
    gwh = energy_by_kind(inputs)[year(installed)] @ inputs.chemistry_share[year(installed)]
    share = dict(zip(CHEMISTRIES, gwh / gwh.sum(), strict=True))
    assert share[Chemistry.LFP] == pytest.approx(target("lfp_share_of_installations")[installed], abs=1e-3)
    assert share[Chemistry.NCM] == pytest.approx(target("ncm_share_of_installations")[installed], abs=1e-3)


def test_lfp_carries_81_percent_of_the_energy_of_2025(inputs):
    gwh = energy_by_kind(inputs)[year(2025)] @ inputs.chemistry_share[year(2025)]
    assert gwh[0] / gwh.sum() == pytest.approx(0.812, abs=0.002)


def test_trucks_carry_the_published_share_of_the_energy_of_2025(inputs):
    gwh = energy_by_kind(inputs)[year(2025)]
    assert gwh[Kind.TRUCK] / gwh.sum() == pytest.approx(0.177, abs=0.01)


def test_buses_are_mostly_lfp(inputs):
    assert inputs.chemistry_share[:, Kind.BUS, 0].min() > 0.65
    assert inputs.chemistry_share[year(2019) :, Kind.BUS, 0].min() > 0.9


def test_elements_weigh_clearly_less_than_the_pack(inputs):
    """What is left holds electrolyte, plastics and oxygen: at least a fifth."""
    elements = inputs.composition_kg_per_kwh.sum(axis=-1)
    share = elements * inputs.density_wh_kg / 1000
    known = ~np.isnan(share)
    assert known[:, [Chemistry.LFP, Chemistry.NCM, Chemistry.LMO, Chemistry.SOLID_STATE]].all()
    assert share[known].max() < 0.8
    assert share[known].min() > 0.35


def test_ncm_packs_lose_half_their_cobalt_by_2021(inputs):
    cobalt = inputs.composition_kg_per_kwh[:, Chemistry.NCM, Element.CO]
    assert cobalt[0] == pytest.approx(0.3414)
    assert np.all(np.diff(cobalt[: year(2023)]) <= 0)
    assert cobalt[year(2021) :].max() < 0.17


def test_a_row_holds_for_the_years_after_it(inputs):
    lfp = inputs.composition_kg_per_kwh[:, Chemistry.LFP]
    assert np.all(lfp == lfp[0])
    assert np.all(inputs.province_share[: year(2016)] == inputs.province_share[year(2016)])
    assert np.all(inputs.province_share[year(2024) :] == inputs.province_share[year(2023)])


def test_shares_sum_to_one(inputs):
    for shares in (
        inputs.season,
        inputs.kind_share,
        inputs.chemistry_share,
        inputs.vehicle_maker_share,
        inputs.battery_maker_share,
        inputs.province_share,
        inputs.recycler_share,
    ):
        np.testing.assert_allclose(shares.sum(axis=-1), 1, rtol=0, atol=1e-12)
        assert shares.min() >= 0


def test_makers_of_2025_are_as_published(inputs):
    byd = inputs.vehicle_makers.names.index("BYD")
    assert inputs.vehicle_maker_share[year(2025), byd] == pytest.approx(3_484_525 / 12_930_000, abs=1e-6)
    catl = inputs.battery_makers.names.index("CATL")
    assert inputs.battery_maker_share[year(2024), catl] == pytest.approx(0.452)
    assert all(len(code) == 3 and code[0] == "L" for code in inputs.vehicle_makers.codes)


def test_provinces_stand_in_the_order_of_their_codes(inputs):
    assert (inputs.provinces.names[0], inputs.provinces.gb_codes[0]) == ("Beijing", "11")
    assert (inputs.provinces.names[-1], inputs.provinces.gb_codes[-1]) == ("Xinjiang", "65")
    assert list(inputs.provinces.gb_codes) == sorted(inputs.provinces.gb_codes)
    guangdong = inputs.provinces.names.index("Guangdong")
    assert inputs.province_share[year(2023)].argmax() == guangdong
    assert inputs.outlets.sum() == 10_165
    assert inputs.outlets.argmax() == guangdong


def test_distances_are_the_same_both_ways(inputs):
    assert np.array_equal(inputs.distance_km, inputs.distance_km.T)
    assert np.all(np.diag(inputs.distance_km) == 0)
    beijing, chongqing = (inputs.provinces.names.index(name) for name in ("Beijing", "Chongqing"))
    assert inputs.distance_km[beijing, chongqing] == 1751.8


def test_lithium_is_priced_by_its_content(inputs):
    """90,000 yuan for a tonne of carbonate that holds 187.9 kg of lithium."""
    assert inputs.prices_yuan_t.shape == (4 * YEARS, len(Element))
    of_2030 = inputs.prices_yuan_t[4 * year(2030)]
    assert of_2030[Element.LI] == pytest.approx(106_000 / 0.18786, rel=1e-3)
    assert of_2030[Element.MN] == pytest.approx(6100 / 0.3250, rel=1e-3)
    assert of_2030[Element.NI] == pytest.approx(28_000 / 0.2233, rel=1e-3)
    assert of_2030[Element.CO] == pytest.approx(43_400 / 0.2096, rel=1e-3)
    assert np.all(inputs.prices_yuan_t[:, Element.MASS] == 0)


def test_the_price_of_a_quarter_is_the_mean_of_the_line_through_its_dates(tmp_path):
    """12,000 yuan until 31 December 2021, then 10 yuan a day more until 1 April 2022, then as then."""
    rows = [row for row in read("prices.csv") if row[1] != "copper"]
    notes = ["one date", "assumed"]
    rows += [["2021-12-31", "copper", "12000", *notes], ["2022-04-01", "copper", "12910", *notes]]
    write(tmp_path, "prices.csv", rows)
    copper = load(tmp_path).prices_yuan_t[:, Element.CU]
    first = 4 * year(2022)
    assert copper[:first] == pytest.approx(12_000)
    assert copper[first] == pytest.approx(12_000 + 10 * (1 + 90) / 2)
    assert copper[first + 1 :] == pytest.approx(12_910)


def test_lithium_is_dearest_in_the_last_quarter_of_2022(inputs):
    lithium = inputs.prices_yuan_t[:, Element.LI]
    assert lithium.argmax() == 4 * year(2022) + 3
    assert 520_000 < lithium.max() / 5.323 < 579_000
    assert lithium[4 * year(2025) + 1] / 5.323 == pytest.approx(62_000, rel=0.02)


def test_a_typical_recycler_does_what_the_ministry_asks(inputs):
    typical = inputs.recovery_share[Practice.TYPICAL]
    assert typical[Element.LI] == 0.90
    assert typical[Element.CO] == typical[Element.NI] == typical[Element.MN] == 0.98
    assert np.all(inputs.recovery_share[Practice.GOOD] >= typical)
    assert np.all(inputs.recovery_share[Practice.POOR] <= typical)


def test_only_sales_before_2021_are_cut_to_the_registered_share(inputs):
    registered = inputs.registered(0.5)
    assert registered[year(2020)] == 1_367_000 / 2
    assert registered[year(2021)] == inputs.registrations[year(2021)] == 2_950_000


def test_installations_are_the_counted_ones(inputs):
    assert inputs.installed_gwh[year(2022)] == 294.6
    assert inputs.installed_gwh[year(2025)] == 769.7


def test_later_installations_keep_the_ratio_of_2025_to_registrations_times_packs(inputs):
    """More vehicles get a battery than are registered: 14 % more GWh in 2025, and so on."""
    fleet = (inputs.registrations[:, None] * energy_by_kind(inputs)).sum(axis=1) / 1e6
    ratio = inputs.installed_gwh / fleet
    assert ratio[year(2025)] == pytest.approx(1.136, abs=0.001)
    assert ratio[year(2026) :] == pytest.approx(ratio[year(2025)], rel=1e-3)


def test_only_cars_and_trucks_swap(inputs):
    assert np.all(inputs.swap_share[:, [Kind.PHEV_CAR, Kind.BUS]] == 0)
    assert 0.03 < inputs.swap_share[year(2025), Kind.BEV_CAR] < 0.06


def test_every_year_and_figure_is_there(inputs):
    assert (FIRST_YEAR, LAST_YEAR, YEARS) == (2011, 2035, 25)
    for name in Inputs.__slots__:
        value = getattr(inputs, name)
        if isinstance(value, np.ndarray):
            assert not value.flags.writeable
            if name not in ("density_wh_kg", "composition_kg_per_kwh", "brand_vehicles"):
                assert np.isfinite(value).all(), name


def test_parameters_count_the_assumed_rows():
    counts = {(count.file, count.column): count for count in parameters()}
    registrations = counts["registrations.csv", "registrations_vehicles"]
    assert (registrations.rows, registrations.assumed) == (25, 14)
    assert counts["provinces.csv", "gb_code"].assumed == 0
    assert counts["battery_makers.csv", "code"].assumed == counts["battery_makers.csv", "code"].rows == 12
    assert {file for file, _ in counts} == set(FILES)


# --- what a bad file is told ---


def edited(directory: Path, file: str, old: str, new: str) -> Path:
    """Write *file* to *directory* with the first *old* replaced, and return the directory."""
    text = (DATA / file).read_text(encoding="utf-8")
    assert old in text
    (directory / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    return directory


def test_an_own_file_replaces_the_packaged_one_and_leaves_the_others(tmp_path, inputs):
    own = load(edited(tmp_path, "registrations.csv", "2025,12930000", "2025,1000"))
    assert own.registrations[year(2025)] == 1000
    assert np.array_equal(own.energy_kwh, inputs.energy_kwh)
    assert parameters(tmp_path) == parameters()


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (
            "registrations.csv",
            "2025,12930000",
            "2025,many",
            "registrations.csv, line 16, column `registrations_vehicles`: found `many`; "
            "expected a whole number, 0 or more",
        ),
        (
            "registrations.csv",
            "year,registrations_vehicles",
            "year,registrations",
            "registrations.csv, line 1: column `registrations_vehicles` is missing; "
            "expected year, registrations_vehicles, source, grade",
        ),
        (
            "registrations.csv",
            "\n2025,",
            "\n2024,",
            "registrations.csv, line 16: year 2024 stands in line 15 already",
        ),
        (
            "registrations.csv",
            "\n2025,",
            "\n2052,",
            "line 16, column `year`: found `2052`; expected a whole number from 2011 to 2035",
        ),
        (
            "registrations.csv",
            'to 0.01 M",official',
            'to 0.01 M",offical',
            "unknown grade `offical` in registrations.csv, line 12, column `grade`; did you mean `official`?",
        ),
        (
            "packs.csv",
            "2025,truck,160",
            "2025,truck,0",
            "column `energy_kwh`: found `0`; expected a number above 0",
        ),
        (
            "packs.csv",
            "2025,truck",
            "2025,trucks",
            "unknown kind `trucks` in packs.csv, line 61, column `kind`",
        ),
        ("packs.csv", "2025,truck", "2025,trucks", "did you mean `truck`?"),
        ("outlets.csv", "Guangdong", "Guangdon", "did you mean `Guangdong` or"),
        ("vehicle_maker_shares.csv", "2016,Geely", "2016,Geeley", "did you mean `Geely`?"),
        ("battery_maker_shares.csv", "2016,CATL", "2016,CTAL", "did you mean `CATL` or `CALB`?"),
        ("prices.csv", "2016-07-01,copper", "2016-07-01,coper", "did you mean `copper`?"),
        (
            "prices.csv",
            "2016-07-01,copper",
            "2016-07,copper",
            "column `date`: found `2016-07`; expected a day such as",
        ),
        ("prices.csv", "2016-07-01,copper", "2036-07-01,copper", "from 2011 to 2035"),
        ("prices.csv", "2016-07-01,copper", "2015-07-01,copper", "expected one date of copper but once"),
        (
            "prices.csv",
            "2022-11-15,lithium_carbonate,579000",
            "2022-11-15,lithium_carbonate,0",
            "expected a number above 0",
        ),
        ("battery_makers.csv", "X02", "X01", "column `code`: found `X01`; expected another than in line 2"),
        ("battery_makers.csv", "X02", "XO2", "3 digits or capital letters, none of them I, O, Q"),
        ("season.csv", "\n12,0.", "\n12,1.", "column `share`: found `1."),
        (
            "province_distance_km.csv",
            "Beijing,0,",
            "Beijing,7,",
            "found `7`; expected 0, the way from a province to",
        ),
        ("swap.csv", "2025,truck,", "2025,truck,-", "expected a share from 0 to 1"),
        (
            "recovery.csv",
            "POOR,LI",
            "POOR,XYZW",
            "; expected one of LI, NI, CO, MN, CU, AL, FE, P, GRAPHITE, STEEL",
        ),
    ],
)
def test_a_bad_cell_is_named_with_what_was_expected(tmp_path, file, old, new, message):
    with pytest.raises(ScenarioError) as caught:
        load(edited(tmp_path, file, old, new))
    assert message in str(caught.value)


def write(directory: Path, file: str, rows: list[list[str]]) -> None:
    with (directory / file).open("w", encoding="utf-8", newline="") as out:
        csv.writer(out, lineterminator="\n").writerows(rows)


def read(file: str) -> list[list[str]]:
    with (DATA / file).open(encoding="utf-8", newline="") as rows:
        return list(csv.reader(rows))


@pytest.mark.parametrize("file", ["season.csv", "kinds.csv", "chemistry.csv", "vehicle_maker_shares.csv"])
def test_shares_that_do_not_sum_to_one_are_refused(tmp_path, file):
    rows = read(file)
    column = next(i for i, name in enumerate(rows[0]) if name.endswith("share"))
    rows[1][column] = str(float(rows[1][column]) / 2)
    write(tmp_path, file, rows)
    with pytest.raises(
        ScenarioError, match=rf"^{file}, line \d+, column .*: shares.* sum to 0\.\d+; expected 1"
    ):
        load(tmp_path)


def test_a_missing_year_is_named(tmp_path):
    write(tmp_path, "kinds.csv", [row for row in read("kinds.csv") if row[0] != "2019"])
    with pytest.raises(
        ScenarioError, match=r"^kinds\.csv: no row for year 2019; expected one for each year$"
    ):
        load(tmp_path)


def test_a_missing_pair_is_named(tmp_path):
    write(tmp_path, "packs.csv", [row for row in read("packs.csv") if row[:2] != ["2019", "bus"]])
    with pytest.raises(ScenarioError, match=r"^packs\.csv: no row for year 2019, kind bus;"):
        load(tmp_path)


def test_a_chemistry_that_no_vehicle_has_may_be_left_out(tmp_path):
    write(tmp_path, "density.csv", [row for row in read("density.csv") if row[1] != "LTO"])
    assert np.isnan(load(tmp_path).density_wh_kg[:, Chemistry.LTO]).all()
    write(tmp_path, "density.csv", [row for row in read("density.csv") if row[1] != "NCM"])
    with pytest.raises(ScenarioError, match=r"^density\.csv: no row for year 2011, chemistry NCM;"):
        load(tmp_path)


def test_a_file_that_nothing_reads_is_refused(tmp_path):
    (tmp_path / "registration.csv").write_text("year\n", encoding="utf-8")
    with pytest.raises(
        ScenarioError, match=r"unknown input file `registration\.csv`.*mean `registrations\.csv`"
    ):
        load(tmp_path)


def test_a_directory_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(ScenarioError, match="no such directory"):
        load(tmp_path / "nowhere")


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00", b'year,"reg\n'])
def test_a_file_that_is_not_csv_is_refused(tmp_path, content):
    (tmp_path / "registrations.csv").write_bytes(content)
    with pytest.raises(ScenarioError, match=r"^registrations\.csv"):
        load(tmp_path)


@given(st.data())
def test_no_figure_goes_without_source_and_grade(tmp_path_factory, data):
    """Whatever row of whatever file loses its source, or has a grade that is none, is named by its line."""
    file = data.draw(st.sampled_from(FILES))
    rows = read(file)
    at = data.draw(st.integers(1, len(rows) - 1))
    column = data.draw(st.sampled_from(["source", "grade"]))
    rows[at][rows[0].index(column)] = (
        "" if column == "source" else data.draw(st.sampled_from(["", "sure", "Official"]))
    )
    directory = tmp_path_factory.mktemp("inputs")
    write(directory, file, rows)
    with pytest.raises(ScenarioError) as caught:
        load(directory)
    assert f"{file}, line {at + 1}, column `{column}`" in str(caught.value)


def test_the_readme_explains_every_grade_and_file():
    readme = (DATA / "README.md").read_text(encoding="utf-8")
    for grade in GRADES:
        assert f"| {grade} |" in readme
    for file in FILES:
        assert file in readme
    assert "CC BY 4.0" in readme
