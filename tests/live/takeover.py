"""The core of Home Assistant with a property of before, as a program: it can be killed.

    python -m tests.live.takeover

Each line on the standard input is a list of arguments in JSON, which is done by a process
of its own: a fork of this one, which has imported everything. The answer is how that has
ended, and what it has printed.

    CONFIG_FOLDER UNITS prepare [POSTGRESQL_URL]
    CONFIG_FOLDER UNITS run [KILL]
    CONFIG_FOLDER UNITS show

`prepare` writes the storage of a release of before: a config entry whose units are
subentries, with devices and entities that a person has named, moved, hidden and disabled.
`run` starts the property, and prints what there is then. KILL is `what:number:stores`: the
process kills itself at that call, when these stores alone have come to the disk.
"""

import asyncio
from collections.abc import Callable
import json
import os
from pathlib import Path
import signal
import sys
import traceback
from types import MappingProxyType
from typing import Any

from sqlalchemy import select

from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.const import CONF_URL, DOMAIN
from custom_components.rental_units.register import takeover
from custom_components.rental_units.register.models import Lease, Unit
from homeassistant import bootstrap, config_entries, loader
from homeassistant.auth import auth_manager_from_config
from homeassistant.config_entries import ConfigEntry, ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.json import json_bytes
from homeassistant.helpers.storage import Store
from homeassistant.setup import async_setup_component
from simulator.broker import free_port
from tests.rental_units.before import (
    create_with_subentries,
    engine_of,
    fill_alerts,
    unit,
)

ENTRY_ID = "01placeholder"
#: What the entities of a unit are called, and of which platform they are.
KEYS = (("binary_sensor", "registration"), ("sensor", "tenants"), ("notify", "notify"))


def subentries(units: int) -> list[ConfigSubentry]:
    """Return the units of before."""
    found = []
    for number in range(units):
        row = unit("1", str(number % 4), str(number), rooms=1 + number % 3)
        values = row.as_dict() | {"subentry_id": f"unit{number}"}
        found.append(ConfigSubentry(**{**values, "data": row.data}))
    return found


async def start(folder: Path) -> HomeAssistant:
    """Start Home Assistant's core."""
    hass = HomeAssistant(str(folder))
    hass.config.country = "CN"
    hass.config.skip_pip = True
    loader.async_setup(hass)
    hass.config_entries = config_entries.ConfigEntries(hass, {})
    await bootstrap.async_load_base_functionality(hass)
    hass.auth = await auth_manager_from_config(hass, [], [])
    await hass.config_entries.async_initialize()
    return hass


def stores(hass: HomeAssistant) -> dict[str, tuple[Store[Any], Callable[[], Any]]]:
    """Return the stores that are written later than they change."""
    owners: dict[str, Any] = {
        "entries": hass.config_entries,
        "devices": dr.async_get(hass),
        "entities": er.async_get(hass),
    }
    return {key: (row._store, row._data_to_save) for key, row in owners.items()}


def flush(hass: HomeAssistant, names: str) -> None:
    """Write stores as they are now."""
    for name in filter(None, names.split(",")):
        store, data = stores(hass)[name]
        whole = {
            "version": store.version,
            "minor_version": store.minor_version,
            "key": store.key,
            "data": data(),
        }
        path = Path(store.path)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(json_bytes(whole))


async def prepare(folder: Path, units: int, url: str | None) -> None:
    """Write what a release of before has left."""
    hass = await start(folder)
    rows = subentries(units)
    entry = ConfigEntry(
        data={CONF_URL: url} if url else {},
        discovery_keys=MappingProxyType({}),
        domain=DOMAIN,
        entry_id=ENTRY_ID,
        minor_version=1,
        options={},
        source="user",
        subentries_data=[{**row.as_dict(), "data": dict(row.data)} for row in rows],  # type: ignore[typeddict-item]
        title="Property 1",
        unique_id="property 1",
        version=1,
    )
    # Not set up: the release of today would take it over.
    hass.config_entries._entries[entry.entry_id] = entry
    devices, entities = dr.async_get(hass), er.async_get(hass)
    area = ar.async_get(hass).async_create("Placeholder area")
    for number, row in enumerate(rows):
        device = devices.async_get_or_create(
            config_entry_id=ENTRY_ID,
            config_subentry_id=row.subentry_id,
            identifiers={(DOMAIN, row.subentry_id)},
            name=row.title,
        )
        devices.async_update_device(
            device.id,
            area_id=area.id if number % 2 else None,
            labels={"label"} if number % 3 else set(),
            name_by_user=f"Named {number}" if number % 5 == 0 else None,
        )
        for platform, key in KEYS:
            entity = entities.async_get_or_create(
                platform,
                DOMAIN,
                f"{row.subentry_id}_{key}",
                config_entry=entry,
                config_subentry_id=row.subentry_id,
                device_id=device.id,
                disabled_by=er.RegistryEntryDisabler.USER if number % 4 == 1 else None,
                hidden_by=er.RegistryEntryHider.USER if number % 4 == 2 else None,
                suggested_object_id=f"old_{number}_{key}",
            )
            entities.async_update_entity(
                entity.entity_id,
                area_id=area.id if number % 8 == 4 else None,
                labels={"label"} if number % 2 else set(),
                name=f"Mine {number}" if number % 4 == 0 else None,
            )
    engine = engine_of(dict(entry.data), folder / f"{DOMAIN}_{ENTRY_ID}.db", ENTRY_ID)
    with engine.begin() as connection:
        create_with_subentries(connection, rows)
        fill_alerts(connection, [row.subentry_id for row in rows])
    engine.dispose()
    flush(hass, "entries,devices,entities")
    await hass.async_stop(force=True)


