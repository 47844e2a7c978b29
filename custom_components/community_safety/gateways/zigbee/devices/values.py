"""From what an attribute holds to our value of it."""

from collections.abc import Callable
from enum import Flag
from functools import partial
from typing import Any

from zha.application import Platform
from zha.application.platforms import PlatformEntity
from zigpy.zcl import Cluster
from zigpy.zcl.clusters.general import DeviceTemperature, MultistateInput

from ....catalogue.measurements import MEASUREMENTS, Value
from ...units import Convert, converter
from .table import CALM_WORDS, MOST_CELSIUS, NEUTRAL_WORDS, ON_WORDS, Row

#: Begins the name that zigpy gives a value that is none of its enumeration's.
_UNDEFINED = "undefined_"

type Read = Callable[[Any], Value | None]


def reader(row: Row, cluster: Cluster, entity: PlatformEntity | None) -> Read | None:
    """Return what makes our value of an attribute's, None if nothing does."""
    measurement = MEASUREMENTS[row.measurement]
    if cluster.cluster_id == DeviceTemperature.cluster_id:
        return partial(_celsius, type(cluster) is not DeviceTemperature)
    if cluster.cluster_id == MultistateInput.cluster_id:
        return _beyond_first
    if not measurement.is_number:
        read = partial(_word, row.on) if row.on else flag
        if entity is not None and entity.PLATFORM == Platform.BINARY_SENSOR:
            return partial(_is_on, entity, read)
        return read
    unit = getattr(entity, "native_unit_of_measurement", None) or row.unit
    if unit is None or (convert := converter(measurement.unit, unit)) is None:
        return None
    if entity is None or entity.PLATFORM != Platform.SENSOR:
        return convert

    return partial(_native, entity, convert)


def _is_on(entity: Any, read: Read, raw: Any) -> Value | None:
    """Return what the library's entity has made of the attribute's, but for words.

    It takes any number but zero for on, and Tuya's "alarm" is number zero.
    """
    return read(raw) if _name(raw) else bool(entity.is_on)


def _native(entity: Any, convert: Convert, _raw: Any) -> Value | None:
    """Return the value that the library's entity has made of the attribute's."""
    value = entity.native_value
    return None if value is None else convert(value)


def _celsius(of_quirk: bool, raw: Any) -> Value:
    """Return a device's own temperature; the library takes all for hundredths."""
    return float(raw) / (100 if of_quirk or abs(raw) > MOST_CELSIUS else 1)


def _beyond_first(raw: Any) -> Value:
    return int(raw) > 1


def flag(raw: Any) -> Value:
    """Return if a flag is set, or a fault told: by any word or bit that is not for calm.

    Raises ValueError for what says neither.
    """
    if (name := _name(raw)) and not name.startswith(_UNDEFINED):
        return not _is_calm(name)
    if isinstance(raw, (bool, int, float)):
        return bool(raw)
    if isinstance(raw, bytes):
        return any(raw)
    raise ValueError("neither on nor off")


def _word(on: tuple[str, ...], raw: Any) -> Value:
    """Return if a word says that something is on. Raises ValueError for unknown words."""
    if not (name := _name(raw)):
        return flag(raw)
    if _is_calm(name) or name in NEUTRAL_WORDS:
        return False
    if name in ON_WORDS or any(word in name for word in on):
        return True
    raise ValueError(f"unknown word: {name}")


def _is_calm(name: str) -> bool:
    return name in CALM_WORDS or name.startswith(("no_", "not_"))


def _name(raw: Any) -> str:
    """Return the word that an enumeration or a text is, "" for a number."""
    name = raw if isinstance(raw, str) else getattr(raw, "name", None)
    if not isinstance(name, str) or isinstance(raw, Flag):
        return ""
    return name.strip().lower().replace(" ", "_")
