"""A property that is scored, by whom, and the days that go by."""

from collections.abc import Awaitable, Callable
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.scores.book import DATA_SCORES, ScoreBook
from homeassistant.core import HomeAssistant
from tests.rental_units.common import account
from tests.rental_units.panel import Panel, panel_of

from .common import EXAMPLE

type Days = Callable[[str], Awaitable[None]]
#: Facts that a property without devices, cards and cameras says nothing of.
SILENT = (
    *("late_response", "warning_left_open", "fault_days", "unproven_cards"),
    "short_recordings",
)


@pytest.fixture
async def on(hass: HomeAssistant, freezer: FrozenDateTimeFactory) -> Days:
    """Return what lets it be noon of a day, in the house's time zone."""
    await hass.config.async_set_time_zone("Asia/Shanghai")

    async def move(day: str) -> None:
        freezer.move_to(f"{day}T12:00:00+08:00")
        async_fire_time_changed(hass)
        await hass.async_block_till_done(wait_background_tasks=True)

    await move("2027-01-20")
    return move


@pytest.fixture
def scores(hass: HomeAssistant, entry: MockConfigEntry) -> ScoreBook:
    """Return the scores of the property."""
    return hass.data[DATA_SCORES][entry.entry_id]


async def _panel(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    connect: WebSocketGenerator,
    role: str,
) -> Panel:
    return await panel_of(hass, entry, connect, await account(hass, entry, role))


@pytest.fixture
async def office(
    hass: HomeAssistant,
    on: Days,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> Panel:
    """Return the panel of who judges the property, with a table in force."""
    panel = await _panel(hass, entry, hass_ws_client, "community_office")
    await panel.get("save_score_catalogue", content=EXAMPLE, dry_run=False)
    return panel


@pytest.fixture
async def manager(
    hass: HomeAssistant,
    on: Days,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> Panel:
    """Return the panel of who is judged."""
    return await _panel(hass, entry, hass_ws_client, "manager")


@pytest.fixture
async def grid_worker(
    hass: HomeAssistant,
    on: Days,
    entry: MockConfigEntry,
    hass_ws_client: WebSocketGenerator,
) -> Panel:
    """Return the panel of who looks at what there is."""
    return await _panel(hass, entry, hass_ws_client, "grid_worker")


async def enter(office: Panel, month: str, **counts: int) -> None:
    """Enter the figures of a month."""
    for kind, count in counts.items():
        await office.get("put_score_counts", month=month, kind=kind, count=count)


async def open_sheet(office: Panel, month: str, **stated: Any) -> dict[str, Any]:
    """Open a sheet, and say of what nothing could be read that it is left out."""
    opened: dict[str, Any] = await office.get("open_score_sheet", month=month)
    for name in opened["unknown"]:
        said = {"value": stated[name]} if name in stated else {"left_out": True}
        opened = await office.get(
            "state_score_fact", month=month, criterion=name, note="Not read", **said
        )
    return opened
