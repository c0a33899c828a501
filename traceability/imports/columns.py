"""What a row of a foreign log can say: our fields, their headers in both languages, what may stand in them."""

from __future__ import annotations

from dataclasses import dataclass

from traceability.vocabulary import Detail


@dataclass(frozen=True, slots=True)
class Field:
    """One thing that a row can say.

    Attributes:
        name: in a mapping file.
        kind: how a cell is read, a key of `readers.READERS`.
        zh, en: the header of a template.
        says_zh, says_en: what it means, for a person who fills in a template.
        headers: other headers that people use for it, in either language.
        example: what stands in the worked row of a template, if it has the column.
    """

    name: str
    kind: str
    zh: str
    en: str
    says_zh: str
    says_en: str
    headers: tuple[str, ...] = ()
    example: str | int | float = ""


def _field(
    name: str, kind: str, zh: str, en: str, says: tuple[str, str], headers: str, example: str | float = ""
) -> Field:
    return Field(name, kind, zh, en, *says, tuple(h.replace("_", " ") for h in headers.split()), example)


_MAIN = (
    _field(
        "event", "event", "事件", "event",
        ("发生了什么；必填。可用的词见第二张表", "what happened; required. The words are on the second sheet"),
        "业务类型 操作类型 环节 业务环节 事件类型 操作 溯源环节 event_type activity action step", "接收",
    ),
    _field(
        "event_day", "day", "发生日期", "event date",
        ("何时发生，如2026-05-06；必填", "when it happened, like 2026-05-06; required"),
        "日期 业务日期 事件日期 操作日期 发生时间 接收日期 入库日期 出库日期 入库时间 出库时间 业务时间 操作时间 date "
        "event_day event_time happened timestamp time day", "2026-05-06",
    ),
    _field(
        "record_day", "day", "上报时间", "reported",
        ("何时上报平台；空白表示尚未上报", "when the platform was told; blank: not yet"),
        "上报日期 报送时间 报送日期 上传时间 上传日期 填报时间 填报日期 提交时间 reported_on report_date report_time "
        "record_day record_time uploaded submitted_at recorded", "2026-05-20",
    ),
    _field(
        "unit", "code", "电池编码", "battery code",
        ("GB/T 34014编码（24位；再利用产品19位），或批次号", "code of GB/T 34014 (24 characters; remade: 19), or a lot number"),
        "编码 动力电池编码 电池包编码 溯源编码 电池码 国标码 国标编码 蓄电池编码 产品编码 电池编号 模块编码 单体编码 code "
        "unit battery_id pack_code battery_serial serial_number traceability_code", "ZZ9PB1AA0B1234G410000042",
    ),
    _field(
        "vehicle", "vin", "车辆识别代号", "VIN",
        ("17位；车辆事件必填", "17 characters; required where the event is of a vehicle"),
        "车架号 VIN码 车辆识别代码 车辆识别号 车辆VIN 车辆VIN码 vehicle vehicle_id chassis_number", "",
    ),
    _field(
        "actor", "name", "企业名称", "company",
        ("谁做的", "who did it"),
        "企业 单位名称 上报企业 上报单位 填报单位 操作企业 责任企业 公司 公司名称 单位 actor company_name enterprise firm "
        "reported_by operator facility", "示例综合利用有限公司",
    ),
    _field(
        "actor_code", "credit", "统一社会信用代码", "credit code",
        ("企业的统一社会信用代码，18位", "its unified social credit code, 18 characters"),
        "社会信用代码 信用代码 企业信用代码 企业统一社会信用代码 组织机构代码 uscc company_code "
        "unified_social_credit_code", "",
    ),
    _field(
        "actor_role", "role", "企业类型", "company type",
        ("企业的类别；可用的词见第二张表", "what kind of company; the words are on the second sheet"),
        "单位类型 企业类别 主体类型 企业性质 角色 role company_role actor_role enterprise_type", "综合利用企业",
    ),
    _field(
        "receiver", "name", "接收企业", "receiver",
        ("交给谁", "to whom it went"),
        "接收单位 接收企业名称 接收方 去向 去向企业 去向单位 下游企业 移交对象 收货单位 收货企业 destination recipient consignee "
        "buyer sent_to", "",
    ),
    _field(
        "receiver_code", "credit", "接收企业统一社会信用代码", "receiver credit code",
        ("接收企业的统一社会信用代码", "credit code of the receiver"),
        "接收单位统一社会信用代码 接收企业信用代码 去向企业统一社会信用代码 去向单位统一社会信用代码 receiver_uscc "
        "destination_uscc destination_credit_code", "",
    ),
    _field(
        "receiver_role", "role", "接收企业类型", "receiver type",
        ("接收企业的类别", "what kind of company the receiver is"),
        "接收单位类型 去向类型 去向企业类型 receiver_role destination_type recipient_type", "",
    ),
    _field(
        "carrier", "name", "承运企业", "carrier",
        ("由谁运输", "who carried it"),
        "运输企业 运输单位 承运单位 承运人 物流公司 物流企业 transporter haulier", "",
    ),
    _field(
        "carrier_code", "credit", "承运企业统一社会信用代码", "carrier credit code",
        ("承运企业的统一社会信用代码", "credit code of the carrier"),
        "运输企业统一社会信用代码 承运单位统一社会信用代码 carrier_uscc", "",
    ),
    _field(
        "maker", "name", "电池生产企业", "battery maker",
        ("电池由谁生产", "who made the battery"),
        "生产企业 生产厂家 制造商 电池厂家 生产单位 电池制造商 manufacturer maker producer coder", "",
    ),
    _field(
        "level", "level", "产品层级", "level",
        ("电池包、模块、单体、梯次产品或批次；空白时按编码判断", "pack, module, cell, product or lot; blank: as the code tells"),
        "产品类型 电池层级 层级 规格层级 电池形态 unit_level product_type", "电池包",
    ),
    _field(
        "chemistry", "chemistry", "电池类型", "chemistry",
        ("如磷酸铁锂、三元", "like LFP, NCM"),
        "电池种类 材料类型 正极材料 电池材料 化学体系 蓄电池类型 battery_type battery_chemistry cathode", "磷酸铁锂",
    ),
    _field(
        "made_day", "day", "生产日期", "made on",
        ("电池的生产日期", "when the battery was made"),
        "电池生产日期 制造日期 出厂日期 made_day production_date manufactured_on date_of_manufacture", "2026-04-01",
    ),
    _field(
        "energy_kwh", "thousandths", "额定能量(kWh)", "energy (kWh)",
        ("千瓦时", "kilowatt-hours"),
        "额定能量 电量 容量(kWh) 电池容量(kWh) 额定容量(kWh) energy energy_kwh capacity_(kwh) capacity_kwh", 52.5,
    ),
    _field(
        "mass_kg", "thousandths", "质量(kg)", "mass (kg)",
        ("千克", "kilograms"),
        "重量 质量 重量(kg) 电池重量 电池质量(kg) 重量kg mass weight weight_(kg) weight_kg mass_kg", 380,
    ),
    _field(
        "swap", "flag", "是否换电车", "swap vehicle",
        ("车辆是否为换电式：是/否", "is the vehicle one whose battery is swapped: yes/no"),
        "换电车 换电模式 换电式 是否换电 补能方式 swap_mode battery_swap", "",
    ),
    _field(
        "purpose", "use", "产品用途", "purpose",
        ("梯次产品的用途", "what a remade product is for"),
        "用途 梯次用途 应用场景 use application", "",
    ),
    _field(
        "sources", "codes", "来源电池编码", "source codes",
        ("由哪些电池制成，以分号隔开", "what it was made from, with semicolons between"),
        "原编码 原电池编码 来源编码 原料编码 sources made_from parent_codes source_code", "",
    ),
    _field(
        "parent", "code", "所属电池编码", "parent code",
        ("它属于或拆自哪个电池", "the battery that it belongs to or came out of"),
        "所属电池包编码 父级编码 上级编码 所属包编码 parent parent_code pack_it_belongs_to", "",
    ),
)  # fmt: skip

