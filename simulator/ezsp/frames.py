"""The frames of EZSP as data (UG100): number, versions, name, fields of command and response.

A row has no command fields where it is a callback (its name ends with "Handler").
Where a row of a name is for other versions, it replaces that one there.
"""

from dataclasses import dataclass
from functools import cache

from .fields import Fields, Type, plain

#: EZSP 15 was never released.
VERSIONS = (8, 9, 10, 11, 12, 13, 14, 16, 17, 18, 19)
#: From this version on all status codes are sl_status_t.
LONG_STATUS = 14

#: Structures by code; a number says from which version on it looks like this.
_STRUCTS = {
    "aps": (
        "profile:u16 cluster:u16 source:u8 destination:u8 options:u16 group:u16"
        " sequence:u8"
    ),
    "network": (
        "extended_pan:b8 pan:u16 power:i8 channel:u8 join_method:u8 manager:u16"
        " update_id:u8 channels:u32"
    ),
    "beacon": (
        "channel:u8 pan:u16 extended_pan:b8 open:bool stack_profile:u8 update_id:u8"
    ),
    "security": "bitmask:u16 link_key:b16 network_key:b16 sequence:u8 trust_center:u64",
    "current_security": "bitmask:u16 trust_center:u64",
    "key": (
        "bitmask:u16 type:u8 key:b16 outgoing:u32 incoming:u32 sequence:u8 partner:u64"
    ),
    "context": (
        "type:u8 index:u8 derived:{derived} eui64:u64 network:u8 flags:u8 psa:u32"
    ),
    "key_meta": "bitmask:u16 outgoing:u32 incoming:u32 ttl:u16",
    "key_info": "set:bool other_set:bool sequence:u8 other_sequence:u8 counter:u32",
    "transient": "eui64:u64 key:b16 bitmask:u16 remaining:u16",
    "multicast": "group:u16 endpoint:u8 network:u8",
    "binding": "type:u8 local:u8 cluster:u16 remote:u8 identifier:u64 network:u8",
    "child": "eui64:u64 type:u8 id:u16 phy:u8 power:u8 timeout:u8 {remaining}",
    "neighbour": "id:u16 lqi:u8 in_cost:u8 out_cost:u8 age:u8 eui64:u64",
    "route": "destination:u16 next:u16 status:u8 age:u8 concentrator:u8 record:u8",
    "radio": "power:i8 page:u8 channel:u8",
    "token": "key:u32 counter:bool indexed:bool size:{size} count:u8",
}

