"""What the panel asks and does, over the real websocket."""

from collections.abc import Callable
from datetime import timedelta
import logging
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core import disconnect, elevator, proving
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.house import DATA_HOUSE, House
from custom_components.community_safety.websocket import feed, rows, stream
from homeassistant.core import HomeAssistant
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, patience, wait_until

from .test_authority import Register, offer

#: Every command that does something, with what it needs beside the incident.
DEEDS: dict[str, dict[str, Any]] = {
    "acknowledge": {"alarms": {}},
    "reset": {"outcome": "real"},
    "cut_off": {},
    "restore": {"checked": "on_site"},
    "silence": {},
    "note": {"text": "Door is open"},
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what can never be proven end soon, and readings be told at once."""
    monkeypatch.setattr(disconnect, "TRY_SECONDS", 0.3)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 1.0)
    monkeypatch.setattr(disconnect, "FIRST_BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(feed, "LATER_SECONDS", 0.05)


@pytest.fixture
def house(hass: HomeAssistant, fire: None) -> House:
    """Return the house in which it burns."""
    return hass.data[DATA_HOUSE]


@pytest.fixture
async def fire(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """Set up a fire whose power is cut, and a drill elsewhere."""
    await peer.config("smoke-2", "smoke_sensor", ["smoke", "test"], area="1-1-202")
    await peer.state("smoke-2", test=True)
    await peer.state("smoke-2", smoke=True, test=True)
    await peer.config(
        "smoke-1", "smoke_sensor", ["smoke"], area="1-1-201", commands=["silence"]
    )
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.config("lighting", "breaker_monitor", ["supply"], area="1-1-201")
    await peer.state("breaker-1", supply=True, current=5)
    await peer.state("lighting", supply=True)
    peer.obedient_breaker("breaker-1")
    peer.answer(
        f"{BASE}/smoke-1",
        lambda message: peer.publish(
            f"{BASE}/smoke-1/result", {"version": 1, "id": message["id"], "ok": True}
        ),
    )
    house = hass.data[DATA_HOUSE]
    house.settings_of(f"mqtt/{BASE}/lighting").protected.add("supply")
    await peer.state("smoke-1", smoke=True)
    await hass.services.async_call(
        DOMAIN,
        "cut_off",
        {"area_id": "1_1_201", "alarm_id": the_fire(hass).id},
        blocking=True,
    )
    await wait_until(hass, lambda: len(house.cut_off.latches) == 1)
    # What is noted of the alarm by itself half a second later is noted now.
    house.book.store_announced()


def deed_at(deed: str, alarm: Alarm) -> dict[str, Any]:
    """Return what a deed needs that is done about an alarm, as it is shown."""
    shown = {"alarms": {alarm.id: alarm.severity}} if deed == "acknowledge" else {}
    return {"incident_id": alarm.incident_id, **DEEDS[deed], **shown}


def the_fire(hass: HomeAssistant) -> Alarm:
    """Return the alarm that is no drill."""
    book = hass.data[DATA_HOUSE].book
    (alarm,) = [row for row in book.open.values() if not row.drill]
    return alarm


class Panel:
    """A panel's end of the websocket."""

    def __init__(self, client: Any) -> None:
        """Initialize."""
        self._client = client
        self.messages: list[dict[str, Any]] = []
        #: All that was ever told.
        self.told: list[dict[str, Any]] = []
        self._answers: dict[int, dict[str, Any]] = {}

    async def _hear(self) -> None:
        async with patience():
            message = await self._client.receive_json()
        if message["type"] == "event":
            self.messages.append(message["event"])
            self.told.append(message["event"])
        else:
            self._answers[message["id"]] = message

    async def ask(self, command: str, **data: Any) -> dict[str, Any]:
        """Return the answer to a command, an error too."""
        number = self._client._panel_ids = getattr(self._client, "_panel_ids", 0) + 1
        await self._client.send_json(
            {"id": number, "type": f"{DOMAIN}/{command}", **data}
        )
        while number not in self._answers:
            await self._hear()
        return self._answers.pop(number)

    async def does(self, command: str, **data: Any) -> Any:
        """Return the result of a command that must succeed."""
        answer = await self.ask(command, **data)
        assert answer["success"], answer
        return answer["result"]

    async def subscribes(
        self, command: str = "subscribe_incidents", **data: Any
    ) -> dict[str, Any]:
        """Return the snapshot."""
        assert await self.does(command, **data) is None
        return await self.hears("snapshot")

    async def hears(
        self,
        kind: str,
        what: Callable[[dict[str, Any]], bool] = lambda _message: True,
    ) -> dict[str, Any]:
        """Return the next message of a kind that is so, and forget those before it."""
        while True:
            while self.messages:
                message = self.messages.pop(0)
                if message["kind"] == kind and what(message):
                    return message
            await self._hear()


@pytest.fixture
async def panel(
    hass: HomeAssistant, fire: None, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator."""
    return Panel(await hass_ws_client(hass))


@pytest.fixture
async def police(
    hass: HomeAssistant,
    fire: None,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> Panel:
    """Return the panel of who may read, and nothing else."""
    return Panel(await hass_ws_client(hass, hass_read_only_access_token))


def only(message: dict[str, Any]) -> dict[str, Any]:
    """Return the one incident of a message."""
    (row,) = message["incidents"]
    return dict(row)


async def end_the_fire(hass: HomeAssistant, peer: Peer) -> None:
    """Let the smoke clear."""
    alarm = the_fire(hass)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: not alarm.present)


async def test_snapshot(hass: HomeAssistant, panel: Panel) -> None:
    """The fire is there with its supplies as they stand, and a drill cuts nothing."""
    await hass.async_block_till_done()
    snapshot = await panel.subscribes()
    assert (snapshot["sequence"], snapshot["devices"]) == (1, {"all": 4, "heard": 4})
    fire, drill = snapshot["incidents"]
    assert (fire["rank"], fire["drill"], fire["acknowledged"]) == ("fire", False, False)
    assert (fire["area_id"], drill["area_id"]) == ("1_1_201", "1_1_202")
    supplies = {row["name"]: row for row in fire["supplies"]}
    assert {name: row["state"] for name, row in supplies.items()} == {
        "Breaker 1": "proven",
        "Lighting": "protected",
    }
    assert supplies["Breaker 1"]["current"] == 0
    assert supplies["Breaker 1"]["milliseconds"] >= 0
    assert fire["may"] == {
        "acknowledge": None,
        "note": None,
        "reset": "still_present",
        "restore": "still_present",
        "silence": None,
    }
    assert (drill["drill"], drill["supplies"]) == (True, [])
    assert drill["may"].keys() == {"acknowledge", "note", "end_drill"}


async def test_sequence(hass: HomeAssistant, panel: Panel, peer: Peer) -> None:
    """Each message has the next number; what did not change is not sent again."""
    alarm = the_fire(hass)
    await panel.subscribes()
    await panel.does("acknowledge", **deed_at("acknowledge", alarm))
    change = await panel.hears("change")
    assert change["sequence"] == 2
    row = only(change)
    assert (row["acknowledged"], row["last"]["what"]) == (True, "acknowledged")
    (alarm_row,) = row["alarms"]
    who = alarm_row["acknowledged_by"]
    names = await panel.hears("names")
    assert (names["sequence"], names["names"][who]) == (3, "Mock User")
    # A smoke sensor that says the same again is no news.
    await peer.state("smoke-1", smoke=True)
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    beat = await panel.hears("beat")
    assert beat["sequence"] == 3


async def test_many_are_told_in_parts(
    hass: HomeAssistant, panel: Panel, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The most urgent first, and others have their turn between two parts; nothing is missing."""
    monkeypatch.setattr(feed, "AT_ONCE", 1)
    for number in (3, 4):
        await peer.config(
            f"smoke-{number}", "smoke_sensor", ["smoke"], area=f"1-1-20{number}"
        )
    turns: list[str] = []
    of_one = rows.row

    def row(*arguments: Any, **options: Any) -> Any:
        turns.append("row")
        hass.loop.call_soon(turns.append, "others")
        return of_one(*arguments, **options)

    monkeypatch.setattr(feed, "row", row)
    snapshot = await panel.subscribes()
    assert snapshot["more"]
    assert only(snapshot)["rank"] == "fire"
    last = await panel.hears("change")
    assert (last["sequence"], last["more"], last["gone"]) == (2, False, [])
    assert only(last)["drill"]
    assert turns[:3] == ["row", "others", "row"]
    # What is over goes last: what has become worse is there, before it goes where it was.
    monkeypatch.setattr(feed, "SOON_SECONDS", 30.0)
    await peer.state("smoke-2", smoke=False, test=False)
    await peer.state("smoke-3", smoke=True)
    await peer.state("smoke-4", smoke=True)
    async_fire_time_changed(hass, dt_util.utcnow() + timedelta(seconds=31))
    told = [await panel.hears("change") for _number in range(2)]
    assert [len(message["incidents"]) for message in told] == [1, 1]
    assert [len(message["gone"]) for message in told] == [0, 1]
    assert "more" not in told[1]


async def test_rights_that_change_are_told(
    hass: HomeAssistant, panel: Panel, hass_admin_user: MockUser
) -> None:
    """Who is given a role, or loses it, is offered other things at the next sign of life."""
    await panel.subscribes()
    register = Register()
    register.rights = {hass_admin_user.id: {Action.ACKNOWLEDGE: ["1_1_201"]}}
    await offer(hass, register)
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    change = await panel.hears("change")
    rights = await panel.hears("rights")
    assert rights["sequence"] > change["sequence"]
    offers = {row["area_id"]: row["may"] for row in change["incidents"]}
    assert offers["1_1_201"].keys() == {"acknowledge", "note"}


async def test_only_what_was_seen_is_acknowledged(
    hass: HomeAssistant, panel: Panel, peer: Peer
) -> None:
    """An alarm that came, or became worse, after the panel was drawn stays new."""
    await peer.config(
        "breaker-9", "breaker_monitor", ["residual_current"], area="1-1-203"
    )
    await peer.config("smoke-9", "smoke_sensor", ["smoke"], area="1-1-203")
    await peer.state("smoke-9", smoke=True)
    await peer.state("breaker-9", residual_current=600.0)
    book = hass.data[DATA_HOUSE].book

    def here() -> dict[str, Alarm]:
        rows = [row for row in book.open.values() if row.area_id == "1_1_203"]
        return {row.hazard: row for row in rows}

    await wait_until(hass, lambda: here().keys() == {"smoke", "leakage"})
    smoke, leakage = here()["smoke"], here()["leakage"]
    assert smoke.incident_id == leakage.incident_id
    incident = {"incident_id": smoke.incident_id}
    await panel.does("acknowledge", **incident, alarms={smoke.id: "alarm"})
    assert smoke.acknowledged_at is not None
    assert leakage.acknowledged_at is None
    # Somebody has seen the warning that it was before.
    answer = await panel.ask("acknowledge", **incident, alarms={leakage.id: "warning"})
    assert answer["error"]["translation_key"] == "nothing_in_target"
    assert leakage.acknowledged_at is None
    await panel.does("acknowledge", **incident, alarms={leakage.id: "alarm"})
    assert leakage.acknowledged_at is not None


async def test_a_new_alarm_comes_at_once(
    hass: HomeAssistant, panel: Panel, peer: Peer
) -> None:
    """Without its details: a note is told as such, and read where the incident is open."""
    await panel.subscribes()
    await peer.state("smoke-2", smoke=False, test=False)
    gone = await panel.hears("change", lambda message: bool(message["gone"]))
    assert gone["gone"][0]["reason"] == "test_ended"
    await peer.state("smoke-2", smoke=True, test=False)
    row = only(await panel.hears("change", lambda message: bool(message["incidents"])))
    assert (row["area_id"], row["drill"], row["alarms"][0]["hazard"]) == (
        "1_1_202",
        False,
        "smoke",
    )
    await panel.does("note", incident_id=row["incident_id"], text="Cooking, says Li")
    noted = only(await panel.hears("change", lambda message: "Li" not in str(message)))
    assert noted["last"]["what"] == "note"


async def test_readings_of_a_supply(
    hass: HomeAssistant, panel: Panel, peer: Peer, house: House
) -> None:
    """A breaker that is live again is told with its current, and is not off."""
    await panel.subscribes()
    peer.answer(f"{BASE}/breaker-1", lambda _message: None)
    await peer.state("breaker-1", supply=False, current=100.2)
    message = await panel.hears(
        "change",
        lambda row: any(
            supply["state"] == "may_be_on" and supply["current"] == 100.2
            for incident in row["incidents"]
            for supply in incident["supplies"]
        ),
    )
    row = only(message)
    (supply,) = [item for item in row["supplies"] if item["name"] == "Breaker 1"]
    assert supply["reason"] == "current_flows"
    assert "cut_off" in row["may"]
    # The failed cut-off is an alarm of the same incident.
    hazards = {alarm["hazard"] for alarm in row["alarms"]}
    assert hazards == {"smoke", "refused_to_open"}


async def test_incident(hass: HomeAssistant, panel: Panel, peer: Peer) -> None:
    """One incident has its timelines, and its last words when it is over."""
    alarm = the_fire(hass)
    snapshot = await panel.subscribes("incident", incident_id=alarm.incident_id)
    row = only(snapshot)
    whats = [item["what"] for item in row["alarms"][0]["timeline"]]
    assert whats == ["raised", "cut_off"]
    incident = {"incident_id": alarm.incident_id}
    await panel.does("note", **incident, text="  Door is open  ")
    await panel.does("note", **incident, step="called_119")
    await end_the_fire(hass, peer)
    restored = await panel.does("restore", **incident, checked="camera")
    assert [item["status"] for item in restored["supplies"]] == ["confirmed"]
    await panel.does(
        "reset", **incident, outcome="false_alarm", cause="other", comment="Foggy"
    )
    gone = await panel.hears("change", lambda message: bool(message["gone"]))
    (end,) = gone["gone"]
    assert (end["reason"], end["outcome"]) == ("reset", "false_alarm")
    timeline = end["incident"]["alarms"][0]["timeline"]
    assert [item["what"] for item in timeline] == [
        "raised",
        "cut_off",
        "note",
        "note",
        "cleared",
        "restored",
        "note",
        "reset",
    ]
    notes = [item for item in timeline if item["what"] == "note"]
    assert [item.get("text") or item["step"] for item in notes] == [
        "Door is open",
        "called_119",
        "Foggy",
    ]
    answer = await panel.ask("acknowledge", **incident, **DEEDS["acknowledge"])
    assert answer["error"]["translation_key"] == "incident_over"
    # Who opens it now is told that there is none.
    assert (await panel.subscribes("incident", **incident))["incidents"] == []


async def test_power_off_stays(hass: HomeAssistant, panel: Panel, peer: Peer) -> None:
    """After the reset the incident stays as long as its power is off."""
    alarm = the_fire(hass)
    incident = {"incident_id": alarm.incident_id}
    await end_the_fire(hass, peer)
    await panel.does("reset", **incident, outcome="real", cause="cooking")
    fire = (await panel.subscribes())["incidents"][0]
    assert fire["rank"] == "power_off"
    assert fire["may"] == {"note": None, "restore": None, "leave_off": None}
    await panel.subscribes("incident", **incident)
    await panel.does("restore", **incident, checked="on_site")
    gone = await panel.hears(
        "change",
        lambda message: any(end["incident"] for end in message["gone"]),
    )
    # The last entry is who has ended it: it is stored, and told.
    end = gone["gone"][0]["incident"]["alarms"][0]["timeline"][-1]
    assert (end["what"], end["checked"]) == ("restored", "on_site")
    assert alarm.timeline[-1] == end


async def test_words_are_in_no_answer_of_an_action(
    hass: HomeAssistant, panel: Panel
) -> None:
    """A note may name somebody: traces keep the answers of actions."""
    alarm = the_fire(hass)
    await panel.does("note", incident_id=alarm.incident_id, text="Li was smoking")
    answer = await hass.services.async_call(
        DOMAIN, "get_alarms", {}, blocking=True, return_response=True
    )
    assert "note" in str(answer)
    assert "Li was smoking" not in str(answer)


@pytest.mark.parametrize("deed", DEEDS)
async def test_police_are_offered_nothing_and_refused_everything(
    hass: HomeAssistant, police: Panel, peer: Peer, house: House, deed: str
) -> None:
    """A read-only account sees all of it, and changes nothing."""
    snapshot = await police.subscribes()
    assert [row["may"] for row in snapshot["incidents"]] == [{}, {}]
    alarm = the_fire(hass)
    peer.heard.clear()
    before = str(alarm.as_dict()), dict(house.cut_off.latches)
    answer = await police.ask(deed, **deed_at(deed, alarm))
    assert answer["error"]["code"] == "unauthorized"
    await peer.settled()
    assert (str(alarm.as_dict()), dict(house.cut_off.latches)) == before
    assert peer.orders == []


async def test_police_end_no_drill_and_test_nothing(
    hass: HomeAssistant, police: Panel, house: House
) -> None:
    """Nor is a device's self-test theirs."""
    (drill,) = [row for row in house.book.open.values() if row.drill]
    answer = await police.ask("end_drill", incident_id=drill.incident_id)
    assert answer["error"]["code"] == "unauthorized"
    assert drill.id in house.book.open


@pytest.mark.parametrize("deed", DEEDS)
async def test_the_register_has_a_say(
    hass: HomeAssistant,
    panel: Panel,
    peer: Peer,
    house: House,
    hass_admin_user: MockUser,
    deed: str,
) -> None:
    """Whom it gives no right is offered nothing, and it is asked where it is done."""
    register = Register()
    register.rights = {hass_admin_user.id: {}}
    register.object_to = lambda _request: Unauthorized()
    await offer(hass, register)
    alarm = the_fire(hass)
    if deed in ("reset", "restore"):
        await end_the_fire(hass, peer)
    assert (await panel.subscribes())["incidents"][0]["may"] == {}
    answer = await panel.ask(deed, **deed_at(deed, alarm))
    assert answer["error"]["code"] == "unauthorized"
    (request,) = register.asked
    asked = Action.ACKNOWLEDGE if deed == "note" else Action(deed)
    assert request.action == asked
    assert {subject.area_id for subject in request.subjects} == {"1_1_201"}


async def test_a_register_that_cannot_answer(
    hass: HomeAssistant, panel: Panel, peer: Peer, house: House
) -> None:
    """What is done without its answer is offered too, and nobody reads what people wrote."""
    register = Register()
    # It knows nobody, and breaks.
    register.rights = {}
    await offer(hass, register)
    incident = {"incident_id": the_fire(hass).incident_id}
    row = only(await panel.subscribes("incident", **incident))
    assert row["may"].keys() == {"acknowledge", "note", "silence"}
    await end_the_fire(hass, peer)
    row = only(await panel.hears("change"))
    assert not {"reset", "restore"} & row["may"].keys()


async def test_words_are_for_who_may_read_them(
    hass: HomeAssistant,
    panel: Panel,
    police: Panel,
    peer: Peer,
    hass_admin_user: MockUser,
    hass_read_only_user: MockUser,
) -> None:
    """A note may name somebody: of a flat's fire, another flat's resident is told the rest."""
    user, all_may = hass_read_only_user.id, dict.fromkeys(Action)
    register = Register()
    register.rights = {
        hass_admin_user.id: all_may,
        user: {Action.READ: ["1_1_202"], Action.ACKNOWLEDGE: ["1_1_201"]},
    }
    await offer(hass, register)
    incident = {"incident_id": the_fire(hass).incident_id}
    await panel.does("note", **incident, text="Li was smoking")
    await panel.does("note", **incident, step="called_119")
    assert await police.does("incident", **incident) is None
    told = await police.hears("snapshot")
    notes = [
        {key: item[key] for key in item if key in ("who", "text", "step")}
        for item in only(told)["alarms"][0]["timeline"]
        if item["what"] == "note"
    ]
    who = hass_admin_user.id
    assert notes == [{"who": who}, {"who": who, "step": "called_119"}]
    # What the feed tells of an incident that is over is no other.
    await end_the_fire(hass, peer)
    await panel.does("restore", **incident, checked="camera")
    await panel.does("reset", **incident, outcome="real", comment="Li fell asleep")
    gone = await police.hears("change", lambda message: bool(message["gone"]))
    assert gone["gone"][0]["incident"]["alarms"][0]["timeline"][-1]["what"] == "reset"
    assert "Li " not in str(police.told)
    assert "names" not in [message["kind"] for message in police.told]
    # Who has the say there reads it.
    await peer.state("smoke-1", smoke=True)
    incident = {"incident_id": the_fire(hass).incident_id}
    await panel.does("note", **incident, text="Li again")
    await police.does("incident", **incident)
    await police.hears("snapshot")
    register.rights = {hass_admin_user.id: all_may, user: {Action.READ: ["1_1_201"]}}
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    change = await police.hears("change", lambda message: "Li again" in str(message))
    assert only(change)["incident_id"] == incident["incident_id"]
    assert (await police.hears("names"))["names"] == {who: "Mock User"}


async def test_names_come_with_the_right(
    hass: HomeAssistant, panel: Panel, police: Panel, hass_read_only_user: MockUser
) -> None:
    """Who may read them now is told the names of what was there before."""
    await panel.does("acknowledge", **deed_at("acknowledge", the_fire(hass)))
    register = Register()
    register.rights = {hass_read_only_user.id: {}}
    await offer(hass, register)
    await police.subscribes()
    register.rights = {hass_read_only_user.id: {Action.READ: None}}
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    names = await police.hears("names")
    assert list(names["names"].values()) == ["Mock User"]


async def test_own_words(
    hass: HomeAssistant, panel: Panel, hass_admin_user: MockUser
) -> None:
    """What somebody has written is no secret to them, whatever they may read."""
    register = Register()
    register.rights = {hass_admin_user.id: {Action.ACKNOWLEDGE: None}}
    await offer(hass, register)
    alarm = the_fire(hass)
    incident = {"incident_id": alarm.incident_id}
    hass.data[DATA_HOUSE].book.note(alarm.id, "note", who="other", text="Of another")
    await panel.does("note", **incident, text="My own")
    row = only(await panel.subscribes("incident", **incident))
    said = [item.get("text") for item in row["alarms"][0]["timeline"]]
    assert said[-2:] == [None, "My own"]
    assert (await panel.hears("names"))["names"] == {hass_admin_user.id: "Mock User"}


async def test_a_veto_says_why(hass: HomeAssistant, panel: Panel) -> None:
    """What the register objects to is an answer for people, and no error in the log."""
    register = Register()
    register.object_to = lambda _request: ServiceValidationError(
        translation_domain=DOMAIN, translation_key="needs_person"
    )
    await offer(hass, register)
    answer = await panel.ask("acknowledge", **deed_at("acknowledge", the_fire(hass)))
    assert answer["error"]["translation_key"] == "needs_person"
    assert answer["error"]["translation_domain"] == DOMAIN


async def test_rights_come_late(
    hass: HomeAssistant,
    panel: Panel,
    monkeypatch: pytest.MonkeyPatch,
    hass_admin_user: MockUser,
) -> None:
    """Alarms do not wait for the register; what may be done follows."""
    monkeypatch.setattr(stream, "RIGHTS_SECONDS", 0.01)
    register = Register()
    register.rights = {hass_admin_user.id: {Action.ACKNOWLEDGE: None}}
    given = register.async_rights

    async def slow(user_id: str) -> Any:
        await register.answers.wait()
        return await given(user_id)

    monkeypatch.setattr(register, "async_rights", slow)
    register.answers.clear()
    await offer(hass, register)
    fire = (await panel.subscribes())["incidents"][0]
    assert fire["may"] == {}
    register.answers.set()
    change = await panel.hears("change")
    assert change["incidents"][0]["may"] == {"acknowledge": None, "note": None}


async def test_rights_that_change(
    hass: HomeAssistant, panel: Panel, hass_admin_user: MockUser
) -> None:
    """A role that was taken away is noticed with the next beat."""
    register = Register()
    register.rights = {hass_admin_user.id: {Action.ACKNOWLEDGE: None}}
    await offer(hass, register)
    await panel.subscribes()
    register.rights = {hass_admin_user.id: {Action.ACKNOWLEDGE: ["1_1_202"]}}
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    row = only(await panel.hears("change"))
    assert (row["area_id"], row["may"]) == ("1_1_201", {})


async def test_still_present(hass: HomeAssistant, panel: Panel, house: House) -> None:
    """What burns is neither reset nor restored."""
    alarm = the_fire(hass)
    for deed in ("reset", "restore"):
        answer = await panel.ask(deed, **deed_at(deed, alarm))
        assert answer["error"]["translation_key"] == "still_present"
    assert alarm.id in house.book.open
    assert len(house.cut_off.latches) == 1


async def test_cut_off_by_a_person(
    hass: HomeAssistant, panel: Panel, peer: Peer, house: House
) -> None:
    """Everything in the place is opened but what is protected, and kept off for the fire."""
    alarm = the_fire(hass)
    await peer.config("stove", "breaker_monitor", ["supply", "current"], area="1-1-201")
    await peer.state("stove", supply=True, current=5)
    peer.obedient_breaker("stove")
    snapshot = await panel.subscribes()
    assert snapshot["incidents"][0]["may"]["cut_off"] is None
    answer = await panel.does("cut_off", incident_id=alarm.incident_id)
    status = {row["name"]: row["status"] for row in answer["supplies"]}
    assert status == {
        "Breaker 1": "confirmed",
        "Stove": "confirmed",
        "Lighting": "protected",
    }
    assert all(alarm.id in latch.alarms for latch in house.cut_off.latches.values())


async def test_silence_and_self_test(hass: HomeAssistant, panel: Panel) -> None:
    """The sounders of an incident are told; a test is one device's."""
    alarm = the_fire(hass)
    answer = await panel.does("silence", incident_id=alarm.incident_id)
    assert [(row["name"], row["error"]) for row in answer["devices"]] == [
        ("Smoke 1", None)
    ]
    assert alarm.timeline[-1]["what"] == "silence"
    error = (await panel.ask("self_test", device_id=alarm.device_id))["error"]
    assert error["translation_key"] == "nothing_in_target"


async def test_release_of_a_lift(
    hass: HomeAssistant, gateway: MockConfigEntry, panel: Panel, peer: Peer
) -> None:
    """The door that is held is let go from its incident; where it does not open, that is said."""
    fire = the_fire(hass)
    # While it burns no door is held.
    await end_the_fire(hass, peer)
    obeys = True

    def take(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/lift/result", {"version": 1, "id": message["id"], "ok": True}
        )
        held = message["set"]["held"]
        if obeys or held:
            peer.publish(f"{BASE}/lift/state", peer.state_message({"held": held}))

    await peer.config(
        "lift", "elevator_blocker", ["class_seen", "confidence", "held"], area="Lift 1"
    )
    peer.answer(f"{BASE}/lift", take)
    await peer.state("lift", retain=False, class_seen="none", confidence=99, held=False)
    await peer.state("lift", retain=False, class_seen="e_bike", confidence=99)
    device = gateway.runtime_data.devices["lift"]
    await wait_until(hass, lambda: device.readings.get("held") is True)
    book = hass.data[DATA_HOUSE].book
    (alarm,) = book.of_device(device.uid)
    snapshot = await panel.subscribes("incident", incident_id=alarm.incident_id)
    assert only(snapshot)["may"]["release"] is None
    answer = await panel.does("release", incident_id=alarm.incident_id)
    assert [row["error"] for row in answer["devices"]] == [None]
    await wait_until(hass, lambda: device.readings.get("held") is False)
    entry = alarm.timeline[-1]
    assert (entry["what"], entry["done"]) == ("release", True)
    assert entry["who"]

    obeys = False
    with patch.object(elevator, "TRY_SECONDS", 0.05):
        answer = await panel.does("release", incident_id=alarm.incident_id)
    assert answer["devices"][0]["error"]
    assert alarm.timeline[-1]["done"] is False
    # A fire's sensor has no such door.
    error = (await panel.ask("release", incident_id=fire.incident_id))["error"]
    assert error["translation_key"] == "nothing_in_target"


async def test_end_drill(hass: HomeAssistant, panel: Panel, house: House) -> None:
    """A drill is ended by a person, whose name is kept; a fire is no drill."""
    (drill,) = [row for row in house.book.open.values() if row.drill]
    await panel.subscribes()
    await panel.does("end_drill", incident_id=drill.incident_id)
    gone = await panel.hears("change", lambda message: bool(message["gone"]))
    assert gone["gone"][0]["incident_id"] == drill.incident_id
    assert (drill.timeline[-1]["what"], bool(drill.timeline[-1]["who"])) == (
        "test_ended",
        True,
    )
    answer = await panel.ask("end_drill", incident_id=the_fire(hass).incident_id)
    assert answer["error"]["translation_key"] == "nothing_in_target"


@pytest.mark.parametrize(
    ("deed", "data", "key"),
    [
        ("reset", {"outcome": "real", "cause": "other"}, "comment_needed"),
        (
            "reset",
            {"outcome": "real", "cause": "other", "comment": "abc"},
            "comment_needed",
        ),
        ("note", {}, "nothing_in_target"),
        ("end_drill", {}, "nothing_in_target"),
    ],
)
async def test_what_is_missing(
    hass: HomeAssistant,
    panel: Panel,
    peer: Peer,
    house: House,
    deed: str,
    data: Any,
    key: str,
) -> None:
    """It is said in words, and nothing was done."""
    await end_the_fire(hass, peer)
    alarm = the_fire(hass)
    answer = await panel.ask(deed, incident_id=alarm.incident_id, **data)
    assert answer["error"]["translation_key"] == key
    assert alarm.id in house.book.open


async def test_nothing_left_to_do(
    hass: HomeAssistant, panel: Panel, peer: Peer
) -> None:
    """After the last alarm there is nothing to reset, and nothing to cut where nothing is."""
    alarm = the_fire(hass)
    await end_the_fire(hass, peer)
    await panel.does("reset", incident_id=alarm.incident_id, outcome="real")
    answer = await panel.ask("reset", incident_id=alarm.incident_id, outcome="real")
    assert answer["error"]["translation_key"] == "nothing_in_target"
    snapshot = await panel.subscribes()
    drill = snapshot["incidents"][-1]["incident_id"]
    for deed in ("cut_off", "restore", "silence"):
        answer = await panel.ask(deed, incident_id=drill, **DEEDS[deed])
        assert answer["error"]["translation_key"] == "nothing_in_target"


async def test_blind_user(
    hass: HomeAssistant, panel: Panel, hass_admin_user: Any
) -> None:
    """Who may read no device sees no incident, and not how many devices there are."""
    hass_admin_user.groups = []
    hass_admin_user.is_owner = False
    hass_admin_user.invalidate_cache()
    snapshot = await panel.subscribes()
    assert (snapshot["incidents"], snapshot["devices"]) == ([], None)
    incident = {"incident_id": the_fire(hass).incident_id}
    assert (await panel.subscribes("incident", **incident))["incidents"] == []
    answer = await panel.ask("acknowledge", **incident, **DEEDS["acknowledge"])
    assert answer["error"]["translation_key"] == "incident_over"


async def test_user_of_a_part(
    hass: HomeAssistant, panel: Panel, house: House, hass_admin_user: Any
) -> None:
    """Who may control the sensor of a fire and not its breaker may not switch that."""
    hass_admin_user.is_owner = False
    hass_admin_user.groups = []
    event = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{the_fire(hass).device}/alarm_event"
    )
    hass_admin_user.mock_policy({"entities": {"entity_ids": {event: True}}})
    row = only(await panel.subscribes())
    assert row["supplies"] == []
    assert "acknowledge" in row["may"]
    assert not {"cut_off", "restore"} & row["may"].keys()
    rights = (await panel.does("session"))["rights"]
    assert rights[Action.RESET] == ["1_1_201"]
    answer = await panel.ask("cut_off", incident_id=row["incident_id"])
    assert answer["error"]["code"] == "unauthorized"


async def test_gateway_away(
    hass: HomeAssistant,
    panel: Panel,
    peer: Peer,
    gateway: MockConfigEntry,
    house: House,
) -> None:
    """A supply that is not heard is not called off, and is cut when it is heard again."""
    await peer.config("box", "breaker_monitor", ["supply", "current"], area="1-1-201")
    await peer.state("box", supply=True, current=5)
    peer.obedient_breaker("box")
    alarm = the_fire(hass)
    await panel.subscribes()
    assert await hass.config_entries.async_unload(gateway.entry_id)

    def states(row: dict[str, Any]) -> dict[str, str]:
        return {supply["name"]: supply["state"] for supply in row["supplies"]}

    message = await panel.hears(
        "change",
        lambda row: any(
            states(incident)
            == {"Box": "unknown", "Breaker 1": "unknown", "Lighting": "protected"}
            for incident in row["incidents"]
        ),
    )
    row = message["incidents"][0]
    assert {supply["current"] for supply in row["supplies"]} == {None}
    # Nothing is there that could be told to close.
    assert "restore" not in row["may"]
    assert row["may"]["cut_off"] is None
    answer = await panel.does("cut_off", incident_id=alarm.incident_id)
    assert {item["name"]: item.get("reason") for item in answer["supplies"]} == {
        "Box": "gone",
        "Breaker 1": "gone",
        "Lighting": None,
    }
    assert await hass.config_entries.async_setup(gateway.entry_id)
    # Of one, it was measured before what flowed; of the other only the broker remembers it.
    off = {"Box": "relay_only", "Breaker 1": "proven", "Lighting": "protected"}
    await panel.hears(
        "change",
        lambda row: any(states(incident) == off for incident in row["incidents"]),
    )


async def test_protected_load_is_restored_while_it_burns(
    hass: HomeAssistant, panel: Panel, peer: Peer, house: House
) -> None:
    """What was cut before it was marked: it alone, and all else stays off."""
    await peer.config("box", "breaker_monitor", ["supply", "current"], area="1-1-201")
    await peer.state("box", supply=True, current=5)
    peer.obedient_breaker("box")
    incident = {"incident_id": the_fire(hass).incident_id}
    await panel.does("cut_off", **incident)
    box = house.device(f"mqtt/{BASE}/box")
    assert box
    box[1].settings.protected.add("supply")
    fire = (await panel.subscribes())["incidents"][0]
    assert fire["may"]["restore"] is None
    assert {row["name"]: row["restorable"] for row in fire["supplies"]} == {
        "Box": True,
        "Breaker 1": False,
        "Lighting": False,
    }
    await peer.state("box", supply=True, current=5)
    await panel.hears(
        "change",
        lambda row: any(
            (supply["name"], supply["state"], supply["latched"])
            == ("Box", "protected", False)
            for incident in row["incidents"]
            for supply in incident["supplies"]
        ),
    )
    answer = await panel.does("restore", **incident, checked="on_site")
    assert [row["name"] for row in answer["supplies"]] == ["Box"]
    answer = await panel.ask("restore", **incident, checked="on_site")
    assert answer["error"]["translation_key"] == "still_present"


async def test_a_new_name_is_told(hass: HomeAssistant, panel: Panel) -> None:
    """A device that is renamed is renamed in front of who looks at it."""
    await panel.subscribes()
    device_id = the_fire(hass).device_id
    assert device_id
    dr.async_get(hass).async_update_device(device_id, name_by_user="Kitchen")
    row = only(await panel.hears("change"))
    assert row["alarms"][0]["device_name"] == "Kitchen"


async def test_grounds(hass: HomeAssistant, panel: Panel, peer: Peer) -> None:
    """A device without an area is its own place, with the figure that it is about."""
    await peer.config("tank", "water_tank", ["level"])
    await peer.state("tank", level=80)
    await panel.subscribes()
    await peer.state("tank", level=5)
    message = await panel.hears(
        "change",
        lambda message: any(
            item["rank"] == "supervision" for item in message["incidents"]
        ),
    )
    # That it fell so fast is a fault of its own.
    row = next(row for row in message["incidents"] if row["rank"] == "supervision")
    assert row["area_id"] is None
    assert row["alarms"][0]["values"] == [{"key": "level", "value": 5, "unit": "%"}]
    assert row["supplies"] == []


async def test_fire_without_a_place(
    hass: HomeAssistant, panel: Panel, peer: Peer
) -> None:
    """A pile without an area: its own sockets are what burns."""
    await peer.config("pile", "charging_pile", ["smoke", "supply_1", "current_1"])
    await peer.state("pile", smoke=False, supply_1=True, current_1=5)
    await panel.subscribes()
    await peer.state("pile", smoke=True)
    message = await panel.hears(
        "change",
        lambda message: any(item["area_id"] is None for item in message["incidents"]),
    )
    (row,) = [item for item in message["incidents"] if item["area_id"] is None]
    assert [supply["channel"] for supply in row["supplies"]] == ["1"]


async def test_session(
    hass: HomeAssistant, panel: Panel, police: Panel, hass_admin_user: MockUser
) -> None:
    """Both have a say: Home Assistant's permissions and the provider."""
    deeds = [action for action in Action if action is not Action.READ]
    assert await panel.does("session") == {
        "rights": dict.fromkeys(deeds),
        "doors": False,
    }
    assert await police.does("session") == {
        "rights": {item: [] for item in deeds},
        "doors": False,
    }
    register = Register()
    register.rights = {hass_admin_user.id: {Action.CUT_OFF: ["1_1_201"]}}
    await offer(hass, register)
    rights = (await panel.does("session"))["rights"]
    assert rights == {item: [] for item in deeds} | {Action.CUT_OFF: ["1_1_201"]}


async def test_nothing_runs_for_nobody(
    hass: HomeAssistant, panel: Panel, house: House
) -> None:
    """With the last panel the feed ends."""
    listening = len(house.latches._listeners), len(house._watchers)
    await panel.subscribes()
    await panel.subscribes("incident", incident_id=the_fire(hass).incident_id)
    assert len(house.latches._listeners) == listening[0] + 1
    await panel._client.close()
    await wait_until(hass, lambda: not hass.data[feed.DATA_FEED]._subscribers)
    assert (len(house.latches._listeners), len(house._watchers)) == listening
    assert hass.data[feed.DATA_FEED]._views == {}


async def test_area_of_a_moved_supply(
    hass: HomeAssistant, panel: Panel, house: House
) -> None:
    """A supply that was moved after it was cut is still the fire's to restore."""
    switch = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/breaker-1/supply"
    )
    assert switch
    area = ar.async_get(hass).async_create("Yard")
    er.async_get(hass).async_update_entity(switch, area_id=area.id)
    fire = (await panel.subscribes())["incidents"][0]
    areas = {row["name"]: row["area_id"] for row in fire["supplies"]}
    assert areas == {"Lighting": "1_1_201", "Breaker 1": area.id}
    assert "restore" in fire["may"]


