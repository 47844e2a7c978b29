"""A property with doors: both integrations, and boards on the loopback address."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.device import SafetyDevice
from custom_components.rental_units.access_control.models import Card, Door, Place
from custom_components.rental_units.access_control.office import (
    DATA_OFFICES,
    UNPROVEN,
    Office,
)
from custom_components.rental_units.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util
from simulator.uhppote import Board
from tests.common import PATIENCE, real_seconds
from tests.community_safety.gateways.uhppote.common import device_of
from tests.rental_units.common import call, check_in, device_id

#: 17:30 in Shanghai.
NOW = datetime(2026, 9, 1, 9, 30, tzinfo=dt_util.UTC)
END = "2026-10-31"
NUMBER, OTHER_NUMBER = "10058400", "10058401"
OWN, OTHER = "1-1-101", "1-2-101"


@dataclass(slots=True, eq=False)
class House:
    """Where everything is: a board for each of two stairwells, and one at the gate."""

    hass: HomeAssistant
    entry: MockConfigEntry
    gateway: MockConfigEntry
    first: Board
    second: Board
    gate: Board

    @property
    def boards(self) -> tuple[Board, Board, Board]:
        """Return all boards."""
        return self.first, self.second, self.gate

    @property
    def office(self) -> Office:
        """Return the office of the property."""
        return self.hass.data[DATA_OFFICES][self.entry.entry_id]

    def device(self, board: Board) -> SafetyDevice:
        """Return the device of a board."""
        return device_of(self.hass, board)

    def controller(self, board: Board) -> str:
        """Return Home Assistant's id of a board."""
        found = self.device(board).device_id
        assert found
        return found

    def numbers(self, board: Board) -> list[str]:
        """Return the numbers that are on a board."""
        return sorted(str(card.number) for card in board.cards)

    async def assign(self, board: Board, door: str = "1", **where: str) -> str:
        """Say for whom a door opens."""
        answer = await call(
            self.hass,
            "assign_door",
            {
                "config_entry_id": self.entry.entry_id,
                "device_id": self.controller(board),
                "door": door,
                **where,
            },
        )
        return answer["door_id"]

    async def move_in(self, title: str = OWN, **data: Any) -> str:
        """Check somebody in; return their id."""
        return await check_in(self.hass, self.entry, title, **{"end": END, **data})

    async def move_out(self, person: str, title: str = OWN) -> None:
        """Say that somebody has left."""
        device = device_id(self.hass, self.entry, title)
        await call(self.hass, "check_out", {"device_id": device, "person_id": person})

    async def issue(self, person: str, number: str = NUMBER, **data: Any) -> str:
        """Give somebody a card; return its id."""
        answer = await call(
            self.hass,
            "issue_card",
            {"person_id": person, "card_number": number, **data},
        )
        return answer["card_id"]

    async def decide(self, what: str, card: str) -> None:
        """Decide something about a card."""
        await call(self.hass, f"{what}_card", {"card_id": card})

    async def cards(self, person: str) -> list[dict[str, Any]]:
        """Return the cards of a person."""
        return (await call(self.hass, "get_cards", {"person_id": person}))["cards"]

    async def state(self, person: str) -> str:
        """Return what the newest card of a person comes to."""
        return (await self.cards(person))[0]["state"]

    async def doors(self, card: str) -> dict[str, dict[str, Any]]:
        """Return where a card opens, by the controller."""
        found = await call(self.hass, "get_card_doors", {"card_id": card})
        return {row["device_id"]: row for row in found["controllers"]}

    async def becomes(self, person: str, state: str) -> None:
        """Wait until the newest card of a person comes to something."""
        await until(self.hass, lambda: self._is(person, state))

    async def _is(self, person: str, state: str) -> bool:
        return await self.state(person) == state

    async def rows(self) -> dict[str, int]:
        """Return how many rows there are."""
        return await self.entry.runtime_data.async_run(
            lambda session: {
                model.__tablename__: session.query(model).count()
                for model in (Card, Place, Door)
            }
        )

    def repair(self) -> ir.IssueEntry | None:
        """Return the repair about cards that are not proven."""
        return ir.async_get(self.hass).async_get_issue(
            DOMAIN, f"{UNPROVEN}_{self.entry.entry_id}"
        )


async def until(hass: HomeAssistant, proof: Callable[[], Awaitable[bool]]) -> None:
    """Let Home Assistant work until something is so, also in frozen time."""
    end = real_seconds() + PATIENCE
    while not await proof():
        assert real_seconds() < end, "it did not happen"
        await hass.async_block_till_done()
        await asyncio.sleep(0)


async def settle(hass: HomeAssistant) -> None:
    """Let what has begun go on for a while: some of it waits for time, which stands still."""
    for _ in range(50):
        await hass.async_block_till_done()
        await asyncio.sleep(0)


async def refusal(hass: HomeAssistant, action: str, **data: Any) -> str | None:
    """Return why a call is refused."""
    with pytest.raises(ServiceValidationError) as failure:
        await call(hass, action, data)
    return failure.value.translation_key
