"""What the report says of keys and actors, in English and Chinese."""

from __future__ import annotations

from html import escape
from typing import NamedTuple


class Text(NamedTuple):
    """One thing said in both languages; plain text, never HTML."""

    en: str
    zh: str


LANGUAGES = ("en", "zh")

LABELS = {
    "chemistry": {
        "LFP": Text("LFP", "磷酸铁锂"),
        "NCM": Text("NCM", "三元"),
        "LMO": Text("LMO and others", "锰酸锂及其他"),
        "LTO": Text("LTO", "钛酸锂"),
        "NIMH": Text("NiMH", "镍氢"),
        "LCO": Text("LCO", "钴酸锂"),
        "SOLID_STATE": Text("solid state", "固态"),
        "OTHER": Text("other", "其他"),
    },
    "channel": {
        "recycled": Text("recycled", "再生利用"),
        "reused": Text("reused", "再使用"),
        "waiting": Text("waiting", "在库待处理"),
        "exported": Text("exported", "出口"),
        "informal": Text("informal trade", "非正规渠道"),
        "missing": Text("missing", "去向不明"),
    },
    "kind": {
        "bev_car": Text("battery-electric cars", "纯电动乘用车"),
        "phev_car": Text("plug-in hybrid cars", "插电混动乘用车"),
        "bus": Text("buses", "客车"),
        "truck": Text("trucks", "货车"),
    },
    "element": {
        "LI": Text("lithium", "锂"),
        "NI": Text("nickel", "镍"),
        "CO": Text("cobalt", "钴"),
        "MN": Text("manganese", "锰"),
        "CU": Text("copper", "铜"),
        "AL": Text("aluminium", "铝"),
        "FE": Text("iron", "铁"),
        "P": Text("phosphorus", "磷"),
        "GRAPHITE": Text("graphite", "石墨"),
        "STEEL": Text("steel", "钢"),
        "MASS": Text("all mass", "总质量"),
    },
    "source": {
        "vehicle_packs": Text("packs from vehicles", "车用退役电池包"),
        "production_scrap": Text("production scrap", "生产废料"),
        "bought_black_mass": Text("bought black mass", "外购黑粉"),
    },
    "role": {
        "BATTERY_ENT": Text("battery enterprises", "电池企业"),
        "OEM": Text("vehicle makers", "新能源汽车生产企业"),
        "OUTLET": Text("service outlets", "回收服务网点"),
        "SWAP_OP": Text("swap operators", "换电运营企业"),
        "REPAIR": Text("repair firms", "维修企业"),
        "OWNER": Text("vehicle owners", "车主"),
        "ELV": Text("vehicle dismantlers", "报废机动车回收拆解企业"),
        "CU": Text("comprehensive-utilisation firms", "综合利用企业"),
        "PRODUCT_MAKER": Text("makers of remade products", "再生产品生产企业"),
        "CARRIER": Text("carriers", "运输企业"),
        "HAZ_TSDF": Text("hazardous-waste firms", "危险废物经营单位"),
        "INFORMAL": Text("informal trade", "非正规经营者"),
        "REGULATOR": Text("authorities", "监管部门"),
        "EXPORTER": Text("exporters", "出口商"),
    },
    "stage": {
        "dismantler": Text("at the dismantler", "在拆解企业"),
        "outlet": Text("at the outlet", "在回收网点"),
        "transit": Text("in transit", "运输途中"),
        "recycler": Text("at the recycler", "在再生利用企业"),
    },
    "seen": {
        "happened": Text("happened", "实际发生"),
        "visible": Text("visible to the platform", "平台可见"),
    },
    "regime": {
        "order73": Text("law of 2026", "2026 年规定"),
        "cn_2018": Text("law of 2018", "2018 年规定"),
        "voluntary": Text("voluntary", "自愿性"),
        "registry": Text("registry logic", "登记逻辑"),
        "imagined": Text("imagined law", "假想规定"),
    },
    "flow": {
        "scrapped vehicles": Text("scrapped vehicles", "报废车辆"),
        "replaced packs": Text("replaced packs", "更换下的电池包"),
        "repairs": Text("repairs", "维修更换"),
        "repair firms": Text("repair firms", "维修企业"),
        "swap operators": Text("swap operators", "换电企业"),
        "swap stations": Text("swap stations", "换电站"),
        "dismantlers": Text("dismantlers", "拆解企业"),
        "outlets": Text("outlets", "回收网点"),
        "recyclers": Text("recyclers", "再生利用企业"),
        "recycled": Text("recycled", "再生利用"),
        "reuse": Text("reuse", "再使用"),
        "reused": Text("reused", "再使用"),
        "remade products": Text("remade products", "再生产品"),
        "informal trade": Text("informal trade", "非正规渠道"),
        "informal": Text("informal trade", "非正规渠道"),
        "export": Text("export", "出口"),
        "exported": Text("exported", "出口"),
        "missing": Text("missing", "去向不明"),
        "waiting": Text("waiting", "在库待处理"),
        "in stock": Text("in stock", "在库"),
        "production scrap": Text("production scrap", "生产废料"),
        "black mass": Text("black mass", "黑粉"),
        "bought black mass": Text("bought black mass", "外购黑粉"),
        "lithium": Text("lithium", "锂"),
        "nickel": Text("nickel", "镍"),
        "cobalt": Text("cobalt", "钴"),
        "manganese": Text("manganese", "锰"),
        "copper": Text("copper", "铜"),
        "aluminium": Text("aluminium", "铝"),
        "iron": Text("iron", "铁"),
        "graphite": Text("graphite", "石墨"),
        "steel": Text("steel", "钢"),
        "other materials": Text("other materials", "其他材料"),
        "losses": Text("losses", "损失"),
        "residues": Text("residues", "残渣"),
    },
}
"""By what a key is, in the order in which they are shown: CU is copper, and a kind of company."""

NO_DATA = Text("No data in this run.", "本次运行无此数据。")


TOTAL = Text("total", "合计")


def label(key: str, keyed_by: str) -> Text:
    """Return what *key* is called; a key that is not known is shown as it stands, none is the total.

    >>> label("CU", "element").en, label("CU", "role").zh
    ('copper', '综合利用企业')
    """
    if not key:
        return TOTAL
    plain = key.replace("_", " ")
    return LABELS.get(keyed_by, {}).get(key) or Text(plain, plain)


def in_order(keys: set[str], keyed_by: str) -> list[str]:
    """Return *keys* in the order of the table above, those that it does not know last and by name."""
    order = {key: place for place, key in enumerate(LABELS.get(keyed_by, {}))}
    return sorted(keys, key=lambda key: (order.get(key, len(order)), key))


def both(text: Text) -> str:
    """Return *text* as HTML that shows one language at a time."""
    if text.en == text.zh:
        return escape(text.en)
    return f'<span lang="en">{escape(text.en)}</span><span lang="zh">{escape(text.zh)}</span>'
