"""Readings that cannot be true: what is never calm, and what never cuts a home by itself."""

from collections.abc import Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.catalogue import DEVICE_KINDS
from custom_components.community_safety.catalogue.measurements import MEASUREMENTS
from custom_components.community_safety.const import DOMAIN, EVENT_ALARM
from custom_components.community_safety.core.alarm import Alarm, Outcome
from custom_components.community_safety.core.device import DOUBT, SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from tests.common import Peer, wait_until

BOTH_SIDES = [
    (kind.key, name, low)
    for kind in DEVICE_KINDS.values()
    for name in kind.levels_of
    for low in (False, True)
]


def present(device: SafetyDevice) -> dict[str, str]:
    """Return the hazards of a device as its entities show them."""
    return {
        hazard.key: severity.value
        for hazard in device.kind.hazards
        if (severity := device.monitor.severity(hazard.key))
    }


async def add(
    gateway: MockConfigEntry, peer: Peer, kind: str, **readings: Any
) -> SafetyDevice:
    """Add a device that reports so."""
    await peer.config("device", kind, list(readings))
    await peer.state("device", **readings)
    device: SafetyDevice = gateway.runtime_data.devices["device"]
    return device


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.mark.parametrize(("kind", "name", "low"), BOTH_SIDES)
async def test_beyond_the_range(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    kind: str,
    name: str,
    low: bool,
) -> None:
    """Beyond the range on the dangerous side is the hazard and a fault; elsewhere it is unknown.

    What was shown before, which may have been a good value, is shown no longer.
    """
    row = MEASUREMENTS[name]
    assert row.low is not None and row.high is not None
    device = await add(gateway, peer, kind, **{name: (row.low + row.high) / 2})
    before = device.readings.get(name)
    # A current has no low side: its amount counts, whatever the direction.
    beyond = row.low - row.noise - 1 if low and not row.unsigned else row.high + 1
    dangerous = device.kind.is_dangerous(name, low=low and not row.unsigned)

    await peer.state("device", **{name: beyond})
    await pass_time(hass, freezer, 120)

    hazards = {
        hazard.key
        for hazard in device.kind.hazards
        for level in hazard.levels
        if level.measurement == name and level.when.is_low is (beyond < row.low)
        if level.threshold
    }
    assert present(device)["sensor_fault"] == "fault"
    assert hazards <= present(device).keys()
    assert bool(hazards) is dangerous
    assert device.readings.get(name) != before
    assert (name in device.readings) is dangerous


async def test_unknown_is_shown_as_such(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A value that cannot be true, on the calm side, ends no alarm and calms nobody."""
    device = await add(gateway, peer, "smoke_sensor", temperature=60, battery=50)
    assert present(device) == {"heat": "alarm"}

    await peer.state("device", temperature=-273)

    assert present(device) == {"heat": "alarm", "sensor_fault": "fault"}
    assert "temperature" not in device.readings
    assert not device.monitor.is_known("heat")
    assert device.fresh_reading("temperature") is None, "it proves nothing"
    await peer.state("device", temperature=20)
    assert present(device) == {}
    assert device.monitor.is_known("heat")


async def test_fault_of_an_earlier_run(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A sensor's fault outlives a restart until something good is heard."""
    device = await add(gateway, peer, "smoke_sensor", temperature=20)
    await peer.state("device", temperature=-273)
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: "device" in gateway.runtime_data.devices)
    device = gateway.runtime_data.devices["device"]
    assert present(device) == {"sensor_fault": "fault"}

    await peer.state("device", temperature=21)

    assert present(device) == {}


