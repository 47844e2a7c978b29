"""A clock that jumps, and a restart at every state: nothing stalls, and nothing ends early."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
import gc
import time
from typing import Any
import weakref

import pytest
from pytest_homeassistant_custom_component.common import async_fire_time_changed
from sqlalchemy import select

from custom_components.rental_units.alerts.clock import AGAIN_SECONDS, Clock
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.models import Delivery
from custom_components.rental_units.alerts.timebase import MOST_AWAY_SECONDS, Timebase
from custom_components.rental_units.const import DOMAIN
from homeassistant.helpers import issue_registry as ir
from homeassistant.util import dt as dt_util

from .conftest import House
from .providers import Provider

HOUR, MONTH = 3600.0, 30 * 86_400.0
JUMPS = (HOUR, -HOUR, MONTH, -MONTH)
STEPS = [
    {"after": 0, "channels": ["sms"], "audience": ["landlord"]},
    {"after": 60, "channels": ["sms"], "repeat": 2, "every": 60},
]
POLICIES = {"alarm": {"steps": STEPS, "valid_for": 3600}}

type Jump = Callable[[float], None]


@pytest.fixture
def jump(monkeypatch: pytest.MonkeyPatch) -> Jump:
    """Return a function that sets the wall's clock; the machine's own goes on."""
    moved = [0.0]
    frozen = time.time

    def set_clock(seconds: float) -> None:
        moved[0] += seconds

    monkeypatch.setattr(time, "time", lambda: frozen() + moved[0])
    return set_clock


@pytest.fixture
async def house(house: House, jump: Jump) -> House:
    """Return the house, whose clock can be set once it runs."""
    return house


async def wait(house: House, seconds: float) -> None:
    """Let real time pass, whatever the wall's clock shows."""
    house.freezer.tick(timedelta(seconds=seconds))
    async_fire_time_changed(house.hass, dt_util.utc_from_timestamp(time.time()))
    await house.hass.async_block_till_done()
    await house.settled()


@pytest.mark.parametrize("seconds", JUMPS)
async def test_steps_keep_their_time(
    house: House, sms: Provider, jump: Jump, seconds: float
) -> None:
    """The next step comes a minute after the first, and the alert ends after its hour."""
    house.options(policies=POLICIES)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    jump(seconds)
    for heard in (1, 2, 3, 4, 4):
        assert len(sms.heard) == heard
        await wait(house, 59)
        assert len(sms.heard) == heard
        await wait(house, 1)
    await wait(house, 3600 - 5 * 60 - 5)
    assert house.kinds()[-1] == "escalated"
    await wait(house, 6)
    assert house.kinds()[-1] == "unanswered"


@pytest.mark.parametrize("seconds", JUMPS)
async def test_tries_keep_their_time(
    house: House, sms: Provider, jump: Jump, seconds: float
) -> None:
    """What is tried again is tried when it was to be, and no receipt is missed early."""
    sms.status = 500
    house.options(policies={"alarm": {"steps": STEPS[:1], "valid_for": 3600}})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    jump(seconds)
    sms.status = 200
    await wait(house, 2)
    assert len(sms.heard) == 2
    await wait(house, 40)
    assert (await house.stored())["landlord-sms"].state == "sent"
    await wait(house, 6)
    assert (await house.stored())["landlord-sms"].reason == "no_receipt"


async def begun(house: House, sms: Provider) -> None:
    """Leave an alert after its first step."""
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()


async def repeating(house: House, sms: Provider) -> None:
    """Leave it in the middle of a step that repeats."""
    await begun(house, sms)
    await wait(house, 60)
    assert len(sms.heard) == 2


async def before_its_step(house: House, sms: Provider) -> None:
    """Leave it before it has told anybody."""
    late = {"steps": [{**STEPS[0], "after": 30}, *STEPS[1:]], "valid_for": 3600}
    house.options(policies={"alarm": late})
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()


async def failing(house: House, sms: Provider) -> None:
    """Leave it with a delivery that waits for another try."""
    sms.status = 500
    await begun(house, sms)
    sms.status = 200


