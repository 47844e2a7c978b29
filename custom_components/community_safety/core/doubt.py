"""What contradicts a reading: other readings of the same device, and physics.

A meter that is wrong must not cut a home. A reading that is dangerous is held against what
else the device says at the same place; only readings that would cut something are.
"""

from .measured import Measured

#: IEC 60898-1, table 7: 20 times the rated current trips a breaker of type D at once, so
#: no supply carries more for as long as a meter takes to report it.
MOST_OF_RATED = 20
#: A supply that carries a dangerous current has at least this power factor: motors that
#: start have 0.2 and more.
LEAST_POWER_FACTOR = 0.1
#: GB/T 12325: 220 V is what a supply has where nobody measures it.
USUAL_VOLTS = 220.0
#: What flows to earth flows through the phases too. Meters begin to count at some tenths
#: of an ampere, so that much more is no contradiction: mA.
UNCOUNTED_MILLIAMPERES = 300.0
#: Terminals of one device lie in one housing, and one warms the others: K.
MOST_ABOVE_SIBLINGS = 100.0


def witnesses(device: Measured, key: str) -> tuple[str, ...]:
    """Return the keys of the readings by which one is judged."""
    voltages: tuple[str, ...] = ()
    if device.points[key].measurement.key == "current":
        voltages = _beside(device, "voltage", key)
    return (*opponents(device, key), *voltages)


def opponents(device: Measured, key: str) -> tuple[str, ...]:
    """Return the keys of the readings that can contradict one."""
    match device.points[key].measurement.key:
        case "current":
            return _beside(device, "power", key)
        case "residual_current":
            return device.by_measurement.get("current", ())
        case "conductor_temperature" | "temperature" as name:
            return tuple(item for item in device.by_measurement[name] if item != key)
    return ()


def contradicts(device: Measured, key: str) -> bool:
    """Return if a reading cannot be true beside the others of its device."""
    value = _number(device, key)
    if value is None:
        return False
    match device.points[key].measurement.key:
        case "current":
            return _current_is_wrong(device, key, value)
        case "residual_current":
            currents = [_number(device, item) for item in witnesses(device, key)]
            known = [item for item in currents if item is not None]
            return (
                bool(known)
                and len(known) == len(currents)
                and (value > 1000 * sum(known) + UNCOUNTED_MILLIAMPERES)
            )
        case "conductor_temperature" | "temperature":
            others = [_number(device, item) for item in witnesses(device, key)]
            warmest = max((item for item in others if item is not None), default=value)
            return value - warmest > MOST_ABOVE_SIBLINGS
    return False


def _current_is_wrong(device: Measured, key: str, amperes: float) -> bool:
    if amperes > MOST_OF_RATED * device.limit("rated_current"):
        return True
    watts = [_number(device, item) for item in _beside(device, "power", key)]
    volts = [_number(device, item) for item in _beside(device, "voltage", key)]
    power = [abs(item) for item in watts if item is not None]
    if not power:
        return False
    voltage = max((item for item in volts if item is not None), default=USUAL_VOLTS)
    return max(power) < amperes * voltage * LEAST_POWER_FACTOR


def _beside(device: Measured, measurement: str, key: str) -> tuple[str, ...]:
    """Return the readings of a measurement at the same phase or socket.

    What has no phase or socket is that of the whole device, and counts for each.
    """
    channel = device.points[key].channel
    keys = device.by_measurement.get(measurement, ())
    own = tuple(item for item in keys if device.points[item].channel == channel)
    whole = tuple(item for item in keys if not device.points[item].channel)
    return own or whole or (keys if not channel else ())


def _number(device: Measured, key: str) -> float | None:
    value = device.readings.get(key)
    return value if isinstance(value, float) else None
