"""Actions through the real API: who may do what, to what, and what is answered."""

from datetime import timedelta
import sqlite3
import time
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)
from pytest_homeassistant_custom_component.typing import (
    ClientSessionGenerator,
    WebSocketGenerator,
)
import voluptuous as vol

from custom_components.community_safety import services, zigbee_services
from custom_components.community_safety.catalogue import HAZARDS
from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core import disconnect, proving
from custom_components.community_safety.core.alarm import Alarm
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.auth.const import GROUP_ID_USER
from homeassistant.auth.models import Credentials, Group
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import (
    HomeAssistantError,
    ServiceValidationError,
    Unauthorized,
    UnknownUser,
)
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.helpers.service import async_get_all_descriptions
from homeassistant.helpers.target import TargetSelection
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, impersonal, wait_until

ACTIONS = ("acknowledge", "reset", "cut_off", "restore", "silence", "self_test")
NOBODY = Context()
#: What a person must say who does it.
NEEDED: dict[str, dict[str, Any]] = {
    "reset": {"outcome": "real"},
    "restore": {"checked": "on_site"},
}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what can never be proven end soon."""
    monkeypatch.setattr(disconnect, "TRY_SECONDS", 0.3)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 3.0)
    monkeypatch.setattr(disconnect, "FIRST_BACKOFF_SECONDS", 0.01)


@pytest.fixture
async def flat(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """Set up a flat: a smoke alarm that has cleared, and a breaker that is cut off."""
    await peer.config(
        "smoke-1",
        "smoke_sensor",
        ["smoke"],
        area="1-1-201",
        commands=["silence", "self_test"],
    )
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-1", smoke=False)
    await wait_until(
        hass, lambda: not the_alarm(hass).present and the_alarm(hass).announced
    )
    peer.obedient_breaker("breaker-1")
    obey(peer, "smoke-1")
    await act(hass, "cut_off", area_id="1_1_201")


def obey(peer: Peer, device: str) -> None:
    """Let a device accept every command."""
    peer.answer(
        f"{BASE}/{device}",
        lambda message: peer.publish(
            f"{BASE}/{device}/result", {"version": 1, "id": message["id"], "ok": True}
        ),
    )


@pytest.fixture
async def person(hass: HomeAssistant) -> MockUser:
    """Return a user like any in the house: neither administrator nor read-only."""
    group = await hass.auth.async_get_group(GROUP_ID_USER)
    assert group
    return MockUser(name="Somebody", groups=[group]).add_to_hass(hass)


def limited(hass: HomeAssistant, entities: dict[str, Any]) -> MockUser:
    """Return a user with a policy of its own."""
    group = Group(name="Limited", policy={"entities": entities})
    return MockUser(groups=[group]).add_to_hass(hass)


def by(user: MockUser) -> Context:
    """Return the context of a user's call."""
    return Context(user_id=user.id)


async def act(
    hass: HomeAssistant, action: str, *, context: Context = NOBODY, **data: Any
) -> dict[str, Any]:
    """Call an action for its answer."""
    data = NEEDED.get(action, {}) | data
    answer = await hass.services.async_call(
        DOMAIN, action, data, blocking=True, return_response=True, context=context
    )
    assert answer is not None
    return dict(answer)


async def token_of(hass: HomeAssistant, user: MockUser) -> str:
    """Return an access token of a user."""
    credential = Credentials(
        id=f"credential of {user.id}",
        auth_provider_type="homeassistant",
        auth_provider_id=None,
        data={"username": user.name},
        is_new=False,
    )
    user.credentials.append(credential)
    refresh = await hass.auth.async_create_refresh_token(
        user, "https://example.com/app", credential=credential
    )
    return hass.auth.async_create_access_token(refresh)


def the_alarm(hass: HomeAssistant) -> Alarm:
    """Return the open alarm of the smoke sensor."""
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    return alarm


def entity_id(hass: HomeAssistant, domain: str, key: str) -> str:
    """Return an entity's id; `key` holds the device."""
    found = er.async_get(hass).async_get_entity_id(domain, DOMAIN, f"mqtt/{BASE}/{key}")
    assert found
    return found


