"""One channel after another: whatever has become of the one before."""

import pytest

from .conftest import House
from .providers import Provider

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)

STEPS = [{"after": 0, "channels": ["sms", "call"], "in_turn": True}]


async def test_one_that_is_too_late_is_followed(
    house: House, sms: Provider, call: Provider
) -> None:
    """A message that waited until it was worth nothing any more told nobody: the call does."""
    policy = {"steps": STEPS, "valid_for": 86_400}
    house.options(policies={"warning": policy})
    sms.status, sms.headers = 429, {"Retry-After": "3000"}
    await house.alert(severity="warning", hazard="overflow", audience=["landlord"])
    await house.settled()
    assert (len(sms.heard), len(call.heard)) == (1, 0)
    # Home Assistant was off meanwhile.
    house.freezer.tick(3700)
    await house.restart()
    await house.tick(1)
    await house.settled()
    stored = await house.stored()
    assert stored["landlord-sms"].reason == "too_late"
    assert (len(sms.heard), len(call.heard)) == (1, 1)


async def test_nothing_follows_what_was_cancelled(
    house: House, sms: Provider, call: Provider
) -> None:
    """Who is not to be told any more is not told over the next channel either."""
    house.options(policies={"warning": {"steps": STEPS, "valid_for": 86_400}})
    sms.status, sms.headers = 429, {"Retry-After": "3000"}
    alert = await house.alert(
        severity="warning", hazard="overflow", audience=["landlord"]
    )
    await house.settled()
    house.engine.cancel(house.engine.alerts[alert], who=None)
    await house.settled()
    told = len(sms.heard)
    await house.tick(3700)
    await house.settled()
    assert (len(sms.heard) - told, len(call.heard)) == (0, 0)


async def test_a_wait_that_is_no_number(house: House, sms: Provider) -> None:
    """What a provider says of when to come back is believed as far as it can be read."""
    sms.status = 429
    for header in ("\u00b2", "9" * 400, "soon", "-1", "Fri, 31 Dec 9999 23:59:59 GMT"):
        sms.headers = {"Retry-After": header}
        alert = await house.alert(severity="warning", audience=["landlord"])
        await house.settled()
        row = (await house.stored())["landlord-sms"]
        assert row.reason == "rate_limit", header
        house.engine.cancel(house.engine.alerts[alert], who=None)
        await house.settled()
