"""Entities as people see them: one full device of every kind over the real broker."""

from collections.abc import Iterator
from http import HTTPStatus
import json
from pathlib import Path
import sqlite3
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    snapshot_platform,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.community_safety.catalogue import DEVICE_KINDS, HAZARDS, KINDS
from custom_components.community_safety.catalogue.measurements import (
    MEASUREMENTS,
    SIGHTINGS,
)
from custom_components.community_safety.const import DOMAIN, PLATFORMS, Severity
from custom_components.community_safety.core.alarm import Reason
from custom_components.community_safety.core.device import DERIVED
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Decision
from custom_components.community_safety.entity import NAMED_BY_CLASS
from custom_components.community_safety.gateways.joining import STAGES
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.entity import Entity
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

ROOT = Path(__file__).parents[2] / "custom_components" / DOMAIN
LANGUAGES = ("en", "zh-Hans", "zh-Hant")
ALWAYS = {"battery": 80.0, "link_quality": 120.0, "signal_strength": -60.0}
#: What a full device of each kind reports.
FULL: dict[str, dict[str, Any]] = {
    "smoke_sensor": {
        **ALWAYS,
        "smoke": False,
        "smoke_density": 0.1,
        "temperature": 21.0,
        "tamper": False,
        "self_test_failed": False,
    },
    "breaker_monitor": {
        "link_quality": 200.0,
        "supply": True,
        "current_l1": 5.0,
        "current_l2": 6.0,
        "voltage": 230.0,
        "power": 1100.0,
        "energy": 12.5,
        "residual_current": 3.0,
        "conductor_temperature": 30.0,
        "tripped": False,
    },
    "charging_pile": {
        "smoke": False,
        "temperature": 20.0,
        "supply_1": True,
        "supply_2": False,
        "current_1": 1.5,
        "power_1": 330.0,
        "energy_1": 4.0,
        "session_energy_1": 0.5,
        "session_duration_1": 30.0,
        "plugged_1": True,
    },
    "water_tank": {**ALWAYS, "level": 80.0, "level_height": 2.4, "temperature": 15.0},
    "hydrant": {**ALWAYS, "pressure": 250.0, "temperature": 12.0},
    "elevator_blocker": {"class_seen": "none", "confidence": 99.0, "held": False},
    "door_controller": {
        "locked_1": True,
        "locked_2": False,
        "door_open_1": False,
        "door_forced_1": False,
        "clock_wrong": False,
        "tamper": False,
    },
    "vehicle_gate": {
        "barrier_1": "closed",
        "locked_1": True,
        "barrier_stuck": False,
        "clock_wrong": False,
        "tamper": False,
    },
    "camera": {
        "video_lost": False,
        "recording": True,
        "oldest_recording": 1_767_225_600.0,
        "tamper": False,
    },
}


def entity_of(hass: HomeAssistant, platform: str, key: str) -> str:
    """Return the entity id of a key such as `smoke-1/smoke`, the gateway's is `key`."""
    entity_id = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"mqtt/{BASE}/{key}"
    )
    assert entity_id
    return entity_id


def state_of(hass: HomeAssistant, platform: str, key: str) -> str:
    """Return the state of the entity of a key."""
    state = hass.states.get(entity_of(hass, platform, key))
    assert state
    return state.state


async def call(hass: HomeAssistant, service: str, key: str, **data: Any) -> None:
    """Call an action such as `switch.turn_on` on the entity of a key."""
    platform, _, name = service.partition(".")
    await hass.services.async_call(
        platform,
        name,
        {"entity_id": entity_of(hass, platform, key), **data},
        blocking=True,
    )


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, seconds: float
) -> None:
    """Let time go by."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


@pytest.fixture
def snapshot(snapshot: SnapshotAssertion) -> SnapshotAssertion:
    """Return snapshots that leave out what differs from run to run."""
    # From Home Assistant 2026.11 on the registry has one more field.
    return snapshot.use_extension(HomeAssistantSnapshotExtension).with_defaults(
        exclude=props("compat_name")
    )


@pytest.fixture
def _all_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Enable every entity, also those that are off by default."""
    monkeypatch.setattr(Entity, "entity_registry_enabled_default", True)