def device_ids(hass: HomeAssistant) -> dict[str, str | None]:
    """Return the registry's ids of all devices by their own."""
    return {
        device.description.id: device.device_id
        for _, device in hass.data[DATA_HOUSE].devices()
    }


def snapshot(hass: HomeAssistant) -> tuple[Any, ...]:
    """Return all that an action could have changed."""
    house = hass.data[DATA_HOUSE]
    return (
        {key: alarm.as_dict() for key, alarm in house.book.open.items()},
        set(house.cut_off.latches),
    )


@pytest.mark.parametrize("action", ACTIONS)
async def test_read_only_by_websocket(
    hass: HomeAssistant,
    flat: None,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
    action: str,
) -> None:
    """A read-only account can do nothing, whatever it asks for."""
    before = snapshot(hass)
    peer.heard.clear()
    client = await hass_ws_client(hass, hass_read_only_access_token)
    for target in (
        {"area_id": "1_1_201"},
        {"entity_id": "all"},
        {"device_id": list(device_ids(hass).values())},
    ):
        await client.send_json_auto_id(
            {
                "type": "call_service",
                "domain": DOMAIN,
                "service": action,
                "service_data": NEEDED.get(action, {}),
                "target": target,
            }
        )
        answer = await client.receive_json()
        assert (answer["success"], answer["error"]["message"]) == (
            False,
            "Unauthorized",
        )
    await peer.settled()
    assert peer.orders == []
    assert snapshot(hass) == before


@pytest.mark.parametrize("action", ACTIONS)
async def test_read_only_by_rest(
    hass: HomeAssistant,
    flat: None,
    peer: Peer,
    hass_client: ClientSessionGenerator,
    hass_read_only_access_token: str,
    action: str,
) -> None:
    """The other door is closed too."""
    assert await async_setup_component(hass, "api", {})
    before = snapshot(hass)
    peer.heard.clear()
    client = await hass_client(hass_read_only_access_token)
    response = await client.post(
        f"/api/services/{DOMAIN}/{action}",
        json={"area_id": "1_1_201", **NEEDED.get(action, {})},
    )
    assert response.status == 401
    await peer.settled()
    assert peer.orders == []
    assert snapshot(hass) == before


async def test_read_only_reads(
    hass: HomeAssistant,
    flat: None,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> None:
    """A read-only account sees the alarms."""
    client = await hass_ws_client(hass, hass_read_only_access_token)
    await client.send_json_auto_id(
        {
            "type": "call_service",
            "domain": DOMAIN,
            "service": "get_alarms",
            "return_response": True,
        }
    )
    answer = await client.receive_json()
    (alarm,) = answer["result"]["response"]["alarms"]
    assert (alarm["hazard"], alarm["device_name"]) == ("smoke", "Smoke 1")
    assert [item["what"] for item in alarm["timeline"]] == ["raised", "cleared"]


@pytest.mark.parametrize("action", ACTIONS)
async def test_user_may(
    hass: HomeAssistant,
    flat: None,
    hass_ws_client: WebSocketGenerator,
    person: MockUser,
    action: str,
) -> None:
    """An ordinary account may do everything."""
    client = await hass_ws_client(hass, await token_of(hass, person))
    await client.send_json_auto_id(
        {
            "type": "call_service",
            "domain": DOMAIN,
            "service": action,
            "service_data": NEEDED.get(action, {}),
            "target": {"area_id": "1_1_201"},
        }
    )
    assert (await client.receive_json())["success"]


@pytest.mark.parametrize("action", ACTIONS)
async def test_administrator_may(
    hass: HomeAssistant, flat: None, hass_admin_user: MockUser, action: str
) -> None:
    """An administrator may do everything."""
    await act(hass, action, context=by(hass_admin_user), area_id="1_1_201")


@pytest.mark.parametrize("action", ["acknowledge", "cut_off", "silence", "self_test"])
async def test_automation_may(hass: HomeAssistant, flat: None, action: str) -> None:
    """An automation, which has no user, may do what makes things safer."""
    await act(hass, action, area_id="1_1_201")


@pytest.mark.parametrize("action", ["reset", "restore"])
async def test_needs_a_person(
    hass: HomeAssistant, flat: None, person: MockUser, action: str
) -> None:
    """Neither an automation nor what follows from one resets or restores."""
    before = snapshot(hass)
    for context in await impersonal(hass, person):
        with pytest.raises(ServiceValidationError) as caught:
            await act(hass, action, context=context, area_id="1_1_201")
        assert caught.value.translation_key == "needs_person"
    assert snapshot(hass) == before


async def test_automation_of_a_person(
    hass: HomeAssistant, flat: None, person: MockUser
) -> None:
    """What a person's click sets off in an automation is still the automation's."""
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "alias": "Sly",
                "triggers": {"trigger": "event", "event_type": "clicked"},
                "actions": {
                    "action": f"{DOMAIN}.restore",
                    "target": {"area_id": "1_1_201"},
                    "data": NEEDED["restore"],
                },
            }
        },
    )
    hass.bus.async_fire("clicked", context=by(person))
    await hass.async_block_till_done()
    assert hass.data[DATA_HOUSE].cut_off.latches


