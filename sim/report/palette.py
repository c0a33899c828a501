"""Every colour of the report, in one place: a chemistry, a channel or a kind looks the same in all figures.

Okabe and Ito (2008) and Tol (2021), both made for colour-blind readers.
"""

from __future__ import annotations

INK, SOFT_INK, RULE, PAPER = "#1d2733", "#5b6774", "#dfe4ea", "#ffffff"
ACCENT = "#0b5d8c"
NEUTRAL = "#7b8794"

COLOURS = {
    # chemistry (Tol, bright, with two more)
    "LFP": "#4477aa",
    "NCM": "#ee6677",
    "LMO": "#ccbb44",
    "LTO": "#66ccee",
    "NIMH": "#aa3377",
    "LCO": "#228833",
    "SOLID_STATE": "#222255",
    "OTHER": "#bbbbbb",
    # channel (Okabe and Ito)
    "recycled": "#009e73",
    "reused": "#56b4e9",
    "informal": "#d55e00",
    "exported": "#cc79a7",
    "missing": "#555555",
    "waiting": "#c9ced4",
    # kind of vehicle
    "bev_car": "#0072b2",
    "phev_car": "#56b4e9",
    "bus": "#e69f00",
    "truck": "#8c6d31",
    # element
    "LI": "#0072b2",
    "NI": "#009e73",
    "CO": "#cc79a7",
    "MN": "#e69f00",
    "CU": "#d55e00",
    "AL": "#7b8794",
    "FE": "#8c6d31",
    "P": "#56b4e9",
    "GRAPHITE": "#444444",
    "STEEL": "#9aa5b1",
    # where processed material comes from
    "vehicle_packs": "#0072b2",
    "production_scrap": "#e69f00",
    "bought_black_mass": "#555555",
    # truth and register
    "happened": "#555555",
    "visible": "#0072b2",
}

SPARE = ("#332288", "#44aa99", "#ddcc77", "#882255", "#88ccee", "#117733", "#999933", "#aa4499")
"""For keys that nothing above knows (Tol, muted); taken in the order of appearance."""


def colours_of(keys: list[str]) -> list[str]:
    """Return a colour for each of *keys*: its own where it has one, else the next spare one."""
    spare = 0
    found = []
    for key in keys:
        if key in COLOURS:
            found.append(COLOURS[key])
        else:
            found.append(SPARE[spare % len(SPARE)])
            spare += 1
    return found