_ROWS = """
0000 8-    version: desired:u8 -> protocol:u8 stack_type:u8 stack:u16
0001 8-    getLibraryStatus: library:u8 -> status:u8
0002 8-    addEndpoint: endpoint:u8 profile:u16 device:u16 version:u8 inputs:u8 outputs:u8 clusters:u16* -> status:st
0003 8-    getExtendedValue: id:u8 characteristics:u32 -> status:st value:lv
0005 8-    nop: ->
0006 8-    callback: ->
0007 8-    noCallbacks: ->
0008 8-    getNumStoredBeacons: -> count:u8
0009 8-    setToken: id:u8 data:b8 -> status:st
000A 8-    getToken: id:u8 -> status:st data:b8
000B 8-    getMfgToken: id:u8 -> data:lv
000C 8-    setMfgToken: id:u8 data:lv -> status:st
000D 8-    stackTokenChangedHandler: -> address:u16
000E 8-    setTimer: timer:u8 time:u16 units:u8 repeat:bool -> status:st
0010 8-    setConcentrator: on:bool type:u16 least:u16 most:u16 route_errors:u8 failures:u8 hops:u8 -> status:st
0011 8-    setBrokenRouteErrorCode: code:u8 -> status:st
0012 8-    debugWrite: binary:bool message:lv -> status:st
0013 8-    getXncpInfo: -> status:st manufacturer:u16 version:u16
0014 8-    requestLinkKey: partner:u64 -> status:st
0015 8-13  setManufacturerCode: code:u16 ->
0015 14-   setManufacturerCode: code:u16 -> status:sl
0016 8-13  setPowerDescriptor: descriptor:u16 ->
0016 14-   setPowerDescriptor: descriptor:u16 -> status:sl
0017 8-    networkInit: bitmask:u16 -> status:st
0018 8-    networkState: -> state:u8
0019 8-    stackStatusHandler: -> status:st
001A 8-    startScan: type:u8 channels:u32 duration:u8 -> status:st
001B 8-    networkFoundHandler: -> network:beacon lqi:u8 rssi:i8
001C 8-    scanCompleteHandler: -> channel:u8 status:st
001D 8-    stopScan: -> status:st
001E 8-    formNetwork: parameters:network -> status:st
0020 8-13  leaveNetwork: -> status:st
0020 14-   leaveNetwork: options:rest -> status:st
0022 8-    permitJoining: duration:u8 -> status:st
0023 8-    childJoinHandler: -> index:u8 joining:bool id:u16 eui64:u64 type:u8
0024 8-    trustCenterJoinHandler: -> id:u16 eui64:u64 update:u8 decision:u8 parent:u16
0026 8-    getEui64: -> eui64:u64
0027 8-    getNodeId: -> id:u16
0028 8-    getNetworkParameters: -> status:st type:u8 parameters:network
0029 8-    getParentChildParameters: -> children:u8 parent:u64 parent_id:u16
002A 8-    clearBindingTable: -> status:st
002B 8-    setBinding: index:u8 value:binding -> status:st
002C 8-    getBinding: index:u8 -> status:st value:binding
002D 8-    deleteBinding: index:u8 -> status:st
002E 8-    bindingIsActive: index:u8 -> active:bool
0033 8-    maximumPayloadLength: -> length:u8
0034 8-13  sendUnicast: type:u8 destination:u16 aps:aps tag:u8 message:lv -> status:st sequence:u8
0034 14-   sendUnicast: type:u8 destination:u16 aps:aps tag:u16 message:lv -> status:st sequence:u8
0036 8-13  sendBroadcast: destination:u16 aps:aps radius:u8 tag:u8 message:lv -> status:st sequence:u8
0036 14-   sendBroadcast: alias:u16 destination:u16 nwk_sequence:u8 aps:aps radius:u8 tag:u16 message:lv -> status:st sequence:u8
0038 8-13  sendMulticast: aps:aps hops:u8 nonmember_radius:u8 tag:u8 message:lv -> status:st sequence:u8
0038 14-   sendMulticast: aps:aps hops:u8 broadcast:u16 alias:u16 nwk_sequence:u8 tag:u16 message:lv -> status:st sequence:u8
0039 8-    sendReply: sender:u16 aps:aps message:lv -> status:st
003C 8-13  clearStoredBeacons: ->
003C 14-   clearStoredBeacons: -> status:st
003E 8-    getNeighborFrameCounter: eui64:u64 -> status:st counter:u32
003F 8-13  messageSentHandler: -> type:u8 destination:u16 aps:aps tag:u8 status:st message:lv
003F 14-   messageSentHandler: -> status:st type:u8 destination:u16 aps:aps tag:u16 message:lv
0041 8-    sendManyToOneRouteRequest: type:u16 radius:u8 -> status:st
0044 8-10  pollHandler: -> child:u16
0044 11-   pollHandler: -> child:u16 expected:bool
0045 8-13  incomingMessageHandler: -> type:u8 aps:aps lqi:u8 rssi:i8 sender:u16 binding:u8 address:u8 message:lv
0045 14-   incomingMessageHandler: -> type:u8 aps:aps sender:u16 eui64:u64 binding:u8 address:u8 lqi:u8 rssi:i8 timestamp:u32 message:lv
0047 8-    customFrame: payload:lv -> status:st reply:lv
0048 8-    energyScanResultHandler: -> channel:u8 rssi:i8
0049 8-    getRandomNumber: -> status:st value:u16
004A 8-    getChildData: index:u8 -> status:st child:child
004E 8-    getTimer: timer:u8 -> time:u16 units:u8 repeat:bool
004F 8-    getTrueRandomEntropySource: -> source:u8
0052 8-    getConfigurationValue: id:u8 -> status:st value:u16
0053 8-    setConfigurationValue: id:u8 value:u16 -> status:st
0055 8-    setPolicy: id:u8 decision:u8 -> status:st
0056 8-    getPolicy: id:u8 -> status:st decision:u8
0057 8-13  sendPanIdUpdate: pan:u16 -> status:es
0057 14-   sendPanIdUpdate: pan:u16 -> sent:bool
0058 8-    invalidCommand: -> reason:st
0059 8-    incomingRouteRecordHandler: -> source:u16 eui64:u64 lqi:u8 rssi:i8 relays:lv16
005A 8-    setSourceRouteDiscoveryMode: mode:u8 -> remaining:u32
005B 8-    addressTableEntryIsActive: index:u8 -> active:bool
005C 8-13  setAddressTableRemoteEui64: index:u8 eui64:u64 -> status:st
005C 14-   setAddressTableInfo: index:u8 eui64:u64 id:u16 -> status:st
005D 8-13  setAddressTableRemoteNodeId: index:u8 id:u16 ->
005E 8-13  getAddressTableRemoteEui64: index:u8 -> eui64:u64
005E 14-   getAddressTableInfo: index:u8 -> status:st id:u16 eui64:u64
005F 8-13  getAddressTableRemoteNodeId: index:u8 -> id:u16
0060 8-13  lookupNodeIdByEui64: eui64:u64 -> id:u16
0060 14-   lookupNodeIdByEui64: eui64:u64 -> status:st id:u16
0061 8-    lookupEui64ByNodeId: id:u16 -> status:st eui64:u64
0063 8-    getMulticastTableEntry: index:u8 -> status:st value:multicast
0064 8-    setMulticastTableEntry: index:u8 value:multicast -> status:st
0065 8-    readAndClearCounters: -> values:u16*
0066 8-12  addOrUpdateKeyTableEntry: eui64:u64 link:bool key:b16 -> status:st
0067 8-    sendTrustCenterLinkKey: id:u16 eui64:u64 -> status:st
0068 8-    setInitialSecurityState: state:security -> status:st
0069 8-    getCurrentSecurityState: -> status:st state:current_security
006A 8-12  getKey: type:u8 -> status:st key:key
006B 8-    clearTransientLinkKeys: ->
006D 8-12  getTransientKeyTableEntry: index:u8 -> status:st data:transient
006E 8-    switchNetworkKeyHandler: -> sequence:u8
0071 8-12  getKeyTableEntry: index:u8 -> status:st key:key
0072 8-12  setKeyTableEntry: index:u8 eui64:u64 link:bool key:b16 -> status:st
0073 8-    broadcastNextNetworkKey: key:b16 -> status:st
0074 8-    broadcastNetworkKeySwitch: -> status:st
0075 8-    findKeyTableEntry: eui64:u64 link:bool -> index:u8
0076 8-    eraseKeyTableEntry: index:u8 -> status:st
0077 13-   tokenFactoryReset: keep_counter:bool keep_boots:bool ->
0079 8-    getNeighbor: index:u8 -> status:st value:neighbour
007A 8-    neighborCount: -> count:u8
007B 8-    getRouteTableEntry: index:u8 -> status:st value:route
007C 8-    idConflictHandler: -> id:u16
007E 8-13  setExtendedTimeout: eui64:u64 extended:bool ->
007E 14-   setExtendedTimeout: eui64:u64 extended:bool -> status:st
007F 8-13  getExtendedTimeout: eui64:u64 -> extended:bool
007F 14-   getExtendedTimeout: eui64:u64 -> status:st
0080 8-    incomingRouteErrorHandler: -> status:st target:u16
0081 8-    echo: data:lv -> echo:lv
0082 8-    replaceAddressTableEntry: index:u8 eui64:u64 id:u16 extended:bool -> status:st eui64:u64 id:u16 extended:bool
008F 8-    launchStandaloneBootloader: mode:u8 -> status:es
0091 8-    getStandaloneBootloaderVersionPlatMicroPhy: -> version:u16 platform:u8 micro:u8 phy:u8
0095 9-    setRadioIeee802154CcaMode: mode:u8 -> status:st
0099 8-    setRadioPower: power:i8 -> status:st
009A 8-    setRadioChannel: channel:u8 -> status:st
009B 8-    zigbeeKeyEstablishmentHandler: -> partner:u64 status:u8
009C 8-    energyScanRequest: target:u16 channels:u32 duration:u8 count:u16 -> status:st
009D 8-    delayTest: delay:u16 ->
00A8 8-    removeDevice: id:u16 eui64:u64 target:u64 -> status:st
00A9 8-    unicastNwkKeyUpdate: id:u16 eui64:u64 key:b16 -> status:st
00AA 8-    getValue: id:u8 -> status:st value:lv
00AB 8-    setValue: id:u8 value:lv -> status:st
00AC 9-    setChildData: index:u8 child:child -> status:st
00AD 9-    setNeighborFrameCounter: eui64:u64 counter:u32 -> status:st
00AE 8-    setSourceRoute: destination:u16 relays:lv16 -> status:st
00AF 8-12  addTransientLinkKey: eui64:u64 key:b16 -> status:st
00B1 8-    clearKeyTable: -> status:st
00B9 8-    setLogicalAndRadioChannel: channel:u8 -> status:st
00BA 8-    getLogicalChannel: -> channel:u8
00BE 8-    isZllNetwork: -> zll:bool
00C1 8-    getSourceRouteTableEntry: index:u8 -> status:st destination:u16 closer:u8
00C2 8-    getSourceRouteTableFilledSize: -> size:u8
00C3 8-    getSourceRouteTableTotalSize: -> size:u8
00C4 8-    incomingNetworkStatusHandler: -> error:u8 target:u16
00C8 8-    gpProxyTableGetEntry: index:u8 -> status:st entry:b84
00CE 8-12  getTransientLinkKey: eui64:u64 -> status:st data:transient
00DD 8-    gpSinkTableGetEntry: index:u8 -> status:st entry:b64
00E2 8-    gpSinkTableClearAll: ->
00F1 8-    readCounters: -> values:u16*
00F2 8-    counterRolloverHandler: -> type:u8
00FC 8-    getPhyInterfaceCount: -> count:u8
00FD 8-    getRadioParameters: index:u8 -> status:st parameters:radio
00FE 8-    writeNodeData: erase:bool -> status:st
0070 8-    gpSinkTableInit: ->
0100 9-17  getTokenCount: -> count:u8
0100 18-   getTokenCount: -> count:u32
0101 9-    getTokenInfo: index:u8 -> status:st info:token
0102 9-    getTokenData: token:u32 index:u32 -> status:st value:lv32
0103 9-    setTokenData: token:u32 index:u32 value:lv32 -> status:st
0104 9-    resetNode: ->
0105 12-   setPassiveAckConfig: config:u8 acks:u8 -> status:st
0106 12-   childId: index:u8 -> id:u16
010C 12-13 getApsKeyInfo: context:context -> eui64:u64 meta:key_meta status:sl
010C 14-   getApsKeyInfo: context:context -> status:sl meta:key_meta context:context
010D 12-13 exportLinkKeyByEui: eui64:u64 -> key:b16 index:u8 meta:key_meta status:sl
010D 14-   exportLinkKeyByEui: eui64:u64 -> status:sl context:context key:b16 meta:key_meta
010E 12-   importLinkKey: index:u8 eui64:u64 key:b16 -> status:sl
010F 12-13 exportLinkKeyByIndex: index:u8 -> eui64:u64 key:b16 meta:key_meta status:sl
010F 14-   exportLinkKeyByIndex: index:u8 -> status:sl context:context key:b16 meta:key_meta
0110 12-   checkKeyContext: context:context -> status:sl
0111 12-13 importTransientKey: eui64:u64 key:b16 flags:u8 -> status:sl
0111 14-   importTransientKey: eui64:u64 key:b16 -> status:sl
0112 12-13 exportTransientKeyByIndex: index:u8 -> context:context key:b16 meta:key_meta status:sl
0112 14-   exportTransientKeyByIndex: index:u8 -> status:sl context:context key:b16 meta:key_meta
0113 12-13 exportTransientKeyByEui: eui64:u64 -> context:context key:b16 meta:key_meta status:sl
0113 14-   exportTransientKeyByEui: eui64:u64 -> status:sl context:context key:b16 meta:key_meta
0114 12-13 exportKey: context:context -> key:b16 status:sl
0114 14-   exportKey: context:context -> status:sl key:b16 context:context
0115 12-13 importKey: context:context key:b16 -> status:sl
0115 14-   importKey: context:context key:b16 -> status:sl context:context
0116 13-   getNetworkKeyInfo: -> status:sl info:key_info
012B 14-17 radioSetSchedulerPriorities: priorities:rest ->
"""


