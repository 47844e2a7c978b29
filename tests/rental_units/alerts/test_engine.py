"""An alert from its raising to its end, with real providers, and time that is frozen."""

from datetime import time
import re
from typing import Any
from unittest.mock import patch

import pytest

from custom_components.rental_units.alerts.channels.twilio import sign
from custom_components.rental_units.alerts.const import Answer
from custom_components.rental_units.binary_sensor import AlertActive
from custom_components.rental_units.const import DOMAIN
from homeassistant.core import Context
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir

from .conftest import NUMBERS, TWILIO, House
from .providers import Provider

EVERYBODY = set(NUMBERS.values())


def numbers(provider: Provider) -> list[str]:
    """Return who was reached."""
    return sorted(item["form"]["To"] for item in provider.heard)


async def test_everybody_on_every_channel(
    house: House, sms: Provider, call: Provider
) -> None:
    """A fire: all people, on all their channels, at once."""
    alert_id = await house.alert(hazard="smoke", severity="alarm", alarm_id="a1")
    await house.settled()

    assert set(numbers(sms)) == set(numbers(call)) == EVERYBODY
    assert len(sms.heard) == len(call.heard) == len(EVERYBODY)
    forms = [item["form"] for item in sms.heard]
    (body,) = [form["Body"] for form in forms if form["To"] == NUMBERS["tenant-a"]]
    assert "Smoke: 1-1-201" in body
    assert "stairs" in body
    assert re.search(r"https://house\.example/api/r/[0-9A-Za-z]{11}$", body)
    assert "<Gather" in call.heard[0]["form"]["Twiml"]
    (alert,) = await house.get()
    assert alert["alert_id"] == alert_id
    assert alert["deliveries"] == {"sms": {"sent": 5}, "call": {"sent": 5}}
    assert house.kinds() == ["raised"]
    assert house.active("201") == "on"
    assert house.active("202") == "off"


async def test_escalation_until_a_human_answers(
    house: House, sms: Provider, call: Provider
) -> None:
    """Responders are called after 30 s, all once more after 60; an answer ends it."""
    await house.alert(hazard="smoke")
    await house.settled()
    first = len(call.heard)
    await house.tick(31)
    await house.settled()
    assert sorted(numbers(call)[:]).count(NUMBERS["fire-post"]) == 2
    assert len(call.heard) == first + 2
    await house.tick(30)
    await house.settled()
    assert len(sms.heard) == 10
    assert house.kinds() == ["raised", "escalated", "escalated"]

    delivery = house.engine.dispatcher.deliveries
    row = next(row for row in delivery.values() if row.address_id == "landlord-sms")
    alert = house.engine.alerts[row.alert_id]
    house.engine.answer(alert, Answer.ON_MY_WAY, row, via="app")
    for _ in range(5):
        await house.tick(61)
        await house.settled()
    assert len(sms.heard) == 10
    assert house.kinds()[-2:] == ["answered", "acknowledged"]
    assert (await house.timeline())[-2:] == ["answer", "acknowledged"]

    # Ends by itself; an alert nobody looks at is not open for ever.
    await house.tick(4 * 3600)
    assert house.kinds()[-1] == "ended"
    assert house.engine.alerts == {}
    assert house.engine.dispatcher.deliveries == {}
    assert house.active("201") == "off"


async def test_unanswered(house: House, sms: Provider) -> None:
    """Nobody answers: the policy is walked to its end, and that is told."""
    policy = {
        "steps": [{"after": 0, "channels": ["sms"], "repeat": 2, "every": 30}],
        "valid_for": 300,
    }
    house.options(policies={"warning": policy})
    await house.alert(severity="warning", message="Water is off", audience=["tenants"])
    for _ in range(12):
        await house.tick(31)
        await house.settled()
    assert len(sms.heard) == 6
    assert house.kinds()[-1] == "unanswered"
    (alert,) = await house.get(history=True)
    assert alert["state"] == "ended"


async def test_each_unit_must_answer(house: House, sms: Provider) -> None:
    """One flat's answer does not speak for another's."""
    house.options(
        policies={
            "drill": {
                "steps": [{"after": 0, "channels": ["sms"], "repeat": 3, "every": 30}],
                "each_unit": True,
                "valid_for": 3600,
            }
        }
    )
    alert_id = await house.alert(
        unit_id=[house.units["201"], house.units["202"]],
        policy="drill",
        audience=["tenants", "responders"],
        drill=True,
        message="Roll call",
    )
    await house.settled()
    alert = house.engine.alerts[alert_id]
    assert "[DRILL] Roll call" in sms.heard[0]["form"]["Body"]
    rows = {row.person_id: row for row in house.engine.dispatcher.of(alert)}
    engine = house.engine
    engine.answer(alert, Answer.ON_MY_WAY, rows["fire-post"], via="app")
    engine.answer(alert, Answer.ON_MY_WAY, rows["tenant-a"], via="app")
    engine.answer(alert, Answer.SAFE, rows["tenant-a"], via="app")
    engine.answer(alert, Answer.SAFE, rows["tenant-b"], via="app")
    assert alert.state == "active"
    before = len(sms.heard)
    await house.tick(31)
    await house.settled()
    # The flat that has answered is left alone.
    assert len(sms.heard) - before == 2
    engine.answer(alert, Answer.SAFE, rows["neighbour"], via="app")
    assert alert.state == "acknowledged"


