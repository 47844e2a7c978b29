"""Versions, configuration, values and policies (UG100, "Configuration" and "Utilities")."""

from functools import partial
import random

from simulator.ezsp.ash import ResetCode
from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.status import Status

MESH_STACK = 2
#: EmberZNet release by protocol version, four digits of a byte and a half.
STACK_VERSIONS = {
    8: 0x6780,
    9: 0x7020,
    10: 0x7130,
    11: 0x7220,
    12: 0x7310,
    13: 0x7440,
    14: 0x8020,
    16: 0x8110,
    17: 0x8220,
    18: 0x9000,
    19: 0xA000,
}
GENERAL_AVAILABILITY = 0xAA
BUILD = 397

#: Default by EzspConfigId.
CONFIGURATION = {
    0x01: 255,  # packet buffers
    0x02: 26,  # neighbour table
    0x03: 64,  # unicasts on their way
    0x04: 32,  # binding table
    0x05: 16,  # address table
    0x06: 16,  # multicast table
    0x07: 16,  # route table
    0x08: 8,  # discovery table
    0x0C: 0,  # stack profile
    0x0D: 5,  # security level
    0x10: 30,  # hops
    0x11: 32,  # end device children
    0x12: 3000,  # indirect transmission time-out, ms
    0x13: 5,  # end device poll time-out
    0x17: 0,  # transmit power mode
    0x18: 0,  # no relaying
    0x19: 0,  # trust center address cache
    0x1A: 32,  # source route table
    0x1C: 1,  # fragment window
    0x1D: 0,  # fragment delay, ms
    0x1E: 12,  # key table
    0x1F: 1600,  # APS acknowledgement time-out, ms
    0x20: 3,  # active scan duration
    0x21: 60,  # end device bind time-out, s
    0x22: 1,  # PAN id conflict reports
    0x24: 0,  # request key time-out, min
    0x29: 1,  # certificate table
    0x2A: 0,  # application ZDO flags
    0x2B: 15,  # broadcast table
    0x2C: 0,  # MAC filters
    0x2D: 1,  # networks
    0x2E: 0,  # multicasts to sleepy devices
    0x2F: 0,  # ZLL groups
    0x30: 0,  # ZLL RSSI threshold
    0x33: 1,  # MTORR flow control
    0x34: 16,  # retry queue
    0x35: 12,  # new broadcast entry threshold
    0x36: 300,  # transient key time-out, s
    0x37: 255,  # broadcast acknowledgements
    0x38: 300,  # rejoins with the well-known key, s
    0x39: 0,  # crystal tuning
    0x40: 0,  # assumed trust center concentrator
    0x41: 5,  # green power proxies
    0x42: 0,  # green power sinks
}
#: Memory is divided before the stack starts.
_TABLE_SIZES = {
    *range(0x01, 0x09),
    0x11,
    0x19,
    0x1A,
    0x1E,
    0x29,
    0x2B,
    0x2C,
    0x2D,
    0x2F,
}

#: Default by EzspValueId, where it is not computed.
VALUES = {
    0x01: bytes(2),  # MAC pass-through
    0x02: bytes(2),
    0x03: (0xF0).to_bytes(2, "little"),  # free buffers
    0x04: b"\1",  # synchronous callbacks
    0x05: (82).to_bytes(2, "little"),  # longest transfers
    0x06: (82).to_bytes(2, "little"),
    0x07: b"\1",  # writing of stack tokens
    0x08: b"\0",  # rejoining
    0x0A: bytes(2),  # extended security
    0x0C: b"\0",  # descriptor capability
    0x0D: b"\0",  # ZDO sequence
    0x0E: b"\0",  # radio hold-off
    0x10: bytes(4),
    0x12: b"\0",
    0x13: b"\0",
    0x14: b"\0",
    0x15: b"\0",  # CCA threshold
    0x17: bytes(3),
    0x18: b"",
    0x19: b"",
    0x29: b"\1",
    0x30: b"\0",
    0x31: b"\0",
    0x32: bytes(4),
    0x33: b"\0",
    0x34: b"\0",
    0x38: b"\0",
    0x39: bytes(4),
    0x3A: b"\0",  # transmit after failed CCA
    0x3B: (300).to_bytes(2, "little"),
    0x3D: b"\3",
    0x3E: b"\0",
    0x3F: b"\3",
    0x41: b"\0",
    0x43: (10_000).to_bytes(2, "little"),  # transient devices, ms
    0x44: b"\0",
    0x45: b"\0",
    0x46: b"\3",
    0x47: b"\1",
    0x48: b"\0",
}
NODE_ID, VERSION_INFO, NWK_COUNTER, APS_COUNTER = 0x0B, 0x11, 0x23, 0x24
CLEAR_COUNTERS = 0x19
ENDPOINT_FLAGS, LEAVE_REASON, ROUTE_OVERHEAD, MEMORY = range(4)
MESSAGE_CONTENTS_POLICY, TRUST_CENTER_POLICY = 0x04, 0x00

