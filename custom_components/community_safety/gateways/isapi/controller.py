"""What goes on at one terminal: its doors, its events, its clock."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping
from contextlib import aclosing, suppress
from datetime import datetime, timedelta
import re
import time
from typing import TYPE_CHECKING, Any, override
import uuid

from homeassistant.core import CALLBACK_TYPE, callback
from homeassistant.helpers.event import async_call_later
from homeassistant.util import dt as dt_util

from ...catalogue.measurements import Value
from ...const import DOMAIN, LOGGER
from ...core.device import DeviceDescription, SafetyDevice
from ...core.passages import LATE_SECONDS, Decision, Passage
from ..base import Problem
from ..contact import (
    ASK_SECONDS,
    RETRY_SECONDS,
    SET_SECONDS,
    WRONG_SECONDS,
    Contact,
    NoAnswerError,
)
from .cards import EVER, NEVER, PAGE, number_of
from .terminal import (
    LockedError,
    LoginError,
    RefusedError,
    Terminal,
    TerminalError,
    rows,
)

if TYPE_CHECKING:
    from .gateway import IsapiGateway

#: A stream that has broken off keeps its place for minutes, in seconds.
TAKEN_SECONDS = 120
#: A stream begins with the whole log, of some five events a second, and what is new comes
#: after it: so long after the last old one, in seconds, the log is over.
REPEATED_SECONDS = 60
#: Without anything from the stream for so long, in seconds, people are told.
UNHEARD_SECONDS = 180
#: How often it is looked if a lock has opened, or how doors are that move meanwhile.
LOOKS = 3
#: No event has a higher number.
MOST_SERIAL = 3_000_000_000
#: What locks and contacts say; more than that is a broken wire.
SHUT, OPEN = 0, 1
#: The mode of a door that is held unlocked.
NORMALLY_OPEN = 2
#: Keys of the problems that nothing comes by itself, and that nobody is let in.
NO_EVENTS, LOCKED = "isapi_no_events", "isapi_locked"

#: Kinds of events.
_ALARM, _EXCEPTION, _OPERATION, _EVENT = 1, 2, 3, 5
#: Alarms of an opened box or reader, and that it is closed; and that power is back.
_TAMPER, _TAMPER_OVER, _POWER_ON = (1028, 1030), (1029, 1031), 1024
#: Somebody opens, closes or holds a door from afar.
_REMOTE = range(1024, 1028)
_LOCK_SHUT, _OPENED, _CLOSED, _FORCED, _HELD = 22, 25, 26, 27, 28
_DECISIONS: Mapping[int, Decision] = {
    1: Decision.GRANTED,
    2: Decision.GRANTED,
    3: Decision.PIN,
    4: Decision.PIN,
    6: Decision.NOT_ALLOWED,
    7: Decision.NOT_NOW,
    8: Decision.NOT_ALLOWED,
    9: Decision.UNKNOWN,
    10: Decision.ANTI_PASSBACK,
    11: Decision.INTERLOCK,
    38: Decision.GRANTED,
    75: Decision.GRANTED,
}


class Controller(Contact):
    """One terminal, as long as its config entry is loaded."""

    _gateway: IsapiGateway

    def __init__(
        self, gateway: IsapiGateway, terminal: Terminal, serial: str, doors: int
    ) -> None:
        """Initialize; the device is there at once, and nothing is known of it."""
        super().__init__(gateway, f"Terminal {serial}")
        self.terminal = terminal
        self.serial = serial
        self.doors = range(1, doors + 1)
        #: Number of the last event that was taken; None while that is not known.
        self.index: int | None = None
        self._has_history = True
        #: Events are being fetched; there may be more than those.
        self._catching_up = self._more = False
        self._modes: dict[int, int] = {}
        #: How often a door has moved, as far as that was heard.
        self._moved = 0
        #: Monotonic times at which the stream brought something, and something old.
        self._heard = self._repeated = 0.0
        self._is_listening = False
        #: The stream was begun at all; ends what begins it once more.
        self._has_begun = False
        self._listen_later: CALLBACK_TYPE | None = None
        #: What is being ordered or asked, by what it is.
        self._running: dict[object, asyncio.Task[None]] = {}
        known = gateway.devices.get(serial)
        self._is_new = known is None
        self.device: SafetyDevice = gateway.add_device(
            self._description(
                known.description.model if known else None,
                known.description.firmware if known else None,
            )
        )

    def _description(
        self, model: str | None, firmware: str | None
    ) -> DeviceDescription:
        return self.describe(
            self.serial,
            self.serial[-9:],
            model=model,
            firmware=firmware,
            interval=ASK_SECONDS,
        )

    # Contact

    @callback
    @override
    def start(self) -> None:
        self._heard = time.monotonic()
        super().start()

    @callback
    @override
    def stop(self) -> None:
        super().stop()
        if self._listen_later:
            self._listen_later()

    @property
    @override
    def _others(self) -> Iterable[Contact]:
        return self._gateway.others()

    @property
    @override
    def _pause(self) -> float:
        return ASK_SECONDS if self._is_live else RETRY_SECONDS

    @property
    def _is_live(self) -> bool:
        """Return if what happens comes by itself, and at once."""
        is_new = self._repeated + REPEATED_SECONDS <= time.monotonic()
        return self._connected and self._is_listening and is_new

    @override
    async def _async_connect(self) -> None:
        info = await self.terminal.get("System/deviceInfo")
        if info.get("serialNumber") != self.serial:
            raise TerminalError("another device answers at this address")
        self.device = self._gateway.add_device(
            self._description(info.get("model"), info.get("firmwareVersion"))
        )
        await self._async_find_last()
        self._gateway.end_problem(LOCKED, self.serial)
        if not self._connected:
            # While it was away, nothing could be heard.
            self._heard = time.monotonic()
        self._answered()
        if not self._has_begun:
            self._has_begun = True
            self._listen()
        await self._async_ask()

    @override
    async def _async_ask(self) -> None:
        await self._async_see_clock()
        await self._async_read()
        self._catch_up()
        await self._gateway.async_keep_index()
        if time.monotonic() - self._heard > UNHEARD_SECONDS:
            self._add_problem(NO_EVENTS)

    @callback
    @override
    def _failed(self, error: NoAnswerError) -> None:
        super()._failed(error)
        if isinstance(error, LoginError):
            self._due = False
            self.stop()
            self._gateway.login_refused()
        elif isinstance(error, LockedError):
            self._add_problem(LOCKED)

    def _add_problem(self, key: str) -> None:
        self._gateway.add_problem(
            Problem(
                key=key,
                device_id=self.serial,
                placeholders={"device": self.device.name},
            )
        )

    async def _once(
        self, what: object, order: Callable[[], Coroutine[Any, Any, None]]
    ) -> None:
        """Order or ask something; while that is under way, wait for it. Raises TerminalError.

        Who does not wait any longer ends nothing: a slow terminal does it all the same, and
        is not told again and again.
        """
        task = self._begin(what, order)
        await asyncio.wait((task,))
        task.result()

    def _begin(
        self, what: object, order: Callable[[], Coroutine[Any, Any, None]]
    ) -> asyncio.Task[None]:
        """Begin something, if it is not under way."""
        task = self._running.get(what)
        if not task:
            task = self._gateway.entry.async_create_background_task(
                self._gateway.hass, order(), f"{DOMAIN} {self._name}"
            )
            self._running[what] = task

            @callback
            def ended(task: asyncio.Task[None]) -> None:
                del self._running[what]
                if not task.cancelled():
                    # Nobody may wait for it any more.
                    task.exception()

            task.add_done_callback(ended)
        return task

    # State

    async def async_refresh(self) -> None:
        """Ask how the doors are. Raises TerminalError."""
        await self._once("state", self._async_read)

    @callback
    def _look(self) -> None:
        """Ask how the doors are, ahead of whatever a turn asks for."""
        self._begin("state", self._async_read)

    async def _async_read(self) -> None:
        for _look in range(LOOKS):
            moved = self._moved
            status = await self.terminal.get("AccessControl/AcsWorkStatus")
            if moved == self._moved:
                break
            # A door has moved meanwhile: this may be how it was before.
        self._show(status)

    @callback
    def _show(self, status: Mapping[str, Any]) -> None:
        """Take how things are. What is not said, or is no state, is not known."""
        locks, modes, contacts = (
            dict(enumerate((_number(row) for row in rows(status.get(key))), start=1))
            for key in ("doorLockStatus", "doorStatus", "magneticStatus")
        )
        readings: dict[str, Value] = {
            "trouble": any(
                state not in (SHUT, OPEN)
                for states in (locks, contacts)
                for state in states.values()
            )
        }
        self._modes = {door: mode for door, mode in modes.items() if mode is not None}
        for door in self.doors:
            if (lock := locks.get(door)) in (SHUT, OPEN) and door in self._modes:
                readings[f"locked_{door}"] = not (
                    lock == OPEN and self._modes[door] == NORMALLY_OPEN
                )
            if (contact := contacts.get(door)) in (SHUT, OPEN):
                readings[f"door_open_{door}"] = contact == OPEN
                if contact == SHUT:
                    self._forced.discard(door)
            readings[f"door_forced_{door}"] = door in self._forced
        if box := status.get("hostAntiDismantleStatus"):
            readers = rows(status.get("cardReaderAntiDismantleStatus"))
            readings["tamper"] = box == "open" or any(
                _number(row) == OPEN for row in readers
            )
        self.device.update(readings)

    @override
    async def async_lock(self, door: int, locked: bool) -> None:
        command = "close" if locked else "alwaysOpen"
        await self._once((door, command), lambda: self._async_order(door, command))

    @override
    async def async_open(self, door: int) -> bool:
        await self._async_order(door, "open")
        for _look in range(LOOKS):
            status = await self.terminal.get("AccessControl/AcsWorkStatus")
            locks = rows(status.get("doorLockStatus"))
            if len(locks) >= door and _number(locks[door - 1]) == OPEN:
                return True
        return False

    async def _async_order(self, door: int, command: str) -> None:
        await self.terminal.send(
            "PUT",
            f"AccessControl/RemoteControl/door/{door}",
            f"<RemoteControlDoor><cmd>{command}</cmd></RemoteControlDoor>",
        )

    # Its clock

    async def _async_see_clock(self) -> None:
        """Look at the clock and its zone, and set what is off: cards go by it."""
        told, zone = await self._async_clock()
        offset = self.clock_offset
        is_ntp = told.get("timeMode") == "NTP"
        most = WRONG_SECONDS if is_ntp else SET_SECONDS
        is_off = offset is None or abs(offset) > most or not _is_ours(zone)
        if is_off and self._is_ours_right(offset):
            if is_ntp and offset is not None and zone is not None:
                # What is left without the zone is what its time server has wrong.
                ours = dt_util.now().utcoffset() or timedelta()
                is_ntp = abs(offset - (zone - ours).total_seconds()) <= WRONG_SECONDS
            with suppress(RefusedError):
                await self.terminal.send("PUT", "System/time", _time(is_ntp=is_ntp))
            _, zone = await self._async_clock()
            offset = self.clock_offset
        self.device.update(
            {
                "clock_wrong": offset is None
                or abs(offset) > WRONG_SECONDS
                or not _is_ours(zone)
            }
        )

    async def _async_clock(self) -> tuple[dict[str, Any], timedelta | None]:
        """Ask what the clock shows, against what ours does. Return that, and its zone."""
        told: dict[str, Any] = {}
        zone = offset = None
        with suppress(RefusedError, ValueError):
            told = await self.terminal.get("System/time")
            at = datetime.fromisoformat(str(told.get("localTime")))
            zone = at.utcoffset() or _zone(str(told.get("timeZone")))
            ahead = at.replace(tzinfo=None) - dt_util.now().replace(tzinfo=None)
            offset = ahead / timedelta(seconds=1)
        # At once: others compare theirs with it.
        self.clock_offset = offset
        return told, zone

    # Events

    @callback
    def _listen(self, _now: datetime | None = None) -> None:
        self._listen_later = None
        self._gateway.entry.async_create_background_task(
            self._gateway.hass, self._async_listen(), f"{DOMAIN} {self._name} stream"
        )

    async def _async_listen(self) -> None:
        """Take what it sends by itself until that ends, and plan the next time."""
        pause = RETRY_SECONDS
        try:
            async with aclosing(self.terminal.events()) as events:
                async for event in events:
                    self._take(event)
        except NoAnswerError as err:
            LOGGER.debug("The stream of %s: %s", self._name, err)
            if isinstance(err, RefusedError):
                pause = TAKEN_SECONDS
        finally:
            if self._is_listening and not self._stopped:
                # Something may be wrong with it.
                self._soon()
            self._is_listening = False
            if not self._stopped:
                self._listen_later = async_call_later(
                    self._gateway.hass, pause, self._listen
                )

    @callback
    def _take(self, event: Mapping[str, Any]) -> None:
        """Take what the stream has brought: an event, now or long ago, or a heartbeat."""
        self._heard = time.monotonic()
        self._was_heard = True
        self._gateway.end_problem(NO_EVENTS, self.serial)
        if not self._is_listening:
            self._is_listening = True
            # It may have been away, and have begun anew.
            self.connect_again()
        event = event.get("EventNotificationAlert", event)
        if not event:
            self._gateway.refuse(self.serial, "no message")
            return
        if not isinstance(row := event.get("AccessControllerEvent"), dict):
            self.device.seen()
            return
        if (serial := _number(row.get("serialNo"))) is None:
            self._gateway.refuse(self.serial, "an event without its number")
            return
        is_old = str(row.get("currentEvent")).lower() == "false"
        if is_old:
            self._repeated = self._heard
        if self._has_history:
            if is_old or self.index is None:
                # It is fetched, if it was not taken.
                return
            if serial <= self.index:
                return
            before = _number(row.get("frontSerialNo")) or serial - 1
            if self._catching_up or before > self.index:
                self._catch_up()
                return
        elif is_old and (self.index is None or serial <= self.index):
            return
        self._happened(serial, row, _time_of(event), is_old=is_old)

    async def _async_find_last(self) -> None:
        """Learn up to where events were taken: what was before us is nobody's business."""
        newest = None
        try:
            total, _ = await self._async_events(1, most=1)
            if total:
                _, last = await self._async_events(1, position=total - 1, most=1)
                newest = last[-1][0] if last else None
        except RefusedError as err:
            LOGGER.info("%s has no history: %s", self._name, err)
            self._has_history = False
        else:
            self._has_history = True
            newest = newest or 0
        if self.index is None:
            self._gateway.house.passages.begin_anew(self.device)
            known = None if self._is_new else self._gateway.index
            self.index = newest if known is None else known
        if newest and self.index is not None and newest < self.index:
            # It has begun anew, and may have forgotten more than its events.
            self.index = 0
            self._gateway.house.credentials.look_again(self.device)

    async def _async_events(
        self, first: int, *, position: int = 0, most: int = PAGE
    ) -> tuple[int | None, list[tuple[int, dict[str, Any]]]]:
        """Return how many events there are from a number on, and a page of them.

        Raises TerminalError.
        """
        zone = dt_util.now().isoformat()[-6:]
        found = await self.terminal.send(
            "POST",
            "AccessControl/AcsEvent",
            {
                "AcsEventCond": {
                    "searchID": uuid.uuid4().hex,
                    "searchResultPosition": position,
                    "maxResults": most,
                    "major": 0,
                    "minor": 0,
                    "startTime": f"{EVER}{zone}",
                    "endTime": f"{NEVER}{zone}",
                    "beginSerialNo": first,
                    "endSerialNo": MOST_SERIAL,
                }
            },
        )
        page = [
            (serial, row)
            for row in rows(found.get("InfoList"))
            if isinstance(row, dict)
            and (serial := _number(row.get("serialNo"))) is not None
        ]
        return _number(found.get("totalMatches")), sorted(page, key=lambda row: row[0])

    @callback
    def _catch_up(self) -> None:
        """Fetch what was not heard; it may be thousands, and doors do not wait."""
        if not self._has_history or self.index is None:
            return
        self._more = True
        if not self._catching_up:
            self._catching_up = True
            self._gateway.entry.async_create_background_task(
                self._gateway.hass,
                self._async_catch_up(),
                f"{DOMAIN} {self._name} events",
            )

    async def _async_catch_up(self) -> None:
        try:
            while self._more and self.index is not None:
                self._more = False
                first = self.index + 1
                _, page = await self._async_events(first)
                if self.index != first - 1:
                    # It has begun anew meanwhile.
                    self._more = True
                    continue
                new = [row for row in page if row[0] >= first]
                if page and not new:
                    raise RefusedError("it does not look for numbers")
                for serial, row in new:
                    self._gateway.discarded["missing events"] += serial - self.index - 1
                    self._happened(serial, row, _time_of(row), is_old=True)
                self._more = self._more or len(page) == PAGE
        except RefusedError as err:
            LOGGER.warning("%s has no history: %s", self._name, err)
            self._has_history = False
        except TerminalError as err:
            # The next turn goes on with it.
            LOGGER.debug("%s: %s", self._name, err)
        finally:
            self._catching_up = False

    def _happened(
        self,
        serial: int,
        row: Mapping[str, Any],
        stamp: datetime | None,
        *,
        is_old: bool,
    ) -> None:
        """Take one event; `stamp` is the terminal's time of it, which counts if it is old."""
        self.index = serial
        now = dt_util.utcnow()
        at = (stamp or now) if is_old else now
        is_late = (now - at).total_seconds() > LATE_SECONDS
        kind = _number(row.get("majorEventType", row.get("major")))
        minor = _number(row.get("subEventType", row.get("minor"))) or 0
        door = _number(row.get("doorNo")) or 1
        person = row.get("employeeNoString", row.get("employeeNo"))
        number = str(row.get("cardNo") or number_of(str(person or "")))
        decision = _DECISIONS.get(minor) if kind == _EVENT else None
        if kind == _EVENT and minor in (_OPENED, _CLOSED, _FORCED, _HELD):
            self._door_moved(door, minor, is_late=is_late)
        elif kind == _EVENT and (decision or number):
            self._gateway.house.passages.passed(
                self.device,
                Passage(
                    device_id=self.device.device_id,
                    door=str(door),
                    number=number,
                    # Whatever is no swipe that went well is a refusal.
                    decision=decision or Decision.OTHER,
                    at=at,
                    index=serial,
                    stamp=stamp,
                    late=is_late,
                ),
            )
        elif kind == _ALARM and minor in (*_TAMPER, *_TAMPER_OVER):
            if not is_late:
                self.device.update({"tamper": minor in _TAMPER})
            self._look()
        elif kind == _EXCEPTION and minor == _POWER_ON:
            # It may have lost what was being written.
            self._gateway.house.credentials.look_again(self.device)
            self._look()
        elif (kind == _OPERATION and minor in _REMOTE) or (
            # Somebody may have locked what is to be open.
            kind == _EVENT
            and minor == _LOCK_SHUT
            and self._modes.get(door) == NORMALLY_OPEN
        ):
            self._look()

    def _door_moved(self, door: int, minor: int, *, is_late: bool) -> None:
        if door not in self.doors:
            return
        self._moved += 1
        if minor == _FORCED:
            self._forced.add(door)
            self.device.update({f"door_forced_{door}": True})
        if is_late:
            self._look()
            return
        if minor == _CLOSED:
            self._forced.discard(door)
        self.device.update(
            {
                f"door_open_{door}": minor != _CLOSED,
                f"door_forced_{door}": door in self._forced,
            }
        )

    def diagnostics(self) -> dict[str, Any]:
        """Return what helps to find a fault."""
        return {
            "device_id": self.device.device_id,
            "answers": self._connected,
            "stream": self._is_listening,
            "live": self._is_live,
            "history": self._has_history,
            "modes": dict(self._modes),
            "last_event": self.index,
            "clock_offset_seconds": self.clock_offset,
            "heard_seconds_ago": round(time.monotonic() - self._heard),
            "passages_dropped": self._gateway.house.passages.dropped[self.device.uid],
        }


