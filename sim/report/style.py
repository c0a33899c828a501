"""How the page looks, on screen and on paper.  System fonts only; nothing is loaded."""

from __future__ import annotations

from sim.report.charts import FONT
from sim.report.palette import ACCENT, INK, PAPER, RULE, SOFT_INK

STYLE = f"""
:root {{ color-scheme: light; --ink: {INK}; --soft: {SOFT_INK}; --rule: {RULE}; --accent: {ACCENT};
  --paper: {PAPER}; --ground: #f5f7f9; }}
* {{ box-sizing: border-box; }}
html {{ scroll-behavior: smooth; scroll-padding-top: 4rem; -webkit-text-size-adjust: 100%; }}
body {{ margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.6 {FONT};
  font-variant-numeric: tabular-nums; text-rendering: optimizeLegibility; }}
html[data-lang="en"] [lang="zh"], html[data-lang="zh"] [lang="en"] {{ display: none; }}
.bar {{ position: sticky; top: 0; z-index: 2; background: rgba(255,255,255,.96);
  border-bottom: 1px solid var(--rule); }}
.bar > div {{ max-width: 1060px; margin: 0 auto; padding: .55rem 1.5rem; display: flex; gap: 1.25rem;
  align-items: center; }}
.bar strong {{ font-weight: 650; letter-spacing: .01em; }}
.bar .run {{ color: var(--soft); flex: 1; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
button {{ font: inherit; color: inherit; cursor: pointer; }}
.switch {{ border: 1px solid var(--accent); color: var(--accent); background: var(--paper);
  border-radius: 999px; padding: .15rem .95rem; }}
.switch:hover, .switch:focus-visible {{ background: var(--accent); color: #fff; }}
main {{ max-width: 1060px; margin: 0 auto; padding: 0 1.5rem 4rem; }}
header {{ padding: 3rem 0 1rem; }}
h1 {{ font-size: 2.15rem; line-height: 1.2; font-weight: 680; letter-spacing: -.012em; margin: 0 0 .6rem; }}
h2 {{ font-size: 1.45rem; line-height: 1.3; font-weight: 660; letter-spacing: -.005em;
  margin: 3.4rem 0 .4rem; }}
h3 {{ font-size: 1.05rem; font-weight: 640; line-height: 1.4; margin: 0 0 .5rem; }}
html[data-lang="zh"] :is(h1, h2, h3) {{ letter-spacing: 0; }}
p {{ margin: 0 0 .9rem; max-width: 72ch; }}
.kicker {{ color: var(--accent); font-weight: 600; margin: 0 0 .5rem; }}
.lede {{ font-size: 1.1rem; }}
.soft, .note {{ color: var(--soft); }}
.note {{ font-size: .85rem; line-height: 1.5; margin: .65rem 0 0; max-width: none; }}
nav {{ margin: 1.4rem 0 0; display: flex; flex-wrap: wrap; gap: .3rem 1.25rem; font-size: .93rem; }}
a {{ color: var(--accent); text-decoration-thickness: 1px; text-underline-offset: .18em; }}
.cards {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(224px, 1fr)); gap: .9rem;
  margin: 1.1rem 0 .4rem; }}
.card, figure, .sheet {{ background: var(--paper); border: 1px solid var(--rule); border-radius: 10px; }}
.card {{ padding: 1rem 1.15rem 1.05rem; display: flex; flex-direction: column; }}
.card .name {{ color: var(--soft); font-size: .9rem; line-height: 1.35; flex: 1; }}
.card .value {{ font-size: 1.85rem; font-weight: 640; line-height: 1.3; margin-top: .35rem;
  letter-spacing: -.01em; white-space: nowrap; }}
.card .unit {{ font-size: .95rem; font-weight: 450; letter-spacing: 0; margin-left: .3rem;
  color: var(--soft); }}
.card .interval {{ color: var(--soft); font-size: .88rem; min-height: 1.4em; }}
figure {{ margin: 1.1rem 0; padding: 1.2rem 1.4rem 1.1rem; }}
.chart {{ min-height: 120px; }}
.chart, .chart .vega-embed {{ width: 100%; }}
.chart svg, .sankey {{ max-width: 100%; height: auto; display: block; }}
.sankey {{ width: 100%; overflow: visible; }}
.sankey text {{ font: 13px {FONT}; fill: var(--ink); paint-order: stroke; stroke: #fff; stroke-width: 3.5px;
  stroke-linejoin: round; }}
.sankey .value {{ fill: var(--soft); }}
.sankey .links path {{ fill: none; stroke-opacity: .42; }}
.sankey .links path:hover {{ stroke-opacity: .75; }}
.pair {{ display: grid; grid-template-columns: repeat(auto-fit, minmax(420px, 1fr)); gap: 0 1.1rem; }}
details {{ margin-top: .6rem; font-size: .9rem; }}
summary {{ color: var(--accent); cursor: pointer; width: fit-content; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; width: 100%; font-size: .88rem; line-height: 1.45; }}
th, td {{ text-align: left; vertical-align: top; padding: .5rem .7rem;
  border-bottom: 1px solid var(--rule); }}
thead th {{ font-weight: 620; color: var(--soft); border-bottom: 1.5px solid #b9c2cc;
  vertical-align: bottom; }}
tbody tr:last-child > * {{ border-bottom: 0; }}
tbody th {{ font-weight: 450; }}
.number {{ text-align: right; white-space: nowrap; }}
.number small {{ display: block; color: var(--soft); }}
details table .number small {{ display: inline; margin-left: .4em; }}
th button {{ white-space: nowrap; border: 0; background: none; padding: 0; font-weight: inherit;
  text-align: inherit; }}
th button::after {{ content: " ↕"; color: #b9c2cc; }}
th[aria-sort="ascending"] button::after {{ content: " ↑"; color: var(--accent); }}
th[aria-sort="descending"] button::after {{ content: " ↓"; color: var(--accent); }}
.sheet {{ padding: .4rem .7rem; margin: 1rem 0; }}
.id {{ color: var(--soft); font-size: .92em; }}
.tag {{ display: inline-block; border: 1px solid #b9c2cc; border-radius: 4px; padding: 0 .4em;
  font-size: .82em;
  color: var(--soft); white-space: nowrap; }}
.tag.strong {{ border-color: #b4561b; color: #9c4510; }}
.idle td, .idle th {{ color: var(--soft); }}
.share {{ min-width: 118px; }}
#rules td:nth-child(2) {{ min-width: 150px; }}
.meter {{ display: block; height: 7px; border-radius: 4px; background: #e6eaee; margin-top: .3rem;
  overflow: hidden; }}
.meter > i {{ display: block; height: 100%; background: var(--accent); }}
.find {{ display: flex; flex-wrap: wrap; gap: .6rem 1.4rem; align-items: center; margin: 1rem 0 0; }}
.find input[type="search"] {{ font: inherit; padding: .4rem .8rem; border: 1px solid #b9c2cc;
  border-radius: 7px;
  width: min(340px, 100%); background: var(--paper); color: inherit; }}
code, pre {{ font: .88em/1.55 ui-monospace, "SF Mono", "Cascadia Mono", Consolas, "DejaVu Sans Mono",
  "Noto Sans Mono CJK SC", monospace; }}
td code {{ overflow-wrap: anywhere; }}
pre {{ background: var(--paper); border: 1px solid var(--rule); border-radius: 8px; padding: .8rem 1rem;
  overflow-x: auto; margin: .6rem 0 1rem; }}
dl {{ display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.2rem; margin: .8rem 0;
  font-size: .93rem; }}
dt {{ color: var(--soft); }}
dd {{ margin: 0; overflow-wrap: anywhere; }}
.grades {{ font-size: .85rem; color: var(--soft); }}
.nothing {{ color: var(--soft); font-style: italic; }}
:focus-visible {{ outline: 2px solid var(--accent); outline-offset: 2px; }}
#vg-tooltip-element.vg-tooltip {{ font: 13px/1.45 {FONT}; border-color: var(--rule); color: var(--ink); }}
@media (max-width: 620px) {{ main {{ padding: 0 1rem 3rem; }} h1 {{ font-size: 1.65rem; }}
  .pair {{ grid-template-columns: 1fr; }} figure {{ padding: 1rem; }} dl {{ grid-template-columns: 1fr; }} }}
@media print {{
  @page {{ size: A4; margin: 15mm 14mm; }}
  body {{ background: #fff; font-size: 10.5pt; }}
  .bar, nav, .find, details, noscript, th button::after {{ display: none; }}
  main {{ max-width: none; padding: 0; }}
  header {{ padding-top: 0; }}
  h2 {{ margin-top: 1.6rem; break-after: avoid; }}
  h2 + p {{ break-after: avoid; }}
  figure, .card, tr, dl {{ break-inside: avoid; }}
  figure {{ padding: .8rem 1rem; margin: .7rem 0; }}
  .cards {{ grid-template-columns: repeat(4, 1fr); gap: .5rem; }}
  .card {{ padding: .6rem .7rem; }} .card .value {{ font-size: 1.25rem; }}
  .pair {{ grid-template-columns: 1fr 1fr; }}
  table {{ font-size: 8pt; }} th, td {{ padding: .25rem .4rem; }}
  .scroll {{ overflow: visible; }}
  tr[hidden] {{ display: table-row; }}
  * {{ print-color-adjust: exact; -webkit-print-color-adjust: exact; }}
}}
"""