_DETAIL_HEADERS = {
    "MASS_G": ("称重(g)", "weighed (g)"),
    "AREA_DM2": ("面积(dm2)", "area (dm2)"),
    "CAPACITY_KG": ("贮存能力(kg)", "storage capacity (kg)"),
    "PASSED": ("检查结果", "passed"),
    "UN_CLASS": ("联合国危险品编号", "UN number"),
    "DAMAGED": ("是否破损", "damaged"),
    "CHILDREN": ("拆出数量", "children"),
    "FINE_YUAN": ("罚款(元)", "fine (yuan)"),
    "RESIDUE_G": ("残余物(g)", "residue (g)"),
}
_FLAGS = frozenset({"PASSED", "DAMAGED", "CASCADE"})


def _detail(member: Detail) -> Field:
    name = member.name.lower()
    zh, en = _DETAIL_HEADERS.get(member.name, (f"附加数值 {member.name}", name.replace("_", " ")))
    kind = "flag" if member.name in _FLAGS else "number"
    says = f"随事件上报的数值：{member.name}", f"a number attached to the event: {member.name}"
    return Field(f"detail_{name}", kind, zh, en, *says)


DETAILS: dict[str, Detail] = {f"detail_{member.name.lower()}": member for member in Detail}
"""Field -> the number that it attaches to an event."""

FIELDS: dict[str, Field] = {field.name: field for field in (*_MAIN, *(_detail(member) for member in Detail))}
"""Name -> field, in the order of a template."""

TEMPLATE = tuple(field.name for field in _MAIN)
"""Fields that a template has."""

SLOTS: dict[str, tuple[str, str, str]] = {
    "actor": ("actor", "actor_code", "actor_role"),
    "receiver": ("receiver", "receiver_code", "receiver_role"),
    "carrier": ("carrier", "carrier_code", ""),
    "maker": ("maker", "", ""),
}
"""A company's place in a row -> the fields that tell its name, its credit code and its role."""
