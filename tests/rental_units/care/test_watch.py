"""The watch over one person: asked first, told in time, never by what could not be seen."""

from dataclasses import dataclass
from datetime import UTC, datetime
import json
from zoneinfo import ZoneInfo

from hypothesis import given, settings, strategies as st
import pytest

from custom_components.rental_units.care.habits import FIGURES
from custom_components.rental_units.care.watch import (
    AWAY_LIMIT,
    DOOR_QUIET,
    GOING,
    LATER,
    LEAST_RARE_PAUSE,
    MOST_SOURCES,
    MOST_UNLOOKED,
    PLAN_GRACE,
    Answer,
    Outcome,
    Sensitivity,
    SourceKind,
    State,
    Watch,
    Why,
)

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
BERLIN = ZoneInfo("Europe/Berlin")
BEGIN = datetime(2026, 3, 2, tzinfo=UTC).timestamp()
FLAT = {
    "kitchen": SourceKind.INSIDE,
    "bedroom": SourceKind.INSIDE,
    "door": SourceKind.DOOR,
}


def at(day: int, hour: float) -> float:
    """Return a time."""
    return BEGIN + day * DAY + hour * HOUR


def lived(days: int = 28, first: int = 0, watch: Watch | None = None) -> Watch:
    """Return the watch over somebody who is up from seven to ten at night."""
    if watch is None:
        watch = Watch.begin(at(0, 0), UTC)
        watch.hear_by(FLAT, at(0, 0))
    for day in range(first, first + days):
        for half in range(14, 45):
            watch.sign("kitchen" if half % 2 else "bedroom", at(day, half / 2))
        watch.heard("door", at(day, 22))
    # As nobody was asked in all that time it would ask sooner: of that elsewhere.
    watch.habits.moved = 0.0
    return watch


def state(watch: Watch, now: float) -> tuple[State, tuple[Why, ...]]:
    """Return how it stands."""
    found = watch.look(now)
    return found.state, found.why


def test_asked_first_and_told_half_an_hour_later() -> None:
    """A morning without a sign: the question, its half hour, and then the others."""
    watch = lived()
    found = watch.look(at(28, 6))
    assert (found.state, found.why) == (State.WATCHING, ())
    assert found.last == at(27, 22)
    assert found.by == "bedroom"
    assert found.usual.by == at(28, 7.25)
    assert found.ask_at < found.tell_at == found.ask_at + FIGURES.answer * HOUR
    assert state(watch, found.ask_at - 1)[0] is State.WATCHING
    assert state(watch, found.ask_at) == (State.ASKING, (Why.LATE,))
    watch.asked(found.ask_at)
    assert state(watch, found.tell_at - 1) == (State.ASKING, (Why.LATE,))
    assert state(watch, found.tell_at) == (State.ALARM, (Why.UNANSWERED,))
    watch.told(found.tell_at)
    assert watch.look(found.tell_at + DAY).told_at == found.tell_at


def test_who_was_asked_late_has_as_much_time_but_for_the_limit() -> None:
    """Home Assistant was off when it was time to ask."""
    watch = lived()
    ask_at, tell_at = watch.deadlines(at(28, 6))
    watch.asked(ask_at + 10 * MINUTE)
    assert watch.deadlines(ask_at)[1] == min(
        tell_at + 10 * MINUTE, at(27, 22) + FIGURES.limit * HOUR
    )


def test_a_sign_ends_the_question_and_moves_the_next() -> None:
    """It was needless, and that is learned."""
    watch = lived()
    ask_at, _ = watch.deadlines(at(28, 6))
    watch.asked(ask_at)
    moved = watch.habits.moved
    assert watch.sign("kitchen", ask_at + MINUTE)
    assert watch.habits.moved > moved
    assert state(watch, ask_at + 2 * MINUTE)[0] is State.WATCHING
    assert not watch.sign("kitchen", ask_at + 3 * MINUTE)


def test_what_others_were_told_of_ends_when_somebody_says_what_was_found() -> None:
    """It may be them who are heard."""
    watch = lived()
    _, tell_at = watch.deadlines(at(28, 6))
    watch.told(tell_at)
    assert not watch.sign("kitchen", tell_at + HOUR)
    assert state(watch, tell_at + HOUR)[0] is State.ALARM
    moved = watch.habits.moved
    watch.close(Outcome.NEEDLESS, tell_at + 2 * HOUR)
    assert watch.habits.moved > moved
    found = watch.look(tell_at + 2 * HOUR)
    assert found.state is State.WATCHING
    assert found.told_at is None and found.asked_at is None


