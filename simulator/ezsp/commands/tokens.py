"""Tokens: names in flash that hosts may read and write (UG100, "Token Interface")."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from simulator.ezsp.fields import Values, fields
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.state import ERASED
from simulator.ezsp.status import Status

CUSTOM_EUI64 = 12
#: Flag of an entry of the child table that is in use.
CHILD_IN_USE = 0x80
TOKENS = 8
_NODE = fields("pan:u16 power:i8 channel:u8 profile:u8 type:u8 id:u16 extended_pan:b8")
_TRUST_CENTER = fields("mode:u16 eui64:u64 key:b16")
_MANAGEMENT = fields("channels:u32 manager:u16 update_id:u8 padding:u8")
_CHILD = fields("eui64:u64 id:u16 flags:u8")
_KEYS = fields("key:b16 sequence:u8")
_LINK_KEY = fields("eui64:u64 key:b16 incoming:u32")
_COUNTER = fields("counter:u32")


@dataclass(frozen=True, slots=True)
class Token:
    """A token of the stack. `read` returns None where it is not in flash."""

    size: int
    read: Callable[[Ncp, int], bytes | None]
    write: Callable[[Ncp, int, bytes], None]
    counter: bool = False
    #: Entries, where it is indexed.
    count: int = 1


def _read_node(ncp: Ncp, _index: int) -> bytes | None:
    network = ncp.flash.network
    if network is None:
        return None
    return _NODE.write(network | {"profile": 2, "type": 1, "id": 0})


def _write_node(ncp: Ncp, _index: int, data: bytes) -> None:
    if ncp.flash.network is not None:
        values, _ = _NODE.read(data)
        ncp.flash.network |= {
            key: values[key] for key in ("pan", "power", "channel", "extended_pan")
        }


def _read_trust_center(ncp: Ncp, _index: int) -> bytes | None:
    security = ncp.flash.security
    if security is None:
        return None
    return _TRUST_CENTER.write(
        {
            "mode": security["bitmask"] & 0xFF,
            "eui64": security["trust_center"],
            "key": security["link_key"],
        }
    )


def _write_trust_center(ncp: Ncp, _index: int, data: bytes) -> None:
    if ncp.flash.security is not None:
        values, _ = _TRUST_CENTER.read(data)
        ncp.flash.security |= {
            "trust_center": values["eui64"],
            "link_key": values["key"],
        }


def _read_management(ncp: Ncp, _index: int) -> bytes | None:
    return None if ncp.flash.network is None else _MANAGEMENT.write(ncp.flash.network)


def _write_management(ncp: Ncp, _index: int, data: bytes) -> None:
    if ncp.flash.network is not None:
        values, _ = _MANAGEMENT.read(data)
        ncp.flash.network |= {
            key: values[key] for key in ("channels", "manager", "update_id")
        }


def _read_child(ncp: Ncp, index: int) -> bytes | None:
    child = ncp.flash.children.get(index)
    return None if child is None else _CHILD.write({"flags": CHILD_IN_USE, **child})


def _write_child(ncp: Ncp, index: int, data: bytes) -> None:
    values, _ = _CHILD.read(data)
    ncp.flash.children[index] = ncp.flash.children.get(index, {}) | values


def _read_keys(ncp: Ncp, _index: int) -> bytes | None:
    security = ncp.flash.security
    if security is None:
        return None
    return _KEYS.write({"key": security["network_key"], **security})


def _read_link_key(ncp: Ncp, index: int) -> bytes | None:
    entry = ncp.flash.link_keys.get(index)
    if entry is None:
        return None
    return _LINK_KEY.write({"eui64": entry.eui64, "key": entry.key})


def _read_counter(name: str, ncp: Ncp, _index: int) -> bytes | None:
    return _COUNTER.write({"counter": getattr(ncp.flash, name)})


def _write_counter(name: str, ncp: Ncp, _index: int, data: bytes) -> None:
    setattr(ncp.flash, name, _COUNTER.read(data)[0]["counter"])


def _read_eui64(ncp: Ncp, _index: int) -> bytes:
    return ncp.flash.restored_eui64.to_bytes(8, "little")


def _write_eui64(ncp: Ncp, _index: int, data: bytes) -> None:
    ncp.flash.restored_eui64 = int.from_bytes(data[:8], "little")


def _ignore(_ncp: Ncp, _index: int, _data: bytes) -> None:
    """Write nothing: keys are imported by commands."""


#: By NVM3 key.
TABLE = {
    0x1E563: Token(
        4,
        partial(_read_counter, "nwk_counter"),
        partial(_write_counter, "nwk_counter"),
        counter=True,
    ),
    0x1E123: Token(
        4,
        partial(_read_counter, "aps_counter"),
        partial(_write_counter, "aps_counter"),
        counter=True,
    ),
    0x1EB79: Token(17, _read_keys, _ignore),
    0x1EE64: Token(16, _read_node, _write_node),
    0x1E124: Token(26, _read_trust_center, _write_trust_center),
    0x1E125: Token(8, _read_management, _write_management),
    0x10580: Token(11, _read_child, _write_child, count=32),
    0x10600: Token(28, _read_link_key, _ignore, count=12),
    # A creator code where one expects an NVM3 key: so hosts ask for it.
    0x0E12A: Token(8, _read_eui64, _write_eui64),
}


@command("getTokenCount")
def token_count(_ncp: Ncp, _values: Values) -> Values:
    """Return how many tokens there are."""
    return {"count": len(TABLE)}


@command("getTokenInfo")
def token_info(_ncp: Ncp, values: Values) -> Values:
    """Return what a token is like."""
    rows = tuple(TABLE.items())
    if values["index"] >= len(rows):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    key, token = rows[values["index"]]
    return {
        "info": {
            "key": key,
            "counter": token.counter,
            "indexed": token.count > 1,
            "size": token.size,
            "count": token.count,
        }
    }


@command("getTokenData")
def get_token_data(ncp: Ncp, values: Values) -> Values:
    """Return a token of the stack."""
    key, index = values["token"], values["index"]
    token = TABLE.get(key)
    data = token.read(ncp, index) if token else ncp.flash.other.get((key, index))
    return {"status": Status.NOT_FOUND} if data is None else {"value": data}


@command("setTokenData")
def set_token_data(ncp: Ncp, values: Values) -> Status:
    """Write a token of the stack. It counts after a reset."""
    key, index, data = values["token"], values["index"], values["value"]
    token = TABLE.get(key)
    if data is None:
        return Status.BAD_ARGUMENT
    if token is None:
        ncp.flash.other[key, index] = data
    elif len(data) != token.size or index >= token.count:
        return Status.BAD_ARGUMENT
    else:
        token.write(ncp, index, data)
    ncp.changed()
    return Status.OK


@command("tokenFactoryReset")
def factory_reset(ncp: Ncp, values: Values) -> None:
    """Forget the network and all keys."""
    ncp.flash.forget_network()
    ncp.flash.link_keys.clear()
    ncp.flash.other.clear()
    if not values["keep_counter"]:
        ncp.flash.nwk_counter = ncp.flash.aps_counter = 0
    ncp.changed()


@command("getMfgToken")
def get_manufacturing(ncp: Ncp, values: Values) -> Values:
    """Return a token of the manufacturer."""
    return {"data": ncp.flash.manufacturing.get(values["id"], b"")}


@command("setMfgToken")
def set_manufacturing(ncp: Ncp, values: Values) -> Status:
    """Write a token of the manufacturer, which is possible once."""
    old = ncp.flash.manufacturing.get(values["id"])
    if old is None or len(old) != len(values["data"]):
        return Status.BAD_ARGUMENT
    if values["id"] == CUSTOM_EUI64 and int.from_bytes(old, "little") != ERASED:
        return Status.INVALID_CALL
    ncp.flash.manufacturing[values["id"]] = values["data"]
    ncp.changed()
    return Status.OK


@command("getToken")
def get_token(ncp: Ncp, values: Values) -> Values:
    """Return a token of the application."""
    if values["id"] >= TOKENS:
        return {"status": Status.BAD_ARGUMENT}
    return {"data": ncp.flash.tokens.get(values["id"], b"\xff" * 8)}


@command("setToken")
def set_token(ncp: Ncp, values: Values) -> Status:
    """Write a token of the application."""
    if values["id"] >= TOKENS:
        return Status.BAD_ARGUMENT
    ncp.flash.tokens[values["id"]] = values["data"]
    ncp.changed()
    return Status.OK
