"""The network and its radio (UG100, "Networking")."""

import asyncio
import math
import random

from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.status import Status

from .configuration import setting

COORDINATOR, UNKNOWN_TYPE = 0x01, 0xFF
NO_NETWORK, JOINED = 0x00, 0x02
NO_COUNTER_RESET = 0x1000
CHANNELS = range(11, 27)
POWERS = range(-43, 21)
NOBODY = 0xFFFE
ENERGY_SCAN, ACTIVE_SCAN = 0, 1
#: The counter is kept in flash in steps, so that it never repeats after a loss of power.
COUNTER_STEP = 4096
QUIET_DBM, BUSY_DBM = -88, -61
CHILDREN, ROUTES, SOURCE_ROUTES = 0x11, 0x07, 0x1A
#: Milliseconds until the next route request, as told to the host.
ROUTE_REQUEST_MS = 10_000


@command("networkInit")
def network_init(ncp: Ncp, _values: Values) -> Status:
    """Resume the network of the flash."""
    if ncp.ram.network_up:
        return Status.INVALID_CALL
    if ncp.flash.network is None:
        return Status.NOT_JOINED
    ncp.flash.nwk_counter = (ncp.flash.nwk_counter // COUNTER_STEP + 1) * COUNTER_STEP
    ncp.bring_up()
    return Status.OK


@command("networkState")
def network_state(ncp: Ncp, _values: Values) -> Values:
    """Return whether there is a network."""
    return {"state": JOINED if ncp.ram.network_up else NO_NETWORK}


@command("formNetwork")
def form_network(ncp: Ncp, values: Values) -> Status:
    """Form a network as its coordinator."""
    wanted = values["parameters"]
    if ncp.ram.network_up:
        return Status.INVALID_CALL
    if ncp.ram.security is None:
        return Status.SECURITY_STATE_NOT_SET
    if wanted["channel"] not in CHANNELS:
        return Status.INVALID_CHANNEL
    if wanted["power"] not in POWERS:
        return Status.INVALID_POWER
    # The update id of the parameters is only for joining.
    network = wanted | {"update_id": 0, "manager": 0, "join_method": 0}
    if network["pan"] in {0, 0xFFFF}:
        network["pan"] = random.randrange(1, 0x3FFF)  # noqa: S311 - no secret here
    if not any(network["extended_pan"]):
        network["extended_pan"] = random.randbytes(8)  # noqa: S311
    security = dict(ncp.ram.security)
    security["trust_center"] = ncp.eui64
    if not security["bitmask"] & NO_COUNTER_RESET:
        ncp.flash.nwk_counter = ncp.flash.aps_counter = 0
    ncp.flash.network, ncp.flash.security = network, security
    ncp.changed()
    ncp.bring_up()
    return Status.OK


@command("leaveNetwork")
def leave_network(ncp: Ncp, _values: Values) -> Status:
    """Forget the network."""
    if not ncp.ram.network_up:
        return Status.INVALID_CALL
    ncp.flash.forget_network()
    ncp.changed()
    ncp.ram.network_up = False
    ncp.stack_status(Status.NETWORK_DOWN)
    return Status.OK


@command("getNetworkParameters")
def network_parameters(ncp: Ncp, _values: Values) -> Values:
    """Return what the network is like."""
    if not ncp.ram.network_up or ncp.flash.network is None:
        return {"status": Status.NOT_JOINED, "type": UNKNOWN_TYPE}
    return {"type": COORDINATOR, "parameters": ncp.flash.network}


@command("getRadioParameters")
def radio_parameters(ncp: Ncp, _values: Values) -> Values:
    """Return what the radio is set to."""
    if ncp.flash.network is None:
        return {"status": Status.NOT_JOINED}
    return {"parameters": {key: ncp.flash.network[key] for key in ("power", "channel")}}


@command("getEui64")
def get_eui64(ncp: Ncp, _values: Values) -> Values:
    """Return the long address."""
    return {"eui64": ncp.eui64}


@command("getNodeId")
def get_node_id(ncp: Ncp, _values: Values) -> Values:
    """Return the network address."""
    return {"id": 0 if ncp.ram.network_up else NOBODY}


@command("permitJoining")
def permit_joining(ncp: Ncp, values: Values) -> Status:
    """Open or close the network for so many seconds; 255 is for ever."""
    if not ncp.ram.network_up:
        return Status.NOT_JOINED
    seconds = values["duration"]
    loop = asyncio.get_running_loop()
    ram = ncp.ram
    ram.open_until = until = math.inf if seconds == 0xFF else loop.time() + seconds
    ncp.stack_status(Status.NETWORK_OPENED if seconds else Status.NETWORK_CLOSED)

    def close() -> None:
        if ncp.ram is ram and ram.open_until == until:
            ncp.stack_status(Status.NETWORK_CLOSED)

    if seconds not in {0, 0xFF}:
        ncp.timers.later(seconds, close)
    ncp.air.opened()
    return Status.OK


@command("startScan")
def start_scan(ncp: Ncp, values: Values) -> Status:
    """Measure energy, or look for other networks."""
    if ncp.ram.scanning:
        return Status.MAC_SCANNING
    if values["type"] not in {ENERGY_SCAN, ACTIVE_SCAN}:
        return Status.BAD_ARGUMENT
    own = ncp.flash.network["channel"] if ncp.flash.network else 0
    for channel in CHANNELS:
        if not values["channels"] >> channel & 1:
            continue
        if values["type"] == ENERGY_SCAN:
            rssi = BUSY_DBM if channel == own else QUIET_DBM
            ncp.callback("energyScanResultHandler", {"channel": channel, "rssi": rssi})
            continue
        for network in ncp.air.other_networks:
            if network["channel"] == channel:
                ncp.callback(
                    "networkFoundHandler",
                    {"network": network, "lqi": 120, "rssi": -70},
                )
    ncp.callback("scanCompleteHandler", {})
    return Status.OK


@command("stopScan")
def stop_scan(_ncp: Ncp, _values: Values) -> Status:
    """Stop: a scan is over as soon as it begins here."""
    return Status.OK


@command("setRadioPower")
def set_power(ncp: Ncp, values: Values) -> Status:
    """Change the transmit power, in dBm."""
    if values["power"] not in POWERS:
        return Status.INVALID_POWER
    if ncp.flash.network:
        ncp.flash.network["power"] = values["power"]
    return Status.OK


@command("setRadioChannel", "setLogicalAndRadioChannel")
def set_channel(ncp: Ncp, values: Values) -> Status:
    """Change the channel."""
    if values["channel"] not in CHANNELS:
        return Status.INVALID_CHANNEL
    change_channel(ncp, values["channel"])
    return Status.OK


def change_channel(ncp: Ncp, channel: int, update_id: int | None = None) -> None:
    """Go to another channel, and say so."""
    if ncp.flash.network:
        ncp.flash.network["channel"] = channel
        if update_id is not None:
            ncp.flash.network["update_id"] = update_id
        ncp.changed()
        ncp.stack_status(Status.CHANNEL_CHANGED)


@command("getLogicalChannel")
def get_channel(ncp: Ncp, _values: Values) -> Values:
    """Return the channel."""
    return {"channel": ncp.flash.network["channel"] if ncp.flash.network else 0xFF}


@command("setConcentrator")
def set_concentrator(ncp: Ncp, values: Values) -> Status:
    """Have devices send route records, or not."""
    ncp.ram.concentrator = bool(values["on"])
    return Status.OK


@command("setSourceRouteDiscoveryMode")
def route_discovery(ncp: Ncp, values: Values) -> Values:
    """Begin to ask for routes, and say when it is done again."""
    if values["mode"] and ncp.ram.concentrator:
        ncp.air.routes_wanted()
        return {"remaining": ROUTE_REQUEST_MS}
    return {}


@command("sendManyToOneRouteRequest")
def route_request(ncp: Ncp, _values: Values) -> Status:
    """Ask all devices for their routes."""
    ncp.air.routes_wanted()
    return Status.OK


@command("energyScanRequest")
def energy_scan_request(_ncp: Ncp, _values: Values) -> Status:
    """Accept; nobody answers."""
    return Status.OK


@command("sendPanIdUpdate")
def pan_id_update(ncp: Ncp, values: Values) -> Values:
    """Change the PAN id."""
    if ncp.flash.network:
        ncp.flash.network["pan"] = values["pan"]
        ncp.changed()
        ncp.stack_status(Status.PAN_ID_CHANGED)
    return {"sent": ncp.flash.network is not None}


@command("readCounters")
def read_counters(ncp: Ncp, _values: Values) -> Values:
    """Return all counters."""
    return {"values": tuple(ncp.ram.counters)}


@command("readAndClearCounters")
def clear_counters(ncp: Ncp, _values: Values) -> Values:
    """Return all counters, and begin anew."""
    values = tuple(ncp.ram.counters)
    ncp.ram.counters[:] = [0] * len(values)
    return {"values": values}


@command("neighborCount")
def neighbour_count(ncp: Ncp, _values: Values) -> Values:
    """Return how many routers are heard."""
    return {"count": len(ncp.air.neighbours())}


@command("getNeighbor")
def get_neighbour(ncp: Ncp, values: Values) -> Values:
    """Return a router that is heard."""
    neighbours = ncp.air.neighbours()
    if values["index"] >= len(neighbours):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    node = neighbours[values["index"]]
    return {
        "value": {
            "id": node.nwk,
            "lqi": node.lqi,
            "in_cost": 1,
            "out_cost": 1,
            "age": 3,
            "eui64": node.eui64,
        }
    }


@command("getRouteTableEntry")
def get_route(ncp: Ncp, values: Values) -> Values:
    """Return an entry that is not used: routes are source routes here."""
    if values["index"] >= setting(ncp, ROUTES):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    return {"value": {"destination": 0xFFFF, "next": 0xFFFF, "status": 3}}


@command("setSourceRoute")
def set_source_route(ncp: Ncp, values: Values) -> Status:
    """Keep a route for the next message."""
    ncp.ram.source_routes[values["destination"]] = values["relays"]
    return Status.OK


@command("getSourceRouteTableTotalSize")
def source_routes_size(ncp: Ncp, _values: Values) -> Values:
    """Return how many routes there is room for."""
    return {"size": min(255, setting(ncp, SOURCE_ROUTES))}


@command("getSourceRouteTableFilledSize")
def source_routes_filled(ncp: Ncp, _values: Values) -> Values:
    """Return how many routes are known."""
    return {"size": min(255, len(ncp.ram.source_routes))}


@command("getSourceRouteTableEntry")
def source_route_entry(ncp: Ncp, values: Values) -> Values:
    """Return where a route leads."""
    routes = tuple(ncp.ram.source_routes)
    if values["index"] >= len(routes):
        return {"status": Status.INDEX_OUT_OF_RANGE}
    return {"destination": routes[values["index"]], "closer": 0xFF}


@command("getParentChildParameters")
def children(ncp: Ncp, _values: Values) -> Values:
    """Return how many children there are; a coordinator has no parent."""
    return {"children": len(ncp.flash.children), "parent_id": 0xFFFF}


@command("getChildData")
def get_child(ncp: Ncp, values: Values) -> Values:
    """Return a child."""
    child = ncp.flash.children.get(values["index"])
    return {"status": Status.NOT_JOINED} if child is None else {"child": child}


@command("setChildData")
def set_child(ncp: Ncp, values: Values) -> Status:
    """Restore a child; possible until the stack starts."""
    if values["index"] >= setting(ncp, CHILDREN):
        return Status.INDEX_OUT_OF_RANGE
    ncp.flash.children[values["index"]] = dict(values["child"])
    ncp.changed()
    return Status.OK


@command("childId")
def child_id(ncp: Ncp, values: Values) -> Values:
    """Return the network address of a child."""
    child = ncp.flash.children.get(values["index"])
    return {"id": child["id"] if child else 0xFFFF}