async def helping(house: House, sms: Provider) -> None:
    """Leave it with a call for help."""
    await begun(house, sms)
    (alert,) = house.engine.alerts.values()
    (row,) = house.engine.dispatcher.of(alert)
    house.engine.answer(alert, Answer.NEED_HELP, row, via="link")
    await house.settled()


async def sending(house: House, sms: Provider) -> None:
    """Leave it while the provider has not answered yet."""
    sms.hold = asyncio.Event()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.until(lambda: bool(sms.heard))
    await house.engine.ledger.async_flush()


async def in_turn(house: House, sms: Provider) -> None:
    """Leave it while a receipt is waited for, before the next channel has its turn."""
    step = {**STEPS[0], "channels": ["sms", "call"], "in_turn": True}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    await begun(house, sms)


async def acknowledged(house: House, sms: Provider) -> None:
    """Leave it when somebody has taken it."""
    await begun(house, sms)
    (alert,) = house.engine.alerts.values()
    house.engine.acknowledge(alert, who="user", via="action")
    await house.settled()


async def all_told(house: House, sms: Provider) -> None:
    """Leave it after its last step, when it only waits for its end."""
    await begun(house, sms)
    for _ in range(3):
        await wait(house, 61)
    assert len(sms.heard) == 4


#: If somebody is told more in the next minutes, and how it ends where nobody answers.
GRID: dict[Callable[[House, Provider], Awaitable[None]], tuple[bool, str]] = {
    before_its_step: (True, "unanswered"),
    begun: (True, "unanswered"),
    repeating: (True, "unanswered"),
    failing: (True, "unanswered"),
    sending: (True, "unanswered"),
    in_turn: (True, "unanswered"),
    helping: (True, "unanswered"),
    acknowledged: (False, "ended"),
    all_told: (False, "unanswered"),
}


async def stop(house: House, monkeypatch: pytest.MonkeyPatch, *, kill: bool) -> None:
    """Stop the property; killed, it writes nothing more."""
    await house.engine.ledger.async_flush()
    with monkeypatch.context() as patched:
        patched.setattr(
            house.engine.ledger,
            "put",
            (lambda *rows: None) if kill else house.engine.ledger.put,
        )
        assert await house.hass.config_entries.async_unload(house.entry.entry_id)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seconds", [0.0, *JUMPS])
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
@pytest.mark.parametrize("state", GRID)
async def test_restart_with_another_clock(
    house: House,
    sms: Provider,
    call: Provider,
    jump: Jump,
    monkeypatch: pytest.MonkeyPatch,
    state: Callable[[House, Provider], Awaitable[None]],
    kill: bool,
    seconds: float,
) -> None:
    """In whatever state it is left, and however: it goes on as it was, and ends in its time.

    A restart counts as ten minutes at the most; nobody is told twice of one round.
    """
    goes_on, end = GRID[state]
    house.options(policies=POLICIES)
    await state(house, sms)
    (before,) = house.engine.alerts.values()
    left = before.ends_at - house.engine.timebase.now()
    await stop(house, monkeypatch, kill=kill)
    if sms.hold:
        sms.hold.set()
        sms.hold = None
    jump(seconds)
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done()
    await house.settled()
    heard = len(sms.heard) + len(call.heard)
    (alert,) = house.engine.alerts.values()
    assert (alert.id, alert.state) == (before.id, before.state)
    remains = alert.ends_at - house.engine.timebase.now()
    assert left - MOST_AWAY_SECONDS - 1 <= remains <= left + 1
    for _ in range(2):
        await wait(house, 61)
    assert (len(sms.heard) + len(call.heard) > heard) is goes_on
    house.engine.close_help(alert, None, who="user", note="Out")
    await wait(house, 3601)
    assert house.engine.alerts == {}
    assert house.kinds()[-1] == end
    # Each request is the attempt of a row: nothing was sent twice.
    attempts = sum(row.attempts for row in await rows(house))
    assert attempts == len(sms.heard) + len(call.heard)
    assert house.active("201") == "off"


async def rows(house: House) -> list[Delivery]:
    """Return all deliveries on disk."""
    await house.engine.ledger.async_flush()
    return list(
        await house.entry.runtime_data.async_run(
            lambda session: session.scalars(select(Delivery)).all()
        )
    )


