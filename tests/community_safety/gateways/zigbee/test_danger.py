"""Danger in words that nobody knows, and from devices that nobody knows: it is not dropped."""

import asyncio
from dataclasses import replace
from typing import Any, override

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.zigbee import (
    ZigbeeGateway,
    database_path,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from simulator.devices import SmokeSensor
from simulator.ezsp import tuya
from simulator.ezsp.models import (
    ALARM_1,
    FIRE_SENSOR,
    IAS_ZONE,
    MAKER,
    MODELS,
    Endpoint,
    Model,
)
from simulator.ezsp.node import Node
from simulator.ezsp.simulator import EzspSimulator
from tests.common import wait_until

from .common import address, join, smoke, tell
from .test_truth import restart

ZONE_CLUSTER = 0x0500
ALARM_2 = 0x02
#: Zone types of table 8-4 that are none of fire.
STANDARD, CARBON_MONOXIDE, CONTACT, OF_A_MAKER = 0x0000, 0x002B, 0x0015, 0x8001


def zones(*types: int, sleepy: bool = True) -> Model:
    """Return a detector with a zone of each type, each on an endpoint of its own."""
    return Model(
        "zones",
        MAKER,
        f"SM-{len(types)}Z",
        SmokeSensor,
        {
            number: Endpoint(
                IAS_ZONE,
                ("basic", "power", "ias_zone") if number == 1 else ("ias_zone",),
                values={"ias_zone.type": kind, "basic.power_source": 3},
                zone={"nothing": ALARM_1},
            )
            for number, kind in enumerate(types, 1)
        },
        sleepy=sleepy,
    )


def breaker(**values: Any) -> Model:
    """Return the breaker monitor with other values of its attributes."""
    model = MODELS["breaker"]
    endpoint = model.endpoints[1]
    return replace(
        model,
        endpoints={1: replace(endpoint, values={**endpoint.values, **values})},
    )


def alarms(zigbee: ZigbeeGateway, device: SafetyDevice) -> set[str]:
    """Return the hazards of a device that are present."""
    return {
        alarm.hazard
        for alarm in zigbee.house.book.of_device(device.uid)
        if alarm.present
    }


def shown(hass: HomeAssistant) -> set[str]:
    """Return what a person is asked to mend."""
    return {
        str(issue.translation_key)
        for issue in ir.async_get(hass).issues.values()
        if issue.domain == DOMAIN
    }


def is_trusted(device: SafetyDevice, key: str) -> bool:
    """Return if a reading may cut the power."""
    return key in device.readings and device.trusts(key)


# Zones


@pytest.mark.parametrize("bits", [ALARM_1, ALARM_2, 0x0031, 0x0032])
@pytest.mark.parametrize(
    "second", [FIRE_SENSOR, STANDARD, CARBON_MONOXIDE, OF_A_MAKER, 0xFFFF]
)
async def test_the_calm_of_one_zone_is_its_own(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    second: int,
    bits: int,
) -> None:
    """Each zone's alarm is heard, on either bit; the other one's calm does not end it.

    Bits: Koenkk/zigbee-herdsman-converters#2889 and #946; with those of supervision:
    dresden-elektronik/deconz-rest-plugin#3272.
    """
    node, device = await join(hass, zigbee, coordinator, zones(FIRE_SENSOR, second))
    body = node.body
    body.set_zone(bits, 1)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    body.set_zone(bits, 2)
    body.set_zone(0, 2)
    body.set_zone(0x30, 2)
    await coordinator.delivered()
    await hass.async_block_till_done()
    assert device.readings["smoke"] is True
    assert "smoke" in alarms(zigbee, device)

    body.set_zone(bits, 2)
    body.set_zone(0, 1)
    await coordinator.delivered()
    await hass.async_block_till_done()
    assert device.readings["smoke"] is True
    body.set_zone(0, 2)
    await wait_until(hass, lambda: device.readings["smoke"] is False)


async def test_a_contact_is_no_smoke(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A zone that says what else it is, is not taken for smoke."""
    node, device = await join(hass, zigbee, coordinator, zones(FIRE_SENSOR, CONTACT))
    node.body.set_zone(ALARM_1, 2)
    node.body.set_zone(ALARM_1, 1)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    node.body.set_zone(0, 1)
    await wait_until(hass, lambda: device.readings["smoke"] is False)


async def test_a_zone_that_the_interview_has_missed(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """The alarm of an endpoint that nobody knows is heard: zigpy drops it."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    node.send(7, ZONE_CLUSTER, bytes((0x19, 201, 0, 1, 0, 0, 1, 0, 0)))
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    node.send(7, ZONE_CLUSTER, bytes((0x18, 202, 0x0A, 2, 0, 0x21, 0, 0)))
    await wait_until(hass, lambda: device.readings["smoke"] is False)


@pytest.mark.parametrize(
    "frame",
    [
        bytes((0x19, 201, 0)),
        bytes((0x19, 201, 0, 1)),
        bytes((0x18, 201, 0x0A, 2, 0, 0x19, 1)),
        bytes((0x18, 201, 0x0A, 2, 0, 0x42, 1, 65)),
    ],
)
async def test_a_status_that_is_broken(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    frame: bytes,
) -> None:
    """It is a fault of the sensor, until the next one that can be read."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    node.send(1, ZONE_CLUSTER, frame)
    await wait_until(hass, lambda: device.readings["implausible"] is True)
    assert alarms(zigbee, device) == {"sensor_fault"}
    smoke(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)
    assert device.readings["implausible"] is False


# Words


async def test_faults_of_a_breaker(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Its fault code and its lock both tell that it has tripped; neither ends the other.

    Codes: zigpy/zha-device-handlers#2559; two at a time are no word of the quirk.
    """
    node, device = await join(hass, zigbee, coordinator, "tuya-breaker")
    await wait_until(hass, lambda: device.readings.get("tripped") is False)

    def send(code: int, locked: int) -> None:
        points = bytes((26, 4, 0, 1, code)) + bytes((116, 1, 0, 1, locked))
        tuya.send(node, tuya.REPORT, points)

    for code, locked in ((0x0A, 0), (0x0C, 0), (0, 1)):
        send(code, locked)
        await wait_until(hass, lambda: device.readings["tripped"] is True)
        send(0, 0)
        await wait_until(hass, lambda: device.readings["tripped"] is False)


async def test_faults_of_a_pile(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """A pile has no hazard for what its own protection finds: it is a fault, at least."""
    node, device = await join(hass, zigbee, coordinator, "tuya-breaker")
    await wait_until(hass, lambda: device.readings.get("tripped") is False)
    # Asked anew as a pile it would say, by the way, that it has no fault.
    node.body.device = None
    await zigbee.async_set_kind(device.description.id, "charging_pile")
    for code, hazards in ((0x0A, {"sensor_fault"}), (0, set())):
        points = bytes((26, 4, 0, 1, code)) + bytes((116, 1, 0, 1, 0))
        tuya.send(node, tuya.REPORT, points)
        await wait_until(
            hass, lambda hazards=hazards: alarms(zigbee, device) == hazards
        )


async def test_a_data_point_of_danger_that_cannot_be_read(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """It is a fault of the sensor, and the leak that comes after it is told."""
    node, device = await join(hass, zigbee, coordinator, "tuya-breaker")
    await wait_until(hass, lambda: "current" in device.readings)
    # The quirk takes the current from three bytes, and has one.
    tuya.send(node, tuya.REPORT, bytes((102, 0, 0, 1, 9)))
    await wait_until(hass, lambda: device.readings["implausible"] is True)
    assert alarms(zigbee, device) == {"sensor_fault"}
    tuya.send(node, tuya.REPORT, bytes((102, 0, 0, 3, 0, 0x10, 0)))
    await wait_until(hass, lambda: device.readings["implausible"] is False)
    assert device.readings["current"] == pytest.approx(4.096)


# Scales


async def join_lacking(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator, *paths: str
) -> tuple[Node, SafetyDevice]:
    """Let a breaker monitor join that does not have these attributes."""
    node = coordinator.add("breaker")
    for path in paths:
        del node.kinds[node.key(path)]
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.devices)
    return node, zigbee.devices[address(node)]


async def test_a_scale_of_zero(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """What nobody can read is a fault, and no current (home-assistant/core#42283)."""
    model = breaker(**{"electrical.current_divisor": 0})
    node, device = await join(hass, zigbee, coordinator, model)
    await wait_until(hass, lambda: device.readings["implausible"] is True)
    assert alarms(zigbee, device) == {"sensor_fault"}
    assert device.readings["voltage"] == pytest.approx(230, abs=10)
    assert not is_trusted(device, "current")

    # The device has been mended: it is asked once it comes back.
    node.attributes[node.key("electrical.current_divisor")] = 100
    node.announce()
    await wait_until(hass, lambda: device.readings["implausible"] is False)
    assert device.readings["current"] == pytest.approx(5, abs=1)
    assert not alarms(zigbee, device)


async def test_a_current_without_a_divisor(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Milliamperes are not taken for amperes, volts are (zigpy/zha-device-handlers#1764)."""
    paths = (
        "electrical.current_multiplier",
        "electrical.current_divisor",
        "electrical.power_multiplier",
        "electrical.power_divisor",
    )
    _node, device = await join_lacking(hass, zigbee, coordinator, *paths)
    await wait_until(hass, lambda: device.readings["implausible"] is True)
    assert not is_trusted(device, "current")
    assert device.readings["power"] == pytest.approx(1150, abs=200)


async def test_a_divisor_without_a_multiplier(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Most devices have no multiplier; that is one."""
    _node, device = await join_lacking(
        hass, zigbee, coordinator, "electrical.current_multiplier"
    )
    await wait_until(hass, lambda: "current" in device.readings)
    assert device.readings["current"] == pytest.approx(5, abs=1)
    assert device.readings["implausible"] is False


async def test_a_scale_that_was_lost(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """It is read when a value comes, which waits for it (zigpy/zha-device-handlers#1220)."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    await wait_until(hass, lambda: "current" in device.readings)
    zha: Any = zigbee.radio.device(device.description.id)
    cluster = zha.device.endpoints[1].electrical_measurement
    for name in ("ac_current_multiplier", "ac_current_divisor"):
        cache = cluster._attr_cache
        del cache._cache[cache._cache_key(cluster.find_attribute(name))]
    zigbee.device_ready(zha)
    zigbee._nodes[device.description.id].verified = True
    node.attributes[node.key("electrical.current")] = 777
    node.reporting.report(node.key("electrical.current"))
    await wait_until(hass, lambda: device.readings["current"] == pytest.approx(7.77))
    assert device.readings["implausible"] is False


# What is asked


@pytest.mark.parametrize("meanwhile", [True, False])
async def test_what_could_not_be_asked_is_asked_again(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    meanwhile: bool,
) -> None:
    """A read that was lost is made once more when the device says anything at all."""
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    bound = zigbee._nodes[device.description.id]
    zone: Any = bound.profile.zones[0].cluster
    tries: list[object] = []

    async def no_answer(names: object, **_options: Any) -> None:
        # zigpy itself waits for half a minute.
        tries.append(names)
        raise TimeoutError

    zone.read_attributes = no_answer
    body: Any = node.body.device
    body.smoke = meanwhile
    tell(node)
    await wait_until(hass, lambda: len(tries) == 1 and not bound.verified)
    assert "smoke" not in device.readings
    del zone.read_attributes
    tell(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is meanwhile)
    assert bound.verified


async def test_it_comes_back_while_it_is_asked_in_vain(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """What it was asked before it had power again says nothing: it is asked anew, once."""
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    bound = entry.runtime_data._nodes[device.description.id]
    await wait_until(hass, lambda: bound.verified and bound._verifying.done())
    zone: Any = bound.profile.zones[0].cluster
    tries: list[object] = []
    given_up = asyncio.Event()

    async def no_answer(names: object, **_options: Any) -> None:
        tries.append(names)
        await given_up.wait()
        raise TimeoutError

    zone.read_attributes = no_answer
    node.announce()
    await wait_until(hass, lambda: len(tries) == 1)
    node.announce()
    await wait_until(hass, lambda: not bound.verified)
    given_up.set()
    await wait_until(hass, lambda: len(tries) == 2)
    await wait_until(hass, lambda: bound._verifying.done() and not bound.verified)


def ignore(*_args: Any, **_options: Any) -> None:
    """Hear nothing."""


async def test_one_zone_that_does_not_answer_hides_no_other(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """Each is asked, also where the first one fails."""
    node, device = await join(
        hass, entry.runtime_data, coordinator, zones(FIRE_SENSOR, FIRE_SENSOR)
    )
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    first: Any = zigbee._nodes[device.description.id].profile.zones[0].cluster

    async def fail(*_args: Any, **_options: Any) -> None:
        raise TimeoutError

    first.read_attributes = fail
    node.body._forced.add(2)
    node.attributes[2, ZONE_CLUSTER, 2] = ALARM_1
    tell_of(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


def tell_of(node: Node) -> None:
    """Let a device say something that is none of its readings."""
    node.send(1, 0x0000, bytes((0x18, 99, 0x0A, 0, 0, 0x20, 3)))


# Devices that nobody knows


async def test_a_zone_of_which_nobody_knows_what_it_is(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    hass_client: ClientSessionGenerator,
) -> None:
    """A person is asked, and its alarm is heard from then on; until then it is a fault."""
    assert await async_setup_component(hass, "repairs", {})
    node = coordinator.add(zones(STANDARD))
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.ignored)
    assert shown(hass) == {"device_no_kind"}
    assert alarms(zigbee, zigbee.device) == {"sensor_fault"}

    client = await hass_client()
    issue_id = f"device_no_kind_{zigbee.entry.entry_id}_{address(node)}"
    answer = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
    )
    flow = await answer.json()
    assert flow["description_placeholders"]["model"] == f"{MAKER} SM-1Z"
    url = f"/api/repairs/issues/fix/{flow['flow_id']}"
    answer = await client.post(url, json={"kind": "hydrant"})
    assert (await answer.json())["errors"] == {"base": "device_kind"}
    answer = await client.post(url, json={"kind": "smoke_sensor"})
    assert (await answer.json())["type"] == "create_entry"
    await hass.async_block_till_done()

    assert shown(hass) == set()
    assert not alarms(zigbee, zigbee.device)
    device = zigbee.devices[address(node)]
    node.body.set_zone(ALARM_2)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


#: "On/Off Light Switch", which is what many a relay with a meter calls itself.
LIGHT_SWITCH = 0x0103


async def test_a_relay_with_a_meter_that_does_not_say_what_it_is(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """It can cut a flat off, or only a light: a person is asked, as of one of Zigbee2MQTT."""
    model = MODELS["breaker"]
    other = {"analog_input.description": "Something", "analog_input.units": 2}
    endpoint = replace(model.endpoints[1], device=LIGHT_SWITCH, values=other)
    node = coordinator.add(replace(model, endpoints={1: endpoint}))
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.ignored)
    assert shown(hass) == {"device_no_kind"}

    await zigbee.async_set_kind(address(node), "breaker_monitor")
    assert shown(hass) == set()
    assert zigbee.devices[address(node)].supplies == ("supply",)


async def test_data_points_that_nobody_has_explained(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """One of Tuya's of a maker that no quirk knows: it may be a detector, and is not watched.

    As of the many in zigpy/zha-device-handlers#3184, #2757. A person says that it is none.
    """
    model = replace(MODELS["tuya-breaker"], manufacturer="_TZE200_nobody00")
    node = coordinator.add(model)
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.ignored)
    assert shown(hass) == {"device_no_kind"}
    assert alarms(zigbee, zigbee.device) == {"sensor_fault"}
    await zigbee.async_set_kind(address(node), "none")
    assert shown(hass) == set()


@pytest.mark.parametrize("kind", [CONTACT, 0x000D])
async def test_a_zone_that_is_no_danger(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator, kind: int
) -> None:
    """Contacts and motion sensors may be in the network, and nobody is asked of them."""
    node = coordinator.add(zones(kind))
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.ignored)
    assert shown(hass) == set()


async def test_a_person_says_that_it_is_none(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """That is not asked again, also after a restart."""
    zigbee = entry.runtime_data
    node = coordinator.add(zones(CARBON_MONOXIDE))
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: address(node) in zigbee.ignored)
    assert shown(hass) == {"device_no_kind"}
    await zigbee.async_set_kind(address(node), "none")
    assert shown(hass) == set()
    zigbee = await restart(hass, entry, lambda: None)
    assert address(node) in zigbee.ignored
    assert shown(hass) == set()


async def fail_interview(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator, node: Node
) -> None:
    """Let a device join that answers nothing, and let its interview end."""
    node.receive = ignore  # type: ignore[method-assign]
    await zigbee.async_permit(60)
    await coordinator.join(node)
    app: Any = zigbee.radio.app
    await wait_until(
        hass, lambda: any(str(ieee) == address(node) for ieee in app.devices)
    )
    device = next(
        item for ieee, item in app.devices.items() if str(ieee) == address(node)
    )
    device.cancel_initialization()
    app.listener_event("device_init_failure", device)


async def test_an_interview_that_fails(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    hass_client: ClientSessionGenerator,
) -> None:
    """A person hears of it and what to do; woken, the device is watched.

    Devices that never finish: home-assistant/core#97287, zigpy/zha-device-handlers#1454.
    """
    assert await async_setup_component(hass, "repairs", {})
    zigbee = entry.runtime_data
    node = coordinator.add("smoke")
    hear = node.receive
    await fail_interview(hass, zigbee, coordinator, node)
    assert shown(hass) == {"device_not_interviewed"}
    assert alarms(zigbee, zigbee.device) == {"sensor_fault"}

    client = await hass_client()
    issue_id = f"device_not_interviewed_{entry.entry_id}_{address(node)}"
    answer = await client.post(
        "/api/repairs/issues/fix", json={"handler": DOMAIN, "issue_id": issue_id}
    )
    url = f"/api/repairs/issues/fix/{(await answer.json())['flow_id']}"
    radio: Any = zigbee.radio
    interview = radio.async_reinterview

    async def no_answer(_ieee: str) -> None:
        raise TimeoutError("no answer")

    radio.async_reinterview = no_answer
    answer = await client.post(url, json={})
    assert (await answer.json())["errors"] == {"base": "interview_failed"}

    radio.async_reinterview = interview
    node.receive = hear  # type: ignore[method-assign]
    answer = await client.post(url, json={})
    assert (await answer.json())["type"] == "create_entry"
    await wait_until(hass, lambda: address(node) in zigbee.devices)
    assert shown(hass) == set()
    assert not alarms(zigbee, zigbee.device)
    device = zigbee.devices[address(node)]
    smoke(node)
    await wait_until(hass, lambda: device.readings.get("smoke") is True)


@pytest.mark.parametrize(
    "frame",
    [
        bytes((0x19, 15, 0, 1, 0, 0, 1, 0, 0)),
        bytes((0x18, 15, 0x0A, 2, 0, 0x21, 1, 0)),
    ],
)
async def test_a_device_of_an_earlier_run_whose_interview_fails(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    frame: bytes,
) -> None:
    """Zigpy has lost it, we have not: its fire is an alarm, though nobody can ask it.

    The second frame is that of zigpy/zha-device-handlers#1454, word for word.
    """
    node, device = await join(hass, entry.runtime_data, coordinator, "smoke")

    def lose() -> None:
        database_path(hass, entry).unlink()
        node.receive = ignore  # type: ignore[method-assign]

    zigbee = await restart(hass, entry, lose)
    device = zigbee.devices[device.description.id]
    await fail_interview(hass, zigbee, coordinator, node)
    node.send(1, ZONE_CLUSTER, frame)
    await wait_until(hass, lambda: "smoke" in alarms(zigbee, device))
    assert shown(hass) == {"device_not_interviewed"}


# Devices that become others

#: ZDO, "which endpoints have you".
ACTIVE_ENDPOINTS = 0x0005


async def become(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    node: Node,
    model: str,
    *,
    asked: bool = True,
) -> Node:
    """Let a device be reset and join as another one, at the same address.

    It is `asked` by a person, or must be noticed.
    """
    coordinator.air.leave(node)
    del coordinator.air.by_eui64[node.eui64]
    device = coordinator.add(model, eui64=node.eui64)
    await zigbee.async_permit(60)
    await coordinator.join(device)
    known: Any = zigbee.radio.device(address(device))
    await wait_until(hass, lambda: known.nwk == device.nwk)
    if asked:
        await zigbee.async_interview(address(device))
    return device


async def test_a_device_that_becomes_another_one(
    hass: HomeAssistant, entry: MockConfigEntry, coordinator: EzspSimulator
) -> None:
    """What is open of it stays, until a person deletes it; then the other one is there."""
    zigbee = entry.runtime_data
    node, device = await join(hass, zigbee, coordinator, "smoke")
    smoke(node)
    await wait_until(hass, lambda: "smoke" in alarms(zigbee, device))
    await become(hass, zigbee, coordinator, node, "breaker")
    await wait_until(hass, lambda: shown(hass) == {"device_replaced"})
    assert zigbee.devices[device.description.id] is device
    assert device.kind.key == "smoke_sensor"
    assert not device.available
    assert "smoke" in alarms(zigbee, device)

    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    assert shown(hass) == {"device_replaced"}
    assert device.kind.key == "smoke_sensor"
    assert "smoke" in alarms(zigbee, device)

    assert await zigbee.async_delete(device)
    await wait_until(hass, lambda: device.description.id in zigbee.devices)
    assert zigbee.devices[device.description.id].kind.key == "breaker_monitor"
    assert shown(hass) == set()


async def test_a_device_that_becomes_none_of_ours(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """Without anything open it is missing too, and not shown as if it were watched."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    await become(hass, zigbee, coordinator, node, "elevator-blocker")
    await wait_until(hass, lambda: shown(hass) == {"device_replaced"})
    assert not device.available
    assert device.readings["unresponsive"] is True


@pytest.mark.parametrize("burning", [True, False])
async def test_another_device_is_noticed_at_once(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    burning: bool,
) -> None:
    """It joins by itself, and nobody asks for it: what is open stays, and a repair says so."""
    zigbee = entry.runtime_data
    node, device = await join(hass, zigbee, coordinator, "smoke")
    smoke(node, burning)
    await wait_until(hass, lambda: device.readings.get("smoke") is burning)
    open_before = alarms(zigbee, device)
    other = await become(hass, zigbee, coordinator, node, "breaker", asked=False)
    await wait_until(hass, lambda: shown(hass) == {"device_replaced"})
    assert device.kind.key == "smoke_sensor"
    assert not device.available
    assert open_before <= alarms(zigbee, device)

    # A restart makes no breaker of it, nor does the other's word.
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    assert (device.kind.key, shown(hass)) == ("smoke_sensor", {"device_replaced"})
    other.announce()
    await coordinator.delivered()
    await hass.async_block_till_done()
    assert device.kind.key == "smoke_sensor"
    assert open_before <= alarms(zigbee, device)

    assert await zigbee.async_delete(device)
    await wait_until(hass, lambda: device.description.id in zigbee.devices)
    assert zigbee.devices[device.description.id].kind.key == "breaker_monitor"


async def test_the_same_device_that_comes_back_is_the_same(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """After a power cut it is asked what it is, once, and nothing is made anew."""
    node, device = await join(hass, zigbee, coordinator, "breaker")
    await wait_until(hass, lambda: "supply" in device.readings)
    before = zigbee.radio.device(device.description.id)
    node.records.clear()
    node.announce()
    await wait_until(hass, lambda: _has_told_its_names(node))
    await hass.async_block_till_done()
    assert not asked_for(node, ACTIVE_ENDPOINTS), "it has kept its address"
    assert zigbee.radio.device(device.description.id) is before
    assert shown(hass) == set()
    assert device.available


def _has_told_its_names(node: Node) -> bool:
    names = (4).to_bytes(2, "little") + (5).to_bytes(2, "little")
    return any(
        (record.what, record.cluster) == ("asked", 0) and names in record.payload
        for record in node.records
    )


def asked_for(node: Node, cluster: int) -> list[Any]:
    """Return the questions about one cluster of ZDO."""
    return [
        record
        for record in node.records
        if record.what == "asked" and (record.endpoint, record.cluster) == (0, cluster)
    ]


# Zones that tell somebody else, or nobody

ZONE, STATE, CIE = 0x0500, 0x0000, 0x0010
NOT_AUTHORIZED = 0x7E


@pytest.mark.parametrize("lost", [{STATE: 0}, {CIE: 0x1122334455667788}])
async def test_a_zone_that_tells_nobody_is_enrolled_again(
    hass: HomeAssistant,
    zigbee: ZigbeeGateway,
    coordinator: EzspSimulator,
    lost: dict[int, int],
) -> None:
    """A reset, or another controller, has taken it: as soon as it is heard it is ours again."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    for attribute, value in lost.items():
        node.attributes[1, ZONE, attribute] = value
    node.announce()
    await wait_until(hass, lambda: node.attributes[1, ZONE, STATE] == 1)
    await wait_until(
        hass, lambda: node.attributes[1, ZONE, CIE] == coordinator.ncp.eui64
    )
    smoke(node)
    await wait_until(hass, lambda: "smoke" in alarms(zigbee, device))
    assert shown(hass) == set()


class Stubborn(dict[Any, Any]):
    """Attributes of a zone that says what it likes, whatever is written."""

    def __init__(self, attributes: dict[Any, Any], lost: dict[int, int]) -> None:
        """Initialize; `lost` is what the zone says of its enrolment."""
        super().__init__(attributes)
        self._lost = {(1, ZONE, name): value for name, value in lost.items()}

    @override
    def __getitem__(self, key: Any) -> Any:
        return self.get(key)

    @override
    def get(self, key: Any, default: Any = None) -> Any:
        return self._lost.get(key, super().get(key, default))


@pytest.mark.parametrize("lost", [{STATE: 0}, {CIE: 0x1122334455667788}])
async def test_a_zone_that_will_not_be_enrolled_is_a_fault(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
    lost: dict[int, int],
) -> None:
    """It answers that all is calm, and would never tell of a fire: that is not shown as fine."""
    zigbee = entry.runtime_data
    node, device = await join(hass, zigbee, coordinator, "smoke")
    await wait_until(hass, lambda: device.readings.get("smoke") is False)

    obedient = node.attributes
    monkeypatch.setattr(node, "attributes", Stubborn(obedient, lost))
    node.announce()
    await wait_until(hass, lambda: shown(hass) == {"device_not_enrolled"})
    assert "smoke" not in device.readings
    assert "sensor_fault" in alarms(zigbee, device)

    # It is still so after a restart, before it speaks and after, and ends when it is mended.
    zigbee = await restart(hass, entry, lambda: None)
    device = zigbee.devices[device.description.id]
    assert shown(hass) == {"device_not_enrolled"}
    assert "smoke" not in device.readings
    assert "sensor_fault" in alarms(zigbee, device)
    tell(node)
    asked = zigbee._nodes[device.description.id]
    await wait_until(hass, lambda: bool(asked._verifying and asked._verifying.done()))
    assert shown(hass) == {"device_not_enrolled"}
    monkeypatch.setattr(node, "attributes", dict(obedient))
    node.announce()
    await wait_until(hass, lambda: shown(hass) == set())
    await wait_until(hass, lambda: device.readings.get("smoke") is False)
    assert "sensor_fault" not in alarms(zigbee, device)


async def test_a_zone_that_refuses_from_the_start(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    coordinator: EzspSimulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It takes no address to tell its alarms to, and is shown until it has one."""
    node = coordinator.add("smoke")
    obedient, write = node.attributes, node.zcl._write_one

    def refuse(request: Any, identifier: int, *more: Any) -> int:
        if (request.cluster, identifier) == (ZONE, CIE):
            return NOT_AUTHORIZED
        return write(request, identifier, *more)

    monkeypatch.setattr(node.zcl, "_write_one", refuse)
    monkeypatch.setattr(node, "attributes", Stubborn(obedient, {STATE: 0, CIE: 0}))
    zigbee = entry.runtime_data
    await zigbee.async_permit(60)
    await coordinator.join(node)
    await wait_until(hass, lambda: shown(hass) == {"device_not_enrolled"})
    for _ in range(2):
        zigbee = await restart(hass, entry, lambda: None)
        assert shown(hass) == {"device_not_enrolled"}
        device = zigbee.devices[address(node)]
        assert "sensor_fault" in alarms(zigbee, device)

    monkeypatch.setattr(node.zcl, "_write_one", write)
    monkeypatch.setattr(node, "attributes", dict(obedient))
    tell(node)
    await wait_until(hass, lambda: shown(hass) == set())
    assert node.attributes[1, ZONE, CIE] == coordinator.ncp.eui64
    await wait_until(hass, lambda: "sensor_fault" not in alarms(zigbee, device))


async def test_only_a_person_removes_a_device(
    hass: HomeAssistant, zigbee: ZigbeeGateway, coordinator: EzspSimulator
) -> None:
    """One that is gone from the network in another way is missing, with what is open."""
    node, device = await join(hass, zigbee, coordinator, "smoke")
    smoke(node)
    await wait_until(hass, lambda: "smoke" in alarms(zigbee, device))
    app: Any = zigbee.radio.app
    zha: Any = zigbee.radio.device(device.description.id)
    await app.remove(zha.ieee)
    await wait_until(hass, lambda: not device.available)
    assert "smoke" in alarms(zigbee, device)
    assert zigbee.devices[device.description.id] is device
    assert await zigbee.async_delete(device)
    assert not alarms(zigbee, device)
