"""What Zigbee2MQTT says of a device that the device did not say.

The messages are those of the real program, see tests/real_zigbee2mqtt/test_contract.py.
"""

import asyncio
from collections.abc import Callable
import itertools
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.disconnect import Limit, Result
from custom_components.community_safety.core.proving import Reason, Status
from custom_components.community_safety.core.supervision import ASK_AFTER_SECONDS
from custom_components.community_safety.gateways.mqtt import proof
from custom_components.community_safety.gateways.mqtt.exposes import compile_device
from custom_components.community_safety.gateways.mqtt.zigbee2mqtt import (
    Zigbee2MqttGateway,
)
from homeassistant.core import HomeAssistant
from tests.common import subscribed, wait_until

from .test_zigbee2mqtt import (
    BASE,
    BREAKER,
    BREAKER_ENTRY,
    BREAKER_NAME,
    DATAPOINT_ENTRY,
    DEVICES,
    SMOKE,
    SMOKE_ENTRY,
    SMOKE_NAME,
    SOCKETS,
    Bridge,
    add,
    breaker,
    bridge,
    entry,
    entry_of,
    gateway,
)

__all__ = ["breaker", "bridge", "entry", "gateway"]

DAY = 24 * 3600
DETECTOR = "0x20"
DETECTOR_NAME = "bedroom"
DETECTOR_ENTRY = entry_of(DETECTOR, DETECTOR_NAME, "SMSZB-120", power_source="Battery")
CACHED = {"smoke": False, "battery": 80, "linkquality": 60}


async def restart(bridge: Bridge, **states: dict[str, Any]) -> None:
    """Let Zigbee2MQTT restart; it tells its cache live, and not retained."""
    await bridge.send("bridge/state", {"state": "offline"}, retain=True)
    await bridge.send("bridge/state", {"state": "online"}, retain=True)
    for name, state in states.items():
        await bridge.send(name, state)


@pytest.fixture
async def detector(gateway: Zigbee2MqttGateway, bridge: Bridge) -> SafetyDevice:
    """Return a detector that has not spoken for a day, as the supervision has counted."""
    await bridge.send("bridge/devices", [*DEVICES, DETECTOR_ENTRY], retain=True)
    device = gateway.devices[DETECTOR]
    await bridge.send(DETECTOR_NAME, CACHED)
    device.silence = DAY
    device.derive(unresponsive=True)
    return device


async def cut(gateway: Zigbee2MqttGateway, device: SafetyDevice) -> Result:
    """Cut a breaker off."""
    cut_off = gateway.house.cut_off
    (result,) = await cut_off.async_cut_off(
        cut_off.supplies_of(device.uid), deadline=4.0
    )
    return result


# Signs of life


@pytest.mark.parametrize(
    "last_seen", [{}, {"last_seen": "2026-11-20T03:00:00.000Z"}, {"last_seen": 1}]
)
async def test_a_restart_wakes_no_dead_detector(
    detector: SafetyDevice, bridge: Bridge, last_seen: dict[str, Any]
) -> None:
    """Koenkk/zigbee2mqtt#3496, #4225, #1720: it tells its cache, and that all are there."""
    await bridge.send(DETECTOR_NAME, {**CACHED, **last_seen})
    await bridge.send(f"{DETECTOR_NAME}/availability", {"state": "offline"})
    await restart(
        bridge,
        **{
            f"{DETECTOR_NAME}/availability": {"state": "online"},
            DETECTOR_NAME: {**CACHED, **last_seen},
        },
    )
    await bridge.send(DETECTOR_NAME, {**CACHED, **last_seen})
    assert detector.silence == DAY
    assert detector.readings["unresponsive"] is True
    assert not detector.available


async def test_a_crash_brings_back_what_was_saved_before(
    detector: SafetyDevice, bridge: Bridge, gateway: Zigbee2MqttGateway
) -> None:
    """After a kill the cache is up to five minutes old (lib/state.ts, SAVE_INTERVAL).

    It differs from what the detector said last, and neither wakes a dead one nor ends a
    fire; the same with an old `last_seen` alone, where the restart itself was not heard.
    """
    now = {**CACHED, "last_seen": "2026-11-28T10:00:05.000Z"}
    old = {**CACHED, "battery": 82, "last_seen": "2026-11-28T10:00:00.000Z"}
    await bridge.send(DETECTOR_NAME, now)
    await bridge.send(
        DETECTOR_NAME, {**now, "smoke": True, "last_seen": "2026-11-28T10:00:06.000Z"}
    )
    assert detector.readings["unresponsive"] is False
    detector.silence = DAY
    detector.derive(unresponsive=True)
    await bridge.send(DETECTOR_NAME, old)
    await restart(bridge, **{DETECTOR_NAME: {**old, "battery": 83}})
    assert detector.silence == DAY
    assert gateway.house.book.present(detector.uid, "smoke")
    assert detector.readings["smoke"] is True

    # Another attribute's report brings the old smoke along; the detector's own word ends it.
    report = {**old, "battery": 79, "last_seen": "2026-11-28T10:01:00.000Z"}
    await bridge.send(DETECTOR_NAME, report)
    assert detector.silence is None
    assert gateway.house.book.present(detector.uid, "smoke")
    await bridge.send(DETECTOR_NAME, {**report, "smoke": True})
    await bridge.send(DETECTOR_NAME, {**report, "smoke": False})
    assert not gateway.house.book.present(detector.uid, "smoke")


