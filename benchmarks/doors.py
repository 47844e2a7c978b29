"""How cards of 2,000 units get to 40 controllers, are read back, and who passes is kept.

    scripts/benchmark --only doors
    python -m benchmarks.doors [--units 2000] [--controllers 40] [--rate 500] [--seconds 60]

Runs Home Assistant's core in this process, with SQLite in a temporary folder or with a
PostgreSQL, and simulated UHPPOTE boards in a thread beside it, over UDP: what they cost is in
the figures. All people are marks. Prints JSON, times in seconds.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
import csv
from datetime import datetime
import os
from pathlib import Path
import threading
import time
from types import MappingProxyType
from typing import Any

from sqlalchemy import func, select

from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.rental_units.access_control.const import Proof
from custom_components.rental_units.access_control.models import Place
from custom_components.rental_units.sightings.journal import async_purge
from custom_components.rental_units.sightings.models import Sighting
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import Context, HomeAssistant
from simulator.broker import free_port
from simulator.uhppote import Board

from .property import (
    DOMAIN,
    lags,
    on_each_database,
    open_property,
    others_wait,
    print_measured,
    settled,
    spread,
)
from .throughput import Say

SAFETY = "community_safety"
#: Doors of a board.
DOORS = 4
FIRST_SERIAL, FIRST_NUMBER = 405_000_000, 10_000_000
#: Nothing here takes longer, in seconds.
PATIENCE = 1800


class Boards:
    """Boards in a thread of their own."""

    def __init__(self, count: int) -> None:
        """Initialize."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.boards = [
            Board(FIRST_SERIAL + n, clock=datetime.now) for n in range(count)
        ]
        self.swiped = 0

    def do[T](self, work: Coroutine[Any, Any, T]) -> asyncio.Future[T]:
        """Do work in their thread."""
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self._loop))

    async def start(self) -> None:
        """Switch them on."""
        for board in self.boards:
            await self.do(board.start())

    async def forget(self, board: Board) -> None:
        """Let a board forget its cards, and nothing else."""

        async def forget() -> None:
            board.slots.clear()

        await self.do(forget())

    async def rush(self, numbers: list[int], rate: float, seconds: float) -> None:
        """Hold cards to readers, so many a second."""

        async def rush() -> None:
            begun, count = time.perf_counter(), len(self.boards)
            while (passed := time.perf_counter() - begun) < seconds:
                while self.swiped < passed * rate:
                    board = self.boards[self.swiped * 7 % count]
                    number = numbers[self.swiped * 31 % len(numbers)]
                    board.swipe(number, self.swiped % DOORS + 1)
                    self.swiped += 1
                await asyncio.sleep(0.01)

        await self.do(rush())


