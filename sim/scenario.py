"""Scenario: every figure of a run, each with its unit and its source.

A scenario is a TOML file.  Its sections are frozen models; a key that no section knows is answered with the
closest that one does; a section whose figures do not all name a source is refused.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from difflib import get_close_matches
from importlib.resources import files
from pathlib import Path
from reprlib import repr as brief
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    InstanceOf,
    PlainSerializer,
    ValidationError,
    model_validator,
)
from pydantic.fields import FieldInfo

from traceability.errors import ScenarioError
from traceability.events import day_number

GRADES = ("official", "association", "press", "paper", "derived", "standard", "assumed")
_ALWAYS = date(1900, 1, 1)


class Dated:
    """A figure that changes on stated days: from each day on, its value, until the next.

    Attributes:
        steps: (first day, value), in order; before the first day its value holds too.
    """

    __slots__ = ("_starts", "_values", "steps")

    def __init__(self, steps: tuple[tuple[date, float], ...]) -> None:
        self.steps = steps
        self._starts = [day_number(start) for start, _ in steps]
        self._values = [value for _, value in steps]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Dated) and self.steps == other.steps

    def __hash__(self) -> int:
        return hash(self.steps)

    def __repr__(self) -> str:
        return f"Dated({self.steps!r})"

    def on(self, day: int) -> float:
        """Return the value on *day* (days since 1970-01-01)."""
        return self._values[max(bisect_right(self._starts, day) - 1, 0)]

    def at(self, days: npt.NDArray[np.integer]) -> npt.NDArray[np.float64] | float:
        """Return the value on each of *days*: one number where all fall into one step, else float64[n]."""
        if len(self._values) == 1 or not days.size:
            return self._values[0]
        return self.between(days, int(days.min()), int(days.max()))

    def between(
        self, days: npt.NDArray[np.integer], first_day: int, last_day: int
    ) -> npt.NDArray[np.float64] | float:
        """Return what `at` returns, where the earliest and the latest of *days* are known already."""
        first, last = bisect_right(self._starts, first_day), bisect_right(self._starts, last_day)
        if first == last:
            return self._values[max(first - 1, 0)]
        places = np.searchsorted(self._starts, days, side="right") - 1
        return np.array(self._values)[np.maximum(places, 0)]


def _dated(raw: object) -> Dated:
    if isinstance(raw, Dated):
        return raw
    if isinstance(raw, int | float):  # a switch, true or false, is 1 or 0
        return Dated(((_ALWAYS, _number(raw)),))
    if not isinstance(raw, dict) or not raw:
        raise ValueError("expected a number, or a table of days and numbers such as {2016-01-01 = 0.1}")
    steps = []
    for key, value in raw.items():
        try:
            start = date.fromisoformat(str(key))
        except ValueError:
            raise ValueError(f"`{key}` is not a day; write it as 2026-04-01") from None
        if not isinstance(value, int | float):
            raise ValueError(f"the value from {key} on must be a number, not {brief(value)}")
        steps.append((start, _number(value)))
    return Dated(tuple(sorted(steps)))


def _number(raw: float) -> float:
    try:
        return float(raw)
    except OverflowError:
        raise ValueError("a number beyond all bounds") from None


def _within(low: float, high: float) -> BeforeValidator:
    def check(raw: object) -> Dated:
        series = _dated(raw)
        for start, value in series.steps:
            if not low <= value <= high:
                raise ValueError(f"{value:g} (from {start}) is not between {low:g} and {high:g}")
        return series

    return BeforeValidator(check)


_plain = PlainSerializer(
    lambda d: d.steps[0][1] if len(d.steps) == 1 else {start.isoformat(): value for start, value in d.steps}
)
Share = Annotated[InstanceOf[Dated], _within(0.0, 1.0), _plain]
Amount = Annotated[InstanceOf[Dated], _within(0.0, 1e9), _plain]
Signed = Annotated[InstanceOf[Dated], _within(-1e9, 1e9), _plain]
Switch = Annotated[InstanceOf[Dated], _within(0.0, 1.0), _plain]


def figure(unit: str, en: str, zh: str, *, ge: float | None = None, le: float | None = None) -> Any:  # noqa: ANN401
    """Return a field with its unit and its sentence in both languages."""
    bounded = ge is not None
    return Field(
        description=en,
        ge=ge,
        le=le,
        strict=True if bounded else None,
        json_schema_extra={"unit": unit, "zh": zh},
    )


class Section(BaseModel):
    """Some figures that belong together; each must name its source in `sources`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sources: dict[str, str] = Field(description="figure -> `grade: source`")

    @model_validator(mode="after")
    def _every_figure_has_a_source(self) -> Self:
        names = set(type(self).model_fields) - {"sources"}
        for name, source in self.sources.items():
            if name not in names:
                close = get_close_matches(name, names, n=1, cutoff=0.5)
                raise ValueError(
                    f"`{name}` has a source but is no figure"
                    + (f"; did you mean `{close[0]}`?" if close else "")
                )
            grade, _, said = source.partition(":")
            if grade in GRADES and grade != "assumed" and not said.strip():
                raise ValueError(f"the source of `{name}` says `{grade}`, but not who; write `{grade}: who`")
            if grade not in GRADES:
                raise ValueError(
                    f"the source of `{name}` must begin with one of {', '.join(GRADES)} and a colon, not {source!r}"
                )
        if missing := sorted(names - set(self.sources)):
            raise ValueError(
                f"no source for {', '.join(f'`{m}`' for m in missing)}; write one, or `assumed: why`"
            )
        return self