@pytest.mark.parametrize("seconds", JUMPS)
async def test_killed(
    house: House,
    sms: Provider,
    jump: Jump,
    seconds: float,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Killed and not stopped: the row is as old as the last heartbeat, and no older."""
    house.options(policies=POLICIES)
    await begun(house, sms)
    for _ in range(4):
        await wait(house, 61)
    await house.engine.ledger.async_flush()
    monkeypatch.setattr(house.engine.ledger, "put", lambda *rows: None)
    assert await house.hass.config_entries.async_unload(house.entry.entry_id)
    jump(seconds)
    await house.hass.config_entries.async_reload(house.entry.entry_id)
    await house.hass.async_block_till_done()
    (alert,) = house.engine.alerts.values()
    left = alert.ends_at - house.engine.timebase.now()
    assert 3600 - 4 * 61 - MOST_AWAY_SECONDS <= left <= 3600 - 4 * 61 + 61


async def test_a_clock_set_back_renews_no_acknowledgement(
    house: House, sms: Provider, jump: Jump
) -> None:
    """Who took an alert a quarter of an hour ago has not taken what comes now."""
    first = await house.alert(hazard="smoke", alarm_id="a1")
    await house.settled()
    house.engine.acknowledge(house.engine.alerts[first], who="user", via="action")
    jump(-3600)
    await wait(house, 900)
    assert await house.alert(hazard="heat", alarm_id="a1") != first


def test_timebase(jump: Jump, freezer: Any) -> None:
    """It counts on by itself, and takes a time away for what it can be."""
    base = Timebase()
    begun = base.now()
    jump(HOUR)
    freezer.tick(5)
    assert base.now() == pytest.approx(begun + 5)
    assert base.from_wall(time.time() + 10) == pytest.approx(base.now() + 10)
    for away, counted in ((0, 0), (60, 60), (MONTH, MOST_AWAY_SECONDS), (-HOUR, 0)):
        as_of = base.now() - away
        assert as_of + base.shift(as_of) == pytest.approx(base.now() - counted)


async def test_clock_that_nobody_walks(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A timer that is lost is seen within a minute, shown, and made good."""
    house.options(policies=POLICIES)
    await begun(house, sms)
    assert house.fault() == "off"
    clock = house.engine.clock
    assert clock._cancel
    clock._cancel()
    await wait(house, 59)
    issue = f"alerts_stalled_{house.entry.entry_id}"
    issues = ir.async_get(house.hass)
    await wait(house, 60)
    assert issues.async_get_issue(DOMAIN, issue)
    assert house.fault() == "on"
    assert len(sms.heard) == 2
    await wait(house, 61)
    assert issues.async_get_issue(DOMAIN, issue) is None
    assert house.fault() == "off"
    assert len(sms.heard) == 3


async def test_what_is_over_is_let_go(house: House, sms: Provider) -> None:
    """Of an alert that has ended no delivery stays in memory until its next try would be."""
    sms.status = 500
    house.options(policies=POLICIES)
    alert_id = await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    alert = house.engine.alerts[alert_id]
    (delivery,) = (weakref.ref(row) for row in house.engine.dispatcher.of(alert))
    assert house.engine.dispatcher.clock._heap
    house.engine.cancel(alert, who=None)
    await house.engine.ledger.async_flush()
    await house.hass.async_block_till_done(wait_background_tasks=True)
    gc.collect()
    assert delivery() is None


async def test_one_that_breaks_stops_no_clock(house: House) -> None:
    """What raises keeps what is due with it from nothing, and is looked at again."""

    class Item:
        def __init__(self, due_at: float) -> None:
            self.due_at: float | None = due_at

    base, seen = Timebase(), []

    def call(item: Item) -> None:
        seen.append(item)
        if len(seen) == 1:
            raise LookupError

    clock = Clock[Item](house.hass, call, base.now)
    first, second = Item(base.now() - 2), Item(base.now() - 1)
    for item in (first, second, third := Item(base.now() + AGAIN_SECONDS + 1)):
        clock.watch(item)
    clock.wake()
    assert seen == [first, second]
    assert clock.late == 0
    house.freezer.tick(AGAIN_SECONDS + 2)
    assert clock.late == pytest.approx(2)
    clock.wake()
    assert seen == [first, second, first, third]
    clock.stop()
