"""Time that no correction of the clock moves, neither while we run nor over a restart."""

import time

#: A restart takes no longer. What seems to be more is the clock, or a night without power,
#: and neither ends an alert that nobody has answered.
MOST_AWAY_SECONDS = 600.0


class Timebase:
    """Seconds since 1970 as they were when the process began, counted on by its own clock.

    The wall's clock jumps: when a machine without a battery gets its time, and when
    somebody sets it. What is to happen in thirty seconds happens in thirty seconds.
    """

    def __init__(self) -> None:
        """Begin with what the wall says."""
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Return the time."""
        return time.monotonic() + self._offset

    def from_wall(self, at: float) -> float:
        """Return a time of the wall's clock."""
        return at - time.time() + self.now()

    def shift(self, as_of: float) -> float:
        """Return what to add to times that an earlier run noted, the last one at `as_of`.

        The time in between counts as it seems to be, within reason.
        """
        away = self.now() - as_of
        return away - min(max(away, 0.0), MOST_AWAY_SECONDS)
