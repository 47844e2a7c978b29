"""A gateway of one Vzenith camera: passages, the barrier, and the list of plates."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
import time
from typing import Any, override

from homeassistant.components import mqtt
from homeassistant.components.mqtt.models import ReceiveMessage
from homeassistant.const import CONF_PASSWORD, CONF_URL, CONF_USERNAME
from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.exceptions import (
    ConfigEntryNotReady,
    HomeAssistantError,
    ServiceValidationError,
)
from homeassistant.helpers.aiohttp_client import async_get_clientsession
from homeassistant.helpers.event import async_call_later, async_track_time_interval
from homeassistant.helpers.json import json_dumps
from homeassistant.util import dt as dt_util
from homeassistant.util.ulid import ulid_now

from ...catalogue.measurements import Value
from ...const import (
    CONF_ARM_INPUT,
    CONF_CLOSE_OUTPUT,
    CONF_DIRECTION,
    CONF_OPEN_OUTPUT,
    CONF_REFUSED,
    CONF_SERIAL,
    CONF_TOPIC,
    DOMAIN,
    LOGGER,
)
from ...core.device import AVAILABILITY, DeviceDescription, SafetyDevice
from ...core.passages import Decision, Means, Passage
from ...core.ports import Credential
from ..base import CommandError, Gateway, Problem
from . import words
from .web import LoginError, Web, WebError
from .words import BARRIER

#: A camera beats this often, in seconds.
BEAT_SECONDS = 10
#: Of one that was away for longer than this, in seconds, it was not heard what it did.
MISSED_SECONDS = 15
RESULT_SECONDS = 5.0
#: A camera loses messages that follow each other faster, in seconds: 100 ms is told of them.
GAP_SECONDS = 0.15
#: The length of a pulse on an output, in milliseconds.
PULSE_MILLISECONDS = 1000
#: How long an arm takes to be up, in seconds, and when it is stuck.
ARM_SECONDS = 8.0
STUCK_SECONDS = 15.0
#: Whoever is let in has the arm up by so many seconds after the camera has seen him.
DECIDED_SECONDS = 5.0
#: How often the pages are asked when the list counts, and what the clock shows.
ASK_EVERY = timedelta(minutes=10)
#: A clock that is off by more is wrong, in seconds.
WRONG_SECONDS = 60
#: Results that may come once more.
REMEMBERED = 256
#: A command was taken; one guide says 0.
_TAKEN = (200, 0)
#: What an output is set to.
_OFF, _ON, _PULSE = 0, 1, 2
#: What an input tells: its contact is open, closed, or was closed for a moment.
_OPEN, _CLOSED = 0, 1
#: The list counts always; 0: only without a connection, 2: never.
_ALWAYS = 1
#: Keys of the problems that the pages cannot be read, and that the list does not count.
NO_PAGES, NOT_COUNTED = "vzenith_pages", "vzenith_list_not_counted"


class VzenithGateway(Gateway):
    """A camera that reads plates, and lets those of its list in by itself.

    It speaks over Home Assistant's own MQTT integration; its list can be read by its pages
    alone.
    """

    manufacturer = "Vzenith"

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        data = self.entry.data
        self._serial = str(data[CONF_SERIAL])
        #: What its topics begin with: as it was added, and then as it speaks.
        self._layout = str(data[CONF_TOPIC])
        self._web = (
            Web(
                async_get_clientsession(self.hass, verify_ssl=False),
                data[CONF_URL],
                data[CONF_USERNAME],
                data[CONF_PASSWORD],
                was_refused=data.get(CONF_REFUSED, False),
            )
            if data.get(CONF_URL)
            else None
        )
        self._results: dict[str, asyncio.Future[int]] = {}
        self._turns = asyncio.Lock()
        #: Monotonic time of the last message to it.
        self._sent = 0.0
        #: If its arm is up, and if we hold it there; None while that is not known.
        self._is_up: bool | None = None
        self._is_held: bool | None = None
        self._moved = asyncio.Event()
        self._end_wait: CALLBACK_TYPE | None = None
        #: Monotonic time of the last heartbeat.
        self._beat = time.monotonic()
        #: Results that were told, and those of which it is not known yet what became of them.
        self._told: deque[str] = deque(maxlen=REMEMBERED)
        self._undecided: dict[str, tuple[Passage, CALLBACK_TYPE]] = {}
        #: If a record is written with its time of creation, and a plate deleted by its text:
        #: builds differ, and refuse the other.
        self._shapes = {"put": 0, "remove": 0}
        #: How many plates we have deleted; none while a page is read.
        self._deletions = 0
        self._reading = asyncio.Lock()
        #: What the camera says of its barrier, which no page of the maker explains.
        self._gate_status: Value | None = None
        self.camera: SafetyDevice | None = None

    @override
    async def async_start(self) -> None:
        if not await mqtt.async_wait_for_mqtt_client(self.hass):
            raise ConfigEntryNotReady(
                translation_domain=DOMAIN, translation_key="mqtt_not_ready"
            )
        self.camera = camera = self.add_device(self._description())
        self.on_unload(
            mqtt.async_subscribe_connection_status(self.hass, self._link_changed),
            camera.listen((AVAILABILITY,), self._availability_changed),
            self._let_go,
        )
        known = dict.fromkeys((self._layout, *words.layouts(self._serial)))
        for layout in known:
            for topic, take in (("up/+", self._heard), ("down/+/reply", self._replied)):
                self.on_unload(
                    await mqtt.async_subscribe(
                        self.hass,
                        f"{layout}/message/{topic}",
                        self._receive(layout, take),
                        qos=1,
                        encoding=None,
                    )
                )
        self._link_changed()
        if self._web:
            self.on_unload(
                async_track_time_interval(
                    self.hass, self._ask_pages, ASK_EVERY, cancel_on_shutdown=True
                )
            )
            self._ask_pages()

    def _description(self) -> DeviceDescription:
        has_arm = self.entry.data.get(CONF_ARM_INPUT) is not None
        arm = {f"barrier_{BARRIER}", "barrier_stuck"} if has_arm else set()
        return DeviceDescription(
            id=self._serial,
            kind="vehicle_gate",
            name=self.name_of("vehicle_gate", self._serial),
            points=frozenset({f"locked_{BARRIER}", "clock_wrong", *arm}),
            commands=frozenset({"open"}),
            manufacturer=self.manufacturer,
            serial=self._serial,
            interval=BEAT_SECONDS,
        )

    @callback
    def _let_go(self) -> None:
        """End what is waited for; who was seen is told, whatever has become of him."""
        if self._end_wait:
            self._end_wait()
        for key in tuple(self._undecided):
            self._decide(key, Decision.SEEN)

    @callback
    def _link_changed(self, _connected: bool | None = None) -> None:
        self.set_connected(mqtt.is_connected(self.hass))

    @callback
    def _availability_changed(self) -> None:
        if self.camera and self.camera.available:
            # It may have lost its list meanwhile.
            self._forget_arm()
            self.house.credentials.look_again(self.camera)
            if self._web:
                self._ask_pages()

    # What it says

    def _receive(
        self, layout: str, take: Callable[[str, dict[str, Any]], None]
    ) -> Callable[[ReceiveMessage], None]:
        """Return what takes the messages below one layout."""

        @callback
        def receive(message: ReceiveMessage) -> None:
            if message.retain:
                # How things were, at whatever time.
                return
            try:
                found = words.unpack(message.payload)  # type: ignore[arg-type]
                if found["sn"] != self._serial:
                    raise ValueError("of another camera")
                name = message.topic.removeprefix(f"{layout}/message/").split("/")[1]
                take(name, found)
            except ValueError as err:
                # Not the text of a message: it may hold a plate.
                self.refuse(self._serial, str(err))
                return
            # It may have been given other topics: it is answered where it spoke last.
            self._layout = layout

        return receive

    def _heard(self, name: str, message: dict[str, Any]) -> None:
        """Take what the camera says by itself. Raises ValueError."""
        assert self.camera
        if name == "keep_alive":
            self._take_beat(message)
        elif name == "ivs_result":
            self._take_result(words.seen(message))
        elif name == "gpio_in":
            self._take_input(
                words.inner(
                    message,
                    *("payload", "body", "AlarmGioIn", "result", "TriggerResult"),
                )
            )
        elif name == "barr_gate_status":
            self._gate_status = words.inner(message, "payload", "body").get(
                "gate_status"
            )
        self.camera.seen()

    def _take_beat(self, message: dict[str, Any]) -> None:
        """Take a heartbeat. Its clock shows here too, but not its zone."""
        assert self.camera
        before, self._beat = self._beat, time.monotonic()
        if self._beat - before > MISSED_SECONDS:
            self._forget_arm()
        body = words.inner(message, "payload", "body")
        at = body.get("timestamp") if isinstance(body, dict) else None
        if isinstance(at, int) and not self._web:
            self.camera.update({"clock_wrong": abs(at - time.time()) > WRONG_SECONDS})

    def _take_input(self, trigger: Any) -> None:
        source, value = words.inner(trigger, "source"), words.inner(trigger, "value")
        if source != self.entry.data.get(CONF_ARM_INPUT):
            return
        if value == _CLOSED:
            self._arm_moved(True)
        elif value == _OPEN:
            self._arm_moved(False)
        else:
            # It was up for a moment.
            self._arm_moved(True)
            self._arm_moved(False)

    def _forget_arm(self) -> None:
        """Take that the arm may have moved, and the outputs have fallen off, unheard."""
        assert self.camera
        self._is_up = self._is_held = None
        for name in ("barrier", "locked"):
            self.camera.lose(f"{name}_{BARRIER}")

    def _arm_moved(self, is_up: bool) -> None:
        self._is_up = is_up
        if self._end_wait:
            self._end_wait()
            self._end_wait = None
        self._moved.set()
        self._show(is_stuck=False)
        if is_up:
            for key in tuple(self._undecided):
                self._decide(key, Decision.GRANTED)

    def _show(self, **more: bool) -> None:
        """Show how the arm stands; held open is what is up, and held there by us."""
        assert self.camera
        readings: dict[str, Value] = {}
        if self._is_up is not None:
            readings[f"barrier_{BARRIER}"] = "open" if self._is_up else "closed"
        if self._is_up is False:
            readings[f"locked_{BARRIER}"] = True
        elif self._is_up and self._is_held:
            readings[f"locked_{BARRIER}"] = False
        if "is_stuck" in more:
            readings["barrier_stuck"] = more["is_stuck"]
        self.camera.update(readings)

    # Who was seen

    def _take_result(self, found: words.Seen) -> None:
        """Take a vehicle that was recognized, once."""
        assert self.camera
        if found.key in self._told:
            self.discarded["repeated"] += 1
            return
        self._told.append(found.key)
        if found.plate == words.NO_PLATE:
            self.discarded["without a plate"] += 1
            return
        passage = Passage(
            device_id=self.camera.device_id,
            door=BARRIER,
            number=found.plate,
            decision=Decision.SEEN,
            at=found.at if found.late else dt_util.utcnow(),
            index=found.index,
            inwards={"in": True, "out": False}.get(self.entry.data[CONF_DIRECTION]),
            stamp=found.at,
            late=found.late,
            means=Means.PLATE,
        )
        if found.late or self._is_up is not False:
            # What became of it nobody can say.
            self.house.passages.passed(self.camera, passage)
            return

        @callback
        def over(_now: datetime) -> None:
            self._decide(found.key, Decision.OTHER)

        self._undecided[found.key] = (
            passage,
            async_call_later(self.hass, DECIDED_SECONDS, over),
        )

    def _decide(self, key: str, decision: Decision) -> None:
        """Tell of a passage what became of it: the camera decides, and says nothing of it."""
        assert self.camera
        passage, cancel = self._undecided.pop(key)
        cancel()
        self.house.passages.passed(self.camera, replace(passage, decision=decision))

    # What it is told

    def _replied(self, name: str, message: dict[str, Any]) -> None:
        future = self._results.get(str(message.get("id")))
        if future and not future.done():
            code = message.get("code")
            future.set_result(code if isinstance(code, int) else -1)

    async def _async_order(
        self, device: SafetyDevice, name: str, body: Mapping[str, Any]
    ) -> None:
        """Have it do something. Raises CommandError if it does not answer, or refuses."""
        message_id = ulid_now()[-16:]
        message = {
            "id": message_id,
            "sn": self._serial,
            "name": name,
            "version": "1.0",
            "timestamp": int(time.time()),
            "payload": {"type": name, "body": body},
        }
        future = self._results[message_id] = self.hass.loop.create_future()
        try:
            async with self._turns:
                pause = self._sent + GAP_SECONDS - time.monotonic()
                if pause > 0:
                    await asyncio.sleep(pause)
                if not mqtt.is_connected(self.hass):
                    # The client would keep it, and it must not arrive minutes later.
                    raise CommandError(device, "not_connected", "the broker is away")
                try:
                    await mqtt.async_publish(
                        self.hass,
                        f"{self._layout}/message/down/{name}",
                        json_dumps(message),
                        qos=1,
                    )
                except HomeAssistantError as err:
                    raise CommandError(device, "not_connected", str(err)) from err
                finally:
                    self._sent = time.monotonic()
            async with asyncio.timeout(RESULT_SECONDS):
                code = await future
        except TimeoutError as err:
            raise CommandError(device, "no_answer", "no answer") from err
        finally:
            del self._results[message_id]
        if code not in _TAKEN:
            raise CommandError(device, "refused", f"code {code}")

    async def _async_output(
        self, device: SafetyDevice, output: int, value: int
    ) -> None:
        body = {"io": output, "value": value, "delay": PULSE_MILLISECONDS}
        await self._async_order(device, "gpio_out", body)

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        data = self.entry.data
        if key == f"open_{BARRIER}":
            await self._async_let_in(device)
            return
        self._is_held = None
        if value is False:
            await self._async_output(device, data[CONF_OPEN_OUTPUT], _ON)
            self._is_held = True
            self._expect_up()
        else:
            await self._async_output(device, data[CONF_OPEN_OUTPUT], _OFF)
            self._is_held = False
            if (close := data.get(CONF_CLOSE_OUTPUT)) is not None:
                await self._async_output(device, close, _PULSE)
        self._show()

    async def _async_let_in(self, device: SafetyDevice) -> None:
        """Raise the arm for one vehicle. Raises CommandError if it is not seen to be up."""
        self._moved.clear()
        if not self._is_held:
            # After a pulse the output is off: nothing would hold the arm any more.
            await self._async_output(device, self.entry.data[CONF_OPEN_OUTPUT], _PULSE)
            self._is_held = False
        self._expect_up()
        try:
            async with asyncio.timeout(ARM_SECONDS):
                while not self._is_up:
                    self._moved.clear()
                    await self._moved.wait()
        except TimeoutError as err:
            raise CommandError(device, "open_unproven", "the arm is not up") from err

    def _expect_up(self) -> None:
        """Have the arm be stuck, if it is known to be down by then."""
        if self._end_wait or self._is_up:
            return

        @callback
        def elapsed(_now: datetime) -> None:
            self._end_wait = None
            if self._is_up is False:
                self._show(is_stuck=True)

        self._end_wait = async_call_later(
            self.hass, STUCK_SECONDS, HassJob(elapsed, cancel_on_shutdown=True)
        )

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        """Show once more what is known: no word is known that asks how an input stands."""

    # Its pages

    @callback
    def _ask_pages(self, _now: datetime | None = None) -> None:
        self.entry.async_create_background_task(
            self.hass, self._async_ask_pages(), f"{DOMAIN} pages of {self._serial}"
        )

    async def _async_ask_pages(self) -> None:
        """Ask when the list counts, and what the clock shows in its zone."""
        assert self._web and self.camera
        try:
            status = await self._web.status()
        except WebError as err:
            self._pages_failed(err)
            return
        self._pages_answered()
        self.camera.update({"clock_wrong": _is_wrong(status.get("dev_time"))})
        if status.get("filter_enable", _ALWAYS) == _ALWAYS:
            self.end_problem(NOT_COUNTED, self._serial)
        else:
            self._tell(NOT_COUNTED)

    def _pages_failed(self, error: WebError) -> None:
        LOGGER.debug("The pages of %s: %s", self._serial, error)
        if isinstance(error, LoginError) and not self.entry.data.get(CONF_REFUSED):
            # Over restarts too: each wrong password brings us nearer to being locked out.
            self.hass.config_entries.async_update_entry(
                self.entry, data={**self.entry.data, CONF_REFUSED: True}
            )
        self._tell(NO_PAGES, reason=str(error))

    @callback
    def _pages_answered(self) -> None:
        self.end_problem(NO_PAGES, self._serial)

    def _tell(self, key: str, **more: str) -> None:
        assert self.camera
        placeholders = {"device": self.camera.name, **more}
        known = self.problems.get((key, self._serial))
        if known is None or known.placeholders != placeholders:
            self.add_problem(
                Problem(key=key, device_id=self._serial, placeholders=placeholders)
            )

    # The list

    def keeps_credentials(self, device: SafetyDevice) -> bool:
        """Return that a camera keeps a list."""
        return True

    def can_read_credentials(self, device: SafetyDevice) -> bool:
        """Return if its pages let us in."""
        return self._web is not None and not self._web.is_refused

    def as_held(self, device: SafetyDevice, credential: Credential) -> Credential:
        """Return what a camera makes of a plate. Raises ServiceValidationError."""
        begin, end = (
            min(max(at, words.EARLIEST), words.LATEST).replace(microsecond=0)
            for at in (credential.begin, credential.end)
        )
        if (
            not words.is_plate(credential.number)
            or credential.doors != {BARRIER}
            or end <= begin
        ):
            raise ServiceValidationError(
                translation_domain=DOMAIN, translation_key="credential_not_possible"
            )
        return Credential(
            number=credential.number, begin=begin, end=end, doors=credential.doors
        )

    async def async_put_credential(
        self, device: SafetyDevice, credential: Credential
    ) -> None:
        """Write a plate. Raises HomeAssistantError."""
        held = self.as_held(device, credential)
        await self._async_list(
            device,
            "put",
            [
                {
                    "operator_type": "update_or_add",
                    "dldb_rec": words.record(held, with_creation=with_creation),
                }
                for with_creation in (True, False)
            ],
        )

    async def async_remove_credential(self, device: SafetyDevice, number: str) -> None:
        """Delete a plate. Raises HomeAssistantError."""
        bodies = [
            {"operator_type": "delete", "plate": plate} for plate in (number, [number])
        ]
        async with self._reading:
            # Also what is not answered may be done.
            self._deletions += 1
            await self._async_list(device, "remove", bodies)

    async def _async_list(
        self, device: SafetyDevice, what: str, bodies: list[dict[str, Any]]
    ) -> None:
        """Order something about the list, in the shape that this build has not refused."""
        first = self._shapes[what]
        try:
            await self._async_order(device, "white_list_operator", bodies[first])
        except CommandError as err:
            if err.translation_key != "refused":
                raise
            await self._async_order(device, "white_list_operator", bodies[1 - first])
            self._shapes[what] = 1 - first

    async def async_read_credential(
        self, device: SafetyDevice, number: str
    ) -> Credential | None:
        """Return a plate as the camera has it. Raises HomeAssistantError."""
        async for row in self._walk(device, number):
            if row.number == number:
                return row
        return None

    async def walk_credentials(
        self, device: SafetyDevice, written: Collection[str]
    ) -> AsyncIterator[Credential]:
        """Yield the whole list.

        `written` are the plates that we have written since. Raises HomeAssistantError if it
        does not answer, or if the list has changed by more than these.
        """
        before = await self._count(device)
        numbers: set[str] = set()
        async for row in self._walk(device, ""):
            if row.number not in numbers:
                numbers.add(row.number)
                yield row
        found = len(numbers.difference(written))
        counts = before, await self._count(device)
        if any(abs(count - found) > len(written) for count in counts):
            raise HomeAssistantError(
                translation_domain=DOMAIN,
                translation_key="list_changed",
                translation_placeholders={"device": device.name},
            )

    async def _walk(
        self, device: SafetyDevice, plate: str
    ) -> AsyncIterator[Credential]:
        """Yield the records of which the plate holds a text; one may come twice."""
        position, deletions = 0, self._deletions
        while True:
            async with self._reading:
                # What comes next has moved to the front by what was deleted before it.
                position = max(0, position - (self._deletions - deletions))
                deletions = self._deletions
                page = await self._page(device, plate, position)
            if not page:
                break
            for row in page:
                yield words.credential(row)
            position += len(page)

    async def _page(
        self, device: SafetyDevice, plate: str, position: int
    ) -> list[dict[str, Any]]:
        assert self._web
        try:
            found = await self._web.rows(plate, position)
        except WebError as err:
            raise self._unread(device, err) from err
        self._pages_answered()
        return found

    async def _count(self, device: SafetyDevice) -> int:
        assert self._web
        try:
            return await self._web.count()
        except WebError as err:
            raise self._unread(device, err) from err

    def _unread(self, device: SafetyDevice, error: WebError) -> CommandError:
        self._pages_failed(error)
        key = "refused" if isinstance(error, LoginError) else "no_answer"
        return CommandError(device, key, str(error))

    @override
    def diagnostics(self) -> dict[str, Any]:
        camera = self.camera
        return {
            "layout": self._layout.replace(self._serial, "…"),
            "arm_is_up": self._is_up,
            "held_by_us": self._is_held,
            "gate_status": self._gate_status,
            "list_can_be_read": camera is not None
            and self.can_read_credentials(camera),
            "shapes": dict(self._shapes),
            "passages_dropped": self.house.passages.dropped[camera.uid]
            if camera
            else 0,
        }


def _is_wrong(told: Any) -> bool:
    """Return if a clock that shows its own local time is not ours, or shows none."""
    try:
        at = datetime(  # noqa: DTZ001 - it says no zone
            *(
                told[f"time_{name}"]
                for name in ("year", "mon", "day", "hour", "min", "sec")
            )
        )
    except KeyError, TypeError, ValueError:
        return True
    ours = dt_util.now().replace(tzinfo=None)
    return abs((at - ours).total_seconds()) > WRONG_SECONDS