#: Default by EzspPolicyId.
POLICIES = {
    0: 0x01,
    1: 0x10,
    2: 0x20,
    3: 0x30,
    4: 0x40,
    5: 0x50,
    6: 0x60,
    7: 0x62,
    8: 1,
    9: 0,
}


@command("version")
def version(ncp: Ncp, values: Values) -> Values:
    """Say which version this is; they agree when the host wants the same."""
    ncp.ram.agreed = values["desired"] == ncp.version
    return {
        "protocol": ncp.version,
        "stack_type": MESH_STACK,
        "stack": STACK_VERSIONS[ncp.version],
    }


@command("getConfigurationValue")
def get_configuration(ncp: Ncp, values: Values) -> Values:
    """Return a setting."""
    number = values["id"]
    if number not in CONFIGURATION:
        return {"status": Status.INVALID_ID}
    return {"value": setting(ncp, number)}


def setting(ncp: Ncp, number: int) -> int:
    """Return a setting by EzspConfigId."""
    return ncp.ram.configuration.get(number, CONFIGURATION[number])


@command("setConfigurationValue")
def set_configuration(ncp: Ncp, values: Values) -> Status:
    """Change a setting."""
    number = values["id"]
    if number not in CONFIGURATION:
        return Status.INVALID_ID
    if ncp.ram.network_up and number in _TABLE_SIZES:
        return Status.EZSP_INVALID_CALL
    ncp.ram.configuration[number] = values["value"]
    return Status.OK


def _version_info(ncp: Ncp) -> bytes:
    stack = STACK_VERSIONS[ncp.version]
    digits = (stack >> 12, stack >> 8 & 15, stack >> 4 & 15, stack & 15)
    return BUILD.to_bytes(2, "little") + bytes((*digits, GENERAL_AVAILABILITY))


@command("getValue")
def get_value(ncp: Ncp, values: Values) -> Values:
    """Return a value."""
    number = values["id"]
    match number:
        case _ if number == NODE_ID:
            value = (0 if ncp.ram.network_up else 0xFFFE).to_bytes(2, "little")
        case _ if number == VERSION_INFO:
            value = _version_info(ncp)
        case _ if number == NWK_COUNTER:
            value = ncp.flash.nwk_counter.to_bytes(4, "little")
        case _ if number == APS_COUNTER:
            value = ncp.flash.aps_counter.to_bytes(4, "little")
        case _ if number in VALUES:
            value = ncp.ram.values.get(number, VALUES[number])
        case _:
            return {"status": Status.INVALID_ID}
    return {"value": value}


@command("setValue")
def set_value(ncp: Ncp, values: Values) -> Status:
    """Change a value."""
    number, value = values["id"], values["value"]
    if number in {NWK_COUNTER, APS_COUNTER}:
        if ncp.ram.network_up or len(value) != 4:
            return Status.EZSP_INVALID_CALL
        counter = int.from_bytes(value, "little")
        if number == NWK_COUNTER:
            ncp.flash.nwk_counter = counter
        else:
            ncp.flash.aps_counter = counter
        ncp.changed()
        return Status.OK
    if number in {NODE_ID, VERSION_INFO}:
        return Status.INVALID_VALUE
    if number not in VALUES:
        return Status.INVALID_ID
    if number == CLEAR_COUNTERS:
        ncp.ram.counters[:] = [0] * len(ncp.ram.counters)
    ncp.ram.values[number] = value
    return Status.OK


@command("getExtendedValue")
def get_extended_value(ncp: Ncp, values: Values) -> Values:
    """Return a value that depends on another one."""
    match values["id"]:
        case 0 if values["characteristics"] in ncp.ram.endpoints:
            return {"value": b"\1\0"}
        case 0:
            # The firmware sets the length of the value before it looks for the endpoint.
            return {"status": Status.INVALID_VALUE, "value": b"\0\0"}
        case 1:
            return {"value": bytes(3)}
        case 2:
            route = ncp.ram.source_routes.get(values["characteristics"], ())
            return {"value": bytes((2 * len(route) + 2 if route else 0,))}
        case 3:
            return {"value": bytes(4)}
    return {"status": Status.INVALID_ID}


