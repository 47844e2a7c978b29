"""Messages of the host to devices (UG100, "Messaging")."""

from functools import partial

from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.status import Status

from .configuration import LONGEST_MESSAGE, MESSAGE_CONTENTS_POLICY, policy, setting

#: EmberOutgoingMessageType.
DIRECT, VIA_ADDRESS_TABLE, VIA_BINDING, MULTICAST, BROADCAST = 0, 1, 2, 3, 6
UNICASTS = 0x03
FRAGMENT = 0x8000
TAG_AND_CONTENTS = 0x41
#: EmberCounterType.
TX_UNICAST, TX_UNICAST_FAILED, TX_BROADCAST = 9, 11, 7


def _obstacle(ncp: Ncp, values: Values) -> Status | None:
    """Return why a message cannot be sent."""
    if not ncp.ram.network_up:
        return Status.NETWORK_DOWN
    if ncp.full:
        return Status.NO_BUFFERS
    fragment = values["aps"]["options"] & FRAGMENT
    if len(values["message"]) > LONGEST_MESSAGE and not fragment:
        return Status.MESSAGE_TOO_LONG
    return None


def _destination(ncp: Ncp, values: Values) -> int | None:
    """Return the network address that a message is for."""
    target = values["destination"]
    if values["type"] == DIRECT:
        return int(target)
    if values["type"] == VIA_ADDRESS_TABLE and target in ncp.ram.addresses:
        eui64, node_id = ncp.ram.addresses[target]
    elif values["type"] == VIA_BINDING and target in ncp.ram.bindings:
        eui64, node_id = ncp.ram.bindings[target]["identifier"], 0xFFFF
    else:
        return None
    node = ncp.air.by_eui64.get(eui64)
    return node.nwk if node else node_id


def _next_sequence(ncp: Ncp) -> int:
    ncp.ram.aps_sequence = (ncp.ram.aps_sequence + 1) % 256
    ncp.flash.nwk_counter = (ncp.flash.nwk_counter + 1) & 0xFFFFFFFF
    return ncp.ram.aps_sequence


def _sent(ncp: Ncp, values: Values, kind: int, destination: int) -> Values:
    """Return what the host is told of a message that was sent."""
    wanted = policy(ncp, MESSAGE_CONTENTS_POLICY) == TAG_AND_CONTENTS
    return {
        "type": kind,
        "destination": destination,
        "aps": values["aps"],
        "tag": values["tag"],
        "message": values["message"] if wanted else b"",
    }


@command("sendUnicast")
def send_unicast(ncp: Ncp, values: Values) -> Values:
    """Send to one device; whether it arrived is told later."""
    obstacle = _obstacle(ncp, values)
    if obstacle is None and ncp.ram.in_flight >= setting(ncp, UNICASTS):
        obstacle = Status.TOO_MANY_MESSAGES
    destination = _destination(ncp, values)
    if destination is None:
        obstacle = Status.BAD_ARGUMENT
    if obstacle or destination is None:
        return {"status": obstacle}
    sequence = values["aps"]["sequence"] = _next_sequence(ncp)
    ram = ncp.ram
    ram.in_flight += 1
    result = _sent(ncp, values, values["type"], values["destination"])

    def done(status: Status) -> None:
        if ncp.ram is not ram:
            return
        ram.in_flight -= 1
        ncp.count(TX_UNICAST if status is Status.OK else TX_UNICAST_FAILED)
        ncp.callback("messageSentHandler", result | {"status": status})

    ncp.air.unicast(destination, values["aps"], values["message"], done)
    return {"sequence": sequence}


@command("sendBroadcast")
def send_broadcast(ncp: Ncp, values: Values) -> Values:
    """Send to all devices, or those that listen."""
    obstacle = _obstacle(ncp, values)
    if obstacle:
        return {"status": obstacle}
    sequence = values["aps"]["sequence"] = _next_sequence(ncp)
    ncp.count(TX_BROADCAST)
    ncp.air.broadcast(values["destination"], values["aps"], values["message"])
    ncp.air.soon(
        partial(
            ncp.callback,
            "messageSentHandler",
            _sent(ncp, values, BROADCAST, values["destination"]),
        )
    )
    return {"sequence": sequence}


@command("sendMulticast")
def send_multicast(ncp: Ncp, values: Values) -> Values:
    """Send to the members of a group."""
    obstacle = _obstacle(ncp, values)
    if obstacle:
        return {"status": obstacle}
    sequence = values["aps"]["sequence"] = _next_sequence(ncp)
    ncp.count(TX_BROADCAST)
    ncp.air.multicast(values["aps"], values["message"])
    ncp.air.soon(
        partial(
            ncp.callback,
            "messageSentHandler",
            _sent(ncp, values, MULTICAST, values["aps"]["group"]),
        )
    )
    return {"sequence": sequence}


@command("sendReply")
def send_reply(ncp: Ncp, _values: Values) -> Status:
    """Send along with an APS acknowledgement; nobody here waits for one."""
    return Status.OK if ncp.ram.network_up else Status.NETWORK_DOWN
