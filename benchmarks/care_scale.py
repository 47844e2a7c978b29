"""A thousand watched people in one Home Assistant: what their signs of life cost it.

    scripts/benchmark --only care
    python -m benchmarks.care_scale [--watches 1000] [--seconds 20] [--url POSTGRESQL_URL]

Runs Home Assistant's core in this process, with SQLite in a temporary folder or with a
PostgreSQL. Each flat has five things in it; each watch has four weeks of habits. All people are
marks. Prints JSON: signs a second, memory, and how long the event loop was held up while signs
come in, while all is looked at and written, while others are told of half of all at the same moment, and
while they are read at a start. Times in seconds.
"""

import asyncio
from datetime import UTC
import gc
from pathlib import Path
import random
import time
import tracemalloc
from typing import Any

from sqlalchemy import func, select

from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.care import Named
from custom_components.rental_units.app.tenancy import CheckIn
from custom_components.rental_units.app.units import AddUnit
from custom_components.rental_units.care.book import DATA_CARE, CareBook
from custom_components.rental_units.care.const import KIND, Turn
from custom_components.rental_units.care_work import Desk, sources_of
from custom_components.rental_units.const import Role
from custom_components.rental_units.register.people import Contact
from custom_components.rental_units.storage.vault import CompartmentRow
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant

from .property import lags, on_each_database, open_property, print_measured
from .throughput import Say

DAY, HOUR = 86_400.0, 3600.0
DAYS = 28
THINGS = ("kitchen", "bedroom", "bath", "hall", "door")


class Silence:
    """Asks and tells nobody, at once: what that costs is measured with the alerts."""

    def __init__(self) -> None:
        """Initialize."""
        self.told = 0

    def listen(self, _listener: Any) -> Any:
        """Call nobody."""
        return lambda: None

    async def async_ask(self, _question: Any) -> None:
        """Ask nobody."""
        self.told += 1

    async def async_tell(self, _look_in: Any) -> None:
        """Tell nobody."""
        self.told += 1

    async def async_end(self, _key: str, *, is_over: bool = False) -> None:
        """Do nothing."""

    async def async_forget(self, _person_id: str) -> None:
        """Do nothing."""


def thing(number: int, name: str) -> str:
    """Return a thing of a flat."""
    return f"binary_sensor.flat_{number}_{name}"