async def test_a_fire_in_the_cache_is_an_alarm(
    detector: SafetyDevice, bridge: Bridge, gateway: Zigbee2MqttGateway
) -> None:
    """It may have begun while nobody listened: only for calm a cache is no ground."""
    await restart(bridge, **{DETECTOR_NAME: {**CACHED, "smoke": True}})
    assert gateway.house.book.present(detector.uid, "smoke")
    assert detector.silence == DAY


@pytest.mark.parametrize(
    ("again", "retained"),
    [(False, False), (True, False), (True, True)],
    ids=["cached", "Home Assistant anew", "retained"],
)
async def test_a_cache_ends_no_fault(
    hass: HomeAssistant,
    detector: SafetyDevice,
    bridge: Bridge,
    entry: MockConfigEntry,
    again: bool,
    retained: bool,
) -> None:
    """What Zigbee2MQTT had saved before a sensor was at fault says nothing of it now.

    Not after its restart, not retained, and not with what else the detector reports.
    """
    good = {**CACHED, "temperature_38": 21.0, "battery_low": False}
    bad = {**good, "temperature_38": -273.15, "battery_low": True}
    await bridge.send(DETECTOR_NAME, good, retain=retained)
    await bridge.send(DETECTOR_NAME, bad)
    if again:
        assert await hass.config_entries.async_reload(entry.entry_id)
        await subscribed(hass)
        await wait_until(hass, lambda: entry.runtime_data.connected)
    device, book = (gateway := entry.runtime_data).devices[DETECTOR], gateway.house.book

    def faults() -> set[str]:
        return {
            hazard
            for hazard in ("sensor_fault", "low_battery", "smoke")
            if book.present(device.uid, hazard)
        }

    assert faults() == {"sensor_fault", "low_battery"}
    await restart(bridge, **{DETECTOR_NAME: good})
    await bridge.send(DETECTOR_NAME, {**good, "battery": 79})
    assert faults() == {"sensor_fault", "low_battery"}
    assert "temperature" not in device.readings
    assert set(device.remembered) == {"temperature", "battery_low"}

    await bridge.send(DETECTOR_NAME, {**good, "battery": 79, "temperature_38": 21.5})
    assert faults() == {"low_battery"}
    await bridge.send(DETECTOR_NAME, {**bad, "battery": 79, "temperature_38": 21.5})
    await bridge.send(DETECTOR_NAME, {**good, "battery": 79, "temperature_38": 21.5})
    assert faults() == set()
    await bridge.send(DETECTOR_NAME, "", retain=True)


