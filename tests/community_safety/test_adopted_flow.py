"""Adopting devices as a person does: choosing, confirming, correcting."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from homeassistant.config_entries import (
    SOURCE_RECONFIGURE,
    SOURCE_USER,
    ConfigEntryState,
    ConfigFlowResult,
    ConfigSubentry,
    SubentryFlowResult,
)
from homeassistant.core import HomeAssistant
from homeassistant.data_entry_flow import FlowResultType, InvalidData
from homeassistant.helpers import device_registry as dr, entity_registry as er

from .gateways.adopted.common import add_adopted, adopt, only_device, proposal, subentry
from .gateways.adopted.shapes import (
    ESPHOME_TANK,
    MATTER_SMOKE,
    PROTECT_CAMERA,
    SHELLY_1PM,
    SHELLY_2PM,
    SHELLY_3EM,
    ZHA_SMOKE,
    Row,
    Shape,
    entity_of,
    register,
    sensor,
)

LAMP = Shape(
    domain="hue",
    identifier="lamp",
    name="Lamp",
    rows=(Row(domain="light", unique_id="lamp"),),
)


async def begin(hass: HomeAssistant) -> ConfigFlowResult:
    """Choose in the menu that there are devices already."""
    result = await hass.config_entries.flow.async_init(
        DOMAIN, context={"source": SOURCE_USER}
    )
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"next_step_id": "adopted"}
    )


async def choose(
    hass: HomeAssistant, result: ConfigFlowResult, *devices: str
) -> ConfigFlowResult:
    """Choose devices."""
    return await hass.config_entries.flow.async_configure(
        result["flow_id"], {"devices": list(devices)}
    )


async def test_several_at_once(hass: HomeAssistant) -> None:
    """What they are is shown, and one click adopts them: nothing is typed."""
    smoke, breaker = register(hass, MATTER_SMOKE), register(hass, SHELLY_1PM)
    result = await choose(hass, await begin(hass), smoke, breaker)
    assert result["type"] is FlowResultType.FORM
    assert result["step_id"] == "adopted_confirm"
    placeholders = result["description_placeholders"]
    assert placeholders
    text = placeholders["devices"]
    assert "- **Smoke sensor**: Smoke sensor" in text
    assert "- **1-1-201 flat**: Breaker monitor" in text
    assert "  - Supply: `switch.1_1_201_flat`" in text

    result = await hass.config_entries.flow.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert result["title"] == "Adopted devices"
    assert result["data"] == {"dialect": "adopted"}
    entry = result["result"]
    assert entry.state is ConfigEntryState.LOADED
    assert [row.title for row in entry.subentries.values()] == [
        "Smoke sensor",
        "1-1-201 flat",
    ]
    assert [device.kind.key for device in entry.runtime_data.devices.values()] == [
        "smoke_sensor",
        "breaker_monitor",
    ]


async def test_each_mistake_is_told(hass: HomeAssistant) -> None:
    """It can be mended in the same form."""
    entry = await adopt(hass, ZHA_SMOKE)
    adopted = only_device(entry)
    registry = dr.async_get(hass)
    (row,) = entry.subentries.values()
    lamp, tank = register(hass, LAMP), register(hass, ESPHOME_TANK)
    registry.async_update_device(lamp, name_by_user="Lamp in the hall")
    result = await begin(hass)
    for devices, error, named in (
        ([], "no_devices", ""),
        (["nobody"], "no_devices", ""),
        ([lamp, tank], "no_kind", "Lamp in the hall"),
        ([str(adopted.device_id)], "own_device", adopted.name),
        ([row.data["device"]], "already_adopted", "Bosch RBSH-SD-ZB-EU"),
    ):
        result = await choose(hass, result, *devices)
        assert result["errors"] == {"devices": error}
        assert result["description_placeholders"] == {"devices": named}
        assert result["step_id"] == "adopted"
    result = await choose(hass, result, tank)
    assert result["step_id"] == "adopted_confirm"


async def test_more_of_them(hass: HomeAssistant) -> None:
    """They are added to the gateway, which goes on meanwhile."""
    entry = await adopt(hass, ZHA_SMOKE)
    gateway = entry.runtime_data
    tank = register(hass, ESPHOME_TANK)
    result = await entry.start_reconfigure_flow(hass)
    assert result["step_id"] == "reconfigure_adopted"
    result = await choose(hass, result, tank)
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {})
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "adopted_added"
    await hass.async_block_till_done()
    assert entry.runtime_data is gateway
    assert [device.kind.key for device in gateway.devices.values()] == [
        "smoke_sensor",
        "water_tank",
    ]


async def test_other_gateways_adopt_nothing(hass: HomeAssistant) -> None:
    """Only the gateway of adopted devices has such subentries."""
    entry = MockConfigEntry(domain=DOMAIN, data={"dialect": "native", "topic": "x"})
    entry.add_to_hass(hass)
    assert entry.supported_subentry_types == {}
    adopted = await adopt(hass)
    assert set(adopted.supported_subentry_types) == {"adopted"}


async def start(hass: HomeAssistant, entry: MockConfigEntry) -> SubentryFlowResult:
    """Begin to adopt one device."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "adopted"), context={"source": SOURCE_USER}
    )


