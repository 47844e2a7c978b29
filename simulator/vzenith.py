"""A Vzenith (臻识) plate camera with its barrier, over MQTT and its own pages.

It is written from the maker's pages and from what was seen of cameras, and not with the code
that is tested against it. And it does what cameras at gates do: see `Fault`.
"""

import asyncio
import base64
from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
import json
import socket
import time
from typing import Any

from aiohttp import web
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from .link import Link
from .listening import accept_no_more, listen

#: What topics begin with, before and after the maker changed it; some sites put a slash first.
LAYOUTS = ("device/{sn}", "{sn}/device", "/device/{sn}", "/{sn}/device")
#: Messages that follow each other faster than this, in seconds, may be lost.
GAP_SECONDS = 0.1
BEAT_SECONDS = 10.0
#: When the list counts: only without a connection, always, never.
OFFLINE, ALWAYS, NEVER = 0, 1, 2
OFF, ON, PULSE = 0, 1, 2
_TIME = "%Y-%m-%d %H:%M:%S"
#: The key that the log-in page has written in it.
_KEY = "天天"


class Fault(StrEnum):
    """How a camera misbehaves, on request."""

    #: No power, or no network; it has no last will.
    OFFLINE = "offline"
    #: The arm does not move, whatever is answered.
    STUCK = "stuck"
    #: It says that a plate is stored, and it is not.
    FORGETFUL = "forgetful"
    #: It answers nothing.
    MUTE = "mute"
    #: It answers every result with another code.
    REFUSES = "refuses"
    #: Its pages end, or answer what is no JSON.
    NO_PAGES = "no_pages"
    NONSENSE = "nonsense"
    #: Of two messages within 100 ms it loses the second.
    HASTY = "hasty"