async def test_who_speaks_from_the_cache_alone(
    hass: HomeAssistant,
    detector: SafetyDevice,
    bridge: Bridge,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> None:
    """After a crash a fire that has ended unheard stays, and people are told why, and what to do.

    The detector reports changes only: what it says of its battery does not end it.
    """
    await bridge.send(DETECTOR_NAME, {**CACHED, "smoke": True})
    await restart(bridge)
    gateway = entry.runtime_data
    device, book = gateway.devices[DETECTOR], gateway.house.book
    await bridge.send(DETECTOR_NAME, CACHED)
    for minute in range(5):
        await bridge.send(DETECTOR_NAME, {**CACHED, "battery": 79 - minute})
        freezer.tick(61)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    assert book.present(device.uid, "smoke")
    assert gateway.problems.keys() == {("device_not_said", DETECTOR)}

    # Its test button.
    await bridge.send(DETECTOR_NAME, {**CACHED, "battery": 75, "smoke": True})
    assert gateway.problems == {}
    await bridge.send(DETECTOR_NAME, {**CACHED, "battery": 75})
    assert not book.present(device.uid, "smoke")


@pytest.mark.parametrize(
    "news",
    [
        {"battery": 79},
        {"linkquality": 61},
        {"last_seen": "2026-11-28T10:00:00.001Z"},
    ],
)
async def test_what_a_living_detector_says(
    detector: SafetyDevice, bridge: Bridge, news: dict[str, Any]
) -> None:
    """A changed reading, another link quality, and a later `last_seen` have a radio message behind."""
    before = {**CACHED, "last_seen": "2026-11-28T10:00:00.000Z"}
    await restart(bridge, **{DETECTOR_NAME: before})
    assert detector.silence == DAY
    await bridge.send(DETECTOR_NAME, {**before, **news})
    assert detector.silence is None
    assert detector.available


async def test_link_quality_is_never_cached(
    detector: SafetyDevice, bridge: Bridge
) -> None:
    """What a start publishes has none (lib/controller.ts, publishEntityState)."""
    await restart(bridge, **{DETECTOR_NAME: {"smoke": False, "battery": 80}})
    assert detector.silence == DAY
    await bridge.send(DETECTOR_NAME, CACHED)
    assert detector.silence is None


async def test_a_retained_state_is_no_sign_of_life(
    hass: HomeAssistant, detector: SafetyDevice, bridge: Bridge, entry: MockConfigEntry
) -> None:
    """Also one that differs from what was heard."""
    await bridge.send(DETECTOR_NAME, {**CACHED, "battery": 70}, retain=True)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await bridge.peer.settled()
    await wait_until(hass, lambda: DETECTOR in entry.runtime_data.devices)
    device = entry.runtime_data.devices[DETECTOR]
    await wait_until(hass, lambda: "battery" in device.readings)
    await bridge.send(DETECTOR_NAME, "", retain=True)
    assert device.last_seen
    assert device.reported == {}


async def test_availability_that_changes_has_a_message_behind(
    detector: SafetyDevice, bridge: Bridge
) -> None:
    """After its first guess Zigbee2MQTT goes by radio messages and pings."""
    await restart(bridge, **{f"{DETECTOR_NAME}/availability": {"state": "online"}})
    await bridge.send(f"{DETECTOR_NAME}/availability", {"state": "online"})
    assert detector.silence == DAY
    await bridge.send(f"{DETECTOR_NAME}/availability", {"state": "offline"})
    await bridge.send(f"{DETECTOR_NAME}/availability", {"state": "online"})
    assert detector.silence is None


async def test_a_command_is_no_sign_of_life(
    breaker: SafetyDevice, bridge: Bridge
) -> None:
    """Somebody switches in the frontend: `state` is published whether a Tuya device hears or not."""
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 3})
    breaker.silence = 200
    await bridge.send(BREAKER_NAME, {"state": "OFF", "current": 3})
    assert breaker.silence == 200
    assert breaker.readings["supply"] is False
    assert "supply" not in breaker.reported


# Proofs of a cut-off


@pytest.fixture
async def din(gateway: Zigbee2MqttGateway, bridge: Bridge) -> Zigbee2MqttGateway:
    """Return a gateway with a Tuya breaker, which cannot be asked."""
    await bridge.send("bridge/devices", [DATAPOINT_ENTRY, SMOKE_ENTRY], retain=True)
    return gateway


def publish(bridge: Bridge, **state: Any) -> None:
    """Let Zigbee2MQTT publish a state of the breaker."""
    bridge.peer.publish(f"{BASE}/{BREAKER_NAME}", state)


def on_command(bridge: Bridge, reply: Callable[[], None]) -> None:
    """Do something with each command to the breaker."""
    bridge.peer.answer(f"{BASE}/{BREAKER_NAME}", lambda _message: reply())


def on_question(bridge: Bridge, reply: Callable[[], None]) -> None:
    """Do something with each question to the breaker."""
    bridge.peer.answer(f"{BASE}/{BREAKER_NAME}", lambda _message: reply(), kind="get")


