"""Tables of the co-processor: multicast groups, bindings, addresses (UG100, "Messaging")."""

from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.state import ERASED
from simulator.ezsp.status import Status

from .configuration import setting

BINDINGS, ADDRESSES, MULTICASTS = 0x04, 0x05, 0x06
UNUSED_ID, UNKNOWN_ID = 0xFFFF, 0xFFFD


@command("getMulticastTableEntry")
def get_multicast(ncp: Ncp, values: Values) -> Values:
    """Return a group; endpoint 0 is a free entry."""
    if values["index"] >= setting(ncp, MULTICASTS):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    return {"value": ncp.ram.multicast.get(values["index"], {})}


@command("setMulticastTableEntry")
def set_multicast(ncp: Ncp, values: Values) -> Status:
    """Become a member of a group."""
    if values["index"] >= setting(ncp, MULTICASTS):
        return Status.INDEX_OUT_OF_RANGE
    ncp.ram.multicast[values["index"]] = values["value"]
    return Status.OK


@command("clearBindingTable")
def clear_bindings(ncp: Ncp, _values: Values) -> Status:
    """Forget all bindings."""
    ncp.ram.bindings.clear()
    return Status.OK


@command("setBinding")
def set_binding(ncp: Ncp, values: Values) -> Status:
    """Keep a binding."""
    if values["index"] >= setting(ncp, BINDINGS):
        return Status.INVALID_BINDING_INDEX
    ncp.ram.bindings[values["index"]] = values["value"]
    return Status.OK


@command("getBinding")
def get_binding(ncp: Ncp, values: Values) -> Values:
    """Return a binding; type 0 is a free entry."""
    if values["index"] >= setting(ncp, BINDINGS):
        return {"status": Status.INVALID_BINDING_INDEX}
    return {"value": ncp.ram.bindings.get(values["index"], {})}


@command("deleteBinding")
def delete_binding(ncp: Ncp, values: Values) -> Status:
    """Forget a binding."""
    if values["index"] >= setting(ncp, BINDINGS):
        return Status.INVALID_BINDING_INDEX
    ncp.ram.bindings.pop(values["index"], None)
    return Status.OK


@command("bindingIsActive", "addressTableEntryIsActive")
def is_active(_ncp: Ncp, _values: Values) -> None:
    """Say that no message is on its way over an entry."""


@command("setAddressTableInfo")
def set_address(ncp: Ncp, values: Values) -> Status:
    """Keep both addresses of a device."""
    if values["index"] >= setting(ncp, ADDRESSES):
        return Status.INDEX_OUT_OF_RANGE
    ncp.ram.addresses[values["index"]] = (values["eui64"], values["id"])
    return Status.OK


@command("setAddressTableRemoteEui64")
def set_address_eui64(ncp: Ncp, values: Values) -> Status:
    """Keep the long address of a device."""
    if values["index"] >= setting(ncp, ADDRESSES):
        return Status.INDEX_OUT_OF_RANGE
    ncp.ram.addresses[values["index"]] = (values["eui64"], UNKNOWN_ID)
    return Status.OK


@command("setAddressTableRemoteNodeId")
def set_address_id(ncp: Ncp, values: Values) -> None:
    """Keep the network address of a device."""
    if values["index"] < setting(ncp, ADDRESSES):
        eui64, _ = ncp.ram.addresses.get(values["index"], (ERASED, UNUSED_ID))
        ncp.ram.addresses[values["index"]] = (eui64, values["id"])


@command(
    "getAddressTableInfo", "getAddressTableRemoteEui64", "getAddressTableRemoteNodeId"
)
def get_address(ncp: Ncp, values: Values) -> Values:
    """Return what is known of a device's addresses."""
    if values["index"] >= setting(ncp, ADDRESSES):
        return {"status": Status.INDEX_OUT_OF_RANGE, "id": UNUSED_ID}
    eui64, node_id = ncp.ram.addresses.get(values["index"], (ERASED, UNUSED_ID))
    return {"eui64": eui64, "id": node_id}


@command("replaceAddressTableEntry")
def replace_address(ncp: Ncp, values: Values) -> Values:
    """Exchange an entry for another one."""
    if values["index"] >= setting(ncp, ADDRESSES):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    eui64, node_id = ncp.ram.addresses.get(values["index"], (ERASED, UNUSED_ID))
    extended = eui64 in ncp.ram.extended_timeouts
    ncp.ram.addresses[values["index"]] = (values["eui64"], values["id"])
    ncp.ram.extended_timeouts.discard(eui64)
    _set_extended(ncp, values)
    return {"eui64": eui64, "id": node_id, "extended": extended}


def _set_extended(ncp: Ncp, values: Values) -> None:
    if values["extended"]:
        ncp.ram.extended_timeouts.add(values["eui64"])
    else:
        ncp.ram.extended_timeouts.discard(values["eui64"])


@command("setExtendedTimeout")
def set_extended(ncp: Ncp, values: Values) -> None:
    """Wait longer for the acknowledgements of a device, or not."""
    _set_extended(ncp, values)


@command("getExtendedTimeout")
def get_extended(ncp: Ncp, values: Values) -> Values:
    """Say if acknowledgements of a device are waited for longer."""
    extended = values["eui64"] in ncp.ram.extended_timeouts
    return {
        "extended": extended,
        "status": Status.OK if extended else Status.FAIL,
    }


@command("lookupNodeIdByEui64")
def find_id(ncp: Ncp, values: Values) -> Values:
    """Return a network address, from tables and neighbours."""
    node = ncp.air.by_eui64.get(values["eui64"])
    if values["eui64"] == ncp.eui64:
        return {"id": 0}
    if node and node.joined:
        return {"id": node.nwk}
    for eui64, node_id in ncp.ram.addresses.values():
        if eui64 == values["eui64"]:
            return {"id": node_id}
    return {"status": Status.NOT_FOUND, "id": UNUSED_ID}


@command("lookupEui64ByNodeId")
def find_eui64(ncp: Ncp, values: Values) -> Values:
    """Return a long address, from tables and neighbours."""
    if values["id"] == 0:
        return {"eui64": ncp.eui64}
    node = ncp.air.by_nwk(values["id"])
    if node and node.parent == 0:
        return {"eui64": node.eui64}
    for eui64, node_id in ncp.ram.addresses.values():
        if node_id == values["id"]:
            return {"eui64": eui64}
    return {"status": Status.NOT_FOUND}