@command("setPolicy")
def set_policy(ncp: Ncp, values: Values) -> Status:
    """Change how the co-processor decides."""
    if values["id"] not in POLICIES:
        return Status.INVALID_ID
    ncp.ram.policies[values["id"]] = values["decision"]
    return Status.OK


@command("getPolicy")
def get_policy(ncp: Ncp, values: Values) -> Values:
    """Return how the co-processor decides."""
    if values["id"] not in POLICIES:
        return {"status": Status.INVALID_ID}
    return {"decision": policy(ncp, values["id"])}


def policy(ncp: Ncp, number: int) -> int:
    """Return a decision by EzspPolicyId."""
    return ncp.ram.policies.get(number, POLICIES[number])


@command("addEndpoint")
def add_endpoint(ncp: Ncp, values: Values) -> Status:
    """Register an endpoint of the host; possible until the stack starts."""
    if ncp.ram.network_up:
        return Status.EZSP_INVALID_CALL
    inputs, outputs = values["inputs"], values["outputs"]
    if len(values["clusters"]) != inputs + outputs or values["endpoint"] in {0, 0xFF}:
        return Status.INVALID_VALUE
    ncp.ram.endpoints[values["endpoint"]] = {
        "profile": values["profile"],
        "device": values["device"],
        "version": values["version"],
        "servers": values["clusters"][:inputs],
        "clients": values["clusters"][inputs:],
    }
    return Status.OK


@command("setManufacturerCode")
def set_manufacturer(ncp: Ncp, values: Values) -> None:
    """Set what the node descriptor says."""
    ncp.ram.manufacturer = values["code"]


@command(
    "nop",
    "callback",
    "noCallbacks",
    "debugWrite",
    "setPowerDescriptor",
    "setBrokenRouteErrorCode",
    "setPassiveAckConfig",
    "setRadioIeee802154CcaMode",
    "radioSetSchedulerPriorities",
    "setTimer",
    "getTimer",
    "delayTest",
    "writeNodeData",
    "getNumStoredBeacons",
    "clearStoredBeacons",
    "gpSinkTableInit",
    "gpSinkTableClearAll",
    "isZllNetwork",
    "getTrueRandomEntropySource",
)
def accept(_ncp: Ncp, _values: Values) -> None:
    """Do what nobody sees, and answer with zeros."""


@command("getXncpInfo", "customFrame", "requestLinkKey")
def not_available(_ncp: Ncp, _values: Values) -> Status:
    """Refuse what this firmware was built without."""
    return Status.NOT_AVAILABLE


@command("gpProxyTableGetEntry", "gpSinkTableGetEntry")
def no_entry(_ncp: Ncp, _values: Values) -> Status:
    """Say that there is no such entry."""
    return Status.NOT_FOUND


@command("echo")
def echo(_ncp: Ncp, values: Values) -> Values:
    """Return the same bytes."""
    return {"echo": values["data"]}


@command("getLibraryStatus")
def library_status(_ncp: Ncp, _values: Values) -> Values:
    """Say that a library is there, and of which kind."""
    return {"status": 0x80}


@command("getRandomNumber")
def random_number(_ncp: Ncp, _values: Values) -> Values:
    """Return any number."""
    return {"value": random.getrandbits(16)}


@command("getPhyInterfaceCount")
def interfaces(_ncp: Ncp, _values: Values) -> Values:
    """Return that there is one radio."""
    return {"count": 1}


@command("maximumPayloadLength")
def payload_length(_ncp: Ncp, _values: Values) -> Values:
    """Return how long a message may be."""
    return {"length": LONGEST_MESSAGE}


#: Bytes of an APS payload with network security.
LONGEST_MESSAGE = 82


@command("getStandaloneBootloaderVersionPlatMicroPhy")
def bootloader(_ncp: Ncp, _values: Values) -> Values:
    """Return which bootloader is there: none."""
    return {"version": 0xFFFF}


@command("launchStandaloneBootloader")
def launch_bootloader(_ncp: Ncp, _values: Values) -> Status:
    """Refuse: there is none."""
    return Status.FAIL


@command("resetNode")
def reset_node(ncp: Ncp, _values: Values) -> None:
    """Reset after the answer."""
    ncp.timers.later(0.02, partial(ncp.reset, ResetCode.SOFTWARE))
