"""Setting gateways up, unloading and removing them, and removing their devices."""

import asyncio
import pkgutil
import sqlite3
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety import async_setup
from custom_components.community_safety.const import DOMAIN, PLATFORMS, Severity
from custom_components.community_safety.core.device import DeviceDescription
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.open_alarms import REMOVED
from homeassistant.config_entries import ConfigEntryDisabler, ConfigEntryState
from homeassistant.core import HassJob, HomeAssistant
from homeassistant.helpers import (
    device_registry as dr,
    entity_registry as er,
    issue_registry as ir,
)
from homeassistant.setup import async_setup_component
from homeassistant.util.async_ import get_scheduled_timer_handles
from tests.common import (
    BASE,
    Peer,
    cancel_everywhere,
    cancelled,
    insert,
    timers,
    wait_until,
)


async def test_unload_and_reload(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Open alarms outlive the gateway's unloading, and are not raised twice."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: len(book.open) == 1)
    before = set(book.open)

    assert await hass.config_entries.async_unload(gateway.entry_id)
    assert gateway.state is ConfigEntryState.NOT_LOADED
    assert list(hass.data[DATA_HOUSE].devices()) == []
    assert await hass.config_entries.async_setup(gateway.entry_id)
    await peer.settled()

    assert "smoke-1" in gateway.runtime_data.devices
    assert set(book.open) == before


def _entry(
    hass: HomeAssistant, topic: str = BASE, dialect: str = "native", **more: Any
) -> MockConfigEntry:
    """Add a gateway without setting it up."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=f"mqtt/{topic}",
        data={"dialect": dialect, "topic": topic},
        **more,
    )
    entry.add_to_hass(hass)
    return entry


async def test_without_mqtt_the_gateway_is_tried_again(hass: HomeAssistant) -> None:
    """Without the MQTT integration a gateway is not set up, and people are told why."""
    entry = _entry(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert entry.state is ConfigEntryState.SETUP_RETRY
    assert entry.error_reason_translation_key == "mqtt_not_ready"
    assert list(hass.data[DATA_HOUSE].devices()) == []

    # It can be tried again as often as it takes.
    await hass.config_entries.async_reload(entry.entry_id)
    assert entry.state is ConfigEntryState.SETUP_RETRY


async def test_a_gateway_that_cannot_be_started_is_a_fault(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Nobody watches the house then: people are told, once, until it is watched again."""
    entry = _entry(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    house = hass.data[DATA_HOUSE]
    told: list[str] = []
    house.book.listen(lambda item: told.append(f"{item.alarm.hazard} {item.change}"))
    for _second in range(59):
        freezer.tick(1)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
    assert told == []
    for _second in range(600):
        freezer.tick(1)
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        if not told:
            await wait_until(hass, lambda: bool(told))
    # The last try may still be under way: a thread of its own has a part in it.
    await wait_until(hass, lambda: entry.state is ConfigEntryState.SETUP_RETRY)
    assert told == ["gateway_offline raised"]
    (alarm,) = house.book.open.values()
    assert (alarm.device, alarm.severity) == (f"mqtt/{BASE}", Severity.FAULT)


@pytest.mark.parametrize("dialect", ["native", "zigbee2mqtt", "webhook", "adopted"])
async def test_a_set_up_that_is_cancelled(
    hass: HomeAssistant, peer: Peer, monkeypatch: pytest.MonkeyPatch, dialect: str
) -> None:
    """Wherever it waits, it leaves nothing behind; the next one finds everything."""
    for function in (
        "community_safety.switch.async_setup_entry",
        "community_safety.gateways.over_mqtt.mqtt.async_wait_for_mqtt_client",
    ):
        _slow_down(monkeypatch, f"custom_components.{function}")
    # A set-up of Home Assistant's own parts that is cancelled stays so, for everybody.
    for domain in (*PLATFORMS, DOMAIN):
        assert await async_setup_component(hass, domain, {})
    rows = {
        "webhook": {"key_hash": "none"},
        "adopted": {
            "kind": "breaker_monitor",
            "readings": {"supply": ["switch.breaker"]},
        },
    }
    entry = MockConfigEntry(
        domain=DOMAIN,
        unique_id=f"mqtt/{BASE}",
        data={
            "dialect": dialect,
            "topic": BASE,
            "webhook_id": "breaker",
            "local_only": True,
        },
        subentries_data=[
            {
                "data": rows[dialect],
                "subentry_id": "breaker-1",
                "subentry_type": dialect,
                "title": "Breaker 1",
                "unique_id": None,
            }
        ]
        if dialect in rows
        else (),
    )
    entry.add_to_hass(hass)
    house = hass.data[DATA_HOUSE]
    breaker = f"{entry.unique_id}/breaker-1"
    house._known[breaker] = DeviceDescription(
        id="breaker-1",
        kind="breaker_monitor",
        name="Breaker 1",
        points=frozenset({"supply"}),
    )
    house.seen[entry.unique_id or ""] = {breaker: 77.0}

    assert await cancel_everywhere(hass, entry) >= 1 + (dialect not in rows)

    assert house.device(breaker)
    assert house.seen[entry.unique_id or ""] == {breaker: 77.0}
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert timers(hass) == []


def _slow_down(monkeypatch: pytest.MonkeyPatch, function: str) -> None:
    """Let something wait that has all it needs, on a machine without load."""
    real = pkgutil.resolve_name(function)

    async def slow(*args: Any) -> Any:
        await asyncio.sleep(0)
        return await real(*args)

    monkeypatch.setattr(function, slow)


async def test_a_house_that_is_cancelled(
    hass: HomeAssistant, hass_config_file: sqlite3.Connection
) -> None:
    """Wherever it waits it may be given up, and leaves nothing; the next try finds all.

    home-assistant/core#93569: a stage of the start that took too long cancels set-ups.
    """
    drill = {
        "id": "drill",
        "device": f"mqtt/{BASE}/smoke-1",
        "device_id": None,
        "device_name": "Smoke 1",
        "hazard": "smoke",
        "severity": "alarm",
        "raised_at": time.time(),
        "drill": True,
    }
    insert(hass_config_file, "alarms", "drill", drill)

    def is_left() -> bool:
        return any(
            isinstance(job, HassJob) and DOMAIN in repr(job.target)
            for handle in get_scheduled_timer_handles(hass.loop)
            if not handle.cancelled()
            for job in handle._args or ()
        )

    number = 0
    while not await cancelled(async_setup(hass, {}), number):
        await hass.async_block_till_done()
        assert DATA_HOUSE not in hass.data
        assert not is_left()
        number += 1
    assert number >= 1
    house = hass.data[DATA_HOUSE]
    assert house.storage.trouble is None
    assert house.book.open.keys() == {"drill"}
    assert is_left(), "the drill ends by itself"


async def test_a_gateway_that_is_taken_away_is_no_fault(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory
) -> None:
    """Who stops a gateway that cannot be started does not want to hear of it."""
    entry = _entry(hass)
    assert await async_setup_component(hass, DOMAIN, {})
    await hass.async_block_till_done()
    assert await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(61)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()
    assert hass.data[DATA_HOUSE].book.open == {}


@pytest.mark.parametrize("disabled_by", [ConfigEntryDisabler.USER, None])
async def test_a_gateway_that_was_never_set_up_is_removed(
    hass: HomeAssistant,
    hass_config_file: sqlite3.Connection,
    disabled_by: ConfigEntryDisabler | None,
) -> None:
    """Its latches stay until a person has confirmed that, although nothing was set up.

    It was disabled, or what it depends on did not come about.
    """
    device = f"mqtt/{BASE}/breaker-1"
    insert(
        hass_config_file,
        "latches",
        f"{device}/supply",
        {"device": device, "key": "supply", "at": 1.0},
    )
    entry = _entry(hass, disabled_by=disabled_by)
    assert DATA_HOUSE not in hass.data
    await hass.config_entries.async_remove(entry.entry_id)
    house = hass.data[DATA_HOUSE]
    assert ir.async_get(hass).async_get_issue(
        DOMAIN, f"{REMOVED}{entry.unique_id or entry.entry_id}"
    )
    assert list(house.cut_off.latches) == [f"{device}/supply"]
    house.forget_gateway(f"mqtt/{BASE}")
    assert house.cut_off.latches == {}
    await wait_until(hass, lambda: not house.storage.is_busy)
    assert hass_config_file.execute("SELECT * FROM latches").fetchall() == []


async def test_removed_gateway_leaves_nothing_behind(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Its alarms, latches and settings go with it; those of others stay."""
    house = hass.data[DATA_HOUSE]
    other = await _other_gateway_with_fire(hass, peer)
    await peer.config("breaker-1", "breaker_monitor", ["supply", "residual_current"])
    peer.obedient_breaker("breaker-1")
    await peer.state("breaker-1", supply=True, residual_current=600.0)
    await wait_until(hass, lambda: len(house.cut_off.latches) == 1)
    breaker = gateway.runtime_data.devices["breaker-1"]
    breaker.settings.limits["rated_current"] = 16
    await house.async_save_settings(breaker)

    await hass.config_entries.async_remove(gateway.entry_id)
    # An alarm is open: it goes when a person has confirmed that.
    assert {alarm.device for alarm in house.book.open.values()} == {other, breaker.uid}
    assert len(house.cut_off.latches) == 1
    house.forget_gateway(f"mqtt/{BASE}")

    assert {alarm.device for alarm in house.book.open.values()} == {other}
    assert house.cut_off.latches == {}
    assert house.settings_of(breaker.uid).limits == {}


async def _other_gateway_with_fire(hass: HomeAssistant, peer: Peer) -> str:
    """Set up a gateway below the other one's topic, with a fire; return its device."""
    topic = f"{BASE}/annex"
    entry = _entry(hass, topic)
    assert await hass.config_entries.async_setup(entry.entry_id)
    head = {"version": 1, "id": "x", "time": 1.0}
    await peer.send(
        f"{topic}/smoke-9/config",
        {**head, "kind": "smoke_sensor", "name": "Smoke 9", "readings": ["smoke"]},
        retain=True,
    )
    await peer.send(
        f"{topic}/smoke-9/state", {**head, "values": {"smoke": True}}, retain=True
    )
    book = hass.data[DATA_HOUSE].book
    device = f"mqtt/{topic}/smoke-9"
    await wait_until(hass, lambda: bool(book.of_device(device)))
    return device


async def test_deleting_a_device(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A device that its gateway still knows cannot be deleted; others can."""
    assert await async_setup_component(hass, "config", {})
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    registry = dr.async_get(hass)
    gone = registry.async_get_or_create(
        config_entry_id=gateway.entry_id, identifiers={(DOMAIN, f"mqtt/{BASE}/gone")}
    )
    client = await hass_ws_client(hass)
    known = gateway.runtime_data.devices["smoke-1"].device_id

    refused = await client.remove_device(known)
    assert not refused["success"]
    taken = await client.remove_device(gone.id)
    assert taken["success"]
    assert registry.async_get(gone.id) is None

    # While the gateway is not loaded nobody knows better than the person.
    await peer.state("smoke-1", smoke=True)
    house = hass.data[DATA_HOUSE]
    await wait_until(hass, lambda: len(house.book.open) == 1)
    assert await hass.config_entries.async_unload(gateway.entry_id)
    # But they are told first what is open.
    refused = await client.remove_device(known)
    assert "Smoke" in str(refused["error"])
    assert house.book.open
    taken = await client.remove_device(known)
    assert taken["success"]
    assert house.book.open == {}
    assert not [*house.known_devices(gateway.unique_id or "")]


async def test_device_vanishes(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """One that its gateway no longer names is missing with its alarm, until it is deleted."""
    assert await async_setup_component(hass, "config", {})
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    book = hass.data[DATA_HOUSE].book
    await wait_until(hass, lambda: len(book.open) == 1)
    device_id = gateway.runtime_data.devices["smoke-1"].device_id

    await peer.send(f"{BASE}/smoke-1/config", "", retain=True)
    assert dr.async_get(hass).async_get(device_id)
    assert "smoke" in {alarm.hazard for alarm in book.open.values() if alarm.present}

    client = await hass_ws_client(hass)
    # The first time they are told what is open.
    assert not (await client.remove_device(device_id))["success"]
    assert (await client.remove_device(device_id))["success"]
    await hass.async_block_till_done()
    assert dr.async_get(hass).async_get(device_id) is None
    assert book.open == {}


@pytest.mark.usefixtures("mqtt_entry")
async def test_renamed_hazard(hass: HomeAssistant) -> None:
    """An entity of a hazard that has another name today keeps its id."""
    entry = _entry(hass, version=1, minor_version=1)
    registry = er.async_get(hass)
    old = registry.async_get_or_create(
        "binary_sensor", DOMAIN, f"mqtt/{BASE}/smoke-1/silent", config_entry=entry
    )

    assert await hass.config_entries.async_setup(entry.entry_id)

    kept = registry.async_get(old.entity_id)
    assert kept and kept.unique_id == f"mqtt/{BASE}/smoke-1/unresponsive"
    assert entry.minor_version == 2


async def test_entry_of_a_newer_version(hass: HomeAssistant) -> None:
    """What a newer version has written is left alone."""
    entry = MockConfigEntry(domain=DOMAIN, data={}, version=2)
    entry.add_to_hass(hass)

    assert not await hass.config_entries.async_setup(entry.entry_id)

    assert entry.state is ConfigEntryState.MIGRATION_ERROR
