"""A Hikvision terminal on the loopback address: digest log-in, persons and cards, events, a clock.

It is written from what terminals were seen to do, and not with the code that is tested
against it: nonces die after two uses, three kinds of refusals have the same status, a page
is never longer than thirty rows, an empty list is left out, and a stream begins with the
whole log. It goes by its own clock in its own zone. What goes wrong on request is in `Fault`
and in the methods below it.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum
import hashlib
import json
import re
import secrets
import socket
from typing import Any
from xml.etree import ElementTree as ET
from xml.sax.saxutils import escape

from aiohttp import web

from .listening import accept_no_more, listen

USERNAME, PASSWORD = "admin", "right password 1"
REALM = "DS-2024"
#: Uses of one nonce.
NONCE_USES = 2
#: Wrong passwords from one address until it is locked out, and for how long.
TRIES = 5
LOCKED = timedelta(minutes=30)
#: Rows of a page, and cards of a person, at most.
PAGE = 30
CARDS_EACH = 5
BOUNDARY = "MIME_boundary"
HEARTBEAT_SECONDS = 10

# Kinds of events, and some of what they may be.
ALARM, EXCEPTION, OPERATION, EVENT = 1, 2, 3, 5
CARD_OK, NOT_ALLOWED, EXPIRED, NO_SUCH_CARD = 1, 6, 8, 9
LOCK_OPEN, LOCK_SHUT, OPENED, CLOSED, FORCED = 21, 22, 25, 26, 27
FACE_OK = 75
TAMPER, TAMPER_OVER, POWER_ON = 1028, 1029, 1024
_COMMANDS = {"open": 1024, "close": 1025, "alwaysOpen": 1026, "alwaysClose": 1027}


class Fault(StrEnum):
    """How a terminal misbehaves, on request."""

    #: It takes connections and answers none.
    OFFLINE = "offline"
    #: Each answer takes `slowness` seconds.
    SLOW = "slow"
    #: What it answers is nothing that anybody could read.
    GARBAGE = "garbage"
    #: It answers in XML what it was asked for in JSON.
    XML = "xml"
    #: Its lock does not open, whatever it is told.
    STUCK = "stuck"
    #: It says that it holds a door open, and does not.
    OBSTINATE = "obstinate"
    #: Its clock takes no time.
    CLOCK = "clock"
    #: It says that it has stored a card, and has not.
    FORGETFUL = "forgetful"
    #: A person is written without doors, as if the power went in the middle.
    HALF_WRITTEN = "half_written"
    #: It is offline as soon as it has written a person: the card is not.
    DIES_AFTER_WRITING = "dies_after_writing"
    #: It says that it has deleted a card, and has not.
    KEEPS_CARDS = "keeps_cards"
    #: What it deletes is gone only some requests later.
    DELETES_LATER = "deletes_later"
    #: It answers no search that has no filter.
    NO_LIST = "no_list"
    #: It has no history of events, or looks for no numbers in it.
    NO_HISTORY = "no_history"
    NO_NUMBERS = "no_numbers"
    #: It has no stream, or one that says nothing.
    NO_STREAM = "no_stream"
    MUTE = "mute"
    #: The user may do nothing.
    LOW_PRIVILEGE = "low_privilege"
    #: It was never given a password.
    NOT_ACTIVATED = "not_activated"


@dataclass(slots=True, kw_only=True)
class Person:
    """A person as it is on the terminal, with times of its own clock."""

    employee: str
    enable: bool = True
    begin: str = "2020-01-01T00:00:00"
    end: str = "2037-12-31T23:59:59"
    time_type: str = "local"
    doors: str = "1"
    plans: dict[str, str] = field(default_factory=lambda: {"1": "1"})
    user_type: str = "normal"
    faces: int = 0

    def as_dict(self) -> dict[str, Any]:
        """Return it as a terminal tells it."""
        return {
            "employeeNo": self.employee,
            "name": "",
            "userType": self.user_type,
            "Valid": {
                "enable": self.enable,
                "beginTime": self.begin,
                "endTime": self.end,
                "timeType": self.time_type,
            },
            "doorRight": self.doors,
            "RightPlan": [
                {"doorNo": int(door), "planTemplateNo": plan}
                for door, plan in self.plans.items()
            ],
            "numOfFace": self.faces,
        }


@dataclass(slots=True)
class Card:
    """A card as it is on the terminal. It has no dates of its own."""

    number: str
    employee: str
    kind: str = "normalCard"

    def as_dict(self) -> dict[str, Any]:
        """Return it as a terminal tells it."""
        return {
            "employeeNo": self.employee,
            "cardNo": self.number,
            "cardType": self.kind,
            "leaderCard": "",
        }


@dataclass(slots=True)
class Door:
    """A door: its contact, its lock, and who holds it open."""

    mode: int = 4
    is_open: bool = False
    unlocked_until: datetime | None = None


class _NoError(Exception):
    """An answer that is no good one: a status, and what was wrong."""

    def __init__(self, status: int, code: str, number: int = 4) -> None:
        """Initialize; `number` is the statusCode, of which 1 alone is good."""
        super().__init__(code)
        self.status, self.code, self.number = status, code, number


class Terminal:
    """One terminal. `clock` is the right time; its own may be ahead, and in another zone."""

    def __init__(
        self,
        serial: str = "DS-K2604T20260101V010000ENE00000001",
        *,
        doors: int = 2,
        capacity: int = 20_000,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        zone: timedelta = timedelta(hours=8),
    ) -> None:
        """Initialize as an installer leaves it."""
        self.serial = serial
        self.password = PASSWORD
        self.capacity = capacity
        self.faults: set[Fault] = set()
        self.slowness = 4.0
        #: So many answers are waiting for that time to pass.
        self.asleep = 0
        #: How far its clock is ahead, its zone, and who sets it.
        self.offset = timedelta()
        self.zone = zone
        self.time_mode = "manual"
        self._clock = clock
        #: What it was asked for by who had logged in, as `GET System/time`, in its order.
        self.asked: list[str] = []
        #: How often somebody has logged in with a wrong password.
        self.wrong = 0
        #: So many answers are `deviceBusy`.
        self.busy = 0
        #: Called with what it is asked for, before it answers: what is done there comes in
        #: the middle of what somebody else does.
        self.on_asked: Callable[[str], None] = lambda _what: None
        self.locked_until: dict[str, datetime] = {}
        self._failures: Counter[str] = Counter()
        self._nonces: dict[str, int] = {}
        self.doors = [Door() for _ in range(doors)]
        self.persons: dict[str, Person] = {}
        self.cards: dict[str, Card] = {}
        #: Cards that are gone later, and requests until then.
        self._leaving: dict[str, int] = {}
        self.events: list[dict[str, Any]] = []
        self._serial_no = 0
        self.is_tampered = False
        self.lock_state = 0
        #: Until when the place of a stream that has broken off stays taken.
        self.taken_until: datetime | None = None
        #: For how long, once one breaks off.
        self.keeps_place = timedelta()
        self._streams: set[asyncio.Queue[bytes | None]] = set()
        self._handlers: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None
        self.port = 0

    async def start(self, port: int = 0) -> None:
        """Listen at a port of the loopback address."""
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(
            app, shutdown_timeout=0.1, access_log=None, handler_cancellation=True
        )
        await self._runner.setup()
        self._listener = listen(port)
        self.port = self._listener.getsockname()[1]
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        """End."""
        self.break_streams()
        for task in tuple(self._handlers):
            task.cancel()
        if self._listener and self._runner:
            await accept_no_more(self._listener)
            await self._runner.cleanup()

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def now(self) -> datetime:
        """Return the time that it shows, with its zone."""
        return (self._clock() + self.offset).astimezone(timezone(self.zone))

    # The world

    def swipe(self, number: str, door: int = 1) -> bool:
        """Hold a card to a reader. Return if the lock has opened."""
        card = self.cards.get(number)
        person = self.persons.get(card.employee) if card else None
        if card is None:
            minor = NO_SUCH_CARD
        elif person is None or str(door) not in person.doors.split(","):
            minor = NOT_ALLOWED
        elif not self._is_valid(person):
            minor = EXPIRED
        else:
            minor = CARD_OK
        self.happen(EVENT, minor, doorNo=door, cardNo=number, cardReaderNo=door)
        if minor == CARD_OK:
            self._unlock(door)
        return minor == CARD_OK

    def show_face(self, employee: str, door: int = 1) -> None:
        """Let somebody in by the face: the event has no card."""
        self.happen(EVENT, FACE_OK, doorNo=door, employeeNoString=employee)

    def _is_valid(self, person: Person) -> bool:
        if not person.enable:
            return True
        now = self.now.replace(tzinfo=None)
        if person.time_type == "UTC":
            now = self.now.astimezone(UTC).replace(tzinfo=None)
        begin, end = (
            datetime.fromisoformat(text.removesuffix("Z"))
            for text in (person.begin, person.end)
        )
        return begin <= now <= end

    def open(self, door: int = 1, *, forced: bool = False) -> None:
        """Open a door, by force or after it was unlocked."""
        self.doors[door - 1].is_open = True
        self.happen(EVENT, FORCED if forced else OPENED, doorNo=door)

    def shut(self, door: int = 1) -> None:
        """Shut a door."""
        self.doors[door - 1].is_open = False
        self.happen(EVENT, CLOSED, doorNo=door)

    def tamper(self, *, over: bool = False) -> None:
        """Open its box, or close it again."""
        self.is_tampered = not over
        self.happen(ALARM, TAMPER_OVER if over else TAMPER)

    def restart(self) -> None:
        """Take its power away for a moment: lists, log and numbers stay."""
        for door in self.doors:
            door.unlocked_until = None
        self.break_streams()
        self.happen(EXCEPTION, POWER_ON)

    def forget_everything(self) -> None:
        """Put it back as it came out of its box, with the same password."""
        self.break_streams()
        self.persons.clear()
        self.cards.clear()
        self.events.clear()
        self._serial_no = 0

    def vendor_writes(self, number: str, **person: Any) -> None:
        """Write a card and its person with the vendor's tool."""
        employee = person.pop("employee", f"9{number}")
        self.persons[employee] = Person(employee=employee, **person)
        self.cards[number] = Card(number, employee)

    def lock_out(self, address: str = "127.0.0.1") -> None:
        """Lock an address out, as another program there would have it."""
        self.locked_until[address] = self._clock() + LOCKED

    def break_streams(self) -> None:
        """Break all streams off."""
        for queue in tuple(self._streams):
            queue.put_nowait(None)

    def say(self, part: bytes) -> None:
        """Send something in all streams, whatever it is."""
        for queue in self._streams:
            queue.put_nowait(part)

    def beat(self) -> None:
        """Send a heartbeat."""
        self.say(_part({"eventType": "heartBeat", "eventState": "active"}))

    def happen(self, major: int, minor: int, **more: Any) -> None:
        """Let something happen: it is kept, and sent to who listens."""
        self._serial_no += 1
        event = {
            "major": major,
            "minor": minor,
            "time": self.now.isoformat(timespec="seconds"),
            "serialNo": self._serial_no,
            **more,
        }
        self.events.append(event)
        if Fault.MUTE not in self.faults:
            self.say(self._message(event, is_current=True))

    def _message(self, event: dict[str, Any], *, is_current: bool) -> bytes:
        """Return an event as a stream spells it."""
        more = dict(event)
        major, minor, time = more.pop("major"), more.pop("minor"), more.pop("time")
        return _part(
            {
                "ipAddress": "127.0.0.1",
                "dateTime": time,
                "activePostCount": 1,
                "eventType": "AccessControllerEvent",
                "eventState": "active",
                "AccessControllerEvent": {
                    "majorEventType": major,
                    "subEventType": minor,
                    **more,
                    "frontSerialNo": event["serialNo"] - 1,
                    "currentEvent": is_current,
                },
            }
        )

    def _unlock(self, door: int) -> None:
        self.doors[door - 1].unlocked_until = self._clock() + timedelta(seconds=5)
        self.happen(EVENT, LOCK_OPEN, doorNo=door)

    def is_unlocked(self, door: int = 1) -> bool:
        """Return if a lock is open."""
        row = self.doors[door - 1]
        if Fault.STUCK in self.faults:
            return False
        return row.mode == 2 or bool(
            row.unlocked_until and self._clock() < row.unlocked_until
        )

    # HTTP

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        task = asyncio.ensure_future(self._answer(request))
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        if request.path.endswith("alertStream"):
            return await task
        # What it was told, it does, whoever has hung up meanwhile.
        return await asyncio.shield(task)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        if Fault.OFFLINE in self.faults:
            return _hang_up(request)
        if refusal := self._log_in(request):
            return refusal
        what = f"{request.method} {request.path.removeprefix('/ISAPI/')}"
        self.asked.append(what)
        self.on_asked(what)
        if Fault.SLOW in self.faults:
            self.asleep += 1
            try:
                await asyncio.sleep(self.slowness)
            finally:
                self.asleep -= 1
        if Fault.OFFLINE in self.faults:
            return _hang_up(request)
        if Fault.GARBAGE in self.faults:
            return web.Response(body=b"\x00\xff<html>")
        if what == "GET Event/notification/alertStream":
            return await self._stream(request)
        is_json = request.query.get("format") == "json" and Fault.XML not in self.faults
        try:
            if Fault.LOW_PRIVILEGE in self.faults:
                raise _NoError(403, "lowPrivilege")
            if self.busy:
                self.busy -= 1
                raise _NoError(403, "deviceBusy", 2)
            self._leave()
            found = self._do(what, body)
        except _NoError as err:
            said = {
                "statusCode": err.number,
                "statusString": "Invalid Operation",
                "subStatusCode": err.code,
            }
            if is_json:
                return web.json_response(said, status=err.status)
            return _xml({"ResponseStatus": said}, err.status)
        if found is None:
            # It has gone while it was asked.
            return _hang_up(request)
        if is_json and not (len(found) == 1 and next(iter(found)) in _XML_ALWAYS):
            return web.json_response(found)
        if "statusCode" in found:
            found = {"ResponseStatus": found}
        return _xml(found)

    def _log_in(self, request: web.Request) -> web.Response | None:
        """Return why a request is refused, None if it is not."""
        if Fault.NOT_ACTIVATED in self.faults:
            return _xml(
                {"ResponseStatus": {"statusCode": 4, "subStatusCode": "notActivated"}},
                403,
            )
        address = request.remote or ""
        until = self.locked_until.get(address)
        if until and self._clock() < until:
            left = (until - self._clock()).total_seconds()
            return self._unknown(lockStatus="lock", unlockTime=round(left))
        given = {
            key: quoted or bare
            for key, quoted, bare in re.findall(
                r'(\w+)=(?:"([^"]*)"|([^,\s]+))',
                request.headers.get("Authorization", ""),
            )
        }
        if not given:
            # Who says nothing has tried nothing.
            return self._unknown(
                lockStatus="unlock", retryLoginTime=self._left(address)
            )
        nonce = given.get("nonce", "")
        uses = self._nonces.get(nonce, NONCE_USES)
        if uses >= NONCE_USES:
            return _xml(
                {
                    "ResponseStatus": {
                        "statusCode": 4,
                        "statusString": "Invalid Operation",
                        "subStatusCode": "invalidOperation",
                    }
                },
                401,
            )
        self._nonces[nonce] = uses + 1
        secret = _md5(f"{USERNAME}:{REALM}:{self.password}")
        told = _md5(f"{request.method}:{request.raw_path}")
        right = _md5(
            f"{secret}:{nonce}:{given.get('nc')}:{given.get('cnonce')}:auth:{told}"
        )
        if given.get("username") == USERNAME and given.get("response") == right:
            self._failures.pop(address, None)
            return None
        self.wrong += 1
        self._failures[address] += 1
        if self._failures[address] >= TRIES:
            del self._failures[address]
            self.lock_out(address)
            return self._unknown(
                lockStatus="lock", unlockTime=round(LOCKED.total_seconds())
            )
        return self._unknown(lockStatus="unlock", retryLoginTime=self._left(address))

    def _left(self, address: str) -> int:
        return TRIES - self._failures[address]

    def _unknown(self, **check: Any) -> web.Response:
        nonce = secrets.token_hex(16)
        self._nonces[nonce] = 0
        response = _xml(
            {
                "userCheck": {
                    "statusValue": 401,
                    "statusString": "Unauthorized",
                    **check,
                }
            },
            401,
        )
        response.headers["WWW-Authenticate"] = (
            f'Digest qop="auth", realm="{REALM}", nonce="{nonce}", stale="FALSE"'
        )
        return response

    async def _stream(self, request: web.Request) -> web.StreamResponse:
        taken = self.taken_until and self._clock() < self.taken_until
        if Fault.NO_STREAM in self.faults or taken or self._streams:
            return _xml(
                {"ResponseStatus": {"statusCode": 4, "subStatusCode": "notSupport"}},
                404,
            )
        queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        response = web.StreamResponse(
            headers={"Content-Type": f"multipart/mixed; boundary={BOUNDARY}"}
        )
        response.enable_chunked_encoding()
        await response.prepare(request)
        self._streams.add(queue)
        if Fault.MUTE not in self.faults:
            for event in self.events:
                queue.put_nowait(self._message(event, is_current=False))
            self.beat()
        with suppress(ConnectionError):
            try:
                while (part := await self._next_part(queue)) is not None:
                    await response.write(part)
            finally:
                self._streams.discard(queue)
                self.taken_until = self._clock() + self.keeps_place
        if request.transport:
            request.transport.abort()
        return response

    async def _next_part(self, queue: asyncio.Queue[bytes | None]) -> bytes | None:
        """Return what is to be sent next: after a while of nothing a heartbeat."""
        while True:
            try:
                async with asyncio.timeout(HEARTBEAT_SECONDS):
                    return await queue.get()
            except TimeoutError:
                if Fault.MUTE not in self.faults:
                    self.beat()

    # What it can do

    def _do(self, what: str, body: bytes) -> dict[str, Any] | None:
        """Return the answer to something, None if it has gone meanwhile."""
        match what:
            case "GET System/deviceInfo":
                return {
                    "DeviceInfo": {
                        "deviceName": "Access Controller",
                        "model": "DS-K2604T",
                        "serialNumber": self.serial,
                        "firmwareVersion": "V1.2.3",
                        "deviceType": "ACS",
                    }
                }
            case "GET System/time":
                hours, rest = divmod(round(abs(self.zone.total_seconds())) // 60, 60)
                sign = "-" if self.zone >= timedelta() else "+"
                return {
                    "Time": {
                        "timeMode": self.time_mode,
                        "localTime": self.now.isoformat(timespec="seconds"),
                        "timeZone": f"CST{sign}{hours}:{rest:02}:00",
                    }
                }
            case "PUT System/time":
                self._set_time(body)
            case "GET AccessControl/AcsWorkStatus":
                return self._status()
            case "POST AccessControl/AcsEvent":
                return self._history(_json(body)["AcsEventCond"])
            case "POST AccessControl/UserInfo/Search":
                return self._search(
                    "UserInfo",
                    {key: row.as_dict() for key, row in self.persons.items()},
                    _json(body)["UserInfoSearchCond"],
                    "EmployeeNoList",
                )
            case "POST AccessControl/CardInfo/Search":
                return self._search(
                    "CardInfo",
                    {key: row.as_dict() for key, row in self.cards.items()},
                    _json(body)["CardInfoSearchCond"],
                    "CardNoList",
                )
            case (
                "POST AccessControl/UserInfo/Record"
                | "PUT AccessControl/UserInfo/Modify"
            ):
                self._write_person(
                    _json(body)["UserInfo"], is_new=what.startswith("POST")
                )
                if Fault.DIES_AFTER_WRITING in self.faults:
                    self.faults.add(Fault.OFFLINE)
                    return None
            case (
                "POST AccessControl/CardInfo/Record"
                | "PUT AccessControl/CardInfo/Modify"
            ):
                self._write_card(
                    _json(body)["CardInfo"], is_new=what.startswith("POST")
                )
            case "PUT AccessControl/UserInfo/Delete":
                for row in _json(body)["UserInfoDelCond"]["EmployeeNoList"]:
                    self._delete_person(row["employeeNo"])
            case "PUT AccessControl/CardInfo/Delete":
                for row in _json(body)["CardInfoDelCond"]["CardNoList"]:
                    self._delete_card(row["cardNo"])
            case _:
                if found := re.fullmatch(
                    r"PUT AccessControl/RemoteControl/door/(\d+)", what
                ):
                    order = ET.fromstring(body)  # noqa: S314
                    self._command(int(found[1]), order.findtext("cmd"))
                else:
                    path = what.partition(" ")[2]
                    known = path.startswith(("System/time", "AccessControl/UserInfo/"))
                    raise _NoError(403, "methodNotAllowed" if known else "notSupport")
        return {"statusCode": 1, "statusString": "OK", "subStatusCode": "ok"}

    def _set_time(self, body: bytes) -> None:
        told = ET.fromstring(body)  # noqa: S314
        zone = re.fullmatch(
            r"\w+?([+-])(\d+):(\d+):\d+", told.findtext("timeZone") or ""
        )
        if zone is None:
            raise _NoError(400, "badParameters", 6)
        if Fault.CLOCK in self.faults:
            return
        self.time_mode = told.findtext("timeMode") or ""
        east = timedelta(hours=int(zone[2]), minutes=int(zone[3]))
        self.zone = east if zone[1] == "-" else -east
        if local := told.findtext("localTime"):
            wall = datetime.fromisoformat(local).replace(tzinfo=timezone(self.zone))
            self.offset = wall - self._clock()

    def _status(self) -> dict[str, Any]:
        count = range(1, len(self.doors) + 1)
        return {
            "AcsWorkStatus": {
                "doorLockStatus": [
                    self.lock_state or int(self.is_unlocked(door)) for door in count
                ],
                "doorStatus": [door.mode for door in self.doors],
                "magneticStatus": [int(door.is_open) for door in self.doors],
                "hostAntiDismantleStatus": "open" if self.is_tampered else "close",
                "cardReaderAntiDismantleStatus": [0] * len(self.doors),
                "cardNum": len(self.cards),
            }
        }

    def _command(self, number: int, command: str | None) -> None:
        if command not in _COMMANDS or not 1 <= number <= len(self.doors):
            raise _NoError(400, "badParameters", 6)
        door = self.doors[number - 1]
        if command == "open":
            self._unlock(number)
        elif Fault.OBSTINATE not in self.faults:
            door.mode = {"alwaysOpen": 2, "alwaysClose": 3}.get(command, 4)
        self.happen(OPERATION, _COMMANDS[command], doorNo=number)

    def _history(self, wanted: dict[str, Any]) -> dict[str, Any]:
        if Fault.NO_HISTORY in self.faults:
            raise _NoError(403, "methodNotAllowed")
        begin, end = (
            datetime.fromisoformat(wanted[key]) for key in ("startTime", "endTime")
        )
        first = 0 if Fault.NO_NUMBERS in self.faults else wanted["beginSerialNo"]
        found = [
            row
            for row in self.events
            if begin <= datetime.fromisoformat(row["time"]) <= end
            and first <= row["serialNo"] <= wanted["endSerialNo"]
        ]
        return {"AcsEvent": _page(found, wanted, "InfoList")}

    def _search(
        self,
        kind: str,
        known: dict[str, dict[str, Any]],
        wanted: dict[str, Any],
        filtered: str,
    ) -> dict[str, Any]:
        found = list(known.values())
        if filtered in wanted:
            keys = {key for row in wanted[filtered] for key in row.values()}
            found = [row for key, row in known.items() if key in keys]
        elif Fault.NO_LIST in self.faults:
            raise _NoError(403, "deviceError", 3)
        return {f"{kind}Search": _page(found, wanted, kind)}

    def _write_person(self, row: dict[str, Any], *, is_new: bool) -> None:
        employee = row["employeeNo"]
        if is_new and employee in self.persons:
            raise _NoError(400, "deviceUserAlreadyExist", 6)
        if not is_new and employee not in self.persons:
            raise _NoError(400, "employeeNoNotExist", 6)
        if is_new and len(self.persons) >= self.capacity:
            raise _NoError(400, "userExceedLimit", 6)
        valid = row["Valid"]
        half = Fault.HALF_WRITTEN in self.faults
        before = self.persons.get(employee)
        self.persons[employee] = Person(
            employee=employee,
            enable=valid["enable"],
            begin=valid["beginTime"],
            end=valid["endTime"],
            time_type=valid.get("timeType", "local"),
            doors="" if half else row["doorRight"],
            plans={str(p["doorNo"]): p["planTemplateNo"] for p in row["RightPlan"]},
            user_type=row["userType"],
            faces=before.faces if before else 0,
        )

    def _write_card(self, row: dict[str, Any], *, is_new: bool) -> None:
        number, employee = row["cardNo"], row["employeeNo"]
        if Fault.FORGETFUL in self.faults:
            return
        if employee not in self.persons:
            raise _NoError(400, "employeeNoNotExist", 6)
        if is_new and number in self.cards:
            raise _NoError(400, "cardNoAlreadyExist", 6)
        if len(self.cards) >= self.capacity:
            raise _NoError(400, "cardNumOverLimit", 6)
        theirs = [card for card in self.cards.values() if card.employee == employee]
        if len(theirs) >= CARDS_EACH:
            raise _NoError(400, "deviceCardFull", 6)
        self.cards[number] = Card(number, employee, row["cardType"])

    def _delete_person(self, employee: str) -> None:
        if employee not in self.persons:
            raise _NoError(400, "employeeNoNotExist", 6)
        if Fault.KEEPS_CARDS in self.faults:
            return
        for number, card in tuple(self.cards.items()):
            if card.employee == employee:
                self._delete_card(number)
        del self.persons[employee]

    def _delete_card(self, number: str) -> None:
        """Delete a card; of one that is not there nothing is said."""
        if Fault.KEEPS_CARDS in self.faults:
            return
        if Fault.DELETES_LATER in self.faults:
            self._leaving.setdefault(number, 4)
        else:
            self.cards.pop(number, None)

    def _leave(self) -> None:
        for number in tuple(self._leaving):
            self._leaving[number] -= 1
            if not self._leaving[number]:
                del self._leaving[number]
                self.cards.pop(number, None)


#: What terminals say in XML, whatever they were asked for.
_XML_ALWAYS = ("DeviceInfo", "Time")


def _page(
    found: list[dict[str, Any]], wanted: dict[str, Any], name: str
) -> dict[str, Any]:
    """Return a page, never longer than it may be; an empty list is left out."""
    first = wanted["searchResultPosition"]
    page = found[first : first + min(wanted["maxResults"], PAGE)]
    left = len(found) - first - len(page)
    return {
        "searchID": wanted["searchID"],
        "responseStatusStrg": ("MORE" if left > 0 else "OK") if page else "NO MATCH",
        "numOfMatches": len(page),
        "totalMatches": len(found),
        **({name: page} if page else {}),
    }


def _part(message: dict[str, Any]) -> bytes:
    """Return a message as a part of a stream."""
    text = json.dumps(message).encode()
    head = (
        f"--{BOUNDARY}\r\n"
        'Content-Type: application/json; charset="UTF-8"\r\n'
        f"Content-Length: {len(text)}\r\n\r\n"
    )
    return head.encode() + text + b"\r\n"


def _json(body: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(body)
    except ValueError as err:
        raise _NoError(400, "badJsonContent", 5) from err
    return found


def _xml(data: dict[str, Any], status: int = 200) -> web.Response:
    return web.Response(
        text=f'<?xml version="1.0" encoding="UTF-8"?>{_elements(data, top=True)}',
        content_type="application/xml",
        status=status,
    )


def _elements(data: Any, *, top: bool = False) -> str:
    space = ' version="2.0" xmlns="http://www.isapi.org/ver20/XMLSchema"' if top else ""
    if isinstance(data, dict):
        return "".join(
            f"<{key}{space}>{_elements(row)}</{key}>"
            for key, value in data.items()
            for row in (value if isinstance(value, list) else [value])
        )
    if isinstance(data, bool):
        return str(data).lower()
    return escape(str(data))


def _hang_up(request: web.Request) -> web.Response:
    if request.transport:
        request.transport.abort()
    return web.Response()


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()  # noqa: S324
