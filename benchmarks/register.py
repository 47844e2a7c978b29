"""How a register of 2,000 units and 6,000 people is imported, started and asked.

    .venv/bin/python -m benchmarks.register [units]

Runs Home Assistant's core in this process, with SQLite in a temporary folder. All people
are marks. Prints one line per figure.
"""

import asyncio
from collections.abc import Awaitable, Callable
import csv
from pathlib import Path
import resource
import shutil
import statistics
import sys
import tempfile
import time
from typing import Any

from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.config_entries import ConfigEntry
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr, entity_registry as er

ROOT = Path(__file__).parent.parent
DOMAIN = "rental_units"
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


async def start(folder: Path) -> HomeAssistant:
    """Start Home Assistant's core."""
    hass = HomeAssistant(str(folder))
    hass.config.country = "CN"
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    return hass


async def lags(work: Awaitable[Any]) -> tuple[float, float, Any]:
    """Return how long work took, and the longest time that the event loop was held up."""
    worst, done = 0.0, False

    async def watch() -> None:
        nonlocal worst
        while not done:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            worst = max(worst, time.perf_counter() - before)

    watcher = asyncio.create_task(watch())
    await asyncio.sleep(0)
    before = time.perf_counter()
    result = await work
    took = time.perf_counter() - before
    done = True
    await watcher
    return took, worst, result


async def measure(folder: Path, units: int) -> None:
    """Import, start and ask."""
    hass = await start(folder)
    user = await hass.auth.async_create_system_user(
        "benchmark", group_ids=["system-admin"]
    )
    flow = await hass.config_entries.flow.async_init(DOMAIN, context={"source": "user"})
    result = await hass.config_entries.flow.async_configure(
        flow["flow_id"], {"name": "Property 1", "database": "sqlite"}
    )
    entry: ConfigEntry = result["result"]
    await hass.async_block_till_done()
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
        return answer

    def show(what: str, took: float, worst: float) -> None:
        print(f"{what:<34} {took:8.3f} s   loop held up {worst * 1000:6.0f} ms")

    took, worst, report = await lags(load())
    show("import, tried only", took, worst)
    took, worst, report = await lags(load(dry_run=False))
    assert report["imported"], report["errors"][:3]
    print(
        {
            key: report[key]
            for key in ("rows", "units_added", "people_added", "leases_added")
        }
    )
    show("import", took, worst)
    took, worst, report = await lags(load(dry_run=False))
    show("import again", took, worst)
    took, worst, _ = await lags(_reload(hass, entry))
    show("reload: unload and start", took, worst)
    await _add_one(hass, entry, show)

    devices = [
        device.id
        for device in dr.async_entries_for_config_entry(
            dr.async_get(hass), entry.entry_id
        )
    ]
    times = []
    for number in range(CALLS):
        before = time.perf_counter()
        await call(
            "get_unit", device_id=devices[number * 7 % len(devices)], reason="alarm"
        )
        times.append(time.perf_counter() - before)
    times.sort()
    print(
        f"get_unit                           median {statistics.median(times) * 1000:.1f} ms,"
        f" p99 {times[int(CALLS * 0.99)] * 1000:.1f} ms"
    )
    register = entry.runtime_data
    before = time.perf_counter()
    found = await register.async_recipients(
        list(register.units), ["tenants", "landlord"]
    )
    print(
        f"recipients of all units            {time.perf_counter() - before:8.3f} s   {len(found)}"
    )
    enabled = [
        row
        for row in er.async_entries_for_config_entry(er.async_get(hass), entry.entry_id)
        if not row.disabled
    ]
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"enabled entities {len(enabled)}, memory at most {memory:.0f} MB")
    await hass.async_stop(force=True)


async def _reload(hass: HomeAssistant, entry: ConfigEntry) -> None:
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()


async def _add_one(
    hass: HomeAssistant, entry: ConfigEntry, show: Callable[[str, float, float], None]
) -> None:
    """Add one more unit through its form."""

    async def add() -> None:
        manager = hass.config_entries.subentries
        flow = await manager.async_init(
            (entry.entry_id, "unit"), context={"source": "user"}
        )
        await manager.async_configure(
            flow["flow_id"], {"building": "new", "number": "1", "landlord": {}}
        )
        await hass.async_block_till_done()

    took, worst, _ = await lags(add())
    show("one more unit by its form", took, worst)


def main() -> None:
    """Run."""
    units = int(sys.argv[1]) if len(sys.argv) > 1 else 2000
    folder = Path(tempfile.mkdtemp(prefix="rental_units_benchmark_"))
    (folder / "custom_components").symlink_to(ROOT / "custom_components")
    (folder / "configuration.yaml").touch()
    try:
        asyncio.run(measure(folder, units))
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
