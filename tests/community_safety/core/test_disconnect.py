"""Verified cut-off: proof, refusal, welded contacts, latches, restarts, restore."""

import asyncio
from collections.abc import Callable
from dataclasses import asdict
import logging
import sqlite3
from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_fire_time_changed,
)

from custom_components.community_safety.const import DOMAIN, Severity
from custom_components.community_safety.core import disconnect, proving
from custom_components.community_safety.core.alarm import Alarm, Report
from custom_components.community_safety.core.device import registered
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.latches import Latch, Supply
from custom_components.community_safety.core.proving import Reason, Status
from homeassistant.core import Context, HomeAssistant
from homeassistant.exceptions import HomeAssistantError, ServiceValidationError
from homeassistant.helpers import entity_registry as er
from homeassistant.helpers.event import async_track_state_change_event
from tests.common import BASE, Peer, add_gateway, insert, wait_until
from tests.community_safety.blueprints.common import until

READINGS = ["supply", "current", "residual_current"]

#: What a person must say who restores.
CHECKED = {"checked": "on_site"}


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let what can never be proven end soon."""
    monkeypatch.setattr(disconnect, "TRY_SECONDS", 1.5)
    monkeypatch.setattr(proving, "ASK_SECONDS", 0.1)
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 3.0)
    monkeypatch.setattr(disconnect, "FIRST_BACKOFF_SECONDS", 0.01)


@pytest.fixture
async def breaker(gateway: MockConfigEntry, peer: Peer) -> str:
    """Return the id of a breaker that is closed under load."""
    await peer.config("breaker-1", "breaker_monitor", READINGS, area="1-1-201")
    await peer.state("breaker-1", supply=True, current=5, residual_current=3)
    return "breaker-1"


def supply_of(entry: MockConfigEntry, device: str, key: str = "supply") -> Supply:
    """Return a supply."""
    return Supply(entry.runtime_data.devices[device].uid, key)


async def cut(
    hass: HomeAssistant, user: MockUser | None = None, **data: Any
) -> list[dict[str, Any]]:
    """Call the action on the flat, unless another target is given."""
    target = data if {"device_id", "entity_id", "floor_id"} & data.keys() else None
    answer = await hass.services.async_call(
        DOMAIN,
        "cut_off",
        data if target else {"area_id": "1_1_201", **data},
        blocking=True,
        return_response=True,
        context=Context(user_id=user.id if user else None),
    )
    assert answer
    return list(answer["supplies"])  # type: ignore[arg-type]


def hazards(hass: HomeAssistant) -> list[str]:
    """Return the hazards of the open alarms."""
    return sorted(alarm.hazard for alarm in hass.data[DATA_HOUSE].book.open.values())


async def test_proven(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Relay and current are read back; then a second cut-off sends nothing."""
    peer.obedient_breaker(breaker)
    (result,) = await cut(hass)
    assert result["status"] == "confirmed"
    assert result["proof"] == ["supply", "current"]
    assert 0 < result["milliseconds"] < 3000, "GB 50166: linkage acts within 3 s"
    # What was asked meanwhile is not of the second one.
    await peer.settled()
    peer.heard.clear()
    (again,) = await cut(hass)
    assert (again["status"], again["milliseconds"]) == ("confirmed", 0)
    await peer.settled()
    assert peer.heard == []
    assert hazards(hass) == []


@pytest.mark.parametrize(
    ("reply", "status", "reason"),
    [
        # Says so, and reports nothing more
        ({"ok": True}, Status.UNCONFIRMED, Reason.RELAY_UNKNOWN),
        ({"ok": False, "reason": "locked"}, Status.FAILED, Reason.REFUSED),
        (None, Status.FAILED, Reason.NO_ANSWER),
    ],
)
async def test_not_proven(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    reply: dict[str, Any] | None,
    status: Status,
    reason: Reason,
) -> None:
    """What could not be proven is said, raises an alarm, and stays latched."""

    def answer(message: dict[str, Any]) -> None:
        body = reply and {"version": 1, "id": message["id"], **reply}
        peer.publish(f"{BASE}/{breaker}/result", body or "")

    peer.answer(f"{BASE}/{breaker}", answer)
    (result,) = await cut(hass, deadline=2)
    assert result["status"] == status
    assert result["reason"] == reason
    assert hazards(hass) == ["refused_to_open"]
    assert len(hass.data[DATA_HOUSE].cut_off.latches) == 1


@pytest.mark.parametrize(
    "lie",
    [
        pytest.param({"supply": False, "current": 5.0}, id="welded contact"),
        pytest.param({"supply": True, "current": 0.0}, id="still closed, no load"),
        pytest.param({"supply": False}, id="current is not reported"),
    ],
)
async def test_half_a_proof_is_none(
    hass: HomeAssistant, breaker: str, peer: Peer, lie: dict[str, Any]
) -> None:
    """Either both readings prove it, or it is not proven; late proof ends the alarm."""

    def answer(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/{breaker}/result", {"version": 1, "id": message["id"], "ok": True}
        )
        peer.publish(f"{BASE}/{breaker}/state", peer.state_message(lie), retain=True)

    peer.answer(f"{BASE}/{breaker}", answer)
    (result,) = await cut(hass, deadline=2)
    assert result["status"] in ("failed", "unconfirmed")
    assert hazards(hass) == ["refused_to_open"]

    await peer.state(breaker, supply=False, current=0.0)
    await wait_until(
        hass,
        lambda: all(
            not alarm.present for alarm in hass.data[DATA_HOUSE].book.open.values()
        ),
    )


async def test_broker_away(
    hass: HomeAssistant, breaker: str, mqtt_entry: MockConfigEntry
) -> None:
    """Without a connection the cut-off fails, and says so."""
    await hass.data["mqtt"].client.async_disconnect()
    (result,) = await cut(hass, deadline=2)
    assert result["status"] == "failed"
    assert "refused_to_open" in hazards(hass)