class Life(Section):
    """How long vehicles stay, and how they go."""

    shape: float = figure(
        "-",
        "shape of the Weibull life of a vehicle, all causes",
        "车辆寿命威布尔形状参数（全部原因）",
        ge=0.3,
        le=20,
    )
    scale_years: float = figure(
        "years",
        "scale of the Weibull life of a vehicle, all causes",
        "车辆寿命威布尔尺度参数（全部原因）",
        ge=0.5,
        le=100,
    )
    bus_limit_years: float = figure(
        "years", "age at which a bus must be scrapped", "公交车强制报废年限", ge=1, le=50
    )
    truck_limit_years: float = figure(
        "years", "age at which a truck must be scrapped", "货车强制报废年限", ge=1, le=50
    )
    accident_share: Share = figure(
        "share of exits", "exits of the fleet by total loss in an accident", "因事故全损退出的比例"
    )
    burnt_share: Share = figure(
        "share of accidents", "accidents in which the battery is destroyed", "事故中电池烧毁的比例"
    )
    export_share: Share = figure(
        "share of exits", "exits of the fleet by used export", "以二手车出口退出的比例"
    )


class Replacement(Section):
    """Packs that fail before their vehicle does."""

    share_early: float = figure(
        "share of vehicles",
        "vehicles sold before `improved_from` whose pack is replaced",
        "早期车辆更换电池的比例",
        ge=0,
        le=1,
    )
    share_late: float = figure(
        "share of vehicles",
        "vehicles sold since whose pack is replaced",
        "后期车辆更换电池的比例",
        ge=0,
        le=1,
    )
    improved_from: int = figure(
        "year", "first year of sale of the later packs", "电池质量改善起始年份", ge=2011, le=2099
    )
    commercial_factor: float = figure(
        "-",
        "how many times as often the pack of a bus or a truck is replaced",
        "商用车更换倍数",
        ge=0,
        le=100,
    )
    warranty_years: float = figure(
        "years",
        "age within which a pack is replaced; any day is as likely",
        "更换发生的年限范围",
        ge=0.1,
        le=30,
    )
    refurbished_share: Share = figure(
        "share", "replaced packs that are repaired and kept as spares", "修复后作备件的比例"
    )


