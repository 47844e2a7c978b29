"""Incidents: what people work on."""

import itertools

import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_capture_events,
)

from custom_components.community_safety.catalogue import Nature
from custom_components.community_safety.const import EVENT_ALARM, Severity
from custom_components.community_safety.core import incidents
from custom_components.community_safety.core.alarm import Alarm, Outcome
from custom_components.community_safety.core.alarms import AlarmBook
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.incidents import (
    FLOOD_SECONDS,
    Incidents,
    Rank,
)
from homeassistant.core import HomeAssistant
from homeassistant.helpers import area_registry as ar, device_registry as dr
from tests.common import BASE, Peer, wait_until

_IDS = itertools.count()


def alarm(
    device: str = "gw/smoke-1",
    *,
    area: str | None = "flat",
    severity: Severity = Severity.ALARM,
    nature: Nature = Nature.FIRE,
    at: float = 0,
    drill: bool = False,
) -> Alarm:
    """Return an alarm that is not in an incident yet."""
    return Alarm(
        id=f"{next(_IDS):04}",
        device=device,
        device_id=None,
        device_name=device,
        hazard="smoke",
        severity=severity,
        nature=nature,
        raised_at=at,
        area_id=area,
        drill=drill,
    )


def joined(found: Incidents, *alarms: Alarm) -> list[str]:
    """Let alarms join; return the incident of each."""
    for item in alarms:
        found.join(item)
    return [item.incident_id for item in alarms]


def test_one_fire_is_one_incident() -> None:
    """Smoke, heat and a breaker that failed in one flat are one; the neighbour's is another."""
    found = Incidents()
    smoke, heat, breaker, neighbour = (
        alarm(),
        alarm("gw/heat-1"),
        alarm("other/breaker-1", nature=Nature.LINKAGE),
        alarm("gw/smoke-2", area="next door"),
    )
    assert joined(found, smoke, heat, breaker, neighbour) == [
        smoke.id,
        smoke.id,
        smoke.id,
        neighbour.id,
    ]
    assert [len(row.alarms) for row in found] == [3, 1]
    assert [row.area_id for row in found] == ["flat", "next door"]


def test_a_drill_never_joins_a_real_one() -> None:
    """The real alarm has an incident of its own, and comes first."""
    found = Incidents()
    drill, real = alarm(drill=True), alarm("gw/smoke-2")
    assert len(set(joined(found, drill, real))) == 2
    assert [row.drill for row in found] == [False, True]


def test_without_an_area_it_is_the_device() -> None:
    """Alarms of a device that nobody has placed are together."""
    found = Incidents()
    ids = joined(found, alarm(area=None), alarm(area=None), alarm("gw/b", area=None))
    assert len(set(ids)) == 2


def test_warnings_by_device_and_faults_never_in_a_fire() -> None:
    """What is no danger to life stays with its device."""
    found = Incidents()
    fire = alarm()
    warning = alarm(severity=Severity.WARNING)
    water = alarm(nature=Nature.WATER)
    fault = alarm(severity=Severity.FAULT)
    joined(found, fault, warning, water, fire)
    assert [row.rank for row in found] == [Rank.FIRE, Rank.SUPERVISION, Rank.FAULT]
    assert warning.incident_id == water.incident_id


def test_many_faults_of_a_gateway_at_once_are_one() -> None:
    """When a gateway falls silent with its devices, the sixth fault begins its incident."""
    found = Incidents()
    faults = [
        alarm(f"gw/{number}", severity=Severity.FAULT, at=number)
        for number in range(10)
    ]
    ids = joined(found, *faults)
    assert len(set(ids)) == 6
    assert set(ids[5:]) == {faults[5].id}
    later = alarm("gw/11", severity=Severity.FAULT, at=FLOOD_SECONDS + 20)
    elsewhere = alarm("other/1", severity=Severity.FAULT, at=11)
    assert joined(found, elsewhere, later) == [elsewhere.id, later.id]


def test_worse_moves_it_up() -> None:
    """A warning that becomes an alarm is the flat's incident from then on."""
    found = Incidents()
    first, second = (
        alarm("gw/b", severity=Severity.WARNING, nature=Nature.ELECTRICAL),
        alarm("gw/b", severity=Severity.WARNING, nature=Nature.ELECTRICAL),
    )
    joined(found, first, second)
    assert first.incident_id == second.incident_id
    first.severity = Severity.ALARM
    found.join(first)
    assert first.incident_id != second.incident_id
    assert [(row.rank, len(row.alarms)) for row in found] == [
        (Rank.ELECTRICAL, 1),
        (Rank.SUPERVISION, 1),
    ]
    fire = alarm()
    assert joined(found, fire) == [first.incident_id]


