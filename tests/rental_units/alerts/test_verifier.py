"""People confirm that they are reached, before it burns."""

from collections.abc import Awaitable, Callable
from datetime import time
from http import HTTPStatus
import json
import re
from typing import Any

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.rental_units.alerts.channels.base import (
    Message,
    NotSentError,
    NumberLimitError,
    UnknownError,
)
from custom_components.rental_units.alerts.channels.twilio import sign
from custom_components.rental_units.alerts.engine import HEARTBEAT_SECONDS
from custom_components.rental_units.alerts.manager import DATA_PRESSED
from custom_components.rental_units.alerts.verifier import (
    BUSY_SECONDS,
    COUNT_SECONDS,
    PACE_SECONDS,
)
from custom_components.rental_units.app.checks import VerifyContacts
from custom_components.rental_units.app.policy import Permit
from custom_components.rental_units.app.work import Caller, NotCoveredError, Work
from custom_components.rental_units.const import DOMAIN, Reason
from custom_components.rental_units.register.checks import (
    AGAIN_SECONDS,
    LINK_SECONDS,
    SENT,
    WAITING,
)
from custom_components.rental_units.register.leases import Hand
from custom_components.rental_units.register.models import Audit, ContactAddress
from custom_components.rental_units.storage.errors import RegisterError
from homeassistant.core import Context, Event
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util import dt as dt_util
from tests.rental_units.common import call as action, device_id, without_database

from .conftest import TWILIO, House
from .providers import Provider
from .test_channels import register_phone

type Add = Callable[..., Awaitable[Provider]]

only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


async def verify(house: House, **data: Any) -> dict[str, int]:
    """Call the action, as an automation does each month."""
    answer = await action(
        house.hass,
        "verify_contacts",
        {"config_entry_id": house.entry.entry_id, **data},
        user=None,
    )
    assert answer
    return {key: value for key, value in answer.items() if value}


async def address(house: House, key: str) -> ContactAddress | None:
    """Return an address as it is on disk."""
    found: ContactAddress | None = await house.entry.runtime_data.async_run(
        lambda session: session.get(ContactAddress, key)
    )
    return found


async def outcome(house: House, key: str) -> str | None:
    """Return what has become of an address's test message."""
    row = await address(house, key)
    assert row
    return row.outcome


async def pace(house: House, seconds: float = PACE_SECONDS) -> None:
    """Let the next messages be sent."""
    await house.tick(seconds)
    await house.hass.async_block_till_done(wait_background_tasks=True)


def link_in(text: str) -> str:
    """Return the path of the link in a message."""
    found = re.search(r"https://house\.example(/api/r/\w{11})", text)
    assert found
    return found[1]


def issue(house: House) -> ir.IssueEntry | None:
    """Return the repair about addresses that have failed."""
    registry = ir.async_get(house.hass)
    return registry.async_get_issue(DOMAIN, f"contacts_failing_{house.entry.entry_id}")