class Swap(Section):
    """Swap mode: the operator owns a pool of packs, a vehicle drives with any of them."""

    exchanges_per_year: Amount = figure(
        "1/year", "recorded exchanges a year of a swap vehicle", "每车每年记录的换电次数"
    )
    pool_share: Share = figure(
        "packs per vehicle", "packs held in stations, for each swap vehicle", "每辆换电车对应的站内备用电池"
    )
    pack_shape: float = figure(
        "-", "shape of the Weibull service life of a pool pack", "换电电池服务年限形状参数", ge=0.3, le=20
    )
    pack_scale_years: float = figure(
        "years",
        "scale of the Weibull service life of a pool pack",
        "换电电池服务年限尺度参数",
        ge=0.5,
        le=100,
    )


class Market(Section):
    """What a used battery is worth, and to whom."""

    payable_share: Share = figure(
        "share",
        "part of the contained metal value that a formal buyer pays for",
        "正规买方按金属价值支付的比例",
    )
    treatment_yuan_t: Amount = figure(
        "yuan/t", "cost of treatment that a formal buyer deducts", "正规处理成本"
    )
    informal_premium: Signed = figure(
        "share", "how much more an informal buyer pays than a formal one", "非正规渠道溢价"
    )
    formal_transport_yuan_t: Amount = figure(
        "yuan/t", "dangerous-goods transport to a lawful buyer", "正规危险品运输成本"
    )
    informal_transport_yuan_t: Amount = figure("yuan/t", "transport to an informal buyer", "非正规运输成本")
    noise_yuan_t: float = figure(
        "yuan/t",
        "spread of what actors do not tell: scale of the logit",
        "选择随机项尺度（logit）",
        ge=1,
        le=1e7,
    )
    deposit_yuan_pack: Amount = figure(
        "yuan/pack", "deposit or subsidy paid on lawful hand-over", "依法移交时返还的押金或补贴"
    )
    owner_yuan_t: Signed = figure(
        "yuan/t", "leaning of a vehicle owner towards the lawful way", "车主对正规渠道的偏好"
    )
    dismantler_yuan_t: Signed = figure(
        "yuan/t", "leaning of a dismantler towards the lawful way", "报废机动车拆解企业对正规渠道的偏好"
    )
    repairer_yuan_t: Signed = figure(
        "yuan/t", "leaning of a repair firm towards the lawful way", "维修企业对正规渠道的偏好"
    )
    operator_yuan_t: Signed = figure(
        "yuan/t", "leaning of a swap operator towards the lawful way", "换电运营企业对正规渠道的偏好"
    )
    outlet_yuan_t: Signed = figure(
        "yuan/t", "leaning of a collection outlet towards the lawful way", "回收服务网点对正规渠道的偏好"
    )


class Enforcement(Section):
    """What a breach may cost."""

    inspected_share: Share = figure(
        "share of hand-overs", "hand-overs that an inspection covers", "移交被检查的比例"
    )
    detected_share: Share = figure(
        "share of inspected", "breaches that an inspection finds", "检查发现违规的比例"
    )
    fine_yuan: Amount = figure(
        "yuan/case", "fine for a battery not handed over as required", "未按要求移交的罚款"
    )
    packs_per_case: Amount = figure("packs", "packs that one case is about", "每案涉及电池包数")
    integrated_scrapping: Switch = figure(
        "0 or 1", "vehicle and battery are scrapped as one (Order 73)", "车电一体报废（73号令）"
    )
    refused_share: Share = figure(
        "share",
        "vehicles without battery that a dismantler turns away while scrapping is integrated",
        "车电一体下拒收缺电池车辆的比例",
    )
    certificate_yuan: Amount = figure(
        "yuan/vehicle", "what an owner loses without a scrapping certificate", "无报废证明的车主损失"
    )
    swap_exempt: Switch = figure(
        "0 or 1", "swap vehicles are exempt from integrated scrapping", "换电车辆豁免"
    )