async def fill_in(
    hass: HomeAssistant, result: SubentryFlowResult, **user_input: Any
) -> SubentryFlowResult:
    """Fill a form in."""
    return await hass.config_entries.subentries.async_configure(
        result["flow_id"], user_input
    )


def suggested(result: SubentryFlowResult) -> dict[str, Any]:
    """Return what a form proposes."""
    schema = result["data_schema"]
    assert schema
    return {
        str(key): key.description["suggested_value"]
        for key in schema.schema
        if key.description
    }


def newest(entry: MockConfigEntry) -> ConfigSubentry:
    """Return the subentry that was added last."""
    return [*entry.subentries.values()][-1]


async def test_one_device(hass: HomeAssistant) -> None:
    """Kind and readings are proposed, in the order of the phases."""
    entry = await adopt(hass)
    device_id = register(hass, SHELLY_3EM)
    result = await start(hass, entry)
    assert result["step_id"] == "user"
    result = await fill_in(hass, result, device=device_id)
    assert result["step_id"] == "kind"
    assert suggested(result) == {"name": "Test name", "kind": "breaker_monitor"}
    result = await fill_in(hass, result, name="Stairwell", kind="breaker_monitor")
    assert result["step_id"] == "readings"
    proposed = suggested(result)
    assert proposed["current"] == [
        f"sensor.test_name_phase_{row}_current" for row in "abc"
    ]
    assert proposed["signal_strength"] == "sensor.test_name_signal_strength"

    result = await fill_in(hass, result, **proposed)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    device = only_device(entry)
    assert device.description.name == "Stairwell"
    assert {"current_l1", "current_l2", "current_l3"} < set(device.points)
    assert newest(entry).unique_id == device_id


async def test_a_device_of_no_certain_kind(hass: HomeAssistant) -> None:
    """Its installer says what it is."""
    entry = await adopt(hass)
    shape = Shape(
        domain="modbus",
        identifier="x",
        name="Cabinet",
        rows=(
            sensor("a", "temperature", "°C", name="Busbar"),
            Row(domain="button", unique_id="b", name="Self-test"),
        ),
    )
    result = await start(hass, entry)
    result = await fill_in(hass, result, device=register(hass, shape))
    assert suggested(result) == {"name": "Cabinet", "kind": None}
    result = await fill_in(hass, result, name="Cabinet", kind="breaker_monitor")
    assert suggested(result) == {
        "conductor_temperature": ["sensor.cabinet_busbar"],
        "self_test": "button.cabinet_self_test",
    }
    result = await fill_in(hass, result, **suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    device = only_device(entry)
    assert device.commands == ["self_test"]


async def test_entities_without_a_device(hass: HomeAssistant) -> None:
    """Templates and the like, registered or not."""
    entry = await adopt(hass)
    hass.states.async_set(
        "sensor.roof",
        "80",
        {"unit_of_measurement": "%", "friendly_name": "Roof tank level"},
    )
    template = er.async_get(hass).async_get_or_create(
        "sensor",
        "template",
        "t",
        original_device_class="temperature",
        original_name="Roof temperature",
        suggested_object_id="roof_temperature",
        unit_of_measurement="°C",
    )
    result = await start(hass, entry)
    result = await fill_in(hass, result)
    assert result["errors"] == {"base": "nothing_chosen"}
    result = await fill_in(hass, result, entities=["sensor.roof", template.entity_id])
    assert suggested(result) == {"name": "Roof tank level", "kind": "water_tank"}
    result = await fill_in(hass, result, name="Roof", kind="water_tank")
    assert suggested(result) == {
        "level": "sensor.roof",
        "temperature": [template.entity_id],
    }
    result = await fill_in(hass, result, **suggested(result))
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert newest(entry).data["readings"] == {
        "level": ["sensor.roof"],
        "temperature": [template.id],
    }


async def test_an_entity_that_is_not_there(hass: HomeAssistant) -> None:
    """Its name is all that is known of it."""
    entry = await adopt(hass)
    result = await start(hass, entry)
    result = await fill_in(hass, result, entities=["sensor.nowhere"])
    assert suggested(result) == {"name": "sensor.nowhere", "kind": None}


async def test_a_switch_is_adopted_once(hass: HomeAssistant) -> None:
    """A part has the switch of the whole: protected at one, it would be cut at the other."""
    device_id = register(hass, SHELLY_2PM)
    row = er.async_get(hass).async_get(entity_of(hass, SHELLY_2PM, "switch:0"))
    part = str(row and row.device_id)
    assert part != device_id
    result = await choose(hass, await begin(hass), device_id, part)
    assert result["errors"] == {"devices": "already_adopted"}
    # One that has been adopted by its entities alone.
    data = proposal(hass, part, "Shelly 2PM")
    await add_adopted(hass, subentry("Shed", {**data, "device": None}))
    for chosen in (device_id, part):
        result = await choose(hass, result, chosen)
        assert result["errors"] == {"devices": "already_adopted"}


async def test_adopted_while_it_was_shown(hass: HomeAssistant) -> None:
    """Somebody else was faster: nothing is adopted twice."""
    device_id = register(hass, SHELLY_1PM)
    result = await choose(hass, await begin(hass), device_id)
    assert result["step_id"] == "adopted_confirm"
    await add_adopted(hass, subentry("Flat", proposal(hass, device_id, "Shelly Pro")))
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {})
    assert (result["type"], result["reason"]) == (
        FlowResultType.ABORT,
        "adopted_changed",
    )
    assert len(hass.config_entries.async_entries(DOMAIN)) == 1


