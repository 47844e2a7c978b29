"""From a device of the `zha` library to our kind, readings and commands.

A device is compiled once, when it has joined, was interviewed anew or was loaded: after
that a report is a look-up and a conversion.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from zha.application import Platform
from zha.application.platforms import PlatformEntity
from zha.zigbee.device import Device
from zhaquirks import LocalDataCluster
from zigpy.zcl import Cluster
from zigpy.zcl.clusters.general import (
    DeviceTemperature,
    MultistateInput,
    OnOff,
    PollControl,
)
from zigpy.zcl.clusters.security import IasWd, IasZone

from ...catalogue import DEVICE_KINDS
from ...catalogue.common import MEASUREMENTS as COMMON
from ...catalogue.measurements import MEASUREMENTS, Value, point_key
from ...device import Power
from ..units import FACTORS, Convert, converter
from .table import (
    COMMANDS,
    INPUTS,
    METERED,
    MOST_AIR_PRESSURE,
    MOST_CELSIUS,
    OTHER_DEVICES,
    PHASES,
    PROTECTION,
    READINGS,
    RELAY_TYPES,
    SOCKET_TYPES,
    ZONE_ALARMS,
    ZONE_BITS,
    Row,
)

#: Chosen to be left out.
NONE = "none"

type Read = Callable[[Any], Value | None]


@dataclass(frozen=True, slots=True)
class Binding:
    """A reading and the attribute that carries it.

    `read` makes our value of the attribute's, None while there is none. It raises
    ValueError for what is no value. A value that is not `remote` comes by itself alone.
    """

    key: str
    cluster: Cluster
    attribute: str
    read: Read
    remote: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """An IAS zone and the measurement that its alarm is, None if it is none of ours."""

    cluster: Cluster
    measurement: str | None

    @property
    def remote(self) -> bool:
        """Return if its status can be asked for."""
        return not isinstance(self.cluster, LocalDataCluster)


@dataclass(slots=True, kw_only=True)
class Profile:
    """A device, compiled. `supplies` and `commands` are what can be done, by key."""

    kind: str
    #: The kind that its clusters propose, None if they propose none.
    proposed: str | None
    bindings: list[Binding]
    zones: list[Zone]
    supplies: dict[str, Cluster]
    commands: dict[str, PlatformEntity | Cluster] = field(default_factory=dict)
    power: Power | None = None
    #: Longest time in seconds between two signs of life, 0 if none is promised.
    interval: float = 0

    @property
    def points(self) -> frozenset[str]:
        """Return the names of the readings."""
        measurements = DEVICE_KINDS[self.kind].measurements
        zone = {
            key
            for key in (*ZONE_BITS, *(item.measurement for item in self.zones))
            if self.zones and key in measurements
        }
        return frozenset(
            {*(item.key for item in self.bindings), *zone, "link_quality"}
            | ({"signal_strength"} & set(measurements))
        )


@dataclass(frozen=True, slots=True)
class _Found:
    """A row of the table that an attribute of the device fits."""

    row: Row
    cluster: Cluster
    attribute: str
    read: Read


def compile_device(device: Device, chosen: str | None = None) -> Profile | None:
    """Return what a device is to us, None if it is none of ours.

    `chosen` is the kind that a person has chosen, NONE to leave it out.
    """
    clusters = list(clusters_of(device))
    entities = {
        (entity.cluster, attribute): entity
        for entity in device.platform_entities.values()
        if (attribute := getattr(entity, "_attribute_name", None))
        and entity.PLATFORM in (Platform.SENSOR, Platform.BINARY_SENSOR)
    }
    found = list(_find(clusters, entities))
    zones = [_zone(item) for item in clusters if item.cluster_id == IasZone.cluster_id]
    relays = [
        entity.cluster
        for entity in device.platform_entities.values()
        if entity.PLATFORM == Platform.SWITCH
        and entity.cluster.cluster_id == OnOff.cluster_id
        and getattr(entity, "_attribute_name", None) == "on_off"
    ]
    relays.sort(key=lambda cluster: cluster.endpoint.endpoint_id)
    proposed = _propose(device, found, zones, relays)
    kind = chosen or proposed
    if kind is None or kind == NONE:
        return None

    measurements = set(DEVICE_KINDS[kind].measurements)
    if not relays:
        # A meter has alarms of its own, but nothing that could trip.
        measurements -= {"supply", "tripped"}
    numbers = {
        relay.endpoint.endpoint_id: str(number) if len(relays) > 1 else ""
        for number, relay in enumerate(relays, 1)
    }
    supplies = {
        point_key("supply", numbers[relay.endpoint.endpoint_id]): relay
        for relay in relays
        if "supply" in measurements
    }
    bindings = {
        key: Binding(key, relay, "on_off", _flag, _is_remote(relay))
        for key, relay in supplies.items()
    }
    for item in found:
        row = item.row
        if (
            row.measurement not in measurements
            or (row.kinds and kind not in row.kinds)
            or (row.chosen and chosen is None)
        ):
            continue
        channel = _phase(item, found)
        if not channel and _is_per_socket(item, found):
            channel = numbers.get(item.cluster.endpoint.endpoint_id, "")
        key = point_key(row.measurement, channel)
        bindings.setdefault(
            key,
            Binding(
                key, item.cluster, item.attribute, item.read, _is_remote(item.cluster)
            ),
        )
    profile = Profile(
        kind=kind,
        proposed=proposed,
        bindings=list(bindings.values()),
        zones=zones,
        supplies=supplies,
        commands=dict(_commands(device, clusters, DEVICE_KINDS[kind].buttons)),
        power=_power(device),
        interval=_interval(clusters),
    )
    # That it has a battery and could be opened does not make a sensor.
    return profile if profile.points - set(COMMON) else None


def clusters_of(device: Device) -> Iterator[Cluster]:
    """Yield the clusters that a device serves."""
    for endpoint in device.device.non_zdo_endpoints:
        yield from endpoint.in_clusters.values()


def _find(
    clusters: list[Cluster], entities: dict[tuple[Cluster, str], PlatformEntity]
) -> Iterator[_Found]:
    """Yield what the table knows of the device's attributes, the best first."""
    for row in READINGS:
        for attribute in row.attributes:
            for cluster in clusters:
                if row.clusters and cluster.ep_attribute not in row.clusters:
                    continue
                if attribute not in cluster.attributes_by_name:
                    continue
                if not _is_described(row, cluster):
                    continue
                entity = entities.get((cluster, attribute))
                if entity is None and not (row.chosen or _is_own(cluster, attribute)):
                    # A standard attribute that the device turned out not to have.
                    continue
                if read := _reader(row, cluster, entity):
                    yield _Found(row, cluster, attribute, read)


