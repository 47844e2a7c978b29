"""From the units that foreign models use to ours."""

from collections.abc import Callable
from math import isfinite

from ..catalogue.measurements import Value

type Convert = Callable[[object], Value]

#: What to multiply with, by our unit and theirs. They seldom write none; then it is ours.
FACTORS: dict[str, dict[str, float]] = {
    "A": {"A": 1, "mA": 0.001},
    "mA": {"mA": 1, "A": 1000},
    "V": {"V": 1, "mV": 0.001},
    "W": {"W": 1, "kW": 1000},
    "kWh": {"kWh": 1, "Wh": 0.001},
    "kPa": {
        "kPa": 1,
        "Pa": 0.001,
        "hPa": 0.1,
        "mbar": 0.1,
        "bar": 100,
        "Bar": 100,
        "psi": 6.894757,
        "MPa": 1000,
    },
    "m": {"m": 1, "cm": 0.01, "mm": 0.001},
    "%": {"%": 1},
    "%/m": {"%/m": 1},
    "°C": {"°C": 1, "C": 1},
    "min": {"min": 1, "s": 1 / 60, "h": 60},
}
#: Air never has more, and no barometer measures it: kPa.
MOST_AIR_PRESSURE = 120
#: Units that no factor converts.
_FORMULAS: dict[tuple[str, str], Callable[[float], float]] = {
    ("°C", "°F"): lambda value: (value - 32) / 1.8,
    # EN 54-7: obscuration module m in dB/m, as the part of the light that is lost.
    ("%/m", "dB/m"): lambda value: (1 - 10 ** (-value / 10)) * 100,
}


def converter(ours: str | None, theirs: str | None) -> Convert | None:
    """Return what makes our number of theirs, None if nothing does.

    It raises ValueError for what is no number.
    """
    if ours is None or ours == theirs:
        factor: float | None = 1
    else:
        factor = FACTORS.get(ours or "", {}).get(theirs or "")
    formula = _FORMULAS.get((ours or "", theirs or ""))
    if factor is None and formula is None:
        return None

    def convert(value: object) -> Value:
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise ValueError("not a number")  # noqa: TRY004
        number = float(value) if formula is None else formula(float(value))
        if factor is not None:
            number *= factor
        if not isfinite(number):
            raise ValueError("not finite")
        return number

    return convert
