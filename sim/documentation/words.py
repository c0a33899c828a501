"""What the code cannot know of itself: the purpose of the model, what a measure means, what is left out, how far it goes.

The only hand-written prose of the STRESS-DES sheet and of the model page; all else in them is read from the code.
"""

from __future__ import annotations

PURPOSE = """\
battrace simulates how the power batteries of China's new-energy vehicles go from sale to scrapping, collection,
reuse and recycling, or out of the formal trade, and what of that the national traceability platform gets to
know. It was built to try the duties of Order No. 73 (in force since 2026-04-01) and of the measures of 2018
before them: what is broken, by whom, and what the platform can see.

本模型模拟中国新能源汽车动力电池从销售到报废、回收、再制造与再生利用（或流出正规渠道）的全过程，以及国家溯源平台能够看到其中多少，
用于在实施前检验第73号令各项义务：哪些被违反、由谁违反、平台能看到多少。

It answers what-if questions: a scenario beside the baseline, with the same luck battery by battery. It does not
forecast prices, firms or laws, and no single battery of it is a battery of the world."""

AIMS = """\
- **Scenario analysis**: what a changed duty, price, fleet or habit of reporting does to the measures, as the
  difference of twins with one seed.
- **Sensitivity**: which of the assumed parameters move the headline measures (`battrace sensitivity`), one at a
  time.
- **Audit of an audit**: what rules find in what happened and in what was reported, over the same log (`battrace
  audit`)."""

SCENARIO_LOGIC = """\
A scenario is one file of figures, `extends` another, and changes figures only: no scenario has code of its own.
A figure may change on stated days (`{2011-01-01 = 0.3, 2026-04-01 = 0.25}`): from each day on its value holds,
until the next. Which rule asks what on which day belongs to the rules, not to the simulation: no rule is asked
during a run, and no actor of the run reads the log. A scenario may imagine another law (`[law]`, `[amendment.RULE]`):
audits ask it, reporters follow its deadlines as far as `law.deadline_pull` says, and formal product makers its ban."""

PREPROCESSING = """\
Shares are rescaled to add up to 1. A year without a row in a file that may have gaps takes the last year before
it, or the first there is. The first years of a series are recalled or drawn out by hand where nothing is
published, and are graded `assumed` then. How each derived file was made is told in `sim/data/README.md`."""

INITIALISATION = """\
There is no warm-up. On the first day the fleet is there that was registered since 2011: each vehicle with its
pack, its age and its luck; what should have left the road before the run began leaves on its first days.
Outlets, recyclers and workshops begin empty. The first two or three years therefore hold too little in store,
and no measure should be read from them."""

EXECUTION = """\
One SimPy clock whose unit is the day. A process sees lots, arrays of unit numbers, never one battery: it wakes
once a quarter or once a day and acts on all that is due. Processes that wake at one moment act in the order of
the table of processes. Two events of one day happen in the order in which they are written. Replications run in
processes of their own; the results do not depend on how many."""

LEFT_OUT = """\
- **Batteries do not age.** No state of health, no cycles, no temperature: a vehicle has a Weibull life, a pack
  fails within its warranty with a stated chance, and whether a used pack is good is a draw.
- **No vehicle moves.** It is scrapped in the province in which it was registered; the trade in used cars is not
  simulated, but for export, after which a pack is gone.
- **No market clears.** Prices of materials are given from outside and do not answer to what is collected;
  buyers do not run out of money, firms are not founded for profit and do not fail; capacity follows the
  yearly series.
- **No places finer than a province**, and distances from capital to capital.
- **No import** of used batteries or black mass, no batteries of stores, bicycles, ships or phones, but those
  that are made of vehicle packs.
- **No fires, spills, injuries or emissions.** A battery that burns in an accident is gone, and no more is said
  of it.
- **One pack a vehicle.** Lorries and buses with several are counted as having one large one.
- **The platform never fails.** It is slow, silent or lied to as its reporters are; it loses nothing, and asks
  nobody.
- **Cells and modules** exist once a pack has been opened; before, a pack is whole.
- **Courts, appeals, insurance, accounting and tax** are not there."""

STRUCTURE = """\
- A holder sends each battery the lawful or the other way by itself, by a logit over what both ways pay per
  tonne; nobody bargains, and nobody holds out for a better price.
- Vehicles of all makers, provinces and chemistries live equally long, but for the limits of age of buses and
  lorries; total loss and export split the exits and do not add to them.
- Firms of one role differ in province, size and habit of reporting, recyclers also in how well they work, but
  none in cost.
- A recycler is chosen by capacity and distance; an outlet, a dismantler and a workshop by province alone, each
  as likely.
- Delays are geometric with a stated mean, or even between two bounds; they do not depend on season or load, but
  for the queues named above.
- Whoever leaves a battery out of his reports leaves out all that he has to say of it; a firm that never reports
  never does so until the share changes on a stated day."""

LIMITS = """\
- Most parameters are assumed: the table says which, and the sensitivity table which of them matter. Where the
  two meet, do not read a level; read a difference.
- The official text of Order 73 could not be read in full (`docs/regulation.md` lists what is known of it): a
  rule whose article is unknown says so.
- Detection is measured against this model's own behaviour. That a platform sees a share of breaches here says
  what its reports could show if firms behaved as assumed.
- At a coarse scale a rare thing is a handful of batteries. Halve the scale before you believe a small number.
- Intervals are those of chance alone: they say nothing of figures that are wrong.
- Of years to come nothing is known: what the series say of them is assumed, row by row."""

CODE_ACCESS = """\
The program is free software (Apache-2.0), with its data, tests and benchmarks: one repository, one package.
`battrace run` repeats a run from its record, `battrace verify` checks a folder offline, byte for byte."""

