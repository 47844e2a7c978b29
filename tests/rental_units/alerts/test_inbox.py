"""An alert while the register is away: kept, said to be, and sent when it is back."""

import asyncio
import json
from pathlib import Path
import sqlite3
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.rental_units.alerts import inbox
from custom_components.rental_units.alerts.inbox import DATA_INBOX
from custom_components.rental_units.alerts.ledger import Ledger
from custom_components.rental_units.app.application import Application
from custom_components.rental_units.const import DOMAIN
from homeassistant.config_entries import ConfigEntryState
from homeassistant.core import Context
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.helpers.storage import Store

from .conftest import NUMBERS, House
from .providers import Provider
from .test_database_faults import file_of, only_sqlite

pytestmark = only_sqlite


@pytest.fixture
def hass_storage() -> dict[str, Any]:
    """Let Home Assistant really write its storage."""
    return {}


def lock(file: Path) -> sqlite3.Connection:
    """Hold the database as another program does."""
    connection = sqlite3.connect(file, check_same_thread=False)
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    connection.execute("BEGIN EXCLUSIVE")
    return connection


async def away(house: House) -> sqlite3.Connection:
    """Restart the property while its database is locked, and nobody is known from before."""
    entries, file = house.hass.config_entries, file_of(house)
    assert await entries.async_unload(house.entry.entry_id)
    known = f"{DOMAIN}.{house.entry.entry_id}.last_known"
    await Store[Any](house.hass, 1, known).async_remove()
    held = await house.hass.async_add_executor_job(lock, file)
    await entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done()
    assert house.entry.state is ConfigEntryState.SETUP_RETRY
    return held


async def back(house: House, held: sqlite3.Connection) -> None:
    """Let the database go, and start the property."""
    held.rollback()
    held.close()
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done()
    assert house.entry.state is ConfigEntryState.LOADED
    # A try of Home Assistant's own may have been faster, and this start found its alert
    # begun: then the clock goes on with it.
    await house.tick(1)
    await house.settled()


def numbers(provider: Provider) -> list[str]:
    """Return who was reached."""
    return sorted(item["form"]["To"] for item in provider.heard)


async def test_kept_and_sent(house: House, sms: Provider) -> None:
    """Who asks is told that nobody was; when the register is back, everybody is, once."""
    held = await away(house)
    for _ in range(2):
        with pytest.raises(HomeAssistantError) as said:
            await house.alert(hazard="smoke", alarm_id="a1", audience=["tenants"])
        assert said.value.translation_key == "alert_kept"
        assert "kept" in str(said.value)
    assert sms.heard == []
    await house.tick(60)
    await back(house, held)
    assert numbers(sms) == [NUMBERS["tenant-a"], NUMBERS["tenant-b"]]
    (alert,) = house.engine.alerts.values()
    assert (alert.alarm_id, alert.audiences) == ("a1", ["tenants"])
    assert house.engine.timebase.now() - alert.begun_at < 30
    assert house.hass.data[DATA_INBOX].of(house.entry.entry_id) == []
    await house.restart()
    await house.settled()
    assert len(sms.heard) == 2


async def test_by_unit(house: House, sms: Provider) -> None:
    """A unit that nobody can look up now is found then."""
    held = await away(house)
    with pytest.raises(HomeAssistantError):
        await house.alert(unit_id=[house.units["202"]], audience=["tenants"])
    await back(house, held)
    assert numbers(sms) == [NUMBERS["neighbour"]]


async def test_too_late(house: House, sms: Provider) -> None:
    """What nobody can use any more is not sent; that it was missed is shown."""
    held = await away(house)
    with pytest.raises(HomeAssistantError):
        await house.alert(hazard="smoke")
    await house.tick(5 * 3600)
    await back(house, held)
    assert sms.heard == []
    assert ir.async_get(house.hass).async_get_issue(
        DOMAIN, f"alert_missed_{house.entry.entry_id}"
    )


async def test_who_may_not(house: House, sms: Provider) -> None:
    """Who may not alert gains nothing by asking while nobody can check."""
    held = await away(house)
    user = MockUser().add_to_hass(house.hass)
    with pytest.raises(HomeAssistantError):
        await house.hass.services.async_call(
            DOMAIN,
            "alert",
            {"area_id": house.area_id, "hazard": "smoke"},
            blocking=True,
            context=Context(user_id=user.id),
        )
    await back(house, held)
    assert sms.heard == []
    assert house.engine.alerts == {}


