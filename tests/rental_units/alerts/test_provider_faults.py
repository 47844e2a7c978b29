"""Every fault of a provider on every HTTP channel: what becomes of it, beside a healthy one."""

import asyncio
from collections.abc import Awaitable, Callable
import socket
import time
from typing import Any

import pytest

from custom_components.rental_units.alerts.channels.base import CONNECT_SECONDS

from .conftest import TWILIO, House
from .providers import ALIBABA_OK, OK, Provider

type Add = Callable[..., Awaitable[Provider]]

ALIBABA = {
    "provider": "alibaba",
    "access_key_id": "placeholder",
    "access_key_secret": "placeholder",
    "sign_name": "placeholder",
    "template": "SMS_1",
}
#: Channel, its options, and what its provider answers when all is well. SMS and calls have no
#: key by which a provider knows a second try; our webhook has.
CHANNELS: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "twilio_sms": ("sms", TWILIO, OK),
    "twilio_call": ("call", TWILIO, OK),
    "alibaba_sms": ("sms", ALIBABA, ALIBABA_OK),
    "alibaba_call": ("call", ALIBABA, ALIBABA_OK),
    "webhook": ("webhook", {}, {}),
    "wecom": ("webhook", {"form": "wecom"}, {"errcode": 0}),
    "dingtalk": ("webhook", {"form": "dingtalk"}, {"errcode": 0}),
    "feishu": ("webhook", {"form": "feishu"}, {"code": 0}),
}
#: Certainly not sent: tried again. May have been sent: again where there is a key only.
AGAIN, UNKNOWN, SENT = "again", "unknown", "sent"
FAULTS = {
    "refused": AGAIN,
    "no_connection": AGAIN,
    "500": AGAIN,
    "rate_limit": AGAIN,
    "timeout": UNKNOWN,
    "wrong_json": UNKNOWN,
    "cut_off": UNKNOWN,
    "slow": SENT,
}
REASONS = {
    "refused": "unreachable",
    "no_connection": "unreachable",
    "500": "http_500",
    "rate_limit": "rate_limit",
    "timeout": "timeout",
    "wrong_json": "unreadable_answer",
    "cut_off": "connection_lost",
}


async def begin(provider: Provider, fault: str) -> None:
    """Let a provider fail."""
    match fault:
        case "refused":
            await provider.stop()
        case "no_connection":
            await provider.stop()
            provider.crowd = crowded(provider.port)
        case "500":
            provider.status = 500
        case "rate_limit":
            provider.status, provider.headers = 429, {"Retry-After": "3"}
        case "timeout" | "slow":
            provider.hold = asyncio.Event()
        case "wrong_json":
            provider.body = b"<html>"
        case "cut_off":
            provider.cut = True


async def end(provider: Provider, fault: str) -> None:
    """Let it work again."""
    provider.status, provider.headers, provider.body = 200, {}, None
    provider.cut = False
    if provider.hold:
        provider.hold.set()
        provider.hold = None
    for row in provider.crowd:
        row.close()
    if fault in ("refused", "no_connection"):
        await provider.start()


def crowded(port: int) -> list[socket.socket]:
    """Occupy a port at which no connection stands: what wants one gets no answer."""
    server = socket.socket()
    server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    server.bind(("127.0.0.1", port))
    server.listen(0)
    waiting = [socket.socket() for _ in range(3)]
    for row in waiting:
        row.setblocking(False)
        row.connect_ex(("127.0.0.1", port))
    return [server, *waiting]


