"""What tests of the blueprints use."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
import logging
from pathlib import Path
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from tests.common import BASE, PATIENCE, Peer, real_seconds

FOLDER = Path(__file__).parents[3] / "blueprints/automation/community_safety"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yaml"))
SCRIPTS = FOLDER.parents[1] / "script/community_safety"
ALL = sorted([*FOLDER.glob("*.yaml"), *SCRIPTS.glob("*.yaml")])
#: What tells nobody anything.
SILENT = {"alert_acknowledgement"}

OFFICE = {"entity_id": ["notify.office"]}
EXTRA = [{"event": "extra", "event_data": {"said": "{{ title }}: {{ message }}"}}]
RESULT = [{"event": "result", "event_data": {"said": "{{ result_title }}"}}]
PEOPLE = {"language": "zh-Hans", "notify_target": OFFICE}
SHED = {"area_id": ["shed_1"]}

#: An event entity of a door, a barrier of some integration, and a list of hazard reports.
PASSAGES, BARRIER = "event.door_1_passage", "cover.barrier"
HAZARDS = "todo.property_1_hazards_to_mend"

#: What a blueprint cannot do without.
REQUIRED: dict[str, dict[str, Any]] = {
    "charging_pile_response": {"watched": SHED},
    "water_supply": {"notify_target": OFFICE},
    "door_response": {"notify_target": OFFICE},
    "denied_series": {"notify_target": OFFICE, "doors": [PASSAGES]},
    "barrier_on_fire": {"notify_target": OFFICE, "barriers": [BARRIER]},
    "elevator": {"notify_target": OFFICE},
    "equipment_fault": {"notify_target": OFFICE},
    "hazard_reminder": {"notify_target": OFFICE, "lists": [HAZARDS]},
}
#: Every input, each other than its default.
EVERYTHING: dict[str, dict[str, Any]] = {
    "smoke_response": {
        **PEOPLE,
        "watched": {"floor_id": ["building_1"]},
        "left_out": ["shed_1"],
        "phones": ["a_phone"],
        "alert_people": True,
        "tell_cleared": False,
        "cut_when": "confirmed",
        "cut_where": "chosen",
        "cut_chosen": {"area_id": ["1_1_201"]},
        "second_where": "floor",
        "second_minutes": 5,
        "confirm_minutes": 1.5,
        "unconfirmed": "keep",
        "first_actions": EXTRA,
        "result_actions": RESULT,
    },
    "alert_acknowledgement": {
        "alarm_too": False,
        "alert_too": False,
        "end_too": False,
        "tell_over": False,
    },
    "breaker_response": {
        **PEOPLE,
        "watched": {"floor_id": ["building_1"]},
        "left_out": ["shed_1"],
        "phones": ["a_phone"],
        "hazards": ["leakage"],
        "whole_area": True,
        "first_actions": EXTRA,
        "result_actions": RESULT,
    },
    "charging_pile_response": {
        **PEOPLE,
        "watched": SHED,
        "phones": ["a_phone"],
        "tell_overlong": False,
        "whole_shed": False,
        "first_actions": EXTRA,
        "result_actions": RESULT,
    },
    "water_supply": {
        **PEOPLE,
        "watched": {"area_id": ["roof"]},
        "hazards": ["low_level"],
        "tell_cleared": False,
        "remind": False,
        "every_hours": 2,
        "most_reminders": 3,
        "until_acknowledged": True,
        "more_actions": EXTRA,
    },
    "door_response": {
        **PEOPLE,
        "watched": {"area_id": ["hall_1"]},
        "hazards": ["door_forced"],
        "phones": ["a_phone"],
        "tell_cleared": False,
        "remind": False,
        "every_hours": 2,
        "most_reminders": 3,
        "until_acknowledged": True,
        "more_actions": EXTRA,
    },
    "denied_series": {
        **PEOPLE,
        "doors": [PASSAGES],
        "most": 3,
        "minutes": 2,
        "phones": ["a_phone"],
        "more_actions": EXTRA,
    },
    "barrier_on_fire": {
        **PEOPLE,
        "watched": {"area_id": ["hall_1"]},
        "barriers": [BARRIER],
        "phones": ["a_phone"],
        "more_actions": EXTRA,
    },
    "elevator": {
        **PEOPLE,
        "watched": {"area_id": ["car_1"]},
        "voice": ["tts.voice"],
        "speakers": ["media_player.car_1"],
        "own_words": "Out, please",
        "times": 2,
        "pause": 10,
        "announcement_actions": EXTRA,
        "tell_e_bike": True,
        "more_actions": EXTRA,
    },
    "equipment_fault": {
        **PEOPLE,
        "watched": {"area_id": ["roof"]},
        "hazards": ["tamper"],
        "report_time": "07:30:00",
        "most_lines": 5,
        "urgent": ["tamper"],
        "daytime_only": True,
        "day_begins": "09:00:00",
        "day_ends": "17:00:00",
        "more_actions": EXTRA,
    },
    "hazard_reminder": {
        **PEOPLE,
        "lists": [HAZARDS],
        "report_time": "07:30:00",
        "only_overdue": True,
        "most_lines": 5,
        "more_actions": EXTRA,
    },
}


type Add = Callable[..., Awaitable[None]]


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what automations, scripts and templates complained about."""
    return [
        record.getMessage()
        for record in caplog.get_records("call")
        if record.levelno >= logging.WARNING
        and record.name.startswith(
            (
                "homeassistant.components.automation",
                "homeassistant.components.blueprint",
                "homeassistant.helpers.script",
                "homeassistant.helpers.template",
            )
        )
    ]


