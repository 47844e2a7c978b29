"""A gateway of one Frigate: its cameras, their recordings, and whom and what they see.

MQTT tells what happens, and replays nothing; HTTP is asked for what was missed, and for how far
recordings reach back: what is configured there proves nothing, for old ones go early where a
disk is full.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
import math
import time
from typing import Any, override

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback
from homeassistant.exceptions import HomeAssistantError
from homeassistant.helpers.event import async_call_later
from homeassistant.helpers.storage import Store
from homeassistant.util import dt as dt_util

from ...catalogue.measurements import Value
from ...const import CONF_PERSONS, CONF_REFUSED, DOMAIN, LOGGER
from ...core.device import DeviceDescription, SafetyDevice
from ...core.passages import LATE_SECONDS, Decision, Means, Passage
from ..base import CommandError, GatewayConfigEntry, Problem
from ..messages import MOST_DEVICES, decode
from ..over_mqtt import MqttGateway
from ..protocol import DEVICE_ID
from .server import FrigateError, LoginError, RefusedError, new_server
from .tracks import Seen, Tracks, is_id

#: How often it is asked, and how often for what changes slowly, in seconds.
ASK_SECONDS = 60
SELDOM_SECONDS = 3600
#: Largest message in bytes: that of an object that stays has its whole way in it.
MOST_BYTES = 1_000_000
#: What was seen is asked for once more for so long, in seconds: somebody may have corrected it.
LOOK_BACK_SECONDS = 600
#: And of what has not ended yet, if nothing was told of it: it may end while we are off.
LOOK_FOR_OPEN_SECONDS = 86_400
#: Rows of a page, and pages at a time: what is more is lost, and counted.
PAGE, MOST_PAGES = 100, 50
#: Objects that reviews have named and that wait to be asked for, at most.
MOST_MISSED = 1000
#: Recordings of single scenes that somebody keeps for ever stand alone. A hole of so many days
#: ends what is one history; a shorter one is an outage, or where only motion is recorded, quiet.
HOLE, QUIET = timedelta(days=3), timedelta(days=14)
#: Recorded without a break, and not in this hour nor in the last: it is not recorded.
STALE_SECONDS = 2 * 3600
#: Keys of the problems that it does not answer over HTTP, and that it does not say how far
#: recordings reach back.
NO_ANSWER, NO_SUMMARY = "frigate_no_answer", "frigate_no_summary"
#: What it says of whatever is not there: for a moment, or because somebody wants it so.
_AWAY = ("offline", "disabled")
#: What it calls somebody whose face it does not know.
_NOBODY = "unknown"


def _store(hass: HomeAssistant, entry: GatewayConfigEntry) -> Store[dict[str, float]]:
    """Return where it is kept up to when everything was taken."""
    return Store(hass, 1, f"{DOMAIN}.frigate.{entry.entry_id}", atomic_writes=True)


@dataclass(slots=True)
class _Camera:
    """What is known of one camera."""

    device: SafetyDevice
    #: If Frigate is to record it, and if that is without a break; None while nobody knows.
    wanted: bool | None = None
    is_continuous: bool = False
    #: It is set to know faces: what people are called elsewhere is something else.
    knows_faces: bool = False
    #: The last that was said of recording it; Frigate before 0.17 says nothing.
    status: str = ""
    #: Nothing was recorded of late.
    is_stale: bool = False
    #: Monotonic time of the last answer about its recordings.
    asked: float | None = None


class FrigateGateway(MqttGateway):
    """Frigate's cameras."""

    manufacturer = "Frigate"
    points = frozenset({"trouble"})
    subscriptions = (
        ("available", 1),
        ("events", 1),
        ("tracked_object_update", 1),
        ("reviews", 1),
        ("stats", 0),
        ("+/status/+", 1),
        ("+/recordings/state", 1),
    )

    def __init__(self, *args: Any) -> None:
        """Initialize."""
        super().__init__(*args)
        self._server = new_server(self.hass, self.entry.data)
        self._store = _store(self.hass, self.entry)
        self._tracks = Tracks()
        self._cameras: dict[str, _Camera] = {}
        #: Objects of reviews that nobody has told of.
        self._missed: set[str] = set()
        #: What it calls people by what they wear or carry, such as the name of a parcel service.
        self._logos: set[str] = set()
        #: From when on it is asked for what it has seen, and never before, in Unix time.
        self._since = self._begin = 0.0
        self._kept: float | None = None
        #: When the last statistics were made, by Frigate's clock: once told they are no news.
        self._stats_at: object = None
        #: Monotonic times of the last answers that are asked for seldom.
        self._configured: float | None = None
        self._answers: bool | None = None
        self._is_asking = self._again = self._stopped = False
        self._next: CALLBACK_TYPE | None = None

    @override
    async def async_start(self) -> None:
        now = time.time()
        try:
            kept = ((await self._store.async_load()) or {}).get("since")
        except HomeAssistantError as err:
            # Cameras do not wait for that.
            LOGGER.error("What Frigate has told cannot be read: %s", err)
            kept = None
        # What was before the gateway was added is nobody's business, in no run.
        self._begin = min(self.entry.created_at.timestamp(), now)
        if not isinstance(kept, float):
            # It ended before anything was noted.
            kept = now - LOOK_FOR_OPEN_SECONDS
        self._since = max(self._begin, min(kept, now))
        for device in self.devices.values():
            self._cameras[device.description.id] = _Camera(device)
            self.house.passages.begin_anew(device)
        # Not once more: somebody may count wrong passwords.
        self._stopped = bool(self.entry.data.get(CONF_REFUSED))
        await super().async_start()
        self.on_unload(self._stop)
        if self._stopped:
            self.entry.async_start_reauth(self.hass)
        self._ask()

    @callback
    def _stop(self) -> None:
        self._stopped = True
        if self._next:
            self._next()
            self._next = None

    @override
    async def async_stop(self) -> None:
        await super().async_stop()
        await self._async_keep()

    @classmethod
    @override
    async def async_forget(cls, hass: HomeAssistant, entry: GatewayConfigEntry) -> None:
        await _store(hass, entry).async_remove()

    @override
    async def async_set(self, device: SafetyDevice, key: str, value: Value) -> None:
        raise CommandError(device, "refused", "it can only report")

    @override
    async def async_refresh(self, device: SafetyDevice, keys: Iterable[str]) -> None:
        self._ask()

    async def async_picture(self, device: SafetyDevice, event: str) -> bytes:
        """Return what its camera saw, as `core.ports.PicturePort`."""
        if not is_id(event):
            raise CommandError(device, "refused", "it has no such picture")
        try:
            return await self._server.picture("events", event, "snapshot.jpg")
        except RefusedError:
            # It was never photographed, or is gone already.
            raise CommandError(device, "refused", "it has no such picture") from None
        except FrigateError as err:
            raise CommandError(device, "not_connected", str(err)) from err

    @override
    def diagnostics(self) -> dict[str, Any]:
        dropped = self.house.passages.dropped
        return {
            "answers": self._answers,
            "cameras": {
                str(row.device.device_id): {
                    "wanted": row.wanted,
                    "continuous": row.is_continuous,
                    "status": row.status,
                    "stale": row.is_stale,
                    "passages_dropped": dropped[row.device.uid],
                }
                for row in self._cameras.values()
            },
        }

    # MQTT

    @override
    @callback
    def receive(self, topic: str, payload: bytes, *, retained: bool) -> None:
        match topic.split("/"):
            case ["available"]:
                self._available(payload)
            case ["stats"]:
                self._stats(decode(payload, MOST_BYTES), fresh=not retained)
                if not retained:
                    self._speaks()
            case [name, "status", role] if camera := self._cameras.get(name):
                self._status(camera, role, payload, fresh=not retained)
            case [name, "recordings", "state"] if camera := self._cameras.get(name):
                if payload not in (b"ON", b"OFF"):
                    raise ValueError("recordings: neither ON nor OFF")
                if payload == b"ON" and camera.wanted is False:
                    # With each connection it says so of whatever its file has switched on.
                    self._ask_anew()
                else:
                    camera.wanted = payload == b"ON"
                    self._show_recording(camera, fresh=not retained)
            case ["events" | "tracked_object_update" | "reviews" as kind]:
                if retained:
                    # It would be told anew with each connection.
                    raise ValueError(f"{kind}: it is retained")
                message = decode(payload, MOST_BYTES)
                self._speaks()
                if kind == "reviews":
                    self._note_missed(self._tracks.unknown(message))
                elif kind == "events":
                    self._tell(self._tracks.event(message))
                else:
                    self._tell(self._tracks.update(message))
            case _:
                # Of a camera that nobody knows yet: its configuration is asked for first.
                return

    def _note_missed(self, events: Iterable[str]) -> None:
        """Note what is to be asked for; what nobody can ask for is lost, and counted."""
        for event in events:
            if self._stopped or len(self._missed) >= MOST_MISSED:
                self.discarded["missing events"] += 1
            else:
                self._missed.add(event)

    def _available(self, payload: bytes) -> None:
        if payload not in (b"online", b"offline", b"stopped"):
            raise ValueError("available: unknown word")
        if payload == b"online":
            self._is_there()
        else:
            self.set_bridge_online(False)

    def _is_there(self) -> None:
        self.set_bridge_online(True)
        # It may have begun anew, with other cameras, and has seen what nobody heard.
        self._ask_anew()

    def _speaks(self) -> None:
        """Take it that who speaks is there, whatever was said of that before.

        A broker may tell that a connection has ended when the next one has begun, and
        Frigate says only once in each that it is there.
        """
        if not self._bridge_online:
            self._is_there()

    def _stats(self, stats: Any, *, fresh: bool) -> None:
        """Take statistics: a camera of which no frame comes has no picture."""
        cameras = stats.get("cameras") if isinstance(stats, dict) else None
        if not isinstance(cameras, dict):
            raise ValueError("stats: no cameras")  # noqa: TRY004
        service = stats.get("service")
        made = service.get("last_updated") if isinstance(service, dict) else None
        if made is not None:
            if made == self._stats_at:
                # What makes them stands still, or they came by both ways.
                return
            self._stats_at = made
        for name, camera in self._cameras.items():
            row = cameras.get(name)
            fps = row.get("camera_fps") if isinstance(row, dict) else None
            if isinstance(fps, (int, float)) and not isinstance(fps, bool):
                camera.device.update({"video_lost": fps <= 0}, fresh=fresh)

    def _status(
        self, camera: _Camera, role: str, payload: bytes, *, fresh: bool
    ) -> None:
        word = payload.decode("utf-8", "replace")
        if word not in ("online", *_AWAY):
            raise ValueError("status: unknown word")
        if role == "detect" and word in _AWAY:
            # That it is there again is said by frames that come.
            camera.device.update({"video_lost": True}, fresh=fresh)
        elif role == "record":
            camera.status = word
            self._show_recording(camera, fresh=fresh)

    def _show_recording(self, camera: _Camera, *, fresh: bool) -> None:
        if camera.wanted is None:
            return
        camera.device.update(
            {
                "recording": camera.wanted
                and camera.status not in _AWAY
                and not camera.is_stale
            },
            fresh=fresh,
        )

    def _tell(self, found: Iterable[Seen], *, late: bool = False) -> None:
        """Hand on what was read, and keep nothing of it."""
        now = time.time()
        takes_persons = self.entry.data.get(CONF_PERSONS, True)
        for seen in found:
            if seen.means is not Means.PLATE and not takes_persons:
                continue
            if (camera := self._cameras.get(seen.camera)) is None:
                self.discarded["passages of unknown cameras"] += 1
            elif seen.means is not Means.FACE or self._is_name(camera, seen.number):
                self.house.passages.passed(
                    camera.device,
                    Passage(
                        device_id=camera.device.device_id,
                        door="1",
                        number=seen.number,
                        decision=Decision.SEEN,
                        at=dt_util.utc_from_timestamp(seen.at),
                        index=int(seen.at * 1_000_000),
                        late=late and now - seen.at > LATE_SECONDS,
                        means=seen.means,
                        category=seen.category,
                        score=seen.score,
                        event=seen.event,
                        corrected=seen.corrected,
                    ),
                )

    def _is_name(self, camera: _Camera, name: str) -> bool:
        """Return if what somebody is called is the name of a face, or takes one back."""
        return camera.knows_faces and name not in self._logos and name != _NOBODY

    # HTTP

    def _ask_anew(self) -> None:
        """Ask for everything, and for its configuration too."""
        self._configured = None
        self._ask()

    @callback
    def _ask(self, _now: datetime | None = None) -> None:
        """Ask for everything that is due, now or once more when that is done."""
        if self._stopped:
            return
        if self._next:
            self._next()
            self._next = None
        self._again = True
        if not self._is_asking:
            self._is_asking = True
            self.entry.async_create_background_task(
                self.hass, self._async_turns(), f"{DOMAIN} {self.entry.title}"
            )

    async def _async_turns(self) -> None:
        try:
            while self._again and not self._stopped:
                self._again = False
                await self._async_turn()
        finally:
            self._is_asking = False
            if not self._stopped:
                self._next = async_call_later(self.hass, ASK_SECONDS, self._planned)

    @callback
    def _planned(self, _now: datetime) -> None:
        self._next = None
        self._ask()

    async def _async_turn(self) -> None:
        try:
            now = time.monotonic()
            # First, after it was away, and seldom: what is heard meanwhile is not missed.
            is_whole = not self._answers
            if self._configured is None or now - self._configured >= SELDOM_SECONDS:
                is_whole = True
                self._configure(await self._server.get("config"))
                self._configured = now
            self._stats(await self._server.get("stats"), fresh=True)
            self._tell(self._tracks.overdue())
            await self._async_catch_up(is_whole=is_whole)
            await self._async_summaries()
        except LoginError as err:
            LOGGER.warning("%s refuses the log-in: %s", self.entry.title, err)
            self._stop()
            # Nobody asks any more, so nobody notices when that is old.
            self._unknown(math.inf)
            self.hass.config_entries.async_update_entry(
                self.entry, data={**self.entry.data, CONF_REFUSED: True}
            )
            self.entry.async_start_reauth(self.hass)
        except (FrigateError, ValueError) as err:
            if self._answers is not False:
                LOGGER.warning(
                    "%s does not answer over HTTP: %s", self.entry.title, err
                )
            self._answers = False
            self._unknown(time.monotonic() - 2 * SELDOM_SECONDS)
            self.add_problem(
                Problem(key=NO_ANSWER, placeholders={"reason": str(err)[:200]})
            )
        else:
            self._answers = True
            self.end_problem(NO_ANSWER)
            await self._async_keep()

    def _unknown(self, since: float) -> None:
        """Forget how far recordings reach back where nobody has said so since."""
        for camera in self._cameras.values():
            if camera.asked is None or camera.asked < since:
                camera.device.lose("oldest_recording")

    def _configure(self, config: Any) -> None:
        """Take which cameras there are. Raises ValueError."""
        rows = config.get("cameras") if isinstance(config, dict) else None
        if not isinstance(rows, dict) or len(rows) > MOST_DEVICES:
            raise ValueError("config: no cameras")
        named = {
            name: row
            for name, row in rows.items()
            if isinstance(row, dict) and DEVICE_ID.fullmatch(name)
        }
        model = config.get("model")
        by_label = model.get("attributes_map") if isinstance(model, dict) else None
        self._logos = {
            name
            for names in (by_label.values() if isinstance(by_label, dict) else ())
            if isinstance(names, list)
            for name in names
            if isinstance(name, str)
        }
        for name, row in named.items():
            record = row.get("record")
            record = record if isinstance(record, dict) else {}
            self._take_camera(name, row, record)
        for name in self._cameras.keys() - named.keys():
            del self._cameras[name]
            self.lose_device(name)

    def _take_camera(
        self, name: str, row: Mapping[str, Any], record: Mapping[str, Any]
    ) -> None:
        known = self.devices.get(name)
        if not known and row.get("enabled_in_config") is False:
            # It was never to be there.
            return
        points = {"video_lost"}
        is_recorded = record.get("enabled") is True
        # Who switches it off for now is noticed, and so is who takes out what was there once.
        if (
            is_recorded
            or record.get("enabled_in_config") is True
            or (known and "recording" in known.points)
        ):
            points |= {"recording", "oldest_recording"}
        was_missing = name in self.missing
        friendly = row.get("friendly_name")
        device = self.add_device(
            DeviceDescription(
                id=name,
                kind="camera",
                name=friendly[:100]
                if isinstance(friendly, str) and friendly
                else name.replace("_", " ").capitalize(),
                points=frozenset(points),
                manufacturer=self.manufacturer,
                interval=ASK_SECONDS,
            )
        )
        if was_missing:
            self.set_online(device, True, fresh=False)
        camera = self._cameras.setdefault(name, _Camera(device))
        camera.wanted = is_recorded and row.get("enabled") is not False
        camera.is_continuous = _is_continuous(record)
        faces = row.get("face_recognition")
        camera.knows_faces = isinstance(faces, dict) and faces.get("enabled") is True
        self._show_recording(camera, fresh=True)

    async def _async_summaries(self) -> None:
        """Ask each camera's recordings how far they reach back."""
        for name, camera in tuple(self._cameras.items()):
            now = time.monotonic()
            if "oldest_recording" not in camera.device.points or (
                # That it is recorded again is to be seen at once.
                not camera.is_stale
                and camera.asked is not None
                and now - camera.asked < SELDOM_SECONDS
            ):
                continue
            try:
                days = await self._server.get(
                    name, "recordings", "summary", timezone="utc"
                )
                hours = _hours(days)
            except (RefusedError, ValueError) as err:
                LOGGER.debug("%s: the recordings of a camera: %s", DOMAIN, err)
                camera.asked = None
                camera.device.lose("oldest_recording")
                self.add_problem(
                    Problem(
                        key=NO_SUMMARY,
                        device_id=name,
                        placeholders={"device": camera.device.name},
                    )
                )
                continue
            self.end_problem(NO_SUMMARY, name)
            camera.asked = now
            at = dt_util.utcnow()
            camera.is_stale = camera.is_continuous and (
                not hours or (at - hours[-1]).total_seconds() > STALE_SECONDS
            )
            hole = HOLE if camera.is_continuous else QUIET
            oldest = reaches_back_to(hours, at, hole).timestamp()
            camera.device.update({"oldest_recording": oldest})
            self._show_recording(camera, fresh=True)

    async def _async_catch_up(self, *, is_whole: bool) -> None:
        """Ask for what was seen and not heard, and for what somebody has corrected since.

        The `whole` time is that since the first of what nothing was told of, which may be a
        day: a car parks, and its plate cannot be read.
        """
        now = time.time()
        seen: list[Seen] = []
        try:
            await self._async_look_back(now, seen, is_whole=is_whole)
            await self._async_look_up(seen)
        finally:
            # Also what was found before an answer failed: it is found as new no second time.
            self._tell(sorted(seen, key=lambda row: row.at), late=True)
        untold = max(self._tracks.since or now, now - LOOK_FOR_OPEN_SECONDS)
        # Never before it was added, also in a run to come.
        self._since = max(self._begin, min(now - LOOK_BACK_SECONDS, untold))

    async def _async_look_back(
        self, now: float, seen: list[Seen], *, is_whole: bool
    ) -> None:
        """Ask for what has begun lately, or in the whole time, and add what is new of it."""
        since = now - LOOK_BACK_SECONDS
        if is_whole:
            since = min(self._since, since)
        # By default the newest come first, so the next page is of before the last row.
        query: dict[str, str | float] = {
            # Only what has begun later is told.
            "after": max(self._begin, since) - 1,
            "limit": PAGE,
            # Before 0.16 each row has a picture in it.
            "include_thumbnails": 0,
        }
        going_on: set[str] = set()
        for _page in range(MOST_PAGES):
            rows = await self._server.get("events", **query)
            if not isinstance(rows, list):
                raise ValueError("events: no list")  # noqa: TRY004
            starts: list[float] = []
            for row in rows:
                try:
                    seen += self._tracks.row(row)
                    starts.append(float(row["start_time"]))
                    if row["end_time"] is None:
                        going_on.add(row["id"])
                except (KeyError, TypeError, ValueError) as err:
                    self.refuse("events", str(err))
            if len(rows) < PAGE:
                if is_whole:
                    # Of what was not named nobody will tell the end.
                    self._tracks.forget_but(going_on)
                return
            before = query.get("before")
            # Several begin in one frame, and not all of them may be on this page.
            query["before"] = min(starts, default=0) + 1e-6
            if not starts or query["before"] == before:
                raise ValueError("events: the same page twice")
        self.discarded["missing events"] += 1

    async def _async_look_up(self, seen: list[Seen]) -> None:
        """Ask for what reviews have named, and add what is new of it."""
        for event in tuple(self._missed):
            try:
                seen += self._tracks.row(await self._server.get("events", event))
            except (RefusedError, ValueError) as err:
                # It may be gone already.
                self.refuse("reviews", str(err))
            self._missed.discard(event)

    async def _async_keep(self) -> None:
        """Note up to when everything was taken."""
        if not self._answers:
            return
        passages = self.house.passages
        index = int(self._since * 1_000_000)
        taken = min(
            (passages.taken(row.device, index) for row in self._cameras.values()),
            default=index,
        )
        if (since := taken / 1_000_000) != self._kept:
            self._kept = since
            await self._store.async_save({"since": since})


