"""Every hazard of every device kind: at which reading, after which time, how badly."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.catalogue import DEVICE_KINDS, KINDS
from custom_components.community_safety.catalogue.measurements import parse_point
from custom_components.community_safety.const import Severity
from custom_components.community_safety.core.alarm import Outcome
from custom_components.community_safety.core.device import DERIVED, SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from tests.common import Peer, add_gateway, wait_until

type Expected = dict[str, str]


@dataclass(frozen=True)
class Row:
    """Readings that come at once, and the hazards so many seconds later."""

    readings: dict[str, Any]
    hazards: Expected
    after: int = 0


NONE: Expected = {}
FAULTS = (
    Row({"tamper": False, "trouble": False, "self_test_failed": False}, NONE),
    Row({"tamper": True}, {"tamper": "fault"}),
    Row({"trouble": True}, {"sensor_fault": "fault"}),
    Row({"self_test_failed": True}, {"self_test_failed": "fault"}),
    Row({"battery_low": False}, NONE),
    Row({"battery_low": True}, {"low_battery": "fault"}),
    Row({"battery": 15.1}, NONE),
    Row({"battery": 15}, {"low_battery": "fault"}),
    Row({"battery": 0}, {"low_battery": "fault"}),
    Row({"battery": 15, "battery_low": False}, {"low_battery": "fault"}),
    Row({"battery": 90, "battery_low": True}, {"low_battery": "fault"}),
    Row({"battery": 101}, {"sensor_fault": "fault"}),
)
# 63 A and 10 A are the rated currents while nobody has set another.
TABLE: dict[str, tuple[Row, ...]] = {
    "smoke_sensor": (
        Row({"smoke": False}, NONE),
        Row({"smoke": True}, {"smoke": "alarm"}),
        Row({"smoke_density": 100}, NONE),
        Row({"temperature": 56.9}, NONE),
        Row({"temperature": 57}, {"heat": "alarm"}),
        Row({"temperature": 57.1, "smoke": True}, {"heat": "alarm", "smoke": "alarm"}),
        Row({"temperature": 125}, {"heat": "alarm"}),
        Row({"temperature": 125.1}, {"heat": "alarm", "sensor_fault": "fault"}),
        Row({"temperature": -40.1}, {"sensor_fault": "fault"}),
    ),
    "breaker_monitor": (
        Row({"current": 71.1}, NONE, 60),
        Row({"current": 71.19}, NONE, 59),
        Row({"current": 71.19}, {"overcurrent": "warning"}, 60),
        Row({"current": 91.3}, {"overcurrent": "warning"}, 60),
        Row({"current": 91.35}, NONE, 9),
        Row({"current": 91.35}, {"overcurrent": "alarm"}, 10),
        Row({"current": 91.35}, {"overcurrent": "alarm"}, 60),
        Row({"current_l1": 1, "current_l2": 91.35, "current_l3": 1}, NONE, 9),
        Row(
            {"current_l1": 1, "current_l2": 91.35, "current_l3": 1},
            {"overcurrent": "alarm"},
            10,
        ),
        Row({"current_l1": 40, "current_l2": 40, "current_l3": 40}, NONE, 60),
        Row({"residual_current": 299.9}, NONE),
        Row({"residual_current": 300}, {"leakage": "warning"}),
        Row({"residual_current": 499.9}, {"leakage": "warning"}),
        Row({"residual_current": 500}, {"leakage": "alarm"}),
        Row({"conductor_temperature": 69.9}, NONE),
        Row({"conductor_temperature": 70}, {"over_temperature": "warning"}),
        Row({"conductor_temperature": 84.9}, {"over_temperature": "warning"}),
        Row({"conductor_temperature": 85}, {"over_temperature": "alarm"}),
        Row(
            {
                "conductor_temperature_l1": 20,
                "conductor_temperature_l2": 85,
                "conductor_temperature_l3": 70,
            },
            {"over_temperature": "alarm"},
        ),
        Row({"voltage": 253}, NONE, 60),
        Row({"voltage": 253.1}, NONE, 4),
        Row({"voltage": 253.1}, {"over_voltage": "warning"}, 5),
        Row({"voltage": 187}, NONE, 60),
        Row({"voltage": 186.9}, NONE, 4),
        Row({"voltage": 186.9}, {"under_voltage": "warning"}, 5),
        Row(
            {"voltage_l1": 230, "voltage_l2": 186, "voltage_l3": 254},
            {"over_voltage": "warning", "under_voltage": "warning"},
            5,
        ),
        Row({"voltage": 0, "supply": True}, {"under_voltage": "warning"}, 5),
        Row({"voltage": 0, "supply": False}, NONE, 60),
        Row({"voltage": 254, "supply": False}, {"over_voltage": "warning"}, 5),
        Row(
            {"voltage": 0, "supply_1": False, "supply_2": True},
            {"under_voltage": "warning"},
            5,
        ),
        Row({"voltage": 0, "supply_1": False, "supply_2": False}, NONE, 60),
        Row({"tripped": False}, NONE),
        Row({"tripped": True}, {"tripped": "warning"}),
    ),
    "charging_pile": (
        Row({"smoke": False}, NONE),
        Row({"smoke": True}, {"smoke": "alarm"}),
        Row({"temperature": 69.9}, NONE),
        Row({"temperature": 70}, {"over_temperature": "alarm"}),
        Row({"current_1": 11.29, "current_2": 0}, NONE, 60),
        Row({"current_1": 0, "current_2": 11.3}, NONE, 9),
        Row({"current_1": 0, "current_2": 11.3}, {"overload": "alarm"}, 10),
        Row({"current": 11.3}, {"overload": "alarm"}, 10),
        Row({"session_duration_1": 599.9, "session_duration_2": 0}, NONE),
        Row(
            {"session_duration_1": 0, "session_duration_2": 600},
            {"overlong_session": "warning"},
        ),
    ),
    "water_tank": (
        Row({"level": 50.1}, NONE),
        Row({"level": 50}, {"low_level": "warning"}),
        Row({"level": 20.1}, {"low_level": "warning"}),
        Row({"level": 20}, {"low_level": "alarm"}),
        Row({"level": 0}, {"low_level": "alarm"}),
        Row({"level": 97.9}, NONE),
        Row({"level": 98}, {"overflow": "warning"}),
        Row({"level": 110}, {"overflow": "warning"}),
        Row({"level": 110.1}, {"overflow": "warning", "sensor_fault": "fault"}),
        Row({"level_height": 0}, NONE),
        Row({"temperature": 4.1}, NONE),
        Row({"temperature": 4}, {"freezing": "warning"}),
        Row({"temperature": -20}, {"freezing": "warning"}),
    ),
    "hydrant": (
        Row({"pressure": 70}, NONE),
        Row({"pressure": 69.9}, {"low_pressure": "alarm"}),
        Row({"pressure": 0}, {"low_pressure": "alarm"}),
        Row({"pressure": 1000}, NONE),
        Row({"pressure": 1000.1}, {"high_pressure": "warning"}),
        Row({"temperature": 4.1}, NONE),
        Row({"temperature": 4}, {"freezing": "warning"}),
    ),
    "elevator_blocker": (
        Row({"class_seen": "none", "confidence": 99}, NONE),
        Row({"class_seen": "e_bike", "confidence": 80}, {"e_bike_in_car": "alarm"}),
    ),
    "door_controller": (
        Row({"locked": False, "door_open": True, "door_forced": False}, NONE),
        Row({"door_forced": True}, {"door_forced": "warning"}),
        Row(
            {"door_forced_1": False, "door_forced_2": True}, {"door_forced": "warning"}
        ),
        Row({"clock_wrong": False}, NONE),
        Row({"clock_wrong": True}, {"clock_wrong": "fault"}),
    ),
    "vehicle_gate": (
        Row({"barrier": "open", "locked": False, "barrier_stuck": False}, NONE),
        Row({"barrier_stuck": True}, {"barrier_stuck": "warning"}),
        Row({"clock_wrong": True}, {"clock_wrong": "fault"}),
    ),
    "camera": (
        Row({"video_lost": False, "recording": True}, NONE, 60),
        Row({"video_lost": True}, NONE, 29),
        Row({"video_lost": True}, {"video_lost": "fault"}, 30),
        Row({"recording": False}, NONE, 59),
        Row({"recording": False}, {"not_recording": "fault"}, 60),
        Row(
            {"recording_1": True, "recording_2": False}, {"not_recording": "fault"}, 60
        ),
        Row({"oldest_recording": 1_767_225_600}, NONE),
    ),
}
#: What the integration finds out itself; how it does is tested with the part that does.
FOUND: dict[str, dict[str, Expected]] = {
    kind: {
        "unresponsive": {"unresponsive": "fault"},
        "implausible": {"sensor_fault": "fault"},
    }
    for kind in DEVICE_KINDS
}
FOUND["breaker_monitor"] |= {"cut_off_unproven": {"refused_to_open": "alarm"}}
FOUND["charging_pile"] |= {"cut_off_unproven": {"refused_to_open": "alarm"}}
FOUND["water_tank"] |= {"jump": {"implausible_jump": "fault"}}
FOUND["elevator_blocker"] |= {
    "e_bike_in_car": {"e_bike_in_car": "alarm"},
    "held_too_long": {"held_too_long": "fault"},
    "release_unproven": {"refused_to_release": "alarm"},
}
FOUND["door_controller"] |= {
    "door_held_open": {"door_held_open": "warning"},
    "unknown_credential": {"unknown_credential": "alarm"},
    "credential_unproven": {"credential_unproven": "fault"},
    "release_unproven": {"refused_to_release": "alarm"},
}
FOUND["vehicle_gate"] |= {
    "unknown_credential": {"unknown_plate": "warning"},
    "credential_unproven": {"credential_unproven": "fault"},
    "release_unproven": {"refused_to_release": "alarm"},
}
FOUND["camera"] |= {"recordings_short": {"recordings_short": "fault"}}


def present(device: SafetyDevice) -> Expected:
    """Return the hazards of a device as its entities show them."""
    return {
        hazard.key: severity.value
        for hazard in device.kind.hazards
        if (severity := device.monitor.severity(hazard.key))
    }


def alarms(hass: HomeAssistant, device: SafetyDevice) -> Expected:
    """Return the open alarms of a device that are still present."""
    return {
        alarm.hazard: alarm.severity.value
        for alarm in hass.data[DATA_HOUSE].book.of_device(device.uid)
        if alarm.present
    }


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.mark.parametrize("kind", DEVICE_KINDS)
async def test_table(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    kind: str,
) -> None:
    """Each row makes exactly its hazards and alarms, at its time."""
    rows = {f"device-{n}": row for n, row in enumerate((*TABLE[kind], *FAULTS))}
    for device_id, row in rows.items():
        await peer.config(device_id, kind, list(row.readings))
        await peer.state(device_id, **row.readings)
    passed = 0
    for device_id, row in sorted(rows.items(), key=lambda item: item[1].after):
        await pass_time(hass, freezer, row.after - passed)
        passed = row.after
        device = gateway.runtime_data.devices[device_id]
        assert present(device) == row.hazards, (kind, row)
        assert alarms(hass, device) == row.hazards, (kind, row)


@pytest.mark.parametrize("kind", DEVICE_KINDS)
async def test_found_out(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, kind: str
) -> None:
    """What is found out about a device is a hazard; the device cannot say it itself."""
    reading = next(k for k in KINDS[kind].measurements if k not in DERIVED)
    await peer.config("device", kind, [reading])
    device = gateway.runtime_data.devices["device"]
    for found, hazards in FOUND[kind].items():
        await peer.state("device", **{found: True})
        assert present(device) == NONE, found
        device.derive(**{found: True})
        assert present(device) == alarms(hass, device) == hazards, found
        await peer.state("device", **{found: False})
        device.derive(**{found: False})
        assert present(device) == alarms(hass, device) == NONE, found


def test_nothing_is_left_out() -> None:
    """Each level of each hazard of the catalogue stands in a table."""

    def tested() -> Iterator[tuple[str, str, str, str]]:
        yield ("gateway", "gateway_offline", "fault", "offline")  # test_native.py
        yield ("gateway", "sensor_fault", "fault", "trouble")  # test_unguarded.py
        yield ("camera", "not_recording", "fault", "not_recording")  # from `recording`
        for kind, rows in TABLE.items():
            for row in (*rows, *FAULTS):
                for hazard, severity in row.hazards.items():
                    for key in row.readings:
                        yield (kind, hazard, severity, parse_point(key).measurement.key)
        for kind, found in FOUND.items():
            for name, hazards in found.items():
                for hazard, severity in hazards.items():
                    yield (kind, hazard, severity, name)

    catalogue = {
        (kind.key, hazard.key, level.severity.value, level.measurement)
        for kind in KINDS.values()
        for hazard in kind.hazards
        for level in hazard.levels
    }
    assert catalogue - set(tested()) == set()


def test_each_threshold_is_met_exactly() -> None:
    """Each default stands in the table as the value just at the threshold."""
    rated = {"breaker_monitor": 63, "charging_pile": 10}
    defaults = {
        (
            kind.key,
            level.measurement,
            level.threshold.default
            * {True: rated.get(kind.key, 0) / 100, False: 1}[level.of_rated],
        )
        for kind in DEVICE_KINDS.values()
        for hazard in kind.hazards
        for level in hazard.levels
        if level.threshold
    }
    values = {
        (kind, parse_point(key).measurement.key, value)
        for kind, rows in TABLE.items()
        for row in (*rows, *FAULTS)
        for key, value in row.readings.items()
    }
    assert defaults - values == set()


HYSTERESIS: tuple[tuple[str, str, str, list[tuple[float, str | None]]], ...] = (
    ("smoke_sensor", "temperature", "heat", [(57, "alarm"), (52, "alarm"), (51.9, None), (56, None)]),
    ("smoke_sensor", "battery", "low_battery", [(15, "fault"), (20, "fault"), (20.1, None), (16, None)]),
    ("breaker_monitor", "residual_current", "leakage", [(500, "alarm"), (498, "alarm"), (497.9, "warning"), (298, "warning"), (297.9, None), (299, None)]),
    ("breaker_monitor", "conductor_temperature", "over_temperature", [(85, "alarm"), (80, "alarm"), (79.9, "warning"), (65, "warning"), (64.9, None)]),
    ("water_tank", "level", "low_level", [(20, "alarm"), (22, "alarm"), (22.1, "warning"), (20.1, "warning"), (52, "warning"), (52.1, None), (50.1, None)]),
    ("water_tank", "level", "overflow", [(98, "warning"), (96, "warning"), (95.9, None)]),
    ("water_tank", "temperature", "freezing", [(4, "warning"), (5, "warning"), (5.1, None)]),
    ("hydrant", "pressure", "low_pressure", [(69.9, "alarm"), (74.9, "alarm"), (75, None), (70, None)]),
    ("hydrant", "pressure", "high_pressure", [(1000.1, "warning"), (980.1, "warning"), (980, None)]),
    ("charging_pile", "session_duration", "overlong_session", [(600, "warning"), (599.9, None)]),
)  # fmt: skip


async def test_hysteresis(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A hazard goes only when its value has come back far enough."""
    for kind, key, hazard, steps in HYSTERESIS:
        name = f"{kind}-{hazard}"
        await peer.config(name, kind, [key])
        device = gateway.runtime_data.devices[name]
        for value, severity in steps:
            await peer.state(name, **{key: value})
            assert device.monitor.severity(hazard) == severity, (name, value)