def test_an_emergency_is_not_learned() -> None:
    """Who lay on the floor until noon does not usually."""
    watch = lived()
    before = watch.habits.usual(at(40, 1), UTC)
    watch.told(at(28, 9.5))
    watch.close(Outcome.REAL, at(28, 12))
    assert watch.habits.usual(at(28, 23), UTC).by == at(29, 7.25)
    assert watch.habits.moved <= 0
    assert before.of_days


def test_answers() -> None:
    """Fine is a sign of life; out is an absence; help tells the others at once."""
    watch = lived()
    ask_at, _ = watch.deadlines(at(28, 6))
    watch.asked(ask_at)
    watch.answer(Answer.FINE, ask_at + MINUTE)
    assert state(watch, ask_at + 2 * MINUTE)[0] is State.WATCHING
    watch.answer(Answer.OUT, ask_at + HOUR)
    assert state(watch, ask_at + HOUR) == (State.AWAY, (Why.ANNOUNCED, Why.MOVED))
    watch.answer(Answer.HELP, ask_at + 2 * HOUR)
    found = watch.look(ask_at + 2 * HOUR)
    assert (found.state, found.told_at) == (State.ALARM, None)
    assert found.why[0] is Why.HELP
    # A sign does not end a call for help; who has called does.
    watch.sign("kitchen", ask_at + 3 * HOUR)
    assert state(watch, ask_at + 3 * HOUR)[0] is State.ALARM
    watch.answer(Answer.FINE, ask_at + 4 * HOUR)
    assert state(watch, ask_at + 4 * HOUR)[0] is State.WATCHING


