"""The barrier of a camera: what is proven, what is stuck, and what nobody knows."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from syrupy.assertion import SnapshotAssertion

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.community_safety.gateways.vzenith import gateway as module
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from simulator.vzenith import LAYOUTS, ON, Camera, Fault
from tests.common import BASE, Peer, wait_until

from .common import add_camera, alarms_of, device_of, entity_of, state_of


async def order(
    hass: HomeAssistant, camera: Camera, service: str, context: Context | None = None
) -> None:
    """Open or close the barrier."""
    await hass.services.async_call(
        "cover",
        service,
        {"entity_id": entity_of(hass, camera, "cover", "locked_1")},
        blocking=True,
        context=context,
    )


async def test_entities(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    snapshot: SnapshotAssertion,
) -> None:
    """What a camera has."""
    registry = er.async_get(hass)
    rows = er.async_entries_for_device(
        registry,
        device_of(hass, camera).device_id or "",
        include_disabled_entities=True,
    )
    assert {
        row.entity_id: (row.translation_key, row.original_name, row.disabled)
        for row in rows
    } == snapshot


async def test_held_open_and_closed(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """Held open is an output that stays on and an arm that is seen up; closed, one seen down."""
    assert state_of(hass, camera, "cover", "locked_1") == "closed"
    await order(hass, camera, "open_cover")
    assert (camera.outputs[0], camera.is_up) == (ON, True)
    assert state_of(hass, camera, "cover", "locked_1") == "open"
    await order(hass, camera, "close_cover")
    assert (camera.outputs[0], camera.is_up) == (0, False)
    assert state_of(hass, camera, "cover", "locked_1") == "closed"


async def test_one_vehicle(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """A pulse raises the arm for one; that is no barrier that is held open."""
    port, device = entry.runtime_data, device_of(hass, camera)
    await port.async_set(device, "open_1", True)
    await wait_until(hass, lambda: device.readings.get("barrier_1") == "open")
    assert device.readings["locked_1"] is True
    camera.lower()
    await wait_until(hass, lambda: device.readings.get("barrier_1") == "closed")


async def test_one_vehicle_at_an_open_barrier(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """A pulse ends with the output off: what is held open lets in whoever comes, without one."""
    port, device = entry.runtime_data, device_of(hass, camera)
    await order(hass, camera, "open_cover")
    ordered = len(camera.ordered)
    await hass.data[DATA_HOUSE].doors.async_let_in(port, device, "locked_1")
    assert len(camera.ordered) == ordered
    await port.async_set(device, "open_1", True)
    assert (camera.outputs[0], camera.is_up) == (ON, True)


@pytest.mark.usefixtures("gateway")
async def test_one_vehicle_in_a_fire(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera, peer: Peer
) -> None:
    """Whoever lets one in while it is to be open for a fire has it held open, or hears that not."""
    port, device = entry.runtime_data, device_of(hass, camera)
    house = hass.data[DATA_HOUSE]
    camera.faults.add(Fault.STUCK)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: "refused_to_release" in alarms_of(hass, camera))
    with pytest.raises(HomeAssistantError) as error:
        await house.doors.async_let_in(port, device, "locked_1")
    assert error.value.translation_key == "release_unproven"
    camera.faults.clear()
    await house.doors.async_let_in(port, device, "locked_1")
    assert (camera.outputs[0], camera.is_up) == (ON, True)


@pytest.mark.parametrize("is_wired", [True, False])
async def test_answered_and_not_done(
    hass: HomeAssistant, camera: Camera, is_wired: bool
) -> None:
    """That an output was switched is no arm that is up: it is answered though it is stuck."""
    more: dict[str, Any] = {} if is_wired else {"arm_input": None}
    entry = await add_camera(hass, camera, **more)
    camera.faults.add(Fault.STUCK)
    with pytest.raises(HomeAssistantError) as error:
        await entry.runtime_data.async_set(device_of(hass, camera), "open_1", True)
    assert error.value.translation_key == "open_unproven"
    with pytest.raises(HomeAssistantError) as error:
        await order(hass, camera, "open_cover")
    assert error.value.translation_key == "release_unproven"


async def test_stuck(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """An arm that is known to be down long after it was to be up is stuck, until it moves."""
    port, device = entry.runtime_data, device_of(hass, camera)
    camera.faults.add(Fault.STUCK)
    await port.async_set(device, "locked_1", False)
    freezer.tick(module.STUCK_SECONDS + 1)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert alarms_of(hass, camera)["barrier_stuck"].severity is Severity.WARNING
    camera.faults.clear()
    camera.say_input(1, 1)
    await wait_until(hass, lambda: "barrier_stuck" not in alarms_of(hass, camera))
    assert device.readings["barrier_1"] == "open"


@pytest.mark.parametrize(
    ("fault", "key"), [(Fault.MUTE, "no_answer"), (Fault.REFUSES, "refused")]
)
async def test_not_taken(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    fault: Fault,
    key: str,
) -> None:
    """Who does not answer, or refuses, has not opened."""
    camera.faults.add(fault)
    with pytest.raises(HomeAssistantError) as error:
        await entry.runtime_data.async_set(device_of(hass, camera), "open_1", True)
    assert error.value.translation_key == key


@pytest.mark.parametrize("layout", LAYOUTS)
async def test_topics_are_learnt(
    hass: HomeAssistant,
    mqtt_entry: MockConfigEntry,
    broker_port: int,
    layout: str,
) -> None:
    """It is answered where it spoke last, whatever it was added with."""
    camera = Camera(broker_port, layout=layout, taken_code=0)
    await camera.start()
    await add_camera(hass, camera)
    await order(hass, camera, "open_cover")
    assert camera.is_up
    await camera.stop()


async def test_topics_of_a_site(
    hass: HomeAssistant, mqtt_entry: MockConfigEntry, broker_port: int
) -> None:
    """Topics that somebody has invented are those with which it was added."""
    camera = Camera(broker_port, layout="site/gate-3")
    await camera.start()
    await add_camera(hass, camera, topic="site/gate-3")
    await order(hass, camera, "open_cover")
    assert camera.is_up
    await camera.stop()


@pytest.mark.usefixtures("gateway")
async def test_a_fire(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """It opens, proven by its arm, and opens again if that falls; a person closes it."""
    person = Context(user_id=hass_admin_user.id)
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "test"])
    await peer.state("smoke-1", smoke=False, test=True)
    await peer.state("smoke-1", smoke=True)
    assert camera.outputs[0] != ON
    await peer.state("smoke-1", smoke=False)
    await peer.state("smoke-1", test=False)
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: camera.is_up)
    await wait_until(
        hass, lambda: state_of(hass, camera, "cover", "locked_1") == "open"
    )
    assert "refused_to_release" not in alarms_of(hass, camera)
    camera.outputs[0] = 0
    camera.lower()
    await wait_until(hass, lambda: camera.outputs[0] == ON and camera.is_up)
    with pytest.raises(ServiceValidationError):
        await order(hass, camera, "close_cover", person)
    await peer.state("smoke-1", smoke=False)
    with pytest.raises(ServiceValidationError):
        await order(hass, camera, "close_cover")
    await order(hass, camera, "close_cover", person)
    assert not camera.is_up


@pytest.mark.usefixtures("gateway")
async def test_a_fire_that_it_does_not_open_for(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera, peer: Peer
) -> None:
    """It says that it did: the arm says otherwise."""
    camera.faults.add(Fault.STUCK)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: "refused_to_release" in alarms_of(hass, camera))
    assert camera.outputs[0] == ON


@pytest.mark.usefixtures("gateway")
async def test_a_fire_and_an_outage_that_is_short(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """A camera that has begun anew holds nothing: it is told once more, whatever was proven."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(
        hass,
        lambda: state_of(hass, camera, "cover", "locked_1") == "open",
    )
    camera.faults.add(Fault.OFFLINE)
    camera.outputs[0] = 0
    camera.lower()
    camera.faults.clear()
    freezer.tick(module.MISSED_SECONDS + 1)
    camera.beat()
    await wait_until(hass, lambda: camera.outputs[0] == ON and camera.is_up)


