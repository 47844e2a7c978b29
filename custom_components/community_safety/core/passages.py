"""Passages: what doors and cameras see goes to who knows people, in the process, nowhere else.

An integration takes them in its file `community_safety.py`, and imports nothing of this
integration for it:

    async def async_get_passage_sink(
        hass: HomeAssistant, credentials: Credentials
    ) -> PassageSink

`credentials` is how it gives, takes and reads them (`core.credentials`). Passages wait for a
sink until Home Assistant has started; without one they are dropped and counted then.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from homeassistant.core import CALLBACK_TYPE, HomeAssistant, callback

from ..const import LOGGER
from .device import SafetyDevice
from .ports import Credential
from .telling import tell

#: A passage that is older than this, in seconds, is none of now.
LATE_SECONDS = 60


class Means(StrEnum):
    """By what somebody was known, and so what a passage's number is."""

    CARD = "card"
    PLATE = "plate"
    #: A name that somebody has given to a face. It opens nothing.
    FACE = "face"
    #: By nothing: a camera has seen somebody or something, and there is no number.
    SIGHT = "sight"


class Decision(StrEnum):
    """Why a controller let somebody in or not, as far as it says."""

    GRANTED = "granted"
    #: It was only seen: whether it was let in, nobody says.
    SEEN = "seen"
    #: The controller does not have it.
    UNKNOWN = "unknown"
    #: Not at this door, or not on this day.
    NOT_ALLOWED = "not_allowed"
    NOT_NOW = "not_now"
    PIN = "pin"
    ANTI_PASSBACK = "anti_passback"
    INTERLOCK = "interlock"
    CLOSED = "closed"
    OTHER = "other"


class Colour(StrEnum):
    """The colour of clothes or of a vehicle, in the words of our protocol.

    Coarse on purpose: at night and from afar cameras err by shades. A gateway whose maker has
    other words says which of these they are, and tells nothing where that is not known.
    """

    BLACK = "black"
    WHITE = "white"
    GREY = "grey"
    RED = "red"
    ORANGE = "orange"
    YELLOW = "yellow"
    GREEN = "green"
    CYAN = "cyan"
    BLUE = "blue"
    PURPLE = "purple"
    PINK = "pink"
    BROWN = "brown"


class AgeGroup(StrEnum):
    """About how old a camera takes somebody for: it may well err by one of these."""

    CHILD = "child"
    TEENAGER = "teenager"
    ADULT = "adult"
    ELDERLY = "elderly"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """One credential at one door, or before one camera. The same index may come twice.

    `at` is aware: of one that was fetched later it is the controller's own time.
    `device_id` is Home Assistant's, `door` its channel, such as `1`; `inwards` is None
    where the controller does not know. `stamp` is the controller's own time of it, as it is
    told each time, None where it tells none: one that has begun to count anew is known by it.

    What a camera has read may be wrong: `score` is how sure it is, from 0 to 1. It is told
    once more, `corrected`, when the camera knows better, or may: what has the same `event` at
    the same device and by the same means takes the place of what was told of it before, if
    anything was. Without a number then, it is taken back.

    What has no number is told by `Means.SIGHT`, with an empty one. What a camera does not
    tell is None, and never guessed.
    """

    device_id: str | None
    door: str
    number: str = field(repr=False)
    decision: Decision
    at: datetime
    index: int
    inwards: bool | None = None
    stamp: datetime | None = None
    #: It is of a time at which nobody listened.
    late: bool = False
    means: Means = Means.CARD
    #: What was seen, in the camera's words: `car`, `person`.
    category: str | None = None
    colour: Colour | None = None
    age_group: AgeGroup | None = None
    score: float | None = None
    event: str | None = None
    corrected: bool = False

    @property
    def granted(self) -> bool:
        """Return if the door was opened for it."""
        return self.decision is Decision.GRANTED


class PassageSink(Protocol):
    """Knows whose credentials they are.

    A device is told that a passage was taken, once `passed` has returned, or the future that
    it returned is done: what has failed comes again when its gateway is loaded the next time.

    Names of faces are given only to one that has `takes_faces`, and where it is true.

    It may have two more callbacks, to hear of what it has not asked for: `proved` with the
    `Result` of a credential whose end had come, or that was tried again, and `checked` with
    the `Difference` of a list. One that only says what controllers are to hold has no
    `passed`: it takes no passage.
    """

    @callback
    def passed(self, passage: Passage) -> asyncio.Future[None] | None:
        """Take a passage. To be quick: it is called for each.

        Who writes it down returns a future that is done when it is on the disk.
        """

    async def async_wanted(self, device_id: str) -> Collection[Credential] | None:
        """Return what a door controller is to hold; None if that is not its to say.

        Whatever has the attributes of a credential will do. One whose end has come stays
        among them until `proved` or `checked` has told that it is gone: it may have ended
        while nobody was here to remove it.
        """


