"""Who is told: the interface that alerts build on, on each database."""

import asyncio
from collections import Counter
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from custom_components.rental_units import async_remove_config_entry_device, entity
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.units import AddUnit, RemoveUnit
from custom_components.rental_units.const import DOMAIN, PLATFORMS
from custom_components.rental_units.forms import current_user
from custom_components.rental_units.register import Audience, queries
from custom_components.rental_units.register.models import (
    Audit,
    Person,
    Responder,
    Unit,
)
from custom_components.rental_units.register.people import Contact
from custom_components.rental_units.register.property import BATCH, CATCH_UP_SECONDS
from custom_components.rental_units.storage import events
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.config_entries import ConfigEntryState
from homeassistant.const import EVENT_STATE_CHANGED, STATE_UNAVAILABLE
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.event import (
    EventStateChangedData,
    async_track_state_change_event,
)
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import (
    E164,
    OTHER_PHONE,
    PHONE,
    account,
    add_unit,
    call,
    check_in,
    device_id,
    unit_id,
)


def tenants(entry: MockConfigEntry, title: str) -> int:
    """Return how many tenants are in a unit, which no state tells."""
    summaries = entry.runtime_data.summaries
    count: int = summaries[unit_id(entry, title)].tenants
    return count


async def test_recipients(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Tenants, landlord and neighbours are who they are to the unit that burns."""
    register = entry.runtime_data
    await check_in(hass, entry, "1-1-101")
    await check_in(hass, entry, "1-1-101", name="MARK-LANDLORD", role="landlord")
    await check_in(hass, entry, "1-1-102", name="MARK-NAME-2", phone=OTHER_PHONE)
    await check_in(hass, entry, "1-2-101", name="MARK-NAME-3", phone=OTHER_PHONE)
    units = register.units_of_area("area_101")

    found = await register.async_recipients(
        units, [Audience.TENANTS, Audience.LANDLORD, Audience.NEIGHBOURS]
    )

    assert units == [unit_id(entry, "1-1-101")]
    assert sorted((row.role, row.name) for row in found) == [
        ("landlord", "MARK-LANDLORD"),
        ("neighbour", "MARK-NAME-2"),
        ("tenant", "MARK-NAME-1"),
    ]
    tenant = next(row for row in found if row.role == "tenant")
    assert {(row.channel, row.target) for row in tenant.addresses} == {
        ("sms", E164),
        ("call", E164),
    }
    assert "MARK" not in repr(tenant)
    assert E164 not in repr(tenant)
    assert PHONE not in repr(Contact(name="MARK-NAME-1", phone=E164))
    assert await register.async_recipients(["unknown"], list(Audience)) == []


async def test_a_changed_address_is_news(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Whichever way it comes, it is remembered in each unit of its person, and told."""
    register = entry.runtime_data
    units = [unit_id(entry, title) for title in ("1-1-101", "1-1-102")]
    mail = "mark@example.com"
    person = await check_in(hass, entry, "1-1-101", email=mail)
    await check_in(hass, entry, "1-1-102", name=None, phone=None, person_id=person)
    other = await check_in(hass, entry, "1-2-101", name="MARK-2", phone=OTHER_PHONE)
    await register.async_run(lambda session: events.join(session, ["cards"]))

    async def told() -> list[tuple[str, str | None]]:
        rows = await register.async_run(
            lambda session: list(events.unheard(session, "cards"))
        )
        newest = rows[-1].number if rows else 0
        await register.async_run(partial(events.heard, listener="cards", number=newest))
        return sorted((row.kind, row.unit_id) for row in rows)

    def numbers() -> set[str]:
        people = register.phonebook.last_known(units, [Audience.TENANTS])
        assert {row.unit_id for row in people} == {*units}
        found = {address.target for row in people for address in row.addresses}
        return found - {mail}

    assert numbers() == {E164}
    # The same once more: who is there already is known by the other address.
    await check_in(hass, entry, "1-1-101", email=mail, phone="13800138003")
    assert numbers() == {"+8613800138003"}
    changed = sorted(("person_changed", key) for key in units)
    assert await told() == changed
    contact = {"name": "MARK-NAME-1", "email": mail, "phone": "13800138004"}
    consent = {"person_id": other, "scope": "photos", "contacts": [contact]}
    await call(hass, "give_consent", consent)
    assert numbers() == {"+8613800138004"}
    assert await told() == sorted(
        [*changed, ("consent_given", unit_id(entry, "1-2-101"))]
    )
    # What is known already is no news.
    data = {"person_id": person, "phone": "13800138004"}
    await call(hass, "update_contact", data)
    assert await told() == []


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_changed_while_all_are_learned(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read of all before somebody was erased is not remembered after it."""
    register, unit = entry.runtime_data, unit_id(entry, "1-1-101")
    await check_in(hass, entry, "1-1-101")
    book, read, begun = register.phonebook, register.async_read, list[bool]()
    has_read, goes_on = asyncio.Event(), asyncio.Event()

    async def slow(work: Any, *, long: bool = False) -> Any:
        begun.append(long)
        found = await read(work, long=long)
        if long:
            has_read.set()
            await goes_on.wait()
        return found

    monkeypatch.setattr(register, "async_read", slow)
    all_of_them = hass.async_create_task(book.async_learn())
    await has_read.wait()
    await register.async_run(lambda session: session.execute(delete(Person)))
    one = hass.async_create_task(book.async_learn([unit]))
    for _ in range(5):
        await asyncio.sleep(0)
    assert begun == [True]
    goes_on.set()
    await asyncio.gather(all_of_them, one)
    assert book.last_known([unit], [Audience.TENANTS]) == []


async def test_responders_on_duty(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Who is on duty is told; who may be; somebody of the fire post; nobody is not enough."""
    register = entry.runtime_data
    duties = {
        row.data["duty"]: row for row in entry.get_subentries_of_type("responder")
    }

    def write(session: Session) -> None:
        for number, row in enumerate(duties.values()):
            person = queries.add_person(
                session, Contact(name=f"MARK-{number}", phone=E164), "en"
            )
            queries.put_responder(session, row.subentry_id, person)

    await register.async_run(write)

    async def on_duty() -> set[str]:
        found = await register.async_recipients([], [Audience.RESPONDERS])
        return {row.role for row in found}

    assert await on_duty() == {"fire_post", "police"}
    hass.states.async_set("schedule.police", "off")
    assert await on_duty() == {"fire_post"}
    hass.states.async_set("schedule.police", "on")
    hass.states.async_set("schedule.fire_post", "off")
    assert await on_duty() == {"fire_post", "police"}
    hass.states.async_set("schedule.police", "off")
    assert await on_duty() == {"fire_post", "police"}


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_responders_that_could_not_be_matched(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One who is removed while the database is away is removed there when it is back."""
    register = entry.runtime_data
    row = entry.get_subentries_of_type("responder")[0]

    def write(session: Session) -> None:
        person = queries.add_person(session, Contact(name="MARK", phone=E164), "en")
        queries.put_responder(session, row.subentry_id, person)

    await register.async_run(write)

    async def is_removed() -> bool:
        removed_at = await register.async_run(
            lambda session: session.scalar(
                select(Responder.removed_at).where(Responder.id == row.subentry_id)
            )
        )
        return removed_at is not None

    def away(*_: Any, **__: Any) -> None:
        raise RegisterError("register_unreachable")

    with monkeypatch.context() as patch:
        patch.setattr(queries, "adopt", away)
        hass.config_entries.async_remove_subentry(entry, row.subentry_id)
        await hass.async_block_till_done(wait_background_tasks=True)
        freezer.tick(CATCH_UP_SECONDS + 1)
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)
    assert not await is_removed()
    freezer.tick(CATCH_UP_SECONDS + 1)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert await is_removed()


async def test_leases_begin_end_and_are_forgotten(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """A lease counts from its first day until its person left, and is purged later."""
    today = dt_util.now().date()
    start, end = today + timedelta(days=1), today + timedelta(days=2)
    await check_in(hass, entry, "1-1-101", start=start.isoformat(), end=end.isoformat())

    async def next_day(days: int = 1) -> None:
        midnight = dt_util.start_of_local_day() + timedelta(days=days)
        freezer.move_to(midnight)
        async_fire_time_changed(hass, midnight)
        await hass.async_block_till_done(wait_background_tasks=True)

    assert tenants(entry, "1-1-101") == 0
    await next_day()
    assert tenants(entry, "1-1-101") == 1
    await next_day(days=2)
    # Whoever stays after the end of the lease is told when it burns.
    assert tenants(entry, "1-1-101") == 1
    assert entry.runtime_data.summaries[unit_id(entry, "1-1-101")].overdue == 1

    device = device_id(hass, entry, "1-1-101")
    answer = await call(hass, "check_out", {"device_id": device})
    assert len(answer["people"]) == 1
    assert tenants(entry, "1-1-101") == 0
    await next_day(days=365)
    assert (await entry.runtime_data.async_run(queries.counts))["leases"] == 1
    await next_day(days=2)
    counts = await entry.runtime_data.async_run(queries.counts)
    assert (counts["leases"], counts["persons"], counts["addresses"]) == (0, 0, 0)
    await next_day(days=1095)
    assert (await entry.runtime_data.async_run(queries.counts))["audit"] == 0


async def test_a_night_that_was_slept_through(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """What is over is dropped soon after the start, if the machine is off at midnight."""
    await call(hass, "remove_unit", {"device_id": device_id(hass, entry, "1-1-101")})
    await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(timedelta(days=31))
    await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (await entry.runtime_data.async_run(queries.counts))["units"] == 3
    freezer.tick(CATCH_UP_SECONDS + 1)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (await entry.runtime_data.async_run(queries.counts))["units"] == 2


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_a_clock_that_is_set_forward(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrong clock deletes nothing; one that is right does so with the next day."""
    await call(hass, "remove_unit", {"device_id": device_id(hass, entry, "1-1-101")})
    register, day, now = entry.runtime_data, timedelta(days=1), dt_util.utcnow()
    wall = time.time

    async def new_day(days: int) -> int:
        """Begin a day that the wall's clock alone has come to; return how many units are left."""
        monkeypatch.setattr(time, "time", lambda: wall() + days * 86_400)
        await register._async_new_day(now + days * day)
        return (await register.async_run(queries.counts))["units"]

    assert await new_day(40) == 3
    assert await new_day(0) == 3
    assert await new_day(40) == 3
    # It has gone on by itself since.
    assert await new_day(40) == 2


@pytest.mark.parametrize("fails", ["all", "people", "writing"])
async def test_a_day_that_could_not_begin(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    fails: str,
) -> None:
    """Who has left has no rights any more, as soon as the database says so."""
    owner = await check_in(hass, entry, "1-1-101", role="landlord")
    landlord = await account(hass, entry, "landlord", owner)
    day = entry.runtime_data.today + timedelta(days=1)
    leaving = {"device_id": device_id(hass, entry, "1-1-101"), "person_id": owner}
    await call(hass, "check_out", {**leaving, "date": day.isoformat()})
    database = entry.runtime_data.database
    read = database.async_read

    async def fail(*_: Any, **__: Any) -> None:
        raise RegisterError("register_locked")

    async def fail_for_people(work: Any, **options: Any) -> Any:
        if work.__qualname__.startswith("Phonebook"):
            raise RegisterError("register_locked")
        return await read(work, **options)

    def is_owner() -> bool:
        return bool(application_of(hass, entry.entry_id).own(landlord))

    async def until(moment: datetime) -> None:
        freezer.move_to(moment)
        async_fire_time_changed(hass, moment)
        await hass.async_block_till_done(wait_background_tasks=True)

    midnight = dt_util.start_of_local_day() + timedelta(days=2)
    minute = timedelta(seconds=CATCH_UP_SECONDS + 1)
    with monkeypatch.context() as patched:
        if fails == "people":
            patched.setattr(database, "async_read", fail_for_people)
        else:
            patched.setattr(database, "async_run", fail)
        if fails == "all":
            patched.setattr(database, "async_read", fail)
        await until(midnight)
        await until(midnight + minute)
        # What has begun without a write is no right any more.
        assert is_owner() is (fails != "writing")
    said = caplog.text.count("could not begin a new day")
    assert said == (0 if fails == "people" else 1)
    await until(midnight + 2 * minute)
    assert not is_owner()


async def test_units_come_and_go(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """A unit is added and removed without a reload; its people go with it."""
    register = entry.runtime_data
    of_entry = {"config_entry_id": entry.entry_id}
    place = {"building": "2", "number": "7", "area_id": "area_7"}
    new = await call(hass, "add_unit", {**of_entry, **place})
    await hass.async_block_till_done()
    assert entry.runtime_data is register
    assert hass.states.get("binary_sensor.2_7_registration").state == "on"
    assert tenants(entry, "2-7") == 0
    await check_in(hass, entry, "2-7")
    assert tenants(entry, "2-7") == 1
    device = dr.async_get(hass).async_get(new["device_id"])
    assert device.area_id == "area_7"

    await call(hass, "update_unit", {"device_id": device.id, "number": "8"})
    device = dr.async_get(hass).async_get(device.id)
    assert (device.name, device.area_id) == ("2-8", "area_7")

    removal = {"device_id": device.id}
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "remove_unit", removal)
    assert refusal.value.translation_key == "unit_has_people"
    assert refusal.value.translation_placeholders == {"count": "1"}
    gone = await call(hass, "remove_unit", {**removal, "with_people": True})
    await hass.async_block_till_done()
    assert gone["device_id"] is None
    assert hass.states.get("binary_sensor.2_7_registration") is None
    # Its people are kept for a while, and counted nowhere.
    counts = await register.async_run(queries.counts)
    assert (counts["units"], counts["persons"], counts["leases"]) == (4, 1, 1)
    assert new["unit_id"] not in {*register.summaries, *register.units}
    back = await call(hass, "restore_unit", {**of_entry, "unit_id": gone["unit_id"]})
    assert (back["unit_id"], back["device_id"]) == (new["unit_id"], device.id)
    assert tenants(entry, "2-8") == 1


async def test_units_come_and_go_during_the_set_up(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Entities are made in portions; what changes between two of them is followed."""
    for number in range(2 * BATCH):
        await add_unit(hass, entry, building="2", stairwell="1", number=str(number))
    gone = unit_id(entry, f"2-1-{2 * BATCH - 1}")
    assert await hass.config_entries.async_unload(entry.entry_id)

    begun = asyncio.Event()
    async_track_state_change_event(
        hass, "binary_sensor.1_1_101_registration", callback(lambda _: begun.set())
    )
    setting_up = hass.async_create_task(hass.config_entries.async_setup(entry.entry_id))
    await begun.wait()
    assert entry.state is ConfigEntryState.SETUP_IN_PROGRESS
    application = application_of(hass, entry.entry_id)
    await application.async_fill(RemoveUnit(gone), None)
    place = {"building": "3", "stairwell": "1", "number": "101"}
    await application.async_fill(AddUnit(place), None)
    assert await setting_up
    await hass.async_block_till_done()

    register = entry.runtime_data
    assert gone not in register.units
    assert hass.states.get("binary_sensor.3_1_101_registration").state == "on"
    rows = await register.async_read(
        lambda session: set(
            session.scalars(select(Unit.id).where(Unit.removed_at.is_(None)))
        )
    )
    assert rows == register.units.keys()
    assert (
        hass.states.get(f"binary_sensor.2_1_{2 * BATCH - 2}_registration").state == "on"
    )
    assert hass.states.get(f"binary_sensor.2_1_{2 * BATCH - 1}_registration") is None


async def test_entities_go_some_at_a_time(
    hass: HomeAssistant, entry: MockConfigEntry, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unload of thousands of entities lets others have their turn, and none is left."""
    monkeypatch.setattr(entity, "REMOVE_BATCH", 2)
    turn, removed, done = 0, Counter[int](), False

    async def count() -> None:
        nonlocal turn
        while not done:
            turn += 1
            await asyncio.sleep(0)

    @callback
    def gone(event: Event[EventStateChangedData]) -> None:
        if event.data["new_state"] is None or (
            event.data["new_state"].state == STATE_UNAVAILABLE
        ):
            removed[turn] += 1

    hass.bus.async_listen(EVENT_STATE_CHANGED, gone)
    counting = hass.async_create_task(count())
    assert await hass.config_entries.async_unload(entry.entry_id)
    done = True
    await counting
    # The last of each platform are Home Assistant's to remove.
    assert max(removed.values()) <= 2 * len(PLATFORMS) < removed.total()


async def test_device_is_deleted(hass: HomeAssistant, entry: MockConfigEntry) -> None:
    """Deleting a unit's device removes the unit, and is refused while somebody is in it."""
    person = await check_in(hass, entry, "1-1-101")
    registry = dr.async_get(hass)
    unit, device = unit_id(entry, "1-1-101"), device_id(hass, entry, "1-1-101")
    entry_device = registry.async_get(device)
    with pytest.raises(ServiceValidationError) as refusal:
        await async_remove_config_entry_device(hass, entry, entry_device)
    assert refusal.value.translation_key == "unit_has_people"
    assert unit in entry.runtime_data.units
    await call(hass, "check_out", {"device_id": device, "person_id": person})
    assert await async_remove_config_entry_device(hass, entry, entry_device)
    assert unit not in entry.runtime_data.units
    assert registry.async_get(device) is None
    own = registry.async_get_device_by_identifier(
        (DOMAIN, entry.entry_id), entry.entry_id
    )
    assert not await async_remove_config_entry_device(hass, entry, own)
    # One that belongs to no unit any more may go.
    old = registry.async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={(DOMAIN, "old")}
    )
    assert await async_remove_config_entry_device(hass, entry, old)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_device_is_deleted_in_the_browser(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    hass_admin_user: MockUser,
) -> None:
    """The audit names who has deleted it; who may not is told why."""
    assert await async_setup_component(hass, "config", {})
    await check_in(hass, entry, "1-1-101")
    client = await hass_ws_client(hass)
    found = {}
    for title in ("1-1-101", "1-1-102"):
        command = {
            "type": "config/device_registry/remove",
            "device_id": device_id(hass, entry, title),
        }
        await client.send_json_auto_id(command)
        found[title] = await client.receive_json()
    assert found["1-1-101"]["error"]["translation_key"] == "unit_has_people"
    assert found["1-1-102"]["success"]
    who = await entry.runtime_data.async_run(
        lambda session: set(
            session.scalars(select(Audit.who).where(Audit.what == "remove_unit"))
        )
    )
    assert who == {hass_admin_user.id}
    # What that browser's own connection has not asked for is not its user's.
    assert current_user() is None


async def test_what_cannot_be_of_a_unit(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """A unit needs a place of its own; an old version, and one that is gone, are said."""
    of_entry = {"config_entry_id": entry.entry_id}
    device = device_id(hass, entry, "1-1-102")
    for action, data, key in (
        ("add_unit", {**of_entry, "building": " ", "number": "1"}, "building_missing"),
        ("add_unit", {**of_entry, "building": "1", "number": ""}, "number_missing"),
        (
            "add_unit",
            {**of_entry, "building": "1", "stairwell": "1", "number": "101"},
            "unit_exists",
        ),
        ("update_unit", {"device_id": device, "number": "101"}, "unit_exists"),
        (
            "update_unit",
            {"device_id": device, "rooms": 2, "version": 9},
            "unit_changed",
        ),
        ("restore_unit", {**of_entry, "unit_id": "x"}, "nothing_to_undo"),
        (
            "restore_unit",
            {**of_entry, "unit_id": unit_id(entry, "1-1-102")},
            "nothing_to_undo",
        ),
    ):
        with pytest.raises(ServiceValidationError) as refusal:
            await call(hass, action, data)
        assert refusal.value.translation_key == key
    changed = await call(
        hass,
        "update_unit",
        {"device_id": device, "rooms": 2, "letting": "shared", "version": 1},
    )
    assert changed["version"] == 2
    again = await call(hass, "update_unit", {"device_id": device, "letting": ""})
    assert again["version"] == 3
    unit = entry.runtime_data.units[unit_id(entry, "1-1-102")]
    assert unit.data == {
        "building": "1",
        "stairwell": "1",
        "number": "102",
        "rooms": 2,
    }


async def test_unit_that_was_changed_meanwhile(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Who has seen an older unit changes nothing, and is told what was changed since."""
    device = device_id(hass, entry, "1-1-102")

    async def version() -> int:
        found = await call(hass, "get_unit", {"device_id": device, "reason": "alarm"})
        return int(found["version"])

    async def refused(seen: int) -> str | None:
        data = {"device_id": device, "letting": "shared", "version": seen}
        with pytest.raises(ServiceValidationError) as refusal:
            await call(hass, "update_unit", data)
        return refusal.value.translation_key

    seen = await version()
    await call(hass, "update_unit", {"device_id": device, "rooms": 2})
    rooms = await version()
    await call(hass, "update_unit", {"device_id": device, "address": "MARK-A"})
    # What changes nothing is no change.
    await call(hass, "update_unit", {"device_id": device, "address": "MARK-A"})
    assert await refused(seen) == "unit_changed"
    assert await refused(rooms) == "unit_changed_address"
    key = unit_id(entry, "1-1-102")
    seen = await version()
    await call(hass, "remove_unit", {"device_id": device})
    of_entry = {"config_entry_id": entry.entry_id}
    await call(hass, "restore_unit", {**of_entry, "unit_id": key})
    assert await refused(seen) == "unit_changed"

    def forget(session: Session) -> None:
        session.get_one(Unit, key).changes = {}

    # A release of before has counted, and not noted what.
    await entry.runtime_data.async_run(forget)
    assert await refused(seen) == "unit_changed"
    unit = entry.runtime_data.units[key]
    assert (unit.rooms, unit.letting) == (2, None)
    data = {"device_id": device, "letting": "shared", "version": await version()}
    await call(hass, "update_unit", data)
    assert entry.runtime_data.units[key].letting == "shared"


async def test_removed_too_long_ago(
    hass: HomeAssistant, entry: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """After thirty days a removed unit does not come back, and the next new day purges it."""
    gone = await call(
        hass, "remove_unit", {"device_id": device_id(hass, entry, "1-1-101")}
    )
    freezer.tick(timedelta(days=31))
    data = {"config_entry_id": entry.entry_id, "unit_id": gone["unit_id"]}
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "restore_unit", data)
    assert refusal.value.translation_key == "undo_too_late"
    await entry.runtime_data._async_new_day(dt_util.utcnow())
    assert (await entry.runtime_data.async_run(queries.counts))["units"] == 2


async def test_removed_property_is_erased(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Nothing is left of a property that is removed."""
    await check_in(hass, entry, "1-1-101")
    await hass.config_entries.async_remove(entry.entry_id)
    await hass.async_block_till_done()
    assert list(Path(hass.config.config_dir).glob("rental_units*")) == []

    entry.add_to_hass(hass)
    await hass.config_entries.async_setup(entry.entry_id)
    assert (await entry.runtime_data.async_run(queries.counts))["persons"] == 0


async def test_calendar_and_sensors(
    hass: HomeAssistant, entry: MockConfigEntry
) -> None:
    """Lease ends are in the calendar by unit, and in a sensor that can be enabled."""
    registry = er.async_get(hass)
    sensor = registry.async_get_entity_id(
        "sensor", "rental_units", f"{unit_id(entry, '1-1-101')}_lease_end"
    )
    tenants = registry.async_get_entity_id(
        "sensor", "rental_units", f"{unit_id(entry, '1-1-101')}_tenants"
    )
    calendar_id = registry.async_get_entity_id(
        "calendar", "rental_units", f"{entry.entry_id}_lease_ends"
    )
    for entity_id in (sensor, tenants, calendar_id):
        # Whoever has an account could read them: they are an administrator's to enable.
        assert registry.async_get(entity_id).disabled_by
        registry.async_update_entity(entity_id, disabled_by=None)
    await hass.config_entries.async_reload(entry.entry_id)
    await hass.async_block_till_done()
    day = dt_util.now().date() + timedelta(days=30)
    await check_in(hass, entry, "1-1-101", end=day.isoformat())

    assert hass.states.get(tenants).state == "1"
    end = dt_util.parse_datetime(hass.states.get(sensor).state)
    assert dt_util.as_local(end).date() == day
    calendar = hass.states.get(calendar_id)
    assert calendar.attributes["message"] == "1-1-101"
    answer = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": calendar.entity_id,
            "start_date_time": dt_util.now(),
            "duration": {"days": 60},
        },
        blocking=True,
        return_response=True,
    )
    assert [
        (event["summary"], event["start"])
        for event in answer[calendar.entity_id]["events"]
    ] == [("1-1-101", day.isoformat())]
