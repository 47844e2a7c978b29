"""What a provider's report means: signed in several ways, a mailbox, a number at its limit."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

import pytest

from custom_components.rental_units.alerts.channels.base import NumberLimitError
from custom_components.rental_units.alerts.channels.twilio import is_signed, sign
from homeassistant.helpers import issue_registry as ir

from .conftest import NUMBERS, TWILIO, House
from .providers import ALIBABA_OK, Provider
from .test_channels import ALIBABA

type Add = Callable[..., Awaitable[Provider]]
TOKEN = TWILIO["auth_token"]


def in_turn(*channels: str) -> dict[str, Any]:
    """Return policies of a warning over one channel after another."""
    step = {"after": 0, "channels": list(channels), "in_turn": True}
    return {"warning": {"steps": [step], "valid_for": 7200}}


async def report(house: House, client: Any, callback: str, **form: str) -> None:
    """Report as Twilio does."""
    path = callback.removeprefix("https://house.example")
    headers = {"X-Twilio-Signature": sign(TOKEN, callback, form)}
    answer = await client.post(path, data=form, headers=headers)
    assert answer.status == HTTPStatus.OK
    await house.hass.async_block_till_done()


@pytest.mark.parametrize(
    ("external", "signed"),
    [
        # Home Assistant at its own port, as with DuckDNS: TwiML requests are signed without
        # it, status callbacks with it. twilio/twilio-python#392, #402, #477
        ("https://house.example:8123", "https://house.example"),
        ("https://house.example:8123", "https://house.example:8123"),
        # twilio/twilio-node#411
        ("https://house.example", "https://house.example:443"),
        ("https://house.example", "https://house.example"),
        # Over plain HTTP the port is part of it: twilio-labs/twilio-aspnet#18
        ("http://house.example:8123", "http://house.example:8123"),
        ("http://house.example", "http://house.example:80"),
        # twilio/twilio-php#448
        ("https://house.example:8443", "https://house.example"),
    ],
)
async def test_signed_with_or_without_port(
    house: House, call: Provider, hass_client_no_auth: Any, external: str, signed: str
) -> None:
    """A tenant presses 3, `I need help`: no form of the address loses it."""
    house.hass.config.external_url = external
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.settled()
    callback = call.heard[0]["form"]["StatusCallback"]
    path = callback.removeprefix(external)
    form = {"CallSid": "CA1", "CallStatus": "in-progress", "Digits": "3"}
    client = await hass_client_no_auth()
    headers = {"X-Twilio-Signature": sign(TOKEN, signed + path, form)}
    answer = await client.post(path, data=form, headers=headers)
    assert answer.status == HTTPStatus.OK
    assert "need_help" in house.kinds()


@pytest.mark.parametrize(
    "signed",
    [
        "https://other.example",
        "https://house.example:8124",
        "http://house.example:8123",
        "https://house.example:8123/x",
    ],
)
def test_signed_for_another_address(signed: str) -> None:
    """No other host, port or scheme stands for ours."""
    url, form = "https://house.example:8123/api/x?y=1", [("a", "1"), ("a", "2")]
    assert is_signed(TOKEN, url, form, sign(TOKEN, url, form))
    other = url.replace("https://house.example:8123", signed)
    assert not is_signed(TOKEN, url, form, sign(TOKEN, other, form))
    assert not is_signed(TOKEN, url, form[:1], sign(TOKEN, url, form))
    assert not is_signed("other", url, form, sign(TOKEN, url, form))


@pytest.mark.parametrize(
    "reports",
    [
        # https://www.twilio.com/docs/voice/api/call-resource#call-status-values
        ({"CallStatus": "in-progress"}, {"CallStatus": "completed"}),
        # The end alone is reported: target/goalert#921
        ({"CallStatus": "completed", "CallDuration": "12"},),
        # Its answering machine detection: https://www.twilio.com/docs/voice/answering-machine-detection
        ({"CallStatus": "in-progress", "AnsweredBy": "machine_start"},),
    ],
)
async def test_mailbox_is_no_human(
    house: House,
    sms: Provider,
    call: Provider,
    hass_client_no_auth: Any,
    reports: tuple[dict[str, str], ...],
) -> None:
    """A mailbox takes a call as a human does, and presses no key: the next channel follows."""
    client = await hass_client_no_auth()
    house.options(policies=in_turn("call", "sms"))
    await house.alert(hazard="overflow", severity="warning", audience=["landlord"])
    await house.settled()
    for form in reports:
        await report(house, client, call.heard[0]["form"]["StatusCallback"], **form)
    assert sms.heard == []
    await house.tick(3)
    await house.settled()
    assert len(sms.heard) == 1
    row = (await house.stored())["landlord-call"]
    assert (row.state, row.reason) == ("sent", "no_key")


@pytest.mark.parametrize("late", [False, True])
async def test_a_key_is_a_human(
    house: House, sms: Provider, call: Provider, hass_client_no_auth: Any, late: bool
) -> None:
    """Who presses a key has heard it, in whichever order key and end are reported."""
    client = await hass_client_no_auth()
    house.options(policies=in_turn("call", "sms"))
    await house.alert(hazard="overflow", severity="warning", audience=["landlord"])
    await house.settled()
    callback = call.heard[0]["form"]["StatusCallback"]
    rows = [{"CallStatus": "in-progress", "Digits": "1"}, {"CallStatus": "completed"}]
    for row in reversed(rows) if late else rows:
        await report(house, client, callback, **row)
    await house.tick(90)
    await house.settled()
    assert sms.heard == []
    assert (await house.stored())["landlord-call"].state == "answered"


async def test_mailbox_that_never_ends(
    house: House, sms: Provider, call: Provider, hass_client_no_auth: Any
) -> None:
    """A call whose end nobody reports is waited for no longer than for any receipt."""
    client = await hass_client_no_auth()
    house.options(policies=in_turn("call", "sms"))
    await house.alert(hazard="overflow", severity="warning", audience=["landlord"])
    await house.settled()
    callback = call.heard[0]["form"]["StatusCallback"]
    await report(house, client, callback, CallStatus="answered")
    await house.tick(61)
    await house.settled()
    assert len(sms.heard) == 1


async def test_filtered_sms_is_lost(
    house: House, sms: Provider, call: Provider, hass_client_no_auth: Any
) -> None:
    """An SMS that the carrier filters was sent first, and undelivered then (30007)."""
    client = await hass_client_no_auth()
    house.options(policies=in_turn("sms", "call"))
    await house.alert(hazard="overflow", severity="warning", audience=["landlord"])
    await house.settled()
    callback = sms.heard[0]["form"]["StatusCallback"]
    await report(house, client, callback, MessageStatus="sent")
    failed = {"MessageStatus": "undelivered", "ErrorCode": "30007"}
    await report(house, client, callback, **failed)
    await house.settled()
    assert len(call.heard) == 1


async def test_alibaba_mailbox(
    house: House, sms: Provider, add_provider: Add, hass_client_no_auth: Any
) -> None:
    """A call heard to its end without a key is no human either; each code says so."""
    provider = await add_provider(ALIBABA_OK)
    channels = house.entry.options["channels"]
    house.options(
        channels={**channels, "call": {**ALIBABA, "url": provider.url}},
        policies=in_turn("call", "sms"),
    )
    await house.alert(hazard="overflow", severity="warning", audience=["landlord"])
    await house.settled()
    (row,) = (await house.stored()).values()
    client = await hass_client_no_auth()
    path = house.engine.links.report_url().removeprefix("https://house.example")
    for code in ("200101", "200102", "200000"):
        body = [{"out_id": row.id[:15], "status_code": code}]
        assert (await client.post(path, json=body)).status == HTTPStatus.OK
        assert sms.heard == []
    await house.tick(3)
    await house.settled()
    assert len(sms.heard) == 1


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("触发分钟级流控Permits:1", 60),
        ("触发小时级流控Permits:5", 3600),
        ("触发天级流控Permits:10", 86_400),
        ("?", 60),
    ],
)
async def test_number_at_its_limit(
    house: House, call: Provider, add_provider: Add, said: str, seconds: float
) -> None:
    """One number has had its share: the provider fails nobody, and that one is called."""
    provider = await add_provider(ALIBABA_OK)
    channels = house.entry.options["channels"]
    house.options(channels={**channels, "sms": {**ALIBABA, "url": provider.url}})
    limit = {"Code": "isv.BUSINESS_LIMIT_CONTROL", "Message": said}
    house.options(policies=in_turn("sms", "call"))
    for number in range(6):
        provider.answer = limit
        await house.alert(
            severity="warning", message=f"News {number}", audience=["landlord"]
        )
        await house.settled()
        provider.answer = ALIBABA_OK
        await house.alert(
            severity="warning", message=f"News {number}", audience=["responders"]
        )
        await house.settled()
    asked = [item["form"]["PhoneNumbers"] for item in provider.heard]
    assert asked.count(NUMBERS["landlord"][1:]) == 1, "it is left alone meanwhile"
    assert asked.count(NUMBERS["fire-post"][1:]) == 6
    assert {item["form"]["To"] for item in call.heard} == {NUMBERS["landlord"]}
    assert len(call.heard) == 6
    issue = f"provider_failing_{house.entry.entry_id}_sms"
    assert ir.async_get(house.hass).async_get_issue("rental_units", issue) is None
    rows = [
        row
        for row in house.engine.dispatcher.deliveries.values()
        if row.address_id == "landlord-sms"
    ]
    assert {row.reason for row in rows} == {"number_limit"}


async def test_number_after_its_limit(house: House, add_provider: Add) -> None:
    """When the minute is over the number is taken again."""
    provider = await add_provider({"Code": "isv.BUSINESS_LIMIT_CONTROL"})
    house.options(
        channels={"sms": {**ALIBABA, "url": provider.url}},
        policies={"alarm": {"steps": [{"after": 0}]}},
    )
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    provider.answer = ALIBABA_OK
    await house.tick(30)
    await house.settled()
    assert len(provider.heard) == 1
    await house.tick(31)
    await house.settled()
    row = (await house.stored())["landlord-sms"]
    assert (len(provider.heard), row.state) == (2, "sent")


def test_limit_error() -> None:
    """It says when, and nothing of the number."""
    error = NumberLimitError(60)
    assert (error.reason, error.after, str(error)) == (
        "number_limit",
        60,
        "number_limit",
    )


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        ("[" * 100_000, "application/json"),
        ("{}", "application/json; charset=klingon"),
        (b"\xff\xfe", "application/json; charset=utf-8"),
    ],
)
async def test_reports_that_are_none(
    house: House, hass_client_no_auth: Any, body: str | bytes, kind: str
) -> None:
    """Nested without end, or in a character set that there is not: 400, and no traceback."""
    client = await hass_client_no_auth()
    path = house.engine.links.report_url().removeprefix("https://house.example")
    answer = await client.post(path, data=body, headers={"Content-Type": kind})
    assert answer.status == HTTPStatus.BAD_REQUEST


async def test_form_that_is_none(
    house: House, call: Provider, hass_client_no_auth: Any
) -> None:
    """The same of a form."""
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    url = call.heard[0]["form"]["StatusCallback"]
    client = await hass_client_no_auth()
    answer = await client.post(
        url.removeprefix("https://house.example"),
        data=b"a=%ff",
        headers={"Content-Type": "application/x-www-form-urlencoded; charset=klingon"},
    )
    assert answer.status == HTTPStatus.BAD_REQUEST