async def test_a_person_confirms(
    house: House,
    sms: Provider,
    call: Provider,
    hass_client_no_auth: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """One message per number, one by one; only the button on the page confirms it."""
    events: list[Event] = []
    house.hass.bus.async_listen("*", events.append)
    counts = await verify(house, person_id="landlord")
    assert counts == {"asked": 1, "by_text_message": 1}
    assert await outcome(house, "landlord-sms") == WAITING
    await pace(house)
    (heard,) = sms.heard
    assert heard["form"]["To"].endswith("0103")
    assert heard["form"]["Body"].startswith("Property 1: please confirm")
    assert await outcome(house, "landlord-sms") == SENT
    assert call.heard == []

    client = await hass_client_no_auth()
    path = link_in(heard["form"]["Body"])
    page = await client.get(path)
    assert page.status == HTTPStatus.OK
    assert "Property 1: please confirm" in await page.text()
    wrong = await client.post(path, data={"answer": "safe"})
    assert wrong.status == HTTPStatus.BAD_REQUEST
    row = await address(house, "landlord-sms")
    assert row
    assert row.verified_at is None
    done = await client.post(path, data={"answer": "confirm"})
    assert (done.status, "Thank you" in await done.text()) == (HTTPStatus.OK, True)
    # Who has got the text message has the phone that is called.
    for key in ("landlord-sms", "landlord-call"):
        row = await address(house, key)
        assert row
        assert (row.verified_at, row.outcome) == (dt_util.utcnow().timestamp(), None)
    figures = house.engine.verifier.figures
    assert (figures.addresses, figures.verified, figures.unverified) == (10, 2, 8)

    sensors = {
        state.entity_id.removeprefix("sensor.property_1_"): state.state
        for state in house.hass.states.async_all("sensor")
        if "addresses" in state.entity_id
    }
    assert sensors == {"unverified_addresses": "8", "failing_addresses": "0"}
    # Neither who was asked nor what would confirm it is anywhere else.
    await house.hass.async_block_till_done()
    # What Home Assistant's web server notes of requests, when it is told to, is its own.
    lines = [
        row.getMessage()
        for row in caplog.records
        if row.name.startswith("custom_components")
    ]
    seen = repr([event.data for event in events]) + repr(lines)
    assert [mark for mark in ("2025550103", path[7:]) if mark in seen] == []

    # Who may see them sees the day, and what was not confirmed.
    data = {"device_id": device_id(house.hass, house.entry, "1-1-201")}
    unit = await action(house.hass, "get_unit", {**data, "reason": "inspection"})
    assert unit
    shown = {
        (row["person_id"], way["channel"]): way["verified_at"] is not None
        for row in unit["people"]
        for way in row["addresses"]
    }
    assert shown["landlord", "sms"]
    assert not shown["tenant-a", "sms"]
    rows = await house.entry.runtime_data.async_run(
        lambda session: [(row.what, row.person_id) for row in session.query(Audit)]
    )
    assert ("verify_contacts", "landlord") in rows
    assert ("contact_confirmed", "landlord") in rows


@only_sqlite
async def test_whom_it_asks(house: House, sms: Provider) -> None:
    """A unit, or everybody once; nobody twice in a day, nor who has confirmed, unless asked."""
    unit = device_id(house.hass, house.entry, "1-1-202")
    assert await verify(house, device_id=unit) == {"asked": 1, "by_text_message": 1}
    assert await verify(house) == {"asked": 4, "recent": 1, "by_text_message": 5}
    for count in range(1, 6):
        await pace(house)
        assert len(sms.heard) == count
    await pace(house)
    assert len({item["form"]["To"] for item in sms.heard}) == 5
    check = house.engine.verifier.find(link_in(sms.heard[0]["form"]["Body"])[7:])
    assert check
    assert await house.engine.verifier.async_confirm(check)
    house.freezer.tick(AGAIN_SECONDS + 1)
    counts = await verify(house)
    assert counts == {"asked": 4, "by_text_message": 4, "verified": 2}
    house.freezer.tick(AGAIN_SECONDS + 1)
    assert (await verify(house, again=True))["asked"] == 5


@only_sqlite
async def test_what_fails_is_shown(house: House, sms: Provider) -> None:
    """An address that fails is a repair that names its unit; a corrected one is unknown."""
    sms.status, sms.answer = 400, {"code": 21211}
    await verify(house, person_id="tenant-a")
    await pace(house)
    assert await outcome(house, "tenant-a-sms") == "twilio_21211"
    found = issue(house)
    assert found
    assert found.translation_placeholders == {
        "property": "Property 1",
        "count": "1",
        "units": "1-1-201",
        "responders": "0",
    }
    assert "202555" not in repr(found)
    change = {"person_id": "tenant-a", "phone": "+12025550199"}
    await action(house.hass, "update_contact", change)
    row = await address(house, "tenant-a-sms")
    assert row
    assert (row.outcome, row.asked_at, row.verified_at) == (None, None, None)
    sms.status, sms.answer = 201, {"sid": "SM1", "status": "queued"}
    await verify(house, person_id="tenant-a")
    await pace(house)
    assert issue(house) is None
    # Responders are counted, and not named.
    sms.status, sms.answer = 400, {"code": 21211}
    await verify(house, person_id="fire-post")
    await pace(house)
    found = issue(house)
    assert found
    assert (found.translation_placeholders or {})["responders"] == "1"


@only_sqlite
@pytest.mark.parametrize(
    ("status", "answer", "found"),
    [
        (400, {"code": 21211}, "twilio_21211"),
        # It cannot be reached, wants no messages, or is off.
        (400, {"code": 21214}, None),
        (400, {"code": 21610}, None),
        (201, {"sid": "SM1", "status": "undelivered"}, None),
    ],
)
async def test_what_an_alert_has_found(
    house: House, sms: Provider, status: int, answer: dict[str, Any], found: str | None
) -> None:
    """A number that there is not is shown like a failed test; a phone that is off is none."""
    sms.status, sms.answer = status, answer
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert (await house.stored())["landlord-sms"].state == "failed"
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await pace(house, COUNT_SECONDS)
    assert await outcome(house, "landlord-sms") == found
    assert bool(issue(house)) is bool(found)


@only_sqlite
async def test_what_was_corrected_meanwhile(house: House, sms: Provider) -> None:
    """The answer about an old number says nothing of the one that took its place."""
    verifier = house.engine.verifier
    verifier.note_wrong("landlord-sms", "+12025550100", "twilio_21211")
    verifier.note_wrong("somewhere:else", "+12025550100", "twilio_21211")
    await house.hass.async_block_till_done(wait_background_tasks=True)
    await pace(house, COUNT_SECONDS)
    assert await outcome(house, "landlord-sms") is None
    assert issue(house) is None


@only_sqlite
async def test_it_waits(house: House, sms: Provider) -> None:
    """Quiet hours hold a test back, and so does an alarm: the lines are for that."""
    now = dt_util.now()
    quiet = time(now.hour), time((now.hour + 2) % 24)
    await house.put_address("landlord", "sms", "+12025550103", quiet)
    await verify(house, person_id="landlord")
    await pace(house)
    assert sms.heard == []
    assert await outcome(house, "landlord-sms") == WAITING
    await pace(house, 2 * 3600)
    assert len(sms.heard) == 1

    sms.heard.clear()
    alert = await house.alert(hazard="smoke", audience=["responders"])
    await house.settled()
    assert len(sms.heard) == 1
    await verify(house, person_id="tenant-a")
    await pace(house)
    await house.settled()
    before = len(sms.heard)
    house.engine.cancel(house.engine.alerts[alert], who=None)
    await house.settled()
    over = len(sms.heard)
    assert "confirm" not in repr([item["form"] for item in sms.heard])
    await pace(house, BUSY_SECONDS)
    assert (before <= over, len(sms.heard)) == (True, over + 1)
    assert "please confirm" in sms.heard[-1]["form"]["Body"]


@only_sqlite
async def test_what_was_told_holds_nothing_back(house: House, sms: Provider) -> None:
    """A fault is open for days: once its messages are sent, people are asked all the same."""
    await house.alert(severity="fault", hazard="unresponsive", audience=["landlord"])
    await house.settled()
    told = len(sms.heard)
    await verify(house, person_id="tenant-a")
    await pace(house)
    assert house.engine.alerts
    assert len(sms.heard) == told + 1
    assert "please confirm" in sms.heard[-1]["form"]["Body"]


async def test_it_goes_on_after_a_restart(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """What waits is sent once after a restart, and a link holds for a week."""
    await verify(house, person_id="landlord")
    await house.restart()
    assert sms.heard == []
    await pace(house)
    await pace(house)
    (heard,) = sms.heard
    await house.restart()
    await pace(house)
    assert len(sms.heard) == 1
    client = await hass_client_no_auth()
    path = link_in(heard["form"]["Body"])
    assert (await client.get(path)).status == HTTPStatus.OK
    house.freezer.tick(LINK_SECONDS)
    assert (await client.get(path)).status == HTTPStatus.GONE
    done = await client.post(path, data={"answer": "confirm"})
    assert done.status == HTTPStatus.GONE
    row = await address(house, "landlord-sms")
    assert row
    assert row.verified_at is None


@only_sqlite
async def test_of_who_is_gone(
    house: House, sms: Provider, hass_client_no_auth: Any
) -> None:
    """Who was erased, or has another number, is not asked, and confirms nothing any more."""
    await verify(house, person_id="tenant-a")
    erase = {"person_id": "tenant-a", "reason": "request"}
    await action(house.hass, "erase_person", erase)
    await pace(house)
    assert sms.heard == []

    await verify(house, person_id="tenant-b")
    await pace(house)
    path = link_in(sms.heard[0]["form"]["Body"])
    change = {"person_id": "tenant-b", "phone": "+12025550199"}
    await action(house.hass, "update_contact", change)
    client = await hass_client_no_auth()
    done = await client.post(path, data={"answer": "confirm"})
    assert done.status == HTTPStatus.GONE
    row = await address(house, "tenant-b-sms")
    assert row
    assert row.verified_at is None


async def asked_in_the_app(
    house: House, add_provider: Add, hass_client: Any
) -> tuple[str, str]:
    """Send a test message to a phone; return what is on its button, and whose phone it is."""
    provider = await add_provider({})
    provider.status = 201
    assert await async_setup_component(house.hass, "mobile_app", {})
    client = await hass_client()
    device, _ = await register_phone(house, client, provider)
    await house.put_address("landlord", "push", device.id)
    house.hass.config.external_url = None
    await house.tick(10)
    await verify(house, person_id="landlord")
    await pace(house)
    sent = provider.heard[-1]["json"]
    assert "house.example" not in json.dumps(sent)
    (button,) = sent["data"]["actions"]
    assert button["title"] == "Yes, it has reached me"
    (phone,) = house.hass.config_entries.async_entries("mobile_app")
    return button["action"], phone.data["user_id"]


async def press(house: House, pressed: str, user_id: str) -> None:
    """Let a button be pressed by somebody."""
    house.hass.bus.async_fire(
        "mobile_app_notification_action",
        {"action": pressed},
        context=Context(user_id=user_id),
    )
    await house.hass.async_block_till_done()


async def is_proven(house: House) -> bool:
    """Return if the landlord has confirmed the app."""
    row = await address(house, "landlord-push")
    assert row
    return row.verified_at is not None


@only_sqlite
async def test_a_button_of_the_app(
    house: House, add_provider: Add, hass_client: Any
) -> None:
    """On a phone it is a button, which needs no address of ours."""
    button, owner = await asked_in_the_app(house, add_provider, hass_client)
    for pressed, user_id in (
        ("RENTAL_UNITS_unknown_confirm", owner),
        # Who has read the button of another's phone says nothing with it.
        (button, "another"),
        # Nor does the token of a test message answer anything.
        (button.replace("_confirm", "_safe"), owner),
    ):
        await press(house, pressed, user_id)
        assert not await is_proven(house)
    await press(house, button, owner)
    assert await is_proven(house)
    assert house.hass.data[DATA_PRESSED].take() == []


@only_sqlite
async def test_a_button_while_nothing_can_be_written(
    house: House,
    add_provider: Add,
    hass_client: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A confirmation is kept, and written down as soon as the database takes it."""
    button, owner = await asked_in_the_app(house, add_provider, hass_client)

    async def fail(*_: Any, **__: Any) -> Any:
        raise RegisterError("register_locked")

    with monkeypatch.context() as broken:
        broken.setattr(house.entry.runtime_data, "async_run", fail)
        await press(house, button, owner)
        # Once more in vain: it is not forgotten.
        await house.tick(HEARTBEAT_SECONDS)
    assert not await is_proven(house)
    await house.tick(HEARTBEAT_SECONDS)
    assert await is_proven(house)
    assert house.hass.data[DATA_PRESSED].take() == []


@only_sqlite
async def test_a_button_while_the_database_is_away(
    house: House, add_provider: Add, hass_client: Any
) -> None:
    """After a start without database it is not known yet what is confirmed."""
    button, owner = await asked_in_the_app(house, add_provider, hass_client)
    async with without_database(house.hass, house.entry):
        await press(house, button, owner)
    await house.settled()
    assert await is_proven(house)


@only_sqlite
async def test_a_key_of_a_call(
    house: House, call: Provider, hass_client_no_auth: Any
) -> None:
    """Who has a telephone alone presses a key, which is known to be of the call."""
    assert await verify(house, person_id="landlord") == {"asked": 1, "no_channel": 1}
    await pace(house)
    twiml = call.heard[0]["form"]["Twiml"]
    assert "Press 1 to confirm" in twiml
    assert "safe" not in twiml
    found = re.search(r'action="https://house\.example([^"]+)"', twiml)
    assert found
    client = await hass_client_no_auth()

    async def post(form: dict[str, str], key: str = TWILIO["auth_token"]) -> Any:
        signature = sign(key, f"https://house.example{found[1]}", form)
        return await client.post(
            found[1], data=form, headers={"X-Twilio-Signature": signature}
        )

    async def verified() -> bool:
        row = await address(house, "landlord-call")
        assert row
        return row.verified_at is not None

    assert (await post({"Digits": "1"}, "forged")).status == HTTPStatus.FORBIDDEN
    for form in ({"CallStatus": "completed"}, {"Digits": "3"}):
        assert (await post(form)).status == HTTPStatus.OK
        assert not await verified()
    answer = await post({"Digits": "1"})
    assert "Thank you" in await answer.text()
    assert await verified()
    house.freezer.tick(LINK_SECONDS)
    assert await (await post({"Digits": "1"})).text() == "<Response/>"


@only_sqlite
async def test_nothing_that_nobody_can_confirm(
    house: House, sms: Provider, call: Provider
) -> None:
    """Without an address of ours no link leads back: then a message is worth nothing."""
    house.hass.config.external_url = None
    house.hass.config.internal_url = None
    house.hass.config.api = None
    await house.tick(10)
    assert await verify(house, person_id="landlord") == {"no_channel": 2}


@only_sqlite
async def test_carriers_and_errors(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider's trouble is none of the address, for a while; what breaks is written down."""
    channel = house.engine.dispatcher.channels["sms"]
    answers: list[BaseException] = [
        *(NumberLimitError(600), NotSentError("credentials", 30)),
        *(NotSentError("rate_limit"), NotSentError("unreachable")),
    ]
    asked: list[Message] = []

    async def send(row: Message) -> None:
        asked.append(row)
        raise answers.pop(0)

    monkeypatch.setattr(channel, "async_send", send)
    await verify(house, person_id="landlord")
    await pace(house)
    for seconds, count in ((BUSY_SECONDS, 1), (600, 2), (60, 3)):
        assert await outcome(house, "landlord-sms") == WAITING
        await pace(house, seconds)
        await pace(house, BUSY_SECONDS)
        assert len(asked) == count
    await pace(house, 60)
    assert await outcome(house, "landlord-sms") == "unreachable"
    # What may have been sent can be confirmed; what breaks has failed.
    for key, error, seen in (
        ("tenant-b", UnknownError("timeout"), SENT),
        ("neighbour", ZeroDivisionError("+1202"), "error"),
    ):
        answers.append(error)
        await verify(house, person_id=key)
        await pace(house)
        assert await outcome(house, f"{key}-sms") == seen
    await verify(house, person_id="tenant-a")
    house.options(channels={})
    await pace(house)
    assert await outcome(house, "tenant-a-sms") == "no_channel"


@only_sqlite
async def test_while_the_register_is_away(
    house: House,
    sms: Provider,
    monkeypatch: pytest.MonkeyPatch,
    hass_client_no_auth: Any,
) -> None:
    """A confirmation that cannot be written down says so, and can be given again."""
    await verify(house, person_id="landlord")
    await pace(house)
    path = link_in(sms.heard[0]["form"]["Body"])
    client = await hass_client_no_auth()
    register = house.entry.runtime_data

    async def fail(*_: Any, **__: Any) -> Any:
        raise RegisterError("register_locked")

    with monkeypatch.context() as broken:
        broken.setattr(register, "async_run", fail)
        answer = await client.post(path, data={"answer": "confirm"})
        assert answer.status == HTTPStatus.SERVICE_UNAVAILABLE
        assert "try again" in await answer.text()
    answer = await client.post(path, data={"answer": "confirm"})
    assert answer.status == HTTPStatus.OK

    # What was not noted as sent is sent once more after the next start.
    await verify(house, person_id="tenant-a")
    with monkeypatch.context() as broken:
        broken.setattr(register, "async_read", fail)
        await pace(house)
    assert await outcome(house, "tenant-a-sms") == WAITING
    await house.restart()
    await pace(house)
    assert await outcome(house, "tenant-a-sms") == SENT


@only_sqlite
async def test_of_one_property(house: House, sms: Provider) -> None:
    """A unit is of the property that is named; who has some units has not the property."""
    other = MockConfigEntry(domain=DOMAIN, title="Property 2")
    other.add_to_hass(house.hass)
    assert await house.hass.config_entries.async_setup(other.entry_id)
    unit = device_id(house.hass, house.entry, "1-1-201")
    with pytest.raises(ServiceValidationError) as failure:
        await verify(house, config_entry_id=other.entry_id, device_id=unit)
    assert failure.value.translation_key == "no_such_unit"

    hand = Hand(dt_util.now().date(), 0.0, None)
    caller = Caller(None, Permit(frozenset(house.units.values())))
    command = VerifyContacts(house.engine.verifier.usable)

    def run(session: Any) -> None:
        command.run(
            Work(session, hand, caller, command.name, Reason.MANAGEMENT, None, "en")
        )

    with pytest.raises(NotCoveredError):
        await house.entry.runtime_data.async_run(run)
    assert sms.heard == []


@only_sqlite
async def test_away_at_the_start(
    house: House, sms: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A register that cannot be read at the start keeps the alerts from nothing."""
    await verify(house, person_id="landlord")

    async def fail(*_: Any, **__: Any) -> Any:
        raise RegisterError("register_locked")

    verifier = house.engine.verifier
    with monkeypatch.context() as broken:
        broken.setattr(house.entry.runtime_data, "async_read", fail)
        await verifier.async_start()
    # Who is written down meanwhile is counted when it can be read.
    change = {"person_id": "landlord", "email": "mark@example.com"}
    await action(house.hass, "update_contact", change)
    await pace(house, COUNT_SECONDS)
    assert verifier.figures.addresses == 11
