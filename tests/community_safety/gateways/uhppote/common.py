"""What tests of UHPPOTE boards have in common."""

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockModule,
    async_fire_time_changed,
    mock_integration,
    mock_platform,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.credentials import (
    Credentials,
    Difference,
    Result,
)
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Passage
from custom_components.community_safety.core.ports import Credential
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from simulator.uhppote import Board
from tests.common import wait_until

UID = "uhppote/60001"
REGISTER = "some_register"


def local_time() -> datetime:
    """Return the local time without its zone, as a board has it."""
    return dt_util.now().replace(tzinfo=None)


async def add_boards(
    hass: HomeAssistant,
    *boards: Board,
    protocol: str = "udp",
    event_port: int = 0,
    **more: Any,
) -> MockConfigEntry:
    """Add a gateway of boards, and wait until all of them were heard.

    Of ports for events, 0 is any that is free.
    """
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="UHPPOTE",
        unique_id=UID,
        data={
            "dialect": "uhppote",
            "protocol": protocol,
            "event_port": event_port,
            "boards": {str(board.serial): board.address for board in boards},
        },
        **more,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    for board in boards:
        await heard(hass, board)
    return entry


async def heard(hass: HomeAssistant, board: Board, uid: str = UID) -> None:
    """Wait until a board was asked for all that it is asked for, and what follows is done."""

    def known() -> bool:
        found = hass.data[DATA_HOUSE].device(f"{uid}/{board.serial}")
        is_heard = found and found[1].available and "locked_1" in found[1].reported
        return bool(is_heard) and not is_turning(hass, board, uid)

    await wait_until(hass, known)
    await hass.async_block_till_done()


def device_of(hass: HomeAssistant, board: Board) -> SafetyDevice:
    """Return the device of a board."""
    found = hass.data[DATA_HOUSE].device(f"{UID}/{board.serial}")
    assert found
    return found[1]


def is_turning(hass: HomeAssistant, board: Board, uid: str = UID) -> bool:
    """Return if a board is just being asked."""
    return any(
        asking.board.serial == board.serial and asking._turning
        for entry in hass.config_entries.async_loaded_entries(DOMAIN)
        if entry.unique_id == uid
        for asking in entry.runtime_data.controllers
    )


def alarms_of(hass: HomeAssistant, board: Board) -> dict[str, Alarm]:
    """Return the open alarms of a board, by hazard."""
    book = hass.data[DATA_HOUSE].book
    return {alarm.hazard: alarm for alarm in book.of_device(f"{UID}/{board.serial}")}


def entity_of(hass: HomeAssistant, board: Board, platform: str, key: str) -> str:
    """Return the id of an entity of a board."""
    entity_id = er.async_get(hass).async_get_entity_id(
        platform, DOMAIN, f"{UID}/{board.serial}/{key}"
    )
    assert entity_id
    return entity_id


def state_of(hass: HomeAssistant, board: Board, platform: str, key: str) -> str:
    """Return the state of an entity of a board."""
    state = hass.states.get(entity_of(hass, board, platform, key))
    assert state
    return state.state


async def pass_time(hass: HomeAssistant, freezer: Any, seconds: float) -> None:
    """Let time go by, and what is due be done."""
    freezer.tick(seconds)
    async_fire_time_changed(hass)
    await hass.async_block_till_done()


class Ticking:
    """Lets frozen time go by as long as something is awaited."""

    def __init__(self, hass: HomeAssistant, freezer: Any) -> None:
        """Initialize."""
        self._hass, self._freezer = hass, freezer
        self._on = True

    def _tick(self) -> None:
        if self._on:
            self._freezer.tick(0.01)
            self._hass.loop.call_soon(self._tick)

    async def __aenter__(self) -> None:
        """Begin."""
        self._hass.loop.call_soon(self._tick)

    async def __aexit__(self, *_: object) -> None:
        """End."""
        self._on = False


class Register:
    """Knows cards, as another integration would: it imports nothing of ours."""

    def __init__(self, credentials: Credentials) -> None:
        """Initialize, without a card."""
        self.credentials = credentials
        self.passages: list[Passage] = []
        self.proven: list[Result] = []
        self.differences: list[Difference] = []
        #: By device id; None: it does not say.
        self.wanted: dict[str, list[Credential]] | None = {}
        self.trouble: Exception | None = None

    def passed(self, passage: Passage) -> Any:
        """Take a passage."""
        if self.trouble:
            raise self.trouble
        self.passages.append(passage)

    async def async_wanted(self, device_id: str) -> list[Credential] | None:
        """Return the cards of a controller."""
        if self.trouble:
            raise self.trouble
        return None if self.wanted is None else self.wanted.get(device_id, [])

    def proved(self, result: Result) -> None:
        """Take what became of a card whose end had come."""
        self.proven.append(result)

    def checked(self, difference: Difference) -> None:
        """Take how a list was."""
        self.differences.append(difference)


class NoObjection:
    """A provider of authority that lets everybody do everything."""

    def principal(self, context: Context) -> str | None:
        """Know nobody."""
        return None

    async def async_authorize(self, request: Any) -> None:
        """Object to nothing."""


async def offer(
    hass: HomeAssistant, make: Callable[[Credentials], Any] = Register
) -> Any:
    """Load an integration that takes passages, and return what it offers."""
    made: list[Any] = []

    async def async_get_passage_sink(_hass: HomeAssistant, credentials: Any) -> Any:
        made.append(make(credentials))
        return made[-1]

    async def async_get_authority_provider(_hass: HomeAssistant) -> Any:
        return NoObjection()

    mock_integration(hass, MockModule(REGISTER))
    platform = type(
        "Platform",
        (),
        {
            "async_get_passage_sink": staticmethod(async_get_passage_sink),
            "async_get_authority_provider": staticmethod(async_get_authority_provider),
        },
    )
    mock_platform(hass, f"{REGISTER}.{DOMAIN}", cast("Any", platform))
    assert await async_setup_component(hass, REGISTER, {})
    await hass.async_block_till_done()
    return made[0] if made else None