class Scrapping(Section):
    """A dismantler's work."""

    certificate_days: Amount = figure(
        "days, mean", "from delivery of the vehicle to its scrapping certificate", "交车至出具报废证明"
    )
    dismount_days: Amount = figure(
        "days, mean", "from the certificate until the pack is taken out", "证明至拆下电池"
    )
    storage_days: Amount = figure("days, mean", "from taking the pack out until it leaves", "拆下至运出")
    direct_share: Share = figure(
        "share", "packs that go to a recycler without an outlet between", "直接送综合利用企业的比例"
    )
    firms: int = figure("firms", "licensed dismantlers", "报废机动车回收拆解企业数", ge=31, le=100000)


class Collection(Section):
    """Outlets and carriers."""

    storage_limit_t: float = figure(
        "t",
        "used batteries that one outlet may hold; it ships when they are reached",
        "单个网点贮存上限",
        ge=0.01,
        le=1e6,
    )
    waiting_limit_days: int = figure(
        "days", "longest stay of a used battery at an outlet", "网点最长贮存天数", ge=1, le=3650
    )
    density: float = figure("-", "outlets, as a multiple of those of 2023", "网点数量倍数", ge=0.05, le=100)
    transit_first_days: int = figure("days", "shortest transport", "最短运输时间", ge=0, le=365)
    transit_last_days: int = figure("days", "longest transport", "最长运输时间", ge=0, le=365)
    reach_km: float = figure(
        "km", "distance at which a recycler is chosen 1/e as often", "选择企业的距离衰减尺度", ge=1, le=1e5
    )
    carriers: int = figure(
        "firms", "licensed carriers of dangerous goods", "危险品承运企业数", ge=1, le=100000
    )


class Recycling(Section):
    """Comprehensive utilisation, and what is remade."""

    capacity_share: Share = figure(
        "share of nominal", "part of the nominal capacity that can really be used", "可用产能占名义产能比例"
    )
    reuse_share_lfp: Share = figure(
        "share", "LFP packs received that are tested good and remade into products", "磷酸铁锂电池再制造比例"
    )
    reuse_share_ncm: Share = figure(
        "share", "other packs received that are tested good and remade into products", "其他电池再制造比例"
    )
    modules_per_pack: int = figure(
        "modules", "modules that come out of a pack opened for reuse", "每包模组数", ge=1, le=200
    )
    cells_per_module: int = figure(
        "cells", "cells that come out of a module opened for reuse", "每模组电芯数", ge=1, le=500
    )
    opened_module_share: Share = figure(
        "share", "reused modules that are opened to cells", "拆至电芯的模组比例"
    )
    product_life_years: Amount = figure("years, mean", "service life of a remade product", "再制造产品寿命")
    product_return_share: Share = figure(
        "share", "remade products that come back to a recycler at the end", "再制造产品报废后回收比例"
    )
    poor_share: Share = figure("share of firms", "recyclers that work poorly", "低水平企业比例")
    good_share: Share = figure("share of firms", "recyclers that work well", "高水平企业比例")
    lapsed_share: Share = figure(
        "share of firms", "recyclers one of whose permits lapses for a year", "许可中断一年的企业比例"
    )
    unbalanced_share: Share = figure(
        "share of batches", "batches whose reported masses do not add up", "物料不平衡批次比例"
    )


class Informal(Section):
    """Workshops without permits."""

    e_bike_share: Share = figure(
        "share of packs", "diverted packs remade into e-bike batteries", "流入电动自行车的比例"
    )
    storage_share: Share = figure(
        "share of packs",
        "diverted packs remade into cheap storage and low-speed vehicles",
        "流入低端储能及低速车的比例",
    )
    resold_share: Share = figure(
        "share of mass", "black mass of workshops that listed recyclers buy", "黑粉回售给正规企业的比例"
    )
    recovery_share: Share = figure(
        "share of mass",
        "metal that a workshop keeps when it breaks a pack to black mass",
        "作坊黑粉金属保留率",
    )
    days: Amount = figure(
        "days, mean", "from diversion until the workshop has broken or remade the pack", "流入至处理完的时间"
    )