async def test_silent(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """Who has no last will is missed by its heartbeat; back, nothing is known of the arm."""
    device = device_of(hass, camera)
    camera.faults.add(Fault.OFFLINE)
    for _ in range(3):
        freezer.tick(31)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    assert not device.available
    assert "unresponsive" in alarms_of(hass, camera)
    camera.come_back()
    await wait_until(hass, lambda: device.available)
    assert "locked_1" not in device.readings
    assert state_of(hass, camera, "cover", "locked_1") == "unknown"


async def test_a_beat_was_missed(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """What the arm did meanwhile was not heard."""
    device = device_of(hass, camera)
    freezer.tick(module.MISSED_SECONDS + 1)
    camera.beat()
    await wait_until(hass, lambda: "locked_1" not in device.readings)


async def test_clock(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """Plates end by its clock: one that is off is a fault."""
    device = device_of(hass, camera)
    await wait_until(hass, lambda: device.readings.get("clock_wrong") is False)
    camera.offset += timedelta(minutes=5)
    camera.beat()
    await wait_until(hass, lambda: "clock_wrong" in alarms_of(hass, camera))


async def test_without_a_broker(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """Nothing is sent later."""
    (broker,) = hass.config_entries.async_entries("mqtt")
    port, device = entry.runtime_data, device_of(hass, camera)
    assert await hass.config_entries.async_unload(broker.entry_id)
    with pytest.raises(HomeAssistantError) as error:
        await port.async_set(device, "open_1", True)
    assert error.value.translation_key == "not_connected"
    assert hass.data[DATA_HOUSE].book.of_device(f"vzenith/{camera.serial}") is not None


@pytest.mark.usefixtures("entry")
async def test_nonsense(hass: HomeAssistant, camera: Camera, peer: Peer) -> None:
    """What cannot be understood is counted without its words; what is retained is nothing."""
    device = device_of(hass, camera)
    (entry,) = hass.config_entries.async_entries("community_safety")
    up = f"device/{camera.serial}/message/up"
    head = {"sn": camera.serial}
    for topic, payload in (
        (f"{up}/keep_alive", "no JSON"),
        (f"{up}/keep_alive", {"name": "keep_alive"}),
        (f"{up}/keep_alive", {"sn": "00000000-00000000"}),
        (f"{up}/gpio_in", {**head, "payload": {"body": {}}}),
        (f"{up}/ivs_result", {**head, "payload": []}),
        (
            f"{up}/ivs_result",
            {
                **head,
                "payload": {
                    "AlarmInfoPlate": {
                        "result": {
                            "PlateResult": {
                                "license": 7,
                                "plateid": 1,
                                "timeStamp": {"Timeval": {"sec": 1}},
                            }
                        }
                    }
                },
            },
        ),
    ):
        await peer.send(topic, payload)
    assert sorted(reason for _device, reason in entry.runtime_data.refused) == [
        "no message of a camera",
        "not JSON",
        "of another camera",
        "without AlarmGioIn",
        "without AlarmInfoPlate",
        "without plate, time or number",
    ]
    camera.say_gate(2)
    camera.say_input(3, 1)
    camera.say_input(1, 2)
    await wait_until(hass, lambda: entry.runtime_data.diagnostics()["gate_status"] == 2)
    assert device.readings["barrier_1"] == "closed"
    told = await async_get_config_entry_diagnostics(hass, entry)
    assert camera.serial not in str(told["entry"])
    assert camera.serial not in str(told["gateway"])
    assert BASE not in up
