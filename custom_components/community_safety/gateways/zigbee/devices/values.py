"""From what an attribute holds to our value of it."""

from collections.abc import Callable
from functools import partial
from typing import Any

from zha.application import Platform
from zha.application.platforms import PlatformEntity
from zigpy.zcl import Cluster
from zigpy.zcl.clusters.general import DeviceTemperature, MultistateInput

from ....catalogue.measurements import MEASUREMENTS, Value
from ...units import Convert, converter
from .table import MOST_CELSIUS, Row

type Read = Callable[[Any], Value | None]


def reader(row: Row, cluster: Cluster, entity: PlatformEntity | None) -> Read | None:
    """Return what makes our value of an attribute's, None if nothing does."""
    measurement = MEASUREMENTS[row.measurement]
    if cluster.cluster_id == DeviceTemperature.cluster_id:
        return partial(_celsius, type(cluster) is not DeviceTemperature)
    if cluster.cluster_id == MultistateInput.cluster_id:
        return _beyond_first
    if not measurement.is_number:
        if entity is not None and entity.PLATFORM == Platform.BINARY_SENSOR:
            return partial(_is_on, entity)
        return partial(_word, row.on) if row.on else flag
    unit = getattr(entity, "native_unit_of_measurement", None) or row.unit
    if unit is None or (convert := converter(measurement.unit, unit)) is None:
        return None
    if entity is None or entity.PLATFORM != Platform.SENSOR:
        return convert

    return partial(_native, entity, convert)


def _is_on(entity: Any, _raw: Any) -> Value:
    return bool(entity.is_on)


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
    """Return if a flag is set. Raises ValueError for what is none."""
    if isinstance(raw, (bool, int)):
        return bool(raw)
    raise ValueError("neither on nor off")


def _word(on: tuple[str, ...], raw: Any) -> Value:
    if name := getattr(raw, "name", None):
        return any(word in str(name).lower() for word in on)
    return flag(raw)
