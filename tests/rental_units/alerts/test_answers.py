"""What providers answer, and how it can be wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
import pytest
import voluptuous as vol

from custom_components.rental_units.alerts.channels import build
from custom_components.rental_units.alerts.channels.base import (
    MOST_BYTES,
    NotSentError,
    RefusedError,
    UnknownError,
)
from custom_components.rental_units.alerts.channels.twilio import sign
from homeassistant.core import Event, HomeAssistant, ServiceCall, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component

from .conftest import NUMBERS, TWILIO, House
from .providers import Provider
from .test_channels import message

type Add = Callable[..., Awaitable[Provider]]


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (200, {"sid": "SM1", "status": "queued"}, None),
        (200, {}, UnknownError),
        (200, {"sid": "SM1", "status": "failed"}, RefusedError),
        # The number: never again. https://www.twilio.com/docs/api/errors
        (400, {"code": 21211, "status": 400}, RefusedError),
        (400, {"code": 21610, "status": 400}, RefusedError),
        # The account: whoever owns it has to mend it, and it may go through then.
        (400, {"code": 21606, "status": 400}, NotSentError),
        (404, {"code": 20404, "status": 404}, NotSentError),
        (401, {"code": 20003, "status": 401}, NotSentError),
        (429, {"code": 20429, "status": 429}, NotSentError),
        (400, {"code": 14107, "status": 400}, NotSentError),
        (404, {}, NotSentError),
        (302, {}, RefusedError),
        (502, {}, UnknownError),
    ],
)
async def test_twilio_answers(
    hass: HomeAssistant,
    socket_enabled: None,
    add_provider: Add,
    status: int,
    answer: dict[str, Any],
    error: type[Exception] | None,
) -> None:
    """Sent is what has an id; whose fault it is says if it is tried again."""
    provider = await add_provider(answer)
    provider.status = status
    options = {"channels": {"sms": {**TWILIO, "url": provider.url}}}
    sms = build(hass, options)["sms"]
    if error is None:
        assert await sms.async_send(message("+12025550101")) == "SM1"
        return
    with pytest.raises(error) as failure:
        await sms.async_send(message("+12025550101"))
    assert "2025550101" not in str(failure.value)


async def test_body_in_pieces(hass: HomeAssistant, socket_enabled: None) -> None:
    """A body that comes in pieces is read to its end; an endless one is cut off."""
    pieces: list[bytes] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for piece in pieces:
            await response.write(piece)
        return response

    app = web.Application()
    app.router.add_post("/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    sms = build(hass, {"channels": {"sms": {**TWILIO, "url": url}}})["sms"]
    try:
        pieces[:] = [b'{"si', b'd": "SM1"', b"}"]
        assert await sms.async_send(message("+12025550101")) == "SM1"
        pieces[:] = [b" " * 30_000] * (MOST_BYTES // 30_000 + 2)
        with pytest.raises(UnknownError, match="unreadable_answer"):
            await sms.async_send(message("+12025550101"))
    finally:
        await runner.cleanup()


async def test_webhook_without_json(house: House, add_provider: Add) -> None:
    """A server that says `ok` in plain text has got it, and gets it once."""
    provider = await add_provider()
    provider.body = b"ok"
    await house.put_address("landlord", "webhook", provider.url)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    for _ in range(3):
        await house.tick(10)
        await house.settled()
    assert len(provider.heard) == 1
    assert (await house.stored())["landlord-webhook"].state == "sent"


async def test_call_reports_when_answered(
    house: House, call: Provider, hass_client_no_auth: Any
) -> None:
    """Twilio is asked to report the answering too; who has answered, only a key tells."""
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    form = parse_qsl(call.heard[0]["raw"].decode())
    events = [value for key, value in form if key == "StatusCallbackEvent"]
    assert events == ["answered", "completed"]
    url = dict(form)["StatusCallback"]
    client = await hass_client_no_auth()
    for status, state in (("in-progress", "sent"), ("busy", "failed")):
        report = {"CallStatus": status}
        headers = {"X-Twilio-Signature": sign(TWILIO["auth_token"], url, report)}
        path = url.removeprefix("https://house.example")
        taken = await client.post(path, data=report, headers=headers)
        assert taken.status == HTTPStatus.OK
        assert (await house.stored())["landlord-call"].state == state


async def test_account_failure_is_shown(house: House, sms: Provider) -> None:
    """An account that is empty is a failing provider, not five wrong numbers."""
    sms.status, sms.answer = 400, {"code": 21606, "status": 400}
    await house.alert(hazard="smoke")
    await house.settled()
    issue = f"provider_failing_{house.entry.entry_id}_sms"
    assert ir.async_get(house.hass).async_get_issue("rental_units", issue)
    sms.status, sms.answer = 200, {"sid": "SM1"}
    await house.tick(31)
    await house.settled()
    assert {item["form"]["To"] for item in sms.heard} == set(NUMBERS.values())
    assert ir.async_get(house.hass).async_get_issue("rental_units", issue) is None


async def test_script_that_runs_once_at_a_time(house: House) -> None:
    """A script whose mode is single serves all, one after another; nothing is traced."""
    sequence = [
        {"event": "placeholder_sms", "event_data": {"length": "{{ to | length }}"}},
        {"wait_for_trigger": [{"trigger": "event", "event_type": "placeholder_done"}]},
    ]
    assert await async_setup_component(
        house.hass, "script", {"script": {"own": {"sequence": sequence}}}
    )
    heard: list[Event] = []
    house.hass.bus.async_listen("placeholder_sms", heard.append)
    house.options(channels={"sms": {"provider": "script", "script": "script.own"}})
    await house.alert(hazard="smoke", audience=["tenants"])
    await house.until(lambda: len(heard) == 1)
    house.hass.bus.async_fire("placeholder_done")
    await house.settled()
    await house.tick(2)
    await house.until(lambda: len(heard) == 2)
    house.hass.bus.async_fire("placeholder_done")
    await house.settled()
    states = {key: row.state for key, row in (await house.stored()).items()}
    assert states == {"tenant-a-sms": "sent", "tenant-b-sms": "sent"}
    traces = house.hass.data.get("trace", {})
    assert not [run for runs in traces.values() for run in runs.values()]


async def test_actions_that_fail_or_hang(hass: HomeAssistant) -> None:
    """An action that raises, refuses its data or never ends may have sent it, or not."""
    gate = asyncio.Event()

    async def hang(call: ServiceCall) -> None:
        await gate.wait()

    async def fail(call: ServiceCall) -> None:
        raise HomeAssistantError("+12025550101")

    patient, hurried = (
        build(hass, {"channels": {"notify": {"timeout": seconds}}})["notify"]
        for seconds in (60, 0.01)
    )
    for name, action, schema in (
        ("hang", hang, None),
        ("fail", fail, None),
        ("fail", fail, vol.Schema({})),
    ):
        hass.services.async_register("notify", name, action, schema)
        channel = hurried if name == "hang" else patient
        with pytest.raises(UnknownError) as failure:
            await channel.async_send(message(f"notify.{name}"))
        assert str(failure.value) == ("timeout" if name == "hang" else "action_failed")
    # One that does not wait for anything is done when it returns.
    hass.services.async_register("notify", "plain", callback(lambda call: None))
    await patient.async_send(message("notify.plain"))

    sequence = [
        {"wait_for_trigger": [{"trigger": "event", "event_type": "placeholder_done"}]}
    ]
    assert await async_setup_component(
        hass, "script", {"script": {"own": {"sequence": sequence}}}
    )
    with pytest.raises(UnknownError, match="timeout"):
        await hurried.async_send(message("script.own"))
    gate.set()


async def test_connection_lost(hass: HomeAssistant, socket_enabled: None) -> None:
    """Who hangs up in the middle may have got it."""

    async def hang_up(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    call = build(hass, {"channels": {"call": {**TWILIO, "url": url}}})["call"]
    async with server:
        with pytest.raises(UnknownError, match="connection_lost"):
            await call.async_send(message("+12025550101"))


async def test_call_without_an_address_of_ours(
    hass: HomeAssistant, socket_enabled: None, add_provider: Add
) -> None:
    """Where nothing can come back to, the call says it three times and takes no key."""
    provider = await add_provider()
    options = {"channels": {"call": {**TWILIO, "url": provider.url}}}
    await build(hass, options)["call"].async_send(message("+12025550101"))
    (form,) = (dict(parse_qsl(item["raw"].decode())) for item in provider.heard)
    assert form["Twiml"].count("<Say") == 3
    assert "Gather" not in form["Twiml"]
    assert "StatusCallbackEvent" not in form


async def test_robot_of_a_person(hass: HomeAssistant, add_provider: Add) -> None:
    """A person's webhook may be a robot's; a wrong one is that person's alone."""
    provider = await add_provider({"errcode": 0})
    options = {"channels": {"webhook": {"form": "wecom"}}}
    webhook = build(hass, options)["webhook"]
    await webhook.async_send(message(f"{provider.url}/robot?key=k"))
    assert provider.heard[0]["json"]["msgtype"] == "text"
    provider.answer = {"errcode": 93000}
    with pytest.raises(RefusedError, match="robot_93000"):
        await webhook.async_send(message(provider.url))


async def test_notify_that_is_away(house: House) -> None:
    """An entity that is not available would swallow the message: it is tried again."""
    channel = house.engine.dispatcher.channels["notify"]
    house.hass.states.async_set("notify.placeholder", "unavailable")
    with pytest.raises(NotSentError, match="unavailable"):
        await channel.async_send(message("notify.placeholder"))