def _is_described(row: Row, cluster: Cluster) -> bool:
    """Return if what an input says of itself fits a row."""
    if cluster.ep_attribute not in INPUTS:
        return True
    description = str(cluster.get("description") or "")
    if row.described:
        return bool(row.described.search(description))
    return not any(
        other.described.search(description) for other in READINGS if other.described
    )


def _is_own(cluster: Cluster, attribute: str) -> bool:
    """Return if a quirk has given the cluster this attribute: then the device has it."""
    standard = Cluster._registry.get(cluster.cluster_id)  # noqa: SLF001
    return standard is None or attribute not in standard.attributes_by_name


def _is_remote(cluster: Cluster) -> bool:
    return not isinstance(cluster, LocalDataCluster)


def _reader(row: Row, cluster: Cluster, entity: PlatformEntity | None) -> Read | None:
    """Return what makes our value of an attribute's, None if nothing does."""
    measurement = MEASUREMENTS[row.measurement]
    if cluster.cluster_id == DeviceTemperature.cluster_id:
        return partial(_celsius, type(cluster) is not DeviceTemperature)
    if cluster.cluster_id == MultistateInput.cluster_id:
        return _beyond_first
    if not measurement.is_number:
        if entity is not None and entity.PLATFORM == Platform.BINARY_SENSOR:
            return partial(_is_on, entity)
        return partial(_word, row.on) if row.on else _flag
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


def _flag(raw: Any) -> Value:
    if isinstance(raw, (bool, int)):
        return bool(raw)
    raise ValueError("neither on nor off")


def _word(on: tuple[str, ...], raw: Any) -> Value:
    if name := getattr(raw, "name", None):
        return any(word in str(name).lower() for word in on)
    return _flag(raw)


