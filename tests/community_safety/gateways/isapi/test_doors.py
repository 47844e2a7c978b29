"""Doors: what people see of them, and what they do when they are told."""

from collections.abc import AsyncGenerator
from datetime import timedelta
import time
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    snapshot_platform,
)
from pytest_homeassistant_custom_component.syrupy import HomeAssistantSnapshotExtension
from syrupy.assertion import SnapshotAssertion
from syrupy.filters import props

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core import doors, proving
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.isapi import (
    controller,
    terminal as client,
)
from homeassistant.const import STATE_UNAVAILABLE, STATE_UNKNOWN, Platform
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import device_registry as dr, entity_registry as er
from homeassistant.util import dt as dt_util
from simulator.isapi import PASSWORD, USERNAME, Fault, Terminal
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import pass_time

from .common import (
    Ticking,
    add_terminal,
    alarms_of,
    controller_of,
    device_of,
    entity_of,
    heard,
    issues,
    local_zone,
    quiet,
    state_of,
    uid_of,
)

ORDER = "PUT AccessControl/RemoteControl/door/1"
SET_TIME = "PUT System/time"


async def call(
    hass: HomeAssistant, terminal: Terminal, service: str, door: int = 1
) -> None:
    """Call an action on the lock of a door."""
    await hass.services.async_call(
        "lock",
        service,
        {"entity_id": entity_of(hass, terminal, "lock", f"locked_{door}")},
        blocking=True,
    )


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(doors, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.3)


@pytest.mark.parametrize("platform", [Platform.LOCK, Platform.EVENT, Platform.SWITCH])
async def test_entities(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    platform: Platform,
    snapshot: SnapshotAssertion,
) -> None:
    """What a terminal has is as it was when somebody last looked at it."""
    registry = er.async_get(hass)
    for row in er.async_entries_for_config_entry(registry, entry.entry_id):
        if row.domain != platform:
            registry.async_remove(row.entity_id)
    await hass.async_block_till_done()
    await snapshot_platform(
        hass,
        registry,
        snapshot.use_extension(HomeAssistantSnapshotExtension).with_defaults(
            exclude=props("compat_name")
        ),
        entry.entry_id,
    )


async def test_what_it_is(
    hass: HomeAssistant, entry: MockConfigEntry, terminal: Terminal
) -> None:
    """It says its model and firmware itself."""
    device = dr.async_get(hass).async_get(device_of(hass, terminal).device_id or "")
    assert device
    assert (device.manufacturer, device.model, device.sw_version) == (
        "Hikvision",
        "DS-K2604T",
        "V1.2.3",
    )
    assert device.serial_number == terminal.serial


@pytest.mark.usefixtures("entry")
async def test_locked_and_unlocked(hass: HomeAssistant, terminal: Terminal) -> None:
    """What the lock shows was read back from the terminal."""
    assert state_of(hass, terminal, "lock", "locked_1") == "locked"
    terminal.asked.clear()
    await call(hass, terminal, "unlock")
    assert terminal.asked.count(ORDER) == 1
    assert terminal.is_unlocked(1)
    assert state_of(hass, terminal, "lock", "locked_1") == "unlocked"
    assert state_of(hass, terminal, "lock", "locked_2") == "locked"
    await call(hass, terminal, "lock")
    assert terminal.doors[0].mode == 4
    assert state_of(hass, terminal, "lock", "locked_1") == "locked"


@pytest.mark.usefixtures("entry")
async def test_opened_for_a_moment(hass: HomeAssistant, terminal: Terminal) -> None:
    """The lock is seen to be open, and stays locked: nobody holds the door."""
    await call(hass, terminal, "open", 2)
    assert terminal.is_unlocked(2)
    assert state_of(hass, terminal, "lock", "locked_2") == "locked"
    terminal.faults.add(Fault.STUCK)
    with pytest.raises(HomeAssistantError) as error:
        await call(hass, terminal, "open", 2)
    assert error.value.translation_key == "open_unproven"


@pytest.mark.usefixtures("entry", "_short")
@pytest.mark.parametrize(
    "fault", [Fault.OBSTINATE, Fault.STUCK, Fault.OFFLINE, Fault.GARBAGE]
)
async def test_not_unlocked(
    hass: HomeAssistant,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
    fault: Fault,
) -> None:
    """An order that was taken, or not even that, is no open door."""
    terminal.faults.add(fault)
    with pytest.raises(HomeAssistantError) as error:
        async with Ticking(hass, freezer, terminal):
            await call(hass, terminal, "unlock")
    assert error.value.translation_key == "release_unproven"
    assert state_of(hass, terminal, "lock", "locked_1") in ("locked", STATE_UNAVAILABLE)