async def test_unknown_user(hass: HomeAssistant, flat: None) -> None:
    """A user that was deleted in the meantime may nothing."""
    for action in (*ACTIONS, "get_alarms"):
        with pytest.raises(UnknownUser):
            await act(hass, action, context=Context(user_id="gone"), area_id="1_1_201")


async def test_limited_user(hass: HomeAssistant, flat: None, peer: Peer) -> None:
    """A policy for single entities is kept, also where only a part is allowed."""
    user = limited(
        hass,
        {
            "entity_ids": {
                entity_id(hass, "switch", "breaker-1/supply"): True,
                entity_id(hass, "event", "smoke-1/alarm_event"): {"read": True},
            }
        },
    )
    answer = await act(hass, "cut_off", context=by(user), area_id="1_1_201")
    assert [supply["status"] for supply in answer["supplies"]] == ["confirmed"]
    assert len((await act(hass, "get_alarms", context=by(user)))["alarms"]) == 1
    for action in ("silence", "acknowledge"):
        with pytest.raises(Unauthorized):
            await act(hass, action, context=by(user), area_id="1_1_201")
    # A cut-off is noted at its alarm, which is more than reading.
    before = snapshot(hass)
    alarm_id = the_alarm(hass).id
    with pytest.raises(Unauthorized):
        await act(
            hass, "cut_off", context=by(user), area_id="1_1_201", alarm_id=alarm_id
        )
    assert snapshot(hass) == before
    await peer.config("breaker-2", "breaker_monitor", ["supply"], area="1-1-201")
    with pytest.raises(Unauthorized):
        await act(hass, "cut_off", context=by(user), area_id="1_1_201")
    assert not any("breaker-2" in key for key in hass.data[DATA_HOUSE].cut_off.latches)


async def test_blind_user(hass: HomeAssistant, flat: None) -> None:
    """Who may not read a device does not see its alarms."""
    user = limited(hass, {"domains": {"light": True}})
    assert await act(hass, "get_alarms", context=by(user)) == {"alarms": []}


async def test_blind_user_and_the_past(
    hass: HomeAssistant, flat: None, person: MockUser
) -> None:
    """Who may not read a device does not see what has become of its alarms either."""
    await act(hass, "reset", context=by(person), area_id="1_1_201")
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    (row,) = (await act(hass, "get_alarms", context=by(person), history=True))["alarms"]
    assert row["state"] == "closed"
    user = limited(hass, {"domains": {"light": True}})
    answer = await act(hass, "get_alarms", context=by(user), history=True)
    assert answer == {"alarms": []}


async def test_acknowledge(hass: HomeAssistant, flat: None, person: MockUser) -> None:
    """The answer says who, and when."""
    (alarm,) = (await act(hass, "acknowledge", context=by(person), area_id="1_1_201"))[
        "alarms"
    ]
    for at in (alarm["acknowledged_at"], alarm["timeline"][-1]["at"]):
        told = dt_util.parse_datetime(at, raise_on_error=True)
        assert told.tzinfo
        assert told.utcoffset() == dt_util.now().utcoffset()
        assert told.timestamp() == pytest.approx(time.time(), abs=60)
    assert alarm["timeline"][-1]["what"] == "acknowledged"
    assert alarm["timeline"][-1]["who"] == person.id