async def test_in_turn(house: House, sms: Provider, call: Provider) -> None:
    """One channel after another: a call only when no receipt of the SMS has come."""
    house.options(
        policies={
            "warning": {
                "steps": [{"after": 0, "channels": ["sms", "call"], "in_turn": True}],
                "valid_for": 3600,
            }
        }
    )
    await house.alert(
        severity="warning", hazard="overflow", audience=["landlord", "responders"]
    )
    await house.settled()
    assert len(sms.heard) == 2
    assert call.heard == []
    rows = await house.stored()
    house.engine.dispatcher.received(
        house.engine.dispatcher.deliveries[rows["landlord-sms"].id]
    )
    await house.tick(46)
    await house.settled()
    assert numbers(call) == [NUMBERS["fire-post"]]
    rows = await house.stored()
    assert rows["landlord-sms"].state == "received"
    assert (rows["fire-post-sms"].state, rows["fire-post-sms"].reason) == (
        "failed",
        "no_receipt",
    )


async def test_quiet_hours(house: House, sms: Provider) -> None:
    """Quiet hours hold back a warning until they end, and never an alarm."""
    house.freezer.move_to("2026-11-24T15:00:00+00:00")
    await house.hass.config.async_set_time_zone("Asia/Shanghai")
    quiet = (time(22), time(7))
    await house.put_address("landlord", "sms", NUMBERS["landlord"], quiet)
    await house.alert(severity="alarm", hazard="smoke", audience=["landlord"])
    await house.settled()
    assert len(sms.heard) == 1
    house.options(
        policies={
            "warning": {
                "steps": [{"after": 0, "channels": ["sms"]}],
                "valid_for": 86400,
            }
        }
    )
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    await house.tick(1)
    await house.settled()
    assert len(sms.heard) == 1
    for _ in range(9):
        await house.tick(3600)
        await house.settled()
    bodies = [item["form"]["Body"] for item in sms.heard]
    assert sum("Overflow" in body for body in bodies) == 1


@pytest.mark.parametrize("language", ["zh-Hans", "zh-Hant", "tlh"])
async def test_language_of_the_recipient(
    house: House, sms: Provider, language: str
) -> None:
    """Each reads their own language; English stands for one that we do not speak."""
    from custom_components.rental_units.register.models import Person  # noqa: PLC0415

    await house.entry.runtime_data.async_run(
        lambda session: setattr(session.get(Person, "landlord"), "language", language)
    )
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    words = {"zh-Hans": "烟雾", "zh-Hant": "煙霧", "tlh": "Smoke"}
    assert words[language] in sms.heard[0]["form"]["Body"]


async def test_cancel(house: House, sms: Provider) -> None:
    """What waits is not sent any more."""
    await sms.stop()
    alert_id = await house.alert(hazard="smoke")
    await house.settled()
    await sms.start()
    await house.hass.services.async_call(
        DOMAIN, "cancel_alert", {"alert_id": alert_id}, blocking=True
    )
    await house.tick(10)
    assert sms.heard == []
    states = {row.state for row in (await house.stored()).values()}
    assert states == {"expired"}
    assert house.kinds()[-1] == "cancelled"
    with pytest.raises(ServiceValidationError, match="no open alert"):
        await house.hass.services.async_call(
            DOMAIN, "cancel_alert", {"alert_id": alert_id}, blocking=True
        )


async def test_acknowledge_by_alarm(house: House, sms: Provider) -> None:
    """Whoever acknowledges an alarm need not know if anybody was alerted."""
    await house.alert(hazard="smoke", alarm_id="a1")
    for alarm_id in ("a1", "none"):
        await house.hass.services.async_call(
            DOMAIN,
            "acknowledge_alert",
            {"alarm_id": alarm_id},
            blocking=True,
            context=Context(),
        )
    assert house.kinds()[-1] == "acknowledged"
    assert house.events[-1].data["alarm_id"] == "a1"


