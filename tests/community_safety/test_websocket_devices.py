"""What the panel's map and its page of devices are told, over the real websocket."""

from datetime import timedelta
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.authority import Action
from custom_components.community_safety.core.device import DeviceSettings
from custom_components.community_safety.core.house import DATA_HOUSE, House
from custom_components.community_safety.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.community_safety.websocket import devices, stream
from homeassistant.core import HomeAssistant
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
)
from homeassistant.util import dt as dt_util
from tests.common import BASE, Peer, wait_until

from .test_authority import Register, offer
from .test_websocket import Panel

SMOKE, BREAKER = f"mqtt/{BASE}/smoke-1", f"mqtt/{BASE}/breaker-1"


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let changes be told at once."""
    monkeypatch.setattr(devices, "GATHER_SECONDS", 0.02)


@pytest.fixture
async def house(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> House:
    """Return a house with a sensor that can be tested, and a breaker in no area."""
    await peer.config(
        "smoke-1",
        "smoke_sensor",
        ["smoke", "test", "battery"],
        area="1-1-201",
        commands=["self_test"],
    )
    await peer.config("breaker-1", "breaker_monitor", ["supply", "current"])
    await peer.state("smoke-1", smoke=False, test=False, battery=78)
    await peer.state("breaker-1", supply=True, current=5)
    peer.answer(
        f"{BASE}/smoke-1",
        lambda message: peer.publish(
            f"{BASE}/smoke-1/result", {"version": 1, "id": message["id"], "ok": True}
        ),
    )
    await hass.async_block_till_done()
    return hass.data[DATA_HOUSE]


@pytest.fixture
async def panel(
    hass: HomeAssistant, house: House, hass_ws_client: WebSocketGenerator
) -> Panel:
    """Return the panel of an administrator."""
    return Panel(await hass_ws_client(hass))


@pytest.fixture
async def police(
    hass: HomeAssistant,
    house: House,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_access_token: str,
) -> Panel:
    """Return the panel of who may read, and nothing else."""
    return Panel(await hass_ws_client(hass, hass_read_only_access_token))


def id_of(house: House, uid: str) -> str:
    """Return the id of a device in the registry."""
    found = house.device(uid)
    assert found
    assert found[1].device_id
    return found[1].device_id


async def rows(panel: Panel) -> dict[str, dict[str, Any]]:
    """Subscribe; return the rows of the snapshot by name."""
    snapshot = await panel.subscribes("subscribe_devices")
    assert snapshot["sequence"] == 1
    return {row["name"]: row for row in snapshot["devices"]}


async def changed(panel: Panel, key: str, value: Any) -> dict[str, Any]:
    """Return the row in which something has become so."""
    message = await panel.hears(
        "change", lambda message: any(row[key] == value for row in message["devices"])
    )
    (row,) = [row for row in message["devices"] if row[key] == value]
    return dict(row)


def move(hass: HomeAssistant, house: House, uid: str, area: str | None) -> None:
    """Give a device another area."""
    area_id = ar.async_get(hass).async_get_or_create(area).id if area else None
    dr.async_get(hass).async_update_device(id_of(house, uid), area_id=area_id)


async def run_test(house: House, peer: Peer) -> None:
    """Let the sensor test itself, from its beginning to its end."""
    await peer.state("smoke-1", test=True)
    await peer.state("smoke-1", smoke=True, test=True)
    await peer.state("smoke-1", smoke=False, test=True)
    await peer.state("smoke-1", smoke=False, test=False)


async def test_map(hass: HomeAssistant, house: House, panel: Panel) -> None:
    """How many devices are where, once more when one has moved, and not for a new name."""
    assert await panel.does("map") is None
    told = await panel.hears("map")
    assert (told["sequence"], told["devices"]) == (1, {"1_1_201": 1})
    dr.async_get(hass).async_update_device(id_of(house, SMOKE), name_by_user="Hall")
    move(hass, house, BREAKER, "1-1-201")
    told = await panel.hears("map")
    assert (told["sequence"], told["devices"]) == (2, {"1_1_201": 2})


async def test_snapshot(house: House, panel: Panel) -> None:
    """Each device with what an installer has to know, and what it lacks."""
    found = await rows(panel)
    smoke, breaker = found["Smoke 1"], found["Breaker 1"]
    now = dt_util.utcnow().timestamp()
    assert now - 60 <= smoke.pop("heard_at") <= now + 1
    assert smoke == {
        "device_id": id_of(house, SMOKE),
        "name": "Smoke 1",
        "kind": "smoke_sensor",
        "model": None,
        "area_id": "1_1_201",
        "power": "battery",
        "battery": 78,
        "unresponsive": False,
        "faults": [],
        "testing": False,
        "shows_test": True,
        "last_test": None,
        "rated_current": None,
        "supplies": [],
        "signed_off": None,
        "may": {"self_test": None, "sign_off": "not_tested"},
    }
    assert breaker["area_id"] is None
    assert breaker["battery"] is None
    assert breaker["shows_test"] is False
    assert breaker["rated_current"] == {
        "value": 63,
        "is_set": False,
        "entity_id": "number.breaker_1_rated_current",
    }
    assert breaker["supplies"] == [
        {
            "key": "supply",
            "channel": "",
            "protected": False,
            "entity_id": "switch.breaker_1_protected_load",
            "off": None,
        }
    ]
    assert breaker["may"] == {"sign_off": "no_area"}


async def test_changes(
    hass: HomeAssistant, house: House, panel: Panel, peer: Peer
) -> None:
    """A fault, a battery, a name, a device that comes and one that goes; nothing else."""
    await rows(panel)
    await peer.state("smoke-1", battery=9)
    assert (await changed(panel, "battery", 9))["name"] == "Smoke 1"
    await peer.state("breaker-1", current=6)
    await peer.config("smoke-2", "smoke_sensor", ["smoke", "tamper"], area="1-1-202")
    assert (await changed(panel, "area_id", "1_1_202"))["heard_at"] is None
    await peer.state("smoke-2", smoke=False, tamper=True)
    assert (await changed(panel, "faults", ["tamper"]))["name"] == "Smoke 2"
    uid = f"mqtt/{BASE}/smoke-2"
    smoke_id = id_of(house, uid)
    dr.async_get(hass).async_update_device(smoke_id, name_by_user="Hall")
    await changed(panel, "name", "Hall")
    er.async_get(hass).async_update_entity(
        "number.breaker_1_rated_current", new_entity_id="number.rated"
    )
    await changed(
        panel,
        "rated_current",
        {"value": 63, "is_set": False, "entity_id": "number.rated"},
    )
    found = house.device(uid)
    assert found
    house.detach(found[1])
    gone = await panel.hears("change", lambda message: bool(message["gone"]))
    assert gone["gone"] == [smoke_id]
    # What comes again is listened to again.
    house.attach(*found)
    await peer.state("smoke-2", smoke=False, tamper=False)
    await changed(panel, "faults", [])


async def test_drill_of_several(house: House, panel: Panel, peer: Peer) -> None:
    """All are told by one order, and each has its own answer; nobody tests a whole town at once."""
    await peer.config(
        "smoke-2", "smoke_sensor", ["smoke", "test"], commands=["self_test"]
    )
    await peer.state("smoke-2", smoke=False, test=False)
    found = await rows(panel)
    ids = [found[name]["device_id"] for name in ("Smoke 1", "Smoke 2")]
    peer.answer(
        f"{BASE}/smoke-2",
        lambda message: peer.publish(
            f"{BASE}/smoke-2/result",
            {"version": 1, "id": message["id"], "ok": False, "error": "busy"},
        ),
    )
    answer = await panel.does("self_test", device_id=ids)
    told = {row["name"]: row["error"] for row in answer["devices"]}
    assert told["Smoke 1"] is None
    assert told["Smoke 2"]
    for wanted in ([], ids * 101):
        error = (await panel.ask("self_test", device_id=wanted))["error"]
        assert error["code"] == "invalid_format"


async def test_a_test(house: House, panel: Panel, peer: Peer) -> None:
    """Begun here, seen at the device: the row says when, by whom, and what it has found."""
    smoke = (await rows(panel))["Smoke 1"]
    await panel.does("self_test", device_id=smoke["device_id"])
    await peer.state("smoke-1", test=True)
    row = await changed(panel, "testing", True)
    assert row["last_test"]["ended_at"] is None
    await run_test(house, peer)
    message = await panel.hears(
        "change",
        lambda message: any(
            row["last_test"] and row["last_test"]["ended_at"]
            for row in message["devices"]
        ),
    )
    (row,) = message["devices"]
    assert row["last_test"]["found"] == ["smoke"]
    assert row["may"] == {"self_test": None, "sign_off": None}
    who = row["last_test"]["who"]
    assert who
    snapshot = await panel.subscribes("subscribe_devices")
    assert snapshot["sequence"] == 1
    names = await panel.hears("names")
    assert names["names"][who] == "Mock User"


async def test_beat(
    house: House, panel: Panel, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A sign of life each ten seconds; at times it says who was heard."""
    smoke = (await rows(panel))["Smoke 1"]

    async def tick(seconds: float) -> dict[str, Any]:
        freezer.tick(seconds)
        async_fire_time_changed(peer.hass)
        return await panel.hears("beat")

    assert "heard" not in await tick(stream.BEAT_SECONDS)
    await tick(devices.HEARD_SECONDS)
    await peer.state("smoke-1", smoke=False)
    beat = await tick(devices.HEARD_SECONDS)
    assert beat["heard"].keys() == {smoke["device_id"]}
    assert beat["heard"][smoke["device_id"]] > smoke["heard_at"]
    assert beat["sequence"] == 1


