"""What tests use to speak to the broker as a gateway would."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, suppress
from functools import partial
import itertools
import json
import os
import queue
import sqlite3
import sys
import threading
import time
import types
from typing import Any
import uuid

import paho.mqtt.client as paho
from paho.mqtt.enums import CallbackAPIVersion
from pytest_homeassistant_custom_component.common import MockConfigEntry

from custom_components.community_safety.const import DOMAIN
from custom_components.community_safety.core.house import DATA_HOUSE
from homeassistant.auth.const import GROUP_ID_ADMIN
from homeassistant.auth.models import User
from homeassistant.components import mqtt
from homeassistant.core import Context, HassJob, HomeAssistant, callback
from homeassistant.util.async_ import get_scheduled_timer_handles

BASE = "community_safety/building-1"
#: Longest real time in seconds that a round trip over the loopback address may take.
PATIENCE = 60
#: More often than this no set-up waits.
MOST_WAITS = 500


def real_seconds() -> float:
    """Return a clock that goes on in frozen time: freezegun does not know of it."""
    return time.clock_gettime(time.CLOCK_MONOTONIC)


@asynccontextmanager
async def patience(seconds: float = PATIENCE) -> AsyncGenerator[None]:
    """Raise TimeoutError after so many real seconds: the loop's own stand still in frozen time."""
    loop = asyncio.get_running_loop()

    def elapsed() -> None:
        # It may have ended since this was called.
        with suppress(RuntimeError):
            limit.reschedule(loop.time())

    async with asyncio.timeout(None) as limit:
        cancel = after(loop, seconds, elapsed)
        try:
            yield
        finally:
            cancel()


def after(
    loop: asyncio.AbstractEventLoop, seconds: float, act: Callable[[], None]
) -> Callable[[], None]:
    """Have a loop do something after so many real seconds; return what cancels that."""
    if sys.platform == "linux":
        clock = os.timerfd_create(time.CLOCK_MONOTONIC)
        os.timerfd_settime(clock, initial=seconds)

        def elapsed() -> None:
            loop.remove_reader(clock)
            act()

        def cancel() -> None:
            loop.remove_reader(clock)
            os.close(clock)

        loop.add_reader(clock, elapsed)
        return cancel

    # A thread for each wait: on a busy machine that takes its time.
    timer = threading.Timer(seconds, loop.call_soon_threadsafe, (act,))
    timer.start()

    def end() -> None:
        timer.cancel()
        timer.join()

    return end


