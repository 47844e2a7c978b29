"""When somebody is to be visited: over the ends of months, changes of the clock, and wrong clocks."""

from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from custom_components.rental_units.care.visits.rules import (
    EVENT_SECONDS,
    KEEP_DAYS,
    MOST_EVENTS,
    CareVisit,
    Cause,
    Due,
    Event,
    News,
    NoScan,
    Outcome,
    Risk,
    Round,
    combined,
    due,
    news,
    settle,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
#: Its clock changes at midnight: a day there has no beginning.
BEIRUT = ZoneInfo("Asia/Beirut")


def at(text: str, zone: ZoneInfo = SHANGHAI) -> float:
    """Return a local time in Unix time."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def found(since: float, risk: Risk = Risk.HIGH) -> Round:
    """Return a round that has begun."""
    return Round(risk=risk, since=since, said_at=since, home="unit")


def visit(moment: float, outcome: Outcome = Outcome.MET) -> CareVisit:
    """Return a visit."""
    return CareVisit(at=moment, who="user", outcome=outcome)


def shown(its: Due, zone: ZoneInfo = SHANGHAI) -> tuple[str, str]:
    """Return until when somebody is due, and when somebody goes, as one reads it."""
    until = datetime.fromtimestamp(its.at, zone)
    return until.strftime("%Y-%m-%d %H:%M"), its.day.isoformat()


@pytest.mark.parametrize(
    ("risk", "done", "until", "day"),
    [
        (Risk.HIGH, "2026-12-28T10:00", "2027-01-05 00:00", "2027-01-04"),
        # Late in the evening is that day still.
        (Risk.HIGH, "2026-06-01T23:59", "2026-06-09 00:00", "2026-06-08"),
        (Risk.KEY, "2027-01-31T10:00", "2027-03-01 00:00", "2027-02-28"),
        (Risk.KEY, "2028-01-31T10:00", "2028-03-01 00:00", "2028-02-29"),
        (Risk.KEY, "2026-12-15T10:00", "2027-01-16 00:00", "2027-01-15"),
        (Risk.KEY, "2026-11-30T10:00", "2026-12-31 00:00", "2026-12-30"),
        (Risk.GENERAL, "2026-11-30T10:00", "2027-03-01 00:00", "2027-02-28"),
        (Risk.GENERAL, "2026-08-31T10:00", "2026-12-01 00:00", "2026-11-30"),
        (Risk.GENERAL, "2026-12-31T10:00", "2027-04-01 00:00", "2027-03-31"),
    ],
)
def test_periods(risk: Risk, done: str, until: str, day: str) -> None:
    """Each week, month and quarter has a visit: of a longer month the end is the end."""
    row = found(at("2026-01-01T08:00"), risk).visited(visit(at(done)))
    its = due(row, at(done) + 60, SHANGHAI)
    assert shown(its) == (until, day)
    assert not its.is_overdue(at(until.replace(" ", "T")) - 1)
    assert its.is_overdue(at(until.replace(" ", "T")))


@pytest.mark.parametrize("risk", [Risk.KEY, Risk.GENERAL])
def test_no_month_and_no_quarter_is_left_out(risk: Risk) -> None:
    """Who is visited on each last day is visited in each month, or quarter, for years."""
    row, moment = found(at("2026-01-31T10:00"), risk), at("2026-01-31T10:00")
    days = [date(2026, 1, 31)]
    for _ in range(24):
        row = row.visited(visit(moment))
        days.append(due(row, moment, SHANGHAI).day)
        moment = at(f"{days[-1]}T10:00")
    length = {Risk.KEY: 1, Risk.GENERAL: 3}[risk]
    number = [(day.year * 12 + day.month - 1) // length for day in days]
    assert {later - sooner for sooner, later in pairwise(number)} == {1}


@pytest.mark.parametrize(
    ("zone", "done", "until"),
    [
        # The week has an hour less, or one more: it ends at midnight all the same.
        (BERLIN, "2026-03-25T09:00", "2026-04-02 00:00"),
        (BERLIN, "2026-10-21T09:00", "2026-10-29 00:00"),
        # Midnight itself is left out on the 29th of March.
        (BEIRUT, "2026-03-21T09:00", "2026-03-29 01:00"),
    ],
)
def test_clock_changes(zone: ZoneInfo, done: str, until: str) -> None:
    """Days are those of the house, however long they are."""
    moment = at(done, zone)
    row = found(moment).visited(visit(moment))
    assert shown(due(row, moment, zone), zone)[0] == until


def test_an_event_over_a_clock_change() -> None:
    """24 hours are 24 hours."""
    moment = at("2026-10-24T20:00", BERLIN)
    row = found(moment).wanted(Event(Cause.CARE_ALARM, moment))
    its = due(row, moment, BERLIN)
    assert its.at == moment + EVENT_SECONDS
    assert shown(its, BERLIN) == ("2026-10-25 19:00", "2026-10-24")


def test_an_event_is_over_with_a_visit() -> None:
    """What happened before a visit is seen to; not by one at which nobody opened."""
    begun = at("2026-06-01T08:00")
    event = Event(Cause.REQUESTED, begun + 60)
    row = found(begun, Risk.GENERAL).wanted(event)
    its = due(row, begun + 120, SHANGHAI)
    assert (its.event, its.at) == (event, event.at + EVENT_SECONDS)
    missed = row.visited(visit(begun + 180, Outcome.NOT_MET))
    assert due(missed, begun + 240, SHANGHAI).event == event
    later = Event(Cause.NEW_HOME, begun + 500)
    for outcome in (Outcome.MET, Outcome.REFUSED):
        done = missed.wanted(later).visited(visit(begun + 300, outcome))
        assert done.events == (later,)
        # It is told again, after a restart.
        again = done.wanted(event)
        assert due(again, begun + 600, SHANGHAI) == due(done, begun + 600, SHANGHAI)
        assert due(done, begun + 600, SHANGHAI).event == later
        assert due(done, begun + 600, SHANGHAI).missed == 0


def test_events_do_not_pile_up() -> None:
    """The first says until when, the last what has happened; twice the same is once."""
    row = found(0.0)
    for number in range(100):
        row = row.wanted(Event(Cause.CARE_ALARM, float(number)))
        assert row.wanted(row.events[-1]) is row
    assert len(row.events) == MOST_EVENTS
    assert (row.events[0].at, row.events[-1].at) == (0.0, 99.0)


def test_nobody_opens() -> None:
    """It stays due, is tried on the next day, and two on one day are one."""
    begun = at("2026-06-01T08:00")
    row = found(begun)
    assert shown(due(row, begun, SHANGHAI)) == ("2026-06-09 00:00", "2026-06-08")
    first = at("2026-06-03T10:00")
    row = row.visited(visit(first, Outcome.NOT_MET))
    its = due(row, first, SHANGHAI)
    assert shown(its) == ("2026-06-09 00:00", "2026-06-04")
    row = row.visited(visit(first + 3600, Outcome.NOT_MET))
    its = due(row, first + 3600, SHANGHAI)
    assert (its.missed, its.day) == (1, date(2026, 6, 4))
    assert news(row, its, first + 3600) == {}
    # Nobody went on the 4th: somebody goes today.
    assert its.next_on(date(2026, 6, 5)) == date(2026, 6, 5)
    assert its.next_on(date(2026, 6, 3)) == date(2026, 6, 4)
    second = at("2026-06-05T10:00")
    row = row.visited(visit(second, Outcome.NOT_MET))
    its = due(row, second, SHANGHAI)
    assert (its.missed, its.day) == (2, date(2026, 6, 6))
    assert news(row, its, second) == {News.MISSED: second}
    row = replace(row, told={News.MISSED: second})
    assert news(row, its, second) == {}
    # A third time is told again; who opens ends it.
    row = row.visited(visit(second + 86_400, Outcome.NOT_MET))
    its = due(row, second + 86_400, SHANGHAI)
    assert news(row, its, second + 86_400) == {News.MISSED: second + 86_400}
    row = row.visited(visit(second + 90_000))
    assert due(row, second + 90_000, SHANGHAI).missed == 0


def test_a_try_takes_nothing_back() -> None:
    """Who knocks each day, and is never opened, does not make it less overdue."""
    begun = at("2026-06-01T08:00")
    row = found(begun)
    for day in range(8, 12):
        row = row.visited(visit(at(f"2026-06-{day:02}T10:00"), Outcome.NOT_MET))
    now = at("2026-06-11T12:00")
    its = due(row, now, SHANGHAI)
    assert its.is_overdue(now)
    assert its.day == date(2026, 6, 12)
    assert News.OVERDUE in news(row, its, now)


def test_a_clock_that_was_wrong() -> None:
    """A visit of the future does not excuse anybody: it is due, not in a year."""
    now = at("2026-06-01T08:00")
    row = found(now - 5 * 86_400).visited(visit(now + 300 * 86_400))
    assert due(row, now, SHANGHAI).day == date(2026, 6, 3)
    begun = found(now + 300 * 86_400)
    assert due(begun, now, SHANGHAI).day == date(2026, 6, 1)
    ahead = begun.wanted(Event(Cause.REQUESTED, now + 300 * 86_400))
    its = due(ahead, now, SHANGHAI)
    assert its.day == date(2026, 6, 1)
    assert its.at <= now + EVENT_SECONDS


def test_where_they_live() -> None:
    """Who moves here has a new home; who leaves is forgotten with that day, and not by a slip."""
    now, today = at("2026-06-01T08:00"), date(2026, 6, 1)
    row = replace(found(now), home="101")

    def lives(
        row: Round | None, *homes: str, stays: bool = True, day: int = 1
    ) -> Round | None:
        assert row
        return settle(row, homes, stays=stays, today=date(2026, 6, day), now=now)

    assert lives(row, "101") == row
    # They have both; the one that is known stays.
    assert lives(row, "102", "101") == row
    moved = lives(row, "102")
    assert moved
    assert (moved.home, moved.events) == ("102", (Event(Cause.NEW_HOME, now),))
    gone = lives(row, stays=False)
    assert gone
    assert gone.gone_on == today
    assert lives(gone, stays=False) == gone
    assert lives(gone, "101", stays=False) == row
    assert lives(gone, stays=False, day=2) is None
    # Who is to come is not forgotten meanwhile.
    assert lives(gone, stays=True, day=9) == gone
    back = lives(gone, "103", day=9)
    assert back
    assert (back.gone_on, back.events[0].cause) == (None, Cause.NEW_HOME)
    new = lives(replace(row, home=None), "101")
    assert new
    assert new.events == ()


def test_what_is_kept() -> None:
    """A year of visits, and that by which it is known when the next is due."""
    now = at("2026-06-01T08:00")
    old, older = now - (KEEP_DAYS + 10) * 86_400, now - (KEEP_DAYS + 50) * 86_400
    row = found(older)
    for moment, outcome in (
        (older, Outcome.MET),
        (old, Outcome.MET),
        (old + 60, Outcome.NOT_MET),
    ):
        row = row.visited(visit(moment, outcome))

    def kept(row: Round) -> list[float]:
        after = settle(row, ["unit"], stays=True, today=date(2026, 6, 1), now=now)
        assert after
        return [one.at for one in after.visits]

    assert kept(row) == [old, old + 60]
    assert kept(row.visited(visit(now - 60))) == [now - 60]


def test_two_who_are_one() -> None:
    """The worst of both is so, and nothing that was found is lost."""
    one = replace(found(10.0, Risk.KEY), note="Knock", in_charge="a", version=2)
    one = one.visited(visit(20.0, Outcome.NOT_MET)).wanted(Event(Cause.NEW_HOME, 30.0))
    other = replace(found(5.0, Risk.GENERAL), said_at=40.0, note="Deaf", in_charge="b")
    other = other.visited(visit(15.0)).visited(visit(20.0, Outcome.NOT_MET))
    both = combined([one, other])
    assert (both.risk, both.since, both.in_charge) == (Risk.KEY, 5.0, "b")
    assert both.note == "Knock\nDeaf"
    assert [row.at for row in both.visits] == [15.0, 20.0]
    assert [row.cause for row in both.events] == [Cause.NEW_HOME]
    assert combined([one]) is one
    gone = replace(one, gone_on=date(2026, 6, 1))
    assert combined([gone, other]).gone_on is None
    assert combined([gone, gone]).gone_on == date(2026, 6, 1)


def test_stored_as_it_is() -> None:
    """All of it comes back, and what people wrote is not kept in memory."""
    row = replace(
        found(datetime(2026, 6, 1, tzinfo=UTC).timestamp()),
        note="Knock",
        gone_on=date(2026, 6, 1),
        told={News.OVERDUE: 1.0},
        events=(Event(Cause.REQUESTED, 2.0),),
        visits=(
            CareVisit(
                at=1.0,
                who=None,
                outcome=Outcome.REFUSED,
                note="Angry",
                no_scan=NoScan.NO_PLATE,
            ),
        ),
    )
    assert Round.from_dict(row.as_dict()) == row
    bare = row.standing(2.0)
    assert (bare.note, bare.visits[0].note) == ("", "")
    assert bare.visits[0].outcome is Outcome.REFUSED
    # Nor any visit before the last; one of the future is not the last.
    more = row.visited(visit(3.0, Outcome.NOT_MET)).visited(visit(4.0)).standing(5.0)
    assert [one.at for one in more.visits] == [4.0]
    assert [one.at for one in row.visited(visit(9.0)).standing(5.0).visits] == [
        1.0,
        9.0,
    ]
