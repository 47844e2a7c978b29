"""What tests of Hikvision terminals have in common."""

from datetime import timedelta
from typing import Any, override

from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.gateways.isapi.controller import Controller
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
from simulator.isapi import PASSWORD, USERNAME, Terminal
from tests.common import wait_until
from tests.community_safety.gateways.uhppote import common as uhppote


class Ticking(uhppote.Ticking):
    """Lets frozen time go by, but none while bytes are on their way.

    So nothing hangs on how long they take: an answer has the time that the terminal takes.
    """

    def __init__(self, hass: HomeAssistant, freezer: Any, terminal: Terminal) -> None:
        """Initialize."""
        super().__init__(hass, freezer)
        self._terminal = terminal

    @override
    def _tick(self) -> None:
        if not self._on:
            return
        asked = controller_of(self._hass, self._terminal).terminal._turn.locked()
        if self._terminal.asleep or not asked:
            self._freezer.tick(0.01)
        self._hass.loop.call_soon(self._tick)


def local_zone() -> timedelta:
    """Return the zone that Home Assistant is in."""
    return dt_util.now().utcoffset() or timedelta()


def entry_of(terminal: Terminal, **more: Any) -> MockConfigEntry:
    """Return the config entry of a terminal."""
    return MockConfigEntry(
        domain=DOMAIN,
        title="DS-K2604T",
        unique_id=f"isapi/{terminal.serial}",
        data={
            "dialect": "isapi",
            "url": terminal.url,
            "username": USERNAME,
            "password": PASSWORD,
            "doors": len(terminal.doors),
            **more,
        },
    )


async def add_terminal(
    hass: HomeAssistant, terminal: Terminal, *, wait: bool = True, **more: Any
) -> MockConfigEntry:
    """Add a gateway of a terminal, and wait until it was heard."""
    entry = entry_of(terminal, **more)
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    if wait:
        await heard(hass, terminal)
    return entry


async def heard(hass: HomeAssistant, terminal: Terminal) -> None:
    """Wait until a terminal was asked for everything, and its stream is open."""

    def known() -> bool:
        found = hass.data[DATA_HOUSE].device(uid_of(terminal))
        return bool(
            found
            and found[1].available
            and "locked_1" in found[1].reported
            and controller_of(hass, terminal)._is_listening
        )

    await wait_until(hass, known)
    await quiet(hass, terminal)


async def quiet(hass: HomeAssistant, terminal: Terminal) -> None:
    """Wait until nothing is asked any more."""
    ours = controller_of(hass, terminal)
    await wait_until(hass, lambda: not (ours._turning or ours._catching_up))
    await hass.async_block_till_done()


async def pass_time(
    hass: HomeAssistant, freezer: Any, terminal: Terminal, seconds: float
) -> None:
    """Let time go by once nothing is asked: what is under way would have had no answer."""
    await quiet(hass, terminal)
    await uhppote.pass_time(hass, freezer, seconds)


def uid_of(terminal: Terminal) -> str:
    """Return the unique id of the device of a terminal."""
    return f"isapi/{terminal.serial}/{terminal.serial}"


def controller_of(hass: HomeAssistant, terminal: Terminal) -> Controller:
    """Return what speaks to a terminal."""
    for entry in hass.config_entries.async_loaded_entries(DOMAIN):
        if entry.unique_id == f"isapi/{terminal.serial}":
            found = entry.runtime_data.controller
            assert isinstance(found, Controller)
            return found
    raise AssertionError


def device_of(hass: HomeAssistant, terminal: Terminal) -> SafetyDevice:
    """Return the device of a terminal."""
    found = hass.data[DATA_HOUSE].device(uid_of(terminal))
    assert found
    return found[1]


def alarms_of(hass: HomeAssistant, terminal: Terminal) -> dict[str, Alarm]:
    """Return the open alarms of a terminal, by hazard."""
    book = hass.data[DATA_HOUSE].book
    return {alarm.hazard: alarm for alarm in book.of_device(uid_of(terminal))}


def entity_of(hass: HomeAssistant, terminal: Terminal, platform: str, key: str) -> str:
    """Return the id of an entity of a terminal."""
    entity_id = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"{uid_of(terminal)}/{key}"
    )
    assert entity_id
    return entity_id


def state_of(hass: HomeAssistant, terminal: Terminal, platform: str, key: str) -> str:
    """Return the state of an entity of a terminal."""
    state = hass.states.get(entity_of(hass, terminal, platform, key))
    assert state
    return state.state


def issues(hass: HomeAssistant) -> list[str]:
    """Return what repairs there are."""
    return [key for domain, key in ir.async_get(hass).issues if domain == DOMAIN]