def _phase(item: _Found, found: list[_Found]) -> str:
    """Return the phase that an attribute is of, "" for none."""
    for suffix, phase in PHASES.items():
        if item.attribute.endswith(suffix):
            return phase
    siblings = {
        row.attribute.removeprefix(item.attribute)
        for row in found
        if row.cluster is item.cluster and row.row.measurement == item.row.measurement
    }
    # Where phase b has a name, the one without a name is phase a.
    return "l1" if "_ph_b" in siblings and "_ph_a" not in siblings else ""


def _is_per_socket(item: _Found, found: list[_Found]) -> bool:
    """Return if several endpoints measure the same: then it is not the whole device."""
    return (
        len(
            {
                row.cluster.endpoint.endpoint_id
                for row in found
                if row.row.measurement == item.row.measurement
            }
        )
        > 1
    )


def _zone(cluster: Cluster) -> Zone:
    zone_type = cluster.get(IasZone.AttributeDefs.zone_type.name)
    return Zone(cluster, ZONE_ALARMS.get(int(zone_type or 0)))


def _propose(
    device: Device, found: list[_Found], zones: list[Zone], relays: list[Cluster]
) -> str | None:
    """Propose a kind from what a device has."""
    measured = {item.row.measurement for item in found if not item.row.chosen}
    is_metered = bool(measured & METERED)
    has_smoke = "smoke" in measured or any(
        zone.measurement == "smoke" for zone in zones
    )
    if has_smoke and not (relays and is_metered):
        return "smoke_sensor"
    if OTHER_DEVICES & {
        str(item.PLATFORM) for item in device.platform_entities.values()
    }:
        return None
    if measured & {"level", "level_height"}:
        return "water_tank"
    if "pressure" in measured and any(
        item.cluster.ep_attribute in INPUTS or _is_water_pressure(item.cluster)
        for item in found
        if item.row.measurement == "pressure"
    ):
        return "hydrant"
    types = {
        endpoint.device_type
        for endpoint in device.device.non_zdo_endpoints
        if endpoint.device_type is not None
    }
    phases = {
        _phase(item, found) for item in found if item.row.measurement == "current"
    }
    if "residual_current" in measured or len(phases) > 1 or _has_protection(device):
        return "breaker_monitor"
    if not is_metered:
        return None
    if not relays:
        return "breaker_monitor"
    if len(relays) > 1 or types & SOCKET_TYPES:
        return "charging_pile"
    return "breaker_monitor" if types & RELAY_TYPES else None


def _has_protection(device: Device) -> bool:
    return any(
        PROTECTION.search(attribute)
        for cluster in clusters_of(device)
        for attribute in cluster.attributes_by_name
        if _is_own(cluster, attribute)
    )


def _is_water_pressure(cluster: Cluster) -> bool:
    """Return if a pressure is that of water in a pipe, and not of the air.

    `max_measured_value` is in 0.1 kPa × 10, as all of the cluster (ZCL 4.5.2.2.1).
    """
    most = cluster.get("max_measured_value")
    return bool(
        isinstance(most, int)
        and most != 0x8000
        and most * FACTORS["kPa"]["hPa"] > MOST_AIR_PRESSURE
    )


def _commands(
    device: Device, clusters: list[Cluster], wanted: tuple[str, ...]
) -> Iterator[tuple[str, PlatformEntity | Cluster]]:
    pressable = {
        name: entity
        for entity in device.platform_entities.values()
        if entity.PLATFORM in (Platform.SWITCH, Platform.BUTTON)
        for name in (getattr(entity, "_attribute_name", None), entity.translation_key)
        if name
    }
    for command, names in COMMANDS.items():
        if command not in wanted:
            continue
        if name := next((name for name in names if name in pressable), None):
            yield command, pressable[name]
        elif command == "silence":
            for cluster in clusters:
                if cluster.cluster_id == IasWd.cluster_id:
                    yield command, cluster


def _power(device: Device) -> Power | None:
    mains = device.is_mains_powered
    return None if mains is None else Power.MAINS if mains else Power.BATTERY


def _interval(clusters: list[Cluster]) -> float:
    """Return how often a sleeping device says that it is there, in seconds.

    The attribute is in quarters of a second (ZCL 3.16.4.2.1).
    """
    for cluster in clusters:
        if cluster.cluster_id == PollControl.cluster_id:
            return float(cluster.get("checkin_interval") or 0) / 4
    return 0
