"""Frames and data types of the Zigbee Cluster Library (ZCL 8, chapter 2), and its clusters as data."""

from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .fields import TooShortError, Type, plain

CLUSTER_SPECIFIC, MANUFACTURER, FROM_SERVER, NO_DEFAULT_RESPONSE = (
    0x01,
    0x04,
    0x08,
    0x10,
)

#: General commands.
READ, READ_RSP, WRITE, WRITE_UNDIVIDED, WRITE_RSP, WRITE_SILENT = range(6)
CONFIGURE, CONFIGURE_RSP, READ_CONFIG, READ_CONFIG_RSP, REPORT, DEFAULT_RSP = range(
    6, 12
)
DISCOVER, DISCOVER_RSP = 0x0C, 0x0D
DISCOVER_RECEIVED, DISCOVER_RECEIVED_RSP = 0x11, 0x12
DISCOVER_GENERATED, DISCOVER_GENERATED_RSP = 0x13, 0x14
DISCOVER_EXTENDED, DISCOVER_EXTENDED_RSP = 0x15, 0x16

#: Status codes.
SUCCESS, FAILURE, MALFORMED, UNSUPPORTED_COMMAND = 0x00, 0x01, 0x80, 0x81
UNSUPPORTED_GENERAL, UNSUPPORTED_ATTRIBUTE, INVALID_VALUE = 0x82, 0x86, 0x87
READ_ONLY, UNREPORTABLE, INVALID_TYPE, NOT_FOUND = 0x88, 0x8C, 0x8D, 0x8B

#: Data types by the names used here: identifier and field code.
_TYPES = {
    "data8": (0x08, "u8"),
    "bool": (0x10, "bool"),
    "map8": (0x18, "u8"),
    "map16": (0x19, "u16"),
    "map24": (0x1A, "u24"),
    "map32": (0x1B, "u32"),
    "u8": (0x20, "u8"),
    "u16": (0x21, "u16"),
    "u24": (0x22, "u24"),
    "u32": (0x23, "u32"),
    "u40": (0x24, "u40"),
    "u48": (0x25, "u48"),
    "u56": (0x26, "u56"),
    "u64": (0x27, "u64"),
    "i8": (0x28, "i8"),
    "i16": (0x29, "i16"),
    "i32": (0x2B, "i32"),
    "enum8": (0x30, "u8"),
    "enum16": (0x31, "u16"),
    "float": (0x39, "f32"),
    "octets": (0x41, "lv"),
    "string": (0x42, "lv"),
    "utc": (0xE2, "u32"),
    "eui64": (0xF0, "u64"),
    "key": (0xF1, "b16"),
}
#: Types with a reportable change (ZCL 2.6.2: analogue ones).
_ANALOGUE = {*range(0x20, 0x30), 0x39, 0xE2}


@dataclass(frozen=True, slots=True)
class DataType:
    """One data type."""

    id: int
    name: str
    type: Type
    analogue: bool

    def write(self, value: Any) -> bytes:
        """Return a value as bytes."""
        return self.type.write(value.encode() if isinstance(value, str) else value)


DATA_TYPES = {
    name: DataType(identifier, name, plain(code), identifier in _ANALOGUE)
    for name, (identifier, code) in _TYPES.items()
}
BY_ID = {kind.id: kind for kind in DATA_TYPES.values()}


@dataclass(frozen=True, slots=True)
class Attribute:
    """An attribute of a cluster, with its value of a new device."""

    id: int
    name: str
    type: DataType
    writable: bool
    reportable: bool
    default: Any


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster."""

    id: int
    name: str
    attributes: dict[int, Attribute] = field(default_factory=dict)


#: A cluster's line is its id and name; an attribute's is id, name, type, access (write,
#: report) and default.
_CLUSTERS = """
0000 basic
  0000 zcl_version u8 - 8
  0001 application_version u8 - 1
  0002 stack_version u8 - 0
  0003 hardware_version u8 - 1
  0004 manufacturer string -
  0005 model string -
  0006 date_code string - 20260114
  0007 power_source enum8 - 1
  4000 software_build string - 1.0.5
0001 power
  0020 battery_voltage u8 r 30
  0021 battery_percentage u8 r 200
