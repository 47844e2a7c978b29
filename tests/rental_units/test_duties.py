"""Duties that nobody covers: known before it burns, and by their name alone."""

from datetime import date, datetime, timedelta
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.const import DOMAIN, SUBENTRY_RESPONDER
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.duties import LOOK, DutyWatch
from homeassistant.components.calendar import (
    DATA_COMPONENT as CALENDAR,
    CalendarEntity,
    CalendarEvent,
)
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .common import PHONE, call, check_in, device_id, fill_unit, unit_form
from .panel import panel_of
from .test_config_flow import begin, fill, suggested

FIRE_POST, POLICE = "schedule.fire_post", "schedule.police"
SMS = {"sms": {"provider": "script", "script": "script.sms"}}


def shown(hass: HomeAssistant) -> dict[str, tuple[str, str]]:
    """Return the issues about duties: which are named, and how bad it is."""
    return {
        str(issue.translation_key): (
            issue.translation_placeholders["duties"],
            str(issue.severity),
        )
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_placeholders and "duties" in issue.translation_placeholders
    }


async def put_channels(
    hass: HomeAssistant, entry: MockConfigEntry, **data: Any
) -> None:
    """Set up channels in the options."""
    hass.config_entries.async_update_entry(entry, options={"channels": data})
    await hass.async_block_till_done(wait_background_tasks=True)


async def add(
    hass: HomeAssistant, entry: MockConfigEntry, duty: str, **data: Any
) -> Any:
    """Add a responder by the form; return its result."""
    data = {"duty": duty, "name": f"MARK-{duty}", **data}
    result = await fill(hass, await begin(hass, entry, "responder"), data)
    await hass.async_block_till_done(wait_background_tasks=True)
    return result


@pytest.fixture
async def staffed(hass: HomeAssistant, entry: MockConfigEntry) -> MockConfigEntry:
    """Return a property whose fire post and police have a number, by text message."""
    for row in entry.get_subentries_of_type(SUBENTRY_RESPONDER):
        hass.config_entries.async_remove_subentry(entry, row.subentry_id)
    await put_channels(hass, entry, **SMS)
    await add(hass, entry, "fire_post", phone=PHONE, schedule=FIRE_POST)
    await add(hass, entry, "police", phone=PHONE, schedule=POLICE)
    assert shown(hass) == {}
    return entry


