"""Zigbee Device Objects: what every node answers about itself (Zigbee PRO R22, 2.4)."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from .fields import Fields, TooShortError, Values, fields

SUCCESS, INVALID_REQUEST, DEVICE_NOT_FOUND = 0x00, 0x80, 0x81
INVALID_ENDPOINT, NOT_ACTIVE, NOT_SUPPORTED, NO_ENTRY = 0x82, 0x83, 0x84, 0x88
RESPONSE = 0x8000
DEVICE_ANNOUNCE = 0x0013
MGMT_LEAVE, MGMT_PERMIT, MGMT_UPDATE = 0x0034, 0x0036, 0x0038
CHANNEL_CHANGE, MANAGER_CHANGE = 0xFE, 0xFF
GROUP, UNICAST = 1, 3
#: Entries of a table in one response.
MOST_ENTRIES = 3

#: By request: its name, its fields and those of the response, without the sequence.
_REQUESTS = """
0000 nwk_address: eui64:u64 kind:u8 start:u8 -> status:u8 eui64:u64 nwk:u16
0001 ieee_address: nwk:u16 kind:u8 start:u8 -> status:u8 eui64:u64 nwk:u16
0002 node_descriptor: nwk:u16 -> status:u8 nwk:u16 descriptor:rest
0003 power_descriptor: nwk:u16 -> status:u8 nwk:u16 descriptor:u16
0004 simple_descriptor: nwk:u16 endpoint:u8 -> status:u8 nwk:u16 descriptor:lv
0005 active_endpoints: nwk:u16 -> status:u8 nwk:u16 endpoints:lv8
0006 match_descriptor: nwk:u16 profile:u16 servers:lv16 clients:lv16 -> status:u8 nwk:u16 endpoints:lv8
0021 bind: source:u64 endpoint:u8 cluster:u16 mode:u8 target:rest -> status:u8
0022 unbind: source:u64 endpoint:u8 cluster:u16 mode:u8 target:rest -> status:u8
0031 lqi: start:u8 -> status:u8 total:u8 start:u8 count:u8 entries:rest
0032 routes: start:u8 -> status:u8 total:u8 start:u8 count:u8 entries:rest
0033 bindings: start:u8 -> status:u8 total:u8 start:u8 count:u8 entries:rest
0034 leave: eui64:u64 flags:u8 -> status:u8
0036 permit: duration:u8 significance:u8 -> status:u8
0038 update: channels:u32 duration:u8 more:rest -> status:u8 channels:u32 total:u16 failed:u16 energies:lv8
"""
ANNOUNCEMENT = fields("sequence:u8 nwk:u16 eui64:u64 capability:u8")
_DESCRIPTOR = fields(
    "type:u8 band:u8 capability:u8 manufacturer:u16 buffer:u8 incoming:u16 servers:u16"
    " outgoing:u16 more:u8"
)
_SIMPLE = fields(
    "endpoint:u8 profile:u16 device:u16 version:u8 servers:lv16 clients:lv16"
)
_LQI_ENTRY = fields(
    "extended_pan:b8 eui64:u64 nwk:u16 kind:u8 permit:u8 depth:u8 lqi:u8"
)


class Owner(Protocol):
    """The node whose ZDO it is."""

    @property
    def eui64(self) -> int:
        """Return the long address."""

    @property
    def nwk(self) -> int:
        """Return the network address."""

    def descriptor(self) -> Values:
        """Return type (0 coordinator, 1 router, 2 end device), capability, manufacturer."""

    def simple_descriptors(self) -> Mapping[int, Values]:
        """Return profile, device, version, servers and clients by endpoint."""

    def lqi_table(self) -> list[Values]:
        """Return the neighbours."""

    def zdo_command(self, name: str, values: Values) -> int:
        """Do what a request asks for, and return the status."""


def _requests() -> dict[int, tuple[str, Fields, Fields]]:
    found = {}
    for line in _REQUESTS.strip().splitlines():
        identifier, _, text = line.partition(" ")
        name, _, both = text.partition(": ")
        request, _, response = both.partition(" -> ")
        found[int(identifier, 16)] = (name, fields(request), fields(response))
    return found


REQUESTS = _requests()


def answer(
    owner: Owner, cluster: int, data: bytes, *, broadcast: bool = False
) -> bytes:
    """Return the answer to a request, or nothing where none is due."""
    sequence = data[:1]
    if cluster not in REQUESTS:
        unicast = cluster < RESPONSE and cluster != DEVICE_ANNOUNCE and not broadcast
        return sequence + bytes((NOT_SUPPORTED,)) if unicast and sequence else b""
    name, request, response = REQUESTS[cluster]
    try:
        values, _ = request.read(data, 1)
    except TooShortError:
        if broadcast or not sequence:
            return b""
        return sequence + response.write({"status": INVALID_REQUEST})
    result = _answer(owner, name, values)
    if broadcast and not (name == "nwk_address" and result["status"] == SUCCESS):
        return b""
    return sequence + response.write(result)


def _answer(owner: Owner, name: str, values: Values) -> Values:
    own = {"nwk": owner.nwk, "eui64": owner.eui64}
    simple = owner.simple_descriptors()
    # Nobody here answers for another node.
    if name == "nwk_address":
        if values["eui64"] != owner.eui64:
            return {"status": DEVICE_NOT_FOUND, "eui64": values["eui64"]}
        return own
    if "nwk" in values and values["nwk"] not in {owner.nwk, 0xFFFD, 0xFFFF}:
        return {"status": DEVICE_NOT_FOUND, "nwk": values["nwk"]}
    match name:
        case "ieee_address":
            return own
        case "node_descriptor":
            return own | {"descriptor": _node_descriptor(owner)}
        case "power_descriptor":
            return own | {"descriptor": 0xC110}
        case "active_endpoints":
            return own | {"endpoints": tuple(simple)}
        case "simple_descriptor":
            return own | _simple(simple, values["endpoint"])
        case "match_descriptor":
            return own | {"endpoints": tuple(_matching(simple, values))}
        case "lqi":
            return _lqi(owner, values["start"])
        case "routes" | "bindings":
            return {"start": values["start"]}
    return {"status": owner.zdo_command(name, values), **_scanned(name, values)}


def _scanned(name: str, values: Values) -> Values:
    if name != "update" or values["duration"] > 5:
        return {}
    mask = values["channels"]
    count = (mask >> 11 & 0xFFFF).bit_count()
    return {"channels": mask, "total": 10, "energies": (40,) * count}


def _node_descriptor(owner: Owner) -> bytes:
    return _DESCRIPTOR.write(
        {
            "band": 0x40,
            "buffer": 82,
            "incoming": 82,
            "servers": 0x2C00,
            "outgoing": 82,
            **owner.descriptor(),
        }
    )


def _simple(simple: Mapping[int, Values], endpoint: int) -> Values:
    if not 0 < endpoint < 0xFF:
        return {"status": INVALID_ENDPOINT}
    if endpoint not in simple:
        return {"status": NOT_ACTIVE}
    return {"descriptor": _SIMPLE.write({"endpoint": endpoint, **simple[endpoint]})}


def _matching(simple: Mapping[int, Values], values: Values) -> Iterable[int]:
    for endpoint, row in simple.items():
        if row["profile"] == values["profile"] and (
            {*row["servers"]} & {*values["servers"]}
            or {*row["clients"]} & {*values["clients"]}
        ):
            yield endpoint


def _lqi(owner: Owner, start: int) -> dict[str, Any]:
    table = owner.lqi_table()
    page = table[start : start + MOST_ENTRIES]
    return {
        "total": len(table),
        "start": start,
        "count": len(page),
        "entries": b"".join(_LQI_ENTRY.write(row) for row in page),
    }