@pytest.fixture
def _no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give every picture the same key, which is part of its address."""
    monkeypatch.setattr("random.SystemRandom.getrandbits", lambda _self, _bits: 1)


@pytest.fixture
async def compound(gateway: MockConfigEntry, peer: Peer) -> MockConfigEntry:
    """Return a gateway with one full device of every kind."""
    for kind, values in FULL.items():
        device = kind.replace("_", "-")
        await peer.config(
            device,
            kind,
            list(values),
            commands=[
                command
                for command in ("silence", "self_test")
                if command in DEVICE_KINDS[kind].buttons
            ],
        )
        await peer.state(device, retain=False, **values)
    return gateway


# Texts


def texts_needed() -> Iterator[tuple[str, str]]:
    """Yield platform and translation key of every entity that can be made."""
    for hazard in HAZARDS:
        yield from [("binary_sensor", hazard)] * (hazard not in NAMED_BY_CLASS)
    for key, row in MEASUREMENTS.items():
        is_sensor = bool(row.is_number or row.options)
        platform = "sensor" if is_sensor else "binary_sensor"
        seen = row.shown and key != "supply"
        yield from [(platform, key)] * (seen and key not in NAMED_BY_CLASS)
        yield from [(platform, f"{key}_channel")] * (seen and key not in DERIVED)
    for severity in Severity:
        yield "sensor", f"open_{severity}"
    for key in ("supply", "socket", "protected"):
        yield "switch", key
        yield "switch", f"{key}_channel"
    yield "switch", "blocking"
    for platform, key in (
        ("lock", "locked"),
        ("cover", "barrier"),
        ("event", "passage"),
        ("event", "vehicle_passage"),
        ("switch", "opens_on_fire"),
        ("switch", "barrier_opens_on_fire"),
    ):
        yield platform, key
        yield platform, f"{key}_channel"
    for kind in KINDS.values():
        for key in kind.all_settings:
            yield "number", key
        for key in kind.buttons:
            yield "button", key
        yield from [("select", f"{kind.key}_variant")] * bool(kind.variants)
    yield "select", "device_kind"
    yield "select", "passback"
    yield "event", "alarm_event"
    yield "event", "sighting"
    yield "image", "snapshot"
    yield "button", "permit_join"
    yield "binary_sensor", "open_for_joining"
    yield "sensor", "joining_until"
    yield "event", "joining"


def read(name: str) -> Any:
    """Return a JSON file of the integration."""
    return json.loads((ROOT / name).read_text("utf-8"))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_entity_has_a_name(language: str) -> None:
    """Each row of the catalogue has its texts, and no text is left without a row."""
    texts = read(f"translations/{language}.json")["entity"]
    needed = set(texts_needed())
    there = {(platform, key) for platform, rows in texts.items() for key in rows}
    assert there == needed
    for platform, key in needed:
        name = texts[platform][key]["name"]
        assert ("{channel}" in name) == key.endswith("_channel")


@pytest.mark.parametrize("language", LANGUAGES)
def test_names_tell_entities_apart(language: str) -> None:
    """No two entities that one device can have share a name."""
    texts = read(f"translations/{language}.json")["entity"]
    sensors = [row["name"] for row in texts["sensor"].values()]
    assert len(set(sensors)) == len(sensors)
    hazards = [row["name"] for row in texts["binary_sensor"].values()]
    assert len(set(hazards)) == len(hazards)
    for kind in KINDS.values():
        numbers = [texts["number"][key]["name"] for key in kind.all_settings]
        assert len(set(numbers)) == len(numbers)


@pytest.mark.parametrize("language", LANGUAGES)
def test_states_and_choices_have_names(language: str) -> None:
    """Options, places of use, events and thresholds are translated, each and no more."""
    texts = read(f"translations/{language}.json")
    entity = texts["entity"]
    for key, row in MEASUREMENTS.items():
        options = set(row.options if row.shown else ())
        assert set(entity["sensor"].get(key, {}).get("state", ())) == options
    for kind in KINDS.values():
        variant = entity["select"].get(f"{kind.key}_variant", {})
        assert set(variant.get("state", ())) == set(kind.variants)
    alarm = entity["event"]["alarm_event"]["state_attributes"]
    assert set(alarm["event_type"]["state"]) == {
        "raised",
        "acknowledged",
        "cleared",
        "returned",
        "closed",
        "tested",
    }
    assert set(alarm["reason"]["state"]) == set(Reason)
    assert set(alarm["hazard"]["state"]) == set(HAZARDS)
    assert set(alarm["severity"]["state"]) == set(Severity)
    sighting = entity["event"]["sighting"]["state_attributes"]
    assert set(sighting["event_type"]["state"]) == set(SIGHTINGS)
    doors, gates = {"granted", "denied"}, {"granted", "denied", "seen"}
    for key, types in (("passage", doors), ("vehicle_passage", gates)):
        assert entity["event"][f"{key}_channel"] == {
            **entity["event"][key],
            "name": entity["event"][f"{key}_channel"]["name"],
        }
        passage = entity["event"][key]["state_attributes"]
        assert set(passage["event_type"]["state"]) == types
        assert set(passage["decision"]["state"]) == set(Decision)
    joining = entity["event"]["joining"]["state_attributes"]
    assert set(joining["event_type"]["state"]) == set(STAGES)
    assert set(joining["kind"]["state"]) == set(DEVICE_KINDS)
    sections = texts["options"]["step"]["init"]["sections"]
    assert set(sections) == set(DEVICE_KINDS)
    for key, kind in DEVICE_KINDS.items():
        assert set(sections[key]["data"]) == set(kind.all_settings)
        assert set(sections[key]["data_description"]) == set(kind.all_settings)


def test_icons_are_of_entities() -> None:
    """No icon is left of an entity that is no more."""
    icons = read("icons.json")["entity"]
    there = {(platform, key) for platform, rows in icons.items() for key in rows}
    assert there <= set(texts_needed())


# Every entity


@pytest.mark.usefixtures("_all_enabled", "_no_secret")
@pytest.mark.parametrize("platform", PLATFORMS)
async def test_entities(
    hass: HomeAssistant,
    compound: MockConfigEntry,
    platform: Platform,
    snapshot: SnapshotAssertion,
) -> None:
    """Every entity of every kind is as it was when somebody last looked at it."""
    registry = er.async_get(hass)
    others = [
        entry.entity_id
        for entry in er.async_entries_for_config_entry(registry, compound.entry_id)
        if entry.domain != platform
    ]
    for entity_id in others:
        registry.async_remove(entity_id)
    await hass.async_block_till_done()
    await snapshot_platform(hass, registry, snapshot, compound.entry_id)


@pytest.mark.usefixtures("_all_enabled")
async def test_every_name_is_unique_within_its_device(
    hass: HomeAssistant, compound: MockConfigEntry
) -> None:
    """Home Assistant made no entity without a name of its own."""
    names = [
        (entry.device_id, entry.domain, entry.original_name)
        for entry in er.async_entries_for_config_entry(
            er.async_get(hass), compound.entry_id
        )
    ]
    assert len(names) == len(set(names))
    assert not [name for name in names if not name[2]]


# Availability


async def test_gateway_away_and_back(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """Without its gateway a reading is unavailable; what an installer set is not."""
    assert state_of(hass, "binary_sensor", "gateway_offline") == "off"
    await peer.send(f"{BASE}/status", {"version": 1, "online": False}, retain=True)

    for platform, key in (
        ("binary_sensor", "smoke-sensor/smoke"),
        ("sensor", "hydrant/pressure"),
        ("switch", "breaker-monitor/supply"),
        ("button", "smoke-sensor/silence"),
    ):
        assert state_of(hass, platform, key) == STATE_UNAVAILABLE
    assert state_of(hass, "number", "breaker-monitor/rated_current") == "63"
    assert state_of(hass, "select", "hydrant/variant") == "hydrant"
    assert state_of(hass, "switch", "elevator-blocker/blocking") == "on"

    await peer.send(f"{BASE}/status", {"version": 1, "online": True}, retain=True)
    assert state_of(hass, "binary_sensor", "smoke-sensor/smoke") == "off"
    assert state_of(hass, "switch", "breaker-monitor/supply") == "on"


async def test_before_the_first_report(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """What was never reported is unknown, not "all clear"."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "temperature"])
    assert state_of(hass, "binary_sensor", "smoke-1/smoke") == STATE_UNKNOWN
    assert state_of(hass, "sensor", "smoke-1/temperature") == STATE_UNKNOWN


