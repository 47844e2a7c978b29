"""Adopted devices come, change and go; their entities are renamed, removed and put back."""

from datetime import timedelta
from types import MappingProxyType
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.latches import Supply
from custom_components.community_safety.gateways.adopted.gateway import AWAY_SECONDS
from homeassistant.config_entries import ConfigSubentry
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component

from .common import (
    add_adopted,
    adopt,
    only_device,
    open_hazards,
    proposal,
    say,
    subentry,
)
from .shapes import (
    ESPHOME_TANK,
    MATTER_SMOKE,
    SHELLY_1PM,
    ZHA_SMOKE,
    entity_of,
    register,
)


def repairs(hass: HomeAssistant) -> list[dict[str, str] | None]:
    """Return what is said of entities that are gone."""
    return [
        issue.translation_placeholders
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_key == "adopted_entity_missing"
    ]


async def later(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


async def test_described_as_it_is_known(hass: HomeAssistant) -> None:
    """Maker, model, place and entities are those of the device that it is made of."""
    device_id = register(hass, SHELLY_1PM)
    area = ar.async_get(hass).async_create("1-1-201")
    dr.async_get(hass).async_update_device(device_id, area_id=area.id)
    entry = await add_adopted(
        hass, subentry("Flat", proposal(hass, device_id, "Shelly Pro 1PM"))
    )
    device = only_device(entry)
    ours = dr.async_get(hass).async_get(str(device.device_id))
    assert isinstance(ours, dr.DeviceEntry)
    assert (ours.name, ours.manufacturer, ours.model, ours.area_id) == (
        "Flat",
        "Shelly",
        "Shelly Pro 1PM",
        area.id,
    )
    assert ours.id != device_id
    assert er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"{device.uid}/supply"
    )


async def test_a_renamed_entity_is_followed(hass: HomeAssistant) -> None:
    """It is known by its id in the registry."""
    entry = await adopt(hass, ZHA_SMOKE)
    smoke = entity_of(hass, ZHA_SMOKE, "-1280")
    say(hass, smoke, "off")
    er.async_get(hass).async_update_entity(
        smoke, new_entity_id="binary_sensor.hall_smoke"
    )
    hass.states.async_remove(smoke)
    say(hass, "binary_sensor.hall_smoke", "off")
    say(hass, "binary_sensor.hall_smoke", "on")
    assert open_hazards(hass, only_device(entry)) == ["smoke"]
    assert repairs(hass) == []


@pytest.mark.parametrize("how", ["removed", "disabled"])
async def test_an_entity_that_is_gone_is_a_repair(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, how: str
) -> None:
    """Nobody watches what has no entity: people are told, until it is there again."""
    entry = await adopt(hass, ZHA_SMOKE)
    device = only_device(entry)
    registry = er.async_get(hass)
    smoke, battery = (entity_of(hass, ZHA_SMOKE, end) for end in ("-1280", "-1-1"))
    row = registry.async_get(smoke)
    assert row
    for entity_id, value in ((smoke, "off"), (battery, 90)) * 2:
        say(hass, entity_id, value)
    if how == "removed":
        registry.async_remove(smoke)
    else:
        registry.async_update_entity(smoke, disabled_by=er.RegistryEntryDisabler.USER)
    hass.states.async_remove(smoke)
    await hass.async_block_till_done()
    assert "smoke" not in device.readings
    assert repairs(hass) == [
        {"gateway": "Adopted devices", "device": device.name, "readings": "Smoke"}
    ]
    gateway_device = entry.runtime_data.device
    assert open_hazards(hass, gateway_device) == ["sensor_fault"]
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, device) == ["sensor_fault"]

    registry.async_get_or_create(
        "binary_sensor",
        "zha",
        row.unique_id,
        config_entry=hass.config_entries.async_get_entry(str(row.config_entry_id)),
        suggested_object_id=smoke.partition(".")[2],
    )
    registry.async_update_entity(smoke, disabled_by=None)
    for _ in range(2):
        say(hass, smoke, "off")
    assert repairs(hass) == []
    assert open_hazards(hass, device) == []
    assert open_hazards(hass, gateway_device) == []


