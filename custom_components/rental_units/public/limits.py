"""How often who needs no login may ask."""

from collections import Counter
import time


class Limit:
    """At most so many a minute, or in as many seconds, from each."""

    def __init__(self, most: int, seconds: int = 60) -> None:
        """Initialize."""
        self._most = most
        self._seconds = seconds
        self._minute = 0
        self._counts = Counter[str]()

    def allows(self, who: str) -> bool:
        """Count one more; return if it may pass."""
        minute = int(time.time() // self._seconds)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        self._counts[who] += 1
        return self._counts[who] <= self._most
