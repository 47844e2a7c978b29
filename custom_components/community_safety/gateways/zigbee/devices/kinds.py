"""What kind of device something is, from what it has: no model is known here."""

from zha.zigbee.device import Device
from zigpy.zcl import Cluster

from ...units import FACTORS, MOST_AIR_PRESSURE
from .matching import Match, clusters_of, is_own, phase_of
from .table import INPUTS, METERED, OTHER_DEVICES, PROTECTION, RELAY_TYPES, SOCKET_TYPES


def propose(
    device: Device, found: list[Match], zones: set[str | None], relays: list[Cluster]
) -> str | None:
    """Return the kind that a device seems to be, None if it is none of ours.

    `zones` are the measurements of its IAS zones, `relays` its clusters that switch.
    """
    measured = {item.row.measurement for item in found if not item.row.chosen}
    is_metered = bool(measured & METERED)
    if "smoke" in measured | zones and not (relays and is_metered):
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
        phase_of(item, found) for item in found if item.row.measurement == "current"
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
        if is_own(cluster, attribute)
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
