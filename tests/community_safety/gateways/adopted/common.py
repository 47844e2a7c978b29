"""A house with devices of other integrations, and a gateway that has adopted them."""

from collections.abc import Mapping
from typing import Any

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.adopted.proposals import (
    facts_of_device,
    propose_commands,
    propose_kind,
    propose_readings,
)
from homeassistant.const import STATE_UNAVAILABLE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er

from .shapes import Shape, register


def proposal(hass: HomeAssistant, device_id: str, about: str) -> dict[str, Any]:
    """Return the data of a subentry as it is proposed."""
    facts = facts_of_device(hass, device_id)
    kind = propose_kind(facts, about)
    assert kind
    return {
        "device": device_id,
        "kind": kind,
        "readings": propose_readings(facts, kind),
        "commands": propose_commands(facts, kind),
    }


def subentry(title: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """Return a subentry with its data."""
    return {
        "data": dict(data),
        "subentry_type": "adopted",
        "title": title,
        "unique_id": data.get("device"),
    }


async def add_adopted(
    hass: HomeAssistant, *subentries: dict[str, Any]
) -> MockConfigEntry:
    """Add a gateway with adopted devices, and set it up."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Adopted devices",
        data={"dialect": "adopted"},
        subentries_data=subentries,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


async def adopt(hass: HomeAssistant, *shapes: Shape) -> MockConfigEntry:
    """Register devices, and adopt them as they are proposed."""
    subentries = []
    for shape in shapes:
        device_id = register(hass, shape)
        about = f"{shape.name} {shape.model}"
        subentries.append(subentry(shape.name, proposal(hass, device_id, about)))
    return await add_adopted(hass, *subentries)


def only_device(entry: MockConfigEntry) -> SafetyDevice:
    """Return the only adopted device."""
    (device,) = entry.runtime_data.devices.values()
    assert isinstance(device, SafetyDevice)
    return device


def say(hass: HomeAssistant, entity_id: str, value: object, **attributes: Any) -> None:
    """Write a state as its integration does, with the unit that is registered."""
    entry = er.async_get(hass).async_get(entity_id)
    if entry and entry.unit_of_measurement:
        attributes.setdefault("unit_of_measurement", entry.unit_of_measurement)
    hass.states.async_set(entity_id, str(value), attributes)


def unload(hass: HomeAssistant, entity_id: str) -> None:
    """Leave an entity as an integration that is not set up yet, or not any more."""
    say(hass, entity_id, STATE_UNAVAILABLE, restored=True)


def open_hazards(hass: HomeAssistant, device: SafetyDevice) -> list[str]:
    """Return the hazards of a device's open alarms."""
    return sorted(alarm.hazard for alarm in device._book.of_device(device.uid))
