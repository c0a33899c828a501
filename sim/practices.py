"""How each kind of actor works: sections of a scenario, from manufacture to the last workshop."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from sim.dated import Amount, Few, Share
from sim.figures import Section, check_weights, figure


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
        check_weights("capacity_factor", self.capacity_factor, most=100)
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