@dataclass(frozen=True, slots=True)
class FrameType:
    """One frame of one version."""

    id: int
    name: str
    command: Fields
    response: Fields


class Frames:
    """All frames of a protocol version, by id and by name."""

    def __init__(self, version: int) -> None:
        """Initialize; `version` is one of VERSIONS."""
        self.version = version
        self._structs: dict[str, Fields] = {}
        rows = [
            self._row(identifier, text)
            for identifier, first, last, text in _rows()
            if first <= version <= last
        ]
        self.by_id = {row.id: row for row in rows}
        self.by_name = {row.name: row for row in rows}

    def _row(self, identifier: int, text: str) -> FrameType:
        name, _, both = text.partition(":")
        command, _, response = both.partition("->")
        return FrameType(
            identifier, name, Fields(command, self.find), Fields(response, self.find)
        )

    def find(self, code: str) -> Type:
        """Return the type of a code in this version."""
        if code == "st":
            return plain("sl" if self.version >= LONG_STATUS else "es")
        if code not in _STRUCTS:
            return plain(code)
        if code not in self._structs:
            text = _STRUCTS[code].format(
                derived="u8" if self.version < 13 else "u16",
                remaining="remaining:u32" if self.version >= 10 else "",
                size="u32" if self.version >= 19 else "u8",
            )
            self._structs[code] = Fields(text, self.find)
        return self._structs[code]


def _rows() -> list[tuple[int, int, int, str]]:
    rows = []
    for line in _ROWS.strip().splitlines():
        identifier, versions, text = line.split(maxsplit=2)
        first, _, last = versions.partition("-")
        rows.append((int(identifier, 16), int(first), int(last or 999), text))
    return rows


@cache
def frames(version: int) -> Frames:
    """Return the frames of a version."""
    return Frames(version)
