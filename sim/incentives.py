"""What moves those who hold a battery: prices, the law and who enforces it, what they have seen of it."""

from __future__ import annotations

from typing import Self

from pydantic import BaseModel, ConfigDict, model_validator

from sim.dated import Amount, Factor, Share, Signed, Switch
from sim.figures import Section, check_weights, figure


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
        check_weights("targeting", self.targeting, most=1000)
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
