"""A property with three doors and a gate, and what they have seen."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any, override

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import func, select

from custom_components.rental_units.search.book import DATA_SEARCHES, SearchBook
from custom_components.rental_units.sightings.journal import FLUSH_SECONDS, journal_of
from custom_components.rental_units.sightings.models import SeenKind
from custom_components.rental_units.sightings.store import Seen
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.util import dt as dt_util
from tests.rental_units.panel import Panel, panel_of

NOW = datetime(2026, 9, 1, 9, 30, tzinfo=UTC)
CARD = "10058400"
PLATE = "浙A0T1K9"


@pytest.fixture(autouse=True)
def now(freezer: FrozenDateTimeFactory) -> None:
    """Let time stand still."""
    freezer.move_to(NOW)


class Street:
    """Doors and a gate, whose passages are on the disk when `see` returns."""

    def __init__(
        self, hass: HomeAssistant, entry: MockConfigEntry, freezer: Any
    ) -> None:
        """Initialize."""
        self.hass, self.entry, self.freezer = hass, entry, freezer
        self._count = 0
        self.doors: dict[str, str] = {}
        for name in ("School", "Shop", "Stairwell 1-1", "East gate"):
            device = dr.async_get(hass).async_get_or_create(
                config_entry_id=entry.entry_id,
                identifiers={("community_safety", name)},
                name=name,
            )
            area = ar.async_get(hass).async_get_or_create(f"Area of {name}")
            dr.async_get(hass).async_update_device(device.id, area_id=area.id)
            self.doors[name] = device.id

    async def see(self, door: str, number: str | None = None, **more: Any) -> None:
        """Let something be seen, now."""
        self._count += 1
        fields = {
            "device_id": self.doors[door],
            "channel": "1",
            "event_id": f"e{self._count}",
            "at": dt_util.utcnow().timestamp(),
            "number": number,
            "granted": True,
            "decision": "granted",
            **more,
        }
        journal_of(self.hass).take(Seen(**fields))
        await self.flush()

    async def flush(self) -> None:
        """Let a portion be written, and who waits be told."""
        self.freezer.tick(FLUSH_SECONDS)
        async_fire_time_changed(self.hass)
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def later(self, seconds: float) -> None:
        """Let time go by."""
        self.freezer.tick(seconds)
        async_fire_time_changed(self.hass)
        await self.hass.async_block_till_done(wait_background_tasks=True)

    async def count(self, model: Any, *where: Any) -> int:
        """Return how many rows there are."""
        query = select(func.count()).select_from(model).where(*where)
        return await self.entry.runtime_data.async_run(
            lambda session: session.scalar(query)
        )


def plate(number: str = PLATE) -> dict[str, Any]:
    """Return what a camera tells of a plate."""
    return {"number": number, "kind": SeenKind.PLATE}


@pytest.fixture
def street(hass: HomeAssistant, entry: MockConfigEntry, freezer: Any) -> Street:
    """Return the doors and the gate."""
    return Street(hass, entry, freezer)


@pytest.fixture
def searches(hass: HomeAssistant, entry: MockConfigEntry) -> SearchBook:
    """Return the searches of the property."""
    return hass.data[DATA_SEARCHES][entry.entry_id]


class FreshPanel(Panel):
    """A panel that connects for each question: days go by between them."""

    def __init__(
        self,
        hass: HomeAssistant,
        entry: MockConfigEntry,
        connect: WebSocketGenerator,
        user: MockUser | None = None,
    ) -> None:
        """Initialize."""
        super().__init__(None, entry.entry_id)
        self._parts = hass, entry, connect, user

    @override
    async def ask(self, command: str, **data: Any) -> dict[str, Any]:
        return await (await panel_of(*self._parts)).ask(command, **data)


@pytest.fixture
def panel(
    hass: HomeAssistant, entry: MockConfigEntry, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the administrator's panel."""
    return FreshPanel(hass, entry, hass_ws_client)


type Open = Callable[..., Awaitable[str]]


@pytest.fixture
def opened(panel: Panel) -> Open:
    """Return what opens a search."""

    async def open_case(**said: Any) -> str:
        data = {"kind": "lost_child", "authority": "13800138000", **said}
        answer = await panel.get("open_search_case", **data)
        return str(answer["case_id"])

    return open_case