class ProductionScrap(Section):
    """Factory scrap: a used battery by Art. 45(2)."""

    lot_t: float = figure("t", "mass of one lot", "每批质量", ge=0.1, le=2000)
    storage_days: Amount = figure(
        "days, mean", "from scrapping until the lot leaves the factory", "厂内存放时间"
    )


class Reporting(Section):
    """How one kind of actor reports to the platform."""

    never_share: Share = figure("share of firms", "firms that never report anything", "从不上报的企业比例")
    omitted_share: Share = figure("share of events", "events that a reporting firm leaves out", "漏报比例")
    delay_days: Amount = figure("days, mean", "delay of a report", "上报延迟")
    bulk_share: Share = figure(
        "share of firms", "firms that upload at the end of the quarter", "季末集中上报的企业比例"
    )


class Coding(Section):
    """Codes, and what goes wrong with them."""

    began: int = figure(
        "year",
        "first year of manufacture with a code (GB/T 34014 and the provisions of 2018)",
        "编码起始年份",
        ge=2011,
        le=2099,
    )
    misprint_share: Share = figure("share of packs", "codes printed with a wrong character", "编码错误比例")
    duplicate_share: Share = figure("share of packs", "codes used for a second pack", "重复编码比例")


class Falsehood(Section):
    """Reports of what did not happen."""

    hidden_sale_share: Share = figure(
        "share",
        "packs sold off by dismantlers, repair firms and outlets that are reported as lawfully shipped",
        "虚报为合规移交的比例",
    )
    corrected_share: Share = figure("share", "such reports that are corrected later", "后来更正的比例")
    correction_days: Amount = figure("days, mean", "until the correction", "更正所需时间")
    flattered_share: Share = figure(
        "share of firms",
        "recyclers that report the recovery that the conditions ask for rather than their own",
        "虚报回收率的企业比例",
    )