async def test_a_breaker_that_cannot_be_asked_is_unconfirmed(
    hass: HomeAssistant, din: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """Koenkk/zigbee2mqtt#19990: the state changes though the command failed."""
    state = {"state": "OFF", "current": 0.27, "voltage": 229}
    await bridge.send(BREAKER_NAME, {**state, "state": "ON", "power": 60})

    def reply() -> None:
        publish(bridge, **state, power=60)
        hass.loop.call_later(0.5, lambda: publish(bridge, **state, power=61))
        hass.loop.call_later(0.6, lambda: publish(bridge, **state, power=61))

    on_command(bridge, reply)
    result = await cut(din, din.devices[BREAKER])
    assert result.status is not Status.CONFIRMED


async def test_a_birth_message_in_the_middle_of_a_cut(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
) -> None:
    """Koenkk/zigbee2mqtt#32258: it says `online` once more, then its cache with the hope.

    Home Assistant's restart is nothing that a breaker has heard of.
    """
    state = {"state": "OFF", "current": 0.2, "power": 40, "voltage": 229}
    await bridge.send(BREAKER_NAME, {**state, "state": "ON"})

    def reply() -> None:
        publish(bridge, **state)
        bridge.peer.publish(f"{BASE}/bridge/state", {"state": "online"}, retain=True)
        publish(bridge, **state)

    on_command(bridge, reply)
    result = await cut(gateway, breaker)
    assert result.status is not Status.CONFIRMED
    assert "supply" not in breaker.reported


async def test_smoke_that_is_never_taken_back(
    hass: HomeAssistant,
    detector: SafetyDevice,
    bridge: Bridge,
    gateway: Zigbee2MqttGateway,
) -> None:
    """Koenkk/zigbee2mqtt#7837: the mark stays in the cache, and comes with each battery report.

    It is one alarm for as long, which no report of something else ends or doubles, and a
    later word of the detector itself ends it.
    """
    book = gateway.house.book
    await bridge.send(DETECTOR_NAME, {**CACHED, "smoke": True})
    (alarm,) = [row for row in book.of_device(detector.uid) if row.hazard == "smoke"]
    for battery in (79, 78, 78):
        await bridge.send(DETECTOR_NAME, {**CACHED, "smoke": True, "battery": battery})
    await restart(bridge, **{DETECTOR_NAME: {**CACHED, "smoke": True}})
    assert [
        row.id for row in book.of_device(detector.uid) if row.hazard == "smoke"
    ] == [alarm.id]
    assert alarm.present
    await bridge.send(DETECTOR_NAME, {**CACHED, "smoke": False})
    assert not alarm.present


async def test_reports_of_others_are_no_answers(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
) -> None:
    """Koenkk/zigbee2mqtt#31220: the next message may be of another attribute."""
    state = {"state": "OFF", "current": 0.2, "power": 40, "voltage": 229}
    await bridge.send(BREAKER_NAME, {**state, "state": "ON"})

    def reply() -> None:
        publish(bridge, **state)
        later = {**state, "voltage": 230}
        hass.loop.call_later(0.3, lambda: publish(bridge, **later))
        hass.loop.call_later(0.6, lambda: publish(bridge, **later, energy=12.1))

    on_command(bridge, reply)
    result = await cut(gateway, breaker)
    assert result.status is not Status.CONFIRMED


async def test_a_report_of_another_attribute_is_no_answer(
    gateway: Zigbee2MqttGateway, breaker: SafetyDevice, bridge: Bridge
) -> None:
    """What it was not asked for comes by itself, with the relay's state from the cache."""
    state = {"state": "OFF", "current": 0, "voltage": 229, "last_seen": 1_000}
    await bridge.send(BREAKER_NAME, state)
    await gateway.async_refresh(breaker, ["supply"])
    state |= {"voltage": 230}
    await bridge.send(BREAKER_NAME, {**state, "last_seen": 2_000})
    assert "supply" not in breaker.reported
    await bridge.send(BREAKER_NAME, {**state, "last_seen": 3_000})
    assert "supply" in breaker.reported


async def test_a_current_that_settles_is_no_answer_of_the_relay(
    gateway: Zigbee2MqttGateway, breaker: SafetyDevice, bridge: Bridge
) -> None:
    """Reports of what was asked for beside the relay say nothing of the relay."""
    state = {"state": "OFF", "last_seen": 1_000}
    await bridge.send(BREAKER_NAME, {**state, "current": 5})
    await gateway.async_refresh(breaker, ["supply", "current"])
    for current in (1, 0.2, 0):
        state["last_seen"] += 1_000  # type: ignore[operator]
        await bridge.send(BREAKER_NAME, {**state, "current": current})
    assert breaker.reported.keys() == {"current"}
    await bridge.send(BREAKER_NAME, {**state, "current": 0, "last_seen": 9_000})
    assert breaker.reported.keys() == {"current", "supply"}


async def test_a_second_command_is_hoped_for_once_more(
    gateway: Zigbee2MqttGateway, breaker: SafetyDevice, bridge: Bridge
) -> None:
    """Each command is published, also the one that is repeated."""
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 0, "last_seen": 1_000})
    hope = {"state": "OFF", "current": 0, "last_seen": 2_000}
    for _ in range(2):
        task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
        await bridge.command()
        await asyncio.sleep(0)
        await gateway.async_refresh(breaker, ["supply"])
        task.cancel()
    for _ in range(2):
        await bridge.send(BREAKER_NAME, hope)
        assert breaker.reported == {}
    await bridge.send(BREAKER_NAME, {**hope, "last_seen": 3_000})
    assert "supply" in breaker.reported