async def _fill(
    hass: HomeAssistant, entry: ConfigEntry, user: Any, watches: int
) -> CareBook:
    """Let people live in flats, be watched, and have habits."""
    application = application_of(hass, entry.entry_id)
    context = Context(user_id=user.id)
    desk = Desk(hass, application, context)
    book = hass.data[DATA_CARE][entry.entry_id]
    for number in range(watches):
        for name in THINGS:
            hass.states.async_set(thing(number, name), "off")
        unit = await application.async_do(
            AddUnit({"building": str(number // 100), "number": str(number)}),
            context,
            tell=False,
        )
        contact = Contact(f"MARK-{number}", f"+86138{number:08}")
        person = await application.async_do(
            CheckIn(unit.unit_id, contact, Role.TENANT), context, tell=False
        )
        rows = [
            {
                "entity_id": thing(number, name),
                "kind": "door" if name == "door" else "inside",
                "how": "change" if name == "door" else "on",
            }
            for name in THINGS
        ]
        relative = Contact(f"MARK-R{number}", f"+86139{number:08}")
        with_nobody_told = application.async_tell
        application.async_tell = _nothing  # type: ignore[method-assign]
        await desk.async_start(
            person.people[0],
            unit.unit_id,
            sources_of(hass, rows, cards=False),
            [Named(relative, Turn.RELATIVES)],
        )
        application.async_tell = with_nobody_told  # type: ignore[method-assign]
    await application.async_tell()
    await hass.async_block_till_done()
    now, chance = time.time(), random.Random(1)  # noqa: S311
    for ward in book.wards.values():
        for day in range(DAYS, 0, -1):
            begin = now - day * DAY
            for _ in range(40):
                ward.watch.habits.sign(begin + chance.random() * 15 * HOUR, UTC)
        ward.is_changed = True
    return book


async def _nothing() -> None:
    """Tell nobody."""


async def measure(
    folder: Path, *, watches: int, seconds: float, url: str | None
) -> dict[str, Any]:
    """Return the figures."""
    hass, entry, user = await open_property(folder, url)
    book = await _fill(hass, entry, user, watches)
    silence = Silence()
    book.tell_by(silence)
    await book.async_save()

    # Signs, one after the other.
    chance, count = random.Random(2), 0  # noqa: S311

    async def signs() -> None:
        nonlocal count
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            for _ in range(5):
                entity_id = thing(chance.randrange(watches), chance.choice(THINGS))
                hass.states.async_set(entity_id, "on")
                hass.states.async_set(entity_id, "off")
                count += 2
            await asyncio.sleep(0)

    heard = await lags(signs())
    per_event = _cost(hass, watches)

    for ward in book.wards.values():
        ward.is_changed = True
    looked = await lags(_look_and_save(book))

    # It is late in half of all flats, and nobody has stirred.
    due = list(book.wards)[: watches // 2]
    for watch_id in due:
        kept = book.wards[watch_id].watch.kept
        kept.last = kept.silent_since = time.time() - 11.6 * HOUR
        kept.left_at = None

    async def told() -> None:
        book.look_at(due)
        while silence.told < len(due):  # noqa: ASYNC110
            await asyncio.sleep(0.01)

    all_told = await lags(told())

    size = await entry.runtime_data.async_run(
        lambda session: session.scalar(
            select(func.avg(func.length(CompartmentRow.body))).where(
                CompartmentRow.kind == KIND
            )
        )
    )
    again = CareBook(hass, entry, entry.runtime_data)
    started = await lags(again.async_start())
    found = {
        "watches": len(again.wards),
        "things": watches * len(THINGS),
        "signs_a_second": round(count / heard.seconds),
        "microseconds_a_sign": per_event,
        "bytes_in_memory": await _memory(again),
        "bytes_on_disk": round(float(size or 0)),
        "signs_loop_held_up": round(heard.loop_held_up_by_work, 5),
        "written_seconds": round(looked.seconds, 3),
        "written_loop_held_up": round(looked.loop_held_up_by_work, 5),
        "told": silence.told,
        "told_seconds": round(all_told.seconds, 3),
        "told_loop_held_up": round(all_told.loop_held_up_by_work, 5),
        "start_seconds": round(started.seconds, 3),
        "start_loop_held_up": round(started.loop_held_up_by_work, 5),
    }
    await hass.async_stop(force=True)
    return found


async def _look_and_save(book: CareBook) -> None:
    await book.async_look(is_all=True)


def _cost(hass: HomeAssistant, watches: int) -> float:
    """Return what a sign costs beside a state that nobody hears, in microseconds."""
    rounds = 2000

    def took(entity_id: str) -> float:
        before = time.perf_counter()
        for _ in range(rounds):
            hass.states.async_set(entity_id, "on")
            hass.states.async_set(entity_id, "off")
        return (time.perf_counter() - before) / rounds / 2 * 1e6

    hass.states.async_set("binary_sensor.elsewhere", "off")
    took("binary_sensor.elsewhere")
    elsewhere = took("binary_sensor.elsewhere")
    return round(took(thing(watches // 3, "kitchen")) - elsewhere, 1)


async def _memory(book: CareBook) -> int:
    """Return what a watch takes in memory, in bytes: read anew, and compared."""
    gc.collect()
    tracemalloc.start()
    book.wards.clear()
    before, _ = tracemalloc.get_traced_memory()
    await book.async_read()
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return round((after - before) / max(1, len(book.wards)))


def measure_all(say: Say, *, watches: int, seconds: float) -> dict[str, Any]:
    """Return the figures of each kind of database."""
    return on_each_database(
        say,
        f"care: {watches} watches",
        "benchmarks.care_scale",
        "--watches",
        str(watches),
        "--seconds",
        str(seconds),
    )


def main() -> None:
    """Measure, and print."""
    print_measured(measure, watches=1000, seconds=20.0)


if __name__ == "__main__":
    main()
