"""A start without the database: people are told as they were last known."""

import asyncio
from contextlib import closing
from http import HTTPStatus
import json
import logging
import sqlite3
from typing import Any
from unittest.mock import AsyncMock, patch

import pytest
from pytest_homeassistant_custom_component.common import MockUser

from custom_components.rental_units.alerts.channels.twilio import sign
from custom_components.rental_units.alerts.const import Severity
from custom_components.rental_units.alerts.manager import DATA_PRESSED
from custom_components.rental_units.alerts.pressed import DELAY_SECONDS, Pressed
from custom_components.rental_units.alerts.texts import texts
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.last_known import LastKnown
from custom_components.rental_units.register.property import LOOK_SECONDS
from custom_components.rental_units.storage import engine as engine_module
from custom_components.rental_units.storage.engine import Database
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import Keys
from homeassistant.config_entries import ConfigEntryState
from homeassistant.exceptions import HomeAssistantError, Unauthorized
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account, call as act, without_database

from .conftest import NUMBERS, House
from .providers import ALIBABA_OK, Provider
from .test_channels import ALIBABA
from .test_proofs import Add, press, pushed
from .test_reports import TOKEN, report

__all__ = ["pushed"]

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
    house: House,
    sms: Provider,
    locked: sqlite3.Connection,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """All are told, nothing is invented, and it is on disk when the database is back."""
    caplog.set_level(logging.INFO)
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    locked.execute("BEGIN EXCLUSIVE")
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await house.hass.async_block_till_done()
    found = issue(house)
    assert found
    assert found.translation_placeholders
    assert "in use by another program" in found.translation_placeholders["error"]
    # What is not known is not claimed: neither that all is registered, nor that none has failed.
    for domain, key in (
        ("binary_sensor", f"{house.units['201']}_registration"),
        ("sensor", f"{house.entry.entry_id}_failing_addresses"),
    ):
        entity_id = er.async_get(house.hass).async_get_entity_id(domain, DOMAIN, key)
        state = house.hass.states.get(entity_id or "")
        assert state
        assert state.state == "unavailable"
    register = house.entry.runtime_data
    assert register.blind
    assert house.fault() == "on"

    await house.alert(hazard="smoke", alarm_id="alarm-1")
    await house.until(lambda: len(sms.heard) == len(NUMBERS))
    told = {item["form"]["To"] for item in sms.heard}
    assert told == set(NUMBERS.values())
    await house.tick(LOOK_SECONDS)
    assert house.entry.runtime_data is register
    back = "The database of the register is back"
    assert back not in caplog.text

    locked.execute("ROLLBACK")
    # Its answer may take longer than until it is asked again.
    now = dt_util.utcnow()
    await asyncio.gather(register._async_look(now), register._async_look(now))
    await house.until(lambda: house.entry.runtime_data is not register)
    assert caplog.text.count(back) == 1
    await house.hass.async_block_till_done()
    assert issue(house) is None
    assert house.fault() == "off"
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


async def test_link_while_the_database_is_away(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """Who asks for help by a link of before is not told that it is over."""
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.settled()
    link = f"/api/r/{next(iter(house.engine.dispatcher.by_token))}"
    client = await hass_client_no_auth()
    async with without_database(house.hass, house.entry):
        for answer in (
            await client.get(link),
            await client.post(link, data={"answer": "need_help"}),
        ):
            assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
            assert texts("en")["page"]["later"] in await answer.text()
    await house.hass.config_entries.async_unload(house.entry.entry_id)
    answer = await client.get(link)
    assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert await house.hass.config_entries.async_setup(house.entry.entry_id)
    await client.post(link, data={"answer": "need_help"})
    assert house.kinds()[-1] == "need_help"
    # Where all is known, what nobody knows is nothing.
    assert (await client.get("/api/r/nothing")).status == HTTPStatus.GONE


async def test_button_while_the_database_is_away(
    house: House, pushed: dict[str, Any], hass_admin_user: MockUser
) -> None:
    """A call for help that is pressed meanwhile is taken once it is known for what."""
    action = pushed["actions"][2]["action"]
    async with without_database(house.hass, house.entry):
        assert await press(house, action, "somebody else") == []
        assert await press(house, action, hass_admin_user.id) == []
    await house.settled()
    assert house.kinds()[1:] == ["answered", "need_help"]
    # Once.
    await house.restart()
    await house.settled()
    assert house.kinds()[1:] == ["answered", "need_help"]


async def test_button_before_a_restart(
    house: House,
    pushed: dict[str, Any],
    hass_admin_user: MockUser,
    hass_storage: dict[str, Any],
) -> None:
    """Home Assistant may end while the database is away: what was pressed is on disk."""
    action = pushed["actions"][2]["action"]
    async with without_database(house.hass, house.entry):
        assert await press(house, action, hass_admin_user.id) == []
        # What cannot be of a button is no news to be kept.
        await press(house, f"{action}{'x' * 99_999}", hass_admin_user.id)
        await press(house, action.replace("_need", f"{'x' * 99_999}_need"), None)
        await house.tick(DELAY_SECONDS + 1)
        kept = hass_storage[f"{DOMAIN}.pressed"]["data"]
        assert kept == [[action, hass_admin_user.id]]
        # Another process: nothing is in memory.
        house.hass.data[DATA_PRESSED].take()
        hass_storage[f"{DOMAIN}.pressed"]["data"] = kept
        house.hass.data[DATA_PRESSED] = Pressed(house.hass)
        await house.hass.data[DATA_PRESSED].async_load()
    await house.settled()
    assert house.kinds()[1:] == ["answered", "need_help"]
    await house.tick(DELAY_SECONDS + 1)
    assert hass_storage[f"{DOMAIN}.pressed"]["data"] == []


async def test_refused(house: House, sms: Provider) -> None:
    """A password that was changed at the server is asked for, and people are told meanwhile."""
    hass, entry = house.hass, house.entry
    with patch.object(
        Database, "async_open", side_effect=RegisterError("register_refused")
    ) as opened:
        assert await hass.config_entries.async_reload(entry.entry_id)
        await hass.async_block_till_done()
        assert entry.state is ConfigEntryState.LOADED
        (flow,) = hass.config_entries.flow.async_progress()
        assert flow["context"]["source"] == "reauth"
        await house.alert(hazard="smoke")
        await house.until(lambda: len(sms.heard) == len(NUMBERS))
        found = issue(house)
        assert found
        assert found.translation_placeholders
        assert "refuses this user" in found.translation_placeholders["error"]
        # Asked again and again it might lock its user out.
        await house.tick(LOOK_SECONDS + 1)
        assert opened.call_count == 1
    await reload(house)
    await house.settled()
    assert issue(house) is None
    assert len(sms.heard) == len(NUMBERS)


async def test_key_while_the_database_is_away(
    house: House, call: Provider, hass_client_no_auth: Any
) -> None:
    """Who presses a key hears that nobody has heard them."""
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.settled()
    callback = call.heard[0]["form"]["StatusCallback"]
    client = await hass_client_no_auth()
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "3"}
    path = callback.removeprefix("https://house.example")
    headers = {"X-Twilio-Signature": sign(TOKEN, callback, form)}
    async with without_database(house.hass, house.entry):
        answer = await client.post(path, data=form, headers=headers)
        assert texts("en")["page"]["later"] in await answer.text()
        # What is no key is not answered.
        answer = await client.post(path, data={"CallStatus": "completed"})
        assert "Say" not in await answer.text()
    await report(house, client, callback, **form)
    assert "need_help" in house.kinds()