async def test_words_are_in_no_log(
    hass: HomeAssistant, panel: Panel, caplog: pytest.LogCaptureFixture
) -> None:
    """Home Assistant logs what it refuses of a message; what people wrote is not in it."""
    words = "Li of 1-1-201 " * 100
    answer = await panel.ask("note", incident_id=the_fire(hass).incident_id, text=words)
    assert answer["error"] == {"code": "invalid_format", "message": "Invalid: text"}
    answer = await panel.ask("note", incident_id="x", txet="Li of 1-1-201")
    assert answer["error"] == {"code": "invalid_format", "message": "Invalid: txet"}
    # In debug mode Home Assistant writes down every message.
    said = [row.getMessage() for row in caplog.records if row.levelno > logging.DEBUG]
    assert "Li of" not in str(said)


async def test_gone_before_it_began(
    hass: HomeAssistant, panel: Panel, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A panel that leaves while its rights are asked for is sent nothing."""
    register = Register()
    register.answers.clear()

    async def slow(user_id: str) -> Any:
        await register.answers.wait()

    monkeypatch.setattr(register, "async_rights", slow)
    await offer(hass, register)
    listening = len(house.latches._listeners)
    await panel.does("subscribe_incidents")
    await panel._client.close()
    await hass.async_block_till_done()
    register.answers.set()
    await hass.async_block_till_done()
    assert len(house.latches._listeners) == listening


async def test_a_warning_that_becomes_an_alarm(
    hass: HomeAssistant,
    panel: Panel,
    police: Panel,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Every panel hears that it is another incident now, and of which; none misses anything."""
    await peer.config(
        "breaker-9", "breaker_monitor", ["residual_current"], area="1-1-203"
    )
    await peer.state("breaker-9", residual_current=350.0)
    book = hass.data[DATA_HOUSE].book
    await wait_until(
        hass, lambda: "leakage" in [row.hazard for row in book.open.values()]
    )
    (warning,) = [
        row
        for row in (await panel.subscribes())["incidents"]
        if row["area_id"] == "1_1_203"
    ]
    assert warning["rank"] == "supervision"
    page = Panel(await hass_ws_client(hass))
    await page.subscribes("incident", incident_id=warning["incident_id"])
    await police.subscribes()

    await peer.state("breaker-9", residual_current=600.0)
    for one in (panel, police):
        message = await one.hears("change", lambda row: bool(row["gone"]))
        (gone,) = message["gone"]
        assert gone["incident_id"] == warning["incident_id"]
        (alarm,) = [row for row in message["incidents"] if row["area_id"] == "1_1_203"]
        assert (alarm["rank"], gone["moved_to"]) == (
            "electrical",
            alarm["incident_id"],
        )
        assert gone["reason"] is None
    assert only_gone(await page.hears("change"))["moved_to"] == alarm["incident_id"]


def only_gone(message: dict[str, Any]) -> dict[str, Any]:
    """Return the one incident that is over."""
    (row,) = message["gone"]
    return dict(row)


async def test_one_panel_that_fails(
    hass: HomeAssistant, panel: Panel, peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    """It keeps nothing from the others."""

    class Broken:
        """One that cannot take anything."""

        def changed(self, _ids: Any) -> None:
            raise ValueError("broken")

        beat = changed

    await panel.does("session")
    hass.data.setdefault(feed.DATA_FEED, feed.Feed(hass))
    end = hass.data[feed.DATA_FEED].subscribe(Broken())  # type: ignore[arg-type]
    await panel.subscribes()
    await end_the_fire(hass, peer)
    row = await panel.hears(
        "change", lambda message: not message["incidents"][0]["present"]
    )
    assert row["sequence"] >= 2
    assert "Incidents could not be told to everybody" in caplog.text
    end()
