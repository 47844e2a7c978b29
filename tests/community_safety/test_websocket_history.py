"""What the panel's history is told, over the real websocket."""

from datetime import timedelta
import sqlite3
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry, MockUser
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.house import DATA_HOUSE, House
from custom_components.community_safety.websocket import history
from homeassistant.core import HomeAssistant
from homeassistant.util import dt as dt_util
from tests.common import Peer, wait_until

from .test_authority import Register, offer
from .test_websocket import Panel


@pytest.fixture
async def house(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> House:
    """Return a house with a breaker that obeys, and sensors."""
    for name in ("smoke-1", "smoke-2"):
        await peer.config(name, "smoke_sensor", ["smoke", "test"], area="1-1-201")
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    peer.obedient_breaker("breaker-1")
    return hass.data[DATA_HOUSE]


@pytest.fixture
async def panel(
    hass: HomeAssistant, house: House, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator."""
    return Panel(await hass_ws_client(hass))


async def burn(panel: Panel, house: House, peer: Peer) -> None:
    """Let it smoke at one sensor, from the alarm to its reset."""
    await peer.state("smoke-1", smoke=True)
    (alarm,) = house.book.open.values()
    incident = {"incident_id": alarm.incident_id}
    await panel.does("acknowledge", **incident, alarms={alarm.id: alarm.severity})
    await panel.does("cut_off", **incident)
    await peer.state("smoke-1", smoke=False)
    await wait_until(peer.hass, lambda: not alarm.present)
    await panel.does("reset", **incident, outcome="false_alarm", cause="steam")
    await panel.does("restore", **incident, checked="on_site")
    await wait_until(peer.hass, lambda: not house.storage.is_busy)


async def drill(house: House, peer: Peer) -> None:
    """Let the other sensor test itself."""
    await peer.state("smoke-2", test=True)
    await peer.state("smoke-2", smoke=True, test=True)
    await peer.state("smoke-2", smoke=False, test=False)
    await wait_until(peer.hass, lambda: not house.storage.is_busy)


async def test_history(
    house: House, panel: Panel, peer: Peer, hass_admin_user: MockUser
) -> None:
    """How it ended, who did it, and how long it took; drills are marked."""
    await burn(panel, house, peer)
    await drill(house, peer)
    answer = await panel.does("history")
    assert answer["next"] is None
    test, fire = answer["alarms"]
    assert (test["drill"], test["reason"], test["proven_at"]) == (
        True,
        "test_ended",
        None,
    )
    assert (fire["outcome"], fire["cause"], fire["reason"]) == (
        "false_alarm",
        "steam",
        "reset",
    )
    assert (fire["rank"], fire["area_id"]) == ("fire", "1_1_201")
    times = [
        fire[key] for key in ("raised_at", "acknowledged_at", "proven_at", "cleared_at")
    ]
    assert times == sorted(times)
    assert fire["closed_at"] >= times[-1]
    who = hass_admin_user.id
    assert (fire["acknowledged_by"], fire["who"]) == (who, who)
    assert answer["names"] == {who: "Mock User"}
    assert "timeline" not in fire


async def test_past_incident(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """What is over stays readable as it was worked, and nothing is done about it."""
    await burn(panel, house, peer)
    await drill(house, peer)
    test, fire = (await panel.does("history"))["alarms"]
    asked = {"incident_id": fire["incident_id"], "alarms": [fire["alarm_id"]]}
    answer = await panel.does("past_incident", **asked)
    assert answer["names"] == {hass_admin_user.id: "Mock User"}
    incident = answer["incident"]
    assert (incident["rank"], incident["area_id"]) == ("fire", "1_1_201")
    assert (incident["may"], incident["supplies"]) == ({}, [])
    assert incident["closed_at"] == fire["closed_at"]
    (alarm,) = incident["alarms"]
    whats = [item["what"] for item in alarm["timeline"]]
    assert whats[0] == "raised"
    assert {"acknowledged", "cut_off", "cleared", "reset", "restored"} <= {*whats}
    # An alarm of another incident is not taken for one of this.
    both = {**asked, "alarms": [test["alarm_id"], fire["alarm_id"]]}
    assert len((await panel.does("past_incident", **both))["incident"]["alarms"]) == 1
    other = {**asked, "alarms": [test["alarm_id"]]}
    answer = await panel.ask("past_incident", **other)
    assert answer["error"]["translation_key"] == "incident_over"
    hass_admin_user.groups = []
    hass_admin_user.mock_policy({})
    answer = await panel.ask("past_incident", **asked)
    assert answer["error"]["translation_key"] == "incident_over"


async def test_past_incident_not_read(house: House, panel: Panel, peer: Peer) -> None:
    """A storage that cannot be read is said to be so; nor is an open one over."""
    await peer.state("smoke-1", smoke=True)
    (alarm,) = house.book.open.values()
    await wait_until(peer.hass, lambda: not house.storage.is_busy)
    asked = {"incident_id": alarm.incident_id, "alarms": [alarm.id]}
    answer = await panel.ask("past_incident", **asked)
    assert answer["error"]["translation_key"] == "incident_over"
    with patch.object(house.storage, "_rows", side_effect=sqlite3.Error("damaged")):
        answer = await panel.ask("past_incident", **asked)
    assert answer["error"]["translation_key"] == "history_unreadable"


async def test_pages(
    house: House, panel: Panel, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One page after the other, until there is none; and not before a time."""
    await burn(panel, house, peer)
    await drill(house, peer)
    monkeypatch.setattr(history, "PAGE_ROWS", 1)
    first = await panel.does("history")
    assert [row["drill"] for row in first["alarms"]] == [True]
    assert first["next"] == first["alarms"][0]["closed_at"]
    monkeypatch.setattr(history, "PAGE_ROWS", 2)
    second = await panel.does("history", until=first["next"])
    assert [row["drill"] for row in second["alarms"]] == [True, False]
    third = await panel.does("history", since=first["next"], until=second["next"])
    assert third == {"alarms": [], "next": None, "names": {}}


async def test_not_proven(house: House, panel: Panel, peer: Peer) -> None:
    """A cut-off of which one supply was not proven has no time of proof."""
    await burn(panel, house, peer)
    await wait_until(peer.hass, lambda: not house.storage.is_busy)
    read = house.storage._history

    def failed(*args: Any) -> list[dict[str, Any]]:
        rows = read(*args)
        for item in rows[0]["timeline"]:
            for result in item.get("supplies", {}).values():
                result["status"] = "unconfirmed"
        # One that cannot be read costs that one.
        return [*rows, {"closed_at": 0}]

    with patch.object(house.storage, "_history", failed):
        (fire,) = (await panel.does("history"))["alarms"]
    assert fire["proven_at"] is None


async def test_unreadable(house: House, panel: Panel) -> None:
    """That it cannot be read is said."""
    with patch.object(house.storage, "_history", side_effect=sqlite3.Error):
        answer = await panel.ask("history")
    assert answer["error"]["translation_key"] == "history_unreadable"


async def test_who_reads_nothing(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_user: MockUser,
    hass_read_only_access_token: str,
) -> None:
    """Alarms of what a user may not read are not in their history."""
    await burn(panel, house, peer)
    hass_read_only_user.groups = []
    hass_read_only_user.mock_policy({})
    other = Panel(await hass_ws_client(hass, hass_read_only_access_token))
    assert (await other.does("history"))["alarms"] == []


async def test_names_in_the_past(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    hass_admin_user: MockUser,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_user: MockUser,
    hass_read_only_access_token: str,
) -> None:
    """Who did it is told to who may be told of it there, and by an id to all others."""
    await burn(panel, house, peer)
    register = Register()
    register.rights = {hass_read_only_user.id: {Action.READ: ["1_1_202"]}}
    await offer(hass, register)
    other = Panel(await hass_ws_client(hass, hass_read_only_access_token))
    answer = await other.does("history")
    who = hass_admin_user.id
    assert [row["who"] for row in answer["alarms"]] == [who]
    assert answer["names"] == {}
    register.rights = {hass_read_only_user.id: {Action.READ: ["1_1_201"]}}
    assert (await other.does("history"))["names"] == {who: "Mock User"}


async def test_day(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """All that happened on a day is told, of what is over and of what is open, and who did it."""
    await hass.config.async_set_time_zone("Asia/Shanghai")
    days = [str(dt_util.now().date() + timedelta(days=day)) for day in (-1, 0, 1)]
    midnight = dt_util.start_of_local_day().timestamp()
    await peer.state("smoke-1", smoke=True)
    (alarm,) = house.book.open.values()
    alarm.timeline[0]["at"] = midnight - 0.001
    seen = {"alarms": {alarm.id: alarm.severity}, "incident_id": alarm.incident_id}
    await panel.does("acknowledge", **seen)
    alarm.timeline[-1]["at"] = midnight
    told = [await panel.does("day", day=day) for day in days]
    assert list(map(what, told)) == [["raised"], ["acknowledged"], []]
    assert told[0]["names"] == {}
    assert told[1]["names"] == {hass_admin_user.id: "Mock User"}
    assert told[1]["alarms"][0]["area_id"] == "1_1_201"
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: not alarm.present)
    await panel.does("reset", incident_id=alarm.incident_id, outcome="test")
    await wait_until(hass, lambda: not house.storage.is_busy)
    told = [await panel.does("day", day=day) for day in days]
    today = ["acknowledged", "cleared", "reset"]
    assert list(map(what, told)) == [["raised"], today, []]
    # What is ordered of doors follows, as the last part.
    assert told[0]["next"][0] == "orders"
    last = await panel.does("day", day=days[0], after=told[0]["next"])
    assert (last["alarms"], last["orders"], last["next"]) == ([], [], None)
    assert "error" in await panel.ask("day", day=days[0], after=["users", 0, ""])


def what(part: dict[str, Any]) -> list[str]:
    """Return what a part of a day tells."""
    return [item["what"] for row in part["alarms"] for item in row["timeline"]]


async def test_day_in_parts(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    hass_admin_user: MockUser,
) -> None:
    """However much it was, all of it comes, and each once."""
    for _time in range(3):
        await burn(panel, house, peer)
    monkeypatch.setattr(history, "PAGE_ROWS", 2)
    day = dt_util.now().date().isoformat()
    parts = [await panel.does("day", day=day)]
    while parts[-1]["next"]:
        parts.append(await panel.does("day", day=day, after=parts[-1]["next"]))
    assert len(parts) == 3
    ids = [row["alarm_id"] for part in parts for row in part["alarms"]]
    assert len(ids) == len(set(ids)) == 3
    hass_admin_user.groups = []
    hass_admin_user.mock_policy({})
    assert (await panel.does("day", day=day))["alarms"] == []
    with patch.object(house.storage, "_closed_rows", side_effect=sqlite3.Error("bad")):
        answer = await panel.ask("day", day=day)
    assert answer["error"]["translation_key"] == "history_unreadable"
