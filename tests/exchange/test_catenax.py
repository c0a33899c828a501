"""Aspects say what the log says, pass their schemas, and what cannot be told honestly is left out and counted."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from jsonschema import Draft4Validator
from sqlalchemy import select

from sim.cli import cli
from tests.exchange.lives import lives, write
from tests.sim import small
from traceability.errors import ExchangeError, TraceabilityError, UnknownName
from traceability.exchange.catenax import ASPECTS, Declared, export
from traceability.exchange.catenax.declared import TEMPLATE
from traceability.exchange.catenax.telling import Unfit, component
from traceability.exchange.reading import Unit
from traceability.exchange.selecting import Selection, kin, sample
from traceability.store import open_store, schema
from traceability.vocabulary import Detail, Level
from traceability.vocabulary import EventType as E

PAGE = Path(__file__).parents[2] / "docs" / "formats" / "catenax.md"
FILES = {
    "traction-battery-code": "TractionBatteryCode-2.0.0",
    "end-of-life": "EndOfLife-2.0.0-draft",
    "recycling-batch": "RecyclingBatch-1.0.0",
    "decommissioning-certificate": "DecommissioningCertificate-1.0.0",
}
MODELS = {
    name: Draft4Validator(json.loads((Path(__file__).parent / "catenax" / f"{file}.schema.json").read_text()))
    for name, file in FILES.items()
}
RUN = CliRunner()


def payloads(folder, name):
    with (folder / f"{name}.jsonl").open(encoding="utf-8") as lines:
        said = [json.loads(line, parse_float=Decimal) for line in lines]
    assert {line["semanticId"] for line in said} <= {ASPECTS[name]}
    assert len({line["globalAssetId"] for line in said}) == len(said) or name.startswith("decomm")
    return [line["payload"] for line in said]


def texts(thing):
    if isinstance(thing, dict):
        return [
            (key, text)
            for k, v in thing.items()
            for key, text in ([(k, v)] if isinstance(v, str) else texts(v))
        ]
    return [pair for each in thing for pair in texts(each)] if isinstance(thing, list) else []


def is_valid(name, payload):
    MODELS[name].validate(json.loads(json.dumps(payload, default=float)))
    for key, text in texts(payload):
        # the patterns of the models are not anchored, and let impossible days pass
        if re.search("Timestamp$|Date$|GMT$", key):
            assert datetime.fromisoformat(text).tzinfo is not None


@pytest.fixture(scope="module")
def declared(tmp_path_factory):
    path = tmp_path_factory.mktemp("declared") / "declared.toml"
    path.write_text(TEMPLATE, "utf-8")
    return path


@pytest.fixture(scope="module")
def world():
    return small.run(small.small(scale=50_000, first=small.date(2022, 1, 1)))


@pytest.fixture(scope="module")
def told(world, declared, tmp_path_factory):
    folder = tmp_path_factory.mktemp("aspects") / "all"
    return folder, export(world.store, folder, Selection(view="truth"), declared=Declared.read(declared))


@pytest.mark.parametrize("name", ASPECTS)
def test_every_document_of_a_run_passes_its_schema(told, name):
    folder, done = told
    said = payloads(folder, name)
    assert len(said) == done.documents[name] > 0
    for payload in said:
        is_valid(name, payload)


def test_no_unit_is_dropped_silently(told, world):
    _, done = told
    levels = Counter(
        Level(level)
        for (level,) in world.store.rows(schema.unit.select().with_only_columns(schema.unit.c.level))
    )
    coded = sum(levels[level] for level in (Level.PACK, Level.MODULE, Level.CELL, Level.PRODUCT))
    of_parts = sum(n for why, n in done.left_out["traction-battery-code"].items() if why.startswith("part "))
    left_out = done.left_out["traction-battery-code"].total() - of_parts
    assert done.documents["traction-battery-code"] + left_out == coded
    assert done.documents["end-of-life"] + done.left_out["end-of-life"].total() == levels[Level.PACK]


def test_every_certificate_of_the_log_is_there(told, world):
    folder, _ = told
    e = schema.event.c
    rows = world.store.rows(schema.event.select().where(e.event == int(E.ISSUE_CERTIFICATE), e.happened))
    assert len(payloads(folder, "decommissioning-certificate")) == len(rows)


def test_masses_of_a_batch_add_up_to_the_gram(told):
    folder, _ = told
    for batch in payloads(folder, "recycling-batch"):
        for step in batch["childProcessSteps"]:
            assert step["inputNetMass"] == step["outputNetMass"] + step["processLoss"]
            assert step["startTimestamp"] <= step["endTimestamp"]


def test_health_is_what_the_test_said_and_a_failed_one_is_not_called_broken(told, world):
    folder, done = told
    health = Counter(story["healthStatus"] for story in payloads(folder, "end-of-life"))
    e, d = schema.event.c, schema.detail.c
    passed = {0: 0, 1: 0}
    for (value,) in world.store.rows(
        select(d.value).join(schema.event, e.event_id == d.event_id).where(
            e.event == int(E.TEST), d.what == int(Detail.PASSED), e.happened
        )
    ):  # fmt: skip
        passed[value] += 1
    assert passed[1] == health["in running condition"] > 0
    failed = [n for why, n in done.left_out["end-of-life"].items() if "failed its test" in why]
    assert sum(failed) == passed[0] > 0
    assert health["broken"] == 0


def test_a_part_of_a_log_has_documents_of_that_part_alone(world, declared, tmp_path):
    """A pack's lot was made from others, too: they are named by links, and are not what was asked for."""
    store = world.store
    wanted = kin(store, sample(store, 20))
    chosen = Selection(view="truth", units=wanted)
    done = export(store, tmp_path / "x", chosen, declared=Declared.read(declared))
    rows = store.rows(select(schema.unit.c.unit, schema.unit.c.level))
    packs = sum(level == Level.PACK and unit in wanted for unit, level in rows)
    assert done.documents["end-of-life"] + done.left_out["end-of-life"].total() == packs


