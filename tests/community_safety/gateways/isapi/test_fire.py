"""A fire opens the doors of its building, and each is proven, or an alarm until it is."""

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import Severity
from custom_components.community_safety.core import doors, proving
from custom_components.community_safety.gateways import contact
from custom_components.community_safety.gateways.isapi import terminal as client
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    floor_registry as fr,
)
from simulator.isapi import Fault, Terminal
from tests.common import Peer, wait_until
from tests.community_safety.gateways.uhppote.common import pass_time

from .common import (
    Ticking,
    add_terminal,
    alarms_of,
    device_of,
    entity_of,
    quiet,
    state_of,
)


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not wait long for what cannot be proven."""
    monkeypatch.setattr(client, "ANSWER_SECONDS", 0.3)
    monkeypatch.setattr(doors, "TRY_SECONDS", 0.5)
    monkeypatch.setattr(doors, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.3)


@pytest.fixture
async def building(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, terminal: Terminal
) -> MockConfigEntry:
    """Return a terminal in a building with a smoke sensor."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=False)
    entry = await add_terminal(hass, terminal)
    floor = fr.async_get(hass).async_create("Building 1").floor_id
    area = ar.async_get(hass).async_create("Hall", floor_id=floor)
    for device in (
        gateway.runtime_data.devices["smoke-1"],
        device_of(hass, terminal),
    ):
        dr.async_get(hass).async_update_device(device.device_id, area_id=area.id)
    return entry


def are_open(hass: HomeAssistant, terminal: Terminal) -> bool:
    """Return if both doors are open, and are shown so."""
    return all(
        terminal.is_unlocked(door)
        and state_of(hass, terminal, "lock", f"locked_{door}") == "unlocked"
        for door in (1, 2)
    )


@pytest.mark.usefixtures("building")
async def test_opens_and_proves(
    hass: HomeAssistant, peer: Peer, terminal: Terminal
) -> None:
    """Doors are held open and read back; another program that locks one is overruled."""
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: are_open(hass, terminal))
    assert "refused_to_release" not in alarms_of(hass, terminal)
    terminal._command(1, "close")
    await wait_until(hass, lambda: terminal.doors[0].mode == 2)
    await peer.state("smoke-1", smoke=False)
    await quiet(hass, terminal)
    # And stay open when it is over, until a person locks them.
    await wait_until(hass, lambda: are_open(hass, terminal))
    with pytest.raises(ServiceValidationError):
        await hass.services.async_call(
            "lock",
            "lock",
            {"entity_id": entity_of(hass, terminal, "lock", "locked_1")},
            blocking=True,
        )


@pytest.mark.usefixtures("building", "_short")
async def test_the_lock_is_stuck(
    hass: HomeAssistant,
    peer: Peer,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A terminal that takes the order, and whose lock does not open, is an alarm."""
    terminal.faults.add(Fault.STUCK)
    await peer.state("smoke-1", smoke=True)
    async with Ticking(hass, freezer, terminal):
        await wait_until(
            hass, lambda: "refused_to_release" in alarms_of(hass, terminal)
        )
    assert alarms_of(hass, terminal)["refused_to_release"].severity is Severity.ALARM
    terminal.faults.clear()
    async with Ticking(hass, freezer, terminal):
        await pass_time(hass, freezer, doors.RETRY_SECONDS + 1)
        await wait_until(hass, lambda: are_open(hass, terminal))
        await wait_until(
            hass, lambda: not alarms_of(hass, terminal)["refused_to_release"].present
        )


@pytest.mark.usefixtures("building", "_short")
async def test_it_is_off(
    hass: HomeAssistant,
    peer: Peer,
    terminal: Terminal,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Doors of a terminal that is off are opened as soon as it is back."""
    terminal.faults.add(Fault.OFFLINE)
    await peer.state("smoke-1", smoke=True)
    async with Ticking(hass, freezer, terminal):
        await wait_until(
            hass, lambda: "refused_to_release" in alarms_of(hass, terminal)
        )
    terminal.faults.clear()
    async with Ticking(hass, freezer, terminal):
        await pass_time(hass, freezer, contact.ASK_SECONDS + 1)
        await wait_until(hass, lambda: are_open(hass, terminal))
        await wait_until(
            hass, lambda: not alarms_of(hass, terminal)["refused_to_release"].present
        )
