"""Remaking: good packs are opened, their modules tested and built into products; products come back at the end."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import simpy

from sim import quarters
from sim.amendments import FORMAL_USES
from sim.cast import Cast
from sim.chance import Chance, Keys, derived_keys, geometric_days
from sim.dated import Dated
from sim.ledger import Ledger
from sim.lots import Agenda
from sim.practices import Recycling
from sim.printing import Printer
from sim.processes.handover import Channel
from sim.tables import Columns
from traceability.events import Ints
from traceability.vocabulary import Chemistry, EventType, Level, LinkKind, Use

DAYS_A_YEAR = 365.25


class Remaking:
    """What product makers do with packs that recyclers test good."""

    def __init__(
        self,
        *,
        ledger: Ledger,
        chance: Chance,
        cast: Cast,
        units: Columns,
        printer: Printer,
        practice: Recycling,
        barred: Mapping[Use, Dated],
        ends: Agenda,
    ) -> None:
        self._ledger, self._chance, self._cast, self._units = ledger, chance, cast, units
        self._printer, self._practice, self._ends = printer, practice, ends
        self._barred = barred

    def take(self, units: Ints, recycler: Ints, day: Ints) -> npt.NDArray[np.bool_]:
        """Test *units*, remake the good ones, and return bool[n]: which are left to be processed.

        Factory scrap and black mass are not tested; a product that has come back is not remade again.
        """
        u = self._units
        packs = u.is_pack[units]
        keys = u.key[units]
        rule = self._practice
        share = np.where(
            u.chemistry[units] == Chemistry.LFP, rule.reuse_share_lfp.at(day), rule.reuse_share_ncm.at(day)
        )
        good = packs & (self._chance.draw("recycling.good", keys) < share)
        self._ledger.write(
            EventType.TEST,
            units[packs],
            keys[packs],
            actor=recycler[packs],
            day=day[packs],
            reporter="recyclers",
            passed=good[packs],
        )
        if len(self._barred) == len(FORMAL_USES):
            good[good] = self._may_build(keys[good], day[good])
        if good.any():
            self._open(units[good], keys[good], recycler[good], day[good])
        return ~good

    def _may_build(self, packs: Keys, day: Ints) -> npt.NDArray[np.bool_]:
        """Return bool[n]: whether some product may be made on the day on which that of each pack would be built."""
        built = self._built(derived_keys(packs, "product"), day)
        lawful = np.zeros(built.size, dtype=np.bool_)
        for ban in self._barred.values():
            lawful |= np.asarray(ban.at(built)) < 1.0
        return lawful

    def _built(self, keys: Keys, day: Ints) -> Ints:
        luck = self._chance.draw("product.built", keys)
        built: Ints = day + 1 + geometric_days(luck, self._practice.build_days.at(day))
        return built

    def _purpose(self, keys: Keys, built: Ints) -> Ints:
        """Return int[n], the Use that each product is built for: none that the law bars on that day."""
        storage = self._chance.draw("product.purpose", keys) < self._practice.storage_product_share.at(built)
        for use, ban in self._barred.items():
            storage = np.where(np.asarray(ban.at(built)) < 1.0, storage, use is not Use.STORAGE)
        return np.where(storage, int(Use.STORAGE), int(Use.BACKUP))

    def _open(self, packs: Ints, keys: Keys, recycler: Ints, day: Ints) -> None:
        per = self._practice.modules_per_pack
        module_keys = np.repeat(derived_keys(keys, "module"), per) + np.tile(
            np.arange(per, dtype=np.uint64), packs.size
        )
        done = self._ledger.write(
            EventType.DISMANTLE, packs, keys, actor=recycler, day=day, reporter="recyclers"
        )
        if done is not None:
            return
        modules = self._free(packs, module_keys, per, Level.MODULE, recycler, day)
        opened = self._chance.draw("recycling.opened", module_keys) < self._practice.opened_module_share.at(
            np.repeat(day, per)
        )
        into = np.repeat(np.arange(packs.size), per)
        parts, part_of = [modules[~opened]], [into[~opened]]
        if opened.any():
            cells_each = self._practice.cells_per_module
            at, by = day[into[opened]], recycler[into[opened]]
            self._ledger.write(
                EventType.DISMANTLE,
                modules[opened],
                module_keys[opened],
                actor=by,
                day=at,
                reporter="recyclers",
            )
            cell_keys = np.repeat(derived_keys(module_keys[opened], "cell"), cells_each)
            cell_keys = cell_keys + np.tile(np.arange(cells_each, dtype=np.uint64), int(opened.sum()))
            parts.append(self._free(modules[opened], cell_keys, cells_each, Level.CELL, by, at))
            part_of.append(np.repeat(into[opened], cells_each))
        self._build(packs, np.concatenate(parts), np.concatenate(part_of), recycler, day)

    def _free(self, parents: Ints, keys: Keys, per: int, level: Level, by: Ints, day: Ints) -> Ints:
        u = self._units
        whole = np.repeat(parents, per)
        place = np.tile(np.arange(per), parents.size)
        # the parts add up to the whole, to the gram
        mass = u.mass_g[whole] // per + (place < u.mass_g[whole] % per)
        energy = u.energy_wh[whole] // per + (place < u.energy_wh[whole] % per)
        made = u.made_day[whole]
        coder = self._cast.battery_makers[u.maker[whole]]
        children = self._ledger.registry.commission(
            level,
            coder=coder,
            chemistry=u.chemistry[whole],
            made_day=made,
            energy_wh=energy,
            mass_g=mass,
            printed=self._printer.modules(
                level=level, coder=coder, chemistry=u.chemistry[whole], made_day=made
            ),
            code_fault=0,
            rows=whole.size,
        )
        u.add(
            whole.size, key=keys, chemistry=u.chemistry[whole], mass_g=mass, energy_wh=energy,
            year=u.year[whole], maker=u.maker[whole], made_day=made, technology=u.technology[whole],
        )  # fmt: skip
        at = np.repeat(day, per)
        told = self._ledger.told("opened", keys, np.repeat(by, per), at, "recyclers")
        self._ledger.registry.link(
            LinkKind.CONTAINS, parent=whole, child=children, from_day=made, to_day=at, record_day=told
        )
        self._ledger.write(
            EventType.FREE, children, keys, actor=np.repeat(by, per), day=at, reporter="recyclers"
        )
        return children

    def _build(self, packs: Ints, parts: Ints, part_of: Ints, recycler: Ints, day: Ints) -> None:
        """Build one product from the parts of each pack."""
        u, write, chance = self._units, self._ledger.write, self._chance
        keys = derived_keys(u.key[packs], "product")
        maker = self._cast.pick(
            self._cast.product_makers, chance.draw("product.maker", keys), self._cast.province[recycler]
        )
        built = self._built(keys, day)
        written = write(
            EventType.USE_IN_PRODUCT, parts, u.key[parts], actor=maker[part_of], day=built[part_of],
            reporter="product_makers",
        )  # fmt: skip
        if written is not None:
            keep = built <= self._ledger.last_day
            number = np.cumsum(keep) - 1
            parts, part_of = parts[written], number[part_of[written]]
            packs, keys, maker, built = packs[keep], keys[keep], maker[keep], built[keep]
        if not packs.size:
            return
        product = self._ledger.registry.commission(
            Level.PRODUCT,
            coder=maker,
            chemistry=u.chemistry[packs],
            made_day=built,
            energy_wh=u.energy_wh[packs],
            mass_g=u.mass_g[packs],
            printed=self._printer.products(coder=maker, chemistry=u.chemistry[packs], made_day=built),
            code_fault=0,
            rows=packs.size,
            purpose=self._purpose(keys, built),
        )
        u.add(
            packs.size, key=keys, chemistry=u.chemistry[packs], mass_g=u.mass_g[packs],
            energy_wh=u.energy_wh[packs], year=u.year[packs], maker=u.maker[packs],
            technology=u.technology[packs],
        )  # fmt: skip
        told = self._ledger.told("product", keys, maker, built, "product_makers")
        told = told[part_of] if isinstance(told, np.ndarray) else told
        self._ledger.registry.link(
            LinkKind.MADE_FROM, parent=product[part_of], child=parts, from_day=built[part_of], record_day=told
        )
        write(EventType.REMAKE, product, keys, actor=maker, day=built, reporter="product_makers")
        sold = (
            built
            + 1
            + geometric_days(chance.draw("product.sold", keys), self._practice.product_sale_days.at(built))
        )
        placed = write(EventType.PLACE, product, keys, actor=maker, day=sold, reporter="product_makers")
        if placed is not None:
            product, keys, maker, sold = product[placed], keys[placed], maker[placed], sold[placed]
        life = geometric_days(
            chance.draw("product.life", keys),
            self._practice.product_life_years.at(sold) * DAYS_A_YEAR if sold.size else 0,
        )
        ends = sold + 1 + life
        # this quarter's returns have been taken back already
        quarter = np.maximum(quarters.of_days(ends), quarters.of_days(day[:1]) + 1)
        ends = np.maximum(ends, quarters.START[quarter])
        within = ends <= self._ledger.last_day
        self._ends.add(quarter[within], product[within], maker[within], ends[within])


def returns(
    env: simpy.Environment,
    *,
    ledger: Ledger,
    chance: Chance,
    cast: Cast,
    units: Columns,
    channel: Channel,
    practice: Recycling,
    ends: Agenda,
) -> Generator[simpy.Event, Any, None]:
    """Take back products at the end of their service, quarter by quarter; what does not come back is sold off."""
    while True:
        now = int(env.now)
        quarter = quarters.of_day(now)
        due = ends.take(quarter)
        if due is not None:
            product, maker, day = due
            keys = units.key[product]
            province = cast.province[maker]
            back = chance.draw("product.returned", keys) < practice.product_return_share.at(day)
            ledger.write(
                EventType.RETURN,
                product[back],
                keys[back],
                actor=maker[back],
                day=day[back],
                reporter="product_makers",
            )
            channel.to_recycler(
                product[back],
                actor=maker[back],
                province=province[back],
                day=day[back],
                reporter="product_makers",
            )
            channel.divert(
                product[~back], actor=maker[~back], province=province[~back], day=day[~back], reporter=None
            )
        yield env.timeout(quarters.until_next(now))