@pytest.mark.parametrize("which", ["own_device", "already_adopted"])
async def test_a_device_that_cannot_be_adopted(hass: HomeAssistant, which: str) -> None:
    """Ours would be watched by itself, and the others are watched already."""
    entry = await adopt(hass, ZHA_SMOKE)
    (row,) = entry.subentries.values()
    devices = {
        "own_device": only_device(entry).device_id,
        "already_adopted": row.data["device"],
    }
    result = await fill_in(hass, await start(hass, entry), device=devices[which])
    assert result["errors"] == {"device": which}


async def test_each_mistake_of_readings(hass: HomeAssistant) -> None:
    """Units, numbers of phases, supplies of others, and what is no danger at all."""
    entry = await adopt(hass, SHELLY_1PM)
    taken = entity_of(hass, SHELLY_1PM, "switch:0")
    own = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"{only_device(entry).uid}/supply"
    )
    current = entity_of(hass, SHELLY_1PM, "switch:0-current")
    energy = entity_of(hass, SHELLY_1PM, "switch:0-energy")
    hass.states.async_set("sensor.bare", "5")
    er.async_get(hass).async_get_or_create(
        "switch", "group", "all", suggested_object_id="all"
    )
    hass.states.async_set("switch.both", "on", {"entity_id": ["switch.a", "switch.b"]})
    result = await start(hass, entry)
    result = await fill_in(hass, result, entities=[current])
    result = await fill_in(hass, result, name="Flat", kind="breaker_monitor")
    for chosen, errors in (
        ({}, {"base": "no_danger"}),
        ({"supply": []}, {"base": "no_danger"}),
        ({"energy": [energy]}, {"base": "no_danger"}),
        ({"current": [energy]}, {"current": "wrong_unit"}),
        ({"current": ["sensor.bare"]}, {"current": "wrong_unit"}),
        ({"current": ["sensor.nowhere"]}, {"current": "wrong_unit"}),
        ({"current": [current] * 4}, {"current": "too_many"}),
        ({"supply": [taken]}, {"supply": "already_adopted"}),
        ({"supply": [own]}, {"supply": "own_device"}),
        ({"supply": ["switch.all"]}, {"supply": "is_group"}),
        ({"supply": ["switch.both"]}, {"supply": "is_group"}),
    ):
        result = await fill_in(hass, result, **chosen)
        assert (chosen, result["errors"]) == (chosen, errors)
        assert suggested(result) == chosen
    with pytest.raises(InvalidData):
        await fill_in(hass, result, supply=[current])
    result = await fill_in(hass, result, current=[current], tripped=[])
    assert result["type"] is FlowResultType.CREATE_ENTRY
    assert set(newest(entry).data["readings"]) == {"current"}


async def change(
    hass: HomeAssistant, entry: MockConfigEntry, row: ConfigSubentry
) -> SubentryFlowResult:
    """Begin to change a device."""
    return await hass.config_entries.subentries.async_init(
        (entry.entry_id, "adopted"),
        context={"source": SOURCE_RECONFIGURE, "subentry_id": row.subentry_id},
    )


