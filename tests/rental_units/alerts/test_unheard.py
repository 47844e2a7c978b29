"""What burns is told: whatever has ended, was acknowledged, or is still being repeated."""

import asyncio
from typing import Any

import pytest

from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.alerts.models import Alert
from custom_components.rental_units.alerts.policies import DEFAULTS
from custom_components.rental_units.const import DOMAIN

from .conftest import NUMBERS, House
from .providers import Provider
from .test_campaigns import ONE_STEP, numbers
from .test_whose_answer import raised, say

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

EVERYBODY = sorted(NUMBERS.values())


async def passed(house: House, seconds: float, times: int = 1) -> None:
    """Let time pass, and what is due be done."""
    for _ in range(times):
        await house.tick(seconds)
        await house.settled()


async def ended_by(house: House, alarm_id: str) -> list[str]:
    """Cancel by an alarm; return the alerts that have ended."""
    answer: Any = await house.hass.services.async_call(
        DOMAIN,
        "cancel_alert",
        {"alarm_id": alarm_id},
        blocking=True,
        return_response=True,
    )
    return list(answer["alert_ids"])


async def test_after_the_last_round(house: House, sms: Provider) -> None:
    """A campaign that tells nobody any more takes in no fire: another one begins."""
    fire = {"hazard": "smoke", "incident_id": "i1"}
    first = await raised(house, alarm_id="a1", incident_id="i1")
    await passed(house, 61, 14)
    assert first.step == len(DEFAULTS["alarm"].steps)
    sms.heard.clear()
    second = await house.alert(alarm_id="a2", **fire)
    await house.settled()
    assert second != first.id
    assert numbers(sms) == EVERYBODY
    # The first one that returns is part of what goes on.
    assert await house.alert(alarm_id="a1", **fire) == second
    await passed(house, 31, 2)
    assert numbers(sms) == sorted(EVERYBODY * 2)
    assert await ended_by(house, "a1") == [first.id]
    assert await ended_by(house, "a2") == [second]


async def test_told_a_moment_ago(house: House, sms: Provider) -> None:
    """Of a policy of one step what comes at once is the same fire, and not a minute later."""
    house.options(policies={"alarm": ONE_STEP})
    first = await raised(house, alarm_id="a1")
    await house.tick(50)
    assert await house.alert(hazard="heat", alarm_id="a2") == first.id
    await house.tick(11)
    assert await house.alert(hazard="smoke", alarm_id="a1") != first.id


@pytest.mark.parametrize(
    ("answer", "hazard", "rings"),
    [
        (Answer.FALSE_ALARM, "smoke", True),
        (Answer.ON_MY_WAY, "heat", True),
        (Answer.ON_MY_WAY, "smoke", False),
    ],
)
async def test_what_nobody_has_acknowledged(
    house: House, sms: Provider, answer: Answer, hazard: str, rings: bool
) -> None:
    """Who took one detector for a false alarm, or smoke for their own, has not seen all."""
    first = await raised(house, alarm_id="a1", incident_id="i1")
    say(house, first, "landlord", answer)
    assert first.state == "acknowledged"
    sms.heard.clear()
    await house.tick(60)
    # What was acknowledged itself stays so.
    same = {"hazard": "smoke", "alarm_id": "a1", "incident_id": "i1"}
    assert await house.alert(**same) == first.id
    second = await house.alert(hazard=hazard, alarm_id="a2", incident_id="i1")
    await house.settled()
    assert (second != first.id) is rings
    assert numbers(sms) == (EVERYBODY if rings else [])


@pytest.mark.parametrize("restarts", [False, True])
async def test_acknowledged_before_anybody_was_told(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch, restarts: bool
) -> None:
    """Who is faster than the first message ends what follows it, and not the first."""
    people, hold = house.engine.people, asyncio.Event()
    recipients = people.async_recipients

    async def slow(alert: Alert, audience: Any) -> Any:
        await hold.wait()
        return await recipients(alert, audience)

    monkeypatch.setattr(people, "async_recipients", slow)
    alert_id = await house.alert(hazard="smoke")
    house.engine.acknowledge(house.engine.alerts[alert_id], who="user", via="action")
    assert sms.heard == []
    if restarts:
        await house.restart()
    else:
        hold.set()
    await house.tick(1)
    await house.until(lambda: len(sms.heard) == len(EVERYBODY))
    await passed(house, 31, 5)
    assert numbers(sms) == EVERYBODY
    alert = house.engine.alerts[alert_id]
    assert (alert.state, alert.due_at) == ("acknowledged", alert.ends_at)


async def test_steps_run_side_by_side(
    house: House, sms: Provider, call: Provider
) -> None:
    """Who is called after 30 s is not called when all repeats of the texts are over."""
    texts = {"after": 0, "channels": ["sms"], "repeat": 3, "every": 60}
    calls = {"after": 30, "channels": ["call"], "audience": ["responders"]}
    house.options(policies={"alarm": {"steps": [calls, texts], "valid_for": 3600}})
    alert = await raised(house)
    assert (len(sms.heard), len(call.heard)) == (5, 0)
    await passed(house, 31)
    assert (len(sms.heard), numbers(call)) == (5, [NUMBERS["fire-post"]])
    await passed(house, 30)
    assert (len(sms.heard), len(call.heard)) == (10, 1)
    await passed(house, 61, 4)
    assert (len(sms.heard), len(call.heard)) == (20, 1)
    assert alert.step == 2


async def test_missed_rounds_are_no_burst(house: House, sms: Provider) -> None:
    """After a pause of the machine the rounds go on one by one."""
    step = {"after": 0, "channels": ["sms"], "repeat": 5, "every": 30}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    await raised(house)
    for heard in (10, 10, 15):
        await passed(house, 100 if len(sms.heard) == 5 else 16)
        assert len(sms.heard) == heard
