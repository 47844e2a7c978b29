"""The list of who may pass, as a door controller or a vehicle gate keeps it."""

from collections.abc import Callable
import itertools
import time
from typing import Any

from .device import RefusedError

#: Rows of one answer.
PAGE = 100


class AccessList:
    """Cards or plates with begin and end, by which it goes whoever is connected.

    `clock` is the time that it believes in.
    """

    def __init__(
        self, capacity: int = 20_000, clock: Callable[[], float] = time.time
    ) -> None:
        """Initialize as empty."""
        self.rows: dict[str, dict[str, Any]] = {}
        self.capacity = capacity
        self.clock = clock
        self._index = itertools.count(1)

    def order(self, order: dict[str, Any], *, forgets: bool = False) -> dict[str, Any]:
        """Do what is ordered; return what was read. Raises RefusedError."""
        if row := order.get("put"):
            if row["number"] not in self.rows and len(self.rows) >= self.capacity:
                raise RefusedError("the list is full")
            if not forgets:
                self.rows[row["number"]] = dict(row)
            return {}
        if number := order.get("remove"):
            if not forgets:
                self.rows.pop(number, None)
            return {}
        if number := order.get("read"):
            return {"credentials": [self.rows[number]] if number in self.rows else []}
        after = sorted(row for row in self.rows if row > order["list"])
        return {
            "credentials": [self.rows[number] for number in after[:PAGE]],
            "count": len(self.rows),
        }

    def judge(self, number: str, door: str) -> str:
        """Return what is decided of somebody at a door."""
        row = self.rows.get(number)
        if row is None:
            return "unknown"
        if door not in row["doors"]:
            return "not_allowed"
        return "granted" if row["begin"] <= self.clock() < row["end"] else "not_now"

    def passage(self, number: str, door: str = "1") -> dict[str, Any]:
        """Return what is told of somebody who comes to a door."""
        return {
            "index": next(self._index),
            "door": door,
            "number": number,
            "decision": self.judge(number, door),
        }