def _is_continuous(record: Mapping[str, Any]) -> bool:
    """Return if a camera is recorded without a break, in the words of any version."""
    continuous, retain = record.get("continuous"), record.get("retain")
    if isinstance(continuous, dict):
        return bool(continuous.get("days"))
    return (
        isinstance(retain, dict)
        and bool(retain.get("days"))
        and retain.get("mode", "all") == "all"
    )


def _hours(days: Any) -> list[datetime]:
    """Return the hours of which there are recordings, in order. Raises ValueError."""
    if not isinstance(days, list):
        raise ValueError("summary: no list")  # noqa: TRY004
    found = []
    for day in days:
        try:
            found += [
                datetime.fromisoformat(f"{day['day']}T{int(hour['hour']):02}:00+00:00")
                for hour in day["hours"]
                if hour.get("duration", 1)
            ]
        except (AttributeError, KeyError, TypeError) as err:
            raise ValueError("summary: no hours") from err
    return sorted(found)


def reaches_back_to(hours: list[datetime], now: datetime, hole: timedelta) -> datetime:
    """Return where the history begins that reaches to the present; now if there is none.

    `hours` of which there are recordings are in order, and aware. A longer hole ends it.
    """
    oldest = now
    for hour in reversed(hours):
        if oldest - hour > hole:
            break
        oldest = min(oldest, hour)
    return oldest