async def test_hysteresis_after_a_delay(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is the same where the hazard needs time to come; going needs none."""
    for kind, key, hazard, steps in (
        ("breaker_monitor", "current", "overcurrent", [(91.35, "alarm"), (89.46, "alarm"), (89.4, "warning"), (69.3, "warning"), (69.2, None)]),
        ("breaker_monitor", "voltage", "over_voltage", [(253.1, "warning"), (250.1, "warning"), (250, None)]),
        ("breaker_monitor", "voltage", "under_voltage", [(186.9, "warning"), (189.9, "warning"), (190, None)]),
        ("charging_pile", "current", "overload", [(11.3, "alarm"), (11, "alarm"), (10.9, None)]),
    ):  # fmt: skip
        name = f"{kind}-{hazard}"
        await peer.config(name, kind, [key])
        device = gateway.runtime_data.devices[name]
        await peer.state(name, **{key: steps[0][0]})
        assert device.monitor.severity(hazard) is None
        await pass_time(hass, freezer, 60)
        for value, severity in steps:
            await peer.state(name, **{key: value})
            assert device.monitor.severity(hazard) == severity, (name, value)


async def test_delay_begins_anew(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A condition that ends in between must last its whole time again."""
    await peer.config("breaker", "breaker_monitor", ["current"])
    device = gateway.runtime_data.devices["breaker"]
    for _times in range(2):
        await peer.state("breaker", current=100)
        await pass_time(hass, freezer, 9)
        # Reported again, and higher: that begins no new delay.
        await peer.state("breaker", current=120)
        await peer.state("breaker", current=60)
        await pass_time(hass, freezer, 9)
        assert alarms(hass, device) == NONE
    await peer.state("breaker", current=100)
    await pass_time(hass, freezer, 5)
    await peer.state("breaker", current=120)
    await pass_time(hass, freezer, 5)
    assert alarms(hass, device) == {"overcurrent": "alarm"}
    await pass_time(hass, freezer, 50)
    await peer.state("breaker", current=75)
    assert present(device) == {"overcurrent": "warning"}, "its 60 s have passed as well"
    await peer.state("breaker", current=60)
    assert present(device) == NONE
    assert not device.monitor._pending


async def test_delay_ends_with_the_device(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A device that is removed while a delay runs raises nothing any more."""
    await peer.config("breaker", "breaker_monitor", ["current"])
    await peer.state("breaker", current=100)
    gateway.runtime_data.remove_device("breaker")
    await pass_time(hass, freezer, 60)
    assert not hass.data[DATA_HOUSE].book.open


@pytest.fixture
async def house(hass: HomeAssistant, peer: Peer) -> MockConfigEntry:
    """Return a gateway with thresholds of its own for some kinds, and three devices."""
    entry = await add_gateway(
        hass,
        options={
            "thresholds": {
                "breaker_monitor": {"leakage_alarm": 400, "over_voltage_warning": 240},
                "hydrant": {"low_pressure_alarm": 60},
                "charging_pile": {"rated_current": 16},
            }
        },
    )
    await peer.gateway()
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await peer.config(
        "breaker", "breaker_monitor", ["residual_current", "voltage_l1", "voltage_l2"]
    )
    await peer.config("hydrant", "hydrant", ["pressure"])
    await peer.config("pile", "charging_pile", ["current_1"])
    return entry


async def test_settings(
    hass: HomeAssistant,
    house: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A device's own setting wins over its place of use, that over its kind, that over the default."""
    devices, core = house.runtime_data.devices, hass.data[DATA_HOUSE]
    breaker, hydrant, pile = (devices[key] for key in ("breaker", "hydrant", "pile"))

    # The kind's
    await peer.state("breaker", residual_current=399.9, voltage_l1=240.1)
    await peer.state("hydrant", pressure=60)
    await peer.state("pile", current_1=18)
    await pass_time(hass, freezer, 10)
    assert present(breaker) == {"leakage": "warning", "over_voltage": "warning"}
    assert present(hydrant) == present(pile) == NONE
    await peer.state("breaker", residual_current=400, voltage_l1=230)
    await peer.state("hydrant", pressure=59.9)
    await peer.state("pile", current_1=18.1)
    await pass_time(hass, freezer, 10)
    assert present(breaker) == {"leakage": "alarm"}
    assert present(hydrant) == {"low_pressure": "alarm"}
    assert present(pile) == {"overload": "alarm"}

    # The place of use; a change counts at once, without a new reading.
    await peer.state("breaker", residual_current=14.9)
    await peer.state("hydrant", pressure=100)
    assert present(breaker) == present(hydrant) == NONE
    breaker.settings.variant, hydrant.settings.variant = "final_circuit", "sprinkler"
    await core.async_save_settings(breaker)
    await core.async_save_settings(hydrant)
    assert present(breaker) == present(hydrant) == NONE
    for value, severity in ((15, "warning"), (29.9, "warning"), (30, "alarm")):
        await peer.state("breaker", residual_current=value)
        assert present(breaker) == {"leakage": severity}
    await peer.state("hydrant", pressure=99.9)
    assert present(hydrant) == {"low_pressure": "alarm"}

    # The device's
    breaker.settings.limits |= {"leakage_warning": 50, "leakage_alarm": 100}
    hydrant.settings.limits |= {"low_pressure_alarm": 0}
    pile.settings.limits |= {"rated_current": 32}
    for device in (breaker, hydrant, pile):
        await core.async_save_settings(device)
        assert present(device) == NONE
    await peer.state("breaker", residual_current=100)
    assert present(breaker) == {"leakage": "alarm"}


async def test_settings_are_kept(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """What was set on a device is still so after a restart of its gateway."""
    await peer.config("breaker", "breaker_monitor", ["residual_current"])
    before = gateway.runtime_data.devices["breaker"]
    before.settings.limits["leakage_warning"] = 20
    before.settings.variant = "final_circuit"
    await hass.data[DATA_HOUSE].async_save_settings(before)
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: "breaker" in gateway.runtime_data.devices)
    device = gateway.runtime_data.devices["breaker"]
    assert device is not before
    assert device.variant == "final_circuit"
    limits = [device.limit(f"leakage_{level}") for level in ("warning", "alarm")]
    assert limits == [20, 30]
    assert device.limit("over_temperature_alarm") == 85


async def test_jump(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """A tank does not empty or fill between two reports."""
    await peer.config("tank", "water_tank", ["level"])
    device = gateway.runtime_data.devices["tank"]
    await peer.state("tank", level=60)
    assert present(device) == NONE, "there is nothing to compare the first one with"
    steps = [(85, False), (59.9, True), (85, True), (84, False), (58.9, True)]
    for level, jumped in steps:
        await peer.state("tank", level=level)
        assert present(device) == ({"implausible_jump": "fault"} if jumped else NONE)
        assert device.readings["level"] == level, "it may be true: somebody must look"
    device.settings.limits["jump_limit"] = 10
    await peer.state("tank", level=68)
    assert present(device) == NONE
    await peer.state("tank", level=79)
    assert present(device) == {"implausible_jump": "fault"}


async def test_under_voltage_of_a_switched_supply(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """No voltage behind an open breaker is as it should be, from the moment it opens."""
    await peer.config("breaker", "breaker_monitor", ["supply", "voltage"])
    device = gateway.runtime_data.devices["breaker"]
    await peer.state("breaker", supply=True, voltage=150)
    await pass_time(hass, freezer, 5)
    assert present(device) == {"under_voltage": "warning"}
    await peer.state("breaker", supply=False)
    assert present(device) == NONE
    await peer.state("breaker", supply=True)
    assert present(device) == NONE
    await pass_time(hass, freezer, 5)
    assert present(device) == {"under_voltage": "warning"}


async def test_ends_after_a_restart(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A hazard of an earlier run ends by what the device reports, whichever source it had."""
    await peer.config("smoke", "smoke_sensor", ["battery", "temperature"])
    await peer.config("tank", "water_tank", ["battery_low", "level"])
    await peer.state("smoke", battery=10, temperature=57)
    await peer.state("tank", battery_low=True, level=21)
    await peer.state("tank", level=20)
    await wait_until(
        hass,
        lambda: all(a.announced for a in hass.data[DATA_HOUSE].book.open.values()),
    )
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: len(gateway.runtime_data.devices) == 2)
    await peer.settled()
    smoke, tank = (gateway.runtime_data.devices[key] for key in ("smoke", "tank"))
    assert present(smoke) == {"low_battery": "fault", "heat": "alarm"}
    assert present(tank) == {"low_battery": "fault", "low_level": "alarm"}
    await peer.state("smoke", battery=18, temperature=53)
    assert present(smoke) == {"low_battery": "fault", "heat": "alarm"}, "hysteresis"
    await peer.state("smoke", battery=50, temperature=20)
    await peer.state("tank", battery_low=False, level=30)
    assert present(smoke) == alarms(hass, smoke) == NONE
    assert present(tank) == {"low_level": "warning"}


async def test_no_longer_measured(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """An alarm about what a device no longer has can be reset by a person."""
    await peer.config("smoke", "smoke_sensor", ["smoke", "temperature"])
    await peer.state("smoke", smoke=True, temperature=60)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: all(a.announced for a in book.open.values()))
    await peer.config("smoke", "smoke_sensor", ["temperature"])
    await wait_until(
        hass,
        lambda: "smoke" not in gateway.runtime_data.devices["smoke"].points,
    )
    device = gateway.runtime_data.devices["smoke"]
    assert present(device) == alarms(hass, device) == {"heat": "alarm"}
    (smoke,) = [a for a in book.open.values() if a.hazard == "smoke"]
    assert (smoke.state, smoke.severity) == ("cleared", Severity.ALARM)
    book.reset(smoke, "somebody", outcome=Outcome.REAL)
    assert len(book.open) == 1


async def test_known(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """Nothing is all clear before something was reported about it."""
    await peer.config("smoke", "smoke_sensor", ["smoke", "temperature", "battery"])
    monitor = gateway.runtime_data.devices["smoke"].monitor
    assert not monitor.is_known("smoke") and not monitor.is_known("low_battery")
    assert monitor.is_known("unresponsive")
    await peer.state("smoke", smoke=False)
    assert monitor.is_known("smoke") and not monitor.is_known("heat")
    await peer.state("smoke", battery=80)
    assert monitor.is_known("low_battery")


def test_values() -> None:
    """A value is of its measurement's type, or it is none."""
    number, text, flag = (
        parse_point(key).measurement for key in ("current_l1", "class_seen", "smoke")
    )
    assert [number.parse(raw) for raw in (1, 2.5, -7)] == [1.0, 2.5, -7.0]
    assert text.parse("e_bike") == "e_bike"
    assert [flag.parse(raw) for raw in (True, False)] == [True, False]
    for measurement, raws in (
        (number, (True, "1", None, [], 10**400, float("nan"), float("inf"))),
        (text, ("E_BIKE", "", 1, None, True, ["e_bike"])),
        (flag, (0, 1, "on", None, 1.0)),
    ):
        for raw in raws:
            with pytest.raises(ValueError, match=measurement.key):
                measurement.parse(raw)


@pytest.mark.parametrize(
    "name", ["", "colour", "current_l4", "current_0", "current_100", "current_l1_2"]
)
def test_names(name: str) -> None:
    """A name that the catalogue does not know is no reading."""
    with pytest.raises(ValueError, match="unknown measurement"):
        parse_point(name)
