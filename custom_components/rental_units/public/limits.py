"""How often who needs no login may ask."""

from collections import Counter
import time


class Limit:
    """At most so many a minute from each."""

    def __init__(self, most: int) -> None:
        """Initialize."""
        self._most = most
        self._minute = 0
        self._counts = Counter[str]()

    def allows(self, who: str) -> bool:
        """Count one more; return if it may pass."""
        minute = int(time.time() // 60)
        if minute != self._minute:
            self._minute = minute
            self._counts.clear()
        self._counts[who] += 1
        return self._counts[who] <= self._most
