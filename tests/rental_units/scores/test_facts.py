"""Facts of the real Community Safety, of real cameras, and of cards that nobody has proven."""

from datetime import datetime, timedelta
import time
from typing import Any
from unittest.mock import patch

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
    async_mock_service,
)
from pytest_homeassistant_custom_component.typing import WebSocketGenerator
from sqlalchemy.orm import Session

from custom_components.community_safety import services
from custom_components.community_safety.core.credentials import SUSPENDED_SECONDS
from custom_components.rental_units.access_control.models import Card, Place
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.scores import facts, measure
from custom_components.rental_units.scores.book import DATA_SCORES, ScoreBook
from custom_components.rental_units.scores.const import Source, Why
from homeassistant.core import HomeAssistant, SupportsResponse
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import area_registry as ar, device_registry as dr
from homeassistant.util.json import JsonValueType
from simulator.uhppote import Fault
from tests.common import Peer
from tests.community_safety.gateways.uhppote.common import Ticking
from tests.rental_units.access_control.common import House
from tests.rental_units.access_control.conftest import (  # noqa: F401
    _impatient,
    boards,
    house,
    shanghai,
)
from tests.rental_units.common import add_unit, call, unit_id
from tests.rental_units.panel import panel_of

from .common import EXAMPLE
from .conftest import Days

sqlite_only = pytest.mark.parametrize("database", ["sqlite"], indirect=True)
DAY = 86_400


async def live(hass: HomeAssistant, entry: MockConfigEntry, area: str) -> None:
    """Let the first unit of the property be in an area."""
    registry = ar.async_get(hass)
    found = registry.async_get_or_create(area)
    device = dr.async_get(hass).async_get_device_by_identifier(
        (DOMAIN, unit_id(entry, "1-1-101")), entry.entry_id
    )
    assert device
    await call(hass, "update_unit", {"device_id": device.id, "area_id": found.id})


async def burn(
    hass: HomeAssistant, peer: Peer, freezer: FrozenDateTimeFactory, after: float
) -> None:
    """Let it burn, somebody acknowledge it after so many seconds, and see that it is over."""
    await peer.state("smoke-1", smoke=True)
    answer: Any = await hass.services.async_call(
        "community_safety",
        "get_alarms",
        {"hazard": "smoke"},
        blocking=True,
        return_response=True,
    )
    (alarm,) = answer["alarms"]
    freezer.tick(after)
    ids = {"alarm_id": alarm["alarm_id"]}
    await hass.services.async_call(
        "community_safety", "acknowledge", ids, blocking=True
    )
    freezer.tick(10)
    await peer.state("smoke-1", smoke=False)


