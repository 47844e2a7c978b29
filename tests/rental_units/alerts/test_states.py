"""What an earlier run has left, the queue before a provider, and what is kept."""

from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import patch

import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from sqlalchemy import func, select, update

from custom_components.rental_units.alerts.channels.base import NotSentError
from custom_components.rental_units.alerts.const import Severity
from custom_components.rental_units.alerts.engine import KEEP_SECONDS
from custom_components.rental_units.alerts.lanes import FAILING_PER_SECOND, Lane
from custom_components.rental_units.alerts.models import Alert, Delivery, Entry
from custom_components.rental_units.alerts.policies import Policy
from custom_components.rental_units.const import DOMAIN
from homeassistant.exceptions import ServiceValidationError
from homeassistant.helpers import area_registry as ar

from .conftest import House
from .providers import Provider
from .test_channels import message


def delivery(name: str, created_at: float) -> Delivery:
    """Return a delivery that waits."""
    return Delivery(id=name, created_at=created_at)


def test_lane() -> None:
    """Lives first; the limit holds back the others; a failing provider is asked slowly."""
    now = 0.0
    lane = Lane(2, 1.0, lambda: now)
    for name, severity in (
        ("fault", Severity.FAULT),
        ("warning", Severity.WARNING),
        ("alarm-2", Severity.ALARM),
        ("alarm-1", Severity.ALARM),
    ):
        lane.push(delivery(name, 1.0 if name == "alarm-1" else 2.0), severity)

    def pop() -> str | None:
        found = lane.pop()
        return found.id if found else None

    assert [pop(), pop(), pop()] == ["alarm-1", "alarm-2", None]
    lane.active = 0
    assert pop() is None
    assert lane.due_at is not None
    now = lane.due_at
    assert pop() == "warning"
    lane.failures = 9
    now += 60
    lane.active = 0
    assert pop() == "fault"
    assert lane.is_failing
    lane.active = 4
    lane.push(delivery("alarm-3", 3.0), Severity.ALARM)
    assert pop() is None
    lane.active = 0
    for _ in range(int(FAILING_PER_SECOND) + 2):
        lane.push(delivery("more", 4.0), Severity.ALARM)
        pop()
    assert pop() is None


def test_order_of_steps() -> None:
    """Each round of each step once, in the order of their times; of one time, of the steps."""
    step = {"channels": ["sms"], "audience": []}
    policy = Policy.from_dict(
        {
            "steps": [
                {**step, "after": 60, "repeat": 1, "every": 30},
                {**step, "after": 0, "repeat": 2, "every": 60},
            ],
            "each_unit": False,
            "valid_for": 600,
        }
    )
    walked = []
    place: tuple[int, int] | None = (0, 0)
    while place:
        walked.append((policy.at(*place), *place))
        place = policy.following(*place)
    assert walked == [(0, 0, 0), (60, 0, 1), (60, 1, 0), (90, 1, 1), (120, 0, 2)]


async def test_found_in_sending(
    house: House,
    sms: Provider,
    call: Provider,
    add_provider: Callable[..., Awaitable[Provider]],
) -> None:
    """With a key it is sent again; without one it counts as sent, and nobody is called twice."""
    posts = await add_provider({})
    await house.put_address("landlord", "webhook", posts.url)
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()

    await house.engine.ledger.async_flush()
    await house.entry.runtime_data.async_run(
        lambda session: session.execute(update(Delivery).values(state="sending"))
    )
    await house.restart()
    await house.settled()
    assert (len(sms.heard), len(call.heard), len(posts.heard)) == (1, 1, 2)
    keys = {item["headers"]["Idempotency-Key"] for item in posts.heard}
    assert len(keys) == 1
    rows = await house.stored()
    assert rows["landlord-call"].reason == rows["landlord-sms"].reason == "unknown"
    assert rows["landlord-webhook"].state == "sent"


async def test_waits_over_a_restart(house: House, sms: Provider) -> None:
    """A try that was to come later comes later; a channel that is gone keeps what waits."""
    await sms.stop()
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    await house.restart()
    await sms.start()
    await house.tick(2)
    await house.settled()
    assert len(sms.heard) == 1
    channels = house.entry.options["channels"]
    house.options(channels={**channels, "webhook": {"secret": "placeholder"}})
    await house.hass.async_block_till_done()
    assert len(sms.heard) == 1


