"""A made-up run for looking at the report: every number here is invented, and none of them is a result."""

import math
from dataclasses import replace

from sim.report.model import Assumption, Estimate, MeasureInfo, ReportInput, Row, RuleLine, RunRecord

YEARS = range(2016, 2036)

INFOS = [
    MeasureInfo("stock_vehicles", "Vehicles on the road", "在用车辆", "million vehicles", "百万辆", "kind"),
    MeasureInfo("registrations", "Vehicles registered", "新注册车辆", "thousand vehicles", "千辆", "kind"),
    MeasureInfo("installed_gwh", "Batteries installed", "装车电池", "GWh", "GWh", "chemistry"),
    MeasureInfo("retired_mass", "Batteries retired", "退役电池", "kt", "千吨", "chemistry"),
    MeasureInfo("retired_channel", "Batteries retired", "退役电池", "kt", "千吨", "channel"),
    MeasureInfo(
        "formal_share",
        "Share of retired mass handed over lawfully",
        "正规渠道占退役质量比例",
        "share",
        "比例",
        "",
    ),
    MeasureInfo(
        "complete_chain_share",
        "Share of retired packs with every event on the platform",
        "全链条记录完整的退役电池包比例",
        "share",
        "比例",
        "",
    ),
    MeasureInfo("recovered", "Recovered", "回收量", "t", "吨", "element"),
    MeasureInfo("processed", "Processed", "处理量", "kt", "千吨", "source"),
    MeasureInfo(
        "reported_share", "Share of events that were reported", "已报送事件比例", "share", "比例", "role"
    ),
    MeasureInfo("report_delay_days", "Delay of reports", "报送延迟", "days", "天", "role"),
    MeasureInfo("wait_days", "Waiting time", "等待时间", "days", "天", "stage"),
    MeasureInfo("flow", "Flow", "流量", "kt", "千吨", "flow"),
    MeasureInfo("breaches_happened", "Breaches that happened", "实际发生的违规", "count", "起", "rule"),
    MeasureInfo("breaches_visible", "Breaches visible", "平台可见的违规", "count", "起", "rule"),
]

FLOWS = {
    "scrapped vehicles>dismantlers": 2900,
    "scrapped vehicles>informal trade": 1900,
    "scrapped vehicles>exported": 320,
    "scrapped vehicles>missing": 410,
    "repair firms>outlets": 720,
    "repair firms>informal trade": 260,
    "swap operators>outlets": 380,
    "swap operators>recyclers": 300,
    "dismantlers>outlets": 1750,
    "dismantlers>recyclers": 780,
    "dismantlers>informal trade": 240,
    "outlets>recyclers": 2350,
    "outlets>remade products": 330,
    "outlets>waiting": 120,
    "production scrap>recyclers": 1450,
    "recyclers>lithium": 95,
    "recyclers>nickel": 310,
    "recyclers>cobalt": 105,
    "recyclers>manganese": 120,
    "recyclers>copper": 520,
    "recyclers>aluminium": 690,
    "recyclers>other materials": 2700,
    "recyclers>losses": 260,
}

GROWTH = {
    "stock_vehicles": ({"bev_car": 52, "phev_car": 30, "bus": 0.9, "truck": 3.2}, 2028),
    "registrations": ({"bev_car": 9_800, "phev_car": 5_600, "bus": 95, "truck": 820}, 2025),
    "installed_gwh": ({"LFP": 640, "NCM": 210, "LMO": 6, "LTO": 2, "SOLID_STATE": 25}, 2026),
    "retired_mass": ({"LFP": 1_150, "NCM": 520, "LMO": 22, "LTO": 9, "NIMH": 4}, 2030),
    "retired_channel": (
        {"recycled": 610, "reused": 120, "waiting": 60, "informal": 640, "exported": 130, "missing": 145},
        2030,
    ),
    "recovered": (
        {"LI": 24_000, "NI": 61_000, "CO": 17_000, "MN": 22_000, "CU": 98_000, "AL": 124_000, "FE": 160_000,
         "GRAPHITE": 90_000},
        2030,
    ),
    "processed": ({"vehicle_packs": 610, "production_scrap": 320, "bought_black_mass": 140}, 2029),
    "wait_days": ({"dismantler": 12, "outlet": 19, "transit": 4, "recycler": 27}, 2024),
    "breaches_happened": ({"ELV-01": 21_000, "REC-01": 9_000, "OUT-02": 15_000, "EBK-01": 7_000}, 2028),
    "breaches_visible": ({"ELV-01": 6_000, "REC-01": 8_700, "OUT-02": 12_000, "EBK-01": 300}, 2028),
}  # fmt: skip