async def test_room_of_a_user(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user pushes nobody's alert out, and is told when their own are not kept."""
    monkeypatch.setattr(inbox, "MOST_KEPT", 3)
    monkeypatch.setattr(inbox, "MOST_OF_USER", 2)
    held = await away(house)
    users = [
        MockUser(is_owner=is_owner).add_to_hass(house.hass)
        for is_owner in (False, False, True)
    ]

    async def said(user: MockUser | None, **data: Any) -> str | None:
        with pytest.raises(HomeAssistantError) as failure:
            await house.hass.services.async_call(
                DOMAIN,
                "alert",
                {"area_id": house.area_id, **data},
                blocking=True,
                context=Context(user_id=user and user.id),
            )
        return failure.value.translation_key

    assert await said(None, hazard="smoke", audience=["tenants"]) == "alert_kept"
    answers = [await said(users[0], hazard="heat") for _ in range(4)]
    assert answers == ["alert_kept"] * 2 + ["alert_not_kept"] * 2
    assert await said(users[1], unit_id=["x" * 200_000]) == "alert_not_kept"
    assert await said(users[1], hazard="heat") == "alert_kept"
    rows = house.hass.data[DATA_INBOX].of(house.entry.entry_id)
    assert [row["user_id"] for row in rows] == [None, *[users[0].id] * 2, users[1].id]
    # Automations and administrators have room for the last ones among themselves.
    assert await said(users[2], hazard="water") == "alert_kept"
    for _ in range(2):
        assert await said(None, hazard="smoke", audience=["tenants"]) == "alert_kept"
    rows = house.hass.data[DATA_INBOX].of(house.entry.entry_id)
    assert [
        row["user_id"]
        for row in rows
        if row["user_id"] not in {users[0].id, users[1].id}
    ] == [users[2].id, None, None]
    await back(house, held)
    assert NUMBERS["tenant-a"] in numbers(sms)
    assert "heat" not in {row.hazard for row in house.engine.alerts.values()}


async def test_no_person_in_the_file(house: House, sms: Provider) -> None:
    """It is private and holds places; a property that is removed takes its own with it."""
    held = await away(house)
    with pytest.raises(HomeAssistantError):
        await house.alert(hazard="smoke")
    file = Path(house.hass.config.path(".storage", "rental_units.inbox"))
    text = await house.hass.async_add_executor_job(file.read_text)
    (row,) = json.loads(text)["data"]
    assert row["data"]["area_id"] == [house.area_id]
    assert not any(number in text for number in NUMBERS.values())
    assert file.stat().st_mode & 0o077 == 0
    held.rollback()
    held.close()
    await house.hass.config_entries.async_remove(house.entry.entry_id)
    assert house.hass.data[DATA_INBOX].of(house.entry.entry_id) == []


async def test_reload_right_after(house: House, sms: Provider) -> None:
    """An alert that has just begun when the property is reloaded goes on, and once."""
    await house.alert(hazard="smoke", alarm_id="a1", audience=["tenants"])
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.tick(1)
    await house.settled()
    assert numbers(sms) == [NUMBERS["tenant-a"], NUMBERS["tenant-b"]]


@pytest.mark.parametrize(
    ("place", "step"), [(Ledger, "async_close"), (Application, "async_start")]
)
async def test_in_the_middle_of_a_reload(
    house: House,
    sms: Provider,
    monkeypatch: pytest.MonkeyPatch,
    place: type,
    step: str,
) -> None:
    """While a property ends or begins an alert is kept, and raised once it is there."""
    reached, go_on = asyncio.Event(), asyncio.Event()
    real = getattr(place, step)

    async def slow(*args: Any) -> None:
        reached.set()
        await go_on.wait()
        await real(*args)

    monkeypatch.setattr(place, step, slow)
    reload = house.hass.async_create_task(
        house.hass.config_entries.async_reload(house.entry.entry_id)
    )
    await reached.wait()
    for target in ({"unit_id": house.units["202"]}, {"area_id": house.area_id}):
        with pytest.raises(HomeAssistantError) as said:
            await house.alert(**target, hazard="smoke", audience=["tenants"])
        assert said.value.translation_key == "alert_kept"
    go_on.set()
    assert await reload
    await house.tick(1)
    await house.settled()
    assert numbers(sms) == sorted(
        NUMBERS[key] for key in ("neighbour", "tenant-a", "tenant-b")
    )
    assert house.hass.data[DATA_INBOX].of(house.entry.entry_id) == []


async def test_gone_while_the_caller_is_looked_up(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A property that is unloaded in that moment gets the alert when it is back."""
    real = Application.async_authorize

    async def slow(self: Application, *args: Any, **named: Any) -> Any:
        found = await real(self, *args, **named)
        assert await house.hass.config_entries.async_unload(house.entry.entry_id)
        return found

    monkeypatch.setattr(Application, "async_authorize", slow)
    with pytest.raises(HomeAssistantError) as said:
        await house.alert(hazard="smoke", audience=["tenants"])
    assert said.value.translation_key == "alert_kept"
    monkeypatch.undo()
    await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.tick(1)
    await house.settled()
    assert numbers(sms) == [NUMBERS["tenant-a"], NUMBERS["tenant-b"]]