0002 device_temperature
  0000 current i16 r 25
0003 identify
  0000 time u16 w 0
0004 groups
  0000 name_support map8 - 0
0005 scenes
  0000 count u8 - 0
0006 on_off
  0000 on_off bool r 1
  4003 start_up enum8 w 255
000A time
000C analog_input
  001C description string -
  0051 out_of_service bool w 0
  0055 present_value float r 0
  006F status_flags map8 r 0
  0075 units enum16 - 95
000F binary_input
  001C description string -
  0051 out_of_service bool w 0
  0055 present_value bool r 0
  006F status_flags map8 r 0
0012 multistate_input
  001C description string -
  004A states u16 - 6
  0051 out_of_service bool w 0
  0055 present_value u16 r 0
  006F status_flags map8 r 0
0019 ota
0020 poll_control
  0000 checkin_interval u32 w 14400
  0001 long_poll u32 - 30
  0002 short_poll u16 - 2
  0003 fast_poll u16 w 40
0402 temperature
  0000 measured i16 r 2200
  0001 least i16 - -4000
  0002 most i16 - 12500
0403 pressure
  0000 measured i16 r 3500
  0001 least i16 - 0
  0002 most i16 - 16000
  0010 scaled i16 r 3500
  0014 scale i8 - -2
0404 flow
  0000 measured u16 r 0
  0001 least u16 - 0
  0002 most u16 - 1000
0500 ias_zone
  0000 state enum8 - 0
  0001 type enum16 - 40
  0002 status map16 - 0
  0010 cie eui64 w 0
  0011 zone_id u8 - 255
0502 ias_wd
  0000 longest u16 w 240
0702 metering
  0000 delivered u48 r 0
  0200 status map8 - 0
  0300 unit enum8 - 0
  0301 multiplier u24 - 1
  0302 divisor u24 - 1000
  0303 formatting map8 - 251
  0306 device_type map8 - 0
  0400 demand i32 r 0
0B04 electrical
  0000 type map32 - 9
  0300 frequency u16 r 50
  0304 total_power i32 r 0
  0505 voltage u16 r 2300
  0508 current u16 r 0
  050B power i16 r 0
  0600 voltage_multiplier u16 - 1
  0601 voltage_divisor u16 - 10
  0602 current_multiplier u16 - 1
  0603 current_divisor u16 - 100
  0604 power_multiplier u16 - 1
  0605 power_divisor u16 - 1
  0905 voltage_b u16 r 2300
  0908 current_b u16 r 0
  0A05 voltage_c u16 r 2300
  0A08 current_c u16 r 0
EF00 tuya
"""


def _value(kind: DataType, text: str) -> Any:
    if kind.name in {"string", "octets"}:
        return text
    return float(text) if kind.name == "float" else int(text)


@cache
def clusters() -> dict[str, Cluster]:
    """Return all clusters by name."""
    found: dict[str, Cluster] = {}
    for line in _CLUSTERS.strip().splitlines():
        identifier, name, *rest = line.split()
        number = int(identifier, 16)
        if not rest:
            cluster = found[name] = Cluster(number, name)
            continue
        kind, access = DATA_TYPES[rest[0]], rest[1]
        default = _value(kind, " ".join(rest[2:]))
        cluster.attributes[number] = Attribute(
            number, name, kind, "w" in access, "r" in access, default
        )
    return found


@dataclass(frozen=True, slots=True)
class Header:
    """What a ZCL frame begins with (ZCL 2.4)."""

    flags: int
    sequence: int
    command: int
    manufacturer: int = 0

    def write(self) -> bytes:
        """Return it as bytes."""
        head = bytes((self.flags,))
        if self.flags & MANUFACTURER:
            head += self.manufacturer.to_bytes(2, "little")
        return head + bytes((self.sequence, self.command))


def read_header(data: bytes) -> tuple[Header, bytes]:
    """Return header and payload of a frame. Raises TooShortError."""
    size = 5 if data and data[0] & MANUFACTURER else 3
    if len(data) < size:
        raise TooShortError
    manufacturer = int.from_bytes(data[1:3], "little") if size == 5 else 0
    return Header(data[0], data[size - 2], data[size - 1], manufacturer), data[size:]
