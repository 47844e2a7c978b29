"""A Frigate on the loopback address: what it sees on MQTT, and the same over HTTP.

It is written from its documentation and from what it was seen to do, and not with the code that
is tested against it. The same object is told otherwise in each place: with its score in a pair on
MQTT, and as a bare text over HTTP. A plate is read again and again; nothing on MQTT is told twice,
so what happens while nobody listens is in its database alone. Old recordings go before their time
when the disk is full, and single scenes that somebody keeps stay for ever. A token ends after a
day, a user may see some of the cameras only, and its statistics may stand still.

Its parts speak past each other: what reads plates tells of one before the object has it, and after
the object has gone, or of what never was an object. Names and plates are taken back, as a pair of
nothing. What was neither filmed nor photographed is in no database. With each connection it says
of recordings what is configured, and not what somebody has switched; and all of it stands between
pictures of whatever was seen.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
import json
import secrets
import socket
from typing import Any

from aiohttp import web

from .listening import accept_no_more, listen

USERNAME, PASSWORD = "viewer", "right password 1"
TOKEN_LIFE = timedelta(hours=24)
PAGE = 100
#: A picture of what was seen: no text in any coding.
JPEG = bytes.fromhex("ffd8ffe000104a464946") + bytes(range(256))
#: Points of an object's way, which is told whole each time.
WAY = 50


class Fault(StrEnum):
    """How it misbehaves, on request."""

    #: Its HTTP side answers with an error, with a page, or not at all.
    BROKEN = "broken"
    GARBAGE = "garbage"
    OFFLINE = "offline"
    #: What makes its statistics stands still.
    STILL = "still"
    #: It gives the same page of events whatever it is asked for.
    SAME_PAGE = "same_page"
    #: It answers for the newest events, and for older ones no more.
    FIRST_PAGE = "first_page"
    #: Too many wrong passwords came from somewhere: nobody may log in for now.
    RATE_LIMIT = "rate_limit"
    #: A snapshot does not end, or is a page.
    ENDLESS = "endless"
    NO_JPEG = "no_jpeg"


@dataclass(slots=True, kw_only=True)
class Camera:
    """A camera as it is configured, and what is kept of it, by the hour (UTC)."""

    fps: float = 5.0
    enabled: bool = True
    #: It is switched on in the file, and not for now.
    enabled_in_config: bool = True
    faces: bool = True
    record: bool = True
    in_config: bool = True
    continuous: bool = True
    friendly: str | None = None
    hours: set[datetime] = field(default_factory=set)


@dataclass(slots=True, kw_only=True)
class Event:
    """One object. Scores are from 0 to 1."""

    id: str
    camera: str
    label: str
    start: float
    end: float | None = None
    plate: tuple[str | None, float | None] | None = None
    name: tuple[str | None, float | None] | None = None
    #: It is in the database: it was filmed or photographed.
    is_kept: bool = True
    #: What its snapshot shows; None: what no decoder takes.
    picture: bytes | None = None
    way: int = WAY


class Frigate:
    """One server with its cameras. `publish` takes a topic, a payload, and if it is retained."""

    def __init__(
        self,
        publish: Callable[[str, Any, bool], None],
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        version: tuple[int, int] = (0, 17),
        prefix: str = "frigate",
        users: Mapping[str, str] | None = None,
    ) -> None:
        """Initialize; with `users` and their passwords it is the port with a log-in."""
        self._publish = publish
        self.clock = clock
        self.version = version
        self.prefix = prefix
        self.users = dict(users or {})
        #: Cameras that its users may see; None: all.
        self.allowed: set[str] | None = None
        self.cameras: dict[str, Camera] = {"gate_in": Camera()}
        self.events: dict[str, Event] = {}
        self.faults: set[Fault] = set()
        #: It does not run, or has no broker: it sees all the same what its database has.
        self.is_quiet = False
        self.asked: list[str] = []
        self.log_ins = 0
        self._tokens: dict[str, datetime] = {}
        self._stats_at = 0
        self._port = 0
        self._runner: web.AppRunner | None = None
        self._listener: socket.socket | None = None

    @property
    def url(self) -> str:
        """Return the address of its HTTP side."""
        return f"http://127.0.0.1:{self._port}"

    async def start(self, port: int = 0) -> None:
        """Begin to answer, at a port or at any; after an end at the same one."""
        app = web.Application(middlewares=[self._guard])
        app.add_routes(
            [
                web.post("/api/login", self._login),
                web.get("/api/config", self._config),
                web.get("/api/stats", self._stats),
                web.get("/api/events", self._events),
                web.get("/api/events/{id}", self._event),
                web.get("/api/events/{id}/snapshot.jpg", self._snapshot),
                web.get("/api/{camera}/recordings/summary", self._summary),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0)
        await self._runner.setup()
        self._listener = listen(port or self._port)
        self._port = self._listener.getsockname()[1]
        await web.SockSite(self._runner, self._listener).start()

    async def stop(self) -> None:
        """End."""
        if self._listener and self._runner:
            await accept_no_more(self._listener)
            await self._runner.cleanup()

    # What happens

    def announce(self) -> None:
        """Tell that it is there, as after each connection: retained, and as it is configured."""
        self.is_quiet = False
        for name, camera in self.cameras.items():
            state = _switch(camera.in_config)
            self._say(f"{name}/recordings/state", state, retain=True)
            self._say(f"{name}/motion_threshold/state", 30, retain=True)
        self._say("profile/state", "none", retain=True)
        self._say("available", "online", retain=True)

    def die(self) -> None:
        """Let its machine lose power: the broker tells its last will."""
        self._say("available", "offline", retain=True)
        self.is_quiet = True

    def stop_well(self) -> None:
        """Let somebody stop it: it says so, and ends whatever it sees."""
        for event in self.events.values():
            event.end = event.end or self.clock().timestamp()
        self._say("available", "stopped", retain=True)
        self.is_quiet = True

    def see(self, camera: str = "gate_in", label: str = "car") -> Event:
        """Let an object come."""
        event = self.suspect(camera, label)
        event.is_kept = True
        self._tell("new", event)
        self._say(f"{camera}/{label}/snapshot", JPEG, retain=True)
        return event

    def suspect(self, camera: str = "gate_in", label: str = "car") -> Event:
        """Let something come that may be a shadow: of that nobody is told yet."""
        start = self.clock().timestamp()
        event = Event(
            id=f"{start:.6f}-{secrets.token_hex(3)}",
            camera=camera,
            label=label,
            start=start,
            is_kept=False,
        )
        self.events[event.id] = event
        return event

    def read(self, event: Event, plate: str, score: float) -> None:
        """Let a plate be read, at first or once more; also when its object has gone."""
        self.tell_read(event, plate, score)
        event.plate = (plate, score)
        if event.end is None:
            self._tell("update", event)

    def tell_read(self, event: Event, plate: str, score: float) -> None:
        """Tell of a plate that was read; the object itself does not have it yet."""
        if self.version >= (0, 16):
            self._say(
                "tracked_object_update",
                {
                    "type": "lpr",
                    "id": event.id,
                    "name": None,
                    "plate": plate,
                    "score": score,
                    "camera": event.camera,
                    "timestamp": self.clock().timestamp(),
                    "plate_box": [0, 0, 10, 10],
                },
            )

    def move(self, event: Event) -> None:
        """Let an object move: what it has is told once more."""
        self._tell("update", event)

    def try_face(self, event: Event, name: str | None, score: float) -> None:
        """Let it try to know a face: each try is told, also one that came to nothing."""
        self._say(
            "tracked_object_update",
            {
                "type": "face",
                "id": event.id,
                "name": name,
                "score": score,
                "camera": event.camera,
                "timestamp": self.clock().timestamp(),
            },
        )

    def know(self, event: Event, name: str, score: float) -> None:
        """Let it be sure of a face."""
        self.try_face(event, name, score)
        event.name = (name, score)
        self._tell("update", event)

    def take_back(self, event: Event) -> None:
        """Let somebody take back what an object was called, and what was read of it."""
        event.plate = event.plate and (None, None)
        event.name = event.name and (None, None)
        if event.end is None:
            self._tell("update", event)

    def end(self, event: Event) -> None:
        """Let an object go."""
        event.end = self.clock().timestamp()
        self._tell("end", event)

    def review(self, *events: Event) -> None:
        """Tell that a scene with objects is over."""
        after = {
            "id": f"{events[0].start:.6f}-review",
            "camera": events[0].camera,
            "severity": "alert",
            "data": {"detections": [event.id for event in events], "objects": ["car"]},
        }
        self._say("reviews", {"type": "end", "before": after, "after": after})

    def correct(self, event: Event, plate: str) -> None:
        """Let a person correct a plate in its own pages: that is told nobody."""
        event.plate = (plate, 1.0)

    def keep(self, camera: str, days: float) -> None:
        """Let recordings be there for so many days, and no more: the disk is full."""
        now = self.clock().replace(minute=0, second=0, microsecond=0)
        self.cameras[camera].hours = {
            now - timedelta(hours=hour) for hour in range(int(days * 24) + 1)
        }

    def keep_scene(self, camera: str, days: float) -> None:
        """Let somebody keep a scene of so many days ago for ever."""
        at = self.clock() - timedelta(days=days)
        self.cameras[camera].hours.add(at.replace(minute=0, second=0, microsecond=0))

    def tell_status(self, camera: str, role: str, word: str) -> None:
        """Tell how one stream of a camera is; not before 0.17."""
        if self.version >= (0, 17):
            self._say(f"{camera}/status/{role}", word)

    def switch_recording(self, camera: str, on: bool) -> None:
        """Let somebody switch the recording of a camera on or off."""
        self.cameras[camera].record = on
        self._say(f"{camera}/recordings/state", _switch(on), retain=True)

    def tell_stats(self) -> None:
        """Tell its statistics on MQTT, which it does each minute."""
        self._say("stats", self.statistics())

    # What it says

    def _say(self, topic: str, payload: Any, *, retain: bool = False) -> None:
        if not self.is_quiet:
            self._publish(f"{self.prefix}/{topic}", payload, retain)

    def _tell(self, kind: str, event: Event) -> None:
        after: dict[str, Any] = {
            "id": event.id,
            "camera": event.camera,
            "label": event.label,
            "sub_label": list(event.name) if event.name else None,
            "false_positive": False,
            "start_time": event.start,
            "end_time": event.end,
            "score": 0.8,
            "top_score": 0.9,
            "entered_zones": ["lane"],
            # Where it went is told whole each time.
            "path_data": [[[0.1, 0.2], event.start]] * event.way,
            "has_clip": event.is_kept,
            "has_snapshot": event.is_kept,
        }
        if event.plate and self.version >= (0, 17):
            after["recognized_license_plate"] = list(event.plate)
        elif event.plate and self.version >= (0, 16):
            after["recognized_license_plate"] = event.plate[0]
            after["recognized_license_plate_score"] = event.plate[1]
        before = {"id": event.id}
        self._say("events", {"type": kind, "before": before, "after": after})

    def _row(self, event: Event) -> dict[str, Any]:
        data: dict[str, Any] = {"score": 0.8, "top_score": 0.9, "type": "object"}
        if event.name:
            data["sub_label_score"] = event.name[1]
        if event.plate and self.version >= (0, 16):
            data["recognized_license_plate"] = event.plate[0]
            data["recognized_license_plate_score"] = event.plate[1]
        return {
            "id": event.id,
            "camera": event.camera,
            "label": event.label,
            "sub_label": event.name[0] if event.name else None,
            "start_time": event.start,
            "end_time": event.end,
            "zones": ["lane"],
            "has_clip": True,
            "has_snapshot": True,
            "data": data,
        }

    def statistics(self) -> dict[str, Any]:
        """Return what it measures of itself."""
        if Fault.STILL not in self.faults:
            self._stats_at = int(self.clock().timestamp())
        return {
            "cameras": {
                name: {
                    "camera_fps": camera.fps if camera.enabled else 0.0,
                    "process_fps": camera.fps,
                    "skipped_fps": 0.0,
                    "detection_fps": 1.2,
                    "pid": 42,
                }
                for name, camera in self.cameras.items()
            },
            "service": {
                "version": f"{self.version[0]}.{self.version[1]}.0",
                "last_updated": self._stats_at,
            },
        }

    def _may_see(self, camera: str) -> bool:
        return self.allowed is None or camera in self.allowed

    # HTTP

    @web.middleware
    async def _guard(
        self,
        request: web.Request,
        handler: Callable[[web.Request], Any],
    ) -> web.StreamResponse:
        self.asked.append(request.path)
        if Fault.OFFLINE in self.faults:
            assert request.transport
            request.transport.close()
            await asyncio.sleep(0)
        if Fault.BROKEN in self.faults:
            return web.Response(status=502, text="<html>Bad gateway</html>")
        if Fault.GARBAGE in self.faults:
            return web.Response(text="<html>Frigate</html>", content_type="text/html")
        if self.users and request.path != "/api/login":
            kind, _, token = request.headers.get("Authorization", "").partition(" ")
            ends = self._tokens.get(token)
            if kind != "Bearer" or ends is None or ends <= self.clock():
                return web.Response(status=401)
        response: web.StreamResponse = await handler(request)
        return response

    async def _login(self, request: web.Request) -> web.Response:
        self.log_ins += 1
        if not self.users:
            return _json({"message": "Authentication is disabled"}, status=404)
        if Fault.RATE_LIMIT in self.faults:
            return _json({"error": "Rate limit exceeded: 20 per 1 hour"}, status=429)
        body = await request.json()
        if self.users.get(body["user"]) != body["password"]:
            return _json({"message": "Login failed"}, status=401)
        token = secrets.token_urlsafe()
        self._tokens[token] = self.clock() + TOKEN_LIFE
        response = web.Response(text="")
        response.set_cookie("frigate_token", token, httponly=True)
        return response

    async def _config(self, _request: web.Request) -> web.Response:
        rows = {}
        for name, camera in self.cameras.items():
            record: dict[str, Any] = {
                "enabled": camera.record,
                "enabled_in_config": camera.in_config,
            }
            days = 30 if camera.continuous else 0
            if self.version >= (0, 17):
                record["continuous"] = {"days": days}
            else:
                mode = "all" if camera.continuous else "motion"
                record["retain"] = {"days": 30, "mode": mode}
            rows[name] = {
                "name": name,
                "enabled": camera.enabled,
                "enabled_in_config": camera.enabled_in_config,
                "record": record,
                "face_recognition": {"enabled": camera.faces, "min_area": 750},
            }
            if camera.friendly:
                rows[name]["friendly_name"] = camera.friendly
        mqtt = {"topic_prefix": self.prefix, "stats_interval": 60}
        words = {"person": ["face", "amazon"], "car": ["license_plate", "ups"]}
        model = {"width": 320, "height": 320, "attributes_map": words}
        return _json({"mqtt": mqtt, "cameras": rows, "model": model})

    async def _stats(self, _request: web.Request) -> web.Response:
        found = self.statistics()
        # Who may not see a camera hears nothing of it.
        found["cameras"] = {
            name: row for name, row in found["cameras"].items() if self._may_see(name)
        }
        return _json(found)

    async def _events(self, request: web.Request) -> web.Response:
        query = request.query
        after, before = float(query.get("after", 0)), float(query.get("before", 0))
        if Fault.SAME_PAGE in self.faults:
            before = 0
        if Fault.FIRST_PAGE in self.faults and before:
            return web.Response(status=500)
        found = [
            event
            for event in sorted(self.events.values(), key=lambda row: -row.start)
            if event.start > after
            and (not before or event.start < before)
            and event.is_kept
            and self._may_see(event.camera)
        ]
        most = int(query.get("limit", PAGE))
        return _json([self._row(event) for event in found[:most]])

    async def _event(self, request: web.Request) -> web.Response:
        event = self.events.get(request.match_info["id"])
        if event is None or not event.is_kept or not self._may_see(event.camera):
            return _json({"message": "Event not found"}, status=404)
        return _json(self._row(event))

    async def _snapshot(self, request: web.Request) -> web.StreamResponse:
        event = self.events.get(request.match_info["id"])
        if event is None or not event.is_kept or not self._may_see(event.camera):
            return _json({"message": "Event not found"}, status=404)
        if Fault.ENDLESS in self.faults:
            endless = web.StreamResponse(headers={"Content-Type": "image/jpeg"})
            await endless.prepare(request)
            # Whoever reads it has to stop by themselves.
            for _piece in range(1000):
                await endless.write(JPEG * 4096)
            return endless
        if Fault.NO_JPEG in self.faults:
            page = "<html>Sign in</html>"
            return web.Response(text=page, content_type="text/html")
        return web.Response(body=event.picture or JPEG, content_type="image/jpeg")

    async def _summary(self, request: web.Request) -> web.Response:
        name = request.match_info["camera"]
        if not self._may_see(name):
            return _json({"message": "Access denied"}, status=403)
        days: dict[str, dict[str, Any]] = {}
        hours = self.cameras[name].hours if name in self.cameras else set()
        for hour in sorted(hours, reverse=True):
            key = hour.strftime("%Y-%m-%d")
            day = days.setdefault(key, {"day": key, "events": 0, "hours": []})
            day["hours"].append(
                {
                    "hour": hour.strftime("%H"),
                    "events": 0,
                    "motion": 10,
                    "objects": 1,
                    "duration": 3600,
                }
            )
        return _json(list(days.values()))


def _switch(on: bool) -> str:
    return "ON" if on else "OFF"


def _json(data: Any, *, status: int = 200) -> web.Response:
    return web.Response(
        status=status, text=json.dumps(data), content_type="application/json"
    )
