"""What attributes hold, in whatever words a quirk or a device has for it."""

from typing import Any
from unittest.mock import Mock

import pytest
from zha.application import Platform
from zhaquirks.tuya.ts0601_rcbo import FaultCode
from zhaquirks.tuya.tuya_smoke import TuyaSmokeState
import zigpy.types as t

from custom_components.community_safety.gateways.zigbee.devices.table import (
    ATTRIBUTES,
    Row,
)
from custom_components.community_safety.gateways.zigbee.devices.values import reader


class Bits(t.bitmap16):
    """A fault of a breaker, as Tuya's data points have it: several at a time."""

    OVERLOAD = 1 << 0
    LEAKAGE = 1 << 9


def row_of(measurement: str, attribute: str) -> Row:
    """Return the row of the table that an attribute is of."""
    return next(
        row
        for row in ATTRIBUTES
        if row.measurement == measurement and attribute in row.attributes
    )


def read(measurement: str, attribute: str, raw: Any, entity: Any = None) -> Any:
    """Return the reading that an attribute's value is."""
    convert = reader(row_of(measurement, attribute), Mock(cluster_id=0xEF00), entity)
    assert convert is not None
    return convert(raw)


@pytest.mark.parametrize(
    ("raw", "tripped"),
    [
        (FaultCode.CLEAR, False),
        (FaultCode.OVERLEAKAGECURRENT, True),
        # Two faults together are none of the quirk's words.
        (FaultCode(0x0C), True),
        (Bits(0), False),
        (Bits.LEAKAGE, True),
        (Bits.OVERLOAD | Bits.LEAKAGE, True),
        (0, False),
        (0x200, True),
        (1.0, True),
        (b"\0\0", False),
        (b"\0\x02", True),
        ("clear", False),
        ("no_fault", False),
        ("Normal", False),
        ("False", False),
        ("True", True),
        ("ov_cr", True),
        ("fault of tomorrow", True),
        (t.enum8(0), False),
        (t.enum8(3), True),
    ],
)
def test_fault_of_a_breaker(raw: Any, tripped: bool) -> None:
    """Whatever is not calm has tripped.

    Tuya's breakers have a code (zigpy/zha-device-handlers#2559), a bitmap, a word
    (Koenkk/zigbee-herdsman-converters#10138), or several bits at once.
    """
    assert read("tripped", "fault", raw) is tripped


@pytest.mark.parametrize(
    ("raw", "smoke"),
    [
        # Number zero is the alarm (zigpy/zha-device-handlers#3421).
        (TuyaSmokeState.Alarm, True),
        (TuyaSmokeState.Normal, False),
        (TuyaSmokeState.Detecting, False),
        (True, True),
        (0, False),
        ("alarm", True),
        ("no_alarm", False),
        ("ON", True),
        ("off", False),
    ],
)
def test_smoke(raw: Any, smoke: bool) -> None:
    """Words count, not their numbers, also where the library has an entity for them."""
    assert read("smoke", "smoke_state", raw) is smoke
    entity = Mock(PLATFORM=Platform.BINARY_SENSOR, is_on=smoke)
    assert read("smoke", "smoke_state", raw, entity) is smoke


@pytest.mark.parametrize(
    "raw", [TuyaSmokeState.Unknown, TuyaSmokeState(9), "silenced", None, [1]]
)
def test_a_word_for_smoke_that_nobody_knows(raw: Any) -> None:
    """It is neither smoke nor calm: that is for somebody to see."""
    with pytest.raises(ValueError):
        read("smoke", "smoke_state", raw)


def test_batteries_have_words_of_their_own() -> None:
    """A battery that is full is not low."""
    assert read("battery_low", "battery_state", "low") is True
    assert read("battery_low", "battery_state", "Middle") is False
