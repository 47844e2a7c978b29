"""A whole Home Assistant with one property and one door controller, started as a program: it can be killed.

    python -m tests.live.doors CONFIG_FOLDER BOARD_SERIAL BOARD_ADDRESS EVENT_PORT

It says `set up`, and then does what it is told, a line each: `arrive NUMBER` lets somebody
live in the one flat, with a card, and `leave` lets them go.
"""

import asyncio
import sys
from types import MappingProxyType
from typing import Any

from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant import bootstrap, runner
from homeassistant.config_entries import ConfigEntry, ConfigSubentryDataWithId
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import device_registry as dr

REGISTER, SAFETY = "rental_units", "community_safety"
BOARD = "uhppote/live"


async def main(folder: str, serial: str, address: str, event_port: int) -> None:
    """Run until killed."""
    hass = await bootstrap.async_setup_hass(
        runner.RuntimeConfig(config_dir=folder, skip_pip=True)
    )
    assert isinstance(hass, HomeAssistant)
    is_first = not hass.config_entries.async_entries(REGISTER)
    if is_first:
        await hass.auth.async_create_user("Desk", group_ids=["system-admin"])
        boards = {"boards": {serial: address}}
        data = {"dialect": "uhppote", "protocol": "udp", "event_port": event_port}
        await hass.config_entries.async_add(
            entry_of(SAFETY, BOARD, data | boards, minor_version=2)
        )
        await hass.config_entries.async_add(property_entry())
    running = asyncio.create_task(hass.async_run())
    await hass.async_block_till_done()
    house = House(hass)
    if is_first:
        await house.assign(serial)
    lines = asyncio.StreamReader()
    await hass.loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )

    async def obey() -> None:
        while line := (await lines.readline()).decode().split():
            await (house.arrive(line[1]) if line[0] == "arrive" else house.leave())

    obeying = asyncio.create_task(obey())
    print("set up", flush=True)  # noqa: T201
    await running
    obeying.cancel()


class House:
    """What somebody at the desk does."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        (self._entry,) = hass.config_entries.async_entries(REGISTER)

    async def _call(self, action: str, **data: Any) -> Any:
        users = await self._hass.auth.async_get_users()
        (user,) = (row for row in users if row.name == "Desk")
        return await self._hass.services.async_call(
            REGISTER,
            action,
            data,
            blocking=True,
            return_response=True,
            context=Context(user_id=user.id),
        )

    async def assign(self, serial: str) -> None:
        """Let the door of the board open for everybody, once the board is there."""
        while (device_id := self._board(serial)) is None:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        await self._call(
            "assign_door",
            config_entry_id=self._entry.entry_id,
            device_id=device_id,
            door="1",
        )

    def _board(self, serial: str) -> str | None:
        found = self._hass.data[DATA_HOUSE].device(f"{BOARD}/{serial}")
        return found[1].device_id if found and found[1].available else None

    @property
    def _flat(self) -> str:
        devices = dr.async_entries_for_config_entry(
            dr.async_get(self._hass), self._entry.entry_id
        )
        (flat,) = (row.id for row in devices if row.name == "1-201")
        return flat

    async def arrive(self, number: str) -> None:
        """Let somebody live there, with a card."""
        answer = await self._call("check_in", device_id=self._flat, name="Placeholder")
        person_id = answer["person_id"]
        await self._call("issue_card", person_id=person_id, card_number=number)

    async def leave(self) -> None:
        """Let whoever lives there go."""
        await self._call("check_out", device_id=self._flat)


def property_entry() -> ConfigEntry:
    """Return that of a property with one flat; its id is always the same, as its database's is."""
    flat = ConfigSubentryDataWithId(
        data={"building": "1", "number": "201"},
        subentry_id="unit201",
        subentry_type="unit",
        title="1-201",
        unique_id="1//201",
    )
    return entry_of(
        REGISTER, "property 1", {}, entry_id="01placeholder", subentries_data=[flat]
    )


def entry_of(
    domain: str, unique_id: str, data: dict[str, Any], **more: Any
) -> ConfigEntry:
    """Return an entry."""
    about: dict[str, Any] = {
        "entry_id": f"01{domain}",
        "version": 1,
        "minor_version": 1,
        "subentries_data": [],
    }
    return ConfigEntry(
        data=data,
        discovery_keys=MappingProxyType({}),
        domain=domain,
        options={},
        source="user",
        title=unique_id,
        unique_id=unique_id,
        **{**about, **more},
    )


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))