async def test_an_acknowledgement_is_no_answer(
    gateway: Zigbee2MqttGateway, breaker: SafetyDevice, bridge: Bridge
) -> None:
    """With `last_seen` a second command gives the cache, then the hope, at one time."""
    state = {"state": "OFF", "current": 0, "last_seen": 1_000}
    await bridge.send(BREAKER_NAME, state)
    task = asyncio.create_task(gateway.async_set(breaker, "supply", False))
    await bridge.command()
    await bridge.send(BREAKER_NAME, {**state, "last_seen": 2_000})
    await gateway.async_refresh(breaker, ["supply"])
    await bridge.send(BREAKER_NAME, {**state, "last_seen": 2_000})
    await task
    assert "supply" not in breaker.reported
    await bridge.send(BREAKER_NAME, {**state, "last_seen": 3_000})
    assert "supply" in breaker.reported


@pytest.mark.parametrize("what", ["a failed read", "a restart", "time"])
async def test_a_question_without_an_answer(
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    monkeypatch: pytest.MonkeyPatch,
    what: str,
) -> None:
    """What comes after that is no answer."""
    state = {"state": "OFF", "current": 0, "last_seen": 1_000}
    await bridge.send(BREAKER_NAME, state)
    await gateway.async_refresh(breaker, ["supply"])
    error = f"z2m: Publish 'get' 'state' to '{BREAKER_NAME}' failed: 'Error: timeout'"
    match what:
        case "a failed read":
            await bridge.send("bridge/logging", {"level": "error", "message": error})
        case "a restart":
            await restart(bridge)
            await bridge.send(BREAKER_NAME, state)
        case _:
            monkeypatch.setattr(proof, "ANSWER_SECONDS", -1)
    await bridge.send(BREAKER_NAME, {**state, "last_seen": 2_000})
    assert breaker.reported == {}


@pytest.mark.parametrize(
    ("before", "after", "proven"),
    [
        ({}, {}, False),
        ({}, {"linkquality": 70}, False),
        ({"last_seen": 1_000}, {}, False),
        ({"last_seen": 1_000}, {"last_seen": 1_000}, False),
        ({}, {"last_seen": 2_000}, False),
        ({"last_seen": 1_000}, {"last_seen": 2_000}, True),
        (
            {"last_seen": "2026-11-28T10:00:00+08:00"},
            {"last_seen": "2026-11-28T10:00:00+08:00"},
            False,
        ),
        (
            {"last_seen": "2026-11-28T10:00:00+08:00"},
            {"last_seen": "2026-11-28T10:00:01+08:00"},
            True,
        ),
    ],
)
async def test_an_unchanged_answer_is_proven_by_last_seen(
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    before: dict[str, Any],
    after: dict[str, Any],
    proven: bool,
) -> None:
    """Without a later one it may be the hope of a command, told once more by whatever."""
    state = {"state": "OFF", "linkquality": 60}
    await bridge.send(BREAKER_NAME, {**state, **before})
    await gateway.async_refresh(breaker, ["supply"])
    await bridge.send(BREAKER_NAME, {**state, **after})
    assert ("supply" in breaker.reported) is proven


@pytest.mark.parametrize("fails", [None, "state", "current"])
async def test_an_unchanged_answer_is_life(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    freezer: FrozenDateTimeFactory,
    fails: str | None,
) -> None:
    """Who does not answer a question is told of in the log; a mains device is asked for that.

    Until then it may be that only the cache came once more, as after a birth message.
    """
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    seen = breaker.last_seen
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    await gateway.async_refresh(breaker, ["supply"])
    bridge.peer.heard.clear()
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    freezer.tick(9)
    if fails:
        why = f"Publish 'get' '{fails}' to '{BREAKER_NAME}' failed: 'no answer'"
        await bridge.send("bridge/logging", {"level": "error", "message": why})
    assert breaker.last_seen == seen
    freezer.tick(ASK_AFTER_SECONDS + 10)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert (breaker.last_seen > seen) is (fails is None)
    assert breaker.reported == {}
    await bridge.peer.settled()
    assert (f"{BASE}/{BREAKER_NAME}/get" in dict(bridge.peer.heard)) is bool(fails)


