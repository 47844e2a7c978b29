"""Power that is left off until a day: who says so, where it shows, and that somebody is reminded."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.actions import MOST_LEFT_DAYS
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.house import DATA_HOUSE, REMIND_HOUR, House
from custom_components.community_safety.core.latches import Latch, Left, LeftReason
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import Unauthorized
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

from .test_authority import Register, offer
from .test_trigger import automate
from .test_websocket import Panel, only

SUPPLY = f"mqtt/{BASE}/breaker-1/supply"


@pytest.fixture
async def house(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> House:
    """Return a house in which it burns."""
    await hass.config.async_set_time_zone("America/Los_Angeles")
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    peer.obedient_breaker("breaker-1")
    await peer.state("smoke-1", smoke=True)
    return hass.data[DATA_HOUSE]


@pytest.fixture
async def panel(
    hass: HomeAssistant, house: House, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator, who has cut the power."""
    panel = Panel(await hass_ws_client(hass))
    await panel.does("cut_off", incident_id=incident_of(house))
    return panel


def incident_of(house: House) -> str:
    """Return the incident that is open."""
    (incident,) = house.book.incidents
    return incident.id


def after(days: int) -> date:
    """Return a day to come, where the house is."""
    return dt_util.now().date() + timedelta(days=days)


def leaving(house: House, **more: Any) -> dict[str, Any]:
    """Return what the command takes."""
    return {
        "incident_id": incident_of(house),
        "until": after(3).isoformat(),
        "reason": "awaiting_repair",
        **more,
    }


async def test_left_off_and_reminded(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """It shows until when and why; on that day, once, people and automations are told."""
    seen = async_mock_service(hass, "test", "seen")
    await automate(hass, "left_off_due", target={"area_id": "1_1_201"})
    assert "leave_off" not in only(await panel.subscribes())["may"]
    await panel.does("leave_off", **leaving(house))
    (alarm,) = house.book.open.values()
    # The alarm may be over long before.
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: not alarm.present)
    row = only(await panel.hears("change", lambda m: not only(m)["present"]))
    assert row["may"]["leave_off"] is None
    await panel.does("reset", incident_id=alarm.incident_id, outcome="real")
    row = only(await panel.subscribes())
    who = hass_admin_user.id
    left = {"until": str(after(3)), "why": "awaiting_repair", "who": who}
    assert row["rank"] == "power_off"
    assert row["supplies"][0]["left"] == {**left, "is_due": False}
    assert (await panel.hears("names"))["names"] == {who: "Mock User"}
    house.cut_off.remind(after(2))
    await hass.async_block_till_done()
    assert seen == []
    house.cut_off.remind(after(3))

    def is_due(message: dict[str, Any]) -> bool:
        return any(
            (supply["left"] or {}).get("is_due")
            for row in message["incidents"]
            for supply in row["supplies"]
        )

    row = only(await panel.hears("change", is_due))
    assert row["supplies"][0]["left"] == {**left, "is_due": True}
    await wait_until(hass, lambda: len(seen) == 1)
    trigger = seen[0].data["trigger"]
    assert (trigger["device_name"], trigger["area_name"]) == ("Smoke 1", "1-1-201")
    assert trigger["description"] == "Smoke: the power was left off until today"
    # Nothing was closed by itself, and nobody is reminded every day.
    assert house.latches.rows[SUPPLY].proven
    house.cut_off.remind(after(4))
    # A later day is another.
    await panel.does("leave_off", **leaving(house, until=str(after(9))))
    house.cut_off.remind(after(9))
    await wait_until(hass, lambda: len(seen) == 2)
    await panel.does("restore", incident_id=alarm.incident_id, checked="on_site")
    assert house.latches.rows == {}
    told = [item["what"] for item in alarm.timeline if "left" in item]
    assert told == ["left_off", "left_off_due"] * 2


async def test_words_are_for_who_may_read_them(
    hass: HomeAssistant, house: House, panel: Panel, hass_admin_user: MockUser
) -> None:
    """What was written is on the timeline alone, and not in the supply that all see."""
    await panel.does(
        "leave_off", **leaving(house, reason="other", comment="Owner is abroad")
    )
    latch = house.latches.rows[SUPPLY]
    assert latch.left == Left(
        until=str(after(3)), why=LeftReason.OTHER, who=hass_admin_user.id
    )
    row = only(await panel.subscribes("incident", incident_id=incident_of(house)))
    (entry,) = [i for i in row["alarms"][0]["timeline"] if i["what"] == "left_off"]
    assert (entry["text"], entry["left"]) == ("Owner is abroad", ["Breaker 1 supply"])
    answer = await panel.ask("leave_off", **leaving(house, reason="other"))
    assert answer["error"]["translation_key"] == "comment_needed"


@pytest.mark.parametrize(
    ("days", "wrong"), [(0, True), (1, False), (MOST_LEFT_DAYS, False), (366, True)]
)
async def test_days(house: House, panel: Panel, days: int, wrong: bool) -> None:
    """It is one of the days to come."""
    answer = await panel.ask("leave_off", **leaving(house, until=str(after(days))))
    assert answer["success"] is not wrong
    if wrong:
        assert answer["error"]["translation_key"] == "wrong_day"
        assert house.latches.rows[SUPPLY].left is None


async def test_who_may(hass: HomeAssistant, house: House, panel: Panel) -> None:
    """Who may not restore may not put it off either; and what is on cannot be left off."""
    other = house.book.incidents.by_id()[incident_of(house)]
    register = Register()
    register.object_to = lambda request: (
        Unauthorized() if request.action == Action.RESTORE else None
    )
    await offer(hass, register)
    answer = await panel.ask("leave_off", **leaving(house))
    assert answer["error"]["code"] == "unauthorized"
    assert house.latches.rows[SUPPLY].left is None
    register.object_to = lambda _request: None
    house.latches.lift(house.latches.rows[SUPPLY].supply)
    answer = await panel.ask("leave_off", **leaving(house))
    assert answer["error"]["translation_key"] == "nothing_to_restore"
    assert other.present


async def test_in_the_morning(
    hass: HomeAssistant, house: House, panel: Panel, freezer: FrozenDateTimeFactory
) -> None:
    """It is told at eight where the house is, also if nobody ran on that day."""
    await panel.does("leave_off", **leaving(house))
    latch = house.latches.rows[SUPPLY]
    eight = dt_util.start_of_local_day(after(3)) + timedelta(hours=REMIND_HOUR)
    for at, is_due in ((-1, False), (1, True)):
        freezer.move_to(eight + timedelta(seconds=at))
        async_fire_time_changed(hass)
        await hass.async_block_till_done()
        assert latch.left
        assert latch.left.is_due is is_due
    assert latch.left
    latch.left = replace(latch.left, is_due=False)
    freezer.move_to(eight + timedelta(days=5, hours=-3))
    # As a start does.
    house._remind()
    assert latch.left.is_due


def test_of_a_later_version() -> None:
    """What a later version has added is dropped; the rest holds."""
    row = {"device": "d", "key": "supply", "at": 1.0}
    left = {"until": "2026-12-04", "why": "works", "who": "u", "later": 1}
    assert Latch.from_dict({**row, "left": left}).left == Left(
        until="2026-12-04", why=LeftReason.WORKS, who="u"
    )
    assert Latch.from_dict(row).left is None