async def test_by_id(hass: HomeAssistant, flat: None, person: MockUser) -> None:
    """Alarms can be named; one unknown id and nothing is done."""
    alarm = the_alarm(hass)
    before = snapshot(hass)
    for data in (
        {"alarm_id": [alarm.id, "no-such-alarm"]},
        {"alarm_id": alarm.id, "area_id": "1_1_301"},
    ):
        with pytest.raises(ServiceValidationError) as caught:
            await act(hass, "acknowledge", **data)
        assert caught.value.translation_key == "no_such_alarm"
    assert snapshot(hass) == before
    await act(hass, "acknowledge", alarm_id=alarm.id)
    answer = await act(
        hass,
        "reset",
        context=by(person),
        alarm_id=alarm.id,
        outcome="false_alarm",
        cause="cooking",
    )
    (row,) = answer["alarms"]
    assert (row["state"], row["reason"]) == ("closed", "reset")
    assert row["timeline"][-1]["outcome"] == "false_alarm"
    assert row["timeline"][-1]["cause"] == "cooking"


async def test_reset_while_present(
    hass: HomeAssistant, flat: None, peer: Peer, person: MockUser
) -> None:
    """A hazard that is still there cannot be reset; what has cleared beside it can."""
    await peer.config("smoke-2", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-2", smoke=True)
    cleared, present = hass.data[DATA_HOUSE].book.open.values()
    with pytest.raises(ServiceValidationError) as caught:
        await act(hass, "reset", context=by(person), alarm_id=[cleared.id, present.id])
    assert caught.value.translation_placeholders == {
        "device": "Smoke 2",
        "hazard": "Smoke",
    }
    assert len(hass.data[DATA_HOUSE].book.open) == 2
    answer = await act(hass, "reset", context=by(person), area_id="1_1_201")
    assert [alarm["alarm_id"] for alarm in answer["alarms"]] == [cleared.id]
    assert [alarm["alarm_id"] for alarm in answer["still_present"]] == [present.id]
    with pytest.raises(ServiceValidationError, match="Smoke 2"):
        await act(hass, "reset", context=by(person), area_id="1_1_201")


async def test_command_to_an_unloaded_gateway(
    hass: HomeAssistant, flat: None, gateway: MockConfigEntry
) -> None:
    """Whoever is silenced or tested and cannot hear it is told of, and not passed over."""
    device_id = device_ids(hass)["smoke-1"]
    assert await hass.config_entries.async_unload(gateway.entry_id)
    answer = await act(hass, "silence", area_id="1_1_201")
    (row,) = answer["devices"]
    assert (row["device_id"], row["ok"]) == (device_id, False)
    assert "Smoke 1 cannot be reached" in row["reason"]
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            DOMAIN, "silence", {"entity_id": "all"}, blocking=True
        )
    assert caught.value.translation_key == "not_connected"


async def test_alarm_of_an_unloaded_gateway(
    hass: HomeAssistant, flat: None, gateway: MockConfigEntry
) -> None:
    """An alarm can be seen and acknowledged while its gateway is not there."""
    assert await hass.config_entries.async_unload(gateway.entry_id)
    assert len((await act(hass, "get_alarms", area_id="1_1_201"))["alarms"]) == 1
    await act(hass, "acknowledge", area_id="1_1_201")
    assert the_alarm(hass).acknowledged_at


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("target", [{}, {"entity_id": "none"}, {"area_id": []}])
async def test_no_target(
    hass: HomeAssistant,
    flat: None,
    person: MockUser,
    action: str,
    target: dict[str, Any],
) -> None:
    """Nothing is done to the whole house by an oversight."""
    before = snapshot(hass)
    with pytest.raises(ServiceValidationError) as caught:
        await act(hass, action, context=by(person), **target)
    assert caught.value.translation_key == "nothing_in_target"
    assert snapshot(hass) == before


async def test_empty_target_reads_nothing(hass: HomeAssistant, flat: None) -> None:
    """Without a target alarms of the house are read, with an empty one none."""
    assert len((await act(hass, "get_alarms"))["alarms"]) == 1
    assert await act(hass, "get_alarms", area_id=[]) == {"alarms": []}