class Scenario(BaseModel):
    """All that a run needs.  Two runs of one scenario, seed and replication give the same log, byte for byte."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(pattern=r"^[A-Za-z0-9_\-]{1,64}$")
    title_en: str = ""
    title_zh: str = ""
    first: date = Field(alias="from")
    last: date = Field(alias="until")
    seed: int = Field(ge=0, le=2**62, strict=True)
    replications: int = Field(ge=1, le=10_000, strict=True)
    scale: int = Field(ge=1, le=1_000_000, strict=True)
    life: Life
    replacement: Replacement
    swap: Swap
    market: Market
    enforcement: Enforcement
    scrapping: Scrapping
    collection: Collection
    recycling: Recycling
    informal: Informal
    production_scrap: ProductionScrap
    coding: Coding
    falsehood: Falsehood
    reporting: dict[str, Reporting]

    @model_validator(mode="after")
    def _makes_sense(self) -> Self:
        if not date(2012, 1, 1) <= self.first <= self.last <= date(2035, 12, 31):
            raise ValueError(
                f"`from` {self.first} and `until` {self.last} must lie in order between 2012-01-01 and 2035-12-31"
            )
        if self.first.day != 1 or self.first.month % 3 != 1:
            raise ValueError(f"`from` {self.first} must be the first day of a quarter")
        if (self.last + timedelta(days=1)).day != 1 or self.last.month % 3:
            raise ValueError(f"`until` {self.last} must be the last day of a quarter")
        if self.collection.transit_last_days < self.collection.transit_first_days:
            raise ValueError("collection: `transit_last_days` is less than `transit_first_days`")
        if unknown := sorted(set(self.reporting) - set(REPORTERS)):
            close = get_close_matches(unknown[0], REPORTERS, n=1, cutoff=0.4)
            raise ValueError(
                f"reporting: nobody is called `{unknown[0]}`"
                + (f"; did you mean `{close[0]}`?" if close else "")
            )
        if missing := [name for name in REPORTERS if name not in self.reporting]:
            raise ValueError(f"reporting: nothing is said of {', '.join(missing)}")
        for shares in (("accident_share", "export_share"),):
            total = sum(max(v for _, v in getattr(self.life, s).steps) for s in shares)
            if total > 1:
                raise ValueError(f"life: {' and '.join(shares)} add up to more than 1")
        for section, pair in (
            (self.recycling, ("poor_share", "good_share")),
            (self.informal, ("e_bike_share", "storage_share")),
        ):
            if sum(max(v for _, v in getattr(section, s).steps) for s in pair) > 1:
                raise ValueError(f"{' and '.join(pair)} add up to more than 1")
        return self

    def first_day(self) -> int:
        """Return the first day, in days since 1970-01-01."""
        return day_number(self.first)

    def last_day(self) -> int:
        """Return the last day, in days since 1970-01-01."""
        return day_number(self.last)


REPORTERS = (
    "battery_makers",
    "vehicle_makers",
    "swap_operators",
    "repair_firms",
    "dismantlers",
    "outlets",
    "recyclers",
    "product_makers",
)


class Parameter(NamedTuple):
    """One figure of a scenario, as the list of assumptions shows it."""

    key: str
    value: str
    unit: str
    grade: str
    source: str
    en: str
    zh: str


def parameters(scenario: Scenario) -> Iterator[Parameter]:
    """Yield every figure of *scenario* with its unit, grade and source."""
    for name in type(scenario).model_fields:
        part = getattr(scenario, name)
        sections = (
            {f"{name}.{who}": section for who, section in part.items()}
            if isinstance(part, dict)
            else {name: part}
        )
        for path, section in sections.items():
            if isinstance(section, Section):
                for field, info in type(section).model_fields.items():
                    if field != "sources":
                        yield _parameter(
                            f"{path}.{field}", getattr(section, field), info, section.sources[field]
                        )


def _parameter(key: str, value: object, info: FieldInfo, source: str) -> Parameter:
    extra = info.json_schema_extra
    assert isinstance(extra, dict)
    if isinstance(value, Dated):
        text = "; ".join(f"{v:g}" if start == _ALWAYS else f"{v:g} from {start}" for start, v in value.steps)
    else:
        text = f"{value:g}" if isinstance(value, float) else str(value)
    grade, _, said = source.partition(":")
    return Parameter(
        key, text, str(extra["unit"]), grade, said.strip(), info.description or "", str(extra["zh"])
    )


def shipped() -> list[str]:
    """Return the names of the scenarios that come with the program."""
    return sorted(
        p.name.removesuffix(".toml")
        for p in files("sim").joinpath("scenarios").iterdir()
        if p.name.endswith(".toml")
    )


def load(name: str | Path, **overrides: object) -> Scenario:
    """Return the scenario of a file, or of a shipped name such as `baseline`.

    Args:
        name: a path, or the name of a shipped scenario.
        overrides: top-level keys that the command line sets (seed, scale, …); None leaves the file's.

    Raises:
        ScenarioError: the file is missing, is no TOML, or says something that cannot be; the message names
            the file, the line and the key, what was expected and the closest right name.
    """
    found = _read(name)
    texts = [(found.where, found.text)]
    merged = _inherited(_parsed(found.where, found.text), found, (found.place,), texts)
    merged.update({key: value for key, value in overrides.items() if value is not None})
    try:
        return Scenario.model_validate(merged)
    except ValidationError as error:
        raise ScenarioError(_explained(error, texts)) from None


class _Found(NamedTuple):
    """A scenario file: its name for messages, where it is (two names of one file have one place), what it says."""

    where: str
    place: str
    text: str


def _read(name: str | Path) -> _Found:
    known = shipped()
    if str(name) in known:
        return _Found(
            f"{name}.toml",
            f"shipped {name}",
            files("sim").joinpath("scenarios", f"{name}.toml").read_text("utf-8"),
        )
    try:
        return _Found(str(name), str(Path(name).resolve()), Path(name).read_bytes().decode("utf-8-sig"))
    except FileNotFoundError:
        close = get_close_matches(Path(name).name, known, n=1, cutoff=0.4)
        hint = f"; did you mean `{close[0]}`?" if close else f"; shipped scenarios: {', '.join(known)}"
        raise ScenarioError(f"{name}: no such file or shipped scenario{hint}") from None
    except UnicodeDecodeError as error:
        raise ScenarioError(f"{name}: byte {error.start} is not UTF-8; save the file as UTF-8") from None
    except (OSError, ValueError) as error:
        raise ScenarioError(f"{name}: cannot be read ({error})") from None


def _parsed(where: str, text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:  # ValueError: also a number of thousands of digits
        raise ScenarioError(f"{where}: not TOML: {error}") from None


def _inherited(
    raw: dict[str, Any], child: _Found, seen: tuple[str, ...], texts: list[tuple[str, str]]
) -> dict[str, Any]:
    parent = raw.pop("extends", None)
    if parent is None:
        return raw
    where = child.where
    if not isinstance(parent, str):
        raise ScenarioError(
            f"{where}: `extends` must be the name of a scenario or a path, not {brief(parent)}"
        )
    found = _read(parent if parent in shipped() else Path(where).parent / parent)
    if found.place in seen:
        raise ScenarioError(f"{where}: `extends` goes round in a circle: {' -> '.join((*seen, found.place))}")
    texts.append((found.where, found.text))
    return _merged(_inherited(_parsed(found.where, found.text), found, (*seen, found.place), texts), raw)


def _merged(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        old = merged.get(key)
        merged[key] = _merged(old, value) if isinstance(old, dict) and isinstance(value, dict) else value
    return merged


def _explained(error: ValidationError, texts: list[tuple[str, str]]) -> str:
    """Say what is wrong and where: in the scenario itself, or in the nearest that it extends and that says so."""
    lines = []
    for problem in error.errors():
        keys = [str(part) for part in problem["loc"]]
        path = ".".join(keys) or "scenario"
        places = [f"{where}:{line}" for where, text in texts if (line := _line_of(text, keys))]
        if not places and problem["type"] == "missing":
            places = [f"{where}:{line}" for where, text in texts if (line := _line_of(text, keys[:-1]))]
        place = places[0] if places else texts[0][0]
        if problem["type"] == "extra_forbidden":
            close = get_close_matches(keys[-1], _siblings(keys[:-1]), n=1, cutoff=0.5)
            hint = (
                f"; did you mean `{close[0]}`?"
                if close
                else f"; known here: {', '.join(_siblings(keys[:-1]))}"
            )
            lines.append(f"{place}: unknown key `{path}`{hint}")
        elif problem["type"] == "missing":
            lines.append(f"{place}: `{path}` is missing")
        else:
            said = problem["msg"].removeprefix("Value error, ")
            lines.append(f"{place}: `{path}`: {said}")
    return "\n".join(lines)


def _siblings(path: list[str]) -> list[str]:
    model: type[BaseModel] = Scenario
    for key in path:
        if key == "reporting":
            return list(Reporting.model_fields) if len(path) > 1 else list(REPORTERS)
        info = model.model_fields.get(key)
        if (
            info is None
            or not isinstance(info.annotation, type)
            or not issubclass(info.annotation, BaseModel)
        ):
            return []
        model = info.annotation
    return [info.alias or name for name, info in model.model_fields.items()]


def _line_of(text: str, keys: list[str]) -> int | None:
    section = ""
    found = None
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[([^\[\]]+)\]", line):
            section = header.group(1).replace('"', "").strip()
            if section == ".".join(keys):
                return number
        elif keys and (match := re.match(r'\s*"?([A-Za-z0-9_\-]+)"?\s*=', line)):
            path = f"{section}.{match.group(1)}" if section else match.group(1)
            if path == ".".join(keys) or path == ".".join(keys[:-1]):
                found = found or number
    return found