def write_register(path: Path, units: int) -> None:
    """Write a file of units, each with three tenants who have a card."""
    path.parent.mkdir(exist_ok=True)
    head = "building", "stairwell", "number", "role", "name", "phone", "start", "end"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow((*head, "card"))
        for unit in range(units):
            for place in range(3):
                tenant = 3 * unit + place
                rows.writerow(
                    [
                        *(unit // 100, unit // 20 % 5, unit % 20 + 101),
                        *("tenant", f"MARK-T{tenant}", 13800000000 + tenant),
                        *("2026-01-01", "2030-01-01"),
                        FIRST_NUMBER + tenant,
                    ]
                )


def memory() -> float:
    """Return the megabytes that this process has in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return round(pages * os.sysconf("SC_PAGE_SIZE") / 2**20, 1)


async def until(proof: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not await proof():  # noqa: ASYNC110
            await asyncio.sleep(0.1)


class Compound:
    """A property with its controllers."""

    def __init__(
        self, hass: HomeAssistant, entry: ConfigEntry, boards: Boards, user_id: str
    ) -> None:
        """Initialize; `user_id` is who does it all."""
        self.hass, self.entry, self.boards = hass, entry, boards
        self.user_id = user_id

    @property
    def register(self) -> Any:
        """Return the register."""
        return self.entry.runtime_data

    async def call(self, action: str, **data: Any) -> Any:
        """Call an action as a person."""
        return await self.hass.services.async_call(
            DOMAIN,
            action,
            {"config_entry_id": self.entry.entry_id, **data},
            blocking=True,
            return_response=True,
            context=Context(user_id=self.user_id),
        )

    async def add_boards(self) -> None:
        """Add a gateway of all boards."""
        gateway = ConfigEntry(
            data={
                "dialect": "uhppote",
                "protocol": "udp",
                "event_port": free_port(),
                "boards": {str(row.serial): row.address for row in self.boards.boards},
            },
            discovery_keys=MappingProxyType({}),
            domain=SAFETY,
            minor_version=2,
            options={},
            source=SOURCE_USER,
            subentries_data=(),
            title="UHPPOTE",
            unique_id="uhppote/benchmark",
            version=1,
        )
        await self.hass.config_entries.async_add(gateway)

        async def all_answer() -> bool:
            return all(self.device(row) for row in self.boards.boards)

        await until(all_answer)

    def device(self, board: Board) -> str | None:
        """Return Home Assistant's id of a board that answers."""
        found = self.hass.data[DATA_HOUSE].device(f"uhppote/benchmark/{board.serial}")
        return found[1].device_id if found and found[1].available else None

    async def assign(self, units: int) -> None:
        """Let each stairwell have a door, and the last board be at the gate.

        No board is left out: one without a door of the property holds nothing.
        """
        places = sorted({(unit // 100, unit // 20 % 5) for unit in range(units)})
        *others, gate = self.boards.boards
        for number, (building, stairwell) in enumerate(places):
            board = others[number % len(others)]
            await self.call(
                "assign_door",
                device_id=self.device(board),
                door=str(number // len(others) % DOORS + 1),
                building=str(building),
                stairwell=str(stairwell),
            )
        await self.call("assign_door", device_id=self.device(gate), door="1")

    async def places(self, *conditions: Any) -> int:
        """Return at how many controllers cards are to be."""
        query = select(func.count()).select_from(Place).where(*conditions)
        return int(
            await self.register.async_read(lambda session: session.scalar(query))
        )

    async def all_proven(self) -> bool:
        """Return if every card is proven at every controller."""
        return not await self.places(Place.proof != Proof.PROVEN)

    async def sightings(self) -> int:
        """Return how many passages are on the disk."""
        query = select(func.count()).select_from(Sighting)
        return int(
            await self.register.async_read(lambda session: session.scalar(query))
        )


async def measure(
    folder: Path,
    *,
    url: str | None,
    units: int,
    controllers: int,
    rate: float,
    seconds: float,
) -> dict[str, Any]:
    """Issue, read back, forget and refill, and let people pass."""
    hass, entry, user = await open_property(folder, url)
    # Before that, no controller is asked for anything.
    await hass.async_start()
    boards = Boards(controllers)
    await boards.start()
    compound = Compound(hass, entry, boards, user.id)
    await compound.add_boards()
    figures: dict[str, Any] = {"units": units, "controllers": controllers}

    def note(what: str, measured: Any) -> None:
        figures[what] = {
            "seconds": round(measured.seconds, 2),
            "loop_held_up_by_work": round(measured.loop_held_up_by_work, 3),
        }

    write_register(folder / DOMAIN / "register.csv", units)
    # Without doors first: what is measured then is cards.
    tried = await lags(compound.call("import_register", file="register.csv"))
    note("import with cards, tried only", tried)
    note(
        "import with cards",
        await lags(
            compound.call("import_register", file="register.csv", dry_run=False)
        ),
    )
    figures["cards"] = 3 * units
    await hass.async_block_till_done()
    figures["megabytes_before"] = memory()

    note("doors assigned", await lags(compound.assign(units)))
    note(
        "written and proven at all controllers", await lags(until(compound.all_proven))
    )
    figures["places"] = await compound.places()
    # At the door of its stairwell, and at the gate.
    assert figures["places"] == 2 * figures["cards"]
    figures["megabytes_filled"] = memory()
    credentials = hass.data[DATA_HOUSE].credentials

    async def read_all() -> list[Any]:
        return await asyncio.gather(
            *(
                credentials.async_check(device)
                for board in boards.boards
                if (device := compound.device(board))
            )
        )

    measured = await lags(read_all())
    note("all lists read", measured)
    figures["all lists read"]["cards"] = sum(row.count for row in measured.result)
    assert not any(row.results or row.unknown for row in measured.result)
    figures["megabytes_read"] = memory()
    gate = boards.boards[-1]
    await boards.forget(gate)

    async def refill() -> None:
        await credentials.async_check(compound.device(gate) or "")
        await until(compound.all_proven)

    note("one that has forgotten everything, refilled", await lags(refill()))
    assert len(gate.cards) == 3 * units
    figures["one that has forgotten everything, refilled"]["cards"] = len(gate.cards)

    numbers = [FIRST_NUMBER + n for n in range(3 * units)]
    rushing = hass.async_create_task(
        lags(boards.rush(numbers, rate, seconds)), eager_start=False
    )
    waits = await others_wait(entry, rushing.done)
    before = time.perf_counter()
    kept = await settled(compound.sightings, boards.swiped)
    note("passages", await rushing)
    figures["passages"] |= {
        "rate": rate,
        "swiped": boards.swiped,
        "lost": boards.swiped - kept,
        "dropped": hass.data[DATA_HOUSE].passages.dropped.total(),
        "last_kept_after": round(time.perf_counter() - before, 2),
        "others_wait": spread(waits),
    }

    purging = hass.async_create_task(
        lags(async_purge(compound.register, time.time() + 60)), eager_start=False
    )
    waits = await others_wait(entry, purging.done)
    note("purge", await purging)
    figures["purge"]["others_wait"] = spread(waits)
    figures["megabytes"] = memory()
    await hass.async_stop(force=True)
    return figures


def measure_all(
    say: Say, *, units: int, controllers: int, rate: float, seconds: float
) -> dict[str, Any]:
    """Return the figures of each kind of database."""
    return on_each_database(
        say,
        f"doors: {units} units, {controllers} controllers",
        "benchmarks.doors",
        *("--units", str(units), "--controllers", str(controllers)),
        *("--rate", str(rate), "--seconds", str(seconds)),
    )


if __name__ == "__main__":
    print_measured(measure, units=2000, controllers=40, rate=500.0, seconds=60.0)
