"""Measures and findings of a run as one HTML file that opens anywhere, offline, in English and Chinese: see `page`."""

from sim.report.model import Assumption, Estimate, MeasureInfo, ReportInput, Row, RuleLine, RunRecord

__all__ = [
    "Assumption",
    "Estimate",
    "MeasureInfo",
    "ReportInput",
    "Row",
    "RuleLine",
    "RunRecord",
]