def test_without_a_declaration_there_is_no_batch_and_the_reason_is_said(world, tmp_path):
    done = export(world.store, tmp_path / "x", Selection(view="truth"), aspects=["recycling-batch"])
    assert done.documents == {"recycling-batch": 0}
    [why] = done.left_out["recycling-batch"]
    assert "--declare" in why


def test_a_real_log_needs_declared_sites(declared, tmp_path):
    source = code_block("python").replace('store.set_meta("truth", "yes")', "pass")
    names = run_page(source, tmp_path)
    assert names["told"]["recycling-batch"] == []
    sites = "".join(f'{actor} = "BPNS0000000000A{actor}"\n' for actor in (2, 3, 4))
    (tmp_path / "sites.toml").write_text(TEMPLATE + sites, "utf-8")
    with open_store(f"parquet:{tmp_path / 'one-battery'}") as store:
        export(store, tmp_path / "again", declared=Declared.read(tmp_path / "sites.toml"))
    [batch] = payloads(tmp_path / "again", "recycling-batch")
    assert batch["receiver"]["bpnsProperty"] == "BPNS0000000000A4"
    assert batch["childProcessSteps"][0]["measurementType"] == "as reported to the platform"


@given(life=lives())
@settings(max_examples=15, deadline=None)
def test_whatever_a_log_holds_no_wrong_document_comes_out(tmp_path_factory, declared, life):
    place = tmp_path_factory.mktemp("log")
    with open_store(f"parquet:{place / 'log'}", create=True) as store:
        write(store, life, with_truth=True)
        done = export(store, place / "out", Selection(view="truth"), declared=Declared.read(declared))
    for name, count in done.documents.items():
        said = payloads(place / "out", name)
        assert len(said) == count
        for payload in said:
            is_valid(name, payload)


def unit(number, code, level=Level.PACK):
    return Unit(number, code, level, 1, 0, 20_544, 1, 1, 0)


def test_a_circle_of_parents_is_not_followed():
    pack, other = unit(0, "ZZ9PB1AA0B1234G410000042"), unit(1, "ZZ9PB1AA0B1234G410000043")
    module = unit(2, "ZZ9MB1AA0B1234G410000044", Level.MODULE)
    left_out = Counter()
    said = component(pack, {0: [other, module], 1: [pack], 2: [pack, module]}, frozenset(), left_out)
    assert said["subcomponents"] == [{"productType": "module", "tractionBatteryCode": module.code}]
    assert left_out == {"of the level of what it is in, or above": 3}


@pytest.mark.parametrize(
    ("code", "shared", "why"),
    [
        (None, (), "without a code"),
        ("ZZ9PB1AA0B1234G410000042", ("ZZ9PB1AA0B1234G410000042",), "another unit bears"),
        ("ZZ9PB1AA0B1234G2Y0000042", (), "does not allow"),  # 30 February
        ("ZZ9PB1AA0B1234G410000042RP", (), "does not allow"),  # 26 characters are not in the model
    ],
)
def test_a_unit_that_cannot_be_named_is_left_out(code, shared, why):
    with pytest.raises(Unfit, match=why):
        component(unit(0, code), {}, frozenset(shared), Counter())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("[container", "not TOML"),
        (TEMPLATE.replace("empty_kg = 180.0", ""), "`container.empty_kg` is missing"),
        (TEMPLATE.replace('"R4"', '"R14"'), "`treatment.code`"),
        (TEMPLATE.replace("mechanical = true", "mechanicl = true"), "did you mean `mechanical`"),
        (TEMPLATE + '1 = "BPNS1"\n', "`sites.1`"),
    ],
)
def test_a_slip_in_a_declaration_is_named(tmp_path, said, expected):
    (tmp_path / "d.toml").write_text(said, "utf-8")
    with pytest.raises(ExchangeError, match=re.escape(expected)):
        Declared.read(tmp_path / "d.toml")


def test_the_command_writes_counts_and_says_what_is_missing(world, declared, tmp_path):
    log = str(world.store.directory)
    out = str(tmp_path / "aspects")
    done = RUN.invoke(
        cli, ["export", "catenax", log, "--out", out, "--declare", str(declared), "--sample", "40"]
    )
    assert done.exit_code == 0, done.output
    assert "never in it: no battery passport" in done.output
    printed = RUN.invoke(cli, ["export", "catenax", "--declare-template"])
    assert printed.output == TEMPLATE
    again = RUN.invoke(cli, ["export", "catenax", log, "--out", out])
    assert isinstance(again.exception, TraceabilityError)
    assert "holds files" in str(again.exception)
    wrong = RUN.invoke(
        cli, ["export", "catenax", log, "--out", str(tmp_path / "x"), "--aspect", "end-of-live"]
    )
    assert isinstance(wrong.exception, UnknownName)
    assert "end-of-life" in str(wrong.exception)


def code_block(language):
    found = re.search(rf"```{language}\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    assert found
    return found[1]


def run_page(source, place):
    names: dict[str, object] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(place)
        exec(compile(source, str(PAGE), "exec"), names)
    return names


def test_the_battery_of_the_page_comes_out_as_the_page_shows(tmp_path):
    names = run_page(code_block("python"), tmp_path)
    assert names["told"] == json.loads(code_block("json"))
    for name, said in names["told"].items():
        for payload in said:
            is_valid(name, payload)