async def test_same_alarm_again(house: House, sms: Provider) -> None:
    """A crash right after an alarm has it announced again: nobody is told twice."""
    alert_id = await house.alert(hazard="smoke", alarm_id="a1")
    await house.settled()
    heard = len(sms.heard)
    assert heard
    await house.restart()
    assert await house.alert(hazard="smoke", alarm_id="a1") == alert_id
    await house.settled()
    assert len(sms.heard) == heard
    # In a drill it is another one.
    other = await house.alert(hazard="smoke", alarm_id="a1", drill=True)
    assert other != alert_id


@pytest.mark.parametrize(
    ("status", "headers", "body", "stop", "wait"),
    [
        (500, {}, None, False, 2),
        (503, {"Retry-After": "3"}, None, False, 4),
        (429, {"Retry-After": "Tue, 24 Nov 2026 00:00:05 GMT"}, None, False, 6),
        (200, {}, None, True, 2),
        (401, {}, None, False, 31),
    ],
)
async def test_tried_again(
    house: House,
    sms: Provider,
    status: int,
    headers: dict[str, str],
    body: bytes | None,
    stop: bool,
    wait: float,
) -> None:
    """What was certainly not sent is sent again, once it can be."""
    house.freezer.move_to("2026-11-24T00:00:00+00:00")
    sms.status, sms.headers, sms.body = status, headers, body
    if stop:
        await sms.stop()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    refused = len(sms.heard)
    rows = await house.stored()
    assert rows["landlord-sms"].state == "queued"
    sms.status, sms.headers = 200, {}
    if stop:
        await sms.start()
    await house.tick(wait)
    await house.settled()
    rows = await house.stored()
    assert len(sms.heard) == refused + 1
    assert (rows["landlord-sms"].state, rows["landlord-sms"].attempts) == ("sent", 2)


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"[]"), (502, None), (504, None)]
)
async def test_not_called_twice(
    house: House, call: Provider, status: int, body: bytes | None
) -> None:
    """Where a call may have been made, it is not made again for the same attempt."""
    call.status, call.body = status, body
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    await house.tick(10)
    await house.settled()
    assert len(call.heard) == 1
    rows = await house.stored()
    assert (rows["landlord-call"].state, rows["landlord-call"].reason) == (
        "sent",
        "unknown",
    )


async def test_hanging(house: House, call: Provider, sms: Provider) -> None:
    """A provider that does not answer: its time-out ends it, and nobody else waits."""
    import asyncio  # noqa: PLC0415

    call.hold = asyncio.Event()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.until(lambda: len(sms.heard) == len(call.heard) == 1)
    await house.until(
        lambda: (
            {r.state for r in house.engine.dispatcher.deliveries.values()}
            == {"sent", "sending"}
        )
    )
    await house.tick(11)
    await house.settled()
    rows = await house.stored()
    assert rows["landlord-call"].reason == "unknown"


@pytest.mark.parametrize(
    "answer", [{"code": 21211, "status": 400}, {"status": "failed"}]
)
async def test_refused(house: House, sms: Provider, answer: dict[str, object]) -> None:
    """A number that the provider does not take is not tried again."""
    sms.answer = answer
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    await house.tick(20)
    assert len(sms.heard) == 1
    assert (await house.stored())["landlord-sms"].state == "failed"


async def test_too_late(house: House, sms: Provider) -> None:
    """A message of five minutes ago is no news: it fails, and the next step is due."""
    await sms.stop()
    house.options(policies={"alarm": {"steps": [{"after": 0}], "valid_for": 3600}})
    await house.alert(hazard="smoke", audience=["landlord"])
    for _ in range(20):
        await house.settled()
        await house.tick(31)
    await house.settled()
    row = (await house.stored())["landlord-sms"]
    assert (row.state, row.reason) == ("failed", "unreachable")
    assert row.attempts > 5


async def test_failing_provider_is_shown(house: House, sms: Provider) -> None:
    """Five failures in a row are shown in the repairs, one success ends it."""
    sms.status = 500
    await house.alert(hazard="smoke")
    await house.settled()
    issue = f"provider_failing_{house.entry.entry_id}_sms"
    issues = ir.async_get(house.hass)
    assert issues.async_get_issue(DOMAIN, issue)
    assert house.fault() == "on", "who is on duty sees no repairs"
    sms.status = 200
    await house.tick(2)
    await house.tick(2)
    await house.settled()
    assert issues.async_get_issue(DOMAIN, issue) is None
    assert house.fault() == "off"


async def test_signed_callbacks(
    house: House, call: Provider, hass_client_no_auth: Any
) -> None:
    """A key pressed in the call is an answer, if the provider has signed it."""
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    url = call.heard[0]["form"]["StatusCallback"]
    assert url in call.heard[0]["form"]["Twiml"].replace("&amp;", "&")
    path = url.removeprefix("https://house.example")
    client = await hass_client_no_auth()

    form = {"CallStatus": "in-progress", "Digits": "2"}
    refused = await client.post(path, data=form)
    assert refused.status == 403
    headers = {"X-Twilio-Signature": sign(TWILIO["auth_token"], url, form)}
    taken = await client.post(path, data=form, headers=headers)
    assert taken.status == 200
    assert "<Say" in await taken.text()
    assert house.kinds()[-1] == "answered"
    assert (await house.stored())["landlord-call"].state == "answered"
    forged = await client.post(path + "x", data=form, headers=headers)
    assert forged.status == 403
    nowhere = await client.post("/api/rental_units/callback/none/x")
    assert nowhere.status == 404


