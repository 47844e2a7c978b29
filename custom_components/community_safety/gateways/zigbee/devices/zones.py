"""IAS zones: what a notification says, and what the alarm of a zone is to us."""

from zigpy.types import ZigbeePacket
from zigpy.zcl.clusters.security import IasZone
from zigpy.zcl.foundation import GeneralCommand

from ....catalogue import DEVICE_KINDS
from .table import GRAVE_ZONES, ZONE_ALARMS

#: Frame control of the ZCL (2.4.1.1): of a cluster, with a manufacturer's code, by a server.
_FRAME_TYPE, _SPECIFIC, _MANUFACTURER, _BY_SERVER = 0x03, 0x01, 0x04, 0x08
_STATUS_CHANGED = IasZone.ClientCommandDefs.status_change_notification.id
_REPORT = GeneralCommand.Report_Attributes
#: A zone's status at the beginning of a report, and its types: 16 bits, or a number.
_STATUS, _TYPES = IasZone.AttributeDefs.zone_status.id, (0x19, 0x21)


def zone_alarm(zone_type: int | None, kind: str) -> str | None:
    """Return the measurement that is on while a zone has its alarm, None for no danger.

    At a smoke sensor, an alarm of which nobody says what it is, is one: of two zones one
    is for heat, or for carbon monoxide. Of other devices it is a trouble to look at.
    """
    measurements = DEVICE_KINDS[kind].measurements
    found = ZONE_ALARMS.get(zone_type or 0)
    if found is None and may_be_danger(zone_type):
        found = "smoke" if kind == "smoke_sensor" else "trouble"
    return found if found in measurements else None


def may_be_danger(zone_type: int | None) -> bool:
    """Return if a zone's alarm may be one for us: it is, or nobody says what it is."""
    return (
        zone_type is None
        or zone_type in ZONE_ALARMS
        or zone_type in GRAVE_ZONES
        # Of a manufacturer, or invalid (table 8-4).
        or zone_type >= 0x8000
    )


def notified_status(packet: ZigbeePacket) -> int | None:
    """Return the status that a zone tells by itself, None for other messages.

    Most notify (ZCL 8.2.2.4.1), some report the attribute. Raises ValueError for a message
    that is cut short.
    """
    if packet.cluster_id != IasZone.cluster_id:
        return None
    data = packet.data.serialize()
    if len(data) < 3 or not data[0] & _BY_SERVER:
        return None
    at = 4 if data[0] & _MANUFACTURER else 2
    frame_type, command, at = data[0] & _FRAME_TYPE, data[at : at + 1], at + 1
    if (frame_type, command) == (0, bytes((_REPORT,))):
        if int.from_bytes(data[at : at + 2], "little") != _STATUS:
            return None
        if data[at + 2 : at + 3] and data[at + 2] not in _TYPES:
            raise ValueError("a status of another type")
        at += 3
    elif (frame_type, command) != (_SPECIFIC, bytes((_STATUS_CHANGED,))):
        return None
    status = data[at : at + 2]
    if len(status) < 2:
        raise ValueError("a status of less than two bytes")
    return int.from_bytes(status, "little")