async def breaker(peer: Peer, device: str, area: str) -> None:
    """Add a breaker that does what it is told."""
    await peer.config(
        device,
        "breaker_monitor",
        ["supply", "current", "residual_current", "voltage"],
        area=area,
    )
    await peer.state(device, supply=True, current=5.0, residual_current=10, voltage=230)
    peer.obedient_breaker(device)


def local(time: str, day: int = 2) -> datetime:
    """Return a time of a day in March 2027, in Home Assistant's time zone."""
    zone = dt_util.get_default_time_zone()
    return datetime.fromisoformat(f"2027-03-0{day}T{time}").replace(tzinfo=zone)


def said(told: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return title and message of each notification."""
    return [(call.data["title"], call.data["message"]) for call in told]


def titles(told: list[ServiceCall]) -> list[str]:
    """Return the titles of the notifications."""
    return [title for title, _ in said(told)]


async def pass_time(
    hass: HomeAssistant, freezer: FrozenDateTimeFactory, **delta: float
) -> None:
    """Let time pass."""
    freezer.tick(timedelta(**delta))
    async_fire_time_changed(hass)
    await turns()


async def turns() -> None:
    """Let Home Assistant work; an automation that waits would never be done."""
    for _turn in range(100):
        await asyncio.sleep(0)


async def until(proof: Callable[[], bool]) -> None:
    """Let Home Assistant work until something is so, while automations may wait."""
    end = real_seconds() + PATIENCE
    while not proof():
        assert real_seconds() < end, "it did not come to that"
        await asyncio.sleep(0)


def report(peer: Peer, device: str, **values: Any) -> None:
    """Let a device report, and do not wait for what comes of it."""
    peer.publish(f"{BASE}/{device}/state", peer.state_message(values), retain=True)


def notify_entity(hass: HomeAssistant, device: str) -> str:
    """Return the notify entity of a phone."""
    (entry,) = er.async_entries_for_device(er.async_get(hass), device)
    return entry.entity_id


def is_open(hass: HomeAssistant, hazard: str) -> bool:
    """Return if an alarm of a hazard is open."""
    return any(
        alarm.hazard == hazard for alarm in hass.data[DATA_HOUSE].book.open.values()
    )


def supply(hass: HomeAssistant, device: str) -> str:
    """Return the state of a supply's switch."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/{device}/supply"
    )
    assert entity_id
    return hass.states.get(entity_id).state