def test_order() -> None:
    """The list is sorted by what must be seen to first, as a fixed set of twelve shows."""
    found = Incidents()
    rows = {
        "new fire": alarm(area="a", at=9),
        "older fire, seen": alarm(area="b", at=1),
        "older fire, seen and gone": alarm(area="c", at=0),
        "linkage": alarm(area="d", nature=Nature.LINKAGE, at=5),
        "lift": alarm(area="e", nature=Nature.ELECTRICAL, at=4),
        "electrical, later": alarm(area="f", nature=Nature.ELECTRICAL, at=6),
        "tank": alarm("gw/tank", area="g", nature=Nature.WATER, at=2),
        "warning, seen": alarm("gw/w", severity=Severity.WARNING, at=0),
        "fault": alarm("gw/f", severity=Severity.FAULT),
        "power off": alarm(area="h"),
        "drill": alarm(area="a", drill=True),
        "over": alarm(area="i"),
    }
    found.wanted_off = lambda: {rows["power off"].id}
    joined(found, *rows.values())
    for name in ("older fire, seen", "older fire, seen and gone", "warning, seen"):
        rows[name].acknowledged_at = 10
    rows["older fire, seen and gone"].cleared_at = 11
    for name in ("power off", "over"):
        rows[name].closed_at = 12
        found.closed(rows[name])
    names = {row.id: name for name, row in rows.items()}
    assert [names[next(iter(row.alarms))] for row in found] == list(rows)[:11]


def test_it_lasts_while_a_supply_is_off() -> None:
    """Power that is still off keeps an incident, and a new fire joins it."""
    found = Incidents()
    off: set[str] = set()
    found.wanted_off = lambda: off
    first, second, third = alarm(), alarm(), alarm()
    joined(found, first)
    off.add(first.id)
    first.closed_at = 1
    found.closed(first)
    assert found.alarm(first.id) is first
    (incident,) = found
    assert (incident.rank, incident.present, incident.acknowledged) == (
        Rank.POWER_OFF,
        False,
        True,
    )
    assert joined(found, second) == [first.id]
    second.closed_at = 2
    found.closed(second)
    off.clear()
    assert list(found) == []
    assert found.alarm(first.id) is None
    assert joined(found, third) == [third.id]


def test_closed_alarms_do_not_pile_up() -> None:
    """One fault that lasts keeps none of those that come and go, but for what is off."""
    found = Incidents()
    off: set[str] = set()
    found.wanted_off = lambda: off
    lasting, first = (
        alarm(severity=Severity.FAULT),
        alarm(severity=Severity.FAULT, at=1),
    )
    joined(found, lasting, first)
    off.add(first.id)
    first.closed_at = 1
    found.closed(first)
    others = [alarm(severity=Severity.FAULT, at=100 * n + 100) for n in range(100)]
    for number, item in enumerate(others):
        joined(found, item)
        item.closed_at = 10 + number
        found.closed(item)
    (incident,) = found
    assert list(incident.alarms) == [
        lasting.id,
        first.id,
        *(item.id for item in others[-incidents.MOST_CLOSED :]),
    ]
    assert found.alarm(first.id) is first
    assert found.alarm(others[0].id) is None
    assert incident.raised_at == 0
    # One that returns is of it again.
    again = others[0]
    again.closed_at = None
    assert joined(found, again) == [lasting.id]


async def test_incident_on_what_is_told(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """Events carry it, and it is the same one after a restart."""
    events = async_capture_events(hass, EVENT_ALARM)
    for number in (1, 2):
        await peer.config(
            f"smoke-{number}", "smoke_sensor", ["smoke", "temperature"], area="1-1-201"
        )
    await peer.state("smoke-1", smoke=True)
    await peer.state("smoke-2", temperature=70)
    await wait_until(hass, lambda: len(events) == 2)
    (incident_id,) = {event.data["incident_id"] for event in events}
    assert incident_id == events[0].data["alarm_id"]
    # A device that is moved while it burns leaves nothing behind.
    area = ar.async_get(hass).async_create("1-1-202")
    dr.async_get(hass).async_update_device(events[1].data["device_id"], area_id=area.id)
    house = hass.data[DATA_HOUSE]
    await wait_until(hass, lambda: not house.storage.is_busy)
    book = AlarmBook(hass, house.storage)
    book.restore(row.as_dict() for row in house.book.open.values())
    (incident,) = book.incidents
    assert (incident.id, len(incident.alarms)) == (incident_id, 2)


async def test_power_that_is_off_after_a_restart(
    hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer
) -> None:
    """An incident whose alarms are closed is there again if its power is still off."""
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-201")
    await peer.config(
        "breaker-1", "breaker_monitor", ["supply", "current"], area="1-1-201"
    )
    await peer.state("breaker-1", supply=True, current=5)
    await peer.state("smoke-1", smoke=True)
    peer.obedient_breaker("breaker-1")
    house = hass.data[DATA_HOUSE]
    (smoke,) = house.book.open.values()
    found = house.device(f"mqtt/{BASE}/breaker-1")
    assert found
    supplies = house.cut_off.supplies_of(found[1].uid)
    await house.cut_off.async_cut_off(supplies, alarm_id=smoke.id)
    await peer.state("smoke-1", smoke=False)
    house.book.reset(smoke, "somebody", outcome=Outcome.REAL)
    assert [row.rank for row in house.book.incidents] == [Rank.POWER_OFF]
    await wait_until(hass, lambda: not house.storage.is_busy)

    book = AlarmBook(hass, house.storage)
    book.incidents.wanted_off = house.book.incidents.wanted_off
    await book.async_restore_closed()
    assert [row.id for row in book.incidents] == [smoke.id]
    # Who restores is kept, though the alarm is closed.
    await house.cut_off.async_restore(supplies, who="somebody")
    assert smoke.timeline[-1]["what"] == "restored"
    assert list(house.book.incidents) == []


@pytest.mark.parametrize("nature", Nature)
def test_every_nature_has_a_rank(nature: Nature) -> None:
    """No kind of danger is without a place in the list."""
    assert incidents.rank(alarm(nature=nature)) in Rank
