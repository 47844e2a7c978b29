"""Watches in a house: heard, asked, told, answered, written and read again."""

from typing import Any

import pytest

from custom_components.rental_units.alerts.const import About, Wording
from custom_components.rental_units.alerts.runtime import engine_of
from custom_components.rental_units.app.application import application_of
from custom_components.rental_units.app.consents import GiveConsent
from custom_components.rental_units.app.visits import PutRound
from custom_components.rental_units.care.book import NEXT_TURN, RETRY_SECONDS
from custom_components.rental_units.care.const import Because
from custom_components.rental_units.care.visits.book import DATA_ROUNDS
from custom_components.rental_units.care.visits.rules import EVENT_SECONDS, Cause, Risk
from custom_components.rental_units.care.watch import Answer, Outcome
from custom_components.rental_units.const import DOMAIN, ConsentScope
from custom_components.rental_units.diagnostics import (
    async_get_config_entry_diagnostics,
)
from custom_components.rental_units.register.models import Person
from custom_components.rental_units.storage.errors import RegisterError
from custom_components.rental_units.storage.vault import Vault
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import entity_registry as er, issue_registry as ir
from homeassistant.util import dt as dt_util
from tests.rental_units.common import call

from .conftest import BEDROOM, FLAT, FRONT, KITCHEN, LAMP, RELATIVE, Home

SQLITE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


def clock() -> float:
    """Return the time."""
    return dt_util.utcnow().timestamp()


async def test_a_morning_without_a_sign(home: Home) -> None:
    """The person is asked first, half an hour later those whom they have named, in their turn."""
    await home.start()
    await home.stir()
    due = await home.ask_at()
    (question,) = home.messages.asked
    assert question.person_id == home.person
    assert question.answer_by == pytest.approx(due + 1800, abs=2)
    assert home.state == "asking"
    assert home.messages.told == []
    await home.until(question.answer_by)
    (look_in,) = home.messages.told
    assert home.state == "alarm"
    assert (look_in.person_id, look_in.is_urgent) == (home.person, False)
    names = await home.entry.runtime_data.async_run(
        lambda session: [
            session.get_one(Person, key).name
            for stage in look_in.stages
            for key in stage.people
        ]
    )
    assert names == ["MARK-DAUGHTER", "MARK-NEIGHBOUR"]
    assert [(row.wording, row.after) for row in look_in.stages] == [
        (Wording.RELATIVES, 0),
        (Wording.NEIGHBOURS, NEXT_TURN),
    ]
    # It goes on until somebody says what was found, whatever is heard: it may be them.
    await home.stir()
    await home.go(6)
    assert home.state == "alarm"
    assert len(home.messages.told) == len(home.messages.asked) == 1
    await home.desk().async_close(home.watch_id, Outcome.REAL)
    assert home.state == "watching"
    assert home.messages.ended == [(look_in.key, True), (question.key, False)] or (
        sorted(home.messages.ended)
        == sorted([(look_in.key, True), (question.key, False)])
    )
    figures = await home.desk().async_list()
    assert [row["state"] for row in figures] == ["watching"]
    assert home.ward.months == {
        "2026-03": {"asked": 1, "told": 1, "needless": 0, "real": 1}
    }


@SQLITE
async def test_others_are_told_and_a_visit_is_due(home: Home) -> None:
    """Who has agreed to visits as well is visited within a day, also after a start; once."""
    await home.start()
    agreed = GiveConsent(home.person, ConsentScope.VISITS)
    application = application_of(home.hass, home.entry.entry_id)
    await application.async_fill(agreed, None)
    vault = Vault(home.entry.runtime_data.keys)
    put = PutRound(home.person, Risk.GENERAL, vault)
    await application.async_fill(put, None)
    await home.stir()
    await home.ask_at()
    rounds = home.hass.data[DATA_ROUNDS][home.entry.entry_id]
    assert rounds.rounds[home.person][0].events == ()
    await home.until(home.messages.asked[0].answer_by)
    for _ in range(2):
        rounds = home.hass.data[DATA_ROUNDS][home.entry.entry_id]
        found, its = rounds.rounds[home.person]
        (event,) = found.events
        assert event.cause is Cause.CARE_ALARM
        assert its.at == event.at + EVENT_SECONDS
        await home.reload()