@pytest.mark.parametrize("action", ["cut_off", "restore", "silence", "self_test"])
async def test_nothing_to_act_on(
    hass: HomeAssistant,
    flat: None,
    person: MockUser,
    caplog: pytest.LogCaptureFixture,
    action: str,
) -> None:
    """A target with nothing in it, or a misspelt one, is an error."""
    with pytest.raises(ServiceValidationError, match="nothing in the chosen target"):
        await act(
            hass,
            action,
            context=by(person),
            area_id="1_1_999",
            entity_id="switch.misspelt",
        )
    assert "areas 1_1_999" in caplog.text
    assert "switch.misspelt" in caplog.text


async def test_a_drill_asks_what_would_be_cut(hass: HomeAssistant, flat: None) -> None:
    """Nothing is an answer to that, and no error."""
    answer = await act(hass, "cut_off", area_id="1_1_999", drill=True)
    assert answer == {"supplies": []}


async def add_pile(hass: HomeAssistant, peer: Peer) -> list[str]:
    """Add a pile in the yard whose second socket belongs to the flat."""
    await peer.config(
        "pile-1",
        "charging_pile",
        ["supply_1", "supply_2", "current_1", "current_2"],
        area="Yard",
    )
    switches = [entity_id(hass, "switch", f"pile-1/supply_{n}") for n in (1, 2)]
    er.async_get(hass).async_update_entity(switches[1], area_id="1_1_201")
    return switches


async def supplies(hass: HomeAssistant, **target: Any) -> list[str]:
    """Return which supplies a drill would open."""
    answer = await act(hass, "cut_off", drill=True, **target)
    assert {supply["status"] for supply in answer["supplies"]} == {"drill"}
    return sorted(supply["entity_id"] for supply in answer["supplies"])


async def test_supply_in_another_area(
    hass: HomeAssistant, flat: None, peer: Peer
) -> None:
    """A socket that was put into a flat is cut with the flat, not with the yard."""
    first, second = await add_pile(hass, peer)
    breaker = entity_id(hass, "switch", "breaker-1/supply")
    pile = device_ids(hass)["pile-1"]
    assert await supplies(hass, area_id="yard") == [first]
    assert await supplies(hass, area_id="1_1_201") == sorted([breaker, second])
    assert await supplies(hass, device_id=pile) == [first, second]
    assert await supplies(hass, entity_id=second) == [second]
    assert await supplies(hass, entity_id="all") == sorted([breaker, first, second])


async def test_floor_and_label(hass: HomeAssistant, flat: None, peer: Peer) -> None:
    """Floors and labels reach what is in them."""
    first, _ = await add_pile(hass, peer)
    ar.async_get(hass).async_update("yard", labels={"outside"}, floor_id="ground")
    assert await supplies(hass, label_id="outside") == [first]
    assert await supplies(hass, floor_id="ground") == [first]


async def test_hidden_and_disabled(hass: HomeAssistant, flat: None, peer: Peer) -> None:
    """What nobody sees on a dashboard is cut off all the same."""
    first, second = await add_pile(hass, peer)
    registry = er.async_get(hass)
    registry.async_update_entity(first, hidden_by=er.RegistryEntryHider.USER)
    registry.async_update_entity(
        second, disabled_by=er.RegistryEntryDisabler.USER, area_id=None
    )
    assert await supplies(hass, area_id="yard") == [first, second]


@pytest.mark.skipif(
    "exclude" not in TargetSelection.__slots__, reason="new in Home Assistant 2026.11"
)
async def test_left_out(hass: HomeAssistant, flat: None, peer: Peer) -> None:
    """What a target leaves out stays on."""
    first, second = await add_pile(hass, peer)
    breaker = entity_id(hass, "switch", "breaker-1/supply")
    assert await supplies(hass, area_id="1_1_201", exclude={"entity_id": [second]}) == [
        breaker
    ]
    assert await supplies(
        hass, entity_id="all", exclude={"area_id": ["yard"], "entity_id": [breaker]}
    ) == [second]
    er.async_get(hass).async_update_entity(first, hidden_by=er.RegistryEntryHider.USER)
    with pytest.raises(ServiceValidationError):
        await act(hass, "cut_off", area_id="yard", exclude={"entity_id": [first]})


