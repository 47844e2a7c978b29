"""Whether the load behind a supply has gone or come, by what a meter tells."""

from ..core.disconnect import NO_CURRENT_AMPERES, NO_POWER_WATTS

#: What a meter may show of nothing, by measurement: amperes and watts.
NOISE = {"current": NO_CURRENT_AMPERES, "power": NO_POWER_WATTS}
#: Seconds after a command in which a load that ceases or begins to flow is its doing.
EFFECT_SECONDS = 60.0


def has_moved(noise: float, before: float, after: float) -> bool:
    """Return if a load has gone or come between two values, in the unit of the noise."""
    less, more = sorted((abs(before), abs(after)))
    # A meter that trembles about the limit has told nothing.
    return less <= noise and more > 2 * noise