@SQLITE
async def test_a_sign_ends_the_question(home: Home) -> None:
    """Who stirs is asked no more, nobody else is told, and the next question comes later."""
    await home.start()
    await home.stir()
    await home.ask_at()
    assert len(home.messages.asked) == 1
    await home.stir(BEDROOM)
    assert home.state == "watching"
    assert home.messages.ended == [(home.messages.asked[0].key, False)]
    assert home.ward.watch.habits.moved > 0
    await home.go(1)
    assert home.messages.told == []
    assert (await home.written())["question"] is None


@SQLITE
@pytest.mark.parametrize("answer", ["fine", "out"])
async def test_an_answer_ends_it(home: Home, answer: str) -> None:
    """Asked, the person says that all is well, or that they are out."""
    await home.start()
    await home.stir()
    await home.ask_at()
    key = home.messages.asked[0].key
    # Somebody else cannot say it for them.
    home.messages.say(key, "somebody", answer)
    await home.settle()
    assert home.state == "asking"
    home.messages.say(key, home.person, answer)
    await home.settle()
    assert home.state == {"fine": "watching", "out": "away"}[answer]
    # For a while they may say otherwise: the alerts end it.
    assert home.messages.ended == []
    assert (await home.written())["question"] is None
    home.messages.say(key, home.person, "help")
    await home.settle()
    assert [row.is_urgent for row in home.messages.told] == [True]
    await home.desk().async_close(home.watch_id, Outcome.REAL)
    assert home.state == {"fine": "watching", "out": "away"}[answer]
    assert [row.what for row in home.ward.deeds][-4:] == [
        *(answer, "help", "told", "real"),
    ]


@SQLITE
async def test_a_call_for_help_is_told_at_once(home: Home) -> None:
    """Asked or not; and anew, in urgent words, where others had been told without them."""
    await home.start()
    await home.stir()
    await home.ask_at()
    key = home.messages.asked[0].key
    home.messages.say(key, home.person, "help")
    await home.settle()
    assert [row.is_urgent for row in home.messages.told] == [True]
    await home.desk().async_close(home.watch_id, Outcome.REAL)
    home.messages.told.clear()
    await home.stir()
    await home.until(home.ward.watch.deadlines(clock())[1])
    assert [row.is_urgent for row in home.messages.told] == [False]
    home.messages.say(home.messages.asked[-1].key, home.person, "help")
    await home.settle()
    quiet, urgent = home.messages.told
    assert urgent.is_urgent
    assert (quiet.key, False) in home.messages.ended
    assert home.messages.open == {urgent.key, home.messages.asked[-1].key}
    # And a late word from the person ends all of it.
    home.messages.say(home.messages.asked[-1].key, home.person, "fine")
    await home.settle()
    assert home.messages.open == {home.messages.asked[-1].key}
    assert (urgent.key, True) in home.messages.ended
    assert home.ward.months["2026-03"]["needless"] == 1


@SQLITE
async def test_who_looked_in_says_that_all_is_well(home: Home) -> None:
    """It was needless then, and is counted so; who is on the way ends nothing."""
    await home.start()
    await home.stir()
    await home.until(home.ward.watch.deadlines(clock())[1])
    (look_in,) = home.messages.told
    relative = look_in.stages[0].people[0]
    said = home.messages.say(look_in.key, relative, "on_my_way")
    await home.settle()
    assert home.state == "alarm"
    home.messages.say(look_in.key, relative, "all_well")
    # What is told again, as after a start, is taken once.
    home.messages.say(look_in.key, relative, "on_my_way", said.number)
    await home.settle()
    assert home.state == "watching"
    assert (look_in.key, True) in home.messages.ended
    assert home.ward.months["2026-03"]["needless"] == 1
    assert [row.what for row in home.ward.deeds][-3:] == [
        *("told", "on_my_way", "all_well"),
    ]


async def test_a_start_goes_on_with_the_question(home: Home) -> None:
    """Killed after it was asked: nobody is asked twice, and the half hour goes on."""
    await home.start()
    await home.stir()
    await home.ask_at()
    question = home.messages.asked[0]
    await home.kill()
    assert home.state == "asking"
    assert home.messages.asked == [question]
    await home.until(question.answer_by)
    assert len(home.messages.told) == 1
    await home.kill()
    await home.go(1)
    assert home.state == "alarm"
    assert len(home.messages.told) == 1
    assert len(home.messages.asked) == 1


