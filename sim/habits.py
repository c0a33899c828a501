"""What is told and what is printed, and how truly: reports, codes, falsehoods."""

from __future__ import annotations

from sim.dated import Amount, Share
from sim.figures import Section, figure


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
