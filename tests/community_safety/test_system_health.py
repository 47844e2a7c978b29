"""Figures on the system health page, and the alarm book in a backup."""

from pathlib import Path
import shutil
import sqlite3

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    get_system_health_info,
)

from custom_components.community_safety.backup import (
    async_post_backup,
    async_pre_backup,
)
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, add_gateway, wait_until


async def test_figures(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Gateways, devices and open alarms are counted over the whole house."""
    assert await async_setup_component(hass, "system_health", {})
    await add_gateway(hass, "community_safety/silent")
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "tamper"])
    await peer.state("smoke-1", smoke=True, tamper=True)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: len(book.open) == 2)

    assert await get_system_health_info(hass, DOMAIN) == {
        "gateways": "1/2",
        "devices": 1,
        "alarms": 1,
        "warnings": 0,
        "faults": 1,
        "storage": "ok",
    }


async def test_backup_holds_everything(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, tmp_path: Path
) -> None:
    """The file alone, as a backup takes it, has the alarm."""
    storage = hass.data[DATA_HOUSE].storage
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: not storage.is_busy)

    await async_pre_backup(hass)
    copy = shutil.copy(storage.path, tmp_path / "copy.db")
    await async_post_backup(hass)

    with sqlite3.connect(copy) as database:
        rows = database.execute("SELECT data FROM alarms").fetchall()
    assert f"mqtt/{BASE}/smoke-1" in rows[0][0]


async def test_backup_goes_on_without_the_alarm_book(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A damaged alarm book does not end the backup of everything else."""
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    await storage._async_run(storage._close)
    await hass.async_add_executor_job(storage.path.write_bytes, b"no database" * 1000)

    await async_pre_backup(hass)

    assert "could not be prepared for the backup" in caplog.text
