"""What of a state is the device's own word, and what is memory, echo or absence."""

from datetime import timedelta

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.core.device import Power, SafetyDevice
from custom_components.community_safety.gateways.adopted.gateway import AWAY_SECONDS
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN
from homeassistant.core import CoreState, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component

from .common import add_adopted, adopt, only_device, open_hazards, say, subentry, unload
from .shapes import (
    ESPHOME_TANK,
    MATTER_SMOKE,
    SHELLY_3EM,
    TUYA_BREAKER,
    ZHA_SMOKE,
    Shape,
    entity_of,
)

SMOKE, BATTERY = "-1280", "-1-1"
FIRST, SECOND = "binary_sensor.smoke", "binary_sensor.carbon_monoxide"


async def later(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time pass."""
    freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return a gateway that has adopted a detector of ZHA, which is not set up yet."""
    entry = await adopt(hass, ZHA_SMOKE)
    for end in (SMOKE, BATTERY):
        unload(hass, entity_of(hass, ZHA_SMOKE, end))
    return entry


@pytest.fixture
def smoke(hass: HomeAssistant, entry: MockConfigEntry) -> str:
    """Return the entity of its smoke."""
    return entity_of(hass, ZHA_SMOKE, SMOKE)


@pytest.fixture
def device(entry: MockConfigEntry) -> SafetyDevice:
    """Return the detector."""
    return only_device(entry)


async def test_a_report_is_an_alarm_and_its_end(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """What changes while it is watched is the device's word."""
    say(hass, smoke, "off")
    say(hass, smoke, "on")
    assert open_hazards(hass, device) == ["smoke"]
    assert device.fresh_reading("smoke") is True
    say(hass, smoke, "off")
    assert device.readings["smoke"] is False
    assert device.monitor.severity("smoke") is None


async def test_what_an_entity_remembers_proves_nothing(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """The first state of a run may be restored: no sign of life, and no fresh reading."""
    device.derive(unresponsive=True)
    say(hass, smoke, "off")
    assert device.readings["smoke"] is False
    assert device.fresh_reading("smoke") is None
    assert device.readings["unresponsive"] is True
    assert not device.available
    # Written again, with nothing changed: its integration has heard of it.
    say(hass, smoke, "off")
    assert device.fresh_reading("smoke") is False
    assert device.readings["unresponsive"] is False
    assert device.available


async def test_a_remembered_danger_is_raised_all_the_same(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """Nobody knows better: an alarm that a restart has interrupted goes on."""
    say(hass, smoke, "on")
    assert open_hazards(hass, device) == ["smoke"]
    assert device.fresh_reading("smoke") is None


async def test_a_remembered_calm_ends_no_danger(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """It may be what was saved before the fire."""
    say(hass, smoke, "off")
    say(hass, smoke, "on")
    unload(hass, smoke)
    say(hass, smoke, "on")
    assert device.monitor.severity("smoke") == "alarm"
    unload(hass, smoke)
    # It may be what its class begins with.
    say(hass, smoke, "off")
    assert device.monitor.severity("smoke") == "alarm"
    say(hass, smoke, "off")
    assert device.monitor.severity("smoke") is None


async def test_what_comes_back_unchanged_is_memory(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """An integration writes what it remembers when a device is there again."""
    say(hass, smoke, "off")
    say(hass, smoke, "off")
    say(hass, smoke, STATE_UNAVAILABLE)
    assert "smoke" not in device.readings
    say(hass, smoke, "off")
    assert device.readings["smoke"] is False
    assert device.fresh_reading("smoke") is None


async def test_states_of_before_our_start(hass: HomeAssistant) -> None:
    """What lies in the state machine when the gateway starts was said some time ago."""
    entry = await adopt(hass, ZHA_SMOKE)
    smoke = entity_of(hass, ZHA_SMOKE, SMOKE)
    say(hass, smoke, "off")
    say(hass, smoke, "off")
    assert only_device(entry).fresh_reading("smoke") is False
    assert await hass.config_entries.async_reload(entry.entry_id)
    device = only_device(entry)
    assert device.readings["smoke"] is False
    assert device.fresh_reading("smoke") is None


async def test_an_assumed_state_is_no_reading(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """An integration says of itself that it only guesses."""
    for value in ("off", "on", "off"):
        say(hass, smoke, value, assumed_state=True)
        assert device.fresh_reading("smoke") is None
    # What it has guessed ends no danger.
    assert device.readings["smoke"] is True


@pytest.mark.parametrize("silence", [STATE_UNAVAILABLE, STATE_UNKNOWN])
async def test_a_part_that_says_nothing(
    hass: HomeAssistant,
    device: SafetyDevice,
    smoke: str,
    freezer: FrozenDateTimeFactory,
    silence: str,
) -> None:
    """A detector whose battery reports, and whose smoke is unknown, is no detector."""
    battery = entity_of(hass, ZHA_SMOKE, BATTERY)
    for _ in range(2):
        say(hass, smoke, "off")
        say(hass, battery, 90)
    say(hass, smoke, silence)
    assert "smoke" not in device.readings
    assert device.available
    assert open_hazards(hass, device) == []
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, device) == ["sensor_fault"]
    # That its battery goes on is no news of its smoke.
    say(hass, battery, 89)
    assert open_hazards(hass, device) == ["sensor_fault"]
    # Nor is what its integration remembers of it.
    say(hass, smoke, "off")
    assert open_hazards(hass, device) == ["sensor_fault"]
    say(hass, smoke, "off")
    assert open_hazards(hass, device) == []


async def test_an_unknown_of_no_danger_is_no_fault(
    hass: HomeAssistant,
    device: SafetyDevice,
    smoke: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Batteries are told of once a day."""
    for _ in range(2):
        say(hass, smoke, "off")
    say(hass, entity_of(hass, ZHA_SMOKE, BATTERY), STATE_UNKNOWN)
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, device) == []


async def test_a_device_that_is_away(
    hass: HomeAssistant,
    device: SafetyDevice,
    smoke: str,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is unavailable at once, and a fault if that lasts longer than a reload."""
    battery = entity_of(hass, ZHA_SMOKE, BATTERY)
    for _ in range(2):
        say(hass, smoke, "off")
        say(hass, battery, 90)
    for entity_id in (smoke, battery):
        say(hass, entity_id, STATE_UNAVAILABLE)
    assert not device.available
    assert open_hazards(hass, device) == []
    say(hass, smoke, "off")
    assert device.available
    say(hass, smoke, STATE_UNAVAILABLE)
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, device) == ["unresponsive"]
    # There again by its integration's word; alive by its own.
    say(hass, smoke, "off")
    assert open_hazards(hass, device) == ["unresponsive"]
    say(hass, smoke, "off")
    assert open_hazards(hass, device) == []


async def test_integrations_may_start_slowly(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Until Home Assistant has started, nobody is missed."""
    hass.set_state(CoreState.starting)
    entry = await adopt(hass, ZHA_SMOKE)
    device = only_device(entry)
    await later(hass, freezer, 10 * AWAY_SECONDS)
    assert open_hazards(hass, device) == []
    hass.set_state(CoreState.running)
    hass.bus.async_fire("homeassistant_started")
    await hass.async_block_till_done()
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, device) == ["unresponsive"]


async def test_a_live_subscription_is_a_sign_of_life(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """A Matter alarm says nothing for months, and is there: its first word is fresh too."""
    entry = await adopt(hass, MATTER_SMOKE)
    device = only_device(entry)
    smoke = entity_of(hass, MATTER_SMOKE, "SmokeStateSensor-92-1")
    say(hass, smoke, "off")
    assert device.fresh_reading("smoke") is False
    device.derive(unresponsive=True)
    await later(hass, freezer, 10)
    assert device.readings["unresponsive"] is False
    unload(hass, smoke)
    device.derive(unresponsive=True)
    await later(hass, freezer, 10)
    assert device.readings["unresponsive"] is True


async def test_a_test_is_a_drill(hass: HomeAssistant) -> None:
    """What a detector finds while it tests itself tells nobody."""
    entry = await adopt(hass, MATTER_SMOKE)
    device = only_device(entry)
    test = entity_of(hass, MATTER_SMOKE, "TestInProgressSensor-92-5")
    smoke = entity_of(hass, MATTER_SMOKE, "SmokeStateSensor-92-1")
    say(hass, smoke, "off")
    say(hass, test, "on")
    say(hass, smoke, "on")
    (alarm,) = device._book.of_device(device.uid)
    assert alarm.drill


async def test_each_of_several_faults_counts(hass: HomeAssistant) -> None:
    """One that is well does not hide the other."""
    entry = await adopt(hass, MATTER_SMOKE)
    device = only_device(entry)
    hardware = entity_of(hass, MATTER_SMOKE, "HardwareFaultAlertSensor-92-6")
    service = entity_of(hass, MATTER_SMOKE, "EndfOfServiceSensor-92-7")
    for entity_id, value in ((hardware, "on"), (service, "off"), (service, "off")):
        say(hass, entity_id, value)
    assert device.readings["trouble"] is True
    assert open_hazards(hass, device) == ["sensor_fault"]
    say(hass, service, "unavailable")
    assert device.readings["trouble"] is True
    say(hass, hardware, "off")
    assert device.readings["trouble"] is False


@pytest.fixture
async def pair(hass: HomeAssistant) -> SafetyDevice:
    """Return a detector of two entities, for smoke and for carbon monoxide, both calm."""
    data = {
        "device": None,
        "kind": "smoke_sensor",
        "readings": {"smoke": [FIRST, SECOND]},
        "commands": {},
    }
    entry = await add_adopted(hass, subentry("Hall", data))
    for entity_id in (FIRST, SECOND) * 2:
        say(hass, entity_id, "off")
    return only_device(entry)


async def test_who_has_seen_a_fire_and_is_gone_is_not_calm(
    hass: HomeAssistant, pair: SafetyDevice
) -> None:
    """What the other one says ends nothing, until both have said it."""
    assert pair.fresh_reading("smoke") is False
    say(hass, FIRST, "on")
    say(hass, FIRST, STATE_UNAVAILABLE)
    say(hass, SECOND, "off")
    say(hass, SECOND, "off")
    assert open_hazards(hass, pair) == ["smoke"]
    # It remembers to have been calm.
    say(hass, FIRST, "off")
    say(hass, SECOND, "off")
    assert pair.monitor.severity("smoke") == "alarm"
    say(hass, FIRST, "off")
    assert pair.monitor.severity("smoke") is None
    assert pair.fresh_reading("smoke") is False


@pytest.mark.parametrize("silence", [STATE_UNAVAILABLE, "perhaps"])
async def test_the_fault_of_one_is_not_hidden_by_the_other(
    hass: HomeAssistant,
    pair: SafetyDevice,
    freezer: FrozenDateTimeFactory,
    silence: str,
) -> None:
    """Half of a detector is a fault for as long as it lasts, and sees smoke meanwhile."""
    say(hass, FIRST, silence)
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, pair) == ["sensor_fault"]
    pair.derive(unresponsive=True)
    say(hass, SECOND, "off")
    assert open_hazards(hass, pair) == ["sensor_fault"]
    assert pair.readings["smoke"] is False
    # It is a sign of life all the same.
    assert pair.readings["unresponsive"] is False
    say(hass, SECOND, "on")
    assert open_hazards(hass, pair) == ["sensor_fault", "smoke"]
    say(hass, SECOND, "off")
    assert open_hazards(hass, pair) == ["sensor_fault", "smoke"]
    for _ in range(2):
        say(hass, FIRST, "off")
    assert pair.monitor.severity("smoke") is None
    assert "sensor_fault" not in open_hazards(hass, pair)


async def test_who_stays_away_while_the_others_come_back(
    hass: HomeAssistant, pair: SafetyDevice, freezer: FrozenDateTimeFactory
) -> None:
    """All were away; of the one that does not come back people are told."""
    for entity_id in (FIRST, SECOND):
        say(hass, entity_id, STATE_UNAVAILABLE)
    await later(hass, freezer, AWAY_SECONDS)
    for _ in range(2):
        say(hass, SECOND, "off")
    assert open_hazards(hass, pair) == []
    await later(hass, freezer, AWAY_SECONDS)
    assert open_hazards(hass, pair) == ["sensor_fault"]


@pytest.mark.parametrize("platform", ["group", "template"])
async def test_calm_that_is_calculated_is_a_guess(
    hass: HomeAssistant, platform: str
) -> None:
    """It is off as well while those are away that it is calculated from."""
    row = er.async_get(hass).async_get_or_create("binary_sensor", platform, "smoke")
    data = {
        "device": None,
        "kind": "smoke_sensor",
        "readings": {"smoke": [row.id]},
        "commands": {},
    }
    device = only_device(await add_adopted(hass, subentry("Hall", data)))
    for value in ("off", "off", "on", "on"):
        say(hass, row.entity_id, value)
    assert device.fresh_reading("smoke") is True
    say(hass, row.entity_id, "off")
    assert device.monitor.severity("smoke") == "alarm"


@pytest.mark.parametrize("registered", [{}, {"unique_id": "hall"}])
@pytest.mark.parametrize(
    ("more", "ends"),
    [({}, False), ({"availability": "{{ has_value('sensor.detector') }}"}, True)],
)
async def test_a_template_that_says_when_it_knows_nothing(
    hass: HomeAssistant,
    registered: dict[str, str],
    more: dict[str, str],
    ends: bool,
) -> None:
    """The one of our documentation: without its source it is unavailable, and not calm."""
    smoke = "binary_sensor.hall_smoke"
    hass.states.async_set("sensor.detector", "normal")
    template = {
        "name": "Hall smoke",
        "device_class": "smoke",
        "state": "{{ is_state('sensor.detector', 'alarm') }}",
    }
    assert await async_setup_component(
        hass,
        "template",
        {"template": [{"binary_sensor": [template | registered | more]}]},
    )
    await hass.async_block_till_done()
    row = er.async_get(hass).async_get(smoke)
    assert bool(row) is bool(registered)
    data = {
        "device": None,
        "kind": "smoke_sensor",
        "readings": {"smoke": [row.id if row else smoke]},
        "commands": {},
    }
    device = only_device(await add_adopted(hass, subentry("Hall", data)))
    for value in ("alarm", "normal"):
        hass.states.async_set("sensor.detector", value)
        await hass.async_block_till_done()
    assert device.reported
    assert (device.monitor.severity("smoke") is None) is ends


async def test_numbers_in_their_units(hass: HomeAssistant) -> None:
    """Whatever unit a state has now: its user may have chosen another one."""
    entry = await adopt(hass, TUYA_BREAKER)
    device = only_device(entry)
    power = entity_of(hass, TUYA_BREAKER, "phase_apower")
    say(hass, power, 1.5)
    assert device.readings["power"] == 1500
    say(hass, power, 1200, unit_of_measurement="W")
    assert device.readings["power"] == 1200


@pytest.mark.parametrize(
    ("value", "unit"), [("much", "A"), ("nan", "A"), ("5", "°C"), ("5", 7)]
)
async def test_what_is_no_number(hass: HomeAssistant, value: str, unit: object) -> None:
    """It makes the reading unknown, is counted, and is a fault."""
    entry = await adopt(hass, SHELLY_3EM)
    device = only_device(entry)
    current = entity_of(hass, SHELLY_3EM, "em:0-b_current")
    say(hass, current, 7)
    say(hass, current, value, unit_of_measurement=unit)
    assert "current_l2" not in device.readings
    assert open_hazards(hass, device) == ["sensor_fault"]
    assert sum(entry.runtime_data.refused.values()) == 1
    say(hass, current, 8)
    assert open_hazards(hass, device) == []


async def test_what_is_neither_on_nor_off(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """A detector that says nothing clear is a fault, and not well."""
    say(hass, smoke, "off")
    say(hass, smoke, "perhaps")
    assert "smoke" not in device.readings
    assert open_hazards(hass, device) == ["sensor_fault"]


@pytest.mark.parametrize(
    ("shape", "power"),
    [
        (ZHA_SMOKE, Power.BATTERY),
        (MATTER_SMOKE, Power.BATTERY),
        (ESPHOME_TANK, Power.BATTERY),
        # Nobody knows how often it speaks, and it cannot be asked.
        (SHELLY_3EM, Power.BATTERY),
    ],
)
async def test_how_long_it_may_be_silent(
    hass: HomeAssistant, shape: Shape, power: Power
) -> None:
    """Only of what can be asked an answer is expected within minutes."""
    assert only_device(await adopt(hass, shape)).power is power


async def test_attributes_alone_are_a_report(
    hass: HomeAssistant, device: SafetyDevice, smoke: str
) -> None:
    """A state that is the same, with other attributes, was written by its integration."""
    say(hass, smoke, "off")
    say(hass, smoke, "off", linkquality=80)
    assert device.fresh_reading("smoke") is False


async def test_of_unknown_integrations(hass: HomeAssistant) -> None:
    """One that is not installed any more asks nobody."""
    shape = Shape(
        domain="gone_with_the_wind",
        identifier="x",
        name="Detector",
        rows=ZHA_SMOKE.rows[:1],
    )
    entry = await adopt(hass, shape)
    assert only_device(entry).power is Power.BATTERY
    registry = er.async_get(hass)
    say(hass, next(iter(registry.entities)), "on")
    assert open_hazards(hass, only_device(entry)) == ["smoke"]
