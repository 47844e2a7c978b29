"""What a device reports over HTTPS, with its key, and what is refused and counted."""

from collections.abc import Callable, Coroutine
from contextlib import closing
from datetime import timedelta
from http import HTTPStatus
import itertools
import json
import logging
from pathlib import Path
import re
import shlex
import sqlite3
import time
from typing import Any

from aiohttp.test_utils import TestClient
from freezegun.api import FrozenDateTimeFactory
import pytest
from pytest_homeassistant_custom_component.common import (
    MockConfigEntry,
    async_fire_time_changed,
)
from pytest_homeassistant_custom_component.components.diagnostics import (
    get_diagnostics_for_config_entry,
)
from pytest_homeassistant_custom_component.typing import ClientSessionGenerator
from yarl import URL

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core import storage
from custom_components.community_safety.core.device import SafetyDevice
from custom_components.community_safety.gateways.base import CommandError
from custom_components.community_safety.gateways.keys import hash_of
from custom_components.community_safety.gateways.messages import (
    ITSELF,
    MOST_BYTES,
    UNKNOWN,
)
from homeassistant.components.webhook import async_handle_webhook
from homeassistant.core import HomeAssistant
from homeassistant.helpers import issue_registry as ir
from homeassistant.setup import async_setup_component
from homeassistant.util.aiohttp import MockRequest
from tests.common import wait_until

ROOT = Path(__file__).parents[4]
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


def state(at: float | None = None, /, **values: Any) -> dict[str, Any]:
    """Return readings, of now or another time."""
    more = {} if at is None else {"time": at}
    return {"state": {**head(), **more, "values": values}}


@pytest.mark.parametrize("page", ["docs/protocol.md", "docs/zh-Hans/protocol.md"])
async def test_as_documented(
    hass: HomeAssistant, client: TestClient[Any, Any], page: str
) -> None:
    """The command that the documentation tells to type is taken, and makes the device."""
    text = (ROOT / page).read_text("utf-8")
    (command,) = re.findall(r"(?ms)^    curl .*?}'$", text)
    curl, url, option, header, data, body = shlex.split(command)
    assert (curl, option, data) == ("curl", "-H", "-d")
    name, _, value = header.partition(": ")
    path = URL(url.replace("…", WEBHOOK_ID)).path
    response = await client.post(
        path, data=body, headers={name: value.replace("KEY", KEY)}
    )
    assert (response.status, await response.json()) == (HTTPStatus.OK, {"ok": True})
    await hass.async_block_till_done()
    named = {state.name: state.state for state in hass.states.async_all("sensor")}
    assert "78.5" in named.values()


def shown(caplog: pytest.LogCaptureFixture, secret: str) -> list[str]:
    """Return the lines that a person finds in the log with a secret in them."""
    return [
        text
        for row in caplog.records
        if row.levelno >= logging.WARNING
        and secret in (text := f"{row.getMessage()} {row.exc_text}")
    ]


def never_heard(hass: HomeAssistant) -> set[str]:
    """Return the devices of which people are told that nobody knows what they are."""
    return {
        (issue.translation_placeholders or {})["device"]
        for issue in ir.async_get(hass).issues.values()
        if issue.translation_key == "webhook_never_heard"
    }


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
    hass: HomeAssistant, entry: MockConfigEntry, post: Post
) -> None:
    """It is told so, and people are; its reading waits, and is history by then."""
    assert never_heard(hass) == {"Tank", "Smoke"}
    message = state(level=10)
    assert await post(message) == (409, {"ok": False, "reason": "config needed"})
    assert entry.runtime_data.devices == {}
    await post(config())
    device = only_device(entry)
    assert device.readings["level"] == 10
    assert device.fresh_reading("level") is None
    assert never_heard(hass) == {"Smoke"}
    # It sends again what was not taken, and that is news.
    assert await post(message) == (200, {"ok": True})
    assert device.fresh_reading("level") == 10


