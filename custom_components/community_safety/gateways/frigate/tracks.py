"""What Frigate has seen, from its first word about it to the last: plates, faces and people.

It tells of one object under one id: as it goes on (`events`), as a plate is read and read again
(`tracked_object_update`), and once more over HTTP. A passage is what is known in the end. Who
stays is told of meanwhile, and what is known better later takes the place of that.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
import re
import time
from typing import Any

from ...core.passages import Means

#: A car that parks before its camera has no end for days: so long after its plate was first
#: read, in seconds, it is told of.
PATIENCE_SECONDS = 60.0
#: What was not heard of for so long, in seconds, and is not written down there, is gone.
SILENT_SECONDS = 600.0
#: What is remembered at most: of objects that are past, and of those that are not.
MOST_PAST, MOST_OPEN = 10_000, 2000
#: Letters of a plate or name, and of a camera's name, at most.
MOST_TEXT = 64
#: How it names objects; the name becomes part of an address.
_ID = re.compile(r"\d[\w.-]{0,63}")
#: Of other things a second label is a logo, or what somebody has trained it for.
PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A plate, the name of a face, or somebody. `at` is Unix time; whom it is about is in no text.

    Without a number, what was told before is taken back; somebody who was only seen has none.
    """

    event: str
    camera: str
    at: float
    means: Means
    number: str = field(repr=False)
    category: str | None
    score: float | None
    corrected: bool


@dataclass(slots=True)
class _Track:
    """One object, as far as it is known. What was read of it is by means, with its score."""

    id: str
    camera: str
    start: float
    #: None as long as nobody says that it is an object, and no shadow.
    label: str | None = None
    read: dict[Means, tuple[str, float | None]] = field(default_factory=dict)
    #: What the object itself had last, as events and HTTP tell it.
    had: dict[Means, str | None] = field(default_factory=dict)
    #: It was heard to begin: else an earlier run may have told of it, and what is kept nowhere.
    is_new: bool = False
    #: What this run has told of it; empty where it was taken back.
    told: dict[Means, str] = field(default_factory=dict)
    #: It has gone.
    is_over: bool = False
    #: That it was seen was told.
    is_seen: bool = False
    #: Monotonic times at which something was first read, and at which it was last heard of.
    since: float | None = None
    heard: float = 0.0

    def take(self, means: Means, text: str, score: object) -> None:
        """Take what was read."""
        self.read[means] = text, _share(score)
        self.since = self.since or time.monotonic()

    def take_state(self, means: Means, text: str | None, score: object) -> None:
        """Take what the object has.

        It lags behind what is read: only what has changed is news. What is there no more was
        taken back, there or by a person.
        """
        before, self.had[means] = self.had.get(means), text
        if before == text:
            return
        if text is None:
            self.read.pop(means, None)
        else:
            self.take(means, text, score)

    def tell(self) -> Iterator[Seen]:
        """Yield what is new of it."""
        if self.is_over and self.label == PERSON and not self.is_seen:
            # Whoever it was: somebody who is lost may have no card and no known face.
            self.is_seen = True
            yield self._seen(Means.SIGHT, "", None, corrected=False)
        for means in (Means.PLATE, Means.FACE):
            text, score = self.read.get(means, ("", None))
            before = self.told.get(means, "" if self.is_new else None)
            is_corrected = means in self.told or not self.is_new
            # What an earlier run has told is not taken back before it is known what there is.
            if text != before and (text or before is not None or means in self.had):
                self.told[means] = text
                yield self._seen(means, text, score, corrected=is_corrected)

    def _seen(
        self, means: Means, number: str, score: float | None, *, corrected: bool
    ) -> Seen:
        return Seen(
            event=self.id,
            camera=self.camera,
            at=self.start,
            means=means,
            number=number,
            category=self.label,
            score=score,
            corrected=corrected,
        )