class Passages:
    """Hands passages on, and tells entities what is not personal in them."""

    def __init__(self, hass: HomeAssistant) -> None:
        """Initialize."""
        self._hass = hass
        #: By domain.
        self._sinks: dict[str, PassageSink] = {}
        self._watchers: dict[str, list[Callable[[Passage], None]]] = {}
        self._sink_listeners: list[CALLBACK_TYPE] = []
        #: Those that nobody wanted, by unique id of the device.
        self.dropped: Counter[str] = Counter()
        #: Those that wait for a sink; None once there is one, or will be none.
        self._waiting: list[tuple[SafetyDevice, Passage]] | None = []
        #: The index of the first passage that was not taken yet, by unique id of the device.
        self._untaken: dict[str, int] = {}
        #: How many futures each index of a device waits for, by its unique id.
        self._unwritten: dict[str, Counter[int]] = {}
        #: An integration's sink did not start: what comes meanwhile is not taken.
        self._has_failed = False

    @property
    def has_sink(self) -> bool:
        """Return if there is somebody who knows people."""
        return bool(self._sinks)

    @callback
    def begin(self) -> None:
        """Hand over what has waited: there is a sink, or there will be none."""
        waiting, self._waiting = self._waiting or [], None
        for device, _passage in waiting:
            self._untaken.pop(device.uid, None)
        for device, passage in waiting:
            self._hand_over(device, passage)

    @callback
    def begin_anew(self, device: SafetyDevice) -> None:
        """Note that a device is asked again for whatever was not taken."""
        self._untaken.pop(device.uid, None)

    @callback
    def taken(self, device: SafetyDevice, index: int) -> int:
        """Return up to which index everything was taken, at most that which is given."""
        first = self._untaken.get(device.uid, index + 1)
        return min(
            index,
            first - 1,
            min(self._unwritten.get(device.uid, ()), default=first) - 1,
        )

    async def async_take(self, domain: str, platform: Any, credentials: object) -> None:
        """Take what one integration offers; it need not be a sink."""
        get: Callable[[HomeAssistant, object], Awaitable[PassageSink]] | None = getattr(
            platform, "async_get_passage_sink", None
        )
        if get:
            try:
                self._sinks[domain] = await get(self._hass, credentials)
            except Exception:  # noqa: BLE001
                LOGGER.exception("The passage sink of %s did not start", domain)
                self._has_failed = True
                return
            self.begin()
            tell(tuple(self._sink_listeners))

    @callback
    def on_sink(self, listener: CALLBACK_TYPE) -> None:
        """Call a listener when there is one more sink."""
        self._sink_listeners.append(listener)

    @callback
    def watch(self, uid: str, watcher: Callable[[Passage], None]) -> CALLBACK_TYPE:
        """Call a watcher with each passage at a device. Returns a function that ends this."""
        watchers = self._watchers.setdefault(uid, [])
        watchers.append(watcher)
        return lambda: watchers.remove(watcher)

    @callback
    def passed(self, device: SafetyDevice, passage: Passage) -> None:
        """Take a passage of a gateway."""
        if self._waiting is None:
            self._hand_over(device, passage)
        else:
            self._waiting.append((device, passage))
            self._untaken.setdefault(device.uid, passage.index)
        tell(tuple(self._watchers.get(device.uid, ())), passage)

    def _hand_over(self, device: SafetyDevice, passage: Passage) -> None:
        is_taken = not self._has_failed
        takers = {
            domain: sink
            for domain, sink in self._sinks.items()
            if _takes(sink, passage.means)
        }
        for domain, sink in takers.items():
            try:
                if future := sink.passed(passage):
                    self._await_written(domain, device, passage, future)
            except Exception as err:  # noqa: BLE001
                # Not with its text: it may hold the number.
                LOGGER.error("%s did not take a passage: %s", domain, type(err))
                self.dropped[device.uid] += 1
                is_taken = False
        if not takers:
            self.dropped[device.uid] += 1
        if not is_taken:
            self._untaken.setdefault(device.uid, passage.index)

    def _await_written(
        self,
        domain: str,
        device: SafetyDevice,
        passage: Passage,
        future: asyncio.Future[None],
    ) -> None:
        """Take a passage for taken once it is written, and not if that fails."""
        uid, index = device.uid, passage.index
        waiting = self._unwritten.setdefault(uid, Counter())
        waiting[index] += 1

        @callback
        def done(future: asyncio.Future[None]) -> None:
            waiting[index] -= 1
            if not waiting[index]:
                del waiting[index]
            if future.cancelled() or future.exception():
                LOGGER.warning("%s did not write a passage", domain)
                self.dropped[uid] += 1
                self._untaken[uid] = min(index, self._untaken.get(uid, index))

        future.add_done_callback(done)

    @callback
    def tell(self, method: str, what: object) -> None:
        """Call a method of every sink that has it, such as `checked`."""
        for domain, sink in self._sinks.items():
            try:
                if call := getattr(sink, method, None):
                    call(what)
            except Exception as err:  # noqa: BLE001
                LOGGER.error("%s did not take %s: %s", domain, method, type(err))

    async def async_wanted(self, device_id: str) -> list[Credential] | None:
        """Return what a controller is to hold by the sinks' word, None if none says so.

        Raises what a sink raises: a list that is half known is none.
        """
        found: list[Credential] | None = None
        for sink in self._sinks.values():
            wanted = await sink.async_wanted(device_id)
            if wanted is not None:
                found = (found or []) + [
                    Credential(
                        number=row.number,
                        begin=row.begin,
                        end=row.end,
                        doors=frozenset(row.doors),
                    )
                    for row in wanted
                ]
        return found


def _takes(sink: PassageSink, means: Means) -> bool:
    """Return if somebody takes such passages, and does not only know credentials."""
    return hasattr(sink, "passed") and (
        means is not Means.FACE or getattr(sink, "takes_faces", False) is True
    )