async def test_template_target(hass: HomeAssistant, flat: None) -> None:
    """An automation cuts off where its trigger was."""
    assert await async_setup_component(
        hass,
        "automation",
        {
            "automation": {
                "alias": "Cut",
                "triggers": {"trigger": "event", "event_type": "fire"},
                "actions": {
                    "action": f"{DOMAIN}.cut_off",
                    "target": {"area_id": "{{ trigger.event.data.area_id }}"},
                    "data": {"drill": "{{ true }}"},
                    "response_variable": "answer",
                },
            }
        },
    )
    calls = async_capture_events(hass, "call_service")
    hass.bus.async_fire("fire", {"area_id": "1_1_201"})
    await wait_until(hass, lambda: len(calls) == 1)
    assert calls[0].data["service_data"]["area_id"] == "1_1_201"
    assert calls[0].data["service_data"]["drill"] is True


async def test_restore(
    hass: HomeAssistant, flat: None, peer: Peer, person: MockUser
) -> None:
    """A person restores; a supply that does not come back is an error."""
    answer = await act(hass, "restore", context=by(person), area_id="1_1_201")
    assert [supply["status"] for supply in answer["supplies"]] == ["confirmed"]
    await act(hass, "cut_off", area_id="1_1_201")
    obey(peer, "breaker-1")
    with pytest.raises(HomeAssistantError) as caught:
        await hass.services.async_call(
            DOMAIN,
            "restore",
            {"area_id": "1_1_201", "checked": "phone"},
            True,
            by(person),
        )
    assert caught.value.translation_key == "restore_unproven"
    assert caught.value.translation_placeholders == {
        "devices": "Breaker 1 (the device did not say what it did)"
    }


async def test_open_a_protected_load(
    hass: HomeAssistant,
    flat: None,
    peer: Peer,
    person: MockUser,
    gateway: MockConfigEntry,
) -> None:
    """A person opens it, by its name and with a reason; it stays off until restored."""
    await act(hass, "restore", context=by(person), area_id="1_1_201")
    device = gateway.runtime_data.devices["breaker-1"]
    switch = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"{device.uid}/supply"
    )
    call = {"entity_id": switch, "reason": "water"}
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "open_protected_load", context=by(person), **call)
    assert refused.value.translation_key == "not_protected"
    device.settings.protected.add("supply")
    with pytest.raises(ServiceValidationError) as refused:
        await act(hass, "open_protected_load", **call)
    assert refused.value.translation_key == "needs_person"
    for bad in (
        {"entity_id": switch},
        {"area_id": "1_1_201", "reason": "water"},
        {"entity_id": switch, "reason": "Mr. Li wants it"},
    ):
        with pytest.raises(vol.Invalid):
            await act(hass, "open_protected_load", context=by(person), **bad)
    latches = hass.data[DATA_HOUSE].cut_off.latches
    assert not latches

    answer = await act(hass, "open_protected_load", context=by(person), **call)
    assert [row["status"] for row in answer["supplies"]] == ["confirmed"]
    (latch,) = latches.values()
    assert (latch.who, latch.reason) == (person.id, call["reason"])
    await act(hass, "restore", context=by(person), area_id="1_1_201")
    assert not latches


@pytest.mark.parametrize("action", ["silence", "self_test"])
async def test_press(hass: HomeAssistant, flat: None, peer: Peer, action: str) -> None:
    """Every device is told, also if the first one refuses."""
    commands = ["silence", "self_test"]
    await peer.config(
        "smoke-0", "smoke_sensor", ["smoke"], area="1-1-201", commands=commands
    )
    peer.answer(
        f"{BASE}/smoke-0",
        lambda message: peer.publish(
            f"{BASE}/smoke-0/result",
            {"version": 1, "id": message["id"], "ok": False, "reason": "busy"},
        ),
    )
    peer.heard.clear()
    answer = await act(hass, action, area_id="1_1_201")
    ids = device_ids(hass)
    by_device = {item["device_id"]: item for item in answer["devices"]}
    assert by_device[ids["smoke-1"]]["ok"] is True
    assert by_device[ids["smoke-0"]]["ok"] is False
    assert "busy" in by_device[ids["smoke-0"]]["reason"]
    assert {topic for topic, _ in peer.heard} == {
        f"{BASE}/smoke-0/set",
        f"{BASE}/smoke-1/set",
    }
    with pytest.raises(HomeAssistantError, match="busy"):
        await hass.services.async_call(DOMAIN, action, {"area_id": "1_1_201"}, True)


