"""What a device reports over HTTPS, with its key, and what is refused and counted."""

from collections.abc import Callable, Coroutine
from http import HTTPStatus
import itertools
import json
import time
from typing import Any

from aiohttp.test_utils import TestClient
import pytest
from pytest_homeassistant_custom_component.common import MockConfigEntry
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.keys import hash_of
from custom_components.community_safety.gateways.messages import (
    ITSELF,
    MOST_BYTES,
    UNKNOWN,
)
from homeassistant.core import HomeAssistant
from homeassistant.setup import async_setup_component

WEBHOOK_ID = "a-long-secret"
KEY, OTHER_KEY = "key-of-the-tank", "key-of-the-smoke"
NUMBERS = itertools.count(1)

type Post = Callable[..., Coroutine[Any, Any, tuple[int, dict[str, Any]]]]


def subentry(title: str, key: str) -> dict[str, Any]:
    """Return the subentry of a device."""
    return {
        "data": {"key_hash": hash_of(key)},
        "subentry_type": "webhook",
        "title": title,
        "unique_id": None,
    }


@pytest.fixture
async def entry(hass: HomeAssistant) -> MockConfigEntry:
    """Return a webhook with two devices that have not said anything."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Webhook",
        data={"dialect": "webhook", "webhook_id": WEBHOOK_ID, "local_only": False},
        subentries_data=[subentry("Tank", KEY), subentry("Smoke", OTHER_KEY)],
    )
    entry.add_to_hass(hass)
    # Before the server has begun: it takes no addresses afterwards.
    assert await async_setup_component(hass, "diagnostics", {})
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    return entry


@pytest.fixture
async def client(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    hass_client_no_auth: ClientSessionGenerator,
) -> TestClient[Any, Any]:
    """Return a client that is logged in nowhere."""
    return await hass_client_no_auth()


@pytest.fixture
def post(client: TestClient[Any, Any]) -> Post:
    """Return what posts messages with a key."""

    async def post(
        messages: object, key: str | None = KEY, **more: Any
    ) -> tuple[int, dict[str, Any]]:
        body = messages if isinstance(messages, bytes) else json.dumps(messages)
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        response = await client.post(
            f"/api/webhook/{WEBHOOK_ID}", data=body, headers=headers | more
        )
        return response.status, await response.json()

    return post


def head() -> dict[str, Any]:
    """Return what every message begins with."""
    return {"version": 1, "id": f"m{next(NUMBERS)}", "time": time.time()}


def config(**more: Any) -> dict[str, Any]:
    """Return what a tank says of itself."""
    return {
        "config": {
            **head(),
            "kind": "water_tank",
            "name": "Roof tank",
            "readings": ["level", "battery"],
            **more,
        }
    }


def state(**values: Any) -> dict[str, Any]:
    """Return readings."""
    return {"state": {**head(), "values": values}}


def only_device(entry: MockConfigEntry) -> SafetyDevice:
    """Return the only device that has said what it is."""
    (device,) = entry.runtime_data.devices.values()
    assert isinstance(device, SafetyDevice)
    return device


def hazards(entry: MockConfigEntry) -> list[str]:
    """Return the hazards of the open alarms."""
    return [row.hazard for row in entry.runtime_data.house.book.open.values()]


async def test_reports(entry: MockConfigEntry, post: Post) -> None:
    """A device says what it is and how it is, in one request or several."""
    assert await post({**config(), **state(level=80, battery=90)}) == (
        200,
        {"ok": True},
    )
    device = only_device(entry)
    assert device.kind.key == "water_tank"
    assert device.description.name == "Roof tank"
    assert device.fresh_reading("level") == 80
    assert await post(state(level=10)) == (200, {"ok": True})
    assert "low_level" in hazards(entry)
    assert (await post({"availability": {"version": 1, "online": False}}))[0] == 200
    assert not device.available


async def test_each_device_speaks_for_itself(
    entry: MockConfigEntry, post: Post
) -> None:
    """Who has the key of one is that one, and no other."""
    await post(config())
    await post(config(kind="smoke_sensor", name="Smoke", readings=["smoke"]), OTHER_KEY)
    tank, smoke = entry.runtime_data.devices.values()
    await post(state(level=60, smoke=True))
    assert "smoke" not in smoke.readings
    assert tank.readings["level"] == 60
    await post(state(smoke=True), OTHER_KEY)
    assert hazards(entry) == ["smoke"]


@pytest.mark.parametrize("key", [None, "wrong", KEY + "x", hash_of(KEY)])
async def test_a_wrong_key(entry: MockConfigEntry, post: Post, key: str | None) -> None:
    """It changes nothing, and is counted. The hash that we keep is no key either."""
    await post(config())
    status, answer = await post(state(level=10), key)
    assert (status, answer["ok"]) == (HTTPStatus.UNAUTHORIZED, False)
    assert "level" not in only_device(entry).readings
    assert entry.runtime_data.refused == {(UNKNOWN, "wrong key"): 1}


async def test_a_key_without_its_scheme(entry: MockConfigEntry, post: Post) -> None:
    """Only a bearer has a key."""
    status, _answer = await post(state(level=10), None, Authorization=KEY)
    assert status == HTTPStatus.UNAUTHORIZED


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"nonsense", "not JSON"),
        ([], "body: none of config, availability, state"),
        ({"result": {}}, "body: none of config, availability, state"),
        ({"state": {}}, "state: message is not valid"),
        ({"state": {**head(), "values": 5}}, "state: values is not valid"),
        ({"config": 5}, "config: message is not valid"),
        (
            config(kind="elevator_blocker", readings=["class_seen"]),
            "config: this kind needs commands",
        ),
        (
            config(kind="breaker_monitor", readings=["supply"]),
            "config: no reading of this kind of device",
        ),
    ],
)
async def test_what_is_not_understood(
    entry: MockConfigEntry, post: Post, body: object, reason: str
) -> None:
    """The device is told why, and it is counted."""
    assert await post(body) == (400, {"ok": False, "reason": reason})
    assert entry.runtime_data.refused == {(ITSELF, reason): 1}
    assert entry.runtime_data.devices == {}


async def test_counted_by_device(entry: MockConfigEntry, post: Post) -> None:
    """Of a device that is known, it is that device's."""
    await post(config())
    await post(b"nonsense")
    device = only_device(entry)
    assert entry.runtime_data.refused == {(device.description.id, "not JSON"): 1}


