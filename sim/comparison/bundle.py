"""The bundle: the measures that every comparison shows, always the same, whatever the policy."""

from __future__ import annotations

from dataclasses import dataclass

from sim.report.words import Text


@dataclass(frozen=True, slots=True)
class Shown:
    """One line of the bundle.

    Attributes:
        measure, key: of the tidy measures of a run; an empty key is the total.
        group: under which heading it stands.
        factor: from the unit of the measure to the one shown.
        unit: shown; "%" for a share, whose differences are in percentage points.
        headline: whether its interval decides when an automatic comparison has enough replications.
    """

    measure: str
    key: str
    says: Text
    group: Text
    factor: float
    unit: Text
    headline: bool = False

    @property
    def id(self) -> str:
        """Measure and key in one word."""
        return f"{self.measure}.{self.key}" if self.key else self.measure


_PERCENT = Text("%", "%")
_PACKS, _KT, _T = Text("k packs", "千包"), Text("kt", "千吨"), Text("t", "吨")
_MILLION = Text("M", "百万")
_YUAN, _YUAN_T, _DAYS = Text("M yuan", "百万元"), Text("yuan/t", "元/吨"), Text("days", "天")

WHERE = Text("Where used batteries go", "退役电池去向")
MATERIAL = Text("What is recovered", "材料回收")
WAITING = Text("Queues and waiting", "排队与等待")
REPORTING = Text("Reporting", "信息报送")
LAWFULNESS = Text("Breaches", "违规")
MONEY = Text("Money", "费用与收益")


def _fates() -> tuple[Shown, ...]:
    fates = (
        ("recycled", Text("recycled", "再生利用")),
        ("reused", Text("reused", "再使用")),
        ("missing", Text("missing", "去向不明")),
        ("informal", Text("diverted to workshops", "流入作坊")),
    )
    found = []
    for key, said in fates:
        decides = key in ("recycled", "informal")
        packs = Text(f"packs {said.en}", f"{said.zh}（包）")
        mass = Text(f"mass {said.en}", f"{said.zh}（质量）")
        found.append(Shown("fate_packs", key, packs, WHERE, 1.0, _PACKS, decides))
        found.append(Shown("retired_channel", key, mass, WHERE, 1.0, _KT))
    return tuple(found)


def _spent() -> tuple[Shown, ...]:
    names = (
        ("recyclers", Text("spent by recyclers", "综合利用企业成本")),
        ("workshops", Text("spent by workshops", "作坊成本")),
        ("holders", Text("spent by holders", "持有者成本")),
    )
    return tuple(Shown("spent", key, said, MONEY, 1.0, _YUAN) for key, said in names)


def _earned() -> tuple[Shown, ...]:
    names = (
        ("recyclers", Text("earned by recyclers", "综合利用企业净收入")),
        ("workshops", Text("earned by workshops", "作坊净收入")),
        ("holders", Text("earned by holders", "持有者净收入")),
        ("carriers", Text("earned by carriers", "运输企业收入")),
    )
    return tuple(Shown("earned", key, said, MONEY, 1.0, _YUAN) for key, said in names)


