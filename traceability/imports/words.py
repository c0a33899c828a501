"""The words that stand in other people's tables, in Chinese and English, and what they mean here.

A word that can mean several events is not guessed: `AMBIGUOUS` says which, and the mapping decides.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from enum import IntEnum
from functools import cache

from traceability.vocabulary import Chemistry, EventType, Level, Role, Use

EVENT_WORDS: dict[str, str] = {
    "CODE": "编码 赋码 生产 下线 电池生产 coded manufactured produced production",
    "DELIVER": "销售电池 电池销售 供货 交付 delivered supplied",
    "INSTALL": "安装 装车 装配 配套 installed assembled fitted",
    "CERTIFY": "合格证 合格证签发 签发合格证 车辆下线 certified conformity",
    "SELL": "车辆销售 售车 整车销售 sold sale",
    "SWAP_OUT": "换下 换电换下 swap-out",
    "SWAP_IN": "换上 换电换上 swap-in",
    "REMOVE": "更换 维修拆下 拆卸 维修更换 removed replaced",
    "KEEP": "留存 备用 备件入库 kept spare",
    "RETIRE": "退役 报废 判废 retired declared-used end-of-life",
    "RECEIVE_VEHICLE": "接收车辆 车辆接收 报废车接收 报废机动车接收 回收车辆 vehicle-received elv-received",
    "ISSUE_CERTIFICATE": "回收证明 签发回收证明 报废机动车回收证明 出具回收证明 certificate-issued",
    "DISMOUNT": "拆下 拆车 电池拆卸 报废拆卸 dismounted",
    "SHIP": "移交 发运 发货 运出 转移 交售 shipped sent handed-over handover",
    "COLLECT": "网点接收 网点回收 网点入库 回收网点接收 收集 collected",
    "RECEIVE": "接收 收货 综合利用企业接收 综合利用入库 利用企业入库 received intake inbound",
    "TEST": "检测 测试 评估 分选 tested graded",
    "DISMANTLE": "拆解 电池拆解 dismantled",
    "FREE": "拆出 拆出模组 拆出单体 freed",
    "PROCESS": "处理 再生利用 破碎 冶炼 processed recycled treated",
    "RECOVER": "产出 再生产出 材料产出 recovered",
    "DISPATCH": "产品出库 材料出库 材料销售 dispatched material-shipped",
    "CONSUME": "投料 使用材料 consumed",
    "REMAKE": "再制造 重组 梯次产品生产 梯次生产 梯次利用产品 remade repurposed reprocessed",
    "USE_IN_PRODUCT": "用于梯次 用于产品 used-in-product",
    "PLACE": "投放 梯次产品销售 投放市场 placed placed-on-market",
    "RETURN": "退回 返还 返回 returned",
    "EXPORT": "出口 exported",
    "LOSE": "丢失 灭失 遗失 lost stolen missing",
    "FIND": "找回 寻回 found",
    "DIVERT": "流失 非正规流向 diverted",
    "SCRAP": "生产报废 生产废料 厂内报废 factory-scrap scrapped",
    "IMPORT": "进口 imported",
    "LABEL": "贴标 张贴标识 labelled labeled",
    "INFORM": "提供拆解信息 告知 informed",
    "PUBLISH_INFORMATION": "公开拆解信息 上传拆解技术信息 报送拆解技术信息 information-published",
    "OPEN_OUTLET": "设立网点 新建网点 outlet-opened",
    "PUBLISH_OUTLET": "公布网点 outlet-published",
    "REACH_LIFE": "达到使用年限 到达使用年限 life-reached",
    "NOTIFY_USER": "提示用户 通知用户 user-notified",
    "REFUSE": "拒收 拒绝回收 refused",
    "EXPLAIN": "缺失说明 说明 explained",
    "CHECK_SAFETY": "安全检查 安全检测 safety-checked",
    "PRETREAT": "预处理 pretreated",
    "PACK_UP": "包装 packed",
    "DISCHARGE": "放电 discharged",
    "TRANSFER_RESIDUE": "残余物移交 废渣转移 residue-transferred",
    "CONFORM": "合格评定 符合性证明 conformity-shown",
    "INSPECT": "监督检查 执法检查 inspected inspection",
    "PENALISE": "处罚 行政处罚 penalised penalized penalty",
    "LIST": "列入公告 公告 列入名单 listed listing",
    "DELIST": "撤销公告 移出名单 delisted",
}
"""Event -> the words for it, apart by spaces; a hyphen stands for a space."""

AMBIGUOUS: dict[str, tuple[str, ...]] = {
    "入库": ("RECEIVE", "COLLECT", "KEEP"),
    "出库": ("SHIP", "DISPATCH", "DELIVER"),
    "回收": ("COLLECT", "RECEIVE", "RECEIVE_VEHICLE"),
    "销售": ("SELL", "DELIVER", "PLACE", "DISPATCH"),
    "利用": ("PROCESS", "REMAKE", "USE_IN_PRODUCT"),
    "inventory": ("RECEIVE", "COLLECT", "KEEP"),
    "outbound": ("SHIP", "DISPATCH", "DELIVER"),
}
"""Word -> the events that it is used for."""

ROLE_WORDS: dict[str, str] = {
    "BATTERY_ENT": "电池生产企业 动力电池企业 动力电池生产企业 电池企业 电池厂 进口商 battery-maker battery-producer importer",
    "OEM": "汽车生产企业 新能源汽车生产企业 新能源汽车企业 整车企业 车企 vehicle-maker carmaker",
    "OUTLET": "回收服务网点 回收网点 服务网点 网点 collection-outlet",
    "SWAP_OP": "换电运营企业 换电企业 换电运营商 电池租赁企业 租赁企业 swap-operator",
    "REPAIR": "维修企业 维修机构 汽车维修企业 维修店 4S店 repair-firm repairer workshop",
    "OWNER": "车主 所有人 用户 最终用户 consumer end-user",
    "ELV": "报废机动车回收拆解企业 报废汽车回收拆解企业 报废汽车企业 拆解企业 回收拆解企业 报废车企业 "
    "dismantler elv-dismantler",
    "CU": "综合利用企业 再生利用企业 废旧动力电池综合利用企业 回收利用企业 recycler comprehensive-utilisation "
    "comprehensive-utilization",
    "PRODUCT_MAKER": "梯次利用企业 梯次产品生产企业 再利用产品企业 product-maker repurposer",
    "CARRIER": "运输企业 承运人 物流企业 承运企业 transporter haulier",
    "HAZ_TSDF": "危险废物经营单位 危废企业 危险废物处置企业 hazardous-waste-facility",
    "INFORMAL": "非正规企业 个体 个人 小作坊 informal-buyer",
    "REGULATOR": "主管部门 监管部门 政府 authority",
    "EXPORTER": "出口企业 出口商",
}

LEVEL_WORDS: dict[str, str] = {
    "PACK": "电池包 动力电池包 蓄电池包 包 电池系统 P battery battery-pack",
    "MODULE": "模块 模组 电池模块 电池模组 M battery-module",
    "CELL": "单体 电芯 电池单体 单体蓄电池 C battery-cell",
    "PRODUCT": "梯次产品 再利用产品 梯次利用产品 R remade-product repurposed-product",
    "LOT": "批次 材料批次 物料批次 L material-lot",
}

CHEMISTRY_WORDS: dict[str, str] = {
    "LFP": "磷酸铁锂 磷酸铁锂电池 铁锂 LiFePO4 B",
    "NCM": "三元 三元锂 三元材料 三元电池 三元材料电池 镍钴锰 NMC NCA E",
    "LMO": "锰酸锂 锰酸锂电池 C",
    "LTO": "钛酸锂 钛酸锂电池 G",
    "NIMH": "镍氢 镍氢电池 Ni-MH A",
    "LCO": "钴酸锂 钴酸锂电池 D",
    "OTHER": "其他 其它 Z",
    "SOLID_STATE": "固态 固态电池 全固态 solid-state",
}

USE_WORDS: dict[str, str] = {
    "NONE": "未说明",
    "STORAGE": "储能 储能系统 energy-storage",
    "BACKUP": "备电 基站备电 通信备电 backup-power base-station",
    "LOW_SPEED": "低速车 低速电动车 low-speed-vehicle",
    "E_BIKE": "电动自行车 两轮车 e-bike ebike",
}

_YES = "是 有 y yes true t 1 √ ✓ 换电 合格 通过 pass passed"
_NO = "否 无 n no false f 0 × ✗ 非换电 不合格 未通过 fail failed"

FLAG_WORDS = {**dict.fromkeys(_YES.split(), 1), **dict.fromkeys(_NO.split(), 0)}
"""Folded word -> yes or no."""

NOTHING = frozenset(
    ("", "-", "--", "---", "/", "\\", "—", "――", "——", "n/a", "na", "null", "none", "nil", "无", "空", "暂无")
)
"""What people write into a cell that holds nothing; folded."""

TOTALS = frozenset(
    ("合计", "总计", "小计", "累计", "本页合计", "总数", "total", "totals", "subtotal", "sum", "grandtotal")
)
"""What the first cell of a row of totals says; folded, a colon after it taken away."""

_KINDS: dict[type[IntEnum], dict[str, str]] = {
    EventType: EVENT_WORDS,
    Role: ROLE_WORDS,
    Level: LEVEL_WORDS,
    Chemistry: CHEMISTRY_WORDS,
    Use: USE_WORDS,
}


def folded(word: str) -> str:
    """Return *word* as words are compared: half width, no case, without spaces, hyphens and underlines.

    >>> folded("Ｓｗａｐ_out ")
    'swapout'
    """
    plain = unicodedata.normalize("NFKC", word).casefold()
    return "".join(letter for letter in plain if letter not in "-_" and not letter.isspace())


@cache
def meanings(kind: type[IntEnum]) -> dict[str, int]:
    """Return folded word -> member of *kind*, for the names of its members and the words for them."""
    known = {folded(member.name): int(member) for member in kind}
    for name, words in _KINDS[kind].items():
        if name in kind.__members__:
            known |= {folded(word): int(kind[name]) for word in words.split()}
    return known


def words_for(kind: type[IntEnum], member: IntEnum) -> tuple[str, ...]:
    """Return the words that stand for *member* in tables, its own name first."""
    listed = _KINDS[kind].get(member.name, "").split()
    return (member.name, *(word.replace("-", " ") if word.isascii() else word for word in listed))


def closest(word: str, known: Mapping[str, object], count: int = 3) -> list[str]:
    """Return the *known* words nearest to *word*, which is folded."""
    return get_close_matches(word, list(known), n=count, cutoff=0.5)
