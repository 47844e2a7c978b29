"""How fast somebody is found among a million sightings, while people go on passing.

    scripts/benchmark --only search
    python -m benchmarks.search [--sightings 1000000] [--url POSTGRESQL_URL]

Runs Home Assistant's core in this process, with SQLite in a temporary folder or with a
PostgreSQL. The sightings are of thirty days, at doors, gates and cameras; all people are marks.
They are written as the journal writes them, encrypted numbers and all. Each look is a command of
the panel, with its case and its rows in the audit. Prints JSON, times in seconds.
"""

import asyncio
from functools import partial
from itertools import batched
from pathlib import Path
import random
import time
from typing import Any

from sqlalchemy import func, select

from custom_components.rental_units.access_control import numbers
from custom_components.rental_units.access_control.const import Decision, Holder, Medium
from custom_components.rental_units.access_control.models import Card
from custom_components.rental_units.register.models import Person
from custom_components.rental_units.sightings import journal, store
from custom_components.rental_units.sightings.models import SeenKind, Sighting
from custom_components.rental_units.sightings.store import Seen
from custom_components.rental_units.storage.vault import Vault
from homeassistant.config_entries import ConfigEntry

from .property import (
    Panel,
    lags,
    on_each_database,
    open_property,
    others_wait,
    print_measured,
    settled,
    spread,
)
from .throughput import Say

DAY = 86_400
DAYS = 30
#: Of so many sightings each person has one; every other has a vehicle.
OF_EACH = 160
DOORS, GATES, CAMERAS = 160, 4, 36
#: Rows of a transaction while the months before are written.
FILL = 5000
COLOURS = ("red", "blue", "black", "white", "grey", "green")


def plate(number: int) -> str:
    """Return the plate of a vehicle."""
    return f"浙A{number % 10}{'ABCDEFGHJK'[number // 10 % 10]}{number:04}"[:7]