async def test_protected_and_drill(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """A protected load is never opened; a drill opens nothing."""
    (drilled,) = await cut(hass, drill=True)
    assert (drilled["status"], drilled["reason"]) == ("drill", "drill")
    gateway.runtime_data.devices[breaker].settings.protected.add("supply")
    (result,) = await cut(hass)
    assert result["status"] == "protected"
    await peer.settled()
    assert [topic for topic, _ in peer.heard if topic.endswith("/set")] == []
    assert hass.data[DATA_HOUSE].cut_off.latches == {}


async def test_latch_refuses_until_a_person_restores(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    hass_admin_user: MockUser,
) -> None:
    """Switching on is refused; an automation cannot restore; a person can."""
    peer.obedient_breaker(breaker)
    (result,) = await cut(hass)
    switch = {"entity_id": result["entity_id"]}
    with pytest.raises(HomeAssistantError) as refused:
        await hass.services.async_call("switch", "turn_on", switch, blocking=True)
    assert refused.value.translation_key == "latched"

    for context in (
        Context(),
        Context(user_id=hass_admin_user.id, parent_id="an automation's"),
    ):
        with pytest.raises(ServiceValidationError) as no_person:
            await hass.services.async_call(
                DOMAIN, "restore", {**switch, **CHECKED}, blocking=True, context=context
            )
        assert no_person.value.translation_key == "needs_person"

    person = Context(user_id=hass_admin_user.id)
    answer = await hass.services.async_call(
        DOMAIN,
        "restore",
        {**switch, **CHECKED},
        blocking=True,
        return_response=True,
        context=person,
    )
    assert answer
    assert answer["supplies"][0]["status"] == "confirmed"  # type: ignore[index]
    state = hass.states.get(str(result["entity_id"]))
    assert state
    assert state.state == "on"
    with pytest.raises(ServiceValidationError) as nothing:
        await hass.services.async_call(
            DOMAIN, "restore", {**switch, **CHECKED}, blocking=True, context=person
        )
    assert nothing.value.translation_key == "nothing_to_restore"


async def test_not_restored_while_the_hazard_is_there(
    hass: HomeAssistant, breaker: str, peer: Peer, hass_admin_user: MockUser
) -> None:
    """A person cannot restore either while what cut the supply is still present."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    peer.obedient_breaker(breaker)
    (result,) = await cut(hass, alarm_id=alarm.id)
    assert alarm.timeline[-1]["what"] == "cut_off"
    restore: Callable[[], Any] = lambda: hass.services.async_call(  # noqa: E731
        DOMAIN,
        "restore",
        {"entity_id": result["entity_id"], **CHECKED},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    with pytest.raises(ServiceValidationError) as present:
        await restore()
    assert present.value.translation_key == "still_present"
    await peer.state("smoke-1", smoke=False)
    await restore()
    assert hass.data[DATA_HOUSE].cut_off.latches == {}


async def test_not_restored_while_any_hazard_is_there(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A new alarm, of the same hazard or of another place, holds what is cut already."""
    await peer.config("pile", "charging_pile", ["supply_1", "current_1", "smoke"])
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("pile", supply_1=True, current_1=0, smoke=False)
    peer.obedient_breaker("pile")
    house = hass.data[DATA_HOUSE]
    manager = house.cut_off
    supplies = [supply_of(gateway, "pile", "supply_1")]

    async def is_cut_by(count: int) -> None:
        await wait_until(
            hass,
            lambda: (
                [
                    (len(latch.alarms), latch.proven)
                    for latch in manager.latches.values()
                ]
                == [(count, True)]
            ),
        )

    await peer.state("pile", smoke=True)
    await is_cut_by(1)
    await peer.state("smoke-1", smoke=True)
    other = next(row for row in house.book.open.values() if "smoke-1" in row.device)
    await manager.async_cut_off(supplies, alarm_id=other.id)
    await is_cut_by(2)
    for smoke in (False, True):
        await peer.state("pile", smoke=smoke)
    # The first one was superseded, and holds nothing any more.
    await is_cut_by(2)
    for device in ("smoke-1", "pile"):
        with pytest.raises(ServiceValidationError) as present:
            await manager.async_restore(supplies, who="somebody")
        assert present.value.translation_key == "still_present"
        await peer.state(device, smoke=False)
    (result,) = await manager.async_restore(supplies, who="somebody")
    assert result.status is Status.CONFIRMED


async def test_cut_off_again_while_it_is_restored(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A fire in the midst of a restore wins: it is not told to close any more."""
    monkeypatch.setattr(disconnect, "DEADLINE_SECONDS", 60)
    peer.obedient_breaker(breaker)
    manager = hass.data[DATA_HOUSE].cut_off
    supplies = [supply_of(gateway, breaker)]
    await manager.async_cut_off(supplies)
    peer.answer(f"{BASE}/{breaker}", lambda _message: None)
    # Home Assistant would wait for it.
    restoring = asyncio.create_task(manager.async_restore(supplies, who="somebody"))
    await peer.settled()
    peer.obedient_breaker(breaker)
    (cut_again,) = await manager.async_cut_off(supplies)
    assert cut_again.status is Status.CONFIRMED
    (result,) = await restoring
    assert (result.status, result.reason) == (Status.FAILED, Reason.OVERTAKEN)
    assert gateway.runtime_data.devices[breaker].readings["supply"] is False
    assert manager.latches


async def test_restore_waits_for_the_cut_off(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Whoever restores while it is being cut does so after that, and not in turns."""
    peer.obedient_breaker(breaker)
    manager = hass.data[DATA_HOUSE].cut_off
    supplies = [supply_of(gateway, breaker)]
    cutting = hass.async_create_task(manager.async_cut_off(supplies))
    (result,) = await manager.async_restore(supplies, who="somebody")
    assert result.status is Status.CONFIRMED
    assert (await cutting)[0].status is Status.CONFIRMED
    assert gateway.runtime_data.devices[breaker].readings["supply"] is True
    assert manager.latches == {}


@pytest.mark.parametrize(
    ("live", "what"),
    [
        ({"supply": True, "current": 4.0}, "came_back_closed"),
        ({"supply": True, "current": 0.0}, "came_back_closed"),
        ({"supply": False, "current": 4.0}, "current_returned"),
        ({"supply": False, "current": -4.0}, "current_returned"),
    ],
)
async def test_comes_back_live(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    live: dict[str, Any],
    what: str,
) -> None:
    """A latched supply that is live again, whatever its relay says, is cut and told."""
    house = hass.data[DATA_HOUSE]
    peer.obedient_breaker(breaker)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = house.book.open.values()
    await cut(hass, alarm_id=alarm.id)
    peer.heard.clear()
    await peer.state(breaker, **live)
    await peer.hears(f"{BASE}/{breaker}/set")
    device = gateway.runtime_data.devices[breaker]
    await wait_until(
        hass,
        lambda: (
            device.readings["supply"] is False
            and all(latch.proven for latch in house.cut_off.latches.values())
        ),
    )
    assert what in [row["what"] for row in alarm.timeline]
    (told,) = house.book.of_device(device.uid)
    assert (told.hazard, told.present) == ("refused_to_open", False)


async def test_latch_survives(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """After a reload the latch is there, and what is closed is cut by itself."""
    peer.obedient_breaker(breaker)
    await cut(hass)
    assert await hass.config_entries.async_unload(gateway.entry_id)
    # Meanwhile somebody closes it.
    peer.publish(
        f"{BASE}/{breaker}/state",
        peer.state_message({"supply": True, "current": 5.0}),
        retain=True,
    )
    peer.heard.clear()
    assert await hass.config_entries.async_setup(gateway.entry_id)
    message = await peer.hears(f"{BASE}/{breaker}/set")
    assert message["set"] == {"supply": False}
    await wait_until(
        hass,
        lambda: all(
            latch.proven for latch in hass.data[DATA_HOUSE].cut_off.latches.values()
        ),
    )


async def test_latch_of_an_earlier_run(
    hass: HomeAssistant, peer: Peer, hass_config_file: Any
) -> None:
    """A latch on disk holds for a device that reports itself closed.

    What cannot be read is told, and keeps nothing else from being taken over.
    """
    uid = f"mqtt/{BASE}/breaker-1"

    insert(
        hass_config_file,
        "latches",
        f"{uid}/supply",
        # With a field of a later version.
        {"device": uid, "key": "supply", "at": 1.0, "later": 1, "who": None},
    )
    insert(hass_config_file, "latches", "unreadable", {"device": uid})
    insert(hass_config_file, "alarms", "unreadable", {"device": uid})
    peer.obedient_breaker("breaker-1")
    await peer.gateway()
    entry = await add_gateway(hass)
    await wait_until(hass, lambda: entry.runtime_data.connected)
    await peer.config("breaker-1", "breaker_monitor", READINGS)
    await peer.state("breaker-1", supply=True, current=5.0)
    await wait_until(
        hass,
        lambda: all(
            latch.proven for latch in hass.data[DATA_HOUSE].cut_off.latches.values()
        ),
    )
    assert isinstance(next(iter(hass.data[DATA_HOUSE].cut_off.latches.values())), Latch)


@pytest.mark.parametrize(
    ("kind", "readings", "hazard"),
    [
        ("breaker_monitor", {"residual_current": 600}, "leakage"),
        ("breaker_monitor", {"conductor_temperature": 90}, "over_temperature"),
        ("charging_pile", {"smoke": True}, "smoke"),
        ("charging_pile", {"temperature": 75}, "over_temperature"),
    ],
)
async def test_cuts_by_itself(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    kind: str,
    readings: dict[str, Any],
    hazard: str,
) -> None:
    """Hazards that are marked so cut every supply of the device, with no automation."""
    supplies = {
        "breaker_monitor": {"supply": True, "current": 5.0},
        "charging_pile": {
            "supply_1": True,
            "current_1": 2.0,
            "supply_2": True,
            "current_2": 1.0,
        },
    }[kind]
    await peer.config("device", kind, [*supplies, *readings])
    await peer.state("device", **supplies)
    peer.obedient_breaker("device")
    await peer.state("device", **readings)
    latches = hass.data[DATA_HOUSE].cut_off.latches
    count = sum(key.startswith("supply") for key in supplies)
    await wait_until(
        hass,
        lambda: len(latches) == count and all(one.proven for one in latches.values()),
    )
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert alarm.hazard == hazard
    await wait_until(hass, lambda: alarm.timeline[-1]["what"] == "cut_off")
    assert [row["status"] for row in alarm.timeline[-1]["supplies"].values()] == [
        "confirmed"
    ] * count


async def test_cuts_what_a_crash_left(
    hass: HomeAssistant, peer: Peer, hass_config_file: sqlite3.Connection
) -> None:
    """Killed between alarm and latch: not announced yet, so it is cut after the restart."""
    await peer.gateway()
    for device, announced in (("told", True), ("untold", False)):
        alarm = Alarm(
            id=device,
            device=f"mqtt/{BASE}/{device}",
            device_id=None,
            device_name=device,
            hazard="leakage",
            severity=Severity.ALARM,
            raised_at=1.0,
            announced=announced,
        )
        insert(hass_config_file, "alarms", device, alarm.as_dict())
        peer.obedient_breaker(device)
        await peer.config(device, "breaker_monitor", READINGS)
        await peer.state(device, supply=True, current=5.0, residual_current=600)
    await add_gateway(hass)
    latches = hass.data[DATA_HOUSE].cut_off.latches
    await wait_until(hass, lambda: any(latch.proven for latch in latches.values()))
    ((supply, latch),) = latches.items()
    assert supply == f"mqtt/{BASE}/untold/supply"
    assert latch.alarms == ["untold"]


async def test_does_not_wait_for_the_disk(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    hass_config_file: sqlite3.Connection,
) -> None:
    """The power is off while the file is locked; the latch is on disk afterwards."""
    peer.obedient_breaker(breaker)
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    hass_config_file.execute("BEGIN EXCLUSIVE")
    (result,) = await cut(hass)
    assert result["status"] == "confirmed"
    hass_config_file.rollback()
    await wait_until(hass, lambda: not storage.is_busy)
    assert await storage._async_run(storage._living, "latches")


async def test_one_task_for_many_callers(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Many alarms of one moment share one cut-off of the same supply."""
    peer.obedient_breaker(breaker)
    manager = hass.data[DATA_HOUSE].cut_off
    answers = await asyncio.gather(
        *(manager.async_cut_off([supply_of(gateway, breaker)]) for _ in range(50))
    )
    assert {rows[0].status for rows in answers} == {Status.CONFIRMED}
    await peer.settled()
    assert len([topic for topic, _ in peer.heard if topic.endswith("/set")]) == 1


async def test_latch_of_a_lost_device(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Whoever clears its config lifts nothing; a person who deletes it does."""
    peer.obedient_breaker(breaker)
    await cut(hass)
    await peer.send(f"{BASE}/{breaker}/config", "", retain=True)
    house = hass.data[DATA_HOUSE]
    assert len(house.cut_off.latches) == 1
    device = gateway.runtime_data.devices[breaker]
    assert not device.available
    assert await gateway.runtime_data.async_delete(device)
    assert house.cut_off.latches == {}


async def test_deleted_while_it_is_cut(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A device that a person deletes meanwhile has its result, and leaves no latch."""
    manager = hass.data[DATA_HOUSE].cut_off
    cutting = hass.async_create_task(
        manager.async_cut_off([supply_of(gateway, breaker)], deadline=0.3)
    )
    await asyncio.sleep(0)
    gateway.runtime_data.remove_device(breaker)
    (result,) = await cutting
    assert (result.status, result.reason) == (Status.FAILED, Reason.OVERTAKEN)
    assert manager.latches == {}
    assert "Traceback" not in caplog.text


async def test_the_proof_of_one_ends_nothing_of_another(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """While a socket that could not be opened is tried anew, nobody knows that it is open."""
    keys = ["supply_1", "current_1", "supply_2", "current_2"]
    await peer.config("pile", "charging_pile", keys)
    await peer.state("pile", supply_1=True, current_1=1.0, supply_2=True, current_2=1.0)
    house = hass.data[DATA_HOUSE]
    first, second = (
        supply_of(gateway, "pile", key) for key in ("supply_1", "supply_2")
    )
    answers(peer, "pile", supply_1=True, current_1=1.0)
    await house.cut_off.async_cut_off([first], deadline=0.5)
    (alarm,) = house.book.open.values()
    assert alarm.hazard == "refused_to_open"

    latch = house.latches.get(first)
    assert latch
    latch.proven = None
    answers(peer, "pile", supply_1=True, current_1=1.0, supply_2=False, current_2=0.0)
    (result,) = await house.cut_off.async_cut_off([second])
    assert result.status is Status.CONFIRMED
    assert [row["what"] for row in alarm.timeline].count("cleared") == 0
    assert alarm.present


async def test_targets(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """One socket by its entity, all of them by the device; nothing else is touched."""
    keys = ["supply_1", "current_1", "supply_2", "current_2"]
    await peer.config("pile", "charging_pile", keys)
    await peer.state("pile", supply_1=True, current_1=1.0, supply_2=True, current_2=1.0)
    peer.obedient_breaker("pile")
    switch = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/pile/supply_2"
    )
    (result,) = await cut(hass, entity_id=switch)
    assert result["entity_id"] == switch
    device = gateway.runtime_data.devices["pile"]
    assert (device.readings["supply_1"], device.readings["supply_2"]) == (True, False)
    results = await cut(hass, device_id=device.device_id)
    assert [row["status"] for row in results] == ["confirmed", "confirmed"]
    with pytest.raises(ServiceValidationError) as nothing:
        await cut(hass, device_id="unknown")
    assert nothing.value.translation_key == "nothing_in_target"


# What is proven, and by what


def sets(peer: Peer) -> list[dict[str, Any]]:
    """Return what was commanded, and forget it."""
    found = [message["set"] for topic, message in peer.heard if topic.endswith("/set")]
    peer.heard.clear()
    return found


def answers(peer: Peer, device: str, **values: Any) -> None:
    """Let a device take every command, and report these values after it."""

    def reply(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/{device}/result", {"version": 1, "id": message["id"], "ok": True}
        )
        peer.publish(f"{BASE}/{device}/state", peer.state_message(values), retain=True)

    peer.answer(f"{BASE}/{device}", reply)


@pytest.mark.parametrize(
    ("before", "after", "status", "limit"),
    [
        # A load of 63 A rated may leave 0.63 A; what was on standby must fall by itself.
        (20.0, 0.5, "confirmed", "no_current"),
        (20.0, 0.7, "failed", None),
        (0.4, 0.4, "failed", None),
        (0.4, 0.0, "confirmed", "change"),
        (0.7, 0.6, "failed", None),
        (0.15, 0.14, "failed", None),
        (5.0, 0.3, "confirmed", "change"),
        # It flows back from a battery, or the clamp sits the other way round.
        (-5.0, -5.0, "failed", None),
        (-5.0, 0.0, "confirmed", "change"),
        (5.0, -3.0, "failed", None),
        # Nothing flowed: that nothing flows now says nothing of the contact.
        (0.0, 0.0, "confirmed", "relay_only"),
        (0.05, 0.05, "confirmed", "relay_only"),
        (0.0, 0.4, "failed", None),
    ],
)
async def test_current_is_judged_by_its_change(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    before: float,
    after: float,
    status: str,
    limit: str | None,
) -> None:
    """A standby current below what an open contact may show is no proof (IEC 60947-1)."""
    gateway.runtime_data.devices[breaker].settings.limits["rated_current"] = 63
    await peer.state(breaker, current=before)
    answers(peer, breaker, supply=False, current=after)
    (result,) = await cut(hass, deadline=1)
    assert (result["status"], result["limit"]) == (status, limit)
    proof = {"relay_only": ["supply"], None: []}.get(limit, ["supply", "current"])
    assert result["proof"] == proof


@pytest.mark.parametrize(
    ("after", "status"),
    [
        ({"current_l1": 0.0, "current_l2": 0.0, "current_l3": 0.0}, "confirmed"),
        ({"current_l1": 0.0, "current_l2": 5.0, "current_l3": 0.0}, "failed"),
        ({"current_l1": 0.0, "current_l2": 0.0, "current_l3": 5.0}, "failed"),
        ({"current_l1": 0.0, "current_l2": 0.0}, "unconfirmed"),
    ],
)
async def test_every_phase_counts(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    after: dict[str, float],
    status: str,
) -> None:
    """One phase that is still live, or was not read back, and nothing is proven."""
    phases = {"current_l1": 5.0, "current_l2": 5.0, "current_l3": 5.0}
    await peer.config("box", "breaker_monitor", ["supply", *phases], area="1-1-201")
    await peer.state("box", supply=True, **phases)
    answers(peer, "box", supply=False, **after)
    (result,) = await cut(hass, deadline=1)
    assert result["status"] == status


@pytest.mark.parametrize(
    ("power", "status"), [(-500.0, "failed"), (500.0, "failed"), (-3.0, "confirmed")]
)
async def test_power_that_flows_back(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    power: float,
    status: str,
) -> None:
    """Where only power is measured it proves as well, whatever its direction."""
    await peer.config("box", "breaker_monitor", ["supply", "power"], area="1-1-201")
    await peer.state("box", supply=True, power=800.0)
    answers(peer, "box", supply=False, power=power)
    (result,) = await cut(hass, deadline=1)
    assert result["status"] == status


async def test_offline_device_proves_nothing(
    hass: HomeAssistant, breaker: str, peer: Peer
) -> None:
    """It was proven once; what it said then is no answer to a cut-off of today."""
    peer.obedient_breaker(breaker)
    (result,) = await cut(hass)
    assert result["status"] == "confirmed"
    peer.answer(f"{BASE}/{breaker}", lambda _message: None)
    await peer.send(f"{BASE}/{breaker}/availability", {"version": 1, "online": False})
    (again,) = await cut(hass, deadline=1)
    assert again["status"] != "confirmed"


async def test_old_word_is_no_late_proof(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """It was open before and says nothing: that it can be reached again proves nothing."""
    await peer.state(breaker, supply=False, current=0.0)
    answers(peer, breaker, residual_current=3.0)
    (result,) = await cut(hass, deadline=1)
    assert (result["status"], result["reason"]) == ("unconfirmed", "relay_unknown")
    (latch,) = hass.data[DATA_HOUSE].cut_off.latches.values()
    device = gateway.runtime_data.devices[breaker]
    device.set_available(False)
    device.set_available(True)
    assert latch.proven is False


@pytest.mark.parametrize("again", [False, True], ids=["away", "restart"])
async def test_proven_late_and_back_live(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    again: bool,
) -> None:
    """What was proven, if late, and is live once it is heard anew, has come back: an alarm."""
    answers(peer, breaker, residual_current=3.0)
    house = hass.data[DATA_HOUSE]
    detector = Report(
        device="test",
        device_id=None,
        device_name="Detector",
        hazard="smoke",
        severity=Severity.ALARM,
    )
    house.book.report(detector)
    (alarm,) = house.book.open.values()
    (result,) = await cut(hass, deadline=1, alarm_id=alarm.id)
    assert result["status"] == "unconfirmed"
    await peer.state(breaker, supply=False, current=0.0)
    (latch,) = house.latches.rows.values()
    assert latch.proven
    assert latch.milliseconds is not None
    # It latches: a person resets it.
    (failed,) = [row for row in house.book.open.values() if row is not alarm]
    assert (failed.hazard, failed.present) == ("refused_to_open", False)

    device = gateway.runtime_data.devices[breaker]
    device.set_available(False)
    assert latch.proven is None
    if again:
        house.latches.rows.clear()
        house.latches.restore({latch.supply.id: asdict(latch)})
        (latch,) = house.latches.rows.values()
    device.update({"supply": True, "current": 5.0})
    device.set_available(True)

    await wait_until(hass, lambda: failed.present)
    assert [row["what"] for row in alarm.timeline].count("came_back_closed") == 1


async def test_at_the_real_deadline(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A device that takes the command and says nothing more is unconfirmed, not failed."""
    monkeypatch.undo()
    answers(peer, breaker, residual_current=3.0)
    peer.heard.clear()
    cutting = hass.async_create_background_task(cut(hass), "cut")
    seconds = 0.0
    while not cutting.done():
        freezer.tick(0.25)
        seconds += 0.25
        await peer.settled()
    (result,) = await cutting
    assert (result["status"], result["reason"]) == ("unconfirmed", "relay_unknown")
    assert seconds == pytest.approx(disconnect.DEADLINE_SECONDS, abs=1)
    assert sets(peer) == [{"supply": False}] * 3


async def test_a_try_for_which_no_time_is_left(
    hass: HomeAssistant, breaker: str, peer: Peer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is none: that nobody answered in no time says nothing of who took the one before."""
    for name, seconds in (("TRY_SECONDS", 1.0), ("FIRST_BACKOFF_SECONDS", 60.0)):
        monkeypatch.setattr(disconnect, name, seconds)
    answers(peer, breaker, residual_current=3.0)
    peer.heard.clear()
    (result,) = await cut(hass, deadline=2)
    assert (result["status"], result["reason"]) == ("unconfirmed", "relay_unknown")
    assert sets(peer) == [{"supply": False}]


@pytest.mark.parametrize(
    "stuck",
    [
        pytest.param({"supply": True, "current": 5.0}, id="stuck"),
        pytest.param({"supply": False}, id="the current never comes"),
        pytest.param({"supply": False, "current": 5.0}, id="welded"),
    ],
)
async def test_stuck_relay_is_not_worn_out(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    stuck: dict[str, Any],
) -> None:
    """A few commands further and further apart, and one line in the log: not 36 in 90 s."""
    monkeypatch.undo()
    answers(peer, breaker, **stuck)
    await peer.settled()
    peer.heard.clear()
    cutting = hass.async_create_background_task(cut(hass), "cut")
    for _second in range(90):
        freezer.tick(1)
        async_fire_time_changed(hass)
        await peer.state(breaker, **stuck)
    assert cutting.done()
    assert 0 < len(sets(peer)) <= 10
    lines = [row for row in caplog.records if "is not proven" in row.message]
    assert [row.levelname for row in lines if row.levelno > logging.DEBUG] == ["ERROR"]


async def test_no_flicker(hass: HomeAssistant, breaker: str, peer: Peer) -> None:
    """What a gateway hopes, remembers and hears takes turns; the switch shows the end.

    Koenkk/zigbee2mqtt#16035, #1291: off, on, and off again within a second or two.
    """
    entity_id = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"mqtt/{BASE}/{breaker}/supply"
    )
    shown: list[str] = []
    async_track_state_change_event(
        hass,
        [str(entity_id)],
        lambda event: shown.append(event.data["new_state"].state),
    )

    def reply(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/{breaker}/result", {"version": 1, "id": message["id"], "ok": True}
        )
        for supply, current in ((False, 5.0), (True, 5.0), (False, 0.0)):
            peer.publish(
                f"{BASE}/{breaker}/state",
                peer.state_message({"supply": supply, "current": current}),
            )

    peer.answer(f"{BASE}/{breaker}", reply)
    (result,) = await cut(hass)
    await hass.async_block_till_done()
    assert result["status"] == "confirmed"
    assert shown == ["off"]


# Whose cut-off it is


async def test_drill_of_the_alarm(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, breaker: str
) -> None:
    """Whoever names the alarm of a drill cuts nothing, also after it has ended."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke", "test"])
    await peer.state("smoke-1", test=True, smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert alarm.drill
    for _now in ("during", "after"):
        (result,) = await cut(hass, alarm_id=alarm.id)
        assert (result["status"], result["reason"]) == ("drill", "drill")
        # Nor does its timeline say that something may still be on.
        (supplies,) = [row["supplies"] for row in alarm.timeline if "supplies" in row]
        assert [row["status"] for row in supplies.values()] == ["drill"]
        hass.data[DATA_HOUSE].book.drop_device(alarm.device)
    await peer.settled()
    assert sets(peer) == []
    assert hass.data[DATA_HOUSE].cut_off.latches == {}


async def test_a_drill_of_a_whole_compound(
    hass: HomeAssistant, breaker: str, peer: Peer
) -> None:
    """However many detectors are tested after it, an automation that comes late cuts nothing."""
    house = hass.data[DATA_HOUSE]
    drills: list[str] = []
    for number in range(1000):
        report = Report(
            device=f"detector-{number}",
            device_id=None,
            device_name="Detector",
            hazard="smoke",
            severity=Severity.ALARM,
            drill=True,
        )
        house.book.report(report)
        drills += house.book.open
        house.book.end_drills(report.device)
    await wait_until(hass, lambda: not house.storage.is_busy)
    assert (len(drills), house.book.open) == (1000, {})
    (result,) = await cut(hass, alarm_id=drills[0])
    assert result["status"] == "drill"
    assert sets(peer) == []


async def test_self_test_of_a_device_with_supplies(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """A pile that tests its smoke sensor keeps its sockets."""
    await peer.config("pile", "charging_pile", ["supply_1", "smoke", "test"])
    await peer.state("pile", supply_1=True)
    await peer.state("pile", test=True, smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    assert (alarm.hazard, alarm.drill) == ("smoke", True)
    await peer.settled()
    assert sets(peer) == []


@pytest.mark.parametrize("unread", [False, True], ids=["known", "not read"])
async def test_a_self_test_trips_no_protected_load(
    hass: HomeAssistant,
    peer: Peer,
    gateway: MockConfigEntry,
    unread: bool,
) -> None:
    """A breaker's self-test opens it: of a fire pump's that is not done from afar."""
    commands = ["self_test"]
    await peer.config("pump", "breaker_monitor", READINGS, commands=commands)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], commands=commands)
    run = gateway.runtime_data
    for name, said in (("pump", {"supply": True}), ("smoke-1", {"smoke": False})):
        answers(peer, name, **said)
        await run.async_press(run.devices[name], "self_test")
    await peer.settled()
    assert sets(peer) == [{"self_test": True}] * 2
    for device in run.devices.values():
        device.settings.unread = unread
    if not unread:
        run.devices["pump"].settings.protected.add("supply")
    for press in (
        run.async_press(run.devices["pump"], "self_test"),
        hass.services.async_call(
            DOMAIN,
            "self_test",
            {"device_id": run.devices["pump"].device_id},
            blocking=True,
        ),
    ):
        with pytest.raises(ServiceValidationError) as refused:
            await press
        assert refused.value.translation_key == "self_test_protected"
    await run.async_press(run.devices["smoke-1"], "self_test")
    await peer.settled()
    assert sets(peer) == [{"self_test": True}]


async def test_protected_load_is_not_switched_off(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """A fire pump is not switched off by its switch."""
    device = gateway.runtime_data.devices[breaker]
    device.settings.protected.add("supply")
    entity_id = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"{device.uid}/supply"
    )
    with pytest.raises(ServiceValidationError) as refused:
        await hass.services.async_call(
            "switch", "turn_off", {"entity_id": entity_id}, blocking=True
        )
    assert refused.value.translation_key == "protected"
    await peer.settled()
    assert sets(peer) == []


async def test_second_alarm_holds_after_a_restart(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """That one more alarm wants a supply off is stored: a restart forgets none."""
    peer.obedient_breaker(breaker)
    await cut(hass, alarm_id="first")
    await cut(hass, alarm_id="second")
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    (row,) = (await storage._async_run(storage._living, "latches")).values()
    assert row["alarms"][-1] == "second"


# Reloads


@pytest.mark.parametrize("moment", ["begun", "commanded", "obeyed", "proven"])
async def test_reload_in_mid_cut_off(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    moment: str,
) -> None:
    """Whenever it comes, it ends in the truth: the supply is open, and that is proven."""
    commanded = asyncio.Event()

    def take(message: dict[str, Any]) -> None:
        peer.publish(
            f"{BASE}/{breaker}/result", {"version": 1, "id": message["id"], "ok": True}
        )
        commanded.set()

    def obey() -> None:
        peer.obedient_breaker(breaker)
        peer.publish(
            f"{BASE}/{breaker}/state",
            peer.state_message({"supply": False, "current": 0.0}),
            retain=True,
        )

    peer.answer(f"{BASE}/{breaker}", take)
    cutting = hass.async_create_background_task(cut(hass, deadline=20), "cut")

    async def proven() -> None:
        obey()
        await asyncio.wait([cutting])

    async def obeyed() -> None:
        await commanded.wait()
        obey()

    await {
        "begun": lambda: asyncio.sleep(0),
        "commanded": commanded.wait,
        "obeyed": obeyed,
        "proven": proven,
    }[moment]()
    assert await hass.config_entries.async_reload(gateway.entry_id)
    obey()
    (result,) = await cutting
    assert result["status"] == "confirmed"
    (latch,) = hass.data[DATA_HOUSE].cut_off.latches.values()
    device = gateway.runtime_data.devices[breaker]
    await wait_until(
        hass, lambda: latch.proven is True and device.readings.get("supply") is False
    )


async def test_unloaded_in_mid_cut_off(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Nobody can say what it did: not that it failed, and the latch is kept for later."""
    peer.answer(f"{BASE}/{breaker}", lambda _message: None)
    cutting = hass.async_create_background_task(cut(hass, deadline=1), "cut")
    await peer.hears(f"{BASE}/{breaker}/set")
    assert await hass.config_entries.async_unload(gateway.entry_id)
    (result,) = await cutting
    assert (result["status"], result["reason"]) == ("unconfirmed", "gone")
    peer.obedient_breaker(breaker)
    assert await hass.config_entries.async_setup(gateway.entry_id)
    await wait_until(
        hass,
        lambda: all(
            latch.proven for latch in hass.data[DATA_HOUSE].cut_off.latches.values()
        ),
    )


# Gateways that are not loaded


async def forget_description(hass: HomeAssistant, uid: str) -> None:
    """Let the file be lost in which devices are remembered."""
    del hass.data[DATA_HOUSE]._known[uid]


async def delete_entity(hass: HomeAssistant, uid: str) -> None:
    """Let a person tidy up what is not there."""
    registry = er.async_get(hass)
    entity_id = registry.async_get_entity_id("switch", DOMAIN, f"{uid}/supply")
    assert entity_id
    registry.async_remove(entity_id)
    await hass.async_block_till_done()


@pytest.mark.parametrize("lost", [None, forget_description, delete_entity])
async def test_gateway_that_is_not_loaded(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    lost: Callable[[HomeAssistant, str], Any] | None,
) -> None:
    """Its supply is no proven one, people are told, and it is cut when it is back.

    So are those of the other gateways of the place, and none waits for it in vain.
    """
    other = await add_gateway(hass, "community_safety/annex")
    annex = "community_safety/annex"
    await peer.send(
        f"{annex}/status", {"version": 1, "online": True, "id": "x"}, retain=True
    )
    await peer.send(
        f"{annex}/breaker-2/config",
        {
            "version": 1,
            "id": "y",
            "time": 1.0,
            "kind": "breaker_monitor",
            "name": "Breaker 2",
            "readings": ["supply", "current"],
            "area": "1-1-201",
        },
        retain=True,
    )
    uid = f"mqtt/{BASE}/{breaker}"
    assert await hass.config_entries.async_unload(gateway.entry_id)
    for lose in (lost,) if lost else ():
        await lose(hass, uid)
    peer.heard.clear()

    results = {row["device_id"]: row for row in await cut(hass, deadline=1)}

    device_id = registered(hass, uid).id  # type: ignore[union-attr]
    assert len(results) == 2
    result = results[device_id]
    assert (result["status"], result["reason"]) == ("unconfirmed", "gone")
    house = hass.data[DATA_HOUSE]
    (alarm,) = house.book.of_device(uid)
    assert (alarm.hazard, alarm.present) == ("refused_to_open", True)
    assert (alarm.device_id, alarm.device_name) == (device_id, "Breaker 1")
    assert [topic for topic, _ in peer.heard if topic == f"{annex}/breaker-2/set"]

    peer.obedient_breaker(breaker)
    assert await hass.config_entries.async_setup(gateway.entry_id)
    latch = house.cut_off.latches[f"{uid}/supply"]
    await wait_until(hass, lambda: latch.proven is True and not alarm.present)
    device = gateway.runtime_data.devices[breaker]
    assert device.readings["supply"] is False
    # What flowed before was only remembered by the broker: that it is gone is no measure.
    assert latch.limit == "relay_only"
    assert other.runtime_data.devices


async def test_restored_while_its_gateway_is_not_loaded(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Nobody could tell it to close: it stays latched, and whoever restores is told."""
    peer.obedient_breaker(breaker)
    await cut(hass)
    house = hass.data[DATA_HOUSE]
    assert await hass.config_entries.async_unload(gateway.entry_id)
    supplies = house.cut_off.supplies_of(f"mqtt/{BASE}/{breaker}")
    (result,) = await house.cut_off.async_restore(supplies, who="somebody")
    assert (result.status, result.reason) == (Status.UNCONFIRMED, Reason.GONE)
    assert len(house.cut_off.latches) == 1
    assert await hass.config_entries.async_setup(gateway.entry_id)
    (result,) = await house.cut_off.async_restore(supplies, who="somebody")
    assert result.status is Status.CONFIRMED


async def test_unloaded_before_the_alarm_was_stored(
    hass: HomeAssistant,
    breaker: str,
    peer: Peer,
    gateway: MockConfigEntry,
    hass_config_file: sqlite3.Connection,
) -> None:
    """What cuts its own supply cuts it, whatever becomes of its gateway meanwhile."""
    peer.obedient_breaker(breaker)
    house = hass.data[DATA_HOUSE]
    await wait_until(hass, lambda: not house.storage.is_busy)
    hass_config_file.execute("BEGIN EXCLUSIVE")
    peer.publish(
        f"{BASE}/{breaker}/state", peer.state_message({"residual_current": 600})
    )
    # To wait until all is done would be to wait for the disk.
    await until(lambda: bool(house.book.open))
    gateway.runtime_data.house.detach(gateway.runtime_data.devices[breaker])
    assert house.cut_off.latches == {}
    hass_config_file.rollback()
    await wait_until(hass, lambda: len(house.cut_off.latches) == 1)
    assert await hass.config_entries.async_reload(gateway.entry_id)
    await wait_until(
        hass, lambda: all(row.proven for row in house.cut_off.latches.values())
    )


# Protected afterwards


@pytest.fixture
async def pump(hass: HomeAssistant, breaker: str, peer: Peer) -> Supply:
    """Return a fire pump that nobody has marked, cut off with its flat, which still burns."""
    peer.obedient_breaker(breaker)
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-1", smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    (result,) = await cut(hass, alarm_id=alarm.id)
    assert result["status"] == "confirmed"
    peer.heard.clear()
    return Supply(f"mqtt/{BASE}/{breaker}", "supply")


async def protect(hass: HomeAssistant, supply: Supply, *, on: bool = True) -> None:
    """Mark a supply as a protected load, or no longer."""
    entity_id = er.async_get(hass).async_get_entity_id(
        "switch", DOMAIN, f"{supply.uid}/protected"
    )
    await hass.services.async_call(
        "switch",
        "turn_on" if on else "turn_off",
        {"entity_id": entity_id},
        blocking=True,
    )


async def test_protected_after_it_was_cut(
    hass: HomeAssistant, pump: Supply, peer: Peer, breaker: str
) -> None:
    """Whoever closes the pump at the board is not worked against; all else holds it off."""
    house = hass.data[DATA_HOUSE]
    await protect(hass, pump)
    await peer.state(breaker, supply=True, current=5.0)
    await peer.state(breaker, supply=True, current=6.0)
    assert sets(peer) == []
    assert hazards(hass) == ["smoke"]
    entity_id = er.async_get(hass).async_get_entity_id("switch", DOMAIN, pump.id)
    with pytest.raises(HomeAssistantError) as latched:
        await hass.services.async_call(
            "switch", "turn_on", {"entity_id": entity_id}, blocking=True
        )
    assert latched.value.translation_key == "latched"

    # A load that is not protected any more is kept off again.
    await protect(hass, pump, on=False)
    await wait_until(
        hass, lambda: all(row.proven for row in house.cut_off.latches.values())
    )
    assert sets(peer) == [{"supply": False}]


async def test_protected_is_restored_while_it_burns(
    hass: HomeAssistant, pump: Supply, peer: Peer, breaker: str
) -> None:
    """By a person; nothing opens it again."""
    house = hass.data[DATA_HOUSE]
    with pytest.raises(ServiceValidationError) as present:
        await house.cut_off.async_restore([pump], who="somebody")
    assert present.value.translation_key == "still_present"
    await protect(hass, pump)
    (result,) = await house.cut_off.async_restore([pump], who="somebody")
    assert result.status is Status.CONFIRMED
    for smoke in (False, True):
        await peer.state("smoke-1", smoke=smoke)
    await hass.async_block_till_done()
    assert house.cut_off.latches == {}
    assert sets(peer) == [{"supply": True}]


async def test_protected_while_it_is_cut(
    hass: HomeAssistant, breaker: str, peer: Peer, gateway: MockConfigEntry
) -> None:
    """It is not commanded any more, and no failed cut-off."""
    peer.answer(f"{BASE}/{breaker}", lambda _message: None)
    cutting = hass.async_create_background_task(cut(hass, deadline=20), "cut")
    await peer.hears(f"{BASE}/{breaker}/set")
    await protect(hass, supply_of(gateway, breaker))
    (result,) = await cutting
    assert (result["status"], result["reason"]) == ("failed", "overtaken")
    peer.heard.clear()
    await peer.state(breaker, supply=True, current=5.0)
    assert sets(peer) == []
    assert hazards(hass) == []


async def test_protected_and_opened_for_a_reason(
    hass: HomeAssistant,
    pump: Supply,
    peer: Peer,
    breaker: str,
    hass_admin_user: MockUser,
) -> None:
    """What was cut with its flat, and then for a person's reason, stays off for that."""
    await protect(hass, pump)
    entity_id = er.async_get(hass).async_get_entity_id("switch", DOMAIN, pump.id)
    await hass.services.async_call(
        DOMAIN,
        "open_protected_load",
        {"entity_id": entity_id, "reason": "water"},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    (latch,) = hass.data[DATA_HOUSE].cut_off.latches.values()
    assert (latch.reason, latch.who) == ("water", hass_admin_user.id)
    sets(peer)
    await peer.state(breaker, supply=True, current=5.0)
    assert (await peer.hears(f"{BASE}/{breaker}/set"))["set"] == {"supply": False}
