"""What must hold between two lines of code: on disk before it is told, read and taken at once."""

import asyncio
import time
from typing import Any

from custom_components.rental_units.alerts.const import Severity
from custom_components.rental_units.alerts.lanes import Lane
from custom_components.rental_units.alerts.models import Delivery
from tests.common import patience

from .conftest import NUMBERS, House
from .providers import Provider


class Gate:
    """Holds an awaited function until it is opened."""

    def __init__(self, work: Any) -> None:
        """Stand before a coroutine function."""
        self._work = work
        self._open = asyncio.Event()
        self.reached = asyncio.Event()
        self.passed = asyncio.Event()

    async def __call__(self, *args: Any, **named: Any) -> Any:
        """Wait, then do what was asked for."""
        self.reached.set()
        await self._open.wait()
        result = await self._work(*args, **named)
        self.passed.set()
        return result

    def open(self) -> None:
        """Let everything through from now on."""
        self._open.set()


async def test_on_disk_before_it_is_told(house: House) -> None:
    """Nobody hears of an alert that a crash could still undo."""
    await house.settled()
    ledger = house.engine.ledger
    gate = ledger._run = Gate(ledger._run)
    raising = asyncio.create_task(house.alert(hazard="smoke"))
    async with patience():
        await gate.reached.wait()
    assert house.kinds() == []
    gate.open()
    await raising
    assert house.kinds() == ["raised"]


async def test_taken_while_recipients_are_read(house: House, sms: Provider) -> None:
    """Who takes it in that moment ends what follows; everybody is told once all the same."""
    people = house.engine.people
    gate = people.async_recipients = Gate(people.async_recipients)  # type: ignore[method-assign]
    alert = house.engine.alerts[await house.alert(hazard="smoke")]
    await house.until(gate.reached.is_set)
    house.engine.acknowledge(alert, who=None, via="app")
    gate.open()
    await house.until(gate.passed.is_set)
    await house.until(lambda: len(sms.heard) == len(NUMBERS))
    assert alert.state == "acknowledged"
    assert alert.due_at == alert.ends_at


async def test_a_drill_swallows_no_alarm(house: House, sms: Provider) -> None:
    """The same alarm, first as a drill and then for real, is told twice."""
    drill = await house.alert(hazard="smoke", alarm_id="a1", drill=True)
    assert await house.alert(hazard="smoke", alarm_id="a1") != drill


async def test_the_next_channel_begins_once(
    house: House, sms: Provider, call: Provider
) -> None:
    """Three tries in vain begin it, and the failure after them does not begin it again."""
    sms.status = 500
    house.options(
        policies={
            "warning": {
                "steps": [{"after": 0, "channels": ["sms", "call"], "in_turn": True}],
                "valid_for": 3600,
            }
        }
    )
    await house.alert(severity="warning", hazard="tripped", audience=["landlord"])
    for _ in range(4):
        await house.settled()
        await house.tick(6)
    await house.settled()
    assert len(call.heard) == 1
    sms.status, sms.answer = 400, {"code": 21211, "status": 400}
    await house.tick(61)
    await house.settled()
    rows = await house.stored()
    assert rows["landlord-sms"].state == "failed"
    assert rows["landlord-call"].attempts == 1, "a restart would call once more"
    assert len(call.heard) == 1


async def test_what_was_cancelled_takes_no_place(house: House, sms: Provider) -> None:
    """Places before a provider are free again, however many messages were cancelled."""
    dispatcher = house.engine.dispatcher
    lane = dispatcher._lanes["sms"] = Lane(2, None, time.time)
    for number in range(5):
        gone = Delivery(id=f"gone-{number}", state="expired", created_at=0.0)
        lane.push(gone, Severity.ALARM)
    dispatcher._pump("sms")
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert len(sms.heard) == 1


async def test_what_is_too_late_is_not_sent(house: House, sms: Provider) -> None:
    """What has waited for a place until it was no news any more is not sent."""
    dispatcher = house.engine.dispatcher
    dispatcher._lanes["sms"] = Lane(0, None, time.time)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.until(lambda: bool(dispatcher.deliveries))
    for row in dispatcher.deliveries.values():
        row.expires_at = 0.0
    dispatcher.use(dispatcher.channels)
    await house.settled()
    assert sms.heard == []
    assert (await house.stored())["landlord-sms"].state == "expired"
