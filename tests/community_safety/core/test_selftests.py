"""When and how a device was last tested is kept."""

from typing import Any

from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    MockUser,
    async_capture_events,
)

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from custom_components.community_safety.core.selftests import (
    COMMAND_SECONDS,
    SelfTest,
    SelfTests,
)
from custom_components.community_safety.diagnostics import (
    async_get_config_entry_diagnostics,
)
from homeassistant.const import EVENT_STATE_CHANGED
from homeassistant.core import Context, HomeAssistant
from homeassistant.helpers import entity_registry as er
from tests.common import BASE, Peer, wait_until

UID = f"mqtt/{BASE}/smoke-1"


@pytest.fixture
async def tests(hass: HomeAssistant, gateway: MockConfigEntry, peer: Peer) -> SelfTests:
    """Return the tests of a house with a sensor that can be tested."""
    await peer.config(
        "smoke-1", "smoke_sensor", ["smoke", "test"], commands=["self_test"]
    )
    await peer.state("smoke-1", smoke=False, test=False)
    peer.answer(
        f"{BASE}/smoke-1",
        lambda message: peer.publish(
            f"{BASE}/smoke-1/result", {"version": 1, "id": message["id"], "ok": True}
        ),
    )
    return hass.data[DATA_HOUSE].book.tests


def last(tests: SelfTests) -> SelfTest:
    """Return the last test of the sensor."""
    test = tests.last(UID)
    assert test
    return test


async def test_at_the_device(
    hass: HomeAssistant, tests: SelfTests, peer: Peer, gateway: MockConfigEntry
) -> None:
    """Somebody has pressed its button: what it found, and that it ended, is on disk."""
    assert tests.last(UID) is None
    await peer.state("smoke-1", test=True)
    assert last(tests).ended_at is None
    await peer.state("smoke-1", smoke=True, test=True)
    await peer.state("smoke-1", smoke=False, test=False)
    test = last(tests)
    assert (test.commanded, test.found) == (False, ["smoke"])
    assert test.ended_at
    storage = hass.data[DATA_HOUSE].storage
    await wait_until(hass, lambda: not storage.is_busy)
    again = SelfTests(storage)
    again.restore(
        {**await storage._async_run(storage._living, "tests"), "bad": {"found": []}}
    )
    assert again.last(UID) == test
    (alarm_id,) = test.alarms
    assert again.of_alarm(alarm_id) == test
    assert again.of_alarm("another") is None
    assert again.last("bad") is None
    event = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{UID}/alarm_event"
    )
    assert event
    state = hass.states.get(event)
    assert state
    assert state.attributes["event_type"] == "tested"
    assert state.attributes["last_test_began"] == "device"
    assert state.attributes["last_test_found"] == ["smoke"]
    told = await async_get_config_entry_diagnostics(hass, gateway)
    (row,) = [row for row in told["devices"] if row["last_test"]]
    assert row["last_test"]["found"] == ["smoke"]


async def test_quick_device(
    hass: HomeAssistant, tests: SelfTests, peer: Peer, hass_admin_user: MockUser
) -> None:
    """One that begins before it has answered does what it was asked for all the same."""

    def begin(message: dict[str, Any]) -> None:
        peer.publish(f"{BASE}/smoke-1/state", peer.state_message({"test": True}))
        peer.publish(
            f"{BASE}/smoke-1/result", {"version": 1, "id": message["id"], "ok": True}
        )

    peer.answer(f"{BASE}/smoke-1", begin)
    await hass.services.async_call(
        DOMAIN,
        "self_test",
        target={
            "entity_id": er.async_get(hass).async_get_entity_id(
                "button", DOMAIN, f"{UID}/self_test"
            )
        },
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert last(tests).commanded_by == hass_admin_user.id


@pytest.mark.parametrize("action", [("button", "press"), (DOMAIN, "self_test")])
async def test_by_command(
    hass: HomeAssistant,
    tests: SelfTests,
    peer: Peer,
    hass_admin_user: MockUser,
    action: tuple[str, str],
) -> None:
    """A person has begun it here; the command alone is no test."""
    button = er.async_get(hass).async_get_entity_id(
        "button", DOMAIN, f"{UID}/self_test"
    )
    await hass.services.async_call(
        *action,
        target={"entity_id": button},
        blocking=True,
        context=Context(user_id=hass_admin_user.id),
    )
    assert tests.last(UID) is None
    await peer.state("smoke-1", test=True)
    assert last(tests).commanded
    assert last(tests).commanded_by == hass_admin_user.id
    # It is told when it is over, once, and how it began: an automation may wait for that.
    event = er.async_get(hass).async_get_entity_id(
        "event", DOMAIN, f"{UID}/alarm_event"
    )
    assert event
    told = async_capture_events(hass, EVENT_STATE_CHANGED)
    for values in ({"smoke": False}, {"test": False}, {"test": False}):
        await peer.state("smoke-1", **values)
    (state,) = [row.data["new_state"] for row in told if row.data["entity_id"] == event]
    assert state.attributes["event_type"] == "tested"
    assert state.attributes["last_test_began"] == "command"
    assert state.attributes["last_test_found"] == []
    assert hass_admin_user.id not in str(state.attributes)


async def test_long_after_a_command(
    tests: SelfTests, peer: Peer, freezer: FrozenDateTimeFactory
) -> None:
    """A test that comes much later is not the one that was asked for."""
    tests.commanded(UID, "somebody")
    freezer.tick(COMMAND_SECONDS + 1)
    await peer.state("smoke-1", test=True)
    assert (last(tests).commanded, last(tests).commanded_by) == (False, None)


async def test_deleted(
    tests: SelfTests, peer: Peer, gateway: MockConfigEntry, hass: HomeAssistant
) -> None:
    """With its device a test is forgotten; a fire is none, and belongs to none."""
    await peer.state("smoke-1", test=True)
    await peer.state("smoke-1", test=False)
    await peer.state("smoke-1", smoke=True)
    assert last(tests).found == []
    hass.data[DATA_HOUSE].book.drop_device(UID)
    assert tests.last(UID) is None
