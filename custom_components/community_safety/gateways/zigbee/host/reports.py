"""Reports of attributes, which are nearly all that is heard: their header is read once.

zigpy reads it twice, each time into structures that cost a tenth of the whole message. What
is then done with a report is zigpy's own, and whatever is not plain takes zigpy's own way.
"""

from functools import cache
from typing import Any

from zigpy.device import ZigbeeDevice
from zigpy.listeners import ANY_DEVICE, FutureListener
from zigpy.profiles import zha
from zigpy.types import AddrMode, ZigbeePacket
from zigpy.zcl import Cluster
from zigpy.zcl.foundation import (
    GENERAL_COMMANDS,
    Direction,
    FrameControl,
    GeneralCommand,
)

REPORT = GeneralCommand.Report_Attributes
_SCHEMA = GENERAL_COMMANDS[REPORT].schema
#: Frame controls (ZCL 2.4.1.1) of a report by a server that is none of a manufacturer's: one
#: that wants an answer, and one that wants none.
_PLAIN = {0x08, 0x18}


class Header:
    """A header as those read it who deal with a report."""

    __slots__ = ("command_id", "frame_control", "tsn")

    manufacturer = None
    direction = Direction.Server_to_Client

    def __init__(self, flags: int, tsn: int) -> None:
        """Initialize."""
        self.frame_control = _control(flags)
        self.tsn = tsn
        self.command_id = REPORT


@cache
def _control(flags: int) -> FrameControl:
    return FrameControl.deserialize(bytes((flags,)))[0]


def take_report(app: Any, packet: ZigbeePacket) -> bool:
    """Deal with a report of attributes, and return if the packet was a plain one."""
    data = packet.data.serialize()
    if (
        len(data) < 3
        or data[2] != REPORT
        or data[0] not in _PLAIN
        or packet.profile_id != zha.PROFILE_ID
        or packet.src is None
        or packet.src.addr_mode != AddrMode.NWK
    ):
        return False
    try:
        device = app.get_device(nwk=packet.src.address)
        cluster = device.endpoints[packet.src_ep].in_clusters[packet.cluster_id]
    except AttributeError, KeyError:
        return False
    if (
        not device.is_initialized
        or not _is_plain(type(device), type(cluster))
        or "packet_received" in device.__dict__
    ):
        return False
    try:
        command, _rest = _SCHEMA.deserialize(data[3:])
    except Exception:  # noqa: BLE001
        # zigpy says so in its own words.
        return False
    app.listener_event(
        "handle_message",
        device,
        packet.profile_id,
        packet.cluster_id,
        packet.src_ep,
        packet.dst_ep,
        data,
    )
    device.last_seen = packet.timestamp
    if packet.lqi is not None:
        device.lqi = packet.lqi
    if packet.rssi is not None:
        device.rssi = packet.rssi
    if device._should_filter_packet(packet):  # noqa: SLF001
        return True
    header = Header(data[0], data[1])
    waiting = app._req_listeners  # noqa: SLF001
    for listener in (*waiting.get(ANY_DEVICE, ()), *waiting.get(device, ())):
        if listener.resolve(header, command) and isinstance(listener, FutureListener):
            break
    cluster.handle_message(header, command)
    return True


def _is_plain(device: Any, cluster: Any) -> bool:
    """Return if no quirk deals with messages in a way of its own; both are classes."""
    return device.packet_received is ZigbeeDevice.packet_received and all(
        getattr(cluster, name) is getattr(Cluster, name)
        for name in ("deserialize", "handle_message", "handle_cluster_general_request")
    )