async def test_get_alarms(
    hass: HomeAssistant,
    flat: None,
    person: MockUser,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Open and closed alarms, by place, hazard, severity and time of closing."""
    monkeypatch.setattr(services, "MOST_HISTORY", 2)
    await act(hass, "reset", context=by(person), area_id="1_1_201")
    for _ in range(4):
        await peer.state("breaker-1", supply=False)
        await peer.state("smoke-1", smoke=True)
        await peer.state("smoke-1", smoke=False)
        await act(hass, "reset", context=by(person), area_id="1_1_201")
    assert await act(hass, "get_alarms") == {"alarms": []}
    closed = (await act(hass, "get_alarms", history=True))["alarms"]
    assert [alarm["state"] for alarm in closed] == ["closed", "closed"]
    monkeypatch.setattr(services, "MOST_HISTORY", 3)
    closed = (await act(hass, "get_alarms", history=True, hazard="smoke"))["alarms"]
    assert len(closed) == 3
    hour_ago = dt_util.now() - timedelta(hours=1)
    local = hour_ago.strftime("%Y-%m-%d %H:%M:%S")
    assert len((await act(hass, "get_alarms", since=local))["alarms"]) == 3
    soon = dt_util.now() + timedelta(hours=1)
    assert not (await act(hass, "get_alarms", since=soon.isoformat()))["alarms"]
    for narrow in (
        {"hazard": "heat"},
        {"severity": ["fault"]},
        {"area_id": "1_1_301"},
    ):
        assert not (await act(hass, "get_alarms", history=True, **narrow))["alarms"]
    # By their ids, which an automation is told.
    ids = [alarm["alarm_id"] for alarm in closed[:2]]
    named = {"alarm_id": [*ids, "unknown"]}
    assert await act(hass, "get_alarms", **named) == {"alarms": []}
    found = (await act(hass, "get_alarms", history=True, **named))["alarms"]
    assert [alarm["alarm_id"] for alarm in found] == ids
    await peer.state("smoke-1", smoke=True)
    (alarm,) = (await act(hass, "get_alarms"))["alarms"]
    named = {"alarm_id": alarm["alarm_id"]}
    assert (await act(hass, "get_alarms", **named))["alarms"] == [alarm]
    elsewhere = {**named, "area_id": "1_1_301"}
    assert await act(hass, "get_alarms", **elsewhere) == {"alarms": []}


async def test_one_page_after_another(
    hass: HomeAssistant,
    flat: None,
    person: MockUser,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """More closed alarms than an answer holds are asked for by when the last was closed.

    Those of a device that is gone are where they were raised.
    """
    await act(hass, "reset", context=by(person), area_id="1_1_201")
    for _ in range(4):
        await peer.state("smoke-1", smoke=True)
        await peer.state("smoke-1", smoke=False)
        await act(hass, "reset", context=by(person), area_id="1_1_201")
    everything = (await act(hass, "get_alarms", history=True))["alarms"]
    monkeypatch.setattr(services, "MOST_HISTORY", 2)
    found: dict[str, Any] = {}
    page = (await act(hass, "get_alarms", history=True))["alarms"]
    while new := {row["alarm_id"]: row for row in page if row["alarm_id"] not in found}:
        found |= new
        until = page[-1]["closed_at"]
        page = (await act(hass, "get_alarms", until=until))["alarms"]
    assert [*found.values()] == everything
    assert {row["area_id"] for row in everything} == {"1_1_201"}
    registry = dr.async_get(hass)
    for device_id in {row["device_id"] for row in everything}:
        registry.async_remove_device(device_id)
    closed = (await act(hass, "get_alarms", history=True))["alarms"]
    assert {row["area_id"] for row in closed} == {"1_1_201"}


async def test_all_pages(
    hass: HomeAssistant,
    flat: None,
    person: MockUser,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alarms of a device are found behind many newer ones of others."""
    await act(hass, "reset", context=by(person), area_id="1_1_201")
    await peer.config("smoke-2", "smoke_sensor", ["smoke"], area="1-1-301")
    for _ in range(5):
        await peer.state("smoke-2", smoke=True)
        await peer.state("smoke-2", smoke=False)
        await act(hass, "reset", context=by(person), area_id="1_1_301")
    monkeypatch.setattr(services, "MOST_HISTORY", 2)
    (alarm,) = (await act(hass, "get_alarms", history=True, area_id="1_1_201"))[
        "alarms"
    ]
    assert alarm["device_name"] == "Smoke 1"


async def test_history_unreadable(hass: HomeAssistant, flat: None) -> None:
    """A broken disk is told; open alarms can be read on."""
    with (
        patch.object(
            hass.data[DATA_HOUSE].storage, "_history", side_effect=sqlite3.Error
        ),
        pytest.raises(HomeAssistantError) as caught,
    ):
        await act(hass, "get_alarms", history=True)
    assert caught.value.translation_key == "history_unreadable"
    assert len((await act(hass, "get_alarms"))["alarms"]) == 1


@pytest.mark.parametrize(
    ("action", "data"),
    [
        ("cut_off", {"area_id": "1_1_201", "deadline": 0}),
        ("cut_off", {"area_id": "1_1_201", "deadline": 61}),
        ("cut_off", {"area_id": "1_1_201", "force": True}),
        ("get_alarms", {"hazard": "earthquake"}),
        ("get_alarms", {"severity": "catastrophe"}),
        ("get_alarms", {"since": "some time"}),
        ("reset", {"area_id": "1_1_201", "outcome": "perhaps"}),
        ("reset", {"area_id": "1_1_201", "cause": "dragons"}),
        ("restore", {"area_id": "1_1_201", "checked": "by feeling"}),
    ],
)
async def test_bad_data(
    hass: HomeAssistant, flat: None, action: str, data: dict[str, Any]
) -> None:
    """What makes no sense is refused."""
    with pytest.raises(vol.Invalid):
        await act(hass, action, **data)


OF_SUPPLIES = {"cut_off", "restore", "open_protected_load"}
OURS = OF_SUPPLIES | {"acknowledge", "reset", "silence", "self_test"}


async def test_what_the_editor_offers(
    hass: HomeAssistant,
    flat: None,
    peer: Peer,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """Each action is offered for what it acts on, and none of a network for a flat."""
    await peer.config("pile-1", "charging_pile", ["supply_1"], area="Yard")
    client = await hass_ws_client(hass)

    async def offered(**target: Any) -> set[str]:
        await client.send_json_auto_id(
            {"type": "get_services_for_target", "target": target}
        )
        found = (await client.receive_json())["result"]
        return {name.partition(".")[2] for name in found if name.startswith(DOMAIN)}

    assert await offered(area_id=["1_1_201"]) == OURS
    breaker = entity_id(hass, "switch", "breaker-1/supply")
    assert await offered(entity_id=[breaker]) == OF_SUPPLIES
    socket = entity_id(hass, "switch", "pile-1/supply_1")
    assert await offered(entity_id=[socket]) == OF_SUPPLIES
    event = entity_id(hass, "event", "smoke-1/alarm_event")
    assert await offered(entity_id=[event]) == {"acknowledge", "reset"}
    silence = entity_id(hass, "button", "smoke-1/silence")
    assert await offered(entity_id=[silence]) == {"silence", "self_test"}


async def test_descriptions(hass: HomeAssistant, gateway: MockConfigEntry) -> None:
    """The editor offers each action with all its fields, and no others."""
    described = (await async_get_all_descriptions(hass))[DOMAIN]
    schemas = {**services.SCHEMAS, **zigbee_services.SCHEMAS}
    assert described.keys() == schemas.keys()
    for name, schema in schemas.items():
        own = {str(key) for key in schema.schema} - {*services._TARGET_KEYS}
        fields = described[name]["fields"].keys()
        assert fields - {*services._TARGET_KEYS} == own
        # What is acted on has a selector: the target's, or fields of its own.
        assert bool(described[name].get("target")) is not bool(fields - own)
    options = described["get_alarms"]["fields"]["hazard"]["selector"]["select"]
    assert options["options"] == list(HAZARDS)
