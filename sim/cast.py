"""The cast: every actor of a run, with role, province, permits and the facilities it stands for.

Names of makers are real; all other firms are made up (Faker, zh_CN), as are all credit codes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from faker import Faker

from sim import quarters
from sim.industry import recycler_shares
from sim.inputs import FIRST_YEAR, Inputs
from sim.scenario import Scenario
from traceability.events import NULL
from traceability.vocabulary import Role

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
PROVINCES = 31
NATIONWIDE = 0

FEWEST_RECYCLERS, FINE_SCALE = 12, 100

_CREDIT_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """Actors by number; each role is one run of numbers, sorted by province where it has several a province.

    Attributes:
        role, province, stands_for, capacity_t: int64[a] of every actor; province 0 is nationwide.
        battery_makers, vehicle_makers, owners, operators, repairers, dismantlers, outlets, recyclers,
            product_makers, carriers, workshops: the actor numbers of each role.
        exporter: the one trader of used vehicles.
        recycler_factor: how many times as much capacity as the yearly series say recyclers have in all.
        outlet_stands_for: float64[outlets], how many outlets each simulated one stands for.
    """

    names: list[str]
    credit_codes: list[str]
    maker_codes: list[str | None]
    role: Ints
    province: Ints
    stands_for: Ints
    capacity_t: Ints
    battery_makers: Ints
    vehicle_makers: Ints
    owners: Ints
    operators: Ints
    repairers: Ints
    dismantlers: Ints
    outlets: Ints
    recyclers: Ints
    product_makers: Ints
    carriers: Ints
    workshops: Ints
    exporter: int
    recycler_factor: float

    def pick(self, actors: Ints, uniform: Floats, province: npt.NDArray[np.integer]) -> Ints:
        """Return int64[n], for each uniform one of *actors* in the same province, each of them as likely.

        Args:
            actors: actor numbers of one role, sorted by province, at least one in each.
            uniform: float64[n] on [0, 1).
            province: int[n], 1 to 31.
        """
        where = self.province[actors]
        first = np.searchsorted(where, np.arange(1, PROVINCES + 2))
        count = np.diff(first)
        start = first[province - 1]
        chosen: Ints = actors[start + (uniform * count[province - 1]).astype(np.int64)]
        return chosen


def assemble(scenario: Scenario, inputs: Inputs) -> Cast:
    """Return the actors that *scenario* needs."""
    last = scenario.last.year - FIRST_YEAR
    share = inputs.province_share.mean(axis=0)
    outlets = np.maximum(1, np.round(inputs.outlets * scenario.collection.density)).astype(np.int64)
    shown_outlets = np.clip(outlets // scenario.scale, 1, outlets)
    recyclers = int(inputs.recyclers[: last + 1].max())
    recycler_share, recycler_factor = recycler_shares(inputs, scenario.recycling.capacity_factor)
    counts: list[tuple[Role, Ints, Ints]] = [
        (
            Role.BATTERY_ENT,
            _nationwide(len(inputs.battery_makers.names)),
            _ones(len(inputs.battery_makers.names)),
        ),
        (Role.OEM, _nationwide(len(inputs.vehicle_makers.names)), _ones(len(inputs.vehicle_makers.names))),
        (Role.OWNER, np.arange(1, PROVINCES + 1), _ones(PROVINCES)),
        (Role.SWAP_OP, _nationwide(scenario.swap.operators), _ones(scenario.swap.operators)),
        (Role.REPAIR, *_spread(np.full(PROVINCES, scenario.replacement.firms_a_province))),
        (Role.ELV, *_spread(_apportioned(scenario.scrapping.firms, share))),
        (Role.OUTLET, np.repeat(np.arange(1, PROVINCES + 1), shown_outlets), _split(outlets, shown_outlets)),
        (Role.CU, *_recyclers(recyclers, scenario.scale, recycler_share)),
        (Role.PRODUCT_MAKER, np.arange(1, PROVINCES + 1), _ones(PROVINCES)),
        (Role.CARRIER, _nationwide(scenario.collection.carriers), _ones(scenario.collection.carriers)),
        (Role.INFORMAL, *_spread(np.full(PROVINCES, scenario.informal.workshops_a_province))),
        (Role.EXPORTER, _nationwide(1), _ones(1)),
        (Role.HAZ_TSDF, np.arange(1, PROVINCES + 1), _ones(PROVINCES)),
        (Role.REGULATOR, _nationwide(6), _ones(6)),
    ]
    role = np.concatenate([np.full(place.size, int(kind)) for kind, place, _ in counts])
    province = np.concatenate([place for _, place, _ in counts])
    stands_for = np.concatenate([stands for _, _, stands in counts])
    by_role = {kind: np.flatnonzero(role == kind) for kind in Role}
    capacity = np.full(role.size, NULL, dtype=np.int64)
    one_t = inputs.capacity_t[last] * recycler_factor / recyclers
    capacity[by_role[Role.CU]] = one_t * stands_for[by_role[Role.CU]]
    makers = [*inputs.battery_makers.codes, *([None] * (role.size - len(inputs.battery_makers.codes)))]
    return Cast(
        names=_names(scenario.seed, inputs, role, province),
        credit_codes=[_credit_code(number) for number in range(role.size)],
        maker_codes=_remade_codes(makers, by_role[Role.PRODUCT_MAKER]),
        role=role,
        province=province,
        stands_for=stands_for,
        capacity_t=capacity,
        battery_makers=by_role[Role.BATTERY_ENT],
        vehicle_makers=by_role[Role.OEM],
        owners=by_role[Role.OWNER],
        operators=by_role[Role.SWAP_OP],
        repairers=by_role[Role.REPAIR],
        dismantlers=by_role[Role.ELV],
        outlets=by_role[Role.OUTLET],
        recyclers=by_role[Role.CU],
        product_makers=by_role[Role.PRODUCT_MAKER],
        carriers=by_role[Role.CARRIER],
        workshops=by_role[Role.INFORMAL],
        exporter=int(by_role[Role.EXPORTER][0]),
        recycler_factor=recycler_factor,
    )


def _nationwide(rows: int) -> Ints:
    return np.full(rows, NATIONWIDE, dtype=np.int64)


def _ones(rows: int) -> Ints:
    return np.ones(rows, dtype=np.int64)


def _spread(firms: Ints) -> tuple[Ints, Ints]:
    places = np.repeat(np.arange(1, PROVINCES + 1), firms)
    return places, _ones(places.size)


def _recyclers(real: int, scale: int, share: Floats) -> tuple[Ints, Ints]:
    """Return province and number stood for of each simulated recycler.

    At coarse scales one battery would keep a single recycler busy for days: some stand for several there.
    """
    shown = min(real, max(FEWEST_RECYCLERS, real * FINE_SCALE // scale))
    province = np.repeat(np.arange(1, PROVINCES + 1), _apportioned(shown, share, at_least=0))
    return province, np.diff(np.arange(shown + 1) * real // shown)


def _split(real: Ints, shown: Ints) -> Ints:
    """Return how many real facilities each shown one stands for: as even as whole numbers allow."""
    return np.concatenate(
        [
            np.diff(np.arange(n + 1) * total // n)
            for total, n in zip(real.tolist(), shown.tolist(), strict=True)
        ]
    )


def _apportioned(total: int, share: Floats, *, at_least: int = 1) -> Ints:
    """Return int64[31] that add up to *total*, by largest remainder after *at_least* each."""
    rest = total - at_least * share.size
    exact = share / share.sum() * rest
    whole: Ints = np.floor(exact).astype(np.int64)
    short = rest - int(whole.sum())
    whole[np.argsort(whole - exact, kind="stable")[:short]] += 1
    whole += at_least
    return whole


def _remade_codes(codes: list[str | None], product_makers: Ints) -> list[str | None]:
    for place, actor in enumerate(product_makers.tolist()):
        codes[actor] = f"R{place // 10}{place % 10}"
    return codes


@lru_cache(maxsize=4)
def _firm_names(seed: int, rows: int) -> tuple[str, ...]:
    faker = Faker("zh_CN")
    faker.seed_instance(seed)
    return tuple(f"{faker.company_prefix()}" for _ in range(rows))


def _names(seed: int, inputs: Inputs, role: Ints, province: Ints) -> list[str]:
    kind = {
        Role.OWNER: "车主",
        Role.SWAP_OP: "换电运营公司",
        Role.REPAIR: "汽车维修公司",
        Role.ELV: "报废汽车回收拆解公司",
        Role.OUTLET: "电池回收服务网点",
        Role.CU: "电池综合利用公司",
        Role.PRODUCT_MAKER: "储能产品公司",
        Role.CARRIER: "危险品运输公司",
        Role.INFORMAL: "无证作坊",
        Role.EXPORTER: "二手车出口商",
        Role.HAZ_TSDF: "危险废物处置公司",
        Role.REGULATOR: "主管部门",
    }
    regulators = iter(
        (
            "工业和信息化部 MIIT",
            "生态环境部 MEE",
            "市场监管总局 SAMR",
            "商务部 MOFCOM",
            "交通运输部 MOT",
            "国家发展改革委 NDRC",
        )
    )
    makers = iter(
        [
            *zip(inputs.battery_makers.names, inputs.battery_makers.names_cn, strict=True),
            *zip(inputs.vehicle_makers.names, inputs.vehicle_makers.names_cn, strict=True),
        ]
    )
    firms = _firm_names(seed, role.size)
    names = []
    for number, (who, where) in enumerate(zip(role.tolist(), province.tolist(), strict=True)):
        place = inputs.provinces.names_cn[where - 1] if where else ""
        if who in (Role.BATTERY_ENT, Role.OEM):
            english, chinese = next(makers)
            names.append(f"{chinese} {english}")
        elif who == Role.REGULATOR:
            names.append(next(regulators))
        elif who == Role.OWNER:
            names.append(f"{place}车主")
        else:
            names.append(f"{place}{firms[number]}{kind[Role(who)]}{number:04d}")
    return names


def _credit_code(number: int) -> str:
    """Return an 18-character unified social credit code with its check character (GB 32100-2015); made up."""
    body = f"91{100000 + number % 900000:06d}MA{number:07d}"[:17]
    weights = [pow(3, i, 31) for i in range(17)]
    total = sum(_CREDIT_ALPHABET.index(c) * w for c, w in zip(body, weights, strict=True))
    return body + _CREDIT_ALPHABET[(31 - total % 31) % 31]


def permit_spans(
    cast: Cast, lapsed: npt.NDArray[np.bool_], lapse_year: Ints
) -> list[tuple[Ints, Ints, Ints]]:
    """Return (actor, valid_from, valid_to) of the permits of all recyclers; one that lapses has two spans.

    Args:
        cast: the actors.
        lapsed: bool[recyclers], whose permit lapses for a year.
        lapse_year: int64[recyclers], which year it lacks.
    """
    start = quarters.year_start(FIRST_YEAR)
    whole = cast.recyclers[~lapsed]
    spans = [(whole, np.full(whole.size, start), np.full(whole.size, NULL))] if whole.size else []
    broken, years = cast.recyclers[lapsed], lapse_year[lapsed]
    ends = np.array([quarters.year_start(int(y)) - 1 for y in years], dtype=np.int64)
    resumes = np.array([quarters.year_start(int(y) + 1) for y in years], dtype=np.int64)
    if broken.size:
        spans.append((broken, np.full(broken.size, start), ends))
        spans.append((broken, resumes, np.full(broken.size, NULL)))
    return spans