async def test_a_look_that_fails(
    house: House,
    panel: Panel,
    peer: Peer,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What could not be told is told soon after, also of the devices that were looked at before."""
    await rows(panel)
    look, failed = devices.row, False

    def fails(*arguments: Any) -> dict[str, Any]:
        nonlocal failed
        row = look(*arguments)
        if row["name"] == "Smoke 1" and not failed:
            failed = True
            raise RuntimeError("not now")
        return row

    monkeypatch.setattr(devices, "row", fails)
    dr.async_get(peer.hass).async_update_device(id_of(house, BREAKER), name_by_user="B")
    await peer.state("smoke-1", battery=9)
    await wait_until(peer.hass, lambda: "not now" in caplog.text)
    later = dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS + 1)
    async_fire_time_changed(peer.hass, later)
    message = await panel.hears("change")
    assert {row["name"] for row in message["devices"]} == {"B", "Smoke 1"}


async def test_police(house: House, police: Panel, peer: Peer) -> None:
    """Who may only read is offered nothing, and refused all the same."""
    await run_test(house, peer)
    smoke = (await rows(police))["Smoke 1"]
    assert smoke["may"] == {}
    for command in ("self_test", "sign_off"):
        answer = await police.ask(command, device_id=smoke["device_id"])
        assert answer["error"]["code"] == "unauthorized"
    assert house.settings_of(SMOKE).signed_off is None


async def test_who_reads_nothing(
    hass: HomeAssistant,
    house: House,
    hass_ws_client: WebSocketGenerator,
    hass_read_only_user: MockUser,
    hass_read_only_access_token: str,
) -> None:
    """A user to whom Home Assistant shows one device sees one device, and where it is."""
    event = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{SMOKE}/alarm_event"
    )
    assert event
    hass_read_only_user.groups = []
    hass_read_only_user.mock_policy({"entities": {"entity_ids": {event: True}}})
    panel = Panel(await hass_ws_client(hass, hass_read_only_access_token))
    move(hass, house, BREAKER, "1-1-202")
    assert (await rows(panel)).keys() == {"Smoke 1"}
    await panel.does("map")
    assert (await panel.hears("map"))["devices"] == {"1_1_201": 1}


async def test_rights(
    hass: HomeAssistant, panel: Panel, hass_admin_user: MockUser
) -> None:
    """A role that was taken away is noticed with the next beat."""
    register = Register()
    register.rights = {
        hass_admin_user.id: {Action.SELF_TEST: None, Action.CONFIGURE: ["1_1_201"]}
    }
    await offer(hass, register)
    found = await rows(panel)
    assert found["Smoke 1"]["may"].keys() == {"self_test", "sign_off"}
    assert found["Breaker 1"]["may"] == {}
    register.rights = {hass_admin_user.id: {}}
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    assert (await changed(panel, "name", "Smoke 1"))["may"] == {}


async def test_sign_off(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    gateway: MockConfigEntry,
    hass_admin_user: MockUser,
) -> None:
    """A breaker is handed over once it has a place, a rated current and its load's kind."""
    await rows(panel)
    breaker = {"device_id": id_of(house, BREAKER)}

    async def refused(**data: Any) -> str:
        answer = await panel.ask("sign_off", **breaker, **data)
        assert not answer["success"], answer
        return str(answer["error"]["translation_key"])

    assert await refused() == "commission_no_area"
    move(hass, house, BREAKER, "1-1-201")
    assert await refused() == "commission_rated_current_untouched"
    await hass.services.async_call(
        "number",
        "set_value",
        # As it was: that is a word, too.
        {"entity_id": "number.breaker_1_rated_current", "value": 63},
        blocking=True,
    )
    found = house.device(BREAKER)
    assert found
    found[1].set_available(False)
    assert await refused() == "commission_not_heard"
    found[1].set_available(True)
    assert await refused(protected=["supply"]) == "commission_protected_unconfirmed"
    # What nobody has said of its supplies, and that it was tried, is no tick of theirs.
    assert await refused(by_hand=True) == "commission_protected_unconfirmed"
    assert await refused(protected=[]) == "commission_by_hand_unconfirmed"
    await panel.does("sign_off", **breaker, protected=[], by_hand=True)
    message = await panel.hears(
        "change", lambda message: any(row["signed_off"] for row in message["devices"])
    )
    (row,) = message["devices"]
    assert row["signed_off"]["who"] == hass_admin_user.id
    kept = house.settings_of(BREAKER)
    assert DeviceSettings.from_dict(kept.as_dict()) == kept
    told = await async_get_config_entry_diagnostics(hass, gateway)
    assert hass_admin_user.id not in str(told)
    # It is of what was confirmed.
    await hass.services.async_call(
        "switch",
        "turn_on",
        {"entity_id": "switch.breaker_1_protected_load"},
        blocking=True,
    )
    await changed(panel, "signed_off", None)


async def test_sign_off_of_what_tests_itself(
    house: House,
    panel: Panel,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
) -> None:
    """A sensor has passed a test within a year."""
    smoke = {"device_id": id_of(house, SMOKE)}
    answer = await panel.ask("sign_off", **smoke)
    assert answer["error"]["translation_key"] == "commission_not_tested"
    await run_test(house, peer)
    test = house.book.tests.last(SMOKE)
    assert test
    await wait_until(peer.hass, lambda: test.ended_at is not None)
    await panel.does("sign_off", **smoke)
    test.at -= 366 * 86400
    answer = await panel.ask("sign_off", **smoke)
    assert answer["error"]["translation_key"] == "commission_not_tested"


async def test_sign_off_of_nothing(panel: Panel) -> None:
    """A device that is not there is not handed over."""
    answer = await panel.ask("sign_off", device_id="none")
    assert answer["error"]["translation_key"] == "nothing_in_target"


async def test_ends_with_the_panel(house: House, panel: Panel, peer: Peer) -> None:
    """Nothing is listened to any more when nobody looks, also in the middle of a change."""
    found = house.device(SMOKE)
    assert found
    before = {key: len(rows) for key, rows in found[1]._listeners.items()}
    watchers = len(house._watchers)
    await rows(panel)
    await panel.does("map")
    await panel.hears("map")
    assert len(house._watchers) == watchers + 2
    await peer.state("smoke-1", battery=50)
    await panel._client.close()
    await wait_until(peer.hass, lambda: len(house._watchers) == watchers)
    assert {
        key: len(rows) for key, rows in found[1]._listeners.items() if rows
    } == before


async def test_protected_load_by_its_name(
    hass: HomeAssistant,
    house: House,
    panel: Panel,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """It is switched off by its name and a reason, shown as kept off, and restored."""
    peer.obedient_breaker("breaker-1")
    found = house.device(BREAKER)
    assert found
    assert (await rows(panel))["Breaker 1"]["may"] == {"sign_off": "no_area"}
    found[1].settings.protected.add("supply")
    await house.async_save_settings(found[1])
    row = (await rows(panel))["Breaker 1"]
    assert row["may"]["open_protected"] is None
    named = {"device_id": row["device_id"], "supply": "supply"}
    order = {**named, "name": "Breaker 1 ", "reason": "electric_shock"}
    for wrong, key in (
        ({"name": "Breaker 2"}, "wrong_name"),
        ({"supply": "supply_2"}, "nothing_in_target"),
    ):
        answer = await panel.ask("open_protected", **{**order, **wrong})
        assert answer["error"]["translation_key"] == key
    assert house.latches.rows == {}
    (result,) = (await panel.does("open_protected", **order))["supplies"]
    assert result["status"] == "confirmed"
    row = (await rows(panel))["Breaker 1"]
    (latch,) = house.latches.rows.values()
    assert row["supplies"][0]["off"] == {
        "at": latch.at,
        "who": hass_admin_user.id,
        "reason": "electric_shock",
        "proven": True,
    }
    assert (row["may"]["restore"], "open_protected" in row["may"]) == (None, False)
    # No incident is about it: it stands among them all the same.
    snapshot = await panel.subscribes()
    (off,) = snapshot["kept_off"]
    assert (off["name"], off["reason"], off["proven"]) == (
        "Breaker 1",
        "electric_shock",
        True,
    )
    assert (await panel.hears("names"))["names"] == {hass_admin_user.id: "Mock User"}
    await panel.does("restore_supply", **named, checked="on_site")
    async_fire_time_changed(
        hass, dt_util.utcnow() + timedelta(seconds=stream.BEAT_SECONDS)
    )
    beat = await panel.hears("beat", lambda message: "kept_off" in message)
    assert beat["kept_off"] == []
    answer = await panel.ask("restore_supply", **named, checked="on_site")
    assert answer["error"]["translation_key"] == "nothing_to_restore"


async def test_one_supply_of_a_fire(
    hass: HomeAssistant, house: House, panel: Panel, peer: Peer
) -> None:
    """What a fire has cut is restored at its device only when that is over; it is no news there."""
    peer.obedient_breaker("breaker-1")
    move(hass, house, BREAKER, "1-1-201")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = house.book.open.values()
    await panel.does("cut_off", incident_id=alarm.incident_id)
    row = (await rows(panel))["Breaker 1"]
    assert row["may"]["restore"] == "still_present"
    assert (await panel.subscribes())["kept_off"] == []
    named = {"device_id": row["device_id"], "supply": "supply", "checked": "camera"}
    answer = await panel.ask("restore_supply", **named)
    assert answer["error"]["translation_key"] == "still_present"
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: not alarm.present)
    await panel.does("restore_supply", **named)
    assert house.latches.rows == {}


async def test_police_switch_nothing(
    house: House, police: Panel, peer: Peer, hass: HomeAssistant
) -> None:
    """Who may only read is offered neither, and refused both."""
    peer.obedient_breaker("breaker-1")
    found = house.device(BREAKER)
    assert found
    found[1].settings.protected.add("supply")
    row = (await rows(police))["Breaker 1"]
    assert row["may"] == {}
    named = {"device_id": row["device_id"], "supply": "supply"}
    for command, more in (
        ("open_protected", {"name": "Breaker 1", "reason": "water"}),
        ("restore_supply", {"checked": "on_site"}),
    ):
        answer = await police.ask(command, **named, **more)
        assert answer["error"]["code"] == "unauthorized"
    assert house.latches.rows == {}
