"""From a device of the `zha` library to our kind, readings and commands.

A device is compiled once, when it has joined, was interviewed anew or was loaded: after
that a report is a look-up and a conversion.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass, field

from zha.application import Platform
from zha.application.platforms import PlatformEntity
from zha.zigbee.device import Device
from zhaquirks import LocalDataCluster
from zigpy.zcl import Cluster
from zigpy.zcl.clusters.general import OnOff
from zigpy.zcl.clusters.security import IasWd, IasZone

from ....catalogue import DEVICE_KINDS
from ....catalogue.common import MEASUREMENTS as COMMON
from ....catalogue.measurements import MEASUREMENTS, point_key
from ....core.device import Power
from ...base import NONE
from .kinds import propose
from .matching import Match, clusters_of, is_per_socket, match_attributes, phase_of
from .table import (
    METERED,
    OTHER_DEVICES,
    PRESSABLE,
    SCALES,
    TUYA_POINTS,
    ZONE_ALARMS,
    ZONE_BITS,
)
from .values import Read, flag
from .zones import may_be_danger, zone_alarm


@dataclass(frozen=True, slots=True)
class Binding:
    """A reading and the attribute that carries it.

    `read` makes our value of the attribute's, None while there is none. It raises
    ValueError for what is no value. A value that is not `remote` comes by itself alone.
    `scale` are names of attributes that say how to read this one, the best first.
    """

    key: str
    cluster: Cluster
    attribute: str
    read: Read
    scale: tuple[tuple[str, ...], ...] = ()
    #: The library's entity that `read` may use.
    entity: PlatformEntity | None = None

    @property
    def remote(self) -> bool:
        """Return if it can be asked for."""
        return not isinstance(self.cluster, LocalDataCluster)


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

    @property
    def entities(self) -> Iterator[PlatformEntity]:
        """Yield the library's entities that are of use here."""
        for binding in self.bindings:
            if binding.entity is not None:
                yield binding.entity
        for command in self.commands.values():
            if isinstance(command, PlatformEntity):
                yield command

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


def compile_device(device: Device, chosen: str | None = None) -> Profile | None:
    """Return what a device is to us, None if it is none of ours.

    `chosen` is the kind that a person has chosen, NONE to leave it out.
    """
    clusters = list(clusters_of(device))
    found = list(match_attributes(device))
    zone_types = {
        item: _zone_type(item)
        for item in clusters
        if item.cluster_id == IasZone.cluster_id
    }
    relays = _relays(device)
    proposed = propose(
        device,
        found,
        {ZONE_ALARMS.get(zone_type or 0) for zone_type in zone_types.values()},
        relays,
    )
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
    bindings = [Binding(key, relay, "on_off", flag) for key, relay in supplies.items()]
    taken = {item.key: item.cluster for item in bindings}
    for item in found:
        row = item.row
        if (
            row.measurement not in measurements
            or (row.kinds and kind not in row.kinds)
            or (row.chosen and chosen is None)
        ):
            continue
        channel = phase_of(item, found)
        if not channel and is_per_socket(item, found):
            channel = numbers.get(item.cluster.endpoint.endpoint_id, "")
        key = point_key(row.measurement, channel)
        if (first := taken.get(key)) and MEASUREMENTS[row.measurement].is_number:
            if (
                first.endpoint is item.cluster.endpoint
                or row.measurement not in DEVICE_KINDS[kind].concerned
                or row.measurement in COMMON
            ):
                continue
            # Measured at one more place: of several, the worst counts.
            key = _free_key(row.measurement, len(relays) + 1, taken)
        taken.setdefault(key, item.cluster)
        # Several that say the same of danger are all heard.
        bindings.append(
            Binding(
                key,
                item.cluster,
                item.attribute,
                item.read,
                _scale(item),
                item.entity,
            )
        )
    profile = Profile(
        kind=kind,
        proposed=proposed,
        bindings=bindings,
        zones=[
            Zone(cluster, zone_alarm(zone_type, kind))
            for cluster, zone_type in zone_types.items()
        ],
        supplies=supplies,
        commands=dict(_commands(device, clusters, DEVICE_KINDS[kind].buttons)),
        power=_power(device),
    )
    # That it has a battery and could be opened does not make a sensor.
    return profile if profile.points - set(COMMON) else None


def _relays(device: Device) -> list[Cluster]:
    relays = [
        entity.cluster
        for entity in device.platform_entities.values()
        if entity.PLATFORM == Platform.SWITCH
        and entity.cluster.cluster_id == OnOff.cluster_id
        and getattr(entity, "_attribute_name", None) == "on_off"
    ]
    return sorted(relays, key=lambda cluster: cluster.endpoint.endpoint_id)


def _zone_type(cluster: Cluster) -> int | None:
    zone_type = cluster.get(IasZone.AttributeDefs.zone_type.name)
    return None if zone_type is None else int(zone_type)


def may_speak_of_danger(device: Device) -> bool:
    """Return if a device of no certain kind may raise an alarm, or cut a supply off."""
    clusters = list(clusters_of(device))
    if any(
        cluster.cluster_id == IasZone.cluster_id and may_be_danger(_zone_type(cluster))
        for cluster in clusters
    ):
        return True
    if not device.quirk_applied and any(
        cluster.cluster_id == TUYA_POINTS for cluster in clusters
    ):
        # It speaks in numbers that nobody has explained: some of them are detectors.
        return True
    if OTHER_DEVICES & {
        str(entity.PLATFORM) for entity in device.platform_entities.values()
    }:
        return False
    measured = {
        item.row.measurement for item in match_attributes(device) if not item.row.chosen
    }
    return "smoke" in measured or bool(_relays(device) and measured & METERED)


def _scale(item: Match) -> tuple[tuple[str, ...], ...]:
    if isinstance(item.cluster, LocalDataCluster):
        # Its quirk has done that.
        return ()
    return SCALES.get((item.cluster.ep_attribute or "", item.row.measurement), ())


def _free_key(measurement: str, number: int, taken: Container[str]) -> str:
    while (key := point_key(measurement, str(number))) in taken:
        number += 1
    return key


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
    for command, names in PRESSABLE.items():
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