PATTERNS = """\
The model is held against official stocks and exits of vehicles, installations, utilisation by listed firms,
known ranges of the formal share and of reporting, closed formulas for its queues, cohort arithmetic, and
conservation of units and mass: `battrace validate` prints the table, and a target that fails stays in it. The
targets stand in `sim/data/targets.csv`; nothing is fed with them."""

CONCEPTS = (
    (
        "Basic principles",
        "基本原理",
        "Cohorts leave by a Weibull life; holders choose by a binary logit over price, penalty and "
        "leaning (McFadden 1974); firms work first come, first served, each within a daily capacity.",
    ),
    (
        "Emergence",
        "涌现",
        "The formal share, waiting times, complete chains and breaches come out of the decisions and "
        "habits; the fleet, prices, capacity and shares of makers are put in.",
    ),
    (
        "Adaptation, objectives, learning",
        "适应、目标与学习",
        "A holder takes the way that pays more, with noise; those whom inspections watch learn what they "
        "risk from what was found among them, quarter by quarter. Nothing else learns.",
    ),
    (
        "Prediction, sensing",
        "预测与感知",
        "Nobody looks ahead. A holder knows the prices of the day, his own battery and what his trade "
        "believes of the risk; nobody knows what the platform holds.",
    ),
    (
        "Interaction",
        "交互",
        "Batteries, vehicles and lots are handed from actor to actor; actors compete for nothing but the "
        "days of a recycler.",
    ),
    (
        "Stochasticity",
        "随机性",
        "Every decision about a unit is a draw keyed by seed, replication, name of the decision and "
        "unit: see the algorithms below.",
    ),
    (
        "Collectives",
        "集合体",
        "Makers, trades of a province and recyclers stand for firms; one owner stands for all vehicle "
        "owners of a province.",
    ),
    (
        "Observation",
        "观测",
        "All measures are selects over the finished event log; the register is the same log as far as it "
        "was reported by a day.",
    ),
)
"""Design concepts of ODD: name, Chinese name, what is said of it."""

DEFINITIONS = {
    "stock_vehicles": "sold so far, less those that left the fleet",
    "registrations": "vehicles sold (SELL) in the year",
    "exits": "first event that takes a vehicle off the road: received for scrapping, exported, sold off or lost",
    "installed_gwh": "energy of the packs in vehicles sold in the year",
    "installed_kind": "energy of the packs in vehicles sold in the year",
    "retired_mass": "mass of the packs that were first dismounted, retired, sold off, lost or exported in the year",
    "retired_packs": "packs that were first dismounted, retired, sold off, lost or exported in the year",
    "retired_channel": "mass that retired in the year, by what became of it until the end of the run",
    "formal_share": "of the mass retired and handed on by the end, exports left out: collected or received, never sold off",
    "complete_chain_share": "packs that retired, exports left out, each of whose events had been reported by the last day",
    "processed": "mass treated or taken apart by comprehensive-utilisation enterprises, but when off the announced list",
    "processed_unlisted": "as `processed`, by enterprises that were off the announced list on that day",
    "recovered": "mass of the element in lots recovered by comprehensive-utilisation enterprises, true balances",
    "reported_share": "events that happened and had been reported by the last day; those of the last 90 days are left out",
    "report_delay_days": "days from an event to its report, where it was reported",
    "wait_days": "days between two steps of a pack, by the year of the second",
    "flow": "mass that went from one kind of station to another, over the whole horizon",
    "breaches_happened": "findings of a rule over what happened, each weighted with what its unit or actor stands for",
    "breaches_visible": "findings of the same rule over what had been reported by the last day",
    "firms_reporting_share": "firms with anything in the register by that day",
    "sale_record_share": "vehicles whose sale had been reported by that day",
    "offer_formal": "value of the metals by the coefficients of the market section, less treatment",
    "offer_informal": "what a workshop can pay that fears no inspection",
    "margin_formal": "value recovered, less what is paid and spent",
    "margin_informal": "what the workshop sells for, less what is paid and spent",
    "earned": "by the trade, over the packs that it handed over",
    "fines": "fines that were decided in the year",
    "inspections": "batteries that an inspection covered",
    "penalties": "batteries whose unlawful sale was found",
    "recyclers_struck_off": "recyclers taken off the announced list in the year",
}
"""Measure -> what is counted, where the title alone does not say it."""

QUEUES = (
    ("sim.processes.collection", "Store", "outlets: all that one holds leaves at once"),
    ("sim.lots", "Workload", "recyclers: usable daily capacity, first come, first served"),
    ("sim.lots", "Backlog", "workshops, and treatment whose day has been fixed: no bound on the work"),
    (
        "sim.lots",
        "Agenda",
        "all that is under way or foreseen: exits, failures, transports, ends of products",
    ),
)
"""Module, class, and what waits in it."""

ALGORITHMS = (
    ("Keyed draws", "键控随机数", "sim.chance", None),
    ("Which way a battery goes", "去向选择（logit）", "sim.market", None),
    ("What is believed of the risk", "查处风险的认知", "sim.belief", None),
    ("Choice of a recycler", "综合利用企业的选择", "sim.processes.handover", "Channel.to_recycler"),
    ("Queues of recyclers", "综合利用企业排队", "sim.lots", "Workload.accept"),
    ("Stores of outlets", "网点贮存", "sim.processes.collection", "Store"),
    ("Reports and false reports", "上报与虚报", "sim.ledger", None),
    ("Intervals", "置信区间", "sim.intervals", "mean_interval"),
)
"""Title, Chinese title, module, and the object in it whose own words are quoted (None: the module's)."""