BUNDLE: tuple[Shown, ...] = (
    Shown("formal_share", "", Text("formal-channel share", "正规渠道比例"), WHERE, 100.0, _PERCENT, True),
    Shown("retired_packs", "", Text("packs retired", "退役电池包"), WHERE, 1.0, _PACKS, True),
    Shown("retired_mass", "", Text("mass retired", "退役质量"), WHERE, 1.0, _KT),
    Shown(
        "collected_packs",
        "",
        Text("packs handed over lawfully", "正规移交的电池包"),
        WHERE,
        1.0,
        _PACKS,
        True,
    ),
    Shown("collected_mass", "", Text("mass handed over lawfully", "正规移交的质量"), WHERE, 1.0, _KT),
    *_fates(),
    Shown("e_bike_packs", "", Text("packs made e-bike batteries", "改作电动自行车电池"), WHERE, 1.0, _PACKS),
    Shown(
        "processed", "", Text("processed by listed recyclers", "综合利用企业处理量"), MATERIAL, 1.0, _KT, True
    ),
    Shown("recovered", "LI", Text("lithium recovered", "再生锂"), MATERIAL, 1.0, _T, True),
    Shown("recovered", "NI", Text("nickel recovered", "再生镍"), MATERIAL, 1.0, _T),
    Shown("recovered", "CO", Text("cobalt recovered", "再生钴"), MATERIAL, 1.0, _T),
    Shown("recovered", "CU", Text("copper recovered", "再生铜"), MATERIAL, 1.0, _T),
    Shown("queue_packs", "", Text("packs in a queue at year end", "年末排队的电池包"), WAITING, 1.0, _PACKS),
    *(
        Shown("queue_packs", stage, said, WAITING, 1.0, _PACKS)
        for stage, said in (
            ("dismantler", Text("in a queue at dismantlers", "在拆解企业等待")),
            ("outlet", Text("in a queue at outlets", "在回收网点等待")),
            ("transit", Text("under way at year end", "年末在途")),
            ("recycler", Text("in a queue at recyclers", "在综合利用企业等待")),
        )
    ),
    Shown("wait_days", "dismantler", Text("days at dismantlers", "在拆解企业的天数"), WAITING, 1.0, _DAYS),
    Shown("wait_days", "transit", Text("days under way", "运输途中的天数"), WAITING, 1.0, _DAYS),
    Shown("wait_days", "outlet", Text("days at outlets", "在回收网点的天数"), WAITING, 1.0, _DAYS),
    Shown("wait_days", "recycler", Text("days at recyclers", "在综合利用企业的天数"), WAITING, 1.0, _DAYS),
    Shown(
        "complete_chain_share",
        "",
        Text("packs with a complete chain", "信息链完整的电池包"),
        REPORTING,
        100.0,
        _PERCENT,
    ),
    Shown(
        "report_delay_days",
        "ELV",
        Text("report delay, dismantlers", "拆解企业上报延迟"),
        REPORTING,
        1.0,
        _DAYS,
    ),
    Shown(
        "report_delay_days",
        "CU",
        Text("report delay, recyclers", "综合利用企业上报延迟"),
        REPORTING,
        1.0,
        _DAYS,
    ),
    Shown(
        "reports_to_file",
        "",
        Text("reports to file in the year", "当年应上报条数"),
        REPORTING,
        1e-3,
        _MILLION,
    ),
    Shown(
        "reports_filed",
        "",
        Text("reports filed in the year", "当年上报条数"),
        REPORTING,
        1e-3,
        _MILLION,
        True,
    ),
    Shown(
        "breaches_happened",
        "",
        Text("breaches that happened", "实际发生的违规"),
        LAWFULNESS,
        1e-6,
        _MILLION,
        True,
    ),
    Shown("breaches_visible", "", Text("breaches visible", "平台可见的违规"), LAWFULNESS, 1e-6, _MILLION),
    Shown(
        "detected_share", "", Text("share of breaches visible", "违规可见比例"), LAWFULNESS, 100.0, _PERCENT
    ),
    Shown("fines", "", Text("fines", "罚款"), MONEY, 1.0, _YUAN),
    Shown("public_cost", "", Text("paid by the state", "财政支出"), MONEY, 1.0, _YUAN),
    *_spent(),
    *_earned(),
    Shown(
        "margin_formal",
        "LFP",
        Text("recycler's margin, LFP", "综合利用企业毛利（铁锂）"),
        MONEY,
        1.0,
        _YUAN_T,
    ),
    Shown("margin_informal", "LFP", Text("workshop's margin, LFP", "作坊毛利（铁锂）"), MONEY, 1.0, _YUAN_T),
)
"""What the table on the screen, the summary and the dots of the report show; the files hold every measure."""
