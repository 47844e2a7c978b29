"""The blueprint that reminds of hazards, with the reports of a property."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)

from homeassistant.components.automation import DOMAIN as AUTOMATION
from homeassistant.const import STATE_UNKNOWN
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.rental_units.common import check_in, without_database

from .conftest import Phone
from .pictures import photo, scene
from .test_triage import passes, sqlite_only, state_of

BLUEPRINTS = Path(__file__).parents[3] / "blueprints/automation/community_safety"


@sqlite_only
@pytest.mark.parametrize(
    ("only_overdue", "most_lines", "lines"),
    [
        (
            False,
            2,
            [
                "Hazards to be mended: 3, overdue: 2",
                "OVERDUE: Smell of gas: 1-1-101, since 12-01 10:00",
                "OVERDUE: Escape route blocked: 1-1-101, since 12-02 08:00",
                "and 1 more",
            ],
        ),
        (
            False,
            20,
            [
                "Hazards to be mended: 3, overdue: 2",
                "OVERDUE: Smell of gas: 1-1-101, since 12-01 10:00",
                "OVERDUE: Escape route blocked: 1-1-101, since 12-02 08:00",
                "Water leak, or no water: 1-1-101, by 12-04 08:00",
            ],
        ),
        (
            True,
            20,
            [
                "Hazards to be mended: 2, overdue: 2",
                "OVERDUE: Smell of gas: 1-1-101, since 12-01 10:00",
                "OVERDUE: Escape route blocked: 1-1-101, since 12-02 08:00",
            ],
        ),
    ],
)
async def test_reminder(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    phone: Phone,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
    only_overdue: bool,
    most_lines: int,
    lines: list[str],
) -> None:
    """Once a day all that is open is told, the most overdue first; without anything, nothing.

    While the database is away it is told that nobody knows.
    """
    zone = dt_util.get_default_time_zone()
    begin = dt_util.now().replace(
        year=2026, month=12, day=1, hour=8, minute=0, second=0, tzinfo=zone
    )
    freezer.move_to(begin)
    told = async_mock_service(hass, "notify", "send_message")
    hass.states.async_set("notify.office", STATE_UNKNOWN)
    await check_in(hass, entry, "1-1-101")
    todo = state_of(hass, entry, "reports", "todo")
    await set_up(
        hass,
        lists=[todo.entity_id],
        notify_target={"entity_id": ["notify.office"]},
        only_overdue=only_overdue,
        most_lines=most_lines,
    )
    freezer.move_to(begin + timedelta(hours=1))
    await passes(hass, freezer, seconds=1)
    assert told == []
    freezer.move_to(begin)
    for number, category in enumerate(("water", "gas", "escape_route")):
        await phone.report(photo(picture=scene(number)), category=category)
    freezer.move_to(begin + timedelta(days=1, hours=1))
    await passes(hass, freezer, seconds=1)
    (call,) = told
    assert call.data["message"].splitlines() == lines
    assert call.data["title"] == lines[0]
    async with without_database(hass, entry):
        freezer.move_to(begin + timedelta(days=2, hours=1))
        await passes(hass, freezer, seconds=1)
        (_, call) = told
        assert call.data["message"] == (
            "Property 1 Hazards to mend cannot be read now: look at it later."
        )
    # Its timer goes with it.
    await hass.services.async_call(
        AUTOMATION, "turn_off", {"entity_id": "automation.reminder"}, blocking=True
    )
    assert not [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.name.startswith(("homeassistant.components.automation",))
        and record.levelname in ("WARNING", "ERROR")
    ]


async def set_up(hass: HomeAssistant, **inputs: Any) -> None:
    """Make an automation of the blueprint."""
    folder = Path(hass.config.path("blueprints/automation"))
    folder.mkdir(parents=True)
    (folder / "community_safety").symlink_to(BLUEPRINTS)
    path = "community_safety/hazard_reminder.yaml"
    config = {
        "id": "reminder",
        "alias": "reminder",
        "use_blueprint": {"path": path, "input": inputs},
    }
    assert await async_setup_component(hass, AUTOMATION, {AUTOMATION: config})
    await hass.async_block_till_done()
    assert hass.states.get("automation.reminder").state == "on"