class Camera:
    """One camera. `clock` is local time without a zone: by that it judges dates."""

    def __init__(
        self,
        port: int,
        serial: str = "1a2b3c4d-5e6f7081",
        *,
        layout: str = LAYOUTS[0],
        is_old: bool = False,
        takes_lists: bool = False,
        taken_code: int = 200,
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        """Initialize.

        An old build refuses a time of creation, and a newer one its absence; one that
        `takes_lists` deletes plates by a list alone.
        """
        self.serial = serial
        self.layout = layout.format(sn=serial)
        self.is_old = is_old
        self.takes_lists = takes_lists
        self.taken_code = taken_code
        self.faults: set[Fault] = set()
        self.mode = ALWAYS
        self.clock = clock
        #: How far its clock is ahead.
        self.offset = timedelta()
        self.rows: dict[str, dict[str, Any]] = {}
        self.outputs = [OFF] * 4
        #: The input at which a contact closes while the arm is up; None: none is wired.
        self.arm_input: int | None = 1
        self.is_up = False
        #: Names of what was ordered, and those that were lost because they came too fast.
        self.ordered: list[str] = []
        self.lost = 0
        #: Results that wait for a connection.
        self.stored: list[dict[str, Any]] = []
        self.username, self.password = "admin", "admin"
        self.logins = 0
        self.sessions: set[str] = set()
        self.url = ""
        self._plates = 0
        self._came = 0.0
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None
        self._beat: asyncio.Task[None] | None = None
        self._link = Link(
            port,
            subscriptions=(f"{self.layout}/message/down/+",),
            receive=self._receive,
            connected=self._connected,
            keepalive=0,
        )

    async def start(self) -> None:
        """Connect, and serve its pages on the loopback address."""
        self._link.start()
        application = web.Application()
        application.router.add_post("/login.php", self._log_in)
        application.router.add_post("/dbopr.php", self._pages)
        application.router.add_post("/dboprnew.php", self._pages)
        self._runner = web.AppRunner(application)
        await self._runner.setup()
        self._listener = listen()
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        await web.SockSite(self._runner, self._listener).start()
        await self._link.ready.wait()
        self._beat = asyncio.create_task(self._beats())

    async def stop(self) -> None:
        """End, without a word."""
        if self._beat:
            self._beat.cancel()
        await self._link.stop()
        if self._listener and self._runner:
            await accept_no_more(self._listener)
            await self._runner.cleanup()

    @property
    def now(self) -> datetime:
        """Return the local time that it believes in."""
        return self.clock() + self.offset

    # The world

    def drive(self, plate: str, **more: Any) -> bool:
        """Let a vehicle come. Return if the arm was raised for it."""
        is_in = self._lets_in(plate)
        self._plates += 1
        result = {
            "license": base64.b64encode(plate.encode()).decode(),
            "confidence": 97,
            "colorType": 1,
            "direction": 4,
            "triggerType": 1,
            "isoffline": 0,
            "is_fake_plate": 0,
            "plateid": self._plates,
            "timeStamp": {"Timeval": {"sec": int(time.time()), "usec": 120_000}},
            # A picture of half a megabyte, as cameras send them.
            "full_image_content": base64.b64encode(bytes(400_000)).decode(),
            **more,
        }
        if Fault.OFFLINE in self.faults:
            self.stored.append(result)
        else:
            self.tell_result(result)
        if is_in:
            self._raise(ON)
        return is_in and self.is_up

    def tell_result(self, result: dict[str, Any]) -> None:
        """Tell of a vehicle."""
        self._say(
            "ivs_result",
            {
                "AlarmInfoPlate": {
                    "channel": 0,
                    "serialno": self.serial,
                    "result": {"PlateResult": result},
                }
            },
        )

    def lower(self) -> None:
        """Let the vehicle be through: the arm goes down, unless its output holds it."""
        if self.outputs[0] != ON and self.is_up:
            self.is_up = False
            self._tell_arm()

    def come_back(self) -> None:
        """End an outage: what was stored is sent, marked as such."""
        self.faults.discard(Fault.OFFLINE)
        for result in self.stored:
            self.tell_result({**result, "isoffline": 1})
        self.stored.clear()
        self.beat()

    def beat(self) -> None:
        """Send a heartbeat, as cameras do: with a NUL before it."""
        at = int(time.time() + self.offset.total_seconds())
        self._say("keep_alive", {"body": {"timestamp": at}}, before=b"\0")

    def say_input(self, source: int, value: int) -> None:
        """Tell of an input."""
        trigger = {"source": source, "value": value}
        self._say(
            "gpio_in",
            {"body": {"AlarmGioIn": {"result": {"TriggerResult": trigger}}}},
        )

    def say_gate(self, status: int) -> None:
        """Tell how the barrier is, in a word that nobody explains."""
        body = {"gate_ctrl_id": 0, "gate_status": status, "connect_status": 1}
        self._say("barr_gate_status", {"body": body})

    # Its inside

    def _lets_in(self, plate: str) -> bool:
        """Return if its list lets a plate in, by its own clock."""
        row = self.rows.get(plate)
        is_asked = self.mode == ALWAYS or (
            self.mode == OFFLINE and Fault.OFFLINE in self.faults
        )
        if row is None or not is_asked or not row.get("enable"):
            return False
        begin, end = (
            datetime.strptime(row[key], _TIME)  # noqa: DTZ007 - it knows no zone
            for key in ("enable_time", "overdue_time")
        )
        return not row.get("need_alarm") and begin <= self.now <= end

    def _raise(self, value: int) -> None:
        if Fault.STUCK not in self.faults and not self.is_up and value in (ON, PULSE):
            self.is_up = True
            self._tell_arm()

    def _tell_arm(self) -> None:
        if self.arm_input is not None:
            self.say_input(self.arm_input, int(self.is_up))

    async def _beats(self) -> None:
        while True:
            self.beat()
            await asyncio.sleep(BEAT_SECONDS)

    def _connected(self) -> None:
        if self._beat:
            self.beat()

    def _say(
        self,
        name: str,
        payload: dict[str, Any],
        *,
        before: bytes = b"",
        way: str = "up",
    ) -> None:
        if Fault.OFFLINE in self.faults:
            return
        message = {
            "id": "Qm7Rk2Xw9LtZ4aVb",
            "bv": 16771,
            "sn": self.serial,
            "name": name,
            "version": "1.0",
            "timestamp": int(time.time()),
            "payload": payload,
        }
        self._link.publish(
            f"{self.layout}/message/{way}/{name}",
            before + json.dumps(message, ensure_ascii=False).encode(),
        )

    def _receive(self, topic: str, message: Any) -> None:
        if Fault.OFFLINE in self.faults:
            return
        now = time.clock_gettime(time.CLOCK_MONOTONIC)
        gap, self._came = now - self._came, now
        if Fault.HASTY in self.faults and gap < GAP_SECONDS:
            self.lost += 1
            return
        name = topic.rpartition("/")[2]
        self.ordered.append(name)
        body = message["payload"]["body"]
        code = 400
        if name == "gpio_out":
            code = self._output(body)
        elif name == "white_list_operator":
            code = self._list(body)
        if Fault.REFUSES in self.faults:
            code = 500
        if Fault.MUTE in self.faults:
            return
        self._link.publish(
            f"{self.layout}/message/down/{name}/reply",
            {
                "id": message["id"],
                "sn": self.serial,
                "name": name,
                "version": "1.0",
                "timestamp": int(time.time()),
                "code": code,
                "payload": None,
            },
        )

    def _output(self, body: dict[str, Any]) -> int:
        output, value = body["io"], body["value"]
        if not 0 <= output <= 3 or not 500 <= body["delay"] <= 5000:
            return 400
        self.outputs[output] = OFF if value == PULSE else value
        if output == 0:
            self._raise(value)
        elif value == PULSE:
            self.lower()
        return self.taken_code

    def _list(self, body: dict[str, Any]) -> int:
        if body["operator_type"] == "update_or_add":
            row = body["dldb_rec"]
            if isinstance(row, list) or ("create_time" in row) is self.is_old:
                return 400
            if Fault.FORGETFUL not in self.faults:
                kept = {
                    key: value for key, value in row.items() if key != "create_time"
                }
                self.rows[row["plate"]] = kept
        elif body["operator_type"] == "delete":
            plate = body["plate"]
            if isinstance(plate, list) is not self.takes_lists:
                return 400
            if Fault.FORGETFUL not in self.faults:
                for one in plate if isinstance(plate, list) else [plate]:
                    self.rows.pop(one, None)
        else:
            return 400
        return self.taken_code

    # Its pages

    async def _log_in(self, request: web.Request) -> web.Response:
        self.logins += 1
        if _opened(await request.text()) != f"{self.username}:{self.password}":
            return web.Response(text="FAIL")
        session = str(200_000_000 + self.logins)
        self.sessions.add(session)
        response = web.Response(text="OK")
        response.set_cookie("sessionID", session)
        return response

    async def _pages(self, request: web.Request) -> web.Response:
        if Fault.NO_PAGES in self.faults:
            return web.Response(status=503)
        if Fault.NONSENSE in self.faults:
            return web.Response(text="<html>")
        if request.cookies.get("sessionID") not in self.sessions:
            return web.json_response({"state": 401})
        question = json.loads(await request.text())
        if question.get("type") == "get_wl_check_status":
            now = self.now
            names = ("year", "mon", "day", "hour", "min", "sec")
            values = (now.year, now.month, now.day, now.hour, now.minute, now.second)
            return web.json_response(
                {
                    "body": {
                        "dev_time": {
                            f"time_{name}": value
                            for name, value in zip(names, values, strict=True)
                        },
                        "filter_enable": self.mode,
                        "offline_status": 0,
                        "white_list_flag": 1,
                    },
                    "state": 200,
                    "type": "get_wl_check_status",
                }
            )
        found = [row for plate, row in self.rows.items() if question["plate"] in plate]
        answer: dict[str, Any] = {"state_code": 200, "cmd": "white_list_operator"}
        if question["operator_type"] == "select_count_by_plate":
            answer["total_count"] = len(found)
        else:
            begin = question["start_pos"]
            answer["dldb_rec"] = found[
                begin : begin + min(question["select_count"], 50)
            ]
        return web.json_response(answer)


def _opened(text: str) -> str:
    """Return what the log-in page has sealed; nothing if it was not that."""
    raw = base64.b64decode(text)
    key = _KEY.encode().ljust(16, b"\0")
    made = Cipher(algorithms.AES(key), modes.ECB()).encryptor().update(key)  # noqa: S305
    cipher = Cipher(algorithms.AES(made), modes.CTR(raw[:8] + bytes(8)))
    return cipher.decryptor().update(raw[8:]).decode("utf-8", "replace")
