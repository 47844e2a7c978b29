"""The queue before a provider: who goes first in it, what is taken out, and who blocks it."""

import asyncio
from collections.abc import Awaitable, Callable
import threading
from typing import Any, override

import pytest

from custom_components.rental_units.alerts.channels.base import THREADS
from custom_components.rental_units.alerts.const import FAILING_AFTER
from custom_components.rental_units.const import DOMAIN
from custom_components.rental_units.register.models import ContactAddress, Lease, Person
from homeassistant.components.notify import (
    NOTIFY_SERVICE_SCHEMA,
    BaseNotificationService,
)
from homeassistant.helpers import issue_registry as ir

from .conftest import NUMBERS, TWILIO, House
from .providers import Provider
from .test_campaigns import OFFICE, ONE_STEP, add_office, numbers

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

type Add = Callable[..., Awaitable[Provider]]


async def move_in(house: House, count: int, channel: str, target: str) -> None:
    """Let so many more tenants live in 201; the target has a place for a number."""

    def fill(session: Any) -> None:
        for number in range(count):
            key = f"more-{number}"
            session.add(Person(id=key, name=f"Placeholder {key}", language="en"))
            session.flush()
            session.add(
                ContactAddress(
                    id=f"{key}-{channel}",
                    person_id=key,
                    channel=channel,
                    target=target.format(number),
                )
            )
            lease = Lease(unit_id=house.units["201"], person_id=key, role="tenant")
            session.add(lease)

    await house.entry.runtime_data.async_run(fill)
    await house.entry.runtime_data.phonebook.async_learn()


def narrow(house: House, provider: Provider) -> None:
    """Let the provider of SMS take two alarms at a time, however slowly, and no more."""
    own = {**TWILIO, "url": provider.url, "concurrency": 1, "timeout": 900}
    house.options(channels={"sms": own})


def issue(house: House) -> Any:
    """Return the repair of the provider of SMS."""
    key = f"provider_failing_{house.entry.entry_id}_sms"
    return ir.async_get(house.hass).async_get_issue(DOMAIN, key)


async def test_who_responds_is_first(house: House, sms: Provider) -> None:
    """Fifty tenants do not stand before the two who come to their help."""
    await move_in(house, 50, "sms", "+120255502{:02}")
    await add_office(house)
    narrow(house, sms)
    await house.alert(hazard="smoke")
    await house.settled()
    assert len(sms.heard) == len(NUMBERS) + 51
    first = {item["form"]["To"] for item in sms.heard[:2]}
    assert first == {NUMBERS["fire-post"], OFFICE}


async def test_a_drill_waits(house: House, sms: Provider) -> None:
    """What is real goes before all that a drill has queued."""
    await move_in(house, 50, "sms", "+120255502{:02}")
    narrow(house, sms)
    sms.hold = asyncio.Event()
    await house.alert(hazard="smoke", drill=True, audience=["tenants"])
    await house.until(lambda: len(sms.heard) == 2)
    real = {"hazard": "heat", "unit_id": [house.units["202"]]}
    await house.alert(**real, audience=["tenants"])
    await house.until(lambda: len(house.engine.dispatcher.deliveries) == 53)
    sms.hold.set()
    await house.settled()
    assert len(sms.heard) == 53
    assert sms.heard[2]["form"]["To"] == NUMBERS["neighbour"]


async def test_calls_are_taken_back(house: House, call: Provider) -> None:
    """What is over rings nowhere any more, of what the carrier has not begun."""
    house.options(policies={"alarm": {"steps": [{"after": 0, "channels": ["call"]}]}})
    alert_id = await house.alert(hazard="smoke")
    await house.settled()
    alert = house.engine.alerts[alert_id]
    taken, *_ = house.engine.dispatcher.of(alert)
    house.engine.dispatcher.picked_up(taken, is_over=False)
    call.heard.clear()
    house.engine.cancel(alert, who=None)
    await house.hass.async_block_till_done(wait_background_tasks=True)
    assert [item["form"] for item in call.heard] == [{"Status": "canceled"}] * 4
    assert call.heard[0]["path"].endswith("/Calls/SM1.json")


async def test_one_message_after_an_outage(house: House, sms: Provider) -> None:
    """Each round takes the place of what still waits: nobody gets five at once."""
    step = {"after": 0, "channels": ["sms"], "repeat": 4, "every": 60}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    sms.status = 500
    await house.alert(hazard="smoke")
    for _ in range(27):
        await house.settled()
        await house.tick(10)
    await house.settled()
    sms.status = 200
    sms.heard.clear()
    for _ in range(6):
        await house.tick(10)
        await house.settled()
    assert numbers(sms) == sorted(NUMBERS.values())
    rows = house.engine.dispatcher.deliveries.values()
    ended = [row for row in rows if row.reason == "superseded"]
    assert {row.state for row in ended} == {"expired"}
    assert len(ended) == 4 * len(NUMBERS)


