"""A subscription: all of it first, then what changes, without a gap.

Each message has a number, one more than that of the message before, and the server's time. A
beat comes every ten seconds, with the number of the last message: who hears none is shown
old data.
"""

from collections.abc import Callable, Iterable, Mapping
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
        if self._cancel is None and self._unlisten:
            self._cancel = async_call_later(
                self._ask.hass,
                GATHER_SECONDS,
                HassJob(self._gathered, cancel_on_shutdown=True),
            )

    @callback
    def _gathered(self, _now: datetime) -> None:
        self._cancel = None
        self._tell()

    @callback
    def _beat(self, _now: datetime) -> None:
        if self._tell():
            self._send("beat")

    def _tell(self) -> bool:
        """Send what has changed; return if it goes on."""
        applications = self._ask.hass.data[DATA_APPLICATIONS].values()
        is_loaded = self._ask.application in applications
        items = self._read() if is_loaded else None
        if items is None:
            # Who asks anew is told why.
            self._send("ended")
            self.stop()
            return False
        before, self._known = self._known, dict(items)
        # What nothing was changed of is the same object: of thousands that saves the look.
        if new := {
            key: item
            for key, item in items.items()
            if (was := before.get(key)) is not item and was != item
        }:
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
