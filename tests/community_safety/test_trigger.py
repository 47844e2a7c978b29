"""Triggers in real automations: targets, filters, and what the automation is told."""

from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_mock_service,
)
import voluptuous as vol

from custom_components.community_safety.catalogue import HAZARDS
from custom_components.community_safety.const import DOMAIN, Severity
from custom_components.community_safety.core.alarm import Change
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.target import AlarmFilter
from homeassistant.components.automation import DOMAIN as AUTOMATION_DOMAIN
from homeassistant.core import HomeAssistant, ServiceCall
from homeassistant.helpers import (
    area_registry as ar,
    device_registry as dr,
    entity_registry as er,
    floor_registry as fr,
    label_registry as lr,
)
from homeassistant.helpers.target import TargetSelection
from homeassistant.helpers.trigger import async_validate_trigger_config
from homeassistant.helpers.trigger.descriptions import async_get_all_descriptions
from homeassistant.setup import async_setup_component
from tests.common import BASE, Peer, add_gateway, wait_until

ALARMS = 300


@pytest.fixture
def seen(hass: HomeAssistant) -> list[ServiceCall]:
    """Return what automations have done."""
    return async_mock_service(hass, "test", "seen")


@pytest.fixture
async def house(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> None:
    """Two flats on two floors with a smoke sensor each, and a breaker in the first."""
    for number, area in enumerate(("1-1-201", "1-1-301"), 1):
        await peer.config(
            f"smoke-{number}", "smoke_sensor", ["smoke", "tamper", "battery"], area=area
        )
        await peer.state(f"smoke-{number}", smoke=False, tamper=False, battery=90)
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "residual_current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, residual_current=1)
    areas, floors = ar.async_get(hass), fr.async_get(hass)
    for area in ("1_1_201", "1_1_301"):
        floor = floors.async_create(f"Floor of {area}")
        areas.async_update(area, floor_id=floor.floor_id)


def device_id(hass: HomeAssistant, device: str) -> str:
    """Return the registry's id of a device."""
    found = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/{device}")
    assert found
    assert found[1].device_id
    return found[1].device_id


def entity_id(hass: HomeAssistant, domain: str, device: str, key: str) -> str:
    """Return an entity's id."""
    found = er.async_get(hass).async_get_entity_id(
        domain, DOMAIN, f"mqtt/{BASE}/{device}/{key}"
    )
    assert found
    return found


async def automate(hass: HomeAssistant, trigger: str, **more: Any) -> None:
    """Set up an automation that tells what its trigger told."""
    assert await async_setup_component(
        hass,
        AUTOMATION_DOMAIN,
        {
            AUTOMATION_DOMAIN: {
                "alias": "Watch",
                "mode": "parallel",
                "max": 2 * ALARMS,
                "triggers": {"trigger": f"{DOMAIN}.{trigger}", **more},
                "actions": {
                    "action": "test.seen",
                    "data": {"trigger": "{{ trigger }}"},
                },
            }
        },
    )
    await hass.async_block_till_done()


def told(seen: list[ServiceCall]) -> list[tuple[str, str]]:
    """Return device and hazard of what automations were told."""
    return [
        (call.data["trigger"]["device_name"], call.data["trigger"]["hazard"])
        for call in seen
    ]


async def announced(hass: HomeAssistant, alarms: int) -> None:
    """Wait until so many open alarms are told and automations have run."""
    book = hass.data[DATA_HOUSE].book
    await wait_until(
        hass,
        lambda: [alarm.announced for alarm in book.open.values()] == [True] * alarms,
    )
    await hass.async_block_till_done()


async def acknowledge_all(hass: HomeAssistant) -> None:
    """Acknowledge whatever is open."""
    await hass.services.async_call(
        DOMAIN, "acknowledge", {"entity_id": "all"}, blocking=True
    )


async def test_what_it_tells(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """An automation knows all that a notification needs."""
    await automate(hass, "alarm_raised", id="fire")
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(seen) == 1)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    trigger = seen[0].data["trigger"]
    expected = {
        "id": "fire",
        "platform": f"{DOMAIN}.alarm_raised",
        "description": "Alarm raised: Smoke",
        "type": "raised",
        "alarm_id": alarm.id,
        "hazard": "smoke",
        "hazard_name": "Smoke",
        "severity": "alarm",
        "state": "raised",
        "drill": False,
        "present": True,
        "device_id": device_id(hass, "smoke-1"),
        "device_name": "Smoke 1",
        "device_kind": "smoke_sensor",
        "area_id": "1_1_201",
        "area_name": "1-1-201",
    }
    assert {key: trigger[key] for key in expected} == expected


@pytest.mark.parametrize(
    ("trigger", "before", "changes"),
    [
        ("alarm_raised", {}, {"residual_current": 600}),
        ("alarm_cleared", {"residual_current": 600}, {"residual_current": 1}),
    ],
)
async def test_changes(
    hass: HomeAssistant,
    house: None,
    peer: Peer,
    seen: list[ServiceCall],
    trigger: str,
    before: dict[str, Any],
    changes: dict[str, Any],
) -> None:
    """A trigger hears its own change of an alarm and no other."""
    await automate(hass, trigger)
    await peer.state("breaker-1", supply=True, **before)
    await acknowledge_all(hass)
    seen.clear()
    await peer.state("breaker-1", **changes)
    await wait_until(hass, lambda: len(seen) == 1)
    assert told(seen) == [("Breaker 1", "leakage")]


async def test_returned(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """What is back at once is heard by who asks for that, and calls nobody again."""
    await automate(hass, "alarm_returned")
    for smoke in (True, False, True):
        await peer.state("smoke-1", smoke=smoke)
    await wait_until(hass, lambda: len(seen) == 1)
    trigger = seen[0].data["trigger"]
    assert (trigger["type"], trigger["returns"], trigger["present"]) == (
        "returned",
        1,
        True,
    )


async def test_acknowledged(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """An acknowledgement triggers once, and its user is the reason of the run."""
    await automate(hass, "alarm_acknowledged")
    await peer.state("smoke-1", smoke=True)
    await acknowledge_all(hass)
    await acknowledge_all(hass)
    await peer.state("smoke-1", smoke=False)
    await wait_until(hass, lambda: len(seen) == 1)
    assert seen[0].data["trigger"]["description"] == "Alarm acknowledged: Smoke"


async def test_worse(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """A warning that becomes an alarm is raised again."""
    await automate(hass, "alarm_raised", options={"hazard": "leakage"})
    await peer.state("breaker-1", residual_current=400)
    await peer.state("breaker-1", residual_current=600)
    await wait_until(hass, lambda: len(seen) == 2)
    severities = [call.data["trigger"]["severity"] for call in seen]
    assert severities == ["warning", "alarm"]


async def test_cut_off_failed(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """What could not be proven triggers, what led to it does not."""
    await automate(hass, "cut_off_failed", target={"area_id": "1_1_201"})
    await peer.state("smoke-1", smoke=True)
    found = hass.data[DATA_HOUSE].device(f"mqtt/{BASE}/breaker-1")
    assert found
    found[1].derive(cut_off_unproven=True)
    await wait_until(hass, lambda: len(seen) == 1)
    assert told(seen) == [("Breaker 1", "refused_to_open")]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, {"smoke", "tamper", "leakage"}),
        ({"hazard": [], "severity": []}, {"smoke", "tamper", "leakage"}),
        ({"hazard": ["smoke", "tamper"]}, {"smoke", "tamper"}),
        ({"severity": "fault"}, {"tamper"}),
        ({"severity": ["warning", "alarm"]}, {"smoke", "leakage"}),
        ({"hazard": "smoke", "severity": "fault"}, set()),
    ],
)
async def test_filters(
    hass: HomeAssistant,
    house: None,
    peer: Peer,
    seen: list[ServiceCall],
    options: dict[str, Any],
    expected: set[str],
) -> None:
    """Hazard and severity narrow it down; an empty filter does not."""
    await automate(hass, "alarm_raised", options=options)
    await peer.state("smoke-1", smoke=True, tamper=True)
    await peer.state("breaker-1", residual_current=400)
    await announced(hass, 3)
    assert {hazard for _, hazard in told(seen)} == expected


async def raise_everywhere(hass: HomeAssistant, peer: Peer) -> None:
    """Raise smoke and tamper in both flats."""
    for number in (1, 2):
        await peer.state(f"smoke-{number}", smoke=True, tamper=True)
    await announced(hass, 4)


FIRST = [("Smoke 1", "smoke"), ("Smoke 1", "tamper")]
SECOND = [("Smoke 2", "smoke"), ("Smoke 2", "tamper")]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ({}, FIRST + SECOND),
        ({"area_id": "1_1_201"}, FIRST),
        ({"area_id": ["1_1_201", "1_1_301"]}, FIRST + SECOND),
        ({"floor_id": "floor_of_1_1_301"}, SECOND),
        ({"label_id": "sleeps_deep"}, FIRST),
        ({"label_id": "loud"}, SECOND),
        ({"label_id": "fire_only"}, [("Smoke 2", "smoke")]),
        ({"area_id": "no_such_area", "label_id": "no_such_label"}, []),
    ],
)
async def test_places(
    hass: HomeAssistant,
    house: None,
    peer: Peer,
    seen: list[ServiceCall],
    target: dict[str, Any],
    expected: list[tuple[str, str]],
) -> None:
    """An alarm is in its area, on its floor, and has its area's and device's labels."""
    labels = lr.async_get(hass)
    for name in ("Sleeps deep", "Loud", "Fire only"):
        labels.async_create(name)
    ar.async_get(hass).async_update("1_1_201", labels={"sleeps_deep"})
    dr.async_get(hass).async_update_device(device_id(hass, "smoke-2"), labels={"loud"})
    er.async_get(hass).async_update_entity(
        entity_id(hass, "binary_sensor", "smoke-2", "smoke"), labels={"fire_only"}
    )
    await automate(hass, "alarm_raised", target=target)
    await raise_everywhere(hass, peer)
    assert sorted(told(seen)) == expected