async def test_fire_post_is_off(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """It is said at once, and for as long; that the police is off is no gap."""
    hass.states.async_set(POLICE, "off")
    await hass.async_block_till_done()
    assert shown(hass) == {}
    hass.states.async_set(FIRE_POST, "off")
    await hass.async_block_till_done()
    # Nobody at all is on duty: then that of the police is one too.
    assert shown(hass) == {"duty_off": ("Fire post, Police", "error")}
    hass.states.async_set(POLICE, "on")
    await hass.async_block_till_done()
    assert shown(hass) == {"duty_off": ("Fire post", "error")}
    hass.states.async_set(FIRE_POST, "on")
    await hass.async_block_till_done()
    assert shown(hass) == {}


async def test_another_roster(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """A responder who gets another schedule is followed by that."""
    row = staffed.get_subentries_of_type(SUBENTRY_RESPONDER)[0]
    hass.config_entries.async_update_subentry(
        staffed, row, data={"duty": "fire_post", "schedule": "schedule.night"}
    )
    await hass.async_block_till_done(wait_background_tasks=True)
    hass.states.async_set(FIRE_POST, "off")
    await hass.async_block_till_done()
    assert shown(hass) == {}
    hass.states.async_set("schedule.night", "off")
    await hass.async_block_till_done()
    assert shown(hass) == {"duty_off": ("Fire post", "error")}


async def test_channel_goes(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """Without the channel nobody of them is reached; one who is leaves a warning."""
    await put_channels(hass, staffed)
    assert shown(hass) == {"duty_unreachable": ("Fire post, Police", "error")}
    await add(hass, staffed, "police", webhook="https://hooks.example.com/x")
    assert shown(hass) == {
        "duty_unreachable": ("Fire post", "error"),
        "silent_responders": ("Police", "warning"),
    }
    diagnostics = await async_get_config_entry_diagnostics(hass, staffed)
    assert diagnostics["silent_responders"] == 2
    await put_channels(hass, staffed, **SMS)
    assert shown(hass) == {}


async def test_no_step_uses_the_channel(
    hass: HomeAssistant, staffed: MockConfigEntry
) -> None:
    """A channel that works and that the alarm's policy does not use reaches nobody in a fire."""
    script = {"provider": "script", "script": "script.email"}
    await put_channels(hass, staffed, **SMS, email=script)
    await add(hass, staffed, "volunteer", email="mark@example.com")
    assert shown(hass) == {}

    async def put_steps(severity: str, *steps: dict[str, Any]) -> None:
        rows = [{"after": 0, **step} for step in steps]
        hass.config_entries.async_update_entry(
            staffed,
            options={**staffed.options, "policies": {severity: {"steps": rows}}},
        )
        await hass.async_block_till_done(wait_background_tasks=True)

    sms = {"channels": ["sms"]}
    await put_steps("alarm", sms)
    assert shown(hass) == {"duty_unreachable": ("Volunteer", "error")}
    # For tenants alone is for no responder.
    email = {"channels": ["email"], "audience": ["tenants"]}
    await put_steps("alarm", sms, email)
    assert shown(hass) == {"duty_unreachable": ("Volunteer", "error")}
    await put_steps("alarm", sms, {**email, "audience": ["responders"]})
    assert shown(hass) == {}
    await put_steps("fault", sms)
    assert shown(hass) == {}


async def test_looked_at_again(
    hass: HomeAssistant, staffed: MockConfigEntry, freezer: FrozenDateTimeFactory
) -> None:
    """What changes without an event is seen after ten minutes, also after a reload."""
    await hass.config_entries.async_reload(staffed.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    register = staffed.runtime_data
    register.channels = lambda _audience: ()
    freezer.tick(LOOK + timedelta(seconds=1))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert shown(hass) == {"duty_unreachable": ("Fire post, Police", "error")}
    assert await hass.config_entries.async_remove(staffed.entry_id)
    assert shown(hass) == {}


async def test_nobody_is_named(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """A repair names the duty, and never the person."""
    await put_channels(hass, staffed)
    hass.states.async_set(FIRE_POST, "off")
    issues = repr(ir.async_get(hass).issues)
    assert "Fire post" in issues
    assert "MARK" not in issues


async def test_no_address(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """Whom nobody could tell is not saved, whether they are new or lose their number."""
    result = await add(hass, staffed, "volunteer")
    assert result["errors"] == {"base": "responder_unreachable"}
    data = {"duty": "volunteer", "name": "MARK-volunteer"}
    result = await fill(hass, result, {**data, "phone": PHONE})
    assert result["type"] == "create_entry"
    await hass.async_block_till_done(wait_background_tasks=True)
    row = staffed.get_subentries_of_type(SUBENTRY_RESPONDER)[-1]
    result = await staffed.start_subentry_reconfigure_flow(hass, row.subentry_id)
    result = await fill(hass, result, data)
    assert result["errors"] == {"base": "responder_unreachable"}
    people = staffed.runtime_data.phonebook.posts()
    person = next(row.person for row in people if row.duty == "volunteer")
    assert person
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "update_contact", {"person_id": person.person_id, "phone": ""})
    assert refusal.value.translation_key == "responder_unreachable"
    assert person in [row.person for row in staffed.runtime_data.phonebook.posts()]
    # Nor by the door of the unit that they live in.
    unit = {"device_id": device_id(hass, staffed, "1-1-101")}
    known = {**unit, "person_id": person.person_id}
    await call(hass, "check_in", known)
    with pytest.raises(ServiceValidationError) as refusal:
        await call(hass, "check_in", {**known, "phone": ""})
    assert refusal.value.translation_key == "responder_unreachable"
    result = await unit_form(hass, staffed, "1-1-101")
    (tenant,) = suggested(result)["tenants"]
    form = {"building": "1", "stairwell": "1", "number": "101", "landlord": {}}
    tenants = [{key: tenant[key] for key in tenant if key != "phone"}]
    result = await fill_unit(hass, result, {**form, "tenants": tenants})
    assert "responder_unreachable" in result["errors"].values()
    assert person in [row.person for row in staffed.runtime_data.phonebook.posts()]
    # Somebody without a duty may be without a number: that is a repair of their unit.
    someone = await check_in(hass, staffed, "1-1-101")
    await call(hass, "update_contact", {"person_id": someone, "phone": ""})


async def test_old_form(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """Who has the form open takes no number away that was entered meanwhile."""
    await add(hass, staffed, "volunteer", phone=PHONE)
    row = staffed.get_subentries_of_type(SUBENTRY_RESPONDER)[-1]
    old, new = [
        await staffed.start_subentry_reconfigure_flow(hass, row.subentry_id)
        for _ in range(2)
    ]
    values, mail = suggested(old), "mark@example.com"
    result = await fill(hass, new, {**values, "email": mail})
    assert result["reason"] == "reconfigure_successful"
    result = await fill(hass, old, {**values, "name": "MARK-corrected"})
    assert result["errors"] == {"base": "person_changed"}
    # It shows what is there now, and is filled in once more.
    values = suggested(result)
    assert (values["name"], values["email"]) == ("MARK-volunteer", mail)
    result = await fill(hass, result, {**values, "name": "MARK-corrected"})
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done(wait_background_tasks=True)
    person = next(
        post.person
        for post in staffed.runtime_data.phonebook.posts()
        if post.key == row.subentry_id
    )
    assert person
    assert person.name == "MARK-corrected"
    assert {row.channel for row in person.addresses} == {"sms", "call", "email"}


async def test_told_apart(hass: HomeAssistant, staffed: MockConfigEntry) -> None:
    """Two of one duty have two names, whichever is changed or goes, and over a restart."""

    def titles() -> list[str]:
        rows = staffed.get_subentries_of_type(SUBENTRY_RESPONDER)
        return [row.title for row in rows if row.data["duty"] == "volunteer"]

    for _ in range(3):
        await add(hass, staffed, "volunteer", phone=PHONE)
    assert titles() == ["Volunteer", "Volunteer 2", "Volunteer 3"]
    rows = staffed.get_subentries_of_type(SUBENTRY_RESPONDER)
    key = next(row.subentry_id for row in rows if row.title == "Volunteer 2")
    result = await staffed.start_subentry_reconfigure_flow(hass, key)
    data = {"duty": "volunteer", "name": "MARK-new", "phone": PHONE}
    await fill(hass, result, data)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert titles() == ["Volunteer", "Volunteer 2", "Volunteer 3"]
    assert staffed.subentries[key].title == "Volunteer 2"
    # Those of a release that did not number them are at the next start.
    for row in staffed.get_subentries_of_type(SUBENTRY_RESPONDER)[-2:]:
        hass.config_entries.async_update_subentry(staffed, row, title="Volunteer")
    await hass.config_entries.async_reload(staffed.entry_id)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert titles() == ["Volunteer", "Volunteer 2", "Volunteer 3"]
    assert DOMAIN in hass.config.components


async def test_nobody_is_known_yet(
    hass: HomeAssistant, staffed: MockConfigEntry
) -> None:
    """Before it was read who there is, nothing is said of them."""
    register = staffed.runtime_data
    register.channels = lambda _audience: ()
    register.phonebook.is_known = False
    DutyWatch(hass, register).look()
    assert shown(hass) == {}
    register.phonebook.is_known = True
    DutyWatch(hass, register).look()
    assert shown(hass).keys() == {"duty_unreachable"}


# The schedule waits for its next change.
@pytest.mark.parametrize("expected_lingering_timers", [True])
@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
async def test_next_days(
    hass: HomeAssistant,
    staffed: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Plans say who is on duty in the next week, and when nobody is, to the minute."""
    await hass.config.async_set_time_zone("Asia/Shanghai")
    # A Sunday, at eight in the evening.
    freezer.move_to("2026-11-29 12:00:00+00:00")
    night = {"from": "00:00", "to": "24:00"}
    days = {
        day: [night]
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
    }
    days["sunday"] = [{"from": "00:00", "to": "21:00"}]
    config = {"schedule": {"fire_post": {"name": "Fire post", **days}}}
    assert await async_setup_component(hass, "schedule", config)
    assert await async_setup_component(hass, "calendar", {})
    await hass.data[CALENDAR].async_add_entities([Roster()])
    await hass.async_block_till_done()
    for more in (
        {"schedule": "calendar.roster"},
        {"schedule": "input_boolean.away"},
        {},
    ):
        await add(hass, staffed, "property_office", phone=PHONE, **more)
    panel = await panel_of(hass, staffed, hass_ws_client)
    week = await panel.get("roster_week")
    first, hour = week["from"], 3600
    assert week["until"] - first == 7 * 24 * hour
    rows = {row["duty"]: row for row in week["duties"]}
    (post,) = rows["fire_post"]["posts"]
    # Those that meet at midnight are as they are planned; Sunday ends at nine.
    assert post["on"][0] == [first, first + hour]
    assert post["on"][1] == [first + 4 * hour, first + 28 * hour]
    assert rows["fire_post"]["gaps"] == [[first + hour, first + 4 * hour]]
    calendar, switch, always = rows["property_office"]["posts"]
    assert calendar["on"] == [
        [first + 4 * hour, first + 28 * hour],
        [first + 38 * hour, first + 40 * hour],
    ]
    assert switch["on"] is None
    assert always["on"] == [[first, first + 7 * 24 * hour]]
    assert rows["property_office"]["gaps"] == []
    # That cannot be asked is not known: no hour is called a gap for it.
    assert [row["on"] for row in rows["police"]["posts"]] == [None]
    assert rows["police"]["gaps"] == []
    await panel.client.close()


class Roster(CalendarEntity):
    """A calendar with a day, an evening, and what is long over."""

    entity_id = "calendar.roster"
    _attr_name = "Roster"

    @property
    @override
    def event(self) -> CalendarEvent | None:
        return None

    @override
    async def async_get_events(
        self, hass: HomeAssistant, start_date: datetime, end_date: datetime
    ) -> list[CalendarEvent]:
        evening = datetime(2026, 12, 1, 10, tzinfo=dt_util.get_default_time_zone())
        return [
            CalendarEvent(
                start=evening, end=evening + timedelta(hours=2), summary="MARK-evening"
            ),
            CalendarEvent(
                start=date(2026, 11, 30), end=date(2026, 12, 1), summary="MARK-day"
            ),
            CalendarEvent(
                start=evening - timedelta(days=9),
                end=evening - timedelta(days=8),
                summary="MARK-before",
            ),
        ]