async def test_an_entity_of_no_registry(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """It is known by its name alone; if nothing has that name, people are told."""
    data = {
        "device": None,
        "kind": "water_tank",
        "readings": {"level": ["sensor.roof"]},
        "commands": {},
    }
    entry = await add_adopted(hass, subentry("Roof", data))
    device = only_device(entry)
    await later(hass, freezer, AWAY_SECONDS)
    assert [row and row["readings"] for row in repairs(hass)] == ["Level"]
    for _ in range(2):
        hass.states.async_set("sensor.roof", "80", {"unit_of_measurement": "%"})
    assert device.readings["level"] == 80
    assert repairs(hass) == []
    hass.states.async_remove("sensor.roof")
    assert not device.available
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, device) == ["unresponsive"]


async def test_others_go_on_when_one_comes_or_goes(hass: HomeAssistant) -> None:
    """Nothing is reloaded, and no reading is lost."""
    entry = await adopt(hass, ZHA_SMOKE, ESPHOME_TANK)
    gateway = entry.runtime_data
    first, second = gateway.devices.values()
    level = entity_of(hass, ESPHOME_TANK, "tank_level")
    for _ in range(2):
        say(hass, level, 70)
    changes = async_capture_events(hass, "state_changed")

    device_id = register(hass, SHELLY_1PM)
    row = subentry("Flat", proposal(hass, device_id, "Shelly Pro 1PM"))
    hass.config_entries.async_add_subentry(
        entry, ConfigSubentry(**{**row, "data": MappingProxyType(row["data"])})
    )
    await hass.async_block_till_done()
    assert [device.name for device in gateway.devices.values()] == [
        first.name,
        second.name,
        "Flat",
    ]
    hass.config_entries.async_remove_subentry(entry, first.description.id)
    await hass.async_block_till_done()

    assert entry.runtime_data is gateway
    assert [device.name for device in gateway.devices.values()] == [
        second.name,
        "Flat",
    ]
    assert second.fresh_reading("level") == 70
    of_second = er.async_entries_for_device(
        er.async_get(hass), str(second.device_id), include_disabled_entities=True
    )
    assert not {item.entity_id for item in of_second} & {
        event.data["entity_id"] for event in changes
    }
    assert dr.async_get(hass).async_get(str(first.device_id)) is None


async def test_a_device_that_becomes_another(hass: HomeAssistant) -> None:
    """A form has changed its kind: it is the same device, with other entities."""
    entry = await adopt(hass, ESPHOME_TANK)
    device = only_device(entry)
    (row,) = entry.subentries.values()
    level = entity_of(hass, ESPHOME_TANK, "tank_level")
    hass.config_entries.async_update_subentry(
        entry,
        row,
        title="Roof",
        data={**row.data, "readings": {"level": row.data["readings"]["level"]}},
    )
    await hass.async_block_till_done()
    assert only_device(entry) is device
    assert device.description.name == "Roof"
    assert set(device.layout.reportable) == {"level"}
    for value in (70, 10):
        say(hass, level, value)
    assert "low_level" in open_hazards(hass, device)


