"""How a register of 2,000 units and 6,000 people is imported, started and asked.

    scripts/benchmark --only register
    python -m benchmarks.register [--units 2000] [--url POSTGRESQL_URL]

Runs Home Assistant's core in this process, with SQLite in a temporary folder or with a
PostgreSQL. All people are marks. While the register is imported, one flat is alerted again
and again over a webhook. Prints JSON, times in seconds.
"""

import asyncio
from collections.abc import Awaitable
import csv
import gc
from pathlib import Path
import resource
import time
from typing import Any

from aiohttp import web

from custom_components.rental_units.register.models import ContactAddress, Lease, Person
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr
from simulator.broker import free_port

from .property import (
    DOMAIN,
    Lags,
    Panel,
    lags,
    on_each_database,
    open_property,
    print_measured,
    spread,
)
from .throughput import Say

CALLS = 500


def write_register(path: Path, units: int) -> None:
    """Write a file of units, each with a landlord and two tenants; landlords own four."""
    path.parent.mkdir(exist_ok=True)
    columns = (
        "building",
        "stairwell",
        "number",
        "role",
        "name",
        "phone",
        "start",
        "end",
    )
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(columns)
        for number in range(units):
            place = number // 100, number // 20 % 5, number % 20 + 101
            people = [
                ("landlord", f"MARK-L{number // 4}", 13700000000 + number // 4),
                *(
                    ("tenant", f"MARK-T{number}-{row}", 13800000000 + 2 * number + row)
                    for row in range(2)
                ),
                # Landlords of several units leave room for a third tenant.
                ("tenant", f"MARK-S{number}", 13900000000 + number),
            ]
            for role, name, phone in people[: 4 if number % 4 else 3]:
                lease = ("2026-01-01", "2030-01-01") if role == "tenant" else ("", "")
                rows.writerow([*place, role, name, phone, *lease])


class Flat:
    """One flat whose tenant has a webhook, and the server behind it."""

    def __init__(self, hass: HomeAssistant, entry: ConfigEntry) -> None:
        """Initialize."""
        self._hass = hass
        self._entry = entry
        self._unit_id = ""
        self._heard = asyncio.Event()
        self._runner: web.AppRunner | None = None

    async def move_in(self) -> None:
        """Let a mark live there."""

        async def handle(request: web.Request) -> web.Response:
            await request.read()
            self._heard.set()
            return web.json_response({})

        app = web.Application()
        app.router.add_post("/", handle)
        self._runner = web.AppRunner(app, access_log=None)
        await self._runner.setup()
        port = free_port()
        await web.TCPSite(self._runner, "127.0.0.1", port).start()
        # Webhooks into the house's own network are an administrator's to allow.
        self._hass.config.allowlist_external_urls = {f"http://127.0.0.1:{port}/"}
        manager = self._hass.config_entries.options
        flow = await manager.async_init(self._entry.entry_id)
        for answer in (
            {"next_step_id": "units"},
            {"next_step_id": "unit_add"},
            {"building": "new", "number": "1", "landlord": {}},
        ):
            await manager.async_configure(flow["flow_id"], answer)
        await self._hass.async_block_till_done()
        (self._unit_id,) = self._entry.runtime_data.units

        def fill(session: Any) -> None:
            person = Person(name="MARK", language="en")
            person.addresses.append(
                ContactAddress(channel="webhook", target=f"http://127.0.0.1:{port}/")
            )
            session.add(person)
            session.flush()
            session.add(
                Lease(unit_id=self._unit_id, person_id=person.id, role="tenant")
            )

        await self._entry.runtime_data.async_run(fill)

    async def move_out(self) -> None:
        """End the server."""
        if self._runner:
            await self._runner.cleanup()

    async def alert(self) -> float:
        """Return the seconds from the action to the webhook."""
        self._heard.clear()
        before = time.perf_counter()
        answer = await self._hass.services.async_call(
            DOMAIN,
            "alert",
            {"unit_id": self._unit_id, "hazard": "smoke", "audience": ["tenants"]},
            blocking=True,
            return_response=True,
        )
        async with asyncio.timeout(60):
            await self._heard.wait()
        took = time.perf_counter() - before
        await self._hass.services.async_call(
            DOMAIN, "cancel_alert", {"alert_id": (answer or {})["alert_id"]}
        )
        return took

    async def alert_until(self, done: asyncio.Future[Any]) -> list[float]:
        """Alert again and again until something else is done."""
        times = []
        while not done.done():
            times.append(await self.alert())
            await asyncio.sleep(0.1)
        return times


async def measure(folder: Path, *, units: int, url: str | None) -> dict[str, Any]:
    """Import, start and ask."""
    hass, entry, user = await open_property(folder, url)
    flat = Flat(hass, entry)
    await flat.move_in()
    write_register(folder / DOMAIN / "register.csv", units)

    def call(action: str, **data: Any) -> Awaitable[Any]:
        return hass.services.async_call(
            DOMAIN,
            action,
            data,
            blocking=True,
            return_response=True,
            context=Context(user_id=user.id),
        )

    async def load(**data: Any) -> Any:
        answer = await call(
            "import_register",
            config_entry_id=entry.entry_id,
            file="register.csv",
            **data,
        )
        await hass.async_block_till_done()
        assert not answer["errors"], answer["errors"][:3]
        return answer

    figures: dict[str, Any] = {"units": units}

    def note(what: str, measured: Lags) -> None:
        figures[what] = {
            key: round(getattr(measured, key), 3)
            for key in (
                "seconds",
                "loop_held_up",
                "loop_held_up_by_work",
                "garbage_collection",
            )
        }

    begun = time.perf_counter()
    gc.collect()
    figures["collection_without_register"] = round(time.perf_counter() - begun, 3)
    figures["alert"] = spread([await flat.alert() for _ in range(20)])
    note("import, tried only", await lags(load()))
    importing = hass.async_create_task(lags(load(dry_run=False)))
    figures["alert_during_import"] = spread(await flat.alert_until(importing))
    measured = await importing
    note("import, with alerts", measured)
    for key in ("rows", "units_added", "people_added", "leases_added"):
        figures[key] = measured.result[key]
    note("import again", await lags(load(dry_run=False)))
    note("unload", await lags(hass.config_entries.async_unload(entry.entry_id)))
    note("start", await lags(_start(hass, entry)))

    devices = [
        device.id
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
        if any(key in entry.runtime_data.units for _, key in device.identifiers)
    ]
    times = []
    for number in range(CALLS):
        before = time.perf_counter()
        await call(
            "get_unit", device_id=devices[number * 7 % len(devices)], reason="alarm"
        )
        times.append(time.perf_counter() - before)
    figures["get_unit"] = spread(times)
    panel = Panel(hass, entry, user)
    figures["list_units"] = spread(
        [await panel.ask("units", limit=200) for _ in range(CALLS // 10)]
    )
    for what, queries in (
        ("search_by_name", ("mark-t1", "mt19", "mark-s77")),
        ("search_by_number", ("1234", "77", "0001")),
    ):
        figures[what] = spread(
            [
                await panel.ask("search", query=queries[number % len(queries)])
                for number in range(CALLS // 10)
            ]
        )
    register = entry.runtime_data
    before = time.perf_counter()
    found = await register.async_recipients(
        list(register.units), ["tenants", "landlord"]
    )
    figures["recipients_of_all_units"] = {
        "count": len(found),
        "seconds": round(time.perf_counter() - before, 3),
    }
    figures["megabytes"] = round(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    )
    await flat.move_out()
    await hass.async_stop(force=True)
    return figures


async def _start(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()


def measure_all(say: Say, *, units: int) -> dict[str, Any]:
    """Return the figures of each kind of database."""
    return on_each_database(
        say,
        f"register: {units} units",
        "benchmarks.register",
        *("--units", str(units)),
    )


if __name__ == "__main__":
    print_measured(measure, units=2000)
