"""What the table knows of the attributes that a device has."""

from collections.abc import Iterator
from dataclasses import dataclass

from zha.application import Platform
from zha.application.platforms import PlatformEntity
from zha.zigbee.device import Device
from zigpy.zcl import Cluster

from .table import ATTRIBUTES, INPUTS, PHASES, Row
from .values import Read, reader


@dataclass(frozen=True, slots=True)
class Match:
    """A row of the table that an attribute of the device fits."""

    row: Row
    cluster: Cluster
    attribute: str
    read: Read
    #: The library's entity, whose unit and conversion `read` may use.
    entity: PlatformEntity | None


def clusters_of(device: Device) -> Iterator[Cluster]:
    """Yield the clusters that a device serves."""
    for endpoint in device.device.non_zdo_endpoints:
        yield from endpoint.in_clusters.values()


def match_attributes(device: Device) -> Iterator[Match]:
    """Yield what the table knows of the device's attributes, the best first."""
    clusters = list(clusters_of(device))
    entities = {
        (entity.cluster, attribute): entity
        for entity in device.platform_entities.values()
        if (attribute := getattr(entity, "_attribute_name", None))
        and entity.PLATFORM in (Platform.SENSOR, Platform.BINARY_SENSOR)
    }
    for row in ATTRIBUTES:
        for attribute in row.attributes:
            for cluster in clusters:
                if row.clusters and cluster.ep_attribute not in row.clusters:
                    continue
                if attribute not in cluster.attributes_by_name:
                    continue
                if not _is_described(row, cluster):
                    continue
                entity = entities.get((cluster, attribute))
                if entity is None and not (row.chosen or is_own(cluster, attribute)):
                    # A standard attribute that the device turned out not to have.
                    continue
                if read := reader(row, cluster, entity):
                    yield Match(row, cluster, attribute, read, entity)


def _is_described(row: Row, cluster: Cluster) -> bool:
    """Return if what an input says of itself fits a row."""
    if cluster.ep_attribute not in INPUTS:
        return True
    description = str(cluster.get("description") or "")
    if row.described:
        return bool(row.described.search(description))
    return not any(
        other.described.search(description) for other in ATTRIBUTES if other.described
    )


def is_own(cluster: Cluster, attribute: str) -> bool:
    """Return if a quirk has given the cluster this attribute: then the device has it."""
    standard = Cluster._registry.get(cluster.cluster_id)  # noqa: SLF001
    return standard is None or attribute not in standard.attributes_by_name


def phase_of(item: Match, found: list[Match]) -> str:
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


def is_per_socket(item: Match, found: list[Match]) -> bool:
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