async def test_status_callback(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """What the provider reports becomes the delivery's state."""
    await house.alert(hazard="smoke", audience=["landlord", "responders"])
    await house.settled()
    client = await hass_client_no_auth()
    for heard, status in zip(sms.heard, ("delivered", "undelivered"), strict=True):
        url = heard["form"]["StatusCallback"]
        form = {"MessageStatus": status}
        headers = {"X-Twilio-Signature": sign(TWILIO["auth_token"], url, form)}
        await client.post(
            url.removeprefix("https://house.example"), data=form, headers=headers
        )
    states = {row.state for row in (await house.stored()).values()}
    assert states == {"received", "failed"}


async def test_answer_page(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """The link shows four answers and no person; only a button answers; it ends with the alert."""
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.settled()
    found = re.search(r"https://house\.example(/\S+)", sms.heard[0]["form"]["Body"])
    assert found
    client = await hass_client_no_auth()
    page = await client.get(found[1])
    text = await page.text()
    assert page.status == 200
    assert text.count("<button") == 4
    assert "Your unit: 1-1-201" in text
    assert "Leave at once by the stairs" in text, "the text message may have been short"
    assert "Placeholder" not in text
    assert page.headers["Cache-Control"] == "no-store"
    assert house.kinds() == ["raised"]

    assert (await client.post(found[1], data={"answer": "x"})).status == 400
    thanks = await client.post(found[1], data={"answer": "safe"})
    assert "Thank you" in await thanks.text()
    assert house.kinds()[-1] == "answered"
    again = await (await client.get(found[1])).text()
    assert "You have answered: I&#x27;m safe." in again
    assert 'value="safe" aria-pressed="true"' in again
    assert 'href="tel:' in again
    assert (await client.get(found[1][:-2] + "xx")).status == 410
    assert (await client.post(found[1][:-2] + "xx")).status == 410

    (alert,) = await house.get()
    house.engine.cancel(house.engine.alerts[alert["alert_id"]], who=None)
    for answer in (await client.get(found[1]), await client.post(found[1])):
        assert answer.status == 410
        assert "over" in await answer.text()


async def test_restart(house: House, sms: Provider, call: Provider) -> None:
    """After a restart the escalation goes on, and nobody gets the same attempt twice."""
    await house.alert(hazard="smoke")
    await house.settled()
    await house.restart()
    await house.settled()
    assert len(sms.heard) == len(call.heard) == 5
    assert house.active("201") == "on"
    await house.tick(31)
    await house.settled()
    assert len(call.heard) == 7


async def test_one_answer_is_no_news_of_all_units(house: House, sms: Provider) -> None:
    """In an alert of a whole compound an answer writes no state of each of its flats."""
    units = {key: house.units[key] for key in ("201", "202", "203")}
    alert = house.engine.alerts[
        await house.alert(hazard="smoke", unit_id=list(units.values()))
    ]
    await house.settled()
    rows = {row.person_id: row for row in house.engine.dispatcher.of(alert)}
    written: list[str] = []
    write = AlertActive.async_write_ha_state

    def note(entity: AlertActive) -> None:
        written.append(entity.unit_id)
        write(entity)

    async def writes(work: Any) -> list[str]:
        written.clear()
        work()
        await house.hass.async_block_till_done()
        return sorted(written)

    def answer(who: str, what: Answer) -> Any:
        return lambda: house.engine.answer(alert, what, rows[who], via="link")

    with patch.object(AlertActive, "async_write_ha_state", note):
        assert await writes(answer("tenant-a", Answer.SAFE)) == []
        assert await writes(answer("tenant-b", Answer.NEED_HELP)) == [units["201"]]
        assert house.engine.needs_help(units["201"])
        assert await writes(answer("neighbour", Answer.NEED_HELP)) == [units["202"]]
        assert await writes(
            lambda: house.engine.close_help(alert, units["202"], who="x", note="x")
        ) == [units["202"]]
        assert await writes(
            lambda: house.engine.close_help(alert, None, who="x", note="x")
        ) == [units["201"]]
        assert not house.engine.needs_help(units["201"])
        assert await writes(lambda: house.engine.cancel(alert, who=None)) == sorted(
            units.values()
        )
    assert {house.active(key) for key in units} == {"off"}
