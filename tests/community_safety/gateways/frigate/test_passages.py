"""Plates and faces: one passage each, with what is known in the end; and nothing is missed."""

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import AsyncMock

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.passages import Decision
from custom_components.community_safety.gateways.frigate import gateway, tracks
from homeassistant.core import Event, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.storage import Store
from simulator.frigate import Fault, Frigate
from tests.common import Peer

from .common import (
    UID,
    add_frigate,
    device_of,
    entry_of,
    issues,
    logged,
    pass_time,
    set_up,
    settled,
    with_sink,
)

type Later = Callable[[float], Awaitable[None]]


@pytest.fixture
def later(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    freezer: FrozenDateTimeFactory,
) -> Later:
    """Return what lets time go by."""
    return lambda seconds: pass_time(hass, freezer, peer, entry, seconds)


async def test_a_plate_is_told_when_it_is_known(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """It is read three times, each better: one passage, at the end, with the last of them."""
    sink = with_sink(hass)
    car = frigate.see()
    for plate, score in (("TEST1Z", 0.5), ("TEST1Z34", 0.7), ("TEST1234", 0.94)):
        frigate.read(car, plate, score)
    await later(1)
    assert sink.taken == []
    frigate.end(car)
    await later(1)
    (passage,) = sink.taken
    assert passage.device_id == device_of(hass).device_id
    assert (passage.number, passage.score) == ("TEST1234", 0.94)
    assert (passage.decision, passage.means.value) == (Decision.SEEN, "plate")
    assert (passage.event, passage.category) == (car.id, "car")
    assert (passage.late, passage.corrected) == (False, False)
    assert passage.at.timestamp() == pytest.approx(car.start)
    # The same over HTTP is nothing new.
    await later(120)
    assert len(sink.taken) == 1


async def test_what_is_known_better_later(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Read once more when the car has gone, and then corrected by a person: told anew."""
    sink = with_sink(hass)
    car = frigate.see()
    frigate.read(car, "TEST1Z34", 0.7)
    frigate.end(car)
    frigate.read(car, "TEST1234", 0.9)
    frigate.read(car, "TEST1234", 0.9)
    await later(1)
    frigate.correct(car, "TEST1235")
    await later(90)
    assert sink.told == [
        ("plate", "TEST1Z34", False),
        ("plate", "TEST1234", True),
        ("plate", "TEST1235", True),
    ]
    assert len({row.event for row in sink.taken}) == 1
    assert len({row.index for row in sink.taken}) == 1


async def test_a_car_that_parks(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Its end is days away: it is told of after a minute, and corrected if need be."""
    sink = with_sink(hass)
    car = frigate.see()
    await later(600)
    assert sink.taken == []
    frigate.read(car, "TEST1Z34", 0.7)
    await later(150)
    assert sink.told == [("plate", "TEST1Z34", False)]
    frigate.read(car, "TEST1234", 0.9)
    await later(1)
    frigate.end(car)
    await later(90)
    assert sink.told[1:] == [("plate", "TEST1234", True)]


async def test_a_face_is_who_it_is_in_the_end(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A try is no proof. The name goes to who takes it, and is nowhere else."""
    sink = with_sink(hass)
    heard: list[Event] = []

    @callback
    def hear(event: Event) -> None:
        heard.append(event)

    hass.bus.async_listen("*", hear)
    person = frigate.see(label="person")
    frigate.try_face(person, None, 0.4)
    frigate.try_face(person, "MARK Other", 0.5)
    frigate.know(person, "MARK Person", 0.93)
    frigate.end(person)
    nobody = frigate.see(label="person")
    frigate.try_face(nobody, "MARK Other", 0.5)
    frigate.end(nobody)
    # What a car is called is no face.
    car = frigate.see()
    frigate.know(car, "MARK Van", 0.9)
    frigate.end(car)
    await later(90)
    (passage,) = sink.taken
    assert (passage.means.value, passage.number) == ("face", "MARK Person")
    assert (passage.decision, passage.category) == (Decision.SEEN, "person")
    assert passage.score == 0.93
    assert logged(caplog, "MARK") == []
    assert "MARK" not in repr(sink.taken)
    assert "MARK" not in str([state.as_dict() for state in hass.states.async_all()])
    assert "MARK" not in repr(heard)
    assert "MARK" not in repr(entry.runtime_data.diagnostics())


async def test_somebody(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
) -> None:
    """Whoever has gone was seen once, by no number; what was a shadow, or a car, was nobody."""
    sink = with_sink(hass)
    person, car = frigate.see(label="person"), frigate.see()
    await later(150)
    assert sink.seen == []
    shadow = frigate.see(label="person")
    after = {"id": shadow.id, "camera": shadow.camera, "false_positive": True}
    peer.publish("frigate/events", {"type": "update", "after": after})
    del frigate.events[shadow.id]
    frigate.know(person, "MARK Person", 0.93)
    frigate.end(person)
    frigate.end(car)
    await later(90)
    # With the next start they are asked for once more, and told again as the same.
    await hass.config_entries.async_unload(entry.entry_id)
    await set_up(hass, peer, entry)
    assert {row.event for row in sink.seen} == {person.id}
    (seen, *_) = sink.seen
    assert (seen.number, seen.category, seen.score) == ("", "person", None)
    assert (seen.decision, seen.corrected) == (Decision.SEEN, False)
    assert seen.at.timestamp() == pytest.approx(person.start)
    assert (seen.colour, seen.age_group) == (None, None)
    # Who it is goes to whom takes names, and beside it. That no plate is known is news only
    # to who was told of one.
    assert {(row.event, row.number) for row in sink.taken} == {
        (person.id, "MARK Person"),
        (car.id, ""),
    }


async def test_what_people_wear_is_no_face(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Nor is a face that Frigate does not know, nor a word where it is not set to know faces."""
    sink = with_sink(hass)
    for name in ("amazon", "unknown"):
        person = frigate.see(label="person")
        frigate.know(person, name, 0.95)
        frigate.end(person)
    await later(90)
    frigate.cameras["gate_in"].faces = False
    frigate.announce()
    await later(1)
    person = frigate.see(label="person")
    frigate.know(person, "In a vest", 0.95)
    frigate.end(person)
    await later(90)
    assert sink.taken == []


async def test_taken_back_before_it_was_told(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """A face was mistaken while its person was there: nobody hears that name."""
    sink = with_sink(hass)
    person, car = frigate.see(label="person"), frigate.see()
    frigate.know(person, "MARK Other", 0.91)
    frigate.read(car, "TEST1234", 0.9)
    for event in (person, car):
        frigate.take_back(event)
        frigate.end(event)
    await later(90)
    assert sink.taken == []


async def test_taken_back_when_it_was_told(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """A person deletes what was read wrongly: of that the register hears too."""
    sink = with_sink(hass)
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    await later(1)
    frigate.take_back(car)
    await later(200)
    assert sink.told == [("plate", "TEST1234", False), ("plate", "", True)]
    assert {row.event for row in sink.taken} == {car.id}


async def test_what_is_read_is_ahead_of_its_object(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """What reads plates is done before the object has that: an old word is no news."""
    sink = with_sink(hass)
    car = frigate.see()
    frigate.read(car, "TEST1Z34", 0.7)
    frigate.tell_read(car, "TEST1234", 0.9)
    frigate.move(car)
    frigate.end(car)
    await later(90)
    car.plate = ("TEST1234", 0.9)
    await later(90)
    assert sink.told == [("plate", "TEST1234", False)]


async def test_out_of_order(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """A plate comes before the first word of its object, and the first word after the end."""
    sink = with_sink(hass)
    car = frigate.suspect()
    frigate.tell_read(car, "TEST1234", 0.9)
    frigate.end(car)
    frigate.move(car)
    frigate._tell("new", car)
    await later(90)
    # An earlier run may have heard it begin.
    assert sink.told == [("plate", "TEST1234", True)]


async def test_a_shadow(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
) -> None:
    """A plate was read of what never was an object; or of one that turns out to be none."""
    sink = with_sink(hass)
    frigate.tell_read(frigate.suspect(), "TEST0000", 0.9)
    await later(300)
    assert sink.taken == []
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    await later(150)
    after = {"id": car.id, "camera": car.camera, "false_positive": True}
    for event_id in (car.id, "1790000000.5-abcdef"):
        message = {"type": "update", "after": {**after, "id": event_id}}
        peer.publish("frigate/events", message)
    await settled(hass, peer, entry)
    assert sink.told == [("plate", "TEST1234", False), ("plate", "", True)]


async def test_a_car_that_is_written_down_nowhere(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Neither filmed nor photographed: it is told of once, however long it stays."""
    sink = with_sink(hass)
    car = frigate.see()
    car.is_kept = False
    frigate.read(car, "TEST1234", 0.9)
    await later(1500)
    assert sink.told == [("plate", "TEST1234", False)]
    frigate.move(car)
    frigate.end(car)
    await later(90)
    assert len(sink.taken) == 1


@pytest.mark.parametrize("plate", ["TEST1234", None])
async def test_a_car_that_is_there_for_weeks(
    frigate: Frigate, later: Later, freezer: FrozenDateTimeFactory, plate: str | None
) -> None:
    """What has come and gone since is not asked for again and again, plate or no plate."""
    parked = frigate.see()
    if plate:
        frigate.read(parked, plate, 0.9)
    await later(150)
    for _number in range(300):
        freezer.tick(60)
        frigate.end(frigate.see())
    await later(700)
    frigate.asked.clear()
    await later(60)
    assert frigate.asked.count("/api/events") == 1


async def test_what_was_found_before_an_answer_failed(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """The first page came, and the second did not: nothing is lost, and nothing told twice."""
    entry = await add_frigate(hass, peer, frigate)
    sink = with_sink(hass)
    frigate.is_quiet = True
    for number in range(150):
        freezer.tick(1)
        car = frigate.see()
        frigate.read(car, f"TEST{number:04}", 0.9)
        frigate.end(car)
    frigate.is_quiet = False
    frigate.faults.add(Fault.FIRST_PAGE)
    await pass_time(hass, freezer, peer, entry, 90)
    assert len(sink.taken) == 100
    assert issues(hass) == ["frigate_no_answer"]
    frigate.faults.clear()
    await pass_time(hass, freezer, peer, entry, 90)
    assert len(sink.taken) == 150
    assert len({row.number for row in sink.taken}) == 150
    assert issues(hass) == []


async def test_objects_that_are_long(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
) -> None:
    """One that goes to and fro for hours tells its whole way each time; without end, none."""
    sink = with_sink(hass)
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    car.way = 20_000
    frigate.end(car)
    await later(1)
    assert sink.told == [("plate", "TEST1234", False)]
    endless = frigate.see()
    endless.way = 50_000
    frigate.end(endless)
    await settled(hass, peer, entry)
    assert entry.runtime_data.refused["the gateway", "too long"] == 1


async def test_nobody_takes_them(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """Without a register, or one that takes no faces, they are dropped and counted."""
    dropped = hass.data[DATA_HOUSE].passages.dropped
    car, person = frigate.see(), frigate.see(label="person")
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    await later(1)
    assert dropped[f"{UID}/gate_in"] == 1
    sink = with_sink(hass, takes_faces=False)
    frigate.know(person, "MARK Person", 0.93)
    frigate.end(person)
    await later(1)
    assert sink.taken == []
    assert dropped[f"{UID}/gate_in"] == 2


async def test_what_was_seen_while_nobody_listened(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Home Assistant was off for a day: it is asked for, and what was before us is not."""
    before = frigate.see()
    frigate.read(before, "OLDCAR01", 0.9)
    frigate.end(before)
    freezer.tick(60)
    entry = await add_frigate(hass, peer, frigate)
    sink = with_sink(hass)
    await pass_time(hass, freezer, peer, entry, 60)
    await hass.config_entries.async_unload(entry.entry_id)
    for number in range(250):
        freezer.tick(60)
        car = frigate.see()
        frigate.read(car, f"TEST{number:04}", 0.9)
        frigate.end(car)
        # Two begin in the same frame.
        other = frigate.see(label="motorcycle")
        frigate.read(other, f"BIKE{number:04}", 0.9)
        frigate.end(other)
    stays = frigate.see()
    frigate.read(stays, "TEST9999", 0.9)
    await peer.settled()
    freezer.tick(3600)
    await set_up(hass, peer, entry)
    assert {row.number for row in sink.taken} == {
        f"{word}{number:04}" for number in range(250) for word in ("TEST", "BIKE")
    }
    assert len(sink.taken) == 500
    # Nobody knows what an earlier run has told of it.
    assert all(row.late and row.corrected for row in sink.taken)
    assert [row.at for row in sink.taken] == sorted(row.at for row in sink.taken)
    await pass_time(hass, freezer, peer, entry, 120)
    assert sink.told[500:] == [("plate", "TEST9999", True)]


async def test_what_was_before_us_after_a_restart(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """It stays nobody's business, however soon Home Assistant begins anew."""
    before = frigate.see()
    frigate.read(before, "OLDCAR01", 0.9)
    frigate.end(before)
    freezer.tick(60)
    entry = await add_frigate(hass, peer, frigate)
    sink = with_sink(hass)
    for _run in range(2):
        await pass_time(hass, freezer, peer, entry, 60)
        await hass.config_entries.async_unload(entry.entry_id)
        await set_up(hass, peer, entry)
    assert sink.taken == []


async def test_a_car_that_leaves_while_nobody_listens(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
) -> None:
    """Its plate is read as it goes, hours after it came: it is found all the same."""
    sink = with_sink(hass)
    car = frigate.see()
    await later(5000)
    await hass.config_entries.async_unload(entry.entry_id)
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    await peer.settled()
    await set_up(hass, peer, entry)
    assert sink.told == [("plate", "TEST1234", True)]


@pytest.mark.parametrize("is_killed", [False, True])
async def test_what_a_person_corrects_while_nobody_listens(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    is_killed: bool,
) -> None:
    """Home Assistant was off: what was told before is told anew as it is now, or taken back.

    That it was killed, and has noted nothing, makes no difference.
    """
    entry = await add_frigate(hass, peer, frigate)
    sink = with_sink(hass)
    if is_killed:
        monkeypatch.setattr(gateway.FrigateGateway, "_async_keep", AsyncMock())
    cars = [frigate.see() for _number in range(3)]
    person = frigate.see(label="person")
    for number, car in enumerate(cars):
        frigate.read(car, f"MARK000{number}", 0.8)
    frigate.know(person, "MARK Person", 0.9)
    parked, nobody = frigate.see(), frigate.see()
    frigate.read(parked, "MARK0009", 0.8)
    for event in (*cars, person, nobody):
        frigate.end(event)
    await pass_time(hass, freezer, peer, entry, 150)
    assert len(sink.taken) == 5
    await hass.config_entries.async_unload(entry.entry_id)
    sink.taken.clear()
    kept = hass_storage[f"community_safety.frigate.{entry.entry_id}"]["data"]
    assert kept.keys() == {"since"}
    # In its own pages, of which nobody is told anything.
    frigate.correct(cars[0], "MARK0007")
    frigate.take_back(cars[1])
    frigate.take_back(person)
    frigate.correct(parked, "MARK0008")
    freezer.tick(3600)
    await set_up(hass, peer, entry)
    # What was told of it is not known any more, so each is told as it is, and once.
    await pass_time(hass, freezer, peer, entry, 120)
    assert all(row.corrected for row in sink.taken)
    assert sorted((row.event, row.means.value, row.number) for row in sink.taken) == (
        sorted(
            [
                (cars[0].id, "plate", "MARK0007"),
                (cars[1].id, "plate", ""),
                (cars[2].id, "plate", "MARK0002"),
                (person.id, "face", ""),
                (parked.id, "plate", "MARK0008"),
                (nobody.id, "plate", ""),
            ]
        )
    )
    frigate.end(parked)
    await pass_time(hass, freezer, peer, entry, 60)
    assert len(sink.taken) == 6


async def test_killed_before_anything_was_noted(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was seen since the gateway was added is asked for all the same."""
    before = frigate.see()
    frigate.read(before, "OLDCAR01", 0.9)
    frigate.end(before)
    freezer.tick(60)
    with monkeypatch.context() as killed:
        killed.setattr(gateway.FrigateGateway, "_async_keep", AsyncMock())
        entry = await add_frigate(hass, peer, frigate)
        sink = with_sink(hass)
        await hass.config_entries.async_unload(entry.entry_id)
    freezer.tick(60)
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    await peer.settled()
    freezer.tick(3600)
    await set_up(hass, peer, entry)
    assert sink.told == [("plate", "TEST1234", True)]


async def test_what_goes_on_after_a_restart(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
) -> None:
    """A word about one means takes back nothing of another, before it is known what there is."""
    sink = with_sink(hass)
    person = frigate.see(label="person")
    frigate.know(person, "MARK Person", 0.9)
    await later(150)
    assert sink.told == [("face", "MARK Person", False)]
    await hass.config_entries.async_unload(entry.entry_id)
    # It is in no database: nobody can be asked.
    person.is_kept = False
    await set_up(hass, peer, entry)
    frigate.tell_read(person, "MARK0001", 0.9)
    await later(90)
    assert sink.told[1:] == []
    frigate.take_back(person)
    frigate.end(person)
    await later(1)
    assert sink.told[1:] == [("plate", "MARK0001", True), ("face", "", True)]


@pytest.mark.parametrize("kept", [{"since": "x"}, {"since": None}, {}])
async def test_what_was_kept_is_nothing(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
    hass_storage: dict[str, Any],
    kept: dict[str, Any],
) -> None:
    """What somebody has broken on the disk says nothing, and loses nothing."""
    entry = await add_frigate(hass, peer, frigate)
    sink = with_sink(hass)
    await hass.config_entries.async_unload(entry.entry_id)
    hass_storage[f"community_safety.frigate.{entry.entry_id}"]["data"] = kept
    freezer.tick(60)
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    await peer.settled()
    freezer.tick(3600)
    await set_up(hass, peer, entry)
    assert sink.told == [("plate", "TEST1234", True)]


async def test_no_persons(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Where nobody wants them, neither who was seen nor a face is handed on; plates are."""
    entry = await add_frigate(hass, peer, frigate, persons=False)
    sink = with_sink(hass)
    person, car = frigate.see(label="person"), frigate.see()
    frigate.know(person, "MARK Person", 0.93)
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(person)
    frigate.end(car)
    await pass_time(hass, freezer, peer, entry, 90)
    assert sink.seen == []
    assert sink.told == [("plate", "TEST1234", False)]
    assert entry.runtime_data.house.passages.dropped[f"{UID}/gate_in"] == 0


async def test_what_nobody_took_comes_again(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    frigate: Frigate,
    freezer: FrozenDateTimeFactory,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """The register's disk was full: with the next load it is asked for once more."""
    sink = with_sink(hass)
    await pass_time(hass, freezer, peer, entry, 60)
    sink.fails = True
    car = frigate.see()
    frigate.read(car, "MARK1234", 0.9)
    frigate.end(car)
    await pass_time(hass, freezer, peer, entry, 3600)
    sink.fails = False
    await hass.config_entries.async_unload(entry.entry_id)
    await set_up(hass, peer, entry)
    # Told again, it takes the place of what there may be.
    assert sink.told == [("plate", "MARK1234", True)]
    assert logged(caplog, "MARK") == []


async def test_it_lost_its_power_with_a_car_before_it(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """That the car has gone is told nobody; it is found when Frigate is back."""
    sink = with_sink(hass)
    car, ghost = frigate.see(), frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    await later(1)
    frigate.die()
    frigate.end(car)
    del frigate.events[ghost.id]
    await later(30)
    frigate.announce()
    await later(1)
    assert sink.told == [("plate", "TEST1234", False)]


async def test_reviews_name_what_was_missed(
    hass: HomeAssistant, frigate: Frigate, later: Later
) -> None:
    """The broker has lost all of a car but the scene that it was in: it is asked for by its id."""
    sink = with_sink(hass)
    await later(90)
    frigate.is_quiet = True
    car, gone = frigate.see(), frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    del frigate.events[gone.id]
    frigate.is_quiet = False
    frigate.review(car, gone)
    await later(90)
    assert sink.told == [("plate", "TEST1234", True)]
    assert f"/api/events/{gone.id}" in frigate.asked


@pytest.mark.parametrize("version", [(0, 15), (0, 16), (0, 17)])
async def test_versions(
    hass: HomeAssistant, frigate: Frigate, later: Later, version: tuple[int, int]
) -> None:
    """Before 0.16 no plate is told; 0.16 has its score beside it, 0.17 in a pair."""
    frigate.version = version
    sink = with_sink(hass)
    car = frigate.see()
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    await later(90)
    assert [(row.number, row.score) for row in sink.taken] == (
        [] if version == (0, 15) else [("TEST1234", 0.9)]
    )


async def test_of_a_camera_that_nobody_knows(
    hass: HomeAssistant, peer: Peer, entry: MockConfigEntry
) -> None:
    """What it sees is told nobody, and counted."""
    sink = with_sink(hass)
    after = {
        "id": "1790000000.5-abcdef",
        "camera": "elsewhere",
        "label": "car",
        "start_time": 1_790_000_000.5,
        "recognized_license_plate": ["TEST1234", 0.9],
    }
    peer.publish("frigate/events", {"type": "end", "after": after})
    await settled(hass, peer, entry)
    assert sink.taken == []
    assert entry.runtime_data.discarded["passages of unknown cameras"] == 1


async def test_more_reviews_than_can_be_asked_for(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """HTTP is away for days: what reviews name fills no memory, and what is left out is counted."""
    monkeypatch.setattr(gateway, "MOST_MISSED", 2)
    frigate.faults.add(Fault.BROKEN)
    frigate.is_quiet = True
    cars = [frigate.see() for _number in range(3)]
    for car in cars:
        frigate.end(car)
    frigate.is_quiet = False
    frigate.review(*cars)
    await later(1)
    assert len(entry.runtime_data._missed) == 2
    assert entry.runtime_data.discarded["missing events"] == 1
    frigate.faults.clear()
    await later(90)
    assert not entry.runtime_data._missed


@pytest.mark.parametrize(
    "plate", [["TEST"], ["TEST", 0.9, 1], 5, "T" * 65, {"TEST": 1}, [5, 0.9]]
)
async def test_plates_that_are_none(
    hass: HomeAssistant,
    peer: Peer,
    entry: MockConfigEntry,
    plate: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They are counted; what is wrong is told, and not what was read."""
    sink = with_sink(hass)
    after = {
        "id": "1790000000.5-abcdef",
        "camera": "gate_in",
        "recognized_license_plate": plate,
    }
    peer.publish("frigate/events", {"type": "end", "after": after})
    await settled(hass, peer, entry)
    assert sink.taken == []
    assert sum(entry.runtime_data.refused.values()) == 1
    assert logged(caplog, "TEST") == []


async def test_retained_objects_are_refused(
    hass: HomeAssistant, peer: Peer, frigate: Frigate
) -> None:
    """Somebody has them retained: each connection would tell of that car anew."""
    after = {
        "id": "1790000000.5-abcdef",
        "camera": "gate_in",
        "recognized_license_plate": "TEST1234",
    }
    await peer.send("frigate/events", {"type": "end", "after": after}, retain=True)
    entry = await add_frigate(hass, peer, frigate)
    assert sum(entry.runtime_data.refused.values()) == 1
    assert hass.data[DATA_HOUSE].passages.dropped[f"{UID}/gate_in"] == 0


async def test_a_page_that_comes_again(
    hass: HomeAssistant, entry: MockConfigEntry, frigate: Frigate, later: Later
) -> None:
    """It answers with the same rows whatever it is asked: that ends, and is said."""
    for _number in range(120):
        frigate.end(frigate.see())
    frigate.faults.add(Fault.SAME_PAGE)
    await later(90)
    assert issues(hass) == ["frigate_no_answer"]
    assert len(frigate.asked) < 50


async def test_more_than_is_asked_for(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What is more than that is lost, and counted."""
    monkeypatch.setattr(gateway, "MOST_PAGES", 1)
    for _number in range(120):
        frigate.end(frigate.see())
    await later(90)
    assert entry.runtime_data.discarded["missing events"] > 0
    assert issues(hass) == []


async def test_rows_that_are_none(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    frigate: Frigate,
    later: Later,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One bad row takes no other with it."""
    sink = with_sink(hass)
    row = frigate._row

    def with_bad(event: Any) -> Any:
        return {"id": event.id} if event.label == "bad" else row(event)

    monkeypatch.setattr(frigate, "_row", with_bad)
    frigate.is_quiet = True
    car, bad = frigate.see(), frigate.see(label="bad")
    frigate.read(car, "TEST1234", 0.9)
    frigate.end(car)
    frigate.end(bad)
    frigate.is_quiet = False
    await later(90)
    assert sink.told == [("plate", "TEST1234", True)]
    assert entry.runtime_data.refused["events", "event: no row"] == 1


async def test_where_it_was_cannot_be_read(
    hass: HomeAssistant,
    peer: Peer,
    frigate: Frigate,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Cameras do not wait for that."""

    async def fail(_self: Store[Any]) -> None:
        raise HomeAssistantError("no disk")

    monkeypatch.setattr(Store, "async_load", fail)
    await add_frigate(hass, peer, frigate)
    assert device_of(hass).available
    assert entry_of(frigate).unique_id == UID


def test_a_scene_that_goes_on_names_nobody() -> None:
    """What it is about is told by itself, too; a score that is none is not known."""
    found = tracks.Tracks()
    after = {"id": "1790000000.5-a", "camera": "c", "label": "car"}
    data = {"detections": [after["id"]]}
    assert found.unknown({"type": "new", "after": {"data": data}}) == []
    assert found.unknown({"type": "end", "after": {"data": data}}) == [after["id"]]
    read = {"recognized_license_plate": ["TEST1234", "sure"]}
    (seen,) = found.event({"type": "end", "after": {**after, **read}})
    assert (seen.number, seen.score) == ("TEST1234", None)
    with pytest.raises(ValueError, match="no time"):
        found.event({"type": "new", "after": {**after, "id": "99999999999-a"}})


def test_not_more_is_remembered_than_must_be(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of objects that end, or never do, fill no memory."""
    monkeypatch.setattr(tracks, "MOST_OPEN", 3)
    monkeypatch.setattr(tracks, "MOST_PAST", 3)
    found = tracks.Tracks()
    for kind in ("new", "end"):
        for number in range(10):
            after = {"id": f"{1_790_000_000 + number}-a", "camera": "c"}
            found.event({"type": kind, "after": after})
    assert len(found._open) <= 3
    assert len(found._past) <= 3
