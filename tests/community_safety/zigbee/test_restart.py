"""What a restart, or a crash, must not change."""

from contextlib import closing
import sqlite3

from pytest_homeassistant_custom_component.common import MockConfigEntry
from zigpy.appdb import DB_V

from custom_components.community_safety.gateways.zigbee import database_path
from homeassistant.const import EVENT_HOMEASSISTANT_STOP
from homeassistant.core import HomeAssistant
from simulator.ezsp import EzspSimulator
from tests.common import wait_until

from .test_network import join


async def test_end_of_home_assistant(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """The radio is closed and everything written, though nothing is unloaded at the end."""
    await join(hass, gateway, radio, "breaker")
    hass.bus.async_fire(EVENT_HOMEASSISTANT_STOP)
    await hass.async_block_till_done()
    await wait_until(hass, lambda: radio._connection is None)
    path = database_path(hass, gateway)
    assert not path.with_name(f"{path.name}-wal").exists()
    with closing(sqlite3.connect(path)) as database:
        rows = database.execute(
            f"SELECT value FROM attributes_cache{DB_V} WHERE cluster_id = 1794"  # noqa: S608
            " AND attr_id = 770 AND status = 0"
        ).fetchall()
    assert rows == [(1000,)]


async def test_scale_that_was_lost(
    hass: HomeAssistant, gateway: MockConfigEntry, radio: EzspSimulator
) -> None:
    """Without its scale no value is taken: it is read anew first."""
    address = await join(hass, gateway, radio, "breaker")
    await hass.config_entries.async_unload(gateway.entry_id)
    with closing(sqlite3.connect(database_path(hass, gateway))) as database:
        database.execute(
            f"DELETE FROM attributes_cache{DB_V} WHERE cluster_id IN (1794, 2820)"  # noqa: S608
        )
        database.commit()
    await hass.config_entries.async_setup(gateway.entry_id)
    device = gateway.runtime_data.devices[address]
    heard: list[float] = []
    device.listen(
        ("current", "energy"),
        lambda: heard.extend(
            device.readings[key]
            for key in ("current", "energy")
            if key in device.readings
        ),
    )
    await wait_until(hass, lambda: {"current", "energy"} <= device.readings.keys())
    assert max(heard) < 10_000
    assert device.readings["current"] < 20