@pytest.mark.parametrize(
    ("domain", "key", "expected"),
    [
        ("event", "alarm_event", FIRST),
        ("sensor", "battery", FIRST),
        ("binary_sensor", "smoke", FIRST[:1]),
    ],
)
async def test_entities(
    hass: HomeAssistant,
    house: None,
    peer: Peer,
    seen: list[ServiceCall],
    domain: str,
    key: str,
    expected: list[tuple[str, str]],
) -> None:
    """A hazard's entity stands for that hazard, any other for its device."""
    named = entity_id(hass, domain, "smoke-1", key)
    await automate(hass, "alarm_raised", target={"entity_id": named})
    await raise_everywhere(hass, peer)
    assert sorted(told(seen)) == expected


async def test_group(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """A group of entities stands for its members of that moment."""
    named = entity_id(hass, "binary_sensor", "smoke-2", "smoke")
    assert await async_setup_component(
        hass, "group", {"group": {"smoke": {"entities": [named]}}}
    )
    await automate(hass, "alarm_raised", target={"entity_id": "group.smoke"})
    await raise_everywhere(hass, peer)
    assert told(seen) == SECOND[:1]


async def test_entity_in_another_area(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """A hazard that a person has put into another area is there as well."""
    er.async_get(hass).async_update_entity(
        entity_id(hass, "binary_sensor", "smoke-2", "smoke"), area_id="1_1_201"
    )
    await automate(hass, "alarm_raised", target={"area_id": "1_1_201"})
    await raise_everywhere(hass, peer)
    assert sorted(told(seen)) == [*FIRST, SECOND[0]]


@pytest.mark.skipif(
    "exclude" not in TargetSelection.__slots__, reason="new in Home Assistant 2026.11"
)
@pytest.mark.parametrize(
    ("key", "expected"),
    [("smoke", FIRST[1:]), ("alarm_event", []), ("battery", FIRST)],
)
async def test_left_out(
    hass: HomeAssistant,
    house: None,
    peer: Peer,
    seen: list[ServiceCall],
    key: str,
    expected: list[tuple[str, str]],
) -> None:
    """What a target leaves out does not trigger; a battery's entity hides no alarm."""
    domains = {"smoke": "binary_sensor", "alarm_event": "event", "battery": "sensor"}
    named = entity_id(hass, domains[key], "smoke-1", key)
    await automate(
        hass,
        "alarm_raised",
        target={
            "area_id": ["1_1_201", "1_1_301"],
            "exclude": {"area_id": "1_1_301", "entity_id": named},
        },
    )
    await raise_everywhere(hass, peer)
    assert sorted(told(seen)) == expected


async def test_device_that_comes_later(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """A device that joins an area, or moves there, is in the target at once."""
    await automate(hass, "alarm_raised", target={"area_id": "1_1_201"})
    await peer.config("smoke-3", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.state("smoke-3", smoke=True)
    dr.async_get(hass).async_update_device(
        device_id(hass, "smoke-2"), area_id="1_1_201"
    )
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: len(seen) == 2)
    assert told(seen) == [("Smoke 3", "smoke"), ("Smoke 2", "smoke")]


async def test_removed_device(hass: HomeAssistant, house: None, peer: Peer) -> None:
    """An alarm whose device is gone is only in the whole house."""
    await peer.state("smoke-1", smoke=True)
    (alarm,) = hass.data[DATA_HOUSE].book.open.values()
    alarm.device_id = "gone"
    assert AlarmFilter(hass, None).matches(alarm)
    assert AlarmFilter(hass, {"device_id": "gone"}).matches(alarm)
    assert not AlarmFilter(hass, {"area_id": "1_1_201"}).matches(alarm)
    alarm.device_id = None
    assert not AlarmFilter(hass, {"area_id": "1_1_201"}).matches(alarm)


async def test_before_any_gateway(
    hass: HomeAssistant, peer: Peer, seen: list[ServiceCall]
) -> None:
    """An automation may be there before the first gateway, and outlives its reload."""
    await automate(hass, "alarm_raised")
    entry = await add_gateway(hass)
    await peer.gateway()
    await peer.config("smoke-1", "smoke_sensor", ["smoke"])
    await peer.state("smoke-1", smoke=True)
    await wait_until(hass, lambda: len(seen) == 1)
    assert await hass.config_entries.async_reload(entry.entry_id)
    await peer.config("smoke-2", "smoke_sensor", ["smoke"])
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: len(seen) == 2)


async def test_turned_off(
    hass: HomeAssistant, house: None, peer: Peer, seen: list[ServiceCall]
) -> None:
    """An automation that is turned off hears nothing; turned on again it does."""
    await automate(hass, "alarm_raised")
    await hass.services.async_call(
        AUTOMATION_DOMAIN,
        "turn_off",
        {"entity_id": "automation.watch"},
        blocking=True,
    )
    await peer.state("smoke-1", smoke=True)
    await announced(hass, 1)
    await hass.services.async_call(
        AUTOMATION_DOMAIN, "turn_on", {"entity_id": "automation.watch"}, blocking=True
    )
    await peer.state("smoke-2", smoke=True)
    await wait_until(hass, lambda: len(seen) == 1)
    assert told(seen) == [("Smoke 2", "smoke")]


async def test_many_at_once(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer, seen: list[ServiceCall]
) -> None:
    """Alarms of one moment each get a run, and none when they come back at once."""
    for number in range(ALARMS):
        peer.publish(
            f"{BASE}/smoke-{number}/config",
            {
                "version": 1,
                "id": f"c{number}",
                "time": 1,
                "kind": "smoke_sensor",
                "name": f"Smoke {number}",
                "readings": ["smoke"],
                "area": "1-1-201",
            },
            retain=True,
        )
    await wait_until(hass, lambda: len(gateway.runtime_data.devices) == ALARMS)
    await automate(hass, "alarm_raised", target={"area_id": "1_1_201"})
    told: list[Change] = []
    hass.data[DATA_HOUSE].book.listen(lambda item: told.append(item.change))
    for smoke in (True, False, True):
        for number in range(ALARMS):
            peer.publish(
                f"{BASE}/smoke-{number}/state", peer.state_message({"smoke": smoke})
            )
    await wait_until(hass, lambda: told.count(Change.RETURNED) == ALARMS)
    assert told.count(Change.RAISED) == told.count(Change.CLEARED) == ALARMS
    assert len(seen) == ALARMS
    assert len({call.data["trigger"]["alarm_id"] for call in seen}) == ALARMS


@pytest.mark.parametrize(
    "more",
    [
        {"options": {"hazard": "earthquake"}},
        {"options": {"severity": "catastrophe"}},
        {"options": {"hazards": "smoke"}},
        {"target": {"room": "kitchen"}},
    ],
)
async def test_bad_configuration(hass: HomeAssistant, more: dict[str, Any]) -> None:
    """The editor is told what is wrong."""
    with pytest.raises(vol.Invalid):
        await async_validate_trigger_config(
            hass, [{"platform": f"{DOMAIN}.alarm_raised", **more}]
        )


async def test_descriptions(hass: HomeAssistant, gateway: MockConfigEntry) -> None:
    """The editor offers every hazard and severity of the catalogue."""
    descriptions = await async_get_all_descriptions(hass)
    fields = {
        key.removeprefix(f"{DOMAIN}."): value["fields"]
        for key, value in descriptions.items()
        if value and key.startswith(f"{DOMAIN}.")
    }
    assert fields.pop("cut_off_failed") == fields.pop("left_off_due") == {}
    assert fields.keys() == {
        "alarm_raised",
        "alarm_returned",
        "alarm_acknowledged",
        "alarm_cleared",
    }
    for field in fields.values():
        assert field["hazard"]["selector"]["select"]["options"] == list(HAZARDS)
        assert set(field["severity"]["selector"]["select"]["options"]) == set(Severity)
