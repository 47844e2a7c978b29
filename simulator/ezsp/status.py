"""Status codes: one byte up to EZSP 13, sl_status_t of four bytes from EZSP 14 on (UG100, appendix)."""

from enum import Enum


class Status(Enum):
    """Each as (EmberStatus or EzspStatus, sl_status_t)."""

    OK = (0x00, 0x0000)
    FAIL = (0x01, 0x0001)
    NOT_FOUND = (0x03, 0x002D)
    NO_BUFFERS = (0x18, 0x0019)
    #: EzspStatus: no version command yet, unknown frame, not a command, too short.
    VERSION_NOT_SET = (0x30, 0x0030)
    INVALID_FRAME = (0x31, 0x0031)
    WRONG_DIRECTION = (0x32, 0x0032)
    TRUNCATED = (0x33, 0x0033)
    OUT_OF_MEMORY = (0x35, 0x001A)
    INVALID_VALUE = (0x36, 0x0021)
    INVALID_ID = (0x37, 0x0021)
    EZSP_INVALID_CALL = (0x38, 0x0021)
    MAC_SCANNING = (0x3D, 0x004D)
    DELIVERY_FAILED = (0x66, 0x0C02)
    INVALID_BINDING_INDEX = (0x6C, 0x0027)
    INVALID_CALL = (0x70, 0x0002)
    TOO_MANY_MESSAGES = (0x72, 0x0C03)
    MESSAGE_TOO_LONG = (0x74, 0x0038)
    INVALID_CHANNEL = (0x8A, 0x0055)
    INVALID_POWER = (0x8B, 0x0056)
    NETWORK_UP = (0x90, 0x0015)
    NETWORK_DOWN = (0x91, 0x0016)
    NOT_JOINED = (0x93, 0x0017)
    PAN_ID_CHANGED = (0x9A, 0x0C16)
    CHANNEL_CHANGED = (0x9B, 0x0C17)
    NETWORK_OPENED = (0x9C, 0x0C18)
    NETWORK_CLOSED = (0x9D, 0x0C19)
    SECURITY_STATE_NOT_SET = (0xA8, 0x0C0B)
    SOURCE_ROUTE_FAILURE = (0xA9, 0x0C13)
    MANY_TO_ONE_ROUTE_FAILURE = (0xAA, 0x0C14)
    INDEX_OUT_OF_RANGE = (0xB1, 0x0027)
    TABLE_FULL = (0xB4, 0x001C)
    NOT_AVAILABLE = (0xB5, 0x000E)
    ENTRY_ERASED = (0xB6, 0x002D)
    BAD_ARGUMENT = (0x02, 0x0021)

    @property
    def byte(self) -> int:
        """Return it as EmberStatus or EzspStatus."""
        return self.value[0]

    @property
    def word(self) -> int:
        """Return it as sl_status_t."""
        return self.value[1]
