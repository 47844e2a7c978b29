"""Timers that end together with what they belong to."""

import asyncio
from collections.abc import Callable
from typing import Any


class Timers:
    """Calls things later, until it is closed."""

    def __init__(self) -> None:
        """Initialize without any."""
        self._handles: set[asyncio.Handle] = set()
        self._closed = False

    def later(self, seconds: float, action: Callable[[], Any]) -> None:
        """Call something after so many seconds; never within this call."""
        if self._closed:
            return
        loop = asyncio.get_running_loop()

        def run() -> None:
            self._handles.discard(handle)
            action()

        handle: asyncio.Handle = (
            loop.call_later(seconds, run) if seconds > 0 else loop.call_soon(run)
        )
        self._handles.add(handle)

    def close(self) -> None:
        """Call nothing any more."""
        self._closed = True
        for handle in self._handles:
            handle.cancel()
        self._handles.clear()
