"""Phones that ring loudly: by a name that only one of them has."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import entity_sources
from tests.common import Peer

from .common import SHED, Add, breaker, notify_entity, report, until

ALARMS: dict[str, tuple[str, str, list[str], dict[str, Any], dict[str, Any]]] = {
    "smoke_response": ("sensor", "smoke_sensor", ["smoke"], {"smoke": True}, {}),
    "breaker_response": (
        "breaker",
        "breaker_monitor",
        ["supply", "residual_current"],
        {"supply": True, "residual_current": 600},
        {},
    ),
    "charging_pile_response": (
        "pile",
        "charging_pile",
        ["smoke", "supply_1"],
        {"smoke": True, "supply_1": True},
        {"watched": SHED},
    ),
    "door_response": (
        "door",
        "door_controller",
        ["locked_1", "door_forced_1"],
        {"locked_1": True, "door_forced_1": True},
        {"notify_target": {}},
    ),
}


def add_phone(hass: HomeAssistant, name: str) -> str:
    """Add one more phone; return its id."""
    entry = MockConfigEntry(domain="mobile_app")
    entry.add_to_hass(hass)
    device = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", "2")}, name=name
    )
    notify = er.async_get(hass).async_get_or_create(
        "notify", "mobile_app", "2", config_entry=entry, device_id=device.id
    )
    hass.states.async_set(notify.entity_id, STATE_UNKNOWN)
    return device.id


async def alarm(peer: Peer, add: Add, name: str, phones: list[str]) -> None:
    """Let a blueprint tell phones of an alarm."""
    device, kind, readings, values, inputs = ALARMS[name]
    await breaker(peer, "breaker-9", "Shed 1")
    await peer.config(device, kind, readings, area="Shed 1")
    await add(name, phones=phones, **inputs)
    report(peer, device, **values)


@pytest.mark.parametrize("name", sorted(ALARMS))
@pytest.mark.parametrize(("second", "loud"), [("值班 1", 0), ("值班 2", 1)])
async def test_two_phones(
    hass: HomeAssistant,
    site: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    pushed: list[ServiceCall],
    name: str,
    second: str,
    loud: int,
) -> None:
    """Of one name they are two phones, each told; of two names each rings."""
    other = add_phone(hass, second)
    for row in (phone, other):
        # As if the app's platform had made them.
        entity_sources(hass)[notify_entity(hass, row)] = {"domain": "mobile_app"}  # type: ignore[typeddict-item]
    rung = async_mock_service(hass, "notify", "mobile_app_zhi_ban_2")
    phones = [phone, other]
    await alarm(peer, add, name, phones)
    await until(lambda: len(pushed) + len(rung) + len(told) >= 2)
    quiet = [call.data["entity_id"][0] for call in told[:2]]
    assert (len(pushed[:1]), len(rung[:1]), sorted(quiet)) == (
        loud,
        loud,
        sorted(notify_entity(hass, row) for row in phones) * (1 - loud),
    )


@pytest.mark.parametrize("name", sorted(ALARMS))
@pytest.mark.parametrize("state", [STATE_UNAVAILABLE, None])
async def test_a_phone_that_is_not_there(
    hass: HomeAssistant,
    site: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
    phone: str,
    name: str,
    state: str | None,
) -> None:
    """The app has taken back its action: the phones after it ring all the same."""
    first = notify_entity(hass, phone)
    if state:
        hass.states.async_set(first, state)
    else:
        hass.states.async_remove(first)
    rung = async_mock_service(hass, "notify", "mobile_app_zhi_ban_2")
    await alarm(peer, add, name, [phone, add_phone(hass, "值班 2")])
    await until(lambda: len(rung) >= 1)
    assert told[0].data["entity_id"] == [first]


async def test_a_phone_of_a_name_without_letters(
    hass: HomeAssistant,
    site: None,
    peer: Peer,
    add: Add,
    told: list[ServiceCall],
) -> None:
    """Its action has the name that Home Assistant makes of it."""
    rung = async_mock_service(hass, "notify", "mobile_app")
    await alarm(peer, add, "breaker_response", [add_phone(hass, "🚒")])
    await until(lambda: len(rung) >= 1)