def test_the_door_and_silence_are_an_absence() -> None:
    """Shown as away, and told later: nobody is heard whom nobody can hear."""
    watch = lived()
    watch.sign("door", at(28, 9))
    assert state(watch, at(28, 9) + DOOR_QUIET - 1)[0] is State.WATCHING
    found = watch.look(at(28, 9) + DOOR_QUIET)
    assert (found.state, found.why) == (State.AWAY, (Why.DOOR,))
    assert found.away_since == at(28, 9)
    assert found.tell_at == at(28, 9) + AWAY_LIMIT * HOUR
    # The hall hears them go.
    watch.sign("kitchen", at(28, 9) + MINUTE)
    assert state(watch, at(28, 10))[0] is State.AWAY
    watch.sign("kitchen", at(28, 11))
    found = watch.look(at(28, 12))
    assert found.state is State.WATCHING and found.away_since is None
    assert found.tell_at <= at(28, 11) + FIGURES.limit * HOUR
    # What was not heard meanwhile is nobody's habit.
    today = int(at(30, 0) // DAY) + datetime(1970, 1, 1, tzinfo=UTC).toordinal()
    assert len(watch.habits.waits(40, today)) == 26


def test_an_absence_ends_at_the_door() -> None:
    """Who comes home and falls in the hall is at home; the next time they go out."""
    watch = lived()
    watch.sign("door", at(28, 9))
    watch.sign("door", at(28, 12))
    watch.sign("door", at(28, 12) + 5)
    found = watch.look(at(28, 13))
    assert (found.state, found.away_since) == (State.WATCHING, None)
    assert found.tell_at <= at(28, 12) + 5 + FIGURES.limit * HOUR
    watch.sign("door", at(28, 14))
    found = watch.look(at(28, 15))
    assert (found.state, found.away_since) == (State.AWAY, at(28, 14))


def test_an_announced_absence_ends_by_itself_and_asks_when_it_is_over() -> None:
    """A holiday of six days is no reason to ask, and its end is."""
    watch = lived()
    watch.leave(at(28, 9), at(34, 18))
    watch.sign("door", at(28, 9) + GOING / 2)
    found = watch.look(at(31, 12))
    assert (found.state, found.why) == (State.AWAY, (Why.ANNOUNCED,))
    assert found.away_until == at(34, 18)
    over = at(34, 18) + PLAN_GRACE * HOUR
    assert state(watch, over - 1)[0] is State.AWAY
    assert state(watch, over) == (State.ASKING, (Why.PLAN_OVER,))
    watch.asked(over)
    assert state(watch, over + FIGURES.answer * HOUR)[0] is State.ALARM
    watch.answer(Answer.FINE, over + MINUTE)
    # They are heard at home, days before they wanted to be.
    watch.leave(at(36, 9), at(40, 18))
    watch.sign("kitchen", at(37, 9))
    assert state(watch, at(37, 9))[0] is State.WATCHING


def test_a_pause_counts_as_nothing() -> None:
    """When it is over the watch begins as after a sign of life."""
    watch = lived()
    watch.asked(at(28, 9))
    watch.pause(at(31, 9), at(28, 9.1))
    assert state(watch, at(31, 8)) == (State.PAUSED, ())
    assert state(watch, at(31, 9))[0] is State.WATCHING
    assert watch.look(at(31, 9)).tell_at <= at(31, 9) + FIGURES.limit * HOUR
    assert watch.looks_at() == at(31, 9) + FIGURES.floor * HOUR
    watch.pause(None, at(30, 9))
    assert state(watch, at(30, 9))[0] is State.WATCHING


def test_what_cannot_be_seen_is_no_silence() -> None:
    """Time stands still: what was silent before is, and no more."""
    watch = lived()
    watch.lost(FLAT, at(28, 2))
    assert state(watch, at(28, 23)) == (State.SUSPENDED, (Why.DEAD,))
    assert watch.look(at(28, 23)).dead == tuple(FLAT)
    for key in FLAT:
        watch.heard(key, at(29, 2))
    found = watch.look(at(29, 2))
    assert found.state is State.WATCHING
    assert (found.last, found.silent_since) == (at(27, 22), at(28, 22))
    # And nothing of it was learned.
    assert watch.habits.usual(at(30, 1), UTC).of_days <= 28


def test_a_question_goes_on_whatever_becomes_of_the_sensors() -> None:
    """It was asked by what could be seen."""
    watch = lived()
    ask_at, tell_at = watch.deadlines(at(28, 6))
    watch.asked(ask_at)
    watch.lost(FLAT, ask_at + MINUTE)
    assert state(watch, ask_at + 2 * MINUTE)[0] is State.ASKING
    assert state(watch, tell_at)[0] is State.ALARM


def test_a_sensor_that_hears_little_may_be_dead() -> None:
    """The watch goes on, and says so; without one that hears much it does not."""
    watch = lived()
    watch.lost(["door"], at(28, 2))
    assert state(watch, at(28, 3)) == (State.WATCHING, (Why.DEAD,))
    watch.lost(["kitchen"], at(28, 3))
    assert watch.is_blind
    watch.heard("kitchen", at(28, 4))
    assert not watch.is_blind


def test_on_the_first_day_each_sensor_counts() -> None:
    """Nobody knows yet which of them hear much."""
    watch = Watch.begin(at(0, 0), UTC)
    watch.hear_by(FLAT, at(0, 0))
    assert not watch.is_blind
    watch.lost(["bedroom"], at(0, 1))
    assert watch.is_blind
    watch.hear_by({"door": SourceKind.DOOR}, at(0, 2))
    # A door alone shows nobody at home.
    assert watch.is_blind
    watch.hear_by(FLAT, at(0, 3))
    assert not watch.is_blind


def test_one_that_is_silent_beside_others_is_dead() -> None:
    """A battery is empty, and nothing has said so."""
    watch = lived()
    for day in range(28, 32):
        for half in range(14, 45):
            watch.sign("bedroom", at(day, half / 2))
        dead = watch.sweep(at(day, 23))
        assert dead == (["kitchen"] if day == 28 else [])
    assert watch.is_blind
    assert "door" not in watch.dead
    for day in range(32, 36):
        for half in range(14, 45):
            watch.sign("bedroom", at(day, half / 2))
    assert watch.sweep(at(28, 0) + LEAST_RARE_PAUSE) == ["door"]
    # Weeks later others have taken its place.
    lived(21, 36, watch)
    assert not watch.is_blind


def test_nobody_heard_anywhere_is_no_dead_sensor() -> None:
    """A flat that nobody is heard in is what it watches for."""
    watch = lived()
    assert watch.sweep(at(40, 0)) == []
    assert not watch.is_blind


def test_a_restart_in_the_middle_of_a_question() -> None:
    """What is kept goes on where it was; a long time off was not seen."""
    watch = lived()
    watch.looked(at(28, 6))
    ask_at, tell_at = watch.deadlines(at(28, 6))
    watch.looked(ask_at)
    watch.asked(ask_at)
    again = Watch.from_data(json.loads(json.dumps(watch.as_data())), UTC)
    again.looked(ask_at + MOST_UNLOOKED)
    assert again.look(ask_at) == watch.look(ask_at)
    again.answer(Answer.FINE, ask_at + MOST_UNLOOKED)
    since = again.kept.silent_since
    again.looked(since)
    again.looked(since + DAY)
    assert again.kept.silent_since == since + DAY
    assert again.deadlines(since)[1] <= since + DAY + FIGURES.limit * HOUR
    assert tell_at > ask_at


def test_a_sign_in_what_was_not_seen_is_one() -> None:
    """One of two sensors is dead: what the other hears counts, and the rest does not."""
    watch = lived()
    watch.lost(["kitchen"], at(28, 1))
    assert watch.is_blind
    watch.sign("bedroom", at(28, 7))
    watch.heard("kitchen", at(28, 20))
    assert watch.kept.last == at(28, 7)
    assert watch.kept.silent_since == at(28, 20)


def test_nobody_can_be_asked() -> None:
    """Others are told half an hour later instead, and nobody is shown as asked."""
    watch = lived()
    watch.sign("kitchen", at(28, 2))
    watch.habits.moved = 0.0
    ask_at, tell_at = watch.deadlines(at(28, 6))
    watch.is_asked = False
    assert watch.deadlines(at(28, 6)) == (ask_at, tell_at + HOUR / 2)
    assert state(watch, ask_at)[0] is State.WATCHING
    assert state(watch, tell_at + HOUR / 2) == (State.ALARM, (Why.LATE,))


def test_the_limit_says_so() -> None:
    """Whatever is usual, nobody is left alone for longer."""
    watch = lived()
    watch.habits.moved = FIGURES.most
    assert state(watch, at(27, 22) + FIGURES.limit * HOUR)[1][0] is Why.LIMIT


def test_three_words_for_when_to_ask() -> None:
    """Early, normal, late."""
    asks = []
    for word in Sensitivity:
        watch = lived()
        watch.kept.silent_since = at(28, 14)
        watch.sensitivity = word
        asks.append(watch.deadlines(at(28, 14))[0] / HOUR)
    assert asks == pytest.approx(
        [asks[1] + LATER[word] for word in Sensitivity], abs=0.01
    )


def test_guests() -> None:
    """What is heard may be them, and is not learned."""
    watch = lived()
    watch.have_guests(at(30, 12), at(28, 8))
    lived(4, 28, watch)
    assert Why.GUESTS not in state(watch, at(31, 23))[1]
    assert watch.kept.guests_until is None
    ordinal = datetime(2026, 3, 2, tzinfo=UTC).toordinal()
    # Of the days with guests none is known, at noon.
    assert len(watch.habits.waits(40, ordinal + 32)) == 28 - 3
    watch.have_guests(at(33, 12), at(32, 8))
    assert Why.GUESTS in state(watch, at(32, 9))[1]
    watch.have_guests(at(34, 12), at(32, 10))
    assert watch.kept.guests_since == at(32, 8)


def test_it_learns_and_says_so() -> None:
    """A structure with codes and times; sentences are made where it is shown."""
    watch = Watch.begin(at(0, 8), UTC)
    watch.hear_by(FLAT, at(0, 8))
    assert state(watch, at(0, 9)) == (State.WATCHING, (Why.LEARNING,))
    watch.habits.moved = 1.0
    assert Why.MOVED in state(watch, at(0, 9))[1]


def test_a_clock_that_is_set_back_loses_no_sign() -> None:
    """And makes nobody silent for longer than they are."""
    watch = lived()
    watch.sign("kitchen", at(28, 12))
    watch.sign("kitchen", at(28, 11))
    assert watch.kept.last == at(28, 12)
    watch.lost(FLAT, at(28, 10))
    watch.heard("kitchen", at(28, 10))
    assert watch.kept.silent_since >= at(28, 12)


def test_a_clock_that_was_ahead() -> None:
    """Nobody is left alone until it is there again, and what it has mixed up is learned anew."""
    watch = lived()
    watch.looked(at(28, 6))
    watch.looked(at(400, 6))
    watch.sign("kitchen", at(400, 6))
    watch.looked(at(28, 7))
    assert watch.kept.last == at(28, 7)
    assert watch.deadlines(at(28, 7))[1] <= at(28, 7) + FIGURES.limit * HOUR
    lived(20, 29, watch)
    assert watch.look(at(48, 23)).usual.of_days >= 19


def test_too_many_sources_are_refused() -> None:
    """What is kept of somebody is small."""
    watch = Watch.begin(at(0, 0), UTC)
    kinds = {str(number): SourceKind.INSIDE for number in range(MOST_SOURCES + 1)}
    with pytest.raises(ValueError, match="too many"):
        watch.hear_by(kinds, at(0, 0))


def test_another_version_is_refused() -> None:
    """And not taken for somebody's watch."""
    with pytest.raises(ValueError, match="version"):
        Watch.from_data(lived(1).as_data() | {"version": 9}, UTC)


@dataclass
class Book:
    """Who does what the watch says, once a minute, and counts for itself what was seen of a silence."""

    watch: Watch
    now: float
    #: Seconds of silence that was seen while it counts, since the last sign.
    silent: float = 0.0
    #: How long the longest was before others were told, at home and out.
    most_home: float = 0.0
    most_out: float = 0.0

    def wait(self, minutes: int) -> None:
        """Let time pass."""
        for _ in range(minutes):
            self.now += MINUTE
            self.watch.looked(self.now)
            found = self.watch.look(self.now)
            if found.state is State.ASKING and found.asked_at is None:
                self.watch.asked(self.now)
            elif found.state is State.ALARM and found.told_at is None:
                self.watch.told(self.now)
            counts = found.state in (State.WATCHING, State.AWAY, State.ASKING)
            if not counts or self.watch.kept.out_until is not None:
                continue
            self.silent += MINUTE
            if self.watch.kept.out_since or self.watch.kept.left_at:
                self.most_out = max(self.most_out, self.silent)
            else:
                self.most_home = max(self.most_home, self.silent)

    def do(self, what: str) -> None:
        """Let something happen."""
        watch, now = self.watch, self.now
        if what in FLAT:
            watch.sign(what, now)
            self.silent = 0.0
        elif what in ("fine", "out"):
            watch.answer(Answer(what), now)
            self.silent = 0.0
        elif what == "help":
            watch.answer(Answer.HELP, now)
        elif what in ("needless", "real"):
            watch.close(Outcome(what), now)
            self.silent = 0.0
        elif what == "lost":
            watch.lost(["kitchen", "bedroom"], now)
        elif what == "back":
            watch.heard("kitchen", now)
            watch.heard("bedroom", now)
        elif what == "part":
            watch.lost(["kitchen"], now)
        elif what == "sweep":
            watch.sweep(now)
        elif what == "guests":
            watch.have_guests(now + DAY, now)
        elif what == "restart":
            self.watch = Watch.from_data(
                json.loads(json.dumps(watch.as_data())), BERLIN
            )


_HAPPENS = st.lists(
    st.tuples(
        st.sampled_from(
            (
                *("kitchen", "bedroom", "door", "kitchen", "bedroom"),
                *("fine", "out", "help", "needless", "real", "lost", "back", "part"),
                *("sweep", "guests", "restart"),
            )
        ),
        st.sampled_from((1, 5, 20, 60, 180, 400, 800, 1100)),
    ),
    max_size=40,
)


@settings(deadline=None, max_examples=60)
@given(_HAPPENS, st.sampled_from((-0.5, 0.0, 4.0)), st.integers(0, 10))
def test_whatever_happens_others_are_told_in_time(
    happens: list[tuple[str, int]], moved: float, days: int
) -> None:
    """Twelve hours at home and seen, sixteen believed to be out: of any life."""
    watch = lived(days) if days else lived(0)
    watch.zone = BERLIN
    watch.habits.moved = moved
    # Up to a change of the clock and beyond.
    book = Book(watch, at(25, 20))
    watch.kept.looked_at = watch.kept.last = watch.kept.silent_since = book.now
    for what, minutes in happens:
        book.do(what)
        book.wait(minutes)
    book.wait(18 * 60)
    assert book.most_home <= FIGURES.limit * HOUR
    assert book.most_out <= AWAY_LIMIT * HOUR
    assert len(json.dumps(book.watch.as_data())) < 10_000


def test_the_largest_watch_is_small() -> None:
    """Ten kilobytes of somebody, however much was heard by however many things."""
    watch = Watch.begin(at(0, 0), UTC)
    keys = [f"{number:032x}" for number in range(MOST_SOURCES)]
    watch.hear_by(dict.fromkeys(keys, SourceKind.INSIDE), at(0, 0))
    for minute in range(0, 40 * 24 * 60, 7):
        watch.sign(keys[minute % MOST_SOURCES], BEGIN + minute * 60 + 0.123)
    watch.lost(keys[::2], at(40, 0))
    assert len(json.dumps(watch.as_data())) < 10_000
