"""Silence: a device that says nothing is a fault, never "all clear"."""

from datetime import timedelta
import time
from types import SimpleNamespace

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.core import device, supervision
from custom_components.community_safety.core.device import Power, SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.supervision import (
    SWEEP,
    longest_silence,
    to_ask,
)
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

SWEEP_SECONDS = int(SWEEP.total_seconds())
DAY = 24 * 3600


class Clock:
    """Time as the supervision sees it. The broker's connection keeps the real one."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Begin now."""
        self._hass = hass
        self._begun = dt_util.utcnow()
        self._passed = 0.0

    def monotonic(self) -> float:
        """Return the monotonic time in seconds."""
        return 1000 + self._passed

    async def sweep(self, seconds: int, step: int = SWEEP_SECONDS) -> None:
        """Let time pass, in steps no shorter than a sweep."""
        for _step in range(seconds // step):
            self._passed += step
            async_fire_time_changed(
                self._hass, self._begun + timedelta(seconds=self._passed)
            )
            await self._hass.async_block_till_done()


@pytest.fixture
def clock(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    monkeypatch: pytest.MonkeyPatch,
) -> Clock:
    """Return the clock of the supervision."""
    clock = Clock(hass)
    monkeypatch.setattr(supervision, "time", clock)
    return clock


def is_silent(hass: HomeAssistant, item: SafetyDevice) -> bool:
    """Return if silence is a fault, by every sign of it."""
    alarms = hass.data[DATA_HOUSE].book.of_device(item.uid)
    signs = {
        bool(item.readings["unresponsive"]),
        not item.available,
        [(alarm.hazard, alarm.severity) for alarm in alarms]
        == [("unresponsive", "fault")],
    }
    assert len(signs) == 1
    return signs.pop()


@pytest.fixture
async def devices(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> dict[str, SafetyDevice]:
    """Return a device of each power source, and two that promise reports."""
    await peer.config("mains", "breaker_monitor", ["current"])
    await peer.config("battery", "smoke_sensor", ["smoke"])
    await peer.config("swapped", "smoke_sensor", ["smoke"], power="mains")
    await peer.config("promises", "smoke_sensor", ["smoke"], interval=60)
    await peer.config("lazy", "breaker_monitor", ["current"], interval=7 * DAY)
    return dict(gateway.runtime_data.devices)


async def test_longest_silence(devices: dict[str, SafetyDevice]) -> None:
    """The power source decides, and what a device promises."""
    seconds = {key: longest_silence(item) for key, item in devices.items()}
    assert seconds == {
        "mains": 300 - SWEEP_SECONDS,
        "battery": DAY - SWEEP_SECONDS,
        "swapped": 300 - SWEEP_SECONDS,
        "promises": 150,
        "lazy": 300 - SWEEP_SECONDS,
    }
    assert devices["mains"].power is Power.MAINS
    assert devices["battery"].power is Power.BATTERY


async def test_silent(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    peer: Peer,
    clock: Clock,
) -> None:
    """A fault within 300 s of mains, 24 h of a battery, 2.5 promised intervals."""
    mains, battery, promises = (devices[k] for k in ("mains", "battery", "promises"))
    await clock.sweep(150)
    assert not is_silent(hass, promises)
    await clock.sweep(60)
    assert is_silent(hass, promises)
    assert not is_silent(hass, mains)
    await clock.sweep(90)
    assert is_silent(hass, mains) and is_silent(hass, devices["swapped"])

    # The first message ends it, also one that changes nothing or is a fault.
    await peer.state("mains", current=1)
    assert not is_silent(hass, mains)
    await clock.sweep(270)
    await peer.state("mains", current=1)
    await clock.sweep(270)
    assert not is_silent(hass, mains)
    await clock.sweep(60)
    assert is_silent(hass, mains)
    await peer.state("mains", current=99999)
    assert not mains.readings["unresponsive"] and mains.available

    assert not is_silent(hass, battery)
    assert battery.silence == 870
    battery.silence = DAY - 3.0 * SWEEP_SECONDS
    await clock.sweep(SWEEP_SECONDS)
    assert not is_silent(hass, battery)
    await clock.sweep(SWEEP_SECONDS)
    assert is_silent(hass, battery)
    await peer.state("battery", smoke=False)
    assert not is_silent(hass, battery)


async def test_retained_is_no_sign_of_life(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    gateway: MockConfigEntry,
    clock: Clock,
) -> None:
    """How things were says nothing about now; that the gateway reaches it does."""
    mains = devices["mains"]
    await clock.sweep(300)
    mains.update({"current": 2.0}, fresh=False)
    gateway.runtime_data.set_online(mains, True, fresh=False)
    assert is_silent(hass, mains)
    gateway.runtime_data.set_online(mains, True)
    assert not is_silent(hass, mains)


async def test_gateway_offline(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    peer: Peer,
    clock: Clock,
) -> None:
    """While nothing can be heard nobody is silent, and silence goes on afterwards."""
    mains = devices["mains"]
    await clock.sweep(210)
    await peer.send(f"{BASE}/status", {"version": 1, "online": False}, retain=True)
    await clock.sweep(3600, 600)
    assert not mains.readings["unresponsive"] and not mains.available
    book = hass.data[DATA_HOUSE].book
    assert {alarm.hazard for alarm in book.open.values()} == {
        "unresponsive",
        "gateway_offline",
    }
    assert [a.device for a in book.open.values() if a.hazard == "unresponsive"] == [
        devices["promises"].uid
    ]
    await peer.send(f"{BASE}/status", {"version": 1, "online": True}, retain=True)
    await clock.sweep(60)
    assert not is_silent(hass, mains)
    await clock.sweep(60)
    assert is_silent(hass, mains)


async def test_availability(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    gateway: MockConfigEntry,
    peer: Peer,
) -> None:
    """A device that its gateway cannot reach is a fault at once, until it says otherwise."""
    mains = devices["mains"]
    topic = f"{BASE}/mains/availability"
    await peer.send(topic, {"version": 1, "online": False})
    assert is_silent(hass, mains)
    # The gateway may repeat what it remembers.
    await peer.state("mains", current=3)
    assert is_silent(hass, mains)
    assert mains.readings["current"] == 3
    await peer.send(f"{BASE}/status", {"version": 1, "online": False})
    await peer.send(f"{BASE}/status", {"version": 1, "online": True})
    assert is_silent(hass, mains)
    await peer.send(topic, {"version": 1, "online": True})
    assert not is_silent(hass, mains)
    # It may have come back while nobody could hear it: a retained message proves nothing.
    await peer.send(topic, {"version": 1, "online": False})
    gateway.runtime_data.set_online(mains, True, fresh=False)
    assert is_silent(hass, mains)
    await peer.state("mains", current=4)
    assert not is_silent(hass, mains)


async def test_restart(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    gateway: MockConfigEntry,
    peer: Peer,
    clock: Clock,
) -> None:
    """A restart hides no silence: neither what is counted nor what is a fault already."""
    devices["mains"].silence = 240.0
    devices["battery"].silence = DAY - 60.0
    devices["lazy"].derive(unresponsive=True)
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(
        hass,
        lambda: (
            len(gateway.runtime_data.devices) == 5 and gateway.runtime_data.connected
        ),
    )
    await peer.settled()
    again = gateway.runtime_data.devices
    assert again["mains"] is not devices["mains"]
    assert is_silent(hass, again["lazy"])
    await clock.sweep(2 * SWEEP_SECONDS)
    assert {key for key, item in again.items() if item.readings["unresponsive"]} == {
        "mains",
        "battery",
        "lazy",
    }


async def test_crash(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    gateway: MockConfigEntry,
    clock: Clock,
) -> None:
    """Silence is noted every ten minutes, so that a crash loses no more of it."""
    storage = hass.data[DATA_HOUSE].storage
    await clock.sweep(19 * SWEEP_SECONDS)
    assert await storage._async_run(storage._living, "seen") == {}
    await clock.sweep(SWEEP_SECONDS)
    await wait_until(hass, lambda: not storage.is_busy)
    rows = await storage._async_run(storage._living, "seen")
    silence = rows[gateway.runtime_data.uid][devices["battery"].uid]
    assert 18 * SWEEP_SECONDS <= silence <= 20 * SWEEP_SECONDS


@pytest.mark.parametrize("hours", [-1000, 1000])
async def test_clock_is_set(
    hass: HomeAssistant,
    devices: dict[str, SafetyDevice],
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
    hours: int,
) -> None:
    """A clock that is set makes nobody look dead, and nobody look alive."""
    mains, battery = devices["mains"], devices["battery"]
    await clock.sweep(210)
    moved = SimpleNamespace(
        time=lambda: time.time() + hours * 3600, monotonic=time.monotonic
    )
    monkeypatch.setattr(device, "time", moved)
    battery.seen()
    await clock.sweep(30)
    assert not is_silent(hass, mains) and not is_silent(hass, battery)
    await clock.sweep(60)
    assert is_silent(hass, mains) and not is_silent(hass, battery)


@pytest.mark.parametrize("hours", [-1000, 1000])
async def test_asked_whatever_the_clock_says(
    devices: dict[str, SafetyDevice], monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    """Who would report if asked is asked, also after the clock was set."""
    mains = devices["mains"]
    for seconds, asked in ((0, []), (130, [mains])):
        moved = SimpleNamespace(
            time=lambda: time.time() + hours * 3600,
            monotonic=lambda seconds=seconds: time.monotonic() + seconds,
        )
        monkeypatch.setattr(supervision, "time", moved)
        assert to_ask([mains, devices["battery"]]) == asked


async def test_a_pause_of_the_machine(
    hass: HomeAssistant, devices: dict[str, SafetyDevice], clock: Clock
) -> None:
    """While Home Assistant itself stood still nobody could be heard."""
    await clock.sweep(60)
    await clock.sweep(7200, 7200)
    assert not [key for key, item in devices.items() if item.readings["unresponsive"]]
    await clock.sweep(300)
    assert is_silent(hass, devices["mains"]) and not is_silent(hass, devices["battery"])


async def test_who_is_away_is_not_asked(
    devices: dict[str, SafetyDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Devices that are known to be away take no one else's turn to be asked."""
    mains, swapped = devices["mains"], devices["swapped"]
    moved = SimpleNamespace(monotonic=lambda: time.monotonic() + 130)
    monkeypatch.setattr(supervision, "time", moved)
    mains.online = False
    assert to_ask([mains, swapped]) == [swapped]
