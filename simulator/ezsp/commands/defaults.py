"""What a co-processor is set to when it starts, by version and by number (UG100, appendix)."""

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
TABLE_SIZES = {
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