async def test_removed_with_an_open_alarm(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    """It is missed, and its alarm stays, until a person deletes the device too."""
    entry = await adopt(hass, ZHA_SMOKE)
    device = only_device(entry)
    smoke = entity_of(hass, ZHA_SMOKE, "-1280")
    for value in ("off", "on"):
        say(hass, smoke, value)
    hass.config_entries.async_remove_subentry(entry, device.description.id)
    await hass.async_block_till_done()
    assert open_hazards(hass, device) == ["smoke", "unresponsive"]
    say(hass, smoke, "off")
    assert device.readings["smoke"] is True

    assert await hass.config_entries.async_reload(entry.entry_id)
    device = only_device(entry)
    assert open_hazards(hass, device) == ["smoke", "unresponsive"]
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.async_set(device, "silence", True)

    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    for answer in (False, True):
        reply = await client.remove_device(str(device.device_id))
        assert reply["success"] is answer
    assert entry.runtime_data.devices == {}
    assert hass.data[DATA_HOUSE].book.open == {}


async def test_removed_with_a_cut_off(hass: HomeAssistant) -> None:
    """What was cut stays known."""
    entry = await adopt(hass, SHELLY_1PM)
    device = only_device(entry)
    house = hass.data[DATA_HOUSE]
    house.latches.add(Supply(device.uid, "supply"), None, None, None, {})
    hass.config_entries.async_remove_subentry(entry, device.description.id)
    await hass.async_block_till_done()
    assert entry.runtime_data.devices
    assert [latch.device for latch in house.latches.rows.values()] == [device.uid]


async def test_deleted_on_its_own_page(
    hass: HomeAssistant, hass_ws_client: WebSocketGenerator
) -> None:
    """The subentry goes with the device."""
    entry = await adopt(hass, ZHA_SMOKE, ESPHOME_TANK)
    first, second = entry.runtime_data.devices.values()
    assert await async_setup_component(hass, "config", {})
    client = await hass_ws_client(hass)
    reply = await client.remove_device(str(first.device_id))
    assert reply["success"]
    await hass.async_block_till_done()
    assert [*entry.subentries] == [second.description.id]
    assert [*entry.runtime_data.devices] == [second.description.id]


async def test_removed_while_it_did_not_run(hass: HomeAssistant) -> None:
    """A subentry that was removed meanwhile takes its device along."""
    entry = await adopt(hass, ZHA_SMOKE, ESPHOME_TANK)
    first, second = entry.runtime_data.devices.values()
    assert await hass.config_entries.async_unload(entry.entry_id)
    hass.config_entries.async_remove_subentry(entry, first.description.id)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    assert [*entry.runtime_data.devices] == [second.description.id]


async def test_unloaded_it_hears_nothing(hass: HomeAssistant) -> None:
    """No listener and no timer is left."""
    entry = await adopt(hass, ZHA_SMOKE)
    device = only_device(entry)
    smoke = entity_of(hass, ZHA_SMOKE, "-1280")
    say(hass, smoke, "off")
    assert await hass.config_entries.async_unload(entry.entry_id)
    say(hass, smoke, "on")
    assert open_hazards(hass, device) == []


async def test_buttons(hass: HomeAssistant) -> None:
    """Our command presses the button of the other integration."""
    entry = await adopt(hass, MATTER_SMOKE)
    device = only_device(entry)
    assert device.commands == ["self_test"]
    button = entity_of(hass, MATTER_SMOKE, "SelfTestRequest-92-65529")
    with pytest.raises(HomeAssistantError):
        await entry.runtime_data.async_press(device, "self_test")
    pressed: list[Any] = []
    hass.services.async_register(
        "button", "press", lambda call: pressed.append(call.data["entity_id"])
    )
    say(hass, button, "unknown")
    await entry.runtime_data.async_press(device, "self_test")
    assert pressed == [button]


async def test_diagnostics(
    hass: HomeAssistant, hass_client: ClientSessionGenerator
) -> None:
    """They say how each entity is heard, and not what it is called."""
    entry = await adopt(hass, SHELLY_1PM)
    assert await async_setup_component(hass, "diagnostics", {})
    device = only_device(entry)
    say(hass, entity_of(hass, SHELLY_1PM, "switch:0-current"), 5)
    found: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert found["entry"]["data"] == {"dialect": "adopted"}
    rows = found["gateway"]["adopted"][device.device_id]
    assert {
        "reading": "current",
        "integration": "shelly",
        "iot_class": "local_push",
        "absent": False,
        "hoped": False,
    } in rows
    assert "1-1-201" not in str(found)
    assert "1_1_201" not in str(found)
    assert DOMAIN not in str(rows)
