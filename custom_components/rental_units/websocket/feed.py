"""A subscription: all of it first, then what changes, without a gap.

Each message has a number, one more than that of the message before, and the server's time. A
beat comes every ten seconds, with the number of the last message: who hears none is shown
old data.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import datetime, timedelta
import time
from typing import Any, Final, override

from homeassistant.core import CALLBACK_TYPE, HassJob, callback
from homeassistant.helpers.event import async_call_later, async_track_time_interval

from ..app.application import DATA_APPLICATIONS
from .base import Ask, Subscription

#: Seconds in which changes are gathered, and between two beats.
GATHER_SECONDS: Final = 0.1
BEAT: Final = timedelta(seconds=10)
#: So long groups are looked at before others have their turn; and so many times as long as a
#: round has taken is waited until the next.
SLICE_SECONDS: Final = 0.02
REST: Final = 5

type Items = Mapping[str, Any]


class Feed(Subscription):
    """Tells one connection of some items, each with a key."""

    def __init__(
        self,
        ask: Ask,
        read: Callable[[], Items | None],
        sources: Iterable[Callable[[CALLBACK_TYPE], CALLBACK_TYPE]],
    ) -> None:
        """Initialize; `read` returns the items, None for who may not be told any more.

        A source takes what is called when something may have changed, and returns what
        ends that.
        """
        self._ask = ask
        self._read = read
        self._sources = sources
        self._known: Items = {}
        self._number = 0
        self._unlisten: list[CALLBACK_TYPE] = []
        self._cancel: CALLBACK_TYPE | None = None

    @override
    @callback
    def start(self) -> None:
        self._unlisten = [source(self.changed) for source in self._sources]
        self._unlisten.append(
            async_track_time_interval(
                self._ask.hass, self._beat, BEAT, cancel_on_shutdown=True
            )
        )
        self._known = self._read() or {}
        self._send("snapshot", items=self._known)

    @override
    @callback
    def stop(self) -> None:
        if self._cancel:
            self._cancel()
            self._cancel = None
        for unlisten in self._unlisten:
            unlisten()
        self._unlisten = []

    @callback
    def changed(self) -> None:
        """Tell soon of what has changed."""
        self._later(GATHER_SECONDS)

    def _later(self, seconds: float) -> None:
        if self._cancel is None and self._unlisten:
            self._cancel = async_call_later(
                self._ask.hass,
                seconds,
                HassJob(self._gathered, cancel_on_shutdown=True),
            )

    @callback
    def _gathered(self, _now: datetime) -> None:
        self._cancel = None
        self._tell()

    @property
    def _is_loaded(self) -> bool:
        applications = self._ask.hass.data[DATA_APPLICATIONS].values()
        return self._ask.application in applications

    def _end(self) -> None:
        """End it: who asks anew is told why."""
        self._send("ended")
        self.stop()

    @callback
    def _beat(self, _now: datetime) -> None:
        if self._tell():
            self._send("beat")

    def _tell(self) -> bool:
        """Send what has changed; return if it goes on."""
        items = self._read() if self._is_loaded else None
        if items is None:
            self._end()
            return False
        before, self._known = self._known, dict(items)
        if new := _new(before, items):
            self._send("change", items=new)
        if gone := [key for key in before if key not in items]:
            self._send("gone", keys=gone)
        return True

    def _send(self, kind: str, **data: Any) -> None:
        if kind != "beat":
            self._number += 1
        self._ask.connection.send_event(
            self._ask.id,
            {"kind": kind, "sequence": self._number, "at": time.time(), **data},
        )


def _new(before: Items, items: Items) -> dict[str, Any]:
    """Return what is new or has changed."""
    # What nothing was changed of is the same object: of thousands that saves the look.
    return {
        key: item
        for key, item in items.items()
        if (was := before.get(key)) is not item and was != item
    }


class GroupFeed(Feed):
    """Tells of items in groups, of some groups at a time: an alarm waits for no panel.

    There may be thousands of items, and all of them change in the same seconds.
    """

    def __init__(
        self,
        ask: Ask,
        keys: Callable[[], Collection[str] | None],
        group: Callable[[str], Items],
        sources: Iterable[Callable[[CALLBACK_TYPE], CALLBACK_TYPE]],
    ) -> None:
        """Initialize; `keys` returns the groups, None for who may not be told any more.

        `group` returns the items of one: the same object while nothing of it was changed.
        """
        super().__init__(ask, self._all, sources)
        self._keys = keys
        self._group = group
        self._told: dict[str, Items] = {}
        #: Groups to be looked at in this round, and what looks at the next of them.
        self._left: deque[str] = deque()
        self._next: asyncio.Handle | None = None
        #: How long this round has taken, and if there was news in the middle of it.
        self._seconds = 0.0
        self._is_stale = False

    def _all(self) -> Items:
        self._told = {key: self._group(key) for key in self._keys() or ()}
        return {
            key: item for items in self._told.values() for key, item in items.items()
        }

    @override
    @callback
    def start(self) -> None:
        super().start()
        # They are kept by groups.
        self._known = {}

    @override
    @callback
    def stop(self) -> None:
        if self._next:
            self._next.cancel()
            self._next = None
        super().stop()

    @override
    @callback
    def changed(self) -> None:
        if self._next:
            self._is_stale = True
        else:
            super().changed()

    @override
    def _tell(self) -> bool:
        keys = self._keys() if self._is_loaded else None
        if keys is None:
            self._end()
            return False
        if not self._next:
            gone = [key for key in self._told if key not in keys]
            if lost := [name for key in gone for name in self._told.pop(key)]:
                self._send("gone", keys=lost)
            self._left, self._seconds = deque(keys), 0.0
            self._look()
        return True

    @callback
    def _look(self) -> None:
        """Look at some groups, and at the next when others have had their turn."""
        self._next = None
        begun = time.perf_counter()
        new: dict[str, Any] = {}
        gone: list[str] = []
        while self._left:
            key = self._left.popleft()
            before, items = self._told.get(key, {}), self._group(key)
            if items is not before:
                self._told[key] = items
                new |= _new(before, items)
                gone += [name for name in before if name not in items]
            if time.perf_counter() - begun >= SLICE_SECONDS:
                break
        if new:
            self._send("change", items=new)
        if gone:
            self._send("gone", keys=gone)
        self._seconds += time.perf_counter() - begun
        if self._left:
            self._next = self._ask.hass.loop.call_soon(self._look)
        elif self._is_stale:
            self._is_stale = False
            # What takes long is not done all the time.
            self._later(max(GATHER_SECONDS, REST * self._seconds))
