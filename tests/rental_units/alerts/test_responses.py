"""Who was reached and who answered, in a panel: gap-free, by slots, and never a name unasked."""

from datetime import timedelta
import time
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy import delete, update

from custom_components.rental_units.alerts import history
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.engine import AGAIN_SECONDS
from custom_components.rental_units.app.policy import Permit
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.models import ContactAddress, Lease
from custom_components.rental_units.register.phonebook import Phonebook
from custom_components.rental_units.websocket import alerts, feed
from homeassistant.core import HomeAssistant
from homeassistant.helpers import device_registry as dr
from homeassistant.util import dt as dt_util
from tests.rental_units.common import account, call
from tests.rental_units.panel import Panel, panel_of

from .conftest import House
from .providers import Provider
from .test_campaigns import add_office
from .test_whose_answer import ONCE, raised, say


@pytest.fixture
async def panel(
    hass: HomeAssistant, house: House, sms: Provider, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return a duty officer's panel, of a house in which one step texts everybody."""
    house.options(policies=ONCE)
    user = await account(hass, house.entry, "duty")
    return await panel_of(hass, house.entry, hass_ws_client, user)


async def later(house: House, panel: Panel, kind: str = "change") -> dict[str, Any]:
    """Let the panel be told what has happened; return the last event of a kind."""
    await house.settled()
    house.freezer.tick(timedelta(seconds=1))
    async_fire_time_changed(house.hass)
    await house.hass.async_block_till_done()
    event = await panel.event()
    assert event["kind"] == kind, event
    return event


def slots(item: dict[str, Any]) -> dict[str, Any]:
    """Return the slots of a unit by their names."""
    return {f"{row['role']} {row['number']}": row for row in item["slots"]}


async def landlord_panel(
    hass: HomeAssistant, house: House, connect: WebSocketGenerator, role: str, key: str
) -> tuple[Panel, MockUser]:
    """Return the panel of somebody who has or lives in 201."""
    user = await account(hass, house.entry, role, key)
    return await panel_of(hass, house.entry, connect, user), user


async def test_response(house: House, panel: Panel) -> None:
    """By unit and slot: over what, whether they answered, when and by what."""
    unit = house.units["201"]
    alert = await raised(house, alarm_id="alarm-1", incident_id="incident-1")
    first = await panel.follow("subscribe_response", incident_ids=["incident-1"])
    items = first["items"]
    assert (first["kind"], first["sequence"]) == ("snapshot", 1)
    head = items[alert.id]
    assert (head["alarm_ids"], head["steps"], head["next_at"]) == (["alarm-1"], 1, None)
    own = items[f"{alert.id}/{unit}"]
    assert (own["title"], own["registered"], own["is_neighbour"]) == (
        "1-1-201",
        3,
        False,
    )
    assert list(slots(own)) == ["landlord 1", "tenant 1", "tenant 2"]
    assert {row["state"] for row in own["slots"]} == {"no_answer"}
    (way,) = slots(own)["tenant 1"]["reached"]
    assert (way["channel"], way["state"], way["tries"]) == ("sms", "sent", 1)
    near = items[f"{alert.id}/{house.units['202']}"]
    assert (near["is_neighbour"], list(slots(near))) == (True, ["neighbour 1"])
    assert list(slots(items[f"{alert.id}/"])) == ["fire_post 1"]
    assert "Placeholder" not in repr(first)

    say(house, alert, "tenant-b", Answer.NEED_HELP)
    asked_at = time.time()
    change = await later(house, panel)
    assert change["sequence"] == 2
    item = change["items"][f"{alert.id}/{unit}"]
    assert item["help_open"] == change["items"][alert.id]["help_open"] == 1
    (name,) = [key for key, row in slots(item).items() if row["state"] == "need_help"]
    caller = slots(item)[name]
    assert (name[:-1], caller["via"]) == ("tenant ", "link")
    assert caller["answered_at"] == asked_at
    # What is said later does not bury it.
    say(house, alert, "tenant-b", Answer.SAFE)
    item = (await later(house, panel))["items"][f"{alert.id}/{unit}"]
    caller = slots(item)[name]
    assert caller["state"] == "safe"
    assert [(row["at"], row["closed_at"]) for row in caller["help"]] == [
        (asked_at, None)
    ]
    assert item["help_open"] == 1

    closing = {"alert_id": alert.id, "calls": [caller["help"][0]["call_id"]]}
    assert await panel.refusal("close_help", **closing, outcome="safe", note=" ") == (
        "Invalid value of note"
    )
    await panel.client.send_json_auto_id(
        {
            "type": f"{DOMAIN}/close_help",
            "entry_id": panel.entry_id,
            **closing,
            "outcome": "brought_out",
            "note": "MARK",
        }
    )
    answer = await panel.client.receive_json()
    assert answer["result"] == {"closed": 1}
    event = await later(house, panel)
    assert event["sequence"] == 4
    assert event["items"][alert.id]["help_open"] == 0
    (shown,) = await house.get(alert_id=alert.id)
    (line,) = [row for row in shown["timeline"] if row["type"] == "help_closed"]
    assert line["outcome"] == "brought_out"
    assert "MARK" not in repr(shown)

    house.engine.cancel(alert, who=None)
    gone = await later(house, panel, "gone")
    assert set(gone["keys"]) == set(items)


async def test_one_call_is_closed_and_no_other(house: House, panel: Panel) -> None:
    """Two of one flat and one who responds call: each call is closed by itself."""
    unit = house.units["201"]
    alert = await raised(house)
    for person in ("tenant-a", "tenant-b", "fire-post"):
        say(house, alert, person, Answer.NEED_HELP)

    async def calls() -> dict[str, str]:
        """Return the open calls, by whose they are."""
        shown = await panel.follow("subscribe_response")
        groups = (shown["items"][f"{alert.id}/{key}"] for key in (unit, ""))
        return {
            name: call["call_id"]
            for group in groups
            for name, row in slots(group).items()
            for call in row["help"]
            if call["closed_at"] is None
        }

    open_calls = await calls()
    assert open_calls.keys() == {"tenant 1", "tenant 2", "fire_post 1"}
    closing = {"alert_id": alert.id, "outcome": "safe", "note": "Seen to"}
    # Whose is to be said: nothing is all by itself.
    for wrong in ({}, {"calls": []}, {"calls": None}, {"calls": "unit"}):
        assert (await panel.refusal("close_help", **closing, **wrong)).startswith(
            "Invalid value of calls"
        )
    for name in ("fire_post 1", "tenant 1"):
        call_id = open_calls.pop(name)
        assert await panel.get("close_help", **closing, calls=[call_id]) == {
            "closed": 1
        }
        assert await calls() == open_calls
    assert [row.unit_id for row in house.engine.helpers.of(alert).open] == [unit]
    assert await panel.get("close_help", **closing, calls="everyone") == {"closed": 1}
    assert await calls() == {}


async def test_next_step(house: House, panel: Panel) -> None:
    """When the next step comes is told in the server's time."""
    steps = [{"after": 0, "channels": ["sms"]}, {"after": 30, "channels": ["sms"]}]
    house.options(policies={"alarm": {"steps": steps}})
    alert = await raised(house)
    first = await panel.follow("subscribe_response")
    head = first["items"][alert.id]
    assert (head["step"], head["steps"]) == (1, 2)
    assert head["next_at"] == pytest.approx(time.time() + 30, abs=5)


async def test_shared_number_and_nobody(
    hass: HomeAssistant, house: House, panel: Panel, sms: Provider
) -> None:
    """Who shares a number was reached by it; who has none was not."""
    number = "+12025550101"
    await house.put_address("tenant-b", "sms", number)

    def forget(session: Any) -> None:
        session.execute(
            delete(ContactAddress).where(ContactAddress.person_id == "landlord")
        )

    await house.entry.runtime_data.async_run(forget)
    await house.entry.runtime_data.phonebook.async_learn()
    alert = await raised(house)
    first = await panel.follow("subscribe_response")
    found = slots(first["items"][f"{alert.id}/{house.units['201']}"])
    for name in ("tenant 1", "tenant 2"):
        assert [row["channel"] for row in found[name]["reached"]] == ["sms"]
        assert found[name]["state"] == "no_answer"
    assert (found["landlord 1"]["state"], found["landlord 1"]["reached"]) == (
        "not_reached",
        [],
    )


async def test_wider(house: House, panel: Panel) -> None:
    """A unit that an alert takes in is shown as one that it is about."""
    near = house.units["202"]
    alert = await raised(house, incident_id="incident-1")
    first = await panel.follow("subscribe_response")
    item = first["items"][f"{alert.id}/{near}"]
    assert (item["is_neighbour"], list(slots(item))) == (True, ["neighbour 1"])
    await house.alert(hazard="heat", incident_id="incident-1", unit_id=near)
    change = await later(house, panel)
    item = change["items"][f"{alert.id}/{near}"]
    assert not item["is_neighbour"]
    assert "tenant 1" in slots(item)
    assert change["items"][alert.id]["hazards"] == ["smoke", "heat"]


async def test_drill(house: House, panel: Panel) -> None:
    """Of a mere test, those who were told are shown, and nobody as not reached."""
    alert = await raised(house, drill=True)
    first = await panel.follow("subscribe_response")
    assert first["items"][f"{alert.id}/{house.units['201']}"]["slots"] == []


async def test_past(house: House, panel: Panel) -> None:
    """What is over is shown as it was, also after a restart."""
    alert = await raised(house, alarm_id="alarm-1", incident_id="incident-1")
    say(house, alert, "tenant-a", Answer.SAFE)
    house.engine.cancel(alert, who=None)
    await house.restart()
    for ids in (
        {"alert_ids": [alert.id]},
        {"alarm_ids": ["alarm-1"]},
        {"incident_ids": ["incident-1"]},
    ):
        items = (await panel.get("response", **ids))["items"]
        own = slots(items[f"{alert.id}/{house.units['201']}"])
        assert items[alert.id]["state"] == "cancelled"
        assert [row["via"] for row in own.values() if row["state"] == "safe"] == [
            "link"
        ]
    assert (await panel.get("response", alert_ids=["none"]))["items"] == {}


async def test_names(house: House, panel: Panel) -> None:
    """Who is behind a slot is told to who may see that, and is in the audit first."""
    alert = await raised(house)
    named = (await panel.get("response_names", alert_id=alert.id))["people"]
    assert sorted((row["role"], row["number"]) for row in named) == [
        ("fire_post", 1),
        ("landlord", 1),
        ("neighbour", 1),
        ("tenant", 1),
        ("tenant", 2),
    ]
    assert {(row["role"], row["name"]) for row in named} == {
        ("landlord", "Placeholder landlord"),
        ("tenant", "Placeholder tenant-a"),
        ("tenant", "Placeholder tenant-b"),
        ("neighbour", "Placeholder neighbour"),
        ("fire_post", "Placeholder fire-post"),
    }
    assert await panel.refusal("response_names", alert_id="none") == "unknown_alert"


async def test_tell_again(house: House, panel: Panel, sms: Provider) -> None:
    """Everybody is told once more, whoever has answered, and not twice at once."""
    alert = await raised(house)
    say(house, alert, "fire-post", Answer.ON_MY_WAY)
    assert len(sms.heard) == 5
    assert await panel.get("tell_again", alert_id=alert.id) == {"messages": 5}
    await house.settled()
    assert len(sms.heard) == 10
    assert await panel.refusal("tell_again", alert_id=alert.id) == "told_just_now"
    await house.tick(AGAIN_SECONDS + 1)
    assert await panel.get("tell_again", alert_id=alert.id) == {"messages": 5}
    await house.settled()
    assert len(sms.heard) == 15
    assert (await house.timeline()).count("told_again") == 2
    house.engine.cancel(alert, who=None)
    assert await panel.refusal("tell_again", alert_id=alert.id) == "unknown_alert"


async def test_mine(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """A landlord sees own flats, what was asked and answered there, and of others only that."""
    unit = house.units["201"]
    mine, _ = await landlord_panel(hass, house, hass_ws_client, "landlord", "landlord")
    assert await mine.refusal("subscribe_mine", unit_id=house.units["202"]) == (
        "Unauthorized"
    )
    first = await mine.follow("subscribe_mine")
    (flat,) = first["items"].values()
    assert (flat["title"], flat["roles"], flat["tenants"]) == (
        "1-1-201",
        ["landlord"],
        2,
    )
    assert (flat["alerts"], flat["nearby"]) == ([], [])
    alert = await raised(house)
    (flat,) = (await later(house, mine))["items"].values()
    (shown,) = flat["alerts"]
    assert (shown["alert_id"], shown["answer"]) == (alert.id, None)
    house.engine.cancel(alert, who=None)
    (flat,) = (await later(house, mine))["items"].values()
    assert flat["alerts"] == []
    near = await raised(house, unit_id=house.units["202"])
    (flat,) = (await later(house, mine))["items"].values()
    assert flat["alerts"] == []
    assert [row["alert_id"] for row in flat["nearby"]] == [near.id]
    # A drill, a fault or a mere message next door is no danger here.
    for quiet in (
        {"drill": True},
        {"severity": "fault"},
        {"severity": "message"},
    ):
        await raised(house, unit_id=house.units["202"], **quiet)
    again = await mine.follow("subscribe_mine")
    (flat,) = again["items"].values()
    assert [row["alert_id"] for row in flat["nearby"]] == [near.id]
    assert house.units["202"] not in repr(flat)
    assert (
        await mine.refusal("answer", alert_id=near.id, unit_id=unit, answer="safe")
        == "not_asked"
    )


async def test_mine_of_a_year(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """What was told about an own flat, who answered as roles, and nothing of before one's time."""
    unit = {"unit_id": house.units["201"]}
    mine, _ = await landlord_panel(hass, house, hass_ws_client, "landlord", "landlord")
    tenant, _ = await landlord_panel(
        hass, house, hass_ws_client, "resident", "tenant-a"
    )
    alert = await raised(house)
    assert (await mine.get("mine_history", **unit))["alerts"] == []  # It is not over.
    await tenant.get("answer", alert_id=alert.id, **unit, answer="safe")
    house.engine.cancel(alert, who=None)
    near = await raised(house, unit_id=house.units["202"])
    house.engine.cancel(near, who=None)
    await house.settled()

    found = await mine.get("mine_history", **unit)
    (row,) = found["alerts"]
    assert not found["more"]
    assert (row["alert_id"], row["answer"], row["helped"]) == (alert.id, None, False)
    assert (row["created_at"], row["closed_at"]) == (alert.created_at, alert.closed_at)
    told = {name: item["state"] for name, item in slots(row).items()}
    assert told.keys() == {"landlord 1", "tenant 1", "tenant 2"}
    assert sorted(told.values()) == ["no_answer", "no_answer", "safe"]
    (row,) = (await tenant.get("mine_history", **unit))["alerts"]
    assert row["answer"] == "safe"
    assert "tenant-a" not in repr(row)
    other = {"unit_id": house.units["202"]}
    assert await mine.refusal("mine_history", **other) == "Unauthorized"

    # Who has come since has not lived there then.
    came = dt_util.now().date() + timedelta(days=1)
    later_on = update(Lease).where(Lease.person_id == "tenant-a").values(start=came)
    await house.entry.runtime_data.async_run(lambda session: session.execute(later_on))
    assert (await tenant.get("mine_history", **unit))["alerts"] == []
    unknown = update(Lease).where(Lease.person_id == "tenant-a").values(start=None)
    await house.entry.runtime_data.async_run(lambda session: session.execute(unknown))
    assert len((await tenant.get("mine_history", **unit))["alerts"]) == 1
    house.freezer.tick(timedelta(days=364))
    assert len((await mine.get("mine_history", **unit))["alerts"]) == 1
    house.freezer.tick(timedelta(days=2))
    assert (await mine.get("mine_history", **unit))["alerts"] == []


async def test_mine_of_many(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of very many the newest are shown, and that there were more."""
    for module in (history, alerts):
        monkeypatch.setattr(module, "MOST_OF_UNIT", 2)
    unit = {"unit_id": house.units["201"]}
    ids = []
    for _number in range(3):
        house.freezer.tick(timedelta(minutes=1))
        alert = await raised(house)
        ids.append(alert.id)
        house.engine.cancel(alert, who=None)
        await house.settled()
    mine, _ = await landlord_panel(hass, house, hass_ws_client, "landlord", "landlord")
    found = await mine.get("mine_history", **unit)
    assert [row["alert_id"] for row in found["alerts"]] == [ids[2], ids[1]]
    assert found["more"]


@pytest.mark.parametrize("is_told", [True, False])
async def test_answer(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
    is_told: bool,
) -> None:
    """An answer of the panel counts as one over the link, also of who was not reached."""
    if not is_told:
        house.options(channels={})
    unit = house.units["201"]
    tenant, _ = await landlord_panel(
        hass, house, hass_ws_client, "resident", "tenant-a"
    )
    first = await tenant.follow("subscribe_mine")
    assert "tenants" not in first["items"][unit]
    alert = await raised(house)
    await later(house, tenant)
    told = {"alert_id": alert.id, "unit_id": unit}
    await tenant.client.send_json_auto_id(
        {
            "type": f"{DOMAIN}/answer",
            "entry_id": tenant.entry_id,
            **told,
            "answer": "need_help",
        }
    )
    answer = await tenant.client.receive_json()
    assert answer["result"]["answer"] == "need_help"
    (flat,) = (await later(house, tenant))["items"].values()
    assert (flat["alerts"][0]["answer"], flat["alerts"][0]["help_open"]) == (
        "need_help",
        True,
    )
    watched = await panel.follow("subscribe_response")
    own = watched["items"][f"{alert.id}/{unit}"]
    (found,) = [row for row in own["slots"] if row["answered_at"]]
    assert (found["role"], found["state"], found["via"]) == (
        *("tenant", "need_help", "panel"),
    )
    assert list(slots(watched["items"][f"{alert.id}/{unit}"])) == [
        "landlord 1",
        "tenant 1",
        "tenant 2",
    ]
    # It is stored: after a restart it is the same answer.
    await house.restart()
    alert = house.engine.alerts[alert.id]
    rows = [row for row in house.engine.dispatcher.of(alert) if row.answer]
    assert [(row.person_id, row.answer, row.via) for row in rows] == [
        ("tenant-a", "need_help", "panel")
    ]


async def test_landlord_takes_it(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Whose flat it is decides, from a panel too, though no message has reached them."""
    house.options(channels={})
    alert = await raised(house)
    mine, _ = await landlord_panel(hass, house, hass_ws_client, "landlord", "landlord")
    await mine.get(
        "answer", alert_id=alert.id, unit_id=house.units["201"], answer="on_my_way"
    )
    assert alert.state == "acknowledged"


async def test_people_who_are_read_later(
    house: House, sms: Provider, panel: Panel
) -> None:
    """After a start, who was not reached is shown as soon as it is read who there is."""
    forget = delete(ContactAddress).where(ContactAddress.person_id == "tenant-b")
    await house.entry.runtime_data.async_run(lambda session: session.execute(forget))
    alert = await raised(house)

    def states() -> list[str]:
        items = house.engine.responses.of(alert.id, Permit(None))
        own = items[f"{alert.id}/{house.units['201']}"]
        return sorted(row["state"] for row in own["slots"])

    before = states()
    assert before == ["no_answer", "no_answer", "not_reached"]
    with patch.object(Phonebook, "async_learn"):
        await house.restart()
        await house.hass.async_block_till_done(wait_background_tasks=True)
    assert states() == ["no_answer", "no_answer"]
    await house.entry.runtime_data.phonebook.async_learn()
    assert states() == before


async def test_whom_a_drill_tells(
    hass: HomeAssistant, house: House, sms: Provider, hass_ws_client: WebSocketGenerator
) -> None:
    """Before a drill is begun it is said who hears of it: the office, and who begins it."""
    user = await account(hass, house.entry, "duty")
    panel = await panel_of(hass, house.entry, hass_ws_client, user)
    assert await panel.get("drill_told") == {"you": False, "posts": []}
    await add_office(house)
    await house.entry.runtime_data.phonebook.async_learn()
    (title,) = [
        row.title
        for row in house.entry.subentries.values()
        if row.data.get("duty") == "property_office"
    ]
    assert await panel.get("drill_told") == {"you": False, "posts": [title]}
    phone = MockConfigEntry(domain="mobile_app", data={"user_id": user.id})
    phone.add_to_hass(hass)
    dr.async_get(hass).async_get_or_create(
        config_entry_id=phone.entry_id, identifiers={("mobile_app", "phone")}
    )
    assert await panel.get("drill_told") == {"you": True, "posts": [title]}
    with patch.object(house.entry.runtime_data.phonebook, "is_known", False):
        assert await panel.refusal("drill_told") == "property_not_loaded"
    installer = await account(hass, house.entry, "installer")
    other = await panel_of(hass, house.entry, hass_ws_client, installer)
    assert await other.refusal("drill_told") == "Unauthorized"


async def test_what_does_not_go_out(
    hass: HomeAssistant, house: House, sms: Provider, hass_ws_client: WebSocketGenerator
) -> None:
    """Who is on duty is told which channel fails, and that it works again."""
    property_id = {"config_entry_id": house.entry.entry_id}
    user = await account(hass, house.entry, "duty")
    panel = await panel_of(hass, house.entry, hass_ws_client, user)
    assert (await panel.follow("subscribe_faults"))["items"] == {}
    sms.status = 500
    await house.alert(hazard="smoke")
    await house.settled()
    await house.tick(1)
    items = (await panel.event())["items"]
    assert list(items.values()) == [{"fault": "provider_failing", "channel": "sms"}]
    sms.status = 200
    await house.tick(2)
    await house.tick(2)
    await house.settled()
    await house.tick(1)
    assert (await panel.event())["keys"] == list(items)
    # Whose role is taken is told no more.
    (grant,) = (await call(hass, "get_roles", property_id))["roles"]
    await call(hass, "revoke_role", {**property_id, "grant_id": grant["grant_id"]})
    await house.tick(10)
    assert (await panel.event())["kind"] == "ended"
    installer = await account(hass, house.entry, "installer")
    other = await panel_of(hass, house.entry, hass_ws_client, installer)
    assert await other.refusal("subscribe_faults") == "Unauthorized"


async def test_many_are_told_in_turn(
    hass: HomeAssistant, house: House, panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of many alerts some are looked at, and others have their turn; what ends goes."""
    monkeypatch.setattr(feed, "SLICE_SECONDS", 0)
    alerts = [
        await raised(house, unit_id=[house.units[flat]]) for flat in ("201", "202")
    ]
    first = await panel.follow("subscribe_response")
    assert {alert.id for alert in alerts} <= first["items"].keys()
    before = house.engine.responses.of(alerts[0].id, Permit(None))
    for alert in alerts:
        say(
            house, alert, "tenant-a" if alert is alerts[0] else "neighbour", Answer.SAFE
        )
    told = [await later(house, panel), await panel.event()]
    changed = [{key.partition("/")[0] for key in event["items"]} for event in told]
    assert changed == [{alert.id} for alert in alerts]
    assert [event["sequence"] for event in told] == [2, 3]
    # What nothing was changed of is the same, and is not looked at.
    after = house.engine.responses.of(alerts[0].id, Permit(None))
    assert after is not before
    assert house.engine.responses.of(alerts[0].id, Permit(None)) is after
    house.engine.cancel(alerts[0], who=None)
    gone = await later(house, panel, "gone")
    assert {key.partition("/")[0] for key in gone["keys"]} == {alerts[0].id}
    assert house.engine.responses.of(alerts[0].id, Permit(None)) == {}