@sqlite_only
async def test_alarms(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    on: Days,
    entry: MockConfigEntry,
    scores: ScoreBook,
    hass_ws_client: WebSocketGenerator,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """How soon somebody answered, and for how long something was faulty, counted once more.

    A drill is no alarm, and a device that is gone has had its faults.
    """
    await live(hass, entry, "1-1-101")
    await peer.config("smoke-1", "smoke_sensor", ["smoke"], area="1-1-101")
    await peer.config("smoke-2", "smoke_sensor", ["battery"], area="1-1-101")
    await peer.state("smoke-1", smoke=False)
    await peer.state("smoke-2", battery=5)
    began = time.time()
    await burn(hass, peer, freezer, 200)
    freezer.tick(timedelta(hours=30))
    await peer.state("smoke-2", battery=90)
    ended = time.time()

    found = await scores.async_alarms("2027-01")
    assert not isinstance(found, Why)
    smoke = next(row for row in found.rows if row.hazard == "smoke")
    assert smoke.acknowledged_at is not None
    assert smoke.acknowledged_at - smoke.raised_at == pytest.approx(200)
    office = await panel_of(hass, entry, hass_ws_client)
    await office.get("save_score_catalogue", content=EXAMPLE, dry_run=False)
    await scores.async_day()
    sheet = await office.get("score_sheet", month="2027-01")
    late = sheet["facts"]["late_response"]
    assert (late["value"], late["details"]["ids"]) == ("1", [smoke.id])
    assert late["details"]["median_seconds"] == 200
    faults = sheet["facts"]["fault_days"]
    battery = next(row for row in found.rows if row.hazard == "low_battery")
    assert faults["details"]["seconds"][battery.device_id] == round(ended - began)
    # Three units: so few households make much of it.
    assert sheet["households"] == {
        "value": 3,
        "origin": "register",
        "at": sheet["households"]["at"],
    }

    # The same, a page of two after another, and after the device is gone.
    whole = {row.id for row in found.rows}
    for size in (services, facts):
        name = "MOST_HISTORY" if size is services else "_PAGE"
        monkeypatch.setattr(size, name, 2)
    dr.async_get(hass).async_remove_device(battery.device_id)
    await hass.async_block_till_done()
    again = await scores.async_alarms("2027-01")
    assert not isinstance(again, Why)
    assert {row.id for row in again.rows} >= whole
    assert next(row for row in again.rows if row.id == battery.id) == battery


@sqlite_only
async def test_whose_alarms(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    on: Days,
    entry: MockConfigEntry,
    scores: ScoreBook,
) -> None:
    """What is in a property's areas is its own; what is in nobody's is shown as such."""
    await live(hass, entry, "1-1-101")
    for number, area in enumerate(("1-1-101", "2-1-101", "Shed"), 1):
        await peer.config(f"smoke-{number}", "smoke_sensor", ["battery"], area=area)
        await peer.state(f"smoke-{number}", battery=5)
    found = await scores.async_alarms("2027-01")
    assert not isinstance(found, Why)
    # Of the only property, all is its own.
    assert (len(found.rows), found.nobodys) == (3, 0)
    other = MockConfigEntry(domain=DOMAIN, title="Property 2")
    other.add_to_hass(hass)
    assert await hass.config_entries.async_setup(other.entry_id)
    await hass.async_block_till_done()
    shed = ar.async_get(hass).async_get_area_by_name("2-1-101")
    assert shed
    await add_unit(hass, other, building="2", number="101", area_id=shed.id)
    for book, count in ((scores, 1), (hass.data[DATA_SCORES][other.entry_id], 1)):
        found = await book.async_alarms("2027-01")
        assert not isinstance(found, Why)
        assert (len(found.rows), found.nobodys) == (count, 1)


@sqlite_only
async def test_community_safety_is_away(
    hass: HomeAssistant, on: Days, entry: MockConfigEntry, scores: ScoreBook
) -> None:
    """What Community Safety does not say is not known, and no nought."""
    assert await scores.async_alarms("2027-01") is Why.NO_CORE
    async_mock_service(
        hass,
        "community_safety",
        "get_alarms",
        supports_response=SupportsResponse.ONLY,
        raise_exception=HomeAssistantError("broken disk"),
    )
    assert await scores.async_alarms("2027-01") is Why.NO_ANSWER
    at = datetime.fromisoformat("2027-01-10T00:00:00+00:00").isoformat()
    row = {
        **dict.fromkeys(("device_id", "area_id", "acknowledged_at", "cleared_at")),
        "hazard": "smoke",
        "severity": "alarm",
        "drill": False,
        "timeline": [],
        "raised_at": at,
        "closed_at": at,
    }
    # As many as there can be, all of one moment: those behind them cannot be asked for.
    rows: list[JsonValueType] = [
        {**row, "alarm_id": f"a{number}"} for number in range(1000)
    ]
    async_mock_service(
        hass,
        "community_safety",
        "get_alarms",
        supports_response=SupportsResponse.ONLY,
        response={"alarms": rows},
    )
    assert await scores.async_alarms("2027-01") is Why.TOO_MANY
    with patch.object(facts, "_MOST_PAGES", 1):
        assert await scores.async_alarms("2027-01") is Why.TOO_MANY


@sqlite_only
async def test_cameras(
    hass: HomeAssistant,
    gateway: MockConfigEntry,
    peer: Peer,
    on: Days,
    entry: MockConfigEntry,
    scores: ScoreBook,
) -> None:
    """Recordings that are long enough, too short, unheard of, and none of ours."""
    await live(hass, entry, "1-1-101")
    readings = ["video_lost", "recording", "oldest_recording"]
    for name in ("camera-1", "camera-2"):
        await peer.config(name, "camera", readings, area="1-1-101")
    # This one tells nothing of what it keeps.
    await peer.config("camera-3", "camera", ["video_lost"], area="1-1-101")
    now = time.time()
    await peer.state("camera-1", oldest_recording=now - 40 * DAY, recording=True)
    devices = {
        row.name: row.id
        for row in dr.async_entries_for_config_entry(
            dr.async_get(hass), gateway.entry_id
        )
    }

    async def seen() -> dict[str, list[str]]:
        alarms = await scores.async_alarms("2027-01")
        found = facts.cameras_now(hass, scores.whose(), alarms)
        names = {value: key for key, value in devices.items()}
        return {key: sorted(names[one] for one in row) for key, row in found.items()}

    assert await seen() == {
        "short": [],
        "well": ["Camera 1"],
        "unknown": ["Camera 2", "Camera 3"],
    }
    # Its disk has begun anew.
    await peer.state("camera-1", oldest_recording=now - 40 * DAY)
    await peer.state("camera-1", oldest_recording=now - 2 * DAY)
    await peer.state("camera-2", oldest_recording=now - 31 * DAY)
    assert await seen() == {
        "short": ["Camera 1"],
        "well": ["Camera 2"],
        "unknown": ["Camera 3"],
    }
    assert facts.cameras_now(hass, scores.whose(), Why.NO_ANSWER)["well"] == []
    assert facts.cameras_now(hass, lambda _area: False, Why.NO_ANSWER) == {
        "short": [],
        "well": [],
        "unknown": [],
    }


@sqlite_only
async def test_cards(
    hass: HomeAssistant,
    house: House,  # noqa: F811
    freezer: FrozenDateTimeFactory,
) -> None:
    """A card that a real board takes by halves is late from the second day on."""
    scores = hass.data[DATA_SCORES][house.entry.entry_id]
    house.first.faults.add(Fault.HALF_WRITTEN)
    person = await house.move_in()
    async with Ticking(hass, freezer):
        card = await house.issue(person)
        await house.becomes(person, "unproven")

    def seen(session: Session) -> dict[int, Any]:
        return facts.days_seen(session, "2026-09", Source.UNPROVEN_CARDS)

    def count(days: dict[int, Any]) -> tuple[str, list[str]]:
        found = measure.unproven_cards(days, 2)
        return str(found.value), found.details["ids"]

    await scores.async_day()
    first = await house.entry.runtime_data.async_read(seen)
    assert [row.partition("@")[0] for row in first[1]["seen"]] == [card]
    freezer.tick(timedelta(days=1))
    await scores.async_day()
    # Once a day: what was seen first stays.
    house.first.faults.clear()
    async with Ticking(hass, freezer):
        freezer.tick(SUSPENDED_SECONDS + 1)
        async_fire_time_changed(hass)
        await house.becomes(person, "active")
    await scores.async_day()
    both = await house.entry.runtime_data.async_read(seen)
    assert both[1] == both[2]
    assert count(both) == ("1", [card])
    freezer.tick(timedelta(days=1))
    await scores.async_day()
    after = await house.entry.runtime_data.async_read(seen)
    assert after[3] == {"seen": []}


async def test_card_to_come(entry: MockConfigEntry, on: Days) -> None:
    """Nobody owes a card that is to be written on the day on which it begins."""
    now = time.time()

    def place(*, begins: float) -> Place:
        return Place(
            device_id="board",
            wanted=True,
            doors=["1"],
            begin_at=begins,
            end_at=begins + DAY,
            revision=3,
            proof="pending",
            next_at=begins,
        )

    def cards(session: Session) -> dict[str, list[str]]:
        for name, begins in (("now", now), ("later", now + DAY), ("over", now)):
            session.add(
                Card(
                    id=name,
                    holder="staff",
                    decision="issued",
                    decided_at=now,
                    closed_at=now if name == "over" else None,
                    places=[place(begins=begins)],
                )
            )
        session.flush()
        return facts.cards_now(session, now)

    found = await entry.runtime_data.async_run(cards)
    assert found == {"seen": ["now@board#3"]}


@sqlite_only
async def test_days_of_a_month(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    scores: ScoreBook,
    on: Days,
    hass_ws_client: WebSocketGenerator,
) -> None:
    """What is looked at daily is known once there are days enough."""
    for day in range(1, 29):
        await on(f"2027-02-{day:02}")
        await scores.async_day()
    await on("2027-03-01")
    office = await panel_of(hass, entry, hass_ws_client)
    await office.get("save_score_catalogue", content=EXAMPLE, dry_run=False)
    await office.get("open_score_sheet", month="2027-02")
    shown = await office.get("score_sheet", month="2027-02")
    cards = shown["facts"]["unproven_cards"]
    assert (cards["value"], cards["details"]["days"]) == ("0", 28)
    cameras = shown["facts"]["short_recordings"]
    assert (cameras["value"], cameras["why"]) == (None, "no_cameras")