async def test_the_next_round_jumps_no_queue(house: House, sms: Provider) -> None:
    """Who has heard nothing yet goes before those who would hear it twice."""
    step = {"after": 0, "channels": ["sms"], "repeat": 1, "every": 60}
    house.options(policies={"alarm": {"steps": [step], "valid_for": 3600}})
    narrow(house, sms)
    sms.hold = asyncio.Event()
    await house.alert(hazard="smoke", audience=["tenants", "landlord", "neighbours"])
    await house.until(lambda: len(sms.heard) == 2)
    await house.tick(61)
    await house.until(lambda: len(house.engine.dispatcher.deliveries) == 8)
    sms.hold.set()
    await house.settled()
    told = [item["form"]["To"] for item in sms.heard]
    assert len(told) == 6
    assert len(set(told[:4])) == 4


async def test_a_round_in_vain_is_followed(
    house: House, sms: Provider, call: Provider
) -> None:
    """A round that takes the place of one that failed does not begin the wait anew."""
    step = {"after": 0, "channels": ["sms", "call"], "in_turn": True}
    steps = [{**step, "repeat": 2, "every": 50}]
    house.options(policies={"alarm": {"steps": steps, "valid_for": 3600}})
    sms.status = 401
    await house.alert(hazard="smoke", audience=["landlord"])
    for _ in range(4):
        await house.settled()
        assert call.heard == []
        await house.tick(13)
    await house.settled()
    assert numbers(call) == [NUMBERS["landlord"]]


@pytest.mark.parametrize("code", [21408, 21612, 21211])
async def test_a_provider_that_refuses_everybody(
    house: House, sms: Provider, code: int
) -> None:
    """It fails, whatever it says that each of them has; one success ends that."""
    house.options(policies={"alarm": ONE_STEP})
    sms.status, sms.answer = 400, {"code": code}
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert issue(house) is None
    assert len(NUMBERS) == FAILING_AFTER
    await house.alert(hazard="heat", alarm_id="a2", incident_id="i2")
    await house.settled()
    assert issue(house)
    sms.status, sms.answer = 201, {"sid": "SM1", "status": "queued"}
    await house.alert(hazard="smoke", incident_id="i3", audience=["landlord"])
    await house.tick(1)
    await house.settled()
    assert issue(house) is None


class Blocking(BaseNotificationService):
    """A notify action of the old kind, of a server that does not answer."""

    def __init__(self) -> None:
        """Initialize."""
        self.gate = threading.Event()
        self.blocked = 0

    @override
    def send_message(self, message: str = "", **kwargs: Any) -> None:
        """Block a thread."""
        self.blocked += 1
        self.gate.wait()


@pytest.mark.parametrize("channel", ["email", "notify"])
async def test_a_dead_mail_server_leaves_threads(
    house: House, add_provider: Add, channel: str
) -> None:
    """It holds some threads of Home Assistant's, for as long as it takes, and no more."""
    server, post = Blocking(), await add_provider({})
    hass = house.hass
    await server.async_setup(hass, "dead", "dead")
    for number in range(100):
        # A person's own is an action of its own.
        hass.services.async_register(
            "notify",
            f"dead_{number}",
            server._async_notify_message_service,
            NOTIFY_SERVICE_SCHEMA,
        )
    to = "more-{}@example.com" if channel == "email" else "notify.dead_{}"
    await move_in(house, 100, channel, to)
    await house.put_address("landlord", "webhook", post.url)
    own = {"provider": "notify", "action": "notify.dead_0"}
    house.options(
        channels={"email": own}, policies={"alarm": {"steps": [{"after": 0}]}}
    )
    try:
        await house.alert(hazard="smoke", audience=["tenants", "landlord"])
        await house.until(lambda: len(post.heard) == 1)
        await house.until(lambda: server.blocked > 0)
        for _ in range(4):
            async with asyncio.timeout(1):
                await hass.async_add_executor_job(int)
            # Ours is the shorter patience: the thread is blocked all the same.
            await house.tick(11)
        assert 0 < server.blocked <= THREADS
    finally:
        server.gate.set()
        await hass.async_block_till_done(wait_background_tasks=True)
