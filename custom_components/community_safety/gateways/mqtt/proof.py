"""What of Zigbee2MQTT's messages is the device's own word, and what is cache or hope.

Each message holds all that Zigbee2MQTT remembers of a device, whatever has led to it: a
report of one attribute, a command that it expects to be obeyed (`optimistic`), its own
restart, the birth of Home Assistant, a new name (Koenkk/zigbee2mqtt, lib/controller.ts,
`publishEntityState`). After a crash it remembers what was saved up to five minutes before.
"""

import asyncio
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import cache
import re
import time
from typing import Any

from homeassistant.util import dt as dt_util

from ...catalogue.measurements import Value
from ...core.device import SafetyDevice
from ..base import CommandError
from ..loads import EFFECT_SECONDS, NOISE, has_moved
from .exposes import Interpretation

#: Seconds in which a read is answered: Zigbee2MQTT gives up after ten, and by then our
#: cut-off has asked again. What comes later is no answer, but somebody's report.
ANSWER_SECONDS = 5.0
#: Seconds within which Zigbee2MQTT says that a read has failed.
FAILURE_SECONDS = 15.0
#: Properties that Zigbee2MQTT adds to messages by itself, or that say how one came.
_ITS_OWN = frozenset(
    {"device", "elapsed", "last_seen", "linkquality", "update", "update_available"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """How Zigbee2MQTT publishes the states of one device, as its configuration says.

    `optimistic`: a command is published as if it were obeyed, but for the properties in
    `not_hoped`. `cached`: a message holds the whole cache, but for those in `not_cached`.
    Both are patterns of names.
    """

    optimistic: bool = True
    cached: bool = True
    not_hoped: frozenset[str] = frozenset()
    not_cached: frozenset[str] = frozenset()

    def hopes(self, name: str) -> bool:
        """Return if a commanded property is published without the device's word."""
        return self.optimistic and not _matches(self.not_hoped, name)

    def remembers(self, name: str) -> bool:
        """Return if a property is published although the device did not send it."""
        return self.cached and not _matches(self.not_cached, name)


@dataclass(slots=True, kw_only=True)
class Item:
    """A device of Zigbee2MQTT, and the evidence for its readings.

    The device's own word is what has changed since the message before, in a property that
    nobody can command; what an answer to our own question holds; and what is not cached. An
    answer that changes nothing is one if a moved `last_seen` shows that the device has sent
    it, or, for a relay, if its meter has just told that its load went or came.
    That it is alive is said by these, by another `last_seen`, and by another link quality:
    Zigbee2MQTT takes both from the last radio message (lib/controller.ts). Where it says
    neither, an answer that changes nothing is one if no failure of the read is told after it.
    """

    device: SafetyDevice
    interpretation: Interpretation
    publishing: Publishing = field(default_factory=Publishing)
    #: The last message by property, None before the first of this run of Zigbee2MQTT.
    known: dict[str, object] | None = None
    #: The newest `last_seen`, also of an earlier run.
    last_seen: float | None = None
    #: What Zigbee2MQTT's availability has said in this run, None before it has.
    is_available: bool | None = None
    #: Hopes that are still to come, by property: one for each command.
    hopes: dict[str, list[object]] = field(default_factory=dict)
    #: Properties that were asked for, None while no answer is due; since when; which of
    #: them have changed since, and how many answers have changed nothing.
    asked: frozenset[str] | None = None
    asked_at: float = 0
    seen_when_asked: float | None = None
    changed: set[str] = field(default_factory=set)
    unchanged: int = 0
    #: When something came that may be an answer, or the cache once more, and shows neither.
    presumed_at: float | None = None
    #: When the last command was sent, and the loads that it has ended or begun.
    commanded_at: float = -EFFECT_SECONDS
    moved_loads: set[str] = field(default_factory=set)
    #: Commands under way, by property: what was sent, and why it failed if it did.
    waiting: dict[str, tuple[object, asyncio.Future[str | None]]] = field(
        default_factory=dict
    )

    def forget(self) -> None:
        """Trust no comparison with earlier messages: Zigbee2MQTT may have restarted."""
        self.known = self.is_available = None
        self.hopes.clear()
        self.moved_loads.clear()
        self.asked = self.presumed_at = None

    def presume(self) -> None:
        """Take for an answer what may have been one, if no read has failed since."""
        now = time.monotonic()
        if self.presumed_at is not None and now - self.presumed_at >= FAILURE_SECONDS:
            self.presumed_at = None
            self.device.seen()

    def has_returned(self, is_available: bool, retained: bool) -> bool:
        """Take an availability, and return if the device has spoken to come back.

        At its start Zigbee2MQTT derives it from what it has saved, and says it of every
        device; only what it says next has a radio message, or a lack of them, behind it.
        """
        was, self.is_available = self.is_available, is_available
        return was is False and is_available and not retained

    @asynccontextmanager
    async def commanding(
        self, name: str, raw: object
    ) -> AsyncGenerator[asyncio.Future[str | None]]:
        """Send the command `raw` to a property within this; it yields why it failed."""
        # The answer to an earlier question may say how things were before.
        self.asked = None
        self.commanded_at = time.monotonic()
        self.moved_loads.clear()
        if self.publishing.hopes(name):
            self.hopes.setdefault(name, []).append(raw)
        future = asyncio.get_running_loop().create_future()
        self.waiting[name] = (raw, future)
        try:
            yield future
        except CommandError:
            # A command that has failed is not published.
            self._take_hope(name, raw)
            raise
        finally:
            if self.waiting.get(name) == (raw, future):
                del self.waiting[name]

    def fail(self, verb: str, key: str, reason: str) -> None:
        """Take what Zigbee2MQTT says of a `set` or a `get` that failed."""

        def is_this(name: str) -> bool:
            # The endpoint's name is missing in the message.
            return name == key or name.startswith(f"{key}_")

        if verb == "get":
            self.presumed_at = None
            if any(is_this(name) for name in self.asked or ()):
                # Whatever comes now is not the answer.
                self.asked = None
            return
        for name, (_raw, future) in self.waiting.items():
            if is_this(name) and not future.done():
                future.set_result(reason)

    def ask(self, names: Collection[str]) -> None:
        """Expect answers: each property is read by itself, and each answer is a message."""
        self.asked = frozenset(names)
        self.asked_at = time.monotonic()
        self.seen_when_asked = self.last_seen
        self.changed.clear()
        self.unchanged = 0

    def take(self, message: Mapping[str, Any], *, retained: bool) -> list[str]:
        """Take a message. Returns the readings whose values are unusable."""
        new: Collection[str] = message.keys()
        own: Collection[str] = ()
        is_alive = False
        if retained:
            self._compare(message)
        else:
            new, own, is_alive = self._listen(message)
        fresh: dict[str, Value] = {}
        cached: dict[str, Value] = {}
        unusable: list[str] = []
        for name in new:
            reading = self.interpretation.readings.get(name)
            if reading is None:
                continue  # None of ours.
            if message[name] is None:
                if name in own and self.publishing.remembers(name):
                    # The device itself does not know any more; else, it is not known yet.
                    unusable.append(reading[0])
                continue
            try:
                value = self._value(name, message[name])
            except ValueError, TypeError, OverflowError:
                unusable.append(reading[0])
                continue
            (fresh if name in own else cached)[reading[0]] = value
        if is_alive:
            self.device.update(fresh)
        if cached or unusable:
            self.device.update(
                {key: value for key, value in cached.items() if key not in fresh},
                fresh=False,
                unusable=unusable,
            )
        if not retained:
            for name, (raw, future) in self.waiting.items():
                if message.get(name) == raw and not future.done():
                    future.set_result(None)
        return unusable

    def _value(self, name: str, raw: object) -> Value:
        """Return the value of a property's reading. Raises what its conversion raises."""
        readings, known = self.interpretation.readings, self.known or {}
        key, convert = readings[name]
        value = convert(raw)
        # Several alarm bits that mean the same: each of them is enough, and the calm of one
        # says nothing of another that nobody understands.
        for other in self.interpretation.siblings.get(key, ()):
            if not value and other != name and known.get(other) is not None:
                value = readings[other][1](known[other])
        return value

    def _compare(self, message: Mapping[str, Any]) -> set[str]:
        """Keep a message, and return the properties that differ from those before it."""
        before = self.known or {}
        self.known = {**before, **message}
        if (seen := _time_of(message.get("last_seen"))) is not None:
            self.last_seen = seen
        return {name for name, raw in message.items() if before.get(name) != raw}

    def _listen(
        self, message: Mapping[str, Any]
    ) -> tuple[Collection[str], Collection[str], bool]:
        """Return what is new in a live message, what the device has said, and if it lives."""
        before, newest = self.known, self.last_seen
        differs = self._compare(message)
        is_alive = False
        if (
            seen := _time_of(message.get("last_seen"))
        ) is not None and newest is not None:
            is_alive = seen > newest
            if seen < newest:
                # A crash and restart that was not heard, or a clock that was set back.
                self.forget()
                self.known, before = dict(message), None
        is_hope = self._take_hopes(message)
        if before is None:
            own = set() if self.publishing.cached else self._said(message)
            return message.keys(), own, is_alive or bool(own)
        own = self._said(differs)
        if not self.publishing.cached or self.publishing.not_cached:
            own |= {
                name
                for name in self._said(message)
                if not self.publishing.remembers(name)
            }
        if time.monotonic() - self.commanded_at < EFFECT_SECONDS:
            self._note_loads(before, message, own)
        if self.asked:
            answered = self._answered(message, differs, is_hope=is_hope)
            own |= answered or set()
            if answered is not None and not own:
                self.presumed_at = time.monotonic()
        # It is not cached: what a start publishes has none.
        is_alive = is_alive or bool(own) or "linkquality" in differs
        return differs | own, own, is_alive

    def _said(self, names: Iterable[str]) -> set[str]:
        """Return the properties that nobody but the device can have changed."""
        known, publishing = self.interpretation, self.publishing
        return {
            name
            for name in names
            if name in known.exposed
            and not (name in known.settable and publishing.hopes(name))
        }

    def _answered(
        self, message: Mapping[str, Any], differs: set[str], *, is_hope: bool
    ) -> set[str] | None:
        """Return what a message proves as an answer, or as the last of several; else None.

        An answer changes nothing else than what was asked for. One that changes nothing
        at all is known as such with the last: each property is read by itself.
        """
        asked = self.asked or frozenset()
        if time.monotonic() - self.asked_at > ANSWER_SECONDS:
            self.asked = None
            return None
        if is_hope:
            return None
        uncached = {name for name in asked if not self.publishing.remembers(name)}
        direct = uncached & message.keys()
        changed = asked & differs
        self.changed |= direct | changed
        seen, before = _time_of(message.get("last_seen")), self.seen_when_asked
        has_moved = None not in (seen, before) and seen > before  # type: ignore[operator]
        if differs <= asked | _ITS_OWN and (has_moved or seen is None):
            self.unchanged += not (direct or changed)
        left = asked - self.changed
        if self.unchanged >= len(left) and not left & uncached:
            self.asked = None
            # What it repeats without having been sent may as well be the cache.
            proven = asked if has_moved else self.changed | self._followed(asked)
            return set(proven & message.keys())
        return direct or None

    def _note_loads(
        self,
        before: Mapping[str, object],
        message: Mapping[str, Any],
        own: set[str],
    ) -> None:
        """Note which loads have ceased or begun to flow, by the device's own word."""
        for name in own & self.interpretation.readings.keys():
            key, convert = self.interpretation.readings[name]
            noise = NOISE.get(self.device.points[key].measurement.key)
            if noise is None:
                continue
            with suppress(ValueError, TypeError, OverflowError):
                was, is_now = (
                    float(convert(state.get(name))) for state in (before, message)
                )
                if has_moved(noise, was, is_now):
                    self.moved_loads.add(key)

    def _followed(self, asked: Collection[str]) -> set[str]:
        """Return the relays whose load has gone or come with the last command."""
        readings, device = self.interpretation.readings, self.device
        return {
            name
            for name in asked
            if (reading := readings.get(name))
            and (key := reading[0]) in device.supplies
            and not self.moved_loads.isdisjoint(
                (*device.related("current", key), *device.related("power", key))
            )
        }

    def _take_hopes(self, message: Mapping[str, Any]) -> bool:
        """Return if a message is what Zigbee2MQTT hopes a command of ours came to."""
        taken = [self._take_hope(name, message.get(name)) for name in (*self.hopes,)]
        return any(taken)

    def _take_hope(self, name: str, raw: object) -> bool:
        hopes = self.hopes.get(name, [])
        if raw not in hopes:
            return False
        hopes.remove(raw)
        if not hopes:
            del self.hopes[name]
        return True


@cache
def _matches(patterns: frozenset[str], name: str) -> bool:
    for pattern in patterns:
        # A pattern that is none of ours to mend, or of JavaScript alone, filters nothing.
        with suppress(re.error):
            if re.fullmatch(pattern, name):
                return True
    return False


def _time_of(raw: object) -> float | None:
    """Return the Unix time in seconds of a `last_seen`, None for what is none.

    It is ISO 8601, or milliseconds since 1970, as the bridge is configured.
    """
    if isinstance(raw, (int, float)):
        return raw / 1000
    if isinstance(raw, str) and (at := dt_util.parse_datetime(raw)):
        return at.timestamp()
    return None