async def test_a_fire_of_a_device_that_was_lost(
    hass: HomeAssistant, entry: MockConfigEntry, post: Post
) -> None:
    """Our file of devices could only be read later: what was said meanwhile is raised."""
    await post(config(kind="smoke_sensor", name="Smoke", readings=["smoke"]), OTHER_KEY)
    gateway = entry.runtime_data
    device = only_device(entry)
    # As at a start that could not read them.
    del gateway.devices[device.description.id]
    gateway.house.detach(device)
    await gateway.async_follow()
    assert never_heard(hass) == {"Tank", "Smoke"}
    assert (await post(state(smoke=True), OTHER_KEY))[0] == HTTPStatus.CONFLICT
    assert hazards(entry) == []
    gateway._found()
    assert hazards(entry) == ["smoke"]
    assert never_heard(hass) == {"Tank"}


async def test_a_fire_before_it_has_said_what_it_is(
    entry: MockConfigEntry, post: Post
) -> None:
    """What a state leaves out is unchanged: the next one takes no fire away."""
    for message in (state(smoke=True), state(battery=90)):
        assert (await post(message, OTHER_KEY))[0] == HTTPStatus.CONFLICT
    kind = config(kind="smoke_sensor", readings=["smoke", "battery"])
    await post(kind, OTHER_KEY)
    assert hazards(entry) == ["smoke"]
    assert only_device(entry).readings["battery"] == 90


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b'{"state": {"values": {"smoke": tr', {"sensor_fault"}),
        ({"state": {**head(), "time": "now", "values": 1}}, {"sensor_fault"}),
        (state(1_795_480_012_400, smoke=True), {"sensor_fault", "smoke"}),
        (state(smoke=True, battery=None), {"sensor_fault", "smoke"}),
    ],
)
async def test_what_is_refused_may_be_a_fire(
    entry: MockConfigEntry, post: Post, body: object, found: set[str]
) -> None:
    """The device is told why, and people see that it is not understood."""
    await post(config(kind="smoke_sensor", readings=["smoke", "battery"]))
    await post(state(smoke=False))
    await post(body)
    assert set(hazards(entry)) == found
    await post(state(smoke=False, battery=90))
    assert not [
        row for row in entry.runtime_data.house.book.open.values() if row.present
    ]


async def test_a_row_that_is_removed_is_missed_no_more(
    hass: HomeAssistant, entry: MockConfigEntry, post: Post
) -> None:
    """Who was never heard and is not wanted any more is no trouble."""
    await post(state(smoke=True), OTHER_KEY)
    rows = {row.title: row.subentry_id for row in entry.subentries.values()}
    hass.config_entries.async_remove_subentry(entry, rows["Smoke"])
    await hass.async_block_till_done()
    assert never_heard(hass) == {"Tank"}
    assert entry.runtime_data._early == {}


async def test_each_message_of_a_body_counts(
    entry: MockConfigEntry, post: Post
) -> None:
    """A bad config does not keep a fire."""
    await post(config(kind="smoke_sensor", readings=["smoke"]))
    status, _answer = await post({"config": 5, **state(smoke=True)})
    assert status == HTTPStatus.BAD_REQUEST
    assert hazards(entry) == ["smoke"]


async def test_what_was_kept_without_a_connection(
    entry: MockConfigEntry, post: Post, freezer: FrozenDateTimeFactory
) -> None:
    """It says how things were before the fire: that ends nothing, and makes it no other."""
    now = time.time()
    kind = {"kind": "smoke_sensor", "readings": ["smoke", "temperature"]}
    await post(config(time=now - 7200, **kind))
    await post(config(time=now - 10, **{**kind, "readings": ["smoke"]}))
    await post(state(now, smoke=True))
    device = only_device(entry)
    for minutes in range(100, 40, -1):
        freezer.tick(1)
        body = config(time=now - 60 * minutes, **kind)
        answer = await post({**body, **state(now - 60 * minutes, smoke=False)})
        assert answer == (200, {"ok": True})
    assert device.monitor.severity("smoke") == "alarm"
    assert set(device.layout.reportable) == {"smoke"}
    await post(state(time.time(), smoke=False))
    assert device.monitor.severity("smoke") is None


async def test_an_old_config_after_a_restart(
    hass: HomeAssistant, entry: MockConfigEntry, post: Post
) -> None:
    """When it was told is kept with the device."""
    now = time.time()
    await post(config(time=now))
    assert await hass.config_entries.async_reload(entry.entry_id)
    await post(config(time=now - 3600, readings=["battery"]))
    assert set(only_device(entry).layout.reportable) == {"level", "battery"}