def kill_at(hass: HomeAssistant, what: str, number: int, names: str) -> None:
    """Kill this process at a call, once it is done."""
    owner, name = {
        "rows": (takeover, "async_let_go"),
        "entity": (er.EntityRegistry, "async_update_entity"),
        "device": (dr.DeviceRegistry, "async_update_device"),
        "subentry": (config_entries.ConfigEntries, "async_remove_subentry"),
    }[what]
    call, count = getattr(owner, name), 0

    def deadly(*args: Any, **values: Any) -> Any:
        nonlocal count
        count += 1
        result = None if what == "rows" else call(*args, **values)
        if count == number:
            flush(hass, names)
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, deadly)


async def run(folder: Path, kill: str) -> None:
    """Start the property, and print what there is."""
    hass = await start(folder)
    if kill:
        what, number, names = kill.split(":")
        kill_at(hass, what, int(number), names)
    await async_setup_component(hass, "http", {"http": {"server_port": free_port()}})
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    (entry,) = hass.config_entries.async_entries(DOMAIN)
    register = entry.runtime_data

    def read(session: Any) -> list[Any]:
        return [
            [
                row.id,
                row.unit_key,
                row.rooms,
                row.address,
                row.removed_at,
                row.is_mirror,
            ]
            for row in session.scalars(select(Unit).order_by(Unit.id))
        ] + sorted(session.scalars(select(Lease.unit_id + ":" + Lease.person_id)))

    def alerts(session: Any) -> list[str]:
        return sorted(
            f"{row.id} {row.unit_ids}" for row in session.scalars(select(Alert))
        )

    print(  # noqa: T201
        json.dumps(
            {
                "units": await register.async_run(read),
                "alerts": await register.async_run(alerts),
                "known": sorted(register.units),
                "subentries": sorted(entry.subentries),
                "version": [entry.version, entry.minor_version],
                **registries(hass),
            }
        )
    )
    flush(hass, "entries,devices,entities")
    await hass.async_stop(force=True)


def registries(hass: HomeAssistant) -> dict[str, Any]:
    """Return what a person has made of devices and entities, by their ids."""
    devices = dr.async_entries_for_config_entry(dr.async_get(hass), ENTRY_ID)
    entities = er.async_entries_for_config_entry(er.async_get(hass), ENTRY_ID)
    return {
        "devices": {
            row.id: [
                sorted(key for _, key, *_ in row.identifiers),
                *(row.name, row.name_by_user, row.area_id, sorted(row.labels)),
            ]
            for row in devices
        },
        "entities": {
            row.unique_id: [
                *(row.id, row.entity_id, row.device_id, row.name, row.area_id),
                *(row.disabled_by, row.hidden_by, sorted(row.labels)),
            ]
            for row in entities
        },
        "linked": sorted(
            filter(
                None,
                [row.config_subentry_id for row in devices]
                + [row.config_subentry_id for row in entities],
            )
        ),
    }


async def main(folder: str, units: str, what: str, more: str = "") -> None:
    """Prepare or run."""
    if what == "prepare":
        await prepare(Path(folder), int(units), more or None)
    elif what == "show":
        hass = await start(Path(folder))
        print(json.dumps(registries(hass)))  # noqa: T201
        await hass.async_stop(force=True)
    else:
        await run(Path(folder), more)


def serve() -> None:
    """Do what each line asks."""
    for line in sys.stdin:
        reading, writing = os.pipe()
        if (child := os.fork()) == 0:
            os.dup2(writing, sys.stdout.fileno())
            try:
                asyncio.run(main(*json.loads(line)))
                sys.stdout.flush()
            except BaseException:  # noqa: BLE001
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as output:
            printed = output.read()
        _, status = os.waitpid(child, 0)
        print(json.dumps([os.waitstatus_to_exitcode(status), printed]), flush=True)  # noqa: T201


if __name__ == "__main__":
    serve()
