"""What of rounds everybody may see: figures of a property, and nobody in them."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.const import DOMAIN
from homeassistant.core import HomeAssistant
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from tests.rental_units.common import OTHER_PHONE, without_database
from tests.rental_units.reports.test_triage import passes, state_of

from .conftest import PanelFor, Visited

OTHER = {"name": "MARK-OTHER", "phone": OTHER_PHONE}


@pytest.fixture
def database() -> dict[str, Any]:
    """Let it be SQLite: what is shown is in memory."""
    return {}


async def events(
    hass: HomeAssistant, entry: MockConfigEntry, start: str, end: str
) -> list[tuple[str, str]]:
    """Return what the calendar shows from one day to another."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "calendar", DOMAIN, f"{entry.entry_id}_visits"
    )
    answer = await hass.services.async_call(
        "calendar",
        "get_events",
        {
            "entity_id": entity_id,
            "start_date_time": f"{start} 00:00:00",
            "end_date_time": f"{end} 00:00:00",
        },
        blocking=True,
        return_response=True,
    )
    assert answer
    rows: Any = answer[entity_id]
    return [(row["start"], row["summary"]) for row in rows["events"]]


def issues(hass: HomeAssistant) -> dict[str, str]:
    """Return the issues about visits, and how many people each is about."""
    return {
        issue.translation_key: issue.translation_placeholders["count"]
        for (domain, _), issue in ir.async_get(hass).issues.items()
        if domain == DOMAIN
        and issue.translation_key
        and issue.translation_key.startswith("visits_")
        and issue.translation_placeholders
    }


async def test_figures(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
    panel_for: PanelFor,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Counts by day, today and overdue: no name, no unit, no risk."""

    def shown(key: str, kind: str = "sensor") -> str:
        return str(state_of(hass, entry, key, kind).state)

    assert (shown("visits_due"), shown("visits", "calendar")) == ("0", "off")
    one = await visited()
    two = await visited("1-1-102", **OTHER)
    await visited("1-2-101", "general", name="MARK-3", phone="13800138003")
    assert await events(hass, entry, "2026-09-01", "2027-01-01") == [
        ("2026-09-08", "Care visits: 2"),
        ("2026-12-01", "Care visits: 1"),
    ]
    assert await events(hass, entry, "2026-09-09", "2026-12-01") == []
    panel = panel_for()
    await panel.get("request_visit", person_id=one)
    assert (shown("visits_due"), shown("visits_overdue")) == ("1", "0")
    assert (await events(hass, entry, "2026-09-01", "2026-09-02")) == [
        ("2026-09-01", "Care visits: 1")
    ]
    assert shown("visits", "calendar") == "on"
    # Of what has happened nobody could be told: nobody is in charge.
    assert issues(hass) == {"visits_untold": "1"}
    await passes(hass, freezer, days=1)
    assert (shown("visits_due"), shown("visits_overdue")) == ("1", "1")
    assert await events(hass, entry, "2026-09-02", "2026-09-03") == [
        ("2026-09-02", "Care visits: 1, of these overdue: 1")
    ]
    assert issues(hass) == {"visits_untold": "1", "visits_overdue": "1"}
    missed = {"outcome": "not_met", "no_scan": "no_plate"}
    for _ in range(2):
        for person in (one, two):
            await panel_for().get("record_visit", person_id=person, **missed)
        await passes(hass, freezer, days=1)
    assert issues(hass) == {
        "visits_untold": "2",
        "visits_overdue": "1",
        "visits_missed": "2",
    }
    for person in (one, two):
        met = {"outcome": "met", "no_scan": "no_plate"}
        await panel_for().get("record_visit", person_id=person, **met)
    assert issues(hass) == {}
    assert (shown("visits_due"), shown("visits_overdue")) == ("0", "0")
    everything = repr([state.as_dict() for state in hass.states.async_all()])
    assert "MARK" not in everything


async def test_while_the_database_is_away(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    visited: Visited,
) -> None:
    """Who is to be visited is not known then, and not nobody."""
    await visited()
    async with without_database(hass, entry):
        for key, kind in (("visits_due", "sensor"), ("visits", "calendar")):
            assert state_of(hass, entry, key, kind).state == "unavailable"
    assert state_of(hass, entry, "visits_due", "sensor").state == "0"