async def test_a_clock_that_was_set_back(
    entry: MockConfigEntry, post: Post, freezer: FrozenDateTimeFactory
) -> None:
    """Once it goes on from there, what it says counts again, what it is as well."""
    now = time.time()
    await post(config(time=now, kind="smoke_sensor", readings=["smoke"]))
    device = only_device(entry)
    await post(state(now, smoke=True))
    freezer.tick(30)
    await post(state(1000, smoke=False))
    assert device.monitor.severity("smoke") == "alarm"
    freezer.tick(30)
    await post(state(1031, smoke=False))
    assert device.monitor.severity("smoke") is None
    await post(config(time=1032, kind="smoke_sensor", readings=["smoke", "tamper"]))
    assert set(device.layout.reportable) == {"smoke", "tamper"}


async def test_a_key_that_is_no_text(
    entry: MockConfigEntry, post: Post, caplog: pytest.LogCaptureFixture
) -> None:
    """It is wrong, and the address is in no log."""
    await post(config())
    request = MockRequest(
        b"{}", "test", "POST", headers={"Authorization": "Bearer \udcff"}, remote="::1"
    )
    response = await async_handle_webhook(entry.runtime_data.hass, WEBHOOK_ID, request)
    assert response.status == HTTPStatus.UNAUTHORIZED
    assert not shown(caplog, WEBHOOK_ID)


async def test_whatever_is_raised_is_no_success(
    entry: MockConfigEntry,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """What was not taken is not said to be; sent again, it is."""
    await post(config())
    device = only_device(entry)

    def broken(*_args: object, **_more: object) -> None:
        raise RuntimeError("a mistake of ours")

    message = state(level=10)
    with monkeypatch.context() as patch:
        patch.setattr(SafetyDevice, "update", broken)
        status, answer = await post(message)
    assert (status, answer["ok"]) == (HTTPStatus.INTERNAL_SERVER_ERROR, False)
    assert sum(entry.runtime_data.refused.values()) == 1
    assert not shown(caplog, WEBHOOK_ID)
    assert await post(message) == (200, {"ok": True})
    assert device.fresh_reading("level") == 10


@pytest.mark.parametrize(
    ("local_only", "remote", "status"),
    [
        (True, "192.168.1.7", 200),
        (True, "203.0.113.5", 403),
        (True, "nowhere", 403),
        (True, None, 403),
        (False, "203.0.113.5", 200),
    ],
)
async def test_from_outside(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    local_only: bool,
    remote: str | None,
    status: int,
) -> None:
    """It is refused in so many words, and counted."""
    hass.config_entries.async_update_entry(
        entry, data={**entry.data, "local_only": local_only}
    )
    assert await hass.config_entries.async_reload(entry.entry_id)
    request = MockRequest(
        json.dumps(config()).encode(),
        "test",
        "POST",
        headers={"Authorization": f"Bearer {KEY}"},
        remote=remote,
    )
    response = await async_handle_webhook(hass, WEBHOOK_ID, request)
    assert response.status == status
    refused = {(UNKNOWN, "not from the local network"): 1} if status == 403 else {}
    assert entry.runtime_data.refused == refused


async def test_taken_is_on_disk(
    hass: HomeAssistant,
    entry: MockConfigEntry,
    post: Post,
    monkeypatch: pytest.MonkeyPatch,
    freezer: FrozenDateTimeFactory,
) -> None:
    """Until a fire is, the device keeps it; it is announced all the same."""
    await post(config(kind="smoke_sensor", readings=["smoke"]))
    store = entry.runtime_data.house.storage
    fire = state(smoke=True)
    monkeypatch.setattr(storage, "PATIENCE_SECONDS", 0.05)
    with closing(sqlite3.connect(store.path)) as other:
        other.execute("BEGIN EXCLUSIVE")
        status, answer = await post(fire)
        other.rollback()
    assert (status, answer["ok"]) == (HTTPStatus.SERVICE_UNAVAILABLE, False)
    assert hazards(entry) == ["smoke"]
    freezer.tick(timedelta(seconds=storage.RETRY_SECONDS + 1))
    async_fire_time_changed(hass)
    await wait_until(hass, lambda: not store.is_busy)
    assert await post(fire) == (200, {"ok": True})
    with closing(sqlite3.connect(store.path)) as other:
        assert other.execute("SELECT count(*) FROM alarms").fetchone() == (1,)


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