RULES = [
    ("ELV-01", "Scrapped vehicle accepted without its battery", "接收无电池的报废车辆且仍出具证明", "Order 73, article unknown", "B", "order73", False, 210_000, 61_000, "RAN"),
    ("REC-01", "Receipt reported late", "入库信息逾期报送", "Order 73 art. 24(7)", "A", "order73", False, 88_000, 85_400, "RAN"),
    ("REC-02", "Dispatch reported late", "出库信息逾期报送", "Order 73 art. 24(7)", "A", "order73", False, 31_000, 30_200, "RAN"),
    ("OUT-02", "Stored longer than ninety days at an outlet", "在网点存放超过九十日", "GB/T 38698.2 art. 4.3", "C", "voluntary", True, 150_000, 121_000, "RAN"),
    ("EBK-01", "Used cells in an electric bicycle", "废旧电池用于电动自行车", "Order 73 art. 22", "A", "order73", False, 70_000, 2_900, "RAN"),
    ("COD-01", "Code used twice", "编码重复", "", "B", "order73", False, 0, 0, "RAN"),
    ("FAL-01", "Pack never handed over", "电池包未移交", "Order 73 art. 19", "A", "order73", False, 4_000, 4_900, "RAN"),
    ("IND-07", "Nickel recovery below the industry condition", "镍回收率低于行业规范条件", "Industry conditions 2024 art. IV(2)", "A", "voluntary", True, 12, 12, "RAN"),
    ("TRA-03", "Transport without a dangerous-goods permit", "无危险货物运输许可的运输", "art. ?", "C", "cn_2018", False, math.nan, math.nan, "SKIPPED no permit column"),
    ("CU-09", "White list joined within two years of a penalty", "受罚两年内申请公告", "Order 73 art. 42", "A", "order73", False, math.nan, math.nan, "BROKEN column `penalty` not found"),
]  # fmt: skip


def sample(*, replications: int = 3) -> ReportInput:
    """Return an invented run of every measure."""
    rows = [row for measure in GROWTH for row in _growing(measure, replications)]
    for year in YEARS:
        up = _logistic(year, 2028)
        rows.append(_row("formal_share", year, "", 0.22 + 0.3 * up, 0.03, replications))
        rows.append(_row("complete_chain_share", year, "", 0.35 + 0.5 * up, 0.02, replications))
        for key, share, days in (("OEM", 0.97, 12), ("OUTLET", 0.86, 19), ("ELV", 0.63, 34), ("SWAP_OP", 0.92, 9),
                                 ("REPAIR", 0.41, 41), ("CU", 0.95, 16)):  # fmt: skip
            rows.append(_row("reported_share", year, key, share * (0.7 + 0.3 * up), 0.03, replications))
            rows.append(_row("report_delay_days", year, key, days * (1.3 - 0.3 * up), 0.06, replications))
    rows += [_row("flow", None, key, value, 0.04, replications) for key, value in FLOWS.items()]
    rules = [
        RuleLine(*rule[:7], _about(rule[7], replications), _about(rule[8], replications), rule[9])
        for rule in RULES
    ]
    return ReportInput(
        record=RunRecord(
            name="baseline", first_day="2016-01-01", last_day="2035-12-31", scale=1000, replications=replications,
            seed=2026, fingerprint="7f3c" + "0123456789ab" * 5, events=1_118_204,
            versions={"battrace": "0.1.0", "python": "3.11.2", "numpy": "2.2.1", "simpy": "4.1.1", "duckdb": "2.0.0"},
        ),
        measures={info.id: info for info in INFOS},
        rows=rows,
        rules=rules,
        assumptions=_assumptions(),
        headline_year=2030,
    )  # fmt: skip


def hostile(text: str) -> ReportInput:
    """Return a run in which every name that comes from data is *text*."""
    data = sample()
    info = {
        k: replace(i, title_en=text, title_zh=text, unit_en=text, unit_zh=text)
        for k, i in data.measures.items()
    }
    return ReportInput(
        record=replace(data.record, name=text, fingerprint=text, first_day=text, last_day=text, versions={text: text}),
        measures=info,
        rows=[replace(r, key=f"{text.replace('>', '')}>b" if r.measure == "flow" else text) for r in data.rows],
        rules=[replace(r, id=text, title_en=text, title_zh=text, article=text, grade=text, regime=text,
                       outcome=f"SKIPPED {text}") for r in data.rules],
        assumptions=[Assumption(text, text, text, text, text, text)],
        headline_year=2030,
    )  # fmt: skip


def _growing(measure: str, n: int) -> list[Row]:
    ends, middle = GROWTH[measure]
    return [
        _row(measure, year, key, end * _logistic(year, middle), 0.05, n)
        for year in YEARS
        for key, end in ends.items()
    ]


def _logistic(year: int, middle: int) -> float:
    return 1 / (1 + math.exp(-(year - middle) / 2.4))


def _row(measure: str, year: int | None, key: str, mean: float, wide: float, n: int) -> Row:
    about = _about(mean, n, wide)
    return Row(measure, year, key, about.mean, about.low, about.high, n)


def _about(mean: float, n: int, wide: float = 0.03) -> Estimate:
    return Estimate(mean, mean * (1 - wide), mean * (1 + wide)) if n > 1 else Estimate(mean, mean, mean)


def _assumptions() -> list[Assumption]:
    sections = (
        "life",
        "replacement",
        "swap",
        "scrapping",
        "collection",
        "recycling",
        "informal",
        "reporting",
    )
    names = ("capacity", "delay_days", "share", "price_gap", "start", "spread")
    return [
        Assumption(
            f"{section}.{name}", f"{0.1 * (n + 1):.2g}", "days" if "days" in name else "",
            "" if (n + m) % 5 == 0 else f"yearbook 2024, table {n + 1}", "assumed" if (n + m) % 5 == 0 else "A",
            "decides how much leaves the formal trade" if name == "price_gap" else "",
        )
        for m, section in enumerate(sections)
        for n, name in enumerate(names)
    ]  # fmt: skip
