"""Watches in a panel and by actions, as people and buttons use them."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.rental_units.care.habits import QUARTERS
from custom_components.rental_units.const import DOMAIN
from homeassistant.core import Event
from homeassistant.exceptions import ServiceValidationError, Unauthorized
from homeassistant.helpers import entity_registry as er
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account, audited, call, device_id, unit_id
from tests.rental_units.panel import Panel, panel_of

from .conftest import FLAT, KITCHEN, LAMP, TITLE, Home

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
CONTACTS = [
    {"name": "MARK-NEIGHBOUR", "phone": "13800138012", "turn": 2},
    {"name": "MARK-DAUGHTER", "phone": "13800138011"},
]


@pytest.fixture
async def panel(home: Home, hass_ws_client: WebSocketGenerator) -> Panel:
    """Return the administrator's panel."""
    return await panel_of(home.hass, home.entry, hass_ws_client)


async def begun(home: Home, panel: Panel, **more: Any) -> dict[str, Any]:
    """Begin a watch in a panel; return what names it."""
    home.person = home.person or await home.move_in()
    of: dict[str, Any] = await panel.get(
        "care_start",
        person_id=home.person,
        unit_id=unit_id(home.entry, TITLE),
        sources=list(FLAT),
        contacts=CONTACTS,
        **more,
    )
    home.watch_id = home.watch_id or of["watch_id"]
    await home.settle()
    return of


async def test_from_the_form_to_the_end(home: Home, panel: Panel) -> None:
    """Proposed, begun, listed, looked at, changed, asked, told, closed, counted, ended."""
    entities = er.async_get(home.hass)
    for row in FLAT[:2]:
        name = row["entity_id"].removeprefix("binary_sensor.")
        home.hass.states.async_remove(row["entity_id"])
        made = entities.async_get_or_create(
            "binary_sensor", "test", name, suggested_object_id=name, original_name=name
        )
        entities.async_update_entity(made.entity_id, area_id="area_101")
        home.hass.states.async_set(made.entity_id, "off", {"device_class": "motion"})
    found = await panel.get("care_proposals", unit_id=unit_id(home.entry, TITLE))
    assert [(row["entity_id"], row["how"]) for row in found["proposals"]] == [
        ("binary_sensor.bedroom_motion", "on"),
        (KITCHEN, "on"),
    ]
    assert found["ways"]["light"] == ["by_hand"]
    assert (await panel.get("care_watches"))["watches"] == []

    until = home.entry.runtime_data.today + timedelta(days=9)
    of = await begun(home, panel, until=until.isoformat(), places=["light.lamp"])
    await home.stir()
    listed = await panel.get("care_watches")
    (row,) = listed["watches"]
    assert (row["name"], row["unit"]) == ("MARK-NAME-1", TITLE)
    assert (row["state"], row["why"]) == ("watching", ["learning"])
    assert row["by"]["entity_id"] == KITCHEN
    assert row["until"] == until.isoformat()
    assert listed["accounts"][row["in_charge"]]
    assert listed["counts"]["watching"] == 1
    assert not listed["behind"]

    shown = await panel.get("care_watch", **of)
    assert [(one["name"], one["turn"]) for one in shown["contacts"]] == [
        ("MARK-DAUGHTER", 1),
        ("MARK-NEIGHBOUR", 2),
    ]
    assert {one["entity_id"] for one in shown["sources"]} == {
        row["entity_id"] for row in FLAT
    }
    assert shown["places"] == ["light.lamp"]
    chart = shown["chart"]
    assert len(chart["usual"]) == len(chart["today"]) == QUARTERS
    assert chart["today"][shown["now_quarter"]] is True

    await panel.get(
        "care_change",
        **of,
        sources=[FLAT[0]],
        cards=True,
        sensitivity="late",
        contacts=CONTACTS[1:],
        until=None,
        in_charge=None,
    )
    shown = await panel.get("care_watch", **of)
    assert [one["key"] for one in shown["sources"]][1:] == ["cards"]
    assert shown["sensitivity"] == "late"
    assert [one["name"] for one in shown["contacts"]] == ["MARK-DAUGHTER"]
    assert (shown["until"], shown["in_charge"]) == (None, None)
    assert [deed["what"] for deed in shown["deeds"]] == ["begun", "changed"]

    await home.until(home.ward.watch.deadlines(dt_util.utcnow().timestamp())[1])
    await home.go(0.1)
    assert len(home.messages.told[0].stages) == 1


async def test_what_is_told(home: Home, panel: Panel) -> None:
    """A feed tells how it stands, with nobody in it; what is answered is in the figures."""
    of = await begun(home, panel)
    event = await panel.follow("subscribe_care")
    assert event["items"] == {
        of["watch_id"]: {
            **of,
            "unit_id": unit_id(home.entry, TITLE),
            "state": "watching",
        }
    }
    assert home.person not in repr(event)