async def test_a_restart_answers_nothing(
    hass: HomeAssistant,
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What may have been an answer is forgotten: it may have been the beginning of the end."""
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    seen = breaker.last_seen
    await gateway.async_refresh(breaker, ["supply"])
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    await restart(bridge)
    freezer.tick(30)
    async_fire_time_changed(hass)
    await hass.async_block_till_done(wait_background_tasks=True)
    assert breaker.last_seen == seen


@pytest.mark.parametrize(
    ("last_seen", "before", "after", "limit"),
    [
        (True, 0, 0, Limit.RELAY_ONLY),
        (True, 5, -0.02, Limit.CHANGE),
        # Koenkk/zigbee2mqtt#14405: an obedient breaker, whose meter trembles below zero.
        (False, 5, -0.02, Limit.CHANGE),
        (False, 0, 0, None),
        # It trembles about what counts as nothing.
        (False, 0.11, 0.05, None),
    ],
)
async def test_a_relay_that_answers_as_it_was_hoped(
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    last_seen: bool,
    before: float,
    after: float,
    limit: Limit | None,
) -> None:
    """Without `last_seen` all rests on the load that has gone: where none flowed, on nothing."""
    number = itertools.count(1_000)

    def message(state: str) -> dict[str, Any]:
        seen = {"last_seen": next(number)} if last_seen else {}
        current = before if state == "ON" else after
        return {"state": state, "current": current, "voltage": 229, **seen}

    def answer() -> None:
        # Of the relay and of its meter: each is read by itself.
        publish(bridge, **message("OFF"))
        publish(bridge, **message("OFF"))

    # What it says first may be remembered: what has changed since flows.
    await bridge.send(BREAKER_NAME, {**message("ON"), "current": before + 0.01})
    await bridge.send(BREAKER_NAME, message("ON"))
    on_command(bridge, lambda: publish(bridge, **message("OFF")))
    on_question(bridge, answer)
    result = await cut(gateway, breaker)
    assert (result.status, result.limit, result.reason) == (
        (Status.CONFIRMED, limit, None)
        if limit
        else (Status.UNCONFIRMED, None, Reason.RELAY_UNKNOWN)
    )


async def test_the_load_of_another_socket_proves_nothing(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """Nor does one that went before the command; that of its own does."""
    row = entry_of(SOCKETS, "sockets", "3RDP01072Z")
    await bridge.send("bridge/devices", [*DEVICES, row], retain=True)
    plug = gateway.devices[SOCKETS]
    state = {"state_1": "ON", "state_2": "ON", "current_1": 0, "current_2": 2}

    async def answered(**news: Any) -> set[str]:
        """Command the second socket, let something be told, and return what is proven."""
        item = gateway._items[SOCKETS]
        plug.reported.clear()
        async with item.commanding("state_2", "OFF"):
            pass
        await bridge.send("sockets", state | {"state_2": "OFF"} | news)
        item.ask(["state_2"])
        await bridge.send("sockets", state | {"state_2": "OFF"} | news)
        state.update(news)
        return plug.reported.keys() & plug.supplies

    await bridge.send("sockets", {**state, "current_1": 3})
    await bridge.send("sockets", state)
    assert await answered() == set()
    assert await answered(current_1=4) == set()
    assert await answered(current_1=0) == set()
    assert await answered(current_2=0) == {"supply_2"}


async def test_a_cache_ends_no_doubt(
    gateway: Zigbee2MqttGateway, breaker: SafetyDevice, bridge: Bridge
) -> None:
    """Koenkk/zigbee2mqtt#1720, #3496: restarts tell the hope of the failed command again."""
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 0, "power": 0})
    off = {"state": "OFF", "current": 0, "power": 0}
    on_command(bridge, lambda: publish(bridge, **off))
    result = await cut(gateway, breaker)
    assert result.status is not Status.CONFIRMED
    assert breaker.readings["cut_off_unproven"] is True
    for _ in range(3):
        await restart(bridge, **{BREAKER_NAME: off})
    assert breaker.readings["cut_off_unproven"] is True


async def test_somebody_closes_what_is_cut(
    gateway: Zigbee2MqttGateway, breaker: SafetyDevice, bridge: Bridge
) -> None:
    """In the frontend: it may be a hope, and is opened again all the same."""
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 0})
    on_command(bridge, lambda: publish(bridge, state="OFF", current=0))
    await cut(gateway, breaker)
    bridge.peer.heard.clear()
    await bridge.send(BREAKER_NAME, {"state": "ON", "current": 0})
    assert await bridge.command() == {"state": "OFF"}