def _number(value: Any) -> int | None:
    try:
        return int(value)
    except TypeError, ValueError:
        return None


def _time_of(row: Mapping[str, Any]) -> datetime | None:
    """Return when an event was, by its terminal; None if it does not say."""
    at = dt_util.parse_datetime(str(row.get("time") or row.get("dateTime")))
    return dt_util.as_utc(at) if at else None


def _zone(text: str) -> timedelta | None:
    """Return the zone of a text such as `CST-8:00:00`, which is UTC+8.

    None for one with rules for summer: what it is now nobody can say.
    """
    found = re.fullmatch(r"[A-Za-z]+([+-]?)(\d+)(?::(\d+))?(?::\d+)?", text)
    if not found:
        return None
    east = timedelta(hours=int(found[2]), minutes=int(found[3] or 0))
    return east if found[1] == "-" else -east


def _is_ours(zone: timedelta | None) -> bool:
    """Return if a zone is ours, or nobody knows that it is not."""
    return zone in (None, dt_util.now().utcoffset())


def _time(*, is_ntp: bool) -> str:
    """Return our time and zone; where a time server has the time, the zone alone."""
    now = dt_util.now().replace(microsecond=0)
    minutes = round((now.utcoffset() or timedelta()) / timedelta(minutes=1))
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes >= 0 else "+"
    mode = "NTP" if is_ntp else "manual"
    local = "" if is_ntp else f"<localTime>{now.isoformat()}</localTime>"
    zone = f"<timeZone>CST{sign}{hours}:{rest:02}:00</timeZone>"
    return f"<Time><timeMode>{mode}</timeMode>{local}{zone}</Time>"
