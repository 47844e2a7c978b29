"""What a device still lacks before it is handed over, and who has signed that it is there."""

from collections.abc import Iterator
import time
from typing import Any

from .core.device import SafetyDevice
from .core.house import House
from .core.selftests import SelfTest

RATED_CURRENT = "rated_current"
#: A test that is older is due again.
TEST_DAYS = 365


def is_passed(test: SelfTest | None) -> bool:
    """Return if a test is over, has found something, and is not due again."""
    return (
        test is not None
        and test.ended_at is not None
        and bool(test.found)
        and time.time() - test.at < TEST_DAYS * 86400
    )


def reports_tests(device: SafetyDevice) -> bool:
    """Return if a device tells when it tests itself; any other is tried by hand."""
    return "test" in device.by_measurement


def missing(house: House, device: SafetyDevice, area_id: str | None) -> Iterator[str]:
    """Yield codes of what keeps a device from being handed over, in order of the work."""
    if not area_id:
        yield "no_area"
    if device.settings.unread:
        # What is confirmed would be a default.
        yield "settings_unread"
    if (
        any(setting.key == RATED_CURRENT for setting in device.used_settings)
        and RATED_CURRENT not in device.settings.limits
    ):
        yield "rated_current_untouched"
    if not device.available or device.readings.get("unresponsive"):
        yield "not_heard"
    if reports_tests(device) and not is_passed(house.book.tests.last(device.uid)):
        yield "not_tested"


def sign_off(device: SafetyDevice, area_id: str | None, who: str) -> None:
    """Note in the settings of a device, which are then to be stored, who hands it over."""
    device.settings.signed_off = {
        "at": time.time(),
        "who": who,
        **_confirmed(device, area_id),
    }


def signed_off(device: SafetyDevice, area_id: str | None) -> dict[str, Any] | None:
    """Return the handover, None if there is none or what was confirmed has changed."""
    signed = device.settings.signed_off
    if signed and _confirmed(device, area_id).items() <= signed.items():
        return signed
    return None


def _confirmed(device: SafetyDevice, area_id: str | None) -> dict[str, Any]:
    """Return what a handover is of: it does not outlast a change of it."""
    return {
        "area_id": area_id,
        "protected": sorted(device.settings.protected),
        RATED_CURRENT: device.settings.limits.get(RATED_CURRENT),
    }