@SQLITE
async def test_killed_between_writing_and_asking(home: Home) -> None:
    """What is written is asked by the next start, under the same key."""
    await home.start()
    await home.stir()
    home.messages.fails = True
    await home.ask_at()
    assert home.messages.asked == []
    key = (await home.written())["question"]
    assert key
    home.messages.fails = False
    await home.kill()
    assert [row.key for row in home.messages.asked] == [key]


@SQLITE
async def test_it_is_tried_again(home: Home) -> None:
    """Who asks people has failed: it is asked once it does not."""
    await home.start()
    await home.stir()
    home.messages.fails = True
    await home.ask_at()
    home.messages.fails = False
    await home.go(RETRY_SECONDS / 3600)
    assert len(home.messages.asked) == 1
    assert home.ward.months["2026-03"]["asked"] == 1


@SQLITE
async def test_the_database_is_away(
    home: Home, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It asks and tells all the same, says that nothing is written, and writes it afterwards."""
    await home.start()
    await home.stir()

    async def fail(*_: Any, **__: Any) -> None:
        raise RegisterError("register_full")

    with monkeypatch.context() as patch:
        patch.setattr(home.entry.runtime_data.database, "async_run", fail)
        await home.until(home.ward.watch.deadlines(clock())[1])
        assert len(home.messages.asked) == len(home.messages.told) == 1
        assert home.book.is_behind
        assert (await home.written())["question"] is None
    assert caplog.text.count("kept in memory") == 1
    await home.go(0.2)
    assert not home.book.is_behind
    assert (await home.written())["look_in"] == home.messages.told[0].key


@SQLITE
async def test_what_was_not_written_shifts_no_limit(home: Home) -> None:
    """Killed after hours of silence, of which nothing had to be written: they still count."""
    await home.start()
    await home.stir()
    await home.go(0.3)
    _, tell_at = home.ward.watch.deadlines(clock())
    await home.go(3)
    await home.kill()
    assert home.ward.watch.deadlines(clock())[1] == pytest.approx(tell_at, abs=900)


@SQLITE
async def test_off_for_hours(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody looked: the time stood still, and nobody is asked because of it."""
    await home.start()
    await home.stir()
    ask_at, _ = home.ward.watch.deadlines(clock())
    home.freezer.tick(10 * 3600)
    await home.kill()
    await home.go(0.1)
    assert home.messages.asked == []
    assert home.ward.watch.deadlines(clock())[0] > ask_at + 8 * 3600


@SQLITE
async def test_the_clock_is_set(home: Home) -> None:
    """Forward: no silence. Back: nobody is left alone until it is there again."""
    await home.start()
    await home.stir()
    await home.go(0.5)
    home.freezer.tick(9 * 3600)
    await home.go(0.2)
    assert home.messages.asked == []
    await home.stir()
    home.freezer.tick(-9 * 3600)
    # Timers go by a clock that nobody sets.
    await home.book.async_look()
    assert home.ward.watch.kept.last == clock()
    ask_at, _ = home.ward.watch.deadlines(clock())
    assert min(home.book._due.values()) <= ask_at


@SQLITE
async def test_the_house_moves(home: Home) -> None:
    """Its time zone is another: habits go by it from now."""
    await home.start()
    await home.hass.config.async_update(time_zone="Asia/Shanghai")
    await home.settle()
    assert str(home.ward.watch.zone) == "Asia/Shanghai"
    await home.stir()
    await home.ask_at()
    assert len(home.messages.asked) == 1


@SQLITE
async def test_what_is_no_sign_of_life(home: Home) -> None:
    """The end of a motion, an automation's light, somebody's app elsewhere, what is there again."""
    await home.hass.auth.async_create_user("Elsewhere")
    await home.start()
    await home.stir()
    last = home.ward.watch.kept.last
    await home.put(KITCHEN, "on")
    home.freezer.tick(60)
    for entity_id, state, context in (
        (KITCHEN, "off", {}),
        (LAMP, "on", {"parent_id": "automation"}),
        (LAMP, "off", {"user_id": "elsewhere"}),
        (FRONT, "unavailable", {}),
        (FRONT, "on", {}),
        (FRONT, "unknown", {}),
        (FRONT, "off", {}),
    ):
        await home.put(entity_id, state, **context)
    assert home.ward.watch.kept.last == last
    await home.put(LAMP, "on")
    assert home.ward.watch.kept.last == clock()


@SQLITE
async def test_a_dead_sensor_suspends(home: Home) -> None:
    """What cannot be heard is neither silence nor life; back, nobody is asked for hours."""
    await home.start()
    await home.stir()
    await home.go(1)
    for row in (KITCHEN, BEDROOM):
        await home.put(row, "unavailable")
    assert home.state == "suspended"
    assert home.book.counts()["suspended"] == 1
    await home.go(14)
    assert home.messages.open == set()
    assert home.state == "suspended"
    for row in (KITCHEN, BEDROOM):
        await home.put(row, "off")
    assert home.state == "watching"
    await home.go(4)
    assert home.messages.asked == []
    # An hour of silence was before: it goes on from there.
    assert home.ward.watch.kept.silent_since == pytest.approx(clock() - 5 * 3600, abs=9)
    await home.ask_at()
    assert len(home.messages.asked) == 1


@SQLITE
async def test_who_went_out_is_away(home: Home) -> None:
    """Heard at the door last: as away, until the longer limit; with a plan, until that is over."""
    await home.start()
    await home.stir()
    await home.go(0.1)
    await home.put(FRONT, "on")
    await home.go(13)
    assert home.messages.asked == []
    assert (await home.desk().async_list())[0]["state"] == "away"
    await home.ask_at()
    assert len(home.messages.asked) == 1
    home.messages.say(home.messages.asked[0].key, home.person, "out")
    await home.settle()
    await home.desk().async_away(home.watch_id, clock() + 30 * 3600)
    await home.go(30.9)
    assert len(home.messages.asked) == 1
    await home.go(0.2)
    assert len(home.messages.asked) == 2
    (row,) = await home.desk().async_list()
    assert (row["state"], row["why"][0]) == ("asking", "late")


@SQLITE
async def test_two_in_one_flat(home: Home) -> None:
    """Each has a watch of their own, by what is theirs; a thing may be heard for both."""
    first = await home.start()
    other = await home.move_in(name="MARK-OTHER", phone="13800138013")
    second = await home.start(
        [row for row in FLAT if row["entity_id"] != BEDROOM],
        [RELATIVE],
        person=other,
    )
    await home.stir(BEDROOM)
    await home.go(1)
    await home.stir(KITCHEN)
    lasts = {key: ward.watch.kept.last for key, ward in home.book.wards.items()}
    assert lasts[first] == lasts[second]
    await home.stir(BEDROOM)
    await home.go(0.5)
    await home.stir(BEDROOM)
    lasts = {key: ward.watch.kept.last for key, ward in home.book.wards.items()}
    assert lasts[first] > lasts[second]
    await home.desk().async_answer(second, Answer.HELP)
    assert [row.person_id for row in home.messages.told] == [other]
    await home.desk().async_close(second, Outcome.REAL)
    assert home.book.counts()["watching"] == 2


@SQLITE
async def test_guests_and_pauses(home: Home) -> None:
    """Nobody learns from guests; in a pause nobody is asked, and after it not at once."""
    await home.start()
    await home.stir()
    await home.desk().async_guests(home.watch_id, clock() + 3600)
    (row,) = await home.desk().async_list()
    assert "guests" in row["why"]
    assert row["guests_until"]
    await home.desk().async_pause(home.watch_id, clock() + 24 * 3600)
    assert home.state == "paused"
    await home.go(24.1)
    assert home.messages.asked == []
    assert home.state == "watching"
    await home.ask_at()
    assert len(home.messages.asked) == 1


@SQLITE
async def test_what_is_not_to_be(home: Home) -> None:
    """What cannot be watched by is refused, and nothing has changed."""
    inside = {"entity_id": KITCHEN, "kind": "inside", "how": "on"}
    person = await home.move_in()
    many = [{**inside, "entity_id": f"{KITCHEN}_{n}"} for n in range(25)]
    for row in many:
        home.hass.states.async_set(row["entity_id"], "off")
    for things, key in (
        ([{**inside, "kind": "door"}], "care_nothing_inside"),
        ([], "care_nothing_inside"),
        ([{**inside, "how": "press"}], "care_wrong_way"),
        ([{**inside, "how": "on", "least": 3}], "care_wrong_way"),
        ([{**inside, "entity_id": "binary_sensor.none"}], "care_no_source"),
        (many, "care_too_many"),
    ):
        with pytest.raises(ServiceValidationError) as failure:
            await home.start(things)
        assert failure.value.translation_key == key
    for more, key in (
        ({"contacts": []}, "care_nobody"),
        ({"because": Because.PERINATAL}, "care_no_birth"),
        ({"title": "1-1-102", "person": person}, "care_not_there"),
    ):
        with pytest.raises(ServiceValidationError) as failure:
            await home.start(**more)
        assert failure.value.translation_key == key
    assert await home.kept() == []
    await home.start()
    with pytest.raises(ServiceValidationError) as failure:
        await home.start()
    assert failure.value.translation_key == "care_watched"
    with pytest.raises(ServiceValidationError) as failure:
        await home.desk().async_close(home.watch_id, Outcome.REAL)
    assert failure.value.translation_key == "care_not_told"
    assert len(await home.kept()) == 1


@SQLITE
async def test_only_counts_are_shown(home: Home) -> None:
    """Entities and repairs say how many, and never with whom."""
    names = (
        *("watches_for_signs_of_life", "suspended_watches_for_signs_of_life"),
        *("people_asked_for_a_sign_of_life", "people_without_a_sign_of_life"),
    )

    def counts() -> list[str]:
        found = (home.hass.states.get(f"sensor.property_1_{name}") for name in names)
        return [state.state if state else "none" for state in found]

    assert counts() == ["0", "0", "0", "0"]
    await home.start()
    await home.stir()
    assert counts() == ["1", "0", "0", "0"]
    await home.ask_at()
    assert counts() == ["0", "0", "1", "0"]
    await home.go(0.6)
    assert counts() == ["0", "0", "0", "1"]
    await home.desk().async_close(home.watch_id, Outcome.NEEDLESS)
    issues = ir.async_get(home.hass).issues
    blind = (DOMAIN, f"care_blind_{home.entry.entry_id}")
    assert blind not in issues
    for row in (KITCHEN, BEDROOM):
        await home.put(row, "unavailable")
    assert counts() == ["0", "1", "0", "0"]
    await home.go(0.2)
    assert blind not in issues
    await home.go(0.2)
    assert issues[blind].translation_placeholders == {
        "property": "Property 1",
        "count": "1",
    }
    await home.put(KITCHEN, "off")
    await home.put(BEDROOM, "off")
    await home.go(0.1)
    assert blind not in issues
    shown = await async_get_config_entry_diagnostics(home.hass, home.entry)
    assert shown["care"] == {"watching": 1}
    assert home.person not in repr(home.hass.states.async_all())


@SQLITE
async def test_silent_while_others_are_heard(home: Home) -> None:
    """A battery is empty: the thing is dead, and what it said before proves nothing."""
    await home.start(FLAT[:3])
    for hour in range(3 * 24):
        await home.stir(KITCHEN)
        if hour < 24:
            await home.stir(BEDROOM)
        await home.go(1)
        if home.ward.watch.dead:
            break
    shown = await home.desk().async_get(home.watch_id)
    assert {row["entity_id"] for row in shown["dead"]} == {BEDROOM}
    assert "dead" in shown["why"]
    await home.stir(BEDROOM)
    assert home.ward.watch.dead == ()


@SQLITE
async def test_what_says_the_same_again_lives(home: Home) -> None:
    """A report without a change is one that it is there, and no sign of anybody."""
    await home.start()
    for _ in range(3 * 24):
        await home.stir(KITCHEN)
        home.hass.states.async_set(BEDROOM, "off")
        await home.go(1)
    assert BEDROOM not in home.ward.watch.dead


@SQLITE
async def test_a_key_is_lost(home: Home, caplog: pytest.LogCaptureFixture) -> None:
    """What nobody can read watches nobody: it is said, and counted as suspended."""
    await home.start()
    keys = home.entry.runtime_data.keys
    await home.hass.config_entries.async_unload(home.entry.entry_id)
    await keys.async_remove()
    await home.hass.config_entries.async_setup(home.entry.entry_id)
    await home.settle()
    assert home.book.counts() == {"suspended": 1}
    assert "watches nobody" in caplog.text
    (row,) = await home.desk().async_list()
    assert row["unreadable"]
    with pytest.raises(ServiceValidationError) as failure:
        await home.desk().async_answer(home.watch_id, Answer.FINE)
    assert failure.value.translation_key == "care_unreadable"
    await home.desk().async_revoke(home.watch_id)
    await home.settle()
    assert home.book.counts() == {}


@SQLITE
async def test_renamed_and_removed(home: Home) -> None:
    """A thing is the same under another name; one that is removed is dead."""
    entities = er.async_get(home.hass)
    row = entities.async_get_or_create(
        "binary_sensor", "test", "x", suggested_object_id="bath"
    )
    home.hass.states.async_set(row.entity_id, "off")
    bath = {"entity_id": row.entity_id, "kind": "inside", "how": "on"}
    await home.start([bath, FLAT[2]])
    entities.async_update_entity(row.entity_id, new_entity_id="binary_sensor.shower")
    home.hass.states.async_set("binary_sensor.shower", "off")
    await home.settle()
    home.freezer.tick(60)
    await home.stir("binary_sensor.shower")
    assert home.ward.watch.kept.last == clock()
    shown = await home.desk().async_get(home.watch_id)
    assert shown["by"]["entity_id"] == "binary_sensor.shower"
    entities.async_remove("binary_sensor.shower")
    await home.settle()
    assert home.state == "suspended"


@SQLITE
async def test_who_cannot_be_asked(home: Home) -> None:
    """Without an address others are told, somewhat later; with one they are asked first again."""
    person = await home.move_in(phone=None)
    await home.start(person=person)
    (row,) = await home.desk().async_list()
    assert not row["asks"]
    await home.stir()
    _, tell_at = home.ward.watch.deadlines(clock())
    await home.until(tell_at)
    assert home.messages.asked == []
    assert len(home.messages.told) == 1
    await home.desk().async_close(home.watch_id, Outcome.NEEDLESS)
    data = {"person_id": person, "phone": "13800138015"}
    await call(home.hass, "update_contact", data)
    await home.settle()
    (row,) = await home.desk().async_list()
    assert row["asks"]


@SQLITE
async def test_a_phone(home: Home) -> None:
    """Who has left with it is out, and comes home by it; one that wavers is no sign of anybody."""
    phone = "device_tracker.phone"
    home.hass.states.async_set(phone, "home")
    thing = {"entity_id": phone, "kind": "door", "how": "presence"}
    await home.start([*FLAT, thing])
    await home.stir()
    last = home.ward.watch.kept.last
    await home.go(1)
    await home.put(phone, "not_home")
    assert (await home.desk().async_list())[0]["state"] == "away"
    await home.go(0.2)
    await home.put(phone, "home")
    assert (await home.desk().async_list())[0]["state"] == "watching"
    assert home.ward.watch.kept.last == last
    await home.put(phone, "not_home")
    await home.go(1)
    await home.put(phone, "Work")
    assert (await home.desk().async_list())[0]["state"] == "away"
    await home.put(phone, "home")
    assert home.ward.watch.kept.last == clock()
    assert (await home.desk().async_list())[0]["state"] == "watching"


@SQLITE
async def test_by_the_alerts(house: Home) -> None:
    """They ask, tell and end what the watch has them; over a start nothing is there twice."""
    await house.start()
    await house.stir()
    due = await house.ask_at()
    engine = engine_of(house.hass, house.entry.entry_id)
    assert engine
    key = str(house.ward.question)
    asked = engine.personal.find(key)
    assert asked
    assert asked.about == About.WELFARE
    assert asked.begun_at == pytest.approx(due, abs=9)
    assert [row.person_id for row in asked.people] == [house.person]
    await house.reload()
    engine = engine_of(house.hass, house.entry.entry_id)
    assert engine
    assert len(engine.personal.alerts) == 1
    await house.go(0.6)
    told = engine.personal.find(str(house.ward.look_in))
    assert told
    assert (told.about, told.stage) == (About.LOOK_IN, 1)
    await house.desk().async_close(house.watch_id, Outcome.NEEDLESS)
    await house.settle()
    assert house.ward.look_in is None
    assert engine.personal.find(key) is None
    await house.desk().async_answer(house.watch_id, Answer.HELP)
    await house.settle()
    assert engine.personal.find(str(house.ward.look_in))
    await house.desk().async_revoke(house.watch_id)
    await house.settle()
    assert engine.personal.alerts == {}
