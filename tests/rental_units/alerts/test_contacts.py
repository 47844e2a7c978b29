"""Whose phone it is, in which language, at which hours, and who is on duty."""

from collections.abc import Awaitable, Callable
from datetime import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.rental_units.alerts.channels.base import NotSentError
from homeassistant.config_entries import SOURCE_USER, ConfigEntry
from homeassistant.core import Event
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util

from .conftest import House
from .providers import Provider
from .test_channels import message, register_phone

type Add = Callable[..., Awaitable[Provider]]


async def away(house: House, phone: ConfigEntry) -> None:
    """Let a phone be reached in the house alone, and be away from it."""
    house.hass.config_entries.async_update_entry(
        phone, data={**phone.data, "app_data": {"push_websocket_channel": True}}
    )
    await house.hass.async_block_till_done()


async def test_phones_of_a_person(
    house: House, add_provider: Add, hass_client: Any
) -> None:
    """A person of Home Assistant is reached on all phones; nobody types an action's name."""
    provider = await add_provider({})
    provider.status = 201
    person = {
        "id": "placeholder",
        "name": "Placeholder",
        "device_trackers": [
            "device_tracker.phone_one",
            "device_tracker.phone_two",
            "device_tracker.router",
        ],
    }
    assert await async_setup_component(house.hass, "person", {"person": [person]})
    assert await async_setup_component(house.hass, "mobile_app", {})
    client = await hass_client()
    for name in ("Phone one", "Phone two"):
        await register_phone(house, client, provider, name)
    device_trackers = house.hass.states.get("person.placeholder").attributes
    assert len(device_trackers["device_trackers"]) == 3

    events: list[Event] = []
    house.hass.bus.async_listen("call_service", events.append)
    await house.put_address("landlord", "push", "person.placeholder")
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert {item["path"] for item in provider.heard} == {"/phone_one", "/phone_two"}
    assert (await house.stored())["landlord-push"].state == "sent"
    # The recorder keeps events of calls: none says who was told, or holds a link.
    assert {event.data["domain"] for event in events} == {"rental_units"}

    # One phone that cannot be reached keeps the message from nobody else; none does.
    channel = house.engine.dispatcher.channels["push"]
    one, two = house.hass.config_entries.async_entries("mobile_app")
    await away(house, one)
    await channel.async_send(message("person.placeholder"))
    assert [item["path"] for item in provider.heard][2:] == ["/phone_two"]
    await away(house, two)
    with pytest.raises(NotSentError, match="no_phone"):
        await channel.async_send(message("person.placeholder"))
    house.hass.states.async_remove("person.placeholder")
    with pytest.raises(NotSentError, match="no_phone"):
        await channel.async_send(message("person.placeholder"))


async def test_language_of_an_address(
    house: House, sms: Provider, call: Provider
) -> None:
    """A person may be written to in one language and called in another, also after a restart."""
    await house.hass.services.async_call(
        "rental_units",
        "update_contact",
        {"person_id": "landlord", "language": "zh-Hans", "only": ["call"]},
        blocking=True,
        return_response=True,
    )
    await call.stop()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert "Smoke" in sms.heard[0]["form"]["Body"]
    await house.restart()
    await call.start()
    await house.tick(2)
    await house.settled()
    assert "烟雾" in call.heard[0]["form"]["Twiml"]
    assert 'language="cmn-CN"' in call.heard[0]["form"]["Twiml"]


@pytest.mark.parametrize("severity", ["alarm", "warning"])
async def test_quiet_hours_of_an_address(
    house: House, sms: Provider, call: Provider, severity: str
) -> None:
    """Quiet hours hold for one address, until they end, and never for an alarm."""
    now = dt_util.now()
    until = time((now.hour + 2) % 24)
    await house.hass.services.async_call(
        "rental_units",
        "update_contact",
        {
            "person_id": "landlord",
            "quiet_from": now.time().replace(minute=0, second=0, microsecond=0),
            "quiet_until": until,
            "only": ["call"],
        },
        blocking=True,
        return_response=True,
    )
    steps = [{"after": 0, "channels": ["sms", "call"]}]
    house.options(policies={severity: {"steps": steps, "valid_for": 86_400}})
    await house.alert(severity=severity, hazard="overflow", audience=["landlord"])
    await house.settled()
    assert len(sms.heard) == 1
    assert len(call.heard) == (severity == "alarm")
    await house.tick(2 * 3600 + 1)
    await house.settled()
    assert (len(sms.heard), len(call.heard)) == (1, 1)


# The schedule's own timer outlives Home Assistant.
@pytest.mark.parametrize("expected_lingering_timers", [True])
async def test_roster_of_a_schedule(
    house: House, sms: Provider, freezer: FrozenDateTimeFactory
) -> None:
    """A schedule of Home Assistant says who is on duty."""
    freezer.move_to("2026-11-23 12:00:00-08:00")
    every_day = {
        day: [{"from": "08:00:00", "to": "17:00:00"}]
        for day in ("monday", "tuesday", "wednesday", "thursday", "friday")
    }
    schedule = {"schedule": {"days": {"name": "Days", **every_day}}}
    assert await async_setup_component(house.hass, "schedule", schedule)
    flows = house.hass.config_entries.subentries
    for duty, roster in (("police", "schedule.days"), ("volunteer", None)):
        result = await flows.async_init(
            (house.entry.entry_id, "responder"), context={"source": SOURCE_USER}
        )
        number = {"police": "+12025550111", "volunteer": "+12025550112"}[duty]
        data = {"duty": duty, "name": f"Placeholder {duty}", "phone": number}
        if roster:
            data["schedule"] = roster
        await flows.async_configure(result["flow_id"], data)
        await house.hass.async_block_till_done()

    async def told() -> set[str]:
        sms.heard.clear()
        alert_id = await house.alert(hazard="smoke", audience=["responders"])
        await house.settled()
        house.engine.cancel(house.engine.alerts[alert_id], who=None)
        return {item["form"]["To"][-1] for item in sms.heard}

    assert house.hass.states.get("schedule.days").state == "on"
    assert await told() == {"4", "1", "2"}
    freezer.move_to("2026-11-23 20:00:00-08:00")
    async_fire_time_changed(house.hass)
    await house.hass.async_block_till_done()
    assert house.hass.states.get("schedule.days").state == "off"
    assert await told() == {"4", "2"}