def seen(index: int, at: float, chance: random.Random, people: int) -> Seen:
    """Return a sighting: of doors most, of gates some, of cameras some."""
    kind = chance.random()
    if kind < 0.7:
        return Seen(
            device_id=f"door{chance.randrange(DOORS)}",
            channel="1",
            event_id=str(index),
            at=at,
            number=str(10_000_000 + chance.randrange(people)),
            decision="granted",
            granted=True,
            inwards=chance.random() < 0.5,
        )
    if kind < 0.9:
        return Seen(
            device_id=f"gate{chance.randrange(GATES)}",
            channel="1",
            event_id=str(index),
            at=at,
            kind=SeenKind.PLATE,
            number=plate(chance.randrange(people // 2)),
            decision="seen",
            category="car",
        )
    return Seen(
        device_id=f"camera{chance.randrange(CAMERAS)}",
        channel="1",
        event_id=str(index),
        at=at,
        category="person",
        attributes={"colour": chance.choice(COLOURS), "age_group": "adult"},
    )


class Compound:
    """A property whose doors have seen much."""

    def __init__(self, entry: ConfigEntry, panel: Panel, sightings: int) -> None:
        """Initialize."""
        self.entry, self.panel, self.sightings = entry, panel, sightings
        self.register = entry.runtime_data
        self.box = Vault(self.register.keys)
        self.chance = random.Random(1)  # noqa: S311
        self.count_of_people = max(100, sightings // OF_EACH)
        self.people: list[str] = []
        self.index = 0

    async def fill(self) -> None:
        """Let people have cards and plates, and be seen for thirty days."""
        self.people = await self.register.async_run(self._issue)
        now = time.time()
        begin = now - DAYS * DAY + 3600
        step = (now - begin) / self.sightings
        for chunk in batched(range(self.sightings), FILL, strict=False):
            rows = [self.seen(n, begin + n * step) for n in chunk]
            await self.register.async_run(
                partial(store.write, box=self.box, rows=rows, is_only=True)
            )
        self.index = self.sightings

    def seen(self, index: int, at: float) -> Seen:
        """Return a sighting of somebody here."""
        return seen(index, at, self.chance, self.count_of_people)

    def _issue(self, session: Any) -> list[str]:
        long_ago = time.time() - 2 * DAYS * DAY
        ids = []
        for number in range(self.count_of_people):
            person = Person(name=f"MARK-{number}", language="en")
            session.add(person)
            session.flush()
            ids.append(person.id)
            texts = [(Medium.CARD, str(10_000_000 + number))]
            if number < self.count_of_people // 2:
                texts.append((Medium.PLATE, plate(number)))
            for medium, text in texts:
                card = Card(
                    person_id=person.id,
                    medium=medium,
                    holder=Holder.STAFF,
                    decision=Decision.ISSUED,
                    decided_at=long_ago,
                    created_at=long_ago,
                )
                numbers.put(session, self.box, card, text)
                session.add(card)
        session.flush()
        # They were given before all that is seen of them.
        session.connection().exec_driver_sql(
            f"UPDATE compartment_rows SET created_at = {long_ago}"  # noqa: S608
        )
        return ids

    async def count(self) -> int:
        """Return how many sightings there are."""
        query = select(func.count()).select_from(Sighting)
        return int(
            await self.register.async_read(
                lambda session: session.scalar(query), long=True
            )
        )

    async def pass_by(self, hass: Any, rate: float, done: asyncio.Event) -> int:
        """Let people pass, so many a second, until it is done; return how many."""
        begun, count = time.perf_counter(), 0
        line = journal.journal_of(hass)
        while not done.is_set():
            while count < (time.perf_counter() - begun) * rate:
                self.index += 1
                count += 1
                line.take(self.seen(self.index, time.time()))
            await asyncio.sleep(0.02)
        return count

    async def opened(self, **said: Any) -> str:
        """Open a search."""
        data = {"kind": "missing_person", "authority": "benchmark", **said}
        await self.panel.ask("open_search_case", **data)
        return str(self.panel.answer["case_id"])

    async def looks(self, count: int) -> dict[str, dict[str, float]]:
        """Return how long looks of each kind take."""
        chance = random.Random(2)  # noqa: S311
        somebody = await self.opened(subject="MARK")
        times: dict[str, list[float]] = {}

        async def look(what: str, case: str, **said: Any) -> None:
            took = await self.panel.ask("search_sightings", case_id=case, **said)
            times.setdefault(what, []).append(took)

        for number in range(count):
            person = self.people[chance.randrange(len(self.people))]
            await look("person", await self.opened(person_id=person))
            assert self.panel.answer["sightings"]
            car = plate(chance.randrange(len(self.people) // 2))
            # The province is not said, and a nought is taken for a letter.
            await look("plate", somebody, plate=car[1:].replace("0", "O"))
            assert self.panel.answer["sightings"]
            await look("plate with wildcards", somebody, plate=f"?{car[1:4]}*{car[-1]}")
            await look("plate with an open end", somebody, plate=f"{car[1:5]}*")
            await look(
                "description",
                somebody,
                category="person",
                colour=COLOURS[number % len(COLOURS)],
            )
            await look(
                "description of what there is not",
                somebody,
                category="person",
                colour="purple",
            )
            gate = f"gate{chance.randrange(GATES)}"
            await look("place", somebody, places=[[gate, None]])
        return {what: spread(row) for what, row in times.items()}


async def measure(
    folder: Path, *, url: str | None, sightings: int, rate: float, looks: int
) -> dict[str, Any]:
    """Fill, look, and purge."""
    hass, entry, user = await open_property(folder, url)
    compound = Compound(entry, Panel(hass, entry, user), sightings)
    begun = time.perf_counter()
    await compound.fill()
    figures: dict[str, Any] = {
        "sightings": await compound.count(),
        "filled_in": round(time.perf_counter() - begun, 1),
        "rate": rate,
    }
    if url:
        await compound.register.async_run(
            lambda session: session.connection().exec_driver_sql("ANALYZE")
        )
    figures["alone"] = await compound.looks(max(1, looks // 5))
    done = asyncio.Event()
    passing = hass.async_create_task(compound.pass_by(hass, rate, done))
    measured = await lags(compound.looks(looks))
    done.set()
    passed = await passing
    figures["while people pass"] = measured.result
    figures["loop_held_up_by_work"] = round(measured.loop_held_up_by_work, 3)
    kept = await settled(compound.count, sightings + passed)
    figures |= {"passed": passed, "lost": sightings + passed - kept}

    # A day's sightings go, as they do each night, while people pass and somebody looks.
    done = asyncio.Event()
    passing = hass.async_create_task(compound.pass_by(hass, rate, done))
    waiting = hass.async_create_task(others_wait(entry, done.is_set))
    purging = hass.async_create_task(
        lags(journal.async_purge(compound.register, time.time() - (DAYS - 1) * DAY)),
        eager_start=False,
    )
    times = list[float]()
    while not purging.done():
        case = await compound.opened(person_id=compound.people[len(times)])
        times.append(await compound.panel.ask("search_sightings", case_id=case))
        await asyncio.sleep(0.05)
    done.set()
    purged = await purging
    await passing
    figures["purge"] = {
        "rows": purged.result,
        "seconds": round(purged.seconds, 2),
        "others_wait": spread(await waiting),
        "person": spread(times),
    }
    await hass.async_stop(force=True)
    return figures


def measure_all(say: Say, *, sightings: int, rate: float, looks: int) -> dict[str, Any]:
    """Return the figures of each kind of database."""
    return on_each_database(
        say,
        f"search: {sightings} sightings",
        "benchmarks.search",
        *("--sightings", str(sightings)),
        *("--rate", str(rate), "--looks", str(looks)),
    )


if __name__ == "__main__":
    print_measured(measure, sightings=1_000_000, rate=50.0, looks=100)
