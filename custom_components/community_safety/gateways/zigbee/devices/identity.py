"""If a device is still the one that was interviewed, and if its zones tell us of alarms."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from zha.zigbee.device import Device
from zhaquirks.device import BaseCustomDevice
from zigpy.types import EUI64
from zigpy.zcl import Cluster
from zigpy.zcl.clusters.general import Basic
from zigpy.zcl.clusters.security import EnrollResponse, IasZone, ZoneState
from zigpy.zdo.types import Status

#: What a zone says of its enrolment (ZCL 8.2.2.2): if it is, and whom it tells.
ENROLMENT = (
    IasZone.AttributeDefs.zone_state.name,
    IasZone.AttributeDefs.cie_addr.name,
)
#: What a device calls itself.
_NAMES = (
    Basic.AttributeDefs.manufacturer.name,
    Basic.AttributeDefs.model.name,
)

type Do = Callable[[Callable[[], Awaitable[Any]]], Awaitable[Any]]


def is_enrolled(zone: Cluster, ours: EUI64) -> bool:
    """Return if a zone tells our coordinator of its alarms, as far as it says so."""
    state, told = (zone.get(name) for name in ENROLMENT)
    return state in (None, ZoneState.Enrolled) and told in (None, ours)


def enrolling(zone: Cluster, ours: EUI64) -> list[Callable[[], Awaitable[Any]]]:
    """Return the requests that enrol a zone with our coordinator (ZCL 8.2.2.2.3)."""
    answer = IasZone.ServerCommandDefs.enroll_response.id
    return [
        partial(zone.write_attributes, {IasZone.AttributeDefs.cie_addr.name: ours}),
        partial(zone.command, answer, EnrollResponse.Success, 0),
    ]


async def async_is_other(device: Device, do: Do, *, has_moved: bool) -> bool:
    """Ask a device what it is, and return if it is another than the one that is known.

    Who comes back at the network address that it had has kept the network in its memory: its
    names are enough, which is one question instead of three where the mains return to two
    hundred at once. A quirk may have changed what is known of a device, and then its names
    alone are compared too. Raises what `do` raises.
    """
    known, basic = device.device, device.basic_cluster
    before = {name: basic and basic.get(name) for name in _NAMES}
    is_named = any(before.values())
    if (has_moved or not is_named) and not isinstance(known, BaseCustomDevice):
        status, _nwk, endpoints = await do(partial(known.zdo.Active_EP_req, known.nwk))
        if status == Status.SUCCESS and {*endpoints} - {0} != known.endpoints.keys() - {
            0
        }:
            return True
        status, _nwk, described = await do(partial(known.zdo.Node_Desc_req, known.nwk))
        if status == Status.SUCCESS and described != known.node_desc:
            return True
    if basic is None:
        return False
    told, _failed = await do(partial(basic.read_attributes, [*_NAMES]))
    return any(
        None not in (before[name], told.get(name)) and told[name] != before[name]
        for name in _NAMES
    )
