"""Diagnostics say what helps, and nothing about people."""

from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
    get_diagnostics_for_device,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, wait_until

SECRETS = (
    "SN-4711",
    "breaker-4711",
    "Flat of somebody",
    "1-1-201",
    "1_1_201",
    "secret-user",
    "Secret-Words",
)


async def test_diagnostics(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    hass_client: ClientSessionGenerator,
) -> None:
    """A gateway and a device in trouble are described without names and numbers."""
    assert await async_setup_component(hass, "diagnostics", {})
    await peer.config(
        "breaker-4711",
        "breaker_monitor",
        ["supply", "current", "residual_current"],
        name="Flat of somebody",
        serial="SN-4711",
        area="1-1-201",
    )
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    peer.obedient_breaker("breaker-4711")
    await peer.state("breaker-4711", supply=True, current=5.0, residual_current=600.0)
    await peer.send(f"{BASE}/breaker-4711/state", "nonsense")
    await peer.send(f"{BASE}/breaker-4711/state", "nonsense")
    message = peer.state_message({"supply": False, "current": 0.0})
    await peer.send(f"{BASE}/breaker-4711/state", message)
    await peer.send(f"{BASE}/breaker-4711/state", message)
    breaker = gateway.runtime_data.devices["breaker-4711"]
    book = gateway.runtime_data.house.book
    await wait_until(hass, lambda: len(book.of_device(breaker.uid)) == 2)
    leakage, nonsense = book.of_device(breaker.uid)
    assert [leakage.hazard, nonsense.hazard] == ["leakage", "sensor_fault"]
    book.acknowledge(leakage, "secret-user")
    book.note(leakage.id, "note", who="secret-user", text="Mrs Secret-Words opened")
    book.note(leakage.id, "note", who="secret-user", step="called_119")
    latches = gateway.runtime_data.house.cut_off.latches
    await wait_until(hass, lambda: [row.proven for row in latches.values()] == [True])
    # What comes back, and what is restored, is told by the device's name.
    message = peer.state_message({"supply": True, "current": 5.0})
    await peer.send(f"{BASE}/breaker-4711/state", message)
    await wait_until(
        hass,
        lambda: "came_back_closed" in [item["what"] for item in leakage.timeline],
    )
    book.note(
        leakage.id,
        "restored",
        who="secret-user",
        checked="on_site",
        restored={"Flat of somebody supply": {"status": "confirmed"}},
    )
    await wait_until(hass, lambda: [row.proven for row in latches.values()] == [True])
    storage = gateway.runtime_data.house.storage
    await wait_until(hass, lambda: not storage.is_busy)

    found: Any = await get_diagnostics_for_config_entry(hass, hass_client, gateway)

    assert found["entry"]["data"] == {"dialect": "native", "topic": BASE}
    assert found["gateway"]["connected"] is True
    assert found["storage"] == {"trouble": None, "waiting": 0, "unread": []}
    assert found["discarded"] == {"repeated": 1}
    assert [(row["device"], row["count"]) for row in found["refused"]] == [
        (breaker.device_id, 2)
    ]
    assert len(found["devices"]) == 3
    device = next(
        row for row in found["devices"] if row["device_id"] == breaker.device_id
    )
    assert device["description"]["serial"] == "**REDACTED**"
    assert device["description"]["kind"] == "breaker_monitor"
    assert device["readings"]["supply"] is False
    # What was nonsense may have been the leakage: it is not known any more.
    assert set(device["reported_seconds_ago"]) == {"supply", "current"}
    assert device["limits"]["rated_current"] == 63
    assert device["hazards"]["leakage"] == "alarm"
    alarm = next(row for row in device["alarms"] if row["hazard"] == "leakage")
    assert alarm["severity"] == "alarm"
    entries = {item["what"]: item for item in alarm["timeline"]}
    assert entries["raised"]["residual_current"] == 600
    assert entries["cut_off"]["supplies"][0]["status"] == "confirmed"
    assert entries["note"] == {
        "at": entries["note"]["at"],
        "what": "note",
        "step": "called_119",
    }
    assert entries["restored"]["restored"] == [{"status": "confirmed"}]
    assert [row["key"] for row in device["latches"]] == ["supply"]
    assert [secret for secret in SECRETS if secret in str(found)] == []

    entry = dr.async_get(hass).async_get(breaker.device_id)
    assert isinstance(entry, dr.DeviceEntry)
    of_device: Any = await get_diagnostics_for_device(hass, hass_client, gateway, entry)
    assert [row["device_id"] for row in of_device["devices"]] == [breaker.device_id]
    assert of_device["gateway"]["connected"] is True
    assert (DOMAIN, breaker.uid) in entry.identifiers
    assert [secret for secret in SECRETS if secret in str(of_device)] == []