@pytest.mark.parametrize(
    "config",
    [
        {"advanced": {"cache_state": False}},
        {"devices": {BREAKER: {"filtered_cache": ["^(state|current)$", "("]}}},
    ],
)
async def test_what_is_not_cached_is_the_answer(
    gateway: Zigbee2MqttGateway,
    breaker: SafetyDevice,
    bridge: Bridge,
    config: dict[str, Any],
) -> None:
    """Then a property is in a message only if the device has sent it, or a command hopes."""
    await bridge.send("bridge/info", {"config": config}, retain=True)
    await bridge.send(BREAKER_NAME, {"current": 0})
    await bridge.send(BREAKER_NAME, {"current": 0})
    assert breaker.reported.keys() == {"current"}
    await bridge.send(BREAKER_NAME, {"state": "OFF"})
    assert "supply" not in breaker.reported
    await gateway.async_refresh(breaker, ["supply"])
    await bridge.send(BREAKER_NAME, {"current": 0})
    assert "supply" not in breaker.reported
    await bridge.send(BREAKER_NAME, {"state": "OFF"})
    assert "supply" in breaker.reported


async def test_the_cache_comes_to_light(breaker: SafetyDevice, bridge: Bridge) -> None:
    """When it is switched on at run time, the next message holds all of it."""
    off, on = ({"config": {"advanced": {"cache_state": on}}} for on in (False, True))
    await bridge.send("bridge/info", off, retain=True)
    await bridge.send(BREAKER_NAME, {"voltage": 230})
    await bridge.send("bridge/info", on, retain=True)
    breaker.reported.clear()
    await bridge.send(BREAKER_NAME, {"voltage": 230, "current": 0, "state": "OFF"})
    assert breaker.reported == {}


@pytest.mark.parametrize(
    "options", [{"optimistic": False}, {"filtered_optimistic": ["state"]}]
)
async def test_without_hope_a_changed_state_is_proof(
    breaker: SafetyDevice, bridge: Bridge, options: dict[str, Any]
) -> None:
    """Nobody but the device changes it then."""
    config = {"device_options": options}
    await bridge.send("bridge/info", {"config": config}, retain=True)
    await bridge.send(BREAKER_NAME, {"state": "ON"})
    await bridge.send(BREAKER_NAME, {"state": "OFF"})
    assert "supply" in breaker.reported


# Danger by other names


@pytest.mark.parametrize(
    ("model", "first", "second"),
    [
        ("MIR-SM100-E", "alarm_1", "alarm_2"),
        ("SR-ZG9070A-SS", "smoke_alarm_1", "smoke_alarm_2"),
    ],
)
async def test_fire_on_the_second_bit(
    gateway: Zigbee2MqttGateway, bridge: Bridge, model: str, first: str, second: str
) -> None:
    """Koenkk/zigbee-herdsman-converters#2889: the first bit's calm hides it not."""
    row = entry_of(DETECTOR, DETECTOR_NAME, model, power_source="Battery")
    await bridge.send("bridge/devices", [*DEVICES, row], retain=True)
    device = gateway.devices[DETECTOR]
    calm = {first: False, second: False, "battery": 90}
    await bridge.send(DETECTOR_NAME, calm)
    await bridge.send(DETECTOR_NAME, {**calm, second: True})
    assert gateway.house.book.present(device.uid, "smoke")
    await bridge.send(DETECTOR_NAME, {**calm, first: True, second: True})
    await bridge.send(DETECTOR_NAME, {**calm, second: True})
    assert gateway.house.book.present(device.uid, "smoke")
    await bridge.send(DETECTOR_NAME, calm)
    assert not gateway.house.book.present(device.uid, "smoke")