class Tracks:
    """What is seen now, and what was lately. Methods raise ValueError for what is no message."""

    def __init__(self) -> None:
        """Initialize."""
        self._open: dict[str, _Track] = {}
        #: What has ended, and what nobody says is still there.
        self._past: dict[str, _Track] = {}

    def event(self, message: object) -> list[Seen]:
        """Take a message of `events`. Return what it lets us tell."""
        kind, after = _field(message, "type", str), _field(message, "after", dict)
        if kind not in ("new", "update", "end"):
            raise ValueError("events: unknown type")
        if after.get("false_positive") is True:
            if (shadow := self._open.pop(str(after.get("id")), None)) is None:
                return []
            shadow.read.clear()
            return list(shadow.tell())
        plate, score = _pair(
            after.get("recognized_license_plate"),
            # In other versions it stands beside it.
            after.get("recognized_license_plate_score"),
        )
        name, share = _pair(after.get("sub_label"), None)
        track = self._track(after, is_new=kind == "new")
        if track.label == PERSON:
            track.take_state(Means.FACE, name, share)
        else:
            track.take_state(Means.PLATE, plate, score)
        return self._end(track) if kind == "end" else self._told_already(track)

    def update(self, message: object) -> list[Seen]:
        """Take a message of `tracked_object_update`. Return what it lets us tell.

        A face is told of with each try, also with one that failed: that proves nothing. Who
        it was is in the event.
        """
        if _field(message, "type", str) != "lpr":
            return []
        assert isinstance(message, dict)
        plate, score = _pair(message.get("plate"), message.get("score"))
        track = self._track(message)
        if plate is not None:
            track.take(Means.PLATE, plate, score)
        return self._told_already(track)

    def unknown(self, message: object) -> list[str]:
        """Return which objects a message of `reviews` is about that nobody has told us of."""
        if _field(message, "type", str) != "end":
            return []
        found = _field(_field(message, "after", dict), "data", dict).get("detections")
        if not isinstance(found, list):
            raise ValueError("reviews: no list")  # noqa: TRY004
        return [
            item
            for item in found
            if isinstance(item, str)
            and is_id(item)
            and item not in self._open
            and item not in self._past
        ]

    def row(self, row: object) -> list[Seen]:
        """Take an object as HTTP has it. Return what it lets us tell."""
        data = row.get("data") if isinstance(row, dict) else None
        if not isinstance(row, dict) or not isinstance(data, dict):
            raise ValueError("event: no row")  # noqa: TRY004
        plate, score = _pair(
            data.get("recognized_license_plate"),
            data.get("recognized_license_plate_score"),
        )
        name, share = _pair(row.get("sub_label"), data.get("sub_label_score"))
        track = self._track(row)
        if track.label == PERSON:
            track.take_state(Means.FACE, name, share)
        else:
            track.take_state(Means.PLATE, plate, score)
        return (
            self._told_already(track)
            if row.get("end_time") is None
            else self._end(track)
        )

    def overdue(self) -> list[Seen]:
        """Return what was read of those that stay, and was not told yet."""
        before = time.monotonic() - PATIENCE_SECONDS
        return [
            seen
            for track in self._open.values()
            if track.label and track.since is not None and track.since <= before
            for seen in track.tell()
        ]

    @property
    def since(self) -> float | None:
        """Return when the earliest of those began of which nothing was told, in Unix time."""
        starts = (track.start for track in self._open.values() if not track.told)
        return min(starts, default=None)

    def forget_but(self, ids: Collection[str]) -> None:
        """Wait no more for the end of what has not ended, but for these.

        Nobody will tell of it. What was heard of lately may be one that is not written down
        there: if it is ever heard of again, it is known what was told of it.
        """
        before = time.monotonic() - SILENT_SECONDS
        for key, track in tuple(self._open.items()):
            if key not in ids and track.heard <= before:
                del self._open[key]
                self._remember(track)

    def _track(self, row: Mapping[str, Any], *, is_new: bool = False) -> _Track:
        """Return what is known of an object, which is new if it begins. Raises ValueError."""
        key, camera = _field(row, "id", str), _field(row, "camera", str)
        if max(len(key), len(camera)) > MOST_TEXT:
            raise ValueError("id: too long")
        track = self._open.get(key) or self._past.get(key)
        if track is None:
            start = row.get("start_time")
            if not isinstance(start, (int, float)):
                # Its id begins with it.
                start = float(key.partition("-")[0])
            if not 0 <= start < 4_294_967_296:
                raise ValueError("start_time: no time")
            track = _Track(key, camera, float(start), is_new=is_new)
            self._open[key] = track
            if len(self._open) > MOST_OPEN:
                del self._open[next(iter(self._open))]
        track.heard = time.monotonic()
        if isinstance(label := row.get("label"), str) and len(label) <= MOST_TEXT:
            track.label = label
        return track

    def _told_already(self, track: _Track) -> list[Seen]:
        """Return what is known better now of what was told."""
        return list(track.tell()) if track.is_over or track.told else []

    def _end(self, track: _Track) -> list[Seen]:
        track.is_over = True
        self._open.pop(track.id, None)
        self._remember(track)
        return list(track.tell())

    def _remember(self, track: _Track) -> None:
        self._past.pop(track.id, None)
        self._past[track.id] = track
        if len(self._past) > MOST_PAST:
            del self._past[next(iter(self._past))]


def is_id(text: str) -> bool:
    """Return if it is the name of an object, which may become part of an address."""
    return _ID.fullmatch(text) is not None


def _pair(found: object, score: object) -> tuple[str | None, object]:
    """Return a text and its score: they stand beside each other, or are a pair.

    None is what was never read, or is taken back. Raises ValueError for what is no text.
    """
    if isinstance(found, list):
        if len(found) != 2:
            raise ValueError("a label or plate: no pair")
        found, score = found
    if found in (None, ""):
        return None, None
    if not isinstance(found, str) or len(found) > MOST_TEXT:
        raise ValueError("a label or plate: no text")
    return found, score


def _share(value: object) -> float | None:
    """Return a score from 0 to 1, None for what is none."""
    if isinstance(value, (int, float)) and 0 <= value <= 1:
        return float(value)
    return None


def _field[T](message: object, key: str, kind: type[T]) -> T:
    value = message.get(key) if isinstance(message, Mapping) else None
    if not isinstance(value, kind):
        raise ValueError(f"{key}: missing")  # noqa: TRY004
    return value