async def test_in_turn_while_a_provider_is_down(
    house: House, sms: Provider, call: Provider
) -> None:
    """After three tries in vain the next channel begins."""
    sms.status = 500
    house.options(
        policies={
            "warning": {
                "steps": [{"after": 5, "channels": ["sms", "call"], "in_turn": True}],
                "valid_for": 3600,
            }
        }
    )
    await house.alert(severity="warning", hazard="tripped", audience=["landlord"])
    await house.tick(6)
    for _ in range(4):
        await house.settled()
        await house.tick(6)
    await house.settled()
    assert len(call.heard) == 1


async def test_channel_that_breaks(house: House, sms: Provider) -> None:
    """An error that nobody has foreseen is no end of the engine."""
    channel = house.engine.dispatcher.channels["sms"]
    channel.options = {}
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert (await house.stored())["landlord-sms"].reason == "unknown"


async def test_kept_for_a_year(house: House, sms: Provider) -> None:
    """Closed alerts are dropped with their rows, and no sooner than after a year."""
    alert_id = await house.alert(hazard="smoke")
    await house.settled()
    house.engine.cancel(house.engine.alerts[alert_id], who=None)
    await house.engine.ledger.async_flush()

    def count(session: Any) -> list[int]:
        return [
            session.scalar(select(func.count()).select_from(table))
            for table in (Alert, Delivery, Entry)
        ]

    await house.engine.async_purge()
    assert all(await house.entry.runtime_data.async_run(count))
    house.freezer.tick(KEEP_SECONDS + 60)
    await house.engine.async_purge()
    assert await house.entry.runtime_data.async_run(count) == [0, 0, 0]


async def test_no_address_of_ours(house: House, sms: Provider) -> None:
    """Without an address of Home Assistant people are told, without a link."""
    house.hass.config.external_url = None
    house.hass.config.internal_url = None
    house.hass.config.api = None
    await house.alert(hazard="smoke", audience=["landlord"])
    await house.settled()
    assert "StatusCallback" not in sms.heard[0]["form"]
    assert "/api/r/" not in sms.heard[0]["form"]["Body"]
    assert house.engine.links.report_url() == ""


async def test_missing_parts(house: House) -> None:
    """A phone or a script that is not there is tried again later."""
    channels = house.engine.dispatcher.channels
    for name, to in (
        ("notify", "script.nobody"),
        ("push", "mobile_app_nobody"),
        ("push", "person.nobody"),
    ):
        with pytest.raises(NotSentError):
            await channels[name].async_send(message(to))


async def test_policy_of_one_property_only(
    house: House, database: dict[str, Any]
) -> None:
    """A policy that another property of the target does not have changes nothing anywhere."""
    other = MockConfigEntry(domain=DOMAIN, title="Property 2", data=database)
    other.add_to_hass(house.hass)
    assert await house.hass.config_entries.async_setup(other.entry_id)
    house.options(policies={"own": {"steps": [{"after": 0}]}})
    shed = ar.async_get(house.hass).async_get_or_create("Shed").id
    with pytest.raises(ServiceValidationError, match="no policy"):
        await house.alert(area_id=shed, policy="own")
    assert house.engine.alerts == {}
    assert house.kinds() == []


@pytest.mark.parametrize(
    "where",
    [
        "custom_components.rental_units.alerts.escalation.plan",
        "custom_components.rental_units.alerts.texts.body",
    ],
)
async def test_something_breaks(
    house: House,
    sms: Provider,
    caplog: pytest.LogCaptureFixture,
    where: str,
) -> None:
    """An error that nobody has foreseen, before anything is sent, is tried again."""
    with patch(where, side_effect=LookupError("Placeholder landlord")):
        await house.alert(hazard="smoke", audience=["landlord"])
        await house.until(lambda: "LookupError" in caplog.text)
        await house.settled()
    await house.tick(11)
    await house.settled()
    assert len(sms.heard) == 1
    assert "LookupError" in caplog.text
    assert "Placeholder landlord" not in caplog.text


async def test_rate_limit(house: House, sms: Provider) -> None:
    """So many a second, one after another; an alarm waits for none of it."""
    channels = house.entry.options["channels"]
    house.options(
        channels={"sms": {**channels["sms"], "per_second": 1}},
        policies={"warning": {"steps": [{"after": 0, "channels": ["sms"]}]}},
    )
    await house.alert(severity="warning", audience=["tenants", "landlord"])
    await house.until(lambda: len(sms.heard) == 1)
    for sent in (2, 3):
        await house.tick(1)
        await house.until(lambda sent=sent: len(sms.heard) == sent)
    await house.settled()
    await house.alert(hazard="smoke")
    await house.until(lambda: len(sms.heard) == 8)