# Readings


async def test_noisy_telemetry_is_thinned(
    hass: HomeAssistant,
    compound: MockConfigEntry,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A small change waits for its interval, a significant one does not."""
    key = "hydrant/pressure"

    await peer.state("hydrant", pressure=251.0)
    assert state_of(hass, "sensor", key) == "251.0"
    await peer.state("hydrant", pressure=252.0)
    assert state_of(hass, "sensor", key) == "251.0"
    await peer.state("hydrant", pressure=300.0)
    assert state_of(hass, "sensor", key) == "300.0"
    await peer.state("hydrant", pressure=299.0)
    await pass_time(hass, freezer, 59)
    assert state_of(hass, "sensor", key) == "300.0"
    await pass_time(hass, freezer, 6)
    assert state_of(hass, "sensor", key) == "299.0"


async def test_open_alarms_follow_an_alarm_that_worsens(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """An alarm is counted where it belongs, and nowhere else."""

    def counts() -> list[str]:
        return [
            state_of(hass, "sensor", f"open_{severity}")
            for severity in ("fault", "warning", "alarm")
        ]

    assert counts() == ["0", "0", "0"]
    await peer.state("water-tank", level=60.0)
    await peer.state("water-tank", level=45.0)
    await wait_until(hass, lambda: counts() == ["0", "1", "0"])
    await peer.state("water-tank", level=20.0)
    await wait_until(hass, lambda: counts() == ["0", "0", "1"])
    await peer.state("water-tank", level=44.0)
    await peer.state("water-tank", level=60.0)
    await wait_until(hass, lambda: counts() == ["0", "0", "0"])


async def test_events(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """Alarms and sightings are events; a retained sighting is history, not news."""
    alarm = entity_of(hass, "event", "smoke-sensor/alarm_event")
    sighting = entity_of(hass, "event", "elevator-blocker/sighting")

    await peer.state("smoke-sensor", smoke=True)
    await wait_until(hass, lambda: hass.states.is_state(alarm, STATE_UNKNOWN) is False)
    state = hass.states.get(alarm)
    assert state
    assert state.attributes["event_type"] == "raised"
    assert state.attributes["hazard"] == "smoke"
    assert state.attributes["severity"] == "alarm"

    await peer.state("elevator-blocker", class_seen="pram", confidence=70.0)
    state = hass.states.get(sighting)
    assert state
    assert state.attributes["event_type"] == "pram"
    assert state.attributes["confidence"] == 70.0

    # The retained sighting comes again with the next start of the gateway.
    seen = state.state
    assert await hass.config_entries.async_reload(compound.entry_id)
    await peer.settled()
    await wait_until(
        hass, lambda: state_of(hass, "sensor", "elevator-blocker/class_seen") == "pram"
    )
    assert hass.states.is_state(sighting, seen)
    # Nor does it become news by a report of something else.
    await peer.state("elevator-blocker", retain=False, battery=80.0)
    assert hass.states.is_state(sighting, seen)


# Settings


async def test_settings_hold_at_once_and_after_a_restart(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """A threshold, a place of use and a protected load act on hazards and are stored."""
    await call(hass, "number.set_value", "breaker-monitor/rated_current", value=16)
    await peer.state("breaker-monitor", residual_current=40.0)
    assert state_of(hass, "binary_sensor", "breaker-monitor/leakage") == "off"
    await call(
        hass,
        "select.select_option",
        "breaker-monitor/variant",
        option="final_circuit",
    )
    assert state_of(hass, "binary_sensor", "breaker-monitor/leakage") == "on"
    await call(hass, "switch.turn_off", "elevator-blocker/blocking")

    assert await hass.config_entries.async_reload(compound.entry_id)
    await peer.settled()

    assert state_of(hass, "number", "breaker-monitor/rated_current") == "16.0"
    assert state_of(hass, "select", "breaker-monitor/variant") == "final_circuit"
    assert state_of(hass, "switch", "elevator-blocker/blocking") == "off"
    with sqlite3.connect(hass.data[DATA_HOUSE].storage.path) as database:
        rows = dict(database.execute("SELECT key, data FROM settings"))
    stored = json.loads(rows[f"mqtt/{BASE}/breaker-monitor"])
    assert stored["limits"] == {"rated_current": 16.0}
    assert stored["variant"] == "final_circuit"
    await call(hass, "switch.turn_on", "elevator-blocker/blocking")
    assert state_of(hass, "switch", "elevator-blocker/blocking") == "on"


@pytest.mark.usefixtures("_all_enabled")
async def test_protected_supply(hass: HomeAssistant, compound: MockConfigEntry) -> None:
    """A protected supply is left alone by a cut-off."""
    await call(hass, "switch.turn_on", "charging-pile/protected_1")
    assert state_of(hass, "switch", "charging-pile/protected_1") == "on"
    assert state_of(hass, "switch", "charging-pile/protected_2") == "off"

    response = await hass.services.async_call(
        DOMAIN,
        "cut_off",
        {"entity_id": entity_of(hass, "switch", "charging-pile/supply_1")},
        blocking=True,
        return_response=True,
    )
    assert response
    assert [row["status"] for row in response["supplies"]] == ["protected"]  # type: ignore[union-attr, index, call-overload]

    await call(hass, "switch.turn_off", "charging-pile/protected_1")
    assert state_of(hass, "switch", "charging-pile/protected_1") == "off"


async def test_setting_that_cannot_be_stored(
    hass: HomeAssistant, compound: MockConfigEntry
) -> None:
    """When the disk refuses, the person who sets something is told."""
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    with sqlite3.connect(storage.path) as database:
        database.execute("DROP TABLE settings")

    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, "number.set_value", "breaker-monitor/rated_current", value=16)

    assert caught.value.translation_key == "not_stored"
    assert state_of(hass, "number", "breaker-monitor/rated_current") == "16.0"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
async def test_a_threshold_is_a_number(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer, value: str
) -> None:
    """A template may yield what is no number: nothing would ever be above it."""
    with pytest.raises(ServiceValidationError):
        await call(
            hass, "number.set_value", "breaker-monitor/rated_current", value=value
        )
    device = compound.runtime_data.devices["breaker-monitor"]
    assert device.settings.limits == {}
    assert device.limit("rated_current") == 63


@pytest.mark.usefixtures("_all_enabled")
async def test_a_threshold_contradicts_another(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """An alarm below its warning is refused with what is possible, in words."""
    with pytest.raises(ServiceValidationError) as caught:
        await call(hass, "number.set_value", "breaker-monitor/leakage_alarm", value=299)

    assert caught.value.translation_placeholders == {
        "setting": "Leakage alarm threshold",
        "low": "300",
        "high": "1000",
        "unit": "mA",
    }
    device = compound.runtime_data.devices["breaker-monitor"]
    assert device.settings.limits == {}
    await call(hass, "number.set_value", "breaker-monitor/leakage_alarm", value=300)
    assert device.limit("leakage_alarm") == 300


async def test_a_place_contradicts_a_threshold(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """A place of use that a threshold of the device does not go with is refused."""
    device = compound.runtime_data.devices["hydrant"]
    device.settings.limits["high_pressure_warning"] = 90

    with pytest.raises(ServiceValidationError) as caught:
        await call(hass, "select.select_option", "hydrant/variant", option="sprinkler")

    assert caught.value.translation_placeholders == {
        "lower": "Low pressure alarm threshold",
        "upper": "High pressure warning threshold",
    }
    assert device.variant == "hydrant"


# Commands


async def test_supply_is_switched(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """A switch commands its supply, and shows what was read back."""
    peer.obedient_breaker("breaker-monitor")
    await call(hass, "switch.turn_off", "breaker-monitor/supply")
    message = await peer.hears(f"{BASE}/breaker-monitor/set")
    assert message["set"] == {"supply": False}
    await peer.settled()
    assert state_of(hass, "switch", "breaker-monitor/supply") == "off"

    await call(hass, "switch.turn_on", "breaker-monitor/supply")
    await peer.settled()
    assert state_of(hass, "switch", "breaker-monitor/supply") == "on"


async def test_latched_supply_is_not_switched_on(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """What was cut off stays off, and the person is told why."""
    peer.answer(
        f"{BASE}/charging-pile",
        lambda message: peer.publish(
            f"{BASE}/charging-pile/result",
            {"version": 1, "id": message["id"], "ok": True},
        ),
    )
    switch = entity_of(hass, "switch", "charging-pile/supply_1")
    cut_off = hass.async_create_task(
        hass.services.async_call(
            DOMAIN, "cut_off", {"entity_id": switch}, blocking=True
        )
    )
    assert (await peer.hears(f"{BASE}/charging-pile/set"))["set"] == {"supply_1": False}
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, "switch.turn_on", "charging-pile/supply_1")
    assert caught.value.translation_key == "latched"
    assert caught.value.translation_placeholders == {"device": "Charging pile"}
    await peer.state("charging-pile", supply_1=False, current_1=0.0)
    await cut_off


async def test_buttons(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """Buttons send their command, and say when it was refused."""

    def refuse(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/smoke-sensor/result",
            {"version": 1, "id": message["id"], "ok": False, "reason": "alarm active"},
        )

    peer.obedient_breaker("charging-pile")
    await call(hass, "button.press", "charging-pile/all_off")
    sent = [await peer.hears(f"{BASE}/charging-pile/set") for _ in range(2)]
    assert {key for message in sent for key in message["set"]} == {
        "supply_1",
        "supply_2",
    }

    peer.answer(f"{BASE}/smoke-sensor", refuse)
    with pytest.raises(HomeAssistantError) as caught:
        await call(hass, "button.press", "smoke-sensor/silence")
    assert caught.value.translation_key == "refused"
    assert caught.value.translation_placeholders == {
        "device": "Smoke sensor",
        "reason": "alarm active",
    }
    assert (await peer.hears(f"{BASE}/smoke-sensor/set"))["set"] == {"silence": True}


async def test_all_off_but_protected(
    hass: HomeAssistant, compound: MockConfigEntry, peer: Peer
) -> None:
    """The button is no way around a protected load."""
    peer.obedient_breaker("charging-pile")
    for socket, command in ((1, {"supply_2": False}), (2, None)):
        await call(hass, "switch.turn_on", f"charging-pile/protected_{socket}")
        if command:
            await call(hass, "button.press", "charging-pile/all_off")
            assert (await peer.hears(f"{BASE}/charging-pile/set"))["set"] == command
    with pytest.raises(ServiceValidationError) as caught:
        await call(hass, "button.press", "charging-pile/all_off")
    assert caught.value.translation_key == "protected"
    await peer.settled()
    assert [topic for topic, _ in peer.heard if topic.endswith("/set")] == []


async def test_snapshot(
    hass: HomeAssistant,
    compound: MockConfigEntry,
    peer: Peer,
    hass_client: ClientSessionGenerator,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The picture of the car is served to who may see it, as it came."""
    image = entity_of(hass, "image", "elevator-blocker/snapshot")
    client = await hass_client()
    response = await client.get(f"/api/image_proxy/{image}")
    assert response.status == HTTPStatus.INTERNAL_SERVER_ERROR

    picture = b"\xff\xd8\xff\xe0 a car \xff\xd9"
    await peer.send(f"{BASE}/elevator-blocker/snapshot", picture)

    shown = state_of(hass, "image", "elevator-blocker/snapshot")
    assert dt_util.parse_datetime(shown) == dt_util.utcnow()
    response = await client.get(f"/api/image_proxy/{image}")
    assert response.status == HTTPStatus.OK
    assert response.content_type == "image/jpeg"
    assert await response.read() == picture