async def attempted(house: House, key: str, number: int) -> None:
    """Wait until a delivery is being tried for this time, and its connection is given up."""
    rows = house.engine.dispatcher.deliveries.values()
    await house.until(
        lambda: any(
            (row.address_id, row.state, row.attempts) == (key, "sending", number)
            for row in rows
        )
    )
    # What the connection waits for begins in the same moment.
    await house.stored()
    await house.tick(CONNECT_SECONDS + 1)


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kind", CHANNELS)
async def test_fault(house: House, add_provider: Add, kind: str, fault: str) -> None:
    """The other channel is not delayed, the next begins, and each try is in the ledger."""
    name, options, answer = CHANNELS[kind]
    other_name = "sms" if name != "sms" else "call"
    provider, other = await add_provider(answer), await add_provider()
    await house.put_address("landlord", "webhook", provider.url)
    house.options(
        channels={
            name: {**options, "url": provider.url, "receipt_seconds": 30},
            other_name: {**TWILIO, "url": other.url, "receipt_seconds": 9000},
        },
        policies={
            "alarm": {
                "steps": [{"after": 0, "channels": [name, other_name]}],
                "valid_for": 9000,
            }
        },
    )
    await house.hass.async_block_till_done()
    await begin(provider, fault)

    await house.alert(hazard="smoke", audience=["landlord"])
    # Time stands still: whatever the one does, the other has it now.
    await house.until(lambda: len(other.heard) == 1)
    key, other_key = f"landlord-{name}", f"landlord-{other_name}"
    if fault in ("timeout", "slow"):
        await house.until(lambda: len(provider.heard) == 1)
        rows = await house.stored()
        assert rows[key].state == "sending"
        if fault == "timeout":
            await house.tick(11)
        else:
            await house.tick(8)
            await end(provider, fault)
    if fault == "no_connection":
        await attempted(house, key, 1)
    await house.settled()
    first = (await house.stored())[key]
    assert (await house.stored())[other_key].state == "sent"
    tried = len(provider.heard)

    # Robots in a channel that has a key are tried again as well: see Webhook.
    does = FAULTS[fault]
    if does is UNKNOWN and name == "webhook":
        does = AGAIN
    if (kind, fault) == ("webhook", "wrong_json"):
        # A server of one's own has taken it: what it says besides is its own affair.
        does = SENT
    if does is AGAIN:
        assert (first.state, first.attempts) == ("queued", 1)
        assert first.reason == REASONS[fault]
        pause = (first.due_at or 0) - time.time()
        assert pause <= (3 if fault == "rate_limit" else 1)
        # Its second try fails as well, and is longer away.
        await house.tick(4)
        if fault == "timeout":
            await house.until(lambda: len(provider.heard) == tried + 1)
            await house.tick(11)
        if fault == "no_connection":
            await attempted(house, key, 2)
        await house.settled()
        second = (await house.stored())[key]
        assert (second.state, second.attempts) == ("queued", 2)
        await end(provider, fault)
        await house.tick(6)
        await house.settled()
    last = (await house.stored())[key]
    wanted = {AGAIN: (3, None), UNKNOWN: (1, "unknown"), SENT: (1, None)}[does]
    assert last.state == "sent"
    assert last.attempts == wanted[0]
    if does is not AGAIN:
        assert last.reason == wanted[1]
        # Nobody is called twice for the same attempt.
        await house.tick(4)
        await house.settled()
        assert len(provider.heard) == 1
    assert len(other.heard) == 1


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
@pytest.mark.parametrize("fault", sorted(FAULTS.keys() - {"slow", "no_connection"}))
async def test_next_channel(house: House, add_provider: Add, fault: str) -> None:
    """In a turn the next channel begins: after three tries, or without a receipt in time."""
    provider, other = await add_provider(), await add_provider()
    house.options(
        channels={
            "sms": {**TWILIO, "url": provider.url, "receipt_seconds": 30},
            "call": {**TWILIO, "url": other.url},
        },
        policies={
            "warning": {
                "steps": [{"after": 0, "channels": ["sms", "call"], "in_turn": True}],
                "valid_for": 9000,
            }
        },
    )
    await house.hass.async_block_till_done()
    await begin(provider, fault)
    await house.alert(severity="warning", hazard="leakage", audience=["landlord"])
    await house.until(lambda: bool(house.engine.dispatcher.deliveries))
    if fault == "timeout":
        await house.until(lambda: len(provider.heard) == 1)
        await house.tick(11)
    for _ in range(8):
        await house.settled()
        assert len(other.heard) <= 1
        await house.tick(5)
    await house.settled()
    assert len(other.heard) == 1
    row = (await house.stored())["landlord-call"]
    assert row.state in ("sent", "received")
