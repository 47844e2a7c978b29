"""Vehicles that a camera has seen: to the register alone, once, with what became of them."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)

from custom_components.community_safety.core.passages import Decision
from custom_components.community_safety.gateways.vzenith import gateway as module
from homeassistant.core import HomeAssistant
from simulator.vzenith import Camera, Fault
from tests.common import wait_until
from tests.community_safety.gateways.uhppote.common import Register, offer

from .common import BEGIN, END, OTHER, PLATE, add_camera, device_of, entity_of


async def given(hass: HomeAssistant, camera: Camera) -> Register:
    """Return a register that has given a plate."""
    register: Register = await offer(hass)
    await register.credentials.async_put(
        device_of(hass, camera).device_id or "",
        number=PLATE,
        begin=BEGIN,
        end=END,
        doors=["1"],
    )
    return register


def shown(hass: HomeAssistant, camera: Camera) -> str | None:
    """Return what the event entity tells."""
    state = hass.states.get(entity_of(hass, camera, "event", "passage_1"))
    assert state
    found: str | None = state.attributes["event_type"]
    return found


async def test_granted(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The camera says nothing of what it decides: the arm does. Nobody else hears the plate."""
    register = await given(hass, camera)
    assert camera.drive(PLATE)
    await wait_until(hass, lambda: len(register.passages) == 1)
    (passage,) = register.passages
    assert (passage.number, passage.decision) == (PLATE, Decision.GRANTED)
    assert (passage.door, passage.inwards, passage.late) == ("1", True, False)
    assert shown(hass, camera) == "granted"
    logged = [
        row.getMessage()
        for row in caplog.records
        if row.name.startswith("custom_components")
    ]
    assert PLATE not in repr(logged)
    assert PLATE not in repr([row.as_dict() for row in hass.states.async_all()])
    assert PLATE not in str(entry.runtime_data.diagnostics())


async def test_denied(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    camera: Camera,
    freezer: FrozenDateTimeFactory,
    still: None,
) -> None:
    """For whom the arm stays down was not let in."""
    register = await given(hass, camera)
    assert not camera.drive(OTHER)
    await wait_until(hass, lambda: bool(entry.runtime_data._undecided))
    assert register.passages == []
    freezer.tick(module.DECIDED_SECONDS + 1)
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: len(register.passages) == 1)
    assert register.passages[0].decision is Decision.OTHER
    assert shown(hass, camera) == "denied"


async def test_only_seen(hass: HomeAssistant, camera: Camera) -> None:
    """Where nothing tells how the arm stands, nobody knows; nor while it is up anyway."""
    entry = await add_camera(hass, camera, arm_input=None, direction="both")
    register: Register = await offer(hass)
    camera.drive(OTHER)
    await wait_until(hass, lambda: len(register.passages) == 1)
    assert register.passages[0].decision is Decision.SEEN
    assert register.passages[0].inwards is None
    assert shown(hass, camera) == "seen"
    assert entry.runtime_data.diagnostics()["arm_is_up"] is None


async def test_seen_while_it_is_unloaded(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """Nobody is lost for a reload."""
    register: Register = await offer(hass)
    camera.drive(OTHER)
    await wait_until(hass, lambda: bool(entry.runtime_data._undecided))
    assert await hass.config_entries.async_unload(entry.entry_id)
    assert [row.decision for row in register.passages] == [Decision.SEEN]


async def test_stored_and_sent_later(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """What happened in an outage comes late, with its own time, and is no event of now."""
    register: Register = await offer(hass)
    camera.faults.add(Fault.OFFLINE)
    camera.drive(PLATE, timeStamp={"Timeval": {"sec": 1_790_000_000}})
    camera.come_back()
    await wait_until(hass, lambda: len(register.passages) == 1)
    (passage,) = register.passages
    assert (passage.late, passage.decision) == (True, Decision.SEEN)
    assert passage.at.timestamp() == 1_790_000_000
    assert passage.stamp == passage.at
    assert shown(hass, camera) is None


async def test_once(
    hass: HomeAssistant, entry: MockConfigEntry, camera: Camera
) -> None:
    """The same result is one vehicle, by its own id or by its number and time."""
    register: Register = await offer(hass)
    old = {"plateid": 7, "timeStamp": {"Timeval": {"sec": 1_790_000_000}}}
    for more in (old, old, {"unique_id": "u1"}, {"unique_id": "u1"}):
        camera.drive(PLATE, isoffline=1, **more)
    camera.drive("_无_")
    # As another way brings it: plain.
    camera.drive(OTHER, isoffline=1, license=OTHER)
    await wait_until(hass, lambda: len(register.passages) == 3)
    assert [row.number for row in register.passages] == [PLATE, PLATE, OTHER]
    assert entry.runtime_data.discarded == {"repeated": 2, "without a plate": 1}
