"""Phones that ring loudly: by a name that only one of them has."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.helpers.entity import entity_sources
from tests.common import Peer

from .common import SHED, Add, breaker, report, until

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
}


def notify_entity(hass: HomeAssistant, device: str) -> str:
    """Return the notify entity of a phone."""
    (entry,) = er.async_entries_for_device(er.async_get(hass), device)
    return entry.entity_id


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
    entry = MockConfigEntry(domain="mobile_app")
    entry.add_to_hass(hass)
    other = dr.async_get(hass).async_get_or_create(
        config_entry_id=entry.entry_id, identifiers={("mobile_app", "2")}, name=second
    )
    er.async_get(hass).async_get_or_create(
        "notify", "mobile_app", "2", config_entry=entry, device_id=other.id
    )
    for row in (phone, other.id):
        # As if the app's platform had made them.
        entity_sources(hass)[notify_entity(hass, row)] = {"domain": "mobile_app"}  # type: ignore[typeddict-item]
    rung = async_mock_service(hass, "notify", "mobile_app_zhi_ban_2")
    phones = [phone, other.id]
    device, kind, readings, values, inputs = ALARMS[name]
    await breaker(peer, "breaker-9", "Shed 1")
    await peer.config(device, kind, readings, area="Shed 1")
    await add(name, phones=phones, **inputs)
    report(peer, device, **values)
    await until(lambda: len(pushed) + len(rung) + len(told) >= 2)
    quiet = [call.data["entity_id"][0] for call in told[:2]]
    assert (len(pushed[:1]), len(rung[:1]), sorted(quiet)) == (
        loud,
        loud,
        sorted(notify_entity(hass, row) for row in phones) * (1 - loud),
    )