async def test_a_bit_that_nobody_understands_is_not_hidden_by_the_other(
    gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """It may be the fire: the calm of the second bit is that bit's alone."""
    row = entry_of(DETECTOR, DETECTOR_NAME, "SR-ZG9070A-SS", power_source="Battery")
    await bridge.send("bridge/devices", [*DEVICES, row], retain=True)
    uid, book = gateway.devices[DETECTOR].uid, gateway.house.book
    calm = {"smoke_alarm_1": False, "smoke_alarm_2": False, "battery": 90}
    strange = {**calm, "smoke_alarm_1": "perhaps"}
    await bridge.send(DETECTOR_NAME, calm)
    await bridge.send(DETECTOR_NAME, strange)
    assert {row.hazard for row in book.of_device(uid)} == {"sensor_fault"}
    await bridge.send(DETECTOR_NAME, {**strange, "smoke_alarm_2": True})
    assert book.present(uid, "smoke")
    await bridge.send(DETECTOR_NAME, strange)
    assert book.present(uid, "smoke") and book.present(uid, "sensor_fault")
    await bridge.send(DETECTOR_NAME, calm)
    assert not [row for row in book.of_device(uid) if row.present]


async def test_a_value_that_is_taken_back(
    detector: SafetyDevice, gateway: Zigbee2MqttGateway, bridge: Bridge
) -> None:
    """What the device itself does not know any more is not shown as it was; nor is it calm."""
    book = gateway.house.book
    warm = {**CACHED, "temperature_38": 90}
    await bridge.send(DETECTOR_NAME, warm)
    assert book.present(detector.uid, "heat")
    await bridge.send(DETECTOR_NAME, {**warm, "temperature_38": None})
    assert "temperature" not in detector.readings
    assert book.present(detector.uid, "heat")
    assert book.present(detector.uid, "sensor_fault")
    await bridge.send(DETECTOR_NAME, {**warm, "temperature_38": 21})
    assert not [row for row in book.of_device(detector.uid) if row.present]


# Marks of a test


@pytest.mark.parametrize("retain", [True, False])
async def test_a_mark_of_days_ago_makes_no_drill_of_a_fire(
    hass: HomeAssistant,
    detector: SafetyDevice,
    bridge: Bridge,
    entry: MockConfigEntry,
    retain: bool,
) -> None:
    """zigpy/zha-device-handlers#3897: the mark has stayed on; Koenkk/zigbee2mqtt#23233."""
    marked = {"smoke": False, "test": True, "battery": 90}
    await bridge.send(DETECTOR_NAME, marked, retain=retain)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await bridge.peer.settled()
    await wait_until(
        hass,
        lambda: DETECTOR in entry.runtime_data.devices and entry.runtime_data.connected,
    )
    device = entry.runtime_data.devices[DETECTOR]
    await bridge.send(DETECTOR_NAME, marked)
    assert device.readings["test"] is True
    assert not device.monitor.is_testing
    await bridge.send(DETECTOR_NAME, {**marked, "smoke": True})
    await bridge.send(DETECTOR_NAME, "", retain=True)
    (alarm,) = entry.runtime_data.house.book.open.values()
    assert (alarm.hazard, alarm.drill) == ("smoke", False)


async def test_a_mark_that_comes_on_begins_a_test(
    detector: SafetyDevice, bridge: Bridge, gateway: Zigbee2MqttGateway
) -> None:
    """What the detector itself says is a drill."""
    await bridge.send(DETECTOR_NAME, {**CACHED, "test": False})
    await bridge.send(DETECTOR_NAME, {**CACHED, "test": True, "smoke": True})
    alarm = next(
        item for item in gateway.house.book.open.values() if item.hazard == "smoke"
    )
    assert alarm.drill


async def test_early_states_stay_retained(hass: HomeAssistant, bridge: Bridge) -> None:
    """Also where nothing is cached, and a live message would be the device's own word."""
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 7}, retain=True)
    gateway = (await add(hass)).runtime_data
    await bridge.peer.settled()
    config = {"advanced": {"cache_state": False}}
    await bridge.send("bridge/info", {"config": config})
    await bridge.send("bridge/devices", DEVICES)
    device = gateway.devices[SMOKE]
    assert device.readings["battery"] == 7
    assert device.reported == {}


async def test_a_failure_names_no_endpoint(breaker: SafetyDevice) -> None:
    """Zigbee2MQTT says `state` of `state_l1`; another property's failure is none of its."""
    interpretation = compile_device(BREAKER_ENTRY["definition"])
    assert interpretation
    item = proof.Item(device=breaker, interpretation=interpretation)
    async with item.commanding("state_l1", "OFF") as failed:
        item.fail("set", "stat", "another")
        item.fail("get", "state", "a question")
        assert not failed.done()
        item.fail("set", "state", "timed out")
        item.fail("set", "state", "once more")
        assert await failed == "timed out"


async def test_early_states_are_cached_too(
    hass: HomeAssistant, bridge: Bridge, entry: MockConfigEntry
) -> None:
    """What is retained and comes before the list of devices is as old as after it."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    await bridge.send(SMOKE_NAME, {"smoke": False, "battery": 7}, retain=True)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await subscribed(hass)
    await wait_until(hass, lambda: SMOKE in entry.runtime_data.devices)
    device = entry.runtime_data.devices[SMOKE]
    await wait_until(hass, lambda: device.readings.get("battery") == 7)
    assert device.reported == {}
    assert BREAKER_ENTRY["ieee_address"] in entry.runtime_data.devices
