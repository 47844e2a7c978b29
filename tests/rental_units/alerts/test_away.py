"""A start without the database: people are told as they were last known."""

from contextlib import closing
import json
import sqlite3
from typing import Any

import pytest

from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.last_known import LastKnown
from custom_components.rental_units.register.property import LOOK_SECONDS
from custom_components.rental_units.storage import engine as engine_module
from custom_components.rental_units.storage.vault import Keys
from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.rental_units.common import call as act

from .conftest import NUMBERS, House
from .providers import Provider

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@pytest.fixture
def locked(house: House, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return another program that can hold the file; nobody waits for it."""
    monkeypatch.setattr(engine_module, "BUSY_SECONDS", 0)
    path = house.entry.runtime_data.database.path
    with closing(sqlite3.connect(path, autocommit=True)) as other:
        yield other


async def reload(house: House) -> None:
    """Stop and start the property."""
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done()


def issue(house: House) -> ir.IssueEntry | None:
    """Return the issue that says so."""
    issues = ir.async_get(house.hass)
    return issues.async_get_issue(DOMAIN, f"register_away_{house.entry.entry_id}")


async def test_alert_while_the_database_is_locked(
    house: House, sms: Provider, locked: sqlite3.Connection
) -> None:
    """All are told, nothing is invented, and it is on disk when the database is back."""
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    locked.execute("BEGIN EXCLUSIVE")
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.hass.async_block_till_done()
    found = issue(house)
    assert found
    assert found.translation_placeholders
    assert "in use by another program" in found.translation_placeholders["error"]
    # What is not known is not claimed.
    states = er.async_get(house.hass)
    entity_id = states.async_get_entity_id(
        "binary_sensor", DOMAIN, f"{house.units['201']}_registration"
    )
    state = house.hass.states.get(entity_id or "")
    assert state
    assert state.state == "unknown"
    register = house.entry.runtime_data
    assert register.blind

    await house.alert(hazard="smoke", alarm_id="alarm-1")
    await house.until(lambda: len(sms.heard) == len(NUMBERS))
    told = {item["form"]["To"] for item in sms.heard}
    assert told == set(NUMBERS.values())
    await house.tick(LOOK_SECONDS)
    assert house.entry.runtime_data is register

    locked.execute("ROLLBACK")
    await house.tick(LOOK_SECONDS)
    await house.until(lambda: house.entry.runtime_data is not register)
    await house.hass.async_block_till_done()
    assert issue(house) is None
    # The alert of the time without a database goes on, and nobody is told it twice.
    (alert,) = house.engine.alerts.values()
    assert alert.alarm_id == "alarm-1"
    await house.settled()
    rows = await house.stored()
    assert {key for key, row in rows.items() if row.state == "sent"} >= {
        f"{key}-sms" for key in NUMBERS
    }
    assert len(sms.heard) == len(NUMBERS)


async def test_what_waits_is_not_lost_by_it(
    house: House, sms: Provider, locked: sqlite3.Connection
) -> None:
    """Rows that an earlier run could not write survive a start that cannot either."""
    locked.execute("BEGIN EXCLUSIVE")
    first = await house.alert(hazard="smoke", alarm_id="alarm-1")
    await house.until(lambda: len(sms.heard) == len(NUMBERS))
    await reload(house)
    assert house.entry.runtime_data.blind
    second = await house.alert(hazard="heat", alarm_id="alarm-2")
    await house.until(lambda: len(sms.heard) == 2 * len(NUMBERS))
    locked.execute("ROLLBACK")
    await reload(house)
    assert set(house.engine.alerts) == {first, second}


async def test_erased_is_forgotten_in_the_file(
    house: House, hass_storage: dict[str, Any]
) -> None:
    """The file is encrypted, and follows an erasure at once."""
    key = f"{DOMAIN}.{house.entry.entry_id}.last_known"
    keys = Keys(house.hass, house.entry.entry_id)
    await keys.async_load()
    await house.entry.runtime_data.async_refresh()
    await house.entry.runtime_data.phonebook.async_learn()
    await house.entry.runtime_data.last_known.async_save()
    file = LastKnown(house.hass, house.entry.entry_id, keys)
    by_unit, responders = await file.async_load()
    names = {row.name for rows in by_unit.values() for row in rows}
    assert "Placeholder tenant-a" in names
    assert [row.person_id for row in responders.values()] == ["fire-post"]
    whole = json.dumps(hass_storage[key])
    assert "Placeholder" not in whole
    assert NUMBERS["tenant-a"] not in whole

    await act(house.hass, "erase_person", {"person_id": "tenant-a"})
    by_unit, _ = await LastKnown(house.hass, house.entry.entry_id, keys).async_load()
    names = {row.name for rows in by_unit.values() for row in rows}
    assert "Placeholder tenant-a" not in names
    assert "Placeholder tenant-b" in names

    # Without its key nobody is known, and that is no failure of the start.
    await keys.async_remove()
    other = Keys(house.hass, house.entry.entry_id)
    await other.async_load()
    lost = LastKnown(house.hass, house.entry.entry_id, other)
    assert await lost.async_load() == ({}, {})
    # With the property, the files go.
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    assert not [name for name in hass_storage if house.entry.entry_id in name]


async def test_erased_person_gets_no_queued_message(
    house: House, sms: Provider
) -> None:
    """What waits for the carrier is not sent to somebody who was erased meanwhile."""
    await sms.stop()
    await house.alert(hazard="smoke")
    await house.settled()
    erase = {"person_id": "tenant-a", "even_in_alert": True}
    await act(house.hass, "erase_person", erase)
    await sms.start()
    await house.tick(5)
    await house.settled()
    told = {item["form"]["To"] for item in sms.heard}
    assert NUMBERS["tenant-a"] not in told
    assert NUMBERS["tenant-b"] in told
    rows = await house.stored()
    assert rows["tenant-a-sms"].reason == "erased"


async def test_nobody_known(house: House, locked: sqlite3.Connection) -> None:
    """Without anybody to tell the start waits, and an alert says why."""
    register = house.entry.runtime_data
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    await register.last_known.async_remove()
    locked.execute("BEGIN EXCLUSIVE")
    await house.hass.config_entries.async_setup(house.entry.entry_id)
    assert house.entry.state is ConfigEntryState.SETUP_RETRY
    with pytest.raises(HomeAssistantError) as failure:
        await house.alert(hazard="smoke")
    assert failure.value.translation_key == "alert_kept"
    locked.execute("ROLLBACK")