class Peer:
    """A gateway's side of the broker: publishes, and hears what Home Assistant sends."""

    def __init__(self, hass: HomeAssistant, port: int) -> None:
        """Connect; `start` waits until that is done."""
        self.hass = hass
        self.heard: list[tuple[str, Any]] = []
        self._news = asyncio.Event()
        self._ids = itertools.count(1)
        self._answers: dict[tuple[str, str], Callable[[dict[str, Any]], None]] = {}
        self._connected = asyncio.Event()
        self._client = paho.Client(CallbackAPIVersion.VERSION2)
        self._client.reconnect_delay_set(0.05, 0.1)
        self._client.on_connect = self._on_connect
        self._client.on_message = lambda _c, _u, message: self._call(
            self._receive, message.topic, message.payload
        )
        self._port = port
        self._barrier = f"tests/{id(self)}"
        self._settled = 0

    def _call(self, *args: Any) -> None:
        self.hass.loop.call_soon_threadsafe(*args)

    def _on_connect(self, client: paho.Client, *_: Any) -> None:
        names = ("+/+/+/set", "+/+/+/get", "+/+/+/credentials", "+/+/set")
        client.subscribe([(name, 1) for name in names])
        self._call(self._connected.set)

    async def start(self) -> None:
        """Connect, and listen to what Home Assistant sends."""
        # Its thread must not take a tick of frozen time for a silent broker.
        self._client.connect_async("127.0.0.1", self._port, keepalive=0)
        self._client.loop_start()
        async with patience():
            await self._connected.wait()

        @callback
        def receive(message: mqtt.ReceiveMessage) -> None:
            self._settled = int(message.payload)
            self._news.set()

        await mqtt.async_subscribe(self.hass, self._barrier, receive, qos=1)
        await subscribed(self.hass)
        await self.settled()

    @property
    def orders(self) -> list[tuple[str, Any]]:
        """Return what was heard but for questions: those are asked by themselves."""
        return [item for item in self.heard if not item[0].endswith("/get")]

    async def stop(self) -> None:
        """Disconnect."""
        self._client.disconnect()
        await self.hass.async_add_executor_job(self._client.loop_stop)

    def publish(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        """Publish; anything but text and bytes is sent as JSON."""
        if not isinstance(payload, str | bytes):
            payload = json.dumps(payload)
        self._client.publish(topic, payload, qos=1, retain=retain)

    async def send(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        """Publish, and wait until Home Assistant has taken it and all before it."""
        self.publish(topic, payload, retain=retain)
        await self.settled()

    async def settled(self) -> None:
        """Wait until Home Assistant has taken all that was published before."""
        number = next(self._ids)
        async with patience():
            while self._settled < number:
                self._news.clear()
                self.publish(self._barrier, str(number))
                try:
                    # Its subscription may not be there yet: then once more.
                    async with patience(0.05):
                        await self._news.wait()
                except TimeoutError:
                    continue
        await self.hass.async_block_till_done()

    def answer(
        self,
        device: str,
        reply: Callable[[dict[str, Any]], None],
        *,
        kind: str = "set",
    ) -> None:
        """Call `reply` with every `set`, or `get`, that Home Assistant sends to a device."""
        self._answers[device, kind] = reply

    def _receive(self, topic: str, payload: bytes) -> None:
        message = json.loads(payload)
        self.heard.append((topic, message))
        self._news.set()
        device, _, kind = topic.rpartition("/")
        if reply := self._answers.get((device, kind)):
            reply(message)

    async def hears(self, topic: str) -> dict[str, Any]:
        """Wait for a message of Home Assistant at a topic; return it and forget it."""
        async with patience():
            while True:
                for item in self.heard:
                    if item[0] == topic:
                        self.heard.remove(item)
                        return dict(item[1])
                self._news.clear()
                await self._news.wait()

    # Our own protocol

    def _head(self) -> dict[str, Any]:
        return {"version": 1, "id": f"m{next(self._ids)}", "time": time.time()}

    async def gateway(self, base: str = BASE, *, online: bool = True) -> None:
        """Announce a gateway."""
        self.publish(
            f"{base}/gateway", {**self._head(), "name": "Building 1"}, retain=True
        )
        await self.send(f"{base}/status", {"version": 1, "online": online}, retain=True)

    async def config(
        self, device: str, kind: str, readings: list[str], **more: Any
    ) -> None:
        """Tell what a device is."""
        message = {
            **self._head(),
            "kind": kind,
            "name": more.pop("name", device.replace("-", " ").capitalize()),
            "readings": readings,
            **more,
        }
        await self.send(f"{BASE}/{device}/config", message, retain=True)

    async def state(self, device: str, *, retain: bool = True, **values: Any) -> None:
        """Report readings."""
        await self.send(
            f"{BASE}/{device}/state", self.state_message(values), retain=retain
        )

    def state_message(self, values: dict[str, Any]) -> dict[str, Any]:
        """Return a message with readings."""
        return {**self._head(), "values": values}

    def obedient_breaker(self, device: str, **extra: Any) -> None:
        """Let a device do what it is told at once, with its current following."""

        def reply(message: dict[str, Any]) -> None:
            self.publish(
                f"{BASE}/{device}/result",
                {"version": 1, "id": message["id"], "ok": True},
            )
            for key, closed in message["set"].items():
                current = key.replace("supply", "current")
                self.publish(
                    f"{BASE}/{device}/state",
                    self.state_message(
                        {key: closed, current: 5.0 if closed else 0.0, **extra}
                    ),
                    retain=True,
                )

        self.answer(f"{BASE}/{device}", reply)


@types.coroutine
def cancelled[T](
    work: Coroutine[Any, Any, T], number: int
) -> Generator[Any, Any, T | None]:
    """Await something, and be cancelled the `number`th time that it waits, from 0.

    Returns its result, or None if it was cancelled; more than it waits, and it is not.
    """
    task = asyncio.current_task()
    assert task
    step: Callable[[], Any] = partial(work.send, None)
    for count in itertools.count():
        try:
            future = step()
        except StopIteration as ended:
            return ended.value  # type: ignore[no-any-return]
        except asyncio.CancelledError:
            task.uncancel()
            return None
        if count == number:
            task.cancel()
        try:
            yield future
        except BaseException as err:  # noqa: BLE001
            step = partial(work.throw, err)
        else:
            step = partial(work.send, None)
    raise AssertionError


def timers(hass: HomeAssistant) -> list[str]:
    """Return the timers of ours that are running and would outlive Home Assistant."""
    return [
        repr(job)
        for handle in get_scheduled_timer_handles(hass.loop)
        if not handle.cancelled()
        for job in handle._args or ()
        if isinstance(job, HassJob)
        and not job.cancel_on_shutdown
        and DOMAIN in repr((job.target, job.name))
    ]


async def cancel_everywhere(hass: HomeAssistant, entry: MockConfigEntry) -> int:
    """Set a gateway up and cancel that the first time that it waits, the second, and on.

    Each time nothing may be left. Returns how often it was cancelled, until it was not.
    """
    house = hass.data[DATA_HOUSE]
    for number in range(MOST_WAITS):
        work = hass.config_entries.async_reload(entry.entry_id)
        if await cancelled(work, number):
            return number
        await hass.async_block_till_done()
        where = f"when it waited the {number}th time"
        assert list(house.devices()) == [], where
        assert timers(hass) == [], where
        assert [
            state.entity_id
            for state in hass.states.async_all()
            if state.attributes.get("restored") is not True
        ] == [], where
    raise AssertionError


def clear_broker(port: int) -> None:
    """Clear what earlier tests have left, and see that it is gone."""
    found: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = paho.Client(CallbackAPIVersion.VERSION2)
    client.on_message = lambda _client, _userdata, message: found.put(message.topic)
    client.connect("127.0.0.1", port)
    client.loop_start()
    left = {"anything"}
    while left:
        left.clear()
        client.subscribe("#", qos=1)
        # What is retained comes before this.
        client.publish("tests/clear", "x", qos=1)
        while (topic := found.get(timeout=PATIENCE)) != "tests/clear":
            left.add(topic)
        client.unsubscribe("#")
        for topic in left:
            client.publish(topic, "", qos=1, retain=True).wait_for_publish(PATIENCE)
    client.disconnect()
    client.loop_stop()


async def wait_until(
    hass: HomeAssistant, proof: Callable[[], bool], patience: float = PATIENCE
) -> None:
    """Let Home Assistant work until something is so, also in frozen time.

    `patience` is in real seconds.
    """
    end = real_seconds() + patience
    while not proof():
        assert real_seconds() < end, "it did not happen"
        await hass.async_block_till_done()
        # Gives the sockets a turn; this is no waiting for time to pass.
        await asyncio.sleep(0)


async def subscribed(hass: HomeAssistant) -> None:
    """Wait until the broker has all subscriptions that were made until now.

    Home Assistant tells of a subscription that it is active before the broker has it. So a
    new one is made: it is taken after those before it.
    """
    topic, taken = f"tests/subscribed/{uuid.uuid4()}", asyncio.Event()
    forget = mqtt.async_on_subscribe_done(hass, topic, 1, taken.set)
    end = await mqtt.async_subscribe(hass, topic, lambda _message: None, qos=1)
    async with patience():
        await taken.wait()
    forget()
    end()


async def add_gateway(
    hass: HomeAssistant, topic: str = BASE, dialect: str = "native", **more: Any
) -> MockConfigEntry:
    """Add a configured gateway and set it up."""
    entry = MockConfigEntry(
        domain=DOMAIN,
        title="Building 1",
        unique_id=f"mqtt/{topic}",
        data={"dialect": dialect, "topic": topic},
        **more,
    )
    entry.add_to_hass(hass)
    assert await hass.config_entries.async_setup(entry.entry_id)
    await hass.async_block_till_done()
    await subscribed(hass)
    return entry


def insert(
    database: sqlite3.Connection, table: str, key: str, data: dict[str, Any]
) -> None:
    """Write a row as an earlier run would have."""
    database.execute(
        f"INSERT INTO {table} (key, data) VALUES (?, ?)",  # noqa: S608
        (key, json.dumps(data)),
    )
    database.commit()


async def impersonal(hass: HomeAssistant, person: User) -> list[Context]:
    """Return the contexts of who is nobody in person, which both integrations refuse.

    An automation, what a person's click has set off, a user of the system, and somebody
    who may not log in any more.
    """
    system = await hass.auth.async_create_system_user("System")
    gone = await hass.auth.async_create_user("Gone", group_ids=[GROUP_ID_ADMIN])
    await hass.auth.async_deactivate_user(gone)
    return [
        Context(),
        Context(user_id=person.id, parent_id=Context().id),
        Context(user_id=system.id),
        Context(user_id=gone.id),
    ]