@pytest.mark.usefixtures("entry")
async def test_slow(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """One that takes four seconds for each answer is proven, and not told each second."""
    terminal.faults.add(Fault.SLOW)
    terminal.asked.clear()
    begun = time.monotonic()
    async with Ticking(hass, freezer, terminal):
        await call(hass, terminal, "unlock")
    assert time.monotonic() - begun <= doors.DEADLINE_SECONDS + 1
    assert terminal.asked.count(ORDER) <= 2
    assert state_of(hass, terminal, "lock", "locked_1") == "unlocked"


@pytest.mark.usefixtures("entry")
async def test_busy(hass: HomeAssistant, terminal: Terminal) -> None:
    """One that says it is busy is asked again; one that goes on saying so is not."""
    terminal.busy = client.ATTEMPTS - 1
    await call(hass, terminal, "unlock")
    assert state_of(hass, terminal, "lock", "locked_1") == "unlocked"
    await quiet(hass, terminal)
    terminal.busy = client.ATTEMPTS
    with pytest.raises(HomeAssistantError) as error:
        await ask(hass, terminal)
    assert error.value.translation_key == "no_answer"


async def ask(hass: HomeAssistant, terminal: Terminal) -> None:
    """Ask a terminal how it is, as the core does."""
    found = hass.data[DATA_HOUSE].device(uid_of(terminal))
    assert found
    port, device = found
    await port.async_refresh(device, ["locked_1"])


@pytest.mark.usefixtures("entry")
async def test_xml_where_json_was_asked(
    hass: HomeAssistant, terminal: Terminal
) -> None:
    """Some firmwares answer everything in XML: it is read all the same."""
    terminal.faults.add(Fault.XML)
    await call(hass, terminal, "unlock")
    assert state_of(hass, terminal, "lock", "locked_1") == "unlocked"
    terminal.doors[1].is_open = True
    await ask(hass, terminal)
    assert state_of(hass, terminal, "binary_sensor", "door_open_2") == "on"


@pytest.mark.usefixtures("entry")
async def test_each_request_has_its_own_nonce(
    hass: HomeAssistant, terminal: Terminal
) -> None:
    """Nonces live for two uses: a hundred requests later nothing was refused."""
    for _ in range(100):
        await ask(hass, terminal)
    assert terminal.wrong == 0


@pytest.mark.usefixtures("entry")
async def test_nonce_that_is_used_up(
    hass: HomeAssistant, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A nonce that died in between is no wrong password: a new one is asked for."""
    log_in, refused = terminal._log_in, 0

    def once(request: Any) -> Any:
        nonlocal refused
        if "Authorization" in request.headers and not refused:
            refused += 1
            terminal._nonces.clear()
        return log_in(request)

    monkeypatch.setattr(terminal, "_log_in", once)
    await ask(hass, terminal)
    assert refused == 1
    assert not hass.config_entries.flow.async_progress()


@pytest.mark.usefixtures("entry")
async def test_vendors_tool_holds_a_door_open(
    hass: HomeAssistant, terminal: Terminal
) -> None:
    """The terminal tells that somebody has: it is asked how it is."""
    terminal._command(1, "alwaysOpen")
    await wait_until(
        hass, lambda: state_of(hass, terminal, "lock", "locked_1") == "unlocked"
    )
    terminal._command(1, "close")
    await wait_until(
        hass, lambda: state_of(hass, terminal, "lock", "locked_1") == "locked"
    )


@pytest.mark.usefixtures("entry")
async def test_held_open(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """A door that stands open too long is a warning, until it is shut."""
    terminal.open(1)
    await wait_until(
        hass, lambda: state_of(hass, terminal, "binary_sensor", "door_open_1") == "on"
    )
    await pass_time(hass, freezer, 50)
    assert "door_held_open" not in alarms_of(hass, terminal)
    await pass_time(hass, freezer, 11)
    assert alarms_of(hass, terminal)["door_held_open"].severity is Severity.WARNING
    terminal.shut(1)
    await wait_until(hass, lambda: "door_held_open" not in alarms_of(hass, terminal))


async def test_forced(
    hass: HomeAssistant, entry: MockConfigEntry, terminal: Terminal
) -> None:
    """A door that was broken open is a warning until it is shut, over a restart too."""
    terminal.open(2, forced=True)
    await wait_until(hass, lambda: "door_forced" in alarms_of(hass, terminal))
    assert state_of(hass, terminal, "binary_sensor", "door_open_2") == "on"
    await hass.config_entries.async_reload(entry.entry_id)
    await heard(hass, terminal)
    assert alarms_of(hass, terminal)["door_forced"].present
    terminal.shut(2)
    await wait_until(hass, lambda: "door_forced" not in alarms_of(hass, terminal))


async def test_forced_while_we_were_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It is told later, as long as the door stands open."""
    terminal.swipe("1")
    await wait_until(hass, lambda: controller_of(hass, terminal).index == 1)
    await hass.config_entries.async_unload(entry.entry_id)
    terminal.open(1, forced=True)
    terminal.open(2)
    terminal.shut(2)
    freezer.tick(3600)
    await hass.config_entries.async_setup(entry.entry_id)
    await heard(hass, terminal)
    await wait_until(hass, lambda: "door_forced" in alarms_of(hass, terminal))
    await quiet(hass, terminal)
    assert alarms_of(hass, terminal)["door_forced"].present
    assert state_of(hass, terminal, "binary_sensor", "door_open_1") == "on"
    assert state_of(hass, terminal, "binary_sensor", "door_open_2") == "off"


@pytest.mark.usefixtures("entry")
async def test_tamper(hass: HomeAssistant, terminal: Terminal) -> None:
    """Who opens its box is told, and that it is closed again."""
    terminal.tamper()
    await wait_until(hass, lambda: "tamper" in alarms_of(hass, terminal))
    await quiet(hass, terminal)
    assert "tamper" in alarms_of(hass, terminal)
    terminal.tamper(over=True)
    await wait_until(hass, lambda: "tamper" not in alarms_of(hass, terminal))


@pytest.mark.usefixtures("entry")
async def test_broken_wire(hass: HomeAssistant, terminal: Terminal) -> None:
    """What a lock says then is no state: a fault, and nothing is proven by it."""
    terminal.lock_state = 3
    await ask(hass, terminal)
    assert "sensor_fault" in alarms_of(hass, terminal)
    device = device_of(hass, terminal)
    at = device.reported["locked_1"]
    await ask(hass, terminal)
    assert device.reported["locked_1"] == at


@pytest.mark.usefixtures("entry")
async def test_away_and_back(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """Silence is a fault within 100 s, and nothing is shown that nobody knows."""
    terminal.faults.add(Fault.OFFLINE)
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: not device_of(hass, terminal).available)
    assert "unresponsive" in alarms_of(hass, terminal)
    assert state_of(hass, terminal, "lock", "locked_1") == STATE_UNAVAILABLE
    await quiet(hass, terminal)
    terminal.faults.clear()
    await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await wait_until(hass, lambda: device_of(hass, terminal).available)
    assert "unresponsive" not in alarms_of(hass, terminal)


@pytest.mark.usefixtures("entry")
async def test_takes_too_long(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """What does not answer within ten seconds does not answer."""
    terminal.faults.add(Fault.SLOW)
    terminal.slowness = 3600
    async with Ticking(hass, freezer, terminal):
        await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
        await wait_until(hass, lambda: not device_of(hass, terminal).available)
    terminal.faults.clear()


async def test_off_at_the_start(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """A terminal that is off when Home Assistant starts is missed, and then found."""
    terminal.faults.add(Fault.OFFLINE)
    await add_terminal(hass, terminal, wait=False)
    await wait_until(hass, lambda: "unresponsive" in alarms_of(hass, terminal))
    assert state_of(hass, terminal, "lock", "locked_2") == STATE_UNAVAILABLE
    await quiet(hass, terminal)
    terminal.faults.clear()
    await pass_time(hass, freezer, contact.RETRY_SECONDS + 1)
    await heard(hass, terminal)


async def test_another_terminal_at_its_address(
    hass: HomeAssistant, terminal: Terminal
) -> None:
    """What answers under another number is not believed."""
    serial = terminal.serial
    entry = await add_terminal(hass, terminal)
    terminal.serial = "DS-K1T0000009"
    assert await hass.config_entries.async_reload(entry.entry_id)
    device = entry.runtime_data.devices[serial]
    await wait_until(hass, lambda: not device.available)


@pytest.mark.parametrize(
    ("ahead", "zone"),
    [
        (timedelta(hours=-3), timedelta()),
        (timedelta(seconds=30), timedelta()),
        (timedelta(), timedelta(hours=8)),
        (timedelta(hours=8), timedelta(hours=-8)),
        (timedelta(days=-3000), timedelta(hours=5, minutes=45)),
    ],
)
@pytest.mark.parametrize("mode", ["manual", "NTP"])
async def test_wrong_clock_is_set(
    hass: HomeAssistant,
    terminal: Terminal,
    ahead: timedelta,
    zone: timedelta,
    mode: str,
) -> None:
    """A terminal with another time or another zone is given ours.

    One whose time server has it right keeps that, and is given the zone alone.
    """
    terminal.offset, terminal.time_mode = ahead, mode
    terminal.zone = local_zone() + zone
    await add_terminal(hass, terminal)
    is_near = abs(ahead) < timedelta(minutes=1)
    kept = mode == "NTP" and is_near
    assert terminal.time_mode == ("NTP" if kept else "manual")
    assert abs(terminal.offset) <= (abs(ahead) if kept else timedelta(seconds=5))
    assert terminal.zone == local_zone()
    assert "clock_wrong" not in alarms_of(hass, terminal)


async def test_clock_that_takes_no_time(
    hass: HomeAssistant, terminal: Terminal
) -> None:
    """Cards end by that clock: a wrong one is a fault."""
    terminal.offset = timedelta(hours=3)
    terminal.faults.add(Fault.CLOCK)
    await add_terminal(hass, terminal)
    assert SET_TIME in terminal.asked
    assert alarms_of(hass, terminal)["clock_wrong"].severity is Severity.FAULT


async def test_zone_that_cannot_be_set(hass: HomeAssistant, terminal: Terminal) -> None:
    """The right time in another zone is a wrong clock too."""
    terminal.zone = local_zone() - timedelta(hours=1)
    terminal.faults.add(Fault.CLOCK)
    await add_terminal(hass, terminal)
    assert "clock_wrong" in alarms_of(hass, terminal)


@pytest.mark.usefixtures("entry")
async def test_clock_goes_wrong_later(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """It is looked at with each asking."""
    terminal.offset = timedelta(minutes=10)
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: abs(terminal.offset) < timedelta(seconds=5))


@pytest.fixture
async def other(hass: HomeAssistant, socket_enabled: None) -> AsyncGenerator[Terminal]:
    """Return one more terminal."""
    terminal = Terminal("DS-K1T0000002", clock=dt_util.utcnow, zone=local_zone())
    await terminal.start()
    yield terminal
    await terminal.stop()


@pytest.mark.parametrize("days", [30, -30])
async def test_home_assistants_clock_is_wrong(
    hass: HomeAssistant,
    terminal: Terminal,
    other: Terminal,
    days: int,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Where two terminals agree on another day, it is not theirs that is set."""
    for row in (terminal, other):
        row.offset = timedelta(days=days)
        row.faults.add(Fault.CLOCK)
        await add_terminal(hass, row)
    for row in (terminal, other):
        row.faults.clear()
        row.asked.clear()
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    for row in (terminal, other):
        await quiet(hass, row)
        assert "GET System/time" in row.asked
        assert SET_TIME not in row.asked
        assert "clock_wrong" in alarms_of(hass, row)


@pytest.mark.usefixtures("entry")
async def test_earlier_than_what_was_written(
    hass: HomeAssistant, terminal: Terminal, freezer: FrozenDateTimeFactory
) -> None:
    """A machine that wakes up without its time sets no terminal by it."""
    hass.data[DATA_HOUSE].storage.last_written = time.time() + 3600
    terminal.asked.clear()
    terminal.offset = timedelta(hours=1)
    await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
    await wait_until(hass, lambda: "clock_wrong" in alarms_of(hass, terminal))
    await quiet(hass, terminal)
    assert SET_TIME not in terminal.asked


async def test_removed_terminal(
    hass: HomeAssistant, entry: MockConfigEntry, terminal: Terminal
) -> None:
    """Another device's name is none of its doors."""
    port, device = entry.runtime_data, device_of(hass, terminal)
    port._serial = "another"
    with pytest.raises(HomeAssistantError):
        await port.async_set(device, "locked_1", False)


async def test_unloaded(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Nothing is asked any more, and the stream is given back."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    await wait_until(hass, lambda: not terminal._streams)
    terminal.asked.clear()
    for _ in range(3):
        await pass_time(hass, freezer, controller.TAKEN_SECONDS + 1)
    assert terminal.asked == []


async def test_diagnostics(
    hass: HomeAssistant, entry: MockConfigEntry, terminal: Terminal
) -> None:
    """They say how it is, and neither where nor who it is, nor how to log in."""
    found = await async_get_config_entry_diagnostics(hass, entry)
    assert found["gateway"]["terminal"]["live"] is True
    said = str(found)
    for secret in (terminal.serial, PASSWORD, f"'{USERNAME}'", str(terminal.port)):
        assert secret not in said


@pytest.mark.usefixtures("entry")
async def test_no_mode_is_no_proof(hass: HomeAssistant, terminal: Terminal) -> None:
    """A terminal that does not say how its doors are proves nothing."""
    terminal._status = lambda: {"AcsWorkStatus": {"doorLockStatus": [1, 1]}}  # type: ignore[method-assign]
    device = device_of(hass, terminal)
    at = device.reported["locked_1"]
    await ask(hass, terminal)
    assert device.reported["locked_1"] == at
    assert state_of(hass, terminal, "lock", "locked_1") != STATE_UNKNOWN
    assert issues(hass) == []