async def test_change(hass: HomeAssistant) -> None:
    """It begins with what was chosen; nothing is reloaded, and alarms stay."""
    entry = await adopt(hass, SHELLY_1PM)
    gateway, device = entry.runtime_data, only_device(entry)
    (row,) = entry.subentries.values()
    result = await change(hass, entry, row)
    assert suggested(result) == {"name": "1-1-201 flat", "kind": "breaker_monitor"}
    result = await fill_in(hass, result, name="Flat 201", kind="breaker_monitor")
    proposed = suggested(result)
    assert proposed["supply"] == [entity_of(hass, SHELLY_1PM, "switch:0")]
    del proposed["voltage"]
    result = await fill_in(hass, result, **proposed)
    assert result["type"] is FlowResultType.ABORT
    assert result["reason"] == "reconfigure_successful"
    await hass.async_block_till_done()
    assert entry.runtime_data is gateway
    assert only_device(entry) is device
    assert device.description.name == "Flat 201"
    assert "voltage" not in device.points

    # Another kind: its readings are proposed anew.
    result = await change(hass, entry, row)
    result = await fill_in(hass, result, name="Socket", kind="charging_pile")
    proposed = suggested(result)
    assert proposed["temperature"] == [entity_of(hass, SHELLY_1PM, "-temperature")]
    result = await fill_in(hass, result, **proposed)
    await hass.async_block_till_done()
    assert only_device(entry).kind.key == "charging_pile"


async def test_change_of_what_has_lost_an_entity(hass: HomeAssistant) -> None:
    """What is gone is not proposed: another one can be chosen in its place."""
    entry = await adopt(hass, ZHA_SMOKE)
    (row,) = entry.subentries.values()
    er.async_get(hass).async_remove(entity_of(hass, ZHA_SMOKE, "-1280"))
    result = await change(hass, entry, row)
    result = await fill_in(hass, result, name="Smoke", kind="smoke_sensor")
    assert suggested(result) == {"battery": entity_of(hass, ZHA_SMOKE, "-1-1")}


async def test_a_part_of_a_device(hass: HomeAssistant) -> None:
    """A child device is called after itself, and made by who made its parent."""
    device_id = register(hass, ZHA_SMOKE)
    registry = dr.async_get(hass)
    parent = registry.async_get(device_id)
    assert parent
    child = registry.async_get_or_create_child(
        config_entry_id=parent.config_entry_id,
        identifiers={("zha", "child")},
        name="Second head",
        parent_device_id=parent.id,
    )
    er.async_get(hass).async_get_or_create(
        "binary_sensor",
        "zha",
        "child-1280",
        device_id=child.id,
        config_entry=hass.config_entries.async_get_entry(parent.config_entry_id),
        original_device_class="smoke",
    )
    result = await choose(hass, await begin(hass), child.id)
    result = await hass.config_entries.flow.async_configure(result["flow_id"], {})
    device = only_device(result["result"])  # type: ignore[arg-type]
    assert device.description.name == "Second head"
    assert device.description.manufacturer == "Bosch"
    assert set(device.layout.reportable) == {"smoke"}


async def test_the_same_supply_twice(hass: HomeAssistant) -> None:
    """Changing a device does not find its own supply taken."""
    device_id = register(hass, SHELLY_1PM)
    data = proposal(hass, device_id, "Shelly Pro 1PM")
    entry = await add_adopted(hass, subentry("Flat", data))
    (row,) = entry.subentries.values()
    result = await change(hass, entry, row)
    result = await fill_in(hass, result, name="Flat", kind="breaker_monitor")
    result = await fill_in(hass, result, supply=suggested(result)["supply"])
    assert result["type"] is FlowResultType.ABORT


async def test_a_camera(hass: HomeAssistant) -> None:
    """It needs something that can fail, and the time of its recordings is one."""
    entry = await adopt(hass)
    device_id = register(hass, PROTECT_CAMERA)
    result = await start(hass, entry)
    result = await fill_in(hass, result, device=device_id)
    assert suggested(result) == {"name": "Hall", "kind": "camera"}
    result = await fill_in(hass, result, name="Hall", kind="camera")
    proposed = suggested(result)
    assert proposed == {
        "video_lost": ["camera.hall_high_resolution_channel"],
        "oldest_recording": "sensor.hall_oldest_recording",
    }
    wrong = {"oldest_recording": "sensor.hall_storage_used"}
    result = await fill_in(hass, result, **wrong)
    assert result["errors"] == {"oldest_recording": "no_time"}
    hass.states.async_set("sensor.bare", "now")
    result = await fill_in(hass, result, oldest_recording="sensor.bare")
    assert result["errors"] == {"oldest_recording": "no_time"}
    result = await fill_in(hass, result)
    assert result["errors"] == {"base": "no_danger"}
    result = await fill_in(hass, result, **proposed)
    assert result["type"] is FlowResultType.CREATE_ENTRY
    await hass.async_block_till_done()
    assert set(newest(entry).data["readings"]) == set(proposed)
