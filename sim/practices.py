"""How each kind of actor works, and what the world around it is like: the sections of a scenario.

Every figure has its unit, a sentence in both languages, its bounds, and a source.
"""

from __future__ import annotations

from difflib import get_close_matches
from reprlib import repr as brief
from typing import Any, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sim.dated import Amount, Factor, Few, Share, Signed, Switch

GRADES = ("official", "association", "press", "paper", "derived", "standard", "assumed")
"""How well a figure is known; the first word of its source."""


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
                    f"the source of `{name}` must begin with one of {', '.join(GRADES)} and a colon, not {brief(source)}"
                )
        if missing := sorted(names - set(self.sources)):
            raise ValueError(
                f"no source for {', '.join(f'`{m}`' for m in missing)}; write one, or `assumed: why`"
            )
        return self


def _weights(name: str, table: dict[str, float], *, most: float) -> None:
    """Check the numbers of a table of weights; whose names they are, only the input files know."""
    for key, weight in table.items():
        if not 0.0 <= weight <= most:
            raise ValueError(f"`{name}`: {key} = {weight:g} is not between 0 and {most:g}")


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


class Manufacture(Section):
    """How a pack comes into a car that is sold."""

    energy_spread: float = figure(
        "share",
        "packs of one kind and year lie within this of their mean energy",
        "同类同年电池容量离散度",
        ge=0,
        le=0.9,
    )
    supply_days: Amount = figure(
        "days, mean", "from delivery of a pack until it is installed", "电池交付至装车"
    )
    assembly_days: int = figure(
        "days",
        "longest time from installation to the certificate of conformity",
        "装车至合格证的最长时间",
        ge=0,
        le=365,
    )
    sale_days: Amount = figure("days, mean", "from the certificate of conformity to the sale", "合格证至销售")
    registered_share: float = figure(
        "share of sales",
        "vehicles sold before 2021 that were registered; from 2021 on registrations are published",
        "2021年前销量中完成注册登记的比例",
        ge=0.05,
        le=1.2,
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
    repair_days: int = figure("days", "repair of a pack that is kept as a spare", "备件修复时间", ge=0, le=90)
    storage_days: Amount = figure("days, mean", "stay of a used pack at a repair firm", "维修企业贮存时间")
    firms_a_province: int = figure(
        "firms", "repair firms of makers, in each province", "每省维修企业数", ge=1, le=10000
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
    storage_days: Amount = figure("days, mean", "stay of a used pack at an operator", "换电运营企业贮存时间")
    operators: int = figure("firms", "swap operators", "换电运营企业数", ge=1, le=1000)


class Market(Section):
    """What a used battery is worth, and to whom."""

    payable_lithium_lfp: Amount = figure(
        "share of value",
        "part of the value of the lithium of an LFP battery that a formal buyer pays for",
        "磷酸铁锂电池中锂价值的支付系数",
    )
    payable_lithium_ncm: Amount = figure(
        "share of value",
        "part of the value of the lithium of any other battery that a formal buyer pays for",
        "三元等电池中锂价值的支付系数",
    )
    payable_nickel_cobalt: Amount = figure(
        "share of value",
        "part of the value of nickel and cobalt that a formal buyer pays for",
        "镍钴价值的支付系数",
    )
    payable_other: Amount = figure(
        "share of value",
        "part of the value of copper, aluminium, manganese and steel that a formal buyer pays for",
        "铜、铝、锰、钢价值的支付系数",
    )
    treatment_yuan_t: Amount = figure(
        "yuan/t", "cost of treatment that a formal buyer deducts", "正规处理成本"
    )
    refining_lfp_yuan_t: Amount = figure(
        "yuan/t",
        "what refining the black mass of a tonne of LFP batteries costs beside the treatment",
        "磷酸铁锂电池黑粉精炼成本（处理成本之外）",
    )
    refining_ncm_yuan_t: Amount = figure(
        "yuan/t",
        "what refining the black mass of a tonne of other batteries costs beside the treatment",
        "三元等电池黑粉精炼成本（处理成本之外）",
    )
    remade_yuan_kwh: Amount = figure(
        "yuan/kWh", "what a workshop gets for a battery that it has remade", "作坊翻新电池售价"
    )
    workshop_yuan_t: Amount = figure(
        "yuan/t", "what a workshop spends on taking apart or remaking", "作坊拆解或翻新成本"
    )
    informal_premium: Signed = figure(
        "share", "how much more an informal buyer pays than a formal one", "非正规渠道溢价"
    )
    premium_most_yuan_t: Amount = figure(
        "yuan/t", "the most that an informal buyer pays more than a formal one", "非正规渠道溢价上限"
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
    formal_price_factor: Factor = figure(
        "-",
        "what lawful buyers pay for the metals of a battery, as a multiple of the coefficients above; workshops do not follow",
        "正规买方金属计价倍数（相对上述系数；作坊报价不随之变动）",
    )
    informal_price_factor: Factor = figure(
        "-",
        "what a workshop offers for a battery that is worth something, as a multiple of what it would",
        "作坊报价倍数（仅对正值报价）",
    )
    deposit_yuan_pack: Amount = figure(
        "yuan/pack", "deposit or subsidy paid on lawful hand-over", "依法移交时返还的押金或补贴"
    )
    subsidy_yuan_t: Amount = figure(
        "yuan/t",
        "subsidy paid on each tonne that is handed over lawfully, beside the deposit on each pack",
        "依法移交每吨电池的补贴（另计每包押金）",
    )
    leaning_yuan_t: Signed = figure(
        "yuan/t",
        "leaning of every holder towards the lawful way, beside his own",
        "各类持有人对正规渠道的共同偏好",
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
    valued_age_years: int = figure(
        "years", "age of the pack whose contents an offer is reckoned on", "报价所依据的电池年龄", ge=0, le=30
    )


class Enforcement(Section):
    """What the law asks of a vehicle that is scrapped."""

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


class Inspection(Section):
    """What one authority looks at, finds and fines."""

    inspected_share: Share = figure(
        "share of hand-overs", "hand-overs that an inspection covers", "移交被检查的比例"
    )
    detected_share: Share = figure(
        "share of inspected", "breaches that an inspection finds", "检查发现违规的比例"
    )
    fine_yuan: Amount = figure("yuan/case", "fine for one case", "每案罚款")
    packs_per_case: Amount = figure("batteries", "batteries that one case is about", "每案涉及电池数")
    decision_days: Amount = figure(
        "days, mean", "from the breach until it is found and punished", "违规至查处的时间"
    )
    targeting: dict[str, float] = figure(
        "-",
        "how many times as often inspections cover those of a province or, by kind, repair firms, swap operators and "
        "outlets; the others as often as before; 0 to 1000",
        "对某省份或某类主体（维修企业、换电运营企业、网点）检查频率的倍数，其余不变；0至1000",
    )

    @model_validator(mode="after")
    def _weights_are_weights(self) -> Self:
        _weights("targeting", self.targeting, most=1000)
        return self


class EnvironmentInspection(Inspection):
    """The environment ministry: workshops, and the permits and balances of recyclers."""

    recycler_inspected_share: Share = figure(
        "share of firms",
        "recyclers whose permits and books are looked at in a quarter",
        "每季度受检综合利用企业比例",
    )
    recycler_detected_share: Share = figure(
        "share of inspected",
        "recyclers found out whose permit has lapsed or whose balances are false",
        "检查发现许可中断或虚假平衡的比例",
    )
    recycler_fine_yuan: Amount = figure("yuan/case", "fine for a recycler", "对综合利用企业的罚款")
    list_ban_years: Amount = figure(
        "years",
        "for which a recycler that was punished is off the announced list",
        "受罚企业被移出公告名单的年限",
    )
    unlisted_pull: float = figure(
        "-", "how many times as often a recycler off the list is chosen", "名单外企业被选择的倍数", ge=0, le=1
    )


class Inspections(BaseModel):
    """The authorities and what each looks at: REGULATION, regulator roles.

    miit: repair firms, swap operators and outlets; mofcom: dismantlers; mee: workshops and recyclers; samr: what
    workshops sell; mot: the transport of what is sold off.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    miit: Inspection
    mofcom: Inspection
    mee: EnvironmentInspection
    samr: Inspection
    mot: Inspection


class Learning(Section):
    """How those who trade in used batteries learn what they risk."""

    prior_share: float = figure(
        "share of sales",
        "unlawful sales that each trade believes are found, before it has seen any",
        "初始认为的违规查获率",
        ge=0,
        le=1,
    )
    learning_share: Share = figure(
        "share of the gap",
        "part of the gap between belief and what a quarter showed that is closed in the next",
        "每季度认知向实际查获率调整的比例",
    )
    memory_packs: float = figure(
        "packs",
        "unlawful sales in a province and quarter for as many as which what is heard from the whole country counts",
        "全国传闻相当于本省违规量",
        ge=0,
        le=1e7,
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
    refused_share: Share = figure(
        "share",
        "batteries worth less than nothing to a lawful buyer that an outlet refuses",
        "网点拒收无正规价值电池的比例",
    )
    density: float = figure("-", "outlets, as a multiple of those of 2023", "网点数量倍数", ge=0.05, le=100)
    way_share: float = figure(
        "share of cost",
        "part of the cost of transport to a lawful buyer that is the way to an outlet: twice as near where outlets are "
        "four times as many",
        "正规运输成本中前往网点部分的比例；网点增至四倍时该段距离减半",
        ge=0,
        le=1,
    )
    transit_first_days: int = figure("days", "shortest transport", "最短运输时间", ge=0, le=365)
    transit_last_days: int = figure("days", "longest transport", "最长运输时间", ge=0, le=365)
    reach_km: float = figure(
        "km", "distance at which a recycler is chosen 1/e as often", "选择企业的距离衰减尺度", ge=1, le=1e5
    )
    carriers: int = figure(
        "firms", "licensed carriers of dangerous goods", "危险品承运企业数", ge=1, le=100000
    )
    support_yuan_year: Amount = figure(
        "yuan/outlet/year",
        "what the state pays for each outlet beyond those of 2023",
        "每个新增网点（相对2023年）的财政补助",
    )


class Recycling(Section):
    """Comprehensive utilisation, and what is remade."""

    capacity_share: Share = figure(
        "share of nominal", "part of the nominal capacity that can really be used", "可用产能占名义产能比例"
    )
    capacity_factor: dict[str, float] = figure(
        "-",
        "capacity of the recyclers of a province, as a multiple of what it would be; the others as before; 0 to 100",
        "某省份综合利用产能的倍数，其余不变；0至100",
    )
    listed_share: Share = figure(
        "share of firms",
        "recyclers that are announced on the list; the others draw as `unlisted_pull` says",
        "列入公告名单的综合利用企业比例（名单外企业按 unlisted_pull 被选择）",
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
    lapsed_share: float = figure(
        "share of firms",
        "recyclers one of whose permits lapses for a year",
        "许可中断一年的企业比例",
        ge=0,
        le=1,
    )
    unbalanced_share: Share = figure(
        "share of batches", "batches whose reported masses do not add up", "物料不平衡批次比例"
    )
    dispatch_days: Amount = figure(
        "days, mean", "from recovery of a material lot until it leaves", "材料出库时间"
    )
    build_days: Amount = figure(
        "days, mean", "from the test of a pack until the product is built of it", "再制造时间"
    )
    product_sale_days: Amount = figure("days, mean", "from building a product to its sale", "产品销售时间")
    storage_product_share: Share = figure(
        "share", "remade products for storage; the others are for backup", "储能用途比例"
    )

    @model_validator(mode="after")
    def _factors_are_factors(self) -> Self:
        _weights("capacity_factor", self.capacity_factor, most=100)
        return self


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
    workshops_a_province: int = figure("workshops", "in each province", "每省作坊数", ge=1, le=10000)
    sale_days: int = figure(
        "days", "until what a workshop has made is sold", "作坊产品售出时间", ge=1, le=365
    )


class ProductionScrap(Section):
    """Factory scrap: a used battery by Art. 45(2)."""

    rate_kg_kwh: Few = figure(
        "kg/kWh",
        "production scrap that arises for each kWh installed in vehicles that year",
        "每千瓦时装车量产生的生产废料",
    )
    listed_share: Share = figure(
        "share of mass", "production scrap that listed recyclers take in", "进入白名单企业的生产废料比例"
    )
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
    automatic_share: Share = figure(
        "share of firms",
        "firms whose reports are uploaded automatically: on the day after, none left out, once the platform is there",
        "自动上报的企业比例：次日上传，不漏报（平台启用后）",
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
