"""Versions, configuration, values and policies (UG100, "Configuration" and "Utilities")."""

from functools import partial
import random

from simulator.ezsp.ash import ResetCode
from simulator.ezsp.fields import Values
from simulator.ezsp.ncp import Ncp
from simulator.ezsp.registry import command
from simulator.ezsp.status import Status

from .defaults import CONFIGURATION, POLICIES, STACK_VERSIONS, TABLE_SIZES, VALUES

MESH_STACK = 2
GENERAL_AVAILABILITY = 0xAA
BUILD = 397
NODE_ID, VERSION_INFO, NWK_COUNTER, APS_COUNTER = 0x0B, 0x11, 0x23, 0x24
CLEAR_COUNTERS = 0x19
MESSAGE_CONTENTS_POLICY = 0x04


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
    if ncp.ram.network_up and number in TABLE_SIZES:
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