async def test_answers(home: Home, panel: Panel) -> None:
    """By phone: each answer, an absence, a pause, guests, and what was found."""
    of = await begun(home, panel)
    assert await panel.refusal("care_close", **of, outcome="real") == "care_not_told"
    tomorrow = (dt_util.utcnow() + timedelta(days=1)).isoformat()
    await panel.get("care_away", **of, until=tomorrow)
    assert home.ward.state == "away"
    await panel.get("care_away", **of, back=True)
    assert home.ward.state == "watching"
    await panel.get("care_pause", **of, until=tomorrow)
    assert home.ward.state == "paused"
    await panel.get("care_pause", **of, until=None)
    await panel.get("care_guests", **of, until=tomorrow)
    assert home.ward.watch.kept.guests_until
    await panel.get("care_answer", **of, answer="help")
    await home.settle()
    assert home.messages.told[0].is_urgent
    await panel.get("care_close", **of, outcome="needless")
    await panel.get("care_answer", **of, answer="help")
    await home.settle()
    await panel.get("care_answer", **of, answer="fine")
    await home.settle()
    assert home.messages.open == set()
    months = (await panel.get("care_figures"))["months"]
    assert months == [
        {"month": "2026-03", "asked": 0, "told": 2, "needless": 2, "real": 0}
    ]
    shown = await panel.get("care_watch", **of)
    assert shown["months"] == months
    assert len(await audited(home.entry, "care_answer")) == 3
    await panel.get("care_revoke", **of)
    assert await panel.refusal("care_watch", **of) == "no_such_watch"
    assert await panel.refusal("care_answer", **of, answer="fine") == "no_such_watch"


async def test_only_their_own(
    home: Home, panel: Panel, hass_ws_client: WebSocketGenerator
) -> None:
    """Who lives with somebody sees and says nothing of them."""
    of = await begun(home, panel)
    other = await home.move_in(name="MARK-OTHER", phone="13800138013")
    users = {
        person: await account(home.hass, home.entry, "resident", person)
        for person in (home.person, other)
    }
    mine = await panel_of(home.hass, home.entry, hass_ws_client, users[home.person])
    shown = await mine.get("care_watch", **of)
    assert shown["watch_id"] == of["watch_id"]
    # The lamp in their own app is a sign; in the neighbour's it is none, nor in none's.
    home.freezer.tick(60)
    await home.put(LAMP, "on", user_id=users[home.person].id)
    assert home.ward.watch.kept.last == dt_util.utcnow().timestamp()
    home.freezer.tick(60)
    await home.put(LAMP, "off", user_id="elsewhere")
    assert home.ward.watch.kept.last < dt_util.utcnow().timestamp()
    await mine.get("care_answer", **of, answer="fine")
    assert await mine.refusal("care_watches") == "Unauthorized"
    theirs = await panel_of(home.hass, home.entry, hass_ws_client, users[other])
    assert await theirs.refusal("care_watch", **of) == "Unauthorized"
    assert await theirs.refusal("care_answer", **of, answer="fine") == "Unauthorized"
    deeds = (await panel.get("care_watch", **of))["deeds"]
    assert [(row["what"], row["user_id"]) for row in deeds[1:]] == [
        ("fine", users[home.person].id)
    ]


async def test_a_button(home: Home) -> None:
    """By an action, about the watch in a unit; nothing of it is in the event of the call."""
    events: list[Event] = []
    home.hass.bus.async_listen("call_service", events.append)
    device = {"device_id": device_id(home.hass, home.entry, TITLE)}
    with pytest.raises(ServiceValidationError) as failure:
        await call(home.hass, "care_answer", {**device, "answer": "help"}, user=None)
    assert failure.value.translation_key == "no_such_watch"
    await home.start()
    events.clear()
    until = dt_util.utcnow() + timedelta(days=1)
    await call(home.hass, "care_away", {**device, "until": until}, user=None)
    assert home.ward.state == "away"
    of_person = {"person_id": home.person}
    await call(home.hass, "care_away", {**of_person, "back": True}, user=None)
    await call(home.hass, "care_guests", {**device, "until": until}, user=None)
    await call(home.hass, "care_pause", dict(device), user=None)
    answer = await call(
        home.hass, "care_answer", {**device, "answer": "help"}, user=None
    )
    assert answer == {"done": True}
    await home.settle()
    assert home.messages.told[0].is_urgent
    for event in events:
        assert event.data["domain"] == DOMAIN
        assert set(event.data["service_data"].values()) <= {"**REDACTED**"}
    user = await account(home.hass, home.entry, "landlord", home.person)
    with pytest.raises(Unauthorized):
        await call(home.hass, "care_answer", {**device, "answer": "fine"}, user=user)
    other = await home.move_in(name="MARK-OTHER", phone="13800138013")
    await home.start(person=other)
    with pytest.raises(ServiceValidationError) as failure:
        await call(home.hass, "care_answer", {**device, "answer": "fine"}, user=None)
    assert failure.value.translation_key == "care_several"
