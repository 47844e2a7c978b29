"""Security state and trust center (UG100, "Security" and "Trust Center")."""

from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.status import Status

#: Bits of the initial state that the current one has too: distributed, global, hashed.
SHARED_BITS = 0x0002 | 0x0004 | 0x0084
HAVE_LINK_KEY = 0x0010
UNUSED_KEY = bytes(16)


@command("setInitialSecurityState")
def set_initial(ncp: Ncp, values: Values) -> Status:
    """Keep the keys for the network that will be formed."""
    if ncp.ram.network_up:
        return Status.INVALID_CALL
    ncp.ram.security = values["state"]
    return Status.OK


@command("getCurrentSecurityState")
def get_current(ncp: Ncp, _values: Values) -> Values:
    """Return how the network is secured."""
    security = ncp.flash.security
    if not ncp.ram.network_up or security is None:
        return {"status": Status.NOT_JOINED}
    return {
        "state": {
            "bitmask": security["bitmask"] & SHARED_BITS | HAVE_LINK_KEY,
            "trust_center": security["trust_center"],
        }
    }


@command("getNetworkKeyInfo")
def key_info(ncp: Ncp, _values: Values) -> Values:
    """Return what goes with the network key."""
    security = ncp.flash.security
    if security is None:
        return {"info": {}}
    return {
        "info": {
            "set": True,
            "other_set": "next_key" in security,
            "sequence": security["sequence"],
            "other_sequence": security["sequence"] + 1 & 0xFF
            if "next_key" in security
            else 0,
            "counter": ncp.flash.nwk_counter,
        }
    }


@command("broadcastNextNetworkKey")
def next_key(ncp: Ncp, values: Values) -> Status:
    """Tell all devices the next network key; zeros let the stack choose it."""
    security = ncp.flash.security
    if not ncp.ram.network_up or security is None:
        return Status.NOT_JOINED
    key = values["key"]
    if key == UNUSED_KEY:
        key = bytes(byte ^ 0xA5 for byte in security["network_key"])
    security["next_key"] = key
    ncp.changed()
    return Status.OK


@command("broadcastNetworkKeySwitch")
def switch_key(ncp: Ncp, _values: Values) -> Status:
    """Have all devices use the next network key."""
    security = ncp.flash.security
    if security is None or "next_key" not in security:
        return Status.INVALID_CALL
    security["network_key"] = security.pop("next_key")
    security["sequence"] = security["sequence"] + 1 & 0xFF
    ncp.flash.nwk_counter = 0
    ncp.changed()
    ncp.callback("switchNetworkKeyHandler", {"sequence": security["sequence"]})
    return Status.OK


@command("removeDevice")
def remove_device(ncp: Ncp, values: Values) -> Status:
    """Tell a device to leave."""
    node = ncp.air.by_eui64.get(values["target"])
    if node is None or not node.joined:
        return Status.OK
    ncp.air.leave_soon(node)
    return Status.OK


@command("unicastNwkKeyUpdate", "sendTrustCenterLinkKey")
def send_key(ncp: Ncp, _values: Values) -> Status:
    """Send a key; devices here know all keys."""
    return Status.OK if ncp.ram.network_up else Status.NOT_JOINED


@command("getNeighborFrameCounter")
def neighbour_counter(ncp: Ncp, values: Values) -> Values:
    """Return the frame counter of a neighbour."""
    if values["eui64"] not in ncp.air.by_eui64:
        return {"status": Status.NOT_FOUND}
    return {}


@command("setNeighborFrameCounter")
def set_neighbour_counter(ncp: Ncp, values: Values) -> Status:
    """Set the frame counter of a neighbour."""
    return Status.OK if values["eui64"] in ncp.air.by_eui64 else Status.NOT_FOUND