@pytest.mark.parametrize(
    ("size", "status"),
    [(MOST_BYTES, 400), (MOST_BYTES + 1, 413), (2 * MOST_BYTES, 413)],
)
async def test_size(entry: MockConfigEntry, post: Post, size: int, status: int) -> None:
    """No more is read than can be a message."""
    assert (await post(b"x" * size))[0] == status


async def test_nothing_is_commanded(entry: MockConfigEntry, post: Post) -> None:
    """A breaker is a meter here: nobody believes that it could be cut."""
    await post(
        config(
            kind="breaker_monitor",
            readings=["supply", "current"],
            commands=["self_test"],
        )
    )
    device = only_device(entry)
    assert device.supplies == ()
    assert device.commands == []
    await entry.runtime_data.async_refresh(device, ["current"])
    with pytest.raises(CommandError):
        await entry.runtime_data.async_set(device, "supply", False)


async def test_a_request_that_is_sent_again(entry: MockConfigEntry, post: Post) -> None:
    """Its answer was lost: once is enough."""
    await post(config())
    message = state(level=50)
    for _ in range(2):
        assert await post(message) == (200, {"ok": True})
    assert entry.runtime_data.discarded == {"repeated": 1}


async def test_before_it_has_said_what_it_is(
    entry: MockConfigEntry, post: Post
) -> None:
    """Its reading waits, and is history by then."""
    await post(state(level=10))
    assert entry.runtime_data.devices == {}
    await post(config())
    device = only_device(entry)
    assert device.readings["level"] == 10
    assert device.fresh_reading("level") is None


async def test_removed(hass: HomeAssistant, entry: MockConfigEntry, post: Post) -> None:
    """With its subentry goes its key, and the device if it has no open alarm."""
    await post(config())
    device = only_device(entry)
    hass.config_entries.async_remove_subentry(entry, device.description.id)
    await hass.async_block_till_done()
    assert entry.runtime_data.devices == {}
    assert (await post(state(level=10)))[0] == HTTPStatus.UNAUTHORIZED


async def test_after_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, post: Post
) -> None:
    """It is known, and has not to say again what it is."""
    await post(config())
    assert await hass.config_entries.async_reload(entry.entry_id)
    assert await post(state(level=50)) == (200, {"ok": True})
    assert only_device(entry).fresh_reading("level") == 50


async def test_unloaded(
    hass: HomeAssistant, entry: MockConfigEntry, client: TestClient[Any, Any]
) -> None:
    """Home Assistant answers for a webhook that nobody has, and nothing is said of it."""
    assert await hass.config_entries.async_unload(entry.entry_id)
    response = await client.post(f"/api/webhook/{WEBHOOK_ID}")
    assert (response.status, await response.read()) == (200, b"")


async def test_not_ours(entry: MockConfigEntry, client: TestClient[Any, Any]) -> None:
    """It is posted, and nothing else."""
    response = await client.get(f"/api/webhook/{WEBHOOK_ID}")
    assert response.status == HTTPStatus.METHOD_NOT_ALLOWED


async def test_diagnostics(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    post: Post,
    hass_client: ClientSessionGenerator,
) -> None:
    """No key and no address is in them."""
    await post(config())
    await post(state(level=10), "wrong")
    found: Any = await get_diagnostics_for_config_entry(hass, hass_client, entry)
    assert found["entry"]["data"] == {
        "dialect": "webhook",
        "webhook_id": "**REDACTED**",
        "local_only": False,
    }
    assert found["refused"] == [
        {"device": "an unknown device", "reason": "wrong key", "count": 1}
    ]
    for secret in (WEBHOOK_ID, KEY, hash_of(KEY)):
        assert secret not in str(found)