async def test_report_while_the_database_is_away(
    house: House, add_provider: Add, hass_client_no_auth: Any
) -> None:
    """A provider reports a key again that could not be taken."""
    provider = await add_provider(ALIBABA_OK)
    house.options(channels={"call": {**ALIBABA, "url": provider.url}})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    (row,) = (await house.stored()).values()
    client = await hass_client_no_auth()
    path = house.engine.links.report_url().removeprefix("https://house.example")
    body = [{"out_id": row.id[:15], "status_code": "200000", "dtmf": "3"}]
    async with without_database(house.hass, house.entry):
        answer = await client.post(path, json=body)
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
    assert (await client.post(path, json=body)).status == HTTPStatus.OK
    assert "need_help" in house.kinds()
    # Where all is known, a report about nothing is answered: it would come for ever.
    body[0]["out_id"] = "nothing"
    assert (await client.post(path, json=body)).status == HTTPStatus.OK


async def test_people_that_cannot_be_counted(house: House, sms: Provider) -> None:
    """Who goes in is not told that nobody lives there, only because nobody could count."""
    async with without_database(house.hass, house.entry):
        await house.alert(hazard="smoke")
        await house.until(lambda: len(sms.heard) == len(NUMBERS))
        told = str([item["form"]["Body"] for item in sms.heard])
        assert texts("en")["facts"]["nobody"] not in told
        assert "People living there" not in told
    await house.alert(hazard="smoke", unit_id=house.units["203"])
    await house.settled()
    assert texts("en")["facts"]["nobody"] in str(
        [row["form"]["Body"] for row in sms.heard]
    )


async def test_alert_by_who_is_known(house: House, sms: Provider) -> None:
    """A duty officer alerts as their role was last known, a guest as little as before."""
    duty = await account(house.hass, house.entry, "duty")
    guest = await account(house.hass, house.entry, "user")
    data = {"unit_id": house.units["201"], "hazard": "smoke"}
    async with without_database(house.hass, house.entry):
        with pytest.raises(Unauthorized):
            await act(house.hass, "alert", data, user=guest)
        await act(house.hass, "alert", data, user=duty)
        await house.until(lambda: len(sms.heard) == len(NUMBERS))
    await house.settled()
    (alert,) = house.engine.alerts.values()
    assert alert.who == duty.id
    assert len(sms.heard) == len(NUMBERS)


async def test_alert_by_who_cannot_be_looked_up(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A duty officer's alert waits until it is known what they may; a guest's ends there."""
    duty = await account(house.hass, house.entry, "duty")
    guest = await account(house.hass, house.entry, "user")
    data = {"unit_id": house.units["201"], "hazard": "smoke"}
    # The file of a release that kept no roles in it.
    monkeypatch.setattr(LastKnown, "async_load_grants", AsyncMock(return_value=None))
    async with without_database(house.hass, house.entry):
        for user in (duty, guest):
            with pytest.raises(HomeAssistantError) as failure:
                await act(house.hass, "alert", data, user=user)
            assert failure.value.translation_key == "alert_kept"
        assert sms.heard == []
    await house.settled()
    (alert,) = house.engine.alerts.values()
    assert (alert.who, alert.severity) == (duty.id, Severity.ALARM)
    assert len(sms.heard) == len(NUMBERS)