async def test_another_phase_ends_nothing(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Where one phase is dangerous and then unknown, calm of the others is no calm of it."""
    device = await add(
        gateway,
        peer,
        "breaker_monitor",
        conductor_temperature_l1=75,
        conductor_temperature_l2=30,
    )
    assert present(device) == {"over_temperature": "warning"}

    await peer.state(
        "device", conductor_temperature_l1=-100, conductor_temperature_l2=31
    )

    assert present(device) == {
        "over_temperature": "warning",
        "sensor_fault": "fault",
    }


@pytest.mark.parametrize(
    ("kind", "name", "noise"),
    [
        ("breaker_monitor", "current", -0.02),
        ("breaker_monitor", "residual_current", -0.4),
        ("breaker_monitor", "voltage", -1.5),
        ("water_tank", "level", -1.2),
        ("hydrant", "pressure", -8.0),
        ("smoke_sensor", "smoke_density", -0.05),
        ("breaker_monitor", "energy", -0.01),
        ("charging_pile", "session_energy", -0.01),
        ("charging_pile", "session_duration", -0.4),
    ],
)
async def test_noise(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    kind: str,
    name: str,
    noise: float,
) -> None:
    """A meter's noise about zero is zero, and no fault."""
    device = await add(gateway, peer, kind, **{name: noise})

    assert "sensor_fault" not in present(device)
    assert device.readings[name] == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("amperes", [-140.0, 140.0])
async def test_direction_of_a_current(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    amperes: float,
) -> None:
    """A clamp that is on backwards (Koenkk/zigbee2mqtt#14405, #24271): the amount heats."""
    device = await add(
        gateway, peer, "breaker_monitor", current=-20.0, power=-4500.0, voltage=229.0
    )
    await peer.state("device", current=amperes, power=amperes * 225, voltage=225)
    await pass_time(hass, freezer, 11)

    assert present(device) == {"overcurrent": "alarm"}
    assert device.readings["current"] == 140


# What a meter says beside the dangerous value, and cannot be true with it.
CONTRADICTED = [
    # Koenkk/zigbee2mqtt#31823: 720 A at a socket of 10 A.
    ("charging_pile", {"current": 720.0}, "overload"),
    # Koenkk/zigbee2mqtt#18041: milliamperes taken for amperes, at a set-top box.
    (
        "charging_pile",
        {"current": 200.0, "power": 12.0, "voltage": 228.0},
        "overload",
    ),
    # Koenkk/zigbee2mqtt#18603: a 16-bit value that has wrapped, with the power of a lamp.
    (
        "breaker_monitor",
        {"current": 655.35, "power": -25.0, "voltage": 221.8},
        "overcurrent",
    ),
    # Koenkk/zigbee2mqtt#25005: a jump by a thousand, and back.
    ("breaker_monitor", {"current": 300.0, "power": 69.0}, "overcurrent"),
    # Beyond what the meter itself can tell.
    ("breaker_monitor", {"current": 7000.0, "power": 230.0}, "overcurrent"),
    ("breaker_monitor", {"current": 0.1, "residual_current": 40_000.0}, "leakage"),
    (
        "breaker_monitor",
        {"conductor_temperature_l1": 400.0, "conductor_temperature_l2": 31.0},
        "over_temperature",
    ),
    # Nothing flows, and two amperes of it flow to earth.
    (
        "breaker_monitor",
        {"current": 0.1, "residual_current": 2000.0},
        "leakage",
    ),
    (
        "breaker_monitor",
        {
            "conductor_temperature_l1": 200.0,
            "conductor_temperature_l2": 31.0,
            "conductor_temperature_l3": 30.0,
        },
        "over_temperature",
    ),
]


@pytest.mark.parametrize(("kind", "readings", "hazard"), CONTRADICTED)
async def test_contradicted(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    kind: str,
    readings: dict[str, float],
    hazard: str,
) -> None:
    """One contradicted number is a fault and a warning; a second one that agrees cuts."""
    device = await add(gateway, peer, kind, supply=True, **readings)
    asked: list[tuple[str, ...]] = []
    device.listen((DOUBT,), lambda: asked.append(device.doubted))

    await pass_time(hass, freezer, 61)

    assert present(device) == {hazard: "warning", "sensor_fault": "fault"}
    assert not [topic for topic, _ in peer.heard if topic.endswith("/set")]
    worst = max(
        (key for key in readings if key not in ("power", "voltage")),
        key=lambda key: readings[key],
    )
    assert device.doubted[0] == worst
    assert len(device.doubted) > 1 or "power" not in readings

    # Something of another measurement is no second reading.
    await peer.state("device", battery=80)
    assert present(device)[hazard] == "warning"
    peer.obedient_breaker("device")
    await peer.state("device", **{worst: readings[worst] * 0.98})

    await wait_until(hass, lambda: present(device).get(hazard) == "alarm")
    assert (await peer.hears("community_safety/building-1/device/set"))["set"] == {
        "supply": False
    }


async def test_asked_for(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """The device is asked at once for what contradicts itself, and for what it is held against."""
    device = await add(
        gateway, peer, "charging_pile", current_1=1.0, power_1=220.0, current_2=0.0
    )
    asked: list[tuple[str, ...]] = []
    device.listen((DOUBT,), lambda: asked.append(device.doubted))

    await peer.state("device", current_1=100.0)

    assert asked == [("current_1", "power_1")]
    # So does the gateway, and so is the device asked.
    await peer.hears("community_safety/building-1/device/get")


async def test_agreed_by_another_measurement(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The current comes first and the power, still the old one, after it: then it cuts."""
    device = await add(
        gateway, peer, "breaker_monitor", current=1.0, power=220.0, voltage=228.0
    )
    await peer.state("device", current=110.0)
    assert present(device) == {"sensor_fault": "fault"}

    await peer.state("device", power=25000.0)
    assert present(device) == {}
    await pass_time(hass, freezer, 11)

    assert present(device) == {"overcurrent": "alarm"}


@pytest.mark.parametrize(
    ("kind", "readings", "hazard"),
    [
        ("charging_pile", {"current": 14.0, "power": 3100.0}, "overload"),
        ("charging_pile", {"current": 14.0}, "overload"),
        # A motor that starts has a power factor of a fifth.
        (
            "breaker_monitor",
            {"current": 100.0, "power": 4600.0, "voltage": 225.0},
            "overcurrent",
        ),
        # The meter does not count small loads.
        ("breaker_monitor", {"residual_current": 550.0, "current": 0.4}, "leakage"),
        ("breaker_monitor", {"conductor_temperature": 240.0}, "over_temperature"),
        (
            "breaker_monitor",
            {"conductor_temperature_l1": 120.0, "conductor_temperature_l2": 40.0},
            "over_temperature",
        ),
    ],
)
async def test_uncontradicted(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    kind: str,
    readings: dict[str, float],
    hazard: str,
) -> None:
    """What nothing speaks against cuts at its time."""
    device = await add(gateway, peer, kind, **readings)
    await pass_time(hass, freezer, 11)

    assert present(device) == {hazard: "alarm"}


async def test_doubt_ends_with_the_danger(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A spike that is over leaves no fault behind, and the next one is a first one again."""
    device = await add(gateway, peer, "charging_pile", current=0.65, power=150.0)
    for _spike in range(2):
        await peer.state("device", current=720.0)
        assert present(device) == {"sensor_fault": "fault"}
        await peer.state("device", current=0.65)
        await pass_time(hass, freezer, 11)
        assert present(device) == {}
        assert device.doubted == ()


async def test_readings_that_disagree(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A second reading that is another one altogether is no agreement."""
    device = await add(gateway, peer, "charging_pile", current=720.0, power=150.0)
    await pass_time(hass, freezer, 11)
    await peer.state("device", current=90.0)
    assert present(device) == {"overload": "warning", "sensor_fault": "fault"}

    await peer.state("device", current=91.0)

    assert present(device)["overload"] == "alarm"


async def test_alarm_stays_one(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What was an alarm is not made a warning by a number that speaks against it later."""
    device = await add(gateway, peer, "charging_pile", current=14.0, power=3100.0)
    await pass_time(hass, freezer, 11)

    await peer.state("device", current=15.0, power=0.0)

    assert present(device)["overload"] == "alarm"


@pytest.mark.parametrize(
    ("kind", "danger", "less", "hazard"),
    [
        (
            "charging_pile",
            {"current": 14.0, "power": 3100.0},
            {"current": 15.0, "power": 0.0},
            "overload",
        ),
        (
            "breaker_monitor",
            {"residual_current": 600.0},
            {"residual_current": 350.0},
            "leakage",
        ),
    ],
)
async def test_returns_as_less(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    kind: str,
    danger: dict[str, float],
    less: dict[str, float],
    hazard: str,
) -> None:
    """What was cut and restored is not cut for a warning, or for one contradicted number.

    But a person must reset it, and it is cut when it is as bad as before.
    """
    calm = dict.fromkeys(danger, 0.0)
    device = await add(gateway, peer, kind, supply=True, **calm)
    peer.obedient_breaker("device")
    house = hass.data[DATA_HOUSE]

    async def is_cut() -> None:
        await wait_until(
            hass,
            lambda: [row.proven for row in house.cut_off.latches.values()] == [True],
        )

    await peer.state("device", **danger)
    await pass_time(hass, freezer, 11)
    await is_cut()
    await peer.state("device", **calm)
    await house.cut_off.async_restore(
        house.cut_off.supplies_of(device.uid), who="somebody"
    )
    alarm = next(row for row in house.book.open.values() if row.hazard == hazard)
    await peer.settled()
    peer.heard.clear()
    events = async_capture_events(hass, EVENT_ALARM)

    await peer.state("device", **less)
    await pass_time(hass, freezer, 11)

    assert present(device)[hazard] == "warning"
    told = [event.data for event in events if event.data["hazard"] == hazard]
    assert [(row["type"], row["severity"]) for row in told] == [("returned", "warning")]
    assert house.cut_off.latches == {}
    assert [topic for topic, _ in peer.heard if topic.endswith("/set")] == []
    # So it is after a restart.
    again = Alarm.from_dict(alarm.as_dict())
    assert (again.severity, again.latches) == ("warning", True)
    await peer.state("device", **calm)
    assert (alarm.state, alarm.id in house.book.open) == ("cleared", True)

    await peer.state("device", **less)
    await pass_time(hass, freezer, 11)
    await peer.state("device", **danger)
    await is_cut()
    await wait_until(hass, lambda: events[-1].data["severity"] == "alarm")
    await peer.state("device", **calm)
    house.book.reset(alarm, "somebody", outcome=Outcome.REAL)
    assert alarm.severity == "alarm"


async def test_unusable_and_unscaled(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What could not be understood is unknown; a number of no known unit only warns."""
    device = await add(
        gateway, peer, "charging_pile", smoke=False, current=1.0, power=230.0
    )
    device.update({}, unusable=("smoke", "colour"))
    assert present(device) == {"sensor_fault": "fault"}
    assert "smoke" not in device.readings
    assert not device.monitor.is_known("smoke")
    device.update({"smoke": False})
    assert present(device) == {}

    for _report in range(3):
        device.update({"current": 600.0}, unscaled=("current",))
        await pass_time(hass, freezer, 11)
        assert present(device) == {"overload": "warning", "sensor_fault": "fault"}
    device.update({"current": 1.0})

    assert present(device) == {}
    assert not hass.data[DATA_HOUSE].book.open


async def test_not_fresh(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What is repeated from a memory agrees with nothing."""
    device = await add(gateway, peer, "charging_pile", current=720.0, power=150.0)
    await pass_time(hass, freezer, 11)

    device.update({"current": 720.0}, fresh=False)

    assert present(device) == {"overload": "warning", "sensor_fault": "fault"}


async def test_a_sensor_that_says_nothing_of_the_frost(
    gateway: MockConfigEntry, peer: Peer
) -> None:
    """Koenkk/zigbee2mqtt#15173: below -20 °C it says 327.7, which is ZCL's "not known".

    The water freezes on, and the last degree that was good is shown no longer.
    """
    device = await add(gateway, peer, "hydrant", pressure=250, temperature=-19)
    before = present(device)
    assert before.keys() == {"freezing"}
    await peer.state("device", temperature=327.7)
    assert "temperature" not in device.readings
    assert present(device) == {**before, "sensor_fault": "fault"}
    await peer.state("device", temperature=8)
    assert present(device) == {}


async def test_a_sensor_that_has_burnt_cools_no_fire(
    gateway: MockConfigEntry, peer: Peer
) -> None:
    """arendst/Tasmota#9978: a device that really sends -100 °C where it measures nothing.

    In a fire that is the end of a thermistor; what it said before, stands.
    """
    device = await add(gateway, peer, "smoke_sensor", smoke=False, temperature=90)
    assert present(device) == {"heat": "alarm"}
    await peer.state("device", temperature=-100)
    assert present(device) == {"heat": "alarm", "sensor_fault": "fault"}
    assert "temperature" not in device.readings


async def test_spikes_at_both_ends_of_the_range(
    gateway: MockConfigEntry, peer: Peer
) -> None:
    """Koenkk/zigbee2mqtt#13640: +124.99 and -40 °C between good values.

    Both are in the range. Heat is an alarm that stays until a person has looked.
    """
    device = await add(gateway, peer, "smoke_sensor", smoke=False, temperature=24)
    await peer.state("device", temperature=-40)
    assert present(device) == {}
    await peer.state("device", temperature=124.99)
    assert present(device) == {"heat": "alarm"}
    await peer.state("device", temperature=24)
    book = device._book
    assert [(row.hazard, row.present) for row in book.of_device(device.uid)] == [
        ("heat", False)
    ]


@pytest.mark.parametrize(
    "say",
    [
        pytest.param(
            lambda pile: pile.update({"power": 160_000.0}, fresh=False), id="remembered"
        ),
        pytest.param(
            lambda pile: pile.update({}, unusable=("power",)), id="not understood"
        ),
        pytest.param(lambda pile: pile.update({"power": 1e9}), id="beyond its range"),
        pytest.param(lambda pile: pile.lose("power"), id="not there"),
    ],
)
async def test_what_speaks_for_nothing(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    say: Callable[[SafetyDevice], None],
) -> None:
    """That nobody knows any more what spoke against a number does not make it true."""
    device = await add(
        gateway, peer, "charging_pile", current=720.0, power=150.0, battery=90
    )
    await pass_time(hass, freezer, 11)
    say(device)
    await peer.state("device", battery=80)
    await pass_time(hass, freezer, 11)
    assert present(device) == {"overload": "warning", "sensor_fault": "fault"}

    await peer.state("device", current=700.0)

    assert present(device)["overload"] == "alarm"


@pytest.mark.parametrize("seconds", [0, 11])
async def test_garbage_makes_nothing_truer(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    seconds: float,
) -> None:
    """A contradicted number that is followed by nonsense, or by nothing, cuts nothing.

    KaufHA/PLF10#17: now and then a hundred times what the plug could carry; and "nan" is what
    firmware makes of a sensor that does not answer (arendst/Tasmota#4147).
    """
    device = await add(
        gateway, peer, "charging_pile", supply=True, current=720.0, power=150.0
    )
    await pass_time(hass, freezer, seconds)
    await peer.state("device", current="nan")
    await pass_time(hass, freezer, 11)
    device.settings_changed()
    assert present(device) == {"overload": "warning", "sensor_fault": "fault"}
    assert hass.data[DATA_HOUSE].cut_off.latches == {}

    # The second number that agrees comes after it.
    peer.obedient_breaker("device")
    await peer.state("device", current=710.0)
    assert present(device)["overload"] == "alarm"


async def test_doubted_in_an_earlier_run(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A restart neither ends what was contradicted, nor makes an alarm of it."""
    await peer.config("device", "charging_pile", ["supply", "current", "power"])
    danger = {"current": 720.0, "power": 150.0}
    await peer.state("device", retain=False, supply=True, **danger)
    await pass_time(hass, freezer, 11)
    house = hass.data[DATA_HOUSE]
    before = {row.id: row.severity for row in house.book.open.values()}
    assert sorted(before.values()) == ["fault", "warning"]

    assert await hass.config_entries.async_reload(gateway.entry_id)
    device = gateway.runtime_data.devices["device"]
    device.settings_changed()

    assert {row.id: row.severity for row in house.book.open.values()} == before
    assert present(device)["overload"] == "warning"
    assert house.cut_off.latches == {}
    device.update({"current": 1.0, "power": 220.0})
    assert "overload" not in present(device)


@pytest.mark.parametrize("how", ["lost", "restart"])
async def test_a_phase_that_is_not_heard(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, how: str
) -> None:
    """Where one phase is dangerous and is not heard any more, the calm of others is theirs."""
    hot, cold = "conductor_temperature_l1", "conductor_temperature_l2"
    await peer.config("device", "breaker_monitor", [hot, cold])
    await peer.state("device", retain=False, **{hot: 75, cold: 30})
    device = gateway.runtime_data.devices["device"]
    assert present(device) == {"over_temperature": "warning"}
    if how == "restart":
        assert await hass.config_entries.async_reload(gateway.entry_id)
        await wait_until(hass, lambda: gateway.runtime_data.connected)
        device = gateway.runtime_data.devices["device"]
    else:
        device.lose(hot)

    await peer.state("device", retain=False, **{cold: 31})
    assert present(device) == {"over_temperature": "warning"}
    await peer.state("device", retain=False, **{hot: 32})
    assert present(device) == {}


async def test_a_listener_that_fails(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """An entity that cannot be written keeps neither others nor a cut-off from a report."""
    device = await add(
        gateway, peer, "breaker_monitor", supply=True, current=5.0, residual_current=1.0
    )
    heard: list[str] = []

    def fail(*_: Any) -> None:
        raise RuntimeError

    house = hass.data[DATA_HOUSE]
    device.listen(("current",), fail)
    device.listen(("current",), lambda: heard.append("listener"))
    device.watch(fail)
    device.watch(lambda: heard.append("watcher"))
    house.latches.listen(fail)
    await peer.state("device", current=6.0)
    assert heard == ["listener", "watcher"]
    assert "Not everybody could be told" in caplog.text

    peer.obedient_breaker("device")
    await peer.state("device", residual_current=900.0)
    await wait_until(
        hass, lambda: [row.proven for row in house.latches.rows.values()] == [True]
    )


# What is only remembered ends nothing

FAULTS = [
    ("smoke_sensor", {"trouble": True}, "sensor_fault"),
    ("smoke_sensor", {"tamper": True}, "tamper"),
    ("smoke_sensor", {"battery_low": True}, "low_battery"),
    ("smoke_sensor", {"battery": 3.0}, "low_battery"),
    ("smoke_sensor", {"self_test_failed": True}, "self_test_failed"),
    ("smoke_sensor", {"temperature": -273.0}, "sensor_fault"),
    ("hydrant", {"temperature": 327.7}, "sensor_fault"),
]


async def restart(hass: HomeAssistant, gateway: MockConfigEntry) -> SafetyDevice:
    """Let the gateway begin anew, with what is on the disk."""
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(hass, lambda: gateway.runtime_data.connected)
    device: SafetyDevice = gateway.runtime_data.devices["device"]
    return device


@pytest.mark.parametrize("again", [False, True], ids=["same run", "after a restart"])
@pytest.mark.parametrize(("kind", "fault", "hazard"), FAULTS)
async def test_a_memory_ends_no_fault(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    kind: str,
    fault: dict[str, Any],
    hazard: str,
    again: bool,
) -> None:
    """Only the device's own word does: a cache may be older than the fault."""
    calm = {"temperature": 20.0, "battery": 90.0}
    good = {key: calm.get(key, False) for key in fault}
    other = {"smoke": False} if kind == "smoke_sensor" else {"pressure": 250.0}
    await peer.config("device", kind, [*fault, *other])
    await peer.state("device", retain=False, **good)
    device = gateway.runtime_data.devices["device"]
    assert present(device) == {}
    await peer.state("device", retain=False, **fault)
    if again:
        device = await restart(hass, gateway)
    assert present(device) == {hazard: "fault"}

    device.update(good, fresh=False)
    device.update({}, fresh=False)
    assert present(device) == {hazard: "fault"}
    shown = {key: device.readings.get(key) for key in fault}
    assert shown != good, "it would calm people"
    # Something else that the device says itself is no word about this.
    device.update(other)
    assert present(device) == {hazard: "fault"}
    assert device.remembered == tuple(fault)

    device.update(good)
    assert present(device) == {}
    assert device.remembered == ()


async def test_of_two_faults_each_ends_by_itself(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Which readings cannot be believed is on the disk, also of those that came later."""
    await peer.config("device", "smoke_sensor", ["smoke", "temperature", "trouble"])
    await peer.state("device", retain=False, temperature=-273, smoke=False)
    await peer.state("device", retain=False, smoke="perhaps")
    await peer.state("device", retain=False, temperature=20)
    device = await restart(hass, gateway)

    await peer.state("device", retain=False, temperature=21)
    assert present(device) == {"sensor_fault": "fault"}
    await peer.state("device", retain=False, trouble=True)
    await peer.state("device", retain=False, smoke=False)
    device = await restart(hass, gateway)
    assert device.readings["implausible"] is False, "it is in trouble, and no more"
    await peer.state("device", retain=False, trouble=False)
    assert present(device) == {}


async def test_a_level_that_a_restart_knows(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Its battery was low by the number: that is over with another one, whatever else it has."""
    await peer.config("device", "smoke_sensor", ["battery", "battery_low"])
    await peer.state("device", retain=False, battery=5, battery_low=False)
    device = await restart(hass, gateway)
    assert present(device) == {"low_battery": "fault"}
    device.update({"battery_low": False}, fresh=False)

    await peer.state("device", retain=False, battery=100)

    assert present(device) == {}


async def test_an_alarm_book_of_an_earlier_version(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """It does not say what a fault is about: then any word of the device ends it, no memory."""
    await peer.config("device", "smoke_sensor", ["temperature", "battery"])
    await peer.state("device", retain=False, temperature=-273)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert alarm.causes == ["implausible", "temperature"]
    alarm.causes = []
    device = await restart(hass, gateway)

    device.update({"temperature": 20.0, "battery": 90.0}, fresh=False)
    assert present(device) == {"sensor_fault": "fault"}
    await peer.state("device", retain=False, battery=90)
    assert present(device) == {}


async def test_a_memory_of_danger_is_never_dropped(
    gateway: MockConfigEntry, peer: Peer
) -> None:
    """Also of a reading that nobody believes: it may have begun while nobody listened."""
    device = await add(gateway, peer, "smoke_sensor", smoke=False, temperature=20)
    device.update({}, unusable=("smoke", "temperature"))

    device.update({"smoke": True, "temperature": 200.0}, fresh=False)

    assert present(device) == {
        "smoke": "alarm",
        "heat": "alarm",
        "sensor_fault": "fault",
    }
    assert device.remembered == ()


async def test_a_remembered_level_ends_no_jump(
    gateway: MockConfigEntry, peer: Peer
) -> None:
    """A tank's level that jumped is believed when the gauge itself says one that fits."""
    device = await add(gateway, peer, "water_tank", level=50)
    await peer.state("device", level=95)
    assert "implausible_jump" in present(device)
    device.update({"level": 94.0}, fresh=False)
    assert "implausible_jump" in present(device)
    await peer.state("device", level=93)
    assert "implausible_jump" not in present(device)


async def test_noise_that_is_remembered(gateway: MockConfigEntry, peer: Peer) -> None:
    """It is in the range after all; but the meter has not said so."""
    device = await add(gateway, peer, "breaker_monitor", current=1.0)
    await peer.state("device", current=1e9)
    assert present(device)["sensor_fault"] == "fault"
    device.update({"current": -0.01}, fresh=False)
    assert present(device)["sensor_fault"] == "fault"
    device.update({"current": -0.01})
    assert "sensor_fault" not in present(device)


async def test_a_scale_that_is_remembered(gateway: MockConfigEntry, peer: Peer) -> None:
    """A number of a known unit ends that the unit was not known, if the device has said it."""
    device = await add(gateway, peer, "breaker_monitor", voltage=230.0)
    device.update({"voltage": 231.0}, unscaled=("voltage",))
    device.update({"voltage": 230.0}, fresh=False)
    assert present(device) == {"sensor_fault": "fault"}
    device.update({"voltage": 230.0})
    assert present(device) == {}


async def test_who_cannot_say_that_it_is_over(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    hass_client: ClientSessionGenerator,
) -> None:
    """People are told, and a person who has looked may say so.

    That is a word for what was remembered alone: the alarm is to be reset, the device has not
    been heard, and the next danger is one.
    """
    assert await async_setup_component(hass, "repairs", {})
    await peer.config("device", "smoke_sensor", ["smoke", "tamper"])
    await peer.state("device", retain=False, smoke=True, tamper=True)
    device = gateway.runtime_data.devices["device"]
    since = device.last_seen
    device.update({"smoke": False, "tamper": False}, fresh=False)
    await peer.settled()
    assert peer.heard == [], "it sleeps"
    issues = ir.async_get(hass).issues
    await pass_time(hass, freezer, 299)
    assert not issues, "it may say so yet"
    await pass_time(hass, freezer, 2)

    ((_domain, issue_id),) = issues
    assert not hass.data[DATA_HOUSE].book.present(
        gateway.runtime_data.uid, "sensor_fault"
    ), "it is the device's own trouble"
    client = await hass_client()
    url = "/api/repairs/issues/fix"
    answer = await client.post(url, json={"handler": DOMAIN, "issue_id": issue_id})
    flow = await answer.json()
    assert flow["description_placeholders"] == {
        "gateway": gateway.title,
        "device": "Device",
        "hazards": "Smoke, Tamper",
    }
    assert present(device).keys() == {"smoke", "tamper"}, "nobody has said anything"
    flow = await (await client.post(f"{url}/{flow['flow_id']}", json={})).json()
    assert flow["type"] == "create_entry"

    assert present(device) == {}
    assert not issues
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert (alarm.hazard, alarm.state) == ("smoke", "cleared")
    assert [row["what"] for row in alarm.timeline[-2:]] == ["attested", "cleared"]
    assert (device.last_seen, device.reported) == (since, {})
    await peer.state("device", retain=False, smoke=True)
    assert present(device) == {"smoke": "alarm"}


async def test_who_is_awake_is_asked(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Once for each reading, and what it answers is its word."""
    device = await add(
        gateway, peer, "breaker_monitor", tripped=True, battery_low=False
    )
    assert present(device) == {"tripped": "warning"}
    topic = "community_safety/building-1/device/get"
    for _time in range(3):
        device.update({"tripped": False}, fresh=False)
    await peer.hears(topic)
    await peer.settled()
    assert topic not in dict(peer.heard)
    await peer.state("device", tripped=False)
    assert present(device) == {}


@pytest.mark.parametrize(
    "word",
    [
        pytest.param(lambda device: device.update({"smoke": False}), id="it says so"),
        pytest.param(
            lambda device: device.update({"smoke": True}, fresh=False), id="danger"
        ),
        pytest.param(
            lambda device: device.update({"smoke": True}), id="its own of danger"
        ),
    ],
)
async def test_nobody_is_asked_any_more(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    word: Callable[[SafetyDevice], None],
) -> None:
    """Once something is known, the question is gone."""
    await peer.config("device", "smoke_sensor", ["smoke"])
    await peer.state("device", retain=False, smoke=True)
    device = gateway.runtime_data.devices["device"]
    device.update({"smoke": False}, fresh=False)
    await pass_time(hass, freezer, 301)
    assert len(ir.async_get(hass).issues) == 1
    word(device)
    assert not ir.async_get(hass).issues
    await pass_time(hass, freezer, 301)
    assert not ir.async_get(hass).issues


async def test_a_limit_that_is_changed(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """What a person's new limit ends is asked of nobody."""
    await peer.config("device", "smoke_sensor", ["battery"])
    await peer.state("device", retain=False, battery=10)
    device = gateway.runtime_data.devices["device"]
    device.update({"battery": 90.0}, fresh=False)
    await pass_time(hass, freezer, 301)
    assert len(ir.async_get(hass).issues) == 1
    device.settings.limits["low_battery_fault"] = 2
    device.settings_changed()
    assert present(device) == {}
    assert not ir.async_get(hass).issues


async def test_a_device_that_is_deleted_is_asked_about_no_more(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Its repair goes with it."""
    await peer.config("device", "smoke_sensor", ["smoke"])
    await peer.state("device", retain=False, smoke=True)
    gateway.runtime_data.devices["device"].update({"smoke": False}, fresh=False)
    await pass_time(hass, freezer, 301)
    gateway.runtime_data.remove_device("device")
    assert not ir.async_get(hass).issues
    await pass_time(hass, freezer, 301)
