"""A property of Rental Units that is measured, in this process, with SQLite or a PostgreSQL.

All times are in seconds.
"""

import argparse
import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
import gc
import itertools
import json
import logging
from pathlib import Path
import shutil
import statistics
import tempfile
import time
from typing import Any, cast

from sqlalchemy import select

from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.auth.models import User
from homeassistant.components.websocket_api import ActiveConnection
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from simulator.broker import free_port
from tests.rental_units.postgresql import postgresql

from .homes import in_process
from .throughput import Say

ROOT = Path(__file__).parent.parent
DOMAIN = "rental_units"
LOGGER = logging.getLogger(__name__)
#: What has not come to the disk for so long, though nothing else comes, is lost.
SETTLED_SECONDS = 20

type Figures = dict[str, Any]


async def _start(folder: Path) -> HomeAssistant:
    """Start Home Assistant's core."""
    hass = HomeAssistant(str(folder))
    hass.config.country = "CN"
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    return hass


async def open_property(
    folder: Path, url: str | None
) -> tuple[HomeAssistant, ConfigEntry, User]:
    """Start Home Assistant's core with a property, and somebody who may do everything."""
    hass = await _start(folder)
    await async_setup_component(hass, "http", {"http": {"server_port": free_port()}})
    # A person: no user of the system imports.
    user = await hass.auth.async_create_user("benchmark", group_ids=["system-admin"])
    flows = hass.config_entries.flow
    flow = await flows.async_init(DOMAIN, context={"source": "user"})
    result = await flows.async_configure(
        flow["flow_id"],
        {"name": "Property 1", "database": "postgresql" if url else "sqlite"},
    )
    if url:
        result = await flows.async_configure(flow["flow_id"], {"url": url})
    await hass.async_block_till_done()
    entry: ConfigEntry = result["result"]
    return hass, entry, user


@dataclass(frozen=True, slots=True)
class Lags:
    """How long work took, in seconds, what came of it, and what held up the event loop."""

    seconds: float
    loop_held_up: float
    #: The same without the time that garbage collections took: what the work itself did.
    loop_held_up_by_work: float
    #: The longest full garbage collection: nothing goes on meanwhile, in no thread. It goes
    #: over all that lives in the process, whoever made it: see `collection_without_register`.
    garbage_collection: float
    result: Any


async def lags(work: Awaitable[Any]) -> Lags:
    """Do work, and look at what it costs others."""
    worst, by_work, done = 0.0, 0.0, False
    collections, begun, collected, is_collecting = [0.0], 0.0, 0.0, False

    def collecting(phase: str, info: dict[str, int]) -> None:
        nonlocal begun, collected, is_collecting
        is_collecting = phase == "start"
        if is_collecting:
            begun = time.perf_counter()
            return
        took = time.perf_counter() - begun
        collected += took
        if info["generation"] == 2:
            collections.append(took)

    async def watch() -> None:
        nonlocal worst, by_work
        while not done:
            before, collected_before = time.perf_counter(), collected
            await asyncio.sleep(0.001)
            held = time.perf_counter() - before
            while is_collecting:  # noqa: ASYNC110
                # It has ended in another thread, which has not said so yet.
                await asyncio.sleep(0)
            worst = max(worst, held)
            by_work = max(by_work, held - (collected - collected_before))

    watcher = asyncio.create_task(watch())
    gc.callbacks.append(collecting)
    await asyncio.sleep(0)
    before = time.perf_counter()
    result = await work
    took = time.perf_counter() - before
    done = True
    await watcher
    gc.callbacks.remove(collecting)
    return Lags(took, worst, by_work, max(collections), result)


class Panel:
    """A panel's connection, whose answers are waited for one by one."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry, user: User) -> None:
        """Initialize."""
        self._entry_id = entry.entry_id
        #: What the last command has come to.
        self.answer: Any = None
        self._answers = asyncio.Queue[bytes]()
        self._numbers = itertools.count(1)
        self._connection = ActiveConnection(
            cast("Any", LOGGER),
            hass,
            cast("Any", self._answers.put_nowait),
            user,
            None,
            None,
        )

    async def ask(self, command: str, **data: Any) -> float:
        """Return the seconds until a command is answered."""
        before = time.perf_counter()
        self._connection.async_handle(
            {
                "id": next(self._numbers),
                "type": f"{DOMAIN}/{command}",
                "entry_id": self._entry_id,
                **data,
            }
        )
        answer = await self._answers.get()
        took = time.perf_counter() - before
        found = json.loads(answer)
        assert found["success"], answer
        self.answer = found["result"]
        return took


def spread(times: list[float]) -> dict[str, float]:
    """Return how long something took, in seconds: how often, and how it spreads."""
    times = sorted(times)
    return {
        "count": len(times),
        "median": round(statistics.median(times), 4),
        "p99": round(times[int(len(times) * 0.99)], 4),
        "most": round(times[-1], 4),
    }


async def others_wait(entry: ConfigEntry, is_done: Callable[[], bool]) -> list[float]:
    """Return how long others wait who write meanwhile, as an alert does."""
    times = []
    while not is_done():
        before = time.perf_counter()
        await entry.runtime_data.async_run(lambda session: session.execute(select(1)))
        times.append(time.perf_counter() - before)
        await asyncio.sleep(0.05)
    return times


async def settled(count: Callable[[], Awaitable[int]], wanted: int) -> int:
    """Return how much is on the disk, once it is all that is wanted, or no more comes."""
    found, since = await count(), time.perf_counter()
    while found < wanted and time.perf_counter() - since < SETTLED_SECONDS:
        await asyncio.sleep(0.2)
        if (now := await count()) != found:
            found, since = now, time.perf_counter()
    return found


def on_each_database(say: Say, what: str, module: str, *arguments: str) -> Figures:
    """Return the figures of each kind of database, each in a process of its own."""
    say(f"{what}, SQLite")
    found = {"sqlite": in_process(module, *arguments)}
    try:
        with postgresql() as url:
            say(f"{what}, PostgreSQL")
            found["postgresql"] = in_process(module, *arguments, "--url", url)
    except RuntimeError as err:
        say(f"{what}: {err}")
    return found


def print_measured(measure: Callable[..., Awaitable[Figures]], **sizes: float) -> None:
    """Measure in a temporary folder, with the sizes of the command line, and print JSON."""
    parser = argparse.ArgumentParser()
    for name, size in sizes.items():
        parser.add_argument(f"--{name}", type=type(size), default=size)
    parser.add_argument("--url")
    arguments = vars(parser.parse_args())
    folder = Path(tempfile.mkdtemp(prefix="rental_units_benchmark_"))
    (folder / "custom_components").symlink_to(ROOT / "custom_components")
    (folder / "configuration.yaml").touch()

    async def run() -> Figures:
        return await measure(folder, **arguments)

    try:
        found = asyncio.run(run())
    finally:
        shutil.rmtree(folder)
    print(json.dumps(found))
